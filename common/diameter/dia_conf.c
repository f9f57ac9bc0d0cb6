/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration every Diameter node shares, and the node made from it. */
#include "common/diameter/dia_conf.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/net/prefix.h"

const struct conf_key dia_conf_peer_keys[] = {
        {.name = "identity",
         .type = CONF_STR,
         .offset = offsetof(struct dia_conf_peer, identity),
         .check = host_check,
         .doc = "Origin-Host of the peer"},
        {.name = "realm",
         .type = CONF_STR,
         .offset = offsetof(struct dia_conf_peer, realm),
         .optional = true,
         .check = host_check,
         .doc = "its realm; ours when absent"},
        {.name = "address",
         .type = CONF_STR,
         .offset = offsetof(struct dia_conf_peer, address),
         .def = "",
         .check = dia_conf_check_address,
         .doc = "ADDRESS:PORT to connect to; empty: it connects to us"},
        {.name = "from",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct dia_conf_peer, from),
         .optional = true,
         .check = prefix_check,
         .doc = "where it may connect from: ADDRESS or ADDRESS/BITS; none: anywhere (TS 33.203 Annex J)"},
        {.name = "priority",
         .type = CONF_U32,
         .offset = offsetof(struct dia_conf_peer, priority),
         .def = "10",
         .min = 0,
         .max = 65535,
         .doc = "the lowest is tried first; equal ones share"},
        {.name = "relay",
         .type = CONF_BOOL,
         .offset = offsetof(struct dia_conf_peer, relay),
         .def = "no",
         .doc = "it takes requests for every host and realm"},
        {.name = NULL},
};

const char *dia_conf_check_address(const char *value)
{
        return *value ? dia_conf_check_listen(value) : NULL;
}

const char *dia_conf_check_listen(const char *value)
{
        struct addr a;

        return addr_parse(span_of(value), DIAMETER_PORT, &a) == 0
                       ? NULL
                       : "is no IP address with port (192.0.2.1:3868, [2001:db8::1]:3868)";
}

const char *dia_conf_check_local(const char *value)
{
        struct addr a;

        return addr_parse(span_of(value), 0, &a) == 0 && addr_port(&a) == 0 && !addr_is_any(&a)
                       ? NULL
                       : "is no IP address";
}

static int read_address(const char *key, const char *value, struct addr *out)
{
        int err = addr_parse(span_of(value), DIAMETER_PORT, out);

        if (err)
                log_error("%s: %s: %s", key, value, dia_conf_check_address(value));
        return err;
}

static int read_peer(const struct dia_conf_peer *in, struct dia_peer_conf *out)
{
        *out = (struct dia_peer_conf){.identity = in->identity,
                                      .realm = in->realm,
                                      .priority = in->priority,
                                      .relay = in->relay,
                                      .from = in->from.items,
                                      .n_from = in->from.n};
        if (!in->address || !in->address[0])
                return 0;
        return read_address("diameter.peers.address", in->address, &out->addr);
}

int dia_conf_start(struct loop *l, const struct dia_conf *c, const struct dia_handlers *h, void *arg,
                   struct dia_node **out)
{
        const struct dia_conf_peer *in = c->peers.items;
        char *const *listen = c->listen.items;
        struct addr *addrs = calloc(c->listen.n + 1, sizeof(*addrs));
        struct dia_peer_conf *peers = calloc(c->peers.n + 1, sizeof(*peers));
        struct dia_node_conf conf = {.identity = c->identity,
                                     .realm = c->realm,
                                     .listen = addrs,
                                     .n_listen = c->listen.n,
                                     .peers = peers,
                                     .n_peers = c->peers.n,
                                     .accept_unknown = c->accept_unknown,
                                     .tc_ms = c->tc_ms,
                                     .tw_ms = c->tw_ms,
                                     .answer_ms = c->answer_ms};
        int err = addrs && peers ? 0 : -IMS_ENOMEM;

        if (!err && c->local)
                err = addr_parse(span_of(c->local), 0, &conf.local);
        for (size_t i = 0; !err && i < c->listen.n; i++)
                err = read_address("diameter.listen", listen[i], &addrs[i]);
        for (size_t i = 0; !err && i < c->peers.n; i++)
                err = read_peer(&in[i], &peers[i]);
        if (!err)
                err = dia_node_new(l, &conf, h, arg, out);
        if (err)
                log_error("diameter: %s is not started: %s", c->identity, ims_strerror(err));
        free(addrs);
        free(peers);
        return err;
}
