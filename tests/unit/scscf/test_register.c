/* SPDX-License-Identifier: BSD-3-Clause
 * Registrations that succeed: challenge, 200, refresh, further IMPU, several contacts, de-registration,
 * expiry. TS 33.203 6.1.1, TS 24.229 5.4.1.2 to 5.4.1.5. */
#include "reg_fake.h"

static void first_challenge(void **state)
{
        struct world *w = *state;
        struct reg_text t = {.integrity = "no"};
        const char *www;

        w->conf.vectors = 3;
        world_register(w, &t);
        assert_int_equal(w->n_replies, 0);
        assert_int_equal(w->n_cx, 1);
        assert_false(last_cx(w)->is_sar);
        assert_string_equal(last_cx(w)->impi, IMPI);
        assert_string_equal(last_cx(w)->impu, ALICE);
        assert_string_equal(last_cx(w)->server, NAME);
        assert_string_equal(last_cx(w)->scheme, "Digest-AKAv1-MD5");
        assert_string_equal(last_cx(w)->host, "");
        assert_int_equal(last_cx(w)->n_items, 3);
        assert_int_equal(last_cx(w)->rand_auts_n, 0);
        give_vectors(w, 1, 3);
        assert_int_equal(last_reply(w)->status, 401);
        assert_int_equal(w->n_verdicts, 0); /* nothing has ended yet */
        www = reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0);
        assert_non_null(www);
        assert_non_null(strstr(www, "nonce=\"AQEBAQEBAQEBAQEBAQEBAWVlZWVlZWVlZWVlZWVlZWU=\""));
        assert_non_null(strstr(www, "ik=\"04040404040404040404040404040404\""));
        assert_non_null(strstr(www, "ck=\"03030303030303030303030303030303\""));
        assert_int_equal(world_timers(w), 1);
        proves("AKA-004 AKA-008 AKA-021 AKA-025 AKA-026 COEX-023 PC-007");
}

static void success(void **state)
{
        struct world *w = *state;
        const struct fake_reply *r;

        world_register(w, &(struct reg_text){.integrity = "no"});
        give_vectors(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .headers = "Expires: 600000\r\n"});
        assert_int_equal(w->n_cx, 2);
        assert_true(last_cx(w)->is_sar);
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        assert_int_equal(last_cx(w)->n_impus, 1);
        assert_int_equal(last_cx(w)->available, 0);
        assert_int_equal(last_cx(w)->n_info, 1);
        assert_true(last_cx(w)->features);
        assert_string_equal(last_cx(w)->host, "hss." DOMAIN);
        assert_int_equal(w->n_replies, 1);
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        assert_int_equal(last_verdict(w)->procedure, VERDICT_REGISTRATION);
        r = last_reply(w);
        assert_string_equal(
                reply_field(r, SIP_HDR_CONTACT, 0),
                "<sip:alice@192.0.2.10:31061>;+sip.instance=\"<urn:gsma:imei:1>\";expires=600000");
        assert_null(reply_field(r, SIP_HDR_CONTACT, 1));
        assert_string_equal(reply_field(r, SIP_HDR_PATH, 0), "<sip:term@pcscf." DOMAIN ":5060;lr>");
        assert_string_equal(reply_field(r, SIP_HDR_P_ASSOCIATED_URI, 0), "<" ALICE ">, <" TEL ">");
        assert_non_null(
                strstr(reply_field(r, SIP_HDR_SERVICE_ROUTE, 0), "<sip:orig@scscf." DOMAIN ":6060;lr;s="));
        assert_string_equal(reply_field(r, SIP_HDR_P_CHARGING_VECTOR, 0),
                            "icid-value=\"i1\";orig-ioi=\"Type 1visited\";term-ioi=\"Type 1" DOMAIN "\"");
        assert_string_equal(reply_field(r, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES, 0),
                            "ccf=ccf1." DOMAIN ";ccf=\"aaa://ccf2." DOMAIN ":3868\"");
        assert_null(reply_field(r, SIP_HDR_DATE, 0));
        assert_null(reply_field(r, SIP_HDR_WWW_AUTHENTICATE, 0));
        /* The whole implicit set is registered, the barred identity too. */
        assert_true(is_registered(w, ALICE) && is_registered(w, TEL) && is_registered(w, "sip:temp@" DOMAIN));
        assert_ptr_equal(impu_find(&w->reg.store, SPAN(TEL))->set,
                         impu_find(&w->reg.store, SPAN(ALICE))->set);
        assert_true(impu_find(&w->reg.store, SPAN("sip:temp@" DOMAIN))->barred);
        proves("AKA-002 AKA-033 AKA-034 AKA-037 AKA-038 PC-003");
}

static void visited_network_gets_no_charging_addresses(void **state)
{
        struct world *w = *state;
        const char *visited = "P-Visited-Network-ID: \"visited.example\"\r\n";

        world_register(w, &(struct reg_text){.integrity = "no", .headers = visited});
        give_vectors(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .headers = visited});
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
        assert_null(reply_field(last_reply(w), SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES, 0));
}

static void registered_user_is_challenged_when_unprotected(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 3});
        assert_int_equal(open_cx(w), 1); /* MAR alone: the flag is left alone */
        assert_false(last_cx(w)->is_sar);
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        assert_true(is_registered(w, ALICE));
        world_answer(w, 2, (struct reg_text){.cseq = 4});
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        assert_int_equal(last_cx(w)->available, 1);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_int_equal(w->reg.store.n_contacts, 1);
        proves("AKA-005 AKA-018 AKA-035");
}

static void profile_is_asked_again_when_not_kept(void **state)
{
        struct world *w = *state;

        w->conf.keep_profile = false;
        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 3});
        assert_int_equal(last_cx(w)->available, 0);
        give_profile(w, PROFILE_HEAD "<ServiceProfile><PublicIdentity><Identity>" ALICE
                                     "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>");
        assert_int_equal(last_reply(w)->status, 200);
        assert_string_equal(reply_field(last_reply(w), SIP_HDR_P_ASSOCIATED_URI, 0), "<" ALICE ">");
        assert_false(is_registered(w, TEL));
        assert_int_equal(w->reg.store.n_contacts, 1);
}

static void protected_refresh(void **state)
{
        struct world *w = *state;
        struct answer_text a;
        uint64_t before;

        world_attach(w, 1, 1);
        before = registrar_contact(impu_find(&w->reg.store, SPAN(TEL))->set, 0)->ends_ms;
        world_sleep(w, 100000);
        make_answer(1, IMPI, &a); /* a UE repeats its last credentials */
        world_register(w, &(struct reg_text){
                                  .integrity = "yes", .cseq = 3, .nonce = a.nonce, .response = a.response});
        assert_true(last_cx(w)->is_sar);
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        /* the refresh counts for every identity of the set */
        assert_int_equal(registrar_contact(impu_find(&w->reg.store, SPAN(TEL))->set, 0)->ends_ms,
                         before + 100000);
        w->conf.reauthenticate = SCSCF_ALWAYS;
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 4});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        proves("AKA-006 AKA-040");
}

#define BOB "sip:bob@" DOMAIN
#define PROFILE_BOB                                                                                          \
        PROFILE_HEAD "<ServiceProfile><PublicIdentity><Identity>" BOB                                        \
                     "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>"

static void further_impu(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "yes", .impu = BOB, .call_id = "bob-1"});
        assert_false(last_cx(w)->is_sar);
        assert_string_equal(last_cx(w)->impu, BOB);
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        world_answer(w, 2, (struct reg_text){.impu = BOB, .call_id = "bob-1", .cseq = 2});
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        give_profile(w, PROFILE_BOB);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        w->conf.reauthenticate_new_impu = SCSCF_NEVER;
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .impu = BOB,
                                             .call_id = "bob-1",
                                             .cseq = 3,
                                             .headers = "Expires: 0\r\n"});
        assert_int_equal(last_cx(w)->sat, CX_SAT_USER_DEREGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_deregistered);
        assert_true(is_registered(w, ALICE));
        world_register(w, &(struct reg_text){.integrity = "yes", .impu = BOB, .call_id = "bob-1", .cseq = 4});
        assert_true(last_cx(w)->is_sar);
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        give_profile(w, PROFILE_BOB);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        assert_true(is_registered(w, ALICE) && is_registered(w, BOB));
        proves("AKA-013");
}

static void vectors_are_used_in_order_and_once(void **state)
{
        struct world *w = *state;
        char nonces[3][64];

        w->conf.vectors = 3;
        world_register(w, &(struct reg_text){.integrity = "no"});
        give_vectors(w, 1, 3);
        for (unsigned i = 0; i < 3; i++) {
                const char *n = strstr(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), "nonce=");
                struct answer_text a;

                snprintf(nonces[i], sizeof(nonces[i]), "%.44s", n + 7);
                make_answer(1 + i, IMPI, &a);
                assert_string_equal(nonces[i], a.nonce); /* the order of MAA, none twice */
                assert_int_equal(w->n_cx, 1);
                world_register(w, &(struct reg_text){.integrity = "no", .cseq = 2 + i});
        }
        assert_int_equal(w->n_cx, 2); /* used up: the fourth asks */
        give_vectors(w, 4, 1);
        assert_int_equal(last_reply(w)->status, 401);
        proves("AKA-021 AKA-023 AKA-024");
}

static void several_contacts(void **state)
{
        struct world *w = *state;
        const struct reg_set *set;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .call_id = "other",
                                             .contact = "Contact: <sip:alice@192.0.2.11>;q=0.5\r\n"});
        assert_int_equal(last_cx(w)->n_info, 2);
        give_profile(w, NULL);
        assert_int_equal(last_reply(w)->status, 200);
        assert_non_null(reply_field(last_reply(w), SIP_HDR_CONTACT, 1));
        set = impu_find(&w->reg.store, SPAN(ALICE))->set;
        assert_int_equal(reg_set_count(set), 2);
        assert_true(span_eq(contact_uri(registrar_contact(set, 0)),
                            SPAN("sip:alice@192.0.2.10:31061"))); /* q 1 */
        assert_true(span_eq(contact_uri(registrar_contact(set, 1)), SPAN("sip:alice@192.0.2.11")));
        assert_null(registrar_contact(set, 2));
        /* the same instance at a new address replaces its binding */
        world_register(
                w,
                &(struct reg_text){
                        .integrity = "yes",
                        .cseq = 3,
                        .contact =
                                "Contact: <sip:alice@192.0.2.99>;+sip.instance=\"<urn:gsma:imei:1>\"\r\n"});
        give_profile(w, NULL);
        assert_int_equal(reg_set_count(set), 2);
        assert_true(span_eq(contact_uri(registrar_contact(set, 0)), SPAN("sip:alice@192.0.2.99")));
        /* one too many */
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .call_id = "c",
                                             .contact = "Contact: <sip:a@1.1.1.1>, <sip:b@1.1.1.1>\r\n"});
        expect(w, 403, VERDICT_REFUSED, CAUSE_too_many_contacts);
        assert_int_equal(reg_set_count(set), 2);
        /* one of two leaves: nothing for the HSS */
        size_t asked = w->n_cx;
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .call_id = "other",
                                             .cseq = 2,
                                             .contact = "Contact: <sip:alice@192.0.2.11>;expires=0\r\n"});
        expect(w, 200, VERDICT_OK, CAUSE_deregistered);
        assert_int_equal(w->n_cx, asked);
        assert_int_equal(reg_set_count(set), 1);
        assert_null(reply_field(last_reply(w), SIP_HDR_CONTACT, 1));
        /* a query */
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 5, .contact = ""});
        assert_int_equal(last_reply(w)->status, 200);
        assert_int_equal(w->n_cx, asked);
        assert_non_null(reply_field(last_reply(w), SIP_HDR_CONTACT, 0));
}

static void oldest_binding_makes_room(void **state)
{
        struct world *w = *state;
        char contact[64];
        const struct reg_set *set;

        w->conf.max_contacts = 2;
        w->conf.overflow = SCSCF_REPLACE_OLDEST;
        world_attach(w, 1, 1);
        set = impu_find(&w->reg.store, SPAN(ALICE))->set;
        for (unsigned i = 0; i < 3; i++) {
                world_sleep(w, 1000);
                snprintf(contact, sizeof(contact), "Contact: <sip:alice@192.0.2.%u>\r\n", 50 + i);
                world_register(
                        w, &(struct reg_text){
                                   .integrity = "yes", .call_id = "new", .cseq = i + 1, .contact = contact});
                give_profile(w, NULL);
                expect(w, 200, VERDICT_OK, CAUSE_refreshed);
                assert_int_equal(reg_set_count(set), 2);
        }
        assert_true(span_eq(contact_uri(registrar_contact(set, 0)), SPAN("sip:alice@192.0.2.52")));
        assert_true(span_eq(contact_uri(registrar_contact(set, 1)), SPAN("sip:alice@192.0.2.51")));
}

static void deregistration(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .cseq = 3,
                                             .contact = "Contact: *\r\n",
                                             .headers = "Expires: 0\r\n"});
        assert_int_equal(last_cx(w)->sat, CX_SAT_USER_DEREGISTRATION);
        assert_true(is_registered(w, ALICE));
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_deregistered);
        assert_int_equal(last_verdict(w)->procedure, VERDICT_DEREGISTRATION);
        assert_null(reply_field(last_reply(w), SIP_HDR_CONTACT, 0));
        assert_null(reply_field(last_reply(w), SIP_HDR_SERVICE_ROUTE, 0));
        assert_false(is_registered(w, ALICE) || is_registered(w, TEL));
        assert_int_equal(w->reg.store.users.n, 0);
        assert_int_equal(world_timers(w), 0);
}

static void deregistration_is_challenged_when_unprotected(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 3, .headers = "Expires: 0\r\n"});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        assert_true(is_registered(w, ALICE));
        world_answer(w, 2, (struct reg_text){.cseq = 4, .integrity = "no", .headers = "Expires: 0\r\n"});
        assert_int_equal(last_cx(w)->sat, CX_SAT_USER_DEREGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_deregistered);
        assert_int_equal(w->reg.store.users.n, 0);
}

static void expiry(void **state)
{
        struct world *w = *state;

        world_register(w, &(struct reg_text){.integrity = "no"});
        give_vectors(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .headers = "Expires: 100\r\n"});
        give_profile(w, PROFILE_ALICE);
        assert_non_null(strstr(reply_field(last_reply(w), SIP_HDR_CONTACT, 0), ";expires=100"));
        world_sleep(w, 100000);
        assert_true(is_registered(w, ALICE)); /* what the UE was told is over, ours is not */
        world_sleep(w, 4999);
        assert_true(is_registered(w, ALICE));
        world_sleep(w, 1);
        assert_false(is_registered(w, ALICE));
        assert_int_equal(last_cx(w)->sat, CX_SAT_TIMEOUT_DEREGISTRATION);
        assert_string_equal(last_cx(w)->impu, ALICE);
        assert_string_equal(last_cx(w)->impi, IMPI);
        give_profile(w, NULL);
        assert_int_equal(last_verdict(w)->cause, CAUSE_expired);
        assert_int_equal(last_verdict(w)->procedure, VERDICT_EXPIRY);
        assert_int_equal(w->reg.store.users.n, 0);
        proves("AKA-039");
}

static void refresh_under_way_wins_over_expiry(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_sleep(w, 3604000);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 3});
        world_sleep(w, 2000); /* the binding is over, the SAR is out */
        assert_true(is_registered(w, ALICE));
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        world_sleep(w, 3604000);
        assert_true(is_registered(w, ALICE));
        world_sleep(w, 2000);
        assert_false(is_registered(w, ALICE));
        give_profile(w, NULL);
}

static void expiry_after_a_refresh_that_failed(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_sleep(w, 3604000);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 3});
        world_sleep(w, 2000);
        answer_saa(w, -IMS_ETIMEOUT, (struct dia_result){0}, NULL);
        expect(w, 504, VERDICT_FAILED, CAUSE_hss_timeout);
        assert_false(is_registered(w, ALICE));
        assert_int_equal(last_cx(w)->sat, CX_SAT_TIMEOUT_DEREGISTRATION);
        answer_saa(w, -IMS_ETIMEOUT, (struct dia_result){0}, NULL);
        assert_int_equal(w->reg.store.users.n, 0);
}

static void register_waits_for_the_one_before(void **state)
{
        struct world *w = *state;

        world_register(w, &(struct reg_text){.integrity = "no"});
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 2});
        world_register(w, &(struct reg_text){.integrity = "no"}); /* the first again, another branch */
        assert_int_equal(w->n_cx, 1);
        give_vectors(w, 1, 1);
        assert_int_equal(w->n_replies, 1);
        assert_int_equal(w->n_cx, 2); /* the second superseded it */
        give_vectors(w, 2, 1);
        assert_int_equal(w->n_cx, 3);
        give_vectors(w, 3, 1);
        assert_int_equal(w->n_replies, 3);
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(w->replies[i].status, 401);
        world_answer(w, 3, (struct reg_text){.cseq = 5});
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 6});
        give_profile(w, PROFILE_ALICE);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_int_equal(w->reg.store.n_contacts, 1);
}

static void waiting_is_bounded(void **state)
{
        struct world *w = *state;

        for (unsigned i = 0; i < 1 + REG_WAITING_MAX; i++)
                world_register(w, &(struct reg_text){.integrity = "no", .cseq = i + 1});
        assert_int_equal(w->n_replies, 0);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 99});
        expect(w, 503, VERDICT_REFUSED, CAUSE_overload);
        /* the rest is answered when the registrar is cleared */
}

static void repeated_requests_get_the_same_answer(void **state)
{
        struct world *w = *state;
        char first[512];

        world_register(w, &(struct reg_text){.integrity = "no"});
        give_vectors(w, 1, 1);
        snprintf(first, sizeof(first), "%s", reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0));
        world_register(w, &(struct reg_text){.integrity = "no"});
        assert_int_equal(w->n_cx, 1);
        assert_int_equal(w->n_replies, 2);
        assert_string_equal(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), first);
        world_answer(w, 1, (struct reg_text){.cseq = 2});
        world_answer(w, 1, (struct reg_text){.cseq = 2}); /* while SAR is out */
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(w->n_replies, 4);
        assert_int_equal(w->replies[2].status, 200);
        assert_int_equal(w->replies[3].status, 200);
        assert_int_equal(w->n_cx, 2);
        assert_int_equal(w->n_verdicts, 1);
        proves("PC-024");
}

/* The P-CSCF takes a 200 as proof of who sent the REGISTER: what was overheard draws a challenge. */
static void overheard_requests_get_no_answer(void **state)
{
        static const char wrong[] = "00000000000000000000000000000000";
        struct world *w = *state;

        world_attach(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .integrity = "no"});
        assert_int_equal(last_reply(w)->status, 200); /* the lab without IPsec */
        world_answer(w, 1, (struct reg_text){.cseq = 2, .integrity = "no", .response = wrong});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        proves("AKA-005");
}

static void overheard_requests_without_protection(void **state)
{
        struct world *w = *state;

        w->conf.unprotected_response = SCSCF_REFUSE;
        world_attach(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2});
        assert_int_equal(last_reply(w)->status, 200);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .integrity = "no"});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        proves("AKA-005");
}

static void protection_said_by_anybody_saves_no_challenge(void **state)
{
        struct world *w = *state;

        w->conf.trusted.n = 0;
        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "yes",
                                             .call_id = "thief",
                                             .contact = "Contact: *\r\n",
                                             .headers = "Expires: 0\r\n"});
        assert_false(last_cx(w)->is_sar);
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        assert_true(is_registered(w, ALICE));
        proves("AKA-005 PC-021");
}

static void unprotected_responses_are_refused_by_default(void **state)
{
        static const char text[] = "scscf:\n  name: \"" NAME "\"\nhome_domain: [" DOMAIN "]\n"
                                   "diameter:\n  identity: scscf." DOMAIN "\n  realm: " DOMAIN "\n";
        struct buf err = BUF_INIT;
        void *conf = NULL;

        (void)state;
        if (conf_parse(&scscf_conf_schema, "t", span_of(text), &conf, &err) < 0)
                fail_msg(SPAN_FMT, SPAN_ARG(buf_as_span(&err)));
        assert_int_equal(((struct scscf_conf *)conf)->unprotected_response, SCSCF_REFUSE);
        conf_free(&scscf_conf_schema, conf);
        buf_free(&err);
}

static void closing(void **state)
{
        struct world *w = *state;

        w->reg.closing = true;
        world_register(w, &(struct reg_text){.integrity = "no"});
        expect(w, 503, VERDICT_REFUSED, CAUSE_overload);
        assert_int_equal(w->reg.store.users.n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(first_challenge),
                T(success),
                T(visited_network_gets_no_charging_addresses),
                T(registered_user_is_challenged_when_unprotected),
                T(profile_is_asked_again_when_not_kept),
                T(protected_refresh),
                T(further_impu),
                T(vectors_are_used_in_order_and_once),
                T(several_contacts),
                T(oldest_binding_makes_room),
                T(deregistration),
                T(deregistration_is_challenged_when_unprotected),
                T(expiry),
                T(refresh_under_way_wins_over_expiry),
                T(expiry_after_a_refresh_that_failed),
                T(register_waits_for_the_one_before),
                T(waiting_is_bounded),
                T(repeated_requests_get_the_same_answer),
                T(overheard_requests_get_no_answer),
                T(overheard_requests_without_protection),
                T(protection_said_by_anybody_saves_no_challenge),
                cmocka_unit_test(unprotected_responses_are_refused_by_default),
                T(closing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
