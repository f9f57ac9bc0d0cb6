/* SPDX-License-Identifier: BSD-3-Clause
 * Spans, buffers, hex and base64, errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/base/text.h"

static void assert_span(struct span s, const char *want)
{
        if (!span_eq(s, span_of(want)))
                fail_msg("got '%.*s', want '%s'", (int)s.n, s.n ? s.p : "", want);
}

static void comparing(void **state)
{
        (void)state;
        assert_true(span_eq(SPAN(""), SPAN_NULL));
        assert_true(span_ieq(SPAN("CSeq"), SPAN("cseQ")));
        assert_false(span_ieq(SPAN("@"), SPAN("`"))); /* differ in bit 5 alone, but are no letters */
        assert_false(span_ieq(SPAN("ab"), SPAN("abc")));
        assert_true(span_starts(SPAN("abc"), SPAN("ab")));
        assert_false(span_starts(SPAN("ab"), SPAN("abc")));
        assert_true(span_istarts(SPAN("SIP:x"), SPAN("sip:")));
        assert_true(span_ends(SPAN("abc"), SPAN("bc")));
        assert_false(span_ends(SPAN("c"), SPAN("bc")));
        assert_true(span_starts(SPAN_NULL, SPAN_NULL));
}

/* Each pair of octets, at each place of spans of 1 to 17 octets. */
static void case_of_every_octet(void **state)
{
        char a[17], b[17];

        (void)state;
        memset(a, 'x', sizeof(a));
        memset(b, 'X', sizeof(b));
        for (size_t n = 1; n <= sizeof(a); n++)
                for (size_t at = 0; at < n; at++) {
                        for (int i = 0; i < 256 * 256; i++) {
                                int p = i / 256, q = i % 256, bit = p ^ q;
                                bool letters = bit == 0x20 && (p | 0x20) >= 'a' && (p | 0x20) <= 'z';

                                a[at] = (char)p;
                                b[at] = (char)q;
                                if (span_ieq(span_make(a, n), span_make(b, n)) != (p == q || letters))
                                        fail_msg("%02x and %02x at %zu of %zu", p, q, at, n);
                        }
                        a[at] = 'x';
                        b[at] = 'X';
                }
}

static void short_text(void **state)
{
        char array[24];
        struct text t = text_in(array, sizeof(array));

        (void)state;
        assert_string_equal(array, "");
        text_puts(&t, "a");
        text_char(&t, ':');
        text_u32(&t, 0);
        text_span(&t, SPAN_NULL);
        text_u32(&t, 4294967295);
        assert_string_equal(array, "a:04294967295");
        assert_int_equal(t.n, 13);
        text_u32(&t, 1234567890);
        assert_string_equal(array, "a:042949672951234567890");
        text_char(&t, 'x'); /* is full */
        assert_int_equal(t.n, 23);
        assert_int_equal(strlen(array), 23);
        t = text_in(array, 17);
        text_hex64(&t, 0x00fedcba98765432);
        assert_string_equal(array, "00fedcba98765432");
        t = text_in(array, 1);
        text_puts(&t, "abc");
        assert_string_equal(array, "");
}

static void cutting(void **state)
{
        struct span rest = SPAN("a,,b"), part;

        (void)state;
        assert_span(span_sub(SPAN("abcd"), 1, 3), "bc");
        assert_span(span_sub(SPAN("abcd"), 3, 99), "d");
        assert_span(span_sub(SPAN("abcd"), 7, 9), "");
        assert_span(span_sub(SPAN("abcd"), 3, 1), "");
        assert_span(span_trim(SPAN(" \t\r\nx y \n")), "x y");
        assert_span(span_trim(SPAN("  ")), "");
        assert_int_equal(span_chr(SPAN("a:b:c"), ':', 2), 3);
        assert_int_equal(span_chr(SPAN("a:b"), ':', 5), -1);
        assert_int_equal(span_find(SPAN("abcabd"), SPAN("abd")), 3);
        assert_int_equal(span_find(SPAN("ab"), SPAN("abd")), -1);
        assert_true(span_split(&rest, ',', &part));
        assert_span(part, "a");
        assert_true(span_split(&rest, ',', &part));
        assert_span(part, "");
        assert_true(span_split(&rest, ',', &part));
        assert_span(part, "b");
        assert_false(span_split(&rest, ',', &part));
}

static void copying(void **state)
{
        char dst[4];
        char *dup = span_dup(SPAN("xyz"));

        (void)state;
        assert_string_equal(dup, "xyz");
        free(dup);
        assert_int_equal(span_copy(SPAN("abc"), dst, sizeof(dst)), 0);
        assert_string_equal(dst, "abc");
        assert_int_equal(span_copy(SPAN("abcd"), dst, sizeof(dst)), -IMS_ETOOBIG);
        assert_int_equal(span_copy(SPAN("a\0b"), dst, sizeof(dst)), -IMS_EPARSE);
        assert_string_equal(dst, "abc");
}

static void numbers(void **state)
{
        uint64_t v = 7;
        uint32_t u = 7;

        (void)state;
        assert_int_equal(span_u64(SPAN("18446744073709551615"), UINT64_MAX, &v), 0);
        assert_true(v == UINT64_MAX);
        assert_int_equal(span_u64(SPAN("18446744073709551616"), UINT64_MAX, &v), -IMS_ETOOBIG);
        assert_int_equal(span_u64(SPAN("99999999999999999999x"), UINT64_MAX, &v), -IMS_EPARSE);
        assert_int_equal(span_u32(SPAN("4294967296"), UINT32_MAX, &u), -IMS_ETOOBIG);
        assert_int_equal(span_u32(SPAN("0065"), 65, &u), 0);
        assert_int_equal(u, 65);
        assert_int_equal(span_u32(SPAN("66"), 65, &u), -IMS_ETOOBIG);
        assert_int_equal(span_u32(SPAN(""), 65, &u), -IMS_EPARSE);
        assert_int_equal(span_u32(SPAN("+1"), 65, &u), -IMS_EPARSE);
        assert_int_equal(u, 65);
}

static void buffer_grows_to_its_limit(void **state)
{
        struct buf b = {.max = 1000};

        (void)state;
        for (int i = 0; i < 100; i++)
                buf_puts(&b, "0123456789");
        assert_int_equal(b.err, 0);
        assert_int_equal(b.n, 1000);
        buf_char(&b, 'x');
        assert_int_equal(b.err, -IMS_ETOOBIG);
        buf_reset(&b);
        buf_printf(&b, "%s-%d", "a", 5);
        assert_span(buf_as_span(&b), "a-5");
        buf_free(&b);
        assert_null(b.p);
}

static void buffer_prints_at_its_edges(void **state)
{
        struct buf b = BUF_INIT;
        char text[600];

        (void)state;
        memset(text, 'x', sizeof(text));
        for (size_t n = 250; n < 260; n++) {
                buf_free(&b);
                text[n] = '\0';
                buf_printf(&b, "%s", text);
                assert_int_equal(b.n, n);
                buf_printf(&b, "%s", "yz");
                assert_int_equal(b.n, n + 2);
                assert_memory_equal(b.p + n, "yz", 2);
                text[n] = 'x';
        }
        buf_free(&b);
}

static void buffer_steal(void **state)
{
        struct buf b = BUF_INIT;
        char *s = buf_steal(&b);

        (void)state;
        assert_string_equal(s, "");
        free(s);
        buf_puts(&b, "abc");
        s = buf_steal(&b);
        assert_string_equal(s, "abc");
        assert_int_equal(b.n, 0);
        free(s);
        b.err = -IMS_ENOMEM;
        assert_null(buf_steal(&b));
}

static void buffer_take(void **state)
{
        struct buf b = {.max = 4, .secret = true}, taken;

        (void)state;
        buf_puts(&b, "abc");
        taken = buf_take(&b);
        assert_true(span_eq(buf_as_span(&taken), SPAN("abc")));
        assert_true(taken.secret && b.secret);
        assert_null(b.p);
        assert_int_equal(b.n, 0);
        buf_puts(&b, "abcde");
        assert_int_equal(b.err, -IMS_ETOOBIG);
        buf_free(&b);
        buf_free(&taken);
}

static void quoting(void **state)
{
        struct buf b = BUF_INIT;

        (void)state;
        buf_quoted(&b, SPAN("a\n\x80\\b\"c"), 100);
        assert_span(buf_as_span(&b), "a\\x0a\\x80\\x5cb\"c");
        buf_reset(&b);
        buf_quoted(&b, SPAN("abcdef"), 3);
        assert_span(buf_as_span(&b), "abc...");
        buf_reset(&b);
        buf_json(&b, SPAN("a\"\\\n\x01\xc3\xa4\xff\xed\xa0\x80"));
        assert_span(buf_as_span(&b), "a\\\"\\\\\\n\\u0001\xc3\xa4\\u00ff\\u00ed\\u00a0\\u0080");
        buf_reset(&b);
        buf_json_member(&b, "a", SPAN("x\"y"));
        buf_json_member(&b, "b", SPAN_NULL);
        buf_json_string(&b, SPAN_NULL);
        assert_true(span_eq(buf_as_span(&b), SPAN("\"a\":\"x\\\"y\"\"b\":null\"\"")));
        buf_free(&b);
}

static void hex(void **state)
{
        char text[7];
        uint8_t raw[3] = {0};

        (void)state;
        hex_encode("\x00\xab\xff", 3, text);
        assert_string_equal(text, "00abff");
        assert_int_equal(hex_decode(SPAN("00aBFf"), raw, 3), 0);
        assert_memory_equal(raw, "\x00\xab\xff", 3);
        assert_int_equal(hex_decode(SPAN("00abf"), raw, 3), -IMS_EPARSE);
        assert_int_equal(hex_decode(SPAN("00abff0"), raw, 3), -IMS_EPARSE);
        assert_int_equal(hex_decode(SPAN("00ag00"), raw, 3), -IMS_EPARSE);
        assert_memory_equal(raw, "\x00\xab\xff", 3);
}

/* RFC 4648 10 */
static void base64(void **state)
{
        static const char *const pairs[][2] = {{"", ""},
                                               {"f", "Zg=="},
                                               {"fo", "Zm8="},
                                               {"foo", "Zm9v"},
                                               {"foob", "Zm9vYg=="},
                                               {"fooba", "Zm9vYmE="},
                                               {"foobar", "Zm9vYmFy"}};
        static const char *const bad[] = {"Zg=",  "Zg",   "Zh==", "Zm9=",    "Zm 9",
                                          "=Zg=", "Z===", "====", "Zg==Zg=="};
        char text[16], raw[8];
        size_t n;

        (void)state;
        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
                base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
                assert_string_equal(text, pairs[i][1]);
                assert_int_equal(base64_decode(span_of(text), raw, sizeof(raw), &n), 0);
                assert_int_equal(n, strlen(pairs[i][0]));
                assert_memory_equal(raw, pairs[i][0], n);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (base64_decode(span_of(bad[i]), raw, sizeof(raw), &n) != -IMS_EPARSE)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(base64_decode(SPAN("Zm9vYmFy"), raw, 5, &n), -IMS_ETOOBIG);
}

static void errors(void **state)
{
        (void)state;
        assert_string_equal(ims_strerror(-IMS_EPARSE), "malformed input");
        assert_string_equal(ims_strerror(IMS_EPARSE), "malformed input");
        assert_string_equal(ims_errname(-IMS_ECANCELED), "IMS_ECANCELED");
        assert_string_equal(ims_strerror(0), "no error");
        assert_string_equal(ims_strerror(-9999), "unknown error");
        assert_string_equal(ims_errname(-2147483647 - 1), "IMS_EUNKNOWN");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(comparing),
                cmocka_unit_test(case_of_every_octet),
                cmocka_unit_test(short_text),
                cmocka_unit_test(cutting),
                cmocka_unit_test(copying),
                cmocka_unit_test(numbers),
                cmocka_unit_test(buffer_grows_to_its_limit),
                cmocka_unit_test(buffer_prints_at_its_edges),
                cmocka_unit_test(buffer_steal),
                cmocka_unit_test(buffer_take),
                cmocka_unit_test(quoting),
                cmocka_unit_test(hex),
                cmocka_unit_test(base64),
                cmocka_unit_test(errors),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
