/* SPDX-License-Identifier: BSD-3-Clause
 * The event loop: libuv with our timer heap (one uv_timer under all), hooks and signals. */
#include "common/net/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/net/loop_int.h"

enum { SIG_TERM, SIG_INT, SIG_HUP, SIG_USR1, SIG_N };

/* A timer that is so late says that this process was not run for a while; it waits as long again,
 * LATE_WAIT_MS at most. */
#define LATE_MS      50
#define LATE_WAIT_MS 200

static const int signal_numbers[SIG_N] = {
        [SIG_TERM] = SIGTERM, [SIG_INT] = SIGINT, [SIG_HUP] = SIGHUP, [SIG_USR1] = SIGUSR1};

struct loop_signal {
        uv_signal_t handle;
        void (*fn)(void *arg);
        void *arg;
};

struct loop {
        uv_loop_t uv;
        uv_timer_t timer;
        uv_prepare_t prepare;
        uv_check_t check;
        struct loop_signal signals[SIG_N];
        struct tmr **heap; /* heap[0] is not used */
        size_t n_timers, cap_timers;
        bool once;         /* in loop_once */
        uint64_t armed_ms; /* when the uv_timer goes off; UINT64_MAX when it does not run */
        bool firing;
        bool input_first;  /* the timers are late, and wait for input */
        uint64_t waits_ms; /* since then */
        struct list hooks;
        struct list *next_hook; /* the one to run next, so that a hook may remove any */
        struct list late;
        struct list objects;
        char *rx;
};

int loop_error(int uv_err)
{
        switch (uv_err) {
        case 0:
                return 0;
        case UV_ENOMEM:
        case UV_ENOBUFS:
                return -IMS_ENOMEM;
        case UV_EADDRINUSE:
                return -IMS_EADDRINUSE;
        case UV_ETIMEDOUT:
                return -IMS_ETIMEOUT;
        case UV_ECONNREFUSED:
        case UV_ENETUNREACH:
        case UV_EHOSTUNREACH:
        case UV_ENETDOWN:
        case UV_EHOSTDOWN:
        case UV_EPERM:
        case UV_EACCES:
        case UV_EADDRNOTAVAIL:
        case UV_EAFNOSUPPORT:
                return -IMS_EUNREACH;
        case UV_ECONNRESET:
        case UV_ECONNABORTED:
        case UV_EPIPE:
        case UV_ENOTCONN:
                return -IMS_ECLOSED;
        case UV_ECANCELED:
                return -IMS_ECANCELED;
        case UV_EMSGSIZE:
                return -IMS_ETOOBIG;
        case UV_EMFILE:
        case UV_ENFILE:
                return -IMS_ELIMIT;
        default:
                return -IMS_EIO;
        }
}

/* --- timer heap ---------------------------------------------------------------------------------- */

static void heap_put(struct loop *l, size_t pos, struct tmr *t)
{
        l->heap[pos] = t;
        t->pos = pos;
}

static void heap_up(struct loop *l, struct tmr *t, size_t pos)
{
        for (; pos > 1 && l->heap[pos / 2]->at_ms > t->at_ms; pos /= 2)
                heap_put(l, pos, l->heap[pos / 2]);
        heap_put(l, pos, t);
}

static void heap_down(struct loop *l, struct tmr *t, size_t pos)
{
        size_t child;

        while ((child = pos * 2) <= l->n_timers) {
                if (child < l->n_timers && l->heap[child + 1]->at_ms < l->heap[child]->at_ms)
                        child++;
                if (l->heap[child]->at_ms >= t->at_ms)
                        break;
                heap_put(l, pos, l->heap[child]);
                pos = child;
        }
        heap_put(l, pos, t);
}

/* Where pos is free, puts t there or wherever the order wants it. */
static void heap_settle(struct loop *l, struct tmr *t, size_t pos)
{
        if (pos > 1 && l->heap[pos / 2]->at_ms > t->at_ms)
                heap_up(l, t, pos);
        else
                heap_down(l, t, pos);
}

static int heap_room(struct loop *l)
{
        size_t cap = l->cap_timers ? l->cap_timers * 2 : 64;
        struct tmr **heap;

        if (l->n_timers + 1 < l->cap_timers)
                return 0;
        heap = realloc(l->heap, cap * sizeof(struct tmr *));
        if (!heap)
                return -IMS_ENOMEM;
        l->heap = heap;
        l->cap_timers = cap;
        return 0;
}

static void on_uv_timer(uv_timer_t *handle);

/* Sees to it that the uv_timer goes off no later than the first timer. It may go off earlier (the
 * timer it was set for has been stopped), which costs one empty turn. */
static void loop_arm(struct loop *l)
{
        uint64_t now = uv_now(&l->uv), at;

        if (l->firing)
                return;
        if (l->n_timers == 0) {
                if (l->armed_ms != UINT64_MAX)
                        (void)uv_timer_stop(&l->timer);
                l->armed_ms = UINT64_MAX;
                l->input_first = false;
                return;
        }
        at = l->heap[1]->at_ms;
        if (at >= l->armed_ms)
                return;
        l->armed_ms = at;
        (void)uv_timer_start(&l->timer, on_uv_timer, at > now ? at - now : 0, 0);
}

/* After a pause of the whole machine, or of this process on a busy one, what came meanwhile lies in the
 * sockets: it is read before a timer says that it did not come. Nor were others faster whom the same pause
 * held. */
static bool waits_for_input(struct loop *l, uint64_t now)
{
        uint64_t late = l->n_timers > 0 && now > l->heap[1]->at_ms ? now - l->heap[1]->at_ms : 0;

        if (late < LATE_MS)
                return false;
        l->input_first = true;
        l->waits_ms = l->armed_ms = now;
        (void)uv_timer_start(&l->timer, on_uv_timer, late < LATE_WAIT_MS ? late : LATE_WAIT_MS, 0);
        return true;
}

static void on_uv_timer(uv_timer_t *handle)
{
        struct loop *l = handle->data;
        uint64_t now = uv_now(&l->uv);

        if (l->input_first)
                now = l->waits_ms; /* what was due later, in a long turn of input, has not waited for any */
        else if (waits_for_input(l, now))
                return;
        l->input_first = false;
        l->firing = true;
        while (l->n_timers > 0 && l->heap[1]->at_ms <= now) {
                struct tmr *t = l->heap[1];

                tmr_stop(l, t);
                t->fn(t, t->arg);
        }
        l->firing = false;
        if (l->once)
                uv_stop(&l->uv); /* this turn does not sleep any more */
        l->armed_ms = UINT64_MAX;
        loop_arm(l);
}

int tmr_start(struct loop *l, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *arg)
{
        size_t pos = t->pos;

        if (!pos) {
                if (heap_room(l) != 0)
                        return -IMS_ENOMEM;
                pos = ++l->n_timers;
        }
        if (l->firing && delay_ms == 0)
                delay_ms = 1; /* else a timer that starts itself again would keep input waiting */
        t->at_ms = uv_now(&l->uv) + delay_ms;
        t->fn = fn;
        t->arg = arg;
        heap_settle(l, t, pos);
        loop_arm(l);
        return 0;
}

void tmr_stop(struct loop *l, struct tmr *t)
{
        size_t pos = t->pos;
        struct tmr *last;

        if (!pos)
                return;
        last = l->heap[l->n_timers--];
        if (last != t)
                heap_settle(l, last, pos);
        t->pos = 0;
        if (l->n_timers == 0)
                loop_arm(l);
}

/* --- hooks --------------------------------------------------------------------------------------- */

void loop_hook_add(struct loop *l, struct loop_hook *hook)
{
        list_append(&l->hooks, &hook->node);
}

void loop_hook_remove(struct loop *l, struct loop_hook *hook)
{
        if (l->next_hook == &hook->node)
                l->next_hook = hook->node.next;
        list_unlink(&hook->node);
}

void loop_late_add(struct loop *l, struct loop_late *late, void (*fn)(struct loop_late *late))
{
        late->fn = fn;
        if (!list_linked(&late->node))
                list_append(&l->late, &late->node);
}

void loop_late_remove(struct loop_late *late)
{
        list_unlink(&late->node);
}

/* Runs after the timers of a turn (before the loop may sleep) and after its input. */
static void loop_turn_end(struct loop *l)
{
        for (l->next_hook = l->hooks.next; l->next_hook != &l->hooks;) {
                struct loop_hook *hook = container_of(l->next_hook, struct loop_hook, node);

                l->next_hook = l->next_hook->next;
                hook->fn(hook->arg);
        }
        while (!list_empty(&l->late)) {
                struct loop_late *late = container_of(l->late.next, struct loop_late, node);

                list_unlink(&late->node);
                late->fn(late);
        }
}

static void on_prepare(uv_prepare_t *handle)
{
        loop_turn_end(handle->data);
}

static void on_check(uv_check_t *handle)
{
        loop_turn_end(handle->data);
}

/* --- signals ------------------------------------------------------------------------------------- */

/* SIGUSR1: what the loop holds, for whoever watches a node over a long time. */
static void on_figures(void *arg)
{
        const struct loop *l = arg;
        size_t objects = 0;

        list_for_each(pos, &l->objects) objects++;
        log_reply("figures: timers %zu, sockets %zu", l->n_timers, objects);
}

static void on_signal(uv_signal_t *handle, int number)
{
        struct loop_signal *s = handle->data;

        if (number != SIGUSR1)
                log_notice("signal %d (%s)", number, strsignal(number));
        s->fn(s->arg);
}

static int signal_watch(struct loop *l, int which, void (*fn)(void *arg), void *arg)
{
        struct loop_signal *s = &l->signals[which];

        if (s->fn)
                return -IMS_EEXISTS;
        if (uv_signal_start(&s->handle, on_signal, signal_numbers[which]) != 0)
                return -IMS_EIO;
        s->fn = fn;
        s->arg = arg;
        return 0;
}

int loop_on_terminate(struct loop *l, void (*fn)(void *arg), void *arg)
{
        int err = signal_watch(l, SIG_TERM, fn, arg);

        return err ? err : signal_watch(l, SIG_INT, fn, arg);
}

int loop_on_reload(struct loop *l, void (*fn)(void *arg), void *arg)
{
        return signal_watch(l, SIG_HUP, fn, arg);
}

/* --- life ---------------------------------------------------------------------------------------- */

void loop_object_add(struct loop *l, struct loop_object *o, void (*shut)(struct loop_object *o))
{
        o->shut = shut;
        list_append(&l->objects, &o->node);
}

void loop_object_remove(struct loop_object *o)
{
        list_unlink(&o->node);
}

char *loop_rx_buffer(struct loop *l)
{
        if (!l->rx)
                l->rx = malloc(LOOP_DATAGRAM_MAX * LOOP_DATAGRAMS_MAX);
        return l->rx;
}

/* Handles of our own do not keep the loop running, except the timer while timers run. */
static int loop_handles(struct loop *l)
{
        int err;

        l->timer.data = l->prepare.data = l->check.data = l;
        err = uv_timer_init(&l->uv, &l->timer);
        if (!err)
                err = uv_prepare_init(&l->uv, &l->prepare);
        if (!err)
                err = uv_check_init(&l->uv, &l->check);
        for (int i = 0; i < SIG_N && !err; i++) {
                l->signals[i].handle.data = &l->signals[i];
                err = uv_signal_init(&l->uv, &l->signals[i].handle);
                if (!err)
                        uv_unref((uv_handle_t *)&l->signals[i].handle);
        }
        if (!err)
                err = uv_prepare_start(&l->prepare, on_prepare);
        if (!err)
                err = uv_check_start(&l->check, on_check);
        if (err)
                return loop_error(err);
        uv_unref((uv_handle_t *)&l->prepare);
        uv_unref((uv_handle_t *)&l->check);
        return 0;
}

int loop_new(struct loop **out)
{
        struct loop *l = calloc(1, sizeof(*l));
        int err;

        if (!l)
                return -IMS_ENOMEM;
        err = uv_loop_init(&l->uv);
        if (err) {
                free(l);
                return loop_error(err);
        }
        (void)signal(SIGPIPE, SIG_IGN); /* a closed connection is an error code, not the end */
        l->armed_ms = UINT64_MAX;
        list_init(&l->hooks);
        list_init(&l->late);
        list_init(&l->objects);
        l->next_hook = &l->hooks;
        err = loop_handles(l);
        if (!err)
                err = signal_watch(l, SIG_USR1, on_figures, l);
        if (err) {
                loop_free(l);
                return err;
        }
        *out = l;
        return 0;
}

void loop_run(struct loop *l)
{
        (void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_once(struct loop *l)
{
        l->once = true;
        uv_run(&l->uv, UV_RUN_ONCE);
        l->once = false;
}

void loop_stop(struct loop *l)
{
        uv_stop(&l->uv);
}

static bool loop_owns(const struct loop *l, const uv_handle_t *h)
{
        return (const char *)h >= (const char *)l && (const char *)h < (const char *)(l + 1);
}

static void close_left(uv_handle_t *h, void *arg)
{
        struct loop *l = arg;

        if (uv_is_closing(h))
                return;
        if (!loop_owns(l, h))
                log_error("bug: a %s handle is open when the loop is freed",
                          uv_handle_type_name(uv_handle_get_type(h)));
        uv_close(h, NULL);
}

void loop_free(struct loop *l)
{
        if (!l)
                return;
        while (!list_empty(&l->objects)) {
                struct loop_object *o = container_of(l->objects.next, struct loop_object, node);

                list_unlink(&o->node);
                o->shut(o);
        }
        uv_walk(&l->uv, close_left, l);
        while (uv_run(&l->uv, UV_RUN_DEFAULT) != 0) /* again after a stop that was asked for before */
                ;
        if (uv_loop_close(&l->uv) != 0)
                log_error("bug: the loop is freed while it is in use");
        free(l->heap);
        secret_free(l->rx, LOOP_DATAGRAM_MAX * LOOP_DATAGRAMS_MAX);
        free(l);
}

uv_loop_t *loop_uv(struct loop *l)
{
        return &l->uv;
}

uint64_t loop_now_ms(const struct loop *l)
{
        return uv_now(&l->uv);
}

void loop_took_long(struct loop *l)
{
        uv_update_time(loop_uv(l));
}
