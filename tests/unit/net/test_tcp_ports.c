/* SPDX-License-Identifier: BSD-3-Clause
 * TCP from a fixed local port: ports that are kept, the same pair of ends again at once, and resets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/net/tcp.h"
#include "tests/unit/private_net.h"

#define CONNECT_MS  5000
#define PATIENCE_MS 20000
#define ENDS        4

/* One end of a connection. */
struct end {
        struct tcp_conn *c;
        struct addr remote;
        struct buf in;
        bool up, closed;
        int reason;
};

struct world {
        struct loop *l;
        struct tcp_listener *s, *s2;
        struct addr port; /* kept */
        int kept;
        struct end accepted[ENDS];
        unsigned n_accepted;
        struct tmr guard;
        bool late;
};

static bool private_net; /* made by us: so the capability is there */

static void on_up(struct tcp_conn *c, void *arg)
{
        (void)c;
        ((struct end *)arg)->up = true;
}

static void on_data(struct tcp_conn *c, struct span data, void *arg)
{
        (void)c;
        buf_span(&((struct end *)arg)->in, data);
}

static void on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct end *e = arg;

        (void)c;
        assert_false(e->closed);
        e->closed = true;
        e->reason = reason;
}

static const struct tcp_handlers handlers = {on_up, on_data, on_close};

static void on_accept(struct tcp_conn *c, void *arg)
{
        struct world *w = arg;
        struct end *e = &w->accepted[w->n_accepted++];

        assert_true(w->n_accepted <= ENDS);
        *e = (struct end){.c = c, .remote = *tcp_remote(c), .up = true};
        tcp_set_handlers(c, &handlers, e);
}

static void on_guard(struct tmr *t, void *arg)
{
        (void)t;
        ((struct world *)arg)->late = true;
}

#define WAIT_FOR(w, condition)                                                                               \
        do {                                                                                                 \
                assert_int_equal(tmr_start((w)->l, &(w)->guard, PATIENCE_MS, on_guard, (w)), 0);             \
                while (!(condition) && !(w)->late)                                                           \
                        loop_once((w)->l);                                                                   \
                tmr_stop((w)->l, &(w)->guard);                                                               \
                if (!(condition))                                                                            \
                        fail_msg("never happened: %s", #condition);                                          \
        } while (0)

/* For what must not happen. */
static void world_pass(struct world *w, uint64_t ms)
{
        assert_int_equal(tmr_start(w->l, &w->guard, ms, on_guard, w), 0);
        while (!w->late)
                loop_once(w->l);
        w->late = false;
}

static void world_start(struct world *w, const char *ip)
{
        struct tcp_listener *first;
        struct addr any;

        *w = (struct world){0};
        assert_int_equal(addr_parse(span_of(ip), 0, &any), 0);
        assert_int_equal(loop_new(&w->l), 0);
        assert_int_equal(tcp_listen(w->l, &any, 10, on_accept, w, &w->s), 0);
        assert_int_equal(tcp_listen(w->l, &any, 10, on_accept, w, &w->s2), 0);
        assert_int_equal(tcp_listen(w->l, &any, 10, on_accept, w, &first), 0); /* a number for us */
        w->port = *tcp_listener_local(first);
        assert_int_equal(tcp_reserve(&w->port, &w->kept), -IMS_EADDRINUSE);
        tcp_listener_close(first);
        assert_int_equal(tcp_reserve(&w->port, &w->kept), 0);
}

static void world_stop(struct world *w)
{
        for (unsigned i = 0; i < w->n_accepted; i++) {
                if (!w->accepted[i].closed)
                        tcp_close(w->accepted[i].c, false);
                WAIT_FOR(w, w->accepted[i].closed);
                buf_free(&w->accepted[i].in);
        }
        (void)close(w->kept);
        tcp_listener_close(w->s);
        tcp_listener_close(w->s2);
        loop_free(w->l);
}

static void dial(struct world *w, struct end *e, struct tcp_listener *to)
{
        *e = (struct end){0};
        assert_int_equal(tcp_connect(w->l, &w->port, tcp_listener_local(to), CONNECT_MS, &handlers, e, &e->c),
                         0);
}

/* --- ports ------------------------------------------------------------------------------------------ */

static void many_connections_from_one_port(void **state)
{
        static const char *const ips[] = {"127.0.0.1", "::1"};
        struct world w;
        struct end a, b;

        (void)state;
        for (int i = 0; i < 2; i++) {
                world_start(&w, ips[i]);
                dial(&w, &a, w.s);
                dial(&w, &b, w.s2);
                WAIT_FOR(&w, a.up && b.up && w.n_accepted == 2);
                assert_true(addr_eq(&w.accepted[0].remote, &w.port));
                assert_true(addr_eq(&w.accepted[1].remote, &w.port));
                assert_true(addr_eq(tcp_local(a.c), &w.port));
                tcp_close(a.c, false);
                tcp_close(b.c, false);
                WAIT_FOR(&w, a.closed && b.closed);
                world_stop(&w);
        }
}

/* Somebody who wants it for himself does not get it. */
static void kept_port_is_nobody_elses(void **state)
{
        struct world w;
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        (void)state;
        world_start(&w, "127.0.0.1");
        assert_int_equal(bind(fd, &w.port.u.sa, addr_len(&w.port)), -1);
        (void)close(w.kept);
        assert_int_equal(bind(fd, &w.port.u.sa, addr_len(&w.port)), 0);
        assert_int_equal(tcp_reserve(&w.port, &w.kept), -IMS_EADDRINUSE);
        (void)close(fd);
        assert_int_equal(tcp_reserve(&w.port, &w.kept), 0);
        world_stop(&w);
}

/* The pair is in use: told at once, or by on_close. */
static void taken_pair_is_refused(void **state)
{
        struct world w;
        struct end a, b = {0};

        (void)state;
        world_start(&w, "127.0.0.1");
        dial(&w, &a, w.s);
        WAIT_FOR(&w, a.up);
        assert_int_equal(tcp_connect(w.l, &w.port, tcp_listener_local(w.s), CONNECT_MS, &handlers, &b, &b.c),
                         -IMS_EUNREACH);
        tcp_close(a.c, false);
        WAIT_FOR(&w, a.closed);
        world_stop(&w);
}

/* --- ends ------------------------------------------------------------------------------------------- */

/* Either side closes, and the same ends are connected again before any TIME_WAIT could be over. */
static void same_pair_again_at_once(void **state)
{
        struct world w;
        struct end e;

        (void)state;
        world_start(&w, "127.0.0.1");
        for (unsigned i = 0; i < ENDS; i++) {
                dial(&w, &e, w.s);
                tcp_prefer_reset(e.c);
                assert_int_equal(tcp_send(e.c, SPAN("ping")), 0);
                WAIT_FOR(&w, w.n_accepted == i + 1 && w.accepted[i].in.n == 4);
                tcp_close(i % 2 ? e.c : w.accepted[i].c, true);
                WAIT_FOR(&w, e.closed && w.accepted[i].closed);
        }
        world_stop(&w);
}

/* A reset must not cut what is on its way. */
static void what_was_sent_arrives(void **state)
{
        struct world w;
        struct end e;
        size_t n = (size_t)1 << 20;
        char *data = calloc(1, n);

        (void)state;
        assert_non_null(data);
        world_start(&w, "127.0.0.1");
        for (unsigned i = 0; i < 2; i++) { /* and the pair is free then */
                dial(&w, &e, w.s);
                tcp_prefer_reset(e.c);
                WAIT_FOR(&w, w.n_accepted == i + 1);
                w.accepted[i].in.max = 2 * n;
                assert_int_equal(tcp_send(e.c, span_make(data, n)), 0);
                tcp_close(e.c, true);
                WAIT_FOR(&w, e.closed && w.accepted[i].closed);
                assert_int_equal(w.accepted[i].in.n, n);
                assert_int_equal(e.reason, 0);
        }
        world_stop(&w);
        free(data);
}

static void reset_is_heard(void **state)
{
        struct world w;
        struct end e;

        (void)state;
        world_start(&w, "127.0.0.1");
        dial(&w, &e, w.s);
        WAIT_FOR(&w, e.up && w.n_accepted == 1);
        assert_int_equal(tcp_send(e.c, SPAN("never sent")), 0);
        tcp_reset(e.c, false);
        tcp_reset(e.c, false);
        tcp_close(e.c, true);
        assert_int_equal(tcp_send(e.c, SPAN("x")), -IMS_ECLOSED);
        WAIT_FOR(&w, e.closed && w.accepted[0].closed);
        assert_int_equal(e.reason, 0);
        assert_int_equal(w.accepted[0].reason, -IMS_ECLOSED);
        assert_int_equal(w.accepted[0].in.n, 0);
        world_stop(&w);
}

/* With the right to (CAP_NET_ADMIN) the peer hears nothing; the next connection is the first it hears. */
static void silence_leaves_the_peer_alone(void **state)
{
        struct world w;
        struct end a, b;

        (void)state;
        if (!private_net)
                skip();
        world_start(&w, "127.0.0.1");
        dial(&w, &a, w.s);
        WAIT_FOR(&w, a.up && w.n_accepted == 1);
        tcp_reset(a.c, true);
        WAIT_FOR(&w, a.closed);
        world_pass(&w, 20);
        assert_false(w.accepted[0].closed);
        dial(&w, &b, w.s); /* its SYN meets the old connection, which ends; repeated, it gets in */
        WAIT_FOR(&w, b.up && w.n_accepted == 2);
        assert_true(w.accepted[0].closed);
        assert_int_equal(w.accepted[0].reason, -IMS_ECLOSED);
        tcp_close(b.c, false);
        WAIT_FOR(&w, b.closed);
        world_stop(&w);
}

static void reset_while_connecting(void **state)
{
        struct world w;
        struct end e;

        (void)state;
        world_start(&w, "127.0.0.1");
        for (int silent = 0; silent < 2; silent++) {
                dial(&w, &e, w.s);
                tcp_reset(e.c, silent);
                WAIT_FOR(&w, e.closed);
                assert_false(e.up);
        }
        world_stop(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(many_connections_from_one_port), cmocka_unit_test(kept_port_is_nobody_elses),
                cmocka_unit_test(taken_pair_is_refused),          cmocka_unit_test(same_pair_again_at_once),
                cmocka_unit_test(what_was_sent_arrives),          cmocka_unit_test(reset_is_heard),
                cmocka_unit_test(silence_leaves_the_peer_alone),  cmocka_unit_test(reset_while_connecting),
        };

        private_net = private_net_without_timestamps();
        if (!private_net)
                print_message("not allowed to have a network without timestamps: TIME_WAIT is hardly seen\n");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
