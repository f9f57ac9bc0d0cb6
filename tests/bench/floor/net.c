/* SPDX-License-Identifier: BSD-3-Clause
 * Plain sockets and epoll: one UDP socket per process, one TCP connection between each two that need one. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/floor/floor.h"
#include "tests/bench/lib/clock.h"

#define BUFFER_SIZE (4 << 20) /* as the nodes ask for */
#define STREAM_SIZE 65536

struct floor_net {
        const struct floor_table *table;
        int udp[FLOOR_NODES];
        struct sockaddr_in addr[FLOOR_NODES];
        int tcp[FLOOR_NODES][FLOOR_NODES]; /* [self][other]; 0: none */
};

struct stream {
        size_t n;
        char octets[STREAM_SIZE];
};

struct floor_place {
        const struct floor_net *net;
        enum floor_node self;
        int epoll;
        struct iovec iov[FLOOR_BATCH];
        struct mmsghdr msgs[FLOOR_BATCH];
        char in[FLOOR_BATCH][FLOOR_OCTETS];
        char out[FLOOR_OCTETS];
        struct stream streams[FLOOR_NODES], waiting[FLOOR_NODES]; /* in; out until the end of the turn */
};

static int open_udp(struct floor_net *net, enum floor_node n)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof a;
        const int buffer = BUFFER_SIZE;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -IMS_EIO;
        net->udp[n] = fd;
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
            getsockname(fd, (struct sockaddr *)&net->addr[n], &size) != 0)
                return -IMS_EIO;
        return 0;
}

static int open_tcp(struct floor_net *net, enum floor_node a, enum floor_node b)
{
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof at;
        const int one = 1;
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int x = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), y = -1;

        if (listener >= 0 && x >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0 &&
            listen(listener, 1) == 0 && getsockname(listener, (struct sockaddr *)&at, &size) == 0 &&
            connect(x, (struct sockaddr *)&at, sizeof at) == 0)
                y = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (listener >= 0)
                (void)close(listener);
        if (y < 0)
                return -IMS_EIO;
        (void)setsockopt(x, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        (void)setsockopt(y, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        net->tcp[a][b] = x;
        net->tcp[b][a] = y;
        return 0;
}

int floor_net_new(const struct floor_table *t, struct floor_net **out)
{
        static struct floor_net net;
        int err = 0;

        net.table = t;
        for (int n = 0; n < FLOOR_NODES && !err; n++)
                err = open_udp(&net, (enum floor_node)n);
        for (uint32_t i = 0; i < t->n && !err; i++)
                if (t->steps[i].tcp && !net.tcp[t->steps[i].from][t->steps[i].to])
                        err = open_tcp(&net, t->steps[i].from, t->steps[i].to);
        *out = &net;
        return err;
}

static int watch(struct floor_place *p, int fd, uint32_t from)
{
        struct epoll_event e = {.events = EPOLLIN, .data.u32 = from};

        return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &e) == 0 ? 0 : -IMS_EIO;
}

int floor_place_new(const struct floor_net *net, enum floor_node self, struct floor_place **out)
{
        struct floor_place *p = calloc(1, sizeof *p);
        int err = p ? 0 : -IMS_ENOMEM;

        if (err)
                return err;
        p->net = net;
        p->self = self;
        p->epoll = epoll_create1(EPOLL_CLOEXEC);
        err = p->epoll < 0 ? -IMS_EIO : watch(p, net->udp[self], FLOOR_NODES);
        for (uint32_t n = 0; n < FLOOR_NODES && !err; n++)
                if (net->tcp[self][n])
                        err = watch(p, net->tcp[self][n], n);
        for (size_t i = 0; i < FLOOR_BATCH; i++) {
                p->iov[i] = (struct iovec){p->in[i], FLOOR_OCTETS};
                p->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &p->iov[i], .msg_iovlen = 1};
        }
        memset(p->out, 'x', sizeof p->out);
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
        *out = p;
        return err;
}

/* What a turn has for one connection goes in one write, as the nodes do it. */
static void flush_tcp(struct floor_place *p)
{
        for (int n = 0; n < FLOOR_NODES; n++) {
                struct stream *s = &p->waiting[n];
                size_t sent = 0;

                while (sent < s->n) {
                        ssize_t got =
                                send(p->net->tcp[p->self][n], s->octets + sent, s->n - sent, MSG_NOSIGNAL);
                        if (got < 0)
                                exit(0); /* the driver has ended */
                        sent += (size_t)got;
                }
                s->n = 0;
        }
}

bool floor_send(struct floor_place *p, uint32_t step, uint64_t scheduled_ns)
{
        const struct floor_step *s = &p->net->table->steps[step];
        struct floor_head head = {s->octets, step, scheduled_ns};
        const struct sockaddr_in *to = &p->net->addr[s->to];
        struct stream *w = &p->waiting[s->to];

        if (!s->tcp) {
                memcpy(p->out, &head, sizeof head);
                return sendto(p->net->udp[p->self], p->out, s->octets, MSG_DONTWAIT,
                              (const struct sockaddr *)to, sizeof *to) == (ssize_t)s->octets;
        }
        if (s->octets > STREAM_SIZE - w->n)
                flush_tcp(p);
        memset(w->octets + w->n, 'x', s->octets);
        memcpy(w->octets + w->n, &head, sizeof head);
        w->n += s->octets;
        return true;
}

static void receive_udp(struct floor_place *p, floor_receive_fn *fn, void *arg)
{
        int n = recvmmsg(p->net->udp[p->self], p->msgs, FLOOR_BATCH, MSG_DONTWAIT, NULL);
        struct floor_head head;

        for (int i = 0; i < n; i++) {
                memcpy(&head, p->in[i], sizeof head);
                fn(p, &head, arg);
        }
}

static void receive_tcp(struct floor_place *p, uint32_t from, floor_receive_fn *fn, void *arg)
{
        struct stream *s = &p->streams[from];
        ssize_t n = recv(p->net->tcp[p->self][from], s->octets + s->n, STREAM_SIZE - s->n, MSG_DONTWAIT);
        struct floor_head head;
        size_t at = 0;

        if (n == 0)
                exit(0); /* the driver has ended */
        s->n += n > 0 ? (size_t)n : 0;
        while (s->n - at >= sizeof head) {
                memcpy(&head, s->octets + at, sizeof head);
                if (head.octets > s->n - at)
                        break;
                fn(p, &head, arg);
                at += head.octets;
        }
        s->n -= at;
        memmove(s->octets, s->octets + at, s->n);
}

void floor_wait(struct floor_place *p, uint64_t until_ns, floor_receive_fn *fn, void *arg)
{
        struct epoll_event events[8];
        uint64_t now = until_ns == UINT64_MAX ? 0 : bench_now_ns();
        uint64_t wait = until_ns > now ? until_ns - now : 0;
        struct timespec ts = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};
        int n = epoll_pwait2(p->epoll, events, 8, until_ns == UINT64_MAX ? NULL : &ts, NULL);

        for (int i = 0; i < n; i++)
                if (events[i].data.u32 == FLOOR_NODES)
                        receive_udp(p, fn, arg);
                else
                        receive_tcp(p, events[i].data.u32, fn, arg);
        flush_tcp(p);
}
