/* SPDX-License-Identifier: BSD-3-Clause
 * The life of one request in the I-CSCF, and its end with answer and verdict. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "icscf/icscf.h"

#define WORTH_A_TRY_MS 50 /* less time than this is not spent on another question */
#define EVIDENCE_MAX   512

struct job *job_new(struct icscf *ic, struct sip_request *rq, enum verdict_procedure procedure)
{
        struct job *j = calloc(1, sizeof(*j));

        if (!j) {
                log_error("a request is refused: out of memory");
                if (rq->msg->method == SIP_ACK)
                        sip_request_unref(rq);
                else
                        sip_reply(rq, 500, NULL, NULL, 0);
                return NULL;
        }
        j->ic = ic;
        j->rq = rq;
        j->procedure = procedure;
        j->deadline_ms = loop_now_ms(ic->home.loop) + ic->conf->scscf_total_ms;
        rq->user = j;
        list_append(&ic->jobs, &j->node);
        return j;
}

void job_free(struct job *j)
{
        job_leave(j);
        if (j->txn)
                dia_txn_cancel(j->txn);
        reg_facts_free(&j->facts);
        buf_free(&j->scscf);
        list_unlink(&j->node);
        free(j);
}

void job_answered(struct job *j)
{
        struct icscf *ic = j->ic;

        j->rq->user = NULL;
        job_free(j);
        icscf_job_gone(ic);
}

void job_enter(struct job *j)
{
        struct log_ctx before = log_ctx_set((struct log_ctx){.call_id = j->rq->msg->call_id,
                                                             .impi = buf_as_span(&j->facts.impi),
                                                             .impu = buf_as_span(&j->facts.impu),
                                                             .session_id = span_of(j->session_id)});

        if (!j->entered)
                j->before = before;
        j->entered = true;
}

void job_leave(struct job *j)
{
        if (j->entered)
                (void)log_ctx_set(j->before);
        j->entered = false;
}

static void say_verdict(struct icscf *ic, const struct sip_request *rq, enum verdict_procedure procedure,
                        const struct reg_facts *facts, const struct ending *e)
{
        const struct verdict v = {.procedure = procedure,
                                  .outcome = e->outcome,
                                  .cause = e->cause,
                                  .status = e->status,
                                  .clause = e->clause,
                                  .evidence = e->evidence,
                                  .impi = facts ? buf_as_span(&facts->impi) : SPAN_NULL,
                                  .impu = facts ? buf_as_span(&facts->impu) : SPAN_NULL,
                                  .call_id = rq->msg->call_id};

        trace_verdict(ic->home.trace, &v);
}

/* Warning (RFC 3261 20.43) with what the sender may know. */
static void answer(struct icscf *ic, struct sip_request *rq, const struct ending *e)
{
        const char *text = verdict_public_text(e->cause);
        char warning[256];
        struct sip_field field = {.id = SIP_HDR_WARNING};

        (void)snprintf(warning, sizeof(warning), "399 %s \"%s\"", dia_node_identity(ic->home.dia), text);
        field.value = span_of(warning);
        sip_reply(rq, e->status, e->reason, &field, *text ? 1 : 0);
}

void request_end(struct icscf *ic, struct sip_request *rq, enum verdict_procedure procedure,
                 const struct ending *e)
{
        say_verdict(ic, rq, procedure, NULL, e);
        if (rq->msg->method == SIP_ACK)
                sip_request_unref(rq);
        else
                answer(ic, rq, e);
}

void job_end(struct job *j, const struct ending *e)
{
        struct icscf *ic = j->ic;

        job_enter(j); /* with the identities known by now */
        say_verdict(ic, j->rq, j->procedure, &j->facts, e);
        job_leave(j);
        j->rq->user = NULL;
        answer(ic, j->rq, e);
        job_free(j);
        icscf_job_gone(ic);
}

uint32_t job_time_ms(const struct job *j, uint32_t limit_ms)
{
        uint64_t now = loop_now_ms(j->ic->home.loop);
        uint64_t left = j->deadline_ms > now ? j->deadline_ms - now : 0;

        if (left < WORTH_A_TRY_MS)
                return 0;
        return left < limit_ms ? (uint32_t)left : limit_ms;
}

struct span job_session(struct job *j)
{
        dia_session_id(j->ic->home.dia, j->session_id, sizeof(j->session_id));
        trace_link(j->ic->home.trace, span_of(j->session_id), j->rq->msg->call_id);
        return span_of(j->session_id);
}

void job_end_no_hss(struct job *j, int err)
{
        struct ending e = {.status = 504,
                           .outcome = VERDICT_FAILED,
                           .cause = err == -IMS_ETIMEOUT ? CAUSE_hss_timeout
                                    : err == -IMS_EPROTO ? CAUSE_hss_error
                                    : err == -IMS_ENOMEM ? CAUSE_internal_error
                                                         : CAUSE_hss_unreachable,
                           .clause = "TS 24.229 5.3.1.3",
                           .evidence = ims_strerror(err)};

        if (j->procedure == VERDICT_REQUEST)
                e.clause = "TS 24.229 5.3.2.1";
        if (e.cause == CAUSE_internal_error)
                e.status = 500;
        job_end(j, &e);
}

void job_end_hss_error(struct job *j, struct dia_result result)
{
        char evidence[EVIDENCE_MAX];
        struct ending e = {.status = 504,
                           .outcome = VERDICT_FAILED,
                           .cause = CAUSE_hss_error,
                           .clause = "TS 24.229 5.3.1.3",
                           .evidence = evidence};

        if (dia_result_is(result, dia_base(DIA_UNABLE_TO_DELIVER)) ||
            dia_result_is(result, dia_base(DIA_REALM_NOT_SERVED)))
                e.cause = CAUSE_hss_unreachable;
        if (j->procedure == VERDICT_REQUEST)
                e.clause = "TS 24.229 5.3.2.1";
        (void)snprintf(evidence, sizeof(evidence), "%s", dia_result_str(result));
        job_end(j, &e);
}

void job_forward(struct job *j, struct sip_edit *e, struct sip_forward *f)
{
        struct sip_request *rq = sip_request_ref(j->rq);
        struct icscf *ic = j->ic;

        job_leave(j);
        sip_forward(rq, e, f);
        if (sip_request_answered(rq) && rq->user == j) { /* refused: too many hops, a loop, no memory */
                rq->user = NULL;
                job_free(j);
                icscf_job_gone(ic);
        }
        sip_request_unref(rq);
}
