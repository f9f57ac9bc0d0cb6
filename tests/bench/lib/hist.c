/* SPDX-License-Identifier: BSD-3-Clause
 * A histogram of durations. */
#include "tests/bench/lib/hist.h"

#include <stddef.h>

/* 0..63 us have a bucket each; above, 64 buckets per octave. */
static size_t bucket_of(uint64_t us)
{
        unsigned shift = 0;

        while (us >> shift >= 2 * HIST_SUB)
                shift++;
        if (us < HIST_SUB)
                return (size_t)us;
        size_t at = (size_t)(shift + 1) * HIST_SUB + (size_t)((us >> shift) - HIST_SUB);
        return at < HIST_BUCKETS ? at : HIST_BUCKETS - 1;
}

/* The largest duration that falls into the bucket. */
static uint64_t bucket_top_us(size_t at)
{
        if (at < HIST_SUB)
                return at;
        unsigned shift = (unsigned)(at / HIST_SUB) - 1;
        return ((HIST_SUB + at % HIST_SUB + 1) << shift) - 1;
}

void hist_add(struct hist *h, uint64_t us)
{
        h->n++;
        h->sum_us += us;
        h->max_us = us > h->max_us ? us : h->max_us;
        h->count[bucket_of(us)]++;
}

uint64_t hist_quantile_us(const struct hist *h, double q)
{
        uint64_t seen = 0, rank = (uint64_t)(q * (double)h->n);

        if ((double)rank < q * (double)h->n)
                rank++;
        for (size_t i = 0; i < HIST_BUCKETS; i++) {
                seen += h->count[i];
                if (h->count[i] && seen >= rank && i < HIST_BUCKETS - 1) /* the last one has no end */
                        return bucket_top_us(i) < h->max_us ? bucket_top_us(i) : h->max_us;
        }
        return h->max_us;
}
