/* SPDX-License-Identifier: BSD-3-Clause
 * A REGISTER as the registrar reads it. TS 24.229 5.4.1.2, RFC 3261 10.3. */
#pragma once

#include "common/trace/verdict.h"
#include "scscf/contact.h"
#include "scscf/scheme.h"

struct reg_request {
        const struct sip_msg *msg; /* borrowed; spans below point into it or into text */
        struct span impi, impu;    /* impu canonical */
        struct sip_digest_credentials auth;
        struct span auts;
        bool has_auts;
        bool foreign_realm; /* realm is no home domain */
        bool protected_;    /* integrity-protected="yes" */
        struct scheme_input scheme;
        struct contact_ops contacts;
        struct contact_origin origin;
        bool visited_home; /* the P-CSCF is in the home network */
        struct buf text;   /* identities and path where the message does not hold them in one piece */
};

/* What refuses a request before anything is asked of anybody. */
struct reg_refusal {
        int status;
        const char *reason; /* phrase for a 400, or NULL */
        enum verdict_cause cause;
        const char *clause;
        struct span evidence; /* what was wrong; borrowed from the message or static */
};

/* Reads m. 0; -IMS_EPARSE with *why filled (then out may still be partly filled, for the verdict);
 * -IMS_ENOMEM. Call reg_request_clear in every case. */
int reg_request_read(const struct sip_msg *m, const struct scscf_conf *conf, struct reg_request *out,
                     struct reg_refusal *why) IMS_CHECK;
void reg_request_clear(struct reg_request *r);

/* registration, refresh or de-registration, by the Contacts. */
enum verdict_procedure reg_request_procedure(const struct reg_request *r, bool registered);
