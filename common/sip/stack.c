/* SPDX-License-Identifier: BSD-3-Clause
 * The stack as a whole: making and ending it, the way of a message through its layers, traces, figures. */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/grammar.h"
#include "common/sip/via.h"

#define UDP_MAX               1300   /* octets, RFC 3261 18.1.1 */
#define MESSAGE_MAX           65535  /* octets */
#define MAX_CONNS             20000  /* accepted at once */
#define CONNS_PER_SOURCE      2000   /* of them, from one address */
#define TCP_QUEUE             262144 /* octets that wait for one peer */
#define MAX_HANDSHAKES        2000   /* accepted and under way */
#define HANDSHAKES_PER_SOURCE 200
#define MAX_TRANSACTIONS      200000 /* server transactions at once */

#define OPEN_PER_SOURCE 25000 /* of them without a final answer, from one address */

#define TRANSACTIONS_SIZE ((uint64_t)256 << 20) /* octets */
#define OPEN_SIZE         ((uint64_t)32 << 20)  /* of those without a final answer, from one address */

static uint32_t or_default(uint32_t given, uint32_t def)
{
        return given ? given : def;
}

static void conf_defaults(struct sip_stack_conf *c)
{
        c->t1_ms = or_default(c->t1_ms, sip_timer_ms(IMS_TIMER_T1));
        c->t2_ms = or_default(c->t2_ms, sip_timer_ms(IMS_TIMER_T2));
        c->t4_ms = or_default(c->t4_ms, sip_timer_ms(IMS_TIMER_T4));
        c->tcp_connect_ms = or_default(c->tcp_connect_ms, sip_timer_ms(IMS_TIMER_TCP_CONNECT));
        c->tcp_idle_ms = or_default(c->tcp_idle_ms, sip_timer_ms(IMS_TIMER_TCP_IDLE));
        c->tcp_partial_ms = or_default(c->tcp_partial_ms, sip_timer_ms(IMS_TIMER_SIP_PARTIAL));
        c->tcp_first_ms = or_default(c->tcp_first_ms, sip_timer_ms(IMS_TIMER_SIP_FIRST));
        c->tcp_unread_ms = or_default(c->tcp_unread_ms, sip_timer_ms(IMS_TIMER_TCP_UNREAD));
        c->tcp_queue = or_default(c->tcp_queue, TCP_QUEUE);
        c->max_conns_per_source = or_default(c->max_conns_per_source, CONNS_PER_SOURCE);
        c->udp_max = or_default(c->udp_max, UDP_MAX);
        c->message_max = or_default(c->message_max, MESSAGE_MAX);
        c->max_conns = or_default(c->max_conns, MAX_CONNS);
        c->max_handshakes = or_default(c->max_handshakes, MAX_HANDSHAKES);
        c->max_handshakes_per_source = or_default(c->max_handshakes_per_source, HANDSHAKES_PER_SOURCE);
        c->max_transactions = or_default(c->max_transactions, MAX_TRANSACTIONS);
        c->transactions_size = c->transactions_size ? c->transactions_size : TRANSACTIONS_SIZE;
        c->max_open_per_source = or_default(c->max_open_per_source, OPEN_PER_SOURCE);
        c->open_size_per_source = c->open_size_per_source ? c->open_size_per_source : OPEN_SIZE;
}

/* --- a message on its way ------------------------------------------------------------------------- */

void sip_stack_trace(struct sip_stack *s, bool outbound, const struct sip_flow *flow, struct span octets,
                     const struct sip_msg *m, const char *note)
{
        struct sip_trace_info info = {outbound, flow, octets, m, note, false};

        if (!s->handlers.on_trace)
                return;
        info.protected_port = sip_port_of(s, &flow->local) != SIP_PORT_OPEN;
        s->handlers.on_trace(&info, s->arg);
}

void sip_stack_malformed(struct sip_stack *s, const struct sip_flow *flow, struct span octets, int err)
{
        struct sip_trace_info info = {.flow = flow, .octets = octets};
        struct buf note = BUF_INIT;
        char text[ADDR_STR];

        s->stats.malformed++;
        if (!s->handlers.on_trace && !log_enabled(LOG_INFO))
                return;
        buf_printf(&note, "malformed: %s: ", ims_strerror(err));
        buf_quoted(&note, octets, 80);
        buf_char(&note, '\0');
        if (!note.err) {
                if (log_enabled(LOG_INFO) && log_pace(&s->malformed, SIP_LINES_MAX, "malformed messages"))
                        log_info("from %s over %s, %s", addr_str(&flow->remote, text),
                                 transport_name(flow->transport), note.p);
                info.note = note.p;
                if (s->handlers.on_trace)
                        s->handlers.on_trace(&info, s->arg);
        }
        buf_free(&note);
}

/* Asks the node whether it takes the message. */
static bool admitted(struct sip_stack *s, const struct sip_msg *m, const struct sip_flow *flow)
{
        struct log_ctx before;
        const char *note = NULL;
        bool taken;

        if (!s->handlers.admit)
                return true;
        before = log_ctx_set((struct log_ctx){.call_id = m->call_id});
        taken = s->handlers.admit(flow, m, &note, s->arg);
        if (!taken) {
                s->stats.dropped++;
                sip_stack_trace(s, false, flow, span_make(m->buf, m->n), m, note ? note : "dropped");
        }
        (void)log_ctx_set(before);
        return taken;
}

void sip_stack_receive(struct sip_stack *s, struct sip_msg **m, const struct sip_flow *flow)
{
        struct sip_msg *raw;
        struct log_ctx before;

        s->stats.received++;
        if (!admitted(s, *m, flow))
                return;
        raw = sip_msg_ref(*m); /* as it came, for the trace */
        if ((*m)->is_request && sip_via_stamp(m, &flow->remote) != 0) {
                log_error("a message was dropped: %s", ims_strerror(IMS_ENOMEM));
                sip_msg_unref(raw);
                return;
        }
        before = log_ctx_set((struct log_ctx){.call_id = (*m)->call_id});
        if ((*m)->is_request)
                sip_server_receive(s, *m, span_make(raw->buf, raw->n), flow);
        else
                sip_client_receive(s, *m, flow);
        (void)log_ctx_set(before);
        sip_msg_unref(raw);
}

void sip_stack_too_large(struct sip_stack *s, struct sip_msg **m, const struct sip_flow *flow)
{
        if (!(*m)->is_request) { /* nobody to tell, and without its body it may not go on */
                sip_stack_malformed(s, flow, span_make((*m)->buf, (*m)->n), -IMS_ETOOBIG);
                return;
        }
        (*m)->fault = "Message Too Large";
        (*m)->fault_status = 513;
        sip_stack_receive(s, m, flow);
}

/* --- the stack ------------------------------------------------------------------------------------ */

int sip_stack_new(struct loop *l, struct resolver *r, const struct sip_stack_conf *conf,
                  const struct sip_stack_handlers *handlers, void *arg, struct sip_stack **out)
{
        struct sip_stack *s = calloc(1, sizeof(*s));

        if (!s)
                return -IMS_ENOMEM;
        sip_grammar_init();
        s->loop = l;
        s->resolver = r;
        s->scratch.secret = true;
        s->conf = *conf;
        conf_defaults(&s->conf);
        s->handlers = *handlers;
        s->arg = arg;
        list_init(&s->listeners);
        list_init(&s->all_ports);
        list_init(&s->conns);
        list_init(&s->requests);
        list_init(&s->answered);
        list_init(&s->clients);
        *out = s;
        return 0;
}

void sip_stack_free(struct sip_stack *s)
{
        if (!s)
                return;
        s->closing = true;
        sip_clients_end(s);
        sip_servers_end(s);
        sip_transport_close_all(s);
        sip_sources_end(s);
        tls_gate_free(s->gate);
        tls_context_free(s->tls_client);
        htab_free(&s->conns_by_id);
        htab_free(&s->conns_by_remote);
        htab_free(&s->servers);
        htab_free(&s->calls);
        htab_free(&s->branches);
        buf_free(&s->scratch);
        free(s);
}

/* Any address of this host is meant by a listener on the any-address. */
static bool is_own_address(const struct addr *a)
{
        struct addr route;

        return sip_route_local(a, &route) == 0 && addr_ip_eq(&route, a);
}

static bool is_own_name(const struct sip_stack *s, struct span host)
{
        struct span name = span_of(s->conf.sent_by);

        return name.n && span_ieq(name, host);
}

bool sip_stack_is_self(const struct sip_stack *s, struct span host, uint16_t port)
{
        struct addr a;
        bool literal = addr_parse(host, SIP_PORT, &a) == 0;
        bool name = is_own_name(s, host);

        if (!literal && !name)
                return false;
        if (name && port == 0)
                return true; /* DNS chooses the port of a name that has none */
        list_for_each(pos, &s->listeners)
        {
                const struct sip_listener *li = container_of(pos, struct sip_listener, node);
                uint16_t usual = li->transport == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;

                if (addr_port(&li->local) != (port ? port : usual))
                        continue;
                if (name || addr_ip_eq(&li->local, &a))
                        return true;
                if (addr_is_any(&li->local) && is_own_address(&a))
                        return true;
        }
        return sip_protected_is_self(s, name ? NULL : &a, port ? port : SIP_PORT);
}

void sip_stack_stats(const struct sip_stack *s, struct sip_stack_stats *out)
{
        *out = s->stats;
        out->server_txns = s->n_servers;
        out->client_txns = s->n_clients;
        out->unanswered = sip_clients_unanswered(s);
}
