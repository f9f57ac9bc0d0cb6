/* SPDX-License-Identifier: BSD-3-Clause
 * The authentication centre: vectors in order of SQN, and resynchronisation (TS 33.102 6.3.2, 6.3.5). */
#pragma once

#include "common/auth/aka.h"
#include "common/auth/sqn.h"

struct auc;

int auc_new(const struct sqn_scheme *scheme, struct auc **out) IMS_CHECK;
void auc_free(struct auc *a);
struct aka_ctx *auc_aka(struct auc *a);

struct auc_order { /* what is wanted */
        enum sqn_domain domain;
        uint16_t amf;
        size_t m; /* vectors */
};

/* order->m vectors with rising SQN; st moves on and must be stored before one of them leaves. -IMS_ELIMIT
 * when SEQ is used up, -IMS_EINVAL for a key of wrong shape, -IMS_ECRYPTO. On failure st is unchanged. */
int auc_vectors(struct auc *a, const struct aka_key *key, const struct auc_order *order, struct sqn_hss *st,
                struct aka_av *out) IMS_CHECK;

/* item: RAND and AUTS, 30 octets. -IMS_EAUTH when MAC-S is wrong: st is unchanged. Else st follows the
 * card where TS 33.102 C.3.2 wants it; *moved says so. */
int auc_resync(struct auc *a, const struct aka_key *key, const uint8_t item[static 30], struct sqn_hss *st,
               bool *moved) IMS_CHECK;
