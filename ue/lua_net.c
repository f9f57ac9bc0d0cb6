/* SPDX-License-Identifier: BSD-3-Clause
 * Raw UDP sockets and TCP connections for scenarios: octets in, octets out, no SIP. */
#include <stdlib.h>

#include "common/net/udp.h"
#include "ue/lua_net_int.h"

#define UDP_META  "quintet.udp"
#define CONNS_MAX 1000

struct lua_udp {
        struct udp *u; /* NULL: closed */
        struct list queue;
};

/* --- UDP --- */

static void udp_on_recv(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct lua_udp *l = arg;

        (void)u;
        lua_queue_put(&l->queue, from, data);
}

/* udp(address) */
static int l_udp(lua_State *L)
{
        struct addr local = lua_check_addr(L, 1);
        struct lua_udp *l = lua_newuserdatauv(L, sizeof(*l), 0);
        int rc;

        l->u = NULL;
        list_init(&l->queue);
        luaL_setmetatable(L, UDP_META);
        rc = udp_open(scenario_of(L)->loop, &local, udp_on_recv, l, &l->u);
        return rc < 0 ? lua_fail(L, rc) : 1;
}

static struct lua_udp *check_udp(lua_State *L)
{
        return luaL_checkudata(L, 1, UDP_META);
}

static int udp_l_send(lua_State *L)
{
        struct lua_udp *l = check_udp(L);
        struct span data = lua_check_span(L, 2);
        struct addr to = lua_check_addr(L, 3);
        int rc = l->u ? udp_send(l->u, &to, data) : -IMS_ECLOSED;

        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        return 1;
}

static int udp_l_take(lua_State *L)
{
        return lua_queue_take(L, &check_udp(L)->queue);
}

static int push_addr(lua_State *L, const struct addr *a)
{
        char text[ADDR_STR];

        lua_pushstring(L, addr_str(a, text));
        return 1;
}

static int udp_l_local(lua_State *L)
{
        struct lua_udp *l = check_udp(L);

        return l->u ? push_addr(L, udp_local(l->u)) : lua_fail(L, -IMS_ECLOSED);
}

static int udp_l_close(lua_State *L)
{
        struct lua_udp *l = check_udp(L);

        udp_close(l->u);
        l->u = NULL;
        lua_queue_clear(&l->queue);
        return 0;
}

/* --- TCP connections --- */

static void conn_free(struct conn *c)
{
        lua_queue_clear(&c->queue);
        free(c->why);
        free(c);
}

static void conn_on_connect(struct tcp_conn *t, void *arg)
{
        struct conn *c = arg;

        c->connected = true;
        c->local = *tcp_local(t);
}

static void conn_on_data(struct tcp_conn *t, struct span data, void *arg)
{
        struct conn *c = arg;

        (void)t;
        lua_queue_put(&c->queue, NULL, data);
}

static void conn_on_close(struct tcp_conn *t, int reason, void *arg)
{
        struct conn *c = arg;

        if (*tls_failure(t))
                c->why = span_dup(span_of(tls_failure(t)));
        c->c = NULL;
        c->reason = reason;
        if (c->dropped)
                conn_free(c);
}

static const struct tcp_handlers conn_handlers = {conn_on_connect, conn_on_data, conn_on_close};

static struct conn *conn_new(void)
{
        struct conn *c = calloc(1, sizeof(*c));

        if (c)
                list_init(&c->queue);
        return c;
}

/* Lua is done with it. */
static void conn_drop(struct conn *c)
{
        if (!c)
                return;
        c->dropped = true;
        if (c->c)
                tcp_close(c->c, true);
        else
                conn_free(c);
}

static void push_conn(lua_State *L, struct conn *c)
{
        struct conn **u = lua_newuserdatauv(L, sizeof(struct conn *), 0);

        *u = c;
        luaL_setmetatable(L, CONN_META);
}

/* tcp_connect(local or nil, to, timeout_ms) */
static int l_tcp_connect(lua_State *L)
{
        struct addr local, to = lua_check_addr(L, 2);
        uint32_t timeout_ms = (uint32_t)luaL_checkinteger(L, 3);
        bool has_local = !lua_isnoneornil(L, 1);
        struct conn *c;
        int rc;

        if (has_local)
                local = lua_check_addr(L, 1);
        c = conn_new();
        if (!c)
                return luaL_error(L, "out of memory");
        c->remote = to;
        rc = tcp_connect(scenario_of(L)->loop, has_local ? &local : NULL, &to, timeout_ms, &conn_handlers, c,
                         &c->c);
        if (rc < 0) {
                conn_free(c);
                return lua_fail(L, rc);
        }
        push_conn(L, c);
        return 1;
}

struct conn *lua_check_conn(lua_State *L)
{
        struct conn **u = luaL_checkudata(L, 1, CONN_META);

        if (!*u)
                luaL_error(L, "the connection was closed by the scenario");
        return *u;
}

static int conn_l_send(lua_State *L)
{
        struct conn *c = lua_check_conn(L);
        int rc = c->c ? tcp_send(c->c, lua_check_span(L, 2)) : -IMS_ECLOSED;

        if (rc < 0)
                return lua_fail(L, rc);
        lua_pushboolean(L, 1);
        return 1;
}

static int conn_l_take(lua_State *L)
{
        return lua_queue_take(L, &lua_check_conn(L)->queue);
}

/* state() -> "connecting", "up" or "closed", and why */
static int conn_l_state(lua_State *L)
{
        struct conn *c = lua_check_conn(L);

        if (!c->c) {
                lua_pushstring(L, "closed");
                lua_pushstring(L, c->why      ? c->why
                                  : c->reason ? ims_strerror(c->reason)
                                              : "closed by the peer");
                return 2;
        }
        lua_pushstring(L, c->connected ? "up" : "connecting");
        return 1;
}

static int conn_l_local(lua_State *L)
{
        return push_addr(L, &lua_check_conn(L)->local);
}

static int conn_l_remote(lua_State *L)
{
        return push_addr(L, &lua_check_conn(L)->remote);
}

static int conn_l_close(lua_State *L)
{
        struct conn **u = luaL_checkudata(L, 1, CONN_META);
        struct conn *c = *u;

        *u = NULL;
        conn_drop(c);
        return 0;
}

/* --- TCP listeners --- */

static void listener_on_accept(struct tcp_conn *t, void *arg)
{
        struct lua_listener *l = arg;
        struct conn *c = conn_new();

        if (!c)
                return;
        c->c = t;
        c->connected = true;
        c->local = *tcp_local(t);
        c->remote = *tcp_remote(t);
        tcp_set_handlers(t, &conn_handlers, c);
        list_append(&l->waiting, &c->node);
        if (l->tls && lua_conn_tls(c, l->tls, NULL) < 0)
                tcp_close(t, false);
}

/* tcp_listen(address) */
static int l_tcp_listen(lua_State *L)
{
        struct addr local = lua_check_addr(L, 1);
        struct lua_listener *l = lua_newuserdatauv(L, sizeof(*l), 0);
        int rc;

        l->s = NULL;
        l->tls = NULL;
        list_init(&l->waiting);
        luaL_setmetatable(L, LISTENER_META);
        rc = tcp_listen(scenario_of(L)->loop, &local, CONNS_MAX, listener_on_accept, l, &l->s);
        return rc < 0 ? lua_fail(L, rc) : 1;
}

struct lua_listener *lua_check_listener(lua_State *L)
{
        return luaL_checkudata(L, 1, LISTENER_META);
}

/* take() -> the next accepted connection, or nothing */
static int listener_l_take(lua_State *L)
{
        struct lua_listener *l = lua_check_listener(L);
        struct conn *c;

        if (list_empty(&l->waiting))
                return 0;
        c = container_of(l->waiting.next, struct conn, node);
        list_unlink(&c->node);
        push_conn(L, c);
        return 1;
}

static int listener_l_local(lua_State *L)
{
        struct lua_listener *l = lua_check_listener(L);

        return l->s ? push_addr(L, tcp_listener_local(l->s)) : lua_fail(L, -IMS_ECLOSED);
}

static int listener_l_close(lua_State *L)
{
        struct lua_listener *l = lua_check_listener(L);

        if (l->s)
                tcp_listener_close(l->s);
        l->s = NULL;
        tls_context_free(l->tls);
        l->tls = NULL;
        list_for_each_safe(pos, tmp, &l->waiting)
        {
                list_unlink(pos);
                conn_drop(container_of(pos, struct conn, node));
        }
        return 0;
}

static const luaL_Reg udp_methods[] = {
        {"send", udp_l_send},   {"take", udp_l_take},  {"local_address", udp_l_local},
        {"close", udp_l_close}, {"__gc", udp_l_close}, {NULL, NULL},
};
static const luaL_Reg conn_methods[] = {
        {"send", conn_l_send},     {"take", conn_l_take},
        {"state", conn_l_state},   {"local_address", conn_l_local},
        {"remote", conn_l_remote}, {"close", conn_l_close},
        {"__gc", conn_l_close},    {NULL, NULL},
};
static const luaL_Reg listener_methods[] = {
        {"take", listener_l_take},
        {"local_address", listener_l_local},
        {"close", listener_l_close},
        {"__gc", listener_l_close},
        {NULL, NULL},
};
static const luaL_Reg functions[] = {
        {"udp", l_udp},
        {"tcp_connect", l_tcp_connect},
        {"tcp_listen", l_tcp_listen},
        {NULL, NULL},
};

void lua_open_net(lua_State *L)
{
        lua_new_class(L, UDP_META, udp_methods);
        lua_new_class(L, CONN_META, conn_methods);
        lua_new_class(L, LISTENER_META, listener_methods);
        luaL_getmetatable(L, CONN_META);
        luaL_setfuncs(L, lua_tls_conn_methods, 0);
        luaL_getmetatable(L, LISTENER_META);
        luaL_setfuncs(L, lua_tls_listener_methods, 0);
        lua_pop(L, 2);
        luaL_setfuncs(L, functions, 0);
}
