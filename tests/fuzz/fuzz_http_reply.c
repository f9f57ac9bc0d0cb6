/* SPDX-License-Identifier: BSD-3-Clause
 * Answers of HTTP servers and proxies: what is read stays inside the input and within its limits, however
 * much of it has come yet; challenges are answered with what may stand in a field. */
#include "tests/fuzz/fuzz.h"

#include "common/net/http_text.h"
#include "ue/proxy_auth.h"

#define USER     "proxy \\\"user\""
#define PASSWORD "open:sesame"

static bool inside(struct span part, struct span all)
{
        return part.n == 0 || (part.p >= all.p && part.p + part.n <= all.p + all.n);
}

static void read_challenges(const struct http_reply *r)
{
        struct http_challenge_at at = {0};
        struct span one;

        for (size_t n = 0; http_next_challenge(r, &at, &one); n++) {
                MUST(one.n > 0 && inside(one, r->fields) && !http_has_control(one));
                MUST(n < HTTP_HEAD_MAX);
        }
}

/* The input is what the proxy says each time. */
static void connect_through(struct span in)
{
        struct proxy_auth p = {0};
        struct http_proxy_auth auth;
        struct http_tunnel *t = NULL;
        struct buf ask = BUF_INIT, why = BUF_INIT;
        int rc = HTTP_TUNNEL_AGAIN;

        if (proxy_auth_set_user(&p, SPAN(USER)) < 0 || proxy_auth_set_password(&p, SPAN(PASSWORD)) < 0)
                MUST(false);
        auth = proxy_auth_hook(&p);
        if (http_tunnel_new("192.0.2.1:443", &auth, &t) < 0)
                return;
        for (unsigned n = 0; rc == HTTP_TUNNEL_AGAIN; n++) {
                struct span rest, line;

                MUST(n < HTTP_TUNNEL_ASKS_MAX);
                buf_reset(&ask);
                http_tunnel_ask(t, &ask);
                rest = buf_as_span(&ask);
                for (unsigned lines = 0; http_take_line(&rest, &line); lines++)
                        MUST(!http_has_control(line) && (line.n > 0) == (lines < (n ? 3 : 2)));
                MUST(rest.n == 0);
                rc = http_tunnel_take(t, in, &why);
        }
        MUST(rc < 0 ? why.n > 0 : rc == HTTP_TUNNEL_OPEN || rc == HTTP_TUNNEL_MORE);
        MUST(span_find(buf_as_span(&why), SPAN(PASSWORD)) < 0);
        http_tunnel_free(t);
        buf_free(&ask);
        buf_free(&why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct span in = span_make(data, n);
        struct http_reply r, part;
        int rc = http_reply_parse(in, &r);

        if (rc == 0) {
                MUST(r.status >= 100 && r.status <= 599 && r.head_n > 0 && r.head_n <= n &&
                     r.head_n <= HTTP_HEAD_MAX);
                MUST(inside(r.reason, in) && inside(r.fields, span_sub(in, 0, r.head_n)));
                read_challenges(&r);
                MUST(http_reply_parse(span_sub(in, 0, r.head_n), &part) == 0 && part.head_n == r.head_n);
                MUST(http_reply_parse(span_sub(in, 0, r.head_n - 1), &part) == -IMS_EINCOMPLETE);
        } else {
                MUST(rc == -IMS_EINCOMPLETE || rc == -IMS_EPARSE || rc == -IMS_ETOOBIG);
                MUST(n <= HTTP_HEAD_MAX || rc != -IMS_EINCOMPLETE);
        }
        connect_through(in);
        return 0;
}
