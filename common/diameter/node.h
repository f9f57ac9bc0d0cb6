/* SPDX-License-Identifier: BSD-3-Clause
 * A Diameter node on the loop: connections, capabilities exchange, watchdog, fail-over, routing and
 * transactions (RFC 6733, RFC 3539) over libfdproto's dictionary and codec. TCP; IPv4 and IPv6. */
#pragma once

#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdproto.h>

#include "common/diameter/result.h"
#include "common/net/addr.h"
#include "common/net/loop.h"
#include "common/net/tls.h"

struct dia_node;
struct dia_peer;

struct dia_peer_conf {
        const char *identity; /* Diameter identity expected in CER/CEA */
        const char *realm;    /* NULL: that of the node */
        struct addr addr;     /* where to connect; port 0: it connects to us */
        char *const *from;    /* ADDRESS or ADDRESS/BITS it may connect from */
        size_t n_from;        /* 0: from anywhere */
        uint32_t priority;    /* lower is tried first; equal ones share */
        bool relay;           /* takes requests for every host and realm */
        bool tls;             /* only over TLS, with a certificate for identity */
};

struct dia_node_conf {
        const char *identity, *realm, *product;
        struct addr local;         /* our connections leave from it; unset: as the kernel routes */
        const struct addr *listen; /* addresses to accept on */
        size_t n_listen;
        const struct addr *listen_tls; /* the same over TLS from the first octet (RFC 6733 13.1) */
        size_t n_listen_tls;
        /* For listen_tls and for peers with tls; they verify the other end. The node takes references. */
        struct tls_context *tls_server, *tls_client;
        const struct dia_peer_conf *peers;
        size_t n_peers;
        bool accept_unknown;                      /* peers that are not in the list may connect */
        uint32_t tc_ms, tw_ms, cer_ms, answer_ms; /* 0: timer table */
        uint32_t message_max;                     /* octets; 0: 65536 */
        uint32_t max_pending;                     /* requests without answer per peer; 0: 50000 */
};

/* An inbound request. Exactly one answer. */
struct dia_request {
        struct dia_node *node;
        struct msg *msg; /* parsed with dictionary and rules; owned by the request */
        struct span session_id, origin_host, origin_realm;
        void *user;
};

struct dia_trace_info {
        bool outbound;
        const char *peer; /* identity, or the address before it is known */
        struct span octets;
        struct msg *msg; /* may be NULL for what does not parse */
        const char *note;
};

struct dia_handlers {
        /* A request of our application. The callee answers now or later. NULL: all get 3001. */
        void (*on_request)(struct dia_request *rq, void *arg);
        /* Peer became usable or lost. May be NULL. */
        void (*on_peer)(const char *identity, bool up, const char *why, void *arg);
        /* Whether a connection with that address may be: NULL, or why not (static). tls: it is TLS whose peer
         * showed a certificate that was verified; for a connection of ours: that it will be. May be NULL. */
        const char *(*admit)(const struct addr *remote, bool tls, void *arg);
        /* A connection with that address was refused: by admit, by its TLS handshake, or at its CER, for its
         * identity is not configured, or not for that address or that certificate. identity: as it gives it,
         * or of the peer that we wanted; empty before CER on one that was accepted. May be NULL. */
        void (*on_stranger)(struct span identity, const struct addr *from, const char *why, void *arg);
        /* NULL unless somebody looks: what leaves is parsed once more for it. */
        void (*on_trace)(const struct dia_trace_info *t, void *arg);
};

/* conf and handlers are copied, with their strings. -IMS_EADDRINUSE names the address in the log. */
int dia_node_new(struct loop *l, const struct dia_node_conf *conf, const struct dia_handlers *h, void *arg,
                 struct dia_node **out) IMS_CHECK;

/* Sends DPR to every peer and calls done when the connections are gone (bounded by answer_ms). */
void dia_node_shutdown(struct dia_node *n, void (*done)(void *arg), void *arg);
/* Requests without answer end with -IMS_EUNREACH; inbound requests that were not answered are freed with the
 * node, and nobody may touch them any more. Accepts NULL. */
void dia_node_free(struct dia_node *n);

const char *dia_node_identity(const struct dia_node *n);
const char *dia_node_realm(const struct dia_node *n);
bool dia_node_has_peer(const struct dia_node *n); /* any peer usable */

/* The certificates of TLS are read again, for connections from now on; what fails is logged and stays. */
void dia_node_reload_tls(struct dia_node *n);

/* Address of the i-th listener with its real port; those for TLS come last. */
const struct addr *dia_node_listen_addr(const struct dia_node *n, size_t i);

/* A fresh Session-Id (RFC 6733 8.8) as a C string. */
void dia_session_id(struct dia_node *n, char *out, size_t out_size);

/* --- client -------------------------------------------------------------------------------------- */

struct dia_txn;

/* err 0: the answer, borrowed for the call, its header and result already checked against the request;
 * -IMS_ETIMEOUT (no answer in time), -IMS_EUNREACH (no usable peer, or the last one lost and nobody
 * else to try), -IMS_EPROTO (answer does not parse). Exactly once. */
typedef void dia_answer_fn(int err, struct msg *answer, void *arg);

/* Routes by Destination-Host, then Destination-Realm, then relays; the message is taken in every case.
 * On loss of the peer the request goes to another one with the T flag (RFC 6733 5.5.4). answer_ms 0:
 * that of the node. fn never runs before this returns. */
int dia_send(struct dia_node *n, struct msg *request, uint32_t answer_ms, dia_answer_fn *fn, void *arg,
             struct dia_txn **out) IMS_CHECK;
void dia_txn_cancel(struct dia_txn *t);

/* --- server -------------------------------------------------------------------------------------- */

/* A bare answer for rq (Session-Id, Origin-*, Proxy-Info copied as RFC 6733 6.2). */
int dia_answer_new(struct dia_request *rq, struct msg **out) IMS_CHECK;

/* Sends and frees both the answer and rq. When the peer is gone the answer is dropped (logged). */
void dia_answer_send(struct dia_request *rq, struct msg *answer);

/* Answers with a base-protocol error (E bit for 3xxx) and optional Error-Message; frees rq.
 * failed: AVP copied into Failed-AVP, may be NULL. */
void dia_answer_error(struct dia_request *rq, uint32_t base_code, struct avp *failed, const char *text);

/* Whether anybody still waits for the answer: the connection stands, or the request came again on another
 * one. When a request was left lying for long (the process was stopped, the machine too slow) the peer has
 * given it to another node meanwhile (RFC 6733 5.5.4): carried out now, it would undo what happened since. */
bool dia_request_awaited(const struct dia_request *rq);

/* Frees rq as if it had never come: no answer, and a repetition is a new request. */
void dia_request_drop(struct dia_request *rq);

/* --- dictionary ---------------------------------------------------------------------------------- */

/* The process's dictionary: base protocol and Cx, loaded once from the rows in diameter-dict/. */
struct dictionary *dia_dict(void);
int dia_dict_load(void) IMS_CHECK;
