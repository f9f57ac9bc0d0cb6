/* SPDX-License-Identifier: BSD-3-Clause
 * TLS as the filter of a TCP connection: octets in and out. No octet is kept in between. */
#include "common/net/tls_stream.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "common/base/secret.h"
#include "common/base/timers.h"

#define RECORD_MAX   16384                      /* octets, RFC 8446 5.1 */
#define REFUSALS_MAX 8                          /* renegotiations a client may try in vain */
#define EXPORTER     "EXPORTER-Channel-Binding" /* RFC 9266 */

static struct tls_stream *stream_of(struct tcp_filter *f)
{
        return container_of(f, struct tls_stream, filter);
}

/* --- failure ---------------------------------------------------------------------------------------- */

void tls_stream_fail(struct tls_stream *t, int reason, const char *text)
{
        if (t->failed)
                return;
        t->failed = true;
        t->failure = span_dup(span_of(text));
        tmr_stop(tcp_loop(t->tcp), &t->timer);
        tcp_filter_fail(t->tcp, reason);
}

/* OpenSSL gave up. */
static void fail_openssl(struct tls_stream *t)
{
        struct tls_why why = {.role = t->ctx->role,
                              .alert = t->alert,
                              .received = t->alert_received,
                              .verifying = SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE,
                              .verify = SSL_get_verify_result(t->ssl),
                              .name = t->name,
                              .breach = t->refused};
        struct buf text = BUF_INIT;
        bool memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;

        tls_why_write(&why, &text);
        buf_char(&text, '\0');
        tls_stream_fail(t,
                        memory || text.err ? -IMS_ENOMEM
                        : t->n_told        ? -IMS_EPROTO
                                           : -IMS_EAUTH,
                        text.err ? ims_strerror(text.err) : text.p);
        buf_free(&text);
}

void tls_stream_on_timer(struct tmr *timer, void *arg)
{
        struct tls_stream *t = arg;

        (void)timer;
        tls_stream_fail(t, -IMS_ETIMEOUT,
                        t->n_told ? "the peer did not renegotiate in time"
                                  : "the handshake was not done in time");
}

/* --- what was given --------------------------------------------------------------------------------- */

/* Gives data to OpenSSL, which takes all of it or none. True when it took it. */
static bool write_now(struct tls_stream *t, struct span data)
{
        size_t n;
        int rc;

        if (!data.n)
                return true;
        ERR_clear_error();
        rc = SSL_write_ex(t->ssl, data.p, data.n, &n);
        if (rc == 1)
                return true;
        rc = SSL_get_error(t->ssl, rc);
        if (rc != SSL_ERROR_WANT_READ && rc != SSL_ERROR_WANT_WRITE)
                fail_openssl(t);
        return false;
}

static void write_waiting(struct tls_stream *t)
{
        struct buf now = t->waiting;

        if (!now.n || !SSL_is_init_finished(t->ssl) || t->failed)
                return;
        if (!write_now(t, buf_as_span(&now)))
                return;
        buf_free(&t->waiting);
}

static int stream_send(struct tcp_filter *f, struct span data)
{
        struct tls_stream *t = stream_of(f);

        if (t->failed)
                return -IMS_ECLOSED;
        if (!t->waiting.n && SSL_is_init_finished(t->ssl) && write_now(t, data))
                return 0;
        if (t->failed)
                return -IMS_ECLOSED;
        buf_span(&t->waiting, data);
        if (t->waiting.err) { /* nothing of data was taken */
                int err = t->waiting.err;

                t->waiting.err = 0;
                return err;
        }
        return 0;
}

static size_t stream_queued(const struct tcp_filter *f)
{
        return container_of(f, const struct tls_stream, filter)->waiting.n;
}

/* --- handshakes ------------------------------------------------------------------------------------- */

void tls_stream_info(struct tls_stream *t, struct tls_info *out)
{
        const SSL_SESSION *session = SSL_get_session(t->ssl);
        struct tls_info info = {.version = SSL_get_version(t->ssl),
                                .cipher = SSL_get_cipher_name(t->ssl),
                                .resumed = SSL_session_reused(t->ssl),
                                .subject = t->names.subject,
                                .names = (const char *const *)t->names.names,
                                .n_names = t->names.n};
        unsigned n = 0;
        const unsigned char *id = session ? SSL_SESSION_get_id(session, &n) : NULL;

        info.verified = SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE &&
                        SSL_get_verify_result(t->ssl) == X509_V_OK && SSL_get0_peer_certificate(t->ssl);
        if (SSL_version(t->ssl) >= TLS1_3_VERSION) {
                if (SSL_export_keying_material(t->ssl, info.session_id, sizeof(info.session_id), EXPORTER,
                                               sizeof(EXPORTER) - 1, NULL, 0, 0) == 1)
                        info.session_id_n = sizeof(info.session_id);
        } else if (n <= sizeof(info.session_id)) {
                memcpy(info.session_id, id, n);
                info.session_id_n = n;
        }
        *out = info;
}

/* A handshake is done: what waited leaves, and the owner hears of it. */
static void tell_done(struct tls_stream *t)
{
        bool first = t->n_told == 0;
        struct tls_info info;

        t->n_told = t->n_done;
        tmr_stop(tcp_loop(t->tcp), &t->timer);
        tls_names_free(&t->names);
        if (SSL_get_verify_mode(t->ssl) != SSL_VERIFY_NONE && tls_names_read(t->ssl, &t->names) != 0) {
                tls_stream_fail(t, -IMS_ENOMEM, ims_strerror(IMS_ENOMEM));
                return;
        }
        write_waiting(t);
        if (first)
                tcp_filter_established(t->tcp);
        if (t->hooks.on_session && tcp_takes(t->tcp)) {
                tls_stream_info(t, &info);
                t->hooks.on_session(t->tcp, &info, t->hooks.arg);
        }
        if (!t->waiting.n)
                tcp_filter_idle(t->tcp);
}

/* On TLS 1.3 what follows the first handshake (tickets, new keys) is none. */
static bool is_news(const struct tls_stream *t)
{
        return t->n_done != t->n_told && SSL_is_init_finished(t->ssl) &&
               (t->n_told == 0 || SSL_version(t->ssl) < TLS1_3_VERSION);
}

/* A client may begin some renegotiations, and try some more in vain. */
static void bound_client(struct tls_stream *t)
{
        if (t->ctx->role != TLS_SERVER)
                return;
        if (t->n_begun > 1 + t->n_asked + t->ctx->conf.client_renegotiations)
                tls_stream_fail(t, -IMS_EPROTO, "the client renegotiates more often than it may");
        else if (t->n_begun == 1 + t->n_asked + t->ctx->conf.client_renegotiations)
                (void)SSL_clear_options(t->ssl, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
        if (t->n_refused > REFUSALS_MAX)
                tls_stream_fail(t, -IMS_EPROTO, "the client goes on to renegotiate although it was refused");
}

/* --- what came -------------------------------------------------------------------------------------- */

static void on_read_end(struct tls_stream *t, int error)
{
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
                return;
        if (error == SSL_ERROR_ZERO_RETURN)
                tcp_close(t->tcp, true); /* close_notify: our answers still leave, then ours */
        else
                fail_openssl(t);
}

/* Takes one record of what came, and nothing of it stays here. What SSL_get_error says; SSL_ERROR_SSL as well
 * when the connection has ended over it. */
static int read_one(struct tls_stream *t, char data[static RECORD_MAX])
{
        size_t n = 0;
        int error;

        ERR_clear_error();
        error = SSL_get_error(t->ssl, SSL_read_ex(t->ssl, data, RECORD_MAX, &n));
        if (t->barred) {
                tcp_close(t->tcp, false);
                return SSL_ERROR_SSL;
        }
        if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) {
                fail_openssl(t);
                return SSL_ERROR_SSL;
        }
        bound_client(t);
        if (is_news(t) && !t->failed)
                tell_done(t);
        if (error == SSL_ERROR_NONE && !t->failed)
                tcp_filter_deliver(t->tcp, span_make(data, n));
        secret_wipe(data, n);
        return error;
}

/* Reads until nothing is left of what came, which the handlers may end at any octet. */
static void pump(struct tls_stream *t)
{
        char data[RECORD_MAX];
        int error = SSL_ERROR_NONE;

        while (error == SSL_ERROR_NONE && tcp_is_up(t->tcp) && !t->failed)
                error = read_one(t, data);
        if (error == SSL_ERROR_SSL || !tcp_is_up(t->tcp) || t->failed)
                return;
        write_waiting(t); /* a renegotiation that was refused leaves what waited for it */
        if (!t->waiting.n)
                tcp_filter_idle(t->tcp);
        if (!t->failed)
                on_read_end(t, error);
}

/* The proxy speaks: the handshake begins when it agrees (TS 33.203 W.3.1.2). */
static void take_answer(struct tls_stream *t, struct span octets)
{
        struct buf why = BUF_INIT;
        int rc = http_tunnel_take(t->tunnel, octets, &why);

        if (rc == HTTP_TUNNEL_OPEN) {
                http_tunnel_free(t->tunnel);
                t->tunnel = NULL;
                tls_stream_handshake(t);
        } else if (rc == HTTP_TUNNEL_AGAIN) {
                rc = tcp_reopen(t->tcp);
                buf_puts(&why, ims_strerror(rc));
        }
        buf_char(&why, '\0');
        if (rc < 0)
                tls_stream_fail(t, rc, why.err ? ims_strerror(why.err) : why.p);
        buf_free(&why);
}

static void stream_received(struct tcp_filter *f, struct span octets)
{
        struct tls_stream *t = stream_of(f);

        if (t->tunnel) {
                take_answer(t, octets);
                return;
        }
        t->in = octets;
        pump(t);
        t->in = SPAN_NULL;
}

void tls_stream_handshake(struct tls_stream *t)
{
        int rc, error;

        ERR_clear_error();
        rc = SSL_do_handshake(t->ssl);
        error = SSL_get_error(t->ssl, rc);
        if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL)
                fail_openssl(t);
}

static void ask_proxy(struct tls_stream *t)
{
        struct buf b = {.secret = true};
        int err;

        http_tunnel_ask(t->tunnel, &b);
        err = b.err ? b.err : tcp_filter_write(t->tcp, buf_as_span(&b));
        buf_free(&b);
        if (err)
                tls_stream_fail(t, err, ims_strerror(err));
}

/* The time for the handshake runs from here. */
static void stream_up(struct tcp_filter *f)
{
        struct tls_stream *t = stream_of(f);
        uint32_t ms = t->ctx->conf.handshake_ms;

        if (!ms)
                ms = ims_timer_rows[IMS_TIMER_TLS_HANDSHAKE].default_ms;
        if (tmr_start(tcp_loop(t->tcp), &t->timer, ms, tls_stream_on_timer, t) != 0)
                tls_stream_fail(t, -IMS_ENOMEM, ims_strerror(IMS_ENOMEM));
        else if (t->tunnel)
                ask_proxy(t);
        else if (t->ctx->role == TLS_CLIENT)
                tls_stream_handshake(t);
}

/* --- end -------------------------------------------------------------------------------------------- */

/* The peer ended the connection under TLS. Without close_notify somebody between may have cut it: what came
 * whole is served, for SIP and Diameter say themselves where a message ends. */
static void stream_peer_ended(struct tcp_filter *f)
{
        struct tls_stream *t = stream_of(f);

        if (t->tunnel)
                tls_stream_fail(t, -IMS_EUNREACH, "the HTTP proxy closed the connection");
        else if (!t->n_told)
                tls_stream_fail(t, -IMS_EAUTH, "the peer closed the connection during the handshake");
}

static bool stream_close(struct tcp_filter *f)
{
        struct tls_stream *t = stream_of(f);

        if (t->failed || !SSL_is_init_finished(t->ssl))
                return t->failed || !t->waiting.n;
        ERR_clear_error();
        (void)SSL_shutdown(t->ssl);
        return true;
}

static void stream_free(struct tcp_filter *f)
{
        struct tls_stream *t = stream_of(f);

        tmr_stop(tcp_loop(t->tcp), &t->timer);
        if (t->ssl && !t->failed) /* a session outlives a connection that was cut (RFC 5246 7.2.1) */
                SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(t->ssl);
        tls_context_free(t->ctx);
        tls_names_free(&t->names);
        buf_free(&t->waiting);
        free(t->failure);
        free(t->refused);
        http_tunnel_free(t->tunnel);
        free(t->name);
        free(t);
}

const struct tcp_filter_ops tls_stream_ops = {stream_up,     stream_received, stream_peer_ended, stream_send,
                                              stream_queued, stream_close,    stream_free};
