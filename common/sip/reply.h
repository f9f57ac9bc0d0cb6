/* SPDX-License-Identifier: BSD-3-Clause
 * Writing a response to a request (RFC 3261 8.2.6). Private to the stack. */
#pragma once

#include "common/sip/stack_priv.h"

struct sip_reply_text {
        int status;
        const char *reason; /* NULL: the usual phrase */
        const struct sip_field *add;
        size_t n_add;
        struct span type, body; /* empty: no body */
};

/* to_tag: put into To where it has none and the status is above 100. */
void sip_reply_write(const struct sip_stack *s, const struct sip_msg *rq, const char *to_tag,
                     const struct sip_reply_text *r, struct buf *out);
