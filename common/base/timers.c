/* SPDX-License-Identifier: BSD-3-Clause
 * The table of timers, from the list in the header. */
#include "common/base/timers.h"

const struct ims_timer_row ims_timer_rows[IMS_TIMER_COUNT] = {
#define X(name, def, min, max, clause) [IMS_TIMER_##name] = {#name, def, min, max, clause},
        IMS_TIMER_LIST(X)
#undef X
};
