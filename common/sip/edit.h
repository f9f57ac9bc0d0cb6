/* SPDX-License-Identifier: BSD-3-Clause
 * Recorded changes to a message, written in one pass. Each call sees the message as the calls before it
 * left it. Errors are sticky and come out of sip_edit_write. */
#pragma once

#include "common/sip/msg.h"

enum sip_edit_kind { SIP_EDIT_REMOVE, SIP_EDIT_REPLACE, SIP_EDIT_BEFORE, SIP_EDIT_AFTER };

#define SIP_EDITS_MAX 48

struct sip_edit_op {
        enum sip_edit_kind kind;
        enum sip_hdr_id id;       /* for new lines */
        const struct sip_hdr *at; /* line that is removed, replaced, or next to the new one; NULL: end */
        size_t text, n;           /* value in texts */
};

struct sip_edit {
        const struct sip_msg *msg; /* borrowed */
        struct sip_edit_op ops[SIP_EDITS_MAX];
        size_t n_ops;
        struct buf texts;
        bool has_ruri, has_body;
        size_t ruri, ruri_n, body, body_n;
        int err;
};

/* A text that e keeps. */
static inline struct span sip_edit_text(const struct sip_edit *e, size_t at, size_t n)
{
        return n ? span_make(e->texts.p + at, n) : SPAN_NULL;
}

void sip_edit_init(struct sip_edit *e, const struct sip_msg *m);
void sip_edit_free(struct sip_edit *e);

void sip_edit_set_ruri(struct sip_edit *e, struct span uri);
void sip_edit_remove(struct sip_edit *e, const struct sip_hdr *h);
void sip_edit_remove_all(struct sip_edit *e, enum sip_hdr_id id);
void sip_edit_replace(struct sip_edit *e, const struct sip_hdr *h, struct span value);

/* All fields of that id become one with this value (in the place of the first, else at the end). */
void sip_edit_set(struct sip_edit *e, enum sip_hdr_id id, struct span value);

/* A new line before the first of that id; where none is, at the end of the header. */
void sip_edit_insert(struct sip_edit *e, enum sip_hdr_id id, struct span value);

/* A new line after the last of that id; where none is, at the end of the header. */
void sip_edit_append(struct sip_edit *e, enum sip_hdr_id id, struct span value);

/* Takes the first value of a comma separated field away (Route, Via). Lines that edits added are not
 * looked at. */
void sip_edit_pop_value(struct sip_edit *e, enum sip_hdr_id id);

/* Removes one token from a comma separated field (Require: sec-agree); an emptied field disappears. */
void sip_edit_remove_token(struct sip_edit *e, enum sip_hdr_id id, struct span token);

/* Replaces the body; Content-Length follows. type: Content-Type, empty keeps the one there is. */
void sip_edit_set_body(struct sip_edit *e, struct span type, struct span body);

/* Appends the message to out. top_via: value of a Via line put before all other fields, or empty.
 * Content-Length is always right in what is written (and added when there was none). -IMS_ENOMEM,
 * -IMS_ETOOBIG (also for too many edits), -IMS_EINVAL (a value that would not stay in its line). */
int sip_edit_write(const struct sip_edit *e, struct span top_via, struct buf *out) IMS_CHECK;
