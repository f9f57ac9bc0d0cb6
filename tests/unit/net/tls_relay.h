/* SPDX-License-Identifier: BSD-3-Clause
 * Somebody between client and server of a tls_world, who sees every octet and may alter or repeat what the
 * client sends. */
#pragma once

#include "tests/unit/net/tls_world.h"

struct tls_relay {
        struct tls_world *w;
        struct tcp_listener *listener;
        struct tcp_conn *near, *far; /* of the client, of the server */
        struct buf seen;             /* what the client sent, as it travels */
        bool alter, repeat;          /* what it sends next */
};

static inline void tls_relay_up(struct tcp_conn *c, void *arg)
{
        (void)c, (void)arg;
}

static inline void tls_relay_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct tls_relay *r = arg;
        struct tcp_conn *to = c == r->near ? r->far : r->near;
        char *copy = span_dup(data);

        assert_non_null(copy);
        if (c == r->near)
                buf_span(&r->seen, data);
        if (c == r->near && r->alter)
                copy[data.n - 1] ^= 1;
        for (int i = 0; i < 1 + (c == r->near && r->repeat); i++)
                if (to && tcp_send(to, span_make(copy, data.n)) != 0)
                        break;
        if (c == r->near)
                r->alter = r->repeat = false;
        free(copy);
}

static inline void tls_relay_close(struct tcp_conn *c, int reason, void *arg)
{
        struct tls_relay *r = arg;
        struct tcp_conn *other = c == r->near ? r->far : r->near;

        (void)reason;
        *(c == r->near ? &r->near : &r->far) = NULL;
        if (other)
                tcp_close(other, true);
}

static const struct tcp_handlers tls_relay_handlers = {tls_relay_up, tls_relay_data, tls_relay_close};

static inline void tls_relay_accept(struct tcp_conn *c, void *arg)
{
        struct tls_relay *r = arg;

        r->near = c;
        tcp_set_handlers(c, &tls_relay_handlers, r);
        assert_int_equal(tcp_connect(r->w->l, NULL, tcp_listener_local(r->w->listener), PATIENCE_MS,
                                     &tls_relay_handlers, r, &r->far),
                         0);
}

/* From now on tls_world_dial goes to the relay. */
static inline void tls_relay_start(struct tls_relay *r, struct tls_world *w)
{
        struct addr any;

        *r = (struct tls_relay){.w = w, .seen.max = (size_t)64 << 20};
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(tcp_listen(w->l, &any, 100, tls_relay_accept, r, &r->listener), 0);
        w->dial_to = *tcp_listener_local(r->listener);
}

static inline void tls_relay_stop(struct tls_relay *r)
{
        TLS_WAIT(r->w, !r->near && !r->far);
        tcp_listener_close(r->listener);
        buf_free(&r->seen);
}
