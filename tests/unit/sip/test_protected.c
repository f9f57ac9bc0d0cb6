/* SPDX-License-Identifier: BSD-3-Clause
 * Protected ports: what leaves from where, what Via says of it, connections between two ports. TS 33.203 7.1.
 */
#include "tests/unit/sip/protected_world.h"

/* A node with protected ports, another like it, and a bare peer. */
struct pair {
        struct world w;
        struct post p, u;
        struct raw r;
        struct call call;
};

static void pair_start(struct pair *x, const struct sip_stack_conf *conf)
{
        world_start(&x->w, NULL, 0);
        post_start(&x->p, &x->w, conf);
        post_start(&x->u, &x->w, NULL);
        raw_start(&x->r, &x->w);
}

static void pair_stop(struct pair *x)
{
        post_stop(&x->p);
        post_stop(&x->u);
        raw_stop(&x->r);
        world_stop(&x->w);
}

/* --- requests ------------------------------------------------------------------------------------- */

static void datagrams_leave_from_the_port_named(void **state)
{
        struct pair x;
        struct sip_flow flow;
        char text[128];
        struct sip_target t;

        (void)state;
        pair_start(&x, &(struct sip_stack_conf){.sent_by = "me.example"});
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
        pair_start(&x, NULL);
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(datagrams_leave_from_the_port_named),
                cmocka_unit_test(connections_are_those_of_both_ports),
                cmocka_unit_test(large_requests_use_tcp_from_the_same_port),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
