/* SPDX-License-Identifier: BSD-3-Clause
 * Index of header fields: finding the lines, and the look-ups in what was found. RFC 3261 7.3.1. */
#include "common/sip/msg_index.h"

#include "common/sip/msg_lex.h"

/* Fields that may stand once only and whose repetition leaves open what the request means. Others that
 * have one value (Subject, Server) do no harm. Bits of sip_hdr_id. */
#define BIT(id) (1ull << SIP_HDR_##id)
static const uint64_t once_only = BIT(MAX_FORWARDS) | BIT(FROM) | BIT(TO) | BIT(CALL_ID) | BIT(CSEQ) |
                                  BIT(EXPIRES) | BIT(MIN_EXPIRES) | BIT(EVENT) | BIT(SUBSCRIPTION_STATE) |
                                  BIT(P_CHARGING_VECTOR) | BIT(CONTENT_TYPE) | BIT(CONTENT_LENGTH);
_Static_assert(SIP_HDR_OTHER < 64, "ids are bits of a 64-bit word");

/* --- finding the lines ---------------------------------------------------------------------------- */

/* Takes one line, together with the lines folded to it. *out: without the last line end. False when no
 * line end is there. */
static bool take_line(struct span d, size_t *at, struct span *out, const char **fault)
{
        size_t start = *at, i = start;

        for (;;) {
                const char *nl = i < d.n ? memchr(d.p + i, '\n', d.n - i) : NULL;
                size_t end, text;

                if (!nl)
                        return false;
                end = (size_t)(nl - d.p);
                text = end > i && d.p[end - 1] == '\r' ? end - 1 : end;
                if (text == end || memchr(d.p + i, '\r', text - i))
                        *fault = "Line Not Ended By CRLF";
                i = end + 1;
                if (text == start || i == d.n || (d.p[i] != ' ' && d.p[i] != '\t')) {
                        *out = span_make(d.p + start, text - start);
                        *at = i;
                        return true;
                }
        }
}

/* NUL may stand behind a backslash in a quoted string only (RFC 3261 25.1, quoted-pair). */
static bool has_bare_nul(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                const char *p = memchr(s.p + i, 0, s.n - i);

                if (!p)
                        return false;
                i = (size_t)(p - s.p);
                if (!i || s.p[i - 1] != '\\')
                        return true;
        }
        return false;
}

static void index_line(struct sip_head *h, struct span text, struct span line)
{
        struct sip_hdr *hdr = &h->hdrs[h->n_hdrs++];
        ptrdiff_t colon = span_chr(text, ':', 0);

        hdr->id = SIP_HDR_OTHER;
        hdr->line = line;
        hdr->name = colon < 0 ? text : span_trim(span_sub(text, 0, (size_t)colon));
        hdr->value = colon < 0 ? SPAN_NULL : span_trim(span_sub(text, (size_t)colon + 1, text.n));
        if (colon < 0 || !sip_is_token(hdr->name)) {
                h->fault = "Malformed Header Field";
                return;
        }
        hdr->id = sip_hdr_lookup(hdr->name);
        if (hdr->id == SIP_HDR_OTHER)
                return;
        if (!h->first[hdr->id])
                h->first[hdr->id] = (uint16_t)h->n_hdrs;
        else if (once_only & (1ull << hdr->id))
                h->fault = "Repeated Single-Value Header Field";
}

int sip_head_scan(struct span data, struct sip_head *h)
{
        size_t at = 0;
        struct span text;

        h->n_hdrs = 0;
        h->fault = NULL;
        memset(h->first, 0, sizeof(h->first));
        if (!take_line(data, &at, &h->start_line, &h->fault))
                return -IMS_EINCOMPLETE;
        for (;;) {
                size_t start = at;

                if (!take_line(data, &at, &text, &h->fault))
                        return -IMS_EINCOMPLETE;
                if (!text.n)
                        break;
                if (h->n_hdrs < SIP_HDR_LINES_MAX)
                        index_line(h, text, span_make(data.p + start, at - start));
                else if (!h->fault)
                        h->fault = "Too Many Header Fields";
        }
        h->n = at;
        if (has_bare_nul(span_make(data.p, at)))
                h->fault = "NUL In Header";
        return 0;
}

/* --- look-ups ------------------------------------------------------------------------------------- */

const struct sip_hdr *sip_msg_hdr(const struct sip_msg *m, enum sip_hdr_id id, size_t nth)
{
        if (id >= SIP_HDR_OTHER || !m->first[id])
                return NULL;
        for (size_t i = m->first[id] - 1u; i < m->n_hdrs; i++)
                if (m->hdrs[i].id == id && nth-- == 0)
                        return &m->hdrs[i];
        return NULL;
}

const struct sip_hdr *sip_msg_hdr_named(const struct sip_msg *m, struct span name, size_t nth)
{
        enum sip_hdr_id id = sip_hdr_lookup(name);

        if (id != SIP_HDR_OTHER)
                return sip_msg_hdr(m, id, nth);
        for (size_t i = 0; i < m->n_hdrs; i++)
                if (m->hdrs[i].id == SIP_HDR_OTHER && span_ieq(m->hdrs[i].name, name) && nth-- == 0)
                        return &m->hdrs[i];
        return NULL;
}

/* Moves to the next line with this id; it->hdr is one past the line in use. */
static bool next_line(const struct sip_msg *m, enum sip_hdr_id id, struct sip_value_iter *it)
{
        size_t i = it->hdr ? it->hdr : m->first[id] - 1u;

        for (; i < m->n_hdrs; i++) {
                if (m->hdrs[i].id != id)
                        continue;
                it->hdr = i + 1;
                it->line = &m->hdrs[i];
                it->rest = m->hdrs[i].value;
                return true;
        }
        it->hdr = m->n_hdrs;
        return false;
}

bool sip_msg_next_value(const struct sip_msg *m, enum sip_hdr_id id, struct sip_value_iter *it,
                        struct span *out)
{
        if (id >= SIP_HDR_OTHER || !m->first[id])
                return false;
        for (;;) {
                while (!it->rest.n)
                        if (!next_line(m, id, it))
                                return false;
                if (!sip_hdr_is_list(id)) {
                        *out = it->rest;
                        it->rest = SPAN_NULL;
                        return true;
                }
                size_t end = sip_lex_value_end(it->rest);
                *out = span_trim(span_sub(it->rest, 0, end));
                it->rest = span_sub(it->rest, end + 1, it->rest.n);
                if (out->n)
                        return true;
        }
}

struct span sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id)
{
        struct sip_value_iter it = {0};
        struct span v;

        return sip_msg_next_value(m, id, &it, &v) ? v : SPAN_NULL;
}

bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct span token)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(m, id, &it, &v))
                if (span_ieq(v, token))
                        return true;
        return false;
}
