/* SPDX-License-Identifier: BSD-3-Clause
 * Reading a message: start line, framing, and the fields every layer needs. RFC 3261 7, 8.1.1, 18.3. */
#include "common/sip/msg.h"

#include <stdlib.h>

#include "common/base/secret.h"
#include "common/sip/msg_index.h"
#include "common/sip/msg_lex.h"

/* The first fault found is the one that is answered. */
static void fault(struct sip_msg *m, int status, const char *text)
{
        if (m->fault)
                return;
        m->fault = text;
        m->fault_status = status;
}

/* --- start line ----------------------------------------------------------------------------------- */

static bool is_sip_2_0(struct span version)
{
        return span_ieq(version, SPAN("SIP/2.0"));
}

/* "SIP/2.0 401 Unauthorized"; the phrase may be empty. */
static int status_line(struct sip_msg *m, struct span line)
{
        uint32_t status;

        if (line.n < 11 || !is_sip_2_0(span_sub(line, 0, 7)) || line.p[7] != ' ' ||
            span_u32(span_sub(line, 8, 11), 699, &status) || status < 100 ||
            (line.n > 11 && line.p[11] != ' '))
                return -IMS_EPARSE;
        m->status = (int)status;
        m->reason = span_sub(line, 12, line.n);
        return 0;
}

/* Schemes a proxy of this network can route by; anything else is 416 (RFC 3261 16.3 item 2). */
static bool scheme_known(struct span uri)
{
        static const char *const schemes[] = {"sip:", "sips:", "tel:", "urn:"};

        for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
                if (span_istarts(uri, span_of(schemes[i])))
                        return true;
        return false;
}

static void check_ruri(struct sip_msg *m)
{
        struct span u = m->ruri;
        ptrdiff_t colon = span_chr(u, ':', 0);

        if (u.n > SIP_FIELD_MAX)
                fault(m, 414, "Request-URI Too Long");
        else if (!u.n || sip_has_space(u) || colon <= 0 || !sip_is_token(span_sub(u, 0, (size_t)colon)))
                fault(m, 400, "Malformed Request-URI");
        else if (!scheme_known(u))
                fault(m, 416, "Unsupported URI Scheme");
}

/* "METHOD uri SIP/2.0". White space elsewhere is a fault that can still be answered. */
static int request_line(struct sip_msg *m, struct span line)
{
        struct span trimmed = span_trim(line), version;
        ptrdiff_t first = span_chr(line, ' ', 0);
        size_t last = trimmed.n;

        while (last && trimmed.p[last - 1] != ' ')
                last--;
        version = span_sub(trimmed, last, trimmed.n);
        if (trimmed.p != line.p || first <= 0 || last <= (size_t)first + 1 ||
            !span_istarts(version, SPAN("SIP/")))
                return -IMS_EPARSE;
        m->method_name = span_sub(line, 0, (size_t)first);
        if (!sip_is_token(m->method_name))
                return -IMS_EPARSE;
        m->is_request = true;
        m->method = sip_method_lookup(m->method_name);
        m->ruri = span_sub(line, (size_t)first + 1, last - 1);
        if (!is_sip_2_0(version))
                fault(m, 505, "Version Not Supported");
        if (trimmed.n != line.n)
                fault(m, 400, "Space At End Of Request Line");
        check_ruri(m);
        return 0;
}

static int start_line(struct sip_msg *m, struct span line)
{
        return span_istarts(line, SPAN("SIP/")) ? status_line(m, line) : request_line(m, line);
}

/* --- Via ------------------------------------------------------------------------------------------ */

static bool via_host(struct sip_lex *l, struct span *out)
{
        const char *start = l->p, *close;

        if (l->p < l->end && *l->p == '[') {
                close = memchr(l->p, ']', (size_t)(l->end - l->p));
                if (!close)
                        return false;
                *out = span_make(start + 1, (size_t)(close - start - 1));
                l->p = close + 1;
        } else {
                *out = sip_lex_token(l);
        }
        return out->n > 0;
}

static int port_number(struct span s, uint16_t *out)
{
        uint32_t port;

        if (span_u32(s, 65535, &port))
                return -IMS_EPARSE;
        *out = (uint16_t)port;
        return 0;
}

static int via_params(struct sip_lex *l, struct sip_via *v)
{
        struct span name, value;
        int got;

        while ((got = sip_lex_param(l, &name, &value)) > 0) {
                if (span_ieq(name, SPAN("branch"))) {
                        v->branch = value;
                } else if (span_ieq(name, SPAN("received"))) {
                        v->received = value;
                } else if (span_ieq(name, SPAN("rport"))) {
                        v->has_rport = true;
                        if (value.n && port_number(value, &v->rport))
                                return -IMS_EPARSE;
                }
        }
        return got;
}

/* "SIP / 2.0 / UDP host : port ; params". -IMS_EPARSE when nothing can be answered to it; a fault that
 * leaves host and transport readable is recorded. */
static int read_via(struct sip_msg *m, struct span value)
{
        struct sip_lex l = sip_lex_of(span_sub(value, 0, sip_lex_value_end(value)));
        struct span proto = sip_lex_token(&l), version;

        if (!span_ieq(proto, SPAN("SIP")) || !sip_lex_char(&l, '/'))
                return -IMS_EPARSE;
        version = sip_lex_token(&l);
        if (!version.n || !sip_lex_char(&l, '/'))
                return -IMS_EPARSE;
        m->via.transport = sip_lex_token(&l);
        sip_lex_ws(&l);
        if (!m->via.transport.n || !via_host(&l, &m->via.host))
                return -IMS_EPARSE;
        if (!span_eq(version, SPAN("2.0")))
                fault(m, 400, "Wrong Version In Via");
        if (sip_lex_char(&l, ':') && port_number(sip_lex_token(&l), &m->via.port))
                fault(m, 400, "Malformed Via");
        if (via_params(&l, &m->via))
                fault(m, 400, "Malformed Via");
        return 0;
}

/* --- From, To, CSeq and the rest ------------------------------------------------------------------- */

static int read_tag(struct span value, struct span *out_tag)
{
        struct span uri, params, name, v;
        struct sip_lex l;
        int got;

        if (sip_lex_name_addr(value, &uri, &params))
                return -IMS_EPARSE;
        l = sip_lex_of(params);
        while ((got = sip_lex_param(&l, &name, &v)) > 0)
                if (span_ieq(name, SPAN("tag")))
                        *out_tag = v;
        return got;
}

static void read_cseq(struct sip_msg *m, struct span value)
{
        struct sip_lex l = sip_lex_of(value);
        struct span number = sip_lex_token(&l), method;

        sip_lex_ws(&l);
        method = sip_lex_token(&l);
        sip_lex_ws(&l);
        if (span_u32(number, 0x7fffffff, &m->cseq) || !method.n || l.p != l.end) {
                fault(m, 400, "Malformed CSeq");
        } else if (!m->is_request) {
                m->method_name = method;
                m->method = sip_method_lookup(method);
        } else if (!span_eq(method, m->method_name)) {
                fault(m, 400, "CSeq Method Differs");
        }
}

static struct span line_value(const struct sip_msg *m, enum sip_hdr_id id)
{
        return m->first[id] ? m->hdrs[m->first[id] - 1].value : SPAN_NULL;
}

static int read_fields(struct sip_msg *m, bool own)
{
        struct span from = line_value(m, SIP_HDR_FROM), to = line_value(m, SIP_HDR_TO);
        struct span max_forwards = line_value(m, SIP_HDR_MAX_FORWARDS);
        uint32_t hops;

        m->call_id = line_value(m, SIP_HDR_CALL_ID);
        if (!(own && !m->first[SIP_HDR_VIA]) && read_via(m, line_value(m, SIP_HDR_VIA)))
                return -IMS_EPARSE;
        if (!from.n || !to.n || !m->call_id.n || !line_value(m, SIP_HDR_CSEQ).n)
                fault(m, 400, "From, To, Call-ID or CSeq Missing");
        if (read_tag(from, &m->from_tag))
                fault(m, 400, "Malformed From");
        if (read_tag(to, &m->to_tag))
                fault(m, 400, "Malformed To");
        if (sip_has_space(m->call_id))
                fault(m, 400, "Malformed Call-ID");
        read_cseq(m, line_value(m, SIP_HDR_CSEQ));
        if (m->first[SIP_HDR_MAX_FORWARDS] && span_u32(max_forwards, 255, &hops))
                fault(m, 400, "Malformed Max-Forwards");
        return 0;
}

/* --- framing and assembly ------------------------------------------------------------------------- */

struct frame {
        size_t skip;  /* line ends before the message (RFC 3261 7.5) */
        size_t body;  /* octets of body */
        size_t total; /* skip, header and body */
        const char *fault;
};

static int frame_body(const struct sip_head *h, struct span data, enum sip_framing framing, struct frame *f)
{
        size_t rest = data.n - f->skip - h->n;
        uint32_t len = 0;
        bool given = h->first[SIP_HDR_CONTENT_LENGTH] != 0;
        bool bad = given && span_u32(h->hdrs[h->first[SIP_HDR_CONTENT_LENGTH] - 1].value, UINT32_MAX, &len);

        f->body = framing == SIP_STREAM || given ? len : rest;
        if (bad) {
                f->fault = "Malformed Content-Length";
                f->body = framing == SIP_STREAM ? 0 : rest;
        } else if (framing == SIP_STREAM && !given) {
                f->fault = "Content-Length Missing";
        } else if (f->body > SIP_MESSAGE_MAX) {
                if (framing == SIP_STREAM)
                        return -IMS_ETOOBIG;
        }
        if (f->body > rest) {
                if (framing == SIP_STREAM)
                        return -IMS_EINCOMPLETE;
                f->fault = "Content-Length Larger Than Message";
                f->body = rest;
        }
        f->total = f->skip + h->n + f->body;
        return 0;
}

static struct span moved(struct span s, const char *from, const char *to)
{
        return s.n ? span_make(to + (s.p - from), s.n) : SPAN_NULL;
}

/* One block holds message, index and octets. */
static struct sip_msg *assemble(const struct sip_head *h, const char *start, const struct frame *f)
{
        size_t n = h->n + f->body;
        struct sip_msg *m = malloc(sizeof(*m) + h->n_hdrs * sizeof(*m->hdrs) + n);

        if (!m)
                return NULL;
        *m = (struct sip_msg){.refs = 1, .n = n, .n_hdrs = h->n_hdrs};
        m->hdrs = (struct sip_hdr *)(m + 1);
        m->buf = (char *)(m->hdrs + h->n_hdrs);
        memcpy(m->buf, start, n);
        memcpy(m->first, h->first, sizeof(m->first));
        for (size_t i = 0; i < h->n_hdrs; i++) {
                const struct sip_hdr *from = &h->hdrs[i];

                m->hdrs[i] =
                        (struct sip_hdr){from->id, moved(from->name, start, m->buf),
                                         moved(from->value, start, m->buf), moved(from->line, start, m->buf)};
        }
        m->body = span_make(m->buf + h->n, f->body);
        return m;
}

static int read_message(struct span data, enum sip_framing framing, bool own, struct sip_msg **out,
                        size_t *out_used)
{
        struct sip_head h;
        struct frame f = {0};
        struct sip_msg *m;
        int err;

        *out_used = 0;
        while (f.skip < data.n && (data.p[f.skip] == '\r' || data.p[f.skip] == '\n'))
                f.skip++;
        err = sip_head_scan(span_sub(data, f.skip, data.n), &h);
        if (!err)
                err = frame_body(&h, data, framing, &f);
        if (err)
                return err == -IMS_EINCOMPLETE && framing == SIP_DATAGRAM ? -IMS_EPARSE : err;
        *out_used = framing == SIP_DATAGRAM ? data.n : f.total;
        m = assemble(&h, data.p + f.skip, &f);
        if (!m)
                return -IMS_ENOMEM;
        err = start_line(m, moved(h.start_line, data.p + f.skip, m->buf));
        if (!err && h.fault)
                fault(m, 400, h.fault);
        if (!err && f.fault)
                fault(m, 400, f.fault);
        if (!err)
                err = read_fields(m, own);
        if (!err && m->fault && (own || !m->is_request)) /* nobody to answer it to */
                err = -IMS_EPARSE;
        if (err) {
                sip_msg_unref(m);
                return err;
        }
        *out = m;
        return 0;
}

int sip_msg_parse(struct span data, enum sip_framing framing, struct sip_msg **out, size_t *out_used)
{
        return read_message(data, framing, false, out, out_used);
}

int sip_msg_parse_own(struct span text, struct sip_msg **out)
{
        size_t used;

        return read_message(text, SIP_DATAGRAM, true, out, &used);
}

struct sip_msg *sip_msg_ref(struct sip_msg *m)
{
        m->refs++;
        return m;
}

void sip_msg_unref(struct sip_msg *m)
{
        if (!m || --m->refs)
                return;
        secret_wipe(m->buf, m->n); /* credentials, keys of an AKA challenge: whatever it was */
        free(m);
}
