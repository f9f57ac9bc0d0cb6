/* SPDX-License-Identifier: BSD-3-Clause
 * The sockets of the phones: one UDP socket or TCP connection per source address, messages in batches. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/sip_load/load.h"

#define BATCH       64
#define STREAM_MAX  (1u << 20) /* octets waiting on a connection, in either direction */
#define BUFFER_SIZE (4 << 20)  /* of a socket: a node that is slow for a moment loses nothing here */

struct source {
        int fd;
        char local[32];
        size_t n_queued; /* UDP */
        struct iovec iov[BATCH];
        struct mmsghdr msgs[BATCH];
        char *in, *out; /* TCP */
        size_t n_in, n_out;
};

struct load_net {
        struct source v[LOAD_SOURCES_MAX];
        struct pollfd polls[LOAD_SOURCES_MAX];
        uint32_t n;
        bool tcp;
        load_receive_fn *fn;
        void *arg;
        struct iovec iov[BATCH];
        struct mmsghdr msgs[BATCH];
        char octets[BATCH][4096];
};

static int parse(const char *text, struct sockaddr_in *out)
{
        char host[64];
        const char *colon = strrchr(text, ':');
        uint32_t port = 0;

        if (!colon || span_copy(span_make(text, (size_t)(colon - text)), host, sizeof host) != 0 ||
            span_u32(span_of(colon + 1), 65535, &port) != 0)
                return -IMS_EPARSE;
        *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        return inet_pton(AF_INET, host, &out->sin_addr) == 1 ? 0 : -IMS_EPARSE;
}

static int open_source(struct load_net *net, struct source *s, const struct sockaddr_in *from,
                       const struct sockaddr_in *to)
{
        struct sockaddr_in local;
        socklen_t n = sizeof local;
        const int size = BUFFER_SIZE, one = 1;
        char host[INET_ADDRSTRLEN];

        s->fd = socket(AF_INET, (net->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
        if (s->fd < 0)
                return -IMS_EIO;
        if (!net->tcp && (setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0 ||
                          setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)) {
                (void)setsockopt(s->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
                (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        }
        if (net->tcp)
                (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (bind(s->fd, (const struct sockaddr *)from, sizeof *from) != 0 ||
            connect(s->fd, (const struct sockaddr *)to, sizeof *to) != 0 ||
            getsockname(s->fd, (struct sockaddr *)&local, &n) != 0)
                return -IMS_EIO;
        (void)snprintf(s->local, sizeof s->local, "%s:%u",
                       inet_ntop(AF_INET, &local.sin_addr, host, sizeof host), ntohs(local.sin_port));
        for (size_t i = 0; i < BATCH; i++)
                s->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &s->iov[i], .msg_iovlen = 1};
        s->in = net->tcp ? malloc(STREAM_MAX) : NULL;
        s->out = net->tcp ? malloc(STREAM_MAX) : NULL;
        return !net->tcp || (s->in && s->out) ? 0 : -IMS_ENOMEM;
}

int load_net_new(const struct load_conf *c, load_receive_fn *fn, void *arg, struct load_net **out)
{
        struct load_net *net = calloc(1, sizeof *net);
        struct sockaddr_in to, from;
        int err = net ? parse(c->to, &to) : -IMS_ENOMEM;
        char first[80];

        (void)snprintf(first, sizeof first, "%s:0", c->from);
        if (!err)
                err = parse(first, &from);
        for (uint32_t i = 0; i < c->n_sources && !err; i++) {
                net->n = i + 1;
                net->tcp = c->tcp;
                err = open_source(net, &net->v[i], &from, &to);
                if (err)
                        (void)fprintf(stderr, "sip_load: %s to %s: %s\n", first, c->to, strerror(errno));
                net->polls[i] = (struct pollfd){.fd = net->v[i].fd, .events = POLLIN};
                from.sin_addr.s_addr = htonl(ntohl(from.sin_addr.s_addr) + 1);
        }
        if (err) {
                load_net_free(net);
                return err;
        }
        for (size_t i = 0; i < BATCH; i++) {
                net->iov[i] = (struct iovec){net->octets[i], sizeof net->octets[i]};
                net->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &net->iov[i], .msg_iovlen = 1};
        }
        net->fn = fn;
        net->arg = arg;
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* starts are due to the microsecond */
        *out = net;
        return 0;
}

void load_net_free(struct load_net *net)
{
        for (uint32_t i = 0; net && i < net->n; i++) {
                if (net->v[i].fd >= 0)
                        (void)close(net->v[i].fd);
                free(net->v[i].in);
                free(net->v[i].out);
        }
        free(net);
}

const char *load_net_local(const struct load_net *net, uint32_t source)
{
        return net->v[source].local;
}

/* --- out ------------------------------------------------------------------------------------------- */

/* What a socket does not take is lost like on any network; the retransmission brings it. */
static void flush_udp(struct source *s)
{
        size_t sent = 0;

        for (int tries = 0; sent < s->n_queued && tries < BATCH; tries++) {
                int n = sendmmsg(s->fd, s->msgs + sent, (unsigned)(s->n_queued - sent), MSG_DONTWAIT);
                if (n > 0)
                        sent += (size_t)n;
                else if (errno != EINTR && errno != ECONNREFUSED)
                        break;
        }
        s->n_queued = 0;
}

static void flush_tcp(struct source *s)
{
        while (s->n_out) {
                ssize_t n = send(s->fd, s->out, s->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                s->n_out -= (size_t)n;
                memmove(s->out, s->out + n, s->n_out);
        }
}

void load_net_send(struct load_net *net, uint32_t source, const char *octets, size_t n)
{
        struct source *s = &net->v[source];

        if (net->tcp) {
                if (n > STREAM_MAX - s->n_out)
                        return; /* the connection is stuck: the attempt times out */
                memcpy(s->out + s->n_out, octets, n);
                s->n_out += n;
                return;
        }
        if (s->n_queued == BATCH)
                flush_udp(s);
        s->iov[s->n_queued++] = (struct iovec){(void *)(uintptr_t)octets, n};
}

void load_net_flush(struct load_net *net)
{
        for (uint32_t i = 0; i < net->n; i++)
                if (net->tcp)
                        flush_tcp(&net->v[i]);
                else
                        flush_udp(&net->v[i]);
}

/* --- in -------------------------------------------------------------------------------------------- */

static void receive_udp(struct load_net *net, struct source *s)
{
        int n = recvmmsg(s->fd, net->msgs, BATCH, MSG_DONTWAIT, NULL);

        for (int i = 0; i < n; i++)
                net->fn(span_make(net->octets[i], net->msgs[i].msg_len), net->arg);
}

/* Octets of the first message, 0 when it is not whole yet. */
static size_t message_size(struct span in)
{
        static const char length[] = "\r\nContent-Length: ";
        ptrdiff_t end = span_find(in, SPAN("\r\n\r\n")), at;
        uint32_t body = 0;

        if (end < 0)
                return 0;
        at = span_find(span_sub(in, 0, (size_t)end + 2), SPAN("\r\nContent-Length: "));
        if (at >= 0) {
                struct span rest = span_sub(in, (size_t)at + sizeof length - 1, (size_t)end + 2);
                ptrdiff_t stop = span_chr(rest, '\r', 0);
                if (stop < 0 || span_u32(span_sub(rest, 0, (size_t)stop), STREAM_MAX, &body) != 0)
                        body = 0;
        }
        return (size_t)end + 4 + body <= in.n ? (size_t)end + 4 + body : 0;
}

static void receive_tcp(struct load_net *net, struct source *s, struct pollfd *p)
{
        ssize_t n = recv(s->fd, s->in + s->n_in, STREAM_MAX - s->n_in, MSG_DONTWAIT);
        size_t done = 0, size;

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || s->n_in == STREAM_MAX) {
                (void)fprintf(stderr, "sip_load: the connection of %s was closed\n", s->local);
                p->fd = -1; /* the rest times out */
                return;
        }
        s->n_in += n > 0 ? (size_t)n : 0;
        while ((size = message_size(span_make(s->in + done, s->n_in - done))) != 0) {
                net->fn(span_make(s->in + done, size), net->arg);
                done += size;
        }
        s->n_in -= done;
        memmove(s->in, s->in + done, s->n_in);
}

void load_net_wait(struct load_net *net, uint64_t until_ns)
{
        uint64_t now = bench_now_ns(), wait = until_ns > now ? until_ns - now : 0;

        wait = wait < NS_PER_S ? wait : NS_PER_S;
        struct timespec ts = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};

        for (uint32_t i = 0; net->tcp && i < net->n; i++)
                net->polls[i].events = net->v[i].n_out ? POLLIN | POLLOUT : POLLIN;
        if (ppoll(net->polls, net->n, &ts, NULL) <= 0)
                return;
        for (uint32_t i = 0; i < net->n; i++) {
                if (!net->polls[i].revents || net->polls[i].fd < 0)
                        continue;
                if (net->tcp)
                        receive_tcp(net, &net->v[i], &net->polls[i]);
                else
                        receive_udp(net, &net->v[i]);
        }
}
