/* SPDX-License-Identifier: BSD-3-Clause
 * One node of ours and peers made of octets: election, watchdog, fail-over with the T flag, refusals that go
 * elsewhere, reconnection, orderly end (RFC 6733 5.4, 5.5, 5.6; RFC 3539). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/diameter/raw.h"

struct ctx {
        struct loop *loop;
        struct dia_node *node;
        struct raw_listener a, b; /* two HSSs */
        int up, traced;
        size_t n_answers;
        int err[8];
        struct dia_result result[8];
        bool stopped;
};

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct ctx *t = arg;

        (void)identity;
        assert_true(why[0]);
        t->up += up ? 1 : -1;
        loop_stop(t->loop);
}

static void on_trace(const struct dia_trace_info *info, void *arg)
{
        struct ctx *t = arg;

        assert_true(info->octets.n >= DIA_HEADER);
        assert_non_null(info->peer);
        t->traced++;
}

static void on_uaa(int err, const struct cx_uaa *m, void *arg)
{
        struct ctx *t = arg;

        assert_true(t->n_answers < 8);
        t->err[t->n_answers] = err;
        t->result[t->n_answers++] = m ? m->h.result : dia_base(0);
        assert_true(!err == !!m);
        loop_stop(t->loop);
}

static void on_stopped(void *arg)
{
        struct ctx *t = arg;

        t->stopped = true;
        loop_stop(t->loop);
}

/* A client node that knows both listeners; which: how many of them it is told. */
static struct ctx *start(const char *identity, size_t n_peers, const struct dia_node_conf *more)
{
        static struct ctx t;
        struct dia_handlers h = {.on_peer = on_peer, .on_trace = on_trace};
        struct dia_peer_conf peers[2] = {{.identity = "a.example.org", .priority = 1},
                                         {.identity = "b.example.org", .priority = 2}};
        struct dia_node_conf conf = *more;
        struct addr any;

        t = (struct ctx){0};
        assert_int_equal(loop_new(&t.loop), 0);
        peers[0].addr = raw_listen(&t.a, t.loop);
        peers[1].addr = raw_listen(&t.b, t.loop);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        conf.identity = identity;
        conf.realm = "example.org";
        conf.listen = &any;
        conf.n_listen = 1;
        conf.peers = peers;
        conf.n_peers = n_peers;
        if (!conf.tc_ms)
                conf.tc_ms = 10;
        assert_int_equal(dia_node_new(t.loop, &conf, &h, &t, &t.node), 0);
        return &t;
}

static void end(struct ctx *t)
{
        dia_node_free(t->node);
        raw_listener_free(&t->a);
        raw_listener_free(&t->b);
        loop_free(t->loop);
}

/* The i-th connection the listener got, with its CER read and answered. */
static struct raw *serve(struct raw_listener *s, size_t i, const char *identity)
{
        while (s->n <= i)
                loop_run(s->loop);
        raw_cea(&s->raws[i], raw_next(&s->raws[i]), identity);
        return &s->raws[i];
}

static void wait_up(struct ctx *t, int n)
{
        while (t->up != n)
                loop_run(t->loop);
}

static int send_to(struct ctx *t, const char *host, bool preferred, struct dia_txn **out)
{
        struct cx_uar m = {.h = {.destination_host = span_of(host), .host_preferred = preferred},
                           .impi = SPAN("u@example.org"),
                           .impu = SPAN("sip:u@example.org"),
                           .visited_network = SPAN("v")};

        return cx_send_uar(t->node, &m, 0, on_uaa, t, out);
}

static int send_uar(struct ctx *t, const char *host, struct dia_txn **out)
{
        return send_to(t, host, false, out);
}

static void wait_answers(struct ctx *t, size_t n)
{
        while (t->n_answers < n)
                loop_run(t->loop);
}

/* Answers a UAR; result 0: an answer without one. */
static void answer(struct raw *r, struct span uar, uint32_t result)
{
        struct dia_header h = dia_header_get(uar.p);
        struct cx_uaa m = {.h = {.result = dia_base(result),
                                 .session_id = SPAN("x;1;2"),
                                 .origin_host = SPAN("raw.example.org"),
                                 .origin_realm = SPAN("example.org")}};
        struct buf b = BUF_INIT;

        h.flags = CMD_FLAG_PROXIABLE | (result / 1000 == 3 ? CMD_FLAG_ERROR : 0);
        dia_put_header(&b, &h);
        cx_encode(CX_MSG_uaa, &m, &(struct cx_env){0}, &b);
        raw_put(r, &b);
}

static void test_nobody_there(void **state)
{
        struct ctx *t = start("me.example.org", 0, &(struct dia_node_conf){0});

        (void)state;
        assert_int_equal(send_uar(t, NULL, NULL), -IMS_EUNREACH);
        assert_int_equal(t->n_answers, 0);
        end(t);
}

static void test_lowest_priority_first(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        struct span m;

        (void)state;
        wait_up(t, 2);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        m = raw_next(a);
        assert_int_equal(dia_header_get(m.p).code, 300);
        assert_int_equal(dia_header_get(m.p).flags, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE);
        answer(a, m, DIA_SUCCESS);
        wait_answers(t, 1);
        assert_int_equal(t->err[0], 0);
        assert_int_equal(send_uar(t, "b.example.org", NULL), 0); /* by host */
        answer(b, raw_next(b), DIA_AUTHORIZATION_REJECTED);
        wait_answers(t, 2);
        assert_true(dia_result_is(t->result[1], dia_base(DIA_AUTHORIZATION_REJECTED)));
        assert_int_equal(send_uar(t, "c.example.org", NULL),
                         -IMS_EUNREACH); /* a host nobody knows, no relay */
        assert_true(t->traced >= 8);
        end(t);
}

/* Three requests in a row: priority 1 gets them all, and equal priorities share. */
static void test_turns(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");

        (void)state;
        wait_up(t, 2);
        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(send_uar(t, NULL, NULL), 0);
                answer(a, raw_next(a), DIA_SUCCESS);
                wait_answers(t, i + 1);
        }
        assert_int_equal(b->n_got, b->n_read);
        dia_peer_find(t->node, SPAN("b.example.org"))->priority = 1;
        for (size_t i = 3; i < 7; i++)
                assert_int_equal(send_uar(t, NULL, NULL), 0);
        for (size_t i = 0; i < 2; i++) {
                answer(a, raw_next(a), DIA_SUCCESS);
                answer(b, raw_next(b), DIA_SUCCESS);
        }
        wait_answers(t, 7);
        end(t);
}

/* A relay of better priority goes before the server; a host that is no peer is reached through it alone. */
static void test_relay(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");

        (void)state;
        wait_up(t, 2);
        dia_peer_find(t->node, SPAN("a.example.org"))->relay = true;
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        answer(a, raw_next(a), DIA_SUCCESS);
        assert_int_equal(send_uar(t, "b.example.org", NULL), 0);
        answer(b, raw_next(b), DIA_SUCCESS);
        wait_answers(t, 2);
        dia_peer_find(t->node, SPAN("a.example.org"))->priority = 2;
        for (size_t i = 0; i < 3; i++) { /* no turns: a server before a relay */
                assert_int_equal(send_uar(t, NULL, NULL), 0);
                answer(b, raw_next(b), DIA_SUCCESS);
                wait_answers(t, 3 + i);
        }
        assert_int_equal(send_uar(t, "c.example.org", NULL), 0);
        answer(a, raw_next(a), DIA_UNABLE_TO_DELIVER); /* and nobody else can */
        wait_answers(t, 6);
        assert_true(dia_result_is(t->result[5], dia_base(DIA_UNABLE_TO_DELIVER)));
        end(t);
}

/* An answer under the right hop-by-hop but another end-to-end identifier or command is not ours. */
static void test_answer_of_another(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org");
        struct buf copy = BUF_INIT;
        struct span m;

        (void)state;
        wait_up(t, 1);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        m = raw_next(a);
        buf_span(&copy, m);
        copy.p[19] ^= 1; /* end-to-end */
        answer(a, buf_as_span(&copy), DIA_AUTHORIZATION_REJECTED);
        copy.p[19] ^= 1;
        copy.p[7] ^= 1; /* command */
        answer(a, buf_as_span(&copy), DIA_AUTHORIZATION_REJECTED);
        answer(a, m, DIA_SUCCESS);
        wait_answers(t, 1);
        assert_true(dia_result_is(t->result[0], dia_base(DIA_SUCCESS)));
        buf_free(&copy);
        end(t);
}

static void test_failover(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){.tc_ms = 60000});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        struct dia_header first, again;
        struct span m;

        (void)state;
        wait_up(t, 2);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(send_uar(t, "a.example.org", NULL), 0); /* cannot move */
        first = dia_header_get(raw_next(a).p);
        (void)raw_next(a);
        tcp_close(a->tcp, false);
        m = raw_next(b);
        again = dia_header_get(m.p);
        assert_int_equal(again.flags, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE | CMD_FLAG_RETRANSMIT);
        assert_int_equal(again.end, first.end);
        assert_int_not_equal(again.hop, first.hop);
        answer(b, m, DIA_SUCCESS);
        wait_answers(t, 2);
        assert_int_equal(t->err[0], -IMS_EUNREACH);
        assert_int_equal(t->err[1], 0);
        end(t);
}

/* The connection has ended, its on_close is still to come: the next request goes to the other peer. */
static void test_ending_connection(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){.tc_ms = 60000});
        struct raw *b;

        (void)state;
        (void)serve(&t->a, 0, "a.example.org");
        b = serve(&t->b, 0, "b.example.org");
        wait_up(t, 2);
        tcp_close(dia_peer_find(t->node, SPAN("a.example.org"))->c->tcp, false);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(send_uar(t, "a.example.org", NULL), -IMS_EUNREACH);
        answer(b, raw_next(b), DIA_SUCCESS);
        wait_answers(t, 1);
        assert_int_equal(t->err[0], 0);
        end(t);
}

static void test_last_one_lost(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *again;
        struct dia_txn *gone = NULL;

        (void)state;
        wait_up(t, 1);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(send_uar(t, NULL, &gone), 0);
        (void)raw_next(a);
        dia_txn_cancel(gone);
        tcp_close(a->tcp, false);
        wait_answers(t, 1);
        assert_int_equal(t->err[0], -IMS_EUNREACH);
        assert_int_equal(send_uar(t, NULL, NULL), -IMS_EUNREACH);
        /* it comes back after Tc, proves itself with three watchdogs, and serves */
        again = serve(&t->a, 1, "a.example.org");
        for (int i = 0; i < 3; i++) {
                assert_int_equal(t->up, 0);
                raw_dwa(again, raw_next(again));
        }
        wait_up(t, 1);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        answer(again, raw_next(again), DIA_SUCCESS);
        wait_answers(t, 2);
        assert_int_equal(t->err[1], 0);
        end(t);
}

static void test_refused_goes_elsewhere(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        struct span m;

        (void)state;
        wait_up(t, 2);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        answer(a, raw_next(a), DIA_TOO_BUSY);
        m = raw_next(b);
        assert_int_equal(dia_header_get(m.p).flags & CMD_FLAG_RETRANSMIT, 0); /* a did not carry it out */
        answer(b, m, DIA_TOO_BUSY);                                           /* now nobody is left */
        wait_answers(t, 1);
        assert_true(dia_result_is(t->result[0], dia_base(DIA_TOO_BUSY)));
        end(t);
}

/* What a request says of its destination; the rest of it must be whole. */
static void assert_destination(struct span m, const char *host)
{
        struct span avps = span_sub(m, DIA_HEADER, m.n);
        struct dia_fault fault = DIA_FAULT_NONE;
        struct dia_avp a;

        assert_int_equal(dia_header_get(m.p).length, m.n);
        assert_int_equal(dia_check(m, &fault), 0);
        assert_int_equal(dia_avp_get(avps, AVP_DESTINATION_HOST, &a), host != NULL);
        assert_true(!host || span_eq(a.data, span_of(host)));
        assert_true(dia_avp_get(avps, AVP_DESTINATION_REALM, &a));
        assert_true(span_eq(a.data, SPAN("example.org")));
        assert_true(dia_avp_get(avps, AVP_USER_NAME, &a));
        assert_true(span_eq(a.data, SPAN("u@example.org")));
}

/* The host that is preferred dies with the request: another of the realm gets it, as a possible duplicate. */
static void test_preferred_host_lost(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){.tc_ms = 60000});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        struct dia_header first, again;
        struct span m;

        (void)state;
        wait_up(t, 2);
        assert_int_equal(send_to(t, "a.example.org", true, NULL), 0);
        m = raw_next(a);
        assert_destination(m, "a.example.org");
        first = dia_header_get(m.p);
        tcp_close(a->tcp, false);
        m = raw_next(b);
        again = dia_header_get(m.p);
        assert_int_equal(again.flags, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE | CMD_FLAG_RETRANSMIT);
        assert_int_equal(again.end, first.end);
        assert_destination(m, NULL);
        answer(b, m, DIA_SUCCESS);
        wait_answers(t, 1);
        assert_int_equal(t->err[0], 0);
        /* and is not even asked as long as it is away */
        assert_int_equal(send_to(t, "a.example.org", true, NULL), 0);
        m = raw_next(b);
        assert_int_equal(dia_header_get(m.p).flags, CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE);
        assert_destination(m, NULL);
        answer(b, m, DIA_SUCCESS);
        wait_answers(t, 2);
        end(t);
}

/* A host that is too busy is not asked again without its name. */
static void test_preferred_host_busy(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        struct span m;

        (void)state;
        wait_up(t, 2);
        assert_int_equal(send_to(t, "a.example.org", true, NULL), 0);
        answer(a, raw_next(a), DIA_TOO_BUSY);
        m = raw_next(b);
        assert_destination(m, NULL);
        answer(b, m, DIA_TOO_BUSY);
        wait_answers(t, 1);
        assert_true(dia_result_is(t->result[0], dia_base(DIA_TOO_BUSY)));
        assert_int_equal(a->n_got, a->n_read);
        end(t);
}

/* A relay lost the host: other relays are asked for it, then the same ones for any host of the realm, each
 * once. None of these is a possible duplicate (RFC 6733 3: not after an error answer). */
static void test_relay_lost_preferred_host(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        const char *hosts[] = {"c.example.org", NULL};
        struct span m;

        (void)state;
        wait_up(t, 2);
        dia_peer_find(t->node, SPAN("a.example.org"))->relay = true;
        dia_peer_find(t->node, SPAN("b.example.org"))->relay = true;
        assert_int_equal(send_to(t, "c.example.org", true, NULL), 0);
        for (size_t i = 0; i < 2; i++) {
                m = raw_next(a);
                assert_destination(m, hosts[i]);
                assert_int_equal(dia_header_get(m.p).flags & CMD_FLAG_RETRANSMIT, 0);
                answer(a, m, DIA_UNABLE_TO_DELIVER);
                m = raw_next(b);
                assert_destination(m, hosts[i]);
                assert_int_equal(dia_header_get(m.p).flags & CMD_FLAG_RETRANSMIT, 0);
                answer(b, m, DIA_UNABLE_TO_DELIVER);
        }
        wait_answers(t, 1);
        assert_true(dia_result_is(t->result[0], dia_base(DIA_UNABLE_TO_DELIVER)));
        /* a host that is demanded stays in */
        assert_int_equal(send_uar(t, "c.example.org", NULL), 0);
        answer(a, raw_next(a), DIA_UNABLE_TO_DELIVER);
        answer(b, raw_next(b), DIA_UNABLE_TO_DELIVER);
        wait_answers(t, 2);
        assert_true(dia_result_is(t->result[1], dia_base(DIA_UNABLE_TO_DELIVER)));
        assert_int_equal(a->n_got, a->n_read);
        end(t);
}

static void test_timeout_and_wrong_answer(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){.answer_ms = 50});
        struct raw *a = serve(&t->a, 0, "a.example.org");
        struct span m;
        struct buf b;

        (void)state;
        wait_up(t, 1);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        m = raw_next(a);
        wait_answers(t, 1);
        assert_int_equal(t->err[0], -IMS_ETIMEOUT);
        answer(a, m, DIA_SUCCESS); /* too late: nobody waits */
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        m = raw_next(a);
        b = BUF_INIT; /* an answer without the AVPs it must have */
        buf_put(&b, m.p, DIA_HEADER);
        b.p[4] = CMD_FLAG_PROXIABLE;
        raw_put(a, &b);
        wait_answers(t, 2);
        assert_int_equal(t->err[1], -IMS_EPROTO);
        end(t);
}

static void test_limit(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){.max_pending = 2});

        (void)state;
        serve(&t->a, 0, "a.example.org");
        wait_up(t, 1);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(send_uar(t, NULL, NULL), -IMS_ELIMIT);
        end(t);
}

/* It answers no watchdog: its requests move, then the connection ends and is tried again. */
static void test_watchdog(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){.tw_ms = 400, .answer_ms = 60000});
        struct raw *a = serve(&t->a, 0, "a.example.org"), *b = serve(&t->b, 0, "b.example.org");
        struct span m;

        (void)state;
        wait_up(t, 2);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(dia_header_get(raw_next(a).p).code, 300);
        while (t->n_answers < 1) { /* b lives: it answers its watchdog and the request that moves to it */
                m = raw_next(b);
                if (dia_header_get(m.p).code == 280)
                        raw_dwa(b, m);
                else
                        answer(b, m, DIA_SUCCESS);
                while (b->n_read == b->n_got && t->n_answers < 1)
                        loop_run(t->loop);
        }
        assert_int_equal(t->err[0], 0);
        assert_true(dia_header_get(m.p).flags & CMD_FLAG_RETRANSMIT);
        assert_int_equal(t->up, 1);
        assert_int_equal(dia_header_get(raw_next(a).p).code, 280); /* the DWR it left unanswered */
        raw_expect_closed(a);
        while (t->a.n < 2) {
                loop_run(t->loop);
                while (b->n_read < b->n_got)
                        raw_dwa(b, raw_next(b));
        }
        end(t);
}

/* A late DWA brings a suspect peer back. */
static void test_failback(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){.tw_ms = 200});
        struct raw *a = serve(&t->a, 0, "a.example.org");
        struct span dwr;

        (void)state;
        wait_up(t, 1);
        dwr = raw_next(a);
        wait_up(t, 0);
        assert_false(dia_node_has_peer(t->node));
        raw_dwa(a, dwr);
        wait_up(t, 1);
        assert_int_equal(t->a.n, 1); /* the same connection */
        end(t);
}

/* Both ends connect at once (RFC 6733 5.6.4). The listener a plays the peer that also connects to us. */
static void election(const char *me, bool win)
{
        struct ctx *t = start(me, 1, &(struct dia_node_conf){0});
        struct raw theirs;
        struct span cer;

        while (!t->a.n)
                loop_run(t->loop);
        cer = raw_next(&t->a.raws[0]);
        raw_connect(&theirs, t->loop, dia_node_listen_addr(t->node, 0));
        raw_cer(&theirs, "a.example.org");
        if (win) { /* it keeps the connection it accepted */
                assert_int_equal(raw_result(raw_next(&theirs)), DIA_SUCCESS);
                raw_expect_closed(&t->a.raws[0]);
        } else { /* it waits for our CEA on its own */
                while (dia_peer_find(t->node, SPAN("a.example.org"))->state != PEER_ST_WAIT_RETURNS)
                        loop_once(t->loop);
                raw_cea(&t->a.raws[0], cer, "a.example.org");
                raw_expect_closed(&theirs);
        }
        wait_up(t, 1);
        assert_int_equal(send_uar(t, NULL, NULL), 0);
        assert_int_equal(dia_header_get(raw_next(win ? &theirs : &t->a.raws[0]).p).code, 300);
        raw_free(&theirs);
        end(t);
}

static void test_election_won(void **state)
{
        (void)state;
        election("z.example.org", true);
}

static void test_election_lost(void **state)
{
        (void)state;
        election("A-.example.org", false); /* before "a.example.org", whatever the case */
}

static void test_wrong_cea(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){0});

        (void)state;
        serve(&t->a, 0, "else.example.org"); /* another identity than configured */
        raw_expect_closed(&t->a.raws[0]);
        assert_int_equal(t->up, 0);
        serve(&t->a, 1, "a.example.org"); /* tried again after Tc */
        wait_up(t, 1);
        end(t);
}

static void test_shutdown(void **state)
{
        struct ctx *t = start("me.example.org", 2, &(struct dia_node_conf){0});
        struct raw *a = serve(&t->a, 0, "a.example.org");
        struct dia_header h;
        struct dia_avp cause;
        struct buf b = BUF_INIT;
        struct span m;

        (void)state;
        serve(&t->b, 0, "b.example.org");
        wait_up(t, 2);
        assert_int_equal(send_uar(t, "b.example.org", NULL), 0);
        dia_node_shutdown(t->node, on_stopped, t);
        assert_int_equal(send_uar(t, NULL, NULL), -IMS_EUNREACH);
        m = raw_next(a);
        h = dia_header_get(m.p);
        assert_int_equal(h.code, 282);
        assert_true(dia_avp_get(span_sub(m, DIA_HEADER, m.n), AVP_DISCONNECT_CAUSE, &cause));
        assert_int_equal(dia_avp_u32(&cause), 0);
        h.flags = 0;
        dia_put_header(&b, &h);
        dia_put_u32(&b, AVP_RESULT_CODE, DIA_SUCCESS);
        raw_origin(&b, "a.example.org");
        raw_put(a, &b);
        raw_expect_closed(a);
        assert_int_equal(t->n_answers, 1); /* what b did not answer failed at once */
        assert_int_equal(t->err[0], -IMS_EUNREACH);
        assert_false(t->stopped);
        tcp_close(t->b.raws[0].tcp, false); /* b just goes */
        while (!t->stopped)
                loop_run(t->loop);
        end(t);
}

static void test_shutdown_of_idle_node(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){0}); /* and a peer not tried yet */

        (void)state;
        dia_node_shutdown(t->node, on_stopped, t);
        assert_false(t->stopped);
        while (!t->stopped)
                loop_run(t->loop);
        end(t);
}

/* A peer that does not want to be called back is not, until it is needed. */
static void test_held(void **state)
{
        struct ctx *t = start("me.example.org", 1, &(struct dia_node_conf){.answer_ms = 50});
        struct raw *a = serve(&t->a, 0, "a.example.org");
        struct buf b = raw_begin(CMD_DPR, 0, 0, 3);

        (void)state;
        wait_up(t, 1);
        raw_origin(&b, "a.example.org");
        dia_put_u32(&b, AVP_DISCONNECT_CAUSE, 2);
        raw_put(a, &b);
        assert_int_equal(raw_result(raw_next(a)), DIA_SUCCESS);
        tcp_close(a->tcp, false);
        wait_up(t, 0);
        assert_int_equal(t->a.n, 1);
        assert_int_equal(send_uar(t, NULL, NULL), -IMS_EUNREACH);
        serve(&t->a, 1, "a.example.org");
        wait_up(t, 1);
        end(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nobody_there),
                cmocka_unit_test(test_lowest_priority_first),
                cmocka_unit_test(test_turns),
                cmocka_unit_test(test_relay),
                cmocka_unit_test(test_answer_of_another),
                cmocka_unit_test(test_failover),
                cmocka_unit_test(test_ending_connection),
                cmocka_unit_test(test_last_one_lost),
                cmocka_unit_test(test_refused_goes_elsewhere),
                cmocka_unit_test(test_preferred_host_lost),
                cmocka_unit_test(test_preferred_host_busy),
                cmocka_unit_test(test_relay_lost_preferred_host),
                cmocka_unit_test(test_timeout_and_wrong_answer),
                cmocka_unit_test(test_limit),
                cmocka_unit_test(test_watchdog),
                cmocka_unit_test(test_failback),
                cmocka_unit_test(test_election_won),
                cmocka_unit_test(test_election_lost),
                cmocka_unit_test(test_wrong_cea),
                cmocka_unit_test(test_shutdown),
                cmocka_unit_test(test_shutdown_of_idle_node),
                cmocka_unit_test(test_held),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
