/* SPDX-License-Identifier: BSD-3-Clause
 * The P-CSCF: its listeners, whose request it is, refusals, the end. TS 24.229 5.2. */
#include "pcscf/pcscf.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/node.h"
#include "common/base/timers.h"
#include "common/net/tls_conf.h"
#include "common/trace/sip_guard.h"
#include "pcscf/digest.h"
#include "pcscf/tls_gm.h"

/* --- sides ---------------------------------------------------------------------------------------- */

static bool is_at(const struct pcscf_listener *list, size_t n, const struct sip_flow *flow)
{
        for (size_t i = 0; i < n; i++) {
                const struct pcscf_listener *li = &list[i];

                if (li->transport == flow->transport && addr_port(&li->local) == addr_port(&flow->local) &&
                    (addr_is_any(&li->local) || addr_ip_eq(&li->local, &flow->local)))
                        return true;
        }
        return false;
}

/* True when the first Route is one we gave. A node of the list may also bring one of an earlier life of ours:
 * it is told that the registration is gone. */
static bool has_own_route(const struct pcscf *p, const struct sip_msg *m)
{
        struct span route = sip_msg_value(m, SIP_HDR_ROUTE);

        return route.n &&
               own_route_read(p, route, m->call_id).kind > (trust_limited(&p->trust) ? OWN_PLAIN : OWN_STALE);
}

enum side { SIDE_UE, SIDE_CORE, SIDE_STRANGER };

/* The listener tells the side. Where Gm listeners serve both sides, and on connections that we opened, the
 * core is who is trusted and brings our Path or Record-Route, without being a registered UE. */
static enum side side_of(const struct pcscf *p, const struct sip_request *rq)
{
        bool trusted = sip_guard_trusts(&p->trust, &rq->flow);

        if (p->ipsec && sip_port_of(p->stack, &rq->flow.local) != SIP_PORT_OPEN)
                return SIDE_UE;
        if (is_at(p->core, p->n_core, &rq->flow))
                return trusted ? SIDE_CORE : SIDE_STRANGER;
        if (!trusted || (p->n_core && is_at(p->gm, p->n_gm, &rq->flow)))
                return SIDE_UE;
        return !pcscf_flow_of(p, &rq->flow) && has_own_route(p, rq->msg) ? SIDE_CORE : SIDE_UE;
}

/* --- requests -------------------------------------------------------------------------------------- */

void pcscf_verdict(struct pcscf *p, const struct sip_request *rq, const struct refusal *r)
{
        struct verdict v = {
                .procedure = r->procedure,
                .outcome = r->status >= 500 ? VERDICT_FAILED : VERDICT_REFUSED,
                .cause = r->cause,
                .status = r->status,
                .clause = r->clause,
                .evidence = r->evidence,
                .impi = r->impi,
                .impu = r->impu,
                .call_id = rq->msg->call_id,
        };

        trace_verdict(p->trace, &v);
}

void pcscf_refuse(struct pcscf *p, struct sip_request *rq, const struct refusal *r)
{
        if (rq->msg->method == SIP_ACK) {
                sip_request_unref(rq);
                return;
        }
        if (!r->quiet)
                pcscf_verdict(p, rq, r);
        sip_reply(rq, r->status, r->reason, &r->field, r->field.value.n ? 1 : 0);
}

void pcscf_end_ue(struct pcscf *p, struct ue_flow *f, const struct verdict *why)
{
        const struct binding *b = ue_latest(f);
        struct verdict v = *why;

        v.procedure = VERDICT_EXPIRY;
        v.outcome = VERDICT_OK;
        v.impi = binding_impi(b);
        v.impu = binding_aor(b);
        trace_verdict(p->trace, &v);
        regstore_drop(f);
}

bool pcscf_refuse_extension(struct pcscf *p, struct sip_request *rq, enum verdict_procedure procedure)
{
        struct refusal r = {.procedure = procedure,
                            .cause = CAUSE_bad_extension,
                            .status = 420,
                            .clause = "RFC 3261 16.3 item 5",
                            .evidence = "Proxy-Require"};
        struct sip_value_iter it = {0};
        struct buf unknown = BUF_INIT;
        struct span v;

        while (sip_msg_next_value(rq->msg, SIP_HDR_PROXY_REQUIRE, &it, &v)) {
                if (span_ieq(v, SPAN("sec-agree")))
                        continue;
                if (unknown.n)
                        buf_puts(&unknown, ", ");
                buf_span(&unknown, v);
        }
        if (!unknown.n || rq->msg->method == SIP_ACK)
                return buf_free(&unknown), false;
        r.field = (struct sip_field){SIP_HDR_UNSUPPORTED, buf_as_span(&unknown)};
        pcscf_refuse(p, rq, &r);
        buf_free(&unknown);
        return true;
}

static void refuse_stranger(struct pcscf *p, struct sip_request *rq)
{
        char from[ADDR_STR];
        struct refusal r = {.procedure =
                                    rq->msg->method == SIP_REGISTER ? VERDICT_REGISTRATION : VERDICT_REQUEST,
                            .cause = CAUSE_untrusted_source,
                            .status = 403,
                            .clause = "TS 24.229 4.4",
                            .evidence = addr_str(&rq->flow.remote, from)};

        pcscf_refuse(p, rq, &r);
}

static void on_request(struct sip_request *rq, void *arg)
{
        struct pcscf *p = arg;
        enum side side = side_of(p, rq);

        if (side == SIDE_STRANGER)
                refuse_stranger(p, rq);
        else if (p->draining && rq->msg->to_tag.n == 0)
                sip_reply(rq, 503, NULL, NULL, 0);
        else if (rq->msg->method == SIP_REGISTER && !is_at(p->core, p->n_core, &rq->flow))
                pcscf_register(p, rq);
        else if (side == SIDE_CORE)
                pcscf_to_ue(p, rq);
        else
                pcscf_from_ue(p, rq);
}

static void on_cancel(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_forward_cancel(rq);
}

/* Without a list nobody can be told from a UE. */
static bool is_core(const struct addr *remote, void *arg)
{
        const struct pcscf *p = arg;

        return trust_limited(&p->trust) && trust_has(&p->trust, remote);
}

/* Where it sends by a URI there may be a UE, too: the networks are asked of who is listed. */
static const char *bars(const struct sip_flow *flow, void *arg)
{
        const struct pcscf *p = arg;

        return is_core(&flow->remote, arg) ? sip_guard_bars(&p->trust, flow) : NULL;
}

/* An address of ours where only the core is served. */
static bool is_core_end(const struct pcscf *p, const struct addr *local)
{
        for (size_t i = 0; i < p->n_core; i++) {
                const struct addr *a = &p->core[i].local;

                if (addr_port(a) == addr_port(local) && (addr_is_any(a) || addr_ip_eq(a, local)))
                        return true;
        }
        return false;
}

/* Only the access networks are heard on Gm, and who is listed where Gm listeners serve the core too;
 * listeners of the core have the list itself. TS 33.203 Annex J. */
static bool hears(const struct addr *local, const struct addr *remote, void *arg)
{
        struct pcscf *p = arg;
        char from[ADDR_STR];
        const struct verdict v = {.procedure = VERDICT_REQUEST,
                                  .outcome = VERDICT_REFUSED,
                                  .cause = CAUSE_outside_access,
                                  .clause = "TS 33.203 J",
                                  .evidence = from};

        if (!tls_gm_hears(p, local, remote))
                return false;
        if (!p->conf->only_ranges || access_has(p->access, remote) ||
            (p->n_core ? is_core_end(p, local) : is_core(remote, p)))
                return true;
        if (sip_stack_fault(p->stack, remote, SIP_FAULT_OUTSIDE)) {
                (void)addr_ip_str(remote, false, from);
                trace_verdict(p->trace, &v);
        }
        return false;
}

static void on_fault(const struct sip_msg *m, void *arg)
{
        const struct pcscf *p = arg;

        sip_trace_fault(m, p->trace);
}

static void on_trace(const struct sip_trace_info *info, void *arg)
{
        const struct pcscf *p = arg;

        sip_trace(info, p->trace);
}

/* --- start ---------------------------------------------------------------------------------------- */

/* A listener of Gm. No client is asked for a certificate (TS 33.203 O.2.1). */
static int open_gm(struct pcscf *p, struct pcscf_listener *li)
{
        int err = 0;

        if (li->transport != TRANSPORT_TLS)
                return sip_stack_listen(p->stack, li->transport, &li->local, &li->local);
        if (!p->gm_tls)
                err = tls_conf_open(&p->conf->gm_tls, "gm.tls", TLS_SERVER, &p->gm_tls);
        return err ? err : sip_stack_listen_tls(p->stack, &li->local, p->gm_tls, &li->local);
}

static int listen_on(struct pcscf *p, const struct conf_list *list, bool open, struct pcscf_listener **out,
                     size_t *out_n)
{
        char *const *values = list->items;

        if (!list->n)
                return 0;
        *out = calloc(list->n, sizeof(**out));
        if (!*out)
                return -IMS_ENOMEM;
        for (size_t i = 0; i < list->n; i++) {
                struct pcscf_listener *li = &(*out)[i];
                int err = sip_conf_parse_listen(values[i], &li->transport, &li->local);

                if (!err && open)
                        err = open_gm(p, li);
                if (err) {
                        log_error("gm.listen: %s: %s", values[i], ims_strerror(err));
                        return err;
                }
                ++*out_n;
        }
        return 0;
}

/* How the core reaches us: the name, or the address, of the core side with its port. */
static int name_core(struct pcscf *p)
{
        const struct pcscf_listener *list = p->n_core ? p->core : p->gm, *main = &list[0];
        size_t n = p->n_core ? p->n_core : p->n_gm;
        char text[ADDR_STR];

        for (size_t i = n; i-- > 0;)
                if (list[i].transport == TRANSPORT_UDP)
                        main = &list[i];
        if (addr_is_any(&main->local) && !p->conf->sip.name) {
                log_error("sip.name must be given when a listener takes every address");
                return -IMS_ECONF;
        }
        (void)addr_ip_str(&main->local, true, p->core_ip);
        if (snprintf(p->core_host, sizeof(p->core_host), "%s:%u",
                     p->conf->sip.name ? p->conf->sip.name : addr_ip_str(&main->local, true, text),
                     addr_port(&main->local)) >= (int)sizeof(p->core_host)) {
                log_error("sip.name is too long");
                return -IMS_ECONF;
        }
        return 0;
}

/* Numbers of an earlier life must not be met again: they start at random. */
static int draw_numbers(struct pcscf *p)
{
        int err = secret_random(&p->last_id, sizeof(p->last_id));

        sip_token(p->icid_prefix);
        return err;
}

/* Nothing is registered by it any more. Security associations end by their own rules (TS 33.203 7.4). */
static void on_assoc_end(struct assoc a, void *arg)
{
        struct pcscf *p = arg;

        ip_entry_remove(p->ips, ip_table_of(p->ips, a));
        tls_assoc_remove(tls_table_of(p->tls, a));
}

static int make_tables(struct pcscf *p)
{
        const struct pcscf_conf *conf = p->conf;
        const struct pending_limits limits = {.max = conf->max_pending,
                                              .max_per_source = conf->max_per_source,
                                              .max_asked_per_source = conf->max_asked_per_source,
                                              .await_ms = conf->await_auth_ms};
        const struct rates_conf new_ues = {.per_source = conf->new_per_source, .all = conf->new_of_all};
        int err = regstore_new(p->loop, &p->store);

        if (!err)
                err = ip_table_new(&p->ips);
        if (!err)
                err = tls_table_new(&p->tls);
        if (!err)
                regstore_on_end(p->store, on_assoc_end, p);
        if (!err)
                err = pending_table_new(p->loop, &limits, &p->pending);
        if (!err)
                err = rates_new(p->loop, &new_ues, &p->new_ues);
        return err;
}

int pcscf_new(const struct pcscf_conf *conf, struct loop *l, struct trace *trace, struct pcscf **out)
{
        const bool secured = conf->security.ipsec != IPSEC_OFF;
        const struct sip_stack_handlers handlers = {
                .on_request = on_request,
                .on_cancel = on_cancel,
                .on_fault = on_fault,
                .is_core = is_core,
                .hears = conf->only_ranges || sip_conf_has_tls(&conf->gm_listen) ? hears : NULL,
                .answer_from = tls_gm_answer_from,
                .bars = bars,
                .on_flow_end = tls_gm_flow_end,
                .on_tls_session = tls_gm_session,
                .admit = secured ? ipsec_admit : NULL,
                .answer_flow = secured ? ipsec_answer_flow : NULL,
                .on_use = secured ? ipsec_on_use : NULL,
                .on_trace = trace_on(trace) ? on_trace : NULL};
        struct pcscf *p = calloc(1, sizeof(*p));
        struct sip_conf sip = conf->sip;
        int err;

        if (!p)
                return -IMS_ENOMEM;
        if (!sip.listen.n) { /* the Gm listeners serve both sides */
                sip.listen = conf->gm_listen;
                sip.listen_key = "gm.listen";
                sip.listen_tls = &conf->gm_tls;
                sip.listen_tls_key = "gm.tls";
        }
        p->conf = conf;
        p->loop = l;
        p->trace = trace;
        err = access_map_new(conf, &p->access);
        if (!err)
                err = trust_init(&p->trust, conf->trusted.items, conf->trusted.n);
        if (!err)
                err = trust_set_networks(&p->trust, &conf->networks);
        if (!err)
                err = make_tables(p);
        if (!err)
                err = draw_numbers(p);
        if (!err)
                err = sip_conf_start(l, &sip, &handlers, p, &p->resolver, &p->stack);
        if (!err)
                sip_stack_answer_stun(p->stack);
        if (!err)
                err = listen_on(p, &conf->gm_listen, conf->sip.listen.n > 0, &p->gm, &p->n_gm);
        if (!err)
                err = listen_on(p, &conf->sip.listen, false, &p->core, &p->n_core);
        if (!err)
                err = name_core(p);
        if (!err)
                err = via_checks_new(p->resolver, pcscf_register_checked, p, &p->vias);
        if (!err && secured)
                err = ipsec_start(p);
        if (!err)
                err = status_start(p);
        if (err) {
                pcscf_free(p);
                return err;
        }
        digest_warn(conf);
        if (!p->n_core)
                log_notice("no sip.listen: the Gm listeners serve the core side too");
        if (!trust_limited(&p->trust))
                log_warn("trusted: empty: %s", p->n_core
                                                       ? "the core side takes SIP from everybody"
                                                       : "whoever learns a Record-Route or Path of ours may "
                                                         "send as the core");
        *out = p;
        return 0;
}

void pcscf_free(struct pcscf *p)
{
        if (!p)
                return;
        tmr_stop(p->loop, &p->drain);
        control_close(p->control);
        via_checks_free(p->vias); /* their requests are answered */
        sip_stack_free(p->stack);
        tls_context_free(p->gm_tls);
        p->stack = NULL;
        ipsec_free(p->ipsec);
        resolver_free(p->resolver);
        pending_table_free(p->pending);
        rates_free(p->new_ues);
        regstore_free(p->store);
        ip_table_free(p->ips);
        tls_table_free(p->tls);
        access_map_free(p->access);
        trust_free(&p->trust);
        free(p->gm);
        free(p->core);
        free(p);
}

void pcscf_reload(struct pcscf *p)
{
        if (node_may_reload(&pcscf_conf_schema, p->conf))
                sip_stack_reload_tls(p->stack);
}

/* --- end ------------------------------------------------------------------------------------------ */

static void on_drain(struct tmr *t, void *arg)
{
        struct pcscf *p = arg;
        struct sip_stack_stats stats;

        sip_stack_stats(p->stack, &stats);
        if (!stats.unanswered || loop_now_ms(p->loop) >= p->drain_until_ms ||
            tmr_start(p->loop, t, ims_timer_rows[IMS_TIMER_DRAIN_POLL].default_ms, on_drain, p))
                loop_stop(p->loop);
}

void pcscf_drain(struct pcscf *p)
{
        p->draining = true;
        p->drain_until_ms = loop_now_ms(p->loop) + ims_timer_rows[IMS_TIMER_DRAIN].default_ms;
        on_drain(&p->drain, p);
}
