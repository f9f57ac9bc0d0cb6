/* SPDX-License-Identifier: BSD-3-Clause
 * What Cx procedures read. */
#include <regex.h>
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "hss/store_int.h"

/* The columns of FACTS in store_sql.c, in their order. */
enum {
        C_IMPI,
        C_SCHEME,
        C_IMPI_NAME,
        C_IMPU,
        C_SET,
        C_SUBSCRIPTION,
        C_TYPE,
        C_BARRED,
        C_STATE,
        C_REGISTRATION_ALLOWED,
        C_UNREGISTERED_SERVICES,
        C_REASSIGN,
        C_REGISTERED,
        C_PENDING,
        C_ASSOCIATED,
        C_SET_BARRED,
        C_SIBLINGS,
        C_OTHER_SETS,
        C_TEXTS
};

static int take_texts(struct arena *a, sqlite3_stmt *st, struct facts *f)
{
        struct span *const to[] = {&f->impu_name, &f->scscf_name,   &f->visited, &f->mandatory,
                                   &f->optional,  &f->server_names, &f->as_name};
        int rc = sql_text(a, st, C_IMPI_NAME, &f->impi_name);
        for (int i = 0; rc == 0 && i < (int)(sizeof to / sizeof *to); i++)
                rc = sql_text(a, st, C_TEXTS + i, to[i]);
        return rc;
}

/* Bits of C_SIBLINGS and C_OTHER_SETS. */
enum { ACTIVE = 1, PENDING = 2 };

static int take(struct arena *a, sqlite3_stmt *st, struct facts *f)
{
        int siblings = sqlite3_column_int(st, C_SIBLINGS), sets = sqlite3_column_int(st, C_OTHER_SETS);
        *f = (struct facts){
                .impi = sqlite3_column_int64(st, C_IMPI),
                .scheme = (enum hss_scheme)sqlite3_column_int(st, C_SCHEME),
                .impu = sqlite3_column_int64(st, C_IMPU),
                .set = sqlite3_column_int64(st, C_SET),
                .subscription = sqlite3_column_int64(st, C_SUBSCRIPTION),
                .type = (uint32_t)sqlite3_column_int(st, C_TYPE),
                .barred = sqlite3_column_int(st, C_BARRED),
                .state = (enum reg_state)sqlite3_column_int(st, C_STATE),
                .registration_allowed = sqlite3_column_int(st, C_REGISTRATION_ALLOWED),
                .unregistered_services = sqlite3_column_int(st, C_UNREGISTERED_SERVICES),
                .reassign = sqlite3_column_int(st, C_REASSIGN),
                .registered = sqlite3_column_int(st, C_REGISTERED),
                .pending = sqlite3_column_int(st, C_PENDING),
                .associated = sqlite3_column_int(st, C_ASSOCIATED),
                .set_barred = sqlite3_column_int(st, C_SET_BARRED),
                .sibling_registered = siblings & ACTIVE,
                .shared = sqlite3_column_type(st, C_SIBLINGS) != SQLITE_NULL,
                .other_set_active = sets & ACTIVE,
                .other_pending = (siblings | sets) & PENDING,
        };
        return take_texts(a, st, f);
}

/* Runs a bound facts statement; no row leaves *out empty. */
static int read_facts(struct store *s, struct arena *a, sqlite3_stmt *st, struct facts *out)
{
        struct facts f = {0};
        int rc = sql_step(s, st);
        if (rc == 1)
                rc = take(a, st, &f);
        sql_reset(st);
        if (rc < 0)
                return rc;
        *out = f;
        return 0;
}

/* "sip:chat-!.*!@example.org": what stands between the exclamation marks is a regular expression, the
 * rest is literal (TS 23.003 13.5). */
static bool wildcard_matches(struct span wildcard, struct span impu)
{
        ptrdiff_t open = span_chr(wildcard, '!', 0);
        ptrdiff_t close = open < 0 ? -1 : span_chr(wildcard, '!', (size_t)open + 1);
        if (close < 0)
                return false;
        struct span head = span_sub(wildcard, 0, (size_t)open);
        struct span tail = span_sub(wildcard, (size_t)close + 1, wildcard.n);
        if (impu.n < head.n + tail.n || !span_starts(impu, head) || !span_ends(impu, tail))
                return false;
        char *re = NULL;
        char *text = span_dup(span_sub(impu, head.n, impu.n - tail.n));
        struct buf b = BUF_INIT;
        regex_t compiled;
        bool match = false;
        buf_puts(&b, "^(");
        buf_span(&b, span_sub(wildcard, (size_t)open + 1, (size_t)close));
        buf_puts(&b, ")$");
        re = buf_steal(&b);
        if (re && text && regcomp(&compiled, re, REG_EXTENDED | REG_NOSUB) == 0) {
                match = regexec(&compiled, text, 0, NULL, 0) == 0;
                regfree(&compiled);
        }
        free(re);
        free(text);
        return match;
}

/* The wildcarded identity that covers impu; p NULL when none does. */
static int find_wildcard(struct store *s, struct arena *a, struct span impu, struct span *out)
{
        sqlite3_stmt *st = sql_bind(s, SQL_LIST_WILDCARDS, "");
        int rc;
        *out = SPAN_NULL;
        while ((rc = sql_step(s, st)) == 1) {
                struct span w = span_make(sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0));
                if (!wildcard_matches(w, impu))
                        continue;
                rc = arena_copy(a, w, out);
                break;
        }
        if (rc >= 0)
                sql_reset(st);
        return rc < 0 ? rc : 0;
}

int store_read_pair(struct store *s, struct arena *a, struct span impi, struct span impu, struct facts *out)
{
        struct facts f;
        struct span wildcard;
        if (store_cache_get(s->cache, a, impi, impu, out))
                return 0;
        int rc = read_facts(s, a, sql_bind(s, SQL_READ_PAIR, "tt", impi, impu), &f);
        if (rc < 0)
                return rc;
        store_cache_put(s->cache, &f);
        if (!f.impu) {
                rc = find_wildcard(s, a, impu, &wildcard);
                if (rc == 0 && wildcard.p)
                        rc = read_facts(s, a, sql_bind(s, SQL_READ_PAIR, "tt", impi, wildcard), &f);
        }
        if (rc == 0)
                *out = f;
        return rc;
}

int store_read_impu(struct store *s, struct arena *a, struct span impu, struct facts *out)
{
        struct facts f;
        struct span wildcard;
        int rc = read_facts(s, a, sql_bind(s, SQL_READ_IMPU, "t", impu), &f);
        if (rc < 0)
                return rc;
        if (!f.impu) {
                rc = find_wildcard(s, a, impu, &wildcard);
                if (rc == 0 && wildcard.p)
                        rc = read_facts(s, a, sql_bind(s, SQL_READ_IMPU, "t", wildcard), &f);
        }
        if (rc == 0)
                *out = f;
        return rc;
}

int store_read_set(struct store *s, struct arena *a, int64_t impi, int64_t set, struct facts *out)
{
        return read_facts(s, a, sql_bind(s, SQL_READ_SET, "ii", impi, set), out);
}

/* What is sealed for AKA: K, OPc and, if it was given, OP, each as long as the algorithm says. */
static int split_key(const uint8_t *plain, size_t n, struct credential *c)
{
        const size_t opc_n = c->key.algorithm == AKA_TUAK ? 32 : 16;
        const size_t long_k = c->key.algorithm == AKA_TUAK ? 32 : 16; /* Milenage knows one length alone */
        for (size_t k_n = 16; k_n <= long_k; k_n += 16)
                for (size_t parts = 1; parts <= 2; parts++) {
                        if (n != k_n + parts * opc_n)
                                continue;
                        c->key.k_n = k_n;
                        c->has_op = parts == 2;
                        memcpy(c->key.k, plain, k_n);
                        memcpy(c->key.opc, plain + k_n, opc_n);
                        if (c->has_op)
                                memcpy(c->op, plain + k_n + opc_n, opc_n);
                        return 0;
                }
        return -IMS_EAUTH;
}

/* For Digest: H(A1) as hex. */
static int open_credential(struct store *s, sqlite3_stmt *st, struct credential *c)
{
        uint8_t plain[96];
        size_t n = 0;
        struct span owner = span_make(sqlite3_column_text(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        struct span sealed = span_make(sqlite3_column_blob(st, 10), (size_t)sqlite3_column_bytes(st, 10));
        int rc = keyfile_open(s->keys, owner, sealed, plain, sizeof plain, &n);
        if (rc < 0)
                return rc;
        if (c->scheme == HSS_SCHEME_DIGEST && n < sizeof c->ha1) {
                memcpy(c->ha1, plain, n);
                c->ha1[n] = '\0';
        } else {
                rc = c->scheme == HSS_SCHEME_AKA ? split_key(plain, n, c) : -IMS_EAUTH;
        }
        secret_wipe(plain, sizeof plain);
        return rc;
}

/* The columns of CREDENTIAL in store_sql.c, but for its texts. */
static int take_credential(struct store *s, sqlite3_stmt *st, struct credential *c)
{
        *c = (struct credential){
                .scheme = (enum hss_scheme)sqlite3_column_int(st, 1),
                .key.algorithm = sqlite3_column_int(st, 2) ? AKA_TUAK : AKA_MILENAGE,
                .amf = (uint16_t)sqlite3_column_int(st, 3),
                .key.keccak_iterations = (unsigned)sqlite3_column_int(st, 4),
                .key.res_n = (size_t)sqlite3_column_int(st, 5),
                .sqn.seq = (uint64_t)sqlite3_column_int64(st, 6),
                .digest_algorithm = sqlite3_column_int(st, 13) ? DIGEST_SHA256 : DIGEST_MD5,
        };
        for (int d = 0; d < SQN_DOMAINS; d++)
                c->sqn.ind[d] = (uint8_t)sqlite3_column_int(st, 7 + d);
        return c->scheme == HSS_SCHEME_AKA || c->scheme == HSS_SCHEME_DIGEST ? open_credential(s, st, c) : 0;
}

int store_read_credential(struct store *s, struct arena *a, int64_t impi, struct credential *out)
{
        struct credential c;
        sqlite3_stmt *st = sql_bind(s, SQL_READ_CREDENTIAL, "i", impi);
        int rc = sql_step(s, st);
        if (rc <= 0) {
                sql_reset(st);
                return rc < 0 ? rc : -IMS_ENOTFOUND;
        }
        rc = take_credential(s, st, &c);
        if (rc == 0)
                rc = sql_text(a, st, 11, &c.digest_realm);
        if (rc == 0)
                rc = sql_text(a, st, 12, &c.line_ids);
        sql_reset(st);
        if (rc == 0)
                *out = c;
        secret_wipe(&c, sizeof c);
        return rc;
}

static struct span column(sqlite3_stmt *st, int i)
{
        return span_make(sqlite3_column_text(st, i), (size_t)sqlite3_column_bytes(st, i));
}

int store_each_credential(struct store *s, int64_t *from, size_t limit, store_visit_fn *fn, void *arg,
                          size_t *n)
{
        struct credential c = {0};
        sqlite3_stmt *st = sql_bind(s, SQL_EACH_CREDENTIAL, "ii", *from, (int64_t)limit);
        int rc = 0;
        bool more = true;
        *n = 0;
        while (more && (rc = sql_step(s, st)) == 1) {
                rc = take_credential(s, st, &c);
                ++*n;
                *from = sqlite3_column_int64(st, 14) + 1;
                if (rc == -IMS_EAUTH)
                        continue;
                if (rc < 0)
                        break;
                const struct store_visit v = {.id = *from - 1,
                                              .subscription = sqlite3_column_int64(st, 15),
                                              .impi = column(st, 0),
                                              .imsi = column(st, 16),
                                              .credential = &c};
                more = fn(&v, arg);
        }
        sql_reset(st);
        secret_wipe(&c, sizeof c);
        return rc < 0 ? rc : 0;
}
