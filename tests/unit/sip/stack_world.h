/* SPDX-License-Identifier: BSD-3-Clause
 * A small world for tests of the SIP stack: stacks on loopback, ports by the kernel, one loop; a raw UDP
 * socket and a raw TCP connection as peers that say exactly what a test wants. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/net/tcp.h"
#include "common/net/udp.h"
#include "common/sip/forward.h"

#define WORLD_TICK_MS        4
#define WORLD_PATIENCE_TICKS 5000

struct world {
        struct loop *loop;
        struct resolver *resolver;
        struct tmr tick;
        unsigned ticks;
};

/* A node: counts what happens; answers by itself when answer is set, else keeps the request in held. */
struct node {
        struct world *w;
        struct sip_stack *s;
        struct addr udp, tcp;
        struct sip_stack_handlers h;
        bool peers_are_core;
        int answer;                         /* a status; 0: hold; -1: drop without an answer; -2: forward */
        struct sip_request *held, *ringing; /* ringing: answered with 1xx */
        unsigned requests, acks, cancels, strays, again_in, again_out, malformed, sent, received;
        char last[8192]; /* the last message received, as the node sees it */
        char last_out[8192];
        char log[2048]; /* "<REGISTER >200 " ... in order */
        char last_note[80];
        struct sip_flow last_flow;
        struct sip_forward forward;
};

static inline void world_keep(char *to, size_t size, struct span s)
{
        size_t n = s.n < size ? s.n : size - 1;

        if (n)
                memcpy(to, s.p, n);
        to[n] = '\0';
}

static inline void node_log(struct node *n, bool out, const struct sip_msg *m, const char *note)
{
        size_t at = strlen(n->log);

        if (!m)
                return;
        (void)snprintf(n->log + at, sizeof(n->log) - at, "%c", out ? '>' : '<');
        at = strlen(n->log);
        if (m->is_request)
                (void)snprintf(n->log + at, sizeof(n->log) - at, SPAN_FMT, SPAN_ARG(m->method_name));
        else
                (void)snprintf(n->log + at, sizeof(n->log) - at, "%d", m->status);
        at = strlen(n->log);
        (void)snprintf(n->log + at, sizeof(n->log) - at, "%s ", note ? "*" : "");
}

static inline void node_on_trace(const struct sip_trace_info *t, void *arg)
{
        struct node *n = arg;
        struct sip_msg *sent = NULL;
        size_t used;

        /* What is sent is well formed, but for what the refusal of a malformed request has to repeat. */
        if (t->outbound && sip_msg_parse(t->octets, SIP_DATAGRAM, &sent, &used) != 0 &&
            !span_istarts(t->octets, SPAN("SIP/2.0 4")) && !span_istarts(t->octets, SPAN("SIP/2.0 5")))
                fail_msg("sent: %.*s", (int)t->octets.n, t->octets.p);
        if (t->outbound) {
                n->sent++;
                world_keep(n->last_out, sizeof(n->last_out), t->octets);
        } else {
                n->received++;
                n->last_flow = *t->flow;
                world_keep(n->last, sizeof(n->last), /* as the owner of the request sees it */
                           t->msg ? span_make(t->msg->buf, t->msg->n) : t->octets);
        }
        if (t->note)
                world_keep(n->last_note, sizeof(n->last_note), span_of(t->note));
        if (t->note && strcmp(t->note, "retransmission") == 0)
                (*(t->outbound ? &n->again_out : &n->again_in))++;
        if (t->note && strncmp(t->note, "malformed: ", 11) == 0)
                n->malformed++;
        node_log(n, t->outbound, t->outbound ? sent : t->msg, t->note);
        sip_msg_unref(sent);
}

static inline void node_on_request(struct sip_request *rq, void *arg)
{
        struct node *n = arg;

        if (rq->msg->method == SIP_ACK) {
                n->acks++;
                if (n->answer == -2) {
                        struct sip_edit e;

                        sip_edit_init(&e, rq->msg);
                        sip_forward_stateless(rq, &e, &n->forward.target);
                        sip_edit_free(&e);
                        return;
                }
                sip_request_unref(rq);
                return;
        }
        n->requests++;
        if (n->answer > 0) {
                if (n->answer < 200) {
                        assert_null(n->ringing);
                        n->ringing = rq;
                }
                sip_reply(rq, n->answer, NULL, NULL, 0);
        } else if (n->answer == -1) {
                sip_request_unref(rq);
        } else if (n->answer == -2) {
                struct sip_edit e;

                sip_edit_init(&e, rq->msg);
                sip_forward(rq, &e, &n->forward);
                sip_edit_free(&e);
        } else {
                assert_null(n->held);
                n->held = rq;
        }
}

static inline void node_on_cancel(struct sip_request *rq, void *arg)
{
        struct node *n = arg;

        n->cancels++;
        if (n->answer == -2) {
                sip_forward_cancel(rq);
        } else if (n->held == rq || n->ringing == rq) {
                *(n->held == rq ? &n->held : &n->ringing) = NULL;
                sip_reply(rq, 487, NULL, NULL, 0);
        }
}

static inline void node_on_stray(struct sip_msg *resp, const struct sip_flow *flow, void *arg)
{
        struct node *n = arg;

        (void)resp, (void)flow;
        n->strays++;
}

static inline bool node_is_core(const struct addr *remote, void *arg)
{
        (void)remote;
        return ((const struct node *)arg)->peers_are_core;
}

/* conf may be NULL; T1 is 20 ms, T2 80 ms, T4 100 ms where it does not say. more: of the handlers that a node
 * has not, those of protected ports, or NULL. */
static inline void node_start_with(struct node *n, struct world *w, const struct sip_stack_conf *conf,
                                   const struct sip_stack_handlers *more)
{
        struct sip_stack_conf c = conf ? *conf : (struct sip_stack_conf){0};
        int err = -IMS_EADDRINUSE;
        struct addr any;

        *n = (struct node){.w = w, .answer = 200};
        n->h = (struct sip_stack_handlers){.on_request = node_on_request,
                                           .on_cancel = node_on_cancel,
                                           .on_stray_response = node_on_stray,
                                           .is_core = node_is_core,
                                           .on_trace = node_on_trace};
        if (more) {
                n->h.hears = more->hears;
                n->h.admit = more->admit;
                n->h.answer_from = more->answer_from;
                n->h.bars = more->bars;
                n->h.answer_flow = more->answer_flow;
                n->h.on_use = more->on_use;
                n->h.on_flow_end = more->on_flow_end;
                n->h.on_tls_session = more->on_tls_session;
        }
        c.t1_ms = c.t1_ms ? c.t1_ms : 20;
        c.t2_ms = c.t2_ms ? c.t2_ms : 80;
        c.t4_ms = c.t4_ms ? c.t4_ms : 100;
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        for (int tries = 0; err == -IMS_EADDRINUSE && tries < 20; tries++) { /* free for UDP, taken for TCP */
                sip_stack_free(n->s);
                assert_int_equal(sip_stack_new(w->loop, w->resolver, &c, &n->h, n, &n->s), 0);
                assert_int_equal(sip_stack_listen(n->s, TRANSPORT_UDP, &any, &n->udp), 0);
                err = sip_stack_listen(n->s, TRANSPORT_TCP, &n->udp, &n->tcp);
        }
        assert_int_equal(err, 0);
}

static inline void node_start(struct node *n, struct world *w, const struct sip_stack_conf *conf)
{
        node_start_with(n, w, conf, NULL);
}

static inline void node_stop(struct node *n)
{
        sip_stack_free(n->s);
        sip_request_unref(n->held);
        sip_request_unref(n->ringing);
        n->held = n->ringing = NULL;
        n->s = NULL;
}

static inline struct sip_request *node_take(struct node *n)
{
        struct sip_request *rq = n->held;

        n->held = NULL;
        return rq;
}

static inline void world_start(struct world *w, char *const *hosts, size_t n_hosts)
{
        size_t bad;

        *w = (struct world){0};
        log_init("test", LOG_ERROR);
        assert_int_equal(loop_new(&w->loop), 0);
        assert_int_equal(resolver_new(w->loop, hosts, n_hosts, NULL, 0, &w->resolver, &bad), 0);
}

static inline void world_stop(struct world *w)
{
        tmr_stop(w->loop, &w->tick);
        resolver_free(w->resolver);
        loop_run(w->loop); /* lets handles close */
        loop_free(w->loop);
}

/* Ticks, because libuv looks at its timers first and then sleeps: what a timer did is seen one tick later. */
static inline void world_tick(struct tmr *t, void *arg)
{
        struct world *w = arg;

        w->ticks++;
        assert_int_equal(tmr_start(w->loop, t, WORLD_TICK_MS, world_tick, w), 0);
}

/* Runs the loop until the condition holds; the test fails when it never does. */
#define WAIT_FOR(w, condition)                                                                               \
        do {                                                                                                 \
                (w)->ticks = 0;                                                                              \
                world_tick(&(w)->tick, (w));                                                                 \
                while (!(condition) && (w)->ticks < WORLD_PATIENCE_TICKS)                                    \
                        loop_once((w)->loop);                                                                \
                tmr_stop((w)->loop, &(w)->tick);                                                             \
                if (!(condition))                                                                            \
                        fail_msg("never happened: %s", #condition);                                          \
        } while (0)

static inline void world_tick_over(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

/* Lets some time of the loop go by, for things that must not happen. */
static inline void world_pass(struct world *w, uint64_t ms)
{
        bool over = false;
        struct tmr t = {0};

        assert_int_equal(tmr_start(w->loop, &t, ms, world_tick_over, &over), 0);
        while (!over)
                loop_once(w->loop);
}

/* --- requests ------------------------------------------------------------------------------------- */

struct call {
        struct sip_client *c;
        unsigned provisional, reports;
        bool done;
        int err, status;
        char text[8192];
};

static inline void call_on_response(struct sip_client *c, int err, struct sip_msg *resp, void *arg)
{
        struct call *call = arg;

        (void)c;
        if (!err && resp->status < 200) {
                call->provisional++;
                return;
        }
        call->reports++;
        call->done = true;
        call->err = err;
        call->status = resp ? resp->status : 0;
        if (resp)
                world_keep(call->text, sizeof(call->text), span_make(resp->buf, resp->n));
}

static unsigned world_serial;

/* A request of that method with a body of pad octets. */
static inline struct sip_msg *world_request(const char *method, size_t pad)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m;

        world_serial++;
        buf_printf(&b,
                   "%s sip:bob@example.net SIP/2.0\r\nMax-Forwards: 70\r\n"
                   "From: <sip:alice@example.net>;tag=a%u\r\nTo: <sip:bob@example.net>\r\n"
                   "Call-ID: call-%u\r\nCSeq: 7 %s\r\nContent-Length: %zu\r\n\r\n",
                   method, world_serial, world_serial, method, pad);
        for (size_t i = 0; i < pad; i++)
                buf_char(&b, 'x');
        assert_int_equal(b.err, 0);
        assert_int_equal(sip_msg_parse_own(buf_as_span(&b), &m), 0);
        buf_free(&b);
        return m;
}

static inline int call_try(struct call *call, struct node *n, const char *method, size_t pad,
                           const struct sip_target *target)
{
        struct sip_msg *m = world_request(method, pad);
        struct sip_edit e;
        int err;

        *call = (struct call){0};
        sip_edit_init(&e, m);
        err = sip_send(n->s, &e, target, call_on_response, call, &call->c);
        sip_edit_free(&e);
        sip_msg_unref(m);
        return err;
}

static inline void call_start(struct call *call, struct node *n, const char *method, size_t pad,
                              const struct sip_target *target)
{
        assert_int_equal(call_try(call, n, method, pad, target), 0);
        assert_int_equal(call->reports, 0);
}

/* "sip:127.0.0.1:PORT;transport=tcp" in buf. */
static inline struct sip_target target_to(const struct addr *a, const char *transport, char text[static 128])
{
        char name[ADDR_STR];

        (void)snprintf(text, 128, "sip:%s%s%s", addr_str(a, name), transport ? ";transport=" : "",
                       transport ? transport : "");
        return (struct sip_target){.uri = span_of(text)};
}

/* --- a raw UDP peer ------------------------------------------------------------------------------- */

#define RAW_KEPT 64

struct raw {
        struct udp *u;
        struct addr addr, from;
        char *got[RAW_KEPT];
        unsigned n;
};

static inline void raw_on_data(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct raw *r = arg;

        (void)u;
        r->from = *from;
        assert_true(r->n < RAW_KEPT);
        r->got[r->n++] = span_dup(data);
}

static inline void raw_start(struct raw *r, struct world *w)
{
        struct addr any;

        *r = (struct raw){0};
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(udp_open(w->loop, &any, raw_on_data, r, &r->u), 0);
        r->addr = *udp_local(r->u);
}

static inline void raw_stop(struct raw *r)
{
        udp_close(r->u);
        for (unsigned i = 0; i < r->n; i++)
                free(r->got[i]);
}

static inline void raw_send(struct raw *r, const struct addr *to, const char *text)
{
        assert_int_equal(udp_send(r->u, to, span_of(text)), 0);
}

/* Answers what came with number i: every header a response copies, then more. */
static inline void raw_answer(struct raw *r, unsigned i, const char *status_line, const char *more)
{
        static const char *const copied[] = {"Via:", "From:", "Call-ID:", "CSeq:"};
        struct buf b = BUF_INIT;
        struct span rest = span_of(r->got[i]), line;

        buf_printf(&b, "SIP/2.0 %s\r\n", status_line);
        while (span_split(&rest, '\n', &line)) {
                for (size_t k = 0; k < sizeof(copied) / sizeof(copied[0]); k++)
                        if (span_istarts(line, span_of(copied[k])))
                                buf_printf(&b, SPAN_FMT "\n", SPAN_ARG(line));
                if (span_istarts(line, SPAN("To:")))
                        buf_printf(&b, SPAN_FMT "%s\r\n", SPAN_ARG(span_trim(line)),
                                   span_find(line, SPAN("tag=")) < 0 ? ";tag=raw" : "");
        }
        buf_printf(&b, "%sContent-Length: 0\r\n\r\n", more);
        assert_int_equal(b.err, 0);
        assert_int_equal(udp_send(r->u, &r->from, buf_as_span(&b)), 0);
        buf_free(&b);
}

/* --- a raw TCP peer ------------------------------------------------------------------------------- */

struct wire {
        struct tcp_conn *c;
        struct buf in;
        bool up, closed;
};

static inline void wire_on_connect(struct tcp_conn *c, void *arg)
{
        (void)c;
        ((struct wire *)arg)->up = true;
}
static inline void wire_on_data(struct tcp_conn *c, struct span data, void *arg)
{
        (void)c;
        buf_span(&((struct wire *)arg)->in, data);
}
static inline void wire_on_close(struct tcp_conn *c, int reason, void *arg)
{
        (void)c, (void)reason;
        ((struct wire *)arg)->closed = true;
}

static const struct tcp_handlers wire_handlers = {wire_on_connect, wire_on_data, wire_on_close};

static inline void wire_open(struct wire *v, struct world *w, const struct addr *to)
{
        *v = (struct wire){0};
        assert_int_equal(tcp_connect(w->loop, NULL, to, 2000, &wire_handlers, v, &v->c), 0);
        WAIT_FOR(w, v->up || v->closed);
        assert_true(v->up);
}

static inline void wire_send(struct wire *v, struct span s)
{
        assert_int_equal(tcp_send(v->c, s), 0);
}

static inline bool wire_has(const struct wire *v, const char *text)
{
        return span_find(buf_as_span(&v->in), span_of(text)) >= 0;
}

static inline void wire_close(struct wire *v, struct world *w)
{
        if (!v->closed)
                tcp_close(v->c, false);
        WAIT_FOR(w, v->closed);
        buf_free(&v->in);
}
