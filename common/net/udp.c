/* SPDX-License-Identifier: BSD-3-Clause
 * UDP: received in bulk (recvmmsg), sent at once. */
#include "common/net/udp.h"

#include <linux/errqueue.h>
#include <linux/udp.h>
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
        udp_refused_fn *refused;
        void *arg;
};

struct udp_datagram {
        uv_udp_send_t req;
        char data[];
};

#define REFUSALS_PER_TURN 64
#define QUOTED_MAX        600 /* octets; Linux quotes up to 548 of a datagram */

/* --- refusals ------------------------------------------------------------------------------------ */

/* True when the control data tells of an ICMP error that says the peer is not there. */
static bool is_refusal(struct msghdr *m)
{
        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                struct sock_extended_err e;

                if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
                    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
                        continue;
                memcpy(&e, CMSG_DATA(c), sizeof(e));
                return (e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6) &&
                       e.ee_errno != EMSGSIZE;
        }
        return false;
}

/* Takes one message from the error queue. False when there is none. */
static bool read_refusal(struct udp *u, uv_os_fd_t fd)
{
        char quoted[QUOTED_MAX];
        union {
                char octets[512];
                struct cmsghdr align;
        } control;
        struct sockaddr_storage to;
        struct iovec iov = {quoted, sizeof(quoted)};
        struct msghdr m = {.msg_name = &to,
                           .msg_namelen = sizeof(to),
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.octets,
                           .msg_controllen = sizeof(control.octets)};
        ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
        struct addr a;

        if (n < 0)
                return false;
        if (is_refusal(&m) && addr_from_sockaddr((struct sockaddr *)&to, &a) == 0)
                u->refused(u, &a, span_make(quoted, (size_t)n), u->arg);
        return true;
}

/* After any error of the socket: the kernel reports it as ready until this queue is empty, with another
 * error for each entry that is left. */
static void read_refusals(struct udp *u)
{
        uv_os_fd_t fd;

        if (!u->refused || uv_fileno((uv_handle_t *)&u->handle, &fd) != 0)
                return;
        for (int i = 0; i < REFUSALS_PER_TURN && read_refusal(u, fd); i++)
                ;
}

int udp_on_refused(struct udp *u, udp_refused_fn *fn)
{
        bool v6 = addr_is_v6(&u->local);
        uv_os_fd_t fd;
        int on = 1;

        if (uv_fileno((uv_handle_t *)&u->handle, &fd) != 0 ||
            setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on)) !=
                    0)
                return -IMS_EIO;
        u->refused = fn;
        return 0;
}

/* --- receiving ----------------------------------------------------------------------------------- */

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
                read_refusals(u);
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
        if (status && status != UV_ECANCELED) {
                log_debug("udp: a queued datagram is lost: %s", uv_strerror(status));
                read_refusals(req->handle->data);
        }
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
        if (n < 0 && n != UV_EAGAIN && n != UV_ENOBUFS && u->refused) {
                read_refusals(u); /* the error may be that of an earlier datagram */
                n = uv_udp_try_send(&u->handle, &buf, 1, &to->u.sa);
        }
        if (n == UV_EAGAIN || n == UV_ENOBUFS)
                return udp_queue(u, to, data);
        return n < 0 ? loop_error(n) : 0;
}

int udp_take_esp(struct udp *u)
{
        int type = UDP_ENCAP_ESPINUDP;
        uv_os_fd_t fd;

        if (uv_fileno((uv_handle_t *)&u->handle, &fd) != 0 ||
            setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) != 0)
                return -IMS_EUNSUPPORTED;
        return 0;
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
