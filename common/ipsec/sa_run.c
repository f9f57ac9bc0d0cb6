/* SPDX-License-Identifier: BSD-3-Clause
 * Runs: which program an SA belongs to, and whether that one lives. */
#include <errno.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ipsec/sa_kernel_int.h"

/* The name is abstract: it lives in the network namespace, as SAs do, and goes with its last holder. */
static socklen_t run_name(uint32_t tag, struct sockaddr_un *out)
{
        int n;

        *out = (struct sockaddr_un){.sun_family = AF_UNIX};
        n = snprintf(out->sun_path + 1, sizeof(out->sun_path) - 1, "quintet.ipsec.%08x", (unsigned)tag);
        return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

static int run_socket(void)
{
        return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int sa_run_take(enum sa_end end, int *out_fd, uint32_t *out_tag)
{
        struct sockaddr_un name;
        uint32_t first;
        int fd = -1, err = secret_random(&first, sizeof(first));

        if (err)
                goto out;
        fd = run_socket();
        if (fd < 0) {
                err = -IMS_EIO;
                goto out;
        }
        err = -IMS_ELIMIT;
        for (uint32_t i = 0; err && i < TAG_RUNS; i++) {
                uint32_t tag = tag_of(end, (first + i) & (TAG_RUNS - 1));
                socklen_t n = run_name(tag, &name);

                if (bind(fd, (struct sockaddr *)&name, n) == 0) {
                        *out_fd = fd;
                        *out_tag = tag;
                        err = 0;
                } else if (errno != EADDRINUSE) {
                        err = -IMS_EIO;
                        break;
                }
        }
out:
        if (err && fd >= 0)
                (void)close(fd);
        return err;
}

bool sa_run_lives(uint32_t tag)
{
        struct sockaddr_un name;
        socklen_t n = run_name(tag, &name);
        int fd = run_socket();
        bool lives = fd < 0 || connect(fd, (struct sockaddr *)&name, n) == 0 || errno != ECONNREFUSED;

        if (fd >= 0)
                (void)close(fd);
        return lives;
}
