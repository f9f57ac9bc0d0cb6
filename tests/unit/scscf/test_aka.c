/* SPDX-License-Identifier: BSD-3-Clause
 * RFC 3310 at the S-CSCF: vectors, challenge, verification and its negatives. AKA-025, AKA-026, AKA-033,
 * AKA-042. The expected digest is that of tests/data/vectors/aka-digest.json, "AKAv1-MD5 REGISTER". */
#include "reg_fake.h"

static void unhex(const char *hex, void *out, size_t n)
{
        assert_int_equal(hex_decode(span_of(hex), out, n), 0);
}

static void example(struct aka_av *v)
{
        *v = (struct aka_av){.xres_n = 8};
        unhex("7d3e9a10c5b84f2261d0e7f3a9182b4c", v->rand, 16);
        unhex("f6a35707798501235bcc480c931fa9a3", v->autn, 16);
        unhex("ff81575d6b80a795", v->xres, 8);
        unhex("5169ffbe4d84707b98011abcc4271c06", v->ck.b, 16);
        unhex("c51e8e1ccce3f3437b4213703c015f1d", v->ik.b, 16);
}

static const struct sip_digest_credentials right = {
        .username = {IMPI, sizeof(IMPI) - 1},
        .realm = {DOMAIN, sizeof(DOMAIN) - 1},
        .uri = {"sip:" DOMAIN, sizeof("sip:" DOMAIN) - 1},
        .nonce = {"fT6aEMW4TyJh0OfzqRgrTPajVwd5hQEjW8xIDJMfqaM=", 44},
        .response = {"e3100c86a1d24ccffc70d350ba40f41d", 32},
        .algorithm = {"AKAv1-MD5", 9},
        .qop = {"auth", 4},
        .nc = {"00000001", 8},
        .cnonce = {"5d41402abc4b2a76", 16},
};

static enum auth_result verify(const struct sip_digest_credentials *a)
{
        const char *why = NULL;
        struct aka_av v;

        example(&v);
        return auth_aka_verify(&v, SPAN("REGISTER"), a, &why);
}

static void challenge_text(void **state)
{
        char nonce[AKA_NONCE_SIZE];
        struct buf b = BUF_INIT;
        struct aka_av v;

        (void)state;
        example(&v);
        auth_aka_nonce(&v, nonce);
        assert_string_equal(nonce, "fT6aEMW4TyJh0OfzqRgrTPajVwd5hQEjW8xIDJMfqaM=");
        auth_aka_challenge(&v, SPAN(DOMAIN), span_of(nonce), &b);
        buf_char(&b, '\0');
        assert_non_null(strstr(b.p, "realm=\"" DOMAIN "\""));
        assert_non_null(strstr(b.p, "nonce=\"fT6aEMW4TyJh0OfzqRgrTPajVwd5hQEjW8xIDJMfqaM=\""));
        assert_non_null(strstr(b.p, "algorithm=AKAv1-MD5"));
        assert_non_null(strstr(b.p, "qop=\"auth\""));
        assert_non_null(strstr(b.p, "ik=\"c51e8e1ccce3f3437b4213703c015f1d\""));
        assert_non_null(strstr(b.p, "ck=\"5169ffbe4d84707b98011abcc4271c06\""));
        buf_free(&b);
}

static void right_answer(void **state)
{
        struct sip_digest_credentials a = right;

        (void)state;
        assert_int_equal(verify(&a), AUTH_OK);
        a.response = SPAN("E3100C86A1D24CCFFC70D350BA40F41D");
        assert_int_equal(verify(&a), AUTH_OK);
        a = right;
        a.algorithm = SPAN_NULL;
        assert_int_equal(verify(&a), AUTH_OK);
}

static void answer_without_qop(void **state)
{
        struct sip_digest_credentials a = right;
        struct digest_input in = {.algorithm = DIGEST_AKAV1_MD5, .method = SPAN("REGISTER")};
        char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
        struct aka_av v;

        (void)state;
        example(&v);
        assert_int_equal(digest_ha1(DIGEST_AKAV1_MD5, a.username, a.realm, span_make(v.xres, 8), ha1), 0);
        in.ha1 = span_of(ha1);
        in.uri = a.uri;
        in.nonce = a.nonce;
        assert_int_equal(digest_response(&in, response), 0);
        a.qop = a.nc = a.cnonce = SPAN_NULL;
        a.response = span_of(response);
        assert_int_equal(verify(&a), AUTH_OK);
        a.response = right.response;
        assert_int_equal(verify(&a), AUTH_WRONG);
}

static void wrong_answers(void **state)
{
        char response[33];
        struct sip_digest_credentials a = right;

        (void)state;
        for (size_t i = 0; i < 32; i++) { /* one changed digit each */
                memcpy(response, right.response.p, 33);
                response[i] = response[i] == '0' ? '1' : '0';
                a.response = span_make(response, 32);
                assert_int_equal(verify(&a), AUTH_WRONG);
        }
        a = right;
        a.username = SPAN("mallory@" DOMAIN);
        assert_int_equal(verify(&a), AUTH_WRONG);
        a = right;
        a.realm = SPAN("example.org");
        assert_int_equal(verify(&a), AUTH_WRONG);
        a = right;
        a.uri = SPAN("sip:example.org");
        assert_int_equal(verify(&a), AUTH_WRONG);
        a = right;
        a.cnonce = SPAN("other");
        assert_int_equal(verify(&a), AUTH_WRONG);
        a = right;
        a.nc = SPAN("00000002");
        assert_int_equal(verify(&a), AUTH_WRONG);
        a = right;
        a.algorithm = SPAN("MD5");
        assert_int_equal(verify(&a), AUTH_WRONG);
        proves("AKA-033");
}

static void malformed_answers(void **state)
{
        struct sip_digest_credentials a = right;

        (void)state;
        a.response = SPAN("e310");
        assert_int_equal(verify(&a), AUTH_MALFORMED);
        a = right;
        a.uri = SPAN_NULL;
        assert_int_equal(verify(&a), AUTH_MALFORMED);
        a = right;
        a.qop = SPAN("auth-int");
        assert_int_equal(verify(&a), AUTH_MALFORMED);
        a = right;
        a.cnonce = SPAN_NULL;
        assert_int_equal(verify(&a), AUTH_MALFORMED);
        a = right;
        a.nc = SPAN("1");
        assert_int_equal(verify(&a), AUTH_MALFORMED);
        a = right;
        a.qop = SPAN_NULL;
        assert_int_equal(verify(&a), AUTH_MALFORMED);
}

static void vector_lengths(void **state)
{
        const char *why = NULL;
        struct cx_auth_item good, item;
        char octets[96];
        struct aka_av v;

        (void)state;
        fake_item(1, octets, &good);
        assert_int_equal(auth_aka_select(&good, &v, &why), 0);
        assert_int_equal(v.xres_n, XRES_N);
        item = good;
        item.authenticate.n = 31;
        assert_int_equal(auth_aka_select(&item, &v, &why), -IMS_EPROTO);
        item = good;
        item.authorization.n = 3;
        assert_int_equal(auth_aka_select(&item, &v, &why), -IMS_EPROTO);
        item.authorization.n = 17;
        assert_int_equal(auth_aka_select(&item, &v, &why), -IMS_EPROTO);
        item = good;
        item.ck.n = 15;
        assert_int_equal(auth_aka_select(&item, &v, &why), -IMS_EPROTO);
        item = good;
        item.ik = SPAN_NULL;
        assert_int_equal(auth_aka_select(&item, &v, &why), -IMS_EPROTO);
        assert_non_null(why);
        item = good;
        item.scheme = SPAN(CX_SCHEME_DIGEST);
        assert_int_equal(auth_aka_select(&item, &v, &why), -IMS_EUNSUPPORTED);
        proves("AKA-042");
}

static void fifo(void **state)
{
        struct av *avs = NULL;
        struct aka_av v = {0}, out;

        (void)state;
        for (uint8_t i = 1; i <= 3; i++) {
                v.rand[0] = i;
                assert_int_equal(av_push(&avs, &v, 3), 0);
        }
        assert_int_equal(av_push(&avs, &v, 3), -IMS_ELIMIT);
        assert_int_equal(av_count(avs), 3);
        for (uint8_t i = 1; i <= 2; i++) {
                assert_true(av_pop(&avs, &out));
                assert_int_equal(out.rand[0], i);
        }
        av_clear(&avs);
        assert_null(avs);
        assert_false(av_pop(&avs, &out));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(challenge_text),
                cmocka_unit_test(right_answer),
                cmocka_unit_test(answer_without_qop),
                cmocka_unit_test(wrong_answers),
                cmocka_unit_test(malformed_answers),
                cmocka_unit_test(vector_lengths),
                cmocka_unit_test(fifo),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
