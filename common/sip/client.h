/* SPDX-License-Identifier: BSD-3-Clause
 * A client request: where it may go (RFC 3263), the attempt under way, and its transaction. Private to the
 * stack. */
#pragma once

#include "common/sip/txn_table.h"
#include "common/sip/via.h"

#define SIP_HOPS_MAX 8 /* addresses tried for one request */

/* As on_further of struct sip_forward. */
typedef void sip_further_fn(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg);

struct sip_client {
        struct list all; /* s->clients */
        struct sip_stack *stack;
        sip_response_fn *fn; /* NULL once the last report was made or nobody waits */
        void *arg;
        const struct fsm *fsm;
        unsigned state; /* enum sip_ct_state */
        enum sip_method method;
        uint32_t t1_ms, t2_ms, answer_ms, udp_max;

        struct resolver_query *query;
        struct resolved hops[SIP_HOPS_MAX];
        size_t n_hops, hop;
        struct sip_flow given; /* the flow asked for; transport ANY: none */
        char *tls_name;        /* of the server, where TLS is possible; or NULL */
        bool sips;             /* nothing but TLS will do */
        bool keep;             /* Via offers keep-alives */

        bool stateless;
        bool in_call;    /* inside of sip_send or sip_send_stateless */
        bool same_conn;  /* as in sip_target */
        bool sent;       /* an attempt is under way */
        bool too_large;  /* for UDP: this attempt uses TCP */
        bool tcp_failed; /* ... which the hop does not take */
        bool reused;     /* the connection was there before */
        bool retried;    /* a reused connection broke once */
        bool lost;       /* the connection of the attempt ended */
        bool cancel_wanted, cancel_sent;
        int err;            /* to be reported by the end timer */
        const char *barred; /* why nothing may be sent to an address that was tried, static, or NULL */

        struct hnode by_branch;
        bool in_branches;
        char branch[SIP_BRANCH_MAX];
        uint64_t sent_by; /* hash of host and port in our Via */
        char suffix[24];
        struct sip_flow flow;
        struct sip_protected *port; /* told to on_use with used, or NULL */
        struct sip_flow used;
        struct sip_conn_user user;
        struct tmr retransmit, end;
        uint32_t retransmit_ms;

        char *octets; /* the request, later the ACK to a refusal */
        size_t n_octets, via_at, via_n;
        struct sip_request *peer; /* INVITE that was relayed by this one, for further 2xx */
        sip_further_fn *on_further;
        void *further_arg;
};

static inline bool sip_client_is_invite(const struct sip_client *c)
{
        return c->fsm == &sip_fsm_invite_client;
}

struct sip_client_owner {
        sip_response_fn *fn;
        void *arg;
        const char *suffix; /* text put behind the branch (a loop mark), or NULL */
};

/* As sip_send. */
int sip_client_send(struct sip_stack *s, const struct sip_edit *e, const struct sip_target *target,
                    const struct sip_client_owner *owner, struct sip_client **out) IMS_CHECK;

/* Further 2xx to this INVITE are relayed to rq (a reference is taken), changed by fn, which may be NULL. */
void sip_client_set_peer(struct sip_client *c, struct sip_request *rq, sip_further_fn *fn, void *arg);

/* --- for the files of the client only -------------------------------------------------------------- */

struct sip_client *sip_client_new(struct sip_stack *s, enum sip_method method);
void sip_client_free(struct sip_client *c);

/* Tries the next addresses until something was sent. Reports a failure later, by the end timer. */
void sip_client_try(struct sip_client *c);

void sip_client_next_hop(struct sip_client *c);

/* Puts the client under its branch. -IMS_ENOMEM. */
int sip_client_index(struct sip_client *c) IMS_CHECK;
void sip_client_unindex(struct sip_client *c);

/* Reports err by the end timer. */
void sip_client_fail(struct sip_client *c, int err);

/* The attempt on c->flow is sent: it uses its protected port, where it has one. */
void sip_client_use(struct sip_client *c);

/* Starts the timers of an attempt. -IMS_ENOMEM. */
int sip_client_start(struct sip_client *c) IMS_CHECK;

/* For c->user: the connection of the attempt ended. */
void sip_client_conn_ended(struct sip_conn_user *u, int reason);

/* Sends what is in octets on c->flow again. */
void sip_client_send_again(struct sip_client *c, const char *note);

/* --- client_msg.c --------------------------------------------------------------------------------- */

/* The ACK to a refusal of the INVITE in octets (RFC 3261 17.1.1.3), or its CANCEL (9.1). */
int sip_client_write_ack(const struct sip_client *c, const struct sip_msg *resp, struct buf *out) IMS_CHECK;
int sip_client_write_cancel(const struct sip_client *c, struct buf *out) IMS_CHECK;

/* Wipes and frees octets. */
void sip_client_drop_octets(struct sip_client *c);

/* Replaces the request in octets. */
int sip_client_set_octets(struct sip_client *c, struct span octets) IMS_CHECK;

/* Replaces our Via in octets. */
int sip_client_set_via(struct sip_client *c, struct span via) IMS_CHECK;

/* --- target.c ------------------------------------------------------------------------------------- */

/* What RFC 3263 4 looks up. */
struct sip_hop {
        struct span host; /* maddr or host, without brackets */
        uint16_t port;    /* 0: not given */
        enum transport transport;
        bool sips;
};

/* uri: a sip or sips URI, also in <> with a display name and parameters. -IMS_EINVAL. */
int sip_hop_of(struct span uri, struct sip_hop *out) IMS_CHECK;
