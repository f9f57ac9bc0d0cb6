/* SPDX-License-Identifier: BSD-3-Clause
 * Inside the diagnosis: a search, and the test whether a candidate fits. */
#pragma once

#include "hss/diagnose.h"

struct diagnose_search {
        struct aka_ctx *aka;
        const struct diagnose_key *record;
        const struct diagnose_evidence *e;
        struct diagnosis *out; /* row, key and detail are written when a candidate fits */
        int err;               /* the first failure of a cipher */
};

/* Counts the candidate and tries it against everything that is known. OPc must be there. */
bool diagnose_fits(struct diagnose_search *s, const struct diagnose_key *k);

/* The same with OPc made from k->op. */
bool diagnose_fits_op(struct diagnose_search *s, struct diagnose_key *k);

/* What a phone does wrong with the right key: true when row explains the evidence. */
bool diagnose_phone(struct diagnose_search *s, enum diagnose_row row);

/* The rows of TUAK, in both directions. */
bool diagnose_tuak(struct diagnose_search *s, enum diagnose_row row);

/* Well-known test keys. Hex; an empty text where there is none. */
struct diagnose_known {
        const char *k, *op, *opc;
};
extern const struct diagnose_known diagnose_known[];
extern const size_t diagnose_known_n;
extern const char *const diagnose_known_tops[]; /* TOP, 64 digits */
extern const size_t diagnose_known_tops_n;

static inline size_t diagnose_op_n(const struct diagnose_key *k)
{
        return k->key.algorithm == AKA_TUAK ? 32 : 16;
}
