/* SPDX-License-Identifier: BSD-3-Clause
 * Out of memory is an ordinary error: every allocation of a registration and of its end fails once. */
#include "tests/unit/fail_alloc.h"

#include "reg_fake.h"

/* The steps of a life: each REGISTER and each answer of the HSS. */
enum { STEPS = 8 };

static void register_request(struct world *w, struct sip_request *rq, bool arm)
{
        alloc_armed = arm;
        registrar_register(&w->reg, rq);
        alloc_armed = false;
}

static void hss_answers(struct world *w, unsigned k, const char *xml, bool arm)
{
        static char octets[96];
        struct cx_maa *maa = calloc(1, sizeof(*maa));
        struct cx_saa *saa = calloc(1, sizeof(*saa));
        struct fake_cx *c = first_open_cx(w);
        void *arg = c ? c->arg : NULL;

        maa->h.result = saa->h.result = dia_base(DIA_SUCCESS);
        maa->h.origin_host = saa->h.origin_host = SPAN("hss." DOMAIN);
        maa->n = 1;
        fake_item(k, octets, &maa->items[0]);
        saa->user_data = span_of(xml);
        saa->charging = (struct cx_charging){.present = true, .ccf1 = SPAN("ccf1")};
        if (c)
                c->arg = NULL;
        alloc_armed = arm;
        if (c && c->is_sar)
                c->saa(0, saa, arg);
        else if (c)
                c->maa(0, maa, arg);
        alloc_armed = false;
        free(maa);
        free(saa);
}

/* Runs the life with the nth allocation of one step failing. */
static void live(unsigned step, unsigned long nth)
{
        struct world *w = calloc(1, sizeof(*w));
        struct answer_text a, b;
        struct sip_request *rq[4];

        world_init(w);
        make_answer(1, IMPI, &a);
        make_answer(2, IMPI, &b);
        rq[0] = world_request(w, &(struct reg_text){.integrity = "no"});
        rq[1] = world_request(w, &(struct reg_text){.integrity = "yes",
                                                    .cseq = 2,
                                                    .nonce = a.nonce,
                                                    .response = a.response,
                                                    .more = QOP});
        rq[2] = world_request(w,
                              &(struct reg_text){.integrity = "no", .cseq = 3, .headers = "Expires: 0\r\n"});
        rq[3] = world_request(w, &(struct reg_text){.integrity = "yes",
                                                    .cseq = 4,
                                                    .nonce = b.nonce,
                                                    .response = b.response,
                                                    .more = QOP,
                                                    .headers = "Expires: 0\r\n"});
        alloc_countdown = nth;
        for (unsigned i = 0; i < 4; i++) {
                register_request(w, rq[i], step == 2 * i);
                hss_answers(w, i / 2 + 1, PROFILE_ALICE, step == 2 * i + 1);
                while (first_open_cx(w)) /* releases */
                        hss_answers(w, 9, NULL, false);
        }
        world_sleep(w, 10000000);
        while (first_open_cx(w))
                hss_answers(w, 9, NULL, false);
        assert_int_equal(w->reg.n_jobs, 0);
        assert_int_equal(w->reg.store.users.n, 0);
        world_clear(w); /* every request has exactly one answer */
        free(w);
}

static void every_allocation_fails_once(void **state)
{
        (void)state;
        if (!CAN_FAIL)
                skip();
        for (unsigned step = 0; step < STEPS; step++) {
                unsigned long n = alloc_fail_each(live, step);

                print_message("step %u: %lu allocations\n", step, n);
                assert_true(n > 0 && n < ALLOC_MOST);
        }
}

/* A restoration that fails leaves nothing behind; one that came far enough is a registration like any. */
static void restore(unsigned step, unsigned long nth)
{
        struct world *w = calloc(1, sizeof(*w));
        struct cx_saa *a = calloc(1, sizeof(*a));
        struct cx_restoration *r = calloc(2, sizeof(*r));
        int rc;

        (void)step;
        world_init(w);
        for (unsigned i = 0; i < 2; i++) {
                r[i].impi = i ? SPAN("other@" DOMAIN) : SPAN(IMPI);
                r[i].n_info = 2;
                r[i].info[0].contact = SPAN("<sip:alice@192.0.2.10>");
                r[i].info[1].contact = SPAN("<sip:alice@192.0.2.11>");
        }
        a->h.origin_host = SPAN("hss." DOMAIN);
        a->user_data = SPAN(PROFILE_ALICE);
        a->charging = (struct cx_charging){.present = true, .ccf1 = SPAN("ccf1")};
        a->restorations = r;
        a->n_restorations = 2;
        alloc_fail_at(nth);
        rc = registrar_restore(&w->reg, SPAN(ALICE), a);
        alloc_armed = false;
        assert_true(rc == 0 ? w->reg.store.n_contacts > 0 : w->reg.store.users.n == 0);
        world_sleep(w, 10000000);
        while (first_open_cx(w))
                hss_answers(w, 9, NULL, false);
        assert_int_equal(w->reg.store.n_contacts, 0);
        assert_int_equal(w->reg.store.n_sets, 0);
        assert_int_equal(w->reg.store.users.n, 0);
        world_clear(w);
        free(w);
        free(a);
        free(r);
}

static void every_allocation_of_a_restoration_fails_once(void **state)
{
        unsigned long n;

        (void)state;
        if (!CAN_FAIL)
                skip();
        n = alloc_fail_each(restore, 0);
        print_message("%lu allocations\n", n);
        assert_true(n > 9 && n < ALLOC_MOST);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_once),
                                           cmocka_unit_test(every_allocation_of_a_restoration_fails_once)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
