/* SPDX-License-Identifier: BSD-3-Clause
 * Group commit: answers leave after the commit, a failing commit lets nothing out but errors, a lock held
 * by another program is waited for without stopping reads, checkpoints run beside. */
#include "tests/unit/hss/fixture.h"

#include <sqlite3.h>

#include "common/base/codec.h"
#include "hss/cx_group.h"
#include "hss/store_int.h"

#define PATIENCE_MS 10000

struct test {
        struct fixture f;
        struct loop *loop;
        struct group *group;
        sqlite3 *other; /* another program */
        size_t n_answers, n_avs;
        struct dia_result results[256];
        enum cx_command commands[256];
        uint64_t highest; /* SEQ of the vectors given out */
        bool check_durable;
};

static int64_t read_number(struct test *t, const char *sql)
{
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_prepare_v2(t->other, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        int64_t n = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
        return n;
}

static void sql(struct test *t, const char *text)
{
        if (sqlite3_exec(t->other, text, NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", text, sqlite3_errmsg(t->other));
}

static void on_answer(struct job *j, void *arg)
{
        struct test *t = arg;
        t->results[t->n_answers] = j->d.result;
        t->commands[t->n_answers++] = j->command;
        t->n_avs += j->reply.n_avs;
        if (!t->check_durable || j->reply.n_avs == 0)
                return;
        /* Another program sees the SQN of a vector before the vector leaves. */
        uint8_t k[16];
        struct aka_key key = {.algorithm = AKA_MILENAGE, .k_n = 16};
        struct aka_av out;
        uint64_t sqn;
        uint16_t amf;
        const struct aka_av *av = &j->reply.avs[j->reply.n_avs - 1];
        assert_int_equal(hex_decode(SPAN(K), k, 16), 0);
        memcpy(key.k, k, 16);
        assert_int_equal(hex_decode(SPAN(OPC), key.opc, 16), 0);
        assert_int_equal(aka_check_autn(t->f.aka, &key, av->rand, av->autn, &sqn, &amf, &out), 0);
        assert_true(sqn >> 5 > t->highest);
        t->highest = sqn >> 5;
        assert_true(read_number(t, "SELECT seq FROM impi WHERE id = 1") >= (int64_t)(sqn >> 5));
}

static int setup(void **state)
{
        static struct test t;
        memset(&t, 0, sizeof t);
        fixture_open(&t.f, "store.busy: 200ms\n");
        fixture_add(&t.f, ALICE);
        fixture_add(&t.f, BOB);
        store_close(t.f.store);
        struct buf err = BUF_INIT;
        t.f.store_conf.role = STORE_SERVER;
        assert_int_equal(store_open(&t.f.store_conf, &t.f.store, &err), 0);
        t.f.env.store = t.f.store;
        assert_int_equal(loop_new(&t.loop), 0);
        assert_int_equal(sqlite3_open(t.f.db, &t.other), SQLITE_OK);
        struct group_conf c = {.env = t.f.env,
                               .busy_ms = t.f.conf->store_busy_ms,
                               .file = t.f.db,
                               .answer = on_answer,
                               .arg = &t};
        assert_int_equal(group_new(t.loop, &c, &t.group), 0);
        *state = &t;
        return 0;
}

static int teardown(void **state)
{
        struct test *t = *state;
        group_free(t->group);
        sqlite3_close(t->other);
        loop_free(t->loop);
        fixture_close(&t->f);
        return 0;
}

static void add_mar(struct test *t, const char *impi, const char *impu)
{
        struct job *j = group_job(t->group);
        assert_non_null(j);
        j->command = CX_MAR;
        j->m.mar = (struct cx_mar){.impi = span_of(impi),
                                   .impu = span_of(impu),
                                   .server_name = SPAN(SCSCF1),
                                   .n_items = 2,
                                   .h = {.origin_host = SPAN("s1"), .origin_realm = SPAN("r")},
                                   .item.scheme = SPAN(CX_SCHEME_AKA)};
        group_add(t->group, j);
}

static void add_lir(struct test *t)
{
        struct job *j = group_job(t->group);
        assert_non_null(j);
        j->command = CX_LIR;
        j->m.lir = (struct cx_lir){.impu = SPAN(ALICE_TEL)};
        group_add(t->group, j);
}

static void late(struct tmr *tm, void *arg)
{
        (void)tm;
        *(bool *)arg = true;
}

static void wait_answers(struct test *t, size_t n)
{
        struct tmr patience = {0};
        bool over = false;
        group_run(t->group); /* no input turns the loop here */
        assert_int_equal(tmr_start(t->loop, &patience, PATIENCE_MS, late, &over), 0);
        while (t->n_answers < n && !over)
                loop_once(t->loop);
        tmr_stop(t->loop, &patience);
        assert_int_equal(t->n_answers, n);
}

static void answers_after_commit(void **state)
{
        struct test *t = *state;
        t->check_durable = true;
        for (int turn = 0; turn < 5; turn++) {
                for (int i = 0; i < 7; i++)
                        add_mar(t, ALICE_IMPI, ALICE_SIP);
                assert_int_equal(t->n_answers, 7 * (size_t)turn); /* nothing before the turn ends */
                group_run(t->group);
                assert_int_equal(t->n_answers, 7 * (size_t)turn + 7);
        }
        for (size_t i = 0; i < t->n_answers; i++)
                assert_result(t->results[i], dia_base(DIA_SUCCESS));
        assert_int_equal(t->n_avs, 70);
}

/* A refused request among good ones costs only itself. */
static void refusal_in_group(void **state)
{
        struct test *t = *state;
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        add_mar(t, ALICE_IMPI, BOB_SIP);
        add_mar(t, BOB_IMPI, BOB_SIP);
        group_run(t->group);
        assert_int_equal(t->n_answers, 3);
        assert_result(t->results[0], dia_base(DIA_SUCCESS));
        assert_result(t->results[1], dia_3gpp(CX_ERROR_IDENTITIES_DONT_MATCH));
        assert_result(t->results[2], dia_base(DIA_SUCCESS));
        assert_int_equal(read_number(t, "SELECT count(*) FROM registration WHERE pending"), 2);
}

static int refuse_commit(void *arg)
{
        return *(int *)arg; /* not 0: the commit becomes a rollback */
}

static void commit_fails(void **state)
{
        struct test *t = *state;
        int refuse = 1;
        sqlite3_commit_hook(t->f.store->db, refuse_commit, &refuse);
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        add_lir(t);
        add_mar(t, BOB_IMPI, BOB_SIP);
        group_run(t->group);
        assert_int_equal(t->n_answers, 3);
        for (int i = 0; i < 3; i++)
                assert_result(t->results[i], dia_base(DIA_UNABLE_TO_COMPLY));
        assert_int_equal(t->n_avs, 0);
        assert_int_equal(read_number(t, "SELECT max(seq) FROM impi"), 0);
        refuse = 0;
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        group_run(t->group);
        assert_result(t->results[3], dia_base(DIA_SUCCESS));
        sqlite3_commit_hook(t->f.store->db, NULL, NULL);
}

static void disk_full(void **state)
{
        struct test *t = *state;
        char limit[64];
        /* SQLite says SQLITE_FULL when the file may not grow: restoration data make it. */
        (void)snprintf(limit, sizeof limit, "PRAGMA max_page_count = %d",
                       (int)read_number(t, "PRAGMA page_count"));
        assert_int_equal(store_exec(t->f.store, limit), 0);
        static char path[60000];
        memset(path, 'p', sizeof path);
        struct job *j = group_job(t->group);
        j->command = CX_SAR;
        j->m.sar = (struct cx_sar){
                .impi = SPAN(ALICE_IMPI),
                .impus = {.v = {SPAN(ALICE_SIP)}, .n = 1},
                .server_name = SPAN(SCSCF1),
                .type = CX_SAT_REGISTRATION,
                .has_restoration = true,
                .restoration = {.impi = SPAN(ALICE_IMPI),
                                .n_info = 1,
                                .info = {{.path = span_make(path, sizeof path), .contact = SPAN("c")}}}};
        group_add(t->group, j);
        add_mar(t, BOB_IMPI, BOB_SIP);
        group_run(t->group);
        assert_int_equal(t->n_answers, 2);
        assert_result(t->results[0], dia_base(DIA_UNABLE_TO_COMPLY));
        assert_result(t->results[1], dia_base(DIA_UNABLE_TO_COMPLY));
        assert_int_equal(t->n_avs, 0);
        assert_string_equal(store_trouble(t->f.store), "there is no room for the database: its disk is full");
        assert_int_equal(read_number(t, "SELECT count(*) FROM implicit_set WHERE state"), 0);
        add_mar(t, BOB_IMPI, BOB_SIP);
        group_run(t->group);
        assert_result(t->results[2], dia_base(DIA_SUCCESS));
}

static void read_only(void **state)
{
        struct test *t = *state;
        assert_int_equal(store_exec(t->f.store, "PRAGMA query_only = ON"), 0);
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        group_run(t->group);
        assert_result(t->results[0], dia_base(DIA_UNABLE_TO_COMPLY));
        assert_string_equal(store_trouble(t->f.store), "the database can only be read");
        add_lir(t);
        group_run(t->group);
        assert_result(t->results[1], dia_3gpp(CX_ERROR_IDENTITY_NOT_REGISTERED)); /* reads go on */
}

static void locked(void **state)
{
        struct test *t = *state;
        sql(t, "BEGIN IMMEDIATE");
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        add_lir(t);
        group_run(t->group);
        assert_int_equal(t->n_answers, 1); /* the read did not wait */
        assert_int_equal(t->commands[0], CX_LIR);
        add_lir(t);
        group_run(t->group);
        assert_int_equal(t->n_answers, 2);
        sql(t, "COMMIT");
        wait_answers(t, 3); /* the lock is free again */
        assert_int_equal(t->commands[2], CX_MAR);
        assert_result(t->results[2], dia_base(DIA_SUCCESS));
        /* It stays away longer than store.busy. */
        sql(t, "BEGIN IMMEDIATE");
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        wait_answers(t, 4);
        assert_result(t->results[3], dia_base(DIA_TOO_BUSY));
        sql(t, "COMMIT");
}

static void ends_while_locked(void **state)
{
        struct test *t = *state;
        sql(t, "BEGIN IMMEDIATE");
        add_mar(t, ALICE_IMPI, ALICE_SIP);
        group_run(t->group);
        assert_int_equal(t->n_answers, 0);
        group_free(t->group);
        t->group = NULL;
        assert_int_equal(t->n_answers, 1);
        assert_result(t->results[0], dia_base(DIA_TOO_BUSY));
        sql(t, "ROLLBACK");
}

static void checkpoint(void **state)
{
        struct test *t = *state;
        group_free(t->group);
        struct group_conf c = {.env = t->f.env,
                               .busy_ms = 1000,
                               .file = t->f.db,
                               .answer = on_answer,
                               .arg = t,
                               .checkpoint_pages = 10};
        assert_int_equal(group_new(t->loop, &c, &t->group), 0);
        /* The log is started over again and again: the count of its pages falls. */
        int falls = 0, before = 0, turns = 0;
        uint64_t until_ms = loop_now_ms(t->loop) + 60000; /* one that others kept from its end waits 5 s */
        for (; falls < 3 && loop_now_ms(t->loop) < until_ms; turns++) {
                t->n_answers = 0;
                add_mar(t, turns % 2 ? ALICE_IMPI : BOB_IMPI, turns % 2 ? ALICE_SIP : BOB_SIP);
                group_run(t->group);
                (void)uv_run(loop_uv(t->loop), UV_RUN_NOWAIT);
                wait_answers(t, 1); /* a checkpoint may hold the lock for a moment */
                assert_result(t->results[0], dia_base(DIA_SUCCESS));
                falls += store_wal_pages(t->f.store) < before;
                before = store_wal_pages(t->f.store);
        }
        assert_int_equal(falls, 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        log_init("test", LOG_ERROR);
        const struct CMUnitTest tests[] = {
                T(answers_after_commit),
                T(refusal_in_group),
                T(commit_fails),
                T(disk_full),
                T(read_only),
                T(locked),
                T(ends_while_locked),
                T(checkpoint),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
