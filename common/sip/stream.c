/* SPDX-License-Identifier: BSD-3-Clause
 * Where a SIP message ends in a stream of octets. RFC 3261 7.5, 18.3. */
#include "common/sip/stream.h"

/* Octets of the header with its empty line, 0 when that has not come yet. */
static size_t find_head(struct sip_frame *f, struct span d)
{
        size_t at = f->scanned;

        while (at < d.n) {
                const char *nl = memchr(d.p + at, '\n', d.n - at);
                size_t next;

                if (!nl)
                        break;
                next = (size_t)(nl - d.p) + 1;
                if (next < d.n && d.p[next] == '\n')
                        return next + 1;
                if (next + 1 < d.n && d.p[next] == '\r' && d.p[next + 1] == '\n')
                        return next + 2;
                at = next;
        }
        f->scanned = d.n > 2 ? d.n - 2 : 0; /* an empty line may be cut here */
        return 0;
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t';
}

/* line: up to its colon; one that begins with white space goes on with the field before it. */
static bool is_length(struct span line)
{
        struct span name = span_trim(line);

        if (!line.n || is_blank(*line.p))
                return false;
        return span_ieq(name, SPAN("Content-Length")) || span_ieq(name, SPAN("l"));
}

/* Reads Content-Length out of the header lines. */
static void find_length(struct sip_frame *f, struct span head)
{
        unsigned seen = 0;
        uint32_t length = 0;
        bool good = false;

        for (size_t at = 0; at < head.n;) {
                ptrdiff_t nl = span_chr(head, '\n', at);
                ptrdiff_t colon = span_chr(span_sub(head, 0, (size_t)nl), ':', at);
                size_t next = (size_t)nl + 1;

                if (colon >= 0 && is_length(span_sub(head, at, (size_t)colon))) {
                        while (next < head.n && is_blank(head.p[next]))
                                next = (size_t)span_chr(head, '\n', next) + 1; /* folded */
                        if (seen++ == 0)
                                good = span_u32(span_trim(span_sub(head, (size_t)colon + 1, next)),
                                                UINT32_MAX, &length) == 0;
                }
                at = next;
        }
        f->length_good = good && seen == 1;
        f->total = f->head + (good ? length : 0);
}

bool sip_frame_scan(struct sip_frame *f, struct span data)
{
        if (f->head)
                return true;
        f->head = find_head(f, data);
        if (!f->head)
                return false;
        find_length(f, span_sub(data, 0, f->head));
        return true;
}
