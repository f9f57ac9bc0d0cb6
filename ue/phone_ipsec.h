/* SPDX-License-Identifier: BSD-3-Clause
 * The edge of a phone's security: its protected ports, its SAs in the kernel, NAT keep-alives and lifetimes.
 * What is sent where, and what is taken, security.h decides. */
#pragma once

#include "ue/sa_host.h"
#include "ue/security.h"

struct phone_ipsec_conf {
        struct sa_host *host; /* borrowed for the life of the phone */
        const struct sec_suite
                *suites; /* in order of the offer; n_suites 0: all that the kernel can, best first */
        size_t n_suites;
        unsigned modes; /* bits 1 << enum sec_mode; 0: what the kernel can */
        bool required;
        bool one_machine;       /* the P-CSCF may be on this machine (a kernel that is played) */
        uint32_t keep_alive_ms; /* 0: UE_KEEP_ALIVE */
        uint32_t spi_min, spi_max, setup_ms, margin_ms;
        uint16_t port_min, port_max; /* each 0: as in struct security_conf */
};

struct phone_ipsec;

/* What a phone at local can offer to pcscf: suites and modes that the kernel does not do are left out, when
 * they were not named one by one. -IMS_EUNSUPPORTED: nothing is left, why says what lacks. */
int phone_ipsec_new(struct loop *l, const struct phone_ipsec_conf *conf, const struct addr *local,
                    const struct addr *pcscf, struct phone_ipsec **out, struct buf *why) IMS_CHECK;

/* Removes everything from the kernel and closes all protected ports. Before the stack goes. Accepts NULL. */
void phone_ipsec_free(struct phone_ipsec *p);

/* The stack whose ports are opened: after phone_ipsec_new. */
void phone_ipsec_use_stack(struct phone_ipsec *p, struct sip_stack *s);

/* Another address with another stack, after phone_ipsec_leave. UDP-enc-tun needs port 4500 there too: errors
 * of sa_encap_open. */
int phone_ipsec_move(struct phone_ipsec *p, struct sip_stack *s, const struct addr *local,
                     const struct addr *pcscf) IMS_CHECK;

/* Every SA goes, every protected port is closed, now. Not from a callback of the stack. */
void phone_ipsec_leave(struct phone_ipsec *p);

struct security *phone_ipsec_security(struct phone_ipsec *p);

/* Handlers of the stack. */
bool phone_ipsec_admit(struct phone_ipsec *p, const struct sip_flow *flow, const struct sip_msg *m,
                       const char **note);
bool phone_ipsec_answer_flow(struct phone_ipsec *p, const struct sip_flow *in, struct sip_flow *out);

/* What the kernel counted on an SA of a set. -IMS_ENOTFOUND. */
int phone_ipsec_count(struct phone_ipsec *p, const struct ue_sa *set, enum sa_way w,
                      struct sa_counters *out) IMS_CHECK;
