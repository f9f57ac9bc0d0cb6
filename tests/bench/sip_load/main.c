/* SPDX-License-Identifier: BSD-3-Clause
 * sip_load: command line and phases. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/bench/lib/scatter.h"
#include "tests/bench/sip_load/report.h"

static const char usage_text[] =
        "usage: sip_load --to ADDRESS:PORT [OPTION...]\n"
        "Phones that register with AKAv1-MD5 at a rate that does not wait for answers.\n"
        "  --to ADDRESS:PORT     the P-CSCF\n"
        "  --from ADDRESS        first source address (127.0.0.1)\n"
        "  --sources N           so many addresses, one after the other (on loopback UDP 1000, TCP 8; else "
        "1); all must\n"
        "                        be of this machine, as `ip route add local NET dev lo` makes them\n"
        "  --tcp                 one connection per source address instead of UDP\n"
        "  --ipsec               by sec-agree, with SAs of this kernel (root); UDP. The phones' SAs stay "
        "when "
        "the program ends\n"
        "  --suite SUITE         (hmac-sha-1-96/aes-cbc)\n"
        "  --ports N             first of four ports that all phones have with --ipsec (50000)\n"
        "  --tls CA              TLS, verified by the roots in this file; a connection for each phone, made "
        "before the "
        "first phase\n"
        "  --before COMMAND      run by the shell when all connections are there, before the first message\n"
        "  --after COMMAND       run by the shell after the last phase, before they are closed\n"
        "  --digest              SIP Digest (MD5) instead of AKAv1-MD5; the password is K in hex\n"
        "  --subscribers N       (1000) by the rule: IMSI 0010101 and eight digits, keys from the seed\n"
        "  --first N             number of the first subscriber of the rule (0)\n"
        "  --scattered N         not in a row, but from all over the first N of the rule\n"
        "  --seed N              (1)\n"
        "  --csv FILE            subscribers of a file with the columns imsi, k, opc\n"
        "  --write-csv FILE      write the rule's subscribers for `hss subscriber import` and end\n"
        "  --rate R              operations started per second (100)\n"
        "  --at-once N           closed loop: the next one starts when an earlier one has ended; no rate\n"
        "  --poisson             random gaps instead of equal ones\n"
        "  --phases LIST         register, refresh, deregister (each phone once), churn (any of them at "
        "random\n"
        "                        for --duration); (register)\n"
        "  --duration S          longest time of a phase; none: until each phone had its turn\n"
        "  --warmup S            of each phase, which latency and CPU leave out (0)\n"
        "  --expires S           (600000)\n"
        "  --t1 MS               first retransmission after (500; RFC 3261 17.1.2)\n"
        "  --give-up MS          without an end by then an operation failed (16000)\n"
        "  --max-pending N       operations under way at once (65536)\n"
        "  --process NAME=PID    measure its CPU; may be repeated\n"
        "  --json                one JSON object instead of lines\n"
        "  --marks               a line \"mark PHASE open\" (close) on standard error around each\n"
        "  --progress            a line per second on standard error\n"
        "Latency runs from the moment an operation was due to its 200. The exit code is 0 when none failed, "
        "1 when\n"
        "some did, 2 when nothing could be measured. SIGTERM or SIGINT: nothing more is started, then the "
        "report.\n";

enum {
        O_TO = 1,
        O_FROM,
        O_SOURCES,
        O_TCP,
        O_DIGEST,
        O_TLS,
        O_BEFORE,
        O_AFTER,
        O_IPSEC,
        O_SUITE,
        O_PORTS,
        O_AT_ONCE,
        O_SUBSCRIBERS,
        O_FIRST,
        O_SCATTERED,
        O_SEED,
        O_CSV,
        O_WRITE,
        O_RATE,
        O_POISSON,
        O_PHASES,
        O_DURATION,
        O_WARMUP,
        O_EXPIRES,
        O_T1,
        O_GIVE_UP,
        O_PENDING,
        O_PROCESS,
        O_JSON,
        O_PROGRESS,
        O_MARKS,
};

static const struct option options[] = {
        {"to", required_argument, NULL, O_TO},
        {"from", required_argument, NULL, O_FROM},
        {"sources", required_argument, NULL, O_SOURCES},
        {"tcp", no_argument, NULL, O_TCP},
        {"tls", required_argument, NULL, O_TLS},
        {"before", required_argument, NULL, O_BEFORE},
        {"after", required_argument, NULL, O_AFTER},
        {"digest", no_argument, NULL, O_DIGEST},
        {"ipsec", no_argument, NULL, O_IPSEC},
        {"suite", required_argument, NULL, O_SUITE},
        {"ports", required_argument, NULL, O_PORTS},
        {"at-once", required_argument, NULL, O_AT_ONCE},
        {"subscribers", required_argument, NULL, O_SUBSCRIBERS},
        {"first", required_argument, NULL, O_FIRST},
        {"scattered", required_argument, NULL, O_SCATTERED},
        {"seed", required_argument, NULL, O_SEED},
        {"csv", required_argument, NULL, O_CSV},
        {"write-csv", required_argument, NULL, O_WRITE},
        {"rate", required_argument, NULL, O_RATE},
        {"poisson", no_argument, NULL, O_POISSON},
        {"phases", required_argument, NULL, O_PHASES},
        {"duration", required_argument, NULL, O_DURATION},
        {"warmup", required_argument, NULL, O_WARMUP},
        {"expires", required_argument, NULL, O_EXPIRES},
        {"t1", required_argument, NULL, O_T1},
        {"give-up", required_argument, NULL, O_GIVE_UP},
        {"max-pending", required_argument, NULL, O_PENDING},
        {"process", required_argument, NULL, O_PROCESS},
        {"json", no_argument, NULL, O_JSON},
        {"progress", no_argument, NULL, O_PROGRESS},
        {"marks", no_argument, NULL, O_MARKS},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static const char *const phase_names[PHASE_KINDS] = {"register", "refresh", "deregister", "churn"};

static struct load *running; /* for the signal handler */

const char *load_phase_name(enum load_phase_kind kind)
{
        return phase_names[kind];
}

static void on_signal(int sig)
{
        (void)sig;
        load_stop(running);
}

static bool take_phases(struct load_conf *c, const char *text)
{
        struct span rest = span_of(text), word;

        c->n_phases = 0;
        while (rest.n && span_split(&rest, ',', &word)) {
                size_t i = 0;
                while (i < PHASE_KINDS && !span_eq(word, span_of(phase_names[i])))
                        i++;
                if (i == PHASE_KINDS || c->n_phases == LOAD_PHASES_MAX)
                        return false;
                c->phases[c->n_phases++] = (enum load_phase_kind)i;
        }
        return c->n_phases > 0;
}

static bool take_u32(const char *text, uint32_t least, uint32_t most, uint32_t *out)
{
        return span_u32(span_of(text), most, out) == 0 && *out >= least;
}

/* A number with a fraction above 0. */
static bool take_real(const char *text, double factor, double *out)
{
        char *end = NULL;

        *out = strtod(text, &end) * factor;
        return end != text && !*end && *out >= 0 && *out < 1e12;
}

static bool take_seconds(const char *text, uint64_t *out_ms)
{
        double ms = 0;

        if (!take_real(text, 1000, &ms))
                return false;
        *out_ms = (uint64_t)ms;
        return true;
}

/* Numbers and flags. */
static bool take_number(struct load_conf *c, int option)
{
        uint32_t number;

        switch (option) {
        case O_SOURCES:
                return take_u32(optarg, 1, LOAD_SOURCES_MAX, &c->n_sources);
        case O_SUBSCRIBERS:
                return take_u32(optarg, 1, 100000000, &c->n);
        case O_FIRST:
                return take_u32(optarg, 0, 99999999, &c->first);
        case O_SCATTERED:
                if (!take_u32(optarg, 1, 100000000, &c->all))
                        return false;
                c->step = scatter_step(c->all);
                return true;
        case O_SEED:
                if (!take_u32(optarg, 0, UINT32_MAX, &number))
                        return false;
                c->seed = number;
                return true;
        case O_PORTS:
                if (!take_u32(optarg, 1024, 65535 - LOAD_SOCKETS, &number))
                        return false;
                c->ports = (uint16_t)number;
                return true;
        case O_AT_ONCE:
                return take_u32(optarg, 1, 65536, &c->at_once);
        case O_RATE:
                return take_real(optarg, 1, &c->rate) && c->rate > 0;
        case O_DURATION:
                return take_seconds(optarg, &c->duration_ms);
        case O_WARMUP:
                return take_seconds(optarg, &c->warmup_ms);
        case O_EXPIRES:
                return take_u32(optarg, 1, 4294967295u, &c->expires_s);
        case O_T1:
                return take_u32(optarg, 1, 60000, &c->t1_ms);
        case O_GIVE_UP:
                return take_u32(optarg, 1, 600000, &c->give_up_ms);
        case O_PENDING:
                return take_u32(optarg, 1, 1000000, &c->max_pending);
        default:
                return false;
        }
}

static bool take_option(struct load_conf *c, struct procs *procs, const char **write_csv, int option)
{
        switch (option) {
        case O_TO:
                c->to = optarg;
                return true;
        case O_FROM:
                c->from = optarg;
                return true;
        case O_CSV:
                c->csv = optarg;
                return true;
        case O_WRITE:
                *write_csv = optarg;
                return true;
        case O_PHASES:
                return take_phases(c, optarg);
        case O_PROCESS:
                return procs_add(procs, optarg) == 0;
        case O_TCP:
                return c->tcp = true;
        case O_TLS:
                c->tls_ca = optarg;
                return c->tcp = true;
        case O_BEFORE:
                c->before = optarg;
                return true;
        case O_AFTER:
                c->after = optarg;
                return true;
        case O_DIGEST:
                return c->digest = true;
        case O_IPSEC:
                return c->ipsec = true;
        case O_SUITE:
                return sec_suite_parse(span_of(optarg), &c->suite) == 0;
        case O_POISSON:
                return c->poisson = true;
        case O_JSON:
                return c->json = true;
        case O_MARKS:
                return c->marks = true;
        case O_PROGRESS:
                return c->progress = true;
        default:
                return take_number(c, option);
        }
}

/* NULL: none. */
static bool command(const char *option, const char *text)
{
        if (!text || system(text) == 0)
                return true;
        (void)fprintf(stderr, "sip_load: %s: %s failed\n", option, text);
        return false;
}

static int run(const struct load_conf *c, const struct procs *procs)
{
        struct load *l = NULL;
        struct out o;
        uint64_t failed = 0;
        int err;

        (void)signal(SIGPIPE, SIG_IGN); /* SSL_write on a connection that was closed: its attempt times out */
        err = load_new(c, procs, &l);

        if (err) {
                (void)fprintf(stderr, "sip_load: %s\n", ims_strerror(err));
                return 2;
        }
        if (!command("--before", c->before)) {
                load_free(l);
                return 2;
        }
        running = l;
        (void)signal(SIGTERM, on_signal);
        (void)signal(SIGINT, on_signal);
        out_begin(&o, stdout, c->json);
        for (size_t i = 0; i < c->n_phases; i++) {
                struct load_result *r = load_run(l, c->phases[i]);
                if (!r) {
                        err = 2;
                        break;
                }
                load_report(&o, c->phases[i], c, r);
                failed += r->failed;
                free(r);
        }
        if (!command("--after", c->after))
                err = 2;
        out_number(&o, "registered", load_registered(l));
        out_end(&o);
        load_free(l);
        return err ? err : failed != 0;
}

int main(int argc, char **argv)
{
        static struct load_conf c = {
                .from = "127.0.0.1",
                .n = 1000,
                .seed = 1,
                .rate = 100,
                .suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                .ports = 50000,
                .t1_ms = 500,
                .give_up_ms = 16000,
                .expires_s = 600000,
                .max_pending = 65536,
                .n_phases = 1,
        };
        static struct procs procs;
        const char *write_csv = NULL;
        int option, at = 0;

        while ((option = getopt_long(argc, argv, "h", options, &at)) != -1) {
                if (option == 'h') {
                        (void)fputs(usage_text, stdout);
                        return 0;
                }
                if (option == '?' || !take_option(&c, &procs, &write_csv, option)) {
                        if (option != '?')
                                (void)fprintf(stderr, "sip_load: --%s: %s is not understood\n",
                                              options[at].name, optarg ? optarg : "");
                        return 2;
                }
        }
        if (c.digest && c.ipsec) {
                (void)fprintf(stderr, "sip_load: --digest goes without --ipsec (TS 33.203 N.1)\n");
                return 2;
        }
        if (write_csv) {
                int err = load_csv_write(&c, write_csv);
                if (err)
                        (void)fprintf(stderr, "sip_load: %s: %s\n", write_csv, ims_strerror(err));
                return err ? 2 : 0;
        }
        if (c.tls_ca)
                c.n_sources = c.n;
        if (c.n_sources == 0)
                c.n_sources = strncmp(c.from, "127.", 4) != 0 ? 1 : c.tcp ? 8 : 1000;
        if (c.tcp && c.n_sources > LOAD_CONNECTIONS_MAX) {
                (void)fprintf(stderr, "sip_load: --tcp and --tls take at most %d connections\n",
                              LOAD_CONNECTIONS_MAX);
                return 2;
        }
        if (c.tcp && c.ipsec) {
                (void)fprintf(stderr, "sip_load: --ipsec is for UDP\n");
                return 2;
        }
        if (!c.to || optind < argc) {
                (void)fputs(usage_text, stderr);
                return 2;
        }
        return run(&c, &procs);
}
