/* SPDX-License-Identifier: BSD-3-Clause
 * A growable octet buffer with a sticky error. */
#include "common/base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/secret.h"

#define BUF_MAX_DEFAULT ((size_t)1 << 20)
#define BUF_FIRST       256

/* As realloc. */
static char *larger(const struct buf *b, size_t cap)
{
        char *p;

        if (!b->secret)
                return realloc(b->p, cap);
        p = malloc(cap);
        if (!p)
                return NULL;
        if (b->n)
                memcpy(p, b->p, b->n);
        secret_free(b->p, b->cap);
        return p;
}

/* Room for n more octets and a NUL behind them. */
static bool buf_room(struct buf *b, size_t n)
{
        size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
        size_t cap = b->cap;
        char *p;

        if (b->err)
                return false;
        if (n > max || b->n > max - n) {
                b->err = -IMS_ETOOBIG;
                return false;
        }
        if (b->n + n < cap)
                return true;
        if (!cap)
                cap = BUF_FIRST;
        while (cap <= b->n + n)
                cap *= 2;
        cap = cap > max ? max + 1 : cap;
        p = larger(b, cap);
        if (!p) {
                b->err = -IMS_ENOMEM;
                return false;
        }
        b->p = p;
        b->cap = cap;
        return true;
}

void buf_put_growing(struct buf *b, const void *p, size_t n)
{
        if (n == 0 || !buf_room(b, n))
                return;
        memcpy(b->p + b->n, p, n);
        b->n += n;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        buf_vprintf(b, fmt, ap);
        va_end(ap);
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
        va_list again;
        size_t left;
        int n;

        if (!buf_room(b, 0))
                return;
        left = b->cap - b->n;
        va_copy(again, ap);
        n = vsnprintf(b->p + b->n, left, fmt, ap);
        if (n < 0) {
                b->err = -IMS_EINVAL;
        } else if ((size_t)n < left && buf_room(b, (size_t)n)) {
                b->n += (size_t)n;
        } else if (buf_room(b, (size_t)n)) {
                (void)vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
                b->n += (size_t)n;
        }
        va_end(again);
}

void buf_quoted(struct buf *b, struct span s, size_t limit)
{
        bool cut = s.n > limit;
        size_t n = cut ? limit : s.n;

        for (size_t i = 0; i < n; i++) {
                unsigned char c = (unsigned char)s.p[i];

                if (c >= 0x20 && c < 0x7f && c != '\\')
                        buf_char(b, (char)c);
                else
                        buf_printf(b, "\\x%02x", c);
        }
        if (cut)
                buf_puts(b, "...");
}

/* Length of the well formed UTF-8 sequence at s (RFC 3629), or 0. */
static size_t utf8_length(struct span s)
{
        const unsigned char *u = (const unsigned char *)s.p;
        size_t n = u[0] < 0x80   ? 1
                   : u[0] < 0xc2 ? 0
                   : u[0] < 0xe0 ? 2
                   : u[0] < 0xf0 ? 3
                   : u[0] < 0xf5 ? 4
                                 : 0;

        if (n == 0 || n > s.n)
                return 0;
        for (size_t i = 1; i < n; i++)
                if ((u[i] & 0xc0) != 0x80)
                        return 0;
        if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90) ||
            (u[0] == 0xf4 && u[1] > 0x8f))
                return 0;
        return n;
}

void buf_json(struct buf *b, struct span s)
{
        for (size_t i = 0; i < s.n;) {
                unsigned char c = (unsigned char)s.p[i];
                size_t n = utf8_length(span_sub(s, i, s.n));

                if (c == '"' || c == '\\')
                        buf_printf(b, "\\%c", c);
                else if (c == '\n')
                        buf_puts(b, "\\n");
                else if (c == '\r')
                        buf_puts(b, "\\r");
                else if (c == '\t')
                        buf_puts(b, "\\t");
                else if (c < 0x20 || c == 0x7f || n == 0)
                        buf_printf(b, "\\u%04x", c); /* a stray octet stands as its Latin-1 character */
                else
                        buf_put(b, s.p + i, n);
                i += n ? n : 1;
        }
}

void buf_json_string(struct buf *b, struct span s)
{
        buf_char(b, '"');
        buf_json(b, s);
        buf_char(b, '"');
}

void buf_json_member(struct buf *b, const char *name, struct span value)
{
        buf_printf(b, "\"%s\":", name);
        if (value.p)
                buf_json_string(b, value);
        else
                buf_puts(b, "null");
}

void buf_reset(struct buf *b)
{
        b->n = 0;
        b->err = 0;
}

void buf_free(struct buf *b)
{
        struct buf old = buf_take(b);

        secret_free(old.p, old.secret ? old.cap : 0);
}

struct buf buf_take(struct buf *b)
{
        struct buf taken = *b;

        *b = (struct buf){.max = taken.max, .secret = taken.secret};
        return taken;
}

char *buf_steal(struct buf *b)
{
        char *p = NULL;

        if (buf_room(b, 0)) {
                p = b->p;
                p[b->n] = '\0';
                b->p = NULL;
        }
        buf_free(b);
        return p;
}
