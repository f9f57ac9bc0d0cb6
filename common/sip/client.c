/* SPDX-License-Identifier: BSD-3-Clause
 * Client requests: finding the addresses of the next hop, trying one after the other, and what a node may
 * ask for. RFC 3263 4, RFC 3261 8.1.2 and 18.1.1. */
#include "common/sip/client.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/txn_server.h"

#define KEEP ";keep" /* RFC 6223 4.2.1 */

/* Stands in the message until the first address is known. */
#define VIA_UNKNOWN SPAN("SIP/2.0/UDP unknown.invalid;branch=" SIP_COOKIE)

/* --- life ----------------------------------------------------------------------------------------- */

struct sip_client *sip_client_new(struct sip_stack *s, enum sip_method method)
{
        struct sip_client *c = calloc(1, sizeof(*c));

        if (!c)
                return NULL;
        c->stack = s;
        c->method = method;
        c->fsm = method == SIP_INVITE ? &sip_fsm_invite_client : &sip_fsm_client;
        c->t1_ms = s->conf.t1_ms;
        c->t2_ms = s->conf.t2_ms;
        c->udp_max = s->conf.udp_max;
        c->user.fn = sip_client_conn_ended;
        list_append(&s->clients, &c->all);
        s->n_clients++;
        return c;
}

void sip_client_free(struct sip_client *c)
{
        struct sip_stack *s = c->stack;

        list_unlink(&c->all);
        s->n_clients--;
        sip_client_unindex(c);
        list_unlink(&c->user.node);
        tmr_stop(s->loop, &c->retransmit);
        tmr_stop(s->loop, &c->end);
        if (c->query)
                resolver_cancel(c->query);
        sip_use_end(c->port, &c->used);
        sip_request_unref(c->peer);
        sip_client_drop_octets(c);
        free(c->tls_name);
        free(c);
}

int sip_client_index(struct sip_client *c)
{
        int err;

        sip_client_unindex(c);
        err = htab_insert(&c->stack->branches, &c->by_branch, hash_span(span_of(c->branch)));
        c->in_branches = err == 0;
        return err;
}

void sip_client_unindex(struct sip_client *c)
{
        if (c->in_branches)
                htab_remove(&c->stack->branches, &c->by_branch);
        c->in_branches = false;
}

/* --- one attempt ---------------------------------------------------------------------------------- */

static bool listens(const struct sip_stack *s, enum transport t, bool v6)
{
        list_for_each(pos, &s->listeners)
        {
                const struct sip_listener *li = container_of(pos, struct sip_listener, node);

                if (li->transport == t && addr_is_v6(&li->local) == v6)
                        return true;
        }
        return false;
}

/* Transport and local side of the way to the current hop. */
static int choose_flow(struct sip_client *c)
{
        const struct resolved *hop = &c->hops[c->hop];
        struct sip_flow *f = &c->flow;
        bool v6 = addr_is_v6(&hop->addr);

        *f = (struct sip_flow){.transport = hop->transport, .local = c->given.local, .remote = hop->addr};
        if (c->given.transport != TRANSPORT_ANY)
                *f = c->given;
        if (f->transport == TRANSPORT_ANY && c->sips)
                f->transport = TRANSPORT_TLS;
        if (f->transport == TRANSPORT_ANY) {
                bool udp = sip_protected_of(c->stack, &f->local) || listens(c->stack, TRANSPORT_UDP, v6);

                f->transport = udp ? TRANSPORT_UDP : TRANSPORT_TCP;
        }
        if (c->sips && f->transport != TRANSPORT_TLS)
                return -IMS_EUNSUPPORTED; /* RFC 3261 26.2.2 */
        if (!sip_is_stream(f->transport) || !f->local.u.sa.sa_family)
                return sip_transport_local(c->stack, f);
        return 0;
}

/* Whether the owner of the stack lets the message go that way. */
static int ask_owner(struct sip_client *c)
{
        const struct sip_stack *s = c->stack;
        const char *why = c->given.transport == TRANSPORT_ANY && s->handlers.bars
                                  ? s->handlers.bars(&c->flow, s->arg)
                                  : NULL;

        if (!why)
                return 0;
        c->barred = why;
        return -IMS_EUNPROTECTED;
}

static int write_via(struct sip_client *c)
{
        char via[SIP_VIA_MAX];
        size_t n;

        if (!c->via_n)
                return 0; /* a response */
        n = sip_via_write(c->stack, &c->flow, c->branch, via, &c->sent_by);
        if (c->keep && n + sizeof(KEEP) <= sizeof(via)) {
                memcpy(via + n, KEEP, sizeof(KEEP) - 1);
                n += sizeof(KEEP) - 1;
        }
        return sip_client_set_via(c, span_make(via, n));
}

void sip_client_use(struct sip_client *c)
{
        if (c->stateless)
                return;
        c->port = sip_use_begin(c->stack, &c->flow);
        if (c->port)
                c->used = c->flow;
}

/* Sends to the current hop. What is too large for UDP goes over TCP, unless that failed. */
static int attempt(struct sip_client *c)
{
        struct sip_stack *s = c->stack;
        int err = choose_flow(c);

        if (!err)
                err = ask_owner(c);
        if (c->same_conn && !sip_transport_alive(s, c->flow.conn_id))
                err = -IMS_EUNREACH;
        c->reused = false;
        sip_branch_new(c->suffix, c->branch);
        if (!err && !c->stateless)
                err = sip_client_index(c);
        if (!err)
                err = write_via(c);
        if (err)
                return err;
        c->too_large = c->flow.transport == TRANSPORT_UDP && c->n_octets > c->udp_max && !c->tcp_failed;
        if (c->too_large) {
                c->flow.transport = TRANSPORT_TCP;
                err = sip_transport_local(s, &c->flow);
                if (!err)
                        err = write_via(c);
                if (err)
                        return err;
        }
        err = sip_transport_send(s, &c->flow, c->tls_name, span_make(c->octets, c->n_octets),
                                 c->stateless ? NULL : &c->user, &c->reused);
        if (err)
                return err;
        c->sent = true;
        sip_stack_trace(s, true, &c->flow, span_make(c->octets, c->n_octets), NULL, NULL);
        sip_client_use(c);
        return c->stateless ? 0 : sip_client_start(c);
}

/* True when an attempt was sent. */
static bool try_hops(struct sip_client *c)
{
        char text[ADDR_STR];
        int err;

        while (c->hop < c->n_hops) {
                err = attempt(c);
                if (!err)
                        return true;
                if (err == -IMS_ENOMEM)
                        return false;
                if (c->reused && !c->retried) { /* it had ended already: a new connection */
                        c->retried = true;
                        continue;
                }
                if (c->too_large) {
                        c->tcp_failed = true;
                        continue;
                }
                log_info("no way to %s over %s: %s", addr_str(&c->hops[c->hop].addr, text),
                         transport_name(c->flow.transport),
                         err == -IMS_EUNPROTECTED ? c->barred : ims_strerror(err));
                sip_client_next_hop(c);
        }
        return false;
}

void sip_client_try(struct sip_client *c)
{
        struct sip_protected *before = c->port;
        struct sip_flow used;

        if (before) { /* is given up when the next attempt has begun: the port may be the same */
                used = c->used;
                c->port = NULL;
        }
        if (!try_hops(c))
                sip_client_fail(c, c->barred ? -IMS_EUNPROTECTED : -IMS_EUNREACH);
        if (before)
                sip_use_end(before, &used);
}

void sip_client_next_hop(struct sip_client *c)
{
        c->hop++;
        c->tcp_failed = c->retried = false;
}

void sip_client_send_again(struct sip_client *c, const char *note)
{
        struct span octets = span_make(c->octets, c->n_octets);

        if (sip_transport_send(c->stack, &c->flow, c->tls_name, octets, NULL, NULL) != 0)
                return; /* the timers go on */
        if (note)
                c->stack->stats.retransmitted++;
        sip_stack_trace(c->stack, true, &c->flow, octets, NULL, note);
}

/* --- the next hop --------------------------------------------------------------------------------- */

static void on_resolved(int err, const struct resolved *targets, size_t n, void *arg)
{
        struct sip_client *c = arg;

        c->query = NULL;
        if (err) {
                sip_client_fail(c, -IMS_EUNREACH);
        } else {
                c->n_hops = n < SIP_HOPS_MAX ? n : SIP_HOPS_MAX;
                memcpy(c->hops, targets, c->n_hops * sizeof(*targets));
                sip_client_try(c);
        }
        if (c->stateless && !c->in_call)
                sip_client_free(c);
}

static void go_to(struct sip_client *c, const struct addr *to, enum transport t)
{
        c->hops[0] = (struct resolved){*to, t};
        c->n_hops = 1;
        sip_client_try(c);
}

/* Whom TLS expects there. */
static int keep_name(struct sip_client *c, struct span name)
{
        if (!c->stack->tls_client || !name.n)
                return 0;
        c->tls_name = span_dup(name);
        return c->tls_name ? 0 : -IMS_ENOMEM;
}

/* Finds the addresses and makes the first attempt, now or when DNS has answered. */
static int find_hops(struct sip_client *c, const struct sip_target *target)
{
        struct sip_hop hop;
        int err = target->flow ? 0 : sip_hop_of(target->uri, &hop);

        if (!err)
                err = keep_name(c, target->tls_name.n || target->flow ? target->tls_name : hop.host);
        if (err)
                return err;
        if (target->flow) {
                c->given = *target->flow;
                go_to(c, &c->given.remote, c->given.transport);
                return 0;
        }
        c->sips = hop.sips;
        err = resolver_lookup(c->stack->resolver, hop.host, hop.port, hop.transport, hop.sips, on_resolved, c,
                              &c->query);
        if (err == -IMS_ENOMEM)
                return err;
        if (err)
                sip_client_fail(c, -IMS_EUNREACH);
        return 0;
}

/* --- what a node asks for ------------------------------------------------------------------------- */

static void apply_target(struct sip_client *c, const struct sip_target *t)
{
        c->t1_ms = t->t1_ms ? t->t1_ms : c->t1_ms;
        c->t2_ms = t->t2_ms ? t->t2_ms : c->t2_ms;
        c->udp_max = t->udp_max ? t->udp_max : c->udp_max;
        c->answer_ms = t->answer_ms;
        c->same_conn = t->flow && t->same_conn;
        c->keep = t->keep;
}

/* Writes the message, a request with a Via in front. */
static int write_octets(struct sip_client *c, const struct sip_edit *e)
{
        struct buf *out = &c->stack->scratch;
        struct span via = e->msg->is_request ? VIA_UNKNOWN : SPAN_NULL;
        ptrdiff_t at;
        int err;

        buf_reset(out);
        err = sip_edit_write(e, via, out);
        if (err)
                return err;
        if (out->n > c->stack->conf.message_max)
                return -IMS_ETOOBIG;
        if (via.n) {
                at = span_find(buf_as_span(out), via); /* right behind the start line */
                if (at < 0)
                        return -IMS_EINVAL;
                c->via_at = (size_t)at;
                c->via_n = via.n;
        }
        return sip_client_set_octets(c, buf_as_span(out));
}

/* Its failures are the caller's until in_call is false again. */
static int begin(struct sip_stack *s, const struct sip_edit *e, struct sip_client **out)
{
        struct sip_client *c = NULL;

        if (s->closing)
                return -IMS_ECLOSED;
        c = sip_client_new(s, e->msg->method);
        if (!c)
                return -IMS_ENOMEM;
        c->in_call = true;
        *out = c;
        return 0;
}

int sip_client_send(struct sip_stack *s, const struct sip_edit *e, const struct sip_target *target,
                    const struct sip_client_owner *owner, struct sip_client **out)
{
        struct sip_client *c = NULL;
        int err = begin(s, e, &c);

        if (err)
                return err;
        apply_target(c, target);
        err = owner->suffix ? span_copy(span_of(owner->suffix), c->suffix, sizeof(c->suffix)) : 0;
        if (!err)
                err = write_octets(c, e);
        if (!err)
                err = find_hops(c, target);
        if (!err && c->err && !tmr_running(&c->end))
                err = -IMS_ENOMEM; /* the failure could not be reported */
        if (err) {
                sip_client_free(c);
                return err;
        }
        c->in_call = false;
        c->fn = owner->fn;
        c->arg = owner->arg;
        if (out)
                *out = c;
        return 0;
}

int sip_send(struct sip_stack *s, const struct sip_edit *e, const struct sip_target *target,
             sip_response_fn *fn, void *arg, struct sip_client **out)
{
        struct sip_client_owner owner = {.fn = fn, .arg = arg};

        return sip_client_send(s, e, target, &owner, out);
}

void sip_client_abandon(struct sip_client *c)
{
        c->fn = NULL;
}

void sip_client_set_peer(struct sip_client *c, struct sip_request *rq, sip_further_fn *fn, void *arg)
{
        c->peer = sip_request_ref(rq);
        c->on_further = fn;
        c->further_arg = arg;
}

/* Where a response goes that belongs to no transaction of ours. */
static int find_by_via(struct sip_client *c, const struct sip_msg *m)
{
        struct addr to;
        enum transport t;
        int err = transport_parse(m->via.transport, &t);

        if (!err)
                err = sip_via_addr(&m->via, &to);
        if (err)
                return -IMS_EINVAL;
        if (m->via.rport)
                addr_set_port(&to, m->via.rport);
        go_to(c, &to, t);
        return 0;
}

static int stateless_new(struct sip_stack *s, const struct sip_edit *e, struct sip_client **out)
{
        struct sip_client *c = NULL;
        int err = begin(s, e, &c);

        if (err)
                return err;
        c->stateless = true;
        err = write_octets(c, e);
        if (err)
                sip_client_free(c);
        else
                *out = c;
        return err;
}

int sip_send_stateless(struct sip_stack *s, const struct sip_edit *e, const struct sip_target *target)
{
        struct sip_client *c;
        int err = stateless_new(s, e, &c);

        if (err)
                return err;
        if (target) {
                apply_target(c, target);
                err = find_hops(c, target);
        } else {
                err = e->msg->is_request ? -IMS_EINVAL : find_by_via(c, e->msg);
        }
        if (!err && c->err)
                err = c->err;
        c->in_call = false;
        if (err || c->sent)
                sip_client_free(c);
        return err;
}

uint32_t sip_clients_unanswered(const struct sip_stack *s)
{
        uint32_t n = 0;

        list_for_each(pos, &s->clients)
        {
                const struct sip_client *c = container_of(pos, const struct sip_client, all);

                n += c->state == CT_ST_START || c->state == CT_ST_PROCEEDING;
        }
        return n;
}

void sip_clients_end(struct sip_stack *s)
{
        list_for_each_safe(pos, tmp, &s->clients) /* no owner can free another one */
        {
                struct sip_client *c = container_of(pos, struct sip_client, all);
                sip_response_fn *fn = c->fn;

                c->fn = NULL;
                if (fn)
                        fn(c, -IMS_ECANCELED, NULL, c->arg);
                sip_client_free(c);
        }
}
