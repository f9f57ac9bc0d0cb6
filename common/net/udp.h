/* SPDX-License-Identifier: BSD-3-Clause
 * A UDP socket on the loop. */
#pragma once

#include "common/net/addr.h"
#include "common/net/loop.h"

struct udp;

/* data: borrowed for the call. */
typedef void udp_recv_fn(struct udp *u, const struct addr *from, struct span data, void *arg);

/* Binds (port 0: any, see udp_local). -IMS_EADDRINUSE when somebody has the port, -IMS_EIO otherwise. */
int udp_open(struct loop *l, const struct addr *local, udp_recv_fn *fn, void *arg,
             struct udp **out) IMS_CHECK;

/* Sends at once; a full socket buffer queues (bounded) and a later failure is logged only, as with any
 * datagram. -IMS_ETOOBIG (message longer than a datagram), -IMS_ELIMIT (queue full), -IMS_EUNREACH. */
int udp_send(struct udp *u, const struct addr *to, struct span data) IMS_CHECK;

/* The network said that a datagram could not be delivered to that address (ICMP). octets: its start, as far
 * as the message quotes it. May run inside of udp_send. */
typedef void udp_refused_fn(struct udp *u, const struct addr *to, struct span octets, void *arg);

/* Asks to hear of it (Linux: IP_RECVERR); arg is that of udp_open. -IMS_EIO. */
int udp_on_refused(struct udp *u, udp_refused_fn *fn) IMS_CHECK;

/* ESP that arrives here in UDP goes to the kernel's IPsec, keep-alives of RFC 3948 to nobody (Linux:
 * UDP_ENCAP). -IMS_EUNSUPPORTED. */
int udp_take_esp(struct udp *u) IMS_CHECK;

const struct addr *udp_local(const struct udp *u);

/* No callback runs after this. The memory goes when libuv is done with the handle. Accepts NULL. */
void udp_close(struct udp *u);
