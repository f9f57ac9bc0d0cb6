/* SPDX-License-Identifier: BSD-3-Clause
 * An SA table over a kernel that is played, for unit tests. */
#pragma once

#include "pcscf/sa_table.h"
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/pcscf_fix.h"

#include <stdlib.h>

#define AWAIT_MS 60000

struct sa_world {
        struct loop *loop;
        struct sa_kernel *kernel;
        struct sa_table *table;
        struct security_conf conf;
        unsigned removed;
};

static void world_on_removed(struct sa_set *s, void *arg)
{
        struct sa_world *w = arg;

        (void)s;
        w->removed++;
}

static inline struct sa_world *world_new(uint32_t await_ms, uint32_t margin_ms)
{
        const struct sa_kernel_conf kc = {.end = SA_END_PCSCF};
        struct sa_world *w = calloc(1, sizeof(*w));
        struct sa_table_conf tc = {.await_ms = await_ms, .events = {world_on_removed, w}};
        struct buf why = BUF_INIT;

        fake_sa_reset();
        assert_non_null(w);
        w->conf = (struct security_conf){.port_ps = 6100,
                                         .port_pc = 6101,
                                         .port_pc_count = 4,
                                         .spi_first = 1000000000,
                                         .spi_last = 3999999999,
                                         .margin_ms = margin_ms,
                                         .esp_wait_ms = 1000};
        assert_int_equal(loop_new(&w->loop), 0);
        assert_int_equal(sa_kernel_open(w->loop, &kc, &w->kernel, &why), 0);
        tc.conf = &w->conf;
        tc.kernel = w->kernel;
        assert_int_equal(sa_table_new(w->loop, &tc, &w->table), 0);
        return w;
}

static inline void world_free(struct sa_world *w)
{
        sa_table_free(w->table);
        sa_kernel_close(w->kernel);
        assert_true(fake_sa_nothing_left());
        loop_free(w->loop);
        free(w);
}

static inline struct addr addr_of(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

static const struct key128 fix_ck = {{1}}, fix_ik = {{2}};

/* A challenge of this user at this address, with UE ports from `port` on; old: SM1 came over its old set. */
static inline struct sa_open open_of(const char *impi, const char *ip, uint16_t port, struct sa_assoc *old)
{
        return (struct sa_open){
                .who = {.ue = addr_of(ip), .impi = span_of(impi)},
                .pcscf = addr_of("192.0.2.5"),
                .ends = {.spi_c = 5000u + port, .spi_s = 6000u + port, .port_c = port, .port_s = 40000},
                .suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                .mode = SEC_MODE_TRANS,
                .ck = &fix_ck,
                .ik = &fix_ik,
                .old = old};
}

static inline struct sa_set *open_set(struct sa_world *w, const struct sa_open *o)
{
        struct sa_set *s = NULL;

        assert_int_equal(sa_open(w->table, o, &s), 0);
        return s;
}

/* A registered UE: its set in use. */
static inline struct sa_set *registered(struct sa_world *w, const char *impi, const char *ip, uint16_t port)
{
        struct sa_open o = open_of(impi, ip, port, NULL);
        struct sa_set *s = open_set(w, &o);

        sa_confirm(s, 3600);
        assert_int_equal(s->state, SA_SET_IN_USE);
        return s;
}

/* The same UE has answered a challenge for which SM1 came over its set in use. */
static inline struct sa_set *renewed(struct sa_world *w, struct sa_set *old, uint16_t port,
                                     uint32_t granted_s)
{
        char ip[ADDR_STR], impi[64];
        struct sa_open o;
        struct sa_set *s;

        assert_int_equal(span_copy(sa_assoc_impi(old->assoc), impi, sizeof(impi)), 0);
        o = open_of(impi, addr_ip_str(&old->params.ue, false, ip), port, old->assoc);
        s = open_set(w, &o);
        sa_confirm(s, granted_s);
        return s;
}

/* A transaction on the way that the UE's requests take. */
static inline void use(struct sa_world *w, const struct sa_set *s, int delta)
{
        struct sip_flow f = {
                .transport = TRANSPORT_UDP, .local = s->params.pcscf, .remote = s->pairs[0].remote};

        addr_set_port(&f.local, s->pairs[0].local_port);
        sa_use(w->table, &f, delta);
}

static inline void on_passed(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

/* Lets the loop run for so long. */
static inline void pass(struct sa_world *w, uint64_t ms)
{
        bool done = false;
        struct tmr t = {0};

        assert_int_equal(tmr_start(w->loop, &t, ms, on_passed, &done), 0);
        while (!done)
                loop_once(w->loop);
}
