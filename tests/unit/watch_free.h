/* SPDX-License-Identifier: BSD-3-Clause
 * Every block that is freed is searched for a mark that stood in something secret. Included once per program.
 * Sanitizers have allocators of their own: there CAN_LOOK is 0. */
#pragma once

#include <malloc.h>
#include <stdbool.h>
#include <string.h>

#define MARK "0xMARKED-SECRETx0" /* nothing but what is looked for has it */

static bool watching;  /* what is freed is searched */
static unsigned found; /* blocks that still had the mark */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_LOOK 0
#else
#define CAN_LOOK 1

void *__libc_malloc(size_t n);
void __libc_free(void *p);

static void search(void *p)
{
        if (watching && p && memmem(p, malloc_usable_size(p), MARK, sizeof(MARK) - 1))
                found++;
}

void free(void *p)
{
        search(p);
        __libc_free(p);
}

/* Always another place, so that the old one is seen. */
void *realloc(void *old, size_t n)
{
        size_t had = old ? malloc_usable_size(old) : 0;
        void *p = __libc_malloc(n);

        if (!p)
                return NULL;
        if (old)
                memcpy(p, old, had < n ? had : n);
        free(old);
        return p;
}
#endif
