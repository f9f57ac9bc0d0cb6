/* SPDX-License-Identifier: BSD-3-Clause
 * What every authentication scheme looks like to the registrar: one row each, in the order of
 * TS 33.203 P.4.2. A row without functions is a scheme that is recognised and refused. */
#pragma once

#include "common/auth/aka.h"
#include "common/base/buf.h"
#include "common/diameter/cx.h"

enum auth_scheme_id {
        AUTH_AKA,        /* step 1: integrity-protected "yes" or "no" */
        AUTH_AKAV2_TLS,  /* step 1: "tls-connected" with AKAv2-SHA-256 */
        AUTH_TNA,        /* step 1a: "auth-done" */
        AUTH_GIBA,       /* step 2 */
        AUTH_DIGEST_NBA, /* step 3: the HSS decides between SIP Digest and NBA */
        AUTH_SCHEMES
};

/* The credentials of a REGISTER. Spans borrow from the message; empty where absent. */
struct auth_answer {
        struct span username, realm, uri, nonce, response, algorithm, qop, nc, cnonce;
};

enum auth_result { AUTH_OK, AUTH_WRONG, AUTH_MALFORMED };

struct auth_scheme {
        const char *name;
        const char *cx_scheme; /* SIP-Authentication-Scheme asked for in MAR */
        const char *clause;
        /* Takes the vector out of one item of MAA. -IMS_EPROTO with *why (static) when lengths are wrong
         * (TS 33.102 6.3.7), -IMS_EUNSUPPORTED when it is of another scheme. */
        int (*select)(const struct cx_auth_item *item, struct aka_av *out, const char **why);
        /* Appends the value of WWW-Authenticate, with ik and ck for the P-CSCF. */
        void (*challenge)(const struct aka_av *v, struct span realm, struct span nonce, struct buf *out);
        /* Checks an answer to the nonce in constant time; *why (static) for a malformed or wrong one. */
        enum auth_result (*verify)(const struct aka_av *v, struct span method, const struct auth_answer *a,
                                   const char **why);
};

extern const struct auth_scheme auth_schemes[AUTH_SCHEMES];

#define AKA_NONCE_SIZE 45 /* base64 of RAND and AUTN with a NUL */

/* The nonce of RFC 3310: base64(RAND || AUTN). */
void auth_aka_nonce(const struct aka_av *v, char out[static AKA_NONCE_SIZE]);

/* The rows of AKA (auth_aka.c). */
int auth_aka_select(const struct cx_auth_item *item, struct aka_av *out, const char **why) IMS_CHECK;
void auth_aka_challenge(const struct aka_av *v, struct span realm, struct span nonce, struct buf *out);
enum auth_result auth_aka_verify(const struct aka_av *v, struct span method, const struct auth_answer *a,
                                 const char **why);
