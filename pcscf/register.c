/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER: from the UE to the home network and its answers back. TS 24.229 5.2.2, TS 33.203 6.1.1. */
#include "pcscf/digest.h"
#include "pcscf/pcscf.h"
#include "pcscf/tls_gm.h"

#define CLAUSE "TS 24.229 5.2.2.1"

struct span register_identity(const struct reg_facts *f)
{
        return f->impi.n ? f->impi : buf_as_span(&f->aor);
}

static enum verdict_procedure procedure(const struct reg_facts *f)
{
        return f->expires_s == 0 ? VERDICT_DEREGISTRATION : VERDICT_REGISTRATION;
}

static struct refusal with_identities(const struct reg_facts *f, struct refusal r)
{
        r.procedure = procedure(f);
        r.impi = f->impi;
        r.impu = buf_as_span(&f->aor);
        if (!r.clause)
                r.clause = CLAUSE;
        return r;
}

void register_refuse(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct refusal r)
{
        r = with_identities(f, r);
        pcscf_refuse(p, rq, &r);
}

void register_verdict(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                      const struct refusal *given)
{
        struct refusal r = with_identities(f, *given);

        pcscf_verdict(p, rq, &r);
}

/* --- the request ---------------------------------------------------------------------------------- */

static struct binding *registered(const struct pcscf *p, const struct reg_facts *f)
{
        return f->contact.n ? regstore_by_contact(p->store, buf_as_span(&f->aor), f->contact) : NULL;
}

/* Refuses a REGISTER at a limit. One verdict tells of a storm; who goes on all the same is not listened to.
 */
static void refuse_overload(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                            const char *limit)
{
        char seconds[12];
        struct refusal r = {.cause = CAUSE_overload,
                            .status = 503,
                            .evidence = limit,
                            .field = {SIP_HDR_RETRY_AFTER, sip_retry_after(seconds)},
                            .quiet = !sip_stack_refused(p->stack, &rq->flow.remote, p->conf->max_refusals)};

        register_refuse(p, rq, f, r);
}

/* A UE that authenticated before: it is registered where this comes from, with the identity that the REGISTER
 * names, and does not come too often. */
static bool is_known(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f)
{
        struct ue_flow *u = pcscf_ue_of(p, &rq->flow);
        bool named = false;

        if (!u)
                return false;
        list_for_each(pos, &u->bindings)
        {
                const struct binding *b = container_of(pos, const struct binding, in_flow);

                named |= f->impi.n ? span_eq(binding_impi(b), f->impi)
                                   : span_eq(binding_aor(b), buf_as_span(&f->aor));
        }
        return named && rate_pace_take(&u->pace, p->conf->registered_per_ue, loop_now_ms(p->loop));
}

/* The first answer to a challenge that was let in. */
static bool is_answer(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f)
{
        struct pending *pe =
                f->has_response ? pending_find(p->pending, rq->msg->call_id, register_identity(f)) : NULL;

        if (!pe || pe->scheme == REG_SCHEME_NONE || pe->answered)
                return false;
        pe->answered = true;
        return true;
}

/* A storm of one kind takes nothing of the other's rates, and anybody can call himself sos. */
enum register_rate { RATE_USUAL, RATE_EMERGENCY };

/* The rates of REGISTERs that have not authenticated (PKT-TR-SEC 5.3.2.1.4). False: it was refused. */
static bool within_rates(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        switch (rates_take(p->new_ues, &rq->flow.remote, f->sos ? RATE_EMERGENCY : RATE_USUAL,
                           loop_now_ms(p->loop))) {
        case RATE_MAY:
                return true;
        case RATE_SOURCE:
                refuse_overload(p, rq, f, "limits.new_per_source");
                return false;
        case RATE_ALL:
                refuse_overload(p, rq, f, "limits.new");
                return false;
        }
        return false;
}

/* Checks the limits and gives the registration its record and its number. False when it was refused. */
static bool admit(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct pending **out)
{
        const struct binding *b = registered(p, f);
        struct pending_who who = {.call_id = rq->msg->call_id,
                                  .identity = register_identity(f),
                                  .source = &rq->flow.remote,
                                  .known = is_known(p, rq, f)};
        int err;

        if (!who.known && !is_answer(p, rq, f) && !within_rates(p, rq, f))
                return false;

        if (!b && !f->sos && f->expires_s != 0 && regstore_count(p->store) >= p->conf->max_registrations) {
                refuse_overload(p, rq, f, "registration.max");
                return false;
        }
        err = pending_get(p->pending, &who, out);
        if (err == -IMS_ELIMIT || err == -IMS_EALREADY) {
                refuse_overload(p, rq, f,
                                err == -IMS_ELIMIT ? "limits.pending"
                                                   : "limits.per_source or limits.asked_per_source");
                return false;
        }
        if (err) {
                register_refuse(p, rq, f, (struct refusal){.cause = CAUSE_internal_error, .status = 500});
                return false;
        }
        if (b)
                (*out)->id = b->id;
        else if (!(*out)->id)
                (*out)->id = ++p->last_id;
        return true;
}

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg);
static bool on_failure(struct sip_request *rq, int err, void *arg);

/* How often the UE may send its keep-alives: STUN over UDP, CRLF over connections. Not over security
 * associations, whose NAT keep-alives are those of Annex M. */
static uint32_t keep_s(const struct pcscf *p, const struct sip_request *rq)
{
        if (ipsec_set_of(p, &rq->flow))
                return 0;
        return (rq->flow.transport == TRANSPORT_UDP ? p->conf->keep_udp_ms : p->conf->keep_stream_ms) / 1000;
}

/* How the REGISTER was protected on its way here, as the home network is told: TS 33.203 6.1.5, O.2.2, P.3.
 * NULL: not at all. */
static const char *integrity(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                             const struct pending *pe, enum access_type access)
{
        const struct sa_set *set = ipsec_set_of(p, &rq->flow);

        if (rq->flow.transport == TRANSPORT_TLS)
                return tls_integrity(p, rq, f);
        if (pe->agreement && pe->agreement->tls)
                return NULL;
        if (!set)
                return reg_integrity(f, access);
        if (!f->has_authorization)
                return NULL;
        return sa_is_latest(set) ? "yes" : "no";
}

static void forward(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct pending *pe)
{
        struct access access = access_of(p->access, &rq->flow.remote);
        struct buf path = BUF_INIT, charging = BUF_INIT;
        struct reg_marks marks = {.visited_network = span_of(p->conf->visited_network),
                                  .access = access,
                                  .pani_aware = p->conf->pani_aware,
                                  .integrity = integrity(p, rq, f, pe, access.type),
                                  .keep_s = keep_s(p, rq)};
        struct sip_forward fw = {.target = {.uri = p->conf->icscf ? span_of(p->conf->icscf) : rq->msg->ruri,
                                            .answer_ms = p->conf->icscf_answer_ms},
                                 .on_response = on_response,
                                 .on_failure = on_failure,
                                 .arg = p};
        struct sip_edit e;

        rq->user = (void *)(uintptr_t)pe->serial;
        own_path(p, pe->id, f->outbound, &path);
        charging_vector(p, &charging);
        marks.path = buf_as_span(&path);
        marks.charging_vector = buf_as_span(&charging);
        sip_edit_init(&e, rq->msg);
        reg_edit_request(&e, f, &marks);
        if ((path.err || charging.err) && !e.err)
                e.err = -IMS_ENOMEM;
        if (!sip_forward(rq, &e, &fw)) {
                pending_answered(pe);
                if (!pe->n_asked && !pe->keys.have)
                        pending_remove(pe);
        }
        sip_edit_free(&e);
        buf_free(&path);
        buf_free(&charging);
}

/* False when it was answered. */
static bool may_go_on(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via)
{
        if (!p->ipsec && f->wants_sec_agree && p->conf->security.sec_agree == SEC_AGREE_REFUSE &&
            rq->flow.transport != TRANSPORT_TLS && !tls_chosen(p, rq, f, via, false)) {
                register_refuse(
                        p, rq, f,
                        (struct refusal){.cause = CAUSE_bad_extension,
                                         .status = 420,
                                         .clause = "RFC 3329 2.3.1",
                                         .evidence = "sec-agree is required and Gm is not protected here",
                                         .field = {SIP_HDR_UNSUPPORTED, SPAN("sec-agree")}});
                return false;
        }
        return !pcscf_refuse_extension(p, rq, procedure(f));
}

/* What ties it to its UE, or is to be agreed on. False: it was answered or discarded. */
static bool enter(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via,
                  struct secure_entry *out)
{
        if (rq->flow.transport == TRANSPORT_TLS)
                return tls_register(p, rq, f, out);
        if (!tls_outside(p, rq, f))
                return false;
        if (tls_chosen(p, rq, f, via, ipsec_set_of(p, &rq->flow) != NULL))
                return (!f->has_response || digest_register(p, rq, f, via)) && tls_take_offer(p, rq, f, out);
        return digest_register(p, rq, f, via) && (!p->ipsec || secure_register(p, rq, f, via, out));
}

static void process(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, enum via_source via)
{
        struct secure_entry entry = {0};
        struct pending *pe = NULL;

        if (!may_go_on(p, rq, f, via) || !enter(p, rq, f, via, &entry))
                return;
        if (admit(p, rq, f, &pe)) {
                pe->cseq = rq->msg->cseq;
                pe->outbound = f->outbound;
                pe->offers_ipsec = f->offers_ipsec;
                pe->translated = via != VIA_SAME;
                secure_attach(pe, &entry);
                forward(p, rq, f, pe);
        }
        agreement_free(entry.agreement);
}

void pcscf_register_checked(struct sip_request *rq, enum via_source via, void *arg)
{
        struct pcscf *p = arg;
        struct reg_facts f;
        const char *why;
        int err = reg_facts_read(rq->msg, &f, &why);

        if (err)
                register_refuse(
                        p, rq, &f,
                        (struct refusal){.cause = err == -IMS_EPARSE ? CAUSE_malformed : CAUSE_internal_error,
                                         .status = err == -IMS_EPARSE ? 400 : 500,
                                         .reason = err == -IMS_EPARSE ? why : NULL,
                                         .evidence = why});
        else
                process(p, rq, &f, via);
        reg_facts_free(&f);
}

static void refuse_look_up(struct pcscf *p, struct sip_request *rq)
{
        struct reg_facts f;
        const char *why;

        if (reg_facts_read(rq->msg, &f, &why))
                log_debug("REGISTER refused before it was read: %s", why);
        refuse_overload(p, rq, &f, "names in Via that are looked up");
        reg_facts_free(&f);
}

void pcscf_register(struct pcscf *p, struct sip_request *rq)
{
        bool taken = true;

        if ((p->ipsec && (sip_port_of(p->stack, &rq->flow.local) != SIP_PORT_OPEN ||
                          sip_msg_hdr(rq->msg, SIP_HDR_SECURITY_CLIENT, 0))) ||
            digest_compares_via(p, rq))
                taken = via_check(p->vias, rq);
        else
                pcscf_register_checked(rq, VIA_SAME, p);
        if (!taken)
                refuse_look_up(p, rq);
}

/* --- the answers ---------------------------------------------------------------------------------- */

struct refusal register_refusal_of(const struct agreement_fault *f)
{
        return (struct refusal){.cause = f->cause,
                                .status = f->status,
                                .reason = f->reason,
                                .clause = f->clause,
                                .evidence = f->evidence};
}

void register_refuse_again(struct pcscf *p, struct sip_request *rq, struct refusal r)
{
        struct reg_facts f;
        const char *why;

        if (reg_facts_read(rq->msg, &f, &why)) /* it was read before: memory lacks */
                log_error("%s", ims_strerror(IMS_ENOMEM));
        register_refuse(p, rq, &f, r);
        reg_facts_free(&f);
}

/* The SAs of a UE whose last IMPU is de-registered end (TS 33.203 7.4.2a). */
static void end_assoc(struct pcscf *p, struct assoc assoc)
{
        struct sa_assoc *a = ipsec_assoc(p, assoc);

        if (a && !regstore_assoc(p->store, assoc))
                sa_assoc_end(a);
}

/* Contacts of this UE that the registrar no longer lists are gone: replaced, or de-registered elsewhere. A
 * binding with the same instance on another contact was replaced (RFC 5626 6). */
static void drop_unlisted(struct pcscf *p, const struct reg_facts *f, const struct sip_msg *resp)
{
        struct span aor = buf_as_span(&f->aor);
        struct binding *b = regstore_next_by_aor(p->store, aor, NULL), *next;

        for (; b; b = next) {
                next = regstore_next_by_aor(p->store, aor, b);
                if (span_eq(binding_impi(b), f->impi) && !reg_answer_lists(resp, binding_contact(b))) {
                        struct assoc assoc = b->where->assoc;

                        regstore_remove(b);
                        end_assoc(p, assoc);
                }
        }
}

/* A UE that began anew, without its SAs, has another port_us: nobody listens any more where its earlier
 * contacts are, and what is sent to them would reach it over the SAs it has now, a second time. */
static void drop_unreachable(struct pcscf *p, struct assoc assoc, struct span contact)
{
        const struct sa_assoc *a = ipsec_assoc(p, assoc);
        struct ue_flow *f = a && a->in_use ? regstore_assoc(p->store, assoc) : NULL;
        struct addr at;

        if (!f)
                return;
        list_for_each_safe(pos, tmp, &f->bindings)
        {
                struct binding *b = container_of(pos, struct binding, in_flow);

                if (!span_eq(binding_contact(b), contact) && binding_contact_addr(b, &at) &&
                    addr_port(&at) != a->in_use->params.ue_ends.port_s)
                        regstore_remove(b); /* not the last one: that of contact stays */
        }
}

/* What later messages of the UE are known by. */
static int associate(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                     const struct pending *pe, uint32_t granted_s, struct assoc *out)
{
        *out = (struct assoc){ASSOC_IPSEC, secure_granted(p, rq, pe, granted_s)};
        if (out->id)
                return 0;
        *out = (struct assoc){.kind = ASSOC_NONE};
        return rq->flow.transport == TRANSPORT_TLS ? tls_granted(p, rq, f, pe, out)
                                                   : digest_granted(p, rq, f, pe, out);
}

static int keep(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                const struct reg_grant *g, struct pending *pe)
{
        struct binding_info info = {
                .id = pe->id,
                .aor = buf_as_span(&f->aor),
                .contact = f->contact,
                .instance = f->instance,
                .impi = f->impi,
                .service_route = buf_as_span(&g->service_route),
                .charging = buf_as_span(&g->charging),
                .impus = buf_as_span(&g->impus),
                .flow = rq->flow,
                .expires_s = g->expires_s,
        };
        const struct binding *before = regstore_by_contact(p->store, info.aor, info.contact);
        struct assoc was = before ? before->where->assoc : (struct assoc){0};
        int err = associate(p, rq, f, pe, g->expires_s, &info.assoc);

        if (!err)
                err = regstore_put(p->store, &info);
        digest_settled(p, info.assoc);
        tls_settled(p, info.assoc, info.instance);
        if (!err && !assoc_eq(was, info.assoc))
                end_assoc(p, was);
        if (!err)
                drop_unreachable(p, info.assoc, info.contact);
        return err;
}

static void granted(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                    const struct sip_msg *resp, struct pending *pe)
{
        struct reg_grant g;
        int err = reg_grant_read(resp, f, &g);

        if (!err && g.expires_s)
                err = keep(p, rq, f, &g, pe);
        if (err)
                log_error("the registration is not kept here: %s", ims_strerror(err));
        else if (f->contact.n || f->star)
                drop_unlisted(p, f, resp);
        if (!err && !g.expires_s)
                secure_not_kept(p, rq, pe);
        if (!err && g.expires_s)
                log_debug("registered for %u s over %s", g.expires_s, transport_name(rq->flow.transport));
        reg_grant_free(&g);
}

/* The record of a REGISTER whose answer has come, or does not come. NULL when it has ended, or belongs to a
 * later REGISTER with the same Call-ID by now: the UE has given up on this one and began anew (*superseded).
 */
static struct pending *answered(struct pcscf *p, const struct sip_request *rq, bool *superseded)
{
        struct pending *pe = pending_by_serial(p->pending, (uint32_t)(uintptr_t)rq->user);

        *superseded = pe && pe->cseq != rq->msg->cseq;
        pending_answered(pe);
        return *superseded ? NULL : pe;
}

/* False when the registration ends here. */
static bool challenged(struct pcscf *p, struct sip_request *rq, struct sip_edit *e, struct pending *pe)
{
        const enum reg_scheme scheme = reg_challenge_scheme(e->msg);
        struct reg_keys keys;

        if (!digest_challenge(p, rq, pe, scheme))
                return false;
        reg_edit_challenge(e, &keys);
        if (pe && !pending_challenged(pe, &keys))
                pe = NULL;
        secret_wipe(&keys, sizeof(keys));
        if (scheme == REG_SCHEME_DIGEST && !ipsec_set_of(p, &rq->flow)) {
                if (pe && pe->agreement && pe->agreement->tls)
                        tls_challenge(pe, e);
                return true; /* SIP Digest has no SAs (TS 33.203 N.1) */
        }
        if (pe && pe->agreement && pe->agreement->tls && !secure_instead_of_tls(p, rq, pe))
                return false;
        if (p->ipsec && pe)
                return secure_challenge(p, rq, pe, e);
        if (!p->ipsec)
                return true;
        register_refuse_again(
                p, rq,
                (struct refusal){
                        .cause = CAUSE_challenge_timeout,
                        .status = 504,
                        .clause = "TS 24.229 table 7.8.1",
                        .evidence = "the challenge of the home network came after registration.await_auth"});
        return false;
}

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        struct pcscf *p = arg;
        struct pending *pe;
        struct reg_facts f;
        const char *why;
        bool superseded;

        reg_edit_answer(e);
        if (resp->status < 200)
                return true;
        pe = answered(p, rq, &superseded);
        if (resp->status == 401 || resp->status == 407) {
                if (!superseded)
                        return challenged(p, rq, e, pe);
                sip_reply(rq, 504, "A Later REGISTER Took Its Place", NULL, 0);
                return false;
        }
        if (pe && resp->status < 300) { /* else its list of contacts may be older than what is kept */
                if (reg_facts_read(rq->msg, &f, &why) == 0)
                        granted(p, rq, &f, resp, pe);
                reg_facts_free(&f);
        } else if (pe) {
                secure_failed(p, rq, pe);
        }
        pending_remove(pe);
        return resp->status < 300 || !tls_failed(p, rq, resp, e);
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct pcscf *p = arg;
        bool superseded;
        struct pending *pe = answered(p, rq, &superseded); /* late */

        if (pe)
                secure_failed(p, rq, pe);
        pending_remove(pe);
        register_refuse_again(p, rq,
                              (struct refusal){.cause = CAUSE_icscf_unreachable,
                                               .status = 504,
                                               .clause = "TS 24.229 5.2.2.1",
                                               .evidence = ims_strerror(err)});
        return false;
}
