/* SPDX-License-Identifier: BSD-3-Clause
 * What goes wrong: TS 33.203 6.1.2 and 6.1.3 in full, errors of the HSS, malformed and foreign requests.
 * Nothing of it registers anybody, nothing of it de-registers a registered user. */
#include "reg_fake.h"

/* A final answer without anything a UE could answer (AKA-047). */
static void no_security_parameters(const struct world *w)
{
        const struct fake_reply *r = last_reply(w);

        assert_true(r->status >= 400 && r->status < 500);
        assert_null(reply_field(r, SIP_HDR_WWW_AUTHENTICATE, 0));
        assert_null(reply_field(r, SIP_HDR_AUTHENTICATION_INFO, 0));
        for (size_t i = 0; i < r->n; i++)
                assert_null(strstr(r->value[i], "nonce"));
}

static void challenge(struct world *w, unsigned k, unsigned cseq)
{
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = cseq});
        give_vectors(w, k, 1);
        assert_int_equal(last_reply(w)->status, 401);
}

static void released(struct world *w, uint32_t sat)
{
        assert_true(last_cx(w)->is_sar);
        assert_int_equal(last_cx(w)->sat, sat);
        assert_string_equal(last_cx(w)->impu, ALICE);
        give_profile(w, NULL);
}

static const char wrong[] = "00000000000000000000000000000000";

static void wrong_response(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .response = wrong});
        assert_int_equal(w->n_replies, 1);
        released(w, CX_SAT_AUTHENTICATION_FAILURE);
        expect(w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
        assert_null(strstr(last_verdict(w)->evidence, wrong)); /* a response is derived from RES */
        no_security_parameters(w);
        assert_false(is_registered(w, ALICE));
        assert_int_equal(w->reg.store.users.n, 0);
        assert_int_equal(world_timers(w), 0);
        /* the right answer comes too late: the challenge is used up */
        world_answer(w, 1, (struct reg_text){.cseq = 3});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        proves("AKA-033 AKA-043 AKA-045 AKA-047");
}

static void wrong_response_of_a_registered_user(void **state)
{
        struct world *w = *state;
        size_t asked;

        world_attach(w, 1, 1);
        challenge(w, 2, 3);
        asked = w->n_cx;
        world_answer(w, 2, (struct reg_text){.cseq = 4, .response = wrong});
        assert_int_equal(w->n_cx, asked); /* the flag is not touched */
        expect(w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
        no_security_parameters(w);
        assert_true(is_registered(w, ALICE));
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 5});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        proves("AKA-041 AKA-046 AKA-047");
}

static void wrong_response_to_a_deregistration(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 3, .headers = "Expires: 0\r\n"});
        give_vectors(w, 2, 1);
        world_answer(w, 2, (struct reg_text){.cseq = 4, .response = wrong, .headers = "Expires: 0\r\n"});
        expect(w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
        assert_true(is_registered(w, ALICE));
        assert_int_equal(open_cx(w), 0);
        proves("AKA-041");
}

static void malformed_response(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .more = ",qop=auth"});
        expect(w, 400, VERDICT_REFUSED, CAUSE_malformed);
        assert_int_equal(open_cx(w), 0);
        world_answer(w, 1, (struct reg_text){.cseq = 3}); /* the challenge is still pending */
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
}

static void mac_failure(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .response = "", .more = "", .integrity = "no"});
        released(w, CX_SAT_AUTHENTICATION_FAILURE);
        expect(w, 403, VERDICT_REFUSED, CAUSE_mac_mismatch);
        no_security_parameters(w);
        assert_int_equal(w->reg.store.users.n, 0);
        proves("AKA-045 AKA-047");
}

/* AUTN was spoiled on its way: the report repeats the spoiled nonce. */
static void mac_failure_with_another_nonce(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_register(w, &(struct reg_text){.cseq = 2, .nonce = "c3BvaWxlZA==", .integrity = "no"});
        released(w, CX_SAT_AUTHENTICATION_FAILURE);
        expect(w, 403, VERDICT_REFUSED, CAUSE_mac_mismatch);
        /* a REGISTER that starts anew is none, and neither is one of another call */
        challenge(w, 2, 3);
        world_register(w, &(struct reg_text){.cseq = 4, .integrity = "no"});
        give_vectors(w, 3, 1);
        world_register(w, &(struct reg_text){.call_id = "x", .nonce = "c3BvaWxlZA==", .integrity = "no"});
        give_vectors(w, 4, 1);
        assert_int_equal(last_reply(w)->status, 401);
}

static void mac_failure_of_a_registered_user(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        challenge(w, 2, 3);
        world_answer(w, 2, (struct reg_text){.cseq = 4, .response = "", .more = ""});
        expect(w, 403, VERDICT_REFUSED, CAUSE_mac_mismatch);
        assert_int_equal(open_cx(w), 0);
        assert_true(is_registered(w, ALICE));
        proves("AKA-041 AKA-046");
}

static void superseded(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        challenge(w, 2, 2);
        world_answer(w, 1, (struct reg_text){.cseq = 3});
        expect(w, 403, VERDICT_REFUSED, CAUSE_challenge_superseded);
        assert_false(is_registered(w, ALICE));
        assert_int_equal(open_cx(w), 0);
        world_answer(w, 2, (struct reg_text){.cseq = 4}); /* the newer one is untouched */
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        proves("AKA-048 AKA-049");
}

static void superseded_for_a_registered_user(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        challenge(w, 2, 3);
        challenge(w, 3, 4);
        world_answer(w, 2, (struct reg_text){.cseq = 5}); /* marked protected */
        expect(w, 403, VERDICT_REFUSED, CAUSE_challenge_superseded);
        assert_int_equal(open_cx(w), 0);
        assert_true(is_registered(w, ALICE));
}

static void no_answer(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_sleep(w, 239999);
        assert_int_equal(w->n_verdicts, 0);
        world_sleep(w, 1);
        assert_int_equal(last_verdict(w)->cause, CAUSE_challenge_timeout);
        assert_int_equal(last_verdict(w)->outcome, VERDICT_FAILED);
        assert_string_equal(last_verdict(w)->impi, IMPI);
        released(w, CX_SAT_AUTHENTICATION_TIMEOUT);
        assert_int_equal(w->n_verdicts, 1);
        assert_int_equal(w->reg.store.users.n, 0);
        /* a late answer draws a new challenge */
        world_answer(w, 1, (struct reg_text){.cseq = 2});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        proves("AKA-050");
}

static void no_answer_of_a_registered_user(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        challenge(w, 2, 3);
        world_sleep(w, 240000);
        assert_int_equal(last_verdict(w)->cause, CAUSE_challenge_timeout);
        assert_int_equal(open_cx(w), 0);
        assert_true(is_registered(w, ALICE));
        proves("AKA-041");
}

static void register_while_the_timeout_is_reported(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_sleep(w, 240000);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 2});
        assert_int_equal(open_cx(w), 1); /* one after the other */
        released(w, CX_SAT_AUTHENTICATION_TIMEOUT);
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
}

/* --- synchronisation ----------------------------------------------------------------------------- */

/* --- HSS ----------------------------------------------------------------------------------------- */
static void errors_of_mar(void **state)
{
        static const struct {
                struct dia_result result;
                int err, status;
                enum verdict_outcome outcome;
                enum verdict_cause cause;
        } rows[] = {
                {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 0, 403, VERDICT_REFUSED, CAUSE_user_unknown},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITIES_DONT_MATCH},
                 0,
                 403,
                 VERDICT_REFUSED,
                 CAUSE_identities_dont_match},
                {{DIA_VENDOR_3GPP, CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED},
                 0,
                 403,
                 VERDICT_REFUSED,
                 CAUSE_scheme_not_possible},
                {{0, DIA_AUTHORIZATION_REJECTED}, 0, 403, VERDICT_REFUSED, CAUSE_authorization_rejected},
                /* the same numbers in the base space are other things */
                {{0, CX_ERROR_USER_UNKNOWN}, 0, 500, VERDICT_FAILED, CAUSE_hss_error},
                {{0, DIA_MISSING_AVP}, 0, 500, VERDICT_FAILED, CAUSE_hss_error},
                {{0, DIA_UNABLE_TO_DELIVER}, 0, 504, VERDICT_FAILED, CAUSE_hss_unreachable},
                {{0, DIA_TOO_BUSY}, 0, 503, VERDICT_FAILED, CAUSE_hss_error},
                {{0, DIA_UNABLE_TO_COMPLY}, 0, 500, VERDICT_FAILED, CAUSE_hss_error},
                {{0, DIA_SUCCESS}, 0, 500, VERDICT_FAILED, CAUSE_hss_error}, /* no vector */
                {{0, 0}, -IMS_ETIMEOUT, 504, VERDICT_FAILED, CAUSE_hss_timeout},
                {{0, 0}, -IMS_EUNREACH, 504, VERDICT_FAILED, CAUSE_hss_unreachable},
                {{0, 0}, -IMS_EPROTO, 500, VERDICT_FAILED, CAUSE_hss_error},
        };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                world_register(w, &(struct reg_text){.integrity = "no", .cseq = (unsigned)i + 1});
                answer_maa(w, rows[i].err, rows[i].result, 0, 0);
                expect(w, rows[i].status, rows[i].outcome, rows[i].cause);
                assert_true(strlen(last_verdict(w)->evidence) > 0);
                assert_int_equal(w->reg.store.users.n, 0);
                assert_int_equal(open_cx(w), 0);
        }
        w->cx_error = -IMS_EUNREACH; /* not even sent */
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 50});
        expect(w, 504, VERDICT_FAILED, CAUSE_hss_unreachable);
        assert_int_equal(w->reg.store.users.n, 0);
}

static void errors_of_sar(void **state)
{
        static const struct {
                struct dia_result result;
                int err, status;
                enum verdict_outcome outcome;
                enum verdict_cause cause;
        } rows[] = {
                {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 0, 403, VERDICT_REFUSED, CAUSE_user_unknown},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_ALREADY_REGISTERED},
                 0,
                 403,
                 VERDICT_REFUSED,
                 CAUSE_already_registered_elsewhere},
                {{DIA_VENDOR_3GPP, CX_ERROR_IN_ASSIGNMENT_TYPE}, 0, 500, VERDICT_FAILED, CAUSE_hss_error},
                {{0, DIA_UNABLE_TO_COMPLY}, 0, 500, VERDICT_FAILED, CAUSE_hss_error},
                {{0, 0}, -IMS_ETIMEOUT, 504, VERDICT_FAILED, CAUSE_hss_timeout},
        };
        struct world *w = *state;
        unsigned k = 1;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++, k++) {
                challenge(w, k, 2 * k);
                world_answer(w, k, (struct reg_text){.cseq = 2 * k + 1});
                answer_saa(w, rows[i].err, rows[i].result, NULL);
                expect(w, rows[i].status, rows[i].outcome, rows[i].cause);
                assert_false(is_registered(w, ALICE));
                assert_int_equal(w->reg.store.users.n, 0);
        }
        world_attach(w, 40, 100); /* works again */
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 102});
        answer_saa(w, -IMS_ETIMEOUT, (struct dia_result){0}, NULL);
        expect(w, 504, VERDICT_FAILED, CAUSE_hss_timeout);
        assert_true(is_registered(w, ALICE));
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 103, .headers = "Expires: 0\r\n"});
        answer_saa(w, -IMS_ETIMEOUT, (struct dia_result){0}, NULL);
        expect(w, 504, VERDICT_FAILED, CAUSE_hss_timeout);
        assert_true(is_registered(w, ALICE));
}

/* The HSS that answered is preferred from then on, until another one answers in its place. */
static void the_hss_that_answers_is_preferred(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 3});
        assert_string_equal(last_cx(w)->host, "hss." DOMAIN);
        assert_true(last_cx(w)->host_preferred);
        w->hss = "hss2." DOMAIN;
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        world_answer(w, 2, (struct reg_text){.cseq = 4});
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        assert_string_equal(last_cx(w)->host, "hss2." DOMAIN);
        assert_true(last_cx(w)->host_preferred);
        answer_saa(w, -IMS_EUNREACH, (struct dia_result){0}, NULL);
        expect(w, 504, VERDICT_FAILED, CAUSE_hss_unreachable);
}

static void unusable_vectors(void **state)
{
        struct world *w = *state;
        struct cx_maa *a = calloc(1, sizeof(*a));
        struct fake_cx *c;
        char octets[96];
        void *arg;

        world_register(w, &(struct reg_text){.integrity = "no"});
        c = &w->cx[w->n_cx - 1];
        fake_item(1, octets, &a->items[0]);
        a->items[0].ck.n = 8;
        a->n = 1;
        a->h.result = dia_base(DIA_SUCCESS);
        arg = c->arg;
        c->arg = NULL;
        c->maa(0, a, arg);
        free(a);
        expect(w, 500, VERDICT_FAILED, CAUSE_hss_error);
        assert_non_null(strstr(last_verdict(w)->evidence, "CK"));
        proves("AKA-042");
}

static void unusable_profiles(void **state)
{
        static const char *const bad[] = {
                "no xml",
                NULL,
                PROFILE_HEAD "<ServiceProfile><PublicIdentity><Identity>sip:other@" DOMAIN
                             "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>",
        };
        struct world *w = *state;

        for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                challenge(w, 1 + i, 1 + 2 * i);
                world_answer(w, 1 + i, (struct reg_text){.cseq = 2 + 2 * i});
                give_profile(w, bad[i]);
                released(w, CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
                expect(w, 500, VERDICT_FAILED, CAUSE_profile_unusable);
                assert_false(is_registered(w, ALICE));
                assert_int_equal(w->reg.store.users.n, 0);
        }
}

/* --- requests ------------------------------------------------------------------------------------ */

static void interval_too_brief(void **state)
{
        struct world *w = *state;

        world_register(w, &(struct reg_text){.integrity = "no", .headers = "Expires: 59\r\n"});
        expect(w, 423, VERDICT_REFUSED, CAUSE_interval_too_brief);
        assert_string_equal(reply_field(last_reply(w), SIP_HDR_MIN_EXPIRES, 0), "60");
        assert_int_equal(w->n_cx, 0);
        world_register(w, &(struct reg_text){.integrity = "no", .headers = "Expires: 60\r\n"});
        assert_int_equal(w->n_cx, 1);
        give_vectors(w, 1, 1);
}

static void refused_at_once(void **state)
{
        static const struct {
                struct reg_text t;
                int status;
                enum verdict_cause cause;
        } rows[] = {
                {{.integrity = "no", .impu = "sip:alice@example.org"}, 403, CAUSE_wrong_network},
                {{.integrity = "no", .impi = ""}, 400, CAUSE_malformed},
                {{.integrity = "no", .more = ",nonce=\"again\""}, 400, CAUSE_malformed},
                {{.integrity = "no", .contact = "Contact: <tel:+1>\r\n"}, 400, CAUSE_malformed},
                {{.integrity = "no", .contact = "Contact: *\r\n"}, 400, CAUSE_malformed},
                {{.integrity = "no", .headers = "Require: gruu\r\n"}, 420, CAUSE_bad_extension},
                {{.integrity = "no", .headers = "Authorization: Digest username=\"b\"\r\n"},
                 400,
                 CAUSE_malformed},
                {{.integrity = "no", .contact = "Contact: <sip:1@h>,<sip:2@h>,<sip:3@h>,<sip:4@h>\r\n"},
                 403,
                 CAUSE_too_many_contacts},
        };
        struct world *w = *state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                world_register(w, &rows[i].t);
                expect(w, rows[i].status, VERDICT_REFUSED, rows[i].cause);
                assert_int_equal(w->n_cx, 0);
                assert_int_equal(w->reg.store.users.n, 0);
        }
        assert_null(reply_field(last_reply(w), SIP_HDR_MIN_EXPIRES, 0));
}

/* Credentials of a scheme that nobody knows count as none (RFC 3261 22.1, RFC 4475 3.3.7). */
static void credentials_of_another_scheme(void **state)
{
        struct world *w = *state;

        world_register(w,
                       &(struct reg_text){.integrity = "no", .headers = "Authorization: Basic YWJj==\r\n"});
        assert_int_equal(w->n_cx, 1); /* those beside it count */
        give_vectors(w, 1, 1);
}

static void out_of_order(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 10);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 11});
        expect(w, 500, VERDICT_REFUSED, CAUSE_out_of_order);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 5, .headers = "Expires: 0\r\n"});
        expect(w, 500, VERDICT_REFUSED, CAUSE_out_of_order);
        assert_true(is_registered(w, ALICE));
}

static void unprotected_response_by_policy(void **state)
{
        struct world *w = *state;

        w->conf.unprotected_response = SCSCF_REFUSE;
        challenge(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .integrity = "no"});
        expect(w, 403, VERDICT_REFUSED, CAUSE_not_integrity_protected);
        assert_int_equal(open_cx(w), 0);
        world_answer(w, 1, (struct reg_text){.cseq = 3});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
}

#define MALLORY "mallory@" DOMAIN

/* PC-021: an IMPI of its own does not open somebody else's IMPU, neither before nor after authentication. */
static void foreign_user(void **state)
{
        struct world *w = *state;
        static const char mallory[] = "sip:mallory@" DOMAIN;

        world_attach(w, 1, 1);
        world_register(w,
                       &(struct reg_text){.integrity = "no", .impi = MALLORY, .headers = "Expires: 0\r\n"});
        answer_maa(w, 0, dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH), 0, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_identities_dont_match);
        /* challenged for its own IMPU, answered for the victim's */
        w->conf.vectors = 3;
        world_register(w, &(struct reg_text){.integrity = "no", .impi = MALLORY, .impu = mallory});
        give_vectors(w, 2, 3);
        world_answer(w, 2,
                     (struct reg_text){.impi = MALLORY,
                                       .cseq = 2,
                                       .contact = "Contact: *\r\n",
                                       .headers = "Expires: 0\r\n"});
        expect(w, 403, VERDICT_REFUSED, CAUSE_identities_dont_match);
        assert_int_equal(open_cx(w), 0);
        /* vectors in stock are no way around the HSS either */
        world_register(w, &(struct reg_text){.integrity = "no", .impi = MALLORY, .cseq = 4});
        assert_string_equal(last_cx(w)->impu, ALICE);
        answer_maa(w, 0, dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH), 0, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_identities_dont_match);
        assert_true(is_registered(w, ALICE));
        assert_int_equal(w->reg.store.n_contacts, 1);
        proves("PC-021");
}

/* Two IMPIs share an IMPU: each ends its own bindings only. */
static void shared_impu(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "no",
                                             .impi = MALLORY,
                                             .call_id = "m",
                                             .contact = "Contact: <sip:m@h>\r\n"});
        give_vectors(w, 2, 1);
        world_answer(
                w, 2,
                (struct reg_text){
                        .impi = MALLORY, .call_id = "m", .cseq = 2, .contact = "Contact: <sip:m@h>\r\n"});
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION); /* for this pair it is the first */
        give_profile(w, NULL);
        assert_int_equal(last_reply(w)->status, 200);
        assert_int_equal(w->reg.store.n_contacts, 2);
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .impi = MALLORY,
                                             .call_id = "m",
                                             .cseq = 3,
                                             .contact = "Contact: *\r\n",
                                             .headers = "Expires: 0\r\n"});
        assert_int_equal(last_cx(w)->sat, CX_SAT_USER_DEREGISTRATION);
        assert_string_equal(last_cx(w)->impi, MALLORY);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_deregistered);
        assert_true(is_registered(w, ALICE));
        assert_int_equal(w->reg.store.n_contacts, 1);
        assert_int_equal(w->reg.store.users.n, 1);
        proves("PC-021");
}

/* Two IMPIs ask for the last places of a set while the HSS thinks: the bound holds. */
static void shared_impu_at_once(void **state)
{
        static const char two[] = "Contact: <sip:a@h1>, <sip:a@h2>\r\n", more[] = "Contact: <sip:m@h1>, "
                                                                                  "<sip:m@h2>\r\n";
        struct world *w = *state;

        world_register(w, &(struct reg_text){.integrity = "no", .contact = two});
        give_vectors(w, 1, 1);
        world_register(
                w, &(struct reg_text){.integrity = "no", .impi = MALLORY, .call_id = "m", .contact = more});
        give_vectors(w, 2, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .contact = two});
        world_answer(w, 2, (struct reg_text){.impi = MALLORY, .call_id = "m", .cseq = 2, .contact = more});
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(w->reg.store.n_contacts, 2);
        assert_int_equal(last_cx(w)->sat, CX_SAT_ADMINISTRATIVE_DEREGISTRATION); /* the HSS had agreed */
        assert_string_equal(last_cx(w)->impi, MALLORY);
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_too_many_contacts);
        assert_int_equal(w->reg.store.n_contacts, 2);
        assert_int_equal(w->reg.store.users.n, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(wrong_response),
                T(wrong_response_of_a_registered_user),
                T(wrong_response_to_a_deregistration),
                T(malformed_response),
                T(mac_failure),
                T(mac_failure_with_another_nonce),
                T(mac_failure_of_a_registered_user),
                T(superseded),
                T(superseded_for_a_registered_user),
                T(no_answer),
                T(no_answer_of_a_registered_user),
                T(register_while_the_timeout_is_reported),
                T(errors_of_mar),
                T(errors_of_sar),
                T(the_hss_that_answers_is_preferred),
                T(unusable_vectors),
                T(unusable_profiles),
                T(interval_too_brief),
                T(refused_at_once),
                T(credentials_of_another_scheme),
                T(out_of_order),
                T(unprotected_response_by_policy),
                T(foreign_user),
                T(shared_impu),
                T(shared_impu_at_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
