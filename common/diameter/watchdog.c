/* SPDX-License-Identifier: BSD-3-Clause
 * The watchdog of RFC 3539 3.4.1. */
#include "common/diameter/watchdog.h"

const char *dia_wd_state_name(enum dia_wd_state state)
{
        static const char *const names[] = {"INITIAL", "OKAY", "SUSPECT", "DOWN", "REOPEN"};

        return names[state];
}

void dia_wd_reset(struct dia_wd *w)
{
        *w = (struct dia_wd){WD_ST_INITIAL, false, 0};
}

static unsigned on_up(struct dia_wd *w)
{
        if (w->state == WD_ST_DOWN) {
                *w = (struct dia_wd){WD_ST_REOPEN, false, 0};
                return WD_SET_SOON;
        }
        *w = (struct dia_wd){WD_ST_OKAY, false, 0};
        return WD_SET_TIMER;
}

static unsigned on_dwa(struct dia_wd *w)
{
        w->pending = false;
        switch (w->state) {
        case WD_ST_SUSPECT:
                w->state = WD_ST_OKAY;
                return WD_FAILBACK | WD_SET_TIMER;
        case WD_ST_REOPEN:
                w->num_dwa++;
                if (w->num_dwa >= 3) {
                        w->state = WD_ST_OKAY;
                        return WD_FAILBACK | WD_SET_TIMER;
                }
                w->pending = true;
                return WD_SEND_DWR | WD_SET_TIMER;
        case WD_ST_OKAY:
                return WD_SET_TIMER;
        default:
                return 0;
        }
}

static unsigned on_traffic(struct dia_wd *w)
{
        if (w->state == WD_ST_SUSPECT) {
                w->state = WD_ST_OKAY;
                return WD_FAILBACK | WD_SET_TIMER;
        }
        return w->state == WD_ST_OKAY ? WD_SET_TIMER : 0;
}

static unsigned on_timer(struct dia_wd *w)
{
        switch (w->state) {
        case WD_ST_OKAY:
                if (w->pending) {
                        w->state = WD_ST_SUSPECT;
                        return WD_FAILOVER | WD_SET_TIMER;
                }
                w->pending = true;
                return WD_SEND_DWR | WD_SET_TIMER;
        case WD_ST_SUSPECT:
                w->state = WD_ST_DOWN;
                return WD_CLOSE;
        case WD_ST_REOPEN:
                if (!w->pending) {
                        w->pending = true;
                        return WD_SEND_DWR | WD_SET_TIMER;
                }
                if (w->num_dwa < 0) {
                        w->state = WD_ST_DOWN;
                        return WD_CLOSE;
                }
                w->num_dwa = -1;
                return WD_SET_TIMER;
        default:
                return 0;
        }
}

unsigned dia_wd_event(struct dia_wd *w, enum dia_wd_event ev)
{
        unsigned was = w->state;

        switch (ev) {
        case WD_EV_UP:
                return on_up(w);
        case WD_EV_DOWN:
                *w = (struct dia_wd){WD_ST_DOWN, false, 0};
                return was == WD_ST_OKAY ? WD_FAILOVER : 0;
        case WD_EV_DWA:
                return on_dwa(w);
        case WD_EV_TRAFFIC:
                return on_traffic(w);
        case WD_EV_TIMER:
                return on_timer(w);
        case WD_EV_PROBE:
                if (w->state != WD_ST_OKAY || w->pending)
                        return 0;
                w->pending = true;
                return WD_SEND_DWR | WD_SET_TIMER;
        }
        return 0;
}
