/* SPDX-License-Identifier: BSD-3-Clause
 * The state table of the registrar. */
#include "reg_fake.h"

static void table_is_sound(void **state)
{
        struct span why = SPAN_NULL;

        (void)state;
        if (fsm_check(&reg_fsm, &why) < 0)
                fail_msg(SPAN_FMT, SPAN_ARG(why));
}

static void halves_mirror(void **state)
{
        (void)state;
        for (unsigned i = 0; i < REG_ST_REGISTERED; i++) {
                assert_int_equal(reg_state_with(i, true), i + REG_ST_REGISTERED);
                assert_int_equal(reg_state_with(i + REG_ST_REGISTERED, false), i);
                assert_int_equal(reg_state_with(i, false), i);
        }
}

static void undeclared_moves_are_refused(void **state)
{
        unsigned st = REG_ST_NOT_REGISTERED;

        (void)state;
        log_init("test", LOG_ERROR);
        assert_int_equal(fsm_move(&reg_fsm, &st, REG_ST_REGISTERED), -IMS_EPROTO); /* never without SAR */
        assert_int_equal(st, REG_ST_NOT_REGISTERED);
        assert_false(fsm_allowed(&reg_fsm, REG_ST_NOT_REGISTERED, REG_EV_ANSWER));
        assert_false(fsm_allowed(&reg_fsm, REG_ST_FETCHING, REG_EV_REGISTER)); /* it waits */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(table_is_sound),
                cmocka_unit_test(halves_mirror),
                cmocka_unit_test(undeclared_moves_are_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
