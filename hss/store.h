/* SPDX-License-Identifier: BSD-3-Clause
 * The subscriber store. One SQLite database in WAL mode; every function runs inside a transaction the
 * caller opened with store_begin, unless it says otherwise.
 *
 * Errors of all functions: -IMS_EALREADY (another program writes just now: try again), -IMS_EEXISTS (an
 * identity is there already), -IMS_ENOTFOUND, -IMS_EDB (disk full, read-only, damaged, ...: store_error
 * has the text, it is logged by the caller), -IMS_ENOMEM. */
#pragma once

#include "common/auth/aka.h"
#include "common/auth/digest.h"
#include "common/auth/sqn.h"
#include "hss/facts.h"
#include "hss/keyfile.h"

struct store;

enum store_role { STORE_SERVER, STORE_TOOL };

struct store_conf {
        const char *file, *key_file;
        enum store_role role; /* STORE_SERVER never waits for a lock; STORE_TOOL waits long */
        bool synchronous_full;
        uint32_t ind_bits;
};

/* Makes database and key file; one of the two may be there already, but then the key file must fit the
 * database. Directories are not made. err says what is wrong, one line each. */
int store_create(const struct store_conf *c, struct buf *err) IMS_CHECK;

/* True when the database file is there. */
bool store_exists(const char *file);

/* Opens, migrates to the current version, sets the pragmas and reads them back, checks that the key file
 * is the one this database was made with. Refusals are clear lines in err. No transaction is open. */
int store_open(const struct store_conf *c, struct store **out, struct buf *err) IMS_CHECK;
void store_close(struct store *s); /* accepts NULL; rolls back what is open */

/* Copies the database into a new file of mode 0600, outside a transaction; others may write meanwhile. A
 * server that opens the copy moves every SQN on first. */
int store_backup(struct store *s, const char *file) IMS_CHECK;

struct keyfile *store_keys(struct store *s);
const char *store_error(const struct store *s); /* text of the last failure */
/* What is wrong with the database, for a verdict: "there is no room for the database: its disk is full". */
const char *store_trouble(const struct store *s);

int store_begin(struct store *s, bool write) IMS_CHECK;
int store_commit(struct store *s) IMS_CHECK; /* on failure everything is rolled back */
void store_rollback(struct store *s);        /* does nothing outside a transaction */

/* --- Cx: reading ---------------------------------------------------------------------------------
 * An identity that is not known is no error: its row number is 0. Texts are copied into a. An IMPU that
 * matches no row is tried against the wildcarded ones. */
int store_read_pair(struct store *s, struct arena *a, struct span impi, struct span impu,
                    struct facts *out) IMS_CHECK;
int store_read_impu(struct store *s, struct arena *a, struct span impu, struct facts *out) IMS_CHECK;
int store_read_set(struct store *s, struct arena *a, int64_t impi, int64_t set, struct facts *out) IMS_CHECK;

/* What the authentication centre needs of one IMPI. Wipe it after use. */
struct credential {
        enum hss_scheme scheme;
        struct aka_key key; /* AKA */
        bool has_op;        /* OPc was made of OP here; op: OP (16 octets) or TOP (32) */
        uint8_t op[32];
        uint16_t amf;
        struct sqn_hss sqn;
        char ha1[DIGEST_HEX_MAX];               /* Digest: hex */
        enum digest_algorithm digest_algorithm; /* DIGEST_MD5 or DIGEST_SHA256 */
        struct span digest_realm;
        struct span line_ids; /* NBA, one per line */
};

/* -IMS_EAUTH when the credential does not open (row changed by hand, or the key is another one). */
int store_read_credential(struct store *s, struct arena *a, int64_t impi, struct credential *out) IMS_CHECK;

/* An IMPI with AKA, on a walk over all of them. Texts and key live until the visit ends. */
struct store_visit {
        int64_t id, subscription;
        struct span impi, imsi;
        const struct credential *credential;
};
typedef bool store_visit_fn(const struct store_visit *v, void *arg); /* false: enough */

/* Visits at most limit IMPIs with AKA from row *from on, and moves *from behind the last one; *n of them
 * were there, those whose credential does not open included, which are not shown. */
int store_each_credential(struct store *s, int64_t *from, size_t limit, store_visit_fn *fn, void *arg,
                          size_t *n) IMS_CHECK;

/* Sets of an IMPI, at most cap; only those it has registered when registered_only. */
int store_list_sets(struct store *s, int64_t impi, bool registered_only, int64_t *out, size_t cap,
                    size_t *n) IMS_CHECK;

#define STORE_IMPIS_MAX 16
struct store_impis { /* the first ones of a longer list */
        struct span v[STORE_IMPIS_MAX];
        size_t n;
};
int store_list_impis(struct store *s, struct arena *a, int64_t subscription,
                     struct store_impis *out) IMS_CHECK;
int store_list_registered_impis(struct store *s, struct arena *a, int64_t set,
                                struct store_impis *out) IMS_CHECK;

struct store_impu { /* one identity of a set, for User-Data */
        struct span impu, display_name;
        uint32_t type, alias_group;
        bool barred, has_alias_group;
        int64_t profile, profile_revision;
};
int store_list_impus(struct store *s, struct arena *a, int64_t set, struct store_impu **out,
                     size_t *n) IMS_CHECK;

/* Document of a service profile; p NULL when it has none. */
int store_read_profile(struct store *s, struct arena *a, int64_t profile, struct span *out) IMS_CHECK;

struct store_extras {                        /* of a subscription, for SAA */
        struct span charging;                /* four lines, or p NULL */
        int loose_route, priviledged_sender; /* -1: not sent */
};
int store_read_extras(struct store *s, struct arena *a, int64_t subscription,
                      struct store_extras *out) IMS_CHECK;

/* Restoration data of a set, one text per IMPI (restoration.h). */
int store_list_restoration(struct store *s, struct arena *a, int64_t set, struct span *out, size_t cap,
                           size_t *n) IMS_CHECK;

/* --- Cx: writing --------------------------------------------------------------------------------- */

struct serving { /* the S-CSCF of a request */
        struct span name, host, realm;
        struct span restoration; /* for RESTORATION_STORE */
};
int store_apply(struct store *s, const struct facts *f, const struct effects *e,
                const struct serving *by) IMS_CHECK;
int store_write_sqn(struct store *s, int64_t impi, const struct sqn_hss *sqn) IMS_CHECK;

/* --- Checkpoints --------------------------------------------------------------------------------- */

/* Pages in the write-ahead log after the last commit. */
int store_wal_pages(const struct store *s);
/* Copies the log into the database on a connection of its own; for a worker thread. restart: also
 * starts the log over, which keeps writers away for a moment. */
int store_checkpoint(const char *file, bool restart) IMS_CHECK;
