/* SPDX-License-Identifier: BSD-3-Clause
 * What the store knows about the identities of one Cx request, what a procedure decides from it, and
 * what is to be written. Procedures are pure: facts in, decision out (TS 29.228 6.1, 6.3). */
#pragma once

#include "common/diameter/cx.h"
#include "common/trace/verdict.h"
#include "hss/arena.h"

/* State of an implicit registration set, and so of each of its IMPUs (TS 29.228 3.1). */
enum reg_state { REG_ST_NOT_REGISTERED, REG_ST_REGISTERED, REG_ST_UNREGISTERED };

const char *reg_state_name(enum reg_state s); /* "not registered" */

/* The one credential of an IMPI. */
enum hss_scheme { HSS_SCHEME_AKA, HSS_SCHEME_DIGEST, HSS_SCHEME_NBA, HSS_SCHEME_GIBA, HSS_SCHEMES };

struct facts {
        int64_t impi, impu, set, subscription; /* rows; 0: not known */
        bool associated;                       /* the IMPI may use the IMPU */
        uint32_t type;                         /* enum profile_identity_type of the IMPU */
        bool barred, set_barred;               /* this IMPU; every IMPU of its set */
        bool registration_allowed, unregistered_services;
        enum hss_scheme scheme;  /* of the IMPI */
        enum reg_state state;    /* of the set */
        bool registered;         /* this IMPI has the set registered */
        bool pending;            /* authentication pending for this IMPI and set */
        bool sibling_registered; /* another IMPI has the set registered */
        bool other_set_active;   /* another set of the subscription is registered or unregistered */
        bool other_pending;      /* authentication pending elsewhere in the subscription */
        bool shared;             /* several IMPIs may use the set */
        bool reassign;           /* capabilities were asked for: the S-CSCF may be overwritten */
        /* Texts live in the arena given to the read; p NULL: none. Lists: one entry per line. */
        struct span impi_name, impu_name; /* as stored (a wildcard differs from what was asked for) */
        struct span scscf_name, visited, mandatory, optional, server_names, as_name;
};

enum name_effect { NAME_KEEP, NAME_STORE, NAME_CLEAR };
enum restoration_effect { RESTORATION_KEEP, RESTORATION_STORE, RESTORATION_CLEAR };

/* -1 in a number: unchanged. */
struct effects {
        int state;      /* enum reg_state of the set */
        int registered; /* of the IMPI and set */
        int pending;    /* of the IMPI and set */
        int reassign;
        enum name_effect name;
        enum restoration_effect restoration;
};

#define EFFECTS_NONE ((struct effects){.state = -1, .registered = -1, .pending = -1, .reassign = -1})

struct decision {
        struct dia_result result;
        const char *failed; /* name of the AVP at fault, or NULL */
        /* What the answer carries. */
        bool server_name, capabilities, as_name;
        bool user_data, charging, associated, restoration;
        bool resync; /* MAR: AUTS is to be verified */
        struct effects effects;
        /* Why, for the log; refused: result is not 2xxx. */
        enum verdict_cause cause;
        const char *clause;
        const char *why; /* static sentence, or NULL */
};

static inline struct decision decision_ok(struct dia_result result, const char *clause)
{
        return (struct decision){.result = result, .effects = EFFECTS_NONE, .clause = clause};
}

static inline struct decision decision_refuse(struct dia_result result, enum verdict_cause cause,
                                              const char *clause, const char *why)
{
        return (struct decision){
                .result = result, .effects = EFFECTS_NONE, .cause = cause, .clause = clause, .why = why};
}

/* 5001 and 5002: the first step of each procedure. True when decided. need_impi: the request names one. */
bool decide_identities(const struct facts *f, bool need_impi, bool need_impu, const char *clause,
                       struct decision *out);

/* 5011: a feature marked as required is not supported (TS 29.229 7.2.2). True when decided. */
bool decide_features(const struct cx_features *f, struct decision *out);
#define HSS_FEATURES     UINT32_C(0x7) /* SiFC, AliasInd, IMSRestorationInd */
#define HSS_FEATURE_SIFC UINT32_C(0x1)

/* The IMPI's own registration and the S-CSCF are given up; what else of the subscription needs the name
 * keeps it. */
bool facts_name_needed(const struct facts *f);

struct decision cx_uar_decide(const struct cx_uar *m, const struct facts *f);
struct decision cx_mar_decide(const struct cx_mar *m, const struct facts *f);
struct decision cx_lir_decide(const struct cx_lir *m, const struct facts *f);

/* The whole request before any identity is looked at: counts and types. True when decided. */
bool cx_sar_precheck(const struct cx_sar *m, struct decision *out);
/* One identity of it. keep_name: policy for *_STORE_SERVER_NAME. */
struct decision cx_sar_decide(const struct cx_sar *m, const struct facts *f, bool keep_name);
