/* SPDX-License-Identifier: BSD-3-Clause
 * One connection, a window of requests. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/cx_load/cx_load.h"
#include "tests/bench/lib/scatter.h"

#define STREAM_SIZE (1 << 20)
#define TIMES       65536 /* of the last requests, by their number */
#define PATIENCE_S  5     /* for any answer at all */

struct run {
        const struct cx_load_conf *conf;
        struct cx_load_result *result;
        int fd;
        uint32_t sent, waiting, subscriber, step;
        bool counting, asking;
        struct mar_template mar;
        uint64_t sent_ns[TIMES];
        size_t n_in, n_out;
        char in[STREAM_SIZE], out[CX_LOAD_WINDOW_MAX * 512];
};

static int open_connection(struct run *r)
{
        struct sockaddr_in to = {.sin_family = AF_INET}, from = {.sin_family = AF_INET};
        const struct timeval patience = {.tv_sec = PATIENCE_S};
        const int one = 1;
        char host[64];
        const char *colon = strrchr(r->conf->to, ':');
        uint32_t port = 0;

        if (!colon ||
            span_copy(span_make(r->conf->to, (size_t)(colon - r->conf->to)), host, sizeof host) != 0 ||
            span_u32(span_of(colon + 1), 65535, &port) != 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
            inet_pton(AF_INET, r->conf->from, &from.sin_addr) != 1)
                return -IMS_EPARSE;
        to.sin_port = htons((uint16_t)port);
        r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (r->fd < 0 || bind(r->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
            connect(r->fd, (struct sockaddr *)&to, sizeof to) != 0)
                return -IMS_EUNREACH;
        (void)setsockopt(r->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        return setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 ? 0 : -IMS_EIO;
}

static void queue(struct run *r, const struct dia_writer *w)
{
        if (w->n > sizeof r->out - r->n_out)
                return; /* never: the window bounds what can wait */
        memcpy(r->out + r->n_out, w->octets, w->n);
        r->n_out += w->n;
}

static int flush(struct run *r)
{
        size_t sent = 0;

        while (sent < r->n_out) {
                ssize_t n = send(r->fd, r->out + sent, r->n_out - sent, MSG_NOSIGNAL);
                if (n <= 0)
                        return -IMS_ECLOSED;
                sent += (size_t)n;
        }
        r->n_out = 0;
        return 0;
}

/* Fills the window. */
static void ask(struct run *r)
{
        uint64_t now = bench_now_ns();

        for (; r->asking && r->waiting < r->conf->window; r->waiting++) {
                cx_load_patch_mar(&r->mar, r->subscriber, ++r->sent);
                r->sent_ns[r->sent % TIMES] = now;
                r->subscriber = (uint32_t)(((uint64_t)r->subscriber + r->step) % r->conf->n);
                queue(r, &r->mar.w);
        }
}

static void on_message(struct run *r, const struct dia_head *head, struct span octets)
{
        struct dia_writer w;

        if (head->request && head->command == DIA_DWR) {
                cx_load_write_dwa(&w, r->conf, octets);
                queue(r, &w);
                return;
        }
        if (head->request || head->command != DIA_MAR)
                return;
        r->waiting--;
        if (!cx_load_succeeded(octets, true)) {
                r->result->failed++;
                return;
        }
        r->result->ok += r->counting;
        if (r->counting)
                hist_add(&r->result->latency,
                         (bench_now_ns() - r->sent_ns[head->hop_by_hop % TIMES]) / NS_PER_US);
}

/* Reads once and handles every whole message; a CEA says by *cea whether we are welcome. */
static int receive(struct run *r, bool *cea)
{
        ssize_t n = recv(r->fd, r->in + r->n_in, sizeof r->in - r->n_in, 0);
        struct dia_head head;
        size_t at = 0;

        if (n <= 0)
                return n == 0 ? -IMS_ECLOSED : -IMS_ETIMEOUT;
        r->n_in += (size_t)n;
        while (r->n_in - at >= 20) {
                cx_load_read_head(r->in + at, &head);
                if (head.length < 20)
                        return -IMS_EPROTO;
                if (head.length > r->n_in - at)
                        break;
                struct span octets = span_make(r->in + at, head.length);
                if (cea && !head.request && head.command == DIA_CER)
                        *cea = cx_load_succeeded(octets, false);
                else
                        on_message(r, &head, octets);
                at += head.length;
        }
        r->n_in -= at;
        memmove(r->in, r->in + at, r->n_in);
        return 0;
}

static int greet(struct run *r)
{
        struct dia_writer w;
        bool welcome = false;
        int err;

        cx_load_write_cer(&w, r->conf);
        queue(r, &w);
        err = flush(r);
        if (!err)
                err = receive(r, &welcome);
        return err ? err : welcome ? 0 : -IMS_EPROTO;
}

/* Asks until the time is over. */
static int ask_for(struct run *r, double seconds)
{
        uint64_t end = bench_now_ns() + (uint64_t)(seconds * (double)NS_PER_S);
        int err = 0;

        while (!err && bench_now_ns() < end) {
                ask(r);
                err = flush(r);
                if (!err)
                        err = receive(r, NULL);
        }
        return err;
}

int cx_load_run(const struct cx_load_conf *c, struct procs *procs, struct cx_load_result *out)
{
        static struct run r;
        uint64_t cpu_ns = 0;
        int err;

        r = (struct run){.conf = c, .result = out, .fd = -1, .asking = true, .step = scatter_step(c->n)};
        cx_load_write_mar(&r.mar, c);
        err = open_connection(&r);
        if (!err)
                err = greet(&r);
        if (!err)
                err = ask_for(&r, c->warmup_s);
        if (!err) {
                r.counting = true;
                procs_read(procs, 0);
                cpu_ns = bench_own_cpu_ns();
                out->begin_ns = bench_now_ns();
                err = ask_for(&r, c->duration_s);
                out->end_ns = bench_now_ns();
                out->own_cpu_ns = bench_own_cpu_ns() - cpu_ns;
                procs_read(procs, 1);
        }
        r.counting = r.asking = false;
        while (!err && r.waiting)
                err = receive(&r, NULL);
        if (r.fd >= 0)
                (void)close(r.fd);
        return err;
}
