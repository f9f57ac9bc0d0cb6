/* SPDX-License-Identifier: BSD-3-Clause
 * How often something is let in: per source address and in all, by rates. PKT-TR-SEC 5.3.2.1.4. */
#pragma once

#include "common/base/htab.h"
#include "common/net/addr.h"
#include "common/net/loop.h"

/* A rate as a limit: one second's worth at once, then one in each interval. */
struct rate_pace {
        uint64_t until_us; /* what was let in is paid for until then */
};

/* True when one more is within rate_per_s; 0: there is no limit. */
bool rate_pace_take(struct rate_pace *p, uint32_t rate_per_s, uint64_t now_ms);

struct rates;

#define RATE_KINDS 3 /* kinds of one table have the same rates, each for itself */

struct rates_conf {
        uint32_t per_source, all; /* per second; 0: no limit */
        /* One in eight of the rate of all is for sources that have hardly used their own: some that use
         * theirs up do not keep others out, however many they are. */
        bool reserve;
};

enum rate_answer {
        RATE_MAY,
        RATE_SOURCE, /* the source has used its rate */
        RATE_ALL     /* all together have */
};

int rates_new(struct loop *l, const struct rates_conf *conf, struct rates **out) IMS_CHECK;
void rates_free(struct rates *r); /* accepts NULL */

/* One more of that kind from that address (of IPv6 its /64). now_ms: a clock that goes on, as loop_now_ms.
 * Without memory for a source only the rate of all counts. */
enum rate_answer rates_take(struct rates *r, const struct addr *from, unsigned kind, uint64_t now_ms);

/* What rates_take would say; nothing is taken. */
enum rate_answer rates_look(const struct rates *r, const struct addr *from, unsigned kind, uint64_t now_ms);

/* Sources remembered: those that have used some of their rate. */
size_t rates_sources(const struct rates *r);
