/* SPDX-License-Identifier: BSD-3-Clause
 * The network as a fuzz target plays it. Calls come back as the contracts of tcp.h and udp.h say: the end
 * of a connection from the loop only (here: a turn), and once. */
#include "tests/fuzz/fake_net.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "common/net/tcp_filter.h"
#include "tests/fuzz/fuzz.h"

#define SENT_MAX ((size_t)1 << 16)

struct tcp_conn {
        struct list node;
        struct loop *loop;
        struct tcp_handlers h;
        void *arg;
        struct tcp_filter *filter;
        struct addr local, remote;
        int reason;
        bool up, closed, dialled;
};

struct tcp_listener {
        struct list node;
        tcp_accept_fn *fn;
        void *arg;
        struct loop *loop;
        struct addr local;
};

struct udp {
        struct list node;
        udp_recv_fn *fn;
        void *arg;
        struct addr local;
};

static struct list conns = {&conns, &conns};
static struct list listeners = {&listeners, &listeners};
static struct list sockets = {&sockets, &sockets};
static struct buf sent = {.max = SENT_MAX};

static void keep(struct span data)
{
        MUST(data.n > 0);
        if (sent.n + data.n > SENT_MAX)
                buf_reset(&sent);
        buf_span(&sent, data);
}

/* --- the side of the target ----------------------------------------------------------------------- */

struct addr fake_net_addr(uint16_t port)
{
        struct addr a = {.u.v4 = {.sin_family = AF_INET}};

        a.u.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        addr_set_port(&a, port);
        return a;
}

static struct tcp_conn *conn_new(struct loop *l, const struct addr *local, const struct addr *remote)
{
        struct tcp_conn *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->loop = l;
        c->local = local ? *local : fake_net_addr(40000);
        c->remote = *remote;
        list_append(&conns, &c->node);
        return c;
}

static struct tcp_conn *arrive(struct tcp_listener *listener, const struct addr *remote)
{
        struct tcp_conn *c;

        c = conn_new(listener->loop, &listener->local, remote);
        if (!c)
                return NULL;
        c->up = true;
        listener->fn(c, listener->arg);
        if (!c->h.on_data)
                c->closed = true;
        return c->closed ? NULL : c;
}

struct tcp_conn *fake_net_connect(const struct addr *remote)
{
        return list_empty(&listeners)
                       ? NULL
                       : arrive(container_of(listeners.next, struct tcp_listener, node), remote);
}

struct tcp_conn *fake_net_connect_to(const struct addr *local, const struct addr *remote)
{
        list_for_each(pos, &listeners)
        {
                struct tcp_listener *s = container_of(pos, struct tcp_listener, node);

                if (addr_eq(&s->local, local))
                        return arrive(s, remote);
        }
        return NULL;
}

struct tcp_conn *fake_net_dialled(void)
{
        for (struct list *pos = conns.prev; pos != &conns; pos = pos->prev) {
                struct tcp_conn *c = container_of(pos, struct tcp_conn, node);

                if (c->dialled && c->up && !c->closed)
                        return c;
        }
        return NULL;
}

void fake_net_datagram(const struct addr *from, struct span data)
{
        if (!list_empty(&sockets))
                fake_net_datagram_to(&container_of(sockets.next, struct udp, node)->local, from, data);
}

void fake_net_datagram_to(const struct addr *local, const struct addr *from, struct span data)
{
        list_for_each(pos, &sockets)
        {
                struct udp *u = container_of(pos, struct udp, node);

                if (!addr_eq(&u->local, local))
                        continue;
                if (data.n)
                        u->fn(u, from, data, u->arg);
                return;
        }
}

bool fake_net_feed(struct tcp_conn *c, struct span data, size_t piece)
{
        for (size_t at = 0; at < data.n && !c->closed; at += piece) {
                struct span part = span_sub(data, at, at + piece);
                char *exact = malloc(part.n); /* a sanitizer sees the first octet read behind it */

                MUST(exact != NULL);
                memcpy(exact, part.p, part.n);
                if (c->filter)
                        c->filter->ops->received(c->filter, span_make(exact, part.n));
                else
                        c->h.on_data(c, span_make(exact, part.n), c->arg);
                free(exact);
        }
        return !c->closed;
}

void fake_net_turn(void)
{
        list_for_each_safe(pos, tmp, &conns)
        {
                struct tcp_conn *c = container_of(pos, struct tcp_conn, node);

                if (!c->up && !c->closed) {
                        c->up = true;
                        if (c->filter)
                                c->filter->ops->up(c->filter);
                        else if (c->h.on_connect)
                                c->h.on_connect(c, c->arg);
                }
                if (!c->closed)
                        continue;
                list_unlink(&c->node);
                if (c->h.on_close)
                        c->h.on_close(c, c->reason, c->arg);
                if (c->filter)
                        c->filter->ops->free(c->filter);
                free(c);
        }
}

struct span fake_net_sent(void)
{
        return buf_as_span(&sent);
}

void fake_net_forget(void)
{
        buf_free(&sent);
        sent.max = SENT_MAX;
}

size_t fake_net_conns(void)
{
        size_t n = 0;

        list_for_each(pos, &conns) n++;
        return n;
}

/* --- tcp.h ---------------------------------------------------------------------------------------- */

int tcp_listen(struct loop *l, const struct addr *local, uint32_t max_conns, tcp_accept_fn *fn, void *arg,
               struct tcp_listener **out)
{
        struct tcp_listener *s = calloc(1, sizeof(*s));

        (void)max_conns;
        if (!s)
                return -IMS_ENOMEM;
        *s = (struct tcp_listener){.fn = fn, .arg = arg, .loop = l, .local = *local};
        list_append(&listeners, &s->node);
        *out = s;
        return 0;
}

const struct addr *tcp_listener_local(const struct tcp_listener *s)
{
        return &s->local;
}

void tcp_listener_close(struct tcp_listener *s)
{
        list_unlink(&s->node);
        free(s);
}

int tcp_connect(struct loop *l, const struct addr *local, const struct addr *to, uint32_t timeout_ms,
                const struct tcp_handlers *h, void *arg, struct tcp_conn **out)
{
        struct tcp_conn *c;

        (void)timeout_ms;
        c = conn_new(l, local, to);
        if (!c)
                return -IMS_ENOMEM;
        c->dialled = true;
        tcp_set_handlers(c, h, arg);
        *out = c;
        return 0;
}

void tcp_set_handlers(struct tcp_conn *c, const struct tcp_handlers *h, void *arg)
{
        c->h = *h;
        c->arg = arg;
}

int tcp_send(struct tcp_conn *c, struct span data)
{
        if (c->closed)
                return -IMS_ECLOSED;
        if (c->filter)
                return c->filter->ops->send(c->filter, data);
        keep(data);
        return 0;
}

int tcp_reopen(struct tcp_conn *c)
{
        return c->closed ? -IMS_ECLOSED : -IMS_EUNREACH; /* nobody is there a second time */
}

bool tcp_takes(const struct tcp_conn *c)
{
        return !c->closed;
}

bool tcp_peer_there(const struct tcp_conn *c)
{
        return !c->closed;
}

void tcp_set_queue_limit(struct tcp_conn *c, size_t octets)
{
        (void)c, (void)octets;
}

void tcp_set_unread_limit(struct tcp_conn *c, uint32_t ms)
{
        (void)c, (void)ms;
}

size_t tcp_queued(const struct tcp_conn *c)
{
        (void)c;
        return 0;
}

void tcp_pause(struct tcp_conn *c, bool paused)
{
        (void)c, (void)paused;
}

const struct addr *tcp_local(const struct tcp_conn *c)
{
        return &c->local;
}

const struct addr *tcp_remote(const struct tcp_conn *c)
{
        return &c->remote;
}

void tcp_close(struct tcp_conn *c, bool flush)
{
        if (flush && !c->closed && c->up && c->filter)
                (void)c->filter->ops->close(c->filter); /* what waits for it is lost, here */
        c->closed = true;
}

int tcp_reserve(const struct addr *local, int *out_fd)
{
        int fd = dup(STDERR_FILENO);

        (void)local;
        MUST(fd >= 0);
        *out_fd = fd;
        return 0;
}

void tcp_prefer_reset(struct tcp_conn *c)
{
        (void)c;
}

void tcp_reset(struct tcp_conn *c, bool silent)
{
        (void)silent;
        c->closed = true;
}

/* --- tcp_int.h ------------------------------------------------------------------------------------ */

void tcp_set_filter(struct tcp_conn *c, struct tcp_filter *f)
{
        MUST(!c->filter);
        c->filter = f;
}

struct tcp_filter *tcp_filter_of(const struct tcp_conn *c)
{
        return c->filter;
}

int tcp_filter_write(struct tcp_conn *c, struct span octets)
{
        if (c->closed)
                return -IMS_ECLOSED;
        keep(octets);
        return 0;
}

void tcp_filter_deliver(struct tcp_conn *c, struct span data)
{
        MUST(data.n > 0);
        if (!c->closed && c->h.on_data)
                c->h.on_data(c, data, c->arg);
}

void tcp_filter_established(struct tcp_conn *c)
{
        if (!c->closed && c->dialled && c->h.on_connect)
                c->h.on_connect(c, c->arg);
}

void tcp_filter_idle(struct tcp_conn *c)
{
        (void)c;
}

void tcp_filter_fail(struct tcp_conn *c, int reason)
{
        MUST(reason < 0);
        c->reason = reason;
        c->closed = true;
}

bool tcp_is_up(const struct tcp_conn *c)
{
        return c->up && !c->closed;
}

struct loop *tcp_loop(const struct tcp_conn *c)
{
        return c->loop;
}

/* --- udp.h ---------------------------------------------------------------------------------------- */

int udp_open(struct loop *l, const struct addr *local, udp_recv_fn *fn, void *arg, struct udp **out)
{
        struct udp *u = calloc(1, sizeof(*u));

        (void)l;
        if (!u)
                return -IMS_ENOMEM;
        *u = (struct udp){.fn = fn, .arg = arg, .local = *local};
        list_append(&sockets, &u->node);
        *out = u;
        return 0;
}

int udp_on_refused(struct udp *u, udp_refused_fn *fn)
{
        (void)u, (void)fn;
        return 0;
}

int udp_send(struct udp *u, const struct addr *to, struct span data)
{
        (void)u;
        MUST(addr_port(to) != 0 || data.n > 0);
        keep(data);
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
        list_unlink(&u->node);
        free(u);
}
