/* SPDX-License-Identifier: BSD-3-Clause
 * Requests of a UE other than REGISTER: only over a flow that is registered, with the identity that is
 * registered there, along the Service-Route. TS 24.229 5.2.6.3, PKT-TR-SEC 6.1. */
#include "common/sip/grammar.h"
#include "pcscf/digest.h"
#include "pcscf/pcscf.h"
#include "pcscf/tls_gm.h"

#define CLAUSE     "TS 24.229 5.2.6.3"
#define WALK_LIMIT 64 /* bindings of one flow that are searched for an identity */
#define PREFERRED  2  /* values of P-Preferred-Identity: a sip and a tel URI (RFC 3325 9.2) */

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

bool ue_has_identity(const struct ue_flow *flow, struct span impu)
{
        list_for_each(pos, &flow->bindings)
        {
                const struct binding *b = container_of(pos, const struct binding, in_flow);

                for (struct span one = SPAN_NULL; binding_next_impu(b, &one);)
                        if (same_identity(impu, one))
                                return true;
        }
        return false;
}

/* P-Preferred-Identity when it is registered by this UE; else the default identity of the latest registration
 * (TS 24.229 5.2.6.3, TS 33.203 Q.2). Where nothing but a flow, which several registrations may share, tells
 * the UE, the identity of From chooses among them. */
static struct binding *choose_identity(struct pcscf *p, const struct ue_flow *flow, const struct sip_msg *m,
                                       struct span *out_impu)
{
        struct sip_value_iter it = {0};
        struct span v, default_impu = SPAN_NULL;
        struct binding *b;

        for (int i = 0; i < PREFERRED && sip_msg_next_value(m, SIP_HDR_P_PREFERRED_IDENTITY, &it, &v); i++)
                if ((b = find_identity(p, flow, sip_addr_spec(v), out_impu)) != NULL)
                        return b;
        if (it.hdr)
                log_info("P-Preferred-Identity is not registered by this UE: the default identity stands");
        if (flow->assoc.kind == ASSOC_NONE && flow->bindings.next != flow->bindings.prev) {
                b = find_identity(p, flow, sip_addr_spec(sip_msg_hdr(m, SIP_HDR_FROM, 0)->value), out_impu);
                if (b)
                        return b;
        }
        b = ue_latest(flow);
        (void)binding_next_impu(b, &default_impu);
        *out_impu = default_impu;
        return b;
}

/* The flow to which a new connection belongs. Its address tells (TS 33.203 N.2.1.2), as long as one UE alone
 * is there and its contact stands there too. Either its old connection is gone, or it registered over UDP and
 * this request is too long for that (RFC 3261 18.1.1). */
static struct ue_flow *by_address(struct pcscf *p, const struct sip_flow *now)
{
        struct ue_flow *f = now->transport == TRANSPORT_TCP ? regstore_only_at(p->store, &now->remote) : NULL;
        struct addr contact;

        if (!f || !binding_contact_addr(ue_latest(f), &contact))
                return NULL;
        if (f->flow.transport == TRANSPORT_UDP)
                return f;
        if (sip_flow_alive(p->stack, &f->flow) || regstore_move(p->store, f, now))
                return NULL;
        log_debug("the UE is back over another connection");
        return f;
}

/* --- edits ---------------------------------------------------------------------------------------- */

void ue_remove_untrusted(const struct pcscf *p, struct sip_edit *e)
{
        static const enum sip_hdr_id ids[] = {
                SIP_HDR_P_ASSERTED_IDENTITY,
                SIP_HDR_P_PREFERRED_IDENTITY,
                SIP_HDR_P_CHARGING_VECTOR,
                SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES,
                SIP_HDR_P_ASSOCIATED_URI,
                SIP_HDR_P_VISITED_NETWORK_ID,
                SIP_HDR_P_CALLED_PARTY_ID,
                SIP_HDR_SERVICE_ROUTE,
                SIP_HDR_PATH,
                SIP_HDR_SECURITY_CLIENT,
                SIP_HDR_SECURITY_VERIFY,
        };
        const struct sip_hdr *h;

        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
                sip_edit_remove_all(e, ids[i]);
        for (size_t i = 0; (h = sip_msg_hdr_named(e->msg, SPAN("P-Served-User"), i)) != NULL; i++)
                sip_edit_remove(e, h); /* RFC 5502 6 */
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

/* URI of the first of several route values. */
static struct span first_of(struct span routes)
{
        ptrdiff_t comma = span_chr(routes, ',', 0);

        return sip_addr_spec(comma < 0 ? routes : span_sub(routes, 0, (size_t)comma));
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
        return first_of(route);
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

static void edit_answer(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        (void)rq;
        (void)resp;
        (void)arg;
        reg_edit_answer(e);
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
                .target = {.uri = next}, .edit = edit_answer, .on_failure = on_failure, .arg = p};

        if (rq->msg->method == SIP_ACK)
                sip_forward_stateless(rq, e, &fw.target);
        else
                sip_forward(rq, e, &fw);
}

/* host[:port] of the first route value, or of a URI. */
static struct span host_of(struct span uri)
{
        ptrdiff_t from = span_chr(uri, '@', 0), end;

        if (from < 0)
                from = span_chr(uri, ':', 0);
        uri = span_sub(uri, (size_t)(from + 1), uri.n);
        end = span_chr(uri, ';', 0);
        return end < 0 ? uri : span_sub(uri, 0, (size_t)end);
}

/* Within a dialog of this UE, with the S-CSCF of its Service-Route as the next hop: the UE keeps the route
 * set. Without this a UE could send from our address wherever it likes (5.2.6.3.5). */
static bool keeps_route_set(const struct pcscf *p, const struct own_route *own, const struct ue_flow *flow,
                            struct span next)
{
        const struct binding *b = own->kind == OWN_DIALOG ? regstore_by_id(p->store, own->id) : NULL;
        struct span first;

        if (!b || b->where != flow || !next.n)
                return false;
        first = first_of(binding_service_route(b));
        return !first.n || span_ieq(host_of(sip_addr_spec(next)), host_of(first));
}

static void registered_request(struct pcscf *p, struct sip_request *rq, const struct ue_flow *flow)
{
        bool initial = rq->msg->to_tag.n == 0;
        struct span impu, next = SPAN_NULL;
        struct binding *b = choose_identity(p, flow, rq->msg, &impu);
        struct log_ctx before = log_ctx_set((struct log_ctx){
                .call_id = rq->msg->call_id, .impi = binding_impi(b), .impu = binding_aor(b)});
        struct own_route own = {.kind = OWN_NONE};
        struct sip_edit e;

        sip_edit_init(&e, rq->msg);
        ue_remove_untrusted(p, &e);
        if (!initial)
                own = own_route_pop(p, &e, &next);
        if (keeps_route_set(p, &own, flow, next))
                next = sip_addr_spec(next);
        else
                next = set_service_route(p, &e, b);
        if (initial)
                begin(p, &e, b, impu);
        send_on(p, rq, &e, next);
        sip_edit_free(&e);
        (void)log_ctx_set(before);
}

struct ue_flow *pcscf_flow_of(const struct pcscf *p, const struct sip_flow *flow)
{
        struct ue_flow *f;

        if (flow->transport == TRANSPORT_TLS)
                return tls_ue_of(p, flow);
        f = digest_ue_of(p, flow, true);
        return f ? f : regstore_flow(p->store, flow);
}

struct ue_flow *pcscf_ue_of(const struct pcscf *p, const struct sip_flow *flow)
{
        const struct sa_set *s = ipsec_set_of(p, flow);
        struct ue_flow *f;

        if (s)
                return regstore_assoc(p->store, (struct assoc){ASSOC_IPSEC, s->assoc->id});
        f = pcscf_flow_of(p, flow);
        return f || flow->transport == TRANSPORT_TLS ? f : digest_ue_of(p, flow, false);
}

/* True when the request came over SAs that carry nothing new any more; it was discarded then. */
static bool on_left_sa(struct pcscf *p, struct sip_request *rq)
{
        struct sa_set *s = ipsec_set_of(p, &rq->flow);
        struct refusal r = {.procedure = VERDICT_REQUEST,
                            .cause = CAUSE_wrong_sa,
                            .clause = "TS 33.203 7.4.2a",
                            .evidence = "these SAs were replaced or have ended"};

        if (!s)
                return false;
        if (s->state != SA_SET_LEAVING || rq->msg->method == SIP_ACK) {
                sa_heard(s);
                return false;
        }
        r.impi = sa_assoc_impi(s->assoc);
        pcscf_verdict(p, rq, &r);
        sip_request_discard(rq);
        return true;
}

void pcscf_from_ue(struct pcscf *p, struct sip_request *rq)
{
        const struct ue_flow *flow;

        if (on_left_sa(p, rq))
                return;
        flow = pcscf_ue_of(p, &rq->flow);
        if (!flow && !ipsec_set_of(p, &rq->flow))
                flow = by_address(p, &rq->flow);
        if (emergency_is(p, rq->msg)) {
                emergency_request(p, rq, flow);
                return;
        }
        if (!flow && rq->flow.transport == TRANSPORT_TLS) {
                tls_refuse_stranger(p, rq);
                return;
        }
        if (!flow) {
                char from[ADDR_STR];
                struct refusal r = {.procedure = VERDICT_REQUEST,
                                    .cause = CAUSE_not_registered,
                                    .status = 403,
                                    .clause = CLAUSE,
                                    .evidence = addr_str(&rq->flow.remote, from)};

                if (tls_is_at(p, &rq->flow.remote)) {
                        r.cause = CAUSE_outside_tls;
                        r.clause = "TS 33.203 O.2.2, O.2.3";
                }
                pcscf_refuse(p, rq, &r);
                return;
        }
        if (!pcscf_refuse_extension(p, rq, VERDICT_REQUEST))
                registered_request(p, rq, flow);
}
