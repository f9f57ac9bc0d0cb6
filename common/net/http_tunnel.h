/* SPDX-License-Identifier: BSD-3-Clause
 * What is said to an HTTP proxy before it connects: CONNECT (RFC 2817 5.2, RFC 9110 9.3.6), and credentials
 * once it asks for them (407, RFC 9110 11.7). Each CONNECT goes over a connection of its own, for many
 * proxies close theirs after a 407. No I/O. */
#pragma once

#include "common/net/http_reply.h"

#define HTTP_TUNNEL_ASKS_MAX 3 /* CONNECTs: without credentials, with them, with them over a fresh nonce */

struct http_tunnel;

/* A 407 that is to be answered. */
struct http_proxy_challenge {
        const struct http_reply *reply;
        struct span target;
        unsigned answered; /* challenges that were answered before, and led to this one */
};

/* Who answers: appends the value of Proxy-Authorization. Negative: there is no answer, and why says so in
 * words that begin with "proxy_auth_". */
struct http_proxy_auth {
        int (*answer)(const struct http_proxy_challenge *c, struct buf *out, struct buf *why, void *arg);
        void *arg;
};

/* target: "host:port". auth: copied; NULL: a 407 is a refusal. -IMS_ENOMEM. */
int http_tunnel_new(const char *target, const struct http_proxy_auth *auth,
                    struct http_tunnel **out) IMS_CHECK;
void http_tunnel_free(struct http_tunnel *t); /* wipes; accepts NULL */

/* Appends the CONNECT that a new connection to the proxy begins with. It may hold a password: the caller
 * wipes it. */
void http_tunnel_ask(const struct http_tunnel *t, struct buf *out);

enum { HTTP_TUNNEL_MORE, HTTP_TUNNEL_OPEN, HTTP_TUNNEL_AGAIN };

/* Octets of the proxy. OPEN: what follows is of the other end. AGAIN: to be asked anew, over another
 * connection. Negative: no way, why says it: -IMS_EUNREACH (refused), -IMS_EPROTO (octets behind a 2xx, where
 * the other end speaks first in no protocol here), errors of http_reply_parse, -IMS_ENOMEM. */
int http_tunnel_take(struct http_tunnel *t, struct span octets, struct buf *why) IMS_CHECK;
