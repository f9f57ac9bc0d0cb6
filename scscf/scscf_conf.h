/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the S-CSCF. */
#pragma once

#include "common/diameter/dia_conf.h"
#include "common/sip/sip_conf.h"
#include "common/trace/trace_conf.h"

enum scscf_when { SCSCF_NEVER, SCSCF_ALWAYS };
enum scscf_overflow { SCSCF_REFUSE_NEW, SCSCF_REPLACE_OLDEST };
enum scscf_unprotected { SCSCF_REFUSE, SCSCF_ACCEPT };

/* Bindings of one implicit registration set; also what one REGISTER may carry. */
#define SCSCF_CONTACTS_MAX 8

/* Vectors of one MAR, and those kept per IMPI. */
#define SCSCF_VECTORS_MAX 8

struct scscf_conf {
        struct sip_conf sip;
        struct dia_conf dia;
        struct trace_conf trace;
        char *name;                    /* SIP URI: the Server-Name on Cx */
        struct conf_list home_domains; /* char *: the first one is the home network in IOIs and challenges */
        char *icscf;                   /* SIP URI, or NULL */
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
};

extern const struct conf_schema scscf_conf_schema;

/* True when the host is one of the home domains (case ignored). */
bool scscf_conf_is_home(const struct scscf_conf *c, struct span host);

/* The first home domain. */
struct span scscf_conf_home(const struct scscf_conf *c);
