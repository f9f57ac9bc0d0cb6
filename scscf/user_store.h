/* SPDX-License-Identifier: BSD-3-Clause
 * What the S-CSCF knows: IMPIs (user), implicit registration sets (reg_set) with their IMPUs, bindings
 * between the two. A set lives as long as it has a binding; a user as long as it has a binding, a
 * pending challenge or work. One allocation each. TS 23.228 4.3.3.4, TS 24.229 5.4.1. */
#pragma once

#include "common/net/loop.h"
#include "scscf/contact.h"
#include "scscf/shared.h"

struct av;
struct auth_scheme;
struct challenge;
struct digest_fetch;
struct digest_user;
struct reg_job;
struct registrar;
struct reg_set;

/* One IMPI. */
struct user {
        struct hnode node;
        struct list contacts; /* contact.in_user */
        struct list waiting;  /* reg_job.node: behind the one under way */
        struct reg_job *job;  /* under way, or NULL */
        struct challenge *challenge;
        const struct auth_scheme *scheme; /* of the registration or challenge; NULL: not known yet */
        struct av *avs;
        struct digest_user *digest; /* SIP Digest: H(A1) and nonces, or NULL */
        struct digest_fetch *fetch; /* requests that wait for an H(A1), or NULL */
        struct shared *hss;         /* Origin-Host of the last Cx answer (TS 29.228 6.1.2) */
        uint64_t last_nonce;        /* hash of the nonce answered rightly last; 0: none */
        uint64_t last_answer;       /* ... and of nonce and response together */
        unsigned state;             /* enum reg_state */
        bool reauthenticate;        /* the next REGISTER is challenged (TS 33.203 6.1.4) */
        uint16_t resyncs;           /* synchronisation failures in a row */
        uint16_t n_waiting;
        uint16_t impi_n;
        char impi[];
};

/* One public identity of a set. */
struct impu {
        struct hnode node;
        struct reg_set *set;
        struct shared *service; /* its filter criteria, or NULL */
        uint32_t at;            /* in the set's text */
        uint16_t n;
        uint8_t type; /* enum profile_identity_type */
        bool barred;
};

#define IMPU_NONE UINT16_MAX

/* An implicit registration set. */
struct reg_set {
        struct registrar *registrar;
        struct list contacts; /* contact.in_set */
        struct tmr expiry;
        struct shared *charging; /* value of P-Charging-Function-Addresses, or NULL */
        uint64_t token;          /* says in our Service-Route who uses it */
        uint16_t n_impus;
        uint16_t default_impu; /* index, IMPU_NONE when all are barred */
        struct impu impus[];   /* the text of all follows */
};

struct user_store {
        struct htab users; /* by IMPI */
        struct htab impus;
        struct shared_store shared;
        size_t n_sets, n_contacts;
};

struct user *user_find(const struct user_store *s, struct span impi);

/* A new user without bindings, in the store. -IMS_ENOMEM. */
int user_new(struct user_store *s, struct span impi, struct user **out) IMS_CHECK;

/* Takes it out of the store. It must have no binding, challenge, job or fetch. Vectors are wiped. */
void user_free(struct user_store *s, struct user *u);

static inline struct span user_impi(const struct user *u)
{
        return span_make(u->impi, u->impi_n);
}

/* The entry of a canonical IMPU in the set it is registered with, or NULL. */
struct impu *impu_find(const struct user_store *s, struct span impu);

struct span impu_text(const struct impu *i);
struct span reg_set_default(const struct reg_set *set); /* empty when all are barred */

/* True when this IMPI has a binding on the set. set may be NULL. */
bool reg_set_has_user(const struct reg_set *set, const struct user *u);
/* True when this IMPI registered one of its bindings over TLS ("tls-protected", TS 33.203 O.2.2). */
bool reg_set_over_tls(const struct reg_set *set, const struct user *u);
size_t reg_set_count(const struct reg_set *set);

/* A set in the store with the identities of the profile and, when old is given, its bindings, charging
 * data and token; old is then freed. charging: new value or empty. -IMS_EINVAL when the profile does not hold
 * impu; -IMS_EEXISTS when an identity belongs to another set; -IMS_ENOMEM, -IMS_ECRYPTO. */
int reg_set_new(struct user_store *s, const struct profile *p, struct span impu, struct span charging,
                struct reg_set *old, struct reg_set **out) IMS_CHECK;

/* Takes a set without bindings out of the store. Its timer must have been stopped. Accepts NULL. */
void reg_set_free(struct user_store *s, struct reg_set *set);

void contact_link(struct user_store *s, struct contact *c, struct reg_set *set, struct user *u);
void contact_drop(struct user_store *s, struct contact *c);

/* Frees the tables; everything in them must be gone. */
void user_store_free(struct user_store *s);
