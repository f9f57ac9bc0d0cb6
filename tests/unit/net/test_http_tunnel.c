/* SPDX-License-Identifier: BSD-3-Clause
 * Asking an HTTP proxy for a connection: its answers, and credentials once it asks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/net/http_tunnel.h"

#define TARGET "pcscf.example.org:443"
#define WANTED "HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n"

static struct http_tunnel *tunnel(const struct http_proxy_auth *auth)
{
        struct http_tunnel *t = NULL;

        assert_int_equal(http_tunnel_new(TARGET, auth, &t), 0);
        return t;
}

static void expect_ask(const struct http_tunnel *t, const char *credentials)
{
        struct buf is = BUF_INIT, wanted = BUF_INIT;

        http_tunnel_ask(t, &is);
        buf_puts(&wanted, "CONNECT " TARGET " HTTP/1.1\r\nHost: " TARGET "\r\n");
        if (credentials)
                buf_printf(&wanted, "Proxy-Authorization: %s\r\n", credentials);
        buf_puts(&wanted, "\r\n");
        assert_true(span_eq(buf_as_span(&is), buf_as_span(&wanted)));
        buf_free(&is);
        buf_free(&wanted);
}

/* What comes of octets; words: how the reason begins. */
static void expect_take(struct http_tunnel *t, const char *octets, int outcome, const char *words)
{
        struct buf why = BUF_INIT;

        assert_int_equal(http_tunnel_take(t, span_of(octets), &why), outcome);
        assert_true(span_istarts(buf_as_span(&why), span_of(words)));
        assert_true(*words || !why.n);
        buf_free(&why);
}

static void a_2xx_opens_it(void **state)
{
        struct http_tunnel *t = tunnel(NULL);

        (void)state;
        expect_ask(t, NULL);
        expect_take(t, "HTTP/1.1 100 Continue\r\n\r\nHTT", HTTP_TUNNEL_MORE, "");
        expect_take(t, "P/1.1 204 Yes\r\nContent-Length: 3\r", HTTP_TUNNEL_MORE, "");
        expect_take(t, "\n\r\n", HTTP_TUNNEL_OPEN, "");
        http_tunnel_free(t);
}

static void one_answer(const char *octets, int outcome, const char *words)
{
        struct http_tunnel *t = tunnel(NULL);

        expect_take(t, octets, outcome, words);
        http_tunnel_free(t);
}

static void anything_else_does_not(void **state)
{
        struct http_tunnel *t = tunnel(NULL);
        struct buf flood = BUF_INIT;

        (void)state;
        one_answer("HTTP/1.1 403 No\r\n\r\n", -IMS_EUNREACH, "the HTTP proxy answers CONNECT with 403");
        one_answer("220 smtp.example.org\r\n\r\n", -IMS_EPARSE, "what the HTTP proxy answers is no HTTP");
        one_answer("HTTP/1.1 200 OK\r\n\r\nSSH-2.0", -IMS_EPROTO, "the HTTP proxy sends more");
        one_answer(WANTED, -IMS_EUNREACH, "proxy_auth_needed: ");
        while (flood.n <= HTTP_HEAD_MAX) /* interim answers without end */
                buf_puts(&flood, "HTTP/1.1 100 Continue\r\n\r\n");
        buf_puts(&flood, "HTTP");
        buf_char(&flood, '\0');
        expect_take(t, flood.p, -IMS_ETOOBIG, "what the HTTP proxy answers is no HTTP");
        buf_free(&flood);
        http_tunnel_free(t);
}

/* A page of any length behind a refusal. */
static void a_body_does_not_count(void **state)
{
        struct buf b = BUF_INIT;

        (void)state;
        buf_puts(&b, "HTTP/1.1 502 No\r\n\r\n");
        while (b.n < 4 * (size_t)HTTP_HEAD_MAX)
                buf_puts(&b, "<p>sorry</p>");
        buf_char(&b, '\0');
        one_answer(b.p, -IMS_EUNREACH, "the HTTP proxy answers CONNECT with 502");
        buf_free(&b);
}

static unsigned asked;

static int answer(const struct http_proxy_challenge *c, struct buf *out, struct buf *why, void *arg)
{
        assert_int_equal(c->answered, asked++);
        assert_true(span_eq(c->target, SPAN(TARGET)));
        assert_int_equal(c->reply->status, 407);
        if (arg)
                buf_puts(why, "proxy_auth_refused: so it is");
        buf_printf(out, "Token %u", asked);
        return arg ? -IMS_EUNREACH : 0;
}

static void credentials_when_it_asks(void **state)
{
        const struct http_proxy_auth auth = {.answer = answer};
        struct http_tunnel *t = tunnel(&auth);

        (void)state;
        asked = 0;
        expect_ask(t, NULL);
        expect_take(t, WANTED "<html>", HTTP_TUNNEL_AGAIN, "");
        expect_ask(t, "Token 1");
        expect_take(t, WANTED, HTTP_TUNNEL_AGAIN, "");
        expect_ask(t, "Token 2");
        expect_take(t, "HTTP/1.0 200 OK\r\n\r\n", HTTP_TUNNEL_OPEN, "");
        http_tunnel_free(t);
}

static void it_asks_no_more_than_that(void **state)
{
        const struct http_proxy_auth auth = {.answer = answer}, none = {.answer = answer, .arg = state};
        struct http_tunnel *t = tunnel(&auth);

        asked = 0;
        for (unsigned i = 1; i < HTTP_TUNNEL_ASKS_MAX; i++)
                expect_take(t, WANTED, HTTP_TUNNEL_AGAIN, "");
        expect_take(t, WANTED, -IMS_EUNREACH, "proxy_auth_refused: the HTTP proxy asks again and again");
        assert_int_equal(asked, HTTP_TUNNEL_ASKS_MAX - 1);
        http_tunnel_free(t);
        t = tunnel(&none);
        asked = 0;
        expect_take(t, WANTED, -IMS_EUNREACH, "proxy_auth_refused: so it is");
        http_tunnel_free(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_2xx_opens_it),
                cmocka_unit_test(anything_else_does_not),
                cmocka_unit_test(a_body_does_not_count),
                cmocka_unit_test(credentials_when_it_asks),
                cmocka_unit_test(it_asks_no_more_than_that),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
