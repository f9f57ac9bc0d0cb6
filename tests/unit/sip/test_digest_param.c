/* SPDX-License-Identifier: BSD-3-Clause
 * Digest challenges, credentials and Authentication-Info: the examples of RFC 2617 3.5 and RFC 7616 3.9.1,
 * what is refused, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/sip/digest_param.h"

static void expect(struct span s, const char *text)
{
        if (!span_eq(s, span_of(text)))
                fail_msg("'" SPAN_FMT "' is not '%s'", SPAN_ARG(s), text);
}

/* A 401 with these further lines. */
static struct sip_msg *response(const char *lines)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;

        buf_printf(&b,
                   "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\nFrom: "
                   "<sip:a@a.example>;tag=1\r\nTo: <sip:a@a.example>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 "
                   "REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                   lines);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        buf_free(&b);
        return m;
}

static void challenge_of_rfc_2617(void **state)
{
        struct sip_digest_challenge c;

        (void)state;
        assert_int_equal(sip_digest_challenge_parse(SPAN("Digest realm=\"testrealm@host.com\", "
                                                         "qop=\"auth,auth-int\", "
                                                         "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
                                                         "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""),
                                                    &c),
                         0);
        expect(c.realm, "testrealm@host.com");
        expect(c.nonce, "dcd98b7102dd2f0e8b11d0f600bfb0c093");
        expect(c.opaque, "5ccc069c403ebaf9f0171e9517f40e41");
        assert_true(c.qop_auth && c.qop_auth_int && !c.stale && !c.named);
        assert_int_equal(c.algorithm, DIGEST_MD5);
}

static int nth_challenge(const struct sip_msg *m, size_t n, struct sip_digest_challenge *out)
{
        return sip_digest_challenge_parse(sip_msg_hdr(m, SIP_HDR_WWW_AUTHENTICATE, n)->value, out);
}

/* RFC 7616 3.9.1. */
static void challenges_of_rfc_7616(void **state)
{
        struct sip_msg *m =
                response("WWW-Authenticate: Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
                         "algorithm=SHA-256, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                         "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n"
                         "WWW-Authenticate: Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
                         "algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                         "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n");
        struct sip_digest_challenge c;

        (void)state;
        assert_int_equal(nth_challenge(m, 0, &c), 0);
        assert_int_equal(c.algorithm, DIGEST_SHA256);
        expect(c.opaque, "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS");
        assert_int_equal(nth_challenge(m, 1, &c), 0);
        assert_int_equal(c.algorithm, DIGEST_MD5);
        sip_msg_unref(m);
}

/* What cannot be answered is refused, not taken for something else. */
static void challenges_refused(void **state)
{
        struct sip_msg *m = response("WWW-Authenticate: Basic realm=\"r\"\r\n"
                                     "WWW-Authenticate: Digest realm=\"r\",nonce=\"a\",algorithm=SHA3\r\n"
                                     "WWW-Authenticate: Digest realm=\"r\",nonce=\"b\",qop=\"auth-conf\"\r\n"
                                     "WWW-Authenticate: Digest realm=\"r\"\r\n"
                                     "WWW-Authenticate: Digest realm=\"r\",nonce=\"c\",stale=TRUE\r\n");
        struct sip_digest_challenge c = {0};

        (void)state;
        assert_int_equal(nth_challenge(m, 0, &c), -IMS_EPARSE);
        assert_int_equal(nth_challenge(m, 1, &c), -IMS_EUNSUPPORTED);
        assert_int_equal(nth_challenge(m, 2, &c), -IMS_EPARSE);
        assert_int_equal(nth_challenge(m, 3, &c), -IMS_EPARSE);
        assert_int_equal(nth_challenge(m, 4, &c), 0);
        expect(c.nonce, "c");
        assert_true(c.stale && !c.qop_auth && !c.qop_auth_int && c.opaque.p == NULL);
        assert_int_equal(sip_digest_challenge_parse(SPAN("Digest realm=r,nonce=n,algorithm=MD5-sess"), &c),
                         -IMS_EUNSUPPORTED);
        assert_int_equal(sip_digest_challenge_parse(SPAN("Digest nonce=\"n\""), &c), -IMS_EPARSE);
        assert_int_equal(sip_digest_challenge_parse(SPAN("Basic realm=r,nonce=n"), &c), -IMS_EPARSE);
        assert_int_equal(sip_digest_challenge_parse(SPAN("Digest realm=r\\,nonce=n"), &c), -IMS_EPARSE);
        expect(c.nonce, "c");
        sip_msg_unref(m);
}

static void challenge_written(void **state)
{
        struct sip_digest_challenge c = {.realm = SPAN("ims \\\"x\\\""),
                                         .nonce = SPAN("n=="),
                                         .algorithm = DIGEST_SHA256,
                                         .named = true,
                                         .qop_auth = true};
        struct buf b = BUF_INIT;

        (void)state;
        sip_digest_challenge_write(&c, &b);
        expect(buf_as_span(&b),
               "Digest realm=\"ims \\\"x\\\"\", nonce=\"n==\", algorithm=SHA-256, qop=\"auth\"");
        buf_reset(&b);
        c = (struct sip_digest_challenge){.realm = SPAN("r"),
                                          .nonce = SPAN("n"),
                                          .opaque = SPAN(""),
                                          .stale = true,
                                          .qop_auth = true,
                                          .qop_auth_int = true};
        sip_digest_challenge_write(&c, &b);
        expect(buf_as_span(&b),
               "Digest realm=\"r\", nonce=\"n\", opaque=\"\", stale=TRUE, qop=\"auth,auth-int\"");
        buf_free(&b);
}

/* The Authorization of RFC 2617 3.5, and the empty one of PKT-TR-SEC 6.1.1.2 step 1. */
static void credentials(void **state)
{
        static const char rfc[] = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
                                  "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
                                  "qop=auth, nc=00000001, cnonce=\"0a4f113b\", "
                                  "response=\"6629fae49393a05397450978507c4ef1\", "
                                  "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        struct sip_digest_credentials c, again;
        struct buf b = BUF_INIT;

        (void)state;
        assert_int_equal(sip_digest_credentials_parse(span_of(rfc), &c), 0);
        expect(c.username, "Mufasa");
        expect(c.uri, "/dir/index.html");
        expect(c.qop, "auth");
        expect(c.nc, "00000001");
        expect(c.cnonce, "0a4f113b");
        expect(c.response, "6629fae49393a05397450978507c4ef1");
        assert_int_equal(c.algorithm.n, 0);
        sip_digest_credentials_write(&c, &b);
        expect(buf_as_span(&b), "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
                                "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
                                "response=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", "
                                "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", qop=auth, nc=00000001");
        assert_int_equal(sip_digest_credentials_parse(buf_as_span(&b), &again), 0);
        expect(again.opaque, "5ccc069c403ebaf9f0171e9517f40e41");
        buf_reset(&b);
        c = (struct sip_digest_credentials){
                .username = SPAN("u@h"), .realm = SPAN("h"), .uri = SPAN("sip:h")};
        sip_digest_credentials_write(&c, &b);
        expect(buf_as_span(&b),
               "Digest username=\"u@h\", realm=\"h\", nonce=\"\", uri=\"sip:h\", response=\"\"");
        assert_int_equal(sip_digest_credentials_parse(SPAN("NTLM username=\"u\""), &c), -IMS_EPARSE);
        assert_int_equal(sip_digest_credentials_parse(SPAN("Digest nc=1,nc=2"), &c), -IMS_EPARSE);
        buf_free(&b);
}

/* As PKT-TR-SEC 6.1.1.2 prints them: qop without quotes in a challenge, algorithm with quotes, folded lines.
 */
static void packetcable_examples(void **state)
{
        struct sip_msg *m = response("WWW-Authenticate: Digest realm=\"atlanta.com\",\r\n"
                                     "    nonce=\"CjPk9mRqNuT25eRkajM09uTl9nM09uTl9nMz5OX25PZz==\",\r\n"
                                     "    qop=auth, opaque=\"5ccc069c403ebaf9f0171e9517f40e41\",\r\n"
                                     "    algorithm=\"MD5\"\r\n"
                                     "Authentication-Info:\r\n"
                                     " qop=auth, rspauth=\"7729fae49393a05397450978507c4ef1\",\r\n"
                                     " cnonce=\"0a4f113b\",nc=00000001,\r\n"
                                     " nextnonce=\"8829fae49393a05397450978507c4ef1\"\r\n");
        struct sip_digest_challenge c;
        struct sip_digest_credentials a;
        struct sip_auth_info info;

        (void)state;
        assert_int_equal(nth_challenge(m, 0, &c), 0);
        assert_true(c.named && c.algorithm == DIGEST_MD5 && c.qop_auth && !c.qop_auth_int && !c.stale);
        expect(c.opaque, "5ccc069c403ebaf9f0171e9517f40e41");
        assert_int_equal(sip_auth_info_read(m, &info), 0);
        expect(info.rspauth, "7729fae49393a05397450978507c4ef1");
        expect(info.nextnonce, "8829fae49393a05397450978507c4ef1");
        expect(info.nc, "00000001");
        sip_msg_unref(m);
        assert_int_equal(
                sip_digest_credentials_parse(SPAN("Digest\r\n username=\"alice_private@atlanta.com\", "
                                                  "realm=\"atlanta.com\",\r\n nonce=\"CjPk==\",\r\n "
                                                  "uri=\"sip:home.atlanta.com\", qop=auth, nc=00000001,\r\n "
                                                  "cnonce=\"0a4f113b\", response=\"6629\",\r\n "
                                                  "opaque=\"5ccc\", algorithm=\"MD5\""),
                                             &a),
                0);
        expect(a.username, "alice_private@atlanta.com");
        expect(a.qop, "auth");
        expect(a.algorithm, "MD5");
}

/* RFC 3310 3.4 and 5: nonce of AKA, auts in the credentials. */
static void rfc_3310_examples(void **state)
{
        struct sip_digest_challenge c;
        struct sip_digest_credentials a;

        (void)state;
        assert_int_equal(
                sip_digest_challenge_parse(
                        SPAN("Digest realm=\"RoamingUsers@mobile.biz\", "
                             "nonce=\"MzQ0a2xrbGtmbGtsZm9wb2tsc2tqaHJzZXNy9uQyMzMzMzQK=\", qop=\"auth,"
                             "auth-int\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", "
                             "algorithm=AKAv1-MD5"),
                        &c),
                0);
        assert_int_equal(c.algorithm, DIGEST_AKAV1_MD5);
        assert_true(c.qop_auth && c.qop_auth_int);
        assert_int_equal(
                sip_digest_credentials_parse(
                        SPAN("Digest username=\"jon.dough@mobile.biz\", "
                             "realm=\"RoamingUsers@mobile.biz\", nonce=\"CjPk9mRqNuT25eRkajM09uTl9nM09uTl9nM"
                             "z5OX25PZz==\", uri=\"sip:home.mobile.biz\", qop=auth-int, nc=00000001, "
                             "cnonce=\"0a4f113b\", response=\"4429ffe49393c02397450934607c4ef1\", "
                             "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", "
                             "auts=\"5PYxMuX2NOT2NeQ=\""),
                        &a),
                0);
        expect(a.nc, "00000001");
        expect(a.qop, "auth-int");
        expect(a.response, "4429ffe49393c02397450934607c4ef1");
}

static void info_read(void **state)
{
        struct sip_msg *m = response("Authentication-Info: qop=auth, rspauth=\"376602cf\"\r\n"
                                     "Authentication-Info: cnonce=\"0a4f113b\", nc=00000001, x=y,\r\n"
                                     " nextnonce=\"next==\"\r\n");
        struct sip_auth_info info;

        (void)state;
        assert_int_equal(sip_auth_info_read(m, &info), 0);
        expect(info.qop, "auth");
        expect(info.rspauth, "376602cf");
        expect(info.cnonce, "0a4f113b");
        expect(info.nc, "00000001");
        expect(info.nextnonce, "next==");
        sip_msg_unref(m);
        m = response("");
        assert_int_equal(sip_auth_info_read(m, &info), -IMS_ENOTFOUND);
        sip_msg_unref(m);
        m = response("Authentication-Info: qop=auth\r\nAuthentication-Info: qop=auth\r\n");
        assert_int_equal(sip_auth_info_read(m, &info), -IMS_EPARSE);
        sip_msg_unref(m);
        info = (struct sip_auth_info){.qop = SPAN("auth")};
        m = response("Authentication-Info: rspauth\r\n");
        assert_int_equal(sip_auth_info_read(m, &info), -IMS_EPARSE);
        expect(info.qop, "auth");
        sip_msg_unref(m);
}

static void info_written(void **state)
{
        struct sip_auth_info info = {.nextnonce = SPAN("n2"), .rspauth = SPAN("aa")};
        struct buf b = BUF_INIT;

        (void)state;
        buf_puts(&b, "Authentication-Info: ");
        sip_auth_info_write(&info, &b);
        expect(buf_as_span(&b), "Authentication-Info: rspauth=\"aa\", nextnonce=\"n2\"");
        buf_reset(&b);
        info = (struct sip_auth_info){
                .qop = SPAN("auth"), .rspauth = SPAN("aa"), .cnonce = SPAN("c"), .nc = SPAN("00000001")};
        sip_auth_info_write(&info, &b);
        expect(buf_as_span(&b), "qop=auth, rspauth=\"aa\", cnonce=\"c\", nc=00000001");
        buf_free(&b);
}

static void nonce_count(void **state)
{
        static const char *const bad[] = {"",         "1",        "0000001", "000000001",
                                          "0000000g", "0x000001", " 0000001"};
        char text[SIP_DIGEST_NC_SIZE];
        uint32_t nc = 7;

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(sip_digest_nc_parse(span_of(bad[i]), &nc), -IMS_EPARSE);
        assert_int_equal(nc, 7);
        assert_int_equal(sip_digest_nc_parse(SPAN("000000fF"), &nc), 0);
        assert_int_equal(nc, 255);
        assert_int_equal(sip_digest_nc_parse(SPAN("ffffffff"), &nc), 0);
        assert_int_equal(nc, UINT32_MAX);
        sip_digest_nc_format(0x1a2b, text);
        assert_string_equal(text, "00001a2b");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(challenge_of_rfc_2617), cmocka_unit_test(challenges_of_rfc_7616),
                cmocka_unit_test(challenges_refused),    cmocka_unit_test(challenge_written),
                cmocka_unit_test(credentials),           cmocka_unit_test(info_read),
                cmocka_unit_test(info_written),          cmocka_unit_test(nonce_count),
                cmocka_unit_test(packetcable_examples),  cmocka_unit_test(rfc_3310_examples),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
