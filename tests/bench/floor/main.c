/* SPDX-License-Identifier: BSD-3-Clause
 * floor: the driver starts registrations at a rate, the four processes pass them on, their CPU is read. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/floor/floor.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/hist.h"
#include "tests/bench/lib/out.h"
#include "tests/bench/lib/procs.h"

#define PATIENCE_NS (2 * NS_PER_S) /* for the last ones */

static const char usage_text[] =
        "usage: floor --table FILE [--rate R] [--duration S] [--json]\n"
        "Four processes pass the messages of a registration in the order, sizes and transports of the table, "
        "without\n"
        "the work, started R times a second for S seconds; reports the CPU they took for one.\n";

struct drive {
        uint32_t last; /* step that ends one */
        uint64_t sent, done;
        struct hist latency;
};

static void on_step(struct floor_place *p, const struct floor_head *head, void *arg)
{
        (void)arg;
        (void)floor_send(p, head->step + 1, head->scheduled_ns);
}

static void on_driver(struct floor_place *p, const struct floor_head *head, void *arg)
{
        struct drive *d = arg;

        if (head->step != d->last) {
                on_step(p, head, arg);
                return;
        }
        d->done++;
        hist_add(&d->latency, (bench_now_ns() - head->scheduled_ns) / NS_PER_US);
}

/* A process of its own; it ends with the driver. */
static pid_t start(const struct floor_net *net, enum floor_node self)
{
        struct floor_place *p = NULL;
        pid_t parent = getpid(), pid = fork();

        if (pid != 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || floor_place_new(net, self, &p) != 0)
                _exit(1);
        for (;;)
                floor_wait(p, UINT64_MAX, on_step, NULL);
}

static void drive(struct floor_place *p, struct drive *d, double rate, double duration_s)
{
        uint64_t begin = bench_now_ns(), n = (uint64_t)(rate * duration_s), due = begin;
        uint64_t end = begin + (uint64_t)(duration_s * (double)NS_PER_S) + PATIENCE_NS;

        while (d->done < n && bench_now_ns() < end) {
                while (d->sent < n && due <= bench_now_ns()) {
                        (void)floor_send(p, 0, due);
                        d->sent++;
                        due = begin + (uint64_t)((double)d->sent * (double)NS_PER_S / rate);
                }
                floor_wait(p, d->sent < n ? due : end, on_driver, d);
        }
}

static void report(const struct floor_table *t, const struct drive *d, const struct procs *procs, double rate,
                   bool json)
{
        struct out o;
        double n = d->done ? (double)d->done : 1, sum = 0, udp = 0;
        char name[48];

        for (uint32_t i = 0; i < t->n; i++)
                udp += !t->steps[i].tcp;
        out_begin(&o, stdout, json);
        (void)snprintf(o.prefix, sizeof o.prefix, "floor");
        out_number(&o, "offered", rate);
        out_number(&o, "started", (double)d->sent);
        out_number(&o, "lost", (double)(d->sent - d->done));
        out_number(&o, "datagrams", udp);
        out_number(&o, "tcp_messages", (double)t->n - udp);
        for (size_t i = 0; i < procs->n; i++) {
                double us = (double)procs_spent_ns(procs, i) / NS_PER_US / n;
                (void)snprintf(name, sizeof name, "cpu_us_%s", procs->v[i].name);
                out_number(&o, name, us);
                sum += us;
        }
        out_number(&o, "cpu_us", sum);
        out_number(&o, "p50_ms", (double)hist_quantile_us(&d->latency, 0.5) / 1000);
        out_number(&o, "p99_ms", (double)hist_quantile_us(&d->latency, 0.99) / 1000);
        out_end(&o);
}

static int run(const struct floor_table *t, double rate, double duration_s, bool json)
{
        static struct drive d;
        struct floor_net *net = NULL;
        struct floor_place *p = NULL;
        struct procs procs = {0};
        pid_t pids[FLOOR_NODES] = {0};
        char text[32];
        int err = floor_net_new(t, &net);

        d.last = t->n - 1;
        for (int n = FLOOR_PCSCF; n < FLOOR_NODES && !err; n++) {
                pids[n] = start(net, (enum floor_node)n);
                (void)snprintf(text, sizeof text, "%s=%d", floor_node_names[n], (int)pids[n]);
                err = pids[n] < 0 ? -IMS_EIO : procs_add(&procs, text);
        }
        if (!err)
                err = floor_place_new(net, FLOOR_UE, &p);
        if (!err) {
                procs_read(&procs, 0);
                drive(p, &d, rate, duration_s);
                procs_read(&procs, 1);
                report(t, &d, &procs, rate, json);
        } else {
                (void)fprintf(stderr, "floor: %s\n", ims_strerror(err));
        }
        for (int n = FLOOR_PCSCF; n < FLOOR_NODES; n++)
                if (pids[n] > 0) {
                        (void)kill(pids[n], SIGKILL);
                        (void)waitpid(pids[n], NULL, 0);
                }
        return err ? 2 : d.done != d.sent;
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"table", required_argument, NULL, 't'},    {"rate", required_argument, NULL, 'r'},
                {"duration", required_argument, NULL, 'd'}, {"json", no_argument, NULL, 'j'},
                {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
        };
        static struct floor_table table;
        const char *file = NULL;
        double rate = 1000, duration_s = 5;
        bool json = false;
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
                if (option == 't')
                        file = optarg;
                else if (option == 'r')
                        rate = strtod(optarg, NULL);
                else if (option == 'd')
                        duration_s = strtod(optarg, NULL);
                else if (option == 'j')
                        json = true;
                else {
                        (void)fputs(usage_text, option == 'h' ? stdout : stderr);
                        return option == 'h' ? 0 : 2;
                }
        }
        if (!file || !(rate > 0) || !(duration_s > 0) || optind < argc) {
                (void)fputs(usage_text, stderr);
                return 2;
        }
        return floor_table_read(file, &table) == 0 ? run(&table, rate, duration_s, json) : 2;
}
