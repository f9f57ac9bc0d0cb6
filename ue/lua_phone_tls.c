/* SPDX-License-Identifier: BSD-3-Clause
 * TLS of a scenario's phone: its options, its connection. */
#include "ue/lua_net_int.h"
#include "ue/lua_phone_int.h"

static int read_texts(lua_State *L, struct tls_options *o, struct buf *err)
{
        static const char *const names[][2] = {
                {"security", "security"},       {"tls_ca", "tls-ca"},
                {"tls_name", "tls-name"},       {"tls_version", "tls-version"},
                {"tls_keylog", "tls-keylog"},   {"trust_domain", "trust-domain"},
                {"home_domain", "home-domain"}, {"home_ca", "home-ca"},
        };

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                const char *value = lua_opt_text(L, 1, names[i][0]), *wanted = "";

                if (value && tls_options_set(o, names[i][1], value, &wanted) < 0) {
                        buf_printf(err, "%s: %s", names[i][0], wanted);
                        return -IMS_ECONF;
                }
        }
        return 0;
}

/* http_proxy, http_proxy_user, http_proxy_password: a proxy for connections over TLS. */
static int read_proxy(lua_State *L, struct tls_options *o, struct buf *err)
{
        struct span user = lua_opt_span(L, 1, "http_proxy_user"),
                    password = lua_opt_span(L, 1, "http_proxy_password");

        o->conf.proxy = lua_opt_text(L, 1, "http_proxy");
        o->conf.proxy_auth = &o->proxy_auth;
        if ((user.p && proxy_auth_set_user(&o->proxy_auth, user) < 0) ||
            (password.p && proxy_auth_set_password(&o->proxy_auth, password) < 0)) {
                buf_puts(err,
                         "http_proxy_user, http_proxy_password: no control characters, no colon in the user");
                return -IMS_ECONF;
        }
        return proxy_auth_check(&o->proxy_auth, o->conf.proxy, err);
}

int lua_phone_read_tls(lua_State *L, struct tls_options *o, enum transport *clear, struct buf *err)
{
        struct span transport = lua_opt_span(L, 1, "transport");

        if (transport.p && transport_parse(transport, clear) < 0) {
                buf_puts(err, "transport: udp, tcp or tls");
                return -IMS_ECONF;
        }
        if (transport.p && *clear == TRANSPORT_TLS) {
                *clear = TRANSPORT_TCP;
                o->conf.variant = TLS_VARIANT_FIRST;
        }
        o->secure_only = lua_opt_bool(L, 1, "secure_only");
        o->conf.port = (uint16_t)lua_opt_int(L, 1, "tls_port", 0);
        if (read_texts(L, o, err) < 0 || read_proxy(L, o, err) < 0)
                return -IMS_ECONF;
        tls_options_finish(o);
        return 0;
}

int lua_phone_tls(lua_State *L, struct lua_phone *p)
{
        struct phone_tls *t = phone_tls_of(p->phone);
        struct phone_tls_state s;
        char text[ADDR_STR];

        if (!t)
                return 0;
        phone_tls_state(t, &s);
        if (s.up)
                lua_push_tls_info(L, &s.info);
        else
                lua_newtable(L);
        lua_set_bool(L, "up", s.up);
        lua_set_int(L, "handshakes", s.handshakes);
        lua_set_int(L, "resumptions", s.resumed);
        lua_set_int(L, "connections", s.connections);
        lua_set_int(L, "ended", s.ended);
        lua_set_int(L, "lost", p->lost);
        lua_set_text(L, "why", phone_tls_why(t));
        if (s.up) {
                lua_set_text(L, "local_address", addr_str(&s.flow.local, text));
        }
        return 1;
}

int lua_phone_cut(lua_State *L, struct lua_phone *p)
{
        if (!phone_tls_of(p->phone))
                return lua_fail(L, -IMS_ENOTFOUND);
        phone_tls_cut(phone_tls_of(p->phone));
        lua_pushboolean(L, 1);
        return 1;
}

int lua_phone_renegotiate(lua_State *L, struct lua_phone *p)
{
        int rc = phone_tls_of(p->phone) ? phone_tls_renegotiate(phone_tls_of(p->phone)) : -IMS_ENOTFOUND;

        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        return 1;
}
