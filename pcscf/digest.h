/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest at the P-CSCF: where it is served. TS 33.203 Annexes N, O and P.3. */
#pragma once

#include "pcscf/assoc.h"
#include "pcscf/register_msg.h"
#include "pcscf/via_check.h"

struct pcscf;
struct pcscf_conf;
struct pending;
struct sip_flow;
struct sip_request;

/* True when a UE may use SIP Digest over this flow: never on a 3GPP access (N.1, O.1.1), elsewhere over TLS,
 * and without it where digest.without_tls says so (PKT-TR-SEC 5.3.2.5). */
bool digest_served(const struct pcscf *p, const struct sip_flow *flow);

/* Says what digest.without_tls: accept relies on (Q.3). */
void digest_warn(const struct pcscf_conf *c);

/* True when a REGISTER has to show whether an address translator stands between: it may be one of SIP Digest
 * without TLS, does not manage its flow, and that is only served without a translator (N.2.1.1). */
bool digest_compares_via(const struct pcscf *p, const struct sip_request *rq);

/* A REGISTER with the credentials of SIP Digest where that is not served, or not that way, is refused or
 * discarded; false then. Without an algorithm or an answer to a challenge the home network has to tell: see
 * digest_challenge. */
bool digest_register(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via);

/* The same of a challenge, before it goes to the UE. pe: may be NULL; removed when this is false. */
bool digest_challenge(struct pcscf *p, struct sip_request *rq, struct pending *pe, enum reg_scheme scheme);

/* --- digest_assoc.c ------------------------------------------------------------------------------- */

/* A 200 to a REGISTER of SIP Digest without TLS: the UE's entry of the IP address check table (N.2.1.1).
 * *out is left alone for other REGISTERs. pe: may be NULL. -IMS_ENOMEM. */
int digest_granted(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                   const struct pending *pe, struct assoc *out) IMS_CHECK;

/* The binding of that 200 is stored, or could not be: entries that the new one overwrites end with their
 * registrations; one without a binding goes. */
void digest_settled(struct pcscf *p, struct assoc a);

/* The UE that a request comes from, told by the table; NULL: nobody. exact: by an entry that has a port. */
struct ue_flow *digest_ue_of(const struct pcscf *p, const struct sip_flow *flow, bool exact);
