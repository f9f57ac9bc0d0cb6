/* SPDX-License-Identifier: BSD-3-Clause
 * How a UE agrees on security with its P-CSCF and what it does with the SAs: the offer, the choice, the SA
 * table and which SA which message uses (TS 33.203 7.1, 7.2, 7.4.1a, 7.5, Annex M; RFC 3329). No sockets and
 * no kernel: those are behind struct security_ops. */
#pragma once

#include "common/sip/msg.h"
#include "ue/ue_sa.h"

/* What the edge does. All ports are given as addresses with port. */
struct security_ops {
        /* Takes a protected port and guards it, counted: n calls need n of close_port. server_port: of a
         * client port, what Via names. -IMS_EADDRINUSE: somebody has it; another error: the kernel or the
         * stack refuses, why says how. */
        int (*open_port)(enum sip_port kind, const struct addr *local, uint16_t server_port, struct buf *why,
                         void *arg);
        void (*close_port)(const struct addr *local, void *arg);
        /* Installs the SAs of p, gives p->reqid. Errors of sa_install; why says what to do. */
        int (*install)(struct sa_params *p, const struct esp_keys *keys, struct buf *why, void *arg);
        /* Ends connections on these SAs and removes them; its two ports are closed too, once. */
        void (*discard)(const struct sa_params *p, void *arg);
        int (*random)(void *out, size_t n);
        /* security_next_ms changed. */
        void (*wake)(void *arg);
};

struct security_conf {
        const struct security_ops *ops;
        void *arg;
        struct sec_suite suites[SEC_SUITES_MAX]; /* in the order of the offer */
        size_t n_suites;
        unsigned modes;               /* bits 1 << enum sec_mode */
        bool required;                /* without SAs nothing but REGISTER and emergency leaves */
        uint32_t spi_min, spi_max;    /* 0: SECURITY_SPI_MIN, and the largest of all (TS 33.203 7.1 NOTE 3) */
        uint16_t port_min, port_max;  /* 0: SECURITY_PORT_MIN, SECURITY_PORT_MAX */
        uint32_t setup_ms, margin_ms; /* 0: UE_SA_SETUP, UE_SA_MARGIN */
};

#define SECURITY_SPI_MIN  1000000000u /* always ten digits, as the syntax of TS 33.203 Annex H has them */
#define SECURITY_PORT_MIN 20000
#define SECURITY_PORT_MAX 64999

struct security;

int security_new(const struct security_conf *conf, struct security **out) IMS_CHECK;
/* Discards every set and offer. Accepts NULL. */
void security_free(struct security *s);

/* The UE's own address and the P-CSCF's, ports ignored. Another address than before: all SAs are discarded,
 * the next REGISTER leaves unprotected (7.5). */
void security_set_address(struct security *s, const struct addr *local, const struct addr *pcscf);

/* --- a REGISTER procedure ------------------------------------------------------------------------- */

/* REGISTERs of a procedure, by their part in it. */
enum security_step {
        SECURITY_SM1,   /* the first: on the current SAs when there are some */
        SECURITY_SM7,   /* the answer to the challenge: on the new SAs */
        SECURITY_REPORT /* the card refused the challenge: on the current SAs, else in clear */
};

/* A procedure begins: what an unfinished one left is dropped, and SPIs and ports are chosen for the offer.
 * clear: SM1 leaves unprotected though there are SAs (7.4.0), as it does by itself once security_unanswered
 * was called. keep: the offer of before (a 423 is answered). Errors of open_port; why says more. */
int security_begin(struct security *s, bool clear, bool keep, struct buf *why) IMS_CHECK;

/* Turns sec-agree off until further notice (the network does not do it, and we do not insist), or on again.
 */
void security_suspend(struct security *s, bool off);
bool security_suspended(const struct security *s);

/* Names the REGISTER that is written next, so that its answer is known: its way is fixed now. A report takes
 * new SPIs and a new client port. */
int security_step(struct security *s, enum security_step step, struct span call_id, uint32_t cseq,
                  struct buf *why) IMS_CHECK;

/* The fields of that REGISTER: Require, Proxy-Require, Security-Client, Security-Verify. Nothing when
 * suspended. */
void security_write(const struct security *s, struct buf *out);

/* Where Contact and Via of that REGISTER, and of other requests, point: address with port_us, the public one
 * behind a NAT (M.7.2). False: in clear, nothing to say. */
bool security_contact(const struct security *s, struct addr *out);

enum security_result {
        SECURITY_OK,
        SECURITY_MISSING,      /* no Security-Server */
        SECURITY_UNACCEPTABLE, /* nothing in it that we can use (7.3.2.2) */
        SECURITY_NO_MODE,      /* a NAT, and no mode is named (M.7.2) */
        SECURITY_COLLISION,    /* an SPI or port is taken: another offer may work */
        SECURITY_REFUSED       /* by the kernel */
};

/* The challenge was accepted by the card: chooses from Security-Server (the highest q first), makes the keys
 * and the new SAs. why gets what is wrong otherwise; nothing is left behind then. */
enum security_result security_challenge(struct security *s, const struct sip_msg *resp,
                                        const struct key128 *ck, const struct key128 *ik, uint64_t now_ms,
                                        struct buf *why);

/* A 200 came: the new SAs become the current ones, or those there are live longer when nothing was challenged
 * and the offer is dropped. expires_s: of the answer. */
void security_accepted(struct security *s, uint32_t expires_s, uint64_t now_ms);

/* The procedure failed: the new SAs and the offer are dropped, the current SAs stay. */
void security_failed(struct security *s);

/* Nothing is registered any more (7.4.1a), or the phone ends. */
void security_end(struct security *s);

/* A protected request got no answer at all: the SAs count as dead at the P-CSCF until something comes on
 * them, and SM1 leaves unprotected (7.4.0). */
void security_unanswered(struct security *s);

/* Did the REGISTER under way leave on an SA? */
bool security_protected(const struct security *s);

/* May the phone go on without security when the network has none? Not when it is required, and not when there
 * are SAs (that would be bidding down). */
bool security_may_yield(const struct security *s);

/* --- messages ------------------------------------------------------------------------------------- */

enum security_way {
        SECURITY_USUAL,    /* current SAs; in clear when there are none and they are not required */
        SECURITY_REGISTER, /* as the step says */
        SECURITY_CLEAR,    /* unprotected, whatever there is */
        SECURITY_ON_OLD,   /* the set before the current one */
        SECURITY_ON_NEW,   /* the set that is not confirmed yet, else the current one */
};

/* 1: *out is the flow to take. 0: in clear. -IMS_EPERM: no IMS service before SM12 (7.4.1a), or SAs are
 * required and there are none. -IMS_ENOTFOUND: no set of that kind. For SECURITY_CLEAR and the sets, the step
 * under way is taken along when the message is its REGISTER, so that its answer is awaited there. */
int security_flow(struct security *s, enum security_way way, bool is_register, enum transport t,
                  struct sip_flow *out) IMS_CHECK;

/* An emergency request leaves in clear: what comes with its Call-ID is taken in clear (7.1). */
void security_emergency(struct security *s, struct span call_id);

/* Whether a message may be taken (7.1 ports 4, rule 7; 7.4.1a). kind: of the port it came to. false: *note
 * says why. A message that is taken on new SAs may end old ones. */
bool security_admit(struct security *s, enum sip_port kind, const struct sip_flow *flow,
                    const struct sip_msg *m, const char **note);

/* The way of answers to a request over UDP: from port_uc to port_ps of its set, of the current one when that
 * is gone. False: no set. */
bool security_answer_flow(struct security *s, const struct sip_flow *in, struct sip_flow *out);

/* A transaction begins or ends to use a flow. */
void security_use(struct security *s, const struct sip_flow *flow, int delta);

/* --- time and looks ------------------------------------------------------------------------------- */

/* When security_tick has something to do; 0: never. */
uint64_t security_next_ms(const struct security *s);
/* Discards sets whose lifetime is over. */
void security_tick(struct security *s, uint64_t now_ms);

struct ue_sa_table *security_table(struct security *s);

/* Security-Verify of requests on the current SAs, NULL when there are none. */
const char *security_verify(struct security *s);

/* True while IMS service has to wait for SM12. */
bool security_held(struct security *s);

/* Broken phones for tests. */
struct security_faults {
        bool keep_old;   /* old sets stay until their lifetime ends */
        bool no_install; /* keys and SAs are made, but never given to the kernel */
        bool wrong_ik;   /* IK is spoilt before keys are made of it */
        bool deaf;       /* everything that comes in is dropped */
        bool symmetric;  /* answers leave where the request came in */
        bool any_sa;     /* a message is taken whatever SA it came on */
};
struct security_faults *security_faults(struct security *s);
