/* SPDX-License-Identifier: BSD-3-Clause
 * Addresses and transport names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <arpa/inet.h>

#include "common/net/addr.h"
#include "common/net/resolver.h"

static void parse_and_write(void **state)
{
        static const struct {
                const char *in, *out;
        } rows[] = {
                {"192.0.2.1", "192.0.2.1:5060"},         {"192.0.2.1:0", "192.0.2.1:0"},
                {"192.0.2.1:65535", "192.0.2.1:65535"},  {"[2001:db8::1]:5061", "[2001:db8::1]:5061"},
                {"[2001:DB8::1]", "[2001:db8::1]:5060"}, {"2001:db8::1", "[2001:db8::1]:5060"},
                {"::ffff:192.0.2.9", "192.0.2.9:5060"},  {"[::ffff:192.0.2.9]:7", "192.0.2.9:7"},
        };
        char text[ADDR_STR];
        struct addr a;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_int_equal(addr_parse(span_of(rows[i].in), 5060, &a), 0);
                assert_string_equal(addr_str(&a, text), rows[i].out);
        }
}

static void refused(void **state)
{
        static const char *const rows[] = {"",
                                           "192.0.2",
                                           "192.0.2.1:",
                                           "192.0.2.1:65536",
                                           "192.0.2.1:x",
                                           "[192.0.2.1]:5",
                                           "[2001:db8::1",
                                           "[2001:db8::1]5",
                                           "[2001:db8::1]:",
                                           "example.org",
                                           "2001:db8::1:::5",
                                           "192.0.2.1 "};
        struct addr a;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (addr_parse(span_of(rows[i]), 5060, &a) != -IMS_EPARSE)
                        fail_msg("'%s' was taken", rows[i]);
        assert_int_equal(addr_parse(SPAN("192.0.2.1\0"), 5060, &a), -IMS_EPARSE);
}

static void comparing(void **state)
{
        struct addr a, b, c;
        char text[ADDR_STR];

        (void)state;
        assert_int_equal(addr_parse(SPAN("192.0.2.1:5"), 0, &a), 0);
        assert_int_equal(addr_parse(SPAN("192.0.2.1:6"), 0, &b), 0);
        assert_int_equal(addr_parse(SPAN("[2001:db8::1]:5"), 0, &c), 0);
        assert_false(addr_eq(&a, &b));
        assert_true(addr_ip_eq(&a, &b));
        assert_false(addr_ip_eq(&a, &c));
        assert_true(addr_hash(&a) != addr_hash(&b));
        addr_set_port(&b, 5);
        assert_true(addr_eq(&a, &b));
        assert_true(addr_hash(&a) == addr_hash(&b));
        assert_true(addr_is_v6(&c));
        assert_int_equal(addr_port(&c), 5);
        assert_false(addr_is_any(&a));
        assert_int_equal(addr_parse(SPAN("[::]:5"), 0, &c), 0);
        assert_true(addr_is_any(&c));
        assert_string_equal(addr_ip_str(&c, true, text), "[::]");
        assert_string_equal(addr_ip_str(&c, false, text), "::");
        assert_string_equal(addr_ip_str(&a, true, text), "192.0.2.1");
}

/* Whose address it is. */
static void sources(void **state)
{
        struct addr a, b;
        char text[ADDR_STR];

        (void)state;
        assert_int_equal(addr_parse(SPAN("192.0.2.1:5"), 0, &a), 0);
        a = addr_source(&a);
        assert_int_equal(addr_port(&a), 0);
        assert_string_equal(addr_source_str(&a, text), "192.0.2.1");
        assert_int_equal(addr_parse(SPAN("[2001:db8:1:2:3:4:5:6]:5"), 0, &a), 0);
        assert_int_equal(addr_parse(SPAN("[2001:db8:1:2:ffff::1]:6"), 0, &b), 0);
        a = addr_source(&a);
        b = addr_source(&b);
        assert_true(addr_eq(&a, &b));
        assert_string_equal(addr_source_str(&a, text), "2001:db8:1:2::/64");
        assert_int_equal(addr_parse(SPAN("[2001:db8:1:3::1]:5"), 0, &b), 0);
        b = addr_source(&b);
        assert_false(addr_eq(&a, &b));
}

static void transports(void **state)
{
        enum transport t = TRANSPORT_ANY;

        (void)state;
        assert_int_equal(transport_parse(SPAN("tcp"), &t), 0);
        assert_int_equal(t, TRANSPORT_TCP);
        assert_int_equal(transport_parse(SPAN(""), &t), -IMS_EPARSE);
        assert_int_equal(transport_parse(SPAN("sctp"), &t), -IMS_EPARSE);
        assert_string_equal(transport_name(TRANSPORT_TLS), "TLS");
        assert_string_equal(transport_name(TRANSPORT_ANY), "");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(parse_and_write), cmocka_unit_test(refused),    cmocka_unit_test(comparing),
                cmocka_unit_test(sources),         cmocka_unit_test(transports),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
