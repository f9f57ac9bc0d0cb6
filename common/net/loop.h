/* SPDX-License-Identifier: BSD-3-Clause
 * One process, one thread, one loop (libuv). Everything a node knows belongs to this thread. */
#pragma once

#include <uv.h>

#include "common/base/list.h"
#include "common/base/span.h"

struct loop;

int loop_new(struct loop **out) IMS_CHECK;

/* Runs until loop_stop, or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* One turn: waits until something happened, a timer included. (uv_run with UV_RUN_ONCE looks at the timers
 * first and then sleeps, for ever when the one that fired was the last.) */
void loop_once(struct loop *l);

/* Closes what is left open (a bug is logged for handles of others) and frees. Accepts NULL. */
void loop_free(struct loop *l);

uv_loop_t *loop_uv(struct loop *l);

/* Monotonic milliseconds as of this turn of the loop. */
uint64_t loop_now_ms(const struct loop *l);

/* What was just done took long: now is read anew, so that timers started from here on do not count that time.
 */
void loop_took_long(struct loop *l);

/* A timer: one entry in the loop's heap. Zero it before first use; it belongs to its container, must be
 * stopped before that is freed, and may be stopped or started again from its own callback. */
struct tmr;
typedef void tmr_fn(struct tmr *t, void *arg);
struct tmr {
        uint64_t at_ms;
        size_t pos; /* 1-based place in the heap, 0 when not running */
        tmr_fn *fn;
        void *arg;
};

/* Starts or moves the timer. -IMS_ENOMEM (then it does not run). */
int tmr_start(struct loop *l, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *arg) IMS_CHECK;
void tmr_stop(struct loop *l, struct tmr *t);

static inline bool tmr_running(const struct tmr *t)
{
        return t->pos != 0;
}

/* A hook that runs at the end of every turn of the loop, after all input of the turn was handled (the
 * HSS commits its group there). */
struct loop_hook {
        struct list node;
        void (*fn)(void *arg);
        void *arg;
};
void loop_hook_add(struct loop *l, struct loop_hook *hook);
void loop_hook_remove(struct loop *l, struct loop_hook *hook);

/* Calls fn once for each SIGTERM or SIGINT (terminate) and SIGHUP (reload). At most one of each. */
int loop_on_terminate(struct loop *l, void (*fn)(void *arg), void *arg) IMS_CHECK;
int loop_on_reload(struct loop *l, void (*fn)(void *arg), void *arg) IMS_CHECK;
