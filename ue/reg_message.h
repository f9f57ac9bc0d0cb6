/* SPDX-License-Identifier: BSD-3-Clause
 * Texts of the REGISTER procedure: the request, its Authorization, and the reading of challenges. */
#pragma once

#include "ue/registration.h"

enum reg_auth {
        REG_AUTH_EMPTY,       /* nonce and response empty (TS 24.229 5.1.1.2.2) */
        REG_AUTH_RESPONSE,    /* RES (RFC 3310 3.3) */
        REG_AUTH_MAC_FAILURE, /* response empty, no auts (TS 24.229 5.1.1.5.3) */
        REG_AUTH_RESYNC       /* auts, response of an empty password (RFC 3310 3.4) */
};

struct reg_request {
        const struct reg_conf *conf;
        const struct reg_challenge *challenge;
        const char *call_id, *from_tag;
        const char *contact; /* URI, or "*" */
        uint32_t cseq, expires_s;
        enum reg_auth auth;
        const char *opaque, *qop; /* of the challenge, NULL: none; qop as chosen */
};

/* Appends the whole REGISTER without Via. */
int reg_write_request(const struct reg_request *rq, struct buf *out) IMS_CHECK;

/* Reads the first AKA challenge of a 401 into ch (rand, autn, nonce, realm, algorithm), *opaque and *qop
 * (owned by the caller; "auth", "auth-int" or NULL). -IMS_ENOTFOUND: no AKA challenge in it; -IMS_EPARSE: its
 * nonce does not hold RAND and AUTN; -IMS_ENOMEM. RFC 3310 3.2. */
int reg_read_challenge(const struct sip_msg *resp, struct reg_challenge *ch, char **opaque,
                       char **qop) IMS_CHECK;

/* All values of a field joined by ", ", owned by the caller; NULL when absent. */
char *reg_join_values(const struct sip_msg *m, enum sip_hdr_id id);

/* Seconds granted to our contact by a 200; fallback_s where it says nothing. -IMS_ENOTFOUND when it lists
 * contacts and ours is not among them. RFC 3261 10.2.4. */
int reg_read_expires(const struct sip_msg *resp, const char *contact, uint32_t fallback_s,
                     uint32_t *out) IMS_CHECK;
