/* SPDX-License-Identifier: BSD-3-Clause
 * A verdict is data, one per procedure that ended. The log line, the ladder's last line, the JSON event
 * and the text towards the UE are made from this one record. */
#pragma once

#include "common/base/buf.h"

enum verdict_outcome { VERDICT_OK, VERDICT_REFUSED, VERDICT_FAILED };

enum verdict_procedure {
        VERDICT_REGISTRATION,
        VERDICT_REFRESH,
        VERDICT_DEREGISTRATION,
        VERDICT_EXPIRY,
        VERDICT_REQUEST, /* any other SIP request */
        VERDICT_CX_PEER,
        VERDICT_PUSH,     /* the HSS tells an S-CSCF */
        VERDICT_BOOTSTRAP /* a device fetches credentials */
};

/* cause, sentence for a student, hint (what to look at next) or "" */
#define VERDICT_CAUSES(X)                                                                                    \
        X(registered, "the UE proved who it is and the IMPU is registered", "")                              \
        X(refreshed, "the registration was refreshed", "")                                                   \
        X(deregistered, "the UE de-registered itself", "")                                                   \
        X(deregistered_by_hss, "the HSS ended the registration", "")                                         \
        X(expired, "the registration expired: no refresh came in time", "")                                  \
        X(restored, "the registration was lost in a restart of the S-CSCF and came back from the HSS", "")   \
        X(resynchronised, "the SIM asked for resynchronisation and the HSS followed its SQN", "")            \
        X(res_mismatch, "the answer of the UE (RES) is wrong",                                               \
          "compare K and OPc of the SIM with the HSS; an OP entered as OPc is the usual mistake")            \
        X(password_wrong, "the digest of the UE was made with another password",                             \
          "compare username, realm and password of the UE; hss subscriber set IMPI --password gives a new "  \
          "one")                                                                                             \
        X(realm_differs, "the digest is for another realm than the one of the challenge",                    \
          "the UE has a realm of its own configured? it is the home domain")                                 \
        X(algorithm_differs, "the digest was made with another algorithm than the challenge asks for",       \
          "the UE does not know the algorithm of the subscriber, or somebody between bids down")             \
        X(uri_differs, "the digest was made for another request than the one it came with",                  \
          "a UE that takes another uri than the Request-URI, or credentials of somebody else's request")     \
        X(nonce_stale, "the digest is right, its nonce is not valid any more: a new one was sent", "")       \
        X(nonce_count_replayed,                                                                              \
          "the digest is right and was here before (nonce count): a new nonce was sent",                     \
          "a repeated message, or a UE that does not count its nc")                                          \
        X(mac_mismatch, "the UE refused the network: MAC in AUTN is wrong for its SIM",                      \
          "K or OPc of the SIM and of the HSS differ")                                                       \
        X(tls_failed,                                                                                        \
          "the UE has no TLS with the P-CSCF: its certificate does not verify, or the handshake failed",     \
          "the evidence names the rule; docs/tls.md")                                                        \
        X(realm_foreign,                                                                                     \
          "the UE stopped: the realm of the challenge is not that of the P-CSCF's certificate", "")          \
        X(network_not_authenticated,                                                                         \
          "the UE refused the network: rspauth in Authentication-Info is wrong or missing",                  \
          "somebody answers in the place of the S-CSCF, or their H(A1) differ: hss subscriber set "          \
          "--password")                                                                                      \
        X(auts_forged, "AUTS does not verify (MAC-S): the SQN was not changed",                              \
          "K or OPc differ, or the AUTS belongs to another challenge")                                       \
        X(sqn_repeated, "the SIM asks for resynchronisation again and again",                                \
          "look at the SQN of the HSS and of the SIM")                                                       \
        X(challenge_superseded, "the answer belongs to an older challenge", "")                              \
        X(challenge_timeout, "the UE did not answer the challenge in time (reg-await-auth)",                 \
          "did the 401 reach the UE? capture on Gm")                                                         \
        X(no_pending_challenge, "a challenge response came, but no challenge is pending", "")                \
        X(not_integrity_protected, "the response came without integrity protection and policy wants it",     \
          "switch IPsec on, or set registration.unprotected_response to accept")                             \
        X(scheme_not_supported, "this authentication scheme is not served", "")                              \
        X(scheme_not_possible, "the HSS cannot serve this authentication scheme for the user", "")           \
        X(user_unknown, "the HSS does not know this identity", "hss subscriber list")                        \
        X(identities_dont_match, "IMPU and IMPI belong to different users", "hss subscriber show IMPI")      \
        X(roaming_not_allowed, "the visited network is not allowed for this user",                           \
          "hss subscriber set IMPI --visited NETWORK")                                                       \
        X(authorization_rejected, "the HSS rejects the registration: every IMPU of the set is barred", "")   \
        X(identity_not_registered, "the identity is not registered", "")                                     \
        X(already_registered_elsewhere, "another S-CSCF serves this user", "")                               \
        X(impu_barred, "the IMPU is barred", "hss subscriber show IMPI")                                     \
        X(hss_unreachable, "no HSS answers", "is the HSS running? look at the Cx peer verdicts")             \
        X(hss_timeout, "the HSS did not answer in time", "")                                                 \
        X(hss_error, "the HSS answered with an error", "")                                                   \
        X(scscf_unreachable, "no S-CSCF answers", "is the S-CSCF running, or at its limit?")                 \
        X(no_scscf_matches, "no configured S-CSCF has the capabilities the HSS asks for",                    \
          "compare scscf.pool of the I-CSCF with the capabilities of the subscriber")                        \
        X(icscf_unreachable, "the I-CSCF does not answer", "is the I-CSCF running?")                         \
        X(next_hop_unreachable, "the next hop does not answer", "")                                          \
        X(interval_too_brief, "the requested expiry is below the minimum", "")                               \
        X(too_many_contacts, "more contacts than allowed", "")                                               \
        X(out_of_order, "CSeq is not above that of the earlier registration", "")                            \
        X(malformed, "the message is malformed", "")                                                         \
        X(not_registered, "the sender is not registered: only REGISTER and emergency are served", "")        \
        X(identity_not_allowed, "the asserted identity does not belong to the sender", "")                   \
        X(extension_required, "the UE must support an extension", "")                                        \
        X(bad_extension, "an extension is required that is not supported here", "")                          \
        X(wrong_network, "the request is for another home network", "")                                      \
        X(security_unacceptable, "UE and P-CSCF have no security mechanism in common",                       \
          "compare Security-Client with security.algorithms and security.confidentiality of the P-CSCF")     \
        X(security_client_differs, "Security-Client of the protected REGISTER differs from the first one",   \
          "the UE changed its offer, or somebody between did")                                               \
        X(security_verify_differs, "Security-Verify is not what the P-CSCF sent in Security-Server",         \
          "somebody between bids down, or the phone rewrites the list")                                      \
        X(protected_port_taken, "the protected port of the UE is in use already (TS 33.203 7.1 rule 3)",     \
          "another phone at this address has it, or an earlier registration of this one still lives")        \
        X(too_many_sas, "six security associations per direction exist for this IMPI",                       \
          "several phones with one IMPI re-register at once? they may try again")                            \
        X(wrong_sa, "the message came over the wrong security association: it is discarded",                 \
          "pcscf status shows the associations; TS 33.203 7.4 says which message takes which")               \
        X(via_differs, "the address in Via is not the one the protected REGISTER came from",                 \
          "a translator that changes addresses inside of ESP, or a phone that uses another address")         \
        X(nat_not_supported, "the UE is behind an address translator and UDP-enc-tun is not possible",       \
          "does the phone offer mod=UDP-enc-tun? is security.nat on?")                                       \
        X(esp_integrity_failed, "ESP arrives and fails its integrity check: the keys differ",                \
          "IK differs: the SIM answered another challenge, or OPc is wrong; hss diagnose tells")             \
        X(esp_missing, "no ESP arrives after the challenge",                                                 \
          "the UE set up nothing, or a translator or firewall drops ESP; capture on Gm: ip proto 50")        \
        X(esp_port_differs, "ESP arrives and verifies, but not with the ports that were announced",          \
          "decrypt a capture (security.keylog): inner ports against Security-Client and Security-Server")    \
        X(ipsec_failed, "the kernel did not install the security associations", "the log has its error")     \
        X(untrusted_source, "the request did not come from a node of the trusted list",                      \
          "is the sender a CSCF? then add its address to `trusted`")                                         \
        X(outside_access, "what comes from an address outside the access networks is dropped unread",        \
          "a forged source address, or a network of UEs that access.ranges lacks")                           \
        X(digest_on_3gpp, "SIP Digest is not served on a 3GPP access",                                       \
          "is the UE's network of that type? access.type and access.ranges of the P-CSCF")                   \
        X(digest_without_tls, "SIP Digest without TLS is not enabled here",                                  \
          "let the UE use TLS, or set digest.without_tls to accept")                                         \
        X(outbound_required, "a UE of SIP Digest behind an address translator has to manage its flow",       \
          "let the UE use outbound (RFC 5626), or set digest.without_outbound to accept")                    \
        X(address_reassigned, "another user registered from this address: the earlier registration ends",    \
          "two UEs that share an address have to use outbound (RFC 5626)")                                   \
        X(tls_on_3gpp, "TLS is not offered on a 3GPP access",                                                \
          "is the UE's network of that type? access.type and access.ranges of the P-CSCF")                   \
        X(outside_tls, "the UE has a TLS connection, and the message came outside of it",                    \
          "TS 33.203 O.2.2 and O.2.3 say what may; pcscf status shows the connections")                      \
        X(connection_lost, "the TLS connection of the UE ended, and its registration with it",               \
          "the UE registers again over a new connection; a firewall that forgets? keep-alives")              \
        X(overload, "the node is at its limit", "")                                                          \
        X(storage_failed, "the HSS cannot store what it must before it answers",                             \
          "look at the disk of its database: room, mount, permissions; its log has the system's error")      \
        X(profile_unusable, "the user profile from the HSS cannot be used", "")                              \
        X(password_pushed, "the S-CSCF has the new password (H(A1))", "")                                    \
        X(push_not_needed, "the S-CSCF has nothing to change: it asks at the next challenge", "")            \
        X(push_refused, "the S-CSCF refuses what the HSS tells it", "look at the log of the S-CSCF")         \
        X(push_undelivered, "the S-CSCF was not told: it does not answer",                                   \
          "is it running? what the HSS stores holds at the next challenge")                                  \
        X(bootstrapped, "the device has fetched its credentials", "")                                        \
        X(device_certificate, "the certificate of the device does not validate",                             \
          "is it of an authority in bootstrap.device_ca? the evidence says what is wrong with it")           \
        X(device_unknown, "no credentials are there for this certificate", "hss device add")                 \
        X(device_blocked, "the certificate was seen misused", "hss device list; hss device unblock")         \
        X(device_served, "the device has fetched its credentials before",                                    \
          "did the answer get lost? hss device forget; if not, somebody has a copy of its key")              \
        X(device_other_certificate, "the device had another certificate before",                             \
          "was it renewed? hss device forget")                                                               \
        X(peer_up, "the Diameter peer is usable", "")                                                        \
        X(peer_lost, "the Diameter peer is lost", "")                                                        \
        X(peer_refused, "a Diameter peer is refused: its identity or its address is not configured",         \
          "is it one of ours? then it belongs in diameter.peers, and its address in from of its entry")      \
        X(forwarded, "the request was delivered", "")                                                        \
        X(internal_error, "a fault of this node", "please report it with the log")

enum verdict_cause {
#define X(name, text, hint) CAUSE_##name,
        VERDICT_CAUSES(X)
#undef X
                CAUSE_COUNT
};

struct verdict {
        enum verdict_procedure procedure;
        enum verdict_outcome outcome;
        enum verdict_cause cause;
        int status;           /* SIP status answered, 0 when none */
        const char *clause;   /* "TS 33.203 6.1.2.2" */
        const char *evidence; /* values that were compared, secrets excluded; may be NULL */
        const char *command;  /* what to run next (command.h), or NULL */
        struct span impi, impu, call_id;
};

const char *verdict_cause_name(enum verdict_cause c); /* "res_mismatch" */
const char *verdict_cause_text(enum verdict_cause c);
const char *verdict_cause_hint(enum verdict_cause c);
const char *verdict_procedure_name(enum verdict_procedure p); /* "registration" */
const char *verdict_outcome_name(enum verdict_outcome o);     /* "ok", "refused", "failed" */

/* One line for people: "registration refused: the answer of the UE (RES) is wrong [res_mismatch;
 * TS 33.203 6.1.2.1; 403; expected ..., got ...]; hint: ...; run: hss
 * diagnose ...". */
void verdict_line(const struct verdict *v, struct buf *out);

/* What may go to the UE (Warning text): cause sentence only, and only for harmless causes; else "". */
const char *verdict_public_text(enum verdict_cause c);
