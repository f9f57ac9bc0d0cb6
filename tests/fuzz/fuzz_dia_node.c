/* SPDX-License-Identifier: BSD-3-Clause
 * A Diameter node and a peer without manners: framing, capabilities exchange, watchdog, disconnection,
 * requests, answers.
 *
 * Bit 0 of the first octet: the peer connects, or the node does; bit 1: CER or CEA of a decent peer comes
 * first; bit 2: any peer is welcome; bit 3: the first message gets the identifiers of the node's LIR, as an
 * answer to it; bits 4 to 7: size of the pieces. */
#include "tests/fuzz/fuzz.h"

#include "common/base/log.h"
#include "common/diameter/check.h"
#include "common/diameter/cx.h"
#include "tests/fuzz/fake_net.h"

/* The realm of the messages in the corpus, so that they arrive. */
#define REALM "ims.mnc001.mcc001.3gppnetwork.org"

static void on_request(struct dia_request *rq, void *arg)
{
        struct msg *answer = NULL;

        (void)arg;
        MUST(rq->msg != NULL);
        if (dia_answer_new(rq, &answer) == 0)
                dia_answer_send(rq, answer);
        else
                dia_answer_error(rq, 3004, NULL, "busy");
}

static void on_trace(const struct dia_trace_info *t, void *arg)
{
        struct dia_header h;

        (void)arg;
        if (!t->outbound)
                return;
        MUST(t->octets.n >= 20 && t->octets.n % 4 == 0 && t->octets.p[0] == 1); /* what we say can be read */
        h = dia_header_get(t->octets.p);
        MUST(h.length == t->octets.n);
}

static int waiting; /* requests of ours whose end was not reported */

static void on_lia(int err, const struct cx_lia *ans, void *arg)
{
        MUST(err <= 0 && (err || ans));
        --*(int *)arg;
        MUST(*(int *)arg >= 0);
}

/* CER or CEA as a decent peer sends it. */
static struct span greeting(bool request)
{
        static uint8_t m[256];
        static const char host[] = "peer.example", realm[] = REALM;
        size_t n = 20;
        const struct {
                uint32_t code;
                const void *p;
                uint8_t n;
        } avps[] = {{264, host, sizeof(host) - 1},
                    {296, realm, sizeof(realm) - 1},
                    {257, "\0\1\177\0\0\1", 6},
                    {266, "\0\0\0\0", 4},
                    {269, "x", 1},
                    {265, "\0\0\050\257", 4},
                    {258, "\1\0\0\0", 4},
                    {268, "\0\0\7\321", 4}};

        memset(m, 0, sizeof(m));
        for (size_t i = 0; i < sizeof(avps) / sizeof(avps[0]) - request; i++) {
                m[n + 2] = (uint8_t)(avps[i].code >> 8);
                m[n + 3] = (uint8_t)avps[i].code;
                m[n + 4] = avps[i].code == 269 ? 0 : 0x40;
                m[n + 7] = (uint8_t)(8 + avps[i].n);
                memcpy(m + n + 8, avps[i].p, avps[i].n);
                n += (8 + avps[i].n + 3u) & ~3u;
        }
        m[0] = 1;
        m[3] = (uint8_t)n;
        m[4] = request ? 0x80 : 0;
        m[6] = 1;
        m[7] = 1;
        return span_make(m, n);
}

/* The node's own connection: the identifiers of its CER come back in our CEA. */
static struct span greeting_back(void)
{
        struct span sent = fake_net_sent(), cea = greeting(false);

        if (sent.n >= 20)
                memcpy((char *)(uintptr_t)cea.p + 12, sent.p + 12, 8);
        return cea;
}

static bool feed(struct tcp_conn *c, struct span data, size_t piece)
{
        bool up = fake_net_feed(c, data, piece);

        if (!up)
                fake_net_turn();
        return up;
}

/* What the input says. */
static void say(struct tcp_conn *c, const uint8_t *data, size_t n)
{
        const struct span sent = fake_net_sent(); /* the LIR */
        uint8_t *copy = malloc(n);

        MUST(copy != NULL);
        memcpy(copy, data, n);
        if (data[0] & 8 && n > 20 && sent.n >= 20)
                memcpy(copy + 13, sent.p + 12, 8);
        if (feed(c, span_make(copy + 1, n - 1), (size_t)1 << (data[0] >> 4)))
                tcp_close(c, false);
        free(copy);
}

static void talk(struct dia_node *node, const uint8_t *data, size_t n)
{
        const struct addr from = fake_net_addr(40001);
        const bool dials = data[0] & 1;
        struct tcp_conn *c = dials ? fake_net_connect(&from) : fake_net_dialled();
        struct cx_lir lir = {.impu = SPAN("sip:a@example")};
        struct dia_txn *txn = NULL;

        if (c && data[0] & 2 && !feed(c, dials ? greeting(true) : greeting_back(), 4096))
                return;
        fake_net_forget();
        if (cx_send_lir(node, &lir, 0, on_lia, &waiting, &txn) == 0)
                waiting++;
        if (c)
                say(c, data, n);
        fake_net_turn();
}

static void play(struct loop *l, const uint8_t *data, size_t n)
{
        static const struct dia_handlers handlers = {.on_request = on_request, .on_trace = on_trace};
        const struct addr at = fake_net_addr(3868);
        const struct dia_peer_conf peer = {.identity = "peer.example",
                                           .addr = fake_net_addr(data[0] & 1 ? 0 : 3869)};
        const struct dia_node_conf conf = {.identity = "hss." REALM,
                                           .realm = REALM,
                                           .listen = &at,
                                           .n_listen = 1,
                                           .peers = &peer,
                                           .n_peers = 1,
                                           .accept_unknown = data[0] & 4};
        struct dia_node *node = NULL;

        MUST(dia_node_new(l, &conf, &handlers, NULL, &node) == 0);
        (void)uv_run(loop_uv(l), UV_RUN_NOWAIT); /* the node dials */
        fake_net_turn();
        talk(node, data, n);
        dia_node_free(node);
        fake_net_turn();
        MUST(waiting == 0 && fake_net_conns() == 0);
        fake_net_forget();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static struct loop *l;

        if (!l) {
                log_init("fuzz", LOG_ERROR);
                MUST(loop_new(&l) == 0);
        }
        if (n)
                play(l, data, n);
        return 0;
}
