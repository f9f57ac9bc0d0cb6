/* SPDX-License-Identifier: BSD-3-Clause
 * CPU time of other processes. */
#include "tests/bench/lib/procs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -IMS_ENOTFOUND when there is no such thread. */
static int read_thread(pid_t pid, const char *tid, uint64_t *out_ns)
{
        char path[64];
        unsigned long long ns = 0;
        int got = 0;

        (void)snprintf(path, sizeof path, "/proc/%d/task/%.12s/schedstat", (int)pid, tid);
        FILE *f = fopen(path, "re");
        if (!f)
                return -IMS_ENOTFOUND;
        got = fscanf(f, "%llu", &ns);
        (void)fclose(f);
        *out_ns = ns;
        return got == 1 ? 0 : -IMS_ENOTFOUND;
}

static int read_process(pid_t pid, uint64_t *out_ns)
{
        char path[64];
        struct dirent *e;
        uint64_t sum = 0, ns = 0;

        (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
        DIR *d = opendir(path);
        if (!d)
                return -IMS_ENOTFOUND;
        while ((e = readdir(d)) != NULL)
                if (e->d_name[0] != '.' && read_thread(pid, e->d_name, &ns) == 0)
                        sum += ns;
        (void)closedir(d);
        *out_ns = sum;
        return 0;
}

int procs_add(struct procs *p, const char *text)
{
        const char *eq = strchr(text, '=');
        char *end = NULL;
        long pid = eq ? strtol(eq + 1, &end, 10) : 0;

        if (!eq || eq == text || (size_t)(eq - text) >= sizeof p->v[0].name || pid <= 0 || *end)
                return -IMS_EPARSE;
        if (p->n == PROCS_MAX)
                return -IMS_ELIMIT;
        memcpy(p->v[p->n].name, text, (size_t)(eq - text));
        p->v[p->n].name[eq - text] = '\0';
        p->v[p->n].pid = (pid_t)pid;
        if (read_process((pid_t)pid, &p->v[p->n].cpu_ns[0]) != 0)
                return -IMS_ENOTFOUND;
        p->n++;
        return 0;
}

void procs_read(struct procs *p, int place)
{
        for (size_t i = 0; i < p->n; i++)
                if (read_process(p->v[i].pid, &p->v[i].cpu_ns[place]) != 0 && place)
                        p->v[i].cpu_ns[1] = p->v[i].cpu_ns[0];
}

uint64_t procs_spent_ns(const struct procs *p, size_t i)
{
        return p->v[i].cpu_ns[1] > p->v[i].cpu_ns[0] ? p->v[i].cpu_ns[1] - p->v[i].cpu_ns[0] : 0;
}
