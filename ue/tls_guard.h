/* SPDX-License-Identifier: BSD-3-Clause
 * TLS between a UE and its P-CSCF as the UE decides about it: over which connection a REGISTER goes, what
 * Security-Server agrees to, what is taken outside of the connection, and when connection and session have to
 * go (TS 33.203 O.2.2, O.2.3, O.3, O.4.1, O.4.3; RFC 3329). No sockets and no TLS in here. */
#pragma once

#include "common/sip/msg.h"

enum tls_variant {
        TLS_VARIANT_NONE,
        TLS_VARIANT_FIRST, /* before the first REGISTER, without sec-agree (O.2.3) */
        TLS_VARIANT_AGREED /* by sec-agree, between SM6 and SM7 (O.2.2) */
};

/* Where the next REGISTER, or another request, goes. */
enum tls_way {
        TLS_WAY_CLEAR,
        TLS_WAY_NEW, /* over a new connection; what there is of an old one goes before */
        TLS_WAY_KEPT /* over the connection there is */
};

#define TLS_GUARD_EMERGENCIES 4
#define TLS_GUARD_CALL_ID     128

/* Zero it, then set variant and required. */
struct tls_guard {
        enum tls_variant variant;
        bool required; /* abort where the network does no TLS, rather than go on in clear (O.1.1 NOTE 2) */

        enum tls_way way;  /* of the REGISTER under way */
        bool up;           /* there is a connection; kept by tls_guard_up, tls_guard_lost */
        bool protecting;   /* SM12 came: nothing but what O.2.2 or O.2.3 allows is taken outside */
        bool suspended;    /* the network does no TLS, and it is not required */
        bool agreed;       /* in this procedure, or in the one that made the registration */
        bool drop, forget; /* for tls_guard_take_drop */
        char *verify;      /* owned: what Security-Verify repeats */
        char emergency[TLS_GUARD_EMERGENCIES][TLS_GUARD_CALL_ID];
        unsigned n_emergencies;
};

void tls_guard_free(struct tls_guard *g);

/* A procedure begins. registered: over this connection; it is used again (O.4.3), unless it is lost.
 * Otherwise everything is made anew, and what an incomplete procedure left goes (O.2.2, O.2.3, O.4.1). */
void tls_guard_begin(struct tls_guard *g, bool registered);

/* The fields of sec-agree for the next REGISTER: Require, Proxy-Require, Security-Client and, once it is
 * agreed, Security-Verify. Nothing in the variant before registration (O.2.3). */
void tls_guard_write(const struct tls_guard *g, struct buf *out);
bool tls_guard_agrees(const struct tls_guard *g); /* sec-agree stands in Supported */

enum tls_agreed {
        TLS_AGREED,
        TLS_AGREED_NOT_SAID, /* no Security-Server */
        TLS_AGREED_OTHERWISE /* the best of it is no TLS: abandon (O.3.2) */
};

/* A challenge came: what Security-Server says. After TLS_AGREED the answer goes over a new connection when
 * SM1 went in clear. why says more. -IMS_ENOMEM. */
int tls_guard_challenge(struct tls_guard *g, const struct sip_msg *resp, enum tls_agreed *out,
                        struct buf *why) IMS_CHECK;

/* The answer to a challenge leaves: later ones of this procedure stay on its connection (O.3.1.3). */
void tls_guard_sent(struct tls_guard *g);

/* 200: what O.2.2 and O.2.3 say of everything outside holds from now on. gone: nothing is registered any
 * more. */
void tls_guard_accepted(struct tls_guard *g, bool gone);

/* The procedure failed. authentication: the answer was wrong, at either end: connection and session go
 * (O.3.1.1). registered: the registration of before stands. */
void tls_guard_failed(struct tls_guard *g, bool authentication, bool registered);

/* No answer came to a REGISTER on the kept connection: the session counts as dead at the P-CSCF, and the
 * procedure begins again as an initial one (O.4.3). False: it went another way. */
bool tls_guard_unanswered(struct tls_guard *g);

/* The handshake is done; the connection ended. lost gives true when a registration goes with it: the UE has
 * to register again (O.4.1). */
void tls_guard_up(struct tls_guard *g);
bool tls_guard_lost(struct tls_guard *g);

/* Has the connection to be closed now? *forget: its session is not to be resumed. Asked once per wish. */
bool tls_guard_take_drop(struct tls_guard *g, bool *forget);

/* Where a request that is no REGISTER goes; -IMS_EPERM: TLS is wanted and not there yet. */
int tls_guard_request(const struct tls_guard *g, enum tls_way *out) IMS_CHECK;

/* An emergency request leaves: what comes with its Call-ID is taken. */
void tls_guard_emergency(struct tls_guard *g, struct span call_id);

/* May this message be taken? inside: it came over the connection. false: *note says why. */
bool tls_guard_admit(const struct tls_guard *g, bool inside, const struct sip_msg *m, const char **note);
