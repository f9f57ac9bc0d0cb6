/* SPDX-License-Identifier: BSD-3-Clause
 * What sets of SAs cost in the kernel, by how many there are:
 *
 *   tests/kernel/run.sh --shell ip netns exec core build/release/tests/bench_sa
 *
 * One line each: sets live, whether each phone has an address of its own, microseconds per sa_install,
 * sa_remove and sa_count, and per message of the first two (8 each). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/ipsec/sa_kernel.h"

#define ROUNDS 300 /* sets installed and removed for a figure */

static double now_us(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static struct sa_params params(struct sa_kernel *k, uint32_t n, bool own_addresses)
{
        struct sa_params p = {.suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC}, .mode = SEC_MODE_TRANS};
        uint32_t spi;

        p.ue.u.v4.sin_family = p.pcscf.u.v4.sin_family = AF_INET;
        p.ue.u.v4.sin_addr.s_addr = htonl(0x0a4d0000U + 2 + (own_addresses ? n : 0));
        p.pcscf.u.v4.sin_addr.s_addr = htonl(0x0a4d0001U);
        if (secret_random(&spi, sizeof(spi)) != 0)
                exit(1);
        p.ue_ends = (struct sec_ends){.spi_c = spi | 0x80000000, .spi_s = (spi | 0x80000000) ^ 1};
        p.ue_ends.port_c = (uint16_t)(10000 + n * 2 % 50000);
        p.ue_ends.port_s = (uint16_t)(p.ue_ends.port_c + 1);
        p.pcscf_ends = (struct sec_ends){1000002 + n * 4, 1000003 + n * 4, 5063, 5062};
        p.reqid = sa_kernel_reqid(k);
        return p;
}

static int by_size(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *v)
{
        qsort(v, ROUNDS, sizeof(*v), by_size);
        return v[ROUNDS / 2];
}

static void expect(int err, const char *what)
{
        if (!err)
                return;
        (void)fprintf(stderr, "%s: %s\n", what, ims_strerror(err));
        exit(1);
}

static void measure(struct sa_kernel *k, uint32_t live, bool own_addresses)
{
        struct esp_keys keys = {.integrity_n = 20, .encryption_n = 16};
        struct sa_params *p = calloc(live + ROUNDS, sizeof(*p));
        static double install[ROUNDS], removal[ROUNDS], count[ROUNDS];
        double t, t_install, t_removal;
        struct sa_counters c;

        if (!p)
                exit(1);
        for (uint32_t i = 0; i < live; i++) {
                p[i] = params(k, i, own_addresses);
                expect(sa_install(k, &p[i], &keys), "install");
        }
        for (uint32_t j = 0; j < ROUNDS; j++) {
                uint32_t i = live + j;

                p[i] = params(k, i, own_addresses);
                t = now_us();
                expect(sa_install(k, &p[i], &keys), "install");
                install[j] = now_us() - t;
                t = now_us();
                expect(sa_count(k, &p[i], SA_UC_PS, &c), "count");
                count[j] = now_us() - t;
                t = now_us();
                sa_remove(k, &p[i]);
                removal[j] = now_us() - t;
        }
        t_install = median(install);
        t_removal = median(removal);
        printf("live=%u own_addresses=%d install_us=%.0f remove_us=%.0f count_us=%.0f message_us=%.1f\n",
               live, own_addresses, t_install, t_removal, median(count), (t_install + t_removal) / 16);
        (void)fflush(stdout);
        for (uint32_t i = 0; i < live; i++)
                sa_remove(k, &p[i]);
        free(p);
}

int main(int argc, char **argv)
{
        static const uint32_t lives[] = {10, 1000, 20000};
        struct sa_kernel_conf conf = {.end = SA_END_PCSCF};
        struct buf why = BUF_INIT;
        struct sa_kernel *k = NULL;
        struct loop *l = NULL;

        if (loop_new(&l) != 0)
                return 1;
        if (sa_kernel_open(l, &conf, &k, &why) != 0) {
                (void)fprintf(stderr, "%.*s\n", (int)why.n, why.p);
                return 1;
        }
        for (int own = 1; own >= 0; own--) {
                for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
                        if (own || lives[i] < 20000 || (argc > 1 && strcmp(argv[1], "--all") == 0))
                                measure(k, lives[i], own);
                }
        }
        sa_kernel_close(k);
        loop_free(l);
        buf_free(&why);
        return 0;
}
