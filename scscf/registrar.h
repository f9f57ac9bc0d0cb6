/* SPDX-License-Identifier: BSD-3-Clause
 * The registrar of the S-CSCF: TS 24.229 5.4.1, TS 33.203 6.1. What it needs of the world (clock, timers,
 * Cx, answers, verdicts) comes through a port, so that tests drive it without any. */
#pragma once

#include "common/sip/stack.h"
#include "common/trace/verdict.h"
#include "scscf/user_store.h"

struct cx_mar;
struct cx_maa;
struct cx_sar;
struct cx_saa;
struct cx_rtr;
struct cx_ppr;
struct dia_txn;

struct reg_port {
        uint64_t (*now_ms)(void *arg);
        uint64_t (*wall_s)(void *arg); /* since 1970, for what is stored in the HSS */
        int (*timer_start)(void *arg, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *fn_arg);
        void (*timer_stop)(void *arg, struct tmr *t);
        /* As cx_send_mar and cx_send_sar; fn never runs before the call returns. */
        int (*mar)(void *arg, const struct cx_mar *m, void (*fn)(int, const struct cx_maa *, void *),
                   void *fn_arg, struct dia_txn **out);
        int (*sar)(void *arg, const struct cx_sar *m, void (*fn)(int, const struct cx_saa *, void *),
                   void *fn_arg, struct dia_txn **out);
        void (*cancel)(void *arg, struct dia_txn *t);
        void (*reply)(void *arg, struct sip_request *rq, int status, const char *reason,
                      const struct sip_field *add, size_t n_add);
        void (*verdict)(void *arg, const struct verdict *v);
        void (*idle)(void *arg); /* no job is left; may be NULL */
};

struct registrar {
        const struct scscf_conf *conf;
        struct reg_port port;
        void *arg;
        struct user_store store;
        struct span host; /* host[:port] of our own name */
        size_t n_jobs;    /* REGISTERs and timer work in hand */
        bool closing;     /* 503 to new work */
        char opaque[17];  /* of our Digest challenges; "": none */
};

/* conf is borrowed; port is copied. */
void registrar_init(struct registrar *r, const struct scscf_conf *conf, const struct reg_port *port,
                    void *arg);

/* Answers what is in hand with 503 and frees everything. */
void registrar_clear(struct registrar *r);

/* A REGISTER; takes the caller's reference of rq. */
void registrar_register(struct registrar *r, struct sip_request *rq);

/* --- from the HSS (TS 29.228 6.1.3, 6.2) ---------------------------------------------------------- */

/* Ends registrations as RTR says. 0, or -IMS_ENOTFOUND when nothing of it is registered here. */
int registrar_rtr(struct registrar *r, const struct cx_rtr *m);

/* Takes over changed user data, or a new H(A1). 0; -IMS_ENOTFOUND, -IMS_EPARSE (user data not readable),
 * -IMS_EPROTO (a vector that cannot be used), -IMS_EUNSUPPORTED (one of another scheme than the user's),
 * -IMS_ENOMEM. */
int registrar_ppr(struct registrar *r, const struct cx_ppr *m);

/* Brings a set back that was lost in a restart, from the SAA to a NO_ASSIGNMENT (TS 23.380 4). 0 also when
 * the IMPU is registered here by now; -IMS_ENOTFOUND when the HSS has no binding that still runs, or its user
 * registers just now; -IMS_EPARSE, -IMS_EINVAL, -IMS_EEXISTS (profile), -IMS_ENOMEM. */
int registrar_restore(struct registrar *r, struct span impu, const struct cx_saa *a) IMS_CHECK;

/* --- for the operator ------------------------------------------------------------------------------ */

/* The next REGISTER of this user is challenged whatever policy says (TS 33.203 6.1.4, N.2.4). The UE cannot
 * be asked for it before there is the reg event package. -IMS_ENOTFOUND when the IMPI has no binding here. */
int registrar_reauthenticate(struct registrar *r, struct span impi) IMS_CHECK;

/* One line of JSON about a user, no secrets; a line that begins with "error:" when there is no such user. */
void registrar_status(const struct registrar *r, struct span impi, struct buf *out);

/* --- for requests other than REGISTER ------------------------------------------------------------- */

/* The best binding of a set: highest q, then the most recent; rank 0 is the best, and other flows of a phone
 * stand behind its best one. NULL when there are not that many. */
const struct contact *registrar_contact(const struct reg_set *set, size_t rank);
