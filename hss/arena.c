/* SPDX-License-Identifier: BSD-3-Clause
 * A bump allocator: an inline part for the usual case, chunks for the rest. */
#include "hss/arena.h"

#include <stdlib.h>

#include "common/base/secret.h"

#define CHUNK_MIN 4096

struct arena_chunk {
        struct arena_chunk *next;
        size_t n, cap;
        _Alignas(16) char p[];
};

void arena_init(struct arena *a)
{
        a->more = NULL;
        a->n = 0;
}

void arena_reset(struct arena *a, bool secret)
{
        struct arena_chunk *c = a->more;
        while (c) {
                struct arena_chunk *next = c->next;
                if (secret)
                        secret_wipe(c->p, c->n);
                free(c);
                c = next;
        }
        if (secret)
                secret_wipe(a->first, a->n);
        arena_init(a);
}

void *arena_alloc(struct arena *a, size_t n)
{
        if (n > SIZE_MAX / 2)
                return NULL;
        size_t want = (n + 15) & ~(size_t)15;
        if (want <= ARENA_INLINE - a->n) {
                void *p = a->first + a->n;
                a->n += want;
                return p;
        }
        struct arena_chunk *c = a->more;
        if (!c || c->cap - c->n < want) {
                size_t cap = want > CHUNK_MIN ? want : CHUNK_MIN;
                c = malloc(sizeof *c + cap);
                if (!c)
                        return NULL;
                *c = (struct arena_chunk){.next = a->more, .cap = cap};
                a->more = c;
        }
        void *p = c->p + c->n;
        c->n += want;
        return p;
}

int arena_copy(struct arena *a, struct span s, struct span *out)
{
        if (!s.p) {
                *out = SPAN_NULL;
                return 0;
        }
        char *p = arena_alloc(a, s.n + 1);
        if (!p)
                return -IMS_ENOMEM;
        if (s.n)
                memcpy(p, s.p, s.n);
        p[s.n] = '\0';
        *out = span_make(p, s.n);
        return 0;
}
