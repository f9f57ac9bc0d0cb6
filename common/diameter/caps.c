/* SPDX-License-Identifier: BSD-3-Clause
 * Capabilities exchange (RFC 6733 5.3). */
#include <stdlib.h>

#include "common/base/log.h"
#include "common/diameter/cx.h"
#include "common/diameter/node_int.h"

#define RELAY_APPLICATION 0xffffffffu

static void put_application(struct buf *b)
{
        size_t at = dia_put_group(b, AVP_VENDOR_SPECIFIC_APPLICATION_ID);

        dia_put_u32(b, AVP_VENDOR_ID, DIA_VENDOR_3GPP);
        dia_put_u32(b, AVP_AUTH_APPLICATION_ID, CX_APPLICATION);
        dia_put_group_end(b, at);
}

static void put_capabilities(struct dia_conn *c, struct buf *b)
{
        struct dia_node *n = c->dn;

        dia_put_os(b, AVP_ORIGIN_HOST, span_of(n->identity));
        dia_put_os(b, AVP_ORIGIN_REALM, span_of(n->realm));
        dia_put_address(b, AVP_HOST_IP_ADDRESS, tcp_local(c->tcp));
        dia_put_u32(b, AVP_VENDOR_ID, DIA_VENDOR_3GPP);
        dia_put_os(b, AVP_PRODUCT_NAME, span_of(n->product));
        dia_put_u32(b, AVP_ORIGIN_STATE_ID, n->origin_state);
        dia_put_u32(b, AVP_SUPPORTED_VENDOR_ID, DIA_VENDOR_3GPP);
        dia_put_u32(b, AVP_SUPPORTED_VENDOR_ID, DIA_VENDOR_ETSI);
        put_application(b);
}

static void send_done(struct dia_conn *c, struct buf *b)
{
        dia_put_end(b, 0);
        if (b->err) {
                log_error("diameter %s: %s", c->name, ims_strerror(b->err));
        } else {
                dia_trace(c, true, buf_as_span(b), NULL, NULL);
                (void)dia_conn_send(c, buf_as_span(b));
        }
        buf_free(b);
}

int dia_send_cer(struct dia_conn *c)
{
        struct dia_node *n = c->dn;
        struct dia_header h = {.flags = CMD_FLAG_REQUEST,
                               .code = dict_command_rows[CMD_CER].code,
                               .hop = n->next_hop++,
                               .end = n->next_end++};
        struct buf b = BUF_INIT;

        c->peer->cer_hop = h.hop;
        dia_put_header(&b, &h);
        put_capabilities(c, &b);
        send_done(c, &b);
        return 0;
}

void dia_send_cea(struct dia_conn *c, const struct dia_header *cer, uint32_t result,
                  const struct dia_fault *fault, const char *text)
{
        struct dia_header h = {.code = cer->code, .hop = cer->hop, .end = cer->end};
        struct buf b = BUF_INIT;

        if (result >= 3000 && result < 4000)
                h.flags |= CMD_FLAG_ERROR;
        dia_put_header(&b, &h);
        dia_put_u32(&b, AVP_RESULT_CODE, result);
        put_capabilities(c, &b);
        if (text)
                dia_put_os(&b, AVP_ERROR_MESSAGE, span_of(text));
        if (fault)
                dia_put_fault(&b, fault);
        send_done(c, &b);
}

static void read_application(const struct dia_avp *a, struct dia_caps *out)
{
        struct span rest = a->data;
        struct dia_avp in;

        if (a->id == AVP_VENDOR_SPECIFIC_APPLICATION_ID) {
                while (dia_avp_next(&rest, &in) > 0)
                        read_application(&in, out);
        } else if (a->id == AVP_AUTH_APPLICATION_ID || a->id == AVP_ACCT_APPLICATION_ID) {
                if (dia_avp_u32(a) == RELAY_APPLICATION)
                        out->relay = true;
                else if (dia_avp_u32(a) == CX_APPLICATION && a->id == AVP_AUTH_APPLICATION_ID)
                        out->cx = true;
        }
}

uint32_t dia_caps_read(struct span octets, struct dia_caps *out, struct dia_fault *fault)
{
        struct span rest = span_sub(octets, DIA_HEADER, octets.n);
        bool security = false, no_security = false;
        struct dia_avp a;

        *out = (struct dia_caps){.h = dia_header_get(octets.p)};
        *fault = DIA_FAULT_NONE;
        if (dia_check(octets, fault))
                return fault->code;
        while (dia_avp_next(&rest, &a) > 0) {
                if (a.id == AVP_ORIGIN_HOST)
                        out->identity = a.data;
                else if (a.id == AVP_ORIGIN_REALM)
                        out->realm = a.data;
                else if (a.id == AVP_RESULT_CODE)
                        out->result = dia_avp_u32(&a);
                else if (a.id == AVP_INBAND_SECURITY_ID && dia_avp_u32(&a) == 0)
                        no_security = true;
                else if (a.id == AVP_INBAND_SECURITY_ID)
                        security = true;
                else
                        read_application(&a, out);
        }
        if (security && !no_security)
                return DIA_NO_COMMON_SECURITY;
        return 0;
}

/* Tells who the configuration does not let in (TS 33.203 Annex J). */
static void tell_stranger(struct dia_conn *c, const struct dia_caps *caps, const char *why)
{
        struct dia_node *n = c->dn;

        if (n->h.on_stranger)
                n->h.on_stranger(caps->identity, tcp_remote(c->tcp), why, n->arg);
}

static void refuse_cer(struct dia_conn *c, const struct dia_caps *caps, uint32_t result,
                       const struct dia_fault *fault, const char *text)
{
        if (log_pace(&c->dn->strangers, DIA_STRANGERS, "refusals"))
                log_warn("diameter %s (" SPAN_FMT "): CER refused: %s%s%s", c->name, SPAN_ARG(caps->identity),
                         dia_result_str(dia_base(result)),
                         fault->name[0] ? ": "
                         : text         ? ": "
                                        : "",
                         fault->name[0] ? fault->name
                         : text         ? text
                                        : "");
        dia_send_cea(c, &caps->h, result, fault, text);
        dia_conn_drop(c, true);
}

/* The peer of a CER; one that is not configured may get an entry of its own. */
static struct dia_peer *cer_peer(struct dia_node *n, const struct dia_caps *caps)
{
        struct dia_peer *p = dia_peer_find(n, caps->identity);
        struct dia_peer_conf conf = {.priority = 100};
        char *identity, *realm;

        if (p || !n->accept_unknown)
                return p;
        identity = span_dup(caps->identity);
        realm = span_dup(caps->realm);
        conf.identity = identity;
        conf.realm = realm;
        if (identity && realm && dia_peer_new(n, &conf, &p) == 0)
                p->dynamic = true;
        else
                p = NULL;
        free(identity);
        free(realm);
        return p;
}

static bool set_realm(struct dia_peer *p, struct span realm)
{
        char *copy;

        if (span_ieq(span_of(p->realm), realm))
                return true;
        copy = span_dup(realm);
        if (!copy)
                return false;
        free(p->realm);
        p->realm = copy;
        return true;
}

void dia_on_cer(struct dia_conn *c, struct span octets)
{
        struct dia_fault fault;
        struct dia_caps caps;
        uint32_t result = dia_caps_read(octets, &caps, &fault);
        const char *text = NULL, *why = NULL, *unfit;
        struct dia_peer *p = NULL;

        dia_trace(c, false, octets, NULL, NULL);
        if (!result && span_ieq(caps.identity, span_of(c->dn->identity))) {
                result = DIA_UNKNOWN_PEER;
                text = "this is my own identity";
        }
        if (!result && !caps.cx && !caps.relay)
                result = DIA_NO_COMMON_APPLICATION;
        if (!result) {
                p = cer_peer(c->dn, &caps);
                if (!p)
                        why = "not in diameter.peers";
                else if (!trust_has(&p->from, tcp_remote(c->tcp)))
                        why = "not an address of its diameter.peers.from";
                else if ((unfit = dia_conn_unfit(c, p)))
                        why = unfit;
                else if (!set_realm(p, caps.realm))
                        result = DIA_UNABLE_TO_COMPLY;
        }
        if (why) {
                result = DIA_UNKNOWN_PEER;
                tell_stranger(c, &caps, why);
        }
        if (result) {
                refuse_cer(c, &caps, result, &fault, text);
                return;
        }
        tmr_stop(c->dn->loop, &c->cer);
        if (p->state == PEER_ST_R_OPEN || p->state == PEER_ST_I_OPEN || p->state == PEER_ST_CLOSING || p->r) {
                dia_peer_event(p, PEER_EV_R_CONN_CER, NULL);
                refuse_cer(c, &caps, DIA_UNABLE_TO_COMPLY, &fault, "there is a connection with this peer");
                return;
        }
        p->relay = p->conf_relay || caps.relay;
        c->cer_hop = caps.h.hop;
        c->cer_end = caps.h.end;
        dia_peer_event(p, PEER_EV_R_CONN_CER, c);
}

void dia_on_cea(struct dia_conn *c, struct span octets)
{
        struct dia_peer *p = c->peer;
        struct dia_fault fault;
        struct dia_caps caps;
        uint32_t wrong = dia_caps_read(octets, &caps, &fault);
        const char *why = NULL;

        dia_trace(c, false, octets, NULL, NULL);
        if (wrong || caps.result != DIA_SUCCESS)
                why = dia_result_str(
                        dia_base(caps.result && caps.result != DIA_SUCCESS ? caps.result : wrong));
        else if (caps.h.hop != p->cer_hop)
                why = "it answers another CER";
        else if (!span_ieq(caps.identity, span_of(p->identity)))
                why = "it has another identity";
        else if (!caps.cx && !caps.relay)
                why = "no common application";
        else if (!set_realm(p, caps.realm))
                why = "out of memory";
        if (why) {
                log_warn("diameter %s: no capabilities exchange with %s: %s%s" SPAN_FMT, p->identity, c->name,
                         why, caps.identity.n ? ", it is " : "", SPAN_ARG(caps.identity));
                dia_peer_event(p, PEER_EV_I_RCV_NON_CEA, c);
                return;
        }
        p->relay = p->conf_relay || caps.relay;
        dia_peer_event(p, PEER_EV_I_RCV_CEA, c);
}
