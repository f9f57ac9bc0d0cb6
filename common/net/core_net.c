/* SPDX-License-Identifier: BSD-3-Clause
 * Networks of the core. */
#include "common/net/core_net.h"

#include <stdlib.h>

static const char *const interface_words[] = {"zb", "za", NULL};
static const char *const protection_words[] = {"ipsec", "tls", "closed", NULL};

#define AT(field) offsetof(struct core_net_link_conf, field)

const struct conf_key core_net_link_keys[] = {
        {.name = "network",
         .type = CONF_STR,
         .offset = AT(network),
         .check = prefix_check,
         .doc = "ADDRESS or ADDRESS/BITS of core nodes"},
        {.name = "interface",
         .type = CONF_ENUM,
         .offset = AT(interface),
         .def = "zb",
         .words = interface_words,
         .doc = "zb: inside of our security domain; za: to another one (TS 33.210)"},
        {.name = "protected_by",
         .type = CONF_ENUM,
         .offset = AT(protection),
         .words = protection_words,
         .doc = "ipsec: ESP outside of this program; tls: only TLS with certificates is taken; closed: "
                "nobody else reaches it"},
        {.name = "integrity",
         .type = CONF_BOOL,
         .offset = AT(integrity),
         .def = "yes",
         .doc = "of what protects it; no is refused (PacketCable 5.4.2)"},
        {.name = "confidentiality",
         .type = CONF_BOOL,
         .offset = AT(confidentiality),
         .def = "yes",
         .doc = "of what protects it; no is refused on za (PacketCable 5.4.3)"},
        {.name = NULL},
};

int core_net_conf_check(const struct conf_list *links, struct buf *err)
{
        const struct core_net_link_conf *l = links->items;
        char key[64];
        int rc = 0;

        for (size_t i = 0; i < links->n; i++) {
                if (!l[i].integrity) {
                        (void)snprintf(key, sizeof(key), "network_domain[%zu].integrity", i);
                        rc = conf_fail(err, key,
                                       "no: a protected link of the core has integrity always "
                                       "(PacketCable 5.4.2, TS 33.203 5.1.4)");
                }
                if (l[i].interface != CORE_NET_ZA)
                        continue;
                if (!l[i].confidentiality) {
                        (void)snprintf(key, sizeof(key), "network_domain[%zu].confidentiality", i);
                        rc = conf_fail(err, key,
                                       "no: a link to another domain has confidentiality too (PacketCable "
                                       "5.4.3)");
                }
                if (l[i].protection == CORE_NET_CLOSED) {
                        (void)snprintf(key, sizeof(key), "network_domain[%zu].protected_by", i);
                        rc = conf_fail(err, key,
                                       "closed: a link to another domain is protected by ipsec or tls "
                                       "(PacketCable 5.4.3)");
                }
        }
        return rc;
}

int core_net_conf_check_tls(const struct conf_list *links, const char *prefix, bool verifies_clients,
                            enum tls_null null_encryption, struct buf *err)
{
        const struct core_net_link_conf *l = links->items;
        char key[64];
        int rc = 0;

        for (size_t i = 0; i < links->n; i++) {
                if (l[i].protection != CORE_NET_TLS)
                        continue;
                if (!verifies_clients) {
                        (void)snprintf(key, sizeof(key), "%s.verify_clients", prefix);
                        rc = conf_fail(err, key,
                                       "no: network_domain %s is protected by TLS with certificates",
                                       l[i].network);
                }
                if (l[i].confidentiality && null_encryption != TLS_NULL_OFF) {
                        (void)snprintf(key, sizeof(key), "%s.null_encryption", prefix);
                        rc = conf_fail(err, key, "must be off: network_domain %s has confidentiality",
                                       l[i].network);
                }
        }
        return rc;
}

static bool covered(const struct conf_list *links, const char *text)
{
        const struct core_net_link_conf *l = links->items;
        struct prefix inner, outer;

        if (prefix_parse(span_of(text), &inner) != 0)
                return true; /* told where it is read */
        for (size_t i = 0; i < links->n; i++)
                if (prefix_parse(span_of(l[i].network), &outer) == 0 && outer.bits <= inner.bits &&
                    prefix_has(&outer, &inner.addr))
                        return true;
        return false;
}

int core_net_conf_covers(const struct conf_list *links, const char *key, const struct conf_list *prefixes,
                         struct buf *err)
{
        char *const *text = prefixes->items;
        int rc = 0;

        for (size_t i = 0; links->n && i < prefixes->n; i++)
                if (!covered(links, text[i]))
                        rc = conf_fail(err, key, "%s: is outside of network_domain (TS 33.203 5.1.4)",
                                       text[i]);
        return rc;
}

int core_net_init(struct core_net *net, const struct conf_list *links)
{
        const struct core_net_link_conf *l = links->items;
        int err = 0;

        *net = (struct core_net){0};
        if (!links->n)
                return 0;
        net->links = calloc(links->n, sizeof(*net->links));
        if (!net->links)
                return -IMS_ENOMEM;
        for (size_t i = 0; !err && i < links->n; i++) {
                err = prefix_parse(span_of(l[i].network), &net->links[i].prefix);
                net->links[i].tls = l[i].protection == CORE_NET_TLS;
        }
        if (!err)
                net->n = links->n;
        return err;
}

void core_net_free(struct core_net *net)
{
        free(net->links);
        *net = (struct core_net){0};
}

int trust_set_networks(struct trust *t, const struct conf_list *links)
{
        struct core_net *net;
        int err;

        if (!links->n)
                return 0;
        net = malloc(sizeof(*net));
        if (!net)
                return -IMS_ENOMEM;
        err = core_net_init(net, links);
        if (err) {
                core_net_free(net);
                free(net);
                return err;
        }
        t->net = net;
        return 0;
}

static const struct core_net_link *link_of(const struct core_net *net, const struct addr *remote)
{
        const struct core_net_link *best = NULL;

        for (size_t i = 0; i < net->n; i++)
                if (prefix_has(&net->links[i].prefix, remote) &&
                    (!best || net->links[i].prefix.bits > best->prefix.bits))
                        best = &net->links[i];
        return best;
}

const char *core_net_refuses(const struct core_net *net, const struct addr *remote, bool tls)
{
        const struct core_net_link *l;

        if (!net || !net->n)
                return NULL;
        l = link_of(net, remote);
        if (!l)
                return "its address is outside of network_domain";
        return l->tls && !tls ? "network_domain wants TLS with certificates there" : NULL;
}
