/* SPDX-License-Identifier: BSD-3-Clause
 * The monotonic clock of a unit test: it runs while the program computes and while the loop waits, no longer
 * than the loop wants to wait. What a busy machine takes away is not counted, so that a timer of 900 ms has
 * not gone off when one of 500 ms has, however late both are. A program that links this file has it in place
 * of libc's functions; libuv calls them too. */
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

static _Atomic int64_t waited_ns = 1000 * NS_PER_S; /* in the loop; a machine that has been up for a while */

static int64_t read_ns(clockid_t id)
{
        struct timespec t = {0};

        (void)syscall(SYS_clock_gettime, id, &t);
        return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
        int64_t ns;

        if (id != CLOCK_MONOTONIC && id != CLOCK_MONOTONIC_COARSE)
                return (int)syscall(SYS_clock_gettime, id, out);
        ns = read_ns(CLOCK_PROCESS_CPUTIME_ID) + atomic_load(&waited_ns);
        *out = (struct timespec){ns / NS_PER_S, ns % NS_PER_S};
        return 0;
}

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
        int64_t since = read_ns(CLOCK_MONOTONIC), most = timeout_ms * NS_PER_MS, ns;
        int n = (int)syscall(SYS_epoll_pwait, fd, events, max, timeout_ms, mask, (size_t)_NSIG / 8);

        ns = read_ns(CLOCK_MONOTONIC) - since;
        if (timeout_ms >= 0) /* without a timer nothing waits for time */
                atomic_fetch_add(&waited_ns, n == 0 || ns > most ? most : ns);
        return n;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
        return epoll_pwait(fd, events, max, timeout_ms, NULL);
}
