/* SPDX-License-Identifier: BSD-3-Clause
 * What a bootstrapping server answers, and the credential file that comes of it (docs/hss.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ue/bootstrap_reply.h"

#define GOOD                                                                                                 \
        "{ \"impi\": \"carol@example.org\", \"impu\": [\"sip:carol@example.org\", \"tel:+1\"],"              \
        "\"realm\":\"example.org\", \"password\":\"a b\\u0041\\/\\\\\", \"algorithm\":\"MD5\","              \
        "\"pcscf\":null, \"later\": 17, \"more\": \"x\" }\r\n"

static void a_good_one(void **state)
{
        struct bootstrap_reply r;
        struct buf err = BUF_INIT, file = BUF_INIT;

        (void)state;
        assert_int_equal(bootstrap_reply_read(200, SPAN(GOOD), &r, &err), 0);
        assert_string_equal(r.cred.impi, "carol@example.org");
        assert_int_equal(r.cred.n_impu, 2);
        assert_string_equal(r.cred.password, "a bA/\\");
        assert_string_equal(r.algorithm, "MD5");
        assert_string_equal(r.pcscf, "");
        assert_int_equal(r.cred.kind, CREDENTIAL_IMC);
        bootstrap_reply_write(&r, &file);
        assert_true(span_find(buf_as_span(&file), SPAN("\ndomain: example.org\npassword: a bA/\\\n")) > 0);
        buf_free(&file);
        buf_free(&err);
}

static void nonsense(void **state)
{
        static const char *const bad[] = {
                "",
                "[]",
                "{",
                "{\"impi\"}",
                GOOD "x",
                "{\"impi\":\"carol@example.org\",\"impu\":[\"sip:c@x\"],\"realm\":\"x\"}",
                "{\"impi\":\"carol@example.org\",\"impu\":[\"http://c\"],\"realm\":\"x\",\"password\":\"p\"}",
                "{\"impi\":\"carol@example.org\",\"impu\":[],\"realm\":\"x\",\"password\":\"p\"}",
                "{\"impi\":\"carol@example.org\",\"impu\":[\"sip:c@x\"],\"realm\":\"x\",\"password\":\" p\"}",
                "{\"impi\":\"carol@example.org\",\"impu\":[\"sip:c@x\"],\"realm\":\"x\",\"password\":\"p\\nk:"
                " 0\"}",
                "{\"impi\":\"carol@example.org\",\"impu\":[\"sip:c@x\"],\"realm\":\"x\",\"password\":"
                "\"\\ud800\"}",
                "{\"impi\":\"c@x\",\"impu\":[\"sip:c@x\"],\"realm\":\"x\",\"password\":\"secret\",\"pcscf\":"
                "\"a\\tb\"}",
        };
        static const struct bootstrap_reply zero;
        struct bootstrap_reply r;
        struct buf err = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                buf_reset(&err);
                assert_int_equal(bootstrap_reply_read(200, span_of(bad[i]), &r, &err), -IMS_EPARSE);
                assert_true(err.n > 0);
                assert_true(span_find(buf_as_span(&err), SPAN("secret")) < 0);
                assert_memory_equal(&r, &zero, sizeof(r)); /* nothing of it stays */
        }
        buf_free(&err);
}

static void refusals(void **state)
{
        struct bootstrap_reply r;
        struct buf err = BUF_INIT;

        (void)state;
        assert_int_equal(
                bootstrap_reply_read(403, SPAN("{\"error\":\"blocked\",\"reason\":\"misused\"}"), &r, &err),
                -IMS_EPERM);
        assert_string_equal(r.error, "blocked");
        assert_string_equal(r.reason, "misused");
        assert_int_equal(bootstrap_reply_read(403, SPAN("{\"error\":\"a\\u001bb\"}"), &r, &err), -IMS_EPERM);
        assert_string_equal(r.error, "");
        assert_int_equal(bootstrap_reply_read(500, SPAN(GOOD), &r, &err), -IMS_EPERM);
        assert_string_equal(r.cred.password, "");
        buf_free(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_good_one),
                cmocka_unit_test(nonsense),
                cmocka_unit_test(refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
