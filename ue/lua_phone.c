/* SPDX-License-Identifier: BSD-3-Clause
 * The phone for scenarios: its stack, card and REGISTER procedure in single steps. The procedure itself is
 * driven in Lua (lua/phone.lua), so that every message passes the hands of the scenario. */
#include <stdlib.h>

#include "ue/lua_phone_int.h"
#include "ue/report.h"

static struct lua_phone *check_phone(lua_State *L)
{
        struct lua_phone **u = luaL_checkudata(L, 1, PHONE_META);

        if (!*u)
                luaL_error(L, "this phone was closed");
        return *u;
}

static void on_request(struct sip_request *rq, void *arg)
{
        struct lua_phone *p = arg;
        struct inbound *in = calloc(1, sizeof(*in));

        if (!in) {
                if (rq->msg->method == SIP_ACK)
                        sip_request_unref(rq);
                else
                        sip_reply(rq, 500, NULL, NULL, 0);
                return;
        }
        in->rq = rq;
        list_append(&p->requests, &in->node);
}

static void on_lost(void *arg)
{
        struct lua_phone *p = arg;

        p->lost++;
}

/* --- construction --- */

static const char *const credential_fields[] = {
        "impi", "impu", "domain", "imsi", "algorithm", "k",
        "op",   "opc",  "top",    "topc", "sqn_file",  "password",
};
static const char *const credential_numbers[] = {"mnc_digits", "res_octets", "keccak_iterations",
                                                 "sqn_ind_bits", "sqn_delta"};

static int read_fields(lua_State *L, struct credential *c, struct buf *err)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < sizeof(credential_fields) / sizeof(credential_fields[0]); i++) {
                struct span v = lua_opt_span(L, 1, credential_fields[i]);

                if (v.p)
                        rc = credential_set(c, span_of(credential_fields[i]), v, err);
        }
        for (size_t i = 0; rc == 0 && i < sizeof(credential_numbers) / sizeof(credential_numbers[0]); i++) {
                lua_Integer n = lua_opt_int(L, 1, credential_numbers[i], -1);
                char text[24];

                (void)snprintf(text, sizeof(text), "%lld", (long long)n);
                if (n >= 0)
                        rc = credential_set(c, span_of(credential_numbers[i]), span_of(text), err);
        }
        return rc;
}

/* Credential files isim, usim and imc, else the fields of the table. */
static int read_credential(lua_State *L, struct lua_phone *p, struct buf *err)
{
        static const struct {
                const char *name;
                enum credential_kind kind;
        } files[] = {{"isim", CREDENTIAL_ISIM}, {"usim", CREDENTIAL_USIM}, {"imc", CREDENTIAL_IMC}};
        struct credential sets[3] = {0};
        const struct credential *key, *password;
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < 3; i++) {
                const char *file = lua_opt_text(L, 1, files[i].name);

                if (!file)
                        continue;
                rc = credential_load(file, files[i].kind, &sets[i], err);
                if (rc == 0)
                        rc = credential_finish(&sets[i], false, err);
        }
        key = credential_choose_key(sets, 3);
        password = credential_choose_password(sets, 3);
        if (rc == 0 && (key || password)) {
                p->cred = key ? *key : *password;
                if (password)
                        p->digest_cred = *password;
        } else if (rc == 0) {
                p->cred.kind = lua_opt_text(L, 1, "k") || !lua_opt_text(L, 1, "password") ? CREDENTIAL_ISIM
                                                                                          : CREDENTIAL_IMC;
                rc = read_fields(L, &p->cred, err);
                if (rc == 0)
                        rc = credential_finish(&p->cred, true, err);
                if (rc == 0)
                        p->digest_cred = p->cred;
        }
        secret_wipe(sets, sizeof(sets));
        return rc;
}

static char *opt_dup(lua_State *L, const char *name, const char *otherwise)
{
        const char *text = lua_opt_text(L, 1, name);

        return text || otherwise ? span_dup(span_of(text ? text : otherwise)) : NULL;
}

/* given: the whole URI, or NULL; params: what is added to ours, or NULL. */
static int make_contact(struct lua_phone *p, const char *given, const char *params)
{
        struct span impu = span_of(p->impu);
        ptrdiff_t at = span_chr(impu, '@', 0);
        struct buf b = BUF_INIT;

        if (given)
                buf_puts(&b, given);
        else
                phone_contact(p->phone, at > 4 ? span_sub(impu, 4, (size_t)at) : SPAN_NULL, &b);
        if (!given && params)
                buf_printf(&b, ";%s", params);
        free(p->contact);
        p->contact = buf_steal(&b);
        return p->contact ? 0 : -IMS_ENOMEM;
}

/* A set without a key has no card. */
static int open_card(lua_State *L, struct lua_phone *p, struct buf *err)
{
        int rc;

        if (!credential_has_key(&p->cred))
                return 0;
        rc = isim_new(&p->cred, p->cred.sqn_file[0] ? p->cred.sqn_file : NULL, &p->isim, err);
        if (rc == 0)
                isim_check_amf(p->isim, lua_opt_bool(L, 1, "amf_check"));
        return rc;
}

/* tls: zeroed; wiped by the caller. */
static int open_phone(lua_State *L, struct lua_phone *p, struct tls_options *tls, struct buf *err)
{
        struct phone_conf conf = {
                .pcscf = lua_opt_text(L, 1, "pcscf"),
                .local = lua_opt_text(L, 1, "local_addr"),
                .t1_ms = (uint32_t)lua_opt_int(L, 1, "t1_ms", 0),
                .t2_ms = (uint32_t)lua_opt_int(L, 1, "t2_ms", 0),
                .t4_ms = (uint32_t)lua_opt_int(L, 1, "t4_ms", 0),
                .udp_max = (uint32_t)lua_opt_int(L, 1, "udp_max", 0),
                .trace_file = lua_opt_text(L, 1, "trace"),
        };
        struct ipsec_options ipsec_said = {.want = IPSEC_OFF};
        struct phone_ipsec_conf ipsec;
        int rc;

        if (!conf.pcscf) { /* both are of the same lab */
                conf.pcscf = getenv("QUINTET_PCSCF");
                if (!conf.local)
                        conf.local = getenv("QUINTET_UE_ADDR");
        }
        if (!conf.pcscf) {
                buf_puts(err, "pcscf is missing");
                return -IMS_ECONF;
        }
        rc = lua_phone_read_tls(L, tls, &conf.transport, err);
        if (rc < 0)
                return rc;
        if (!lua_opt_text(L, 1, "pcscf") && !tls->conf.port)
                tls->conf.port = SIPS_PORT; /* the port in the variable is not that of TLS */
        conf.tls = tls_options_conf(tls);
        rc = read_credential(L, p, err);
        if (rc < 0)
                return rc;
        rc = lua_phone_read_digest(L, p, err);
        if (rc == 0)
                rc = open_card(L, p, err);
        if (rc < 0)
                return rc;
        rc = lua_phone_read_ipsec(L, &ipsec_said, &ipsec, err);
        if (rc < 0)
                return rc;
        conf.ipsec = rc ? &ipsec : NULL;
        conf.keep = p->conf.reg_id != 0;
        rc = phone_new(scenario_of(L)->loop, &conf, on_request, p, &p->phone, err);
        if (rc < 0)
                return rc;
        p->impu = opt_dup(L, "register_impu", p->cred.impu[0]);
        p->instance = lua_phone_instance(L, p);
        p->access_network = opt_dup(L, "access_network", NULL);
        p->contact_params = opt_dup(L, "contact_params", NULL);
        rc = p->impu ? make_contact(p, lua_opt_text(L, 1, "contact"), p->contact_params) : -IMS_ENOMEM;
        if (rc < 0)
                return rc;
        /* the scheme is in it already */
        p->conf.cred = &p->cred;
        p->conf.digest_cred = credential_has_password(&p->digest_cred) ? &p->digest_cred : NULL;
        p->conf.isim = p->isim;
        p->conf.impu = p->impu;
        p->conf.contact = p->contact;
        p->conf.instance = p->instance;
        p->conf.access_network = p->access_network;
        p->conf.security = phone_security(p->phone);
        p->conf.security_note = phone_no_ipsec(p->phone);
        p->conf.tls = phone_tls_guard_of(p->phone);
        p->conf.secure_only = tls->secure_only;
        p->conf.trusts_realm = tls->conf.trust_domain ? phone_tls_trusts_realm : NULL;
        p->conf.trusts_arg = phone_tls_of(p->phone);
        phone_on_lost(p->phone, on_lost, p);
        p->conf.contact_fixed = lua_opt_text(L, 1, "contact") != NULL;
        return reg_new(&p->conf, &p->reg);
}

static void free_phone(struct lua_phone *p)
{
        if (!p)
                return;
        lua_phone_drop_transactions(p);
        digest_client_forget(&p->proxy);
        reg_free(p->reg);
        phone_free(p->phone);
        isim_free(p->isim);
        free(p->impu);
        free(p->contact);
        free(p->contact_params);
        free(p->instance);
        free(p->access_network);
        secret_free(p, sizeof(*p));
}

/* phone{...} -> phone, or nil and why */
static int l_phone(lua_State *L)
{
        struct buf err = BUF_INIT;
        struct tls_options tls = {0};
        struct lua_phone **u, *p;
        int rc;

        luaL_checktype(L, 1, LUA_TTABLE);
        u = lua_newuserdatauv(L, sizeof(struct lua_phone *), 0);
        *u = p = calloc(1, sizeof(*p));
        if (!p)
                return luaL_error(L, "out of memory");
        list_init(&p->requests);
        list_init(&p->transactions);
        list_init(&p->taken);
        luaL_setmetatable(L, PHONE_META);
        rc = open_phone(L, p, &tls, &err);
        proxy_auth_wipe(&tls.proxy_auth);
        if (rc == 0) {
                buf_free(&err);
                return 1;
        }
        free_phone(p);
        *u = NULL;
        lua_pushnil(L);
        lua_push_span(L, span_trim(buf_as_span(&err)));
        buf_free(&err);
        return 2;
}

static int phone_l_close(lua_State *L)
{
        struct lua_phone **u = luaL_checkudata(L, 1, PHONE_META);
        struct lua_phone *p = *u;

        *u = NULL;
        free_phone(p);
        return 0;
}

/* --- the REGISTER procedure in steps --- */

static int push_text(lua_State *L, struct buf *text, int rc)
{
        if (rc < 0) {
                buf_free(text);
                return lua_fail(L, rc);
        }
        lua_push_span(L, buf_as_span(text));
        buf_free(text);
        return 1;
}

/* start(kind, expires_s, clear, once) -> text of the first REGISTER; clear: unprotected though there are SAs;
 * once: nothing is tried again */
static int phone_l_start(lua_State *L)
{
        static const char *const kinds[] = {"register", "refresh", "deregister", NULL};
        struct lua_phone *p = check_phone(L);
        enum reg_kind kind = (enum reg_kind)luaL_checkoption(L, 2, NULL, kinds);
        lua_Integer expires_s = luaL_optinteger(L, 3, 600000);
        const struct reg_wish wish = {.clear = lua_toboolean(L, 4), .once = lua_toboolean(L, 5)};
        struct buf text = BUF_INIT;
        int rc;

        reg_wish(p->reg, &wish);
        rc = reg_start(p->reg, kind, (uint32_t)expires_s, &text);
        if (rc == -IMS_EPERM) { /* the scheme is not for this access */
                buf_free(&text);
                return lua_fail_text(L, reg_outcome_text(reg_result(p->reg)->outcome));
        }
        if (rc < 0 && reg_result(p->reg)->why) {
                buf_free(&text);
                return lua_fail_text(L, reg_result(p->reg)->why);
        }
        return push_text(L, &text, rc);
}

/* answer(text of a final response) -> text of the next REGISTER, or false when the procedure is done */
static int phone_l_answer(lua_State *L)
{
        struct lua_phone *p = check_phone(L);
        struct sip_msg *m = NULL;
        struct buf text = BUF_INIT;
        size_t used;
        int rc = sip_msg_parse(lua_check_span(L, 2), SIP_DATAGRAM, &m, &used);

        if (rc < 0)
                return lua_fail(L, rc);
        rc = m->is_request ? -IMS_EPROTO : reg_answer(p->reg, m, loop_now_ms(scenario_of(L)->loop), &text);
        if (rc == REG_NEXT_DONE)
                phone_answered(p->phone, p->reg, m);
        phone_settle(p->phone);
        sip_msg_unref(m);
        if (rc != REG_NEXT_DONE)
                return push_text(L, &text, rc);
        buf_free(&text);
        lua_pushboolean(L, 0);
        return 1;
}

/* no_answer("timeout" | "unreachable" | "silent") -> text of the next REGISTER, or false when the procedure
 * is done */
static int phone_l_no_answer(lua_State *L)
{
        static const char *const names[] = {"timeout", "unreachable", "silent", NULL};
        static const int errors[] = {-IMS_ETIMEOUT, -IMS_EUNREACH, -IMS_ECANCELED};
        struct lua_phone *p = check_phone(L);
        struct buf text = BUF_INIT;
        int err = errors[luaL_checkoption(L, 2, NULL, names)];
        int rc = reg_no_answer(p->reg, err == -IMS_ECANCELED ? err : phone_error(p->phone, err), &text);

        if (rc != REG_NEXT_DONE)
                return push_text(L, &text, rc);
        buf_free(&text);
        phone_settle(p->phone);
        report_verdict(p->reg, phone_trace(p->phone));
        lua_pushboolean(L, 0);
        return 1;
}

/* --- what it is --- */

static int phone_l_result(lua_State *L)
{
        return lua_phone_result(L, check_phone(L));
}

static int phone_l_info(lua_State *L)
{
        return lua_phone_info(L, check_phone(L));
}

static int phone_l_kept(lua_State *L)
{
        return lua_phone_kept(L, check_phone(L));
}

static int phone_l_set_sqn(lua_State *L)
{
        struct isim *card = check_phone(L)->isim;
        int rc = card ? isim_set_sqn(card, (uint64_t)luaL_checkinteger(L, 2)) : -IMS_ENOTFOUND;

        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        return 1;
}

/* The URI that a REGISTER names in To and From from now on. */
static int phone_l_set_impu(lua_State *L)
{
        struct lua_phone *p = check_phone(L);
        char *impu = span_dup(lua_check_span(L, 2));

        if (!impu)
                return luaL_error(L, "out of memory");
        free(p->impu);
        p->impu = impu;
        reg_set_impu(p->reg, impu);
        return 0;
}

/* move("ADDRESS[:PORT]") -> true, or nil and why: what is pending is dropped */
static int phone_l_move(lua_State *L)
{
        struct lua_phone *p = check_phone(L);
        const char *to = luaL_checkstring(L, 2);
        struct buf err = BUF_INIT;
        int rc;

        lua_phone_drop_transactions(p);
        rc = phone_move(p->phone, to, &err);
        if (rc == 0 && !p->conf.contact_fixed) {
                rc = make_contact(p, NULL, p->contact_params);
                if (rc == 0)
                        reg_set_contact(p->reg, p->contact);
        }
        if (rc == 0)
                lua_pushboolean(L, 1);
        else
                (void)lua_fail_text(L, ims_strerror(rc));
        if (rc < 0 && err.n) {
                lua_pop(L, 1);
                lua_push_span(L, span_trim(buf_as_span(&err)));
        }
        buf_free(&err);
        return rc < 0 ? 2 : 1;
}

static int phone_l_sas(lua_State *L)
{
        return lua_phone_sas(L, check_phone(L));
}

static int phone_l_security(lua_State *L)
{
        return lua_phone_security(L, check_phone(L));
}

static int phone_l_held(lua_State *L)
{
        return lua_phone_held(L, check_phone(L));
}

static int phone_l_play(lua_State *L)
{
        return lua_phone_play(L, check_phone(L));
}

static int phone_l_send(lua_State *L)
{
        return lua_phone_send(L, check_phone(L));
}

static int phone_l_next_request(lua_State *L)
{
        return lua_phone_next_request(L, check_phone(L));
}

static int phone_l_proxy_challenge(lua_State *L)
{
        return lua_phone_proxy_challenge(L, check_phone(L));
}

static int phone_l_proxy_answer(lua_State *L)
{
        return lua_phone_proxy_answer(L, check_phone(L));
}

static int phone_l_tls(lua_State *L)
{
        return lua_phone_tls(L, check_phone(L));
}

static int phone_l_cut(lua_State *L)
{
        return lua_phone_cut(L, check_phone(L));
}

static int phone_l_renegotiate(lua_State *L)
{
        return lua_phone_renegotiate(L, check_phone(L));
}

static int phone_l_set_password(lua_State *L)
{
        return lua_phone_set_password(L, check_phone(L));
}

static int phone_l_forget_challenge(lua_State *L)
{
        return lua_phone_forget_challenge(L, check_phone(L));
}

static const luaL_Reg methods[] = {
        {"proxy_challenge", phone_l_proxy_challenge},
        {"proxy_answer", phone_l_proxy_answer},
        {"tls", phone_l_tls},
        {"kept", phone_l_kept},
        {"cut", phone_l_cut},
        {"renegotiate", phone_l_renegotiate},
        {"set_password", phone_l_set_password},
        {"forget_challenge", phone_l_forget_challenge},
        {"start", phone_l_start},
        {"answer", phone_l_answer},
        {"result", phone_l_result},
        {"no_answer", phone_l_no_answer},
        {"info", phone_l_info},
        {"set_sqn", phone_l_set_sqn},
        {"send", phone_l_send},
        {"next_request", phone_l_next_request},
        {"set_impu", phone_l_set_impu},
        {"close", phone_l_close},
        {"move", phone_l_move},
        {"sas", phone_l_sas},
        {"security", phone_l_security},
        {"held", phone_l_held},
        {"play", phone_l_play},
        {"__gc", phone_l_close},
        {NULL, NULL},
};
static const luaL_Reg functions[] = {{"phone", l_phone}, {NULL, NULL}};

void lua_open_phone(lua_State *L)
{
        lua_new_class(L, PHONE_META, methods);
        lua_phone_open_transactions(L);
        luaL_setfuncs(L, functions, 0);
}
