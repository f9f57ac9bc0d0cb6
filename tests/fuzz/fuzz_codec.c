/* SPDX-License-Identifier: BSD-3-Clause
 * Hex and base64: nonces, AUTS and keys as they come in text. */
#include "tests/fuzz/fuzz.h"

#include "common/base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        const struct span text = span_make(data, n);
        const size_t cap = n / 4 * 3;
        char *out = malloc(cap + 1), *again = malloc(BASE64_SIZE(cap) + 2 * n + 2);
        size_t got = 0, none = 0;

        MUST(out && again);
        if (base64_decode(text, out, cap, &got) == 0) {
                MUST(got <= cap);
                base64_encode(out, got, again);
                MUST(span_eq(span_of(again), text)); /* strict: one way to write it */
        }
        MUST(base64_decode(text, out, 0, &none) != 0 || none == 0);
        if (hex_decode(text, out, n / 2) == 0) {
                MUST(n % 2 == 0);
                hex_encode(out, n / 2, again);
                MUST(span_ieq(span_of(again), text));
        }
        free(out);
        free(again);
        return 0;
}
