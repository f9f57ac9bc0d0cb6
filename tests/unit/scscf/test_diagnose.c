/* SPDX-License-Identifier: BSD-3-Clause
 * The command that a verdict of a failed authentication quotes: what is in it, and that the UE cannot put
 * anything else into it. */
#include "reg_fake.h"

#include "common/trace/command.h"

#define AUTS  "AAECAwQFBgcICQoLDA0="
#define RAND1 "01010101010101010101010101010101"
#define AUTN1 "65656565656565656565656565656565"

static void challenge(struct world *w, unsigned k, unsigned cseq)
{
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = cseq});
        give_vectors(w, k, 1);
}

static void released(struct world *w)
{
        assert_true(last_cx(w)->is_sar);
        give_profile(w, NULL);
}

static const char wrong[] = "0123456789abcdef0123456789abcdef";

static void wrong_response(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .response = wrong});
        released(w);
        expect(w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
        const char *c = last_verdict(w)->command;
        const char *head = "hss diagnose " IMPI " --authorization 'Digest username=\"" IMPI
                           "\", realm=\"" DOMAIN "\", nonce=\"";
        assert_int_equal(strncmp(c, head, strlen(head)), 0);
        assert_non_null(strstr(c, ", uri=\"sip:" DOMAIN "\""));
        assert_non_null(strstr(c, ", qop=auth, nc=00000001, "));
        assert_non_null(strstr(c, ", cnonce=\""));
        assert_non_null(strstr(c, ", response=\"0123456789abcdef0123456789abcdef\"'"));
        assert_null(strstr(c, "integrity"));
        /* the UE reads none of it */
        for (size_t i = 0; i < last_reply(w)->n; i++) {
                assert_null(strstr(last_reply(w)->value[i], "diagnose"));
                assert_null(strstr(last_reply(w)->value[i], wrong));
        }
}

static void right_response(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        assert_string_equal(last_verdict(w)->command, "");
}

/* The qop says nothing about what a cnonce, a nc or a uri may hold: whatever they hold, the verdict stands.
 */
static void hostile_values(void **state)
{
        static const char *const more[] = {
                ",qop=auth,nc=00000001,cnonce=\"it's\",algorithm=AKAv1-MD5",
                ",qop=auth,nc=00000001,cnonce=\"';touch /tmp/x;'\",algorithm=AKAv1-MD5",
                ",qop=auth,nc=00000001,cnonce=\"\xc3\xa4\",algorithm=AKAv1-MD5",
        };
        struct world *w = *state;

        for (unsigned i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
                challenge(w, 1 + i, 1 + 2 * i);
                world_answer(w, 1 + i,
                             (struct reg_text){.cseq = 2 + 2 * i, .response = wrong, .more = more[i]});
                released(w);
                expect(w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
                assert_string_equal(last_verdict(w)->command, "");
        }
        static char longest[1200];
        (void)snprintf(longest, sizeof(longest),
                       ",qop=auth,nc=00000001,cnonce=\"%0900d\",algorithm=AKAv1-MD5", 1);
        challenge(w, 9, 20);
        world_answer(w, 9, (struct reg_text){.cseq = 21, .response = wrong, .more = longest});
        released(w);
        expect(w, 403, VERDICT_REFUSED, CAUSE_res_mismatch);
        assert_string_equal(last_verdict(w)->command, ""); /* all of it or nothing */
}

static void mac_failure(void **state)
{
        struct world *w = *state;

        challenge(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .response = "", .more = ""});
        released(w);
        expect(w, 403, VERDICT_REFUSED, CAUSE_mac_mismatch);
        assert_string_equal(last_verdict(w)->command, "hss diagnose " IMPI " --rand " RAND1 " --autn " AUTN1);
}

static void synchronisation(void **state)
{
        struct world *w = *state;
        unsigned k = 1;

        w->conf.max_failures = 1;
        challenge(w, k, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2, .response = "", .more = ",auts=\"" AUTS "\""});
        give_vectors(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 3, .response = "", .more = ",auts=\"" AUTS "\""});
        released(w);
        expect(w, 403, VERDICT_REFUSED, CAUSE_sqn_repeated);
        assert_string_equal(last_verdict(w)->command, "hss diagnose " IMPI " --rand " RAND1 " --autn " AUTN1
                                                      " --auts 000102030405060708090a0b0c0d");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(wrong_response, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(right_response, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(hostile_values, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(mac_failure, world_setup, world_teardown),
                cmocka_unit_test_setup_teardown(synchronisation, world_setup, world_teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
