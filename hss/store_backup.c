/* SPDX-License-Identifier: BSD-3-Clause
 * A copy of the store. Vectors go on leaving after it was made, so a server that opens the copy moves every
 * SQN on (store_meta.c). */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hss/store_int.h"

/* The copy looks like a store that a server had open when the machine went down. */
static int mark(struct store *s, const char *file)
{
        sqlite3 *db = NULL;
        int code = sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL);
        if (code == SQLITE_OK)
                code = sqlite3_exec(
                        db,
                        "INSERT INTO meta (name, value) VALUES ('open_boot', CAST('backup' AS BLOB))"
                        " ON CONFLICT DO UPDATE SET value = excluded.value",
                        NULL, NULL, NULL);
        if (code != SQLITE_OK)
                (void)snprintf(s->error, sizeof s->error, "%s (SQLite %d)",
                               db ? sqlite3_errmsg(db) : "out of memory", code);
        (void)sqlite3_close(db);
        return code == SQLITE_OK ? 0 : -IMS_EDB;
}

int store_backup(struct store *s, const char *file)
{
        char *sql = sqlite3_mprintf("VACUUM INTO %Q", file);
        if (!sql)
                return -IMS_ENOMEM;
        mode_t mask = umask(077);
        int rc = store_exec(s, sql);
        if (rc == 0)
                rc = mark(s, file);
        (void)umask(mask);
        sqlite3_free(sql);
        if (rc < 0)
                (void)unlink(file);
        return rc;
}
