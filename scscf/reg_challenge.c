/* SPDX-License-Identifier: BSD-3-Clause
 * What all schemes do around a challenge: MAR, the 401, the wait for its answer (reg-await-auth), the end of
 * an authentication that failed. TS 24.229 5.4.1.2.1 to 5.4.1.2.3, TS 33.203 6.1.2.2, 6.1.2.3, N.2.2. */
#include "scscf/registrar_int.h"

#include <stdlib.h>

#include "common/base/log.h"

struct span challenge_impu(const struct challenge *c)
{
        return span_make(c->text, c->impu_n);
}

struct span challenge_call_id(const struct challenge *c)
{
        return span_make(c->text + c->impu_n, c->call_id_n);
}

struct span challenge_realm(const struct challenge *c)
{
        return span_make(c->text + c->impu_n + c->call_id_n, c->realm_n);
}

void reg_challenge_drop(struct user *u)
{
        struct challenge *c = u->challenge;

        if (!c)
                return;
        u->challenge = NULL;
        c->reg->port.timer_stop(c->reg->arg, &c->timer);
        secret_free(c, sizeof(*c));
}

/* --- reg-await-auth ------------------------------------------------------------------------------ */

static void say_timeout(const struct challenge *c, struct span impu)
{
        struct verdict v = {.procedure = VERDICT_REGISTRATION,
                            .outcome = VERDICT_FAILED,
                            .cause = CAUSE_challenge_timeout,
                            .clause = c->scheme == &auth_schemes[AUTH_AKA] ? "TS 33.203 6.1.2.3"
                                                                           : "TS 33.203 N.2.2.3",
                            .impi = user_impi(c->user),
                            .impu = impu,
                            .call_id = challenge_call_id(c)};
        char text[64];

        snprintf(text, sizeof(text), "no answer within %u ms", (unsigned)c->reg->conf->await_auth_ms);
        v.evidence = text;
        c->reg->port.verdict(c->reg->arg, &v);
}

static void on_await_auth(struct tmr *t, void *arg)
{
        struct challenge *c = arg;
        struct registrar *r = c->reg;
        struct user *u = c->user;
        struct buf impu = BUF_INIT;
        struct impu *i = NULL;

        (void)t;
        buf_span(&impu, challenge_impu(c));
        say_timeout(c, challenge_impu(c));
        i = impu_find(&r->store, challenge_impu(c));
        reg_challenge_drop(u);
        if (!u->job && reg_user_phase(u, REG_ST_NOT_REGISTERED) < 0)
                log_error("reg-await-auth ran out in a state without a challenge");
        if (reg_set_has_user(i ? i->set : NULL, u) || impu.err)
                reg_user_next(r, u);
        else
                reg_job_queue(r, u, REG_JOB_AUTH_TIMEOUT, buf_as_span(&impu));
        buf_free(&impu);
}

int reg_challenge_await(struct challenge *c)
{
        return c->reg->port.timer_start(c->reg->arg, &c->timer, c->reg->conf->await_auth_ms, on_await_auth,
                                        c);
}

/* --- challenge ----------------------------------------------------------------------------------- */

int reg_challenge_new(struct reg_job *job, struct span realm, struct challenge **out)
{
        struct span call_id = job->in.origin.call_id;
        size_t n = job->in.impu.n + call_id.n + realm.n;
        struct challenge *c = NULL;
        char *p;

        if (n > UINT16_MAX)
                return -IMS_ETOOBIG;
        c = calloc(1, sizeof(*c) + n);
        if (!c)
                return -IMS_ENOMEM;
        c->reg = job->reg;
        c->user = job->user;
        c->scheme = job->scheme;
        c->cseq = job->in.origin.cseq;
        c->impu_n = (uint16_t)job->in.impu.n;
        c->call_id_n = (uint16_t)call_id.n;
        c->realm_n = (uint16_t)realm.n;
        p = c->text;
        memcpy(p, job->in.impu.p, c->impu_n);
        memcpy(p + c->impu_n, call_id.p, call_id.n);
        if (realm.n)
                memcpy(p + c->impu_n + c->call_id_n, realm.p, realm.n);
        *out = c;
        return 0;
}

int reg_challenge_discard(struct challenge *c, int rc)
{
        secret_free(c, sizeof(*c));
        return rc;
}

int reg_challenge_start(struct challenge *c)
{
        struct user *u = c->user;
        int rc = reg_challenge_await(c);

        if (rc < 0)
                return reg_challenge_discard(c, rc);
        reg_challenge_drop(u);
        u->challenge = c;
        u->scheme = c->scheme;
        return reg_user_phase(u, REG_ST_CHALLENGED);
}

void reg_challenge_answer(struct reg_job *job, bool quiet)
{
        const struct challenge *c = job->user->challenge;
        struct buf text = {.secret = true};
        struct sip_field field;

        c->scheme->challenge(c, &text);
        if (text.err) {
                reg_job_broken(job, text.err);
        } else {
                field = (struct sip_field){SIP_HDR_WWW_AUTHENTICATE, buf_as_span(&text)};
                job->end.status = 401;
                reg_job_finish(job, &field, 1, quiet);
        }
        buf_free(&text);
}

void reg_challenge_repeat(struct reg_job *job)
{
        log_info("the REGISTER came again: the same challenge is sent");
        reg_challenge_answer(job, true);
}

bool reg_challenge_pending(const struct reg_job *job)
{
        const struct challenge *c = job->user->challenge;

        return c && span_eq(challenge_impu(c), job->in.impu);
}

/* --- MAR ----------------------------------------------------------------------------------------- */

static void no_vectors(struct reg_job *job, int err, const struct cx_maa *a)
{
        reg_cx_failure(job, job->sync ? "MAR with AUTS" : "MAR", err, a ? &a->h : NULL);
        job->scheme->no_vectors(job, err == 0 && job->end.cause != CAUSE_hss_unreachable &&
                                             job->end.status != 503);
}

static void on_maa(int err, const struct cx_maa *a, void *arg)
{
        struct reg_job *job = arg;
        struct log_ctx before = log_ctx_set(reg_job_log(job));

        job->txn = NULL;
        if (!fsm_allowed(&reg_fsm, job->user->state, REG_EV_VECTORS)) {
                reg_job_broken(job, -IMS_EPROTO);
        } else if (err < 0 || !dia_result_ok(a->h.result)) {
                no_vectors(job, err, a);
        } else {
                reg_cx_learn(job->reg, job->user, &a->h);
                job->scheme->vectors(job, a);
        }
        log_ctx_set(before);
}

void reg_auth_ask(struct reg_job *job, struct span auts)
{
        int rc = reg_user_phase(job->user, REG_ST_FETCHING);

        if (rc < 0) {
                reg_job_broken(job, rc);
                return;
        }
        job->pushes = job->user->digest ? job->user->digest->pushes : 0;
        rc = reg_cx_mar(job, auts, on_maa);
        if (rc < 0)
                no_vectors(job, rc, NULL);
}

/* --- failures ------------------------------------------------------------------------------------ */

void reg_auth_unusable(struct reg_job *job, const char *why)
{
        reg_challenge_drop(job->user);
        reg_job_verdict(job, VERDICT_FAILED, CAUSE_hss_error, 500, "TS 33.102 6.3.7");
        buf_printf(&job->evidence, "MAA: %s", why);
        reg_job_finish(job, NULL, 0, false);
}

void reg_auth_failed(struct reg_job *job, enum verdict_cause cause, const char *clause)
{
        reg_job_verdict(job, VERDICT_REFUSED, cause, 403, clause);
        if (reg_job_registered(job) || reg_challenge_pending(job))
                reg_job_finish(job, NULL, 0, false);
        else
                reg_release(job, CX_SAT_AUTHENTICATION_FAILURE);
}
