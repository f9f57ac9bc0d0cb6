/* SPDX-License-Identifier: BSD-3-Clause
 * hss subscriber import: all rows of a file, or none. The first row names the columns. */
#include <errno.h>
#include <stdio.h>

#include "hss/cli.h"

#define FAULTS_MAX 20 /* reported before the rest is only counted */

struct import {
        struct cli *c;
        const char *file;
        enum sub_field columns[CSV_FIELDS_MAX];
        size_t n_columns;
        size_t rows, faults;
};

/* "FILE:LINE: FIELD: reason" */
static void fault(struct import *im, size_t line, struct span text)
{
        if (im->faults++ < FAULTS_MAX)
                buf_printf(&im->c->err, "%s:%zu: " SPAN_FMT "\n", im->file, line, SPAN_ARG(span_trim(text)));
}

static int read_columns(struct import *im, const struct span *fields, size_t n, size_t line)
{
        uint64_t seen = 0;
        for (size_t i = 0; i < n; i++) {
                enum sub_field f = sub_find(span_trim(fields[i]), SUB_USE_CSV);
                const char *why = f == SUB_FIELDS ? "is no column name (`hss help` lists them)"
                                  : seen >> f & 1 ? "stands there twice"
                                                  : NULL;
                if (why) {
                        struct buf text = BUF_INIT;
                        buf_quoted(&text, fields[i], 60);
                        buf_printf(&text, ": %s", why);
                        fault(im, line, buf_as_span(&text));
                        buf_free(&text);
                        return -IMS_EINVAL;
                }
                seen |= UINT64_C(1) << f;
                im->columns[i] = f;
        }
        im->n_columns = n;
        return 0;
}

/* One cell; an empty one is a field that is not given. A list has one value per line, or, when it is a
 * single line, spaces between its values; a single NBA line may have spaces in it. */
static const char *take_cell(struct subscriber *sub, struct arena *a, enum sub_field f, struct span cell)
{
        struct span part;
        bool lines = span_chr(cell, '\n', 0) >= 0;
        cell = span_trim(cell);
        if (cell.n == 0)
                return NULL;
        if (sub_rows[f].kind != SUB_MANY || (f == SUB_NBA_LINE && !lines))
                return sub_take(sub, a, f, cell);
        while (cell.n && span_split(&cell, lines ? '\n' : ' ', &part)) {
                part = span_trim(part);
                const char *why = part.n ? sub_take(sub, a, f, part) : NULL;
                if (why)
                        return why;
        }
        return NULL;
}

static int import_row(struct import *im, const struct provision *p, const struct span *fields, size_t n,
                      size_t line)
{
        struct subscriber sub = {0};
        struct buf text = BUF_INIT;
        enum sub_field field = SUB_IMSI;
        const char *why = NULL;
        int rc = 0;
        for (size_t i = 0; !why && i < n; i++) {
                field = im->columns[i];
                why = take_cell(&sub, p->arena, field, fields[i]);
        }
        if (!why)
                why = sub_check(&sub, true, &field);
        if (why)
                buf_printf(&text, "%s: %s", sub_rows[field].name, why);
        else
                rc = sub_add(p, &sub, &text);
        if (text.n)
                fault(im, line, buf_as_span(&text));
        buf_free(&text);
        sub_wipe(&sub);
        arena_reset(p->arena, true);
        return rc == -IMS_EINVAL || rc == -IMS_EEXISTS || rc == -IMS_ENOTFOUND ? 0 : rc;
}

static int import_rows(struct import *im, struct csv_reader *csv)
{
        static struct span fields[CSV_FIELDS_MAX];
        struct cli *c = im->c;
        struct provision p = {.conf = c->conf, .store = c->store, .aka = c->aka, .arena = &c->arena};
        size_t n = 0, line = 0;
        int rc = 0, got;
        while (rc == 0 && (got = csv_next(csv, fields, &n, &line)) != 0) {
                if (got < 0)
                        fault(im, line, SPAN("not a CSV row (quotes, more than 64 fields, or too long)"));
                else if (im->n_columns == 0)
                        rc = read_columns(im, fields, n, line);
                else if (n != im->n_columns)
                        fault(im, line, SPAN("another number of fields than the first row"));
                else if (++im->rows)
                        rc = import_row(im, &p, fields, n, line);
        }
        return rc;
}

int cli_subscriber_import(struct cli *c, int argc, char **argv)
{
        struct import im = {.c = c};
        struct csv_reader *csv = NULL;
        bool dry_run = false;
        bool bad = false;
        for (int i = 0; i < argc; i++) {
                if (strcmp(argv[i], "--dry-run") == 0)
                        dry_run = true;
                else if (im.file || (argv[i][0] == '-' && argv[i][1]))
                        bad = true;
                else
                        im.file = argv[i];
        }
        if (!im.file || bad)
                return cli_misused(c, NULL);
        int rc = csv_open(im.file, &csv);
        if (rc < 0) {
                buf_printf(&c->err, "%s: %s\n", im.file, rc == -IMS_EIO ? strerror(errno) : ims_strerror(rc));
                return rc;
        }
        rc = store_begin(c->store, true);
        if (rc == 0)
                rc = import_rows(&im, csv);
        csv_close(csv);
        if (rc == 0 && im.n_columns == 0 && im.faults == 0)
                fault(&im, 1, SPAN("the file is empty: its first row names the columns (`hss help`)"));
        if (rc == 0 && im.faults)
                rc = -IMS_EINVAL;
        if (rc == 0 && !dry_run)
                rc = store_commit(c->store);
        store_rollback(c->store);
        if (im.faults > FAULTS_MAX)
                buf_printf(&c->err, "%s: %zu more faults\n", im.file, im.faults - FAULTS_MAX);
        if (im.faults)
                buf_printf(&c->err, "%s: nothing was imported\n", im.file);
        else if (rc == 0)
                (void)printf("%zu subscribers %s\n", im.rows, dry_run ? "would be imported" : "imported");
        return cli_store_failed(c, rc);
}
