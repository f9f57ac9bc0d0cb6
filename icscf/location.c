/* SPDX-License-Identifier: BSD-3-Clause
 * Requests other than REGISTER: find the S-CSCF of the user (LIR) and hand the request on.
 * TS 24.229 5.3.2, TS 29.228 6.1.4. */
#include <stdio.h>

#include "common/base/log.h"
#include "common/cscf/home_domain.h"
#include "common/sip/grammar.h"
#include "icscf/icscf.h"

#define CLAUSE       "TS 24.229 5.3.2.1"
#define EVIDENCE_MAX 512

/* Why an identity cannot be asked for. */
enum user_fault { USER_OK, USER_FOREIGN, USER_SCHEME, USER_NOT_ASSERTED };

/* --- who is it for ------------------------------------------------------------------------------- */

/* sip:+15550001@home;user=phone is the telephone number (TS 24.229 5.3.2.1). */
static bool is_telephone(const osip_uri_t *uri)
{
        const char *user = sip_uri_param(uri, "user");

        return user && span_ieq(span_of(user), SPAN("phone")) && uri->username && uri->username[0] == '+';
}

/* The public identity the Request-URI names. */
static enum user_fault user_of_ruri(const struct icscf *ic, const struct sip_msg *m, struct buf *out)
{
        osip_uri_t *uri = NULL;
        enum user_fault fault = USER_OK;
        struct buf tel = BUF_INIT;

        if (sip_uri_parse(m->ruri, &uri) != 0)
                return USER_SCHEME;
        if (uri->host && !is_home_domain(&ic->conf->home_domains, span_of(uri->host)) &&
            !sip_stack_is_self(ic->home.sip, span_of(uri->host), sip_uri_port(uri)))
                fault = USER_FOREIGN;
        else if (is_telephone(uri))
                buf_printf(&tel, "tel:%s", uri->username);
        if (fault == USER_OK && sip_uri_canonical(tel.n ? buf_as_span(&tel) : m->ruri, out) != 0)
                fault = USER_SCHEME;
        osip_uri_free(uri);
        buf_free(&tel);
        return fault;
}

/* The served user of an originating request (TS 24.229 5.3.2.1A): P-Served-User, else the first
 * asserted identity. */
static enum user_fault user_of_sender(const struct sip_msg *m, struct buf *out)
{
        const struct sip_hdr *h = sip_msg_hdr_named(m, SPAN("P-Served-User"), 0);
        struct span value = h ? h->value : sip_msg_value(m, SIP_HDR_P_ASSERTED_IDENTITY);

        return value.n && sip_uri_canonical(sip_addr_spec(value), out) == 0 ? USER_OK : USER_NOT_ASSERTED;
}

static void end_no_user(struct job *j, enum user_fault fault)
{
        char evidence[EVIDENCE_MAX];
        struct ending e = {.status = 404,
                           .outcome = VERDICT_REFUSED,
                           .cause = CAUSE_wrong_network,
                           .clause = CLAUSE,
                           .evidence = evidence};

        (void)snprintf(evidence, sizeof(evidence), "Request-URI " SPAN_FMT,
                       SPAN_ARG(span_sub(j->rq->msg->ruri, 0, 200)));
        if (fault == USER_SCHEME) {
                e.status = 416;
                e.cause = CAUSE_malformed;
        } else if (fault == USER_NOT_ASSERTED) {
                e.status = 403;
                e.cause = CAUSE_identity_not_allowed;
                e.clause = "TS 24.229 5.3.2.1A";
                e.evidence = "originating request without P-Served-User or P-Asserted-Identity";
        }
        job_end(j, &e);
}

/* --- to the next hop ----------------------------------------------------------------------------- */

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        struct job *j = rq->user;

        (void)e, (void)arg;
        if (j && resp->status >= 200)
                job_answered(j);
        return true;
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct job *j = rq->user;
        char evidence[EVIDENCE_MAX];
        struct ending e = {.status = 504,
                           .outcome = VERDICT_FAILED,
                           .cause = CAUSE_scscf_unreachable,
                           .clause = CLAUSE,
                           .evidence = evidence};

        (void)arg;
        if (!j)
                return true;
        (void)snprintf(evidence, sizeof(evidence), SPAN_FMT ": %s", SPAN_ARG(buf_as_span(&j->scscf)),
                       ims_strerror(err));
        job_enter(j);
        job_end(j, &e);
        return false;
}

/* Sends the request to the URI in j->scscf. */
static void forward(struct job *j, struct sip_edit *e)
{
        struct sip_forward f = {.on_response = on_response, .on_failure = on_failure, .arg = j->ic};

        f.target.uri = buf_as_span(&j->scscf);
        if (j->rq->msg->method == SIP_INVITE) /* else the answer may take as long as the user does */
                f.target.answer_ms = j->ic->conf->scscf_answer_ms;
        job_forward(j, e, &f);
}

static void forward_to_scscf(struct job *j, struct span scscf)
{
        struct buf route = BUF_INIT;
        struct sip_edit e;
        struct span next;
        bool orig;

        buf_span(&j->scscf, scscf);
        buf_printf(&route, "<" SPAN_FMT "%s%s>", SPAN_ARG(scscf),
                   span_find(scscf, SPAN(";lr")) < 0 ? ";lr" : "", j->orig ? ";orig" : "");
        sip_edit_init(&e, j->rq->msg);
        route_pop_own(j->ic, &e, &orig, &next);
        sip_edit_insert(&e, SIP_HDR_ROUTE, buf_as_span(&route));
        if (j->scscf.err || route.err)
                job_end_no_hss(j, -IMS_ENOMEM);
        else
                forward(j, &e);
        sip_edit_free(&e);
        buf_free(&route);
}

/* --- the HSS ------------------------------------------------------------------------------------- */

static void end_refused(struct job *j, struct dia_result result)
{
        char evidence[EVIDENCE_MAX];
        struct ending e = {.outcome = VERDICT_REFUSED, .clause = CLAUSE, .evidence = evidence};

        (void)snprintf(evidence, sizeof(evidence), "%s", dia_result_str(result));
        if (dia_result_is(result, dia_3gpp(CX_ERROR_USER_UNKNOWN))) {
                e.status = 404;
                e.cause = CAUSE_user_unknown;
        } else if (dia_result_is(result, dia_3gpp(CX_ERROR_IDENTITY_NOT_REGISTERED))) {
                e.status = 480;
                e.cause = CAUSE_identity_not_registered;
        } else if (dia_result_is(result, dia_base(DIA_AUTHORIZATION_REJECTED))) {
                e.status = 403;
                e.cause = CAUSE_authorization_rejected;
        } else {
                job_end_hss_error(j, result);
                return;
        }
        job_end(j, &e);
}

static void on_lia(int err, const struct cx_lia *ans, void *arg)
{
        struct job *j = arg;
        struct ending nobody = {
                .status = 600, .outcome = VERDICT_FAILED, .cause = CAUSE_no_scscf_matches, .clause = CLAUSE};
        struct span scscf;

        j->txn = NULL;
        job_enter(j);
        if (err)
                job_end_no_hss(j, err);
        else if (!dia_result_ok(ans->h.result))
                end_refused(j, ans->h.result);
        else if (ans->server_name.n)
                forward_to_scscf(j, ans->server_name);
        else if (pool_choose(&j->ic->pool, &ans->capabilities, &j->tried, &scscf) == 0)
                forward_to_scscf(j, scscf);
        else
                job_end(j, &nobody);
}

static void ask(struct job *j)
{
        struct cx_lir lir = {.impu = buf_as_span(&j->facts.impu), .originating = j->orig};
        int err;

        lir.h.session_id = job_session(j);
        err = cx_send_lir(j->ic->home.dia, &lir, j->ic->conf->dia.answer_ms, on_lia, j, &j->txn);
        if (err)
                job_end_no_hss(j, err);
        else
                job_leave(j);
}

/* --- the request --------------------------------------------------------------------------------- */

/* A route below ours: the request is on its way already (RFC 3261 16.6 item 6). */
static void follow_route(struct icscf *ic, struct sip_request *rq, struct sip_edit *e, struct span next)
{
        const struct sip_target target = {.uri = sip_addr_spec(next)};
        struct job *j;

        if (rq->msg->method == SIP_ACK) {
                sip_forward_stateless(rq, e, &target);
                return;
        }
        j = job_new(ic, rq, VERDICT_REQUEST);
        if (!j)
                return;
        buf_span(&j->scscf, target.uri);
        forward(j, e);
}

/* Options of the node itself: who asks wants to know whether we live (RFC 3261 11). */
static bool is_ping(const struct icscf *ic, const struct sip_msg *m)
{
        osip_uri_t *uri = NULL;
        bool ping;

        if (m->method != SIP_OPTIONS || sip_uri_parse(m->ruri, &uri) != 0)
                return false;
        ping = !uri->username && uri->host &&
               sip_stack_is_self(ic->home.sip, span_of(uri->host), sip_uri_port(uri));
        osip_uri_free(uri);
        return ping;
}

void location_request(struct icscf *ic, struct sip_request *rq)
{
        enum user_fault fault;
        struct sip_edit e;
        struct span next;
        struct job *j;
        bool orig;

        sip_edit_init(&e, rq->msg);
        route_pop_own(ic, &e, &orig, &next);
        if (next.n) {
                follow_route(ic, rq, &e, next);
        } else if (rq->msg->method == SIP_ACK) {
                sip_request_unref(rq); /* no dialog runs over this node */
        } else if (is_ping(ic, rq->msg)) {
                sip_reply(rq, 200, NULL, NULL, 0);
        } else if ((j = job_new(ic, rq, VERDICT_REQUEST)) != NULL) {
                j->orig = orig;
                fault = orig ? user_of_sender(rq->msg, &j->facts.impu)
                             : user_of_ruri(ic, rq->msg, &j->facts.impu);
                job_enter(j);
                if (fault == USER_OK)
                        ask(j);
                else
                        end_no_user(j, fault);
        }
        sip_edit_free(&e);
}
