/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER through the I-CSCF: the choice of an S-CSCF, and every refusal. TS 24.229 5.3.1. */
#include "tests/unit/icscf/lab.h"

static void capabilities_choose_the_scscf(void **state)
{
        struct lab l;
        char start[128];

        (void)state;
        lab_start(&l);
        l.uaa.capabilities = (struct cx_capabilities){.present = true, .mandatory = {.v = {2}, .n = 1}};
        assert_int_equal(do_register(&l), 200);
        assert_int_equal(l.uars, 1);
        assert_int_equal(l.uar_type, CX_REGISTRATION_UAT);
        assert_false(l.uar_has_flags);
        assert_string_equal(l.asked, "001@" HOME " sip:alice@" HOME " visited.example");
        assert_int_equal(l.a.requests, 0);
        assert_int_equal(l.b.requests, 1);
        (void)snprintf(start, sizeof(start), "REGISTER %s SIP/2.0\r\n", l.uri_b);
        assert_int_equal(strncmp(l.b.last, start, strlen(start)), 0);
        assert_non_null(strstr(l.b.last, "\r\n" AUTH)); /* byte for byte */
        assert_non_null(strstr(l.b.last, "\r\nPath: <sip:term@pcscf." HOME ";lr>\r\n"));
        assert_null(strstr(l.b.last, "Record-Route"));
        assert_string_equal(verdict(&l), ""); /* the S-CSCF has the word */
        lab_stop(&l);
        proves("AKA-001");
}

static void named_scscf_gets_the_request(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.uaa.h.result = dia_3gpp(CX_SUBSEQUENT_REGISTRATION);
        l.uaa.server_name = span_of(l.uri_b); /* not the one the pool prefers */
        l.b.answer = 401;
        assert_int_equal(do_register(&l), 401);
        assert_int_equal(l.b.requests, 1);
        assert_int_equal(l.a.requests, 0);
        l.b.answer = 200;
        assert_int_equal(do_register(&l), 200); /* asks again: nothing is kept */
        assert_int_equal(l.uars, 2);
        lab_stop(&l);
        proves("AKA-032");
}

static void identity_without_credentials(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME, FIELDS), 200);
        assert_string_equal(l.asked, "alice@" HOME " sip:alice@" HOME " visited.example");
        lab_stop(&l);
        proves("DIG-013");
}

static void kinds_of_registration(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.uaa_again = l.uaa;
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME,
                                 "To: <sip:alice@" HOME ">\r\nContact: *\r\nExpires: 0\r\n" AUTH),
                         200);
        assert_int_equal(l.uar_type_last, CX_DE_REGISTRATION_UAT);
        assert_string_equal(l.asked, "001@" HOME " sip:alice@" HOME " " HOME); /* no visited network given */
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME,
                                 "To: <sip:alice@" HOME ">\r\nContact: <sip:a@192.0.2.1;sos>\r\n" AUTH),
                         200);
        assert_int_equal(l.uar_type_last, CX_REGISTRATION_UAT);
        assert_true(l.uar_has_flags);
        lab_stop(&l);
}

static void refusals_of_the_hss(void **state)
{
        static const struct {
                struct dia_result result;
                int status;
                const char *cause;
        } rows[] = {
                {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 403, "user_unknown"},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITIES_DONT_MATCH}, 403, "identities_dont_match"},
                {{DIA_VENDOR_3GPP, CX_ERROR_ROAMING_NOT_ALLOWED}, 403, "roaming_not_allowed"},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_NOT_REGISTERED}, 403, "identity_not_registered"},
                {{0, DIA_AUTHORIZATION_REJECTED}, 403, "authorization_rejected"},
                {{0, DIA_UNABLE_TO_COMPLY}, 504, "hss_error"},
                {{0, DIA_UNABLE_TO_DELIVER}, 504, "hss_unreachable"},
                {{0, 5004}, 504, "hss_error"}, /* INVALID_AVP_VALUE: not roaming of the other space */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct lab l;

                lab_start(&l);
                l.uaa.h.result = rows[i].result;
                assert_int_equal(do_register(&l), rows[i].status);
                assert_string_equal(verdict(&l), rows[i].cause);
                assert_int_equal(l.a.requests + l.b.requests, 0);
                lab_stop(&l);
        }
}

static void nobody_has_the_capabilities(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.uaa.capabilities = (struct cx_capabilities){.present = true, .mandatory = {.v = {1, 9}, .n = 2}};
        assert_int_equal(do_register(&l), 600);
        assert_string_equal(verdict(&l), "no_scscf_matches");
        lab_stop(&l);
}

/* The chosen S-CSCF is silent, or says that it cannot serve: the HSS is asked for capabilities and the
 * other one gets the request. */
static void another_scscf_is_chosen(void **state)
{
        static const int answers[] = {-3, 480, 302, 503};

        (void)state;
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
                struct lab l;

                lab_start(&l);
                l.uaa.server_name = span_of(l.uri_a);
                l.uaa_again.server_name = span_of(l.uri_a); /* the HSS still names it */
                l.uaa_again.capabilities =
                        (struct cx_capabilities){.present = true, .mandatory = {.v = {1}, .n = 1}};
                l.a.answer = answers[i] > 0 ? answers[i] : 0;
                assert_int_equal(do_register(&l), 200);
                assert_int_equal(l.a.requests, 1);
                assert_int_equal(l.b.requests, 1);
                assert_int_equal(l.uars, 2);
                assert_int_equal(l.uar_type_last, CX_REGISTRATION_AND_CAPABILITIES);
                lab_stop(&l);
        }
}

static void no_scscf_is_left(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.a.answer = l.b.answer = 0; /* silent */
        assert_int_equal(do_register(&l), 504);
        assert_int_equal(l.a.requests, 1);
        assert_int_equal(l.b.requests, 1);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        lab_stop(&l);
}

/* All are there and full: the verdict says what they said. */
static void every_scscf_is_full(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.a.answer = l.b.answer = 503;
        assert_int_equal(do_register(&l), 504);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        assert_non_null(strstr(verdict_member(&l, "evidence"), "S-CSCFs tried: 2"));
        assert_non_null(strstr(verdict_member(&l, "evidence"), "it answers 503"));
        lab_stop(&l);
}

/* Nobody listens at the address: the ICMP or the refused connection is as good as no answer. */
static void scscf_is_down(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        node_stop(&l.a);
        assert_int_equal(do_register(&l), 200);
        assert_int_equal(l.b.requests, 1);
        lab_stop(&l);
}

static void silent_hss(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.hss_silent = true;
        assert_int_equal(do_register(&l), 504);
        assert_string_equal(verdict(&l), "hss_timeout");
        cx_answer_uaa(l.late, &l.uaa); /* too late: nobody listens */
        l.hss_silent = false;
        assert_int_equal(do_register(&l), 200);
        lab_stop(&l);
}

static void no_hss(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        dia_node_free(l.hss);
        l.hss = NULL;
        WAIT_FOR(&l.w, !dia_node_has_peer(l.ic.home.dia));
        assert_int_equal(do_register(&l), 504);
        assert_string_equal(verdict(&l), "hss_unreachable");
        lab_stop(&l);
}

static void wrong_network(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:other.example", FIELDS AUTH), 403);
        assert_string_equal(verdict(&l), "wrong_network");
        assert_int_equal(l.uars, 0);
        lab_stop(&l);
}

static void malformed_register(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME, "To: <mailto:x>\r\n" AUTH), 400);
        assert_string_equal(verdict(&l), "malformed");
        assert_int_equal(l.uars, 0);
        lab_stop(&l);
}

static void untrusted_source(void **state)
{
        struct lab l;

        (void)state;
        lab_start_with(&l, "trusted: [192.0.2.0/24]\n");
        assert_int_equal(do_register(&l), 403);
        assert_string_equal(verdict(&l), "untrusted_source");
        assert_int_equal(l.uars, 0);
        lab_stop(&l);
        lab_start_with(&l, "trusted: [\"127.0.0.1\"]\n");
        assert_int_equal(do_register(&l), 200);
        lab_stop(&l);
}

static void unknown_extension(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME, FIELDS AUTH "Proxy-Require: foo\r\n"), 420);
        assert_non_null(strstr(l.call.text, "\r\nUnsupported: foo\r\n"));
        lab_stop(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(capabilities_choose_the_scscf),
                cmocka_unit_test(named_scscf_gets_the_request),
                cmocka_unit_test(identity_without_credentials),
                cmocka_unit_test(kinds_of_registration),
                cmocka_unit_test(refusals_of_the_hss),
                cmocka_unit_test(nobody_has_the_capabilities),
                cmocka_unit_test(another_scscf_is_chosen),
                cmocka_unit_test(no_scscf_is_left),
                cmocka_unit_test(every_scscf_is_full),
                cmocka_unit_test(scscf_is_down),
                cmocka_unit_test(silent_hss),
                cmocka_unit_test(no_hss),
                cmocka_unit_test(wrong_network),
                cmocka_unit_test(malformed_register),
                cmocka_unit_test(untrusted_source),
                cmocka_unit_test(unknown_extension),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
