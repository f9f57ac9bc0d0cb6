/* SPDX-License-Identifier: BSD-3-Clause
 * Where SIP Digest is served: the access network and the transport decide. TS 33.203 N.1, O.1.1, P.3, Q.3;
 * PKT-TR-SEC 5.3.2.5, 6.1.3.2. */
#include "pcscf/digest.h"
#include "pcscf/pcscf.h"
#include "pcscf/tls_gm.h"

void digest_warn(const struct pcscf_conf *c)
{
        if (c->digest_without_tls != DIGEST_ACCEPT)
                return;
        log_warn("digest.without_tls: accept: SIP Digest passes in clear, and what follows a registration is "
                 "told by its source address");
        if (!c->digest_no_spoofing)
                log_warn(
                        "digest.no_spoofing: not declared: a UE that can forge addresses can send as another "
                        "(TS 33.203 Q.3)");
}

static bool on_3gpp(const struct pcscf *p, const struct sip_flow *flow)
{
        return access_of(p->access, &flow->remote).type == ACCESS_3GPP;
}

bool digest_served(const struct pcscf *p, const struct sip_flow *flow)
{
        return !on_3gpp(p, flow) &&
               (flow->transport == TRANSPORT_TLS || p->conf->digest_without_tls == DIGEST_ACCEPT);
}

/* A UE that can have TLS by sec-agree is told so (RFC 3329 2.3.1). */
static struct refusal refusal(const struct pcscf *p, const struct sip_request *rq, const char *evidence)
{
        bool clear = sip_port_of(p->stack, &rq->flow.local) == SIP_PORT_OPEN;
        struct span server = tls_security_server(p, &rq->flow);
        struct refusal r = {.cause = CAUSE_digest_without_tls,
                            .status = 403,
                            .reason = "TLS Required",
                            .clause = "PKT-TR-SEC 5.3.2.5",
                            .evidence = evidence};

        if (on_3gpp(p, &rq->flow)) {
                r.cause = CAUSE_digest_on_3gpp;
                r.clause = "TS 33.203 N.1";
        } else if (!server.n) {
                return r;
        }
        r.reason = NULL;
        if (!clear) /* over SAs there is nothing to agree on */
                return r;
        r.status = 421;
        r.field = (struct sip_field){SIP_HDR_REQUIRE, SPAN("sec-agree")};
        if (server.n && sip_msg_hdr(rq->msg, SIP_HDR_SECURITY_CLIENT, 0)) {
                r.status = 494;
                r.field = (struct sip_field){SIP_HDR_SECURITY_SERVER, server};
        }
        return r;
}

static bool discards(const struct pcscf *p, const struct sip_request *rq)
{
        return p->conf->digest_on_3gpp == DIGEST_3GPP_DISCARD && on_3gpp(p, &rq->flow);
}

/* Credentials that IMS AKA would not give: another algorithm, or the answer to a challenge without any. What
 * comes over security associations has its own rules, and a phone that leaves the algorithm out in its answer
 * to a challenge of IMS AKA is no other UE for that. */
static bool shows_digest(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f)
{
        const struct pending *pe;

        if (!f->has_authorization || f->aka || ipsec_set_of(p, &rq->flow))
                return false;
        if (f->algorithm || !f->has_response)
                return f->algorithm;
        pe = pending_find(p->pending, rq->msg->call_id, register_identity(f));
        return !pe || pe->scheme != REG_SCHEME_AKA;
}

/* The word in Supported alone manages no flow; only with it the rest is read. */
static bool manages_flow(const struct sip_msg *m)
{
        struct reg_facts f;
        const char *why;
        bool outbound;

        if (!sip_msg_has_token(m, SIP_HDR_SUPPORTED, SPAN("outbound")))
                return false;
        outbound = reg_facts_read(m, &f, &why) == 0 && f.outbound;
        reg_facts_free(&f);
        return outbound;
}

bool digest_compares_via(const struct pcscf *p, const struct sip_request *rq)
{
        return p->conf->digest_without_outbound == WITHOUT_OUTBOUND_NO_NAT &&
               rq->flow.transport != TRANSPORT_TLS && digest_served(p, &rq->flow) && !manages_flow(rq->msg);
}

/* Who manages no flow has to be seen without a translator: its address alone tells who it is. */
static bool lacks_outbound(const struct pcscf *p, const struct sip_request *rq, bool outbound,
                           bool translated)
{
        if (outbound || rq->flow.transport == TRANSPORT_TLS ||
            p->conf->digest_without_outbound == WITHOUT_OUTBOUND_ACCEPT)
                return false;
        return translated || p->conf->digest_without_outbound == WITHOUT_OUTBOUND_REFUSE;
}

static struct refusal no_outbound(void)
{
        return (struct refusal){.cause = CAUSE_outbound_required,
                                .status = 421,
                                .clause = "TS 33.203 N.2.1.1",
                                .evidence = "the UE does not manage its flow by outbound (RFC 5626)",
                                .field = {SIP_HDR_REQUIRE, SPAN("outbound")}};
}

bool digest_register(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via)
{
        struct refusal r;

        if (!shows_digest(p, rq, f))
                return true;
        if (digest_served(p, &rq->flow)) {
                if (!lacks_outbound(p, rq, f->outbound, via != VIA_SAME))
                        return true;
                register_refuse(p, rq, f, no_outbound());
                return false;
        }
        r = refusal(p, rq, "credentials of SIP Digest");
        if (discards(p, rq)) {
                r.status = 0;
                register_verdict(p, rq, f, &r);
                sip_request_discard(rq);
        } else {
                register_refuse(p, rq, f, r);
        }
        return false;
}

bool digest_challenge(struct pcscf *p, struct sip_request *rq, struct pending *pe, enum reg_scheme scheme)
{
        if (pe) {
                pe->scheme = scheme;
                pe->answered = false;
        }
        if (scheme != REG_SCHEME_DIGEST || (pe && pe->agreement && pe->agreement->tls))
                return true;
        if (!digest_served(p, &rq->flow))
                register_refuse_again(
                        p, rq, refusal(p, rq, "the home network challenges this user with SIP Digest"));
        else if (pe && lacks_outbound(p, rq, pe->outbound, pe->translated))
                register_refuse_again(p, rq, no_outbound());
        else
                return true;
        pending_remove(pe);
        return false;
}
