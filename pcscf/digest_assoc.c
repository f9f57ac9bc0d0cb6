/* SPDX-License-Identifier: BSD-3-Clause
 * The IP address check of SIP Digest without TLS: who registered from where, and whose request it is.
 * TS 33.203 N.2.1.1 (after SM11), N.2.1.2, Q.2. */
#include "pcscf/digest.h"
#include "pcscf/pcscf.h"

static struct assoc assoc_of(const struct ip_entry *e)
{
        return (struct assoc){ASSOC_IP, e->id};
}

/* --- success -------------------------------------------------------------------------------------- */

/* The challenge told, or credentials that were accepted without one. */
static bool is_digest(const struct reg_facts *f, const struct pending *pe)
{
        if (pe && pe->scheme != REG_SCHEME_NONE)
                return pe->scheme == REG_SCHEME_DIGEST;
        return f->has_authorization && !f->aka && (f->algorithm || f->has_response);
}

int digest_granted(struct pcscf *p, const struct sip_request *rq, const struct reg_facts *f,
                   const struct pending *pe, struct assoc *out)
{
        const struct sip_via *via = &rq->msg->via;
        struct ip_info info = {.from = rq->flow.remote, .outbound = f->outbound, .impi = f->impi};
        struct ip_entry *e = NULL;
        struct buf sent_by = BUF_INIT;
        int err;

        if (!is_digest(f, pe))
                return 0;
        buf_span(&sent_by, via->host);
        if (via->port)
                buf_printf(&sent_by, span_chr(via->host, ':', 0) < 0 ? ":%u" : " port %u", via->port);
        info.sent_by = buf_as_span(&sent_by);
        err = sent_by.err ? sent_by.err : ip_table_put(p->ips, &info, &e);
        buf_free(&sent_by);
        if (!err)
                *out = assoc_of(e);
        return err;
}

/* The registration of whoever had that address before. */
static void overwritten(struct pcscf *p, struct ue_flow *f, const struct ip_entry *now)
{
        char text[ADDR_STR], evidence[ADDR_STR + 40];

        (void)snprintf(evidence, sizeof(evidence), "%s registers another IMPI",
                       ip_entry_outbound(now) ? addr_str(&now->ue, text)
                                              : addr_ip_str(&now->ue, false, text));
        pcscf_end_ue(p, f,
                     &(struct verdict){.cause = CAUSE_address_reassigned,
                                       .clause = "TS 33.203 N.2.1.1",
                                       .evidence = evidence});
}

void digest_settled(struct pcscf *p, struct assoc a)
{
        struct ip_entry *e = ip_table_of(p->ips, a);
        struct ue_flow *f, *next;

        if (!e)
                return;
        if (!regstore_assoc(p->store, a)) {
                ip_entry_remove(p->ips, e);
                return;
        }
        for (f = regstore_next_at(p->store, &e->ue, NULL); f; f = next) {
                const struct ip_entry *other = ip_table_of(p->ips, f->assoc);

                next = regstore_next_at(p->store, &e->ue, f);
                if (other && other != e && ip_entry_overwrites(e, other))
                        overwritten(p, f, e);
        }
}

/* --- whose request -------------------------------------------------------------------------------- */

/* With outbound it is the flow that was registered: of a connection that one and no later one between the
 * same ports, which may be another UE's behind the same translator. */
static bool same_flow(const struct ue_flow *f, const struct sip_flow *flow)
{
        return !f->flow.conn_id || f->flow.conn_id == flow->conn_id;
}

struct ue_flow *digest_ue_of(const struct pcscf *p, const struct sip_flow *flow, bool exact)
{
        struct addr alone = addr_with_port(&flow->remote, 0);
        const struct ip_entry *e = ip_table_exact(p->ips, exact ? &flow->remote : &alone);
        struct ue_flow *f = e ? regstore_assoc(p->store, assoc_of(e)) : NULL;

        return f && (!exact || same_flow(f, flow)) ? f : NULL;
}
