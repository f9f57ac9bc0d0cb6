/* SPDX-License-Identifier: BSD-3-Clause
 * Rates per source and in all. */
#include "common/net/rates.h"

#include <stdlib.h>

#include "common/base/timers.h"

#define SOURCES_MAX 65536 /* remembered at once; with more addresses the rate of all counts alone */
#define SECOND_US   UINT64_C(1000000)
#define EIGHTH_US   (SECOND_US / 8)

struct source {
        struct hnode node;
        struct addr addr; /* addr_source */
        struct rate_pace pace[RATE_KINDS];
};

struct rates {
        struct loop *loop;
        struct rates_conf conf;
        struct htab sources;
        struct tmr sweep;
        struct rate_pace all[RATE_KINDS];
};

/* --- one pace ------------------------------------------------------------------------------------- */

static uint64_t paid_until(const struct rate_pace *p, uint64_t now_us)
{
        return p->until_us > now_us ? p->until_us : now_us;
}

/* Whether one more is let in when burst_us may be paid for in advance. */
static bool has(const struct rate_pace *p, uint32_t rate_per_s, uint64_t now_us, uint64_t burst_us)
{
        return !rate_per_s || paid_until(p, now_us) + SECOND_US / rate_per_s <= now_us + burst_us;
}

static void pay(struct rate_pace *p, uint32_t rate_per_s, uint64_t now_us)
{
        if (rate_per_s)
                p->until_us = paid_until(p, now_us) + SECOND_US / rate_per_s;
}

bool rate_pace_take(struct rate_pace *p, uint32_t rate_per_s, uint64_t now_ms)
{
        if (!has(p, rate_per_s, now_ms * 1000, SECOND_US))
                return false;
        pay(p, rate_per_s, now_ms * 1000);
        return true;
}

/* --- life ----------------------------------------------------------------------------------------- */

int rates_new(struct loop *l, const struct rates_conf *conf, struct rates **out)
{
        struct rates *r = calloc(1, sizeof(*r));

        if (!r)
                return -IMS_ENOMEM;
        r->loop = l;
        r->conf = *conf;
        *out = r;
        return 0;
}

static void drop(struct hnode *n, void *arg)
{
        struct rates *r = arg;

        htab_remove(&r->sources, n);
        free(container_of(n, struct source, node));
}

void rates_free(struct rates *r)
{
        if (!r)
                return;
        tmr_stop(r->loop, &r->sweep);
        htab_each(&r->sources, drop, r);
        htab_free(&r->sources);
        free(r);
}

size_t rates_sources(const struct rates *r)
{
        return r->sources.n;
}

/* --- sources -------------------------------------------------------------------------------------- */

static bool eq_source(const struct hnode *n, const void *key)
{
        return addr_ip_eq(&container_of(n, struct source, node)->addr, key);
}

static struct source *find(const struct rates *r, const struct addr *key)
{
        struct hnode *n = htab_find(&r->sources, addr_hash(key), eq_source, key);

        return n ? container_of(n, struct source, node) : NULL;
}

static void drop_paid(struct hnode *n, void *arg)
{
        struct rates *r = arg;
        uint64_t until_us = 0;

        for (size_t i = 0; i < RATE_KINDS; i++) {
                const struct rate_pace *p = &container_of(n, struct source, node)->pace[i];

                until_us = p->until_us > until_us ? p->until_us : until_us;
        }
        if (until_us <= loop_now_ms(r->loop) * 1000)
                drop(n, r);
}

/* Who has paid for all of it is as one that never came. */
static void on_sweep(struct tmr *t, void *arg)
{
        struct rates *r = arg;

        htab_each(&r->sources, drop_paid, r);
        if (r->sources.n)
                (void)!tmr_start(r->loop, t, ims_timer_rows[IMS_TIMER_STORM_SWEEP].default_ms, on_sweep, r);
}

static struct source *find_or_make(struct rates *r, const struct addr *from)
{
        struct addr key = addr_source(from);
        struct source *src = find(r, &key);

        if (src || r->sources.n >= SOURCES_MAX)
                return src;
        if (!tmr_running(&r->sweep) &&
            tmr_start(r->loop, &r->sweep, ims_timer_rows[IMS_TIMER_STORM_SWEEP].default_ms, on_sweep, r) != 0)
                return NULL;
        src = malloc(sizeof(*src));
        if (!src)
                return NULL;
        *src = (struct source){.addr = key};
        if (htab_insert(&r->sources, &src->node, addr_hash(&key)) != 0) {
                free(src);
                return NULL;
        }
        return src;
}

/* Whether it has used more than a little of one of its rates. */
static bool is_heavy(const struct source *src, uint64_t now_us)
{
        for (size_t i = 0; i < RATE_KINDS; i++)
                if (src->pace[i].until_us > now_us + EIGHTH_US)
                        return true;
        return false;
}

/* As much of a second's worth of all as this source may use. */
static uint64_t share_of_all_us(const struct rates *r, const struct source *src, uint64_t now_us)
{
        bool heavy = src ? is_heavy(src, now_us) : r->sources.n >= SOURCES_MAX;

        return r->conf.reserve && heavy ? SECOND_US - EIGHTH_US : SECOND_US;
}

static enum rate_answer judge(const struct rates *r, const struct source *src, unsigned kind, uint64_t now_us)
{
        if (src && !has(&src->pace[kind], r->conf.per_source, now_us, SECOND_US))
                return RATE_SOURCE;
        if (!has(&r->all[kind], r->conf.all, now_us, share_of_all_us(r, src, now_us)))
                return RATE_ALL;
        return RATE_MAY;
}

enum rate_answer rates_look(const struct rates *r, const struct addr *from, unsigned kind, uint64_t now_ms)
{
        struct addr key = addr_source(from);

        return judge(r, find(r, &key), kind, now_ms * 1000);
}

enum rate_answer rates_take(struct rates *r, const struct addr *from, unsigned kind, uint64_t now_ms)
{
        struct source *src = r->conf.per_source ? find_or_make(r, from) : NULL;
        enum rate_answer answer = judge(r, src, kind, now_ms * 1000);

        if (src && answer != RATE_SOURCE) /* also when all together have used theirs: it goes on */
                pay(&src->pace[kind], r->conf.per_source, now_ms * 1000);
        if (answer == RATE_MAY)
                pay(&r->all[kind], r->conf.all, now_ms * 1000);
        return answer;
}
