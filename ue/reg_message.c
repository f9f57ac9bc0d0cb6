/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER texts (TS 24.229 5.1.1.2; RFC 3261 10; RFC 5626 4.2). */
#include "ue/reg_message.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/sip/grammar.h"

static void write_contact(const struct reg_request *rq, struct buf *out)
{
        const struct reg_conf *c = rq->conf;
        bool all = strcmp(rq->contact, "*") == 0;

        if (all) {
                buf_puts(out, "Contact: *\r\n");
                return;
        }
        buf_printf(out, "Contact: <%s>", rq->contact);
        if (c->reg_id)
                buf_printf(out, ";reg-id=%u", c->reg_id);
        if (c->instance)
                buf_printf(out, ";+sip.instance=\"<%s>\"", c->instance);
        buf_puts(out, "\r\n");
}

int reg_write_request(const struct reg_request *rq, struct buf *out)
{
        const struct reg_conf *c = rq->conf;

        buf_printf(out, "REGISTER sip:%s SIP/2.0\r\nMax-Forwards: 70\r\n", rq->domain);
        buf_printf(out, "From: <%s>;tag=%s\r\nTo: <%s>\r\n", c->impu, rq->from_tag, c->impu);
        buf_printf(out, "Call-ID: %s\r\nCSeq: %u REGISTER\r\n", rq->call_id, rq->cseq);
        write_contact(rq, out);
        buf_printf(out, "Expires: %u\r\nSupported: path%s", rq->expires_s, c->reg_id ? ", outbound" : "");
        if (c->security && !security_suspended(c->security)) {
                buf_puts(out, ", sec-agree\r\n");
                security_write(c->security, out);
        } else {
                buf_puts(out, c->tls && tls_guard_agrees(c->tls) ? ", sec-agree\r\n" : "\r\n");
                if (c->tls)
                        tls_guard_write(c->tls, out);
        }
        if (rq->authorization.n)
                buf_printf(out, "Authorization: " SPAN_FMT "\r\n", SPAN_ARG(rq->authorization));
        if (c->access_network)
                buf_printf(out, "P-Access-Network-Info: %s\r\n", c->access_network);
        buf_puts(out, "Content-Length: 0\r\n\r\n");
        return out->err;
}

char *reg_join_values(const struct sip_msg *m, enum sip_hdr_id id)
{
        struct sip_value_iter it = {0};
        struct buf b = BUF_INIT;
        struct span v;

        while (sip_msg_next_value(m, id, &it, &v)) {
                if (b.n)
                        buf_puts(&b, ", ");
                buf_span(&b, v);
        }
        if (b.n == 0) {
                buf_free(&b);
                return NULL;
        }
        return buf_steal(&b);
}

/* The expires parameter of a Contact value, or fallback_s. */
static uint32_t contact_expires(struct span value, uint32_t fallback_s)
{
        osip_contact_t *c = NULL;
        osip_generic_param_t *p = NULL;
        uint32_t s = fallback_s;

        if (sip_contact_parse(value, &c) < 0)
                return fallback_s;
        if (osip_contact_param_get_byname(c, (char *)"expires", &p) == 0 && p && p->gvalue &&
            span_u32(span_of(p->gvalue), UINT32_MAX, &s) < 0)
                s = fallback_s;
        osip_contact_free(c);
        return s;
}

int reg_read_expires(const struct sip_msg *resp, const char *contact, uint32_t fallback_s, uint32_t *out)
{
        struct sip_value_iter it = {0};
        struct span v;
        bool any = false;

        if (span_u32(sip_msg_value(resp, SIP_HDR_EXPIRES), UINT32_MAX, &fallback_s) < 0)
                log_debug("no usable Expires in the answer");
        while (sip_msg_next_value(resp, SIP_HDR_CONTACT, &it, &v)) {
                any = true;
                if (sip_uri_equal(sip_addr_spec(v), span_of(contact))) {
                        *out = contact_expires(v, fallback_s);
                        return 0;
                }
        }
        if (any)
                return -IMS_ENOTFOUND;
        *out = fallback_s;
        return 0;
}
