/* SPDX-License-Identifier: BSD-3-Clause
 * The cache of facts beside the database: whatever a server, another program and a roll-back do, what the
 * server reads is what stands in the file. */
#include "tests/unit/hss/fixture.h"

#include "hss/store_cache.h"
#include "hss/store_int.h"

static const char *const impis[] = {ALICE_IMPI, "tablet@" DOMAIN, BOB_IMPI, "nobody@" DOMAIN};
static const char *const impus[] = {ALICE_SIP, ALICE_TEL,           ALICE_TEMP,        "sip:alone@" DOMAIN,
                                    BOB_SIP,   "sip:room1@" DOMAIN, "sip:none@" DOMAIN};

#define N(list) (sizeof(list) / sizeof *(list))

struct both {
        struct fixture file;   /* a command: it has no cache */
        struct fixture server; /* the same database as a server opens it */
};

static int setup(void **state)
{
        static struct both b;
        struct buf err = BUF_INIT;
        fixture_open(&b.file, "");
        fixture_add(&b.file, ALICE " --separate-impu sip:alone@" DOMAIN " --psi sip:room!.*!@" DOMAIN);
        fixture_add(&b.file, "--impi tablet@" DOMAIN " --join " ALICE_IMPI " --k " K " --opc " OPC);
        fixture_add(&b.file, BOB);
        b.server = b.file;
        struct store_conf conf = b.file.store_conf;
        conf.role = STORE_SERVER;
        assert_int_equal(store_open(&conf, &b.server.store, &err), 0);
        assert_non_null(b.server.store->cache);
        b.server.env.store = b.server.store;
        arena_init(&b.server.job.arena);
        buf_free(&err);
        *state = &b;
        return 0;
}

static int teardown(void **state)
{
        struct both *b = *state;
        arena_reset(&b->server.job.arena, true);
        store_close(b->server.store);
        fixture_close(&b->file);
        return 0;
}

static void same_text(struct span a, struct span b, const char *what)
{
        if (!span_eq(a, b) || !a.p != !b.p)
                fail_msg("%s: " SPAN_FMT " and not " SPAN_FMT, what, SPAN_ARG(a), SPAN_ARG(b));
}

#define SAME(member)                                                                                         \
        if (a->member != b->member)                                                                          \
        fail_msg("%s: %lld and not %lld", #member, (long long)a->member, (long long)b->member)

static void same(const struct facts *a, const struct facts *b)
{
        SAME(impi);
        SAME(impu);
        SAME(set);
        SAME(subscription);
        SAME(associated);
        SAME(type);
        SAME(barred);
        SAME(set_barred);
        SAME(registration_allowed);
        SAME(unregistered_services);
        SAME(scheme);
        SAME(state);
        SAME(registered);
        SAME(pending);
        SAME(sibling_registered);
        SAME(other_set_active);
        SAME(other_pending);
        SAME(shared);
        SAME(reassign);
        same_text(a->impi_name, b->impi_name, "impi_name");
        same_text(a->impu_name, b->impu_name, "impu_name");
        same_text(a->scscf_name, b->scscf_name, "scscf_name");
        same_text(a->visited, b->visited, "visited");
        same_text(a->mandatory, b->mandatory, "mandatory");
        same_text(a->optional, b->optional, "optional");
        same_text(a->server_names, b->server_names, "server_names");
        same_text(a->as_name, b->as_name, "as_name");
}

/* Every pair, as both see it; the pairs that the server has at hand already are counted. */
static size_t compare(struct both *b)
{
        struct arena mine, theirs;
        struct facts f, g;
        size_t hits = 0;
        assert_int_equal(store_begin(b->server.store, false), 0);
        assert_int_equal(store_begin(b->file.store, false), 0);
        for (size_t i = 0; i < N(impis); i++)
                for (size_t k = 0; k < N(impus); k++) {
                        struct span impi = span_of(impis[i]), impu = span_of(impus[k]);
                        arena_init(&mine);
                        arena_init(&theirs);
                        hits += store_cache_get(b->server.store->cache, &mine, impi, impu, &f);
                        assert_int_equal(store_read_pair(b->server.store, &mine, impi, impu, &f), 0);
                        assert_int_equal(store_read_pair(b->file.store, &theirs, impi, impu, &g), 0);
                        same(&f, &g);
                        arena_reset(&mine, true);
                        arena_reset(&theirs, true);
                }
        store_rollback(b->file.store);
        assert_int_equal(store_commit(b->server.store), 0);
        return hits;
}

static uint32_t seed = 1;

static uint32_t pick(uint32_t n)
{
        seed = seed * 1664525u + 1013904223u;
        return (seed >> 16) % n;
}

/* A Cx request of any kind, refused ones too, in a transaction that may be rolled back. */
static void request(struct both *b)
{
        static const uint32_t types[] = {CX_SAT_NO_ASSIGNMENT,
                                         CX_SAT_REGISTRATION,
                                         CX_SAT_RE_REGISTRATION,
                                         CX_SAT_UNREGISTERED_USER,
                                         CX_SAT_TIMEOUT_DEREGISTRATION,
                                         CX_SAT_USER_DEREGISTRATION,
                                         CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME,
                                         CX_SAT_AUTHENTICATION_FAILURE};
        struct fixture *f = &b->server;
        const char *impi = impis[pick(N(impis))], *impu = impus[pick(N(impus))];
        const char *scscf = pick(4) ? SCSCF1 : SCSCF2;
        const uint32_t type = types[pick(N(types))];
        switch (pick(8)) {
        case 0:
        case 1:
                (void)do_uar(f, impi, impu, (int)pick(3));
                break;
        case 2:
        case 3:
                (void)do_mar(f, impi, impu, scscf, 1, NULL);
                break;
        case 4:
                (void)do_sar(f, impi, NULL, scscf, CX_SAT_USER_DEREGISTRATION);
                break;
        case 5:
                (void)do_sar(f, NULL, impu, scscf, type);
                break;
        default:
                (void)do_sar(f, impi, impu, scscf, type);
        }
}

static void rolled_back(struct both *b)
{
        struct facts f = {0};
        struct arena a;
        const struct effects e = {
                .state = 1, .registered = 1, .pending = (int)pick(2), .reassign = -1, .name = NAME_STORE};
        const struct serving by = {.name = SPAN(SCSCF2), .host = SPAN("x"), .realm = SPAN("y")};
        arena_init(&a);
        assert_int_equal(store_begin(b->server.store, true), 0);
        assert_int_equal(store_read_pair(b->server.store, &a, SPAN(ALICE_IMPI), SPAN(ALICE_SIP), &f), 0);
        assert_int_equal(store_apply(b->server.store, &f, &e, &by), 0);
        assert_int_equal(store_read_pair(b->server.store, &a, SPAN(ALICE_IMPI), SPAN(ALICE_SIP), &f), 0);
        assert_true(f.registered && span_eq(f.scscf_name, SPAN(SCSCF2))); /* its own write is seen */
        store_rollback(b->server.store);
        arena_reset(&a, true);
}

static void provisioning(struct both *b)
{
        static const char *const changes[] = {
                ALICE_IMPI " --bar " ALICE_TEL,
                ALICE_IMPI " --unbar " ALICE_TEL,
                ALICE_IMPI " --visited home.example visited.example",
                ALICE_IMPI " --visited any",
                ALICE_IMPI " --registration denied",
                ALICE_IMPI " --registration allowed",
                BOB_IMPI " --scscf-capability mandatory:1 optional:2",
                BOB_IMPI " --scscf-name " SCSCF2,
                BOB_IMPI " --unregistered-services yes",
        };
        fixture_set(&b->file, changes[pick(N(changes))]);
}

static void any_order(void **state)
{
        struct both *b = *state;
        size_t hits = 0;
        for (int i = 0; i < 1500; i++) {
                switch (pick(10)) {
                case 0:
                        provisioning(b);
                        break;
                case 1:
                        rolled_back(b);
                        break;
                default:
                        request(b);
                }
                hits += compare(b);
        }
        assert_in_range(hits, 5000, 1500 * N(impis) * N(impus)); /* it is a cache, after all */
}

/* The four requests of a registration: only the first looks into the database. */
static void registration(void **state)
{
        struct both *b = *state;
        struct arena a;
        struct facts f;
        (void)do_uar(&b->server, BOB_IMPI, BOB_SIP, -1);
        for (int i = 0; i < 3; i++) {
                arena_init(&a);
                assert_true(store_cache_get(b->server.store->cache, &a, SPAN(BOB_IMPI), SPAN(BOB_SIP), &f));
                arena_reset(&a, true);
                if (i == 0)
                        assert_result(do_mar(&b->server, BOB_IMPI, BOB_SIP, SCSCF1, 1, NULL),
                                      dia_base(DIA_SUCCESS));
                else if (i == 1)
                        assert_result(do_uar(&b->server, BOB_IMPI, BOB_SIP, -1),
                                      dia_3gpp(CX_SUBSEQUENT_REGISTRATION));
                else
                        assert_result(do_sar(&b->server, BOB_IMPI, BOB_SIP, SCSCF1, CX_SAT_REGISTRATION),
                                      dia_base(DIA_SUCCESS));
        }
        (void)compare(b);
        /* a change from outside is seen at the next transaction */
        assert_true(compare(b) > 0);
        fixture_set(&b->file, BOB_IMPI " --registration denied");
        assert_int_equal(compare(b), 0);
        assert_int_equal(fixture_run(&b->file, cli_subscriber_remove, BOB_IMPI, NULL), 0);
        (void)compare(b);
        assert_result(do_uar(&b->server, BOB_IMPI, BOB_SIP, -1), dia_3gpp(CX_ERROR_USER_UNKNOWN));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(any_order, setup, teardown),
                cmocka_unit_test_setup_teardown(registration, setup, teardown),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
