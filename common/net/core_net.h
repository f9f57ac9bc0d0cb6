/* SPDX-License-Identifier: BSD-3-Clause
 * The networks that core nodes meet on, and how each is protected (TS 33.203 5.1.3, 5.1.4: what passes
 * between CSCFs and between CSCFs and HSS relies on network domain security; PacketCable 5.4.2, 5.4.3). A
 * node takes and opens core connections, and sends SIP, inside of them only. What IPsec or a closed network
 * protects is declared by who runs it; TLS is what the node itself sees to. */
#pragma once

#include "common/base/conf.h"
#include "common/net/prefix.h"
#include "common/net/tls.h"

enum core_net_interface {
        CORE_NET_ZB, /* inside of one security domain (TS 33.210): integrity, and confidentiality or not */
        CORE_NET_ZA  /* to another domain: both */
};

enum core_net_protection {
        CORE_NET_IPSEC,  /* ESP of the hosts or of gateways */
        CORE_NET_TLS,    /* every connection is TLS with certificates on both sides */
        CORE_NET_CLOSED, /* nobody else reaches it: a link without Zb, which is optional (PacketCable 5.4.2)
                          */
};

struct core_net_link_conf {
        char *network;  /* ADDRESS or ADDRESS/BITS */
        int interface;  /* enum core_net_interface */
        int protection; /* enum core_net_protection */
        bool integrity, confidentiality;
};

extern const struct conf_key core_net_link_keys[];

/* Row for the schema of a node: field is a struct conf_list of struct core_net_link_conf. */
#define CORE_NET_CONF_KEYS(OWNER, field)                                                                     \
        {                                                                                                    \
                .name = "network_domain", .type = CONF_MAP_LIST, .offset = offsetof(OWNER, field),           \
                .optional = true, .item = core_net_link_keys,                                                \
                .item_size = sizeof(struct core_net_link_conf),                                              \
                .doc = "networks of the core and how they are protected (TS 33.203 5.1.4); none: any "       \
                       "address"                                                                             \
        }

/* For the schema's check: what PacketCable 5.4.2 and 5.4.3 want of each link. 0 or -IMS_ECONF. */
int core_net_conf_check(const struct conf_list *links, struct buf *err) IMS_CHECK;

/* For the schema's check, where a network is protected_by tls: the keys under prefix ("sip.tls") are what its
 * links promise: peers that connect show a certificate, nothing is without encryption unless the link does
 * without. 0 or -IMS_ECONF. */
int core_net_conf_check_tls(const struct conf_list *links, const char *prefix, bool verifies_clients,
                            enum tls_null null_encryption, struct buf *err) IMS_CHECK;

/* For the schema's check: every prefix of the list (a key such as "trusted") lies in one of the networks;
 * nothing is asked where no network is configured. 0 or -IMS_ECONF. */
int core_net_conf_covers(const struct conf_list *links, const char *key, const struct conf_list *prefixes,
                         struct buf *err) IMS_CHECK;

struct core_net_link {
        struct prefix prefix;
        bool tls;
};

struct core_net {
        struct core_net_link *links; /* owned */
        size_t n;                    /* 0: every address will do */
};

/* -IMS_EPARSE, -IMS_ENOMEM; core_net_free in every case. */
int core_net_init(struct core_net *net, const struct conf_list *links) IMS_CHECK;
void core_net_free(struct core_net *net);

/* The networks become part of a list of trust (trust_init comes first); nothing where none is configured.
 * -IMS_EPARSE, -IMS_ENOMEM. */
int trust_set_networks(struct trust *t, const struct conf_list *links) IMS_CHECK;

/* Whether a core peer at that address may be spoken with; tls: over TLS with a certificate that was verified.
 * The most specific network decides; net NULL: none is configured. NULL, or a static text that says why not.
 */
const char *core_net_refuses(const struct core_net *net, const struct addr *remote, bool tls);
