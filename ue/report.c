/* SPDX-License-Identifier: BSD-3-Clause
 * Telling the result of a procedure. */
#include "ue/report.h"

#include <inttypes.h>
#include <time.h>

#include "common/trace/command.h"

static void line(struct buf *out, const char *name, const char *value)
{
        if (value)
                buf_printf(out, "  %-18s %s\n", name, value);
}

/* "2026-01-31 12:00:00 UTC", so many seconds from now. */
static void wall_clock(uint32_t from_now_s, char out[static 32])
{
        time_t at = time(NULL) + (time_t)from_now_s;
        struct tm tm;

        if (!gmtime_r(&at, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
                out[0] = '\0';
}

static const struct ue_sa *current_sas(const struct reg_conf *conf)
{
        return conf->security ? ue_sa_in(security_table(conf->security), UE_SA_CURRENT) : NULL;
}

/* Suite, mode, ports and SPIs of the SAs; or why there are none. */
static void text_security(const struct reg_conf *conf, struct buf *out)
{
        const struct ue_sa *set = current_sas(conf);
        const struct sec_ends *u, *p;
        struct buf b = BUF_INIT;

        if (!set) {
                if (conf->security || conf->security_note)
                        buf_printf(out, "  %-18s none: %s\n", "security",
                                   conf->security ? "the network does not do IPsec" : conf->security_note);
                return;
        }
        u = &set->p.ue_ends;
        p = &set->p.pcscf_ends;
        sec_suite_write(set->p.suite, &b);
        buf_printf(out, "  %-18s ipsec-3gpp, " SPAN_FMT ", %s\n", "security", SPAN_ARG(buf_as_span(&b)),
                   sec_mode_name(set->p.mode));
        buf_printf(out, "  %-18s UE %u client, %u server; P-CSCF %u client, %u server\n", "protected ports",
                   u->port_c, u->port_s, p->port_c, p->port_s);
        buf_printf(out,
                   "  %-18s UE %" PRIu32 " client, %" PRIu32 " server; P-CSCF %" PRIu32 " client, %" PRIu32
                   " server\n",
                   "SPIs", u->spi_c, u->spi_s, p->spi_c, p->spi_s);
        buf_free(&b);
}

static void text_digest(const struct registration *r, struct buf *out)
{
        if (reg_scheme(r) != REG_SCHEME_DIGEST)
                return;
        buf_printf(out, "  %-18s SIP Digest, %s, the network %s\n", "scheme",
                   digest_algorithm_name(reg_digest(r)->algorithm),
                   reg_result(r)->auth_info == DIGEST_INFO_GOOD ? "knows the password (rspauth)"
                                                                : "sent no rspauth");
}

static void text_ok(const struct registration *r, struct buf *out)
{
        const struct reg_result *res = reg_result(r);
        const struct reg_conf *conf = reg_conf(r);
        char until[32];

        if (res->outcome == REG_OUT_deregistered) {
                buf_printf(out, "de-registered: %s\n", conf->impu);
                return;
        }
        wall_clock(res->expires_s, until);
        buf_printf(out, "%s: %s until %s (%" PRIu32 " s)\n",
                   res->outcome == REG_OUT_refreshed ? "refreshed" : "registered", conf->impu, until,
                   res->expires_s);
        line(out, "IMPI", reg_credential(r)->impi);
        line(out, "credentials", credential_kind_name(reg_credential(r)->kind));
        text_digest(r, out);
        line(out, "way", conf->way_note);
        line(out, "Contact", reg_contact(r));
        line(out, "P-Associated-URI", res->associated_uri);
        line(out, "Service-Route", res->service_route);
        line(out, "Path", res->path);
        text_security(conf, out);
        if (conf->tls_said && conf->tls_said->version)
                buf_printf(out, "  %-18s %s, %s%s; certificate of %s\n", "TLS", conf->tls_said->version,
                           conf->tls_said->cipher, conf->tls_said->resumed ? ", resumed" : "",
                           conf->tls_said->certificate ? conf->tls_said->certificate : "nobody");
}

/* What is wrong with the security, in words. */
static const char *why_of(const struct registration *r)
{
        const struct reg_tls_said *tls = reg_conf(r)->tls_said;

        if (reg_result(r)->outcome == REG_OUT_tls_failed && tls && tls->why && tls->why[0])
                return tls->why;
        return reg_result(r)->why;
}

static const char *hint_of(const struct registration *r)
{
        const struct reg_result *res = reg_result(r);

        if (res->outcome == REG_OUT_mac_mismatch && reg_challenge(r)->card.swapped)
                return reg_credential(r)->op_n
                               ? "the value given as OP is the OPc of this SIM: give it with --opc"
                               : "the value given as OPc is the OP of the operator: give it with --op";
        return reg_outcome_hint(res->outcome);
}

/* What the card saw and would say, for the HSS: RES of a challenge that the card refused is of no other use.
 */
void report_command(const struct registration *r, struct buf *out)
{
        const struct reg_challenge *ch = reg_challenge(r);
        const enum reg_outcome outcome = reg_result(r)->outcome;

        if (!ch->seen || (outcome != REG_OUT_mac_mismatch && outcome != REG_OUT_sqn_refused))
                return;
        command_diagnose(out, span_of(reg_credential(r)->impi));
        command_hex(out, "rand", ch->rand, sizeof(ch->rand));
        command_hex(out, "autn", ch->autn, sizeof(ch->autn));
        if (outcome == REG_OUT_sqn_refused)
                command_hex(out, "auts", ch->card.auts, sizeof(ch->card.auts));
        else
                command_hex(out, "res", ch->card.own_res, ch->card.own_res_n);
}

static void text_bad(const struct registration *r, const struct reg_conf *conf, struct buf *out)
{
        const struct reg_result *res = reg_result(r);
        struct buf command = BUF_INIT;
        const char *what = reg_kind(r) == REG_KIND_DEREGISTER ? "not de-registered" : "not registered";

        buf_printf(out, "%s: %s: %s", what, conf->impu, reg_outcome_text(res->outcome));
        if (res->status)
                buf_printf(out, " (%d %s)", res->status, res->reason ? res->reason : "");
        buf_char(out, '\n');
        line(out, "because", why_of(r));
        line(out, "Warning", res->warning);
        line(out, "Retry-After", res->retry_after);
        if (hint_of(r)[0])
                line(out, "look at", hint_of(r));
        report_command(r, &command);
        line(out, "run", command_text(&command));
        buf_free(&command);
        if (res->registered)
                line(out, "note", "the earlier registration still stands");
}

void report_text(const struct registration *r, struct buf *out)
{
        const struct reg_result *res = reg_result(r);
        const struct reg_conf *conf = reg_conf(r);

        if (reg_outcome_ok(res->outcome))
                text_ok(r, out);
        else
                text_bad(r, conf, out);
        if (res->sqn_failures && reg_outcome_ok(res->outcome))
                line(out, "note", "the SIM refused an SQN (AUTS was sent) and the HSS followed");
        if (res->mac_failures && reg_outcome_ok(res->outcome))
                line(out, "note", "the SIM refused a challenge (MAC wrong) before it accepted one");
}

static void json_text(struct buf *out, const char *name, const char *value)
{
        if (!value)
                return;
        buf_char(out, ',');
        buf_json_member(out, name, span_of(value));
}

static void json_ends(struct buf *out, const char *end, const struct sec_ends *e)
{
        buf_printf(out, ",\"port_%sc\":%u,\"port_%ss\":%u,\"spi_%sc\":%" PRIu32 ",\"spi_%ss\":%" PRIu32, end,
                   e->port_c, end, e->port_s, end, e->spi_c, end, e->spi_s);
}

static void json_security(const struct reg_conf *conf, struct buf *out)
{
        const struct ue_sa *set = current_sas(conf);
        struct buf suite = BUF_INIT;
        char ip[ADDR_STR];

        if (!set) {
                json_text(out, "security_note", conf->security_note);
                return;
        }
        sec_suite_write(set->p.suite, &suite);
        buf_printf(out, ",\"security\":{\"mechanism\":\"ipsec-3gpp\",\"suite\":\"" SPAN_FMT "\"",
                   SPAN_ARG(buf_as_span(&suite)));
        json_text(out, "mode", sec_mode_name(set->p.mode));
        json_text(out, "ue_address", addr_ip_str(&set->p.ue, false, ip));
        json_ends(out, "u", &set->p.ue_ends);
        json_ends(out, "p", &set->p.pcscf_ends);
        buf_char(out, '}');
        buf_free(&suite);
}

static void json_tls(const struct reg_conf *conf, struct buf *out)
{
        const struct reg_tls_said *tls = conf->tls_said;

        if (!tls || !tls->version)
                return;
        buf_printf(out, ",\"tls\":{\"resumed\":%s", tls->resumed ? "true" : "false");
        json_text(out, "version", tls->version);
        json_text(out, "cipher", tls->cipher);
        json_text(out, "certificate", tls->certificate);
        buf_char(out, '}');
}

void report_json(const struct registration *r, struct buf *out)
{
        const struct reg_result *res = reg_result(r);
        const struct reg_conf *conf = reg_conf(r);
        struct buf command = BUF_INIT;

        buf_printf(out, "{\"outcome\":\"%s\",\"ok\":%s,\"status\":%d", reg_outcome_name(res->outcome),
                   reg_outcome_ok(res->outcome) ? "true" : "false", res->status);
        json_text(out, "reason", res->reason);
        json_text(out, "warning", res->warning);
        json_text(out, "retry_after", res->retry_after);
        json_text(out, "impi", reg_credential(r)->impi);
        json_text(out, "impu", conf->impu);
        json_text(out, "credentials", credential_kind_name(reg_credential(r)->kind));
        json_text(out, "scheme", reg_scheme_name(reg_scheme(r)));
        if (reg_scheme(r) == REG_SCHEME_DIGEST) {
                json_text(out, "algorithm", digest_algorithm_name(reg_digest(r)->algorithm));
                json_text(out, "auth_info", digest_info_name(res->auth_info));
        }
        json_text(out, "way", conf->way_note);
        json_text(out, "contact", reg_contact(r));
        json_text(out, "call_id", reg_call_id(r));
        buf_printf(out,
                   ",\"registered\":%s,\"expires_s\":%" PRIu32 ",\"challenges\":%u,\"mac_failures\":%u,"
                   "\"sqn_failures\":%u",
                   res->registered ? "true" : "false", res->expires_s, res->challenges, res->mac_failures,
                   res->sqn_failures);
        json_text(out, "service_route", res->service_route);
        json_text(out, "p_associated_uri", res->associated_uri);
        json_text(out, "path", res->path);
        json_security(conf, out);
        json_tls(conf, out);
        json_text(out, "why", why_of(r));
        json_text(out, "text", reg_outcome_text(res->outcome));
        if (hint_of(r)[0])
                json_text(out, "hint", hint_of(r));
        report_command(r, &command);
        json_text(out, "command", command_text(&command));
        buf_free(&command);
        buf_puts(out, "}\n");
}

/* The cause of our list that says the same; the decision of the network is the network's verdict, not ours.
 */
static bool cause_of(enum reg_outcome o, enum verdict_cause *out)
{
        switch (o) {
        case REG_OUT_mac_mismatch:
        case REG_OUT_amf_refused:
                *out = CAUSE_mac_mismatch;
                return true;
        case REG_OUT_sqn_refused:
                *out = CAUSE_sqn_repeated;
                return true;
        case REG_OUT_no_answer:
        case REG_OUT_unreachable:
                *out = CAUSE_next_hop_unreachable;
                return true;
        case REG_OUT_rspauth_wrong:
        case REG_OUT_rspauth_missing:
                *out = CAUSE_network_not_authenticated;
                return true;
        case REG_OUT_tls_failed:
                *out = CAUSE_tls_failed;
                return true;
        case REG_OUT_realm_foreign:
                *out = CAUSE_realm_foreign;
                return true;
        case REG_OUT_security_unacceptable:
        case REG_OUT_security_no_mode:
        case REG_OUT_security_missing:
                *out = CAUSE_security_unacceptable;
                return true;
        case REG_OUT_bad_challenge:
        case REG_OUT_bad_answer:
                *out = CAUSE_malformed;
                return true;
        case REG_OUT_card_failed:
        case REG_OUT_kernel_refused:
        case REG_OUT_internal_error:
                *out = CAUSE_internal_error;
                return true;
        default:
                return false;
        }
}

void report_verdict(const struct registration *r, struct trace *t)
{
        static const enum verdict_procedure procedures[] = {
                [REG_KIND_REGISTER] = VERDICT_REGISTRATION,
                [REG_KIND_REFRESH] = VERDICT_REFRESH,
                [REG_KIND_DEREGISTER] = VERDICT_DEREGISTRATION,
        };
        const struct reg_result *res = reg_result(r);
        const struct reg_conf *conf = reg_conf(r);
        struct buf command = BUF_INIT;
        struct verdict v = {
                .procedure = procedures[reg_kind(r)],
                .outcome = VERDICT_FAILED,
                .status = res->status,
                .clause = "TS 24.229 5.1.1",
                .evidence = why_of(r) ? why_of(r) : reg_outcome_text(res->outcome),
                .impi = span_of(reg_credential(r)->impi),
                .impu = span_of(conf->impu),
                .call_id = span_of(reg_call_id(r)),
        };

        report_command(r, &command);
        v.command = command_text(&command);
        if (cause_of(res->outcome, &v.cause))
                trace_verdict(t, &v);
        buf_free(&command);
}
