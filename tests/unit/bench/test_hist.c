/* SPDX-License-Identifier: BSD-3-Clause
 * The histogram of durations against sorted lists of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

#include "tests/bench/lib/hist.h"

#define N 20000

static int by_value(const void *a, const void *b)
{
        const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return (x > y) - (x < y);
}

/* The largest of the smallest share q. */
static uint64_t exact(const uint64_t *sorted, size_t n, double q)
{
        size_t rank = (size_t)(q * (double)n);

        if ((double)rank < q * (double)n)
                rank++;
        return sorted[rank ? rank - 1 : 0];
}

static void quantiles_are_near(void **state)
{
        static const double shares[] = {0.01, 0.5, 0.9, 0.99, 0.999, 1};
        static struct hist h;
        static uint64_t all[N];
        uint64_t x = 88172645463325252u;

        (void)state;
        for (size_t i = 0; i < N; i++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                all[i] = x % 1000 < 990 ? x % 3000 : x % 5000000; /* a long tail */
                hist_add(&h, all[i]);
        }
        qsort(all, N, sizeof all[0], by_value);
        assert_int_equal(h.n, N);
        for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
                uint64_t want = exact(all, N, shares[i]), got = hist_quantile_us(&h, shares[i]);
                assert_true(got >= want && got <= want + want / 63 + 1);
        }
        assert_int_equal(hist_quantile_us(&h, 1), all[N - 1]);
}

/* One value at each place where the buckets change: never below it, never above the largest seen. */
static void edges(void **state)
{
        static const uint64_t values[] = {0,   1,   63,  64,    127,   128,
                                          129, 255, 256, 65535, 65536, UINT64_C(1) << 32};

        (void)state;
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
                struct hist *h = calloc(1, sizeof *h);
                assert_non_null(h);
                hist_add(h, values[i]);
                assert_int_equal(hist_quantile_us(h, 0.5), values[i]);
                hist_add(h, UINT64_C(1) << 40); /* beyond the last bucket: kept as the maximum */
                assert_int_equal(hist_quantile_us(h, 1), UINT64_C(1) << 40);
                assert_true(hist_quantile_us(h, 0.5) >= values[i]);
                assert_true(hist_quantile_us(h, 0.5) <= values[i] + values[i] / 63 + 1);
                free(h);
        }
}

static void empty(void **state)
{
        static struct hist h;

        (void)state;
        assert_int_equal(hist_quantile_us(&h, 0.5), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(quantiles_are_near),
                cmocka_unit_test(edges),
                cmocka_unit_test(empty),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
