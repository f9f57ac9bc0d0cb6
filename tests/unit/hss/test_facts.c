/* SPDX-License-Identifier: BSD-3-Clause
 * What a Cx request reads about the neighbours of its identity: other IMPIs of the set, other sets of the
 * subscription. */
#include "tests/unit/hss/fixture.h"

#include "hss/store_int.h"

#define TABLET "tablet@" DOMAIN

static int setup(void **state)
{
        static struct fixture f;
        fixture_open(&f, "");
        fixture_add(&f, ALICE);
        fixture_add(&f, BOB);
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

static void exec(struct fixture *f, const char *sql)
{
        assert_int_equal(store_exec(f->store, sql), 0);
}

/* As bits: shared, sibling registered, other set active, other pending. */
enum { SHARED = 1, SIBLING = 2, OTHER_SET = 4, PENDING = 8 };

static void assert_neighbours(struct fixture *f, const char *impi, const char *impu, int want)
{
        struct facts x;
        assert_int_equal(store_read_pair(f->store, &f->job.arena, span_of(impi), span_of(impu), &x), 0);
        assert_true(x.impi && x.impu);
        int got = (x.shared ? SHARED : 0) | (x.sibling_registered ? SIBLING : 0) |
                  (x.other_set_active ? OTHER_SET : 0) | (x.other_pending ? PENDING : 0);
        assert_int_equal(got, want);
}

static void alone(void **state)
{
        struct fixture *f = *state;
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, 0);
        exec(f, "UPDATE registration SET registered = 1, pending = 1; UPDATE implicit_set SET state = 1");
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, 0);
}

static void siblings(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, "--impi " TABLET " --join " ALICE_IMPI " --k " K " --opc " OPC);
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, SHARED);
        assert_neighbours(f, BOB_IMPI, BOB_SIP, 0);
        exec(f,
             "UPDATE registration SET registered = 1 WHERE impi = (SELECT id FROM impi WHERE impi = '" TABLET
             "')");
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, SHARED | SIBLING);
        assert_neighbours(f, TABLET, ALICE_SIP, SHARED);
        exec(f, "UPDATE registration SET registered = 0, pending = 1 WHERE impi ="
                " (SELECT id FROM impi WHERE impi = '" TABLET "')");
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, SHARED | PENDING);
        assert_neighbours(f, TABLET, ALICE_SIP, SHARED);
}

/* A second set of Alice's subscription, for her last identity. */
static void other_sets(void **state)
{
        struct fixture *f = *state;
        exec(f,
             "INSERT INTO implicit_set (id, subscription) SELECT 99, subscription FROM impi WHERE impi = "
             "'" ALICE_IMPI "'; UPDATE impu SET implicit_set = 99 WHERE impu = '" ALICE_TEMP "';"
             "INSERT INTO registration (impi, implicit_set) SELECT id, 99 FROM impi WHERE impi = '" ALICE_IMPI
             "'");
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, 0);
        for (int active = 1; active <= 2; active++) {
                exec(f, active == 1 ? "UPDATE implicit_set SET state = 1 WHERE id = 99"
                                    : "UPDATE implicit_set SET state = 2 WHERE id = 99");
                assert_neighbours(f, ALICE_IMPI, ALICE_SIP, OTHER_SET);
                assert_neighbours(f, ALICE_IMPI, ALICE_TEMP, 0);
        }
        exec(f, "UPDATE implicit_set SET state = 0; UPDATE registration SET pending = 1 WHERE implicit_set = "
                "99");
        assert_neighbours(f, ALICE_IMPI, ALICE_SIP, PENDING);
        assert_neighbours(f, ALICE_IMPI, ALICE_TEMP, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {T(alone), T(siblings), T(other_sets)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
