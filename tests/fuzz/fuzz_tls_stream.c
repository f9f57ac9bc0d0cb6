/* SPDX-License-Identifier: BSD-3-Clause
 * The reader of TLS, of a server and of a client, under octets of anybody and under real handshakes that are
 * altered on their way.
 *
 * The first octet of an input chooses: bits 0 and 1 who reads (0 a server that hears the rest of the input, 1
 * a client that does, else both ends of a connection), bit 2 TLS 1.2 at most, bits 3 to 7 the size of the
 * pieces. Between two ends the rest is read as alterations, five octets each: after how many pieces, at which
 * octet (two), what is done (0 to 7: change, drop, double, insert, cut, swap with the next, renegotiate,
 * close), a value. Whatever is done to the octets, what an end delivers is a beginning of what the other one
 * sent. */
#include "tests/fuzz/fuzz.h"

#include "common/base/buf.h"
#include "common/net/tls.h"
#include "tests/fuzz/fake_net.h"

#define NAME       "pcscf.ims.example"
#define PIECES_MAX 400
#define WORDS      "the words of one end, long enough to be cut"
#define ALTERATION 5
#define VERSIONS   2

struct end {
        struct tcp_conn *c;
        struct buf got;
        unsigned sessions, closes;
};

static struct loop *loop;
static struct tls_context *servers[VERSIONS], *client;
static struct end server_end, client_end;
static unsigned version;

static void on_connect(struct tcp_conn *c, void *arg)
{
        MUST(((struct end *)arg)->c == c);
        if (tcp_send(c, SPAN(WORDS)) != 0)
                tcp_close(c, false);
}

static void on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct end *e = arg;
        const struct span words = SPAN(WORDS);

        MUST(e->c == c && data.n > 0);
        buf_span(&e->got, data);
        MUST(span_starts(words, buf_as_span(&e->got))); /* nobody between can add or change a word */
        if (e == &server_end && e->got.n == words.n && tcp_send(c, words) != 0)
                tcp_close(c, false);
}

static void on_session(struct tcp_conn *c, const struct tls_info *info, void *arg)
{
        struct end *e = arg;

        MUST(e->c == c && info->version && info->cipher && info->session_id_n == 32);
        MUST(e != &client_end || info->verified);
        e->sessions++;
}

static void on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct end *e = arg;

        MUST(e->closes++ == 0 && e->c == c);
        MUST(reason == 0 || *tls_failure(c));
        MUST(e->sessions || e->got.n == 0);
        e->c = NULL;
}

static const struct tcp_handlers handlers = {on_connect, on_data, on_close};

static void on_accept(struct tcp_conn *c, void *arg)
{
        const struct tls_hooks hooks = {.on_session = on_session, .arg = &server_end};

        (void)arg;
        server_end.c = c;
        tcp_set_handlers(c, &handlers, &server_end);
        MUST(tls_start(c, servers[version], NULL, &hooks) == 0);
}

static void set_up(void)
{
        struct tls_conf conf = {.certificate = TEST_DATA "/tls/server.pem",
                                .key = TEST_DATA "/tls/server.key",
                                .ca = TEST_DATA "/tls/ca.pem",
                                .max_sessions = 4,
                                .client_renegotiations = 1};
        struct tcp_listener *listener;
        struct buf err = BUF_INIT;

        MUST(loop_new(&loop) == 0);
        for (int i = 0; i < VERSIONS; i++) {
                conf.max_version = i;
                MUST(tls_context_new(&conf, TLS_SERVER, &servers[i], &err) == 0);
        }
        conf.max_version = 0;
        MUST(tls_context_new(&conf, TLS_CLIENT, &client, &err) == 0);
        MUST(tcp_listen(loop, &(struct addr){.u.v4 = {.sin_family = AF_INET}}, 10, on_accept, NULL,
                        &listener) == 0);
}

static void accept_one(void)
{
        struct addr remote = fake_net_addr(40001);

        (void)fake_net_connect(&remote);
}

static void dial(void)
{
        const struct tls_hooks hooks = {.on_session = on_session, .arg = &client_end};
        struct addr to = fake_net_addr(5061);

        MUST(tcp_connect(loop, NULL, &to, 1000, &handlers, &client_end, &client_end.c) == 0);
        MUST(tls_start(client_end.c, client, NAME, &hooks) == 0);
        fake_net_turn();
}

/* What was sent since the last call, behind what is in out. */
static void take_sent(struct buf *out)
{
        buf_span(out, fake_net_sent());
        fake_net_forget();
}

/* --- alterations -------------------------------------------------------------------------------------- */

static void double_it(struct buf *piece)
{
        char *copy = span_dup(buf_as_span(piece));

        MUST(copy != NULL);
        if (piece->n <= 2000)
                buf_put(piece, copy, piece->n);
        free(copy);
}

/* Does to the piece what the alteration says. */
static void alter(struct buf *piece, const uint8_t *a)
{
        size_t at = piece->n ? (size_t)(a[1] << 8 | a[2]) % piece->n : 0;
        uint8_t *p = (uint8_t *)piece->p;

        if (!piece->n)
                return;
        switch (a[3] & 7) {
        case 0:
                p[at] = a[4];
                break;
        case 1:
                memmove(p + at, p + at + 1, piece->n - at - 1);
                piece->n--;
                break;
        case 2:
                double_it(piece);
                break;
        case 3:
                buf_char(piece, (char)a[4]);
                p = (uint8_t *)piece->p;
                memmove(p + at + 1, p + at, piece->n - at - 1);
                p[at] = a[4];
                break;
        case 4:
                piece->n = at;
                break;
        case 5:
                if (at + 1 < piece->n) {
                        uint8_t keep = p[at];

                        p[at] = p[at + 1];
                        p[at + 1] = keep;
                }
                break;
        case 6:
                for (int i = 0; i < 2; i++) {
                        struct tcp_conn *c = i == (a[4] & 1) ? server_end.c : NULL;
                        int err = c ? tls_renegotiate(c) : 0;

                        MUST(err <= 0);
                }
                break;
        default:
                if (server_end.c && a[4] & 1)
                        tcp_close(server_end.c, a[4] & 2);
                else if (client_end.c)
                        tcp_close(client_end.c, a[4] & 2);
        }
}

/* Pieces go there and back until both are silent. */
static void between(const uint8_t *data, size_t n, size_t piece)
{
        struct buf to_server = BUF_INIT, to_client = BUF_INIT;
        const bool unaltered = n < ALTERATION;

        accept_one();
        dial();
        take_sent(&to_server);
        for (unsigned i = 0; i < PIECES_MAX && (to_server.n || to_client.n); i++) {
                struct buf *way = to_server.n ? &to_server : &to_client;
                struct tcp_conn *reader = way == &to_server ? server_end.c : client_end.c;
                struct buf now = *way;

                *way = BUF_INIT;
                if (n >= ALTERATION && i == data[0]) {
                        alter(&now, data);
                        data += ALTERATION;
                        n -= ALTERATION;
                }
                if (reader && now.n && tcp_takes(reader))
                        (void)fake_net_feed(reader, buf_as_span(&now), piece);
                buf_free(&now);
                take_sent(way == &to_server ? &to_client : &to_server);
                fake_net_turn();
                take_sent(way == &to_server ? &to_client : &to_server);
        }
        MUST(!unaltered || (server_end.sessions == 1 && server_end.got.n == sizeof(WORDS) - 1 &&
                            client_end.sessions == 1 && client_end.got.n == sizeof(WORDS) - 1));
        buf_free(&to_server);
        buf_free(&to_client);
}

static void end_all(void)
{
        if (server_end.c)
                tcp_close(server_end.c, true);
        if (client_end.c)
                tcp_close(client_end.c, true);
        fake_net_turn();
        fake_net_forget();
        MUST(fake_net_conns() == 0 && !server_end.c && !client_end.c);
        buf_free(&server_end.got);
        buf_free(&client_end.got);
        server_end = client_end = (struct end){0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        size_t piece;

        if (!loop)
                set_up();
        if (n < 2 || n > 20000)
                return 0;
        version = data[0] >> 2 & 1;
        piece = (size_t)(data[0] >> 3) * 50 + 1;
        switch (data[0] & 3) {
        case 0:
                accept_one();
                if (server_end.c)
                        (void)fake_net_feed(server_end.c, span_make(data + 1, n - 1), piece);
                MUST(server_end.sessions == 0 && server_end.got.n == 0);
                break;
        case 1:
                dial();
                if (client_end.c)
                        (void)fake_net_feed(client_end.c, span_make(data + 1, n - 1), piece);
                MUST(client_end.sessions == 0 && client_end.got.n == 0);
                break;
        default:
                between(data + 1, n - 1, piece);
        }
        end_all();
        return 0;
}
