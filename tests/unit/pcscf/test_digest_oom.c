/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest when memory lacks as the 200 passes: each allocation fails once. Whatever becomes of the
 * registration, an entry or a connection without a registration is not left, nor a registration without its
 * association. */
#include "tests/unit/fail_alloc.h"

#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/tls_fix.h"

#define PATIENCE_TICKS 15
#define MOST           400

static void forget_heard(struct tls_scene *s)
{
        for (unsigned i = 0; i < s->x->core.n; i++)
                free(s->x->core.got[i]);
        for (unsigned i = 0; i < s->clear.n; i++)
                free(s->clear.got[i].text);
        s->x->core.n = s->x->core_seen = s->clear.n = s->clear.seen = 0;
}

static void one_ip(struct ip_entry *e, void *arg)
{
        const struct pcscf *p = arg;

        assert_non_null(regstore_assoc(p->store, (struct assoc){ASSOC_IP, e->id}));
        assert_true(*ip_entry_sent_by(e));
}

static void one_tls(struct tls_assoc *a, void *arg)
{
        const struct pcscf *p = arg;

        assert_non_null(regstore_assoc(p->store, (struct assoc){ASSOC_TLS, a->id}));
}

/* Both tables and the registrations fit together. */
static void consistent(struct tls_scene *s)
{
        struct pcscf *p = s->x->p;

        ip_table_each(p->ips, one_ip, p);
        tls_table_each(p->tls, one_tls, p);
        assert_in_range(regstore_count(p->store), ip_table_count(p->ips) + tls_table_count(p->tls),
                        2 * (ip_table_count(p->ips) + tls_table_count(p->tls)));
}

/* The next REGISTER of that call. The P-CSCF repeats what a lost answer was for, also when it was forgotten
 * here. */
static unsigned core_hears_of(struct tls_scene *s, unsigned call)
{
        char id[24];
        unsigned i;

        (void)snprintf(id, sizeof(id), "tls-%u", call);
        do
                i = core_hears(s->x);
        while (strcmp(header(s->x->core.got[i], "Call-ID"), id) != 0);
        return i;
}

/* The 200 for what came with number i passes, while the allocation with that number fails. l: over TLS, or
 * NULL. False: none failed, and the UE has it. */
static bool passes(struct tls_scene *s, struct line *l, unsigned i, unsigned long nth)
{
        struct world *w = &s->x->w;
        unsigned long before = alloc_failed;
        unsigned heard = s->clear.n;

        core_accepts(s, i, "alice");
        w->ticks = 0;
        world_tick(&w->tick, w);
        alloc_fail_at(nth);
        while (alloc_armed && s->clear.n == heard && !(l && l->in.n) && w->ticks < WORLD_PATIENCE_TICKS)
                loop_once(w->loop);
        alloc_armed = false;
        w->ticks = 0;
        while (alloc_failed > before && w->ticks < PATIENCE_TICKS)
                loop_once(w->loop);
        tmr_stop(w->loop, &w->tick);
        consistent(s);
        return alloc_failed > before;
}

static void in_clear(void **state)
{
        struct tls_scene *s = *state;
        bool failed = true;

        if (!CAN_FAIL)
                skip();
        for (unsigned long nth = 0; failed; nth++) {
                unsigned i, call = ++s->calls;

                assert_in_range(nth, 0, MOST);
                clear_register(s, call, &(struct reg){0});
                i = core_hears_of(s, call);
                raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
                expect_status(phone_hears(&s->clear), 401);
                clear_register(s, call, &(struct reg){.answer = true});
                failed = passes(s, NULL, core_hears_of(s, call), nth);
                forget_heard(s);
        }
        assert_int_equal(ip_table_count(s->x->p->ips), 1);
}

static void over_tls(void **state)
{
        struct tls_scene *s = *state;
        bool failed = true;

        if (!CAN_FAIL)
                skip();
        for (unsigned long nth = 0; failed; nth++) {
                struct line l;
                unsigned call = ++s->calls;

                assert_in_range(nth, 0, MOST);
                line_open(&l, s);
                line_register(&l, call, &(struct reg){.answer = true});
                failed = passes(s, &l, core_hears_of(s, call), nth);
                if (!failed)
                        assert_int_equal(tls_table_count(s->x->p->tls), 1);
                line_close(&l);
                WAIT_FOR(&s->x->w, tls_table_count(s->x->p->tls) == 0);
                consistent(s);
                forget_heard(s);
        }
}

static int scene_clear(void **state)
{
        return tls_scene_begin(state, "access: {type: other}\ndigest: {without_tls: accept}\n", NULL, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TLS_SCENE(in_clear, scene_clear),
                TLS_SCENE(over_tls, tls_scene_12),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
