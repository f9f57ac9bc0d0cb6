/* SPDX-License-Identifier: BSD-3-Clause
 * No vector is issued twice: the HSS is killed (SIGKILL) at random moments under a load of MARs and
 * started again; every SQN is above all that left before. TS 33.102 C.1.1. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "tests/flows/hss/lab.h"

#define USERS  4
#define ROUNDS 40
#define FLIGHT 8 /* MARs under way per user */

struct user {
        char impi[96], impu[96];
        uint64_t highest;
        struct lab_maa m[FLIGHT];
        bool asked[FLIGHT];
        size_t answers;
};

/* Takes the answers that are there. Requests of one user may be answered in any order within a turn, so
 * a turn's lowest is compared with the highest of the turns before it. */
static void collect(struct user *u)
{
        uint64_t low = UINT64_MAX, high = u->highest;
        for (int i = 0; i < FLIGHT; i++) {
                if (!u->asked[i] || !u->m[i].done)
                        continue;
                u->asked[i] = false;
                if (u->m[i].err || !dia_result_ok(u->m[i].result))
                        continue; /* lost with the HSS, or tried again by the node elsewhere */
                u->answers++;
                for (size_t k = 0; k < u->m[i].n; k++) {
                        uint64_t sqn = lab_sqn(&u->m[i], k);
                        low = sqn < low ? sqn : low;
                        high = sqn > high ? sqn : high;
                }
        }
        if (low != UINT64_MAX && low <= u->highest)
                fail_msg("%s: SQN %llu after %llu", u->impi, (unsigned long long)low,
                         (unsigned long long)u->highest);
        u->highest = high;
}

static void ask(struct lab *lab, struct user *u)
{
        for (int i = 0; i < FLIGHT; i++)
                if (!u->asked[i])
                        u->asked[i] = lab_mar(lab, u->impi, u->impu, 2, &u->m[i]);
}

static void on_time(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

/* Loads the HSS for ms milliseconds. */
static void load(struct lab *lab, struct user *users, uint64_t ms)
{
        struct tmr end = {0};
        bool over = false;
        assert_int_equal(tmr_start(lab->loop, &end, ms, on_time, &over), 0);
        while (!over) {
                for (int i = 0; i < USERS; i++)
                        ask(lab, &users[i]);
                (void)uv_run(loop_uv(lab->loop), UV_RUN_ONCE);
                for (int i = 0; i < USERS; i++)
                        collect(&users[i]);
        }
}

static void killed(void **state)
{
        (void)state;
        static struct lab lab;
        static struct user users[USERS];
        lab_open(&lab, "store.checkpoint_pages: 10\n");
        for (int i = 0; i < USERS; i++) {
                char args[256];
                (void)snprintf(users[i].impi, sizeof users[i].impi, "00101000000000%d@" DOMAIN, i);
                (void)snprintf(users[i].impu, sizeof users[i].impu, "sip:00101000000000%d@" DOMAIN, i);
                (void)snprintf(args, sizeof args,
                               "subscriber add --imsi 00101000000000%d --k " K " --opc " OPC, i);
                assert_int_equal(lab_hss(&lab, args, NULL), 0);
        }
        for (int round = 0; round < ROUNDS; round++) {
                uint8_t random = 0;
                assert_int_equal(secret_random(&random, 1), 0);
                lab_start(&lab);
                /* Either at a random moment, or as soon as an answer is seen: what came with it must be
                 * durable. */
                lab.kill_after = round % 4 ? random / 4 + 1 : 0;
                load(&lab, users, round % 4 ? 20 : 20 + random / 2);
                assert_int_equal(lab_stop(&lab, SIGKILL), -1);
                /* What had left before the end still counts; the rest is lost. */
                for (int turn = 0; turn < 50; turn++)
                        (void)uv_run(loop_uv(lab.loop), UV_RUN_NOWAIT);
                for (int i = 0; i < USERS; i++)
                        collect(&users[i]);
        }
        size_t answers = 0;
        for (int i = 0; i < USERS; i++)
                answers += users[i].answers;
        (void)printf("%zu answers over %d kills\n", answers, ROUNDS);
        assert_true(answers >= ROUNDS);
        lab_close(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(killed)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
