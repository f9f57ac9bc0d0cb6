/* SPDX-License-Identifier: BSD-3-Clause
 * The SIP stack under a hostile network: framing of streams, transactions, forwarding, answers.
 *
 * The first octet of an input chooses: bit 0 stream or datagrams, bits 1 and 2 what the node does with
 * requests, bit 3 whether all comes to a protected port, bits 4 to 7 the size of the pieces of a stream.
 * Datagrams are separated by 0x1e; one that begins with "SIP/2.0" becomes a response to the request that was
 * sent last; the words "close", "open" and "between" do that to the client port and its connection. */
#include "tests/fuzz/fuzz.h"

#include "common/base/log.h"
#include "common/sip/forward.h"
#include "common/trace/sip_trace.h"
#include "tests/fuzz/fake_net.h"

#define SEPARATOR '\x1e'

static unsigned behaviour;
static struct sip_request *held;
static bool faulty; /* a message that cannot be read came */
static bool protected;
static struct sip_stack *stack;
static long uses; /* of protected ports */

#define OPEN_PORT   5060
#define SERVER_PORT 5070 /* port_ps */
#define CLIENT_PORT 5071 /* port_pc */
#define PEER_CLIENT 5061 /* port_uc */
#define PEER_SERVER 5062 /* port_us */

static struct sip_flow to_peer(enum transport t)
{
        return (struct sip_flow){
                .transport = t, .local = fake_net_addr(CLIENT_PORT), .remote = fake_net_addr(PEER_SERVER)};
}

static bool client_port_is_open(void)
{
        struct addr pc = fake_net_addr(CLIENT_PORT);

        return sip_port_of(stack, &pc) == SIP_PORT_CLIENT;
}

/* Answers at once, later, forwards over TCP, or forwards to a name over UDP. */
static void on_request(struct sip_request *rq, void *arg)
{
        struct sip_flow flow = {.transport = TRANSPORT_TCP, .remote = fake_net_addr(5090)};
        struct sip_forward f = {.target = {.uri = SPAN("sip:next.example")}};
        struct sip_edit e;

        (void)arg;
        if (behaviour == 0) {
                if (rq->msg->method == SIP_ACK)
                        sip_request_unref(rq);
                else
                        sip_reply(rq, 200, NULL, NULL, 0);
                return;
        }
        if (behaviour == 1) {
                if (held && !sip_request_answered(held) && held->msg->method != SIP_ACK)
                        sip_reply(held, 486, NULL, NULL, 0);
                else
                        sip_request_unref(held);
                held = rq;
                if (rq->msg->method != SIP_ACK)
                        sip_reply(rq, 180, NULL, NULL, 0);
                return;
        }
        if (protected && client_port_is_open())
                flow = to_peer(rq->msg->n > 400 ? TRANSPORT_TCP : TRANSPORT_UDP);
        if (behaviour == 2)
                f.target.flow = &flow;
        sip_edit_init(&e, rq->msg);
        sip_edit_pop_value(&e, SIP_HDR_ROUTE);
        sip_forward(rq, &e, &f);
        sip_edit_free(&e);
}

static void on_cancel(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_forward_cancel(rq);
}

static bool admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg)
{
        (void)flow, (void)arg;
        *note = "dropped: not admitted";
        return !span_starts(m->call_id, SPAN("drop"));
}

static bool answer_flow(const struct sip_flow *in, struct sip_flow *out, void *arg)
{
        (void)arg;
        MUST(addr_port(&in->local) == SERVER_PORT || addr_port(&in->local) == CLIENT_PORT);
        *out = to_peer(in->transport);
        return client_port_is_open();
}

static void on_use(const struct sip_flow *flow, int delta, void *arg)
{
        uint16_t port = addr_port(&flow->local);

        (void)arg;
        MUST(port == SERVER_PORT || port == CLIENT_PORT);
        uses += delta;
        MUST(uses >= 0);
}

/* What comes to a protected port is answered from one. */
static void check_way(const struct sip_trace_info *t)
{
        uint16_t port = addr_port(&t->flow->local);

        if (protected && span_starts(t->octets, SPAN("SIP/2.0")))
                MUST(port == SERVER_PORT || port == CLIENT_PORT);
        if (!protected)
                MUST(port != SERVER_PORT && port != CLIENT_PORT);
}

static void on_trace(const struct sip_trace_info *t, void *arg)
{
        struct sip_msg *m = NULL;
        size_t used;

        (void)arg;
        MUST(t->octets.n > 0 || t->note);
        if (t->outbound)
                check_way(t);
        if (!t->outbound)
                faulty = faulty || (t->msg && t->msg->fault); /* its answer holds the same fields */
        if (!t->outbound || faulty)
                return;
        /* what we say must be readable, and whole */
        MUST(sip_msg_parse(t->octets, SIP_STREAM, &m, &used) == 0);
        MUST(used == t->octets.n);
        sip_msg_unref(m);
}

/* The last request that was sent, or NULL. */
static struct sip_msg *last_request(void)
{
        struct span sent = fake_net_sent();
        struct sip_msg *m, *last = NULL;
        size_t used;

        while (sent.n && sip_msg_parse(sent, SIP_STREAM, &m, &used) == 0) {
                sent = span_sub(sent, used, sent.n);
                if (m->is_request) {
                        sip_msg_unref(last);
                        last = sip_msg_ref(m);
                }
                sip_msg_unref(m);
        }
        return last;
}

static void deliver(const struct addr *from, struct span text)
{
        struct addr to = fake_net_addr(protected ? SERVER_PORT : OPEN_PORT);

        fake_net_datagram_to(&to, from, text);
}

/* A response to the last request that was sent: its start line and further fields are those of text. */
static void respond(const struct addr *from, struct span text)
{
        struct span start, rest = text;
        struct sip_msg *rq = last_request();
        struct buf out = BUF_INIT;

        if (!rq || !span_split(&rest, '\n', &start)) {
                sip_msg_unref(rq);
                deliver(from, text);
                return;
        }
        buf_span(&out, start);
        buf_char(&out, '\n');
        for (size_t i = 0; i < rq->n_hdrs; i++)
                if (rq->hdrs[i].id == SIP_HDR_VIA || rq->hdrs[i].id == SIP_HDR_FROM ||
                    rq->hdrs[i].id == SIP_HDR_TO || rq->hdrs[i].id == SIP_HDR_CALL_ID ||
                    rq->hdrs[i].id == SIP_HDR_CSEQ)
                        buf_span(&out, rq->hdrs[i].line);
        buf_span(&out, rest);
        deliver(from, buf_as_span(&out));
        buf_free(&out);
        sip_msg_unref(rq);
}

/* What was due, also the answer of the resolver. */
static void turn(struct loop *l)
{
        fake_net_turn();
        (void)uv_run(loop_uv(l), UV_RUN_NOWAIT);
        fake_net_turn();
}

/* True when text is one of the words that do something to the client port. */
static bool ports(struct span text)
{
        struct sip_flow peer = to_peer(TRANSPORT_TCP);

        if (span_eq(text, SPAN("close")))
                sip_protected_close(stack, &peer.local);
        else if (span_eq(text, SPAN("open")))
                (void)!sip_protected_open(stack, SIP_PORT_CLIENT, &peer.local, SERVER_PORT);
        else if (span_eq(text, SPAN("between")))
                sip_close_between(stack, &peer.local, &peer.remote);
        else
                return false;
        return true;
}

static void datagrams(struct loop *l, struct span rest)
{
        struct addr from = fake_net_addr(PEER_CLIENT);
        struct span text, sent = SPAN_NULL;

        while (span_split(&rest, SEPARATOR, &text)) {
                if (protected && ports(text)) {
                        fake_net_turn();
                } else if (span_starts(text, SPAN("SIP/2.0"))) {
                        respond(&from, text);
                } else {
                        fake_net_forget();
                        deliver(&from, text);
                }
                sent = fake_net_sent();
                MUST(sent.n == 0 || sent.p);
                turn(l);
        }
}

static void stream(struct span data, size_t piece)
{
        struct addr from = fake_net_addr(PEER_CLIENT);
        struct addr to = fake_net_addr(protected ? SERVER_PORT : OPEN_PORT);
        struct tcp_conn *c = fake_net_connect_to(&to, &from);

        if (c && fake_net_feed(c, data, piece))
                tcp_close(c, false);
        fake_net_turn();
}

static void play(struct loop *l, struct resolver *r, const uint8_t *data, size_t n)
{
        static const struct sip_stack_handlers handlers = {.on_request = on_request,
                                                           .on_cancel = on_cancel,
                                                           .on_trace = on_trace,
                                                           .admit = admit,
                                                           .answer_flow = answer_flow,
                                                           .on_use = on_use};
        static const struct sip_stack_conf conf = {.message_max = 20000, .max_transactions = 16};
        struct addr at = fake_net_addr(OPEN_PORT), ps = fake_net_addr(SERVER_PORT);
        struct addr pc = fake_net_addr(CLIENT_PORT);
        struct sip_stack *s = NULL;
        struct sip_stack_stats stats;

        MUST(sip_stack_new(l, r, &conf, &handlers, NULL, &s) == 0);
        MUST(sip_stack_listen(s, TRANSPORT_TCP, &at, NULL) == 0);
        MUST(sip_stack_listen(s, TRANSPORT_UDP, &at, NULL) == 0);
        MUST(sip_protected_open(s, SIP_PORT_SERVER, &ps, SERVER_PORT) == 0);
        MUST(sip_protected_open(s, SIP_PORT_CLIENT, &pc, SERVER_PORT) == 0);
        stack = s;
        faulty = false;
        uses = 0;
        behaviour = data[0] >> 1 & 3;
        protected = data[0] >> 3 & 1;
        if (data[0] & 1)
                stream(span_make(data + 1, n - 1), (size_t)1 << (data[0] >> 4));
        else
                datagrams(l, span_make(data + 1, n - 1));
        sip_stack_stats(s, &stats);
        MUST(stats.server_txns <= 16);
        fake_net_turn();
        sip_stack_free(s);
        MUST(uses == 0);
        sip_request_unref(held);
        held = NULL;
        fake_net_turn();
        MUST(fake_net_conns() == 0);
        fake_net_forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static char *hosts[] = {"next.example=127.0.0.1:5090"};
        static struct loop *l;
        static struct resolver *r;
        size_t bad = 0;

        if (!l) {
                log_init("fuzz", LOG_ERROR);
                MUST(loop_new(&l) == 0);
                MUST(resolver_new(l, hosts, 1, NULL, 0, &r, &bad) == 0);
        }
        if (n)
                play(l, r, data, n);
        return 0;
}
