/* SPDX-License-Identifier: BSD-3-Clause
 * Protected ports: what leaves from where, what Via says of it, connections between two ports. TS 33.203 7.1.
 */
#include "tests/unit/sip/protected_world.h"

/* --- requests ------------------------------------------------------------------------------------- */

static void datagrams_leave_from_the_port_named(void **state)
{
        struct pair x;
        struct sip_flow flow;
        char text[128];
        struct sip_target t;

        (void)state;
        pair_start(&x, &(struct sip_stack_conf){.sent_by = "me.example", .t1_ms = 1000});
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.r.n == 1);
        assert_true(addr_eq(&x.r.from, &x.p.pc));
        assert_true(has_via(x.r.got[0], "UDP", &x.p.ps));
        x.r.from = x.p.ps; /* the answer comes to the server port */
        raw_answer(&x.r, 0, "200 OK", "");
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        flow.local = x.p.pc2;
        flow.transport = TRANSPORT_ANY;
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.r.n == 2);
        assert_true(addr_eq(&x.r.from, &x.p.pc2));
        raw_answer(&x.r, 1, "200 OK", ""); /* or to the client port */
        WAIT_FOR(&x.w, x.call.done);
        t = target_to(&x.r.addr, NULL, text); /* nobody else uses them */
        call_start(&x.call, &x.p.n, "MESSAGE", 0, &t);
        WAIT_FOR(&x.w, x.r.n == 3);
        assert_true(addr_eq(&x.r.from, &x.p.n.udp));
        assert_non_null(strstr(x.r.got[2], "Via: SIP/2.0/UDP me.example:"));
        assert_non_null(strstr(x.r.got[2], ";rport"));
        raw_answer(&x.r, 2, "200 OK", "");
        WAIT_FOR(&x.w, x.call.done);
        pair_stop(&x);
}

/* A connection from each client port to each peer, made once. */
static void connections_are_those_of_both_ports(void **state)
{
        struct pair x;
        struct sip_flow flow;
        struct sip_target t;
        char text[128];

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        for (unsigned i = 0; i < 2; i++) {
                call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
                WAIT_FOR(&x.w, x.call.done);
                assert_int_equal(x.call.status, 200);
                assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
                assert_true(addr_eq(&x.u.n.last_flow.local, &x.u.ps));
                assert_true(has_via(x.u.n.last, "TCP", &x.p.ps));
                assert_int_equal(post_stats(&x.p).conns, 1);
        }
        flow.local = x.p.pc2; /* same peer, other port */
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc2));
        assert_int_equal(post_stats(&x.p).conns, 2);
        flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.n.tcp); /* same port, other peer */
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
        assert_int_equal(post_stats(&x.p).conns, 3);
        t = target_to(&x.u.ps, "tcp", text); /* who names no port gets another connection */
        call_start(&x.call, &x.p.n, "MESSAGE", 0, &t);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_false(addr_port(&x.u.n.last_flow.remote) == addr_port(&x.p.pc));
        assert_false(addr_port(&x.u.n.last_flow.remote) == addr_port(&x.p.pc2));
        assert_int_equal(post_stats(&x.p).conns, 4);
        flow = flow_of(TRANSPORT_TCP, &x.p.pc2, &x.u.n.tcp); /* ... and takes none of theirs */
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc2));
        pair_stop(&x);
}

/* What is too large for UDP takes TCP between the same ports; where nobody listens it is sent all the same.
 */
static void large_requests_use_tcp_from_the_same_port(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        pair_start(&x, &(struct sip_stack_conf){.t1_ms = 1000});
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.u.ps);
        call_on(&x.call, &x.p, "MESSAGE", 2000, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_int_equal(x.u.n.last_flow.transport, TRANSPORT_TCP);
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
        assert_true(has_via(x.u.n.last, "TCP", &x.p.ps));
        flow.remote = x.r.addr;
        call_on(&x.call, &x.p, "MESSAGE", 2000, &flow);
        WAIT_FOR(&x.w, x.r.n == 1);
        assert_true(addr_eq(&x.r.from, &x.p.pc));
        assert_true(has_via(x.r.got[0], "UDP", &x.p.ps));
        x.r.from = x.p.ps;
        raw_answer(&x.r, 0, "200 OK", "");
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        pair_stop(&x);
}

/* Both ways between two nodes: each sends from its client port to the server port of the other. */
static void both_ways_over_ipv6(void **state)
{
        struct pair x;
        struct sip_flow there, back;

        (void)state;
        pair_start_at(&x, NULL, "::1");
        there = flow_of(TRANSPORT_UDP, &x.p.pc, &x.u.ps);
        back = flow_of(TRANSPORT_UDP, &x.u.pc, &x.p.ps);
        x.u.out = back;
        x.u.answers = true;
        call_on(&x.call, &x.p, "MESSAGE", 0, &there);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_true(has_via(x.u.n.last, "UDP", &x.p.ps));
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
        assert_true(addr_eq(&x.u.n.last_flow.local, &x.u.ps));
        assert_true(addr_eq(&x.p.n.last_flow.remote, &x.u.pc));
        assert_true(addr_eq(&x.p.n.last_flow.local, &x.p.ps));
        there.transport = TRANSPORT_TCP;
        call_on(&x.call, &x.p, "MESSAGE", 0, &there);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_true(has_via(x.u.n.last, "TCP", &x.p.ps));
        assert_true(addr_eq(&x.p.n.last_flow.local, &x.p.pc)); /* over the same connection */
        pair_stop(&x);
}

/* Nothing opens a connection from a server port; one that the peer opened serves. */
static void server_port_opens_no_connection(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_TCP, &x.p.ps, &x.u.pc);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.err, -IMS_EUNREACH);
        flow = flow_of(TRANSPORT_TCP, &x.u.pc, &x.p.ps);
        call_on(&x.call, &x.u, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        flow = flow_of(TRANSPORT_TCP, &x.p.ps, &x.u.pc);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_true(addr_eq(&x.u.n.last_flow.local, &x.u.pc));
        pair_stop(&x);
}

/* A connection is taken by its number only between the ports asked for. */
static void connection_of_other_ports_is_not_taken(void **state)
{
        struct pair x;
        struct sip_flow flow, mine;

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_TCP, &x.u.pc, &x.p.ps);
        call_on(&x.call, &x.u, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        mine = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        mine.conn_id = x.p.n.last_flow.conn_id;
        assert_true(mine.conn_id != 0);
        call_on(&x.call, &x.p, "MESSAGE", 0, &mine);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_true(addr_eq(&x.u.n.last_flow.local, &x.u.ps));
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
        pair_stop(&x);
}

/* --- opening, and what is known of a port ------------------------------------------------------------ */

static void ports_are_told_apart(void **state)
{
        struct pair x;
        struct addr other, any;
        char name[ADDR_STR];

        (void)state;
        pair_start(&x, &(struct sip_stack_conf){.sent_by = "me.example"});
        assert_int_equal(sip_port_of(x.p.n.s, &x.p.ps), SIP_PORT_SERVER);
        assert_int_equal(sip_port_of(x.p.n.s, &x.p.pc), SIP_PORT_CLIENT);
        assert_int_equal(sip_port_of(x.p.n.s, &x.p.n.udp), SIP_PORT_OPEN);
        assert_int_equal(sip_port_of(x.p.n.s, &x.u.ps), SIP_PORT_OPEN);
        assert_int_equal(sip_port_of(x.p.n.s, &(struct addr){0}), SIP_PORT_OPEN);
        other = x.p.ps;
        addr_set_port(&other, 0);
        assert_true(
                sip_stack_is_self(x.p.n.s, span_of(addr_ip_str(&other, false, name)), addr_port(&x.p.ps)));
        assert_true(sip_stack_is_self(x.p.n.s, SPAN("127.0.0.1"), addr_port(&x.p.pc)));
        assert_true(sip_stack_is_self(x.p.n.s, SPAN("me.example"), addr_port(&x.p.ps)));
        assert_false(sip_stack_is_self(x.p.n.s, SPAN("127.0.0.2"), addr_port(&x.p.ps)));
        assert_false(sip_stack_is_self(x.p.n.s, SPAN("127.0.0.1"), addr_port(&x.u.ps)));
        assert_false(sip_stack_is_self(x.p.n.s, SPAN("you.example"), addr_port(&x.p.ps)));
        assert_false(sip_stack_is_self(x.p.n.s, SPAN("me.example"), addr_port(&x.u.ps)));
        /* one of ours, one of the other node, one that is none */
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_CLIENT, &x.p.pc, 1), -IMS_EADDRINUSE);
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_SERVER, &x.u.pc, 1), -IMS_EADDRINUSE);
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_CLIENT, &other, 1), -IMS_EINVAL);
        assert_int_equal(addr_parse(SPAN("0.0.0.0:9"), 0, &any), 0);
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_CLIENT, &any, 1), -IMS_EINVAL);
        other = free_port("127.0.0.1");
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_OPEN, &other, 1), -IMS_EINVAL);
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_CLIENT, &other, 0), -IMS_EINVAL);
        assert_int_equal(sip_port_of(x.p.n.s, &other), SIP_PORT_OPEN);
        sip_protected_close(x.p.n.s, &other); /* nothing happens */
        pair_stop(&x);
}

/* The port of a listener cannot be a client port, nor that of a lone connection. */
static void taken_ports_are_refused(void **state)
{
        struct pair x;
        struct addr tcp_only = {0};
        struct sockaddr_storage ss;
        socklen_t n = sizeof(ss);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        pair_start(&x, NULL);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &tcp_only), 0);
        assert_true(bind(fd, &tcp_only.u.sa, addr_len(&tcp_only)) == 0 && listen(fd, 1) == 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &n), 0);
        assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &tcp_only), 0);
        for (int kind = SIP_PORT_SERVER; kind <= SIP_PORT_CLIENT; kind++)
                assert_int_equal(sip_protected_open(x.p.n.s, (enum sip_port)kind, &tcp_only, 1),
                                 -IMS_EADDRINUSE);
        (void)close(fd);
        for (int kind = SIP_PORT_SERVER; kind <= SIP_PORT_CLIENT; kind++) { /* nothing was left behind */
                assert_int_equal(sip_protected_open(x.p.n.s, (enum sip_port)kind, &tcp_only, 1), 0);
                sip_protected_close(x.p.n.s, &tcp_only);
                fd = socket(AF_INET, SOCK_STREAM, 0);
                assert_int_equal(bind(fd, &tcp_only.u.sa, addr_len(&tcp_only)), 0);
                (void)close(fd);
        }
        pair_stop(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(datagrams_leave_from_the_port_named),
                cmocka_unit_test(connections_are_those_of_both_ports),
                cmocka_unit_test(large_requests_use_tcp_from_the_same_port),
                cmocka_unit_test(both_ways_over_ipv6),
                cmocka_unit_test(server_port_opens_no_connection),
                cmocka_unit_test(connection_of_other_ports_is_not_taken),
                cmocka_unit_test(ports_are_told_apart),
                cmocka_unit_test(taken_ports_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
