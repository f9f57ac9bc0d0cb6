/* SPDX-License-Identifier: BSD-3-Clause
 * What the I-CSCF reads in a REGISTER to ask the HSS (TS 24.229 5.3.1.2, TS 29.228 6.1.1). */
#pragma once

#include "common/sip/msg.h"

struct reg_facts {
        struct buf impi, impu;
        struct buf visited_network; /* empty when the request does not say */
        bool deregister;            /* every contact goes */
        bool emergency;             /* a Contact has the URI parameter sos */
        bool impi_derived;          /* from the IMPU, where no credentials stood (TS 33.203 P.6) */
};

/* -IMS_EPARSE with a static text for the reason phrase in *why; -IMS_ENOMEM. Free out in every case. */
int reg_read(const struct sip_msg *m, struct reg_facts *out, const char **why) IMS_CHECK;
void reg_facts_free(struct reg_facts *f);
