/* SPDX-License-Identifier: BSD-3-Clause
 * The table `device`. */
#include "hss/store_device.h"

#include "hss/store_int.h"

/* Runs a bound DEVICE statement of store_sql.c. */
static int read_device(struct store *s, struct arena *a, sqlite3_stmt *st, struct store_device *out)
{
        struct store_device d = {0};
        struct span *const texts[] = {&d.impi_name, &d.subject, &d.fingerprint, &d.blocked};
        int rc = sql_step(s, st);
        if (rc == 0)
                rc = -IMS_ENOTFOUND;
        if (rc > 0) {
                d.id = sqlite3_column_int64(st, 0);
                d.impi = sqlite3_column_int64(st, 1);
                d.pinned = sqlite3_column_int(st, 2);
                d.given = sqlite3_column_int64(st, 3);
                d.refused = sqlite3_column_int64(st, 4);
                d.last_s = sqlite3_column_int64(st, 5);
                rc = 0;
        }
        for (int i = 0; rc == 0 && i < 4; i++)
                rc = sql_text(a, st, 6 + i, texts[i]);
        sql_reset(st);
        if (rc == 0)
                *out = d;
        return rc;
}

int store_device_add(struct store *s, int64_t impi, struct span subject, struct span fingerprint)
{
        return sql_run(s, sql_bind(s, SQL_NEW_DEVICE, "itt", impi, subject, fingerprint));
}

int store_device_find(struct store *s, struct arena *a, struct span fingerprint, struct span subject,
                      struct store_device *out)
{
        return read_device(s, a, sql_bind(s, SQL_FIND_DEVICE, "tt", fingerprint, subject), out);
}

int store_device_named(struct store *s, struct arena *a, struct span name, struct store_device *out)
{
        return read_device(s, a, sql_bind(s, SQL_NAME_DEVICE, "t", name), out);
}

int store_device_next(struct store *s, struct arena *a, int64_t from, struct store_device *out)
{
        return read_device(s, a, sql_bind(s, SQL_NEXT_DEVICE, "i", from), out);
}

int store_device_given(struct store *s, int64_t id, struct span fingerprint, int64_t now_s)
{
        return sql_run(s, sql_bind(s, SQL_DEVICE_GIVEN, "iti", id, fingerprint, now_s));
}

int store_device_refused(struct store *s, int64_t id)
{
        return sql_run(s, sql_bind(s, SQL_DEVICE_REFUSED, "i", id));
}

int store_device_block(struct store *s, int64_t id, struct span why)
{
        return sql_run(s, sql_bind(s, SQL_DEVICE_BLOCK, "it", id, why));
}

int store_device_forget(struct store *s, int64_t id)
{
        return sql_run(s, sql_bind(s, SQL_DEVICE_FORGET, "i", id));
}

int store_device_remove(struct store *s, int64_t id)
{
        return sql_run(s, sql_bind(s, SQL_DELETE_DEVICE, "i", id));
}
