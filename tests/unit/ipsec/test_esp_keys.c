/* SPDX-License-Identifier: BSD-3-Clause
 * Keys for ESP against tests/data/vectors/ipsec-keys.json (TS 33.203 Annex I). */
#include "tests/unit/auth/vectors.h"

#include "common/ipsec/esp_keys.h"
#include "tests/unit/proves.h"

static char *vectors;

static const struct sec_suite sha_null = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL};
static const struct sec_suite sha_cbc = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC};
static const struct sec_suite gcm = {SEC_ALG_NULL, SEC_EALG_AES_GCM};
static const struct sec_suite gmac = {SEC_ALG_AES_GMAC, SEC_EALG_NULL};
static const struct sec_suite md5_3des = {SEC_ALG_HMAC_MD5_96, SEC_EALG_DES_EDE3_CBC};

static void expand(const char *example, struct sec_suite s, struct esp_keys *out)
{
        struct key128 ck, ik;

        assert_int_equal(vec_hex(vectors, example, ".CK_IM", ck.b, 16), 16);
        assert_int_equal(vec_hex(vectors, example, ".IK_IM", ik.b, 16), 16);
        assert_int_equal(esp_keys_expand(s, &ck, &ik, out), 0);
}

static void assert_key(const uint8_t *got, size_t got_n, const char *example, const char *rest)
{
        uint8_t want[64];

        assert_int_equal(got_n, vec_hex(vectors, example, rest, want, sizeof(want)));
        assert_memory_equal(got, want, got_n);
}

/* The next example, or NULL. */
static const char *next(unsigned *i)
{
        static char path[32];

        (void)snprintf(path, sizeof(path), "examples[%u]", (*i)++);
        return vec_has(vectors, path) ? path : NULL;
}

static void hmac_sha_1(void **state)
{
        unsigned i = 0;
        struct esp_keys k;

        (void)state;
        for (const char *at; (at = next(&i));) {
                expand(at, sha_null, &k);
                assert_key(k.integrity, k.integrity_n, at, ".hmac_sha_1_96.IK_ESP");
                assert_int_equal(k.encryption_n, 0);
        }
        assert_int_equal(i, 3);
        proves("KEY-002");
}

static void aes_cbc(void **state)
{
        unsigned i = 0;
        struct esp_keys k;

        (void)state;
        for (const char *at; (at = next(&i));) {
                expand(at, sha_cbc, &k);
                assert_key(k.encryption, k.encryption_n, at, ".aes_cbc.CK_ESP");
                assert_key(k.integrity, k.integrity_n, at, ".hmac_sha_1_96.IK_ESP");
        }
        assert_int_equal(i, 3);
        proves("KEY-006");
}

static void aes_gmac(void **state)
{
        unsigned i = 0;
        struct esp_keys k;

        (void)state;
        for (const char *at; (at = next(&i));) {
                expand(at, gmac, &k);
                assert_key(k.integrity, k.integrity_n, at, ".aes_gmac.linux_keymat");
                assert_key(k.integrity, 16, at, ".aes_gmac.IK_ESP");
                assert_key(k.integrity + 16, 4, at, ".aes_gmac.salt");
                assert_int_equal(k.encryption_n, 0);
        }
        assert_int_equal(i, 3);
        proves("KEY-003 KEY-004 KEY-005");
}

static void aes_gcm(void **state)
{
        unsigned i = 0;
        struct esp_keys k;

        (void)state;
        for (const char *at; (at = next(&i));) {
                expand(at, gcm, &k);
                assert_key(k.encryption, k.encryption_n, at, ".aes_gcm.linux_keymat");
                assert_key(k.encryption, 16, at, ".aes_gcm.CK_ESP");
                assert_key(k.encryption + 16, 4, at, ".aes_gcm.salt");
                assert_int_equal(k.integrity_n, 0);
        }
        assert_int_equal(i, 3);
        proves("KEY-007 KEY-008 KEY-009");
}

/* IK unchanged; CK1 || CK2 || CK1, each octet of odd parity and otherwise as it was. */
static void of_older_releases(void **state)
{
        unsigned i = 0;
        struct esp_keys k;
        uint8_t ck[16];

        (void)state;
        for (const char *at; (at = next(&i));) {
                expand(at, md5_3des, &k);
                assert_key(k.integrity, k.integrity_n, at, ".IK_IM");
                vec_hex(vectors, at, ".CK_IM", ck, sizeof(ck));
                assert_int_equal(k.encryption_n, 24);
                assert_memory_equal(k.encryption, k.encryption + 16, 8);
                for (size_t b = 0; b < 24; b++) {
                        unsigned ones = 0;

                        for (unsigned bit = 0; bit < 8; bit++)
                                ones += k.encryption[b] >> bit & 1;
                        assert_int_equal(ones % 2, 1);
                        assert_int_equal(k.encryption[b] >> 1, ck[b % 16] >> 1);
                }
        }
        assert_int_equal(i, 3);
        proves("KEY-010");
}

/* What is not allowed gets no keys, and nothing is written. */
static void not_allowed(void **state)
{
        const struct key128 key = {{1}};
        struct esp_keys k, before;

        (void)state;
        memset(&k, 0xaa, sizeof(k));
        before = k;
        for (enum sec_alg a = SEC_ALG_NULL; a <= SEC_ALG_OTHER; a++) {
                for (enum sec_ealg e = SEC_EALG_NULL; e <= SEC_EALG_OTHER; e++) {
                        struct sec_suite s = {a, e};

                        if (sec_suite_allowed(s))
                                continue;
                        assert_int_equal(esp_keys_expand(s, &key, &key, &k), -IMS_EUNSUPPORTED);
                        assert_memory_equal(&k, &before, sizeof(k));
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hmac_sha_1),        cmocka_unit_test(aes_cbc),
                cmocka_unit_test(aes_gmac),          cmocka_unit_test(aes_gcm),
                cmocka_unit_test(of_older_releases), cmocka_unit_test(not_allowed),
        };
        int r;

        vectors = json_read(TEST_DATA "/vectors/ipsec-keys.json");
        r = cmocka_run_group_tests_name("ipsec.esp_keys", tests, NULL, NULL);
        free(vectors);
        return r;
}
