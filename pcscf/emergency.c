/* SPDX-License-Identifier: BSD-3-Clause
 * Emergency requests: from anyone, to the configured PSAP. TS 24.229 5.2.10, RFC 5031. */
#include "common/sip/grammar.h"
#include "pcscf/pcscf.h"

#define CLAUSE "TS 24.229 5.2.10"

/* The dialled number of a tel URI, or of a sip URI's user part, without parameters. */
static struct span dialled(struct span uri)
{
        ptrdiff_t colon = span_chr(uri, ':', 0), end;
        struct span s = span_sub(uri, (size_t)(colon + 1), uri.n);

        end = span_chr(s, '@', 0);
        if (end >= 0)
                s = span_sub(s, 0, (size_t)end);
        end = span_chr(s, ';', 0);
        return end >= 0 ? span_sub(s, 0, (size_t)end) : s;
}

bool emergency_is(const struct pcscf *p, const struct sip_msg *m)
{
        char *const *numbers = p->conf->emergency_numbers.items;
        struct sip_value_iter it = {0};
        struct span v;

        if (m->to_tag.n) { /* within a call: ours alone tells */
                while (sip_msg_next_value(m, SIP_HDR_ROUTE, &it, &v))
                        if (own_route_read(p, v, m->call_id).kind == OWN_EMERGENCY)
                                return true;
                return false;
        }
        if (span_istarts(m->ruri, SPAN("urn:service:sos")) && (m->ruri.n == 15 || m->ruri.p[15] == '.'))
                return true;
        for (size_t i = 0; i < p->conf->emergency_numbers.n; i++)
                if (span_eq(dialled(m->ruri), span_of(numbers[i])))
                        return true;
        return false;
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct refusal r = {.procedure = VERDICT_REQUEST,
                            .cause = CAUSE_next_hop_unreachable,
                            .status = err == -IMS_ETIMEOUT ? 504 : 503,
                            .clause = CLAUSE,
                            .evidence = "emergency.psap"};

        pcscf_verdict(arg, rq, &r);
        return true;
}

static void edit_answer(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        (void)rq;
        (void)resp;
        (void)arg;
        reg_edit_answer(e);
}

/* Who calls is asserted only when it is known (5.2.10.2, 5.2.10.3). */
static void edit(struct pcscf *p, struct sip_edit *e, const struct ue_flow *from)
{
        struct buf id = BUF_INIT;
        struct span impu = SPAN_NULL;

        ue_remove_untrusted(p, e);
        if (from && binding_next_impu(ue_latest(from), &impu)) {
                buf_printf(&id, "<" SPAN_FMT ">", SPAN_ARG(impu));
                sip_edit_append(e, SIP_HDR_P_ASSERTED_IDENTITY, buf_as_span(&id));
        }
        buf_free(&id);
}

static void send_on(struct sip_request *rq, struct sip_edit *e, const struct sip_forward *fw)
{
        if (rq->msg->method == SIP_ACK)
                sip_forward_stateless(rq, e, &fw->target);
        else
                sip_forward(rq, e, fw);
}

void emergency_to_ue(struct pcscf *p, struct sip_request *rq, struct sip_edit *e, struct span next,
                     uint32_t id)
{
        const struct binding *b = id ? regstore_by_id(p->store, id) : NULL;
        const char *why = b ? pcscf_out_of_reach(p, b) : id ? "the registration of this UE has ended" : NULL;
        struct sip_flow way;
        struct sip_forward fw = {.target = {.uri = next.n ? sip_addr_spec(next) : rq->msg->ruri,
                                            .t1_ms = p->conf->gm_t1_ms,
                                            .t2_ms = p->conf->gm_t2_ms},
                                 .edit = edit_answer,
                                 .on_failure = on_failure,
                                 .arg = p};

        if (why) {
                struct refusal r = {.procedure = VERDICT_REQUEST,
                                    .cause = CAUSE_identity_not_registered,
                                    .status = 480,
                                    .clause = CLAUSE,
                                    .evidence = why};

                pcscf_refuse(p, rq, &r);
                return;
        }
        if (b && assoc_protected(b->where->assoc)) { /* what protects the caller carries the call */
                way = pcscf_way_to(p, b);
                fw.target.flow = &way;
                fw.target.same_conn = way.transport == TRANSPORT_TLS;
        }
        send_on(rq, e, &fw);
}

/* Binding of a caller that is protected: the way back is over its SAs or its TLS connection. */
static uint32_t protected_caller(const struct ue_flow *from)
{
        return from && assoc_protected(from->assoc) ? ue_latest(from)->id : 0;
}

/* Whatever a UE wrote into Route or Request-URI, an emergency request of its goes to the PSAP: there is no
 * other place it could reach from here. */
void emergency_request(struct pcscf *p, struct sip_request *rq, const struct ue_flow *from)
{
        struct sip_forward fw = {.target = {.uri = span_of(p->conf->psap)},
                                 .edit = edit_answer,
                                 .on_failure = on_failure,
                                 .arg = p};
        struct span next = SPAN_NULL;
        struct sip_edit e;

        if (!p->conf->psap) {
                struct refusal r = {.procedure = VERDICT_REQUEST,
                                    .cause = CAUSE_next_hop_unreachable,
                                    .status = 503,
                                    .reason = "No Emergency Service Here",
                                    .clause = CLAUSE,
                                    .evidence = "emergency.psap is not configured"};

                pcscf_refuse(p, rq, &r);
                return;
        }
        sip_edit_init(&e, rq->msg);
        edit(p, &e, from);
        if (rq->msg->to_tag.n) {
                (void)own_route_pop(p, &e, &next);
        } else {
                sip_edit_remove_all(&e, SIP_HDR_ROUTE);
                own_record_route(p, &e, OWN_EMERGENCY, protected_caller(from), &rq->flow, true);
        }
        send_on(rq, &e, &fw);
        sip_edit_free(&e);
}
