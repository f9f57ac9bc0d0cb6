/* SPDX-License-Identifier: BSD-3-Clause
 * OpenSSL's side of a connection: it reads what just came and writes into the queue of the connection. */
#include "common/net/tls_stream.h"

struct tls_memory *tls_stream_memory(SSL *ssl)
{
        struct tls_stream *t = SSL_get_app_data(ssl);

        return &t->memory;
}

struct tls_context *tls_stream_context(SSL *ssl)
{
        struct tls_stream *t = SSL_get_app_data(ssl);

        return t->ctx;
}

const char *tls_stream_name(SSL *ssl)
{
        const struct tls_stream *t = SSL_get_app_data(ssl);

        return t->name;
}

bool tls_stream_may_begin(SSL *ssl, bool known)
{
        struct tls_stream *t = SSL_get_app_data(ssl);

        if (t->begun)
                return true;
        t->begun = true;
        t->barred = t->hooks.may_begin && !t->hooks.may_begin(t->tcp, known, t->hooks.arg);
        return !t->barred;
}

void tls_stream_refused(SSL *ssl, struct span why)
{
        struct tls_stream *t = SSL_get_app_data(ssl);

        free(t->refused);
        t->refused = why.n ? span_dup(why) : NULL;
}

struct span tls_stream_peer(SSL *ssl)
{
        const struct tls_stream *t = SSL_get_app_data(ssl);

        return span_of(t->peer);
}

/* --- OpenSSL's side of the connection --------------------------------------------------------------- */

static int bio_read(BIO *b, char *to, size_t size, size_t *out_n)
{
        struct tls_stream *t = BIO_get_data(b);
        size_t n = t->in.n < size ? t->in.n : size;

        BIO_clear_retry_flags(b);
        if (!n) {
                BIO_set_retry_read(b);
                return 0;
        }
        memcpy(to, t->in.p, n);
        t->in = span_sub(t->in, n, t->in.n);
        *out_n = n;
        return 1;
}

static int bio_write(BIO *b, const char *p, size_t n, size_t *out_n)
{
        struct tls_stream *t = BIO_get_data(b);

        BIO_clear_retry_flags(b);
        if (tcp_filter_write(t->tcp, span_make(p, n)) != 0)
                return 0;
        *out_n = n;
        return 1;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
        (void)b, (void)num, (void)ptr;
        return cmd == BIO_CTRL_FLUSH;
}

int tls_stream_bio(BIO_METHOD **out)
{
        BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "tcp_conn");

        if (!m)
                return -IMS_ENOMEM;
        (void)BIO_meth_set_read_ex(m, bio_read);
        (void)BIO_meth_set_write_ex(m, bio_write);
        (void)BIO_meth_set_ctrl(m, bio_ctrl);
        *out = m;
        return 0;
}

/* Keeps count; nothing is told from inside of OpenSSL. */
void tls_stream_on_info(const SSL *ssl, int where, int value)
{
        struct tls_stream *t = SSL_get_app_data(ssl);
        int level = value >> 8;

        if (where & SSL_CB_HANDSHAKE_START)
                t->n_begun++;
        if (where & SSL_CB_HANDSHAKE_DONE)
                t->n_done++;
        if (!(where & SSL_CB_ALERT))
                return;
        if (level == SSL3_AL_FATAL) {
                t->alert = value & 0xff;
                t->alert_received = where & SSL_CB_READ;
        } else if ((value & 0xff) == SSL_AD_NO_RENEGOTIATION && !(where & SSL_CB_READ)) {
                t->n_refused++;
        }
}
