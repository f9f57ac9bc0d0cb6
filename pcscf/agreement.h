/* SPDX-License-Identifier: BSD-3-Clause
 * The security agreement of one registration under way: what the UE offered, what we offered back, and
 * whether the answer to the challenge repeats both. RFC 3329 2.3, TS 33.203 7.2, 7.3.2, M.7.2. No sockets, no
 * kernel. */
#pragma once

#include "common/ipsec/sa.h"
#include "common/sip/stack.h"
#include "common/trace/verdict.h"

struct agreement {
        struct buf client,
                server;       /* values of SM1 and SM6 joined by ", "; server empty before the challenge */
        struct sec_ends ends; /* of the UE */
        struct sec_suite suite;
        enum sec_mode mode;
        struct addr ue, pcscf; /* where SM1 came from and to; the ports do not count */
        struct sip_flow sm1;   /* how */
        uint32_t old_assoc;    /* SM1 was protected by a set of this UE; 0: it was not */
        uint32_t assoc, set;   /* what the challenge made; set 0: no challenge yet */
        uint64_t nonce;        /* of that challenge, hashed */
        bool tls;              /* "tls" was chosen: of the fields above only client and server count */
        bool challenged;       /* with tls: Security-Server went out */
};

/* What is wrong with an offer or its repetition, for refusal and verdict. */
struct agreement_fault {
        int status; /* 400, 421, 494 */
        enum verdict_cause cause;
        const char *clause;
        const char *reason; /* phrase, NULL: the usual one */
        char evidence[160];
};

/* What a refusal by 494 carries: the P-CSCF's suites without ends (RFC 3329 2.3.1). */
void agreement_security_server(const struct sec_policy *policy, struct buf *out);

/* Reads Security-Client of a REGISTER and chooses. mode: as the way of the message demands. 0: *out is owned
 * by the caller (its flow fields are empty). 1: refused, *fault says how. -IMS_ENOMEM. */
int agreement_new(const struct sip_msg *m, const struct sec_policy *policy, enum sec_mode mode,
                  struct agreement **out, struct agreement_fault *fault) IMS_CHECK;
void agreement_free(struct agreement *a); /* accepts NULL */

/* False when agreement_new would answer 494. */
bool agreement_acceptable(const struct sip_msg *m, const struct sec_policy *policy, enum sec_mode mode);

/* The same of a REGISTER that is to have TLS; server: the value of Security-Server that goes out. */
int agreement_new_tls(const struct sip_msg *m, const char *server, struct agreement **out,
                      struct agreement_fault *fault) IMS_CHECK;

/* The value of Security-Server for the challenge, kept for the comparison. ends: the P-CSCF's. -IMS_ENOMEM.
 */
int agreement_offer(struct agreement *a, const struct sec_policy *policy, const struct sec_ends *ends,
                    struct buf *out) IMS_CHECK;

/* The answer to the challenge repeats Security-Client and mirrors Security-Server. 0, 1 with *fault,
 * -IMS_ENOMEM. */
int agreement_check(const struct agreement *a, const struct sip_msg *m,
                    struct agreement_fault *fault) IMS_CHECK;
