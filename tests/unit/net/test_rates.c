/* SPDX-License-Identifier: BSD-3-Clause
 * Rates per source and in all. PKT-TR-SEC 5.3.2.1.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/net/rates.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/proves.h"

#define NOW 1000000 /* ms */

enum { USUAL, EMERGENCY };

static struct addr at(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

/* How many of so many at one moment. */
static unsigned taken(struct rate_pace *p, uint32_t rate, uint64_t now_ms, unsigned tries)
{
        unsigned n = 0;

        while (tries--)
                n += rate_pace_take(p, rate, now_ms);
        return n;
}

static void pace(void **state)
{
        struct rate_pace p = {0}, none = {0};

        (void)state;
        assert_int_equal(taken(&p, 10, 5000, 100), 10); /* a second's worth */
        assert_int_equal(taken(&p, 10, 5099, 100), 0);
        assert_int_equal(taken(&p, 10, 5100, 100), 1); /* then one in each interval */
        assert_int_equal(taken(&p, 10, 5350, 100), 2);
        assert_int_equal(taken(&p, 10, 60000, 100), 10); /* no more is saved up */
        assert_int_equal(taken(&none, 0, 0, 1000), 1000);
        p = (struct rate_pace){0};
        assert_int_equal(taken(&p, 1000000, 5000, 2000000), 1000000);
}

static unsigned let_in_at(struct rates *r, const char *from, unsigned tries, enum rate_answer *last,
                          uint64_t now_ms)
{
        struct addr a = at(from);
        unsigned n = 0;

        while (tries--) {
                enum rate_answer look = rates_look(r, &a, USUAL, now_ms);

                *last = rates_take(r, &a, USUAL, now_ms);
                assert_int_equal(look, *last);
                n += *last == RATE_MAY;
        }
        return n;
}

static unsigned let_in(struct rates *r, const char *from, unsigned tries, enum rate_answer *last)
{
        return let_in_at(r, from, tries, last, NOW);
}

static void sources(void **state)
{
        const struct rates_conf conf = {.per_source = 5, .all = 12};
        struct rates *r = NULL;
        enum rate_answer last;
        struct addr sos = at("192.0.2.1:1");

        assert_int_equal(rates_new(*state, &conf, &r), 0);
        assert_int_equal(let_in(r, "192.0.2.1:1", 20, &last), 5);
        assert_int_equal(last, RATE_SOURCE);
        assert_int_equal(let_in(r, "192.0.2.1:2", 1, &last), 0); /* the port does not count */
        assert_int_equal(let_in(r, "[2001:db8::1]:1", 20, &last), 5);
        assert_int_equal(let_in(r, "[2001:db8::ffff:1]:1", 1, &last),
                         0); /* nor what is its owner's to choose */
        assert_int_equal(let_in(r, "[2001:db8:0:1::1]:1", 5, &last), 2);
        assert_int_equal(last, RATE_ALL); /* 12 in all */
        assert_int_equal(let_in(r, "198.51.100.7:1", 1, &last), 0);
        assert_int_equal(last, RATE_ALL);
        for (unsigned i = 0; i < 5; i++) /* emergencies have rates of their own, and have rates */
                assert_int_equal(rates_take(r, &sos, EMERGENCY, NOW), RATE_MAY);
        assert_int_equal(rates_take(r, &sos, EMERGENCY, NOW), RATE_SOURCE);
        assert_int_equal(let_in_at(r, "192.0.2.1:1", 5, &last, NOW + 200), 1); /* one in each interval */
        rates_free(r);
        proves("PC-023");
}

/* Sources that use up theirs leave something of all for one that does not, however many they are. */
static void reserve(void **state)
{
        const struct rates_conf conf = {.per_source = 20, .all = 80, .reserve = true};
        struct rates *r = NULL;
        enum rate_answer last;
        unsigned n = 0;
        char from[32];

        assert_int_equal(rates_new(*state, &conf, &r), 0);
        for (unsigned i = 0; i < 10; i++) {
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                n += let_in(r, from, 20, &last);
        }
        assert_int_equal(n, 80);                   /* at once all have hardly used anything */
        for (unsigned ms = 0; ms < 1000; ms += 10) /* they go on */
                for (unsigned i = 0; i < 10; i++) {
                        (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                        n += let_in_at(r, from, 1, &last, NOW + ms);
                }
        assert_in_range(n, 80 + 60, 80 + 80);
        assert_int_equal(let_in_at(r, "198.51.100.7:1", 1, &last, NOW + 1000), 1);
        rates_free(r);
}

static void without_limits(void **state)
{
        struct rates *r = NULL;
        enum rate_answer last;

        assert_int_equal(rates_new(*state, &(struct rates_conf){0}, &r), 0);
        assert_int_equal(let_in(r, "192.0.2.1:1", 1000, &last), 1000);
        assert_int_equal(rates_sources(r), 0);
        rates_free(r);
}

static void over(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

/* Sources that have not come again are forgotten. */
static void forgotten(void **state)
{
        struct rates *r = NULL;
        enum rate_answer last;
        struct tmr t = {0};
        bool done = false;
        char from[32];

        assert_int_equal(rates_new(*state, &(struct rates_conf){.per_source = 1000}, &r), 0);
        for (unsigned i = 0; i < 200; i++) {
                (void)snprintf(from, sizeof(from), "192.0.2.%u:1", i);
                assert_int_equal(let_in_at(r, from, 1, &last, loop_now_ms(*state)), 1);
        }
        assert_int_equal(rates_sources(r), 200);
        assert_int_equal(tmr_start(*state, &t, 10000, over, &done), 0); /* not that long */
        while (rates_sources(r) && !done)
                loop_once(*state);
        tmr_stop(*state, &t);
        assert_int_equal(rates_sources(r), 0);
        rates_free(r);
}

static void memory(void **state)
{
        const struct rates_conf conf = {.per_source = 1, .all = 3};
        struct rates *r = NULL;
        struct addr a = at("192.0.2.1:1");

        if (!CAN_FAIL)
                skip();
        alloc_fail_at(0);
        assert_int_equal(rates_new(*state, &conf, &r), -IMS_ENOMEM);
        alloc_armed = false;
        assert_int_equal(rates_new(*state, &conf, &r), 0);
        for (unsigned i = 0; i < 3;
             i++) { /* nobody is refused for want of memory, but all together are bounded */
                alloc_fail_at(0);
                assert_int_equal(rates_take(r, &a, USUAL, NOW), RATE_MAY);
                alloc_armed = false;
        }
        alloc_fail_at(0);
        assert_int_equal(rates_take(r, &a, USUAL, NOW), RATE_ALL);
        alloc_armed = false;
        rates_free(r);
}

static int setup(void **state)
{
        struct loop *l = NULL;

        assert_int_equal(loop_new(&l), 0);
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
                cmocka_unit_test(pace),
                cmocka_unit_test_setup_teardown(sources, setup, teardown),
                cmocka_unit_test_setup_teardown(reserve, setup, teardown),
                cmocka_unit_test_setup_teardown(without_limits, setup, teardown),
                cmocka_unit_test_setup_teardown(forgotten, setup, teardown),
                cmocka_unit_test_setup_teardown(memory, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
