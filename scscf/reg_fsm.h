/* SPDX-License-Identifier: BSD-3-Clause
 * The states of one IMPI at the registrar. "Registered" means that it has a binding; a registered user keeps
 * that whatever becomes of an authentication (TS 33.203 6.1.1). */
#pragma once

#include "common/base/fsm.h"

enum reg_state {
        REG_ST_NOT_REGISTERED,
        REG_ST_FETCHING,   /* MAR outstanding */
        REG_ST_CHALLENGED, /* 401 sent */
        REG_ST_ASSIGNING,  /* SAR outstanding */
        REG_ST_REGISTERED,
        REG_ST_REFETCHING,
        REG_ST_RECHALLENGED,
        REG_ST_REASSIGNING,
        REG_STATES
};

enum reg_event {
        REG_EV_REGISTER, /* without an answer to the pending challenge */
        REG_EV_VECTORS,  /* MAA */
        REG_EV_ANSWER,   /* response, failure report or AUTS */
        REG_EV_TIMEOUT,  /* reg-await-auth */
        REG_EV_ASSIGNED, /* SAA */
        REG_EV_EXPIRED,  /* the last binding ended */
        REG_EV_NETWORK,  /* RTR */
        REG_EVENTS
};

extern const struct fsm reg_fsm;

/* The state beside this one when the IMPI gains or loses its last binding. */
unsigned reg_state_with(unsigned state, bool registered);
