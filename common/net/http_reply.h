/* SPDX-License-Identifier: BSD-3-Clause
 * The head of an HTTP/1.1 answer, read with limits, and the challenges in it (RFC 9112, RFC 9110 11). */
#pragma once

#include "common/base/buf.h"

#define HTTP_HEAD_MAX   8192 /* octets of the head of an answer */
#define HTTP_FIELDS_MAX 64

struct http_reply {
        int status;         /* 100..599 */
        struct span reason; /* may be empty */
        struct span fields; /* the lines between status line and empty line */
        size_t head_n;      /* octets of the head, with its empty line */
        bool has_length;    /* there is a Content-Length */
        uint32_t length;
        bool coded; /* there is a Transfer-Encoding: where the body ends is not known here */
};

/* data: from the status line on, always the same octets and perhaps more. 0: the head is whole; spans point
 * into data. -IMS_EINCOMPLETE; -IMS_ETOOBIG (beyond HTTP_HEAD_MAX or HTTP_FIELDS_MAX); -IMS_EPARSE (no
 * HTTP/1.x, a field without a name, a folded one, a control character, several lengths that differ). */
int http_reply_parse(struct span data, struct http_reply *out) IMS_CHECK;

/* Takes the next challenge ("Digest realm=...", without the comma after it) off the Proxy-Authenticate fields
 * of a head that was parsed: one field may hold several (RFC 9110 11.6.1). at: zero it first. False: no more.
 */
struct http_challenge_at {
        size_t line; /* octets of the fields that were read */
        struct span rest;
};
bool http_next_challenge(const struct http_reply *r, struct http_challenge_at *at, struct span *out);
