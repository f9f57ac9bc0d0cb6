/* SPDX-License-Identifier: BSD-3-Clause
 * The table of outcomes. */
#include "ue/reg_outcome.h"

static const struct {
        const char *name;
        bool ok;
        const char *text, *hint;
} outcomes[] = {
#define X(name, success, text, hint) {#name, success, text, hint},
        REG_OUTCOMES(X)
#undef X
};

const char *reg_outcome_name(enum reg_outcome o)
{
        return outcomes[o].name;
}

const char *reg_outcome_text(enum reg_outcome o)
{
        return outcomes[o].text;
}

const char *reg_outcome_hint(enum reg_outcome o)
{
        return outcomes[o].hint;
}

bool reg_outcome_ok(enum reg_outcome o)
{
        return outcomes[o].ok;
}
