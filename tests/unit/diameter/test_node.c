/* SPDX-License-Identifier: BSD-3-Clause
 * Two Diameter nodes in one process: Cx requests there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "common/diameter/cx.h"
#include "common/diameter/dict.h"
#include "tests/unit/diameter/two_nodes.h"

struct pair {
        struct two_nodes n;
        struct cx_server srv;
        int up, answers, err;
        struct dia_result result;
        char server_name[128];
};

static void add(msg_or_avp *to, enum dict_avp id, union avp_value *value)
{
        struct avp *avp = NULL;

        assert_int_equal(fd_msg_avp_new(dia_avp_model(id), 0, &avp), 0);
        assert_int_equal(fd_msg_avp_setvalue(avp, value), 0);
        assert_int_equal(fd_msg_avp_add(to, MSG_BRW_LAST_CHILD, avp), 0);
}

static void add_text(msg_or_avp *to, enum dict_avp id, const char *text)
{
        union avp_value v = {.os = {(uint8_t *)text, strlen(text)}};

        add(to, id, &v);
}

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
        loop_stop(t->n.loop);
}

/* The same answer, built with libfdproto on the bare one. */
static void on_uar_plain(struct dia_request *rq, const struct cx_uar *m, void *arg)
{
        struct msg *answer = NULL;
        struct avp *avp = NULL;
        union avp_value v = {.u32 = DIA_SUCCESS};

        (void)m;
        (void)arg;
        assert_int_equal(dia_answer_new(rq, &answer), 0);
        add(answer, AVP_RESULT_CODE, &v);
        v.i32 = 1;
        add(answer, AVP_AUTH_SESSION_STATE, &v);
        assert_int_equal(fd_msg_avp_new(dia_avp_model(AVP_VENDOR_SPECIFIC_APPLICATION_ID), 0, &avp), 0);
        assert_int_equal(fd_msg_avp_add(answer, MSG_BRW_LAST_CHILD, avp), 0);
        v.u32 = DIA_VENDOR_3GPP;
        add(avp, AVP_VENDOR_ID, &v);
        dia_answer_send(rq, answer);
}

static void on_plain(int err, struct msg *answer, void *arg)
{
        struct pair *t = arg;
        struct cx_uaa m;
        struct cx_fault fault;

        t->err = err;
        t->answers++;
        assert_int_equal(cx_uaa_decode(answer, &m, &fault), 0);
        t->result = m.h.result;
        cx_uaa_clear(&m);
        loop_stop(t->n.loop);
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
        loop_stop(t->n.loop);
}

static int setup(void **state)
{
        static struct pair t;
        struct dia_handlers h = {.on_request = on_request, .on_peer = on_peer};
        struct two_nodes_conf c;

        t = (struct pair){.srv = {.on_uar = on_uar}};
        t.srv.arg = &t;
        two_nodes_conf_init(&c);
        two_nodes_start(&t.n, &c, &h, &t, &t);
        while (t.up < 2)
                loop_run(t.n.loop);
        *state = &t;
        return 0;
}

static int teardown(void **state)
{
        struct pair *t = *state;

        two_nodes_end(&t->n);
        return 0;
}

static void test_uar(void **state)
{
        struct pair *t = *state;
        struct cx_uar rq = {.impi = SPAN("user@example.org"),
                            .impu = SPAN("sip:user@example.org"),
                            .visited_network = SPAN("example.org")};

        assert_int_equal(cx_send_uar(t->n.cscf, &rq, 0, on_uaa, t, NULL), 0);
        loop_run(t->n.loop);
        assert_int_equal(t->answers, 1);
        assert_int_equal(t->err, 0);
        assert_true(dia_result_is(t->result, dia_3gpp(CX_SUBSEQUENT_REGISTRATION)));
        assert_string_equal(t->server_name, "sip:scscf.example.org");
}

/* dia_send and dia_answer_send, for messages built with libfdproto. */
static void test_plain(void **state)
{
        struct pair *t = *state;
        struct msg *m = NULL;
        struct avp *app = NULL;
        struct dict_object *model = NULL;
        command_code_t code = CX_UAR;
        union avp_value v = {.i32 = 1};
        char session[128];

        t->srv.on_uar = on_uar_plain;
        dia_session_id(t->n.cscf, session, sizeof(session));
        assert_int_equal(fd_dict_search(dia_dict(), DICT_COMMAND, CMD_BY_CODE_R, &code, &model, ENOENT), 0);
        assert_int_equal(fd_msg_new(model, 0, &m), 0);
        add_text(m, AVP_SESSION_ID, session);
        assert_int_equal(fd_msg_avp_new(dia_avp_model(AVP_VENDOR_SPECIFIC_APPLICATION_ID), 0, &app), 0);
        assert_int_equal(fd_msg_avp_add(m, MSG_BRW_LAST_CHILD, app), 0);
        add(m, AVP_AUTH_SESSION_STATE, &v);
        v.u32 = DIA_VENDOR_3GPP;
        add(app, AVP_VENDOR_ID, &v);
        add_text(m, AVP_ORIGIN_HOST, "cscf.example.org");
        add_text(m, AVP_ORIGIN_REALM, "example.org");
        add_text(m, AVP_DESTINATION_REALM, "example.org");
        add_text(m, AVP_USER_NAME, "u");
        add_text(m, AVP_PUBLIC_IDENTITY, "sip:u");
        add_text(m, AVP_VISITED_NETWORK_IDENTIFIER, "v");
        assert_int_equal(dia_send(t->n.cscf, m, 0, on_plain, t, NULL), 0);
        loop_run(t->n.loop);
        assert_int_equal(t->answers, 1);
        assert_true(dia_result_is(t->result, dia_base(DIA_SUCCESS)));
}

static void on_uar_held(struct dia_request *rq, const struct cx_uar *m, void *arg)
{
        struct pair *t = arg;

        (void)rq;
        (void)m;
        loop_stop(t->n.loop);
}

/* A node freed with requests in hand leaves nothing behind. */
static void test_freed_with_requests(void **state)
{
        struct pair *t = *state;
        struct cx_uar rq = {.impi = SPAN("u"), .impu = SPAN("sip:u"), .visited_network = SPAN("v")};

        t->srv.on_uar = on_uar_held;
        assert_int_equal(cx_send_uar(t->n.cscf, &rq, 0, on_uaa, t, NULL), 0);
        loop_run(t->n.loop);
        assert_int_equal(t->answers, 0);
        dia_node_free(t->n.hss);
        t->n.hss = NULL;
        while (t->answers == 0)
                loop_run(t->n.loop);
        assert_int_equal(t->err, -IMS_EUNREACH);
}

/* --- where a peer may connect from ----------------------------------------------------------------- */

struct strange {
        struct loop *loop;
        unsigned up, refused;
        char identity[64], from[ADDR_STR];
};

static void on_strange_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct strange *t = arg;

        (void)identity, (void)why;
        t->up += up;
        loop_stop(t->loop);
}

static void on_stranger(struct span identity, const struct addr *from, const char *why, void *arg)
{
        struct strange *t = arg;

        (void)why;
        t->refused++;
        assert_int_equal(span_copy(identity, t->identity, sizeof(t->identity)), 0);
        (void)addr_ip_str(from, false, t->from);
        loop_stop(t->loop);
}

/* A CSCF that connects from local to an HSS that expects it at 127.0.0.2 or in 127.9.0.0/16. */
static struct strange connected_from(const char *local, const char *identity)
{
        static char *const from[] = {(char *)"127.0.0.2", (char *)"127.9.0.0/16"};
        struct strange t = {0};
        struct dia_handlers h = {.on_peer = on_strange_peer, .on_stranger = on_stranger};
        struct two_nodes n;
        struct two_nodes_conf c;

        two_nodes_conf_init(&c);
        c.cscf_peer.from = from;
        c.cscf_peer.n_from = 2;
        c.cscf.identity = identity;
        c.cscf.tc_ms = 60000;
        if (local)
                assert_int_equal(addr_parse(span_of(local), 0, &c.cscf.local), 0);
        two_nodes_start(&n, &c, &h, &t, &t);
        t.loop = n.loop;
        while (t.up < 2 && !t.refused)
                loop_run(t.loop);
        two_nodes_end(&n);
        return t;
}

static void test_addresses(void **state)
{
        static const char *const good[] = {"127.0.0.2", "127.9.8.7"}, *const bad[] = {NULL, "127.0.0.3"};
        struct strange t;

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                t = connected_from(good[i], "cscf.example.org");
                assert_int_equal(t.up, 2);
                assert_int_equal(t.refused, 0);
                t = connected_from(bad[i], "cscf.example.org");
                assert_int_equal(t.up, 0);
                assert_string_equal(t.identity, "cscf.example.org");
                assert_string_equal(t.from, bad[i] ? bad[i] : "127.0.0.1");
        }
        t = connected_from(good[0], "other.example.org");
        assert_int_equal(t.up, 0);
        assert_string_equal(t.identity, "other.example.org");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_uar, setup, teardown),
                cmocka_unit_test_setup_teardown(test_plain, setup, teardown),
                cmocka_unit_test_setup_teardown(test_freed_with_requests, setup, teardown),
                cmocka_unit_test(test_addresses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
