/* SPDX-License-Identifier: BSD-3-Clause
 * Secrets that come from files, from the command line and from the environment. */
#pragma once

#include "common/base/buf.h"
#include "common/base/secret.h"

#define SECRET_FILE_MAX 1024

/* Reads a file into text, which the caller wipes; *out is its content without white space at both ends.
 * -IMS_EIO, or -IMS_EINVAL for a file that is longer, with the reason in err. */
int secret_read_file(const char *file, char text[static SECRET_FILE_MAX], struct span *out,
                     struct buf *err) IMS_CHECK;

/* Overwrites a secret where others could read it (argv, environment). The text keeps its length. */
void secret_blot(char *text);
