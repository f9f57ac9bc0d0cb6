/* SPDX-License-Identifier: BSD-3-Clause
 * Protected ports: who uses them until when, and how they and their connections are closed. TS 33.203 7.4. */
#include "tests/unit/private_net.h"
#include "tests/unit/sip/protected_world.h"

/* --- use by server transactions -------------------------------------------------------------------- */

static void server_transactions_use_their_port(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        pair_start(&x, NULL);
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r.n == 1);
        assert_int_equal(post_uses(&x.p), 1); /* Timer J: its copies may come */
        assert_true(addr_eq(&x.p.uses[0].local, &x.p.ps));
        assert_true(addr_eq(&x.p.uses[0].remote, &x.r.addr));
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r.n == 2);
        assert_int_equal(x.p.begun, 1);
        WAIT_FOR(&x.w, x.p.ended == 1);
        assert_int_equal(post_stats(&x.p).server_txns, 0);
        /* TCP: nothing comes again, it ends with its answer */
        x.p.n.answer = 0;
        flow = flow_of(TRANSPORT_TCP, &x.u.pc, &x.p.ps);
        call_on(&x.call, &x.u, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.p.n.held);
        assert_int_equal(post_uses(&x.p), 1);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        assert_int_equal(post_uses(&x.p), 0);
        /* an open port is none of it; nor is an ACK to a 2xx */
        raw_send(&x.r, &x.p.n.udp, raw_request(&x.r, "OPTIONS", "z9hG4bKo", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "ACK", "z9hG4bKk", "t"));
        WAIT_FOR(&x.w, x.p.n.acks == 1);
        assert_int_equal(x.p.begun, 2);
        pair_stop(&x);
}

static void room_is_made_with_its_use(void **state)
{
        struct pair x;

        (void)state;
        pair_start(&x, &(struct sip_stack_conf){.max_transactions = 1});
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r.n == 1);
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "OPTIONS", "z9hG4bKb", ""));
        WAIT_FOR(&x.w, x.r.n == 2); /* the answered one made room */
        assert_int_equal(x.p.begun, 2);
        assert_int_equal(x.p.ended, 1);
        x.p.n.answer = 0;
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "INVITE", "z9hG4bKc", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKd", "")); /* 503 uses nothing */
        WAIT_FOR(&x.w, x.r.n >= 3);
        assert_int_equal(x.p.begun, 3);
        pair_stop(&x); /* with an INVITE under way */
}

/* --- use by client transactions -------------------------------------------------------------------- */

static void client_transactions_use_their_port(void **state)
{
        struct pair x;
        struct sip_flow flow;
        struct sip_target t = {.flow = &flow};
        struct sip_edit e;
        struct sip_msg *m;
        unsigned n;

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        assert_int_equal(post_uses(&x.p), 1);
        WAIT_FOR(&x.w, x.r.n >= 1);
        raw_answer(&x.r, 0, "200 OK", "");
        WAIT_FOR(&x.w, x.call.done);
        WAIT_FOR(&x.w, x.p.ended == 1); /* Timer K */
        assert_int_equal(post_stats(&x.p).client_txns, 0);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow); /* no answer */
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.err, -IMS_ETIMEOUT);
        WAIT_FOR(&x.w, x.p.ended == 2);
        n = x.r.n;
        m = world_request("ACK", 0); /* no transaction, but the port */
        sip_edit_init(&e, m);
        assert_int_equal(sip_send_stateless(x.p.n.s, &e, &t), 0);
        sip_edit_free(&e);
        sip_msg_unref(m);
        WAIT_FOR(&x.w, strncmp(x.r.got[x.r.n - 1], "ACK ", 4) == 0);
        assert_true(addr_eq(&x.r.from, &x.p.pc));
        assert_true(has_via(x.r.got[n], "UDP", &x.p.ps));
        assert_int_equal(x.p.begun, 2);
        pair_stop(&x);
}

static void cancel_uses_the_port_as_well(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&x.call, &x.p, "INVITE", 0, &flow);
        WAIT_FOR(&x.w, x.r.n >= 1);
        raw_answer(&x.r, 0, "180 Ringing", "");
        WAIT_FOR(&x.w, x.call.provisional == 1);
        sip_client_cancel(x.call.c);
        assert_int_equal(post_uses(&x.p), 2);
        WAIT_FOR(&x.w, strstr(x.r.got[x.r.n - 1], "CANCEL "));
        assert_true(addr_eq(&x.r.from, &x.p.pc));
        raw_answer(&x.r, x.r.n - 1, "200 OK", "");
        WAIT_FOR(&x.w, post_uses(&x.p) == 1);
        raw_answer(&x.r, 0, "487 Request Terminated", "");
        WAIT_FOR(&x.w, x.call.done && strstr(x.r.got[x.r.n - 1], "ACK "));
        assert_true(addr_eq(&x.r.from, &x.p.pc));
        assert_int_equal(post_uses(&x.p), 1); /* Timer D: the ACK may have to be repeated */
        assert_int_equal(x.p.begun, 2);
        pair_stop(&x);
}

/* What goes on at the same port is one use that never stops: a security association is not lost in between.
 */
static void use_goes_over_to_the_next_attempt(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&x.call, &x.p, "MESSAGE", 2000, &flow); /* TCP is refused there */
        WAIT_FOR(&x.w, x.r.n >= 1);
        assert_int_equal(x.p.begun, 2);
        assert_int_equal(post_uses(&x.p), 1);
        assert_int_equal(x.p.emptied, 0);
        raw_answer(&x.r, 0, "200 OK", "");
        WAIT_FOR(&x.w, x.p.emptied == 1);
        /* a connection that broke, and the one opened in its place */
        x.u.n.answer = 0;
        flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.u.n.held);
        sip_reply(node_take(&x.u.n), 200, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.p.emptied, 2);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.u.n.held);
        sip_close_between(x.u.n.s, &x.u.ps, &x.p.pc);
        sip_close_between(x.p.n.s, &x.p.pc, &x.u.ps);
        sip_reply(node_take(&x.u.n), 500, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.u.n.held);
        assert_int_equal(x.p.begun, 5);
        assert_int_equal(x.p.emptied, 2);
        sip_reply(node_take(&x.u.n), 200, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        assert_int_equal(x.p.emptied, 3);
        /* nobody there at all */
        flow.remote = x.r.addr;
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.err, -IMS_EUNREACH);
        assert_int_equal(post_uses(&x.p), 0);
        pair_stop(&x);
}

/* The owner may take everything away at the end of the last use: here as a time-out, and as the stack ends.
 */
static void ports_may_be_closed_at_the_end_of_use(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        for (int stop = 0; stop < 2; stop++) {
                pair_start(&x, NULL);
                x.p.close_when_empty = true;
                flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
                x.u.n.answer = 0;
                call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
                WAIT_FOR(&x.w, x.u.n.held);
                if (!stop) {
                        sip_reply(node_take(&x.u.n), 200, NULL, NULL, 0);
                        WAIT_FOR(&x.w, x.call.done);
                        assert_int_equal(sip_port_of(x.p.n.s, &x.p.pc), SIP_PORT_OPEN);
                        assert_int_equal(post_stats(&x.p).conns, 0);
                        x.p.n.answer = 486; /* ... and one of the server */
                        flow = flow_of(TRANSPORT_TCP, &x.u.pc, &x.p.ps);
                        call_on(&x.call, &x.u, "INVITE", 0, &flow);
                        WAIT_FOR(&x.w, x.call.done);
                        WAIT_FOR(&x.w, x.p.ended == 2);
                        assert_int_equal(sip_port_of(x.p.n.s, &x.p.ps), SIP_PORT_OPEN);
                }
                pair_stop(&x);
        }
}

/* --- closing ports --------------------------------------------------------------------------------- */

/* Requests under way end, and nothing of them leaves any more: from no other port either. */
static void closed_port_is_silent(void **state)
{
        struct pair x;
        struct call tcp;
        struct sip_flow flow;
        unsigned n;

        (void)state;
        pair_start(&x, NULL);
        log_init("test", LOG_ERROR);
        x.u.n.answer = 0;
        flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        call_on(&tcp, &x.p, "MESSAGE", 0, &flow);
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.u.n.held && x.r.n >= 1);
        sip_protected_close(x.p.n.s, &x.p.pc);
        world_pass(&x.w, 5); /* what is on its way */
        n = x.r.n;
        assert_int_equal(sip_port_of(x.p.n.s, &x.p.pc), SIP_PORT_OPEN);
        assert_int_equal(post_stats(&x.p).conns, 0);
        WAIT_FOR(&x.w, tcp.done);
        assert_int_equal(tcp.err, -IMS_EUNREACH);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.err, -IMS_ETIMEOUT);
        WAIT_FOR(&x.w, post_uses(&x.p) == 0);
        assert_int_equal(x.r.n, n);
        assert_int_equal(post_stats(&x.p).conns, 0);
        sip_reply(node_take(&x.u.n), 200, NULL, NULL, 0);
        pair_stop(&x);
}

/* A request that came to it stays without an answer; others are answered. */
static void closed_server_port_is_silent(void **state)
{
        struct pair x;

        (void)state;
        pair_start(&x, NULL);
        log_init("test", LOG_ERROR);
        x.p.n.answer = 0;
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        sip_protected_close(x.p.n.s, &x.p.ps);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        raw_send(&x.r, &x.p.n.udp, raw_request(&x.r, "OPTIONS", "z9hG4bKb", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.r.n == 1);
        assert_true(addr_eq(&x.r.from, &x.p.n.udp));
        assert_int_equal(post_uses(&x.p), 1);
        pair_stop(&x);
}

/* While the transactions of its first life are still there, and as another kind. */
static void closed_port_opens_again(void **state)
{
        struct pair x;
        struct call old;
        struct sip_flow flow;
        unsigned n;

        (void)state;
        pair_start(&x, NULL);
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&old, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.r.n >= 1);
        sip_protected_close(x.p.n.s, &x.p.pc);
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_SERVER, &x.p.pc, 1), 0);
        assert_int_equal(sip_port_of(x.p.n.s, &x.p.pc), SIP_PORT_SERVER);
        sip_protected_close(x.p.n.s, &x.p.pc);
        assert_int_equal(sip_protected_open(x.p.n.s, SIP_PORT_CLIENT, &x.p.pc, addr_port(&x.p.ps)), 0);
        n = x.r.n;
        WAIT_FOR(&x.w, x.r.n > n + 1); /* its copies leave from there again */
        assert_true(addr_eq(&x.r.from, &x.p.pc));
        raw_answer(&x.r, 0, "200 OK", "");
        WAIT_FOR(&x.w, old.done);
        assert_int_equal(old.status, 200);
        WAIT_FOR(&x.w, post_uses(&x.p) == 0);
        assert_int_equal(sip_port_of(x.p.n.s, &x.p.pc), SIP_PORT_CLIENT);
        pair_stop(&x);
}

/* --- closing connections --------------------------------------------------------------------------- */

static void association_takes_its_connections_along(void **state)
{
        struct pair x;
        struct call a, b;
        struct sip_flow one, two;

        (void)state;
        pair_start(&x, NULL);
        one = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        two = flow_of(TRANSPORT_TCP, &x.p.pc2, &x.u.ps);
        x.u.n.answer = 200;
        call_on(&a, &x.p, "MESSAGE", 0, &one);
        call_on(&b, &x.p, "MESSAGE", 0, &two);
        WAIT_FOR(&x.w, a.done && b.done);
        x.u.n.answer = 180;
        call_on(&a, &x.p, "INVITE", 0, &one);
        WAIT_FOR(&x.w, a.provisional == 1);
        sip_close_between(x.p.n.s, &x.p.pc, &x.u.pc); /* others' */
        assert_int_equal(post_stats(&x.p).conns, 2);
        sip_close_between(x.p.n.s, &x.p.pc, &x.u.ps);
        assert_int_equal(post_stats(&x.p).conns, 1);
        WAIT_FOR(&x.w, a.done);
        assert_int_equal(a.err, -IMS_EUNREACH);
        sip_close_between(x.u.n.s, &x.u.ps, &x.p.pc);
        x.u.n.answer = 200;
        call_on(&b, &x.p, "MESSAGE", 0, &two); /* still there */
        WAIT_FOR(&x.w, b.done);
        assert_int_equal(post_stats(&x.p).conns, 1);
        call_on(&a, &x.p, "MESSAGE", 0, &one); /* nothing keeps the pair */
        WAIT_FOR(&x.w, a.done);
        assert_int_equal(a.status, 200);
        pair_stop(&x);
}

/* Idle for its time at one side, closed, and opened again between the same ports at once: several times. */
static void closed_and_opened_again(const struct sip_stack_conf *ours, const struct sip_stack_conf *theirs)
{
        struct world w;
        struct post p, u;
        struct call call;
        struct sip_flow flow;

        world_start(&w, NULL, 0);
        post_start(&p, &w, ours);
        post_start(&u, &w, theirs);
        flow = flow_of(TRANSPORT_TCP, &p.pc, &u.ps);
        for (int i = 0; i < 4; i++) {
                call_on(&call, &p, "MESSAGE", 0, &flow);
                WAIT_FOR(&w, call.done);
                assert_int_equal(call.status, 200);
                assert_true(addr_eq(&u.n.last_flow.remote, &p.pc));
                WAIT_FOR(&w, post_stats(&p).conns + post_stats(&u).conns == 0);
        }
        post_stop(&p);
        post_stop(&u);
        world_stop(&w);
}

static void idle_connections_open_again(void **state)
{
        const struct sip_stack_conf idle = {.tcp_idle_ms = 30};

        (void)state;
        closed_and_opened_again(&idle, NULL);
        closed_and_opened_again(NULL, &idle);
        closed_and_opened_again(&idle, &idle);
}

/* The kernel refuses the pair because somebody has it: a way that is not there. */
static void taken_pair_is_unreachable(void **state)
{
        struct pair x;
        struct sip_flow flow;
        int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

        (void)state;
        pair_start(&x, NULL);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
        assert_int_equal(bind(fd, &x.p.pc.u.sa, addr_len(&x.p.pc)), 0);
        assert_int_equal(connect(fd, &x.u.ps.u.sa, addr_len(&x.u.ps)), 0);
        flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.err, -IMS_EUNREACH);
        assert_int_equal(post_stats(&x.p).conns, 0);
        flow.transport = TRANSPORT_UDP; /* what is only too large has its other way */
        call_on(&x.call, &x.p, "MESSAGE", 2000, &flow);
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 200);
        (void)close(fd);
        pair_stop(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(server_transactions_use_their_port),
                cmocka_unit_test(room_is_made_with_its_use),
                cmocka_unit_test(client_transactions_use_their_port),
                cmocka_unit_test(cancel_uses_the_port_as_well),
                cmocka_unit_test(use_goes_over_to_the_next_attempt),
                cmocka_unit_test(ports_may_be_closed_at_the_end_of_use),
                cmocka_unit_test(closed_port_is_silent),
                cmocka_unit_test(closed_server_port_is_silent),
                cmocka_unit_test(closed_port_opens_again),
                cmocka_unit_test(association_takes_its_connections_along),
                cmocka_unit_test(idle_connections_open_again),
                cmocka_unit_test(taken_pair_is_unreachable),
        };

        if (!private_net_without_timestamps())
                print_message("not allowed to have a network without timestamps: TIME_WAIT is hardly seen\n");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
