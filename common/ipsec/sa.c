/* SPDX-License-Identifier: BSD-3-Clause
 * The security associations of one registration. TS 33.203 7.1. */
#include "common/ipsec/sa.h"

void sa_selector(const struct sa_params *p, enum sa_way w, struct addr *out_from, struct addr *out_to)
{
        const bool from_ue = sa_sender(w) == SA_END_UE;
        const bool client_of_ue = w == SA_UC_PS || w == SA_PS_UC;
        struct addr ue = p->ue, pcscf = p->pcscf;

        addr_set_port(&ue, client_of_ue ? p->ue_ends.port_c : p->ue_ends.port_s);
        addr_set_port(&pcscf, client_of_ue ? p->pcscf_ends.port_s : p->pcscf_ends.port_c);
        *out_from = from_ue ? ue : pcscf;
        *out_to = from_ue ? pcscf : ue;
}

const char *sa_way_name(enum sa_way w)
{
        static const char *const names[SA_WAYS] = {
                [SA_UC_PS] = "uc-ps",
                [SA_PS_UC] = "ps-uc",
                [SA_PC_US] = "pc-us",
                [SA_US_PC] = "us-pc",
        };

        return names[w];
}
