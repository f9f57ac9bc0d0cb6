/* SPDX-License-Identifier: BSD-3-Clause
 * Names the requirements (tests/requirements.csv) that a unit test proves. Called as the last statement
 * of the test, so that it is reached only when every assertion held. */
#pragma once

#include <stdio.h>

static inline void proves(const char *ids)
{
        printf("PROVES %s\n", ids);
        fflush(stdout);
}
