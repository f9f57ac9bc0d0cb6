/* SPDX-License-Identifier: BSD-3-Clause
 * What is wrong with a received message, judged on its octets with the dictionary and its rules before
 * anything else reads it (RFC 6733 7.1.5, 7.5). */
#pragma once

#include "common/diameter/avp.h"

struct dia_fault {
        uint32_t code;             /* the base result that answers it; 0: none */
        struct span whole;         /* the AVP at fault as received; empty when it is missing or unreadable */
        int missing;               /* enum dict_avp of the missing AVP, or -1 */
        struct dia_avp unreadable; /* its header, when whole is empty and nothing is missing */
        bool has_unreadable;
        const char *name; /* of the AVP; "" when it has none; static */
};

#define DIA_FAULT_NONE ((struct dia_fault){.missing = -1, .name = ""})

/* octets: one whole message. 0, or -IMS_EPROTO with *out filled: wrong lengths (5014), unknown AVPs with
 * M (5001), values outside their type (5004), missing ones (5005), too many (5009), not allowed (5008),
 * wrong flags (3009). Commands without a row are checked for their structure alone. */
int dia_check(struct span octets, struct dia_fault *out) IMS_CHECK;

/* Appends the Failed-AVP that belongs to the fault; nothing when there is none. */
void dia_put_fault(struct buf *b, const struct dia_fault *f);
