/* SPDX-License-Identifier: BSD-3-Clause
 * Whose certificate is looked at, against which roots and for which name. TS 33.203 O.5.2, RFC 5280,
 * RFC 6125, RFC 5922. */
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "common/net/cert.h"
#include "common/net/tls_int.h"

#define NAMES_MAX 64 /* of one certificate that are kept */
#define CERT_LIST_MAX                                                                                        \
        32768 /* octets that a peer may present; each certificate is read before it is judged                \
               */

/* What a context verifies with; lives as long as OpenSSL's context. */
struct verifier {
        struct cert_roots *roots, *home_roots;
};

static void verifier_free(struct verifier *v)
{
        if (!v)
                return;
        cert_roots_free(v->roots);
        cert_roots_free(v->home_roots);
        free(v);
}

static void on_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
        (void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
        verifier_free(ptr);
}

/* The place of the verifier in OpenSSL's context, or -1. */
static int verifier_index(void)
{
        static int index = -1;

        if (index < 0)
                index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, on_free);
        return index;
}

static int load_roots(const char *key, const char *ca, const char *crl, struct cert_roots **out,
                      struct buf *err)
{
        struct cert_report report = {0};
        int rc = cert_roots_load(ca, crl, out, &report);

        if (rc == -IMS_ECONF) {
                buf_printf(err, "%s: ", key);
                cert_report_text(&report, err);
        }
        return rc;
}

static int use_roots(SSL_CTX *ctx, const struct tls_conf *conf, struct buf *err)
{
        struct verifier *v;
        int rc;

        if (!conf->ca) {
                buf_puts(err, "ca: missing: without roots no certificate can be verified");
                return -IMS_ECONF;
        }
        v = calloc(1, sizeof(*v));
        if (!v)
                return -IMS_ENOMEM;
        rc = load_roots("ca", conf->ca, conf->crl, &v->roots, err);
        if (!rc && conf->home_ca)
                rc = load_roots("home_ca", conf->home_ca, NULL, &v->home_roots, err);
        if (!rc && (verifier_index() < 0 || !SSL_CTX_set_ex_data(ctx, verifier_index(), v)))
                rc = -IMS_ENOMEM;
        if (rc)
                verifier_free(v);
        return rc;
}

int tls_verify_chain(X509_STORE_CTX *store, SSL *ssl, struct buf *why)
{
        const struct tls_context *c = tls_stream_context(ssl);
        const struct verifier *v = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), verifier_index());
        struct cert_policy policy = {.use = c->role == TLS_CLIENT ? CERT_USE_SERVER : CERT_USE_CLIENT,
                                     .roots = v->roots,
                                     .name = span_of(tls_stream_name(ssl)),
                                     .trust_domain = span_of(c->conf.trust_domain),
                                     .home_domain = span_of(c->conf.home_domain),
                                     .home_roots = v->home_roots,
                                     .device = c->conf.devices};
        struct cert_report report;

        if (cert_verify_presented(store, &policy, &report))
                return 1;
        cert_report_text(&report, why);
        return 0;
}

int tls_verify_apply(SSL_CTX *ctx, enum tls_role role, const struct tls_conf *conf, struct buf *err)
{
        bool verifies = role == TLS_CLIENT || conf->verify_clients;
        int rc;

        if (!verifies) {
                SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* no CertificateRequest leaves (O.2.1) */
                return 0;
        }
        rc = use_roots(ctx, conf, err);
        if (rc)
                return rc;
        if (role == TLS_SERVER) {
                STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(conf->ca);

                if (!names)
                        return -IMS_ENOMEM;
                SSL_CTX_set_client_CA_list(ctx, names);
        }
        SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        return 0;
}

int tls_verify_expect(SSL *ssl, const char *name)
{
        struct addr literal;

        if (addr_parse(span_of(name), 0, &literal) == 0) /* an address is none for RFC 6066 */
                return 0;
        return SSL_set_tlsext_host_name(ssl, name) == 1 ? 0 : -IMS_ENOMEM;
}

/* --- names of the peer ------------------------------------------------------------------------------ */

void tls_names_free(struct tls_names *n)
{
        free(n->subject);
        for (size_t i = 0; i < n->n; i++)
                free(n->names[i]);
        free(n->names);
        *n = (struct tls_names){0};
}

static char *text_of(const ASN1_STRING *s)
{
        unsigned char *utf8 = NULL;
        int n = ASN1_STRING_to_UTF8(&utf8, s);
        char *text;

        if (n < 0)
                return NULL;
        text = memchr(utf8, '\0', (size_t)n) ? span_dup(SPAN("")) : span_dup(span_make(utf8, (size_t)n));
        OPENSSL_free(utf8);
        return text;
}

static char *ip_text_of(const ASN1_OCTET_STRING *s)
{
        const unsigned char *p = ASN1_STRING_get0_data(s);
        int n = ASN1_STRING_length(s);
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        char text[ADDR_STR] = "";
        struct addr a;

        if (n == 4)
                memcpy(&v4.sin_addr, p, 4);
        else if (n == 16)
                memcpy(&v6.sin6_addr, p, 16);
        if ((n == 4 || n == 16) &&
            addr_from_sockaddr(n == 4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, &a) == 0)
                (void)addr_ip_str(&a, false, text);
        return span_dup(span_of(text));
}

/* *out: a text, or NULL for a kind that is not kept. -IMS_ENOMEM. */
static int one_name(const GENERAL_NAME *g, char **out)
{
        *out = NULL;
        if (g->type == GEN_DNS || g->type == GEN_URI)
                *out = text_of(g->d.ia5);
        else if (g->type == GEN_IPADD)
                *out = ip_text_of(g->d.iPAddress);
        else
                return 0;
        return *out ? 0 : -IMS_ENOMEM;
}

static int read_alt_names(X509 *cert, struct tls_names *out)
{
        GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
        int n = all ? sk_GENERAL_NAME_num(all) : 0, err = 0;

        n = n < NAMES_MAX ? n : NAMES_MAX;
        if (n > 0) {
                out->names = calloc((size_t)n, sizeof(*out->names));
                err = out->names ? 0 : -IMS_ENOMEM;
        }
        for (int i = 0; i < n && !err; i++) {
                char *name;

                err = one_name(sk_GENERAL_NAME_value(all, i), &name);
                if (!err && name)
                        out->names[out->n++] = name;
        }
        GENERAL_NAMES_free(all);
        return err;
}

int tls_names_read(SSL *ssl, struct tls_names *out)
{
        struct tls_names names = {0};
        X509 *cert = SSL_get0_peer_certificate(ssl);
        const X509_NAME *subject = cert ? X509_get_subject_name(cert) : NULL;
        int at = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
        int err = cert ? read_alt_names(cert, &names) : 0;

        if (!err && at >= 0) {
                names.subject = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
                err = names.subject ? 0 : -IMS_ENOMEM;
        }
        if (err) {
                tls_names_free(&names);
                return err;
        }
        *out = names;
        return 0;
}
