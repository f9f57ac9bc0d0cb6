/* SPDX-License-Identifier: BSD-3-Clause
 * Requests of a UE other than REGISTER: only over a flow that is registered, with the identity that is
 * registered there, along the Service-Route. TS 24.229 5.2.6.3, PKT-TR-SEC 6.1. */
#include "common/sip/grammar.h"
#include "pcscf/pcscf.h"

#define CLAUSE     "TS 24.229 5.2.6.3"
#define WALK_LIMIT 64 /* bindings of one flow that are searched for an identity */

/* --- whose request it is --------------------------------------------------------------------------- */

static bool same_identity(struct span canonical, struct span uri)
{
        struct buf b = BUF_INIT;
        bool same = sip_uri_canonical(uri, &b) == 0 && span_eq(canonical, buf_as_span(&b));

        buf_free(&b);
        return same;
}

/* The registered identity that equals uri, with the binding it belongs to. */
static struct binding *find_identity(struct pcscf *p, const struct ue_flow *flow, struct span uri,
                                     struct span *out_impu)
{
        struct buf canonical = BUF_INIT;
        struct binding *found = NULL, *b = NULL;
        size_t walked = 0;

        if (sip_uri_canonical(uri, &canonical))
                goto out;
        while (!found && (b = regstore_next_by_aor(p->store, buf_as_span(&canonical), b)) != NULL)
                for (*out_impu = SPAN_NULL; b->where == flow && !found && binding_next_impu(b, out_impu);)
                        found = same_identity(buf_as_span(&canonical), *out_impu) ? b : NULL;
        list_for_each(pos, &flow->bindings)
        {
                b = container_of(pos, struct binding, in_flow);
                if (found || walked++ == WALK_LIMIT)
                        break;
                for (*out_impu = SPAN_NULL; !found && binding_next_impu(b, out_impu);)
                        found = same_identity(buf_as_span(&canonical), *out_impu) ? b : NULL;
        }
out:
        buf_free(&canonical);
        return found;
}

/* P-Preferred-Identity when it is registered over this flow; else, on a flow that several registrations
 * share, the identity of From; else the default identity of the latest registration. */
static struct binding *choose_identity(struct pcscf *p, const struct ue_flow *flow, const struct sip_msg *m,
                                       struct span *out_impu)
{
        struct sip_value_iter it = {0};
        struct span v, default_impu = SPAN_NULL;
        struct binding *b;

        while (sip_msg_next_value(m, SIP_HDR_P_PREFERRED_IDENTITY, &it, &v))
                if ((b = find_identity(p, flow, sip_addr_spec(v), out_impu)) != NULL)
                        return b;
        if (it.hdr)
                log_info("P-Preferred-Identity is not registered by this UE: the default identity stands");
        if (flow->bindings.next != flow->bindings.prev) {
                b = find_identity(p, flow, sip_addr_spec(sip_msg_hdr(m, SIP_HDR_FROM, 0)->value), out_impu);
                if (b)
                        return b;
        }
        b = container_of(flow->bindings.prev, struct binding, in_flow);
        (void)binding_next_impu(b, &default_impu);
        *out_impu = default_impu;
        return b;
}

/* --- edits ---------------------------------------------------------------------------------------- */

static void remove_untrusted(struct pcscf *p, struct sip_edit *e)
{
        static const enum sip_hdr_id ids[] = {
                SIP_HDR_P_ASSERTED_IDENTITY, SIP_HDR_P_PREFERRED_IDENTITY,
                SIP_HDR_P_CHARGING_VECTOR,   SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES,
                SIP_HDR_P_ASSOCIATED_URI,    SIP_HDR_P_VISITED_NETWORK_ID,
                SIP_HDR_SECURITY_CLIENT,     SIP_HDR_SECURITY_VERIFY,
        };

        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
                sip_edit_remove_all(e, ids[i]);
        sip_edit_remove_token(e, SIP_HDR_REQUIRE, SPAN("sec-agree"));
        sip_edit_remove_token(e, SIP_HDR_PROXY_REQUIRE, SPAN("sec-agree"));
        pani_strip(e, p->conf->pani_aware);
}

static void assert_identity(struct sip_edit *e, struct span impu)
{
        struct buf b = BUF_INIT;

        buf_char(&b, '<');
        buf_span(&b, impu);
        buf_char(&b, '>');
        if (b.err && !e->err)
                e->err = b.err;
        sip_edit_append(e, SIP_HDR_P_ASSERTED_IDENTITY, buf_as_span(&b));
        buf_free(&b);
}

/* The Service-Route takes the place of whatever Route the UE wrote (5.2.6.3.2A). Returns the next hop. */
static struct span set_service_route(struct pcscf *p, struct sip_edit *e, const struct binding *b)
{
        struct span route = binding_service_route(b);

        if (!route.n) {
                sip_edit_remove_all(e, SIP_HDR_ROUTE);
                return p->conf->icscf ? span_of(p->conf->icscf) : e->msg->ruri;
        }
        sip_edit_set(e, SIP_HDR_ROUTE, route);
        return sip_addr_spec(span_sub(
                route, 0,
                (size_t)(span_chr(route, ',', 0) < 0 ? (ptrdiff_t)route.n : span_chr(route, ',', 0))));
}

static void begin(struct pcscf *p, struct sip_edit *e, const struct binding *b, struct span impu)
{
        struct buf charging = BUF_INIT;

        assert_identity(e, impu);
        charging_vector(p, &charging);
        if (charging.err && !e->err)
                e->err = charging.err;
        sip_edit_set(e, SIP_HDR_P_CHARGING_VECTOR, buf_as_span(&charging));
        buf_free(&charging);
        if (begins_dialog(e->msg))
                own_record_route(p, e, OWN_DIALOG, b->id, &b->where->flow, true);
}

/* --- requests and answers -------------------------------------------------------------------------- */

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        (void)rq;
        (void)resp;
        (void)arg;
        reg_edit_answer(e);
        return true;
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct refusal r = {.procedure = VERDICT_REQUEST,
                            .cause = CAUSE_next_hop_unreachable,
                            .status = err == -IMS_ETIMEOUT ? 504 : 503,
                            .clause = CLAUSE,
                            .evidence = ims_strerror(err)};

        pcscf_verdict(arg, rq, &r);
        return true;
}

static void send_on(struct pcscf *p, struct sip_request *rq, struct sip_edit *e, struct span next)
{
        struct sip_forward fw = {
                .target = {.uri = next}, .on_response = on_response, .on_failure = on_failure, .arg = p};

        if (rq->msg->method == SIP_ACK)
                sip_forward_stateless(rq, e, &fw.target);
        else
                sip_forward(rq, e, &fw);
}

static bool is_on_flow(const struct pcscf *p, uint32_t id, const struct ue_flow *flow)
{
        const struct binding *b = regstore_by_id(p->store, id);

        return b && b->where == flow;
}

static void registered_request(struct pcscf *p, struct sip_request *rq, const struct ue_flow *flow)
{
        bool initial = rq->msg->to_tag.n == 0;
        struct span impu, next;
        struct binding *b = choose_identity(p, flow, rq->msg, &impu);
        struct log_ctx before = log_ctx_set((struct log_ctx){
                .call_id = rq->msg->call_id, .impi = binding_impi(b), .impu = binding_aor(b)});
        struct own_route own = {.kind = OWN_NONE};
        struct sip_edit e;

        sip_edit_init(&e, rq->msg);
        remove_untrusted(p, &e);
        if (!initial)
                own = own_route_pop(p, &e, &next);
        if (own.kind != OWN_DIALOG ||
            !is_on_flow(p, own.id,
                        flow)) /* the beginning of a dialog, or a UE that does not keep its route set */
                next = set_service_route(p, &e, b);
        else
                next = next.n ? sip_addr_spec(next) : rq->msg->ruri;
        if (initial)
                begin(p, &e, b, impu);
        send_on(p, rq, &e, next);
        sip_edit_free(&e);
        (void)log_ctx_set(before);
}

void pcscf_from_ue(struct pcscf *p, struct sip_request *rq)
{
        const struct ue_flow *flow = regstore_flow(p->store, &rq->flow);

        if (emergency_is(p, rq->msg)) {
                emergency_request(p, rq, flow);
                return;
        }
        if (!flow) {
                char from[ADDR_STR];
                struct refusal r = {.procedure = VERDICT_REQUEST,
                                    .cause = CAUSE_not_registered,
                                    .status = 403,
                                    .clause = CLAUSE,
                                    .evidence = addr_str(&rq->flow.remote, from)};

                pcscf_refuse(p, rq, &r);
                return;
        }
        if (!pcscf_refuse_extension(p, rq, VERDICT_REQUEST))
                registered_request(p, rq, flow);
}
