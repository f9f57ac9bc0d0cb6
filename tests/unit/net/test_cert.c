/* SPDX-License-Identifier: BSD-3-Clause
 * Certificates that are presented: every rule of TS 33.203 O.5 and RFC 5280 broken alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "common/net/cert.h"
#include "tests/unit/net/cert_make.h"
#include "tests/unit/proves.h"

static struct made root, sub, good;
static struct cert_roots *roots;

static int setup(void **state)
{
        STACK_OF(X509) * list;

        (void)state;
        root = make_cert(&(struct make){MAKE_ROOT}, NULL);
        sub = make_cert(&(struct make){MAKE_SUB}, &root);
        good = make_cert(&(struct make){MAKE_SERVER}, &sub);
        list = list_of(root.x, NULL, NULL);
        assert_int_equal(cert_roots_new(list, NULL, &roots), 0);
        sk_X509_free(list);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        cert_roots_free(roots);
        made_free(&good);
        made_free(&sub);
        made_free(&root);
        return 0;
}

static struct cert_policy policy(void)
{
        return (struct cert_policy){.use = CERT_USE_SERVER, .roots = roots, .name = SPAN(PCSCF), .now = NOW};
}

static void fail_with(const struct cert_report *r, const char *what)
{
        struct buf text = BUF_INIT;

        for (size_t i = 0; i < r->n; i++) {
                cert_finding_text(&r->list[i], &text);
                buf_char(&text, '\n');
        }
        fail_msg("%s:\n%.*s", what, (int)text.n, text.p);
}

/* Checks a chain under p: exactly that rule is broken, or none with CERT_RULE_COUNT. */
static void expect_under(const struct cert_policy *p, X509 *leaf, X509 *second, X509 *third,
                         enum cert_rule rule)
{
        STACK_OF(X509) *sent = list_of(leaf, second, third);
        struct cert_report r;
        int error = -1, err = cert_chain_check(sent, p, &r, &error);

        sk_X509_free(sent);
        if (rule == CERT_RULE_COUNT) {
                if (err || r.n)
                        fail_with(&r, "refused");
                assert_int_equal(error, X509_V_OK);
                return;
        }
        if (err != -IMS_EAUTH || r.n_hard != 1 || r.list[0].rule != rule)
                fail_with(&r, cert_rule_rows[rule].name);
        assert_int_not_equal(error, X509_V_OK);
}

static void expect(X509 *leaf, X509 *second, X509 *third, enum cert_rule rule)
{
        struct cert_policy p = policy();

        expect_under(&p, leaf, second, third, rule);
}

/* A server certificate made by m is sent with the intermediate one: only that rule is broken. */
static void expect_server(const struct make *m, enum cert_rule rule)
{
        struct made x = make_cert(m, &sub);

        expect(x.x, sub.x, NULL, rule);
        made_free(&x);
}

static void a_chain_with_an_intermediate_leads_to_the_root(void **state)
{
        struct make direct = {MAKE_SERVER};
        struct made x = make_cert(&direct, &root);
        struct cert_policy p = policy();

        (void)state;
        expect(good.x, sub.x, NULL, CERT_RULE_COUNT);
        expect(x.x, NULL, NULL, CERT_RULE_COUNT);
        p.use = CERT_USE_CLIENT;
        expect_under(&p, good.x, sub.x, NULL, CERT_RULE_COUNT);
        expect(good.x, NULL, NULL, CERT_RULE_chain_to_root);
        made_free(&x);
        proves("TLS-052 TLS-054");
}

static void an_unknown_root_is_not_trusted(void **state)
{
        struct made other = make_cert(&(struct make){MAKE_ROOT}, NULL); /* the same name, another key */
        struct made foreign =
                make_cert(&(struct make){.cn = "Foreign Root", .basic = "critical,CA:TRUE"}, NULL);
        struct made a = make_cert(&(struct make){MAKE_SERVER}, &other);
        struct made b = make_cert(&(struct make){MAKE_SERVER}, &foreign);

        (void)state;
        expect(a.x, NULL, NULL, CERT_RULE_signature_valid);
        expect(b.x, NULL, NULL, CERT_RULE_chain_to_root);
        made_free(&a);
        made_free(&b);
        made_free(&other);
        made_free(&foreign);
        proves("TLS-054");
}

static void a_certificate_that_signs_itself_is_refused(void **state)
{
        struct make m = {MAKE_SERVER};
        struct made x = make_cert(&m, NULL);
        STACK_OF(X509) *list = list_of(x.x, NULL, NULL);
        struct cert_policy p = policy();
        struct cert_roots *itself = NULL;

        (void)state;
        expect(x.x, NULL, NULL, CERT_RULE_signed_by_trusted);
        /* also when the verifier has it among its roots */
        assert_int_equal(cert_roots_new(list, NULL, &itself), 0);
        p.roots = itself;
        expect_under(&p, x.x, NULL, NULL, CERT_RULE_signed_by_trusted);
        cert_roots_free(itself);
        sk_X509_free(list);
        made_free(&x);
        proves("TLS-049");
}

static void the_common_name_is_one_fqdn(void **state)
{
        static const char *const bad[] = {NULL,
                                          "pcscf",
                                          "a.example b.example",
                                          "192.0.2.1",
                                          "*.ims.example",
                                          "a.example,b.example",
                                          "P-CSCF 1",
                                          "sip:a.example",
                                          "-a.example",
                                          "a..example",
                                          "pcscf.example:5061"};

        (void)state;
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct make m = {MAKE_SERVER};

                m.cn = bad[i];
                m.o = "Lab";
                expect_server(&m, CERT_RULE_cn_one_fqdn);
        }
        {
                struct make two = {MAKE_SERVER, .cn2 = "b.ims.example"};

                expect_server(&two, CERT_RULE_cn_one_fqdn);
        }
        proves("TLS-050");
}

static void the_alternative_name_has_the_fqdn(void **state)
{
        struct make none = {MAKE_SERVER}, address = {MAKE_SERVER}, other = {MAKE_SERVER};
        struct made x;
        struct cert_policy p = policy();

        (void)state;
        p.name = SPAN_NULL;
        none.san = NULL;
        address.san = "IP:192.0.2.1";
        other.san = "DNS:other.ims.example";
        x = make_cert(&none, &sub);
        expect_under(&p, x.x, sub.x, NULL, CERT_RULE_san_has_fqdn);
        made_free(&x);
        x = make_cert(&address, &sub);
        expect_under(&p, x.x, sub.x, NULL, CERT_RULE_san_has_fqdn);
        made_free(&x);
        x = make_cert(&other, &sub);
        expect_under(&p, x.x, sub.x, NULL, CERT_RULE_san_has_fqdn);
        made_free(&x);
        other.san = "DNS:other.ims.example,DNS:PCSCF.ims.example";
        expect_server(&other, CERT_RULE_COUNT);
        proves("TLS-051");
}

static void an_authority_may_have_any_name(void **state)
{
        struct made odd_root = make_cert(
                &(struct make){.o = "Zertifikate & Söhne, \"Wurzel\" *.b.c", .basic = "critical,CA:TRUE"},
                NULL);
        struct make m = {MAKE_SERVER};
        struct made x = make_cert(&m, &odd_root);
        STACK_OF(X509) *list = list_of(odd_root.x, NULL, NULL);
        struct cert_policy p = policy();
        struct cert_roots *odd = NULL;

        (void)state;
        assert_int_equal(cert_roots_new(list, NULL, &odd), 0);
        p.roots = odd;
        expect_under(&p, x.x, NULL, NULL, CERT_RULE_COUNT);
        cert_roots_free(odd);
        sk_X509_free(list);
        made_free(&x);
        made_free(&odd_root);
        proves("TLS-053");
}

static void a_root_that_is_sent_is_the_known_one(void **state)
{
        struct make renewed = {MAKE_ROOT, .from_d = -2, .to_d = 900, .serial = 4711};
        struct make subject = {MAKE_ROOT}, extension = {MAKE_ROOT};
        struct made x, stranger = make_cert(&(struct make){MAKE_ROOT}, NULL);

        (void)state;
        expect(good.x, sub.x, root.x, CERT_RULE_COUNT);
        renewed.key = subject.key = extension.key = root.key;
        x = make_cert(&renewed, NULL); /* serial number, validity, signature */
        expect(good.x, sub.x, x.x, CERT_RULE_COUNT);
        made_free(&x);
        subject.o = "Lab Ltd";
        x = make_cert(&subject, NULL);
        expect(good.x, sub.x, x.x, CERT_RULE_root_unchanged);
        made_free(&x);
        extension.ku = "critical,keyCertSign";
        x = make_cert(&extension, NULL);
        expect(good.x, sub.x, x.x, CERT_RULE_root_unchanged);
        made_free(&x);
        expect(good.x, sub.x, stranger.x, CERT_RULE_root_unchanged); /* another key */
        made_free(&stranger);
        proves("TLS-055");
}

static void validity_is_checked(void **state)
{
        struct make m = {MAKE_SERVER};

        (void)state;
        m.from_d = -30;
        m.to_d = -1;
        expect_server(&m, CERT_RULE_not_expired);
        m.from_d = 1;
        m.to_d = 90;
        expect_server(&m, CERT_RULE_already_valid);
        proves("TLS-056");
}

/* Among what is broken is that rule. */
static void expect_among(X509 *leaf, X509 *second, X509 *third, enum cert_rule rule)
{
        STACK_OF(X509) *sent = list_of(leaf, second, third);
        struct cert_policy p = policy();
        struct cert_report r;

        assert_int_equal(cert_chain_check(sent, &p, &r, NULL), -IMS_EAUTH);
        if (!cert_report_has(&r, rule))
                fail_with(&r, cert_rule_rows[rule].name);
        sk_X509_free(sent);
}

/* The server of MAKE_SERVER certified by an intermediate authority made by m. */
static void expect_authority(const struct make *m, const struct made *above, enum cert_rule rule)
{
        struct make server = {MAKE_SERVER};
        struct made s = make_cert(m, above), x = make_cert(&server, &s);

        expect_among(x.x, s.x, above == &root ? NULL : above->x, rule);
        made_free(&x);
        made_free(&s);
}

static void the_issuer_is_an_authority(void **state)
{
        struct make server = {MAKE_SERVER}, no_ca = {MAKE_SUB}, bare = {MAKE_SUB}, deep = {MAKE_SUB};
        struct make no_sign = {MAKE_SUB};
        struct made x;

        (void)state;
        server.cn = "b.ims.example";
        server.san = "DNS:b.ims.example";
        x = make_cert(&server, &good); /* certified by a server */
        expect_among(x.x, good.x, sub.x, CERT_RULE_issuer_is_ca);
        made_free(&x);
        no_ca.basic = "critical,CA:FALSE";
        no_ca.ku = bare.basic = bare.ku = NULL;
        no_sign.ku = "critical,cRLSign";
        expect_authority(&no_ca, &root, CERT_RULE_issuer_is_ca);
        expect_authority(&bare, &root, CERT_RULE_issuer_is_ca);
        expect_authority(&no_sign, &root, CERT_RULE_key_usage);
        deep.cn = "Too Deep";
        expect_authority(&deep, &sub, CERT_RULE_path_length); /* pathlen:0 above it */
        proves("TLS-056");
}

static void usage_is_checked(void **state)
{
        struct make m = {MAKE_SERVER};
        struct cert_policy p = policy();
        struct made x;

        (void)state;
        m.ku = "critical,keyCertSign";
        expect_server(&m, CERT_RULE_key_usage);
        m = (struct make){MAKE_SERVER};
        m.eku = "clientAuth";
        expect_server(&m, CERT_RULE_extended_key_usage);
        m.eku = "serverAuth";
        x = make_cert(&m, &sub);
        expect(x.x, sub.x, NULL, CERT_RULE_COUNT);
        p.use = CERT_USE_CLIENT;
        expect_under(&p, x.x, sub.x, NULL, CERT_RULE_extended_key_usage);
        made_free(&x);
        m.eku = NULL;
        expect_server(&m, CERT_RULE_COUNT);
        proves("TLS-056");
}

static void signatures_and_constraints_are_checked(void **state)
{
        struct make m = {MAKE_SERVER}, narrow = {MAKE_SUB, .names = "critical,permitted;DNS:other.example"};
        EVP_PKEY *stranger = make_key();
        struct made s = make_cert(&narrow, &root), x = make_cert(&m, &s);

        (void)state;
        expect(x.x, s.x, NULL, CERT_RULE_names_permitted);
        m.signer = stranger;
        expect_server(&m, CERT_RULE_signature_valid);
        made_free(&x);
        made_free(&s);
        EVP_PKEY_free(stranger);
        proves("TLS-056");
}

static void issuer_and_subject_are_equal_in_der(void **state)
{
        static const struct make same = {MAKE_SUB};
        X509_NAME *folded = X509_NAME_new(), *printable = X509_NAME_new();
        struct make m = {MAKE_SERVER};

        (void)state;
        assert_non_null(folded);
        assert_non_null(printable);
        make_name(folded, &(struct make){.o = "LAB", .cn = "lab  servers"});
        make_name(printable, &(struct make){.o = same.o, .cn = same.cn, .string = V_ASN1_PRINTABLESTRING});
        m.issuer_name = folded;
        expect_server(&m, CERT_RULE_issuer_der);
        m.issuer_name = printable;
        expect_server(&m, CERT_RULE_issuer_der);
        m.issuer_name = X509_get_subject_name(sub.x);
        expect_server(&m, CERT_RULE_COUNT);
        X509_NAME_free(folded);
        X509_NAME_free(printable);
        proves("TLS-057");
}

static void weak_keys_and_hashes_are_refused(void **state)
{
        struct make m = {MAKE_SERVER};
        EVP_PKEY *rsa1024 = EVP_RSA_gen(1024), *rsa2048 = EVP_RSA_gen(2048), *curve = EVP_EC_gen("P-192");

        (void)state;
        assert_non_null(rsa1024);
        assert_non_null(rsa2048);
        m.key = rsa1024;
        expect_server(&m, CERT_RULE_key_strong);
        m.key = rsa2048;
        expect_server(&m, CERT_RULE_COUNT);
        if (curve) {
                m.key = curve;
                expect_server(&m, CERT_RULE_key_strong);
        }
        m.key = NULL;
        m.md = EVP_sha1();
        expect_server(&m, CERT_RULE_signature_strong);
        EVP_PKEY_free(rsa1024);
        EVP_PKEY_free(rsa2048);
        EVP_PKEY_free(curve);
}

static void the_name_that_was_asked_for(void **state)
{
        struct make wild = {MAKE_SERVER};
        struct cert_policy p = policy();

        (void)state;
        p.name = SPAN("other.ims.example");
        expect_under(&p, good.x, sub.x, NULL, CERT_RULE_name_matches);
        p.name = SPAN("PCSCF.IMS.example.");
        expect_under(&p, good.x, sub.x, NULL, CERT_RULE_COUNT);
        wild.cn = "other.ims.example";
        wild.san = "DNS:other.ims.example,DNS:*.ims.example"; /* RFC 5922 7.2 */
        expect_server(&wild, CERT_RULE_name_matches);
}

static void a_device_needs_no_host_name(void **state)
{
        struct make m = {.cn = "00:10:18:de:ad:05",
                         .o = "Cable Labs",
                         .basic = "critical,CA:FALSE",
                         .ku = "critical,digitalSignature",
                         .eku = "clientAuth"};
        struct made x = make_cert(&m, &sub);
        struct cert_policy p = policy();

        (void)state;
        p.name = SPAN_NULL;
        p.use = CERT_USE_CLIENT;
        p.device = true;
        expect_under(&p, x.x, sub.x, NULL, CERT_RULE_COUNT);
        p.device = false;
        {
                STACK_OF(X509) *sent = list_of(x.x, sub.x, NULL);
                struct cert_report r;

                assert_int_equal(cert_chain_check(sent, &p, &r, NULL), -IMS_EAUTH);
                assert_true(cert_report_has(&r, CERT_RULE_cn_one_fqdn));
                assert_true(cert_report_has(&r, CERT_RULE_san_has_fqdn));
                sk_X509_free(sent);
        }
        made_free(&x);
}

static void near_the_end_is_told(void **state)
{
        struct make m = {MAKE_SERVER, .from_d = -300, .to_d = 5};
        struct made x = make_cert(&m, &sub);
        STACK_OF(X509) *sent = list_of(x.x, sub.x, NULL);
        struct cert_policy p = policy();
        struct cert_report r;
        struct buf text = BUF_INIT;

        (void)state;
        assert_int_equal(cert_chain_check(sent, &p, &r, NULL), 0);
        assert_int_equal(r.n, 1);
        assert_int_equal(r.n_hard, 0);
        assert_int_equal(r.list[0].rule, CERT_RULE_long_valid);
        assert_string_equal(r.list[0].subject, "CN=" PCSCF);
        cert_report_text(&r, &text); /* nothing hard */
        assert_int_equal(text.n, 0);
        sk_X509_free(sent);
        made_free(&x);
}

/* A public key nobody has the private one of. */
static EVP_PKEY *rsa_with(int bits, int exponent_bits)
{
        BIGNUM *n = BN_new(), *e = BN_new();
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
        OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
        OSSL_PARAM *params;
        EVP_PKEY *key = NULL;

        assert_true(n && e && ctx && build);
        assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
        assert_int_equal(BN_rand(e, exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD), 1);
        assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
                    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e));
        params = OSSL_PARAM_BLD_to_param(build);
        assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
        assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
        OSSL_PARAM_free(params);
        OSSL_PARAM_BLD_free(build);
        EVP_PKEY_CTX_free(ctx);
        BN_free(n);
        BN_free(e);
        return key;
}

/* Nobody makes us compute for long: no path is looked for. */
static void a_dear_list_is_not_computed(void **state)
{
        static const struct {
                int bits, exponent;
                enum cert_rule rule;
        } keys[] = {{8192, 17, CERT_RULE_COUNT},
                    {8193, 17, CERT_RULE_list_bounded},
                    {2048, 32, CERT_RULE_COUNT},
                    {2048, 33, CERT_RULE_list_bounded}};
        STACK_OF(X509) *sent = list_of(good.x, sub.x, NULL);
        struct cert_policy p = policy();
        struct cert_report r;
        int error = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                struct make m = {MAKE_SERVER};

                m.key = rsa_with(keys[i].bits, keys[i].exponent);
                expect_server(&m, keys[i].rule);
                EVP_PKEY_free(m.key);
        }
        for (int i = 0; i < 6; i++)
                assert_true(sk_X509_push(sent, sub.x) > 0);
        assert_int_equal(cert_chain_check(sent, &p, &r, &error), 0);
        assert_true(sk_X509_push(sent, sub.x) > 0);
        assert_int_equal(cert_chain_check(sent, &p, &r, &error), -IMS_EAUTH);
        assert_int_equal(r.n, 1);
        assert_int_equal(r.list[0].rule, CERT_RULE_list_bounded);
        assert_int_equal(error, X509_V_ERR_CERT_CHAIN_TOO_LONG);
        sk_X509_free(sent);
}

static void nothing_sent(void **state)
{
        STACK_OF(X509) *sent = list_of(NULL, NULL, NULL);
        struct cert_policy p = policy();
        struct cert_report r;
        int error = 0;

        (void)state;
        assert_int_equal(cert_chain_check(sent, &p, &r, &error), -IMS_EAUTH);
        assert_true(cert_report_has(&r, CERT_RULE_chain_to_root));
        assert_int_not_equal(error, X509_V_OK);
        sk_X509_free(sent);
}

/* What a handshake calls: the list with and without the peer's own certificate. */
static void as_openssl_asks(void **state)
{
        X509_STORE *store = X509_STORE_new();
        STACK_OF(X509) *whole = list_of(good.x, sub.x, NULL), *rest = list_of(sub.x, NULL, NULL);
        struct cert_policy p = policy();
        struct cert_report r;

        (void)state;
        for (int i = 0; i < 2; i++) {
                X509_STORE_CTX *ctx = X509_STORE_CTX_new();

                assert_int_equal(X509_STORE_CTX_init(ctx, store, good.x, i ? rest : whole), 1);
                p.name = SPAN(PCSCF);
                assert_int_equal(cert_verify_presented(ctx, &p, &r), 1);
                assert_int_equal(X509_STORE_CTX_get_error(ctx), X509_V_OK);
                p.name = SPAN("b.ims.example");
                assert_int_equal(cert_verify_presented(ctx, &p, &r), 0);
                assert_int_equal(X509_STORE_CTX_get_error(ctx), X509_V_ERR_HOSTNAME_MISMATCH);
                X509_STORE_CTX_free(ctx);
        }
        sk_X509_free(whole);
        sk_X509_free(rest);
        X509_STORE_free(store);
}

static X509_CRL *make_crl(const struct made *by, long revoked, long from_d, long to_d)
{
        X509_CRL *crl = X509_CRL_new();
        ASN1_TIME *at = ASN1_TIME_new();
        time_t now = NOW;

        X509_CRL_set_version(crl, X509_CRL_VERSION_2);
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(by->x));
        X509_time_adj_ex(at, (int)from_d, 0, &now);
        X509_CRL_set1_lastUpdate(crl, at);
        if (revoked) {
                X509_REVOKED *entry = X509_REVOKED_new();
                ASN1_INTEGER *serial = ASN1_INTEGER_new();

                ASN1_INTEGER_set(serial, revoked);
                X509_REVOKED_set_serialNumber(entry, serial);
                X509_REVOKED_set_revocationDate(entry, at);
                X509_CRL_add0_revoked(crl, entry);
                ASN1_INTEGER_free(serial);
        }
        X509_time_adj_ex(at, (int)to_d, 0, &now);
        X509_CRL_set1_nextUpdate(crl, at);
        ASN1_TIME_free(at);
        X509_CRL_sort(crl);
        assert_true(X509_CRL_sign(crl, by->key, EVP_sha256()) > 0);
        return crl;
}

static void expect_with_crl(X509_CRL *a, X509_CRL *b, enum cert_rule rule)
{
        STACK_OF(X509) *list = list_of(root.x, NULL, NULL);
        STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
        struct cert_policy p = policy();
        struct cert_roots *with = NULL;

        sk_X509_CRL_push(crls, a);
        if (b)
                sk_X509_CRL_push(crls, b);
        assert_int_equal(cert_roots_new(list, crls, &with), 0);
        p.roots = with;
        expect_under(&p, good.x, sub.x, NULL, rule);
        cert_roots_free(with);
        sk_X509_free(list);
        sk_X509_CRL_pop_free(crls, X509_CRL_free);
}

static void revocation_is_checked_when_there_are_crls(void **state)
{
        long leaf = ASN1_INTEGER_get(X509_get0_serialNumber(good.x));
        long middle = ASN1_INTEGER_get(X509_get0_serialNumber(sub.x));

        (void)state;
        expect_with_crl(make_crl(&sub, 0, -1, 30), NULL, CERT_RULE_COUNT);
        expect_with_crl(make_crl(&sub, leaf, -1, 30), NULL, CERT_RULE_not_revoked);
        expect_with_crl(make_crl(&sub, 0, -1, 30), make_crl(&root, 0, -1, 30), CERT_RULE_COUNT);
        expect_with_crl(make_crl(&sub, 0, -1, 30), make_crl(&root, middle, -1, 30), CERT_RULE_not_revoked);
        expect_with_crl(make_crl(&root, 0, -1, 30), NULL, CERT_RULE_crl_usable); /* none of its issuer */
        expect_with_crl(make_crl(&sub, 0, -30, -1), NULL, CERT_RULE_crl_usable); /* too old */
        proves("TLS-058");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_chain_with_an_intermediate_leads_to_the_root),
                cmocka_unit_test(an_unknown_root_is_not_trusted),
                cmocka_unit_test(a_certificate_that_signs_itself_is_refused),
                cmocka_unit_test(the_common_name_is_one_fqdn),
                cmocka_unit_test(the_alternative_name_has_the_fqdn),
                cmocka_unit_test(an_authority_may_have_any_name),
                cmocka_unit_test(a_root_that_is_sent_is_the_known_one),
                cmocka_unit_test(validity_is_checked),
                cmocka_unit_test(the_issuer_is_an_authority),
                cmocka_unit_test(usage_is_checked),
                cmocka_unit_test(signatures_and_constraints_are_checked),
                cmocka_unit_test(issuer_and_subject_are_equal_in_der),
                cmocka_unit_test(weak_keys_and_hashes_are_refused),
                cmocka_unit_test(the_name_that_was_asked_for),
                cmocka_unit_test(a_device_needs_no_host_name),
                cmocka_unit_test(near_the_end_is_told),
                cmocka_unit_test(a_dear_list_is_not_computed),
                cmocka_unit_test(nothing_sent),
                cmocka_unit_test(as_openssl_asks),
                cmocka_unit_test(revocation_is_checked_when_there_are_crls),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
