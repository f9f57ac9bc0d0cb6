/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest of one user: H(A1), the nonces that were given out, and the check of an answer. TS 33.203 N.2,
 * RFC 7616 3.4, RFC 8760; reuse of nonces by PKT-TR-SEC 6.1.2.2. The clock comes from the caller. */
#pragma once

#include "common/diameter/cx.h"
#include "common/net/loop.h"
#include "common/sip/digest_param.h"
#include "common/trace/verdict.h"

struct registrar;
struct shared;
struct user;

/* --- nonces -------------------------------------------------------------------------------------- */

#define DIGEST_NONCE_SIZE 25 /* base64 of 16 octets with a NUL */

struct digest_nonce {
        uint8_t random[16];
        uint64_t issued_ms;
        uint32_t nc;       /* the highest nonce count accepted (N.2.3) */
        uint16_t uses;     /* how often it was accepted */
        uint8_t algorithm; /* enum digest_algorithm of its challenge */
        bool live;         /* false: an empty place */
};

/* Makes it a fresh one. -IMS_ECRYPTO. */
int digest_nonce_new(struct digest_nonce *n, uint8_t algorithm, uint64_t now_ms) IMS_CHECK;
void digest_nonce_text(const struct digest_nonce *n, char out[static DIGEST_NONCE_SIZE]);
bool digest_nonce_is(const struct digest_nonce *n, struct span text);

/* Appends the value of WWW-Authenticate or Proxy-Authenticate with this nonce. opaque: empty: none. */
void digest_challenge_write(const struct digest_nonce *n, struct span realm, struct span opaque, bool stale,
                            struct buf *out);

/* What bounds the use of a nonce (configuration). */
struct digest_limits {
        uint64_t now_ms;
        uint32_t lifetime_ms, uses;
};
struct digest_limits digest_limits(const struct registrar *r);

/* REGISTER has one engine and all other requests another: nothing of one counts for the other (N.2.1.2 NOTE
 * 1a). Three nonces: one in use, its successor, and one of a second phone. */
#define DIGEST_NONCES 3

struct digest_engine {
        struct digest_nonce nonces[DIGEST_NONCES];
        uint16_t failures; /* wrong answers in a row */
};

/* The place for a further nonce: an empty or ended one, else the oldest. */
struct digest_nonce *digest_engine_place(struct digest_engine *e, const struct digest_limits *l);

/* Nonces of 407 (digest_proxy.c): the engine holds those that were answered rightly. */
struct digest_proxy {
        struct digest_engine answered;
        uint64_t since_ms; /* the first challenge */
        uint64_t floor;    /* a nonce of this order or less that has no place is void */
        uint16_t count;
        uint8_t secret[16]; /* whose seal the nonces carry */
};

/* -IMS_ENOMEM, -IMS_ECRYPTO. */
int digest_proxy_new(uint64_t now_ms, struct digest_proxy **out) IMS_CHECK;
/* Accepts NULL. */
void digest_proxy_free(struct digest_proxy *p);

/* A fresh nonce, which takes no place. -IMS_ECRYPTO. */
int digest_proxy_nonce(struct digest_proxy *p, uint8_t algorithm, uint64_t now_ms,
                       struct digest_nonce *out) IMS_CHECK;

/* True when it was given out here and was not answered rightly yet, as far as can be known. */
bool digest_proxy_open(const struct digest_proxy *p, struct span text, struct digest_nonce *out);

/* A right answer came: its place, from now on. */
struct digest_nonce *digest_proxy_keep(struct digest_proxy *p, const struct digest_nonce *n,
                                       const struct digest_limits *l);

/* --- H(A1) --------------------------------------------------------------------------------------- */

/* SIP Digest authentication vector (N.2.1.1 CM2). realm borrows from the message. Wipe after use. */
struct sd_av {
        struct span realm;
        enum digest_algorithm algorithm;
        uint8_t ha1[32];
};

/* Takes it out of an item of MAA or PPR; with a trust domain the realm lies in it (TRUST-003). -IMS_EPROTO
 * with *why (static), -IMS_EUNSUPPORTED when the item is of another scheme. */
int digest_av_read(const struct cx_auth_item *item, struct span trust_domain, struct sd_av *out,
                   const char **why) IMS_CHECK;

struct digest_key {
        struct shared *realm; /* NULL: there is no key here */
        uint64_t since_ms;
        uint8_t ha1[32];
        uint8_t algorithm; /* enum digest_algorithm */
        bool proved;       /* somebody answered rightly with it */
};

/* The H(A1) of before a password change, for a while (N.2.5). */
struct digest_old {
        struct tmr timer;
        struct registrar *reg;
        struct digest_user *owner;
        struct digest_key key;
};

struct digest_user {
        struct digest_key key; /* the latest */
        struct digest_old *old;
        struct digest_engine reg;
        struct digest_proxy *proxy; /* for requests other than REGISTER; NULL until one is challenged */
        uint64_t changed_ms;        /* the last change of H(A1) while there was one; 0: none */
        uint64_t told_ms;           /* when the HSS said last what H(A1) is */
        uint32_t pushes;            /* how often it did by PPR */
};

/* Keeps a vector, of MAA or pushed: the newest is tried first, one older stays for digest.old_ha1_lifetime;
 * of two older ones that goes which nobody has used yet (N.2.5). -IMS_ENOMEM. */
int digest_learn(struct registrar *r, struct user *u, const struct sd_av *v) IMS_CHECK;

/* The same of the one vector of a MAA. An error with *why. */
int digest_take(struct registrar *r, struct user *u, const struct cx_maa *a, const char **why) IMS_CHECK;

/* Forgets every H(A1), the nonces stay. d may be NULL. */
void digest_forget(struct digest_user *d);

/* Forgets the nonces, too: what anybody could answer with before is of no use any more. d may be NULL. */
void digest_end(struct digest_user *d);

/* The newest H(A1) fits: older ones go. */
void digest_prove(struct digest_user *d, struct digest_key *key);

/* Wipes and frees. Accepts NULL. */
void digest_user_free(struct digest_user *d);

static inline bool digest_has_key(const struct digest_user *d)
{
        return d && d->key.realm;
}

/* --- answers ------------------------------------------------------------------------------------- */

enum digest_result {
        DIGEST_NO_ANSWER, /* no response in it */
        DIGEST_MALFORMED,
        DIGEST_WRONG,    /* the digest is wrong, whatever the nonce */
        DIGEST_STALE,    /* right, over a nonce that is not or no longer valid (N.2.3) */
        DIGEST_REPLAYED, /* right, with a nonce count that was there before */
        DIGEST_RIGHT,
};

struct digest_question {
        struct span method;
        const struct sip_digest_credentials *a;
        struct span opaque; /* what our challenges carry; empty: none */
        struct digest_limits limits;
        struct digest_engine *engine;
        struct digest_nonce *pending; /* of a challenge that is not in the engine yet, or NULL */
};

struct digest_finding {
        enum digest_result result;
        enum verdict_cause cause;   /* unless DIGEST_NO_ANSWER and DIGEST_RIGHT */
        const char *why;            /* ... static */
        struct digest_nonce *nonce; /* the answer is over this one; NULL: over none of ours */
        struct digest_key *key;     /* the H(A1) that fits, or NULL */
        uint32_t nc;
};

/* Checks an answer in constant time; changes nothing. d has a key. */
struct digest_finding digest_check(struct digest_user *d, const struct digest_question *q);

/* The response over these credentials with this key and method (empty: rspauth), in hex. */
int digest_key_response(const struct digest_key *key, struct span method,
                        const struct sip_digest_credentials *a, char out[static DIGEST_HEX_MAX]) IMS_CHECK;

/* How a wrong answer might have come about with the right password: it is computed anew with the usual
 * mistakes. NULL when none fits. Static text. */
const char *digest_mistake(const struct digest_user *d, const struct digest_question *q, struct span ruri);
