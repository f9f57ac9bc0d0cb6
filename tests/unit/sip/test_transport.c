/* SPDX-License-Identifier: BSD-3-Clause
 * Messages out of a stream, keep-alives, limits on connections, garbage. RFC 3261 18.3, RFC 5626. */
#include "common/sip/stream.h"
#include "tests/unit/sip/stack_world.h"

/* --- frames (no sockets) ---------------------------------------------------------------------------- */

static void frame_of_a_message(void **state)
{
        static const char text[] = "OPTIONS sip:a SIP/2.0\r\nVia: x\r\nl : 3\r\n\r\nabcNEXT";
        struct sip_frame f = {0};
        size_t head = strlen(text) - 7;

        (void)state;
        /* one octet more at a time: known as soon as the empty line is there, not before */
        for (size_t n = 1; n < head; n++)
                assert_false(sip_frame_scan(&f, span_make(text, n)));
        assert_true(sip_frame_scan(&f, span_make(text, head)));
        assert_int_equal(f.head, head);
        assert_int_equal(f.total, head + 3);
        assert_true(f.length_good);
}

static void frame_lengths(void **state)
{
        static const struct {
                const char *header;
                bool good;
                size_t body;
        } rows[] = {
                {"Content-Length: 12\r\n", true, 12},         {"CONTENT-LENGTH:0\r\n", true, 0},
                {"Content-Length:\r\n  7 \r\n", true, 7},     {"Subject: Content-Length: 9\r\n", false, 0},
                {"Subject: a\r\n l: 9\r\nl: 4\r\n", true, 4}, /* folded */
                {"Subject: a\r\n\tl: 9\r\n", false, 0},       {"", false, 0},
                {"Content-Length: \r\n", false, 0},           {"Content-Length: -1\r\n", false, 0},
                {"Content-Length: 12x\r\n", false, 0},        {"Content-Length: 99999999999\r\n", false, 0},
                {"Content-Length: 5\r\nl: 6\r\n", false, 5},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sip_frame f = {0};
                char text[256];

                (void)snprintf(text, sizeof(text), "INVITE sip:a SIP/2.0\r\n%s\r\n", rows[i].header);
                assert_true(sip_frame_scan(&f, span_of(text)));
                assert_int_equal(f.length_good, rows[i].good);
                assert_int_equal(f.total - f.head, rows[i].body);
        }
}

/* --- connections ------------------------------------------------------------------------------------ */

struct line {
        struct world w;
        struct node n;
        struct wire v;
};

static void line_start(struct line *l, const struct sip_stack_conf *conf)
{
        world_start(&l->w, NULL, 0);
        node_start(&l->n, &l->w, conf);
        wire_open(&l->v, &l->w, &l->n.tcp);
}

static void line_stop(struct line *l)
{
        wire_close(&l->v, &l->w);
        node_stop(&l->n);
        world_stop(&l->w);
}

static unsigned wire_count(const struct wire *v, const char *text)
{
        struct span rest = buf_as_span(&v->in);
        unsigned n = 0;
        ptrdiff_t at;

        while ((at = span_find(rest, span_of(text))) >= 0) {
                n++;
                rest = span_sub(rest, (size_t)at + strlen(text), rest.n);
        }
        return n;
}

static const char *options(unsigned serial, size_t body)
{
        static char text[70000];
        int n = snprintf(
                text, sizeof(text),
                "OPTIONS sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK%u\r\n"
                "From: <sip:a@example.net>;tag=a\r\nTo: <sip:b@example.net>;tag=b\r\nCall-ID: c\r\n"
                "CSeq: %u OPTIONS\r\nContent-Length: %zu\r\n\r\n",
                serial, serial, body);

        memset(text + n, 'b', body);
        text[(size_t)n + body] = '\0';
        return text;
}

static void messages_in_one_piece_and_in_octets(void **state)
{
        struct line l;
        struct buf b = BUF_INIT;

        (void)state;
        line_start(&l, NULL);
        for (unsigned i = 0; i < 3; i++)
                buf_puts(&b, options(i, i * 10));
        wire_send(&l.v, buf_as_span(&b)); /* three at once */
        WAIT_FOR(&l.w, wire_count(&l.v, "SIP/2.0 200 OK") == 3);
        for (size_t i = 0; i < b.n; i++) { /* three again, octet by octet */
                wire_send(&l.v, span_make(b.p + i, 1));
                uv_run(loop_uv(l.w.loop), UV_RUN_NOWAIT);
        }
        WAIT_FOR(&l.w, wire_count(&l.v, "SIP/2.0 200 OK") == 6);
        assert_int_equal(l.n.requests, 6);
        assert_int_equal(l.n.malformed, 0);
        buf_free(&b);
        line_stop(&l);
}

static void ping_is_answered_by_pong(void **state)
{
        struct line l;
        struct raw r;

        (void)state;
        line_start(&l, NULL);
        wire_send(&l.v, SPAN("\r\n\r\n"));
        WAIT_FOR(&l.w, l.v.in.n == 2);
        wire_send(&l.v, SPAN("\r"));
        world_pass(&l.w, 5);
        wire_send(&l.v, SPAN("\n\r\n"));
        WAIT_FOR(&l.w, l.v.in.n == 4);
        assert_memory_equal(l.v.in.p, "\r\n\r\n", 4);
        wire_send(&l.v, span_of(options(1, 0)));
        WAIT_FOR(&l.w, wire_has(&l.v, "SIP/2.0 200 OK"));
        /* UDP: nothing comes back */
        raw_start(&r, &l.w);
        raw_send(&r, &l.n.udp, "\r\n\r\n");
        raw_send(&r, &l.n.udp, options(2, 0));
        WAIT_FOR(&l.w, l.n.requests == 2);
        assert_int_equal(l.n.malformed, 0);
        assert_int_equal(r.n, 0);
        raw_stop(&r);
        line_stop(&l);
}

/* What can be answered is answered, then the connection goes: nobody knows where the next message starts. */
static void stream_without_length(void **state)
{
        struct line l;

        (void)state;
        line_start(&l, NULL);
        wire_send(&l.v,
                  SPAN("OPTIONS sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\n"
                       "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"));
        WAIT_FOR(&l.w, wire_has(&l.v, "SIP/2.0 400 "));
        WAIT_FOR(&l.w, l.v.closed);
        assert_int_equal(l.n.requests, 0);
        line_stop(&l);
}

static void stream_of_garbage(void **state)
{
        struct line l;

        (void)state;
        line_start(&l, NULL);
        wire_send(&l.v, SPAN("GET / HTTP/1.1\r\nHost: example.net\r\n\r\n"));
        WAIT_FOR(&l.w, l.v.closed);
        assert_int_equal(l.n.malformed, 1);
        assert_int_equal(l.v.in.n, 0);
        line_stop(&l);
}

static void message_too_large(void **state)
{
        struct line l;
        struct wire two;
        struct buf b = BUF_INIT;

        (void)state;
        line_start(&l, &(struct sip_stack_conf){.message_max = 2000});
        wire_send(&l.v, span_of(options(1, 5000)));
        WAIT_FOR(&l.w, wire_has(&l.v, "SIP/2.0 513 "));
        WAIT_FOR(&l.w, l.v.closed);
        /* a header without end is not even collected */
        wire_open(&two, &l.w, &l.n.tcp);
        for (int i = 0; i < 300; i++)
                buf_puts(&b, "X-Long: 0123456789\r\n");
        wire_send(&two, buf_as_span(&b));
        WAIT_FOR(&l.w, two.closed);
        assert_int_equal(l.n.malformed, 1);
        assert_int_equal(l.n.requests, 0);
        buf_free(&b);
        wire_close(&two, &l.w);
        line_stop(&l);
}

/* It would go on without its body. */
static void response_too_large_is_dropped(void **state)
{
        struct line l;
        struct buf b = BUF_INIT;

        (void)state;
        line_start(&l, &(struct sip_stack_conf){.message_max = 2000});
        buf_puts(&b, "SIP/2.0 200 OK\r\n");
        buf_puts(&b, strstr(options(1, 5000), "Via:"));
        wire_send(&l.v, buf_as_span(&b));
        WAIT_FOR(&l.w, l.v.closed);
        assert_int_equal(l.n.malformed, 1);
        assert_int_equal(l.n.strays, 0);
        buf_free(&b);
        line_stop(&l);
}

/* A peer that sends a message too slowly (slow loris), octet by octet. */
static void partial_message_is_given_up(void **state)
{
        struct line l;
        const char *text = options(1, 0);

        (void)state;
        line_start(&l, &(struct sip_stack_conf){.tcp_partial_ms = 40});
        wire_send(&l.v, SPAN("\r\n")); /* a whole one, or none, may take its time */
        world_pass(&l.w, 80);
        assert_false(l.v.closed);
        for (size_t i = 0; i < 200 && !l.v.closed; i++) {
                (void)!tcp_send(l.v.c, span_make(text + i, 1));
                world_pass(&l.w, 2);
        }
        assert_true(l.v.closed); /* ten times the limit went by */
        assert_int_equal(l.n.malformed, 1);
        line_stop(&l);
}

/* Asks and asks and never reads, up to so many rounds. How many there were before the connection ended. */
static unsigned ask_unread(struct line *l, unsigned rounds)
{
        struct sip_stack_stats stats = {.conns = 1};
        struct buf b = BUF_INIT;
        unsigned n = 0;

        log_init("test", LOG_ERROR);
        tcp_pause(l->v.c, true);
        for (unsigned i = 0; i < 100; i++)
                buf_puts(&b, options(i, 0)); /* new the first time, then the same answers again */
        for (; n < rounds && stats.conns; n++) {
                (void)!tcp_send(l->v.c, buf_as_span(&b));
                uv_run(loop_uv(l->w.loop), UV_RUN_NOWAIT);
                l->n.log[0] = '\0';
                sip_stack_stats(l->n.s, &stats);
        }
        buf_free(&b);
        tcp_pause(l->v.c, false);
        return n;
}

/* A core node that pauses for as long, and longer, keeps its connection. */
static void slow_reader_is_closed_unless_core(void **state)
{
        const struct sip_stack_conf conf = {.tcp_queue = 65536};
        const unsigned many = 5000, more = 20; /* rounds; 20 are 700 kB of answers */
        struct line l;
        unsigned n;

        (void)state;
        line_start(&l, &conf);
        n = ask_unread(&l, many);
        assert_in_range(n, 1, many - 1);
        line_stop(&l);
        world_start(&l.w, NULL, 0);
        node_start(&l.n, &l.w, &conf);
        l.n.peers_are_core = true;
        wire_open(&l.v, &l.w, &l.n.tcp);
        assert_int_equal(ask_unread(&l, n + more), n + more);
        assert_false(l.v.closed);
        line_stop(&l);
}

static void idle_connection_is_closed(void **state)
{
        struct line l;
        struct sip_stack_stats stats;

        (void)state;
        line_start(&l, &(struct sip_stack_conf){.tcp_idle_ms = 30});
        WAIT_FOR(&l.w, l.v.closed);
        sip_stack_stats(l.n.s, &stats);
        assert_int_equal(stats.conns, 0);
        line_stop(&l);
}

static void connections_are_limited(void **state)
{
        struct line l;
        struct wire two = {0};

        (void)state;
        line_start(&l, &(struct sip_stack_conf){.max_conns = 1});
        wire_send(&l.v, span_of(options(1, 0)));
        WAIT_FOR(&l.w, wire_has(&l.v, "200 OK"));
        log_init("test", LOG_ERROR);
        assert_int_equal(tcp_connect(l.w.loop, NULL, &l.n.tcp, 2000, &wire_handlers, &two, &two.c), 0);
        WAIT_FOR(&l.w, two.closed);
        wire_send(&l.v, span_of(options(2, 0)));
        WAIT_FOR(&l.w, wire_count(&l.v, "200 OK") == 2);
        line_stop(&l);
}

/* The connection of a request ends before its answer: the answer goes to the address in Via. */
static void answer_over_a_new_connection(void **state)
{
        struct world w;
        struct node a, b;
        struct wire v;
        char text[1024];

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&a, &w, NULL);
        node_start(&b, &w, NULL);
        b.answer = 0;
        wire_open(&v, &w, &b.tcp);
        (void)snprintf(
                text, sizeof(text),
                "OPTIONS sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bKx\r\n"
                "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n"
                "Content-Length: 0\r\n\r\n",
                addr_port(&a.tcp));
        wire_send(&v, span_of(text));
        WAIT_FOR(&w, b.held);
        wire_close(&v, &w);
        world_pass(&w, 5);
        sip_reply(node_take(&b), 200, NULL, NULL, 0);
        WAIT_FOR(&w, a.strays == 1);
        node_stop(&a);
        node_stop(&b);
        world_stop(&w);
}

/* --- garbage ----------------------------------------------------------------------------------------- */

static void datagrams_of_garbage(void **state)
{
        static const char *const rows[] = {
                "x",
                "SIP/2.0 200 OK\r\n\r\n",
                "INVITE sip:a@b SIP/2.0\r\n\r\n",
                "REGISTER sip:a@b SIP/2.0\r\nVia: garbage\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
                "Call-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
                "\x01\x02\x03\xff\xfe",
                "\r\n\r\nOPTIONS",
        };
        struct world w;
        struct node n;
        struct raw r;

        (void)state;
        world_start(&w, NULL, 0);
        node_start(&n, &w, NULL);
        raw_start(&r, &w);
        for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                raw_send(&r, &n.udp, rows[i]);
                WAIT_FOR(&w, n.malformed == i + 1);
        }
        assert_int_equal(r.n, 0);
        assert_int_equal(n.requests + n.strays, 0);
        raw_stop(&r);
        node_stop(&n);
        world_stop(&w);
}

/* Octets of good messages, changed at random (the same each run): nothing but answers may come of it. */
static void mutated_messages(void **state)
{
        static const char *const seeds[] = {
                "INVITE sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK1\r\n"
                "Max-Forwards: 70\r\nFrom: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\n"
                "CSeq: 1 INVITE\r\nRecord-Route: <sip:p;lr>\r\nContent-Length: 4\r\n\r\nbody",
                "ACK sip:bob@example.net SIP/2.0\r\nv: SIP/2.0/UDP x;received=1.2.3.4;branch=z9hG4bK1\r\n"
                "f: <sip:a@b>;tag=1\r\nt: <sip:a@b>;tag=2\r\ni: c\r\nCSeq: 1 ACK\r\n\r\n",
                "CANCEL sip:bob@example.net SIP/2.0\r\nv: SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK1\r\n"
                "f: <sip:a@b>;tag=1\r\nt: <sip:a@b>\r\ni: c\r\nCSeq: 1 CANCEL\r\n\r\n",
                "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
                "To: <sip:a@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
        };
        struct line l;
        struct raw r;
        uint32_t x = 12345;

        (void)state;
        line_start(&l, &(struct sip_stack_conf){.t1_ms = 60000, .message_max = 4000});
        raw_start(&r, &l.w);
        log_init("test", LOG_ERROR);
        for (unsigned i = 0; i < 20000; i++) {
                char text[1024];
                size_t n = (size_t)snprintf(text, sizeof(text), "%s", seeds[i % 4]);

                for (unsigned k = 0; k <= i % 5; k++) {
                        x = x * 1664525 + 1013904223;
                        text[(x >> 8) % n] = (char)(x >> 24);
                }
                x = x * 1664525 + 1013904223;
                if (i % 7 == 0)
                        n = (x >> 8) % n;
                (void)!udp_send(r.u, &l.n.udp, span_make(text, n));
                if (l.v.closed) {
                        wire_close(&l.v, &l.w);
                        wire_open(&l.v, &l.w, &l.n.tcp);
                }
                buf_reset(&l.v.in);
                (void)!tcp_send(l.v.c, span_make(text, n));
                uv_run(loop_uv(l.w.loop), UV_RUN_NOWAIT);
                if (l.n.ringing || l.n.held)
                        fail();
                l.n.log[0] = '\0';
                for (; r.n > 32; r.n--)
                        free(r.got[r.n - 1]);
        }
        for (l.n.requests = 0; l.n.requests == 0;) { /* it still serves */
                raw_send(&r, &l.n.udp, options(1u << 30, 0));
                world_pass(&l.w, 5);
        }
        raw_stop(&r);
        line_stop(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(frame_of_a_message),
                cmocka_unit_test(frame_lengths),
                cmocka_unit_test(messages_in_one_piece_and_in_octets),
                cmocka_unit_test(ping_is_answered_by_pong),
                cmocka_unit_test(stream_without_length),
                cmocka_unit_test(stream_of_garbage),
                cmocka_unit_test(message_too_large),
                cmocka_unit_test(response_too_large_is_dropped),
                cmocka_unit_test(partial_message_is_given_up),
                cmocka_unit_test(slow_reader_is_closed_unless_core),
                cmocka_unit_test(idle_connection_is_closed),
                cmocka_unit_test(connections_are_limited),
                cmocka_unit_test(answer_over_a_new_connection),
                cmocka_unit_test(datagrams_of_garbage),
                cmocka_unit_test(mutated_messages),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
