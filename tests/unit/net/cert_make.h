/* SPDX-License-Identifier: BSD-3-Clause
 * Certificates made for a test, as wrong as it wants them. Keys are on P-256 unless the test brings others.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

#define NOW ((time_t)1800000000)
#define DAY 86400L

struct made {
        X509 *x;
        EVP_PKEY *key;
};

struct make {
        const char *cn, *cn2;         /* common names; NULL: none */
        const char *o;                /* organisation; NULL: none */
        int string;                   /* MBSTRING_... of the names; 0: UTF-8 as OpenSSL chooses */
        const char *san;              /* value of the extension, "DNS:a.example"; NULL: none */
        const char *basic;            /* basicConstraints; NULL: none */
        const char *ku, *eku, *names; /* key usage, extended key usage, name constraints */
        long from_d, to_d;            /* days from NOW; 0, 0: -1 to 365 */
        const EVP_MD *md;             /* NULL: SHA-256 */
        EVP_PKEY *key;                /* NULL: a fresh one; borrowed */
        const X509_NAME *issuer_name; /* in place of the issuer's subject */
        EVP_PKEY *signer;             /* in place of the issuer's key */
        long serial;
};

static inline EVP_PKEY *make_key(void)
{
        EVP_PKEY *key = EVP_EC_gen("P-256");

        assert_non_null(key);
        return key;
}

static inline void make_name(X509_NAME *name, const struct make *m)
{
        int kind = m->string ? m->string : MBSTRING_UTF8;

        if (m->o)
                assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_organizationName, kind,
                                                            (const unsigned char *)m->o, -1, -1, 0),
                                 1);
        if (m->cn)
                assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, kind,
                                                            (const unsigned char *)m->cn, -1, -1, 0),
                                 1);
        if (m->cn2)
                assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, kind,
                                                            (const unsigned char *)m->cn2, -1, -1, 0),
                                 1);
}

static inline void make_ext(X509 *x, X509 *issuer, int nid, const char *value)
{
        X509V3_CTX ctx;
        X509_EXTENSION *ext;

        if (!value)
                return;
        X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
        ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        assert_non_null(ext);
        assert_int_equal(X509_add_ext(x, ext, -1), 1);
        X509_EXTENSION_free(ext);
}

/* by NULL: signed by itself. */
static inline struct made make_cert(const struct make *m, const struct made *by)
{
        static long serial = 1;
        struct made out = {.x = X509_new()};
        const struct made *issuer = by ? by : &out;
        time_t now = NOW;

        assert_non_null(out.x);
        out.key = m->key ? m->key : make_key();
        if (m->key)
                EVP_PKEY_up_ref(out.key);
        X509_set_version(out.x, X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(out.x), m->serial ? m->serial : ++serial);
        make_name(X509_get_subject_name(out.x), m);
        X509_set_issuer_name(out.x, m->issuer_name ? m->issuer_name : X509_get_subject_name(issuer->x));
        X509_time_adj_ex(X509_getm_notBefore(out.x), (int)(m->from_d || m->to_d ? m->from_d : -1), 0, &now);
        X509_time_adj_ex(X509_getm_notAfter(out.x), (int)(m->from_d || m->to_d ? m->to_d : 365), 0, &now);
        X509_set_pubkey(out.x, out.key);
        make_ext(out.x, issuer->x, NID_basic_constraints, m->basic);
        make_ext(out.x, issuer->x, NID_key_usage, m->ku);
        make_ext(out.x, issuer->x, NID_ext_key_usage, m->eku);
        make_ext(out.x, issuer->x, NID_subject_alt_name, m->san);
        make_ext(out.x, issuer->x, NID_name_constraints, m->names);
        assert_true(X509_sign(out.x, m->signer ? m->signer : issuer->key, m->md ? m->md : EVP_sha256()) > 0);
        return out;
}

static inline void made_free(struct made *m)
{
        X509_free(m->x);
        EVP_PKEY_free(m->key);
        *m = (struct made){0};
}

/* Root, intermediate authority and a server, as they should be. */
#define MAKE_ROOT                                                                                            \
        .o = "Lab", .cn = "Lab Root", .basic = "critical,CA:TRUE", .ku = "critical,keyCertSign,cRLSign"
#define MAKE_SUB                                                                                             \
        .o = "Lab", .cn = "Lab Servers", .basic = "critical,CA:TRUE,pathlen:0",                              \
        .ku = "critical,keyCertSign,cRLSign"
#define PCSCF "pcscf.ims.example"
#define MAKE_SERVER                                                                                          \
        .cn = PCSCF, .san = "DNS:" PCSCF, .basic = "critical,CA:FALSE",                                      \
        .ku = "critical,digitalSignature,keyEncipherment", .eku = "serverAuth,clientAuth"

/* A list that owns none of its certificates: sk_X509_free. */
static inline STACK_OF(X509) * list_of(X509 *a, X509 *b, X509 *c)
{
        STACK_OF(X509) *list = sk_X509_new_null();

        assert_non_null(list);
        if (a)
                assert_true(sk_X509_push(list, a) > 0);
        if (b)
                assert_true(sk_X509_push(list, b) > 0);
        if (c)
                assert_true(sk_X509_push(list, c) > 0);
        return list;
}
