/* SPDX-License-Identifier: BSD-3-Clause
 * One connection with TLS, for the files that work on it: tls_stream.c (octets in and out), tls_bio.c (how
 * OpenSSL reads and writes), tls_start.c (its beginning, and what its owner asks). */
#pragma once

#include "common/net/tls_int.h"

struct tls_stream {
        struct tcp_filter filter;
        struct tcp_conn *tcp;
        struct tls_context *ctx;
        SSL *ssl;
        struct tls_hooks hooks;
        char *name;         /* expected of the server; NULL at a server */
        struct span in;     /* came and was not read yet; borrowed */
        struct buf waiting; /* was given and cannot be written before a handshake is done */
        struct tmr timer;   /* of the handshake */
        struct tls_memory memory;
        struct tls_names names;
        char peer[ADDR_STR + 256]; /* tls_stream_peer */
        char *failure;
        char *refused;                    /* why the chain of the peer was */
        struct http_tunnel *tunnel;       /* asked of a proxy, which has not agreed yet; NULL: none */
        unsigned n_begun, n_done, n_told; /* handshakes */
        unsigned n_asked;                 /* renegotiations we asked for */
        unsigned n_refused;
        int alert; /* the last fatal one */
        bool alert_received;
        bool failed;
        bool begun;  /* the first ClientHello came */
        bool barred; /* by may_begin */
};

/* --- tls_bio.c -------------------------------------------------------------------------------------- */

/* Counts handshakes and keeps the last alert: SSL_set_info_callback. */
void tls_stream_on_info(const SSL *ssl, int where, int value);

/* --- tls_stream.c ----------------------------------------------------------------------------------- */

extern const struct tcp_filter_ops tls_stream_ops;

/* Ends the connection; text: why. The first failure counts. */
void tls_stream_fail(struct tls_stream *t, int reason, const char *text);
/* Lets OpenSSL go on with the handshake as far as it can. */
void tls_stream_handshake(struct tls_stream *t);
void tls_stream_on_timer(struct tmr *timer, void *arg);
/* What the last handshake led to. */
void tls_stream_info(struct tls_stream *t, struct tls_info *out);
