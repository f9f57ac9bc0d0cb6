/* SPDX-License-Identifier: BSD-3-Clause
 * TCP on the loopback: flow, limits, orderly and other ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/net/tcp.h"

#define CONNECT_MS 30000

/* One test: a listener, a client, an accepted connection. */
struct bench {
        struct loop *l;
        struct tcp_listener *s;
        struct tcp_conn *client, *server;
        struct tmr guard, step;
        struct buf got_client, got_server;
        int connects, accepts, closes_client, closes_server, reason_client, reason_server;
        size_t want;
        bool (*on_server_data)(struct bench *b); /* false: handled */
        bool refuse;
        int drips;
};

static void on_guard(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        fail_msg("nothing happens any more");
}

static void client_connected(struct tcp_conn *c, void *arg)
{
        struct bench *b = arg;

        assert_ptr_equal(c, b->client);
        b->connects++;
}

static void client_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct bench *b = arg;

        (void)c;
        buf_span(&b->got_client, data);
}

static void stop_when_all_closed(struct bench *b)
{
        if (b->closes_client && (b->closes_server || !b->accepts))
                loop_stop(b->l);
}

static void client_closed(struct tcp_conn *c, int reason, void *arg)
{
        struct bench *b = arg;

        assert_ptr_equal(c, b->client);
        b->closes_client++;
        b->reason_client = reason;
        stop_when_all_closed(b);
}

static void server_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct bench *b = arg;

        (void)c;
        buf_span(&b->got_server, data);
        if (b->on_server_data)
                (void)b->on_server_data(b);
}

static void server_closed(struct tcp_conn *c, int reason, void *arg)
{
        struct bench *b = arg;

        assert_ptr_equal(c, b->server);
        b->closes_server++;
        b->reason_server = reason;
        stop_when_all_closed(b);
}

static const struct tcp_handlers client_handlers = {client_connected, client_data, client_closed};
static const struct tcp_handlers server_handlers = {NULL, server_data, server_closed};

static void on_accept(struct tcp_conn *c, void *arg)
{
        struct bench *b = arg;

        b->accepts++;
        if (b->refuse) {
                b->accepts = 0;
                return; /* no handlers: closed */
        }
        b->server = c;
        tcp_set_handlers(c, &server_handlers, b);
}

static struct bench *bench_new(const char *ip, uint32_t max_conns)
{
        struct bench *b = calloc(1, sizeof(*b));
        struct addr any;

        assert_non_null(b);
        b->got_client.max = b->got_server.max = (size_t)64 << 20;
        assert_int_equal(addr_parse(span_of(ip), 0, &any), 0);
        assert_int_equal(loop_new(&b->l), 0);
        assert_int_equal(tcp_listen(b->l, &any, max_conns, on_accept, b, &b->s), 0);
        assert_int_equal(tmr_start(b->l, &b->guard, 60000, on_guard, b), 0);
        return b;
}

static void bench_connect(struct bench *b)
{
        assert_int_equal(tcp_connect(b->l, NULL, tcp_listener_local(b->s), CONNECT_MS, &client_handlers, b,
                                     &b->client),
                         0);
}

static void bench_free(struct bench *b)
{
        tmr_stop(b->l, &b->guard);
        tmr_stop(b->l, &b->step);
        tcp_listener_close(b->s);
        loop_free(b->l);
        buf_free(&b->got_client);
        buf_free(&b->got_server);
        free(b);
}

static bool reply_and_close(struct bench *b)
{
        if (b->got_server.n < b->want)
                return true;
        assert_int_equal(tcp_send(b->server, SPAN("pong")), 0);
        tcp_close(b->server, true);
        assert_int_equal(tcp_send(b->server, SPAN("late")), -IMS_ECLOSED);
        return false;
}

static void request_and_answer(const char *ip)
{
        struct bench *b = bench_new(ip, 10);

        b->on_server_data = reply_and_close;
        b->want = 4;
        bench_connect(b);
        assert_int_equal(tcp_send(b->client, SPAN("pi")), 0); /* before it is up */
        assert_int_equal(tcp_send(b->client, SPAN("ng")), 0);
        assert_int_equal(tcp_queued(b->client), 4);
        loop_run(b->l);
        assert_true(span_eq(buf_as_span(&b->got_server), SPAN("ping")));
        assert_true(span_eq(buf_as_span(&b->got_client), SPAN("pong")));
        assert_int_equal(b->connects, 1);
        assert_int_equal(b->closes_client, 1);
        assert_int_equal(b->closes_server, 1);
        assert_int_equal(b->reason_client, 0);
        assert_int_equal(b->reason_server, 0);
        bench_free(b);
}

static void ping_pong(void **state)
{
        (void)state;
        request_and_answer("127.0.0.1");
        request_and_answer("::1");
}

static void on_unpause(struct tmr *t, void *arg)
{
        struct bench *b = arg;

        (void)t;
        tcp_pause(b->server, false);
}

static bool pause_once(struct bench *b)
{
        b->on_server_data = NULL;
        tcp_pause(b->server, true);
        assert_int_equal(tmr_start(b->l, &b->step, 30, on_unpause, b), 0);
        return true;
}

/* 16 MiB against a reader that pauses, then closed with flush: all of it arrives. */
static void flush_reaches_a_slow_reader(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        size_t n = (size_t)16 << 20;
        char *data = malloc(n);

        (void)state;
        for (size_t i = 0; i < n; i++)
                data[i] = (char)(i * 7 + (i >> 12));
        b->on_server_data = pause_once;
        bench_connect(b);
        tcp_set_queue_limit(b->client, n);
        assert_int_equal(tcp_send(b->client, span_make(data, n)), 0);
        assert_int_equal(tcp_send(b->client, SPAN("x")), -IMS_ELIMIT);
        tcp_close(b->client, true);
        loop_run(b->l);
        assert_int_equal(b->got_server.n, n);
        assert_memory_equal(b->got_server.p, data, n);
        assert_int_equal(b->reason_server, 0);
        assert_int_equal(b->reason_client, 0);
        bench_free(b);
        free(data);
}

#define DRIP_OCTETS 300000
#define DRIPS       40

static void on_drip(struct tmr *t, void *arg);

static bool start_drips(struct bench *b)
{
        b->on_server_data = NULL;
        assert_int_equal(tmr_start(b->l, &b->step, 0, on_drip, b), 0);
        return true;
}

static void on_drip(struct tmr *t, void *arg)
{
        struct bench *b = arg;
        char *data = malloc(DRIP_OCTETS);

        assert_non_null(data);
        memset(data, (char)b->drips, DRIP_OCTETS);
        assert_int_equal(tcp_send(b->client, span_make(data, DRIP_OCTETS)), 0);
        free(data);
        if (++b->drips == 4)
                tcp_pause(b->server, true); /* what follows waits behind a write under way */
        if (b->drips == DRIPS) {
                tcp_pause(b->server, false);
                tcp_close(b->client, true);
        } else {
                assert_int_equal(tmr_start(b->l, t, 1, on_drip, b), 0);
        }
}

/* Data of many turns behind a write that is not done: all arrives, in order. */
static void queue_behind_a_write(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);

        (void)state;
        bench_connect(b);
        tcp_set_queue_limit(b->client, (size_t)DRIP_OCTETS * DRIPS);
        assert_int_equal(tcp_send(b->client, SPAN("!")), 0);
        b->on_server_data = start_drips;
        loop_run(b->l);
        assert_int_equal(b->got_server.n, 1 + (size_t)DRIP_OCTETS * DRIPS);
        for (size_t i = 0; i < (size_t)DRIP_OCTETS * DRIPS; i++)
                if (b->got_server.p[1 + i] != (char)(i / DRIP_OCTETS))
                        fail_msg("octet %zu is not in order", i);
        assert_int_equal(b->reason_server, 0);
        bench_free(b);
}

static void on_abort(struct tmr *t, void *arg)
{
        struct bench *b = arg;

        (void)t;
        tcp_close(b->client, false);
}

static bool stop_reading(struct bench *b)
{
        tcp_pause(b->server, true);
        return true;
}

/* A reader that stops: the queue has its limit, and closing at once loses what waits. */
static void queue_is_bounded(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        char block[4096] = {0};
        int err = 0;
        size_t sent = 0;

        (void)state;
        b->on_server_data = stop_reading;
        bench_connect(b);
        while ((err = tcp_send(b->client, span_make(block, sizeof(block)))) == 0)
                sent += sizeof(block);
        assert_int_equal(err, -IMS_ELIMIT);
        assert_int_equal(sent, (size_t)1 << 20);
        assert_int_equal(tmr_start(b->l, &b->step, 20, on_abort, b), 0);
        b->accepts = -1000; /* the paused server end does not see the close: do not wait for it */
        b->closes_server = 1;
        loop_run(b->l);
        assert_int_equal(b->closes_client, 1);
        tcp_close(b->server, false);
        bench_free(b);
}

/* A reader that stopped for good is given up. */
static void unread_queue_ends_the_connection(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        char block[4096] = {0};

        (void)state;
        b->on_server_data = stop_reading;
        bench_connect(b);
        tcp_set_queue_limit(b->client, (size_t)16 << 20);
        tcp_set_unread_limit(b->client, 50);
        while (tcp_send(b->client, span_make(block, sizeof(block))) == 0)
                ;
        b->accepts = -1000; /* as above */
        b->closes_server = 1;
        loop_run(b->l);
        assert_int_equal(b->reason_client, -IMS_ELIMIT);
        tcp_close(b->server, false);
        bench_free(b);
}

static void on_sip(struct tmr *t, void *arg)
{
        struct bench *b = arg;

        if (b->got_server.n >= b->want)
                tcp_close(b->client, true);
        else if (tmr_start(b->l, t, 8, on_sip, b) != 0)
                fail_msg("no timer");
        tcp_pause(b->server, false);
}

static bool start_sips(struct bench *b)
{
        tcp_pause(b->server, b->got_server.n < b->want);
        if (!tmr_running(&b->step))
                assert_int_equal(tmr_start(b->l, &b->step, 8, on_sip, b), 0);
        return true;
}

/* A slow reader takes many times the limit for all of it, and keeps its connection. */
static void slow_reader_goes_on(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        char block[4096] = {0};

        (void)state;
        b->on_server_data = start_sips;
        bench_connect(b);
        tcp_set_queue_limit(b->client, (size_t)16 << 20);
        tcp_set_unread_limit(b->client, 600);
        while (tcp_send(b->client, span_make(block, sizeof(block))) == 0)
                b->want += sizeof(block);
        loop_run(b->l);
        assert_int_equal(b->reason_client, 0);
        assert_int_equal(b->got_server.n, b->want);
        bench_free(b);
}

static void refused_connection(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        struct addr gone = *tcp_listener_local(b->s);

        (void)state;
        tcp_listener_close(b->s);
        b->s = NULL;
        assert_int_equal(tcp_connect(b->l, NULL, &gone, CONNECT_MS, &client_handlers, b, &b->client), 0);
        loop_run(b->l);
        assert_int_equal(b->connects, 0);
        assert_int_equal(b->closes_client, 1);
        assert_int_equal(b->reason_client, -IMS_EUNREACH);
        bench_free(b);
}

/* A listener whose queue is full takes no SYN: the timeout ends the attempt. */
static void connection_times_out(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        int fd = socket(AF_INET, SOCK_STREAM, 0), fill[4];
        struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(name);
        struct addr to;

        (void)state;
        assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(listen(fd, 0), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
        for (int i = 0; i < 4; i++) {
                fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
                (void)connect(fill[i], (struct sockaddr *)&name, sizeof(name));
        }
        assert_int_equal(addr_from_sockaddr((struct sockaddr *)&name, &to), 0);
        assert_int_equal(tcp_connect(b->l, NULL, &to, 60, &client_handlers, b, &b->client), 0);
        loop_run(b->l);
        assert_int_equal(b->reason_client, -IMS_ETIMEOUT);
        assert_int_equal(b->connects, 0);
        bench_free(b);
        for (int i = 0; i < 4; i++)
                (void)close(fill[i]);
        (void)close(fd);
}

static void accepted_without_handlers(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);

        (void)state;
        b->refuse = true;
        bench_connect(b);
        loop_run(b->l);
        assert_int_equal(b->connects, 1);
        assert_int_equal(b->closes_client, 1);
        bench_free(b);
}

static void too_many_connections(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 0);

        (void)state;
        bench_connect(b);
        loop_run(b->l);
        assert_int_equal(b->accepts, 0);
        assert_int_equal(b->closes_client, 1);
        bench_free(b);
}

static struct rlimit files_before;

static void on_files_again(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &files_before), 0);
}

/* Out of file descriptors: the caller waits in the kernel until there are some again. */
static void out_of_descriptors(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        struct rlimit few;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        char text[8] = {0};

        (void)state;
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &files_before), 0);
        assert_int_equal(connect(fd, &tcp_listener_local(b->s)->u.sa, addr_len(tcp_listener_local(b->s))), 0);
        assert_int_equal(write(fd, "ping", 4), 4);
        few = files_before;
        few.rlim_cur = (rlim_t)fd + 1; /* every number below is in use */
        while (fcntl((int)few.rlim_cur - 1, F_GETFD) < 0)
                few.rlim_cur--;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        assert_int_equal(socket(AF_INET, SOCK_STREAM, 0), -1);
        b->on_server_data = reply_and_close;
        b->want = 4;
        b->closes_client = 1;
        assert_int_equal(tmr_start(b->l, &b->step, 30, on_files_again, b), 0);
        assert_int_equal(shutdown(fd, SHUT_WR), 0); /* only our end: the answer still comes */
        loop_run(b->l);
        assert_int_equal(b->accepts, 1);
        assert_int_equal(b->closes_server, 1);
        assert_int_equal(b->reason_server, 0);
        assert_int_equal(read(fd, text, sizeof(text)), 4);
        assert_string_equal(text, "pong");
        (void)close(fd);
        bench_free(b);
}

static bool free_loop_later(struct bench *b)
{
        loop_stop(b->l);
        return true;
}

/* The loop ends connections and listeners that are left; on_close still comes once. */
static void forgotten_connections(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);

        (void)state;
        b->on_server_data = free_loop_later;
        bench_connect(b);
        assert_int_equal(tcp_send(b->client, SPAN("x")), 0);
        loop_run(b->l);
        b->s = NULL;
        tmr_stop(b->l, &b->guard);
        loop_free(b->l);
        assert_int_equal(b->closes_client, 1);
        assert_int_equal(b->closes_server, 1);
        assert_int_equal(b->reason_client, -IMS_ECANCELED);
        buf_free(&b->got_server);
        free(b);
}

static void refusals(void **state)
{
        struct bench *b = bench_new("127.0.0.1", 10);
        struct tcp_listener *other = NULL;
        struct addr foreign;

        (void)state;
        assert_int_equal(tcp_listen(b->l, tcp_listener_local(b->s), 10, on_accept, b, &other),
                         -IMS_EADDRINUSE);
        assert_int_equal(addr_parse(SPAN("192.0.2.77:0"), 0, &foreign), 0);
        assert_int_equal(tcp_listen(b->l, &foreign, 10, on_accept, b, &other), -IMS_EIO);
        assert_true(tcp_connect(b->l, &foreign, tcp_listener_local(b->s), CONNECT_MS, &client_handlers, b,
                                &b->client) < 0);
        assert_int_equal(b->closes_client, 0);
        bench_free(b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ping_pong),
                cmocka_unit_test(flush_reaches_a_slow_reader),
                cmocka_unit_test(queue_behind_a_write),
                cmocka_unit_test(queue_is_bounded),
                cmocka_unit_test(unread_queue_ends_the_connection),
                cmocka_unit_test(slow_reader_goes_on),
                cmocka_unit_test(refused_connection),
                cmocka_unit_test(connection_times_out),
                cmocka_unit_test(accepted_without_handlers),
                cmocka_unit_test(too_many_connections),
                cmocka_unit_test(out_of_descriptors),
                cmocka_unit_test(forgotten_connections),
                cmocka_unit_test(refusals),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
