/* SPDX-License-Identifier: BSD-3-Clause
 * The I-CSCF: what its files share. It keeps nothing between requests; a job lives from the arrival of
 * a request until its final answer. */
#pragma once

#include "common/base/log.h"
#include "common/cscf/home_cscf.h"
#include "common/diameter/cx.h"
#include "common/sip/forward.h"
#include "common/trace/trace.h"
#include "icscf/icscf_conf.h"
#include "icscf/pool.h"
#include "icscf/reg_read.h"

struct icscf {
        const struct icscf_conf *conf;
        struct home_cscf home;
        struct pool pool;
        struct list jobs;
        struct tmr drain;
        bool draining;
};

#define SESSION_ID_MAX 320

struct job {
        struct list node;
        struct icscf *ic;
        struct sip_request *rq; /* its reference is the job's while no answer was given */
        struct dia_txn *txn;    /* the question to the HSS under way, or NULL */
        enum verdict_procedure procedure;
        struct reg_facts facts; /* requests that are no REGISTER use impu alone */
        uint64_t deadline_ms;
        struct pool_tried tried;
        struct buf scscf; /* URI of the S-CSCF the request went to last */
        bool reselecting; /* the first S-CSCF did not serve */
        char why[40];     /* what was wrong with that last one */
        bool orig;        /* originating services (Route with orig) */
        char session_id[SESSION_ID_MAX];
        struct log_ctx before; /* log context to go back to */
        bool entered;
};

/* How a request ends here. */
struct ending {
        int status;
        const char *reason; /* phrase, NULL for the usual one */
        enum verdict_outcome outcome;
        enum verdict_cause cause;
        const char *clause;
        const char *evidence; /* or NULL */
};

/* --- job.c --------------------------------------------------------------------------------------- */

/* Takes the reference of rq; when out of memory rq is answered 500 and the result is NULL. */
struct job *job_new(struct icscf *ic, struct sip_request *rq, enum verdict_procedure procedure);
void job_free(struct job *j);

/* What the next hop answers is relayed without the job: it ends, the request stays with the forwarding. */
void job_answered(struct job *j);

/* Log lines between these two carry the identities of the job. job_end, job_forward and job_free leave
 * by themselves. */
void job_enter(struct job *j);
void job_leave(struct job *j);

/* Answers, says the verdict, frees the job. */
void job_end(struct job *j, const struct ending *e);

/* The same for a request that never became a job; takes the reference of rq. */
void request_end(struct icscf *ic, struct sip_request *rq, enum verdict_procedure procedure,
                 const struct ending *e);

/* What is left of the time for this request, at most limit_ms; 0: nothing worth a try. */
uint32_t job_time_ms(const struct job *j, uint32_t limit_ms);

/* A fresh Cx session of this call. */
struct span job_session(struct job *j);

/* The ending when the HSS did not answer (err) or answered with an error nobody else explains. */
void job_end_no_hss(struct job *j, int err);
void job_end_hss_error(struct job *j, struct dia_result result);

/* Gives the request to sip_forward with the hooks in f; the job stays until its hooks end it, or is
 * freed here when the request was refused. */
void job_forward(struct job *j, struct sip_edit *e, struct sip_forward *f);

/* --- route.c -------------------------------------------------------------------------------------- */

/* Takes our own entries off the top of Route (RFC 3261 16.4). *out_orig: one of them had the parameter
 * orig. *out_next: the entry below them, or empty. */
void route_pop_own(const struct icscf *ic, struct sip_edit *e, bool *out_orig, struct span *out_next);

/* --- register.c, location.c ---------------------------------------------------------------------- */

/* REGISTER (TS 24.229 5.3.1). Takes the reference. */
void register_request(struct icscf *ic, struct sip_request *rq);

/* Everything else (TS 24.229 5.3.2). Takes the reference. */
void location_request(struct icscf *ic, struct sip_request *rq);

/* --- node.c -------------------------------------------------------------------------------------- */

/* Handlers of the SIP stack; arg is the I-CSCF. */
void icscf_on_request(struct sip_request *rq, void *arg);
void icscf_on_cancel(struct sip_request *rq, void *arg);

/* Runs until SIGTERM or SIGINT. The exit code of the program. */
int icscf_run(const struct icscf_conf *conf);

/* A job ended: the last one ends a node that is draining. */
void icscf_job_gone(struct icscf *ic);
