/* SPDX-License-Identifier: BSD-3-Clause
 * Two Diameter nodes in one process: Cx requests there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/diameter/cx.h"

struct pair {
        struct loop *loop;
        struct dia_node *hss, *cscf;
        struct cx_server srv;
        int up, answers, err;
        struct dia_result result;
        char server_name[128];
};

static void on_request(struct dia_request *rq, void *arg)
{
        cx_serve(&((struct pair *)arg)->srv, rq);
}

static void on_uar(struct dia_request *rq, const struct cx_uar *m, void *arg)
{
        struct cx_uaa a = {.h = {.result = dia_3gpp(CX_SUBSEQUENT_REGISTRATION)},
                           .server_name = SPAN("sip:scscf.example.org")};

        (void)arg;
        assert_true(span_eq(m->impi, SPAN("user@example.org")));
        assert_true(span_eq(m->impu, SPAN("sip:user@example.org")));
        cx_answer_uaa(rq, &a);
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct pair *t = arg;

        (void)identity;
        (void)why;
        t->up += up ? 1 : -1;
        loop_stop(t->loop);
}

static void on_uaa(int err, const struct cx_uaa *m, void *arg)
{
        struct pair *t = arg;

        t->err = err;
        t->answers++;
        if (m) {
                t->result = m->h.result;
                assert_int_equal(span_copy(m->server_name, t->server_name, sizeof(t->server_name)), 0);
        }
        loop_stop(t->loop);
}

static int setup(void **state)
{
        static struct pair t;
        struct dia_handlers h = {.on_request = on_request, .on_peer = on_peer};
        struct addr any;
        struct dia_peer_conf cscf_peer = {.identity = "cscf.example.org"};
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
                                     .tc_ms = 10};

        t = (struct pair){.srv = {.on_uar = on_uar}};
        t.srv.arg = &t;
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&t.loop), 0);
        assert_int_equal(dia_node_new(t.loop, &hss, &h, &t, &t.hss), 0);
        hss_peer.addr = *dia_node_listen_addr(t.hss, 0);
        assert_int_equal(dia_node_new(t.loop, &cscf, &h, &t, &t.cscf), 0);
        while (t.up < 2)
                loop_run(t.loop);
        *state = &t;
        return 0;
}

static int teardown(void **state)
{
        struct pair *t = *state;

        dia_node_free(t->cscf);
        dia_node_free(t->hss);
        loop_free(t->loop);
        return 0;
}

static void test_uar(void **state)
{
        struct pair *t = *state;
        struct cx_uar rq = {.impi = SPAN("user@example.org"),
                            .impu = SPAN("sip:user@example.org"),
                            .visited_network = SPAN("example.org")};

        assert_int_equal(cx_send_uar(t->cscf, &rq, 0, on_uaa, t, NULL), 0);
        loop_run(t->loop);
        assert_int_equal(t->answers, 1);
        assert_int_equal(t->err, 0);
        assert_true(dia_result_is(t->result, dia_3gpp(CX_SUBSEQUENT_REGISTRATION)));
        assert_string_equal(t->server_name, "sip:scscf.example.org");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_uar, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
