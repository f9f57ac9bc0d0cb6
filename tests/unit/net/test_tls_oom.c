/* SPDX-License-Identifier: BSD-3-Clause
 * TLS without memory: each allocation of a connection's life fails once, and nothing leaks, hangs or crashes.
 */
#include "tests/unit/fail_alloc.h"

#include "tests/unit/net/tls_world.h"

#define STEP(n) (1 + (n) / 40) /* a handshake allocates thousands of times, most of it inside of OpenSSL */

/* One life: handshake, data both ways, renegotiation on TLS 1.2, end. Whatever fails ends the connection. */
static void one_life(struct tls_world *w, unsigned long n)
{
        const struct tls_hooks hooks = {.on_session = tls_end_session, .arg = &w->client};

        tls_end_reset(&w->client);
        tls_end_reset(&w->server);
        alloc_fail_at(n);
        if (tcp_connect(w->l, NULL, &w->dial_to, PATIENCE_MS, &tls_end_handlers, &w->client, &w->client.c) !=
            0)
                return;
        if (tls_start(w->client.c, w->client.ctx, TLS_NAME, &hooks) != 0) {
                tcp_close(w->client.c, false);
                TLS_WAIT(w, w->client.closes);
                return;
        }
        if (tcp_send(w->client.c, SPAN("hello")) != 0)
                tcp_close(w->client.c, false);
        TLS_WAIT(w, w->client.closes || (w->client.sessions && w->server.sessions && w->server.got.n == 5));
        if (w->server.c && w->client.c) {
                if (tls_renegotiate(w->server.c) == -IMS_ENOMEM)
                        tcp_close(w->server.c, false);
                if (!w->server.c || tcp_send(w->server.c, SPAN("answer")) != 0) {
                        if (w->server.c)
                                tcp_close(w->server.c, false);
                }
                TLS_WAIT(w, w->client.closes || w->client.got.n == 6);
        }
        alloc_armed = false;
        if (w->client.c)
                tcp_close(w->client.c, true);
        TLS_WAIT(w, !w->client.c && !w->server.c);
}

static void accept_or_close(struct tcp_conn *c, void *arg)
{
        struct tls_world *w = arg;
        const struct tls_hooks hooks = {.on_session = tls_end_session, .arg = &w->server};

        w->server.c = c;
        tcp_set_handlers(c, &tls_end_handlers, &w->server);
        if (tls_start(c, w->server.ctx, NULL, &hooks) != 0)
                tcp_close(c, false);
}

static void every_allocation_fails_once(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct tls_world w;
                unsigned long n = 0, failed;
                long live = 0;

                tls_world_begin(&w);
                tcp_listener_close(w.listener);
                assert_int_equal(tcp_listen(w.l, &w.dial_to, 100, accept_or_close, &w, &w.listener), 0);
                w.server_conf.max_version = old;
                w.server_conf.max_sessions = 1;
                tls_world_contexts(&w);
                one_life(&w, ULONG_MAX); /* what OpenSSL sets up once */
                tls_context_forget_all(w.client.ctx);
                one_life(&w, ULONG_MAX);
                assert_int_equal(w.client.got.n, 6);
                do {
                        failed = alloc_failed;
                        tls_context_forget_all(w.client.ctx);
                        tls_context_forget_all(w.server.ctx);
                        tls_end_reset(&w.client);
                        tls_end_reset(&w.server);
                        assert_int_equal(tmr_start(w.l, &w.guard, PATIENCE_MS, tls_world_guard, NULL), 0);
                        if (n == 20) /* the first ones fill caches of libraries */
                                live = alloc_live;
                        one_life(&w, n);
                        n += STEP(n);
                } while (CAN_FAIL && alloc_failed > failed && n < 20000);
                assert_true(!CAN_FAIL || n > 100);
                tls_context_forget_all(w.client.ctx);
                tls_context_forget_all(w.server.ctx);
                tls_end_reset(&w.client);
                tls_end_reset(&w.server);
                assert_true(!CAN_FAIL || alloc_live - live < 64); /* n times a leak would be more */
                tls_world_end(&w);
        }
}

static void contexts(void **state)
{
        struct tls_files f;
        unsigned long n = 0, failed;

        (void)state;
        tls_files_make(&f);
        do {
                const struct tls_conf conf = {.certificate = f.cert, .key = f.key, .ca = f.ca};
                struct tls_context *c = NULL;
                struct buf err = BUF_INIT;

                failed = alloc_failed;
                alloc_countdown = n;
                n += STEP(n);
                alloc_armed = true;
                if (tls_context_new(&conf, TLS_SERVER, &c, &err) == 0) {
                        int rc = tls_context_reload(c, &err);

                        (void)rc;
                }
                alloc_armed = false;
                tls_context_free(c);
                buf_free(&err);
        } while (CAN_FAIL && alloc_failed > failed && n < 20000);
        tls_files_remove(&f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_allocation_fails_once),
                cmocka_unit_test(contexts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
