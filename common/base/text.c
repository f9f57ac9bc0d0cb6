/* SPDX-License-Identifier: BSD-3-Clause
 * Short text in an array of the caller. */
#include "common/base/text.h"

struct text text_in(char *array, size_t size)
{
        array[0] = '\0';
        return (struct text){array, 0, size};
}

void text_span(struct text *t, struct span s)
{
        size_t room = t->size - 1 - t->n, n = s.n < room ? s.n : room;

        if (n)
                memcpy(t->p + t->n, s.p, n);
        t->n += n;
        t->p[t->n] = '\0';
}

void text_puts(struct text *t, const char *cstr)
{
        text_span(t, span_of(cstr));
}

void text_char(struct text *t, char c)
{
        text_span(t, span_make(&c, 1));
}

void text_u32(struct text *t, uint32_t v)
{
        char digits[10];
        size_t at = sizeof(digits);

        do
                digits[--at] = (char)('0' + v % 10);
        while (v /= 10);
        text_span(t, span_make(digits + at, sizeof(digits) - at));
}

void text_hex64(struct text *t, uint64_t v)
{
        char digits[16];

        for (size_t at = sizeof(digits); at-- > 0; v >>= 4)
                digits[at] = "0123456789abcdef"[v & 15];
        text_span(t, span_make(digits, sizeof(digits)));
}
