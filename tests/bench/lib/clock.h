/* SPDX-License-Identifier: BSD-3-Clause
 * Clocks of the measuring programs. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_US UINT64_C(1000)

static inline uint64_t bench_clock_ns(clockid_t id)
{
        struct timespec ts;

        (void)clock_gettime(id, &ts);
        return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Monotonic. */
static inline uint64_t bench_now_ns(void)
{
        return bench_clock_ns(CLOCK_MONOTONIC);
}

/* CPU time of this process. */
static inline uint64_t bench_own_cpu_ns(void)
{
        return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}
