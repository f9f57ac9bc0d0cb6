/* SPDX-License-Identifier: BSD-3-Clause
 * What one address may do: hold so many connections, be silent for so long; and what is told of it. */
#include "common/sip/stack_priv.h"
#include "tests/unit/sip/stack_world.h"

static const char request[] =
        "OPTIONS sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKs\r\n"
        "From: <sip:a@example.net>;tag=a\r\nTo: <sip:b@example.net>;tag=b\r\nCall-ID: c\r\n"
        "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/* One of several, each a transaction of its own. */
static const char *numbered(unsigned i)
{
        static char text[512];

        (void)snprintf(
                text, sizeof(text),
                "OPTIONS sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKn%u\r\n"
                "From: <sip:a@example.net>;tag=a\r\nTo: <sip:b@example.net>;tag=b\r\nCall-ID: n%u\r\n"
                "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
                i, i);
        return text;
}

static struct sip_stack_stats stats_of(const struct node *n)
{
        struct sip_stack_stats stats;

        sip_stack_stats(n->s, &stats);
        return stats;
}

/* Opens a connection that may be closed at once. */
static void try_open(struct wire *v, struct world *w, const struct addr *to)
{
        *v = (struct wire){0};
        assert_int_equal(tcp_connect(w->loop, NULL, to, 2000, &wire_handlers, v, &v->c), 0);
}

static void connections_of_one_address(void **state)
{
        struct world w;
        struct node n;
        struct wire one, two, three;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, &(struct sip_stack_conf){.max_conns_per_source = 1});
        log_init("test", LOG_ERROR);
        wire_open(&one, &w, &n.tcp);
        wire_send(&one, span_of(request));
        WAIT_FOR(&w, wire_has(&one, "200 OK"));
        try_open(&two, &w, &n.tcp);
        WAIT_FOR(&w, two.closed);
        assert_false(one.closed);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_CONNECTIONS], 1);
        wire_close(&one, &w);
        WAIT_FOR(&w, stats_of(&n).conns == 0);
        wire_open(&three, &w, &n.tcp);
        wire_send(&three, span_of(request));
        WAIT_FOR(&w, wire_has(&three, "200 OK"));
        wire_close(&three, &w);
        node_stop(&n);
        world_stop(&w);
}

/* A connection that brought a message has more time than one that brought none, or pings only. */
static void first_message(void **state)
{
        struct world w;
        struct node n;
        struct wire heard, silent, pinging;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, &(struct sip_stack_conf){.tcp_first_ms = 60});
        log_init("test", LOG_ERROR);
        wire_open(&heard, &w, &n.tcp);
        wire_send(&heard, span_of(request));
        wire_open(&silent, &w, &n.tcp);
        wire_open(&pinging, &w, &n.tcp);
        wire_send(&pinging, SPAN("\r\n\r\n"));
        WAIT_FOR(&w, silent.closed && pinging.closed);
        assert_true(wire_has(&heard, "200 OK"));
        assert_false(heard.closed);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_SILENT], 2);
        wire_close(&heard, &w);
        wire_close(&silent, &w);
        wire_close(&pinging, &w);
        node_stop(&n);
        world_stop(&w);
}

/* Who stops in the middle of its first message is closed when the rest is late, and that is counted, however
 * short the time is that a connection may be silent. */
static void first_message_without_end(void **state)
{
        struct world w;
        struct node n;
        struct wire v;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, &(struct sip_stack_conf){.tcp_first_ms = 60, .tcp_partial_ms = 200});
        log_init("test", LOG_ERROR);
        wire_open(&v, &w, &n.tcp);
        wire_send(&v, span_sub(span_of(request), 0, 50));
        WAIT_FOR(&w, v.closed);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_PARTIAL], 1);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_SILENT], 0);
        wire_close(&v, &w);
        node_stop(&n);
        world_stop(&w);
}

/* The first fault of a kind is told, the next ones are counted; another kind, another address are told. */
static void told_once(void **state)
{
        struct world w;
        struct node n;
        struct addr a, b;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, NULL);
        log_init("test", LOG_ERROR);
        assert_int_equal(addr_parse(SPAN("192.0.2.1:1"), 0, &a), 0);
        assert_int_equal(addr_parse(SPAN("192.0.2.2:1"), 0, &b), 0);
        assert_true(sip_stack_fault(n.s, &a, SIP_FAULT_REFUSED));
        addr_set_port(&a, 7); /* the same source */
        assert_false(sip_stack_fault(n.s, &a, SIP_FAULT_REFUSED));
        assert_true(sip_stack_fault(n.s, &a, SIP_FAULT_PARTIAL));
        assert_true(sip_stack_fault(n.s, &b, SIP_FAULT_REFUSED));
        assert_false(sip_stack_fault(n.s, &b, SIP_FAULT_REFUSED));
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_REFUSED], 4);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_PARTIAL], 1);
        node_stop(&n);
        world_stop(&w);
}

/* Who goes on after refusals is not heard for a while; another address is, and so is a core node. */
static void muted(void **state)
{
        struct world w;
        struct node n;
        struct raw r;
        struct addr other;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, NULL);
        log_init("test", LOG_ERROR);
        raw_start(&r, &w);
        assert_int_equal(addr_parse(SPAN("192.0.2.1:1"), 0, &other), 0);
        for (int i = 0; i < 9; i++)
                (void)sip_stack_refused(n.s, &other, 2);
        assert_true(sip_stack_refused(n.s, &r.addr, 2));
        assert_false(sip_stack_refused(n.s, &r.addr, 2));
        raw_send(&r, &n.udp, numbered(1));
        WAIT_FOR(&w, n.requests == 1);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_DROPPED], 0);
        assert_false(sip_stack_refused(n.s, &r.addr, 2)); /* one too many */
        raw_send(&r, &n.udp, numbered(2));
        WAIT_FOR(&w, stats_of(&n).faults[SIP_FAULT_DROPPED] == 1);
        assert_int_equal(n.requests, 1);
        assert_int_equal(stats_of(&n).faults[SIP_FAULT_REFUSED], 12);
        for (int i = 0; i < 1000 && n.requests == 1; i++) { /* and heard again after SIP_REFUSALS */
                raw_send(&r, &n.udp, numbered(2));
                world_pass(&w, 5);
        }
        assert_int_equal(n.requests, 2);
        n.peers_are_core = true;
        for (int i = 0; i < 9; i++)
                (void)sip_stack_refused(n.s, &r.addr, 2);
        raw_send(&r, &n.udp, numbered(3));
        WAIT_FOR(&w, n.requests == 3);
        raw_stop(&r);
        node_stop(&n);
        world_stop(&w);
}

static struct addr ip(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 1, &a), 0);
        return a;
}

/* --- who may send here ---------------------------------------------------------------------------- */

static struct {
        bool yes;
        unsigned asked;
        struct addr local, remote;
} hearing;

static bool hears(const struct addr *local, const struct addr *remote, void *arg)
{
        (void)arg;
        hearing.asked++;
        hearing.local = *local;
        hearing.remote = *remote;
        return hearing.yes;
}

static void unheard(void **state)
{
        const struct sip_stack_handlers more = {.hears = hears};
        struct world w;
        struct node n;
        struct raw r;
        struct wire v;

        (void)state;
        hearing.yes = false;
        hearing.asked = 0;
        world_start(&w, NULL, 0);
        node_start_with(&n, &w, NULL, &more);
        raw_start(&r, &w);
        raw_send(&r, &n.udp, numbered(1));
        raw_send(&r, &n.udp, "no SIP");
        WAIT_FOR(&w, hearing.asked == 2);
        assert_true(addr_eq(&hearing.local, &n.udp));
        assert_true(addr_eq(&hearing.remote, &r.addr));
        try_open(&v, &w, &n.tcp);
        WAIT_FOR(&w, v.closed);
        assert_int_equal(hearing.asked, 3);
        assert_true(addr_eq(&hearing.local, &n.tcp));
        assert_int_equal(stats_of(&n).received + stats_of(&n).malformed + stats_of(&n).conns, 0);
        assert_int_equal(n.requests + n.received + r.n, 0);
        hearing.yes = true;
        raw_send(&r, &n.udp, numbered(1));
        WAIT_FOR(&w, n.requests == 1);
        wire_open(&v, &w, &n.tcp);
        wire_send(&v, span_of(request));
        WAIT_FOR(&w, wire_has(&v, "200 OK"));
        wire_close(&v, &w);
        raw_stop(&r);
        node_stop(&n);
        world_stop(&w);
}

/* One of many addresses. */
static struct addr forged(unsigned i)
{
        char text[32];

        (void)snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, i >> 8 & 255, i & 255);
        return ip(text);
}

/* Whoever forges addresses fills neither memory nor log. */
static void forged_addresses_are_bounded(void **state)
{
        static const enum sip_fault kinds[] = {SIP_FAULT_OUTSIDE, SIP_FAULT_TLS, SIP_FAULT_REFUSED};
        const struct addr first = forged(0), other = forged(999);
        struct world w;
        struct node n;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, NULL);
        for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
                unsigned told = 0;

                for (unsigned i = 0; i < 1000; i++) {
                        const struct addr a = forged(i);

                        told += sip_stack_fault(n.s, &a, kinds[k]);
                }
                assert_int_equal(told, 256);
                assert_int_equal(stats_of(&n).faults[kinds[k]], 1000);
                assert_false(sip_stack_fault(n.s, &first, kinds[k])); /* told before */
                assert_int_equal(n.s->sources.n, kinds[k] == SIP_FAULT_REFUSED ? 1000 : 256);
        }
        assert_true(sip_stack_fault(n.s, &other, SIP_FAULT_SILENT)); /* of another kind */
        for (unsigned i = 0; i < 3; i++)                             /* not told, and muted all the same */
                assert_false(sip_stack_refused(n.s, &other, 2));
        assert_true(sip_source_is_muted(n.s, &other));
        for (unsigned i = 1000; i < 70000; i++) {
                const struct addr a = forged(i);

                assert_false(sip_stack_refused(n.s, &a, 2));
        }
        assert_int_equal(n.s->sources.n, 65536);
        node_stop(&n);
        world_stop(&w);
}

/* Who has one address of a /64 has them all: that is one source. A core node in it is none of its kind. */
static void one_ipv6_network(void **state)
{
        struct addr a = ip("2001:db8:0:1::1"), b = ip("2001:db8:0:1:ffff::2"), c = ip("2001:db8:0:2::1");
        struct sip_source *src;
        struct world w;
        struct node n;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, &(struct sip_stack_conf){.max_open_per_source = 1});
        assert_true(sip_stack_refused(n.s, &a, 1));
        assert_false(sip_stack_refused(n.s, &b, 1));
        assert_true(sip_source_is_muted(n.s, &a));
        assert_true(sip_source_is_muted(n.s, &b));
        assert_false(sip_source_is_muted(n.s, &c));
        src = sip_source_asks(n.s, &a, 100);
        assert_false(sip_source_may_ask(n.s, &b));
        assert_true(sip_source_may_ask(n.s, &c));
        n.peers_are_core = true;
        assert_true(sip_source_may_ask(n.s, &b));
        assert_false(sip_source_is_muted(n.s, &b));
        n.peers_are_core = false;
        sip_source_answered(src, 100);
        assert_true(sip_source_may_ask(n.s, &b));
        node_stop(&n);
        world_stop(&w);
}

/* --- who may answer -------------------------------------------------------------------------------- */

static struct {
        bool yes;
        unsigned asked;
        struct addr from, wanted;
} answering;

static bool answer_from(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                        void *arg)
{
        (void)m, (void)arg;
        answering.asked++;
        answering.from = flow->remote;
        answering.wanted = *asked;
        return answering.yes;
}

/* A response from an address that was not asked counts when the node says so, and where nobody is asked. */
static void answers_of_others(void **state)
{
        const struct sip_stack_handlers more = {.answer_from = answer_from};

        (void)state;
        for (int i = 0; i < 3; i++) { /* refused, allowed, no handler */
                struct world w;
                struct node n;
                struct raw r, liar = {0};
                struct call call;
                struct sip_target t;
                struct addr any = ip("127.0.0.2");
                char text[128];

                addr_set_port(&any, 0);
                answering.yes = i == 1;
                answering.asked = 0;
                world_start(&w, NULL, 0);
                node_start_with(&n, &w, NULL, i < 2 ? &more : NULL);
                raw_start(&r, &w);
                assert_int_equal(udp_open(w.loop, &any, raw_on_data, &liar, &liar.u), 0);
                liar.addr = *udp_local(liar.u);
                t = target_to(&r.addr, NULL, text);
                call_start(&call, &n, "OPTIONS", 0, &t);
                WAIT_FOR(&w, r.n >= 1);
                liar.got[liar.n++] = strdup(r.got[0]);
                liar.from = r.from;
                raw_answer(&liar, 0, "299 Liar", "");
                WAIT_FOR(&w, i ? call.done : stats_of(&n).dropped == 1);
                if (i < 2) {
                        assert_true(answering.asked >= 1);
                        assert_true(addr_eq(&answering.from, &liar.addr));
                        assert_true(addr_eq(&answering.wanted, &r.addr));
                }
                if (i == 0) {
                        assert_false(call.done);
                        assert_string_equal(n.last_note, "from an address not asked");
                        raw_answer(&r, 0, "200 OK", "");
                        WAIT_FOR(&w, call.done);
                        assert_int_equal(answering.asked, 1); /* who was asked needs no leave */
                }
                assert_int_equal(call.status, i ? 299 : 200);
                raw_stop(&r);
                raw_stop(&liar);
                node_stop(&n);
                world_stop(&w);
        }
}

/* --- where may be sent to --------------------------------------------------------------------------- */

static struct addr barred;

static const char *bars(const struct sip_flow *flow, void *arg)
{
        (void)arg;
        return flow->transport == TRANSPORT_UDP && addr_eq(&flow->remote, &barred) ? "not here" : NULL;
}

/* An address that the node bars gets nothing and the next one is tried; with none left the reason is the
 * error. A flow that was asked for (a UE's) is not looked at, nor is another transport. */
static void barred_addresses(void **state)
{
        const struct sip_stack_handlers more = {.bars = bars};
        char lines[2][128], name[ADDR_STR], text[128], *hosts[] = {lines[0], lines[1]};
        struct sip_flow flow = {.transport = TRANSPORT_UDP};
        struct call first, none, asked, tcp;
        struct world w;
        struct node a, b, c;
        struct sip_target t;
        size_t bad;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&b, &w, NULL);
        node_start(&c, &w, NULL);
        barred = b.udp;
        (void)snprintf(lines[0], 128, "pool.test=%s", addr_str(&b.udp, name));
        (void)snprintf(lines[1], 128, "pool.test=%s", addr_str(&c.udp, name));
        resolver_free(w.resolver);
        assert_int_equal(resolver_new(w.loop, hosts, 2, NULL, 0, &w.resolver, &bad), 0);
        node_start_with(&a, &w, NULL, &more);

        call_start(&first, &a, "OPTIONS", 0, &(struct sip_target){.uri = SPAN("sip:pool.test")});
        WAIT_FOR(&w, first.done);
        assert_int_equal(first.status, 200);
        assert_int_equal(b.requests, 0);
        assert_int_equal(c.requests, 1);

        t = target_to(&b.udp, NULL, text);
        call_start(&none, &a, "OPTIONS", 0, &t);
        WAIT_FOR(&w, none.done);
        assert_int_equal(none.err, -IMS_EUNPROTECTED);
        assert_int_equal(none.reports, 1);
        assert_int_equal(b.requests, 0);

        flow.remote = b.udp;
        call_start(&asked, &a, "OPTIONS", 0, &(struct sip_target){.flow = &flow});
        WAIT_FOR(&w, asked.done);
        assert_int_equal(asked.status, 200);
        t = target_to(&b.tcp, "tcp", text);
        call_start(&tcp, &a, "OPTIONS", 0, &t);
        WAIT_FOR(&w, tcp.done);
        assert_int_equal(tcp.status, 200);
        assert_int_equal(b.requests, 2);
        node_stop(&a);
        node_stop(&b);
        node_stop(&c);
        world_stop(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(connections_of_one_address),
                cmocka_unit_test(first_message),
                cmocka_unit_test(first_message_without_end),
                cmocka_unit_test(told_once),
                cmocka_unit_test(muted),
                cmocka_unit_test(unheard),
                cmocka_unit_test(forged_addresses_are_bounded),
                cmocka_unit_test(one_ipv6_network),
                cmocka_unit_test(answers_of_others),
                cmocka_unit_test(barred_addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
