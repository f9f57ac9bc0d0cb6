/* SPDX-License-Identifier: BSD-3-Clause
 * The run of SIP Digest: TS 33.203 N.2 and O.4.3, TS 24.229 5.4.1.2. A REGISTER is an answer when it carries
 * a response; what it is worth is known once there is an H(A1) to check it with. */
#include "scscf/registrar_int.h"
#include "scscf/requests.h"

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/cscf/home_domain.h"

/* --- challenge ----------------------------------------------------------------------------------- */

void reg_digest_challenge(const struct challenge *c, struct buf *out)
{
        digest_challenge_write(&c->digest, challenge_realm(c), span_of(c->reg->opaque), c->stale, out);
}

static struct digest_limits limits(const struct reg_job *job)
{
        return digest_limits(job->reg);
}

/* A fresh challenge; stale: the digest was right, only its nonce is over (N.2.3). */
static void challenge(struct reg_job *job, bool stale)
{
        const struct digest_key *key = &job->user->digest->key;
        struct challenge *c = NULL;
        int rc = reg_challenge_new(job, shared_text(key->realm), &c);

        if (rc == 0) {
                c->stale = stale;
                rc = digest_nonce_new(&c->digest, key->algorithm, job->reg->port.now_ms(job->reg->arg));
                rc = rc < 0 ? reg_challenge_discard(c, rc) : reg_challenge_start(c);
        }
        if (rc < 0)
                reg_job_broken(job, rc);
        else
                reg_challenge_answer(job, !stale);
}

/* --- success ------------------------------------------------------------------------------------- */

/* A successor for a nonce that will not do for long: it is announced once and stays the same until used. */
static int next_nonce(struct reg_job *job, const struct digest_nonce *n, char out[static DIGEST_NONCE_SIZE])
{
        struct digest_engine *e = &job->user->digest->reg;
        const struct digest_limits l = limits(job);
        struct digest_nonce *place;

        for (size_t i = 0; i < DIGEST_NONCES; i++) {
                if (e->nonces[i].live && e->nonces[i].uses == 0 && e->nonces[i].issued_ms > n->issued_ms &&
                    l.now_ms - e->nonces[i].issued_ms < l.lifetime_ms / 2) {
                        digest_nonce_text(&e->nonces[i], out);
                        return 0;
                }
        }
        place = digest_engine_place(e, &l);
        if (place == n)
                return -IMS_ELIMIT;
        if (digest_nonce_new(place, job->user->digest->key.algorithm, l.now_ms) < 0) {
                place->live = false;
                return -IMS_ECRYPTO;
        }
        digest_nonce_text(place, out);
        return 0;
}

static bool wants_next(const struct reg_job *job, const struct digest_nonce *n)
{
        const struct digest_limits l = limits(job);

        switch (job->reg->conf->digest.nextnonce) {
        case SCSCF_NEXTNONCE_NEVER:
                return false;
        case SCSCF_NEXTNONCE_ALWAYS:
                return true;
        default:
                return n->uses + 1u >= l.uses || l.now_ms - n->issued_ms >= l.lifetime_ms / 2;
        }
}

/* Authentication-Info (RFC 7616 3.5): the network proves that it has H(A1), too. */
static int write_info(struct reg_job *job, const struct digest_key *key, const struct digest_nonce *n)
{
        char rspauth[DIGEST_HEX_MAX], next[DIGEST_NONCE_SIZE] = "";
        const struct sip_digest_credentials *a = &job->in.auth;
        struct sip_auth_info info = {.qop = a->qop, .cnonce = a->cnonce, .nc = a->nc};
        int rc = digest_key_response(key, SPAN_NULL, a, rspauth);

        if (rc < 0)
                return rc;
        info.rspauth = span_of(rspauth);
        if (wants_next(job, n) && next_nonce(job, n, next) == 0)
                info.nextnonce = span_of(next);
        sip_auth_info_write(&info, &job->auth_info);
        return job->auth_info.err;
}

/* The nonce of an answered challenge stays for further use. */
static struct digest_nonce *keep_nonce(struct reg_job *job, struct digest_nonce *n)
{
        const struct challenge *c = job->user->challenge;
        struct digest_engine *e = &job->user->digest->reg;
        const struct digest_limits l = limits(job);
        struct digest_nonce *place;

        if (!c || n != &c->digest)
                return n;
        place = digest_engine_place(e, &l);
        *place = *n;
        return place;
}

/* How the last hop protects it, as the P-CSCF says; only one we know may say so. */
static bool is_over_tls(const struct reg_job *job)
{
        return scscf_conf_knows_senders(job->reg->conf) &&
               (span_ieq(job->in.scheme.integrity, SPAN("tls-yes")) ||
                span_ieq(job->in.scheme.integrity, SPAN("tls-pending")));
}

static void right(struct reg_job *job, const struct digest_finding *f)
{
        struct digest_user *d = job->user->digest;
        struct digest_nonce *n = keep_nonce(job, f->nonce);
        int rc;

        n->nc = f->nc;
        n->uses++;
        d->reg.failures = 0;
        job->user->reauthenticate = false;
        rc = write_info(job, f->key, n);
        digest_prove(d, f->key);
        if (!job->reg->conf->digest.keep_ha1)
                digest_forget(d);
        reg_challenge_drop(job->user);
        job->in.origin.tls = is_over_tls(job);
        if (rc < 0)
                reg_job_broken(job, rc);
        else
                reg_assign(job);
}

/* --- failure ------------------------------------------------------------------------------------- */

static void say_finding(struct reg_job *job, const struct digest_finding *f)
{
        const struct digest_nonce *n = f->nonce;

        buf_puts(&job->evidence, f->why);
        if (n && f->result == DIGEST_REPLAYED)
                buf_printf(&job->evidence, ": %08x, the last was %08x", f->nc, n->nc);
        else if (n && f->result == DIGEST_STALE)
                buf_printf(&job->evidence, ": given out %llu s ago, used %u times",
                           (unsigned long long)((limits(job).now_ms - n->issued_ms) / 1000),
                           (unsigned)n->uses);
}

static void malformed(struct reg_job *job, const struct digest_finding *f)
{
        reg_job_verdict(job, VERDICT_REFUSED, f->cause, 400, "RFC 7616 3.4");
        say_finding(job, f);
        if (reg_job_registered(job) || reg_challenge_pending(job))
                reg_job_finish(job, NULL, 0, false);
        else
                reg_release(job, CX_SAT_AUTHENTICATION_FAILURE);
}

/* The password may have been changed without a word of it: the S-CSCF was away for longer than the HSS tries,
 * or refused it. Of a registered user H(A1) is asked for again before the answer is called wrong, and not for
 * each wrong answer. */
static bool asks_again(const struct reg_job *job)
{
        return reg_job_registered(job) && limits(job).now_ms - job->user->digest->told_ms >=
                                                  ims_timer_rows[IMS_TIMER_DIGEST_AGAIN].default_ms;
}

/* A wrong answer ends the challenge it is for; one over another nonce may be anybody's, and leaves the
 * pending challenge alone. */
static void wrong(struct reg_job *job, const struct digest_question *q, const struct digest_finding *f)
{
        struct digest_user *d = job->user->digest;
        const char *mistake = NULL;

        if (f->cause == CAUSE_password_wrong && asks_again(job)) {
                job->again = true;
                reg_auth_ask(job, SPAN_NULL);
                return;
        }
        d->reg.failures += d->reg.failures < UINT16_MAX;
        say_finding(job, f);
        if (f->cause == CAUSE_password_wrong)
                mistake = digest_mistake(d, q, job->in.msg->ruri);
        if (mistake)
                buf_printf(&job->evidence, "; %s", mistake);
        else if (f->cause == CAUSE_password_wrong && d->changed_ms)
                buf_printf(&job->evidence, "; the password was changed %llu s ago%s",
                           (unsigned long long)((limits(job).now_ms - d->changed_ms) / 1000),
                           d->old ? ", both were tried" : "");
        if (d->reg.failures > 1)
                buf_printf(&job->evidence, "; %u wrong answers in a row", (unsigned)d->reg.failures);
        if (reg_job_registered(job))
                buf_puts(&job->evidence, "; the user stays registered");
        if (q->pending && f->nonce == q->pending)
                reg_challenge_drop(job->user);
        if (!job->reg->conf->digest.keep_ha1 && !job->user->challenge)
                digest_forget(d);
        reg_auth_failed(job, f->cause, "TS 33.203 N.2.2.1");
}

/* --- decision ------------------------------------------------------------------------------------ */

static bool is_integrity(const struct reg_job *job, const char *word)
{
        return span_ieq(job->in.scheme.integrity, span_of(word));
}

/* Registered over TLS, and the P-CSCF cannot say that this comes over TLS as well: always challenged
 * (O.4.3). */
static bool lost_tls(const struct reg_job *job)
{
        const struct reg_set *set = reg_job_set(job);

        return set && reg_set_over_tls(set, job->user) && !is_over_tls(job);
}

/* uri is the home domain, while the Request-URI became our name on the way (TS 24.229 5.1.1.5, 5.3.1.2). */
static bool is_own_uri(const struct reg_job *job)
{
        struct span uri = job->in.auth.uri;

        return span_eq(uri, job->in.msg->ruri) ||
               is_home_domain(&job->reg->conf->home_domains, request_host(uri));
}

static void judge(struct reg_job *job)
{
        struct challenge *c = job->user->challenge;
        struct digest_user *d = job->user->digest;
        const struct digest_question q = {.method = job->in.msg->method_name,
                                          .a = &job->in.auth,
                                          .opaque = span_of(job->reg->opaque),
                                          .limits = limits(job),
                                          .engine = &d->reg,
                                          .pending = c ? &c->digest : NULL};
        struct digest_finding f = digest_check(d, &q);

        if (f.result == DIGEST_RIGHT && !is_own_uri(job)) {
                f.result = DIGEST_MALFORMED;
                f.cause = CAUSE_uri_differs;
                f.why = "uri is not of this network";
        } else if (f.result == DIGEST_RIGHT && f.nonce != q.pending &&
                   (lost_tls(job) || job->user->reauthenticate)) {
                f.result = DIGEST_STALE;
                f.cause = CAUSE_nonce_stale;
                f.why = job->user->reauthenticate ? "re-authentication was asked for"
                                                  : "registered over TLS, and this one came without";
        }
        switch (f.result) {
        case DIGEST_NO_ANSWER:
                if (c)
                        log_info("the pending challenge is given up for a new one");
                challenge(job, false);
                break;
        case DIGEST_MALFORMED:
                malformed(job, &f);
                break;
        case DIGEST_WRONG:
                wrong(job, &q, &f);
                break;
        case DIGEST_STALE:
        case DIGEST_REPLAYED:
                reg_job_verdict(job, VERDICT_REFUSED, f.cause, 401, "TS 33.203 N.2.3");
                say_finding(job, &f);
                challenge(job, true);
                break;
        case DIGEST_RIGHT:
                right(job, &f);
                break;
        }
}

void reg_digest_vectors(struct reg_job *job, const struct cx_maa *a)
{
        const char *why = NULL;

        if (digest_has_key(job->user->digest) && job->user->digest->pushes != job->pushes) {
                log_info("H(A1) was pushed meanwhile"); /* and is not older than this one */
                judge(job);
                return;
        }
        if (digest_take(job->reg, job->user, a, &why) == 0)
                judge(job);
        else
                reg_auth_unusable(job, why);
}

/* The first REGISTER of a UE with a SIM looks like one of Digest when the UE offers no security mechanism,
 * over an access that is not of 3GPP. Where AKA is done without protection, in a lab, it is what is left. */
static bool is_sim_after_all(const struct reg_job *job)
{
        return job->end.cause == CAUSE_scheme_not_possible && job->in.scheme.has_authorization &&
               !job->in.scheme.has_integrity && job->in.auth.response.n == 0 && !job->in.foreign_realm &&
               !job->user->challenge && list_empty(&job->user->contacts) &&
               job->reg->conf->unprotected_response == SCSCF_ACCEPT;
}

void reg_digest_no_vectors(struct reg_job *job, bool asked)
{
        (void)asked;
        if (job->again && digest_has_key(job->user->digest)) {
                job->user->digest->told_ms = limits(job).now_ms; /* once a while is enough */
                buf_reset(&job->evidence);
                judge(job);
                return;
        }
        if (is_sim_after_all(job)) {
                log_info("the user has no password: IMS AKA is tried");
                buf_reset(&job->evidence);
                job->scheme = &auth_schemes[AUTH_AKA];
                reg_auth_ask(job, SPAN_NULL);
                return;
        }
        if (job->end.cause == CAUSE_user_unknown && span_chr(job->in.impi, '@', 0) < 0)
                buf_puts(&job->evidence, "; username has no domain, an IMPI is user@realm");
        reg_job_finish(job, NULL, 0, false);
}

/* This very request drew the challenge that is pending. */
static bool is_repeated(const struct reg_job *job)
{
        const struct challenge *c = job->user->challenge;

        return c && c->cseq == job->in.origin.cseq && span_eq(job->in.origin.call_id, challenge_call_id(c)) &&
               reg_challenge_pending(job) && !digest_nonce_is(&c->digest, job->in.auth.nonce);
}

/* "Authentication complete", by a P-CSCF we know, for what was registered over TLS, and no answer to a
 * challenge: the S-CSCF need not ask (O.4.3). */
static bool may_skip(const struct reg_job *job)
{
        const struct challenge *c = job->user->challenge;
        const struct reg_set *set = reg_job_set(job);

        return !job->user->reauthenticate && job->reg->conf->digest.tls_yes == SCSCF_TLS_ACCEPT &&
               scscf_conf_knows_senders(job->reg->conf) && is_integrity(job, "tls-yes") &&
               reg_job_registered(job) && reg_set_over_tls(set, job->user) &&
               !(c && digest_nonce_is(&c->digest, job->in.auth.nonce));
}

void reg_digest_run(struct reg_job *job)
{
        struct user *u = job->user;
        const struct challenge *c = u->challenge;
        bool answers = c && job->in.auth.response.n && digest_nonce_is(&c->digest, job->in.auth.nonce);

        if (!fsm_allowed(&reg_fsm, u->state, answers ? REG_EV_ANSWER : REG_EV_REGISTER)) {
                reg_job_broken(job, -IMS_EPROTO);
        } else if (is_repeated(job)) {
                reg_challenge_repeat(job);
        } else if (answers && !reg_challenge_pending(job)) {
                reg_job_verdict(job, VERDICT_REFUSED, CAUSE_identities_dont_match, 403,
                                "TS 24.229 5.4.1.2.2");
                buf_puts(&job->evidence, "the challenge was for another IMPU of the IMPI");
                reg_job_finish(job, NULL, 0, false);
        } else if (may_skip(job)) {
                job->in.origin.tls = true;
                reg_assign(job);
        } else if (digest_has_key(u->digest) && (reg_job_registered(job) || reg_challenge_pending(job))) {
                judge(job);
        } else {
                /* MAR also sets the pending flag and lets the HSS check that IMPI and IMPU belong together.
                 */
                reg_auth_ask(job, SPAN_NULL);
        }
}
