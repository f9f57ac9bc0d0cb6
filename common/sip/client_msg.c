/* SPDX-License-Identifier: BSD-3-Clause
 * The octets of a client request: changing the Via for another attempt, and the ACK and CANCEL that belong
 * to an INVITE. RFC 3261 17.1.1.3, 9.1. */
#include <stdlib.h>

#include "common/base/secret.h"
#include "common/sip/client.h"

#define MAX_FORWARDS "70" /* RFC 3261 8.1.1.6 */

void sip_client_drop_octets(struct sip_client *c)
{
        secret_free(c->octets, c->n_octets);
        c->octets = NULL;
}

int sip_client_set_octets(struct sip_client *c, struct span octets)
{
        char *p = malloc(octets.n);

        if (!p)
                return -IMS_ENOMEM;
        memcpy(p, octets.p, octets.n);
        sip_client_drop_octets(c);
        c->octets = p;
        c->n_octets = octets.n;
        return 0;
}

int sip_client_set_via(struct sip_client *c, struct span via)
{
        size_t n = c->n_octets - c->via_n + via.n;
        size_t tail = c->via_at + c->via_n;
        char *p = c->octets;

        if (n > c->n_octets) {
                p = malloc(n);
                if (!p)
                        return -IMS_ENOMEM;
                memcpy(p, c->octets, c->n_octets);
                sip_client_drop_octets(c);
                c->octets = p;
        }
        memmove(p + c->via_at + via.n, p + tail, c->n_octets - tail);
        memcpy(p + c->via_at, via.p, via.n);
        c->n_octets = n;
        c->via_n = via.n;
        return 0;
}

static void put(struct buf *out, enum sip_hdr_id id, struct span value)
{
        buf_puts(out, sip_hdr_name(id));
        buf_put(out, ": ", 2);
        buf_span(out, value);
        buf_put(out, "\r\n", 2);
}

/* What CANCEL and ACK take over from the INVITE. to: the To of the ACK, empty for that of the INVITE. */
static int write_like_invite(const struct sip_client *c, const char *method, struct span to, struct buf *out)
{
        struct span octets = span_make(c->octets, c->n_octets);
        struct sip_msg *m = NULL;
        size_t used;
        int err = sip_msg_parse(octets, SIP_DATAGRAM, &m, &used);

        if (err)
                return err;
        buf_puts(out, method);
        buf_char(out, ' ');
        buf_span(out, m->ruri);
        buf_puts(out, " SIP/2.0\r\n");
        put(out, SIP_HDR_VIA, span_sub(octets, c->via_at, c->via_at + c->via_n));
        put(out, SIP_HDR_MAX_FORWARDS, SPAN(MAX_FORWARDS));
        for (size_t i = 0; i < m->n_hdrs; i++)
                if (m->hdrs[i].id == SIP_HDR_ROUTE)
                        put(out, SIP_HDR_ROUTE, m->hdrs[i].value);
        put(out, SIP_HDR_FROM, sip_msg_value(m, SIP_HDR_FROM));
        put(out, SIP_HDR_TO, to.n ? to : sip_msg_value(m, SIP_HDR_TO));
        put(out, SIP_HDR_CALL_ID, m->call_id);
        buf_printf(out, "CSeq: %u %s\r\nContent-Length: 0\r\n\r\n", m->cseq, method);
        sip_msg_unref(m);
        return out->err;
}

int sip_client_write_ack(const struct sip_client *c, const struct sip_msg *resp, struct buf *out)
{
        return write_like_invite(c, "ACK", sip_msg_value(resp, SIP_HDR_TO), out);
}

int sip_client_write_cancel(const struct sip_client *c, struct buf *out)
{
        return write_like_invite(c, "CANCEL", SPAN_NULL, out);
}
