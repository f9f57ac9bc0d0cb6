/* SPDX-License-Identifier: BSD-3-Clause
 * The Via of ours, and what a received Via gets and says: branch, received, rport. RFC 3261 18.1.1, 18.2.1
 * and 18.2.2, RFC 3581. Private to the stack. */
#pragma once

#include "common/sip/stack_priv.h"

#define SIP_COOKIE     "z9hG4bK"
#define SIP_BRANCH_MAX 48
#define SIP_VIA_MAX    400

/* A fresh branch; suffix (may be NULL) is put behind the random part. */
void sip_branch_new(const char *suffix, char out[static SIP_BRANCH_MAX]);

/* The sent-by of messages on this flow. host: conf.sent_by or the literal address (in brackets when IPv6);
 * *out_port: that of our listener of the flow's transport, 0 when it has none. At a protected port: the
 * literal address and the server port. */
void sip_via_sent_by(struct sip_stack *s, const struct sip_flow *flow, char host[static 256],
                     uint16_t *out_port);

/* One number for host (without brackets) and port of a Via. */
uint64_t sip_via_sent_by_hash(struct span host, uint16_t port);

/* Writes the value of our Via; UDP asks for rport (RFC 3581), but not at a protected port. Returns its
 * length; *out_sent_by: sip_via_sent_by_hash of it. */
size_t sip_via_write(struct sip_stack *s, const struct sip_flow *flow, const char *branch,
                     char out[static SIP_VIA_MAX], uint64_t *out_sent_by);

/* Puts received and rport into the top Via of a request from that address (replacing what the sender wrote
 * there). *m is then another message, to which the reference has moved. -IMS_ENOMEM. */
int sip_via_stamp(struct sip_msg **m, const struct addr *from) IMS_CHECK;

/* Where a response goes by its top Via when it cannot go back over the connection or by rport: received
 * or, failing that, a literal sent-by host, with the port of sent-by. -IMS_ENOTFOUND for a name. */
int sip_via_addr(const struct sip_via *v, struct addr *out) IMS_CHECK;
