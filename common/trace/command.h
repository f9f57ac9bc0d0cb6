/* SPDX-License-Identifier: BSD-3-Clause
 * A command line for people to paste, which a verdict quotes. What stands in it came from the network: a
 * value that a shell, a log or a terminal could take for something else makes the whole command void. */
#pragma once

#include "common/base/buf.h"

#define COMMAND_MAX 900 /* octets of the whole line; a longer one is void */

/* " WORD", in single quotes where a shell wants them. Void (b->err = -IMS_EINVAL): an empty word, one that
 * begins with "-", one with a quote, a backslash, a control character or an octet that is not ASCII. */
void command_word(struct buf *b, struct span word);

/* "hss diagnose ID" */
void command_diagnose(struct buf *b, struct span id);

/* " --NAME VALUE" and " --NAME HEX" */
void command_option(struct buf *b, const char *name, struct span value);
void command_hex(struct buf *b, const char *name, const void *p, size_t n);

/* The line as a C string owned by b, or NULL when it is void or nothing was written. */
const char *command_text(struct buf *b);
