/* SPDX-License-Identifier: BSD-3-Clause
 * What goes wrong with the database file, as our errors and in words for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hss/store_int.h"

/* What an error of the system means for the database, or NULL. */
static const char *of_system(int number)
{
        switch (number) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
                return "there is no room for the database: its disk is full";
        case EROFS:
        case EACCES:
        case EPERM:
                return "the database can only be read";
        default:
                return NULL;
        }
}

static const char *in_words(int code, int number)
{
        const char *why;

        switch (code & 0xff) {
        case SQLITE_FULL:
                return of_system(ENOSPC);
        case SQLITE_READONLY:
                return of_system(EROFS);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return "the database is damaged";
        case SQLITE_NOMEM:
                return "out of memory";
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
                why = of_system(number);
                return why ? why : "the disk of the database fails";
        default:
                return "the database failed";
        }
}

int store_fail(struct store *s, int code)
{
        int extended = sqlite3_extended_errcode(s->db);
        int number = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN ? errno : 0;

        s->trouble = in_words(code, number);
        (void)snprintf(s->error, sizeof s->error, "%s%s%s (SQLite %d)", sqlite3_errmsg(s->db),
                       number ? ": " : "", number ? strerror(number) : "", extended);
        switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -IMS_EALREADY;
        case SQLITE_CONSTRAINT:
                return -IMS_EEXISTS;
        case SQLITE_NOMEM:
                return -IMS_ENOMEM;
        default:
                return -IMS_EDB;
        }
}

int store_check_place(struct store *s)
{
        int moved = 0;

        if (sqlite3_file_control(s->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK || !moved)
                return 0;
        s->trouble = "the database file was removed or replaced while the HSS ran";
        (void)snprintf(s->error, sizeof s->error,
                       "the file is not the one that was opened: bring it back, or start the HSS again");
        return -IMS_EDB;
}

const char *store_trouble(const struct store *s)
{
        return s->trouble ? s->trouble : "the database failed";
}
