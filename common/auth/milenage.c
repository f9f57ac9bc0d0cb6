/* SPDX-License-Identifier: BSD-3-Clause
 * Milenage, TS 35.206 4.1: TEMP = E_K(RAND xor OPc), then
 * OUTn = E_K(rot(x xor OPc, rn) xor cn) xor OPc, with x = TEMP for n = 2..5; OUT1 also takes SQN and AMF. */
#include "common/auth/milenage.h"

#include <string.h>

#include "common/base/secret.h"

#define BLOCK   ((size_t)16)
#define OUTPUTS 5

/* Rotation in octets and the constant's last octet, for OUT1..OUT5. */
static const struct {
        uint8_t rotate, constant;
} outputs[OUTPUTS] = {{8, 0x00}, {0, 0x01}, {4, 0x02}, {8, 0x04}, {12, 0x08}};

static int encrypt(EVP_CIPHER_CTX *aes, const uint8_t *in, int n, uint8_t *out)
{
        int done = 0;
        if (EVP_EncryptUpdate(aes, out, &done, in, n) != 1 || done != n)
                return -IMS_ECRYPTO;
        return 0;
}

static int set_key(EVP_CIPHER_CTX *aes, const uint8_t *k)
{
        return EVP_EncryptInit_ex(aes, NULL, NULL, k, NULL) == 1 ? 0 : -IMS_ECRYPTO;
}

/* out = rot(x xor opc, r) xor c */
static void prepare(uint8_t *out, const uint8_t *x, const uint8_t *opc, unsigned n)
{
        for (unsigned i = 0; i < BLOCK; i++) {
                unsigned from = (i + outputs[n].rotate) % BLOCK;
                out[i] = x[from] ^ opc[from];
        }
        out[BLOCK - 1] ^= outputs[n].constant;
}

/* The five inputs of the second encryption; the first only with SQN. */
static void prepare_all(uint8_t in[static OUTPUTS * BLOCK], const uint8_t *temp, const uint8_t *opc,
                        const uint8_t *sqn, uint16_t amf)
{
        if (sqn) {
                uint8_t in1[BLOCK];
                memcpy(in1, sqn, 6);
                in1[6] = (uint8_t)(amf >> 8);
                in1[7] = (uint8_t)amf;
                memcpy(in1 + 8, in1, 8);
                prepare(in, in1, opc, 0);
                for (unsigned i = 0; i < BLOCK; i++)
                        in[i] ^= temp[i];
        }
        for (unsigned n = 1; n < OUTPUTS; n++)
                prepare(in + n * BLOCK, temp, opc, n);
}

int milenage_cipher_new(EVP_CIPHER_CTX **out)
{
        EVP_CIPHER_CTX *aes = EVP_CIPHER_CTX_new();
        if (!aes)
                return -IMS_ENOMEM;
        const uint8_t zero[BLOCK] = {0};
        if (EVP_EncryptInit_ex(aes, EVP_aes_128_ecb(), NULL, zero, NULL) != 1 ||
            EVP_CIPHER_CTX_set_padding(aes, 0) != 1) {
                EVP_CIPHER_CTX_free(aes);
                return -IMS_ECRYPTO;
        }
        *out = aes;
        return 0;
}

void milenage_cipher_wipe(EVP_CIPHER_CTX *aes)
{
        const uint8_t zero[BLOCK] = {0};
        (void)set_key(aes, zero);
}

int milenage_opc(EVP_CIPHER_CTX *aes, const uint8_t k[static 16], const uint8_t op[static 16],
                 uint8_t out[static 16])
{
        uint8_t e[BLOCK];
        int err = set_key(aes, k);
        if (!err)
                err = encrypt(aes, op, (int)BLOCK, e);
        if (!err) {
                for (unsigned i = 0; i < BLOCK; i++)
                        out[i] = op[i] ^ e[i];
        }
        secret_wipe(e, sizeof(e));
        return err;
}

int milenage_run(EVP_CIPHER_CTX *aes, const uint8_t k[static 16], const uint8_t opc[static 16],
                 const uint8_t rand[static 16], const uint8_t *sqn, uint16_t amf, struct milenage_out *out)
{
        uint8_t temp[BLOCK], in[OUTPUTS * BLOCK], res[OUTPUTS * BLOCK];
        const size_t first = sqn ? 0 : BLOCK;
        int err = set_key(aes, k);
        if (err)
                return err;
        for (unsigned i = 0; i < BLOCK; i++)
                in[i] = rand[i] ^ opc[i];
        err = encrypt(aes, in, (int)BLOCK, temp);
        if (err)
                goto out;
        prepare_all(in, temp, opc, sqn, amf);
        err = encrypt(aes, in + first, (int)(sizeof(in) - first), res + first);
        if (err)
                goto out;
        for (size_t i = first; i < sizeof(res); i++)
                res[i] ^= opc[i % BLOCK];
        memset(out, 0, sizeof(*out));
        if (sqn) {
                memcpy(out->mac_a, res, 8);
                memcpy(out->mac_s, res + 8, 8);
        }
        memcpy(out->ak, res + BLOCK, 6);
        memcpy(out->res, res + BLOCK + 8, 8);
        memcpy(out->ck, res + 2 * BLOCK, 16);
        memcpy(out->ik, res + 3 * BLOCK, 16);
        memcpy(out->ak_star, res + 4 * BLOCK, 6);
out:
        secret_wipe(temp, sizeof(temp));
        secret_wipe(in, sizeof(in));
        secret_wipe(res, sizeof(res));
        return err;
}
