/* SPDX-License-Identifier: BSD-3-Clause
 * Borrowed octets: comparing, cutting, searching, copying, reading numbers. */
#include "common/base/span.h"

#include <stdlib.h>

static unsigned char lower(unsigned char c)
{
        return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static bool equal8_icase(const char *a, const char *b)
{
        uint64_t x, y;

        memcpy(&x, a, 8);
        memcpy(&y, b, 8);
        return x == y || span_fold8(x) == span_fold8(y);
}

static bool equal_icase(const char *a, const char *b, size_t n)
{
        if (n >= 8) {
                for (size_t i = 0; i + 8 < n; i += 8)
                        if (!equal8_icase(a + i, b + i))
                                return false;
                return equal8_icase(a + n - 8, b + n - 8);
        }
        for (size_t i = 0; i < n; i++)
                if (lower((unsigned char)a[i]) != lower((unsigned char)b[i]))
                        return false;
        return true;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool span_ieq(struct span a, struct span b)
{
        return a.n == b.n && equal_icase(a.p, b.p, a.n);
}

bool span_starts(struct span s, struct span prefix)
{
        return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool span_istarts(struct span s, struct span prefix)
{
        return s.n >= prefix.n && equal_icase(s.p, prefix.p, prefix.n);
}

bool span_ends(struct span s, struct span suffix)
{
        return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

struct span span_sub(struct span s, size_t from, size_t to)
{
        if (to > s.n)
                to = s.n;
        if (from >= to)
                return span_make(s.p ? s.p + (from < s.n ? from : s.n) : NULL, 0);
        return span_make(s.p + from, to - from);
}

struct span span_trim(struct span s)
{
        while (s.n > 0 && is_blank(s.p[0])) {
                s.p++;
                s.n--;
        }
        while (s.n > 0 && is_blank(s.p[s.n - 1]))
                s.n--;
        return s;
}

ptrdiff_t span_chr(struct span s, char c, size_t from)
{
        const char *hit = from < s.n ? memchr(s.p + from, c, s.n - from) : NULL;

        return hit ? hit - s.p : -1;
}

ptrdiff_t span_find(struct span s, struct span needle)
{
        const char *hit;

        if (needle.n == 0)
                return 0;
        hit = s.n >= needle.n ? memmem(s.p, s.n, needle.p, needle.n) : NULL;
        return hit ? hit - s.p : -1;
}

bool span_split(struct span *rest, char sep, struct span *out_part)
{
        ptrdiff_t at;

        if (!rest->p)
                return false;
        at = span_chr(*rest, sep, 0);
        if (at < 0) {
                *out_part = *rest;
                *rest = SPAN_NULL;
        } else {
                *out_part = span_make(rest->p, (size_t)at);
                *rest = span_make(rest->p + at + 1, rest->n - (size_t)at - 1);
        }
        return true;
}

char *span_dup(struct span s)
{
        char *copy = malloc(s.n + 1);

        if (!copy)
                return NULL;
        if (s.n)
                memcpy(copy, s.p, s.n);
        copy[s.n] = '\0';
        return copy;
}

int span_copy(struct span s, char *dst, size_t dst_size)
{
        if (s.n >= dst_size)
                return -IMS_ETOOBIG;
        if (s.n && memchr(s.p, '\0', s.n))
                return -IMS_EPARSE;
        if (s.n)
                memcpy(dst, s.p, s.n);
        dst[s.n] = '\0';
        return 0;
}

int span_u64(struct span s, uint64_t max, uint64_t *out)
{
        uint64_t v = 0;
        bool big = false;

        if (s.n == 0)
                return -IMS_EPARSE;
        for (size_t i = 0; i < s.n; i++) {
                unsigned digit = (unsigned)(unsigned char)s.p[i] - '0';

                if (digit > 9)
                        return -IMS_EPARSE;
                if (v > (UINT64_MAX - digit) / 10)
                        big = true;
                else
                        v = v * 10 + digit;
        }
        if (big || v > max)
                return -IMS_ETOOBIG;
        *out = v;
        return 0;
}

int span_u32(struct span s, uint32_t max, uint32_t *out)
{
        uint64_t v;
        int err = span_u64(s, max, &v);

        if (!err)
                *out = (uint32_t)v;
        return err;
}
