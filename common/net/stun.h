/* SPDX-License-Identifier: BSD-3-Clause
 * STUN Binding requests and answers: the keep-alives of a UE over UDP, and what a SIP edge proxy says to
 * them, the address and port they are seen at. RFC 5626 4.4.2 and 8, RFC 8489. No authentication, no memory.
 */
#pragma once

#include "common/net/addr.h"

#define STUN_ANSWER_MAX 44

/* True for a datagram that is STUN and not SIP: two bits that are 0, and the magic cookie (RFC 8489 5). */
bool stun_is(struct span d);

/* The answer to what came from there: a success with XOR-MAPPED-ADDRESS, or 420 for attributes that must be
 * understood and are not (the first four are named). Returns its octets; 0: no Binding request, or not well
 * formed: nothing is answered. Never longer than twice the request. */
size_t stun_answer(struct span request, const struct addr *from, uint8_t out[static STUN_ANSWER_MAX]);

#define STUN_ID      12
#define STUN_REQUEST 20

/* A Binding request with that transaction (RFC 8489 6.1), and whether a message is the answer to it, be it an
 * error: whoever answers is there (RFC 5626 4.4.2). */
void stun_request(const uint8_t id[static STUN_ID], uint8_t out[static STUN_REQUEST]);
bool stun_answers(struct span d, const uint8_t id[static STUN_ID]);
