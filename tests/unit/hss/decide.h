/* SPDX-License-Identifier: BSD-3-Clause
 * What the tests of the decision tables share. */
#pragma once

#include "tests/unit/hss/fixture.h"

#include "common/profile/profile.h"

#define BASE(code)                                                                                           \
        {                                                                                                    \
                0, DIA_##code                                                                                \
        }
#define TGPP(code)                                                                                           \
        {                                                                                                    \
                DIA_VENDOR_3GPP, CX_##code                                                                   \
        }
#define NAME1 .scscf_name = {SCSCF1, sizeof(SCSCF1) - 1}
#define KNOWN                                                                                                \
        .impi = 1, .impu = 2, .set = 3, .subscription = 4, .associated = true, .registration_allowed = true

static inline void check(const char *name, const struct decision *d, struct dia_result want)
{
        if (!dia_result_is(d->result, want))
                fail_msg("%s: %u/%u instead of %u/%u", name, d->result.vendor, d->result.code, want.vendor,
                         want.code);
        if (dia_result_ok(d->result))
                return;
        /* Who is refused is told why, and nothing is written. */
        assert_non_null(d->why);
        assert_int_equal(d->effects.state, -1);
        assert_int_equal(d->effects.registered, -1);
        assert_int_equal(d->effects.pending, -1);
        assert_int_equal(d->effects.name, NAME_KEEP);
}
