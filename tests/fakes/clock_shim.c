/* SPDX-License-Identifier: BSD-3-Clause
 * LD_PRELOAD: the wall clock is off by as many seconds as the file FAKE_CLOCK_FILE says (eight octets of a
 * signed number), read anew each time, so that a test moves the clock of a running program. CLOCK_MONOTONIC
 * is true. (libfaketime cannot be used with AddressSanitizer: both want to be first.) */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t offset_s(void)
{
        static const volatile int64_t *value;
        const char *path;
        void *map;
        int fd;

        if (value)
                return *value;
        path = getenv("FAKE_CLOCK_FILE");
        fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (fd < 0)
                return 0;
        map = mmap(NULL, sizeof(*value), PROT_READ, MAP_SHARED, fd, 0);
        (void)close(fd);
        if (map == MAP_FAILED)
                return 0;
        value = map;
        return *value;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
        int rc = (int)syscall(SYS_clock_gettime, id, out);

        if (rc == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
                out->tv_sec += offset_s();
        return rc;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
        struct timespec now;

        (void)zone;
        if (clock_gettime(CLOCK_REALTIME, &now) != 0)
                return -1;
        *out = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
        return 0;
}

time_t time(time_t *out)
{
        struct timespec now = {0};

        (void)clock_gettime(CLOCK_REALTIME, &now);
        if (out)
                *out = now.tv_sec;
        return now.tv_sec;
}
