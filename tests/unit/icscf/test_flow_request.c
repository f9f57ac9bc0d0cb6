/* SPDX-License-Identifier: BSD-3-Clause
 * Requests other than REGISTER through the I-CSCF: location of the user. TS 24.229 5.3.2. */
#include "tests/unit/icscf/lab.h"

#define TO_BOB "To: <sip:bob@" HOME ">\r\n"

static void request_to_a_user(void **state)
{
        struct lab l;
        char route[128];

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_b)};
        assert_int_equal(request(&l, "MESSAGE", "sip:Bob@IMS.example;x=1", TO_BOB), 200);
        assert_string_equal(l.asked, "sip:Bob@" HOME);
        assert_false(l.lir_originating);
        assert_int_equal(strncmp(l.b.last, "MESSAGE sip:Bob@IMS.example;x=1 SIP/2.0\r\n", 41), 0);
        (void)snprintf(route, sizeof(route), "\r\nRoute: <%s;lr>\r\n", l.uri_b);
        assert_non_null(strstr(l.b.last, route));
        assert_int_equal(request(&l, "INVITE", "sip:+15550001@" HOME ";user=phone", TO_BOB), 200);
        assert_string_equal(l.asked, "tel:+15550001");
        assert_int_equal(request(&l, "OPTIONS", "tel:+1-555-0002", TO_BOB), 200);
        assert_string_equal(l.asked, "tel:+15550002");
        lab_stop(&l);
}

static void unregistered_user_with_services(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_3gpp(CX_UNREGISTERED_SERVICE),
                                .capabilities = {.present = true, .mandatory = {.v = {2}, .n = 1}}};
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@" HOME, TO_BOB), 200);
        assert_int_equal(l.b.requests, 1);
        lab_stop(&l);
}

static void refusals_of_the_location(void **state)
{
        static const struct {
                struct dia_result result;
                int status;
                const char *cause;
        } rows[] = {
                {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 404, "user_unknown"},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_NOT_REGISTERED}, 480, "identity_not_registered"},
                {{0, DIA_UNABLE_TO_COMPLY}, 504, "hss_error"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct lab l;

                lab_start(&l);
                l.lia.h.result = rows[i].result;
                assert_int_equal(request(&l, "MESSAGE", "sip:bob@" HOME, TO_BOB), rows[i].status);
                assert_string_equal(verdict(&l), rows[i].cause);
                lab_stop(&l);
        }
}

static void requests_without_a_user(void **state)
{
        struct lab l;
        char ruri[80], name[ADDR_STR];

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", TO_BOB), 404);
        assert_string_equal(verdict(&l), "wrong_network");
        assert_int_equal(request(&l, "MESSAGE", "urn:service:sos", TO_BOB), 416);
        (void)snprintf(ruri, sizeof(ruri), "sip:%s", addr_str(&l.addr, name));
        assert_int_equal(request(&l, "OPTIONS", ruri, TO_BOB), 200); /* are you alive? */
        assert_int_equal(l.lirs, 0);
        lab_stop(&l);
}

static void originating_request(void **state)
{
        struct lab l;
        char fields[512], name[ADDR_STR], route[128];

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        (void)snprintf(fields, sizeof(fields),
                       TO_BOB "Route: <sip:%s;lr;orig>\r\nP-Asserted-Identity: <sip:carol@" HOME ">\r\n",
                       addr_str(&l.addr, name));
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", fields), 200);
        assert_string_equal(l.asked, "sip:carol@" HOME);
        assert_true(l.lir_originating);
        (void)snprintf(route, sizeof(route), "\r\nRoute: <%s;lr;orig>\r\n", l.uri_a);
        assert_non_null(strstr(l.a.last, route));
        assert_null(strstr(strstr(l.a.last, "Route:") + 6, "Route:"));
        (void)snprintf(fields, sizeof(fields), TO_BOB "Route: <sip:%s;lr;orig>\r\n", name);
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", fields), 403);
        assert_string_equal(verdict(&l), "identity_not_allowed");
        lab_stop(&l);
}

static void route_below_ours_is_followed(void **state)
{
        struct lab l;
        char fields[512], name[ADDR_STR];

        (void)state;
        lab_start(&l);
        (void)snprintf(fields, sizeof(fields), TO_BOB "Route: <sip:%s;lr>, <%s;lr>\r\n",
                       addr_str(&l.addr, name), l.uri_b);
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", fields), 200);
        assert_int_equal(l.b.requests, 1);
        assert_int_equal(l.lirs, 0);
        lab_stop(&l);
}

static void scscf_of_a_request_is_down(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        l.a.answer = -1;
        node_stop(&l.a);
        assert_int_equal(request(&l, "INVITE", "sip:bob@" HOME, TO_BOB), 504);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        lab_stop(&l);
}

/* The time for all tries is over before the second S-CSCF gets its turn. */
static void time_for_all_tries(void **state)
{
        struct lab l;

        (void)state;
        lab_start_timed(&l, "", "330");
        l.a.answer = 0; /* silent for the 300 ms it gets */
        assert_int_equal(do_register(&l), 504);
        assert_int_equal(l.b.requests, 0);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        lab_stop(&l);
}

static void own_route_is_taken_away(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(
                request(&l, "REGISTER", "sip:" HOME, FIELDS AUTH "Route: <sip:icscf." HOME ";lr>\r\n"), 200);
        assert_null(strstr(l.a.last, "\r\nRoute:"));
        lab_stop(&l);
}

static void canceled_while_the_hss_is_asked(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.hss_silent = true;
        start_request(&l, "INVITE", "sip:bob@" HOME, TO_BOB);
        WAIT_FOR(&l.w, l.lirs == 1);
        sip_client_cancel(l.call.c);
        WAIT_FOR(&l.w, l.call.done);
        assert_int_equal(l.call.status, 487);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        cx_answer_lia(l.late, &l.lia); /* too late */
        world_pass(&l.w, 50);
        assert_int_equal(l.a.requests, 0);
        lab_stop(&l);
}

static void canceled_invite(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        l.a.answer = 180;
        start_request(&l, "INVITE", "sip:bob@" HOME, TO_BOB);
        WAIT_FOR(&l.w, l.a.ringing && l.call.provisional);
        sip_client_cancel(l.call.c);
        WAIT_FOR(&l.w, l.call.done);
        assert_int_equal(l.call.status, 487);
        assert_int_equal(l.a.cancels, 1);
        lab_stop(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(request_to_a_user),
                cmocka_unit_test(unregistered_user_with_services),
                cmocka_unit_test(refusals_of_the_location),
                cmocka_unit_test(requests_without_a_user),
                cmocka_unit_test(originating_request),
                cmocka_unit_test(route_below_ours_is_followed),
                cmocka_unit_test(scscf_of_a_request_is_down),
                cmocka_unit_test(canceled_invite),
                cmocka_unit_test(time_for_all_tries),
                cmocka_unit_test(own_route_is_taken_away),
                cmocka_unit_test(canceled_while_the_hss_is_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
