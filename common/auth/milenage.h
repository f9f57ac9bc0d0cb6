/* SPDX-License-Identifier: BSD-3-Clause
 * Milenage (TS 35.206): the functions f1, f1*, f2, f3, f4, f5 and f5* on AES-128. Used through aka.h. */
#pragma once

#include <openssl/evp.h>
#include <stdint.h>

#include "common/base/err.h"

struct milenage_out {
        uint8_t mac_a[8], mac_s[8]; /* f1, f1*: only when SQN was given */
        uint8_t res[8];             /* f2 */
        uint8_t ck[16], ik[16];     /* f3, f4 */
        uint8_t ak[6], ak_star[6];  /* f5, f5* */
};

/* A context for AES-128-ECB without padding, to be kept. -IMS_ECRYPTO or -IMS_ENOMEM. */
int milenage_cipher_new(EVP_CIPHER_CTX **out) IMS_CHECK;

/* Puts a zero key in the place of the last subscriber's. */
void milenage_cipher_wipe(EVP_CIPHER_CTX *aes);

/* OPc = OP xor E_K(OP). TS 35.206 4.1. */
int milenage_opc(EVP_CIPHER_CTX *aes, const uint8_t k[static 16], const uint8_t op[static 16],
                 uint8_t out[static 16]) IMS_CHECK;

/* All functions for one RAND; f1 and f1* only when sqn (6 octets) is given, with amf. */
int milenage_run(EVP_CIPHER_CTX *aes, const uint8_t k[static 16], const uint8_t opc[static 16],
                 const uint8_t rand[static 16], const uint8_t *sqn, uint16_t amf,
                 struct milenage_out *out) IMS_CHECK;
