/* SPDX-License-Identifier: BSD-3-Clause
 * Source addresses: how many connections each holds, what it does wrong (told once, then counted), and those
 * that are not listened to for a while. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/stack_priv.h"

/* Source addresses may be forged, and are any number: the log is for some of them, memory for more. */
#define TOLD_MAX    256   /* sources at once of which a fault of one kind is told */
#define SOURCES_MAX 65536 /* remembered at once for what they do wrong */

/* Of what is told here: HANDSHAKE_RATE stands in the figures alone. */
static const char *const fault_texts[SIP_FAULT_COUNT] = {
        [SIP_FAULT_PARTIAL] = "connections closed: the rest of a message did not come",
        [SIP_FAULT_SILENT] = "connections closed: no message came",
        [SIP_FAULT_UNREAD] = "connections closed: what is sent is not read",
        [SIP_FAULT_CONNECTIONS] = "connections refused: it holds sip.max_connections_per_source already",
        [SIP_FAULT_REFUSED] = "requests refused with 503: a limit is reached",
        [SIP_FAULT_DROPPED] = "datagrams dropped: it goes on although it was refused",
        [SIP_FAULT_TLS] =
                "TLS connections failed: no handshake in time or in common, or a record was altered",
        [SIP_FAULT_HANDSHAKES] = "TLS connections refused: too many handshakes are under way",
        [SIP_FAULT_OUTSIDE] = "datagrams dropped or connections closed unread: its address may not send here",
};

/* Lives while it holds connections, waits for answers, has faults that are not told yet, or is muted. */
struct sip_source {
        struct hnode by_addr;
        struct sip_stack *stack;
        struct addr addr; /* addr_source */
        uint32_t n_conns;
        uint32_t n_handshakes;            /* of them, still in their first handshake */
        uint32_t n_open;                  /* requests without a final answer */
        uint64_t open_size;               /* octets that those hold */
        uint64_t faults[SIP_FAULT_COUNT]; /* not told yet */
        bool told[SIP_FAULT_COUNT];
        uint32_t n_refused; /* since refused_ms */
        uint64_t refused_ms;
        struct tmr quiet; /* runs from the first fault on */
        struct tmr mute;  /* runs while it is muted */
};

/* --- finding -------------------------------------------------------------------------------------- */

static bool eq_addr(const struct hnode *n, const void *key)
{
        return addr_ip_eq(&container_of(n, struct sip_source, by_addr)->addr, key);
}

static struct sip_source *find(const struct sip_stack *s, const struct addr *from)
{
        struct addr key = addr_source(from);
        struct hnode *n = htab_find(&s->sources, addr_hash(&key), eq_addr, &key);

        return n ? container_of(n, struct sip_source, by_addr) : NULL;
}

/* NULL when memory lacks. */
static struct sip_source *find_or_make(struct sip_stack *s, const struct addr *from)
{
        struct sip_source *src = find(s, from);

        if (src)
                return src;
        src = calloc(1, sizeof(*src));
        if (!src)
                return NULL;
        src->stack = s;
        src->addr = addr_source(from);
        if (htab_insert(&s->sources, &src->by_addr, addr_hash(&src->addr)) != 0) {
                free(src);
                return NULL;
        }
        return src;
}

static void drop_if_idle(struct sip_source *src)
{
        if (src->n_conns || src->n_open || tmr_running(&src->quiet) || tmr_running(&src->mute))
                return;
        htab_remove(&src->stack->sources, &src->by_addr);
        free(src);
}

/* --- faults --------------------------------------------------------------------------------------- */

/* As many as may be told of this kind are told. */
static bool is_full(struct sip_stack *s, enum sip_fault what)
{
        if (s->n_told[what] < TOLD_MAX)
                return false;
        if (!s->told_full[what])
                log_warn("%u addresses: %s; those of others are counted, not told", s->n_told[what],
                         fault_texts[what]);
        s->told_full[what] = true;
        return true;
}

/* Whether anything is to be remembered of the address: what it did may be told, or it may be muted for it. */
static bool is_kept(struct sip_stack *s, const struct addr *from, enum sip_fault what)
{
        return find(s, from) ||
               (s->sources.n < SOURCES_MAX && (what == SIP_FAULT_REFUSED || !is_full(s, what)));
}

static void tell(struct sip_source *src, enum sip_fault what)
{
        src->told[what] = true;
        src->stack->n_told[what]++;
}

/* It may be told again. */
static void untell(struct sip_source *src, enum sip_fault what)
{
        struct sip_stack *s = src->stack;

        if (src->told[what] && --s->n_told[what] == 0)
                s->told_full[what] = false;
        src->told[what] = false;
}

/* What was only counted. True when there was something. */
static bool tell_rest(struct sip_source *src)
{
        char text[ADDR_STR];
        bool any = false;

        for (int i = 0; i < SIP_FAULT_COUNT; i++) {
                if (src->faults[i])
                        log_warn("%s: %llu more %s", addr_source_str(&src->addr, text),
                                 (unsigned long long)src->faults[i], fault_texts[i]);
                any = any || src->faults[i];
                src->faults[i] = 0;
        }
        return any;
}

static void on_quiet(struct tmr *t, void *arg)
{
        struct sip_source *src = arg;

        if (tell_rest(src) &&
            tmr_start(src->stack->loop, t, sip_timer_ms(IMS_TIMER_SIP_SOURCE_QUIET), on_quiet, src) == 0)
                return;
        for (int i = 0; i < SIP_FAULT_COUNT; i++)
                untell(src, (enum sip_fault)i);
        drop_if_idle(src);
}

static bool fault(struct sip_source *src, enum sip_fault what)
{
        struct sip_stack *s = src->stack;
        bool told = !src->told[what] && !is_full(s, what);
        char text[ADDR_STR];

        if (src->told[what])
                src->faults[what]++;
        if (told) {
                tell(src, what);
                log_warn("%s: %s; more of this is counted, not told", addr_source_str(&src->addr, text),
                         fault_texts[what]);
        }
        if (!tmr_running(&src->quiet) &&
            tmr_start(s->loop, &src->quiet, sip_timer_ms(IMS_TIMER_SIP_SOURCE_QUIET), on_quiet, src) != 0)
                untell(src, what);
        return told;
}

bool sip_stack_fault(struct sip_stack *s, const struct addr *from, enum sip_fault what)
{
        struct sip_source *src = NULL;
        bool told;

        s->stats.faults[what]++;
        if (is_kept(s, from, what))
                src = find_or_make(s, from);
        if (!src)
                return false;
        told = fault(src, what);
        drop_if_idle(src);
        return told;
}

/* --- connections ---------------------------------------------------------------------------------- */

struct sip_source *sip_source_connected(struct sip_stack *s, const struct addr *from)
{
        struct sip_source *src = find_or_make(s, from);

        if (!src)
                return NULL;
        if (src->n_conns >= s->conf.max_conns_per_source && !sip_is_core(s, from)) {
                (void)sip_stack_fault(s, from, SIP_FAULT_CONNECTIONS);
                return NULL;
        }
        src->n_conns++;
        return src;
}

void sip_source_disconnected(struct sip_source *src)
{
        if (!src)
                return;
        src->n_conns--;
        drop_if_idle(src);
}

bool sip_source_handshake(struct sip_source *src, const struct addr *from)
{
        struct sip_stack *s = src->stack;

        if (!sip_is_core(s, from) && (src->n_handshakes >= s->conf.max_handshakes_per_source ||
                                      s->n_handshakes >= s->conf.max_handshakes)) {
                (void)sip_stack_fault(s, from, SIP_FAULT_HANDSHAKES);
                return false;
        }
        src->n_handshakes++;
        s->n_handshakes++;
        return true;
}

void sip_source_handshake_over(struct sip_source *src)
{
        src->n_handshakes--;
        src->stack->n_handshakes--;
}

/* --- requests without an answer -------------------------------------------------------------------- */

bool sip_source_may_ask(struct sip_stack *s, const struct addr *from)
{
        const struct sip_source *src = find(s, from);

        if (!src ||
            (src->n_open < s->conf.max_open_per_source && src->open_size < s->conf.open_size_per_source) ||
            sip_is_core(s, from)) /* also one in the /64 of others */
                return true;
        (void)sip_stack_fault(s, from, SIP_FAULT_REFUSED);
        return false;
}

struct sip_source *sip_source_asks(struct sip_stack *s, const struct addr *from, size_t octets)
{
        struct sip_source *src = NULL;

        if (!sip_is_core(s, from) && (s->sources.n < SOURCES_MAX || find(s, from)))
                src = find_or_make(s, from);
        if (!src)
                return NULL;
        src->n_open++;
        src->open_size += octets;
        return src;
}

void sip_source_answered(struct sip_source *src, size_t octets)
{
        if (!src)
                return;
        src->n_open--;
        src->open_size -= octets;
        drop_if_idle(src);
}

/* --- silence -------------------------------------------------------------------------------------- */

static void on_unmute(struct tmr *t, void *arg)
{
        struct sip_source *src = arg;

        (void)t;
        src->stack->n_muted--;
        drop_if_idle(src);
}

static void mute(struct sip_source *src, uint32_t ms)
{
        bool was = tmr_running(&src->mute);

        if (tmr_start(src->stack->loop, &src->mute, ms, on_unmute, src) == 0)
                src->stack->n_muted += !was;
}

bool sip_stack_refused(struct sip_stack *s, const struct addr *from, uint32_t max)
{
        uint32_t window_ms = sip_timer_ms(IMS_TIMER_SIP_REFUSALS);
        uint64_t now_ms = loop_now_ms(s->loop);
        bool tell = sip_stack_fault(s, from, SIP_FAULT_REFUSED);
        struct sip_source *src = sip_is_core(s, from) ? NULL : find(s, from);

        if (!src)
                return tell;
        if (now_ms - src->refused_ms >= window_ms) {
                src->refused_ms = now_ms;
                src->n_refused = 0;
        }
        if (++src->n_refused > max)
                mute(src, window_ms);
        return tell;
}

bool sip_source_is_muted(struct sip_stack *s, const struct addr *from)
{
        struct sip_source *src = s->n_muted ? find(s, from) : NULL;

        if (!src || !tmr_running(&src->mute) || sip_is_core(s, from))
                return false;
        s->stats.faults[SIP_FAULT_DROPPED]++;
        (void)fault(src, SIP_FAULT_DROPPED);
        return true;
}

/* --- end ------------------------------------------------------------------------------------------ */

static void end(struct hnode *n, void *arg)
{
        struct sip_source *src = container_of(n, struct sip_source, by_addr);

        (void)arg;
        (void)tell_rest(src);
        tmr_stop(src->stack->loop, &src->quiet);
        tmr_stop(src->stack->loop, &src->mute);
        src->n_conns = 0;
        drop_if_idle(src);
}

void sip_sources_end(struct sip_stack *s)
{
        htab_each(&s->sources, end, NULL);
        htab_free(&s->sources);
}
