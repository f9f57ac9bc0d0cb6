/* SPDX-License-Identifier: BSD-3-Clause
 * Out of memory is an ordinary error: every allocation of a message, of a request on its way through the
 * stack and of its answer fails once. Nothing may be lost, and no request may stay without an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/sip/forward.h"
#include "tests/fuzz/fake_net.c"
#include "tests/unit/fail_alloc.h"

#define REQUEST(method, transport, branch)                                                                   \
        method " sip:bob@next.example SIP/2.0\r\nVia: SIP/2.0/" transport                                    \
               " 127.0.0.1:5061;rport;branch=z9hG4bK" branch                                                 \
               "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a1\r\n"                            \
               "To: <sip:bob@example.com>\r\nCall-ID: c\r\nCSeq: 1 " method "\r\n"                           \
               "Supported: path, gruu\r\nRoute: <sip:127.0.0.1;lr>, <sip:next.example;lr>\r\n"               \
               "Content-Length: 0\r\n\r\n"

static struct loop *loop;
static struct resolver *resolver;
static bool by_flow;
static struct sip_stack *stack;
static const struct sip_flow *client_flow; /* from a protected port, or NULL */
static long uses;

static void on_request(struct sip_request *rq, void *arg)
{
        struct sip_flow flow = {.transport = TRANSPORT_TCP, .remote = fake_net_addr(5090)};
        struct sip_forward f = {.target = {.uri = SPAN("sip:next.example")}};
        struct sip_edit e;

        (void)arg;
        if (by_flow)
                f.target.flow = &flow;
        if (client_flow)
                f.target.flow = client_flow;
        sip_edit_init(&e, rq->msg);
        sip_edit_pop_value(&e, SIP_HDR_ROUTE);
        sip_edit_remove_token(&e, SIP_HDR_SUPPORTED, SPAN("gruu"));
        sip_edit_insert(&e, SIP_HDR_PATH, SPAN("<sip:me;lr>"));
        sip_forward(rq, &e, &f);
        sip_edit_free(&e);
}

static void on_cancel(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_forward_cancel(rq);
}

static void on_use(const struct sip_flow *flow, int delta, void *arg)
{
        (void)flow, (void)arg;
        uses += delta;
        assert_true(uses >= 0);
}

static void on_trace(const struct sip_trace_info *t, void *arg)
{
        (void)t, (void)arg;
}

/* What the next hop says to the request sent last. */
static void respond(const char *status)
{
        struct span text_out = fake_net_sent();
        struct sip_msg *rq = NULL;
        const struct addr from = fake_net_addr(5090);
        char text[2048];
        size_t used, n;
        bool was = alloc_armed;

        alloc_armed = false;
        if (text_out.n && sip_msg_parse(text_out, SIP_DATAGRAM, &rq, &used) == 0 && rq->is_request) {
                n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", status);
                for (size_t i = 0; i < rq->n_hdrs; i++)
                        if (rq->hdrs[i].id == SIP_HDR_VIA || rq->hdrs[i].id == SIP_HDR_FROM ||
                            rq->hdrs[i].id == SIP_HDR_TO || rq->hdrs[i].id == SIP_HDR_CALL_ID ||
                            rq->hdrs[i].id == SIP_HDR_CSEQ)
                                n += (size_t)snprintf(text + n, sizeof(text) - n, SPAN_FMT,
                                                      SPAN_ARG(rq->hdrs[i].line));
                n += (size_t)snprintf(text + n, sizeof(text) - n, "Content-Length: 0\r\n\r\n");
                alloc_armed = was;
                fake_net_datagram(&from, span_make(text, n));
        }
        sip_msg_unref(rq);
        alloc_armed = was;
}

static void say(const char *text)
{
        const struct addr from = fake_net_addr(5061);

        fake_net_forget();
        fake_net_datagram(&from, span_of(text));
}

static void over_udp(void)
{
        say(REQUEST("REGISTER", "UDP", "r"));
        respond("200 OK");
        say(REQUEST("REGISTER", "UDP", "r"));
        say(REQUEST("INVITE", "UDP", "i"));
        respond("180 Ringing");
        say(REQUEST("CANCEL", "UDP", "i"));
        respond("487 Request Terminated");
        say(REQUEST("ACK", "UDP", "i"));
        say("NONSENSE\r\n\r\n");
}

static void over_tcp(void)
{
        static const char text[] = "\r\n\r\n" REQUEST("REGISTER", "TCP", "t") REQUEST("INVITE", "TCP", "u");
        const struct addr from = fake_net_addr(5061);
        struct tcp_conn *c = fake_net_connect(&from);

        by_flow = true;
        for (size_t at = 0; c && at < sizeof(text) - 1 && !c->closed; at += 100)
                c->h.on_data(c, span_sub(SPAN(text), at, at + 100), c->arg);
        if (c)
                tcp_close(c, false);
        fake_net_turn();
        by_flow = false;
}

/* Ports are opened, used both ways over both transports, and closed under what uses them. */
static void over_protected(void)
{
        static const struct {
                enum transport transport;
                const char *invite, *cancel, *ack, *other;
        } rows[] = {
                {TRANSPORT_UDP, REQUEST("INVITE", "UDP", "pi"), REQUEST("CANCEL", "UDP", "pi"),
                 REQUEST("ACK", "UDP", "pi"), REQUEST("REGISTER", "TCP", "pt")},
                {TRANSPORT_TCP, REQUEST("INVITE", "UDP", "pj"), REQUEST("CANCEL", "UDP", "pj"),
                 REQUEST("ACK", "UDP", "pj"), REQUEST("MESSAGE", "TCP", "pu")},
        };
        const struct addr ps = fake_net_addr(5070), pc = fake_net_addr(5071), uc = fake_net_addr(5061);
        struct sip_flow flow = {.local = pc, .remote = fake_net_addr(5062)};
        struct tcp_conn *c;

        if (sip_protected_open(stack, SIP_PORT_SERVER, &ps, 5070) != 0 ||
            sip_protected_open(stack, SIP_PORT_CLIENT, &pc, 5070) != 0)
                return;
        client_flow = &flow;
        for (int i = 0; i < 2; i++) {
                flow.transport = rows[i].transport;
                fake_net_forget();
                fake_net_datagram_to(&ps, &uc, span_of(rows[i].invite));
                respond("180 Ringing");
                fake_net_datagram_to(&ps, &uc, span_of(rows[i].cancel));
                respond("487 Request Terminated");
                fake_net_datagram_to(&ps, &uc, span_of(rows[i].ack));
                c = fake_net_connect_to(&ps, &uc);
                if (c)
                        c->h.on_data(c, span_of(rows[i].other), c->arg);
                sip_close_between(stack, &pc, &flow.remote);
        }
        sip_protected_close(stack, &pc);
        client_flow = NULL;
}

/* Runs with the nth allocation failing. */
static void live(void (*talk)(void), unsigned long nth)
{
        static const struct sip_stack_handlers handlers = {
                .on_request = on_request, .on_cancel = on_cancel, .on_trace = on_trace, .on_use = on_use};
        static const struct sip_stack_conf conf = {.sent_by = "me.example"};
        const struct addr at = fake_net_addr(5060);
        struct sip_stack *s = NULL;
        struct sip_stack_stats stats;

        assert_int_equal(sip_stack_new(loop, resolver, &conf, &handlers, NULL, &s), 0);
        assert_int_equal(sip_stack_listen(s, TRANSPORT_TCP, &at, NULL), 0);
        assert_int_equal(sip_stack_listen(s, TRANSPORT_UDP, &at, NULL), 0);
        stack = s;
        alloc_fail_at(nth);
        talk();
        alloc_armed = false;
        for (int i = 0; i < 4; i++) { /* failures that were put off are reported */
                (void)uv_run(loop_uv(loop), UV_RUN_NOWAIT);
                fake_net_turn();
        }
        sip_stack_stats(s, &stats);
        assert_in_range(stats.server_txns, 0, 6);
        sip_stack_free(s);
        assert_int_equal(uses, 0);
        fake_net_turn();
        assert_int_equal(fake_net_conns(), 0);
        fake_net_forget();
}

static void every_allocation(void (*talk)(void))
{
        unsigned long nth = 0, before;
        long held;

        live(talk, 1000000); /* what is made once only */
        live(talk, 0);
        live(talk, 1);
        alloc_armed = false;
        held = alloc_live;
        do {
                before = alloc_failed;
                live(talk, nth++);
                if (alloc_live != held)
                        fail_msg("%ld blocks are lost when allocation %lu fails", alloc_live - held, nth - 1);
        } while (alloc_failed > before && nth < 10000);
        print_message("%lu allocations\n", nth - 1);
        assert_true(nth > 20 && nth < 10000);
}

static void datagrams(void **state)
{
        (void)state;
        if (!CAN_FAIL)
                skip();
        every_allocation(over_udp);
}

static void connections(void **state)
{
        (void)state;
        if (!CAN_FAIL)
                skip();
        every_allocation(over_tcp);
}

static void protected_ports(void **state)
{
        (void)state;
        if (!CAN_FAIL)
                skip();
        every_allocation(over_protected);
}

int main(void)
{
        static char *hosts[] = {"next.example=127.0.0.1:5090"};
        const struct CMUnitTest tests[] = {cmocka_unit_test(datagrams), cmocka_unit_test(connections),
                                           cmocka_unit_test(protected_ports)};
        size_t bad = 0;
        int failures;

        log_init("test", LOG_ERROR);
        if (loop_new(&loop) != 0 || resolver_new(loop, hosts, 1, NULL, 0, &resolver, &bad) != 0)
                return 1;
        failures = cmocka_run_group_tests(tests, NULL, NULL);
        resolver_free(resolver);
        loop_free(loop);
        return failures;
}
