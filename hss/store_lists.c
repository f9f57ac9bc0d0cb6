/* SPDX-License-Identifier: BSD-3-Clause
 * What SAA carries: identities, profiles, charging, restoration data. */
#include "hss/store_int.h"

int store_list_sets(struct store *s, int64_t impi, bool registered_only, int64_t *out, size_t cap, size_t *n)
{
        sqlite3_stmt *st = sql_bind(s, SQL_LIST_SETS, "ii", impi, (int64_t)registered_only);
        int rc;
        *n = 0;
        while ((rc = sql_step(s, st)) == 1 && *n < cap)
                out[(*n)++] = sqlite3_column_int64(st, 0);
        if (rc >= 0)
                sql_reset(st);
        return rc < 0 ? rc : 0;
}

/* Texts in column 0 of a bound statement. */
static int list_texts(struct store *s, struct arena *a, sqlite3_stmt *st, struct span *out, size_t cap,
                      size_t *n)
{
        int rc;
        *n = 0;
        while ((rc = sql_step(s, st)) == 1 && *n < cap) {
                rc = sql_text(a, st, 0, &out[*n]);
                if (rc < 0)
                        break;
                (*n)++;
        }
        sql_reset(st);
        return rc < 0 ? rc : 0;
}

int store_list_impis(struct store *s, struct arena *a, int64_t subscription, struct store_impis *out)
{
        return list_texts(s, a, sql_bind(s, SQL_LIST_SUBSCRIPTION_IMPIS, "i", subscription), out->v,
                          STORE_IMPIS_MAX, &out->n);
}

int store_list_registered_impis(struct store *s, struct arena *a, int64_t set, struct store_impis *out)
{
        return list_texts(s, a, sql_bind(s, SQL_LIST_REGISTERED_IMPIS, "i", set), out->v, STORE_IMPIS_MAX,
                          &out->n);
}

int store_list_restoration(struct store *s, struct arena *a, int64_t set, struct span *out, size_t cap,
                           size_t *n)
{
        return list_texts(s, a, sql_bind(s, SQL_LIST_RESTORATION, "i", set), out, cap, n);
}

static int take_impu(struct arena *a, sqlite3_stmt *st, struct store_impu *u)
{
        *u = (struct store_impu){
                .type = (uint32_t)sqlite3_column_int(st, 2),
                .has_alias_group = sqlite3_column_type(st, 3) != SQLITE_NULL,
                .alias_group = (uint32_t)sqlite3_column_int(st, 3),
                .barred = sqlite3_column_int(st, 4),
                .profile = sqlite3_column_int64(st, 5),
                .profile_revision = sqlite3_column_int64(st, 6),
        };
        int rc = sql_text(a, st, 0, &u->impu);
        return rc < 0 ? rc : sql_text(a, st, 1, &u->display_name);
}

int store_list_impus(struct store *s, struct arena *a, int64_t set, struct store_impu **out, size_t *n)
{
        size_t cap = 8, count = 0;
        struct store_impu *list = arena_alloc(a, cap * sizeof *list);
        if (!list)
                return -IMS_ENOMEM;
        sqlite3_stmt *st = sql_bind(s, SQL_LIST_IMPUS, "i", set);
        int rc;
        while ((rc = sql_step(s, st)) == 1) {
                if (count == cap) {
                        struct store_impu *more = arena_alloc(a, 2 * cap * sizeof *more);
                        if (!more) {
                                rc = -IMS_ENOMEM;
                                break;
                        }
                        memcpy(more, list, count * sizeof *list);
                        list = more;
                        cap *= 2;
                }
                rc = take_impu(a, st, &list[count]);
                if (rc < 0)
                        break;
                count++;
        }
        sql_reset(st);
        if (rc < 0)
                return rc;
        *out = list;
        *n = count;
        return 0;
}

int store_read_profile(struct store *s, struct arena *a, int64_t profile, struct span *out)
{
        size_t n = 0;
        int rc = list_texts(s, a, sql_bind(s, SQL_READ_PROFILE, "i", profile), out, 1, &n);
        return rc < 0 ? rc : n ? 0 : -IMS_ENOTFOUND;
}

int store_read_extras(struct store *s, struct arena *a, int64_t subscription, struct store_extras *out)
{
        sqlite3_stmt *st = sql_bind(s, SQL_READ_EXTRAS, "i", subscription);
        struct store_extras e = {.loose_route = -1, .priviledged_sender = -1};
        int rc = sql_step(s, st);
        if (rc == 1) {
                e.loose_route = sqlite3_column_int(st, 1);
                e.priviledged_sender = sqlite3_column_int(st, 2);
                rc = sql_text(a, st, 0, &e.charging);
        } else if (rc == 0) {
                rc = -IMS_ENOTFOUND;
        }
        sql_reset(st);
        if (rc == 0)
                *out = e;
        return rc;
}
