/* SPDX-License-Identifier: BSD-3-Clause
 * The S-CSCF as a program: what it is made of. */
#pragma once

#include "common/cscf/home_cscf.h"
#include "common/diameter/cx.h"
#include "common/sip/forward.h"
#include "common/sip/stack.h"
#include "common/trace/trace.h"
#include "scscf/registrar.h"

struct control;
struct scscf;

/* One try to reach a served user; the argument of forwarding hooks, so that it costs no memory per request.
 */
struct scscf_leg {
        struct scscf *s;
        size_t rank; /* of the binding that is tried */
        bool direct; /* the originating side was served in the same step (no I-CSCF) */
};

struct scscf {
        const struct scscf_conf *conf;
        struct home_cscf home;
        struct registrar reg;
        struct scscf_leg legs[2][SCSCF_CONTACTS_MAX]; /* [direct][rank] */
        struct list asking; /* requests that wait for the HSS to say whether an identity exists */
        struct tmr stop;
        struct control *control;
        bool stopping, stopped;
};

/* The port of the registrar onto stack, Diameter node, loop and trace (port.c). */
extern const struct reg_port scscf_port;

/* Serves until SIGTERM; the exit code (node.c). */
int scscf_run(const struct scscf_conf *conf);

/* Stops taking work, ends when what is in hand is done, at the latest after diameter.answer (shutdown.c). */
void scscf_stop(void *s);
/* Goes on with the end when nothing is in hand; for reg_port.idle. */
void scscf_stop_check(void *s);

/* Handlers of the SIP stack (requests.c). */
void scscf_on_request(struct sip_request *rq, void *s);
void scscf_on_cancel(struct sip_request *rq, void *s);

/* Requests of the HSS (cx_server.c). */
void scscf_on_cx(struct dia_request *rq, void *s);

/* Ends the waiting for the HSS (asking.c). */
void scscf_asking_clear(struct scscf *s);
