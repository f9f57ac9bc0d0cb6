/* SPDX-License-Identifier: BSD-3-Clause
 * A connection: octets to messages and back. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/diameter/msg.h"
#include "common/diameter/node_int.h"

#define SEND_QUEUE ((size_t)32 << 20) /* octets a peer may leave unread before it counts as dead */

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
        c->rx.max = n->message_max;
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

int dia_conn_open(struct dia_peer *p, struct dia_conn **out)
{
        struct dia_node *n = p->dn;
        struct dia_conn *c = conn_new(n, &p->addr);
        int err;

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
        c->peer = p;
        *out = c;
        return 0;
}

static void on_cer_timeout(struct tmr *t, void *arg)
{
        struct dia_conn *c = arg;

        (void)t;
        log_warn("diameter %s: no CER in time, closing", c->name);
        dia_conn_drop(c, false);
}

void dia_conn_accepted(struct tcp_conn *tcp, void *node)
{
        struct dia_node *n = node;
        struct dia_conn *c;

        if (n->stopping)
                return; /* without handlers TCP closes it */
        c = conn_new(n, tcp_remote(tcp));
        if (!c)
                return;
        c->tcp = tcp;
        tcp_set_queue_limit(tcp, SEND_QUEUE);
        tcp_set_handlers(tcp, &tcp_handlers, c);
        if (tmr_start(n->loop, &c->cer, n->cer_ms, on_cer_timeout, c))
                dia_conn_drop(c, false);
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
        uint32_t length;

        if (s.n && s.p[0] != 1)
                return 1;
        if (s.n < 4)
                return 0;
        length = dia_get_u32(s.p) & 0xffffff;
        if (length < DIA_HEADER || (length & 3) || length > c->dn->message_max)
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
                struct buf whole = c->rx;

                c->rx = (struct buf){.max = c->dn->message_max};
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
