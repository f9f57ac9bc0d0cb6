/* SPDX-License-Identifier: BSD-3-Clause
 * Versions and cipher suites of TLS. TS 33.310 Annex E as TS 33.203 O.2.1 wants it: TLS 1.2 and 1.3, AEAD
 * with ephemeral elliptic curve Diffie-Hellman, AES first (S.5.4.3), the server's order decides (O.1.2). */
#include "common/net/tls_int.h"

const char *const tls_conf_min_versions[] = {"1.2", "1.3", NULL};
const char *const tls_conf_max_versions[] = {"1.3", "1.2", NULL};
const char *const tls_conf_null[] = {"off", "allow", "prefer", NULL};

#define SUITES_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define SUITES_12                                                                                            \
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"                                         \
        "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"                                         \
        "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_NULL "ECDHE-ECDSA-NULL-SHA:ECDHE-RSA-NULL-SHA"
#define GROUPS      "X25519:P-256:P-384:P-521"
#define SIGNATURES                                                                                           \
        "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"       \
        "RSA+SHA256:RSA+SHA384:RSA+SHA512"
#define SECURITY_LEVEL 2 /* 112 bits: no RSA below 2048, no SHA-1 in certificates */

static bool is_null_suite(const SSL_CIPHER *c)
{
        return c && SSL_CIPHER_get_bits(c, NULL) == 0;
}

typedef int security_fn(const SSL *, const SSL_CTX *, int op, int bits, int nid, void *other, void *ex);
static security_fn *security_default;

/* The usual level for everything but the suites without encryption, which no level takes. */
static int security_but_null(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other,
                             void *ex)
{
        if ((op == SSL_SECOP_CIPHER_SUPPORTED || op == SSL_SECOP_CIPHER_SHARED ||
             op == SSL_SECOP_CIPHER_CHECK) &&
            is_null_suite(other))
                return 1;
        return security_default(ssl, ctx, op, bits, nid, other, ex);
}

static const char *suites_12(int null)
{
        return null == TLS_NULL_ALLOW    ? SUITES_12 ":" SUITES_NULL
               : null == TLS_NULL_PREFER ? SUITES_NULL ":" SUITES_12
                                         : SUITES_12;
}

int tls_policy_apply(SSL_CTX *ctx, enum tls_role role, const struct tls_conf *conf, struct buf *err)
{
        int min = conf->min_version ? TLS1_3_VERSION : TLS1_2_VERSION;
        int max = conf->max_version ? TLS1_2_VERSION : TLS1_3_VERSION;

        if (min > max) {
                buf_puts(err, "min_version is above max_version");
                return -IMS_ECONF;
        }
        SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
        if (conf->null_encryption != TLS_NULL_OFF) {
                security_default = SSL_CTX_get_security_callback(ctx);
                SSL_CTX_set_security_callback(ctx, security_but_null);
        }
        if (!SSL_CTX_set_min_proto_version(ctx, min) || !SSL_CTX_set_max_proto_version(ctx, max) ||
            !SSL_CTX_set_ciphersuites(ctx, SUITES_13) ||
            !SSL_CTX_set_cipher_list(ctx, suites_12(conf->null_encryption)) ||
            !SSL_CTX_set1_groups_list(ctx, GROUPS) || !SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES)) {
                buf_puts(err, "this OpenSSL does not serve the profile: ");
                tls_why_openssl(err);
                return -IMS_ECONF;
        }
        SSL_CTX_clear_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
        /* A renegotiation makes a new session, for the association (TS 33.203 O.4.2). */
        SSL_CTX_set_options(ctx, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET |
                                         SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION);
        if (role == TLS_SERVER && conf->client_renegotiations)
                SSL_CTX_set_options(ctx, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
        (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                            SSL_MODE_AUTO_RETRY);
        return 0;
}
