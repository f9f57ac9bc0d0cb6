/* SPDX-License-Identifier: BSD-3-Clause
 * Rates of TLS handshakes. */
#include "common/net/tls_gate.h"

#include <stdlib.h>

#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/timers.h"

#define KNOWN_MAX       262144 /* addresses; the one that was longest not seen gives way */
#define KNOWN_DEFAULT_S 3600

/* What has rates of its own. LOOKED_AT: handshakes that were refused after their ClientHello. */
enum { NEW, KNOWN, LOOKED_AT };

struct known {
        struct hnode node;
        struct list age;
        struct addr addr; /* addr_source */
        uint64_t until_ms;
};

struct tls_gate {
        struct loop *loop;
        struct tls_gate_conf conf;
        struct rates *rates;
        struct htab known;
        struct list oldest; /* of the known ones */
        struct tls_gate_stats stats, told;
        struct tmr quiet; /* runs from the first refusal on */
};

uint64_t (*tls_gate_clock_ms)(const struct loop *l) = loop_now_ms;

int tls_gate_new(struct loop *l, const struct tls_gate_conf *conf, struct tls_gate **out)
{
        const struct rates_conf rates = {.per_source = conf->per_source, .all = conf->all, .reserve = true};
        struct tls_gate *g = calloc(1, sizeof(*g));
        int err = g ? rates_new(l, &rates, &g->rates) : -IMS_ENOMEM;

        if (err) {
                free(g);
                return err;
        }
        g->loop = l;
        g->conf = *conf;
        g->conf.known_s = conf->known_s ? conf->known_s : KNOWN_DEFAULT_S;
        list_init(&g->oldest);
        *out = g;
        return 0;
}

static void forget(struct tls_gate *g, struct known *k)
{
        htab_remove(&g->known, &k->node);
        list_unlink(&k->age);
        free(k);
}

static void tell_rest(struct tls_gate *g);

void tls_gate_free(struct tls_gate *g)
{
        if (!g)
                return;
        tell_rest(g);
        tmr_stop(g->loop, &g->quiet);
        while (!list_empty(&g->oldest))
                forget(g, container_of(g->oldest.next, struct known, age));
        htab_free(&g->known);
        rates_free(g->rates);
        free(g);
}

void tls_gate_stats(const struct tls_gate *g, struct tls_gate_stats *out)
{
        *out = g->stats;
        out->known = g->known.n;
}

/* --- who authenticated before --------------------------------------------------------------------- */

static bool eq_known(const struct hnode *n, const void *key)
{
        return addr_ip_eq(&container_of(n, struct known, node)->addr, key);
}

static struct known *find(const struct tls_gate *g, const struct addr *key)
{
        struct hnode *n = htab_find(&g->known, addr_hash(key), eq_known, key);

        return n ? container_of(n, struct known, node) : NULL;
}

static bool is_known(const struct tls_gate *g, const struct addr *from)
{
        struct addr key = addr_source(from);
        const struct known *k = g->known.n ? find(g, &key) : NULL;

        return k && k->until_ms > tls_gate_clock_ms(g->loop);
}

/* All are known for the same time, so the oldest ends first: a few are looked at each time. */
static void make_room(struct tls_gate *g, uint64_t now_ms)
{
        for (int i = 0; i < 2 && !list_empty(&g->oldest); i++) {
                struct known *k = container_of(g->oldest.next, struct known, age);

                if (k->until_ms > now_ms && g->known.n < KNOWN_MAX)
                        return;
                forget(g, k);
        }
}

void tls_gate_vouch(struct tls_gate *g, const struct addr *at)
{
        struct addr key = addr_source(at);
        uint64_t now_ms = tls_gate_clock_ms(g->loop);
        struct known *k = find(g, &key);

        if (k) {
                list_unlink(&k->age);
        } else {
                make_room(g, now_ms);
                k = calloc(1, sizeof(*k));
                if (!k)
                        return; /* it goes with the others */
                k->addr = key;
                if (htab_insert(&g->known, &k->node, addr_hash(&key)) != 0) {
                        free(k);
                        return;
                }
        }
        k->until_ms = now_ms + (uint64_t)g->conf.known_s * 1000;
        list_append(&g->oldest, &k->age);
}

/* --- what is told --------------------------------------------------------------------------------- */

static void tell_rest(struct tls_gate *g)
{
        uint64_t of_source = g->stats.of_source - g->told.of_source,
                 of_all = g->stats.of_all - g->told.of_all;

        if (of_source || of_all)
                log_warn("TLS: handshakes refused since this was told: %llu by %s, %llu by %s",
                         (unsigned long long)of_source, g->conf.per_source_key, (unsigned long long)of_all,
                         g->conf.all_key);
        g->told = g->stats;
}

static void on_quiet(struct tmr *t, void *arg)
{
        struct tls_gate *g = arg;
        bool any = g->stats.of_source + g->stats.of_all > g->told.of_source + g->told.of_all;

        tell_rest(g);
        if (any)
                (void)!tmr_start(g->loop, t, ims_timer_rows[IMS_TIMER_SIP_SOURCE_QUIET].default_ms, on_quiet,
                                 g);
}

/* The first is told with its address, the others once in a while by their number. */
static void count(struct tls_gate *g, const struct addr *from, enum rate_answer why, bool unread)
{
        char text[ADDR_STR];

        g->stats.of_source += why == RATE_SOURCE;
        g->stats.of_all += why == RATE_ALL;
        g->stats.unread += unread;
        if (tmr_running(&g->quiet) ||
            tmr_start(g->loop, &g->quiet, ims_timer_rows[IMS_TIMER_SIP_SOURCE_QUIET].default_ms, on_quiet,
                      g) != 0)
                return;
        log_warn("TLS: a handshake of %s is refused: %s (%u per second); more of this is counted, not told",
                 addr_ip_str(from, false, text),
                 why == RATE_SOURCE ? g->conf.per_source_key : g->conf.all_key,
                 why == RATE_SOURCE ? g->conf.per_source : g->conf.all);
        g->told.of_source += why == RATE_SOURCE;
        g->told.of_all += why == RATE_ALL;
}

/* --- who may -------------------------------------------------------------------------------------- */

bool tls_gate_accepts(struct tls_gate *g, const struct addr *from)
{
        uint64_t now_ms = tls_gate_clock_ms(g->loop);
        enum rate_answer a = rates_look(g->rates, from, LOOKED_AT, now_ms);

        if (a == RATE_MAY || (a == RATE_ALL && is_known(g, from)))
                return true;
        (void)rates_take(g->rates, from, LOOKED_AT, now_ms); /* it goes on: nothing is kept for it */
        count(g, from, a, true);
        return false;
}

bool tls_gate_hello(struct tls_gate *g, const struct addr *from, bool known)
{
        uint64_t now_ms = tls_gate_clock_ms(g->loop);
        enum rate_answer a = rates_take(g->rates, from, known || is_known(g, from) ? KNOWN : NEW, now_ms);

        if (a == RATE_MAY)
                return true;
        (void)rates_take(g->rates, from, LOOKED_AT, now_ms);
        count(g, from, a, false);
        return false;
}
