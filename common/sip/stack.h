/* SPDX-License-Identifier: BSD-3-Clause
 * The SIP stack of a node: listeners, connections and transactions (RFC 3261 17 and 18, RFC 6026,
 * RFC 3581, RFC 3263). One callback receives new requests; client requests report their answers. */
#pragma once

#include "common/net/resolver.h"
#include "common/net/tls.h"
#include "common/sip/edit.h"
#include "common/sip/msg.h"

struct sip_stack;

/* Where a message came from or goes to. Plain data. */
struct sip_flow {
        enum transport transport;
        struct addr local, remote;
        uint64_t conn_id; /* 0: no connection (UDP, or one to be opened) */
};

struct sip_stack_conf {
        const char *sent_by;                  /* host for Via; NULL: the local address of the socket */
        const char *server;                   /* Server field of our own answers, NULL: none */
        uint32_t t1_ms, t2_ms, t4_ms;         /* 0: default of the timer table */
        uint32_t tcp_connect_ms, tcp_idle_ms; /* 0: default of the timer table */
        uint32_t tcp_partial_ms; /* longest wait for the rest of a message; 0: default of the timer table */
        uint32_t udp_max;        /* a longer request goes over TCP (RFC 3261 18.1.1); 0: 1300 octets */
        uint32_t message_max;    /* a longer message is refused; 0: 65535 octets */
        uint32_t tcp_first_ms;   /* longest wait for the first message; 0: default of the timer table */
        uint32_t tcp_unread_ms;  /* longest wait for a peer to read; 0: default of the timer table */
        uint32_t tcp_queue;      /* octets that may wait for a peer to read, 64 times as many for the core; 0:
                                    262144 */
        uint32_t max_conns;      /* accepted TCP connections at once; 0: 20000 */
        uint32_t max_conns_per_source; /* of them, from one address; 0: 2000 */
        uint32_t max_handshakes;       /* TLS handshakes of accepted connections under way at once; 0: 2000 */
        uint32_t max_handshakes_per_source; /* of them, from one address; 0: 200 */
        uint32_t handshakes;            /* TLS handshakes per second of accepted connections; 0: no limit */
        uint32_t handshakes_per_source; /* of them, from one address; 0: no limit */
        uint32_t max_transactions;      /* server transactions at once, then 503; 0: 200000 */
        uint64_t transactions_size;     /* octets they may hold, then 503; 0: 256 MiB */
        uint32_t max_open_per_source;   /* of them without a final answer, of one address; 0: 25000 */
        uint64_t open_size_per_source;  /* octets those may hold; 0: 32 MiB */
};

/* The request object: one per inbound request, with its reply path; exactly one final answer. */
struct sip_request {
        struct sip_stack *stack;
        struct sip_msg *msg; /* borrowed from the request; its Via has received/rport already where the
                              * transport demands (RFC 3261 18.2.1, RFC 3581) */
        struct sip_flow flow;
        void *user; /* of the owner of the request */
};

struct sip_trace_info {
        bool outbound;
        const struct sip_flow *flow;
        struct span octets;
        const struct sip_msg
                *msg;        /* NULL for malformed input, and for what was sent (who wants to, reads it) */
        const char *note;    /* "retransmission", "malformed: ...", or NULL */
        bool protected_port; /* it came to, or left from, one: it travelled in ESP */
};

struct sip_stack_handlers {
        /* A new request (never a retransmission, never CANCEL). rq has one reference that belongs to
         * the callee: it must come to sip_reply or sip_request_unref. An ACK for a 2xx comes here too;
         * it takes no reply. */
        void (*on_request)(struct sip_request *rq, void *arg);
        /* CANCEL arrived for this INVITE (already answered 200). May be NULL. */
        void (*on_cancel)(struct sip_request *rq, void *arg);
        /* A response that belongs to no client transaction (a repeated 2xx to INVITE). May be NULL. */
        void (*on_stray_response)(struct sip_msg *resp, const struct sip_flow *flow, void *arg);
        /* A request that the stack answers itself because it is malformed (m->fault, m->fault_status). May be
         * NULL. */
        void (*on_fault)(const struct sip_msg *m, void *arg);
        /* True for a neighbour that carries the traffic of many: what bounds a single peer (connections per
         * source, octets it leaves unread, silence after refusals) does not bound it. NULL: nobody is. */
        bool (*is_core)(const struct addr *remote, void *arg);
        /* Every message received or sent. May be NULL, which spares reading what is sent. */
        void (*on_trace)(const struct sip_trace_info *t, void *arg);
        /* Before anything is read that remote sends to local: false drops the datagram, or closes the
         * connection that was accepted, unread. The callee may report a fault of the address. Quick: it is
         * asked for every datagram. May be NULL: everybody is heard. */
        bool (*hears)(const struct addr *local, const struct addr *remote, void *arg);
        /* A response belongs to a request of ours that went to asked, another address than the one it comes
         * from, or over another TLS connection, or one while it comes without: false drops it (RFC
         * 3261 18.1.2 alone would take it: whoever saw the branch could answer). m as it came. May be NULL:
         * all are taken. */
        bool (*answer_from)(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                            void *arg);
        /* Before a message, request or response, is given to its transaction: false drops it without any
         * answer; *note (a static text) then stands in the trace. m is as it came: without received and rport
         * of ours, and also one that would be refused (m->fault). May be NULL: all are taken. */
        bool (*admit)(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg);
        /* Before a message is sent to an address that the URI of its target, or a Via, led to; not along a
         * flow that was asked for. NULL: it may go; else a static text that says why not: the next address is
         * tried. May be NULL: all may. */
        const char *(*bars)(const struct sip_flow *flow, void *arg);
        /* For a request that came to a protected port: the way of its answers, asked each time one leaves.
         * Over TCP only once its connection has ended. False: RFC 3261 18.2.2 and RFC 3581 tell it, from the
         * port it came to. An open port as local is refused. May be NULL. */
        bool (*answer_flow)(const struct sip_flow *in, struct sip_flow *out, void *arg);
        /* A transaction, of server or client, begins (delta 1) or ends (-1) to use a flow at a protected
         * port: as long as it lives, its retransmissions may come. Called as often with 1 as with -1, with
         * the same ports (conn_id may differ). A transaction that goes on at another flow begins there before
         * it ends here. The callee may close ports and connections, and touches no request nor client; at -1
         * the transaction still counts for sip_protected_close. May be NULL. */
        void (*on_use)(const struct sip_flow *flow, int delta, void *arg);
        /* A connection, of TCP or TLS, has ended, whoever ended it: its conn_id comes never again. reason: 0
         * or the error. Not when the stack is freed. May be NULL. */
        void (*on_flow_end)(const struct sip_flow *flow, int reason, void *arg);
        /* A TLS handshake is done, the first of a connection or a renegotiation. Nothing was read before the
         * first. The callee may close the flow. info: for the call. May be NULL. */
        void (*on_tls_session)(const struct sip_flow *flow, const struct tls_info *info, void *arg);
        /* TLS of a connection failed; why: in words, for the call. Its end is told after this. May be NULL.
         */
        void (*on_tls_failure)(const struct sip_flow *flow, const char *why, void *arg);
        /* The answer to sip_flow_ping. May be NULL. */
        void (*on_pong)(const struct sip_flow *flow, void *arg);
};

/* conf, handlers: copied; strings in conf borrowed for the life of the stack. */
int sip_stack_new(struct loop *l, struct resolver *r, const struct sip_stack_conf *conf,
                  const struct sip_stack_handlers *handlers, void *arg, struct sip_stack **out) IMS_CHECK;
/* Clients that wait hear -IMS_ECANCELED; requests that are still held outlive the stack with stack NULL,
 * and what is answered to them goes nowhere. Not from a callback of the stack. Accepts NULL. */
void sip_stack_free(struct sip_stack *s);

/* Opens a listener; several per stack. *out_local (may be NULL) tells the address with its real port.
 * -IMS_EADDRINUSE, -IMS_EIO, -IMS_EUNSUPPORTED. */
int sip_stack_listen(struct sip_stack *s, enum transport t, const struct addr *local,
                     struct addr *out_local) IMS_CHECK;

/* STUN Binding requests that come to an open UDP port are answered from now on: keep-alives of UEs
 * (RFC 5626 4.4.2, 8). Before, nobody sees them. */
void sip_stack_answer_stun(struct sip_stack *s);

/* --- TLS ------------------------------------------------------------------------------------------ */

/* A listener for TLS, as sip_stack_listen; its flows have TRANSPORT_TLS. The stack takes a reference of ctx,
 * a server's (-IMS_EINVAL). */
int sip_stack_listen_tls(struct sip_stack *s, const struct addr *local, struct tls_context *ctx,
                         struct addr *out_local) IMS_CHECK;

/* For connections that we open to sips targets, to those with transport=tls, and to flows with TRANSPORT_TLS.
 * Without it these fail. A reference is taken; NULL: none. */
void sip_stack_set_tls_client(struct sip_stack *s, struct tls_context *ctx);

/* Connections over TLS that are opened from now on are asked of an HTTP proxy (http_tunnel.h; TS 33.203
 * W.3.1.2), which auth answers (copied; NULL: nobody): flows keep the address of the server as their remote
 * one. proxy NULL: none. */
void sip_stack_set_tls_proxy(struct sip_stack *s, const struct addr *proxy,
                             const struct http_proxy_auth *auth);

/* Every context of the stack reads its files again; what fails is logged and stays as it was. */
void sip_stack_reload_tls(struct sip_stack *s);

/* False: the flow is no TLS, its handshake is not done, or it has ended. */
bool sip_flow_tls(const struct sip_stack *s, const struct sip_flow *flow, struct tls_info *out);

/* Ends the connection of the flow, after what is queued has left. forget_session: nobody resumes it. Does
 * nothing for a flow that has ended or has no connection. */
void sip_flow_close(struct sip_stack *s, const struct sip_flow *flow, bool forget_session);

/* Who is at the other end of the flow has authenticated: where handshakes have rates, its next ones go before
 * those of strangers (tls_gate.h). Nothing for a flow that has ended, or without TLS. */
void sip_flow_vouch(struct sip_stack *s, const struct sip_flow *flow);

/* Begins a handshake within the connection (TS 33.203 O.4.2); on_tls_session tells when it is done.
 * -IMS_EUNSUPPORTED without TLS and on TLS 1.3, -IMS_EALREADY, -IMS_ECLOSED. */
int sip_flow_renegotiate(struct sip_stack *s, const struct sip_flow *flow) IMS_CHECK;

/* --- keep-alives ----------------------------------------------------------------------------------- */

/* Sends one keep-alive: a double CRLF over the connection of a stream, a STUN Binding request over UDP (RFC
 * 5626 3.5, 4.4); on_pong tells of the answer. Over UDP one at a time is awaited, the last. -IMS_ECLOSED: the
 * connection has ended; errors of sip_transport_local, udp_send and tcp_send. */
int sip_flow_ping(struct sip_stack *s, const struct sip_flow *flow) IMS_CHECK;

/* --- protected ports (TS 33.203 7.1) -------------------------------------------------------------- */

/* Ports whose messages travel in security associations. They are asked for by their address alone: no flow
 * without them in local ever uses one, and a flow that has one uses no other: UDP leaves from it, TCP over a
 * connection between exactly local and remote, which is opened from a client port (from a server port: only
 * while one is there, else -IMS_EUNREACH). Via of what leaves from either names the literal address and the
 * server port, without rport. */
enum sip_port {
        SIP_PORT_OPEN,   /* what sip_stack_listen opens */
        SIP_PORT_SERVER, /* port_ps, port_us: messages come to it, connections are accepted */
        SIP_PORT_CLIENT  /* port_pc, port_uc: datagrams leave from it (and are taken too), connections are
                          * opened from it; nothing listens there on TCP */
};

/* Opens UDP and TCP of a protected port. kind: SERVER or CLIENT; server_port: what Via names (of a server
 * port its own). local: address with port, not any. Errors as sip_stack_listen; -IMS_EINVAL for other values,
 * -IMS_ENOMEM, -IMS_ECLOSED. */
int sip_protected_open(struct sip_stack *s, enum sip_port kind, const struct addr *local,
                       uint16_t server_port) IMS_CHECK;

/* Closes it with its connections, by reset (their users hear -IMS_ECLOSED). Requests under way end by
 * time-out, and what they would still say is not sent. Does nothing for another address. */
void sip_protected_close(struct sip_stack *s, const struct addr *local);

/* SIP_PORT_OPEN for what is no protected port of this stack. */
enum sip_port sip_port_of(const struct sip_stack *s, const struct addr *local);

/* Ends the connection between two addresses with ports, of which local is protected: its SA is gone. Users
 * hear -IMS_ECLOSED; nothing is left in the kernel that would go on to send. The peer is told nothing where
 * the process has CAP_NET_ADMIN, else one reset leaves (which the policy of a closed SA drops). A peer that
 * was told nothing ends its side when a connection between the same two ports is opened again. */
void sip_close_between(struct sip_stack *s, const struct addr *local, const struct addr *remote);

/* True when the address is one of our listeners (also by host name of conf.sent_by with its port). */
bool sip_stack_is_self(const struct sip_stack *s, struct span host, uint16_t port);

/* --- server side --------------------------------------------------------------------------------- */

struct sip_field {
        enum sip_hdr_id id;
        struct span value; /* SIP_HDR_OTHER: the whole line, "Name: value" */
};

struct sip_request *sip_request_ref(struct sip_request *rq);

/* Dropping the last reference of a request without a final answer answers 500 and logs a bug (not for
 * ACK). Accepts NULL. */
void sip_request_unref(struct sip_request *rq);

/* Answers and, for a final status, gives up the caller's reference. To gets a tag. reason: NULL for the
 * usual phrase. A second final answer is logged and dropped. */
void sip_reply(struct sip_request *rq, int status, const char *reason, const struct sip_field *add,
               size_t n_add);

/* The same with a body and its Content-Type. */
void sip_reply_body(struct sip_request *rq, int status, const struct sip_field *add, size_t n_add,
                    struct span type, struct span body);

/* Relays a response received from the next hop: our own Via is taken away by the stack. e: edits on the
 * response. A final status gives up the caller's reference. */
void sip_reply_forward(struct sip_request *rq, struct sip_edit *e);

bool sip_request_answered(const struct sip_request *rq);

/* Ends a request without any answer, as if it had never come (a copy of it is a new request), and gives up
 * the caller's reference. */
void sip_request_discard(struct sip_request *rq);

/* Answers that leave from now on, also those repeated, take this flow, whatever way the request came; a
 * connection that has ended is opened again. */
void sip_request_answer_on(struct sip_request *rq, const struct sip_flow *flow);

/* --- client side --------------------------------------------------------------------------------- */

struct sip_client; /* a client transaction with its fail-over */

struct sip_target {
        struct span uri;             /* next hop, found as RFC 3263 says; used when flow is NULL */
        const struct sip_flow *flow; /* this very flow: same socket or connection; a dead connection is
                                      * opened again to flow->remote */
        struct span tls_name;        /* expected in the certificate of the server; SPAN_NULL: the host of uri,
                                      * or, with flow, its address */
        bool same_conn;              /* with flow: over its connection or not at all */
        uint32_t answer_ms;          /* longest wait for a final answer (or, for INVITE, any) at each
                                      * address tried; 0: timers B and F (64*T1) */
        uint32_t t1_ms, t2_ms;       /* 0: those of the stack */
        uint32_t udp_max;            /* 0: that of the stack */
        bool keep;                   /* our Via offers keep-alives (RFC 6223 4.2.1) */
};

/* err 0: resp is a response (borrowed; our Via still on top); provisional ones may come several times,
 * a final one exactly once and last. err != 0: no answer: -IMS_ETIMEOUT, -IMS_EUNREACH (every address
 * of the target failed), -IMS_EUNPROTECTED (the same, and handlers.bars was why for one), -IMS_ECANCELED
 * (sip_stack_free, or sip_client_cancel before anything was sent), resp NULL, exactly once and last. */
typedef void sip_response_fn(struct sip_client *c, int err, struct sip_msg *resp, void *arg);

/* Sends the request in e with a Via of ours on top. e is used up only for the call. Not for ACK.
 * fn never runs before this returns. -IMS_EINVAL (no next hop in target), -IMS_ENOMEM, -IMS_ECLOSED, or
 * what sip_edit_write says; a next hop that cannot be found or reached comes to fn. */
int sip_send(struct sip_stack *s, const struct sip_edit *e, const struct sip_target *target,
             sip_response_fn *fn, void *arg, struct sip_client **out) IMS_CHECK;

/* fn will not run any more; the transaction ends by itself. */
void sip_client_abandon(struct sip_client *c);

/* Sends CANCEL for a pending INVITE (after its first provisional response); fn goes on as usual. */
void sip_client_cancel(struct sip_client *c);

/* Sends a request without a transaction (ACK for a 2xx) or a response outside one. A response leaves as e
 * has it; with target NULL it goes where its top Via says. */
int sip_send_stateless(struct sip_stack *s, const struct sip_edit *e,
                       const struct sip_target *target) IMS_CHECK;

/* False when the connection of the flow has ended; a flow without one is always usable. */
bool sip_flow_alive(const struct sip_stack *s, const struct sip_flow *flow);

/* --- source addresses ---------------------------------------------------------------------------- */

/* What an address can do wrong. */
enum sip_fault {
        SIP_FAULT_PARTIAL,        /* began a message and did not end it in time */
        SIP_FAULT_SILENT,         /* connected and sent no message */
        SIP_FAULT_UNREAD,         /* does not read what is sent */
        SIP_FAULT_CONNECTIONS,    /* wants more connections than allowed */
        SIP_FAULT_REFUSED,        /* was refused with 503 (sip_stack_refused) */
        SIP_FAULT_DROPPED,        /* was not listened to */
        SIP_FAULT_TLS,            /* no TLS handshake in time or at all, or a record that was altered */
        SIP_FAULT_HANDSHAKES,     /* has, or all have, more handshakes under way than allowed */
        SIP_FAULT_HANDSHAKE_RATE, /* begins, or all begin, more handshakes per second than allowed; only in
                                   * the figures, the log has it from tls_gate.h */
        SIP_FAULT_OUTSIDE,        /* is none that may send here (hears) */
        SIP_FAULT_COUNT
};

/* Reports a fault. The first of a kind from an address is logged and gives true; those that follow are
 * counted, and their number is logged every SIP_SOURCE_QUIET until there are no more. Addresses may be
 * forged: of each kind some hundred addresses at once are told, the rest stands in the figures only. IPv6
 * addresses of one /64 are one here. */
bool sip_stack_fault(struct sip_stack *s, const struct addr *from, enum sip_fault what);

/* A request of that address is refused with 503: SIP_FAULT_REFUSED, and more than max of them within
 * SIP_REFUSALS drop its datagrams unread for that time, for it does not wait as it was told. True as above.
 */
bool sip_stack_refused(struct sip_stack *s, const struct addr *from, uint32_t max);

/* The value of Retry-After of a node at its limit (RFC 3261 20.33), in out. */
struct span sip_retry_after(char out[static 12]);

/* --- figures ------------------------------------------------------------------------------------- */

struct sip_stack_stats {
        uint64_t received, sent, malformed, retransmitted;
        uint64_t dropped; /* of received: admit or answer_from did not take them */
        uint32_t server_txns, client_txns, conns;
        uint32_t unanswered; /* of client_txns: those without a final answer yet */
        uint64_t faults[SIP_FAULT_COUNT];
};
void sip_stack_stats(const struct sip_stack *s, struct sip_stack_stats *out);

/* A fresh token for tags, branches, Call-IDs: 16 hex digits of randomness. */
void sip_token(char out[static 17]);
