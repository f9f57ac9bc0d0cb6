/* SPDX-License-Identifier: BSD-3-Clause
 * How a REGISTER procedure ends, with words for people. */
#pragma once

#include <stdbool.h>

/* name, success, text for people, hint */
#define REG_OUTCOMES(X)                                                                                      \
        X(none, false, "nothing has happened yet", "")                                                       \
        X(registered, true, "registered", "")                                                                \
        X(refreshed, true, "the registration was refreshed", "")                                             \
        X(deregistered, true, "de-registered", "")                                                           \
        X(refused, false, "the network refused",                                                             \
          "the verdict of the S-CSCF or I-CSCF says why: scripts/lab ladder")                                \
        X(no_answer, false, "no final answer came in time",                                                  \
          "is the P-CSCF running, and is its address right?")                                                \
        X(unreachable, false, "the P-CSCF cannot be reached",                                                \
          "is the P-CSCF running, and is its address right?")                                                \
        X(mac_mismatch, false, "the SIM refused the network: MAC in AUTN is wrong for its K and OPc",        \
          "K or OPc here and in the HSS differ; an OP given as OPc is the usual mistake")                    \
        X(amf_refused, false, "the SIM refused the network: AMF has the separation bit set",                 \
          "AMF of the HSS should have bit 0 clear for IMS (TS 33.102 Annex H)")                              \
        X(sqn_refused, false, "the SIM refused the SQN again after resynchronisation",                       \
          "the HSS does not follow AUTS, or sends old vectors")                                              \
        X(challenge_limit, false, "the network kept challenging good answers", "")                           \
        X(bad_challenge, false, "the challenge cannot be understood", "")                                    \
        X(password_refused, false, "the network refused the password",                                       \
          "does the HSS have this password for this IMPI? hss subscriber set IMPI --password")               \
        X(rspauth_wrong, false, "the network could not show that it knows the password: rspauth is wrong",   \
          "somebody between here and the S-CSCF answers in its place, or changes Authentication-Info")       \
        X(rspauth_missing, false, "the network did not show that it knows the password: no rspauth",         \
          "digest without need_rspauth goes on without")                                                     \
        X(algorithm_refused, false, "no challenge has an algorithm that is accepted here",                   \
          "compare --digest-algorithms with the subscriber's algorithm in the HSS")                          \
        X(digest_on_3gpp, false, "SIP Digest is not used on an access of 3GPP",                              \
          "IMS AKA, or another --access-network (TS 33.203 N.1)")                                            \
        X(bad_answer, false, "the 200 does not list our contact", "")                                        \
        X(security_missing, false, "the challenge carries no Security-Server: the network sets up no IPsec", \
          "is security.ipsec off at the P-CSCF? --ipsec offered goes on without")                            \
        X(security_unacceptable, false, "nothing in Security-Server is acceptable",                          \
          "compare --ipsec-suites and --ipsec-modes with security of the P-CSCF")                            \
        X(security_no_mode, false, "behind a NAT, and the P-CSCF names no IPsec mode",                       \
          "does the P-CSCF support UDP-enc-tun?")                                                            \
        X(security_disagreed, false, "the P-CSCF does not agree with Security-Client or Security-Verify",    \
          "its verdict names the parameter that differs: scripts/lab ladder")                                \
        X(security_demanded, false, "the network demands sec-agree",                                         \
          "--ipsec required, on a kernel with ESP")                                                          \
        X(insecure, false, "neither TLS nor IPsec, and nothing may leave without",                           \
          "--transport tls, --security tls or --ipsec required; or without --secure-only")                   \
        X(realm_foreign, false, "the realm of the challenge is not that of the P-CSCF's certificate",        \
          "a P-CSCF of another operator, or a certificate for another domain (TLS-FWD F)")                   \
        X(tls_failed, false, "no TLS with the P-CSCF",                                                       \
          "compare its certificate with --tls-ca and --tls-name; is --tls-port a port of TLS?")              \
        X(kernel_refused, false, "the kernel refused the security associations", "")                         \
        X(card_failed, false, "the SIM could not keep its SQN", "can the SQN file be written?")              \
        X(abandoned, false, "the scenario stayed silent", "")                                                \
        X(internal_error, false, "a fault of this program", "")

enum reg_outcome {
#define X(name, success, text, hint) REG_OUT_##name,
        REG_OUTCOMES(X)
#undef X
};

const char *reg_outcome_name(enum reg_outcome o);
const char *reg_outcome_text(enum reg_outcome o);
const char *reg_outcome_hint(enum reg_outcome o);
bool reg_outcome_ok(enum reg_outcome o);
