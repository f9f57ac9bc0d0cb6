/* SPDX-License-Identifier: BSD-3-Clause
 * MAR and SAR as the registrar sends them, and what their failures mean. TS 29.228 6.1.2, 6.3. */
#include "scscf/registrar_int.h"

#include "common/base/log.h"

struct failure {
        struct dia_result result;
        enum verdict_cause cause;
        int status;
};

/* Results with a meaning of their own; any other is hss_error. */
static const struct failure failures[] = {
        {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, CAUSE_user_unknown, 403},
        {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITIES_DONT_MATCH}, CAUSE_identities_dont_match, 403},
        {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_NOT_REGISTERED}, CAUSE_identity_not_registered, 403},
        {{DIA_VENDOR_3GPP, CX_ERROR_ROAMING_NOT_ALLOWED}, CAUSE_roaming_not_allowed, 403},
        {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_ALREADY_REGISTERED}, CAUSE_already_registered_elsewhere, 403},
        {{DIA_VENDOR_3GPP, CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED}, CAUSE_scheme_not_possible, 403},
        {{0, DIA_AUTHORIZATION_REJECTED}, CAUSE_authorization_rejected, 403},
        {{0, DIA_UNABLE_TO_DELIVER}, CAUSE_hss_unreachable, 504},
        {{0, DIA_TOO_BUSY}, CAUSE_hss_error, 503},
};

static struct reg_cx_fault fault_of_result(struct dia_result r)
{
        for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
                const struct failure *f = &failures[i];

                if (dia_result_is(r, f->result))
                        return (struct reg_cx_fault){f->status == 403 ? VERDICT_REFUSED : VERDICT_FAILED,
                                                     f->cause, f->status, "TS 29.229 6.2"};
        }
        return (struct reg_cx_fault){VERDICT_FAILED, CAUSE_hss_error, 500, "TS 29.229 6.2"};
}

struct reg_cx_fault reg_cx_fault(const char *command, int err, const struct cx_answer *a,
                                 struct buf *evidence)
{
        struct reg_cx_fault f = {VERDICT_FAILED, CAUSE_hss_error, 500, "TS 29.229 6.1"};

        if (err == 0) {
                buf_printf(evidence, "%s: %s", command, dia_result_str(a->result));
                if (a->error_message.n) {
                        buf_puts(evidence, " ");
                        buf_quoted(evidence, a->error_message, 120);
                }
                return fault_of_result(a->result);
        }
        if (err == -IMS_ETIMEOUT)
                f = (struct reg_cx_fault){VERDICT_FAILED, CAUSE_hss_timeout, 504, "TS 29.228 6.1.2, 6.3"};
        else if (err == -IMS_EUNREACH || err == -IMS_ECLOSED)
                f = (struct reg_cx_fault){VERDICT_FAILED, CAUSE_hss_unreachable, 504, "TS 29.228 6.1.2, 6.3"};
        else if (err == -IMS_ELIMIT || err == -IMS_ENOMEM)
                f = (struct reg_cx_fault){VERDICT_FAILED, CAUSE_overload, 503, "RFC 3261 21.5.4"};
        buf_printf(evidence, "%s: %s", command, ims_strerror(err));
        return f;
}

void reg_cx_failure(struct reg_job *job, const char *command, int err, const struct cx_answer *a)
{
        struct reg_cx_fault f = reg_cx_fault(command, err, a, &job->evidence);

        reg_job_verdict(job, f.outcome, f.cause, f.status, f.clause);
}

void reg_cx_learn(struct registrar *r, struct user *u, const struct cx_answer *a)
{
        if (u->hss && span_ieq(shared_text(u->hss), a->origin_host))
                return;
        shared_put(u->hss);
        u->hss = shared_get(&r->store.shared, a->origin_host);
}

void reg_cx_host(const struct user *u, struct cx_request *h)
{
        h->destination_host = shared_text(u->hss);
        h->host_preferred = true;
}

int reg_cx_mar(struct reg_job *job, struct span auts, cx_maa_fn *fn)
{
        const struct scscf_conf *conf = job->reg->conf;
        struct cx_mar m = {.impi = job->in.impi,
                           .impu = job->in.impu,
                           .server_name = span_of(conf->name),
                           .n_items = job->scheme == &auth_schemes[AUTH_AKA] ? conf->vectors : 1};
        uint8_t resync[AKA_RAND_N + AKA_AUTS_N];

        reg_cx_host(job->user, &m.h);
        m.item.scheme = span_of(job->scheme->cx_scheme);
        if (auts.n) {
                memcpy(resync, job->user->challenge->av.rand, AKA_RAND_N);
                memcpy(resync + AKA_RAND_N, auts.p, AKA_AUTS_N);
                m.item.authorization = span_make(resync, sizeof(resync));
        }
        job->sync = auts.n > 0;
        return job->reg->port.mar(job->reg->arg, &m, fn, job, &job->txn);
}

/* How long the last binding of the IMPI will be there, as the UEs are told. */
static uint32_t longest_expiry(const struct reg_job *job)
{
        uint64_t now = job->reg->port.now_ms(job->reg->arg), longest_ms = 0;
        const struct contact_ops *ops = &job->in.contacts;

        for (size_t i = 0; i < ops->n; i++)
                if ((uint64_t)ops->v[i].expires_s * 1000 > longest_ms)
                        longest_ms = (uint64_t)ops->v[i].expires_s * 1000;
        list_for_each(n, &job->user->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_user);

                if (c->told_ms > now + longest_ms)
                        longest_ms = c->told_ms - now;
        }
        return (uint32_t)(longest_ms / 1000);
}

/* What the HSS shall be able to give to another S-CSCF: the bindings of this IMPI as they will be. */
static void restoration(const struct reg_job *job, struct cx_sar *m)
{
        const struct reg_set *set = reg_job_set(job);
        struct cx_restoration *r = &m->restoration;
        const struct contact_ops *ops = &job->in.contacts;

        m->has_restoration = true;
        r->impi = job->in.impi;
        r->scheme = span_of(job->scheme->cx_name);
        r->has_timeout = true;
        r->timeout = reg_restore_time(job->reg, longest_expiry(job));
        for (size_t i = 0; i < ops->n && r->n_info < CX_RESTORATION_MAX; i++) {
                if (ops->v[i].expires_s == 0)
                        continue;
                r->info[r->n_info++] = (struct cx_restoration_info){.path = job->in.origin.path,
                                                                    .contact = ops->v[i].value,
                                                                    .call_id = job->in.origin.call_id,
                                                                    .has_initial_cseq = true,
                                                                    .initial_cseq = job->in.origin.cseq};
        }
        if (!set)
                return;
        list_for_each(n, &set->contacts)
        {
                const struct contact *c = container_of(n, struct contact, in_set);
                bool kept = c->user == job->user;

                for (size_t i = 0; i < ops->n && kept; i++)
                        kept = !contact_matches(c, &ops->v[i]);
                if (kept && r->n_info < CX_RESTORATION_MAX)
                        r->info[r->n_info++] = (struct cx_restoration_info){.path = contact_path(c),
                                                                            .contact = contact_value(c),
                                                                            .call_id = contact_call_id(c),
                                                                            .has_initial_cseq = true,
                                                                            .initial_cseq = c->cseq};
        }
}

const struct cx_features reg_cx_restoration = {
        .present = true, .vendor = DIA_VENDOR_3GPP, .list_id = 1, .features = 1u << 2};

int reg_cx_sar(struct reg_job *job, uint32_t sat, cx_saa_fn *fn)
{
        const struct scscf_conf *conf = job->reg->conf;
        struct cx_sar m = {.impi = job->in.impi, .server_name = span_of(conf->name), .type = sat};
        bool registers = sat == CX_SAT_REGISTRATION || sat == CX_SAT_RE_REGISTRATION;

        reg_cx_host(job->user, &m.h);
        m.impus.v[m.impus.n++] = job->in.impu;
        /* User data counts only where the user is, or becomes, registered (TS 29.228 6.1.2). */
        m.data_already_available = !registers || (conf->keep_profile && reg_job_set(job));
        if (registers && conf->restoration_info) {
                m.h.features = reg_cx_restoration;
                restoration(job, &m);
        }
        for (size_t i = 0; i < job->in.contacts.n && registers; i++)
                m.has_multiple_registration = m.has_multiple_registration || job->in.contacts.v[i].has_reg_id;
        m.multiple_registration = m.has_multiple_registration;
        job->sat = sat;
        return job->reg->port.sar(job->reg->arg, &m, fn, job, &job->txn);
}
