/* SPDX-License-Identifier: BSD-3-Clause
 * A node with a server port and two client ports that are protected, for tests of what leaves from where. */
#pragma once

#include <unistd.h>

#include "tests/unit/sip/duo.h"

#define USES_MAX 16

/* n is the first member: what the handlers of a node are given. */
struct post {
        struct node n;
        struct addr ps, pc, pc2;
        bool answers; /* answer_flow says out */
        struct sip_flow out;
        unsigned asked;
        const char *drop; /* what admit says of a message that begins with drop_start */
        const char *drop_start;
        unsigned begun, ended, emptied; /* emptied: times that the last use ended */
        bool close_when_empty;          /* closes client port and connections of the last use */
        struct {
                struct addr local, remote;
                int n;
        } uses[USES_MAX];
};

static inline bool post_admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note,
                              void *arg)
{
        const struct post *p = arg;

        (void)flow;
        if (!p->drop || !span_starts(span_make(m->buf, m->n), span_of(p->drop_start)))
                return true;
        *note = p->drop;
        return false;
}

static inline bool post_answer_flow(const struct sip_flow *in, struct sip_flow *out, void *arg)
{
        struct post *p = arg;

        assert_true(addr_eq(&in->local, &p->ps));
        p->asked++;
        if (p->answers)
                *out = p->out;
        return p->answers;
}

/* Every end fits a beginning of the same ports. */
static inline void post_on_use(const struct sip_flow *flow, int delta, void *arg)
{
        struct post *p = arg;
        int i = 0;

        while (i < USES_MAX && p->uses[i].n &&
               !(addr_eq(&p->uses[i].local, &flow->local) && addr_eq(&p->uses[i].remote, &flow->remote)))
                i++;
        assert_true(delta == 1 || delta == -1);
        assert_true(i < USES_MAX);
        if (delta < 0)
                assert_true(p->uses[i].n > 0);
        p->uses[i].local = flow->local;
        p->uses[i].remote = flow->remote;
        p->uses[i].n += delta;
        *(delta > 0 ? &p->begun : &p->ended) += 1;
        if (p->uses[i].n == 0 && i + 1 < USES_MAX) /* no gap */
                memmove(&p->uses[i], &p->uses[i + 1], (USES_MAX - 1 - (size_t)i) * sizeof(p->uses[0]));
        if (delta > 0 || p->begun != p->ended)
                return;
        p->emptied++;
        if (p->close_when_empty) {
                sip_close_between(p->n.s, &flow->local, &flow->remote);
                sip_protected_close(p->n.s, &flow->local);
        }
}

static inline int post_uses(const struct post *p)
{
        int n = 0;

        for (int i = 0; i < USES_MAX; i++)
                n += p->uses[i].n;
        return n;
}

/* An address of the loopback with a port that is free for both transports at this moment. */
static inline struct addr free_port(const char *ip)
{
        struct addr a = {0};
        int fd, tcp, err = -1;

        for (int tries = 0; err && tries < 50; tries++) {
                struct sockaddr_storage ss;
                socklen_t n = sizeof(ss);

                assert_int_equal(addr_parse(span_of(ip), 0, &a), 0);
                fd = socket(a.u.sa.sa_family, SOCK_DGRAM, 0);
                assert_true(fd >= 0 && bind(fd, &a.u.sa, addr_len(&a)) == 0);
                assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &n), 0);
                assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &a), 0);
                err = tcp_reserve(&a, &tcp);
                if (!err)
                        (void)close(tcp);
                (void)close(fd);
        }
        assert_int_equal(err, 0);
        return a;
}

static inline struct addr post_open(struct post *p, enum sip_port kind, const char *ip)
{
        struct addr a = {0};
        int err = -IMS_EADDRINUSE;

        for (int tries = 0; err == -IMS_EADDRINUSE && tries < 20; tries++) { /* another program was faster */
                a = free_port(ip);
                err = sip_protected_open(p->n.s, kind, &a, addr_port(kind == SIP_PORT_SERVER ? &a : &p->ps));
        }
        assert_int_equal(err, 0);
        return a;
}

static inline void post_start_at(struct post *p, struct world *w, const struct sip_stack_conf *conf,
                                 const char *ip)
{
        static const struct sip_stack_handlers more = {
                .admit = post_admit, .answer_flow = post_answer_flow, .on_use = post_on_use};

        *p = (struct post){0};
        node_start_with(&p->n, w, conf, &more);
        p->ps = post_open(p, SIP_PORT_SERVER, ip);
        p->pc = post_open(p, SIP_PORT_CLIENT, ip);
        p->pc2 = post_open(p, SIP_PORT_CLIENT, ip);
}

static inline void post_start(struct post *p, struct world *w, const struct sip_stack_conf *conf)
{
        post_start_at(p, w, conf, "127.0.0.1");
}

/* Whatever was begun has ended then. */
static inline void post_stop(struct post *p)
{
        node_stop(&p->n);
        assert_int_equal(post_uses(p), 0);
        assert_int_equal(p->begun, p->ended);
}

static inline struct sip_flow flow_of(enum transport t, const struct addr *local, const struct addr *remote)
{
        return (struct sip_flow){.transport = t, .local = *local, .remote = *remote};
}

/* Sends on that flow. */
static inline void call_on(struct call *call, struct post *p, const char *method, size_t pad,
                           const struct sip_flow *flow)
{
        struct sip_target t = {.flow = flow};

        call_start(call, &p->n, method, pad, &t);
}

static inline struct sip_stack_stats post_stats(const struct post *p)
{
        struct sip_stack_stats stats;

        sip_stack_stats(p->n.s, &stats);
        return stats;
}

/* A node with protected ports, another like it, and two bare peers. */
struct pair {
        struct world w;
        struct post p, u;
        struct raw r, r2;
        struct call call;
};

static inline void pair_start_at(struct pair *x, const struct sip_stack_conf *conf, const char *ip)
{
        world_start(&x->w, NULL, 0);
        post_start_at(&x->p, &x->w, conf, ip);
        post_start_at(&x->u, &x->w, NULL, ip);
        raw_start(&x->r, &x->w);
        raw_start(&x->r2, &x->w);
}

static inline void pair_start(struct pair *x, const struct sip_stack_conf *conf)
{
        pair_start_at(x, conf, "127.0.0.1");
}

static inline void pair_stop(struct pair *x)
{
        post_stop(&x->p);
        post_stop(&x->u);
        raw_stop(&x->r);
        raw_stop(&x->r2);
        world_stop(&x->w);
}

/* What our Via says of this transport. */
static inline bool has_via(const char *text, const char *transport, const struct addr *sent_by)
{
        char name[ADDR_STR], via[128];

        (void)snprintf(via, sizeof(via), "\r\nVia: SIP/2.0/%s %s;branch=z9hG4bK", transport,
                       addr_str(sent_by, name));
        return strstr(text, via) && !strstr(text, "rport");
}
