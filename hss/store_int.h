/* SPDX-License-Identifier: BSD-3-Clause
 * Inside the store: the connection, and the one table of its SQL. */
#pragma once

#include <sqlite3.h>

#include "hss/store.h"
#include "hss/store_cache.h"
#include "hss/store_sql.h"

struct store {
        sqlite3 *db;
        struct keyfile *keys;
        uint32_t ind_bits;
        bool server; /* opened whole, by the server */
        int lock_fd; /* key file, locked while a server has the store open; -1: not */
        int wal_pages;
        struct store_cache *cache; /* of a server; NULL: none */
        char error[256];
        const char *trouble; /* the same in words for people */
        sqlite3_stmt *stmts[SQL_COUNT];
};

#define STORE_VERSION 5

extern const char store_schema_sql[]; /* schema.sql */

/* Prepares every statement. */
int sql_prepare(struct store *s) IMS_CHECK;
void sql_finalize(struct store *s);

/* Binds in order; types: 'i' int64_t, 't' struct span (text; p NULL: NULL), 'b' struct span (blob),
 * 'n' NULL (no argument). */
sqlite3_stmt *sql_bind(struct store *s, enum sql_id id, const char *types, ...);

/* One step: 1 row, 0 done, negative error (the statement is then reset). */
int sql_step(struct store *s, sqlite3_stmt *st) IMS_CHECK;

/* Runs a bound statement that gives no rows; *changed may be NULL. */
int sql_run(struct store *s, sqlite3_stmt *st) IMS_CHECK;
void sql_reset(sqlite3_stmt *st);

/* Records the error of the connection and gives its code. */
int store_fail(struct store *s, int sqlite_code) IMS_CHECK;

/* -IMS_EDB when the file of the database is gone or another one: what is committed would be lost with it. */
int store_check_place(struct store *s) IMS_CHECK;

/* Plain SQL without parameters. */
int store_exec(struct store *s, const char *sql) IMS_CHECK;

/* Copies column i into the arena. */
int sql_text(struct arena *a, sqlite3_stmt *st, int i, struct span *out) IMS_CHECK;

/* Key, split of SQN, how the store was left; in a transaction of its own. */
int store_check_meta(struct store *s, const struct store_conf *c, struct buf *err) IMS_CHECK;
/* The server closes the store in good order. */
void store_mark_closed(struct store *s);

/* Migrates from the version in the file to STORE_VERSION, in one transaction. */
int store_migrate(struct store *s, struct buf *err) IMS_CHECK;

struct store_migration {
        int from; /* user_version it starts at; it ends at from + 1 */
        const char *sql;
};
int store_migrate_with(struct store *s, const struct store_migration *rows, size_t n, int target,
                       struct buf *err) IMS_CHECK;
