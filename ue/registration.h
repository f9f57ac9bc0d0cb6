/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER procedure of a UE with IMS AKA or SIP Digest, as a pure state machine: it takes answers and
 * the time and says what to send next (TS 24.229 5.1.1.2, 5.1.1.4, 5.1.1.5, 5.1.1.6; TS 33.203 6.1, N.2; RFC
 * 3310, RFC 7616). No sockets, no timers: whoever drives it owns those. */
#pragma once

#include "common/base/fsm.h"
#include "common/sip/msg.h"
#include "ue/digest_client.h"
#include "ue/isim.h"
#include "ue/reg_outcome.h"
#include "ue/security.h"
#include "ue/tls_guard.h"

enum reg_kind { REG_KIND_REGISTER, REG_KIND_REFRESH, REG_KIND_DEREGISTER };

/* How the UE authenticates itself (TS 33.203 N.1). */
enum reg_scheme {
        REG_SCHEME_AKA,
        REG_SCHEME_DIGEST, /* not on an access of 3GPP; never with IPsec */
        REG_SCHEME_ANY /* AKA where security agreement shows that both sides can, else Digest; on an access
                        * of 3GPP AKA alone */
};

/* "aka", "digest", "any". -IMS_EPARSE for another word. */
int reg_scheme_parse(struct span word, enum reg_scheme *out) IMS_CHECK;
const char *reg_scheme_name(enum reg_scheme s);

/* What the owner says of TLS, for reports; NULL or "" where there is nothing to say. */
struct reg_tls_said {
        const char *version, *cipher; /* of the connection there is */
        const char *certificate;      /* common name of the P-CSCF's */
        const char *why;              /* TLS failed */
        bool resumed;
};

/* Everything borrowed for the life of the registration. */
struct reg_conf {
        enum reg_scheme scheme;
        const struct credential *cred;        /* for AKA, or the one for everything */
        const struct credential *digest_cred; /* for Digest; NULL: cred */
        struct isim *isim;                    /* NULL: no AKA */
        struct digest_policy digest;
        bool omit_authorization;    /* the first REGISTER of Digest without Authorization (N.2.1.1 SM1) */
        unsigned reg_id;            /* outbound with this reg-id (RFC 5626 4.2), 0: without */
        const char *impu;           /* one of the set */
        const char *contact;        /* our URI: "sip:user@192.0.2.1:5060", or "*" (de-registration of all) */
        const char *instance;       /* +sip.instance, "<urn:...>" without quotes; NULL: none */
        const char *access_network; /* P-Access-Network-Info; NULL: none */
        struct security *security;  /* NULL: no sec-agree */
        bool secure_only; /* with TLS or IPsec or not at all; both are to be required then (O.1.1 NOTE 2) */
        struct tls_guard *tls; /* NULL: no TLS; with it SIP Digest alone (O.1.1) */
        /* Does the certificate of the P-CSCF correspond to the realm of a challenge (TLS-FWD F)? NULL: not
         * asked. */
        bool (*trusts_realm)(struct span realm, void *arg);
        void *trusts_arg;
        const struct reg_tls_said *tls_said; /* NULL: no TLS */
        const char *way_note;                /* the way through a firewall, for people; NULL: the usual one */
        const char *security_note;           /* why it is NULL, for people; may be NULL */
        bool contact_fixed;                  /* contact stays as it is, also when there are SAs */
};

/* The AKA challenge that was seen last. */
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
        enum digest_info auth_info; /* what Authentication-Info of the last 200 said */
        bool registered;            /* is the IMPU registered now, as far as the UE knows? */
        uint32_t expires_s;         /* granted */
        uint64_t until_ms;          /* monotonic time at which it runs out */
        char *service_route;        /* values joined by ", " */
        char *associated_uri;       /* P-Associated-URI */
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

/* True for a P-Access-Network-Info of an access technology of 3GPP (TS 24.229 7.2A.4). */
bool reg_access_is_3gpp(const char *access_network);

/* Forgets the Digest challenge kept for the next procedure. */
void reg_forget_challenge(struct registration *r);

/* Starts a procedure; out gets its first REGISTER. expires_s: requested, ignored for a de-registration.
 * -IMS_EALREADY while another is under way; -IMS_ENOMEM; -IMS_EPERM for Digest on an access of 3GPP; what
 * opening protected ports says (result.why then says more, and the outcome is kernel_refused). */
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
const struct digest_client *reg_digest(const struct registration *r);
enum reg_scheme reg_scheme(const struct registration *r);              /* in use: AKA or DIGEST */
const struct credential *reg_credential(const struct registration *r); /* in use */
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
