/* SPDX-License-Identifier: BSD-3-Clause
 * Out of memory is an ordinary error: every allocation of a Cx transaction, on either side, fails once; the
 * caller hears of it exactly once and both nodes go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/diameter/cx.h"

static bool armed;
static unsigned long countdown, failed;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CAN_FAIL 0
#else
#define CAN_FAIL 1

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool fails_now(void)
{
        if (!armed || countdown-- > 0)
                return false;
        armed = false;
        failed++;
        return true;
}

void *malloc(size_t n)
{
        return fails_now() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
        return fails_now() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
        return fails_now() ? NULL : __libc_realloc(p, n);
}
#endif

struct world {
        struct loop *loop;
        struct dia_node *hss, *cscf;
        struct cx_server srv;
        int up, answers, errors;
};

static void on_request(struct dia_request *rq, void *arg)
{
        cx_serve(&((struct world *)arg)->srv, rq);
}

static void on_sar(struct dia_request *rq, const struct cx_sar *m, void *arg)
{
        struct cx_saa a = {
                .h = {.result = dia_base(DIA_SUCCESS)}, .impi = m->impi, .user_data = SPAN("<x/>")};
        struct cx_restoration r = m->restoration;

        (void)arg;
        a.restorations = &r;
        a.n_restorations = m->has_restoration;
        cx_answer_saa(rq, &a);
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct world *w = arg;

        (void)identity;
        (void)why;
        w->up += up ? 1 : -1;
        loop_stop(w->loop);
}

static void on_saa(int err, const struct cx_saa *m, void *arg)
{
        struct world *w = arg;

        w->answers++;
        w->errors += err || !dia_result_is(m->h.result, dia_base(DIA_SUCCESS));
        loop_stop(w->loop);
}

static void start(struct world *w)
{
        struct dia_handlers h = {.on_request = on_request, .on_peer = on_peer};
        struct addr any;
        static char *const from[] = {(char *)"127.0.0.0/8"};
        struct dia_peer_conf cscf_peer = {.identity = "cscf.example.org", .from = from, .n_from = 1};
        struct dia_peer_conf hss_peer = {.identity = "hss.example.org"};
        struct dia_node_conf hss = {.identity = "hss.example.org",
                                    .realm = "example.org",
                                    .listen = &any,
                                    .n_listen = 1,
                                    .peers = &cscf_peer,
                                    .n_peers = 1,
                                    .tc_ms = 10};
        struct dia_node_conf cscf = {.identity = "cscf.example.org",
                                     .realm = "example.org",
                                     .peers = &hss_peer,
                                     .n_peers = 1,
                                     .tc_ms = 10,
                                     .answer_ms = 50};

        w->srv = (struct cx_server){.on_sar = on_sar, .arg = w};
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&w->loop), 0);
        assert_int_equal(dia_node_new(w->loop, &hss, &h, w, &w->hss), 0);
        hss_peer.addr = *dia_node_listen_addr(w->hss, 0);
        assert_int_equal(dia_node_new(w->loop, &cscf, &h, w, &w->cscf), 0);
}

/* One SAR with its n-th allocation failing; waits for both ends to be usable again. */
static void one(struct world *w, unsigned long n)
{
        struct cx_sar m = {.impi = SPAN("u@example.org"),
                           .server_name = SPAN("sip:s"),
                           .type = CX_SAT_REGISTRATION,
                           .has_restoration = true};
        int err, answers = w->answers;

        while (w->up != 2)
                loop_run(w->loop);
        m.impus.v[m.impus.n++] = SPAN("sip:u@example.org");
        m.restoration.impi = m.impi;
        m.restoration.n_info = 1;
        m.restoration.info[0] = (struct cx_restoration_info){.path = SPAN("p"), .contact = SPAN("c")};
        countdown = n;
        armed = true;
        err = cx_send_sar(w->cscf, &m, 0, on_saa, w, NULL);
        while (!err && w->answers == answers)
                loop_run(w->loop);
        armed = false;
        assert_int_equal(w->answers, answers + (err ? 0 : 1));
        w->errors += err != 0;
}

static void test_transaction(void **state)
{
        struct world w = {0};
        unsigned long n = 0, before;

        (void)state;
        if (!CAN_FAIL)
                skip();
        log_set_level(LOG_ERROR);
        start(&w);
        one(&w, 1000000); /* warm: what is allocated once is */
        do {
                before = failed;
                one(&w, n++);
        } while (failed != before);
        print_message("%lu allocations failed, %d transactions said so\n", failed, w.errors);
        assert_true(failed > 20);
        assert_true(w.errors > 0);
        one(&w, 1000000);
        dia_node_free(w.cscf);
        dia_node_free(w.hss);
        loop_free(w.loop);
}

static void test_start(void **state)
{
        struct dia_handlers h = {0};
        struct dia_peer_conf peer = {.identity = "hss.example.org"};
        struct dia_node_conf conf = {
                .identity = "cscf.example.org", .realm = "example.org", .peers = &peer, .n_peers = 1};
        struct loop *loop = NULL;
        int err = -1;

        (void)state;
        if (!CAN_FAIL)
                skip();
        assert_int_equal(loop_new(&loop), 0);
        for (unsigned long n = 0; err; n++) {
                struct dia_node *node = NULL;

                countdown = n;
                armed = true;
                err = dia_node_new(loop, &conf, &h, NULL, &node);
                armed = false;
                assert_true(err == 0 || err == -IMS_ENOMEM);
                assert_true(!err == !!node);
                dia_node_free(node);
        }
        loop_free(loop);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_transaction),
                cmocka_unit_test(test_start),
        };

        if (dia_dict_load())
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
