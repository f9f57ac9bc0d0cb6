/* SPDX-License-Identifier: BSD-3-Clause
 * TLS of a phone: its connection to the P-CSCF, driven as struct tls_guard decides (TS 33.203 Annex O). */
#pragma once

#include "common/sip/stack.h"
#include "ue/proxy_auth.h"
#include "ue/tls_guard.h"

struct phone_tls_conf {
        enum tls_variant variant;
        bool required;           /* abort where the network does no TLS */
        const char *ca;          /* PEM file of roots */
        const char *name;        /* expected in the certificate; NULL: the host of the P-CSCF as given */
        uint16_t port;           /* 0: that of the P-CSCF's address, for TLS_VARIANT_AGREED 5061 */
        const char *keylog;      /* NULL: none */
        bool tls12, tls13;       /* only this version */
        const char *home_domain; /* the certificate has to be of it (TLS-FWD F); NULL: not asked */
        const char *home_ca;     /* or chain to one of these roots */
        const char *proxy;       /* "HOST:PORT" of an HTTP proxy the connection is asked of; NULL: none */
        const struct proxy_auth *proxy_auth; /* when the proxy asks for it; NULL: none; copied */
        const char *trust_domain;            /* names and realm lie in it; NULL: none */
};

struct phone_tls;

/* lost: a connection with a registration ended; not from inside of a call to this module. pcscf, host: the
 * address and the name of the P-CSCF. -IMS_ECONF, -IMS_EIO, -IMS_ENOMEM, with the reason in err. */
typedef void phone_tls_lost_fn(void *arg);
int phone_tls_new(struct loop *l, const struct phone_tls_conf *conf, const struct addr *pcscf,
                  struct span host, struct phone_tls **out, struct buf *err) IMS_CHECK;
void phone_tls_free(struct phone_tls *t); /* after the stack; accepts NULL */

/* The stack it works on from now on. */
void phone_tls_use_stack(struct phone_tls *t, struct sip_stack *s);

const struct addr *phone_tls_server(const struct phone_tls *t); /* where the P-CSCF takes TLS */
struct tls_guard *phone_tls_guard(struct phone_tls *t);
void phone_tls_on_lost(struct phone_tls *t, phone_tls_lost_fn *fn, void *arg);

/* The way of a message: fills target for TLS. step: the REGISTER under way. 1: TLS; 0: in clear; -IMS_EPERM,
 * not before SM12; -IMS_ECLOSED: the connection it belongs to is gone. What t gives to target lives as long
 * as t. */
int phone_tls_way(struct phone_tls *t, bool step, struct sip_target *target) IMS_CHECK;

/* Closes what the guard wants closed. After every step of a procedure. */
void phone_tls_settle(struct phone_tls *t);

/* Of the stack's handlers. */
void phone_tls_session(struct phone_tls *t, const struct sip_flow *flow, const struct tls_info *info);
void phone_tls_failure(struct phone_tls *t, const char *why);
void phone_tls_flow_end(struct phone_tls *t, const struct sip_flow *flow);
bool phone_tls_is_inside(const struct phone_tls *t, const struct sip_flow *flow);

/* The error of a REGISTER that got no answer, where TLS is the cause: -IMS_EAUTH; else err. */
int phone_tls_error(const struct phone_tls *t, int err);
/* What went wrong with TLS last, in words; "" for nothing. */
const char *phone_tls_why(const struct phone_tls *t);

/* The handshake of the connection; false without one. Counters of handshakes since the beginning. */
struct phone_tls_state {
        bool up;
        struct sip_flow flow;
        struct tls_info info; /* its strings live as long as the connection */
        unsigned handshakes, resumed, connections, ended;
};
void phone_tls_state(const struct phone_tls *t, struct phone_tls_state *out);

/* Ends the connection as a network would that fails; a registration is lost with it. */
void phone_tls_cut(struct phone_tls *t);

/* Begins a renegotiation. Errors of sip_flow_renegotiate. */
int phone_tls_renegotiate(struct phone_tls *t) IMS_CHECK;

/* For reg_conf.trusts_realm: does the certificate of the connection correspond to the realm (TLS-FWD F, RFC
 * 3261 26.3.2.1)? In clear there is no certificate to compare with: true. */
bool phone_tls_trusts_realm(struct span realm, void *phone_tls);
