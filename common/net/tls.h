/* SPDX-License-Identifier: BSD-3-Clause
 * TLS 1.2 and 1.3 under a TCP connection, in the profile of TS 33.310 Annex E: with it tcp_send and on_data
 * carry what is inside. docs/tls.md. */
#pragma once

#include "common/base/conf.h"
#include "common/net/http_tunnel.h"
#include "common/net/tcp.h"

enum tls_role { TLS_SERVER, TLS_CLIENT };

enum tls_null { TLS_NULL_OFF, TLS_NULL_ALLOW, TLS_NULL_PREFER }; /* suites without encryption */

/* Keys of one place of a configuration (TLS_CONF_KEYS). 0 stands for the default in each number. */
struct tls_conf {
        char *certificate, *key; /* PEM files: our certificate and what is between it and the root; its key */
        char *ca;                /* PEM file of the roots that our certificate and those of peers lead to */
        char *crl;               /* PEM file of CRLs that peers are checked against; NULL: none (O.5.3) */
        char *trust_domain;      /* that the peer's certificate names a host in; NULL: any */
        char *home_domain;   /* client: of whose network the server must be (cert.h, TRUST-004); NULL: any */
        char *home_ca;       /* PEM file of the roots of that network, or NULL */
        bool devices;        /* server: clients are devices, whose certificates name no host */
        char *name;          /* expected of every server in place of the name it was asked for by */
        bool verify_clients; /* server: a client must show a certificate (never on Gm, TLS-012) */
        int min_version;     /* enum: 0 TLS 1.2, 1 TLS 1.3 */
        int max_version;     /* enum: 0 TLS 1.3, 1 TLS 1.2 */
        int null_encryption; /* enum tls_null */
        uint32_t session_lifetime_s;    /* 0: one hour (TS 33.203 O.2.1) */
        uint32_t max_sessions;          /* that may be resumed; the oldest goes first; 0: 20000 */
        uint32_t handshake_ms;          /* longest handshake; 0: default of the timer table */
        uint32_t renegotiation_ms;      /* a peer that does not renegotiate is left after; 0: it may stay */
        uint32_t client_renegotiations; /* that a client may begin on one connection */
        char *keylog;                   /* file for the secrets (NSS key log format), NULL: none */
};

/* Certificate, keys, roots, policy and the sessions that may be resumed: shared by connections. */
struct tls_context;

/* conf: copied. On failure -IMS_ECONF, -IMS_EIO or -IMS_ENOMEM, and err says which file and why. A server
 * needs certificate and key; a client needs ca, and may have a certificate. */
int tls_context_new(const struct tls_conf *conf, enum tls_role role, struct tls_context **out,
                    struct buf *err) IMS_CHECK;

/* Reads the files again: handshakes from now on use what they hold; connections, and sessions where no peer
 * is verified, live on. On failure (err says why) everything stays as it was. */
int tls_context_reload(struct tls_context *c, struct buf *err) IMS_CHECK;

/* Lives until the last reference and the last connection are gone. free accepts NULL. */
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_free(struct tls_context *c);

enum tls_role tls_context_role(const struct tls_context *c);

/* No session made so far is resumed any more, by either side. */
void tls_context_forget_all(struct tls_context *c);
size_t tls_context_sessions(const struct tls_context *c); /* how many may be resumed */

/* What a handshake led to. Strings live as long as the connection, or until its next handshake. */
struct tls_info {
        const char *version, *cipher; /* "TLSv1.3", "TLS_AES_128_GCM_SHA256" */
        /* TLS 1.2: the Session ID. TLS 1.3 has none: 32 octets that both ends derive from the handshake (RFC
         * 9266), other ones on each connection. */
        uint8_t session_id[32];
        size_t session_id_n;
        bool resumed;
        bool verified;            /* the peer showed a certificate that leads to one of the roots */
        const char *subject;      /* its common name, or NULL */
        const char *const *names; /* dNSName, iPAddress and uniformResourceIdentifier of subjectAltName */
        size_t n_names;
};

struct tls_hooks {
        /* Server: the first ClientHello of the connection came, and nothing was computed for it. known: the
         * session that it wants to resume is there, and tls_vouch was called for it. False ends the
         * connection without an answer; tls_failure has nothing to say then. NULL: everybody may. */
        bool (*may_begin)(struct tcp_conn *c, bool known, void *arg);
        /* The first handshake, or a renegotiation, is done; after on_connect. May close the connection. */
        void (*on_session)(struct tcp_conn *c, const struct tls_info *info, void *arg);
        void *arg;
        /* Client: the connection leads to an HTTP proxy, which is asked for one to "host:port"
         * (http_tunnel.h); the handshake begins when it agrees. NULL: it leads to the server. */
        const char *tunnel;
        const struct http_proxy_auth *tunnel_auth; /* for the call; NULL: no credentials for the proxy */
};

/* Puts TLS under a connection: to be called at once after tcp_connect, or in the accept callback. A
 * connection that was opened is told to be up (on_connect) when the handshake is done; what is sent before
 * waits for it. A handshake that fails ends the connection (-IMS_EAUTH; -IMS_ETIMEOUT: not ended in time),
 * and tls_failure says why. name: of the server, expected in its certificate (a host name or an address);
 * NULL: the address. hooks: copied, may be NULL. -IMS_ENOMEM, -IMS_EINVAL (TLS is there already). */
int tls_start(struct tcp_conn *c, struct tls_context *ctx, const char *name,
              const struct tls_hooks *hooks) IMS_CHECK;

/* False without TLS, and before the first handshake is done. */
bool tls_info_of(const struct tcp_conn *c, struct tls_info *out);

/* The certificate that the peer showed (X509 of OpenSSL), borrowed until the connection's next handshake or
 * end; NULL: none. */
const struct x509_st *tls_peer_certificate(const struct tcp_conn *c);

/* What went wrong, in words with what to look at; "" when nothing did. Valid until on_close returns. */
const char *tls_failure(const struct tcp_conn *c);

/* Begins a handshake within the connection: a server sends HelloRequest (RFC 5246 7.4.1.1). -IMS_EUNSUPPORTED
 * without TLS and on TLS 1.3, -IMS_EALREADY before the last one is done, -IMS_ECLOSED. */
int tls_renegotiate(struct tcp_conn *c) IMS_CHECK;

/* The session of this connection, and what came of it, is not resumed any more. */
void tls_forget(struct tcp_conn *c);

/* The client of this connection has authenticated: may_begin knows its session, and what comes of it. */
void tls_vouch(struct tcp_conn *c);

/* --- configuration -------------------------------------------------------------------------------- */

extern const char *const tls_conf_min_versions[], *const tls_conf_max_versions[], *const tls_conf_null[];

/* For the schema of a node: TLS_CONF_KEYS(struct scscf_conf, sip.tls, "sip.tls."). */
#define TLS_CONF_KEYS(OWNER, field, prefix)                                                                  \
        {.name = prefix "certificate",                                                                       \
         .type = CONF_STR,                                                                                   \
         .offset = offsetof(OWNER, field.certificate),                                                       \
         .optional = true,                                                                                   \
         .check = conf_check_filled,                                                                         \
         .doc = "PEM file: our certificate, then those between it and the root (TS 33.203 O.5)"},            \
                {.name = prefix "key",                                                                       \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.key),                                                       \
                 .optional = true,                                                                           \
                 .check = conf_check_filled,                                                                 \
                 .doc = "PEM file: the private key of the certificate"},                                     \
                {.name = prefix "ca",                                                                        \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.ca),                                                        \
                 .optional = true,                                                                           \
                 .check = conf_check_filled,                                                                 \
                 .doc = "PEM file: roots that certificates of peers, and our own, lead to"},                 \
                {.name = prefix "crl",                                                                       \
                 .type = CONF_STR,                                                                           \
                 .offset = offsetof(OWNER, field.crl),                                                       \
                 .optional = true,                                                                           \
                 .check = conf_check_filled,                                                                 \
                 .doc = "PEM file: CRLs of the CAs; certificates of peers are checked (TS 33.203 O.5.3)"},   \
                {.name = prefix "min_version",                                                               \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.min_version),                                               \
                 .words = tls_conf_min_versions,                                                             \
                 .def = "1.2",                                                                               \
                 .doc = "oldest version of TLS (TS 33.310 Annex E)"},                                        \
                {.name = prefix "max_version",                                                               \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.max_version),                                               \
                 .words = tls_conf_max_versions,                                                             \
                 .def = "1.3",                                                                               \
                 .doc = "newest version of TLS; only 1.2 has renegotiation and Session IDs"},                \
                {.name = prefix "null_encryption",                                                           \
                 .type = CONF_ENUM,                                                                          \
                 .offset = offsetof(OWNER, field.null_encryption),                                           \
                 .words = tls_conf_null,                                                                     \
                 .def = "off",                                                                               \
                 .doc = "suites without encryption on TLS 1.2: allow takes them last (TS 33.203 O.2.1)"},    \
                {.name = prefix "session_lifetime",                                                          \
                 .type = CONF_TIME_S,                                                                        \
                 .offset = offsetof(OWNER, field.session_lifetime_s),                                        \
                 .def = "1h",                                                                                \
                 .min = 1,                                                                                   \
                 .max = 86400,                                                                               \
                 .doc = "as long a session may be resumed; longer than re-registration takes (O.2.1)"},      \
                {.name = prefix "max_sessions",                                                              \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.max_sessions),                                              \
                 .def = "20000",                                                                             \
                 .min = 1,                                                                                   \
                 .max = 10000000,                                                                            \
                 .doc = "sessions that may be resumed; the oldest gives way"},                               \
                {.name = prefix "handshake",                                                                 \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.handshake_ms),                                              \
                 .def = "10s",                                                                               \
                 .min = 100,                                                                                 \
                 .max = 120000,                                                                              \
                 .doc = "a handshake that is not done is given up after"},                                   \
                {.name = prefix "renegotiation",                                                             \
                 .type = CONF_TIME_MS,                                                                       \
                 .offset = offsetof(OWNER, field.renegotiation_ms),                                          \
                 .def = "0",                                                                                 \
                 .max = 600000,                                                                              \
                 .doc = "a peer that does not renegotiate when asked is left after; 0: it stays (O.4.2)"},   \
                {.name = prefix "client_renegotiations",                                                     \
                 .type = CONF_U32,                                                                           \
                 .offset = offsetof(OWNER, field.client_renegotiations),                                     \
                 .def = "0",                                                                                 \
                 .max = 1000,                                                                                \
                 .doc = "renegotiations that a client may begin on one connection of TLS 1.2"},              \
        {                                                                                                    \
                .name = prefix "keylog", .type = CONF_STR, .offset = offsetof(OWNER, field.keylog),          \
                .optional = true, .check = conf_check_filled,                                                \
                .doc = "file for the secrets of each handshake, for Wireshark; whoever reads it reads all"   \
        }
