/* SPDX-License-Identifier: BSD-3-Clause
 * One Cx request on its way through the HSS: received, handled inside the transaction of its group,
 * answered after the commit. */
#pragma once

#include "common/base/list.h"
#include "common/trace/trace.h"
#include "hss/auc.h"
#include "hss/hss_conf.h"
#include "hss/profile_build.h"
#include "hss/store.h"

/* What an answer carries, before it is encoded. Texts live in the job's arena or in the request. */
struct reply {
        struct span impi, impu, server_name, wildcarded, user_data;
        struct span mandatory, optional, server_names; /* Server-Capabilities, one entry per line */
        struct span charging;                          /* four lines */
        int loose_route, priviledged_sender;           /* -1: not sent */
        uint32_t lia_flags;
        struct store_impis associated, registered; /* Associated-(Registered-)Identities */
        struct span restorations[CX_RESTORATION_MAX];
        size_t n_restorations;
        struct aka_av avs[CX_AUTH_ITEMS_MAX]; /* wiped with the job */
        size_t n_avs;
        char ha1[DIGEST_HEX_MAX];
        enum digest_algorithm digest_algorithm;
        struct span digest_realm, line_ids;
};

struct job {
        struct list node;
        struct dia_request *rq; /* NULL in tests */
        enum cx_command command;
        uint64_t deadline_ms; /* it waits for the database until then */
        union {
                struct cx_uar uar;
                struct cx_mar mar;
                struct cx_sar sar;
                struct cx_lir lir;
        } m;
        struct facts facts; /* of the (last) identity */
        struct decision d;
        struct reply reply;
        const char *note; /* static: what a log reader should know, or NULL */
        bool stale;       /* nobody waits for the answer any more: not carried out */
        struct arena arena;
};

/* What handling needs; nothing of the network. */
struct hss_env {
        const struct hss_conf *conf;
        struct store *store;
        struct auc *auc;
        struct profile_cache *profiles;
};

/* True when handling may write (so that the group takes the write lock). */
bool job_writes(const struct job *j);

/* Handles one job inside the open transaction: facts, decision, effects, reply. 0 with j->d.result set
 * (refusals included), or the error of the store: then nothing of the group may be committed. */
int job_run(const struct hss_env *env, struct job *j) IMS_CHECK;
int job_run_mar(const struct hss_env *env, struct job *j) IMS_CHECK;
int job_run_sar(const struct hss_env *env, struct job *j) IMS_CHECK;

/* Turns the job into an error: a reply without content. */
void job_fail(struct job *j, struct dia_result result, enum verdict_cause cause, const char *why);

/* The request's header, IMPI and IMPU (first one), whatever the command. */
const struct cx_request *job_request(const struct job *j);
struct span job_impi(const struct job *j);
struct span job_impu(const struct job *j);

/* The SD-AV of SIP Digest (TS 33.203 N.2.1.1, TS 29.229 6.3.36): realm, algorithm, qop "auth", H(A1) in hex;
 * no key. What it is given must outlive it. */
void cx_digest_item(struct cx_auth_item *item, struct span realm, enum digest_algorithm algorithm,
                    const char *ha1);

/* Encodes and sends, or drops a stale one; the request is then gone. */
void job_answer(struct job *j, const struct hss_conf *conf);

/* One line for what was answered, a verdict for what was refused. */
void job_log(const struct job *j, struct trace *t);
