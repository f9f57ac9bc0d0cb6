/* SPDX-License-Identifier: BSD-3-Clause
 * The inside of a registration: what its schemes (reg_aka.c, reg_digest.c) share with registration.c. */
#pragma once

#include "ue/impus.h"
#include "ue/reg_message.h"

enum reg_auth {
        REG_AUTH_EMPTY, /* the first one: nonce and response empty (TS 24.229 5.1.1.2.2), or what is kept */
        REG_AUTH_RESPONSE,    /* RES (RFC 3310 3.3), or the password */
        REG_AUTH_MAC_FAILURE, /* response empty, no auts (TS 24.229 5.1.1.5.3) */
        REG_AUTH_RESYNC       /* auts, response of an empty password (RFC 3310 3.4) */
};

struct registration {
        struct reg_conf conf;
        unsigned state; /* enum reg_state */
        enum reg_kind kind;
        char call_id[17], from_tag[17];
        uint32_t cseq, requested_s;
        unsigned invalid_in_a_row, too_brief, restarts;
        struct reg_wish wish;
        struct impus impus;     /* registered ones */
        char *contact;          /* of the last request */
        bool tls_anew;          /* this procedure begins as an initial one, though something is registered */
        bool sm7_lost;          /* an SM7 of this procedure got no answer */
        enum reg_auth auth;     /* of the request under way */
        enum reg_scheme scheme; /* in use: AKA or DIGEST */
        const struct credential *cred; /* in use */
        struct reg_challenge challenge;
        char *opaque;    /* of it, or NULL */
        const char *qop; /* "auth", "auth-int" or NULL */
        struct digest_client digest;
        bool answered; /* a challenge of this procedure, by Digest */
        bool showed;   /* a REGISTER of this procedure carried an answer */
        struct reg_result result;
};

/* The procedure ends with this outcome; returns REG_NEXT_DONE. */
enum reg_next reg_done(struct registration *r, enum reg_outcome outcome);

/* The next REGISTER of the procedure: REG_NEXT_SEND, or an error (the procedure has ended then). */
int reg_send_next(struct registration *r, enum reg_auth auth, enum reg_state next, struct buf *out) IMS_CHECK;

/* The procedure once more, from its first REGISTER on; keep: with the same offer as before. */
int reg_send_first(struct registration *r, bool keep, struct buf *out) IMS_CHECK;

/* Is the procedure allowed to begin once more? Counts. */
bool reg_may_restart(struct registration *r);

/* Keeps a sentence for people, and frees it. */
void reg_keep_why(struct registration *r, struct buf *why);

/* Append the value of Authorization; uri: of the request. Nothing: without that field. */
int reg_aka_authorization(const struct registration *r, enum reg_auth auth, const char *uri,
                          struct buf *out) IMS_CHECK;
int reg_digest_authorization(struct registration *r, const char *uri, struct buf *out) IMS_CHECK;

/* A 401: REG_NEXT_*, or an error. */
int reg_aka_challenge(struct registration *r, const struct sip_msg *resp, uint64_t now_ms,
                      struct buf *out) IMS_CHECK;
int reg_digest_challenge(struct registration *r, const struct sip_msg *resp, struct buf *out) IMS_CHECK;

/* Which scheme a procedure begins with. -IMS_EPERM: none is allowed here; the outcome says why. */
int reg_choose_scheme(struct registration *r) IMS_CHECK;

/* With both schemes open: does a final response other than 2xx show that this network does no AKA with
 * security agreement (TS 33.203 N.1)? reg_digest_go_on then goes on with Digest: it answers the Digest
 * challenge in resp, or begins once more. */
bool reg_turn_to_digest(const struct registration *r, const struct sip_msg *resp);
int reg_digest_go_on(struct registration *r, const struct sip_msg *resp, struct buf *out) IMS_CHECK;

/* A challenge that is not answered, for what TLS says of it: true, with the outcome set. */
bool reg_tls_stops(struct registration *r, const struct sip_msg *resp);

/* A 2xx under Digest: is it of somebody who knows the password? False: the outcome says why not. */
bool reg_digest_accepts(struct registration *r, const struct sip_msg *resp);
