/* SPDX-License-Identifier: BSD-3-Clause
 * The certificate, key and roots a node is configured with, as files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/net/cert.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/net/cert_make.h"
#include "tests/unit/proves.h"

static char dir[] = "/tmp/quintet-cert-XXXXXX";
static char chain_file[64], key_file[64], ca_file[64], scratch[64], scratch_key[64];
static struct made root, sub, good;

static void write_certs(const char *file, X509 *a, X509 *b, X509 *c)
{
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        if (a)
                assert_int_equal(PEM_write_X509(f, a), 1);
        if (b)
                assert_int_equal(PEM_write_X509(f, b), 1);
        if (c)
                assert_int_equal(PEM_write_X509(f, c), 1);
        assert_int_equal(fclose(f), 0);
}

static void write_key(const char *file, EVP_PKEY *key, const char *passphrase, mode_t mode)
{
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        assert_int_equal(PEM_write_PrivateKey(f, key, passphrase ? EVP_aes_128_cbc() : NULL,
                                              (const unsigned char *)passphrase,
                                              passphrase ? (int)strlen(passphrase) : 0, NULL, NULL),
                         1);
        assert_int_equal(fchmod(fileno(f), mode), 0);
        assert_int_equal(fclose(f), 0);
}

static void write_text(const char *file, const char *text)
{
        FILE *f = fopen(file, "w");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int setup(void **state)
{
        (void)state;
        assert_non_null(mkdtemp(dir));
        (void)snprintf(chain_file, sizeof(chain_file), "%s/chain.pem", dir);
        (void)snprintf(key_file, sizeof(key_file), "%s/key.pem", dir);
        (void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", dir);
        (void)snprintf(scratch, sizeof(scratch), "%s/scratch.pem", dir);
        (void)snprintf(scratch_key, sizeof(scratch_key), "%s/scratch-key.pem", dir);
        root = make_cert(&(struct make){MAKE_ROOT}, NULL);
        sub = make_cert(&(struct make){MAKE_SUB}, &root);
        good = make_cert(&(struct make){MAKE_SERVER}, &sub);
        write_certs(chain_file, good.x, sub.x, NULL);
        write_key(key_file, good.key, NULL, 0600);
        write_certs(ca_file, root.x, NULL, NULL);
        return 0;
}

static int teardown(void **state)
{
        static const char *const files[] = {chain_file, key_file, ca_file, scratch, scratch_key};

        (void)state;
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                (void)unlink(files[i]);
        (void)rmdir(dir);
        made_free(&good);
        made_free(&sub);
        made_free(&root);
        return 0;
}

static struct cert_files files(void)
{
        return (struct cert_files){.certificate = chain_file,
                                   .key = key_file,
                                   .ca = ca_file,
                                   .server = true,
                                   .name = SPAN(PCSCF),
                                   .now = NOW};
}

static void fail_with(const struct cert_report *r, const char *what)
{
        struct buf text = BUF_INIT;

        for (size_t i = 0; i < r->n; i++) {
                cert_finding_text(&r->list[i], &text);
                buf_char(&text, '\n');
        }
        fail_msg("%s:\n%.*s", what, (int)text.n, text.p ? text.p : "");
}

/* Exactly that rule is broken, and said of that file; CERT_RULE_COUNT: none. */
static void expect(const struct cert_files *f, enum cert_rule rule, const char *file)
{
        struct cert_report r;

        assert_int_equal(cert_files_check(f, &r), 0);
        if (rule == CERT_RULE_COUNT) {
                if (r.n)
                        fail_with(&r, "refused");
                return;
        }
        if (r.n != 1 || r.list[0].rule != rule)
                fail_with(&r, cert_rule_rows[rule].name);
        if (file)
                assert_ptr_equal(r.list[0].file, file);
        else
                assert_null(r.list[0].file);
}

static void what_is_right_passes(void **state)
{
        struct cert_files f = files();

        (void)state;
        expect(&f, CERT_RULE_COUNT, NULL);
        f.client = true;
        expect(&f, CERT_RULE_COUNT, NULL);
        f = (struct cert_files){.ca = ca_file, .client = true, .now = NOW}; /* a client that has none */
        expect(&f, CERT_RULE_COUNT, NULL);
        write_certs(scratch, good.x, sub.x, root.x);
        f = files();
        f.certificate = scratch;
        expect(&f, CERT_RULE_COUNT, NULL);
}

static void files_that_cannot_be_used(void **state)
{
        struct cert_files f = files();

        (void)state;
        f.certificate = "/nonexistent/chain.pem";
        expect(&f, CERT_RULE_file_readable, f.certificate);
        f = files();
        f.key = "/nonexistent/key.pem";
        expect(&f, CERT_RULE_file_readable, f.key);
        f = files();
        f.key = NULL;
        expect(&f, CERT_RULE_file_readable, chain_file);
        f = files();
        f.ca = "/nonexistent/ca.pem";
        expect(&f, CERT_RULE_file_readable, f.ca);
        write_text(scratch, "no certificate\n");
        f = files();
        f.certificate = scratch;
        expect(&f, CERT_RULE_file_readable, scratch);
        f = files();
        f.ca = scratch;
        expect(&f, CERT_RULE_file_readable, scratch);
        f = files();
        f.crl = scratch;
        expect(&f, CERT_RULE_file_readable, scratch);
        write_text(scratch, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
        f = files();
        f.certificate = scratch;
        expect(&f, CERT_RULE_file_readable, scratch);
        write_key(scratch_key, good.key, "secret", 0600);
        f = files();
        f.key = scratch_key;
        expect(&f, CERT_RULE_file_readable, scratch_key);
}

static void nothing_starts_without_roots(void **state)
{
        struct cert_files f = files();

        (void)state;
        f.ca = NULL;
        expect(&f, CERT_RULE_roots_held, NULL);
        f.ca = "";
        expect(&f, CERT_RULE_roots_held, NULL);
        f = files();
        f.ca = chain_file; /* the server's certificate is no root */
        {
                struct cert_report r;

                assert_int_equal(cert_files_check(&f, &r), 0);
                assert_true(cert_report_has(&r, CERT_RULE_issuer_is_ca));
        }
        proves("TRUST-006");
}

static void the_key_is_kept(void **state)
{
        struct cert_files f = files();

        (void)state;
        f.key = scratch_key;
        write_key(scratch_key, good.key, NULL, 0644);
        expect(&f, CERT_RULE_key_private, scratch_key);
        write_key(scratch_key, good.key, NULL, 0660);
        expect(&f, CERT_RULE_key_private, scratch_key);
        write_key(scratch_key, good.key, NULL, 0640); /* a group that reads keys, as Debian's ssl-cert */
        expect(&f, CERT_RULE_COUNT, NULL);
        write_key(scratch_key, sub.key, NULL, 0600);
        expect(&f, CERT_RULE_key_matches, scratch_key);
}

static void the_list_is_in_order(void **state)
{
        struct cert_files f = files();
        struct make another = {MAKE_SUB}, renamed = {MAKE_SUB, .key = sub.key};
        struct made x;
        struct cert_report r;

        (void)state;
        f.certificate = scratch;
        x = make_cert(&another, &root); /* the name of its issuer, and another key */
        write_certs(scratch, good.x, x.x, NULL);
        assert_int_equal(cert_files_check(&f, &r), 0);
        assert_true(cert_report_has(&r, CERT_RULE_chain_order));
        made_free(&x);
        renamed.cn = "Lab Clients";
        x = make_cert(&renamed, &root); /* the key of its issuer, and another name */
        write_certs(scratch, good.x, x.x, NULL);
        assert_int_equal(cert_files_check(&f, &r), 0);
        assert_true(cert_report_has(&r, CERT_RULE_chain_order));
        made_free(&x);
        write_certs(scratch, good.x, root.x, sub.x);
        expect(&f, CERT_RULE_chain_order, scratch);
        write_certs(scratch, sub.x, good.x, NULL); /* the own one is not the first */
        assert_int_equal(cert_files_check(&f, &r), 0);
        assert_true(cert_report_has(&r, CERT_RULE_chain_order));
        assert_true(cert_report_has(&r, CERT_RULE_key_matches));
        write_certs(scratch, good.x, NULL, NULL); /* the middle is missing */
        expect(&f, CERT_RULE_chain_to_root, scratch);
        proves("TRUST-007");
}

static void names_of_the_node_and_of_the_trust_domain(void **state)
{
        struct cert_files f = files();

        (void)state;
        f.name = SPAN("icscf.ims.example");
        expect(&f, CERT_RULE_name_matches, chain_file);
        f = files();
        f.trust_domain = SPAN("ims.example");
        expect(&f, CERT_RULE_COUNT, NULL);
        f.trust_domain = SPAN("example");
        expect(&f, CERT_RULE_COUNT, NULL);
        f.trust_domain = SPAN("other.example");
        expect(&f, CERT_RULE_in_trust_domain, chain_file);
        f.trust_domain = SPAN("s.example"); /* whole labels */
        expect(&f, CERT_RULE_in_trust_domain, chain_file);
        proves("TRUST-002");
}

static void a_use_that_is_not_allowed(void **state)
{
        struct make m = {MAKE_SERVER};
        struct made x;
        struct cert_files f = files();

        (void)state;
        m.eku = "serverAuth";
        m.key = good.key;
        x = make_cert(&m, &sub);
        write_certs(scratch, x.x, sub.x, NULL);
        f.certificate = scratch;
        expect(&f, CERT_RULE_COUNT, NULL);
        f.client = true;
        expect(&f, CERT_RULE_extended_key_usage, scratch);
        made_free(&x);
}

static void a_finding_is_told_with_file_subject_and_rule(void **state)
{
        struct cert_files f = files();
        struct cert_report r;
        struct buf text = BUF_INIT;
        char want[512];

        (void)state;
        f.trust_domain = SPAN("other.example");
        assert_int_equal(cert_files_check(&f, &r), 0);
        cert_report_text(&r, &text);
        buf_char(&text, '\0');
        (void)snprintf(want, sizeof(want),
                       "%s: CN=" PCSCF
                       ": in_trust_domain (TLS-FWD F): no name of it lies in the trust domain",
                       chain_file);
        assert_string_equal(text.p, want);
        buf_free(&text);
}

static void every_rule_has_a_sentence(void **state)
{
        (void)state;
        for (size_t i = 0; i < CERT_RULE_COUNT; i++) {
                assert_true(strlen(cert_rule_rows[i].name) > 3);
                assert_true(strlen(cert_rule_rows[i].clause) > 3);
                assert_true(strlen(cert_rule_rows[i].text) > 10);
                for (size_t j = 0; j < i; j++)
                        assert_string_not_equal(cert_rule_rows[i].name, cert_rule_rows[j].name);
        }
}

/* Whatever allocation fails, the answer is an error or the same, never a pass of what is wrong. */
static void out_of_memory(void **state)
{
        struct cert_files f = files();

        (void)state;
        if (!CAN_FAIL)
                skip();
        f.trust_domain = SPAN("other.example");
        for (unsigned long i = 0; i < 20000; i++) {
                struct cert_report r;
                unsigned long failed = alloc_failed;
                int err;

                alloc_fail_at(i);
                err = cert_files_check(&f, &r);
                alloc_armed = false;
                if (!err && r.n_hard == 0)
                        fail_msg("a breach was missed when allocation %lu failed", i);
                if (alloc_failed == failed)
                        return;
        }
        fail_msg("it never ends");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_right_passes),
                cmocka_unit_test(files_that_cannot_be_used),
                cmocka_unit_test(nothing_starts_without_roots),
                cmocka_unit_test(the_key_is_kept),
                cmocka_unit_test(the_list_is_in_order),
                cmocka_unit_test(names_of_the_node_and_of_the_trust_domain),
                cmocka_unit_test(a_use_that_is_not_allowed),
                cmocka_unit_test(a_finding_is_told_with_file_subject_and_rule),
                cmocka_unit_test(every_rule_has_a_sentence),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
