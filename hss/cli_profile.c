/* SPDX-License-Identifier: BSD-3-Clause
 * hss profile: service profiles with initial filter criteria. */
#include <errno.h>
#include <stdio.h>

#include "hss/cli.h"
#include "hss/profile_build.h"

#define DOCUMENT_MAX (1 << 20)

static void print_profile(struct span name, struct span document, int64_t users, void *arg)
{
        (void)arg;
        (void)printf("%-20.*s %8lld identities, %s\n", (int)name.n, name.p, (long long)users,
                     document.n ? "with filter criteria" : "no filter criteria");
}

int cli_profile_list(struct cli *c, int argc, char **argv)
{
        (void)argc;
        (void)argv;
        int rc = store_begin(c->store, false);
        if (rc == 0)
                rc = store_each_profile(c->store, print_profile, NULL);
        store_rollback(c->store);
        return cli_store_failed(c, rc);
}

static int read_document(struct cli *c, const char *file, struct span *out)
{
        FILE *f = fopen(file, "re");
        if (!f) {
                buf_printf(&c->err, "%s: %s\n", file, strerror(errno));
                return -IMS_EIO;
        }
        char *text = arena_alloc(&c->arena, DOCUMENT_MAX);
        size_t n = text ? fread(text, 1, DOCUMENT_MAX, f) : 0;
        (void)fclose(f);
        if (!text)
                return -IMS_ENOMEM;
        *out = span_make(text, n);
        struct buf why = BUF_INIT;
        const char *bad = profile_check_document(*out, &why);
        if (bad)
                buf_printf(&c->err, "%s: %s: " SPAN_FMT "\n", file, bad, SPAN_ARG(buf_as_span(&why)));
        buf_free(&why);
        return bad ? -IMS_EINVAL : 0;
}

int cli_profile_set(struct cli *c, int argc, char **argv)
{
        struct span document;
        if (argc != 2)
                return cli_misused(c, NULL);
        int rc = read_document(c, argv[1], &document);
        if (rc < 0)
                return rc;
        rc = store_begin(c->store, true);
        if (rc == 0)
                rc = store_put_profile(c->store, span_of(argv[0]), document);
        if (rc == 0)
                rc = store_commit(c->store);
        store_rollback(c->store);
        return cli_store_failed(c, rc);
}

int cli_profile_remove(struct cli *c, int argc, char **argv)
{
        if (argc != 1)
                return cli_misused(c, NULL);
        if (strcmp(argv[0], "default") == 0) {
                buf_puts(&c->err, "default: this one stays, new subscribers get it (`hss profile set default "
                                  "FILE.xml` changes it)\n");
                return -IMS_EINVAL;
        }
        int rc = store_begin(c->store, true);
        if (rc == 0)
                rc = store_remove_profile(c->store, span_of(argv[0]));
        if (rc == -IMS_EEXISTS)
                buf_printf(&c->err, "%s: identities still have it\n", argv[0]);
        else if (rc == -IMS_ENOTFOUND)
                buf_printf(&c->err, "%s: no such service profile\n", argv[0]);
        if (rc == 0)
                rc = store_commit(c->store);
        store_rollback(c->store);
        return cli_store_failed(c, rc);
}
