/* SPDX-License-Identifier: BSD-3-Clause
 * P-Access-Network-Info (RFC 7315 5.4, TS 24.229 7.2A.4): ACCESS-TYPE *( ; access-info), of which each may
 * have a quoted value. */
#pragma once

#include "common/base/span.h"

struct sip_access_network {
        struct span type;      /* of the value that was read */
        bool network_provided; /* the network states it, not the UE */
        bool broken;           /* it does not parse: what stands before the fault was read */
};

/* Reads one value of the list. */
struct sip_access_network sip_access_network_read(struct span value);
