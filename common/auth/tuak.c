/* SPDX-License-Identifier: BSD-3-Clause
 * TUAK, TS 35.231. The specification numbers the bits of each field from its most significant end and
 * puts them into the Keccak state from the other one: in octets, every field stands reversed. */
#include "common/auth/tuak.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/secret.h"

enum {
        STATE_LANES = 25,
        STATE_OCTETS = 200,
        ROUNDS = 24,
        /* places of the input fields, in octets (TS 35.231 6.2) */
        AT_TOP = 0,
        AT_INSTANCE = 32,
        AT_ALGONAME = 33,
        AT_RAND = 40,
        AT_AMF = 56,
        AT_SQN = 58,
        AT_KEY = 64,
        AT_PAD = 96,
        AT_PAD_END = 135,
        /* places of the output fields */
        OUT_RES = 0,
        OUT_CK = 32,
        OUT_IK = 64,
        OUT_AK = 96,
        /* INSTANCE, its first bit being the most significant one */
        INSTANCE_F1 = 0x00,
        INSTANCE_F1STAR = 0x80,
        INSTANCE_F2345 = 0x40,
        INSTANCE_F5STAR = 0xc0,
        INSTANCE_LONG_CK = 0x04,
        INSTANCE_LONG_IK = 0x02,
        INSTANCE_LONG_KEY = 0x01,
};

static const uint64_t round_constants[ROUNDS] = {
        0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
        0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
        0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
        0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
        0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* FIPS 202 3.2.2 and 3.2.3: the walk over the lanes and the rotation at each step. */
static const uint8_t rho_pi_lane[24] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                        15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
static const uint8_t rho_pi_rotate[24] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                          27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};

static uint64_t rotate_left(uint64_t v, unsigned n)
{
        return v << n | v >> (64 - n);
}

static void theta(uint64_t *a)
{
        uint64_t c[5];
        for (unsigned x = 0; x < 5; x++)
                c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        for (unsigned x = 0; x < 5; x++) {
                uint64_t d = c[(x + 4) % 5] ^ rotate_left(c[(x + 1) % 5], 1);
                for (unsigned y = 0; y < STATE_LANES; y += 5)
                        a[x + y] ^= d;
        }
}

static void rho_pi_chi(uint64_t *a)
{
        uint64_t moving = a[1];
        for (unsigned i = 0; i < 24; i++) {
                uint64_t next = a[rho_pi_lane[i]];
                a[rho_pi_lane[i]] = rotate_left(moving, rho_pi_rotate[i]);
                moving = next;
        }
        for (unsigned y = 0; y < STATE_LANES; y += 5) {
                uint64_t row[5];
                memcpy(row, a + y, sizeof(row));
                for (unsigned x = 0; x < 5; x++)
                        a[x + y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
        }
}

void tuak_keccak_f1600(uint64_t lane[static 25])
{
        for (unsigned round = 0; round < ROUNDS; round++) {
                theta(lane);
                rho_pi_chi(lane);
                lane[0] ^= round_constants[round];
        }
}

static void put_reversed(uint8_t *to, const uint8_t *from, size_t n)
{
        for (size_t i = 0; i < n; i++)
                to[i] = from[n - 1 - i];
}

/* Fills what every function has in common. */
static void state_init(uint8_t state[static STATE_OCTETS], const struct tuak_input *in, const uint8_t *top,
                       uint8_t instance)
{
        static const uint8_t algoname[] = {'T', 'U', 'A', 'K', '1', '.', '0'};
        memset(state, 0, STATE_OCTETS);
        put_reversed(state + AT_TOP, top, 32);
        state[AT_INSTANCE] = instance | (in->k_n == 32 ? INSTANCE_LONG_KEY : 0);
        put_reversed(state + AT_ALGONAME, algoname, sizeof(algoname));
        put_reversed(state + AT_KEY, in->k, in->k_n);
        state[AT_PAD] = 0x1f;
        state[AT_PAD_END] = 0x80;
}

static void permute(uint8_t state[static STATE_OCTETS], unsigned iterations)
{
        uint64_t lanes[STATE_LANES] = {0};
        for (unsigned i = 0; i < STATE_OCTETS; i++)
                lanes[i / 8] |= (uint64_t)state[i] << 8 * (i % 8);
        for (unsigned i = 0; i < (iterations ? iterations : 1); i++)
                tuak_keccak_f1600(lanes);
        for (unsigned i = 0; i < STATE_OCTETS; i++)
                state[i] = (uint8_t)(lanes[i / 8] >> 8 * (i % 8));
        secret_wipe(lanes, sizeof(lanes));
}

/* The length of MAC or RES as bits 2..4 of INSTANCE. */
static uint8_t instance_length(size_t octets)
{
        switch (octets) {
        case 8:
                return 0x08;
        case 16:
                return 0x10;
        case 32:
                return 0x20;
        default:
                return 0x00;
        }
}

void tuak_topc(const struct tuak_input *in, const uint8_t top[static 32], uint8_t out[static 32])
{
        uint8_t state[STATE_OCTETS];
        state_init(state, in, top, 0);
        permute(state, in->iterations);
        put_reversed(out, state, 32);
        secret_wipe(state, sizeof(state));
}

void tuak_f1(const struct tuak_input *in, bool star, const uint8_t sqn[static 6], uint16_t amf, uint8_t *mac,
             size_t mac_n)
{
        uint8_t state[STATE_OCTETS];
        state_init(state, in, in->topc, (star ? INSTANCE_F1STAR : INSTANCE_F1) | instance_length(mac_n));
        put_reversed(state + AT_RAND, in->rand, 16);
        state[AT_AMF] = (uint8_t)amf;
        state[AT_AMF + 1] = (uint8_t)(amf >> 8);
        put_reversed(state + AT_SQN, sqn, 6);
        permute(state, in->iterations);
        put_reversed(mac, state, mac_n);
        secret_wipe(state, sizeof(state));
}

void tuak_f2345(const struct tuak_input *in, struct tuak_f2345 *out)
{
        uint8_t state[STATE_OCTETS];
        uint8_t instance = INSTANCE_F2345 | instance_length(out->res_n);
        instance |= out->ck_n == 32 ? INSTANCE_LONG_CK : 0;
        instance |= out->ik_n == 32 ? INSTANCE_LONG_IK : 0;
        state_init(state, in, in->topc, instance);
        put_reversed(state + AT_RAND, in->rand, 16);
        permute(state, in->iterations);
        put_reversed(out->res, state + OUT_RES, out->res_n);
        put_reversed(out->ck, state + OUT_CK, out->ck_n);
        put_reversed(out->ik, state + OUT_IK, out->ik_n);
        put_reversed(out->ak, state + OUT_AK, 6);
        secret_wipe(state, sizeof(state));
}

void tuak_f5star(const struct tuak_input *in, uint8_t ak[static 6])
{
        uint8_t state[STATE_OCTETS];
        state_init(state, in, in->topc, INSTANCE_F5STAR);
        put_reversed(state + AT_RAND, in->rand, 16);
        permute(state, in->iterations);
        put_reversed(ak, state + OUT_AK, 6);
        secret_wipe(state, sizeof(state));
}
