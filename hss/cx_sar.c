/* SPDX-License-Identifier: BSD-3-Clause
 * S-CSCF registration and de-registration notification, SAR/SAA. TS 29.228 6.1.2. */
#include "hss/facts.h"

#include "common/profile/profile.h"

#define CLAUSE "TS 29.228 6.1.2.1"

enum kind {
        KIND_READ,
        KIND_REGISTER,
        KIND_UNREGISTERED,
        KIND_DEREGISTER,
        KIND_STORE_NAME,
        KIND_AUTH,
        KIND_FOREIGN
};

static const enum kind kinds[] = {
        [CX_SAT_NO_ASSIGNMENT] = KIND_READ,
        [CX_SAT_REGISTRATION] = KIND_REGISTER,
        [CX_SAT_RE_REGISTRATION] = KIND_REGISTER,
        [CX_SAT_UNREGISTERED_USER] = KIND_UNREGISTERED,
        [CX_SAT_TIMEOUT_DEREGISTRATION] = KIND_DEREGISTER,
        [CX_SAT_USER_DEREGISTRATION] = KIND_DEREGISTER,
        [CX_SAT_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME] = KIND_STORE_NAME,
        [CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME] = KIND_STORE_NAME,
        [CX_SAT_ADMINISTRATIVE_DEREGISTRATION] = KIND_DEREGISTER,
        [CX_SAT_AUTHENTICATION_FAILURE] = KIND_AUTH,
        [CX_SAT_AUTHENTICATION_TIMEOUT] = KIND_AUTH,
        [CX_SAT_DEREGISTRATION_TOO_MUCH_DATA] = KIND_DEREGISTER,
        [CX_SAT_AAA_USER_DATA_REQUEST] = KIND_FOREIGN,
        [CX_SAT_PGW_UPDATE] = KIND_FOREIGN,
        [CX_SAT_RESTORATION] = KIND_FOREIGN,
};

static struct decision refuse_base(uint32_t code, const char *failed, const char *why)
{
        struct decision d = decision_refuse(dia_base(code), CAUSE_hss_error, CLAUSE, why);
        d.failed = failed;
        return d;
}

bool cx_sar_precheck(const struct cx_sar *m, struct decision *out)
{
        if (decide_features(&m->h.features, out))
                return true;
        if (m->type >= sizeof kinds / sizeof *kinds) {
                *out = refuse_base(DIA_INVALID_AVP_VALUE, "Server-Assignment-Type",
                                   "this Server-Assignment-Type does not exist");
                return true;
        }
        enum kind kind = kinds[m->type];
        if (kind == KIND_FOREIGN) {
                *out = decision_refuse(dia_3gpp(CX_ERROR_IN_ASSIGNMENT_TYPE), CAUSE_hss_error, CLAUSE,
                                       "this Server-Assignment-Type belongs to SWx, not to Cx");
                return true;
        }
        if (m->data_already_available > 1) {
                *out = refuse_base(DIA_INVALID_AVP_VALUE, "User-Data-Already-Available",
                                   "User-Data-Already-Available is 0 or 1");
                return true;
        }
        bool dereg = kind == KIND_DEREGISTER || kind == KIND_STORE_NAME;
        if (m->impus.n > 1 && !dereg) {
                *out = refuse_base(DIA_AVP_OCCURS_TOO_MANY_TIMES, "Public-Identity",
                                   "this Server-Assignment-Type takes one Public-Identity");
                return true;
        }
        if (m->impus.n == 0 && !(dereg && m->impi.p)) {
                *out = refuse_base(DIA_MISSING_AVP, "Public-Identity", "no identity is named");
                return true;
        }
        if (!m->impi.p && (kind == KIND_REGISTER || kind == KIND_AUTH)) {
                *out = refuse_base(DIA_MISSING_AVP, "User-Name",
                                   "this Server-Assignment-Type needs the IMPI");
                return true;
        }
        return false;
}

static bool is_psi(const struct facts *f)
{
        return f->type == PROFILE_DISTINCT_PSI || f->type == PROFILE_WILDCARDED_PSI;
}

static struct decision already_elsewhere(void)
{
        struct decision d =
                decision_refuse(dia_3gpp(CX_ERROR_IDENTITY_ALREADY_REGISTERED),
                                CAUSE_already_registered_elsewhere, CLAUSE, "another S-CSCF is assigned");
        d.server_name = true;
        return d;
}

static struct decision not_assigned(const char *why)
{
        return decision_refuse(dia_base(DIA_UNABLE_TO_COMPLY), CAUSE_already_registered_elsewhere, CLAUSE,
                               why);
}

/* Which S-CSCF asks, seen from the store. */
struct asker {
        bool same, none; /* it is the assigned one; none is assigned */
};

static struct decision do_register(const struct cx_sar *m, const struct facts *f, struct asker by)
{
        if (is_psi(f))
                return decision_refuse(dia_3gpp(CX_ERROR_IN_ASSIGNMENT_TYPE), CAUSE_hss_error, CLAUSE,
                                       "a public service identity does not register");
        if (!by.same && !by.none && !f->reassign)
                return already_elsewhere();
        struct decision d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        d.user_data = d.charging = m->data_already_available == 0;
        d.associated = true;
        d.restoration = f->shared && m->type == CX_SAT_REGISTRATION;
        d.effects.state = REG_ST_REGISTERED;
        d.effects.registered = 1;
        d.effects.pending = 0;
        d.effects.reassign = 0;
        d.effects.name = by.same ? NAME_KEEP : NAME_STORE;
        d.effects.restoration = m->has_restoration ? RESTORATION_STORE : RESTORATION_KEEP;
        return d;
}

static struct decision do_unregistered(const struct facts *f, struct asker by)
{
        if (!by.same && !by.none && !f->reassign)
                return already_elsewhere();
        struct decision d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        d.user_data = d.charging = d.associated = d.restoration = true;
        if (f->state == REG_ST_NOT_REGISTERED)
                d.effects.state = REG_ST_UNREGISTERED;
        d.effects.name = by.same ? NAME_KEEP : NAME_STORE;
        return d;
}

/* A de-registration of this IMPI: the set stays registered while another IMPI has it registered. */
static struct decision do_deregister(const struct facts *f, struct asker by)
{
        if (!by.same && !by.none)
                return not_assigned("de-registration by an S-CSCF that is not the assigned one");
        struct decision d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        bool last = !f->impi || !f->sibling_registered;
        d.effects.state = last ? REG_ST_NOT_REGISTERED : REG_ST_REGISTERED;
        d.effects.registered = 0;
        d.effects.pending = 0;
        d.effects.restoration = RESTORATION_CLEAR;
        if (!by.none && last && !f->other_set_active && !f->other_pending)
                d.effects.name = NAME_CLEAR;
        return d;
}

static struct decision do_store_name(const struct facts *f, struct asker by, bool keep_name)
{
        struct decision d = do_deregister(f, by);
        if (!dia_result_ok(d.result))
                return d;
        if (!keep_name || by.none || f->state == REG_ST_NOT_REGISTERED) {
                if (!f->sibling_registered)
                        d.result = dia_3gpp(CX_SUCCESS_SERVER_NAME_NOT_STORED);
                return d;
        }
        if (d.effects.state == REG_ST_NOT_REGISTERED)
                d.effects.state = REG_ST_UNREGISTERED;
        d.effects.name = NAME_KEEP;
        return d;
}

/* A failed or unanswered challenge; who is registered stays so (TS 33.203 6.1.2). */
static struct decision do_auth_failure(const struct facts *f, struct asker by)
{
        if (!by.same && !by.none)
                return not_assigned(
                        "authentication failure reported by an S-CSCF that is not the assigned one");
        struct decision d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        d.effects.pending = 0;
        if (!by.none && f->state == REG_ST_NOT_REGISTERED && !facts_name_needed(f))
                d.effects.name = NAME_CLEAR;
        return d;
}

struct decision cx_sar_decide(const struct cx_sar *m, const struct facts *f, bool keep_name)
{
        struct decision d;
        if (decide_identities(f, m->impi.p != NULL, m->impus.n > 0, CLAUSE, &d))
                return d;
        struct asker by = {.none = !f->scscf_name.p,
                           .same = f->scscf_name.p && span_eq(f->scscf_name, m->server_name)};
        switch (kinds[m->type]) {
        case KIND_READ:
                if (!by.same)
                        return not_assigned(
                                "user data are asked for by an S-CSCF that is not the assigned one");
                d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
                d.user_data = d.charging = d.associated = d.restoration = true;
                return d;
        case KIND_REGISTER:
                return do_register(m, f, by);
        case KIND_UNREGISTERED:
                return do_unregistered(f, by);
        case KIND_DEREGISTER:
                return do_deregister(f, by);
        case KIND_STORE_NAME:
                return do_store_name(f, by, keep_name);
        case KIND_AUTH:
                return do_auth_failure(f, by);
        case KIND_FOREIGN:
                break;
        }
        return decision_refuse(dia_3gpp(CX_ERROR_IN_ASSIGNMENT_TYPE), CAUSE_hss_error, CLAUSE, NULL);
}
