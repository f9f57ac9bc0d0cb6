/* SPDX-License-Identifier: BSD-3-Clause
 * The IMPUs of an association, and the entries of SIP Digest, as text and as JSON. TS 33.203 N.2.1.1. */
#include "pcscf/pcscf.h"

/* --- identities ----------------------------------------------------------------------------------- */

/* Whether the IMPU stands in a binding of the list before b. */
static bool named_before(const struct ue_flow *f, const struct binding *b, struct span impu)
{
        list_for_each(pos, &f->bindings)
        {
                const struct binding *before = container_of(pos, const struct binding, in_flow);
                struct span i = SPAN_NULL;

                if (before == b)
                        break;
                while (binding_next_impu(before, &i))
                        if (span_eq(i, impu))
                                return true;
        }
        return false;
}

void status_impus(const struct pcscf *p, struct assoc a, bool json, struct buf *out)
{
        const struct ue_flow *f = regstore_assoc(p->store, a);
        bool first = true;

        if (!f)
                return;
        list_for_each(pos, &f->bindings)
        {
                const struct binding *b = container_of(pos, const struct binding, in_flow);
                struct span impu = SPAN_NULL;

                while (binding_next_impu(b, &impu)) {
                        if (named_before(f, b, impu))
                                continue;
                        buf_puts(out, first ? "" : json ? "," : " ");
                        first = false;
                        buf_puts(out, json ? "\"" : "");
                        if (json)
                                buf_json(out, impu);
                        else
                                buf_span(out, impu);
                        buf_puts(out, json ? "\"" : "");
                }
        }
}

/* When the last of its registrations ends. */
static uint64_t ends_in_s(const struct pcscf *p, struct assoc a)
{
        const struct ue_flow *f = regstore_assoc(p->store, a);
        uint64_t last_ms = 0, now_ms = loop_now_ms(p->loop);

        if (!f)
                return 0;
        list_for_each(pos, &f->bindings)
        {
                const struct binding *b = container_of(pos, const struct binding, in_flow);

                last_ms = b->ends_ms > last_ms ? b->ends_ms : last_ms;
        }
        return last_ms > now_ms ? (last_ms - now_ms) / 1000 : 0;
}

/* --- the IP address check table -------------------------------------------------------------------- */

void status_ip(const struct pcscf *p, const struct ip_entry *e, bool json, struct buf *out)
{
        const struct assoc a = {ASSOC_IP, e->id};
        char ip[ADDR_STR];

        if (!json) {
                buf_printf(out, SPAN_FMT " at %s: SIP Digest, %s, Via %s, ends in %llu s\n  IMPUs ",
                           SPAN_ARG(ip_entry_impi(e)),
                           ip_entry_outbound(e) ? addr_str(&e->ue, ip) : addr_ip_str(&e->ue, false, ip),
                           ip_entry_outbound(e) ? "known by address and port (outbound)"
                                                : "known by its address",
                           ip_entry_sent_by(e), (unsigned long long)ends_in_s(p, a));
                status_impus(p, a, false, out);
                buf_char(out, '\n');
                return;
        }
        buf_puts(out, "{\"association\":\"ip\",\"impi\":\"");
        buf_json(out, ip_entry_impi(e));
        buf_puts(out, "\",\"impus\":[");
        status_impus(p, a, true, out);
        buf_printf(out, "],\"ue\":\"%s\",\"port\":", addr_ip_str(&e->ue, false, ip));
        if (ip_entry_outbound(e))
                buf_printf(out, "%u", addr_port(&e->ue));
        else
                buf_puts(out, "null");
        buf_puts(out, ",\"sent_by\":\"");
        buf_json(out, span_of(ip_entry_sent_by(e)));
        buf_printf(out, "\",\"outbound\":%s,\"expires_s\":%llu}", ip_entry_outbound(e) ? "true" : "false",
                   (unsigned long long)ends_in_s(p, a));
}

/* --- TLS connections ------------------------------------------------------------------------------- */

static void put_session(const struct tls_assoc *a, struct buf *out)
{
        for (size_t i = 0; i < a->session_id_n; i++)
                buf_printf(out, "%02x", a->session_id[i]);
}

void status_tls(const struct pcscf *p, const struct tls_assoc *a, bool json, struct buf *out)
{
        const struct assoc id = {ASSOC_TLS, a->id};
        const char *variant = a->variant == TLS_BY_SEC_AGREE ? "sec-agree" : "from_start";
        unsigned long long age_s = (loop_now_ms(p->loop) - a->made_ms) / 1000, ends_s = ends_in_s(p, id);
        struct tls_info info = {.version = "", .cipher = ""};
        char ip[ADDR_STR];

        (void)sip_flow_tls(p->stack, &a->flow, &info);
        if (!json) {
                buf_printf(out, SPAN_FMT " at %s: %s, %s, %s, session ", SPAN_ARG(tls_assoc_impi(a)),
                           addr_str(&a->flow.remote, ip), info.version, info.cipher, variant);
                put_session(a, out);
                buf_printf(out, ", age %llu s, ends in %llu s\n  IMPUs ", age_s, ends_s);
                status_impus(p, id, false, out);
                buf_char(out, '\n');
                return;
        }
        buf_puts(out, "{\"association\":\"tls\",\"impi\":\"");
        buf_json(out, tls_assoc_impi(a));
        buf_puts(out, "\",\"impus\":[");
        status_impus(p, id, true, out);
        buf_printf(out,
                   "],\"ue\":\"%s\",\"port\":%u,\"version\":\"%s\",\"cipher\":\"%s\",\"variant\":\"%s\","
                   "\"session_id\":\"",
                   addr_ip_str(&a->flow.remote, false, ip), addr_port(&a->flow.remote), info.version,
                   info.cipher, variant);
        put_session(a, out);
        buf_printf(out, "\",\"renegotiations\":%u,\"age_s\":%llu,\"expires_s\":%llu}", a->renegotiations,
                   age_s, ends_s);
}
