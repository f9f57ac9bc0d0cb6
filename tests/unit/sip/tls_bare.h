/* SPDX-License-Identifier: BSD-3-Clause
 * Connections that come to the TLS listener of a pair, with or without TLS, and say no SIP. */
#pragma once

#include "tests/unit/sip/tls_pair.h"

struct bare {
        struct tcp_conn *c;
        unsigned connects, sessions, closes;
        size_t got;
};

static inline void bare_connect(struct tcp_conn *c, void *arg)
{
        (void)c;
        ((struct bare *)arg)->connects++;
}

static inline void bare_data(struct tcp_conn *c, struct span data, void *arg)
{
        (void)c;
        ((struct bare *)arg)->got += data.n;
}

static inline void bare_close(struct tcp_conn *c, int reason, void *arg)
{
        struct bare *b = arg;

        (void)c, (void)reason;
        b->c = NULL;
        b->closes++;
}

static const struct tcp_handlers bare_handlers = {bare_connect, bare_data, bare_close};

static inline void bare_dial(struct bare *b, struct tls_pair *p, bool tls)
{
        *b = (struct bare){0};
        assert_int_equal(tcp_connect(p->w.loop, NULL, &p->tls, 30000, &bare_handlers, b, &b->c), 0);
        if (tls)
                assert_int_equal(tls_start(b->c, p->client, TLS_NAME, NULL), 0);
}

static inline uint64_t faults(struct node *n, enum sip_fault what)
{
        struct sip_stack_stats stats;

        sip_stack_stats(n->s, &stats);
        return stats.faults[what];
}
