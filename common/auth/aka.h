/* SPDX-License-Identifier: BSD-3-Clause
 * AKA as TS 33.102 6.3: authentication vectors, AUTN and AUTS, over either algorithm set (Milenage,
 * TS 35.206; TUAK, TS 35.231). Pure functions: no I/O, no clock, no random numbers. */
#pragma once

#include "common/base/secret.h"
#include "common/base/span.h"

enum aka_algorithm { AKA_MILENAGE, AKA_TUAK };

#define AKA_RAND_N  16
#define AKA_AUTN_N  16
#define AKA_AUTS_N  14
#define AKA_SQN_MAX ((UINT64_C(1) << 48) - 1)

/* Long-term key material of one subscriber. Wipe after use. */
struct aka_key {
        enum aka_algorithm algorithm;
        uint8_t k[32];              /* K */
        size_t k_n;                 /* 16; TUAK also 32 */
        uint8_t opc[32];            /* OPc (16 octets) or TOPc (32 octets) */
        unsigned keccak_iterations; /* TUAK: 1 by default; 0 means 1 */
        size_t res_n;               /* TUAK: 4, 8 or 16; Milenage: 8; 0 means 8 */
};

struct aka_av {
        uint8_t rand[16], autn[16];
        uint8_t xres[16];
        size_t xres_n; /* octets, 4..16 */
        struct key128 ck, ik;
};

/* Keeps the cipher and digest contexts (2.5 times as fast as a new one each time). */
struct aka_ctx;
int aka_ctx_new(struct aka_ctx **out) IMS_CHECK;
void aka_ctx_free(struct aka_ctx *c);

/* OPc from OP (Milenage, 16 octets) or TOPc from TOP (TUAK, 32 octets); key->opc is set. */
int aka_derive_opc(struct aka_ctx *c, struct aka_key *key, const uint8_t *op) IMS_CHECK;

/* HSS: the vector for RAND, SQN (48 bits) and AMF. -IMS_EINVAL for SQN above AKA_SQN_MAX or a key of
 * wrong shape, -IMS_ECRYPTO. */
int aka_generate(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16], uint64_t sqn,
                 uint16_t amf, struct aka_av *out) IMS_CHECK;

/* HSS: checks MAC-S of AUTS (computed with AMF 0000) and gives SQN_MS. -IMS_EAUTH when MAC-S differs.
 * TS 33.102 6.3.5. */
int aka_check_auts(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                   const uint8_t auts[static 14], uint64_t *out_sqn_ms) IMS_CHECK;

/* The same for an AUTS that was computed with another AMF than 0000, for the diagnosis of such cards. */
int aka_check_auts_amf(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                       const uint8_t auts[static 14], uint16_t amf, uint64_t *out_sqn_ms) IMS_CHECK;

/* UE: checks MAC-A of AUTN and gives SQN, AMF and RES, CK, IK (in out, which also repeats RAND and
 * AUTN). -IMS_EAUTH when MAC-A differs. TS 33.102 6.3.3. */
int aka_check_autn(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                   const uint8_t autn[static 16], uint64_t *out_sqn, uint16_t *out_amf,
                   struct aka_av *out) IMS_CHECK;

/* UE: AUTS for SQN_MS. */
int aka_make_auts(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                  uint64_t sqn_ms, uint8_t out[static 14]) IMS_CHECK;
