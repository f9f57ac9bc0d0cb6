/* SPDX-License-Identifier: BSD-3-Clause
 * hss subscriber add, set, remove. */
#include <stdio.h>
#include <stdlib.h>

#include "hss/cli.h"
#include "hss/store_push.h"

static struct provision provision(struct cli *c)
{
        return (struct provision){.conf = c->conf, .store = c->store, .aka = c->aka, .arena = &c->arena};
}

/* Options and the rules between them. */
static int read_subscriber(struct cli *c, struct subscriber *sub, bool add, int argc, char **argv)
{
        enum sub_field field;
        int rc = sub_read_args(sub, &c->arena, add ? SUB_USE_ADD : SUB_USE_SET, argc, argv, &c->err);
        if (rc == -IMS_ENOTFOUND) {
                c->exit_code = CLI_EXIT_USAGE;
                return -IMS_EINVAL;
        }
        if (rc < 0)
                return rc;
        const char *why = sub_check(sub, add, &field);
        if (!why)
                return 0;
        buf_printf(&c->err, "--%s: %s\n", sub_rows[field].name, why);
        return -IMS_EINVAL;
}

/* A transaction that writes. */
static int begin(struct cli *c)
{
        return cli_store_failed(c, store_begin(c->store, true));
}

/* Commit or roll back. */
static int finish(struct cli *c, int rc)
{
        if (rc == 0)
                rc = store_commit(c->store);
        else
                store_rollback(c->store);
        return cli_store_failed(c, rc);
}

int cli_subscriber_add(struct cli *c, int argc, char **argv)
{
        struct subscriber sub = {0};
        struct provision p = provision(c);
        int rc = read_subscriber(c, &sub, true, argc, argv);
        if (rc == 0 && (rc = begin(c)) == 0)
                rc = finish(c, sub_add(&p, &sub, &c->err));
        sub_wipe(&sub);
        return rc;
}

int cli_subscriber_set(struct cli *c, int argc, char **argv)
{
        struct subscriber sub = {0};
        struct record r;
        struct provision p = provision(c);
        bool queued = false;
        if (argc < 2)
                return cli_misused(c, NULL);
        int rc = read_subscriber(c, &sub, false, argc - 1, argv + 1);
        if (rc == 0 && (rc = begin(c)) == 0) {
                rc = cli_find(c, argv[0], &r);
                bool digest = rc == 0 && r.scheme == HSS_SCHEME_DIGEST;
                if (rc == 0)
                        rc = sub_change(&p, &r, &sub, &c->err);
                if (rc == 0)
                        rc = sub_queue_push(&p, &sub, &r, digest, &queued);
                rc = finish(c, rc);
        }
        if (rc == 0 && queued)
                cli_push(c, &(struct cli_told){r.impi, r.scscf_name, "stored", "push", r.id});
        else if (rc == 0 && (sub_given(&sub, SUB_REAUTHENTICATE) || sub_given(&sub, SUB_DEREGISTER)))
                (void)printf(SPAN_FMT ": no S-CSCF serves it, nobody is to be told\n", SPAN_ARG(r.impi));
        sub_wipe(&sub);
        return rc;
}

/* One of several. *told: what its S-CSCF is to be told; row 0: nothing. */
static int take_away(struct cli *c, const char *id, struct cli_told *told)
{
        struct record r;
        int64_t row = 0;
        int rc = cli_find(c, id, &r);
        if (rc == 0)
                rc = store_removed_put(c->store, r.id, &row);
        if (rc == 0)
                rc = store_remove(c->store, r.id, r.subscription);
        *told = (struct cli_told){r.impi, r.scscf_name, "removed", "removed", row};
        return rc;
}

int cli_subscriber_remove(struct cli *c, int argc, char **argv)
{
        if (argc < 1)
                return cli_misused(c, NULL);
        struct cli_told *told = calloc((size_t)argc, sizeof *told);
        int rc = told ? begin(c) : -IMS_ENOMEM;
        if (rc == 0) {
                for (int i = 0; rc == 0 && i < argc; i++)
                        rc = take_away(c, argv[i], &told[i]);
                rc = finish(c, rc);
        }
        for (int i = 0; rc == 0 && i < argc; i++) {
                if (told[i].row)
                        cli_push(c, &told[i]);
                else
                        (void)printf(SPAN_FMT ": removed; no S-CSCF serves it, nobody is to be told\n",
                                     SPAN_ARG(told[i].impi));
        }
        free(told);
        return rc;
}
