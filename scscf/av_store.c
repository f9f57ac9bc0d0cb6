/* SPDX-License-Identifier: BSD-3-Clause
 * Authentication vectors of one IMPI (TS 33.203 6.1.1). */
#include "scscf/av_store.h"

#include <stdlib.h>

int av_push(struct av **fifo, const struct aka_av *v, size_t max)
{
        struct av *a = NULL;

        while (*fifo) {
                if (max-- == 0)
                        return -IMS_ELIMIT;
                fifo = &(*fifo)->next;
        }
        if (max == 0)
                return -IMS_ELIMIT;
        a = calloc(1, sizeof(*a));
        if (!a)
                return -IMS_ENOMEM;
        a->v = *v;
        *fifo = a;
        return 0;
}

bool av_pop(struct av **fifo, struct aka_av *out)
{
        struct av *a = *fifo;

        if (!a)
                return false;
        *out = a->v;
        *fifo = a->next;
        secret_free(a, sizeof(*a));
        return true;
}

size_t av_count(const struct av *fifo)
{
        size_t n = 0;

        for (; fifo; fifo = fifo->next)
                n++;
        return n;
}

void av_clear(struct av **fifo)
{
        struct aka_av v;

        while (av_pop(fifo, &v))
                secret_wipe(&v, sizeof(v));
}
