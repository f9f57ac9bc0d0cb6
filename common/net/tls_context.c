/* SPDX-License-Identifier: BSD-3-Clause
 * Contexts: files read, policy set, renewed while connections live on. */
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/cert.h"
#include "common/net/tls_int.h"

/* --- configuration ---------------------------------------------------------------------------------- */

static const size_t text_fields[] = {
        offsetof(struct tls_conf, certificate),  offsetof(struct tls_conf, key),
        offsetof(struct tls_conf, ca),           offsetof(struct tls_conf, name),
        offsetof(struct tls_conf, keylog),       offsetof(struct tls_conf, crl),
        offsetof(struct tls_conf, trust_domain), offsetof(struct tls_conf, home_domain),
        offsetof(struct tls_conf, home_ca)};

#define N_TEXTS (sizeof(text_fields) / sizeof(text_fields[0]))

static char **text_at(struct tls_conf *c, size_t i)
{
        return (char **)((char *)c + text_fields[i]);
}

static void conf_clear(struct tls_conf *c)
{
        for (size_t i = 0; i < N_TEXTS; i++) {
                free(*text_at(c, i));
                *text_at(c, i) = NULL;
        }
}

static int conf_copy(const struct tls_conf *from, struct tls_conf *out)
{
        *out = *from;
        for (size_t i = 0; i < N_TEXTS; i++)
                *text_at(out, i) = NULL;
        for (size_t i = 0; i < N_TEXTS; i++) {
                const char *text = *text_at((struct tls_conf *)from, i);

                if (text && !(*text_at(out, i) = span_dup(span_of(text)))) {
                        conf_clear(out);
                        return -IMS_ENOMEM;
                }
        }
        return 0;
}

/* --- files ------------------------------------------------------------------------------------------ */

static int file_fault(struct buf *err, const char *key, const char *file)
{
        buf_printf(err, "%s: %s: ", key, file);
        tls_why_openssl(err);
        return -IMS_ECONF;
}

static int use_certificate(SSL_CTX *ctx, enum tls_role role, const struct tls_conf *conf, struct buf *err)
{
        if (!conf->certificate && !conf->key && role == TLS_CLIENT)
                return 0;
        if (!conf->certificate || !conf->key) {
                buf_printf(err, "%s: missing", conf->certificate ? "key" : "certificate");
                return -IMS_ECONF;
        }
        SSL_CTX_set_default_passwd_cb(ctx, cert_no_passphrase);
        if (SSL_CTX_use_certificate_chain_file(ctx, conf->certificate) != 1)
                return file_fault(err, "certificate", conf->certificate);
        if (SSL_CTX_use_PrivateKey_file(ctx, conf->key, SSL_FILETYPE_PEM) != 1 ||
            SSL_CTX_check_private_key(ctx) != 1)
                return file_fault(err, "key", conf->key);
        return 0;
}

static int on_verify(X509_STORE_CTX *ctx, void *arg)
{
        SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
        struct buf why = BUF_INIT;
        int good = tls_verify_chain(ctx, ssl, &why);

        (void)arg;
        if (good != 1)
                tls_stream_refused(ssl, buf_as_span(&why));
        buf_free(&why);
        return good == 1;
}

static int ssl_ctx_new(struct tls_context *c, SSL_CTX **out, struct buf *err)
{
        SSL_CTX *ctx = SSL_CTX_new(c->role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
        int rc = ctx ? 0 : -IMS_ENOMEM;

        if (!rc && !SSL_CTX_set_app_data(ctx, c))
                rc = -IMS_ENOMEM;
        if (!rc)
                rc = tls_policy_apply(ctx, c->role, &c->conf, err);
        if (!rc)
                rc = use_certificate(ctx, c->role, &c->conf, err);
        if (!rc)
                rc = tls_verify_apply(ctx, c->role, &c->conf, err);
        if (rc) {
                SSL_CTX_free(ctx);
                ERR_clear_error();
                return rc;
        }
        SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
        tls_sessions_use(&c->sessions, ctx, c->role);
        if (c->keylog >= 0)
                tls_keylog_use(ctx);
        *out = ctx;
        return 0;
}

struct tls_context *tls_context_of(const SSL_CTX *ctx)
{
        return SSL_CTX_get_app_data(ctx);
}

/* --- life ------------------------------------------------------------------------------------------- */

int tls_context_new(const struct tls_conf *conf, enum tls_role role, struct tls_context **out,
                    struct buf *err)
{
        struct tls_context *c = calloc(1, sizeof(*c));
        int rc;

        if (!c)
                return -IMS_ENOMEM;
        c->refs = 1;
        c->role = role;
        c->keylog = -1;
        tls_sessions_init(&c->sessions, conf);
        rc = conf_copy(conf, &c->conf);
        if (!rc && c->conf.keylog)
                rc = tls_keylog_open(c->conf.keylog, &c->keylog, err);
        if (!rc)
                rc = tls_stream_bio(&c->bio);
        if (!rc)
                rc = ssl_ctx_new(c, &c->ssl, err);
        if (rc) {
                tls_context_free(c);
                return rc;
        }
        *out = c;
        return 0;
}

int tls_context_reload(struct tls_context *c, struct buf *err)
{
        SSL_CTX *ctx = NULL;
        int rc = ssl_ctx_new(c, &ctx, err);

        if (rc)
                return rc;
        SSL_CTX_free(c->ssl); /* connections have references of their own */
        c->ssl = ctx;
        if (c->role == TLS_CLIENT || c->conf.verify_clients)
                tls_sessions_clear(&c->sessions); /* verified against what was valid before */
        return 0;
}

struct tls_context *tls_context_ref(struct tls_context *c)
{
        c->refs++;
        return c;
}

void tls_context_free(struct tls_context *c)
{
        if (!c || --c->refs)
                return;
        tls_sessions_free(&c->sessions);
        SSL_CTX_free(c->ssl);
        BIO_meth_free(c->bio);
        if (c->keylog >= 0)
                (void)close(c->keylog);
        conf_clear(&c->conf);
        free(c);
}

enum tls_role tls_context_role(const struct tls_context *c)
{
        return c->role;
}

void tls_context_forget_all(struct tls_context *c)
{
        tls_sessions_clear(&c->sessions);
}

size_t tls_context_sessions(const struct tls_context *c)
{
        return c->sessions.n;
}
