/* SPDX-License-Identifier: BSD-3-Clause
 * The three header fields of a Digest exchange as structures: challenge (WWW-Authenticate,
 * Proxy-Authenticate), credentials (Authorization, Proxy-Authorization), Authentication-Info. RFC 7616 3.3 to
 * 3.5, RFC 8760, RFC 3261 22. Values are the octets between the quotes, with their escapes: Digest hashes
 * them as they stand, and an opaque or a nonce goes back unchanged. An absent parameter is an empty span. */
#pragma once

#include "common/auth/digest.h"
#include "common/sip/auth_param.h"
#include "common/sip/msg.h"

struct sip_digest_challenge {
        struct span realm, nonce;
        struct span opaque; /* p is NULL when absent: an empty one goes back too */
        enum digest_algorithm algorithm;
        bool named; /* algorithm was there; MD5 is meant without it (RFC 7616 3.3) */
        bool stale;
        bool qop_auth, qop_auth_int; /* neither: no qop was offered (RFC 2069 form) */
};

/* One value. -IMS_EPARSE (not Digest, malformed, no realm or nonce, or a qop list that offers neither auth
 * nor auth-int), -IMS_ETOOBIG, -IMS_EUNSUPPORTED for an algorithm that is none of ours. */
int sip_digest_challenge_parse(struct span value, struct sip_digest_challenge *out) IMS_CHECK;

/* Appends "Digest realm=...". algorithm is written when named, stale when true. */
void sip_digest_challenge_write(const struct sip_digest_challenge *c, struct buf *out);

struct sip_digest_credentials {
        struct span username, realm, nonce, uri, response, algorithm, cnonce, qop, nc;
        struct span opaque; /* p is NULL when absent */
};

/* Whatever is there, so that the caller says what lacks. -IMS_EPARSE (not Digest, malformed), -IMS_ETOOBIG.
 */
int sip_digest_credentials_parse(struct span value, struct sip_digest_credentials *out) IMS_CHECK;

/* The same of credentials that were parsed already, as with parameters of other specifications among them. */
struct sip_digest_credentials sip_digest_credentials_of(const struct sip_auth *a);

/* Appends "Digest username=...": username, realm, nonce, uri and response also when empty
 * (TS 24.229 5.1.1.2), the others when they are there. */
void sip_digest_credentials_write(const struct sip_digest_credentials *c, struct buf *out);

/* Authentication-Info (RFC 7616 3.5). */
struct sip_auth_info {
        struct span nextnonce, qop, rspauth, cnonce, nc;
};

/* All lines of the field in m together. -IMS_ENOTFOUND without one, -IMS_EPARSE (malformed, or a parameter
 * twice), -IMS_ETOOBIG. */
int sip_auth_info_read(const struct sip_msg *m, struct sip_auth_info *out) IMS_CHECK;

/* Appends the value; what is empty is left out. */
void sip_auth_info_write(const struct sip_auth_info *info, struct buf *out);

/* nc-value: exactly eight hex digits (RFC 7616 3.4). -IMS_EPARSE. */
int sip_digest_nc_parse(struct span nc, uint32_t *out) IMS_CHECK;

#define SIP_DIGEST_NC_SIZE 9
void sip_digest_nc_format(uint32_t nc, char out[static SIP_DIGEST_NC_SIZE]);
