/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration: a file or text becomes a checked struct. */
#include "common/base/conf.h"

#include <stdarg.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/conf_int.h"

#define CONF_FILE_MAX ((size_t)16 << 20)

/* The reader whose struct schema->check looks at; gives conf_fail its lines. */
static const struct conf_reader *checking;

static void reader_free(struct conf_reader *r)
{
        for (size_t i = 0; i < r->n_pos; i++)
                free(r->pos[i].path);
        free(r->pos);
        buf_free(&r->path);
}

/* Line of the key, or of the group or item it would stand in; 1 when none of them is in the file. */
static uint32_t reader_line(const struct conf_reader *r, struct span key)
{
        uint32_t line = 1;
        size_t best = 0;

        for (size_t i = 0; i < r->n_pos; i++) {
                struct span path = span_of(r->pos[i].path);

                if (path.n > best && span_starts(key, path) &&
                    (path.n == key.n || key.p[path.n] == '.' || key.p[path.n] == '[')) {
                        best = path.n;
                        line = r->pos[i].line;
                }
        }
        return line;
}

int conf_fail(struct buf *err, const char *key, const char *fmt, ...)
{
        va_list ap;

        if (checking)
                buf_printf(err, "%s:%u: ", checking->file, reader_line(checking, span_of(key)));
        buf_printf(err, "%s: ", key);
        va_start(ap, fmt);
        buf_vprintf(err, fmt, ap);
        va_end(ap);
        buf_char(err, '\n');
        return -IMS_ECONF;
}

static int parse(const struct conf_schema *schema, const char *name, struct span text, bool look, void **out,
                 struct buf *err)
{
        struct conf_reader r = {.file = name, .err = err};
        void *conf = calloc(1, schema->size);

        if (!conf)
                return -IMS_ENOMEM;
        conf_read(&r, schema->keys, text, conf);
        checking = r.fault ? NULL : &r;
        if (checking && schema->check && schema->check(schema, conf, err) != 0)
                r.fault = -IMS_ECONF;
        if (checking && !r.fault && look && schema->look && schema->look(schema, conf, err) != 0)
                r.fault = -IMS_ECONF;
        checking = NULL;
        if (r.fault)
                conf_free(schema, conf);
        else
                *out = conf;
        reader_free(&r);
        return r.fault;
}

int conf_parse(const struct conf_schema *schema, const char *name, struct span text, void **out,
               struct buf *err)
{
        return parse(schema, name, text, false, out, err);
}

static int read_all(FILE *from, struct buf *text)
{
        char block[4096];
        size_t n;

        text->max = CONF_FILE_MAX;
        while ((n = fread(block, 1, sizeof(block), from)) > 0)
                buf_put(text, block, n);
        if (ferror(from))
                return -IMS_EIO;
        return text->err;
}

static int load(const struct conf_schema *schema, const char *file, bool look, void **out, struct buf *err)
{
        FILE *from = NULL;
        struct buf text = BUF_INIT;
        int rc = -IMS_EIO;

        from = fopen(file, "re");
        if (!from) {
                buf_printf(err, "%s: %s\n", file, strerror(errno));
                goto out;
        }
        errno = 0;
        rc = read_all(from, &text);
        if (rc) {
                buf_printf(err, "%s: %s\n", file,
                           rc == -IMS_EIO && errno ? strerror(errno) : ims_strerror(rc));
                if (rc != -IMS_ENOMEM)
                        rc = -IMS_EIO;
                goto out;
        }
        rc = parse(schema, file, buf_as_span(&text), look, out, err);
out:
        if (from)
                (void)fclose(from);
        buf_free(&text);
        return rc;
}

int conf_load(const struct conf_schema *schema, const char *file, void **out, struct buf *err)
{
        return load(schema, file, false, out, err);
}

int conf_load_look(const struct conf_schema *schema, const char *file, void **out, struct buf *err)
{
        return load(schema, file, true, out, err);
}

void conf_free(const struct conf_schema *schema, void *conf)
{
        if (!conf)
                return;
        conf_fields_free(schema->keys, conf);
        free(conf);
}
