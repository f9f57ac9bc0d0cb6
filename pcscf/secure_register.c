/* SPDX-License-Identifier: BSD-3-Clause
 * A REGISTER under IPsec: over which SA it came, whether it may, and what it offers. TS 33.203 7.1, 7.2, 7.3,
 * 7.4.2a, M.7.2; RFC 3329 2.3.1. */
#include "pcscf/digest.h"
#include "pcscf/pcscf.h"
#include "pcscf/tls_gm.h"

#include <stdio.h>

#include "common/base/log.h"

/* --- refusals -------------------------------------------------------------------------------------- */

static void discard(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                    enum verdict_cause cause, const char *clause, const char *evidence)
{
        const struct refusal r = {.cause = cause, .clause = clause, .evidence = evidence};

        register_verdict(p, rq, f, &r);
        sip_request_discard(rq);
}

void secure_server(const struct pcscf *p, const struct sip_request *rq, struct buf *out)
{
        bool clear = sip_port_of(p->stack, &rq->flow.local) == SIP_PORT_OPEN;
        bool tls = clear && tls_security_server(p, &rq->flow).n;

        if (tls && p->conf->prefer == PREFER_TLS)
                buf_puts(out, "tls;q=1.0, ");
        agreement_security_server(&p->ipsec->policy, out);
        if (tls && p->conf->prefer != PREFER_TLS)
                buf_puts(out, ", tls;q=0.01"); /* below each suite */
}

static void refuse_fault(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                         const struct agreement_fault *fault)
{
        struct refusal r = register_refusal_of(fault);
        struct buf server = BUF_INIT;

        if (fault->status == 494) {
                secure_server(p, rq, &server);
                r.field = (struct sip_field){SIP_HDR_SECURITY_SERVER, buf_as_span(&server)};
        } else if (fault->status == 421) {
                r.field = (struct sip_field){SIP_HDR_REQUIRE, SPAN("sec-agree")};
        }
        register_refuse(p, rq, f, r);
        buf_free(&server);
}

static void refuse_memory(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        register_refuse(p, rq, f, (struct refusal){.cause = CAUSE_internal_error, .status = 500});
}

/* --- what it offers ------------------------------------------------------------------------------- */

struct sa_who secure_who(const struct reg_facts *f, const struct addr *ue)
{
        return (struct sa_who){.ue = *ue,
                               .impi = register_identity(f),
                               .instance = f->instance,
                               .reg_id = f->reg_id,
                               .sos = f->sos};
}

bool secure_rule_3(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                   const struct agreement *a, enum sa_refusal why)
{
        char evidence[96], ip[ADDR_STR];
        struct refusal r = {.status = 400, .clause = "TS 33.203 7.1 rule 3", .evidence = evidence};

        if (why == SA_MAY)
                return true;
        (void)addr_ip_str(&rq->flow.remote, false, ip);
        r.cause = why == SA_TOO_MANY ? CAUSE_too_many_sas : CAUSE_protected_port_taken;
        if (why == SA_TOO_MANY) {
                r.status = 403;
                r.reason = "Too Many Security Associations";
                (void)snprintf(evidence, sizeof(evidence), "six per direction for this IMPI");
        } else if (why == SA_PORT_US_CHANGED) {
                r.clause = "TS 33.203 7.4.0";
                r.cause = CAUSE_security_client_differs;
                r.reason = "Protected Server Port Changed";
                (void)snprintf(evidence, sizeof(evidence), "port-s %u is not that of the SAs it came over",
                               a->ends.port_s);
        } else {
                r.reason = "Protected Port In Use";
                (void)snprintf(evidence, sizeof(evidence), "%s with port-c %u, port-s %u", ip, a->ends.port_c,
                               a->ends.port_s);
        }
        register_refuse(p, rq, f, r);
        return false;
}

/* As much of it as a verdict shows. */
static struct span via_host(const struct sip_msg *m)
{
        return span_sub(m->via.host, 0, m->via.host.n < 60 ? m->via.host.n : 60);
}

/* A UE behind a translator that ESP cannot pass: silence (M.7.2), unless configured otherwise. */
static void refuse_nat(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, bool offered)
{
        char evidence[200], from[ADDR_STR];
        struct refusal r = {.cause = CAUSE_nat_not_supported,
                            .status = 400,
                            .reason = "NAT Traversal Not Supported",
                            .clause = "TS 33.203 M.7.2, M.7.3.2.4",
                            .evidence = evidence};

        (void)snprintf(evidence, sizeof(evidence), "Via says " SPAN_FMT ", the packet came from %s; %s",
                       SPAN_ARG(via_host(rq->msg)), addr_str(&rq->flow.remote, from),
                       offered ? "security.nat is off" : "mod=UDP-enc-tun is not offered");
        if (p->conf->security.nat_refusal == NAT_REFUSAL_ERROR)
                register_refuse(p, rq, f, r);
        else
                discard(p, rq, f, r.cause, r.clause, r.evidence);
}

/* What has to be offered for a REGISTER in clear: a translator takes UDP encapsulation. */
static enum sec_mode mode_of(enum via_source via)
{
        return via == VIA_SAME ? SEC_MODE_TRANS : SEC_MODE_UDP_ENC_TUN;
}

static bool mode_possible(const struct pcscf *p, const struct reg_facts *f, enum sec_mode mode)
{
        return mode == SEC_MODE_TRANS || (p->conf->security.nat && f->offers_udp_enc_tun);
}

bool secure_common(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                   enum via_source via)
{
        enum sec_mode mode = mode_of(via);

        return mode_possible(p, f, mode) && agreement_acceptable(rq->msg, &p->ipsec->policy, mode);
}

/* The mode this way demands; false: refused. */
static bool choose_mode(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                        enum via_source via, const struct sa_set *set, enum sec_mode *out)
{
        if (set) { /* new SAs keep the mode of the old (M.7.4.2a) */
                *out = set->params.mode;
                return true;
        }
        *out = mode_of(via);
        if (mode_possible(p, f, *out))
                return true;
        refuse_nat(p, rq, f, f->offers_udp_enc_tun);
        return false;
}

/* An emergency registration, and each flow of RFC 5626, has SAs of its own (6.1.0): those of another do not
 * become its old ones. */
static bool is_of(const struct sa_set *s, const struct sa_who *who)
{
        return s && s->assoc->sos == who->sos && s->assoc->reg_id == who->reg_id;
}

static bool take_offer(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                       enum via_source via, struct secure_entry *out)
{
        struct sa_who who = secure_who(f, &rq->flow.remote);
        const struct sa_set *old = is_of(out->set, &who) ? out->set : NULL;
        struct agreement_fault fault;
        struct agreement *a = NULL;
        enum sec_mode mode;
        int err;

        if (!choose_mode(p, rq, f, via, out->set, &mode))
                return false;
        err = agreement_new(rq->msg, &p->ipsec->policy, mode, &a, &fault);
        if (err == 1)
                refuse_fault(p, rq, f, &fault);
        else if (err)
                refuse_memory(p, rq, f);
        if (err)
                return false;
        if (!secure_rule_3(p, rq, f, a, sa_may_open(p->ipsec->table, &who, &a->ends, mode, old))) {
                agreement_free(a);
                return false;
        }
        a->ue = rq->flow.remote;
        a->pcscf = rq->flow.local;
        a->sm1 = rq->flow;
        a->old_assoc = old ? old->assoc->id : 0;
        out->agreement = a;
        return true;
}

bool secure_instead_of_tls(struct pcscf *p, struct sip_request *rq, struct pending *pe)
{
        const enum via_source via = pe->translated ? VIA_OTHER : VIA_SAME;
        struct secure_entry entry = {0};
        struct reg_facts f;
        const char *why;
        bool taken = true;

        agreement_free(pe->agreement);
        pe->agreement = NULL;
        if (!p->ipsec || !pe->offers_ipsec)
                return true;
        if (reg_facts_read(rq->msg, &f, &why)) { /* it was read before */
                refuse_memory(p, rq, &f);
                taken = false;
        } else if (secure_common(p, rq, &f, via)) {
                taken = take_offer(p, rq, &f, via, &entry);
        }
        reg_facts_free(&f);
        if (taken)
                secure_attach(pe, &entry);
        else
                pending_remove(pe);
        return taken;
}

/* In clear and without an offer: served only where policy lets it. */
static bool without_offer(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        bool knows = f->wants_sec_agree || f->supports_sec_agree;
        struct agreement_fault fault = {.status = 421,
                                        .cause = CAUSE_extension_required,
                                        .clause = "RFC 3329 2.3.1",
                                        .evidence = "no Security-Client with ipsec-3gpp"};

        if (p->conf->security.ipsec == IPSEC_OFFERED || digest_served(p, &rq->flow))
                return true; /* of a UE that turns out to have IMS AKA the challenge is not let through */
        if (f->has_security_client || (knows && p->conf->security.without_offer == WITHOUT_OFFER_494)) {
                fault.status = 494;
                fault.cause = CAUSE_security_unacceptable;
        }
        refuse_fault(p, rq, f, &fault);
        return false;
}

/* --- over which SA it came ------------------------------------------------------------------------ */

/* The registration under way that this REGISTER belongs to, when its challenge is out. */
static struct pending *challenged(const struct pcscf *p, const struct sip_request *rq,
                                  const struct reg_facts *f)
{
        struct pending *pe = pending_find(p->pending, rq->msg->call_id, register_identity(f));

        return pe && pe->agreement && pe->agreement->set ? pe : NULL;
}

/* The answer to the challenge, over the new SAs. */
static bool answer_on_new(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                          struct secure_entry *out)
{
        struct pending *pe = challenged(p, rq, f);
        struct agreement_fault fault;
        int err;

        if (!pe || pe->agreement->set != out->set->serial || !f->has_response || f->has_auts) {
                discard(p, rq, f, CAUSE_wrong_sa, "TS 33.203 7.4.2a",
                        "new SAs carry nothing but the answer to their challenge");
                return false;
        }
        err = agreement_check(pe->agreement, rq->msg, &fault);
        if (err) {
                secure_failed(p, rq, pe); /* chooses the way of the refusal; the SAs stay until it has left */
                if (err == 1)
                        refuse_fault(p, rq, f, &fault);
                else
                        refuse_memory(p, rq, f);
                pending_remove(pe);
                return false;
        }
        sa_answered(out->set);
        out->answer = true;
        return true;
}

/* A report of a failure (7.3.1.2, 7.3.1.3) ends the new SAs; the answer itself has to come over them. A phone
 * that never saw the challenge begins again with the nonce it had before. */
static bool not_on_new(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        struct pending *pe = challenged(p, rq, f);
        struct sa_set *s;

        if (!pe)
                return true;
        if (f->has_response && !f->has_auts && hash_span(f->nonce) == pe->agreement->nonce) {
                discard(p, rq, f, CAUSE_wrong_sa, "TS 33.203 7.4.2a",
                        "the answer to the challenge did not come over the new SAs");
                return false;
        }
        s = sa_by_serial(p->ipsec->table, pe->agreement->assoc, pe->agreement->set);
        pe->agreement->set = 0;
        if (s)
                sa_remove_set(s);
        return true;
}

static bool via_differs(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                        enum via_source via)
{
        char evidence[200], from[ADDR_STR];
        struct refusal r = {.cause = CAUSE_via_differs,
                            .status = 403,
                            .clause = "TS 33.203 7.1 rule 2",
                            .evidence = evidence};

        if (via == VIA_SAME)
                return false;
        (void)snprintf(evidence, sizeof(evidence), "Via says " SPAN_FMT "%s, the packet came from %s",
                       SPAN_ARG(via_host(rq->msg)), via == VIA_UNKNOWN ? ", which leads nowhere" : "",
                       addr_str(&rq->flow.remote, from));
        register_refuse(p, rq, f, r);
        return true;
}

/* Without Authorization the IMPU tells, which must be one of those that are registered over the SA. */
static bool other_user(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                       const struct sa_set *set)
{
        const struct ue_flow *flow = regstore_assoc(p->store, (struct assoc){ASSOC_IPSEC, set->assoc->id});

        if (span_eq(register_identity(f), sa_assoc_impi(set->assoc)) ||
            (!f->has_authorization && flow && ue_has_identity(flow, buf_as_span(&f->aor))))
                return false;
        register_refuse(p, rq, f,
                        (struct refusal){.cause = CAUSE_identity_not_allowed,
                                         .status = 403,
                                         .clause = "TS 33.203 7.1 rule 4",
                                         .evidence = "the SA belongs to another IMPI"});
        return true;
}

static bool over_sa(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via,
                    struct secure_entry *out)
{
        if (out->set->state == SA_SET_LEAVING) {
                discard(p, rq, f, CAUSE_wrong_sa, "TS 33.203 7.4.2a",
                        "these SAs were replaced or have ended");
                return false;
        }
        if (via_differs(p, rq, f, via))
                return false;
        if (out->set->state == SA_SET_REGISTRATION)
                return answer_on_new(p, rq, f, out);
        if (other_user(p, rq, f, out->set) || !not_on_new(p, rq, f))
                return false;
        sa_heard(out->set);
        return !f->offers_ipsec || take_offer(p, rq, f, via, out);
}

bool secure_register(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via,
                     struct secure_entry *out)
{
        *out = (struct secure_entry){.set = ipsec_set_of(p, &rq->flow)};
        if (out->set)
                return over_sa(p, rq, f, via, out);
        if (sip_port_of(p->stack, &rq->flow.local) != SIP_PORT_OPEN) { /* gone while Via was looked up */
                discard(p, rq, f, CAUSE_wrong_sa, "TS 33.203 7.1 rule 4",
                        "the SAs it came over have ended meanwhile");
                return false;
        }
        if (via != VIA_SAME) /* TS 24.229 Annex F: to where it came from, refusals too */
                sip_request_answer_on(rq, &rq->flow);
        if (!not_on_new(p, rq, f))
                return false;
        return f->offers_ipsec ? take_offer(p, rq, f, via, out) : without_offer(p, rq, f);
}

void secure_attach(struct pending *pe, struct secure_entry *entry)
{
        if (entry->answer)
                return;
        agreement_free(pe->agreement);
        pe->agreement = entry->agreement;
        entry->agreement = NULL;
}
