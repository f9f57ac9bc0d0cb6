/* SPDX-License-Identifier: BSD-3-Clause
 * An allocation that fails when a test wants it, and a count of what is allocated. Included once per program.
 * Sanitizers have allocators of their own: there CAN_FAIL is 0. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define ALLOC_UNUSED __attribute__((unused)) /* not every test looks at all */

static bool alloc_armed ALLOC_UNUSED;              /* the countdown runs */
static unsigned long alloc_countdown ALLOC_UNUSED; /* allocations to let pass */
static unsigned long alloc_failed ALLOC_UNUSED;    /* failures so far */
static long alloc_live ALLOC_UNUSED;

/* Allocation n from now on fails (0: the next one), and no other; alloc_armed stays true until that happened.
 */
static inline void alloc_fail_at(unsigned long n)
{
        alloc_countdown = n;
        alloc_armed = true;
}

#define ALLOC_MOST 10000 /* nothing tested makes as many */

/* live(step, 0), live(step, 1), ...: each lets its number of allocations pass and the next fail, until none
 * fails. How many there are; ALLOC_MOST: it never ends. */
static inline ALLOC_UNUSED unsigned long alloc_fail_each(void (*live)(unsigned step, unsigned long nth),
                                                         unsigned step)
{
        unsigned long nth = 0, before;

        do {
                before = alloc_failed;
                live(step, nth++);
        } while (alloc_failed > before && nth <= ALLOC_MOST);
        return nth - 1;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL 0
#else
#define CAN_FAIL 1

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static bool alloc_fails_now(void)
{
        if (!alloc_armed || alloc_countdown-- > 0)
                return false;
        alloc_armed = false;
        alloc_failed++;
        errno = ENOMEM;
        return true;
}

void *malloc(size_t n)
{
        void *p = alloc_fails_now() ? NULL : __libc_malloc(n);

        alloc_live += p != NULL;
        return p;
}

void *calloc(size_t n, size_t size)
{
        void *p = alloc_fails_now() ? NULL : __libc_calloc(n, size);

        alloc_live += p != NULL;
        return p;
}

void *realloc(void *old, size_t n)
{
        void *p = alloc_fails_now() ? NULL : __libc_realloc(old, n);

        alloc_live += p != NULL && !old;
        return p;
}

void free(void *p)
{
        alloc_live -= p != NULL;
        __libc_free(p);
}
#endif
