/* SPDX-License-Identifier: BSD-3-Clause
 * Requests of the core for a UE: over the flow it registered on, without what is the network's own.
 * TS 24.229 5.2.6.4. */
#include "common/sip/grammar.h"
#include "pcscf/pcscf.h"

#define CLAUSE "TS 24.229 5.2.6.4"

/* Request-URI a registered contact, where no Route of ours stands: its IMPU is in P-Called-Party-ID or To. */
static struct binding *by_contact(struct pcscf *p, const struct sip_msg *m)
{
        const struct sip_hdr *called = sip_msg_hdr(m, SIP_HDR_P_CALLED_PARTY_ID, 0);
        struct buf aor = BUF_INIT;
        struct binding *b = NULL;

        if (!called)
                called = sip_msg_hdr(m, SIP_HDR_TO, 0);
        if (sip_uri_canonical(sip_addr_spec(called->value), &aor) == 0)
                b = regstore_by_contact(p->store, buf_as_span(&aor), m->ruri);
        buf_free(&aor);
        return b;
}

static void remove_internal(struct sip_edit *e)
{
        sip_edit_remove_all(e, SIP_HDR_P_CHARGING_VECTOR);
        sip_edit_remove_all(e, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES);
        sip_edit_remove_all(e, SIP_HDR_P_VISITED_NETWORK_ID);
}

/* --- what the UE answers --------------------------------------------------------------------------- */

/* The identity that was called stands for who answers, when it is one of the UE's (5.2.6.4.4). */
static void assert_called(struct sip_edit *e, const struct sip_request *rq, const struct binding *b)
{
        const struct sip_hdr *called = sip_msg_hdr(rq->msg, SIP_HDR_P_CALLED_PARTY_ID, 0);
        struct span impu = SPAN_NULL, first = SPAN_NULL, chosen = SPAN_NULL;
        struct buf value = BUF_INIT;

        (void)binding_next_impu(b, &first);
        while (called && !chosen.n && binding_next_impu(b, &impu))
                if (sip_uri_equal(sip_addr_spec(called->value), impu))
                        chosen = impu;
        if (!chosen.n)
                chosen = first;
        buf_printf(&value, "<" SPAN_FMT ">", SPAN_ARG(chosen));
        if (value.err && !e->err)
                e->err = value.err;
        sip_edit_append(e, SIP_HDR_P_ASSERTED_IDENTITY, buf_as_span(&value));
        buf_free(&value);
}

static void edit_answer(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        const struct sip_hdr *charging = sip_msg_hdr(rq->msg, SIP_HDR_P_CHARGING_VECTOR, 0);
        const struct binding *b = rq->msg->to_tag.n ? NULL
                                                    : regstore_by_id(((struct pcscf *)arg)->store,
                                                                     (uint32_t)(uintptr_t)rq->user);

        sip_edit_remove_all(e, SIP_HDR_P_ASSERTED_IDENTITY);
        sip_edit_remove_all(e, SIP_HDR_P_PREFERRED_IDENTITY);
        remove_internal(e);
        pani_strip(e, ((struct pcscf *)arg)->conf->pani_aware);
        if (b && resp->status > 100)
                assert_called(e, rq, b);
        if (charging)
                sip_edit_append(e, SIP_HDR_P_CHARGING_VECTOR, charging->value);
}

/* Who chose this flow may have another one to the same UE (RFC 5626 5.3, 7), unless the UE itself refused. */
static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        bool late = err == -IMS_ETIMEOUT;
        struct refusal r = {.procedure = VERDICT_REQUEST,
                            .cause = CAUSE_next_hop_unreachable,
                            .status = late ? 504 : 503,
                            .clause = CLAUSE,
                            .evidence = late ? "the UE does not answer" : "the UE is out of reach"};

        if (own_route_of(arg, rq->msg).ob) {
                r.status = late ? 408 : 430;
                r.clause = "RFC 5626 5.3";
        }
        pcscf_refuse(arg, rq, &r);
        return false;
}

/* --- requests -------------------------------------------------------------------------------------- */

/* What the contact asks for, else what the last REGISTER came over. */
static enum transport transport_to(const struct binding *b)
{
        struct span part, rest = binding_contact(b);
        enum transport t;

        while (span_split(&rest, ';', &part))
                if (span_istarts(part, SPAN("transport=")) &&
                    transport_parse(span_sub(part, 10, part.n), &t) == 0 &&
                    (t == TRANSPORT_UDP || t == TRANSPORT_TCP))
                        return t;
        return b->where->flow.transport;
}

/* A flow that the UE keeps up (RFC 5626, TS 33.203 O.2.1): nothing else leads to it. */
static bool is_managed(const struct pcscf *p, const struct binding *b)
{
        const struct ip_entry *e = ip_table_of(p->ips, b->where->assoc);

        return b->where->assoc.kind == ASSOC_TLS || (e && ip_entry_outbound(e));
}

/* The flow of the registration. When its connection has ended, the contact, for nobody listens at the port
 * that connection came from. */
struct sip_flow pcscf_way_to(const struct pcscf *p, const struct binding *b)
{
        const struct sa_assoc *a = ipsec_assoc(p, b->where->assoc);
        struct sip_flow flow = b->where->flow;
        struct addr contact;

        if (a && a->in_use)
                return sa_way_to_ue(a->in_use, transport_to(b));
        if (!is_managed(p, b) && !assoc_protected(b->where->assoc) && !sip_flow_alive(p->stack, &flow) &&
            binding_contact_addr(b, &contact)) {
                flow.remote = contact;
                flow.conn_id = 0;
        }
        return flow;
}

const char *pcscf_out_of_reach(const struct pcscf *p, const struct binding *b)
{
        const struct sa_assoc *a = ipsec_assoc(p, b->where->assoc);

        if (b->where->assoc.kind == ASSOC_IPSEC)
                return a && a->in_use ? NULL : "the security associations of this UE have ended";
        if (!is_managed(p, b) || sip_flow_alive(p->stack, &b->where->flow))
                return NULL;
        return b->where->assoc.kind == ASSOC_TLS ? "the TLS connection of this UE has ended"
                                                 : "the flow of this UE has ended";
}

static void send_to_ue(struct pcscf *p, struct sip_request *rq, struct sip_edit *e, const struct binding *b)
{
        struct sip_flow flow = pcscf_way_to(p, b);
        struct sip_forward fw = {.target = {.flow = &flow,
                                            .same_conn = is_managed(p, b) && flow.conn_id,
                                            .t1_ms = p->conf->gm_t1_ms,
                                            .t2_ms = p->conf->gm_t2_ms},
                                 .edit = edit_answer,
                                 .on_failure = on_failure,
                                 .arg = p};

        rq->user = (void *)(uintptr_t)b->id;
        remove_internal(e);
        if (begins_dialog(rq->msg))
                own_record_route(p, e, OWN_DIALOG, b->id, &b->where->flow, false);
        if (rq->msg->method == SIP_ACK)
                sip_forward_stateless(rq, e, &fw.target);
        else
                sip_forward(rq, e, &fw);
}

/* own: the Route of ours that was followed. */
static void refuse(struct pcscf *p, struct sip_request *rq, const struct own_route *own, const char *evidence)
{
        struct refusal r = {.procedure = VERDICT_REQUEST,
                            .cause = CAUSE_identity_not_registered,
                            .status = own->ob ? 430 : 480, /* RFC 5626 5.3 */
                            .clause = CLAUSE,
                            .evidence = evidence,
                            .impu = rq->msg->ruri};

        pcscf_refuse(p, rq, &r);
}

void pcscf_to_ue(struct pcscf *p, struct sip_request *rq)
{
        const char *why;
        struct binding *b = NULL;
        struct own_route own;
        struct sip_edit e;
        struct span next;

        sip_edit_init(&e, rq->msg);
        own = own_route_pop(p, &e, &next);
        if (own.kind == OWN_PATH || own.kind == OWN_DIALOG)
                b = regstore_by_id(p->store, own.id);
        else if (own.kind < OWN_STALE)
                b = by_contact(p, rq->msg);
        why = b ? pcscf_out_of_reach(p, b) : NULL;
        if (why)
                refuse(p, rq, &own, why);
        else if (b)
                send_to_ue(p, rq, &e, b);
        else if (own.kind == OWN_EMERGENCY)
                emergency_to_ue(p, rq, &e, next, own.id);
        else
                refuse(p, rq, &own, "no registration here belongs to this Route or Request-URI");
        sip_edit_free(&e);
}
