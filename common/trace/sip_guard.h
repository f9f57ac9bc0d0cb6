/* SPDX-License-Identifier: BSD-3-Clause
 * Who may speak on the core side of a node: its list of trusted addresses, applied to what never comes to a
 * handler of requests (TS 33.203 Annex J, TS 24.229 4.4); with an empty list everybody may. And where a node
 * may send (TS 33.203 5.1.4). */
#pragma once

#include "common/net/prefix.h"
#include "common/sip/stack.h"
#include "common/trace/trace.h"

/* Whether what comes by that flow is from a node of the core: its address, and TLS where network_domain wants
 * it. For listeners of the core, where TLS means a certificate that was verified. */
bool sip_guard_trusts(const struct trust *t, const struct sip_flow *flow);

/* For sip_stack_handlers.bars, of what is sent to a node of the core: core_net_refuses of that flow. */
const char *sip_guard_bars(const struct trust *t, const struct sip_flow *flow);

/* For sip_stack_handlers.admit: CANCEL and ACK of who is not in the list are dropped, the CANCEL with a
 * verdict; other requests go on and get their refusal, responses are the matter of sip_guard_answer. */
bool sip_guard_admit(const struct trust *t, struct trace *trace, const struct sip_flow *flow,
                     const struct sip_msg *m, const char **note);

/* For sip_stack_handlers.answer_from: a response of who was not asked counts when he is in the list; else it
 * is dropped with a verdict. */
bool sip_guard_answer(const struct trust *t, struct trace *trace, const struct sip_flow *flow,
                      const struct addr *asked, const struct sip_msg *m);
