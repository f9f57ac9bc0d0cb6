/* SPDX-License-Identifier: BSD-3-Clause
 * TCP listeners. The socket is watched by uv_poll and accepted from directly, so that a process out of
 * file descriptors can pause and leave the callers in the kernel's queue. */
#include "common/net/tcp_int.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/timers.h"

#define ACCEPTS_PER_TURN 64
#define LISTEN_BACKLOG   4096 /* the kernel cuts it to its own limit */

static void on_readable(uv_poll_t *handle, int status, int events);

static void listener_free(struct tcp_listener *s)
{
        if (s->released && s->n_conns == 0)
                free(s);
}

static void on_listener_closed(uv_handle_t *handle)
{
        struct tcp_listener *s = handle->data;

        s->released = true;
        listener_free(s);
}

void tcp_listener_conn_gone(struct tcp_listener *s)
{
        s->n_conns--;
        listener_free(s);
}

static void on_resume(struct tmr *t, void *arg)
{
        struct tcp_listener *s = arg;

        (void)t;
        if (uv_poll_start(&s->poll, UV_READABLE, on_readable) != 0)
                log_error("tcp: a listener could not resume");
}

/* Out of descriptors or memory: the callers wait in the kernel until some are free. */
static void listener_pause(struct tcp_listener *s, int error)
{
        char name[ADDR_STR];

        if (!s->paused)
                log_warn("tcp %s: no connection can be accepted: %s; callers wait until one can",
                         addr_str(&s->local, name), strerror(error));
        s->paused = true;
        if (tmr_start(s->loop, &s->resume, ims_timer_rows[IMS_TIMER_TCP_ACCEPT_PAUSE].default_ms, on_resume,
                      s) == 0)
                (void)uv_poll_stop(&s->poll);
}

static void listener_refuse(struct tcp_listener *s, int fd, const struct addr *remote)
{
        char name[ADDR_STR];

        (void)close(fd);
        s->n_refused++;
        if ((s->n_refused & (s->n_refused - 1)) == 0) /* 1st, 2nd, 4th, 8th ... */
                log_warn("tcp: connection from %s refused: %u connections are open (refused so far: %llu)",
                         addr_str(remote, name), s->n_conns, (unsigned long long)s->n_refused);
}

/* True to try another. */
static bool accept_one(struct tcp_listener *s)
{
        struct sockaddr_storage name;
        socklen_t n = sizeof(name);
        struct addr remote;
        char text[ADDR_STR];
        int fd = accept4(s->fd, (struct sockaddr *)&name, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0) {
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                        listener_pause(s, errno);
                /* the other errors belong to that one caller (accept(2)), except an empty queue */
                return errno == EINTR || errno == ECONNABORTED || errno == EPROTO;
        }
        if (s->paused)
                log_notice("tcp %s: connections are accepted again", addr_str(&s->local, text));
        s->paused = false;
        if (addr_from_sockaddr((struct sockaddr *)&name, &remote) != 0)
                (void)close(fd);
        else if (s->n_conns >= s->max_conns)
                listener_refuse(s, fd, &remote);
        else if (tcp_conn_accepted(s, fd, &remote) != 0)
                log_warn("tcp: an accepted connection is dropped: out of memory");
        return true;
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
        struct tcp_listener *s = handle->data;

        (void)events;
        if (status < 0)
                log_debug("tcp listener: %s", uv_strerror(status));
        for (int i = 0; i < ACCEPTS_PER_TURN && !s->closed && accept_one(s); i++)
                ;
}

/* A bound socket, listening or not, or a negative error. */
static int bound_socket(const struct addr *local, bool listening)
{
        int on = 1, err;
        int fd = socket(local->u.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return errno == EMFILE || errno == ENFILE ? -IMS_ELIMIT : -IMS_EIO;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
            (!addr_is_v6(local) || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
            bind(fd, &local->u.sa, addr_len(local)) == 0 && (!listening || listen(fd, LISTEN_BACKLOG) == 0))
                return fd;
        err = errno == EADDRINUSE ? -IMS_EADDRINUSE : -IMS_EIO;
        (void)close(fd);
        return err;
}

static void listener_shut(struct loop_object *o)
{
        log_error("bug: a TCP listener is open when the loop is freed");
        tcp_listener_close(container_of(o, struct tcp_listener, object));
}

static int listener_start(struct tcp_listener *s)
{
        struct sockaddr_storage name;
        socklen_t n = sizeof(name);

        if (getsockname(s->fd, (struct sockaddr *)&name, &n) != 0)
                return -IMS_EIO;
        if (uv_poll_init(loop_uv(s->loop), &s->poll, s->fd) != 0)
                return -IMS_EIO;
        s->poll.data = s;
        (void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
        return addr_from_sockaddr((struct sockaddr *)&name, &s->local);
}

int tcp_listen(struct loop *l, const struct addr *local, uint32_t max_conns, tcp_accept_fn *fn, void *arg,
               struct tcp_listener **out)
{
        struct tcp_listener *s = calloc(1, sizeof(*s));
        int err = -IMS_ENOMEM;

        if (!s)
                return err;
        s->loop = l;
        s->max_conns = max_conns;
        s->fn = fn;
        s->arg = arg;
        s->fd = bound_socket(local, true);
        err = s->fd < 0 ? s->fd : listener_start(s);
        if (err) {
                if (s->fd >= 0)
                        (void)close(s->fd);
                free(s);
                return err;
        }
        loop_object_add(l, &s->object, listener_shut);
        *out = s;
        return 0;
}

const struct addr *tcp_listener_local(const struct tcp_listener *s)
{
        return &s->local;
}

void tcp_listener_close(struct tcp_listener *s)
{
        if (!s || s->closed)
                return;
        s->closed = true;
        loop_object_remove(&s->object);
        tmr_stop(s->loop, &s->resume);
        (void)uv_poll_stop(&s->poll);
        uv_close((uv_handle_t *)&s->poll, on_listener_closed);
        (void)close(s->fd);
}

int tcp_reserve(const struct addr *local, int *out_fd)
{
        int fd = bound_socket(local, false);

        if (fd < 0)
                return fd;
        *out_fd = fd;
        return 0;
}
