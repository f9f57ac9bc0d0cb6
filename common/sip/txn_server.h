/* SPDX-License-Identifier: BSD-3-Clause
 * A server transaction and the request object in it. Private to the stack. */
#pragma once

#include "common/sip/reply.h"
#include "common/sip/txn_table.h"

struct sip_forwarding;

struct sip_server_txn {
        struct sip_request rq;
        struct sip_protected *port; /* it uses (on_use), or NULL */
        struct sip_flow answer_on;  /* sip_request_answer_on; TRANSPORT_ANY: never called */
        unsigned refs;              /* of the owner */
        unsigned state;             /* enum sip_ist_state or sip_nist_state */
        const struct fsm *fsm;
        bool live;                /* in the tables; false from the start for an ACK to a 2xx */
        bool answered;            /* a final answer was given */
        bool own_2xx;             /* ours, so we repeat it until the ACK comes */
        int status;               /* last one sent, 0 when none */
        struct list all, waiting; /* s->requests, s->answered */
        struct hnode by_branch, by_call;
        bool in_calls;
        struct tmr retransmit, end;
        uint32_t retransmit_ms;
        char *sent; /* last response, for retransmissions */
        size_t n_sent;
        size_t held;               /* octets counted for it in s->servers_size */
        struct sip_source *source; /* whose open requests it counts among, or NULL */
        size_t open;               /* octets counted there */
        char to_tag[17];
        struct sip_forwarding *forwarding; /* what forward.c does with it */
};

static inline struct sip_server_txn *sip_server_of(struct sip_request *rq)
{
        return (struct sip_server_txn *)rq; /* its first member */
}

static inline bool sip_server_is_invite(const struct sip_server_txn *t)
{
        return t->rq.msg->method == SIP_INVITE;
}

/* --- txn_key.c: which transaction a message belongs to (RFC 3261 17.2.3, 8.2.2.2) ------------------ */

struct sip_server_key {
        const struct sip_msg *m;
        enum sip_method method; /* INVITE for an ACK; the one to be canceled for a CANCEL */
        uint64_t hash;
        bool cookie;
};

struct sip_server_key sip_server_key(const struct sip_msg *m, enum sip_method method);
struct sip_server_txn *sip_server_find(const struct sip_stack *s, const struct sip_server_key *key);

/* The transaction of that method with the same Call-ID, From tag and CSeq number. */
struct sip_server_txn *sip_server_find_call(const struct sip_stack *s, const struct sip_msg *m,
                                            enum sip_method method);

/* Puts t into both tables. -IMS_ENOMEM. */
int sip_server_index(struct sip_stack *s, struct sip_server_txn *t,
                     const struct sip_server_key *key) IMS_CHECK;
void sip_server_unindex(struct sip_stack *s, struct sip_server_txn *t);

/* Gives back what nobody asks for once the request was answered and its owner has let go: all of the message
 * but what names its transaction and the way back. */
void sip_server_shrink(struct sip_server_txn *t);

/* True when m came here before on another way (RFC 3261 8.2.2.2), known by other, an earlier one with the
 * same Call-ID, From tag and CSeq. */
bool sip_server_merged(const struct sip_stack *s, const struct sip_msg *m,
                       const struct sip_server_txn *other);

/* --- txn_server.c -------------------------------------------------------------------------------- */

/* Counts what a live transaction holds, after a change of it. */
void sip_server_count(struct sip_server_txn *t);

/* Out of the tables and without timers: nothing is answered any more. */
void sip_server_leave(struct sip_server_txn *t);

/* For request.c, when nobody needs it any more. */
void sip_server_free(struct sip_server_txn *t);

/* Sends a response of that status and moves the machine. own: the node made it (as opposed to relayed). */
void sip_server_answer(struct sip_server_txn *t, int status, struct span octets, bool own);

/* Sends further 2xx of a relayed INVITE (RFC 6026 7.1). */
void sip_server_repeat(struct sip_server_txn *t, struct span octets);

/* The same from the response that came, with edits. */
void sip_server_relay_2xx(struct sip_request *rq, struct sip_edit *e);

/* A response to m that leaves no state behind. */
void sip_server_refuse(struct sip_stack *s, const struct sip_msg *m, const struct sip_flow *flow,
                       const struct sip_reply_text *r);
