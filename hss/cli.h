/* SPDX-License-Identifier: BSD-3-Clause
 * The commands of the program `hss`. They open the store themselves and work whether the server runs or
 * not. Results go to stdout, refusals to stderr; the exit code is 0, 1 (refused or failed) or 2 (usage);
 * `hss diagnose` has two more. */
#pragma once

#include "hss/identity.h"
#include "hss/subscriber.h"

int cli_run(const struct hss_conf *conf, int argc, char **argv);

/* True for `hss help` and `hss COMMAND ... --help`, which need no configuration. */
bool cli_wants_help(int argc, char **argv);
int cli_help(void);

struct store_conf cli_store_conf(const struct hss_conf *conf, enum store_role role);

/* What every command has at hand. */
struct cli {
        const struct hss_conf *conf;
        struct store *store;
        struct aka_ctx *aka;
        struct arena arena;
        struct buf err;    /* lines for stderr */
        const char *usage; /* of the command, as `hss help` has it */
        int exit_code;     /* 0, or enum cli_exit when it is known better than by 0 and 1 */
};

enum cli_exit { CLI_EXIT_USAGE = 2, CLI_EXIT_MISTAKE, CLI_EXIT_NOTHING_FITS };

/* Commands: 0 or a negative error, reasons in c->err. argv: behind the command's words. */
int cli_subscriber_add(struct cli *c, int argc, char **argv);
int cli_subscriber_set(struct cli *c, int argc, char **argv);
int cli_subscriber_remove(struct cli *c, int argc, char **argv);
int cli_subscriber_list(struct cli *c, int argc, char **argv);
int cli_subscriber_show(struct cli *c, int argc, char **argv);
int cli_subscriber_import(struct cli *c, int argc, char **argv);
int cli_subscriber_export(struct cli *c, int argc, char **argv);
int cli_state(struct cli *c, int argc, char **argv);
int cli_backup(struct cli *c, int argc, char **argv);
int cli_diagnose(struct cli *c, int argc, char **argv);
int cli_device_add(struct cli *c, int argc, char **argv);
int cli_device_list(struct cli *c, int argc, char **argv);
int cli_device_block(struct cli *c, int argc, char **argv);
int cli_device_unblock(struct cli *c, int argc, char **argv);
int cli_device_forget(struct cli *c, int argc, char **argv);
int cli_device_remove(struct cli *c, int argc, char **argv);
int cli_profile_list(struct cli *c, int argc, char **argv);
int cli_profile_set(struct cli *c, int argc, char **argv);
int cli_profile_remove(struct cli *c, int argc, char **argv);

/* The record meant by an IMPI, IMSI, MSISDN or IMPU. */
int cli_find(struct cli *c, const char *id, struct record *out) IMS_CHECK;

/* What an S-CSCF is to be told. */
struct cli_told {
        struct span impi, scscf;
        const char *done;    /* "stored" */
        const char *command; /* of push_on_command */
        int64_t row;
};

/* It is committed: the running HSS sends it at once; what comes of it is printed. */
void cli_push(struct cli *c, const struct cli_told *t);

/* The command was given with too much or too little; word: what is too much, or NULL. Says how it is used,
 * gives -IMS_EINVAL. */
int cli_misused(struct cli *c, const char *word);

/* Adds the store's error, where there is one, and gives rc back. */
int cli_store_failed(struct cli *c, int rc);

/* CSV, RFC 4180: one row at a time. fields: spans into a buffer that lives until the next row. 1 row, 0
 * end, -IMS_EPARSE. *line counts the lines used up. */
struct csv_reader;
#define CSV_FIELDS_MAX 64
int csv_open(const char *file, struct csv_reader **out) IMS_CHECK;
int csv_next(struct csv_reader *r, struct span fields[static CSV_FIELDS_MAX], size_t *n,
             size_t *line) IMS_CHECK;
void csv_close(struct csv_reader *r); /* wipes what it read */
void csv_field(struct buf *b, struct span value, bool first);
