/* SPDX-License-Identifier: BSD-3-Clause
 * The credential set of a UE: IMPI, at least one IMPU, home domain and key, as an ISIM, a USIM or an IMC
 * (TS 33.203 8.0, 8.1, 9), or with a password for SIP Digest (N.1). Session keys and security associations
 * are never written to it. */
#pragma once

#include "common/auth/aka.h"
#include "common/base/buf.h"

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_ISIM, CREDENTIAL_USIM, CREDENTIAL_IMC };

#define CREDENTIAL_TEXT_MAX  256
#define CREDENTIAL_IMPUS_MAX 8

/* Plain data, fixed size, so that it can be wiped in one go. */
struct credential {
        enum credential_kind kind;
        char impi[CREDENTIAL_TEXT_MAX];
        char impu[CREDENTIAL_IMPUS_MAX][CREDENTIAL_TEXT_MAX];
        size_t n_impu;
        char domain[CREDENTIAL_TEXT_MAX]; /* home network domain name */
        char imsi[16];
        unsigned mnc_digits; /* 2 or 3; 0 means 2 (TS 23.003 13.2) */
        struct aka_key key;
        uint8_t op[32];                     /* OP or TOP as given, until credential_finish makes OPc of it */
        size_t op_n, opc_n;                 /* octets given, 0: none */
        unsigned sqn_ind_bits;              /* 0: SQN_IND_BITS_DEFAULT */
        uint64_t sqn_delta;                 /* largest jump of SEQ, 0: no limit (TS 33.102 C.2.1) */
        char sqn_file[CREDENTIAL_TEXT_MAX]; /* "": the default place */
        char password[CREDENTIAL_TEXT_MAX]; /* of SIP Digest; "": none */
};

/* Sets one field by its name in a credential file: impi, impu (may repeat), domain, imsi, mnc_digits,
 * algorithm (milenage, tuak), k, op, opc, top, topc (hex), res_octets, keccak_iterations, sqn_ind_bits,
 * sqn_delta, sqn_file, password. -IMS_EPARSE with the field and the reason in err (the value of a key is
 * never repeated there), -IMS_ENOTFOUND for another name. */
int credential_set(struct credential *c, struct span field, struct span value, struct buf *err) IMS_CHECK;

/* Reads a file of lines "field: value" ('#' starts a comment). It must belong to its owner alone (no access
 * for group and others). c is zeroed first. -IMS_EIO, -IMS_EPERM (mode), -IMS_EPARSE; err says "FILE:LINE:
 * ...". */
int credential_load(const char *file, enum credential_kind kind, struct credential *c,
                    struct buf *err) IMS_CHECK;

/* Derives what may be derived and checks that the set is complete. IMPI, IMPU and domain come from the IMSI
 * (TS 23.003 13.2 to 13.4B) for a USIM; from each other (IMPU "sip:IMPI", domain the realm of the IMPI) where
 * derive is set. -IMS_ECONF with what is missing in err. TS 33.203 8.1. */
int credential_finish(struct credential *c, bool derive, struct buf *err) IMS_CHECK;

/* ISIM before USIM before IMC (TS 33.203 8.0, 9), among those that are given (kind is not CREDENTIAL_NONE)
 * and have a key for AKA, or a password; NULL when there is none. */
const struct credential *credential_choose_key(const struct credential *set, size_t n);
const struct credential *credential_choose_password(const struct credential *set, size_t n);

bool credential_has_key(const struct credential *c);
bool credential_has_password(const struct credential *c);

const char *credential_kind_name(enum credential_kind kind); /* "ISIM", "USIM", "IMC", "none" */

void credential_wipe(struct credential *c);
