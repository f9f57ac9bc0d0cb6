/* SPDX-License-Identifier: BSD-3-Clause
 * Numbered migrations: PRAGMA user_version says which one a file has seen. schema.sql is always the
 * current version; a step is added here with every change of it. */
#include <stdio.h>

#include "hss/store_int.h"

static const struct store_migration migrations[] = {
        {0, NULL},       /* 0: an empty file; schema.sql makes the current version at once */
        {1, "SELECT 2"}, /* 2: a sealed key may hold OP behind OPc, which older programs do not read */
        /* 3: restoration goes with its registration: the removal of an IMPI looks through no table for it */
        {2, "CREATE TABLE restoration_3 (impi INTEGER NOT NULL, implicit_set INTEGER NOT NULL, data BLOB NOT "
            "NULL,"
            " PRIMARY KEY (implicit_set, impi), FOREIGN KEY (impi, implicit_set)"
            " REFERENCES registration (impi, implicit_set) ON DELETE CASCADE) STRICT, WITHOUT ROWID;"
            "INSERT INTO restoration_3 SELECT o.impi, o.implicit_set, o.data FROM restoration o"
            " JOIN registration g ON g.impi = o.impi AND g.implicit_set = o.implicit_set;"
            "DROP TABLE restoration;"
            "ALTER TABLE restoration_3 RENAME TO restoration"},
        /* 4: H(A1) may be of SHA-256; what a serving S-CSCF is to be told; devices that bootstrap */
        {3, "ALTER TABLE impi ADD COLUMN digest_algorithm INTEGER NOT NULL DEFAULT 0"
            " CHECK (digest_algorithm BETWEEN 0 AND 1);"
            "CREATE TABLE push (impi INTEGER PRIMARY KEY REFERENCES impi (id) ON DELETE CASCADE,"
            " change INTEGER NOT NULL, password INTEGER NOT NULL,"
            " ending INTEGER NOT NULL CHECK (ending BETWEEN 0 AND 2), since_s INTEGER NOT NULL) STRICT;"
            "CREATE TABLE device (id INTEGER PRIMARY KEY,"
            " impi INTEGER NOT NULL UNIQUE REFERENCES impi (id) ON DELETE CASCADE,"
            " subject TEXT NOT NULL UNIQUE, fingerprint TEXT UNIQUE, pinned INTEGER NOT NULL, given INTEGER "
            "NOT NULL DEFAULT 0,"
            " refused INTEGER NOT NULL DEFAULT 0, last_s INTEGER, blocked TEXT) STRICT"},
        /* 5: the registration of who is removed ends */
        {4, "CREATE TABLE removed (id INTEGER PRIMARY KEY, impi TEXT NOT NULL, since_s INTEGER NOT NULL,"
            " scscf_name TEXT NOT NULL, scscf_host TEXT NOT NULL, scscf_realm TEXT) STRICT"},
};

static int user_version(struct store *s, int *out)
{
        sqlite3_stmt *st = NULL;
        int rc = sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &st, NULL);
        if (rc != SQLITE_OK)
                return store_fail(s, rc);
        rc = sqlite3_step(st);
        if (rc == SQLITE_ROW)
                *out = sqlite3_column_int(st, 0);
        sqlite3_finalize(st);
        return rc == SQLITE_ROW ? 0 : store_fail(s, rc);
}

/* One step inside the transaction. */
static int step(struct store *s, const char *sql, int to)
{
        char pragma[64];
        (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d", to);
        int rc = store_exec(s, sql);
        return rc < 0 ? rc : store_exec(s, pragma);
}

static int run(struct store *s, const struct store_migration *rows, size_t n, int version, int target)
{
        if (version == 0)
                return step(s, store_schema_sql, target);
        while (version < target) {
                const char *sql = NULL;
                for (size_t i = 0; i < n; i++)
                        if (rows[i].from == version)
                                sql = rows[i].sql;
                if (!sql)
                        return -IMS_EUNSUPPORTED;
                int rc = step(s, sql, ++version);
                if (rc < 0)
                        return rc;
        }
        return 0;
}

int store_migrate_with(struct store *s, const struct store_migration *rows, size_t n, int target,
                       struct buf *err)
{
        int version = 0;
        int rc = user_version(s, &version);
        if (rc == 0 && version == target)
                return 0;
        if (rc == 0 && version > target) {
                buf_printf(err, "the database has schema version %d, this program knows versions up to %d\n",
                           version, target);
                return -IMS_EUNSUPPORTED;
        }
        /* Two programs may come here at once: the version is read again under the lock. */
        if (rc == 0)
                rc = store_exec(s, "BEGIN IMMEDIATE");
        if (rc < 0) {
                buf_printf(err, "the database cannot be migrated: %s\n", s->error);
                return rc;
        }
        rc = user_version(s, &version);
        if (rc == 0)
                rc = run(s, rows, n, version, target);
        if (rc == 0)
                rc = store_exec(s, "COMMIT");
        if (rc < 0) {
                buf_printf(err, "migration of the database from version %d failed: %s\n", version,
                           rc == -IMS_EUNSUPPORTED ? "no such step" : s->error);
                (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        }
        return rc;
}

int store_migrate(struct store *s, struct buf *err)
{
        return store_migrate_with(s, migrations, sizeof migrations / sizeof *migrations, STORE_VERSION, err);
}
