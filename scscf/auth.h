/* SPDX-License-Identifier: BSD-3-Clause
 * What every authentication scheme looks like to the registrar: one row each, in the order of
 * TS 33.203 P.4.2. A row without functions is a scheme that is recognised and refused. */
#pragma once

#include "common/auth/aka.h"
#include "common/base/buf.h"
#include "common/diameter/cx.h"
#include "common/sip/digest_param.h"

enum auth_scheme_id {
        AUTH_AKA,        /* step 1: integrity-protected "yes" or "no" */
        AUTH_AKAV2_TLS,  /* step 1: "tls-connected" with AKAv2-SHA-256 */
        AUTH_TNA,        /* step 1a: "auth-done" */
        AUTH_GIBA,       /* step 2 */
        AUTH_DIGEST_NBA, /* step 3: the HSS decides between SIP Digest and NBA */
        AUTH_SCHEMES
};

struct challenge;
struct reg_job;

struct auth_scheme {
        const char *name;
        const char *cx_scheme; /* SIP-Authentication-Scheme asked for in MAR */
        const char *cx_name;   /* ... and what the HSS calls the scheme once it is known */
        const char *clause;
        /* Decides what a REGISTER is and goes on with it; the job is the user's current one. */
        void (*run)(struct reg_job *job);
        /* The HSS answered MAR with success. */
        void (*vectors)(struct reg_job *job, const struct cx_maa *a);
        /* ... or not: job->end says what it was; asked is false when no HSS was to be reached. */
        void (*no_vectors)(struct reg_job *job, bool asked);
        /* Appends the value of WWW-Authenticate for a pending challenge. */
        void (*challenge)(const struct challenge *c, struct buf *out);
};

extern const struct auth_scheme auth_schemes[AUTH_SCHEMES];

/* The scheme with this cx_name, or NULL. */
const struct auth_scheme *auth_scheme_of(struct span cx_name);

/* --- AKA (auth_aka.c) ---------------------------------------------------------------------------- */

enum auth_result { AUTH_OK, AUTH_WRONG, AUTH_MALFORMED };

#define AKA_NONCE_SIZE 45 /* base64 of RAND and AUTN with a NUL */

/* The nonce of RFC 3310: base64(RAND || AUTN). */
void auth_aka_nonce(const struct aka_av *v, char out[static AKA_NONCE_SIZE]);

/* Takes the vector out of one item of MAA. -IMS_EPROTO with *why (static) when lengths are wrong
 * (TS 33.102 6.3.7), -IMS_EUNSUPPORTED when it is of another scheme. */
int auth_aka_select(const struct cx_auth_item *item, struct aka_av *out, const char **why) IMS_CHECK;

/* Appends the value of WWW-Authenticate, with ik and ck for the P-CSCF. */
void auth_aka_challenge(const struct aka_av *v, struct span realm, struct span nonce, struct buf *out);

/* Checks an answer to the nonce in constant time; *why (static) for a malformed or wrong one. */
enum auth_result auth_aka_verify(const struct aka_av *v, struct span method,
                                 const struct sip_digest_credentials *a, const char **why);

/* --- what the rows call (reg_aka.c, reg_digest.c) -------------------------------------------------- */

void reg_aka_run(struct reg_job *job);
void reg_aka_vectors(struct reg_job *job, const struct cx_maa *a);
void reg_aka_no_vectors(struct reg_job *job, bool asked);
void reg_aka_challenge(const struct challenge *c, struct buf *out);

void reg_digest_run(struct reg_job *job);
void reg_digest_vectors(struct reg_job *job, const struct cx_maa *a);
void reg_digest_no_vectors(struct reg_job *job, bool asked);
void reg_digest_challenge(const struct challenge *c, struct buf *out);
