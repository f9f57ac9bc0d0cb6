/* SPDX-License-Identifier: BSD-3-Clause
 * Inside the registrar: jobs and challenges. */
#pragma once

#include "common/diameter/cx.h"
#include "scscf/av_store.h"
#include "scscf/digest.h"
#include "scscf/reg_decide.h"
#include "scscf/reg_fsm.h"
#include "scscf/reg_request.h"
#include "scscf/registrar.h"

/* A challenge that waits for its answer. */
struct challenge {
        struct registrar *reg;
        struct user *user;
        struct tmr timer; /* reg-await-auth */
        const struct auth_scheme *scheme;
        union {
                struct { /* AUTH_AKA */
                        struct aka_av av;
                        char nonce[AKA_NONCE_SIZE];
                };
                struct { /* AUTH_DIGEST_NBA */
                        struct digest_nonce digest;
                        bool stale;
                };
        };
        uint32_t cseq; /* of the REGISTER that was challenged */
        uint16_t impu_n, call_id_n, realm_n;
        char text[];
};

struct span challenge_impu(const struct challenge *c);
struct span challenge_call_id(const struct challenge *c);
struct span challenge_realm(const struct challenge *c);

enum reg_job_kind {
        REG_JOB_REGISTER,
        REG_JOB_AUTH_TIMEOUT, /* tell the HSS that a challenge was not answered */
        REG_JOB_EXPIRED       /* tell the HSS that the last binding ended */
};

/* Work for one IMPI; one at a time, the others wait in user->waiting. */
struct reg_job {
        struct list node;
        enum reg_job_kind kind;
        struct registrar *reg;
        struct user *user;
        struct sip_request *rq;           /* REG_JOB_REGISTER */
        struct reg_request in;            /* ... as read; for timers only impi and impu */
        const struct auth_scheme *scheme; /* ... */
        struct dia_txn *txn;
        bool registered; /* ... whether the IMPI was registered with the IMPU when it began */
        bool sync;       /* the outstanding MAR carries AUTS */
        bool again;      /* SIP Digest: it asks whether the password was changed */
        uint32_t pushes; /* ... how many PPRs had come when it left */
        bool ended;      /* RTR ended the H(A1) that it was authenticated by */
        uint32_t sat;    /* the outstanding SAR's type */
        size_t excess;   /* oldest bindings of the IMPI that make room for new ones */
        struct verdict end;
        struct buf evidence;
        struct buf command;   /* for the verdict (common/trace/command.h) */
        struct buf auth_info; /* Authentication-Info of the 200, or empty */
};

#define REG_WAITING_MAX 8 /* REGISTERs of one IMPI behind the one under way; more draw 503 */

/* --- registrar.c --------------------------------------------------------------------------------- */

/* Binding set of the IMPU of the job, or NULL; and whether the job's IMPI has a binding on it. */
struct reg_set *reg_job_set(const struct reg_job *job);
bool reg_job_registered(const struct reg_job *job);

/* Moves the user to a phase (a state of the not registered half); the half follows from its bindings. */
int reg_user_phase(struct user *u, enum reg_state phase) IMS_CHECK;

/* Writes job->end but for identities and evidence. */
void reg_job_verdict(struct reg_job *job, enum verdict_outcome outcome, enum verdict_cause cause, int status,
                     const char *clause);

/* Answers (REGISTER) with job->end.status and add, gives the verdict unless quiet, frees the job and goes on
 * with the next one of the user. */
void reg_job_finish(struct reg_job *job, const struct sip_field *add, size_t n_add, bool quiet);

/* The same with 500 and the cause internal_error. */
void reg_job_broken(struct reg_job *job, int err);

/* Goes on with what waits for the user; the user is freed when nothing holds it. */
void reg_user_next(struct registrar *r, struct user *u);

/* Queues work of a timer. u may be gone when this returns. */
void reg_job_queue(struct registrar *r, struct user *u, enum reg_job_kind kind, struct span impu);

struct log_ctx reg_job_log(const struct reg_job *job);

/* --- reg_challenge.c ----------------------------------------------------------------------------- */

/* A challenge for the REGISTER of the job, not yet started; its vector is still empty. -IMS_ENOMEM,
 * -IMS_ETOOBIG. */
int reg_challenge_new(struct reg_job *job, struct span realm, struct challenge **out) IMS_CHECK;

/* Takes c: it becomes the pending challenge of its user, whatever was pending is over (TS 33.203 6.1.2.3).
 * -IMS_ENOMEM (then c is gone), -IMS_EPROTO. */
int reg_challenge_start(struct challenge *c) IMS_CHECK;

/* Frees a challenge that was not started; returns rc. */
int reg_challenge_discard(struct challenge *c, int rc);

/* Starts reg-await-auth anew. */
int reg_challenge_await(struct challenge *c) IMS_CHECK;

/* The 401 for the pending challenge ends the job. quiet: without a verdict. */
void reg_challenge_answer(struct reg_job *job, bool quiet);
void reg_challenge_repeat(struct reg_job *job);

/* The pending challenge is for the IMPU of the job: its pending flag is set in the HSS. */
bool reg_challenge_pending(const struct reg_job *job);

/* Stops the timer, wipes and frees. Accepts NULL in u->challenge. */
void reg_challenge_drop(struct user *u);

/* Sends MAR; the row of the scheme goes on with the answer. */
void reg_auth_ask(struct reg_job *job, struct span auts);

/* MAA says success and holds nothing that can be used: 500. */
void reg_auth_unusable(struct reg_job *job, const char *why);

/* 403; before it the HSS is told, unless the IMPU is registered or another challenge for it is pending. */
void reg_auth_failed(struct reg_job *job, enum verdict_cause cause, const char *clause);

/* --- reg_assign.c -------------------------------------------------------------------------------- */

/* The user is authenticated, or need not be: bindings, SAR, 200. */
void reg_assign(struct reg_job *job);

/* The 200 for what is registered now. */
void reg_assign_answer(struct reg_job *job);

/* Tells the HSS by a SAR of this type, then finishes the job with job->end, whatever the HSS says. */
void reg_release(struct reg_job *job, uint32_t sat);

/* For REG_JOB_AUTH_TIMEOUT and REG_JOB_EXPIRED. */
void reg_release_timer(struct reg_job *job);

/* --- reg_cx.c ------------------------------------------------------------------------------------ */

/* What a Cx error or a result that is no success means for a SIP request. */
struct reg_cx_fault {
        enum verdict_outcome outcome;
        enum verdict_cause cause;
        int status;
        const char *clause;
};

/* err: 0: a is the answer. evidence gets it in words. command: "MAR". */
struct reg_cx_fault reg_cx_fault(const char *command, int err, const struct cx_answer *a,
                                 struct buf *evidence);

/* Fills job->end with it, evidence included. */
void reg_cx_failure(struct reg_job *job, const char *command, int err, const struct cx_answer *a);

/* Keeps the name of the HSS that answered (TS 29.228 6.1.2: Destination-Host of later requests). When that
 * one was not to be reached and another answered, that other one. */
void reg_cx_learn(struct registrar *r, struct user *u, const struct cx_answer *a);

/* Destination-Host when the HSS of the user is known; another one may stand in for it. */
void reg_cx_host(const struct user *u, struct cx_request *h);

/* Supported-Features of who wants to be told lost registrations: IMSRestorationInd (TS 29.229 7.1.1). */
extern const struct cx_features reg_cx_restoration;

/* SAR and MAR with what is common. */
int reg_cx_mar(struct reg_job *job, struct span auts, cx_maa_fn *fn) IMS_CHECK;
int reg_cx_sar(struct reg_job *job, uint32_t sat, cx_saa_fn *fn) IMS_CHECK;

/* --- reg_diagnose.c: while the challenge still stands, the command that finds out why --------------- */

void reg_diagnose_response(struct reg_job *job); /* the response is wrong */
void reg_diagnose_auts(struct reg_job *job, const uint8_t auts[static AKA_AUTS_N]);
void reg_diagnose_autn(struct reg_job *job); /* the UE refused AUTN and sent nothing to compare */

/* --- restore.c -------------------------------------------------------------------------------------- */

/* Registration-Time-Out (TS 29.229 6.3.62) of what expires in so many seconds. */
uint32_t reg_restore_time(const struct registrar *r, uint32_t expires_s);

/* --- expiry.c ------------------------------------------------------------------------------------ */

/* Starts the set's timer for its next ending; frees a set without bindings. */
void reg_expiry_arm(struct registrar *r, struct reg_set *set);

/* Ends bindings that are over, of a user without work. True when that made work (then u may be gone). */
bool reg_expiry_user(struct registrar *r, struct user *u);

/* Stops the timer and frees the set when it has no bindings. */
void reg_set_check(struct registrar *r, struct reg_set *set);

/* --- reg_answer.c -------------------------------------------------------------------------------- */

#define REG_FIELDS_MAX (SCSCF_CONTACTS_MAX + 8)

/* Fields of a 200: the texts lie in a buffer that moves while it grows, so they are spans only after
 * reg_answer_fields. */
struct reg_answer {
        struct buf text;
        struct {
                enum sip_hdr_id id;
                size_t at, n;
        } part[REG_FIELDS_MAX];
        struct sip_field fields[REG_FIELDS_MAX];
        size_t n;
};

void reg_answer_200(struct reg_answer *a, const struct registrar *r, const struct reg_request *in,
                    const struct reg_set *set, const struct user *u);
void reg_answer_add(struct reg_answer *a, enum sip_hdr_id id, struct span value);
/* Fills fields. -IMS_ENOMEM. */
int reg_answer_fields(struct reg_answer *a) IMS_CHECK;
void reg_answer_clear(struct reg_answer *a);

/* Value of P-Charging-Function-Addresses for the answer of the HSS; empty when it names none. */
void reg_answer_charging(const struct cx_charging *c, struct buf *out);

/* Value of our Service-Route for this user. */
void reg_answer_service_route(const struct registrar *r, const struct reg_set *set, const struct user *u,
                              struct buf *out);
