/* SPDX-License-Identifier: BSD-3-Clause
 * What comes from a peer that is no decent one: each gets its base answer or a closed connection, and the
 * node goes on serving (RFC 6733 5.3, 5.6, 6.1, 7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/diameter/raw.h"

#define MAX_PENDING 3

struct ctx {
        struct loop *loop;
        struct dia_node *node;
        struct cx_server srv;
        struct addr addr;
        struct dia_request *held[MAX_PENDING + 1];
        size_t n_held, n_handled;
        bool hold;
};

static void on_request(struct dia_request *rq, void *arg)
{
        cx_serve(&((struct ctx *)arg)->srv, rq);
}

static void on_uar(struct dia_request *rq, const struct cx_uar *m, void *arg)
{
        struct ctx *t = arg;
        struct cx_uaa a = {.h = {.result = dia_base(DIA_SUCCESS)}};

        (void)m;
        t->n_handled++;
        if (t->hold) {
                assert_true(t->n_held <= MAX_PENDING);
                t->held[t->n_held++] = rq;
        } else {
                cx_answer_uaa(rq, &a);
        }
}

static int setup_with(void **state, bool accept_unknown, uint32_t message_max)
{
        static struct ctx t;
        struct dia_handlers h = {.on_request = on_request};
        struct addr any;
        struct dia_peer_conf peers[] = {{.identity = "raw.example.org"}, {.identity = "two.example.org"}};
        struct dia_node_conf conf = {.identity = "hss.example.org",
                                     .realm = "example.org",
                                     .listen = &any,
                                     .n_listen = 1,
                                     .peers = peers,
                                     .n_peers = 2,
                                     .message_max = message_max,
                                     .max_pending = MAX_PENDING,
                                     .accept_unknown = accept_unknown};

        t = (struct ctx){.srv = {.on_uar = on_uar}};
        t.srv.arg = &t;
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&t.loop), 0);
        assert_int_equal(dia_node_new(t.loop, &conf, &h, &t, &t.node), 0);
        t.addr = *dia_node_listen_addr(t.node, 0);
        *state = &t;
        return 0;
}

static int setup(void **state)
{
        return setup_with(state, false, 4096);
}

static int setup_open(void **state)
{
        return setup_with(state, true, 4096);
}

static int setup_large(void **state)
{
        return setup_with(state, false, 65536);
}

static int teardown(void **state)
{
        struct ctx *t = *state;

        dia_node_free(t->node);
        loop_free(t->loop);
        return 0;
}

/* After whatever happened, the node still answers on the open connection r. */
static void expect_serving(struct raw *r)
{
        struct buf b = raw_uar("raw.example.org", 0, 77);

        raw_put(r, &b);
        assert_int_equal(raw_result(raw_next(r)), DIA_SUCCESS);
}

static void expect_alive(struct ctx *t)
{
        struct raw r;

        raw_open(&r, t->loop, &t->addr, "two.example.org");
        expect_serving(&r);
        raw_free(&r);
}

static void test_not_diameter(void **state)
{
        struct ctx *t = *state;
        static const char *const texts[] = {"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01", "\x02\x00\x00\x14"};
        struct raw r;

        for (size_t i = 0; i < 3; i++) {
                raw_connect(&r, t->loop, &t->addr);
                raw_send(&r, span_of(texts[i]).n ? span_make(texts[i], i == 2 ? 4 : strlen(texts[i]))
                                                 : SPAN_NULL);
                raw_expect_closed(&r);
                raw_free(&r);
        }
        expect_alive(t);
}

static void test_wrong_length(void **state)
{
        struct ctx *t = *state;
        static const char lengths[][4] = {{1, 0, 0, 19}, {1, 0, 0, 22}, {1, 0, 0x20, 0}};
        struct raw r;

        for (size_t i = 0; i < 3; i++) { /* too short, no multiple of four, too long */
                raw_connect(&r, t->loop, &t->addr);
                raw_send(&r, span_make(lengths[i], 4));
                raw_expect_closed(&r);
                raw_free(&r);
        }
        expect_alive(t);
}

/* Before CER nobody makes the node keep much: neither long messages nor many connections. */
static void test_strangers_are_bounded(void **state)
{
        enum { PLACES = 32 };
        static const char long_enough[] = {1, 0, 0x20, 0};
        static char text[8192];
        struct buf cer = raw_begin(CMD_CER, 0, 0, 1);
        struct ctx *t = *state;
        struct raw r[PLACES + 1];
        unsigned closed = 0;

        raw_connect(&r[0], t->loop, &t->addr);
        memset(text, 'x', sizeof(text));
        raw_capabilities(&cer, "raw.example.org", CX_APPLICATION);
        dia_put_os(&cer, AVP_ERROR_MESSAGE, span_make(text, sizeof(text)));
        raw_put(&r[0], &cer);
        raw_expect_closed(&r[0]);
        assert_int_equal(r[0].n_got, 0); /* it is not even refused by CEA */
        raw_free(&r[0]);
        for (size_t i = 0; i < PLACES; i++) {
                raw_connect(&r[i], t->loop, &t->addr);
                raw_send(&r[i], span_make(long_enough, 4));
        }
        raw_connect(&r[PLACES], t->loop, &t->addr);
        raw_expect_closed(&r[PLACES]);
        for (size_t i = 0; i < PLACES; i++)
                closed += r[i].closed;
        assert_int_equal(closed, 0);
        raw_free(&r[PLACES]);
        raw_free(&r[0]); /* a place is free again: for a peer */
        for (int turn = 0; turn < 3; turn++)
                uv_run(loop_uv(t->loop), UV_RUN_NOWAIT);
        expect_alive(t);
        for (size_t i = 1; i < PLACES; i++)
                raw_free(&r[i]);
}

static void test_wrong_length_when_open(void **state)
{
        struct ctx *t = *state;
        struct buf b = raw_uar("raw.example.org", 0, 5);
        struct raw r;

        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        dia_put_end(&b, 0);
        b.p[3] = (char)(b.p[3] + 1);
        raw_send(&r, buf_as_span(&b));
        assert_int_equal(raw_result(raw_next(&r)), DIA_INVALID_MESSAGE_LENGTH);
        raw_expect_closed(&r);
        raw_free(&r);
        raw_open(&r, t->loop, &t->addr, "two.example.org");
        b.p[0] = 2;
        raw_send(&r, buf_as_span(&b));
        assert_int_equal(raw_result(raw_next(&r)), DIA_UNSUPPORTED_VERSION);
        raw_expect_closed(&r);
        raw_free(&r);
        buf_free(&b);
}

static void test_request_before_cer(void **state)
{
        struct ctx *t = *state;
        struct buf b = raw_uar("raw.example.org", 0, 5);
        struct raw r;

        raw_connect(&r, t->loop, &t->addr);
        raw_put(&r, &b);
        raw_expect_closed(&r);
        assert_int_equal(t->n_handled, 0);
        raw_free(&r);
        expect_alive(t);
}

/* Sends a CER and expects that result, E bit or not, and the end of the connection. */
static void refused(struct ctx *t, struct buf b, uint32_t result)
{
        struct raw r;
        struct span cea;

        raw_connect(&r, t->loop, &t->addr);
        raw_put(&r, &b);
        cea = raw_next(&r);
        assert_int_equal(dia_header_get(cea.p).code, 257);
        assert_int_equal(dia_header_get(cea.p).flags, result / 1000 == 3 ? CMD_FLAG_ERROR : 0);
        assert_int_equal(raw_result(cea), result);
        raw_expect_closed(&r);
        raw_free(&r);
}

static void test_refused_cer(void **state)
{
        struct ctx *t = *state;
        struct buf b = raw_begin(CMD_CER, 0, 0, 1);

        raw_capabilities(&b, "stranger.example.org", CX_APPLICATION);
        refused(t, b, DIA_UNKNOWN_PEER);
        b = raw_begin(CMD_CER, 0, 0, 1);
        raw_capabilities(&b, "hss.example.org", CX_APPLICATION); /* our own name */
        refused(t, b, DIA_UNKNOWN_PEER);
        b = raw_begin(CMD_CER, 0, 0, 1);
        raw_capabilities(&b, "raw.example.org", 4);
        refused(t, b, DIA_NO_COMMON_APPLICATION);
        b = raw_begin(CMD_CER, 0, 0, 1);
        raw_origin(&b, "raw.example.org");
        refused(t, b, DIA_MISSING_AVP);
        b = raw_begin(CMD_CER, 0, 0, 1);
        raw_capabilities(&b, "raw.example.org", CX_APPLICATION);
        dia_put_u32(&b, AVP_INBAND_SECURITY_ID, 1); /* TLS only */
        refused(t, b, DIA_NO_COMMON_SECURITY);
        b = raw_begin(CMD_CER, 0, 0, 1);
        raw_capabilities(&b, "raw.example.org", 0xffffffff); /* a relay has every application */
        {
                struct raw r;

                raw_connect(&r, t->loop, &t->addr);
                raw_put(&r, &b);
                assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
                raw_free(&r);
        }
        expect_alive(t);
}

static void test_second_connection(void **state)
{
        struct ctx *t = *state;
        struct raw first, second;
        struct span m;

        raw_open(&first, t->loop, &t->addr, "raw.example.org");
        raw_connect(&second, t->loop, &t->addr);
        raw_cer(&second, "RAW.example.org");
        m = raw_next(&second);
        assert_int_equal(raw_result(m), DIA_UNABLE_TO_COMPLY);
        raw_expect_closed(&second);
        raw_dwa(&first, raw_next(&first)); /* the node looks whether the first still lives */
        expect_serving(&first);
        raw_free(&first);
        raw_free(&second);
}

/* Sends a request and expects that result; returns the answer. */
static struct span answered(struct raw *r, struct buf b, uint32_t result)
{
        struct dia_header rq = dia_header_get(b.p), h;
        struct span m;
        struct dia_avp a;

        raw_put(r, &b);
        m = raw_next(r);
        h = dia_header_get(m.p);
        assert_int_equal(h.code, rq.code);
        assert_int_equal(h.app, rq.app);
        assert_int_equal(h.hop, rq.hop);
        assert_int_equal(h.end, rq.end);
        assert_int_equal(h.flags & CMD_FLAG_REQUEST, 0);
        assert_int_equal(h.flags & CMD_FLAG_ERROR, result / 1000 == 3 ? CMD_FLAG_ERROR : 0);
        assert_int_equal(raw_result(m), result);
        assert_true(dia_avp_get(span_sub(m, DIA_HEADER, m.n), AVP_SESSION_ID, &a));
        assert_true(span_eq(a.data, SPAN("raw;1;2")));
        return m;
}

static void failed_avp(struct span m, enum dict_avp id)
{
        struct dia_avp group, in;
        struct span rest;

        assert_true(dia_avp_get(span_sub(m, DIA_HEADER, m.n), AVP_FAILED_AVP, &group));
        rest = group.data;
        assert_int_equal(dia_avp_next(&rest, &in), 1);
        assert_int_equal(in.id, id);
}

static struct buf uar_to(const char *host, const char *realm)
{
        struct cx_uar m = raw_uar_of("raw.example.org");
        struct buf b = raw_begin(CMD_UAR, 0, CX_APPLICATION, 9);

        m.h.destination_host = span_of(host);
        m.h.destination_realm = span_of(realm);
        cx_encode(CX_MSG_uar, &m, &(struct cx_env){0}, &b);
        return b;
}

static void test_refused_requests(void **state)
{
        struct ctx *t = *state;
        struct raw r;
        struct buf b;

        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        b = raw_uar("raw.example.org", CMD_FLAG_ERROR, 5);
        answered(&r, b, DIA_INVALID_HDR_BITS);
        b = raw_uar("raw.example.org", 0, 5);
        b.p[11] = 1; /* another application */
        answered(&r, b, DIA_APPLICATION_UNSUPPORTED);
        b = raw_uar("raw.example.org", 0, 5);
        memset(b.p + 8, 0, 4); /* the base protocol has no such command */
        answered(&r, b, DIA_COMMAND_UNSUPPORTED);
        b = raw_uar("raw.example.org", 0, 5);
        b.p[7] = 99; /* another command */
        answered(&r, b, DIA_COMMAND_UNSUPPORTED);
        answered(&r, uar_to("else.example.org", "example.org"), DIA_UNABLE_TO_DELIVER);
        answered(&r, uar_to(NULL, "example.com"), DIA_REALM_NOT_SERVED);
        b = raw_uar("raw.example.org", 0, 5);
        dia_put_os(&b, AVP_ROUTE_RECORD, SPAN("hss.example.org"));
        answered(&r, b, DIA_LOOP_DETECTED);
        b = raw_uar("raw.example.org", 0, 5);
        dia_put_os(&b, AVP_USER_NAME, SPAN("again"));
        failed_avp(answered(&r, b, DIA_AVP_OCCURS_TOO_MANY_TIMES), AVP_USER_NAME);
        b = raw_uar("raw.example.org", 0, 5);
        dia_put_u32(&b, AVP_USER_AUTHORIZATION_TYPE, 9);
        failed_avp(answered(&r, b, DIA_INVALID_AVP_VALUE), AVP_USER_AUTHORIZATION_TYPE);
        b = raw_uar("raw.example.org", 0, 5);
        dia_put_example(&b, 4711, 0, AVP_FLAG_MANDATORY, -1);
        answered(&r, b, DIA_AVP_UNSUPPORTED);
        assert_int_equal(t->n_handled, 0);
        /* the handler left out */
        b = raw_begin(CMD_LIR, 0, CX_APPLICATION, 6);
        cx_encode(
                CX_MSG_lir,
                &(struct cx_lir){.h = raw_uar_of("raw.example.org").h, .impu = SPAN("sip:user@example.org")},
                &(struct cx_env){0}, &b);
        answered(&r, b, DIA_COMMAND_UNSUPPORTED);
        expect_serving(&r);
        raw_free(&r);
}

static void never(struct dia_request *rq, const struct cx_mar *m, void *arg)
{
        (void)rq;
        (void)m;
        (void)arg;
        fail();
}

/* Only the typed codec sees that a key is too short. */
static void test_refused_by_codec(void **state)
{
        struct ctx *t = *state;
        struct raw r;
        struct cx_mar m = {.h = raw_uar_of("raw.example.org").h,
                           .impi = SPAN("u"),
                           .impu = SPAN("sip:u"),
                           .server_name = SPAN("sip:s"),
                           .item = {.scheme = SPAN("x"), .authorization = SPAN("abc")}};
        struct buf b = raw_begin(CMD_MAR, 0, CX_APPLICATION, 6);

        t->srv.on_mar = never;
        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        cx_encode(CX_MSG_mar, &m, &(struct cx_env){0}, &b);
        failed_avp(answered(&r, b, DIA_INVALID_AVP_VALUE), AVP_SIP_AUTHORIZATION);
        raw_free(&r);
}

static void test_proxy_info(void **state)
{
        struct ctx *t = *state;
        struct raw r;
        struct buf b = raw_uar("raw.example.org", 0, 5);
        size_t at = dia_put_group(&b, AVP_PROXY_INFO);
        struct span rest;
        struct dia_avp a;
        int n = 0;

        dia_put_os(&b, AVP_PROXY_HOST, SPAN("proxy.example.org"));
        dia_put_os(&b, AVP_PROXY_STATE, SPAN("secret state"));
        dia_put_group_end(&b, at);
        dia_put_whole(&b, span_make(memcpy((char[96]){0}, b.p + at, b.n - at), b.n - at));
        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        rest = answered(&r, b, DIA_SUCCESS);
        for (rest = span_sub(rest, DIA_HEADER, rest.n); dia_avp_next(&rest, &a) > 0;)
                n += a.id == AVP_PROXY_INFO;
        assert_int_equal(n, 2);
        raw_free(&r);
}

/* Left lying until the peer is gone: the application can see that before it does anything. */
static void test_nobody_waits(void **state)
{
        struct ctx *t = *state;
        struct buf b = raw_uar("raw.example.org", 0, 5);
        struct raw r;

        t->hold = true;
        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        raw_put(&r, &b);
        while (t->n_held < 1)
                loop_once(t->loop);
        assert_true(dia_request_awaited(t->held[0]));
        raw_free(&r); /* the node has not heard of it yet */
        assert_false(dia_request_awaited(t->held[0]));
        dia_request_drop(t->held[0]);
        t->hold = false;
        raw_open(&r, t->loop, &t->addr, "two.example.org");
        b = raw_uar("raw.example.org", CMD_FLAG_RETRANSMIT, 5);
        raw_put(&r, &b);
        assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
        assert_int_equal(t->n_handled, 2); /* a new request: what was dropped has no answer to repeat */
        raw_free(&r);
}

static void test_octet_by_octet(void **state)
{
        struct ctx *t = *state;
        struct raw r;
        struct buf b = raw_uar("raw.example.org", 0, 5), two = BUF_INIT;

        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        dia_put_end(&b, 0);
        for (size_t i = 0; i < b.n; i++) {
                raw_send(&r, span_make(b.p + i, 1));
                uv_run(loop_uv(t->loop), UV_RUN_NOWAIT); /* so that each leaves by itself */
        }
        assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
        for (int i = 0; i < 3; i++) /* three and a half in one piece */
                buf_span(&two, buf_as_span(&b));
        buf_put(&two, b.p, b.n / 2);
        raw_send(&r, buf_as_span(&two));
        for (int i = 0; i < 3; i++)
                assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
        raw_send(&r, span_make(b.p + b.n / 2, b.n - b.n / 2));
        assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
        assert_int_equal(t->n_handled, 5);
        buf_free(&b);
        buf_free(&two);
        raw_free(&r);
}

static void test_flood(void **state)
{
        struct ctx *t = *state;
        struct cx_uaa a = {.h = {.result = dia_base(DIA_SUCCESS)}};
        struct raw r;

        t->hold = true;
        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        for (uint32_t i = 0; i < MAX_PENDING + 2; i++) {
                struct buf b = raw_uar("raw.example.org", 0, i);

                raw_put(&r, &b);
        }
        assert_int_equal(raw_result(raw_next(&r)), DIA_TOO_BUSY);
        assert_int_equal(raw_result(raw_next(&r)), DIA_TOO_BUSY);
        assert_int_equal(t->n_held, MAX_PENDING);
        while (t->n_held)
                cx_answer_uaa(t->held[--t->n_held], &a);
        for (uint32_t i = 0; i < MAX_PENDING; i++)
                assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
        t->hold = false;
        expect_serving(&r);
        raw_free(&r);
}

/* The peer goes while the application works: its answers have nowhere to go, and nothing breaks. */
static void test_gone_before_answer(void **state)
{
        struct ctx *t = *state;
        struct cx_uaa a = {.h = {.result = dia_base(DIA_SUCCESS)}};
        struct raw r;
        struct buf b = raw_uar("raw.example.org", 0, 1);

        t->hold = true;
        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        raw_put(&r, &b);
        while (!t->n_held)
                loop_once(t->loop);
        raw_free(&r);
        while (dia_node_has_peer(t->node))
                loop_once(t->loop);
        cx_answer_uaa(t->held[0], &a);
        t->hold = false;
        expect_alive(t);
}

static void test_sent_again(void **state)
{
        struct ctx *t = *state;
        struct cx_uaa a = {.h = {.result = dia_base(DIA_SUCCESS)}};
        struct raw r, other;
        struct buf b = raw_uar("origin.example.org", 0, 1);
        struct span m;

        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        raw_open(&other, t->loop, &t->addr, "two.example.org");
        raw_put(&r, &b);
        assert_int_equal(raw_result(raw_next(&r)), DIA_SUCCESS);
        b = raw_uar("origin.example.org", CMD_FLAG_RETRANSMIT, 2);
        b.p[19] = (char)(1001 & 0xff); /* the end-to-end identifier of the first */
        raw_put(&other, &b);
        m = raw_next(&other);
        assert_int_equal(raw_result(m), DIA_SUCCESS);
        assert_int_equal(dia_header_get(m.p).hop, 2);
        assert_int_equal(dia_header_get(m.p).end, 1001);
        assert_int_equal(t->n_handled, 1);
        /* and while the first is being worked on: both get the answer */
        t->hold = true;
        b = raw_uar("origin.example.org", 0, 50);
        raw_put(&r, &b);
        while (!t->n_held)
                loop_once(t->loop);
        b = raw_uar("origin.example.org", CMD_FLAG_RETRANSMIT, 51);
        b.p[18] = (char)(1050 >> 8);
        b.p[19] = (char)(1050 & 0xff);
        raw_put(&other, &b);
        b = raw_uar("origin.example.org", 0, 60); /* shows that the one before was read */
        raw_put(&other, &b);
        while (t->n_held < 2)
                loop_once(t->loop);
        assert_int_equal(t->n_handled, 3);
        cx_answer_uaa(t->held[0], &a);
        assert_int_equal(dia_header_get(raw_next(&r).p).hop, 50);
        assert_int_equal(dia_header_get(raw_next(&other).p).hop, 51);
        cx_answer_uaa(t->held[1], &a);
        assert_int_equal(dia_header_get(raw_next(&other).p).hop, 60);
        raw_free(&r);
        raw_free(&other);
}

/* Answers nobody asked for are dropped. */
static void test_answer_to_nothing(void **state)
{
        struct ctx *t = *state;
        struct buf b = raw_begin(CMD_UAA, 0, CX_APPLICATION, 12345);
        struct raw r;

        raw_origin(&b, "raw.example.org");
        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        raw_put(&r, &b);
        expect_serving(&r);
        raw_free(&r);
}

static void test_dpr(void **state)
{
        struct ctx *t = *state;
        struct buf b = raw_begin(CMD_DPR, 0, 0, 3);
        struct raw r;
        struct span m;

        raw_open(&r, t->loop, &t->addr, "raw.example.org");
        raw_origin(&b, "raw.example.org");
        dia_put_u32(&b, AVP_DISCONNECT_CAUSE, 0);
        raw_put(&r, &b);
        m = raw_next(&r);
        assert_int_equal(dia_header_get(m.p).code, 282);
        assert_int_equal(raw_result(m), DIA_SUCCESS);
        raw_free(&r);
        /* DPR without its cause */
        raw_open(&r, t->loop, &t->addr, "two.example.org");
        b = raw_begin(CMD_DPR, 0, 0, 3);
        raw_origin(&b, "two.example.org");
        raw_put(&r, &b);
        assert_int_equal(raw_result(raw_next(&r)), DIA_MISSING_AVP);
        expect_serving(&r);
        raw_free(&r);
}

/* Peers outside the list, where that is allowed: served, and forgotten when they go. */
static void test_unknown_accepted(void **state)
{
        struct ctx *t = *state;
        struct raw r;

        for (int i = 0; i < 3; i++) {
                raw_open(&r, t->loop, &t->addr, "stranger.example.org");
                assert_non_null(dia_peer_find(t->node, SPAN("stranger.example.org")));
                expect_serving(&r);
                raw_free(&r);
                while (dia_peer_find(t->node, SPAN("stranger.example.org")))
                        loop_once(t->loop);
        }
        expect_alive(t);
}

/* Good messages with a few octets changed, some thousand of them (always the same): the node answers, drops
 * or closes, and serves afterwards. */
static void test_mutations(void **state)
{
        struct ctx *t = *state;
        struct buf good = raw_uar("raw.example.org", 0, 5), b;
        uint32_t seed = 1, closed = 0;
        struct raw r = {0};

        dia_put_end(&good, 0);
        for (uint32_t i = 0; i < 3000; i++) {
                if (!r.tcp) {
                        raw_free(&r);
                        raw_connect(&r, t->loop, &t->addr);
                        raw_cer(&r, "stranger.example.org");
                }
                b = BUF_INIT;
                buf_span(&b, buf_as_span(&good));
                for (uint32_t k = 0; k < 1 + i % 4; k++) {
                        seed = seed * 1664525 + 1013904223;
                        b.p[(seed >> 8) % b.n] = (char)(seed >> 24);
                }
                b.p[2] = good.p[2]; /* the frame itself has tests of its own */
                b.p[3] = good.p[3];
                raw_send(&r, buf_as_span(&b));
                buf_free(&b);
                for (int turn = 0; turn < 3; turn++)
                        uv_run(loop_uv(t->loop), UV_RUN_NOWAIT);
                while (r.n_got)
                        buf_free(&r.got[--r.n_got]);
                closed += r.tcp == NULL;
        }
        print_message("%u times closed, %zu requests served\n", closed, t->n_handled);
        assert_true(t->n_handled > 100);
        raw_free(&r);
        buf_free(&good);
        expect_alive(t);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
                T(test_not_diameter),
                T(test_wrong_length),
                T(test_wrong_length_when_open),
                T(test_request_before_cer),
                T(test_refused_cer),
                T(test_second_connection),
                T(test_refused_requests),
                T(test_refused_by_codec),
                T(test_proxy_info),
                T(test_nobody_waits),
                T(test_octet_by_octet),
                T(test_flood),
                T(test_gone_before_answer),
                T(test_sent_again),
                T(test_answer_to_nothing),
                T(test_dpr),
                cmocka_unit_test_setup_teardown(test_strangers_are_bounded, setup_large, teardown),
                cmocka_unit_test_setup_teardown(test_unknown_accepted, setup_open, teardown),
                cmocka_unit_test_setup_teardown(test_mutations, setup_open, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
