/* SPDX-License-Identifier: BSD-3-Clause
 * The SIP stack under a hostile network: framing of streams, transactions, forwarding, answers.
 *
 * The first octet of an input chooses: bit 0 stream or datagrams, bits 1 and 2 what the node does with
 * requests, bits 3 to 7 the size of the pieces of a stream. Datagrams are separated by 0x1e; one that begins
 * with "SIP/2.0" becomes a response to the request that was sent last. */
#include "tests/fuzz/fuzz.h"

#include "common/base/log.h"
#include "common/sip/forward.h"
#include "common/trace/sip_trace.h"
#include "tests/fuzz/fake_net.h"

#define SEPARATOR '\x1e'

static unsigned behaviour;
static struct sip_request *held;
static bool faulty; /* a message that cannot be read came */

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

static void on_trace(const struct sip_trace_info *t, void *arg)
{
        struct sip_msg *m = NULL;
        size_t used;

        (void)arg;
        MUST(t->octets.n > 0 || t->note);
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

/* A response to the last request that was sent: its start line and further fields are those of text. */
static void respond(const struct addr *from, struct span text)
{
        struct span start, rest = text;
        struct sip_msg *rq = last_request();
        struct buf out = BUF_INIT;

        if (!rq || !span_split(&rest, '\n', &start)) {
                sip_msg_unref(rq);
                fake_net_datagram(from, text);
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
        fake_net_datagram(from, buf_as_span(&out));
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

static void datagrams(struct loop *l, struct span rest)
{
        struct addr from = fake_net_addr(5061);
        struct span text, sent = SPAN_NULL;

        while (span_split(&rest, SEPARATOR, &text)) {
                if (span_starts(text, SPAN("SIP/2.0"))) {
                        respond(&from, text);
                } else {
                        fake_net_forget();
                        fake_net_datagram(&from, text);
                }
                sent = fake_net_sent();
                MUST(sent.n == 0 || sent.p);
                turn(l);
        }
}

static void stream(struct span data, size_t piece)
{
        struct addr from = fake_net_addr(5061);
        struct tcp_conn *c = fake_net_connect(&from);

        if (c && fake_net_feed(c, data, piece))
                tcp_close(c, false);
        fake_net_turn();
}

static void play(struct loop *l, struct resolver *r, const uint8_t *data, size_t n)
{
        static const struct sip_stack_handlers handlers = {
                .on_request = on_request, .on_cancel = on_cancel, .on_trace = on_trace};
        static const struct sip_stack_conf conf = {.message_max = 20000, .max_transactions = 16};
        struct addr at = fake_net_addr(5060);
        struct sip_stack *s = NULL;
        struct sip_stack_stats stats;

        MUST(sip_stack_new(l, r, &conf, &handlers, NULL, &s) == 0);
        MUST(sip_stack_listen(s, TRANSPORT_TCP, &at, NULL) == 0);
        MUST(sip_stack_listen(s, TRANSPORT_UDP, &at, NULL) == 0);
        faulty = false;
        behaviour = data[0] >> 1 & 3;
        if (data[0] & 1)
                stream(span_make(data + 1, n - 1), (size_t)1 << (data[0] >> 4));
        else
                datagrams(l, span_make(data + 1, n - 1));
        sip_stack_stats(s, &stats);
        MUST(stats.server_txns <= 16);
        fake_net_turn();
        sip_stack_free(s);
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
