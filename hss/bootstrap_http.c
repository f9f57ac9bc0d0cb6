/* SPDX-License-Identifier: BSD-3-Clause
 * One HTTP request. RFC 9112 3, 5, 6. */
#include "hss/bootstrap_http.h"

#include <string.h>

#include "common/net/http_text.h"

struct head {
        struct bootstrap_request rq;
        unsigned fields, hosts;
        bool has_length;
        uint32_t length;
        bool old; /* HTTP/1.0: needs no Host */
};

/* tchar of RFC 9110 5.6.2 */
static bool is_token(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
                if (!alnum && (c == 0 || !strchr("!#$%&'*+-.^_`|~", c)))
                        return false;
        }
        return s.n > 0;
}

/* method SP request-target SP HTTP-version */
static int request_line(struct span line, struct head *h)
{
        struct span method, target;
        if (!span_split(&line, ' ', &method) || !span_split(&line, ' ', &target) || !is_token(method) ||
            target.n == 0 || (!span_eq(line, SPAN("HTTP/1.1")) && !span_eq(line, SPAN("HTTP/1.0"))))
                return -IMS_EPARSE;
        for (size_t i = 0; i < target.n; i++)
                if (target.p[i] <= ' ' || target.p[i] > '~')
                        return -IMS_EPARSE;
        h->rq.method = method;
        h->rq.target = target;
        h->old = line.p[line.n - 1] == '0';
        return 0;
}

static int field(struct span line, struct head *h)
{
        ptrdiff_t colon = span_chr(line, ':', 0);
        uint32_t length;
        if (colon < 0 || !is_token(span_sub(line, 0, (size_t)colon)))
                return -IMS_EPARSE; /* a folded line begins with a space: no name */
        struct span name = span_sub(line, 0, (size_t)colon);
        struct span value = span_trim(span_sub(line, (size_t)colon + 1, line.n));
        if (++h->fields > BOOTSTRAP_FIELDS_MAX)
                return -IMS_ETOOBIG;
        if (span_ieq(name, SPAN("Transfer-Encoding")))
                return -IMS_EPARSE;
        if (span_ieq(name, SPAN("Host")))
                return ++h->hosts > 1 ? -IMS_EPARSE : 0;
        if (!span_ieq(name, SPAN("Content-Length")))
                return 0;
        if (span_u32(value, UINT32_MAX, &length) < 0 || (h->has_length && length != h->length))
                return -IMS_EPARSE;
        h->has_length = true;
        h->length = length;
        return 0;
}

int bootstrap_request_parse(struct span data, struct bootstrap_request *out)
{
        struct span rest = data.n > BOOTSTRAP_REQUEST_MAX ? span_sub(data, 0, BOOTSTRAP_REQUEST_MAX) : data,
                    line;
        struct head h = {0};
        for (bool first = true; http_take_line(&rest, &line); first = false) {
                if (http_has_control(line))
                        return -IMS_EPARSE;
                if (first || line.n) {
                        int rc = first ? request_line(line, &h) : field(line, &h);
                        if (rc < 0)
                                return rc;
                        continue;
                }
                if (h.hosts == 0 && !h.old)
                        return -IMS_EPARSE;
                size_t head_n = (size_t)(rest.p - data.p);
                if (h.length > BOOTSTRAP_BODY_MAX || head_n + h.length > BOOTSTRAP_REQUEST_MAX)
                        return -IMS_ETOOBIG;
                h.rq.n = head_n + h.length;
                if (data.n < h.rq.n)
                        return -IMS_EINCOMPLETE;
                *out = h.rq;
                return 0;
        }
        return data.n >= BOOTSTRAP_REQUEST_MAX ? -IMS_ETOOBIG : -IMS_EINCOMPLETE;
}

static const char *reason_of(int status)
{
        switch (status) {
        case 200:
                return "OK";
        case 400:
                return "Bad Request";
        case 403:
                return "Forbidden";
        case 404:
                return "Not Found";
        case 405:
                return "Method Not Allowed";
        case 413:
                return "Content Too Large";
        default:
                return "Service Unavailable";
        }
}

void bootstrap_reply_write(struct buf *out, int status, struct span json)
{
        buf_printf(out,
                   "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                   "Content-Length: %zu\r\n%s%sConnection: close\r\n\r\n",
                   status, reason_of(status), json.n, status == 405 ? "Allow: POST\r\n" : "",
                   status == 503 ? "Retry-After: 10\r\n" : "");
        buf_span(out, json);
}
