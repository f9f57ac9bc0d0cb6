/* SPDX-License-Identifier: BSD-3-Clause
 * AKA, TS 33.102 6.3: AUTN = (SQN xor AK) || AMF || MAC-A, AUTS = (SQN_MS xor AK*) || MAC-S. */
#include "common/auth/aka.h"

#include <stdlib.h>

#include "common/auth/milenage.h"
#include "common/auth/tuak.h"

struct aka_ctx {
        EVP_CIPHER_CTX *aes;
};

/* Which functions are wanted; TUAK pays for each group, Milenage gives all at once. */
enum { WANT_MAC_A = 1, WANT_MAC_S = 2, WANT_KEYS = 4, WANT_AK_STAR = 8 };

struct aka_values {
        uint8_t mac[8]; /* MAC-A or MAC-S */
        uint8_t res[16];
        uint8_t ck[16], ik[16];
        uint8_t ak[6], ak_star[6];
};

struct aka_question {
        unsigned want;
        const uint8_t *rand;
        const uint8_t *sqn; /* 6 octets, for a MAC */
        uint16_t amf;
};

static void put48(uint8_t out[static 6], uint64_t v)
{
        for (unsigned i = 0; i < 6; i++)
                out[i] = (uint8_t)(v >> 8 * (5 - i));
}

static uint64_t get48(const uint8_t in[static 6])
{
        uint64_t v = 0;
        for (unsigned i = 0; i < 6; i++)
                v = v << 8 | in[i];
        return v;
}

static void xor6(uint8_t *out, const uint8_t *a, const uint8_t *b)
{
        for (unsigned i = 0; i < 6; i++)
                out[i] = a[i] ^ b[i];
}

static size_t res_length(const struct aka_key *key)
{
        return key->res_n ? key->res_n : 8;
}

static bool key_is_valid(const struct aka_key *key)
{
        size_t res_n = res_length(key);
        switch (key->algorithm) {
        case AKA_MILENAGE:
                return key->k_n == 16 && res_n == 8;
        case AKA_TUAK:
                return (key->k_n == 16 || key->k_n == 32) && (res_n == 4 || res_n == 8 || res_n == 16);
        default:
                return false;
        }
}

static int run_milenage(struct aka_ctx *c, const struct aka_key *key, const struct aka_question *q,
                        struct aka_values *v)
{
        struct milenage_out out;
        int err = milenage_run(c->aes, key->k, key->opc, q->rand, q->sqn, q->amf, &out);
        milenage_cipher_wipe(c->aes);
        if (err)
                return err;
        memcpy(v->mac, q->want & WANT_MAC_S ? out.mac_s : out.mac_a, 8);
        memcpy(v->res, out.res, 8);
        memcpy(v->ck, out.ck, 16);
        memcpy(v->ik, out.ik, 16);
        memcpy(v->ak, out.ak, 6);
        memcpy(v->ak_star, out.ak_star, 6);
        secret_wipe(&out, sizeof(out));
        return 0;
}

static void run_tuak(const struct aka_key *key, const struct aka_question *q, struct aka_values *v)
{
        const struct tuak_input in = {.k = key->k,
                                      .k_n = key->k_n,
                                      .topc = key->opc,
                                      .iterations = key->keccak_iterations,
                                      .rand = q->rand};
        if (q->want & (WANT_MAC_A | WANT_MAC_S))
                tuak_f1(&in, q->want & WANT_MAC_S, q->sqn, q->amf, v->mac, 8);
        if (q->want & WANT_KEYS) {
                struct tuak_f2345 f = {.res_n = res_length(key), .ck_n = 16, .ik_n = 16};
                tuak_f2345(&in, &f);
                memcpy(v->res, f.res, f.res_n);
                memcpy(v->ck, f.ck, 16);
                memcpy(v->ik, f.ik, 16);
                memcpy(v->ak, f.ak, 6);
                secret_wipe(&f, sizeof(f));
        }
        if (q->want & WANT_AK_STAR)
                tuak_f5star(&in, v->ak_star);
}

static int run(struct aka_ctx *c, const struct aka_key *key, const struct aka_question *q,
               struct aka_values *v)
{
        if (!key_is_valid(key))
                return -IMS_EINVAL;
        if (key->algorithm == AKA_MILENAGE)
                return run_milenage(c, key, q, v);
        run_tuak(key, q, v);
        return 0;
}

static void av_set(struct aka_av *av, const struct aka_key *key, const uint8_t *rand, const uint8_t *autn,
                   const struct aka_values *v)
{
        memset(av, 0, sizeof(*av));
        memcpy(av->rand, rand, AKA_RAND_N);
        memcpy(av->autn, autn, AKA_AUTN_N);
        av->xres_n = res_length(key);
        memcpy(av->xres, v->res, av->xres_n);
        memcpy(av->ck.b, v->ck, 16);
        memcpy(av->ik.b, v->ik, 16);
}

int aka_ctx_new(struct aka_ctx **out)
{
        struct aka_ctx *c = calloc(1, sizeof(*c));
        if (!c)
                return -IMS_ENOMEM;
        int err = milenage_cipher_new(&c->aes);
        if (err) {
                aka_ctx_free(c);
                return err;
        }
        *out = c;
        return 0;
}

void aka_ctx_free(struct aka_ctx *c)
{
        if (!c)
                return;
        EVP_CIPHER_CTX_free(c->aes);
        free(c);
}

int aka_derive_opc(struct aka_ctx *c, struct aka_key *key, const uint8_t *op)
{
        if (!key_is_valid(key))
                return -IMS_EINVAL;
        if (key->algorithm == AKA_TUAK) {
                const struct tuak_input in = {
                        .k = key->k, .k_n = key->k_n, .iterations = key->keccak_iterations};
                tuak_topc(&in, op, key->opc);
                return 0;
        }
        int err = milenage_opc(c->aes, key->k, op, key->opc);
        milenage_cipher_wipe(c->aes);
        return err;
}

int aka_generate(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16], uint64_t sqn,
                 uint16_t amf, struct aka_av *out)
{
        if (sqn > AKA_SQN_MAX)
                return -IMS_EINVAL;
        uint8_t sqn6[6], autn[AKA_AUTN_N];
        struct aka_values v;
        put48(sqn6, sqn);
        const struct aka_question q = {.want = WANT_MAC_A | WANT_KEYS, .rand = rand, .sqn = sqn6, .amf = amf};
        int err = run(c, key, &q, &v);
        if (err)
                return err;
        xor6(autn, sqn6, v.ak);
        autn[6] = (uint8_t)(amf >> 8);
        autn[7] = (uint8_t)amf;
        memcpy(autn + 8, v.mac, 8);
        av_set(out, key, rand, autn, &v);
        secret_wipe(&v, sizeof(v));
        return 0;
}

int aka_check_auts_amf(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                       const uint8_t auts[static 14], uint16_t amf, uint64_t *out_sqn_ms)
{
        uint8_t sqn6[6];
        struct aka_values v;
        struct aka_question q = {.want = WANT_AK_STAR, .rand = rand};
        int err = run(c, key, &q, &v);
        if (err)
                return err;
        xor6(sqn6, auts, v.ak_star);
        q = (struct aka_question){.want = WANT_MAC_S, .rand = rand, .sqn = sqn6, .amf = amf};
        err = run(c, key, &q, &v);
        if (!err && !secret_eq(v.mac, auts + 6, 8))
                err = -IMS_EAUTH;
        if (!err)
                *out_sqn_ms = get48(sqn6);
        secret_wipe(&v, sizeof(v));
        return err;
}

int aka_check_auts(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                   const uint8_t auts[static 14], uint64_t *out_sqn_ms)
{
        return aka_check_auts_amf(c, key, rand, auts, 0, out_sqn_ms);
}

int aka_check_autn(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                   const uint8_t autn[static 16], uint64_t *out_sqn, uint16_t *out_amf, struct aka_av *out)
{
        const uint16_t amf = (uint16_t)(autn[6] << 8 | autn[7]);
        uint8_t sqn6[6];
        struct aka_values keys, mac;
        struct aka_question q = {.want = WANT_KEYS, .rand = rand};
        int err = run(c, key, &q, &keys);
        if (err)
                return err;
        xor6(sqn6, autn, keys.ak);
        q = (struct aka_question){.want = WANT_MAC_A, .rand = rand, .sqn = sqn6, .amf = amf};
        err = run(c, key, &q, &mac);
        if (!err && !secret_eq(mac.mac, autn + 8, 8))
                err = -IMS_EAUTH;
        if (!err) {
                *out_sqn = get48(sqn6);
                *out_amf = amf;
                av_set(out, key, rand, autn, &keys);
        }
        secret_wipe(&keys, sizeof(keys));
        secret_wipe(&mac, sizeof(mac));
        return err;
}

int aka_make_auts(struct aka_ctx *c, const struct aka_key *key, const uint8_t rand[static 16],
                  uint64_t sqn_ms, uint8_t out[static 14])
{
        if (sqn_ms > AKA_SQN_MAX)
                return -IMS_EINVAL;
        uint8_t sqn6[6];
        struct aka_values v;
        put48(sqn6, sqn_ms);
        const struct aka_question q = {
                .want = WANT_MAC_S | WANT_AK_STAR, .rand = rand, .sqn = sqn6, .amf = 0};
        int err = run(c, key, &q, &v);
        if (err)
                return err;
        xor6(out, sqn6, v.ak_star);
        memcpy(out + 6, v.mac, 8);
        secret_wipe(&v, sizeof(v));
        return 0;
}
