/* SPDX-License-Identifier: BSD-3-Clause
 * TLS of scenarios that play a network: contexts, and connections that are given one. */
#include <stdlib.h>

#include "ue/lua_net_int.h"

#define CONTEXT_META "quintet.tls_context"

static struct tls_context *check_context(lua_State *L, int arg)
{
        struct tls_context **u = luaL_checkudata(L, arg, CONTEXT_META);

        return *u;
}

static bool text_is(lua_State *L, const char *name, const char *text)
{
        return span_eq(lua_opt_span(L, 1, name), span_of(text));
}

/* tls_context{role="server"|"client", certificate, key, ca, verify_clients, min_version, max_version, null,
 * keylog, renegotiation_ms, client_renegotiations} -> context, or nil and why */
static int l_context(lua_State *L)
{
        const struct tls_conf conf = {
                .certificate = (char *)lua_opt_text(L, 1, "certificate"),
                .key = (char *)lua_opt_text(L, 1, "key"),
                .ca = (char *)lua_opt_text(L, 1, "ca"),
                .verify_clients = lua_opt_bool(L, 1, "verify_clients"),
                .min_version = text_is(L, "min_version", "1.3") ? 1 : 0,
                .max_version = text_is(L, "max_version", "1.2") ? 1 : 0,
                .null_encryption = text_is(L, "null_encryption", "allow")    ? TLS_NULL_ALLOW
                                   : text_is(L, "null_encryption", "prefer") ? TLS_NULL_PREFER
                                                                             : TLS_NULL_OFF,
                .keylog = (char *)lua_opt_text(L, 1, "keylog"),
                .client_renegotiations = (uint32_t)lua_opt_int(L, 1, "client_renegotiations", 0),
        };
        enum tls_role role = text_is(L, "role", "client") ? TLS_CLIENT : TLS_SERVER;
        struct tls_context **u = lua_newuserdatauv(L, sizeof(struct tls_context *), 0);
        struct buf err = BUF_INIT;
        int rc;

        *u = NULL;
        luaL_setmetatable(L, CONTEXT_META);
        rc = tls_context_new(&conf, role, u, &err);
        if (rc == 0) {
                buf_free(&err);
                return 1;
        }
        lua_pushnil(L);
        lua_push_span(L, err.n ? span_trim(buf_as_span(&err)) : span_of(ims_strerror(rc)));
        buf_free(&err);
        return 2;
}

static int context_l_sessions(lua_State *L)
{
        lua_pushinteger(L, (lua_Integer)tls_context_sessions(check_context(L, 1)));
        return 1;
}

static int context_l_forget(lua_State *L)
{
        tls_context_forget_all(check_context(L, 1));
        return 0;
}

static int context_l_gc(lua_State *L)
{
        struct tls_context **u = luaL_checkudata(L, 1, CONTEXT_META);

        tls_context_free(*u);
        *u = NULL;
        return 0;
}

static void on_session(struct tcp_conn *t, const struct tls_info *info, void *arg)
{
        struct conn *c = arg;

        (void)t;
        (void)info;
        c->handshakes++;
}

int lua_conn_tls(struct conn *c, struct tls_context *ctx, const char *name)
{
        const struct tls_hooks hooks = {.on_session = on_session, .arg = c};

        return c->c ? tls_start(c->c, ctx, name, &hooks) : -IMS_ECLOSED;
}

/* start_tls(context [, name]) -> true, or nil and why; up when handshakes() is 1 */
static int conn_l_start_tls(lua_State *L)
{
        int rc = lua_conn_tls(lua_check_conn(L), check_context(L, 2), luaL_optstring(L, 3, NULL));

        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        return 1;
}

void lua_push_tls_info(lua_State *L, const struct tls_info *info)
{
        lua_newtable(L);
        lua_set_text(L, "version", info->version);
        lua_set_text(L, "cipher", info->cipher);
        lua_set_text(L, "subject", info->subject);
        lua_set_hex(L, "session_id", info->session_id, info->session_id_n);
        lua_set_bool(L, "resumed", info->resumed);
        lua_set_bool(L, "verified", info->verified);
        lua_newtable(L);
        for (size_t i = 0; i < info->n_names; i++) {
                lua_pushstring(L, info->names[i]);
                lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_setfield(L, -2, "names");
}

/* tls() -> {version, cipher, session_id, resumed, names, handshakes}, or nothing before the handshake is done
 */
static int conn_l_tls(lua_State *L)
{
        struct conn *c = lua_check_conn(L);
        struct tls_info info;

        if (!c->c || !tls_info_of(c->c, &info))
                return 0;
        lua_push_tls_info(L, &info);
        lua_set_int(L, "handshakes", c->handshakes);
        return 1;
}

static int conn_l_renegotiate(lua_State *L)
{
        struct conn *c = lua_check_conn(L);
        int rc = c->c ? tls_renegotiate(c->c) : -IMS_ECLOSED;

        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        return 1;
}

static int conn_l_forget(lua_State *L)
{
        struct conn *c = lua_check_conn(L);

        if (c->c)
                tls_forget(c->c);
        return 0;
}

/* use_tls(context): for connections accepted from now on */
static int listener_l_use_tls(lua_State *L)
{
        struct lua_listener *l = lua_check_listener(L);
        struct tls_context *ctx = tls_context_ref(check_context(L, 2));

        tls_context_free(l->tls);
        l->tls = ctx;
        return 0;
}

const luaL_Reg lua_tls_conn_methods[] = {
        {"start_tls", conn_l_start_tls},   {"tls", conn_l_tls}, {"renegotiate", conn_l_renegotiate},
        {"forget_session", conn_l_forget}, {NULL, NULL},
};
const luaL_Reg lua_tls_listener_methods[] = {{"use_tls", listener_l_use_tls}, {NULL, NULL}};
static const luaL_Reg context_methods[] = {{"sessions", context_l_sessions},
                                           {"forget_all", context_l_forget},
                                           {"__gc", context_l_gc},
                                           {NULL, NULL}};
static const luaL_Reg functions[] = {{"tls_context", l_context}, {NULL, NULL}};

void lua_open_tls(lua_State *L)
{
        lua_new_class(L, CONTEXT_META, context_methods);
        luaL_setfuncs(L, functions, 0);
}
