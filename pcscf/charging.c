/* SPDX-License-Identifier: BSD-3-Clause
 * P-Charging-Vector. RFC 7315 4.6, TS 24.229 7.2A.5. */
#include <inttypes.h>

#include "pcscf/pcscf.h"

void charging_vector(struct pcscf *p, struct buf *out)
{
        buf_puts(out, "icid-value=\"");
        buf_puts(out, p->icid_prefix);
        buf_printf(out, "-%" PRIx64 "\";icid-generated-at=%s;orig-ioi=\"", ++p->last_icid, p->core_ip);
        if (p->conf->ioi) {
                buf_puts(out, p->conf->ioi);
        } else {
                buf_puts(out, "Type 1");
                buf_puts(out, p->conf->visited_network);
        }
        buf_char(out, '"');
}
