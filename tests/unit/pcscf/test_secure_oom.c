/* SPDX-License-Identifier: BSD-3-Clause
 * A registration under IPsec when memory lacks: each allocation fails once at each step. Whatever becomes of
 * the registration, what the table has is what the kernel has, and nothing is lost. */
#include <fcntl.h>

#include "tests/unit/fail_alloc.h"

#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

#define PATIENCE_TICKS 12

enum step { STEP_SM1, STEP_SM4, STEP_SM7, STEP_SM10, STEPS };

static void forget_heard(struct scene *s)
{
        for (unsigned i = 0; i < s->x->core.n; i++)
                free(s->x->core.got[i]);
        for (unsigned i = 0; i < s->ph.n; i++)
                free(s->ph.got[i].text);
        s->x->core.n = s->x->core_seen = s->ph.n = s->ph.seen = 0;
}

/* Until something came to either end, or a while; the allocation with that number fails. */
static void wait_a_while(struct scene *s, unsigned long nth, bool armed)
{
        struct world *w = &s->x->w;
        unsigned core = s->x->core.n, phone = s->ph.n;

        w->ticks = 0;
        world_tick(&w->tick, w);
        alloc_countdown = nth;
        alloc_armed = armed;
        while (core == s->x->core.n && phone == s->ph.n && w->ticks < PATIENCE_TICKS)
                loop_once(w->loop);
        alloc_armed = false;
        tmr_stop(w->loop, &w->tick);
}

/* One step; the allocation with that number fails in it. What is sent is ready before. */
static void step(struct scene *s, enum step now, unsigned long nth, bool armed)
{
        struct fix *x = s->x;
        struct phone *ph = &s->ph;
        unsigned core = x->core.n;

        if (now == STEP_SM1) {
                phone_offers(ph);
                phone_send(ph, ph->open, x->gm, phone_text(ph, NULL, false));
        } else if (now == STEP_SM4) {
                core_challenges(x, ph, core - 1);
        } else if (now == STEP_SM7) {
                sm7(ph, NULL);
        } else {
                core_grants(x, ph, core - 1, NULL, NULL);
        }
        wait_a_while(s, nth, armed);
        (void)fix_sets(x);
}

/* The last thing the phone heard is this. */
static bool phone_has(const struct scene *s, int status)
{
        const struct heard *h = s->ph.n ? &s->ph.got[s->ph.n - 1] : NULL;

        return h && h->text && status_of(h) == status;
}

static bool core_has_register(const struct scene *s)
{
        const char *text = s->x->core.n ? s->x->core.got[s->x->core.n - 1] : NULL;

        return text && strncmp(text, "REGISTER ", 9) == 0;
}

/* All steps up to this one, in which memory lacks. False: everything went well. */
static bool lacks(struct scene *s, enum step at, unsigned long nth)
{
        struct phone *ph = &s->ph;
        unsigned long before = alloc_failed;
        bool goes_on = true;

        (void)snprintf(ph->call_id, sizeof(ph->call_id), "lacks-%d-%lu", at, nth);
        for (enum step now = STEP_SM1; now <= at && goes_on; now++) {
                unsigned core = s->x->core.n;

                step(s, now, nth, now == at);
                if (now == STEP_SM4 && phone_has(s, 401)) {
                        ph->seen = ph->n - 1;
                        (void)sm6(ph);
                } else if (now == STEP_SM4) {
                        goes_on = false;
                } else if (now != STEP_SM10) {
                        goes_on = s->x->core.n > core && core_has_register(s);
                }
        }
        if (alloc_failed == before && goes_on)
                assert_true(at != STEP_SM10 || phone_has(s, 200));
        forget_heard(s);
        while (fix_sets(s->x))
                sa_remove_set(sa_by_spi(s->x->p->ipsec->table, fake_sa_set(0)->pcscf_ends.spi_s));
        return alloc_failed > before;
}

static void each_fails(struct scene *s, enum step at)
{
        unsigned long nth = 0, quiet = 0;

        while (quiet < 3) /* what happens by the way makes a difference of some */
                quiet = lacks(s, at, nth++) ? 0 : quiet + 1;
        assert_in_range(nth, 8, 2000);
}

static void each_at_each_step(void **state)
{
        int before = dup(STDERR_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        long live;
        void *scene = NULL;

        (void)state;
        if (!CAN_FAIL)
                skip();
        assert_int_equal(scene_udp(&scene), 0); /* what is made once per process is there then */
        registered(&((struct scene *)scene)->ph);
        assert_int_equal(scene_end(&scene), 0);
        live = alloc_live;
        assert_int_equal(scene_udp(&scene), 0);
        assert_true(before >= 0 && nowhere >= 0 && dup2(nowhere, STDERR_FILENO) >= 0);
        for (enum step at = STEP_SM1; at < STEPS; at++)
                each_fails(scene, at);
        (void)dup2(before, STDERR_FILENO);
        (void)close(before);
        (void)close(nowhere);
        registered(&((struct scene *)scene)->ph); /* and it goes on */
        assert_int_equal(scene_end(&scene), 0);
        fake_sa_reset();
        assert_in_range(alloc_live, live - 64, live); /* what the fake kept is gone too */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_at_each_step),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
