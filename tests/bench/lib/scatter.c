/* SPDX-License-Identifier: BSD-3-Clause
 * Steps of the golden ratio, which keep neighbours apart longest. */
#include "tests/bench/lib/scatter.h"

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
        while (b) {
                uint32_t rest = a % b;

                a = b;
                b = rest;
        }
        return a;
}

uint32_t scatter_step(uint32_t n)
{
        uint32_t step = (uint32_t)((double)n * 0.6180339887);

        while (step == 0 || common_divisor(step, n) != 1)
                step++;
        return step;
}
