/* SPDX-License-Identifier: BSD-3-Clause
 * Reading messages: index, framing, faults. RFC 3261 7, 18.3, 20. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/sip/msg.h"

#define VIA  "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport\r\n"
#define FROM "From: <sip:a@example.org>;tag=x\r\n"
#define TO   "To: <sip:b@example.org>\r\n"
#define ID   "Call-ID: c@192.0.2.1\r\n"
#define CSEQ "CSeq: 7 OPTIONS\r\n"
#define MF   "Max-Forwards: 70\r\n"
#define LINE "OPTIONS sip:b@example.org SIP/2.0\r\n"
#define BASE VIA FROM TO ID CSEQ MF

static struct sip_msg *parse(const char *text)
{
        struct sip_msg *m = NULL;
        size_t used;

        assert_int_equal(sip_msg_parse(span_of(text), SIP_DATAGRAM, &m, &used), 0);
        assert_int_equal(used, strlen(text));
        return m;
}

static void expect_span(struct span s, const char *text)
{
        if (!span_eq(s, span_of(text)))
                fail_msg("'" SPAN_FMT "' is not '%s'", SPAN_ARG(s), text);
}

static void reads_a_request(void **state)
{
        struct sip_msg *m = parse(LINE BASE "Content-Length: 3\r\n\r\nabc");

        (void)state;
        assert_true(m->is_request);
        assert_null(m->fault);
        assert_int_equal(m->method, SIP_OPTIONS);
        expect_span(m->ruri, "sip:b@example.org");
        expect_span(m->via.host, "192.0.2.1");
        expect_span(m->via.branch, "z9hG4bK1");
        expect_span(m->via.transport, "UDP");
        assert_int_equal(m->via.port, 5070);
        assert_true(m->via.has_rport);
        assert_int_equal(m->via.rport, 0);
        expect_span(m->call_id, "c@192.0.2.1");
        expect_span(m->from_tag, "x");
        expect_span(m->to_tag, "");
        assert_int_equal(m->cseq, 7);
        expect_span(m->body, "abc");
        assert_int_equal(m->n_hdrs, 7);
        sip_msg_unref(m);
}

static void reads_a_response(void **state)
{
        struct sip_msg *m = parse("SIP/2.0 401 Not you\r\n" VIA FROM "To: <sip:b@e.org>;tag=t1\r\n" ID
                                  "CSeq: 2 REGISTER\r\nContent-Length: 0\r\n\r\n");

        (void)state;
        assert_false(m->is_request);
        assert_int_equal(m->status, 401);
        assert_int_equal(m->method, SIP_REGISTER);
        expect_span(m->reason, "Not you");
        expect_span(m->to_tag, "t1");
        sip_msg_unref(m);
}

static void refuses_responses_with_faults(void **state)
{
        static const char *const bad[] = {
                "SIP/2.0 099 x\r\n" BASE "\r\n",
                "SIP/2.0 700 x\r\n" BASE "\r\n",
                "SIP/2.0 20 x\r\n" BASE "\r\n",
                "SIP/3.0 200 x\r\n" BASE "\r\n",
                "SIP/2.0 200 OK\r\n" VIA FROM TO ID "CSeq: x OPTIONS\r\n\r\n",
                "SIP/2.0 200 OK\r\n" BASE "Content-Length: 5\r\n\r\nabc",
        };
        struct sip_msg *m;
        size_t used;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(sip_msg_parse(span_of(bad[i]), SIP_DATAGRAM, &m, &used), -IMS_EPARSE);
}

static void unanswerable_is_parse_error(void **state)
{
        static const char *const bad[] = {
                "",
                "\r\n\r\n",
                "hello",
                "hello\r\n\r\n",
                "OPTIONS\r\n" BASE "\r\n",
                "OPTIONS sip:b@e.org\r\n" BASE "\r\n",
                "OPTIONS sip:b@e.org HTTP/1.1\r\n" BASE "\r\n",
                "OP(IONS sip:b@e.org SIP/2.0\r\n" BASE "\r\n",
                LINE FROM TO ID CSEQ MF "\r\n",
                "SIP/2.0 200 OK\r\n" VIA TO ID CSEQ "\r\n", /* a response: nobody to answer */
                "SIP/2.0 200 OK\r\n" VIA FROM ID CSEQ "\r\n",
                "SIP/2.0 200 OK\r\n" VIA FROM TO CSEQ "\r\n",
                "SIP/2.0 200 OK\r\n" VIA FROM TO ID "\r\n",
                LINE "Via: UDP 192.0.2.1\r\n" FROM TO ID CSEQ MF "\r\n",
                LINE "Via: SIP/2.0/UDP\r\n" FROM TO ID CSEQ MF "\r\n",
                LINE "Via: SIP/2.0/UDP [2001:db8::1\r\n" FROM TO ID CSEQ MF "\r\n",
                LINE BASE, /* no empty line */
        };
        struct sip_msg *m;
        size_t used;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (sip_msg_parse(span_of(bad[i]), SIP_DATAGRAM, &m, &used) != -IMS_EPARSE)
                        fail_msg("accepted: %s", bad[i]);
}

static void faults_are_named(void **state)
{
        static const struct {
                const char *text;
                int status;
                const char *fault;
        } rows[] = {
                {"OPTIONS sip:b@e.org SIP/7.0\r\n" BASE "\r\n", 505, "Version Not Supported"},
                {"OPTIONS sip:b@e.org; lr SIP/2.0\r\n" BASE "\r\n", 400, "Malformed Request-URI"},
                {"OPTIONS <sip:b@e.org> SIP/2.0\r\n" BASE "\r\n", 400, "Malformed Request-URI"},
                {"OPTIONS xyz:b SIP/2.0\r\n" BASE "\r\n", 416, "Unsupported URI Scheme"},
                {LINE BASE ID "\r\n", 400, "Repeated Single-Value Header Field"},
                {LINE BASE CSEQ "\r\n", 400, "Repeated Single-Value Header Field"},
                {LINE BASE MF "\r\n", 400, "Repeated Single-Value Header Field"},
                {LINE BASE "i: other\r\n\r\n", 400, "Repeated Single-Value Header Field"},
                {LINE VIA FROM TO ID CSEQ "Max-Forwards: many\r\n\r\n", 400, "Malformed Max-Forwards"},
                {LINE VIA FROM TO ID CSEQ "Max-Forwards: 256\r\n\r\n", 400, "Malformed Max-Forwards"},
                {LINE VIA FROM TO ID CSEQ "Max-Forwards: -1\r\n\r\n", 400, "Malformed Max-Forwards"},
                {LINE VIA FROM TO ID CSEQ "Max-Forwards:\r\n\r\n", 400, "Malformed Max-Forwards"},
                {LINE VIA FROM TO ID MF "CSeq: 7 INVITE\r\n\r\n", 400, "CSeq Method Differs"},
                {LINE VIA FROM TO ID MF "CSeq: 7 options\r\n\r\n", 400, "CSeq Method Differs"},
                {LINE VIA FROM TO ID MF "CSeq: 2147483648 OPTIONS\r\n\r\n", 400, "Malformed CSeq"},
                {LINE VIA FROM TO ID MF "CSeq: OPTIONS\r\n\r\n", 400, "Malformed CSeq"},
                {LINE BASE "Content-Length: 4\r\n\r\nabc", 400, "Content-Length Larger Than Message"},
                {LINE BASE "Content-Length: -3\r\n\r\nabc", 400, "Malformed Content-Length"},
                {LINE BASE "no colon here\r\n\r\n", 400, "Malformed Header Field"},
                {LINE BASE "bad name: x\r\n\r\n", 400, "Malformed Header Field"},
                {LINE BASE "Subject: a\nb: c\r\n\r\n", 400, "Line Not Ended By CRLF"},
                {LINE BASE "Subject: a\rb\r\n\r\n", 400, "Line Not Ended By CRLF"},
                {LINE VIA "From: \"a <sip:a@e.org>;tag=1\r\n" TO ID CSEQ MF "\r\n", 400, "Malformed From"},
                {LINE VIA FROM "To: < sip:a@e.org >\r\n" ID CSEQ MF "\r\n", 400, "Malformed To"},
                {LINE VIA FROM "To: <sip:a@e.org\r\n" ID CSEQ MF "\r\n", 400, "Malformed To"},
                {LINE VIA FROM TO "Call-ID: a b\r\n" CSEQ MF "\r\n", 400, "Malformed Call-ID"},
                {LINE "Via: SIP/2.0/UDP 192.0.2.1:99999\r\n" FROM TO ID CSEQ MF "\r\n", 400, "Malformed Via"},
                {LINE "Via: SIP/2.0/UDP 192.0.2.1;;x\r\n" FROM TO ID CSEQ MF "\r\n", 400, "Malformed Via"},
                {LINE VIA TO ID CSEQ MF "\r\n", 400, "From, To, Call-ID or CSeq Missing"},
                {LINE VIA FROM ID CSEQ MF "\r\n", 400, "From, To, Call-ID or CSeq Missing"},
                {LINE VIA FROM TO CSEQ MF "\r\n", 400, "From, To, Call-ID or CSeq Missing"},
                {LINE VIA FROM TO ID MF "\r\n", 400, "From, To, Call-ID or CSeq Missing"},
                {LINE VIA "From: B, A <sip:a@e.org>;tag=1\r\n" TO ID CSEQ MF "\r\n", 400, "Malformed From"},
                {LINE VIA FROM "To: sip:a@e.org?x=y\r\n" ID CSEQ MF "\r\n", 400, "Malformed To"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sip_msg *m = parse(rows[i].text);

                if (!m->fault || strcmp(m->fault, rows[i].fault) != 0)
                        fail_msg("row %zu: fault '%s', not '%s'", i, m->fault ? m->fault : "none",
                                 rows[i].fault);
                assert_int_equal(m->fault_status, rows[i].status);
                sip_msg_unref(m);
        }
}

static void nul_only_behind_a_backslash(void **state)
{
        static const char bad[] = LINE BASE "Subject: a\0b\r\n\r\n";
        static const char good[] = LINE VIA "From: \"\\\0\" <sip:a@e.org>;tag=1\r\n" TO ID CSEQ MF "\r\n";
        struct sip_msg *m;
        size_t used;

        (void)state;
        assert_int_equal(sip_msg_parse(span_make(bad, sizeof(bad) - 1), SIP_DATAGRAM, &m, &used), 0);
        assert_string_equal(m->fault, "NUL In Header");
        sip_msg_unref(m);
        assert_int_equal(sip_msg_parse(span_make(good, sizeof(good) - 1), SIP_DATAGRAM, &m, &used), 0);
        assert_null(m->fault);
        sip_msg_unref(m);
}

static void stream_framing(void **state)
{
        static const char text[] = "\r\n\r\n" LINE BASE "Content-Length :\r\n 3\r\n\r\nabc" LINE;
        size_t whole = sizeof(text) - sizeof(LINE), used;
        struct sip_msg *m = NULL;

        (void)state;
        for (size_t n = 0; n < whole; n++)
                assert_int_equal(sip_msg_parse(span_make(text, n), SIP_STREAM, &m, &used), -IMS_EINCOMPLETE);
        assert_int_equal(sip_msg_parse(span_make(text, sizeof(text) - 1), SIP_STREAM, &m, &used), 0);
        assert_int_equal(used, whole);
        assert_null(m->fault);
        expect_span(m->body, "abc");
        sip_msg_unref(m);
}

static void stream_without_length_is_a_fault(void **state)
{
        static const char text[] = LINE BASE "\r\nabc";
        struct sip_msg *m;
        size_t used;

        (void)state;
        assert_int_equal(sip_msg_parse(span_of(text), SIP_STREAM, &m, &used), 0);
        assert_string_equal(m->fault, "Content-Length Missing");
        assert_int_equal(used, sizeof(text) - 4);
        sip_msg_unref(m);
        assert_int_equal(
                sip_msg_parse(SPAN(LINE BASE "Content-Length: 4000000\r\n\r\n"), SIP_STREAM, &m, &used),
                -IMS_ETOOBIG);
        assert_int_equal(sip_msg_parse(SPAN("rubbish\r\n\r\n"), SIP_STREAM, &m, &used), -IMS_EPARSE);
}

static void datagram_body(void **state)
{
        struct sip_msg *m = parse(LINE BASE "\r\nto the end");

        (void)state;
        expect_span(m->body, "to the end");
        sip_msg_unref(m);
        m = parse(LINE BASE "l: 2\r\n\r\nto the end");
        expect_span(m->body, "to");
        sip_msg_unref(m);
}

static void too_many_lines(void **state)
{
        static char text[20000];
        struct sip_msg *m;
        size_t used, n = (size_t)snprintf(text, sizeof(text), "%s", LINE BASE);

        (void)state;
        for (int i = 0; i < 300; i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "X-%d: y\r\n", i);
        snprintf(text + n, sizeof(text) - n, "\r\n");
        assert_int_equal(sip_msg_parse(span_of(text), SIP_DATAGRAM, &m, &used), 0);
        assert_string_equal(m->fault, "Too Many Header Fields"); /* it can be answered */
        assert_int_equal(m->fault_status, 400);
        assert_int_equal(used, strlen(text));
        sip_msg_unref(m);
        text[0] = ' '; /* no start line, and nobody to answer */
        assert_int_equal(sip_msg_parse(span_of(text), SIP_DATAGRAM, &m, &used), -IMS_EPARSE);
}

static void every_name_is_found(void **state)
{
        (void)state;
#define X(id, name, compact, list)                                                                           \
        assert_int_equal(sip_hdr_lookup(SPAN(name)), SIP_HDR_##id);                                          \
        if (compact[0])                                                                                      \
                assert_int_equal(sip_hdr_lookup(SPAN(compact)), SIP_HDR_##id);
        SIP_HDR_LIST(X)
#undef X
        assert_int_equal(sip_hdr_lookup(SPAN("cALL-iD")), SIP_HDR_CALL_ID);
        assert_int_equal(sip_hdr_lookup(SPAN("V")), SIP_HDR_VIA);
        assert_int_equal(sip_hdr_lookup(SPAN("Vib")), SIP_HDR_OTHER);
        assert_int_equal(sip_hdr_lookup(SPAN("X-Call-ID")), SIP_HDR_OTHER);
        assert_int_equal(sip_hdr_lookup(SPAN("")), SIP_HDR_OTHER);
        for (enum sip_method m = 0; m < SIP_METHOD_OTHER; m++)
                assert_int_equal(sip_method_lookup(span_of(sip_method_name(m))), m);
        assert_int_equal(sip_method_lookup(SPAN("invite")), SIP_METHOD_OTHER);
        assert_int_equal(sip_method_lookup(SPAN("")), SIP_METHOD_OTHER);
}

static void values_over_lines(void **state)
{
        struct sip_msg *m = parse(LINE BASE "Route: <sip:a,b@c;lr>, \"x, y\" <sip:d>\r\nX: 1\r\n"
                                            "route: <sip:e>,\r\n <sip:f>\r\nRequire: path , sec-agree\r\n"
                                            "Authorization: Digest a=1, b=2\r\n\r\n");
        static const char *const want[] = {"<sip:a,b@c;lr>", "\"x, y\" <sip:d>", "<sip:e>", "<sip:f>"};
        struct sip_value_iter it = {0};
        struct span v;
        size_t n = 0;

        (void)state;
        while (sip_msg_next_value(m, SIP_HDR_ROUTE, &it, &v))
                expect_span(v, want[n++]);
        assert_int_equal(n, 4);
        assert_false(sip_msg_next_value(m, SIP_HDR_ROUTE, &it, &v));
        assert_true(sip_msg_has_token(m, SIP_HDR_REQUIRE, SPAN("Sec-Agree")));
        assert_false(sip_msg_has_token(m, SIP_HDR_REQUIRE, SPAN("sec")));
        assert_false(sip_msg_has_token(m, SIP_HDR_SUPPORTED, SPAN("path")));
        expect_span(sip_msg_value(m, SIP_HDR_AUTHORIZATION), "Digest a=1, b=2");
        expect_span(sip_msg_value(m, SIP_HDR_EXPIRES), "");
        expect_span(sip_msg_hdr(m, SIP_HDR_ROUTE, 1)->value, "<sip:e>,\r\n <sip:f>");
        assert_null(sip_msg_hdr(m, SIP_HDR_ROUTE, 2));
        expect_span(sip_msg_hdr_named(m, SPAN("x"), 0)->value, "1");
        assert_null(sip_msg_hdr_named(m, SPAN("x"), 1));
        expect_span(sip_msg_hdr_named(m, SPAN("r"), 0) ? SPAN("found") : SPAN("none"), "none");
        expect_span(sip_msg_hdr_named(m, SPAN("ROUTE"), 1)->name, "route");
        sip_msg_unref(m);
}

static void own_requests_need_no_via(void **state)
{
        struct sip_msg *m;

        (void)state;
        assert_int_equal(sip_msg_parse_own(SPAN(LINE FROM TO ID CSEQ "\r\n"), &m), 0);
        assert_int_equal(m->method, SIP_OPTIONS);
        sip_msg_unref(m);
        assert_int_equal(sip_msg_parse_own(SPAN(LINE FROM TO ID "CSeq: 1 INVITE\r\n\r\n"), &m), -IMS_EPARSE);
}

static void ipv6_via(void **state)
{
        struct sip_msg *m = parse(LINE "Via: SIP/2.0/TCP [2001:db8::9]:5062;rport=7;received=2001:db8::1;"
                                       "branch=z9hG4bKx, SIP/2.0/UDP other\r\n" FROM TO ID CSEQ MF "\r\n");

        (void)state;
        expect_span(m->via.host, "2001:db8::9");
        assert_int_equal(m->via.port, 5062);
        assert_int_equal(m->via.rport, 7);
        expect_span(m->via.received, "2001:db8::1");
        expect_span(m->via.branch, "z9hG4bKx");
        sip_msg_unref(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reads_a_request),
                cmocka_unit_test(reads_a_response),
                cmocka_unit_test(refuses_responses_with_faults),
                cmocka_unit_test(unanswerable_is_parse_error),
                cmocka_unit_test(faults_are_named),
                cmocka_unit_test(nul_only_behind_a_backslash),
                cmocka_unit_test(stream_framing),
                cmocka_unit_test(stream_without_length_is_a_fault),
                cmocka_unit_test(datagram_body),
                cmocka_unit_test(too_many_lines),
                cmocka_unit_test(every_name_is_found),
                cmocka_unit_test(values_over_lines),
                cmocka_unit_test(own_requests_need_no_via),
                cmocka_unit_test(ipv6_via),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
