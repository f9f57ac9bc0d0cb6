/* SPDX-License-Identifier: BSD-3-Clause
 * Assembling the S-CSCF: loop, trace, Diameter, SIP, registrar; and its end in the other order. */
#include <stdlib.h>

#include "common/base/node.h"
#include "common/trace/cx_trace.h"
#include "common/trace/sip_guard.h"
#include "common/trace/sip_trace.h"
#include "scscf/scscf.h"

static void say_ready(struct scscf *s)
{
        if (s->said_ready)
                return;
        s->said_ready = true;
        tmr_stop(s->loop, &s->ready);
        node_ready();
}

static void on_ready_timer(struct tmr *t, void *arg)
{
        (void)t;
        log_warn("no HSS is connected yet");
        say_ready(arg);
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct scscf *s = arg;

        if (s->stopping)
                return;
        cx_trace_peer(s->trace, identity, up, why);
        if (up && s->stack)
                say_ready(s);
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        const struct scscf *s = arg;

        cx_trace_stranger(s->trace, identity, from, why);
}

static void on_cx_trace(const struct dia_trace_info *info, void *arg)
{
        const struct scscf *s = arg;

        cx_trace(info, s->trace);
}

static void on_sip_trace(const struct sip_trace_info *info, void *arg)
{
        const struct scscf *s = arg;

        sip_trace(info, s->trace);
}

static bool is_core(const struct addr *remote, void *arg)
{
        return trust_has(&((const struct scscf *)arg)->trust, remote);
}

static bool admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg)
{
        const struct scscf *s = arg;

        return sip_guard_admit(&s->trust, s->trace, flow, m, note);
}

static bool answer_from(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                        void *arg)
{
        const struct scscf *s = arg;

        return sip_guard_answer(&s->trust, s->trace, flow, asked, m);
}

static void on_fault(const struct sip_msg *m, void *arg)
{
        const struct scscf *s = arg;

        sip_trace_fault(m, s->trace);
}

static int read_trusted(struct scscf *s)
{
        if (s->conf->trusted.n == 0)
                log_warn("trusted: empty: SIP is taken from everybody");
        return trust_init(&s->trust, s->conf->trusted.items, s->conf->trusted.n);
}

static int start(struct scscf *s)
{
        /* without a stream nobody parses what would be traced */
        const bool tracing = s->conf->trace.file;
        const struct dia_handlers dh = {.on_request = scscf_on_cx,
                                        .on_peer = on_peer,
                                        .on_stranger = on_stranger,
                                        .on_trace = tracing ? on_cx_trace : NULL};
        const struct sip_stack_handlers sh = {.on_request = scscf_on_request,
                                              .on_cancel = scscf_on_cancel,
                                              .on_fault = on_fault,
                                              .is_core = is_core,
                                              .admit = admit,
                                              .answer_from = answer_from,
                                              .on_trace = tracing ? on_sip_trace : NULL};
        int rc = loop_new(&s->loop);

        if (rc == 0)
                rc = trace_new("scscf", s->conf->trace.file, &s->trace);
        if (rc == 0)
                rc = read_trusted(s);
        if (rc == 0)
                rc = dia_conf_start(s->loop, &s->conf->dia, &dh, s, &s->dia);
        if (rc == 0)
                rc = sip_conf_start(s->loop, &s->conf->sip, &sh, s, &s->resolver, &s->stack);
        if (rc == 0)
                rc = loop_on_terminate(s->loop, scscf_stop, s);
        if (rc == 0)
                rc = tmr_start(s->loop, &s->ready, s->conf->dia.answer_ms, on_ready_timer, s);
        return rc;
}

static void end(struct scscf *s)
{
        scscf_asking_clear(s);
        registrar_clear(&s->reg);
        sip_stack_free(s->stack);
        resolver_free(s->resolver);
        dia_node_free(s->dia);
        if (s->loop) {
                tmr_stop(s->loop, &s->ready);
                tmr_stop(s->loop, &s->stop);
        }
        trace_free(s->trace);
        loop_free(s->loop);
        trust_free(&s->trust);
}

int scscf_run(const struct scscf_conf *conf)
{
        struct scscf s = {.conf = conf};
        int rc;

        list_init(&s.asking);
        for (size_t i = 0; i < SCSCF_CONTACTS_MAX; i++) {
                s.legs[0][i] = (struct scscf_leg){.s = &s, .rank = i};
                s.legs[1][i] = (struct scscf_leg){.s = &s, .rank = i, .direct = true};
        }
        registrar_init(&s.reg, conf, &scscf_port, &s);
        rc = start(&s);
        if (rc == 0)
                loop_run(s.loop);
        else
                log_error("cannot start: %s", ims_strerror(rc));
        end(&s);
        return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
