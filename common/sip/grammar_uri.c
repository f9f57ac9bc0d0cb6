/* SPDX-License-Identifier: BSD-3-Clause
 * URIs as identities: the canonical form of an address-of-record and the comparison of contacts.
 * RFC 3261 10.3 and 19.1.4, RFC 3966 3 and 4, TS 23.003 13.4. */
#include "common/sip/grammar.h"
#include "common/sip/msg_lex.h"

/* The parts of a sip or sips URI, as they stand. */
struct uri_parts {
        bool sips;
        struct span user; /* with password */
        struct span host; /* with brackets where it has some */
        struct span port;
        struct span params;  /* after the first ";" */
        struct span headers; /* after "?" */
};

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        c |= 0x20;
        return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bits of characters: those of a user part that need no escape (unreserved and user-unreserved), and those
 * of a host name. */
static const uint32_t user_bits[4] = {0x00000000, 0xabffffd2, 0x87fffffe, 0x47fffffe};
static const uint32_t host_bits[4] = {0x00000000, 0x03ff6000, 0x87fffffe, 0x47fffffe};

static bool has_bit(const uint32_t bits[4], char c)
{
        unsigned char u = (unsigned char)c;

        return u < 128 && (bits[u >> 5] >> (u & 31)) & 1;
}

static bool user_char(char c)
{
        return has_bit(user_bits, c);
}

static bool all_of(const uint32_t bits[4], struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!has_bit(bits, s.p[i]))
                        return false;
        return true;
}

/* Reads the next character at *i, an escape counting as one. Escapes of characters that need none are
 * undone; of others, *out_escaped is set. */
static int next_char(struct span s, size_t *i, char *out, bool *out_escaped)
{
        int hi, lo;

        *out_escaped = false;
        *out = s.p[(*i)++];
        if (*out != '%')
                return 0;
        if (*i + 2 > s.n)
                return -IMS_EPARSE;
        hi = hex_digit(s.p[*i]);
        lo = hex_digit(s.p[*i + 1]);
        if (hi < 0 || lo < 0)
                return -IMS_EPARSE;
        *i += 2;
        *out = (char)(hi << 4 | lo);
        *out_escaped = !user_char(*out);
        return 0;
}

static char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void put_lower(struct span s, struct buf *out)
{
        size_t at = out->n;

        buf_span(out, s);
        for (; at < out->n; at++)
                out->p[at] = lower(out->p[at]);
}

static bool host_ok(struct span h)
{
        bool v6 = h.n > 2 && h.p[0] == '[' && h.p[h.n - 1] == ']';

        if (!v6)
                return h.n > 0 && all_of(host_bits, h);
        for (size_t i = 1; i < h.n - 1; i++)
                if (hex_digit(h.p[i]) < 0 && h.p[i] != ':' && h.p[i] != '.')
                        return false;
        return true;
}

static int split_uri(struct span uri, struct uri_parts *p)
{
        ptrdiff_t at, end;
        struct span rest;

        *p = (struct uri_parts){.sips = span_istarts(uri, SPAN("sips:"))};
        if (!p->sips && !span_istarts(uri, SPAN("sip:")))
                return -IMS_EPARSE;
        if (sip_has_space(uri))
                return -IMS_EPARSE;
        rest = span_sub(uri, p->sips ? 5 : 4, uri.n);
        at = span_chr(rest, '@', 0);
        if (at == 0)
                return -IMS_EPARSE;
        if (at > 0) {
                p->user = span_sub(rest, 0, (size_t)at);
                rest = span_sub(rest, (size_t)at + 1, rest.n);
        }
        end = span_chr(rest, '?', 0);
        if (end >= 0) {
                p->headers = span_sub(rest, (size_t)end + 1, rest.n);
                rest = span_sub(rest, 0, (size_t)end);
        }
        end = span_chr(rest, ';', 0);
        if (end >= 0) {
                p->params = span_sub(rest, (size_t)end + 1, rest.n);
                rest = span_sub(rest, 0, (size_t)end);
        }
        end = span_chr(rest, ']', 0);
        end = span_chr(rest, ':', end < 0 ? 0 : (size_t)end);
        if (end >= 0) {
                uint32_t port;

                p->port = span_sub(rest, (size_t)end + 1, rest.n);
                if (span_u32(p->port, 65535, &port))
                        return -IMS_EPARSE;
                rest = span_sub(rest, 0, (size_t)end);
        }
        p->host = rest;
        return host_ok(rest) ? 0 : -IMS_EPARSE;
}

/* --- canonical form ------------------------------------------------------------------------------- */

static int put_user(struct span user, struct buf *out)
{
        static const char hex[] = "0123456789ABCDEF";
        ptrdiff_t password = span_chr(user, ':', 0);

        if (password == 0)
                return -IMS_EPARSE;
        if (password > 0)
                user = span_sub(user, 0, (size_t)password);
        if (all_of(user_bits, user)) {
                buf_span(out, user);
                return 0;
        }
        for (size_t i = 0; i < user.n;) {
                bool escaped;
                char c;

                if (next_char(user, &i, &c, &escaped))
                        return -IMS_EPARSE;
                if (escaped) {
                        buf_char(out, '%');
                        buf_char(out, hex[(unsigned char)c >> 4]);
                        buf_char(out, hex[(unsigned char)c & 15]);
                } else if (user_char(c)) {
                        buf_char(out, c);
                } else {
                        return -IMS_EPARSE;
                }
        }
        return 0;
}

static int canonical_sip(struct span uri, struct buf *out)
{
        struct uri_parts p;
        int err = split_uri(uri, &p);

        if (err)
                return err;
        buf_puts(out, "sip:");
        if (p.user.n) {
                err = put_user(p.user, out);
                if (err)
                        return err;
                buf_char(out, '@');
        }
        put_lower(p.host, out);
        return out->err;
}

/* Digits without visual separators (RFC 3966 3). A local number keeps its phone-context, without which it
 * means nothing. */
static int canonical_tel(struct span uri, struct buf *out)
{
        struct span rest = span_sub(uri, 4, uri.n), number = SPAN_NULL, param;
        size_t digits = 0;

        if (!rest.n || !span_split(&rest, ';', &number))
                return -IMS_EPARSE;
        buf_puts(out, "tel:");
        for (size_t i = 0; i < number.n; i++) {
                char c = lower(number.p[i]);

                if (strchr("-.()", c) && c)
                        continue;
                if (!(c == '+' && i == 0) && hex_digit(c) < 0 && c != '*' && c != '#')
                        return -IMS_EPARSE;
                if (number.p[0] == '+' && i > 0 && (c < '0' || c > '9'))
                        return -IMS_EPARSE;
                digits += c != '+';
                buf_char(out, c);
        }
        while (number.n && number.p[0] != '+' && span_split(&rest, ';', &param))
                if (span_istarts(param, SPAN("phone-context="))) {
                        buf_char(out, ';');
                        put_lower(param, out);
                }
        return digits ? out->err : -IMS_EPARSE;
}

int sip_uri_canonical(struct span uri, struct buf *out)
{
        size_t before = out->n;
        int err = span_istarts(uri, SPAN("tel:")) ? canonical_tel(uri, out) : canonical_sip(uri, out);

        if (err && !out->err)
                out->n = before;
        return err;
}

int sip_impi_from_impu(struct span impu, struct buf *out)
{
        struct buf canonical = BUF_INIT;
        int err = sip_uri_canonical(impu, &canonical);

        if (!err && (!span_starts(buf_as_span(&canonical), SPAN("sip:")) ||
                     span_chr(buf_as_span(&canonical), '@', 0) < 0))
                err = -IMS_EPARSE;
        if (!err) {
                buf_put(out, canonical.p + 4, canonical.n - 4);
                err = out->err;
        }
        buf_free(&canonical);
        return err;
}

/* --- comparison ----------------------------------------------------------------------------------- */

/* Equal with escapes undone. */
static bool text_eq(struct span a, struct span b, bool fold_case)
{
        size_t i = 0, j = 0;

        while (i < a.n && j < b.n) {
                bool ea, eb;
                char ca, cb;

                if (next_char(a, &i, &ca, &ea) || next_char(b, &j, &cb, &eb) || ea != eb)
                        return false;
                if (fold_case ? lower(ca) != lower(cb) : ca != cb)
                        return false;
        }
        return i == a.n && j == b.n;
}

static void split_pair(struct span pair, struct span *name, struct span *value)
{
        ptrdiff_t eq = span_chr(pair, '=', 0);

        *name = eq < 0 ? pair : span_sub(pair, 0, (size_t)eq);
        *value = eq < 0 ? SPAN_NULL : span_sub(pair, (size_t)eq + 1, pair.n);
}

static bool find_pair(struct span list, char sep, struct span name, struct span *value)
{
        struct span pair, n;

        while (span_split(&list, sep, &pair)) {
                split_pair(pair, &n, value);
                if (n.n && text_eq(n, name, true))
                        return true;
        }
        return false;
}

/* Every name of a that b must have too, with the same value. all: for headers, every one; for parameters,
 * only those RFC 3261 19.1.4 lists must stand in both. */
static bool pairs_match(struct span a, struct span b, char sep, bool all)
{
        static const char *const needed[] = {"user", "ttl", "method", "maddr", "transport"};
        struct span pair, name, va, vb;

        while (span_split(&a, sep, &pair)) {
                bool must = all;

                split_pair(pair, &name, &va);
                if (!name.n)
                        continue;
                for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
                        must |= span_ieq(name, span_of(needed[i]));
                if (find_pair(b, sep, name, &vb)) {
                        if (!text_eq(va, vb, true))
                                return false;
                } else if (must) {
                        return false;
                }
        }
        return true;
}

static bool canonical_equal(struct span a, struct span b)
{
        struct buf ca = BUF_INIT, cb = BUF_INIT;
        bool equal = !sip_uri_canonical(a, &ca) && !sip_uri_canonical(b, &cb) &&
                     span_eq(buf_as_span(&ca), buf_as_span(&cb));

        buf_free(&ca);
        buf_free(&cb);
        return equal;
}

bool sip_uri_equal(struct span a, struct span b)
{
        struct uri_parts pa, pb;

        if (span_istarts(a, SPAN("tel:")) && span_istarts(b, SPAN("tel:")))
                return canonical_equal(a, b);
        if (split_uri(a, &pa) || split_uri(b, &pb))
                return false;
        return pa.sips == pb.sips && text_eq(pa.user, pb.user, false) && span_ieq(pa.host, pb.host) &&
               span_eq(pa.port, pb.port) && pairs_match(pa.params, pb.params, ';', false) &&
               pairs_match(pb.params, pa.params, ';', false) &&
               pairs_match(pa.headers, pb.headers, '&', true) &&
               pairs_match(pb.headers, pa.headers, '&', true);
}
