/* SPDX-License-Identifier: BSD-3-Clause
 * Gm over TLS: agreed on by sec-agree or there from the start, who is who by the connection, and what is
 * taken outside of it. TS 33.203 Annex O, W.3. */
#pragma once

#include "pcscf/agreement.h"
#include "pcscf/assoc.h"
#include "pcscf/assoc_tls.h"
#include "pcscf/register_msg.h"
#include "pcscf/via_check.h"

struct pcscf;
struct pending;
struct secure_entry;
struct ue_flow;

/* For the stack; arg: struct pcscf. */
void tls_gm_flow_end(const struct sip_flow *flow, int reason, void *arg);
void tls_gm_session(const struct sip_flow *flow, const struct tls_info *info, void *arg);
bool tls_gm_answer_from(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                        void *arg);

/* False for a connection to a TLS listener from a 3GPP access, which is not offered TLS (O.1.1). */
bool tls_gm_hears(const struct pcscf *p, const struct addr *local, const struct addr *remote);

/* --- tls_register.c ------------------------------------------------------------------------------- */

/* True when this REGISTER in clear is to be given TLS: it offers that, and we prefer it to ipsec-3gpp or have
 * no suite of that in common (RFC 3329 2.3.1). secured: it came over security associations. */
bool tls_chosen(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                enum via_source via, bool secured);

/* A REGISTER in clear that gets TLS: out->agreement. False: it was answered. */
bool tls_take_offer(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                    struct secure_entry *out);

/* A REGISTER in clear, of a UE that has TLS: false when its variant does not take it (O.2.3), or it answers a
 * challenge whose answer has to come over TLS (O.2.2); it was answered then. */
bool tls_outside(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f);

/* A REGISTER over TLS: the IMPI of the connection (O.4.3), Security-Verify of an answer (O.2.2). False: it
 * was answered. */
bool tls_register(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                  struct secure_entry *out);

/* integrity-protected of a REGISTER over TLS: "tls-pending" with the answer to a challenge, "tls-yes" once
 * its IMPI belongs to the connection, NULL: none. */
const char *tls_integrity(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f);

/* The challenge of a REGISTER that gets TLS: writes Security-Server. */
void tls_challenge(struct pending *pe, struct sip_edit *e);

/* The value of Security-Server in a 494; empty when TLS is not offered to this UE by sec-agree. */
struct span tls_security_server(const struct pcscf *p, const struct sip_flow *flow);

/* A 200: links the connection (O.2.2). *out is left alone for a REGISTER that came without TLS. -IMS_ENOMEM,
 * -IMS_ECLOSED (the connection has ended), -IMS_EPERM (it is linked to another IMPI). */
int tls_granted(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                const struct pending *pe, struct assoc *out) IMS_CHECK;

/* The binding of that 200 is stored, or could not be. instance: of its contact. */
void tls_settled(struct pcscf *p, struct assoc a, struct span instance);

/* A final refusal of a REGISTER over TLS goes back. True: it tells of a wrong answer to a challenge; it was
 * relayed, and the connection and its session end behind it (O.3.1.1). */
bool tls_failed(struct pcscf *p, struct sip_request *rq, const struct sip_msg *resp, struct sip_edit *e);

/* The UE of a TLS connection; NULL: nobody yet. */
struct ue_flow *tls_ue_of(const struct pcscf *p, const struct sip_flow *flow);

/* What begins with another request than REGISTER on a connection of nobody: 403, and the end (O.4.2). */
void tls_refuse_stranger(struct pcscf *p, struct sip_request *rq);

/* True when a registered UE has TLS at this address: for the verdict of what comes outside of it. */
bool tls_is_at(const struct pcscf *p, const struct addr *ip);

/* "pcscf renegotiate IMPI": a HelloRequest on each connection of that IMPI (O.4.2). */
void tls_gm_renegotiate(struct pcscf *p, struct span impi, struct buf *answer);
