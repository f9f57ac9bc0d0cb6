/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table: finding, linking and removing sets. */
#include "pcscf/sa_table.h"

#include <stdlib.h>

#include "pcscf/sa_int.h"

int sa_table_new(struct loop *l, const struct sa_table_conf *conf, struct sa_table **out)
{
        struct sa_table *t = calloc(1, sizeof(*t));
        int err;

        if (!t)
                return -IMS_ENOMEM;
        t->loop = l;
        t->conf = *conf;
        err = secret_random(&t->last_spi, sizeof(t->last_spi)); /* the next run does not meet them again */
        if (!err)
                err = secret_random(&t->last_id, sizeof(t->last_id));
        if (err) {
                free(t);
                return err;
        }
        *out = t;
        return 0;
}

static void free_assoc(struct hnode *n, void *arg)
{
        struct sa_assoc *a = container_of(n, struct sa_assoc, by_id);
        bool last;

        (void)arg;
        do {
                struct sa_set *s = container_of(a->sets.next, struct sa_set, in_assoc);

                last = a->sets.next == a->sets.prev;
                sa_remove_set(s);
        } while (!last);
}

void sa_table_free(struct sa_table *t)
{
        if (!t)
                return;
        htab_each(&t->assocs, free_assoc, NULL);
        htab_free(&t->pairs);
        htab_free(&t->spis);
        htab_free(&t->assocs);
        htab_free(&t->impis);
        free(t);
}

size_t sa_table_sets(const struct sa_table *t)
{
        return t->n_sets;
}

size_t sa_table_assocs(const struct sa_table *t)
{
        return t->assocs.n;
}

struct each {
        void (*fn)(struct sa_assoc *a, void *arg);
        void *arg;
};

static void each_assoc(struct hnode *n, void *arg)
{
        const struct each *e = arg;

        e->fn(container_of(n, struct sa_assoc, by_id), e->arg);
}

void sa_table_each(const struct sa_table *t, void (*fn)(struct sa_assoc *a, void *arg), void *arg)
{
        struct each e = {fn, arg};

        htab_each((struct htab *)&t->assocs, each_assoc, &e);
}

/* --- look-ups ------------------------------------------------------------------------------------- */

struct pair_key {
        const struct addr *remote;
        uint16_t local_port;
};

static uint64_t pair_hash(const struct addr *remote, uint16_t local_port)
{
        return hash_mix(addr_hash(remote), local_port);
}

static bool eq_pair(const struct hnode *n, const void *key)
{
        const struct sa_port_pair *p = container_of(n, struct sa_port_pair, node);
        const struct pair_key *k = key;

        return p->local_port == k->local_port && addr_eq(&p->remote, k->remote);
}

static struct sa_set *set_of(struct sa_port_pair *p)
{
        return p->of_client ? container_of(p, struct sa_set, pairs[0])
                            : container_of(p, struct sa_set, pairs[1]);
}

struct sa_set *sa_find_pair(const struct sa_table *t, const struct addr *remote, uint16_t local_port)
{
        struct pair_key key = {remote, local_port};
        struct hnode *n = htab_find(&t->pairs, pair_hash(remote, local_port), eq_pair, &key);

        return n ? set_of(container_of(n, struct sa_port_pair, node)) : NULL;
}

struct sa_set *sa_find(const struct sa_table *t, const struct addr *local, const struct addr *remote)
{
        struct sa_set *s = sa_find_pair(t, remote, addr_port(local));

        return s && addr_ip_eq(&s->params.pcscf, local) ? s : NULL;
}

static bool eq_spi(const struct hnode *n, const void *key)
{
        return container_of(n, struct sa_spi, node)->spi == *(const uint32_t *)key;
}

static struct hnode *spi_node(const struct sa_table *t, uint32_t spi)
{
        return htab_find(&t->spis, hash_mix(spi, 0), eq_spi, &spi);
}

struct sa_set *sa_by_spi(const struct sa_table *t, uint32_t spi)
{
        struct hnode *n = spi_node(t, spi);
        struct sa_spi *spi_of;

        if (!n)
                return NULL;
        spi_of = container_of(n, struct sa_spi, node);
        return spi_of->of_client ? container_of(spi_of, struct sa_set, spis[0])
                                 : container_of(spi_of, struct sa_set, spis[1]);
}

static uint64_t id_hash(uint32_t id)
{
        return hash_mix(id, 1);
}

static bool eq_id(const struct hnode *n, const void *key)
{
        return container_of(n, struct sa_assoc, by_id)->id == *(const uint32_t *)key;
}

struct sa_assoc *sa_assoc_by_id(const struct sa_table *t, uint32_t id)
{
        struct hnode *n = htab_find(&t->assocs, id_hash(id), eq_id, &id);

        return n ? container_of(n, struct sa_assoc, by_id) : NULL;
}

struct sa_set *sa_by_serial(const struct sa_table *t, uint32_t assoc_id, uint32_t serial)
{
        struct sa_assoc *a = sa_assoc_by_id(t, assoc_id);

        if (!a)
                return NULL;
        list_for_each(pos, &a->sets)
        {
                struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                if (s->serial == serial)
                        return s;
        }
        return NULL;
}

static bool eq_impi(const struct hnode *n, const void *key)
{
        return span_eq(sa_assoc_impi(container_of(n, struct sa_assoc, by_impi)), *(const struct span *)key);
}

struct sa_assoc *sa_next_of_impi(const struct sa_table *t, struct span impi, const struct sa_assoc *prev)
{
        struct hnode *n = prev ? prev->by_impi.next : htab_find(&t->impis, hash_span(impi), eq_impi, &impi);

        for (; n; n = n->next)
                if (n->hash == hash_span(impi) && eq_impi(n, &impi))
                        return container_of(n, struct sa_assoc, by_impi);
        return NULL;
}

bool sa_same_who(const struct sa_assoc *a, const struct sa_who *who)
{
        struct span instance = sa_assoc_instance(a);

        return addr_ip_eq(&a->ue, &who->ue) && a->sos == who->sos && a->reg_id == who->reg_id &&
               (!instance.n || !who->instance.n || span_eq(instance, who->instance));
}

struct sa_assoc *sa_assoc_find(const struct sa_table *t, const struct sa_who *who)
{
        struct sa_assoc *a = NULL;

        while ((a = sa_next_of_impi(t, who->impi, a)) != NULL)
                if (sa_same_who(a, who))
                        return a;
        return NULL;
}

/* --- records and sets ------------------------------------------------------------------------------ */

static void assoc_free(struct sa_assoc *a)
{
        htab_remove(&a->table->assocs, &a->by_id);
        htab_remove(&a->table->impis, &a->by_impi);
        free(a);
}

struct sa_assoc *sa_assoc_new(struct sa_table *t, const struct sa_who *who)
{
        struct sa_assoc *a = calloc(1, sizeof(*a) + who->impi.n + who->instance.n + 2);

        if (!a)
                return NULL;
        a->table = t;
        a->ue = addr_with_port(&who->ue, 0);
        a->id = ++t->last_id ? t->last_id : ++t->last_id;
        a->reg_id = who->reg_id;
        a->sos = who->sos;
        a->instance = (uint16_t)(who->impi.n + 1);
        a->end = (uint16_t)(a->instance + who->instance.n);
        memcpy(a->text, who->impi.p, who->impi.n);
        if (who->instance.n)
                memcpy(a->text + a->instance, who->instance.p, who->instance.n);
        list_init(&a->sets);
        if (htab_insert(&t->assocs, &a->by_id, id_hash(a->id)) ||
            htab_insert(&t->impis, &a->by_impi, hash_span(who->impi))) {
                assoc_free(a);
                return NULL;
        }
        return a;
}

int sa_set_link(struct sa_assoc *a, struct sa_set *s)
{
        struct sa_table *t = a->table;
        const struct sa_params *p = &s->params;
        int err = 0;

        s->pairs[0] = (struct sa_port_pair){.remote = addr_with_port(&p->ue, p->ue_ends.port_c),
                                            .local_port = p->pcscf_ends.port_s,
                                            .of_client = true};
        s->pairs[1] = (struct sa_port_pair){.remote = addr_with_port(&p->ue, p->ue_ends.port_s),
                                            .local_port = p->pcscf_ends.port_c};
        s->spis[0] = (struct sa_spi){.spi = p->pcscf_ends.spi_c, .of_client = true};
        s->spis[1] = (struct sa_spi){.spi = p->pcscf_ends.spi_s};
        for (size_t i = 0; !err && i < 2; i++)
                err = htab_insert(&t->pairs, &s->pairs[i].node,
                                  pair_hash(&s->pairs[i].remote, s->pairs[i].local_port));
        for (size_t i = 0; !err && i < 2; i++)
                err = htab_insert(&t->spis, &s->spis[i].node, hash_mix(s->spis[i].spi, 0));
        s->assoc = a;
        list_append(&a->sets, &s->in_assoc);
        t->n_sets++;
        return err;
}

static void set_unlink(struct sa_set *s)
{
        struct sa_table *t = s->assoc->table;

        tmr_stop(t->loop, &s->timer);
        tmr_stop(t->loop, &s->esp);
        for (size_t i = 0; i < 2; i++) {
                htab_remove(&t->pairs, &s->pairs[i].node);
                htab_remove(&t->spis, &s->spis[i].node);
        }
        list_unlink(&s->in_assoc);
        if (s->assoc->in_use == s)
                s->assoc->in_use = NULL;
        t->n_sets--;
}

void sa_remove_set(struct sa_set *s)
{
        struct sa_assoc *a = s->assoc;

        set_unlink(s);
        sa_remove(a->table->conf.kernel, &s->params);
        if (a->table->conf.events.on_removed)
                a->table->conf.events.on_removed(s, a->table->conf.events.arg);
        if (list_empty(&a->sets))
                assoc_free(a);
        free(s);
}
