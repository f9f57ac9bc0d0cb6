/* SPDX-License-Identifier: BSD-3-Clause
 * The Via of ours, and what a received Via gets and says. RFC 3261 18.1.1, 18.2.1 and 18.2.2, RFC 3581. */
#include "common/sip/via.h"

#include <stdlib.h>

#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/sip/msg_lex.h"

/* --- ours ----------------------------------------------------------------------------------------- */

void sip_token(char out[static 17])
{
        static uint64_t pool[32];
        static size_t left;
        uint64_t word;

        if (left == 0) {
                if (secret_random(pool, sizeof(pool)) != 0)
                        for (size_t i = 0; i < sizeof(pool) / sizeof(pool[0]); i++)
                                pool[i] = hash_mix(pool[i], i + 1); /* unique still, if not random */
                left = sizeof(pool) / sizeof(pool[0]);
        }
        word = pool[--left];
        for (size_t i = 0; i < 16; i++, word >>= 4)
                out[i] = "0123456789abcdef"[word & 15];
        out[16] = '\0';
}

void sip_branch_new(const char *suffix, char out[static SIP_BRANCH_MAX])
{
        struct text t;
        char token[17];

        sip_token(token);
        t = text_in(out, SIP_BRANCH_MAX);
        text_puts(&t, SIP_COOKIE);
        text_puts(&t, token);
        if (suffix)
                text_puts(&t, suffix);
}

/* Port of the listener that belongs to the flow, 0 when none listens there. */
static uint16_t listener_port(const struct sip_stack *s, const struct sip_flow *flow)
{
        uint16_t port = 0;

        list_for_each(pos, &s->listeners)
        {
                const struct sip_listener *li = container_of(pos, struct sip_listener, node);

                if (li->transport != flow->transport || addr_is_v6(&li->local) != addr_is_v6(&flow->remote))
                        continue;
                if (addr_eq(&li->local, &flow->local) || addr_ip_eq(&li->local, &flow->local))
                        return addr_port(&li->local);
                if (port == 0)
                        port = addr_port(&li->local);
        }
        return port;
}

void sip_via_sent_by(struct sip_stack *s, const struct sip_flow *flow, char host[static 256],
                     uint16_t *out_port)
{
        const struct sip_protected *p = sip_protected_of(s, &flow->local);
        struct text t = text_in(host, 256);
        char ip[ADDR_STR];
        struct addr local = flow->local;

        if (p) {
                *out_port = p->server_port;
                text_puts(&t, addr_ip_str(&local, true, ip));
                return;
        }
        *out_port = listener_port(s, flow);
        if (s->conf.sent_by) {
                text_puts(&t, s->conf.sent_by);
                return;
        }
        if (addr_is_any(&local) && sip_route_local(&flow->remote, &local) != 0)
                local = flow->local;
        text_puts(&t, addr_ip_str(&local, true, ip));
}

uint64_t sip_via_sent_by_hash(struct span host, uint16_t port)
{
        return hash_mix(hash_span_icase(host), port);
}

static struct span without_brackets(struct span host)
{
        return host.n > 2 && host.p[0] == '[' ? span_sub(host, 1, host.n - 1) : host;
}

size_t sip_via_write(struct sip_stack *s, const struct sip_flow *flow, const char *branch,
                     char out[static SIP_VIA_MAX], uint64_t *out_sent_by)
{
        struct text t = text_in(out, SIP_VIA_MAX);
        char host[256];
        uint16_t port;

        sip_via_sent_by(s, flow, host, &port);
        text_puts(&t, "SIP/2.0/");
        text_puts(&t, transport_name(flow->transport));
        text_char(&t, ' ');
        text_puts(&t, host);
        if (port) {
                text_char(&t, ':');
                text_u32(&t, port);
        }
        text_puts(&t, ";branch=");
        text_puts(&t, branch);
        if (flow->transport == TRANSPORT_UDP && !sip_protected_of(s, &flow->local))
                text_puts(&t, ";rport");
        *out_sent_by = sip_via_sent_by_hash(without_brackets(span_of(host)), port);
        return t.n;
}

/* --- received ------------------------------------------------------------------------------------- */

/* The parts of the top Via value that stay; offsets from the start of the buffer. */
struct piece {
        size_t from, to; /* in the old buffer */
        size_t at;       /* in the new one */
};

#define PIECES 6

struct stamp {
        struct piece kept[PIECES];
        size_t n;
        size_t start, end; /* of the old value */
        char added[ADDR_STR + 40];
        size_t n_added;
};

static void keep(struct stamp *st, size_t from, size_t to)
{
        struct piece *p = &st->kept[st->n];

        if (to <= from)
                return;
        p->from = from;
        p->to = to;
        p->at = st->n ? p[-1].at + (p[-1].to - p[-1].from) : st->start;
        st->n++;
}

/* Cuts received and rport out of the value. False when its parameters cannot be read. */
static bool cut_params(struct stamp *st, const struct sip_msg *m, struct span value)
{
        ptrdiff_t semi = span_chr(value, ';', 0);
        struct sip_lex l = sip_lex_of(span_sub(value, semi < 0 ? value.n : (size_t)semi, value.n));
        struct span name, v;
        size_t from = st->start;
        int got;

        for (;;) {
                const char *before = l.p;

                got = sip_lex_param(&l, &name, &v);
                if (got <= 0)
                        break;
                if (!span_ieq(name, SPAN("received")) && !span_ieq(name, SPAN("rport")))
                        continue;
                if (st->n + 2 > PIECES)
                        return false;
                keep(st, from, (size_t)(before - m->buf));
                from = (size_t)(l.p - m->buf);
        }
        keep(st, from, st->end);
        return got == 0;
}

static struct span map(const struct stamp *st, const struct sip_msg *old, struct sip_msg *new, struct span s)
{
        size_t at = s.n ? (size_t)(s.p - old->buf) : 0;

        if (!s.n)
                return SPAN_NULL;
        for (size_t i = 0; i < st->n; i++)
                if (at >= st->kept[i].from && at < st->kept[i].to)
                        return span_make(new->buf + (at - st->kept[i].from) + st->kept[i].at, s.n);
        return SPAN_NULL; /* was cut */
}

/* Outside of the value: in front of it nothing moves, behind it all by the same distance. A span that
 * holds the value grows. */
static struct span shift(const struct stamp *st, const struct sip_msg *old, struct sip_msg *new,
                         struct span s)
{
        size_t at = s.n ? (size_t)(s.p - old->buf) : 0;
        size_t delta = new->n - old->n; /* wraps when shorter, as the sums below do */

        if (!s.n)
                return SPAN_NULL;
        if (at >= st->end)
                return span_make(new->buf + (at + delta), s.n);
        return span_make(new->buf + at, at + s.n >= st->end ? s.n + delta : s.n);
}

/* A copy with the pieces and the added text in place of the value; one block, as the reader makes it. */
static struct sip_msg *rebuild(const struct stamp *st, const struct sip_msg *old)
{
        const struct piece *last = &st->kept[st->n - 1];
        size_t text_end = last->at + (last->to - last->from);
        size_t n = text_end + st->n_added + (old->n - st->end);
        struct sip_msg *m = malloc(sizeof(*m) + old->n_hdrs * sizeof(*m->hdrs) + n);

        if (!m)
                return NULL;
        *m = *old;
        m->refs = 1;
        m->n = n;
        m->hdrs = (struct sip_hdr *)(m + 1);
        m->buf = (char *)(m->hdrs + old->n_hdrs);
        memcpy(m->buf, old->buf, st->start);
        for (size_t i = 0; i < st->n; i++)
                memcpy(m->buf + st->kept[i].at, old->buf + st->kept[i].from,
                       st->kept[i].to - st->kept[i].from);
        memcpy(m->buf + text_end, st->added, st->n_added);
        memcpy(m->buf + text_end + st->n_added, old->buf + st->end, old->n - st->end);
        for (size_t i = 0; i < old->n_hdrs; i++) {
                const struct sip_hdr *h = &old->hdrs[i];

                m->hdrs[i] = (struct sip_hdr){h->id, shift(st, old, m, h->name), shift(st, old, m, h->value),
                                              shift(st, old, m, h->line)};
        }
        m->method_name = shift(st, old, m, old->method_name);
        m->ruri = shift(st, old, m, old->ruri);
        m->reason = shift(st, old, m, old->reason);
        m->body = shift(st, old, m, old->body);
        m->call_id = shift(st, old, m, old->call_id);
        m->from_tag = shift(st, old, m, old->from_tag);
        m->to_tag = shift(st, old, m, old->to_tag);
        m->via.transport = map(st, old, m, old->via.transport);
        m->via.host = map(st, old, m, old->via.host);
        m->via.branch = map(st, old, m, old->via.branch);
        return m;
}

static bool host_is(struct span host, const struct addr *from)
{
        struct addr a;

        return addr_parse(host, SIP_PORT, &a) == 0 && addr_ip_eq(&a, from);
}

int sip_via_stamp(struct sip_msg **msg, const struct addr *from)
{
        struct sip_msg *old = *msg, *m;
        struct span value = sip_msg_value(old, SIP_HDR_VIA);
        bool received = old->via.has_rport || !host_is(old->via.host, from);
        struct stamp st = {0};
        struct text added = text_in(st.added, sizeof(st.added));
        char ip[ADDR_STR];

        if (!received && !old->via.received.n)
                return 0;
        st.start = (size_t)(value.p - old->buf);
        st.end = st.start + value.n;
        if (!cut_params(&st, old, value))
                return 0; /* has a fault already and is answered by it */
        if (old->via.has_rport) {
                text_puts(&added, ";rport=");
                text_u32(&added, addr_port(from));
        }
        if (received) {
                text_puts(&added, ";received=");
                text_puts(&added, addr_ip_str(from, false, ip));
        }
        st.n_added = added.n;
        m = rebuild(&st, old);
        if (!m)
                return -IMS_ENOMEM;
        m->via.rport = old->via.has_rport ? addr_port(from) : 0;
        m->via.received = SPAN_NULL;
        if (received) {
                const struct piece *last = &st.kept[st.n - 1];
                size_t end = last->at + (last->to - last->from) + st.n_added;

                m->via.received = span_make(m->buf + end - strlen(ip), strlen(ip));
        }
        sip_msg_unref(old);
        *msg = m;
        return 0;
}

int sip_via_addr(const struct sip_via *v, struct addr *out)
{
        uint16_t port = v->port ? v->port : SIP_PORT;
        struct addr a;

        if (addr_parse(v->received.n ? v->received : v->host, port, &a) != 0)
                return -IMS_ENOTFOUND;
        addr_set_port(&a, port);
        *out = a;
        return 0;
}
