/* SPDX-License-Identifier: BSD-3-Clause
 * Dispatch of commands, and the store around them. */
#include "hss/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum opening {
        OPEN_STORE,   /* the store must be there */
        OPEN_OR_MAKE, /* the first provisioning makes it */
        OPEN_NONE
};

static const struct command {
        const char *words[2];
        enum opening opening;
        int (*run)(struct cli *c, int argc, char **argv);
        const char *usage;
        bool takes_words; /* behind the command */
} commands[] = {
        {{"init", NULL}, OPEN_NONE, NULL, "init", false},
        {{"subscriber", "add"},
         OPEN_OR_MAKE,
         cli_subscriber_add,
         "subscriber add (--imsi IMSI --msisdn NUMBER --k HEX (--op HEX | --opc HEX) | --impi IMPI "
         "--password TEXT) [OPTION...]",
         true},
        {{"subscriber", "list"}, OPEN_STORE, cli_subscriber_list, "subscriber list [--json]", true},
        {{"subscriber", "show"}, OPEN_STORE, cli_subscriber_show, "subscriber show ID [--json]", true},
        {{"subscriber", "set"}, OPEN_STORE, cli_subscriber_set, "subscriber set ID OPTION...", true},
        {{"subscriber", "remove"}, OPEN_STORE, cli_subscriber_remove, "subscriber remove ID...", true},
        {{"subscriber", "import"},
         OPEN_OR_MAKE,
         cli_subscriber_import,
         "subscriber import FILE.csv|- [--dry-run]",
         true},
        {{"subscriber", "export"},
         OPEN_STORE,
         cli_subscriber_export,
         "subscriber export [--with-keys FILE]",
         true},
        {{"state", NULL}, OPEN_STORE, cli_state, "state [ID] [--json]", true},
        {{"backup", NULL}, OPEN_STORE, cli_backup, "backup FILE", true},
        {{"diagnose", NULL},
         OPEN_STORE,
         cli_diagnose,
         "diagnose ID --rand HEX (--res HEX | --auts HEX | --autn HEX | --authorization VALUE) [OPTION...]",
         true},
        {{"device", "add"},
         OPEN_STORE,
         cli_device_add,
         "device add (--certificate FILE | --subject NAME) --impi IMPI",
         true},
        {{"device", "list"}, OPEN_STORE, cli_device_list, "device list [--json]", true},
        {{"device", "block"}, OPEN_STORE, cli_device_block, "device block NAME [--reason TEXT]", true},
        {{"device", "unblock"}, OPEN_STORE, cli_device_unblock, "device unblock NAME", true},
        {{"device", "forget"}, OPEN_STORE, cli_device_forget, "device forget NAME", true},
        {{"device", "remove"}, OPEN_STORE, cli_device_remove, "device remove NAME", true},
        {{"profile", "list"}, OPEN_STORE, cli_profile_list, "profile list", false},
        {{"profile", "set"}, OPEN_OR_MAKE, cli_profile_set, "profile set NAME FILE.xml", true},
        {{"profile", "remove"}, OPEN_STORE, cli_profile_remove, "profile remove NAME", true},
};

#define N_COMMANDS (sizeof commands / sizeof *commands)

static void print_field(const struct sub_row *row)
{
        char left[64];
        (void)snprintf(left, sizeof left, "--%s %s", row->name, row->value);
        (void)printf("  %-42s %s%s\n", left, row->doc, row->kind == SUB_MANY ? " (repeat)" : "");
}

int cli_help(void)
{
        (void)printf("usage: hss -c FILE                 serve Cx\n");
        for (size_t i = 0; i < N_COMMANDS; i++)
                (void)printf("       hss -c FILE %s\n", commands[i].usage);
        (void)printf(
                "\nID is an IMPI, IMSI, MSISDN or IMPU. Without -c the file in QUINTET_HSS_CONF is read.\n"
                "CSV columns have the names of the options; lists are separated by spaces.\n"
                "\nOptions of subscriber add, subscriber set (s), and columns of a CSV file (c):\n");
        for (int f = 0; f < SUB_FIELDS; f++) {
                (void)printf("%c%c", sub_rows[f].use & SUB_USE_SET ? 's' : ' ',
                             sub_rows[f].use & SUB_USE_CSV ? 'c' : ' ');
                print_field(&sub_rows[f]);
        }
        return EXIT_SUCCESS;
}

bool cli_wants_help(int argc, char **argv)
{
        bool command = false; /* a word that is no option was seen */
        for (int i = 1; i < argc; i++) {
                if (!command && (strcmp(argv[i], "-c") == 0 || strcmp(argv[i], "--log") == 0)) {
                        i++;
                        continue;
                }
                if (strcmp(argv[i], command ? "--help" : "help") == 0)
                        return true;
                command = command || argv[i][0] != '-';
        }
        return false;
}

struct store_conf cli_store_conf(const struct hss_conf *conf, enum store_role role)
{
        return (struct store_conf){
                .file = conf->store_file,
                .key_file = conf->store_key_file,
                .role = role,
                .synchronous_full = conf->store_synchronous == 1,
                .ind_bits = conf->auc_ind_bits,
        };
}

static void print_errors(const char *command, const struct buf *err)
{
        struct span rest = buf_as_span(err), line;
        while (rest.n && span_split(&rest, '\n', &line))
                if (line.n)
                        (void)fprintf(stderr, "hss %s: " SPAN_FMT "\n", command, SPAN_ARG(line));
}

static const struct command *find_command(int argc, char **argv)
{
        for (size_t i = 0; i < N_COMMANDS; i++) {
                const struct command *c = &commands[i];
                if (strcmp(argv[0], c->words[0]) == 0 &&
                    (!c->words[1] || (argc > 1 && strcmp(argv[1], c->words[1]) == 0)))
                        return c;
        }
        return NULL;
}

/* The commands that begin like the one given, else where to find them all. */
static void print_usage(const char *word)
{
        bool found = false;
        for (size_t i = 0; i < N_COMMANDS; i++) {
                if (strcmp(word, commands[i].words[0]) != 0)
                        continue;
                (void)fprintf(stderr, "%s hss %s\n", found ? "      " : "usage:", commands[i].usage);
                found = true;
        }
        if (!found)
                (void)fprintf(stderr, "hss: no such command; `hss help` lists them\n");
}

/* hss init */
static int init(struct cli *c)
{
        struct store_conf sc = cli_store_conf(c->conf, STORE_TOOL);
        bool was = store_exists(sc.file);
        int rc = store_create(&sc, &c->err);
        if (rc == 0)
                (void)printf("%s: %s, key file %s\n", sc.file,
                             was ? "there already, and its key file fits" : "made", sc.key_file);
        return rc;
}

static int open_store(struct cli *c, enum opening opening)
{
        struct store_conf sc = cli_store_conf(c->conf, STORE_TOOL);
        int rc = 0;
        if (opening == OPEN_OR_MAKE && !store_exists(sc.file)) {
                bool key_there = access(sc.key_file, F_OK) == 0;
                rc = store_create(&sc, &c->err);
                if (rc == 0)
                        (void)fprintf(stderr, "hss: made the store %s%s%s\n", sc.file,
                                      key_there ? "" : " and its key file ", key_there ? "" : sc.key_file);
        }
        if (rc == 0)
                rc = store_open(&sc, &c->store, &c->err);
        return rc < 0 ? rc : aka_ctx_new(&c->aka);
}

int cli_run(const struct hss_conf *conf, int argc, char **argv)
{
        const struct command *command = find_command(argc, argv);
        struct cli c = {.conf = conf};
        struct arena args;
        char name[64];
        int words, rc;
        arena_init(&args);
        if (sub_hide_args(&args, argc, argv) < 0)
                return EXIT_FAILURE;
        words = command && command->words[1] ? 2 : 1;
        if (!command || (!command->takes_words && argc > words)) {
                print_usage(argv[0]);
                arena_reset(&args, true);
                return CLI_EXIT_USAGE;
        }
        (void)snprintf(name, sizeof name, "%s%s%s", argv[0], words == 2 ? " " : "",
                       words == 2 ? argv[1] : "");
        c.usage = command->usage;
        arena_init(&c.arena);
        rc = command->opening == OPEN_NONE ? init(&c) : open_store(&c, command->opening);
        if (rc == 0 && command->run)
                rc = command->run(&c, argc - words, argv + words);
        if (rc < 0 && c.err.n == 0)
                buf_printf(&c.err, "%s\n", ims_strerror(rc));
        print_errors(name, &c.err);
        aka_ctx_free(c.aka);
        store_close(c.store);
        arena_reset(&c.arena, true);
        arena_reset(&args, true);
        buf_free(&c.err);
        if (fflush(stdout) != 0 && rc == 0) {
                (void)fprintf(stderr, "hss %s: the output cannot be written\n", name);
                return EXIT_FAILURE;
        }
        return rc < 0 && c.exit_code == 0 ? EXIT_FAILURE : c.exit_code;
}

int cli_misused(struct cli *c, const char *word)
{
        if (word) {
                buf_puts(&c->err, "what is ");
                buf_quoted(&c->err, span_of(word), 60);
                buf_puts(&c->err, "?\n");
        }
        buf_printf(&c->err, "usage: hss %s\n", c->usage);
        c->exit_code = CLI_EXIT_USAGE;
        return -IMS_EINVAL;
}

int cli_store_failed(struct cli *c, int rc)
{
        if (rc == -IMS_EALREADY)
                buf_puts(&c->err, "another program holds the database\n");
        else if (rc == -IMS_EDB)
                buf_printf(&c->err, "database: %s\n", store_error(c->store));
        return rc;
}

int cli_find(struct cli *c, const char *id, struct record *out)
{
        struct span given = span_of(id), canonical;
        int64_t impi = 0;
        if ((span_istarts(given, SPAN("sip:")) || span_istarts(given, SPAN("tel:"))) &&
            !identity_canonical_impu(&c->arena, given, &canonical))
                given = canonical;
        else if (span_starts(given, SPAN("+")))
                given = span_sub(given, 1, given.n);
        int rc = store_find(c->store, given, &impi);
        if (rc == -IMS_ENOTFOUND) {
                buf_quoted(&c->err, span_of(id), 100);
                buf_puts(&c->err, ": no subscriber has this IMPI, IMSI, MSISDN or IMPU\n");
                return rc;
        }
        if (rc == 0)
                rc = store_read_record(c->store, &c->arena, impi, out);
        return cli_store_failed(c, rc);
}
