/* SPDX-License-Identifier: BSD-3-Clause
 * The tables `push` and `removed`. */
#include "hss/store_push.h"

#include <time.h>

#include "hss/store_int.h"

int store_push_put(struct store *s, int64_t impi, bool password, enum push_ending ending)
{
        return sql_run(s, sql_bind(s, SQL_PUT_PUSH, "iiii", impi, (int64_t)password, (int64_t)ending,
                                   (int64_t)time(NULL)));
}

/* Both tables have their columns in this order. */
static int next(struct store *s, struct arena *a, sqlite3_stmt *st, struct store_push *out)
{
        struct store_push p = {0};
        struct span *const texts[] = {&p.impi_name, &p.scscf_name, &p.host, &p.realm};
        int rc = sql_step(s, st);
        if (rc == 0)
                rc = -IMS_ENOTFOUND;
        if (rc > 0) {
                p.row = sqlite3_column_int64(st, 0);
                p.change = sqlite3_column_int64(st, 1);
                p.password = sqlite3_column_int(st, 2);
                p.ending = (enum push_ending)sqlite3_column_int(st, 3);
                p.since_s = sqlite3_column_int64(st, 4);
                rc = 0;
        }
        for (int i = 0; rc == 0 && i < 4; i++)
                rc = sql_text(a, st, 5 + i, texts[i]);
        sql_reset(st);
        if (rc == 0)
                *out = p;
        return rc;
}

int store_push_next(struct store *s, struct arena *a, int64_t from, struct store_push *out)
{
        return next(s, a, sql_bind(s, SQL_NEXT_PUSH, "i", from), out);
}

int store_push_done(struct store *s, int64_t impi, int64_t change)
{
        int rc = sql_run(s, sql_bind(s, SQL_DELETE_PUSH, "ii", impi, change));
        return rc < 0 ? rc : sqlite3_changes(s->db) ? 0 : -IMS_ENOTFOUND;
}

int store_removed_put(struct store *s, int64_t impi, int64_t *row)
{
        int rc = sql_run(s, sql_bind(s, SQL_PUT_REMOVED, "ii", impi, (int64_t)time(NULL)));
        if (rc == 0)
                *row = sqlite3_changes(s->db) ? sqlite3_last_insert_rowid(s->db) : 0;
        return rc;
}

int store_removed_next(struct store *s, struct arena *a, int64_t from, struct store_push *out)
{
        int rc = next(s, a, sql_bind(s, SQL_NEXT_REMOVED, "i", from), out);
        if (rc == 0) {
                out->removed = true;
                out->ending = PUSH_DEREGISTER;
        }
        return rc;
}

int store_removed_done(struct store *s, int64_t row)
{
        return sql_run(s, sql_bind(s, SQL_DELETE_REMOVED, "i", row));
}
