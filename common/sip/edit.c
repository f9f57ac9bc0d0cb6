/* SPDX-License-Identifier: BSD-3-Clause
 * Recording changes to a message. Each call works on the message as the earlier calls left it. */
#include "common/sip/edit.h"

#include "common/sip/msg_lex.h"

void sip_edit_init(struct sip_edit *e, const struct sip_msg *m)
{
        e->msg = m;
        e->n_ops = 0;
        e->texts = (struct buf){.secret = true};
        e->has_ruri = e->has_body = false;
        e->ruri = e->ruri_n = e->body = e->body_n = 0;
        e->err = 0;
}

void sip_edit_free(struct sip_edit *e)
{
        buf_free(&e->texts);
}

/* --- records -------------------------------------------------------------------------------------- */

static void fail(struct sip_edit *e, int err)
{
        if (!e->err)
                e->err = err;
}

/* A value must stay inside its line: a line end is allowed as folding only. */
static bool stays_in_line(struct span v)
{
        if (span_chr(v, '\r', 0) < 0 && span_chr(v, '\n', 0) < 0)
                return true;
        for (size_t i = 0; i < v.n; i++) {
                if (v.p[i] == '\r' && (i + 1 == v.n || v.p[i + 1] != '\n'))
                        return false;
                if (v.p[i] == '\n' && (i + 1 == v.n || (v.p[i + 1] != ' ' && v.p[i + 1] != '\t')))
                        return false;
        }
        return true;
}

/* Keeps text and returns its place. A part of what is kept already needs no copy (and must not get one:
 * the memory moves as it grows). */
static size_t store(struct sip_edit *e, struct span text)
{
        uintptr_t from = (uintptr_t)e->texts.p, p = (uintptr_t)text.p;
        size_t at = e->texts.n;

        if (text.n && p >= from && p < from + e->texts.n)
                return (size_t)(p - from);
        buf_span(&e->texts, text);
        if (e->texts.err)
                fail(e, e->texts.err);
        return at;
}

static void record(struct sip_edit *e, enum sip_edit_kind kind, enum sip_hdr_id id, const struct sip_hdr *at,
                   struct span value)
{
        struct sip_edit_op *op;

        if (e->n_ops == SIP_EDITS_MAX)
                fail(e, -IMS_ETOOBIG);
        else if (!stays_in_line(value) || (!at && id >= SIP_HDR_OTHER))
                fail(e, -IMS_EINVAL);
        if (e->err)
                return;
        op = &e->ops[e->n_ops];
        *op = (struct sip_edit_op){.kind = kind, .id = id, .at = at, .n = value.n};
        op->text = store(e, value);
        if (!e->err)
                e->n_ops++;
}

static bool is_new_line(const struct sip_edit_op *op)
{
        return op->kind == SIP_EDIT_BEFORE || op->kind == SIP_EDIT_AFTER;
}

/* Value of line h after the edits so far; false when it was removed. */
static bool current(const struct sip_edit *e, const struct sip_hdr *h, struct span *out)
{
        for (size_t i = e->n_ops; i-- > 0;) {
                const struct sip_edit_op *op = &e->ops[i];

                if (op->at != h || is_new_line(op))
                        continue;
                *out = sip_edit_text(e, op->text, op->n);
                return op->kind == SIP_EDIT_REPLACE;
        }
        *out = h->value;
        return true;
}

/* Forgets lines with this id that earlier edits added. */
static void drop_new_lines(struct sip_edit *e, enum sip_hdr_id id)
{
        size_t kept = 0;

        for (size_t i = 0; i < e->n_ops; i++)
                if (!is_new_line(&e->ops[i]) || e->ops[i].id != id)
                        e->ops[kept++] = e->ops[i];
        e->n_ops = kept;
}

/* The next line with this id at or after h, or NULL. */
static const struct sip_hdr *line_from(const struct sip_msg *m, const struct sip_hdr *h, enum sip_hdr_id id)
{
        for (; h && h < m->hdrs + m->n_hdrs; h++)
                if (h->id == id)
                        return h;
        return NULL;
}

static const struct sip_hdr *first_line(const struct sip_edit *e, enum sip_hdr_id id)
{
        return sip_msg_hdr(e->msg, id, 0);
}

/* --- edits ---------------------------------------------------------------------------------------- */

void sip_edit_set_ruri(struct sip_edit *e, struct span uri)
{
        if (!uri.n || sip_has_space(uri))
                fail(e, -IMS_EINVAL);
        e->ruri = store(e, uri);
        e->ruri_n = uri.n;
        e->has_ruri = true;
}

void sip_edit_remove(struct sip_edit *e, const struct sip_hdr *h)
{
        record(e, SIP_EDIT_REMOVE, h->id, h, SPAN_NULL);
}

void sip_edit_remove_all(struct sip_edit *e, enum sip_hdr_id id)
{
        struct span v;

        drop_new_lines(e, id);
        for (const struct sip_hdr *h = first_line(e, id); h; h = line_from(e->msg, h + 1, id))
                if (current(e, h, &v))
                        sip_edit_remove(e, h);
}

void sip_edit_replace(struct sip_edit *e, const struct sip_hdr *h, struct span value)
{
        record(e, SIP_EDIT_REPLACE, h->id, h, value);
}

void sip_edit_set(struct sip_edit *e, enum sip_hdr_id id, struct span value)
{
        const struct sip_hdr *first = first_line(e, id);

        drop_new_lines(e, id);
        if (!first) {
                record(e, SIP_EDIT_AFTER, id, NULL, value);
                return;
        }
        sip_edit_replace(e, first, value);
        for (const struct sip_hdr *h = line_from(e->msg, first + 1, id); h; h = line_from(e->msg, h + 1, id))
                sip_edit_remove(e, h);
}

void sip_edit_insert(struct sip_edit *e, enum sip_hdr_id id, struct span value)
{
        record(e, SIP_EDIT_BEFORE, id, first_line(e, id), value);
}

void sip_edit_append(struct sip_edit *e, enum sip_hdr_id id, struct span value)
{
        const struct sip_hdr *last = first_line(e, id), *h = last;

        while (h) {
                last = h;
                h = line_from(e->msg, h + 1, id);
        }
        record(e, SIP_EDIT_AFTER, id, last, value);
}

void sip_edit_pop_value(struct sip_edit *e, enum sip_hdr_id id)
{
        for (const struct sip_hdr *h = first_line(e, id); h; h = line_from(e->msg, h + 1, id)) {
                struct span v, rest;

                if (!current(e, h, &v))
                        continue;
                rest = sip_hdr_is_list(id) ? span_sub(v, sip_lex_value_end(v) + 1, v.n) : SPAN_NULL;
                rest = span_trim(rest);
                if (rest.n)
                        sip_edit_replace(e, h, rest);
                else
                        sip_edit_remove(e, h);
                return;
        }
}

/* Appends the values of list that are not token to out. True when something was left out. */
static bool without_token(struct span list, struct span token, struct buf *out)
{
        bool found = false;

        while (list.n) {
                size_t end = sip_lex_value_end(list);
                struct span v = span_trim(span_sub(list, 0, end));

                list = span_sub(list, end + 1, list.n);
                if (span_ieq(v, token)) {
                        found = true;
                } else if (v.n) {
                        if (out->n)
                                buf_puts(out, ", ");
                        buf_span(out, v);
                }
        }
        return found;
}

void sip_edit_remove_token(struct sip_edit *e, enum sip_hdr_id id, struct span token)
{
        struct buf left = BUF_INIT;

        for (const struct sip_hdr *h = first_line(e, id); h; h = line_from(e->msg, h + 1, id)) {
                struct span v;

                buf_reset(&left);
                if (!current(e, h, &v) || !without_token(v, token, &left))
                        continue;
                if (left.err)
                        fail(e, left.err);
                else if (left.n)
                        sip_edit_replace(e, h, buf_as_span(&left));
                else
                        sip_edit_remove(e, h);
        }
        buf_free(&left);
}

void sip_edit_set_body(struct sip_edit *e, struct span type, struct span body)
{
        if (type.n)
                sip_edit_set(e, SIP_HDR_CONTENT_TYPE, type);
        e->body = store(e, body);
        e->body_n = body.n;
        e->has_body = true;
}
