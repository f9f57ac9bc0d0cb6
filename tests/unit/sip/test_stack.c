/* SPDX-License-Identifier: BSD-3-Clause
 * The SIP stack between two nodes: UDP and TCP, rport, connections, fail-over, large messages. RFC 3261 18,
 * RFC 3581, RFC 3263. */
#include "tests/unit/sip/stack_world.h"

static void test_request_over(const char *transport)
{
        struct world w;
        struct node a, b;
        struct call call;
        struct sip_target t;
        char text[128];

        world_start(&w, NULL, 0);
        node_start(&a, &w, NULL);
        node_start(&b, &w, NULL);
        t = target_to(&b.udp, transport, text);
        call_start(&call, &a, "REGISTER", 0, &t);
        WAIT_FOR(&w, call.done);
        assert_int_equal(call.err, 0);
        assert_int_equal(call.status, 200);
        assert_int_equal(call.reports, 1);
        assert_int_equal(b.requests, 1);
        assert_non_null(strstr(call.text, "\r\nTo: <sip:bob@example.net>;tag="));
        assert_non_null(strstr(call.text, "\r\nContent-Length: 0\r\n\r\n"));
        node_stop(&a);
        node_stop(&b);
        world_stop(&w);
}

static void udp_request(void **state)
{
        (void)state;
        test_request_over(NULL);
        test_request_over("udp");
}

static void tcp_request(void **state)
{
        (void)state;
        test_request_over("tcp");
}

/* Two nodes that talk, for the tests below. */
struct pair {
        struct world w;
        struct node a, b;
        struct call call;
        struct sip_target t;
        char text[128];
};

static void pair_start(struct pair *p, const struct sip_stack_conf *a, const struct sip_stack_conf *b)
{
        world_start(&p->w, NULL, 0);
        node_start(&p->a, &p->w, a);
        node_start(&p->b, &p->w, b);
        p->t = target_to(&p->b.udp, NULL, p->text);
}

static void pair_stop(struct pair *p)
{
        node_stop(&p->a);
        node_stop(&p->b);
        world_stop(&p->w);
}

static void rport_asked_and_given(void **state)
{
        struct pair p;
        char want[64];

        (void)state;
        pair_start(&p, &(struct sip_stack_conf){.sent_by = "node.example.net"}, NULL);
        call_start(&p.call, &p.a, "REGISTER", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_non_null(strstr(p.a.last_out, "SIP/2.0/UDP node.example.net:"));
        assert_non_null(strstr(p.a.last_out, ";rport\r\n"));
        (void)snprintf(want, sizeof(want), ";rport=%u;received=127.0.0.1\r\n", addr_port(&p.a.udp));
        assert_non_null(strstr(p.call.text, want));
        assert_non_null(strstr(p.b.last, want)); /* the node sees it in the request, too */
        assert_int_equal(p.call.status, 200);
        pair_stop(&p);
}

/* A phone behind NAT: sent-by is not where it sends from. */
static void answer_goes_to_the_source(void **state)
{
        struct world w;
        struct node b;
        struct raw phone;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&b, &w, NULL);
        raw_start(&phone, &w);
        raw_send(&phone, &b.udp,
                 "REGISTER sip:example.net SIP/2.0\r\n"
                 "v: SIP/2.0/UDP 192.0.2.77:5060 ;rport;received=192.0.2.66;branch=z9hG4bKnat;keep , "
                 "SIP/2.0/UDP below.example.net;branch=z9hG4bK9\r\n"
                 "f: <sip:a@example.net>;tag=1\r\nt: <sip:a@example.net>\r\ni: nat\r\nCSeq: 1 "
                 "REGISTER\r\n\r\n");
        WAIT_FOR(&w, phone.n == 1);
        assert_non_null(strstr(phone.got[0], "SIP/2.0 200 OK\r\n"));
        assert_non_null(strstr(phone.got[0], "SIP/2.0/UDP 192.0.2.77:5060 ;branch=z9hG4bKnat;keep;rport="));
        assert_non_null(strstr(phone.got[0], ";received=127.0.0.1 , SIP/2.0/UDP below.example.net"));
        assert_null(strstr(phone.got[0], "192.0.2.66"));
        raw_stop(&phone);
        node_stop(&b);
        world_stop(&w);
}

/* Without rport the port of sent-by counts. */
static void answer_goes_to_sent_by_port(void **state)
{
        struct world w;
        struct node b;
        struct raw phone, other;
        char text[1024];

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&b, &w, NULL);
        raw_start(&phone, &w);
        raw_start(&other, &w);
        (void)snprintf(
                text, sizeof(text),
                "OPTIONS sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP phone.invalid:%u;branch=z9hG4bKs\r\n"
                "From: <sip:a@example.net>;tag=1\r\nTo: <sip:a@example.net>\r\nCall-ID: s\r\n"
                "CSeq: 1 OPTIONS\r\n\r\n",
                addr_port(&other.addr));
        raw_send(&phone, &b.udp, text);
        WAIT_FOR(&w, other.n == 1);
        assert_int_equal(phone.n, 0);
        assert_non_null(strstr(other.got[0], ";received=127.0.0.1\r\n"));
        raw_stop(&phone);
        raw_stop(&other);
        node_stop(&b);
        world_stop(&w);
}

static void connection_is_used_again(void **state)
{
        struct pair p;
        struct sip_stack_stats stats;
        struct sip_flow flow;

        (void)state;
        pair_start(&p, NULL, NULL);
        p.t = target_to(&p.b.tcp, "tcp", p.text);
        for (int i = 0; i < 5; i++) {
                call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
                WAIT_FOR(&p.w, p.call.done);
                assert_int_equal(p.call.status, 200);
        }
        sip_stack_stats(p.a.s, &stats);
        assert_int_equal(stats.conns, 1);
        sip_stack_stats(p.b.s, &stats);
        assert_int_equal(stats.conns, 1);

        /* the other way over the same connection, named by its flow */
        flow = p.b.last_flow;
        assert_int_not_equal(flow.conn_id, 0);
        call_start(&p.call, &p.b, "OPTIONS", 0, &(struct sip_target){.flow = &flow});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 200);
        sip_stack_stats(p.b.s, &stats);
        assert_int_equal(stats.conns, 1);
        pair_stop(&p);
}

/* A flow outlives its connection: the id is found no more, and a new connection is tried. */
static void stale_flow_is_harmless(void **state)
{
        struct pair p;
        struct sip_flow flow;

        (void)state;
        pair_start(&p, NULL, &(struct sip_stack_conf){.tcp_connect_ms = 500});
        p.t = target_to(&p.b.tcp, "tcp", p.text);
        call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        flow = p.b.last_flow;
        node_stop(&p.a); /* its end of the connection is gone */
        WAIT_FOR(&p.w, ({
                struct sip_stack_stats stats;
                sip_stack_stats(p.b.s, &stats);
                stats.conns == 0;
        }));
        call_start(&p.call, &p.b, "OPTIONS", 0, &(struct sip_target){.flow = &flow});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH);
        flow.conn_id = 0x123456789abcdef0; /* never existed; the address is served */
        flow.remote = p.b.tcp;
        call_start(&p.call, &p.b, "OPTIONS", 0, &(struct sip_target){.flow = &flow});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 200);
        node_stop(&p.b);
        world_stop(&p.w);
}

static void large_request_goes_over_tcp(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, NULL, NULL);
        call_start(&p.call, &p.a, "MESSAGE", 1500, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 200);
        assert_int_equal(p.b.last_flow.transport, TRANSPORT_TCP);
        assert_non_null(strstr(p.b.last, "Via: SIP/2.0/TCP 127.0.0.1:"));
        p.t.udp_max = 4000;
        call_start(&p.call, &p.a, "MESSAGE", 1500, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.b.last_flow.transport, TRANSPORT_UDP);
        pair_stop(&p);
}

/* RFC 3261 18.1.1: back to UDP when nobody takes TCP there. */
static void large_request_falls_back_to_udp(void **state)
{
        struct world w;
        struct node a;
        struct raw peer;
        struct call call;
        struct sip_target t;
        char text[128];

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&a, &w, NULL);
        raw_start(&peer, &w);
        t = target_to(&peer.addr, NULL, text);
        call_start(&call, &a, "MESSAGE", 1500, &t);
        WAIT_FOR(&w, peer.n >= 1);
        assert_non_null(strstr(peer.got[0], "Via: SIP/2.0/UDP 127.0.0.1:"));
        raw_answer(&peer, 0, "202 Accepted", "");
        WAIT_FOR(&w, call.done);
        assert_int_equal(call.status, 202);
        assert_int_equal(call.reports, 1);
        raw_stop(&peer);
        node_stop(&a);
        world_stop(&w);
}

/* An address where nobody listens, by TCP. */
static void dead_address(struct world *w, struct addr *out)
{
        struct raw r;

        raw_start(&r, w);
        *out = r.addr;
        raw_stop(&r);
}

static void fail_over_when_refused(void **state)
{
        struct world w;
        struct node a, b;
        struct call call;
        struct addr dead;
        char one[128], two[128], name[ADDR_STR];
        char *hosts[] = {one, two};
        struct resolver *r;
        size_t bad;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&b, &w, NULL);
        dead_address(&w, &dead);
        (void)snprintf(one, sizeof(one), "pool.test=%s/tcp", addr_str(&dead, name));
        (void)snprintf(two, sizeof(two), "pool.test=%s/tcp", addr_str(&b.tcp, name));
        assert_int_equal(resolver_new(w.loop, hosts, 2, NULL, 0, &r, &bad), 0);
        resolver_free(w.resolver);
        w.resolver = r;
        node_start(&a, &w, NULL);
        call_start(&call, &a, "OPTIONS", 0, &(struct sip_target){.uri = SPAN("sip:pool.test")});
        WAIT_FOR(&w, call.done);
        assert_int_equal(call.err, 0);
        assert_int_equal(call.status, 200);
        assert_int_equal(call.reports, 1);
        node_stop(&a);
        node_stop(&b);
        world_stop(&w);
}

/* Silence, then 503, then an answer: three attempts, each a transaction of its own. */
static void fail_over_after_silence_and_503(const char *method)
{
        struct world w;
        struct node a, b, c;
        struct raw silent;
        struct call call;
        char lines[3][128], name[ADDR_STR], *hosts[] = {lines[0], lines[1], lines[2]};
        char first_branch[64];
        size_t bad;

        world_start(&w, NULL, 0);
        node_start(&b, &w, NULL);
        node_start(&c, &w, NULL);
        raw_start(&silent, &w);
        b.answer = 503;
        (void)snprintf(lines[0], 128, "pool.test=%s", addr_str(&silent.addr, name));
        (void)snprintf(lines[1], 128, "pool.test=%s", addr_str(&b.udp, name));
        (void)snprintf(lines[2], 128, "pool.test=%s", addr_str(&c.udp, name));
        resolver_free(w.resolver);
        assert_int_equal(resolver_new(w.loop, hosts, 3, NULL, 0, &w.resolver, &bad), 0);
        node_start(&a, &w, NULL);
        call_start(&call, &a, method, 0,
                   &(struct sip_target){.uri = SPAN("sip:pool.test"), .answer_ms = 100});
        WAIT_FOR(&w, call.done);
        assert_int_equal(call.status, 200);
        assert_int_equal(b.requests, 1);
        assert_int_equal(c.requests, 1);
        assert_true(silent.n >= 1);
        memcpy(first_branch, strstr(silent.got[0], "z9hG4bK"), 23);
        first_branch[23] = '\0';
        assert_null(strstr(c.last, first_branch));
        if (strcmp(method, "INVITE") == 0) /* the 503 got its ACK, and only once */
                WAIT_FOR(&w, strstr(b.log, "<ACK"));
        world_pass(&w, 100);
        assert_int_equal(call.reports, 1);
        raw_stop(&silent);
        node_stop(&a);
        node_stop(&b);
        node_stop(&c);
        world_stop(&w);
}

static void fail_over_register(void **state)
{
        (void)state;
        fail_over_after_silence_and_503("REGISTER");
}

static void fail_over_invite(void **state)
{
        (void)state;
        fail_over_after_silence_and_503("INVITE");
}

static void last_503_is_the_answer(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, NULL, NULL);
        p.b.answer = 503;
        call_start(&p.call, &p.a, "REGISTER", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, 0);
        assert_int_equal(p.call.status, 503);
        pair_stop(&p);
}

static void unreachable_targets(void **state)
{
        struct pair p;
        struct addr dead;

        (void)state;
        pair_start(&p, NULL, NULL);
        assert_int_equal(call_try(&p.call, &p.a, "OPTIONS", 0, &(struct sip_target){.uri = SPAN("tel:+1")}),
                         -IMS_EINVAL);
        assert_int_equal(call_try(&p.call, &p.a, "OPTIONS", 0, &(struct sip_target){.uri = SPAN("sip:")}),
                         -IMS_EINVAL);
        dead_address(&p.w, &dead);
        p.t = target_to(&dead, "tcp", p.text);
        call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH);
        call_start(&p.call, &p.a, "OPTIONS", 0, &(struct sip_target){.uri = SPAN("sips:127.0.0.1:5061")});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH);
        call_start(&p.call, &p.a, "OPTIONS", 0, &(struct sip_target){.uri = SPAN("sip:[::1]:5060")});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH); /* no IPv6 listener */
        pair_stop(&p);
}

/* Nobody listens there by UDP: ICMP says so, and the next address has its turn at once. */
static void fail_over_when_icmp_says_so(void **state)
{
        struct world w;
        struct node a, b;
        struct call call;
        struct addr dead;
        char one[128], two[128], name[ADDR_STR], *hosts[] = {one, two};
        struct sip_target t = {.uri = SPAN("sip:pool.test")};
        size_t bad;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&b, &w, NULL);
        dead_address(&w, &dead);
        (void)snprintf(one, sizeof(one), "pool.test=%s", addr_str(&dead, name));
        (void)snprintf(two, sizeof(two), "pool.test=%s", addr_str(&b.udp, name));
        resolver_free(w.resolver);
        assert_int_equal(resolver_new(w.loop, hosts, 2, NULL, 0, &w.resolver, &bad), 0);
        node_start(&a, &w, &(struct sip_stack_conf){.t1_ms = 60000});
        for (unsigned i = 1; i <= 3; i++) {
                call_start(&call, &a, "OPTIONS", 0, &t);
                WAIT_FOR(&w, call.done);
                assert_int_equal(call.status, 200);
                assert_int_equal(b.requests, i);
        }
        t = target_to(&dead, NULL, one);
        call_start(&call, &a, "OPTIONS", 0, &t);
        WAIT_FOR(&w, call.done);
        assert_int_equal(call.err, -IMS_EUNREACH);
        node_stop(&a);
        node_stop(&b);
        world_stop(&w);
}

/* The connection of a waiting request ends: its owner hears at once, not after Timer F. */
static void peer_that_hangs_up(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, &(struct sip_stack_conf){.t1_ms = 10000}, NULL);
        p.b.answer = 0;
        p.t = target_to(&p.b.tcp, "tcp", p.text);
        call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
        WAIT_FOR(&p.w, p.b.held);
        node_stop(&p.b);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH);
        node_stop(&p.a);
        world_stop(&p.w);
}

/* Shutdown with everything pending: owners hear once, nothing leaks (the sanitizer says so). */
static void shutdown_with_transactions_pending(void **state)
{
        struct pair p;
        struct call invite, lost, tcp;
        struct addr dead;
        struct raw silent;
        char text[2][128];
        struct sip_target t;

        (void)state;
        pair_start(&p, NULL, NULL);
        p.b.answer = 0;
        dead_address(&p.w, &dead);
        call_start(&p.call, &p.a, "REGISTER", 0, &p.t);
        WAIT_FOR(&p.w, p.b.held);
        raw_start(&silent, &p.w);
        t = target_to(&silent.addr, NULL, text[0]);
        call_start(&lost, &p.a, "OPTIONS", 0, &t);
        p.b.answer = 180;
        call_start(&invite, &p.a, "INVITE", 0, &p.t);
        WAIT_FOR(&p.w, invite.provisional);
        t = target_to(&dead, "tcp", text[1]);
        call_start(&tcp, &p.a, "OPTIONS", 0, &t);
        node_stop(&p.a);
        assert_int_equal(p.call.err, -IMS_ECANCELED);
        assert_int_equal(lost.err, -IMS_ECANCELED);
        assert_int_equal(invite.err, -IMS_ECANCELED);
        assert_int_equal(tcp.err, -IMS_ECANCELED);
        sip_stack_free(p.b.s);
        sip_reply(p.b.held, 200, NULL, NULL, 0); /* goes nowhere, frees the request */
        sip_request_unref(p.b.ringing);
        raw_stop(&silent);
        world_stop(&p.w);
}

static void own_addresses(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, &(struct sip_stack_conf){.sent_by = "pcscf.example.net"}, NULL);
        assert_true(sip_stack_is_self(p.a.s, SPAN("127.0.0.1"), addr_port(&p.a.udp)));
        assert_true(sip_stack_is_self(p.a.s, SPAN("PCSCF.example.net"), addr_port(&p.a.udp)));
        assert_true(sip_stack_is_self(p.a.s, SPAN("pcscf.example.net"), 0));
        assert_false(sip_stack_is_self(p.a.s, SPAN("pcscf.example.net"), 1));
        assert_false(sip_stack_is_self(p.a.s, SPAN("127.0.0.2"), addr_port(&p.a.udp)));
        assert_false(sip_stack_is_self(p.a.s, SPAN("127.0.0.1"), addr_port(&p.b.udp)));
        assert_false(sip_stack_is_self(p.a.s, SPAN("icscf.example.net"), 0));
        assert_false(sip_stack_is_self(p.b.s, SPAN("pcscf.example.net"), 0));
        pair_stop(&p);
}

static void listening_twice_is_refused(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, NULL, NULL);
        assert_int_equal(sip_stack_listen(p.b.s, TRANSPORT_UDP, &p.a.udp, NULL), -IMS_EADDRINUSE);
        assert_int_equal(sip_stack_listen(p.b.s, TRANSPORT_TCP, &p.a.tcp, NULL), -IMS_EADDRINUSE);
        assert_int_equal(sip_stack_listen(p.b.s, TRANSPORT_TLS, &p.a.tcp, NULL), -IMS_EUNSUPPORTED);
        pair_stop(&p);
}

static void ipv6(void **state)
{
        struct pair p;
        struct addr any, v6;

        (void)state;
        pair_start(&p, NULL, NULL);
        assert_int_equal(addr_parse(SPAN("[::1]:0"), 0, &any), 0);
        if (sip_stack_listen(p.b.s, TRANSPORT_UDP, &any, &v6) == -IMS_EIO) {
                pair_stop(&p);
                skip(); /* this kernel has no IPv6 */
        }
        assert_int_equal(sip_stack_listen(p.b.s, TRANSPORT_TCP, &v6, NULL), 0);
        assert_int_equal(sip_stack_listen(p.a.s, TRANSPORT_UDP, &any, NULL), 0);
        p.t = target_to(&v6, NULL, p.text);
        call_start(&p.call, &p.a, "REGISTER", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 200);
        assert_non_null(strstr(p.b.last, "Via: SIP/2.0/UDP [::1]:"));
        assert_non_null(strstr(p.b.last, ";received=::1\r\n"));
        p.t = target_to(&v6, "tcp", p.text);
        call_start(&p.call, &p.a, "REGISTER", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 200);
        pair_stop(&p);
}

/* A request nobody answers is a bug of the node; the peer still gets its answer. */
static void forgotten_request_gets_500(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, NULL, NULL);
        p.b.answer = -1;
        log_init("test", LOG_ERROR);
        call_start(&p.call, &p.a, "REGISTER", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 500);
        pair_stop(&p);
}

static void answer_with_fields_and_body(void **state)
{
        static const struct sip_field add[] = {
                {SIP_HDR_CONTACT, {"<sip:b@192.0.2.1>", 17}},
                {SIP_HDR_OTHER, {"X-Lab: 1", 8}},
        };
        struct pair p;
        struct sip_request *rq;

        (void)state;
        pair_start(&p, NULL, &(struct sip_stack_conf){.server = "quintet"});
        p.b.answer = 0;
        call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
        WAIT_FOR(&p.w, p.b.held);
        rq = node_take(&p.b);
        sip_reply(rq, 183, "Wait", NULL, 0);
        assert_false(sip_request_answered(rq));
        sip_request_ref(rq);
        sip_reply_body(rq, 200, add, 2, SPAN("text/plain"), SPAN("hello"));
        assert_true(sip_request_answered(rq));
        sip_reply(rq, 404, NULL, NULL, 0); /* one answer is enough; this is only logged */
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.provisional, 1);
        assert_int_equal(p.call.status, 200);
        assert_non_null(strstr(p.call.text,
                               "\r\nContact: <sip:b@192.0.2.1>\r\nX-Lab: 1\r\nServer: quintet\r\n"
                               "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"));
        world_pass(&p.w, 50);
        assert_int_equal(p.call.reports, 1);
        pair_stop(&p);
}

static void stateless_request(void **state)
{
        struct pair p;
        struct sip_msg *m = world_request("ACK", 0);
        struct sip_edit e;

        (void)state;
        pair_start(&p, NULL, NULL);
        sip_edit_init(&e, m);
        assert_int_equal(sip_send_stateless(p.a.s, &e, &p.t), 0);
        WAIT_FOR(&p.w, p.b.acks == 1);
        p.t = target_to(&p.b.tcp, "tcp", p.text);
        assert_int_equal(sip_send_stateless(p.a.s, &e, &p.t), 0);
        WAIT_FOR(&p.w, p.b.acks == 2);
        assert_int_equal(sip_send_stateless(p.a.s, &e, NULL), -IMS_EINVAL);
        sip_edit_free(&e);
        sip_msg_unref(m);
        pair_stop(&p);
}

static void abandoned_client_is_silent(void **state)
{
        struct pair p;

        (void)state;
        pair_start(&p, NULL, NULL);
        call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
        sip_client_abandon(p.call.c);
        WAIT_FOR(&p.w, strstr(p.a.log, "<200"));
        world_pass(&p.w, 50);
        assert_int_equal(p.call.reports, 0);
        pair_stop(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(udp_request),
                cmocka_unit_test(tcp_request),
                cmocka_unit_test(rport_asked_and_given),
                cmocka_unit_test(answer_goes_to_the_source),
                cmocka_unit_test(answer_goes_to_sent_by_port),
                cmocka_unit_test(connection_is_used_again),
                cmocka_unit_test(stale_flow_is_harmless),
                cmocka_unit_test(large_request_goes_over_tcp),
                cmocka_unit_test(large_request_falls_back_to_udp),
                cmocka_unit_test(fail_over_when_refused),
                cmocka_unit_test(fail_over_register),
                cmocka_unit_test(fail_over_invite),
                cmocka_unit_test(last_503_is_the_answer),
                cmocka_unit_test(unreachable_targets),
                cmocka_unit_test(fail_over_when_icmp_says_so),
                cmocka_unit_test(peer_that_hangs_up),
                cmocka_unit_test(shutdown_with_transactions_pending),
                cmocka_unit_test(own_addresses),
                cmocka_unit_test(listening_twice_is_refused),
                cmocka_unit_test(ipv6),
                cmocka_unit_test(forgotten_request_gets_500),
                cmocka_unit_test(answer_with_fields_and_body),
                cmocka_unit_test(stateless_request),
                cmocka_unit_test(abandoned_client_is_silent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
