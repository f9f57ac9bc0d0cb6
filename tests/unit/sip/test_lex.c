/* SPDX-License-Identifier: BSD-3-Clause
 * Lexical rules: what counts as white space and token, quoted strings, name-addr. RFC 3261 25.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/sip/msg_lex.h"

/* Each octet at each place of spans of 1 to 17 octets. */
static void space_of_every_octet(void **state)
{
        char text[17];

        (void)state;
        memset(text, 'x', sizeof(text));
        assert_false(sip_has_space(SPAN_NULL));
        for (size_t n = 1; n <= sizeof(text); n++)
                for (size_t at = 0; at < n; at++) {
                        for (int c = 0; c < 256; c++) {
                                text[at] = (char)c;
                                if (sip_has_space(span_make(text, n)) != (c <= ' ' || c == 127))
                                        fail_msg("%02x at %zu of %zu", c, at, n);
                        }
                        text[at] = 'x';
                }
}

static void token_characters(void **state)
{
        (void)state;
        for (int c = 0; c < 256; c++) {
                bool want = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                            (c && strchr("-.!%*_+`'~", c));
                if (sip_is_token_char((char)c) != want)
                        fail_msg("%02x", c);
        }
}

static void quoted(const char *text, const char *want)
{
        struct sip_lex l = sip_lex_of(span_of(text));
        struct span got;

        if (!want) {
                assert_false(sip_lex_quoted(&l, &got));
                return;
        }
        assert_true(sip_lex_quoted(&l, &got));
        assert_true(span_eq(got, span_of(want)));
        assert_ptr_equal(l.p, text + strlen(want));
}

static void quoted_strings(void **state)
{
        (void)state;
        quoted("\"a b\", \"c\"", "\"a b\"");
        quoted("\"\"x", "\"\"");
        quoted("\"a\\\"b\" c", "\"a\\\"b\"");
        quoted("\"a\\\\\" c", "\"a\\\\\"");
        quoted("\"a\\\"", NULL);
        quoted("\"a", NULL);
        quoted("\"", NULL);
}

static void name_addr(const char *text, const char *want_uri, const char *want_params)
{
        struct span uri, params;

        if (!want_uri) {
                assert_int_equal(sip_lex_name_addr(span_of(text), &uri, &params), -IMS_EPARSE);
                return;
        }
        assert_int_equal(sip_lex_name_addr(span_of(text), &uri, &params), 0);
        assert_true(span_eq(uri, span_of(want_uri)));
        assert_true(span_eq(params, span_of(want_params)));
}

static void name_addrs(void **state)
{
        (void)state;
        name_addr("<sip:a@b;x>;tag=1", "sip:a@b;x", ";tag=1");
        name_addr("Al <sip:a@b>", "sip:a@b", "");
        name_addr("\"A <x>; b\" <sip:a@b>;q=1", "sip:a@b", ";q=1");
        name_addr("sip:a@b;tag=1", "sip:a@b", ";tag=1");
        name_addr("sip:a@b;x=<y>", "sip:a@b", ";x=<y>");
        name_addr("\"A\" sip:a@b", NULL, NULL);
        name_addr("A \"B\" <sip:a@b>", NULL, NULL);
        name_addr("<sip:a@b", NULL, NULL);
        name_addr("<sip:a b>", NULL, NULL);
        name_addr("<>", NULL, NULL);
        name_addr("", NULL, NULL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(space_of_every_octet),
                cmocka_unit_test(token_characters),
                cmocka_unit_test(quoted_strings),
                cmocka_unit_test(name_addrs),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
