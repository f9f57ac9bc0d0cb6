/* SPDX-License-Identifier: BSD-3-Clause
 * The authentication run: vectors, challenge, answer, and the failures of TS 33.203 6.1.2 and 6.1.3;
 * TS 24.229 5.4.1.2.1 to 5.4.1.2.3. */
#include "scscf/registrar_int.h"

#include <stdlib.h>

#include "common/base/codec.h"
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
        secret_wipe(c, sizeof(*c));
        free(c);
}

/* --- reg-await-auth ------------------------------------------------------------------------------ */

static void say_timeout(const struct challenge *c, struct span impu)
{
        struct verdict v = {.procedure = VERDICT_REGISTRATION,
                            .outcome = VERDICT_FAILED,
                            .cause = CAUSE_challenge_timeout,
                            .clause = "TS 33.203 6.1.2.3",
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

static int await_auth(struct challenge *c)
{
        return c->reg->port.timer_start(c->reg->arg, &c->timer, c->reg->conf->await_auth_ms, on_await_auth,
                                        c);
}

/* --- challenge ----------------------------------------------------------------------------------- */

/* The 401 for the pending challenge. */
static void answer_401(struct reg_job *job)
{
        const struct challenge *c = job->user->challenge;
        struct buf text = BUF_INIT;
        struct sip_field field;

        auth_schemes[AUTH_AKA].challenge(&c->av, challenge_realm(c), span_of(c->nonce), &text);
        if (text.err) {
                reg_job_broken(job, text.err);
        } else {
                field = (struct sip_field){SIP_HDR_WWW_AUTHENTICATE, buf_as_span(&text)};
                job->end.status = 401;
                reg_job_finish(job, &field, 1, true); /* nothing has ended: no verdict */
        }
        secret_wipe(text.p, text.n);
        buf_free(&text);
}

static int challenge_new(struct reg_job *job, const struct aka_av *av)
{
        struct span call_id = job->in.origin.call_id, realm = job->in.auth.realm;
        size_t n = job->in.impu.n + call_id.n + realm.n;
        struct challenge *c = NULL;
        char *p;
        int rc;

        if (n > UINT16_MAX)
                return -IMS_ETOOBIG;
        c = calloc(1, sizeof(*c) + n);
        if (!c)
                return -IMS_ENOMEM;
        c->reg = job->reg;
        c->user = job->user;
        c->av = *av;
        c->cseq = job->in.origin.cseq;
        c->impu_n = (uint16_t)job->in.impu.n;
        c->call_id_n = (uint16_t)call_id.n;
        c->realm_n = (uint16_t)realm.n;
        p = c->text;
        memcpy(p, job->in.impu.p, c->impu_n);
        memcpy(p + c->impu_n, call_id.p, call_id.n);
        if (realm.n)
                memcpy(p + c->impu_n + c->call_id_n, realm.p, realm.n);
        auth_aka_nonce(av, c->nonce);
        rc = await_auth(c);
        if (rc < 0) {
                secret_wipe(c, sizeof(*c));
                free(c);
                return rc;
        }
        reg_challenge_drop(job->user);
        job->user->challenge = c;
        return 0;
}

/* Challenges with the oldest vector. */
static void challenge_next(struct reg_job *job)
{
        struct aka_av av = {0};
        int rc = -IMS_ENOTFOUND;

        if (av_pop(&job->user->avs, &av))
                rc = challenge_new(job, &av);
        secret_wipe(&av, sizeof(av));
        if (rc == 0)
                rc = reg_user_phase(job->user, REG_ST_CHALLENGED);
        if (rc < 0)
                reg_job_broken(job, rc);
        else
                answer_401(job);
}

/* Keeps the vectors of MAA; those after a synchronisation failure replace all older ones (6.1.3).
 * -IMS_ENOTFOUND with *why when there is no usable one. */
static int take_vectors(struct reg_job *job, const struct cx_maa *a, const char **why)
{
        struct aka_av av = {0};
        size_t n = 0;
        int rc = 0;

        *why = "the answer holds no vector";
        if (job->sync)
                av_clear(&job->user->avs);
        for (size_t i = 0; i < a->n && rc == 0; i++) {
                rc = auth_schemes[AUTH_AKA].select(&a->items[i], &av, why);
                if (rc == 0)
                        rc = av_push(&job->user->avs, &av, SCSCF_VECTORS_MAX + 1);
                if (rc == 0)
                        n++;
        }
        secret_wipe(&av, sizeof(av));
        if (n > 0)
                return 0;
        return rc < 0 ? rc : -IMS_ENOTFOUND;
}

static void on_maa(int err, const struct cx_maa *a, void *arg);
static void failed(struct reg_job *job, enum verdict_cause cause, const char *clause);

/* AUTS of the request in raw octets. */
static int read_auts(const struct reg_job *job, uint8_t out[static AKA_AUTS_N])
{
        size_t n = 0;

        if (base64_decode(job->in.auts, out, AKA_AUTS_N, &n) < 0 || n != AKA_AUTS_N)
                return -IMS_EPARSE;
        return 0;
}

/* No vectors came. A first challenge does not happen; after AUTS the HSS either refused it (the
 * authentication has failed), or could not be asked (the challenge stays pending and the UE may repeat its
 * AUTS). */
static void vectors_failed(struct reg_job *job, int err, const struct cx_maa *a)
{
        uint8_t auts[AKA_AUTS_N];
        bool asked;

        reg_cx_failure(job, job->sync ? "MAR with AUTS" : "MAR", err, a ? &a->h : NULL);
        asked = err == 0 && job->end.cause != CAUSE_hss_unreachable && job->end.status != 503;
        if (job->sync && asked && job->end.outcome == VERDICT_FAILED) {
                if (read_auts(job, auts) == 0)
                        reg_diagnose_auts(job, auts);
                failed(job, CAUSE_auts_forged, "TS 33.203 6.1.3");
                return;
        }
        if (job->sync && (asked || await_auth(job->user->challenge) < 0))
                reg_challenge_drop(job->user);
        reg_job_finish(job, NULL, 0, false);
}

static void ask_vectors(struct reg_job *job, struct span auts)
{
        int rc = reg_user_phase(job->user, REG_ST_FETCHING);

        if (rc < 0) {
                reg_job_broken(job, rc);
                return;
        }
        rc = reg_cx_mar(job, auts, on_maa);
        if (rc < 0)
                vectors_failed(job, rc, NULL);
}

static void on_maa(int err, const struct cx_maa *a, void *arg)
{
        struct reg_job *job = arg;
        struct log_ctx before = log_ctx_set(reg_job_log(job));
        const char *why = NULL;
        int rc;

        job->txn = NULL;
        if (!fsm_allowed(&reg_fsm, job->user->state, REG_EV_VECTORS)) {
                reg_job_broken(job, -IMS_EPROTO);
        } else if (err < 0 || !dia_result_ok(a->h.result)) {
                vectors_failed(job, err, a);
        } else {
                reg_cx_learn(job, &a->h);
                rc = take_vectors(job, a, &why);
                if (rc == 0) {
                        challenge_next(job);
                } else {
                        reg_challenge_drop(job->user);
                        reg_job_verdict(job, VERDICT_FAILED, CAUSE_hss_error, 500, "TS 33.102 6.3.7");
                        buf_printf(&job->evidence, "MAA: %s", why ? why : ims_strerror(rc));
                        reg_job_finish(job, NULL, 0, false);
                }
        }
        log_ctx_set(before);
}

void reg_auth_challenge(struct reg_job *job)
{
        struct user *u = job->user;
        /* The pending flag in the HSS is set by MAR: without it a cached vector would not do for an IMPU that
         * is not registered (6.1.1); MAR also lets the HSS check that IMPI and IMPU belong together. */
        bool flagged = reg_job_registered(job) ||
                       (u->challenge && span_eq(challenge_impu(u->challenge), job->in.impu));

        if (u->challenge)
                log_info("the pending challenge is given up for a new one");
        reg_challenge_drop(u);
        u->resyncs = 0;
        if (flagged && u->avs)
                challenge_next(job);
        else
                ask_vectors(job, SPAN_NULL);
}

void reg_auth_repeat(struct reg_job *job)
{
        log_info("the REGISTER came again: the same challenge is sent");
        answer_401(job);
}

/* --- answers ------------------------------------------------------------------------------------- */

/* The authentication failed: HSS update for an IMPU that is not registered, then 403 (6.1.2.2). */
static void failed(struct reg_job *job, enum verdict_cause cause, const char *clause)
{
        reg_challenge_drop(job->user);
        reg_job_verdict(job, VERDICT_REFUSED, cause, 403, clause);
        if (reg_job_registered(job))
                reg_job_finish(job, NULL, 0, false);
        else
                reg_release(job, CX_SAT_AUTHENTICATION_FAILURE);
}

/* Only now it is certain: an HSS gives vectors for a forged AUTS too (TS 33.102 6.3.5). */
static void say_resynchronised(const struct reg_job *job)
{
        const struct verdict v = {.procedure = job->end.procedure,
                                  .outcome = VERDICT_OK,
                                  .cause = CAUSE_resynchronised,
                                  .clause = "TS 33.203 6.1.3",
                                  .impi = job->in.impi,
                                  .impu = job->in.impu,
                                  .call_id = job->in.origin.call_id,
                                  .evidence = "the challenge after AUTS was answered rightly"};

        job->reg->port.verdict(job->reg->arg, &v);
}

void reg_auth_verify(struct reg_job *job)
{
        struct user *u = job->user;
        const struct challenge *c = u->challenge;
        const char *why = NULL;
        enum auth_result result;

        if (!span_eq(job->in.auth.realm, challenge_realm(c))) {
                result = AUTH_WRONG;
                why = "the realm is not that of the challenge";
        } else {
                result = auth_schemes[AUTH_AKA].verify(&c->av, job->in.msg->method_name, &job->in.auth, &why);
        }
        if (result == AUTH_MALFORMED) {
                reg_job_verdict(job, VERDICT_REFUSED, CAUSE_malformed, 400, "RFC 3310 3.3");
                buf_puts(&job->evidence, why);
                reg_job_finish(job, NULL, 0, false);
                return;
        }
        if (result == AUTH_WRONG) {
                reg_diagnose_response(job);
                buf_puts(&job->evidence, why);
                buf_puts(&job->evidence, reg_job_registered(job) ? "; the user stays registered" : "");
                failed(job, CAUSE_res_mismatch, "TS 33.203 6.1.2.1");
                return;
        }
        if (u->resyncs)
                say_resynchronised(job);
        u->last_nonce = hash_span(span_of(c->nonce)) | 1;
        u->last_answer = reg_answer_hash(&job->in.auth);
        u->resyncs = 0;
        reg_challenge_drop(u);
        reg_assign(job);
}

void reg_auth_mac_failure(struct reg_job *job)
{
        buf_puts(&job->evidence, "empty response, no auts");
        if (reg_job_registered(job))
                buf_puts(&job->evidence, "; the user stays registered");
        reg_diagnose_autn(job);
        failed(job, CAUSE_mac_mismatch, "TS 33.203 6.1.2.2");
}

void reg_auth_sync(struct reg_job *job)
{
        struct user *u = job->user;
        uint8_t auts[AKA_AUTS_N];

        if (read_auts(job, auts) < 0) {
                reg_job_verdict(job, VERDICT_REFUSED, CAUSE_malformed, 400, "RFC 3310 3.2");
                buf_puts(&job->evidence, "auts is not 14 octets in base64");
                reg_job_finish(job, NULL, 0, false);
                return;
        }
        if (u->resyncs >= job->reg->conf->max_failures) {
                buf_printf(&job->evidence, "%u synchronisation failures in a row", (unsigned)u->resyncs + 1);
                u->resyncs = 0;
                reg_diagnose_auts(job, auts);
                failed(job, CAUSE_sqn_repeated, "TS 33.203 6.1.3");
                return;
        }
        u->resyncs++;
        /* reg-await-auth has done its work; the RAND stays for MAR. */
        job->reg->port.timer_stop(job->reg->arg, &u->challenge->timer);
        ask_vectors(job, span_make(auts, sizeof(auts)));
}
