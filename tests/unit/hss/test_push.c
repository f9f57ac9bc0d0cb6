/* SPDX-License-Identifier: BSD-3-Clause
 * What a changed credential makes the HSS tell the serving S-CSCF: PPR, RTR, results, who is away, changes
 * that come fast, what the store keeps. TS 33.203 N.2.5, TS 29.228 6.1.3 and 6.2. */
#include "tests/unit/hss/fixture.h"

#include "common/net/loop.h"
#include "hss/push.h"
#include "hss/store_push.h"

#define CAROL     "carol@example.org"
#define CAROL_SIP "sip:" CAROL
#define SUCCESS   dia_base(DIA_SUCCESS)
#define OLD       "8c45b525cfb21f71772b237f339adc10" /* H(A1) of "secret" */

/* An S-CSCF: what it was sent, and who waits for the answer. */
struct scscf {
        int ppr, rtr;
        char ha1[DIGEST_HEX_MAX], host[128], impi[128], rtr_host[128];
        uint32_t reason;
        bool stored_before; /* H(A1) was in the store when PPR came */
        cx_ppa_fn *ppa;
        cx_rta_fn *rta;
        void *arg;
        bool away;
        struct fixture *f;
};

static struct fixture f;
static struct scscf s;
static struct loop *l;
static struct trace *t;
static struct pusher *p;

static int on_ppr(void *arg, const struct cx_ppr *m, cx_ppa_fn *fn, void *fn_arg)
{
        (void)arg;
        s.ppr++;
        if (s.away)
                return -IMS_EUNREACH;
        assert_true(m->has_item);
        assert_span(m->item.scheme, "SIP Digest");
        assert_span(m->item.digest.qop, "auth");
        assert_span(m->item.digest.realm, "example.org");
        assert_int_equal(span_copy(m->item.digest.ha1, s.ha1, sizeof s.ha1), 0);
        assert_int_equal(span_copy(m->h.destination_host, s.host, sizeof s.host), 0);
        assert_int_equal(span_copy(m->impi, s.impi, sizeof s.impi), 0);
        assert_null(m->user_data.p);
        s.ppa = fn;
        s.arg = fn_arg;
        return 0;
}

static int on_rtr(void *arg, const struct cx_rtr *m, cx_rta_fn *fn, void *fn_arg)
{
        (void)arg;
        s.rtr++;
        if (s.away)
                return -IMS_EUNREACH;
        s.reason = m->reason_code;
        assert_span(m->impi, CAROL);
        assert_int_equal(m->impus.n, 0);
        assert_int_equal(span_copy(m->h.destination_host, s.rtr_host, sizeof s.rtr_host), 0);
        s.rta = fn;
        s.arg = fn_arg;
        return 0;
}

static void ppa(struct dia_result result)
{
        const struct cx_ppa a = {.h.result = result};
        cx_ppa_fn *fn = s.ppa;
        assert_non_null(fn);
        s.ppa = NULL;
        fn(0, &a, s.arg);
}

static void rta(struct dia_result result)
{
        const struct cx_rta a = {.h.result = result};
        cx_rta_fn *fn = s.rta;
        assert_non_null(fn);
        s.rta = NULL;
        fn(0, &a, s.arg);
}

static void pusher_new(void)
{
        const struct push_port port = {.ppr = on_ppr, .rtr = on_rtr};
        assert_int_equal(push_new(l, f.conf, f.store, t, &port, &p), 0);
}

static int setup_with(void **state, const char *conf)
{
        fixture_open(&f, conf);
        memset(&s, 0, sizeof s);
        assert_int_equal(loop_new(&l), 0);
        assert_int_equal(trace_new("hss", NULL, &t), 0);
        pusher_new();
        *state = &f;
        return 0;
}

static int setup(void **state)
{
        return setup_with(state, "push: {retry: 20ms}\n");
}

static int setup_gives_up(void **state)
{
        return setup_with(state, "push: {retry: 20ms, give_up: 0}\n");
}

static int teardown(void **state)
{
        push_free(p);
        trace_free(t);
        loop_free(l);
        fixture_close(*state);
        return 0;
}

static struct dia_result mar_for(const char *impu)
{
        struct job *j = fixture_job(&f, CX_MAR);
        j->m.mar = (struct cx_mar){.h.origin_host = SPAN("scscf1.example"),
                                   .h.origin_realm = SPAN("example"),
                                   .impi = SPAN(CAROL),
                                   .impu = span_of(impu),
                                   .server_name = SPAN(SCSCF1),
                                   .n_items = 1,
                                   .item.scheme = SPAN(CX_SCHEME_UNKNOWN)};
        return fixture_handle(&f);
}

static struct dia_result mar(void)
{
        return mar_for(CAROL_SIP);
}

static void carol_registers(void)
{
        fixture_add(&f, "--impi " CAROL " --password secret");
        assert_result(mar(), SUCCESS);
        assert_result(do_sar(&f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
}

typedef int next_fn(struct store *s, struct arena *a, int64_t from, struct store_push *out);

static int64_t rows_of(next_fn *next)
{
        struct store_push row;
        int64_t n = 0, from = 0;
        assert_int_equal(store_begin(f.store, false), 0);
        while (next(f.store, &f.job.arena, from, &row) == 0) {
                from = row.row + 1;
                n++;
        }
        store_rollback(f.store);
        return n;
}

/* Rows of the table push. */
static int64_t waiting(void)
{
        return rows_of(store_push_next);
}

/* ... and of the table removed. */
static int64_t leaving(void)
{
        return rows_of(store_removed_next);
}

/* What the S-CSCF answers, and how many rows are kept after that. */
struct outcome {
        struct dia_result result;
        int64_t rows;
};

/* PPR leaves for the S-CSCF that serves, with the H(A1) that is in the store already. */
static void pushed(void **state)
{
        (void)state;
        carol_registers();
        fixture_set(&f, CAROL " --password another");
        assert_int_equal(waiting(), 1);
        push_now(p, 1, NULL);
        assert_int_equal(s.ppr, 1);
        assert_string_equal(s.host, "scscf1.example");
        assert_string_equal(s.impi, CAROL);
        assert_string_not_equal(s.ha1, OLD);
        assert_result(mar(), SUCCESS);
        assert_string_equal(f.job.reply.ha1, s.ha1); /* what MAR would bring */
        push_now(p, 1, NULL);                        /* it is under way */
        assert_int_equal(s.ppr, 1);
        ppa(SUCCESS);
        assert_int_equal(waiting(), 0);
        assert_int_equal(s.rtr, 0);
        push_scan(p);
        assert_int_equal(s.ppr, 1);
        proves("DIG-061");
}

/* Nobody is told where nothing changed, or where no S-CSCF has the user. */
static void nobody_to_tell(void **state)
{
        (void)state;
        fixture_add(&f, "--impi " CAROL " --password secret");
        fixture_set(&f, CAROL " --password another");
        fixture_set(&f, CAROL " --deregister");
        assert_int_equal(waiting(), 0);
        assert_result(mar(), SUCCESS);
        assert_result(do_sar(&f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        fixture_set(&f, CAROL " --visited any");
        assert_int_equal(waiting(), 0);
        fixture_set(&f, CAROL " --password third");
        assert_result(do_sar(&f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_USER_DEREGISTRATION), SUCCESS);
        push_scan(p);
        assert_int_equal(s.ppr, 0);
        assert_int_equal(waiting(), 0);
}

/* A refusal is the end of it, a transient one is not. */
static void results(void **state)
{
        (void)state;
        static const struct outcome rows[] = {{{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 0},
                                              {{0, DIA_UNABLE_TO_COMPLY}, 0},
                                              {{DIA_VENDOR_3GPP, CX_ERROR_NOT_SUPPORTED_USER_DATA}, 0},
                                              {{0, DIA_TOO_BUSY}, 1},
                                              {{0, DIA_UNABLE_TO_DELIVER}, 1}};
        carol_registers();
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                fixture_set(&f, CAROL " --password another");
                push_now(p, 1, NULL);
                ppa(rows[i].result);
                assert_int_equal(waiting(), rows[i].rows);
        }
}

static void turns_until(const int *count, int want)
{
        for (int i = 0; i < 10000 && *count < want; i++)
                loop_once(l);
        assert_true(*count >= want);
}

/* An S-CSCF that is away is told when it is back, by itself or as soon as it is seen. */
static void away(void **state)
{
        (void)state;
        carol_registers();
        fixture_set(&f, CAROL " --password another");
        s.away = true;
        push_scan(p);
        turns_until(&s.ppr, 3);
        assert_int_equal(waiting(), 1);
        s.away = false;
        s.ppr = 0;
        push_scan(p);
        assert_int_equal(s.ppr, 1);
        s.ppa(-IMS_ETIMEOUT, NULL, s.arg); /* no answer */
        assert_int_equal(waiting(), 1);
        turns_until(&s.ppr, 2);
        ppa(SUCCESS);
        assert_int_equal(waiting(), 0);
}

static void gives_up(void **state)
{
        (void)state;
        carol_registers();
        fixture_set(&f, CAROL " --password another");
        s.away = true;
        push_scan(p);
        assert_int_equal(s.ppr, 1);
        assert_int_equal(waiting(), 0);
        assert_result(mar(), SUCCESS); /* and it is served all the same */
        assert_string_not_equal(f.job.reply.ha1, OLD);
}

/* A second password while the first one is under way: it follows. */
static void changes_fast(void **state)
{
        (void)state;
        char first[DIGEST_HEX_MAX];
        carol_registers();
        fixture_set(&f, CAROL " --password another");
        push_now(p, 1, NULL);
        memcpy(first, s.ha1, sizeof first);
        fixture_set(&f, CAROL " --password third --deregister");
        push_now(p, 1, NULL);
        assert_int_equal(s.ppr, 1);
        ppa(SUCCESS);
        assert_int_equal(s.ppr, 2);
        assert_string_not_equal(s.ha1, first);
        assert_int_equal(s.rtr, 0);
        ppa(SUCCESS);
        assert_int_equal(s.rtr, 1);
        rta(SUCCESS);
        assert_int_equal(waiting(), 0);
}

/* On suspected compromise: PPR, then RTR, then nobody is registered; the reason tells whether the UE comes
 * back. */
static void compromised(void **state)
{
        (void)state;
        static const struct {
                const char *option;
                uint32_t reason;
        } rows[] = {{"--reauthenticate", CX_SERVER_CHANGE}, {"--deregister", CX_PERMANENT_TERMINATION}};
        carol_registers();
        for (size_t i = 0; i < 2; i++) {
                char args[128];
                (void)snprintf(args, sizeof args, CAROL " --password another %s", rows[i].option);
                fixture_set(&f, args);
                push_now(p, 1, NULL);
                assert_int_equal(s.rtr, (int)i);
                ppa(i ? SUCCESS
                      : dia_base(DIA_UNABLE_TO_COMPLY)); /* a refused PPR does not keep RTR from it */
                assert_int_equal(s.rtr, (int)i + 1);
                assert_int_equal(s.reason, rows[i].reason);
                assert_int_equal(fixture_record(&f, CAROL).impus[0].state, REG_ST_REGISTERED);
                rta(SUCCESS);
                struct record r = fixture_record(&f, CAROL);
                assert_int_equal(r.impus[0].state, REG_ST_NOT_REGISTERED);
                assert_false(r.impus[0].registered);
                assert_null(r.scscf_name.p);
                assert_int_equal(waiting(), 0);
                assert_result(mar(), SUCCESS);
                assert_result(do_sar(&f, CAROL, CAROL_SIP, SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        }
        fixture_set(&f, CAROL " --deregister"); /* without a new password */
        push_now(p, 1, NULL);
        assert_int_equal(s.ppr, 2);
        assert_int_equal(s.rtr, 3);
        rta(dia_base(DIA_UNABLE_TO_COMPLY)); /* refused: it stays registered */
        assert_int_equal(fixture_record(&f, CAROL).impus[0].state, REG_ST_REGISTERED);
        assert_int_equal(waiting(), 0);
}

/* What RTR ended is written once, however long the database is held by others; nothing is told twice. */
static void database_is_held(void **state)
{
        (void)state;
        struct store *other = NULL;
        struct buf err = BUF_INIT;
        carol_registers();
        fixture_set(&f, CAROL " --deregister");
        store_close(f.store);
        f.store_conf.role = STORE_SERVER; /* which never waits for a lock */
        assert_int_equal(store_open(&f.store_conf, &f.store, &err), 0);
        f.env.store = f.store;
        push_free(p);
        pusher_new();
        f.store_conf.role = STORE_TOOL;
        assert_int_equal(store_open(&f.store_conf, &other, &err), 0);
        push_now(p, 1, NULL);
        assert_int_equal(store_begin(other, true), 0);
        rta(SUCCESS);
        for (int i = 0; i < 20; i++)
                loop_once(l);
        push_scan(p);
        assert_int_equal(s.rtr, 1);
        assert_int_equal(waiting(), 1);
        store_rollback(other);
        for (int i = 0; i < 1000 && waiting(); i++)
                loop_once(l);
        assert_int_equal(waiting(), 0);
        assert_int_equal(s.rtr, 1);
        assert_int_equal(fixture_record(&f, CAROL).impus[0].state, REG_ST_NOT_REGISTERED);
        store_close(other);
        buf_free(&err);
}

/* CAROL and another device of the same subscriber, of one IMPU. */
static void two_devices_register(void)
{
        fixture_add(&f, "--impi " CAROL " --impu sip:dora@example.org --password secret");
        fixture_add(&f, "--impi phone@example.org --join " CAROL " --k " K " --opc " OPC);
        assert_result(mar_for("sip:dora@example.org"), SUCCESS);
        assert_result(do_sar(&f, CAROL, "sip:dora@example.org", SCSCF1, CX_SAT_REGISTRATION), SUCCESS);
        assert_result(do_sar(&f, "phone@example.org", "sip:dora@example.org", SCSCF1, CX_SAT_REGISTRATION),
                      SUCCESS);
}

static void other_device_stays(void)
{
        struct record r = fixture_record(&f, "phone@example.org");
        assert_int_equal(r.impus[0].state, REG_ST_REGISTERED);
        assert_true(r.impus[0].registered);
        assert_true(r.scscf_name.n > 0);
}

/* The other device of the subscriber stays. */
static void only_that_device(void **state)
{
        (void)state;
        two_devices_register();
        fixture_set(&f, CAROL " --deregister");
        push_now(p, 1, NULL);
        rta(SUCCESS);
        other_device_stays();
        assert_false(fixture_record(&f, CAROL).impus[0].registered);
}

/* --- who is removed ------------------------------------------------------------------------------ */

static void carol_is_removed(void)
{
        assert_int_equal(fixture_run(&f, cli_subscriber_remove, CAROL, NULL), 0);
}

/* The registration ends, though nobody of that name is in the store any more. */
static void removed(void **state)
{
        (void)state;
        carol_registers();
        fixture_set(&f, CAROL " --password another"); /* not told yet, and of no use any more */
        carol_is_removed();
        assert_int_equal(waiting(), 0);
        assert_int_equal(leaving(), 1);
        assert_result(mar(), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        push_removed(p, 1, NULL);
        assert_int_equal(s.rtr, 1);
        assert_int_equal(s.reason, CX_PERMANENT_TERMINATION);
        assert_string_equal(s.rtr_host, "scscf1.example");
        assert_int_equal(leaving(), 1);
        push_removed(p, 1, NULL); /* it is under way */
        push_scan(p);
        assert_int_equal(s.rtr, 1);
        rta(SUCCESS);
        assert_int_equal(leaving(), 0);
        push_scan(p);
        assert_int_equal(s.rtr, 1);
        assert_int_equal(s.ppr, 0);
}

static void removed_without_a_registration(void **state)
{
        (void)state;
        fixture_add(&f, "--impi " CAROL " --password secret");
        carol_is_removed();
        assert_int_equal(leaving(), 0);
}

static void results_of_a_removal(void **state)
{
        (void)state;
        static const struct outcome rows[] = {{{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 0},
                                              {{0, DIA_UNABLE_TO_COMPLY}, 0},
                                              {{0, DIA_TOO_BUSY}, 1},
                                              {{0, DIA_UNABLE_TO_DELIVER}, 2}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                carol_registers();
                carol_is_removed();
                push_removed(p, leaving(), NULL);
                rta(rows[i].result);
                assert_int_equal(leaving(), rows[i].rows);
        }
}

/* Neither an S-CSCF that is away nor the end of the HSS loses it. */
static void removed_while_the_scscf_is_away(void **state)
{
        (void)state;
        carol_registers();
        s.away = true;
        carol_is_removed();
        push_scan(p);
        turns_until(&s.rtr, 3);
        assert_int_equal(leaving(), 1);
        push_free(p);
        pusher_new();
        s.away = false;
        s.rtr = 0;
        push_scan(p);
        assert_int_equal(s.rtr, 1);
        s.rta(-IMS_ETIMEOUT, NULL, s.arg);
        assert_int_equal(leaving(), 1);
        turns_until(&s.rtr, 2);
        rta(SUCCESS);
        assert_int_equal(leaving(), 0);
}

static void a_removal_gives_up(void **state)
{
        (void)state;
        carol_registers();
        s.away = true;
        carol_is_removed();
        push_scan(p);
        assert_int_equal(s.rtr, 1);
        assert_int_equal(leaving(), 0);
}

/* One of the same name is somebody else: the state of the new one is not that of the old. */
static void removed_and_added_again(void **state)
{
        (void)state;
        carol_registers();
        carol_is_removed();
        push_removed(p, 1, NULL);
        carol_registers();
        rta(SUCCESS);
        assert_int_equal(leaving(), 0);
        assert_int_equal(fixture_record(&f, CAROL).impus[0].state, REG_ST_REGISTERED);
}

static void only_that_device_is_removed(void **state)
{
        (void)state;
        two_devices_register();
        carol_is_removed();
        push_scan(p);
        assert_int_equal(s.rtr, 1); /* for CAROL and no IMPU: on_rtr looks */
        rta(SUCCESS);
        other_device_stays();
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(pushed),
                T(nobody_to_tell),
                T(results),
                T(away),
                cmocka_unit_test_setup_teardown(gives_up, setup_gives_up, teardown),
                T(changes_fast),
                T(compromised),
                T(database_is_held),
                T(only_that_device),
                T(removed),
                T(removed_without_a_registration),
                T(results_of_a_removal),
                T(removed_while_the_scscf_is_away),
                cmocka_unit_test_setup_teardown(a_removal_gives_up, setup_gives_up, teardown),
                T(removed_and_added_again),
                T(only_that_device_is_removed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
