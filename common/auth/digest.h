/* SPDX-License-Identifier: BSD-3-Clause
 * HTTP digest over binary passwords: MD5 and SHA-256 (RFC 2617, RFC 7616), AKAv1 (RFC 3310), AKAv2
 * (RFC 4169, TS 33.203 X.2.3). */
#pragma once

#include "common/base/secret.h"
#include "common/base/span.h"

enum digest_algorithm {
        DIGEST_MD5,
        DIGEST_SHA256,
        DIGEST_AKAV1_MD5,
        DIGEST_AKAV1_SHA256,
        DIGEST_AKAV2_MD5,
        DIGEST_AKAV2_SHA256,
        DIGEST_ALGORITHMS
};

#define DIGEST_HEX_MAX 65 /* SHA-256 in hex and a NUL */

/* "MD5", "SHA-256", "AKAv1-MD5", ...; case is ignored. -IMS_EUNSUPPORTED for another word. */
int digest_algorithm_parse(struct span word, enum digest_algorithm *out) IMS_CHECK;
const char *digest_algorithm_name(enum digest_algorithm a);
/* Octets of its hash: 16 or 32; in hex twice as many. */
size_t digest_octets(enum digest_algorithm a);
bool digest_is_aka(enum digest_algorithm a);

/* H(A1) in lower-case hex: H(username ":" realm ":" password). password: raw octets (RES for AKAv1). */
int digest_ha1(enum digest_algorithm a, struct span username, struct span realm, struct span password,
               char out[static DIGEST_HEX_MAX]) IMS_CHECK;

/* The AKAv2 password, base64 of HMAC(RES || IK || CK, "http-digest-akav2-password"), as a C string. */
int digest_akav2_password(enum digest_algorithm a, struct span res, const struct key128 *ik,
                          const struct key128 *ck, char out[static 64]) IMS_CHECK;

struct digest_input {
        enum digest_algorithm algorithm;
        struct span ha1;    /* hex */
        struct span method; /* empty for rspauth */
        struct span uri;
        struct span nonce, cnonce, nc, qop; /* qop empty: RFC 2069 form */
        struct span body;                   /* for qop=auth-int */
};

/* response (or, with an empty method, rspauth) in lower-case hex. */
int digest_response(const struct digest_input *in, char out[static DIGEST_HEX_MAX]) IMS_CHECK;

/* Compares a received response with the expected one in constant time; case of hex is ignored. */
bool digest_equal(struct span received, const char *expected);
