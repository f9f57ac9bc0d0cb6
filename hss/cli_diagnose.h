/* SPDX-License-Identifier: BSD-3-Clause
 * Between the parts of `hss diagnose`: what was asked, what was found. */
#pragma once

#include "hss/cli.h"
#include "hss/diagnose.h"

struct diagnose_order {
        const char *id;
        bool json, repair;
        struct diagnose_evidence e;
        char nonce[96];   /* base64(RAND || AUTN), where no nonce was given */
        struct buf again; /* the command line, for --repair */
};

/* Reads the words behind `hss diagnose`; reasons in c->err. Texts stay in argv and c->arena. */
int diagnose_read(struct cli *c, int argc, char **argv, struct diagnose_order *out) IMS_CHECK;

enum diagnose_result {
        DIAGNOSE_IS_RIGHT,   /* nothing is wrong */
        DIAGNOSE_IS_MISTAKE, /* found->row names it */
        DIAGNOSE_IS_SUSPECT, /* AUTN alone: the record made it, and looks like op_as_opc */
        DIAGNOSE_IS_OURS,    /* AUTN alone: the record made it */
        DIAGNOSE_IS_UNKNOWN  /* nothing of what was tried fits */
};

struct diagnose_finding {
        const struct diagnose_order *order;
        struct span impi;
        enum diagnose_result result;
        struct diagnosis d;
        struct diagnose_sqn sqn; /* where d.has_sqn_ms */
        char other_impi[256], other_imsi[16];
        size_t others;   /* IMPIs of the store that were looked at */
        size_t same_opc; /* of them: the same OPc with another K */
        int ours;        /* AUTN was made by the record: 1, 0; -1 when there is no AUTN */
        bool repaired;
        unsigned ind_bits;
};

/* What is to be done, one sentence; command: a line that can be run as it stands, or NULL. */
struct diagnose_advice {
        struct buf text, command;
};
void diagnose_advise(const struct diagnose_finding *f, struct diagnose_advice *out);

/* The evidence is so short, for so many candidates, that what fits may fit by chance. */
bool diagnose_by_chance(const struct diagnose_finding *f);

void diagnose_print(const struct diagnose_finding *f);
void diagnose_print_json(const struct diagnose_finding *f);
