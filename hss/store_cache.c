/* SPDX-License-Identifier: BSD-3-Clause
 * A direct-mapped table. Whether an entry is older than a write to its subscription shows in a count per
 * subscription, where some share one: then an entry is forgotten too early, which costs one look. */
#include "hss/store_cache.h"

#include <stddef.h>
#include <stdlib.h>

#include "common/base/htab.h"
#include "common/profile/profile.h"

#define SLOTS    8192u /* as many registrations may be under way before they push one another out */
#define COUNTS   4096u
#define TEXT_MAX 2048 /* octets of all texts of an entry */

struct slot {
        struct facts f; /* its texts stand in text */
        char *text;
        size_t text_n;
        uint64_t hash; /* 0: empty */
        uint32_t written;
};

struct store_cache {
        int64_t version;
        uint32_t written[COUNTS];
        struct slot slots[SLOTS];
};

static const size_t texts[] = {
        offsetof(struct facts, impi_name),    offsetof(struct facts, impu_name),
        offsetof(struct facts, scscf_name),   offsetof(struct facts, visited),
        offsetof(struct facts, mandatory),    offsetof(struct facts, optional),
        offsetof(struct facts, server_names), offsetof(struct facts, as_name),
};

static struct span *text_at(struct facts *f, size_t i)
{
        return (struct span *)(void *)((char *)f + texts[i]);
}

#define N_TEXTS (sizeof texts / sizeof *texts)

int store_cache_new(struct store_cache **out)
{
        struct store_cache *c = calloc(1, sizeof *c);
        if (!c)
                return -IMS_ENOMEM;
        *out = c;
        return 0;
}

void store_cache_free(struct store_cache *c)
{
        for (size_t i = 0; c && i < SLOTS; i++)
                free(c->slots[i].text);
        free(c);
}

void store_cache_clear(struct store_cache *c)
{
        for (size_t i = 0; c && i < SLOTS; i++)
                c->slots[i].hash = 0;
}

void store_cache_begin(struct store_cache *c, int64_t data_version)
{
        if (!c || c->version == data_version)
                return;
        store_cache_clear(c);
        c->version = data_version;
}

static uint64_t hash_pair(struct span impi, struct span impu)
{
        return hash_mix(hash_span(impi), hash_span(impu)) | 1;
}

static uint32_t *written(struct store_cache *c, int64_t subscription)
{
        return &c->written[(uint64_t)subscription % COUNTS];
}

bool store_cache_get(struct store_cache *c, struct arena *a, struct span impi, struct span impu,
                     struct facts *out)
{
        if (!c)
                return false;
        uint64_t hash = hash_pair(impi, impu);
        struct slot *s = &c->slots[hash / 2 % SLOTS];
        if (s->hash != hash || s->written != *written(c, s->f.subscription) ||
            !span_eq(s->f.impi_name, impi) || !span_eq(s->f.impu_name, impu))
                return false;
        char *copy = arena_alloc(a, s->text_n);
        if (!copy)
                return false; /* the database says whether memory is out */
        memcpy(copy, s->text, s->text_n);
        *out = s->f;
        for (size_t i = 0; i < N_TEXTS; i++) {
                struct span *t = text_at(out, i);
                if (t->p)
                        t->p = copy + (t->p - s->text);
        }
        return true;
}

static bool worth_keeping(const struct facts *f, size_t text_n)
{
        return f->impi && f->impu && f->associated && f->type != PROFILE_WILDCARDED_PSI &&
               f->type != PROFILE_WILDCARDED_IMPU && text_n <= TEXT_MAX;
}

/* Each text with a NUL behind it, as the arena has them. */
static void keep_texts(struct slot *s, char *to)
{
        for (size_t i = 0; i < N_TEXTS; i++) {
                struct span *t = text_at(&s->f, i);
                if (!t->p)
                        continue;
                memcpy(to, t->p, t->n);
                to[t->n] = '\0';
                t->p = to;
                to += t->n + 1;
        }
}

void store_cache_put(struct store_cache *c, const struct facts *f)
{
        struct facts now = *f;
        size_t n = 0;
        for (size_t i = 0; i < N_TEXTS; i++)
                n += text_at(&now, i)->p ? text_at(&now, i)->n + 1 : 0;
        if (!c || !worth_keeping(f, n))
                return;
        uint64_t hash = hash_pair(f->impi_name, f->impu_name);
        struct slot *s = &c->slots[hash / 2 % SLOTS];
        char *text = malloc(n);
        if (!text) {
                s->hash = 0;
                return;
        }
        s->f = now;
        keep_texts(s, text); /* they may be those of this very slot */
        free(s->text);
        s->text = text;
        s->text_n = n;
        s->hash = hash;
        s->written = *written(c, f->subscription);
}

void store_cache_wrote(struct store_cache *c, const struct facts *f, const struct effects *e,
                       struct span name)
{
        struct facts now = *f;
        if (!c)
                return;
        ++*written(c, f->subscription);
        if (!f->impi)
                return; /* written for every IMPI of the set */
        if (e->state >= 0)
                now.state = (enum reg_state)e->state;
        if (e->registered >= 0)
                now.registered = e->registered;
        if (e->pending >= 0)
                now.pending = e->pending;
        if (e->name != NAME_KEEP) {
                now.scscf_name = e->name == NAME_STORE ? name : SPAN_NULL;
                now.reassign = false;
        } else if (e->reassign >= 0) {
                now.reassign = e->reassign;
        }
        store_cache_put(c, &now);
}
