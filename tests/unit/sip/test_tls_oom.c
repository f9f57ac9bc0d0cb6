/* SPDX-License-Identifier: BSD-3-Clause
 * SIP over TLS without memory: each allocation from the opening of a connection to the answer, and to its
 * end, fails once. The request has an end, nothing is lost, and others are served afterwards. */
#include "tests/unit/fail_alloc.h"

#include "tests/unit/sip/stack_world.h"

#include "tests/unit/net/tls_files.h"

#define STEP(n) (1 + (n) / 40) /* most of the thousands are inside of OpenSSL */

struct bare_pair {
        struct world w;
        struct tls_files files;
        struct sip_stack *a, *b;
        struct tls_context *server, *client;
        struct addr tls;
        struct sip_msg *m;
        struct call call;
};

static void on_request(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_reply(rq, 200, NULL, NULL, 0);
}

static uint32_t conns(const struct bare_pair *p)
{
        struct sip_stack_stats a, b;

        sip_stack_stats(p->a, &a);
        sip_stack_stats(p->b, &b);
        return a.conns + b.conns;
}

/* Over a connection of its own. True when something failed. */
static bool one_call(struct bare_pair *p, unsigned long nth)
{
        const struct sip_target t = {.uri = SPAN("sips:" TLS_NAME)};
        const struct sip_stack_conf conf = {.t1_ms = 10, .t2_ms = 20, .t4_ms = 10};
        const struct sip_stack_handlers h = {.on_request = on_request};
        unsigned long before = alloc_failed;
        struct sip_edit e;

        assert_int_equal(sip_stack_new(p->w.loop, p->w.resolver, &conf, &h, NULL, &p->a), 0);
        sip_stack_set_tls_client(p->a, p->client);
        p->call = (struct call){0};
        sip_edit_init(&e, p->m);
        alloc_fail_at(nth);
        if (sip_send(p->a, &e, &t, call_on_response, &p->call, &p->call.c) == 0)
                WAIT_FOR(&p->w, p->call.done);
        alloc_armed = false;
        sip_edit_free(&e);
        assert_true(p->call.reports <= 1);
        sip_stack_free(p->a); /* the connection with it */
        assert_int_equal(sip_stack_new(p->w.loop, p->w.resolver, &conf, &h, NULL, &p->a), 0);
        WAIT_FOR(&p->w, conns(p) == 0);
        sip_stack_free(p->a);
        return alloc_failed > before;
}

static void start(struct bare_pair *p, bool old)
{
        const struct sip_stack_conf conf = {.t1_ms = 10, .t2_ms = 20, .t4_ms = 10};
        const struct sip_stack_handlers h = {.on_request = on_request};
        char host[128], name[ADDR_STR], *hosts[] = {host};
        struct buf err = BUF_INIT;
        struct addr any;

        *p = (struct bare_pair){0};
        tls_files_make(&p->files);
        const struct tls_conf server = {
                .certificate = p->files.cert, .key = p->files.key, .max_version = old, .max_sessions = 4};
        const struct tls_conf client = {.ca = p->files.ca};

        assert_int_equal(tls_context_new(&server, TLS_SERVER, &p->server, &err), 0);
        assert_int_equal(tls_context_new(&client, TLS_CLIENT, &p->client, &err), 0);
        world_start(&p->w, NULL, 0);
        log_set_level(LOG_ERROR);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(sip_stack_new(p->w.loop, NULL, &conf, &h, NULL, &p->b), 0);
        assert_int_equal(sip_stack_listen_tls(p->b, &any, p->server, &p->tls), 0);
        (void)snprintf(host, sizeof(host), TLS_NAME "=%s/tls", addr_str(&p->tls, name));
        resolver_free(p->w.resolver);
        assert_int_equal(resolver_new(p->w.loop, hosts, 1, NULL, 0, &p->w.resolver, &(size_t){0}), 0);
        p->m = world_request("OPTIONS", 0);
}

static void every_allocation_fails_once(void **state)
{
        (void)state;
        for (int old = 0; old < 2; old++) {
                struct bare_pair p;
                unsigned long nth = 0;

                start(&p, old);
                (void)one_call(&p, ULONG_MAX); /* what is set up once */
                assert_int_equal(p.call.status, 200);
                while (one_call(&p, nth) && nth < 20000) {
                        nth += STEP(nth);
                        tls_context_forget_all(p.client); /* full handshakes */
                }
                assert_true(!CAN_FAIL || nth > 100);
                assert_int_equal(p.call.status, 200); /* nothing failed the last time */
                sip_msg_unref(p.m);
                sip_stack_free(p.b);
                tls_context_free(p.server);
                tls_context_free(p.client);
                world_stop(&p.w);
                tls_files_remove(&p.files);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_allocation_fails_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
