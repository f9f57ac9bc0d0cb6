/* SPDX-License-Identifier: BSD-3-Clause
 * What a restarted registrar gets back from the HSS. TS 23.380 4, TS 29.228 6.1.2.1. */
#include "reg_fake.h"

#define NOW      UINT32_C(1700000000) /* of fake_wall, with its clock at 0 */
#define NTP      UINT32_C(2208988800)
#define CONTACT1 "<sip:alice@192.0.2.10:5060>;q=0.5"
#define CONTACT2 "<sip:alice@192.0.2.11:5060>"
#define PATH     "<sip:term@pcscf." DOMAIN ";lr>"
#define OTHER    "001010000000002@" DOMAIN

static int setup(void **state)
{
        struct world *w = calloc(1, sizeof(*w));

        *state = w;
        world_init(w);
        w->now = 0;
        return 0;
}

static int teardown(void **state)
{
        world_clear(*state);
        free(*state);
        return 0;
}

static struct cx_restoration stored(const char *impi, uint32_t left_s, const char *contact)
{
        struct cx_restoration r = {
                .impi = span_of(impi), .has_timeout = true, .timeout = NOW + NTP + left_s, .n_info = 1};

        r.info[0] = (struct cx_restoration_info){.path = SPAN(PATH),
                                                 .contact = span_of(contact),
                                                 .call_id = SPAN("call-1"),
                                                 .has_initial_cseq = true,
                                                 .initial_cseq = 7};
        return r;
}

static int restore(struct world *w, struct cx_restoration *r, size_t n, const char *xml)
{
        struct cx_saa *a = calloc(1, sizeof(*a));
        int rc;

        a->h.result = dia_base(DIA_SUCCESS);
        a->h.origin_host = SPAN("hss." DOMAIN);
        a->user_data = span_of(xml);
        a->restorations = r;
        a->n_restorations = n;
        rc = registrar_restore(&w->reg, SPAN(ALICE), a);
        free(a);
        return rc;
}

static void bindings_come_back(void **state)
{
        struct world *w = *state;
        struct cx_restoration r[2] = {stored(IMPI, 1000, CONTACT1), stored(OTHER, 500, CONTACT2)};
        const struct contact *c;
        struct impu *i;

        assert_int_equal(restore(w, r, 2, PROFILE_ALICE), 0);
        i = impu_find(&w->reg.store, SPAN(TEL)); /* the whole set */
        assert_non_null(i);
        c = registrar_contact(i->set, 0); /* the higher q */
        assert_true(span_eq(contact_uri(c), SPAN("sip:alice@192.0.2.11:5060")));
        assert_true(span_eq(user_impi(c->user), SPAN(OTHER)));
        assert_int_equal(c->told_ms, 500000);
        c = registrar_contact(i->set, 1);
        assert_true(span_eq(contact_value(c), SPAN(CONTACT1)));
        assert_true(span_eq(contact_path(c), SPAN(PATH)));
        assert_int_equal(c->q, 500);
        assert_int_equal(c->cseq, 7);
        assert_int_equal(c->told_ms, 1000000);
        assert_int_equal(c->user->state, REG_ST_REGISTERED);
        assert_true(span_eq(shared_text(c->user->hss), SPAN("hss." DOMAIN)));
        assert_int_equal(last_verdict(w)->cause, CAUSE_restored);
        assert_int_equal(w->n_verdicts, 1);
        assert_int_equal(restore(w, r, 2, PROFILE_ALICE), 0); /* it is there: nothing more happens */
        assert_int_equal(w->n_verdicts, 1);
        /* each ends when its time has come, and the HSS is told */
        world_sleep(w, 505000);
        assert_int_equal(last_cx(w)->sat, CX_SAT_TIMEOUT_DEREGISTRATION);
        assert_string_equal(last_cx(w)->impi, OTHER);
        give_profile(w, NULL);
        assert_int_equal(reg_set_count(impu_find(&w->reg.store, SPAN(ALICE))->set), 1);
        /* the other one is refreshed as if nothing had been */
        world_register(w, &(struct reg_text){.integrity = "yes", .cseq = 8});
        assert_int_equal(last_cx(w)->sat, CX_SAT_RE_REGISTRATION);
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
}

static void what_cannot_come_back(void **state)
{
        struct world *w = *state;
        struct cx_restoration r[2] = {stored(IMPI, 1000, CONTACT1), stored(OTHER, 0, CONTACT2)};

        assert_int_equal(restore(w, r, 0, PROFILE_ALICE), -IMS_ENOTFOUND);
        assert_int_equal(restore(w, r + 1, 1, PROFILE_ALICE), -IMS_ENOTFOUND); /* it is over */
        r[1].timeout -= 10;
        assert_int_equal(restore(w, r + 1, 1, PROFILE_ALICE), -IMS_ENOTFOUND);
        assert_int_equal(restore(w, r, 1, NULL), -IMS_ENOTFOUND);
        assert_int_equal(restore(w, r, 1, "no xml"), -IMS_EPARSE);
        assert_int_equal(restore(w, r, 1,
                                 PROFILE_HEAD
                                 "<ServiceProfile><PublicIdentity><Identity>sip:x@" DOMAIN
                                 "</Identity></PublicIdentity></ServiceProfile></IMSSubscription>"),
                         -IMS_EINVAL); /* another user's profile */
        r[0].info[0].contact = SPAN("<mailto:alice>");
        assert_int_equal(restore(w, r, 1, PROFILE_ALICE), -IMS_ENOTFOUND);
        assert_int_equal(w->reg.store.users.n, 0);
        assert_int_equal(w->reg.store.n_sets, 0);
        assert_int_equal(w->n_verdicts, 0);
        /* without its end a binding lasts as long as one that asks for nothing */
        r[0] = stored(IMPI, 0, CONTACT1);
        r[0].has_timeout = false;
        assert_int_equal(restore(w, r, 1, PROFILE_ALICE), 0);
        assert_int_equal(registrar_contact(impu_find(&w->reg.store, SPAN(ALICE))->set, 0)->told_ms,
                         (uint64_t)w->conf.default_expires_s * 1000);
}

/* Who registers just now will know better. */
static void a_registration_under_way_is_left_alone(void **state)
{
        struct world *w = *state;
        struct cx_restoration r = stored(IMPI, 1000, CONTACT1);

        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 1});
        assert_int_equal(restore(w, &r, 1, PROFILE_ALICE), -IMS_ENOTFOUND);
        assert_int_equal(w->reg.store.n_sets, 0);
        give_vectors(w, 1, 1);
        world_answer(w, 1, (struct reg_text){.cseq = 2});
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
}

/* What is stored in the HSS says when it ends. */
static void the_end_is_stored(void **state)
{
        struct world *w = *state;

        w->conf.restoration_info = true;
        world_register(w, &(struct reg_text){.integrity = "no", .cseq = 1});
        give_vectors(w, 1, 1);
        w->now = 20000;
        world_answer(w, 1, (struct reg_text){.cseq = 2, .headers = "Expires: 600\r\n"});
        assert_int_equal(last_cx(w)->n_info, 1);
        assert_int_equal(last_cx(w)->timeout, NOW + NTP + 20 + 600);
        give_profile(w, PROFILE_ALICE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(bindings_come_back, setup, teardown),
                cmocka_unit_test_setup_teardown(what_cannot_come_back, setup, teardown),
                cmocka_unit_test_setup_teardown(a_registration_under_way_is_left_alone, setup, teardown),
                cmocka_unit_test_setup_teardown(the_end_is_stored, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
