/* SPDX-License-Identifier: BSD-3-Clause
 * TCP connections. What is sent in one turn of the loop leaves in one write at its end. */
#include "common/net/tcp.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/net/tcp_filter.h"
#include "common/net/tcp_int.h"

#define QUEUE_LIMIT_DEFAULT ((size_t)1 << 20)
#define FILTER_EXTRA        65536 /* octets of its own that a filter may have waiting: handshakes */
#define FILTER_SHARE        8     /* and one in so many of those that it was given */

enum tcp_state {
        TCP_CONNECTING,
        TCP_UP,
        TCP_FLUSHING,  /* tcp_close with flush: the queue goes out, then our end is shut */
        TCP_LINGERING, /* our end is shut; waiting for the peer's, so that no reset cuts what we sent */
        TCP_CLOSED     /* uv_close is under way */
};

struct tcp_conn {
        uv_tcp_t handle;
        union {
                uv_connect_t connect;
                uv_write_t write;
                uv_shutdown_t shutdown;
        } req; /* one at a time */
        struct loop_object object;
        struct loop_late late;
        struct loop *loop;
        struct tcp_listener *listener; /* accepted from, or NULL */
        struct tmr timer;              /* connect timeout, unread limit, flush timeout */
        struct tcp_handlers h;
        void *arg;
        struct tcp_filter *filter; /* or NULL */
        struct addr local, remote;
        struct buf out;    /* waits for the end of the turn, or for the write under way */
        struct buf flying; /* handed to libuv */
        size_t queue_limit;
        size_t unread; /* octets that waited when the unread limit was started */
        uint32_t unread_ms;
        enum tcp_state state;
        int reason;
        int failed;  /* reason of a failure that was still told to the peer */
        bool ending; /* tcp_close with flush, and the filter has not written all: then FLUSHING */
        bool paused, writing;
        bool peer_done; /* the peer's end is shut */
        bool reopening; /* the old socket is being closed: tcp_reopen */
        bool prefer_reset;
        uint64_t wait_until_ms; /* before its reset */
};

static void conn_end(struct tcp_conn *c, int reason);
static void conn_flush(struct tcp_conn *c);

static void on_closed(uv_handle_t *handle)
{
        struct tcp_conn *c = handle->data;

        if (c->h.on_close)
                c->h.on_close(c, c->reason, c->arg);
        if (c->filter)
                c->filter->ops->free(c->filter);
        if (c->listener)
                tcp_listener_conn_gone(c->listener);
        buf_free(&c->out);
        buf_free(&c->flying);
        free(c);
}

/* The close that follows ends the connection at once. */
static void arm_reset(struct tcp_conn *c, bool silent)
{
        struct linger at_once = {.l_onoff = 1};
        uv_os_fd_t fd;
        int on = 1;

        if (uv_fileno((const uv_handle_t *)&c->handle, &fd) != 0)
                return;
        if (silent && setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) == 0)
                return;
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

/* The peer has acknowledged what was written. */
static bool all_arrived(const struct tcp_conn *c)
{
        uv_os_fd_t fd;
        int left = 0;

        return uv_fileno((const uv_handle_t *)&c->handle, &fd) == 0 && ioctl(fd, SIOCOUTQ, &left) == 0 &&
               left == 0;
}

static void conn_leave(struct tcp_conn *c, int reason)
{
        c->state = TCP_CLOSED;
        c->reason = c->failed ? c->failed : reason;
        tmr_stop(c->loop, &c->timer);
        loop_late_remove(&c->late);
        loop_object_remove(&c->object);
}

/* Closes now; on_close follows from the loop. */
static void conn_end(struct tcp_conn *c, int reason)
{
        if (c->state == TCP_CLOSED)
                return;
        if (c->prefer_reset && all_arrived(c))
                arm_reset(c, false);
        conn_leave(c, reason);
        if (!c->reopening) /* else its socket is being closed already */
                uv_close((uv_handle_t *)&c->handle, on_closed);
}

static void conn_shut(struct loop_object *o)
{
        struct tcp_conn *c = container_of(o, struct tcp_conn, object);

        if (c->state < TCP_FLUSHING)
                log_error("bug: a TCP connection is open when the loop is freed");
        conn_end(c, -IMS_ECANCELED);
}

/* --- receiving ----------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
        struct tcp_conn *c = handle->data;

        (void)suggested;
        out->base = loop_rx_buffer(c->loop);
        out->len = out->base ? LOOP_DATAGRAM_MAX : 0;
}

static void on_peer_end(struct tcp_conn *c)
{
        c->peer_done = true;
        if (c->filter && c->state == TCP_UP)
                c->filter->ops->peer_ended(c->filter);
        if (c->state == TCP_LINGERING)
                conn_end(c, 0);
        else if (c->ending)
                conn_end(c, -IMS_ECLOSED); /* what the filter waits for will not come */
        else
                tcp_close(c, true); /* a peer that shut only its end still gets our answers */
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
        struct tcp_conn *c = stream->data;

        if (n > 0 && c->state == TCP_UP) {
                if (c->filter)
                        c->filter->ops->received(c->filter, span_make(buf->base, (size_t)n));
                else if (c->h.on_data)
                        c->h.on_data(c, span_make(buf->base, (size_t)n), c->arg);
        } else if (n == UV_EOF) {
                on_peer_end(c);
        } else if (n < 0) {
                if (c->filter && c->state == TCP_UP)
                        c->filter->ops->peer_ended(c->filter);
                conn_end(c, c->state == TCP_LINGERING ? 0 : loop_error((int)n));
        }
}

/* --- sending ------------------------------------------------------------------------------------- */

static void on_shutdown(uv_shutdown_t *req, int status)
{
        struct tcp_conn *c = req->handle->data;

        if (c->state == TCP_LINGERING && status)
                conn_end(c, loop_error(status));
}

/* Ends a connection that is to be reset as soon as all has arrived, or its time is over. */
static void on_arriving(struct tmr *t, void *arg)
{
        struct tcp_conn *c = arg;

        if (all_arrived(c) || loop_now_ms(c->loop) >= c->wait_until_ms ||
            tmr_start(c->loop, t, ims_timer_rows[IMS_TIMER_TCP_ARRIVED].default_ms, on_arriving, c) != 0)
                conn_end(c, 0);
}

/* The queue of a flushing connection is empty. */
static void conn_linger(struct tcp_conn *c)
{
        c->state = TCP_LINGERING;
        if (c->prefer_reset && !c->peer_done) {
                c->wait_until_ms = loop_now_ms(c->loop) + ims_timer_rows[IMS_TIMER_TCP_FLUSH].default_ms;
                on_arriving(&c->timer, c);
                return;
        }
        if (c->peer_done || uv_shutdown(&c->req.shutdown, (uv_stream_t *)&c->handle, on_shutdown) != 0 ||
            (c->paused && uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read) != 0))
                conn_end(c, 0);
}

static void on_written(uv_write_t *req, int status)
{
        struct tcp_conn *c = req->handle->data;

        c->writing = false;
        buf_free(&c->flying);
        if (c->state == TCP_CLOSED || c->reopening)
                return;
        if (status)
                conn_end(c, loop_error(status));
        else
                conn_flush(c);
        if (c->state == TCP_UP && !c->writing && !c->ending)
                tmr_stop(c->loop, &c->timer);
}

static void on_timer(struct tmr *t, void *arg);

/* The socket is full: from here on the peer has a limited time to read. */
static void unread_start(struct tcp_conn *c)
{
        c->unread = tcp_queued(c);
        if (c->unread_ms && c->state == TCP_UP && !c->ending &&
            tmr_start(c->loop, &c->timer, c->unread_ms, on_timer, c) != 0)
                conn_end(c, -IMS_ENOMEM);
}

/* What may wait for the socket: with a filter more than what it was given. */
static size_t out_max(const struct tcp_conn *c)
{
        return c->queue_limit + (c->filter ? c->queue_limit / FILTER_SHARE + FILTER_EXTRA : 0);
}

/* Writes what waits; what the socket does not take now, libuv writes later. */
static void conn_flush(struct tcp_conn *c)
{
        uv_buf_t buf;
        int n;

        if (c->writing || c->state == TCP_CONNECTING || c->state > TCP_FLUSHING)
                return;
        if (c->out.n) {
                buf = uv_buf_init(c->out.p, (unsigned)c->out.n);
                n = uv_try_write((uv_stream_t *)&c->handle, &buf, 1);
                if (n < 0 && n != UV_EAGAIN) {
                        conn_end(c, loop_error(n));
                        return;
                }
                if (n < 0 || (size_t)n < c->out.n) {
                        size_t done = n > 0 ? (size_t)n : 0;

                        c->flying = buf_take(&c->out);
                        buf = uv_buf_init(c->flying.p + done, (unsigned)(c->flying.n - done));
                        c->writing = true;
                        n = uv_write(&c->req.write, (uv_stream_t *)&c->handle, &buf, 1, on_written);
                        if (n) {
                                c->writing = false;
                                conn_end(c, loop_error(n));
                        } else {
                                unread_start(c);
                        }
                        return;
                }
                buf_free(&c->out);
        }
        if (c->state == TCP_FLUSHING)
                conn_linger(c);
}

static void on_turn_end(struct loop_late *late)
{
        conn_flush(container_of(late, struct tcp_conn, late));
}

size_t tcp_queued(const struct tcp_conn *c)
{
        const uv_stream_t *stream = (const uv_stream_t *)&c->handle;

        return c->out.n + (c->reopening ? 0 : uv_stream_get_write_queue_size(stream)) +
               (c->filter ? c->filter->ops->queued(c->filter) : 0);
}

bool tcp_takes(const struct tcp_conn *c)
{
        return c->state <= TCP_UP && !c->ending;
}

bool tcp_peer_there(const struct tcp_conn *c)
{
        struct pollfd p = {.events = POLLRDHUP};
        uv_os_fd_t fd;

        if (c->state == TCP_CLOSED || c->peer_done || uv_fileno((const uv_handle_t *)&c->handle, &fd) < 0)
                return false;
        p.fd = fd;
        return poll(&p, 1, 0) == 0;
}

/* Puts data in the queue of the socket. */
static int conn_write(struct tcp_conn *c, struct span data)
{
        buf_span(&c->out, data);
        if (c->out.err) { /* nothing of data was taken */
                int err = c->out.err;

                c->out.err = 0;
                return err;
        }
        if (c->state == TCP_UP && !c->writing)
                loop_late_add(c->loop, &c->late, on_turn_end);
        return 0;
}

int tcp_send(struct tcp_conn *c, struct span data)
{
        if (!tcp_takes(c))
                return -IMS_ECLOSED;
        if (tcp_queued(c) + data.n > c->queue_limit)
                return -IMS_ELIMIT;
        return c->filter ? c->filter->ops->send(c->filter, data) : conn_write(c, data);
}

void tcp_set_queue_limit(struct tcp_conn *c, size_t octets)
{
        c->queue_limit = octets;
        c->out.max = out_max(c);
}

void tcp_set_unread_limit(struct tcp_conn *c, uint32_t ms)
{
        c->unread_ms = ms;
}

/* --- opening and closing ------------------------------------------------------------------------- */

static int conn_new(struct loop *l, const struct addr *remote, struct tcp_conn **out)
{
        struct tcp_conn *c = calloc(1, sizeof(*c));

        if (!c)
                return -IMS_ENOMEM;
        c->loop = l;
        c->remote = *remote;
        c->out.secret = true; /* CK and IK of a challenge (Mw), keys of an MAA (Cx) */
        tcp_set_queue_limit(c, QUEUE_LIMIT_DEFAULT);
        c->handle.data = c;
        if (uv_tcp_init(loop_uv(l), &c->handle) != 0) {
                free(c);
                return -IMS_EIO;
        }
        loop_object_add(l, &c->object, conn_shut);
        *out = c;
        return 0;
}

/* The socket is connected: learn its address, start reading. */
static int conn_up(struct tcp_conn *c)
{
        struct sockaddr_storage name;
        int n = sizeof(name), err;

        err = uv_tcp_getsockname(&c->handle, (struct sockaddr *)&name, &n);
        if (err)
                return loop_error(err);
        c->state = TCP_UP;
        (void)uv_tcp_nodelay(&c->handle, 1);
        if (!c->paused)
                err = uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read);
        return err ? loop_error(err) : addr_from_sockaddr((struct sockaddr *)&name, &c->local);
}

int tcp_conn_accepted(struct tcp_listener *s, int fd, const struct addr *remote)
{
        struct tcp_conn *c = NULL;
        int err = conn_new(s->loop, remote, &c);

        if (err) {
                (void)close(fd);
                return err;
        }
        s->n_conns++;
        c->listener = s;
        err = loop_error(uv_tcp_open(&c->handle, fd));
        if (err)
                (void)close(fd);
        else
                err = conn_up(c);
        if (err) {
                conn_end(c, err);
                return err;
        }
        s->fn(c, s->arg);
        if (!c->h.on_close && !c->h.on_data)
                conn_end(c, 0);
        return 0;
}

static void on_timer(struct tmr *t, void *arg)
{
        struct tcp_conn *c = arg;

        (void)t;
        if (c->state == TCP_LINGERING)
                conn_end(c, 0); /* the peer took all and only keeps its end open */
        else if (c->state == TCP_UP && !c->ending && tcp_queued(c) < c->unread)
                unread_start(c); /* it reads, if slowly */
        else
                conn_end(c, c->state == TCP_UP && !c->ending ? -IMS_ELIMIT : -IMS_ETIMEOUT);
}

static void on_connected(uv_connect_t *req, int status)
{
        struct tcp_conn *c = req->handle->data;
        bool flush = c->state == TCP_FLUSHING;
        int err = status ? loop_error(status) : 0;

        if (c->state == TCP_CLOSED)
                return;
        if (!err)
                err = conn_up(c);
        if (err) {
                conn_end(c, err);
                return;
        }
        if (flush) { /* closed while it was connecting */
                c->state = TCP_FLUSHING;
                conn_flush(c);
                return;
        }
        if (!c->ending)
                tmr_stop(c->loop, &c->timer);
        if (c->filter) {
                c->filter->ops->up(c->filter);
                return;
        }
        if (c->out.n)
                loop_late_add(c->loop, &c->late, on_turn_end);
        if (c->h.on_connect)
                c->h.on_connect(c, c->arg);
}

/* local: NULL for any. */
static int begin_connect(struct tcp_conn *c, const struct addr *local)
{
        int err = local ? uv_tcp_bind(&c->handle, &local->u.sa, 0) : 0;

        if (!err)
                err = uv_tcp_connect(&c->req.connect, &c->handle, &c->remote.u.sa, on_connected);
        return loop_error(err);
}

int tcp_connect(struct loop *l, const struct addr *local, const struct addr *to, uint32_t timeout_ms,
                const struct tcp_handlers *h, void *arg, struct tcp_conn **out)
{
        struct tcp_conn *c = NULL;
        int err = conn_new(l, to, &c);

        if (err)
                return err;
        err = begin_connect(c, local);
        if (!err)
                err = tmr_start(l, &c->timer, timeout_ms, on_timer, c);
        if (err) {
                conn_end(c, err);
                return err;
        }
        if (local)
                c->local = *local;
        tcp_set_handlers(c, h, arg);
        *out = c;
        return 0;
}

/* The old socket is gone: the next one. */
static void on_reopen(uv_handle_t *handle)
{
        struct tcp_conn *c = handle->data;
        struct addr from = c->local;
        int err;

        c->reopening = false;
        if (c->state == TCP_CLOSED) { /* meanwhile */
                on_closed(handle);
                return;
        }
        if (uv_tcp_init(loop_uv(c->loop), &c->handle) != 0) { /* nothing is there to be closed */
                conn_leave(c, -IMS_EIO);
                on_closed(handle);
                return;
        }
        addr_set_port(&from, 0);
        err = begin_connect(c, &from);
        if (err)
                conn_end(c, err);
}

int tcp_reopen(struct tcp_conn *c)
{
        if (c->state != TCP_UP)
                return -IMS_ECLOSED;
        if (c->listener)
                return -IMS_EINVAL;
        c->state = TCP_CONNECTING;
        c->reopening = true;
        c->peer_done = false;
        if (!c->ending)
                tmr_stop(c->loop, &c->timer);
        loop_late_remove(&c->late);
        buf_free(&c->out);
        c->out.max = out_max(c);
        uv_close((uv_handle_t *)&c->handle, on_reopen);
        return 0;
}

void tcp_set_handlers(struct tcp_conn *c, const struct tcp_handlers *h, void *arg)
{
        c->h = *h;
        c->arg = arg;
}

void tcp_pause(struct tcp_conn *c, bool paused)
{
        if (c->paused == paused || c->state > TCP_UP)
                return;
        c->paused = paused;
        if (c->state != TCP_UP)
                return;
        if (paused)
                (void)uv_read_stop((uv_stream_t *)&c->handle);
        else if (uv_read_start((uv_stream_t *)&c->handle, on_alloc, on_read) != 0)
                conn_end(c, -IMS_EIO);
}

const struct addr *tcp_local(const struct tcp_conn *c)
{
        return &c->local;
}

const struct addr *tcp_remote(const struct tcp_conn *c)
{
        return &c->remote;
}

void tcp_close(struct tcp_conn *c, bool flush)
{
        bool connecting = c->state == TCP_CONNECTING;

        if (c->state == TCP_CLOSED || (flush && (c->state > TCP_UP || c->ending)))
                return;
        if (flush && c->filter && !c->filter->ops->close(c->filter)) {
                c->ending = true;
                if (tmr_start(c->loop, &c->timer, ims_timer_rows[IMS_TIMER_TCP_FLUSH].default_ms, on_timer,
                              c) != 0)
                        conn_end(c, -IMS_ENOMEM);
                return;
        }
        if (!flush || tcp_queued(c) == 0) {
                conn_end(c, 0);
                return;
        }
        c->state = TCP_FLUSHING;
        if (tmr_start(c->loop, &c->timer, ims_timer_rows[IMS_TIMER_TCP_FLUSH].default_ms, on_timer, c) != 0)
                conn_end(c, -IMS_ENOMEM);
        else if (!connecting && !c->writing)
                loop_late_add(c->loop, &c->late, on_turn_end);
}

void tcp_prefer_reset(struct tcp_conn *c)
{
        c->prefer_reset = true;
}

void tcp_reset(struct tcp_conn *c, bool silent)
{
        if (c->state == TCP_CLOSED)
                return;
        arm_reset(c, silent);
        c->prefer_reset = false;
        conn_end(c, 0);
}

/* --- filter --------------------------------------------------------------------------------------- */

void tcp_set_filter(struct tcp_conn *c, struct tcp_filter *f)
{
        c->filter = f;
        c->out.max = out_max(c);
}

struct tcp_filter *tcp_filter_of(const struct tcp_conn *c)
{
        return c->filter;
}

int tcp_filter_write(struct tcp_conn *c, struct span octets)
{
        return c->state == TCP_UP ? conn_write(c, octets) : -IMS_ECLOSED;
}

void tcp_filter_deliver(struct tcp_conn *c, struct span data)
{
        if (c->state == TCP_UP && !c->ending && c->h.on_data)
                c->h.on_data(c, data, c->arg);
}

void tcp_filter_established(struct tcp_conn *c)
{
        if (!c->listener && c->state == TCP_UP && !c->ending && c->h.on_connect)
                c->h.on_connect(c, c->arg);
}

void tcp_filter_idle(struct tcp_conn *c)
{
        if (!c->ending || c->state != TCP_UP)
                return;
        c->ending = false;
        tcp_close(c, true);
}

void tcp_filter_fail(struct tcp_conn *c, int reason)
{
        if (c->state > TCP_UP)
                return;
        c->failed = reason;
        c->ending = false;
        if (c->state == TCP_CONNECTING || (!c->out.n && !c->writing)) {
                conn_end(c, reason);
                return;
        }
        c->state = TCP_FLUSHING;
        if (tmr_start(c->loop, &c->timer, ims_timer_rows[IMS_TIMER_TCP_FLUSH].default_ms, on_timer, c) != 0)
                conn_end(c, -IMS_ENOMEM);
        else if (!c->writing)
                loop_late_add(c->loop, &c->late, on_turn_end);
}

bool tcp_is_up(const struct tcp_conn *c)
{
        return c->state == TCP_UP;
}

struct loop *tcp_loop(const struct tcp_conn *c)
{
        return c->loop;
}
