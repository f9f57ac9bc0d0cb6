/* SPDX-License-Identifier: BSD-3-Clause
 * Credentials for HTTP proxies: RFC 7617 2 and 2.1 as judges of Basic; Digest over CONNECT (RFC 7616). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/sip/digest_param.h"
#include "ue/proxy_auth.h"

#define TARGET "pcscf.example.org:443"

static struct proxy_auth who(const char *user, const char *password)
{
        struct proxy_auth p = {0};

        assert_int_equal(proxy_auth_set_user(&p, span_of(user)), 0);
        assert_int_equal(proxy_auth_set_password(&p, span_of(password)), 0);
        return p;
}

/* The answer to a 407 with these fields; its outcome. */
static int answer(struct proxy_auth *p, const char *fields, unsigned answered, struct buf *out,
                  struct buf *why)
{
        const struct http_proxy_auth hook = proxy_auth_hook(p);
        struct buf text = BUF_INIT;
        struct http_reply r;
        struct http_proxy_challenge c = {&r, SPAN(TARGET), answered};
        int rc;

        buf_printf(&text, "HTTP/1.1 407 x\r\n%s\r\n", fields);
        assert_int_equal(http_reply_parse(buf_as_span(&text), &r), 0);
        buf_reset(out);
        buf_reset(why);
        rc = hook.answer(&c, out, why, hook.arg);
        buf_free(&text);
        return rc;
}

static void expect_basic(const char *user, const char *password, const char *value)
{
        struct proxy_auth p = who(user, password);
        struct buf out = BUF_INIT, why = BUF_INIT;

        assert_int_equal(answer(&p, "Proxy-Authenticate: basic realm=\"WallyWorld\"\r\n", 0, &out, &why), 0);
        assert_true(span_eq(buf_as_span(&out), span_of(value)));
        buf_free(&out);
        buf_free(&why);
}

static void basic_as_published(void **state)
{
        (void)state;
        expect_basic("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        expect_basic("test", "123\xc2\xa3", "Basic dGVzdDoxMjPCow==");
        expect_basic("u", "", "Basic dTo=");
        expect_basic("u", "a:b", "Basic dTphOmI=");
}

/* Reads the answer back and computes its response over CONNECT from the beginning. */
static void expect_digest(struct proxy_auth *p, const char *fields, unsigned answered,
                          enum digest_algorithm algorithm, const char *user_on_the_wire)
{
        struct buf out = BUF_INIT, why = BUF_INIT;
        struct sip_digest_credentials c;
        char ha1[DIGEST_HEX_MAX], expected[DIGEST_HEX_MAX];
        struct digest_input in = {.algorithm = algorithm, .method = SPAN("CONNECT"), .uri = SPAN(TARGET)};

        assert_int_equal(answer(p, fields, answered, &out, &why), 0);
        assert_int_equal(sip_digest_credentials_parse(buf_as_span(&out), &c), 0);
        assert_true(span_eq(c.username, span_of(user_on_the_wire)));
        assert_true(span_eq(c.realm, SPAN("the proxy")) && span_eq(c.uri, SPAN(TARGET)));
        assert_true(span_eq(c.opaque, SPAN("o")) && span_eq(c.qop, SPAN("auth")));
        assert_true(span_eq(c.nc, SPAN("00000001")) && c.cnonce.n >= 16);
        assert_int_equal(digest_ha1(algorithm, span_of(p->user), c.realm, span_of(p->password), ha1), 0);
        in.ha1 = span_of(ha1);
        in.nonce = c.nonce;
        in.cnonce = c.cnonce;
        in.nc = c.nc;
        in.qop = c.qop;
        assert_int_equal(digest_response(&in, expected), 0);
        assert_true(digest_equal(c.response, expected));
        buf_free(&out);
        buf_free(&why);
}

#define DIGEST(more)                                                                                         \
        "Proxy-Authenticate: Digest realm=\"the proxy\", nonce=\"n\", qop=\"auth\", opaque=\"o\"" more

static void digest_before_basic(void **state)
{
        struct proxy_auth p = who("Mufasa", "Circle of Life");

        (void)state;
        expect_digest(&p, DIGEST("\r\n"), 0, DIGEST_MD5, "Mufasa");
        expect_digest(&p, DIGEST(", algorithm=SHA-256\r\n"), 0, DIGEST_SHA256, "Mufasa");
        expect_digest(&p,
                      "Proxy-Authenticate: Negotiate, Basic realm=\"x\"\r\n" DIGEST(", algorithm=MD5\r\n"), 0,
                      DIGEST_MD5, "Mufasa");
        /* of several the topmost that is known here (RFC 7616 3.7) */
        expect_digest(&p,
                      "Proxy-Authenticate: Digest realm=\"y\", nonce=\"m\", algorithm=SHA-512-256\r\n" DIGEST(
                              ", algorithm=SHA-256\r\n") DIGEST(", algorithm=MD5\r\n"),
                      0, DIGEST_SHA256, "Mufasa");
        /* a name that needs escapes is hashed without them */
        p = who("DOMAIN\\a\"b", "x");
        expect_digest(&p, DIGEST("\r\n"), 0, DIGEST_MD5, "DOMAIN\\\\a\\\"b");
}

static void expect_refusal(struct proxy_auth *p, const char *fields, unsigned answered, const char *word)
{
        struct buf out = BUF_INIT, why = BUF_INIT;

        assert_int_equal(answer(p, fields, answered, &out, &why), -IMS_EUNREACH);
        assert_true(span_istarts(buf_as_span(&why), span_of(word)));
        assert_true(span_find(buf_as_span(&why), span_of(p->password)) < 0);
        assert_int_equal(out.n, 0);
        buf_free(&out);
        buf_free(&why);
}

static void a_wrong_answer_is_the_last(void **state)
{
        struct proxy_auth p = who("u", "secret");

        (void)state;
        expect_refusal(&p, DIGEST("\r\n"), 1, "proxy_auth_refused: ");
        expect_refusal(&p, "Proxy-Authenticate: Basic realm=\"x\"\r\n", 1, "proxy_auth_refused: ");
        /* not even of a weaker scheme */
        expect_refusal(&p, DIGEST("\r\nProxy-Authenticate: Basic realm=\"x\"\r\n"), 1,
                       "proxy_auth_refused: ");
        /* but over a nonce that got old, once (RFC 7616 3.3) */
        expect_digest(&p, DIGEST(", stale=true\r\n"), 1, DIGEST_MD5, "u");
        expect_refusal(&p, DIGEST(", stale=true\r\n"), 2, "proxy_auth_refused: ");
        expect_refusal(&p, "", 0, "proxy_auth_unsupported: ");
        expect_refusal(&p,
                       "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: BasicX realm=\"x\"\r\n"
                       "Proxy-Authenticate: Digest realm=\"x\"\r\n",
                       0, "proxy_auth_unsupported: ");
}

static void what_may_be_said(void **state)
{
        struct buf err = BUF_INIT;
        struct proxy_auth p = {0};
        char file[] = "/tmp/quintet-proxy-auth-XXXXXX";
        int fd = mkstemp(file);

        (void)state;
        assert_null(proxy_auth_hook(&p).answer);
        assert_int_equal(proxy_auth_check(&p, NULL, &err), 0);
        assert_int_equal(proxy_auth_set_user(&p, SPAN("")), -IMS_EINVAL);
        assert_int_equal(proxy_auth_set_user(&p, SPAN("a:b")), -IMS_EINVAL);
        assert_int_equal(proxy_auth_set_user(&p, SPAN("a\nb")), -IMS_EINVAL);
        assert_int_equal(proxy_auth_set_password(&p, SPAN("a\r\nX: y")), -IMS_EINVAL);
        assert_int_equal(proxy_auth_set_user(&p, SPAN("a")), 0);
        assert_int_equal(proxy_auth_check(&p, "p:1", &err), -IMS_ECONF);
        /* from the environment, where it does not stay */
        assert_int_equal(setenv("QUINTET_UE_HTTP_PROXY_PASSWORD", "from there", 1), 0);
        assert_int_equal(proxy_auth_take_environment(&p, &err), 0);
        assert_string_equal(p.password, "from there");
        assert_null(getenv("QUINTET_UE_HTTP_PROXY_PASSWORD"));
        assert_int_equal(proxy_auth_check(&p, "p:1", &err), 0);
        assert_int_equal(proxy_auth_check(&p, NULL, &err), -IMS_ECONF);
        /* from a file */
        assert_true(fd >= 0);
        assert_int_equal(write(fd, " in a file \n", 12), 12);
        close(fd);
        assert_int_equal(proxy_auth_read_password(&p, file, &err), 0);
        assert_string_equal(p.password, "in a file");
        unlink(file);
        assert_int_equal(proxy_auth_read_password(&p, file, &err), -IMS_EIO);
        proxy_auth_wipe(&p);
        assert_int_equal(p.password[0], 0);
        assert_int_equal(proxy_auth_set_password(&p, SPAN("x")), 0);
        assert_int_equal(proxy_auth_check(&p, "p:1", &err), -IMS_ECONF);
        buf_free(&err);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(basic_as_published),
                cmocka_unit_test(digest_before_basic),
                cmocka_unit_test(a_wrong_answer_is_the_last),
                cmocka_unit_test(what_may_be_said),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
