/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table: finding, making and removing sets. */
#include "pcscf/sa_table.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "pcscf/sa_int.h"

#define SETS_PER_IMPI 3 /* six SAs per direction (TS 33.203 7.1 rule 3) */
#define SPI_TRIES     64
#define SPI_STEP      0x9e3779b1U /* of the golden ratio: numbers that follow one another lie far apart */

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

static struct sa_set *find(const struct sa_table *t, const struct addr *remote, uint16_t local_port)
{
        struct pair_key key = {remote, local_port};
        struct hnode *n = htab_find(&t->pairs, pair_hash(remote, local_port), eq_pair, &key);

        return n ? set_of(container_of(n, struct sa_port_pair, node)) : NULL;
}

struct sa_set *sa_find(const struct sa_table *t, const struct addr *local, const struct addr *remote)
{
        struct sa_set *s = find(t, remote, addr_port(local));

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

/* Records of one IMPI: prev NULL begins. */
static struct sa_assoc *next_of_impi(const struct sa_table *t, struct span impi, const struct sa_assoc *prev)
{
        struct hnode *n = prev ? prev->by_impi.next : htab_find(&t->impis, hash_span(impi), eq_impi, &impi);

        for (; n; n = n->next)
                if (n->hash == hash_span(impi) && eq_impi(n, &impi))
                        return container_of(n, struct sa_assoc, by_impi);
        return NULL;
}

static bool same_who(const struct sa_assoc *a, const struct sa_who *who)
{
        struct span instance = sa_assoc_instance(a);

        return addr_ip_eq(&a->ue, &who->ue) && a->sos == who->sos && a->reg_id == who->reg_id &&
               (!instance.n || !who->instance.n || span_eq(instance, who->instance));
}

struct sa_assoc *sa_assoc_find(const struct sa_table *t, const struct sa_who *who)
{
        struct sa_assoc *a = NULL;

        while ((a = next_of_impi(t, who->impi, a)) != NULL)
                if (same_who(a, who))
                        return a;
        return NULL;
}

/* --- rule 3 --------------------------------------------------------------------------------------- */

/* What the challenge of the same user would replace. */
static bool replaceable(const struct sa_set *s, const struct sa_who *who)
{
        return (s->state == SA_SET_REGISTRATION || s->state == SA_SET_LEAVING) &&
               span_eq(sa_assoc_impi(s->assoc), who->impi);
}

static struct addr with_port(const struct addr *ip, uint16_t port)
{
        struct addr a = *ip;

        addr_set_port(&a, port);
        return a;
}

static bool client_port_taken(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends)
{
        struct addr uc = with_port(&who->ue, ends->port_c);
        const struct sa_set *s = find(t, &uc, (uint16_t)t->conf.conf->port_ps);

        return s && !replaceable(s, who);
}

/* Several UEs behind one address are told apart by it (M.7.1). */
static bool server_port_taken(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends)
{
        struct addr us = with_port(&who->ue, ends->port_s);

        for (uint32_t i = 0; i < t->conf.conf->port_pc_count; i++) {
                const struct sa_set *s = find(t, &us, (uint16_t)(t->conf.conf->port_pc + i));

                if (s && !span_eq(sa_assoc_impi(s->assoc), who->impi))
                        return true;
        }
        return false;
}

/* What gives way to a new set where room lacks: what is leaving (7.4.2a: other old SAs are deleted), and for
 * a UE that is registered also what strangers began in clear under its IMPI. */
static bool gives_way(const struct sa_set *s, bool protected)
{
        return s->state == SA_SET_LEAVING || (protected && s->state == SA_SET_REGISTRATION && !s->by_old);
}

/* Sets of this IMPI that stay when another challenge leaves for this UE; emergency registrations and flows of
 * RFC 5626 count on their own. out (may be NULL): the first of those that give way, or NULL. */
static unsigned sets_of_impi(const struct sa_table *t, const struct sa_who *who, bool protected,
                             struct sa_set **out)
{
        struct sa_assoc *a = NULL;
        unsigned n = 0;

        while ((a = next_of_impi(t, who->impi, a)) != NULL) {
                bool own = same_who(a, who);

                if (a->sos != who->sos || a->reg_id != who->reg_id)
                        continue;
                list_for_each(pos, &a->sets)
                {
                        struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                        if (!gives_way(s, protected))
                                n += !(own && s->state == SA_SET_REGISTRATION);
                        else if (out && !*out)
                                *out = s;
                }
        }
        return n;
}

/* All sets of this IMPI. */
static unsigned all_of_impi(const struct sa_table *t, const struct sa_who *who)
{
        const struct sa_assoc *a = NULL;
        unsigned n = 0;

        while ((a = next_of_impi(t, who->impi, a)) != NULL)
                if (a->sos == who->sos && a->reg_id == who->reg_id)
                        list_for_each(pos, &a->sets) n++;
        return n;
}

enum sa_refusal sa_may_open(const struct sa_table *t, const struct sa_who *who, const struct sec_ends *ends,
                            enum sec_mode mode, const struct sa_set *old)
{
        if (old && old->params.ue_ends.port_s != ends->port_s)
                return SA_PORT_US_CHANGED;
        if (client_port_taken(t, who, ends) ||
            (mode == SEC_MODE_UDP_ENC_TUN && server_port_taken(t, who, ends)))
                return SA_PORT_TAKEN;
        return sets_of_impi(t, who, old != NULL, NULL) >= SETS_PER_IMPI ? SA_TOO_MANY : SA_MAY;
}

/* --- making --------------------------------------------------------------------------------------- */

/* The number so much further on in the range, first < n <= last. */
static uint32_t spi_behind(const struct security_conf *c, uint32_t n, uint32_t step)
{
        uint64_t size = c->spi_last - c->spi_first;

        return c->spi_first + 1 + (uint32_t)(((uint64_t)n - c->spi_first - 1 + step) % size);
}

/* The next SPI of the range that is neither live here nor one of the UE's (TS 33.203 7.1, 7.2). It lies far
 * from the last one: numbers in a row share few slots of the hash by which the kernel finds the SA of a
 * packet. */
static int draw_spi(struct sa_table *t, const struct sec_ends *ue, uint32_t other, uint32_t *out)
{
        const struct security_conf *c = t->conf.conf;

        for (int i = 0; i < SPI_TRIES; i++) {
                if (t->last_spi <= c->spi_first || t->last_spi > c->spi_last)
                        t->last_spi = spi_behind(c, c->spi_first + 1, t->last_spi);
                t->last_spi = spi_behind(c, t->last_spi, i ? 1 : SPI_STEP);
                if (t->last_spi != other && t->last_spi != ue->spi_c && t->last_spi != ue->spi_s &&
                    !spi_node(t, t->last_spi)) {
                        *out = t->last_spi;
                        return 0;
                }
        }
        return -IMS_ELIMIT;
}

/* The client port behind the one the UE had last; none that it still has (7.4.0). */
static int draw_port(const struct sa_table *t, const struct sa_assoc *a, const struct sa_params *p,
                     uint16_t *out)
{
        const struct security_conf *c = t->conf.conf;
        struct addr us = with_port(&p->ue, p->ue_ends.port_s);
        uint32_t last = 0;

        if (a && !list_empty(&a->sets))
                last = container_of(a->sets.prev, const struct sa_set, in_assoc)->params.pcscf_ends.port_c -
                       c->port_pc;
        for (uint32_t i = 1; i <= c->port_pc_count; i++) {
                uint16_t port = (uint16_t)(c->port_pc + (last + i) % c->port_pc_count);

                if (!find(t, &us, port)) {
                        *out = port;
                        return 0;
                }
        }
        return -IMS_ELIMIT;
}

static int draw(struct sa_table *t, const struct sa_assoc *a, struct sa_params *p)
{
        int err = draw_port(t, a, p, &p->pcscf_ends.port_c);

        p->pcscf_ends.port_s = (uint16_t)t->conf.conf->port_ps;
        if (!err)
                err = draw_spi(t, &p->ue_ends, 0, &p->pcscf_ends.spi_c);
        if (!err)
                err = draw_spi(t, &p->ue_ends, p->pcscf_ends.spi_c, &p->pcscf_ends.spi_s);
        return err;
}

static int install(struct sa_table *t, struct sa_params *p, const struct sa_assoc *a, const struct sa_open *o)
{
        struct esp_keys keys;
        int err = esp_keys_expand(o->suite, o->ck, o->ik, &keys);

        if (err)
                return err;
        err = -IMS_EEXISTS;
        for (int i = 0; err == -IMS_EEXISTS && i < SPI_TRIES; i++) { /* an SPI may be somebody else's */
                err = draw(t, a, p);
                p->reqid = sa_kernel_reqid(t->conf.kernel);
                if (!err)
                        err = sa_install(t->conf.kernel, p, &keys);
        }
        if (!err)
                esp_keylog_write(t->conf.log, p, &keys);
        secret_wipe(&keys, sizeof(keys));
        return err;
}

static void assoc_free(struct sa_assoc *a)
{
        htab_remove(&a->table->assocs, &a->by_id);
        htab_remove(&a->table->impis, &a->by_impi);
        free(a);
}

static struct sa_assoc *assoc_new(struct sa_table *t, const struct sa_who *who)
{
        struct sa_assoc *a = calloc(1, sizeof(*a) + who->impi.n + who->instance.n + 2);

        if (!a)
                return NULL;
        a->table = t;
        a->ue = with_port(&who->ue, 0);
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

/* Puts the set into the tables. */
static int set_link(struct sa_assoc *a, struct sa_set *s)
{
        struct sa_table *t = a->table;
        const struct sa_params *p = &s->params;
        int err = 0;

        s->pairs[0] = (struct sa_port_pair){.remote = with_port(&p->ue, p->ue_ends.port_c),
                                            .local_port = p->pcscf_ends.port_s,
                                            .of_client = true};
        s->pairs[1] = (struct sa_port_pair){.remote = with_port(&p->ue, p->ue_ends.port_s),
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

static struct sa_set *unfinished(const struct sa_assoc *a)
{
        list_for_each(pos, &a->sets)
        {
                struct sa_set *s = container_of(pos, struct sa_set, in_assoc);

                if (s->state == SA_SET_REGISTRATION)
                        return s;
        }
        return NULL;
}

/* What the new challenge replaces (7.3.1.4, 7.4.2a): unfinished registrations of this UE, and whatever of
 * this user still holds the port that is offered again. id: of the UE's record, which may go with it; 0:
 * none. */
static void clear_way(struct sa_table *t, uint32_t id, const struct sa_open *o)
{
        struct sa_assoc *a;
        struct addr uc = with_port(&o->who.ue, o->ends.port_c);
        struct sa_set *taken = find(t, &uc, (uint16_t)t->conf.conf->port_ps), *s;

        if (taken && replaceable(taken, &o->who))
                sa_remove_set(taken);
        while (id && (a = sa_assoc_by_id(t, id)) != NULL && (s = unfinished(a)) != NULL)
                sa_remove_set(s); /* the record goes with its last set */
        for (s = NULL; all_of_impi(t, &o->who) >= SETS_PER_IMPI; s = NULL) {
                (void)sets_of_impi(t, &o->who, o->old != NULL, &s);
                if (!s)
                        break;
                sa_remove_set(s);
        }
}

int sa_open(struct sa_table *t, const struct sa_open *o, struct sa_set **out)
{
        struct sa_assoc *a = o->old ? o->old : sa_assoc_find(t, &o->who);
        uint32_t id = a ? a->id : 0;
        struct sa_set *s = calloc(1, sizeof(*s));
        int err = s ? 0 : -IMS_ENOMEM;

        if (err)
                return err;
        clear_way(t, id, o);
        a = id ? sa_assoc_by_id(t, id) : NULL; /* it may have gone with its last set */
        s->params = (struct sa_params){.ue = with_port(&o->who.ue, 0),
                                       .pcscf = with_port(&o->pcscf, 0),
                                       .ue_ends = o->ends,
                                       .suite = o->suite,
                                       .mode = o->mode};
        err = install(t, &s->params, a, o);
        if (err) {
                free(s);
                return err;
        }
        if (!a)
                a = assoc_new(t, &o->who);
        if (!a) {
                sa_remove(t->conf.kernel, &s->params);
                free(s);
                return -IMS_ENOMEM;
        }
        s->serial = ++t->last_serial ? t->last_serial : ++t->last_serial;
        s->by_old = o->old != NULL;
        s->made_ms = loop_now_ms(t->loop);
        s->expires_ms = s->made_ms + t->conf.await_ms;
        err = set_link(a, s);
        if (err) {
                sa_remove_set(s);
                return err;
        }
        sa_set_arm(s);
        if (!tmr_running(&s->timer)) {
                sa_remove_set(s);
                return -IMS_ENOMEM;
        }
        *out = s;
        return 0;
}
