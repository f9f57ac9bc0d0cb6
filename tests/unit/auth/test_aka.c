/* SPDX-License-Identifier: BSD-3-Clause
 * AKA vectors, AUTN and AUTS with both algorithms (AKA-009, AKA-042, AKA-053), negatives included. */
#include "tests/unit/auth/vectors.h"

#include "common/auth/aka.h"
#include "tests/unit/proves.h"

static char *milenage, *tuak, *digest;
static struct aka_ctx *ctx;

static void subscriber(struct aka_key *key)
{
        memset(key, 0, sizeof(*key));
        key->k_n = vec_hex(digest, "subscriber", ".K", key->k, 32);
        vec_hex(digest, "subscriber", ".OPc", key->opc, 16);
}

/* RAND, SQN, AMF at the path give XRES, CK, IK and AUTN there. */
static void check_vector(const struct aka_key *key, const char *path)
{
        struct aka_av av, ue;
        uint8_t rand[16], want[32];
        uint64_t sqn = 0;
        uint16_t amf = 0;
        vec_hex(digest, path, ".RAND", rand, 16);
        assert_int_equal(aka_generate(ctx, key, rand, vec_u64(digest, path, ".SQN"),
                                      (uint16_t)vec_u64(digest, path, ".AMF"), &av),
                         0);
        assert_memory_equal(av.rand, rand, 16);
        assert_int_equal(vec_hex(digest, path, ".XRES", want, 32), av.xres_n);
        assert_memory_equal(av.xres, want, av.xres_n);
        vec_hex(digest, path, ".CK", want, 32);
        assert_memory_equal(av.ck.b, want, 16);
        vec_hex(digest, path, ".IK", want, 32);
        assert_memory_equal(av.ik.b, want, 16);
        vec_hex(digest, path, ".AUTN", want, 32);
        assert_memory_equal(av.autn, want, 16);
        assert_int_equal(aka_check_autn(ctx, key, rand, av.autn, &sqn, &amf, &ue), 0);
        assert_true(sqn == vec_u64(digest, path, ".SQN"));
        assert_int_equal(amf, vec_u64(digest, path, ".AMF"));
        assert_memory_equal(&ue, &av, sizeof(av));
}

static void test_worked_examples(void **state)
{
        (void)state;
        struct aka_key key;
        char path[64];
        unsigned n = 0;
        subscriber(&key);
        for (;; n++) {
                (void)snprintf(path, sizeof(path), "examples[%u].vector", n);
                if (!vec_has(digest, path))
                        break;
                check_vector(&key, path);
        }
        assert_int_equal(n, 6);
        check_vector(&key, "resynchronisation.challenge");
}

static void test_opc_from_op(void **state)
{
        (void)state;
        struct aka_key key, want;
        uint8_t op[32];
        subscriber(&want);
        key = want;
        memset(key.opc, 0, sizeof(key.opc));
        vec_hex(digest, "subscriber", ".OP", op, 16);
        assert_int_equal(aka_derive_opc(ctx, &key, op), 0);
        assert_memory_equal(key.opc, want.opc, 16);
}

static void test_milenage_sets_as_vectors(void **state)
{
        (void)state;
        for (unsigned n = 0; n < 6; n++) {
                struct aka_key key = {.k_n = 16};
                struct aka_av av;
                char set[32];
                uint8_t rand[16], want[32];
                (void)snprintf(set, sizeof(set), "sets[%u]", n);
                vec_hex(milenage, set, ".K", key.k, 16);
                vec_hex(milenage, set, ".OPc", key.opc, 16);
                vec_hex(milenage, set, ".RAND", rand, 16);
                uint64_t sqn = vec_u64(milenage, set, ".SQN"), ak = vec_u64(milenage, set, ".f5");
                assert_int_equal(
                        aka_generate(ctx, &key, rand, sqn, (uint16_t)vec_u64(milenage, set, ".AMF"), &av), 0);
                uint64_t hidden = 0;
                for (unsigned i = 0; i < 6; i++)
                        hidden = hidden << 8 | av.autn[i];
                assert_true(hidden == (sqn ^ ak));
                vec_hex(milenage, set, ".f1", want, 8);
                assert_memory_equal(av.autn + 8, want, 8);
                vec_hex(milenage, set, ".f2", want, 8);
                assert_memory_equal(av.xres, want, 8);
        }
        proves("AKA-009");
}

/* Set 1 of TS 35.233 has the lengths of 3G: MAC 64 bits, CK and IK 128 bits, RES 32 bits. */
static void test_tuak_vector(void **state)
{
        (void)state;
        struct aka_key key = {.algorithm = AKA_TUAK, .keccak_iterations = 1, .res_n = 4};
        struct aka_av av, ue;
        uint8_t top[32], rand[16], want[32];
        uint64_t sqn = 0;
        uint16_t amf = 0;
        key.k_n = vec_hex(tuak, "sets[0]", ".K", key.k, 32);
        vec_hex(tuak, "sets[0]", ".TOP", top, 32);
        vec_hex(tuak, "sets[0]", ".RAND", rand, 16);
        assert_int_equal(aka_derive_opc(ctx, &key, top), 0);
        vec_hex(tuak, "sets[0]", ".TOPc", want, 32);
        assert_memory_equal(key.opc, want, 32);
        assert_int_equal(aka_generate(ctx, &key, rand, 0x111111111111, 0xffff, &av), 0);
        assert_int_equal(av.xres_n, 4);
        vec_hex(tuak, "sets[0]", ".f2", want, 4);
        assert_memory_equal(av.xres, want, 4);
        vec_hex(tuak, "sets[0]", ".f1", want, 8);
        assert_memory_equal(av.autn + 8, want, 8);
        vec_hex(tuak, "sets[0]", ".f3", want, 16);
        assert_memory_equal(av.ck.b, want, 16);
        assert_int_equal(aka_check_autn(ctx, &key, rand, av.autn, &sqn, &amf, &ue), 0);
        assert_true(sqn == 0x111111111111);
        assert_int_equal(amf, 0xffff);
        av.autn[15] ^= 1;
        assert_int_equal(aka_check_autn(ctx, &key, rand, av.autn, &sqn, &amf, &ue), -IMS_EAUTH);
}

static void check_auts_round_trip(const struct aka_key *key, uint64_t sqn_ms)
{
        const uint8_t rand[16] = {1, 2, 3};
        uint8_t auts[14];
        uint64_t got = 0;
        assert_int_equal(aka_make_auts(ctx, key, rand, sqn_ms, auts), 0);
        assert_int_equal(aka_check_auts(ctx, key, rand, auts, &got), 0);
        assert_true(got == sqn_ms);
        for (unsigned bit = 0; bit < 14 * 8; bit++) { /* every forged bit is seen */
                auts[bit / 8] ^= (uint8_t)(1 << bit % 8);
                got = 77;
                assert_int_equal(aka_check_auts(ctx, key, rand, auts, &got), -IMS_EAUTH);
                assert_true(got == 77);
                auts[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
}

static void test_auts_round_trip(void **state)
{
        (void)state;
        struct aka_key key;
        subscriber(&key);
        check_auts_round_trip(&key, 0);
        check_auts_round_trip(&key, AKA_SQN_MAX);
        key.algorithm = AKA_TUAK;
        key.k_n = 32;
        key.res_n = 16;
        check_auts_round_trip(&key, 0x123456789abc);
}

static void test_resynchronisation(void **state)
{
        (void)state;
        struct aka_key key;
        uint8_t rand[16], auts[14], got[14];
        uint64_t sqn_ms = 0;
        subscriber(&key);
        vec_hex(digest, "resynchronisation.challenge", ".RAND", rand, 16);
        vec_hex(digest, "resynchronisation", ".AUTS", auts, 14);
        assert_int_equal(aka_check_auts(ctx, &key, rand, auts, &sqn_ms), 0);
        assert_true(sqn_ms == vec_u64(digest, "resynchronisation", ".SQN_MS"));
        assert_int_equal(aka_make_auts(ctx, &key, rand, sqn_ms, got), 0);
        assert_memory_equal(got, auts, 14);
}

/* One bit of MAC-S changed; MAC-S made with the AMF of the vector; AUTS of another RAND. */
static void test_forged_auts(void **state)
{
        (void)state;
        struct aka_key key;
        unsigned n = 0;
        subscriber(&key);
        for (;; n++) {
                char path[64], rand_path[80];
                uint8_t rand[16], auts[14];
                uint64_t sqn_ms = 4711;
                (void)snprintf(path, sizeof(path), "resynchronisation.negative[%u]", n);
                if (!vec_has(digest, path))
                        break;
                (void)snprintf(rand_path, sizeof(rand_path), "%s.RAND", path);
                vec_hex(digest, vec_has(digest, rand_path) ? path : "resynchronisation.challenge", ".RAND",
                        rand, 16);
                vec_hex(digest, path, ".AUTS", auts, 14);
                assert_int_equal(aka_check_auts(ctx, &key, rand, auts, &sqn_ms), -IMS_EAUTH);
                assert_true(sqn_ms == 4711);
        }
        assert_int_equal(n, 3);
}

static void test_mac_failure(void **state)
{
        (void)state;
        struct aka_key key;
        struct aka_av av;
        uint8_t rand[16], autn[16];
        uint64_t sqn = 99;
        uint16_t amf = 98;
        subscriber(&key);
        memset(&av, 0x5a, sizeof(av));
        vec_hex(digest, "mac_failure", ".RAND", rand, 16);
        vec_hex(digest, "mac_failure", ".AUTN", autn, 16);
        assert_int_equal(aka_check_autn(ctx, &key, rand, autn, &sqn, &amf, &av), -IMS_EAUTH);
        assert_true(sqn == 99 && amf == 98 && av.xres[0] == 0x5a); /* nothing was written */
        autn[15] ^= 0xa2 ^ 0xa3;
        assert_int_equal(aka_check_autn(ctx, &key, rand, autn, &sqn, &amf, &av), 0);
}

static void test_wrong_shapes(void **state)
{
        (void)state;
        struct aka_key key;
        struct aka_av av;
        uint8_t out[16];
        const uint8_t rand[16] = {0};
        subscriber(&key);
        assert_int_equal(aka_generate(ctx, &key, rand, AKA_SQN_MAX, 0, &av), 0);
        assert_int_equal(aka_generate(ctx, &key, rand, AKA_SQN_MAX + 1, 0, &av), -IMS_EINVAL);
        assert_int_equal(aka_make_auts(ctx, &key, rand, AKA_SQN_MAX + 1, out), -IMS_EINVAL);
        key.k_n = 32; /* no Milenage key */
        assert_int_equal(aka_generate(ctx, &key, rand, 1, 0, &av), -IMS_EINVAL);
        key.algorithm = AKA_TUAK;
        key.res_n = 5;
        assert_int_equal(aka_generate(ctx, &key, rand, 1, 0, &av), -IMS_EINVAL);
        key.res_n = 16;
        assert_int_equal(aka_generate(ctx, &key, rand, 1, 0, &av), 0);
        assert_int_equal(av.xres_n, 16);
        key.k_n = 24;
        assert_int_equal(aka_generate(ctx, &key, rand, 1, 0, &av), -IMS_EINVAL);
        key.algorithm = (enum aka_algorithm)7;
        assert_int_equal(aka_check_auts(ctx, &key, rand, out, &(uint64_t){0}), -IMS_EINVAL);
        proves("AKA-042");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_worked_examples),
                cmocka_unit_test(test_opc_from_op),
                cmocka_unit_test(test_milenage_sets_as_vectors),
                cmocka_unit_test(test_tuak_vector),
                cmocka_unit_test(test_auts_round_trip),
                cmocka_unit_test(test_resynchronisation),
                cmocka_unit_test(test_forged_auts),
                cmocka_unit_test(test_mac_failure),
                cmocka_unit_test(test_wrong_shapes),
        };
        milenage = json_read(TEST_DATA "/vectors/milenage.json");
        tuak = json_read(TEST_DATA "/vectors/tuak.json");
        digest = json_read(TEST_DATA "/vectors/aka-digest.json");
        if (aka_ctx_new(&ctx) != 0)
                return 2;
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        aka_ctx_free(ctx);
        aka_ctx_free(NULL);
        free(milenage);
        free(tuak);
        free(digest);
        return failed;
}
