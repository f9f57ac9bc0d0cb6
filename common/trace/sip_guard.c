/* SPDX-License-Identifier: BSD-3-Clause
 * The list of trusted addresses against what belongs to a transaction already: CANCEL, ACK, responses. Their
 * branch is no secret from the other end of a call. */
#include "common/trace/sip_guard.h"

#include "common/net/core_net.h"
#include "common/trace/verdict.h"

static void tell(struct trace *trace, const struct sip_msg *m, const struct buf *evidence)
{
        const struct verdict v = {.procedure =
                                          m->method == SIP_REGISTER ? VERDICT_REGISTRATION : VERDICT_REQUEST,
                                  .outcome = VERDICT_REFUSED,
                                  .cause = CAUSE_untrusted_source,
                                  .clause = "TS 33.203 J",
                                  .evidence = evidence->err ? NULL : evidence->p,
                                  .call_id = m->call_id};

        trace_verdict(trace, &v);
}

bool sip_guard_trusts(const struct trust *t, const struct sip_flow *flow)
{
        return trust_takes(t, &flow->remote, flow->transport == TRANSPORT_TLS);
}

const char *sip_guard_bars(const struct trust *t, const struct sip_flow *flow)
{
        return core_net_refuses(t->net, &flow->remote, flow->transport == TRANSPORT_TLS);
}

bool sip_guard_admit(const struct trust *t, struct trace *trace, const struct sip_flow *flow,
                     const struct sip_msg *m, const char **note)
{
        struct buf text = BUF_INIT;
        char from[ADDR_STR];

        if (!m->is_request || (m->method != SIP_CANCEL && m->method != SIP_ACK) || sip_guard_trusts(t, flow))
                return true;
        *note = "not from a trusted address";
        if (m->method == SIP_ACK)
                return false;
        buf_printf(&text, "CANCEL from %s, which is not in the list of trusted addresses",
                   addr_str(&flow->remote, from));
        buf_char(&text, '\0');
        tell(trace, m, &text);
        buf_free(&text);
        return false;
}

bool sip_guard_answer(const struct trust *t, struct trace *trace, const struct sip_flow *flow,
                      const struct addr *asked, const struct sip_msg *m)
{
        struct buf text = BUF_INIT;
        char from[ADDR_STR], to[ADDR_STR];

        if (sip_guard_trusts(t, flow))
                return true;
        buf_printf(&text, "a response from %s to what was asked of %s", addr_str(&flow->remote, from),
                   addr_str(asked, to));
        buf_char(&text, '\0');
        tell(trace, m, &text);
        buf_free(&text);
        return false;
}
