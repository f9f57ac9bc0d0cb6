/* SPDX-License-Identifier: BSD-3-Clause
 * What one address may do: hold so many connections, be silent for so long; and what is told of it. */
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(connections_of_one_address),
                cmocka_unit_test(first_message),
                cmocka_unit_test(told_once),
                cmocka_unit_test(muted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
