/* SPDX-License-Identifier: BSD-3-Clause
 * The HTTP request of bootstrapping: what is taken, what is refused, in whatever pieces it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hss/bootstrap_http.h"
#include "tests/unit/proves.h"

#define POST "POST /bootstrap HTTP/1.1\r\n"
#define HOST "Host: hss.example\r\n"

static void requests(void **state)
{
        (void)state;
        static const struct {
                const char *text;
                int rc;
        } rows[] = {
                {POST HOST "Content-Length: 0\r\n\r\n", 0},
                {POST HOST "\r\n", 0},
                {POST HOST "content-length:2\r\nAccept: */*\r\n\r\n{}", 0},
                {"GET /other?x=1 HTTP/1.1\r\n" HOST "\r\n", 0},
                {"POST /bootstrap HTTP/1.0\r\n\r\n", 0},
                {"POST /bootstrap HTTP/1.1\n"
                 "Host: x\n\n",
                 0},
                {POST HOST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 0},
                {POST HOST "Content-Length: 2\r\n\r\n{", -IMS_EINCOMPLETE},
                {POST HOST "Content-Length: 0\r\n", -IMS_EINCOMPLETE},
                {POST, -IMS_EINCOMPLETE},
                {"", -IMS_EINCOMPLETE},
                {POST "\r\n", -IMS_EPARSE}, /* no Host */
                {POST HOST HOST "\r\n", -IMS_EPARSE},
                {POST HOST "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", -IMS_EPARSE},
                {POST HOST "Content-Length: -1\r\n\r\n", -IMS_EPARSE},
                {POST HOST "Content-Length: 2, 2\r\n\r\n{}", -IMS_EPARSE},
                {POST HOST "Content-Length:\r\n\r\n", -IMS_EPARSE},
                {POST HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", -IMS_EPARSE},
                {POST HOST " folded\r\n\r\n", -IMS_EPARSE},
                {POST HOST "Name : x\r\n\r\n", -IMS_EPARSE},
                {POST HOST ": x\r\n\r\n", -IMS_EPARSE},
                {POST HOST "x\r\n\r\n", -IMS_EPARSE},
                {POST HOST "X: a\x01\r\n\r\n", -IMS_EPARSE},
                {POST "Host: a\rb\r\n\r\n", -IMS_EPARSE},
                {"\r\n" POST HOST "\r\n", -IMS_EPARSE},
                {"POST /bootstrap HTTP/2.0\r\n" HOST "\r\n", -IMS_EPARSE},
                {"POST /bootstrap\r\n" HOST "\r\n", -IMS_EPARSE},
                {"POST  HTTP/1.1\r\n" HOST "\r\n", -IMS_EPARSE},
                {"P(ST /bootstrap HTTP/1.1\r\n" HOST "\r\n", -IMS_EPARSE},
                {"POST /boot\xc3 HTTP/1.1\r\n" HOST "\r\n", -IMS_EPARSE},
                {"\x16\x03\x01\x02\n", -IMS_EPARSE},
                {POST HOST "Content-Length: 1025\r\n\r\n", -IMS_ETOOBIG},
                {POST HOST "Content-Length: 4294967295\r\n\r\n", -IMS_ETOOBIG},
                {POST HOST "Content-Length: 4294967296\r\n\r\n", -IMS_EPARSE},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct bootstrap_request rq;
                struct span all = span_of(rows[i].text);
                int rc = bootstrap_request_parse(all, &rq);
                if (rc != rows[i].rc)
                        fail_msg("row %zu: %d", i, rc);
                if (rc == 0)
                        assert_int_equal(rq.n, all.n);
                for (size_t n = 0; rc == 0 && n < all.n; n++) /* never taken before its end */
                        assert_int_equal(bootstrap_request_parse(span_sub(all, 0, n), &rq), -IMS_EINCOMPLETE);
        }
}

static void parts(void **state)
{
        (void)state;
        struct bootstrap_request rq;
        assert_int_equal(bootstrap_request_parse(SPAN(POST HOST "\r\nmore"), &rq), 0);
        assert_true(span_eq(rq.method, SPAN("POST")));
        assert_true(span_eq(rq.target, SPAN("/bootstrap")));
        assert_int_equal(rq.n, strlen(POST HOST "\r\n"));
}

static void limits(void **state)
{
        (void)state;
        struct bootstrap_request rq;
        struct buf b = BUF_INIT;
        buf_puts(&b, POST HOST);
        for (int i = 1; i < BOOTSTRAP_FIELDS_MAX; i++)
                buf_puts(&b, "X: y\r\n");
        size_t n = b.n;
        buf_puts(&b, "\r\n");
        assert_int_equal(bootstrap_request_parse(buf_as_span(&b), &rq), 0);
        b.n = n;
        buf_puts(&b, "X: y\r\n\r\n");
        assert_int_equal(bootstrap_request_parse(buf_as_span(&b), &rq), -IMS_ETOOBIG);
        buf_reset(&b);
        buf_puts(&b, POST HOST "X: ");
        while (b.n < BOOTSTRAP_REQUEST_MAX - 4)
                buf_char(&b, 'x');
        buf_puts(&b, "\r\n\r\n"); /* exactly as long as is allowed */
        assert_int_equal(bootstrap_request_parse(buf_as_span(&b), &rq), 0);
        b.n -= 4;
        buf_puts(&b, "x\r\n\r\n");
        assert_int_equal(bootstrap_request_parse(buf_as_span(&b), &rq), -IMS_ETOOBIG);
        buf_reset(&b);
        for (int i = 0; i < BOOTSTRAP_REQUEST_MAX; i++) /* a line that never ends */
                buf_char(&b, 'A');
        assert_int_equal(bootstrap_request_parse(buf_as_span(&b), &rq), -IMS_ETOOBIG);
        buf_free(&b);
}

static void replies(void **state)
{
        (void)state;
        static const int statuses[] = {200, 400, 403, 404, 405, 413, 503};
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
                struct buf b = BUF_INIT;
                char first[32];
                bootstrap_reply_write(&b, statuses[i], SPAN("{\"x\":1}"));
                (void)snprintf(first, sizeof first, "HTTP/1.1 %d ", statuses[i]);
                assert_true(span_starts(buf_as_span(&b), span_of(first)));
                assert_true(span_ends(buf_as_span(&b), SPAN("\r\n\r\n{\"x\":1}")));
                assert_true(span_find(buf_as_span(&b), SPAN("\r\nContent-Length: 7\r\n")) > 0);
                assert_true(span_find(buf_as_span(&b), SPAN("\r\nCache-Control: no-store\r\n")) > 0);
                assert_true(span_find(buf_as_span(&b), SPAN("\r\nConnection: close\r\n")) > 0);
                buf_free(&b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(requests), cmocka_unit_test(parts),
                                           cmocka_unit_test(limits), cmocka_unit_test(replies)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
