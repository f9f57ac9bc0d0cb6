/* SPDX-License-Identifier: BSD-3-Clause
 * The beginning of TLS under a connection, and what the owner of one may ask. */
#include <openssl/err.h>
#include <stdlib.h>

#include "common/net/tls_stream.h"

/* --- begin ------------------------------------------------------------------------------------------ */

/* Of a client: whom it expects, and the session it has with it. */
static int prepare_client(struct tls_stream *t, const char *name)
{
        char ip[ADDR_STR], remote[ADDR_STR];
        SSL_SESSION *session;
        int err;

        if (t->ctx->conf.name)
                name = t->ctx->conf.name;
        if (!name)
                name = addr_ip_str(tcp_remote(t->tcp), false, ip);
        t->name = span_dup(span_of(name));
        if (!t->name || strlen(name) >= sizeof(t->peer) - ADDR_STR)
                return t->name ? -IMS_EINVAL : -IMS_ENOMEM;
        (void)snprintf(t->peer, sizeof(t->peer), "%s %s", addr_str(tcp_remote(t->tcp), remote), name);
        err = t->hooks.tunnel ? http_tunnel_new(t->hooks.tunnel, t->hooks.tunnel_auth, &t->tunnel) : 0;
        t->hooks.tunnel = NULL;
        t->hooks.tunnel_auth = NULL;
        if (!err)
                err = tls_verify_expect(t->ssl, name);
        if (err)
                return err;
        session = tls_sessions_offer(&t->ctx->sessions, span_of(t->peer), &t->memory);
        if (session)
                (void)SSL_set_session(t->ssl, session); /* else a full handshake */
        SSL_SESSION_free(session);
        return 0;
}

static int make_ssl(struct tls_stream *t)
{
        BIO *bio;

        t->ssl = SSL_new(t->ctx->ssl);
        if (!t->ssl || !SSL_set_app_data(t->ssl, t))
                return -IMS_ENOMEM;
        bio = BIO_new(t->ctx->bio);
        if (!bio)
                return -IMS_ENOMEM;
        BIO_set_data(bio, t);
        BIO_set_init(bio, 1);
        SSL_set_bio(t->ssl, bio, bio);
        SSL_set_info_callback(t->ssl, tls_stream_on_info);
        if (t->ctx->role == TLS_SERVER)
                SSL_set_accept_state(t->ssl);
        else
                SSL_set_connect_state(t->ssl);
        return 0;
}

int tls_start(struct tcp_conn *c, struct tls_context *ctx, const char *name, const struct tls_hooks *hooks)
{
        struct tls_stream *t;
        int err;

        if (tcp_filter_of(c))
                return -IMS_EINVAL;
        t = calloc(1, sizeof(*t));
        if (!t)
                return -IMS_ENOMEM;
        t->filter.ops = &tls_stream_ops;
        t->tcp = c;
        t->ctx = tls_context_ref(ctx);
        t->waiting.secret = true;
        t->waiting.max = SIZE_MAX / 4; /* tcp_send looks at the limit of the queue */
        if (hooks)
                t->hooks = *hooks;
        err = make_ssl(t);
        if (!err && ctx->role == TLS_CLIENT)
                err = prepare_client(t, name);
        if (err) {
                ERR_clear_error();
                tls_stream_ops.free(&t->filter);
                return err;
        }
        tcp_set_filter(c, &t->filter);
        if (tcp_is_up(c))
                tls_stream_ops.up(&t->filter);
        return 0;
}

/* --- asked by the owner ----------------------------------------------------------------------------- */

static struct tls_stream *tls_of(const struct tcp_conn *c)
{
        struct tcp_filter *f = tcp_filter_of(c);

        return f && f->ops == &tls_stream_ops ? container_of(f, struct tls_stream, filter) : NULL;
}

bool tls_info_of(const struct tcp_conn *c, struct tls_info *out)
{
        struct tls_stream *t = tls_of(c);

        if (!t || !t->n_told)
                return false;
        tls_stream_info(t, out);
        return true;
}

const X509 *tls_peer_certificate(const struct tcp_conn *c)
{
        struct tls_stream *t = tls_of(c);

        return t && t->n_told ? SSL_get0_peer_certificate(t->ssl) : NULL;
}

const char *tls_failure(const struct tcp_conn *c)
{
        struct tls_stream *t = tls_of(c);

        return t && t->failed ? t->failure ? t->failure : ims_strerror(IMS_ENOMEM) : "";
}

int tls_renegotiate(struct tcp_conn *c)
{
        struct tls_stream *t = tls_of(c);
        unsigned begun, done;
        uint32_t ms;

        if (!t)
                return -IMS_EUNSUPPORTED;
        if (t->failed || !tcp_takes(c) || !tcp_is_up(c))
                return -IMS_ECLOSED;
        if (t->n_told == 0 || !SSL_is_init_finished(t->ssl) || SSL_renegotiate_pending(t->ssl))
                return -IMS_EALREADY;
        if (SSL_version(t->ssl) >= TLS1_3_VERSION)
                return -IMS_EUNSUPPORTED;
        ms = t->ctx->conf.renegotiation_ms;
        ERR_clear_error();
        if (SSL_renegotiate(t->ssl) != 1)
                return -IMS_ECRYPTO;
        t->n_asked++;
        begun = t->n_begun;
        done = t->n_done;
        tls_stream_handshake(t);
        if (t->ctx->role == TLS_SERVER) { /* for OpenSSL, HelloRequest is a handshake of its own */
                t->n_begun = begun;
                t->n_done = done;
        }
        if (!t->failed && ms && tmr_start(tcp_loop(c), &t->timer, ms, tls_stream_on_timer, t) != 0)
                tls_stream_fail(t, -IMS_ENOMEM, ims_strerror(IMS_ENOMEM));
        return t->failed ? -IMS_ECLOSED : 0;
}

void tls_vouch(struct tcp_conn *c)
{
        struct tls_stream *t = tls_of(c);

        if (t)
                tls_sessions_vouch(&t->ctx->sessions, &t->memory);
}

void tls_forget(struct tcp_conn *c)
{
        struct tls_stream *t = tls_of(c);

        if (t)
                tls_sessions_forget(&t->ctx->sessions, &t->memory);
}
