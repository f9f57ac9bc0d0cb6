/* SPDX-License-Identifier: BSD-3-Clause
 * Do two lists say the same? RFC 3329 2.3.1 (Security-Verify), TS 33.203 7.2. */
#include "common/ipsec/sec_agree_int.h"

/* What an absent parameter of ipsec-3gpp means (Annex H); empty: nothing. */
static struct span default_of(enum sec_param_kind k)
{
        switch (k) {
        case SEC_P_EALG:
                return SPAN("null");
        case SEC_P_PROT:
                return SPAN("esp");
        case SEC_P_MOD:
                return SPAN("trans");
        default:
                return SPAN_NULL;
        }
}

static bool number_kind(enum sec_param_kind k)
{
        return k >= SEC_P_SPI_C && k <= SEC_P_PORT_S;
}

static bool value_eq(enum sec_param_kind k, struct span a, struct span b)
{
        uint32_t na, nb;
        uint16_t qa, qb;

        if (k == SEC_P_Q && sec_q_read(a, &qa) == 0 && sec_q_read(b, &qb) == 0)
                return qa == qb;
        if (number_kind(k) && span_u32(a, UINT32_MAX, &na) == 0 && span_u32(b, UINT32_MAX, &nb) == 0)
                return na == nb;
        return a.n && a.p[0] == '"' ? span_eq(a, b) : span_ieq(a, b); /* case counts within quotes */
}

/* An absent flag and a present one differ. */
static bool param_eq(bool ipsec, enum sec_param_kind k, const struct sec_param *a, const struct sec_param *b)
{
        struct span fallback = ipsec ? default_of(k) : SPAN_NULL;

        if (!a && !b)
                return true;
        if ((!a || !b) && !fallback.n)
                return false;
        return value_eq(k, a ? a->value : fallback, b ? b->value : fallback);
}

/* True when each parameter of a that is not known here stands in b too. */
static bool others_in(const struct sec_params *a, const struct sec_params *b)
{
        for (size_t i = 0; i < a->n; i++) {
                const struct sec_param *p = &a->p[i];
                const struct sec_param *q = sec_params_find(b, SEC_P_OTHER, p->name);

                if (p->kind == SEC_P_OTHER && (!q || !value_eq(SEC_P_OTHER, p->value, q->value)))
                        return false;
        }
        return true;
}

static const char *entry_differs(const struct sec_entry *a, const struct sec_entry *b)
{
        struct sec_params pa, pb;
        const char *why;
        bool ipsec;

        if (span_eq(a->raw, b->raw))
                return NULL;
        if (sec_params_read(a->raw, &pa, &why) != 0 || sec_params_read(b->raw, &pb, &why) != 0 ||
            !span_ieq(pa.mechanism, pb.mechanism))
                return "mechanism";
        ipsec = span_ieq(pa.mechanism, SPAN("ipsec-3gpp"));
        for (enum sec_param_kind k = SEC_P_Q; k < SEC_P_KINDS; k++)
                if (!param_eq(ipsec, k, sec_params_find(&pa, k, SPAN_NULL),
                              sec_params_find(&pb, k, SPAN_NULL)))
                        return sec_param_name(k);
        return others_in(&pa, &pb) && others_in(&pb, &pa) ? NULL : sec_param_name(SEC_P_OTHER);
}

const char *sec_list_differs(const struct sec_list *a, const struct sec_list *b, size_t *at)
{
        const size_t both = a->n < b->n ? a->n : b->n;
        const char *what = NULL;
        size_t i = both;

        if (a->n != b->n) {
                what = "number of mechanisms";
        } else {
                for (i = 0; i < both && !what; i += !what)
                        what = entry_differs(&a->e[i], &b->e[i]);
        }
        if (what && at)
                *at = i;
        return what;
}
