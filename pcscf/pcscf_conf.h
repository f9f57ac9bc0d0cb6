/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the P-CSCF. */
#pragma once

#include "common/sip/sip_conf.h"
#include "common/net/core_net.h"
#include "common/trace/trace_conf.h"
#include "pcscf/security_conf.h"

/* What kind of access network a UE comes from (TS 33.203 P.3). */
enum access_type { ACCESS_3GPP, ACCESS_NASS, ACCESS_OTHER };

/* SIP Digest that comes without TLS, and from a 3GPP access. */
enum digest_without_tls { DIGEST_REFUSE, DIGEST_ACCEPT };
enum digest_without_outbound { WITHOUT_OUTBOUND_NO_NAT, WITHOUT_OUTBOUND_ACCEPT, WITHOUT_OUTBOUND_REFUSE };
enum prefer { PREFER_IPSEC, PREFER_TLS }; /* when a UE offers both */
enum digest_on_3gpp { DIGEST_3GPP_REFUSE, DIGEST_3GPP_DISCARD };

struct pcscf_range {
        char *prefix; /* "10.0.0.0/8", "2001:db8::/32" */
        int type;     /* enum access_type */
        char *pani;   /* may be NULL */
};

struct pcscf_conf {
        struct sip_conf sip; /* core side */
        struct trace_conf trace;
        struct conf_list networks;  /* struct core_net_link_conf */
        char *trust_domain;         /* or NULL */
        struct conf_list gm_listen; /* char * */
        struct tls_conf gm_tls;
        struct conf_list trusted; /* char *, addresses of the core */
        uint32_t gm_t1_ms, gm_t2_ms;
        uint32_t keep_udp_ms, keep_stream_ms; /* 0: keep-alives are not negotiated */
        char *icscf;                          /* may be NULL */
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
        uint32_t new_per_source, new_of_all, registered_per_ue; /* REGISTERs per second, 0: no limit */
        uint32_t await_auth_ms;
        int digest_without_tls;      /* enum digest_without_tls */
        int digest_without_outbound; /* enum digest_without_outbound */
        int digest_on_3gpp;          /* enum digest_on_3gpp */
        bool digest_no_spoofing;
        bool tls_sec_agree;
        int prefer; /* enum prefer */
        struct security_conf security;
        char *control;                      /* may be NULL */
        char *psap;                         /* may be NULL */
        struct conf_list emergency_numbers; /* char * */
};

extern const struct conf_schema pcscf_conf_schema;
