/* SPDX-License-Identifier: BSD-3-Clause
 * cx_load: MARs for the HSS alone, as many as it answers with a fixed number under way. The request is
 * encoded once and its changing octets are patched, so that this program costs next to nothing. */
#include <getopt.h>
#include <stdlib.h>

#include "tests/bench/cx_load/cx_load.h"
#include "tests/bench/lib/out.h"

static const char usage_text[] =
        "usage: cx_load --to ADDRESS:PORT [OPTION...]\n"
        "  --to ADDRESS:PORT   the HSS\n"
        "  --from ADDRESS      own address\n"
        "  --identity NAME     own Origin-Host, a peer of the HSS (scscf.DOMAIN)\n"
        "  --subscribers N     IMSI 0010101 and eight digits, asked for in scattered order (1000)\n"
        "  --digest            asks for SIP Digest instead of AKA\n"
        "  --window W          requests under way at once (128)\n"
        "  --duration S        (5)\n"
        "  --warmup S          before it, not counted (1)\n"
        "  --process NAME=PID  measure its CPU\n"
        "  --json              one JSON object instead of lines\n"
        "The exit code is 0 when every answer was DIAMETER_SUCCESS with a vector.\n";

static void report(const struct cx_load_result *r, const struct procs *procs, bool json)
{
        double n = r->ok ? (double)r->ok : 1;
        struct out o;
        char name[48];

        out_begin(&o, stdout, json);
        (void)snprintf(o.prefix, sizeof o.prefix, "mar");
        out_number(&o, "per_s", (double)r->ok * NS_PER_S / (double)(r->end_ns - r->begin_ns));
        out_number(&o, "ok", (double)r->ok);
        out_number(&o, "failed", (double)r->failed);
        for (size_t i = 0; i < procs->n; i++) {
                (void)snprintf(name, sizeof name, "cpu_us_%s", procs->v[i].name);
                out_number(&o, name, (double)procs_spent_ns(procs, i) / NS_PER_US / n);
        }
        out_number(&o, "own_cpu_us", (double)r->own_cpu_ns / NS_PER_US / n);
        out_number(&o, "p50_ms", (double)hist_quantile_us(&r->latency, 0.5) / 1000);
        out_number(&o, "p99_ms", (double)hist_quantile_us(&r->latency, 0.99) / 1000);
        out_end(&o);
}

static bool take(struct cx_load_conf *c, struct procs *procs, int option)
{
        switch (option) {
        case 't':
                c->to = optarg;
                return true;
        case 'f':
                c->from = optarg;
                return true;
        case 'i':
                c->identity = optarg;
                return true;
        case 'n':
                return span_u32(span_of(optarg), 99999999, &c->n) == 0 && c->n;
        case 'w':
                return span_u32(span_of(optarg), CX_LOAD_WINDOW_MAX, &c->window) == 0 && c->window;
        case 'd':
                return (c->duration_s = strtod(optarg, NULL)) > 0;
        case 'u':
                return (c->warmup_s = strtod(optarg, NULL)) >= 0;
        case 'p':
                return procs_add(procs, optarg) == 0;
        case 's':
                c->scheme = "SIP Digest";
                return true;
        case 'j':
                return c->json = true;
        default:
                return false;
        }
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"to", required_argument, NULL, 't'},       {"from", required_argument, NULL, 'f'},
                {"identity", required_argument, NULL, 'i'}, {"subscribers", required_argument, NULL, 'n'},
                {"digest", no_argument, NULL, 's'},         {"window", required_argument, NULL, 'w'},
                {"duration", required_argument, NULL, 'd'}, {"warmup", required_argument, NULL, 'u'},
                {"process", required_argument, NULL, 'p'},  {"json", no_argument, NULL, 'j'},
                {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0},
        };
        struct cx_load_conf c = {.from = "127.0.0.1",
                                 .identity = "scscf." CX_LOAD_DOMAIN,
                                 .scheme = "Digest-AKAv1-MD5",
                                 .n = 1000,
                                 .window = 128,
                                 .duration_s = 5,
                                 .warmup_s = 1};
        static struct cx_load_result r;
        static struct procs procs;
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
                if (option == 'h' || !take(&c, &procs, option)) {
                        (void)fputs(usage_text, option == 'h' ? stdout : stderr);
                        return option == 'h' ? 0 : 2;
                }
        if (!c.to || optind < argc) {
                (void)fputs(usage_text, stderr);
                return 2;
        }
        int err = cx_load_run(&c, &procs, &r);
        if (err) {
                (void)fprintf(stderr, "cx_load: %s\n", ims_strerror(err));
                return 2;
        }
        report(&r, &procs, c.json);
        return r.failed != 0 || r.ok == 0;
}
