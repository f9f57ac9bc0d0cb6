/* SPDX-License-Identifier: BSD-3-Clause
 * Hex and base64: nonces, AUTS and keys as they come in text. Comparison without case. */
#include "tests/fuzz/fuzz.h"

#include "common/base/codec.h"

/* ASCII alone has case (RFC 3261 7.3.1, 25.1). */
static bool same_letters(struct span a, struct span b)
{
        for (size_t i = 0; i < a.n; i++) {
                const unsigned char x = (unsigned char)a.p[i], y = (unsigned char)b.p[i];

                if (x != y && !((x ^ y) == 0x20 && (x | 0x20) >= 'a' && (x | 0x20) <= 'z'))
                        return false;
        }
        return true;
}

/* Comparison by words is that by letters: the halves, and the input with one octet changed. */
static void compare(struct span in)
{
        const struct span a = span_sub(in, 0, in.n / 2), b = span_sub(in, in.n - in.n / 2, in.n);
        struct span other;
        char *copy = span_dup(in);

        MUST(copy);
        MUST(span_ieq(a, b) == same_letters(a, b));
        other = span_make(copy, in.n);
        if (in.n) {
                copy[(unsigned char)in.p[0] % in.n] ^= in.p[in.n - 1];
                MUST(span_ieq(in, other) == same_letters(in, other));
                copy[(unsigned char)in.p[0] % in.n] = (char)(in.p[(unsigned char)in.p[0] % in.n] ^ 0x20);
                MUST(span_ieq(in, other) == same_letters(in, other));
        }
        free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        const struct span text = span_make(data, n);
        const size_t cap = n / 4 * 3;
        char *out = malloc(cap + 1), *again = malloc(BASE64_SIZE(cap) + 2 * n + 2);
        size_t got = 0, none = 0;

        MUST(out && again);
        compare(text);
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
