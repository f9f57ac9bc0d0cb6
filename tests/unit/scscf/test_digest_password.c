/* SPDX-License-Identifier: BSD-3-Clause
 * Passwords that change while a user is registered (PPR with H(A1)), and registrations the HSS ends.
 * TS 33.203 N.2.5, TS 29.228 6.1.3, 6.2. */
#include "digest_fake.h"

#define OLD   PASSWORD
#define NEW   "battery staple"
#define NEWER "third one"

static const char *stored = OLD; /* what MAR of alice would bring */

static int push(struct world *w, const char *impi, const char *password, enum digest_algorithm algorithm)
{
        struct phone p = {.impi = impi, .password = password, .algorithm = algorithm};
        struct cx_ppr m = {.impi = span_of(impi ? impi : IMPI), .has_item = true};
        char ha1[DIGEST_HEX_MAX];

        sd_item(&p, ha1, &m.item);
        stored = password;
        return registrar_ppr(&w->reg, &m);
}

/* True when this password registers now; p counts its requests. */
static bool takes(struct world *w, struct phone *p, const char *password)
{
        p->password = password;
        phone_begins(w, p, (struct reg_text){.integrity = NULL});
        assert_int_equal(open_cx(w), 0); /* no MAR */
        take_challenge(w, p);
        phone_answers(w, p, (struct reg_text){.integrity = NULL});
        if (open_cx(w) && !last_cx(w)->is_sar) /* wrong, as far as is known for a minute or longer */
                give_sd_av(w, &(struct phone){.password = stored, .algorithm = p->algorithm});
        if (!open_cx(w)) {
                expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
                return false;
        }
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        return true;
}

static void new_password_counts_at_once(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        assert_true(takes(w, &p, OLD)); /* both, for a while */
        assert_true(takes(w, &p, NEW));
        assert_false(takes(w, &p, OLD)); /* the new one was used: the old one is gone */
        assert_non_null(strstr(last_verdict(w)->evidence, "the password was changed 0 s ago"));
        assert_true(takes(w, &p, NEW));
        assert_int_equal(world_timers(w), 1); /* of the registration */
        proves("DIG-062 DIG-063 DIG-064");
}

static void old_password_ends_in_time(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        world_sleep(w, w->conf.digest.old_ha1_lifetime_ms - 1);
        assert_true(takes(w, &p, OLD));
        world_sleep(w, 1);
        assert_null(user_find(&w->reg.store, SPAN(IMPI))->digest->old);
        assert_false(takes(w, &p, OLD));
        assert_non_null(strstr(last_verdict(w)->evidence, "the password was changed 300 s ago"));
        assert_true(takes(w, &p, NEW));
        w->conf.digest.old_ha1_lifetime_ms = 0;
        assert_int_equal(push(w, NULL, NEWER, DIGEST_MD5), 0);
        assert_false(takes(w, &p, NEW));
        assert_true(takes(w, &p, NEWER));
        proves("DIG-067");
}

static void three_changes_leave_two(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        assert_int_equal(push(w, NULL, "passing", DIGEST_MD5), 0);
        assert_int_equal(push(w, NULL, NEWER, DIGEST_MD5), 0);
        assert_false(takes(w, &p, NEW)); /* nobody used it */
        assert_false(takes(w, &p, "passing"));
        assert_true(takes(w, &p, OLD)); /* the UE did */
        assert_true(takes(w, &p, NEWER));
        assert_false(takes(w, &p, OLD));
        proves("DIG-065");
}

static void of_unused_ones_the_oldest_goes(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p); /* OLD is known, nobody proved it */
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        assert_int_equal(push(w, NULL, NEWER, DIGEST_MD5), 0);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(last_cx(w)->sat, CX_SAT_AUTHENTICATION_FAILURE);
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        assert_non_null(strstr(last_verdict(w)->evidence, "both were tried"));
        proves("DIG-065");
}

/* The challenge is the same for both, whichever password the UE has by now. */
static void change_while_a_challenge_is_out(void **state)
{
        for (unsigned i = 0; i < 2; i++) {
                struct world *w = *state;
                struct phone p = {0};

                phone_begins(w, &p, (struct reg_text){.integrity = NULL});
                give_sd_av(w, &p);
                take_challenge(w, &p);
                assert_int_equal(push(w, NULL, NEW, i ? DIGEST_MD5 : DIGEST_SHA256), 0);
                p.password = i ? NEW : OLD;
                phone_answers(w, &p, (struct reg_text){.integrity = NULL});
                give_profile(w, PROFILE_ALICE);
                expect(w, 200, VERDICT_OK, CAUSE_registered);
                phone_begins(w, &p, (struct reg_text){.integrity = NULL, .headers = "Expires: 0\r\n"});
                p.algorithm = i ? DIGEST_MD5 : DIGEST_SHA256; /* what the record has now */
                p.password = NEW;
                take_challenge(w, &p);
                phone_answers(w, &p, (struct reg_text){.integrity = NULL, .headers = "Expires: 0\r\n"});
                give_profile(w, NULL);
                expect(w, 200, VERDICT_OK, CAUSE_deregistered);
                assert_int_equal(w->reg.store.users.n, 0);
        }
        proves("DIG-062");
}

/* With the same H(A1) twice, the later one is what an answer proves. */
static void the_latest_is_tried_first(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        struct digest_user *d;

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        d = user_find(&w->reg.store, SPAN(IMPI))->digest;
        memcpy(d->old->key.ha1, d->key.ha1, sizeof(d->key.ha1));
        assert_true(takes(w, &p, NEW));
        assert_true(d->key.proved);
        assert_null(d->old);
        proves("DIG-066");
}

static void changed_back(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        assert_int_equal(push(w, NULL, OLD, DIGEST_MD5), 0);
        assert_int_equal(push(w, NULL, OLD, DIGEST_MD5), 0); /* again: nothing changes */
        assert_true(takes(w, &p, OLD));
        assert_false(takes(w, &p, NEW));
}

static void what_ppa_says(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        struct cx_ppr m = {.impi = SPAN(IMPI), .has_item = true};
        char ha1[DIGEST_HEX_MAX];

        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), -IMS_ENOTFOUND);
        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, "other@" DOMAIN, NEW, DIGEST_MD5), -IMS_ENOTFOUND);
        sd_item(&p, ha1, &m.item);
        m.item.digest.ha1 = SPAN("abc");
        assert_int_equal(registrar_ppr(&w->reg, &m), -IMS_EPROTO);
        sd_item(&p, ha1, &m.item);
        m.item.scheme = SPAN(CX_SCHEME_AKA);
        assert_int_equal(registrar_ppr(&w->reg, &m), -IMS_EUNSUPPORTED);
        assert_true(takes(w, &p, OLD));
        w->conf.digest.keep_ha1 = false;
        assert_true(takes(w, &p, OLD));
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        assert_false(digest_has_key(user_find(&w->reg.store, SPAN(IMPI))->digest));
}

static void aka_users_have_no_password(void **state)
{
        struct world *w = *state;

        world_attach(w, 1, 1);
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), -IMS_EUNSUPPORTED);
        assert_null(user_find(&w->reg.store, SPAN(IMPI))->digest);
}

/* The registration came back from the HSS, H(A1) did not: a push may bring it, else the next REGISTER asks.
 */
static void restored_user(void **state)
{
        struct world *w = *state;
        struct cx_restoration r = {.impi = SPAN(IMPI), .scheme = SPAN(CX_SCHEME_DIGEST), .n_info = 1};
        struct cx_saa *a = calloc(1, sizeof(*a));
        struct phone p = {.cseq = 1};
        struct user *u;

        r.info[0].contact = SPAN("<sip:alice@192.0.2.10:31061>");
        r.info[0].call_id = SPAN("x");
        a->h.origin_host = SPAN("hss." DOMAIN);
        a->user_data = SPAN(PROFILE_ALICE);
        a->restorations = &r;
        a->n_restorations = 1;
        assert_int_equal(registrar_restore(&w->reg, SPAN(ALICE), a), 0);
        free(a);
        u = user_find(&w->reg.store, SPAN(IMPI));
        assert_false(digest_has_key(u->digest));
        assert_int_equal(push(w, NULL, OLD, DIGEST_MD5), 0);
        assert_true(digest_has_key(u->digest));
        digest_forget(u->digest);
        phone_begins(w, &p, (struct reg_text){.integrity = "no"}); /* AKA it was not */
        expect(w, 403, VERDICT_REFUSED, CAUSE_scheme_not_supported);
        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
}

static void rtr_ends_it(void **state)
{
        struct world *w = *state;
        struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_SERVER_CHANGE};
        struct phone p = {0};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        assert_int_equal(w->reg.store.users.n, 0); /* H(A1), old H(A1), nonces */
        assert_int_equal(world_timers(w), 0);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL}); /* the old password is of no use */
        p.password = NEW;
        give_sd_av(w, &p);
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* Work under way keeps the user; what was known of the password before goes all the same. */
static void rtr_while_work_is_under_way(void **state)
{
        struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_SERVER_CHANGE};
        struct world *w = *state;
        struct phone p = {0}, now = {.password = NEW};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_cx(w)->sat, CX_SAT_ADMINISTRATIVE_DEREGISTRATION);
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_deregistered_by_hss);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &now); /* it is asked again */
        give_profile(w, NULL);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        assert_int_equal(w->reg.store.users.n, 0);
        phone_begins(w, &now, (struct reg_text){.integrity = NULL}); /* who asked before the RTR, too */
        assert_int_equal(open_cx(w), 1);
        assert_int_equal(registrar_rtr(&w->reg, &m), -IMS_ENOTFOUND);
        give_sd_av(w, &now);
        take_challenge(w, &now);
        phone_answers(w, &now, (struct reg_text){.integrity = NULL});
        give_profile(w, PROFILE_ALICE);
        expect(w, 200, VERDICT_OK, CAUSE_registered);
}

/* The first REGISTER waits for its MAA, which left the HSS before the change. */
static void change_while_the_hss_is_asked(void **state)
{
        struct world *w = *state;
        struct phone p = {.password = OLD}, now = {.password = NEW};

        for (int keep = 1; keep >= 0; keep--) {
                w->conf.digest.keep_ha1 = keep;
                phone_begins(w, &now, (struct reg_text){.integrity = NULL});
                assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
                give_sd_av(w, &p);
                assert_null(user_find(&w->reg.store, SPAN(IMPI))->digest->old);
                take_challenge(w, &now);
                phone_answers(w, &now, (struct reg_text){.headers = "Expires: 60\r\n"});
                give_profile(w, PROFILE_ALICE);
                assert_int_equal(last_reply(w)->status, 200);
                world_sleep(w, 100000);
                give_profile(w, NULL);
                assert_int_equal(w->reg.store.users.n, 0);
        }
}

/* It was authenticated, and the HSS is not asked yet: no old password stays for the whole registration. */
static void change_while_the_registration_is_stored(void **state)
{
        struct world *w = *state;
        struct phone p = {.password = OLD};

        phone_begins(w, &p, (struct reg_text){.integrity = NULL});
        give_sd_av(w, &p);
        take_challenge(w, &p);
        phone_answers(w, &p, (struct reg_text){.integrity = NULL});
        assert_int_equal(last_cx(w)->sat, CX_SAT_REGISTRATION);
        assert_int_equal(push(w, NULL, NEW, DIGEST_MD5), 0);
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
        assert_true(takes(w, &p, NEW));
        assert_false(takes(w, &p, OLD));
        proves("DIG-061 DIG-062");
}

/* Answers a challenge of the registered user with this password. */
static void comes(struct world *w, struct phone *p)
{
        phone_begins(w, p, (struct reg_text){.cseq = p->cseq});
        take_challenge(w, p);
        phone_answers(w, p, (struct reg_text){.integrity = NULL});
}

/* The HSS could not tell of it: the new password is no wrong one for that. */
static void change_that_was_not_pushed(void **state)
{
        struct world *w = *state;
        struct phone p = {.password = OLD}, now = {.password = NEW, .cseq = 100},
                     thief = {.password = "x", .cseq = 200};

        phone_attach(w, &p, (struct reg_text){.integrity = NULL});
        comes(w, &thief);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong); /* it was heard just now */
        world_sleep(w, 60000);
        comes(w, &now);
        assert_int_equal(open_cx(w), 1);
        give_sd_av(w, &now);
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
        assert_null(user_find(&w->reg.store, SPAN(IMPI))->digest->old);
        for (int i = 0; i < 3; i++) { /* who has no password costs no more than one MAR a minute */
                comes(w, &thief);
                assert_int_equal(open_cx(w), 0);
                expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        }
        world_sleep(w, 60000);
        comes(w, &thief);
        give_sd_av(w, &now);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        world_sleep(w, 60000);
        comes(w, &thief);
        answer_maa(w, -IMS_ETIMEOUT, dia_base(DIA_SUCCESS), 1, 0);
        expect(w, 403, VERDICT_REFUSED, CAUSE_password_wrong);
        comes(w, &thief);
        assert_int_equal(open_cx(w), 0);
        comes(w, &now);
        give_profile(w, NULL);
        expect(w, 200, VERDICT_OK, CAUSE_refreshed);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(new_password_counts_at_once),
                TEST(old_password_ends_in_time),
                TEST(three_changes_leave_two),
                TEST(of_unused_ones_the_oldest_goes),
                TEST(change_while_a_challenge_is_out),
                TEST(the_latest_is_tried_first),
                TEST(changed_back),
                TEST(what_ppa_says),
                TEST(aka_users_have_no_password),
                TEST(restored_user),
                TEST(rtr_ends_it),
                TEST(rtr_while_work_is_under_way),
                TEST(change_while_the_hss_is_asked),
                TEST(change_while_the_registration_is_stored),
                TEST(change_that_was_not_pushed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
