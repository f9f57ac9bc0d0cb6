/* SPDX-License-Identifier: BSD-3-Clause
 * A span borrows octets of somebody else's memory; it is never NUL-terminated by promise. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/err.h"

struct span {
        const char *p; /* may be NULL when n is 0 */
        size_t n;      /* octets */
};

#define SPAN(literal) ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_NULL     ((struct span){NULL, 0})
#define SPAN_FMT      "%.*s"
#define SPAN_ARG(s)   (int)(s).n, (s).n ? (s).p : ""

static inline struct span span_of(const char *cstr)
{
        return (struct span){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct span span_make(const void *p, size_t n)
{
        return (struct span){(const char *)p, n};
}

static inline bool span_eq(struct span a, struct span b)
{
        return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Eight octets in a word, their upper-case ASCII letters made lower-case. */
static inline uint64_t span_fold8(uint64_t m)
{
        uint64_t ascii = m & 0x7f7f7f7f7f7f7f7fu;
        uint64_t from_a = ascii + 0x3f3f3f3f3f3f3f3fu; /* bit 7: octet >= 'A' */
        uint64_t past_z = ascii + 0x2525252525252525u; /* bit 7: octet > 'Z' */

        return m | (from_a & ~past_z & ~m & 0x8080808080808080u) >> 2;
}

/* ASCII case is ignored. */
bool span_ieq(struct span a, struct span b);
bool span_starts(struct span s, struct span prefix);
bool span_istarts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);

/* Octets from..to (to excluded), cut at the ends of s. */
struct span span_sub(struct span s, size_t from, size_t to);

/* Without SP, HTAB, CR and LF at both ends. */
struct span span_trim(struct span s);

/* Index of the first c at or after from, or -1. */
ptrdiff_t span_chr(struct span s, char c, size_t from);

/* Index of the first occurrence of needle, or -1. */
ptrdiff_t span_find(struct span s, struct span needle);

/* Takes what stands before the next sep out of *rest (which moves behind it). False when *rest is
 * used up. Quotes are not respected. */
bool span_split(struct span *rest, char sep, struct span *out_part);

/* A NUL-terminated copy, owned by the caller (free). NULL when out of memory. */
char *span_dup(struct span s);

/* Copies into dst as a C string. -IMS_ETOOBIG when it does not fit, -IMS_EPARSE when it holds a NUL. */
int span_copy(struct span s, char *dst, size_t dst_size) IMS_CHECK;

/* Decimal digits only, the whole span. -IMS_EPARSE when not a number, -IMS_ETOOBIG when above max. */
int span_u32(struct span s, uint32_t max, uint32_t *out) IMS_CHECK;
int span_u64(struct span s, uint64_t max, uint64_t *out) IMS_CHECK;
