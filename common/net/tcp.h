/* SPDX-License-Identifier: BSD-3-Clause
 * TCP listeners and connections on the loop. TCP_NODELAY is always on. */
#pragma once

#include "common/net/addr.h"
#include "common/net/loop.h"

struct tcp_conn;
struct tcp_listener;

struct tcp_handlers {
        /* The connection is up (connect side only; accepted ones are up at on_accept). */
        void (*on_connect)(struct tcp_conn *c, void *arg);
        /* data: borrowed for the call. The handler may call tcp_close(c). */
        void (*on_data)(struct tcp_conn *c, struct span data, void *arg);
        /* Exactly once, also after tcp_close; reason 0 for an orderly end, else the error. c is freed
         * when this returns. */
        void (*on_close)(struct tcp_conn *c, int reason, void *arg);
};

/* Sets the handlers of an accepted connection by tcp_set_handlers; one that gets none is closed. */
typedef void tcp_accept_fn(struct tcp_conn *c, void *arg);

/* max_conns: accepted connections alive at once; further ones are closed at once and counted in the log. */
int tcp_listen(struct loop *l, const struct addr *local, uint32_t max_conns, tcp_accept_fn *fn, void *arg,
               struct tcp_listener **out) IMS_CHECK;
const struct addr *tcp_listener_local(const struct tcp_listener *s);
void tcp_listener_close(struct tcp_listener *s);

/* Opens a connection; local may be NULL, else the source address (port 0: any). The outcome is reported
 * by on_connect or on_close (-IMS_ETIMEOUT after timeout_ms, -IMS_EUNREACH). */
int tcp_connect(struct loop *l, const struct addr *local, const struct addr *to, uint32_t timeout_ms,
                const struct tcp_handlers *h, void *arg, struct tcp_conn **out) IMS_CHECK;

/* Connects once more to the same peer, over a new socket: what was queued is lost, the handlers stay, and
 * on_connect follows again, or on_close. The time it takes is the caller's to bound. Only while it is up;
 * -IMS_ECLOSED else, -IMS_EINVAL for one that was accepted. */
int tcp_reopen(struct tcp_conn *c) IMS_CHECK;

void tcp_set_handlers(struct tcp_conn *c, const struct tcp_handlers *h, void *arg);

/* Handlers that do nothing, for a connection that ends and is nobody's business any more. */
extern const struct tcp_handlers tcp_deaf;

/* Queues data (copied). -IMS_ELIMIT when more than the queue limit waits (a slow reader; the caller
 * usually closes), -IMS_ECLOSED. Data given before the connection is up waits for it. */
int tcp_send(struct tcp_conn *c, struct span data) IMS_CHECK;
void tcp_set_queue_limit(struct tcp_conn *c, size_t octets); /* default 1 MiB */
/* Ends the connection, with -IMS_ELIMIT, when the peer takes nothing of what waits for so long. 0, the
 * default: never. */
void tcp_set_unread_limit(struct tcp_conn *c, uint32_t ms);
size_t tcp_queued(const struct tcp_conn *c);
/* False once it ends: tcp_send then fails, though on_close may come later in the same turn of the loop. */
bool tcp_takes(const struct tcp_conn *c);

/* False when the peer has closed its end, also when data it sent before is still unread. A system call. */
bool tcp_peer_there(const struct tcp_conn *c);

/* Stops and starts reading (flow control). */
void tcp_pause(struct tcp_conn *c, bool paused);

const struct addr *tcp_local(const struct tcp_conn *c);
const struct addr *tcp_remote(const struct tcp_conn *c);

/* Closes; what is queued is sent first when flush is set (for a bounded time). */
void tcp_close(struct tcp_conn *c, bool flush);

/* --- fixed local ports ---------------------------------------------------------------------------- */

/* Takes a port from which connections are to be opened, so that the kernel gives it to nobody else. Several
 * connections to different peers may leave from it. *out_fd: for close(). -IMS_EADDRINUSE when somebody
 * listens there or has it for one connection, -IMS_ELIMIT, -IMS_EIO. */
int tcp_reserve(const struct addr *local, int *out_fd) IMS_CHECK;

/* From now on it ends by a reset in place of a FIN once the peer has all that was written: no TIME_WAIT keeps
 * the same two ends from being connected again at once. */
void tcp_prefer_reset(struct tcp_conn *c);

/* Ends it at once and leaves nothing of it in the kernel; what waits is lost. The peer gets one reset; with
 * silent nothing, where the process may use TCP_REPAIR (CAP_NET_ADMIN). */
void tcp_reset(struct tcp_conn *c, bool silent);
