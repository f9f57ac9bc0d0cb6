/* SPDX-License-Identifier: BSD-3-Clause
 * Keys for ESP from CK_IM and IK_IM. TS 33.203 Annex I; of older releases for hmac-md5-96 and des-ede3-cbc.
 * Pure functions. */
#pragma once

#include "common/base/secret.h"
#include "common/ipsec/sec_agree.h"

/* Key material as the kernel takes it: a salt stands behind its key. Wipe it. */
struct esp_keys {
        uint8_t integrity[20], encryption[24];
        size_t integrity_n, encryption_n; /* octets; 0: this half has none */
};

/* aes-gcm: encryption is CK_ESP and its salt (20 octets), integrity_n 0; aes-gmac: integrity is IK_ESP and
 * its salt (20 octets), encryption_n 0. -IMS_EUNSUPPORTED (a suite that is not allowed), -IMS_ECRYPTO. */
int esp_keys_expand(struct sec_suite suite, const struct key128 *ck, const struct key128 *ik,
                    struct esp_keys *out) IMS_CHECK;
