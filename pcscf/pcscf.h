/* SPDX-License-Identifier: BSD-3-Clause
 * The P-CSCF as a whole, and what its procedures share. TS 24.229 5.2. */
#pragma once

#include "common/base/log.h"
#include "common/net/prefix.h"
#include "common/sip/forward.h"
#include "common/trace/sip_trace.h"
#include "pcscf/access.h"
#include "pcscf/agreement.h"
#include "pcscf/assoc_ip.h"
#include "pcscf/assoc_tls.h"
#include "pcscf/ipsec.h"
#include "pcscf/pcscf_conf.h"
#include "pcscf/pending.h"
#include "pcscf/regstore.h"
#include "pcscf/status.h"

#define OWN_HOST_MAX 300

struct pcscf_listener {
        enum transport transport;
        struct addr local;
};

struct pcscf {
        const struct pcscf_conf *conf;
        struct loop *loop;
        struct resolver *resolver;
        struct sip_stack *stack;
        struct trace *trace;
        struct access_map *access;
        struct trust trust; /* who may be the core */
        struct regstore *store;
        struct pending_table *pending;
        struct rates *new_ues; /* REGISTERs that have not authenticated, in kinds of enum register_rate */
        struct via_checks *vias;
        struct ip_table *ips;             /* UEs of SIP Digest without TLS */
        struct tls_table *tls;            /* UEs with TLS */
        struct ipsec *ipsec;              /* NULL: Gm is not protected */
        struct tls_context *gm_tls;       /* of listeners of their own for Gm; NULL: none */
        struct control *control;          /* NULL: none is configured */
        struct pcscf_listener *gm, *core; /* core: none when the Gm listeners serve both sides */
        size_t n_gm, n_core;
        char core_host[OWN_HOST_MAX]; /* "pcscf.example.org:5060": how the core reaches us */
        char core_ip[ADDR_STR];       /* for icid-generated-at */
        char icid_prefix[17];
        uint64_t last_icid;
        uint32_t last_id; /* of bindings */
        bool draining;
        struct tmr drain;
        uint64_t drain_until_ms;
};

int pcscf_new(const struct pcscf_conf *conf, struct loop *l, struct trace *trace,
              struct pcscf **out) IMS_CHECK;
void pcscf_free(struct pcscf *p);

/* Takes no new work; stops the loop when what is under way has ended, or after the timer DRAIN. */
void pcscf_drain(struct pcscf *p);

/* Certificates and keys of TLS are read again. */
void pcscf_reload(struct pcscf *p);

/* --- verdicts and refusals ----------------------------------------------------------------------- */

struct refusal {
        enum verdict_procedure procedure;
        enum verdict_cause cause;
        int status;
        const char *reason; /* NULL: the usual phrase */
        const char *clause;
        const char *evidence; /* may be NULL */
        struct span impi, impu;
        bool quiet;             /* without a verdict: the same was told of this source a moment ago */
        struct sip_field field; /* added to the answer; value empty: none */
};

/* Writes the verdict and answers; takes the reference. An ACK is dropped. */
void pcscf_refuse(struct pcscf *p, struct sip_request *rq, const struct refusal *r);

/* The verdict alone. */
void pcscf_verdict(struct pcscf *p, const struct sip_request *rq, const struct refusal *r);

/* --- procedures ---------------------------------------------------------------------------------- */

/* Each takes the reference of rq. */
void pcscf_register(struct pcscf *p, struct sip_request *rq); /* register.c */
via_checked_fn pcscf_register_checked; /* the same once Via is compared; arg: struct pcscf */
void pcscf_from_ue(struct pcscf *p, struct sip_request *rq); /* originating.c */
void pcscf_to_ue(struct pcscf *p, struct sip_request *rq);   /* terminating.c */

/* The UE a message in clear came from, by its very flow: with port or connection. NULL: nobody. */
struct ue_flow *pcscf_flow_of(const struct pcscf *p, const struct sip_flow *flow); /* originating.c */

/* The UE a message came from: by its SAs, by its flow, or by its address where that is enough (TS 33.203
 * N.2.1.2). NULL: nobody who is registered. */
struct ue_flow *pcscf_ue_of(const struct pcscf *p, const struct sip_flow *flow); /* originating.c */

/* Ends the registrations of a UE before their time; f is gone then. why: cause, clause and evidence. */
void pcscf_end_ue(struct pcscf *p, struct ue_flow *f, const struct verdict *why);

/* True when the identity (in canonical form) is registered over that flow. */
bool ue_has_identity(const struct ue_flow *flow, struct span impu); /* originating.c */

/* The way to a registered UE: over the SAs in use, or its flow, or its contact. */
struct sip_flow pcscf_way_to(const struct pcscf *p, const struct binding *b); /* terminating.c */

/* Why nothing can be sent to a UE: its SAs, its TLS connection or the flow that it keeps up have ended, and
 * nothing takes their place. NULL: it can be reached. Static text. */
const char *pcscf_out_of_reach(const struct pcscf *p, const struct binding *b); /* terminating.c */

/* Takes out of a request of a UE what only the network may state. */
void ue_remove_untrusted(const struct pcscf *p, struct sip_edit *e); /* originating.c */

/* True when the request is for an emergency service (RFC 5031, TS 24.229 5.2.10). */
bool emergency_is(const struct pcscf *p, const struct sip_msg *m);
/* All of emergency.c. from: the flow when its UE is registered. */
void emergency_request(struct pcscf *p, struct sip_request *rq, const struct ue_flow *from);

/* From the PSAP, within the call. next: the Route behind ours, or empty. id: binding of the caller, 0: none.
 */
void emergency_to_ue(struct pcscf *p, struct sip_request *rq, struct sip_edit *e, struct span next,
                     uint32_t id);

/* True when no REGISTER or request may require this (Proxy-Require); the refusal was sent then. */
bool pcscf_refuse_extension(struct pcscf *p, struct sip_request *rq, enum verdict_procedure procedure);

/* --- register.c ---------------------------------------------------------------------------------- */

/* Who is registering, for the record under way: the IMPI, or the IMPU where no Authorization tells it. */
struct span register_identity(const struct reg_facts *f);

/* pcscf_refuse and pcscf_verdict with the identities of a REGISTER. */
void register_refuse(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct refusal r);
void register_verdict(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                      const struct refusal *r);

/* What refuses a security agreement; evidence is that of the fault. */
struct refusal register_refusal_of(const struct agreement_fault *f);

/* register_refuse for a REGISTER that was on its way to the home network: what it says is read anew. */
void register_refuse_again(struct pcscf *p, struct sip_request *rq, struct refusal r);

/* --- charging.c ---------------------------------------------------------------------------------- */

/* A new P-Charging-Vector value: unique icid, where it was made, orig-ioi (TS 24.229 7.2A.5). */
void charging_vector(struct pcscf *p, struct buf *out);

/* --- own_route.c --------------------------------------------------------------------------------- */

enum own_kind {
        OWN_NONE,      /* not a URI of ours */
        OWN_PLAIN,     /* ours, without a user part that we gave */
        OWN_STALE,     /* of the form that we give, but not valid: of an earlier life, or made up */
        OWN_PATH,      /* Path of a registration */
        OWN_DIALOG,    /* Record-Route of a dialog of a registered UE */
        OWN_EMERGENCY, /* Record-Route of an emergency call of anyone */
};

struct own_route {
        enum own_kind kind;
        uint32_t id; /* of the binding */
        bool ob;     /* of a managed flow */
};

/* The Path value of a registration: "<sip:USER@HOST:PORT;lr>"; ob: of one whose UE manages its flow (RFC 5626
 * 5.1), USER is the flow token. */
void own_path(const struct pcscf *p, uint32_t id, bool ob, struct buf *out);

/* Record-Route: one value the core reaches, one the UE of flow reaches, so that each side finds us where it
 * can (RFC 5658). from_ue: the request goes to the core. */
void own_record_route(const struct pcscf *p, struct sip_edit *e, enum own_kind kind, uint32_t id,
                      const struct sip_flow *ue, bool from_ue);

/* Reads a Route value. User parts are recognised only when we gave them: for OWN_DIALOG and OWN_EMERGENCY
 * also only in the call they were given for. */
struct own_route own_route_read(const struct pcscf *p, struct span value, struct span call_id);

/* What our own values at the top of Route tell: the first of them that names a binding or call. */
struct own_route own_route_of(const struct pcscf *p, const struct sip_msg *m);

/* The same, and takes those values out (of the Route in e).
 * *next: the first value that remains (spans of the message), or empty. */
struct own_route own_route_pop(const struct pcscf *p, struct sip_edit *e, struct span *next);

/* True for methods that begin a dialog. */
bool begins_dialog(const struct sip_msg *m);
