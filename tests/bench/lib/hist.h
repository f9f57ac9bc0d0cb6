/* SPDX-License-Identifier: BSD-3-Clause
 * A histogram of durations: each power of two is cut into 64 equal buckets, so a quantile is off by at most
 * 1.6 %; below 64 us it is exact to the microsecond. */
#pragma once

#include <stdint.h>

#define HIST_SUB     64
#define HIST_BUCKETS (HIST_SUB * 28) /* up to 2^33 us, more than two hours */

struct hist {
        uint64_t n, max_us, sum_us;
        uint32_t count[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t us);

/* The duration that a share q (0..1) of the entries does not exceed: the upper end of its bucket, never more
 * than the maximum. 0 when empty. */
uint64_t hist_quantile_us(const struct hist *h, double q);
