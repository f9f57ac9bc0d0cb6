/* SPDX-License-Identifier: BSD-3-Clause
 * TUAK (TS 35.231): the functions f1, f1*, f2, f3, f4, f5 and f5* on Keccak-f[1600]. Used through aka.h,
 * which asks for the lengths of 3G; all lengths of the specification are served here. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What all functions take. Borrowed. */
struct tuak_input {
        const uint8_t *k;
        size_t k_n;          /* 16 or 32 */
        const uint8_t *topc; /* 32 octets */
        unsigned iterations; /* of Keccak-f; 0 means 1 */
        const uint8_t *rand; /* 16 octets */
};

/* What f2, f3, f4 and f5 give together. */
struct tuak_f2345 {
        uint8_t res[32]; /* res_n: 4, 8, 16 or 32 */
        uint8_t ck[32];  /* ck_n: 16 or 32 */
        uint8_t ik[32];  /* ik_n: 16 or 32 */
        uint8_t ak[6];
        size_t res_n, ck_n, ik_n; /* set by the caller */
};

/* TOPc from TOP (32 octets); in->topc and in->rand are not used. TS 35.231 6.2. */
void tuak_topc(const struct tuak_input *in, const uint8_t top[static 32], uint8_t out[static 32]);

/* MAC-A (f1) or, with star, MAC-S (f1*). mac_n: 8, 16 or 32. TS 35.231 6.3, 6.4. */
void tuak_f1(const struct tuak_input *in, _Bool star, const uint8_t sqn[static 6], uint16_t amf, uint8_t *mac,
             size_t mac_n);

/* TS 35.231 6.5. */
void tuak_f2345(const struct tuak_input *in, struct tuak_f2345 *out);

/* TS 35.231 6.6. */
void tuak_f5star(const struct tuak_input *in, uint8_t ak[static 6]);

/* The permutation of FIPS 202 3.4 on 25 lanes, for the check against known answers. */
void tuak_keccak_f1600(uint64_t lane[static 25]);
