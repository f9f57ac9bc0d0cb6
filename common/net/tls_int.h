/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of TLS: what its files share. */
#pragma once

#include <openssl/ssl.h>

#include "common/base/buf.h"
#include "common/base/htab.h"
#include "common/net/tcp_filter.h"
#include "common/net/tls.h"

#define TLS_ID_MAX SSL_MAX_SSL_SESSION_ID_LENGTH /* 32 */

/* --- tls_session.c: the sessions that may be resumed ------------------------------------------------ */

/* Kept outside of OpenSSL, so that a session, and all that came of it by resumption, can be forgotten. */
struct tls_sessions {
        struct htab by_id; /* server: by session id; client: by peer */
        struct htab by_family;
        struct list oldest; /* all, oldest first */
        size_t n, max;
        uint64_t lifetime_ms;
        uint64_t last_family;
};

/* What a connection remembers of its session. */
struct tls_memory {
        uint64_t family;  /* sessions that came of one full handshake; 0: none yet */
        uint64_t born_ms; /* when that was */
        bool borrowed;    /* from a session that the client asks to resume */
        bool forgotten;   /* none may be kept */
        bool vouched;     /* tls_vouch */
        unsigned id_n, asked_n;
        uint8_t id[TLS_ID_MAX];    /* of what is kept for this connection */
        uint8_t asked[TLS_ID_MAX]; /* that the client came with */
};

void tls_sessions_init(struct tls_sessions *s, const struct tls_conf *conf);
void tls_sessions_clear(struct tls_sessions *s);
void tls_sessions_free(struct tls_sessions *s);
/* tls_vouch: for the session of the connection, and those that come of it. */
void tls_sessions_vouch(struct tls_sessions *s, struct tls_memory *m);
/* Everything of the connection's family. */
void tls_sessions_forget(struct tls_sessions *s, struct tls_memory *m);
/* Makes a context store its sessions in the tls_context, whose s is. */
void tls_sessions_use(const struct tls_sessions *s, SSL_CTX *ctx, enum tls_role role);
/* Client: the session to be offered to peer, or NULL; a reference of the caller. */
SSL_SESSION *tls_sessions_offer(struct tls_sessions *s, struct span peer, struct tls_memory *m);

/* Monotonic milliseconds; tests set another clock. */
extern uint64_t (*tls_clock_ms)(void);

/* --- tls_context.c -------------------------------------------------------------------------------- */

struct tls_context {
        unsigned refs;
        enum tls_role role;
        struct tls_conf conf; /* owned copies */
        SSL_CTX *ssl;
        BIO_METHOD *bio;
        struct tls_sessions sessions;
        int keylog; /* descriptor or -1 */
};

struct tls_context *tls_context_of(const SSL_CTX *ctx);

/* --- tls_policy.c: TS 33.310 Annex E -------------------------------------------------------------- */

/* Versions, suites, groups, options. -IMS_ECONF with err filled in, -IMS_ENOMEM. */
int tls_policy_apply(SSL_CTX *ctx, enum tls_role role, const struct tls_conf *conf,
                     struct buf *err) IMS_CHECK;

/* --- tls_keylog.c --------------------------------------------------------------------------------- */

/* Opens the file, for the owner alone. -IMS_EIO with err filled in. */
int tls_keylog_open(const char *file, int *out_fd, struct buf *err) IMS_CHECK;
void tls_keylog_use(SSL_CTX *ctx);

/* --- tls_verify.c --------------------------------------------------------------------------------- */

/* Whom a context verifies, and against which roots. -IMS_ECONF with err filled in. */
int tls_verify_apply(SSL_CTX *ctx, enum tls_role role, const struct tls_conf *conf,
                     struct buf *err) IMS_CHECK;
/* Whether the chain is good by the rules of cert.h, as the configuration wants it; 1, or 0 with why. */
int tls_verify_chain(X509_STORE_CTX *store, SSL *ssl, struct buf *why);
/* The name that the server's certificate must have, and the one it is asked for by (RFC 6066 3). */
int tls_verify_expect(SSL *ssl, const char *name) IMS_CHECK;

struct tls_names {
        char *subject;
        char **names;
        size_t n;
};
/* Of the certificate the peer showed. -IMS_ENOMEM. */
int tls_names_read(SSL *ssl, struct tls_names *out) IMS_CHECK;
void tls_names_free(struct tls_names *n);

/* --- tls_stream.c --------------------------------------------------------------------------------- */

/* How OpenSSL reads and writes connections; BIO_meth_free. -IMS_ENOMEM. */
int tls_stream_bio(BIO_METHOD **out) IMS_CHECK;
struct tls_memory *tls_stream_memory(SSL *ssl);
struct tls_context *tls_stream_context(SSL *ssl);
/* The name expected of the server, NULL at one. */
const char *tls_stream_name(SSL *ssl);
/* Whether a handshake may begin (may_begin of the hooks); known: it resumes a session that is vouched for. */
bool tls_stream_may_begin(SSL *ssl, bool known);
/* Why the chain of the peer is refused. */
void tls_stream_refused(SSL *ssl, struct span why);
/* Under which a client keeps its sessions with that peer. */
struct span tls_stream_peer(SSL *ssl);

/* --- tls_why.c ------------------------------------------------------------------------------------ */

/* What OpenSSL has to say on a failure: its queue of errors, the last alert (0: none; received or sent) and
 * the outcome of verification, in words. */
struct tls_why {
        enum tls_role role;
        int alert;
        bool received;
        bool verifying; /* the peer's certificate was looked at, with this result */
        long verify;
        const char *name;   /* that was expected, or NULL */
        const char *breach; /* the rule that the certificate broke, or NULL */
};
void tls_why_write(const struct tls_why *why, struct buf *out);
/* OpenSSL's last error in words, for files that cannot be read. */
void tls_why_openssl(struct buf *out);
