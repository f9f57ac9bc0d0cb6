/* SPDX-License-Identifier: BSD-3-Clause
 * Names and domains of trust (TLS-FWD 3.1 and F, RFC 3261 26.3.2.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/net/cert.h"
#include "tests/unit/net/cert_make.h"
#include "tests/unit/proves.h"

static void domains(void **state)
{
        static const struct {
                const char *host, *domain;
                bool within;
        } rows[] = {
                {"ims.example", "ims.example", true},
                {"pcscf.ims.example", "ims.example", true},
                {"PCSCF.Ims.Example.", "ims.example", true},
                {"pcscf.ims.example", "ims.example.", true},
                {"a.b.c.ims.example", "example", true},
                {"xims.example", "ims.example", false},
                {"example", "ims.example", false},
                {".ims.example", "ims.example", false},
                {"ims.example.evil", "ims.example", false},
                {"ims.example", "", false},
                {"", "", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (cert_domain_within(span_of(rows[i].host), span_of(rows[i].domain)) != rows[i].within)
                        fail_msg("row %zu", i);
}

static void fqdns(void **state)
{
        static const char *const good[] = {"a.example", "pcscf.ims.mnc001.mcc001.3gppnetwork.org",
                                           "a.example."};
        static const char *const bad[] = {
                "",  "a",    "192.0.2.1",  "*.example",  "a b.example", "a_b.example",
                ".", "a..b", "-a.example", "2001:db8::1"};

        (void)state;
        assert_true(cert_is_fqdn(span_of(good[0])));
        assert_true(cert_is_fqdn(span_of(good[1])));
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                if (cert_is_fqdn(span_of(bad[i])))
                        fail_msg("accepted %s", bad[i]);
        assert_false(cert_is_fqdn(span_make("a.exa\0mple", 10)));
}

static void realms(void **state)
{
        assert_true(span_eq(cert_realm_domain(SPAN("operator1.ims.example")), SPAN("operator1.ims.example")));
        assert_true(span_eq(cert_realm_domain(SPAN("operator1@ims.example")), SPAN("ims.example")));
        (void)state;
}

static void the_realm_corresponds_to_the_certificate(void **state)
{
        const struct span names = SPAN("other.example.org " PCSCF);

        (void)state;
        /* within one trust domain the P-CSCF may be a visited one */
        assert_true(cert_trusts_realm(names, SPAN("home.ims.example"), SPAN("ims.example")));
        assert_true(cert_trusts_realm(names, SPAN("home@ims.example"), SPAN("ims.example")));
        assert_false(cert_trusts_realm(names, SPAN("home.evil.example"), SPAN("ims.example")));
        assert_false(cert_trusts_realm(names, SPAN("home.other.example"), SPAN("other.example")));
        assert_false(cert_trusts_realm(names, SPAN("ims"), SPAN("ims.example")));
        assert_false(cert_trusts_realm(names, SPAN(""), SPAN("ims.example")));
        assert_false(cert_trusts_realm(SPAN(""), SPAN("home.ims.example"), SPAN("ims.example")));
        /* without one it is a host of the realm */
        assert_true(cert_trusts_realm(names, SPAN("ims.example"), SPAN_NULL));
        assert_false(cert_trusts_realm(names, SPAN("home.ims.example"), SPAN_NULL));
        assert_false(cert_trusts_realm(names, SPAN("evil.example"), SPAN_NULL));
        assert_false(cert_trusts_realm(names, SPAN(""), SPAN_NULL));
        proves("TRUST-005");
}

/* TRUST-004: the certificate domain is the home domain's, or a root of the home domain stands above it. */
static void the_pcscf_belongs_to_the_home_network(void **state)
{
        struct make m = {MAKE_SERVER};
        struct made home_root = make_cert(&(struct make){MAKE_ROOT}, NULL);
        struct made other_root =
                make_cert(&(struct make){.cn = "Other Root", .basic = "critical,CA:TRUE"}, NULL);
        struct made by_home = make_cert(&m, &home_root), by_other = make_cert(&m, &other_root);
        STACK_OF(X509) *both = list_of(home_root.x, other_root.x, NULL),
                       *home = list_of(home_root.x, NULL, NULL);
        STACK_OF(X509) *a = list_of(by_home.x, NULL, NULL), *b = list_of(by_other.x, NULL, NULL);
        struct cert_roots *roots = NULL, *home_roots = NULL;
        struct cert_policy p = {.use = CERT_USE_SERVER, .now = NOW};
        struct cert_report r;

        (void)state;
        assert_int_equal(cert_roots_new(both, NULL, &roots), 0);
        assert_int_equal(cert_roots_new(home, NULL, &home_roots), 0);
        p.roots = roots;
        p.home_domain = SPAN("ims.example");
        assert_int_equal(cert_chain_check(b, &p, &r, NULL), 0); /* its name is the home domain's */
        p.home_domain = SPAN("home.example");
        assert_int_equal(cert_chain_check(b, &p, &r, NULL), -IMS_EAUTH);
        assert_true(cert_report_has(&r, CERT_RULE_of_home));
        p.home_roots = home_roots;
        assert_int_equal(cert_chain_check(b, &p, &r, NULL), -IMS_EAUTH);
        assert_int_equal(cert_chain_check(a, &p, &r, NULL), 0);
        cert_roots_free(roots);
        cert_roots_free(home_roots);
        sk_X509_free(both);
        sk_X509_free(home);
        sk_X509_free(a);
        sk_X509_free(b);
        made_free(&by_home);
        made_free(&by_other);
        made_free(&home_root);
        made_free(&other_root);
        proves("TRUST-004");
}

static void the_names_of_a_certificate(void **state)
{
        struct make m = {MAKE_SERVER};
        struct made x;
        struct buf names = BUF_INIT;

        (void)state;
        m.san = "DNS:a.example,IP:192.0.2.1,DNS:*.example,DNS:b.example,URI:sip:c.example";
        x = make_cert(&m, NULL);
        cert_dns_names(x.x, &names);
        assert_true(span_eq(buf_as_span(&names), SPAN("a.example b.example")));
        assert_true(cert_has_name(x.x, SPAN("B.example.")));
        assert_false(cert_has_name(x.x, SPAN("c.example")));
        assert_false(cert_has_name(x.x, SPAN("*.example")));
        buf_free(&names);
        made_free(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(domains),
                cmocka_unit_test(fqdns),
                cmocka_unit_test(realms),
                cmocka_unit_test(the_realm_corresponds_to_the_certificate),
                cmocka_unit_test(the_pcscf_belongs_to_the_home_network),
                cmocka_unit_test(the_names_of_a_certificate),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
