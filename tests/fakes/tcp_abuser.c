/* SPDX-License-Identifier: BSD-3-Clause
 * A peer that holds TCP connections and is no good: tcp_abuser MODE COUNT FROM TO:PORT
 *   silent   sends nothing
 *   slow     sends one octet of a message every 50 ms and never ends it
 *   unread   sends whole requests as fast as they are taken and reads no answer
 * Prints "open N" when all are connected and "closed N" when the peer has closed the last. IPv4 only. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX = 4000, TICK_MS = 50, REQUEST_MAX = 8192, PATIENCE_TICKS = 2400 };

static const char slow_text[] =
        "REGISTER sip:home.example SIP/2.0\r\nVia: SIP/2.0/TCP slow;branch=z9hG4bKslow\r\nX: ";

struct peer {
        int fd;
        size_t sent; /* of its request */
        unsigned serial;
};

static struct peer peers[MAX];
static struct pollfd polls[MAX];

static struct sockaddr_in address(const char *text, const char *port)
{
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};

        if (inet_pton(AF_INET, text, &a.sin_addr) != 1) {
                (void)fprintf(stderr, "tcp_abuser: no address: %s\n", text);
                exit(2);
        }
        return a;
}

/* A small receive buffer fills soon. */
static int open_one(const struct sockaddr_in *from, const struct sockaddr_in *to)
{
        int small = 2048, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) != 0 ||
            bind(fd, (const struct sockaddr *)from, sizeof(*from)) != 0 ||
            connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
                perror("tcp_abuser");
                exit(2);
        }
        return fd;
}

/* A request whose answer is long, for it repeats the Call-ID. */
static size_t request(const struct peer *p, char out[static REQUEST_MAX])
{
        static char call_id[7000];

        memset(call_id, 'c', sizeof(call_id) - 1);
        return (size_t)snprintf(
                out, REQUEST_MAX,
                "OPTIONS sip:home.example SIP/2.0\r\nVia: SIP/2.0/TCP unread;branch=z9hG4bK%d-%u\r\n"
                "From: <sip:a@home.example>;tag=a\r\nTo: <sip:a@home.example>\r\nCall-ID: %s\r\n"
                "CSeq: %u OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
                p->fd, p->serial, call_id, p->serial + 1);
}

/* False when the connection is gone. */
static bool send_some(struct peer *p, const char *text, size_t n, size_t at_most)
{
        ssize_t done;

        if (p->sent >= n)
                return true;
        done = send(p->fd, text + p->sent, n - p->sent < at_most ? n - p->sent : at_most,
                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0)
                return errno == EAGAIN || errno == EWOULDBLOCK;
        p->sent += (size_t)done;
        return true;
}

static bool send_requests(struct peer *p)
{
        char text[REQUEST_MAX];
        size_t n;

        for (int i = 0; i < 20; i++) {
                n = request(p, text);
                if (!send_some(p, text, n, n))
                        return false;
                if (p->sent < n)
                        return true;
                p->sent = 0;
                p->serial++;
        }
        return true;
}

static bool act(struct peer *p, const char *mode)
{
        if (strcmp(mode, "slow") == 0) { /* the last octet again and again */
                p->sent -= p->sent == sizeof(slow_text) - 1;
                return send_some(p, slow_text, sizeof(slow_text) - 1, 1);
        }
        return strcmp(mode, "unread") != 0 || send_requests(p);
}

/* The peer has closed: seen without taking what it sent. */
static bool is_closed(const struct pollfd *p)
{
        char c;

        return p->revents & (POLLHUP | POLLERR | POLLRDHUP) ||
               (p->revents & POLLIN && recv(p->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 0);
}

static void leave(int i)
{
        (void)close(peers[i].fd);
        peers[i].fd = polls[i].fd = -1;
}

int main(int argc, char **argv)
{
        int count = argc == 5 ? atoi(argv[2]) : 0, left = count;
        char *port = argc == 5 ? strchr(argv[4], ':') : NULL;
        struct sockaddr_in from, to;

        if (count < 1 || count > MAX || !port) {
                (void)fprintf(stderr, "usage: tcp_abuser silent|slow|unread COUNT FROM TO:PORT\n");
                return 2;
        }
        *port = '\0';
        from = address(argv[3], "0");
        to = address(argv[4], port + 1);
        for (int i = 0; i < count; i++) {
                peers[i].fd = open_one(&from, &to);
                polls[i] = (struct pollfd){.fd = peers[i].fd, .events = POLLRDHUP};
        }
        (void)printf("open %d\n", count);
        (void)fflush(stdout);
        for (int tick = 0; left && tick < PATIENCE_TICKS; tick++) {
                (void)poll(polls, (nfds_t)count, 0);
                for (int i = 0; i < count; i++)
                        if (peers[i].fd >= 0 && (is_closed(&polls[i]) || !act(&peers[i], argv[1]))) {
                                leave(i);
                                left--;
                        }
                (void)usleep(TICK_MS * 1000);
        }
        (void)printf("closed %d\n", count - left);
        return left ? 1 : 0;
}
