/* SPDX-License-Identifier: BSD-3-Clause
 * Which authentication scheme a REGISTER wants: TS 33.203 Annex P.4. */
#pragma once

#include "common/sip/msg.h"
#include "scscf/auth.h"

struct scheme_input {
        bool has_authorization, has_integrity;
        struct span integrity; /* integrity-protected */
        struct span algorithm;
        bool network_provided; /* a P-Access-Network-Info with network-provided is there ... */
        bool network_3gpp;     /* ... and names a 3GPP access */
        bool giba;             /* this S-CSCF serves GIBA */
        bool aka_before;       /* the IMPI is registered or challenged by IMS AKA */
};

/* Fills the fields about P-Access-Network-Info. */
void scheme_read_access(const struct sip_msg *m, struct scheme_input *in);

/* The scheme; *step says by which rule ("P.4.2 step 1"), static. A REGISTER of an AKA registration that
 * carries no integrity-protected stays with AKA (P.4.1: the scheme does not change). */
enum auth_scheme_id scheme_choose(const struct scheme_input *in, const char **step);
