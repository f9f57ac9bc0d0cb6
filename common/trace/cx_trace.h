/* SPDX-License-Identifier: BSD-3-Clause
 * The Diameter side of sip_trace.h. */
#pragma once

#include "common/diameter/node.h"
#include "common/trace/trace.h"

/* For dia_handlers.on_trace, with the trace as arg. Base-protocol messages but CER/CEA and DPR/DPA are left
 * out. */
void cx_trace(const struct dia_trace_info *info, struct trace *t);

/* The verdict on a Diameter peer that became usable or was lost, for dia_handlers.on_peer. */
void cx_trace_peer(struct trace *t, const char *identity, bool up, const char *why);

/* The verdict on one whose CER was refused, for dia_handlers.on_stranger. */
void cx_trace_stranger(struct trace *t, struct span identity, const struct addr *from, const char *why);

/* What a Cx message carries, in one line. */
void cx_summary(struct msg *m, struct buf *out);
