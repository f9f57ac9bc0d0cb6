/* SPDX-License-Identifier: BSD-3-Clause
 * UDP on the loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/net/udp.h"

#define BURST 200

struct pair {
        struct loop *l;
        struct udp *a, *b;
        int got;
        size_t octets;
        struct tmr guard;
        struct span want;
};

static void on_guard(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        fail_msg("datagrams are missing");
}

static void open_pair(struct pair *p, const char *ip, udp_recv_fn *fn_a, udp_recv_fn *fn_b)
{
        struct addr any;

        assert_int_equal(addr_parse(span_of(ip), 0, &any), 0);
        assert_int_equal(loop_new(&p->l), 0);
        assert_int_equal(udp_open(p->l, &any, fn_a, p, &p->a), 0);
        assert_int_equal(udp_open(p->l, &any, fn_b, p, &p->b), 0);
        assert_true(addr_port(udp_local(p->a)) != 0);
        assert_int_equal(tmr_start(p->l, &p->guard, 60000, on_guard, p), 0);
}

static void close_pair(struct pair *p)
{
        tmr_stop(p->l, &p->guard);
        udp_close(p->a);
        udp_close(p->b);
        loop_free(p->l);
}

static void on_echo(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        (void)arg;
        assert_int_equal(udp_send(u, from, data), 0);
}

static void on_burst(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct pair *p = arg;
        uint32_t n;

        (void)u;
        assert_true(addr_eq(from, udp_local(p->a)));
        assert_int_equal(span_u32(data, BURST, &n), 0);
        assert_int_equal(n, p->got); /* one socket pair keeps the order */
        if (++p->got == BURST)
                loop_stop(p->l);
}

static void burst_there_and_back(void **state)
{
        struct pair p = {0};
        char text[16];

        (void)state;
        open_pair(&p, "127.0.0.1", on_echo, on_burst);
        for (int i = 0; i < BURST; i++) {
                (void)snprintf(text, sizeof(text), "%d", i);
                assert_int_equal(udp_send(p.b, udp_local(p.a), span_of(text)), 0);
        }
        loop_run(p.l);
        assert_int_equal(p.got, BURST);
        close_pair(&p);
}

static void on_whole(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct pair *p = arg;

        (void)u;
        (void)from;
        assert_true(span_eq(data, p->want));
        p->got++;
        loop_stop(p->l);
}

static void largest_datagram(void **state)
{
        struct pair p = {0};
        char *data = malloc(65507);

        (void)state;
        memset(data, 'x', 65507);
        open_pair(&p, "127.0.0.1", on_echo, on_whole);
        p.want = span_make(data, 65507);
        assert_int_equal(udp_send(p.b, udp_local(p.b), p.want), 0);
        loop_run(p.l);
        assert_int_equal(p.got, 1);
        assert_int_equal(udp_send(p.b, udp_local(p.b), span_make(data, 65507 + 1)), -IMS_ETOOBIG);
        p.want = SPAN_NULL; /* an empty datagram is one too */
        assert_int_equal(udp_send(p.b, udp_local(p.b), p.want), 0);
        loop_run(p.l);
        assert_int_equal(p.got, 2);
        close_pair(&p);
        free(data);
}

static void ipv6(void **state)
{
        struct pair p = {0};
        struct addr v4;

        (void)state;
        open_pair(&p, "::1", on_echo, on_whole);
        p.want = SPAN("six");
        assert_int_equal(udp_send(p.b, udp_local(p.a), p.want), 0);
        loop_run(p.l);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:9"), 0, &v4), 0);
        assert_int_equal(udp_send(p.b, &v4, p.want), -IMS_EUNREACH);
        close_pair(&p);
}

static void on_close_both(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct pair *p = arg;

        (void)from;
        (void)data;
        assert_ptr_equal(u, p->b);
        p->got++;
        udp_close(p->b); /* more datagrams wait; none may come any more */
        p->b = NULL;
        tmr_stop(p->l, &p->guard);
        udp_close(p->a);
        p->a = NULL;
}

static void closed_in_the_callback(void **state)
{
        struct pair p = {0};

        (void)state;
        open_pair(&p, "127.0.0.1", on_echo, on_close_both);
        for (int i = 0; i < 10; i++)
                assert_int_equal(udp_send(p.a, udp_local(p.b), SPAN("x")), 0);
        loop_run(p.l);
        assert_int_equal(p.got, 1);
        udp_close(NULL);
        loop_free(p.l);
}

static void refusals(void **state)
{
        struct pair p = {0};
        struct udp *third = NULL;
        struct addr foreign;

        (void)state;
        open_pair(&p, "127.0.0.1", on_echo, on_echo);
        assert_int_equal(udp_open(p.l, udp_local(p.a), on_echo, &p, &third), -IMS_EADDRINUSE);
        assert_int_equal(addr_parse(SPAN("192.0.2.77:0"), 0, &foreign), 0);
        assert_int_equal(udp_open(p.l, &foreign, on_echo, &p, &third), -IMS_EIO);
        assert_null(third);
        close_pair(&p);
}

/* The loop closes what its users forgot, and says so. */
static void forgotten_socket(void **state)
{
        struct pair p = {0};

        (void)state;
        open_pair(&p, "127.0.0.1", on_echo, on_echo);
        loop_free(p.l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(burst_there_and_back),
                cmocka_unit_test(largest_datagram),
                cmocka_unit_test(ipv6),
                cmocka_unit_test(closed_in_the_callback),
                cmocka_unit_test(refusals),
                cmocka_unit_test(forgotten_socket),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
