/* SPDX-License-Identifier: BSD-3-Clause
 * When a keep-alive leaves, and when a flow is given up. */
#include "ue/phone_keep.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/timers.h"

#define STUN_RTO_MS 500 /* first wait for an answer, then twice as long each time (RFC 8489 6.2.1) */

struct phone_keep {
        struct loop *loop;
        struct sip_stack *stack;
        struct sip_flow flow;
        uint32_t interval_ms;
        bool waiting;       /* for a pong */
        uint32_t waited_ms; /* so far, over UDP */
        struct tmr tmr;
        phone_keep_failed_fn *failed;
        void *arg;
        struct phone_keep_state state;
};

static uint32_t timer_ms(enum ims_timer t)
{
        return ims_timer_rows[t].default_ms;
}

int phone_keep_new(struct loop *l, phone_keep_failed_fn *failed, void *arg, struct phone_keep **out)
{
        struct phone_keep *k = calloc(1, sizeof(*k));

        if (!k)
                return -IMS_ENOMEM;
        k->loop = l;
        k->failed = failed;
        k->arg = arg;
        *out = k;
        return 0;
}

void phone_keep_free(struct phone_keep *k)
{
        if (!k)
                return;
        phone_keep_stop(k);
        free(k);
}

bool phone_keep_agreed(const struct sip_msg *resp, uint32_t *out_s)
{
        struct span rest = sip_msg_value(resp, SIP_HDR_VIA), part;

        while (span_split(&rest, ';', &part)) {
                ptrdiff_t eq;

                part = span_trim(part);
                eq = span_chr(part, '=', 0);
                if (eq > 0 && span_ieq(span_trim(span_sub(part, 0, (size_t)eq)), SPAN("keep")))
                        return span_u32(span_trim(span_sub(part, (size_t)eq + 1, part.n)), UINT32_MAX / 1000,
                                        out_s) == 0;
        }
        return false;
}

static void on_timer(struct tmr *t, void *arg);

static void give_up(struct phone_keep *k, const char *why)
{
        char text[ADDR_STR];

        log_notice("no keep-alive with %s: %s", addr_str(&k->flow.remote, text), why);
        k->state.failures++;
        phone_keep_stop(k);
        k->failed(k->arg);
}

static void wait(struct phone_keep *k, uint32_t ms)
{
        if (tmr_start(k->loop, &k->tmr, ms, on_timer, k) < 0)
                give_up(k, ims_strerror(IMS_ENOMEM));
}

/* Between 80 and 100 % of the interval, so that many phones do not come at once (RFC 5626 4.4.1). */
static void wait_interval(struct phone_keep *k)
{
        uint8_t r = 0;

        k->waiting = false;
        if (secret_random(&r, 1) < 0)
                r = 0;
        wait(k, k->interval_ms - k->interval_ms / 5 * r / 255);
}

static void ping(struct phone_keep *k)
{
        int rc = sip_flow_ping(k->stack, &k->flow);
        uint32_t left = timer_ms(IMS_TIMER_UE_PONG) - k->waited_ms, next = k->waited_ms + STUN_RTO_MS;

        if (rc < 0) {
                give_up(k, ims_strerror(rc));
                return;
        }
        k->state.pings++;
        k->waiting = true;
        if (k->flow.transport != TRANSPORT_UDP || next > left)
                next = left;
        k->waited_ms += next;
        wait(k, next);
}

static void on_timer(struct tmr *t, void *arg)
{
        struct phone_keep *k = arg;

        (void)t;
        if (!k->waiting)
                k->waited_ms = 0;
        if (k->waiting && k->waited_ms >= timer_ms(IMS_TIMER_UE_PONG))
                give_up(k, "the P-CSCF does not answer");
        else
                ping(k);
}

int phone_keep_start(struct phone_keep *k, struct sip_stack *s, const struct sip_flow *flow,
                     uint32_t interval_s)
{
        uint32_t usual = timer_ms(flow->transport == TRANSPORT_UDP ? IMS_TIMER_UE_FLOW_DATAGRAM
                                                                   : IMS_TIMER_UE_FLOW_STREAM);

        k->stack = s;
        k->flow = *flow;
        k->interval_ms = interval_s ? interval_s * 1000 : usual;
        k->state.interval_s = k->interval_ms / 1000;
        k->state.running = true;
        wait_interval(k);
        return k->state.running ? 0 : -IMS_ENOMEM;
}

void phone_keep_stop(struct phone_keep *k)
{
        tmr_stop(k->loop, &k->tmr);
        k->state.running = k->waiting = false;
}

void phone_keep_pong(struct phone_keep *k, const struct sip_flow *flow)
{
        if (!k->state.running || !k->waiting || flow->transport != k->flow.transport ||
            (k->flow.conn_id && flow->conn_id != k->flow.conn_id))
                return;
        k->state.pongs++;
        wait_interval(k);
}

void phone_keep_state(const struct phone_keep *k, struct phone_keep_state *out)
{
        *out = k->state;
}
