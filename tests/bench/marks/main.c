/* SPDX-License-Identifier: BSD-3-Clause
 * marks: what a User-Mode Linux costs the machine it runs on, between marks that a program inside prints.
 * Inside, CPU time is counted by the clock on the wall: what other processes take of this machine is counted
 * too.
 *
 *   marks FILE <console
 *
 * Lines of standard input go to standard error, but for these:
 *   mark uml DIR     the machine whose directory that is (uml_dir=) is watched
 *   mark TEXT...     FILE gets "TEXT... CPU_NS": CPU of all its processes; -1 without a machine */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/span.h"

/* The process group of the machine, or -1. */
static pid_t machine(const char *dir)
{
        char path[512];
        int pid = -1;

        (void)snprintf(path, sizeof path, "%s/machine/pid", dir);
        FILE *f = fopen(path, "re");
        if (!f || fscanf(f, "%d", &pid) != 1)
                pid = -1;
        if (f)
                (void)fclose(f);
        return pid > 0 ? getpgid(pid) : -1;
}

static unsigned long long spent_ns(const char *pid)
{
        char path[64];
        unsigned long long ns = 0;

        (void)snprintf(path, sizeof path, "/proc/%.12s/schedstat", pid);
        FILE *f = fopen(path, "re");
        if (f && fscanf(f, "%llu", &ns) != 1)
                ns = 0;
        if (f)
                (void)fclose(f);
        return ns;
}

static long long group_ns(pid_t group)
{
        unsigned long long sum = 0;
        struct dirent *e;
        DIR *d = group > 0 ? opendir("/proc") : NULL;

        if (!d)
                return -1;
        while ((e = readdir(d)) != NULL)
                if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
                    getpgid((pid_t)strtol(e->d_name, NULL, 10)) == group)
                        sum += spent_ns(e->d_name);
        (void)closedir(d);
        return (long long)sum;
}

int main(int argc, char **argv)
{
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;
        pid_t group = -1;
        FILE *out = argc == 2 ? fopen(argv[1], "we") : NULL;

        if (!out) {
                (void)fprintf(stderr, argc == 2 ? "marks: cannot write\n" : "usage: marks FILE\n");
                return 2;
        }
        while ((n = getline(&line, &cap, stdin)) > 0) {
                struct span text = span_trim(span_make(line, (size_t)n));

                line[(size_t)(text.p - line) + text.n] = '\0';
                if (!span_starts(text, SPAN("mark "))) {
                        (void)fprintf(stderr, "%s\n", text.p);
                } else if (span_starts(text, SPAN("mark uml "))) {
                        group = machine(text.p + 9);
                } else {
                        (void)fprintf(out, "%s %lld\n", text.p + 5, group_ns(group));
                        (void)fflush(out);
                }
        }
        free(line);
        return fclose(out) == 0 ? 0 : 2;
}
