/* SPDX-License-Identifier: BSD-3-Clause
 * Watchdog and disconnection messages (RFC 6733 5.4, 5.5). */
#include "common/base/log.h"
#include "common/diameter/node_int.h"

#define CAUSE_REBOOTING 0u

static void put_origin(struct dia_node *n, struct buf *b)
{
        dia_put_os(b, AVP_ORIGIN_HOST, span_of(n->identity));
        dia_put_os(b, AVP_ORIGIN_REALM, span_of(n->realm));
}

static int send_buf(struct dia_conn *c, struct buf *b)
{
        int err;

        dia_put_end(b, 0);
        err = b->err;
        if (!err) {
                dia_trace(c, true, buf_as_span(b), NULL, NULL);
                err = dia_conn_send(c, buf_as_span(b));
        }
        buf_free(b);
        return err;
}

static struct dia_header request_header(struct dia_node *n, enum dict_command cmd)
{
        return (struct dia_header){.flags = CMD_FLAG_REQUEST,
                                   .code = dict_command_rows[cmd].code,
                                   .hop = n->next_hop++,
                                   .end = n->next_end++};
}

int dia_send_dwr(struct dia_peer *p)
{
        struct dia_header h = request_header(p->dn, CMD_DWR);
        struct buf b = BUF_INIT;

        dia_put_header(&b, &h);
        put_origin(p->dn, &b);
        dia_put_u32(&b, AVP_ORIGIN_STATE_ID, p->dn->origin_state);
        return send_buf(p->c, &b);
}

int dia_send_dpr(struct dia_peer *p, uint32_t cause)
{
        struct dia_header h = request_header(p->dn, CMD_DPR);
        struct buf b = BUF_INIT;

        dia_put_header(&b, &h);
        put_origin(p->dn, &b);
        dia_put_u32(&b, AVP_DISCONNECT_CAUSE, cause);
        return send_buf(p->c, &b);
}

static void answer(struct dia_conn *c, const struct dia_header *rq, uint32_t result,
                   const struct dia_fault *fault)
{
        struct dia_header h = {.code = rq->code, .hop = rq->hop, .end = rq->end};
        struct buf b = BUF_INIT;

        dia_put_header(&b, &h);
        dia_put_u32(&b, AVP_RESULT_CODE, result);
        put_origin(c->dn, &b);
        if (rq->code == dict_command_rows[CMD_DWR].code)
                dia_put_u32(&b, AVP_ORIGIN_STATE_ID, c->dn->origin_state);
        if (fault)
                dia_put_fault(&b, fault);
        (void)send_buf(c, &b);
}

static void on_dpr(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        struct dia_peer *p = c->peer;
        struct dia_avp cause = {0};
        uint32_t value = CAUSE_REBOOTING;

        if (dia_avp_get(span_sub(octets, DIA_HEADER, octets.n), AVP_DISCONNECT_CAUSE, &cause))
                value = dia_avp_u32(&cause);
        log_notice("diameter %s: disconnects, cause %u", p->identity, value);
        answer(c, h, DIA_SUCCESS, NULL);
        p->held = value != CAUSE_REBOOTING;
        dia_peer_event(p, PEER_EV_RCV_DPR, c);
}

void dia_on_base(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        bool watchdog = h->code == dict_command_rows[CMD_DWR].code;
        struct dia_fault fault = DIA_FAULT_NONE;
        int err = dia_check(octets, &fault);

        if (!watchdog)
                dia_trace(c, false, octets, NULL, NULL);
        if (err) {
                log_warn("diameter %s: %s: %s %s", c->peer->identity, watchdog ? "watchdog" : "disconnection",
                         dia_result_str(dia_base(fault.code)), fault.name);
                if (h->flags & CMD_FLAG_REQUEST)
                        answer(c, h, fault.code, &fault);
                return;
        }
        if (watchdog && (h->flags & CMD_FLAG_REQUEST))
                answer(c, h, DIA_SUCCESS, NULL);
        else if (watchdog)
                dia_peer_wd(c->peer, WD_EV_DWA);
        else if (h->flags & CMD_FLAG_REQUEST)
                on_dpr(c, h, octets);
        else
                dia_peer_event(c->peer, PEER_EV_RCV_DPA, c);
}
