/* SPDX-License-Identifier: BSD-3-Clause
 * The client's side of SIP Digest: one challenge of one protection space (Authorization or
 * Proxy-Authorization), kept and used again with a rising nonce count (TS 33.203 N.2.1.1, N.2.1.2; RFC
 * 7616 3.3 to 3.5, RFC 8760). */
#pragma once

#include "common/auth/digest.h"
#include "common/sip/msg.h"

struct digest_policy {
        unsigned algorithms; /* bits 1 << enum digest_algorithm that are answered; 0: MD5 and SHA-256 */
        bool need_rspauth;   /* a 200 to REGISTER without rspauth is no success */
};

/* "SHA-256,MD5": bits as above; the order says nothing, the network's does (RFC 8760 2.4). -IMS_EPARSE. */
int digest_algorithms_parse(struct span list, unsigned *out) IMS_CHECK;

/* What Authentication-Info says of whoever answered (RFC 7616 3.5). */
enum digest_info {
        DIGEST_INFO_NONE,  /* no rspauth in it, or no such field */
        DIGEST_INFO_GOOD,  /* it knows H(A1) */
        DIGEST_INFO_WRONG, /* rspauth, nc or cnonce is not the right one */
};

/* Zero it first. */
struct digest_client {
        bool known; /* there is a challenge */
        bool stale; /* it said that the nonce before was too old, and nothing else was wrong */
        char *realm, *nonce, *opaque; /* owned, as they stood on the wire; opaque NULL: none */
        enum digest_algorithm algorithm;
        const char *qop; /* "auth", "auth-int" or NULL (RFC 2069) */
        uint32_t nc;     /* of the last use of the nonce, 0: none yet */
        /* The answer given last, for rspauth: */
        char ha1[DIGEST_HEX_MAX], cnonce[17];
        char *uri; /* owned */
};

/* Takes one challenge, the value of a field: -IMS_EUNSUPPORTED (not Digest, or an algorithm that policy does
 * not have), -IMS_EPARSE, -IMS_ENOMEM; on an error the one kept before stays. */
int digest_client_take(struct digest_client *d, struct span value,
                       const struct digest_policy *policy) IMS_CHECK;

/* Takes the topmost challenge that can be answered (RFC 8760 2.4): its scheme is Digest, its algorithm in
 * policy. -IMS_ENOTFOUND: no Digest challenge in field; -IMS_EUNSUPPORTED: only some with other algorithms;
 * -IMS_EPARSE: one that cannot be understood comes first; -IMS_ENOMEM. On an error the one kept before stays.
 * field: SIP_HDR_WWW_AUTHENTICATE or SIP_HDR_PROXY_AUTHENTICATE. */
int digest_client_challenge(struct digest_client *d, const struct sip_msg *resp, enum sip_hdr_id field,
                            const struct digest_policy *policy) IMS_CHECK;

/* Who answers what. */
struct digest_answer {
        const char *username, *password;
        struct span method, uri, body;
};

/* Appends the value of Authorization or Proxy-Authorization, with the next nonce count. -IMS_ENOTFOUND: no
 * challenge; -IMS_ENOMEM, -IMS_ECRYPTO. */
int digest_client_answer(struct digest_client *d, const struct digest_answer *a, struct buf *out) IMS_CHECK;

/* Compares rspauth of a 2xx with our own value, and takes nextnonce when it is right or absent. -IMS_ENOMEM.
 */
int digest_client_info(struct digest_client *d, const struct sip_msg *resp, enum digest_info *out) IMS_CHECK;

const char *digest_info_name(enum digest_info i); /* "none", "good", "wrong" */

/* Forgets and wipes; it may be used again. */
void digest_client_forget(struct digest_client *d);
