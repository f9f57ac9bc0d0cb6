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
        struct buf err; /* lines for stderr */
        int exit_code;  /* of a command that did its work: 0, or CLI_EXIT_* */
};

enum { CLI_EXIT_MISTAKE = 3, CLI_EXIT_NOTHING_FITS = 4 };

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
int cli_profile_list(struct cli *c, int argc, char **argv);
int cli_profile_set(struct cli *c, int argc, char **argv);
int cli_profile_remove(struct cli *c, int argc, char **argv);

/* The record meant by an IMPI, IMSI, MSISDN or IMPU. */
int cli_find(struct cli *c, const char *id, struct record *out) IMS_CHECK;

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
