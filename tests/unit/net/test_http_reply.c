/* SPDX-License-Identifier: BSD-3-Clause
 * The head of an HTTP answer, and the challenges in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/net/http_reply.h"

static void a_head_is_read_when_it_is_whole(void **state)
{
        static const char text[] =
                "HTTP/1.1 200 Connection established\r\nServer: x\r\ncontent-length:  7 \r\n\r\nrest";
        struct span all = span_make(text, sizeof(text) - 1);
        struct http_reply r;

        (void)state;
        for (size_t n = 0; n < all.n - 4; n++)
                assert_int_equal(http_reply_parse(span_sub(all, 0, n), &r), -IMS_EINCOMPLETE);
        assert_int_equal(http_reply_parse(all, &r), 0);
        assert_int_equal(r.status, 200);
        assert_true(span_eq(r.reason, SPAN("Connection established")));
        assert_int_equal(r.head_n, all.n - 4);
        assert_true(r.has_length && r.length == 7 && !r.coded);
}

static void what_is_no_answer_is_refused(void **state)
{
        static const char *const bad[] = {
                "SIP/2.0 200 OK\r\n\r\n",
                "HTTP/2.0 200 OK\r\n\r\n",
                "HTTP/1.1 20 OK\r\n\r\n",
                "HTTP/1.1 2000 OK\r\n\r\n",
                "HTTP/1.1 099 OK\r\n\r\n",
                "HTTP/1.1 200OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                "HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
                "HTTP/1.1 200 OK\r\na: b\r\n folded: c\r\n\r\n",
                "HTTP/1.1 200 OK\r\na: \x01\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 4294967296\r\n\r\n",
        };
        struct http_reply r;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(http_reply_parse(span_of(bad[i]), &r), -IMS_EPARSE);
}

static void it_has_limits(void **state)
{
        struct buf b = BUF_INIT;
        struct http_reply r;

        (void)state;
        buf_puts(&b, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < HTTP_FIELDS_MAX; i++)
                buf_printf(&b, "a%d: b\r\n", i);
        assert_int_equal(http_reply_parse(buf_as_span(&b), &r), -IMS_EINCOMPLETE);
        buf_puts(&b, "one: more\r\n");
        assert_int_equal(http_reply_parse(buf_as_span(&b), &r), -IMS_ETOOBIG);
        buf_reset(&b);
        buf_puts(&b, "HTTP/1.1 200 OK\r\na: ");
        while (b.n < HTTP_HEAD_MAX)
                buf_char(&b, 'x');
        assert_int_equal(http_reply_parse(buf_as_span(&b), &r), -IMS_ETOOBIG);
        buf_free(&b);
}

/* The challenges of a head, joined by "|". */
static void expect_challenges(const char *fields, const char *wanted)
{
        struct http_challenge_at at = {0};
        struct buf text = BUF_INIT, all = BUF_INIT;
        struct http_reply r;
        struct span one;

        buf_printf(&text, "HTTP/1.1 407 x\r\n%s\r\n", fields);
        assert_int_equal(http_reply_parse(buf_as_span(&text), &r), 0);
        while (http_next_challenge(&r, &at, &one)) {
                buf_puts(&all, all.n ? "|" : "");
                buf_span(&all, one);
        }
        assert_true(span_eq(buf_as_span(&all), span_of(wanted)));
        buf_free(&text);
        buf_free(&all);
}

static void challenges_are_told_apart(void **state)
{
        (void)state;
        expect_challenges("", "");
        expect_challenges("WWW-Authenticate: Basic realm=\"x\"\r\n", "");
        expect_challenges("Via: a\r\nproxy-authenticate:  Basic realm=\"x, y\" \r\nServer: b\r\n",
                          "Basic realm=\"x, y\"");
        /* several in one field, some in the next (RFC 9110 11.6.1) */
        expect_challenges(
                "Proxy-Authenticate: Digest realm=\"a\\\"b,\" , nonce = \"n\",, qop=\"auth,auth-int\", "
                "Basic realm=\"c\"\r\nProxy-Authenticate: Negotiate,NTLM TlRM==\r\n",
                "Digest realm=\"a\\\"b,\" , nonce = \"n\",, qop=\"auth,auth-int\"|Basic "
                "realm=\"c\"|Negotiate|NTLM TlRM==");
        /* what belongs to no scheme, and quotes without an end */
        expect_challenges("Proxy-Authenticate: realm=\"x\", , =, Basic a=b, \"\r\nProxy-Authenticate: Digest "
                          "realm=\"x, Basic\r\nProxy-Authenticate:\r\n",
                          "Basic a=b, \"|Digest realm=\"x, Basic");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_head_is_read_when_it_is_whole),
                cmocka_unit_test(what_is_no_answer_is_refused),
                cmocka_unit_test(it_has_limits),
                cmocka_unit_test(challenges_are_told_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
