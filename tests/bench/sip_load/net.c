/* SPDX-License-Identifier: BSD-3-Clause
 * The sockets of the phones. UDP: one socket (with IPsec one for each of their ports) that sends from the
 * address of whoever sends (IP_PKTINFO), so that thousands of phones have addresses of their own. TCP: one
 * connection per source address. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/sip_load/load.h"

#define BATCH       64
#define STREAM_MAX  (1u << 20) /* octets waiting on a connection, in either direction */
#define STREAM_TLS  (1u << 14) /* the same where each phone has one */
#define BUFFER_SIZE (4 << 20)  /* of the socket: a node that is slow for a moment loses nothing here */

union source_address { /* control data that names the source of a datagram */
        char octets[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
};

struct stream {
        SSL *ssl; /* NULL: without TLS */
        uint16_t port;
        bool listed; /* among net->unsent */
        char *in, *out;
        size_t n_in, n_out;
};

struct load_net {
        uint32_t n; /* sockets */
        bool tcp;
        int epoll; /* of the connections */
        SSL_CTX *tls;
        size_t room;                           /* of a stream */
        uint32_t unsent[LOAD_CONNECTIONS_MAX]; /* streams with octets to send */
        uint32_t n_unsent;
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

/* The handshake, to its end. */
static bool start_tls(struct load_net *net, struct stream *s, int fd)
{
        s->ssl = SSL_new(net->tls);
        if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1)
                return false;
        if (SSL_connect(s->ssl) == 1)
                return true;
        (void)fprintf(stderr, "sip_load: the TLS handshake failed: %s\n",
                      X509_verify_cert_error_string(SSL_get_verify_result(s->ssl)));
        return false;
}

static int tls_new(struct load_net *net, const char *ca)
{
        net->tls = SSL_CTX_new(TLS_client_method());
        if (!net->tls || SSL_CTX_load_verify_locations(net->tls, ca, NULL) != 1)
                return -IMS_ECONF;
        SSL_CTX_set_verify(net->tls, SSL_VERIFY_PEER, NULL);
        (void)SSL_CTX_set_mode(net->tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                                 SSL_MODE_RELEASE_BUFFERS);
        return 0;
}

/* Connections of TLS may share one address, which is all there is in most networks; on loopback there are
 * enough. */
static uint32_t address_of(const struct load_net *net, uint32_t source)
{
        return net->tls && net->first >> 24 != 127 ? net->first : net->first + source;
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
        s->in = malloc(net->room);
        s->out = malloc(net->room);
        if (!s->in || !s->out)
                return -IMS_ENOMEM;
        if (bind_port(fd, address_of(net, at), &s->port) != 0 ||
            connect(fd, (const struct sockaddr *)&net->to, sizeof net->to) != 0)
                return -IMS_EIO;
        if (net->tls && !start_tls(net, s, fd))
                return -IMS_EAUTH;
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = at};
        return epoll_ctl(net->epoll, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -IMS_EIO;
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
                net->room = c->tls_ca ? STREAM_TLS : STREAM_MAX;
                net->epoll = epoll_create1(EPOLL_CLOEXEC);
                net->first = ntohl(from.sin_addr.s_addr);
                net->fn = fn;
                net->arg = arg;
                prepare_batch(net);
                err = c->tls_ca ? tls_new(net, c->tls_ca) : 0;
        }
        for (uint32_t i = 0; !err && i < n; i++) {
                net->n = i + 1;
                net->polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
                err = c->tcp ? open_tcp(net, i) : open_udp(net, c, i);
                if (err)
                        (void)fprintf(stderr, "sip_load: %s to %s: %s\n", c->from, c->to, strerror(errno));
        }
        for (uint32_t i = 0; !err && i < n && net->tls; i++)
                (void)fcntl(net->polls[i].fd, F_SETFL, O_NONBLOCK);
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
                SSL_free(net->streams[i].ssl);
                if (net->polls[i].fd >= 0)
                        (void)close(net->polls[i].fd);
                free(net->streams[i].in);
                free(net->streams[i].out);
        }
        if (net) {
                SSL_CTX_free(net->tls);
                (void)close(net->epoll);
        }
        free(net);
}

void load_net_local(const struct load_net *net, uint32_t source, enum load_socket at,
                    char out[static LOAD_LOCAL_SIZE])
{
        uint32_t a = address_of(net, source);

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
                ssize_t n = s->ssl ? SSL_write(s->ssl, s->out, (int)s->n_out)
                                   : send(fd, s->out, s->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
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
        } else if (n <= net->room - s->n_out) { /* else it is stuck: the attempt times out */
                memcpy(s->out + s->n_out, octets, n);
                s->n_out += n;
                if (!s->listed)
                        net->unsent[net->n_unsent++] = source;
                s->listed = true;
        }
}

void load_net_flush(struct load_net *net)
{
        if (!net->tcp)
                flush_udp(net);
        const uint32_t all = net->n_unsent;

        net->n_unsent = 0;
        for (uint32_t k = 0; k < all; k++) {
                uint32_t at = net->unsent[k];
                struct stream *s = &net->streams[at];

                if (net->polls[at].fd >= 0)
                        flush_tcp(s, net->polls[at].fd);
                s->listed = s->n_out && net->polls[at].fd >= 0;
                if (s->listed)
                        net->unsent[net->n_unsent++] = at;
        }
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

/* What the connection has; 0: its end, negative: nothing now. */
static ssize_t take(struct load_net *net, struct stream *s, int fd)
{
        if (!s->ssl) {
                ssize_t n = recv(fd, s->in + s->n_in, net->room - s->n_in, MSG_DONTWAIT);
                return n < 0 && errno != EAGAIN && errno != EINTR ? 0 : n;
        }
        int n = SSL_read(s->ssl, s->in + s->n_in, (int)(net->room - s->n_in));
        return n > 0 ? n : SSL_get_error(s->ssl, n) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static void receive_tcp(struct load_net *net, struct stream *s, struct pollfd *p)
{
        ssize_t n = take(net, s, p->fd);
        size_t done = 0, size;

        if (n == 0 || s->n_in == net->room) {
                (void)epoll_ctl(net->epoll, EPOLL_CTL_DEL, p->fd, NULL);
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

        if (net->tcp) {
                struct epoll_event ready[BATCH];

                if (net->n_unsent && wait > NS_PER_MS) /* what was not taken is tried again soon */
                        ts = (struct timespec){0, (long)NS_PER_MS};
                int n = epoll_pwait2(net->epoll, ready, BATCH, &ts, NULL);
                for (int i = 0; i < n; i++) {
                        uint32_t at = ready[i].data.u32;
                        if (net->polls[at].fd >= 0)
                                receive_tcp(net, &net->streams[at], &net->polls[at]);
                }
                return;
        }
        if (ppoll(net->polls, net->n, &ts, NULL) <= 0)
                return;
        for (uint32_t i = 0; i < net->n; i++)
                if (net->polls[i].revents && net->polls[i].fd >= 0)
                        receive_udp(net, (enum load_socket)i);
}
