/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration every Diameter node shares: diameter.*; and the node made from it. */
#pragma once

#include "common/base/conf.h"
#include "common/diameter/node.h"
#include "common/net/tls.h"

struct dia_conf_peer {
        char *identity, *realm, *address; /* address "": the peer connects to us */
        struct conf_list from;            /* char *: prefixes it may connect from; none: anywhere */
        uint32_t priority;
        bool relay;
        int tls; /* enum dia_conf_tls */
};

enum dia_conf_tls { DIA_TLS_OFF, DIA_TLS_REQUIRED };

struct dia_conf {
        char *identity, *realm;
        struct conf_list listen;     /* char *: "192.0.2.1:3868" */
        struct conf_list listen_tls; /* char *: where TLS is spoken from the first octet (RFC 6733 13.1) */
        struct tls_conf tls;         /* of both ends; the certificate is for identity */
        char *local;                 /* NULL: as the kernel routes */
        struct conf_list peers;      /* struct dia_conf_peer */
        bool accept_unknown;
        uint32_t tc_ms, tw_ms, answer_ms;
};

extern const struct conf_key dia_conf_peer_keys[];
const char *dia_conf_check_address(const char *value); /* may be empty */
const char *dia_conf_check_listen(const char *value);
const char *dia_conf_check_listen_tls(const char *value);
const char *dia_conf_check_local(const char *value);

#define DIA_CONF_KEYS(OWNER, field)                                                                          \
        {.name = "diameter.identity",                                                                        \
         .type = CONF_STR,                                                                                   \
         .offset = offsetof(OWNER, field.identity),                                                          \
         .check = host_check,                                                                                \
         .doc = "Origin-Host of this node"},                                                                 \
                {.name = "diameter.realm",                                                                   \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.realm),                                                     \
                 .check = host_check,                                                                        \
                 .doc = "Origin-Realm, and Destination-Realm of requests"},                                  \
                {.name = "diameter.listen",                                                                  \
                 .type = CONF_STR_LIST,                                                                      \
                 .offset = offsetof(OWNER, field.listen),                                                    \
                 .optional = true,                                                                           \
                 .check = dia_conf_check_listen,                                                             \
                 .doc = "where peers may connect: ADDRESS:PORT"},                                            \
                {.name = "diameter.tls.listen",                                                              \
                 .type = CONF_STR_LIST,                                                                      \
                 .offset = offsetof(OWNER, field.listen_tls),                                                \
                 .optional = true,                                                                           \
                 .check = dia_conf_check_listen_tls,                                                         \
                 .doc = "where peers may connect over TLS: ADDRESS:PORT, port 5868"},                        \
                TLS_CONF_KEYS(OWNER, field.tls, "diameter.tls."),                                            \
                {.name = "diameter.local",                                                                   \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.local),                                                     \
                 .optional = true,                                                                           \
                 .check = dia_conf_check_local,                                                              \
                 .doc = "address our connections leave from; none: as the kernel routes"},                   \
                {.name = "diameter.peers",                                                                   \
                 .type = CONF_MAP_LIST,                                                                      \
                 .offset = offsetof(OWNER, field.peers),                                                     \
                 .optional = true,                                                                           \
                 .item = dia_conf_peer_keys,                                                                 \
                 .item_size = sizeof(struct dia_conf_peer),                                                  \
                 .doc = "the other ends of Cx"},                                                             \
                {.name = "diameter.accept_unknown",                                                          \
                 .type = CONF_BOOL,                                                                          \
                 .offset = offsetof(OWNER, field.accept_unknown),                                            \
                 .def = "no",                                                                                \
                 .doc = "peers outside the list may connect"},                                               \
                {.name = "diameter.tc",                                                                      \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.tc_ms),                                                     \
                 .def = "1000",                                                                              \
                 .min = 10,                                                                                  \
                 .max = 60000,                                                                               \
                 .doc = "Tc, pause before a new connection attempt (RFC 6733 12)"},                          \
                {.name = "diameter.tw",                                                                      \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.tw_ms),                                                     \
                 .def = "6s",                                                                                \
                 .min = 100,                                                                                 \
                 .max = 120000,                                                                              \
                 .doc = "Tw, watchdog (RFC 3539 3.4.1)"},                                                    \
        {                                                                                                    \
                .name = "diameter.answer", .type = CONF_TIME_MS, .offset = offsetof(OWNER, field.answer_ms), \
                .def = "1500", .min = 50, .max = 60000, .doc = "longest wait for an answer"                  \
        }

/* For the schema's check: what TLS needs is there, and every address of a peer lies in one of the networks of
 * the core, where some are configured (core_net.h). 0 or -IMS_ECONF. */
int dia_conf_check(const struct dia_conf *c, const struct conf_list *networks, struct buf *err) IMS_CHECK;

/* For conf_schema.look: the certificate files by the rules of cert.h. 0 or -IMS_ECONF. */
int dia_conf_look_tls(const struct dia_conf *c, const char *trust_domain, struct buf *err) IMS_CHECK;

/* Makes the node; each failure is logged with the key and value. */
int dia_conf_start(struct loop *l, const struct dia_conf *c, const struct dia_handlers *h, void *arg,
                   struct dia_node **out) IMS_CHECK;
