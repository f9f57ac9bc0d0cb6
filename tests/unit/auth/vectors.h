/* SPDX-License-Identifier: BSD-3-Clause
 * Access to tests/data/vectors for the tests of this folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/codec.h"
#include "tests/unit/json_path.h"

/* The text at FIRST + REST, which must be there. */
static inline const char *vec_text(const char *doc, const char *first, const char *rest)
{
        static char slots[16][1024];
        static unsigned slot;
        char path[256];
        char *out = slots[slot++ % 16];
        (void)snprintf(path, sizeof(path), "%s%s", first, rest);
        if (!json_text(doc, path, out, sizeof(slots[0])))
                fail_msg("no %s in the vectors", path);
        return out;
}

/* Hex at FIRST + REST into out; the number of octets. */
static inline size_t vec_hex(const char *doc, const char *first, const char *rest, uint8_t *out, size_t cap)
{
        struct span hex = span_of(vec_text(doc, first, rest));
        assert_true(hex.n / 2 <= cap);
        assert_int_equal(hex_decode(hex, out, hex.n / 2), 0);
        return hex.n / 2;
}

static inline uint64_t vec_u64(const char *doc, const char *first, const char *rest)
{
        return strtoull(vec_text(doc, first, rest), NULL, 16);
}

static inline bool vec_has(const char *doc, const char *path)
{
        return json_at(doc, path) != NULL;
}
