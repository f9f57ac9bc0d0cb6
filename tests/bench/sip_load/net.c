/* SPDX-License-Identifier: BSD-3-Clause
 * The sockets of the phones. UDP: one socket (with IPsec one for each of their ports) that sends from the
 * address of whoever sends (IP_PKTINFO), so that thousands of phones have addresses of their own. TCP: one
 * connection per source address. */
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
#define BUFFER_SIZE (4 << 20)  /* of the socket: a node that is slow for a moment loses nothing here */

union source_address { /* control data that names the source of a datagram */
        char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
};

struct stream {
        uint16_t port;
        char *in, *out;
        size_t n_in, n_out;
};

struct load_net {
        uint32_t n; /* sockets */
        bool tcp;
        struct sockaddr_in to;
        uint16_t ports[LOAD_SOCKETS]; /* UDP */
        uint32_t first;               /* source address, host order */
        struct pollfd polls[LOAD_CONNECTIONS_MAX];
        struct stream streams[LOAD_CONNECTIONS_MAX];
        load_receive_fn *fn;
        void *arg;
        size_t n_queued;
        struct iovec out_iov[BATCH], in_iov[BATCH];
        union source_address sources[BATCH];
        struct sockaddr_in destinations[BATCH];
        uint8_t from[BATCH]; /* enum load_socket */
        struct mmsghdr out[BATCH], in[BATCH];
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

/* Binds the socket, to any port when *out_port is 0, and gives its port. */
static int bind_port(int fd, uint32_t address, uint16_t *out_port)
{
        struct sockaddr_in a = {
                .sin_family = AF_INET, .sin_addr.s_addr = htonl(address), .sin_port = htons(*out_port)};
        socklen_t n = sizeof a;

        if (bind(fd, (const struct sockaddr *)&a, sizeof a) != 0 ||
            getsockname(fd, (struct sockaddr *)&a, &n) != 0)
                return -IMS_EIO;
        *out_port = ntohs(a.sin_port);
        return 0;
}

/* Several phones: for any address, on loopback of that interface only. One elsewhere: its address. */
static int open_udp(struct load_net *net, const struct load_conf *c, uint32_t at)
{
        const int size = BUFFER_SIZE;
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -IMS_EIO;
        net->polls[at].fd = fd;
        net->ports[at] = c->ipsec ? (uint16_t)(c->ports + at) : 0;
        if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
                (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
                (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        }
        if (net->first >> 24 != 127 && c->n_sources == 1)
                return bind_port(fd, net->first, &net->ports[at]);
        if (net->first >> 24 == 127 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0)
                return -IMS_EIO;
        return bind_port(fd, INADDR_ANY, &net->ports[at]);
}

static void prepare_batch(struct load_net *net)
{
        for (size_t i = 0; i < BATCH; i++) {
                struct cmsghdr *c = &net->sources[i].align;

                *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo)),
                                      .cmsg_level = IPPROTO_IP,
                                      .cmsg_type = IP_PKTINFO};
                net->destinations[i] = net->to;
                net->out[i].msg_hdr = (struct msghdr){.msg_name = &net->destinations[i],
                                                      .msg_namelen = sizeof net->destinations[i],
                                                      .msg_iov = &net->out_iov[i],
                                                      .msg_iovlen = 1,
                                                      .msg_control = c,
                                                      .msg_controllen = sizeof net->sources[i]};
                net->in_iov[i] = (struct iovec){net->octets[i], sizeof net->octets[i]};
                net->in[i].msg_hdr = (struct msghdr){.msg_iov = &net->in_iov[i], .msg_iovlen = 1};
        }
}

static int open_tcp(struct load_net *net, uint32_t at)
{
        struct stream *s = &net->streams[at];
        const int one = 1;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -IMS_EIO;
        net->polls[at].fd = fd;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        s->in = malloc(STREAM_MAX);
        s->out = malloc(STREAM_MAX);
        if (!s->in || !s->out)
                return -IMS_ENOMEM;
        if (bind_port(fd, net->first + at, &s->port) != 0 ||
            connect(fd, (const struct sockaddr *)&net->to, sizeof net->to) != 0)
                return -IMS_EIO;
        return 0;
}

int load_net_new(const struct load_conf *c, load_receive_fn *fn, void *arg, struct load_net **out)
{
        struct load_net *net = calloc(1, sizeof *net);
        struct sockaddr_in from;
        char first[80];
        uint32_t n = c->tcp ? c->n_sources : c->ipsec ? LOAD_SOCKETS : 1;
        int err = net ? parse(c->to, &net->to) : -IMS_ENOMEM;

        (void)snprintf(first, sizeof first, "%s:0", c->from);
        if (!err)
                err = parse(first, &from);
        if (!err) {
                net->tcp = c->tcp;
                net->first = ntohl(from.sin_addr.s_addr);
                net->fn = fn;
                net->arg = arg;
                prepare_batch(net);
        }
        for (uint32_t i = 0; !err && i < n; i++) {
                net->n = i + 1;
                net->polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
                err = c->tcp ? open_tcp(net, i) : open_udp(net, c, i);
                if (err)
                        (void)fprintf(stderr, "sip_load: %s to %s: %s\n", c->from, c->to, strerror(errno));
        }
        if (err) {
                load_net_free(net);
                return err;
        }
        (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* starts are due to the microsecond */
        *out = net;
        return 0;
}

void load_net_free(struct load_net *net)
{
        for (uint32_t i = 0; net && i < net->n; i++) {
                if (net->polls[i].fd >= 0)
                        (void)close(net->polls[i].fd);
                free(net->streams[i].in);
                free(net->streams[i].out);
        }
        free(net);
}

void load_net_local(const struct load_net *net, uint32_t source, enum load_socket at,
                    char out[static LOAD_LOCAL_SIZE])
{
        uint32_t a = net->first + source;

        (void)snprintf(out, LOAD_LOCAL_SIZE, "%u.%u.%u.%u:%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255,
                       net->tcp ? net->streams[source].port : net->ports[at]);
}

/* --- out ------------------------------------------------------------------------------------------- */

/* What the socket does not take is lost like on any network; the retransmission brings it. */
static void flush_udp(struct load_net *net)
{
        size_t sent = 0;

        while (sent < net->n_queued) {
                size_t end = sent + 1;
                int n;

                while (end < net->n_queued && net->from[end] == net->from[sent])
                        end++;
                n = sendmmsg(net->polls[net->from[sent]].fd, net->out + sent, (unsigned)(end - sent),
                             MSG_DONTWAIT);
                sent += n > 0 ? (size_t)n : 1;
        }
        net->n_queued = 0;
}

static void flush_tcp(struct stream *s, int fd)
{
        while (s->n_out) {
                ssize_t n = send(fd, s->out, s->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
                if (n <= 0)
                        return;
                s->n_out -= (size_t)n;
                memmove(s->out, s->out + n, s->n_out);
        }
}

static void queue_udp(struct load_net *net, uint32_t source, struct load_way way, const char *octets,
                      size_t n)
{
        struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(net->first + source)};

        if (net->n_queued == BATCH)
                flush_udp(net);
        net->from[net->n_queued] = way.socket;
        net->destinations[net->n_queued].sin_port = way.to_port ? htons(way.to_port) : net->to.sin_port;
        memcpy(CMSG_DATA(&net->sources[net->n_queued].align), &info, sizeof info);
        net->out_iov[net->n_queued++] = (struct iovec){(void *)(uintptr_t)octets, n};
}

void load_net_send(struct load_net *net, uint32_t source, struct load_way way, const char *octets, size_t n)
{
        struct stream *s = &net->streams[net->tcp ? source : 0];

        if (!net->tcp) {
                queue_udp(net, source, way, octets, n);
        } else if (n <= STREAM_MAX - s->n_out) { /* else it is stuck: the attempt times out */
                memcpy(s->out + s->n_out, octets, n);
                s->n_out += n;
        }
}

void load_net_flush(struct load_net *net)
{
        if (!net->tcp)
                flush_udp(net);
        for (uint32_t i = 0; net->tcp && i < net->n; i++)
                if (net->polls[i].fd >= 0)
                        flush_tcp(&net->streams[i], net->polls[i].fd);
}

/* --- in -------------------------------------------------------------------------------------------- */

static void receive_udp(struct load_net *net, enum load_socket at)
{
        int n = recvmmsg(net->polls[at].fd, net->in, BATCH, MSG_DONTWAIT, NULL);

        for (int i = 0; i < n; i++)
                net->fn(span_make(net->octets[i], net->in[i].msg_len), at, net->arg);
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

static void receive_tcp(struct load_net *net, struct stream *s, struct pollfd *p)
{
        ssize_t n = recv(p->fd, s->in + s->n_in, STREAM_MAX - s->n_in, MSG_DONTWAIT);
        size_t done = 0, size;

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || s->n_in == STREAM_MAX) {
                (void)fprintf(stderr, "sip_load: the connection of port %u was closed\n", s->port);
                p->fd = -1; /* the rest times out */
                return;
        }
        s->n_in += n > 0 ? (size_t)n : 0;
        while ((size = message_size(span_make(s->in + done, s->n_in - done))) != 0) {
                net->fn(span_make(s->in + done, size), LOAD_CLEAR, net->arg);
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
                net->polls[i].events = net->streams[i].n_out ? POLLIN | POLLOUT : POLLIN;
        if (ppoll(net->polls, net->n, &ts, NULL) <= 0)
                return;
        for (uint32_t i = 0; i < net->n; i++) {
                if (!net->polls[i].revents || net->polls[i].fd < 0)
                        continue;
                if (net->tcp)
                        receive_tcp(net, &net->streams[i], &net->polls[i]);
                else
                        receive_udp(net, (enum load_socket)i);
        }
}
