/* SPDX-License-Identifier: BSD-3-Clause
 * PEM files: chains, roots, CRLs. */
#include "common/net/cert_int.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_CERTS 512 /* a file of all public roots has some 150 */

/* What PEM_read_bio_X509_INFO found; NULL with *err. */
static STACK_OF(X509_INFO) * read_file(const char *file, int *err)
{
        STACK_OF(X509_INFO) *infos = NULL;
        BIO *in = BIO_new_file(file, "r");

        *err = -IMS_EIO;
        if (in) {
                infos = PEM_X509_INFO_read_bio(in, NULL, NULL, NULL);
                *err = infos ? 0 : -IMS_EPARSE;
        }
        if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
                *err = -IMS_ENOMEM;
        BIO_free(in);
        ERR_clear_error();
        return infos;
}

static void infos_free(STACK_OF(X509_INFO) * infos)
{
        sk_X509_INFO_pop_free(infos, X509_INFO_free);
}

int cert_chain_load(const char *file, STACK_OF(X509) * *out)
{
        int err;
        STACK_OF(X509_INFO) *infos = read_file(file, &err);
        STACK_OF(X509) *list = NULL;

        if (!err) {
                list = sk_X509_new_null();
                err = list ? 0 : -IMS_ENOMEM;
        }
        for (int i = 0; !err && i < sk_X509_INFO_num(infos); i++) {
                X509_INFO *info = sk_X509_INFO_value(infos, i);

                if (!info->x509)
                        continue;
                if (sk_X509_num(list) >= FILE_CERTS)
                        err = -IMS_ETOOBIG;
                else if (!sk_X509_push(list, info->x509))
                        err = -IMS_ENOMEM;
                else
                        info->x509 = NULL;
        }
        if (!err && sk_X509_num(list) == 0)
                err = -IMS_EPARSE;
        infos_free(infos);
        if (err)
                sk_X509_pop_free(list, X509_free);
        else
                *out = list;
        return err;
}

static int crls_load(const char *file, STACK_OF(X509_CRL) * *out)
{
        int err;
        STACK_OF(X509_INFO) *infos = read_file(file, &err);
        STACK_OF(X509_CRL) *list = NULL;

        if (!err) {
                list = sk_X509_CRL_new_null();
                err = list ? 0 : -IMS_ENOMEM;
        }
        for (int i = 0; !err && i < sk_X509_INFO_num(infos); i++) {
                X509_INFO *info = sk_X509_INFO_value(infos, i);

                if (!info->crl)
                        continue;
                if (!sk_X509_CRL_push(list, info->crl))
                        err = -IMS_ENOMEM;
                else
                        info->crl = NULL;
        }
        if (!err && sk_X509_CRL_num(list) == 0)
                err = -IMS_EPARSE;
        infos_free(infos);
        if (err)
                sk_X509_CRL_pop_free(list, X509_CRL_free);
        else
                *out = list;
        return err;
}

int cert_roots_new(STACK_OF(X509) * roots, STACK_OF(X509_CRL) * crls, struct cert_roots **out)
{
        struct cert_roots *r = calloc(1, sizeof(*r));
        bool ok;

        if (!r)
                return -IMS_ENOMEM;
        r->crls = crls != NULL;
        r->store = X509_STORE_new();
        r->list = X509_chain_up_ref(roots);
        ok = r->store && r->list;
        for (int i = 0; ok && i < sk_X509_num(roots); i++)
                ok = X509_STORE_add_cert(r->store, sk_X509_value(roots, i)) == 1;
        for (int i = 0; ok && i < sk_X509_CRL_num(crls); i++)
                ok = X509_STORE_add_crl(r->store, sk_X509_CRL_value(crls, i)) == 1;
        ERR_clear_error();
        if (!ok) {
                cert_roots_free(r);
                return -IMS_ENOMEM;
        }
        *out = r;
        return 0;
}

void cert_roots_free(struct cert_roots *r)
{
        if (!r)
                return;
        X509_STORE_free(r->store);
        sk_X509_pop_free(r->list, X509_free);
        free(r);
}

/* A root is a certification authority and signs itself. */
static void check_roots(STACK_OF(X509) * roots, const char *file, struct cert_report *report)
{
        for (int i = 0; i < sk_X509_num(roots); i++) {
                X509 *x = sk_X509_value(roots, i);

                if (X509_check_ca(x) == 0)
                        cert_report_add(report, CERT_RULE_issuer_is_ca, x, file, "it stands among the roots");
        }
}

static const char *why_not(int err)
{
        return err == -IMS_EIO      ? "it cannot be read"
               : err == -IMS_EPARSE ? "nothing of this kind stands in it, or it is broken"
                                    : ims_strerror(err);
}

int cert_roots_load(const char *ca, const char *crl, struct cert_roots **out, struct cert_report *report)
{
        STACK_OF(X509) *roots = NULL;
        STACK_OF(X509_CRL) *crls = NULL;
        size_t before = report->n_hard;
        int err = 0, crl_err;

        if (!ca || !*ca) {
                cert_report_add(report, CERT_RULE_roots_held, NULL, NULL, NULL);
                return -IMS_ECONF;
        }
        err = cert_chain_load(ca, &roots);
        if (err && err != -IMS_ENOMEM)
                cert_report_add(report, CERT_RULE_file_readable, NULL, ca, why_not(err));
        else if (!err)
                check_roots(roots, ca, report);
        if (crl && *crl && err != -IMS_ENOMEM) {
                crl_err = crls_load(crl, &crls);
                if (crl_err == -IMS_ENOMEM)
                        err = crl_err;
                else if (crl_err)
                        cert_report_add(report, CERT_RULE_file_readable, NULL, crl, why_not(crl_err));
        }
        if (err != -IMS_ENOMEM)
                err = report->n_hard > before ? -IMS_ECONF : cert_roots_new(roots, crls, out);
        sk_X509_pop_free(roots, X509_free);
        sk_X509_CRL_pop_free(crls, X509_CRL_free);
        return err;
}
