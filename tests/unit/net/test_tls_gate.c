/* SPDX-License-Identifier: BSD-3-Clause
 * Rates of TLS handshakes. PKT-TR-SEC 5.3.2.1.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/net/tls_gate.h"
#include "tests/unit/fail_alloc.h"

static uint64_t now_ms;

static uint64_t fake_clock(const struct loop *l)
{
        (void)l;
        return now_ms;
}

static struct addr at(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

struct tally {
        unsigned begun, looked_at, unread;
};

/* So many connections of one address at this moment. */
static struct tally come(struct tls_gate *g, const char *from, unsigned n, bool known)
{
        struct tally t = {0};
        struct addr a = at(from);

        while (n--) {
                if (!tls_gate_accepts(g, &a))
                        t.unread++;
                else if (tls_gate_hello(g, &a, known))
                        t.begun++;
                else
                        t.looked_at++;
        }
        return t;
}

static void make(void **state, uint32_t per_source, uint32_t all, struct tls_gate **out)
{
        const struct tls_gate_conf conf = {.per_source = per_source,
                                           .all = all,
                                           .known_s = 60,
                                           .per_source_key = "per_source",
                                           .all_key = "all"};

        assert_int_equal(tls_gate_new(*state, &conf, out), 0);
}

/* The rate, then as many that are looked at, then none; and again in the next second. */
static void one_source(void **state)
{
        struct tls_gate *g = NULL;
        struct tls_gate_stats stats;
        struct tally t;

        make(state, 10, 0, &g);
        t = come(g, "192.0.2.1:1", 100, false);
        assert_int_equal(t.begun, 10);
        assert_int_equal(t.looked_at, 10);
        assert_int_equal(t.unread, 80);
        assert_int_equal(come(g, "192.0.2.2:1", 10, false).begun, 10); /* others do not mind */
        now_ms += 100;
        t = come(g, "192.0.2.1:1", 100, false);
        assert_int_equal(t.begun, 1);
        assert_int_equal(t.looked_at, 1);
        now_ms += 1000;
        assert_int_equal(come(g, "192.0.2.1:1", 10, false).begun, 10);
        tls_gate_stats(g, &stats);
        assert_int_equal(stats.of_source, 90 + 99);
        assert_int_equal(stats.of_all, 0);
        assert_int_equal(stats.unread, 80 + 98);
        tls_gate_free(g);
}

/* Who resumes a session of somebody who authenticated is not kept out by those who did not: neither at their
 * address nor at another. */
static void sessions(void **state)
{
        struct tls_gate *g = NULL;
        char from[32];

        make(state, 10, 40, &g);
        for (unsigned i = 0; i < 10; i++) {
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                (void)come(g, from, 11, false);
        }
        now_ms += 200; /* they go on */
        for (unsigned i = 0; i < 10; i++) {
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                (void)come(g, from, 1, false);
        }
        assert_int_equal(come(g, "192.0.2.1:1", 1, false).begun, 0);
        assert_int_equal(come(g, "198.51.100.9:1", 1, true).begun, 1);
        assert_int_equal(come(g, "198.51.100.1:1", 1, true).begun, 1);
        now_ms += 1000;
        assert_int_equal(come(g, "198.51.100.2:1", 100, true).begun, 10); /* no more than others */
        tls_gate_free(g);
}

/* Where somebody authenticated, a handshake without a session goes before those of strangers. */
static void addresses(void **state)
{
        struct tls_gate *g = NULL;
        struct addr phone = at("198.51.100.1:4000"), other = at("[2001:db8::1]:1");
        struct tls_gate_stats stats;
        char from[32];

        make(state, 10, 40, &g);
        tls_gate_vouch(g, &phone);
        tls_gate_vouch(g, &phone);
        tls_gate_vouch(g, &other);
        tls_gate_stats(g, &stats);
        assert_int_equal(stats.known, 2);
        for (unsigned i = 0; i < 100; i++) { /* each comes once: nobody has used more than a little */
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                (void)come(g, from, 1, false);
        }
        assert_int_equal(come(g, "203.0.113.1:1", 1, false).unread, 1); /* a stranger */
        assert_int_equal(come(g, "198.51.100.1:4001", 1, false).begun, 1);
        assert_int_equal(come(g, "[2001:db8::2]:1", 1, false).begun, 1); /* the same /64 */
        now_ms += 60000;                                                 /* it ends */
        for (unsigned i = 0; i < 100; i++) {
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                (void)come(g, from, 1, false);
        }
        assert_int_equal(come(g, "198.51.100.1:4001", 1, false).begun, 0);
        other = at("203.0.113.9:1");
        tls_gate_vouch(g, &other); /* what is over makes room */
        tls_gate_stats(g, &stats);
        assert_int_equal(stats.known, 1);
        tls_gate_free(g);
}

/* Sources that use up theirs, however many, leave something for one that comes new. */
static void newcomer(void **state)
{
        struct tls_gate *g = NULL;
        struct tally t = {0};
        char from[32];

        make(state, 20, 80, &g);
        for (unsigned i = 0; i < 10; i++) {
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                t.begun += come(g, from, 50, false).begun;
        }
        for (unsigned ms = 0; ms < 2000; ms += 10) {
                now_ms += 10;
                for (unsigned i = 0; i < 10; i++) {
                        (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                        t.begun += come(g, from, 1, false).begun;
                }
        }
        assert_in_range(t.begun, 160, 240); /* of 2,500: a second's worth, and two seconds */
        assert_int_equal(come(g, "198.51.100.1:1", 1, false).begun, 1);
        tls_gate_free(g);
}

static void without_limits(void **state)
{
        struct tls_gate *g = NULL;

        make(state, 0, 0, &g);
        assert_int_equal(come(g, "192.0.2.1:1", 5000, false).begun, 5000);
        tls_gate_free(g);
}

/* Nobody is let in for want of memory, nor kept out. */
static void memory(void **state)
{
        struct tls_gate *g = NULL;
        struct tls_gate_stats stats;
        struct addr a = at("192.0.2.1:1");
        int rc = -IMS_ENOMEM;

        if (!CAN_FAIL)
                skip();
        for (unsigned long i = 0; rc; i++) {
                long before = alloc_live;

                alloc_fail_at(i);
                rc = tls_gate_new(*state, &(struct tls_gate_conf){.per_source = 1, .all = 2}, &g);
                alloc_armed = false;
                assert_true(rc == 0 || rc == -IMS_ENOMEM);
                if (rc)
                        assert_int_equal(alloc_live, before);
        }
        alloc_fail_at(0);
        tls_gate_vouch(g, &a);
        alloc_fail_at(0);
        assert_true(tls_gate_hello(g, &a, false));
        alloc_armed = false;
        tls_gate_stats(g, &stats);
        assert_int_equal(stats.known, 0);
        tls_gate_free(g);
}

static int setup(void **state)
{
        struct loop *l = NULL;

        log_set_level(LOG_ERROR);
        assert_int_equal(loop_new(&l), 0);
        now_ms = loop_now_ms(l) + 1000000;
        tls_gate_clock_ms = fake_clock;
        *state = l;
        return 0;
}

static int teardown(void **state)
{
        loop_free(*state);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_source, setup, teardown),
                cmocka_unit_test_setup_teardown(sessions, setup, teardown),
                cmocka_unit_test_setup_teardown(addresses, setup, teardown),
                cmocka_unit_test_setup_teardown(newcomer, setup, teardown),
                cmocka_unit_test_setup_teardown(without_limits, setup, teardown),
                cmocka_unit_test_setup_teardown(memory, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
