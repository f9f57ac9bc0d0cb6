/* SPDX-License-Identifier: BSD-3-Clause
 * The own certificate: files, key, order of the chain (TS 33.203 O.5.1, TLS-FWD F). */
#include "common/net/cert_int.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

int cert_no_passphrase(char *buf, int size, int writing, void *arg)
{
        (void)buf, (void)size, (void)writing, (void)arg;
        return -1;
}

static void check_key(const struct cert_files *f, X509 *leaf, struct cert_report *report)
{
        struct stat st;
        EVP_PKEY *key = NULL;
        BIO *in;

        if (!f->key || !*f->key) {
                cert_report_add(report, CERT_RULE_file_readable, leaf, f->certificate,
                                "there is no key file");
                return;
        }
        if (stat(f->key, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRWXO | S_IWGRP)))
                cert_report_add(report, CERT_RULE_key_private, NULL, f->key, "chmod 600 makes it so");
        in = BIO_new_file(f->key, "r");
        if (in)
                key = PEM_read_bio_PrivateKey(in, NULL, cert_no_passphrase, NULL);
        if (!key)
                cert_report_add(report, CERT_RULE_file_readable, NULL, f->key,
                                in ? "it holds no private key without passphrase" : strerror(errno));
        else if (leaf && X509_check_private_key(leaf, key) != 1)
                cert_report_add(report, CERT_RULE_key_matches, leaf, f->key, NULL);
        EVP_PKEY_free(key);
        BIO_free(in);
}

/* Each certificate is certified by the next one (TRUST-007). The first that is not is told. */
static void check_order(STACK_OF(X509) * chain, const char *file, struct cert_report *report)
{
        for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
                X509 *x = sk_X509_value(chain, i), *next = sk_X509_value(chain, i + 1);

                if (X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(next)) == 0 &&
                    X509_verify(x, X509_get0_pubkey(next)) == 1)
                        continue;
                cert_report_add(report, CERT_RULE_chain_order, x, file,
                                "the next certificate did not certify it");
                return;
        }
}

static int check_uses(const struct cert_files *f, STACK_OF(X509) * chain, const struct cert_roots *roots,
                      struct cert_report *report)
{
        struct cert_policy policy = {
                .roots = roots, .name = f->name, .trust_domain = f->trust_domain, .now = f->now};
        struct cert_path path = {.policy = &policy, .report = report, .file = f->certificate};
        int err = 0;

        if (f->server || !f->client) {
                policy.use = CERT_USE_SERVER;
                err = cert_path_check(&path, chain);
        }
        if (!err && f->client) {
                policy.use = CERT_USE_CLIENT;
                err = cert_path_check(&path, chain);
        }
        return err;
}

int cert_files_check(const struct cert_files *f, struct cert_report *report)
{
        STACK_OF(X509) *chain = NULL;
        struct cert_roots *roots = NULL;
        int err, chain_err;

        *report = (struct cert_report){0};
        err = cert_roots_load(f->ca, f->crl, &roots, report);
        if (err == -IMS_ENOMEM || !f->certificate || !*f->certificate)
                goto out;
        chain_err = cert_chain_load(f->certificate, &chain);
        if (chain_err == -IMS_ENOMEM) {
                err = chain_err;
                goto out;
        }
        if (chain_err)
                cert_report_add(report, CERT_RULE_file_readable, NULL, f->certificate,
                                chain_err == -IMS_EIO ? "it cannot be read" : "it holds no certificate");
        else
                check_order(chain, f->certificate, report);
        check_key(f, chain ? sk_X509_value(chain, 0) : NULL, report);
        err = chain && roots ? check_uses(f, chain, roots, report) : 0;
out:
        sk_X509_pop_free(chain, X509_free);
        cert_roots_free(roots);
        ERR_clear_error();
        return err == -IMS_ENOMEM ? err : 0;
}
