/* SPDX-License-Identifier: BSD-3-Clause
 * Keep-alives of a phone's flow: CRLF over streams, STUN over UDP, as often as the P-CSCF said in its answer
 * to REGISTER (RFC 5626 4.4, RFC 6223; TS 33.203 W.3.1.2). */
#pragma once

#include "common/sip/stack.h"

struct phone_keep;

/* failed: no answer came, the flow is dead; it is not kept any more. -IMS_ENOMEM. */
typedef void phone_keep_failed_fn(void *arg);
int phone_keep_new(struct loop *l, phone_keep_failed_fn *failed, void *arg,
                   struct phone_keep **out) IMS_CHECK;
void phone_keep_free(struct phone_keep *k); /* accepts NULL */

/* The value of keep in the top Via of an answer (RFC 6223 4.4): false when it is not there or has none;
 * *out_s 0: the P-CSCF answers, and says nothing of how often. */
bool phone_keep_agreed(const struct sip_msg *resp, uint32_t *out_s);

/* From now on this flow is kept alive. interval_s 0: the usual one (RFC 5626 4.4.1, 4.4.2). -IMS_ENOMEM. */
int phone_keep_start(struct phone_keep *k, struct sip_stack *s, const struct sip_flow *flow,
                     uint32_t interval_s) IMS_CHECK;
void phone_keep_stop(struct phone_keep *k);

/* Of the stack's handlers. */
void phone_keep_pong(struct phone_keep *k, const struct sip_flow *flow);

struct phone_keep_state {
        bool running;
        uint32_t interval_s;
        unsigned pings, pongs, failures;
};
void phone_keep_state(const struct phone_keep *k, struct phone_keep_state *out);
