/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER: from the UE to the home network and its answers back. TS 24.229 5.2.2, TS 33.203 6.1.1. */
#include "pcscf/pcscf.h"

#define CLAUSE "TS 24.229 5.2.2.1"

/* Who is registering, for the record under way: the IMPI, or the IMPU where no Authorization tells it. */
static struct span identity(const struct reg_facts *f)
{
        return f->impi.n ? f->impi : buf_as_span(&f->aor);
}

static enum verdict_procedure procedure(const struct reg_facts *f)
{
        return f->expires_s == 0 ? VERDICT_DEREGISTRATION : VERDICT_REGISTRATION;
}

static void refuse(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct refusal r)
{
        r.procedure = procedure(f);
        r.impi = f->impi;
        r.impu = buf_as_span(&f->aor);
        if (!r.clause)
                r.clause = CLAUSE;
        pcscf_refuse(p, rq, &r);
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

        refuse(p, rq, f, r);
}

/* Checks the limits and gives the registration its record and its number. False when it was refused. */
static bool admit(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct pending **out)
{
        const struct binding *b = registered(p, f);
        int err;

        if (!b && !f->sos && f->expires_s != 0 && regstore_count(p->store) >= p->conf->max_registrations) {
                refuse_overload(p, rq, f, "registration.max");
                return false;
        }
        err = pending_get(p->pending, rq->msg->call_id, identity(f), &rq->flow.remote, out);
        if (err == -IMS_ELIMIT || err == -IMS_EALREADY) {
                refuse_overload(p, rq, f,
                                err == -IMS_ELIMIT ? "limits.pending"
                                                   : "limits.per_source or limits.asked_per_source");
                return false;
        }
        if (err) {
                refuse(p, rq, f, (struct refusal){.cause = CAUSE_internal_error, .status = 500});
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

static void forward(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f, struct pending *pe)
{
        struct access access = access_of(p->access, &rq->flow.remote);
        struct assoc_input in = {f, &rq->flow, registered(p, f), access.type};
        struct buf path = BUF_INIT, charging = BUF_INIT;
        struct reg_marks marks = {.visited_network = span_of(p->conf->visited_network),
                                  .access = access,
                                  .pani_aware = p->conf->pani_aware};
        struct sip_forward fw = {.target = {.uri = p->conf->icscf ? span_of(p->conf->icscf) : rq->msg->ruri,
                                            .answer_ms = p->conf->icscf_answer_ms},
                                 .on_response = on_response,
                                 .on_failure = on_failure,
                                 .arg = p};
        struct sip_edit e;

        rq->user = (void *)(uintptr_t)pe->serial;
        own_path(p, pe->id, &path);
        charging_vector(p, &charging);
        marks.integrity = assoc_select(&in)->match(&in);
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

void pcscf_register(struct pcscf *p, struct sip_request *rq)
{
        struct reg_facts f;
        struct pending *pe = NULL;
        const char *why;
        int err = reg_facts_read(rq->msg, &f, &why);

        if (err) {
                refuse(p, rq, &f,
                       (struct refusal){.cause = err == -IMS_EPARSE ? CAUSE_malformed : CAUSE_internal_error,
                                        .status = err == -IMS_EPARSE ? 400 : 500,
                                        .reason = err == -IMS_EPARSE ? why : NULL,
                                        .evidence = why});
        } else if (f.wants_sec_agree && p->conf->sec_agree == SEC_AGREE_REFUSE) {
                refuse(p, rq, &f,
                       (struct refusal){.cause = CAUSE_bad_extension,
                                        .status = 420,
                                        .clause = "RFC 3329 2.3.1",
                                        .evidence = "sec-agree is required and Gm is not protected here",
                                        .field = {SIP_HDR_UNSUPPORTED, SPAN("sec-agree")}});
        } else if (!pcscf_refuse_extension(p, rq, procedure(&f)) && admit(p, rq, &f, &pe)) {
                forward(p, rq, &f, pe);
        }
        reg_facts_free(&f);
}

/* --- the answers ---------------------------------------------------------------------------------- */

/* Contacts of this UE that the registrar no longer lists are gone: replaced, or de-registered elsewhere. A
 * binding with the same instance on another contact was replaced (RFC 5626 6). */
static void drop_unlisted(struct pcscf *p, const struct reg_facts *f, const struct sip_msg *resp)
{
        struct span aor = buf_as_span(&f->aor);
        struct binding *b = regstore_next_by_aor(p->store, aor, NULL), *next;

        for (; b; b = next) {
                next = regstore_next_by_aor(p->store, aor, b);
                if (span_eq(binding_impi(b), f->impi) && !reg_answer_lists(resp, binding_contact(b))) {
                        assoc_none.close(b);
                        regstore_remove(b);
                }
        }
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
        int err = regstore_put(p->store, &info);

        if (!err)
                assoc_none.confirm(pe, regstore_by_id(p->store, pe->id));
        return err;
}

static void granted(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                    const struct sip_msg *resp, struct pending *pe)
{
        struct reg_grant g;
        int err = reg_grant_read(resp, f, &g);

        if (!err && pe && g.expires_s)
                err = keep(p, rq, f, &g, pe);
        if (err)
                log_error("the registration is not kept here: %s", ims_strerror(err));
        else if (f->contact.n || f->star)
                drop_unlisted(p, f, resp);
        if (!err && g.expires_s)
                log_debug("registered for %u s over %s", g.expires_s, transport_name(rq->flow.transport));
        reg_grant_free(&g);
}

static void challenged(struct sip_edit *e, struct pending *pe)
{
        struct reg_keys keys;

        reg_edit_challenge(e, &keys);
        if (pe) {
                pending_challenged(pe, &keys);
                if (assoc_none.open(pe, e))
                        log_error("the challenge cannot be followed up");
        }
        secret_wipe(&keys, sizeof(keys));
}

static bool on_response(struct sip_request *rq, struct sip_msg *resp, struct sip_edit *e, void *arg)
{
        struct pcscf *p = arg;
        struct pending *pe = pending_by_serial(p->pending, (uint32_t)(uintptr_t)rq->user);
        struct reg_facts f;
        const char *why;

        reg_edit_answer(e);
        if (resp->status < 200)
                return true;
        pending_answered(pe);
        if (resp->status == 401 || resp->status == 407) {
                challenged(e, pe);
                return true;
        }
        if (resp->status < 300) {
                if (reg_facts_read(rq->msg, &f, &why) == 0)
                        granted(p, rq, &f, resp, pe);
                reg_facts_free(&f);
        }
        pending_remove(pe);
        return true;
}

static bool on_failure(struct sip_request *rq, int err, void *arg)
{
        struct pcscf *p = arg;
        struct reg_facts f;
        struct pending *pe = pending_by_serial(p->pending, (uint32_t)(uintptr_t)rq->user);
        const char *why;

        pending_answered(pe); /* late */
        pending_remove(pe);
        if (reg_facts_read(rq->msg, &f, &why)) /* it was read before: memory lacks */
                log_error("%s", ims_strerror(IMS_ENOMEM));
        refuse(p, rq, &f,
               (struct refusal){.cause = CAUSE_icscf_unreachable,
                                .status = 504,
                                .clause = "TS 24.229 5.2.2.1",
                                .evidence = ims_strerror(err)});
        reg_facts_free(&f);
        return false;
}
