/* SPDX-License-Identifier: BSD-3-Clause
 * HTTP digest and Digest AKA against published and computed examples, with RES that holds a zero octet
 * or a colon. */
#include "tests/unit/auth/vectors.h"

#include "common/auth/digest.h"

static char *http, *aka;

static struct span text(const char *doc, const char *path, const char *name)
{
        char full[128], value[8];
        (void)snprintf(full, sizeof(full), "%s%s", path, name);
        return json_text(doc, full, value, sizeof(value)) ? span_of(vec_text(doc, path, name)) : SPAN_NULL;
}

/* H(A1), response and rspauth as at the path; method and uri of in are set. */
static void check(const char *doc, const char *path, struct digest_input *in, struct span user,
                  struct span realm, struct span password)
{
        char ha1[DIGEST_HEX_MAX], got[DIGEST_HEX_MAX];
        assert_int_equal(digest_ha1(in->algorithm, user, realm, password, ha1), 0);
        assert_string_equal(ha1, vec_text(doc, path, ".A1_hash"));
        in->ha1 = span_of(ha1);
        assert_int_equal(digest_response(in, got), 0);
        assert_string_equal(got, vec_text(doc, path, ".response"));
        in->method = SPAN_NULL;
        if (span_eq(in->qop, SPAN("auth-int"))) /* the vector's rspauth leaves the answer's body out */
                in->qop = SPAN_NULL;
        else {
                assert_int_equal(digest_response(in, got), 0);
                assert_string_equal(got, vec_text(doc, path, ".rspauth"));
        }
}

static void check_http(const char *example)
{
        char in_path[96], out_path[96];
        struct digest_input in = {0};
        (void)snprintf(in_path, sizeof(in_path), "%s.inputs", example);
        (void)snprintf(out_path, sizeof(out_path), "%s.results", example);
        assert_int_equal(digest_algorithm_parse(text(http, in_path, ".alg"), &in.algorithm), 0);
        in.method = text(http, in_path, ".method");
        in.uri = text(http, in_path, ".uri");
        in.nonce = text(http, in_path, ".nonce");
        in.cnonce = text(http, in_path, ".cnonce");
        in.nc = text(http, in_path, ".nc");
        in.qop = text(http, in_path, ".qop");
        in.body = text(http, in_path, ".body");
        check(http, out_path, &in, text(http, in_path, ".user"), text(http, in_path, ".realm"),
              text(http, in_path, ".pw"));
}

static void test_http_examples(void **state)
{
        (void)state;
        unsigned n = 0, checked = 0;
        for (;; n++) {
                char path[64];
                (void)snprintf(path, sizeof(path), "examples[%u]", n);
                if (!vec_has(http, path))
                        break;
                if (span_eq(text(http, path, ".inputs.alg"), SPAN("SHA-512-256")))
                        continue; /* none of ours */
                check_http(path);
                checked++;
        }
        assert_int_equal(n, 10);
        assert_int_equal(checked, 9);
}

/* The password of an AKA example: RES as it is, or the PRF's output in base64. */
static struct span aka_password(const char *path, enum digest_algorithm a, char buf[static 64])
{
        char vector[96];
        struct key128 ik, ck;
        uint8_t res[16];
        (void)snprintf(vector, sizeof(vector), "%s.vector", path);
        size_t n = vec_hex(aka, vector, ".XRES", res, 16);
        vec_hex(aka, vector, ".IK", ik.b, 16);
        vec_hex(aka, vector, ".CK", ck.b, 16);
        if (a == DIGEST_AKAV1_MD5 || a == DIGEST_AKAV1_SHA256) {
                memcpy(buf, res, n);
                return span_make(buf, n);
        }
        assert_int_equal(digest_akav2_password(a, span_make(res, n), &ik, &ck, buf), 0);
        assert_string_equal(buf, vec_text(aka, path, ".password"));
        return span_of(buf);
}

/* Among them a RES with a zero octet and one with a colon. */
static void test_aka_examples(void **state)
{
        (void)state;
        unsigned n = 0, zero = 0, colon = 0;
        for (;; n++) {
                char path[64], password[64], vector[96];
                struct digest_input in = {0};
                (void)snprintf(path, sizeof(path), "examples[%u]", n);
                if (!vec_has(aka, path))
                        break;
                assert_int_equal(digest_algorithm_parse(text(aka, path, ".algorithm"), &in.algorithm), 0);
                assert_true(digest_is_aka(in.algorithm));
                struct span p = aka_password(path, in.algorithm, password);
                zero += span_chr(p, 0, 0) >= 0;
                colon += span_chr(p, ':', 0) >= 0;
                (void)snprintf(vector, sizeof(vector), "%s.vector", path);
                in.nonce = text(aka, vector, ".nonce");
                in.method = text(aka, path, ".method");
                in.uri = text(aka, path, ".uri");
                in.cnonce = text(aka, path, ".cnonce");
                in.nc = text(aka, path, ".nc");
                in.qop = text(aka, path, ".qop");
                check(aka, path, &in, text(aka, path, ".username"), text(aka, path, ".realm"), p);
        }
        assert_int_equal(n, 6);
        assert_int_equal(zero, 1);
        assert_int_equal(colon, 1);
}

/* RFC 3310 3.4: with auts the response is computed over an empty password. */
static void test_auts_empty_password(void **state)
{
        (void)state;
        char ha1[DIGEST_HEX_MAX], got[DIGEST_HEX_MAX];
        assert_int_equal(digest_ha1(DIGEST_AKAV1_MD5, text(aka, "examples[0]", ".username"),
                                    text(aka, "subscriber", ".realm"), SPAN_NULL, ha1),
                         0);
        const struct digest_input in = {.algorithm = DIGEST_AKAV1_MD5,
                                        .ha1 = span_of(ha1),
                                        .method = SPAN("REGISTER"),
                                        .uri = text(aka, "examples[0]", ".uri"),
                                        .nonce = text(aka, "resynchronisation.challenge", ".nonce"),
                                        .cnonce = text(aka, "resynchronisation", ".cnonce"),
                                        .nc = text(aka, "resynchronisation", ".nc"),
                                        .qop = SPAN("auth")};
        assert_int_equal(digest_response(&in, got), 0);
        assert_string_equal(got, vec_text(aka, "resynchronisation", ".response_with_empty_password"));
}

static void test_algorithm_words(void **state)
{
        (void)state;
        enum digest_algorithm a = DIGEST_MD5;
        for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
                const char *name = digest_algorithm_name((enum digest_algorithm)i);
                assert_int_equal(digest_algorithm_parse(span_of(name), &a), 0);
                assert_int_equal(a, i);
        }
        assert_int_equal(digest_algorithm_parse(SPAN("akav1-md5"), &a), 0);
        assert_int_equal(a, DIGEST_AKAV1_MD5);
        assert_false(digest_is_aka(DIGEST_SHA256));
        assert_int_equal(digest_algorithm_parse(SPAN("MD5-sess"), &a), -IMS_EUNSUPPORTED);
        assert_int_equal(digest_algorithm_parse(SPAN("MD"), &a), -IMS_EUNSUPPORTED);
        assert_int_equal(digest_algorithm_parse(SPAN_NULL, &a), -IMS_EUNSUPPORTED);
        assert_int_equal(a, DIGEST_AKAV1_MD5);
}

static void test_equal(void **state)
{
        (void)state;
        const char *want = "6629fae49393a05397450978507c4ef1";
        assert_true(digest_equal(SPAN("6629fae49393a05397450978507c4ef1"), want));
        assert_true(digest_equal(SPAN("6629FAE49393A05397450978507C4EF1"), want));
        assert_false(digest_equal(SPAN("6629fae49393a05397450978507c4ef0"), want));
        assert_false(digest_equal(SPAN("7629fae49393a05397450978507c4ef1"), want));
        assert_false(digest_equal(SPAN("6629fae49393a05397450978507c4ef"), want));
        assert_false(digest_equal(SPAN("6629fae49393a05397450978507c4ef11"), want));
        assert_false(digest_equal(SPAN("&629fae49393a05397450978507c4ef1"), want));
        /* only letters fold: a control character is not the digit 32 above it */
        assert_false(digest_equal(SPAN("6629fae49393a05397450978507c4ef\x11"), want));
        assert_false(digest_equal(SPAN_NULL, want));
        assert_false(digest_equal(SPAN_NULL, ""));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_http_examples),
                cmocka_unit_test(test_aka_examples),
                cmocka_unit_test(test_auts_empty_password),
                cmocka_unit_test(test_algorithm_words),
                cmocka_unit_test(test_equal),
        };
        http = json_read(TEST_DATA "/vectors/http-digest.json");
        aka = json_read(TEST_DATA "/vectors/aka-digest.json");
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        free(http);
        free(aka);
        return failed;
}
