/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER and TLS: the agreement in clear, its confirmation inside, the indicators, success and failure.
 * TS 33.203 O.2.2, O.2.3, O.3.1.1, O.4.3; RFC 3329 2.3. */
#include "pcscf/digest.h"
#include "pcscf/pcscf.h"
#include "pcscf/tls_gm.h"

#define AGREED  "tls;q=0.9"
#define OUTSIDE "TS 33.203 O.2.2, O.2.3"

static bool over_tls(const struct sip_request *rq)
{
        return rq->flow.transport == TRANSPORT_TLS;
}

/* --- the agreement -------------------------------------------------------------------------------- */

/* A TLS listener is there, the access may have TLS. */
static bool offers(const struct pcscf *p, const struct sip_flow *flow)
{
        if (!p->conf->tls_sec_agree || access_of(p->access, &flow->remote).type == ACCESS_3GPP)
                return false;
        for (size_t i = 0; i < p->n_gm; i++)
                if (p->gm[i].transport == TRANSPORT_TLS)
                        return true;
        return false;
}

struct span tls_security_server(const struct pcscf *p, const struct sip_flow *flow)
{
        return offers(p, flow) ? SPAN(AGREED) : SPAN_NULL;
}

bool tls_chosen(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                enum via_source via, bool secured)
{
        if (over_tls(rq) || secured || !f->offers_tls || !offers(p, &rq->flow))
                return false;
        return !p->ipsec || !f->offers_ipsec || p->conf->prefer == PREFER_TLS ||
               !secure_common(p, rq, f, via);
}

static void refuse_memory(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        register_refuse(p, rq, f, (struct refusal){.cause = CAUSE_internal_error, .status = 500});
}

static void refuse_fault(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                         const struct agreement_fault *fault)
{
        struct refusal r = register_refusal_of(fault);

        if (fault->status == 494)
                r.field = (struct sip_field){SIP_HDR_SECURITY_SERVER, SPAN(AGREED)};
        register_refuse(p, rq, f, r);
}

bool tls_take_offer(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                    struct secure_entry *out)
{
        struct agreement_fault fault;
        int err = agreement_new_tls(rq->msg, AGREED, &out->agreement, &fault);

        if (err == 1)
                refuse_fault(p, rq, f, &fault);
        else if (err)
                refuse_memory(p, rq, f);
        return !err;
}

void tls_challenge(struct pending *pe, struct sip_edit *e)
{
        sip_edit_append(e, SIP_HDR_SECURITY_SERVER, buf_as_span(&pe->agreement->server));
        pe->agreement->challenged = true;
}

/* The registration under way whose challenge was answered with "tls". */
static struct pending *agreed(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f)
{
        struct pending *pe = pending_find(p->pending, rq->msg->call_id, register_identity(f));

        return pe && pe->agreement && pe->agreement->tls && pe->agreement->challenged ? pe : NULL;
}

/* --- inside --------------------------------------------------------------------------------------- */

/* The connection belongs to another IMPI (O.4.3). */
static bool other_user(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        const struct tls_assoc *a = tls_table_find(p->tls, &rq->flow);

        if (!a || !f->impi.n || span_eq(f->impi, tls_assoc_impi(a)))
                return false;
        register_refuse(p, rq, f,
                        (struct refusal){.cause = CAUSE_identity_not_allowed,
                                         .status = 403,
                                         .clause = "TS 33.203 O.4.3",
                                         .evidence = "the TLS connection belongs to another IMPI"});
        return true;
}

bool tls_register(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f,
                  struct secure_entry *out)
{
        const struct sip_flow flow = rq->flow; /* rq may go with its answer */
        struct pending *pe = agreed(p, rq, f);
        struct agreement_fault fault;
        int err;

        if (other_user(p, rq, f))
                return false;
        if (!pe)
                return true;
        err = agreement_check(pe->agreement, rq->msg, &fault);
        if (err == 1)
                refuse_fault(p, rq, f, &fault);
        else if (err)
                refuse_memory(p, rq, f);
        if (err) {
                pending_remove(pe);
                sip_flow_close(p->stack, &flow, true);
                return false;
        }
        out->answer = true; /* the agreement stays with the record */
        return true;
}

const char *tls_integrity(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f)
{
        const struct tls_assoc *a = tls_table_find(p->tls, &rq->flow);

        if (!f->has_authorization || !f->impi.n)
                return NULL;
        if (a)
                return span_eq(f->impi, tls_assoc_impi(a)) ? "tls-yes" : NULL;
        return f->has_response ? "tls-pending" : NULL;
}

/* --- outside -------------------------------------------------------------------------------------- */

static bool same_instance(struct span a, struct span b)
{
        return !a.n || !b.n || span_eq(a, b);
}

/* A UE with this IMPI and instance at this address whose connection is of the variant without exception. */
static bool has_tls_only(const struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f)
{
        const struct ue_flow *u = NULL;

        while ((u = regstore_next_at(p->store, &rq->flow.remote, u)) != NULL) {
                const struct tls_assoc *a = tls_table_of(p->tls, u->assoc);
                const struct binding *b = ue_latest(u);

                if (a && a->variant == TLS_FROM_START && span_eq(tls_assoc_impi(a), f->impi) &&
                    same_instance(binding_instance(b), f->instance))
                        return true;
        }
        return false;
}

bool tls_outside(struct pcscf *p, struct sip_request *rq, const struct reg_facts *f)
{
        struct refusal r = {.cause = CAUSE_outside_tls, .status = 403, .clause = OUTSIDE};

        if (f->sos)
                return true;
        if (has_tls_only(p, rq, f))
                r.evidence = "this UE registered over TLS from the start";
        else if (f->has_response && agreed(p, rq, f))
                r.evidence = "Security-Server said tls: the answer has to come over a TLS connection";
        else
                return true;
        register_refuse(p, rq, f, r);
        return false;
}

/* --- success and failure -------------------------------------------------------------------------- */

int tls_granted(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                const struct pending *pe, struct assoc *out)
{
        enum tls_variant variant =
                pe && pe->agreement && pe->agreement->tls ? TLS_BY_SEC_AGREE : TLS_FROM_START;
        struct tls_assoc *a = tls_table_find(p->tls, &rq->flow);
        struct tls_info info;
        int err;

        if (!over_tls(rq))
                return 0;
        if (a && f->impi.n && !span_eq(tls_assoc_impi(a), f->impi))
                return -IMS_EPERM;
        if (!sip_flow_tls(p->stack, &rq->flow, &info))
                return -IMS_ECLOSED;
        if (!a) {
                err = tls_table_add(p->tls, &rq->flow, &info, register_identity(f), variant,
                                    loop_now_ms(p->loop), &a);
                if (err)
                        return err;
        }
        *out = (struct assoc){ASSOC_TLS, a->id};
        return 0;
}

/* What the UE had in clear at this address is replaced: nothing but the connection is it from now on. */
static void drop_clear(struct pcscf *p, const struct tls_assoc *a, struct span instance)
{
        struct ue_flow *u, *next;

        for (u = regstore_next_at(p->store, &a->flow.remote, NULL); u; u = next) {
                const struct binding *b = ue_latest(u);

                next = regstore_next_at(p->store, &a->flow.remote, u);
                if ((u->assoc.kind == ASSOC_IP || u->assoc.kind == ASSOC_NONE) &&
                    span_eq(binding_impi(b), tls_assoc_impi(a)) &&
                    same_instance(binding_instance(b), instance))
                        regstore_drop(u);
        }
}

void tls_settled(struct pcscf *p, struct assoc assoc, struct span instance)
{
        struct tls_assoc *a = tls_table_of(p->tls, assoc);

        if (!a || !regstore_assoc(p->store, assoc)) {
                tls_assoc_remove(a);
                return;
        }
        sip_flow_vouch(p->stack, &a->flow);
        drop_clear(p, a, instance);
}

/* A 4xx that does not say something else. */
static bool is_authentication_failure(int status)
{
        static const int other[] = {401, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416,
                                    420, 421, 423, 430, 439, 480, 481, 482, 483, 485, 494};

        if (status < 400 || status > 499)
                return false;
        for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
                if (status == other[i])
                        return false;
        return true;
}

bool tls_failed(struct pcscf *p, struct sip_request *rq, const struct sip_msg *resp, struct sip_edit *e)
{
        struct sip_flow flow = rq->flow;
        struct reg_facts f;
        const char *why;
        bool answered = reg_facts_read(rq->msg, &f, &why) == 0 && f.has_response;

        reg_facts_free(&f);
        if (!over_tls(rq) || !answered || !is_authentication_failure(resp->status))
                return false;
        sip_reply_forward(rq, e);
        sip_flow_close(p->stack, &flow, true);
        return true;
}
