/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest without memory: every allocation of a registration, of a password change and of the end fails
 * once. */
#include "tests/unit/fail_alloc.h"

#include "digest_fake.h"

enum { STEPS = 8 };

struct life {
        struct world *w;
        struct phone p;
        unsigned step, now;
};

static bool begin(struct life *l)
{
        alloc_armed = l->now++ == l->step;
        return alloc_armed;
}

static void hss_answers(struct life *l, bool counts)
{
        struct cx_maa *maa = calloc(1, sizeof(*maa));
        struct cx_saa *saa = calloc(1, sizeof(*saa));
        struct fake_cx *c = first_open_cx(l->w);
        void *arg = c ? c->arg : NULL;
        char ha1[DIGEST_HEX_MAX];

        maa->h.result = saa->h.result = dia_base(DIA_SUCCESS);
        maa->h.origin_host = saa->h.origin_host = SPAN("hss." DOMAIN);
        maa->n = 1;
        sd_item(&l->p, ha1, &maa->items[0]);
        saa->user_data = SPAN(PROFILE_ALICE);
        if (c)
                c->arg = NULL;
        if (counts)
                begin(l);
        if (c && c->is_sar)
                c->saa(0, saa, arg);
        else if (c)
                c->maa(0, maa, arg);
        alloc_armed = false;
        free(maa);
        free(saa);
}

static void registers(struct life *l, struct sip_request *rq)
{
        begin(l);
        registrar_register(&l->w->reg, rq);
        alloc_armed = false;
}

static void look_at_challenge(struct life *l)
{
        if (l->w->n_replies && last_reply(l->w)->status == 401)
                take_challenge(l->w, &l->p);
}

static void live(unsigned step, unsigned long nth)
{
        struct life l = {
                .w = calloc(1, sizeof(*l.w)), .step = step, .p = {.nonce = "AAAAAAAAAAAAAAAAAAAAAA=="}};
        struct phone changed = {.password = "another"};
        struct cx_ppr m = {.impi = SPAN(IMPI), .has_item = true};
        char ha1[DIGEST_HEX_MAX];
        int rc;

        world_init(l.w);
        l.w->conf.digest.nextnonce = SCSCF_NEXTNONCE_ALWAYS;
        alloc_countdown = nth;
        registers(&l, world_request(l.w, &(struct reg_text){.cseq = ++l.p.cseq}));
        hss_answers(&l, true);
        look_at_challenge(&l);
        registers(&l, phone_answer(l.w, &l.p, (struct reg_text){.integrity = NULL}));
        hss_answers(&l, true);
        while (first_open_cx(l.w))
                hss_answers(&l, false);
        sd_item(&changed, ha1, &m.item);
        begin(&l);
        rc = registrar_ppr(&l.w->reg, &m);
        alloc_armed = false;
        assert_true(rc == 0 || rc == -IMS_ENOMEM || rc == -IMS_ENOTFOUND);
        if (rc == 0)
                l.p.password = "another";
        registers(&l,
                  world_request(l.w, &(struct reg_text){.cseq = ++l.p.cseq, .headers = "Expires: 0\r\n"}));
        while (first_open_cx(l.w))
                hss_answers(&l, false);
        look_at_challenge(&l);
        registers(&l, phone_answer(l.w, &l.p, (struct reg_text){.headers = "Expires: 0\r\n"}));
        hss_answers(&l, true);
        while (first_open_cx(l.w))
                hss_answers(&l, false);
        world_sleep(l.w, 10000000000);
        while (first_open_cx(l.w))
                hss_answers(&l, false);
        assert_int_equal(l.w->reg.n_jobs, 0);
        assert_int_equal(l.w->reg.store.users.n, 0);
        assert_int_equal(world_timers(l.w), 0);
        world_clear(l.w); /* every request has exactly one answer */
        free(l.w);
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

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_fails_once)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
