/* SPDX-License-Identifier: BSD-3-Clause
 * Writing a message with its edits in one pass: runs of untouched lines are copied as they came. */
#include "common/sip/edit.h"

#include "common/sip/msg_index.h"

#define NO_OP 0xff
_Static_assert(SIP_EDITS_MAX < NO_OP, "an edit is named by one octet");

/* Edits by the line they belong to, in the order they were recorded. */
struct plan {
        uint8_t first[SIP_HDR_LINES_MAX + 1]; /* per line; the last one is the end of the header */
        uint8_t last[SIP_HDR_LINES_MAX + 1];
        uint8_t next[SIP_EDITS_MAX];
};

static void plan_make(const struct sip_edit *e, struct plan *p)
{
        size_t n = e->msg->n_hdrs;

        memset(p->first, NO_OP, n + 1);
        for (uint8_t i = 0; i < e->n_ops; i++) {
                size_t line = e->ops[i].at ? (size_t)(e->ops[i].at - e->msg->hdrs) : n;

                p->next[i] = NO_OP;
                if (p->first[line] == NO_OP)
                        p->first[line] = i;
                else
                        p->next[p->last[line]] = i;
                p->last[line] = i;
        }
}

static void put_line(struct buf *out, struct span name, struct span value)
{
        buf_span(out, name);
        buf_put(out, ": ", 2);
        buf_span(out, value);
        buf_put(out, "\r\n", 2);
}

static void put_new(const struct sip_edit *e, const struct sip_edit_op *op, struct buf *out)
{
        put_line(out, span_of(sip_hdr_name(op->id)), sip_edit_text(e, op->text, op->n));
}

/* New lines before: the latest stands highest. */
static void put_before(const struct sip_edit *e, const struct plan *p, uint8_t op, struct buf *out)
{
        uint8_t stack[SIP_EDITS_MAX];
        size_t n = 0;

        for (; op != NO_OP; op = p->next[op])
                if (e->ops[op].kind == SIP_EDIT_BEFORE)
                        stack[n++] = op;
        while (n)
                put_new(e, &e->ops[stack[--n]], out);
}

static void put_after(const struct sip_edit *e, const struct plan *p, uint8_t op, struct buf *out)
{
        for (; op != NO_OP; op = p->next[op])
                if (e->ops[op].kind == SIP_EDIT_AFTER)
                        put_new(e, &e->ops[op], out);
}

/* A line that has edits. */
static void put_edited(const struct sip_edit *e, const struct plan *p, size_t line, struct buf *out)
{
        const struct sip_hdr *h = &e->msg->hdrs[line];
        const struct sip_edit_op *own = NULL;

        put_before(e, p, p->first[line], out);
        for (uint8_t op = p->first[line]; op != NO_OP; op = p->next[op])
                if (e->ops[op].kind == SIP_EDIT_REMOVE || e->ops[op].kind == SIP_EDIT_REPLACE)
                        own = &e->ops[op];
        if (!own)
                buf_span(out, h->line);
        else if (own->kind == SIP_EDIT_REPLACE)
                put_line(out, h->name, sip_edit_text(e, own->text, own->n));
        put_after(e, p, p->first[line], out);
}

static void put_start_line(const struct sip_edit *e, struct buf *out)
{
        const struct sip_msg *m = e->msg;
        size_t header = m->n_hdrs ? (size_t)(m->hdrs[0].line.p - m->buf) : 0;

        if (!e->has_ruri || !m->is_request) {
                buf_put(out, m->buf, header);
                return;
        }
        buf_span(out, m->method_name);
        buf_char(out, ' ');
        buf_span(out, sip_edit_text(e, e->ruri, e->ruri_n));
        buf_puts(out, " SIP/2.0\r\n");
}

/* True when Content-Length must be written anew. */
static bool length_wrong(const struct sip_edit *e, size_t body)
{
        const struct sip_hdr *h = sip_msg_hdr(e->msg, SIP_HDR_CONTENT_LENGTH, 0);
        uint32_t given;

        return h && (span_u32(h->value, UINT32_MAX, &given) || given != body);
}

static void put_length(struct span name, size_t body, struct buf *out)
{
        char digits[24], *p = digits + sizeof(digits);

        do
                *--p = (char)('0' + body % 10);
        while (body /= 10);
        put_line(out, name, span_make(p, (size_t)(digits + sizeof(digits) - p)));
}

static void put_header(const struct sip_edit *e, size_t body, struct buf *out)
{
        const struct sip_msg *m = e->msg;
        bool new_length = length_wrong(e, body), has_length = m->first[SIP_HDR_CONTENT_LENGTH] != 0;
        struct plan p;
        size_t run = 0; /* untouched lines from here on are copied together */

        plan_make(e, &p);
        for (size_t i = 0; i <= m->n_hdrs; i++) {
                bool end = i == m->n_hdrs;
                bool length = !end && new_length && m->hdrs[i].id == SIP_HDR_CONTENT_LENGTH;

                if (!end && p.first[i] == NO_OP && !length)
                        continue;
                if (i > run)
                        buf_put(out, m->hdrs[run].line.p,
                                (size_t)(m->hdrs[i - 1].line.p + m->hdrs[i - 1].line.n -
                                         m->hdrs[run].line.p));
                run = i + 1;
                if (length)
                        put_length(m->hdrs[i].name, body, out);
                else if (!end)
                        put_edited(e, &p, i, out);
        }
        put_before(e, &p, p.first[m->n_hdrs], out);
        put_after(e, &p, p.first[m->n_hdrs], out);
        if (!has_length)
                put_length(SPAN("Content-Length"), body, out);
        buf_put(out, "\r\n", 2);
}

int sip_edit_write(const struct sip_edit *e, struct span top_via, struct buf *out)
{
        struct span body = e->has_body ? sip_edit_text(e, e->body, e->body_n) : e->msg->body;

        if (e->err)
                return e->err;
        put_start_line(e, out);
        if (top_via.n)
                put_line(out, SPAN("Via"), top_via);
        put_header(e, body.n, out);
        buf_span(out, body);
        return out->err;
}
