/* SPDX-License-Identifier: BSD-3-Clause
 * The edge of the UE: its addresses, its SIP stack (timers of TS 24.229 table 7.7.1 for the UE), the P-CSCF
 * it talks to, and the driving of REGISTER procedures over them. */
#pragma once

#include "common/sip/stack.h"
#include "common/trace/trace.h"
#include "ue/registration.h"

struct phone_conf {
        const char *pcscf; /* "HOST:PORT", "HOST", "[v6]:PORT"; a name is looked up at once (blocking) */
        enum transport transport; /* UDP or TCP; ANY means UDP */
        const char *local;        /* "ADDRESS[:PORT]"; NULL: the address that faces the P-CSCF, any port */
        uint32_t t1_ms, t2_ms;    /* 0: UE_T1, UE_T2 */
        uint32_t udp_max;         /* 0: default of the stack */
        uint32_t answer_ms;       /* longest wait for the answer to a REGISTER; 0: timer F */
        const char *trace_file;   /* NULL: no event stream */
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

/* Appends "sip:USER@ADDRESS:PORT" (with ;transport=tcp), where we take requests. */
void phone_contact(const struct phone *p, struct span user, struct buf *out);

/* Where we take requests on the transport in use; pcscf: where requests go. */
const struct addr *phone_local(const struct phone *p);
const struct addr *phone_pcscf(const struct phone *p);

/* Sends a request given as text to the P-CSCF in a client transaction; the stack writes Via. answer_ms:
 * longest wait, 0: timer F. fn as sip_response_fn. -IMS_EPARSE when the text is no SIP request the stack can
 * send. */
int phone_send(struct phone *p, struct span text, uint32_t answer_ms, sip_response_fn *fn, void *arg,
               struct sip_client **out) IMS_CHECK;

/* A REGISTER procedure to its end: fn runs exactly once, with the registration's result set. r: borrowed
 * until then. One at a time. */
typedef void phone_registered_fn(struct registration *r, void *arg);
int phone_register(struct phone *p, struct registration *r, enum reg_kind kind, uint32_t expires_s,
                   phone_registered_fn *fn, void *arg) IMS_CHECK;
