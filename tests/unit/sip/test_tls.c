/* SPDX-License-Identifier: BSD-3-Clause
 * SIP over TLS: both directions on one connection, flows that end, sessions, renegotiation. */
#include "tests/unit/sip/tls_pair.h"

#include "tests/unit/proves.h"

static void request_over_tls(void **state)
{
        struct tls_pair p;
        struct tls_info info;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        tls_pair_call(&p);
        assert_int_equal(p.b.last_flow.transport, TRANSPORT_TLS);
        assert_true(p.b.last_flow.conn_id != 0);
        assert_non_null(strstr(p.b.last, "Via: SIP/2.0/TLS 127.0.0.1"));
        assert_int_equal(p.at.sessions, 1);
        assert_int_equal(p.bt.sessions, 1);
        assert_string_equal(p.bt.version, "TLSv1.3");
        assert_true(sip_flow_tls(p.b.s, &p.b.last_flow, &info));
        assert_int_equal(info.session_id_n, 32);
        assert_true(sip_flow_tls(p.a.s, &p.at.flow, &info));
        assert_true(info.verified);
        assert_int_equal(info.n_names, 2);
        assert_string_equal(info.names[0], TLS_NAME);
        tls_pair_call(&p); /* over the same connection */
        assert_int_equal(p.bt.sessions, 1);
        tls_pair_stop(&p);
}

/* Requests towards the client take the connection that it opened. */
static void request_back_over_the_flow(void **state)
{
        struct tls_pair p;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        tls_pair_call(&p);
        call_start(&p.call, &p.b, "OPTIONS", 0, &(struct sip_target){.flow = &p.bt.flow});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.status, 200);
        assert_int_equal(p.a.requests, 1);
        assert_int_equal(p.at.sessions, 1);
        assert_int_equal(p.a.last_flow.conn_id, p.at.flow.conn_id);
        tls_pair_stop(&p);
        proves("TLS-015");
}

static void flow_is_closed(void **state)
{
        struct tls_pair p;
        struct sip_flow flow;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        tls_pair_call(&p);
        flow = p.bt.flow;
        sip_flow_close(p.b.s, &flow, true);
        assert_int_equal(p.bt.ends, 1);
        assert_int_equal(p.bt.ended.conn_id, flow.conn_id);
        assert_false(sip_flow_alive(p.b.s, &flow));
        assert_false(sip_flow_tls(p.b.s, &flow, &(struct tls_info){0}));
        assert_int_equal(sip_flow_renegotiate(p.b.s, &flow), -IMS_ECLOSED);
        sip_flow_close(p.b.s, &flow, true); /* nothing */
        WAIT_FOR(&p.w, p.at.ends == 1);
        tls_pair_call(&p);
        assert_int_equal(p.bt.sessions, 2);
        assert_false(p.bt.info.resumed);
        sip_flow_close(p.b.s, &p.bt.flow, false);
        WAIT_FOR(&p.w, p.at.ends == 2);
        tls_pair_call(&p);
        assert_int_equal(p.bt.sessions, 3);
        assert_true(p.bt.info.resumed);
        tls_pair_stop(&p);
}

static void flow_renegotiates(void **state)
{
        struct tls_pair p;
        uint8_t before[32];

        (void)state;
        tls_pair_start(&p, NULL, &(struct tls_conf){.max_version = 1}, NULL);
        tls_pair_call(&p);
        assert_string_equal(p.bt.version, "TLSv1.2");
        assert_int_equal(p.bt.info.session_id_n, 32);
        assert_memory_equal(p.bt.info.session_id, p.at.info.session_id, 32);
        memcpy(before, p.bt.info.session_id, 32);
        assert_int_equal(sip_flow_renegotiate(p.b.s, &p.bt.flow), 0);
        WAIT_FOR(&p.w, p.at.sessions == 2 && p.bt.sessions == 2);
        assert_memory_equal(p.bt.info.session_id, p.at.info.session_id, 32);
        assert_memory_not_equal(before, p.bt.info.session_id, 32);
        tls_pair_call(&p);
        assert_int_equal(p.bt.ends, 0);
        tls_pair_stop(&p);
        proves("TLS-036 TLS-038");
}

static void no_client_context_no_tls(void **state)
{
        struct tls_pair p;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        sip_stack_set_tls_client(p.a.s, NULL);
        call_start(&p.call, &p.a, "OPTIONS", 0, &p.t);
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH);
        assert_int_equal(p.b.received, 0);
        tls_pair_stop(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(request_over_tls),         cmocka_unit_test(request_back_over_the_flow),
                cmocka_unit_test(flow_is_closed),           cmocka_unit_test(flow_renegotiates),
                cmocka_unit_test(no_client_context_no_tls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
