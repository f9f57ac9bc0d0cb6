/* SPDX-License-Identifier: BSD-3-Clause
 * What a process holds, seen from inside: a library for LD_PRELOAD. A thread of its own waits for SIGUSR2,
 * gives unused pages back to the system and writes two numbers into the file named in BENCH_HEAP_FILE: octets
 * that the program allocated, and octets of private memory that it occupies. Works with the allocator of libc
 * and with jemalloc. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MALLCTL_ARENAS_ALL "arena.4096.purge" /* jemalloc(3): MALLCTL_ARENAS_ALL is 4096 */

/* jemalloc's, where the program has it */
extern int mallctl(const char *name, void *old, size_t *old_n, void *new_value, size_t new_n)
        __attribute__((weak));

static size_t allocated(void)
{
        uint64_t epoch = 1;
        size_t value = 0, n = sizeof value;

        if (!mallctl) {
                struct mallinfo2 m = mallinfo2();
                (void)malloc_trim(0);
                return m.uordblks + m.hblkhd;
        }
        (void)mallctl(MALLCTL_ARENAS_ALL, NULL, NULL, NULL, 0);
        (void)mallctl("epoch", NULL, NULL, &epoch, sizeof epoch);
        return mallctl("stats.allocated", &value, &n, NULL, 0) == 0 ? value : 0;
}

/* Private_Clean and Private_Dirty. */
static size_t private_memory(void)
{
        char line[256];
        unsigned long long kib, sum = 0;
        FILE *f = fopen("/proc/self/smaps_rollup", "re");

        while (f && fgets(line, sizeof line, f))
                if (sscanf(line, "Private_Clean: %llu", &kib) == 1 ||
                    sscanf(line, "Private_Dirty: %llu", &kib) == 1)
                        sum += kib;
        if (f)
                (void)fclose(f);
        return (size_t)sum * 1024;
}

static void report(const char *file)
{
        char made[4096];
        size_t heap = allocated(), memory = private_memory();

        (void)snprintf(made, sizeof made, "%s.new", file);
        FILE *f = fopen(made, "we");
        if (!f)
                return;
        (void)fprintf(f, "heap %zu\nprivate %zu\n", heap, memory);
        if (fclose(f) == 0)
                (void)rename(made, file); /* whoever waits for the file sees it whole */
}

static void *watch(void *file)
{
        sigset_t set;
        int sig;

        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGUSR2);
        while (sigwait(&set, &sig) == 0)
                report(file);
        return NULL;
}

/* Before main, while there is one thread: the signal is blocked in all that follow. */
__attribute__((constructor)) static void begin(void)
{
        char *file = getenv("BENCH_HEAP_FILE");
        sigset_t set;
        pthread_t thread;

        if (!file)
                return;
        (void)unsetenv("LD_PRELOAD");
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGUSR2);
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
        if (pthread_create(&thread, NULL, watch, file) == 0)
                (void)pthread_detach(thread);
}
