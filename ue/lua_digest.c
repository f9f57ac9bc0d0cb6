/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest of a scenario's phone: its options, Proxy-Authorization, a change of the password. */
#include "ue/lua_phone_int.h"
#include "ue/phone_instance.h"

#define OUTBOUND_REG_ID 1

int lua_phone_read_digest(lua_State *L, struct lua_phone *p, struct buf *err)
{
        struct span scheme = lua_opt_span(L, 1, "scheme"), list = lua_opt_span(L, 1, "digest_algorithms");
        const bool key = credential_has_key(&p->cred), password = credential_has_password(&p->digest_cred);
        lua_Integer reg_id = lua_opt_int(L, 1, "reg_id", 0);
        struct span outbound;

        p->conf.scheme = !password ? REG_SCHEME_AKA : key ? REG_SCHEME_ANY : REG_SCHEME_DIGEST;
        if ((scheme.p && reg_scheme_parse(scheme, &p->conf.scheme) < 0) ||
            (p->conf.scheme != REG_SCHEME_DIGEST && !key) ||
            (p->conf.scheme != REG_SCHEME_AKA && !password)) {
                buf_puts(err, "scheme: aka, digest or any, with credentials for it");
                return -IMS_ECONF;
        }
        if (list.p && digest_algorithms_parse(list, &p->conf.digest.algorithms) < 0) {
                buf_puts(err, "digest_algorithms: a list of MD5 and SHA-256");
                return -IMS_ECONF;
        }
        p->conf.digest.need_rspauth = lua_opt_bool(L, 1, "need_rspauth");
        p->conf.omit_authorization = lua_opt_bool(L, 1, "omit_authorization");
        outbound = lua_opt_span(L, 1, "outbound"); /* "yes", "no" */
        if (reg_id > 0)
                p->conf.reg_id = (unsigned)reg_id;
        else if (outbound.p ? span_eq(outbound, SPAN("yes")) : p->conf.scheme != REG_SCHEME_AKA)
                p->conf.reg_id = OUTBOUND_REG_ID;
        return 0;
}

char *lua_phone_instance(lua_State *L, const struct lua_phone *p)
{
        const char *given = lua_opt_text(L, 1, "instance");
        char made[PHONE_INSTANCE_MAX];

        if (given)
                return span_dup(span_of(given));
        if (!p->conf.reg_id)
                return NULL;
        phone_instance(p->cred.impi, made);
        return span_dup(span_of(made));
}

void lua_phone_push_digest(lua_State *L, const struct digest_client *d)
{
        lua_newtable(L);
        if (!d->known)
                return;
        lua_set_text(L, "realm", d->realm);
        lua_set_text(L, "nonce", d->nonce);
        lua_set_text(L, "opaque", d->opaque);
        lua_set_text(L, "qop", d->qop);
        lua_set_text(L, "algorithm", digest_algorithm_name(d->algorithm));
        lua_set_int(L, "nc", d->nc);
}

int lua_phone_proxy_challenge(lua_State *L, struct lua_phone *p)
{
        struct sip_msg *m = NULL;
        size_t used;
        int rc = sip_msg_parse(lua_check_span(L, 2), SIP_DATAGRAM, &m, &used);

        if (rc == 0)
                rc = digest_client_challenge(&p->proxy, m, SIP_HDR_PROXY_AUTHENTICATE, &p->conf.digest);
        sip_msg_unref(m);
        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        lua_pushboolean(L, p->proxy.stale);
        return 2;
}

int lua_phone_proxy_answer(lua_State *L, struct lua_phone *p)
{
        struct digest_answer a = {.username = p->digest_cred.impi,
                                  .password = p->digest_cred.password,
                                  .method = lua_check_span(L, 2),
                                  .uri = lua_check_span(L, 3),
                                  .body = lua_check_span(L, 4)};
        struct buf out = BUF_INIT;
        int rc = digest_client_answer(&p->proxy, &a, &out);

        if (rc == 0)
                lua_push_span(L, buf_as_span(&out));
        buf_free(&out);
        if (rc == -IMS_ENOTFOUND)
                return 0;
        return rc < 0 ? lua_fail(L, rc) : 1;
}

/* The password before is overwritten: nothing answers with it any more (TS 33.203 N.2.5). */
int lua_phone_set_password(lua_State *L, struct lua_phone *p)
{
        struct buf err = BUF_INIT;
        struct credential fresh = p->digest_cred;
        int rc = credential_set(&fresh, SPAN("password"), lua_check_span(L, 2), &err);

        buf_free(&err);
        if (rc == 0 && credential_has_password(&p->cred))
                memcpy(p->cred.password, fresh.password, sizeof(fresh.password));
        if (rc == 0)
                memcpy(p->digest_cred.password, fresh.password, sizeof(fresh.password));
        credential_wipe(&fresh);
        if (rc < 0)
                return luaL_error(L, "this cannot be a password");
        return 0;
}

int lua_phone_forget_challenge(lua_State *L, struct lua_phone *p)
{
        if (lua_isnoneornil(L, 2))
                reg_forget_challenge(p->reg);
        else
                digest_client_forget(&p->proxy);
        return 0;
}
