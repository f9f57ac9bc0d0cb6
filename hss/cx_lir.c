/* SPDX-License-Identifier: BSD-3-Clause
 * Location query, LIR/LIA. TS 29.228 6.1.4. */
#include "hss/facts.h"

#include "common/profile/profile.h"

#define CLAUSE "TS 29.228 6.1.4.1"

/* Nobody serves the identity at the moment. */
static struct decision unserved(const struct cx_lir *m, const struct facts *f)
{
        if (!f->unregistered_services && !m->originating)
                return decision_refuse(dia_3gpp(CX_ERROR_IDENTITY_NOT_REGISTERED),
                                       CAUSE_identity_not_registered, CLAUSE,
                                       "not registered, and no services for that state");
        struct decision d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        if (f->scscf_name.p) {
                d.server_name = true;
                return d;
        }
        d.result = dia_3gpp(CX_UNREGISTERED_SERVICE);
        d.capabilities = true;
        return d;
}

struct decision cx_lir_decide(const struct cx_lir *m, const struct facts *f)
{
        struct decision d;
        if (decide_features(&m->h.features, &d) || decide_identities(f, false, true, CLAUSE, &d))
                return d;
        if (m->has_type && m->type > CX_REGISTRATION_AND_CAPABILITIES) {
                d = decision_refuse(dia_base(DIA_INVALID_AVP_VALUE), CAUSE_hss_error, CLAUSE,
                                    "this User-Authorization-Type does not exist");
                d.failed = "User-Authorization-Type";
                return d;
        }
        d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        bool psi = f->type == PROFILE_DISTINCT_PSI || f->type == PROFILE_WILDCARDED_PSI;
        if (psi && f->as_name.p && !m->originating) {
                d.as_name = true;
                return d;
        }
        if (m->has_type && m->type == CX_REGISTRATION_AND_CAPABILITIES) {
                d.capabilities = true;
                d.server_name = f->scscf_name.p != NULL;
                if (d.server_name)
                        d.effects.reassign = 1;
                return d;
        }
        if (f->state == REG_ST_NOT_REGISTERED)
                return unserved(m, f);
        d.server_name = true;
        return d;
}
