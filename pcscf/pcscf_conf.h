/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the P-CSCF. */
#pragma once

#include "common/sip/sip_conf.h"
#include "common/trace/trace_conf.h"
#include "pcscf/security_conf.h"

/* What kind of access network a UE comes from (TS 33.203 P.3). */
enum access_type { ACCESS_3GPP, ACCESS_NASS, ACCESS_OTHER };

struct pcscf_range {
        char *prefix; /* "10.0.0.0/8", "2001:db8::/32" */
        int type;     /* enum access_type */
        char *pani;   /* may be NULL */
};

struct pcscf_conf {
        struct sip_conf sip; /* core side */
        struct trace_conf trace;
        struct conf_list gm_listen; /* char * */
        struct conf_list trusted;   /* char *, addresses of the core */
        uint32_t gm_t1_ms, gm_t2_ms;
        char *icscf; /* may be NULL */
        uint32_t icscf_answer_ms;
        char *visited_network;
        char *ioi; /* may be NULL: "Type 1" and the visited network */
        int access_type;
        bool pani_aware;
        char *pani;              /* may be NULL */
        struct conf_list ranges; /* struct pcscf_range */
        bool only_ranges;
        uint32_t max_registrations, max_pending, max_per_source;
        uint32_t max_asked_per_source, max_refusals;
        uint32_t await_auth_ms;
        struct security_conf security;
        char *control;                      /* may be NULL */
        char *psap;                         /* may be NULL */
        struct conf_list emergency_numbers; /* char * */
};

extern const struct conf_schema pcscf_conf_schema;
