/* SPDX-License-Identifier: BSD-3-Clause
 * Lexical rules of RFC 3261 25.1. */
#include "common/sip/msg_lex.h"

const uint64_t sip_token_bits[4] = {0x03ff6ca200000000, 0x47ffffff87fffffe, 0, 0};

bool sip_is_token(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!sip_is_token_char(s.p[i]))
                        return false;
        return s.n > 0;
}

/* True when one of eight octets is below 0x21 or 0x7f. */
static bool has_space8(const char *p)
{
        const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
        uint64_t m, del;

        memcpy(&m, p, 8);
        del = m ^ ones * 0x7f;
        return (((m - ones * 0x21) & ~m) | ((del - ones) & ~del)) & high;
}

bool sip_has_space(struct span s)
{
        size_t i = 0;

        for (; i + 8 <= s.n; i += 8)
                if (has_space8(s.p + i))
                        return true;
        for (; i < s.n; i++)
                if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 127)
                        return true;
        return false;
}

void sip_lex_ws(struct sip_lex *l)
{
        while (l->p < l->end && sip_is_lws(*l->p))
                l->p++;
}

struct span sip_lex_token(struct sip_lex *l)
{
        const char *start = l->p;

        while (l->p < l->end && sip_is_token_char(*l->p))
                l->p++;
        return span_make(start, (size_t)(l->p - start));
}

bool sip_lex_char(struct sip_lex *l, char c)
{
        sip_lex_ws(l);
        if (l->p == l->end || *l->p != c)
                return false;
        l->p++;
        sip_lex_ws(l);
        return true;
}

bool sip_lex_quoted(struct sip_lex *l, struct span *out)
{
        const char *start = l->p;
        const char *close = l->end - start > 1 ? memchr(start + 1, '"', (size_t)(l->end - start) - 1) : NULL;

        if (close && !memchr(start, '\\', (size_t)(close - start))) { /* nearly always */
                l->p = close + 1;
                *out = span_make(start, (size_t)(l->p - start));
                return true;
        }
        for (const char *p = start + 1; p < l->end; p++) {
                if (*p == '\\') {
                        p++;
                } else if (*p == '"') {
                        l->p = p + 1;
                        *out = span_make(start, (size_t)(l->p - start));
                        return true;
                }
        }
        return false;
}

size_t sip_lex_value_end(struct span s)
{
        const char *comma = s.n ? memchr(s.p, ',', s.n) : NULL;
        bool quoted = false, bracket = false;
        size_t n = comma ? (size_t)(comma - s.p) : s.n;

        /* nearly always: no comma, or none that quotes or brackets could hide */
        if (!comma || (!memchr(s.p, '"', n) && !memchr(s.p, '<', n)))
                return n;

        for (size_t i = 0; i < s.n; i++) {
                char c = s.p[i];

                if (quoted) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                quoted = false;
                } else if (c == '"') {
                        quoted = true;
                } else if (c == '<') {
                        bracket = true;
                } else if (c == '>') {
                        bracket = false;
                } else if (c == ',' && !bracket) {
                        return i;
                }
        }
        return s.n;
}

int sip_lex_param(struct sip_lex *l, struct span *name, struct span *value)
{
        const char *start;

        if (!sip_lex_char(l, ';')) {
                return l->p == l->end ? 0 : -IMS_EPARSE;
        }
        *name = sip_lex_token(l);
        *value = SPAN_NULL;
        if (!name->n)
                return -IMS_EPARSE;
        if (!sip_lex_char(l, '='))
                return 1;
        if (l->p < l->end && *l->p == '"')
                return sip_lex_quoted(l, value) ? 1 : -IMS_EPARSE;
        start = l->p; /* token or host; generous about what else a value may hold */
        while (l->p < l->end && *l->p != ';' && *l->p != ',' && *l->p != '"' && !sip_is_lws(*l->p))
                l->p++;
        *value = span_make(start, (size_t)(l->p - start));
        return value->n ? 1 : -IMS_EPARSE;
}

/* "sip:x@y;p" without brackets: what follows the first ";" belongs to the header field, and a "?" may not
 * stand there (RFC 3261 20.10). */
static int addr_spec(struct span s, struct span *uri, struct span *params)
{
        ptrdiff_t semi = span_chr(s, ';', 0);
        struct span u = semi < 0 ? s : span_sub(s, 0, (size_t)semi);

        u = span_trim(u);
        if (!u.n || sip_has_space(u) || span_chr(u, ':', 0) <= 0 || span_chr(u, '>', 0) >= 0 ||
            span_chr(u, '"', 0) >= 0 || span_chr(u, '?', 0) >= 0)
                return -IMS_EPARSE;
        *uri = u;
        *params = semi < 0 ? span_make(s.p + s.n, 0) : span_sub(s, (size_t)semi, s.n);
        return 0;
}

int sip_lex_name_addr(struct span value, struct span *uri, struct span *params)
{
        struct sip_lex l = sip_lex_of(span_trim(value));
        struct span quoted, u, rest;
        const char *open, *close;
        size_t before;

        if (l.p < l.end && *l.p == '"') {
                if (!sip_lex_quoted(&l, &quoted))
                        return -IMS_EPARSE;
                sip_lex_ws(&l);
                if (l.p == l.end || *l.p != '<')
                        return -IMS_EPARSE;
        }
        rest = sip_lex_rest(&l);
        open = rest.n ? memchr(rest.p, '<', rest.n) : NULL;
        before = open ? (size_t)(open - rest.p) : rest.n;
        if (!open || memchr(rest.p, ';', before) || memchr(rest.p, '"', before))
                return addr_spec(rest, uri, params);
        close = memchr(open, '>', (size_t)(l.end - open));
        if (!close || memchr(rest.p, ',', before)) /* a comma needs quotes (RFC 3261 25.1, display-name) */
                return -IMS_EPARSE;
        u = span_make(open + 1, (size_t)(close - open - 1));
        if (!u.n || sip_has_space(u) || span_chr(u, ':', 0) <= 0)
                return -IMS_EPARSE;
        l.p = close + 1;
        sip_lex_ws(&l);
        if (l.p < l.end && *l.p != ';')
                return -IMS_EPARSE;
        *uri = u;
        *params = sip_lex_rest(&l);
        return 0;
}
