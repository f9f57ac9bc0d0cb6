/* SPDX-License-Identifier: BSD-3-Clause
 * hss subscriber add, set, remove. */
#include <stdio.h>

#include "hss/cli.h"

static struct provision provision(struct cli *c)
{
        return (struct provision){.conf = c->conf, .store = c->store, .aka = c->aka, .arena = &c->arena};
}

/* Options and the rules between them. */
static int read_subscriber(struct cli *c, struct subscriber *sub, bool add, int argc, char **argv)
{
        enum sub_field field;
        int rc = sub_read_args(sub, &c->arena, add ? SUB_USE_ADD : SUB_USE_SET, argc, argv, &c->err);
        if (rc < 0)
                return rc;
        const char *why = sub_check(sub, add, &field);
        if (!why)
                return 0;
        buf_printf(&c->err, "--%s: %s\n", sub_rows[field].name, why);
        return -IMS_EINVAL;
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
        if (rc == 0 && (rc = store_begin(c->store, true)) == 0)
                rc = finish(c, sub_add(&p, &sub, &c->err));
        sub_wipe(&sub);
        return rc;
}

int cli_subscriber_set(struct cli *c, int argc, char **argv)
{
        struct subscriber sub = {0};
        struct record r;
        struct provision p = provision(c);
        if (argc < 2) {
                buf_puts(&c->err, "usage: hss subscriber set ID OPTION...\n");
                return -IMS_EINVAL;
        }
        int rc = read_subscriber(c, &sub, false, argc - 1, argv + 1);
        if (rc == 0 && (rc = store_begin(c->store, true)) == 0) {
                rc = cli_find(c, argv[0], &r);
                if (rc == 0)
                        rc = sub_change(&p, &r, &sub, &c->err);
                rc = finish(c, rc);
        }
        sub_wipe(&sub);
        return rc;
}

int cli_subscriber_remove(struct cli *c, int argc, char **argv)
{
        struct record r;
        if (argc < 1) {
                buf_puts(&c->err, "usage: hss subscriber remove ID...\n");
                return -IMS_EINVAL;
        }
        int rc = store_begin(c->store, true);
        for (int i = 0; rc == 0 && i < argc; i++) {
                rc = cli_find(c, argv[i], &r);
                if (rc == 0)
                        rc = store_remove(c->store, r.id, r.subscription);
                if (rc == 0 && r.scscf_name.p)
                        buf_printf(&c->err, "%s was assigned to " SPAN_FMT ", which is not told\n", argv[i],
                                   SPAN_ARG(r.scscf_name));
        }
        return finish(c, rc);
}
