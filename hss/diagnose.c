/* SPDX-License-Identifier: BSD-3-Clause
 * The table of mistakes, and the walk through it. TS 35.206, TS 35.231, RFC 3310. */
#include "hss/diagnose_int.h"

#include <stdio.h>

#include "common/base/codec.h"

static const struct {
        const char *name, *text, *mend;
        enum diagnose_blame blame;
} rows[DIAGNOSE_ROW_COUNT] = {
#define X(name, blame, text, mend) [DIAGNOSE_##name] = {#name, text, mend, DIAGNOSE_##blame},
        DIAGNOSE_ROWS(X)
#undef X
};

const char *diagnose_name(enum diagnose_row row)
{
        return row < DIAGNOSE_ROW_COUNT ? rows[row].name : "unknown";
}

const char *diagnose_text(enum diagnose_row row)
{
        return row < DIAGNOSE_ROW_COUNT ? rows[row].text : "unknown";
}

const char *diagnose_mend(enum diagnose_row row)
{
        return row < DIAGNOSE_ROW_COUNT ? rows[row].mend : "";
}

enum diagnose_blame diagnose_blame(enum diagnose_row row)
{
        return row < DIAGNOSE_ROW_COUNT ? rows[row].blame : DIAGNOSE_NOBODY;
}

void diagnosis_wipe(struct diagnosis *d)
{
        secret_wipe(d, sizeof *d);
}

unsigned diagnose_bits(const struct diagnose_evidence *e)
{
        unsigned res = (unsigned)(e->res_n ? e->res_n : e->response.n ? 8 : 0) * 8;
        return res + (e->has_auts ? 64 : 0) + (!res && !e->has_auts && e->has_autn ? 64 : 0);
}

/* --- does a candidate fit? --- */

static bool response_fits(struct diagnose_search *s, const struct aka_av *av)
{
        const struct diagnose_evidence *e = s->e;
        struct digest_input in = e->digest;
        char ha1[DIGEST_HEX_MAX], expected[DIGEST_HEX_MAX], password[64];
        struct span res = span_make(av->xres, av->xres_n);
        bool v2 = in.algorithm == DIGEST_AKAV2_MD5 || in.algorithm == DIGEST_AKAV2_SHA256, fits = false;
        int rc = v2 ? digest_akav2_password(in.algorithm, res, &av->ik, &av->ck, password) : 0;
        if (rc == 0)
                rc = digest_ha1(in.algorithm, e->username, e->realm, v2 ? span_of(password) : res, ha1);
        in.ha1 = span_of(ha1);
        if (rc == 0)
                rc = digest_response(&in, expected);
        if (rc == 0)
                fits = digest_equal(e->response, expected);
        else if (!s->err)
                s->err = rc;
        secret_wipe(ha1, sizeof ha1);
        secret_wipe(expected, sizeof expected);
        secret_wipe(password, sizeof password);
        return fits;
}

/* Everything that is known has to agree; *sqn_ms where there is an AUTS. -IMS_EAUTH: it does not. */
static int check(struct diagnose_search *s, const struct aka_key *key, uint64_t *sqn_ms)
{
        const struct diagnose_evidence *e = s->e;
        struct aka_av av = {0};
        uint64_t sqn;
        uint16_t amf;
        int rc = 0;
        if (e->has_auts)
                rc = aka_check_auts(s->aka, key, e->rand, e->auts, sqn_ms);
        if (rc == 0 && (e->res_n || e->response.n)) {
                rc = aka_generate(s->aka, key, e->rand, 0, 0, &av);
                if (rc == 0 && e->res_n && (av.xres_n != e->res_n || !secret_eq(av.xres, e->res, e->res_n)))
                        rc = -IMS_EAUTH;
                if (rc == 0 && e->response.n && !response_fits(s, &av))
                        rc = -IMS_EAUTH;
        } else if (rc == 0 && !e->has_auts) {
                rc = aka_check_autn(s->aka, key, e->rand, e->autn, &sqn, &amf, &av);
        }
        secret_wipe(&av, sizeof av);
        return rc;
}

bool diagnose_fits(struct diagnose_search *s, const struct diagnose_key *k)
{
        s->out->tried++;
        int rc = check(s, &k->key, &s->out->sqn_ms);
        if (rc < 0 && rc != -IMS_EAUTH && !s->err)
                s->err = rc;
        if (rc < 0)
                return false;
        s->out->key = *k;
        s->out->has_sqn_ms = s->e->has_auts;
        return true;
}

bool diagnose_fits_op(struct diagnose_search *s, struct diagnose_key *k)
{
        int rc = aka_derive_opc(s->aka, &k->key, k->op);
        if (rc < 0 && !s->err)
                s->err = rc;
        k->has_op = true;
        return rc == 0 && diagnose_fits(s, k);
}

/* --- OP and OPc, K and OPc --- */

typedef bool row_fn(struct diagnose_search *s, enum diagnose_row row);

static bool try_record(struct diagnose_search *s, enum diagnose_row row)
{
        (void)row;
        return diagnose_fits(s, s->record);
}

static bool try_op_as_opc(struct diagnose_search *s, enum diagnose_row row)
{
        struct diagnose_key k = *s->record;
        (void)row;
        memcpy(k.op, k.key.opc, sizeof k.op);
        bool hit = diagnose_fits_op(s, &k);
        secret_wipe(&k, sizeof k);
        return hit;
}

static bool try_opc_as_op(struct diagnose_search *s, enum diagnose_row row)
{
        struct diagnose_key k = *s->record;
        (void)row;
        if (!k.has_op)
                return false;
        memcpy(k.key.opc, k.op, sizeof k.op);
        k.has_op = false;
        bool hit = diagnose_fits(s, &k);
        secret_wipe(&k, sizeof k);
        return hit;
}

static bool try_exchanged(struct diagnose_search *s, enum diagnose_row row)
{
        const struct diagnose_key *r = s->record;
        struct diagnose_key k = *r;
        size_t n = diagnose_op_n(r);
        bool hit = false;
        if (r->key.k_n != n)
                return false; /* TUAK with a K of 128 bits */
        memcpy(k.key.k, r->key.opc, n);
        memcpy(k.key.opc, r->key.k, n);
        k.has_op = false;
        if (row == DIAGNOSE_k_opc_exchanged) {
                hit = diagnose_fits(s, &k);
        } else {
                memcpy(k.op, r->key.k, n); /* the OP stands where K should, and the K where OPc should */
                hit = diagnose_fits_op(s, &k);
                if (!hit && r->has_op) {
                        memcpy(k.key.k, r->op, n);
                        hit = diagnose_fits_op(s, &k);
                }
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

/* --- well-known keys --- */

static size_t hex_into(const char *hex, uint8_t *out, size_t n)
{
        struct span text = span_of(hex);
        return text.n == 2 * n && hex_decode(text, out, n) == 0 ? n : 0;
}

/* k with every OP and OPc that is known. */
static bool try_known_ops(struct diagnose_search *s, struct diagnose_key *k)
{
        bool hit = false;
        for (size_t i = 0; !hit && i < diagnose_known_n; i++) {
                k->has_op = false;
                if (hex_into(diagnose_known[i].opc, k->key.opc, 16))
                        hit = diagnose_fits(s, k);
                if (!hit && hex_into(diagnose_known[i].op, k->op, 16))
                        hit = diagnose_fits_op(s, k);
        }
        return hit;
}

bool diagnose_opc_is_known_op(const struct diagnose_key *record)
{
        uint8_t op[16];
        if (record->key.algorithm != AKA_MILENAGE || record->has_op)
                return false;
        for (size_t i = 0; i < diagnose_known_n; i++)
                if (strcmp(diagnose_known[i].op, diagnose_known[i].opc) != 0 &&
                    hex_into(diagnose_known[i].op, op, 16) && secret_eq(op, record->key.opc, 16))
                        return true;
        return false;
}

static bool try_known(struct diagnose_search *s, enum diagnose_row row)
{
        const struct diagnose_key *r = s->record;
        struct diagnose_key k = *r;
        bool hit = false;
        if (r->key.algorithm != AKA_MILENAGE)
                return false;
        if (row == DIAGNOSE_test_op)
                hit = try_known_ops(s, &k);
        for (size_t i = 0; !hit && row != DIAGNOSE_test_op && i < diagnose_known_n; i++) {
                k = *r;
                if (!hex_into(diagnose_known[i].k, k.key.k, 16))
                        continue;
                if (row == DIAGNOSE_test_key) {
                        hit = try_known_ops(s, &k);
                        continue;
                }
                k.has_op = false;
                hit = diagnose_fits(s, &k) || (r->has_op && diagnose_fits_op(s, &k));
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

/* --- the forms of DIAGNOSE_FORMS, in their order --- */

static void swap(uint8_t *a, uint8_t *b)
{
        uint8_t x = *a;
        *a = *b;
        *b = x;
}

/* Reverses each group of so many octets. */
static void reverse(uint8_t *p, size_t n, size_t group)
{
        for (size_t at = 0; at < n; at += group)
                for (size_t i = 0; i < group / 2; i++)
                        swap(&p[at + i], &p[at + group - 1 - i]);
}

static void swap_nibbles(uint8_t *p, size_t n)
{
        for (size_t i = 0; i < n; i++)
                p[i] = (uint8_t)(p[i] << 4 | p[i] >> 4);
}

enum { HALVES, OCTETS, DIGITS, NIBBLES, WORDS16, WORDS32, WORDS64, FORMS };
enum { PART_K, PART_OPC, PART_OP, PART_BOTH };

static void apply(unsigned form, uint8_t *p, size_t n)
{
        switch (form) {
        case HALVES:
                reverse(p, n, n);
                reverse(p, n, n / 2);
                break;
        case OCTETS:
                reverse(p, n, n);
                break;
        case DIGITS:
                reverse(p, n, n);
                swap_nibbles(p, n);
                break;
        case NIBBLES:
                swap_nibbles(p, n);
                break;
        default:
                reverse(p, n, form == WORDS16 ? 2 : form == WORDS32 ? 4 : 8);
        }
}

/* A changed K: with OPc as it is, and with OPc made again where the record keeps OP. */
static bool fits_k(struct diagnose_search *s, struct diagnose_key *k)
{
        k->has_op = false;
        return diagnose_fits(s, k) || (s->record->has_op && diagnose_fits_op(s, k));
}

static bool try_form(struct diagnose_search *s, enum diagnose_row row)
{
        unsigned i = (unsigned)row - DIAGNOSE_k_halves_swapped, part = i / FORMS, form = i % FORMS;
        struct diagnose_key k = *s->record;
        size_t n = diagnose_op_n(&k);
        bool has_op = k.has_op, hit = false;
        if (part == PART_OP && !has_op)
                return false;
        if (part == PART_K || part == PART_BOTH)
                apply(form, k.key.k, k.key.k_n);
        if (part == PART_OPC || part == PART_BOTH)
                apply(form, k.key.opc, n);
        if (part == PART_OP || part == PART_BOTH)
                apply(form, k.op, n);
        if (part == PART_OP)
                hit = diagnose_fits_op(s, &k);
        else if (part == PART_OPC || !has_op) {
                k.has_op = false;
                hit = diagnose_fits(s, &k);
        } else {
                hit = fits_k(s, &k);
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

/* --- digits --- */

static uint8_t digit(const uint8_t *p, size_t i)
{
        return i % 2 ? p[i / 2] & 15 : p[i / 2] >> 4;
}

static void set_digit(uint8_t *p, size_t i, uint8_t v)
{
        p[i / 2] = (uint8_t)(i % 2 ? (p[i / 2] & 0xf0) | v : (p[i / 2] & 15) | v << 4);
}

static bool fits_part(struct diagnose_search *s, unsigned part, struct diagnose_key *k)
{
        if (part == PART_K)
                return fits_k(s, k);
        if (part == PART_OP)
                return diagnose_fits_op(s, k);
        k->has_op = false;
        return diagnose_fits(s, k);
}

static uint8_t *part_of(struct diagnose_key *k, unsigned part)
{
        return part == PART_K ? k->key.k : part == PART_OP ? k->op : k->key.opc;
}

static bool try_exchanged_digits(struct diagnose_search *s, enum diagnose_row row)
{
        unsigned part = (unsigned)row - DIAGNOSE_k_digits_exchanged;
        struct diagnose_key k = *s->record;
        size_t digits = 2 * (part == PART_K ? k.key.k_n : diagnose_op_n(&k));
        bool hit = false;
        for (size_t i = 0; !hit && i + 1 < digits && (part != PART_OP || s->record->has_op); i++) {
                k = *s->record;
                uint8_t *p = part_of(&k, part), a = digit(p, i), b = digit(p, i + 1);
                if (a == b)
                        continue;
                set_digit(p, i, b);
                set_digit(p, i + 1, a);
                hit = fits_part(s, part, &k);
                if (hit)
                        (void)snprintf(s->out->detail, sizeof s->out->detail, "digits %zu and %zu", i + 1,
                                       i + 2);
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

static bool try_wrong_digit(struct diagnose_search *s, enum diagnose_row row)
{
        unsigned part = (unsigned)row - DIAGNOSE_k_digit_wrong;
        struct diagnose_key k = *s->record;
        size_t digits = 2 * (part == PART_K ? k.key.k_n : diagnose_op_n(&k));
        bool hit = false;
        if (part == PART_OP && !k.has_op)
                return false;
        for (size_t i = 0; !hit && i < 16 * digits; i++) {
                k = *s->record;
                uint8_t *p = part_of(&k, part);
                if (digit(p, i / 16) == i % 16)
                        continue;
                set_digit(p, i / 16, i % 16);
                hit = fits_part(s, part, &k);
                if (hit)
                        (void)snprintf(s->out->detail, sizeof s->out->detail, "digit %zu", i / 16 + 1);
        }
        secret_wipe(&k, sizeof k);
        return hit;
}

/* --- the walk --- */

/* How a row is tried; those of other subscribers and of SQN have no function. */
static row_fn *try_of(enum diagnose_row row)
{
        if (row >= DIAGNOSE_k_halves_swapped && row <= DIAGNOSE_both_words64_swapped)
                return try_form;
        if (row >= DIAGNOSE_tuak_iterations && row <= DIAGNOSE_milenage_not_tuak)
                return diagnose_tuak;
        if (row >= DIAGNOSE_xor_algorithm && row <= DIAGNOSE_autn_amf)
                return diagnose_phone;
        switch (row) {
        case DIAGNOSE_nothing_wrong:
                return try_record;
        case DIAGNOSE_op_as_opc:
                return try_op_as_opc;
        case DIAGNOSE_opc_as_op:
                return try_opc_as_op;
        case DIAGNOSE_k_opc_exchanged:
        case DIAGNOSE_k_op_exchanged:
                return try_exchanged;
        case DIAGNOSE_test_key:
        case DIAGNOSE_test_op:
        case DIAGNOSE_test_k:
                return try_known;
        case DIAGNOSE_k_digits_exchanged:
        case DIAGNOSE_opc_digits_exchanged:
        case DIAGNOSE_op_digits_exchanged:
                return try_exchanged_digits;
        case DIAGNOSE_k_digit_wrong:
        case DIAGNOSE_opc_digit_wrong:
        case DIAGNOSE_op_digit_wrong:
                return try_wrong_digit;
        default:
                return NULL;
        }
}

int diagnose_run(struct aka_ctx *aka, const struct diagnose_key *record, const struct diagnose_evidence *e,
                 struct diagnosis *out)
{
        struct diagnose_search s = {.aka = aka, .record = record, .e = e, .out = out};
        *out = (struct diagnosis){.row = DIAGNOSE_ROW_COUNT};
        if (diagnose_bits(e) == 0)
                return -IMS_EINVAL;
        for (unsigned r = 0; r < DIAGNOSE_ROW_COUNT && !s.err; r++) {
                row_fn *fn = try_of((enum diagnose_row)r);
                if (fn && fn(&s, (enum diagnose_row)r)) {
                        out->row = (enum diagnose_row)r;
                        return 0;
                }
        }
        return s.err ? s.err : -IMS_ENOTFOUND;
}

int diagnose_other(struct aka_ctx *aka, const struct diagnose_key *record, const struct diagnose_evidence *e,
                   const struct diagnose_key *other, bool same, struct diagnosis *out)
{
        struct diagnose_search s = {.aka = aka, .record = record, .e = e, .out = out};
        struct diagnose_key k = *other;
        int rc = -IMS_ENOTFOUND;
        if (diagnose_fits(&s, other)) {
                out->row = same ? DIAGNOSE_isim_usim : DIAGNOSE_other_sim;
                rc = 0;
        } else if (other->key.algorithm == record->key.algorithm) {
                k = *record; /* the K of the other with the OP or OPc of this one */
                memcpy(k.key.k, other->key.k, sizeof k.key.k);
                k.key.k_n = other->key.k_n;
                if (fits_k(&s, &k)) {
                        out->row = DIAGNOSE_other_k;
                        rc = 0;
                }
                k = *record;
                memcpy(k.key.opc, other->key.opc, sizeof k.key.opc);
                memcpy(k.op, other->op, sizeof k.op);
                k.has_op = false;
                if (rc < 0 && (diagnose_fits(&s, &k) || (other->has_op && diagnose_fits_op(&s, &k)))) {
                        out->row = DIAGNOSE_other_opc;
                        rc = 0;
                }
        }
        secret_wipe(&k, sizeof k);
        return s.err ? s.err : rc;
}
