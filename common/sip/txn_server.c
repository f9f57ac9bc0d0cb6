/* SPDX-License-Identifier: BSD-3-Clause
 * Server transactions (RFC 3261 17.2, RFC 6026) and the request objects they hold. */
#include "common/sip/txn_server.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/sip/via.h"

static void on_end(struct tmr *t, void *arg);
static void on_retransmit(struct tmr *t, void *arg);

/* --- life ----------------------------------------------------------------------------------------- */

static void drop_sent(struct sip_server_txn *t)
{
        secret_free(t->sent, t->n_sent);
        t->sent = NULL;
}

void sip_server_free(struct sip_server_txn *t)
{
        list_unlink(&t->all);
        sip_msg_unref(t->rq.msg);
        drop_sent(t);
        free(t);
}

void sip_server_count(struct sip_server_txn *t)
{
        const struct sip_msg *m = t->rq.msg;
        struct sip_stack *s = t->rq.stack;
        size_t now = t->live ? sizeof(*t) + sizeof(*m) + m->n_hdrs * sizeof(*m->hdrs) + m->n + t->n_sent : 0;

        s->servers_size = s->servers_size - t->held + now;
        t->held = now;
}

/* It waits for its final answer no more. */
static void settled(struct sip_server_txn *t)
{
        sip_source_answered(t->source, t->open);
        t->source = NULL;
}

void sip_server_leave(struct sip_server_txn *t)
{
        struct sip_stack *s = t->rq.stack;
        struct sip_protected *port = t->port;

        if (!t->live)
                return;
        t->live = false;
        t->port = NULL;
        settled(t);
        sip_server_count(t);
        sip_server_unindex(s, t);
        list_unlink(&t->waiting);
        tmr_stop(s->loop, &t->retransmit);
        tmr_stop(s->loop, &t->end);
        s->n_servers--;
        sip_use_end(port, &t->rq.flow);
}

/* The owner may still hold the request. */
static void server_end(struct sip_server_txn *t)
{
        sip_server_leave(t);
        if (!t->refs)
                sip_server_free(t);
}

static void terminate(struct sip_server_txn *t)
{
        unsigned last = sip_server_is_invite(t) ? IST_ST_TERMINATED : NIST_ST_TERMINATED;

        if (fsm_move(t->fsm, &t->state, last) == 0)
                server_end(t);
}

/* Starts a timer; a transaction that cannot have its timer ends now. */
static bool start(struct sip_server_txn *t, struct tmr *timer, uint64_t ms, tmr_fn *fn)
{
        if (tmr_start(t->rq.stack->loop, timer, ms, fn, t) == 0)
                return true;
        log_error("a server transaction ends early: %s", ims_strerror(IMS_ENOMEM));
        return false;
}

static struct sip_server_txn *server_new(struct sip_stack *s, struct sip_msg *m, const struct sip_flow *flow)
{
        struct sip_server_txn *t = calloc(1, sizeof(*t));

        if (!t)
                return NULL;
        t->rq = (struct sip_request){.stack = s, .msg = sip_msg_ref(m), .flow = *flow};
        t->refs = 1;
        t->fsm = m->method == SIP_INVITE ? &sip_fsm_invite_server : &sip_fsm_server;
        sip_token(t->to_tag);
        list_append(&s->requests, &t->all);
        return t;
}

/* --- out ------------------------------------------------------------------------------------------ */

static bool reliable(const struct sip_server_txn *t)
{
        return t->rq.flow.transport != TRANSPORT_UDP;
}

/* The way back: the connection while it lives; what the owner says of a request to a protected port; rport,
 * else the port of sent-by; always the address it came from, which is what received says (RFC 3261 18.2.2,
 * RFC 3581 4). A TLS connection is opened again for nobody but the core. */
static struct sip_flow way_back(const struct sip_stack *s, const struct sip_msg *m, const struct sip_flow *in)
{
        struct sip_flow flow = *in;
        bool alive = flow.transport != TRANSPORT_UDP && sip_transport_alive(s, flow.conn_id);

        if (!alive && s->handlers.answer_flow && sip_protected_of(s, &in->local) &&
            s->handlers.answer_flow(in, &flow, s->arg))
                return flow;
        flow = *in;
        if (!alive && flow.transport == TRANSPORT_TLS && !sip_is_core(s, &in->remote))
                return flow; /* none is opened towards a UE */
        if (!(flow.transport == TRANSPORT_UDP ? m->via.has_rport : alive)) {
                uint16_t usual = flow.transport == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;

                addr_set_port(&flow.remote, m->via.port ? m->via.port : usual);
                flow.conn_id = 0;
        }
        return flow;
}

static struct sip_flow way_of(const struct sip_server_txn *t)
{
        if (t->answer_on.transport != TRANSPORT_ANY)
                return t->answer_on;
        return way_back(t->rq.stack, t->rq.msg, &t->rq.flow);
}

/* What came to a protected port is not answered from an open one. */
static int send_protected(struct sip_stack *s, bool protected, struct sip_flow *flow, struct span octets)
{
        if (protected && !sip_protected_of(s, &flow->local))
                return -IMS_ECLOSED;
        if (flow->transport == TRANSPORT_TLS && flow->conn_id && !sip_transport_alive(s, flow->conn_id))
                return -IMS_ECLOSED;
        return sip_transport_send(s, flow, NULL, octets, NULL, NULL);
}

void sip_request_answer_on(struct sip_request *rq, const struct sip_flow *flow)
{
        sip_server_of(rq)->answer_on = *flow;
}

static void send_back(struct sip_server_txn *t, struct span octets, const char *note)
{
        struct sip_stack *s = t->rq.stack;
        bool protected = t->port && t->answer_on.transport == TRANSPORT_ANY;
        struct sip_flow flow = way_of(t);
        char text[ADDR_STR];
        int err = send_protected(s, protected, &flow, octets);

        if (err && flow.conn_id) { /* it has just ended; now the address in Via counts */
                flow = way_of(t);
                err = send_protected(s, protected, &flow, octets);
        }
        if (err) {
                if (log_pace(&s->unsent, SIP_LINES_MAX, "responses that could not be sent"))
                        log_warn("a response to %s could not be sent: %s", addr_str(&flow.remote, text),
                                 ims_strerror(err));
                return;
        }
        if (note)
                s->stats.retransmitted++;
        sip_stack_trace(s, true, &flow, octets, NULL, note);
}

static void send_again(struct sip_server_txn *t)
{
        if (t->sent)
                send_back(t, span_make(t->sent, t->n_sent), "retransmission");
}

/* Keeps the octets for retransmissions. */
static void keep_sent(struct sip_server_txn *t, struct span octets)
{
        char *copy = malloc(octets.n);

        drop_sent(t);
        t->sent = copy;
        t->n_sent = copy ? octets.n : 0;
        if (copy)
                memcpy(copy, octets.p, octets.n);
        sip_server_count(t);
}

/* The To tag of what leaves no state behind: the same for each copy of the request. */
static void stateless_tag(const struct sip_msg *m, char out[static 17])
{
        struct text t = text_in(out, 17);

        text_hex64(&t, hash_span(m->via.branch));
}

void sip_server_refuse(struct sip_stack *s, const struct sip_msg *m, const struct sip_flow *flow,
                       const struct sip_reply_text *r)
{
        struct sip_flow back = way_back(s, m, flow);
        char tag[17];

        stateless_tag(m, tag);
        buf_reset(&s->scratch);
        sip_reply_write(s, m, tag, r, &s->scratch);
        if (!s->scratch.err &&
            send_protected(s, sip_protected_of(s, &flow->local), &back, buf_as_span(&s->scratch)) == 0)
                sip_stack_trace(s, true, &back, buf_as_span(&s->scratch), NULL, NULL);
}

/* --- INVITE --------------------------------------------------------------------------------------- */

static void invite_final(struct sip_server_txn *t, int status)
{
        struct sip_stack *s = t->rq.stack;
        bool success = status < 300;
        bool repeat = success ? t->own_2xx : !reliable(t);

        if (fsm_move(t->fsm, &t->state, success ? IST_ST_ACCEPTED : IST_ST_COMPLETED) != 0)
                return;
        t->retransmit_ms = s->conf.t1_ms;
        if (!start(t, &t->end, 64 * (uint64_t)s->conf.t1_ms, on_end) ||
            (repeat && !start(t, &t->retransmit, t->retransmit_ms, on_retransmit)))
                terminate(t);
        else if (!success)
                list_append(&s->answered, &t->waiting);
}

static void on_retransmit(struct tmr *timer, void *arg)
{
        struct sip_server_txn *t = arg;
        uint32_t t2_ms = t->rq.stack->conf.t2_ms;

        if (!fsm_allowed(t->fsm, t->state, ST_EV_RETRANSMIT))
                return;
        t->retransmit_ms = t->retransmit_ms * 2 < t2_ms ? t->retransmit_ms * 2 : t2_ms;
        if (!start(t, timer, t->retransmit_ms, on_retransmit)) {
                terminate(t);
                return;
        }
        send_again(t);
}

/* ACK for a refusal: Confirmed, for as long as copies of it may come. */
static void invite_confirmed(struct sip_server_txn *t)
{
        struct sip_stack *s = t->rq.stack;

        if (fsm_move(t->fsm, &t->state, IST_ST_CONFIRMED) != 0)
                return;
        tmr_stop(s->loop, &t->retransmit);
        if (reliable(t) || !start(t, &t->end, s->conf.t4_ms, on_end))
                terminate(t);
}

/* --- both ----------------------------------------------------------------------------------------- */

static void send_trying(struct sip_server_txn *t)
{
        struct sip_stack *s = t->rq.stack;
        struct sip_reply_text r = {.status = 100};

        buf_reset(&s->scratch);
        sip_reply_write(s, t->rq.msg, t->to_tag, &r, &s->scratch);
        if (!s->scratch.err)
                sip_server_answer(t, 100, buf_as_span(&s->scratch), true);
}

static void on_end(struct tmr *timer, void *arg)
{
        struct sip_server_txn *t = arg;

        (void)timer;
        if (!fsm_allowed(t->fsm, t->state, ST_EV_TIMEOUT))
                return;
        if (sip_server_is_invite(t) && t->state == IST_ST_PROCEEDING) {
                send_trying(t);
                return;
        }
        if (sip_server_is_invite(t) && tmr_running(&t->retransmit))
                log_notice("no ACK came for the %d to an INVITE, Call-ID " SPAN_FMT, t->status,
                           SPAN_ARG(t->rq.msg->call_id));
        terminate(t);
}

static void other_final(struct sip_server_txn *t)
{
        struct sip_stack *s = t->rq.stack;

        if (fsm_move(t->fsm, &t->state, NIST_ST_COMPLETED) != 0)
                return;
        if (reliable(t) || !start(t, &t->end, 64 * (uint64_t)s->conf.t1_ms, on_end))
                terminate(t);
        else
                list_append(&s->answered, &t->waiting);
}

void sip_server_answer(struct sip_server_txn *t, int status, struct span octets, bool own)
{
        enum sip_st_event ev = status < 200   ? ST_EV_PROVISIONAL
                               : status < 300 ? ST_EV_SUCCESS
                                              : ST_EV_FAILURE;
        bool invite = sip_server_is_invite(t);

        if (!t->live || !fsm_allowed(t->fsm, t->state, ev))
                return;
        t->status = status;
        t->own_2xx = own && invite && ev == ST_EV_SUCCESS;
        t->answered = status >= 200;
        if (t->answered)
                settled(t);
        tmr_stop(t->rq.stack->loop, &t->end); /* of the 100 */
        if (!reliable(t) || t->own_2xx)
                keep_sent(t, octets);
        send_back(t, octets, NULL);
        if (status >= 200 && invite)
                invite_final(t, status);
        else if (status >= 200)
                other_final(t);
        else if (!invite && t->state == NIST_ST_TRYING)
                (void)!fsm_move(t->fsm, &t->state, NIST_ST_PROCEEDING);
}

void sip_server_repeat(struct sip_server_txn *t, struct span octets)
{
        if (t->live && fsm_allowed(t->fsm, t->state, ST_EV_SUCCESS))
                send_back(t, octets, "retransmission");
}

/* --- in ------------------------------------------------------------------------------------------- */

/* Answers a new request that does not reach the node. Gives up the reference. */
static void refuse(struct sip_server_txn *t, int status, const char *reason)
{
        sip_reply(&t->rq, status, reason, NULL, 0);
}

/* Makes room, at a limit, at the price of the oldest that were answered: a repeated request is then a new
 * one, and a refused INVITE may stay without its ACK. */
static bool make_room(struct sip_stack *s)
{
        while (s->n_servers >= s->conf.max_transactions || s->servers_size >= s->conf.transactions_size) {
                if (list_empty(&s->answered))
                        return false;
                terminate(container_of(s->answered.next, struct sip_server_txn, waiting));
        }
        return true;
}

struct span sip_retry_after(char out[static 12])
{
        struct text t = text_in(out, 12);

        text_u32(&t, (sip_timer_ms(IMS_TIMER_SIP_RETRY_AFTER) + 999) / 1000);
        return span_make(out, t.n);
}

static void refuse_overload(struct sip_stack *s, const struct sip_msg *m, const struct sip_flow *flow)
{
        char seconds[12];
        struct sip_field retry = {SIP_HDR_RETRY_AFTER, SPAN_NULL};
        struct sip_reply_text r = {.status = 503, .add = &retry, .n_add = 1};

        retry.value = sip_retry_after(seconds);
        sip_server_refuse(s, m, flow, &r);
}

/* Makes the transaction of a new request; NULL when it was answered or dropped here. */
static struct sip_server_txn *server_begin(struct sip_stack *s, struct sip_msg *m,
                                           const struct sip_flow *flow, const struct sip_server_key *key)
{
        struct sip_server_txn *t;

        if (!sip_source_may_ask(s, &flow->remote) || !make_room(s)) {
                refuse_overload(s, m, flow);
                return NULL;
        }
        t = server_new(s, m, flow);
        if (!t || sip_server_index(s, t, key) != 0) {
                if (t)
                        sip_server_free(t);
                refuse_overload(s, m, flow);
                return NULL;
        }
        t->live = true;
        s->n_servers++;
        sip_server_count(t);
        t->open = t->held;
        t->source = sip_source_asks(s, &flow->remote, t->open);
        t->port = sip_use_begin(s, flow);
        return t;
}

static void receive_new(struct sip_stack *s, struct sip_msg *m, const struct sip_flow *flow,
                        const struct sip_server_key *key)
{
        const struct sip_server_txn *other = sip_server_find_call(s, m, m->method);
        bool merged = other && sip_server_merged(s, m, other);
        struct sip_server_txn *t = server_begin(s, m, flow, key);

        if (!t)
                return;
        if (m->fault) {
                if (s->handlers.on_fault)
                        s->handlers.on_fault(m, s->arg);
                else
                        log_info("refused with %d: %s", m->fault_status, m->fault);
                refuse(t, m->fault_status, m->fault);
        } else if (merged) {
                refuse(t, 482, NULL);
        } else if (m->method == SIP_INVITE && !start(t, &t->end, sip_timer_ms(IMS_TIMER_TRYING), on_end)) {
                refuse(t, 500, NULL);
        } else {
                s->handlers.on_request(&t->rq, s->arg);
        }
}

/* The transaction a CANCEL means: that of an INVITE, or of any other method, where it has no effect. */
static struct sip_server_txn *find_canceled(struct sip_stack *s, const struct sip_msg *m)
{
        for (int method = SIP_INVITE; method <= SIP_METHOD_OTHER; method++) {
                struct sip_server_key key = sip_server_key(m, (enum sip_method)method);
                struct sip_server_txn *t =
                        method == SIP_ACK || method == SIP_CANCEL || method == SIP_METHOD_OTHER
                                ? NULL
                                : sip_server_find(s, &key);

                if (t)
                        return t;
        }
        struct sip_server_key key = sip_server_key(m, SIP_REGISTER);

        return sip_server_find(s, &key);
}

/* A CANCEL comes the way its request came (RFC 3261 9.1): from that address, of a protected port at one, of
 * TLS over that connection while it lives. The branch alone proves nothing: everybody behind us knows it. */
static bool same_way(const struct sip_stack *s, const struct sip_flow *request, const struct sip_flow *cancel)
{
        if (!addr_ip_eq(&request->remote, &cancel->remote) ||
            !sip_protected_of(s, &request->local) != !sip_protected_of(s, &cancel->local))
                return false;
        return request->transport != TRANSPORT_TLS ||
               (cancel->transport == TRANSPORT_TLS &&
                (cancel->conn_id == request->conn_id || !sip_flow_alive(s, request)));
}

static void receive_cancel(struct sip_stack *s, struct sip_msg *m, const struct sip_flow *flow,
                           const struct sip_server_key *key)
{
        static const struct sip_reply_text elsewhere = {.status = 481};
        struct sip_server_txn *t, *target = m->fault ? NULL : find_canceled(s, m);

        if (target &&
            !same_way(s, &target->rq.flow, flow)) { /* leaves nothing that the right one could meet */
                sip_server_refuse(s, m, flow, &elsewhere);
                return;
        }
        t = server_begin(s, m, flow, key);
        if (!t)
                return;
        if (m->fault) {
                refuse(t, m->fault_status, m->fault);
                return;
        }
        target = find_canceled(s, m); /* room may have been made at its cost */
        if (!target) {
                refuse(t, 481, NULL);
                return;
        }
        memcpy(t->to_tag, target->to_tag, sizeof(t->to_tag));
        refuse(t, 200, NULL);
        if (!sip_server_is_invite(target) || target->answered || !s->handlers.on_cancel)
                return;
        target->refs++;
        s->handlers.on_cancel(&target->rq, s->arg);
        sip_request_unref(&target->rq);
}

/* The INVITE whose 2xx this ACK confirms need not be sent again. */
static void stop_2xx(struct sip_stack *s, const struct sip_msg *ack)
{
        struct sip_server_txn *t = sip_server_find_call(s, ack, SIP_INVITE);
        struct span tag;

        if (!t || t->state != IST_ST_ACCEPTED)
                return;
        tag = t->rq.msg->to_tag.n ? t->rq.msg->to_tag : span_of(t->to_tag);
        if (span_eq(tag, ack->to_tag))
                tmr_stop(s->loop, &t->retransmit);
}

/* An ACK that closes no transaction: for a 2xx, or for what sip_server_refuse sent. */
static void receive_ack(struct sip_stack *s, struct sip_msg *m, const struct sip_flow *flow)
{
        struct sip_server_txn *t;
        char tag[17];

        stateless_tag(m, tag);
        if (m->fault || span_eq(m->to_tag, span_of(tag)))
                return;
        stop_2xx(s, m);
        t = server_new(s, m, flow);
        if (t)
                s->handlers.on_request(&t->rq, s->arg);
}

static void receive_again(struct sip_server_txn *t, struct sip_msg *m, const struct sip_flow *flow)
{
        bool ack = m->method == SIP_ACK;

        if (!fsm_allowed(t->fsm, t->state, ack ? ST_EV_ACK : ST_EV_REQUEST))
                return;
        if (ack && t->state == IST_ST_COMPLETED)
                invite_confirmed(t);
        else if (ack && t->state == IST_ST_ACCEPTED)
                receive_ack(t->rq.stack, m, flow); /* a peer that uses the branch of the INVITE */
        else if (!ack &&
                 !(sip_server_is_invite(t) && (t->state == IST_ST_CONFIRMED || t->state == IST_ST_ACCEPTED)))
                send_again(t);
}

void sip_server_receive(struct sip_stack *s, struct sip_msg *m, struct span octets,
                        const struct sip_flow *flow)
{
        enum sip_method method = m->method == SIP_ACK ? SIP_INVITE : m->method;
        struct sip_server_key key = sip_server_key(m, method);
        struct sip_server_txn *t = sip_server_find(s, &key);

        sip_stack_trace(s, false, flow, octets, m, t && m->method != SIP_ACK ? "retransmission" : NULL);
        if (t)
                receive_again(t, m, flow);
        else if (m->method == SIP_ACK)
                receive_ack(s, m, flow);
        else if (m->method == SIP_CANCEL)
                receive_cancel(s, m, flow, &key);
        else
                receive_new(s, m, flow, &key);
}

void sip_servers_end(struct sip_stack *s)
{
        list_for_each_safe(pos, tmp, &s->requests)
        {
                struct sip_server_txn *t = container_of(pos, struct sip_server_txn, all);

                list_unlink(&t->all);
                sip_server_leave(t);
                t->rq.stack = NULL;
                if (!t->refs)
                        sip_server_free(t);
        }
}
