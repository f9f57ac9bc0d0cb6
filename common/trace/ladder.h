/* SPDX-License-Identifier: BSD-3-Clause
 * The ladder: merges the event streams of all nodes (trace.h) and draws one call at a time. Cx messages
 * join the call that a link event names. No I/O: lines in, text out. */
#pragma once

#include "common/base/buf.h"
#include "common/base/htab.h"

/* The text fields of an event, named as in the stream. */
#define LADDER_FIELDS(X)                                                                                     \
        X(NODE, "node")                                                                                      \
        X(LOCAL, "local")                                                                                    \
        X(REMOTE, "remote")                                                                                  \
        X(PROTO, "proto")                                                                                    \
        X(CALL_ID, "call_id")                                                                                \
        X(SESSION_ID, "session_id")                                                                          \
        X(SUM, "sum")                                                                                        \
        X(ID, "id")                                                                                          \
        X(NOTE, "note")                                                                                      \
        X(PROCEDURE, "procedure")                                                                            \
        X(OUTCOME, "outcome")                                                                                \
        X(CAUSE, "cause")                                                                                    \
        X(CLAUSE, "clause")                                                                                  \
        X(TEXT, "text")                                                                                      \
        X(EVIDENCE, "evidence")                                                                              \
        X(HINT, "hint")                                                                                      \
        X(COMMAND, "command")                                                                                \
        X(IMPI, "impi")                                                                                      \
        X(IMPU, "impu")

enum ladder_field {
#define X(id, name) LADDER_##id,
        LADDER_FIELDS(X)
#undef X
                LADDER_FIELD_COUNT
};

enum ladder_kind { LADDER_SIP, LADDER_CX, LADDER_VERDICT, LADDER_LINK };

struct ladder_event {
        uint64_t t_us;
        uint64_t seq; /* in the order of reading */
        enum ladder_kind kind;
        bool outbound;
        int status;
        uint16_t at[LADDER_FIELD_COUNT]; /* place of each field in text; 0: "" */
        char text[];                     /* C strings, the first one empty */
};

/* A field as a C string, "" when the event has none. */
static inline const char *ladder_text(const struct ladder_event *e, enum ladder_field f)
{
        return e->text + e->at[f];
}

/* Reads one line. *out is owned by the caller (free). -IMS_EPARSE for what is no event of ours. */
int ladder_event_parse(struct span line, struct ladder_event **out) IMS_CHECK;

/* All that carries one Call-ID, with the Cx messages linked to it. */
struct ladder_call {
        struct hnode node;
        char *call_id;
        struct ladder_event **events; /* in the order of reading */
        size_t n, cap;
        size_t shown;         /* events before this one were drawn already (--follow) */
        uint64_t last_us;     /* time of the latest event */
        uint64_t register_us; /* time of the latest REGISTER, 0: no registration */
        bool decided;         /* a verdict came that was not drawn yet */
};

struct ladder;

int ladder_new(struct ladder **out) IMS_CHECK;
void ladder_free(struct ladder *l);

/* Takes one line of a stream. Lines that are no event are left out and counted. -IMS_ENOMEM. */
int ladder_feed(struct ladder *l, struct span line) IMS_CHECK;

/* Lines that were no event of ours. */
size_t ladder_foreign(const struct ladder *l);

size_t ladder_call_count(const struct ladder *l);
struct ladder_call *ladder_call_at(const struct ladder *l, size_t i);

/* NULL when there is none. The last one is that with the latest REGISTER, or with the latest event when
 * nobody registered. An IMPI may be given without its domain. */
struct ladder_call *ladder_by_call_id(const struct ladder *l, struct span call_id);
struct ladder_call *ladder_by_impi(const struct ladder *l, struct span impi);
bool ladder_call_has_impi(const struct ladder_call *c, struct span impi);
struct ladder_call *ladder_last(const struct ladder *l);

/* Node whose stream has that address or Diameter identity as its own, or NULL. */
const char *ladder_node_of(const struct ladder *l, const char *address);
bool ladder_has_node(const struct ladder *l, const char *node);

/* --- what happened, ready to be drawn (ladder_steps.c) ------------------------------------------- */

#define LADDER_PARTIES_MAX 16
#define LADDER_NAME_MAX    24

struct ladder_party {
        char key[64];               /* node name, or address of somebody without a stream */
        char name[LADDER_NAME_MAX]; /* "P-CSCF" */
        int rank;                   /* place from the left */
        bool has_stream;
};

struct ladder_step {
        uint64_t t_us;
        const struct ladder_event *event; /* the sent side where there is one; or the verdict */
        int from, to;                     /* indices of parties; a verdict has the same in both */
        bool is_verdict, is_cx;
        bool lost; /* sent to a node that has a stream and did not see it */
};

struct ladder_steps {
        struct ladder_party parties[LADDER_PARTIES_MAX]; /* from left to right */
        size_t n_parties;
        struct ladder_step *v;
        size_t n;
        const struct ladder_step *deciding; /* verdict, or NULL */
};

/* events of call from shown on. Free with ladder_steps_clear. */
int ladder_steps_make(const struct ladder *l, const struct ladder_call *call,
                      struct ladder_steps *out) IMS_CHECK;
void ladder_steps_clear(struct ladder_steps *s);

/* --- drawing (ladder_draw.c) --------------------------------------------------------------------- */

struct ladder_style {
        unsigned width; /* columns of the terminal; 0: lines are not broken */
        bool color, utf8;
};

int ladder_draw(const struct ladder *l, const struct ladder_call *call, const struct ladder_style *style,
                struct buf *out) IMS_CHECK;

/* The same as JSON lines: one object for the call, one per message and verdict. */
int ladder_json(const struct ladder *l, const struct ladder_call *call, struct buf *out) IMS_CHECK;
