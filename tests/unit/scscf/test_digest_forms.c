/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest answers that are not as they should be, what the HSS must not send, and TLS. TS 33.203 N.2.1.1,
 * O.2.2, O.4.3, P.4; RFC 7616 3.4. */
#include "digest_fake.h"

/* Challenges p anew and answers with these parameters; "%s" in more is the right response. */
static void try_form(struct world *w, struct phone *p, const char *more, const char *response)
{
        phone_begins(w, p, (struct reg_text){.integrity = NULL});
        if (open_cx(w))
                give_sd_av(w, p);
        take_challenge(w, p);
        phone_answers(w, p, (struct reg_text){.more = more, .response = response});
        if (open_cx(w))
                give_profile(w, NULL);
}

static void malformed_answers(void **state)
{
        static const struct {
                const char *more, *why;
        } forms[] = {
                {"", "the qop parameter is missing"},
                {",algorithm=MD5,qop=auth-int,nc=00000001,cnonce=\"abc\"", "qop is not the offered auth"},
                {",algorithm=MD5,qop=auth,nc=00000001", "cnonce is missing"},
                {",algorithm=MD5,qop=auth,nc=00000001,cnonce=\"\"", "cnonce is missing"},
                {",algorithm=MD5,qop=auth,nc=1,cnonce=\"abc\"", "nc is not 8 hex digits"},
                {",algorithm=MD5,qop=auth,nc=00000000,cnonce=\"abc\"", "above 00000000"},
                {",algorithm=MD5,qop=auth,cnonce=\"abc\"", "nc is not 8 hex digits"},
        };
        struct world *w = *state;
        struct phone p = {0};

        for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
                try_form(w, &p, forms[i].more, NULL);
                expect(w, 400, VERDICT_REFUSED, CAUSE_malformed);
                assert_non_null(strstr(last_verdict(w)->evidence, forms[i].why));
        }
        try_form(w, &p, NULL, "0123");
        expect(w, 400, VERDICT_REFUSED, CAUSE_malformed);
        try_form(w, &p, ",algorithm=MD5,qop=auth,nc=00000001,cnonce=\"a\\\"c\"", NULL); /* escapes */
        expect(w, 400, VERDICT_REFUSED, CAUSE_malformed);
        /* the challenge is still there, and odd quotes are no reason: "auth" in quotes, an algorithm in
         * quotes */
        p.nc--;
        phone_answers(
                w, &p,
                (struct reg_text){.more = ",algorithm=\"MD5\",qop=\"auth\",nc=\"00000001\",cnonce=\"abc\""});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
}

static void weaker_and_other_algorithms(void **state)
{
        struct world *w = *state;
        struct phone p = {.algorithm = DIGEST_SHA256}, md5 = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        md5 = p;
        md5.algorithm = DIGEST_MD5;
        phone_answers(w, &md5, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_algorithm_differs);
        /* an answer that names none means MD5 */
        try_form(w, &p, ",qop=auth,nc=00000001,cnonce=\"abc\"", NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_algorithm_differs);
        try_form(w, &p, ",algorithm=SHA-256-sess,qop=auth,nc=00000001,cnonce=\"abc\"", NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_algorithm_differs);
        try_form(w, &p, ",algorithm=AKAv1-MD5,qop=auth,nc=00000001,cnonce=\"abc\"", NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_algorithm_differs);
}

static void right_password_wrongly_used(void **state)
{
        static const char *const texts[] = {"-sess", "without qop", "qop=auth-int", "over the Request-URI",
                                            "another method"};
        struct world *w = *state;

        for (size_t i = 0; i < 5; i++) {
                struct digest_input in = {.uri = SPAN("sip:" DOMAIN),
                                          .method = SPAN("REGISTER"),
                                          .qop = SPAN("auth"),
                                          .nc = SPAN("00000001"),
                                          .cnonce = SPAN("abc")};
                char ha1[DIGEST_HEX_MAX], sess[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
                struct phone p = {0};

                phone_begins(w, &p, (struct reg_text){.integrity = NULL});
                give_sd_av(w, &p);
                take_challenge(w, &p);
                assert_int_equal(digest_ha1(DIGEST_MD5, SPAN(IMPI), SPAN(DOMAIN), SPAN(PASSWORD), ha1), 0);
                assert_int_equal(digest_ha1(DIGEST_MD5, span_of(ha1), span_of(p.nonce), SPAN("abc"), sess),
                                 0);
                in.ha1 = span_of(i == 0 ? sess : ha1);
                in.nonce = span_of(p.nonce);
                if (i == 1)
                        in.qop = SPAN_NULL;
                else if (i == 2)
                        in.qop = SPAN("auth-int");
                else if (i == 3)
                        in.uri = SPAN(NAME);
                else if (i == 4)
                        in.method = SPAN("INVITE");
                assert_int_equal(digest_response(&in, response), 0);
                phone_answers(w, &p, (struct reg_text){.response = response});
                give_profile(w, NULL);
                expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
                assert_non_null(strstr(last_verdict(w)->evidence, "the password is right"));
                assert_non_null(strstr(last_verdict(w)->evidence, texts[i]));
        }
}

static void names_that_differ(void **state)
{
        struct world *w = *state;
        struct phone p = {.realm = "users.example"}, other = {0}, short_name = {.impi = "alice"};

        /* the realm is the HSS's choice; an answer for another one is none */
        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        memcpy(other.nonce, p.nonce, sizeof(other.nonce));
        other.cseq = p.cseq;
        phone_answers(w, &other, (struct reg_text){.integrity = NULL}); /* realm="DOMAIN" */
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_realm_differs);
        phone_begins(w, &short_name, (struct reg_text){.integrity = NULL});
        answer_maa(w, 0, dia_3gpp(CX_ERROR_USER_UNKNOWN), 0, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_user_unknown);
        assert_non_null(strstr(last_verdict(w)->evidence, "username has no domain"));
}

static void vectors_that_cannot_be_used(void **state)
{
        struct world *w = *state;
        char ha1[DIGEST_HEX_MAX];

        for (unsigned i = 0; i < 8; i++) {
                struct phone p = {0};
                struct cx_auth_item item;

                sd_item(&p, ha1, &item);
                if (i == 0)
                        item.digest.qop = SPAN("auth-int");
                else if (i == 1)
                        item.digest.ha1 = SPAN("00112233");
                else if (i == 2)
                        item.digest.algorithm = SPAN("SHA-256"); /* of MD5's length */
                else if (i == 3)
                        item.digest.algorithm = SPAN("AKAv1-MD5");
                else if (i == 4)
                        item.digest.realm = SPAN("a\"b");
                else if (i == 5)
                        item.scheme = SPAN(CX_SCHEME_NBA);
                else if (i == 6)
                        item.digest.present = false;
                phone_begins(w, &p, (struct reg_text){.integrity = NULL});
                give_sd_item(w, i == 7 ? NULL : &item);
                expect(w, 500, VERDICT_FAILED, CAUSE_hss_error);
                assert_null(strstr(last_verdict(w)->evidence, ha1));
                assert_int_equal(w->reg.store.users.n, 0);
        }
        proves("DIG-019 COEX-030");
}

static void uri_of_another_network(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        struct digest_input in = {.uri = SPAN("sip:elsewhere.example"),
                                  .method = SPAN("REGISTER"),
                                  .qop = SPAN("auth"),
                                  .nc = SPAN("00000001"),
                                  .cnonce = SPAN("abc")};
        char ha1[DIGEST_HEX_MAX];
        struct sip_request *rq;
        char response[DIGEST_HEX_MAX], *at;

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        assert_int_equal(digest_ha1(DIGEST_MD5, SPAN(IMPI), SPAN(DOMAIN), SPAN(PASSWORD), ha1), 0);
        in.ha1 = span_of(ha1);
        in.nonce = span_of(p.nonce);
        assert_int_equal(digest_response(&in, response), 0);
        /* reg_text has one uri: this one is put over it, with the room of a long domain */
        rq = phone_answer(w, &p, (struct reg_text){.response = response});
        at = strstr((char *)(uintptr_t)sip_msg_value(rq->msg, SIP_HDR_AUTHORIZATION).p,
                    "uri=\"sip:" DOMAIN "\"");
        assert_non_null(at);
        memset(at, ' ', strlen("uri=\"sip:" DOMAIN "\""));
        memcpy(at, "uri=\"sip:elsewhere.example\"", strlen("uri=\"sip:elsewhere.example\""));
        registrar_register(&w->reg, rq);
        expect(w, 400, VERDICT_REFUSED, CAUSE_uri_differs);
}

/* --- TLS ----------------------------------------------------------------------------------------- */

static void tls_pending_needs_a_digest(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = "tls-pending"});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p,
                      (struct reg_text){.integrity = "tls-pending",
                                        .response = "0123456789abcdef0123456789abcdef"});
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        p.nc = 0;
        memcpy(p.nonce, "AAAAAAAAAAAAAAAAAAAAAA==", 25); /* over a challenge that never was */
        phone_answers(w, &p, (struct reg_text){.integrity = "tls-pending"});
        give_sd_av(w, &p);
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = "tls-pending"});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        assert_non_null(strstr(last_verdict(w)->evidence, "tls-protected"));
        assert_true(reg_set_over_tls(impu_find(&w->reg.store, SPAN(ALICE))->set,
                                     user_find(&w->reg.store, SPAN(IMPI))));
        /* over TLS, and registered over TLS: another connection without an answer is asked all the same */
        phone_begins(w, &p, (struct reg_text){.integrity = "tls-pending"});
        take_challenge(w, &p);
        proves("TLS-021 TLS-025");
}

/* What the first REGISTER says of TLS counts for nothing; its answer tells (P.4.2). */
static void tls_is_what_the_answer_says(void **state)
{
        static const char *const says[] = {"tls-pending", NULL};
        struct world *w = *state;
        struct phone p = {0};

        for (size_t i = 0; i < 2; i++) {
                bool tls = says[1 - i] != NULL;

                phone_begins(w, &p, (struct reg_text){.integrity = says[i]});
                if (i == 0)
                        give_sd_av(w, &p);
                take_challenge(w, &p);
                phone_answers(w, &p, (struct reg_text){.integrity = says[1 - i]});
                give_profile(w, i == 0 ? PROFILE_ALICE : NULL);
                expect(w, 200, VERDICT_OK, i == 0 ? CAUSE_registered : CAUSE_refreshed);
                assert_int_equal(strstr(last_verdict(w)->evidence, "tls-protected") != NULL, tls);
                assert_int_equal(reg_set_over_tls(impu_find(&w->reg.store, SPAN(ALICE))->set,
                                                  user_find(&w->reg.store, SPAN(IMPI))),
                                 tls);
        }
        proves("COEX-032");
}

static void tls_yes_by_policy(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = "tls-yes"}); /* never registered: no use */
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = "tls-pending"});
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
        phone_begins(w, &p, (struct reg_text){.integrity = "tls-yes"});
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_null(reply_field(last_reply(w), SIP_HDR_AUTHENTICATION_INFO, 0));
        assert_non_null(strstr(last_verdict(w)->evidence, "tls-protected"));
        w->conf.digest.tls_yes = SCSCF_TLS_CHALLENGE;
        phone_begins(w, &p, (struct reg_text){.integrity = "tls-yes"});
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = "tls-yes"});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_non_null(reply_field(last_reply(w), SIP_HDR_AUTHENTICATION_INFO, 0));
        /* a P-CSCF nobody named cannot say it */
        w->conf.digest.tls_yes = SCSCF_TLS_ACCEPT;
        w->conf.trusted.n = 0;
        phone_begins(w, &p, (struct reg_text){.integrity = "tls-yes"});
        take_challenge(w, &p);
        proves("TLS-046");
}

static void tls_registration_without_the_indicator(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = "tls-pending"});
        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = "tls-pending"});
        give_profile(w, NULL);
        assert_int_equal(last_reply(w)->status, 200);
        /* its nonce is good, but only over TLS */
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        assert_non_null(strstr(last_verdict(w)->evidence, "registered over TLS"));
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_null(strstr(last_verdict(w)->evidence, "tls-protected"));
        proves("TLS-047");
}

static void the_operator_wants_it_anew(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        struct buf status = BUF_INIT;

        assert_int_equal(registrar_reauthenticate(&w->reg, SPAN(IMPI)), -IMS_ENOTFOUND);
        phone_attach(w, &p, (struct reg_text){.integrity = "tls-pending"});
        assert_int_equal(registrar_reauthenticate(&w->reg, SPAN(IMPI)), 0);
        registrar_status(&w->reg, SPAN(IMPI), &status);
        assert_true(span_find(buf_as_span(&status), SPAN("\"reauthenticate\":true")) > 0);
        assert_true(span_find(buf_as_span(&status), SPAN("\"tls_protected\":true")) > 0);
        assert_true(span_find(buf_as_span(&status), SPAN("\"passwords\":1")) > 0);
        buf_free(&status);
        phone_answers(w, &p,
                      (struct reg_text){.integrity = "tls-yes"}); /* neither policy nor a good nonce helps */
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        assert_non_null(strstr(last_verdict(w)->evidence, "re-authentication"));
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = "tls-yes"});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        phone_begins(w, &p, (struct reg_text){.integrity = "tls-yes"});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        proves("DIG-060 TLS-021");
}

/* --- other schemes ------------------------------------------------------------------------------- */

/* A SIM without a security mechanism, where AKA may go unprotected: the HSS knows no password. */
static void sim_that_does_not_say_so(void **state)
{
        struct world *w = *state;

        world_register(w, &(struct reg_text){.integrity = NULL});
        assert_string_equal(last_cx(w)->scheme, "Unknown");
        answer_maa(w, 0, dia_3gpp(CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED), 0, 0);
        assert_string_equal(last_cx(w)->scheme, "Digest-AKAv1-MD5");
        give_vectors(w, 1, 1);
        assert_non_null(strstr(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), "AKAv1-MD5"));
        world_answer(w, 1, (struct reg_text){.integrity = "no", .cseq = 2});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        w->conf.unprotected_response = SCSCF_REFUSE;
        world_register(w, &(struct reg_text){.integrity = NULL, .impi = "other@" DOMAIN, .call_id = "x"});
        answer_maa(w, 0, dia_3gpp(CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED), 0, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_scheme_not_possible);
}

/* H(A1) and a good nonce are there, but that the IMPU belongs to the IMPI only the HSS knows. */
static void further_identity(void **state)
{
        struct world *w = *state;
        const struct reg_text bob = {.impu = "sip:bob@" DOMAIN, .call_id = "bob"};
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        phone_answers(w, &p, bob);
        assert_false(last_cx(w)->is_sar);
        assert_string_equal(last_cx(w)->impu, "sip:bob@" DOMAIN);
        answer_maa(w, 0, dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH), 0, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_identities_dont_match);
        assert_true(is_registered(w, ALICE));
        phone_begins(w, &p, bob);
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.call_id = "bob"}); /* the challenge was for bob */
        expect(w, 403, VERDICT_REFUSED, CAUSE_identities_dont_match);
        phone_answers(w, &p, bob);
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        give_profile(w, PROFILE_HEAD "<ServiceProfile><PublicIdentity><Identity>sip:bob@" DOMAIN
                                     "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>");
        expect(w, 200, VERDICT_OK, CAUSE_registered);
}

static void schemes_side_by_side(void **state)
{
        struct world *w = *state;
        struct phone p = {.impi = "alice_home@" DOMAIN};
        struct reg_text home = {.contact = "Contact: <sip:alice@192.0.2.77>\r\n", .call_id = "home"};

        world_attach(w, 1, 1); /* the SIM */
        home.impi = p.impi;
        phone_begins(w, &p, home);
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, home);
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        assert_int_equal(w->reg.store.n_contacts, 2);
        assert_int_equal(w->reg.store.n_sets, 1);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 9});
        give_vectors(w, 2, 1);
        assert_non_null(strstr(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), "AKAv1-MD5"));
        home.integrity = "no"; /* the scheme of a registration stays */
        phone_begins(w, &p, home);
        expect(w, 403, VERDICT_REFUSED, CAUSE_scheme_not_supported);
        home.integrity = NULL;
        phone_begins(w, &p, home);
        take_challenge(w, &p);
        assert_null(strstr(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), "ik="));
        proves("PC-005 COEX-022");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(malformed_answers),
                TEST(weaker_and_other_algorithms),
                TEST(right_password_wrongly_used),
                TEST(names_that_differ),
                TEST(vectors_that_cannot_be_used),
                TEST(uri_of_another_network),
                TEST(tls_pending_needs_a_digest),
                TEST(tls_is_what_the_answer_says),
                TEST(tls_yes_by_policy),
                TEST(tls_registration_without_the_indicator),
                TEST(the_operator_wants_it_anew),
                TEST(sim_that_does_not_say_so),
                TEST(further_identity),
                TEST(schemes_side_by_side),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
