/* SPDX-License-Identifier: BSD-3-Clause
 * UDP: received in bulk (recvmmsg), sent at once. */
#include "common/net/udp.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/net/loop_int.h"

#define UDP_SOCKET_BUFFER (4 << 20)         /* octets asked of the kernel: a burst waits here */
#define UDP_QUEUE_MAX     ((size_t)4 << 20) /* octets we keep when the socket is full */

struct udp {
        uv_udp_t handle;
        struct loop_object object;
        struct loop *loop;
        struct addr local;
        udp_recv_fn *fn;
        void *arg;
};

struct udp_datagram {
        uv_udp_send_t req;
        char data[];
};

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
        struct udp *u = handle->data;

        (void)suggested;
        out->base = loop_rx_buffer(u->loop);
        out->len = out->base ? LOOP_DATAGRAM_MAX * LOOP_DATAGRAMS_MAX : 0;
}

static void on_recv(uv_udp_t *handle, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from,
                    unsigned flags)
{
        struct udp *u = handle->data;
        struct addr a;

        if (n < 0) {
                log_debug("udp receive: %s", uv_strerror((int)n));
                return;
        }
        if (!from || addr_from_sockaddr(from, &a) != 0)
                return;
        if (flags & UV_UDP_PARTIAL) {
                log_warn("udp: a datagram longer than %zu octets is dropped", LOOP_DATAGRAM_MAX);
                return;
        }
        u->fn(u, &a, span_make(buf->base, (size_t)n), u->arg);
}

static void on_closed(uv_handle_t *handle)
{
        free(handle->data);
}

static void udp_shut(struct loop_object *o)
{
        struct udp *u = container_of(o, struct udp, object);

        log_error("bug: a UDP socket is open when the loop is freed");
        udp_close(u);
}

static int udp_start(struct udp *u, const struct addr *local)
{
        struct sockaddr_storage name;
        int n = sizeof(name), size = UDP_SOCKET_BUFFER, err;
        uv_os_fd_t fd;

        err = uv_udp_bind(&u->handle, &local->u.sa, addr_is_v6(local) ? UV_UDP_IPV6ONLY : 0);
        if (!err)
                err = uv_udp_getsockname(&u->handle, (struct sockaddr *)&name, &n);
        if (!err && uv_fileno((uv_handle_t *)&u->handle, &fd) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
        if (!err)
                err = uv_udp_recv_start(&u->handle, on_alloc, on_recv);
        if (err)
                return err == UV_EADDRINUSE ? -IMS_EADDRINUSE : -IMS_EIO;
        return addr_from_sockaddr((struct sockaddr *)&name, &u->local);
}

int udp_open(struct loop *l, const struct addr *local, udp_recv_fn *fn, void *arg, struct udp **out)
{
        struct udp *u = calloc(1, sizeof(*u));
        unsigned family = addr_is_v6(local) ? AF_INET6 : AF_INET;
        int err;

        if (!u)
                return -IMS_ENOMEM;
        u->loop = l;
        u->fn = fn;
        u->arg = arg;
        u->handle.data = u;
        if (uv_udp_init_ex(loop_uv(l), &u->handle, family | UV_UDP_RECVMMSG) != 0) {
                free(u);
                return -IMS_EIO;
        }
        err = udp_start(u, local);
        if (err) {
                uv_close((uv_handle_t *)&u->handle, on_closed);
                return err;
        }
        loop_object_add(l, &u->object, udp_shut);
        *out = u;
        return 0;
}

static void on_sent(uv_udp_send_t *req, int status)
{
        if (status && status != UV_ECANCELED)
                log_debug("udp: a queued datagram is lost: %s", uv_strerror(status));
        free(container_of(req, struct udp_datagram, req));
}

static int udp_queue(struct udp *u, const struct addr *to, struct span data)
{
        struct udp_datagram *d;
        uv_buf_t buf;
        int err;

        if (uv_udp_get_send_queue_size(&u->handle) + data.n > UDP_QUEUE_MAX)
                return -IMS_ELIMIT;
        d = malloc(sizeof(*d) + data.n);
        if (!d)
                return -IMS_ENOMEM;
        memcpy(d->data, data.p, data.n);
        buf = uv_buf_init(d->data, (unsigned)data.n);
        err = uv_udp_send(&d->req, &u->handle, &buf, 1, &to->u.sa, on_sent);
        if (err)
                free(d);
        return loop_error(err);
}

int udp_send(struct udp *u, const struct addr *to, struct span data)
{
        uv_buf_t buf = uv_buf_init((char *)data.p, (unsigned)data.n);
        int n;

        if (data.n > LOOP_DATAGRAM_MAX)
                return -IMS_ETOOBIG;
        if (addr_is_v6(to) != addr_is_v6(&u->local))
                return -IMS_EUNREACH;
        n = uv_udp_try_send(&u->handle, &buf, 1, &to->u.sa);
        if (n == UV_EAGAIN || n == UV_ENOBUFS)
                return udp_queue(u, to, data);
        return n < 0 ? loop_error(n) : 0;
}

const struct addr *udp_local(const struct udp *u)
{
        return &u->local;
}

void udp_close(struct udp *u)
{
        if (!u)
                return;
        loop_object_remove(&u->object);
        (void)uv_udp_recv_stop(&u->handle);
        uv_close((uv_handle_t *)&u->handle, on_closed);
}
