/* SPDX-License-Identifier: BSD-3-Clause
 * The order of the subscribers: each once, neighbours far apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/bench/lib/scatter.h"

static void each_once(void **state)
{
        (void)state;
        for (uint32_t n = 1; n <= 2000; n++) {
                unsigned char *seen = calloc(n, 1);
                uint64_t step = scatter_step(n);

                assert_non_null(seen);
                for (uint32_t i = 0; i < n; i++)
                        assert_int_equal(seen[i * step % n]++, 0);
                free(seen);
        }
}

/* Two within a hundred of one another are nowhere nearer than a page of rows. */
static void far_apart(void **state)
{
        const uint64_t n = 1000000, step = scatter_step(1000000);

        (void)state;
        for (uint64_t i = 1; i <= 100; i++) {
                uint64_t at = i * step % n, distance = at < n - at ? at : n - at;

                assert_in_range(distance, 1000, n);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(each_once), cmocka_unit_test(far_apart)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
