/* SPDX-License-Identifier: BSD-3-Clause
 * Security associations in the course of a registration: made with the challenge, confirmed or ended with the
 * final answer. TS 33.203 7.2, 7.3.1, 7.4.2a. */
#include "pcscf/pcscf.h"

#include <stdio.h>

#include "common/base/log.h"
#include "common/sip/auth_param.h"

#define CLAUSE "TS 33.203 7.2"

/* --- the challenge -------------------------------------------------------------------------------- */

/* Ends a registration whose challenge cannot go to the UE. */
static void give_up(struct pcscf *p, struct sip_request *rq, struct pending *pe, const struct refusal *r)
{
        register_refuse_again(p, rq, *r);
        pending_remove(pe);
}

/* The way back to a first REGISTER that was protected: its connection, or over the SAs that it came over. */
static bool way_of_sm1(struct pcscf *p, const struct agreement *a, struct sip_flow *out)
{
        if (!ipsec_answer_flow(&a->sm1, out, p))
                return false; /* they have ended */
        if (a->sm1.transport != TRANSPORT_UDP && sip_flow_alive(p->stack, &a->sm1))
                *out = a->sm1;
        return true;
}

/* The way the first REGISTER came: the challenge goes back on it, also when it is for an answer that failed.
 */
static void answer_as_sm1(struct pcscf *p, struct sip_request *rq, const struct agreement *a)
{
        struct sip_flow way = a->sm1;

        if (ipsec_set_of(p, &rq->flow) != NULL && sip_port_of(p->stack, &a->sm1.local) == SIP_PORT_OPEN)
                sip_request_answer_on(rq, &way);
        else if (a->old_assoc && way_of_sm1(p, a, &way))
                sip_request_answer_on(rq, &way);
}

/* 1: rule 3 refused it, and it was answered. */
static int open_set(struct pcscf *p, struct sip_request *rq, struct pending *pe, struct sa_set **out)
{
        struct agreement *a = pe->agreement;
        struct sa_open o = {.pcscf = a->pcscf,
                            .ends = a->ends,
                            .suite = a->suite,
                            .mode = a->mode,
                            .ck = &pe->keys.ck,
                            .ik = &pe->keys.ik};
        const struct sa_set *old = a->old_assoc ? ipsec_set_of(p, &a->sm1) : NULL;
        struct reg_facts f;
        const char *why;
        int err = reg_facts_read(rq->msg, &f, &why);

        if (!err) {
                o.who = secure_who(&f, &a->ue);
                o.old = old && old->assoc->id == a->old_assoc ? old->assoc : NULL;
                err = !secure_rule_3(p, rq, &f, a,
                                     sa_may_open(p->ipsec->table, &o.who, &a->ends, a->mode, old));
        }
        if (!err)
                err = sa_open(p->ipsec->table, &o, out);
        reg_facts_free(&f);
        if (err)
                return err;
        (*out)->pending = pe->serial;
        a->assoc = (*out)->assoc->id;
        a->set = (*out)->serial;
        return 0;
}

static int write_server(struct pcscf *p, struct agreement *a, const struct sa_set *s, struct sip_edit *e)
{
        struct buf value = BUF_INIT;
        int err = agreement_offer(a, &p->ipsec->policy, &s->params.pcscf_ends, &value);

        if (!err)
                sip_edit_append(e, SIP_HDR_SECURITY_SERVER, buf_as_span(&value));
        buf_free(&value);
        return err;
}

/* The nonce of the challenge that carries the keys. */
static struct span nonce_of(const struct sip_msg *m)
{
        const struct sip_hdr *h;
        struct sip_auth a;

        for (size_t i = 0; (h = sip_msg_hdr(m, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++)
                if (sip_auth_parse(h->value, true, &a) == 0 && sip_auth_get(&a, "ik") &&
                    sip_auth_get(&a, "nonce"))
                        return *sip_auth_get(&a, "nonce");
        return SPAN_NULL;
}

/* Old phones answer a challenge without qop alone (phones.hide_qop). */
static void hide_qop(struct sip_edit *e)
{
        static const char *const drop[] = {"qop", "ik", "ck", NULL};
        const struct sip_hdr *h;

        for (size_t i = 0; (h = sip_msg_hdr(e->msg, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++) {
                struct buf b = BUF_INIT;
                struct sip_auth a;

                if (sip_auth_parse(h->value, true, &a) == 0 && sip_auth_get(&a, "qop")) {
                        sip_auth_write_without(&a, drop, &b);
                        if (b.err && !e->err)
                                e->err = b.err;
                        sip_edit_replace(e, h, buf_as_span(&b));
                }
                buf_free(&b);
        }
}

/* In clear a UE whose offer had nothing for IMS AKA is told what there is. */
static void no_agreement(struct pcscf *p, struct sip_request *rq, struct pending *pe)
{
        struct refusal r = {.status = 421,
                            .cause = CAUSE_extension_required,
                            .clause = "RFC 3329 2.3.1",
                            .evidence = "a challenge makes new SAs, and no Security-Client offers them",
                            .field = {SIP_HDR_REQUIRE, SPAN("sec-agree")}};
        struct buf server = BUF_INIT;

        if (!ipsec_set_of(p, &rq->flow) && sip_msg_hdr(rq->msg, SIP_HDR_SECURITY_CLIENT, 0)) {
                agreement_security_server(&p->ipsec->policy, &server);
                r.status = 494;
                r.cause = CAUSE_security_unacceptable;
                r.evidence = "IMS AKA needs SAs, and no suite for them was taken of Security-Client";
                r.field = (struct sip_field){SIP_HDR_SECURITY_SERVER, buf_as_span(&server)};
        }
        give_up(p, rq, pe, &r);
        buf_free(&server);
}

bool secure_challenge(struct pcscf *p, struct sip_request *rq, struct pending *pe, struct sip_edit *e)
{
        struct refusal r = {.status = 500, .cause = CAUSE_ipsec_failed, .clause = CLAUSE};
        struct sa_set *s = NULL;
        int err;

        if (p->conf->security.hide_qop)
                hide_qop(e);
        if (!pe->agreement) {
                if (p->conf->security.ipsec == IPSEC_OFFERED && !ipsec_set_of(p, &rq->flow) &&
                    !pe->offers_ipsec)
                        return true;
                no_agreement(p, rq, pe);
                return false;
        }
        if (!pe->keys.have) {
                if (p->conf->security.ipsec == IPSEC_OFFERED)
                        return true; /* no IMS AKA: nothing to make SAs from */
                r = (struct refusal){.status = 403,
                                     .cause = CAUSE_scheme_not_possible,
                                     .clause = CLAUSE,
                                     .evidence = "the challenge carries no IK and CK"};
                give_up(p, rq, pe, &r);
                return false;
        }
        answer_as_sm1(p, rq, pe->agreement);
        err = open_set(p, rq, pe, &s);
        if (!err) {
                err = write_server(p, pe->agreement, s, e);
                if (err)
                        sa_remove_set(s);
        }
        if (err) {
                r.evidence = ims_strerror(err);
                if (err < 0)
                        give_up(p, rq, pe, &r);
                else
                        pending_remove(pe);
                return false;
        }
        pe->agreement->nonce = hash_span(nonce_of(e->msg));
        secret_wipe(&pe->keys, sizeof(pe->keys)); /* the kernel has them */
        esp_watch(p, s);
        return true;
}

/* --- the end of the registration ------------------------------------------------------------------ */

/* The set that the challenge of this registration made. */
static struct sa_set *new_set(const struct pcscf *p, const struct pending *pe)
{
        return p->ipsec && pe && pe->agreement && pe->agreement->set
                       ? sa_by_serial(p->ipsec->table, pe->agreement->assoc, pe->agreement->set)
                       : NULL;
}

uint32_t secure_granted(struct pcscf *p, const struct sip_request *rq, const struct pending *pe,
                        uint32_t granted_s)
{
        struct sa_set *over = ipsec_set_of(p, &rq->flow), *s = new_set(p, pe);

        if (s && s == over && s->state == SA_SET_REGISTRATION) {
                uint32_t id = s->assoc->id;

                sa_confirm(s, granted_s);
                return id;
        }
        if (!over)
                return 0;
        sa_refreshed(over->assoc, granted_s);
        return over->assoc->id;
}

void secure_not_kept(struct pcscf *p, const struct sip_request *rq, const struct pending *pe)
{
        struct sa_set *s = new_set(p, pe);

        if (s && regstore_assoc(p->store, (struct assoc){ASSOC_IPSEC, s->assoc->id}))
                (void)secure_granted(p, rq, pe, 0);
        else if (s)
                sa_assoc_end(s->assoc);
}

void secure_failed(struct pcscf *p, struct sip_request *rq, const struct pending *pe)
{
        struct sa_set *s = new_set(p, pe);
        struct sip_flow way;

        if (!s)
                return;
        /* with SM1 protected, the old SAs protect the failure; else the new ones, on which the answer came */
        if (s->by_old && way_of_sm1(p, pe->agreement, &way))
                sip_request_answer_on(rq, &way);
        sa_fail(s);
}
