/* SPDX-License-Identifier: BSD-3-Clause
 * State machines are tables: what is not declared is refused and logged. */
#pragma once

#include "common/base/span.h"

#define FSM_BIT(x) (1u << (x))

struct fsm_state {
        const char *name;
        uint32_t events;   /* FSM_BIT of each event allowed in this state */
        uint32_t next;     /* FSM_BIT of each state that may follow */
        const char *timer; /* specification name of the timer that runs here; NULL: stable or terminal */
        const char *clause;
};

struct fsm {
        const char *name;
        const struct fsm_state *states;
        size_t n_states;
        const char *const *event_names;
        size_t n_events;
};

/* True when event may happen in state; otherwise false after a log line. */
bool fsm_allowed(const struct fsm *fsm, unsigned state, unsigned event);

/* Moves *state. -IMS_EPROTO, logged, when the table does not allow it; *state is then unchanged. */
int fsm_move(const struct fsm *fsm, unsigned *state, unsigned next) IMS_CHECK;

/* Walks a table: every state reachable from 0, named, with at least one event or none left to follow.
 * 0, or -IMS_EINVAL with the reason in err. For the generic unit test. */
int fsm_check(const struct fsm *fsm, struct span *out_reason);
