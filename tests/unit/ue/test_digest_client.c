/* SPDX-License-Identifier: BSD-3-Clause
 * Digest at the client: RFC 7616 3.9.1 and RFC 2617 3.5 as judges, nonce counts, Authentication-Info. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/sip/digest_param.h"
#include "common/sip/grammar.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/proves.h"
#include "ue/digest_client.h"

static const struct digest_policy any = {0};

static struct sip_msg *response(const char *status, const char *fields)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;

        buf_printf(&b,
                   "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:u@r>;tag=a\r\n"
                   "To: <sip:u@r>;tag=b\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                   status, fields);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        buf_free(&b);
        return m;
}

static int challenge(struct digest_client *d, const char *fields, const struct digest_policy *policy)
{
        struct sip_msg *m = response("401 Unauthorized", fields);
        int rc = digest_client_challenge(d, m, SIP_HDR_WWW_AUTHENTICATE, policy);

        sip_msg_unref(m);
        return rc;
}

static enum digest_info info(struct digest_client *d, const char *fields)
{
        struct sip_msg *m = response("200 OK", fields);
        enum digest_info out = DIGEST_INFO_NONE;

        assert_int_equal(digest_client_info(d, m, &out), 0);
        sip_msg_unref(m);
        return out;
}

static const struct digest_answer mufasa = {.username = "Mufasa", .password = "Circle of Life"};

/* What was answered, read back; text keeps it. */
static struct sip_digest_credentials answer(struct digest_client *d, struct buf *text)
{
        struct digest_answer a = mufasa;
        struct sip_digest_credentials c;

        a.method = SPAN("GET");
        a.uri = SPAN("/dir/index.html");
        buf_reset(text);
        assert_int_equal(digest_client_answer(d, &a, text), 0);
        assert_int_equal(sip_digest_credentials_parse(buf_as_span(text), &c), 0);
        return c;
}

/* response by the formula, from H(A1) and H(A2) as RFC 7616 3.9.1 prints its values */
static void judged(const struct sip_digest_credentials *c, enum digest_algorithm a, struct span method)
{
        char ha1[DIGEST_HEX_MAX], own[DIGEST_HEX_MAX];
        struct digest_input in = {.algorithm = a,
                                  .method = method,
                                  .uri = c->uri,
                                  .nonce = c->nonce,
                                  .cnonce = c->cnonce,
                                  .nc = c->nc,
                                  .qop = c->qop};

        assert_int_equal(digest_ha1(a, span_of(mufasa.username), c->realm, span_of(mufasa.password), ha1), 0);
        in.ha1 = span_of(ha1);
        assert_int_equal(digest_response(&in, own), 0);
        assert_true(digest_equal(c->response, own));
}

#define REALM "realm=\"http-auth@example.org\","

static void an_answer_has_everything(void **state)
{
        struct digest_client d = {0};
        struct buf text = BUF_INIT;
        struct sip_digest_credentials c;

        (void)state;
        assert_int_equal(challenge(&d,
                                   "WWW-Authenticate: Digest " REALM
                                   "qop=\"auth, auth-int\",algorithm=SHA-256,"
                                   "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\","
                                   "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"\r\n",
                                   &any),
                         0);
        c = answer(&d, &text);
        assert_true(span_eq(c.username, SPAN("Mufasa")));
        assert_true(span_eq(c.realm, SPAN("http-auth@example.org")));
        assert_true(span_eq(c.uri, SPAN("/dir/index.html")));
        assert_true(span_eq(c.algorithm, SPAN("SHA-256")));
        assert_true(span_eq(c.qop, SPAN("auth")));
        assert_true(span_eq(c.nc, SPAN("00000001")));
        assert_true(span_eq(c.opaque, SPAN("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")));
        assert_true(c.cnonce.n >= 16 && c.response.n == 64);
        judged(&c, DIGEST_SHA256, SPAN("GET"));
        digest_client_forget(&d);
        buf_free(&text);
        proves("DIG-023 DIG-024 PC-008");
}

static void each_use_counts(void **state)
{
        struct digest_client d = {0};
        struct buf text = BUF_INIT, before = BUF_INIT;
        struct sip_digest_credentials c, old;

        (void)state;
        assert_int_equal(
                challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"n\",qop=\"auth\"\r\n", &any), 0);
        assert_int_equal(d.algorithm, DIGEST_MD5);
        old = answer(&d, &before);
        c = answer(&d, &text);
        assert_true(span_eq(c.nc, SPAN("00000002")));
        assert_false(span_eq(c.cnonce, old.cnonce));
        assert_null(c.opaque.p);
        judged(&c, DIGEST_MD5, SPAN("GET"));
        assert_int_equal(
                challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"m\",qop=\"auth\",stale=TRUE\r\n",
                          &any),
                0);
        assert_true(d.stale);
        c = answer(&d, &text);
        assert_true(span_eq(c.nc, SPAN("00000001")) && span_eq(c.nonce, SPAN("m")));
        digest_client_forget(&d);
        buf_free(&text);
        buf_free(&before);
        proves("DIG-044");
}

static void without_qop_the_old_form(void **state)
{
        struct digest_client d = {0};
        struct buf text = BUF_INIT;
        struct sip_digest_credentials c;

        (void)state;
        assert_int_equal(challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"n\",opaque=\"\"\r\n", &any),
                         0);
        c = answer(&d, &text);
        assert_true(c.qop.n == 0 && c.nc.n == 0 && c.cnonce.n == 0);
        assert_true(c.opaque.p != NULL); /* an empty one goes back as well */
        judged(&c, DIGEST_MD5, SPAN("GET"));
        digest_client_forget(&d);
        buf_free(&text);
}

static void the_topmost_that_is_known(void **state)
{
        static const char both[] =
                "WWW-Authenticate: Digest " REALM "nonce=\"a\",algorithm=SHA-512-256,qop=\"auth\"\r\n"
                "WWW-Authenticate: Digest " REALM "nonce=\"b\",algorithm=SHA-256,qop=\"auth\"\r\n"
                "WWW-Authenticate: Digest " REALM "nonce=\"c\",algorithm=MD5,qop=\"auth\"\r\n";
        const struct digest_policy md5 = {.algorithms = 1u << DIGEST_MD5},
                                   sha = {.algorithms = 1u << DIGEST_SHA256};
        struct digest_client d = {0};

        (void)state;
        assert_int_equal(challenge(&d, both, &any), 0);
        assert_string_equal(d.nonce, "b");
        assert_int_equal(challenge(&d, both, &md5), 0);
        assert_string_equal(d.nonce, "c");
        /* one who takes the better ones away gets nothing */
        assert_int_equal(
                challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"x\",qop=\"auth\"\r\n", &sha),
                -IMS_EUNSUPPORTED);
        assert_int_equal(
                challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"x\",algorithm=MD4,qop=\"auth\"\r\n",
                          &any),
                -IMS_EUNSUPPORTED);
        assert_int_equal(challenge(&d, "WWW-Authenticate: Digest nonce=\"x\"\r\n", &any), -IMS_EPARSE);
        assert_int_equal(challenge(&d, "WWW-Authenticate: Basic realm=\"x\"\r\n", &any), -IMS_ENOTFOUND);
        assert_string_equal(d.nonce, "c"); /* what was kept is still there */
        digest_client_forget(&d);
}

static void the_network_shows_that_it_knows(void **state)
{
        static const char *const wrong[][2] = {
                {"", "\",cnonce=\"zz\",nc=00000001"}, {"", "\",nc=00000002"}, {"00", "\""}};
        char ha1[DIGEST_HEX_MAX], own[DIGEST_HEX_MAX], fields[400];
        struct digest_client d = {0};
        struct buf text = BUF_INIT;
        struct sip_digest_credentials c;
        struct digest_input in = {.algorithm = DIGEST_MD5};

        (void)state;
        assert_int_equal(
                challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"n\",qop=\"auth\"\r\n", &any), 0);
        c = answer(&d, &text);
        assert_int_equal(
                digest_ha1(DIGEST_MD5, span_of(mufasa.username), c.realm, span_of(mufasa.password), ha1), 0);
        in = (struct digest_input){DIGEST_MD5, span_of(ha1), SPAN_NULL, c.uri,    c.nonce,
                                   c.cnonce,   c.nc,         c.qop,     SPAN_NULL};
        assert_int_equal(digest_response(&in, own), 0);
        assert_int_equal(info(&d, ""), DIGEST_INFO_NONE);
        assert_int_equal(info(&d, "Authentication-Info: qop=auth\r\n"), DIGEST_INFO_NONE);
        assert_int_equal(info(&d, "Authentication-Info: rspauth\r\n"), DIGEST_INFO_WRONG);
        for (size_t i = 0; i < 3; i++) {
                (void)snprintf(fields, sizeof(fields),
                               "Authentication-Info: rspauth=\"%s%s%s,nextnonce=\"evil\"\r\n", wrong[i][0],
                               own, wrong[i][1]);
                assert_int_equal(info(&d, fields), DIGEST_INFO_WRONG);
        }
        assert_string_equal(d.nonce, "n");
        (void)snprintf(fields, sizeof(fields),
                       "Authentication-Info: qop=auth,rspauth=\"%s\",cnonce=\"%s\",nc=00000001\r\n"
                       "Authentication-Info: nextnonce=\"next\"\r\n",
                       own, d.cnonce);
        assert_int_equal(info(&d, fields), DIGEST_INFO_GOOD);
        assert_string_equal(d.nonce, "next");
        c = answer(&d, &text);
        assert_true(span_eq(c.nonce, SPAN("next")) && span_eq(c.nc, SPAN("00000001")));
        digest_client_forget(&d);
        buf_free(&text);
        proves("DIG-029");
}

static void what_is_forgotten_is_wiped(void **state)
{
        struct digest_client d = {0}, zero = {0};
        struct buf text = BUF_INIT;

        (void)state;
        assert_int_equal(digest_client_answer(&d, &mufasa, &text), -IMS_ENOTFOUND);
        assert_int_equal(challenge(&d, "WWW-Authenticate: Digest " REALM "nonce=\"n\"\r\n", &any), 0);
        (void)answer(&d, &text);
        assert_true(d.ha1[0]);
        digest_client_forget(&d);
        assert_memory_equal(&d, &zero, sizeof(d));
        buf_free(&text);
}

static void lists_of_algorithms(void **state)
{
        unsigned bits = 0;

        (void)state;
        assert_int_equal(digest_algorithms_parse(SPAN("SHA-256, md5"), &bits), 0);
        assert_int_equal(bits, 1u << DIGEST_MD5 | 1u << DIGEST_SHA256);
        assert_int_equal(digest_algorithms_parse(SPAN("AKAv1-MD5"), &bits), -IMS_EPARSE);
        assert_int_equal(digest_algorithms_parse(SPAN(""), &bits), -IMS_EPARSE);
        assert_int_equal(digest_algorithms_parse(SPAN("MD4"), &bits), -IMS_EPARSE);
}

/* One whole exchange with allocation n failing. */
static int exchange(struct sip_msg *ch, struct sip_msg *ok)
{
        struct digest_answer a = mufasa;
        struct digest_client d = {0};
        struct buf text = BUF_INIT;
        enum digest_info found;
        int rc = digest_client_challenge(&d, ch, SIP_HDR_WWW_AUTHENTICATE, &any);

        a.method = SPAN("GET");
        a.uri = SPAN("/");
        if (rc == 0)
                rc = digest_client_answer(&d, &a, &text);
        if (rc == 0)
                rc = digest_client_info(&d, ok, &found);
        digest_client_forget(&d);
        buf_free(&text);
        return rc;
}

static void out_of_memory(void **state)
{
        struct sip_msg *ch = response("401 Unauthorized", "WWW-Authenticate: Digest " REALM
                                                          "nonce=\"n\",opaque=\"o\",qop=\"auth\"\r\n");
        struct sip_msg *ok = response("200 OK", "Authentication-Info: nextnonce=\"next\"\r\n");
        unsigned long n = 0;
        int rc = exchange(ch, ok); /* hashes are set up once */

        (void)state;
        assert_int_equal(rc, 0);
        for (rc = -IMS_ENOMEM; CAN_FAIL && rc == -IMS_ENOMEM; n++) {
                long live;

                assert_int_equal(exchange(ch, ok), 0); /* a hash that failed is set up again */
                live = alloc_live;
                alloc_fail_at(n);
                rc = exchange(ch, ok);
                alloc_armed = false;
                if (rc == -IMS_ECRYPTO)
                        rc = -IMS_ENOMEM; /* the library of the hashes had none; what it keeps is its own */
                else
                        assert_int_equal(alloc_live, live);
        }
        assert_int_equal(rc, CAN_FAIL ? 0 : -IMS_ENOMEM);
        assert_true(n > 5 || !CAN_FAIL);
        sip_msg_unref(ch);
        sip_msg_unref(ok);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_answer_has_everything),
                cmocka_unit_test(each_use_counts),
                cmocka_unit_test(without_qop_the_old_form),
                cmocka_unit_test(the_topmost_that_is_known),
                cmocka_unit_test(the_network_shows_that_it_knows),
                cmocka_unit_test(what_is_forgotten_is_wiped),
                cmocka_unit_test(lists_of_algorithms),
                cmocka_unit_test(out_of_memory),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
