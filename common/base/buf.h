/* SPDX-License-Identifier: BSD-3-Clause
 * A growable octet buffer with a sticky error, so that writers check once at the end. */
#pragma once

#include <stdarg.h>

#include "common/base/span.h"

struct buf {
        char *p;
        size_t n;    /* octets written */
        size_t cap;  /* octets allocated, at most max and a NUL */
        size_t max;  /* limit of n; 0 means 1 MiB */
        int err;     /* 0, -IMS_ENOMEM or -IMS_ETOOBIG; later writes do nothing */
        bool secret; /* memory is wiped when it is given back: buf_free, and where the buffer grows */
};

#define BUF_INIT ((struct buf){0})

void buf_put_growing(struct buf *b, const void *p, size_t n); /* buf_put when there is no room yet */

static inline void buf_put(struct buf *b, const void *p, size_t n)
{
        if (b->err || n >= b->cap - b->n) {
                buf_put_growing(b, p, n);
        } else if (n) {
                memcpy(b->p + b->n, p, n);
                b->n += n;
        }
}

static inline void buf_puts(struct buf *b, const char *cstr)
{
        buf_put(b, cstr, strlen(cstr));
}

static inline void buf_span(struct buf *b, struct span s)
{
        buf_put(b, s.p, s.n);
}

static inline void buf_char(struct buf *b, char c)
{
        buf_put(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...) IMS_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) IMS_PRINTF(2, 0);

/* Text made safe for a log line or a JSON string: what is not printable ASCII becomes \xNN (log) or
 * a JSON escape; longer than limit octets is cut with "...". */
void buf_quoted(struct buf *b, struct span s, size_t limit);
void buf_json(struct buf *b, struct span s);

/* JSON: the text in quotes; and a member of an object, whose value is null where p is NULL. */
void buf_json_string(struct buf *b, struct span s);
void buf_json_member(struct buf *b, const char *name, struct span value);

/* Sets n back to 0 and clears the error; keeps the memory. */
void buf_reset(struct buf *b);
void buf_free(struct buf *b);

/* Hands over what was written; *b is empty then, with the same limit and the same care for secrets. */
struct buf buf_take(struct buf *b);

/* The content as a C string owned by the caller; the buffer is empty afterwards. NULL on b->err. */
char *buf_steal(struct buf *b);

static inline struct span buf_as_span(const struct buf *b)
{
        return span_make(b->p, b->n);
}
