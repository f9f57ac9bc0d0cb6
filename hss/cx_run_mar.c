/* SPDX-License-Identifier: BSD-3-Clause
 * MAR inside its transaction: credential, resynchronisation, vectors; the SQN is written before anything
 * can leave. TS 29.228 6.3, TS 33.203 6.1.1 and 6.1.3. */
#include "hss/cx_job.h"

#include "common/base/secret.h"

/* AUTS first, then m vectors. A forged AUTS changes nothing; vectors are given all the same (TS 33.102
 * 6.3.5 step 6). */
static int aka_vectors(const struct hss_env *env, struct job *j, struct credential *c)
{
        const struct cx_mar *m = &j->m.mar;
        size_t n = m->n_items ? m->n_items : 1;
        bool moved = false;
        int rc = 0;
        if (n > env->conf->aka_max_vectors)
                n = env->conf->aka_max_vectors;
        if (j->d.resync) {
                rc = auc_resync(env->auc, &c->key, (const uint8_t *)m->item.authorization.p, &c->sqn, &moved);
                j->d.cause = rc == 0 ? CAUSE_resynchronised : CAUSE_auts_forged;
                j->note = rc == 0 ? (moved ? "AUTS good: SQN follows the SIM"
                                           : "AUTS good: SQN was acceptable already")
                                  : "AUTS does not verify: SQN unchanged";
                if (rc < 0 && rc != -IMS_EAUTH)
                        return rc;
        }
        const struct auc_order order = {.domain = SQN_DOMAIN_IMS, .amf = c->amf, .m = n};
        rc = auc_vectors(env->auc, &c->key, &order, &c->sqn, j->reply.avs);
        if (rc == 0)
                rc = store_write_sqn(env->store, j->facts.impi, &c->sqn);
        if (rc == 0)
                j->reply.n_avs = n;
        return rc;
}

static int take_credential(const struct hss_env *env, struct job *j, struct credential *c)
{
        int rc = 0;
        switch (c->scheme) {
        case HSS_SCHEME_AKA:
                rc = aka_vectors(env, j, c);
                break;
        case HSS_SCHEME_DIGEST:
                memcpy(j->reply.ha1, c->ha1, sizeof j->reply.ha1);
                j->reply.digest_realm = c->digest_realm;
                j->reply.digest_algorithm = c->digest_algorithm;
                break;
        case HSS_SCHEME_NBA:
                j->reply.line_ids = c->line_ids;
                break;
        case HSS_SCHEME_GIBA:
        case HSS_SCHEMES:
                break;
        }
        return rc;
}

int job_run_mar(const struct hss_env *env, struct job *j)
{
        const struct cx_mar *m = &j->m.mar;
        const struct serving by = {
                .name = m->server_name, .host = m->h.origin_host, .realm = m->h.origin_realm};
        struct credential c;
        int rc = store_read_pair(env->store, &j->arena, m->impi, m->impu, &j->facts);
        if (rc < 0)
                return rc;
        j->d = cx_mar_decide(m, &j->facts);
        if (!dia_result_ok(j->d.result))
                return 0;
        rc = store_read_credential(env->store, &j->arena, j->facts.impi, &c);
        if (rc == -IMS_EAUTH) {
                job_fail(j, dia_base(DIA_UNABLE_TO_COMPLY), CAUSE_internal_error,
                         "the stored credential does not open under this key file: provision it again");
                return 0;
        }
        if (rc < 0)
                return rc;
        rc = take_credential(env, j, &c);
        secret_wipe(&c, sizeof c);
        if (rc == -IMS_ELIMIT || rc == -IMS_EINVAL || rc == -IMS_ECRYPTO) {
                job_fail(j, dia_base(DIA_UNABLE_TO_COMPLY), CAUSE_internal_error,
                         rc == -IMS_ELIMIT ? "the SQN of the subscriber is used up"
                                           : "the vectors could not be made");
                return 0;
        }
        if (rc < 0)
                return rc;
        j->reply.impi = m->impi;
        j->reply.impu = m->impu;
        return store_apply(env->store, &j->facts, &j->d.effects, &by);
}
