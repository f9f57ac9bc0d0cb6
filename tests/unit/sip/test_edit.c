/* SPDX-License-Identifier: BSD-3-Clause
 * Edits: each kind, their combination, and what must not be possible. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/sip/edit.h"

#define LINE "OPTIONS sip:b@example.org SIP/2.0\r\n"
#define V1   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define BASE "f: <sip:a@example.org>;tag=x\r\nTo: <sip:b@example.org>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n"
#define R1   "Route: <sip:r1;lr>, <sip:r2;lr>\r\n"
#define R2   "Route:\t<sip:r3;lr>\r\n"
#define REQ  "Require: path,sec-agree\r\n"
#define END  "Content-Length: 0\r\n\r\n"

#define WHOLE LINE V1 BASE R1 "X-Mine: 1\r\n" R2 REQ END

struct fix {
        struct sip_msg *m;
        struct sip_edit e;
        struct buf out;
};

static void open_fix(struct fix *f, const char *text)
{
        size_t used;

        assert_int_equal(sip_msg_parse(span_of(text), SIP_DATAGRAM, &f->m, &used), 0);
        sip_edit_init(&f->e, f->m);
        f->out = BUF_INIT;
}

static void expect(struct fix *f, struct span via, const char *text)
{
        assert_int_equal(sip_edit_write(&f->e, via, &f->out), 0);
        if (!span_eq(buf_as_span(&f->out), span_of(text)))
                fail_msg("got:\n" SPAN_FMT "\nnot:\n%s", SPAN_ARG(buf_as_span(&f->out)), text);
        sip_edit_free(&f->e);
        buf_free(&f->out);
        sip_msg_unref(f->m);
}

static void expect_err(struct fix *f, int err)
{
        assert_int_equal(sip_edit_write(&f->e, SPAN_NULL, &f->out), err);
        sip_edit_free(&f->e);
        buf_free(&f->out);
        sip_msg_unref(f->m);
}

static void nothing_changed(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        expect(&f, SPAN_NULL, WHOLE);
}

static void via_and_ruri(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_set_ruri(&f.e, SPAN("sip:c@[2001:db8::1]"));
        expect(&f, SPAN("SIP/2.0/TCP me"),
               "OPTIONS sip:c@[2001:db8::1] SIP/2.0\r\nVia: SIP/2.0/TCP me\r\n" V1 BASE R1
               "X-Mine: 1\r\n" R2 REQ END);
}

static void insert_and_append(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_insert(&f.e, SIP_HDR_ROUTE, SPAN("<sip:i1>"));
        sip_edit_insert(&f.e, SIP_HDR_ROUTE, SPAN("<sip:i2>"));
        sip_edit_append(&f.e, SIP_HDR_ROUTE, SPAN("<sip:a1>"));
        sip_edit_append(&f.e, SIP_HDR_ROUTE, SPAN("<sip:a2>"));
        sip_edit_append(&f.e, SIP_HDR_PATH, SPAN("<sip:p1>"));
        sip_edit_insert(&f.e, SIP_HDR_PATH, SPAN("<sip:p2>"));
        expect(&f, SPAN_NULL,
               LINE V1 BASE "Route: <sip:i2>\r\nRoute: <sip:i1>\r\n" R1 "X-Mine: 1\r\n" R2
                            "Route: <sip:a1>\r\nRoute: <sip:a2>\r\n" REQ
                            "Content-Length: 0\r\nPath: <sip:p2>\r\nPath: <sip:p1>\r\n\r\n");
}

static void remove_and_replace(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_remove_all(&f.e, SIP_HDR_ROUTE);
        sip_edit_remove_all(&f.e, SIP_HDR_EXPIRES);
        sip_edit_remove(&f.e, sip_msg_hdr_named(f.m, SPAN("X-Mine"), 0));
        sip_edit_replace(&f.e, sip_msg_hdr(f.m, SIP_HDR_FROM, 0), SPAN("<sip:z@e.org>"));
        expect(&f, SPAN_NULL,
               LINE V1
               "f: <sip:z@e.org>\r\nTo: <sip:b@example.org>\r\nCall-ID: c\r\nCSeq: 7 OPTIONS\r\n" REQ END);
}

static void removed_then_added_keeps_the_added(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_append(&f.e, SIP_HDR_ROUTE, SPAN("<sip:gone>"));
        sip_edit_remove_all(&f.e, SIP_HDR_ROUTE);
        sip_edit_append(&f.e, SIP_HDR_ROUTE, SPAN("<sip:kept>"));
        expect(&f, SPAN_NULL, LINE V1 BASE "X-Mine: 1\r\nRoute: <sip:kept>\r\n" REQ END);
}

static void set_makes_one(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_set(&f.e, SIP_HDR_ROUTE, SPAN("<sip:one>"));
        sip_edit_set(&f.e, SIP_HDR_EXPIRES, SPAN("1"));
        sip_edit_set(&f.e, SIP_HDR_EXPIRES, SPAN("2"));
        sip_edit_set(&f.e, SIP_HDR_ROUTE, SPAN("<sip:two>"));
        expect(&f, SPAN_NULL,
               LINE V1 BASE "Route: <sip:two>\r\nX-Mine: 1\r\n" REQ
                            "Content-Length: 0\r\nExpires: 2\r\n\r\n");
}

static void pop_values(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_pop_value(&f.e, SIP_HDR_ROUTE);
        sip_edit_pop_value(&f.e, SIP_HDR_VIA);
        sip_edit_pop_value(&f.e, SIP_HDR_PATH);
        expect(&f, SPAN_NULL, LINE BASE "Route: <sip:r2;lr>\r\nX-Mine: 1\r\n" R2 REQ END);
        open_fix(&f, WHOLE);
        for (int i = 0; i < 4; i++)
                sip_edit_pop_value(&f.e, SIP_HDR_ROUTE);
        expect(&f, SPAN_NULL, LINE V1 BASE "X-Mine: 1\r\n" REQ END);
}

/* Each pop shortens what the one before left: values of the buffer become values of the buffer while it
 * grows. */
static void pops_while_the_buffer_grows(void **state)
{
        char text[4096];
        size_t n = (size_t)snprintf(text, sizeof(text), LINE V1 BASE "Route: <sip:0>");
        struct fix f;

        (void)state;
        for (int i = 1; i < 40; i++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, ", <sip:a-rather-long-host-name-%d>", i);
        snprintf(text + n, sizeof(text) - n, "\r\n" END);
        open_fix(&f, text);
        for (int i = 0; i < 39; i++)
                sip_edit_pop_value(&f.e, SIP_HDR_ROUTE);
        expect(&f, SPAN_NULL, LINE V1 BASE "Route: <sip:a-rather-long-host-name-39>\r\n" END);
}

static void remove_tokens(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_remove_token(&f.e, SIP_HDR_REQUIRE, SPAN("SEC-agree"));
        sip_edit_remove_token(&f.e, SIP_HDR_REQUIRE, SPAN("none"));
        expect(&f, SPAN_NULL, LINE V1 BASE R1 "X-Mine: 1\r\n" R2 "Require: path\r\n" END);
        open_fix(&f, WHOLE);
        sip_edit_remove_token(&f.e, SIP_HDR_REQUIRE, SPAN("sec-agree"));
        sip_edit_remove_token(&f.e, SIP_HDR_REQUIRE, SPAN("path"));
        expect(&f, SPAN_NULL, LINE V1 BASE R1 "X-Mine: 1\r\n" R2 END);
}

static void body_and_length(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        sip_edit_set_body(&f.e, SPAN("text/plain"), SPAN("hello world"));
        expect(&f, SPAN_NULL,
               LINE V1 BASE R1 "X-Mine: 1\r\n" R2 REQ
                               "Content-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world");
        open_fix(&f, LINE V1 BASE "l: 3\r\n\r\nabcdef");
        sip_edit_set_body(&f.e, SPAN_NULL, SPAN("xy"));
        expect(&f, SPAN_NULL, LINE V1 BASE "l: 2\r\n\r\nxy");
        open_fix(&f, LINE V1 BASE "\r\nabc");
        expect(&f, SPAN_NULL, LINE V1 BASE "Content-Length: 3\r\n\r\nabc");
}

static void lines_cannot_be_smuggled(void **state)
{
        static const char *const bad[] = {"a\r\nX: y", "a\nX: y", "a\rb", "a\r\n", "a\n"};
        struct fix f;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                open_fix(&f, WHOLE);
                sip_edit_set(&f.e, SIP_HDR_SUBJECT, span_of(bad[i]));
                expect_err(&f, -IMS_EINVAL);
        }
        open_fix(&f, WHOLE);
        sip_edit_set_ruri(&f.e, SPAN("sip:a SIP/2.0"));
        expect_err(&f, -IMS_EINVAL);
        open_fix(&f, WHOLE);
        sip_edit_append(&f.e, SIP_HDR_SUBJECT, SPAN("folded\r\n value"));
        expect(&f, SPAN_NULL,
               LINE V1 BASE R1 "X-Mine: 1\r\n" R2 REQ
                               "Content-Length: 0\r\nSubject: folded\r\n value\r\n\r\n");
}

static void too_many_edits(void **state)
{
        struct fix f;

        (void)state;
        open_fix(&f, WHOLE);
        for (int i = 0; i < SIP_EDITS_MAX; i++)
                sip_edit_append(&f.e, SIP_HDR_PATH, SPAN("<sip:p>"));
        assert_int_equal(f.e.err, 0);
        sip_edit_append(&f.e, SIP_HDR_PATH, SPAN("<sip:p>"));
        expect_err(&f, -IMS_ETOOBIG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_changed),
                cmocka_unit_test(via_and_ruri),
                cmocka_unit_test(insert_and_append),
                cmocka_unit_test(remove_and_replace),
                cmocka_unit_test(removed_then_added_keeps_the_added),
                cmocka_unit_test(set_makes_one),
                cmocka_unit_test(pop_values),
                cmocka_unit_test(pops_while_the_buffer_grows),
                cmocka_unit_test(remove_tokens),
                cmocka_unit_test(body_and_length),
                cmocka_unit_test(lines_cannot_be_smuggled),
                cmocka_unit_test(too_many_edits),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
