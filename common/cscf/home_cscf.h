/* SPDX-License-Identifier: BSD-3-Clause
 * A CSCF of the home network as a process: what the I-CSCF and the S-CSCF are made of, SIP on Mw and Cx to
 * the HSS, from start to end. What it does with requests is the node's own. */
#pragma once

#include "common/base/conf.h"
#include "common/diameter/dia_conf.h"
#include "common/net/prefix.h"
#include "common/sip/sip_conf.h"
#include "common/trace/trace_conf.h"

struct home_cscf_conf {
        const char *node; /* "icscf", in the event stream */
        const struct conf_schema
                *schema; /* with whole: what is looked at before certificates are read again */
        const void *whole;
        const struct sip_conf *sip;
        const struct dia_conf *dia;
        const struct trace_conf *trace;
        const struct conf_list *trusted;  /* who SIP is taken from (prefix.h) */
        const struct conf_list *networks; /* core_net.h */
};

struct home_cscf_handlers {
        void (*on_request)(struct sip_request *rq, void *arg); /* as those of sip_stack_handlers */
        void (*on_cancel)(struct sip_request *rq, void *arg);
        void (*on_cx)(struct dia_request *rq, void *arg); /* dia_handlers.on_request; NULL: none is served */
        void (*on_terminate)(void *arg);                  /* SIGTERM or SIGINT, each time */
};

struct home_cscf {
        struct loop *loop;
        struct trace *trace;
        struct trust trust;
        struct dia_node *dia;
        struct resolver *resolver;
        struct sip_stack *sip;
        bool quiet; /* set by the node: peers that come and go are no news, for it is ending */

        struct home_cscf_conf conf; /* from here on its own */
        struct home_cscf_handlers h;
        void *arg;
        struct tmr ready;
        bool said_ready;
};

/* Makes loop, event stream and the list of who is trusted, and warns of an empty one. *c: zero. conf: copied,
 * what it points to is borrowed for the life of c. Each failure but that of memory is logged; home_cscf_end
 * in every case. */
int home_cscf_init(struct home_cscf *c, const struct home_cscf_conf *conf) IMS_CHECK;

/* Opens Cx and SIP. The node is ready (node_ready) when a peer of Diameter is up, at the latest after
 * diameter.answer, with a warning. SIGHUP reads the certificates again. h: copied, arg is theirs. */
int home_cscf_start(struct home_cscf *c, const struct home_cscf_handlers *h, void *arg) IMS_CHECK;

/* Says good-bye to the peers of Diameter, then the loop stops. */
void home_cscf_leave(struct home_cscf *c);

/* Frees all of it. Clients of the stack that wait hear -IMS_ECANCELED. */
void home_cscf_end(struct home_cscf *c);

/* For conf_schema.look of such a node: its certificate files, of Cx and of SIP, by the rules of cert.h. 0 or
 * -IMS_ECONF. */
int home_cscf_look(const struct sip_conf *sip, const struct dia_conf *dia, const char *trust_domain,
                   struct buf *err) IMS_CHECK;
