/* SPDX-License-Identifier: BSD-3-Clause
 * The store: pragmas, migrations, key file, sealed credentials, change of the SQN split. */
#include "tests/unit/hss/fixture.h"

#include <sqlite3.h>

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "hss/store_int.h"

static int setup(void **state)
{
        static struct fixture f;
        fixture_open(&f, "");
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        fixture_close(*state);
        return 0;
}

static void pragma(struct store *s, const char *name, const char *want)
{
        char sql[64];
        sqlite3_stmt *st = NULL;
        (void)snprintf(sql, sizeof sql, "PRAGMA %s", name);
        assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_string_equal((const char *)sqlite3_column_text(st, 0), want);
        sqlite3_finalize(st);
}

static void reopen(struct fixture *f, struct buf *err, int want)
{
        store_close(f->store);
        f->store = NULL;
        int rc = store_open(&f->store_conf, &f->store, err);
        if (rc != want)
                fail_msg("%d instead of %d: %.*s", rc, want, (int)err->n, err->p);
}

static void pragmas(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        pragma(f->store, "journal_mode", "wal");
        pragma(f->store, "foreign_keys", "1");
        pragma(f->store, "busy_timeout", "20000");
        pragma(f->store, "synchronous", "1");
        pragma(f->store, "user_version", "5");
        f->store_conf.role = STORE_SERVER;
        f->store_conf.synchronous_full = true;
        reopen(f, &err, 0);
        pragma(f->store, "busy_timeout", "0");
        pragma(f->store, "synchronous", "2");
        pragma(f->store, "wal_autocheckpoint", "0");
        buf_free(&err);
}

/* Each statement of the table is there and prepared. */
static void statements(void **state)
{
        struct fixture *f = *state;
        for (int i = 0; i < SQL_COUNT; i++)
                assert_non_null(f->store->stmts[i]);
}

/* What Cx needs per request goes through indexes, never through a whole table. */
static void plans(void **state)
{
        struct fixture *f = *state;
        static const enum sql_id hot[] = {
                SQL_READ_PAIR,  SQL_READ_IMPU,  SQL_READ_SET,      SQL_READ_CREDENTIAL, SQL_WRITE_SQN,
                SQL_LIST_IMPUS, SQL_WRITE_NAME, SQL_WRITE_PENDING, SQL_LIST_WILDCARDS,  SQL_FIND_ID};
        for (size_t i = 0; i < sizeof hot / sizeof *hot; i++) {
                char *sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(f->store->stmts[hot[i]]));
                sqlite3_stmt *st = NULL;
                assert_int_equal(sqlite3_prepare_v2(f->store->db, sql, -1, &st, NULL), SQLITE_OK);
                while (sqlite3_step(st) == SQLITE_ROW) {
                        const char *detail = (const char *)sqlite3_column_text(st, 3);
                        if (strncmp(detail, "SCAN", 4) == 0 && !strstr(detail, "SCAN CONSTANT") &&
                            !strstr(detail, "SCAN g") && !strstr(detail, "USING INDEX impu_wildcard"))
                                fail_msg("%s: %s", sql, detail);
                }
                sqlite3_finalize(st);
                sqlite3_free(sql);
        }
}

static void no_foreign_rows(void **state)
{
        struct fixture *f = *state;
        fixture_add(f, ALICE " --separate-impu sip:a2@" DOMAIN);
        assert_int_equal(fixture_run(f, cli_subscriber_remove, "15550001", NULL), 0);
        static const char *const tables[] = {"subscription", "impi",         "implicit_set",
                                             "impu",         "registration", "restoration"};
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
                char sql[64];
                (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[i]);
                sqlite3_stmt *st = NULL;
                assert_int_equal(sqlite3_prepare_v2(f->store->db, sql, -1, &st, NULL), SQLITE_OK);
                assert_int_equal(sqlite3_step(st), SQLITE_ROW);
                assert_int_equal(sqlite3_column_int(st, 0), 0);
                sqlite3_finalize(st);
        }
}

static void key_check(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        char kept[160], command[1024];
        (void)snprintf(kept, sizeof kept, "%s.kept", f->key);
        assert_int_equal(rename(f->key, kept), 0);
        reopen(f, &err, -IMS_ENOTFOUND);
        assert_true(span_find(buf_as_span(&err), SPAN("hss.key")) >= 0);
        buf_reset(&err);
        assert_int_equal(store_create(&f->store_conf, &err),
                         -IMS_ENOTFOUND); /* no new key for an old database */
        assert_int_equal(access(f->key, F_OK), -1);
        buf_reset(&err);
        assert_int_equal(keyfile_create(f->key, &err), 0);
        reopen(f, &err, -IMS_EAUTH);
        assert_true(span_find(buf_as_span(&err), SPAN("is not the one")) >= 0);
        assert_int_equal(keyfile_create(f->key, &err), -IMS_EEXISTS);
        static const struct {
                const char *change;
                int want;
                const char *text;
        } rows[] = {
                {"chmod 640 %s", -IMS_EPERM, "0600"},
                {"chmod 604 %s", -IMS_EPERM, "0600"},
                {"chmod 600 %s; printf 00 >> %s", -IMS_EPARSE, "64 hex digits"},
                {"chmod 600 %s; printf '' > %s", -IMS_EPARSE, "64 hex digits"},
                {"rm %s; ln -s /dev/null %s", -IMS_EPERM, "cannot be opened"},
                {"rm %s; mkdir -m 700 %s", -IMS_EPERM, "regular file"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                buf_reset(&err);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-extra-args"
                (void)snprintf(command, sizeof command, rows[i].change, f->key, f->key);
#pragma GCC diagnostic pop
                assert_int_equal(system(command), 0);
                reopen(f, &err, rows[i].want);
                if (span_find(buf_as_span(&err), span_of(rows[i].text)) < 0)
                        fail_msg("%s: %.*s", rows[i].change, (int)err.n, err.p);
        }
        if (geteuid() == 0) { /* somebody else's */
                (void)snprintf(command, sizeof command, "rmdir %s; cp %s %s; chown 1 %s", f->key, kept,
                               f->key, f->key);
                assert_int_equal(system(command), 0);
                buf_reset(&err);
                reopen(f, &err, -IMS_EPERM);
                assert_true(span_find(buf_as_span(&err), SPAN("belongs to user 1, not to user 0")) >= 0);
                (void)snprintf(command, sizeof command, "rm %s; mkdir %s", f->key, f->key);
                assert_int_equal(system(command), 0);
        }
        (void)snprintf(command, sizeof command, "rmdir %s; mv %s %s", f->key, kept, f->key);
        assert_int_equal(system(command), 0);
        buf_reset(&err);
        reopen(f, &err, 0);
        buf_free(&err);
}

static void seals(void **state)
{
        struct fixture *f = *state;
        struct keyfile *k = store_keys(f->store);
        uint8_t plain[48], sealed[KEYFILE_SEALED_MAX], again[KEYFILE_SEALED_MAX], out[96];
        size_t n = 0, m = 0;
        assert_int_equal(secret_random(plain, sizeof plain), 0);
        assert_int_equal(keyfile_seal(k, SPAN("a@b"), plain, sizeof plain, sealed, &n), 0);
        assert_int_equal(n, sizeof plain + KEYFILE_OVERHEAD);
        assert_int_equal(keyfile_seal(k, SPAN("a@b"), plain, sizeof plain, again, &m), 0);
        assert_memory_not_equal(sealed, again, n); /* a fresh nonce each time */
        assert_int_equal(keyfile_open(k, SPAN("a@b"), span_make(sealed, n), out, sizeof out, &m), 0);
        assert_int_equal(m, sizeof plain);
        assert_memory_equal(out, plain, m);
        assert_int_equal(keyfile_open(k, SPAN("a@c"), span_make(sealed, n), out, sizeof out, &m), -IMS_EAUTH);
        assert_int_equal(keyfile_open(k, SPAN("a@b"), span_make(sealed, n), out, 47, &m), -IMS_ETOOBIG);
        for (size_t i = 0; i < n; i++) {
                sealed[i] ^= 1;
                assert_int_equal(keyfile_open(k, SPAN("a@b"), span_make(sealed, n), out, sizeof out, &m),
                                 -IMS_EAUTH);
                sealed[i] ^= 1;
                assert_int_equal(keyfile_open(k, SPAN("a@b"), span_make(sealed, i), out, sizeof out, &m),
                                 -IMS_EAUTH);
        }
        assert_int_equal(keyfile_seal(k, SPAN("a@b"), plain, 97, sealed, &n), -IMS_ETOOBIG);
}

/* What opens but is no key of the record's algorithm is refused, not read as one: K and OPc, or K, OPc and
 * OP, of 16 octets each, are the only lengths of Milenage. */
static void sealed_lengths(void **state)
{
        struct fixture *f = *state;
        uint8_t plain[80] = {0}, sealed[KEYFILE_SEALED_MAX];
        struct credential c;
        size_t sealed_n = 0;
        int64_t id;
        fixture_add(f, ALICE);
        assert_int_equal(store_find(f->store, SPAN("15550001"), &id), 0);
        for (size_t n = 1; n <= sizeof plain; n++) {
                bool good = n == 32 || n == 48;
                sqlite3_stmt *st = NULL;
                assert_int_equal(
                        keyfile_seal(store_keys(f->store), SPAN(ALICE_IMPI), plain, n, sealed, &sealed_n), 0);
                assert_int_equal(
                        sqlite3_prepare_v2(f->store->db, "UPDATE impi SET credential = ?1", -1, &st, NULL),
                        SQLITE_OK);
                sqlite3_bind_blob(st, 1, sealed, (int)sealed_n, SQLITE_STATIC);
                assert_int_equal(sqlite3_step(st), SQLITE_DONE);
                sqlite3_finalize(st);
                int rc = store_read_credential(f->store, &f->job.arena, id, &c);
                if (rc != (good ? 0 : -IMS_EAUTH))
                        fail_msg("%zu octets: %d", n, rc);
                if (good)
                        assert_int_equal(c.has_op, n == 48);
        }
}

/* K and OPc are nowhere in the files of the database. */
static void no_plain_key(void **state)
{
        struct fixture *f = *state;
        char command[256];
        fixture_add(f, ALICE);
        store_close(f->store);
        f->store = NULL;
        (void)snprintf(command, sizeof command,
                       "cat %s* | od -An -v -tx1 | tr -d ' \\n' | grep -qi -e %s -e %s", f->db, K, OPC);
        assert_int_not_equal(system(command), 0);
        (void)snprintf(command, sizeof command, "cat %s* | grep -qi -e %s -e %s", f->db, K, OPC);
        assert_int_not_equal(system(command), 0);
}

/* With a million subscribers nothing may walk through a whole table: every statement finds its rows by a key
 * or an index, or in a list that is short by nature. */
static void no_scan(void **state)
{
        static const char *const short_lists[] = {
                "SCAN impu USING INDEX impu_wildcard", /* wildcarded identities alone */
        };
        struct fixture *f = *state;
        unsigned searches = 0;
        for (int i = 0; i < SQL_COUNT; i++) {
                if (i == SQL_LIST_PROFILES || i == SQL_DELETE_PROFILE)
                        continue; /* commands that look for the users of profiles in one walk */
                sqlite3_stmt *st = NULL;
                char sql[4096];
                (void)snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", sqlite3_sql(f->store->stmts[i]));
                assert_int_equal(sqlite3_prepare_v2(f->store->db, sql, -1, &st, NULL), SQLITE_OK);
                while (sqlite3_step(st) == SQLITE_ROW) {
                        const char *step = (const char *)sqlite3_column_text(st, 3);
                        bool fine = strncmp(step, "SCAN", 4) != 0 || strcmp(step, "SCAN CONSTANT ROW") == 0;
                        for (size_t k = 0; k < sizeof short_lists / sizeof *short_lists; k++)
                                fine = fine || strcmp(step, short_lists[k]) == 0;
                        if (!fine)
                                fail_msg("%s: %s", step, sqlite3_sql(f->store->stmts[i]));
                        searches += strncmp(step, "SEARCH", 6) == 0;
                }
                sqlite3_finalize(st);
        }
        assert_in_range(searches, SQL_COUNT / 2, 10 * SQL_COUNT);
}

#define TOP "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
#define OP  "cdc202d5123e20f62b6d676ac72cb318" /* makes OPC of K */

/* What was given as OP is kept beside OPc, sealed with it; what was given as OPc has none. */
static void op_is_kept(void **state)
{
        static const struct {
                const char *args;
                size_t k_n;
                const char *op, *opc; /* NULL: none; not looked at */
        } rows[] = {
                {"--k " K " --op " OP, 16, OP, OPC},
                {"--opc " OPC, 16, NULL, OPC},
                {"--op " OP, 16, OP, OPC},
                {"--tuak --k " K " --top " TOP, 16, TOP, NULL},
                {"--topc " TOP, 16, NULL, TOP},
                {"--tuak --k " K K " --top " TOP, 32, TOP, NULL},
                {"--tuak --k " K K " --topc " TOP, 32, NULL, TOP},
        };
        struct fixture *f = *state;
        int64_t impi = 0;
        fixture_add(f, ALICE);
        assert_int_equal(store_find(f->store, SPAN(ALICE_IMPI), &impi), 0);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct credential c;
                char args[512];
                uint8_t want[32];
                (void)snprintf(args, sizeof args, ALICE_IMPI " %s", rows[i].args);
                fixture_set(f, args);
                assert_int_equal(store_read_credential(f->store, &f->job.arena, impi, &c), 0);
                assert_int_equal(c.key.k_n, rows[i].k_n);
                assert_int_equal(hex_decode(SPAN(K), want, 16), 0);
                assert_memory_equal(c.key.k, want, 16);
                assert_int_equal(c.has_op, rows[i].op != NULL);
                if (rows[i].op) {
                        assert_int_equal(hex_decode(span_of(rows[i].op), want, strlen(rows[i].op) / 2), 0);
                        assert_memory_equal(c.op, want, strlen(rows[i].op) / 2);
                }
                if (rows[i].opc) {
                        assert_int_equal(hex_decode(span_of(rows[i].opc), want, strlen(rows[i].opc) / 2), 0);
                        assert_memory_equal(c.key.opc, want, strlen(rows[i].opc) / 2);
                }
        }
}

/* The columns of a table, by name. */
static void columns(sqlite3 *db, const char *table, char *out, size_t n)
{
        char sql[256];
        sqlite3_stmt *st = NULL;
        (void)snprintf(sql, sizeof sql,
                       "SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || ' ' ||"
                       " coalesce(dflt_value, '') || ' ' || pk) FROM (SELECT * FROM pragma_table_info('%s')"
                       " ORDER BY name)",
                       table);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        (void)snprintf(out, n, "%s", (const char *)sqlite3_column_text(st, 0));
        sqlite3_finalize(st);
        assert_true(strlen(out) > 10);
}

/* A migrated database has the tables of one that was made new. */
static void as_if_new(struct fixture *f)
{
        static const char *const tables[] = {
                "meta",         "service_profile", "subscription", "impi",    "implicit_set", "impu",
                "registration", "restoration",     "push",         "removed", "device"};
        sqlite3 *fresh = NULL;
        assert_int_equal(sqlite3_open(":memory:", &fresh), SQLITE_OK);
        assert_int_equal(sqlite3_exec(fresh, store_schema_sql, NULL, NULL, NULL), SQLITE_OK);
        for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
                char want[1024], is[1024];
                columns(fresh, tables[i], want, sizeof want);
                columns(f->store->db, tables[i], is, sizeof is);
                assert_string_equal(is, want);
        }
        (void)sqlite3_close(fresh);
}

/* A database of an older program, a step to a newer schema, one that is too new. */
static void migrations(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        static const struct store_migration steps[] = {
                {5, "ALTER TABLE impi ADD COLUMN note TEXT"},
                {6, "UPDATE impi SET note = 'x'; CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT"},
                {7, "CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT; this is no SQL"},
        };
        fixture_add(f, ALICE);
        assert_int_equal(
                store_exec(
                        f->store,
                        "DROP TABLE restoration; CREATE TABLE restoration (impi INTEGER NOT NULL REFERENCES "
                        "impi "
                        "(id) ON DELETE CASCADE, implicit_set INTEGER NOT NULL REFERENCES implicit_set (id) "
                        "ON "
                        "DELETE CASCADE, data BLOB NOT NULL, PRIMARY KEY (implicit_set, impi)) STRICT, "
                        "WITHOUT "
                        "ROWID; INSERT INTO restoration SELECT impi, implicit_set, x'01' FROM registration"),
                0);
        assert_int_equal(store_exec(f->store, "DROP TABLE push; DROP TABLE removed; DROP TABLE device;"
                                              "ALTER TABLE impi DROP COLUMN digest_algorithm;"
                                              "PRAGMA user_version = 1"),
                         0);
        reopen(f, &err, 0);
        pragma(f->store, "user_version", "5");
        as_if_new(f);
        fixture_add(f, "--impi carol@example.org --password secret --digest-algorithm SHA-256");
        assert_int_equal(fixture_record(f, "carol@example.org").digest_algorithm, DIGEST_SHA256);
        assert_int_equal(fixture_run(f, cli_subscriber_remove, "carol@example.org", NULL), 0);
        assert_int_equal(store_exec(f->store, "UPDATE restoration SET data = x'02' WHERE data = x'01'"), 0);
        assert_int_equal(sqlite3_changes(f->store->db), 1); /* it was kept, and goes with its subscriber */
        fixture_add(f, "--impi tablet@" DOMAIN " --join " ALICE_IMPI " --k " K " --opc " OPC);
        assert_int_equal(store_exec(f->store, "DELETE FROM impi WHERE impi = '" ALICE_IMPI "'"), 0);
        assert_int_equal(store_exec(f->store, "UPDATE restoration SET data = x'03'"), 0);
        assert_int_equal(sqlite3_changes(f->store->db), 0);
        fixture_add(f, "--join tablet@" DOMAIN " --impi " ALICE_IMPI " --k " K " --opc " OPC);
        f->env.store = f->store;
        assert_result(do_mar(f, ALICE_IMPI, ALICE_SIP, SCSCF1, 1, NULL), dia_base(DIA_SUCCESS));
        assert_int_equal(store_migrate_with(f->store, steps, 3, 7, &err), 0);
        pragma(f->store, "user_version", "7");
        assert_int_equal(store_exec(f->store, "INSERT INTO more (id) SELECT id FROM impi WHERE note = 'x'"),
                         0);
        assert_int_equal(sqlite3_changes(f->store->db), 2);
        /* A step that fails leaves everything as it was. */
        assert_true(store_migrate_with(f->store, steps, 3, 8, &err) < 0);
        pragma(f->store, "user_version", "7");
        assert_int_equal(store_exec(f->store, "CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT"), 0);
        assert_int_equal(store_exec(f->store, "DROP TABLE half"), 0);
        assert_int_equal(store_migrate_with(f->store, steps, 3, 9, &err), -IMS_EDB);
        buf_reset(&err);
        /* This program knows versions up to 5. */
        reopen(f, &err, -IMS_EUNSUPPORTED);
        assert_true(span_find(buf_as_span(&err), SPAN("schema version 7")) >= 0);
        buf_free(&err);
}

static void missing_database(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        store_close(f->store);
        f->store = NULL;
        f->store_conf.file = "/nonexistent/hss.db";
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), -IMS_ENOTFOUND);
        assert_true(span_find(buf_as_span(&err), SPAN("hss init")) >= 0);
        buf_reset(&err);
        f->store_conf.file = "/dev/null/hss.db"; /* not missing: unreachable */
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), -IMS_EPERM);
        assert_true(span_find(buf_as_span(&err), SPAN("cannot be reached")) >= 0);
        assert_int_equal(store_create(&f->store_conf, &err), -IMS_EPERM);
        buf_reset(&err);
        f->store_conf.file = f->conf->store_key_file; /* no database at all */
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), -IMS_EDB);
        assert_true(span_find(buf_as_span(&err), SPAN("no database; bring back a backup")) > 0);
        buf_free(&err);
}

/* Another split of SQN: what comes next is above all that was given out. */
static void ind_bits(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        static const uint32_t splits[] = {5, 8, 3, 4, 5};
        fixture_add(f, ALICE " --sqn 320000");
        uint64_t last = 320000;
        f->store_conf.ind_bits = 8;
        reopen(f, &err, -IMS_ECONF); /* a command does not convert */
        assert_true(span_find(buf_as_span(&err), SPAN("auc.ind_bits is 8")) >= 0);
        f->store_conf.role = STORE_SERVER;
        for (size_t i = 0; i < sizeof splits / sizeof *splits; i++) {
                f->store_conf.ind_bits = splits[i];
                reopen(f, &err, 0);
                struct record r = fixture_record(f, "15550001");
                uint64_t next = (r.sqn.seq + 1) << splits[i];
                assert_true(next > last);
                last = (r.sqn.seq << splits[i]) + (1u << splits[i]) -
                       1; /* the highest that can have left by now */
                assert_true(next < 330000 + 1000 * i);
        }
        buf_free(&err);
}

/* The machine went down under a running server: what may be lost is not given out again. */
static void machine_crash(void **state)
{
        struct fixture *f = *state;
        struct buf err = BUF_INIT;
        fixture_add(f, ALICE " --sqn 320000");
        f->store_conf.role = STORE_SERVER;
        log_init("test", LOG_ERROR);
        reopen(f, &err, 0);
        reopen(f, &err, 0); /* closed in good order */
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000);
        /* Killed, same boot: the operating system kept everything. */
        struct store *killed = f->store;
        f->store = NULL;
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000);
        killed->server = false;
        store_close(killed);
        /* Another boot. */
        assert_int_equal(store_exec(f->store, "UPDATE meta SET value = x'61' WHERE name = 'open_boot'"), 0);
        f->store->server = false;
        f->store_conf.role = STORE_TOOL;
        reopen(f, &err, 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000); /* no matter for a command */
        f->store_conf.role = STORE_SERVER;
        reopen(f, &err, 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000 + (1 << 24));
        reopen(f, &err, 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000 + (1 << 24)); /* once */
        buf_free(&err);
}

/* A backup made while another program writes is whole, and no SQN is given out twice from it. */
static void backup(void **state)
{
        struct fixture *f = *state;
        struct store *other = NULL;
        struct buf err = BUF_INIT;
        char copy[160];
        struct stat st;
        fixture_add(f, ALICE " --sqn 320000");
        assert_int_equal(store_open(&f->store_conf, &other, &err), 0);
        assert_int_equal(store_begin(other, true), 0);
        assert_int_equal(store_exec(other, "UPDATE impi SET seq = 77"), 0);
        (void)snprintf(copy, sizeof copy, "%s/copy 'of' it.db", f->dir);
        assert_int_equal(store_backup(f->store, copy), 0);
        assert_int_equal(stat(copy, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        struct cli c = {.conf = f->conf, .store = f->store};
        char *argv[] = {copy};
        assert_int_equal(cli_backup(&c, 1, argv), -IMS_EEXISTS);
        assert_true(span_find(buf_as_span(&c.err), SPAN("not overwritten")) > 0);
        buf_free(&c.err);
        assert_true(store_backup(f->store, "/nonexistent/copy.db") < 0);
        store_close(other); /* rolls back */
        log_init("test", LOG_ERROR);
        f->store_conf.file = copy;
        f->store_conf.role = STORE_SERVER;
        reopen(f, &err, 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000 + (1 << 24));
        reopen(f, &err, 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000 + (1 << 24));
        buf_free(&err);
}

/* Of two servers the last one to end says that the store is closed. */
static void two_servers(void **state)
{
        struct fixture *f = *state;
        struct store *second = NULL;
        struct buf err = BUF_INIT;
        fixture_add(f, ALICE " --sqn 320000");
        f->store_conf.role = STORE_SERVER;
        log_init("test", LOG_ERROR);
        reopen(f, &err, 0);
        assert_int_equal(store_open(&f->store_conf, &second, &err), 0);
        store_close(second);
        assert_int_equal(store_exec(f->store, "UPDATE meta SET value = x'61' WHERE name = 'open_boot' AND "
                                              "length(value)"),
                         0);
        f->store->server = false; /* and now the machine goes down */
        reopen(f, &err, 0);
        assert_int_equal(fixture_record(f, "15550001").sqn.seq, 10000 + (1 << 24));
        assert_int_equal(store_open(&f->store_conf, &second, &err), 0);
        store_close(second);
        store_close(f->store);
        f->store = NULL;
        f->store_conf.role = STORE_TOOL;
        assert_int_equal(store_open(&f->store_conf, &f->store, &err), 0);
        sqlite3_stmt *st = NULL;
        assert_int_equal(sqlite3_prepare_v2(f->store->db,
                                            "SELECT length(value) FROM meta WHERE name = 'open_boot'", -1,
                                            &st, NULL),
                         SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(st, 0), 0);
        sqlite3_finalize(st);
        buf_free(&err);
}

/* A command that reads works while another program writes, and on a database it may not write. */
static void reading_command(void **state)
{
        struct fixture *f = *state;
        struct store *second = NULL;
        struct buf err = BUF_INIT;
        int64_t id;
        fixture_add(f, ALICE);
        assert_int_equal(store_begin(f->store, true), 0);
        assert_int_equal(store_open(&f->store_conf, &second, &err), 0);
        assert_int_equal(store_begin(second, false), 0);
        assert_int_equal(store_find(second, SPAN("15550001"), &id), 0);
        store_rollback(second);
        store_close(second);
        store_rollback(f->store);
        buf_free(&err);
}

static mode_t mode_of(const struct fixture *f, const char *suffix)
{
        struct stat st;
        char path[160];
        (void)snprintf(path, sizeof path, "%s%s", f->db, suffix);
        assert_int_equal(stat(path, &st), 0);
        return st.st_mode & 07777;
}

/* Database, log and key are for their user alone, whatever the umask. */
static void file_modes(void **state)
{
        (void)state;
        struct fixture f;
        mode_t mask = umask(0);
        fixture_open(&f, "");
        fixture_add(&f, ALICE);
        (void)umask(mask);
        struct stat st;
        assert_int_equal(mode_of(&f, ""), 0600);
        assert_int_equal(mode_of(&f, "-wal"), 0600);
        assert_int_equal(mode_of(&f, "-shm"), 0600);
        assert_int_equal(stat(f.key, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        fixture_close(&f);
}

/* Two programs make the store at the same time; both end well. */
static void two_openers(void **state)
{
        struct fixture *f = *state;
        struct store *second = NULL;
        struct buf err = BUF_INIT;
        assert_int_equal(store_open(&f->store_conf, &second, &err), 0);
        fixture_add(f, ALICE);
        int64_t id;
        assert_int_equal(store_begin(second, false), 0);
        assert_int_equal(store_find(second, SPAN("15550001"), &id), 0);
        store_rollback(second);
        store_close(second);
        buf_free(&err);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(pragmas),    T(statements),       T(plans),        T(no_foreign_rows), T(key_check),
                T(seals),      T(sealed_lengths),   T(no_plain_key), T(op_is_kept),      T(no_scan),
                T(migrations), T(missing_database), T(ind_bits),     T(two_openers),     T(machine_crash),
                T(backup),     T(two_servers),      T(file_modes),   T(reading_command),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
