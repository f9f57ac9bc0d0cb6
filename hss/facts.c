/* SPDX-License-Identifier: BSD-3-Clause
 * The steps every Cx procedure begins with. */
#include "hss/facts.h"

const char *reg_state_name(enum reg_state s)
{
        switch (s) {
        case REG_ST_NOT_REGISTERED:
                return "not registered";
        case REG_ST_REGISTERED:
                return "registered";
        case REG_ST_UNREGISTERED:
                return "unregistered";
        }
        return "?";
}

bool decide_identities(const struct facts *f, bool need_impi, bool need_impu, const char *clause,
                       struct decision *out)
{
        if (need_impi && !f->impi) {
                *out = decision_refuse(dia_3gpp(CX_ERROR_USER_UNKNOWN), CAUSE_user_unknown, clause,
                                       "no subscriber has this IMPI");
                return true;
        }
        if (need_impu && !f->impu) {
                *out = decision_refuse(dia_3gpp(CX_ERROR_USER_UNKNOWN), CAUSE_user_unknown, clause,
                                       "no subscriber has this IMPU");
                return true;
        }
        if (need_impi && need_impu && !f->associated) {
                *out = decision_refuse(dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH), CAUSE_identities_dont_match,
                                       clause, "the IMPU does not belong to the IMPI");
                return true;
        }
        return false;
}

bool decide_features(const struct cx_features *f, struct decision *out)
{
        if (!f->present || !f->has_m)
                return false;
        bool ours = f->vendor == DIA_VENDOR_3GPP && f->list_id == 1;
        if (ours && (f->features & ~HSS_FEATURES) == 0)
                return false;
        *out = decision_refuse(dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED), CAUSE_hss_error, "TS 29.229 7.2.2",
                               "a feature is required that this HSS does not have");
        return true;
}

bool facts_name_needed(const struct facts *f)
{
        return f->sibling_registered || f->other_set_active || f->other_pending;
}
