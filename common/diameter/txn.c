/* SPDX-License-Identifier: BSD-3-Clause
 * Requests that wait for their answers: hop-by-hop and end-to-end identifiers, answer timer, fail-over
 * with the T flag (RFC 6733 3, 5.5.4, 6.1.2, 6.2.1). */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/diameter/msg.h"
#include "common/diameter/node_int.h"

struct dia_txn {
        struct hnode by_hop;
        struct list node; /* in the peer's pending, in the order of sending */
        struct dia_node *dn;
        struct dia_peer *peer;
        struct tmr timer;
        struct buf octets;
        struct span host, realm; /* in octets */
        bool host_preferred;     /* the host may be taken out */
        uint32_t hop, end, code;
        struct dia_callback cb;
        struct dia_peer *tried[DIA_TRIED_MAX]; /* only compared, never followed */
        size_t n_tried;
};

static bool hop_eq(const struct hnode *node, const void *key)
{
        return container_of(node, struct dia_txn, by_hop)->hop == *(const uint32_t *)key;
}

static void txn_free(struct dia_txn *t)
{
        tmr_stop(t->dn->loop, &t->timer);
        if (dia_command_secret(t->code))
                secret_wipe(t->octets.p, t->octets.n);
        buf_free(&t->octets);
        free(t);
}

/* Out of all tables: what comes for it from now on is nobody's. */
static void txn_forget(struct dia_txn *t)
{
        if (!t->peer)
                return;
        htab_remove(&t->dn->pending, &t->by_hop);
        list_unlink(&t->node);
        t->peer->n_pending--;
        t->peer = NULL;
}

static void txn_end(struct dia_txn *t, int err, struct msg *answer)
{
        struct dia_callback cb = t->cb;

        txn_forget(t);
        txn_free(t);
        if (cb.user)
                cb.raw(err, answer, &cb);
}

static void on_timer(struct tmr *timer, void *arg)
{
        struct dia_txn *t = arg;

        (void)timer;
        log_warn("diameter %s: no answer to command %u in time", t->peer ? t->peer->identity : "?", t->code);
        txn_end(t, -IMS_ETIMEOUT, NULL);
}

static void set_hop(struct dia_txn *t)
{
        uint8_t *p = (uint8_t *)t->octets.p;

        t->hop = t->dn->next_hop++;
        p[12] = (uint8_t)(t->hop >> 24);
        p[13] = (uint8_t)(t->hop >> 16);
        p[14] = (uint8_t)(t->hop >> 8);
        p[15] = (uint8_t)t->hop;
}

/* Gives the request to p. */
static int txn_assign(struct dia_txn *t, struct dia_peer *p)
{
        int err;

        if (p->n_pending >= p->dn->max_pending)
                return -IMS_ELIMIT;
        set_hop(t);
        err = htab_insert(&t->dn->pending, &t->by_hop, hash_mix(t->hop, 0));
        if (err)
                return err;
        t->peer = p;
        list_append(&p->pending, &t->node);
        p->n_pending++;
        if (t->n_tried < DIA_TRIED_MAX)
                t->tried[t->n_tried++] = p;
        err = dia_conn_send(p->c, buf_as_span(&t->octets));
        if (err)
                txn_forget(t);
        else
                dia_trace(p->c, true, buf_as_span(&t->octets), NULL, t->n_tried > 1 ? "sent again" : NULL);
        return err;
}

/* A peer that said it would rather not be called is called when nobody else is there. */
static void wake_held(struct dia_node *n)
{
        list_for_each(pos, &n->peers)
        {
                struct dia_peer *p = container_of(pos, struct dia_peer, node);

                if (p->held && p->state == PEER_ST_CLOSED && addr_port(&p->addr)) {
                        p->held = false;
                        dia_peer_start_timer(p, 0);
                }
        }
}

/* Where the request goes, by its octets. */
static void read_destination(struct dia_txn *t)
{
        struct span avps = span_sub(buf_as_span(&t->octets), DIA_HEADER, t->octets.n);
        struct dia_avp a;

        t->host = t->realm = SPAN_NULL;
        while (dia_avp_next(&avps, &a) > 0) {
                if (a.id == AVP_DESTINATION_HOST)
                        t->host = a.data;
                else if (a.id == AVP_DESTINATION_REALM)
                        t->realm = a.data;
        }
}

/* Takes Destination-Host out of the request: from now on it goes by its realm (RFC 6733 6.1.4). */
static void drop_host(struct dia_txn *t)
{
        struct buf *b = &t->octets;
        struct dia_avp a;
        size_t at, n;

        if (!dia_avp_get(span_sub(buf_as_span(b), DIA_HEADER, b->n), AVP_DESTINATION_HOST, &a))
                return;
        at = (size_t)(a.whole.p - b->p);
        n = (a.whole.n + 3) & ~(size_t)3;
        memmove(b->p + at, b->p + at + n, b->n - at - n);
        b->n -= n;
        secret_wipe(b->p + b->n, n); /* what moved still stands there */
        dia_put_end(b, 0);
        read_destination(t);
}

/* The best peer not tried yet. A host that is only preferred is given up when nobody reaches it; relays
 * that were asked for the host may be asked again then (relays_again). */
static struct dia_peer *txn_route(struct dia_txn *t, bool relays_again)
{
        struct dia_peer *to = dia_route(t->dn, t->host, t->realm, t->tried, t->n_tried);
        struct span no_host = SPAN_NULL;

        if (to || !t->host.n || !t->host_preferred)
                return to;
        if (relays_again)
                t->n_tried = 0;
        to = dia_route(t->dn, no_host, t->realm, t->tried, t->n_tried);
        if (to) {
                log_info("diameter: nobody reaches " SPAN_FMT ": command %u goes to any host of its realm",
                         SPAN_ARG(t->host), t->code);
                drop_host(t);
        }
        return to;
}

static int txn_new(struct dia_node *n, struct buf *b, struct dia_txn **out)
{
        struct dia_header h = dia_header_get(b->p);
        struct dia_txn *t = calloc(1, sizeof(*t));

        if (!t)
                return -IMS_ENOMEM;
        t->dn = n;
        t->code = h.code;
        t->end = h.end;
        t->octets = *b;
        *b = BUF_INIT;
        read_destination(t);
        *out = t;
        return 0;
}

int dia_send_octets(struct dia_node *n, struct buf *b, const struct dia_sending *how, struct dia_txn **out)
{
        struct dia_txn *t = NULL;
        struct dia_peer *p;
        int err = b->err ? b->err : b->n < DIA_HEADER ? -IMS_EINVAL : n->stopping ? -IMS_EUNREACH : 0;

        if (!err)
                err = txn_new(n, b, &t);
        if (err) {
                buf_free(b);
                return err;
        }
        t->cb = how->cb;
        t->host_preferred = how->host_preferred;
        p = txn_route(t, false);
        err = p ? tmr_start(n->loop, &t->timer, how->answer_ms ? how->answer_ms : n->answer_ms, on_timer, t)
                : -IMS_EUNREACH;
        if (!err)
                err = txn_assign(t, p);
        if (err) {
                if (!p)
                        wake_held(n);
                txn_free(t);
                return err;
        }
        if (out)
                *out = t;
        return 0;
}

static void plain_answer(int err, struct msg *answer, const struct dia_callback *cb)
{
        ((dia_answer_fn *)cb->user)(err, answer, cb->arg);
}

int dia_send(struct dia_node *n, struct msg *request, uint32_t answer_ms, dia_answer_fn *fn, void *arg,
             struct dia_txn **out)
{
        struct buf b = BUF_INIT;
        struct dia_sending how = {.answer_ms = answer_ms, .cb = {plain_answer, (void (*)(void))fn, arg}};
        struct msg_hdr *h = NULL;
        int err = -IMS_EINVAL;

        if (fd_msg_hdr(request, &h) == 0) {
                h->msg_flags |= CMD_FLAG_REQUEST;
                h->msg_eteid = n->next_end++;
                err = dia_msg_octets(request, &b);
        }
        dia_msg_free(request, SPAN_NULL);
        if (err) {
                buf_free(&b);
                return err;
        }
        return dia_send_octets(n, &b, &how, out);
}

void dia_txn_cancel(struct dia_txn *t)
{
        if (!t)
                return;
        txn_forget(t);
        txn_free(t);
}

void dia_failover(struct dia_peer *p, bool lost)
{
        struct list moving;

        /* callbacks may send and cancel: take one at a time from a list of our own */
        list_init(&moving);
        while (!list_empty(&p->pending)) {
                struct list *first = p->pending.next;

                list_unlink(first);
                list_append(&moving, first);
        }
        while (!list_empty(&moving)) {
                struct list *first = moving.next;
                struct dia_txn *t = container_of(first, struct dia_txn, node);
                struct dia_peer *to = txn_route(t, false);

                list_unlink(first);
                if (!to && !lost) {
                        list_append(&p->pending, first);
                        continue;
                }
                txn_forget(t);
                t->octets.p[4] = (char)(t->octets.p[4] | CMD_FLAG_RETRANSMIT);
                if (to)
                        log_info("diameter %s: command %u moves to %s", p->identity, t->code, to->identity);
                if (!to || txn_assign(t, to))
                        txn_end(t, -IMS_EUNREACH, NULL);
        }
}

/* RFC 6733 7.1.3: what a peer cannot deliver or is too busy for may go another way. A relay that does not
 * reach the host may reach another one of the realm (6.1.6). */
static bool try_elsewhere(struct dia_txn *t, const struct dia_header *h, struct span octets)
{
        struct dia_peer *to;
        struct dia_avp result;

        if (!(h->flags & CMD_FLAG_ERROR) ||
            !dia_avp_get(span_sub(octets, DIA_HEADER, octets.n), AVP_RESULT_CODE, &result))
                return false;
        if (dia_avp_u32(&result) != DIA_UNABLE_TO_DELIVER && dia_avp_u32(&result) != DIA_TOO_BUSY)
                return false;
        to = txn_route(t, t->peer->relay);
        if (!to)
                return false;
        log_info("diameter %s: %s, trying %s", t->peer->identity,
                 dia_result_str(dia_base(dia_avp_u32(&result))), to->identity);
        txn_forget(t);
        if (txn_assign(t, to))
                txn_end(t, -IMS_EUNREACH, NULL);
        return true;
}

void dia_on_answer(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        struct hnode *node = htab_find(&c->dn->pending, hash_mix(h->hop, 0), hop_eq, &h->hop);
        struct dia_txn *t = node ? container_of(node, struct dia_txn, by_hop) : NULL;
        struct dia_fault fault = DIA_FAULT_NONE;
        struct span raw = SPAN_NULL;
        struct msg *m = NULL;
        int err;

        if (!t || t->peer != c->peer || t->code != h->code || t->end != h->end) {
                if (dia_conn_complain(c))
                        log_info("diameter %s: answer to nothing that waits, command %u", c->peer->identity,
                                 h->code);
                return;
        }
        err = dia_check(octets, &fault);
        if (!err && try_elsewhere(t, h, octets)) {
                dia_trace(c, false, octets, NULL, "refused here, sent elsewhere");
                return;
        }
        if (!err)
                err = dia_msg_parse(octets, &m, &raw);
        if (err)
                log_warn("diameter %s: answer to command %u is wrong: %s %s", c->peer->identity, h->code,
                         dia_result_str(dia_base(fault.code)), fault.name);
        dia_trace(c, false, octets, m, err ? "answer is wrong" : NULL);
        txn_end(t, err ? -IMS_EPROTO : 0, m);
        dia_msg_free(m, raw);
}
