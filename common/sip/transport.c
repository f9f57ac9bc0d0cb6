/* SPDX-License-Identifier: BSD-3-Clause
 * Listeners, datagrams, and the choice of socket for what leaves. RFC 3261 18. */
#include <stdlib.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/sip/stack_priv.h"

/* --- in ------------------------------------------------------------------------------------------- */

/* Without the line ends and zero octets that keep a NAT binding open (RFC 5626 4.4.1 wants them over
 * connections only, phones send them over UDP too). */
static struct span without_keep_alive(struct span d)
{
        while (d.n && (*d.p == '\r' || *d.p == '\n' || *d.p == '\0'))
                d = span_sub(d, 1, d.n);
        return d;
}

void sip_stack_answer_stun(struct sip_stack *s)
{
        s->answers_stun = true;
}

static void take_stun(const struct sip_listener *li, struct udp *u, const struct addr *from, struct span data)
{
        uint8_t answer[STUN_ANSWER_MAX];
        size_t n = li->stack->answers_stun && !li->port ? stun_answer(data, from, answer) : 0;

        if (n)
                (void)!udp_send(u, from, span_make(answer, n)); /* lost: the UE asks again */
}

static void on_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct sip_listener *li = arg;
        struct sip_stack *s = li->stack;
        struct sip_flow flow = {.transport = TRANSPORT_UDP, .local = li->local, .remote = *from};
        struct sip_msg *m = NULL;
        size_t used;
        int err;

        if (!sip_hears(s, &li->local, from) || sip_source_is_muted(s, from))
                return;
        if (stun_is(data)) {
                if (!sip_ping_take(s, data))
                        take_stun(li, u, from, data);
                return;
        }
        data = without_keep_alive(data);
        if (!data.n)
                return;
        err = sip_msg_parse(data, SIP_DATAGRAM, &m, &used);
        if (err) {
                sip_stack_malformed(s, &flow, data, err);
                return;
        }
        if (data.n > s->conf.message_max)
                sip_stack_too_large(s, &m, &flow);
        else
                sip_stack_receive(s, &m, &flow);
        sip_msg_unref(m);
}

static void on_refused(struct udp *u, const struct addr *to, struct span octets, void *arg)
{
        struct sip_listener *li = arg;

        (void)u;
        sip_client_refused(li->stack, to, octets);
}

static void on_accept(struct tcp_conn *tcp, void *arg)
{
        struct sip_listener *li = arg;

        sip_conn_accepted(li, tcp);
}

/* --- listeners ------------------------------------------------------------------------------------ */

void sip_listener_close(struct sip_listener *li)
{
        list_unlink(&li->node);
        udp_close(li->udp);
        if (li->tcp)
                tcp_listener_close(li->tcp);
        tls_context_free(li->tls);
        li->udp = NULL;
        li->tcp = NULL;
        li->tls = NULL;
}

static int listen_udp(struct sip_listener *li, const struct addr *local)
{
        int err = udp_open(li->stack->loop, local, on_datagram, li, &li->udp);

        if (!err && udp_on_refused(li->udp, on_refused) != 0)
                log_notice("ICMP errors are not reported: a dead peer is found by time-outs only");
        return err;
}

int sip_listener_open(struct sip_listener *li, const struct addr *local)
{
        struct sip_stack *s = li->stack;
        int err;

        if (li->transport == TRANSPORT_UDP)
                err = listen_udp(li, local);
        else
                err = tcp_listen(s->loop, local, s->conf.max_conns, on_accept, li, &li->tcp);
        if (!err)
                li->local = li->udp ? *udp_local(li->udp) : *tcp_listener_local(li->tcp);
        return err;
}

static int listen_with(struct sip_stack *s, enum transport t, const struct addr *local,
                       struct tls_context *ctx, struct addr *out_local)
{
        struct sip_listener *li = calloc(1, sizeof(*li));
        int err;

        if (!li)
                return -IMS_ENOMEM;
        li->stack = s;
        li->transport = t;
        err = sip_listener_open(li, local);
        if (err) {
                free(li);
                return err;
        }
        li->tls = ctx ? tls_context_ref(ctx) : NULL;
        list_append(&s->listeners, &li->node);
        if (out_local)
                *out_local = li->local;
        return 0;
}

int sip_stack_listen(struct sip_stack *s, enum transport t, const struct addr *local, struct addr *out_local)
{
        if (t != TRANSPORT_UDP && t != TRANSPORT_TCP)
                return -IMS_EUNSUPPORTED;
        return listen_with(s, t, local, NULL, out_local);
}

int sip_stack_listen_tls(struct sip_stack *s, const struct addr *local, struct tls_context *ctx,
                         struct addr *out_local)
{
        const struct tls_gate_conf rates = {.per_source = s->conf.handshakes_per_source,
                                            .all = s->conf.handshakes,
                                            .per_source_key = "sip.handshakes_per_source",
                                            .all_key = "sip.handshakes"};
        int err = tls_context_role(ctx) == TLS_SERVER ? 0 : -IMS_EINVAL;

        if (!err && !s->gate && (rates.per_source || rates.all))
                err = tls_gate_new(s->loop, &rates, &s->gate);
        return err ? err : listen_with(s, TRANSPORT_TLS, local, ctx, out_local);
}

void sip_transport_close_all(struct sip_stack *s)
{
        while (!list_empty(&s->conns))
                sip_conn_close(sip_conn_first(s), true, -IMS_ECANCELED);
        list_for_each_safe(pos, tmp, &s->listeners)
        {
                struct sip_listener *li = container_of(pos, struct sip_listener, node);

                sip_listener_close(li);
                free(li);
        }
        sip_protected_close_all(s);
}

/* --- which socket --------------------------------------------------------------------------------- */

int sip_route_local(const struct addr *remote, struct addr *out)
{
        struct sockaddr_storage ss;
        socklen_t n = sizeof(ss);
        struct addr a;
        int fd = socket(remote->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int err = -IMS_EUNREACH;

        if (fd < 0)
                return -IMS_EIO;
        /* A connected datagram socket knows its address; nothing is sent. */
        if (connect(fd, &remote->u.sa, addr_len(remote)) == 0 &&
            getsockname(fd, (struct sockaddr *)&ss, &n) == 0 &&
            addr_from_sockaddr((struct sockaddr *)&ss, &a) == 0) {
                addr_set_port(&a, 0);
                *out = a;
                err = 0;
        }
        close(fd);
        return err;
}

static bool fits(const struct sip_listener *li, enum transport t, const struct sip_flow *flow)
{
        return li->transport == t && addr_is_v6(&li->local) == addr_is_v6(&flow->remote);
}

/* The listener that has flow->local; else, of those that fit, the one the kernel's route names; else the
 * first that fits. */
static struct sip_listener *choose(struct sip_stack *s, enum transport t, const struct sip_flow *flow)
{
        struct sip_listener *first = NULL;
        struct addr route;
        bool several = false;

        list_for_each(pos, &s->listeners)
        {
                struct sip_listener *li = container_of(pos, struct sip_listener, node);

                if (!fits(li, t, flow))
                        continue;
                if (flow->local.u.sa.sa_family && addr_eq(&li->local, &flow->local))
                        return li;
                several = first != NULL;
                first = first ? first : li;
        }
        if (!several || sip_route_local(&flow->remote, &route) != 0)
                return first;
        list_for_each(pos, &s->listeners)
        {
                struct sip_listener *li = container_of(pos, struct sip_listener, node);

                if (fits(li, t, flow) && addr_ip_eq(&li->local, &route))
                        return li;
        }
        return first;
}

/* A protected port serves both transports, of its own address family. */
static int protected_local(const struct sip_protected *p, const struct sip_flow *flow)
{
        if (flow->transport != TRANSPORT_UDP && flow->transport != TRANSPORT_TCP)
                return -IMS_EUNSUPPORTED;
        if (addr_is_v6(&p->local) != addr_is_v6(&flow->remote))
                return -IMS_EUNSUPPORTED;
        return p->open ? 0 : -IMS_ECLOSED;
}

int sip_transport_local(struct sip_stack *s, struct sip_flow *flow)
{
        const struct sip_protected *p = sip_protected_of(s, &flow->local);
        struct sip_listener *li;

        if (p)
                return protected_local(p, flow);
        if (flow->transport == TRANSPORT_UDP) {
                li = choose(s, TRANSPORT_UDP, flow);
                if (!li)
                        return -IMS_EUNSUPPORTED;
                flow->local = li->local;
                return 0;
        }
        if (!sip_is_stream(flow->transport) || (flow->transport == TRANSPORT_TLS && !s->tls_client))
                return -IMS_EUNSUPPORTED;
        li = choose(s, flow->transport, flow);
        if (!li && flow->transport == TRANSPORT_TLS)
                li = choose(s, TRANSPORT_TCP, flow);
        if (!li)
                li = choose(s, TRANSPORT_UDP, flow);
        if (li) {
                flow->local = li->local;
        } else if (addr_is_v6(&flow->remote)) {
                flow->local = (struct addr){.u.v6 = {.sin6_family = AF_INET6}};
        } else {
                flow->local = (struct addr){.u.v4 = {.sin_family = AF_INET}};
        }
        addr_set_port(&flow->local, 0);
        return 0;
}

/* --- out ------------------------------------------------------------------------------------------ */

static int send_datagram(struct sip_stack *s, struct sip_protected *p, struct sip_flow *flow,
                         struct span octets)
{
        struct sip_listener *li = p ? &p->udp : choose(s, TRANSPORT_UDP, flow);

        if (!li)
                return -IMS_EUNSUPPORTED;
        flow->local = li->local;
        return udp_send(li->udp, &flow->remote, octets);
}

/* The connection that is there, or NULL. */
static struct sip_conn *find_conn(struct sip_stack *s, const struct sip_protected *p,
                                  const struct sip_flow *flow, const char *name)
{
        struct sip_conn *c = flow->conn_id ? sip_conn_by_id(s, flow->conn_id) : NULL;

        const struct sip_flow *is = c ? sip_conn_flow(c) : NULL;

        /* at a protected port only that of the ends asked for */
        if (c && ((!p && !sip_conn_is_protected(c)) ||
                  (addr_eq(&is->local, &flow->local) && addr_eq(&is->remote, &flow->remote))))
                return c;
        return p ? sip_conn_between(s, &flow->local, &flow->remote) : sip_conn_to(s, flow, name);
}

static int send_stream(struct sip_stack *s, struct sip_protected *p, struct sip_flow *flow, const char *name,
                       struct span octets, struct sip_conn_user *user, bool *out_reused)
{
        struct sip_conn *c = find_conn(s, p, flow, name);
        int err;

        if (out_reused)
                *out_reused = c != NULL;
        if (!c && p && p->kind != SIP_PORT_CLIENT)
                return -IMS_EUNREACH; /* connections are opened from client ports */
        if (!c) {
                err = sip_conn_open(s, flow, name, p, &c);
                if (err)
                        return err;
        }
        err = sip_conn_send(c, octets, user);
        if (err)
                return err;
        *flow = *sip_conn_flow(c);
        return 0;
}

int sip_transport_send(struct sip_stack *s, struct sip_flow *flow, const char *name, struct span octets,
                       struct sip_conn_user *user, bool *out_reused)
{
        struct sip_protected *p = sip_protected_of(s, &flow->local);
        int err = p ? protected_local(p, flow) : 0;

        if (out_reused)
                *out_reused = false;
        if (err)
                return err;
        if (flow->transport == TRANSPORT_UDP)
                err = send_datagram(s, p, flow, octets);
        else if (sip_is_stream(flow->transport))
                err = send_stream(s, p, flow, name, octets, user, out_reused);
        else
                err = -IMS_EUNSUPPORTED;
        if (!err)
                s->stats.sent++;
        return err;
}

bool sip_flow_alive(const struct sip_stack *s, const struct sip_flow *flow)
{
        return !flow->conn_id || sip_conn_by_id(s, flow->conn_id);
}

bool sip_transport_alive(const struct sip_stack *s, uint64_t conn_id)
{
        return conn_id && sip_conn_by_id(s, conn_id);
}
