/* SPDX-License-Identifier: BSD-3-Clause
 * Texts of the REGISTER procedure: the request, and the reading of its 200. */
#pragma once

#include "ue/registration.h"

struct reg_request {
        const struct reg_conf *conf;
        const char *domain; /* of the Request-URI */
        const char *call_id, *from_tag;
        const char *contact; /* URI, or "*" */
        uint32_t cseq, expires_s;
        struct span authorization; /* value of that field; empty: without it */
};

/* Appends the whole REGISTER without Via. */
int reg_write_request(const struct reg_request *rq, struct buf *out) IMS_CHECK;

/* All values of a field joined by ", ", owned by the caller; NULL when absent. */
char *reg_join_values(const struct sip_msg *m, enum sip_hdr_id id);

/* Seconds granted to our contact by a 200; fallback_s where it says nothing. -IMS_ENOTFOUND when it lists
 * contacts and ours is not among them. RFC 3261 10.2.4. */
int reg_read_expires(const struct sip_msg *resp, const char *contact, uint32_t fallback_s,
                     uint32_t *out) IMS_CHECK;
