/* SPDX-License-Identifier: BSD-3-Clause
 * Diagnosis: TUAK beside Milenage, and what TUAK has of its own (TS 35.231); well-known test keys. */
#include "hss/diagnose_int.h"

#include <stdio.h>

#include "common/base/codec.h"

/* TS 35.207 sets 1 to 6, then what open test networks and test SIMs come with. */
const struct diagnose_known diagnose_known[] = {
        {"465b5ce8b199b49faa5f0a2ee238a6bc", "cdc202d5123e20f62b6d676ac72cb318",
         "cd63cb71954a9f4e48a5994e37a02baf"},
        {"0396eb317b6d1c36f19c1c84cd6ffd16", "ff53bade17df5d4e793073ce9d7579fa",
         "53c15671c60a4b731c55b4a441c0bde2"},
        {"fec86ba6eb707ed08905757b1bb44b8f", "dbc59adcb6f9a0ef735477b7fadf8374",
         "1006020f0a478bf6b699f15c062e42b3"},
        {"9e5944aea94b81165c82fbf9f32db751", "223014c5806694c007ca1eeef57f004f",
         "a64a507ae1a2a98bb88eb4210135dc87"},
        {"4ab1deb05ca6ceb051fc98e77d026a84", "2d16c5cd1fdf6b22383584e3bef2a8d8",
         "dcf07cbd51855290b92a07a9891e523e"},
        {"6c38a116ac280c454f59332ee35c8c4f", "1ba00a1a7c6700ac8c3ff3e96ad08725",
         "3803ef5363b947c6aaa225e58fae3934"},
        {"00112233445566778899aabbccddeeff", "63bfa50ee6523365ff14c1f45f88737d",
         "63bfa50ee6523365ff14c1f45f88737d"},
        {"465b5ce8b199b49faa5f0a2ee238a6bc", "e8ed289deba952e4283b54e88e6183ca",
         "e8ed289deba952e4283b54e88e6183ca"},
        {"8baf473f2f8fd09487cccbd7097c6862", "11111111111111111111111111111111",
         "8e27b6af0e692e750f32667a3b14605d"},
        {"000102030405060708090a0b0c0d0e0f", "00000000000000000000000000000000",
         "00000000000000000000000000000000"},
        {"00000000000000000000000000000000", "00112233445566778899aabbccddeeff",
         "00112233445566778899aabbccddeeff"},
        {"ffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffff",
         "ffffffffffffffffffffffffffffffff"},
        {"0123456789abcdef0123456789abcdef", "000102030405060708090a0b0c0d0e0f",
         "000102030405060708090a0b0c0d0e0f"},
};
const size_t diagnose_known_n = sizeof diagnose_known / sizeof *diagnose_known;

/* TS 35.233, and zeros */
const char *const diagnose_known_tops[] = {
        "5555555555555555555555555555555555555555555555555555555555555555",
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
        "0000000000000000000000000000000000000000000000000000000000000000",
};
const size_t diagnose_known_tops_n = sizeof diagnose_known_tops / sizeof *diagnose_known_tops;

#define KECCAK_MAX 255

static bool try_iterations(struct diagnose_search *s)
{
        struct diagnose_key k = *s->record;
        bool hit = false;
        for (unsigned n = 1; !hit && k.key.algorithm == AKA_TUAK && n <= KECCAK_MAX; n++) {
                k = *s->record;
                k.key.keccak_iterations = n;
                /* TOPc depends on the number too, where it was made here */
                hit = diagnose_fits(s, &k) || (k.has_op && diagnose_fits_op(s, &k));
                if (hit)
                        (void)snprintf(s->out->detail, sizeof s->out->detail, "%u times", n);
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

static bool try_res_octets(struct diagnose_search *s)
{
        static const size_t octets[] = {4, 8, 16};
        struct diagnose_key k = *s->record;
        bool hit = false;
        for (size_t i = 0; !hit && k.key.algorithm == AKA_TUAK && i < 3; i++) {
                k.key.res_n = octets[i];
                hit = diagnose_fits(s, &k);
                if (hit)
                        (void)snprintf(s->out->detail, sizeof s->out->detail, "%zu octets", octets[i]);
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

/* A TOPc or TOP as somebody makes it who has 128 bits alone: twice, or beside zeros. */
static void widen(unsigned how, const uint8_t *from, uint8_t to[static 32])
{
        memset(to, 0, 32);
        if (how != 2)
                memcpy(to, from, 16);
        if (how != 1)
                memcpy(to + 16, from, 16);
}

static bool fits_tuak(struct diagnose_search *s, struct diagnose_key *k)
{
        static const size_t octets[] = {8, 4, 16};
        bool hit = false;
        for (size_t i = 0; !hit && i < 3; i++) {
                k->key.res_n = octets[i];
                hit = k->has_op ? diagnose_fits_op(s, k) : diagnose_fits(s, k);
        }
        return hit;
}

static bool try_tuak(struct diagnose_search *s)
{
        const struct diagnose_key *r = s->record;
        struct diagnose_key k = *r;
        bool hit = false;
        if (r->key.algorithm != AKA_MILENAGE)
                return false;
        k.key.algorithm = AKA_TUAK;
        k.key.keccak_iterations = 1;
        for (unsigned how = 0; !hit && how < 3; how++) {
                widen(how, r->key.opc, k.key.opc);
                k.has_op = false;
                hit = fits_tuak(s, &k);
                widen(how, r->has_op ? r->op : r->key.opc, k.op);
                k.has_op = true;
                hit = hit || fits_tuak(s, &k);
        }
        for (size_t i = 0; !hit && i < diagnose_known_tops_n; i++) {
                k.has_op = true;
                hit = hex_decode(span_of(diagnose_known_tops[i]), k.op, 32) == 0 && fits_tuak(s, &k);
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

static bool try_milenage(struct diagnose_search *s)
{
        const struct diagnose_key *r = s->record;
        struct diagnose_key k = *r;
        bool hit = false;
        if (r->key.algorithm != AKA_TUAK || r->key.k_n != 16)
                return false;
        k.key.algorithm = AKA_MILENAGE;
        k.key.res_n = 8;
        for (size_t half = 0; !hit && half < 2; half++) {
                k.has_op = false;
                memcpy(k.key.opc, r->key.opc + 16 * half, 16);
                hit = diagnose_fits(s, &k);
                memcpy(k.op, (r->has_op ? r->op : r->key.opc) + 16 * half, 16);
                hit = hit || diagnose_fits_op(s, &k);
        }
        for (size_t i = 0; !hit && i < diagnose_known_n; i++) {
                k.has_op = false;
                hit = hex_decode(span_of(diagnose_known[i].opc), k.key.opc, 16) == 0 && diagnose_fits(s, &k);
                hit = hit ||
                      (hex_decode(span_of(diagnose_known[i].op), k.op, 16) == 0 && diagnose_fits_op(s, &k));
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

bool diagnose_tuak(struct diagnose_search *s, enum diagnose_row row)
{
        switch (row) {
        case DIAGNOSE_tuak_iterations:
                return try_iterations(s);
        case DIAGNOSE_tuak_res_octets:
                return try_res_octets(s);
        case DIAGNOSE_tuak_not_milenage:
                return try_tuak(s);
        default:
                return try_milenage(s);
        }
}
