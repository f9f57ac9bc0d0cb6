/* SPDX-License-Identifier: BSD-3-Clause
 * TLS under the connections of the stack: who may begin a handshake, what is told of it, and what an owner
 * may ask of a flow. TS 33.203 O.2, O.4. */
#include "common/base/log.h"
#include "common/net/tls_conf.h"
#include "common/sip/conn.h"

/* --- handshakes ----------------------------------------------------------------------------------- */

void sip_conn_handshake_over(struct sip_conn *c)
{
        if (!c->handshaking)
                return;
        c->handshaking = false;
        sip_source_handshake_over(c->source);
}

static void on_session(struct tcp_conn *tcp, const struct tls_info *info, void *arg)
{
        struct sip_conn *c = arg;
        struct sip_stack *s = c->stack;
        const struct sip_flow flow = c->flow; /* the callee may close it */
        char text[ADDR_STR];

        (void)tcp;
        if (log_enabled(LOG_INFO) && log_pace(&s->handshakes, SIP_LINES_MAX, "handshakes"))
                log_info("TLS with %s: %s, %s%s", addr_str(&flow.remote, text), info->version, info->cipher,
                         info->resumed ? ", resumed" : "");
        sip_conn_handshake_over(c);
        if (s->handlers.on_tls_session)
                s->handlers.on_tls_session(&flow, info, s->arg);
}

/* A neighbour of the core carries the traffic of many, and is one of few. */
static bool is_bounded(const struct sip_conn *c)
{
        return c->source && c->stack->gate && !sip_is_core(c->stack, &c->flow.remote);
}

static bool may_begin(struct tcp_conn *tcp, bool known, void *arg)
{
        struct sip_conn *c = arg;

        (void)tcp;
        if (!is_bounded(c) || tls_gate_hello(c->stack->gate, &c->flow.remote, known))
                return true;
        c->stack->stats.faults[SIP_FAULT_HANDSHAKE_RATE]++;
        return false;
}

int sip_conn_start_tls(struct sip_conn *c, struct tls_context *ctx)
{
        struct tls_hooks hooks = {.may_begin = may_begin, .on_session = on_session, .arg = c};
        char target[ADDR_STR];

        if (c->source && !sip_source_handshake(c->source, &c->flow.remote))
                return -IMS_ELIMIT;
        c->handshaking = c->source != NULL;
        if (!c->source && c->stack->tls_proxy.u.sa.sa_family) {
                hooks.tunnel = addr_str(&c->flow.remote, target);
                hooks.tunnel_auth = &c->stack->tls_proxy_auth;
        }
        return tls_start(c->tcp, ctx, c->name, &hooks);
}

/* A note for the trace: nothing that could be read came. */
static void trace_failure(struct sip_conn *c, const char *why)
{
        struct buf note = BUF_INIT;

        buf_printf(&note, "TLS failed: %s", why);
        buf_char(&note, '\0');
        if (!note.err)
                sip_stack_trace(c->stack, false, &c->flow, SPAN_NULL, NULL, note.p);
        buf_free(&note);
}

void sip_conn_tls_failed(struct sip_conn *c)
{
        const char *why = tls_failure(c->tcp);
        char text[ADDR_STR];

        if (!*why)
                return;
        if (c->stack->handlers.on_tls_failure)
                c->stack->handlers.on_tls_failure(&c->flow, why, c->stack->arg);
        if (c->source && !sip_stack_fault(c->stack, &c->flow.remote, SIP_FAULT_TLS))
                return; /* counted */
        log_warn("TLS with %s failed: %s", addr_str(&c->flow.remote, text), why);
        trace_failure(c, why);
}

/* --- asked by the owner --------------------------------------------------------------------------- */

static struct sip_conn *conn_of(const struct sip_stack *s, const struct sip_flow *flow)
{
        return flow->conn_id ? sip_conn_by_id(s, flow->conn_id) : NULL;
}

void sip_stack_set_tls_client(struct sip_stack *s, struct tls_context *ctx)
{
        struct tls_context *before = s->tls_client;

        s->tls_client = ctx ? tls_context_ref(ctx) : NULL;
        tls_context_free(before);
}

void sip_stack_set_tls_proxy(struct sip_stack *s, const struct addr *proxy,
                             const struct http_proxy_auth *auth)
{
        s->tls_proxy = proxy ? *proxy : (struct addr){0};
        s->tls_proxy_auth = auth ? *auth : (struct http_proxy_auth){0};
}

/* Whether a listener before pos has the same context. */
static bool is_done(const struct sip_stack *s, const struct list *pos)
{
        const struct sip_listener *this = container_of(pos, const struct sip_listener, node);

        for (const struct list *at = s->listeners.next; at != pos; at = at->next)
                if (container_of(at, const struct sip_listener, node)->tls == this->tls)
                        return true;
        return false;
}

void sip_stack_reload_tls(struct sip_stack *s)
{
        list_for_each(pos, &s->listeners)
        {
                struct sip_listener *li = container_of(pos, struct sip_listener, node);

                if (li->tls && !is_done(s, pos))
                        tls_conf_reload(li->tls, "TLS");
        }
        if (s->tls_client)
                tls_conf_reload(s->tls_client, "TLS");
}

bool sip_flow_tls(const struct sip_stack *s, const struct sip_flow *flow, struct tls_info *out)
{
        const struct sip_conn *c = conn_of(s, flow);

        return c && tls_info_of(c->tcp, out);
}

void sip_flow_vouch(struct sip_stack *s, const struct sip_flow *flow)
{
        struct sip_conn *c = conn_of(s, flow);

        if (!c || c->flow.transport != TRANSPORT_TLS)
                return;
        tls_vouch(c->tcp);
        if (s->gate)
                tls_gate_vouch(s->gate, &c->flow.remote);
}

void sip_flow_close(struct sip_stack *s, const struct sip_flow *flow, bool forget_session)
{
        struct sip_conn *c = conn_of(s, flow);

        if (!c)
                return;
        if (forget_session)
                tls_forget(c->tcp);
        sip_conn_close(c, true, -IMS_ECLOSED);
}

int sip_flow_renegotiate(struct sip_stack *s, const struct sip_flow *flow)
{
        struct sip_conn *c = conn_of(s, flow);

        return c ? tls_renegotiate(c->tcp) : -IMS_ECLOSED;
}
