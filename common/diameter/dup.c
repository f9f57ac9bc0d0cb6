/* SPDX-License-Identifier: BSD-3-Clause
 * Duplicate detection (RFC 6733 3, T flag, and 5.5.4). */
#include "common/diameter/dup.h"

#include <stdlib.h>

#include "common/base/secret.h"

struct key {
        struct span origin;
        uint32_t end;
};

static bool dup_eq(const struct hnode *node, const void *key)
{
        const struct dia_dup *e = container_of(node, struct dia_dup, by_key);
        const struct key *k = key;

        return e->end == k->end && span_ieq(span_make(e->origin, e->n_origin), k->origin);
}

static uint64_t dup_hash(struct span origin, uint32_t end)
{
        return hash_mix(hash_span_icase(origin), end);
}

void dia_dups_init(struct dia_dups *d)
{
        list_init(&d->order);
}

static void dup_free(struct dia_dups *d, struct dia_dup *e)
{
        htab_remove(&d->by_key, &e->by_key);
        list_unlink(&e->node);
        d->n--;
        if (e->secret)
                secret_wipe(e->answer.p, e->answer.n);
        buf_free(&e->answer);
        free(e);
}

void dia_dups_free(struct dia_dups *d)
{
        list_for_each_safe(pos, tmp, &d->order) dup_free(d, container_of(pos, struct dia_dup, node));
        htab_free(&d->by_key);
}

struct dia_dup *dia_dups_find(struct dia_dups *d, struct span origin, uint32_t end, uint64_t now_ms)
{
        struct hnode *node = htab_find(&d->by_key, dup_hash(origin, end), dup_eq, &(struct key){origin, end});
        struct dia_dup *e = node ? container_of(node, struct dia_dup, by_key) : NULL;

        return e && (e->busy || now_ms - e->at_ms <= DIA_DUPS_AGE_MS) ? e : NULL;
}

/* Makes room: the oldest goes unless the application still has it. */
static void dup_evict(struct dia_dups *d, uint64_t now_ms)
{
        struct dia_dup *oldest;

        while (!list_empty(&d->order)) {
                oldest = container_of(d->order.next, struct dia_dup, node);
                if (oldest->busy || (d->n < DIA_DUPS_MAX && now_ms - oldest->at_ms <= DIA_DUPS_AGE_MS))
                        return;
                dup_free(d, oldest);
        }
}

struct dia_dup *dia_dups_add(struct dia_dups *d, struct span origin, uint32_t end, uint64_t now_ms)
{
        uint64_t hash = dup_hash(origin, end);
        struct hnode *node = htab_find(&d->by_key, hash, dup_eq, &(struct key){origin, end});
        struct dia_dup *e = node ? container_of(node, struct dia_dup, by_key) : NULL;

        if (e && e->busy)
                return NULL;
        if (e)
                dup_free(d, e);
        dup_evict(d, now_ms);
        if (d->n >= DIA_DUPS_MAX)
                return NULL;
        e = calloc(1, sizeof(*e) + origin.n);
        if (!e)
                return NULL;
        e->at_ms = now_ms;
        e->end = end;
        e->busy = true;
        e->n_origin = origin.n;
        memcpy(e->origin, origin.p, origin.n);
        if (htab_insert(&d->by_key, &e->by_key, hash)) {
                free(e);
                return NULL;
        }
        list_append(&d->order, &e->node);
        d->n++;
        return e;
}

void dia_dup_done(struct dia_dup *e, struct buf *answer, bool secret)
{
        e->busy = false;
        e->secret = secret;
        e->answer = *answer;
        e->again = NULL;
        *answer = BUF_INIT;
}

void dia_dup_drop(struct dia_dups *d, struct dia_dup *e)
{
        if (e)
                dup_free(d, e);
}

void dia_dups_conn_gone(struct dia_dups *d, const struct dia_conn *c)
{
        list_for_each(pos, &d->order)
        {
                struct dia_dup *e = container_of(pos, struct dia_dup, node);

                if (e->again == c)
                        e->again = NULL;
        }
}
