/* SPDX-License-Identifier: BSD-3-Clause
 * Client transactions: responses, retransmissions, time-outs, fail-over. RFC 3261 17.1, RFC 6026, RFC 3263
 * 4.3. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/client.h"
#include "common/sip/txn_server.h"

static void on_end(struct tmr *t, void *arg);
static void on_retransmit(struct tmr *t, void *arg);

/* --- helpers -------------------------------------------------------------------------------------- */

static bool reliable(const struct sip_client *c)
{
        return c->flow.transport != TRANSPORT_UDP;
}

/* Starts a timer. When that is not possible the transaction cannot go on; it is ended by the caller. */
static bool start(struct sip_client *c, struct tmr *t, uint64_t ms, tmr_fn *fn)
{
        if (tmr_start(c->stack->loop, t, ms, fn, c) == 0)
                return true;
        log_error("a client transaction ends early: %s", ims_strerror(IMS_ENOMEM));
        return false;
}

/* The last report. Whoever waits may do anything but free the stack. */
static void report(struct sip_client *c, int err, struct sip_msg *resp)
{
        sip_response_fn *fn = c->fn;

        c->fn = NULL;
        if (fn)
                fn(c, err, resp, c->arg);
}

static void end_without_answer(struct sip_client *c, int err)
{
        if (fsm_move(c->fsm, &c->state, CT_ST_TERMINATED) != 0)
                return;
        report(c, err, NULL);
        sip_client_free(c);
}

void sip_client_fail(struct sip_client *c, int err)
{
        c->err = c->err ? c->err : err;
        tmr_stop(c->stack->loop, &c->retransmit);
        if (c->query)
                resolver_cancel(c->query);
        c->query = NULL;
        if (!c->stateless) /* such a one ends with the call that fails */
                (void)start(c, &c->end, 0, on_end);
}

/* --- an attempt ----------------------------------------------------------------------------------- */

int sip_client_start(struct sip_client *c)
{
        uint64_t wait_ms = c->answer_ms ? c->answer_ms : 64 * (uint64_t)c->t1_ms;

        c->lost = false;
        c->retransmit_ms = c->t1_ms;
        if (!start(c, &c->end, wait_ms, on_end) ||
            (!reliable(c) && !start(c, &c->retransmit, c->t1_ms, on_retransmit)))
                return -IMS_ENOMEM;
        return 0;
}

/* Leaves the address that did not serve. */
static void try_next(struct sip_client *c)
{
        tmr_stop(c->stack->loop, &c->retransmit);
        tmr_stop(c->stack->loop, &c->end);
        list_unlink(&c->user.node);
        sip_client_try(c);
}

static bool may_try_next(const struct sip_client *c)
{
        return c->state == CT_ST_START && c->hop + 1 < c->n_hops && c->fn && !c->cancel_wanted;
}

/* The report waits for the end timer, so that no owner is called while a message is being sent. */
void sip_client_conn_ended(struct sip_conn_user *u, int reason)
{
        struct sip_client *c = container_of(u, struct sip_client, user);

        (void)reason;
        c->lost = true;
        (void)start(c, &c->end, 0, on_end);
}

static void connection_lost(struct sip_client *c)
{
        char text[ADDR_STR];

        if (!fsm_allowed(c->fsm, c->state, CT_EV_TRANSPORT))
                return;
        log_info("%s was lost before the answer", addr_str(&c->flow.remote, text));
        if (c->state == CT_ST_START && c->fn && !c->cancel_wanted) {
                if (c->reused && !c->retried) {
                        c->retried = true; /* it may have been closed as we wrote */
                        c->given.conn_id = 0;
                        try_next(c);
                        return;
                }
                if (c->too_large) {
                        c->tcp_failed = true;
                        try_next(c);
                        return;
                }
        }
        if (may_try_next(c)) {
                sip_client_next_hop(c);
                try_next(c);
                return;
        }
        end_without_answer(c, -IMS_EUNREACH);
}

static void on_retransmit(struct tmr *t, void *arg)
{
        struct sip_client *c = arg;

        if (!fsm_allowed(c->fsm, c->state, CT_EV_RETRANSMIT))
                return;
        c->retransmit_ms *= 2;
        if (!sip_client_is_invite(c) && (c->retransmit_ms > c->t2_ms || c->state == CT_ST_PROCEEDING))
                c->retransmit_ms = c->t2_ms;
        if (!start(c, t, c->retransmit_ms, on_retransmit))
                return; /* the end timer runs */
        sip_client_send_again(c, "retransmission");
}

static void on_end(struct tmr *t, void *arg)
{
        struct sip_client *c = arg;

        (void)t;
        if (c->err) {
                end_without_answer(c, c->err);
        } else if (c->lost) {
                c->lost = false;
                connection_lost(c);
        } else if (!fsm_allowed(c->fsm, c->state, CT_EV_TIMEOUT)) {
                return;
        } else if (may_try_next(c)) {
                sip_client_next_hop(c);
                try_next(c);
        } else {
                end_without_answer(c, -IMS_ETIMEOUT); /* nobody waits any more after a final answer */
        }
}

/* --- CANCEL --------------------------------------------------------------------------------------- */

static void send_cancel(struct sip_client *c)
{
        struct sip_stack *s = c->stack;
        struct sip_client *k = sip_client_new(s, SIP_CANCEL);
        int err = k ? 0 : -IMS_ENOMEM;

        c->cancel_sent = true;
        buf_reset(&s->scratch);
        if (!err)
                err = sip_client_write_cancel(c, &s->scratch);
        if (!err)
                err = sip_client_set_octets(k, buf_as_span(&s->scratch));
        if (!err) {
                memcpy(k->branch, c->branch, sizeof(k->branch));
                k->sent_by = c->sent_by;
                k->flow = c->flow;
                k->t1_ms = c->t1_ms;
                k->t2_ms = c->t2_ms;
                k->sent = true;
                err = sip_client_index(k);
                sip_client_use(k);
        }
        if (!err)
                err = sip_client_start(k);
        if (err) {
                log_error("CANCEL could not be sent: %s", ims_strerror(err));
                if (k)
                        sip_client_free(k);
        } else {
                sip_client_send_again(k, NULL);
        }
        (void)start(c, &c->end, 64 * (uint64_t)c->t1_ms, on_end); /* RFC 3261 9.1 */
}

void sip_client_cancel(struct sip_client *c)
{
        if (c->stack->closing || !sip_client_is_invite(c) || c->cancel_wanted || c->state > CT_ST_PROCEEDING)
                return;
        c->cancel_wanted = true;
        if (!c->sent)
                sip_client_fail(c, -IMS_ECANCELED);
        else if (c->state == CT_ST_PROCEEDING)
                send_cancel(c);
}

/* --- responses ------------------------------------------------------------------------------------ */

static void on_provisional(struct sip_client *c, struct sip_msg *m)
{
        sip_response_fn *fn = c->fn;

        if (c->state == CT_ST_START) {
                if (fsm_move(c->fsm, &c->state, CT_ST_PROCEEDING) != 0)
                        return;
                if (sip_client_is_invite(c)) {
                        tmr_stop(c->stack->loop, &c->retransmit);
                        tmr_stop(c->stack->loop, &c->end);
                        if (c->lost) /* cannot be: it was read from the connection; keep the report */
                                (void)start(c, &c->end, 0, on_end);
                }
        }
        if (c->cancel_wanted && !c->cancel_sent)
                send_cancel(c);
        if (fn)
                fn(c, 0, m, c->arg);
}

/* Stays behind for one refused attempt of an INVITE that goes on at the next address. */
static void leave_ack_behind(struct sip_client *c, const struct sip_msg *m)
{
        struct sip_stack *s = c->stack;
        struct sip_client *k;

        buf_reset(&s->scratch);
        if (sip_client_write_ack(c, m, &s->scratch) != 0)
                return;
        k = sip_client_new(s, SIP_INVITE);
        if (!k)
                return;
        memcpy(k->branch, c->branch, sizeof(k->branch));
        k->sent_by = c->sent_by;
        k->flow = c->flow;
        k->sent = true;
        k->state = CT_ST_COMPLETED;
        sip_client_use(k);
        sip_client_unindex(c);
        if (sip_client_set_octets(k, buf_as_span(&s->scratch)) != 0 || sip_client_index(k) != 0 ||
            !start(k, &k->end, sip_timer_ms(IMS_TIMER_TIMER_D), on_end)) {
                sip_client_free(k);
                return;
        }
        sip_client_send_again(k, NULL);
}

/* RFC 3263 4.3: a server that says 503 is passed over while there is another. */
static bool passed_over(struct sip_client *c, const struct sip_msg *m)
{
        if (m->status != 503 || c->hop + 1 >= c->n_hops || !c->fn || c->cancel_wanted)
                return false;
        if (sip_client_is_invite(c))
                leave_ack_behind(c, m);
        c->state = CT_ST_START;
        sip_client_next_hop(c);
        try_next(c);
        return true;
}

/* ACK takes the place of the INVITE in octets. */
static void send_ack(struct sip_client *c, const struct sip_msg *m)
{
        struct sip_stack *s = c->stack;

        buf_reset(&s->scratch);
        if (sip_client_write_ack(c, m, &s->scratch) == 0 &&
            sip_client_set_octets(c, buf_as_span(&s->scratch)) == 0)
                sip_client_send_again(c, NULL);
}

/* How long copies of the final response are taken care of; 0: not at all. */
static uint64_t linger_ms(const struct sip_client *c, int status)
{
        uint64_t b_ms = 64 * (uint64_t)c->t1_ms, d_ms = sip_timer_ms(IMS_TIMER_TIMER_D);

        if (sip_client_is_invite(c) && status < 300)
                return b_ms; /* M */
        if (reliable(c))
                return 0;
        return !sip_client_is_invite(c) ? c->stack->conf.t4_ms : b_ms > d_ms ? b_ms : d_ms;
}

static void on_final(struct sip_client *c, struct sip_msg *m)
{
        struct sip_stack *s = c->stack;
        uint64_t ms = linger_ms(c, m->status);
        bool accepted = sip_client_is_invite(c) && m->status < 300;

        if (passed_over(c, m))
                return;
        if (fsm_move(c->fsm, &c->state, accepted ? CT_ST_ACCEPTED : CT_ST_COMPLETED) != 0)
                return;
        tmr_stop(s->loop, &c->retransmit);
        tmr_stop(s->loop, &c->end);
        list_unlink(&c->user.node);
        c->lost = false;
        if (sip_client_is_invite(c) && !accepted) {
                send_ack(c, m);
        } else {
                sip_client_drop_octets(c);
        }
        if (ms && !start(c, &c->end, ms, on_end))
                ms = 0;
        report(c, 0, m);
        if (!ms && fsm_move(c->fsm, &c->state, CT_ST_TERMINATED) == 0)
                sip_client_free(c);
}

static void relay_further(struct sip_client *c, struct sip_msg *m)
{
        struct sip_edit e;

        if (!c->peer->stack)
                return;
        sip_edit_init(&e, m);
        if (c->on_further)
                c->on_further(c->peer, m, &e, c->further_arg);
        sip_server_relay_2xx(c->peer, &e);
        sip_edit_free(&e);
}

/* A response after the final one. */
static void on_repeated(struct sip_client *c, struct sip_msg *m, const struct sip_flow *flow)
{
        struct sip_stack *s = c->stack;

        if (c->state == CT_ST_COMPLETED && sip_client_is_invite(c) && m->status >= 300) {
                sip_client_send_again(c, "retransmission");
        } else if (c->state == CT_ST_ACCEPTED && m->status >= 200 && m->status < 300) {
                if (c->peer)
                        relay_further(c, m);
                else if (s->handlers.on_stray_response)
                        s->handlers.on_stray_response(m, flow, s->arg);
        }
}

struct branch_key {
        struct span branch;
        enum sip_method method;
};

static bool eq_branch(const struct hnode *n, const void *arg)
{
        const struct sip_client *c = container_of(n, const struct sip_client, by_branch);
        const struct branch_key *k = arg;

        return c->method == k->method && span_eq(span_of(c->branch), k->branch);
}

static struct sip_client *find(struct sip_stack *s, const struct sip_msg *m)
{
        struct branch_key key = {m->via.branch, m->method};
        struct hnode *n = htab_find(&s->branches, hash_span(key.branch), eq_branch, &key);
        struct sip_client *c = n ? container_of(n, struct sip_client, by_branch) : NULL;

        /* The rest of the top Via must be ours, too (RFC 3261 18.1.2). */
        return c && c->sent_by == sip_via_sent_by_hash(m->via.host, m->via.port) ? c : NULL;
}

/* The branch of the top Via in the start of a message, which may be cut. */
static struct span quoted_branch(struct span octets)
{
        ptrdiff_t at = span_find(octets, SPAN(";branch="));
        struct span rest = span_sub(octets, at < 0 ? octets.n : (size_t)at + 8, octets.n);
        size_t n = 0;

        while (n < rest.n && rest.p[n] != ';' && rest.p[n] != '\r')
                n++;
        return span_sub(rest, 0, n);
}

void sip_client_refused(struct sip_stack *s, const struct addr *to, struct span octets)
{
        ptrdiff_t space = span_chr(octets, ' ', 0);
        struct branch_key key = {quoted_branch(octets),
                                 sip_method_lookup(span_sub(octets, 0, space < 0 ? 0 : (size_t)space))};
        struct hnode *n = htab_find(&s->branches, hash_span(key.branch), eq_branch, &key);
        struct sip_client *c = n ? container_of(n, struct sip_client, by_branch) : NULL;

        if (!c || c->state != CT_ST_START || c->flow.transport != TRANSPORT_UDP ||
            !addr_eq(&c->flow.remote, to))
                return;
        tmr_stop(s->loop, &c->retransmit);
        sip_client_conn_ended(&c->user, -IMS_EUNREACH);
}

/* Where the request went, or whoever else the node lets answer. */
static bool may_answer(struct sip_stack *s, const struct sip_client *c, const struct sip_msg *m,
                       const struct sip_flow *flow)
{
        bool same = c->flow.transport == TRANSPORT_TLS ? c->flow.conn_id == flow->conn_id
                                                       : addr_ip_eq(&c->flow.remote, &flow->remote);

        return !s->handlers.answer_from || same || s->handlers.answer_from(flow, &c->flow.remote, m, s->arg);
}

void sip_client_receive(struct sip_stack *s, struct sip_msg *m, const struct sip_flow *flow)
{
        struct sip_client *c = find(s, m);
        bool over = c && c->state > CT_ST_PROCEEDING;
        enum sip_ct_event ev = m->status < 200   ? CT_EV_PROVISIONAL
                               : m->status < 300 ? CT_EV_SUCCESS
                                                 : CT_EV_FAILURE;

        if (c && !may_answer(s, c, m, flow)) {
                s->stats.dropped++;
                sip_stack_trace(s, false, flow, span_make(m->buf, m->n), m, "from an address not asked");
                return;
        }
        sip_stack_trace(s, false, flow, span_make(m->buf, m->n), m, over ? "retransmission" : NULL);
        if (!c) {
                if (s->handlers.on_stray_response)
                        s->handlers.on_stray_response(m, flow, s->arg);
        } else if (!fsm_allowed(c->fsm, c->state, ev) || c->err) {
                return;
        } else if (over) {
                on_repeated(c, m, flow);
        } else if (ev == CT_EV_PROVISIONAL) {
                on_provisional(c, m);
        } else {
                on_final(c, m);
        }
}
