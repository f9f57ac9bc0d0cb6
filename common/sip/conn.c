/* SPDX-License-Identifier: BSD-3-Clause
 * One TCP connection: messages out of the stream, keep-alives, and the limits on what a peer may keep us
 * waiting for. RFC 3261 18, RFC 5626 3.5.1 (CRLF keep-alive). */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/conn.h"

#define KEEP_BUFFER 8192 /* octets; a larger empty input buffer is given back */

/* --- finding -------------------------------------------------------------------------------------- */

struct sip_conn *sip_conn_first(const struct sip_stack *s)
{
        return container_of(s->conns.next, struct sip_conn, node);
}

bool sip_conn_is_protected(const struct sip_conn *c)
{
        return c->port;
}

static bool eq_id(const struct hnode *n, const void *key)
{
        return container_of(n, const struct sip_conn, by_id)->flow.conn_id == *(const uint64_t *)key;
}

struct sip_conn *sip_conn_by_id(const struct sip_stack *s, uint64_t id)
{
        struct hnode *n = htab_find(&s->conns_by_id, hash_mix(id, 0), eq_id, &id);

        return n ? container_of(n, struct sip_conn, by_id) : NULL;
}

struct ends {
        const struct addr *local, *remote;
        enum transport transport;
        const char *name; /* TLS: only one that was opened to this name */
};

static bool eq_ends(const struct hnode *n, const void *key)
{
        const struct sip_conn *c = container_of(n, const struct sip_conn, by_remote);
        const struct ends *e = key;

        return !c->port && c->flow.transport == e->transport && addr_eq(&c->flow.remote, e->remote) &&
               (!e->local || addr_ip_eq(&c->flow.local, e->local)) &&
               (!e->name || (c->name && strcasecmp(c->name, e->name) == 0));
}

static bool eq_both(const struct hnode *n, const void *key)
{
        const struct sip_conn *c = container_of(n, const struct sip_conn, by_remote);
        const struct ends *e = key;

        return c->port && addr_eq(&c->flow.remote, e->remote) && addr_eq(&c->flow.local, e->local);
}

/* At a protected port many may share the remote address: there the local one counts, too. */
static uint64_t hash_ends(const struct sip_protected *port, const struct addr *local,
                          const struct addr *remote)
{
        return port ? hash_mix(addr_hash(remote), addr_hash(local)) : addr_hash(remote);
}

struct sip_conn *sip_conn_to(const struct sip_stack *s, const struct sip_flow *flow, const char *name)
{
        struct ends key = {&flow->local, &flow->remote, flow->transport, name};
        struct hnode *n;

        if (flow->local.u.sa.sa_family == AF_UNSPEC || addr_is_any(&flow->local))
                key.local = NULL;
        n = htab_find(&s->conns_by_remote, addr_hash(&flow->remote), eq_ends, &key);
        return n ? container_of(n, struct sip_conn, by_remote) : NULL;
}

struct sip_conn *sip_conn_between(const struct sip_stack *s, const struct addr *local,
                                  const struct addr *remote)
{
        const struct ends key = {.local = local, .remote = remote};
        const struct sip_protected *port = sip_protected_of(s, local);
        struct hnode *n =
                port ? htab_find(&s->conns_by_remote, hash_ends(port, local, remote), eq_both, &key) : NULL;

        return n ? container_of(n, struct sip_conn, by_remote) : NULL;
}

const struct sip_flow *sip_conn_flow(const struct sip_conn *c)
{
        return &c->flow;
}

/* --- end ------------------------------------------------------------------------------------------ */

static void conn_free(struct sip_conn *c)
{
        buf_free(&c->in);
        free(c->name);
        free(c);
}

/* Takes the connection out of the stack and tells its users. */
static void conn_end(struct sip_conn *c, int reason)
{
        struct sip_stack *s = c->stack;
        const struct sip_flow flow = c->flow;

        c->gone = true;
        sip_conn_handshake_over(c);
        list_unlink(&c->node);
        list_unlink(&c->port_node);
        c->port = NULL;
        htab_remove(&s->conns_by_id, &c->by_id);
        htab_remove(&s->conns_by_remote, &c->by_remote);
        tmr_stop(s->loop, &c->partial);
        tmr_stop(s->loop, &c->idle);
        s->stats.conns--;
        sip_source_disconnected(c->source);
        c->source = NULL;
        while (!list_empty(&c->users)) {
                struct sip_conn_user *u = container_of(c->users.next, struct sip_conn_user, node);

                list_unlink(&u->node);
                u->fn(u, reason);
        }
        if (!c->busy)
                conn_free(c);
        if (s->handlers.on_flow_end && !s->closing)
                s->handlers.on_flow_end(&flow, reason, s->arg);
}

void sip_conn_close(struct sip_conn *c, bool flush, int reason)
{
        struct tcp_conn *tcp = c->tcp;

        if (c->gone)
                return;
        tcp_set_handlers(tcp, &tcp_deaf, NULL);
        conn_end(c, reason);
        tcp_close(tcp, flush);
}

void sip_conn_reset(struct sip_conn *c, bool silent)
{
        struct tcp_conn *tcp = c->tcp;

        tcp_set_handlers(tcp, &tcp_deaf, NULL);
        conn_end(c, -IMS_ECLOSED);
        tcp_reset(tcp, silent);
}

void sip_conns_reset(struct sip_protected *port)
{
        while (!list_empty(&port->conns))
                sip_conn_reset(container_of(port->conns.next, struct sip_conn, port_node), false);
}

/* --- limits on time ------------------------------------------------------------------------------- */

static const char *peer(const struct sip_conn *c, char text[static ADDR_STR])
{
        return addr_str(&c->flow.remote, text);
}

static void on_partial(struct tmr *t, void *arg)
{
        struct sip_conn *c = arg;

        (void)t;
        if (sip_stack_fault(c->stack, &c->flow.remote, SIP_FAULT_PARTIAL))
                sip_stack_malformed(c->stack, &c->flow, buf_as_span(&c->in), -IMS_ETIMEOUT);
        else
                c->stack->stats.malformed++;
        sip_conn_close(c, false, -IMS_ETIMEOUT);
}

/* How long it may be idle: until its first message, one that was accepted has less time. Within a message the
 * timer of its rest decides. */
static uint64_t idle_limit(const struct sip_conn *c)
{
        const struct sip_stack_conf *conf = &c->stack->conf;

        return c->source && !c->heard && conf->tcp_first_ms < conf->tcp_idle_ms ? conf->tcp_first_ms
                                                                                : conf->tcp_idle_ms;
}

static void on_idle(struct tmr *t, void *arg)
{
        struct sip_conn *c = arg;
        uint64_t quiet = loop_now_ms(c->stack->loop) - c->used_ms;
        uint64_t limit = idle_limit(c);

        if (c->source && !c->heard && !tmr_running(&c->partial)) {
                (void)sip_stack_fault(c->stack, &c->flow.remote, SIP_FAULT_SILENT);
                sip_conn_close(c, false, -IMS_ETIMEOUT);
                return;
        }
        if (quiet >= limit && list_empty(&c->users) && !tmr_running(&c->partial)) {
                sip_conn_close(c, true, 0);
                return;
        }
        if (tmr_start(c->stack->loop, t, quiet < limit ? limit - quiet : limit, on_idle, c) != 0)
                sip_conn_close(c, true, -IMS_ENOMEM);
}

/* --- in ------------------------------------------------------------------------------------------- */

/* One whole message, or the header of one that is too large. */
static void take_message(struct sip_conn *c, struct span text, bool too_large)
{
        struct sip_msg *m = NULL;
        size_t used;
        int err = sip_msg_parse(text, too_large ? SIP_DATAGRAM : SIP_STREAM, &m, &used);
        bool close = err != 0 || too_large || !c->frame.length_good;

        c->heard = c->heard || !err;
        if (err) {
                sip_stack_malformed(c->stack, &c->flow, text, err);
        } else {
                if (too_large)
                        sip_stack_too_large(c->stack, &m, &c->flow);
                else
                        sip_stack_receive(c->stack, &m, &c->flow);
                sip_msg_unref(m);
        }
        if (close) /* where the next message begins is not known */
                sip_conn_close(c, true, -IMS_EPROTO);
}

/* A double CRLF between messages is a ping, answered by one CRLF. */
static void take_line_end(struct sip_conn *c, char octet)
{
        if (octet == '\n' && c->pings) {
                c->pings--; /* the pong to ours */
                if (c->stack->handlers.on_pong)
                        c->stack->handlers.on_pong(&c->flow, c->stack->arg);
                return;
        }
        if (octet != '\n' || ++c->line_ends < 2)
                return;
        c->line_ends = 0;
        if (tcp_send(c->tcp, SPAN("\r\n")) != 0)
                sip_conn_close(c, false, -IMS_ELIMIT);
}

/* Returns how many octets were used up. */
static size_t take(struct sip_conn *c, struct span d)
{
        size_t at = 0, max = c->stack->conf.message_max;

        while (at < d.n && !c->gone) {
                struct span rest = span_sub(d, at, d.n);

                if (!c->frame.scanned && (*rest.p == '\r' || *rest.p == '\n')) {
                        take_line_end(c, *rest.p);
                        at++;
                        continue;
                }
                c->line_ends = 0;
                if (!sip_frame_scan(&c->frame, rest)) {
                        if (rest.n > max) {
                                sip_stack_malformed(c->stack, &c->flow, rest, -IMS_ETOOBIG);
                                sip_conn_close(c, false, -IMS_ETOOBIG);
                        }
                        break;
                }
                if (c->frame.total > max) {
                        take_message(c, span_sub(rest, 0, c->frame.head), true);
                        break;
                }
                if (rest.n < c->frame.total)
                        break;
                take_message(c, span_sub(rest, 0, c->frame.total), false);
                at += c->frame.total;
                c->frame = (struct sip_frame){0};
        }
        return at;
}

/* Keeps what was not used; d is c->in or somebody else's memory. */
static int keep_rest(struct sip_conn *c, struct span d, size_t used)
{
        if (!c->in.n) {
                buf_span(&c->in, span_sub(d, used, d.n));
        } else if (used) {
                memmove(c->in.p, c->in.p + used, c->in.n - used);
                c->in.n -= used;
        }
        if (c->in.err)
                return c->in.err;
        if (!c->in.n) {
                tmr_stop(c->stack->loop, &c->partial);
                if (c->in.cap > KEEP_BUFFER)
                        buf_free(&c->in);
                return 0;
        }
        if (!used && tmr_running(&c->partial))
                return 0; /* the time for this message runs */
        return tmr_start(c->stack->loop, &c->partial, c->stack->conf.tcp_partial_ms, on_partial, c);
}

static void on_data(struct tcp_conn *tcp, struct span data, void *arg)
{
        struct sip_conn *c = arg;
        int err = 0;
        size_t used;

        (void)tcp;
        c->used_ms = loop_now_ms(c->stack->loop);
        if (c->in.n) {
                buf_span(&c->in, data);
                data = buf_as_span(&c->in);
                err = c->in.err;
        }
        if (!err) {
                c->busy = true;
                used = take(c, data);
                c->busy = false;
                if (c->gone) {
                        conn_free(c);
                        return;
                }
                err = keep_rest(c, data, used);
        }
        if (err)
                sip_conn_close(c, false, err);
}

/* --- begin ---------------------------------------------------------------------------------------- */

static void on_connect(struct tcp_conn *tcp, void *arg)
{
        struct sip_conn *c = arg;

        c->flow.local = *tcp_local(tcp);
}

/* Does not read: closed already, or about to be. */
static void unread(struct sip_conn *c)
{
        char text[ADDR_STR];

        if (c->source)
                (void)sip_stack_fault(c->stack, &c->flow.remote, SIP_FAULT_UNREAD);
        else
                log_info("connection to %s closed: it does not read what is sent", peer(c, text));
}

static void on_close(struct tcp_conn *tcp, int reason, void *arg)
{
        struct sip_conn *c = arg;

        (void)tcp;
        if (reason == -IMS_ELIMIT)
                unread(c);
        else if (c->flow.transport == TRANSPORT_TLS)
                sip_conn_tls_failed(c);
        conn_end(c, reason ? reason : -IMS_ECLOSED);
}

static const struct tcp_handlers handlers = {on_connect, on_data, on_close};

#define CORE_QUEUE 64 /* times the queue of a single peer: a busy core node may pause for a second */

static void limits(const struct sip_stack *s, struct tcp_conn *tcp)
{
        size_t queue = s->conf.tcp_queue;

        tcp_set_queue_limit(tcp, sip_is_core(s, tcp_remote(tcp)) ? CORE_QUEUE * queue : queue);
        tcp_set_unread_limit(tcp, s->conf.tcp_unread_ms);
}

/* Makes the stack's side of a connection; source is NULL for one that we open. -IMS_ENOMEM. */
static int conn_new(struct sip_stack *s, struct sip_source *source, const struct sip_flow *flow,
                    struct sip_protected *port, struct sip_conn **out)
{
        struct sip_conn *c = calloc(1, sizeof(*c));
        int err;

        if (!c)
                return -IMS_ENOMEM;
        c->stack = s;
        c->source = source;
        c->port = port;
        c->flow = *flow;
        c->flow.conn_id = ++s->last_conn_id;
        c->used_ms = loop_now_ms(s->loop);
        c->in.secret = true;
        c->in.max = 2 * (size_t)s->conf.message_max + 65536; /* one message and one reading */
        list_init(&c->users);
        err = htab_insert(&s->conns_by_id, &c->by_id, hash_mix(c->flow.conn_id, 0));
        if (!err)
                err = htab_insert(&s->conns_by_remote, &c->by_remote,
                                  hash_ends(port, &flow->local, &flow->remote));
        if (!err)
                err = tmr_start(s->loop, &c->idle, idle_limit(c), on_idle, c);
        if (err) {
                htab_remove(&s->conns_by_id, &c->by_id);
                htab_remove(&s->conns_by_remote, &c->by_remote);
                free(c);
                return err;
        }
        list_append(&s->conns, &c->node);
        if (port)
                list_append(&port->conns, &c->port_node);
        s->stats.conns++;
        *out = c;
        return 0;
}

void sip_conn_accepted(const struct sip_listener *li, struct tcp_conn *tcp)
{
        struct sip_stack *s = li->stack;
        struct sip_flow flow = {li->transport, *tcp_local(tcp), *tcp_remote(tcp), 0};
        struct sip_source *source = NULL;
        struct sip_conn *c;

        if (li->tls && s->gate && !sip_is_core(s, &flow.remote) && !tls_gate_accepts(s->gate, &flow.remote)) {
                s->stats.faults[SIP_FAULT_HANDSHAKE_RATE]++;
                return;
        }
        if (sip_hears(s, &flow.local, &flow.remote))
                source = sip_source_connected(s, &flow.remote);
        if (!source)
                return; /* without handlers it is closed */
        if (conn_new(s, source, &flow, li->port, &c) != 0) {
                sip_source_disconnected(source);
                return;
        }
        c->tcp = tcp;
        limits(s, tcp);
        tcp_set_handlers(tcp, &handlers, c);
        if (li->tls && sip_conn_start_tls(c, li->tls) != 0)
                sip_conn_close(c, false, -IMS_ELIMIT);
}

/* To whom the connection is opened: with a proxy, to that one. */
static const struct addr *first_hop(const struct sip_conn *c)
{
        const struct addr *proxy = &c->stack->tls_proxy;

        return c->flow.transport == TRANSPORT_TLS && proxy->u.sa.sa_family ? proxy : &c->flow.remote;
}

/* The connection is made; TLS begins under it where it shall. */
static int open_tcp(struct sip_conn *c, const struct addr *from, const char *name)
{
        struct sip_stack *s = c->stack;
        int err;

        if (name && !(c->name = span_dup(span_of(name))))
                return -IMS_ENOMEM;
        err = tcp_connect(s->loop, from, first_hop(c), s->conf.tcp_connect_ms, &handlers, c, &c->tcp);
        if (err || c->flow.transport != TRANSPORT_TLS)
                return err;
        err = sip_conn_start_tls(c, s->tls_client);
        if (err) {
                tcp_set_handlers(c->tcp, &tcp_deaf, NULL);
                tcp_close(c->tcp, false);
        }
        return err;
}

int sip_conn_open(struct sip_stack *s, const struct sip_flow *to, const char *name,
                  struct sip_protected *port, struct sip_conn **out)
{
        struct addr from = to->local;
        bool bound = from.u.sa.sa_family != AF_UNSPEC && !addr_is_any(&from),
             tls = to->transport == TRANSPORT_TLS;
        struct sip_flow flow = {to->transport, to->local, to->remote, 0};
        struct sip_conn *c;
        int err = tls && !s->tls_client ? -IMS_EUNSUPPORTED : conn_new(s, NULL, &flow, port, &c);

        if (err)
                return err;
        if (bound && !port)
                addr_set_port(&from, 0);
        err = open_tcp(c, bound ? &from : NULL, tls ? name : NULL);
        if (err) {
                conn_end(c, err);
                return err;
        }
        limits(s, c->tcp);
        if (port)
                tcp_prefer_reset(c->tcp);
        *out = c;
        return 0;
}

int sip_conn_send(struct sip_conn *c, struct span octets, struct sip_conn_user *user)
{
        char text[ADDR_STR];
        int err;

        c->used_ms = loop_now_ms(c->stack->loop);
        err = tcp_send(c->tcp, octets);
        if (err) {
                if (err == -IMS_ELIMIT)
                        unread(c);
                else
                        log_info("connection to %s closed: %s", peer(c, text), ims_strerror(err));
                sip_conn_close(c, false, err);
                return err;
        }
        if (user)
                list_append(&c->users, &user->node);
        return 0;
}

int sip_conn_ping(struct sip_conn *c)
{
        int err = tcp_send(c->tcp, SPAN("\r\n\r\n"));

        if (err)
                return err;
        c->used_ms = loop_now_ms(c->stack->loop);
        c->pings++;
        return 0;
}
