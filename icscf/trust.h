/* SPDX-License-Identifier: BSD-3-Clause
 * Who may send SIP to the I-CSCF: a list of addresses and prefixes (TS 24.229 4.4 and 5.3.1.2, TS 33.203
 * annex J). */
#pragma once

#include "common/net/addr.h"

struct trust_prefix {
        struct addr addr;
        uint8_t bits;
};

struct trust {
        struct trust_prefix *prefixes;
        size_t n; /* 0: everybody is trusted */
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". -IMS_EPARSE. */
int trust_prefix_parse(struct span text, struct trust_prefix *out) IMS_CHECK;

/* -IMS_EPARSE, -IMS_ENOMEM. */
int trust_init(struct trust *t, char *const *lines, size_t n) IMS_CHECK;
void trust_free(struct trust *t);

bool trust_has(const struct trust *t, const struct addr *a);
