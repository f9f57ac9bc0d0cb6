/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER: read, queue per IMPI, decide, dispatch, finish. TS 24.229 5.4.1.2. */
#include "scscf/registrar_int.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/trace/command.h"
#include "scscf/digest_fetch.h"

void registrar_init(struct registrar *r, const struct scscf_conf *conf, const struct reg_port *port,
                    void *arg)
{
        *r = (struct registrar){.conf = conf, .port = *port, .arg = arg};
        r->host = span_sub(span_of(conf->name), 4, strlen(conf->name));
        if (conf->digest.opaque)
                (void)snprintf(r->opaque, sizeof(r->opaque), "%016llx",
                               (unsigned long long)hash_span(SPAN("\nopaque")));
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
        buf_free(&job->auth_info);
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
        if (list_empty(&u->contacts))
                digest_fetch_end(u);
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

/* The scheme of a registration does not change, nor that of a challenge (P.4.1). */
static bool refuse_other_scheme(struct reg_job *job)
{
        const struct user *u = job->user;

        if (!u->scheme || u->scheme == job->scheme || (!u->challenge && list_empty(&u->contacts)))
                return false;
        reg_job_verdict(job, VERDICT_REFUSED, CAUSE_scheme_not_supported, 403, "TS 33.203 P.4.1");
        buf_printf(&job->evidence, "%s, in a registration by %s", job->scheme->name, u->scheme->name);
        reg_job_finish(job, NULL, 0, false);
        return true;
}

/* The job is the user's current one. */
static void job_run(struct reg_job *job)
{
        struct log_ctx before = log_ctx_set(reg_job_log(job));

        if (job->kind != REG_JOB_REGISTER) {
                reg_release_timer(job);
        } else {
                job->registered = reg_job_registered(job);
                job->end.procedure = reg_request_procedure(&job->in, job->registered);
                if (!refuse_other_scheme(job))
                        job->scheme->run(job);
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

/* What this S-CSCF does not serve is named and refused. False when refused. */
static bool check_scheme(struct registrar *r, struct reg_job *job, const struct user *u)
{
        struct reg_refusal why = {.status = 403, .cause = CAUSE_scheme_not_supported};
        const struct auth_scheme *s;
        const char *step = NULL;
        char text[200];

        job->in.scheme.aka_before =
                u && u->scheme == &auth_schemes[AUTH_AKA] && (u->challenge || !list_empty(&u->contacts));
        s = &auth_schemes[scheme_choose(&job->in.scheme, &step)];
        job->scheme = s;
        if (s == &auth_schemes[AUTH_AKA] && job->in.foreign_realm) {
                why = (struct reg_refusal){.status = 403,
                                           .cause = CAUSE_wrong_network,
                                           .clause = "TS 24.229 5.4.1.2.1",
                                           .evidence = job->in.auth.realm.n
                                                               ? job->in.auth.realm
                                                               : SPAN("the realm is not a home domain")};
                refuse_early(r, job->rq, &job->in, &why);
                return false;
        }
        if (s->run)
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
        digest_fetch_clear(u);
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

/* Flows of one phone behind the best of them, so that they are tried together (RFC 5626 7). */
static void join_flows(const struct contact **v, size_t n)
{
        for (size_t i = 0, next; i < n; i = next) {
                next = i + 1;
                for (size_t j = next; j < n; j++) {
                        const struct contact *c = v[j];

                        if (!contact_is_same_phone(v[i], c))
                                continue;
                        memmove(v + next + 1, v + next, (j - next) * sizeof(*v));
                        v[next++] = c;
                }
        }
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
        join_flows(sorted, n);
        return rank < n ? sorted[rank] : NULL;
}
