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
#include "tests/unit/diameter/two_nodes.h"
#include "tests/unit/fail_alloc.h"

struct world {
        struct two_nodes n;
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
        loop_stop(w->n.loop);
}

static void on_saa(int err, const struct cx_saa *m, void *arg)
{
        struct world *w = arg;

        w->answers++;
        w->errors += err || !dia_result_is(m->h.result, dia_base(DIA_SUCCESS));
        loop_stop(w->n.loop);
}

static void start(struct world *w)
{
        struct dia_handlers h = {.on_request = on_request, .on_peer = on_peer};
        static char *const from[] = {(char *)"127.0.0.0/8"};
        struct two_nodes_conf c;

        two_nodes_conf_init(&c);
        c.cscf_peer.from = from;
        c.cscf_peer.n_from = 1;
        c.cscf.answer_ms = 50;
        w->srv = (struct cx_server){.on_sar = on_sar, .arg = w};
        two_nodes_start(&w->n, &c, &h, w, w);
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
                loop_run(w->n.loop);
        m.impus.v[m.impus.n++] = SPAN("sip:u@example.org");
        m.restoration.impi = m.impi;
        m.restoration.n_info = 1;
        m.restoration.info[0] = (struct cx_restoration_info){.path = SPAN("p"), .contact = SPAN("c")};
        alloc_fail_at(n);
        err = cx_send_sar(w->n.cscf, &m, 0, on_saa, w, NULL);
        while (!err && w->answers == answers)
                loop_run(w->n.loop);
        alloc_armed = false;
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
                before = alloc_failed;
                one(&w, n++);
        } while (alloc_failed != before);
        print_message("%lu allocations failed, %d transactions said so\n", alloc_failed, w.errors);
        assert_true(alloc_failed > 20);
        assert_true(w.errors > 0);
        one(&w, 1000000);
        two_nodes_end(&w.n);
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

                alloc_fail_at(n);
                err = dia_node_new(loop, &conf, &h, NULL, &node);
                alloc_armed = false;
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
