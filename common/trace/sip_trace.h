/* SPDX-License-Identifier: BSD-3-Clause
 * Turns what the SIP stack and the Diameter node saw into events with a readable summary
 * ("REGISTER 001010000000001 response, integrity-protected=no", "MAA 2001: 1 AV, RAND..AUTN"). Secrets
 * (ik, ck, CK, IK, XRES, H(A1)) are named, never shown. */
#pragma once

#include "common/sip/stack.h"
#include "common/trace/trace.h"

/* For sip_stack_handlers.on_trace, with the trace as arg. */
void sip_trace(const struct sip_trace_info *info, struct trace *t);

/* For sip_stack_handlers.on_fault: the verdict on a request that the stack refuses as malformed. */
void sip_trace_fault(const struct sip_msg *m, struct trace *t);

/* What a SIP message carries, in one line. */
void sip_summary(const struct sip_msg *m, struct buf *out);
