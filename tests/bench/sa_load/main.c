/* SPDX-License-Identifier: BSD-3-Clause
 * What sets of four SAs cost the kernel, without SIP: installed and removed beside so many that are live.
 * common/ipsec does it as it does for a P-CSCF. */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>

#include "common/base/secret.h"
#include "common/ipsec/sa_kernel.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/out.h"

#define LIVE_MAX   8      /* numbers of live sets */
#define SETS_MAX   200000 /* the numbers of sa_kernel_reqid reach somewhat further */
#define ROUNDS_MAX 99
#define SPI_FIRST  0x20000000U /* SPIs in no order: those of a UE from here on, those of the P-CSCF above */
#define SPI_COUNT  0x10000000U
#define SPI_STEP   0x9e3779b1U
#define UE_FIRST   0x0a500001U /* 10.80.0.1, the first UE */

static const char usage_text[] =
        "usage: sa_load [OPTION...]\n"
        "Sets of four SAs with their policies, as a P-CSCF has them, in this network namespace (root).\n"
        "  --live LIST      measured beside so many live sets, rising (10,1000,20000)\n"
        "  --sets N         installed and then removed in each round (200)\n"
        "  --rounds N       (5)\n"
        "  --suite SUITE    (hmac-sha-1-96/aes-cbc)\n"
        "  --one-address    all UEs have one address, as behind a NAT, and differ by their ports\n"
        "  --marks          a line \"mark sets LIVE open\" (close) on standard error around the rounds\n"
        "  --json           one JSON object instead of lines\n"
        "live_N.install_us, live_N.remove_us: microseconds per set, the median of the rounds; "
        "live_N.sets_per_s: "
        "installed\n"
        "and removed again; live_N.count_us: microseconds to read the counters of one SA.\n";

struct bench {
        uint32_t live[LIVE_MAX], n_live, n_sets, rounds;
        struct sec_suite suite;
        bool one_address, json, marks;
        struct sa_kernel *kernel;
        struct esp_keys keys;
        struct sa_params *sets;
        uint32_t n; /* installed */
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
        (void)sig;
        stopped = 1;
}

/* --- sets ------------------------------------------------------------------------------------------ */

static struct addr address(uint32_t ip)
{
        struct addr a = {0};

        a.u.v4.sin_family = AF_INET;
        a.u.v4.sin_addr.s_addr = htonl(ip);
        return a;
}

/* The i-th UE: an address of its own, the same ports; or the other way round. */
static struct sa_params params_of(const struct bench *b, uint32_t i)
{
        uint16_t port = (uint16_t)(b->one_address ? 10000 + i % 25000 * 2 : 50000);
        uint32_t ip = UE_FIRST + (b->one_address ? i / 25000 : i);
        uint32_t ue_spi = SPI_FIRST + i * 2 * SPI_STEP % SPI_COUNT;
        uint32_t pcscf_spi = SPI_FIRST * 4 + (i * 2 + 1) * SPI_STEP % SPI_COUNT;
        struct sa_params p = {.ue = address(ip),
                              .pcscf = address(UE_FIRST - 1),
                              .suite = b->suite,
                              .mode = SEC_MODE_TRANS,
                              .reqid = sa_kernel_reqid(b->kernel)};

        p.ue_ends = (struct sec_ends){ue_spi, ue_spi ^ SPI_COUNT, port, (uint16_t)(port + 1)};
        p.pcscf_ends = (struct sec_ends){pcscf_spi, pcscf_spi ^ SPI_COUNT, (uint16_t)(6101 + i % 4), 6100};
        return p;
}

static int grow(struct bench *b, uint32_t to)
{
        int err = 0;

        while (!err && !stopped && b->n < to) {
                b->sets[b->n] = params_of(b, b->n);
                err = sa_install(b->kernel, &b->sets[b->n], &b->keys);
                b->n += !err;
        }
        return err;
}

/* Linux looks at every SA once, a second after it was made. */
static void settle(void)
{
        const struct timespec ts = {.tv_sec = 2};

        (void)nanosleep(&ts, NULL);
}

static void shrink(struct bench *b, uint32_t to)
{
        while (b->n > to)
                sa_remove(b->kernel, &b->sets[--b->n]);
}

/* --- measuring ------------------------------------------------------------------------------------- */

/* Reads the counters of so many sets. */
static int count(struct bench *b, uint32_t from, uint32_t to)
{
        struct sa_counters c;
        int err = 0;

        for (uint32_t i = from; !err && i < to; i++)
                err = sa_count(b->kernel, &b->sets[i], SA_UC_PS, &c);
        return err;
}

static int by_value(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *v, uint32_t n)
{
        qsort(v, n, sizeof *v, by_value);
        return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void mark(const struct bench *b, uint32_t live, const char *what)
{
        if (b->marks)
                (void)fprintf(stderr, "mark sets %u %s\n", live, what);
}

static double per_set_us(const struct bench *b, uint64_t since_ns)
{
        return (double)(bench_now_ns() - since_ns) / NS_PER_US / b->n_sets;
}

static int measure(struct bench *b, uint32_t live, struct out *o)
{
        double install[ROUNDS_MAX], removal[ROUNDS_MAX], counters[ROUNDS_MAX], in, out;
        int err = grow(b, live);

        settle();
        mark(b, live, "open");
        settle(); /* whoever reads the mark may be late */
        for (uint32_t i = 0; !err && !stopped && i < b->rounds; i++) {
                uint64_t t0 = bench_now_ns();

                err = grow(b, live + b->n_sets);
                install[i] = per_set_us(b, t0);
                t0 = bench_now_ns();
                if (!err && !stopped)
                        err = count(b, live, live + b->n_sets);
                counters[i] = per_set_us(b, t0);
                t0 = bench_now_ns();
                shrink(b, live);
                removal[i] = per_set_us(b, t0);
        }
        mark(b, live, "close");
        settle();
        if (err || stopped)
                return err ? err : -IMS_ECANCELED;
        (void)snprintf(o->prefix, sizeof o->prefix, "live_%u", live);
        in = median(install, b->rounds);
        out = median(removal, b->rounds);
        out_number(o, "install_us", in);
        out_number(o, "remove_us", out);
        out_number(o, "sets_per_s", 1e6 / (in + out));
        out_number(o, "count_us", median(counters, b->rounds));
        (void)fflush(stdout);
        o->prefix[0] = '\0';
        return 0;
}

static int run(struct bench *b)
{
        const struct sa_kernel_conf conf = {.end = SA_END_PCSCF};
        const struct key128 ck = {{1, 2, 3}}, ik = {{4, 5, 6}};
        struct buf why = BUF_INIT;
        struct out o;
        int err = sa_kernel_open(NULL, &conf, &b->kernel, &why); /* no events, no loop */

        if (err)
                (void)fprintf(stderr, "sa_load: " SPAN_FMT "\n", SPAN_ARG(buf_as_span(&why)));
        buf_free(&why);
        if (!err)
                err = esp_keys_expand(b->suite, &ck, &ik, &b->keys);
        b->sets = calloc(b->live[b->n_live - 1] + b->n_sets, sizeof *b->sets);
        if (!err && !b->sets)
                err = -IMS_ENOMEM;
        if (!err) {
                out_begin(&o, stdout, b->json);
                for (uint32_t i = 0; !err && i < b->n_live; i++)
                        err = measure(b, b->live[i], &o);
                shrink(b, 0);
                out_end(&o);
        }
        if (err)
                (void)fprintf(stderr, "sa_load: %s\n", ims_strerror(err));
        sa_kernel_close(b->kernel);
        free(b->sets);
        return err ? 2 : 0;
}

/* --- command line ---------------------------------------------------------------------------------- */

static bool take_u32(const char *text, uint32_t most, uint32_t *out)
{
        return span_u32(span_of(text), most, out) == 0 && *out > 0;
}

/* Rising numbers. */
static bool take_live(struct bench *b, const char *text)
{
        struct span rest = span_of(text), word;

        b->n_live = 0;
        while (rest.n && span_split(&rest, ',', &word)) {
                uint32_t *at = &b->live[b->n_live];

                if (b->n_live == LIVE_MAX || span_u32(word, SETS_MAX, at) != 0 ||
                    (b->n_live && *at <= at[-1]))
                        return false;
                b->n_live++;
        }
        return b->n_live > 0;
}

static bool take(struct bench *b, int option)
{
        switch (option) {
        case 'l':
                return take_live(b, optarg);
        case 'n':
                return take_u32(optarg, SETS_MAX, &b->n_sets);
        case 'r':
                return take_u32(optarg, ROUNDS_MAX, &b->rounds);
        case 's':
                return sec_suite_parse(span_of(optarg), &b->suite) == 0;
        case 'a':
                return b->one_address = true;
        case 'm':
                return b->marks = true;
        case 'j':
                return b->json = true;
        default:
                return false;
        }
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                {"live", required_argument, NULL, 'l'},
                {"sets", required_argument, NULL, 'n'},
                {"rounds", required_argument, NULL, 'r'},
                {"suite", required_argument, NULL, 's'},
                {"one-address", no_argument, NULL, 'a'},
                {"marks", no_argument, NULL, 'm'},
                {"json", no_argument, NULL, 'j'},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };
        static struct bench b = {.live = {10, 1000, 20000},
                                 .n_live = 3,
                                 .n_sets = 200,
                                 .rounds = 5,
                                 .suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC}};
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
                if (option == 'h' || !take(&b, option)) {
                        (void)fputs(usage_text, option == 'h' ? stdout : stderr);
                        return option == 'h' ? 0 : 2;
                }
        if (optind < argc || b.live[b.n_live - 1] + b.n_sets > SETS_MAX) {
                (void)fputs(usage_text, stderr);
                return 2;
        }
        (void)signal(SIGTERM, on_signal);
        (void)signal(SIGINT, on_signal);
        return run(&b);
}
