/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the I-CSCF. */
#pragma once

#include "common/diameter/dia_conf.h"
#include "common/sip/sip_conf.h"
#include "common/net/core_net.h"
#include "common/trace/trace_conf.h"

/* One S-CSCF of the pool. */
struct icscf_conf_scscf {
        char *uri;
        char *capabilities; /* "1,2" */
        uint32_t priority;
};

struct icscf_conf {
        struct sip_conf sip;
        struct dia_conf dia;
        struct trace_conf trace;
        struct conf_list networks;     /* struct core_net_link_conf */
        char *trust_domain;            /* or NULL */
        struct conf_list home_domains; /* char * */
        struct conf_list trusted;      /* char *: ADDRESS or ADDRESS/BITS; empty: everybody */
        struct conf_list pool;         /* struct icscf_conf_scscf */
        uint32_t scscf_answer_ms, scscf_total_ms;
};

extern const struct conf_schema icscf_conf_schema;
