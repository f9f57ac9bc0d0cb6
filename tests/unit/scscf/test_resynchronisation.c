/* SPDX-License-Identifier: BSD-3-Clause
 * Synchronisation failures: TS 33.203 6.1.3. */
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

#define AUTS     "AQIDBAUGBwgJCgsMDQ4="
#define AUTS_RAW "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e"

static void send_auts(struct world *w, unsigned k, unsigned cseq, const char *more)
{
        world_answer(w, k, (struct reg_text){.cseq = cseq, .response = "", .more = more, .integrity = "no"});
}

static void resynchronisation(void **state)
{
        struct world *w = *state;
        struct answer_text a;

        w->conf.vectors = 2;
        world_register(w, &(struct reg_text){.integrity = "no"});
        give_vectors(w, 1, 2);
        send_auts(w, 1, 2, ",auts=\"" AUTS "\"");
        assert_int_equal(w->n_cx, 2);
        assert_false(last_cx(w)->is_sar);
        assert_int_equal(last_cx(w)->n_items, 2);
        assert_int_equal(last_cx(w)->rand_auts_n, 30);
        for (size_t i = 0; i < 16; i++)
                assert_int_equal(last_cx(w)->rand_auts[i], 1); /* the RAND of vector 1 */
        assert_memory_equal(last_cx(w)->rand_auts + 16, AUTS_RAW, 14);
        give_vectors(w, 11, 2);
        assert_int_equal(last_reply(w)->status, 401);
        make_answer(11, IMPI, &a);
        assert_non_null(strstr(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), a.nonce));
        assert_int_equal(av_count(user_find(&w->reg.store, SPAN(IMPI))->avs), 1); /* vector 2 is gone */
        assert_int_equal(w->n_verdicts, 0);                                       /* it is not certain yet */
        world_answer(w, 11, (struct reg_text){.cseq = 3});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        assert_int_equal(w->n_verdicts, 2);
        assert_int_equal(w->verdicts[0].cause, CAUSE_resynchronised);
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 4});
        make_answer(12, IMPI, &a);
        assert_non_null(strstr(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0), a.nonce));
        proves("AKA-027 AKA-052 AKA-055 AKA-056");
}

static void forged_auts(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        send_auts(w, 1, 2, ",auts=\"" AUTS "\"");
        answer_maa(w, 0, dia_base(DIA_UNABLE_TO_COMPLY), 0, 0);
        released(w, CX_SAT_AUTHENTICATION_FAILURE);
        expect(w, 403, VERDICT_REFUSED, CAUSE_auts_forged);
        no_security_parameters(w);
        assert_int_equal(w->reg.store.users.n, 0);
}

static void forged_auts_of_a_registered_user(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        challenge(w, 2, 3);
        send_auts(w, 2, 4, ",auts=\"" AUTS "\"");
        answer_maa(w, 0, dia_base(DIA_UNABLE_TO_COMPLY), 0, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_auts_forged);
        assert_int_equal(open_cx(w), 0);
        assert_true(is_registered(w, ALICE));
}

static void malformed_auts(void **state)
{
        static const char *const bad[] = {",auts=\"\"", ",auts=\"AQID\"", ",auts=\"!!!!\"",
                                          ",auts=\"AQIDBAUGBwgJCgsMDQ4PEBES\""};
        struct world *w = *state;

        challenge(w, 1, 1);
        for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                send_auts(w, 1, 2 + i, bad[i]);
                expect(w, 400, VERDICT_REFUSED, CAUSE_malformed);
        }
        assert_int_equal(open_cx(w), 0);
}

static void auts_again_and_again(void **state)
{
        struct world *w = *state;
        unsigned k = 1;

        challenge(w, k, 1);
        for (unsigned i = 0; i < 2; i++, k++) {
                send_auts(w, k, 2 + i, ",auts=\"" AUTS "\"");
                give_vectors(w, k + 1, 1);
                assert_int_equal(last_reply(w)->status, 401);
        }
        send_auts(w, k, 9, ",auts=\"" AUTS "\"");
        released(w, CX_SAT_AUTHENTICATION_FAILURE);
        expect(w, 403, VERDICT_REFUSED, CAUSE_sqn_repeated);
        assert_int_equal(w->reg.store.users.n, 0);
}

static void hss_silent_after_auts(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        send_auts(w, 1, 2, ",auts=\"" AUTS "\"");
        answer_maa(w, -IMS_ETIMEOUT, (struct dia_result){0}, 0, 0);
        expect(w, 504, VERDICT_FAILED, CAUSE_hss_timeout);
        assert_int_equal(world_timers(w), 1); /* reg-await-auth runs again */
        send_auts(w, 1, 3, ",auts=\"" AUTS "\"");
        give_vectors(w, 2, 1);
        assert_int_equal(last_reply(w)->status, 401);
}

#define T(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(resynchronisation), T(forged_auts),          T(forged_auts_of_a_registered_user),
                T(malformed_auts),    T(auts_again_and_again), T(hss_silent_after_auts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
