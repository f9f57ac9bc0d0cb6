/* SPDX-License-Identifier: BSD-3-Clause
 * Identities as TS 23.003 clause 13 writes them: their form, and those derived from an IMSI. */
#pragma once

#include "common/base/span.h"
#include "hss/arena.h"

#define IDENTITY_MAX 255 /* octets of an IMPI, IMPU or URI */

/* Each check gives NULL, or a static text saying what is wrong. */
const char *identity_check_imsi(struct span s);   /* 6 to 15 digits */
const char *identity_check_msisdn(struct span s); /* 3 to 15 digits, no + */
const char *identity_check_domain(struct span s);
const char *identity_check_impi(struct span s); /* user@realm */
const char *
identity_check_sip_uri(struct span s); /* an S-CSCF or application server: port and parameters may stand */

/* The canonical form of an IMPU: scheme and host in lower case; tel without visual separators. What may
 * not stand in an IMPU (port, parameters, headers) is refused. NULL, or what is wrong; out of memory
 * gives "out of memory". */
const char *identity_canonical_impu(struct arena *a, struct span in, struct span *out);

/* "ims.mnc001.mcc001.3gppnetwork.org" (TS 23.003 13.2). mnc_digits: 2 or 3. -IMS_EINVAL for an IMSI too
 * short, -IMS_ENOMEM. */
int identity_home_domain(struct arena *a, struct span imsi, unsigned mnc_digits, struct span *out) IMS_CHECK;

/* The concatenation of up to four texts. */
int identity_join(struct arena *a, const struct span *parts, size_t n, struct span *out) IMS_CHECK;
