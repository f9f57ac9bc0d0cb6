/* SPDX-License-Identifier: BSD-3-Clause
 * What was said stands in no memory that was given back: every block that is freed, by us or by OpenSSL, is
 * searched for the marks that stood in credentials and keys. */
#include "tests/unit/proves.h"
#include "tests/unit/watch_free.h"

#include "tests/unit/sip/tls_bare.h"

/* A REGISTER with a response, in pieces, whose answer carries keys; it waits before the handshake is done. */
static const char request[] =
        "REGISTER sip:example.net SIP/2.0\r\n"
        "Via: SIP/2.0/TLS 127.0.0.1:5;branch=z9hG4bK1;rport\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:a@example.net>;tag=1\r\nTo: <sip:a@example.net>\r\n"
        "Call-ID: c1\r\nCSeq: 1 REGISTER\r\n"
        "Authorization: Digest username=\"a\",response=\"" MARK "\"\r\n"
        "Content-Length: 0\r\n\r\n";

static void answer(struct node *n)
{
        const struct sip_field challenge = {SIP_HDR_WWW_AUTHENTICATE,
                                            SPAN("Digest nonce=\"n\",ik=\"" MARK "\"")};
        struct sip_request *rq = node_take(n);

        sip_reply(rq, 401, NULL, &challenge, 1);
}

static void received(void **state)
{
        struct tls_pair p;
        struct bare b;

        (void)state;
        if (!CAN_LOOK)
                skip();
        found = 0;
        tls_pair_start(&p, &(struct sip_stack_conf){.t1_ms = 10, .t4_ms = 10}, NULL, NULL);
        p.b.answer = 0;
        watching = true;
        bare_dial(&b, &p, true);
        assert_int_equal(tcp_send(b.c, span_sub(span_of(request), 0, sizeof(request) - 5)),
                         0); /* before the handshake */
        WAIT_FOR(&p.w, b.connects);
        assert_int_equal(tcp_send(b.c, span_sub(span_of(request), sizeof(request) - 5, sizeof(request) - 1)),
                         0);
        WAIT_FOR(&p.w, p.b.held);
        assert_non_null(strstr(p.b.last, MARK));
        answer(&p.b);
        WAIT_FOR(&p.w, b.got);
        tcp_close(b.c, true);
        WAIT_FOR(&p.w, b.closes);
        tls_pair_stop(&p);
        watching = false;
        assert_int_equal(found, 0);
}

/* The same of a client, its request and the answer it gets: over TLS, over UDP where both are kept for
 * retransmissions, and over TCP, where both wait in the clear for the socket. */
static void sent(void **state)
{
        static const char *const transports[] = {"tls", "udp", "tcp"};

        (void)state;
        if (!CAN_LOOK)
                skip();
        for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
                struct call call = {0};
                struct sip_target t;
                struct tls_pair p;
                struct sip_edit e;
                struct sip_msg *m;
                char text[128];

                found = 0;
                tls_pair_start(&p, NULL, NULL, NULL);
                p.b.answer = 0;
                t = i ? target_to(i == 1 ? &p.b.udp : &p.b.tcp, transports[i], text) : p.t;
                watching = true;
                m = world_request("REGISTER", 0);
                sip_edit_init(&e, m);
                sip_edit_append(&e, SIP_HDR_AUTHORIZATION, SPAN("Digest response=\"" MARK "\""));
                assert_int_equal(sip_send(p.a.s, &e, &t, call_on_response, &call, &call.c), 0);
                sip_edit_free(&e);
                sip_msg_unref(m);
                WAIT_FOR(&p.w, p.b.held);
                answer(&p.b);
                WAIT_FOR(&p.w, call.done);
                assert_int_equal(call.status, 401);
                tls_pair_stop(&p);
                watching = false;
                if (found)
                        fail_msg("%s: %u blocks", transports[i], found);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(received),
                cmocka_unit_test(sent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
