/* SPDX-License-Identifier: BSD-3-Clause
 * The card: checks AUTN (MAC first, then SQN per element of the IND array) as TS 33.102 6.3.3 and C.2 say,
 * and remembers the SQNs it accepted in a file, so that a replay is refused after a restart as well
 * (TS 33.203 8.1). */
#pragma once

#include "common/auth/aka.h"
#include "common/auth/sqn.h"
#include "ue/credential.h"

enum isim_result {
        ISIM_OK,
        ISIM_MAC_WRONG,    /* AUTN was not made with this K and OPc */
        ISIM_AMF_WRONG,    /* separation bit of AMF is set (TS 33.102 Annex H), when that is checked */
        ISIM_SQN_REPEATED, /* SQN not above what was accepted with this IND */
        ISIM_SQN_TOO_FAR   /* SQN jumps by more than delta */
};

/* What the card tells. res, ck and ik are there only on ISIM_OK, auts only on the two SQN results. Wipe it.
 */
struct isim_answer {
        enum isim_result result;
        bool swapped; /* ISIM_MAC_WRONG: the MAC fits when the OPc given is taken for OP, or the OP for OPc */
        uint8_t own_res[16]; /* ISIM_MAC_WRONG: what this card computes, for the diagnosis; it is never sent
                              */
        size_t own_res_n;
        uint64_t sqn;    /* of the AUTN; not for ISIM_MAC_WRONG */
        uint64_t sqn_ms; /* highest SQN accepted so far */
        uint16_t amf;
        uint8_t res[16];
        size_t res_n;
        struct key128 ck, ik;
        uint8_t auts[14];
};

struct isim;

/* c: borrowed for the life of the card. file: of the SQN state, made (mode 0600, with its folder) when it is
 * not there; NULL: kept in memory alone. -IMS_EIO or -IMS_EPARSE with the reason in err. */
int isim_new(const struct credential *c, const char *file, struct isim **out, struct buf *err) IMS_CHECK;
void isim_free(struct isim *s);

/* Refuse AUTNs whose AMF has the separation bit set. */
void isim_check_amf(struct isim *s, bool on);

/* Checks a challenge. The state is on disk before this returns ISIM_OK; -IMS_EIO when it cannot be written
 * (the challenge must not be answered then), -IMS_ECRYPTO, -IMS_ENOMEM. */
int isim_authenticate(struct isim *s, const uint8_t rand[static 16], const uint8_t autn[static 16],
                      struct isim_answer *out) IMS_CHECK;

/* SQN_MS, the highest SQN accepted. */
uint64_t isim_sqn(const struct isim *s);

/* Makes the card believe that it accepted this SQN last, and with every other IND the SEQ before it (a SIM
 * that is ahead of its HSS), for scenarios. */
int isim_set_sqn(struct isim *s, uint64_t sqn) IMS_CHECK;
