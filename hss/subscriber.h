/* SPDX-License-Identifier: BSD-3-Clause
 * Provisioning: what a command line or a CSV row says about a subscriber, checked field by field and then
 * as a whole, before the store is touched. Every refusal is "FIELD: reason". */
#pragma once

#include "common/auth/aka.h"
#include "hss/hss_conf.h"
#include "hss/store_provision.h"

#define SUB_LIST_MAX 32 /* values of a repeated field */

struct sub_list {
        struct span v[SUB_LIST_MAX];
        size_t n;
};

/* name, use, kind, doc (the table itself is in subscriber_fields.c) */
enum sub_field {
        SUB_IMSI,
        SUB_MSISDN,
        SUB_MNC_DIGITS,
        SUB_DOMAIN,
        SUB_IMPI,
        SUB_JOIN,
        SUB_IMPU,
        SUB_BARRED_IMPU,
        SUB_SEPARATE_IMPU,
        SUB_PSI,
        SUB_AS_NAME,
        SUB_DISPLAY_NAME,
        SUB_TUAK,
        SUB_K,
        SUB_OP,
        SUB_OPC,
        SUB_TOP,
        SUB_TOPC,
        SUB_KECCAK,
        SUB_RES_OCTETS,
        SUB_AMF,
        SUB_SQN,
        SUB_PASSWORD,
        SUB_PASSWORD_FILE,
        SUB_PASSWORD_STDIN,
        SUB_BOOTSTRAP,
        SUB_DIGEST_HA1,
        SUB_DIGEST_ALGORITHM,
        SUB_DIGEST_REALM,
        SUB_NBA_LINE,
        SUB_PROFILE,
        SUB_CAPABILITY,
        SUB_SERVER_NAME,
        SUB_VISITED,
        SUB_REGISTRATION,
        SUB_UNREGISTERED,
        SUB_ECF,
        SUB_CCF,
        SUB_LOOSE_ROUTE,
        SUB_PRIVILEDGED,
        SUB_BAR,
        SUB_UNBAR,
        SUB_REMOVE_IMPU,
        SUB_REAUTHENTICATE,
        SUB_DEREGISTER,
        SUB_FIELDS
};

struct subscriber {
        uint64_t given; /* bit per field */
        struct span imsi, msisdn, domain, impi, join, as_name, display_name, profile, digest_realm;
        struct sub_list impus, barred, separate, psis, lines, server_names, visited, ecf, ccf, bar, unbar,
                remove;
        struct sub_list mandatory, optional; /* capabilities, as text */
        uint32_t mnc_digits, keccak, res_octets;
        bool tuak, registration_allowed, unregistered_services, any_network;
        bool loose_route, priviledged;
        uint8_t k[32], op[32], opc[32]; /* op, opc also hold TOP and TOPc */
        size_t k_n;
        uint16_t amf;
        uint64_t sqn;
        char password[128], ha1[DIGEST_HEX_MAX];
        enum digest_algorithm digest_algorithm;
};

enum { SUB_USE_ADD = 1, SUB_USE_SET = 2, SUB_USE_CSV = 4 };
enum sub_kind { SUB_ONE, SUB_MANY, SUB_SWITCH }; /* a value; several; none (the word alone) */

struct sub_row {
        const char *name; /* option --name and CSV column */
        unsigned use;
        enum sub_kind kind;
        const char *value; /* for the help text */
        const char *doc;
        /* Takes one value. NULL, or a static text saying what is wrong (never the value of a secret). */
        const char *(*take)(struct subscriber *sub, struct arena *a, struct span value);
};

extern const struct sub_row sub_rows[SUB_FIELDS];

static inline bool sub_given(const struct subscriber *sub, enum sub_field f)
{
        return sub->given >> f & 1;
}

/* The field of that name for that use, or SUB_FIELDS. */
enum sub_field sub_find(struct span name, unsigned use);

/* Takes a value; NULL or what is wrong. */
const char *sub_take(struct subscriber *sub, struct arena *a, enum sub_field f, struct span value);

/* True for keys and passwords. */
bool sub_is_secret(enum sub_field f);

/* Overwrites keys and passwords in the argument list, which everybody on the machine can read, and lets
 * argv point to copies in a; that arena is to be reset as a secret. -IMS_ENOMEM. */
int sub_hide_args(struct arena *a, int argc, char **argv) IMS_CHECK;

/* Options from argv[0..argc). 0, or with "--FIELD: reason" lines in err -IMS_EINVAL, -IMS_ENOTFOUND for a
 * word that is no option here. Texts are copied. */
int sub_read_args(struct subscriber *sub, struct arena *a, unsigned use, int argc, char **argv,
                  struct buf *err) IMS_CHECK;

/* Checks the fields against each other. add: a new subscriber, else a change. NULL, or what is wrong
 * with *field. */
const char *sub_check(const struct subscriber *sub, bool add, enum sub_field *field);

/* Wipes keys and clears. */
void sub_wipe(struct subscriber *sub);

/* --- over the store: inside a transaction -------------------------------------------------------- */

struct provision {
        const struct hss_conf *conf;
        struct store *store;
        struct aka_ctx *aka;
        struct arena *arena; /* reset by the caller */
};

/* Both: 0, or a negative error with "FIELD: reason" in err (-IMS_EINVAL, -IMS_EEXISTS, -IMS_ENOTFOUND),
 * or a failure of the store. */
int sub_add(const struct provision *p, const struct subscriber *sub, struct buf *err) IMS_CHECK;
int sub_change(const struct provision *p, struct record *r, const struct subscriber *sub,
               struct buf *err) IMS_CHECK;

/* Last of both: every domain and realm of the record lies in trust_domain, where one is configured (TLS-FWD
 * 8.1). -IMS_EINVAL with "FIELD: reason". */
int sub_check_trust_domain(const struct provision *p, int64_t impi, struct buf *err) IMS_CHECK;

/* Lines of advice on the names of a store that lie outside: the first ones, and how many there are. A store
 * that is not there has none. */
void trust_domain_look(const char *trust_domain, const char *store_file, struct buf *err);

/* The record's fields that sub gives; for both. */
int sub_fill_record(const struct provision *p, const struct subscriber *sub, struct record *r,
                    struct buf *err) IMS_CHECK;

/* Seals the key for r, and with it the OP or TOP that OPc was made of (NULL: there is none), so that the
 * diagnosis can tell an OPc that was given for an OP. Algorithm, iterations and length of RES follow. */
int sub_seal_key(const struct provision *p, const struct aka_key *key, const uint8_t *op,
                 struct record *r) IMS_CHECK;

/* Is a credential of SIP Digest given: a password, where one stands, H(A1), or --bootstrap? */
bool sub_gives_digest(const struct subscriber *sub);

/* SIP Digest: H(A1) of the password, as it was given, or of one that nobody knows (--bootstrap). Realm and
 * algorithm stay as they are in r when they are not given. */
int sub_fill_digest(const struct provision *p, const struct subscriber *sub, struct record *r,
                    struct buf *err) IMS_CHECK;

/* Inside the transaction of a change: what the S-CSCF that serves r is to be told of it, a new password
 * (digest: the record had one before) or the end of the registration. *queued: something is. */
int sub_queue_push(const struct provision *p, const struct subscriber *sub, const struct record *r,
                   bool digest, bool *queued) IMS_CHECK;

/* Seals a credential of r->impi into r. */
int sub_seal(const struct provision *p, struct record *r, const void *plain, size_t n) IMS_CHECK;

/* One value per line; p NULL for an empty list. */
int sub_lines(struct arena *a, const struct sub_list *list, struct span *out) IMS_CHECK;
