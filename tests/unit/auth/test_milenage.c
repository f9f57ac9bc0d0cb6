/* SPDX-License-Identifier: BSD-3-Clause
 * Milenage against the published sets of TS 35.207 and TS 35.208 (AKA-009, AKA-042). */
#include "tests/unit/auth/vectors.h"

#include "common/auth/milenage.h"

static char *doc;
static EVP_CIPHER_CTX *aes;

static void expect(const char *set, const char *name, const uint8_t *got, size_t n)
{
        uint8_t want[32];
        assert_int_equal(vec_hex(doc, set, name, want, sizeof(want)), n);
        assert_memory_equal(got, want, n);
}

static void check_set(const char *set)
{
        uint8_t k[16], op[16], opc[16], rand[16], sqn[6], amf[2];
        struct milenage_out out;
        vec_hex(doc, set, ".K", k, 16);
        vec_hex(doc, set, ".OP", op, 16);
        vec_hex(doc, set, ".RAND", rand, 16);
        vec_hex(doc, set, ".SQN", sqn, 6);
        vec_hex(doc, set, ".AMF", amf, 2);
        assert_int_equal(milenage_opc(aes, k, op, opc), 0);
        expect(set, ".OPc", opc, 16);
        assert_int_equal(milenage_run(aes, k, opc, rand, sqn, (uint16_t)(amf[0] << 8 | amf[1]), &out), 0);
        expect(set, ".f1", out.mac_a, 8);
        expect(set, ".f1star", out.mac_s, 8);
        expect(set, ".f2", out.res, 8);
        expect(set, ".f3", out.ck, 16);
        expect(set, ".f4", out.ik, 16);
        expect(set, ".f5", out.ak, 6);
        expect(set, ".f5star", out.ak_star, 6);
}

static void test_published_sets(void **state)
{
        (void)state;
        unsigned n = 0;
        char set[32];
        for (;; n++) {
                (void)snprintf(set, sizeof(set), "sets[%u]", n);
                if (!vec_has(doc, set))
                        break;
                check_set(set);
                milenage_cipher_wipe(aes);
        }
        assert_int_equal(n, 6);
}

/* Without SQN all but f1 and f1* come out the same. */
static void test_without_sqn(void **state)
{
        (void)state;
        uint8_t k[16], opc[16], rand[16];
        struct milenage_out out;
        vec_hex(doc, "sets[0]", ".K", k, 16);
        vec_hex(doc, "sets[0]", ".OPc", opc, 16);
        vec_hex(doc, "sets[0]", ".RAND", rand, 16);
        assert_int_equal(milenage_run(aes, k, opc, rand, NULL, 0xffff, &out), 0);
        expect("sets[0]", ".f2", out.res, 8);
        expect("sets[0]", ".f5star", out.ak_star, 6);
        const uint8_t zero[8] = {0};
        assert_memory_equal(out.mac_a, zero, 8);
        assert_memory_equal(out.mac_s, zero, 8);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_published_sets),
                cmocka_unit_test(test_without_sqn),
        };
        doc = json_read(TEST_DATA "/vectors/milenage.json");
        if (milenage_cipher_new(&aes) != 0)
                return 2;
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        EVP_CIPHER_CTX_free(aes);
        free(doc);
        return failed;
}
