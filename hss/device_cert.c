/* SPDX-License-Identifier: BSD-3-Clause
 * Fingerprint and subject of a certificate. */
#include "hss/device_cert.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/base/codec.h"

static int subject_of(const X509 *x, char out[static DEVICE_SUBJECT_MAX + 1])
{
        BIO *b = BIO_new(BIO_s_mem());
        char *text = NULL;
        int rc = -IMS_ENOMEM;
        if (b && X509_NAME_print_ex(b, X509_get_subject_name(x), 0, XN_FLAG_RFC2253) >= 0) {
                long n = BIO_get_mem_data(b, &text);
                bool fits = n > 0 && n <= DEVICE_SUBJECT_MAX;
                rc = fits ? span_copy(span_make(text, (size_t)n), out, DEVICE_SUBJECT_MAX + 1) : -IMS_EINVAL;
        }
        BIO_free(b);
        return rc;
}

int device_cert_read(const X509 *x, struct device_cert *out)
{
        unsigned char hash[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        struct device_cert c;
        int rc = subject_of(x, c.subject);
        if (rc < 0)
                return rc;
        if (X509_digest(x, EVP_sha256(), hash, &n) != 1 || n != 32)
                return -IMS_ENOMEM;
        hex_encode(hash, n, c.fingerprint);
        *out = c;
        return 0;
}

int device_cert_load(const char *file, struct device_cert *out, struct buf *err)
{
        FILE *f = fopen(file, "re");
        if (!f) {
                buf_printf(err, "%s cannot be read: %s", file, strerror(errno));
                return -IMS_EIO;
        }
        X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
        (void)fclose(f);
        ERR_clear_error();
        int rc = x ? device_cert_read(x, out) : -IMS_EPARSE;
        X509_free(x);
        if (rc == -IMS_EPARSE)
                buf_printf(err, "%s holds no certificate in PEM form", file);
        else if (rc == -IMS_EINVAL)
                buf_printf(err, "%s: its subject is empty or longer than %d characters", file,
                           DEVICE_SUBJECT_MAX);
        else if (rc < 0)
                buf_puts(err, ims_strerror(rc));
        return rc;
}
