/* SPDX-License-Identifier: BSD-3-Clause
 * Address prefixes and lists of trust. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/net/prefix.h"

static void prefixes(void **state)
{
        static const struct {
                const char *prefix, *addr;
                bool holds;
        } rows[] = {
                {"10.0.0.0/8", "10.255.0.1", true},
                {"10.0.0.0/8", "11.0.0.1", false},
                {"192.0.2.128/25", "192.0.2.128", true},
                {"192.0.2.128/25", "192.0.2.127", false},
                {"0.0.0.0/0", "8.8.8.8", true},
                {"0.0.0.0/0", "[2001:db8::1]:1", false},
                {"192.0.2.1", "192.0.2.1", true},
                {"192.0.2.1", "192.0.2.2", false},
                {"2001:db8::/33", "[2001:db8:7fff::1]:1", true},
                {"2001:db8::/33", "[2001:db8:8000::1]:1", false},
                {"2001:db8::/128", "[2001:db8::]:1", true},
        };
        static const char *const bad[] = {"",       "10.0.0.0/33",  "10.0.0.0/", "10.0.0.0/-1",
                                          "host/8", "10.0.0.1:5/8", "::/129"};
        struct prefix p;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct addr a;

                assert_int_equal(addr_parse(span_of(rows[i].addr), 0, &a), 0);
                assert_int_equal(prefix_parse(span_of(rows[i].prefix), &p), 0);
                if (prefix_has(&p, &a) != rows[i].holds)
                        fail_msg("row %zu", i);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (prefix_parse(span_of(bad[i]), &p) != -IMS_EPARSE)
                        fail_msg("accepted %s", bad[i]);
}

static bool trusts(const struct trust *t, const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 5060, &a), 0);
        return trust_has(t, &a);
}

static void trusted_nodes(void **state)
{
        char *const lines[] = {"192.0.2.8", "198.51.100.0/23", "2001:db8::/33", "10.0.0.0/8"};
        struct trust t, everybody;

        (void)state;
        assert_int_equal(trust_init(&t, lines, 4), 0);
        assert_true(trusts(&t, "192.0.2.8"));
        assert_false(trusts(&t, "192.0.2.9"));
        assert_true(trusts(&t, "198.51.101.255"));
        assert_false(trusts(&t, "198.51.102.0"));
        assert_true(trusts(&t, "2001:db8:7fff::1"));
        assert_false(trusts(&t, "2001:db8:8000::1"));
        assert_true(trusts(&t, "10.255.0.1"));
        assert_true(trusts(&t, "::ffff:10.1.1.1"));
        assert_false(trusts(&t, "a00::1")); /* the octets of 10/8, but IPv6 */
        trust_free(&t);
        assert_int_equal(trust_init(&everybody, NULL, 0), 0);
        assert_true(trusts(&everybody, "203.0.113.1"));
        trust_free(&everybody);
}

static void bad_prefixes(void **state)
{
        static const char *const bad[] = {"",
                                          "example.org",
                                          "192.0.2.0/33",
                                          "192.0.2.0/",
                                          "2001:db8::/129",
                                          "192.0.2.1:5060",
                                          "192.0.2.0/x",
                                          "/8"};
        struct prefix p;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (prefix_parse(span_of(bad[i]), &p) != -IMS_EPARSE)
                        fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(prefix_parse(SPAN("0.0.0.0/0"), &p), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(prefixes),
                cmocka_unit_test(trusted_nodes),
                cmocka_unit_test(bad_prefixes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
