/* SPDX-License-Identifier: BSD-3-Clause
 * Two Diameter nodes in one loop: hss.example.org, which listens at a port of its own, and cscf.example.org,
 * which connects to it. */
#pragma once

#include "common/diameter/node.h"

/* What both are made of, to be changed before they start. */
struct two_nodes_conf {
        struct addr any;
        struct dia_peer_conf cscf_peer, hss_peer;
        struct dia_node_conf hss, cscf;
        size_t listener; /* of the HSS, where the CSCF connects to */
};

struct two_nodes {
        struct loop *loop;
        struct dia_node *hss, *cscf;
};

static inline void two_nodes_conf_init(struct two_nodes_conf *c)
{
        *c = (struct two_nodes_conf){
                .cscf_peer = {.identity = "cscf.example.org"},
                .hss_peer = {.identity = "hss.example.org"},
                .hss = {.identity = "hss.example.org",
                        .realm = "example.org",
                        .listen = &c->any,
                        .n_listen = 1,
                        .peers = &c->cscf_peer,
                        .n_peers = 1,
                        .tc_ms = 10},
                .cscf = {.identity = "cscf.example.org",
                         .realm = "example.org",
                         .peers = &c->hss_peer,
                         .n_peers = 1,
                         .tc_ms = 10},
        };
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &c->any), 0);
}

static inline void two_nodes_start(struct two_nodes *n, struct two_nodes_conf *c,
                                   const struct dia_handlers *h, void *hss_arg, void *cscf_arg)
{
        *n = (struct two_nodes){.loop = NULL};
        assert_int_equal(loop_new(&n->loop), 0);
        assert_int_equal(dia_node_new(n->loop, &c->hss, h, hss_arg, &n->hss), 0);
        c->hss_peer.addr = *dia_node_listen_addr(n->hss, c->listener);
        assert_int_equal(dia_node_new(n->loop, &c->cscf, h, cscf_arg, &n->cscf), 0);
}

static inline void two_nodes_end(struct two_nodes *n)
{
        dia_node_free(n->cscf);
        dia_node_free(n->hss);
        loop_free(n->loop);
}
