/* SPDX-License-Identifier: BSD-3-Clause
 * Diagnosis: every row of the table is a record with that mistake beside a SIM of the published vectors,
 * and is found as that row and no other. The mistakes are made on hex digits here. */
#include "tests/unit/auth/vectors.h"

#include "hss/diagnose.h"

static char *milenage, *tuak, *aka_digest;
static struct aka_ctx *ctx;
static bool seen[DIAGNOSE_ROW_COUNT];

#define SUB_K   "4c5f1d2e8b9a70316f42e5d8c3b7a690" /* aka-digest.json: subscriber */
#define SUB_OP  "1f2e3d4c5b6a79880f1e2d3c4b5a6978"
#define SUB_OPC "f71a561e9e2e95c49699658f858c3306"
#define OTHER_K "2b7e151628aed2a6abf7158809cf4f3c" /* belongs to nobody above */

/* --- records and evidence --- */

static void hex(const char *text, uint8_t *out)
{
        assert_int_equal(hex_decode(span_of(text), out, strlen(text) / 2), 0);
}

/* OPc of OP is made by the program: what somebody got who said --op. */
static struct diagnose_key record(const char *k, const char *op, const char *opc)
{
        struct diagnose_key r = {.key = {.algorithm = AKA_MILENAGE, .k_n = 16, .res_n = 8}};
        hex(k, r.key.k);
        if (op) {
                r.has_op = true;
                hex(op, r.op);
                assert_int_equal(aka_derive_opc(ctx, &r.key, r.op), 0);
        }
        if (opc)
                hex(opc, r.key.opc);
        return r;
}

static struct diagnose_key tuak_record(const char *k, const char *topc, unsigned iterations, size_t res_n)
{
        struct diagnose_key r = {
                .key = {.algorithm = AKA_TUAK, .keccak_iterations = iterations, .res_n = res_n}};
        r.key.k_n = strlen(k) / 2;
        hex(k, r.key.k);
        hex(topc, r.key.opc);
        return r;
}

static struct diagnose_evidence res_of(const char *doc, const char *path, const char *res)
{
        struct diagnose_evidence e = {0};
        vec_hex(doc, path, ".RAND", e.rand, 16);
        e.res_n = vec_hex(doc, path, res, e.res, 16);
        return e;
}

static struct diagnose_evidence sub_res(void)
{
        return res_of(aka_digest, "examples[0].vector", ".XRES");
}

/* The Authorization of example n. */
static struct diagnose_evidence sub_response(unsigned n)
{
        static char path[64];
        struct diagnose_evidence e = {0};
        (void)snprintf(path, sizeof path, "examples[%u]", n);
        vec_hex(aka_digest, path, ".vector.RAND", e.rand, 16);
        e.username = span_of(vec_text(aka_digest, path, ".username"));
        e.realm = span_of(vec_text(aka_digest, path, ".realm"));
        e.response = span_of(vec_text(aka_digest, path, ".response"));
        e.digest.method = SPAN("REGISTER");
        e.digest.uri = span_of(vec_text(aka_digest, path, ".uri"));
        e.digest.nonce = span_of(vec_text(aka_digest, path, ".vector.nonce"));
        e.digest.nc = SPAN("00000001");
        e.digest.cnonce = span_of(vec_text(aka_digest, path, ".cnonce"));
        e.digest.qop = SPAN("auth");
        assert_int_equal(digest_algorithm_parse(span_of(vec_text(aka_digest, path, ".algorithm")),
                                                &e.digest.algorithm),
                         0);
        return e;
}

static struct diagnose_evidence sub_auts(void)
{
        struct diagnose_evidence e = {.has_auts = true};
        vec_hex(aka_digest, "resynchronisation.challenge", ".RAND", e.rand, 16);
        vec_hex(aka_digest, "resynchronisation", ".AUTS", e.auts, 14);
        return e;
}

static struct diagnose_evidence sub_autn(void)
{
        struct diagnose_evidence e = {.has_autn = true};
        vec_hex(aka_digest, "examples[0].vector", ".RAND", e.rand, 16);
        vec_hex(aka_digest, "examples[0].vector", ".AUTN", e.autn, 16);
        return e;
}

/* RES, AUTS and AUTN of the subscriber, then the six responses. Texts live until the next call. */
#define SUB_EVIDENCE 9
static struct diagnose_evidence sub_evidence(unsigned i)
{
        return i == 0 ? sub_res() : i == 1 ? sub_auts() : i == 2 ? sub_autn() : sub_response(i - 3);
}

/* --- what is expected --- */

static void expect(const struct diagnose_key *r, const struct diagnose_evidence *e, enum diagnose_row row)
{
        struct diagnosis d;
        int rc = diagnose_run(ctx, r, e, &d);
        if (rc < 0)
                fail_msg("%s is not found, %zu tried", diagnose_name(row), d.tried);
        if (d.row != row)
                fail_msg("%s is found as %s", diagnose_name(row), diagnose_name(d.row));
        assert_true(d.tried > 0);
        seen[row] = true;
        diagnosis_wipe(&d);
}

/* By each kind of evidence; the key that fits is that of the SIM. */
static void expect_sub(struct diagnose_key r, enum diagnose_row row)
{
        const struct diagnose_key sim = record(SUB_K, NULL, SUB_OPC);
        for (unsigned i = 0; i < SUB_EVIDENCE; i++) {
                const struct diagnose_evidence e = sub_evidence(i);
                struct diagnosis d;
                expect(&r, &e, row);
                assert_int_equal(diagnose_run(ctx, &r, &e, &d), 0);
                assert_memory_equal(d.key.key.k, sim.key.k, 16);
                assert_memory_equal(d.key.key.opc, sim.key.opc, 16);
                assert_true(d.has_sqn_ms == e.has_auts);
                assert_true(!d.has_sqn_ms || d.sqn_ms == 0x7e3);
        }
}

static void nothing_wrong(void **state)
{
        char path[32];
        (void)state;
        expect_sub(record(SUB_K, NULL, SUB_OPC), DIAGNOSE_nothing_wrong);
        expect_sub(record(SUB_K, SUB_OP, NULL), DIAGNOSE_nothing_wrong);
        for (unsigned i = 0; i < 6; i++) {
                (void)snprintf(path, sizeof path, "sets[%u]", i);
                struct diagnose_key r =
                        record(vec_text(milenage, path, ".K"), NULL, vec_text(milenage, path, ".OPc"));
                struct diagnose_evidence e = res_of(milenage, path, ".f2");
                expect(&r, &e, DIAGNOSE_nothing_wrong);
        }
        struct diagnose_key t =
                tuak_record(vec_text(tuak, "sets[0]", ".K"), vec_text(tuak, "sets[0]", ".TOPc"), 1, 4);
        struct diagnose_evidence e = res_of(tuak, "sets[0]", ".f2");
        expect(&t, &e, DIAGNOSE_nothing_wrong);
}

/* --- OP and OPc, exchanged values --- */

static void op_and_opc(void **state)
{
        (void)state;
        expect_sub(record(SUB_K, NULL, SUB_OP), DIAGNOSE_op_as_opc);
        expect_sub(record(SUB_K, SUB_OPC, NULL), DIAGNOSE_opc_as_op);
        expect_sub(record(SUB_OPC, NULL, SUB_K), DIAGNOSE_k_opc_exchanged);
        expect_sub(record(SUB_OP, NULL, SUB_K), DIAGNOSE_k_op_exchanged);
        expect_sub(record(SUB_OP, SUB_K, NULL), DIAGNOSE_k_op_exchanged);
        /* the reverse of op_as_opc leaves a value in the store that cannot be turned back without OP */
        struct diagnose_key lost = record(SUB_K, SUB_OPC, NULL);
        struct diagnose_evidence e = sub_res();
        struct diagnosis d;
        lost.has_op = false;
        assert_int_equal(diagnose_run(ctx, &lost, &e, &d), -IMS_ENOTFOUND);
        assert_true(d.tried > 500);
        /* TUAK */
        const char *k = vec_text(tuak, "sets[1]", ".K");
        struct diagnose_key t = tuak_record(k, vec_text(tuak, "sets[1]", ".TOP"), 1, 8);
        e = res_of(tuak, "sets[1]", ".f2");
        expect(&t, &e, DIAGNOSE_op_as_opc);
        hex(vec_text(tuak, "sets[1]", ".TOPc"), t.op);
        t.has_op = true;
        assert_int_equal(aka_derive_opc(ctx, &t.key, t.op), 0);
        expect(&t, &e, DIAGNOSE_opc_as_op);
}

/* --- forms of a key, on its digits --- */

static void mistype(const char *in, unsigned form, char out[static 33])
{
        for (unsigned i = 0; i < 32; i++) {
                static const unsigned group[] = {0, 2, 1, 0, 4, 8, 16};
                unsigned octet = i / 2, low = i % 2, from = i;
                if (form == 0)
                        from = (i + 16) % 32;
                else if (form == 1)
                        from = 2 * (15 - octet) + low;
                else if (form == 2)
                        from = 31 - i;
                else if (form == 3)
                        from = 2 * octet + !low;
                else
                        from = i / group[form] * group[form] + (group[form] - 2 - i % group[form] / 2 * 2) +
                               low;
                out[i] = in[from];
        }
        out[32] = 0;
}

static void forms(void **state)
{
        (void)state;
        for (unsigned form = 0; form < 7; form++) {
                char k[33], op[33], opc[33];
                mistype(SUB_K, form, k);
                mistype(SUB_OP, form, op);
                mistype(SUB_OPC, form, opc);
                expect_sub(record(k, NULL, SUB_OPC), DIAGNOSE_k_halves_swapped + form);
                expect_sub(record(k, SUB_OP, NULL), DIAGNOSE_k_halves_swapped + form);
                expect_sub(record(SUB_K, NULL, opc), DIAGNOSE_opc_halves_swapped + form);
                expect_sub(record(SUB_K, op, NULL), DIAGNOSE_op_halves_swapped + form);
                expect_sub(record(k, NULL, opc), DIAGNOSE_both_halves_swapped + form);
                expect_sub(record(k, op, NULL), DIAGNOSE_both_halves_swapped + form);
        }
}

/* Every place and every digit; the sentence says where. */
static void digits(void **state)
{
        (void)state;
        static const char *const true_value[] = {SUB_K, SUB_OPC, SUB_OP};
        struct diagnose_evidence e = sub_res();
        char at[32];
        for (unsigned part = 0; part < 3; part++) {
                for (unsigned i = 0; i < 32; i++) {
                        char text[33];
                        struct diagnosis d;
                        memcpy(text, true_value[part], 33);
                        text[i] = text[i] == '0' + (char)(i % 10) ? 'e' : '0' + (char)(i % 10);
                        struct diagnose_key r = record(part == 0 ? text : SUB_K, part == 2 ? text : NULL,
                                                       part == 2   ? NULL
                                                       : part == 1 ? text
                                                                   : SUB_OPC);
                        expect(&r, &e, DIAGNOSE_k_digit_wrong + part);
                        assert_int_equal(diagnose_run(ctx, &r, &e, &d), 0);
                        (void)snprintf(at, sizeof at, "digit %u", i + 1);
                        assert_string_equal(d.detail, at);
                        memcpy(text, true_value[part], 33);
                        if (i == 31 || text[i] == text[i + 1])
                                continue;
                        text[i] = true_value[part][i + 1];
                        text[i + 1] = true_value[part][i];
                        r = record(part == 0 ? text : SUB_K, part == 2 ? text : NULL,
                                   part == 2   ? NULL
                                   : part == 1 ? text
                                               : SUB_OPC);
                        expect(&r, &e, DIAGNOSE_k_digits_exchanged + part);
                        assert_int_equal(diagnose_run(ctx, &r, &e, &d), 0);
                        (void)snprintf(at, sizeof at, "digits %u and %u", i + 1, i + 2);
                        assert_string_equal(d.detail, at);
                }
        }
        /* a wrong K under which OPc was made */
        struct diagnose_key r = record("5c5f1d2e8b9a70316f42e5d8c3b7a690", SUB_OP, NULL);
        expect_sub(r, DIAGNOSE_k_digit_wrong);
}

/* --- test keys --- */

static void test_keys(void **state)
{
        (void)state;
        const char *k = vec_text(milenage, "sets[3]", ".K"), *opc = vec_text(milenage, "sets[3]", ".OPc");
        struct diagnose_evidence e = res_of(milenage, "sets[3]", ".f2");
        struct diagnose_key r = record(OTHER_K, NULL, SUB_OPC);
        expect(&r, &e, DIAGNOSE_test_key);
        r = record(k, NULL, SUB_OPC);
        expect(&r, &e, DIAGNOSE_test_op);
        r = record(OTHER_K, NULL, opc);
        expect(&r, &e, DIAGNOSE_test_k);
        r = record(OTHER_K, vec_text(milenage, "sets[3]", ".OP"), NULL);
        expect(&r, &e, DIAGNOSE_test_k);
}

/* --- TUAK --- */

static void tuak_rows(void **state)
{
        (void)state;
        const char *k = vec_text(tuak, "sets[0]", ".K"), *topc = vec_text(tuak, "sets[0]", ".TOPc");
        struct diagnose_evidence e = res_of(tuak, "sets[0]", ".f2");
        struct diagnose_key r = tuak_record(k, topc, 2, 4);
        expect(&r, &e, DIAGNOSE_tuak_iterations);
        hex(vec_text(tuak, "sets[0]", ".TOP"), r.op); /* TOPc made with two iterations as well */
        r.has_op = true;
        assert_int_equal(aka_derive_opc(ctx, &r.key, r.op), 0);
        expect(&r, &e, DIAGNOSE_tuak_iterations);
        r = tuak_record(k, topc, 1, 8);
        expect(&r, &e, DIAGNOSE_tuak_res_octets);
        r = record(k, NULL, SUB_OPC);
        expect(&r, &e, DIAGNOSE_tuak_not_milenage);
        r = record(k, NULL, "55555555555555555555555555555555");
        expect(&r, &e, DIAGNOSE_tuak_not_milenage);
        char wide[65];
        (void)snprintf(wide, sizeof wide, "%s%s", SUB_OPC, "00000000000000000000000000000000");
        r = tuak_record(SUB_K, wide, 1, 8);
        e = sub_res();
        expect(&r, &e, DIAGNOSE_milenage_not_tuak);
        (void)snprintf(wide, sizeof wide, "%s%s", OTHER_K, SUB_OP);
        r = tuak_record(SUB_K, wide, 1, 8);
        expect(&r, &e, DIAGNOSE_milenage_not_tuak);
}

/* --- faults of phones --- */

/* A response that somebody makes of another password. */
static void answer(struct diagnose_evidence *e, const void *password, size_t n,
                   char out[static DIGEST_HEX_MAX])
{
        char ha1[DIGEST_HEX_MAX];
        struct digest_input in = e->digest;
        assert_int_equal(digest_ha1(in.algorithm, e->username, e->realm, span_make(password, n), ha1), 0);
        in.ha1 = span_of(ha1);
        assert_int_equal(digest_response(&in, out), 0);
        e->response = span_of(out);
}

static void res_row(const char *password, size_t n, unsigned example, enum diagnose_row row)
{
        struct diagnose_key r = record(SUB_K, NULL, SUB_OPC);
        struct diagnose_evidence e = sub_response(example);
        char text[DIGEST_HEX_MAX];
        answer(&e, password, n, text);
        expect(&r, &e, row);
        if (n > 16)
                return;
        e.response = SPAN_NULL; /* RES itself, read from the phone */
        e.res_n = n;
        memcpy(e.res, password, n);
        if (n > 0)
                expect(&r, &e, row);
}

static void phones(void **state)
{
        (void)state;
        struct diagnose_key r = record(SUB_K, NULL, SUB_OPC);
        /* XRES of example 0 is ff81575d6b80a795, of example 1 3b007948d083be3f */
        res_row("\xff\x81\x57\x5d", 4, 0, DIAGNOSE_res_cut_short);
        res_row("\x6b\x80\xa7\x95", 4, 0, DIAGNOSE_res_cut_short);
        res_row("\x3b", 1, 1, DIAGNOSE_res_cut_at_zero);
        res_row("\xff\x81\x57\x5d\x6b\x80\xa7\x95\0\0\0\0\0\0\0\0", 16, 0, DIAGNOSE_res_padded);
        res_row("ff81575d6b80a795", 16, 0, DIAGNOSE_res_as_hex);
        res_row("FF81575D6B80A795", 16, 0, DIAGNOSE_res_as_hex);
        res_row("/4FXXWuAp5U=", 12, 0, DIAGNOSE_res_as_base64);
        struct diagnose_evidence e = sub_response(4); /* AKAv2-MD5, as the phone says not */
        e.digest.algorithm = DIGEST_AKAV1_MD5;
        expect(&r, &e, DIAGNOSE_digest_algorithm);
        e = sub_response(0);
        e.digest.algorithm = DIGEST_AKAV2_SHA256;
        expect(&r, &e, DIAGNOSE_digest_algorithm);
        e = sub_response(0);
        char text[DIGEST_HEX_MAX];
        e.digest.qop = SPAN_NULL;
        answer(&e, "\xff\x81\x57\x5d\x6b\x80\xa7\x95", 8, text);
        e.digest.qop = SPAN("auth");
        expect(&r, &e, DIAGNOSE_digest_without_qop);
        e = sub_response(0);
        vec_hex(aka_digest, "resynchronisation.challenge", ".RAND", e.rand, 16);
        e.digest.nonce = span_of(vec_text(aka_digest, "resynchronisation", ".challenge.nonce"));
        e.response = span_of(vec_text(aka_digest, "resynchronisation", ".response_with_empty_password"));
        expect(&r, &e, DIAGNOSE_digest_empty_password);
}

static void xor_algorithm(void **state)
{
        (void)state;
        struct diagnose_key r = record(OTHER_K, NULL, SUB_OPC);
        struct diagnose_evidence e = sub_res();
        for (size_t n = 4; n <= 16; n *= 2) {
                e.res_n = n;
                for (size_t i = 0; i < n; i++)
                        e.res[i] = r.key.k[i] ^ e.rand[i];
                expect(&r, &e, DIAGNOSE_xor_algorithm);
        }
}

/* f1* of the published sets takes the AMF of the set, which no AUTS may. */
static void amf(void **state)
{
        (void)state;
        struct diagnose_evidence e = {.has_auts = true};
        struct diagnose_key r =
                record(vec_text(milenage, "sets[2]", ".K"), NULL, vec_text(milenage, "sets[2]", ".OPc"));
        uint8_t sqn[6], ak[6], value[2];
        struct diagnosis d;
        char detail[16];
        vec_hex(milenage, "sets[2]", ".RAND", e.rand, 16);
        vec_hex(milenage, "sets[2]", ".SQN", sqn, 6);
        vec_hex(milenage, "sets[2]", ".f5star", ak, 6);
        vec_hex(milenage, "sets[2]", ".f1star", e.auts + 6, 8);
        for (int i = 0; i < 6; i++)
                e.auts[i] = sqn[i] ^ ak[i];
        expect(&r, &e, DIAGNOSE_auts_amf);
        assert_int_equal(diagnose_run(ctx, &r, &e, &d), 0);
        (void)snprintf(detail, sizeof detail, "AMF %s", vec_text(milenage, "sets[2]", ".AMF"));
        assert_string_equal(d.detail, detail);
        assert_true(d.has_sqn_ms && d.sqn_ms == vec_u64(milenage, "sets[2]", ".SQN"));
        e.has_auts = false;
        e.has_autn = true;
        vec_hex(milenage, "sets[2]", ".f5", ak, 6);
        vec_hex(milenage, "sets[2]", ".AMF", value, 2);
        for (int i = 0; i < 6; i++)
                e.autn[i] = sqn[i] ^ ak[i];
        vec_hex(milenage, "sets[2]", ".f1", e.autn + 8, 8);
        memcpy(e.autn + 6, value, 2);
        expect(&r, &e, DIAGNOSE_nothing_wrong);
        e.autn[6] ^= 0x80;
        expect(&r, &e, DIAGNOSE_autn_amf);
        assert_int_equal(diagnose_run(ctx, &r, &e, &d), 0);
        assert_string_equal(d.detail, detail);
}

/* --- the store --- */

static void expect_other(struct diagnose_key other, struct diagnose_key r, bool same, enum diagnose_row row)
{
        for (unsigned i = 0; i < SUB_EVIDENCE; i++) {
                const struct diagnose_evidence e = sub_evidence(i);
                struct diagnosis d;
                assert_int_equal(diagnose_run(ctx, &r, &e, &d), -IMS_ENOTFOUND);
                size_t tried = d.tried;
                struct diagnose_key stranger = record(OTHER_K, NULL, "00000000000000000000000000000001");
                assert_int_equal(diagnose_other(ctx, &r, &e, &stranger, false, &d), -IMS_ENOTFOUND);
                assert_int_equal(diagnose_other(ctx, &r, &e, &other, same, &d), 0);
                assert_int_equal(d.row, row);
                assert_true(d.tried > tried + 1);
        }
        seen[row] = true;
}

static void others(void **state)
{
        (void)state;
        const struct diagnose_key sim = record(SUB_K, NULL, SUB_OPC);
        const char *opc = "d1e2f3a4b5c6978801122334455667a8";
        expect_other(sim, record(OTHER_K, NULL, opc), false, DIAGNOSE_other_sim);
        expect_other(sim, record(OTHER_K, NULL, opc), true, DIAGNOSE_isim_usim);
        expect_other(record(SUB_K, NULL, opc), record(OTHER_K, NULL, SUB_OPC), false, DIAGNOSE_other_k);
        expect_other(record(SUB_K, NULL, opc), record(OTHER_K, SUB_OP, NULL), false, DIAGNOSE_other_k);
        expect_other(record(OTHER_K, NULL, SUB_OPC), record(SUB_K, NULL, opc), false, DIAGNOSE_other_opc);
        expect_other(record(OTHER_K, SUB_OP, NULL), record(SUB_K, NULL, opc), false, DIAGNOSE_other_opc);
}

/* --- SQN --- */

static void sqn_rows(void **state)
{
        (void)state;
        enum { NONE = -1 };
        static const struct {
                uint64_t stored_seq;
                int64_t challenge;
                uint64_t sqn_ms, delta;
                enum diagnose_row row;
                bool settled;
                uint64_t distance;
        } rows[] = {
                {100, NONE, 99 * 32 + 28, 0, DIAGNOSE_nothing_wrong, true, 1},
                {100, NONE, 100 * 32 + 28, 0, DIAGNOSE_nothing_wrong, true, 0},
                {100, NONE, 4196 * 32 + 29, 0, DIAGNOSE_sim_ahead, false, 4096},
                {100, NONE, 101 * 32, 0, DIAGNOSE_sim_ahead, false, 1},
                {1000000, NONE, 50 * 32, 1000, DIAGNOSE_sim_behind, false, 999950},
                {UINT64_C(1) << 30, NONE, 50 * 32, 0, DIAGNOSE_sim_behind, false, (UINT64_C(1) << 30) - 50},
                {1050, NONE, 50 * 32, 1000, DIAGNOSE_sim_behind, false, 1000},
                {1049, NONE, 50 * 32, 1000, DIAGNOSE_nothing_wrong, true, 999},
                /* after the HSS has followed, the challenge tells how it was */
                {4196, 100 * 32 + 28, 4196 * 32 + 29, 0, DIAGNOSE_sim_ahead, true, 4096},
                {100, 100 * 32 + 28, 100 * 32 + 28, 0, DIAGNOSE_sim_ahead, true, 0},
                {1000, 1000 * 32 + 28, 100 * 32 + 28, 0, DIAGNOSE_sim_limit, true, 900},
                {500000, 400000 * 32 + 28, 100 * 32 + 28, 0, DIAGNOSE_sim_limit, true, 399900},
                {50, 400000 * 32 + 28, 100 * 32 + 28, 1000, DIAGNOSE_sim_behind, false, 399900},
                /* the SIM counts IND in 0 bits, or in 8 */
                {500000, NONE, 500010, 0, DIAGNOSE_ind_length, true, 500000 - 500010 / 32},
                {500000, NONE, 500010 * 256 + 7, 0, DIAGNOSE_ind_length, false, 500010 * 8 - 500000},
                {100, NONE, 101, 0, DIAGNOSE_nothing_wrong, true, 97}, /* too small to say so */
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const struct sqn_scheme scheme = {.ind_bits = 5, .delta = rows[i].delta};
                const struct sqn_hss stored = {.seq = rows[i].stored_seq};
                const uint64_t challenge = (uint64_t)rows[i].challenge;
                struct diagnose_sqn d = diagnose_sqn(
                        &scheme, &stored, rows[i].challenge == NONE ? NULL : &challenge, rows[i].sqn_ms);
                if (d.row != rows[i].row)
                        fail_msg("row %zu: %s and not %s", i, diagnose_name(d.row),
                                 diagnose_name(rows[i].row));
                assert_int_equal(d.settled, rows[i].settled);
                if (d.distance != rows[i].distance)
                        fail_msg("row %zu: distance %llu", i, (unsigned long long)d.distance);
                assert_int_equal(d.seq_ms, rows[i].sqn_ms / 32);
                assert_int_equal(d.ind_ms, rows[i].sqn_ms % 32);
                seen[d.row] = true;
        }
}

/* --- the search itself --- */

static void limits(void **state)
{
        (void)state;
        struct diagnosis d;
        struct diagnose_key r = record(OTHER_K, NULL, "d1e2f3a4b5c6978801122334455667a8");
        struct diagnose_evidence none = {0}, e = sub_res(), both = sub_auts();
        assert_int_equal(diagnose_run(ctx, &r, &none, &d), -IMS_EINVAL);
        assert_int_equal(diagnose_run(ctx, &r, &e, &d), -IMS_ENOTFOUND);
        assert_in_range(d.tried, 1000, 10000);
        assert_int_equal(d.row, DIAGNOSE_ROW_COUNT);
        /* two pieces of evidence that do not agree fit no candidate */
        r = record(SUB_K, NULL, SUB_OPC);
        both.res_n = 8;
        memcpy(both.res, e.res, 8); /* RES of another RAND */
        assert_int_equal(diagnose_run(ctx, &r, &both, &d), -IMS_ENOTFOUND);
        assert_int_equal(diagnose_bits(&both), 128);
        /* AUTN says nothing about the SIM when RES is known */
        r = record(SUB_K, NULL, SUB_OP);
        e.has_autn = true;
        memset(e.autn, 0x55, 16);
        expect(&r, &e, DIAGNOSE_op_as_opc);
        assert_int_equal(diagnose_bits(&e), 64);
}

/* The last one: no row of the table was left out above. */
static void every_row(void **state)
{
        (void)state;
        for (unsigned r = 0; r < DIAGNOSE_ROW_COUNT; r++) {
                if (!seen[r])
                        fail_msg("no test finds %s", diagnose_name((enum diagnose_row)r));
                assert_true(*diagnose_text((enum diagnose_row)r));
        }
}

static int setup(void **state)
{
        (void)state;
        milenage = json_read(TEST_DATA "/vectors/milenage.json");
        tuak = json_read(TEST_DATA "/vectors/tuak.json");
        aka_digest = json_read(TEST_DATA "/vectors/aka-digest.json");
        return aka_ctx_new(&ctx);
}

static int teardown(void **state)
{
        (void)state;
        aka_ctx_free(ctx);
        free(milenage);
        free(tuak);
        free(aka_digest);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(nothing_wrong), cmocka_unit_test(op_and_opc),    cmocka_unit_test(forms),
                cmocka_unit_test(digits),        cmocka_unit_test(test_keys),     cmocka_unit_test(tuak_rows),
                cmocka_unit_test(phones),        cmocka_unit_test(xor_algorithm), cmocka_unit_test(amf),
                cmocka_unit_test(others),        cmocka_unit_test(sqn_rows),      cmocka_unit_test(limits),
                cmocka_unit_test(every_row),
        };
        return cmocka_run_group_tests(tests, setup, teardown);
}
