/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table of a UE (TS 33.203 7.1 rules 5 to 7, M.7.1): sets of four SAs, one for each authenticated
 * registration, from their set-up to their end (7.4.1a). Plain data and its state table; no I/O. */
#pragma once

#include "common/base/fsm.h"
#include "common/ipsec/sa.h"
#include "common/sip/stack.h"

enum ue_sa_state {
        UE_SA_NEW,     /* made from a challenge, for the messages of that authentication alone */
        UE_SA_CURRENT, /* confirmed by a 200 that came on it */
        UE_SA_OLD,     /* another set is current; waits for pending transactions */
        UE_SA_GONE,
        UE_SA_STATES
};

enum ue_sa_event {
        UE_SA_EV_CONFIRMED, /* SM12 */
        UE_SA_EV_REPLACED,  /* SM12 of a later authentication */
        UE_SA_EV_FAILED,    /* the authentication failed, or another began */
        UE_SA_EV_HEARD,     /* a further message came on the set that replaced it, and nothing is pending */
        UE_SA_EV_EXPIRED,
        UE_SA_EV_ENDED, /* de-registered, another address, the end of the phone */
        UE_SA_EVENTS
};

extern const struct fsm ue_sa_fsm;

const char *ue_sa_state_name(enum ue_sa_state s); /* "new", "current", "old", "gone" */

/* Two pairs of SAs. */
struct ue_sa {
        unsigned id;    /* 1, 2, ...: tells the sets of one phone apart */
        unsigned state; /* enum ue_sa_state */
        struct sa_params p;
        uint64_t until_ms; /* lifetime, held here and not by the kernel (7.4.0) */
        unsigned pending;  /* transactions that use it */
        bool heard;        /* a further message came on it since it is current */
        char *verify;      /* the values of Security-Server it was made from, joined by ", "; owned */
};

#define UE_SA_SETS 8 /* one new, one current, old ones that wait */

struct ue_sa_table {
        struct ue_sa sets[UE_SA_SETS]; /* in the order they were made */
        size_t n;
        unsigned last_id;
};

/* The set of a state, the youngest first; NULL when there is none. */
struct ue_sa *ue_sa_in(struct ue_sa_table *t, enum ue_sa_state state);
struct ue_sa *ue_sa_by_id(struct ue_sa_table *t, unsigned id);

/* The set whose SA carries a message between these protected ports: (port_uc, port_ps) or (port_us, port_pc)
 * (7.1 rule 7). NULL: no SA is for them. */
struct ue_sa *ue_sa_of(struct ue_sa_table *t, const struct addr *local, const struct addr *remote);

/* Adds a set; moves p and verify (owned) into it. NULL when the table is full. */
struct ue_sa *ue_sa_add(struct ue_sa_table *t, const struct sa_params *p, char *verify, uint64_t until_ms);

/* Takes a set out, its memory with it. Pointers to other sets are no longer good. */
void ue_sa_drop(struct ue_sa_table *t, struct ue_sa *set);

/* Moves the set as the table says; false (logged) where it does not allow it. */
bool ue_sa_move(struct ue_sa *set, enum ue_sa_event event, enum ue_sa_state next);

/* True when an SPI, inbound or outbound, or a protected port of the UE is that of a set (7.1, rule 6). */
bool ue_sa_has_spi(const struct ue_sa_table *t, uint32_t spi);
bool ue_sa_has_port(const struct ue_sa_table *t, uint16_t port);

/* When the first lifetime ends; 0: never. */
uint64_t ue_sa_next_ms(const struct ue_sa_table *t);

/* The flow of a message that the UE sends on the set: from port_uc to port_ps. */
struct sip_flow ue_sa_flow(const struct ue_sa *set, enum transport t);
