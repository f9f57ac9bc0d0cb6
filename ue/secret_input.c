/* SPDX-License-Identifier: BSD-3-Clause
 * Where secrets come from. */
#include "ue/secret_input.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int secret_read_file(const char *file, char text[static SECRET_FILE_MAX], struct span *out, struct buf *err)
{
        int fd = open(file, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, SECRET_FILE_MAX);
        int why = errno;

        if (fd >= 0)
                close(fd);
        if (n < 0) {
                buf_printf(err, "%s: %s\n", file, strerror(why));
                return -IMS_EIO;
        }
        if (n == SECRET_FILE_MAX) {
                buf_printf(err, "%s: longer than a key or a password\n", file);
                return -IMS_EINVAL;
        }
        *out = span_trim(span_make(text, (size_t)n));
        return 0;
}

void secret_blot(char *text)
{
        size_t n = strlen(text);

        secret_wipe(text, n);
        memset(text, '*', n);
}
