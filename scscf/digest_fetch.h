/* SPDX-License-Identifier: BSD-3-Clause
 * H(A1) that a restart has lost, fetched for requests other than REGISTER. TS 33.203 N.2.1.2, TS 29.228 6.3.
 */
#pragma once

#include "scscf/registrar_int.h"

/* Requests that wait for the H(A1) of one user; more draw 503. */
#define DIGEST_FETCH_MAX 8

/* What came of it. All is borrowed for the call. */
struct digest_fetched {
        const struct user *user;
        const struct reg_cx_fault *why; /* there is no H(A1); NULL: there is */
        struct span evidence;           /* ... in words */
};

/* Runs once. Takes rq. */
typedef void digest_fetch_fn(struct sip_request *rq, const struct digest_fetched *out, void *arg);

/* Sends MAR unless one is out for the user, who is registered with this IMPU. rq waits (waiting.h) unless it
 * fails: -IMS_ELIMIT when too many wait, -IMS_ENOMEM, errors of Diameter; then fn never runs. */
int digest_fetch(struct registrar *r, struct user *u, struct span impu, struct sip_request *rq,
                 digest_fetch_fn *fn, void *arg) IMS_CHECK;

/* Another message brought H(A1): who waits goes on with it. */
void digest_fetch_served(struct user *u);

/* The registration is over: who waits is refused. */
void digest_fetch_end(struct user *u);

/* The node ends: who waits is answered 503. */
void digest_fetch_clear(struct user *u);
