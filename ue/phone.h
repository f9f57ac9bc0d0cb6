/* SPDX-License-Identifier: BSD-3-Clause
 * The edge of the UE: its addresses, its SIP stack (timers of TS 24.229 table 7.7.1 for the UE), the P-CSCF
 * it talks to, and the driving of REGISTER procedures over them. */
#pragma once

#include "common/sip/stack.h"
#include "common/trace/trace.h"
#include "ue/phone_ipsec.h"
#include "ue/phone_keep.h"
#include "ue/phone_tls.h"
#include "ue/registration.h"

struct phone_conf {
        const char *pcscf; /* "HOST:PORT", "HOST", "[v6]:PORT"; a name is looked up at once (blocking) */
        enum transport transport; /* of what leaves in clear; UDP or TCP, ANY means UDP */
        const char *local;        /* "ADDRESS[:PORT]"; NULL: the address that faces the P-CSCF, any port */
        uint32_t t1_ms, t2_ms, t4_ms; /* 0: UE_T1, UE_T2, UE_T4 */
        uint32_t udp_max;             /* 0: default of the stack */
        uint32_t answer_ms;           /* longest wait for the answer to a REGISTER; 0: timer F */
        bool keep; /* keep-alives are offered, and sent where the P-CSCF agrees (RFC 6223); not with IPsec */
        const char *trace_file;               /* NULL: no event stream */
        const struct phone_ipsec_conf *ipsec; /* NULL: no IPsec; read during phone_new alone */
        const struct phone_tls_conf *tls;     /* NULL: no TLS; read during phone_new alone */
};

struct phone;

/* An inbound request: rq has one reference that belongs to the callee. */
typedef void phone_request_fn(struct sip_request *rq, void *arg);

/* on_request NULL: every request is answered 200 (OPTIONS, NOTIFY, MESSAGE) or 501. The reason of a failure
 * is in err. -IMS_EPARSE (address), -IMS_EUNREACH (no route, no such name), -IMS_EADDRINUSE, -IMS_EIO. */
int phone_new(struct loop *l, const struct phone_conf *conf, phone_request_fn *on_request, void *arg,
              struct phone **out, struct buf *err) IMS_CHECK;
void phone_free(struct phone *p);

struct trace *phone_trace(struct phone *p);

/* NULL: the phone does no sec-agree; phone_no_ipsec says why, when it was to do it, else it is NULL too. */
struct phone_ipsec *phone_ipsec_of(struct phone *p);
struct security *phone_security(struct phone *p);
const char *phone_no_ipsec(const struct phone *p);

struct phone_tls *phone_tls_of(struct phone *p);       /* NULL: no TLS */
struct tls_guard *phone_tls_guard_of(struct phone *p); /* for reg_conf.tls */

/* What a REGISTER procedure under way, or a later registration, hears of: the flow is lost (its TLS
 * connection ended, or keep-alives are not answered), and the registration with it. */
void phone_on_lost(struct phone *p, phone_tls_lost_fn *fn, void *arg);

/* A final answer to the REGISTER under way came, for owners that drive a procedure in steps: keep-alives that
 * it agrees on begin, or end with the registration. */
void phone_answered(struct phone *p, const struct registration *r, const struct sip_msg *resp);
void phone_kept(const struct phone *p, struct phone_keep_state *out);

/* After a procedure that the owner drives in steps: closes what has to be closed. */
void phone_settle(struct phone *p);
/* What no answer means, with TLS: for reg_no_answer. */
int phone_error(const struct phone *p, int err);

/* The phone goes to another address, "ADDRESS[:PORT]": SAs, transactions and connections end (TS 33.203 7.5).
 * Nothing of the stack may be held, no procedure may run, and not from one of its callbacks. On an error the
 * phone can send nothing any more. */
int phone_move(struct phone *p, const char *local, struct buf *err) IMS_CHECK;

/* Appends "sip:USER@ADDRESS:PORT" (with ;transport=tcp), where we take requests. */
void phone_contact(const struct phone *p, struct span user, struct buf *out);

/* Where we take requests on the transport in use; pcscf: where the first REGISTER goes. */
const struct addr *phone_local(const struct phone *p);
const struct addr *phone_pcscf(const struct phone *p);

/* A request that leaves. */
struct phone_out {
        struct span text;
        enum security_way way;
        enum transport transport; /* ANY: that of the phone */
        bool step;                /* it is the REGISTER of the procedure under way */
        uint32_t answer_ms;       /* longest wait, 0: timer F */
        bool secured;             /* written by phone_send: it left on an SA */
};

/* Sends a request given as text to the P-CSCF in a client transaction; the stack writes Via. fn as
 * sip_response_fn. -IMS_EPARSE when the text is no SIP request the stack can send; errors of security_flow;
 * -IMS_ECLOSED. */
int phone_send(struct phone *p, struct phone_out *o, sip_response_fn *fn, void *arg,
               struct sip_client **out) IMS_CHECK;

/* A REGISTER procedure to its end: fn runs exactly once, with the registration's result set. r: borrowed
 * until then. One at a time. */
typedef void phone_registered_fn(struct registration *r, void *arg);
int phone_register(struct phone *p, struct registration *r, enum reg_kind kind, uint32_t expires_s,
                   phone_registered_fn *fn, void *arg) IMS_CHECK;
