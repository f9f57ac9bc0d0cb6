/* SPDX-License-Identifier: BSD-3-Clause
 * The key log: the secrets of each handshake in the form Wireshark reads (NSS key log format), only where
 * somebody asked for it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/net/tls_int.h"

#define LINE_MAX_OCTETS 512 /* label, client random, secret: at most some 250 */

int tls_keylog_open(const char *file, int *out_fd, struct buf *err)
{
        int fd = open(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
        struct stat st;

        if (fd < 0) {
                buf_printf(err, "keylog: %s: cannot be opened: %s", file, strerror(errno));
                return -IMS_EIO;
        }
        if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077) || st.st_uid != geteuid()) {
                buf_printf(err,
                           "keylog: %s: must be a file of this user that nobody else may read (mode 0600)",
                           file);
                (void)close(fd);
                return -IMS_EIO;
        }
        *out_fd = fd;
        return 0;
}

static void on_line(const SSL *ssl, const char *line)
{
        int fd = tls_context_of(SSL_get_SSL_CTX(ssl))->keylog;
        char text[LINE_MAX_OCTETS];
        int n = snprintf(text, sizeof(text), "%s\n", line);

        if (fd >= 0 && n > 0 && (size_t)n < sizeof(text) && write(fd, text, (size_t)n) != n)
                log_warn("tls: the key log cannot be written");
        secret_wipe(text, sizeof(text));
}

void tls_keylog_use(SSL_CTX *ctx)
{
        SSL_CTX_set_keylog_callback(ctx, on_line);
}
