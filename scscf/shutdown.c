/* SPDX-License-Identifier: BSD-3-Clause
 * The end: what is in hand is finished, bounded in time; then Diameter says good-bye. */
#include "scscf/scscf.h"

#include "common/base/log.h"

static void finish(struct scscf *s)
{
        if (s->stopped)
                return;
        s->stopped = true;
        tmr_stop(s->home.loop, &s->stop);
        home_cscf_leave(&s->home);
}

static void on_stop_timer(struct tmr *t, void *arg)
{
        struct scscf *s = arg;

        (void)t;
        log_warn("%zu registrations are given up", s->reg.n_jobs);
        finish(s);
}

void scscf_stop_check(void *arg)
{
        struct scscf *s = arg;

        if (s->stopping && s->reg.n_jobs == 0)
                finish(s);
}

void scscf_stop(void *arg)
{
        struct scscf *s = arg;

        if (s->stopping)
                return;
        log_notice("stopping");
        s->stopping = s->reg.closing = s->home.quiet = true;
        if (s->reg.n_jobs == 0 ||
            tmr_start(s->home.loop, &s->stop, s->conf->dia.answer_ms, on_stop_timer, s) < 0)
                finish(s);
}
