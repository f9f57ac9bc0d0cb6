/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER: read, queue per IMPI, decide, dispatch, finish. TS 24.229 5.4.1.2. */
#include "scscf/registrar_int.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/trace/command.h"

void registrar_init(struct registrar *r, const struct scscf_conf *conf, const struct reg_port *port,
                    void *arg)
{
        *r = (struct registrar){.conf = conf, .port = *port, .arg = arg};
        r->host = span_sub(span_of(conf->name), 4, strlen(conf->name));
}

struct log_ctx reg_job_log(const struct reg_job *job)
{
        struct log_ctx ctx = {.impi = job->in.impi, .impu = job->in.impu};

        if (job->rq)
                ctx.call_id = job->rq->msg->call_id;
        return ctx;
}

struct reg_set *reg_job_set(const struct reg_job *job)
{
        struct impu *i = impu_find(&job->reg->store, job->in.impu);

        return i ? i->set : NULL;
}

bool reg_job_registered(const struct reg_job *job)
{
        return reg_set_has_user(reg_job_set(job), job->user);
}

int reg_user_phase(struct user *u, enum reg_state phase)
{
        unsigned next = reg_state_with(phase, !list_empty(&u->contacts));

        return next == u->state ? 0 : fsm_move(&reg_fsm, &u->state, next);
}

/* --- ending a job -------------------------------------------------------------------------------- */

void reg_job_verdict(struct reg_job *job, enum verdict_outcome outcome, enum verdict_cause cause, int status,
                     const char *clause)
{
        job->end.outcome = outcome;
        job->end.cause = cause;
        job->end.status = status;
        job->end.clause = clause;
}

static void job_free(struct reg_job *job)
{
        reg_request_clear(&job->in);
        buf_free(&job->evidence);
        buf_free(&job->command);
        free(job);
}

static void say_verdict(struct reg_job *job)
{
        struct verdict *v = &job->end;

        v->impi = job->in.impi;
        v->impu = job->in.impu;
        v->call_id = job->rq ? job->rq->msg->call_id : SPAN_NULL;
        buf_char(&job->evidence, '\0');
        v->evidence = job->evidence.err || job->evidence.n == 1 ? NULL : job->evidence.p;
        v->command = command_text(&job->command);
        job->reg->port.verdict(job->reg->arg, v);
}

/* Answers with what the verdict lets the UE know. */
static void answer(struct registrar *r, struct sip_request *rq, const struct verdict *v, const char *reason,
                   const struct sip_field *add, size_t n_add)
{
        const char *text = v->status >= 400 ? verdict_public_text(v->cause) : "";
        struct sip_field fields[REG_FIELDS_MAX + 1];
        struct buf warning = BUF_INIT;

        assert(n_add <= REG_FIELDS_MAX);
        for (size_t i = 0; i < n_add; i++)
                fields[i] = add[i];
        if (*text) {
                buf_printf(&warning, "399 " SPAN_FMT " \"%s\"", SPAN_ARG(r->host), text);
                if (!warning.err)
                        fields[n_add++] = (struct sip_field){SIP_HDR_WARNING, buf_as_span(&warning)};
        }
        r->port.reply(r->arg, rq, v->status, reason, fields, n_add);
        buf_free(&warning);
}

static void job_run(struct reg_job *job);

void reg_user_next(struct registrar *r, struct user *u)
{
        if (u->job)
                return;
        if (!list_empty(&u->waiting)) {
                struct reg_job *job = container_of(u->waiting.next, struct reg_job, node);

                list_unlink(&job->node);
                u->n_waiting--;
                u->job = job;
                job_run(job);
                return;
        }
        if (reg_expiry_user(r, u))
                return;
        if (list_empty(&u->contacts) && !u->challenge)
                user_free(&r->store, u);
}

void reg_job_finish(struct reg_job *job, const struct sip_field *add, size_t n_add, bool quiet)
{
        struct registrar *r = job->reg;
        struct user *u = job->user;

        u->job = NULL;
        if (reg_user_phase(u, u->challenge ? REG_ST_CHALLENGED : REG_ST_NOT_REGISTERED) < 0)
                u->state = reg_state_with(u->challenge ? REG_ST_CHALLENGED : REG_ST_NOT_REGISTERED,
                                          !list_empty(&u->contacts));
        if (!quiet)
                say_verdict(job);
        if (job->rq)
                answer(r, job->rq, &job->end, NULL, add, n_add);
        log_ctx_set((struct log_ctx){0}); /* it may borrow from the job */
        job_free(job);
        r->n_jobs--;
        reg_user_next(r, u);
        if (r->n_jobs == 0 && r->port.idle)
                r->port.idle(r->arg);
}

void reg_job_broken(struct reg_job *job, int err)
{
        log_error("registration cannot go on: %s", ims_strerror(err));
        reg_job_verdict(job, VERDICT_FAILED, CAUSE_internal_error, 500, "RFC 3261 21.5.1");
        buf_puts(&job->evidence, ims_strerror(err));
        reg_job_finish(job, NULL, 0, false);
}

/* --- starting a job ------------------------------------------------------------------------------ */

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

uint64_t reg_answer_hash(const struct auth_answer *a)
{
        return hash_mix(hash_span(a->nonce), hash_span(a->response)) | 1;
}

static void read_facts(const struct reg_job *job, struct reg_facts *f)
{
        const struct scscf_conf *conf = job->reg->conf;
        const struct auth_answer *a = &job->in.auth;
        const struct challenge *c = job->user->challenge;

        *f = (struct reg_facts){
                .protected_ = job->in.protected_,
                .source_known = conf->trusted.n > 0,
                .has_response = a->response.n > 0,
                .has_auts = job->in.has_auts,
                .has_nonce = a->nonce.n > 0,
                .nonce_is_last = a->nonce.n > 0 && (hash_span(a->nonce) | 1) == job->user->last_nonce,
                .response_is_last = a->response.n > 0 && reg_answer_hash(a) == job->user->last_answer,
                .registered = reg_job_registered(job),
                .impi_registered = !list_empty(&job->user->contacts),
                .answered_already = answered_already(job),
                .reauthenticate = conf->reauthenticate == SCSCF_ALWAYS,
                .reauthenticate_new_impu = conf->reauthenticate_new_impu == SCSCF_ALWAYS,
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
                reg_auth_challenge(job);
                break;
        case REG_DO_REPEAT_CHALLENGE:
                reg_auth_repeat(job);
                break;
        case REG_DO_REPEAT_ANSWER:
                reg_assign_answer(job);
                break;
        case REG_DO_VERIFY:
                reg_auth_verify(job);
                break;
        case REG_DO_MAC_FAILURE:
                reg_auth_mac_failure(job);
                break;
        case REG_DO_SYNC:
                reg_auth_sync(job);
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

/* The job is the user's current one. */
static void job_run(struct reg_job *job)
{
        struct log_ctx before = log_ctx_set(reg_job_log(job));
        struct reg_decision d;
        struct reg_facts f;

        if (job->kind != REG_JOB_REGISTER) {
                reg_release_timer(job);
        } else {
                read_facts(job, &f);
                d = reg_decide(&f);
                job->end.procedure = reg_request_procedure(&job->in, f.registered);
                if (fsm_allowed(&reg_fsm, job->user->state, event_of(d.action)))
                        dispatch(job, &d);
                else
                        reg_job_broken(job, -IMS_EPROTO);
        }
        log_ctx_set(before);
}

static void enqueue(struct reg_job *job)
{
        struct user *u = job->user;

        job->reg->n_jobs++;
        if (u->job) {
                list_append(&u->waiting, &job->node);
                u->n_waiting++;
                return;
        }
        u->job = job;
        job_run(job);
}

void reg_job_queue(struct registrar *r, struct user *u, enum reg_job_kind kind, struct span impu)
{
        struct reg_job *job = calloc(1, sizeof(*job));

        if (job) {
                job->kind = kind;
                job->reg = r;
                job->user = u;
                buf_span(&job->in.text, user_impi(u));
                buf_span(&job->in.text, impu);
        }
        if (!job || job->in.text.err) {
                log_error("the HSS is not told about " SPAN_FMT ": out of memory", SPAN_ARG(impu));
                if (job)
                        job_free(job);
                return;
        }
        job->in.impi = span_make(job->in.text.p, u->impi_n);
        job->in.impu = span_make(job->in.text.p + u->impi_n, impu.n);
        job->end.procedure = kind == REG_JOB_EXPIRED ? VERDICT_EXPIRY : VERDICT_REGISTRATION;
        enqueue(job);
}

/* --- entry --------------------------------------------------------------------------------------- */

/* Refuses a request that has no job. evidence may be empty. */
static void refuse_early(struct registrar *r, struct sip_request *rq, const struct reg_request *in,
                         const struct reg_refusal *why)
{
        struct verdict v = {.procedure = reg_request_procedure(in, false),
                            .outcome = VERDICT_REFUSED,
                            .cause = why->cause,
                            .status = why->status,
                            .clause = why->clause,
                            .impi = in->impi,
                            .impu = in->impu,
                            .call_id = rq->msg->call_id};
        struct buf text = BUF_INIT;
        struct sip_field field;
        char min[16];
        size_t n = 0;

        if (why->status == 423) {
                buf_printf(&text, "asked for %u s, registration.min_expires is %u s",
                           (unsigned)in->contacts.asked, (unsigned)r->conf->min_expires_s);
                snprintf(min, sizeof(min), "%u", (unsigned)r->conf->min_expires_s);
                field = (struct sip_field){SIP_HDR_MIN_EXPIRES, span_of(min)};
                n = 1;
        } else {
                buf_quoted(&text, why->evidence, 120);
                if (why->status == 420) {
                        field = (struct sip_field){SIP_HDR_UNSUPPORTED, why->evidence};
                        n = 1;
                }
        }
        buf_char(&text, '\0');
        v.evidence = text.err || text.n == 1 ? NULL : text.p;
        r->port.verdict(r->arg, &v);
        answer(r, rq, &v, why->reason, &field, n);
        buf_free(&text);
}

/* Anything but IMS AKA is named and refused until it exists. False when refused. */
static bool check_scheme(struct registrar *r, struct reg_job *job, const struct user *u)
{
        struct reg_refusal why = {.status = 403, .cause = CAUSE_scheme_not_supported};
        const struct auth_scheme *s;
        const char *step = NULL;
        char text[200];

        job->in.scheme.aka_before = u && (u->challenge || !list_empty(&u->contacts));
        s = &auth_schemes[scheme_choose(&job->in.scheme, &step)];
        if (s->verify)
                return true;
        snprintf(text, sizeof(text), "%s (%s)", s->name, step);
        why.clause = s->clause;
        why.evidence = span_of(text);
        refuse_early(r, job->rq, &job->in, &why);
        return false;
}

static int find_user(struct registrar *r, struct reg_job *job, struct user **out)
{
        if (*out)
                return (*out)->n_waiting < REG_WAITING_MAX ? 0 : -IMS_ELIMIT;
        return user_new(&r->store, job->in.impi, out);
}

void registrar_register(struct registrar *r, struct sip_request *rq)
{
        struct reg_job *job = calloc(1, sizeof(*job));
        struct reg_refusal why = {.status = 503, .cause = CAUSE_overload, .clause = "RFC 3261 21.5.4"};
        struct log_ctx before = log_ctx_get();
        struct user *u = NULL;
        int rc;

        if (!job) {
                log_error("REGISTER refused: out of memory");
                r->port.reply(r->arg, rq, 503, NULL, NULL, 0);
                return;
        }
        job->reg = r;
        job->rq = rq;
        rc = reg_request_read(rq->msg, r->conf, &job->in, &why);
        log_ctx_set(reg_job_log(job));
        if (rc == 0 && !r->closing) {
                u = user_find(&r->store, job->in.impi);
                if (!check_scheme(r, job, u))
                        goto out;
                rc = find_user(r, job, &u);
        }
        if (rc < 0 || r->closing) {
                if (why.status == 0)
                        why = (struct reg_refusal){
                                .status = 503,
                                .cause = CAUSE_overload,
                                .clause = "RFC 3261 21.5.4",
                                .evidence = span_of(rc < 0 ? ims_strerror(rc) : "shutting down")};
                refuse_early(r, rq, &job->in, &why);
                goto out;
        }
        job->user = u;
        enqueue(job);
        job = NULL;
out:
        log_ctx_set(before);
        if (job)
                job_free(job);
}

/* --- end ----------------------------------------------------------------------------------------- */

static void drop_job(struct registrar *r, struct reg_job *job)
{
        if (job->txn)
                r->port.cancel(r->arg, job->txn);
        if (job->rq)
                r->port.reply(r->arg, job->rq, 503, NULL, NULL, 0);
        job_free(job);
        r->n_jobs--;
}

static void clear_user(struct hnode *n, void *arg)
{
        struct user *u = container_of(n, struct user, node);
        struct registrar *r = arg;

        if (u->job)
                drop_job(r, u->job);
        u->job = NULL;
        list_for_each_safe(p, tmp, &u->waiting)
        {
                struct reg_job *job = container_of(p, struct reg_job, node);

                list_unlink(p);
                drop_job(r, job);
        }
        reg_challenge_drop(u);
        list_for_each_safe(p, tmp, &u->contacts)
        {
                struct contact *c = container_of(p, struct contact, in_user);
                struct reg_set *set = c->set;

                contact_drop(&r->store, c);
                reg_set_check(r, set);
        }
        user_free(&r->store, u);
}

void registrar_clear(struct registrar *r)
{
        htab_each(&r->store.users, clear_user, r);
        user_store_free(&r->store);
}

const struct contact *registrar_contact(const struct reg_set *set, size_t rank)
{
        const struct contact *sorted[SCSCF_CONTACTS_MAX + 1];
        size_t n = 0;

        list_for_each(p, &set->contacts)
        {
                const struct contact *c = container_of(p, struct contact, in_set);
                size_t i = n;

                if (n == SCSCF_CONTACTS_MAX)
                        break;
                while (i > 0 && (c->q > sorted[i - 1]->q ||
                                 (c->q == sorted[i - 1]->q && c->since_ms >= sorted[i - 1]->since_ms))) {
                        sorted[i] = sorted[i - 1];
                        i--;
                }
                sorted[i] = c;
                n++;
        }
        return rank < n ? sorted[rank] : NULL;
}
