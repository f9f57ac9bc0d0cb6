/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration every SIP node shares: sip.* and resolver.*; and the stack made from it. */
#pragma once

#include "common/base/conf.h"
#include "common/sip/stack.h"

struct sip_conf {
        struct conf_list listen; /* char *: "udp:192.0.2.1:5060", "tcp:[2001:db8::1]:5060" */
        char *name;              /* host name of this node in Via, Path, Route; NULL: the address */
        uint32_t t1_ms, t2_ms, t4_ms;
        uint32_t udp_max, message_max, max_conns;
        uint32_t max_conns_per_source;
        uint32_t tcp_idle_ms, tcp_first_ms, tcp_partial_ms, tcp_unread_ms, tcp_queue;
        struct conf_list hosts;   /* resolver.hosts: "NAME=ADDRESS[:PORT][/TRANSPORT]" */
        struct conf_list servers; /* resolver.servers: DNS server addresses */
        struct tls_conf tls;      /* sip.tls: of listeners and of connections that are opened */
        uint32_t max_handshakes, max_handshakes_per_source;
        uint32_t handshakes, handshakes_per_source; /* per second */
        const struct tls_conf *listen_tls;          /* of listeners, where it is not tls; not a key itself */
        const char *listen_tls_key;                 /* "gm.tls", with it */
        const char *listen_key; /* what the list is called where it is not sip.listen; not a key itself */
};

/* Checks the form of one listen entry, for conf_key.check. */
const char *sip_conf_check_listen(const char *value);
const char *sip_conf_check_hosts(const char *value);
const char *sip_conf_check_server(const char *value);
/* What the lists of listeners need of the keys of TLS: for conf_schema.check. tls_key: "sip.tls". -IMS_ECONF.
 */
int sip_conf_check_tls(const struct conf_list *listen, const char *listen_key, const struct tls_conf *tls,
                       const char *tls_key, struct buf *err) IMS_CHECK;
/* What the networks of the core (core_net.h) ask of a node's SIP towards it, for conf_schema.check: each
 * link, the keys "sip.tls", the listeners "sip.listen", and that the prefixes of "trusted" lie in them.
 * -IMS_ECONF. */
int sip_conf_check_core(const struct sip_conf *c, const struct conf_list *networks,
                        const struct conf_list *trusted, struct buf *err) IMS_CHECK;
/* True when one of the listeners is TLS. */
bool sip_conf_has_tls(const struct conf_list *listen);
int sip_conf_parse_listen(const char *value, enum transport *out_transport, struct addr *out) IMS_CHECK;

/* Rows for the node's schema: SIP_CONF_KEYS(struct pcscf_conf, sip, "udp:127.0.0.1:5060,tcp:127.0.0.1:5060").
 * A list's default is comma separated. */
#define SIP_CONF_KEYS(OWNER, field, default_listen)                                                          \
        {.name = "sip.listen",                                                                               \
         .type = CONF_STR_LIST,                                                                              \
         .offset = offsetof(OWNER, field.listen),                                                            \
         .def = default_listen,                                                                              \
         .check = sip_conf_check_listen,                                                                     \
         .doc = "where SIP is taken: TRANSPORT:ADDRESS:PORT, udp, tcp or tls (RFC 3261 18)"},                \
                {.name = "sip.name",                                                                         \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.name),                                                      \
                 .optional = true,                                                                           \
                 .check = host_check,                                                                        \
                 .doc = "host name of this node in Via, Path and Route; without it the address"},            \
                {.name = "sip.t1",                                                                           \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.t1_ms),                                                     \
                 .def = "500",                                                                               \
                 .min = 10,                                                                                  \
                 .max = 60000,                                                                               \
                 .doc = "T1 between core nodes (TS 24.229 table 7.7.1)"},                                    \
                {.name = "sip.t2",                                                                           \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.t2_ms),                                                     \
                 .def = "4000",                                                                              \
                 .min = 40,                                                                                  \
                 .max = 240000,                                                                              \
                 .doc = "T2 between core nodes (TS 24.229 table 7.7.1)"},                                    \
                {.name = "sip.t4",                                                                           \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.t4_ms),                                                     \
                 .def = "5000",                                                                              \
                 .min = 50,                                                                                  \
                 .max = 300000,                                                                              \
                 .doc = "T4 between core nodes (TS 24.229 table 7.7.1)"},                                    \
                {.name = "sip.udp_max",                                                                      \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.udp_max),                                                   \
                 .def = "1300",                                                                              \
                 .min = 200,                                                                                 \
                 .max = 65000,                                                                               \
                 .doc = "octets; a longer request goes over TCP (RFC 3261 18.1.1)"},                         \
                {.name = "sip.message_max",                                                                  \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.message_max),                                               \
                 .def = "65535",                                                                             \
                 .min = 2000,                                                                                \
                 .max = 1048576,                                                                             \
                 .doc = "octets; a longer message is refused"},                                              \
                {.name = "sip.max_connections",                                                              \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.max_conns),                                                 \
                 .def = "20000",                                                                             \
                 .min = 1,                                                                                   \
                 .max = 1000000,                                                                             \
                 .doc = "accepted TCP connections at once"},                                                 \
                {.name = "sip.max_connections_per_source",                                                   \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.max_conns_per_source),                                      \
                 .def = "2000",                                                                              \
                 .min = 1,                                                                                   \
                 .max = 1000000,                                                                             \
                 .doc = "of them, from one address; more are closed at once"},                               \
                {.name = "sip.max_handshakes",                                                               \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.max_handshakes),                                            \
                 .def = "2000",                                                                              \
                 .min = 1,                                                                                   \
                 .max = 1000000,                                                                             \
                 .doc = "TLS handshakes under way at once; further connections are closed"},                 \
                {.name = "sip.max_handshakes_per_source",                                                    \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.max_handshakes_per_source),                                 \
                 .def = "200",                                                                               \
                 .min = 1,                                                                                   \
                 .max = 1000000,                                                                             \
                 .doc = "of them, from one address"},                                                        \
                {.name = "sip.handshakes",                                                                   \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.handshakes),                                                \
                 .def = "1000",                                                                              \
                 .max = 1000000,                                                                             \
                 .doc = "TLS handshakes per second of those who did not authenticate before, and as many "   \
                        "of "                                                                                \
                        "those who did; 0: no limit (PKT-TR-SEC 5.3.2.1.4)"},                                \
                {.name = "sip.handshakes_per_source",                                                        \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.handshakes_per_source),                                     \
                 .def = "200",                                                                               \
                 .max = 1000000,                                                                             \
                 .doc = "of either, from one address (of IPv6 its /64); 0: no limit"},                       \
                {.name = "sip.tcp_first",                                                                    \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.tcp_first_ms),                                              \
                 .def = "30s",                                                                               \
                 .min = 100,                                                                                 \
                 .max = 3600000,                                                                             \
                 .doc = "a TCP connection that brought no message is closed after"},                         \
                {.name = "sip.tcp_message",                                                                  \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.tcp_partial_ms),                                            \
                 .def = "10s",                                                                               \
                 .min = 100,                                                                                 \
                 .max = 120000,                                                                              \
                 .doc = "time for a message that has begun on a TCP connection"},                            \
                {.name = "sip.tcp_unread",                                                                   \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.tcp_unread_ms),                                             \
                 .def = "10s",                                                                               \
                 .min = 100,                                                                                 \
                 .max = 600000,                                                                              \
                 .doc = "a TCP connection whose peer takes nothing is closed after"},                        \
                {.name = "sip.tcp_queue",                                                                    \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.tcp_queue),                                                 \
                 .def = "262144",                                                                            \
                 .min = 65536,                                                                               \
                 .max = 16777216,                                                                            \
                 .doc = "octets that may wait for a peer to read them; for the core 64 times as many"},      \
                {.name = "sip.tcp_idle",                                                                     \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.tcp_idle_ms),                                               \
                 .def = "15m",                                                                               \
                 .min = 1000,                                                                                \
                 .max = 86400000,                                                                            \
                 .doc = "an idle TCP connection is closed after"},                                           \
                {.name = "resolver.hosts",                                                                   \
                 .type = CONF_STR_LIST,                                                                      \
                 .offset = offsetof(OWNER, field.hosts),                                                     \
                 .optional = true,                                                                           \
                 .check = sip_conf_check_hosts,                                                              \
                 .doc = "names known without DNS: NAME=ADDRESS[:PORT][/TRANSPORT]"},                         \
                TLS_CONF_KEYS(OWNER, field.tls, "sip.tls."),                                                 \
                {.name = "sip.tls.name",                                                                     \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.tls.name),                                                  \
                 .optional = true,                                                                           \
                 .check = host_check,                                                                        \
                 .doc = "name that every server must prove; without it the one it was asked for by"},        \
                {.name = "sip.tls.verify_clients",                                                           \
                 .type = CONF_BOOL,                                                                          \
                 .offset = offsetof(OWNER, field.tls.verify_clients),                                        \
                 .def = "true",                                                                              \
                 .doc = "a node that connects must show a certificate (TS 33.203 S.5.4.3)"},                 \
        {                                                                                                    \
                .name = "resolver.servers", .type = CONF_STR_LIST, .offset = offsetof(OWNER, field.servers), \
                .optional = true, .check = sip_conf_check_server,                                            \
                .doc = "DNS servers; none: those of the system"                                              \
        }

/* The certificate files of those keys by the rules of cert.h, for conf_schema.look: faults and advice.
 * Nothing where no listener is TLS and no certificate and no roots are named. name: the host name that must
 * stand in the certificate, or NULL. 0 or -IMS_ECONF. */
int sip_conf_look_tls(const struct conf_list *listen, const struct tls_conf *tls, const char *tls_key,
                      const char *name, const char *trust_domain, struct buf *err) IMS_CHECK;

/* Makes resolver and stack and opens every listener; each failure is logged with the key and value.
 * h->on_trace is left to the caller (common/trace has sip_trace for it). */
int sip_conf_start(struct loop *l, const struct sip_conf *c, const struct sip_stack_handlers *h, void *arg,
                   struct resolver **out_resolver, struct sip_stack **out_stack) IMS_CHECK;
