/* SPDX-License-Identifier: BSD-3-Clause
 * Which peer a request goes to (RFC 6733 6.1.4 to 6.1.6): the host itself, else the peer of the lowest
 * priority value; among equals servers of the realm before relays, and equal ones in turn. */
#include "common/diameter/node_int.h"

static bool tried_before(const struct dia_peer *p, struct dia_peer *const *tried, size_t n_tried)
{
        for (size_t i = 0; i < n_tried; i++) {
                if (tried[i] == p)
                        return true;
        }
        return false;
}

/* Between the end of a connection and the news of it the peer still counts as usable. */
static bool takes(const struct dia_peer *p)
{
        return dia_peer_usable(p) && p->c && !p->c->closed && p->c->tcp && tcp_takes(p->c->tcp);
}

/* Only relays take a request for a host that is no peer. */
static bool serves(const struct dia_peer *p, struct span host, struct span realm)
{
        return p->relay || (!host.n && span_ieq(span_of(p->realm), realm));
}

/* The peers of the best priority that fit take turns. */
static struct dia_peer *pick(struct dia_node *n, struct span host, struct span realm,
                             struct dia_peer *const *tried, size_t n_tried)
{
        struct dia_peer *fit[16];
        size_t n_fit = 0;

        list_for_each(pos, &n->peers)
        {
                struct dia_peer *p = container_of(pos, struct dia_peer, node);

                if (n_fit && p->priority != fit[0]->priority)
                        break;
                if (!takes(p) || !serves(p, host, realm) || tried_before(p, tried, n_tried))
                        continue;
                if (n_fit && p->relay != fit[0]->relay) {
                        if (p->relay)
                                continue;
                        n_fit = 0;
                }
                if (n_fit < sizeof(fit) / sizeof(fit[0]))
                        fit[n_fit++] = p;
        }
        return n_fit ? fit[n->turn++ % n_fit] : NULL;
}

struct dia_peer *dia_route(struct dia_node *n, struct span host, struct span realm,
                           struct dia_peer *const *tried, size_t n_tried)
{
        struct dia_peer *p = host.n ? dia_peer_find(n, host) : NULL;

        if (p && takes(p) && !tried_before(p, tried, n_tried))
                return p;
        return pick(n, host, realm, tried, n_tried);
}
