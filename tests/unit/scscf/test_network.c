/* SPDX-License-Identifier: BSD-3-Clause
 * What the HSS does on its own: RTR and PPR. TS 29.228 6.1.3, 6.2. */
#include "reg_fake.h"

static void rtr_ends_everything(void **state)
{
        struct world *w = *state;
        struct cx_rtr m = {
                .impi = SPAN(IMPI), .reason_code = CX_PERMANENT_TERMINATION, .reason_info = SPAN("gone")};

        world_attach(w, 1, 1);
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        assert_int_equal(last_verdict(w)->cause, CAUSE_deregistered_by_hss);
        assert_string_equal(last_verdict(w)->evidence, "PERMANENT_TERMINATION gone");
        assert_false(is_registered(w, ALICE) || is_registered(w, TEL));
        assert_int_equal(w->reg.store.users.n, 0);
        assert_int_equal(world_timers(w), 0);
        assert_int_equal(open_cx(w), 0); /* no SAR: the HSS knows */
        assert_int_equal(registrar_rtr(&w->reg, &m), -IMS_ENOTFOUND);
}

static void rtr_names_impus(void **state)
{
        struct world *w = *state;
        struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_SERVER_CHANGE};

        world_attach(w, 1, 1);
        m.impus.v[m.impus.n++] = SPAN("sip:other@" DOMAIN);
        assert_int_equal(registrar_rtr(&w->reg, &m), -IMS_ENOTFOUND);
        assert_true(is_registered(w, ALICE));
        m.impus.v[m.impus.n++] = SPAN(TEL); /* one of the set means the set */
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        assert_false(is_registered(w, ALICE));
}

static void rtr_of_another_impi_leaves_a_shared_impu(void **state)
{
        struct world *w = *state;
        struct cx_rtr m = {.impi = SPAN("other@" DOMAIN)};

        world_attach(w, 1, 1);
        assert_int_equal(registrar_rtr(&w->reg, &m), -IMS_ENOTFOUND);
        m.associated_identities.v[m.associated_identities.n++] = SPAN(IMPI);
        assert_true(is_registered(w, ALICE));
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        assert_false(is_registered(w, ALICE));
}

static void rtr_ends_a_pending_challenge(void **state)
{
        struct world *w = *state;
        struct cx_rtr m = {.impi = SPAN(IMPI)};

        world_register(w, &(struct reg_text){.integrity = "no"});
        give_vectors(w, 1, 1);
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        assert_int_equal(w->reg.store.users.n, 0);
        assert_int_equal(world_timers(w), 0);
}

static void rtr_while_work_is_under_way(void **state)
{
        struct world *w = *state;
        struct cx_rtr m = {.impi = SPAN(IMPI)};

        world_attach(w, 1, 1);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 3});
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        assert_false(is_registered(w, ALICE));
        give_profile(w, PROFILE_ALICE); /* the HSS accepted it after its RTR */
        assert_int_equal(last_reply(w)->status, 200);
        assert_true(is_registered(w, ALICE));
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 4});
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        assert_false(is_registered(w, ALICE));
}

static void ppr_changes_the_set(void **state)
{
        struct world *w = *state;
        struct cx_ppr m = {.impi = SPAN(IMPI)};
        uint64_t token;

        world_attach(w, 1, 1);
        token = impu_find(&w->reg.store, SPAN(ALICE))->set->token;
        m.user_data = SPAN(
                PROFILE_HEAD
                "<ServiceProfile><PublicIdentity><BarringIndication>1</BarringIndication><Identity>" ALICE
                "</Identity></PublicIdentity><PublicIdentity><Identity>sip:new@" DOMAIN
                "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>");
        m.charging = (struct cx_charging){.present = true, .ccf1 = SPAN("new-ccf")};
        assert_int_equal(registrar_ppr(&w->reg, &m), 0);
        assert_true(is_registered(w, "sip:new@" DOMAIN));
        assert_false(is_registered(w, TEL));
        assert_true(impu_find(&w->reg.store, SPAN(ALICE))->barred);
        assert_int_equal(impu_find(&w->reg.store, SPAN(ALICE))->set->token, token);
        assert_int_equal(w->reg.store.n_contacts, 1);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 3});
        give_profile(w, NULL);
        assert_string_equal(reply_field(last_reply(w), SIP_HDR_P_ASSOCIATED_URI, 0), "<sip:new@" DOMAIN ">");
        assert_string_equal(reply_field(last_reply(w), SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES, 0),
                            "ccf=new-ccf");
        world_sleep(w, 4000000); /* the timer went along */
        assert_int_equal(last_cx(w)->sat, CX_SAT_TIMEOUT_DEREGISTRATION);
        give_profile(w, NULL);
}

static void ppr_that_cannot_be_used(void **state)
{
        struct world *w = *state;
        struct cx_ppr m = {.impi = SPAN(IMPI), .user_data = SPAN("<x/>")};

        assert_int_equal(registrar_ppr(&w->reg, &m), -IMS_ENOTFOUND);
        world_attach(w, 1, 1);
        assert_int_equal(registrar_ppr(&w->reg, &m), -IMS_EPARSE);
        m.user_data = SPAN(PROFILE_HEAD "<ServiceProfile><PublicIdentity><Identity>sip:nobody@" DOMAIN
                                        "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>");
        assert_int_equal(registrar_ppr(&w->reg, &m), -IMS_ENOTFOUND);
        assert_true(is_registered(w, ALICE) && is_registered(w, TEL));
        m.user_data = SPAN_NULL;
        m.charging = (struct cx_charging){.present = true, .ecf1 = SPAN("e1")};
        assert_int_equal(registrar_ppr(&w->reg, &m), 0);
        assert_true(
                span_eq(shared_text(impu_find(&w->reg.store, SPAN(ALICE))->set->charging), SPAN("ecf=e1")));
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

/* A user registered by SIM is challenged once more, though its refresh is protected. */
static void the_operator_wants_it_anew(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        assert_int_equal(registrar_reauthenticate(&w->reg, SPAN(IMPI)), 0);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 3});
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
        world_answer(w, 2, (struct reg_text){.cseq = 4});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 5});
        assert_true(last_cx(w)->is_sar);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        proves("AKA-058");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(rtr_ends_everything),
                T(rtr_names_impus),
                T(rtr_of_another_impi_leaves_a_shared_impu),
                T(rtr_ends_a_pending_challenge),
                T(rtr_while_work_is_under_way),
                T(ppr_changes_the_set),
                T(ppr_that_cannot_be_used),
                T(the_operator_wants_it_anew),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
