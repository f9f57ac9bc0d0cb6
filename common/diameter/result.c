/* SPDX-License-Identifier: BSD-3-Clause
 * Names of Diameter results (RFC 6733 7.1, TS 29.229 6.2). */
#include "common/diameter/result.h"

#include <stdio.h>

static const char *base_name(uint32_t code)
{
        switch (code) {
#define X(name, value, text)                                                                                 \
        case value:                                                                                          \
                return "DIAMETER_" #name;
                DIA_BASE_RESULTS(X)
#undef X
        default:
                return NULL;
        }
}

static const char *tgpp_name(uint32_t code)
{
        switch (code) {
#define X(name, value, text)                                                                                 \
        case value:                                                                                          \
                return "DIAMETER_" #name;
                DIA_3GPP_RESULTS(X)
#undef X
        default:
                return NULL;
        }
}

const char *dia_result_str(struct dia_result r)
{
        static _Thread_local char text[96];
        const char *name = NULL;

        if (!r.code)
                return "no result";
        if (!r.vendor)
                name = base_name(r.code);
        else if (r.vendor == DIA_VENDOR_3GPP)
                name = tgpp_name(r.code);
        if (!name)
                name = "unknown result";
        if (!r.vendor)
                snprintf(text, sizeof(text), "%s (%u)", name, r.code);
        else if (r.vendor == DIA_VENDOR_3GPP)
                snprintf(text, sizeof(text), "%s (3GPP %u)", name, r.code);
        else
                snprintf(text, sizeof(text), "%s (vendor %u: %u)", name, r.vendor, r.code);
        return text;
}
