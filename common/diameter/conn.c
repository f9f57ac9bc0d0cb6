/* SPDX-License-Identifier: BSD-3-Clause
 * A connection: octets to messages and back. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/diameter/msg.h"
#include "common/diameter/node_int.h"

#define SEND_QUEUE           ((size_t)32 << 20) /* octets a peer may leave unread before it counts as dead */
#define STRANGER_MESSAGE_MAX 8192               /* octets of what comes before CER, and of CER itself */
#define STRANGERS_PER_SOURCE 32                 /* connections of one address that wait for CER */

static void on_connect(struct tcp_conn *tcp, void *arg);
static void on_data(struct tcp_conn *tcp, struct span data, void *arg);
static void on_close(struct tcp_conn *tcp, int reason, void *arg);

static const struct tcp_handlers tcp_handlers = {on_connect, on_data, on_close};

void dia_trace(struct dia_conn *c, bool outbound, struct span octets, struct msg *msg, const char *note)
{
        struct dia_trace_info info = {
                .outbound = outbound,
                .peer = c->peer ? c->peer->identity : c->name,
                .octets = octets,
                .msg = msg,
                .note = note,
        };
        struct dia_header h;
        struct dia_fault fault;
        struct span raw = SPAN_NULL;

        if (!c->dn->h.on_trace)
                return;
        h = dia_header_get(octets.p);
        if (!msg && h.code != dict_command_rows[CMD_DWR].code && dia_check(octets, &fault) == 0 &&
            dia_msg_parse(octets, &info.msg, &raw))
                info.msg = NULL;
        c->dn->h.on_trace(&info, c->dn->arg);
        if (!msg)
                dia_msg_free(info.msg, raw);
}

static struct dia_conn *conn_new(struct dia_node *n, const struct addr *remote)
{
        struct dia_conn *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->dn = n;
        c->rx = (struct buf){.max = n->message_max, .secret = true}; /* keys of an MAA */
        list_init(&c->requests);
        addr_str(remote, c->name);
        list_append(&n->conns, &c->node);
        return c;
}

/* The configured source, where it has the address family of the peer. */
static const struct addr *source_for(const struct dia_node *n, const struct addr *to)
{
        return n->local.u.sa.sa_family == to->u.sa.sa_family ? &n->local : NULL;
}

/* The same from the same address is told again after a while only: a peer tries each second. */
static bool told_lately(struct dia_node *n, const struct addr *from, const char *why)
{
        char ip[ADDR_STR];
        uint64_t now = loop_now_ms(n->loop);
        uint64_t hash = hash_span(span_of(addr_ip_str(from, false, ip))) ^ hash_span(span_of(why));
        struct dia_told *t = &n->told[hash % DIA_TOLD];

        if (t->hash == hash && now - t->ms < ims_timer_rows[IMS_TIMER_DIA_TOLD].default_ms)
                return true;
        *t = (struct dia_told){hash, now};
        return false;
}

/* Whether the networks of the core let this connection be; else who it is with is told. */
static bool admitted(struct dia_node *n, const struct dia_peer *p, const struct addr *remote, bool tls)
{
        const char *why = n->h.admit ? n->h.admit(remote, tls, n->arg) : NULL;

        if (why && n->h.on_stranger && !told_lately(n, remote, why))
                n->h.on_stranger(p ? span_of(p->identity) : SPAN_NULL, remote, why, n->arg);
        return !why;
}

int dia_conn_open(struct dia_peer *p, struct dia_conn **out)
{
        struct dia_node *n = p->dn;
        struct dia_conn *c;
        int err;

        if (!admitted(n, p, &p->addr, p->tls))
                return -IMS_EPERM;
        if (p->tls && !n->tls_client)
                return -IMS_ECONF;
        c = conn_new(n, &p->addr);
        if (!c)
                return -IMS_ENOMEM;
        c->initiator = true;
        err = tcp_connect(n->loop, source_for(n, &p->addr), &p->addr,
                          ims_timer_rows[IMS_TIMER_TCP_CONNECT].default_ms, &tcp_handlers, c, &c->tcp);
        if (err) {
                list_unlink(&c->node);
                free(c);
                return err;
        }
        tcp_set_queue_limit(c->tcp, SEND_QUEUE);
        c->tls = p->tls;
        err = c->tls ? tls_start(c->tcp, n->tls_client, p->identity, NULL) : 0;
        if (err) {
                dia_conn_drop(c, false); /* freed when TCP reports its end */
                return err;
        }
        c->peer = p;
        *out = c;
        return 0;
}

static void on_cer_timeout(struct tmr *t, void *arg)
{
        struct dia_conn *c = arg;

        (void)t;
        if (log_pace(&c->dn->strangers, DIA_STRANGERS, "refusals"))
                log_warn("diameter %s: no CER in time, closing", c->name);
        dia_conn_drop(c, false);
}

/* Whoever says nothing holds no place that a peer needs. */
static bool has_place(struct dia_node *n, const struct addr *from)
{
        static const char why[] = "too many of its connections wait for CER";
        unsigned waiting = 0;

        list_for_each(pos, &n->conns)
        {
                const struct dia_conn *c = container_of(pos, const struct dia_conn, node);

                waiting += !c->peer && !c->closed && addr_ip_eq(tcp_remote(c->tcp), from);
        }
        if (waiting < STRANGERS_PER_SOURCE)
                return true;
        if (n->h.on_stranger && !told_lately(n, from, why))
                n->h.on_stranger(SPAN_NULL, from, why, n->arg);
        return false;
}

static void accepted(struct dia_node *n, struct tcp_conn *tcp, bool tls)
{
        struct dia_conn *c;

        if (n->stopping || !admitted(n, NULL, tcp_remote(tcp), tls) || !has_place(n, tcp_remote(tcp)))
                return; /* without handlers TCP closes it */
        c = conn_new(n, tcp_remote(tcp));
        if (!c)
                return;
        c->tcp = tcp;
        tcp_set_queue_limit(tcp, SEND_QUEUE);
        c->tls = tls;
        tcp_set_handlers(tcp, &tcp_handlers, c);
        if (tmr_start(n->loop, &c->cer, n->cer_ms, on_cer_timeout, c) ||
            (tls && (!n->tls_server || tls_start(tcp, n->tls_server, NULL, NULL) != 0)))
                dia_conn_drop(c, false);
}

void dia_conn_accepted(struct tcp_conn *tcp, void *node)
{
        accepted(node, tcp, false);
}

void dia_conn_accepted_tls(struct tcp_conn *tcp, void *node)
{
        accepted(node, tcp, true);
}

const char *dia_conn_unfit(const struct dia_conn *c, const struct dia_peer *p)
{
        struct tls_info info;

        if (!c->tls)
                return p->tls ? "TLS is required of it, and this is none" : NULL;
        if (!tls_info_of(c->tcp, &info) || !info.verified)
                return "it showed no certificate";
        for (size_t i = 0; i < info.n_names; i++)
                if (span_ieq(span_of(info.names[i]), span_of(p->identity)))
                        return NULL;
        return "its certificate is not for this identity";
}

/* A TLS handshake failed. */
static void tell_failure(struct dia_conn *c, const struct dia_peer *p)
{
        struct dia_node *n = c->dn;
        const char *why = c->tls ? tls_failure(c->tcp) : "";

        if (*why && n->h.on_stranger && !told_lately(n, tcp_remote(c->tcp), why))
                n->h.on_stranger(p ? span_of(p->identity) : SPAN_NULL, tcp_remote(c->tcp), why, n->arg);
}

int dia_conn_send(struct dia_conn *c, struct span octets)
{
        int err = c->closed ? -IMS_ECLOSED : tcp_send(c->tcp, octets);

        if (err) {
                log_warn("diameter %s: cannot send: %s", c->peer ? c->peer->identity : c->name,
                         ims_strerror(err));
                if (err == -IMS_ELIMIT)
                        tcp_close(c->tcp, false); /* on_close tells the peer */
        }
        return err;
}

bool dia_conn_complain(struct dia_conn *c)
{
        uint64_t n = ++c->n_wrong;

        return n <= 16 || (n & (n - 1)) == 0;
}

void dia_conn_drop(struct dia_conn *c, bool flush)
{
        if (!c || c->closed)
                return;
        c->closed = true;
        tmr_stop(c->dn->loop, &c->cer);
        dia_inbound_orphan(c);
        dia_dups_conn_gone(&c->dn->dups, c);
        c->peer = NULL;
        if (c->tcp)
                tcp_close(c->tcp, flush);
}

static void on_connect(struct tcp_conn *tcp, void *arg)
{
        struct dia_conn *c = arg;

        (void)tcp;
        if (c->peer)
                dia_peer_event(c->peer, PEER_EV_I_RCV_CONN_ACK, c);
}

static void on_close(struct tcp_conn *tcp, int reason, void *arg)
{
        struct dia_conn *c = arg;
        struct dia_node *n = c->dn;
        struct dia_peer *p = c->peer;

        (void)tcp;
        tell_failure(c, p);
        c->tcp = NULL; /* freed by TCP */
        if (p && c->initiator && p->state < PEER_ST_WAIT_RETURNS && p->state != PEER_ST_WAIT_I_CEA) {
                log_write(p->complained ? LOG_DEBUG : LOG_WARN, "diameter %s: no connection to %s: %s",
                          p->identity, c->name, ims_strerror(reason));
                p->complained = true;
                dia_peer_event(p, PEER_EV_I_RCV_CONN_NACK, c);
        } else if (p) {
                dia_peer_event(p, c == p->i ? PEER_EV_I_PEER_DISC : PEER_EV_R_PEER_DISC, c);
        }
        if (c->peer && c->peer->i == c)
                c->peer->i = NULL;
        if (c->peer && c->peer->r == c)
                c->peer->r = NULL;
        dia_conn_drop(c, false);
        list_unlink(&c->node);
        buf_free(&c->rx);
        free(c);
        dia_node_check_stopped(n);
}

/* Octets of the message that begins here: 0 when more are needed, 1 when the frame is wrong. */
static size_t frame_size(struct dia_conn *c, struct span s)
{
        uint32_t length, max = c->dn->message_max;

        if (s.n && s.p[0] != 1)
                return 1;
        if (s.n < 4)
                return 0;
        if (!c->peer && max > STRANGER_MESSAGE_MAX)
                max = STRANGER_MESSAGE_MAX;
        length = dia_get_u32(s.p) & 0xffffff;
        if (length < DIA_HEADER || (length & 3) || length > max)
                return 1;
        return s.n < length ? 0 : length;
}

/* Handles the whole messages in s and returns what is left of it. */
static struct span take_frames(struct dia_conn *c, struct span s)
{
        while (!c->closed && s.n) {
                size_t n = frame_size(c, s);

                if (n == 0)
                        return s;
                if (n == 1) {
                        dia_receive_broken(
                                c, s, s.p[0] != 1 ? DIA_UNSUPPORTED_VERSION : DIA_INVALID_MESSAGE_LENGTH);
                        return SPAN_NULL;
                }
                dia_receive(c, span_sub(s, 0, n));
                s = span_sub(s, n, s.n);
        }
        return SPAN_NULL;
}

/* The message in rx, completed from data as far as that goes. */
static struct span complete(struct dia_conn *c, struct span data)
{
        size_t want, have = c->rx.n;

        if (have < 4) { /* the length itself is cut */
                size_t more = 4 - have < data.n ? 4 - have : data.n;

                buf_put(&c->rx, data.p, more);
                data = span_sub(data, more, data.n);
                if (c->rx.n < 4 && frame_size(c, buf_as_span(&c->rx)) == 0)
                        return data;
        }
        if (frame_size(c, buf_as_span(&c->rx)) != 1) {
                want = (dia_get_u32(c->rx.p) & 0xffffff) - c->rx.n;
                want = want < data.n ? want : data.n;
                buf_put(&c->rx, data.p, want);
                data = span_sub(data, want, data.n);
        }
        if (!c->rx.err && frame_size(c, buf_as_span(&c->rx)) != 0) {
                struct buf whole = buf_take(&c->rx);

                take_frames(c, buf_as_span(&whole));
                buf_free(&whole);
        }
        return data;
}

static void on_data(struct tcp_conn *tcp, struct span data, void *arg)
{
        struct dia_conn *c = arg;

        (void)tcp;
        while (!c->closed && c->rx.n && data.n && !c->rx.err)
                data = complete(c, data);
        if (!c->closed && data.n) {
                data = take_frames(c, data);
                if (!c->closed && data.n)
                        buf_span(&c->rx, data);
        }
        if (!c->closed && c->rx.err) {
                log_error("diameter %s: %s", c->name, ims_strerror(c->rx.err));
                tcp_close(c->tcp, false);
        }
}
