/* SPDX-License-Identifier: BSD-3-Clause
 * Connections and datagrams without sockets, under the names of common/net/tcp.h and udp.h: a fuzz target
 * plays the network. What the code under test sends is kept and can be looked at. */
#pragma once

#include "common/base/buf.h"
#include "common/net/tcp.h"
#include "common/net/udp.h"

/* A peer connects to the first listener opened. NULL when none is open or nobody took the connection. */
struct tcp_conn *fake_net_connect(const struct addr *remote);
/* The same to the listener at that address. */
struct tcp_conn *fake_net_connect_to(const struct addr *local, const struct addr *remote);

/* The connection the code under test opened last and that is still up, or NULL. */
struct tcp_conn *fake_net_dialled(void);

/* A datagram for the first socket opened, or that at an address. */
void fake_net_datagram(const struct addr *from, struct span data);
void fake_net_datagram_to(const struct addr *local, const struct addr *from, struct span data);

/* Octets of the peer, in pieces of at most that size; true while the connection is up. */
bool fake_net_feed(struct tcp_conn *c, struct span data, size_t piece);

/* Connections opened by the code under test come up, those closed are reported and freed: what the loop
 * does at the end of a turn. */
void fake_net_turn(void);

/* What was sent since the last fake_net_forget, everything in one row. */
struct span fake_net_sent(void);
void fake_net_forget(void);

/* 127.0.0.1 with that port. */
struct addr fake_net_addr(uint16_t port);

/* Connections alive; 0 after everybody has let go and a turn. */
size_t fake_net_conns(void);
