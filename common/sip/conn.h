/* SPDX-License-Identifier: BSD-3-Clause
 * One connection of the stack, for the files that work on it: conn.c and conn_tls.c. */
#pragma once

#include "common/net/tls.h"
#include "common/sip/stack_priv.h"
#include "common/sip/stream.h"

struct sip_conn {
        struct list node;
        struct hnode by_id, by_remote;
        struct sip_stack *stack;
        struct sip_protected *port; /* it ends at, or NULL */
        struct list port_node;      /* port->conns */
        struct tcp_conn *tcp;
        struct sip_source *source; /* accepted connections only */
        struct sip_flow flow;
        struct list users;
        struct buf in; /* the start of a message whose end has not come */
        struct sip_frame frame;
        unsigned line_ends; /* in a row between messages */
        unsigned pings;     /* of ours that were not answered yet */
        struct tmr partial, idle;
        uint64_t used_ms;
        char *name; /* TLS: that the server was asked for by; NULL: accepted, or by its address */
        bool busy, gone;
        bool heard;       /* a message came */
        bool handshaking; /* accepted over TLS, and the first handshake is not done */
};

/* --- conn_tls.c ----------------------------------------------------------------------------------- */

/* Puts TLS under c->tcp; ctx: of the listener, or the client's. Errors of tls_start; -IMS_ELIMIT: too many
 * handshakes are under way. */
int sip_conn_start_tls(struct sip_conn *c, struct tls_context *ctx) IMS_CHECK;

/* The handshake of c is not under way any more. */
void sip_conn_handshake_over(struct sip_conn *c);

/* c->tcp has closed: tells what TLS has to say on it. */
void sip_conn_tls_failed(struct sip_conn *c);
