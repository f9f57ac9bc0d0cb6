/* SPDX-License-Identifier: BSD-3-Clause
 * The registrations a P-CSCF keeps. */
#include "pcscf/regstore.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/grammar.h"

#define TEXT_MAX 60000

struct regstore {
        struct loop *loop;
        struct htab ids, flows, aors, ips;
        void (*on_end)(struct assoc a, void *arg);
        void *on_end_arg;
};

struct ue_ip {
        struct hnode by_ip;
        struct addr addr; /* port 0 */
        struct list flows;
};

int regstore_new(struct loop *l, struct regstore **out)
{
        struct regstore *s = calloc(1, sizeof(*s));

        if (!s)
                return -IMS_ENOMEM;
        s->loop = l;
        *out = s;
        return 0;
}

static void free_node(struct hnode *n, void *arg)
{
        (void)arg;
        regstore_remove(container_of(n, struct binding, by_id));
}

void regstore_free(struct regstore *s)
{
        if (!s)
                return;
        htab_each(&s->ids, free_node, NULL);
        htab_free(&s->ids);
        htab_free(&s->flows);
        htab_free(&s->ips);
        htab_free(&s->aors);
        free(s);
}

void regstore_on_end(struct regstore *s, void (*fn)(struct assoc a, void *arg), void *arg)
{
        s->on_end = fn;
        s->on_end_arg = arg;
}

size_t regstore_count(const struct regstore *s)
{
        return s->ids.n;
}

/* --- keys ----------------------------------------------------------------------------------------- */

static uint64_t id_hash(uint32_t id)
{
        return hash_mix(id, 0x9e3779b97f4a7c15u);
}

/* What tells one UE from another. */
struct where {
        const struct sip_flow *flow;
        struct assoc assoc;
};

static uint64_t where_hash(const struct where *w)
{
        return w->assoc.kind ? hash_mix(w->assoc.id, w->assoc.kind)
                             : hash_mix(addr_hash(&w->flow->remote), (uint64_t)w->flow->transport);
}

/* The flow a UE registered on: for UDP its address and port, for TCP that connection. */
static bool same_flow(const struct sip_flow *a, const struct sip_flow *b)
{
        return a->transport == b->transport && a->conn_id == b->conn_id && addr_eq(&a->remote, &b->remote);
}

static bool eq_id(const struct hnode *n, const void *key)
{
        return container_of(n, struct binding, by_id)->id == *(const uint32_t *)key;
}

static bool eq_flow(const struct hnode *n, const void *key)
{
        const struct ue_flow *f = container_of(n, struct ue_flow, by_flow);
        const struct where *w = key;

        return assoc_eq(f->assoc, w->assoc) && (w->assoc.kind || same_flow(&f->flow, w->flow));
}

static bool eq_ip(const struct hnode *n, const void *key)
{
        return addr_ip_eq(&container_of(n, struct ue_ip, by_ip)->addr, key);
}

static bool eq_aor(const struct hnode *n, const void *key)
{
        return span_eq(binding_aor(container_of(n, struct binding, by_aor)), *(const struct span *)key);
}

/* --- flows ---------------------------------------------------------------------------------------- */

static struct ue_flow *flow_find(const struct regstore *s, const struct where *w)
{
        struct hnode *n = htab_find(&s->flows, where_hash(w), eq_flow, w);

        return n ? container_of(n, struct ue_flow, by_flow) : NULL;
}

struct ue_flow *regstore_flow(const struct regstore *s, const struct sip_flow *flow)
{
        struct where w = {.flow = flow};

        return flow_find(s, &w);
}

struct ue_flow *regstore_assoc(const struct regstore *s, struct assoc assoc)
{
        struct where w = {NULL, assoc};

        return assoc.kind ? flow_find(s, &w) : NULL;
}

static struct ue_ip *ip_find(const struct regstore *s, const struct addr *ip)
{
        struct addr key = *ip;
        struct hnode *n;

        addr_set_port(&key, 0);
        n = htab_find(&s->ips, addr_hash(&key), eq_ip, &key);
        return n ? container_of(n, struct ue_ip, by_ip) : NULL;
}

static void ip_unref(struct regstore *s, struct ue_ip *at)
{
        if (!list_empty(&at->flows))
                return;
        htab_remove(&s->ips, &at->by_ip);
        free(at);
}

static int ip_get(struct regstore *s, const struct addr *ip, struct ue_ip **out)
{
        struct ue_ip *at = ip_find(s, ip);

        if (!at) {
                at = malloc(sizeof(*at));
                if (!at)
                        return -IMS_ENOMEM;
                *at = (struct ue_ip){.addr = *ip};
                addr_set_port(&at->addr, 0);
                list_init(&at->flows);
                if (htab_insert(&s->ips, &at->by_ip, addr_hash(&at->addr))) {
                        free(at);
                        return -IMS_ENOMEM;
                }
        }
        *out = at;
        return 0;
}

static void flow_unref(struct regstore *s, struct ue_flow *f)
{
        if (!f || !list_empty(&f->bindings))
                return;
        htab_remove(&s->flows, &f->by_flow);
        list_unlink(&f->at_ip);
        ip_unref(s, f->ip);
        if (s->on_end)
                s->on_end(f->assoc, s->on_end_arg);
        free(f);
}

/* The flow, new when nobody was registered there. */
static struct ue_flow *flow_get(struct regstore *s, const struct sip_flow *flow, struct assoc assoc)
{
        struct where w = {flow, assoc};
        struct ue_flow *f = flow_find(s, &w);

        if (f) {
                f->flow = *flow; /* the same one, or one of its association */
                return f;
        }
        f = malloc(sizeof(*f));
        if (!f)
                return NULL;
        *f = (struct ue_flow){.flow = *flow, .assoc = assoc};
        list_init(&f->bindings);
        if (ip_get(s, &flow->remote, &f->ip)) {
                free(f);
                return NULL;
        }
        list_append(&f->ip->flows, &f->at_ip);
        if (htab_insert(&s->flows, &f->by_flow, where_hash(&w))) {
                flow_unref(s, f);
                return NULL;
        }
        return f;
}

/* --- making and ending ---------------------------------------------------------------------------- */

static void unlink_all(struct binding *b)
{
        struct regstore *s = b->store;

        htab_remove(&s->ids, &b->by_id);
        htab_remove(&s->aors, &b->by_aor);
        list_unlink(&b->in_flow);
        flow_unref(s, b->where);
}

void regstore_remove(struct binding *b)
{
        if (!b)
                return;
        tmr_stop(b->store->loop, &b->timer);
        unlink_all(b);
        free(b);
}

void regstore_drop(struct ue_flow *f)
{
        bool last;

        do {
                struct binding *b = container_of(f->bindings.next, struct binding, in_flow);

                last = f->bindings.next == f->bindings.prev;
                regstore_remove(b);
        } while (!last);
}

static void on_expiry(struct tmr *t, void *arg)
{
        struct binding *b = arg;
        struct log_ctx before =
                log_ctx_set((struct log_ctx){.impi = binding_impi(b), .impu = binding_aor(b)});

        (void)t;
        log_info("registration expired without a refresh");
        regstore_remove(b);
        (void)log_ctx_set(before);
}

/* Copies one string behind the others and tells its place. */
static uint16_t put_text(struct binding *b, size_t *at, struct span s)
{
        size_t here = *at;

        if (s.n)
                memcpy(b->text + here, s.p, s.n);
        b->text[here + s.n] = '\0';
        *at = here + s.n + 1;
        return (uint16_t)here;
}

/* Whether the default IMPU is the aor: the list begins with it. */
static bool is_default(const struct binding_info *i)
{
        return i->impus.n > i->aor.n && memcmp(i->impus.p, i->aor.p, i->aor.n) == 0 &&
               i->impus.p[i->aor.n] == '\0';
}

static bool ends_with(struct span s, struct span end)
{
        return end.n <= s.n && span_eq(span_sub(s, s.n - end.n, s.n), end);
}

static uint16_t put_impus(struct binding *b, size_t *at, struct span impus)
{
        uint16_t here = (uint16_t)*at;

        if (impus.n)
                memcpy(b->text + here, impus.p, impus.n);
        *at += impus.n;
        b->end = (uint16_t)*at;
        return here;
}

static struct binding *make(struct regstore *s, const struct binding_info *i)
{
        bool listed = is_default(i), within = ends_with(i->aor, i->impi);
        size_t n = (listed ? 0 : i->aor.n + 1) + i->contact.n + 1 + i->instance.n + 1 +
                   (within ? 0 : i->impi.n + 1) + i->service_route.n + 1 + i->charging.n + 1 + i->impus.n;
        size_t at = 0;
        struct binding *b = malloc(offsetof(struct binding, text) + n);

        if (!b)
                return NULL;
        memset(b, 0, offsetof(struct binding, text));
        b->store = s;
        b->id = i->id;
        if (listed)
                b->impus = put_impus(b, &at, i->impus);
        else
                (void)put_text(b, &at, i->aor);
        b->contact = put_text(b, &at, i->contact);
        b->instance = put_text(b, &at, i->instance);
        b->impi = within ? (uint16_t)(i->aor.n - i->impi.n) : put_text(b, &at, i->impi);
        b->service_route = put_text(b, &at, i->service_route);
        b->charging = put_text(b, &at, i->charging);
        if (!listed)
                b->impus = put_impus(b, &at, i->impus);
        return b;
}

static int link_all(struct binding *b, const struct binding_info *i)
{
        struct regstore *s = b->store;
        int err;

        b->where = flow_get(s, &i->flow, i->assoc);
        if (!b->where)
                return -IMS_ENOMEM;
        list_append(&b->where->bindings, &b->in_flow);
        err = htab_insert(&s->ids, &b->by_id, id_hash(b->id));
        if (!err)
                err = htab_insert(&s->aors, &b->by_aor, hash_span(binding_aor(b)));
        if (err)
                unlink_all(b);
        return err;
}

int regstore_put(struct regstore *s, const struct binding_info *info)
{
        size_t texts = info->aor.n + info->contact.n + info->instance.n + info->impi.n +
                       info->service_route.n + info->charging.n + info->impus.n;
        struct binding *old = regstore_by_contact(s, info->aor, info->contact), *b;
        int err;

        if (texts > TEXT_MAX)
                return -IMS_ETOOBIG;
        b = make(s, info);
        if (!b)
                return -IMS_ENOMEM;
        b->ends_ms = loop_now_ms(s->loop) + (uint64_t)info->expires_s * 1000;
        err = tmr_start(s->loop, &b->timer, (uint64_t)info->expires_s * 1000, on_expiry, b);
        if (!err)
                err = link_all(b, info);
        if (err) {
                tmr_stop(s->loop, &b->timer);
                free(b);
                return err;
        }
        regstore_remove(old);
        return 0;
}

/* --- look-ups ------------------------------------------------------------------------------------- */

bool binding_next_impu(const struct binding *b, struct span *impu)
{
        const char *p = impu->p ? impu->p + impu->n + 1 : b->text + b->impus;

        if (p >= b->text + b->end)
                return false;
        *impu = span_of(p);
        return true;
}

/* The next node of the chain with the same key, or NULL. */
static struct hnode *next_equal(const struct hnode *from, htab_eq_fn *eq, const void *key)
{
        for (struct hnode *n = from->next; n; n = n->next)
                if (n->hash == from->hash && eq(n, key))
                        return n;
        return NULL;
}

struct ue_flow *regstore_next_at(const struct regstore *s, const struct addr *ip, const struct ue_flow *prev)
{
        const struct ue_ip *at = prev ? prev->ip : ip_find(s, ip);
        const struct list *next;

        if (!at)
                return NULL;
        next = prev ? prev->at_ip.next : at->flows.next;
        return next == &at->flows ? NULL : container_of(next, struct ue_flow, at_ip);
}

struct ue_flow *regstore_only_at(const struct regstore *s, const struct addr *ip)
{
        const struct ue_ip *at = ip_find(s, ip);
        struct ue_flow *f;

        if (!at || at->flows.next != at->flows.prev)
                return NULL;
        f = container_of(at->flows.next, struct ue_flow, at_ip);
        return f->assoc.kind ? NULL : f;
}

int regstore_move(struct regstore *s, struct ue_flow *f, const struct sip_flow *to)
{
        struct sip_flow before = f->flow;
        struct where w = {&f->flow, f->assoc};
        int err;

        htab_remove(&s->flows, &f->by_flow);
        f->flow = *to;
        err = htab_insert(&s->flows, &f->by_flow, where_hash(&w));
        if (err) { /* the slots are there still: this cannot fail */
                f->flow = before;
                (void)!htab_insert(&s->flows, &f->by_flow, where_hash(&w));
        }
        return err;
}

bool binding_contact_addr(const struct binding *b, struct addr *out)
{
        osip_uri_t *u = NULL;
        struct addr a;
        bool same;

        if (sip_uri_parse(binding_contact(b), &u))
                return false;
        same = u->host && addr_parse(span_of(u->host), sip_uri_port(u), &a) == 0 &&
               addr_ip_eq(&a, &b->where->flow.remote);
        if (same) {
                addr_set_port(&a, sip_uri_port(u));
                *out = a;
        }
        osip_uri_free(u);
        return same;
}

struct binding *regstore_by_id(const struct regstore *s, uint32_t id)
{
        struct hnode *n = htab_find(&s->ids, id_hash(id), eq_id, &id);

        return n ? container_of(n, struct binding, by_id) : NULL;
}

struct binding *regstore_by_contact(const struct regstore *s, struct span aor, struct span contact)
{
        struct binding *b = NULL;

        while ((b = regstore_next_by_aor(s, aor, b)) != NULL)
                if (span_eq(binding_contact(b), contact))
                        return b;
        return NULL;
}

struct binding *regstore_next_by_aor(const struct regstore *s, struct span aor, const struct binding *prev)
{
        struct hnode *n = prev ? next_equal(&prev->by_aor, eq_aor, &aor)
                               : htab_find(&s->aors, hash_span(aor), eq_aor, &aor);

        return n ? container_of(n, struct binding, by_aor) : NULL;
}
