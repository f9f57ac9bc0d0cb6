/* SPDX-License-Identifier: BSD-3-Clause
 * How many TLS handshakes of others a listener serves, by rates: per source and in all. What is refused has
 * cost a small part of a handshake, or nothing but accepting it. PKT-TR-SEC 5.3.2.1.4.
 *
 * A handshake is judged when the client has said hello: then it is known whether it resumes a session, and
 * nothing was computed yet. Where so many are refused that looking at them costs, connections are closed as
 * they come. */
#pragma once

#include "common/net/rates.h"

struct tls_gate_conf {
        uint32_t per_source, all;             /* handshakes per second; 0: no limit */
        uint32_t known_s;                     /* as long an address is known; 0: one hour */
        const char *per_source_key, *all_key; /* of the configuration, for the log; borrowed */
};

struct tls_gate;

int tls_gate_new(struct loop *l, const struct tls_gate_conf *conf, struct tls_gate **out) IMS_CHECK;
void tls_gate_free(struct tls_gate *g); /* accepts NULL */

/* A connection was accepted. False: it is to be closed before anything is read; it is counted and told. */
bool tls_gate_accepts(struct tls_gate *g, const struct addr *from);

/* The client has said hello; known: with a session that tls_vouch was called for. False: the connection is to
 * be ended before its handshake; it is counted and told. Who authenticated before has rates of his own: with
 * that session at any address, and without one at an address that is known. */
bool tls_gate_hello(struct tls_gate *g, const struct addr *from, bool known);

/* Somebody at that address has authenticated. */
void tls_gate_vouch(struct tls_gate *g, const struct addr *at);

struct tls_gate_stats {
        uint64_t of_source, of_all; /* refused because of that limit */
        uint64_t unread;            /* of both: closed as they were accepted */
        size_t known;               /* addresses */
};
void tls_gate_stats(const struct tls_gate *g, struct tls_gate_stats *out);

/* Monotonic milliseconds; tests set another clock. */
extern uint64_t (*tls_gate_clock_ms)(const struct loop *l);
