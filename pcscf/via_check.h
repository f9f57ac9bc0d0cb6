/* SPDX-License-Identifier: BSD-3-Clause
 * Does the address in the top Via of a UE's request equal the one it came from? A name there is looked up.
 * TS 33.203 7.1 rule 2, M.7.2. */
#pragma once

#include "common/sip/stack.h"

enum via_source {
        VIA_SAME,   /* no translator between */
        VIA_OTHER,  /* another address */
        VIA_UNKNOWN /* a name that leads nowhere */
};

struct via_checks; /* those that wait for DNS */

/* rq: with the reference that was given. Exactly once; may run before via_check returns. */
typedef void via_checked_fn(struct sip_request *rq, enum via_source source, void *arg);

int via_checks_new(struct resolver *r, via_checked_fn *fn, void *arg, struct via_checks **out) IMS_CHECK;
/* Requests that wait are answered 503. Accepts NULL. */
void via_checks_free(struct via_checks *c);

/* Names that are looked up at once, in all and for one address: anybody may make them up. */
#define VIA_LOOKUPS_MAX        1024
#define VIA_LOOKUPS_PER_SOURCE 32

/* False when there are that many: nothing was done. */
bool via_check(struct via_checks *c, struct sip_request *rq) IMS_CHECK;
