/* SPDX-License-Identifier: BSD-3-Clause
 * Vectors over common/auth. */
#include "hss/auc.h"

#include <stdlib.h>

#include "common/base/secret.h"

struct auc {
        struct aka_ctx *aka;
        struct sqn_scheme scheme;
};

int auc_new(const struct sqn_scheme *scheme, struct auc **out)
{
        struct auc *a = calloc(1, sizeof *a);
        if (!a)
                return -IMS_ENOMEM;
        a->scheme = *scheme;
        int rc = aka_ctx_new(&a->aka);
        if (rc < 0) {
                free(a);
                return rc;
        }
        *out = a;
        return 0;
}

void auc_free(struct auc *a)
{
        if (!a)
                return;
        aka_ctx_free(a->aka);
        free(a);
}

struct aka_ctx *auc_aka(struct auc *a)
{
        return a->aka;
}

int auc_vectors(struct auc *a, const struct aka_key *key, const struct auc_order *order, struct sqn_hss *st,
                struct aka_av *out)
{
        struct sqn_hss next = *st;
        uint8_t rand[AKA_RAND_N];
        uint64_t sqn;
        int rc = 0;
        for (size_t i = 0; rc == 0 && i < order->m; i++) {
                rc = secret_random(rand, sizeof rand);
                if (rc == 0)
                        rc = sqn_next(&a->scheme, &next, order->domain, &sqn);
                if (rc == 0)
                        rc = aka_generate(a->aka, key, rand, sqn, order->amf, &out[i]);
        }
        if (rc < 0) {
                secret_wipe(out, order->m * sizeof *out);
                return rc;
        }
        *st = next;
        return 0;
}

int auc_resync(struct auc *a, const struct aka_key *key, const uint8_t item[static 30], struct sqn_hss *st,
               bool *moved)
{
        uint64_t sqn_ms;
        int rc = aka_check_auts(a->aka, key, item, item + AKA_RAND_N, &sqn_ms);
        if (rc < 0)
                return rc;
        *moved = sqn_resync(&a->scheme, st, sqn_ms);
        return 0;
}
