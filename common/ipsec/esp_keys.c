/* SPDX-License-Identifier: BSD-3-Clause
 * Keys for ESP. TS 33.203 Annex I, TS 33.220 Annex B. */
#include "common/ipsec/esp_keys.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define SALT_N      4
#define KDF_N       32 /* HMAC-SHA-256 */
#define SHA_1_KEY_N 20 /* IK_IM and 32 zero bits */
#define DES_CK_N    8  /* one of the three keys of 3DES */

/* FC and P0 of Annex I; L0 is the length of P0. */
struct salt_rule {
        uint8_t fc;
        struct span p0;
};

/* The KDF of TS 33.220 B.2 with Key = CK || IK and S = FC || P0 || L0; the salt is the end of what it gives.
 */
static int salt(const struct salt_rule *rule, const struct key128 *ck, const struct key128 *ik,
                uint8_t out[static SALT_N])
{
        uint8_t key[sizeof(ck->b) + sizeof(ik->b)], s[32], kdf[EVP_MAX_MD_SIZE];
        unsigned kdf_n = 0;
        size_t n = 0;
        int r = 0;

        memcpy(key, ck->b, sizeof(ck->b));
        memcpy(key + sizeof(ck->b), ik->b, sizeof(ik->b));
        s[n++] = rule->fc;
        memcpy(s + n, rule->p0.p, rule->p0.n);
        n += rule->p0.n;
        s[n++] = 0;
        s[n++] = (uint8_t)rule->p0.n;
        if (!HMAC(EVP_sha256(), key, sizeof(key), s, n, kdf, &kdf_n) || kdf_n != KDF_N)
                r = -IMS_ECRYPTO;
        else
                memcpy(out, kdf + KDF_N - SALT_N, SALT_N);
        secret_wipe(key, sizeof(key));
        secret_wipe(kdf, sizeof(kdf));
        return r;
}

/* A 128-bit key, its salt behind it. */
static int salted(const struct salt_rule *rule, const struct key128 *key, const struct key128 *ck,
                  const struct key128 *ik, uint8_t *out, size_t *out_n)
{
        memcpy(out, key->b, sizeof(key->b));
        *out_n = sizeof(key->b) + SALT_N;
        return salt(rule, ck, ik, out + sizeof(key->b));
}

static uint8_t odd_parity(uint8_t b)
{
        return (uint8_t)((b & 0xfe) | !(__builtin_popcount(b & 0xfe) & 1));
}

/* CK1 || CK2 || CK1 with CK_IM = CK1 || CK2, the lowest bit of each octet making its parity odd. */
static void des_ede3(const struct key128 *ck, uint8_t out[static 3 * DES_CK_N])
{
        for (size_t i = 0; i < 3 * DES_CK_N; i++)
                out[i] = odd_parity(ck->b[i % sizeof(ck->b)]);
}

static int integrity(enum sec_alg alg, const struct key128 *ck, const struct key128 *ik, struct esp_keys *k)
{
        static const struct salt_rule rule = {0x58, {"AES_GMAC_SALT", 13}};

        if (alg == SEC_ALG_NULL)
                return 0;
        if (alg == SEC_ALG_AES_GMAC)
                return salted(&rule, ik, ck, ik, k->integrity, &k->integrity_n);
        memcpy(k->integrity, ik->b, sizeof(ik->b)); /* zeros stand behind it */
        k->integrity_n = alg == SEC_ALG_HMAC_SHA_1_96 ? SHA_1_KEY_N : sizeof(ik->b);
        return 0;
}

static int encryption(enum sec_ealg ealg, const struct key128 *ck, const struct key128 *ik,
                      struct esp_keys *k)
{
        static const struct salt_rule rule = {0x59, {"AES_GCM_SALT", 12}};

        switch (ealg) {
        case SEC_EALG_AES_GCM:
                return salted(&rule, ck, ck, ik, k->encryption, &k->encryption_n);
        case SEC_EALG_AES_CBC:
                memcpy(k->encryption, ck->b, sizeof(ck->b));
                k->encryption_n = sizeof(ck->b);
                return 0;
        case SEC_EALG_DES_EDE3_CBC:
                des_ede3(ck, k->encryption);
                k->encryption_n = sizeof(k->encryption);
                return 0;
        default:
                return 0;
        }
}

int esp_keys_expand(struct sec_suite suite, const struct key128 *ck, const struct key128 *ik,
                    struct esp_keys *out)
{
        struct esp_keys k = {0};
        int r;

        if (!sec_suite_allowed(suite))
                return -IMS_EUNSUPPORTED;
        r = integrity(suite.alg, ck, ik, &k);
        if (!r)
                r = encryption(suite.ealg, ck, ik, &k);
        if (!r)
                *out = k;
        secret_wipe(&k, sizeof(k));
        return r;
}
