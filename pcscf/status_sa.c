/* SPDX-License-Identifier: BSD-3-Clause
 * A set of security associations as text and as JSON, with the kernel's counters. */
#include "pcscf/pcscf.h"

static void sa_json(const struct pcscf *p, const struct sa_set *s, enum sa_way w, struct buf *out)
{
        struct sa_counters c = {0};
        struct addr from, to;

        sa_selector(&s->params, w, &from, &to);
        (void)!sa_count(p->ipsec->kernel, &s->params, w, &c);
        buf_printf(
                out,
                "{\"sa\":\"%s\",\"spi\":%u,\"from_port\":%u,\"to_port\":%u,\"bytes\":%llu,\"packets\":%llu,"
                "\"integrity_failed\":%u,\"replayed\":%u}",
                sa_way_name(w), sa_spi(&s->params, w), addr_port(&from), addr_port(&to),
                (unsigned long long)c.bytes, (unsigned long long)c.packets, c.integrity_failed, c.replay);
}

static unsigned long long age_s(const struct pcscf *p, const struct sa_set *s)
{
        return (loop_now_ms(p->loop) - s->made_ms) / 1000;
}

static unsigned long long left_s(const struct pcscf *p, const struct sa_set *s)
{
        uint64_t now_ms = loop_now_ms(p->loop);

        return s->expires_ms > now_ms ? (s->expires_ms - now_ms) / 1000 : 0;
}

void status_set_json(const struct pcscf *p, const struct sa_set *s, struct buf *out)
{
        const struct sa_params *q = &s->params;
        char ip[ADDR_STR], own[ADDR_STR];

        buf_puts(out, "{\"association\":\"ipsec\",\"impi\":\"");
        buf_json(out, sa_assoc_impi(s->assoc));
        buf_puts(out, "\",\"impus\":[");
        status_impus(p, (struct assoc){ASSOC_IPSEC, s->assoc->id}, true, out);
        buf_printf(out,
                   "],\"state\":\"%s\",\"ue\":\"%s\",\"pcscf\":\"%s\",\"port_uc\":%u,\"port_us\":%u,\"port_"
                   "pc\":%u,"
                   "\"port_ps\":%u,\"spi_uc\":%u,\"spi_us\":%u,\"spi_pc\":%u,\"spi_ps\":%u,\"alg\":\"%s\","
                   "\"ealg\":\"%s\",\"mode\":\"%s\",\"age_s\":%llu,\"expires_s\":%llu,\"transactions\":%u,"
                   "\"emergency\":%s,\"reg_id\":%u",
                   sa_set_state_name(s), addr_ip_str(&q->ue, false, ip), addr_ip_str(&q->pcscf, false, own),
                   q->ue_ends.port_c, q->ue_ends.port_s, q->pcscf_ends.port_c, q->pcscf_ends.port_s,
                   q->ue_ends.spi_c, q->ue_ends.spi_s, q->pcscf_ends.spi_c, q->pcscf_ends.spi_s,
                   sec_alg_name(q->suite.alg), sec_ealg_name(q->suite.ealg), sec_mode_name(q->mode),
                   age_s(p, s), left_s(p, s), s->n_used, s->assoc->sos ? "true" : "false", s->assoc->reg_id);
        if (q->mode == SEC_MODE_UDP_ENC_TUN) /* the encapsulation table of M.7.2 */
                buf_printf(out, ",\"port_uenc\":%u,\"encap_port\":%d", q->port_uenc, SA_ENCAP_PORT);
        buf_puts(out, ",\"sas\":[");
        for (int w = 0; w < SA_WAYS; w++) {
                buf_puts(out, w ? "," : "");
                sa_json(p, s, (enum sa_way)w, out);
        }
        buf_puts(out, "]}");
}

void status_set_text(const struct pcscf *p, const struct sa_set *s, struct buf *out)
{
        const struct sa_params *q = &s->params;
        char ip[ADDR_STR];
        struct buf suite = BUF_INIT;

        sec_suite_write(q->suite, &suite);
        buf_printf(out, SPAN_FMT " at %s: %s, " SPAN_FMT ", %s", SPAN_ARG(sa_assoc_impi(s->assoc)),
                   addr_ip_str(&q->ue, false, ip), sa_set_state_name(s), SPAN_ARG(buf_as_span(&suite)),
                   sec_mode_name(q->mode));
        buf_free(&suite);
        if (q->mode == SEC_MODE_UDP_ENC_TUN)
                buf_printf(out, " by UDP port %u", q->port_uenc);
        buf_printf(out, ", age %llu s, ends in %llu s\n  IMPUs ", age_s(p, s), left_s(p, s));
        status_impus(p, (struct assoc){ASSOC_IPSEC, s->assoc->id}, false, out);
        buf_char(out, '\n');
        for (int w = 0; w < SA_WAYS; w++) {
                struct sa_counters c = {0};
                struct addr from, to;

                sa_selector(q, (enum sa_way)w, &from, &to);
                (void)!sa_count(p->ipsec->kernel, q, (enum sa_way)w, &c);
                buf_printf(out, "  %s port %5u -> %5u  spi %10u  %llu packets, %llu octets",
                           sa_sender((enum sa_way)w) == SA_END_UE ? "in " : "out", addr_port(&from),
                           addr_port(&to), sa_spi(q, (enum sa_way)w), (unsigned long long)c.packets,
                           (unsigned long long)c.bytes);
                if (c.integrity_failed || c.replay)
                        buf_printf(out, ", %u failed their check, %u replayed", c.integrity_failed, c.replay);
                buf_char(out, '\n');
        }
}
