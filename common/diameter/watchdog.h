/* SPDX-License-Identifier: BSD-3-Clause
 * The watchdog of RFC 3539 3.4.1 as a pure function: what happened goes in, what to do comes out.
 * One liberty: in REOPEN the three exchanges follow one another without waiting for Tw, as freeDiameter
 * does it, so that a peer that is back serves again after DIA_REOPEN and three round trips. */
#pragma once

#include <stdbool.h>

enum dia_wd_state { WD_ST_INITIAL, WD_ST_OKAY, WD_ST_SUSPECT, WD_ST_DOWN, WD_ST_REOPEN };

enum dia_wd_event { WD_EV_UP, WD_EV_DOWN, WD_EV_DWA, WD_EV_TRAFFIC, WD_EV_TIMER, WD_EV_PROBE };

enum dia_wd_action {
        WD_SET_TIMER = 1,
        WD_SEND_DWR = 2,
        WD_FAILOVER = 4,
        WD_FAILBACK = 8,
        WD_CLOSE = 16,
        WD_SET_SOON = 32, /* the timer, for DIA_REOPEN instead of Tw */
};

struct dia_wd {
        enum dia_wd_state state;
        bool pending; /* a DWR without DWA */
        int num_dwa;
};

/* The actions, as a set of enum dia_wd_action. WD_EV_PROBE asks for a DWR ahead of time. */
unsigned dia_wd_event(struct dia_wd *w, enum dia_wd_event ev);

/* The connection ended in good order (DPR): the next one need not prove itself. */
void dia_wd_reset(struct dia_wd *w);

const char *dia_wd_state_name(enum dia_wd_state state);
