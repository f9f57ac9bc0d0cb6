/* SPDX-License-Identifier: BSD-3-Clause
 * SIP over TLS with peers that do not do as they should: half-open handshakes, too many of them, slow
 * readers, wrong names; and targets that must not leave TLS. */
#include "tests/unit/sip/tls_bare.h"

/* --- handshakes ---------------------------------------------------------------------------------------- */

static void half_open(void **state)
{
        struct tls_pair p;
        struct bare one, two;

        (void)state;
        tls_pair_start(&p, NULL, &(struct tls_conf){.handshake_ms = 40}, NULL);
        log_set_level(LOG_ERROR);
        bare_dial(&one, &p, false);
        bare_dial(&two, &p, false);
        WAIT_FOR(&p.w, one.closes && two.closes);
        assert_int_equal(faults(&p.b, SIP_FAULT_TLS), 2);
        assert_int_equal(p.bt.ends, 2);
        assert_int_equal(p.bt.end_reason, -IMS_ETIMEOUT);
        assert_int_equal(p.bt.sessions, 0);
        assert_string_equal(p.b.last_note, "TLS failed: the handshake was not done in time");
        assert_int_equal(p.b.received, 1); /* the second one is only counted */
        tls_pair_call(&p);                 /* others are served */
        tls_pair_stop(&p);
}

static void too_many_handshakes(void **state)
{
        (void)state;
        for (int of_one = 0; of_one < 2; of_one++) {
                const struct sip_stack_conf conf = {.max_handshakes = of_one ? 0 : 3,
                                                    .max_handshakes_per_source = of_one ? 3 : 0};
                struct tls_pair p;
                struct bare b[5];
                unsigned closed = 0;

                tls_pair_start(&p, &conf, NULL, NULL);
                for (int i = 0; i < 5; i++)
                        bare_dial(&b[i], &p, false);
                WAIT_FOR(&p.w, faults(&p.b, SIP_FAULT_HANDSHAKES) == 2);
                WAIT_FOR(&p.w, b[0].closes + b[1].closes + b[2].closes + b[3].closes + b[4].closes == 2);
                for (int i = 0; i < 5; i++)
                        if (b[i].c && closed++ == 0)
                                tcp_close(b[i].c, false); /* makes room for one */
                WAIT_FOR(&p.w, p.bt.ends == 3);
                tls_pair_call(&p);
                p.b.peers_are_core = true; /* a neighbour is not bounded */
                for (int i = 0; i < 5; i++)
                        if (!b[i].c)
                                bare_dial(&b[i], &p, false);
                WAIT_FOR(&p.w,
                         b[0].connects && b[1].connects && b[2].connects && b[3].connects && b[4].connects);
                tls_pair_call(&p);
                assert_int_equal(faults(&p.b, SIP_FAULT_HANDSHAKES), 2);
                for (int i = 0; i < 5; i++)
                        if (b[i].c)
                                tcp_close(b[i].c, false);
                WAIT_FOR(&p.w, b[0].closes && b[1].closes && b[2].closes && b[3].closes && b[4].closes);
                tls_pair_stop(&p);
        }
}

static void no_tls_at_all(void **state)
{
        struct tls_pair p;
        struct bare b;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        bare_dial(&b, &p, false);
        assert_int_equal(tcp_send(b.c, SPAN("OPTIONS sip:b@example.net SIP/2.0\r\n\r\n")), 0);
        WAIT_FOR(&p.w, b.closes);
        assert_int_equal(p.b.requests, 0);
        assert_int_equal(faults(&p.b, SIP_FAULT_TLS), 1);
        assert_string_equal(p.b.last_note, "TLS failed: what came is no TLS");
        tls_pair_stop(&p);
}

/* --- peers that are up -----------------------------------------------------------------------------------
 */

static void silent_after_the_handshake(void **state)
{
        const struct sip_stack_conf conf = {.tcp_first_ms = 60};
        struct tls_pair p;
        struct bare b;

        (void)state;
        tls_pair_start(&p, &conf, NULL, NULL);
        bare_dial(&b, &p, true);
        WAIT_FOR(&p.w, b.closes);
        assert_int_equal(b.connects, 1);
        assert_int_equal(faults(&p.b, SIP_FAULT_SILENT), 1);
        assert_int_equal(faults(&p.b, SIP_FAULT_TLS), 0);
        tls_pair_stop(&p);
}

static void slow_reader(void **state)
{
        const struct sip_stack_conf conf = {.tcp_queue = 65536};
        struct tls_pair p;
        struct bare b;

        (void)state;
        tls_pair_start(&p, &conf, NULL, NULL);
        bare_dial(&b, &p, true);
        WAIT_FOR(&p.w, b.connects && p.bt.sessions);
        tcp_pause(b.c, true);
        for (int i = 0; i < 5000 && sip_flow_alive(p.b.s, &p.bt.flow); i++) {
                struct call call;

                if (call_try(&call, &p.b, "OPTIONS", 8000, &(struct sip_target){.flow = &p.bt.flow}) == 0)
                        sip_client_abandon(call.c);
                uv_run(loop_uv(p.w.loop), UV_RUN_NOWAIT);
        }
        assert_int_equal(p.bt.ends, 1);
        assert_int_equal(faults(&p.b, SIP_FAULT_UNREAD), 1);
        tcp_close(b.c, false);
        WAIT_FOR(&p.w, b.closes);
        tls_pair_stop(&p);
}

static void connections_of_one_source(void **state)
{
        const struct sip_stack_conf conf = {.max_conns_per_source = 2};
        struct tls_pair p;
        struct bare b[3];

        (void)state;
        tls_pair_start(&p, &conf, NULL, NULL);
        for (int i = 0; i < 3; i++) {
                bare_dial(&b[i], &p, true);
                WAIT_FOR(&p.w, b[i].connects || b[i].closes);
        }
        assert_int_equal(b[0].connects + b[1].connects, 2);
        assert_int_equal(b[2].connects, 0);
        assert_int_equal(faults(&p.b, SIP_FAULT_CONNECTIONS), 1);
        for (int i = 0; i < 2; i++)
                tcp_close(b[i].c, true);
        WAIT_FOR(&p.w, b[0].closes && b[1].closes);
        tls_pair_stop(&p);
}

/* --- whom we speak to ------------------------------------------------------------------------------------
 */

static void expect_refused(struct tls_pair *p, const struct sip_target *t)
{
        unsigned before = p->b.requests;

        call_start(&p->call, &p->a, "OPTIONS", 0, t);
        WAIT_FOR(&p->w, p->call.done);
        assert_int_equal(p->call.err, -IMS_EUNREACH);
        assert_int_equal(p->b.requests, before);
}

static void names(void **state)
{
        char text[128], name[ADDR_STR];
        struct tls_pair p;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        p.t.tls_name = SPAN("other.ims.example");
        expect_refused(&p, &p.t);
        assert_int_equal(p.at.sessions, 0);
        p.t.tls_name = SPAN_NULL;
        tls_pair_call(&p);
        p.t.tls_name = SPAN("other.ims.example"); /* not over the connection to another name */
        expect_refused(&p, &p.t);
        (void)snprintf(text, sizeof(text), "sip:%s;transport=tls", addr_str(&p.tls, name));
        p.t = (struct sip_target){.uri = span_of(text)}; /* its address, which the certificate has */
        tls_pair_call(&p);
        assert_int_equal(p.at.sessions, 2);
        assert_non_null(strstr(p.b.last, "Via: SIP/2.0/TLS"));
        p.t.tls_name = SPAN(TLS_NAME); /* the first connection is still there */
        tls_pair_call(&p);
        assert_int_equal(p.at.sessions, 2);
        tls_pair_stop(&p);
}

/* A flow whose connection ended is opened again, to the name that is expected. */
static void flow_is_opened_again(void **state)
{
        struct sip_flow flow;
        struct tls_pair p;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        tls_pair_call(&p);
        flow = p.at.flow;
        sip_flow_close(p.a.s, &flow, false);
        WAIT_FOR(&p.w, p.bt.ends == 1);
        p.t = (struct sip_target){.flow = &flow, .tls_name = SPAN("other.ims.example")};
        expect_refused(&p, &p.t);
        p.t.tls_name = SPAN(TLS_NAME);
        tls_pair_call(&p);
        assert_int_equal(p.at.sessions, 2);
        flow = p.bt.flow; /* of a connection that the peer had opened: there is nobody to connect to */
        sip_flow_close(p.b.s, &flow, false);
        call_start(&p.call, &p.b, "OPTIONS", 0, &(struct sip_target){.flow = &flow});
        WAIT_FOR(&p.w, p.call.done);
        assert_int_equal(p.call.err, -IMS_EUNREACH);
        tls_pair_stop(&p);
}

/* sips is TLS or nothing (RFC 3261 26.2.2). */
static void sips_is_tls(void **state)
{
        char host[128], name[ADDR_STR], *hosts[] = {host};
        struct tls_pair p;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        resolver_free(p.w.resolver);
        (void)snprintf(host, sizeof(host), "plain.test=%s/tcp", addr_str(&p.b.tcp, name));
        assert_int_equal(resolver_new(p.w.loop, hosts, 1, NULL, 0, &p.w.resolver, &(size_t){0}), 0);
        sip_stack_free(p.a.s);
        node_start(&p.a, &p.w, NULL);
        sip_stack_set_tls_client(p.a.s, p.client);
        expect_refused(&p, &(struct sip_target){.uri = SPAN("sips:plain.test")});
        assert_int_equal(call_try(&p.call, &p.a, "OPTIONS", 0,
                                  &(struct sip_target){.uri = SPAN("sips:plain.test;transport=udp")}),
                         -IMS_EINVAL);
        p.t = (struct sip_target){.uri = SPAN("sip:plain.test")};
        tls_pair_call(&p);
        assert_int_equal(p.b.last_flow.transport, TRANSPORT_TCP);
        tls_pair_stop(&p);
}

/* --- renewal ---------------------------------------------------------------------------------------------
 */

static void renewal(void **state)
{
        struct tls_info info;
        struct tls_pair p;

        (void)state;
        tls_pair_start(&p, NULL, NULL, NULL);
        tls_pair_call(&p);
        tls_issue(&p.files, &(struct make){.cn = "new.ims.example", .san = TLS_SAN ",DNS:new.ims.example"},
                  p.files.cert, p.files.key);
        sip_stack_reload_tls(p.b.s);
        tls_pair_call(&p); /* over the old connection */
        assert_int_equal(p.at.sessions, 1);
        sip_flow_close(p.a.s, &p.at.flow, true);
        tls_pair_call(&p);
        assert_true(sip_flow_tls(p.a.s, &p.at.flow, &info));
        assert_string_equal(info.subject, "new.ims.example");
        assert_int_equal(unlink(p.files.key), 0);
        log_set_level(LOG_ERROR);
        sip_stack_reload_tls(p.b.s); /* an error in the log, and all stays */
        sip_flow_close(p.a.s, &p.at.flow, true);
        tls_pair_call(&p);
        assert_true(sip_flow_tls(p.a.s, &p.at.flow, &info));
        assert_string_equal(info.subject, "new.ims.example");
        tls_pair_stop(&p);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(half_open),     cmocka_unit_test(too_many_handshakes),
                cmocka_unit_test(no_tls_at_all), cmocka_unit_test(silent_after_the_handshake),
                cmocka_unit_test(slow_reader),   cmocka_unit_test(connections_of_one_source),
                cmocka_unit_test(names),         cmocka_unit_test(flow_is_opened_again),
                cmocka_unit_test(sips_is_tls),   cmocka_unit_test(renewal),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
