/* SPDX-License-Identifier: BSD-3-Clause
 * User registration status query, UAR/UAA. TS 29.228 6.1.1. */
#include "hss/facts.h"

#define CLAUSE             "TS 29.228 6.1.1.1"
#define UAR_FLAG_EMERGENCY UINT32_C(1) /* TS 29.229 6.3.44 */

/* Host names compare without case. An empty list in the store stands for every network. */
static bool network_allowed(struct span list, struct span network)
{
        struct span line;
        if (!list.p)
                return true;
        while (span_split(&list, '\n', &line))
                if (span_ieq(line, network))
                        return true;
        return false;
}

/* Steps 2 and 3: may this user register here? True when decided. An emergency registration is neither
 * stopped by barring nor by roaming. */
static bool refuse(const struct cx_uar *m, const struct facts *f, uint32_t type, struct decision *out)
{
        bool emergency = m->has_flags && (m->flags & UAR_FLAG_EMERGENCY);
        if (!emergency && f->barred && f->set_barred) {
                *out = decision_refuse(dia_base(DIA_AUTHORIZATION_REJECTED), CAUSE_authorization_rejected,
                                       CLAUSE, "every IMPU of the implicit set is barred");
                return true;
        }
        if (type == CX_DE_REGISTRATION_UAT)
                return false;
        if (!emergency && !network_allowed(f->visited, m->visited_network)) {
                *out = decision_refuse(dia_3gpp(CX_ERROR_ROAMING_NOT_ALLOWED), CAUSE_roaming_not_allowed,
                                       CLAUSE, "the visited network is not in the list of the subscriber");
                return true;
        }
        if (!f->registration_allowed) {
                *out = decision_refuse(dia_base(DIA_AUTHORIZATION_REJECTED), CAUSE_authorization_rejected,
                                       CLAUSE, "the subscriber may not register (--registration denied)");
                return true;
        }
        return false;
}

/* Steps 5 and 6. */
static struct decision by_state(const struct facts *f, uint32_t type)
{
        struct decision d = decision_ok(dia_3gpp(CX_SUBSEQUENT_REGISTRATION), CLAUSE);
        bool dereg = type == CX_DE_REGISTRATION_UAT;
        if (f->state != REG_ST_NOT_REGISTERED) {
                if (dereg)
                        d.result = dia_base(DIA_SUCCESS);
                d.server_name = true;
                return d;
        }
        if (dereg)
                return decision_refuse(dia_3gpp(CX_ERROR_IDENTITY_NOT_REGISTERED),
                                       CAUSE_identity_not_registered, CLAUSE,
                                       "de-registration of an identity that is not registered");
        if (f->scscf_name.p && (f->pending || f->other_pending || f->other_set_active)) {
                d.server_name = true;
                return d;
        }
        d.result = dia_3gpp(CX_FIRST_REGISTRATION);
        d.capabilities = true;
        return d;
}

struct decision cx_uar_decide(const struct cx_uar *m, const struct facts *f)
{
        struct decision d;
        uint32_t type = m->has_type ? m->type : CX_REGISTRATION_UAT;
        if (decide_features(&m->h.features, &d))
                return d;
        if (type > CX_REGISTRATION_AND_CAPABILITIES) {
                d = decision_refuse(dia_base(DIA_INVALID_AVP_VALUE), CAUSE_hss_error, CLAUSE,
                                    "this User-Authorization-Type does not exist");
                d.failed = "User-Authorization-Type";
                return d;
        }
        if (decide_identities(f, true, true, CLAUSE, &d) || refuse(m, f, type, &d))
                return d;
        if (type != CX_REGISTRATION_AND_CAPABILITIES)
                return by_state(f, type);
        /* The assigned S-CSCF does not answer: another one may take over. */
        d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        d.capabilities = true;
        d.server_name = f->scscf_name.p != NULL;
        if (d.server_name)
                d.effects.reassign = 1;
        return d;
}
