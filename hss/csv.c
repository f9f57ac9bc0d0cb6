/* SPDX-License-Identifier: BSD-3-Clause
 * CSV as RFC 4180: quotes, doubled quotes, CRLF or LF; a line that begins with # is skipped. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/secret.h"
#include "hss/cli.h"

#define ROW_MAX 65536

struct csv_reader {
        FILE *f;
        size_t line;
        char row[ROW_MAX];
};

int csv_open(const char *file, struct csv_reader **out)
{
        struct csv_reader *r = calloc(1, sizeof *r);
        if (!r)
                return -IMS_ENOMEM;
        r->f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
        if (!r->f) {
                free(r);
                return -IMS_EIO;
        }
        *out = r;
        return 0;
}

void csv_close(struct csv_reader *r)
{
        if (!r)
                return;
        if (r->f != stdin)
                (void)fclose(r->f);
        secret_wipe(r->row, sizeof r->row);
        free(r);
}

/* A record, which may span lines inside quotes; its length without the line end, or -1 at the end. */
static ptrdiff_t read_record(struct csv_reader *r, bool *too_long)
{
        size_t n = 0;
        bool quoted = false;
        int c;
        *too_long = false;
        while ((c = getc_unlocked(r->f)) != EOF) {
                if (c == '\n')
                        r->line++;
                if (c == '\n' && !quoted)
                        break;
                if (c == '"')
                        quoted = !quoted;
                if (n == ROW_MAX - 1)
                        *too_long = true;
                else
                        r->row[n++] = (char)c;
        }
        if (c == EOF && n == 0)
                return -1;
        if (n && r->row[n - 1] == '\r')
                n--;
        return (ptrdiff_t)n;
}

/* One field from *at on, unquoted in place. False for text around quotes. */
static bool take_field(char *row, size_t n, size_t *at, struct span *out)
{
        size_t start = *at, to = *at, i = *at;
        bool quoted = i < n && row[i] == '"';
        if (quoted) {
                start = to = ++i;
                for (;; i++) {
                        if (i == n)
                                return false;
                        if (row[i] == '"' && (++i == n || row[i] != '"'))
                                break;
                        row[to++] = row[i];
                }
        } else {
                while (i < n && row[i] != ',' && row[i] != '"')
                        row[to++] = row[i++];
        }
        if (i < n && row[i] != ',')
                return false;
        *out = span_make(row + start, to - start);
        *at = i + 1;
        return true;
}

int csv_next(struct csv_reader *r, struct span fields[static CSV_FIELDS_MAX], size_t *n, size_t *line)
{
        bool too_long = false;
        ptrdiff_t length;
        do {
                *line = r->line + 1;
                length = read_record(r, &too_long);
        } while (length == 0 || (length > 0 && r->row[0] == '#'));
        if (length < 0)
                return 0;
        if (*line == 1 && length >= 3 && memcmp(r->row, "\xef\xbb\xbf", 3) == 0) {
                length -= 3; /* the mark that some programs begin UTF-8 files with */
                memmove(r->row, r->row + 3, (size_t)length);
        }
        if (too_long)
                return -IMS_EPARSE;
        size_t at = 0;
        for (*n = 0; at <= (size_t)length; (*n)++)
                if (*n == CSV_FIELDS_MAX || !take_field(r->row, (size_t)length, &at, &fields[*n]))
                        return -IMS_EPARSE;
        return 1;
}

void csv_field(struct buf *b, struct span value, bool first)
{
        if (!first)
                buf_char(b, ',');
        bool quote = false;
        for (size_t i = 0; i < value.n; i++)
                quote = quote || strchr(",\"\r\n", value.p[i]);
        if (!quote && !(first && value.n && value.p[0] == '#')) {
                buf_span(b, value);
                return;
        }
        buf_char(b, '"');
        for (size_t i = 0; i < value.n; i++) {
                if (value.p[i] == '"')
                        buf_char(b, '"');
                buf_char(b, value.p[i]);
        }
        buf_char(b, '"');
}
