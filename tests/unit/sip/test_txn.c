/* SPDX-License-Identifier: BSD-3-Clause
 * Client transactions: time-outs, repetitions, answers. RFC 3261 17.1, RFC 6026. */
#include "common/sip/txn_table.h"
#include "tests/unit/sip/duo.h"

static void tables_are_sound(void **state)
{
        static const struct fsm *const all[] = {&sip_fsm_invite_client, &sip_fsm_client,
                                                &sip_fsm_invite_server, &sip_fsm_server};
        struct span why = SPAN_NULL;

        (void)state;
        for (size_t i = 0; i < 4; i++)
                if (fsm_check(all[i], &why) != 0)
                        fail_msg("%s: " SPAN_FMT, all[i]->name, SPAN_ARG(why));
}

/* --- client: other than INVITE --------------------------------------------------------------------- */

/* 64*T1 of 20 ms, T2 80 ms: at 0 20 60 140 220 ... 1260, 18 in all (RFC 3261 17.1.2.2); a slow machine may
 * lose some at the end, never the doubling. */
static void request_is_repeated_until_timer_f(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "REGISTER", 0, &d.t);
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.err, -IMS_ETIMEOUT);
        assert_int_equal(d.call.reports, 1);
        WAIT_FOR(&d.w, d.r.n == d.n.again_out + 1); /* the last one may still be on its way */
        assert_in_range(d.r.n, 5, 18);
        for (unsigned i = 1; i < d.r.n; i++)
                assert_string_equal(d.r.got[0], d.r.got[i]);
        assert_int_equal(live_clients(&d.n), 0);
        duo_stop(&d);
}

static void provisional_slows_down_and_final_ends(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "OPTIONS", 0, &d.t);
        WAIT_FOR(&d.w, d.r.n == 2);
        raw_answer(&d.r, 0, "100 Trying", "");
        WAIT_FOR(&d.w, d.call.provisional == 1);
        WAIT_FOR(&d.w, d.r.n >= 4); /* goes on at T2 */
        assert_int_equal(unanswered(&d.n), 1);
        raw_answer(&d.r, 0, "486 Busy Here", "");
        raw_answer(&d.r, 0, "486 Busy Here", "");
        raw_answer(&d.r, 0, "200 OK", "");
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.status, 486);
        assert_int_equal(unanswered(&d.n), 0);   /* K may still run */
        WAIT_FOR(&d.w, live_clients(&d.n) == 0); /* K */
        assert_int_equal(d.call.reports, 1);
        assert_int_equal(d.n.strays, 0); /* copies were absorbed */
        raw_answer(&d.r, 0, "486 Busy Here", "");
        WAIT_FOR(&d.w, d.n.strays == 1);
        duo_stop(&d);
}

static void stray_responses(void **state)
{
        struct duo d;
        char forged[2048], *at;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "OPTIONS", 0, &d.t);
        WAIT_FOR(&d.w, d.r.n >= 1);
        /* another branch, another method in CSeq, another sent-by: none is ours */
        at = strstr(d.r.got[0], "z9hG4bK") + 7;
        at[0] ^= 1;
        raw_answer(&d.r, 0, "200 OK", "");
        at[0] ^= 1;
        WAIT_FOR(&d.w, d.n.strays == 1);
        (void)snprintf(forged, sizeof(forged), "%s", d.r.got[0]);
        memcpy(strstr(d.r.got[0], "7 OPTIONS"), "7 MESSAGE", 9);
        raw_answer(&d.r, 0, "200 OK", "");
        WAIT_FOR(&d.w, d.n.strays == 2);
        memcpy(d.r.got[0], forged, strlen(forged));
        memcpy(strstr(d.r.got[0], "127.0.0.1:"), "127.0.0.9:", 10);
        raw_answer(&d.r, 0, "200 OK", "");
        WAIT_FOR(&d.w, d.n.strays == 3);
        assert_false(d.call.done);
        memcpy(d.r.got[0], forged, strlen(forged));
        raw_answer(&d.r, 0, "200 OK", "");
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.status, 200);
        duo_stop(&d);
}

static void answer_ms_bounds_the_wait(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.t1_ms = 1000});
        d.t.answer_ms = 30;
        call_start(&d.call, &d.n, "REGISTER", 0, &d.t);
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.err, -IMS_ETIMEOUT);
        assert_int_equal(d.r.n, 1); /* T1 never came */
        duo_stop(&d);
}

static void target_has_timers_of_its_own(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.t1_ms = 60000, .t2_ms = 60000});
        d.t.t1_ms = 5;
        d.t.t2_ms = 10;
        call_start(&d.call, &d.n, "REGISTER", 0, &d.t);
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.err, -IMS_ETIMEOUT);
        assert_true(d.r.n > 5);
        duo_stop(&d);
}

/* --- client: INVITE --------------------------------------------------------------------------------- */

static void invite_is_repeated_until_timer_b(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "INVITE", 0, &d.t);
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.err, -IMS_ETIMEOUT);
        assert_in_range(d.r.n, 4, 7); /* 0 20 60 140 300 620 1260 */
        duo_stop(&d);
}

static void refused_invite_gets_its_ack(void **state)
{
        struct duo d;
        char *ack;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "INVITE", 0, &d.t);
        WAIT_FOR(&d.w, d.r.n == 1);
        raw_answer(&d.r, 0, "180 Ringing", "");
        WAIT_FOR(&d.w, d.call.provisional == 1);
        world_pass(&d.w, 100);
        assert_int_equal(d.r.n, 1); /* no retransmission in Proceeding */
        raw_answer(&d.r, 0, "486 Busy Here", "");
        WAIT_FOR(&d.w, d.r.n == 2);
        assert_true(d.call.done);
        assert_int_equal(d.call.status, 486);
        ack = d.r.got[1];
        assert_int_equal(strncmp(ack, "ACK sip:bob@example.net SIP/2.0\r\n", 33), 0);
        assert_non_null(strstr(ack, "\r\nTo: <sip:bob@example.net>;tag=raw\r\n"));
        assert_non_null(strstr(ack, "\r\nCSeq: 7 ACK\r\n"));
        assert_int_equal(strncmp(strstr(ack, "\r\nVia: "), strstr(d.r.got[0], "\r\nVia: "), 60), 0);
        raw_answer(&d.r, 0, "486 Busy Here", ""); /* the ACK was lost */
        WAIT_FOR(&d.w, d.r.n == 3);
        assert_string_equal(ack, d.r.got[2]);
        assert_int_equal(d.call.reports, 1);
        duo_stop(&d);
}

static void further_2xx_are_for_the_node(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "INVITE", 0, &d.t);
        WAIT_FOR(&d.w, d.r.n == 1);
        raw_answer(&d.r, 0, "200 OK", "");
        raw_answer(&d.r, 0, "200 OK", "");
        WAIT_FOR(&d.w, d.n.strays == 1);
        assert_int_equal(d.call.reports, 1);
        assert_int_equal(d.r.n, 1);              /* ACK for 2xx is the node's */
        WAIT_FOR(&d.w, live_clients(&d.n) == 0); /* M */
        duo_stop(&d);
}

static void cancel_waits_for_a_provisional(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, NULL);
        call_start(&d.call, &d.n, "INVITE", 0, &d.t);
        sip_client_cancel(d.call.c);
        WAIT_FOR(&d.w, d.r.n == 2); /* only the INVITE again */
        assert_int_equal(strncmp(d.r.got[1], "INVITE ", 7), 0);
        raw_answer(&d.r, 0, "100 Trying", "");
        WAIT_FOR(&d.w, d.r.n == 3);
        assert_int_equal(strncmp(d.r.got[2], "CANCEL sip:bob@example.net ", 27), 0);
        assert_non_null(strstr(d.r.got[2], "\r\nCSeq: 7 CANCEL\r\n"));
        assert_null(strstr(d.r.got[2], "tag=raw"));
        assert_int_equal(strncmp(strstr(d.r.got[2], "\r\nVia: "), strstr(d.r.got[0], "\r\nVia: "), 60), 0);
        raw_answer(&d.r, 2, "200 OK", "");
        raw_answer(&d.r, 0, "487 Request Terminated", "");
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.status, 487);
        WAIT_FOR(&d.w, strncmp(d.r.got[d.r.n - 1], "ACK ", 4) == 0);
        duo_stop(&d);
}

/* RFC 3261 9.1: a server that never ends a canceled INVITE is given 64*T1. */
static void cancel_that_nobody_answers(void **state)
{
        struct duo d;

        (void)state;
        duo_start(&d, &(struct sip_stack_conf){.t1_ms = 10});
        call_start(&d.call, &d.n, "INVITE", 0, &d.t);
        WAIT_FOR(&d.w, d.r.n >= 1);
        raw_answer(&d.r, 0, "180 Ringing", "");
        WAIT_FOR(&d.w, d.call.provisional);
        sip_client_cancel(d.call.c);
        sip_client_cancel(d.call.c);
        WAIT_FOR(&d.w, d.call.done);
        assert_int_equal(d.call.err, -IMS_ETIMEOUT);
        duo_stop(&d);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tables_are_sound),
                cmocka_unit_test(request_is_repeated_until_timer_f),
                cmocka_unit_test(provisional_slows_down_and_final_ends),
                cmocka_unit_test(stray_responses),
                cmocka_unit_test(answer_ms_bounds_the_wait),
                cmocka_unit_test(target_has_timers_of_its_own),
                cmocka_unit_test(invite_is_repeated_until_timer_b),
                cmocka_unit_test(refused_invite_gets_its_ack),
                cmocka_unit_test(further_2xx_are_for_the_node),
                cmocka_unit_test(cancel_waits_for_a_provisional),
                cmocka_unit_test(cancel_that_nobody_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
