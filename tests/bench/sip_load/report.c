/* SPDX-License-Identifier: BSD-3-Clause
 * The result of a phase as names and numbers. */
#include "tests/bench/sip_load/report.h"

static const char *const op_names[OPS] = {"register", "refresh", "deregister"};

static void failures(struct out *o, const struct load_result *r)
{
        const struct {
                const char *name;
                uint32_t n;
        } reasons[] = {
                {"failed_timeout", r->timeout},
                {"failed_too_many_pending", r->too_many},
                {"failed_mac_wrong", r->mac_wrong},
                {"failed_sqn_used", r->sqn_used},
                {"failed_bad_challenge", r->bad_challenge},
                {"failed_challenged_again", r->challenged_again},
                {"failed_keys_shown", r->keys_shown},
                {"failed_bad_ok", r->bad_ok},
                {"failed_no_agreement", r->no_agreement},
                {"failed_no_sa", r->no_sa},
                {"failed_wrong_way", r->wrong_way},
        };
        char name[32];

        for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
                if (reasons[i].n)
                        out_number(o, reasons[i].name, reasons[i].n);
        for (unsigned i = 0; i < sizeof r->by_status / sizeof r->by_status[0]; i++)
                if (r->by_status[i]) {
                        (void)snprintf(name, sizeof name, "failed_status_%u", i);
                        out_number(o, name, r->by_status[i]);
                }
}

static void quantiles(struct out *o, const char *what, const struct hist *h)
{
        static const struct {
                const char *name;
                double q;
        } marks[] = {{"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}};
        char name[32];

        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
                (void)snprintf(name, sizeof name, "%s%s_ms", what, marks[i].name);
                out_number(o, name, (double)hist_quantile_us(h, marks[i].q) / 1000);
        }
        (void)snprintf(name, sizeof name, "%smax_ms", what);
        out_number(o, name, (double)h->max_us / 1000);
}

/* CPU of the window, per operation that ended well in it. */
static void cpu(struct out *o, const struct load_result *r)
{
        double n = r->window_ok ? (double)r->window_ok : 1, sum = 0;
        char name[48];

        for (size_t i = 0; i < r->procs.n; i++) {
                double us = (double)procs_spent_ns(&r->procs, i) / NS_PER_US / n;
                (void)snprintf(name, sizeof name, "cpu_us_%s", r->procs.v[i].name);
                out_number(o, name, us);
                sum += us;
        }
        out_number(o, "cpu_us", sum);
        out_number(o, "own_cpu_us", (double)(r->own_cpu_ns[1] - r->own_cpu_ns[0]) / NS_PER_US / n);
}

void load_report(struct out *o, enum load_phase_kind kind, const struct load_conf *c,
                 const struct load_result *r)
{
        double took_s = (double)(r->last_ns - r->begin_ns) / NS_PER_S;
        double window_s = (double)(r->window_ns[1] - r->window_ns[0]) / NS_PER_S;
        char name[48];

        (void)snprintf(o->prefix, sizeof o->prefix, "%s", load_phase_name(kind));
        out_number(o, "offered", c->rate);
        out_number(o, "started", (double)r->started);
        out_number(o, "ok", (double)r->ok);
        out_number(o, "failed", (double)r->failed);
        failures(o, r);
        for (unsigned i = 0; i < OPS && kind == PHASE_CHURN; i++) {
                (void)snprintf(name, sizeof name, "%s_ok", op_names[i]);
                out_number(o, name, (double)r->ops[i].ok);
        }
        out_number(o, "achieved", took_s > 0 ? (double)r->ok / took_s : 0);
        out_number(o, "window_s", window_s);
        out_number(o, "window_ok", (double)r->window_ok);
        quantiles(o, "", &r->latency);
        quantiles(o, "start_lag_", &r->lag);
        out_number(o, "retransmitted", (double)r->retransmitted);
        out_number(o, "skipped", (double)r->skipped);
        out_number(o, "late_answers", (double)r->late);
        if (c->ipsec)
                out_number(o, "ue_sa_us", (double)r->secure_ns / NS_PER_US / (double)(r->ok ? r->ok : 1));
        cpu(o, r);
        o->prefix[0] = '\0';
}
