/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of common/ipsec: SAs and policies as XFRM messages. Pure: they write into a link and send nothing.
 */
#pragma once

#include <linux/types.h>
#include <linux/xfrm.h>

#include "common/ipsec/nl_link.h"
#include "common/ipsec/sa.h"

#define XFRM_PRIORITY_SA   1000          /* the lower number wins */
#define XFRM_REPLAY_WINDOW 64            /* packets; RFC 4303 3.4.3: the one to be preferred */
#define XFRM_HARD_LIMIT_S  4294967295ULL /* 2^32-1, TS 33.203 7.1 */

/* One SA and its policy as one end holds them. */
struct xfrm_row {
        const struct sa_params *p;
        enum sa_end end;
        enum sa_way way;
        uint16_t encap_port; /* UDP-enc-tun: the UDP port of this end */
};

void xfrm_put_sa(struct nl_link *l, const struct xfrm_row *r, const struct esp_keys *keys);
/* The ports of the encapsulation anew. The kernel takes only them and the limits out of this message, so it
 * needs no keys: others that nobody uses stand in their place. */
void xfrm_put_sa_ports(struct nl_link *l, const struct xfrm_row *r);
void xfrm_put_sa_get(struct nl_link *l, const struct xfrm_row *r);
void xfrm_put_sa_delete(struct nl_link *l, const struct xfrm_row *r);
void xfrm_put_sa_delete_id(struct nl_link *l, const struct xfrm_usersa_id *id);

void xfrm_put_policy(struct nl_link *l, const struct xfrm_row *r);
void xfrm_put_policy_delete(struct nl_link *l, const struct xfrm_row *r);
void xfrm_put_policy_delete_id(struct nl_link *l, const struct xfrm_userpolicy_id *id);

/* dir: XFRM_POLICY_IN or XFRM_POLICY_OUT. local: any-address for all of its family. */
void xfrm_put_guard(struct nl_link *l, const struct addr *local, uint8_t dir, uint32_t priority);
void xfrm_put_guard_delete(struct nl_link *l, const struct addr *local, uint8_t dir);

/* True when the keys are as long as the suite's algorithms want them. */
bool xfrm_keys_fit(struct sec_suite suite, const struct esp_keys *keys);

/* An address of the kernel with a port in network order. */
struct addr xfrm_addr(const xfrm_address_t *a, uint16_t family, uint16_t port);
