/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER procedure of a UE with IMS AKA, as a pure state machine: it takes answers and the time and
 * says what to send next (TS 24.229 5.1.1.2, 5.1.1.4, 5.1.1.5, 5.1.1.6; TS 33.203 6.1; RFC 3310). No sockets,
 * no timers: whoever drives it owns those. */
#pragma once

#include "common/auth/digest.h"
#include "common/base/fsm.h"
#include "common/sip/msg.h"
#include "ue/isim.h"
#include "ue/security.h"

enum reg_kind { REG_KIND_REGISTER, REG_KIND_REFRESH, REG_KIND_DEREGISTER };

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

/* Everything borrowed for the life of the registration. */
struct reg_conf {
        const struct credential *cred;
        struct isim *isim;
        const char *impu;           /* one of the set */
        const char *contact;        /* our URI: "sip:user@192.0.2.1:5060", or "*" (de-registration of all) */
        const char *instance;       /* +sip.instance, "<urn:...>" without quotes; NULL: none */
        const char *access_network; /* P-Access-Network-Info; NULL: none */
        struct security *security;  /* NULL: no sec-agree */
        const char *security_note;  /* why it is NULL, for people; may be NULL */
        bool contact_fixed;         /* contact stays as it is, also when there are SAs */
};

/* The challenge that was seen last. */
struct reg_challenge {
        bool seen;
        uint8_t rand[16], autn[16];
        char *nonce, *realm; /* owned */
        enum digest_algorithm algorithm;
        struct isim_answer card; /* session keys live here, in memory alone */
};

struct reg_result {
        enum reg_outcome outcome;
        int status;    /* of the last final answer, 0: none */
        char *reason;  /* its phrase; these strings are owned by the registration, NULL when absent */
        char *warning; /* its Warning field */
        char *retry_after;
        char *why;           /* what is wrong with the security agreement, in words */
        unsigned challenges; /* 401s of this procedure */
        unsigned mac_failures, sqn_failures;
        bool registered;      /* is the IMPU registered now, as far as the UE knows? */
        uint32_t expires_s;   /* granted */
        uint64_t until_ms;    /* monotonic time at which it runs out */
        char *service_route;  /* values joined by ", " */
        char *associated_uri; /* P-Associated-URI */
        char *path;
};

enum reg_state {
        REG_ST_IDLE,
        REG_ST_TRYING,
        REG_ST_ANSWERING,
        REG_ST_REPORTING,
        REG_ST_REGISTERED,
        REG_STATES
};
enum reg_event {
        REG_EV_START,
        REG_EV_CHALLENGE,
        REG_EV_ACCEPTED,
        REG_EV_TOO_BRIEF,
        REG_EV_REFUSED,
        REG_EV_NO_ANSWER,
        REG_EVENTS
};

extern const struct fsm reg_fsm;

struct registration;

int reg_new(const struct reg_conf *conf, struct registration **out) IMS_CHECK;
void reg_free(struct registration *r);

/* Another IMPU of the set from the next procedure on; borrowed as the one before. */
void reg_set_impu(struct registration *r, const char *impu);

/* Another contact, as conf.contact; the address of the phone changed. Nothing is registered there yet. */
void reg_set_contact(struct registration *r, const char *contact);

/* What to do next: send the request in out (a whole REGISTER without Via), or nothing more. */
enum reg_next { REG_NEXT_SEND, REG_NEXT_DONE };

/* Wishes for the procedures from now on. */
struct reg_wish {
        bool clear; /* the first REGISTER leaves unprotected, though there are SAs (TS 33.203 7.4.0) */
        bool once;  /* what is not answered, or collides, is not tried again */
};
void reg_wish(struct registration *r, const struct reg_wish *wish);

/* Starts a procedure; out gets its first REGISTER. expires_s: requested, ignored for a de-registration.
 * -IMS_EALREADY while another is under way; -IMS_ENOMEM; what opening protected ports says (result.why then
 * says more, and the outcome is kernel_refused). */
int reg_start(struct registration *r, enum reg_kind kind, uint32_t expires_s, struct buf *out) IMS_CHECK;

/* A final answer came. REG_NEXT_*, or -IMS_ENOMEM, -IMS_EPROTO (no procedure under way). */
int reg_answer(struct registration *r, const struct sip_msg *resp, uint64_t now_ms,
               struct buf *out) IMS_CHECK;

/* The request got no answer: err as in sip_response_fn; -IMS_ECANCELED: the scenario sends no more. With
 * sec-agree an unanswered SM7 starts the procedure again, on the SAs of before when there are some
 * (TS 33.203 7.3.1.4), and an unanswered protected SM1 starts it again unprotected (7.4.0): REG_NEXT_SEND. */
int reg_no_answer(struct registration *r, int err, struct buf *out) IMS_CHECK;

const struct reg_conf *reg_conf(const struct registration *r);
const struct reg_result *reg_result(const struct registration *r);
const struct reg_challenge *reg_challenge(const struct registration *r);
enum reg_state reg_state(const struct registration *r);
enum reg_kind reg_kind(const struct registration *r);
const char *reg_contact(const struct registration *r); /* as registered last, or as it would be */
const char *reg_call_id(const struct registration *r);
uint32_t reg_cseq(const struct registration *r);

/* How long the network asked to wait (RFC 3261 20.33), at most an hour; false when it did not. */
bool reg_retry_after(const struct reg_result *res, uint32_t *out_s);

/* When to refresh: 600 s before the expiry if more than 1200 s were granted, else after half of them
 * (TS 24.229 5.1.1.4.1). */
uint32_t reg_refresh_after_s(uint32_t expires_s);
