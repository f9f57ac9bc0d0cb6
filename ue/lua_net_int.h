/* SPDX-License-Identifier: BSD-3-Clause
 * Connections of scenarios, shared by lua_net.c and lua_tls.c. */
#pragma once

#include "common/net/tls.h"
#include "ue/lua_scenario.h"

#define LISTENER_META "quintet.tcp_listener"
#define CONN_META     "quintet.tcp_conn"

/* Lives until Lua has dropped it and the connection is closed, whichever is later. */
struct conn {
        struct tcp_conn *c; /* NULL: closed */
        struct list queue;
        struct list node; /* in the listener's queue until it is accepted */
        struct addr remote, local;
        bool connected, dropped;
        int reason;
        char *why;           /* TLS failed, in words */
        unsigned handshakes; /* of TLS */
};

struct lua_listener {
        struct tcp_listener *s;
        struct list waiting;     /* of struct conn */
        struct tls_context *tls; /* for connections that are accepted, or NULL */
};

/* The userdata at 1; an error in the scenario when it was closed. */
struct conn *lua_check_conn(lua_State *L);
struct lua_listener *lua_check_listener(lua_State *L);

/* Puts TLS under the connection. name: of the server, NULL: its address. Errors of tls_start. */
int lua_conn_tls(struct conn *c, struct tls_context *ctx, const char *name) IMS_CHECK;

/* Pushes {version, cipher, session_id, resumed, verified, subject, names}. */
void lua_push_tls_info(lua_State *L, const struct tls_info *info);

extern const luaL_Reg lua_tls_conn_methods[], lua_tls_listener_methods[];
