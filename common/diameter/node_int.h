/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of the Diameter node: what its files share. */
#pragma once

#include "common/base/fsm.h"
#include "common/base/htab.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/diameter/check.h"
#include "common/diameter/dup.h"
#include "common/diameter/watchdog.h"
#include "common/net/prefix.h"
#include "common/net/tcp.h"

#define DIA_TRIED_MAX 4

struct dia_listener {
        struct tcp_listener *tcp;
        struct addr local;
};

#define DIA_TOLD      16
#define DIA_STRANGERS 20 /* lines of the log in a second about connections that are no peer's */

struct dia_told {
        uint64_t hash, ms;
};

struct dia_node {
        struct loop *loop;
        char *identity, *realm, *product;
        uint32_t tc_ms, tw_ms, cer_ms, answer_ms, message_max, max_pending;
        bool accept_unknown;
        struct addr local; /* unset: as the kernel routes */
        struct tls_context *tls_server, *tls_client;
        struct dia_handlers h;
        void *arg;
        struct dia_listener *listeners;
        size_t n_listeners;
        struct list peers; /* struct dia_peer.node, by priority */
        struct htab peers_by_id;
        struct list conns;   /* struct dia_conn.node, all */
        struct list inbound; /* struct dia_inbound.of_node, all */
        struct htab pending; /* struct dia_txn.by_hop */
        struct dia_dups dups;
        struct list dead; /* peers to be freed by the reaper */
        struct tmr reaper;
        uint32_t origin_state, session_high, session_low, next_hop, next_end, turn;
        struct dia_told told[DIA_TOLD]; /* refusals before CER that were told, by address and reason */
        struct log_pace strangers;
        bool stopping;
        void (*on_stopped)(void *arg);
        void *stopped_arg;
        struct tmr stop_timer;
};

/* One TCP connection. Freed when TCP reports its end. */
struct dia_conn {
        struct list node;
        struct dia_node *dn;
        struct dia_peer *peer; /* NULL: not introduced yet, or dropped */
        struct tcp_conn *tcp;  /* until TCP reports its end */
        bool closed;           /* nothing is sent or read any more */
        bool initiator;        /* we opened it */
        bool tls;
        struct buf rx;        /* the beginning of a message */
        struct tmr cer;       /* waits for CER */
        struct list requests; /* struct dia_inbound.node: not answered yet */
        size_t n_requests;
        uint64_t n_wrong;          /* messages refused or dropped, for dia_conn_complain */
        uint32_t cer_hop, cer_end; /* of the CER that came, for the CEA */
        char name[ADDR_STR];       /* of the remote end */
};

enum peer_state {
        PEER_ST_CLOSED,
        PEER_ST_WAIT_CONN_ACK,
        PEER_ST_WAIT_I_CEA,
        PEER_ST_WAIT_CONN_ACK_ELECT,
        PEER_ST_WAIT_RETURNS,
        PEER_ST_R_OPEN,
        PEER_ST_I_OPEN,
        PEER_ST_CLOSING,
        PEER_ST_COUNT
};

enum peer_event {
        PEER_EV_START,
        PEER_EV_R_CONN_CER,
        PEER_EV_I_RCV_CONN_ACK,
        PEER_EV_I_RCV_CONN_NACK,
        PEER_EV_TIMEOUT,
        PEER_EV_I_RCV_CEA,
        PEER_EV_I_RCV_NON_CEA,
        PEER_EV_I_PEER_DISC,
        PEER_EV_R_PEER_DISC,
        PEER_EV_WIN_ELECTION,
        PEER_EV_STOP,
        PEER_EV_RCV_DPR,
        PEER_EV_RCV_DPA,
        PEER_EV_COUNT
};

extern const struct fsm peer_fsm;

struct dia_peer {
        struct list node;
        struct hnode by_id;
        struct dia_node *dn;
        char *identity, *realm;
        struct addr addr;  /* port 0: it connects to us */
        struct trust from; /* where it may connect from */
        uint32_t priority;
        bool relay; /* by configuration or because it advertises the relay application */
        bool conf_relay;
        bool tls;               /* only over TLS */
        bool dynamic;           /* not in the configuration: forgotten when it goes */
        bool up;                /* reported as usable */
        bool held;              /* it sent DPR with a cause that forbids coming back by ourselves */
        bool complained;        /* about no connection: once is enough */
        unsigned state;         /* enum peer_state */
        struct dia_conn *i, *r; /* initiator and responder connection */
        struct dia_conn *c;     /* the one that is open */
        uint32_t cer_hop;       /* of our CER */
        struct tmr timer;       /* Tc when closed, else the state's */
        struct dia_wd wd;
        struct tmr wd_timer;
        uint64_t wd_heard_ms; /* when the last message came */
        struct list pending;  /* struct dia_txn.node */
        size_t n_pending;
};

/* --- conn.c ----------------------------------------------------------------------------------------- */

int dia_conn_open(struct dia_peer *p, struct dia_conn **out) IMS_CHECK;
void dia_conn_accepted(struct tcp_conn *tcp, void *node);
void dia_conn_accepted_tls(struct tcp_conn *tcp, void *node);

/* What is wrong with this connection for that peer (static), or NULL: TLS where it must be, and a certificate
 * for the identity (RFC 6733 13.1, TS 33.203 S.5.4.3). */
const char *dia_conn_unfit(const struct dia_conn *c, const struct dia_peer *p);

/* Sends one message. A connection that cannot take it is broken and reported so from the loop. */
int dia_conn_send(struct dia_conn *c, struct span octets);

/* Whether this fault is worth a line: the first ones are, then ever fewer. */
bool dia_conn_complain(struct dia_conn *c);

/* Ends it: nobody hears of it again. flush: what is queued leaves first. Accepts NULL. */
void dia_conn_drop(struct dia_conn *c, bool flush);

void dia_trace(struct dia_conn *c, bool outbound, struct span octets, struct msg *msg, const char *note);

/* --- receive.c: a whole message came ---------------------------------------------------------------- */

void dia_receive(struct dia_conn *c, struct span octets);
/* The frame itself is wrong: answers what can be answered; the connection ends. */
void dia_receive_broken(struct dia_conn *c, struct span head, uint32_t code);

/* --- caps.c ----------------------------------------------------------------------------------------- */

struct dia_caps { /* what CER or CEA says */
        struct dia_header h;
        struct span identity, realm;
        uint32_t result; /* CEA */
        bool cx, relay;  /* applications in common */
};

/* Reads CER or CEA. 0, or the base result that answers it, with *fault. */
uint32_t dia_caps_read(struct span octets, struct dia_caps *out, struct dia_fault *fault);
int dia_send_cer(struct dia_conn *c);
void dia_send_cea(struct dia_conn *c, const struct dia_header *cer, uint32_t result,
                  const struct dia_fault *fault, const char *text);
void dia_on_cer(struct dia_conn *c, struct span octets);
void dia_on_cea(struct dia_conn *c, struct span octets);

/* --- base.c: watchdog and disconnection messages ---------------------------------------------------- */

int dia_send_dwr(struct dia_peer *p);
int dia_send_dpr(struct dia_peer *p, uint32_t cause);
/* DWR, DWA, DPR, DPA on an open connection. */
void dia_on_base(struct dia_conn *c, const struct dia_header *h, struct span octets);

/* --- peer.c, peer_fsm.c ----------------------------------------------------------------------------- */

struct dia_peer *dia_peer_find(struct dia_node *n, struct span identity);
int dia_peer_new(struct dia_node *n, const struct dia_peer_conf *conf, struct dia_peer **out) IMS_CHECK;
void dia_peer_free(struct dia_peer *p);
void dia_peer_event(struct dia_peer *p, enum peer_event ev, struct dia_conn *c);
void dia_peer_opened(struct dia_peer *p, struct dia_conn *c);
/* The connection is gone (why: for people): pending requests move or fail, Tc starts. */
void dia_peer_lost(struct dia_peer *p, const char *why, bool orderly);
void dia_peer_wd(struct dia_peer *p, enum dia_wd_event ev);
void dia_peer_start_timer(struct dia_peer *p, uint32_t ms);
bool dia_peer_usable(const struct dia_peer *p);

/* --- route.c ---------------------------------------------------------------------------------------- */

/* The best usable peer for the destination that is not among those tried, or NULL. */
struct dia_peer *dia_route(struct dia_node *n, struct span host, struct span realm,
                           struct dia_peer *const *tried, size_t n_tried);

/* --- txn.c ------------------------------------------------------------------------------------------ */

/* Who gets the answer: raw, which knows the type of user. */
struct dia_callback {
        void (*raw)(int err, struct msg *answer, const struct dia_callback *cb);
        void (*user)(void);
        void *arg;
};

struct dia_sending {
        uint32_t answer_ms;  /* 0: that of the node */
        bool host_preferred; /* when nobody reaches Destination-Host it is taken out */
        struct dia_callback cb;
};

/* As dia_send, from octets; takes the buffer. */
int dia_send_octets(struct dia_node *n, struct buf *b, const struct dia_sending *how,
                    struct dia_txn **out) IMS_CHECK;
void dia_on_answer(struct dia_conn *c, const struct dia_header *h, struct span octets);
/* Moves what waits for p to other peers; what finds none fails when lost is set and stays otherwise. */
void dia_failover(struct dia_peer *p, bool lost);

/* --- inbound.c -------------------------------------------------------------------------------------- */

struct dia_inbound {
        struct dia_request rq;     /* first: the public part */
        struct list node, of_node; /* in the connection's list, in the node's */
        struct dia_conn *conn;     /* NULL: gone */
        struct dia_header h;
        struct span raw;
        struct dia_dup *dup;
};

void dia_on_request(struct dia_conn *c, const struct dia_header *h, struct span octets);
/* Starts an answer: header, Session-Id; finishes it: Proxy-Info, length; sends and frees both. */
void dia_answer_begin(struct dia_request *rq, struct buf *b, uint8_t error_flag);
void dia_answer_octets(struct dia_request *rq, struct buf *b);
void dia_answer_fault(struct dia_request *rq, const struct dia_fault *f, const char *text);
/* A base error for a request that is no struct dia_request. */
void dia_refuse(struct dia_conn *c, struct span request, const struct dia_fault *f, const char *text);
/* The connection is gone: its requests stay with the application, their answers are dropped. */
void dia_inbound_orphan(struct dia_conn *c);
void dia_inbound_free_all(struct dia_node *n);

/* --- node.c ----------------------------------------------------------------------------------------- */

void dia_peer_bury(struct dia_peer *p); /* freed by the loop */
void dia_node_check_stopped(struct dia_node *n);
