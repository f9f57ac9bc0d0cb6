/* SPDX-License-Identifier: BSD-3-Clause
 * What the files of the stack share: the stack itself, and what each layer offers to the others.
 * Order of layers: transport (listeners, connections) -> via -> transactions -> owner of the requests. */
#pragma once

#include "common/base/htab.h"
#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/net/stun.h"
#include "common/net/tcp.h"
#include "common/net/tls.h"
#include "common/net/tls_gate.h"
#include "common/net/udp.h"
#include "common/sip/stack.h"

struct sip_stack {
        struct loop *loop;
        struct resolver *resolver;
        struct sip_stack_conf conf; /* every 0 replaced by its default */
        struct sip_stack_handlers handlers;
        void *arg;
        bool closing;
        bool answers_stun; /* at open UDP ports */
        struct {
                bool out; /* a Binding request waits for its answer */
                uint8_t id[STUN_ID];
                struct sip_flow flow;
        } ping;

        struct list listeners; /* struct sip_listener, the open ones */
        struct htab ports;     /* struct sip_protected, by address */
        struct list all_ports;
        struct htab conns_by_id, conns_by_remote;
        struct list conns;
        uint64_t last_conn_id;
        struct tls_context *tls_client; /* for connections that we open, or NULL */
        struct addr tls_proxy;          /* of family 0: none */
        struct http_proxy_auth tls_proxy_auth;
        uint32_t n_handshakes; /* accepted ones under way */
        struct tls_gate *gate; /* rates of them, or NULL */
        struct htab sources;   /* source.c */
        uint32_t n_muted;
        uint32_t n_told[SIP_FAULT_COUNT]; /* sources of which it is told */
        bool told_full[SIP_FAULT_COUNT];  /* told that there are more */

        struct list requests; /* every request object alive */
        struct list answered; /* server transactions that only wait for retransmissions, or for ACK to a
                               * refusal, oldest first */
        struct htab servers;  /* by branch */
        struct htab calls;    /* server transactions by Call-ID, From tag and CSeq */
        uint32_t n_servers;
        uint64_t servers_size; /* octets held for server transactions */

        struct list clients; /* every client alive */
        struct htab branches;
        uint32_t n_clients;

        struct buf scratch; /* for one outgoing message */
        struct log_pace malformed, handshakes, unsent;
        struct sip_stack_stats stats;
};

#define SIP_LINES_MAX 50 /* of the log in a second, of each kind that anybody can cause */

static inline uint32_t sip_timer_ms(enum ims_timer t)
{
        return ims_timer_rows[t].default_ms;
}

/* Connections carry it. */
static inline bool sip_is_stream(enum transport t)
{
        return t == TRANSPORT_TCP || t == TRANSPORT_TLS;
}

static inline bool sip_is_core(const struct sip_stack *s, const struct addr *remote)
{
        return s->handlers.is_core && s->handlers.is_core(remote, s->arg);
}

static inline bool sip_hears(const struct sip_stack *s, const struct addr *local, const struct addr *remote)
{
        return !s->handlers.hears || s->handlers.hears(local, remote, s->arg);
}

/* A message came in and is a SIP message. m: borrowed for the call; may be replaced (Via). */
void sip_stack_receive(struct sip_stack *s, struct sip_msg **m, const struct sip_flow *flow);

/* The same for one that is longer than the stack takes, or its header: a request gets 513, a response is
 * dropped. */
void sip_stack_too_large(struct sip_stack *s, struct sip_msg **m, const struct sip_flow *flow);

/* Tells the trace hook. m: NULL for outgoing octets. */
void sip_stack_trace(struct sip_stack *s, bool outbound, const struct sip_flow *flow, struct span octets,
                     const struct sip_msg *m, const char *note);

/* Counts and traces input that is no SIP message. */
void sip_stack_malformed(struct sip_stack *s, const struct sip_flow *flow, struct span octets, int err);

/* --- transport.c --------------------------------------------------------------------------------- */

struct sip_listener {
        struct list node;
        struct sip_stack *stack;
        enum transport transport;
        struct addr local;
        struct sip_protected *port; /* what it belongs to; NULL: an open listener */
        struct tls_context *tls;    /* of a listener for TLS, else NULL */
        struct udp *udp;
        struct tcp_listener *tcp;
};

/* Opens the socket of a listener whose stack, transport and port are set. -IMS_EADDRINUSE, -IMS_EIO. */
int sip_listener_open(struct sip_listener *li, const struct addr *local) IMS_CHECK;
void sip_listener_close(struct sip_listener *li);

/* Somebody who wants to hear of the end of a connection. Zero it before first use. */
struct sip_conn_user {
        struct list node;
        void (*fn)(struct sip_conn_user *u, int reason);
};

/* Fills flow->local for a message to flow->remote: the listener's address, for TCP with port 0. A protected
 * port stays as it is. -IMS_EUNSUPPORTED when no socket of ours fits transport and address family,
 * -IMS_ECLOSED for a protected port that was closed. */
int sip_transport_local(struct sip_stack *s, struct sip_flow *flow) IMS_CHECK;

/* Sends over that flow. TCP: over the connection conn_id, else over one to the remote address, else over a
 * new one; flow->conn_id and flow->local then name it, and *out_reused tells which case it was (may be
 * NULL). TLS: as TCP; name: of the server, as tls_start (NULL: whatever name a connection has, a new one is
 * for the address). user: linked to the connection (may be NULL). Errors of udp_send, tcp_connect, tls_start,
 * tcp_send. */
int sip_transport_send(struct sip_stack *s, struct sip_flow *flow, const char *name, struct span octets,
                       struct sip_conn_user *user, bool *out_reused) IMS_CHECK;

/* True while the connection lives. */
bool sip_transport_alive(const struct sip_stack *s, uint64_t conn_id);

void sip_transport_close_all(struct sip_stack *s);

/* The address of ours that the kernel takes towards remote (port 0). */
int sip_route_local(const struct addr *remote, struct addr *out) IMS_CHECK;

/* --- protected.c --------------------------------------------------------------------------------- */

/* A protected port. When it is closed it stays, without sockets, for as long as transactions use it: what
 * they still say leaves from it or not at all. */
struct sip_protected {
        struct hnode by_local;
        struct list all; /* s->all_ports */
        struct sip_stack *stack;
        struct addr local;
        enum sip_port kind;
        uint16_t server_port;
        bool open;
        int reserved;            /* client port: descriptor that keeps it for connections, or -1 */
        uint32_t uses;           /* by transactions */
        struct sip_listener udp; /* outside of s->listeners */
        struct sip_listener tcp;
        struct list conns; /* struct sip_conn, by port_node */
};

/* Open or closed; NULL for every other address. */
struct sip_protected *sip_protected_lookup(const struct sip_stack *s, const struct addr *local);

static inline struct sip_protected *sip_protected_of(const struct sip_stack *s, const struct addr *local)
{
        return s->ports.n && local->u.sa.sa_family ? sip_protected_lookup(s, local) : NULL;
}

/* A transaction begins to use a flow, and ends it: told to on_use, which may close ports and connections.
 * NULL stands for a flow at an open port. */
struct sip_protected *sip_use_begin(struct sip_stack *s, const struct sip_flow *flow);
void sip_use_end(struct sip_protected *port, const struct sip_flow *flow);

/* literal NULL: at whatever address. */
bool sip_protected_is_self(const struct sip_stack *s, const struct addr *literal, uint16_t port);
void sip_protected_close_all(struct sip_stack *s);

/* --- conn.c -------------------------------------------------------------------------------------- */

struct sip_conn;

void sip_conn_accepted(const struct sip_listener *li, struct tcp_conn *tcp);
struct sip_conn *sip_conn_first(const struct sip_stack *s); /* of a list that is not empty */
bool sip_conn_is_protected(const struct sip_conn *c);
struct sip_conn *sip_conn_by_id(const struct sip_stack *s, uint64_t id);
/* Of those at open ports, with this transport. flow->local: only a connection from this address (none or the
 * any-address: from whichever). name: only one that was opened to that name (NULL: any). */
struct sip_conn *sip_conn_to(const struct sip_stack *s, const struct sip_flow *flow, const char *name);
/* Of those at protected ports: both ends are these. */
struct sip_conn *sip_conn_between(const struct sip_stack *s, const struct addr *local,
                                  const struct addr *remote);
/* to: transport, local and remote. name: as sip_transport_send. port: the protected client port that
 * to->local is, or NULL. */
int sip_conn_open(struct sip_stack *s, const struct sip_flow *to, const char *name,
                  struct sip_protected *port, struct sip_conn **out) IMS_CHECK;
int sip_conn_send(struct sip_conn *c, struct span octets, struct sip_conn_user *user) IMS_CHECK;
/* A double CRLF; its answer goes to on_pong. Errors of tcp_send. */
int sip_conn_ping(struct sip_conn *c) IMS_CHECK;
const struct sip_flow *sip_conn_flow(const struct sip_conn *c);
/* flush: what is queued still leaves. Users hear reason. */
void sip_conn_close(struct sip_conn *c, bool flush, int reason);
/* As tcp_reset. Users hear -IMS_ECLOSED. */
void sip_conn_reset(struct sip_conn *c, bool silent);
/* Those of a protected port are reset. */
void sip_conns_reset(struct sip_protected *port);

/* --- ping.c -------------------------------------------------------------------------------------- */

/* True when the datagram is the answer to our Binding request. */
bool sip_ping_take(struct sip_stack *s, struct span data);

/* --- source.c ------------------------------------------------------------------------------------ */

struct sip_source;

/* An accepted connection: counted until sip_source_disconnected. NULL: not allowed, or memory lacks. */
struct sip_source *sip_source_connected(struct sip_stack *s, const struct addr *from);
void sip_source_disconnected(struct sip_source *src); /* accepts NULL */
/* A TLS handshake of an accepted connection begins: counted until it is over. False: too many are under way,
 * which counts as a fault. */
bool sip_source_handshake(struct sip_source *src, const struct addr *from);
void sip_source_handshake_over(struct sip_source *src);
/* Whether that address may have one more request without a final answer; a false one is a fault of it. */
bool sip_source_may_ask(struct sip_stack *s, const struct addr *from);
/* A request of so many octets waits for its final answer: counted until sip_source_answered. NULL: it is not
 * counted, for it is of the core, or no more sources are remembered. */
struct sip_source *sip_source_asks(struct sip_stack *s, const struct addr *from, size_t octets);
void sip_source_answered(struct sip_source *src, size_t octets); /* accepts NULL */
/* True for an address whose datagram is to be dropped; counts it. */
bool sip_source_is_muted(struct sip_stack *s, const struct addr *from);
/* Tells what was only counted. No connection and no transaction may be left that refers to a source. */
void sip_sources_end(struct sip_stack *s);

/* --- txn_server.c, txn_client.c ------------------------------------------------------------------ */

/* octets: the message as it came, before Via got received and rport. */
void sip_server_receive(struct sip_stack *s, struct sip_msg *m, struct span octets,
                        const struct sip_flow *flow);
void sip_client_receive(struct sip_stack *s, struct sip_msg *m, const struct sip_flow *flow);
/* A datagram could not be delivered; octets: its start. */
void sip_client_refused(struct sip_stack *s, const struct addr *to, struct span octets);
void sip_servers_end(struct sip_stack *s);
/* Every owner hears -IMS_ECANCELED. */
void sip_clients_end(struct sip_stack *s);

/* How many client transactions still wait for a final answer. */
uint32_t sip_clients_unanswered(const struct sip_stack *s);
