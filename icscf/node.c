/* SPDX-License-Identifier: BSD-3-Clause
 * Assembling the I-CSCF: loop, trace, Diameter, SIP; the entrance for requests; and the end. */
#include <stdlib.h>

#include "common/base/node.h"
#include "common/trace/cx_trace.h"
#include "common/trace/sip_guard.h"
#include "common/trace/sip_trace.h"
#include "icscf/icscf.h"

/* --- requests ------------------------------------------------------------------------------------ */

static void refuse_untrusted(struct icscf *ic, struct sip_request *rq)
{
        char name[ADDR_STR];
        const struct ending e = {.status = 403,
                                 .outcome = VERDICT_REFUSED,
                                 .cause = CAUSE_untrusted_source,
                                 .clause = "TS 24.229 5.3.1.2, TS 33.203 J",
                                 .evidence = addr_str(&rq->flow.remote, name)};

        request_end(ic, rq, rq->msg->method == SIP_REGISTER ? VERDICT_REGISTRATION : VERDICT_REQUEST, &e);
}

/* What a proxy must understand and this one does not (RFC 3261 16.3 item 5). */
static bool refuse_extension(struct sip_request *rq)
{
        const struct sip_hdr *h = sip_msg_hdr(rq->msg, SIP_HDR_PROXY_REQUIRE, 0);
        struct sip_field field = {.id = SIP_HDR_UNSUPPORTED};

        if (!h || rq->msg->method == SIP_ACK)
                return false;
        field.value = h->value;
        sip_reply(rq, 420, NULL, &field, 1);
        return true;
}

void icscf_on_request(struct sip_request *rq, void *arg)
{
        struct icscf *ic = arg;

        if (!trust_has(&ic->trust, &rq->flow.remote))
                refuse_untrusted(ic, rq);
        else if (ic->draining && rq->msg->method != SIP_ACK)
                sip_reply(rq, 503, NULL, NULL, 0);
        else if (refuse_extension(rq))
                return;
        else if (rq->msg->method == SIP_REGISTER)
                register_request(ic, rq);
        else
                location_request(ic, rq);
}

void icscf_on_cancel(struct sip_request *rq, void *arg)
{
        struct icscf *ic = arg;
        struct job *j = rq->user;

        if (j && j->txn) { /* still asking the HSS */
                rq->user = NULL;
                job_free(j);
                sip_reply(rq, 487, NULL, NULL, 0);
                icscf_job_gone(ic);
                return;
        }
        if (j) { /* what comes back now is relayed without us */
                rq->user = NULL;
                job_free(j);
                icscf_job_gone(ic);
        }
        sip_forward_cancel(rq);
}

/* --- start --------------------------------------------------------------------------------------- */

static void say_ready(struct icscf *ic)
{
        if (ic->said_ready)
                return;
        ic->said_ready = true;
        tmr_stop(ic->loop, &ic->ready);
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
        struct icscf *ic = arg;

        cx_trace_peer(ic->trace, identity, up, why);
        if (up && ic->sip)
                say_ready(ic);
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        const struct icscf *ic = arg;

        cx_trace_stranger(ic->trace, identity, from, why);
}

static void on_cx_trace(const struct dia_trace_info *info, void *arg)
{
        const struct icscf *ic = arg;

        cx_trace(info, ic->trace);
}

static void on_sip_trace(const struct sip_trace_info *info, void *arg)
{
        const struct icscf *ic = arg;

        sip_trace(info, ic->trace);
}

static bool is_core(const struct addr *remote, void *arg)
{
        return trust_has(&((const struct icscf *)arg)->trust, remote);
}

static bool admit(const struct sip_flow *flow, const struct sip_msg *m, const char **note, void *arg)
{
        const struct icscf *ic = arg;

        return sip_guard_admit(&ic->trust, ic->trace, flow, m, note);
}

static bool answer_from(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                        void *arg)
{
        const struct icscf *ic = arg;

        return sip_guard_answer(&ic->trust, ic->trace, flow, asked, m);
}

static void on_fault(const struct sip_msg *m, void *arg)
{
        const struct icscf *ic = arg;

        sip_trace_fault(m, ic->trace);
}

static int read_conf(struct icscf *ic)
{
        const struct icscf_conf_scscf *pool = ic->conf->pool.items;
        int err = trust_init(&ic->trust, ic->conf->trusted.items, ic->conf->trusted.n);

        for (size_t i = 0; i < ic->conf->pool.n && !err; i++)
                err = pool_add(&ic->pool, pool[i].uri, span_of(pool[i].capabilities), pool[i].priority);
        if (ic->trust.n == 0)
                log_warn("trusted: empty: SIP is taken from everybody");
        if (ic->pool.n == 0)
                log_warn("scscf.pool: empty: only users whose S-CSCF the HSS names can register");
        return err;
}

/* --- end ----------------------------------------------------------------------------------------- */

static void on_peers_gone(void *arg)
{
        loop_stop(((struct icscf *)arg)->loop);
}

static void leave(struct icscf *ic)
{
        tmr_stop(ic->loop, &ic->drain);
        dia_node_shutdown(ic->dia, on_peers_gone, ic);
}

void icscf_job_gone(struct icscf *ic)
{
        if (ic->draining && list_empty(&ic->jobs) && tmr_running(&ic->drain))
                leave(ic);
}

static void on_drain_timer(struct tmr *t, void *arg)
{
        struct icscf *ic = arg;

        (void)t;
        log_warn("ending with requests unanswered");
        leave(ic);
}

/* Finishes what is held, for no longer than one request may take; a second signal ends at once. */
static void on_terminate(void *arg)
{
        struct icscf *ic = arg;

        if (ic->draining) {
                loop_stop(ic->loop);
                return;
        }
        ic->draining = true;
        if (tmr_start(ic->loop, &ic->drain, ic->conf->scscf_total_ms, on_drain_timer, ic) != 0)
                loop_stop(ic->loop);
        else
                icscf_job_gone(ic);
}

static int start(struct icscf *ic)
{
        /* without a stream nobody parses what would be traced */
        const bool tracing = ic->conf->trace.file;
        const struct dia_handlers dh = {
                .on_peer = on_peer, .on_stranger = on_stranger, .on_trace = tracing ? on_cx_trace : NULL};
        const struct sip_stack_handlers sh = {.on_request = icscf_on_request,
                                              .on_cancel = icscf_on_cancel,
                                              .on_fault = on_fault,
                                              .is_core = is_core,
                                              .admit = admit,
                                              .answer_from = answer_from,
                                              .on_trace = tracing ? on_sip_trace : NULL};
        int err = loop_new(&ic->loop);

        if (!err)
                err = trace_new("icscf", ic->conf->trace.file, &ic->trace);
        if (!err)
                err = read_conf(ic);
        if (!err)
                err = dia_conf_start(ic->loop, &ic->conf->dia, &dh, ic, &ic->dia);
        if (!err)
                err = sip_conf_start(ic->loop, &ic->conf->sip, &sh, ic, &ic->resolver, &ic->sip);
        if (!err)
                err = loop_on_terminate(ic->loop, on_terminate, ic);
        if (!err)
                err = tmr_start(ic->loop, &ic->ready, ic->conf->dia.answer_ms, on_ready_timer, ic);
        return err;
}

static void end(struct icscf *ic)
{
        while (!list_empty(&ic->jobs)) {
                struct job *j = container_of(ic->jobs.next, struct job, node);

                j->rq->user = NULL;
                if (j->txn) /* else the request belongs to the forwarding, which the stack ends */
                        sip_reply(j->rq, 503, NULL, NULL, 0);
                job_free(j);
        }
        sip_stack_free(ic->sip);
        resolver_free(ic->resolver);
        dia_node_free(ic->dia);
        if (ic->loop) {
                tmr_stop(ic->loop, &ic->ready);
                tmr_stop(ic->loop, &ic->drain);
        }
        trace_free(ic->trace);
        loop_free(ic->loop);
        trust_free(&ic->trust);
}

int icscf_run(const struct icscf_conf *conf)
{
        struct icscf *ic = calloc(1, sizeof(*ic));
        int err;

        if (!ic) {
                log_error("cannot start: %s", ims_strerror(IMS_ENOMEM));
                return EXIT_FAILURE;
        }
        ic->conf = conf;
        list_init(&ic->jobs);
        err = start(ic);
        if (err)
                log_error("cannot start: %s", ims_strerror(err));
        else
                loop_run(ic->loop);
        end(ic);
        free(ic);
        return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
