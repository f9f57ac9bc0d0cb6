/* SPDX-License-Identifier: BSD-3-Clause
 * The IP address check table. */
#include "pcscf/assoc_ip.h"

#include <stdlib.h>

#define TEXT_MAX 60000

struct ip_table {
        struct htab sources, ids;
        uint32_t last_id;
};

int ip_table_new(struct ip_table **out)
{
        struct ip_table *t = calloc(1, sizeof(*t));

        if (!t)
                return -IMS_ENOMEM;
        *out = t;
        return 0;
}

static void free_node(struct hnode *n, void *arg)
{
        ip_entry_remove(arg, container_of(n, struct ip_entry, by_id));
}

void ip_table_free(struct ip_table *t)
{
        if (!t)
                return;
        htab_each(&t->ids, free_node, t);
        htab_free(&t->ids);
        htab_free(&t->sources);
        free(t);
}

size_t ip_table_count(const struct ip_table *t)
{
        return t->ids.n;
}

/* --- keys ----------------------------------------------------------------------------------------- */

static uint64_t id_hash(uint32_t id)
{
        return hash_mix(id, ASSOC_IP);
}

static bool eq_id(const struct hnode *n, const void *key)
{
        return container_of(n, struct ip_entry, by_id)->id == *(const uint32_t *)key;
}

static bool eq_source(const struct hnode *n, const void *key)
{
        return addr_eq(&container_of(n, struct ip_entry, by_source)->ue, key);
}

/* One IMPI at one source. */
struct who {
        const struct addr *ue;
        struct span impi;
};

static bool eq_who(const struct hnode *n, const void *key)
{
        const struct ip_entry *e = container_of(n, struct ip_entry, by_source);
        const struct who *w = key;

        return addr_eq(&e->ue, w->ue) && span_eq(ip_entry_impi(e), w->impi);
}

struct ip_entry *ip_table_exact(const struct ip_table *t, const struct addr *source)
{
        struct hnode *n = htab_find(&t->sources, addr_hash(source), eq_source, source);

        return n ? container_of(n, struct ip_entry, by_source) : NULL;
}

struct ip_entry *ip_table_of(const struct ip_table *t, struct assoc a)
{
        struct hnode *n = a.kind == ASSOC_IP ? htab_find(&t->ids, id_hash(a.id), eq_id, &a.id) : NULL;

        return n ? container_of(n, struct ip_entry, by_id) : NULL;
}

/* --- entries -------------------------------------------------------------------------------------- */

void ip_entry_remove(struct ip_table *t, struct ip_entry *e)
{
        if (!e)
                return;
        htab_remove(&t->sources, &e->by_source);
        htab_remove(&t->ids, &e->by_id);
        free(e);
}

static char *put_text(char *at, struct span s)
{
        if (s.n)
                memcpy(at, s.p, s.n);
        at[s.n] = '\0';
        return at + s.n + 1;
}

static int make(struct ip_table *t, const struct addr *ue, uint32_t id, const struct ip_info *i,
                struct ip_entry **out)
{
        struct ip_entry *e = malloc(offsetof(struct ip_entry, text) + i->impi.n + i->sent_by.n + 2);
        int err;

        if (!e)
                return -IMS_ENOMEM;
        memset(e, 0, offsetof(struct ip_entry, text));
        e->ue = *ue;
        e->id = id;
        e->sent_by = (uint16_t)(i->impi.n + 1);
        (void)put_text(put_text(e->text, i->impi), i->sent_by);
        err = htab_insert(&t->ids, &e->by_id, id_hash(e->id));
        if (!err)
                err = htab_insert(&t->sources, &e->by_source, addr_hash(ue));
        if (err)
                ip_entry_remove(t, e);
        else
                *out = e;
        return err;
}

int ip_table_put(struct ip_table *t, const struct ip_info *i, struct ip_entry **out)
{
        struct addr ue = i->from;
        struct who w = {&ue, i->impi};
        struct ip_entry *old;
        struct hnode *n;
        uint32_t id;
        int err;

        if (i->impi.n + i->sent_by.n > TEXT_MAX)
                return -IMS_ETOOBIG;
        if (!i->outbound)
                addr_set_port(&ue, 0);
        n = htab_find(&t->sources, addr_hash(&ue), eq_who, &w);
        old = n ? container_of(n, struct ip_entry, by_source) : NULL;
        if (old && span_eq(span_of(ip_entry_sent_by(old)), i->sent_by)) {
                *out = old;
                return 0;
        }
        id = old ? old->id : ++t->last_id ? t->last_id : ++t->last_id;
        err = make(t, &ue, id, i, out);
        if (!err)
                ip_entry_remove(t, old);
        return err;
}

bool ip_entry_overwrites(const struct ip_entry *now, const struct ip_entry *other)
{
        if (span_eq(ip_entry_impi(now), ip_entry_impi(other)))
                return false;
        return ip_entry_outbound(now) ? addr_eq(&now->ue, &other->ue) : addr_ip_eq(&now->ue, &other->ue);
}

struct each {
        void (*fn)(struct ip_entry *e, void *arg);
        void *arg;
};

static void each_node(struct hnode *n, void *arg)
{
        const struct each *each = arg;

        each->fn(container_of(n, struct ip_entry, by_id), each->arg);
}

void ip_table_each(struct ip_table *t, void (*fn)(struct ip_entry *e, void *arg), void *arg)
{
        struct each each = {fn, arg};

        htab_each(&t->ids, each_node, &each);
}
