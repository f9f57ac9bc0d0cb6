/* SPDX-License-Identifier: BSD-3-Clause
 * What the heads of HTTP requests and answers share: lines and what may stand in them. RFC 9112 2.2, RFC 9110
 * 5.5. */
#pragma once

#include "common/base/span.h"

/* Takes the next line, without its line end (CRLF or LF), off rest. False: its end has not come. */
bool http_take_line(struct span *rest, struct span *line);

/* True when a control character other than a tab stands in it. */
bool http_has_control(struct span s);
