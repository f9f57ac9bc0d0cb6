/* SPDX-License-Identifier: BSD-3-Clause
 * The names in a database, read beside whoever serves it. Nothing is written, not even a migration: this is
 * for --check-config. The columns are those of every version. */
#include "hss/store_names.h"

#include <sqlite3.h>

/* Kind, name, the IMPI or (for an IMPU) the set whose name it is. */
static const char each_name[] = "SELECT 0, impi, impi FROM impi"
                                " UNION ALL SELECT 1, digest_realm, impi FROM impi WHERE digest_realm <> ''"
                                " UNION ALL SELECT 2, impu, implicit_set FROM impu";
static const char owner_of_set[] = "SELECT i.impi FROM registration g JOIN impi i ON i.id = g.impi"
                                   " WHERE g.implicit_set = ?1 ORDER BY i.id LIMIT 1";

static struct span text_of(sqlite3_stmt *st, int column)
{
        const void *p = sqlite3_column_text(st, column);
        return span_make(p ? p : "", p ? (size_t)sqlite3_column_bytes(st, column) : 0);
}

/* One row. Whose IMPU it is costs as much as ten rows: it is looked for when the name is wanted. */
static int visit(sqlite3_stmt *st, sqlite3_stmt *owner, const struct store_names *wanted)
{
        struct store_name n = {.kind = (enum store_name_kind)sqlite3_column_int(st, 0),
                               .name = text_of(st, 1)};
        int code = SQLITE_ROW;
        if (!wanted->is(&n, wanted->arg))
                return SQLITE_ROW;
        if (n.kind != STORE_NAME_IMPU) {
                n.impi = text_of(st, 2);
        } else {
                (void)sqlite3_bind_int64(owner, 1, sqlite3_column_int64(st, 2));
                code = sqlite3_step(owner);
                n.impi = code == SQLITE_ROW ? text_of(owner, 0) : SPAN("nobody");
        }
        if (code == SQLITE_ROW || code == SQLITE_DONE)
                wanted->visit(&n, wanted->arg);
        (void)sqlite3_reset(owner);
        return code == SQLITE_DONE ? SQLITE_ROW : code;
}

int store_each_name(const char *file, const struct store_names *wanted, struct buf *why)
{
        sqlite3 *db = NULL;
        sqlite3_stmt *st = NULL, *owner = NULL;
        int code = sqlite3_open_v2(file, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_prepare_v2(db, each_name, -1, &st, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_prepare_v2(db, owner_of_set, -1, &owner, NULL);
        if (code == SQLITE_OK)
                while ((code = sqlite3_step(st)) == SQLITE_ROW)
                        if ((code = visit(st, owner, wanted)) != SQLITE_ROW)
                                break;
        if (code != SQLITE_DONE)
                buf_puts(why, db ? sqlite3_errmsg(db) : "out of memory");
        (void)sqlite3_finalize(owner);
        (void)sqlite3_finalize(st);
        (void)sqlite3_close(db);
        return code == SQLITE_DONE ? 0 : -IMS_EDB;
}
