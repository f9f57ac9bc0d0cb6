/* SPDX-License-Identifier: BSD-3-Clause
 * The life of a set of SAs at the P-CSCF, rule by rule. TS 33.203 7.4.2a, M.7.4.2a. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/sa_fix.h"

#define ALICE "alice@ims.example"
#define IP    "192.0.2.10"

static int setup(void **state)
{
        *state = world_new(AWAIT_MS, 30000);
        return 0;
}

static int setup_short(void **state)
{
        *state = world_new(150, 300);
        return 0;
}

static int teardown(void **state)
{
        world_free(*state);
        return 0;
}

static uint64_t lives_ms(const struct sa_world *w, const struct sa_set *s)
{
        return s->expires_ms - loop_now_ms(w->loop);
}

static void table_is_sound(void **state)
{
        struct span why;

        (void)state;
        if (fsm_check(&sa_set_fsm, &why) != 0)
                fail_msg(SPAN_FMT, SPAN_ARG(why));
}

/* --- lifetimes ------------------------------------------------------------------------------------ */

static void registration_is_short(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);

        (void)open_set(w, &o);
        pass(w, 80);
        assert_int_equal(fake_sa_sets(), 1);
        pass(w, 120);
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(sa_table_assocs(w->table), 0);
        proves("SA-071 SA-054");
}

static void success_lengthens(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = registered(w, ALICE, IP, 31000);

        assert_in_range(lives_ms(w, s), 3629000, 3630000); /* the registration and the margin */
        s = renewed(w, s, 31001, 600);
        assert_in_range(lives_ms(w, s), 3629000, 3630000); /* as the old ones would */
        sa_heard(s);
        s = renewed(w, s, 31002, 7200);
        assert_in_range(lives_ms(w, s), 7229000, 7230000);
        proves("SA-076");
}

static void refresh_never_shortens(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = registered(w, ALICE, IP, 31000);

        sa_refreshed(s->assoc, 60);
        assert_in_range(lives_ms(w, s), 3629000, 3630000);
        sa_refreshed(s->assoc, 7200);
        assert_in_range(lives_ms(w, s), 7229000, 7230000);
        proves("SA-083");
}

static void ends_with_its_lifetime(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *s = open_set(w, &o);

        sa_confirm(s, 0); /* the margin alone: 300 ms */
        use(w, s, 1);     /* whatever is under way */
        pass(w, 200);
        assert_int_equal(fake_sa_sets(), 1);
        pass(w, 200);
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(sa_table_sets(w->table), 0);
        proves("SA-084 SA-065");
}

static void answer_gives_time(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *s = open_set(w, &o);

        pass(w, 20);
        assert_true(lives_ms(w, s) <= AWAIT_MS - 20);
        sa_answered(s);
        assert_int_equal(lives_ms(w, s), AWAIT_MS);
        assert_int_equal(s->timer.at_ms, s->expires_ms);
}

/* --- old and new ---------------------------------------------------------------------------------- */

static void old_ones_stay_in_use(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000), *s;

        use(w, old, 1);
        s = renewed(w, old, 31001, 3600);
        assert_int_equal(s->state, SA_SET_WAITING);
        assert_ptr_equal(s->assoc, old->assoc);
        assert_ptr_equal(s->assoc->in_use, old); /* what goes to the UE */
        assert_int_equal(fake_sa_sets(), 2);
        sa_heard(old); /* nothing on the new one */
        assert_ptr_equal(s->assoc->in_use, old);
        sa_heard(s);
        assert_ptr_equal(s->assoc->in_use, s);
        assert_int_equal(old->state, SA_SET_LEAVING);
        assert_int_equal(fake_sa_sets(), 2); /* a transaction is under way on the old one */
        use(w, old, -1);
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(fake_sa_set(0)->ue_ends.port_c, 31001);
        proves("SA-092 SA-094 SA-073");
}

static void no_transaction_no_delay(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = renewed(w, registered(w, ALICE, IP, 31000), 31001, 3600);

        sa_heard(s);
        assert_int_equal(fake_sa_sets(), 1);
        assert_ptr_equal(s->assoc->in_use, s);
        proves("SA-060");
}

/* SM1 in clear: the UE has lost the old ones. */
static void clear_sm1_removes_old(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000), *s;
        struct sa_open o = open_of(ALICE, IP, 31001, NULL);

        use(w, old, 1);
        s = open_set(w, &o);
        assert_ptr_equal(s->assoc, old->assoc);
        assert_int_equal(fake_sa_sets(), 2); /* until SM12 */
        assert_ptr_equal(s->assoc->in_use, old);
        sa_confirm(s, 3600);
        assert_int_equal(fake_sa_sets(), 1);
        assert_ptr_equal(s->assoc->in_use, s);
        proves("SA-090");
}

/* SM1 over the set in use while another one waits: the one that waited goes. */
static void other_old_ones_go(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000);
        struct sa_set *second = renewed(w, old, 31001, 3600);
        struct sa_set *third = renewed(w, old, 31002, 3600); /* the UE did not get the 200 */

        (void)second;
        assert_int_equal(fake_sa_sets(), 2);
        assert_ptr_equal(third->assoc->in_use, old);
        assert_int_equal(third->state, SA_SET_WAITING);
        assert_int_equal(fake_sa_set(0)->ue_ends.port_c, 31000);
        assert_int_equal(fake_sa_set(1)->ue_ends.port_c, 31002);
        proves("SA-091");
}

static void unfinished_one_is_replaced(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000);
        struct sa_open o = open_of(ALICE, IP, 31001, old->assoc);
        struct sa_set *s;

        (void)open_set(w, &o);
        o = open_of(ALICE, IP, 31002, NULL); /* another registration, in clear */
        s = open_set(w, &o);
        assert_int_equal(fake_sa_sets(), 2);
        assert_int_equal(fake_sa_set(1)->ue_ends.port_c, 31002);
        assert_int_equal(s->state, SA_SET_REGISTRATION);
        proves("SA-058 SA-089");
}

static void new_one_before_the_old_ends(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *old = open_set(w, &o), *s;

        sa_confirm(old, 0); /* 300 ms */
        use(w, old, 1);
        s = renewed(w, old, 31001, 3600);
        assert_ptr_equal(s->assoc->in_use, old);
        pass(w, 200); /* shortly before the end: half of the margin here */
        assert_ptr_equal(s->assoc->in_use, s);
        assert_int_equal(fake_sa_sets(), 2);
        pass(w, 200); /* the old one ends whatever is under way on it */
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(fake_sa_set(0)->ue_ends.port_c, 31001);
        proves("SA-095 SA-079 SA-092");
}

static void newest_at_once(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000), *s;

        w->conf.newest_sa = true;
        s = renewed(w, old, 31001, 3600);
        assert_ptr_equal(s->assoc->in_use, s);
        assert_int_equal(fake_sa_sets(), 1);
}

/* SM7 and its repetitions are no further message. */
static void answer_is_no_further_message(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000);
        struct sa_open o = open_of(ALICE, IP, 31001, old->assoc);
        struct sa_set *s = open_set(w, &o);

        sa_heard(s);
        assert_int_equal(s->state, SA_SET_REGISTRATION);
        sa_confirm(s, 3600);
        assert_int_equal(s->state, SA_SET_WAITING);
        assert_ptr_equal(s->assoc->in_use, old);
}

/* --- failure and end ------------------------------------------------------------------------------ */

static void failure_keeps_old(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000);
        struct sa_open o = open_of(ALICE, IP, 31001, old->assoc);
        struct sa_set *s = open_set(w, &o);

        use(w, s, 1); /* SM7 is answered over it */
        sa_fail(s);
        assert_int_equal(s->state, SA_SET_LEAVING);
        assert_int_equal(fake_sa_sets(), 2);
        use(w, s, -1);
        assert_int_equal(fake_sa_sets(), 1);
        assert_ptr_equal(old->assoc->in_use, old);
        assert_int_equal(old->state, SA_SET_IN_USE);
        proves("SA-082 SA-055");
}

static void last_deregistration(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *old = registered(w, ALICE, IP, 31000);
        struct sa_set *s = renewed(w, old, 31001, 3600);

        use(w, s, 1); /* the 200 leaves over it, protected */
        sa_assoc_end(s->assoc);
        assert_int_equal(fake_sa_sets(), 1);
        assert_null(s->assoc->in_use);
        use(w, s, -1);
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(sa_table_assocs(w->table), 0);
        proves("SA-085");
}

static void ending_all_at_once(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = renewed(w, registered(w, ALICE, IP, 31000), 31001, 3600);
        struct sa_open o = open_of(ALICE, IP, 31002, s->assoc);

        (void)open_set(w, &o);
        assert_int_equal(fake_sa_sets(), 3);
        sa_assoc_end(s->assoc); /* the record goes in the middle of it */
        assert_int_equal(fake_sa_sets(), 0);
        assert_int_equal(sa_table_assocs(w->table), 0);
}

/* A transaction that ends after its set has gone is nobody's. */
static void stray_ends(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = registered(w, ALICE, IP, 31000);
        struct sip_flow f = {
                .transport = TRANSPORT_UDP, .local = s->params.pcscf, .remote = s->pairs[0].remote};

        addr_set_port(&f.local, s->pairs[0].local_port);
        sa_use(w->table, &f, 1);
        sa_remove_set(s);
        sa_use(w->table, &f, -1);
        s = registered(w, ALICE, IP, 31000); /* the same ports */
        sa_use(w->table, &f, -1);
        assert_int_equal(s->n_used, 0);
        assert_int_equal(fake_sa_sets(), 1);
}

/* --- NAT ------------------------------------------------------------------------------------------ */

static void port_is_learned_and_followed(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct addr from = addr_of(IP);
        struct sa_set *s;

        o.mode = SEC_MODE_UDP_ENC_TUN;
        s = open_set(w, &o);
        assert_int_equal(s->params.port_uenc, 0);
        addr_set_port(&from, 61234);
        sa_mapped(s, &from);
        assert_int_equal(fake_sa_set(0)->port_uenc, 61234);
        sa_mapped(s, &from);
        assert_int_equal(fake_sa_calls(FAKE_SA_FOLLOW), 1); /* nothing new */
        addr_set_port(&from, 61235);
        sa_mapped(s, &from);
        assert_int_equal(fake_sa_set(0)->port_uenc, 61235);
        from = addr_of("192.0.2.77");
        addr_set_port(&from, 1);
        sa_mapped(s, &from); /* another address is another UE (7.5) */
        assert_int_equal(fake_sa_set(0)->port_uenc, 61235);
        proves("NAT-011");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(table_is_sound),
                cmocka_unit_test_setup_teardown(registration_is_short, setup_short, teardown),
                cmocka_unit_test_setup_teardown(success_lengthens, setup, teardown),
                cmocka_unit_test_setup_teardown(refresh_never_shortens, setup, teardown),
                cmocka_unit_test_setup_teardown(answer_gives_time, setup, teardown),
                cmocka_unit_test_setup_teardown(ends_with_its_lifetime, setup_short, teardown),
                cmocka_unit_test_setup_teardown(old_ones_stay_in_use, setup, teardown),
                cmocka_unit_test_setup_teardown(no_transaction_no_delay, setup, teardown),
                cmocka_unit_test_setup_teardown(clear_sm1_removes_old, setup, teardown),
                cmocka_unit_test_setup_teardown(other_old_ones_go, setup, teardown),
                cmocka_unit_test_setup_teardown(unfinished_one_is_replaced, setup, teardown),
                cmocka_unit_test_setup_teardown(new_one_before_the_old_ends, setup_short, teardown),
                cmocka_unit_test_setup_teardown(newest_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(answer_is_no_further_message, setup, teardown),
                cmocka_unit_test_setup_teardown(failure_keeps_old, setup, teardown),
                cmocka_unit_test_setup_teardown(last_deregistration, setup, teardown),
                cmocka_unit_test_setup_teardown(ending_all_at_once, setup, teardown),
                cmocka_unit_test_setup_teardown(stray_ends, setup, teardown),
                cmocka_unit_test_setup_teardown(port_is_learned_and_followed, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
