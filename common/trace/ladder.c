/* SPDX-License-Identifier: BSD-3-Clause
 * The store of the ladder: events by call, Cx sessions linked to calls, own addresses of the nodes. */
#include "common/trace/ladder.h"

#include <stdio.h>
#include <stdlib.h>

struct session { /* a Diameter session, and what came before its call was known */
        struct hnode node;
        char *id;
        struct ladder_call *call;
        struct ladder_event **waiting;
        size_t n, cap;
};

struct place { /* an address or identity of a node; or "node NAME", that there is such a stream */
        struct hnode node;
        char *address, *name;
};

struct ladder {
        struct htab calls, sessions, places;
        struct ladder_call **in_order;
        size_t n, cap;
        uint64_t seq;
        size_t foreign; /* lines that are no event */
};

static int push(void ***v, size_t *n, size_t *cap, void *item)
{
        if (*n == *cap) {
                const size_t more = *cap ? *cap * 2 : 8;
                void **p = realloc(*v, more * sizeof(*p));
                if (!p)
                        return -IMS_ENOMEM;
                *v = p;
                *cap = more;
        }
        (*v)[(*n)++] = item;
        return 0;
}

static bool call_eq(const struct hnode *node, const void *key)
{
        const struct ladder_call *c = (const struct ladder_call *)node;
        return span_eq(span_of(c->call_id), *(const struct span *)key);
}

static bool session_eq(const struct hnode *node, const void *key)
{
        const struct session *s = (const struct session *)node;
        return span_eq(span_of(s->id), *(const struct span *)key);
}

static bool place_eq(const struct hnode *node, const void *key)
{
        const struct place *p = (const struct place *)node;
        return span_ieq(span_of(p->address), *(const struct span *)key);
}

static void call_free(struct hnode *node, void *arg)
{
        struct ladder_call *c = (struct ladder_call *)node;
        (void)arg;
        for (size_t i = 0; i < c->n; i++)
                free(c->events[i]);
        free(c->events);
        free(c->call_id);
        free(c);
}

static void session_free(struct hnode *node, void *arg)
{
        struct session *s = (struct session *)node;
        (void)arg;
        for (size_t i = 0; i < s->n; i++)
                free(s->waiting[i]);
        free(s->waiting);
        free(s->id);
        free(s);
}

static void place_free(struct hnode *node, void *arg)
{
        struct place *p = (struct place *)node;
        (void)arg;
        free(p->address);
        free(p->name);
        free(p);
}

int ladder_new(struct ladder **out)
{
        struct ladder *l = calloc(1, sizeof(*l));
        if (!l)
                return -IMS_ENOMEM;
        *out = l;
        return 0;
}

void ladder_free(struct ladder *l)
{
        if (!l)
                return;
        htab_each(&l->calls, call_free, NULL);
        htab_each(&l->sessions, session_free, NULL);
        htab_each(&l->places, place_free, NULL);
        htab_free(&l->calls);
        htab_free(&l->sessions);
        htab_free(&l->places);
        free(l->in_order);
        free(l);
}

/* The call of that Call-ID, made when there is none. */
static struct ladder_call *call_get(struct ladder *l, struct span call_id)
{
        const uint64_t hash = hash_span(call_id);
        struct ladder_call *c = (struct ladder_call *)htab_find(&l->calls, hash, call_eq, &call_id);
        if (c)
                return c;
        c = calloc(1, sizeof(*c));
        if (!c)
                return NULL;
        c->call_id = span_dup(call_id);
        if (!c->call_id || htab_insert(&l->calls, &c->node, hash) != 0) {
                call_free(&c->node, NULL);
                return NULL;
        }
        if (push((void ***)&l->in_order, &l->n, &l->cap, c) != 0) {
                htab_remove(&l->calls, &c->node);
                call_free(&c->node, NULL);
                return NULL;
        }
        return c;
}

static struct session *session_get(struct ladder *l, struct span id)
{
        const uint64_t hash = hash_span(id);
        struct session *s = (struct session *)htab_find(&l->sessions, hash, session_eq, &id);
        if (s)
                return s;
        s = calloc(1, sizeof(*s));
        if (!s)
                return NULL;
        s->id = span_dup(id);
        if (!s->id || htab_insert(&l->sessions, &s->node, hash) != 0) {
                session_free(&s->node, NULL);
                return NULL;
        }
        return s;
}

static int place_learn(struct ladder *l, struct span address, const char *name)
{
        const uint64_t hash = hash_span_icase(address);
        if (address.n == 0 || htab_find(&l->places, hash, place_eq, &address))
                return 0;
        struct place *p = calloc(1, sizeof(*p));
        if (!p)
                return -IMS_ENOMEM;
        p->address = span_dup(address);
        p->name = strdup(name);
        if (!p->address || !p->name || htab_insert(&l->places, &p->node, hash) != 0) {
                place_free(&p->node, NULL);
                return -IMS_ENOMEM;
        }
        return 0;
}

/* Takes e in every case. */
static int call_add(struct ladder_call *c, struct ladder_event *e)
{
        int err = push((void ***)&c->events, &c->n, &c->cap, e);
        if (err) {
                free(e);
                return err;
        }
        if (e->t_us > c->last_us)
                c->last_us = e->t_us;
        if (e->kind == LADDER_VERDICT)
                c->decided = true;
        if (e->kind == LADDER_SIP && e->t_us > c->register_us &&
            span_starts(span_of(ladder_text(e, LADDER_SUM)), SPAN("REGISTER ")))
                c->register_us = e->t_us;
        return 0;
}

static int link_session(struct ladder *l, const struct ladder_event *e)
{
        struct session *s = session_get(l, span_of(ladder_text(e, LADDER_SESSION_ID)));
        struct ladder_call *c = call_get(l, span_of(ladder_text(e, LADDER_CALL_ID)));
        int err = 0;
        if (!s || !c)
                return -IMS_ENOMEM;
        s->call = c;
        for (size_t i = 0; i < s->n; i++) {
                int one = call_add(c, s->waiting[i]);
                err = err ? err : one;
        }
        s->n = 0;
        return err;
}

/* Takes e in every case. */
static int session_add(struct ladder *l, struct ladder_event *e)
{
        struct session *s = session_get(l, span_of(ladder_text(e, LADDER_SESSION_ID)));
        if (s && s->call)
                return call_add(s->call, e);
        if (!s || push((void ***)&s->waiting, &s->n, &s->cap, e) != 0) {
                free(e);
                return -IMS_ENOMEM;
        }
        return 0;
}

/* Takes e in every case. */
static int event_add(struct ladder *l, struct ladder_event *e)
{
        const char *node = ladder_text(e, LADDER_NODE);
        const struct span call_id = span_of(ladder_text(e, LADDER_CALL_ID));
        char as_node[80];
        (void)snprintf(as_node, sizeof(as_node), "node %.60s", node);
        int err = place_learn(l, span_of(as_node), node);
        if (!err)
                err = place_learn(l, span_of(ladder_text(e, LADDER_LOCAL)), node);
        if (!err && e->kind == LADDER_LINK)
                err = link_session(l, e);
        if (err || e->kind == LADDER_LINK) {
                free(e);
                return err;
        }
        if (call_id.n) {
                struct ladder_call *c = call_get(l, call_id);
                if (c)
                        return call_add(c, e);
                free(e);
                return -IMS_ENOMEM;
        }
        if (*ladder_text(e, LADDER_SESSION_ID))
                return session_add(l, e);
        free(e); /* a capabilities exchange, a verdict about a peer: no call */
        return 0;
}

int ladder_feed(struct ladder *l, struct span line)
{
        struct ladder_event *e = NULL;
        line = span_trim(line);
        if (line.n == 0)
                return 0;
        int err = ladder_event_parse(line, &e);
        if (err == -IMS_ENOMEM)
                return err;
        if (err) {
                l->foreign++;
                return 0;
        }
        e->seq = l->seq++;
        return event_add(l, e);
}

size_t ladder_foreign(const struct ladder *l)
{
        return l->foreign;
}

size_t ladder_call_count(const struct ladder *l)
{
        return l->n;
}

struct ladder_call *ladder_call_at(const struct ladder *l, size_t i)
{
        return l->in_order[i];
}

struct ladder_call *ladder_by_call_id(const struct ladder *l, struct span call_id)
{
        return (struct ladder_call *)htab_find(&l->calls, hash_span(call_id), call_eq, &call_id);
}

/* Two identities, each perhaps without its domain. */
static bool same_impi(struct span a, struct span b)
{
        ptrdiff_t at_a = span_chr(a, '@', 0), at_b = span_chr(b, '@', 0);
        if (at_a >= 0 && at_b >= 0)
                return span_eq(a, b);
        return span_eq(at_a < 0 ? a : span_sub(a, 0, (size_t)at_a),
                       at_b < 0 ? b : span_sub(b, 0, (size_t)at_b));
}

/* The identity of a verdict, or the first word behind REGISTER. */
bool ladder_call_has_impi(const struct ladder_call *c, struct span impi)
{
        for (size_t i = 0; i < c->n; i++) {
                const char *of_verdict = ladder_text(c->events[i], LADDER_IMPI);
                struct span sum = span_of(ladder_text(c->events[i], LADDER_SUM)), word;
                if (*of_verdict) {
                        if (same_impi(span_of(of_verdict), impi))
                                return true;
                } else if (span_starts(sum, SPAN("REGISTER "))) {
                        sum = span_sub(sum, 9, sum.n);
                        if (!span_split(&sum, ' ', &word))
                                continue;
                        if (word.n && word.p[word.n - 1] == ',')
                                word.n--;
                        if (same_impi(word, impi))
                                return true;
                }
        }
        return false;
}

static bool is_later(const struct ladder_call *c, const struct ladder_call *than)
{
        if (!than || c->register_us != than->register_us)
                return !than || c->register_us > than->register_us;
        return c->last_us > than->last_us;
}

struct ladder_call *ladder_by_impi(const struct ladder *l, struct span impi)
{
        struct ladder_call *best = NULL;
        for (size_t i = 0; i < l->n; i++) {
                if (is_later(l->in_order[i], best) && ladder_call_has_impi(l->in_order[i], impi))
                        best = l->in_order[i];
        }
        return best;
}

struct ladder_call *ladder_last(const struct ladder *l)
{
        struct ladder_call *best = NULL;
        for (size_t i = 0; i < l->n; i++) {
                if (is_later(l->in_order[i], best))
                        best = l->in_order[i];
        }
        return best;
}

const char *ladder_node_of(const struct ladder *l, const char *address)
{
        const struct span key = span_of(address);
        if (key.n == 0)
                return NULL;
        const struct place *p =
                (const struct place *)htab_find(&l->places, hash_span_icase(key), place_eq, &key);
        return p ? p->name : NULL;
}

bool ladder_has_node(const struct ladder *l, const char *node)
{
        char as_node[80];
        (void)snprintf(as_node, sizeof(as_node), "node %.60s", node);
        return ladder_node_of(l, as_node) != NULL;
}
