/* SPDX-License-Identifier: BSD-3-Clause
 * The little HTTP/1.1 of the bootstrapping listener (RFC 9112): one request, read with limits, and its
 * answer. docs/hss.md, "Certificate bootstrapping". */
#pragma once

#include "common/base/buf.h"

#define BOOTSTRAP_REQUEST_MAX 4096 /* octets, head and body */
#define BOOTSTRAP_BODY_MAX    1024
#define BOOTSTRAP_FIELDS_MAX  32

struct bootstrap_request {
        struct span method, target;
        size_t n; /* octets of the request, head and body */
};

/* data: from the first octet on, always the same ones and perhaps more. 0: the request is whole.
 * -IMS_EINCOMPLETE; -IMS_ETOOBIG (a limit above); -IMS_EPARSE (no HTTP/1.x, no Host or two, lengths that
 * differ, a folded field, a control character, Transfer-Encoding). */
int bootstrap_request_parse(struct span data, struct bootstrap_request *out) IMS_CHECK;

/* The whole answer around a JSON body. */
void bootstrap_reply_write(struct buf *out, int status, struct span json);
