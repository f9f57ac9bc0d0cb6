/* SPDX-License-Identifier: BSD-3-Clause
 * Reads one event: a flat JSON object of strings and numbers (RFC 8259). What is nested or not known is
 * skipped, so that a stream may grow fields. */
#include <stdlib.h>

#include "common/trace/ladder.h"

enum { LINE_MAX_OCTETS = 60000, NAME_MAX_OCTETS = 32 };

static const char *const field_names[LADDER_FIELD_COUNT] = {
#define X(id, name) name,
        LADDER_FIELDS(X)
#undef X
};

struct scan {
        struct span in;
        size_t i;
};

static int peek(struct scan *s)
{
        while (s->i < s->in.n && strchr(" \t\r\n", s->in.p[s->i]) && s->in.p[s->i])
                s->i++;
        return s->i < s->in.n ? (unsigned char)s->in.p[s->i] : -1;
}

static bool take(struct scan *s, char c)
{
        if (peek(s) != c)
                return false;
        s->i++;
        return true;
}

static int hex4(struct span s, size_t at, unsigned *out)
{
        unsigned v = 0;
        if (at + 4 > s.n)
                return -IMS_EPARSE;
        for (size_t i = at; i < at + 4; i++) {
                char c = s.p[i];
                unsigned d = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                             : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                             : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                    : 16;
                if (d > 15)
                        return -IMS_EPARSE;
                v = v << 4 | d;
        }
        *out = v;
        return 0;
}

/* A control character must never reach the terminal: it is shown as a point. */
static void put_char(struct buf *out, unsigned c)
{
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000)) {
                buf_char(out, '.');
        } else if (c < 0x80) {
                buf_char(out, (char)c);
        } else if (c < 0x800) {
                buf_char(out, (char)(0xc0 | c >> 6));
                buf_char(out, (char)(0x80 | (c & 0x3f)));
        } else {
                buf_char(out, (char)(0xe0 | c >> 12));
                buf_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
                buf_char(out, (char)(0x80 | (c & 0x3f)));
        }
}

static int take_escape(struct scan *s, struct buf *out)
{
        unsigned c = 0;
        if (s->i >= s->in.n)
                return -IMS_EPARSE;
        switch (s->in.p[s->i++]) {
        case '"':
        case '\\':
        case '/':
                buf_char(out, s->in.p[s->i - 1]);
                return 0;
        case 'n':
        case 'r':
        case 't':
        case 'b':
        case 'f':
                buf_char(out, ' ');
                return 0;
        case 'u':
                if (hex4(s->in, s->i, &c) != 0)
                        return -IMS_EPARSE;
                s->i += 4;
                put_char(out, c);
                return 0;
        default:
                return -IMS_EPARSE;
        }
}

/* A string, decoded and appended to out. */
static int take_string(struct scan *s, struct buf *out)
{
        if (!take(s, '"'))
                return -IMS_EPARSE;
        while (s->i < s->in.n) {
                const char c = s->in.p[s->i++];
                if (c == '"')
                        return 0;
                if (c == '\\') {
                        if (take_escape(s, out) != 0)
                                return -IMS_EPARSE;
                } else if ((unsigned char)c >= 0x80) {
                        buf_char(out, c);
                } else {
                        put_char(out, (unsigned char)c);
                }
        }
        return -IMS_EPARSE;
}

/* Behind a value that is no string: a number, a word, or something nested. */
static int skip_value(struct scan *s, struct span *out_word)
{
        size_t from, depth = 0;
        struct buf dropped = BUF_INIT;
        int err = 0;
        (void)peek(s);
        from = s->i;
        while (!err && s->i < s->in.n) {
                const char c = s->in.p[s->i];
                if (depth == 0 && (c == ',' || c == '}'))
                        break;
                if (c == '"') {
                        buf_reset(&dropped);
                        err = take_string(s, &dropped);
                        continue;
                }
                depth += c == '{' || c == '[';
                if ((c == '}' || c == ']') && depth-- == 0)
                        err = -IMS_EPARSE;
                s->i++;
        }
        buf_free(&dropped);
        *out_word = span_trim(span_sub(s->in, from, s->i));
        return err;
}

struct reading {
        uint64_t t_us;
        int status;
        uint16_t at[LADDER_FIELD_COUNT];
        bool has_time;
        struct span kind, dir;
        char kind_text[16], dir_text[8];
        struct buf text;
};

static struct span keep(char *to, size_t size, struct span s)
{
        const size_t n = s.n < size ? s.n : size;
        memcpy(to, s.p, n);
        return span_make(to, n);
}

static int read_string_member(struct scan *s, struct span name, struct reading *r)
{
        const size_t at = r->text.n;
        int err = take_string(s, &r->text);
        if (err)
                return err;
        const struct span value = span_sub(buf_as_span(&r->text), at, r->text.n);
        for (unsigned f = 0; f < LADDER_FIELD_COUNT; f++) {
                if (!span_eq(name, span_of(field_names[f])))
                        continue;
                r->at[f] = value.n ? (uint16_t)at : 0;
                buf_char(&r->text, '\0');
                return 0;
        }
        if (span_eq(name, SPAN("ev")))
                r->kind = keep(r->kind_text, sizeof(r->kind_text), value);
        else if (span_eq(name, SPAN("dir")))
                r->dir = keep(r->dir_text, sizeof(r->dir_text), value);
        r->text.n = at;
        return 0;
}

static int read_member(struct scan *s, struct reading *r)
{
        struct buf name = BUF_INIT;
        struct span word;
        uint32_t status = 0;
        int err = take_string(s, &name);
        if (!err && !take(s, ':'))
                err = -IMS_EPARSE;
        if (!err && peek(s) == '"') {
                err = read_string_member(s, buf_as_span(&name), r);
        } else if (!err) {
                err = skip_value(s, &word);
                if (!err && span_eq(buf_as_span(&name), SPAN("t")))
                        r->has_time = span_u64(word, UINT64_MAX, &r->t_us) == 0;
                if (!err && span_eq(buf_as_span(&name), SPAN("status")) && span_u32(word, 999, &status) == 0)
                        r->status = (int)status;
        }
        buf_free(&name);
        return err;
}

static int kind_parse(struct span word, enum ladder_kind *out)
{
        static const char *const names[] = {[LADDER_SIP] = "sip",
                                            [LADDER_CX] = "cx",
                                            [LADDER_VERDICT] = "verdict",
                                            [LADDER_LINK] = "link"};
        for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (span_eq(word, span_of(names[i]))) {
                        *out = (enum ladder_kind)i;
                        return 0;
                }
        }
        return -IMS_EPARSE;
}

int ladder_event_parse(struct span line, struct ladder_event **out)
{
        struct reading r = {.text = BUF_INIT};
        struct scan s = {.in = line};
        struct ladder_event *e = NULL;
        enum ladder_kind kind = LADDER_SIP;
        int err = -IMS_EPARSE;
        if (line.n > LINE_MAX_OCTETS || !take(&s, '{'))
                goto out;
        buf_char(&r.text, '\0');
        do {
                err = read_member(&s, &r);
        } while (!err && take(&s, ','));
        if (!err && (!take(&s, '}') || peek(&s) != -1 || !r.has_time))
                err = -IMS_EPARSE;
        if (!err)
                err = kind_parse(r.kind, &kind);
        if (!err)
                err = r.text.err;
        if (err)
                goto out;
        if (r.text.n > UINT16_MAX) {
                err = -IMS_ETOOBIG;
                goto out;
        }
        e = calloc(1, sizeof(*e) + r.text.n);
        if (!e) {
                err = -IMS_ENOMEM;
                goto out;
        }
        e->t_us = r.t_us;
        e->kind = kind;
        e->outbound = span_eq(r.dir, SPAN("out"));
        e->status = r.status;
        memcpy(e->at, r.at, sizeof(e->at));
        memcpy(e->text, r.text.p, r.text.n);
        *out = e;
out:
        buf_free(&r.text);
        return err;
}
