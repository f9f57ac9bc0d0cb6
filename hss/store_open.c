/* SPDX-License-Identifier: BSD-3-Clause
 * Making, opening and closing the store; transactions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hss/store_int.h"

#define TOOL_BUSY_MS       20000 /* a command waits this long for the lock of another program */
#define CHECKPOINT_BUSY_MS 200
#define WAL_KEEP           "67108864" /* octets; a write-ahead log that grew beyond is cut when it starts over */

/* What a connection is set to; each is read back, since a misspelt pragma is accepted silently. */
struct pragma {
        const char *name, *set, *expect;
};

static int pragma_check(struct store *s, const struct pragma *p, struct buf *err)
{
        char sql[128];
        sqlite3_stmt *st = NULL;
        (void)snprintf(sql, sizeof sql, "PRAGMA %s = %s", p->name, p->set);
        int rc = store_exec(s, sql);
        if (rc < 0) {
                buf_printf(err, "database: PRAGMA %s = %s: %s\n", p->name, p->set, s->error);
                return rc;
        }
        (void)snprintf(sql, sizeof sql, "PRAGMA %s", p->name);
        const char *is = "";
        if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
                is = (const char *)sqlite3_column_text(st, 0);
        if (!is || strcmp(is, p->expect) != 0) {
                buf_printf(err, "database: PRAGMA %s is \"%s\" and not \"%s\"\n", p->name, is ? is : "",
                           p->expect);
                rc = -IMS_EDB;
        }
        sqlite3_finalize(st);
        return rc;
}

static int set_pragmas(struct store *s, const struct store_conf *c, struct buf *err)
{
        char busy[16];
        (void)snprintf(busy, sizeof busy, "%d", c->role == STORE_SERVER ? 0 : TOOL_BUSY_MS);
        const struct pragma rows[] = {
                {"busy_timeout", busy, busy},
                {"foreign_keys", "ON", "1"},
                {"synchronous", c->synchronous_full ? "FULL" : "NORMAL", c->synchronous_full ? "2" : "1"},
                {"wal_autocheckpoint", c->role == STORE_SERVER ? "0" : "1000",
                 c->role == STORE_SERVER ? "0" : "1000"},
                {"journal_size_limit", c->role == STORE_SERVER ? WAL_KEEP : "-1",
                 c->role == STORE_SERVER ? WAL_KEEP : "-1"},
                {"cache_size", "-65536", "-65536"},
                {"temp_store", "MEMORY", "2"},
                {"trusted_schema", "OFF", "0"},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                int rc = pragma_check(s, &rows[i], err);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

static int on_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
        (void)db;
        (void)name;
        ((struct store *)arg)->wal_pages = pages;
        return SQLITE_OK;
}

bool store_exists(const char *file)
{
        struct stat st;
        return stat(file, &st) == 0 && st.st_size > 0;
}

/* What cannot even be looked at is not taken for missing. */
static int check_reach(const char *file, struct buf *err)
{
        struct stat st;
        if (stat(file, &st) == 0 || errno == ENOENT)
                return 0;
        buf_printf(err, "database %s cannot be reached: %s%s\n", file, strerror(errno),
                   errno == EACCES ? " (run this as the user of the HSS)" : "");
        return -IMS_EPERM;
}

/* What to do about an error when a database is opened. */
static const char *advice(int code)
{
        switch (code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return " or no database; bring back a backup";
        case SQLITE_CANTOPEN:
        case SQLITE_READONLY:
                return ": its folder must be writable, for the log stands beside it (-wal, -shm)";
        default:
                return "";
        }
}

/* A connection in WAL mode with the current schema. */
static int open_db(const struct store_conf *c, bool create, struct store *s, struct buf *err)
{
        int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS,
                             0); /* no lock around each allocation; only before first use */
        int code = sqlite3_open_v2(c->file, &s->db, flags | (create ? SQLITE_OPEN_CREATE : 0), NULL);
        if (code != SQLITE_OK) {
                buf_printf(err, "database %s cannot be opened: %s\n", c->file,
                           s->db ? sqlite3_errmsg(s->db) : "out of memory");
                return -IMS_EDB;
        }
        (void)sqlite3_busy_timeout(s->db, TOOL_BUSY_MS);
        (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
        const struct pragma wal = {"journal_mode", "WAL", "wal"};
        int rc = pragma_check(s, &wal, err);
        if (rc < 0) {
                buf_printf(err, "database %s cannot be used: %s%s\n", c->file, store_trouble(s),
                           advice(sqlite3_errcode(s->db)));
                return rc;
        }
        return store_migrate(s, err);
}

static int open_store(const struct store_conf *c, bool create, struct store **out, struct buf *err)
{
        struct store *s = calloc(1, sizeof *s);
        if (!s)
                return -IMS_ENOMEM;
        s->ind_bits = c->ind_bits;
        s->lock_fd = -1;
        int rc = keyfile_load(c->key_file, &s->keys, err);
        if (rc == 0)
                rc = open_db(c, create, s, err);
        if (rc == 0) {
                rc = sql_prepare(s);
                if (rc < 0)
                        buf_printf(err, "database %s: %s\n", c->file, s->error);
        }
        if (rc == 0)
                rc = store_check_meta(s, c, err);
        if (rc == 0)
                rc = set_pragmas(s, c, err);
        if (rc < 0) {
                store_close(s);
                return rc;
        }
        s->server = c->role == STORE_SERVER;
        rc = s->server ? store_cache_new(&s->cache) : 0;
        if (rc < 0) {
                store_close(s);
                return rc;
        }
        (void)sqlite3_wal_hook(s->db, c->role == STORE_SERVER ? on_wal : NULL, s);
        *out = s;
        return 0;
}

int store_create(const struct store_conf *c, struct buf *err)
{
        struct store *s = NULL;
        bool key_there = access(c->key_file, F_OK) == 0;
        if (check_reach(c->file, err) < 0)
                return -IMS_EPERM;
        if (store_exists(c->file) && !key_there) {
                buf_printf(
                        err,
                        "database %s is there, but its key file %s is missing: a new key could not read the "
                        "credentials; bring the key file back or remove the database\n",
                        c->file, c->key_file);
                return -IMS_ENOTFOUND;
        }
        mode_t mask = umask(077); /* the database and its side files are for this user alone */
        int rc = key_there ? 0 : keyfile_create(c->key_file, err);
        if (rc == 0)
                rc = open_store(c, true, &s, err);
        (void)umask(mask);
        store_close(s);
        return rc;
}

int store_open(const struct store_conf *c, struct store **out, struct buf *err)
{
        if (check_reach(c->file, err) < 0)
                return -IMS_EPERM;
        if (!store_exists(c->file)) {
                buf_printf(err, "database %s is missing: `hss init` makes it\n", c->file);
                return -IMS_ENOTFOUND;
        }
        return open_store(c, false, out, err);
}

void store_close(struct store *s)
{
        if (!s)
                return;
        if (s->db) {
                store_rollback(s);
                if (s->server)
                        store_mark_closed(s);
                else if (s->lock_fd >= 0)
                        close(s->lock_fd);
                sql_finalize(s);
                (void)sqlite3_close(s->db);
        }
        store_cache_free(s->cache);
        keyfile_free(s->keys);
        free(s);
}

struct keyfile *store_keys(struct store *s)
{
        return s->keys;
}

const char *store_error(const struct store *s)
{
        return s->error;
}

/* The transaction sees the database as of now: is it as it was? */
static int check_version(struct store *s)
{
        sqlite3_stmt *st = s->stmts[SQL_DATA_VERSION];
        int rc = sql_step(s, st);
        if (rc < 0)
                return rc;
        store_cache_begin(s->cache, sqlite3_column_int64(st, 0));
        sql_reset(st);
        return 0;
}

int store_begin(struct store *s, bool write)
{
        int rc = write && s->server ? store_check_place(s) : 0;

        if (rc == 0)
                rc = sql_run(s, s->stmts[write ? SQL_BEGIN_WRITE : SQL_BEGIN_READ]);
        if (rc < 0 || !s->cache)
                return rc;
        rc = check_version(s);
        if (rc < 0)
                store_rollback(s);
        return rc;
}

int store_commit(struct store *s)
{
        int rc = sql_run(s, s->stmts[SQL_COMMIT]);
        if (rc < 0)
                store_rollback(s);
        return rc;
}

void store_rollback(struct store *s)
{
        char why[sizeof s->error];
        store_cache_clear(s->cache);
        if (!s->db || sqlite3_get_autocommit(s->db) || !s->stmts[SQL_ROLLBACK])
                return;
        memcpy(why, s->error, sizeof why); /* the cause is worth more than what comes of rolling back */
        if (sql_run(s, s->stmts[SQL_ROLLBACK]) == 0)
                memcpy(s->error, why, sizeof why);
}

int store_wal_pages(const struct store *s)
{
        return s->wal_pages;
}

int store_checkpoint(const char *file, bool restart)
{
        sqlite3 *db = NULL;
        int rc = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
        if (rc == SQLITE_OK) {
                (void)sqlite3_busy_timeout(db, CHECKPOINT_BUSY_MS);
                /* A connection that has read nothing yet knows of no log. This reads one page and no schema.
                 */
                rc = sqlite3_exec(db, "PRAGMA schema_version", NULL, NULL, NULL);
        }
        if (rc == SQLITE_OK)
                rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (rc == SQLITE_OK && restart)
                rc = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
        (void)sqlite3_close(db);
        return rc == SQLITE_OK ? 0 : (rc & 0xff) == SQLITE_BUSY ? -IMS_EALREADY : -IMS_EDB;
}
