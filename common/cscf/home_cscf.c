/* SPDX-License-Identifier: BSD-3-Clause
 * Assembling a CSCF of the home network: loop, trace, Diameter, SIP; and its end in the other order. */
#include "common/cscf/home_cscf.h"

#include "common/base/node.h"
#include "common/net/core_net.h"
#include "common/net/tls_conf.h"
#include "common/trace/cx_trace.h"
#include "common/trace/sip_guard.h"
#include "common/trace/sip_trace.h"

/* --- readiness ------------------------------------------------------------------------------------ */

static void say_ready(struct home_cscf *c)
{
        if (c->said_ready)
                return;
        c->said_ready = true;
        tmr_stop(c->loop, &c->ready);
        node_ready();
}

static void on_ready_timer(struct tmr *t, void *arg)
{
        (void)t;
        log_warn("no HSS is connected yet");
        say_ready(arg);
}

/* --- Cx ------------------------------------------------------------------------------------------- */

static void on_cx(struct dia_request *rq, void *arg)
{
        const struct home_cscf *c = arg;

        c->h.on_cx(rq, c->arg);
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct home_cscf *c = arg;

        if (c->quiet)
                return;
        cx_trace_peer(c->trace, identity, up, why);
        if (up && c->sip)
                say_ready(c);
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        const struct home_cscf *c = arg;

        cx_trace_stranger(c->trace, identity, from, why);
}

static const char *admit_peer(const struct addr *remote, bool tls, void *arg)
{
        const struct home_cscf *c = arg;

        return core_net_refuses(c->trust.net, remote, tls);
}

static void on_cx_trace(const struct dia_trace_info *info, void *arg)
{
        const struct home_cscf *c = arg;

        cx_trace(info, c->trace);
}

/* --- SIP ------------------------------------------------------------------------------------------ */

static void on_request(struct sip_request *rq, void *arg)
{
        const struct home_cscf *c = arg;

        c->h.on_request(rq, c->arg);
}

static void on_cancel(struct sip_request *rq, void *arg)
{
        const struct home_cscf *c = arg;

        c->h.on_cancel(rq, c->arg);
}

static void on_sip_trace(const struct sip_trace_info *info, void *arg)
{
        const struct home_cscf *c = arg;

        sip_trace(info, c->trace);
}

static bool is_core(const struct addr *remote, void *arg)
{
        const struct home_cscf *c = arg;

        return trust_has(&c->trust, remote);
}

static bool admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg)
{
        const struct home_cscf *c = arg;

        return sip_guard_admit(&c->trust, c->trace, flow, m, note);
}

static const char *bars(const struct sip_flow *flow, void *arg)
{
        const struct home_cscf *c = arg;

        return sip_guard_bars(&c->trust, flow);
}

static bool answer_from(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                        void *arg)
{
        const struct home_cscf *c = arg;

        return sip_guard_answer(&c->trust, c->trace, flow, asked, m);
}

static void on_fault(const struct sip_msg *m, void *arg)
{
        const struct home_cscf *c = arg;

        sip_trace_fault(m, c->trace);
}

/* --- start and end -------------------------------------------------------------------------------- */

static void on_reload(void *arg)
{
        const struct home_cscf *c = arg;

        if (!node_may_reload(c->conf.schema, c->conf.whole))
                return;
        sip_stack_reload_tls(c->sip);
        dia_node_reload_tls(c->dia);
}

int home_cscf_init(struct home_cscf *c, const struct home_cscf_conf *conf)
{
        int err = loop_new(&c->loop);

        c->conf = *conf;
        if (!err)
                err = trace_new(conf->node, conf->trace->file, &c->trace);
        if (!err)
                err = trust_init(&c->trust, conf->trusted->items, conf->trusted->n);
        if (!err)
                err = trust_set_networks(&c->trust, conf->networks);
        if (!err && !trust_limited(&c->trust))
                log_warn("trusted: empty: SIP is taken from everybody");
        return err;
}

int home_cscf_start(struct home_cscf *c, const struct home_cscf_handlers *h, void *arg)
{
        /* without a stream nobody parses what would be traced */
        const bool tracing = c->conf.trace->file;
        const struct dia_handlers dh = {.on_request = h->on_cx ? on_cx : NULL,
                                        .admit = admit_peer,
                                        .on_peer = on_peer,
                                        .on_stranger = on_stranger,
                                        .on_trace = tracing ? on_cx_trace : NULL};
        const struct sip_stack_handlers sh = {.on_request = on_request,
                                              .on_cancel = on_cancel,
                                              .on_fault = on_fault,
                                              .is_core = is_core,
                                              .admit = admit,
                                              .answer_from = answer_from,
                                              .bars = bars,
                                              .on_trace = tracing ? on_sip_trace : NULL};
        int err;

        c->h = *h;
        c->arg = arg;
        err = dia_conf_start(c->loop, c->conf.dia, &dh, c, &c->dia);
        if (!err)
                err = sip_conf_start(c->loop, c->conf.sip, &sh, c, &c->resolver, &c->sip);
        if (!err)
                err = loop_on_terminate(c->loop, h->on_terminate, arg);
        if (!err)
                err = loop_on_reload(c->loop, on_reload, c);
        if (!err)
                err = tmr_start(c->loop, &c->ready, c->conf.dia->answer_ms, on_ready_timer, c);
        return err;
}

static void on_peers_gone(void *arg)
{
        const struct home_cscf *c = arg;

        loop_stop(c->loop);
}

void home_cscf_leave(struct home_cscf *c)
{
        tmr_stop(c->loop, &c->ready);
        dia_node_shutdown(c->dia, on_peers_gone, c);
}

void home_cscf_end(struct home_cscf *c)
{
        sip_stack_free(c->sip);
        resolver_free(c->resolver);
        dia_node_free(c->dia);
        if (c->loop)
                tmr_stop(c->loop, &c->ready);
        trace_free(c->trace);
        loop_free(c->loop);
        trust_free(&c->trust);
}

int home_cscf_look(const struct sip_conf *sip, const struct dia_conf *dia, const char *trust_domain,
                   struct buf *err)
{
        int rc = dia_conf_look_tls(dia, trust_domain, err);

        if (sip_conf_look_tls(&sip->listen, &sip->tls, "sip.tls", sip->name, trust_domain, err) != 0)
                rc = -IMS_ECONF;
        return rc;
}
