/* SPDX-License-Identifier: BSD-3-Clause
 * Writing a response to a request. RFC 3261 8.2.6, 12.1.1 (Record-Route). */
#include "common/sip/reply.h"

static void put(struct buf *out, const char *name, struct span value)
{
        buf_puts(out, name);
        buf_put(out, ": ", 2);
        buf_span(out, value);
        buf_put(out, "\r\n", 2);
}

static void copy(const struct sip_msg *rq, enum sip_hdr_id id, struct buf *out)
{
        const struct sip_hdr *h;

        for (size_t i = 0; i < rq->n_hdrs; i++) {
                h = &rq->hdrs[i];
                if (h->id == id)
                        put(out, sip_hdr_name(id), h->value);
        }
}

static bool forms_dialog(const struct sip_msg *rq)
{
        return rq->method == SIP_INVITE || rq->method == SIP_SUBSCRIBE || rq->method == SIP_REFER ||
               rq->method == SIP_NOTIFY;
}

static void put_to(const struct sip_msg *rq, const char *to_tag, int status, struct buf *out)
{
        const struct sip_hdr *to = sip_msg_hdr(rq, SIP_HDR_TO, 0);

        if (!to)
                return; /* its absence is what is answered */
        buf_puts(out, "To: ");
        buf_span(out, to->value);
        if (status > 100 && !rq->to_tag.n) {
                buf_puts(out, ";tag=");
                buf_puts(out, to_tag);
        }
        buf_put(out, "\r\n", 2);
}

/* SIP_HDR_OTHER: the value is the whole line, "Name: value". */
static void put_field(const struct sip_field *f, struct buf *out)
{
        if (f->id != SIP_HDR_OTHER) {
                put(out, sip_hdr_name(f->id), f->value);
                return;
        }
        buf_span(out, f->value);
        buf_put(out, "\r\n", 2);
}

void sip_reply_write(const struct sip_stack *s, const struct sip_msg *rq, const char *to_tag,
                     const struct sip_reply_text *r, struct buf *out)
{
        char digits[4] = {(char)('0' + r->status / 100), (char)('0' + r->status / 10 % 10),
                          (char)('0' + r->status % 10), ' '};

        buf_puts(out, "SIP/2.0 ");
        buf_put(out, digits, sizeof(digits));
        buf_puts(out, r->reason ? r->reason : sip_reason_phrase(r->status));
        buf_put(out, "\r\n", 2);
        copy(rq, SIP_HDR_VIA, out);
        if (r->status > 100 && r->status < 300 && forms_dialog(rq))
                copy(rq, SIP_HDR_RECORD_ROUTE, out);
        copy(rq, SIP_HDR_FROM, out);
        put_to(rq, to_tag, r->status, out);
        copy(rq, SIP_HDR_CALL_ID, out);
        copy(rq, SIP_HDR_CSEQ, out);
        if (r->status == 100)
                copy(rq, SIP_HDR_TIMESTAMP, out);
        for (size_t i = 0; i < r->n_add; i++)
                put_field(&r->add[i], out);
        if (s->conf.server)
                put(out, "Server", span_of(s->conf.server));
        if (r->body.n)
                put(out, "Content-Type", r->type);
        buf_printf(out, "Content-Length: %zu\r\n\r\n", r->body.n);
        buf_span(out, r->body);
}
