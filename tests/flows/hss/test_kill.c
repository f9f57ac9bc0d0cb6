/* SPDX-License-Identifier: BSD-3-Clause
 * No vector is issued twice: the HSS is killed (SIGKILL) at random moments under a load of MARs, and cut
 * off in the middle of a commit, and started again; every SQN is above all that left before. TS 33.102
 * C.1.1. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
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
                loop_once(lab->loop);
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

/* --- cut off in the commit --- */

#define IMPI "001010000000001@" DOMAIN
#define IMPU "sip:" IMPI

/* The write-ahead log may not grow any more, so that the next commit fails where it writes: by SIGXFSZ,
 * which ends the HSS there and then, or, when that is ignored, by an error. */
static void cut(struct lab *lab, bool on)
{
        char wal[128];
        struct stat st;
        struct rlimit limit;
        (void)snprintf(wal, sizeof wal, "%s/hss.db-wal", lab->dir);
        assert_int_equal(stat(wal, &st), 0);
        assert_int_equal(prlimit(lab->hss, RLIMIT_FSIZE, NULL, &limit), 0);
        limit.rlim_cur = on ? (rlim_t)st.st_size : limit.rlim_max;
        assert_int_equal(prlimit(lab->hss, RLIMIT_FSIZE, &limit, NULL), 0);
}

static struct dia_result mar(struct lab *lab, struct lab_maa *m)
{
        assert_true(lab_mar(lab, IMPI, IMPU, 1, m));
        lab_wait(lab, &m->done);
        return m->result;
}

/* A running HSS that has given vectors out. */
static uint64_t begin(struct lab *lab)
{
        struct lab_maa m;
        uint64_t sqn = 0;
        lab_open(lab, "");
        assert_int_equal(lab_hss(lab, "subscriber add --imsi 001010000000001 --k " K " --opc " OPC, NULL), 0);
        lab_start(lab);
        for (int i = 0; i < 20; i++) { /* the log of the database is then larger than that of the program */
                assert_result(mar(lab, &m), dia_base(DIA_SUCCESS));
                assert_true(lab_sqn(&m, 0) > sqn);
                sqn = lab_sqn(&m, 0);
        }
        return sqn;
}

/* The end comes when the commit writes: no answer may have left before. */
static void killed_in_commit(void **state)
{
        (void)state;
        static struct lab lab;
        struct lab_maa m;
        uint64_t sqn = begin(&lab);
        for (int round = 0; round < 5; round++) {
                cut(&lab, true);
                (void)mar(&lab, &m);
                assert_int_not_equal(m.err, 0);
                assert_int_equal(m.n, 0);
                assert_int_equal(lab_wait_end(&lab), SIGXFSZ);
                lab_start(&lab);
                for (int i = 0; i < 20; i++) {
                        assert_result(mar(&lab, &m), dia_base(DIA_SUCCESS));
                        assert_true(lab_sqn(&m, 0) > sqn);
                        sqn = lab_sqn(&m, 0);
                }
        }
        lab_close(&lab);
}

/* The commit fails, as on a full disk: an error leaves and no vector, and later all is well again. */
static void commit_fails(void **state)
{
        (void)state;
        static struct lab lab;
        struct lab_maa m;
        struct lab_saa s;
        struct lab_uaa u;
        (void)signal(SIGXFSZ, SIG_IGN); /* the HSS inherits it */
        uint64_t sqn = begin(&lab);
        (void)signal(SIGXFSZ, SIG_DFL);
        cut(&lab, true);
        for (int i = 0; i < 5; i++) {
                assert_result(mar(&lab, &m), dia_base(DIA_UNABLE_TO_COMPLY));
                assert_int_equal(m.n, 0);
        }
        lab_sar(&lab, IMPI, IMPU, CX_SAT_REGISTRATION, &s);
        assert_result(s.result, dia_base(DIA_UNABLE_TO_COMPLY));
        assert_string_equal(s.user_data, "");
        lab_uar(&lab, IMPI, IMPU, &u); /* what only reads goes on */
        assert_result(u.result, dia_3gpp(CX_SUBSEQUENT_REGISTRATION));
        cut(&lab, false);
        assert_result(mar(&lab, &m), dia_base(DIA_SUCCESS));
        assert_true(lab_sqn(&m, 0) > sqn);
        lab_sar(&lab, IMPI, IMPU, CX_SAT_REGISTRATION, &s);
        assert_result(s.result, dia_base(DIA_SUCCESS));
        assert_int_equal(lab_stop(&lab, SIGTERM), 0);
        lab_close(&lab);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(killed), cmocka_unit_test(killed_in_commit),
                                           cmocka_unit_test(commit_fails)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
