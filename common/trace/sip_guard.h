/* SPDX-License-Identifier: BSD-3-Clause
 * Who may speak on the core side of a node: its list of trusted addresses, applied to what never comes to a
 * handler of requests (TS 33.203 Annex J, TS 24.229 4.4). With an empty list everybody may. */
#pragma once

#include "common/net/prefix.h"
#include "common/sip/stack.h"
#include "common/trace/trace.h"

/* For sip_stack_handlers.admit: CANCEL and ACK of who is not in the list are dropped, the CANCEL with a
 * verdict; other requests go on and get their refusal, responses are the matter of sip_guard_answer. */
bool sip_guard_admit(const struct trust *t, struct trace *trace, const struct sip_flow *flow,
                     const struct sip_msg *m, const char **note);

/* For sip_stack_handlers.answer_from: a response of who was not asked counts when he is in the list; else it
 * is dropped with a verdict. */
bool sip_guard_answer(const struct trust *t, struct trace *trace, const struct sip_flow *flow,
                      const struct addr *asked, const struct sip_msg *m);
