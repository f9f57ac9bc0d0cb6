/* SPDX-License-Identifier: BSD-3-Clause
 * Requests other than REGISTER, over a real stack: one UDP socket of the test is every neighbour. AKA-003,
 * AKA-014, AKA-038, PC-018; TS 24.229 5.4.3. */
#include "route_fake.h"

static void originating(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];
        struct reg_set *set = attach(l, UE1, "r1");

        orig_route(l, set, route);
        send_request(l, "INVITE", BOB, lines(text, route, PAI(ALICE)));
        expect_request(l, BOB);
        assert_null(sip_msg_hdr(l->got, SIP_HDR_ROUTE, 0));
        assert_true(has_value(l, SIP_HDR_RECORD_ROUTE, "sip:mo@"));
        assert_true(has_value(l, SIP_HDR_P_ASSERTED_IDENTITY, ALICE));
        answer(l, 486);
        expect_status(l, 486);
        /* an implicitly registered identity may as well */
        send_request(l, "MESSAGE", BOB, lines(text, route, PAI(TEL)));
        expect_request(l, BOB);
        assert_null(sip_msg_hdr(l->got, SIP_HDR_RECORD_ROUTE, 0));
        answer(l, 200);
        expect_status(l, 200);
        /* another network: by its Request-URI, which is the neighbour */
        snprintf(text, sizeof(text), "sip:carol@127.0.0.1:%u", addr_port(&l->peer));
        l->conf.icscf = NULL;
        send_request(l, "MESSAGE", text, lines((char[512]){0}, route, PAI(ALICE)));
        expect_request(l, text);
        answer(l, 200);
        expect_status(l, 200);
        proves("AKA-038");
}

static void asked(struct lab *l, struct dia_result result)
{
        struct cx_saa *a = calloc(1, sizeof(*a));

        assert_int_equal(l->cx.sat, CX_SAT_NO_ASSIGNMENT);
        a->h.result = result;
        l->cx.saa(0, a, l->cx.arg);
        free(a);
        wait_for_it(l);
}

/* Another phone has the identity registered: the Service-Route tells whose request it is. */
static void the_registration_of_this_phone_ended(void **state)
{
        struct lab *l = *state;
        struct contact_op op = {
                .value = SPAN(UE2), .uri = SPAN("sip:alice@192.0.2.11:31061"), .expires_s = 600};
        const struct contact_origin origin = {.call_id = SPAN("r2"), .cseq = 1};
        const struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_PERMANENT_TERMINATION};
        struct reg_set *set = attach(l, UE1, "r1");
        char route[256], text[512];
        struct buf other = BUF_INIT;
        struct contact *c = NULL;
        struct user *u = NULL;

        assert_int_equal(user_new(&l->s.reg.store, SPAN("tablet@" DOMAIN), &u), 0);
        assert_int_equal(contact_new(&op, &origin, loop_now_ms(l->s.home.loop), 5000, &c), 0);
        contact_link(&l->s.reg.store, c, set, u);
        orig_route(l, set, route);
        reg_answer_service_route(&l->s.reg, set, u, &other);
        send_request(l, "MESSAGE", BOB, lines(text, route, PAI(ALICE)));
        expect_request(l, BOB);
        answer(l, 200);
        expect_status(l, 200);
        assert_int_equal(registrar_rtr(&l->s.reg, &m), 0);
        send_request(l, "MESSAGE", BOB, lines(text, route, PAI(ALICE)));
        expect_status(l, 403);
        snprintf(route, sizeof(route), "Route: " SPAN_FMT "\r\n", SPAN_ARG(buf_as_span(&other)));
        send_request(l, "MESSAGE", BOB, lines(text, route, PAI(ALICE)));
        expect_request(l, BOB);
        answer(l, 200);
        expect_status(l, 200);
        buf_free(&other);
}

static void give_back_alice(struct lab *l)
{
        struct cx_saa *a = calloc(1, sizeof(*a));
        struct cx_restoration r = {.impi = SPAN(IMPI), .n_info = 1};

        r.info[0] = (struct cx_restoration_info){.contact = SPAN(UE1), .call_id = SPAN("r1")};
        assert_string_equal(l->cx.impu, ALICE);
        a->h.result = dia_base(DIA_SUCCESS);
        a->user_data = SPAN(PROFILE_ALICE);
        a->restorations = &r;
        a->n_restorations = 1;
        l->cx.saa(0, a, l->cx.arg);
        free(a);
}

/* Caller and callee are served here, and both were lost in a restart: the HSS is asked for each. */
static void both_sides_were_lost(void **state)
{
        struct lab *l = *state;
        struct cx_saa *unknown = calloc(1, sizeof(*unknown));
        char text[512], self[ADDR_STR];

        l->conf.icscf = NULL;
        snprintf(text, sizeof(text), "Route: <sip:orig@%s;lr>\r\n" PAI(ALICE), addr_str(&l->self, self));
        send_request(l, "MESSAGE", BOB, text);
        give_back_alice(l);
        assert_string_equal(l->cx.impu, BOB);
        assert_int_equal(l->n_got, 0);
        unknown->h.result = dia_3gpp(CX_ERROR_USER_UNKNOWN);
        l->cx.saa(0, unknown, l->cx.arg);
        free(unknown);
        while (l->n_got == 0)
                wait_for_it(l);
        expect_status(l, 404);
}

/* Nobody rings for a caller who has hung up. */
static void canceled_while_the_hss_is_asked(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];
        struct reg_set *set = attach(l, UE1, "r1");

        orig_route(l, set, route);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:lost@" DOMAIN)));
        assert_false(list_empty(&l->s.asking));
        cancel_call(l, route);
        assert_true(list_empty(&l->s.asking));
}

static void home_control(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];
        struct reg_set *set = attach(l, UE1, "r1");

        orig_route(l, set, route);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:temp@" DOMAIN)));
        expect_status(l, 403); /* barred */
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:nobody@" DOMAIN)));
        assert_string_equal(l->cx.impu, "sip:nobody@" DOMAIN); /* not registered: lost in a restart? */
        asked(l, dia_base(DIA_SUCCESS));
        expect_status(l, 403);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("")));
        expect_status(l, 403);
        send_request(l, "INVITE", BOB,
                     lines(text, "Route: <", lines((char[512]){0}, l->name, ";orig;lr>\r\n")));
        expect_status(l, 403); /* nothing asserted, no token: From proves nothing */
        proves("AKA-003 AKA-014");
}

static void missing_identity_is_inserted(void **state)
{
        struct lab *l = *state;
        char route[256];

        orig_route(l, attach(l, UE1, "r1"), route);
        send_request(l, "MESSAGE", BOB, route);
        expect_request(l, BOB);
        assert_true(has_value(l, SIP_HDR_P_ASSERTED_IDENTITY, "<" ALICE ">"));
        answer(l, 200);
        expect_status(l, 200);
        proves("PC-018");
}

static void terminating(void **state)
{
        static const char *const uris[] = {ALICE, TEL, "sip:+15550100@" DOMAIN ";user=phone",
                                           "sip:alice@" DOMAIN ":5060;transport=udp"};
        struct lab *l = *state;

        attach(l, UE1, "r1");
        for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
                send_request(l, "INVITE", uris[i], "");
                expect_request(l, "sip:alice@192.0.2.10:31061");
                assert_true(has_value(l, SIP_HDR_ROUTE, "sip:term@"));
                assert_null(sip_msg_hdr(l->got, SIP_HDR_ROUTE, 1));
                assert_true(has_value(l, SIP_HDR_P_CALLED_PARTY_ID, uris[i]));
                assert_true(has_value(l, SIP_HDR_RECORD_ROUTE, "sip:mt@"));
                answer(l, 486);
                expect_status(l, 486);
        }
        /* with a Route that names us, as an I-CSCF may send it */
        send_request(l, "MESSAGE", ALICE,
                     lines((char[512]){0}, "Route: <", lines((char[512]){0}, l->name, ";lr>\r\n")));
        expect_request(l, "sip:alice@192.0.2.10:31061");
        assert_true(has_value(l, SIP_HDR_ROUTE, "sip:term@"));
        assert_false(has_value(l, SIP_HDR_ROUTE, l->name));
        answer(l, 200);
        expect_status(l, 200);
        proves("AKA-038");
}

static void terminating_refused(void **state)
{
        struct lab *l = *state;

        attach(l, UE1, "r1");
        send_request(l, "MESSAGE", "sip:temp@" DOMAIN, "");
        expect_status(l, 404); /* barred */
        send_request(l, "MESSAGE", "sip:x@example.org", "");
        expect_status(l, 404); /* another network */
        send_request(l, "MESSAGE", BOB, "");
        assert_string_equal(l->cx.impu, BOB);
        asked(l, dia_3gpp(CX_ERROR_USER_UNKNOWN));
        expect_status(l, 404);
        send_request(l, "MESSAGE", BOB, "");
        asked(l, dia_base(DIA_UNABLE_TO_COMPLY));
        expect_status(l, 480);
}

static void next_binding(void **state)
{
        struct lab *l = *state;

        attach(l, UE2, "r2");
        attach(l, UE1, "r1");
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        answer(l, 480);
        expect_request(l, "sip:alice@192.0.2.11:31061");
        answer(l, 200);
        expect_status(l, 200);
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        answer(l, 486); /* busy is busy */
        expect_status(l, 486);
        send_request(l, "MESSAGE", ALICE, "");
        answer(l, 480);
        answer(l, 480);
        expect_status(l, 480);
}

/* Two flows of phone A, the older of which stands behind a binding of phone B (RFC 5626 7). */
static void flows_of_one_phone(void **state)
{
        static const char a1[] = "sip:alice@192.0.2.10:1", a2[] = "sip:alice@192.0.2.10:2",
                          b[] = "sip:alice@192.0.2.20:1";
        static const int dead[] = {408, 430};
        struct lab *l = *state;

        attach(l, "<sip:alice@192.0.2.10:1>;+sip.instance=\"<urn:a>\";reg-id=1", "r1");
        attach(l, "<sip:alice@192.0.2.20:1>;+sip.instance=\"<urn:b>\";reg-id=1", "r3");
        attach(l, "<sip:alice@192.0.2.10:2>;+sip.instance=\"<urn:a>\";reg-id=2", "r2");
        for (size_t i = 0; i < 2; i++) {
                send_request(l, "MESSAGE", ALICE, "");
                expect_request(l, a2);
                answer(l, dead[i]); /* the other flow of that phone */
                expect_request(l, a1);
                answer(l, 480); /* that phone has spoken: the next one */
                expect_request(l, b);
                answer(l, 486);
                expect_status(l, 486);
        }
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, a2);
        answer(l, 503); /* so has it here */
        expect_request(l, b);
        answer(l, 480);
        expect_status(l, 480);
}

static void both_sides_here(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];

        orig_route(l, attach(l, UE1, "r1"), route);
        l->conf.icscf = NULL;
        send_request(l, "INVITE", TEL, lines(text, route, PAI(ALICE)));
        expect_request(l, "sip:alice@192.0.2.10:31061");
        assert_true(has_value(l, SIP_HDR_ROUTE, "sip:term@"));
        answer(l, 486);
        expect_status(l, 486);
        send_request(l, "INVITE", TEL, lines(text, route, PAI("sip:temp@" DOMAIN)));
        expect_status(l, 403);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:temp@" DOMAIN)));
        expect_status(l, 403);
}

/* What Record-Route says for the Call-ID of the request with this branch. */
static void seal_of(unsigned branch, char out[static 17])
{
        char call_id[16];

        snprintf(call_id, sizeof(call_id), "c%u", branch);
        snprintf(out, 17, "%016llx", (unsigned long long)hash_span(span_of(call_id)));
}

/* AKA-003: a To tag is no way around home control. */
static void made_up_dialogs(void **state)
{
        static const char *const methods[] = {"MESSAGE", "BYE", "INVITE"};
        struct lab *l = *state;
        char text[512], seal[17], made[64];
        struct sip_value_iter it = {0};
        struct span v;

        attach(l, UE1, "r1");
        for (size_t i = 0; i < 3; i++) {
                send_request(l, methods[i], "sip:alice@192.0.2.10", "X-Tagged: 1\r\n");
                expect_status(l, 481);
                snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <sip:mo@%s;lr>, <%s;lr>\r\n", l->name + 4,
                         l->icscf);
                send_request(l, methods[i], "sip:alice@192.0.2.10", text);
                expect_status(l, 481);
                seal_of(l->branch, seal); /* of another dialog */
                snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <sip:mo@%s;lr;d=%s>, <%s;lr>\r\n",
                         l->name + 4, seal, l->icscf);
                send_request(l, methods[i], "sip:alice@192.0.2.10", text);
                expect_status(l, 481);
        }
        /* what a real one gets */
        send_request(l, "INVITE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        seal_of(l->branch, seal);
        assert_true(sip_msg_next_value(l->got, SIP_HDR_RECORD_ROUTE, &it, &v));
        snprintf(made, sizeof(made), ";d=%s>", seal);
        assert_true(span_find(v, span_of(made)) > 0);
        answer(l, 486);
        proves("AKA-003");
}

static void in_dialog(void **state)
{
        struct lab *l = *state;
        char text[512], seal[17];

        seal_of(l->branch + 1, seal);
        snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <%s;lr>, <sip:mt@%s;lr;d=%s>, <%s;lr>\r\n",
                 l->name, l->name + 4, seal, l->icscf);
        send_request(l, "BYE", "sip:alice@192.0.2.10", text);
        expect_request(l, "sip:alice@192.0.2.10");
        assert_true(has_value(l, SIP_HDR_ROUTE, l->icscf));
        assert_false(has_value(l, SIP_HDR_ROUTE, l->name + 4));
        assert_null(sip_msg_hdr(l->got, SIP_HDR_RECORD_ROUTE, 0));
        answer(l, 200);
        expect_status(l, 200);
        seal_of(l->branch + 1, seal);
        snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <sip:mt@%s;lr;d=%s>, <%s;lr>\r\n", l->name + 4,
                 seal, l->icscf);
        send_request(l, "ACK", "sip:alice@192.0.2.10", text);
        expect_request(l, "sip:alice@192.0.2.10");
        send_request(l, "BYE", l->name, "X-Tagged: 1\r\n");
        expect_status(l, 481);
}

static void own_requests(void **state)
{
        struct lab *l = *state;
        char route[256];

        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 200);
        orig_route(l, attach(l, UE1, "r1"), route);
        send_request(l, "SUBSCRIBE", ALICE, lines((char[512]){0}, route, PAI(ALICE) "Event: reg\r\n"));
        expect_status(l, 489);
        send_request(l, "REGISTER", "sip:example.org", "");
        expect_status(l, 403);
        l->s.stopping = true;
        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 503);
}

static void trust(void **state)
{
        struct lab *l = *state;

        char other[] = "192.0.2.1", us[] = "127.0.0.1";
        char *const list[] = {other, us};

        assert_int_equal(trust_init(&l->s.home.trust, list, 1), 0);
        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 403);
        trust_free(&l->s.home.trust);
        assert_int_equal(trust_init(&l->s.home.trust, list, 2), 0);
        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 200);
}

static void nobody_answers(void **state)
{
        struct lab *l = *state;

        attach(l, UE1, "r1");
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        while (l->got->is_request)
                wait_for_it(l); /* retransmissions, then Timer F */
        expect_status(l, 504);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(originating),
                T(canceled_while_the_hss_is_asked),
                T(the_registration_of_this_phone_ended),
                T(both_sides_were_lost),
                T(home_control),
                T(missing_identity_is_inserted),
                T(terminating),
                T(terminating_refused),
                T(next_binding),
                T(flows_of_one_phone),
                T(both_sides_here),
                T(in_dialog),
                T(made_up_dialogs),
                T(own_requests),
                T(trust),
                T(nobody_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
