/* SPDX-License-Identifier: BSD-3-Clause
 * A stateful proxy hop. RFC 3261 16.3 to 16.10, RFC 6026 8.
 *
 * A 503 from the next hop is relayed although 16.7 item 6 prefers 500: the addresses of the next hop were all
 * tried by then, and an IMS node has no other way. */
#include "common/sip/forward.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/sip/client.h"
#include "common/sip/txn_server.h"

#define MAX_FORWARDS SPAN("70") /* RFC 3261 16.6 item 3 */
#define LOOP_MARK    "L"

struct sip_forwarding {
        struct sip_request *rq;
        struct sip_client *client;
        struct loop *loop;
        struct sip_forward f; /* without its target */
        struct tmr timer_c;
        bool canceled;
};

/* --- before it is sent ---------------------------------------------------------------------------- */

/* What makes a request the same when it comes again (RFC 3261 16.6 item 8): then it runs in a loop. */
static void loop_mark(const struct sip_request *rq, char out[static 24])
{
        const struct sip_msg *m = rq->msg;
        struct sip_value_iter it = {0};
        struct text t;
        struct span v;
        uint64_t h = hash_mix(hash_span(m->ruri), hash_span(m->call_id));

        h = hash_mix(h, (uintptr_t)rq->stack); /* several stacks may live in one process */
        h = hash_mix(h, hash_mix(hash_span(m->from_tag), hash_span(m->to_tag)));
        h = hash_mix(h, (uint64_t)m->cseq << 8 | (uint64_t)m->method);
        while (sip_msg_next_value(m, SIP_HDR_ROUTE, &it, &v))
                h = hash_mix(h, hash_span(v));
        t = text_in(out, 24);
        text_puts(&t, LOOP_MARK);
        text_hex64(&t, h);
}

static bool in_loop(const struct sip_msg *m, const char *mark)
{
        struct sip_value_iter it = {0};
        struct span via;

        while (sip_msg_next_value(m, SIP_HDR_VIA, &it, &via))
                if (span_find(via, span_of(mark)) >= 0)
                        return true;
        return false;
}

/* Counts Max-Forwards down. 0, or the status to refuse with. */
static int count_hops(struct sip_edit *e)
{
        const struct sip_hdr *h = sip_msg_hdr(e->msg, SIP_HDR_MAX_FORWARDS, 0);
        uint32_t hops;
        char digits[12];
        struct text t = text_in(digits, sizeof(digits));

        if (!h) {
                sip_edit_set(e, SIP_HDR_MAX_FORWARDS, MAX_FORWARDS);
                return 0;
        }
        if (span_u32(h->value, 255, &hops) != 0)
                return 400;
        if (hops == 0)
                return 483;
        text_u32(&t, hops - 1);
        sip_edit_replace(e, h, span_make(t.p, t.n));
        return 0;
}

/* --- end ------------------------------------------------------------------------------------------ */

/* Ends the forwarding; the request with its reference is the caller's. */
static struct sip_request *forwarding_end(struct sip_forwarding *w)
{
        struct sip_request *rq = w->rq;

        tmr_stop(w->loop, &w->timer_c);
        if (sip_server_of(rq)->forwarding == w)
                sip_server_of(rq)->forwarding = NULL;
        free(w);
        return rq;
}

static void on_timer_c(struct tmr *t, void *arg)
{
        struct sip_forwarding *w = arg;

        (void)t;
        log_notice("an INVITE rings for too long (Timer C): canceled");
        sip_client_cancel(w->client); /* its end is reported as 487, or as a time-out */
}

static bool start_timer_c(struct sip_forwarding *w)
{
        return tmr_start(w->rq->stack->loop, &w->timer_c, sip_timer_ms(IMS_TIMER_TIMER_C), on_timer_c, w) ==
               0;
}

/* --- what comes back ------------------------------------------------------------------------------ */

static void on_failure(struct sip_forwarding *w, int err)
{
        struct sip_forward f = w->f;
        bool canceled = w->canceled;
        struct sip_request *rq = forwarding_end(w);

        if (canceled)
                sip_reply(rq, 487, NULL, NULL, 0);
        else if (err == -IMS_ECANCELED) /* the node ends */
                sip_reply(rq, 503, NULL, NULL, 0);
        else if (!f.on_failure || f.on_failure(rq, err, f.arg))
                sip_reply(rq, err == -IMS_ETIMEOUT ? 504 : 503, NULL, NULL, 0);
}

/* Asks the hook and relays. False when the hook took the request over. */
static bool relay(const struct sip_forward *f, struct sip_request *rq, struct sip_msg *resp)
{
        struct sip_edit e;
        bool go_on;

        sip_edit_init(&e, resp);
        if (f->edit)
                f->edit(rq, resp, &e, f->arg);
        go_on = !f->on_response || f->on_response(rq, resp, &e, f->arg);
        if (go_on)
                sip_reply_forward(rq, &e);
        sip_edit_free(&e);
        return go_on;
}

static void on_provisional(struct sip_forwarding *w, struct sip_client *c, struct sip_msg *resp)
{
        struct sip_forward f = w->f;
        struct sip_request *rq = sip_request_ref(w->rq);

        if (rq->msg->method == SIP_INVITE && !start_timer_c(w))
                log_error("Timer C cannot run: %s", ims_strerror(IMS_ENOMEM));
        if (!relay(&f, rq, resp)) { /* whatever became of it, this try is over */
                sip_client_abandon(c);
                (void)forwarding_end(w);
        }
        sip_request_unref(rq);
}

static void on_response(struct sip_client *c, int err, struct sip_msg *resp, void *arg)
{
        struct sip_forwarding *w = arg;
        struct sip_forward f = w->f;
        struct sip_request *rq = w->rq;

        if (err) {
                on_failure(w, err);
        } else if (resp->status >= 200) {
                (void)forwarding_end(w);
                if (rq->msg->method == SIP_INVITE && resp->status < 300)
                        sip_client_set_peer(c, rq, f.edit, f.arg);
                (void)relay(&f, rq, resp);
        } else if (resp->status > 100) {
                on_provisional(w, c, resp);
        }
}

/* --- out ------------------------------------------------------------------------------------------ */

static int start(struct sip_request *rq, struct sip_edit *e, const struct sip_forward *f, const char *mark)
{
        struct sip_forwarding *w = calloc(1, sizeof(*w));
        struct sip_client_owner owner = {.fn = on_response, .arg = w, .suffix = mark};
        int err;

        if (!w)
                return -IMS_ENOMEM;
        w->rq = rq;
        w->loop = rq->stack->loop;
        w->f = *f;
        w->f.target = (struct sip_target){0};
        err = sip_client_send(rq->stack, e, &f->target, &owner, &w->client);
        if (err) {
                free(w);
                return err;
        }
        sip_server_of(rq)->forwarding = w;
        if (rq->msg->method == SIP_INVITE && !start_timer_c(w))
                log_error("Timer C cannot run: %s", ims_strerror(IMS_ENOMEM));
        return 0;
}

bool sip_forward(struct sip_request *rq, struct sip_edit *e, const struct sip_forward *f)
{
        char mark[24];
        int status, err;

        if (!rq->stack) {
                sip_request_unref(rq);
                return false;
        }
        if (rq->msg->method == SIP_ACK) {
                sip_forward_stateless(rq, e, &f->target);
                return false;
        }
        loop_mark(rq, mark);
        status = count_hops(e);
        if (!status && in_loop(rq->msg, mark))
                status = 482;
        if (status) {
                sip_reply(rq, status, status == 482 ? "Loop Detected" : NULL, NULL, 0);
                return false;
        }
        if (rq->msg->method == SIP_INVITE)
                sip_reply(rq, 100, NULL, NULL, 0);
        err = start(rq, e, f, mark);
        if (err) {
                log_warn("a request could not be forwarded: %s", ims_strerror(err));
                sip_reply(rq, 500, NULL, NULL, 0);
        }
        return err == 0;
}

void sip_forward_stateless(struct sip_request *rq, struct sip_edit *e, const struct sip_target *target)
{
        int err;

        if (rq->stack && count_hops(e) == 0) {
                err = sip_send_stateless(rq->stack, e, target);
                if (err)
                        log_warn("an " SPAN_FMT " could not be forwarded: %s", SPAN_ARG(rq->msg->method_name),
                                 ims_strerror(err));
        }
        sip_request_unref(rq);
}

void sip_forward_cancel(struct sip_request *rq)
{
        struct sip_forwarding *w = sip_server_of(rq)->forwarding;

        if (!w)
                return;
        w->canceled = true;
        sip_client_cancel(w->client);
}
