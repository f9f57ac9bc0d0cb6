/* SPDX-License-Identifier: BSD-3-Clause
 * Short text written into an array of the caller, without the price of printf. What does not fit is cut; the
 * text is NUL-terminated after each call. */
#pragma once

#include "common/base/span.h"

struct text {
        char *p;
        size_t n;    /* octets written, without the NUL */
        size_t size; /* of the array, at least 1 */
};

struct text text_in(char *array, size_t size);

void text_span(struct text *t, struct span s);
void text_puts(struct text *t, const char *cstr);
void text_char(struct text *t, char c);
void text_u32(struct text *t, uint32_t v);   /* decimal */
void text_hex64(struct text *t, uint64_t v); /* 16 digits, lower case */
