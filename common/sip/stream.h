/* SPDX-License-Identifier: BSD-3-Clause
 * Where a SIP message ends in a stream of octets (RFC 3261 7.5, 18.3), found without reading any octet
 * twice. Private to the stack. */
#pragma once

#include "common/base/span.h"

struct sip_frame {
        size_t scanned;   /* octets already looked at */
        size_t head;      /* octets up to and with the empty line, 0 until it was seen */
        size_t total;     /* head and body */
        bool length_good; /* exactly one Content-Length, and it is a number */
};

/* data: from the start line on, always the same octets and perhaps more. True when head and total are
 * known. Zero the frame before the next message. */
bool sip_frame_scan(struct sip_frame *f, struct span data);
