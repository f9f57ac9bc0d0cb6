/* SPDX-License-Identifier: BSD-3-Clause
 * The rules of reg_decide one by one. */
#include "reg_fake.h"

static void check(struct reg_facts f, enum reg_action action)
{
        struct reg_decision d = reg_decide(&f);

        assert_int_equal(d.action, action);
        assert_non_null(d.clause);
}

static void check_refusal(struct reg_facts f, enum verdict_cause cause)
{
        struct reg_decision d = reg_decide(&f);

        assert_int_equal(d.action, REG_DO_REFUSE);
        assert_int_equal(d.status, 403);
        assert_string_equal(verdict_cause_name(d.cause), verdict_cause_name(cause));
}

static void unprotected_is_always_challenged(void **state)
{
        struct reg_facts f = {.accept_unprotected = true};

        (void)state;
        for (unsigned bits = 0; bits < 32; bits++) {
                f.source_known = bits & 16;
                f.registered = f.impi_registered = bits & 1;
                f.has_nonce = f.nonce_is_last = f.has_response = bits & 2;
                f.reauthenticate = bits & 4;
                f.reauthenticate_new_impu = bits & 8;
                check(f, REG_DO_CHALLENGE);
        }
        proves("AKA-004 AKA-005");
}

static void protected_refresh_is_policy(void **state)
{
        struct reg_facts f = {
                .protected_ = true, .source_known = true, .registered = true, .impi_registered = true};

        (void)state;
        check(f, REG_DO_ACCEPT);
        f.has_response = f.has_nonce = f.nonce_is_last = true;
        check(f, REG_DO_ACCEPT);
        f.pending = true; /* somebody else's challenge does not lock the user out */
        check(f, REG_DO_ACCEPT);
        f.reauthenticate = true;
        check(f, REG_DO_CHALLENGE);
        proves("AKA-006");
}

static void further_impu_is_policy(void **state)
{
        struct reg_facts f = {.protected_ = true, .source_known = true, .impi_registered = true};

        (void)state;
        check(f, REG_DO_ACCEPT);
        f.reauthenticate_new_impu = true;
        check(f, REG_DO_CHALLENGE);
        /* initial, whatever the policy says */
        f = (struct reg_facts){.protected_ = true, .source_known = true};
        check(f, REG_DO_CHALLENGE);
        proves("AKA-004 AKA-013");
}

/* "yes" saves a challenge only when configuration says whose word counts. */
static void protection_said_by_anybody(void **state)
{
        struct reg_facts f = {.protected_ = true, .registered = true, .impi_registered = true};

        (void)state;
        check(f, REG_DO_CHALLENGE);
        f.has_response = f.has_nonce = f.nonce_is_last = true;
        check(f, REG_DO_CHALLENGE);
        f = (struct reg_facts){.protected_ = true, .impi_registered = true};
        check(f, REG_DO_CHALLENGE);
        proves("AKA-005");
}

static void answers_to_the_pending_challenge(void **state)
{
        struct reg_facts f = {.protected_ = true,
                              .pending = true,
                              .nonce_is_pending = true,
                              .has_nonce = true,
                              .has_response = true,
                              .same_impu = true,
                              .same_call = true};

        (void)state;
        check(f, REG_DO_VERIFY);
        f.protected_ = false;
        check_refusal(f, CAUSE_not_integrity_protected);
        f.accept_unprotected = true;
        check(f, REG_DO_VERIFY);
        f.same_impu = false;
        check_refusal(f, CAUSE_identities_dont_match);
        f.same_impu = true;
        f.has_response = false;
        check(f, REG_DO_MAC_FAILURE);
        f.has_auts = true;
        check(f, REG_DO_SYNC);
        f.protected_ = f.accept_unprotected = false; /* failure reports come unprotected */
        check(f, REG_DO_SYNC);
        f.same_impu = false;
        check_refusal(f, CAUSE_identities_dont_match);
}

static void answers_to_other_challenges(void **state)
{
        struct reg_facts f = {.protected_ = true,
                              .pending = true,
                              .has_nonce = true,
                              .has_response = true,
                              .same_impu = true,
                              .registered = true,
                              .impi_registered = true};

        (void)state;
        /* Even for a registered user over a protected path: it is no success of the old challenge. */
        check_refusal(f, CAUSE_challenge_superseded);
        f.protected_ = false;
        f.accept_unprotected = true;
        check_refusal(f, CAUSE_challenge_superseded);
        f.has_response = false;
        f.has_auts = true;
        check_refusal(f, CAUSE_challenge_superseded);
        f.pending = false;
        check(f, REG_DO_CHALLENGE);
        f.has_auts = false;
        f.has_response = f.protected_ = true;
        check(f, REG_DO_CHALLENGE);
        assert_int_equal(reg_decide(&f).cause, CAUSE_no_pending_challenge);
        proves("AKA-048 AKA-049");
}

static void repeated_requests(void **state)
{
        struct reg_facts f = {
                .pending = true, .challenged_already = true, .same_call = true, .same_impu = true};

        (void)state;
        check(f, REG_DO_REPEAT_CHALLENGE);
        f.has_auts = f.has_nonce = true; /* the AUTS that drew this challenge, again */
        check(f, REG_DO_REPEAT_CHALLENGE);
        f.nonce_is_pending = true;
        check(f, REG_DO_SYNC);
        f = (struct reg_facts){.answered_already = true,
                               .protected_ = true,
                               .nonce_is_last = true,
                               .response_is_last = true,
                               .has_nonce = true,
                               .has_response = true,
                               .registered = true,
                               .impi_registered = true};
        check(f, REG_DO_REPEAT_ANSWER);
        f.protected_ = false; /* who repeats what was protected proves nothing */
        check(f, REG_DO_CHALLENGE);
        f.accept_unprotected = true;
        check(f, REG_DO_REPEAT_ANSWER);
        f.response_is_last = false; /* the nonce is no secret */
        check(f, REG_DO_CHALLENGE);
        f.nonce_is_last = false;
        check(f, REG_DO_CHALLENGE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(unprotected_is_always_challenged),
                cmocka_unit_test(protected_refresh_is_policy),
                cmocka_unit_test(further_impu_is_policy),
                cmocka_unit_test(protection_said_by_anybody),
                cmocka_unit_test(answers_to_the_pending_challenge),
                cmocka_unit_test(answers_to_other_challenges),
                cmocka_unit_test(repeated_requests),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
