/* SPDX-License-Identifier: BSD-3-Clause
 * The event stream of a node: every message received and sent, every verdict. Events are JSON lines in
 * trace.file (one writer per file); the ladder program merges the files of all nodes.
 *
 * Fields: t (wall clock, us since 1970), node, ev ("sip", "cx", "verdict"), dir ("in"/"out"),
 * local, remote, proto ("UDP", "TCP", "Diameter"), call_id, session_id, sum (what it carried, no
 * secrets), id (hash of the octets, so that the sent and the received side of one message meet), note;
 * verdicts: procedure, outcome, cause, status, clause, text, evidence, hint, impi, impu. */
#pragma once

#include "common/net/addr.h"
#include "common/trace/verdict.h"

struct trace;

/* file: appended to, created with mode 0600; NULL or "": no stream, verdicts still go to the log.
 * -IMS_EIO when it cannot be opened. */
int trace_new(const char *node, const char *file, struct trace **out) IMS_CHECK;
void trace_free(struct trace *t);
bool trace_on(const struct trace *t);

struct trace_message {
        bool outbound;
        const char *protocol;       /* "UDP", "TCP", "Diameter" */
        const char *local, *remote; /* address or Diameter identity, as text */
        struct span octets;         /* only for the id; never written */
        struct span call_id, session_id;
        struct span summary;
        const char *note; /* or NULL */
};
void trace_message(struct trace *t, const struct trace_message *m);

/* Logs the verdict (notice when ok, warning when refused or failed) and adds it to the stream. */
void trace_verdict(struct trace *t, const struct verdict *v);

/* Says that a Cx session belongs to a call, so that the ladder can put both into one picture. */
void trace_link(struct trace *t, struct span session_id, struct span call_id);
