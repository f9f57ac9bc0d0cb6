/* SPDX-License-Identifier: BSD-3-Clause
 * Handling of a request between the store and the pure decisions. */
#include "hss/cx_job.h"

#include "common/base/secret.h"

bool job_writes(const struct job *j)
{
        switch (j->command) {
        case CX_UAR:
                return j->m.uar.has_type && j->m.uar.type == CX_REGISTRATION_AND_CAPABILITIES;
        case CX_LIR:
                return j->m.lir.has_type && j->m.lir.type == CX_REGISTRATION_AND_CAPABILITIES;
        default:
                return true;
        }
}

const struct cx_request *job_request(const struct job *j)
{
        switch (j->command) {
        case CX_UAR:
                return &j->m.uar.h;
        case CX_MAR:
                return &j->m.mar.h;
        case CX_LIR:
                return &j->m.lir.h;
        default:
                return &j->m.sar.h;
        }
}

struct span job_impi(const struct job *j)
{
        switch (j->command) {
        case CX_UAR:
                return j->m.uar.impi;
        case CX_MAR:
                return j->m.mar.impi;
        case CX_SAR:
                return j->m.sar.impi;
        default:
                return SPAN_NULL;
        }
}

struct span job_impu(const struct job *j)
{
        switch (j->command) {
        case CX_UAR:
                return j->m.uar.impu;
        case CX_MAR:
                return j->m.mar.impu;
        case CX_LIR:
                return j->m.lir.impu;
        default:
                return j->m.sar.impus.n ? j->m.sar.impus.v[0] : SPAN_NULL;
        }
}

void job_fail(struct job *j, struct dia_result result, enum verdict_cause cause, const char *why)
{
        secret_wipe(j->reply.avs, j->reply.n_avs * sizeof *j->reply.avs);
        secret_wipe(j->reply.ha1, sizeof j->reply.ha1);
        j->reply = (struct reply){.loose_route = -1, .priviledged_sender = -1};
        j->d = decision_refuse(result, cause, "RFC 6733 7.1", why);
}

/* The part of the reply that follows from decision and facts alone. */
static void take_facts(struct job *j)
{
        const struct facts *f = &j->facts;
        const struct decision *d = &j->d;
        if (d->server_name)
                j->reply.server_name = f->scscf_name;
        if (d->as_name) {
                j->reply.server_name = f->as_name;
                j->reply.lia_flags = 1; /* PSI direct routing (TS 29.229 6.3.51) */
        }
        if (d->capabilities) {
                j->reply.mandatory = f->mandatory;
                j->reply.optional = f->optional;
                j->reply.server_names = f->server_names;
        }
        if (f->impu && !span_eq(f->impu_name, job_impu(j)))
                j->reply.wildcarded = f->impu_name;
}

static int run_uar(const struct hss_env *env, struct job *j)
{
        const struct serving none = {0};
        int rc = store_read_pair(env->store, &j->arena, j->m.uar.impi, j->m.uar.impu, &j->facts);
        if (rc < 0)
                return rc;
        j->d = cx_uar_decide(&j->m.uar, &j->facts);
        take_facts(j);
        return store_apply(env->store, &j->facts, &j->d.effects, &none);
}

static int run_lir(const struct hss_env *env, struct job *j)
{
        const struct serving none = {0};
        int rc = store_read_impu(env->store, &j->arena, j->m.lir.impu, &j->facts);
        if (rc < 0)
                return rc;
        j->d = cx_lir_decide(&j->m.lir, &j->facts);
        take_facts(j);
        return store_apply(env->store, &j->facts, &j->d.effects, &none);
}

int job_run(const struct hss_env *env, struct job *j)
{
        j->reply.loose_route = j->reply.priviledged_sender = -1;
        switch (j->command) {
        case CX_UAR:
                return run_uar(env, j);
        case CX_MAR:
                return job_run_mar(env, j);
        case CX_SAR:
                return job_run_sar(env, j);
        case CX_LIR:
                return run_lir(env, j);
        default:
                j->d = decision_refuse(dia_base(DIA_COMMAND_UNSUPPORTED), CAUSE_hss_error, "RFC 6733 7.1.3",
                                       NULL);
                return 0;
        }
}
