/* SPDX-License-Identifier: BSD-3-Clause
 * What ties the messages of a UE to its registration. TS 33.203 6.1 (security associations), N.2.1 (IP
 * address check), O.2.2 (TLS session). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum assoc_kind {
        ASSOC_NONE,  /* nothing but the flow it registered over */
        ASSOC_IPSEC, /* sa_table.h */
        ASSOC_IP,    /* assoc_ip.h */
        ASSOC_TLS    /* assoc_tls.h */
};

/* id: of the record in the table of that kind; never 0, but for ASSOC_NONE. */
struct assoc {
        enum assoc_kind kind;
        uint32_t id;
};

static inline bool assoc_eq(struct assoc a, struct assoc b)
{
        return a.kind == b.kind && a.id == b.id;
}

/* Signed or encrypted: nothing of it leaves in clear. */
static inline bool assoc_protected(struct assoc a)
{
        return a.kind == ASSOC_IPSEC || a.kind == ASSOC_TLS;
}
