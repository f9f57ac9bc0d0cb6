/* SPDX-License-Identifier: BSD-3-Clause
 * State table of an IMPI at the registrar: TS 24.229 5.4.1.2, TS 33.203 6.1.1 to 6.1.3. */
#include "scscf/reg_fsm.h"

static const char *const event_names[] = {
        [REG_EV_REGISTER] = "REGISTER", [REG_EV_VECTORS] = "VECTORS",   [REG_EV_ANSWER] = "ANSWER",
        [REG_EV_TIMEOUT] = "TIMEOUT",   [REG_EV_ASSIGNED] = "ASSIGNED", [REG_EV_EXPIRED] = "EXPIRED",
        [REG_EV_NETWORK] = "NETWORK",
};

unsigned reg_state_with(unsigned state, bool registered)
{
        unsigned base = state % REG_ST_REGISTERED;

        return registered ? base + REG_ST_REGISTERED : base;
}

#define EV(x) FSM_BIT(REG_EV_##x)
#define ST(x) FSM_BIT(REG_ST_##x)

static const struct fsm_state states[] = {
        [REG_ST_NOT_REGISTERED] = {"not registered", EV(REGISTER) | EV(NETWORK), ST(FETCHING) | ST(ASSIGNING),
                                   NULL, "TS 24.229 5.4.1.2.1"},
        [REG_ST_FETCHING] = {"fetching vectors", EV(VECTORS) | EV(NETWORK),
                             ST(CHALLENGED) | ST(ASSIGNING) | ST(NOT_REGISTERED), "CX_ANSWER",
                             "TS 33.203 6.1.1"},
        [REG_ST_CHALLENGED] = {"challenged", EV(REGISTER) | EV(ANSWER) | EV(TIMEOUT) | EV(NETWORK),
                               ST(FETCHING) | ST(CHALLENGED) | ST(ASSIGNING) | ST(NOT_REGISTERED),
                               "reg-await-auth", "TS 24.229 5.4.1.2.2"},
        [REG_ST_ASSIGNING] = {"assigning", EV(ASSIGNED) | EV(NETWORK),
                              ST(REGISTERED) | ST(NOT_REGISTERED) | ST(CHALLENGED), "CX_ANSWER",
                              "TS 33.203 6.1.1"},
        [REG_ST_REGISTERED] = {"registered", EV(REGISTER) | EV(EXPIRED) | EV(NETWORK),
                               ST(REFETCHING) | ST(RECHALLENGED) | ST(REASSIGNING) | ST(NOT_REGISTERED),
                               "registration expiry", "TS 24.229 5.4.1.2.2"},
        [REG_ST_REFETCHING] = {"registered, fetching vectors", EV(VECTORS) | EV(NETWORK),
                               ST(RECHALLENGED) | ST(REASSIGNING) | ST(REGISTERED) | ST(FETCHING),
                               "CX_ANSWER", "TS 33.203 6.1.1"},
        [REG_ST_RECHALLENGED] = {"registered, challenged",
                                 EV(REGISTER) | EV(ANSWER) | EV(TIMEOUT) | EV(EXPIRED) | EV(NETWORK),
                                 ST(REFETCHING) | ST(RECHALLENGED) | ST(REASSIGNING) | ST(REGISTERED) |
                                         ST(CHALLENGED) | ST(ASSIGNING) | ST(NOT_REGISTERED),
                                 "reg-await-auth", "TS 24.229 5.4.1.2.2"},
        [REG_ST_REASSIGNING] = {"registered, assigning", EV(ASSIGNED) | EV(NETWORK),
                                ST(REGISTERED) | ST(NOT_REGISTERED) | ST(RECHALLENGED) | ST(ASSIGNING),
                                "CX_ANSWER", "TS 33.203 6.1.1"},
};

const struct fsm reg_fsm = {
        .name = "registration",
        .states = states,
        .n_states = REG_STATES,
        .event_names = event_names,
        .n_events = REG_EVENTS,
};
