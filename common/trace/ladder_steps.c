/* SPDX-License-Identifier: BSD-3-Clause
 * From events to steps: the sent and the received side of a message become one, who stands at the other
 * end is found out, lost messages and the deciding verdict are named. */
#include <stdio.h>
#include <stdlib.h>

#include "common/trace/ladder.h"

enum { RANK_OTHER = 100, CLOCK_SLACK_US = 1000 };

/* The participants everybody knows, from left to right; depth decides whose verdict counts. */
static const struct {
        const char *node, *name;
        int rank, depth;
} known[] = {
        {"ue", "UE", 0, 0},         {"pcscf", "P-CSCF", 10, 2}, {"icscf", "I-CSCF", 20, 3},
        {"scscf", "S-CSCF", 30, 4}, {"hss", "HSS", 40, 1},
};

struct side { /* one event of a message, while pairs are sought */
        const struct ladder_event *e;
        struct side *other;
};

static int party_of(struct ladder_steps *s, const struct ladder *l, const char *key)
{
        for (size_t i = 0; i < s->n_parties; i++) {
                if (strcmp(s->parties[i].key, key) == 0)
                        return (int)i;
        }
        if (s->n_parties == LADDER_PARTIES_MAX)
                return LADDER_PARTIES_MAX - 1;
        struct ladder_party *p = &s->parties[s->n_parties];
        (void)snprintf(p->key, sizeof(p->key), "%.63s", key);
        (void)snprintf(p->name, sizeof(p->name), "%.23s", key);
        p->rank = RANK_OTHER;
        p->has_stream = ladder_has_node(l, key);
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                if (strcmp(known[i].node, key) == 0) {
                        p->rank = known[i].rank;
                        (void)snprintf(p->name, sizeof(p->name), "%s", known[i].name);
                }
        }
        return (int)s->n_parties++;
}

static bool is_request(const struct ladder_event *e)
{
        const char *sum = ladder_text(e, LADDER_SUM);
        return *sum >= 'A' && *sum <= 'Z';
}

/* Who stands at the other end of an event whose other side no stream has. */
static const char *remote_key(const struct ladder *l, const struct ladder_event *e, char buf[static 64])
{
        const char *remote = ladder_text(e, LADDER_REMOTE);
        const char *node = ladder_node_of(l, remote);
        if (node)
                return node;
        if (e->kind == LADDER_CX) { /* "hss.ims.example" is an HSS, also without a stream of it */
                (void)snprintf(buf, 64, "%.*s", (int)strcspn(remote, "."), remote);
                return *buf ? buf : "?";
        }
        /* what the P-CSCF is asked comes from a UE, and the answer goes there */
        if (strcmp(ladder_text(e, LADDER_NODE), "pcscf") == 0 && is_request(e) != e->outbound)
                return "ue";
        (void)snprintf(buf, 64, "%.63s", *remote ? remote : "?");
        return buf;
}

static int by_time(const void *a, const void *b)
{
        const struct ladder_event *x = *(const struct ladder_event *const *)a;
        const struct ladder_event *y = *(const struct ladder_event *const *)b;
        if (x->t_us != y->t_us)
                return x->t_us < y->t_us ? -1 : 1;
        return x->seq < y->seq ? -1 : 1;
}

static int by_id(const void *a, const void *b)
{
        const struct side *x = *(const struct side *const *)a, *y = *(const struct side *const *)b;
        const int order = strcmp(ladder_text(x->e, LADDER_ID), ladder_text(y->e, LADDER_ID));
        return order ? order : by_time(&x->e, &y->e);
}

/* Of the events v[0..n) with one id: each received one belongs to the latest sent one before it that is
 * free (a lost message and its retransmission have the same octets). */
static void pair_group(struct side **v, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct side *best = NULL;
                if (v[i]->e->outbound)
                        continue;
                for (size_t k = 0; k < n; k++) {
                        struct side *o = v[k];
                        if (!o->e->outbound || o->other ||
                            strcmp(ladder_text(o->e, LADDER_NODE), ladder_text(v[i]->e, LADDER_NODE)) == 0)
                                continue;
                        if (!best || o->e->t_us <= v[i]->e->t_us + CLOCK_SLACK_US)
                                best = o;
                }
                if (best) {
                        best->other = v[i];
                        v[i]->other = best;
                }
        }
}

static int pair_all(struct side *sides, size_t n)
{
        struct side **v = calloc(n ? n : 1, sizeof(struct side *));
        size_t messages = 0;
        if (!v)
                return -IMS_ENOMEM;
        for (size_t i = 0; i < n; i++) {
                if (sides[i].e->kind != LADDER_VERDICT && *ladder_text(sides[i].e, LADDER_ID))
                        v[messages++] = &sides[i];
        }
        qsort(v, messages, sizeof(struct side *), by_id);
        for (size_t from = 0, to; from < messages; from = to) {
                const char *id = ladder_text(v[from]->e, LADDER_ID);
                for (to = from + 1; to < messages && !strcmp(ladder_text(v[to]->e, LADDER_ID), id);)
                        to++;
                pair_group(v + from, to - from);
        }
        free(v);
        return 0;
}

static void step_verdict(struct ladder_steps *s, const struct ladder *l, const struct ladder_event *e)
{
        struct ladder_step *step = &s->v[s->n++];
        const int who = party_of(s, l, ladder_text(e, LADDER_NODE));
        *step = (struct ladder_step){.t_us = e->t_us, .event = e, .from = who, .to = who, .is_verdict = true};
}

static void step_message(struct ladder_steps *s, const struct ladder *l, const struct side *side)
{
        const struct ladder_event *e = side->e;
        char buf[64];
        if (side->other && !e->outbound)
                return; /* drawn with its sent side */
        const int here = party_of(s, l, ladder_text(e, LADDER_NODE));
        const int there = party_of(
                s, l, side->other ? ladder_text(side->other->e, LADDER_NODE) : remote_key(l, e, buf));
        s->v[s->n++] = (struct ladder_step){
                .t_us = side->other && side->other->e->t_us < e->t_us ? side->other->e->t_us : e->t_us,
                .event = e,
                .from = e->outbound ? here : there,
                .to = e->outbound ? there : here,
                .is_cx = e->kind == LADDER_CX,
                .lost = e->outbound && !side->other && s->parties[there].has_stream,
        };
}

/* A sender writes its event after it sent: when it had to wait for a processor, the receiver was first. A
 * message stands at the earlier of its two times, so the steps are put in order again. */
static int by_step(const void *a, const void *b)
{
        const struct ladder_step *x = a, *y = b;
        if (x->t_us != y->t_us)
                return x->t_us < y->t_us ? -1 : 1;
        return x->event->seq < y->event->seq ? -1 : 1;
}

/* Other UEs may have streams: nothing is lost towards one that tells nothing of this call. */
static void ue_without_stream(struct ladder_steps *s)
{
        for (size_t i = 0; i < s->n; i++) {
                if (strcmp(ladder_text(s->v[i].event, LADDER_NODE), "ue") == 0)
                        return;
        }
        for (size_t i = 0; i < s->n; i++) {
                if (strcmp(s->parties[s->v[i].to].key, "ue") == 0)
                        s->v[i].lost = false;
        }
}

/* Sorts the participants from left to right and follows them in the steps. */
static void order_parties(struct ladder_steps *s)
{
        int place[LADDER_PARTIES_MAX] = {0}, order[LADDER_PARTIES_MAX] = {0};
        struct ladder_party old[LADDER_PARTIES_MAX];
        memcpy(old, s->parties, sizeof(old));
        for (size_t i = 0; i < s->n_parties; i++) {
                size_t k = i;
                for (; k > 0 && old[order[k - 1]].rank > old[i].rank; k--)
                        order[k] = order[k - 1];
                order[k] = (int)i;
        }
        for (size_t i = 0; i < s->n_parties; i++) {
                place[order[i]] = (int)i;
                s->parties[i] = old[order[i]];
        }
        for (size_t i = 0; i < s->n; i++) {
                s->v[i].from = place[s->v[i].from];
                s->v[i].to = place[s->v[i].to];
        }
}

static int depth_of(const struct ladder_step *v)
{
        if (strcmp(ladder_text(v->event, LADDER_CAUSE), "forwarded") == 0)
                return -1;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
                if (strcmp(known[i].node, ladder_text(v->event, LADDER_NODE)) == 0)
                        return known[i].depth;
        }
        return 0;
}

/* The verdict that counts: after the last request of the left-most participant, that of the node deepest
 * in the home network; the later one of equals. */
static void find_deciding(struct ladder_steps *s)
{
        uint64_t since = 0;
        for (size_t i = 0; i < s->n; i++) {
                if (!s->v[i].is_verdict && s->v[i].from == 0 && is_request(s->v[i].event))
                        since = s->v[i].t_us;
        }
        for (size_t i = 0; i < s->n; i++) {
                const struct ladder_step *v = &s->v[i], *best = s->deciding;
                if (!v->is_verdict)
                        continue;
                const bool late = v->t_us >= since;
                const bool best_late = best && best->t_us >= since;
                if (!best || late > best_late ||
                    (late == best_late && (!late || depth_of(v) >= depth_of(best))))
                        s->deciding = v;
        }
}

int ladder_steps_make(const struct ladder *l, const struct ladder_call *call, struct ladder_steps *out)
{
        const size_t n = call->n - call->shown;
        const struct ladder_event **events = calloc(n ? n : 1, sizeof(*events));
        struct side *sides = calloc(n ? n : 1, sizeof(*sides));
        int err = -IMS_ENOMEM;
        *out = (struct ladder_steps){.v = calloc(n ? n : 1, sizeof(*out->v))};
        if (!events || !sides || !out->v)
                goto out;
        for (size_t i = 0; i < n; i++)
                events[i] = call->events[call->shown + i];
        qsort(events, n, sizeof(*events), by_time);
        for (size_t i = 0; i < n; i++)
                sides[i].e = events[i];
        err = pair_all(sides, n);
        if (err)
                goto out;
        for (size_t i = 0; i < n; i++) {
                if (sides[i].e->kind == LADDER_VERDICT)
                        step_verdict(out, l, sides[i].e);
                else
                        step_message(out, l, &sides[i]);
        }
        qsort(out->v, out->n, sizeof(*out->v), by_step);
        ue_without_stream(out);
        order_parties(out);
        find_deciding(out);
out:
        if (err)
                ladder_steps_clear(out);
        free(events);
        free(sides);
        return err;
}

void ladder_steps_clear(struct ladder_steps *s)
{
        free(s->v);
        *s = (struct ladder_steps){0};
}
