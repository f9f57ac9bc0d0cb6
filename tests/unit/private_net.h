/* SPDX-License-Identifier: BSD-3-Clause
 * A network of the process's own, whose TCP has no timestamps: what a peer without them (many phones) makes
 * of ports that were used before. With timestamps Linux takes the pair of a TIME_WAIT again at once, without
 * them only after a minute. */
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* False where that is not allowed (not root): the tests then run in the network that is there. */
static inline bool private_net_without_timestamps(void)
{
        struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
        int fd, sysctl;
        bool good;

        if (unshare(CLONE_NEWNET) != 0)
                return false;
        fd = socket(AF_INET, SOCK_DGRAM, 0);
        sysctl = open("/proc/sys/net/ipv4/tcp_timestamps", O_WRONLY);
        good = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &lo) == 0 && sysctl >= 0 && write(sysctl, "0", 1) == 1;
        (void)close(fd);
        (void)close(sysctl);
        return good;
}
