/* SPDX-License-Identifier: BSD-3-Clause
 * What the kernel tells by itself: where ESP in UDP comes from, and SAs that reached their hard limit. */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/ipsec/sa_kernel_int.h"

#define LISTEN_SIZE     ((size_t)8 << 10) /* octets; an event has less than 1,000 */
#define EVENTS_PER_TURN 64

/* Lives until libuv is done with the handle; kernel is NULL from sa_listen_end on. */
struct sa_listener {
        uv_poll_t poll;
        struct mnl_socket *socket;
        struct sa_kernel *kernel;
        uint8_t rx[LISTEN_SIZE];
};

/* True for an SA of this object: others have theirs in the same kernel. */
static bool is_ours(const struct sa_kernel *k, uint32_t reqid)
{
        return tag_of_reqid(reqid) == k->tag;
}

static void on_mapping(struct sa_kernel *k, const struct nlmsghdr *m)
{
        const struct xfrm_user_mapping *map = mnl_nlmsg_get_payload(m);
        struct addr from;

        if (mnl_nlmsg_get_payload_len(m) < sizeof(*map) || !is_ours(k, map->reqid) ||
            !k->conf.events.on_mapping)
                return;
        from = xfrm_addr(&map->new_saddr, map->id.family, map->new_sport);
        k->conf.events.on_mapping(ntohl(map->id.spi), &from, k->conf.events.arg);
}

static void on_expired(struct sa_kernel *k, const struct nlmsghdr *m)
{
        const struct xfrm_user_expire *e = mnl_nlmsg_get_payload(m);
        struct addr to;

        if (mnl_nlmsg_get_payload_len(m) < sizeof(*e) || !e->hard || !is_ours(k, e->state.reqid) ||
            !k->conf.events.on_expired)
                return;
        to = xfrm_addr(&e->state.id.daddr, e->state.family, 0);
        k->conf.events.on_expired(ntohl(e->state.id.spi), &to, k->conf.events.arg);
}

/* Reads one datagram. False when there is none, or nobody any more who wants it. */
static bool read_events(struct sa_listener *ln)
{
        ssize_t n = recv(mnl_socket_get_fd(ln->socket), ln->rx, sizeof(ln->rx), MSG_DONTWAIT);
        const struct nlmsghdr *m = (void *)ln->rx;

        if (n < 0 && errno == ENOBUFS)
                log_warn("ipsec: the kernel told more about SAs than this program could take; some is lost");
        if (n < 0)
                return errno == EINTR || errno == ENOBUFS;
        for (int left = (int)n; ln->kernel && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                if (m->nlmsg_type == XFRM_MSG_MAPPING)
                        on_mapping(ln->kernel, m);
                else if (m->nlmsg_type == XFRM_MSG_EXPIRE)
                        on_expired(ln->kernel, m);
        }
        secret_wipe(ln->rx, (size_t)n); /* some kernels tell of an SA with its keys */
        return ln->kernel != NULL;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
        (void)status;
        (void)events;
        for (int i = 0; i < EVENTS_PER_TURN && read_events(poll->data); i++)
                ;
}

static void on_closed(uv_handle_t *handle)
{
        struct sa_listener *ln = handle->data;

        (void)mnl_socket_close(ln->socket);
        free(ln);
}

int sa_listen(struct sa_kernel *k)
{
        const struct sa_kernel_events *e = &k->conf.events;
        unsigned groups = (e->on_mapping ? 1U << (XFRMNLGRP_MAPPING - 1) : 0) |
                          (e->on_expired ? 1U << (XFRMNLGRP_EXPIRE - 1) : 0);
        struct sa_listener *ln = NULL;
        int err = 0;

        if (!groups)
                return 0;
        ln = calloc(1, sizeof(*ln));
        if (!ln)
                return ENOMEM;
        ln->socket = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (!ln->socket || mnl_socket_bind(ln->socket, groups, MNL_SOCKET_AUTOPID) != 0) {
                err = errno;
                goto out;
        }
        err = -uv_poll_init(loop_uv(k->loop), &ln->poll, mnl_socket_get_fd(ln->socket));
        if (err)
                goto out;
        ln->poll.data = ln;
        ln->kernel = k;
        k->listener = ln;
        uv_unref((uv_handle_t *)&ln->poll);
        err = -uv_poll_start(&ln->poll, UV_READABLE, on_readable);
        if (err)
                sa_listen_end(k);
        return err;
out:
        if (ln->socket)
                (void)mnl_socket_close(ln->socket);
        free(ln);
        return err;
}

void sa_listen_end(struct sa_kernel *k)
{
        struct sa_listener *ln = k->listener;

        if (!ln)
                return;
        k->listener = NULL;
        ln->kernel = NULL;
        uv_close((uv_handle_t *)&ln->poll, on_closed);
}
