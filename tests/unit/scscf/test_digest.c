/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest registrations: challenge, answer, Authentication-Info, nonces and their counts. TS 33.203
 * N.2.1.1, N.2.2, N.2.3; PKT-TR-SEC 6.1.2.2. */
#include "digest_fake.h"

static void first_challenge(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        char value[128];

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(w->n_replies, 0);
        assert_string_equal(last_cx(w)->impi, IMPI);
        assert_string_equal(last_cx(w)->scheme, "Unknown"); /* the HSS knows what the user has (P.4.2) */
        assert_string_equal(last_cx(w)->server, NAME);
        assert_int_equal(last_cx(w)->n_items, 1);
        give_sd_av(w, &p);
        take_challenge(w, &p);
        assert_int_equal(w->n_verdicts, 0);
        www_param(w, "realm", value, sizeof(value));
        assert_string_equal(value, DOMAIN);
        www_param(w, "qop", value, sizeof(value));
        assert_string_equal(value, "auth");
        www_param(w, "algorithm", value, sizeof(value));
        assert_string_equal(value, "MD5");
        for (size_t i = 0; i < 4; i++) {
                www_param(w, (const char *[]){"ik", "ck", "stale", "opaque"}[i], value, sizeof(value));
                assert_string_equal(value, "");
        }
        assert_int_equal(world_timers(w), 1);
        proves("DIG-016 DIG-019 DIG-021 COEX-030 PC-007");
}

static void success(void **state)
{
        struct world *w = *state;
        struct digest_input in = {.method = SPAN_NULL,
                                  .uri = SPAN("sip:" DOMAIN),
                                  .qop = SPAN("auth"),
                                  .nc = SPAN("00000001"),
                                  .cnonce = SPAN("abc")};
        char value[128], ha1[DIGEST_HEX_MAX], rspauth[DIGEST_HEX_MAX];
        struct phone p = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        assert_true(is_registered(w, ALICE) && is_registered(w, TEL));
        info_param(w, "qop", value, sizeof(value));
        assert_string_equal(value, "auth");
        info_param(w, "cnonce", value, sizeof(value));
        assert_string_equal(value, "abc");
        info_param(w, "nc", value, sizeof(value));
        assert_string_equal(value, "00000001");
        assert_int_equal(digest_ha1(DIGEST_MD5, SPAN(IMPI), SPAN(DOMAIN), SPAN(PASSWORD), ha1), 0);
        in.ha1 = span_of(ha1);
        in.nonce = span_of(p.nonce);
        assert_int_equal(digest_response(&in, rspauth), 0);
        info_param(w, "rspauth", value, sizeof(value));
        assert_string_equal(value, rspauth);
        info_param(w, "nextnonce", value, sizeof(value));
        assert_string_equal(value, "");
        assert_null(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0));
        proves("DIG-026 DIG-028 PC-009 PC-003");
}

static void sha_256(void **state)
{
        struct world *w = *state;
        struct phone p = {.algorithm = DIGEST_SHA256};
        char value[128];

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        www_param(w, "algorithm", value, sizeof(value));
        assert_string_equal(value, "SHA-256");
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        info_param(w, "rspauth", value, sizeof(value));
        assert_int_equal(strlen(value), 64);
}

static void identity_without_authorization(void **state)
{
        struct world *w = *state;
        struct phone p = {.impi = "alice@" DOMAIN};

        phone_begins(w, &p, (struct reg_text){.no_auth = true});
        assert_string_equal(last_cx(w)->impi, "alice@" DOMAIN);
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        /* and a refresh without it is challenged as any other */
        phone_begins(w, &p, (struct reg_text){.no_auth = true});
        take_challenge(w, &p);
        proves("DIG-014 PC-017");
}

static void nonces_never_repeat(void **state)
{
        struct world *w = *state;
        char seen[50][64];
        struct phone p = {0};
        bool varies;

        for (unsigned i = 0; i < 50; i++) {
                phone_begins(w, &p, (struct reg_text){.integrity = NULL});
                if (open_cx(w))
                        give_sd_av(w, &p);
                take_challenge(w, &p);
                memcpy(seen[i], p.nonce, sizeof(seen[i]));
                for (unsigned j = 0; j < i; j++)
                        assert_string_not_equal(seen[i], seen[j]);
                w->n_replies = 0;
                sip_msg_unref(w->made[0]->msg);
                free(w->made[0]);
                w->n_made = 0;
        }
        for (unsigned at = 0; seen[0][at] != '='; at++) { /* nothing of it can be foreseen */
                varies = false;
                for (unsigned i = 1; i < 50; i++)
                        varies = varies || seen[i][at] != seen[0][at];
                assert_true(varies);
        }
        assert_int_equal(w->n_cx, 1);
        assert_int_equal(w->reg.store.users.n, 1); /* one user, one challenge, whatever comes */
        assert_int_equal(world_timers(w), 1);
        proves("DIG-020");
}

/* --- failures ------------------------------------------------------------------------------------ */

static void wrong_password(void **state)
{
        struct world *w = *state;
        struct phone p = {.password = "wrong"}, right = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &right);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(last_cx(w)->sat, CX_SAT_AUTHENTICATION_FAILURE);
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        assert_null(reply_field(last_reply(w), SIP_HDR_WWW_AUTHENTICATE, 0));
        assert_null(reply_field(last_reply(w), SIP_HDR_AUTHENTICATION_INFO, 0));
        assert_int_equal(w->reg.store.users.n, 0); /* H(A1) is gone */
        assert_int_equal(world_timers(w), 0);
        proves("DIG-051 DIG-053 DIG-026");
}

static void wrong_password_of_a_registered_user(void **state)
{
        struct world *w = *state;
        struct phone p = {0}, wrong = {.password = "wrong"};
        size_t asked;

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        asked = w->n_cx;
        wrong.cseq = p.cseq;
        phone_begins(w, &wrong, (struct reg_text){.integrity = NULL});
        take_challenge(w, &wrong);
        phone_answers(w, &wrong, (struct reg_text){.integrity = NULL});
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        assert_non_null(strstr(last_verdict(w)->evidence, "stays registered"));
        assert_int_equal(w->n_cx, asked);
        assert_true(is_registered(w, ALICE));
        p.cseq = wrong.cseq;
        phone_answers(w, &p, (struct reg_text){.integrity = NULL}); /* its nonce is still good */
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        proves("DIG-052");
}

static void no_answer(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        world_sleep(w, w->conf.await_auth_ms);
        assert_int_equal(last_verdict(w)->cause, CAUSE_challenge_timeout);
        assert_string_equal(last_verdict(w)->clause, "TS 33.203 N.2.2.3");
        assert_int_equal(last_cx(w)->sat, CX_SAT_AUTHENTICATION_TIMEOUT);
        give_profile(w, NULL);
        assert_int_equal(w->reg.store.users.n, 0);
        /* the answer comes too late: right, over a nonce nobody knows */
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        proves("DIG-055 DIG-056");
}

static void new_challenge_ends_the_one_before(void **state)
{
        struct world *w = *state;
        struct phone p = {0}, old;
        char value[64];

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        old = p;
        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        take_challenge(w, &p);
        assert_string_not_equal(p.nonce, old.nonce);
        old.cseq = p.cseq;
        phone_answers(w, &old, (struct reg_text){.integrity = NULL});
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        www_param(w, "stale", value, sizeof(value));
        assert_string_equal(value, "TRUE");
        take_challenge(w, &old);
        assert_string_not_equal(p.nonce, old.nonce);
        phone_answers(w, &old, (struct reg_text){.integrity = NULL});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        proves("DIG-055 DIG-056 DIG-058");
}

/* Somebody who knows no password cannot end a challenge by a wrong answer over a nonce of his own. */
static void wrong_answer_over_another_nonce(void **state)
{
        struct world *w = *state;
        struct phone p = {0}, other = {.password = "guess", .nonce = "AAAAAAAAAAAAAAAAAAAAAA=="};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        other.cseq = p.cseq;
        phone_answers(w, &other, (struct reg_text){.integrity = NULL});
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        assert_int_equal(open_cx(w), 0); /* the flag is that of the pending challenge */
        p.cseq = other.cseq;
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
}

static void repeated_request_gets_the_same_challenge(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        char nonce[64];

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        p.cseq--;
        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        www_param(w, "nonce", nonce, sizeof(nonce));
        assert_string_equal(nonce, p.nonce);
        proves("PC-024");
}

/* --- nonce counts -------------------------------------------------------------------------------- */

static void nonce_is_used_again(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        for (unsigned i = 2; i <= 5; i++) {
                phone_answers(w, &p, (struct reg_text){.integrity = NULL});
                assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
                give_profile(w, NULL);
                expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        }
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        assert_non_null(strstr(last_verdict(w)->evidence, "used digest.nonce_uses times"));
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        proves("PC-011 PC-013");
}

static void nonce_is_used_for_a_time(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        char value[64];

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        world_sleep(w, 599000);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        world_sleep(w, 1000);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_stale);
        assert_non_null(strstr(last_verdict(w)->evidence, "given out 600 s ago"));
        www_param(w, "stale", value, sizeof(value));
        assert_string_equal(value, "TRUE");
        proves("PC-012 DIG-056 DIG-058");
}

static void replays(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        char value[64], used[64];

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        memcpy(used, p.nonce, sizeof(used));
        p.cseq--;
        p.nc--;
        phone_answers(w, &p, (struct reg_text){.integrity = NULL}); /* the same SM7, octet by octet */
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_count_replayed);
        assert_non_null(strstr(last_verdict(w)->evidence, "00000001, the last was 00000001"));
        www_param(w, "stale", value, sizeof(value));
        assert_string_equal(value, "TRUE");
        www_param(w, "nonce", value, sizeof(value));
        assert_string_not_equal(value, used);
        p.nc = 7; /* a jump is no replay: requests may have been lost */
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        p.nc = 4;
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        expect(w, 401, VERDICT_REFUSED, CAUSE_nonce_count_replayed);
        p.password = "wrong"; /* a wrong digest over an old nonce is no lack of freshness */
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        proves("DIG-056 DIG-057 DIG-058");
}

static void next_nonce(void **state)
{
        struct world *w = *state;
        struct phone p = {0}, old;
        char next[64], again[64];

        w->conf.digest.nonce_uses = 3;
        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        info_param(w, "nextnonce", next, sizeof(next)); /* one use is left */
        assert_int_equal(strlen(next), 24);
        old = p;
        phone_answers(w, &old, (struct reg_text){.integrity = NULL}); /* the old one may be used up */
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        p.cseq = old.cseq;
        memcpy(p.nonce, next, sizeof(p.nonce));
        p.nc = 0;
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        w->conf.digest.nextnonce = SCSCF_NEXTNONCE_ALWAYS;
        world_sleep(w, 1000);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        info_param(w, "nextnonce", again, sizeof(again));
        assert_int_equal(strlen(again), 24);
        assert_string_not_equal(again, next);
        w->conf.digest.nextnonce = SCSCF_NEXTNONCE_NEVER;
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_profile(w, NULL);
        info_param(w, "nextnonce", again, sizeof(again));
        assert_string_equal(again, "");
        proves("PC-014 PC-009");
}

static void opaque_comes_back(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        char opaque[64], more[160];

        w->conf.digest.opaque = true;
        registrar_init(&w->reg, &w->conf, &fake_port, w);
        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        www_param(w, "opaque", opaque, sizeof(opaque));
        assert_int_equal(strlen(opaque), 16);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        expect(w, 400, VERDICT_REFUSED, CAUSE_malformed);
        snprintf(more, sizeof(more), ",algorithm=MD5,qop=auth,nc=00000002,cnonce=\"abc\",opaque=\"%s\"",
                 opaque);
        phone_answers(w, &p, (struct reg_text){.more = more});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
        proves("PC-008");
}

static void h_a1_is_not_kept(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        w->conf.digest.keep_ha1 = false;
        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_false(digest_has_key(user_find(&w->reg.store, SPAN(IMPI))->digest));
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_false(last_cx(w)->is_sar); /* a MAR */
        give_sd_av(w, &p);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_false(digest_has_key(user_find(&w->reg.store, SPAN(IMPI))->digest));
        p.password = "wrong"; /* nor after a check that failed */
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        p.password = NULL;
        give_sd_av(w, &p);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        assert_false(digest_has_key(user_find(&w->reg.store, SPAN(IMPI))->digest));
        proves("DIG-027");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(first_challenge, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(success, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(sha_256, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(identity_without_authorization, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(nonces_never_repeat, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(wrong_password, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(wrong_password_of_a_registered_user, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(no_answer, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(new_challenge_ends_the_one_before, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(wrong_answer_over_another_nonce, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(repeated_request_gets_the_same_challenge, world_setup,
                                                world_teardown),
                cmocka_unit_test_setup_teardown(nonce_is_used_again, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(nonce_is_used_for_a_time, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(replays, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(next_nonce, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(opaque_comes_back, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(h_a1_is_not_kept, world_setup, world_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
