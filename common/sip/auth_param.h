/* SPDX-License-Identifier: BSD-3-Clause
 * Challenges and credentials (WWW-Authenticate, Authorization, Authentication-Info): a parser of our
 * own, because empty and unknown parameters must live (nonce="", auts, ik, ck, integrity-protected).
 * RFC 2617, RFC 7616, RFC 3310, TS 24.229 7.2A.1 and 7.2A.2. */
#pragma once

#include "common/base/buf.h"

#define SIP_AUTH_PARAMS_MAX 32

struct sip_auth_param {
        struct span name;
        struct span value; /* without the quotes; escapes are kept as they stand */
        struct span raw;   /* name=value as it stands */
        bool quoted;
};

struct sip_auth {
        struct span scheme; /* "Digest"; empty for Authentication-Info */
        struct sip_auth_param params[SIP_AUTH_PARAMS_MAX];
        size_t n;
};

/* Spans point into value. -IMS_EPARSE (also for a parameter given twice), -IMS_ETOOBIG. */
int sip_auth_parse(struct span value, bool with_scheme, struct sip_auth *out) IMS_CHECK;

/* Credentials of the Digest scheme, well formed or not; those of another scheme count as none (RFC
 * 3261 22.1). */
bool sip_auth_is_digest(struct span value);

/* Name without case. NULL when absent; a present empty value has n == 0. */
const struct span *sip_auth_get(const struct sip_auth *a, const char *name);

/* The value with \-escapes undone, appended to out. */
void sip_auth_unescape(struct span value, struct buf *out);

/* Writes the field again, without the parameters named in drop (NULL-terminated, may be NULL); all
 * others keep their octets. */
void sip_auth_write_without(const struct sip_auth *a, const char *const *drop, struct buf *out);

/* Appends ", name=value" or ", name=\"value\"" (escaped); the comma is left out right after the scheme. */
void sip_auth_add(struct buf *out, const char *name, struct span value, bool quoted);
