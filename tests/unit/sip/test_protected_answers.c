/* SPDX-License-Identifier: BSD-3-Clause
 * Protected ports: the way of answers, and messages that are not admitted. TS 33.203 7.1, RFC 3261 18.2.2. */
#include "tests/unit/sip/protected_world.h"

/* --- answers over UDP ------------------------------------------------------------------------------ */

/* Answers, their copies and refusals without a transaction leave from the client port to the server port. */
static void answers_go_where_the_owner_says(void **state)
{
        struct pair x;

        (void)state;
        pair_start(&x, &(struct sip_stack_conf){.max_transactions = 1});
        x.p.out = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r2.addr);
        x.p.answers = true;
        x.p.n.answer = 0;
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "INVITE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r2.n == 1); /* nobody answers: 100 */
        assert_non_null(strstr(x.r2.got[0], "SIP/2.0 100 "));
        assert_true(addr_eq(&x.r2.from, &x.p.pc));
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "INVITE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r2.n == 2);
        assert_string_equal(x.r2.got[0], x.r2.got[1]);
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKb", "")); /* one too many */
        WAIT_FOR(&x.w, x.r2.n == 3);
        assert_non_null(strstr(x.r2.got[2], "SIP/2.0 503 "));
        assert_true(addr_eq(&x.r2.from, &x.p.pc));
        x.p.out.local = x.p.pc2; /* asked each time */
        sip_reply(node_take(&x.p.n), 486, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.r2.n >= 5); /* and again by Timer G */
        assert_non_null(strstr(x.r2.got[3], "SIP/2.0 486 "));
        assert_string_equal(x.r2.got[3], x.r2.got[4]);
        assert_true(addr_eq(&x.r2.from, &x.p.pc2));
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "ACK", "z9hG4bKa", tag_of(&x.r2, 3)));
        WAIT_FOR(&x.w, post_uses(&x.p) == 0);
        assert_int_equal(x.r.n, 0);
        pair_stop(&x);
}

/* Else RFC 3261 18.2.2 and RFC 3581 say it: from the port it came to. */
static void answers_without_a_say_follow_via(void **state)
{
        struct pair x;

        (void)state;
        pair_start(&x, NULL);
        raw_send(&x.r2, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r.n == 1);
        assert_true(addr_eq(&x.r.from, &x.p.ps));
        assert_int_equal(x.p.asked, 1);
        assert_int_equal(x.r2.n, 0);
        raw_send(&x.r2, &x.p.n.udp, raw_request(&x.r, "MESSAGE", "z9hG4bKb", ""));
        WAIT_FOR(&x.w, x.r.n == 2); /* an open port: nobody is asked */
        assert_true(addr_eq(&x.r.from, &x.p.n.udp));
        assert_int_equal(x.p.asked, 1);
        pair_stop(&x);
}

/* A mistake of the owner does not put an answer on an open port. */
static void answers_never_leave_from_open_ports(void **state)
{
        struct pair x;
        struct sip_stack_conf conf = {.max_transactions = 1};

        (void)state;
        pair_start(&x, &conf);
        log_init("test", LOG_ERROR);
        x.p.out = flow_of(TRANSPORT_UDP, &x.p.n.udp, &x.r2.addr);
        x.p.answers = true;
        x.p.n.answer = 0;
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKb", "")); /* 503 */
        WAIT_FOR(&x.w, x.p.asked == 1);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        assert_int_equal(x.p.asked, 2);
        world_pass(&x.w, 20);
        assert_int_equal(x.r.n + x.r2.n, 0);
        assert_int_equal(x.p.n.sent, 0);
        pair_stop(&x);
}

/* What was asked for one request comes before what is said of all. */
static void answer_on_another_flow(void **state)
{
        struct pair x;
        struct sip_flow flow;

        (void)state;
        pair_start(&x, NULL);
        x.p.out = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        x.p.answers = true;
        x.p.n.answer = 0;
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "REGISTER", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        flow = flow_of(TRANSPORT_UDP, &x.p.pc2, &x.r2.addr);
        sip_request_answer_on(x.p.n.held, &flow);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.r2.n == 1);
        assert_true(addr_eq(&x.r2.from, &x.p.pc2));
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "REGISTER", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, x.r2.n == 2);
        assert_true(addr_eq(&x.r2.from, &x.p.pc2));
        assert_int_equal(x.p.asked, 0);
        /* also from an open port to a protected one and back, and over a connection that must be opened */
        raw_send(&x.r, &x.p.n.udp, raw_request(&x.r, "MESSAGE", "z9hG4bKb", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        flow = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        sip_request_answer_on(x.p.n.held, &flow);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.u.n.strays == 1);
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "OPTIONS", "z9hG4bKc", ""));
        WAIT_FOR(&x.w, x.p.n.held);
        flow = flow_of(TRANSPORT_UDP, &x.p.n.udp, &x.r2.addr);
        sip_request_answer_on(x.p.n.held, &flow);
        sip_reply(node_take(&x.p.n), 401, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.r2.n == 3);
        assert_true(addr_eq(&x.r2.from, &x.p.n.udp));
        pair_stop(&x);
}

/* --- answers over TCP ------------------------------------------------------------------------------ */

static const char *over_tcp(const struct addr *sent_by)
{
        static char text[1024];
        char name[ADDR_STR];

        (void)snprintf(text, sizeof(text),
                       "MESSAGE sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK%u\r\n"
                       "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\n"
                       "Content-Length: 0\r\n\r\n",
                       addr_str(sent_by, name), world_serial++);
        return text;
}

/* Over the connection it came by; when that has ended, over the one that the owner names. */
static void tcp_answers_follow_the_connection(void **state)
{
        struct pair x;
        struct wire v;

        (void)state;
        pair_start(&x, NULL);
        x.p.out = flow_of(TRANSPORT_TCP, &x.p.pc, &x.u.ps);
        x.p.answers = true;
        wire_open(&v, &x.w, &x.p.ps);
        wire_send(&v, span_of(over_tcp(&x.u.ps)));
        WAIT_FOR(&x.w, wire_has(&v, "SIP/2.0 200 OK"));
        assert_int_equal(x.p.asked, 0);
        x.p.n.answer = 0;
        wire_send(&v, span_of(over_tcp(&x.u.ps)));
        WAIT_FOR(&x.w, x.p.n.held);
        wire_close(&v, &x.w);
        WAIT_FOR(&x.w, post_stats(&x.p).conns == 0);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        WAIT_FOR(&x.w, x.u.n.strays == 1);
        assert_true(addr_eq(&x.u.n.last_flow.remote, &x.p.pc));
        assert_true(addr_eq(&x.u.n.last_flow.local, &x.u.ps));
        assert_int_equal(x.p.asked, 1);
        pair_stop(&x);
}

/* Nobody says where: the server port opens no connection, and no other port is taken. */
static void tcp_answer_without_a_way_is_lost(void **state)
{
        struct pair x;
        struct wire v;

        (void)state;
        pair_start(&x, NULL);
        log_init("test", LOG_ERROR);
        x.p.n.answer = 0;
        wire_open(&v, &x.w, &x.p.ps);
        wire_send(&v, span_of(over_tcp(&x.u.ps)));
        WAIT_FOR(&x.w, x.p.n.held);
        wire_close(&v, &x.w);
        WAIT_FOR(&x.w, post_stats(&x.p).conns == 0);
        sip_reply(node_take(&x.p.n), 200, NULL, NULL, 0);
        assert_int_equal(post_stats(&x.p).conns, 0);
        assert_int_equal(x.p.n.sent, 0);
        pair_stop(&x);
}

/* --- admission ------------------------------------------------------------------------------------- */

static void dropped_messages_leave_no_trace_but_one(void **state)
{
        struct pair x;
        struct wire v;
        struct sip_flow flow;
        unsigned n;

        (void)state;
        pair_start(&x, NULL);
        x.p.drop_start = "MESSAGE";
        x.p.drop = "not from this identity";
        raw_send(&x.r, &x.p.ps, raw_request(&x.r, "MESSAGE", "z9hG4bKa", ""));
        WAIT_FOR(&x.w, post_stats(&x.p).dropped == 1);
        assert_string_equal(x.p.n.last_note, "not from this identity");
        wire_open(&v, &x.w, &x.p.ps);
        wire_send(&v, span_of(over_tcp(&x.r.addr)));
        WAIT_FOR(&x.w, post_stats(&x.p).dropped == 2);
        raw_send(&x.r, &x.p.n.udp, raw_request(&x.r, "MESSAGE", "z9hG4bKb", "")); /* open ports, too */
        WAIT_FOR(&x.w, post_stats(&x.p).dropped == 3);
        assert_int_equal(post_stats(&x.p).server_txns, 0);
        assert_int_equal(x.p.n.requests + x.p.n.sent + x.p.begun, 0);
        assert_int_equal(post_stats(&x.p).received, 3);
        /* an answer that is dropped is none: the request is repeated, and answered */
        x.p.drop_start = "SIP/2.0 200";
        flow = flow_of(TRANSPORT_UDP, &x.p.pc, &x.r.addr);
        call_on(&x.call, &x.p, "MESSAGE", 0, &flow);
        WAIT_FOR(&x.w, x.r.n >= 1);
        raw_answer(&x.r, 0, "200 OK", "");
        WAIT_FOR(&x.w, post_stats(&x.p).dropped == 4);
        n = x.r.n;
        WAIT_FOR(&x.w, x.r.n > n);
        assert_false(x.call.done);
        raw_answer(&x.r, 0, "202 Accepted", "");
        WAIT_FOR(&x.w, x.call.done);
        assert_int_equal(x.call.status, 202);
        assert_false(v.closed);
        assert_int_equal(v.in.n, 0);
        wire_close(&v, &x.w);
        pair_stop(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(answers_go_where_the_owner_says),
                cmocka_unit_test(answers_without_a_say_follow_via),
                cmocka_unit_test(answers_never_leave_from_open_ports),
                cmocka_unit_test(answer_on_another_flow),
                cmocka_unit_test(tcp_answers_follow_the_connection),
                cmocka_unit_test(tcp_answer_without_a_way_is_lost),
                cmocka_unit_test(dropped_messages_leave_no_trace_but_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
