/* SPDX-License-Identifier: BSD-3-Clause
 * Requests of or to an identity that is not registered here. The HSS knows whether it exists, and, when this
 * S-CSCF has lost its registrations, what they were. TS 24.229 5.4.3.2, 5.4.3.3; TS 23.380 4. */
#include "scscf/requests.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "scscf/registrar_int.h"
#include "scscf/waiting.h"

struct asking {
        struct list node;
        struct waiting waiting;
        struct scscf *s;
        struct dia_txn *txn;
        enum request_side side;
        size_t n;
        char impu[];
};

static void refuse(const struct asking *a, enum verdict_cause cause, int status, const char *evidence)
{
        bool originating = a->side == SIDE_ORIGINATING;
        const struct request_end end = {.outcome = VERDICT_REFUSED,
                                        .cause = cause,
                                        .status = status,
                                        .clause = originating ? "TS 24.229 5.4.3.2" : "TS 24.229 5.4.3.3",
                                        .impu = span_make(a->impu, a->n),
                                        .evidence = span_of(evidence)};

        request_refuse(a->s, a->waiting.rq, &end);
}

static void refuse_asked(const struct asking *a, int err, const struct cx_saa *saa)
{
        if (a->side == SIDE_ORIGINATING)
                refuse(a, CAUSE_not_registered, 403,
                       err < 0 ? ims_strerror(err) : "P-Asserted-Identity is not registered here");
        else if (saa && dia_result_is(saa->h.result, dia_3gpp(CX_ERROR_USER_UNKNOWN)))
                refuse(a, CAUSE_user_unknown, 404, "the HSS does not know the identity");
        else
                refuse(a, CAUSE_identity_not_registered, 480,
                       err < 0 ? ims_strerror(err) : "no services for the unregistered state");
}

static void asked(struct asking *a, int err, const struct cx_saa *saa)
{
        struct scscf *s = a->s;
        struct sip_request *rq = waiting_end(&a->waiting);
        struct log_ctx before = log_ctx_set((struct log_ctx){.call_id = rq->msg->call_id});
        int rc = err < 0 || !dia_result_ok(saa->h.result)
                         ? -IMS_ENOTFOUND
                         : registrar_restore(&s->reg, span_make(a->impu, a->n), saa);

        list_unlink(&a->node);
        if (rc < 0 && rc != -IMS_ENOTFOUND)
                log_warn("the registration is not restored: %s", ims_strerror(rc));
        if (rc < 0)
                refuse_asked(a, err, saa);
        else
                request_serve_restored(s, rq, a->side);
        free(a);
        log_ctx_set(before);
}

static void on_saa(int err, const struct cx_saa *saa, void *arg)
{
        asked(arg, err, saa);
}

/* Nobody asks any more. */
static void drop(struct asking *a)
{
        waiting_end(&a->waiting);
        a->s->reg.port.cancel(a->s->reg.arg, a->txn);
        list_unlink(&a->node);
        free(a);
}

static void on_cancel(struct waiting *w)
{
        drop(container_of(w, struct asking, waiting));
}

/* NO_ASSIGNMENT changes nothing in the HSS. */
void request_ask(struct scscf *s, struct sip_request *rq, struct span impu, enum request_side side)
{
        struct asking *a = calloc(1, sizeof(*a) + impu.n);
        struct cx_sar m = {.server_name = span_of(s->conf->name),
                           .type = CX_SAT_NO_ASSIGNMENT,
                           .data_already_available = !s->conf->restoration_info};
        int rc;

        if (!a) {
                const struct request_end end = {
                        .outcome = VERDICT_REFUSED, .cause = CAUSE_overload, .status = 503, .impu = impu};

                request_refuse(s, rq, &end);
                return;
        }
        a->s = s;
        waiting_begin(&a->waiting, rq, on_cancel);
        a->side = side;
        a->n = impu.n;
        memcpy(a->impu, impu.p, impu.n);
        list_append(&s->asking, &a->node);
        m.impus.v[m.impus.n++] = span_make(a->impu, a->n);
        if (s->conf->restoration_info)
                m.h.features = reg_cx_restoration;
        rc = s->reg.port.sar(s->reg.arg, &m, on_saa, a, &a->txn);
        if (rc < 0)
                asked(a, rc, NULL);
}

void scscf_asking_clear(struct scscf *s)
{
        list_for_each_safe(n, tmp, &s->asking)
        {
                struct asking *a = container_of(n, struct asking, node);
                struct sip_request *rq = a->waiting.rq;

                drop(a);
                sip_reply(rq, 503, NULL, NULL, 0);
        }
}
