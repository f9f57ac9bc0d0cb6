/* SPDX-License-Identifier: BSD-3-Clause
 * The security associations of one authenticated registration: two pairs, named as TS 33.203 7.1 names them,
 * the same at both ends. */
#pragma once

#include "common/ipsec/esp_keys.h"
#include "common/net/addr.h"

#define SA_ENCAP_PORT 4500 /* UDP port of ESP, RFC 3948; at a UE always (TS 33.203 M.7.1) */

/* From whom to whom. */
enum sa_way {
        SA_UC_PS, /* UE client port to P-CSCF server port, spi_ps */
        SA_PS_UC, /* back, spi_uc */
        SA_PC_US, /* P-CSCF client port to UE server port, spi_us */
        SA_US_PC, /* back, spi_pc */
        SA_WAYS
};

enum sa_end { SA_END_UE, SA_END_PCSCF };

/* Plain data, without keys. */
struct sa_params {
        struct addr ue, pcscf; /* port 0; with a NAT, ue is its public address (TS 33.203 M.7.1) */
        struct addr ue_local;  /* at the UE, UDP-enc-tun: its own address, source of the outer header */
        struct sec_ends ue_ends, pcscf_ends;
        struct sec_suite suite;
        enum sec_mode mode; /* SEC_MODE_TRANS or SEC_MODE_UDP_ENC_TUN */
        uint16_t port_uenc; /* UDP-enc-tun: UDP port of the UE as the P-CSCF sees it; 0: not known yet */
        uint32_t reqid;     /* unique on this machine, chosen by sa_kernel_reqid */
};

static inline uint32_t sa_spi(const struct sa_params *p, enum sa_way w)
{
        return w == SA_UC_PS   ? p->pcscf_ends.spi_s
               : w == SA_PS_UC ? p->ue_ends.spi_c
               : w == SA_PC_US ? p->ue_ends.spi_s
                               : p->pcscf_ends.spi_c;
}

/* Who sends on it. */
static inline enum sa_end sa_sender(enum sa_way w)
{
        return w == SA_UC_PS || w == SA_US_PC ? SA_END_UE : SA_END_PCSCF;
}

/* Addresses with the ports that the selectors of this SA hold. */
void sa_selector(const struct sa_params *p, enum sa_way w, struct addr *out_from, struct addr *out_to);

const char *sa_way_name(enum sa_way w); /* "uc-ps" */
