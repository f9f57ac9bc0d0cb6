/* SPDX-License-Identifier: BSD-3-Clause
 * TLS connections of UEs: their beginning and end, who sends over them, renegotiation. TS 33.203 O.1.1,
 * O.2.1, O.4.2. */
#include "pcscf/tls_gm.h"

#include "pcscf/pcscf.h"

/* --- beginning and end ---------------------------------------------------------------------------- */

static bool is_tls_listener(const struct pcscf *p, const struct addr *local)
{
        for (size_t i = 0; i < p->n_gm; i++) {
                const struct pcscf_listener *li = &p->gm[i];

                if (li->transport == TRANSPORT_TLS && addr_port(&li->local) == addr_port(local) &&
                    (addr_is_any(&li->local) || addr_ip_eq(&li->local, local)))
                        return true;
        }
        return false;
}

bool tls_gm_hears(const struct pcscf *p, const struct addr *local, const struct addr *remote)
{
        const struct verdict v = {.procedure = VERDICT_REQUEST,
                                  .outcome = VERDICT_REFUSED,
                                  .cause = CAUSE_tls_on_3gpp,
                                  .clause = "TS 33.203 O.1.1"};
        struct verdict told = v;
        char from[ADDR_STR];

        if (access_of(p->access, remote).type != ACCESS_3GPP || !is_tls_listener(p, local))
                return true;
        if (!p->n_core && p->trust.n && trust_has(&p->trust, remote))
                return true; /* a node of the core, where Gm listeners serve it too */
        if (sip_stack_fault(p->stack, remote, SIP_FAULT_OUTSIDE)) {
                told.evidence = addr_ip_str(remote, false, from);
                trace_verdict(p->trace, &told);
        }
        return false;
}

/* The registrations of a UE end with its connection: nothing is opened towards it (O.2.1, PKT-TR-SEC; TLS
 * forward compatibility F). */
void tls_gm_flow_end(const struct sip_flow *flow, int reason, void *arg)
{
        struct pcscf *p = arg;
        struct tls_assoc *a = tls_table_find(p->tls, flow);
        struct ue_flow *u = a ? regstore_assoc(p->store, (struct assoc){ASSOC_TLS, a->id}) : NULL;
        char from[ADDR_STR];

        (void)reason;
        if (u) /* takes the record with it */
                pcscf_end_ue(p, u,
                             &(struct verdict){.cause = CAUSE_connection_lost,
                                               .clause = "TS 33.203 O.4.1",
                                               .evidence = addr_str(&flow->remote, from)});
        else
                tls_assoc_remove(a);
}

void tls_gm_session(const struct sip_flow *flow, const struct tls_info *info, void *arg)
{
        struct pcscf *p = arg;
        struct tls_assoc *a = tls_table_find(p->tls, flow);

        if (!a)
                return;
        tls_assoc_session(a, info);
        log_info("renegotiated: the TLS session of " SPAN_FMT " is a new one", SPAN_ARG(tls_assoc_impi(a)));
}

/* --- who sends ------------------------------------------------------------------------------------ */

struct ue_flow *tls_ue_of(const struct pcscf *p, const struct sip_flow *flow)
{
        const struct tls_assoc *a = tls_table_find(p->tls, flow);

        return a ? regstore_assoc(p->store, (struct assoc){ASSOC_TLS, a->id}) : NULL;
}

/* The UE with a connection at exactly that address and port, or at any port. */
static const struct tls_assoc *at(const struct pcscf *p, const struct addr *remote, bool any_port)
{
        const struct ue_flow *u = NULL;

        while ((u = regstore_next_at(p->store, remote, u)) != NULL) {
                const struct tls_assoc *a = tls_table_of(p->tls, u->assoc);

                if (a && (any_port || addr_eq(&a->flow.remote, remote)))
                        return a;
        }
        return NULL;
}

bool tls_is_at(const struct pcscf *p, const struct addr *ip)
{
        return at(p, ip, true) != NULL;
}

/* An error message of the UE's address outside of TLS, which O.2.2 lets pass and O.2.3 does not. It names the
 * branch of a request that left over the connection: nobody but the UE has seen that. */
static bool is_error_outside(const struct tls_assoc *a, const struct sip_flow *flow, const struct sip_msg *m)
{
        return a->variant == TLS_BY_SEC_AGREE && m->status >= 400 && flow->transport != TRANSPORT_TLS &&
               addr_ip_eq(&a->flow.remote, &flow->remote);
}

/* What was asked over the connection of a UE is answered over it. */
bool tls_gm_answer_from(const struct sip_flow *flow, const struct addr *asked, const struct sip_msg *m,
                        void *arg)
{
        const struct pcscf *p = arg;
        const struct tls_assoc *a = at(p, asked, false);
        char from[ADDR_STR];
        struct verdict v = {.procedure = VERDICT_REQUEST,
                            .outcome = VERDICT_REFUSED,
                            .cause = CAUSE_outside_tls,
                            .clause = "TS 33.203 O.2.2, O.2.3",
                            .evidence = addr_str(&flow->remote, from)};

        if (!a || a->flow.conn_id == flow->conn_id || is_error_outside(a, flow, m))
                return true;
        v.impi = tls_assoc_impi(a);
        v.call_id = m->call_id;
        trace_verdict(p->trace, &v);
        return false;
}

void tls_refuse_stranger(struct pcscf *p, struct sip_request *rq)
{
        struct sip_flow flow = rq->flow;
        char from[ADDR_STR];
        struct refusal r = {.procedure = VERDICT_REQUEST,
                            .cause = CAUSE_not_registered,
                            .status = 403,
                            .clause = "TS 33.203 O.4.2",
                            .evidence = addr_str(&flow.remote, from)};

        pcscf_refuse(p, rq, &r);
        sip_flow_close(p->stack, &flow, true);
}

/* --- renegotiation -------------------------------------------------------------------------------- */

struct asking {
        struct pcscf *pcscf;
        struct span impi;
        unsigned asked, cannot;
};

static void ask_one(struct tls_assoc *a, void *arg)
{
        struct asking *k = arg;

        if (!span_eq(tls_assoc_impi(a), k->impi))
                return;
        if (sip_flow_renegotiate(k->pcscf->stack, &a->flow) == 0)
                k->asked++;
        else
                k->cannot++;
}

void tls_gm_renegotiate(struct pcscf *p, struct span impi, struct buf *answer)
{
        struct asking k = {.pcscf = p, .impi = impi};

        tls_table_each(p->tls, ask_one, &k);
        if (!k.asked && !k.cannot)
                buf_puts(answer, "error: this IMPI has no TLS connection\n");
        else
                buf_printf(answer,
                           "%u asked to renegotiate, %u cannot (TLS 1.3, or a handshake is under way)\n",
                           k.asked, k.cannot);
}
