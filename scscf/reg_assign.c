/* SPDX-License-Identifier: BSD-3-Clause
 * After authentication: bindings, Server-Assignment, 200. TS 24.229 5.4.1.2.2F, TS 29.228 6.1.2,
 * RFC 3261 10.3. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"
#include "common/profile/profile.h"

/* What a REGISTER does to the bindings of its set. */
struct plan {
        size_t mine, others; /* bindings afterwards: of this IMPI, of other IMPIs */
        bool changes;        /* something is added, refreshed or removed */
        bool out_of_order;
        uint32_t longest_s;
};

static bool op_removes(const struct reg_job *job, const struct contact *c, const struct contact_op **out)
{
        *out = NULL;
        for (size_t i = 0; i < job->in.contacts.n; i++)
                if (contact_matches(c, &job->in.contacts.v[i]))
                        *out = &job->in.contacts.v[i];
        return *out || job->in.contacts.star;
}

/* Only bindings of the IMPI itself are touched: nobody changes another user's registration. */
static struct plan make_plan(const struct reg_job *job)
{
        const struct reg_set *set = reg_job_set(job);
        const struct contact_op *op;
        struct plan p = {0};

        for (size_t i = 0; i < job->in.contacts.n; i++) {
                p.mine += job->in.contacts.v[i].expires_s > 0;
                if (job->in.contacts.v[i].expires_s > p.longest_s)
                        p.longest_s = job->in.contacts.v[i].expires_s;
        }
        p.changes = job->in.contacts.n > 0 || job->in.contacts.star;
        if (!set)
                return p;
        list_for_each(n, &set->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_set);

                if (c->user != job->user) {
                        p.others++;
                } else if (!op_removes(job, c, &op)) {
                        p.mine++;
                } else if (contact_out_of_order(c, &job->in.origin)) {
                        p.out_of_order = true;
                }
        }
        return p;
}

static void remove_matched(struct reg_job *job, struct reg_set *set)
{
        const struct contact_op *op;

        list_for_each_safe(n, tmp, &set->contacts)
        {
                struct contact *c = container_of(n, struct contact, in_set);

                if (c->user == job->user && op_removes(job, c, &op))
                        contact_drop(&job->reg->store, c);
        }
}

/* Ends the oldest bindings of the IMPI. */
static void make_room(struct reg_job *job, struct reg_set *set)
{
        for (; job->excess > 0; job->excess--) {
                struct contact *oldest = NULL;

                list_for_each(n, &set->contacts)
                {
                        struct contact *c = container_of(n, struct contact, in_set);

                        if (c->user == job->user && (!oldest || c->since_ms < oldest->since_ms))
                                oldest = c;
                }
                if (!oldest)
                        return;
                log_info("the binding " SPAN_FMT " makes room for a new one", SPAN_ARG(contact_uri(oldest)));
                contact_drop(&job->reg->store, oldest);
        }
}

/* Changes the bindings. All new ones are made first, so that a failure changes nothing. */
static int apply(struct reg_job *job, struct reg_set *set)
{
        struct registrar *r = job->reg;
        struct contact *fresh[SCSCF_CONTACTS_MAX] = {NULL};
        uint64_t now = r->port.now_ms(r->arg);
        size_t n = 0;
        int rc = 0;

        for (size_t i = 0; i < job->in.contacts.n && rc == 0; i++) {
                if (job->in.contacts.v[i].expires_s == 0)
                        continue;
                rc = contact_new(&job->in.contacts.v[i], &job->in.origin, now, r->conf->expiry_guard_ms,
                                 &fresh[n]);
                n += rc == 0;
        }
        if (rc < 0) {
                while (n > 0)
                        contact_free(fresh[--n]);
                return rc;
        }
        remove_matched(job, set);
        make_room(job, set);
        for (size_t i = 0; i < n; i++)
                contact_link(&r->store, fresh[i], set, job->user);
        return 0;
}

/* False when the bindings would be too many, and none may go for the new ones. */
static bool fits(struct reg_job *job, struct plan *p)
{
        const struct scscf_conf *conf = job->reg->conf;
        size_t all = p->mine + p->others, kept = p->mine;

        job->excess = 0;
        if (all <= conf->max_contacts || p->longest_s == 0)
                return true;
        for (size_t i = 0; i < job->in.contacts.n; i++)
                kept -= job->in.contacts.v[i].expires_s > 0;
        job->excess = all - conf->max_contacts;
        if (conf->overflow != SCSCF_REPLACE_OLDEST || job->excess > kept)
                return false;
        p->mine -= job->excess;
        return true;
}

/* --- 200 ----------------------------------------------------------------------------------------- */

static void send_200(struct reg_job *job, bool quiet)
{
        struct registrar *r = job->reg;
        struct reg_answer a = {.n = 0};

        reg_answer_200(&a, r, &job->in, reg_job_set(job), job->user);
        reg_answer_add(&a, SIP_HDR_AUTHENTICATION_INFO, buf_as_span(&job->auth_info));
        if (reg_answer_fields(&a) < 0) {
                reg_job_broken(job, -IMS_ENOMEM);
        } else {
                job->end.status = 200;
                reg_job_finish(job, a.fields, a.n, quiet);
        }
        reg_answer_clear(&a);
}

void reg_assign_answer(struct reg_job *job)
{
        log_info("the REGISTER came again: the same answer is sent");
        send_200(job, true);
}

static void evidence_registered(struct reg_job *job, const struct plan *p)
{
        const struct reg_set *set = reg_job_set(job);

        buf_printf(&job->evidence, "%zu contact%s", p->mine + p->others, p->mine + p->others == 1 ? "" : "s");
        if (p->longest_s)
                buf_printf(&job->evidence, ", expires %u s", (unsigned)p->longest_s);
        if (set)
                buf_printf(&job->evidence, ", %u identit%s", (unsigned)set->n_impus,
                           set->n_impus == 1 ? "y" : "ies");
        if (job->in.origin.tls)
                buf_puts(&job->evidence, ", tls-protected");
        buf_printf(&job->evidence, ", SAR %s", job->sat ? cx_sat_name(job->sat) : "not needed");
}

static void success(struct reg_job *job, const struct plan *p)
{
        static const enum verdict_cause causes[] = {
                [VERDICT_REGISTRATION] = CAUSE_registered,
                [VERDICT_REFRESH] = CAUSE_refreshed,
                [VERDICT_DEREGISTRATION] = CAUSE_deregistered,
        };

        const char *clause = job->scheme == &auth_schemes[AUTH_AKA] ? "TS 33.203 6.1.1" : "TS 33.203 N.2.1.1";

        reg_job_verdict(job, VERDICT_OK, causes[job->end.procedure], 200,
                        job->end.procedure == VERDICT_DEREGISTRATION ? "TS 24.229 5.4.1.4" : clause);
        if (job->end.procedure == VERDICT_REGISTRATION && p->mine == 0)
                job->end.cause = CAUSE_identity_not_registered; /* a query without Contact */
        evidence_registered(job, p);
        send_200(job, false);
}

/* --- SAA ----------------------------------------------------------------------------------------- */

/* Makes the set from the User-Data of SAA, or brings it up to date. */
static int take_profile(struct reg_job *job, const struct cx_saa *a, struct buf *err)
{
        struct registrar *r = job->reg;
        struct reg_set *set = reg_job_set(job), *fresh = NULL;
        struct buf charging = BUF_INIT;
        struct profile *p = NULL;
        int rc = 0;

        if (!a->user_data.n) {
                if (!set)
                        buf_puts(err, "SAA without User-Data");
                return set ? 0 : -IMS_EPARSE;
        }
        rc = profile_parse(a->user_data, &p, err);
        if (rc < 0)
                goto out;
        reg_answer_charging(&a->charging, &charging);
        rc = charging.err;
        if (rc < 0)
                goto out;
        if (set)
                r->port.timer_stop(r->arg, &set->expiry);
        rc = reg_set_new(&r->store, p, job->in.impu, buf_as_span(&charging), set, &fresh);
        if (rc == 0)
                fresh->registrar = r;
        else
                buf_puts(err, rc == -IMS_EINVAL    ? "the profile does not hold the IMPU"
                              : rc == -IMS_EEXISTS ? "an identity of the profile belongs to another set"
                                                   : ims_strerror(rc));
        if (rc < 0 && set)
                reg_expiry_arm(r, set);
out:
        profile_free(p);
        buf_free(&charging);
        return rc;
}

static void profile_unusable(struct reg_job *job, const struct buf *err)
{
        reg_job_verdict(job, VERDICT_FAILED, CAUSE_profile_unusable, 500, "TS 29.228 Annex B");
        buf_quoted(&job->evidence, buf_as_span(err), 200);
        if (reg_job_registered(job))
                reg_job_finish(job, NULL, 0, false);
        else
                reg_release(job, CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
}

/* Another IMPI took the room in the set while the HSS was asked. */
static void no_room_left(struct reg_job *job)
{
        reg_job_verdict(job, VERDICT_REFUSED, CAUSE_too_many_contacts, 403, "RFC 3261 10.3");
        buf_puts(&job->evidence, "registration.max_contacts would be passed");
        if (reg_job_registered(job))
                reg_job_finish(job, NULL, 0, false);
        else
                reg_release(job, CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
}

/* What it was authenticated by ended while the HSS was asked. */
static void ended_meanwhile(struct reg_job *job)
{
        reg_job_verdict(job, VERDICT_REFUSED, CAUSE_deregistered_by_hss, 403, "TS 33.203 N.2.5");
        buf_puts(&job->evidence,
                 "the HSS ended the registration of this IMPI while the REGISTER was under way");
        reg_release(job, CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
}

static void assigned(struct reg_job *job, const struct cx_saa *a)
{
        bool registers = job->sat == CX_SAT_REGISTRATION || job->sat == CX_SAT_RE_REGISTRATION;
        struct plan p = make_plan(job);
        struct buf err = BUF_INIT;
        struct reg_set *set;
        int rc;

        if (registers && job->ended && !reg_job_registered(job)) {
                ended_meanwhile(job);
                return;
        }
        if (registers && !fits(job, &p)) {
                no_room_left(job);
                return;
        }
        rc = registers ? take_profile(job, a, &err) : 0;
        if (rc < 0) {
                profile_unusable(job, &err);
                buf_free(&err);
                return;
        }
        buf_free(&err);
        set = reg_job_set(job);
        rc = set ? apply(job, set) : 0;
        if (set)
                reg_expiry_arm(job->reg, set);
        if (rc < 0)
                reg_job_broken(job, rc);
        else
                success(job, &p);
}

static void on_saa(int err, const struct cx_saa *a, void *arg)
{
        struct reg_job *job = arg;
        struct log_ctx before = log_ctx_set(reg_job_log(job));

        job->txn = NULL;
        if (!fsm_allowed(&reg_fsm, job->user->state, REG_EV_ASSIGNED)) {
                reg_job_broken(job, -IMS_EPROTO);
        } else if (err < 0 || !dia_result_ok(a->h.result)) {
                reg_cx_failure(job, "SAR", err, a ? &a->h : NULL);
                reg_job_finish(job, NULL, 0, false);
        } else {
                reg_cx_learn(job->reg, job->user, &a->h);
                assigned(job, a);
        }
        log_ctx_set(before);
}

/* --- entry --------------------------------------------------------------------------------------- */

static void refuse(struct reg_job *job, enum verdict_cause cause, int status, const char *text)
{
        reg_job_verdict(job, VERDICT_REFUSED, cause, status, "RFC 3261 10.3");
        buf_puts(&job->evidence, text);
        if (reg_job_registered(job))
                reg_job_finish(job, NULL, 0, false);
        else
                reg_release(job, CX_SAT_AUTHENTICATION_FAILURE);
}

void reg_assign(struct reg_job *job)
{
        struct plan p = make_plan(job);
        bool registered = reg_job_registered(job);
        uint32_t sat;
        int rc;

        if (p.out_of_order) {
                refuse(job, CAUSE_out_of_order, 500, "same Call-ID, CSeq not higher");
                return;
        }
        if (!fits(job, &p)) {
                refuse(job, CAUSE_too_many_contacts, 403, "registration.max_contacts would be passed");
                return;
        }
        if (p.mine == 0)
                sat = CX_SAT_USER_DEREGISTRATION;
        else
                sat = registered ? CX_SAT_RE_REGISTRATION : CX_SAT_REGISTRATION;
        /* A query, or the end of some bindings of several, changes nothing for the HSS. */
        if (registered && p.mine > 0 && p.longest_s == 0) {
                rc = p.changes ? apply(job, reg_job_set(job)) : 0;
                if (rc < 0) {
                        reg_job_broken(job, rc);
                        return;
                }
                reg_expiry_arm(job->reg, reg_job_set(job));
                success(job, &p);
                return;
        }
        rc = reg_user_phase(job->user, REG_ST_ASSIGNING);
        if (rc < 0) {
                reg_job_broken(job, rc);
                return;
        }
        rc = reg_cx_sar(job, sat, on_saa);
        if (rc < 0) {
                reg_cx_failure(job, "SAR", rc, NULL);
                reg_job_finish(job, NULL, 0, false);
        }
}

/* --- releasing ----------------------------------------------------------------------------------- */

static void release_done(struct reg_job *job, int err, const struct cx_answer *a)
{
        if (job->evidence.n)
                buf_puts(&job->evidence, "; ");
        buf_printf(&job->evidence, "SAR %s", cx_sat_name(job->sat));
        if (err < 0)
                buf_printf(&job->evidence, ": %s", ims_strerror(err));
        else if (a && !dia_result_ok(a->result))
                buf_printf(&job->evidence, ": %s", dia_result_str(a->result));
        /* The verdict about an unanswered challenge is given already. */
        reg_job_finish(job, NULL, 0, job->kind == REG_JOB_AUTH_TIMEOUT);
}

static void on_released(int err, const struct cx_saa *a, void *arg)
{
        struct reg_job *job = arg;
        struct log_ctx before = log_ctx_set(reg_job_log(job));

        job->txn = NULL;
        release_done(job, err, a ? &a->h : NULL);
        log_ctx_set(before);
}

void reg_release(struct reg_job *job, uint32_t sat)
{
        int rc = reg_user_phase(job->user, REG_ST_ASSIGNING);

        job->sat = sat;
        if (rc == 0)
                rc = reg_cx_sar(job, sat, on_released);
        if (rc < 0)
                release_done(job, rc, NULL);
}

void reg_release_timer(struct reg_job *job)
{
        const struct challenge *c = job->user->challenge;
        bool registered = reg_job_registered(job);

        if (job->kind == REG_JOB_EXPIRED) {
                reg_job_verdict(job, VERDICT_OK, CAUSE_expired, 0, "TS 33.203 6.1.1");
                if (registered)
                        buf_puts(&job->evidence, "registered again meanwhile");
        }
        /* Somebody was faster: what the HSS has to know now is another thing. */
        if (registered || (c && span_eq(challenge_impu(c), job->in.impu)))
                reg_job_finish(job, NULL, 0, job->kind == REG_JOB_AUTH_TIMEOUT);
        else
                reg_release(job, job->kind == REG_JOB_EXPIRED ? CX_SAT_TIMEOUT_DEREGISTRATION
                                                              : CX_SAT_AUTHENTICATION_TIMEOUT);
}
