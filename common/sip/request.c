/* SPDX-License-Identifier: BSD-3-Clause
 * The request object: its references and its answers. RFC 3261 8.2.6. */
#include "common/base/log.h"
#include "common/sip/txn_server.h"

struct sip_request *sip_request_ref(struct sip_request *rq)
{
        sip_server_of(rq)->refs++;
        return rq;
}

static void release(struct sip_server_txn *t)
{
        if (t->refs)
                t->refs--;
        if (!t->refs && !t->live)
                sip_server_free(t);
        else if (!t->refs && t->answered)
                sip_server_shrink(t);
}

void sip_request_unref(struct sip_request *rq)
{
        static const struct sip_reply_text failed = {.status = 500};
        struct sip_server_txn *t = rq ? sip_server_of(rq) : NULL;
        struct sip_stack *s;

        if (!t)
                return;
        s = rq->stack;
        if (t->refs == 1 && s && t->live && !t->answered) {
                log_error("bug: a %.*s was dropped without an answer", SPAN_ARG(rq->msg->method_name));
                buf_reset(&s->scratch);
                sip_reply_write(s, rq->msg, t->to_tag, &failed, &s->scratch);
                if (!s->scratch.err)
                        sip_server_answer(t, failed.status, buf_as_span(&s->scratch), true);
        }
        release(t);
}

void sip_request_discard(struct sip_request *rq)
{
        struct sip_server_txn *t = sip_server_of(rq);

        if (rq->stack)
                sip_server_leave(t);
        release(t);
}

bool sip_request_answered(const struct sip_request *rq)
{
        return ((const struct sip_server_txn *)rq)->answered;
}

static bool may_answer(const struct sip_server_txn *t, int status)
{
        const struct sip_msg *m = t->rq.msg;

        if (!t->rq.stack)
                return false; /* it has ended */
        if (m->method == SIP_ACK) {
                log_error("bug: an ACK takes no answer (%d)", status);
                return false;
        }
        if (t->answered) {
                log_error("bug: a second final answer (%d after %d) to " SPAN_FMT, status, t->status,
                          SPAN_ARG(m->method_name));
                return false;
        }
        return t->live;
}

static void reply(struct sip_request *rq, const struct sip_reply_text *r)
{
        struct sip_server_txn *t = sip_server_of(rq);
        struct sip_stack *s = rq->stack;

        if (may_answer(t, r->status)) {
                buf_reset(&s->scratch);
                sip_reply_write(s, rq->msg, t->to_tag, r, &s->scratch);
                if (s->scratch.err)
                        log_error("a response could not be written: %s", ims_strerror(s->scratch.err));
                else
                        sip_server_answer(t, r->status, buf_as_span(&s->scratch), true);
        }
        if (r->status >= 200)
                sip_request_unref(rq);
}

void sip_reply(struct sip_request *rq, int status, const char *reason, const struct sip_field *add,
               size_t n_add)
{
        struct sip_reply_text r = {.status = status, .reason = reason, .add = add, .n_add = n_add};

        reply(rq, &r);
}

void sip_reply_body(struct sip_request *rq, int status, const struct sip_field *add, size_t n_add,
                    struct span type, struct span body)
{
        struct sip_reply_text r = {.status = status, .add = add, .n_add = n_add, .type = type, .body = body};

        reply(rq, &r);
}

/* Writes the response without our Via. */
static int write_relayed(struct sip_stack *s, struct sip_edit *e)
{
        buf_reset(&s->scratch);
        sip_edit_pop_value(e, SIP_HDR_VIA);
        return sip_edit_write(e, SPAN_NULL, &s->scratch);
}

void sip_reply_forward(struct sip_request *rq, struct sip_edit *e)
{
        struct sip_server_txn *t = sip_server_of(rq);
        int status = e->msg->status, err;

        if (may_answer(t, status)) {
                err = write_relayed(rq->stack, e);
                if (err)
                        log_error("a response could not be relayed: %s", ims_strerror(err));
                else
                        sip_server_answer(t, status, buf_as_span(&rq->stack->scratch), false);
        }
        if (status >= 200)
                sip_request_unref(rq);
}

void sip_server_relay_2xx(struct sip_request *rq, struct sip_edit *e)
{
        if (rq->stack && write_relayed(rq->stack, e) == 0)
                sip_server_repeat(sip_server_of(rq), buf_as_span(&rq->stack->scratch));
}
