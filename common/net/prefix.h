/* SPDX-License-Identifier: BSD-3-Clause
 * Address prefixes, and lists of them that say who is trusted (TS 24.229 4.4, TS 33.203 Annex J). */
#pragma once

#include "common/net/addr.h"

struct prefix {
        struct addr addr;
        uint8_t bits;
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". -IMS_EPARSE for anything else, a port included. */
int prefix_parse(struct span text, struct prefix *out) IMS_CHECK;
bool prefix_has(const struct prefix *p, const struct addr *a);

/* For conf_key.check: NULL, or what is wrong with the text. */
const char *prefix_check(const char *value);

struct core_net;

struct trust {
        struct prefix *prefixes; /* owned */
        size_t n;                /* 0: everybody is trusted */
        struct core_net *net;    /* owned; NULL: networks are not asked (core_net.h) */
};

/* The list of those lines. -IMS_EPARSE, -IMS_ENOMEM; trust_free in every case. */
int trust_init(struct trust *t, char *const *lines, size_t n) IMS_CHECK;
void trust_free(struct trust *t);
/* Whether the address is in the list, and in one of the networks where there are some. */
bool trust_has(const struct trust *t, const struct addr *a);
/* The same, and that what came from there is TLS where the network wants it. tls: it is, with a certificate
 * that was verified. */
bool trust_takes(const struct trust *t, const struct addr *a, bool tls);
/* Whether somebody is not trusted. */
bool trust_limited(const struct trust *t);
