/* SPDX-License-Identifier: BSD-3-Clause
 * Answers of an HTTP server: their head, and the challenges in it. RFC 9112 4, 5, 6; RFC 9110 11. */
#include "common/net/http_reply.h"

#include "common/net/http_text.h"

/* HTTP/1.1 SP 3DIGIT [SP reason] */
static int read_status(struct span line, struct http_reply *out)
{
        uint32_t status;

        if (line.n < 12 || !span_eq(span_sub(line, 0, 7), SPAN("HTTP/1.")) ||
            (line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ' ||
            span_u32(span_sub(line, 9, 12), 599, &status) < 0 || status < 100)
                return -IMS_EPARSE;
        if (line.n > 12 && line.p[12] != ' ')
                return -IMS_EPARSE;
        out->status = (int)status;
        out->reason = line.n > 13 ? span_sub(line, 13, line.n) : SPAN_NULL;
        return 0;
}

static int read_length(struct span value, struct http_reply *out)
{
        uint32_t length;

        if (span_u32(value, UINT32_MAX, &length) < 0 || (out->has_length && length != out->length))
                return -IMS_EPARSE;
        out->has_length = true;
        out->length = length;
        return 0;
}

static bool is_name(struct span name)
{
        for (size_t i = 0; i < name.n; i++)
                if (name.p[i] <= ' ' || name.p[i] > '~')
                        return false;
        return name.n > 0;
}

/* "name: value". */
static bool split_field(struct span line, struct span *name, struct span *value)
{
        ptrdiff_t colon = span_chr(line, ':', 0);

        if (colon < 0)
                return false;
        *name = span_sub(line, 0, (size_t)colon);
        *value = span_trim(span_sub(line, (size_t)colon + 1, line.n));
        return is_name(*name);
}

static int read_field(struct span line, struct http_reply *out)
{
        struct span name, value;

        if (!split_field(line, &name, &value))
                return -IMS_EPARSE;
        if (span_ieq(name, SPAN("Content-Length")))
                return read_length(value, out);
        if (span_ieq(name, SPAN("Transfer-Encoding")))
                out->coded = true;
        return 0;
}

int http_reply_parse(struct span data, struct http_reply *out)
{
        struct span rest = data.n > HTTP_HEAD_MAX ? span_sub(data, 0, HTTP_HEAD_MAX) : data, line;
        struct http_reply r = {0};
        const char *fields_at = NULL;
        unsigned fields = 0;
        int rc;

        for (bool first = true; http_take_line(&rest, &line); first = false) {
                if (!first && line.n == 0) {
                        r.fields = span_make(fields_at, (size_t)(line.p - fields_at));
                        r.head_n = (size_t)(rest.p - data.p);
                        *out = r;
                        return 0;
                }
                if (http_has_control(line))
                        return -IMS_EPARSE;
                if (!first && ++fields > HTTP_FIELDS_MAX)
                        return -IMS_ETOOBIG;
                rc = first ? read_status(line, &r) : read_field(line, &r);
                if (rc < 0)
                        return rc;
                if (first)
                        fields_at = rest.p;
        }
        return data.n >= HTTP_HEAD_MAX ? -IMS_ETOOBIG : -IMS_EINCOMPLETE;
}

/* --- challenges ----------------------------------------------------------------------------------- */

/* Cuts the next element off a list; commas in quotes do not end it. */
static struct span take_element(struct span *rest)
{
        bool quoted = false;
        struct span one;
        size_t i;

        for (i = 0; i < rest->n && (quoted || rest->p[i] != ','); i++) {
                if (rest->p[i] == '"')
                        quoted = !quoted;
                else if (quoted && rest->p[i] == '\\' && i + 1 < rest->n)
                        i++;
        }
        one = span_sub(*rest, 0, i);
        *rest = span_sub(*rest, i < rest->n ? i + 1 : i, rest->n);
        return span_trim(one);
}

/* A word that no "=" follows is a scheme: a challenge begins. */
static bool begins_challenge(struct span element)
{
        size_t i = 0;

        while (i < element.n && element.p[i] > ' ' && element.p[i] != '=' && element.p[i] != '"')
                i++;
        if (i == 0)
                return false;
        while (i < element.n && (element.p[i] == ' ' || element.p[i] == '\t'))
                i++;
        return i == element.n || (element.p[i] != '=' && element.p[i] != '"');
}

/* The next Proxy-Authenticate field. */
static bool next_list(const struct http_reply *r, struct http_challenge_at *at)
{
        struct span lines = span_sub(r->fields, at->line, r->fields.n), line, name, value;

        while (http_take_line(&lines, &line)) {
                at->line = (size_t)(lines.p - r->fields.p);
                if (split_field(line, &name, &value) && span_ieq(name, SPAN("Proxy-Authenticate"))) {
                        at->rest = value;
                        return true;
                }
        }
        return false;
}

bool http_next_challenge(const struct http_reply *r, struct http_challenge_at *at, struct span *out)
{
        struct span begin, ahead, next;

        do {
                while (at->rest.n == 0)
                        if (!next_list(r, at))
                                return false;
                begin = take_element(&at->rest);
        } while (!begins_challenge(begin));
        *out = begin;
        for (ahead = at->rest; ahead.n; at->rest = ahead) {
                next = take_element(&ahead);
                if (begins_challenge(next))
                        break;
                if (next.n)
                        *out = span_make(begin.p, (size_t)(next.p + next.n - begin.p));
        }
        return true;
}
