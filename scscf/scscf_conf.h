/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the S-CSCF. */
#pragma once

#include "common/diameter/dia_conf.h"
#include "common/sip/sip_conf.h"
#include "common/net/core_net.h"
#include "common/trace/trace_conf.h"

enum scscf_when { SCSCF_NEVER, SCSCF_ALWAYS };
enum scscf_overflow { SCSCF_REFUSE_NEW, SCSCF_REPLACE_OLDEST };
enum scscf_unprotected { SCSCF_REFUSE, SCSCF_ACCEPT };

enum scscf_requests { SCSCF_REQUESTS_NEVER, SCSCF_REQUESTS_UNPROTECTED, SCSCF_REQUESTS_ALWAYS };
enum scscf_failed { SCSCF_FAILED_CHALLENGE, SCSCF_FAILED_REFUSE };
enum scscf_tls_yes { SCSCF_TLS_ACCEPT, SCSCF_TLS_CHALLENGE };
enum scscf_nextnonce { SCSCF_NEXTNONCE_NEVER, SCSCF_NEXTNONCE_NEAR_END, SCSCF_NEXTNONCE_ALWAYS };

/* SIP Digest (TS 33.203 N.2, PKT-TR-SEC 6.1.2.2). */
struct scscf_digest_conf {
        uint32_t nonce_lifetime_ms, nonce_uses;
        uint32_t old_ha1_lifetime_ms;
        int nextnonce;      /* enum scscf_nextnonce */
        int requests;       /* enum scscf_requests */
        int failed_request; /* enum scscf_failed */
        uint32_t max_failures;
        int tls_yes; /* enum scscf_tls_yes */
        bool keep_ha1, opaque;
};

/* Bindings of one implicit registration set; also what one REGISTER may carry. */
#define SCSCF_CONTACTS_MAX 8

/* Vectors of one MAR, and those kept per IMPI. */
#define SCSCF_VECTORS_MAX 8

struct scscf_conf {
        struct sip_conf sip;
        struct dia_conf dia;
        struct trace_conf trace;
        struct conf_list networks;     /* struct core_net_link_conf */
        char *name;                    /* SIP URI: the Server-Name on Cx */
        struct conf_list home_domains; /* char *: the first one is the home network in IOIs and challenges */
        char *icscf;                   /* SIP URI, or NULL */
        char *trust_domain;            /* that the home domains lie in, or NULL */
        struct conf_list trusted;      /* char *: addresses; empty: everybody */
        uint32_t min_expires_s, max_expires_s, default_expires_s, expiry_guard_ms;
        uint32_t max_contacts;
        int overflow;                                /* enum scscf_overflow */
        int reauthenticate, reauthenticate_new_impu; /* enum scscf_when */
        int unprotected_response;                    /* enum scscf_unprotected */
        uint32_t await_auth_ms;
        uint32_t max_failures;
        bool keep_profile, restoration_info;
        uint32_t vectors;
        struct scscf_digest_conf digest;
        char *control; /* path, or NULL */
};

extern const struct conf_schema scscf_conf_schema;

/* SIP is taken from nodes of configuration alone: what they say of the UE's protection counts
 * (TS 24.229 4.4). */
bool scscf_conf_knows_senders(const struct scscf_conf *c);

/* The first home domain. */
struct span scscf_conf_home(const struct scscf_conf *c);
