/* SPDX-License-Identifier: BSD-3-Clause
 * The lines of a message header, found in one pass over the received octets. RFC 3261 7.3.1. */
#pragma once

#include "common/sip/msg.h"

#define SIP_HDR_LINES_MAX 256
#define SIP_MESSAGE_MAX   (1024u * 1024u)

struct sip_head {
        struct span start_line; /* without its line end */
        size_t n;               /* octets from the start line to the end of the empty line */
        struct sip_hdr hdrs[SIP_HDR_LINES_MAX];
        size_t n_hdrs;
        uint16_t first[SIP_HDR_OTHER];
        const char *fault; /* static text: a line or a repeated field that makes the message a bad request */
};

/* Spans point into data, which begins with the start line; lines beyond SIP_HDR_LINES_MAX are left out, which
 * is a fault. -IMS_EINCOMPLETE: the empty line is missing. */
int sip_head_scan(struct span data, struct sip_head *h) IMS_CHECK;
