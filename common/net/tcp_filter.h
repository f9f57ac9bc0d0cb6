/* SPDX-License-Identifier: BSD-3-Clause
 * A filter: what lies between the socket and the handlers of a TCP connection (TLS). Private to common/net.
 */
#pragma once

#include "common/net/tcp.h"

struct tcp_filter;
struct tcp_filter_ops {
        void (*up)(struct tcp_filter *f); /* the connection is up; before anything is received */
        /* octets: borrowed for the call. */
        void (*received)(struct tcp_filter *f, struct span octets);
        void (*peer_ended)(
                struct tcp_filter *f); /* the peer has shut its end; the connection closes after it */
        /* As tcp_send, which has looked at the limit. */
        int (*send)(struct tcp_filter *f, struct span data);
        size_t (*queued)(const struct tcp_filter *f); /* octets it has not written yet */
        /* tcp_close with flush: true when all is written, the farewell too; false when it goes on by
         * tcp_filter_idle. */
        bool (*close)(struct tcp_filter *f);
        void (*free)(struct tcp_filter *f); /* after on_close */
};

struct tcp_filter {
        const struct tcp_filter_ops *ops;
};

/* Puts it in, once, before anything was sent or received. The connection owns it from then on. */
void tcp_set_filter(struct tcp_conn *c, struct tcp_filter *f);
struct tcp_filter *tcp_filter_of(const struct tcp_conn *c); /* or NULL */

/* For the filter. tcp_filter_write: queues octets for the wire; errors as tcp_send. */
int tcp_filter_write(struct tcp_conn *c, struct span octets) IMS_CHECK;
void tcp_filter_deliver(struct tcp_conn *c, struct span data); /* to on_data; may close the connection */
void tcp_filter_established(struct tcp_conn *c);               /* on_connect of one that was opened */
void tcp_filter_idle(struct tcp_conn *c);                      /* nothing waits in it any more */
/* Ends the connection once what was written has left; on_close says reason. */
void tcp_filter_fail(struct tcp_conn *c, int reason);
bool tcp_is_up(const struct tcp_conn *c); /* and takes data */
struct loop *tcp_loop(const struct tcp_conn *c);
