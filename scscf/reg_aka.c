/* SPDX-License-Identifier: BSD-3-Clause
 * The run of IMS AKA: vectors, challenge, answer, and the failures of TS 33.203 6.1.2 and 6.1.3;
 * TS 24.229 5.4.1.2.1 to 5.4.1.2.3. */
#include "scscf/registrar_int.h"

#include "common/base/codec.h"
#include "common/base/log.h"

/* --- challenge ----------------------------------------------------------------------------------- */

void reg_aka_challenge(const struct challenge *c, struct buf *out)
{
        auth_aka_challenge(&c->av, challenge_realm(c), span_of(c->nonce), out);
}

static int challenge_new(struct reg_job *job, const struct aka_av *av)
{
        struct challenge *c = NULL;
        int rc = reg_challenge_new(job, job->in.auth.realm, &c);

        if (rc < 0)
                return rc;
        c->av = *av;
        auth_aka_nonce(av, c->nonce);
        return reg_challenge_start(c);
}

/* Challenges with the oldest vector. */
static void challenge_next(struct reg_job *job)
{
        struct aka_av av = {0};
        int rc = -IMS_ENOTFOUND;

        if (av_pop(&job->user->avs, &av))
                rc = challenge_new(job, &av);
        secret_wipe(&av, sizeof(av));
        if (rc < 0)
                reg_job_broken(job, rc);
        else
                reg_challenge_answer(job, true); /* nothing has ended: no verdict */
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
                rc = auth_aka_select(&a->items[i], &av, why);
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

/* The authentication failed: HSS update for an IMPU that is not registered, then 403 (6.1.2.2). */
static void failed(struct reg_job *job, enum verdict_cause cause, const char *clause)
{
        reg_challenge_drop(job->user);
        reg_auth_failed(job, cause, clause);
}

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
void reg_aka_no_vectors(struct reg_job *job, bool asked)
{
        uint8_t auts[AKA_AUTS_N];

        if (job->sync && asked && job->end.outcome == VERDICT_FAILED) {
                if (read_auts(job, auts) == 0)
                        reg_diagnose_auts(job, auts);
                failed(job, CAUSE_auts_forged, "TS 33.203 6.1.3");
                return;
        }
        if (job->sync && (asked || reg_challenge_await(job->user->challenge) < 0))
                reg_challenge_drop(job->user);
        reg_job_finish(job, NULL, 0, false);
}

void reg_aka_vectors(struct reg_job *job, const struct cx_maa *a)
{
        const char *why = NULL;
        int rc = take_vectors(job, a, &why);

        if (rc == 0)
                challenge_next(job);
        else
                reg_auth_unusable(job, why ? why : ims_strerror(rc));
}

static void challenge(struct reg_job *job)
{
        struct user *u = job->user;
        /* The pending flag in the HSS is set by MAR: without it a cached vector would not do for an IMPU that
         * is not registered (6.1.1); MAR also lets the HSS check that IMPI and IMPU belong together. */
        bool flagged = reg_job_registered(job) || reg_challenge_pending(job);

        if (u->challenge)
                log_info("the pending challenge is given up for a new one");
        reg_challenge_drop(u);
        u->resyncs = 0;
        if (flagged && u->avs)
                challenge_next(job);
        else
                reg_auth_ask(job, SPAN_NULL);
}

/* --- answers ------------------------------------------------------------------------------------- */

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

/* Stands for nonce and response of an answer to a challenge; never 0. */
static uint64_t answer_hash(const struct sip_digest_credentials *a)
{
        return hash_mix(hash_span(a->nonce), hash_span(a->response)) | 1;
}

static void verify(struct reg_job *job)
{
        struct user *u = job->user;
        const struct challenge *c = u->challenge;
        const char *why = NULL;
        enum auth_result result;

        if (!span_eq(job->in.auth.realm, challenge_realm(c))) {
                result = AUTH_WRONG;
                why = "the realm is not that of the challenge";
        } else {
                result = auth_aka_verify(&c->av, job->in.msg->method_name, &job->in.auth, &why);
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
        u->last_answer = answer_hash(&job->in.auth);
        u->resyncs = 0;
        u->reauthenticate = false;
        reg_challenge_drop(u);
        reg_assign(job);
}

static void mac_failure(struct reg_job *job)
{
        buf_puts(&job->evidence, "empty response, no auts");
        if (reg_job_registered(job))
                buf_puts(&job->evidence, "; the user stays registered");
        reg_diagnose_autn(job);
        failed(job, CAUSE_mac_mismatch, "TS 33.203 6.1.2.2");
}

static void resynchronise(struct reg_job *job)
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
        reg_auth_ask(job, span_make(auts, sizeof(auts)));
}

/* --- decision ------------------------------------------------------------------------------------ */

static bool answered_already(const struct reg_job *job)
{
        list_for_each(n, &job->user->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_user);

                if (c->cseq == job->in.origin.cseq && span_eq(contact_call_id(c), job->in.origin.call_id))
                        return c->set == reg_job_set(job);
        }
        return false;
}

static void read_facts(const struct reg_job *job, struct reg_facts *f)
{
        const struct scscf_conf *conf = job->reg->conf;
        const struct sip_digest_credentials *a = &job->in.auth;
        const struct challenge *c = job->user->challenge;

        *f = (struct reg_facts){
                .protected_ = job->in.protected_,
                .source_known = scscf_conf_knows_senders(conf),
                .has_response = a->response.n > 0,
                .has_auts = job->in.has_auts,
                .has_nonce = a->nonce.n > 0,
                .nonce_is_last = a->nonce.n > 0 && (hash_span(a->nonce) | 1) == job->user->last_nonce,
                .response_is_last = a->response.n > 0 && answer_hash(a) == job->user->last_answer,
                .registered = job->registered,
                .impi_registered = !list_empty(&job->user->contacts),
                .answered_already = answered_already(job),
                .reauthenticate = conf->reauthenticate == SCSCF_ALWAYS || job->user->reauthenticate,
                .reauthenticate_new_impu =
                        conf->reauthenticate_new_impu == SCSCF_ALWAYS || job->user->reauthenticate,
                .accept_unprotected = conf->unprotected_response == SCSCF_ACCEPT,
        };
        if (!c)
                return;
        f->pending = true;
        f->nonce_is_pending = span_eq(a->nonce, span_of(c->nonce));
        f->same_impu = span_eq(job->in.impu, challenge_impu(c));
        f->same_call = span_eq(job->in.origin.call_id, challenge_call_id(c));
        f->challenged_already = f->same_call && f->same_impu && c->cseq == job->in.origin.cseq;
}

static void refuse(struct reg_job *job, const struct reg_decision *d)
{
        reg_job_verdict(job, VERDICT_REFUSED, d->cause, d->status, d->clause);
        if (d->cause == CAUSE_not_integrity_protected)
                buf_puts(&job->evidence, "integrity-protected is not \"yes\"");
        else if (d->cause == CAUSE_identities_dont_match)
                buf_puts(&job->evidence, "the challenge was for another IMPU of the IMPI");
        else if (d->cause == CAUSE_challenge_superseded)
                buf_puts(&job->evidence, "nonce of an older challenge; the newer one stays pending");
        reg_job_finish(job, NULL, 0, false);
}

static void dispatch(struct reg_job *job, const struct reg_decision *d)
{
        switch (d->action) {
        case REG_DO_CHALLENGE:
                if (d->cause != CAUSE_registered)
                        log_info("%s: challenged anew", verdict_cause_text(d->cause));
                challenge(job);
                break;
        case REG_DO_REPEAT_CHALLENGE:
                reg_challenge_repeat(job);
                break;
        case REG_DO_REPEAT_ANSWER:
                reg_assign_answer(job);
                break;
        case REG_DO_VERIFY:
                verify(job);
                break;
        case REG_DO_MAC_FAILURE:
                mac_failure(job);
                break;
        case REG_DO_SYNC:
                resynchronise(job);
                break;
        case REG_DO_ACCEPT:
                reg_assign(job);
                break;
        case REG_DO_REFUSE:
                refuse(job, d);
                break;
        }
}

static enum reg_event event_of(enum reg_action a)
{
        return a == REG_DO_VERIFY || a == REG_DO_MAC_FAILURE || a == REG_DO_SYNC ? REG_EV_ANSWER
                                                                                 : REG_EV_REGISTER;
}

void reg_aka_run(struct reg_job *job)
{
        struct reg_decision d;
        struct reg_facts f;

        read_facts(job, &f);
        d = reg_decide(&f);
        if (fsm_allowed(&reg_fsm, job->user->state, event_of(d.action)))
                dispatch(job, &d);
        else
                reg_job_broken(job, -IMS_EPROTO);
}
