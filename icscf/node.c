/* SPDX-License-Identifier: BSD-3-Clause
 * The I-CSCF as a process: the entrance for requests, start and end. */
#include <stdlib.h>

#include "common/trace/sip_guard.h"
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

        if (!sip_guard_trusts(&ic->home.trust, &rq->flow))
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
        if (j)
                job_answered(j);
        sip_forward_cancel(rq);
}

/* --- end ----------------------------------------------------------------------------------------- */

static void leave(struct icscf *ic)
{
        tmr_stop(ic->home.loop, &ic->drain);
        home_cscf_leave(&ic->home);
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
                loop_stop(ic->home.loop);
                return;
        }
        ic->draining = true;
        if (tmr_start(ic->home.loop, &ic->drain, ic->conf->scscf_total_ms, on_drain_timer, ic) != 0)
                loop_stop(ic->home.loop);
        else
                icscf_job_gone(ic);
}

static int read_pool(struct icscf *ic)
{
        const struct icscf_conf_scscf *pool = ic->conf->pool.items;
        int err = 0;

        for (size_t i = 0; i < ic->conf->pool.n && !err; i++)
                err = pool_add(&ic->pool, pool[i].uri, span_of(pool[i].capabilities), pool[i].priority);
        if (ic->pool.n == 0)
                log_warn("scscf.pool: empty: only users whose S-CSCF the HSS names can register");
        return err;
}

static int start(struct icscf *ic)
{
        const struct icscf_conf *c = ic->conf;
        const struct home_cscf_conf conf = {.node = "icscf",
                                            .schema = &icscf_conf_schema,
                                            .whole = c,
                                            .sip = &c->sip,
                                            .dia = &c->dia,
                                            .trace = &c->trace,
                                            .trusted = &c->trusted,
                                            .networks = &c->networks};
        const struct home_cscf_handlers handlers = {
                .on_request = icscf_on_request, .on_cancel = icscf_on_cancel, .on_terminate = on_terminate};
        int err = home_cscf_init(&ic->home, &conf);

        if (!err)
                err = read_pool(ic);
        return err ? err : home_cscf_start(&ic->home, &handlers, ic);
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
        if (ic->home.loop)
                tmr_stop(ic->home.loop, &ic->drain);
        home_cscf_end(&ic->home);
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
                loop_run(ic->home.loop);
        end(ic);
        free(ic);
        return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
