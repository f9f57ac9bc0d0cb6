/* SPDX-License-Identifier: BSD-3-Clause
 * The registrar's port onto the real world. */
#include "scscf/scscf.h"

#include <time.h>

#include "common/base/log.h"

static uint64_t now_ms(void *arg)
{
        const struct scscf *s = arg;

        return loop_now_ms(s->home.loop);
}

static uint64_t wall_s(void *arg)
{
        (void)arg;
        return (uint64_t)time(NULL);
}

static int timer_start(void *arg, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *fn_arg)
{
        const struct scscf *s = arg;

        return tmr_start(s->home.loop, t, delay_ms, fn, fn_arg);
}

static void timer_stop(void *arg, struct tmr *t)
{
        const struct scscf *s = arg;

        tmr_stop(s->home.loop, t);
}

#define SESSION_ID_SIZE 256

/* A session of its own per request, tied to the call for the ladder. */
static struct span new_session(struct scscf *s, char out[static SESSION_ID_SIZE])
{
        struct span call_id = log_ctx_get().call_id;

        dia_session_id(s->home.dia, out, SESSION_ID_SIZE);
        if (call_id.n)
                trace_link(s->home.trace, span_of(out), call_id);
        return span_of(out);
}

static int mar(void *arg, const struct cx_mar *m, cx_maa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        struct scscf *s = arg;
        char session[SESSION_ID_SIZE];
        struct cx_mar copy = *m;

        copy.h.session_id = new_session(s, session);
        return cx_send_mar(s->home.dia, &copy, 0, fn, fn_arg, out);
}

static int sar(void *arg, const struct cx_sar *m, cx_saa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        struct scscf *s = arg;
        char session[SESSION_ID_SIZE];
        struct cx_sar copy = *m;

        copy.h.session_id = new_session(s, session);
        return cx_send_sar(s->home.dia, &copy, 0, fn, fn_arg, out);
}

static void cancel(void *arg, struct dia_txn *t)
{
        (void)arg;
        dia_txn_cancel(t);
}

static void reply(void *arg, struct sip_request *rq, int status, const char *reason,
                  const struct sip_field *add, size_t n_add)
{
        (void)arg;
        sip_reply(rq, status, reason, add, n_add);
}

static void verdict(void *arg, const struct verdict *v)
{
        const struct scscf *s = arg;

        trace_verdict(s->home.trace, v);
}

const struct reg_port scscf_port = {
        .now_ms = now_ms,
        .wall_s = wall_s,
        .timer_start = timer_start,
        .timer_stop = timer_stop,
        .mar = mar,
        .sar = sar,
        .cancel = cancel,
        .reply = reply,
        .verdict = verdict,
        .idle = scscf_stop_check,
};
