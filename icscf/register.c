/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER: ask the HSS (UAR), choose the S-CSCF, hand the request on; another S-CSCF when the chosen one
 * does not serve. TS 24.229 5.3.1, TS 29.228 6.1.1. */
#include <stdio.h>

#include "common/base/log.h"
#include "common/cscf/home_domain.h"
#include "common/sip/grammar.h"
#include "icscf/icscf.h"

#define NORMAL       "TS 24.229 5.3.1.2"
#define ABNORMAL     "TS 24.229 5.3.1.3"
#define EVIDENCE_MAX 512

#define UAR_EMERGENCY 1u /* UAR-Flags bit 0 (TS 29.229 6.3.44) */

static void ask(struct job *j, uint32_t type);

/* --- refusals ------------------------------------------------------------------------------------ */

/* What each refusal of the HSS means (TS 29.228 6.1.1.1 step 2 on; TS 24.229 5.3.1.3: 403). */
static const struct refusal {
        uint32_t vendor, code;
        enum verdict_cause cause;
} refusals[] = {
        {DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN, CAUSE_user_unknown},
        {DIA_VENDOR_3GPP, CX_ERROR_IDENTITIES_DONT_MATCH, CAUSE_identities_dont_match},
        {DIA_VENDOR_3GPP, CX_ERROR_ROAMING_NOT_ALLOWED, CAUSE_roaming_not_allowed},
        {DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_NOT_REGISTERED, CAUSE_identity_not_registered},
        {0, DIA_AUTHORIZATION_REJECTED, CAUSE_authorization_rejected},
};

static void end_refused(struct job *j, struct dia_result result)
{
        char evidence[EVIDENCE_MAX];
        struct ending e = {
                .status = 403, .outcome = VERDICT_REFUSED, .clause = ABNORMAL, .evidence = evidence};

        for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
                if (!dia_result_is(result, (struct dia_result){refusals[i].vendor, refusals[i].code}))
                        continue;
                e.cause = refusals[i].cause;
                (void)snprintf(evidence, sizeof(evidence), "%s; visited network " SPAN_FMT "%s",
                               dia_result_str(result), SPAN_ARG(buf_as_span(&j->facts.visited_network)),
                               j->facts.impi_derived ? "; IMPI derived from the IMPU" : "");
                job_end(j, &e);
                return;
        }
        job_end_hss_error(j, result);
}

static void append_list(struct buf *out, const char *name, const struct cx_u32s *list)
{
        buf_printf(out, "%s%s", out->n ? "; " : "", name);
        if (list->n == 0)
                buf_puts(out, " none");
        for (size_t i = 0; i < list->n; i++)
                buf_printf(out, "%s%u", i ? "," : " ", list->v[i]);
}

static void end_nobody_fits(struct job *j, const struct cx_capabilities *wanted)
{
        struct buf evidence = BUF_INIT;
        struct ending e = {.status = 600,
                           .outcome = VERDICT_FAILED,
                           .cause = CAUSE_no_scscf_matches,
                           .clause = ABNORMAL};

        append_list(&evidence, "mandatory capabilities", &wanted->mandatory);
        append_list(&evidence, "optional", &wanted->optional);
        buf_printf(&evidence, "; S-CSCFs in the pool: %zu", j->ic->pool.n);
        buf_char(&evidence, '\0');
        e.evidence = evidence.err ? NULL : evidence.p;
        job_end(j, &e);
        buf_free(&evidence);
}

static void end_nobody_left(struct job *j)
{
        char evidence[EVIDENCE_MAX];
        const struct ending e = {.status = 504,
                                 .outcome = VERDICT_FAILED,
                                 .cause = CAUSE_scscf_unreachable,
                                 .clause = ABNORMAL,
                                 .evidence = evidence};

        (void)snprintf(evidence, sizeof(evidence), "S-CSCFs tried: %zu, the last one " SPAN_FMT ": %s",
                       j->tried.n, SPAN_ARG(buf_as_span(&j->scscf)), j->why);
        job_end(j, &e);
}

/* --- to the S-CSCF ------------------------------------------------------------------------------- */

/* The S-CSCF did not serve: asks the HSS for the capabilities and tries another. */
static void reselect(struct job *j, const char *why)
{
        log_notice("S-CSCF " SPAN_FMT ": %s; choosing another", SPAN_ARG(buf_as_span(&j->scscf)), why);
        j->reselecting = true;
        (void)snprintf(j->why, sizeof(j->why), "%s", why);
        if (pool_tried_full(&j->tried) || job_time_ms(j, UINT32_MAX) == 0)
                end_nobody_left(j);
        else
                ask(j, CX_REGISTRATION_AND_CAPABILITIES);
}

/* True when the answer says that this S-CSCF cannot serve now, not what it decided (TS 24.229 5.3.1.3:
 * 3xx and 480; 408 and 503 are the same said by others). */
static bool cannot_serve(int status)
{
        return (status >= 300 && status < 400) || status == 408 || status == 480 || status == 503;
}

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        struct job *j = rq->user;
        char why[32];

        (void)e, (void)arg;
        if (!j || resp->status < 200)
                return true;
        if (cannot_serve(resp->status)) {
                (void)snprintf(why, sizeof(why), "it answers %d", resp->status);
                job_enter(j);
                reselect(j, why);
                return false;
        }
        job_answered(j);
        return true;
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct job *j = rq->user;

        (void)arg;
        if (!j)
                return true;
        job_enter(j);
        reselect(j, ims_strerror(err));
        return false;
}

static void forward(struct job *j, struct span scscf)
{
        struct sip_forward f = {.on_response = on_response, .on_failure = on_failure, .arg = j->ic};
        struct span next;
        struct sip_edit e;
        bool orig;

        buf_reset(&j->scscf);
        buf_span(&j->scscf, scscf);
        pool_tried_add(&j->tried, scscf);
        f.target.uri = buf_as_span(&j->scscf);
        f.target.answer_ms = job_time_ms(j, j->ic->conf->scscf_answer_ms);
        if (j->scscf.err || f.target.answer_ms == 0) {
                end_nobody_left(j);
                return;
        }
        log_debug("to S-CSCF " SPAN_FMT, SPAN_ARG(scscf));
        sip_edit_init(&e, j->rq->msg);
        sip_edit_set_ruri(&e, f.target.uri);
        route_pop_own(j->ic, &e, &orig, &next);
        job_forward(j, &e, &f);
        sip_edit_free(&e);
}

/* --- the HSS ------------------------------------------------------------------------------------- */

static void on_uaa(int err, const struct cx_uaa *ans, void *arg)
{
        struct job *j = arg;
        struct span scscf = SPAN_NULL;

        j->txn = NULL;
        job_enter(j);
        if (err) {
                job_end_no_hss(j, err);
        } else if (!dia_result_ok(ans->h.result)) {
                end_refused(j, ans->h.result);
        } else if (ans->server_name.n && !j->reselecting) {
                forward(j, ans->server_name);
        } else if (pool_choose(&j->ic->pool, &ans->capabilities, &j->tried, &scscf) == 0) {
                forward(j, scscf);
        } else if (j->reselecting) {
                end_nobody_left(j);
        } else {
                end_nobody_fits(j, &ans->capabilities);
        }
}

/* The job is entered. */
static void ask(struct job *j, uint32_t type)
{
        char *const *domains = j->ic->conf->home_domains.items;
        struct cx_uar uar = {.impi = buf_as_span(&j->facts.impi),
                             .impu = buf_as_span(&j->facts.impu),
                             .visited_network = buf_as_span(&j->facts.visited_network),
                             .has_type = true,
                             .type = type,
                             .has_flags = j->facts.emergency,
                             .flags = j->facts.emergency ? UAR_EMERGENCY : 0};
        uint32_t ms = job_time_ms(j, j->ic->conf->dia.answer_ms);
        int err = -IMS_ETIMEOUT;

        if (uar.visited_network.n == 0) /* a trusted node of the home network (TS 33.203 U.2) */
                uar.visited_network = span_of(domains[0]);
        uar.h.session_id = job_session(j);
        if (ms)
                err = cx_send_uar(j->ic->home.dia, &uar, ms, on_uaa, j, &j->txn);
        if (err)
                job_end_no_hss(j, err);
        else
                job_leave(j);
}

/* --- the request --------------------------------------------------------------------------------- */

static void end_wrong_network(struct icscf *ic, struct sip_request *rq)
{
        char evidence[EVIDENCE_MAX];
        const struct ending e = {.status = 403,
                                 .outcome = VERDICT_REFUSED,
                                 .cause = CAUSE_wrong_network,
                                 .clause = NORMAL,
                                 .evidence = evidence};
        struct span ruri = rq->msg->ruri;

        (void)snprintf(evidence, sizeof(evidence), "Request-URI " SPAN_FMT, SPAN_ARG(span_sub(ruri, 0, 200)));
        request_end(ic, rq, VERDICT_REGISTRATION, &e);
}

static bool is_for_home(const struct icscf *ic, const struct sip_msg *m)
{
        osip_uri_t *uri = NULL;
        bool home;

        if (sip_uri_parse(m->ruri, &uri) != 0)
                return false;
        home = uri->host && is_home_domain(&ic->conf->home_domains, span_of(uri->host));
        osip_uri_free(uri);
        return home;
}

void register_request(struct icscf *ic, struct sip_request *rq)
{
        struct ending bad = {.status = 400,
                             .outcome = VERDICT_REFUSED,
                             .cause = CAUSE_malformed,
                             .clause = "RFC 3261 10.3"};
        struct job *j;
        int err;

        if (!is_for_home(ic, rq->msg)) {
                end_wrong_network(ic, rq);
                return;
        }
        j = job_new(ic, rq, VERDICT_REGISTRATION);
        if (!j)
                return;
        err = reg_read(rq->msg, &j->facts, &bad.reason);
        if (j->facts.deregister)
                j->procedure = VERDICT_DEREGISTRATION;
        job_enter(j);
        if (err == -IMS_EPARSE) {
                bad.evidence = bad.reason;
                job_end(j, &bad);
        } else if (err) {
                job_end_no_hss(j, err);
        } else {
                ask(j, j->facts.deregister ? CX_DE_REGISTRATION_UAT : CX_REGISTRATION_UAT);
        }
}
