/* SPDX-License-Identifier: BSD-3-Clause
 * Authentication, MAR/MAA. TS 29.228 6.3. */
#include "hss/facts.h"

#define CLAUSE       "TS 29.228 6.3.1"
#define AUTS_ITEM_N  30                     /* RAND and AUTS in SIP-Authorization */
#define SCHEME_AKAV2 "Digest-AKAv2-SHA-256" /* sent by some S-CSCFs; the HSS does the same for it */

/* False: no scheme of this HSS. "Unknown" lets the HSS choose between Digest and NBA. */
static bool scheme_of(struct span word, const struct facts *f, enum hss_scheme *out)
{
        if (span_eq(word, SPAN(CX_SCHEME_AKA)) || span_eq(word, SPAN(SCHEME_AKAV2)))
                *out = HSS_SCHEME_AKA;
        else if (span_eq(word, SPAN(CX_SCHEME_DIGEST)))
                *out = HSS_SCHEME_DIGEST;
        else if (span_eq(word, SPAN(CX_SCHEME_NBA)))
                *out = HSS_SCHEME_NBA;
        else if (span_eq(word, SPAN(CX_SCHEME_UNKNOWN)) &&
                 (f->scheme == HSS_SCHEME_DIGEST || f->scheme == HSS_SCHEME_NBA))
                *out = f->scheme;
        else
                return false;
        return *out == f->scheme;
}

static bool refuse_item(const struct cx_mar *m, const struct facts *f, enum hss_scheme *scheme,
                        struct decision *out)
{
        if (!m->item.scheme.p) {
                *out = decision_refuse(dia_base(DIA_MISSING_AVP), CAUSE_hss_error, CLAUSE,
                                       "SIP-Auth-Data-Item has no SIP-Authentication-Scheme");
                out->failed = "SIP-Authentication-Scheme";
                return true;
        }
        if (!scheme_of(m->item.scheme, f, scheme)) {
                *out = decision_refuse(dia_3gpp(CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED),
                                       CAUSE_scheme_not_possible, CLAUSE,
                                       "the subscriber has no credential for this scheme");
                return true;
        }
        if (*scheme == HSS_SCHEME_AKA && m->item.authorization.p && m->item.authorization.n != AUTS_ITEM_N) {
                *out = decision_refuse(
                        dia_base(DIA_INVALID_AVP_VALUE), CAUSE_hss_error, CLAUSE,
                        "SIP-Authorization of a resynchronisation is RAND and AUTS, 30 octets");
                out->failed = "SIP-Authorization";
                return true;
        }
        return false;
}

struct decision cx_mar_decide(const struct cx_mar *m, const struct facts *f)
{
        struct decision d;
        enum hss_scheme scheme = HSS_SCHEME_AKA;
        if (decide_features(&m->h.features, &d) || decide_identities(f, true, true, CLAUSE, &d) ||
            refuse_item(m, f, &scheme, &d))
                return d;
        d = decision_ok(dia_base(DIA_SUCCESS), CLAUSE);
        bool same = f->scscf_name.p && span_eq(f->scscf_name, m->server_name);
        if (same && scheme == HSS_SCHEME_AKA && m->item.authorization.p) {
                d.resync =
                        true; /* TS 33.203 6.1.3; another S-CSCF's AUTS belongs to no challenge we know of */
                return d;
        }
        if (!same)
                d.effects.name = NAME_STORE;
        /* A registered user stays as it is, unless the S-CSCF changes. NBA is decided at once: nothing pends.
         */
        if (scheme != HSS_SCHEME_NBA && (!same || f->state != REG_ST_REGISTERED))
                d.effects.pending = 1;
        return d;
}
