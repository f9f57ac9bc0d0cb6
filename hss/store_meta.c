/* SPDX-License-Identifier: BSD-3-Clause
 * What a store knows about itself (table meta): its key, the split of SQN, how it was left. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/log.h"
#include "hss/store_int.h"

#define CHECK_TEXT   "quintet-hss-key-check"
#define CHECK_OWNER  SPAN("\x01key-check") /* no IMPI looks like this */
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

/* More than the SEQs that can have left since the log was last forced to the disk; far below the jump that
 * cards allow (2^28, TS 33.102 C.3). */
#define SEQ_JUMP (1 << 24)

/* The key file must be the one the database was made with; the first opening writes the check value. */
static int check_key(struct store *s, const struct store_conf *c, struct buf *err)
{
        char plain[64];
        size_t n = 0;
        sqlite3_stmt *st = sql_bind(s, SQL_GET_META, "t", SPAN("key_check"));
        int rc = sql_step(s, st);
        if (rc == 0) {
                sql_reset(st);
                uint8_t made[KEYFILE_SEALED_MAX];
                rc = keyfile_seal(s->keys, CHECK_OWNER, CHECK_TEXT, sizeof CHECK_TEXT, made, &n);
                if (rc == 0)
                        rc = sql_run(s,
                                     sql_bind(s, SQL_PUT_META, "tb", SPAN("key_check"), span_make(made, n)));
                return rc;
        }
        if (rc < 0)
                return rc;
        struct span sealed = span_make(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        rc = keyfile_open(s->keys, CHECK_OWNER, sealed, plain, sizeof plain, &n);
        sql_reset(st);
        if (rc < 0)
                buf_printf(err,
                           "key file %s is not the one that database %s was made with: the credentials "
                           "cannot be "
                           "read\n",
                           c->key_file, c->file);
        return rc;
}

/* SEQ is stored without IND: when the split changes, every SEQ is moved so that each next SQN is above
 * all that were given out. Only the server does so, a command would do it under its feet. */
static int check_ind_bits(struct store *s, const struct store_conf *c, struct buf *err)
{
        char text[16], sql[160];
        uint32_t was = s->ind_bits;
        sqlite3_stmt *st = sql_bind(s, SQL_GET_META, "t", SPAN("ind_bits"));
        int rc = sql_step(s, st);
        if (rc == 1) {
                struct span v = span_make(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
                if (span_u32(v, SQN_IND_BITS_MAX, &was) < 0)
                        rc = -IMS_EDB;
                sql_reset(st);
                if (rc == 1 && was == s->ind_bits)
                        return 0;
        }
        if (rc < 0) {
                buf_puts(err, "database: meta ind_bits cannot be read\n");
                return rc;
        }
        if (was != s->ind_bits && c->role != STORE_SERVER) {
                buf_printf(err,
                           "auc.ind_bits is %u, the database was made with %u: start the HSS with this "
                           "configuration first, it converts every SQN\n",
                           s->ind_bits, was);
                return -IMS_ECONF;
        }
        (void)snprintf(text, sizeof text, "%u", s->ind_bits);
        (void)snprintf(sql, sizeof sql,
                       "UPDATE impi SET seq = (((seq + 1) << %u) >> %u) + 1, ind_cs = 0, ind_ps = 0, "
                       "ind_ims = 0",
                       was, s->ind_bits);
        rc = was == s->ind_bits ? 0 : store_exec(s, sql);
        if (rc == 0)
                rc = sql_run(s, sql_bind(s, SQL_PUT_META, "tb", SPAN("ind_bits"), span_of(text)));
        return rc;
}

static void boot_id(char out[static 64])
{
        FILE *f = fopen(BOOT_ID_FILE, "re");
        if (!f || !fgets(out, 64, f))
                (void)snprintf(out, 64, "unknown");
        if (f)
                (void)fclose(f);
        out[strcspn(out, "\n")] = '\0';
}

/* A server leaves the machine's boot id while it has the store open. Found again under another boot, the
 * machine went down meanwhile: with store.synchronous normal the last commits may be lost, and the SQNs
 * in them must not be given out again. */
static int mark_open(struct store *s)
{
        char now[64], sql[64];
        bool crashed = false;
        boot_id(now);
        sqlite3_stmt *st = sql_bind(s, SQL_GET_META, "t", SPAN("open_boot"));
        int rc = sql_step(s, st);
        if (rc == 1) {
                struct span was = span_make(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
                crashed = was.n && !span_eq(was, span_of(now));
                sql_reset(st);
        }
        if (rc < 0)
                return rc;
        (void)snprintf(sql, sizeof sql, "UPDATE impi SET seq = seq + %d", SEQ_JUMP);
        rc = crashed ? store_exec(s, sql) : 0;
        if (crashed && rc == 0)
                log_warn(
                        "the machine went down while the HSS ran, or this is a backup: every SEQ moves on by "
                        "%d, so that no SQN is given out twice",
                        SEQ_JUMP);
        if (rc == 0)
                rc = sql_run(s, sql_bind(s, SQL_PUT_META, "tb", SPAN("open_boot"), span_of(now)));
        return rc;
}

/* Servers hold a shared lock on the key file while they have the store open. -1: it cannot be had. */
static int lock_shared(const char *key_file)
{
        int fd = open(key_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0) {
                close(fd);
                fd = -1;
        }
        return fd;
}

void store_mark_closed(struct store *s)
{
        bool last = s->lock_fd >= 0 && flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0;
        if (s->lock_fd >= 0)
                close(s->lock_fd);
        s->lock_fd = -1;
        if (!last)
                return; /* another HSS has it open still, and clears the mark when it ends */
        /* First what was answered reaches the disk, then the mark that says so. */
        if (sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_FULL, NULL, NULL) != SQLITE_OK)
                return;
        if (sql_run(s, sql_bind(s, SQL_PUT_META, "tb", SPAN("open_boot"), SPAN(""))) < 0)
                log_warn("database: %s", s->error);
}

static bool has_meta(struct store *s, const char *name)
{
        sqlite3_stmt *st = sql_bind(s, SQL_GET_META, "t", span_of(name));
        int rc = sql_step(s, st);
        if (rc == 1)
                sql_reset(st);
        return rc == 1;
}

/* The server and the first opening write. A command does not, so that it works while another program
 * holds the lock (a long import) and on a database that can only be read. */
int store_check_meta(struct store *s, const struct store_conf *c, struct buf *err)
{
        int rc = store_begin(s, false);
        bool write = c->role == STORE_SERVER || !has_meta(s, "key_check") || !has_meta(s, "ind_bits");
        if (rc == 0 && write) {
                store_rollback(s);
                rc = store_begin(s, true);
        }
        if (rc == 0)
                rc = check_key(s, c, err);
        if (rc == 0)
                rc = check_ind_bits(s, c, err);
        if (rc == 0 && c->role == STORE_SERVER)
                rc = mark_open(s);
        if (rc == 0 && c->role == STORE_SERVER)
                s->lock_fd = lock_shared(c->key_file);
        if (rc == 0)
                rc = store_commit(s);
        if (rc < 0) {
                store_rollback(s);
                if (err->n == 0)
                        buf_printf(err, "database %s: %s\n", c->file, s->error);
        }
        return rc;
}
