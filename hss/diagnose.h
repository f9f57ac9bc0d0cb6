/* SPDX-License-Identifier: BSD-3-Clause
 * Why does the SIM answer something else than the HSS expects? Tries the usual mistakes, one row of the
 * table below each, and names the one that fits what the SIM sent. Pure: no I/O, no clock.
 *
 * K and OPc have 128 bits each, so nothing is searched that is not near the stored record: a row is a
 * slip of somebody who typed, converted or copied a key, or a fault of a phone. */
#pragma once

#include "common/auth/aka.h"
#include "common/auth/digest.h"
#include "common/auth/sqn.h"

/* Who is at fault, which is also who can mend it. */
enum diagnose_blame {
        DIAGNOSE_NOBODY,
        DIAGNOSE_RECORD, /* the key of the record is another one than the SIM's: --repair can store it */
        DIAGNOSE_STORE,  /* SIMs or records of two subscribers are mixed up */
        DIAGNOSE_PHONE,  /* the phone or the SIM computes something else */
        DIAGNOSE_SQN     /* the key is right, the sequence numbers are not */
};

/* The seven ways to read a key wrongly. */
#define DIAGNOSE_FORMS(X, part, text)                                                                        \
        X(part##_halves_swapped, RECORD, text " is stored with its halves swapped", "")                      \
        X(part##_octets_reversed, RECORD, text " is stored with its octets in reverse order", "")            \
        X(part##_digits_reversed, RECORD, text " is stored with its hex digits in reverse order", "")        \
        X(part##_nibbles_swapped, RECORD, text " is stored with the two digits of each octet swapped", "")   \
        X(part##_words16_swapped, RECORD, text " is stored in another byte order of 16-bit words", "")       \
        X(part##_words32_swapped, RECORD, text " is stored in another byte order of 32-bit words", "")       \
        X(part##_words64_swapped, RECORD, text " is stored in another byte order of 64-bit words", "")

/* name, blame, sentence, what mends it (for RECORD, beside --repair) */
#define DIAGNOSE_ROWS(X)                                                                                     \
        X(nothing_wrong, NOBODY, "nothing is wrong: the record as it stands computes what the SIM computed", \
          "")                                                                                                \
        X(op_as_opc, RECORD, "the value stored as OPc is the OP of the SIM",                                 \
          "store it again with --op instead of --opc (TUAK: --top instead of --topc)")                       \
        X(opc_as_op, RECORD, "the value stored as OP is the OPc of the SIM",                                 \
          "store it again with --opc instead of --op (TUAK: --topc instead of --top)")                       \
        X(k_opc_exchanged, RECORD, "K and OPc are exchanged", "")                                            \
        X(k_op_exchanged, RECORD, "K and OP are exchanged", "")                                              \
        X(test_op, RECORD, "the SIM has the K of the record with a well-known test OP or OPc", "")           \
        X(test_k, RECORD, "the SIM has a well-known test K with the OP or OPc of the record", "")            \
        X(test_key, RECORD, "the SIM has well-known test keys, not those of the record", "")                 \
        DIAGNOSE_FORMS(X, k, "K")                                                                            \
        DIAGNOSE_FORMS(X, opc, "OPc")                                                                        \
        DIAGNOSE_FORMS(X, op, "OP")                                                                          \
        DIAGNOSE_FORMS(X, both, "both K and OP or OPc")                                                      \
        X(k_digits_exchanged, RECORD, "two neighbouring digits of K are exchanged", "")                      \
        X(opc_digits_exchanged, RECORD, "two neighbouring digits of OPc are exchanged", "")                  \
        X(op_digits_exchanged, RECORD, "two neighbouring digits of OP are exchanged", "")                    \
        X(k_digit_wrong, RECORD, "one digit of K is wrong", "")                                              \
        X(opc_digit_wrong, RECORD, "one digit of OPc is wrong", "")                                          \
        X(op_digit_wrong, RECORD, "one digit of OP is wrong", "")                                            \
        X(tuak_iterations, RECORD, "the SIM runs Keccak another number of times", "")                        \
        X(tuak_res_octets, RECORD, "the SIM makes a RES of another length (TUAK)", "")                       \
        X(tuak_not_milenage, RECORD, "the SIM runs TUAK, the record says Milenage", "")                      \
        X(milenage_not_tuak, RECORD, "the SIM runs Milenage, the record says TUAK", "")                      \
        X(xor_algorithm, PHONE,                                                                              \
          "the SIM runs the test algorithm of TS 34.108 8.1.2 (XOR), which no network in service does",      \
          "use a SIM or a profile with Milenage or TUAK")                                                    \
        X(res_cut_short, PHONE, "the phone uses only a part of RES", "")                                     \
        X(res_cut_at_zero, PHONE, "the phone ends RES at its first zero octet: it takes RES for text", "")   \
        X(res_padded, PHONE, "the phone fills RES up with zero octets", "")                                  \
        X(res_as_hex, PHONE,                                                                                 \
          "the phone takes the hex digits of RES for the password; RFC 3310 wants octets", "")               \
        X(res_as_base64, PHONE, "the phone takes RES in base64 for the password; RFC 3310 wants octets", "") \
        X(digest_algorithm, PHONE, "the phone computed the response by another algorithm than it names", "") \
        X(digest_without_qop, PHONE, "the phone names a qop but computed the response without one", "")      \
        X(digest_empty_password, PHONE, "the phone computed the response with an empty password", "")        \
        X(auts_amf, PHONE, "AUTS was computed with an AMF that is not 0000 (TS 33.102 6.3.3)", "")           \
        X(autn_amf, PHONE, "MAC in AUTN was computed with another AMF than the one in AUTN", "")             \
        X(isim_usim, STORE,                                                                                  \
          "the other application of the SIM answered: the key is that of another IMPI of "                   \
          "this subscriber",                                                                                 \
          "")                                                                                                \
        X(other_sim, STORE, "the SIM is that of another subscriber: SIMs are mixed up", "")                  \
        X(other_k, STORE, "the K of the SIM is stored with another subscriber", "")                          \
        X(other_opc, STORE, "the OP or OPc of the SIM is stored with another subscriber", "")                \
        X(sim_ahead, SQN, "the SQN of the SIM is ahead of the HSS", "")                                      \
        X(sim_behind, SQN, "the HSS is so far ahead that the SIM refuses the jump", "")                      \
        X(sim_limit, SQN,                                                                                    \
          "the SIM refuses an SQN above its own: its limit (delta) is lower, or it splits "                  \
          "SQN elsewhere",                                                                                   \
          "")                                                                                                \
        X(ind_length, SQN, "SIM and HSS split SQN into SEQ and IND at different places (auc.ind_bits)", "")

enum diagnose_row {
#define X(name, blame, text, mend) DIAGNOSE_##name,
        DIAGNOSE_ROWS(X)
#undef X
                DIAGNOSE_ROW_COUNT
};

const char *diagnose_name(enum diagnose_row row); /* "op_as_opc" */
const char *diagnose_text(enum diagnose_row row);
const char *diagnose_mend(enum diagnose_row row); /* or "" */
enum diagnose_blame diagnose_blame(enum diagnose_row row);

/* A key as the store has it: OP is there when the record was made with it. */
struct diagnose_key {
        struct aka_key key;
        bool has_op;
        uint8_t op[32]; /* OP (16 octets) or TOP (32) */
};

/* What the SIM sent. At least one of AUTN, AUTS, RES and the response is there. AUTN is the HSS's own and
 * says something about the SIM's key only when nothing else is known (a SIM that took it elsewhere). */
struct diagnose_evidence {
        uint8_t rand[AKA_RAND_N];
        bool has_autn, has_auts;
        uint8_t autn[AKA_AUTN_N], auts[AKA_AUTS_N], res[16];
        size_t res_n;                          /* 0: not known */
        struct span username, realm, response; /* of an Authorization; response.n 0: not known */
        struct digest_input digest;            /* the rest of it; ha1 is not used */
};

struct diagnosis {
        enum diagnose_row row;
        struct diagnose_key key; /* what fits: wipe */
        char detail[96];         /* which digit, which AMF; never a value of a key; or "" */
        bool has_sqn_ms;         /* AUTS was there: SQN_MS */
        uint64_t sqn_ms;
        size_t tried; /* candidates */
};

/* Bits of evidence: how many candidates would make a chance hit likely. */
unsigned diagnose_bits(const struct diagnose_evidence *e);

/* Walks through the table; out->tried is set in every case. -IMS_ENOTFOUND when nothing fits, -IMS_EINVAL
 * when there is no evidence, -IMS_ECRYPTO. */
int diagnose_run(struct aka_ctx *aka, const struct diagnose_key *record, const struct diagnose_evidence *e,
                 struct diagnosis *out) IMS_CHECK;

/* The same with the key of another IMPI of the store; out->tried goes on counting. same: it belongs to the
 * same subscriber. */
int diagnose_other(struct aka_ctx *aka, const struct diagnose_key *record, const struct diagnose_evidence *e,
                   const struct diagnose_key *other, bool same, struct diagnosis *out) IMS_CHECK;

/* True when the value stored as OPc is an OP that everybody knows. Equal OPc of several subscribers, too,
 * are an OP: OPc depends on K. */
bool diagnose_opc_is_known_op(const struct diagnose_key *record);

void diagnosis_wipe(struct diagnosis *d);

/* SQN_MS beside the SQN of the HSS, in SEQ and IND. */
struct diagnose_sqn {
        enum diagnose_row row; /* nothing_wrong, or one of blame SQN */
        bool settled;          /* it was so at that challenge; the HSS has followed since */
        uint64_t seq_ms, seq;  /* SEQ of the SIM; SEQ of the challenge or, without one, of the store */
        unsigned ind_ms, ind;
        uint64_t distance;   /* between the two SEQ */
        unsigned other_bits; /* ind_length: the bits of IND that would explain it */
};

/* challenge: the SQN in AUTN, or NULL. TS 33.102 C.1.1.1, C.2.1, C.2.2. */
struct diagnose_sqn diagnose_sqn(const struct sqn_scheme *scheme, const struct sqn_hss *stored,
                                 const uint64_t *challenge, uint64_t sqn_ms);
