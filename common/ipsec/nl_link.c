/* SPDX-License-Identifier: BSD-3-Clause
 * Netlink: batches of requests, answers, dumps. */
#include "common/ipsec/nl_link.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>

#include "common/base/secret.h"

#define TX_SIZE ((size_t)NL_BATCH_MAX * NL_MESSAGE_MAX)
#define RX_SIZE ((size_t)32 << 10) /* what the kernel puts into one part of a dump at most */

int nl_open(struct nl_link *l, int bus)
{
        int on = 1, err = ENOMEM;

        l->tx = malloc(TX_SIZE);
        l->rx = malloc(RX_SIZE);
        if (!l->tx || !l->rx)
                goto out;
        err = 0;
        l->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
        if (!l->socket || mnl_socket_bind(l->socket, 0, MNL_SOCKET_AUTOPID) != 0) {
                err = errno;
                goto out;
        }
        /* Words to an error, and no copy of the message that is refused. An old kernel has neither. */
        (void)mnl_socket_setsockopt(l->socket, NETLINK_EXT_ACK, &on, sizeof(on));
        (void)mnl_socket_setsockopt(l->socket, NETLINK_CAP_ACK, &on, sizeof(on));
        l->seq = 1;
out:
        if (err)
                nl_close(l);
        return err;
}

void nl_close(struct nl_link *l)
{
        if (l->socket)
                (void)mnl_socket_close(l->socket);
        free(l->tx);
        free(l->rx);
        *l = (struct nl_link){0};
}

static uint8_t *tx_end(const struct nl_link *l)
{
        return l->last ? (uint8_t *)l->last + MNL_ALIGN(l->last->nlmsg_len) : l->tx;
}

struct nlmsghdr *nl_put(struct nl_link *l, uint16_t type, uint16_t flags)
{
        struct nlmsghdr *m = mnl_nlmsg_put_header(tx_end(l));

        m->nlmsg_type = type;
        m->nlmsg_flags = NLM_F_REQUEST | flags;
        m->nlmsg_seq = l->seq + (uint32_t)l->n++;
        l->last = m;
        return m;
}

/* Sends what was put and forgets it. *out_first, *out_n: the numbers answers will have. 0 or an errno. */
static int send_all(struct nl_link *l, uint32_t *out_first, uint32_t *out_n)
{
        size_t size = (size_t)(tx_end(l) - l->tx);
        ssize_t n;

        do
                n = mnl_socket_sendto(l->socket, l->tx, size);
        while (n < 0 && errno == EINTR);
        secret_wipe(l->tx, size);
        *out_first = l->seq;
        *out_n = (uint32_t)l->n;
        l->seq += (uint32_t)l->n;
        l->n = 0;
        l->last = NULL;
        l->said[0] = '\0';
        return n < 0 ? errno : 0;
}

/* What is there. *out_size: octets. 0 or an errno (EAGAIN: nothing is). */
static int receive(struct nl_link *l, int *out_size)
{
        ssize_t n;

        do
                n = recv(mnl_socket_get_fd(l->socket), l->rx, RX_SIZE, MSG_DONTWAIT | MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno;
        if ((size_t)n > RX_SIZE)
                return EMSGSIZE;
        *out_size = (int)n;
        return 0;
}

/* Keeps the text that stands behind an error, when there is one. */
static void keep_words(struct nl_link *l, const struct nlmsghdr *m)
{
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);
        size_t at = sizeof(*e);
        const struct nlattr *a;

        if (l->said[0] || !(m->nlmsg_flags & NLM_F_ACK_TLVS))
                return;
        if (!(m->nlmsg_flags & NLM_F_CAPPED))
                at += MNL_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
        mnl_attr_for_each(a, m, at)
        {
                if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG)
                        (void)snprintf(l->said, sizeof(l->said), "%.*s", (int)mnl_attr_get_payload_len(a),
                                       mnl_attr_get_str(a));
        }
}

/* The errno an NLMSG_ERROR carries. */
static int error_of(struct nl_link *l, const struct nlmsghdr *m)
{
        const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

        if (mnl_nlmsg_get_payload_len(m) < sizeof(*e))
                return EPROTO;
        if (e->error)
                keep_words(l, m);
        return -e->error;
}

int nl_run(struct nl_link *l, int errs[static NL_BATCH_MAX])
{
        uint32_t first, n;
        bool done = false;
        int err, size;

        memset(errs, 0, NL_BATCH_MAX * sizeof(*errs));
        if (!l->last)
                return 0;
        l->last->nlmsg_flags |= NLM_F_ACK; /* the others answer only when they fail, and before it */
        err = send_all(l, &first, &n);
        for (uint32_t i = 0; err && i < n; i++)
                errs[i] = err; /* none was sent */
        while (!err && !done) {
                const struct nlmsghdr *m = (void *)l->rx;

                err = receive(l, &size);
                for (int left = err ? 0 : size; mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
                        uint32_t i = m->nlmsg_seq - first;

                        if (m->nlmsg_type != NLMSG_ERROR || i >= n)
                                continue; /* late, of a run that went wrong */
                        errs[i] = error_of(l, m);
                        done = i == n - 1;
                }
                secret_wipe(l->rx, err ? 0 : (size_t)size); /* an old kernel repeats what it refuses */
        }
        return err;
}

int nl_ask(struct nl_link *l, nl_fn *fn, void *arg)
{
        uint32_t first, n;
        bool done = false;
        int err = send_all(l, &first, &n), size;

        while (!err && !done) {
                const struct nlmsghdr *m = (void *)l->rx;

                err = receive(l, &size);
                for (int left = err ? 0 : size; !done && mnl_nlmsg_ok(m, left);
                     m = mnl_nlmsg_next(m, &left)) {
                        if (m->nlmsg_seq != first)
                                continue;
                        done = m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR ||
                               !(m->nlmsg_flags & NLM_F_MULTI);
                        if (m->nlmsg_type == NLMSG_ERROR)
                                err = error_of(l, m);
                        else if (m->nlmsg_type != NLMSG_DONE)
                                fn(m, arg);
                }
                secret_wipe(l->rx, err && !done ? 0 : (size_t)size);
        }
        return err;
}
