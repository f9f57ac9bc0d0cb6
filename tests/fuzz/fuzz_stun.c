/* SPDX-License-Identifier: BSD-3-Clause
 * STUN as it comes to the SIP port: what is answered is STUN, of the same transaction, and not much longer.
 */
#include "tests/fuzz/fuzz.h"

#include "common/net/stun.h"

static void one(struct span request, const char *from)
{
        uint8_t out[STUN_ANSWER_MAX];
        struct addr a;
        size_t n;

        MUST(addr_parse(span_of(from), 0, &a) == 0);
        n = stun_answer(request, &a, out);
        MUST(n <= sizeof(out) && n <= 2 * request.n + 4);
        if (!n)
                return;
        MUST(stun_is(request) && stun_is(span_make((const char *)out, n)));
        MUST(memcmp(out + 4, request.p + 4, 16) == 0);
        MUST(out[0] == 1 && (out[1] == 0x01 || out[1] == 0x11));
        MUST(((size_t)out[2] << 8 | out[3]) == n - 20 && n % 4 == 0);
        MUST(!stun_answer(span_make((const char *)out, n), &a, out)); /* no ping-pong */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        one(span_make((const char *)data, n), "192.0.2.1:5060");
        one(span_make((const char *)data, n), "[2001:db8::1]:40000");
        return 0;
}
