/* SPDX-License-Identifier: BSD-3-Clause
 * Timers in their order, hooks at the end of a turn, signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/net/loop.h"
#include "common/net/udp.h"

#define MANY 1000

struct many {
        struct loop *l;
        struct tmr t[MANY];
        uint64_t last_ms;
        int fired;
};

static void note_order(struct tmr *t, void *arg)
{
        struct many *m = arg;

        assert_true(t->at_ms >= m->last_ms);
        assert_true(t->at_ms <= loop_now_ms(m->l));
        assert_false(tmr_running(t));
        m->last_ms = t->at_ms;
        m->fired++;
}

static void never(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        fail_msg("a stopped timer went off");
}

static void timers_fire_in_order(void **state)
{
        struct many *m = calloc(1, sizeof(*m));
        int left = 0;

        (void)state;
        assert_int_equal(loop_new(&m->l), 0);
        srandom(7);
        for (int i = 0; i < MANY; i++)
                assert_int_equal(tmr_start(m->l, &m->t[i], (uint64_t)random() % 50, note_order, m), 0);
        for (int i = 0; i < MANY; i += 3) /* move */
                assert_int_equal(tmr_start(m->l, &m->t[i], (uint64_t)random() % 50, note_order, m), 0);
        for (int i = 1; i < MANY; i += 3) { /* stop */
                m->t[i].fn = never;
                tmr_stop(m->l, &m->t[i]);
                tmr_stop(m->l, &m->t[i]);
        }
        for (int i = 0; i < MANY; i++)
                left += tmr_running(&m->t[i]);
        loop_run(m->l);
        assert_int_equal(m->fired, left);
        assert_int_equal(left, MANY - (MANY + 1) / 3);
        loop_free(m->l);
        free(m);
}

struct again {
        struct loop *l;
        struct tmr t, other;
        int n;
        bool other_fired;
};

static void on_other(struct tmr *t, void *arg)
{
        (void)t;
        ((struct again *)arg)->other_fired = true;
}

static void start_again(struct tmr *t, void *arg)
{
        struct again *a = arg;

        a->n++;
        if (!a->other_fired)
                assert_int_equal(tmr_start(a->l, t, 0, start_again, a), 0);
        assert_int_equal(tmr_start(a->l, &a->other, 60000, on_other, a), 0);
        if (a->n > 1)
                tmr_stop(a->l, &a->other);
        if (a->n == 3)
                a->other_fired = true;
}

/* A timer may start itself from its callback, without delay, and stop another one. */
static void timer_starts_itself(void **state)
{
        struct again a = {0};

        (void)state;
        assert_int_equal(loop_new(&a.l), 0);
        assert_int_equal(tmr_start(a.l, &a.t, 0, start_again, &a), 0);
        loop_run(a.l);
        assert_int_equal(a.n, 4);
        loop_free(a.l);
}

struct starved {
        struct loop *l;
        struct tmr t;
        uv_poll_t poll;
        int n, fds[2];
};

static void on_again(struct tmr *t, void *arg)
{
        struct starved *s = arg;

        if (++s->n == 100000)
                fail_msg("a timer without delay keeps input waiting");
        assert_int_equal(tmr_start(s->l, t, 0, on_again, s), 0);
}

static void on_starved_input(uv_poll_t *poll, int status, int events)
{
        struct starved *s = poll->data;

        (void)status;
        (void)events;
        tmr_stop(s->l, &s->t);
        uv_close((uv_handle_t *)poll, NULL);
}

static void timer_without_delay_lets_input_in(void **state)
{
        struct starved s = {0};

        (void)state;
        assert_int_equal(loop_new(&s.l), 0);
        assert_int_equal(pipe(s.fds), 0);
        assert_int_equal(write(s.fds[1], "x", 1), 1);
        assert_int_equal(uv_poll_init(loop_uv(s.l), &s.poll, s.fds[0]), 0);
        s.poll.data = &s;
        assert_int_equal(uv_poll_start(&s.poll, UV_READABLE, on_starved_input), 0);
        assert_int_equal(tmr_start(s.l, &s.t, 0, on_again, &s), 0);
        loop_run(s.l);
        loop_free(s.l);
        (void)close(s.fds[0]);
        (void)close(s.fds[1]);
}

struct late {
        struct loop *l;
        struct tmr t, second, third;
        uv_poll_t poll;
        int fds[2];
        int read;
        bool fired;
};

/* Computes until a timer that was just started is late. */
static void be_late(struct loop *l)
{
        uint64_t from;

        loop_took_long(l);
        from = loop_now_ms(l);
        while (loop_now_ms(l) < from + 100)
                loop_took_long(l);
}

static void on_late(struct tmr *t, void *arg)
{
        struct late *s = arg;

        assert_ptr_equal(t, &s->second);
        assert_true(s->read > 0);
        s->fired = true;
}

/* Takes its time, twice, and stops what waits for it. */
static void on_late_input(uv_poll_t *poll, int status, int events)
{
        struct late *s = poll->data;

        (void)status;
        (void)events;
        if (++s->read == 1) {
                assert_false(s->fired);
                tmr_stop(s->l, &s->t);
                assert_int_equal(tmr_start(s->l, &s->third, 1, on_late, s), 0);
                be_late(s->l);
                return;
        }
        tmr_stop(s->l, &s->third);
        uv_close((uv_handle_t *)poll, NULL);
}

/* What came while the process did not run is read before a timer says that it did not come. */
static void late_timers_let_input_in(void **state)
{
        struct late s = {0};

        (void)state;
        assert_int_equal(loop_new(&s.l), 0);
        assert_int_equal(pipe(s.fds), 0);
        assert_int_equal(uv_poll_init(loop_uv(s.l), &s.poll, s.fds[0]), 0);
        s.poll.data = &s;
        assert_int_equal(uv_poll_start(&s.poll, UV_READABLE, on_late_input), 0);
        assert_int_equal(tmr_start(s.l, &s.t, 1, on_late, &s), 0);
        assert_int_equal(tmr_start(s.l, &s.second, 2, on_late, &s), 0);
        assert_int_equal(write(s.fds[1], "x", 1), 1);
        be_late(s.l);
        loop_run(s.l);
        assert_true(s.fired);
        /* and without input they go off all the same, again and again */
        for (int i = 0; i < 3; i++) {
                s.fired = false;
                assert_int_equal(tmr_start(s.l, &s.second, 2, on_late, &s), 0);
                be_late(s.l);
                loop_run(s.l);
                assert_true(s.fired);
        }
        loop_free(s.l);
        (void)close(s.fds[0]);
        (void)close(s.fds[1]);
}

struct hooked {
        struct loop *l;
        struct loop_hook first, second;
        char trail[256];
        int fds[2];
        uv_poll_t poll;
        struct tmr t;
};

static void trail(struct hooked *h, const char *what)
{
        size_t n = strlen(h->trail);

        (void)snprintf(h->trail + n, sizeof(h->trail) - n, "%s", what);
}

static void first_hook(void *arg)
{
        struct hooked *h = arg;

        if (h->trail[0] && h->trail[strlen(h->trail) - 1] != '1')
                trail(h, "1");
}

static void second_hook(void *arg)
{
        struct hooked *h = arg;

        loop_hook_remove(h->l, &h->first); /* a hook may remove hooks, also itself */
        loop_hook_remove(h->l, &h->second);
}

static void on_input(uv_poll_t *poll, int status, int events)
{
        struct hooked *h = poll->data;
        char c;

        (void)status;
        (void)events;
        assert_int_equal(read(h->fds[0], &c, 1), 1);
        trail(h, "i");
        if (c == 'x') {
                loop_hook_add(h->l, &h->second);
                uv_close((uv_handle_t *)poll, NULL);
        }
}

static void on_tmr(struct tmr *t, void *arg)
{
        struct hooked *h = arg;

        (void)t;
        trail(h, "t");
        /* nothing is readable yet: a blocking poll follows, and the hook must not wait for it */
        assert_int_equal(write(h->fds[1], "x", 1), 1);
}

static void hooks_end_a_turn(void **state)
{
        struct hooked h = {0};

        (void)state;
        assert_int_equal(loop_new(&h.l), 0);
        assert_int_equal(pipe(h.fds), 0);
        h.first = (struct loop_hook){.fn = first_hook, .arg = &h};
        h.second = (struct loop_hook){.fn = second_hook, .arg = &h};
        loop_hook_add(h.l, &h.first);
        assert_int_equal(uv_poll_init(loop_uv(h.l), &h.poll, h.fds[0]), 0);
        h.poll.data = &h;
        assert_int_equal(uv_poll_start(&h.poll, UV_READABLE, on_input), 0);
        assert_int_equal(write(h.fds[1], "a", 1), 1);
        assert_int_equal(tmr_start(h.l, &h.t, 5, on_tmr, &h), 0);
        loop_run(h.l);
        assert_string_equal(h.trail, "i1t1i1");
        assert_true(list_linked(&h.first.node) == false);
        loop_free(h.l);
        (void)close(h.fds[0]);
        (void)close(h.fds[1]);
}

struct signaled {
        struct loop *l;
        int terminate, reload;
        struct tmr t;
};

static void on_terminate(void *arg)
{
        struct signaled *s = arg;

        s->terminate++;
        loop_stop(s->l);
}

static void on_reload(void *arg)
{
        ((struct signaled *)arg)->reload++;
        assert_int_equal(raise(SIGTERM), 0);
}

static void raise_hup(struct tmr *t, void *arg)
{
        (void)arg;
        (void)t;
        assert_int_equal(raise(SIGHUP), 0);
}

static void keep_alive(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
        fail_msg("the signals did not come");
}

static void signals(void **state)
{
        struct signaled s = {0};
        struct tmr guard = {0};

        (void)state;
        assert_int_equal(loop_new(&s.l), 0);
        assert_int_equal(loop_on_terminate(s.l, on_terminate, &s), 0);
        assert_int_equal(loop_on_terminate(s.l, on_terminate, &s), -IMS_EEXISTS);
        assert_int_equal(loop_on_reload(s.l, on_reload, &s), 0);
        assert_int_equal(tmr_start(s.l, &s.t, 0, raise_hup, &s), 0);
        assert_int_equal(tmr_start(s.l, &guard, 60000, keep_alive, &s), 0);
        loop_run(s.l);
        assert_int_equal(s.reload, 1);
        assert_int_equal(s.terminate, 1);
        tmr_stop(s.l, &guard);
        loop_free(s.l);
}

static void empty_loop_ends(void **state)
{
        struct loop *l = NULL;

        (void)state;
        assert_int_equal(loop_new(&l), 0);
        loop_run(l);
        loop_free(l);
        loop_free(NULL);
}

static void count_timer(struct tmr *t, void *arg)
{
        (void)t;
        ++*(int *)arg;
}

static void no_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        (void)u, (void)from, (void)data, (void)arg;
}

/* The last timer is due when the turn begins: the turn ends all the same. */
static void one_turn_does_not_sleep_past_a_timer(void **state)
{
        struct loop *l = NULL;
        struct udp *u = NULL;
        struct addr any;
        struct tmr t = {0};
        int n = 0;

        (void)state;
        assert_int_equal(loop_new(&l), 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1"), 0, &any), 0);
        assert_int_equal(udp_open(l, &any, no_datagram, NULL, &u), 0); /* something to wait for */
        assert_int_equal(tmr_start(l, &t, 0, count_timer, &n), 0);
        alarm(10); /* ends a turn that sleeps for ever */
        while (n == 0)
                loop_once(l);
        alarm(0);
        assert_int_equal(n, 1);
        udp_close(u);
        loop_free(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(one_turn_does_not_sleep_past_a_timer),
                cmocka_unit_test(timers_fire_in_order),
                cmocka_unit_test(timer_starts_itself),
                cmocka_unit_test(timer_without_delay_lets_input_in),
                cmocka_unit_test(late_timers_let_input_in),
                cmocka_unit_test(hooks_end_a_turn),
                cmocka_unit_test(signals),
                cmocka_unit_test(empty_loop_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
