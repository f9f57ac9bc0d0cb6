/* SPDX-License-Identifier: BSD-3-Clause
 * A server and a client of TLS on the loopback, for tests: one loop, what each end saw. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/base/buf.h"
#include "common/net/tls.h"
#include "tests/unit/net/tls_files.h"

#define PATIENCE_MS 60000

struct tls_end {
        struct tls_world *w;
        struct tcp_conn *c;
        struct tls_context *ctx;
        struct tls_info info; /* of the last handshake; its strings are copies */
        char version[16], cipher[64], subject[64], name[64], failure[400];
        unsigned sessions, connects, closes, deliveries;
        int reason;
        bool plain; /* no TLS at this end */
        bool close_on_session;
        struct buf got;
};

struct tls_world {
        struct tls_files files;
        struct loop *l;
        struct tcp_listener *listener;
        struct tmr guard, tick;
        struct addr dial_to; /* the listener, or who stands between */
        struct tls_end server, client;
        struct tls_conf server_conf, client_conf;
};

static inline void tls_end_session(struct tcp_conn *c, const struct tls_info *info, void *arg)
{
        struct tls_end *e = arg;

        assert_ptr_equal(c, e->c);
        e->sessions++;
        e->info = *info;
        (void)snprintf(e->version, sizeof(e->version), "%s", info->version);
        (void)snprintf(e->cipher, sizeof(e->cipher), "%s", info->cipher);
        (void)snprintf(e->subject, sizeof(e->subject), "%s", info->subject ? info->subject : "");
        (void)snprintf(e->name, sizeof(e->name), "%s", info->n_names ? info->names[0] : "");
        if (e->close_on_session)
                tcp_close(c, true);
}

static inline void tls_end_connect(struct tcp_conn *c, void *arg)
{
        struct tls_end *e = arg;

        assert_ptr_equal(c, e->c);
        e->connects++;
}

static inline void tls_end_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct tls_end *e = arg;

        (void)c;
        e->deliveries++;
        buf_span(&e->got, data);
}

static inline void tls_end_close(struct tcp_conn *c, int reason, void *arg)
{
        struct tls_end *e = arg;

        e->closes++;
        e->reason = reason;
        (void)snprintf(e->failure, sizeof(e->failure), "%s", tls_failure(c));
        e->c = NULL;
}

static const struct tcp_handlers tls_end_handlers = {tls_end_connect, tls_end_data, tls_end_close};

static inline void tls_world_accept(struct tcp_conn *c, void *arg)
{
        struct tls_world *w = arg;
        const struct tls_hooks hooks = {.on_session = tls_end_session, .arg = &w->server};

        assert_null(w->server.c);
        w->server.c = c;
        tcp_set_handlers(c, &tls_end_handlers, &w->server);
        if (!w->server.plain)
                assert_int_equal(tls_start(c, w->server.ctx, NULL, &hooks), 0);
}

static inline void tls_world_guard(struct tmr *t, void *arg)
{
        (void)t, (void)arg;
        fail_msg("nothing happens any more");
}

static inline void tls_world_begin(struct tls_world *w)
{
        struct addr any;

        *w = (struct tls_world){0};
        tls_files_make(&w->files);
        w->server.w = w->client.w = w;
        w->server.got.max = w->client.got.max = (size_t)64 << 20;
        w->server_conf = (struct tls_conf){.certificate = w->files.cert, .key = w->files.key};
        w->client_conf = (struct tls_conf){.ca = w->files.ca};
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&w->l), 0);
        assert_int_equal(tcp_listen(w->l, &any, 100, tls_world_accept, w, &w->listener), 0);
        w->dial_to = *tcp_listener_local(w->listener);
        assert_int_equal(tmr_start(w->l, &w->guard, PATIENCE_MS, tls_world_guard, NULL), 0);
}

static inline void tls_world_contexts(struct tls_world *w)
{
        struct buf err = BUF_INIT;

        assert_int_equal(tls_context_new(&w->server_conf, TLS_SERVER, &w->server.ctx, &err), 0);
        assert_int_equal(tls_context_new(&w->client_conf, TLS_CLIENT, &w->client.ctx, &err), 0);
        assert_int_equal(err.n, 0);
}

/* The two ends as they should be. */
static inline void tls_world_start(struct tls_world *w)
{
        tls_world_begin(w);
        tls_world_contexts(w);
}

static inline void tls_end_reset(struct tls_end *e)
{
        buf_free(&e->got);
        *e = (struct tls_end){.w = e->w, .ctx = e->ctx, .plain = e->plain, .got.max = e->got.max};
}

static inline void tls_world_dial(struct tls_world *w, const char *name)
{
        const struct tls_hooks hooks = {.on_session = tls_end_session, .arg = &w->client};

        assert_null(w->client.c);
        tls_end_reset(&w->client);
        tls_end_reset(&w->server);
        assert_int_equal(tcp_connect(w->l, NULL, &w->dial_to, PATIENCE_MS, &tls_end_handlers, &w->client,
                                     &w->client.c),
                         0);
        if (!w->client.plain)
                assert_int_equal(tls_start(w->client.c, w->client.ctx, name, &hooks), 0);
}

static inline void tls_world_tick(struct tmr *t, void *arg)
{
        struct tls_world *w = arg;

        assert_int_equal(tmr_start(w->l, t, 2, tls_world_tick, w), 0);
}

#define TLS_WAIT(w, condition)                                                                               \
        do {                                                                                                 \
                tls_world_tick(&(w)->tick, (w));                                                             \
                while (!(condition))                                                                         \
                        loop_once((w)->l); /* the guard ends it */                                           \
                tmr_stop((w)->l, &(w)->tick);                                                                \
        } while (0)

/* Both ends are up. */
static inline void tls_world_meet(struct tls_world *w)
{
        tls_world_dial(w, TLS_NAME);
        TLS_WAIT(w, w->client.sessions && w->server.sessions);
}

/* Both ends are gone. */
static inline void tls_world_part(struct tls_world *w)
{
        if (w->client.c)
                tcp_close(w->client.c, true);
        TLS_WAIT(w, !w->client.c && !w->server.c);
}

static inline void tls_world_end(struct tls_world *w)
{
        tls_context_free(w->client.ctx);
        tls_context_free(w->server.ctx);
        tcp_listener_close(w->listener);
        tmr_stop(w->l, &w->guard);
        loop_run(w->l);
        loop_free(w->l);
        buf_free(&w->client.got);
        buf_free(&w->server.got);
        tls_files_remove(&w->files);
}
