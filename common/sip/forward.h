/* SPDX-License-Identifier: BSD-3-Clause
 * A stateful proxy hop (RFC 3261 16): Max-Forwards, loops, relaying of responses, CANCEL, Timer C and
 * the answer when nobody answers. Nodes add what their role demands through the hooks. */
#pragma once

#include "common/sip/stack.h"

struct sip_forward {
        struct sip_target target;
        /* Changes every response that goes back, also further 2xx to an INVITE: those of the callee until it
         * has its ACK, those of other callees (RFC 6026 7.1). NULL: as they are. */
        void (*edit)(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg);
        /* Before a response (provisional or final, no further 2xx) goes back, after edit. May change it by e.
         * NULL: it goes. Return false to take the request over (to try another target, say): the response is
         * not relayed and rq with its reference belongs to the hook. */
        bool (*on_response)(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg);
        /* Nobody answered (err as in sip_response_fn). Return false to take the request over; true:
         * 504 (time-out) or 503 is answered. NULL: as true. */
        bool (*on_failure)(struct sip_request *rq, int err, void *arg);
        void *arg;
};

/* Forwards rq with the edits in e (on rq->msg; Max-Forwards is counted down here). Takes the caller's
 * reference of rq in every case: refusals (483, 400, 500) are answered here. True when it is on its way: the
 * hooks run later. */
bool sip_forward(struct sip_request *rq, struct sip_edit *e, const struct sip_forward *f);

/* ACK for a 2xx and other requests without transaction: the same checks, no answer. Takes rq. */
void sip_forward_stateless(struct sip_request *rq, struct sip_edit *e, const struct sip_target *target);

/* For on_cancel of the stack: cancels what sip_forward started for this request. */
void sip_forward_cancel(struct sip_request *rq);
