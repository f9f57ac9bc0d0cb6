/* SPDX-License-Identifier: BSD-3-Clause
 * Challenges and credentials: what was read and written again must say the same. */
#include "tests/fuzz/fuzz.h"

#include "common/sip/auth_param.h"

static void check(const struct sip_auth *a, bool with_scheme)
{
        static const char *const drop[] = {"ik", "ck", NULL};
        struct sip_auth again;
        struct buf out = BUF_INIT, text = BUF_INIT;
        for (size_t i = 0; i < a->n; i++) {
                buf_reset(&text);
                sip_auth_unescape(a->params[i].value, &text);
                MUST(text.n <= a->params[i].value.n);
        }
        sip_auth_write_without(a, NULL, &out);
        MUST(sip_auth_parse(buf_as_span(&out), with_scheme, &again) == 0);
        MUST(again.n == a->n && span_eq(again.scheme, a->scheme));
        for (size_t i = 0; i < a->n; i++)
                MUST(span_eq(again.params[i].value, a->params[i].value));
        buf_reset(&out);
        sip_auth_write_without(a, drop, &out);
        if (sip_auth_parse(buf_as_span(&out), with_scheme, &again) == 0)
                MUST(!sip_auth_get(&again, "ik") && !sip_auth_get(&again, "CK"));
        if (a->n < SIP_AUTH_PARAMS_MAX && with_scheme && !sip_auth_get(a, "x")) {
                buf_reset(&out);
                sip_auth_write_without(a, NULL, &out);
                sip_auth_add(&out, "x", SPAN("a\"b\\c"), true);
                MUST(sip_auth_parse(buf_as_span(&out), true, &again) == 0);
                buf_reset(&text);
                sip_auth_unescape(*sip_auth_get(&again, "x"), &text);
                MUST(span_eq(buf_as_span(&text), SPAN("a\"b\\c")));
        }
        buf_free(&out);
        buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct sip_auth a;
        if (sip_auth_parse(span_make(data, n), true, &a) == 0)
                check(&a, true);
        if (sip_auth_parse(span_make(data, n), false, &a) == 0)
                check(&a, false);
        return 0;
}
