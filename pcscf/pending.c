/* SPDX-License-Identifier: BSD-3-Clause
 * Registrations under way, and the limits on them. */
#include "pcscf/pending.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"

struct pending_table {
        struct loop *loop;
        struct htab keys, serials, sources;
        uint32_t last_serial;
        struct pending_limits limits;
};

/* Records beyond the limit that are kept for UEs that authenticated before: one in so many. */
#define KNOWN_SHARE 8

/* How many REGISTERs of one address the home network works on at once follows its speed, as a TCP window
 * does: one more for each answer that comes soon, half as many when answers come late. */
#define ASKED_FIRST 128
#define ASKED_LEAST 64

/* What an address has under way; exists while that is not 0. */
struct pending_source {
        struct hnode by_addr;
        struct addr addr; /* addr_source */
        uint32_t n, n_asked;
        uint32_t max_asked; /* now; never above that of the limits */
        uint64_t cut_ms;    /* when it was halved last */
};

struct key {
        struct span call_id, identity;
};

int pending_table_new(struct loop *l, const struct pending_limits *limits, struct pending_table **out)
{
        struct pending_table *t = calloc(1, sizeof(*t));

        if (!t)
                return -IMS_ENOMEM;
        t->loop = l;
        t->limits = *limits;
        *out = t;
        return 0;
}

static void free_node(struct hnode *n, void *arg)
{
        (void)arg;
        pending_remove(container_of(n, struct pending, by_key));
}

void pending_table_free(struct pending_table *t)
{
        if (!t)
                return;
        htab_each(&t->keys, free_node, NULL);
        htab_free(&t->keys);
        htab_free(&t->serials);
        htab_free(&t->sources);
        free(t);
}

size_t pending_count(const struct pending_table *t)
{
        return t->keys.n;
}

/* --- keys ----------------------------------------------------------------------------------------- */

static uint64_t key_hash(const struct key *k)
{
        return hash_mix(hash_span(k->call_id), hash_span(k->identity));
}

static bool eq_key(const struct hnode *n, const void *key)
{
        const struct pending *p = container_of(n, struct pending, by_key);
        const struct key *k = key;

        return span_eq(span_make(p->key, p->call_id_n), k->call_id) &&
               span_eq(span_make(p->key + p->call_id_n, p->n - p->call_id_n), k->identity);
}

struct pending *pending_find(const struct pending_table *t, struct span call_id, struct span identity)
{
        struct key k = {call_id, identity};
        struct hnode *n = htab_find(&t->keys, key_hash(&k), eq_key, &k);

        return n ? container_of(n, struct pending, by_key) : NULL;
}

static uint64_t serial_hash(uint32_t serial)
{
        return serial * 0x9e3779b97f4a7c15u; /* our own number: no need of a keyed hash */
}

static bool eq_serial(const struct hnode *n, const void *key)
{
        return container_of(n, struct pending, by_serial)->serial == *(const uint32_t *)key;
}

struct pending *pending_by_serial(const struct pending_table *t, uint32_t serial)
{
        struct hnode *n = htab_find(&t->serials, serial_hash(serial), eq_serial, &serial);

        return n ? container_of(n, struct pending, by_serial) : NULL;
}

/* --- sources -------------------------------------------------------------------------------------- */

static bool eq_source(const struct hnode *n, const void *key)
{
        return addr_ip_eq(&container_of(n, struct pending_source, by_addr)->addr, key);
}

static void source_unref(struct pending_table *t, struct pending_source *s)
{
        if (s && --s->n == 0) {
                htab_remove(&t->sources, &s->by_addr);
                free(s);
        }
}

static struct pending_source *source_find(const struct pending_table *t, const struct addr *from)
{
        struct addr key = addr_source(from);
        struct hnode *n = htab_find(&t->sources, addr_hash(&key), eq_source, &key);

        return n ? container_of(n, struct pending_source, by_addr) : NULL;
}

static int source_ref(struct pending_table *t, const struct addr *from, bool known,
                      struct pending_source **out)
{
        struct pending_source *s = source_find(t, from);
        struct addr key = addr_source(from);

        if (s && !known && (s->n >= t->limits.max_per_source || s->n_asked >= s->max_asked))
                return -IMS_EALREADY;
        if (!s) {
                s = malloc(sizeof(*s));
                if (!s)
                        return -IMS_ENOMEM;
                *s = (struct pending_source){.addr = key,
                                             .max_asked = t->limits.max_asked_per_source < ASKED_FIRST
                                                                  ? t->limits.max_asked_per_source
                                                                  : ASKED_FIRST};
                if (htab_insert(&t->sources, &s->by_addr, addr_hash(&key))) {
                        free(s);
                        return -IMS_ENOMEM;
                }
        }
        s->n++;
        *out = s;
        return 0;
}

/* --- records -------------------------------------------------------------------------------------- */

static void on_await_auth(struct tmr *t, void *arg)
{
        (void)t;
        log_debug("reg-await-auth: no answer to the challenge");
        pending_remove(arg);
}

static int make(struct pending_table *t, const struct key *k, const struct pending_who *who,
                struct pending **out)
{
        struct pending *p = calloc(1, sizeof(*p) + k->call_id.n + k->identity.n);
        int err;

        if (!p)
                return -IMS_ENOMEM;
        p->table = t;
        p->serial = ++t->last_serial ? t->last_serial : ++t->last_serial;
        p->call_id_n = k->call_id.n;
        p->n = k->call_id.n + k->identity.n;
        memcpy(p->key, k->call_id.p, k->call_id.n);
        memcpy(p->key + k->call_id.n, k->identity.p, k->identity.n);
        err = source_ref(t, who->source, who->known, &p->source);
        if (!err)
                err = tmr_start(t->loop, &p->timer, t->limits.await_ms, on_await_auth, p);
        if (!err)
                err = htab_insert(&t->keys, &p->by_key, key_hash(k));
        if (!err)
                err = htab_insert(&t->serials, &p->by_serial, serial_hash(p->serial));
        if (err) {
                pending_remove(p);
                return err;
        }
        *out = p;
        return 0;
}

int pending_get(struct pending_table *t, const struct pending_who *who, struct pending **out)
{
        struct key k = {who->call_id, who->identity};
        struct pending *p = pending_find(t, who->call_id, who->identity);
        size_t max = t->limits.max + (who->known ? t->limits.max / KNOWN_SHARE + 1 : 0);
        int err = 0;

        if (!p)
                err = t->keys.n >= max ? -IMS_ELIMIT : make(t, &k, who, &p);
        else if (!who->known && p->source->n_asked >= p->source->max_asked)
                err = -IMS_EALREADY;
        else
                err = tmr_start(t->loop, &p->timer, t->limits.await_ms, on_await_auth, p);
        if (err)
                return err;
        p->asked_ms = loop_now_ms(t->loop);
        p->n_asked++;
        p->source->n_asked++;
        *out = p;
        return 0;
}

static void follow_speed(struct pending_source *s, const struct pending_limits *limits, uint64_t asked_ms,
                         uint64_t now_ms)
{
        if (now_ms - asked_ms <= ims_timer_rows[IMS_TIMER_REGISTER_SOON].default_ms) {
                s->max_asked += s->max_asked < limits->max_asked_per_source;
        } else if (asked_ms >= s->cut_ms) { /* one cut for all that were asked before it */
                s->max_asked = s->max_asked / 2 > ASKED_LEAST ? s->max_asked / 2 : ASKED_LEAST;
                if (s->max_asked > limits->max_asked_per_source)
                        s->max_asked = limits->max_asked_per_source;
                s->cut_ms = now_ms;
        }
}

void pending_answered(struct pending *p)
{
        if (!p || !p->n_asked)
                return;
        p->n_asked--;
        p->source->n_asked--;
        follow_speed(p->source, &p->table->limits, p->asked_ms, loop_now_ms(p->table->loop));
}

bool pending_challenged(struct pending *p, const struct reg_keys *keys)
{
        secret_wipe(&p->keys, sizeof(p->keys));
        p->keys = *keys;
        if (tmr_start(p->table->loop, &p->timer, p->table->limits.await_ms, on_await_auth, p) == 0)
                return true;
        pending_remove(p);
        return false;
}

void pending_remove(struct pending *p)
{
        if (!p)
                return;
        tmr_stop(p->table->loop, &p->timer);
        htab_remove(&p->table->keys, &p->by_key);
        htab_remove(&p->table->serials, &p->by_serial);
        if (p->source)
                p->source->n_asked -= p->n_asked;
        source_unref(p->table, p->source);
        agreement_free(p->agreement);
        secret_free(p, sizeof(*p));
}
