/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration every Diameter node shares, and the node made from it. */
#include "common/diameter/dia_conf.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/net/core_net.h"
#include "common/net/prefix.h"
#include "common/net/tls_conf.h"

static const char *const tls_words[] = {"off", "required", NULL};

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
        {.name = "tls",
         .type = CONF_ENUM,
         .offset = offsetof(struct dia_conf_peer, tls),
         .words = tls_words,
         .def = "off",
         .doc = "off, required: TLS from the first octet with certificates of both (TS 33.203 S.5.4.3); "
                "address then has port 5868"},
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

const char *dia_conf_check_listen_tls(const char *value)
{
        struct addr a;

        return addr_parse(span_of(value), DIAMETER_SECURE_PORT, &a) == 0
                       ? NULL
                       : "is no IP address with port (192.0.2.1:5868, [2001:db8::1]:5868)";
}

const char *dia_conf_check_local(const char *value)
{
        struct addr a;

        return addr_parse(span_of(value), 0, &a) == 0 && addr_port(&a) == 0 && !addr_is_any(&a)
                       ? NULL
                       : "is no IP address";
}

static int check_tls(const struct dia_conf *c, struct buf *err)
{
        const struct dia_conf_peer *peers = c->peers.items;
        bool ready = c->tls.certificate && c->tls.key && c->tls.ca;
        char key[64];
        int rc = 0;

        if (c->listen_tls.n && !ready)
                rc = conf_fail(err, "diameter.tls.listen",
                               "wants diameter.tls.certificate, diameter.tls.key and diameter.tls.ca");
        for (size_t i = 0; i < c->peers.n; i++) {
                if (peers[i].tls != DIA_TLS_REQUIRED || ready)
                        continue;
                (void)snprintf(key, sizeof(key), "diameter.peers[%zu].tls", i);
                rc = conf_fail(
                        err, key,
                        "required: wants diameter.tls.certificate, diameter.tls.key and diameter.tls.ca");
        }
        return rc;
}

static int check_networks(const struct dia_conf *c, const struct conf_list *links, struct buf *err)
{
        const struct dia_conf_peer *peers = c->peers.items;
        char key[64], ip[ADDR_STR];
        char *const one[] = {ip};
        const struct conf_list address = {.items = (void *)one, .n = 1};
        struct addr a;
        int rc = core_net_conf_check_tls(links, "diameter.tls", true, (enum tls_null)c->tls.null_encryption,
                                         err);

        for (size_t i = 0; i < c->peers.n; i++) {
                (void)snprintf(key, sizeof(key), "diameter.peers[%zu].from", i);
                if (core_net_conf_covers(links, key, &peers[i].from, err) != 0)
                        rc = -IMS_ECONF;
                if (!peers[i].address || !peers[i].address[0] ||
                    addr_parse(span_of(peers[i].address), DIAMETER_PORT, &a) != 0)
                        continue;
                (void)addr_ip_str(&a, false, ip);
                (void)snprintf(key, sizeof(key), "diameter.peers[%zu].address", i);
                if (core_net_conf_covers(links, key, &address, err) != 0)
                        rc = -IMS_ECONF;
        }
        return rc;
}

int dia_conf_check(const struct dia_conf *c, const struct conf_list *networks, struct buf *err)
{
        int rc = check_tls(c, err);

        return check_networks(c, networks, err) != 0 ? -IMS_ECONF : rc;
}

int dia_conf_look_tls(const struct dia_conf *c, const char *trust_domain, struct buf *err)
{
        const struct tls_conf_use use = {.server = c->listen_tls.n > 0,
                                         .client = true,
                                         .name = span_of(c->identity),
                                         .trust_domain = span_of(trust_domain)};

        return c->tls.certificate ? tls_conf_look(&c->tls, "diameter.tls", &use, err) : 0;
}

static int read_address(const char *key, const char *value, uint16_t port, struct addr *out)
{
        int err = addr_parse(span_of(value), port, out);

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
                                      .tls = in->tls == DIA_TLS_REQUIRED,
                                      .from = in->from.items,
                                      .n_from = in->from.n};
        if (!in->address || !in->address[0])
                return 0;
        return read_address("diameter.peers.address", in->address,
                            out->tls ? DIAMETER_SECURE_PORT : DIAMETER_PORT, &out->addr);
}

/* One end of TLS; what fails is logged. */
static int make_tls(const struct tls_conf *conf, enum tls_role role, struct tls_context **out)
{
        struct tls_conf both = *conf;

        both.verify_clients = true; /* TS 33.203 S.5.4.3 */
        return tls_conf_open(&both, "diameter.tls", role, out);
}

struct made { /* of the configuration, until the node has it */
        struct addr *listen, *listen_tls;
        struct dia_peer_conf *peers;
        struct tls_context *server, *client;
};

static int make(const struct dia_conf *c, struct made *m, struct dia_node_conf *conf)
{
        const struct dia_conf_peer *in = c->peers.items;
        char *const *listen = c->listen.items, *const *listen_tls = c->listen_tls.items;
        int err;

        m->listen = calloc(c->listen.n + 1, sizeof(*m->listen));
        m->listen_tls = calloc(c->listen_tls.n + 1, sizeof(*m->listen_tls));
        m->peers = calloc(c->peers.n + 1, sizeof(*m->peers));
        err = m->listen && m->listen_tls && m->peers ? 0 : -IMS_ENOMEM;
        if (!err && c->local)
                err = addr_parse(span_of(c->local), 0, &conf->local);
        for (size_t i = 0; !err && i < c->listen.n; i++)
                err = read_address("diameter.listen", listen[i], DIAMETER_PORT, &m->listen[i]);
        for (size_t i = 0; !err && i < c->listen_tls.n; i++)
                err = read_address("diameter.tls.listen", listen_tls[i], DIAMETER_SECURE_PORT,
                                   &m->listen_tls[i]);
        for (size_t i = 0; !err && i < c->peers.n; i++)
                err = read_peer(&in[i], &m->peers[i]);
        if (!err && c->tls.certificate && c->listen_tls.n)
                err = make_tls(&c->tls, TLS_SERVER, &m->server);
        if (!err && c->tls.certificate)
                err = make_tls(&c->tls, TLS_CLIENT, &m->client);
        return err;
}

int dia_conf_start(struct loop *l, const struct dia_conf *c, const struct dia_handlers *h, void *arg,
                   struct dia_node **out)
{
        struct made m = {0};
        struct dia_node_conf conf = {.identity = c->identity,
                                     .realm = c->realm,
                                     .n_listen = c->listen.n,
                                     .n_listen_tls = c->listen_tls.n,
                                     .n_peers = c->peers.n,
                                     .accept_unknown = c->accept_unknown,
                                     .tc_ms = c->tc_ms,
                                     .tw_ms = c->tw_ms,
                                     .answer_ms = c->answer_ms};
        int err = make(c, &m, &conf);

        if (!err) {
                conf.listen = m.listen;
                conf.listen_tls = m.listen_tls;
                conf.peers = m.peers;
                conf.tls_server = m.server;
                conf.tls_client = m.client;
                err = dia_node_new(l, &conf, h, arg, out);
        }
        if (err)
                log_error("diameter: %s is not started: %s", c->identity, ims_strerror(err));
        tls_context_free(m.server); /* the node has references of its own */
        tls_context_free(m.client);
        free(m.listen);
        free(m.listen_tls);
        free(m.peers);
        return err;
}
