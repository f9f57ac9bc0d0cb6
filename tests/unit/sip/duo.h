/* SPDX-License-Identifier: BSD-3-Clause
 * A node and a bare peer, for the tests of transactions. */
#pragma once

#include "tests/unit/sip/stack_world.h"

/* A node and a raw peer. */
struct duo {
        struct world w;
        struct node n;
        struct raw r;
        struct call call;
        struct sip_target t;
        char text[128];
};

static inline void duo_start(struct duo *d, const struct sip_stack_conf *conf)
{
        world_start(&d->w, NULL, 0);
        node_start(&d->n, &d->w, conf);
        raw_start(&d->r, &d->w);
        d->t = target_to(&d->r.addr, NULL, d->text);
}

static inline void duo_stop(struct duo *d)
{
        node_stop(&d->n);
        raw_stop(&d->r);
        world_stop(&d->w);
}

static inline uint32_t live_clients(struct node *n)
{
        struct sip_stack_stats stats;

        sip_stack_stats(n->s, &stats);
        return stats.client_txns;
}

static inline uint32_t unanswered(struct node *n)
{
        struct sip_stack_stats stats;

        sip_stack_stats(n->s, &stats);
        return stats.unanswered;
}

static inline uint32_t live_servers(struct node *n)
{
        struct sip_stack_stats stats;

        sip_stack_stats(n->s, &stats);
        return stats.server_txns;
}

/* A request as the raw peer writes it; cseq_method for CSeq, tag for To. */
static inline const char *raw_request(struct raw *r, const char *method, const char *branch, const char *tag)
{
        static char text[1024];
        char name[ADDR_STR];

        (void)snprintf(text, sizeof(text),
                       "%s sip:bob@example.net SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\n"
                       "From: <sip:alice@example.net>;tag=a\r\nTo: <sip:bob@example.net>%s%s\r\n"
                       "Call-ID: raw\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
                       method, addr_str(&r->addr, name), branch, *tag ? ";tag=" : "", tag, method);
        return text;
}

/* The To tag of what came with number i. */
static inline const char *tag_of(struct raw *r, unsigned i)
{
        static char tag[64];
        const char *at = strstr(strstr(r->got[i], "\r\nTo: "), ";tag=") + 5;

        memcpy(tag, at, strcspn(at, "\r;"));
        tag[strcspn(at, "\r;")] = '\0';
        return tag;
}
