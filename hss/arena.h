/* SPDX-License-Identifier: BSD-3-Clause
 * Memory that is freed together: the texts of one request or of one provisioned subscriber. */
#pragma once

#include "common/base/span.h"

#define ARENA_INLINE 1536

struct arena_chunk;

struct arena {
        struct arena_chunk *more; /* what did not fit, newest first */
        size_t n;
        _Alignas(16) char first[ARENA_INLINE];
};

void arena_init(struct arena *a);

/* Gives back everything at once; the arena is as after arena_init. Content is wiped when secret. */
void arena_reset(struct arena *a, bool secret);

/* Aligned, not cleared. NULL when out of memory. */
void *arena_alloc(struct arena *a, size_t n);

/* A copy with a NUL behind it (the NUL is not counted). *out has p == NULL when s has. */
int arena_copy(struct arena *a, struct span s, struct span *out) IMS_CHECK;
