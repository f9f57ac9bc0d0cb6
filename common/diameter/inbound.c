/* SPDX-License-Identifier: BSD-3-Clause
 * Requests that came: what is refused here, what the application gets, and the way back for its answer
 * (RFC 6733 6.1.3, 6.2, 7). */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/diameter/cx.h"
#include "common/diameter/msg.h"
#include "common/diameter/node_int.h"

/* --- writing answers --------------------------------------------------------------------------------- */

static void put_begin(struct buf *b, const struct dia_header *rq, uint8_t error_flag)
{
        struct dia_header h = *rq;

        h.flags = (uint8_t)((rq->flags & CMD_FLAG_PROXIABLE) | error_flag);
        dia_put_header(b, &h);
}

static void put_session(struct buf *b, struct span avps)
{
        struct dia_avp a;

        if (dia_avp_get(avps, AVP_SESSION_ID, &a))
                dia_put_whole(b, a.whole);
}

static void put_proxy_info(struct buf *b, struct span avps)
{
        struct dia_avp a;

        while (dia_avp_next(&avps, &a) > 0) {
                if (a.id == AVP_PROXY_INFO)
                        dia_put_whole(b, a.whole);
        }
}

static void put_cx_head(struct buf *b)
{
        size_t at = dia_put_group(b, AVP_VENDOR_SPECIFIC_APPLICATION_ID);

        dia_put_u32(b, AVP_VENDOR_ID, DIA_VENDOR_3GPP);
        dia_put_u32(b, AVP_AUTH_APPLICATION_ID, CX_APPLICATION);
        dia_put_group_end(b, at);
        dia_put_u32(b, AVP_AUTH_SESSION_STATE, 1);
}

/* A whole answer with a base error. Protocol errors (3xxx) carry the E bit and the grammar of 7.2. */
static void put_error(struct buf *b, struct dia_node *n, struct span request, const struct dia_fault *f,
                      const char *text)
{
        struct dia_header h = dia_header_get(request.p);
        struct span avps = span_sub(request, DIA_HEADER, request.n);
        bool protocol = f->code >= 3000 && f->code < 4000;

        put_begin(b, &h, protocol ? CMD_FLAG_ERROR : 0);
        put_session(b, avps);
        if (!protocol && h.app == CX_APPLICATION)
                put_cx_head(b);
        dia_put_u32(b, AVP_RESULT_CODE, f->code);
        dia_put_os(b, AVP_ORIGIN_HOST, span_of(n->identity));
        dia_put_os(b, AVP_ORIGIN_REALM, span_of(n->realm));
        if (text)
                dia_put_os(b, AVP_ERROR_MESSAGE, span_of(text));
        dia_put_fault(b, f);
        put_proxy_info(b, avps);
        dia_put_end(b, 0);
}

void dia_refuse(struct dia_conn *c, struct span request, const struct dia_fault *f, const char *text)
{
        struct buf b = BUF_INIT;

        put_error(&b, c->dn, request, f, text);
        if (dia_conn_complain(c))
                log_warn("diameter %s: command %u refused: %s%s%s%s%s", c->peer ? c->peer->identity : c->name,
                         dia_header_get(request.p).code, dia_result_str(dia_base(f->code)),
                         f->name[0] ? " " : "", f->name, text ? ", " : "", text ? text : "");
        if (!b.err) {
                dia_trace(c, true, buf_as_span(&b), NULL, text);
                (void)dia_conn_send(c, buf_as_span(&b));
        }
        buf_free(&b);
}

/* --- receiving --------------------------------------------------------------------------------------- */

/* What stands in the way of handing a request to the application; 0 when nothing does. */
static uint32_t objection(struct dia_conn *c, const struct dia_header *h, struct span avps, const char **text)
{
        struct dia_node *n = c->dn;
        struct dia_avp a;

        if (h->flags & CMD_FLAG_ERROR) {
                *text = "a request with the E bit";
                return DIA_INVALID_HDR_BITS;
        }
        if (h->app != CX_APPLICATION && h->app != 0)
                return DIA_APPLICATION_UNSUPPORTED;
        if (h->app == 0 || dia_command_find(h->code, true) < 0 || !n->h.on_request)
                return DIA_COMMAND_UNSUPPORTED; /* of the base protocol the rest is answered elsewhere */
        if (c->n_requests >= n->max_pending)
                return DIA_TOO_BUSY;
        while (dia_avp_next(&avps, &a) > 0) {
                if (a.id == AVP_DESTINATION_HOST && !span_ieq(a.data, span_of(n->identity)))
                        return DIA_UNABLE_TO_DELIVER;
                if (a.id == AVP_DESTINATION_REALM && !span_ieq(a.data, span_of(n->realm)))
                        return DIA_REALM_NOT_SERVED;
                if (a.id == AVP_ROUTE_RECORD && span_ieq(a.data, span_of(n->identity)))
                        return DIA_LOOP_DETECTED;
        }
        return 0;
}

/* A request with the T flag that we know: its answer, or the place of those who wait for it. */
static bool known_duplicate(struct dia_conn *c, const struct dia_header *h, struct span origin)
{
        struct dia_dup *e = dia_dups_find(&c->dn->dups, origin, h->end, loop_now_ms(c->dn->loop));
        struct buf b = BUF_INIT;
        struct dia_header again;

        if (!e)
                return false;
        log_info("diameter %s: command %u was sent again, answered %s", c->peer->identity, h->code,
                 e->busy ? "when it is done" : "as before");
        if (e->busy) {
                e->again = c;
                e->again_hop = h->hop;
                return true;
        }
        again = dia_header_get(e->answer.p);
        again.hop = h->hop;
        dia_put_header(&b, &again);
        buf_put(&b, e->answer.p + DIA_HEADER, e->answer.n - DIA_HEADER);
        if (!b.err) {
                dia_trace(c, true, buf_as_span(&b), NULL, "answered as before");
                (void)dia_conn_send(c, buf_as_span(&b));
        }
        if (e->secret)
                secret_wipe(b.p, b.n);
        buf_free(&b);
        return true;
}

static struct dia_inbound *inbound_new(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        struct dia_inbound *in = calloc(1, sizeof(*in));
        struct span avps;
        struct dia_avp a;

        if (!in || dia_msg_parse(octets, &in->rq.msg, &in->raw)) {
                free(in);
                return NULL;
        }
        in->rq.node = c->dn;
        in->h = *h;
        in->conn = c;
        avps = span_sub(in->raw, DIA_HEADER, in->raw.n);
        while (dia_avp_next(&avps, &a) > 0) {
                if (a.id == AVP_SESSION_ID)
                        in->rq.session_id = a.data;
                else if (a.id == AVP_ORIGIN_HOST)
                        in->rq.origin_host = a.data;
                else if (a.id == AVP_ORIGIN_REALM)
                        in->rq.origin_realm = a.data;
        }
        list_append(&c->requests, &in->node);
        list_append(&c->dn->inbound, &in->of_node);
        c->n_requests++;
        return in;
}

void dia_on_request(struct dia_conn *c, const struct dia_header *h, struct span octets)
{
        struct span avps = span_sub(octets, DIA_HEADER, octets.n);
        struct dia_fault fault = DIA_FAULT_NONE;
        struct dia_inbound *in;
        struct dia_avp origin;
        const char *text = NULL;

        fault.code = objection(c, h, avps, &text);
        if (!fault.code && dia_check(octets, &fault) == 0 && (h->flags & CMD_FLAG_RETRANSMIT) &&
            dia_avp_get(avps, AVP_ORIGIN_HOST, &origin) && known_duplicate(c, h, origin.data)) {
                dia_trace(c, false, octets, NULL, "sent again");
                return;
        }
        in = fault.code ? NULL : inbound_new(c, h, octets);
        if (!fault.code && !in)
                fault.code = DIA_UNABLE_TO_COMPLY;
        dia_trace(c, false, octets, in ? in->rq.msg : NULL, in ? NULL : dia_result_str(dia_base(fault.code)));
        if (!in) {
                dia_refuse(c, octets, &fault, text);
                return;
        }
        in->dup = dia_dups_add(&c->dn->dups, in->rq.origin_host, h->end, loop_now_ms(c->dn->loop));
        c->dn->h.on_request(&in->rq, c->dn->arg);
}

/* --- answering --------------------------------------------------------------------------------------- */

static void inbound_free(struct dia_inbound *in)
{
        if (in->conn) {
                list_unlink(&in->node);
                in->conn->n_requests--;
        }
        list_unlink(&in->of_node);
        dia_msg_free(in->rq.msg, in->raw);
        free(in);
}

bool dia_request_awaited(const struct dia_request *rq)
{
        const struct dia_inbound *in = (const struct dia_inbound *)rq;

        if (in->dup && in->dup->again)
                return true;
        return in->conn && in->conn->tcp && tcp_peer_there(in->conn->tcp);
}

void dia_request_drop(struct dia_request *rq)
{
        struct dia_inbound *in = (struct dia_inbound *)rq;

        dia_dup_drop(&rq->node->dups, in->dup);
        inbound_free(in);
}

void dia_inbound_free_all(struct dia_node *n)
{
        list_for_each_safe(pos, tmp, &n->inbound)
                inbound_free(container_of(pos, struct dia_inbound, of_node));
}

void dia_inbound_orphan(struct dia_conn *c)
{
        list_for_each_safe(pos, tmp, &c->requests)
        {
                struct dia_inbound *in = container_of(pos, struct dia_inbound, node);

                list_unlink(pos);
                in->conn = NULL;
        }
        c->n_requests = 0;
}

static void set_hop(struct buf *b, uint32_t hop)
{
        b->p[12] = (char)(hop >> 24);
        b->p[13] = (char)(hop >> 16);
        b->p[14] = (char)(hop >> 8);
        b->p[15] = (char)hop;
}

/* Sends a finished answer, keeps it for those who ask again, frees rq. */
static void send_answer(struct dia_inbound *in, struct buf *b, struct msg *m)
{
        struct dia_node *n = in->rq.node;
        bool secret = dia_command_secret(in->h.code);

        if (b->err) {
                log_error("diameter: answer to command %u: %s", in->h.code, ims_strerror(b->err));
                dia_dup_drop(&n->dups, in->dup);
        } else {
                if (in->conn) {
                        dia_trace(in->conn, true, buf_as_span(b), m, NULL);
                        (void)dia_conn_send(in->conn, buf_as_span(b));
                } else {
                        log_info("diameter: answer to command %u dropped, the peer is gone", in->h.code);
                }
                if (in->dup && in->dup->again) {
                        set_hop(b, in->dup->again_hop);
                        dia_trace(in->dup->again, true, buf_as_span(b), m, "answer for the one sent again");
                        (void)dia_conn_send(in->dup->again, buf_as_span(b));
                }
                if (in->dup)
                        dia_dup_done(in->dup, b, secret);
        }
        if (secret)
                secret_wipe(b->p, b->n);
        buf_free(b);
        inbound_free(in);
}

void dia_answer_begin(struct dia_request *rq, struct buf *b, uint8_t error_flag)
{
        put_begin(b, &((struct dia_inbound *)rq)->h, error_flag);
}

void dia_answer_octets(struct dia_request *rq, struct buf *b)
{
        struct dia_inbound *in = (struct dia_inbound *)rq;

        put_proxy_info(b, span_sub(in->raw, DIA_HEADER, in->raw.n));
        dia_put_end(b, 0);
        send_answer(in, b, NULL);
}

void dia_answer_fault(struct dia_request *rq, const struct dia_fault *f, const char *text)
{
        struct dia_inbound *in = (struct dia_inbound *)rq;
        struct buf b = BUF_INIT;

        put_error(&b, rq->node, in->raw, f, text);
        send_answer(in, &b, NULL);
}

void dia_answer_error(struct dia_request *rq, uint32_t base_code, struct avp *failed, const char *text)
{
        struct dia_fault fault = DIA_FAULT_NONE;
        struct buf whole = BUF_INIT;

        fault.code = base_code;
        if (failed) {
                dia_put_fd(&whole, failed);
                fault.whole = buf_as_span(&whole);
        }
        dia_answer_fault(rq, &fault, text);
        buf_free(&whole);
}

int dia_answer_new(struct dia_request *rq, struct msg **out)
{
        struct dia_inbound *in = (struct dia_inbound *)rq;
        struct buf b = BUF_INIT;
        struct span avps = span_sub(in->raw, DIA_HEADER, in->raw.n), raw = SPAN_NULL;
        int err;

        put_begin(&b, &in->h, 0);
        put_session(&b, avps);
        dia_put_os(&b, AVP_ORIGIN_HOST, span_of(rq->node->identity));
        dia_put_os(&b, AVP_ORIGIN_REALM, span_of(rq->node->realm));
        put_proxy_info(&b, avps);
        dia_put_end(&b, 0);
        err = b.err ? b.err : dia_msg_parse(buf_as_span(&b), out, &raw);
        buf_free(&b);
        return err;
}

void dia_answer_send(struct dia_request *rq, struct msg *answer)
{
        struct buf b = BUF_INIT;
        int err = dia_msg_octets(answer, &b);

        if (err && !b.err)
                b.err = err;
        send_answer((struct dia_inbound *)rq, &b, answer);
        dia_msg_free(answer, SPAN_NULL);
}
