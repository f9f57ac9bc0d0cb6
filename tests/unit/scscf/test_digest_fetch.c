/* SPDX-License-Identifier: BSD-3-Clause
 * H(A1) that a restart has lost is fetched for the requests that need it, whatever comes meanwhile.
 * TS 33.203 N.2.1.2, TS 29.228 6.3. */
#include "tests/unit/fail_alloc.h"

#include "digest_fake.h"
#include "scscf/digest_fetch.h"
#include "scscf/waiting.h"

struct outcome { /* the last one */
        int n, status;
        enum verdict_cause cause;
        char evidence[256];
        const struct sip_request *order[DIGEST_FETCH_MAX];
};

static struct outcome got;

/* Stands for the service of the request. */
static void on_fetched(struct sip_request *rq, const struct digest_fetched *out, void *arg)
{
        struct world *w = arg;

        assert_true(got.n < DIGEST_FETCH_MAX);
        got.order[got.n++] = rq;
        got.status = out->why ? out->why->status : 407;
        got.cause = out->why ? out->why->cause : CAUSE_registered;
        put(got.evidence, sizeof(got.evidence), out->evidence);
        if (!out->why)
                assert_true(digest_has_key(out->user->digest));
        w->reg.port.reply(w, rq, got.status, NULL, NULL, 0);
}

static struct user *alice(const struct world *w)
{
        return user_find(&w->reg.store, SPAN(IMPI));
}

/* alice is registered, and the S-CSCF has no H(A1). */
static void attach_and_lose(struct world *w, struct phone *p)
{
        memset(&got, 0, sizeof(got));
        phone_attach(w, p, (struct reg_text){.integrity = NULL});
        digest_forget(alice(w)->digest);
}

static struct sip_request *some_request(struct world *w)
{
        return world_request(w, &(struct reg_text){.no_auth = true});
}

static int fetch(struct world *w, struct sip_request *rq)
{
        return digest_fetch(&w->reg, alice(w), SPAN(ALICE), rq, on_fetched, w);
}

static struct sip_request *waits(struct world *w)
{
        struct sip_request *rq = some_request(w);

        assert_int_equal(fetch(w, rq), 0);
        return rq;
}

/* What did not wait is answered here, so that each has its answer. */
static void refused(struct world *w, int error)
{
        struct sip_request *rq = some_request(w);

        assert_int_equal(fetch(w, rq), error);
        w->reg.port.reply(w, rq, 503, NULL, NULL, 0);
}

static void expect_end(int n, int status, enum verdict_cause cause)
{
        assert_int_equal(got.n, n);
        assert_int_equal(got.status, status);
        assert_string_equal(verdict_cause_name(got.cause), verdict_cause_name(cause));
}

static void one_mar_for_all_who_wait(void **state)
{
        struct world *w = *state;
        struct phone p = {.algorithm = DIGEST_SHA256};
        const struct sip_request *first, *second;
        size_t before;

        attach_and_lose(w, &p);
        before = w->n_cx;
        first = waits(w);
        second = waits(w);
        assert_int_equal(w->n_cx, before + 1);
        assert_string_equal(last_cx(w)->impi, IMPI);
        assert_string_equal(last_cx(w)->impu, ALICE);
        assert_string_equal(last_cx(w)->scheme, CX_SCHEME_DIGEST);
        assert_string_equal(last_cx(w)->server, NAME);
        assert_string_equal(last_cx(w)->host, "hss." DOMAIN);
        assert_int_equal(last_cx(w)->n_items, 1);
        assert_int_equal(got.n, 0);
        give_sd_av(w, &p);
        expect_end(2, 407, CAUSE_registered);
        assert_ptr_equal(got.order[0], first);
        assert_ptr_equal(got.order[1], second);
        assert_true(digest_has_key(alice(w)->digest));
        assert_int_equal(alice(w)->digest->key.algorithm, DIGEST_SHA256);
        assert_null(alice(w)->fetch);
}

static void only_so_many_wait(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        attach_and_lose(w, &p);
        for (int i = 0; i < DIGEST_FETCH_MAX; i++)
                waits(w);
        refused(w, -IMS_ELIMIT);
        give_sd_av(w, &p);
        expect_end(DIGEST_FETCH_MAX, 407, CAUSE_registered);
}

static void errors_of_the_hss(void **state)
{
        static const struct {
                int err;
                struct dia_result result;
                int status;
                enum verdict_cause cause;
        } rows[] = {
                {-IMS_ETIMEOUT, {0, 0}, 504, CAUSE_hss_timeout},
                {-IMS_EUNREACH, {0, 0}, 504, CAUSE_hss_unreachable},
                {0, {0, DIA_UNABLE_TO_DELIVER}, 504, CAUSE_hss_unreachable},
                {0, {0, DIA_TOO_BUSY}, 503, CAUSE_hss_error},
                {0, {0, DIA_UNABLE_TO_COMPLY}, 500, CAUSE_hss_error},
                {0, {DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 403, CAUSE_user_unknown},
                {0, {DIA_VENDOR_3GPP, CX_ERROR_AUTH_SCHEME_NOT_SUPPORTED}, 403, CAUSE_scheme_not_possible}};
        struct world *w = *state;
        struct phone p = {0};

        attach_and_lose(w, &p);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                got.n = 0;
                waits(w);
                answer_maa(w, rows[i].err, rows[i].result, 1, 0);
                expect_end(1, rows[i].status, rows[i].cause);
                assert_non_null(strstr(got.evidence, "MAR: "));
                assert_false(digest_has_key(alice(w)->digest));
        }
        got.n = 0;
        waits(w);
        give_sd_item(w, NULL); /* success without a vector */
        expect_end(1, 500, CAUSE_hss_error);
        got.n = 0;
        waits(w);
        give_vectors(w, 1, 1); /* one of AKA */
        expect_end(1, 500, CAUSE_hss_error);
        w->cx_error = -IMS_EUNREACH;
        refused(w, -IMS_EUNREACH);
        w->cx_error = 0;
        got.n = 0;
        waits(w); /* nothing of it lasts */
        give_sd_av(w, &p);
        expect_end(1, 407, CAUSE_registered);
}

/* The pushed value is the newer one: the request goes on with it, and what MAR may bring is not waited for.
 */
static void a_push_meanwhile(void **state)
{
        struct world *w = *state;
        struct phone p = {0}, changed = {.password = "another"};
        struct cx_ppr m = {.impi = SPAN(IMPI), .has_item = true};
        char ha1[DIGEST_HEX_MAX];

        attach_and_lose(w, &p);
        waits(w);
        sd_item(&changed, ha1, &m.item);
        assert_int_equal(registrar_ppr(&w->reg, &m), 0);
        expect_end(1, 407, CAUSE_registered);
        assert_int_equal(open_cx(w), 0);
        assert_null(alice(w)->digest->old);
}

static void the_registration_ends_meanwhile(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        const struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_PERMANENT_TERMINATION};

        attach_and_lose(w, &p);
        waits(w);
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        expect_end(1, 403, CAUSE_not_registered);
        assert_int_equal(open_cx(w), 0);
        assert_null(alice(w));
        attach_and_lose(w, &p);
        waits(w);
        world_sleep(w, 4000000); /* it expires */
        assert_int_equal(last_cx(w)->sat, CX_SAT_TIMEOUT_DEREGISTRATION);
        give_profile(w, NULL);
        expect_end(1, 403, CAUSE_not_registered);
        assert_int_equal(open_cx(w), 0);
        assert_null(alice(w));
}

/* RTR while a REGISTER is under way keeps the user: what was asked before it is of no use all the same. */
static void an_end_while_the_user_registers(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        const struct cx_rtr m = {.impi = SPAN(IMPI), .reason_code = CX_SERVER_CHANGE};

        attach_and_lose(w, &p);
        phone_begins(w, &p, (struct reg_text){.integrity = NULL}); /* its MAR is out */
        waits(w);
        assert_int_equal(open_cx(w), 2);
        assert_int_equal(registrar_rtr(&w->reg, &m), 0);
        expect_end(1, 403, CAUSE_not_registered);
        assert_int_equal(open_cx(w), 1);
        give_sd_av(w, &p);
        take_challenge(w, &p);
}

/* What a REGISTER has fetched meanwhile is not older than what the request asked for. */
static void a_register_meanwhile(void **state)
{
        struct world *w = *state;
        struct phone p = {0}, changed = {.password = "another", .cseq = 9};

        attach_and_lose(w, &p);
        waits(w);
        phone_begins(w, &changed, (struct reg_text){.integrity = NULL});
        assert_int_equal(open_cx(w), 2);
        {
                struct fake_cx mine = *first_open_cx(w); /* the answer to the later one comes first */

                first_open_cx(w)->arg = NULL;
                give_sd_av(w, &changed);
                *(struct fake_cx *)(uintptr_t)last_cx(w) = mine;
        }
        take_challenge(w, &changed);
        assert_int_equal(got.n, 0);
        give_sd_av(w, &p);
        expect_end(1, 407, CAUSE_registered);
        assert_null(alice(w)->digest->old);
        phone_answers(w, &changed, (struct reg_text){.integrity = NULL});
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
}

static void a_canceled_request_waits_no_longer(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        struct sip_request *rq, *other;
        struct waiting *waiting;

        attach_and_lose(w, &p);
        rq = waits(w);
        other = waits(w);
        waiting = rq->user;
        waiting->cancel(waiting);
        assert_null(rq->user);
        w->reg.port.reply(w, rq, 487, NULL, NULL, 0);
        give_sd_av(w, &p);
        expect_end(1, 407, CAUSE_registered);
        assert_ptr_equal(got.order[0], other);
        assert_null(other->user);
}

static void the_node_ends_meanwhile(void **state)
{
        struct world *w = *state;
        struct phone p = {0};

        attach_and_lose(w, &p);
        waits(w);
        registrar_clear(&w->reg);
        assert_int_equal(last_reply(w)->status, 503);
        assert_int_equal(open_cx(w), 0);
        assert_int_equal(got.n, 0);
}

static void without_memory(void **state)
{
        struct world *w = *state;
        struct phone p = {0};
        unsigned long failed;
        int rc, refusals = 0, worked = 0;

        if (!CAN_FAIL)
                skip();
        attach_and_lose(w, &p);
        for (unsigned long nth = 0; nth < 40 && !worked; nth++) {
                struct sip_request *rq = some_request(w);
                struct fake_cx *c;
                struct cx_maa *maa = calloc(1, sizeof(*maa));
                char ha1[DIGEST_HEX_MAX];
                void *arg;

                maa->h.result = dia_base(DIA_SUCCESS);
                maa->h.origin_host = SPAN("hss." DOMAIN);
                maa->n = 1;
                sd_item(&p, ha1, &maa->items[0]);
                got = (struct outcome){0};
                failed = alloc_failed;
                alloc_fail_at(nth);
                rc = fetch(w, rq);
                if (rc < 0) {
                        alloc_armed = false;
                        assert_int_equal(rc, -IMS_ENOMEM);
                        assert_int_equal(open_cx(w), 0);
                        assert_null(alice(w)->fetch);
                        w->reg.port.reply(w, rq, 503, NULL, NULL, 0);
                        refusals++;
                } else {
                        c = first_open_cx(w);
                        arg = c->arg;
                        c->arg = NULL;
                        c->maa(0, maa, arg);
                        alloc_armed = false;
                        assert_int_equal(got.n, 1);
                        assert_true(got.status == 407 || got.status == 503);
                        refusals += got.status == 503;
                        worked = alloc_failed == failed;
                }
                digest_forget(alice(w)->digest);
                free(maa);
        }
        assert_true(worked && refusals >= 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(one_mar_for_all_who_wait),
                TEST(only_so_many_wait),
                TEST(errors_of_the_hss),
                TEST(a_push_meanwhile),
                TEST(the_registration_ends_meanwhile),
                TEST(an_end_while_the_user_registers),
                TEST(a_register_meanwhile),
                TEST(a_canceled_request_waits_no_longer),
                TEST(the_node_ends_meanwhile),
                TEST(without_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
