/* SPDX-License-Identifier: BSD-3-Clause
 * What a scenario sees of its phone: the outcome of a REGISTER procedure, the phone itself, its keep-alives.
 */
#include "common/trace/command.h"
#include "ue/lua_phone_int.h"
#include "ue/report.h"

/* The challenge seen last, with what the card said to it. */
static void push_challenge(lua_State *L, const struct reg_challenge *ch)
{
        static const char *const cards[] = {"ok", "mac_wrong", "amf_wrong", "sqn_repeated", "sqn_too_far"};
        uint8_t amf[2] = {(uint8_t)(ch->card.amf >> 8), (uint8_t)ch->card.amf};

        lua_newtable(L);
        lua_set_text(L, "nonce", ch->nonce);
        lua_set_text(L, "realm", ch->realm);
        lua_set_text(L, "algorithm", digest_algorithm_name(ch->algorithm));
        lua_set_hex(L, "rand", ch->rand, 16);
        lua_set_hex(L, "autn", ch->autn, 16);
        lua_set_text(L, "card", cards[ch->card.result]);
        lua_set_int(L, "sqn_ms", (lua_Integer)ch->card.sqn_ms);
        lua_set_bool(L, "swapped", ch->card.swapped);
        if (ch->card.result != ISIM_MAC_WRONG) {
                lua_set_int(L, "sqn", (lua_Integer)ch->card.sqn);
                lua_set_hex(L, "amf", amf, 2);
        }
        if (ch->card.result == ISIM_OK) {
                lua_set_hex(L, "res", ch->card.res, ch->card.res_n);
                lua_set_hex(L, "ck", ch->card.ck.b, 16);
                lua_set_hex(L, "ik", ch->card.ik.b, 16);
        }
        if (ch->card.result == ISIM_SQN_REPEATED || ch->card.result == ISIM_SQN_TOO_FAR)
                lua_set_hex(L, "auts", ch->card.auts, 14);
}

int lua_phone_result(lua_State *L, struct lua_phone *p)
{
        const struct reg_result *r = reg_result(p->reg);
        const struct reg_challenge *ch = reg_challenge(p->reg);
        struct buf command = BUF_INIT;

        lua_newtable(L);
        lua_set_text(L, "verdict", reg_outcome_name(r->outcome));
        lua_set_text(L, "text", reg_outcome_text(r->outcome));
        lua_set_bool(L, "ok", reg_outcome_ok(r->outcome));
        lua_set_bool(L, "registered", r->registered);
        lua_set_int(L, "status", r->status);
        lua_set_text(L, "reason", r->reason);
        lua_set_text(L, "warning", r->warning);
        lua_set_text(L, "retry_after", r->retry_after);
        lua_set_text(L, "why",
                     r->why                   ? r->why
                     : phone_tls_of(p->phone) ? phone_tls_why(phone_tls_of(p->phone))
                                              : NULL);
        lua_set_int(L, "expires", r->expires_s);
        lua_set_int(L, "challenges", r->challenges);
        lua_set_int(L, "mac_failures", r->mac_failures);
        lua_set_int(L, "sqn_failures", r->sqn_failures);
        lua_set_text(L, "service_route", r->service_route);
        lua_set_text(L, "p_associated_uri", r->associated_uri);
        lua_set_text(L, "path", r->path);
        report_command(p->reg, &command);
        lua_set_text(L, "command", command_text(&command));
        buf_free(&command);
        lua_set_text(L, "call_id", reg_call_id(p->reg));
        lua_set_int(L, "cseq", reg_cseq(p->reg));
        lua_set_text(L, "scheme", reg_scheme_name(reg_scheme(p->reg)));
        if (reg_scheme(p->reg) == REG_SCHEME_DIGEST) {
                lua_phone_push_digest(L, reg_digest(p->reg));
                lua_setfield(L, -2, "digest");
                lua_set_text(L, "auth_info", digest_info_name(r->auth_info));
        }
        if (ch->seen) {
                push_challenge(L, ch);
                lua_setfield(L, -2, "challenge");
        }
        return 1;
}

int lua_phone_info(lua_State *L, struct lua_phone *p)
{
        char text[ADDR_STR];

        lua_newtable(L);
        lua_set_text(L, "impi", reg_credential(p->reg)->impi);
        lua_set_text(L, "impu", p->impu);
        lua_set_text(L, "domain", p->cred.domain);
        lua_set_text(L, "credentials", credential_kind_name(reg_credential(p->reg)->kind));
        lua_set_text(L, "contact", reg_contact(p->reg));
        lua_set_text(L, "no_ipsec", phone_no_ipsec(p->phone));
        lua_set_text(L, "local_address", addr_str(phone_local(p->phone), text));
        lua_set_text(L, "pcscf", addr_str(phone_pcscf(p->phone), text));
        if (p->isim)
                lua_set_int(L, "sqn", (lua_Integer)isim_sqn(p->isim));
        return 1;
}

int lua_phone_kept(lua_State *L, struct lua_phone *p)
{
        struct phone_keep_state s;

        phone_kept(p->phone, &s);
        lua_newtable(L);
        lua_set_bool(L, "running", s.running);
        lua_set_int(L, "interval", s.interval_s);
        lua_set_int(L, "pings", s.pings);
        lua_set_int(L, "pongs", s.pongs);
        lua_set_int(L, "failures", s.failures);
        lua_set_int(L, "lost", p->lost);
        return 1;
}
