/* SPDX-License-Identifier: BSD-3-Clause
 * STUN Binding requests. The expected addresses are those of RFC 5769 2.2 and 2.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/net/stun.h"

#define ID "\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"

static size_t ask(const char *request, size_t n, const char *from, uint8_t out[static STUN_ANSWER_MAX])
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(from), 0, &a), 0);
        memset(out, 0xee, STUN_ANSWER_MAX);
        return stun_answer(span_make(request, n), &a, out);
}

#define ASK(text, from, out) ask(text, sizeof(text) - 1, from, out)

static void expect(const uint8_t *out, size_t n, const char *want, size_t want_n)
{
        assert_int_equal(n, want_n);
        assert_memory_equal(out, want, want_n);
}

#define EXPECT(out, n, want) expect(out, n, want, sizeof(want) - 1)

static void mapped(void **state)
{
        static const char request[] = "\0\x01\0\0" ID;
        uint8_t out[STUN_ANSWER_MAX];
        size_t n;

        (void)state;
        n = ASK(request, "192.0.2.1:32853", out);
        EXPECT(out, n, "\x01\x01\0\x0c" ID "\0\x20\0\x08\0\x01\xa1\x47\xe1\x12\xa6\x43");
        n = ASK(request, "[2001:db8:1234:5678:11:2233:4455:6677]:32853", out);
        EXPECT(out, n,
               "\x01\x01\0\x18" ID
               "\0\x20\0\x14\0\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9");
}

static void attributes(void **state)
{
        uint8_t out[STUN_ANSWER_MAX];
        size_t n;

        (void)state;
        /* what may be passed over: SOFTWARE "abc", padded; a USERNAME is of no use here */
        n = ASK("\0\x01\0\x10" ID "\x80\x22\0\x03"
                "abc\0\0\x06\0\x04user",
                "192.0.2.1:32853", out);
        assert_int_equal(n, 32);
        assert_int_equal(out[1], 1);
        /* what must be understood: 420 names it */
        n = ASK("\0\x01\0\x08" ID "\0\x24\0\x04\x6e\0\x01\xff", "192.0.2.1:32853", out);
        EXPECT(out, n, "\x01\x11\0\x10" ID "\0\x09\0\x04\0\0\x04\x14\0\x0a\0\x02\0\x24\0\0");
        n = ASK("\0\x01\0\x14" ID "\0\x31\0\0\0\x32\0\0\0\x33\0\0\0\x34\0\0\0\x35\0\0", "192.0.2.1:32853",
                out);
        EXPECT(out, n, "\x01\x11\0\x14" ID "\0\x09\0\x04\0\0\x04\x14\0\x0a\0\x08\0\x31\0\x32\0\x33\0\x34");
}

static void not_answered(void **state)
{
        uint8_t out[STUN_ANSWER_MAX];

        (void)state;
        assert_int_equal(ASK("", "192.0.2.1:1", out), 0);
        assert_int_equal(ASK("\0\x01\0\0\x21\x12\xa4\x42", "192.0.2.1:1", out), 0);       /* cut */
        assert_int_equal(ASK("\0\x01\0\x04" ID, "192.0.2.1:1", out), 0);                  /* length */
        assert_int_equal(ASK("\0\x01\0\x04" ID "\x80\x22\0\x04", "192.0.2.1:1", out), 0); /* attribute */
        assert_int_equal(ASK("\0\x01\0\x02" ID "\x80\x22", "192.0.2.1:1", out), 0);
        assert_int_equal(ASK("\0\x11\0\0" ID, "192.0.2.1:1", out), 0);   /* indication */
        assert_int_equal(ASK("\x01\x01\0\0" ID, "192.0.2.1:1", out), 0); /* answer */
        assert_int_equal(ASK("\0\x03\0\0" ID, "192.0.2.1:1", out), 0);   /* another method */
        assert_false(stun_is(SPAN("REGISTER sip:a SIP/2.0\r\n")));
        assert_false(stun_is(SPAN("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")));
}

static void a_client_knows_its_answer(void **state)
{
        static const uint8_t id[STUN_ID] = "abcdefghijkl", other[STUN_ID] = "abcdefghijkm";
        uint8_t request[STUN_REQUEST], answer[STUN_ANSWER_MAX];
        struct addr from;
        size_t n;

        (void)state;
        assert_int_equal(addr_parse(SPAN("192.0.2.1:5060"), 0, &from), 0);
        stun_request(id, request);
        assert_true(stun_is(span_make(request, sizeof(request))));
        n = stun_answer(span_make(request, sizeof(request)), &from, answer);
        assert_true(n > 0);
        assert_true(stun_answers(span_make(answer, n), id));
        assert_false(stun_answers(span_make(answer, n), other));
        assert_false(stun_answers(span_make(answer, n - 1), id));
        assert_false(stun_answers(span_make(request, sizeof(request)), id));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_client_knows_its_answer),
                cmocka_unit_test(mapped),
                cmocka_unit_test(attributes),
                cmocka_unit_test(not_answered),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
