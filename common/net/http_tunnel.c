/* SPDX-License-Identifier: BSD-3-Clause
 * Asking an HTTP proxy for a connection. */
#include "common/net/http_tunnel.h"

#include <stdlib.h>

struct http_tunnel {
        char *target;
        struct http_proxy_auth auth; /* answer NULL: none */
        struct buf credentials;      /* value of Proxy-Authorization, empty before a 407 */
        struct buf in;               /* the answer as far as it came */
        unsigned answered;           /* 407s */
};

int http_tunnel_new(const char *target, const struct http_proxy_auth *auth, struct http_tunnel **out)
{
        struct http_tunnel *t = calloc(1, sizeof(*t));

        if (!t)
                return -IMS_ENOMEM;
        t->target = span_dup(span_of(target));
        if (!t->target) {
                free(t);
                return -IMS_ENOMEM;
        }
        if (auth)
                t->auth = *auth;
        t->credentials.secret = true;
        t->in.max = 2 * (size_t)HTTP_HEAD_MAX;
        *out = t;
        return 0;
}

void http_tunnel_free(struct http_tunnel *t)
{
        if (!t)
                return;
        free(t->target);
        buf_free(&t->credentials);
        buf_free(&t->in);
        free(t);
}

void http_tunnel_ask(const struct http_tunnel *t, struct buf *out)
{
        buf_printf(out, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", t->target, t->target);
        if (t->credentials.n) {
                buf_puts(out, "Proxy-Authorization: ");
                buf_span(out, buf_as_span(&t->credentials));
                buf_puts(out, "\r\n");
        }
        buf_puts(out, "\r\n");
}

/* A 407: with credentials the proxy is asked again. */
static int challenged(struct http_tunnel *t, const struct http_reply *r, struct buf *why)
{
        const struct http_proxy_challenge c = {r, span_of(t->target), t->answered};
        int rc;

        if (!t->auth.answer) {
                buf_puts(why, "proxy_auth_needed: the HTTP proxy asks for user and password");
                return -IMS_EUNREACH;
        }
        if (t->answered + 1 >= HTTP_TUNNEL_ASKS_MAX) {
                buf_puts(why, "proxy_auth_refused: the HTTP proxy asks again and again");
                return -IMS_EUNREACH;
        }
        buf_free(&t->credentials);
        rc = t->auth.answer(&c, &t->credentials, why, t->auth.arg);
        if (rc == 0)
                rc = t->credentials.err;
        if (rc < 0)
                return rc;
        t->answered++;
        buf_reset(&t->in);
        return HTTP_TUNNEL_AGAIN;
}

/* The final answer to CONNECT, interim ones passed over. 1: it is whole; 0: more is needed. */
static int read_final(struct http_tunnel *t, struct http_reply *r, size_t *used)
{
        const struct span all = buf_as_span(&t->in);

        *used = 0;
        do {
                int rc = http_reply_parse(span_sub(all, *used, all.n), r);

                if (rc == -IMS_EINCOMPLETE)
                        return all.n > HTTP_HEAD_MAX ? -IMS_ETOOBIG : 0;
                if (rc < 0)
                        return rc;
                *used += r->head_n;
        } while (r->status < 200);
        return 1;
}

int http_tunnel_take(struct http_tunnel *t, struct span octets, struct buf *why)
{
        struct http_reply r = {0};
        size_t room = t->in.max - t->in.n, used = 0;
        int rc;

        buf_span(&t->in, span_sub(octets, 0, octets.n < room ? octets.n : room));
        rc = t->in.err ? t->in.err : read_final(t, &r, &used);
        if (rc == 0)
                return HTTP_TUNNEL_MORE;
        if (rc < 0) {
                buf_puts(why,
                         rc == -IMS_ENOMEM ? ims_strerror(rc) : "what the HTTP proxy answers is no HTTP");
                return rc;
        }
        if (r.status == 407)
                return challenged(t, &r, why);
        if (r.status == 401 && t->answered) { /* so tinyproxy calls them wrong */
                buf_puts(why, "proxy_auth_refused: the HTTP proxy answers user and password with 401");
                return -IMS_EUNREACH;
        }
        if (r.status >= 300) {
                buf_printf(why, "the HTTP proxy answers CONNECT with %d", r.status);
                return -IMS_EUNREACH;
        }
        if (used == t->in.n) /* a 2xx has no body whatever its fields say */
                return HTTP_TUNNEL_OPEN;
        buf_puts(why, "the HTTP proxy sends more than its answer to CONNECT");
        return -IMS_EPROTO;
}
