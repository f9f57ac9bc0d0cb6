/* SPDX-License-Identifier: BSD-3-Clause
 * Provisioning files: rows, and every field by its check. What was read must be the same after writing and
 * reading it again. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "hss/cli.h"

/* A file of that content; its name in path. */
static int make_file(struct span text, char path[static 64])
{
        int fd = memfd_create("csv", 0);

        MUST(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
        (void)snprintf(path, 64, "/proc/self/fd/%d", fd);
        return fd;
}

/* Rows as text to compare: counts, and each field behind its length. */
static void note(struct buf *b, const struct span *fields, size_t n)
{
        buf_printf(b, "%zu:", n);
        for (size_t i = 0; i < n; i++) {
                buf_printf(b, "%zu:", fields[i].n);
                buf_span(b, fields[i]);
        }
}

/* written: rows as a file; noted: what they hold. */
static void check_again(const struct buf *written, const struct buf *noted)
{
        struct span again[CSV_FIELDS_MAX];
        struct buf read = BUF_INIT;
        struct csv_reader *r = NULL;
        size_t n = 0, line = 0;
        char path[64];
        const int fd = make_file(buf_as_span(written), path);

        MUST(csv_open(path, &r) == 0);
        MUST(csv_next(r, again, &n, &line) == 1);
        while (csv_next(r, again, &n, &line) != 0)
                note(&read, again, n);
        MUST(span_eq(buf_as_span(&read), buf_as_span(noted)));
        csv_close(r);
        (void)close(fd);
        buf_free(&read);
}

/* One more row for check_again; a blank one would be skipped. */
static void write_again(struct buf *written, struct buf *noted, const struct span *fields, size_t n)
{
        const size_t before = written->n;

        for (size_t i = 0; i < n; i++)
                csv_field(written, fields[i], i == 0);
        if (written->n == before)
                return;
        buf_char(written, '\n');
        note(noted, fields, n);
}

/* Every field takes every value: a column may be called anything. */
static void take(struct arena *a, const enum sub_field *columns, const struct span *fields, size_t n)
{
        struct subscriber sub = {0};
        enum sub_field blame = SUB_FIELDS;
        bool good = true;

        for (size_t i = 0; i < n && good; i++)
                if (columns[i] < SUB_FIELDS && fields[i].n)
                        good = !sub_take(&sub, a, columns[i], fields[i]);
        if (good)
                MUST(!sub_check(&sub, true, &blame) || blame < SUB_FIELDS);
        sub_wipe(&sub);
        for (int f = 0; f < SUB_FIELDS && n; f++) {
                (void)sub_take(&sub, a, (enum sub_field)f, fields[n - 1]);
                sub_wipe(&sub);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct span fields[CSV_FIELDS_MAX];
        enum sub_field columns[CSV_FIELDS_MAX];
        struct csv_reader *r = NULL;
        static struct arena a;
        struct buf written = BUF_INIT, noted = BUF_INIT;
        size_t count = 0, line = 0, rows = 0;
        char path[64];
        const int fd = make_file(span_make(data, n), path);

        for (size_t i = 0; i < CSV_FIELDS_MAX; i++)
                columns[i] = SUB_FIELDS;
        arena_init(&a);
        buf_puts(&written,
                 "head\n"); /* what looks like a byte order mark is one at the start of the file only */
        MUST(csv_open(path, &r) == 0);
        while (rows < 32 && csv_next(r, fields, &count, &line) > 0) {
                MUST(count <= CSV_FIELDS_MAX && line > 0);
                write_again(&written, &noted, fields, count);
                if (rows++ == 0)
                        for (size_t i = 0; i < count; i++)
                                columns[i] = sub_find(fields[i], SUB_USE_CSV);
                else
                        take(&a, columns, fields, count);
        }
        if (written.n < 60000) /* quotes make rows longer */
                check_again(&written, &noted);
        buf_free(&written);
        buf_free(&noted);
        arena_reset(&a, true);
        csv_close(r);
        (void)close(fd);
        return 0;
}
