/* SPDX-License-Identifier: BSD-3-Clause
 * A connection that is made once more over another socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/net/tcp.h"

#define CONNECT_MS 30000
#define HEAP       (8u << 20) /* octets that no socket takes at once */

struct bench {
        struct loop *l;
        struct tcp_listener *s;
        struct tcp_conn *client;
        struct tmr guard;
        struct buf got;    /* by the last accepted connection */
        unsigned connects; /* of the client */
        unsigned accepts, server_closes;
        unsigned closes;
        int reason;
        enum { AGAIN, AGAIN_WHEN_FULL, AGAIN_THEN_CLOSE, AGAIN_THEN_LEAVE, AGAIN_AT_NOBODY } plan;
};

static void on_guard(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        fail_msg("nothing happens any more");
}

static void server_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct bench *b = arg;

        (void)c;
        buf_span(&b->got, data);
        if (span_eq(buf_as_span(&b->got), SPAN("second")))
                tcp_close(b->client, false);
}

static void server_closed(struct tcp_conn *c, int reason, void *arg)
{
        struct bench *b = arg;

        (void)c;
        (void)reason;
        b->server_closes++;
}

static const struct tcp_handlers server_handlers = {NULL, server_data, server_closed};

static void on_accept(struct tcp_conn *c, void *arg)
{
        struct bench *b = arg;

        b->accepts++;
        assert_int_equal(tcp_reopen(c), -IMS_EINVAL);
        buf_reset(&b->got);
        tcp_set_handlers(c, &server_handlers, b);
        if (b->plan == AGAIN_WHEN_FULL && b->accepts == 1)
                tcp_pause(c, true);
}

static void fill(struct tcp_conn *c)
{
        char *heap = calloc(1, HEAP);

        assert_non_null(heap);
        tcp_set_queue_limit(c, 2 * (size_t)HEAP);
        assert_int_equal(tcp_send(c, span_make(heap, HEAP)), 0);
        free(heap);
}

/* From the loop: the turn before has written what the socket takes. */
static void on_again(struct tmr *t, void *arg)
{
        struct bench *b = arg;

        (void)t;
        if (b->plan == AGAIN_AT_NOBODY)
                tcp_listener_close(b->s);
        if (b->plan == AGAIN_WHEN_FULL)
                assert_true(tcp_queued(b->client) > 0);
        assert_int_equal(tcp_reopen(b->client), 0);
        assert_int_equal(tcp_reopen(b->client), -IMS_ECLOSED);
        assert_int_equal(tcp_queued(b->client), 0);
        if (b->plan == AGAIN_THEN_CLOSE)
                tcp_close(b->client, false);
        if (b->plan == AGAIN_THEN_LEAVE)
                loop_stop(b->l);
}

static struct tmr again;

static void client_connected(struct tcp_conn *c, void *arg)
{
        struct bench *b = arg;

        if (++b->connects == 2) {
                assert_int_equal(tcp_send(c, SPAN("second")), 0);
                return;
        }
        if (b->plan == AGAIN_WHEN_FULL)
                fill(c);
        else
                assert_int_equal(tcp_send(c, SPAN("first")), 0);
        assert_int_equal(tmr_start(b->l, &again, 1, on_again, b), 0);
}

static void client_data(struct tcp_conn *c, struct span data, void *arg)
{
        (void)c;
        (void)data;
        (void)arg;
        fail_msg("nobody sends");
}

static void client_closed(struct tcp_conn *c, int reason, void *arg)
{
        struct bench *b = arg;

        assert_ptr_equal(c, b->client);
        b->closes++;
        b->reason = reason;
        loop_stop(b->l);
}

static const struct tcp_handlers client_handlers = {client_connected, client_data, client_closed};

static void run(struct bench *b, int plan)
{
        struct addr any;

        memset(b, 0, sizeof(*b));
        b->plan = plan;
        b->got.max = (size_t)2 * HEAP;
        assert_int_equal(addr_parse(SPAN("127.0.0.1"), 0, &any), 0);
        assert_int_equal(loop_new(&b->l), 0);
        assert_int_equal(tcp_listen(b->l, &any, 10, on_accept, b, &b->s), 0);
        assert_int_equal(tmr_start(b->l, &b->guard, 60000, on_guard, b), 0);
        assert_int_equal(tcp_connect(b->l, NULL, tcp_listener_local(b->s), CONNECT_MS, &client_handlers, b,
                                     &b->client),
                         0);
        loop_run(b->l);
        tmr_stop(b->l, &b->guard);
        tmr_stop(b->l, &again);
        if (plan != AGAIN_AT_NOBODY)
                tcp_listener_close(b->s);
        loop_free(b->l);
        buf_free(&b->got);
        assert_int_equal(b->closes, 1);
        assert_int_equal(b->server_closes, b->accepts);
}

static void it_is_up_once_more(void **state)
{
        struct bench b;

        (void)state;
        run(&b, AGAIN);
        assert_int_equal(b.connects, 2);
        assert_int_equal(b.accepts, 2);
        assert_int_equal(b.reason, 0);
}

static void what_was_queued_is_lost(void **state)
{
        struct bench b;

        (void)state;
        run(&b, AGAIN_WHEN_FULL);
        assert_int_equal(b.connects, 2);
        assert_int_equal(b.accepts, 2); /* and the second got "second" alone, or it would not have ended */
        assert_int_equal(b.reason, 0);
}

static void it_may_end_meanwhile(void **state)
{
        struct bench b;

        (void)state;
        run(&b, AGAIN_THEN_CLOSE);
        assert_int_equal(b.connects, 1);
        assert_int_equal(b.reason, 0);
        run(&b, AGAIN_THEN_LEAVE);
        assert_int_equal(b.connects, 1);
        assert_int_equal(b.reason, -IMS_ECANCELED);
}

static void nobody_may_be_there_any_more(void **state)
{
        struct bench b;

        (void)state;
        run(&b, AGAIN_AT_NOBODY);
        assert_int_equal(b.connects, 1);
        assert_int_equal(b.reason, -IMS_EUNREACH);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_up_once_more),
                cmocka_unit_test(what_was_queued_is_lost),
                cmocka_unit_test(it_may_end_meanwhile),
                cmocka_unit_test(nobody_may_be_there_any_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
