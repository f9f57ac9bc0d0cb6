/* SPDX-License-Identifier: BSD-3-Clause
 * SAR inside its transaction. One identity, or several, or all of an IMPI when it is de-registered. TS
 * 29.228 6.1.2. */
#include "hss/cx_job.h"

#include "hss/restoration.h"

#define SETS_MAX 256 /* registered sets of one IMPI that one request ends */

/* User-Data names an IMPI: that of the request, else the first of the subscription. */
static int name_impi(const struct hss_env *env, struct job *j)
{
        struct store_impis all;
        j->reply.impi = j->m.sar.impi;
        if (j->reply.impi.p)
                return 0;
        int rc = store_list_impis(env->store, &j->arena, j->facts.subscription, &all);
        if (rc == 0 && all.n)
                j->reply.impi = all.v[0];
        return rc;
}

static int take_user_data(const struct hss_env *env, struct job *j)
{
        struct buf xml = BUF_INIT;
        const struct cx_features *features = &j->m.sar.h.features;
        struct profile_request rq = {.impi = j->reply.impi,
                                     .set = j->facts.set,
                                     .shared_ifc =
                                             features->present && (features->features & HSS_FEATURE_SIFC)};
        int rc = profile_build(env->profiles, env->store, &j->arena, &rq, &xml);
        if (rc == 0)
                rc = arena_copy(&j->arena, buf_as_span(&xml), &j->reply.user_data);
        buf_free(&xml);
        if (rc == -IMS_EPARSE || rc == -IMS_EINVAL) {
                job_fail(j, dia_base(DIA_UNABLE_TO_COMPLY), CAUSE_profile_unusable,
                         "the service profile in the store cannot be used");
                rc = 0;
        }
        return rc;
}

/* What a successful answer carries besides its result and User-Data. */
static int take_reply(const struct hss_env *env, struct job *j)
{
        struct reply *r = &j->reply;
        struct store_extras extras;
        int rc = 0;
        if (j->d.associated)
                rc = store_list_impis(env->store, &j->arena, j->facts.subscription, &r->associated);
        if (r->associated.n <= 1)
                r->associated.n = 0; /* the IMPI of the request alone */
        else if (rc == 0)
                rc = store_list_registered_impis(env->store, &j->arena, j->facts.set, &r->registered);
        if (rc == 0 && j->d.charging) {
                rc = store_read_extras(env->store, &j->arena, j->facts.subscription, &extras);
                if (rc == 0) {
                        r->charging = extras.charging;
                        r->loose_route = extras.loose_route;
                        r->priviledged_sender = extras.priviledged_sender;
                }
        }
        if (rc == 0 && j->d.restoration)
                rc = store_list_restoration(env->store, &j->arena, j->facts.set, r->restorations,
                                            CX_RESTORATION_MAX, &r->n_restorations);
        return rc;
}

/* One identity: decide, and write once nothing can refuse it any more. */
static int one(const struct hss_env *env, struct job *j, const struct serving *by)
{
        j->d = cx_sar_decide(&j->m.sar, &j->facts, env->conf->keep_server_name);
        if (!dia_result_ok(j->d.result))
                return 0;
        int rc = name_impi(env, j);
        if (rc == 0 && j->d.user_data)
                rc = take_user_data(env, j);
        if (rc < 0 || !dia_result_ok(j->d.result))
                return rc;
        return store_apply(env->store, &j->facts, &j->d.effects, by);
}

static int read_facts(const struct hss_env *env, struct job *j, struct span impu)
{
        if (j->m.sar.impi.p)
                return store_read_pair(env->store, &j->arena, j->m.sar.impi, impu, &j->facts);
        return store_read_impu(env->store, &j->arena, impu, &j->facts);
}

/* De-registration that names only the IMPI: everything it has registered. */
static int all_sets(const struct hss_env *env, struct job *j, const struct serving *by)
{
        int64_t sets[SETS_MAX];
        size_t n = 0;
        int rc = store_read_pair(env->store, &j->arena, j->m.sar.impi, SPAN(""), &j->facts);
        if (rc < 0)
                return rc;
        if (decide_identities(&j->facts, true, false, "TS 29.228 6.1.2.1", &j->d))
                return 0;
        j->d = decision_ok(dia_base(DIA_SUCCESS), "TS 29.228 6.1.2.1");
        j->reply.impi = j->m.sar.impi;
        rc = store_list_sets(env->store, j->facts.impi, true, sets, SETS_MAX, &n);
        int64_t impi = j->facts.impi;
        for (size_t i = 0; rc == 0 && i < n && dia_result_ok(j->d.result); i++) {
                rc = store_read_set(env->store, &j->arena, impi, sets[i], &j->facts);
                if (rc == 0 && j->facts.impi)
                        rc = one(env, j, by);
        }
        return rc;
}

/* Every named identity must be good before the first one is touched. */
static int check_all(const struct hss_env *env, struct job *j)
{
        for (size_t i = 0; i < j->m.sar.impus.n; i++) {
                int rc = read_facts(env, j, j->m.sar.impus.v[i]);
                if (rc < 0)
                        return rc;
                j->d = cx_sar_decide(&j->m.sar, &j->facts, env->conf->keep_server_name);
                if (!dia_result_ok(j->d.result))
                        return 0;
        }
        return 0;
}

static int named(const struct hss_env *env, struct job *j, const struct serving *by)
{
        const struct cx_spans *impus = &j->m.sar.impus;
        int rc = 0;
        if (impus->n > 1) {
                rc = check_all(env, j);
                if (rc < 0 || !dia_result_ok(j->d.result))
                        return rc;
        }
        for (size_t i = 0; rc == 0 && i < impus->n; i++) {
                rc = read_facts(env, j, impus->v[i]);
                if (rc == 0)
                        rc = one(env, j, by);
                if (!dia_result_ok(j->d.result))
                        break;
        }
        return rc;
}

int job_run_sar(const struct hss_env *env, struct job *j)
{
        const struct cx_sar *m = &j->m.sar;
        struct serving by = {.name = m->server_name, .host = m->h.origin_host, .realm = m->h.origin_realm};
        struct buf stored = BUF_INIT;
        if (cx_sar_precheck(m, &j->d))
                return 0;
        int rc = m->has_restoration ? restoration_write(&m->restoration, &stored) : 0;
        if (rc == -IMS_ETOOBIG) {
                j->d = decision_refuse(dia_base(DIA_INVALID_AVP_VALUE), CAUSE_hss_error, "TS 29.229 6.3.46",
                                       "the restoration information is longer than can be stored");
                j->d.failed = "SCSCF-Restoration-Info";
                buf_free(&stored);
                return 0;
        }
        by.restoration = buf_as_span(&stored);
        if (rc == 0)
                rc = m->impus.n ? named(env, j, &by) : all_sets(env, j, &by);
        buf_free(&stored);
        if (rc == 0 && j->d.server_name)
                j->reply.server_name = j->facts.scscf_name;
        if (rc == 0 && dia_result_ok(j->d.result))
                rc = take_reply(env, j);
        if (rc == 0 && j->facts.impu && m->impus.n &&
            !span_eq(j->facts.impu_name, m->impus.v[m->impus.n - 1]))
                j->reply.wildcarded = j->facts.impu_name;
        return rc;
}
