/* SPDX-License-Identifier: BSD-3-Clause
 * The IP address check table by itself. TS 33.203 N.2.1.1, N.2.1.2. */
#include "tests/unit/pcscf/pcscf_fix.h"

#include "pcscf/assoc_ip.h"
#include "tests/unit/fail_alloc.h"

static struct addr at(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

static struct ip_entry *put(struct ip_table *t, const char *from, bool outbound, const char *impi)
{
        struct ip_info i = {.from = at(from),
                            .outbound = outbound,
                            .sent_by = SPAN("192.0.2.9:5060"),
                            .impi = span_of(impi)};
        struct ip_entry *e = NULL;

        assert_int_equal(ip_table_put(t, &i, &e), 0);
        assert_non_null(e);
        assert_string_equal(ip_entry_sent_by(e), "192.0.2.9:5060");
        return e;
}

/* As requests are looked up: by the port first. */
static struct ip_entry *find(const struct ip_table *t, const char *from)
{
        struct addr a = at(from), alone = addr_with_port(&a, 0);
        struct ip_entry *e = ip_table_exact(t, &a);

        return e ? e : ip_table_exact(t, &alone);
}

static void the_address_alone(void **state)
{
        struct ip_table *t = *state;
        struct ip_entry *alice = put(t, "192.0.2.1:4000", false, "alice");

        assert_false(ip_entry_outbound(alice));
        assert_ptr_equal(find(t, "192.0.2.1:4000"), alice);
        assert_ptr_equal(find(t, "192.0.2.1:9999"), alice); /* whatever the port */
        assert_null(find(t, "192.0.2.2:4000"));
        assert_ptr_equal(put(t, "192.0.2.1:5000", false, "alice"), alice); /* the same entry */
        assert_int_equal(ip_table_count(t), 1);
        assert_ptr_equal(ip_table_of(t, (struct assoc){ASSOC_IP, alice->id}), alice);
        assert_null(ip_table_of(t, (struct assoc){ASSOC_TLS, alice->id}));
        ip_entry_remove(t, alice);
        assert_null(find(t, "192.0.2.1:4000"));
        assert_int_equal(ip_table_count(t), 0);
}

static void address_and_port(void **state)
{
        struct ip_table *t = *state;
        struct ip_entry *alice = put(t, "192.0.2.1:4000", true, "alice"),
                        *bob = put(t, "192.0.2.1:4001", true, "bob"), *carol;

        assert_true(ip_entry_outbound(alice));
        assert_ptr_equal(find(t, "192.0.2.1:4000"), alice);
        assert_ptr_equal(find(t, "192.0.2.1:4001"), bob);
        assert_null(find(t, "192.0.2.1:4002"));
        carol = put(t, "[2001:db8::1]:4000", true, "carol");
        assert_ptr_equal(find(t, "[2001:db8::1]:4000"), carol);
        /* who has a port goes before who has the address */
        carol = put(t, "192.0.2.1:7000", false, "carol");
        assert_ptr_equal(find(t, "192.0.2.1:4000"), alice);
        assert_ptr_equal(find(t, "192.0.2.1:4002"), carol);
        proves("DIG-034");
}

static void what_is_overwritten(void **state)
{
        struct ip_table *t = *state;
        struct ip_entry *alice = put(t, "192.0.2.1:4000", true, "alice"),
                        *again = put(t, "192.0.2.1:4001", true, "alice"),
                        *same = put(t, "192.0.2.1:4000", true, "bob"),
                        *other = put(t, "192.0.2.1:4002", true, "bob"),
                        *far = put(t, "192.0.2.2:4000", true, "bob"),
                        *alone = put(t, "192.0.2.1:1", false, "carol"),
                        *alone_too = put(t, "192.0.2.1:1", false, "dave");

        /* with outbound: the same address and port, another IMPI */
        assert_true(ip_entry_overwrites(same, alice));
        assert_false(ip_entry_overwrites(other, alice));
        assert_false(ip_entry_overwrites(far, alice));
        assert_false(ip_entry_overwrites(again, alice));
        assert_false(ip_entry_overwrites(alice, alone));
        /* without: the same address, another IMPI */
        assert_true(ip_entry_overwrites(alone, alice));
        assert_true(ip_entry_overwrites(alone, other));
        assert_true(ip_entry_overwrites(alone_too, alone));
        assert_false(ip_entry_overwrites(alone, far));
        assert_false(ip_entry_overwrites(alone, alone));
        proves("DIG-032 DIG-033");
}

static void memory(void **state)
{
        struct ip_table *t = *state;
        struct ip_info i = {
                .from = at("192.0.2.1:4000"), .outbound = true, .sent_by = SPAN("ue"), .impi = SPAN("alice")};
        struct ip_entry *e = NULL;
        int err = -IMS_ENOMEM;

        if (!CAN_FAIL)
                skip();
        for (unsigned long n = 0; err; n++) {
                assert_in_range(n, 0, 20);
                alloc_fail_at(n);
                err = ip_table_put(t, &i, &e);
                alloc_armed = false;
                assert_true(err == 0 || err == -IMS_ENOMEM);
                assert_int_equal(ip_table_count(t), err ? 0 : 1);
                if (err)
                        assert_null(find(t, "192.0.2.1:4000"));
        }
        /* a refresh without memory leaves what was there */
        i.sent_by = SPAN("elsewhere");
        alloc_fail_at(0);
        assert_int_equal(ip_table_put(t, &i, &e), -IMS_ENOMEM);
        alloc_armed = false;
        assert_string_equal(ip_entry_sent_by(find(t, "192.0.2.1:4000")), "ue");
}

static int setup(void **state)
{
        struct ip_table *t = NULL;

        assert_int_equal(ip_table_new(&t), 0);
        *state = t;
        return 0;
}

static int teardown(void **state)
{
        ip_table_free(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(the_address_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(address_and_port, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_overwritten, setup, teardown),
                cmocka_unit_test_setup_teardown(memory, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
