/* SPDX-License-Identifier: BSD-3-Clause
 * Path validation: RFC 5280 by OpenSSL, which goes on after a fault so that all are told, and what TS 33.203
 * O.5 asks beyond it. */
#include "common/net/cert_int.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#define LONG_VALID_S      ((time_t)14 * 24 * 3600)
#define LIST_MAX          8    /* certificates of one list */
#define KEY_BITS_MAX      8192 /* of each of them */
#define EXPONENT_BITS_MAX 32   /* of RSA; 65537 is what everybody has */

void cert_breach(struct cert_path *path, enum cert_rule rule, X509 *x, const char *detail, int error)
{
        cert_report_add(path->report, rule, x, path->file, detail);
        if (cert_rule_rows[rule].hard && path->error == X509_V_OK)
                path->error = error;
}

/* Which of the two usages forbids it. */
static enum cert_rule usage_rule(X509 *x, enum cert_use use)
{
        uint32_t wanted = use == CERT_USE_SERVER ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
        uint32_t has = X509_get_extended_key_usage(x);

        return has != UINT32_MAX && !(has & (wanted | XKU_ANYEKU)) ? CERT_RULE_extended_key_usage
                                                                   : CERT_RULE_key_usage;
}

static const struct {
        int error;
        enum cert_rule rule;
} error_rows[] = {
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CERT_RULE_chain_to_root},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_RULE_chain_to_root},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_RULE_chain_to_root},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERT_RULE_chain_to_root},
        {X509_V_ERR_CERT_UNTRUSTED, CERT_RULE_chain_to_root},
        {X509_V_ERR_CERT_CHAIN_TOO_LONG, CERT_RULE_chain_to_root},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CERT_RULE_signed_by_trusted},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, CERT_RULE_signature_valid},
        {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, CERT_RULE_signature_valid},
        {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, CERT_RULE_signature_valid},
        {X509_V_ERR_CERT_HAS_EXPIRED, CERT_RULE_not_expired},
        {X509_V_ERR_CERT_NOT_YET_VALID, CERT_RULE_already_valid},
        {X509_V_ERR_INVALID_CA, CERT_RULE_issuer_is_ca},
        {X509_V_ERR_INVALID_NON_CA, CERT_RULE_issuer_is_ca},
        {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, CERT_RULE_key_usage},
        {X509_V_ERR_PATH_LENGTH_EXCEEDED, CERT_RULE_path_length},
        {X509_V_ERR_PERMITTED_VIOLATION, CERT_RULE_names_permitted},
        {X509_V_ERR_EXCLUDED_VIOLATION, CERT_RULE_names_permitted},
        {X509_V_ERR_SUBTREE_MINMAX, CERT_RULE_names_permitted},
        {X509_V_ERR_CERT_REVOKED, CERT_RULE_not_revoked},
        {X509_V_ERR_UNABLE_TO_GET_CRL, CERT_RULE_crl_usable},
        {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, CERT_RULE_crl_usable},
        {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, CERT_RULE_crl_usable},
        {X509_V_ERR_CRL_SIGNATURE_FAILURE, CERT_RULE_crl_usable},
        {X509_V_ERR_CRL_NOT_YET_VALID, CERT_RULE_crl_usable},
        {X509_V_ERR_CRL_HAS_EXPIRED, CERT_RULE_crl_usable},
        {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, CERT_RULE_crl_usable},
        {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, CERT_RULE_crl_usable},
        {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, CERT_RULE_crl_usable},
        {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, CERT_RULE_crl_usable},
        {X509_V_ERR_DIFFERENT_CRL_SCOPE, CERT_RULE_crl_usable},
        {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, CERT_RULE_crl_usable},
};

/* The rule that a code of X509_verify_cert breaks, with certificate x. */
static enum cert_rule rule_of_error(int error, X509 *x, enum cert_use use)
{
        if (error == X509_V_ERR_INVALID_PURPOSE && x)
                return usage_rule(x, use);
        for (size_t i = 0; i < sizeof(error_rows) / sizeof(error_rows[0]); i++)
                if (error_rows[i].error == error)
                        return error_rows[i].rule;
        return CERT_RULE_path_valid;
}

static int on_verify(int ok, X509_STORE_CTX *ctx)
{
        struct cert_path *path = X509_STORE_CTX_get_app_data(ctx);
        X509 *x = X509_STORE_CTX_get_current_cert(ctx);
        int error = X509_STORE_CTX_get_error(ctx), depth = X509_STORE_CTX_get_error_depth(ctx);
        enum cert_rule rule;

        if (ok)
                return 1;
        if (error == X509_V_ERR_OUT_OF_MEM) {
                path->no_memory = true;
                return 0;
        }
        /* authorities above the leaf need a CRL only where one is held (O.5.3: optional) */
        if (error == X509_V_ERR_UNABLE_TO_GET_CRL && depth > 0)
                return 1;
        rule = rule_of_error(error, x, path->policy->use);
        cert_breach(path, rule, x,
                    rule == CERT_RULE_path_valid || rule == CERT_RULE_crl_usable
                            ? X509_verify_cert_error_string(error)
                            : NULL,
                    error);
        return 1;
}

/* Whether one name is the other octet by octet in DER (TS 33.203 O.5.2). */
static bool name_der_eq(const X509_NAME *a, const X509_NAME *b)
{
        const unsigned char *pa = NULL, *pb = NULL;
        size_t na = 0, nb = 0;

        return X509_NAME_get0_der(a, &pa, &na) == 1 && X509_NAME_get0_der(b, &pb, &nb) == 1 &&
               span_eq(span_make(pa, na), span_make(pb, nb));
}

/* The same certificate but for serial number, validity and signature. */
static bool same_but_for_renewal(X509 *sent, X509 *known)
{
        X509 *copy = X509_dup(sent);
        unsigned char *a = NULL, *b = NULL;
        int na = -1, nb = -1;
        bool same = false;

        if (copy && X509_set_serialNumber(copy, X509_get_serialNumber(known)) == 1 &&
            X509_set1_notBefore(copy, X509_get0_notBefore(known)) == 1 &&
            X509_set1_notAfter(copy, X509_get0_notAfter(known)) == 1) {
                na = i2d_re_X509_tbs(copy, &a);
                nb = i2d_re_X509_tbs(known, &b);
                same = na > 0 && nb > 0 && span_eq(span_make(a, (size_t)na), span_make(b, (size_t)nb));
        }
        OPENSSL_free(a);
        OPENSSL_free(b);
        X509_free(copy);
        return same;
}

/* A root in the list that was sent must be known (TS 33.203 O.5.2). */
static void check_sent_roots(struct cert_path *path, STACK_OF(X509) * sent)
{
        const struct cert_roots *roots = path->policy->roots;

        for (int i = 1; i < sk_X509_num(sent); i++) {
                X509 *x = sk_X509_value(sent, i);
                bool known = false;

                if (X509_self_signed(x, 0) != 1)
                        continue;
                for (int j = 0; !known && j < sk_X509_num(roots->list); j++)
                        known = same_but_for_renewal(x, sk_X509_value(roots->list, j));
                if (!known)
                        cert_breach(path, CERT_RULE_root_unchanged, x, NULL,
                                    X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN);
        }
}

/* Key size and hash of the signature (not asked of roots). */
static void check_strength(struct cert_path *path, X509 *x, bool root)
{
        EVP_PKEY *key = X509_get0_pubkey(x);
        int md = NID_undef;
        int bits = key ? EVP_PKEY_get_bits(key) : 0;
        int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
        bool factoring = kind == EVP_PKEY_RSA || kind == EVP_PKEY_RSA_PSS || kind == EVP_PKEY_DSA;

        if (bits < (factoring ? 2048 : 224))
                cert_breach(path, CERT_RULE_key_strong, x, NULL,
                            root ? X509_V_ERR_CA_KEY_TOO_SMALL : X509_V_ERR_EE_KEY_TOO_SMALL);
        if (root) /* its own signature protects nothing */
                return;
        if (X509_get_signature_info(x, &md, NULL, NULL, NULL) == 1 &&
            (md == NID_md5 || md == NID_md4 || md == NID_sha1 || md == NID_md5_sha1))
                cert_breach(path, CERT_RULE_signature_strong, x, NULL, X509_V_ERR_CA_MD_TOO_WEAK);
}

static bool list_has(STACK_OF(X509) * list, X509 *x)
{
        for (int i = 0; i < sk_X509_num(list); i++)
                if (X509_cmp(sk_X509_value(list, i), x) == 0)
                        return true;
        return false;
}

/* What is asked along the path that was found. */
static void check_found(struct cert_path *path, STACK_OF(X509) * chain)
{
        for (int i = 0; i < sk_X509_num(chain); i++) {
                X509 *x = sk_X509_value(chain, i);

                check_strength(path, x, X509_self_signed(x, 0) == 1);
                if (i + 1 < sk_X509_num(chain) &&
                    !name_der_eq(X509_get_issuer_name(x), X509_get_subject_name(sk_X509_value(chain, i + 1))))
                        cert_breach(path, CERT_RULE_issuer_der, x, NULL, X509_V_ERR_SUBJECT_ISSUER_MISMATCH);
        }
}

/* OpenSSL takes no issuer that may not sign: the path ends before it. Tells why, where it was sent. */
static void explain_end(struct cert_path *path, STACK_OF(X509) * sent, STACK_OF(X509) * chain)
{
        X509 *last = sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : NULL;

        if (!last || !cert_report_has(path->report, CERT_RULE_chain_to_root))
                return;
        for (int i = 0; i < sk_X509_num(sent); i++) {
                X509 *x = sk_X509_value(sent, i);

                if (x == last || X509_NAME_cmp(X509_get_issuer_name(last), X509_get_subject_name(x)) != 0 ||
                    X509_verify(last, X509_get0_pubkey(x)) != 1)
                        continue;
                if (!(X509_get_extension_flags(x) & EXFLAG_CA))
                        cert_breach(path, CERT_RULE_issuer_is_ca, x, NULL, X509_V_ERR_INVALID_CA);
                else if (!(X509_get_key_usage(x) & KU_KEY_CERT_SIGN))
                        cert_breach(path, CERT_RULE_key_usage, x, NULL, X509_V_ERR_KEYUSAGE_NO_CERTSIGN);
        }
}

/* What is asked of the names by who asks (RFC 5922 7.1, TLS-FWD F, RFC 3261 26.3.2.1). */
static void check_wanted(struct cert_path *path, X509 *leaf, STACK_OF(X509) * chain)
{
        const struct cert_policy *p = path->policy;

        bool address = false;
        bool named = !p->name.n || cert_is_for(leaf, p->name, &address);

        if (!p->device && !address)
                cert_check_names(path, leaf);
        if (!named)
                cert_breach(path, CERT_RULE_name_matches, leaf, NULL, X509_V_ERR_HOSTNAME_MISMATCH);
        if (p->trust_domain.n && !cert_names_within(leaf, p->trust_domain))
                cert_breach(path, CERT_RULE_in_trust_domain, leaf, NULL, X509_V_ERR_HOSTNAME_MISMATCH);
        if (p->home_domain.n && !cert_names_within(leaf, p->home_domain)) {
                X509 *root = sk_X509_num(chain) > 0 ? sk_X509_value(chain, sk_X509_num(chain) - 1) : NULL;

                if (!root || !p->home_roots || !list_has(p->home_roots->list, root))
                        cert_breach(path, CERT_RULE_of_home, leaf, NULL, X509_V_ERR_HOSTNAME_MISMATCH);
        }
}

static void check_leaf(struct cert_path *path, X509 *leaf)
{
        time_t soon = (path->policy->now ? path->policy->now : time(NULL)) + LONG_VALID_S;

        if (X509_self_signed(leaf, 0) == 1)
                cert_breach(path, CERT_RULE_signed_by_trusted, leaf, NULL,
                            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
        if (X509_cmp_time(X509_get0_notAfter(leaf), &soon) < 0 &&
            !cert_report_has(path->report, CERT_RULE_not_expired))
                cert_breach(path, CERT_RULE_long_valid, leaf, NULL, X509_V_OK);
}

/* 1: it takes too long to compute with. -IMS_ENOMEM. */
static int is_dear(EVP_PKEY *key)
{
        int kind = key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
        BIGNUM *e = NULL;
        bool dear;

        if (!key || EVP_PKEY_get_bits(key) > KEY_BITS_MAX)
                return key != NULL;
        if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_RSA_PSS)
                return 0;
        if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
                return -IMS_ENOMEM;
        dear = BN_num_bits(e) > EXPONENT_BITS_MAX;
        BN_free(e);
        return dear;
}

/* Whoever presents a list makes us compute over it before anything in it is known to be true, and nobody else
 * is served meanwhile: 100 kB of the dearest keys take 150 ms. 1: a breach, nothing is to be computed. */
static int check_bounds(struct cert_path *path, STACK_OF(X509) * sent)
{
        for (int i = 0; i < sk_X509_num(sent); i++) {
                X509 *x = sk_X509_value(sent, i);
                int dear = i < LIST_MAX ? is_dear(X509_get0_pubkey(x)) : 1;

                if (dear > 0)
                        cert_breach(path, CERT_RULE_list_bounded, x, NULL, X509_V_ERR_CERT_CHAIN_TOO_LONG);
                if (dear)
                        return dear;
        }
        return 0;
}

static int path_find(struct cert_path *path, X509_STORE_CTX *ctx, STACK_OF(X509) * sent)
{
        const struct cert_policy *p = path->policy;
        X509_VERIFY_PARAM *param;
        int rc;

        if (X509_STORE_CTX_init(ctx, p->roots->store, sk_X509_value(sent, 0), sent) != 1)
                return -IMS_ENOMEM;
        param = X509_STORE_CTX_get0_param(ctx);
        if (X509_VERIFY_PARAM_set_purpose(param, p->use == CERT_USE_SERVER ? X509_PURPOSE_SSL_SERVER
                                                                           : X509_PURPOSE_SSL_CLIENT) != 1)
                return -IMS_ENOMEM;
        if (p->roots->crls)
                (void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        if (p->now)
                X509_VERIFY_PARAM_set_time(param, p->now);
        X509_STORE_CTX_set_app_data(ctx, path);
        X509_STORE_CTX_set_verify_cb(ctx, on_verify);
        rc = X509_verify_cert(ctx);
        if (rc < 0 || path->no_memory)
                return -IMS_ENOMEM;
        if (rc == 0) /* a fault that on_verify was not asked about */
                cert_breach(path, CERT_RULE_path_valid, NULL,
                            X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)),
                            X509_V_ERR_UNSPECIFIED);
        return 0;
}

int cert_path_check(struct cert_path *path, STACK_OF(X509) * sent)
{
        X509_STORE_CTX *ctx;
        X509 *leaf = sk_X509_value(sent, 0);
        int err = check_bounds(path, sent);

        if (err)
                return err < 0 ? err : 0;
        ctx = X509_STORE_CTX_new();
        err = ctx ? 0 : -IMS_ENOMEM;
        if (!err)
                err = path_find(path, ctx, sent);
        if (!err) {
                check_leaf(path, leaf);
                check_sent_roots(path, sent);
                check_found(path, X509_STORE_CTX_get0_chain(ctx));
                explain_end(path, sent, X509_STORE_CTX_get0_chain(ctx));
                check_wanted(path, leaf, X509_STORE_CTX_get0_chain(ctx));
        }
        X509_STORE_CTX_free(ctx);
        ERR_clear_error();
        return err;
}

int cert_chain_check(STACK_OF(X509) * sent, const struct cert_policy *policy, struct cert_report *report,
                     int *error)
{
        struct cert_path path = {.policy = policy, .report = report, .error = X509_V_OK};
        int err;

        *report = (struct cert_report){0};
        if (sk_X509_num(sent) < 1) {
                cert_breach(&path, CERT_RULE_chain_to_root, NULL, "no certificate was sent",
                            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT);
                err = 0;
        } else {
                err = cert_path_check(&path, sent);
        }
        if (error)
                *error = err ? X509_V_ERR_OUT_OF_MEM : path.error;
        if (!err && report->n_hard)
                err = -IMS_EAUTH;
        return err;
}

int cert_verify_presented(X509_STORE_CTX *ctx, const struct cert_policy *policy, struct cert_report *report)
{
        STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(ctx);
        X509 *leaf = X509_STORE_CTX_get0_cert(ctx);
        STACK_OF(X509) *list = sent ? sk_X509_dup(sent) : sk_X509_new_null();
        int error = X509_V_ERR_OUT_OF_MEM, err = list ? 0 : -IMS_ENOMEM;

        /* the list holds the peer's own certificate first, or begins behind it */
        if (!err && leaf && (sk_X509_num(list) == 0 || X509_cmp(sk_X509_value(list, 0), leaf) != 0) &&
            !sk_X509_insert(list, leaf, 0))
                err = -IMS_ENOMEM;
        if (!err)
                err = cert_chain_check(list, policy, report, &error);
        X509_STORE_CTX_set_error(ctx, err && error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error);
        sk_X509_free(list);
        return err == 0;
}
