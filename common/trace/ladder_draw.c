/* SPDX-License-Identifier: BSD-3-Clause
 * Draws a call for people:
 *
 *         ms  UE    P-CSCF  I-CSCF  S-CSCF    HSS
 *      0.000   |------>|       |       |       |  REGISTER, expires 600000
 *      0.412   |       |------>|       |       |  REGISTER, integrity-protected=no, expires 600000, Path
 *      0.731   |       |       |==============>|  UAR, REGISTRATION
 *
 * and as JSON lines for programs. "-" is SIP, "=" is Diameter, "X" a message that never arrived. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/trace/ladder.h"

enum {
        TIME_WIDTH = 9, /* "12345.678" */
        GAP_MIN = 8,    /* columns between two life lines */
        GAP_MAX = 18,
        TEXT_MIN = 24, /* never less for the text, whatever the terminal */
        ROW_MAX = 512,
        PAUSE_US = 2000000, /* a longer silence gets a line of its own */
};

#define COLOR_GOOD  "\033[32m"
#define COLOR_BAD   "\033[31m"
#define COLOR_NOTE  "\033[33m"
#define COLOR_CX    "\033[36m"
#define COLOR_TITLE "\033[1m"
#define COLOR_OFF   "\033[0m"

struct drawing {
        const struct ladder_steps *s;
        struct span user, domain; /* of the IMPI in the head, not repeated below */
        const struct ladder_style *style;
        struct buf *out;
        unsigned margin, gap; /* the first life line, and the distance to the next */
        unsigned text;        /* column where the text begins */
};

static void color(struct drawing *d, const char *code)
{
        if (d->style->color)
                buf_puts(d->out, code);
}

static unsigned lifeline(const struct drawing *d, int party)
{
        return d->margin + (unsigned)party * d->gap;
}

static void layout(struct drawing *d)
{
        size_t longest = 0;
        for (size_t i = 0; i < d->s->n_parties; i++) {
                size_t n = strlen(d->s->parties[i].name);
                longest = n > longest ? n : longest;
        }
        d->gap = (unsigned)longest + 2;
        d->gap = d->gap < GAP_MIN ? GAP_MIN : d->gap > GAP_MAX ? GAP_MAX : d->gap;
        d->margin = TIME_WIDTH + 2 + (unsigned)strlen(d->s->parties[0].name) / 2;
        d->text = lifeline(d, (int)d->s->n_parties - 1) + 3;
}

/* A row of cells; '|' lines of life, '-' and '=' arrows. */
static void put_row(struct drawing *d, const char *row, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                if (!d->style->utf8)
                        buf_char(d->out, row[i]);
                else if (row[i] == '|')
                        buf_puts(d->out, "\u2502");
                else if (row[i] == '-')
                        buf_puts(d->out, "\u2500");
                else if (row[i] == '=')
                        buf_puts(d->out, "\u2550");
                else
                        buf_char(d->out, row[i]);
        }
}

static void lifelines(const struct drawing *d, char row[static ROW_MAX])
{
        memset(row, ' ', ROW_MAX);
        for (size_t i = 0; i < d->s->n_parties; i++)
                row[lifeline(d, (int)i)] = '|';
}

static void arrow(const struct drawing *d, const struct ladder_step *step, char *row)
{
        const unsigned a = lifeline(d, step->from), b = lifeline(d, step->to);
        const unsigned low = a < b ? a : b, high = a < b ? b : a;
        if (step->is_verdict || step->from == step->to) {
                row[a] = '*';
                return;
        }
        const unsigned stop = (low + high) / 2;
        for (unsigned x = low + 1; x < high; x++) {
                const bool flown = !step->lost || (a < b ? x < stop : x > stop);
                if (flown)
                        row[x] = step->is_cx ? '=' : '-';
        }
        if (step->lost)
                row[stop] = 'X';
        else
                row[a < b ? high - 1 : low + 1] = a < b ? '>' : '<';
}

/* Columns a UTF-8 text takes, near enough: its characters. */
static size_t columns(struct span s)
{
        size_t n = 0;
        for (size_t i = 0; i < s.n; i++)
                n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
        return n;
}

/* As many whole words of text as fit width columns; at least one. */
static struct span take_words(struct span *text, size_t width)
{
        size_t end = 0;
        for (size_t i = 0; i <= text->n; i++) {
                if (i < text->n && text->p[i] != ' ')
                        continue;
                if (end > 0 && columns(span_sub(*text, 0, i)) > width)
                        break;
                end = i;
        }
        struct span words = span_sub(*text, 0, end);
        *text = span_trim(span_sub(*text, end, text->n));
        return words;
}

static size_t text_width(const struct drawing *d, unsigned from)
{
        const unsigned width = d->style->width;
        if (width == 0)
                return SIZE_MAX;
        return width > from + TEXT_MIN ? width - from : TEXT_MIN;
}

/* Text beside the life lines; what does not fit goes on in the next row, a little further in. */
static void put_beside(struct drawing *d, struct span text, const char *code)
{
        char row[ROW_MAX];
        bool first = true;
        do {
                struct span words = take_words(&text, text_width(d, d->text) - (first ? 0 : 2));
                if (!first) {
                        lifelines(d, row);
                        put_row(d, row, d->text + 2);
                }
                color(d, code);
                buf_span(d->out, words);
                color(d, *code ? COLOR_OFF : "");
                buf_char(d->out, '\n');
                first = false;
        } while (text.n);
}

static void put_time(struct drawing *d, uint64_t since_us, char row[static ROW_MAX])
{
        char text[32];
        int n = snprintf(text, sizeof(text), "%*.3f", TIME_WIDTH, (double)since_us / 1000.0);
        if (n > 0 && (unsigned)n < d->margin)
                memcpy(row, text, (size_t)n);
}

static void put_verdict_text(struct buf *out, const struct ladder_event *e)
{
        buf_printf(out, "%s %s: %s [%s", ladder_text(e, LADDER_PROCEDURE), ladder_text(e, LADDER_OUTCOME),
                   ladder_text(e, LADDER_TEXT), ladder_text(e, LADDER_CAUSE));
        if (*ladder_text(e, LADDER_CLAUSE))
                buf_printf(out, "; %s", ladder_text(e, LADDER_CLAUSE));
        if (e->status)
                buf_printf(out, "; %d", e->status);
        if (*ladder_text(e, LADDER_EVIDENCE))
                buf_printf(out, "; %s", ladder_text(e, LADDER_EVIDENCE));
        buf_char(out, ']');
        if (*ladder_text(e, LADDER_HINT))
                buf_printf(out, "; hint: %s", ladder_text(e, LADDER_HINT));
}

static const char *outcome_color(const struct ladder_event *e)
{
        return strcmp(ladder_text(e, LADDER_OUTCOME), "ok") == 0 ? COLOR_GOOD : COLOR_BAD;
}

static bool ends_word(struct span s, size_t at)
{
        return at >= s.n || s.p[at] == ' ' || s.p[at] == ',';
}

/* The summary without what the head says already: the user behind the first word, and "@" with the home
 * domain. */
static void put_summary(const struct drawing *d, struct span sum, struct buf *text)
{
        ptrdiff_t end = span_chr(sum, ' ', 0);
        size_t i = end < 0 ? sum.n : (size_t)end;
        buf_span(text, span_sub(sum, 0, i));
        if (d->user.n && ends_word(sum, i + 1 + d->user.n) &&
            span_eq(span_sub(sum, i + 1, i + 1 + d->user.n), d->user))
                i += 1 + d->user.n;
        while (i < sum.n) {
                if (d->domain.n && sum.p[i] == '@' && ends_word(sum, i + 1 + d->domain.n) &&
                    span_eq(span_sub(sum, i + 1, i + 1 + d->domain.n), d->domain))
                        i += 1 + d->domain.n;
                else
                        buf_char(text, sum.p[i++]);
        }
}

static void put_step(struct drawing *d, const struct ladder_step *step, uint64_t start_us)
{
        char row[ROW_MAX];
        struct buf text = BUF_INIT;
        const char *note = ladder_text(step->event, LADDER_NOTE);
        lifelines(d, row);
        arrow(d, step, row);
        put_time(d, step->t_us - start_us, row);
        put_row(d, row, d->text);
        if (step->is_verdict) {
                put_verdict_text(&text, step->event);
        } else {
                put_summary(d, span_of(ladder_text(step->event, LADDER_SUM)), &text);
                if (*note)
                        buf_printf(&text, " (%s)", note);
                if (step->lost)
                        buf_puts(&text, " (not received)");
        }
        const char *code = step->is_verdict ? outcome_color(step->event)
                           : step->lost     ? COLOR_BAD
                           : *note          ? COLOR_NOTE
                           : step->is_cx    ? COLOR_CX
                                            : "";
        put_beside(d, buf_as_span(&text), code);
        buf_free(&text);
}

static void put_names(struct drawing *d)
{
        char row[ROW_MAX];
        size_t end = 0;
        memset(row, ' ', sizeof(row));
        memcpy(row + TIME_WIDTH - 2, "ms", 2);
        for (size_t i = 0; i < d->s->n_parties; i++) {
                const char *name = d->s->parties[i].name;
                size_t n = strlen(name), at = lifeline(d, (int)i);
                n = n > d->gap - 1 ? d->gap - 1 : n;
                at -= n / 2;
                memcpy(row + at, name, n);
                end = at + n;
        }
        color(d, COLOR_TITLE);
        buf_put(d->out, row, end);
        color(d, COLOR_OFF);
        buf_char(d->out, '\n');
}

static void put_pause(struct drawing *d, uint64_t us)
{
        char row[ROW_MAX], text[48];
        lifelines(d, row);
        put_row(d, row, d->text);
        (void)snprintf(text, sizeof(text), "(%.1f s later)", (double)us / 1e6);
        put_beside(d, span_of(text), COLOR_NOTE);
}

/* The identity of the call: that of a verdict, or none. */
static const char *identity(const struct ladder_steps *s, enum ladder_field f)
{
        const char *id = s->deciding ? ladder_text(s->deciding->event, f) : "";
        for (size_t i = 0; i < s->n && !*id; i++)
                id = ladder_text(s->v[i].event, f);
        return id;
}

static void put_head(struct drawing *d, const struct ladder_call *call, uint64_t start_us)
{
        const time_t seconds = (time_t)(start_us / 1000000);
        const char *impi = identity(d->s, LADDER_IMPI), *impu = identity(d->s, LADDER_IMPU);
        char when[64] = "";
        struct tm tm;
        size_t messages = 0;
        for (size_t i = 0; i < d->s->n; i++)
                messages += !d->s->v[i].is_verdict;
        if (localtime_r(&seconds, &tm))
                (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
        color(d, COLOR_TITLE);
        buf_puts(d->out, call->register_us ? "Registration" : "Exchange");
        if (*impi)
                buf_printf(d->out, " of %s", impi);
        if (*impu)
                buf_printf(d->out, ", %s", impu);
        color(d, COLOR_OFF);
        buf_printf(d->out, "\nCall-ID %s, %s.%03u, %zu %s in %.3f ms\n\n", call->call_id, when,
                   (unsigned)(start_us / 1000 % 1000), messages, messages == 1 ? "message" : "messages",
                   (double)(d->s->v[d->s->n - 1].t_us - start_us) / 1000.0);
}

/* The verdict that counts, as the last line (folded to the width of the terminal). */
static void put_deciding(struct drawing *d)
{
        const struct ladder_step *v = d->s->deciding;
        struct buf text = BUF_INIT;
        bool first = true;
        buf_char(d->out, '\n');
        if (!v) {
                buf_puts(d->out, "no verdict yet\n");
                return;
        }
        buf_printf(&text, "%s: ", d->s->parties[v->from].name);
        put_verdict_text(&text, v->event);
        struct span rest = buf_as_span(&text);
        do {
                struct span words = take_words(&rest, text_width(d, first ? 0 : 8));
                buf_puts(d->out, first ? "" : "        ");
                color(d, outcome_color(v->event));
                buf_span(d->out, words);
                color(d, COLOR_OFF);
                buf_char(d->out, '\n');
                first = false;
        } while (rest.n);
        if (*ladder_text(v->event, LADDER_COMMAND)) /* in one piece, so that it can be pasted */
                buf_printf(d->out, "run:\n%s\n", ladder_text(v->event, LADDER_COMMAND));
        buf_free(&text);
}

int ladder_draw(const struct ladder *l, const struct ladder_call *call, const struct ladder_style *style,
                struct buf *out)
{
        struct ladder_steps s;
        int err = ladder_steps_make(l, call, &s);
        if (err)
                return err;
        struct drawing d = {.s = &s, .style = style, .out = out};
        if (s.n == 0) {
                buf_puts(out, "no messages\n");
                goto out;
        }
        layout(&d);
        d.domain = span_of(identity(&s, LADDER_IMPI));
        if (!span_split(&d.domain, '@', &d.user))
                d.user = SPAN_NULL;
        put_head(&d, call, s.v[0].t_us);
        put_names(&d);
        for (size_t i = 0; i < s.n; i++) {
                if (i > 0 && s.v[i].t_us - s.v[i - 1].t_us > PAUSE_US)
                        put_pause(&d, s.v[i].t_us - s.v[i - 1].t_us);
                if (&s.v[i] != s.deciding)
                        put_step(&d, &s.v[i], s.v[0].t_us);
        }
        put_deciding(&d);
out:
        ladder_steps_clear(&s);
        return out->err;
}

static void json_field(struct buf *out, const char *name, const char *text)
{
        if (!*text)
                return;
        buf_char(out, ',');
        buf_json_member(out, name, span_of(text));
}

static void json_step(struct buf *out, const struct ladder_steps *s, const struct ladder_step *step)
{
        const struct ladder_event *e = step->event;
        buf_printf(out, "{\"ms\":%.3f,\"kind\":\"%s\"", (double)(step->t_us - s->v[0].t_us) / 1000.0,
                   step->is_verdict ? "verdict"
                   : step->is_cx    ? "cx"
                                    : "sip");
        json_field(out, step->is_verdict ? "node" : "from", s->parties[step->from].name);
        if (step->is_verdict) {
                static const enum ladder_field fields[] = {
                        LADDER_PROCEDURE, LADDER_OUTCOME, LADDER_CAUSE,   LADDER_CLAUSE, LADDER_TEXT,
                        LADDER_EVIDENCE,  LADDER_HINT,    LADDER_COMMAND, LADDER_IMPI,   LADDER_IMPU};
                static const char *const names[] = {"procedure", "outcome", "cause",   "clause", "text",
                                                    "evidence",  "hint",    "command", "impi",   "impu"};
                for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
                        json_field(out, names[i], ladder_text(e, fields[i]));
                if (e->status)
                        buf_printf(out, ",\"status\":%d", e->status);
                buf_printf(out, ",\"deciding\":%s", step == s->deciding ? "true" : "false");
        } else {
                json_field(out, "to", s->parties[step->to].name);
                json_field(out, "proto", ladder_text(e, LADDER_PROTO));
                json_field(out, "sum", ladder_text(e, LADDER_SUM));
                json_field(out, "note", ladder_text(e, LADDER_NOTE));
                buf_printf(out, ",\"received\":%s", step->lost ? "false" : "true");
        }
        buf_puts(out, "}\n");
}

int ladder_json(const struct ladder *l, const struct ladder_call *call, struct buf *out)
{
        struct ladder_steps s;
        int err = ladder_steps_make(l, call, &s);
        if (err)
                return err;
        buf_printf(out, "{\"kind\":\"call\",\"t\":%llu", s.n ? (unsigned long long)s.v[0].t_us : 0);
        json_field(out, "call_id", call->call_id);
        buf_puts(out, "}\n");
        for (size_t i = 0; i < s.n; i++)
                json_step(out, &s, &s.v[i]);
        ladder_steps_clear(&s);
        return out->err;
}
