/* SPDX-License-Identifier: BSD-3-Clause
 * Helpers of the bindings; and codec, clock and randomness for scenarios. */
#include <stdlib.h>
#include <time.h>

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "common/sip/stack.h"
#include "ue/lua_scenario.h"

#define RANDOM_MAX 65536

int lua_fail_text(lua_State *L, const char *text)
{
        lua_pushnil(L);
        lua_pushstring(L, text);
        return 2;
}

int lua_fail(lua_State *L, int err)
{
        return lua_fail_text(L, ims_strerror(err));
}

void lua_push_span(lua_State *L, struct span s)
{
        lua_pushlstring(L, s.n ? s.p : "", s.n);
}

void lua_push_hex(lua_State *L, const void *p, size_t n)
{
        luaL_Buffer b;
        char *to = luaL_buffinitsize(L, &b, 2 * n + 1);

        hex_encode(p, n, to);
        luaL_pushresultsize(&b, 2 * n);
}

void lua_set_text(lua_State *L, const char *name, const char *text)
{
        lua_pushstring(L, text);
        lua_setfield(L, -2, name);
}

void lua_set_int(lua_State *L, const char *name, lua_Integer n)
{
        lua_pushinteger(L, n);
        lua_setfield(L, -2, name);
}

void lua_set_bool(lua_State *L, const char *name, bool on)
{
        lua_pushboolean(L, on);
        lua_setfield(L, -2, name);
}

void lua_set_hex(lua_State *L, const char *name, const void *p, size_t n)
{
        lua_push_hex(L, p, n);
        lua_setfield(L, -2, name);
}

struct span lua_check_span(lua_State *L, int arg)
{
        size_t n;
        const char *p = luaL_checklstring(L, arg, &n);

        return span_make(p, n);
}

struct span lua_opt_span(lua_State *L, int arg, const char *name)
{
        struct span s = SPAN_NULL;

        if (lua_getfield(L, arg, name) != LUA_TNIL) {
                if (!lua_isstring(L, -1))
                        luaL_error(L, "%s: a string is wanted, this is a %s", name, luaL_typename(L, -1));
                s.p = lua_tolstring(L, -1, &s.n);
                if (lua_type(L, -1) == LUA_TNUMBER) /* keep the text alive: store it in place of the number */
                        luaL_error(L, "%s: a string is wanted, this is a number", name);
        }
        lua_pop(L, 1);
        return s;
}

const char *lua_opt_text(lua_State *L, int arg, const char *name)
{
        return lua_opt_span(L, arg, name).p;
}

lua_Integer lua_opt_int(lua_State *L, int arg, const char *name, lua_Integer otherwise)
{
        lua_Integer n = otherwise;
        int ok = 1;

        if (lua_getfield(L, arg, name) != LUA_TNIL)
                n = lua_tointegerx(L, -1, &ok);
        if (!ok)
                luaL_error(L, "%s: a whole number is wanted, this is a %s", name, luaL_typename(L, -1));
        lua_pop(L, 1);
        return n;
}

bool lua_opt_bool(lua_State *L, int arg, const char *name)
{
        bool on;

        lua_getfield(L, arg, name);
        on = lua_toboolean(L, -1);
        lua_pop(L, 1);
        return on;
}

bool lua_opt_hex(lua_State *L, int arg, const char *name, void *out, size_t n)
{
        struct span text = lua_opt_span(L, arg, name);

        if (!text.p)
                return false;
        if (hex_decode(text, out, n) < 0)
                luaL_error(L, "%s: %d hex digits are wanted, here are %d octets", name, (int)(2 * n),
                           (int)text.n);
        return true;
}

struct addr lua_check_addr(lua_State *L, int arg)
{
        struct addr a;

        if (addr_parse(lua_check_span(L, arg), 0, &a) < 0)
                luaL_error(L, "\"%s\" is not an address", lua_tostring(L, arg));
        return a;
}

void lua_queue_put(struct list *queue, const struct addr *from, struct span data)
{
        struct lua_item *it = malloc(sizeof(*it) + data.n);

        if (!it)
                return;
        memset(&it->node, 0, sizeof(it->node));
        it->from[0] = '\0';
        if (from)
                addr_str(from, it->from);
        it->n = data.n;
        if (data.n)
                memcpy(it->data, data.p, data.n);
        list_append(queue, &it->node);
}

int lua_queue_take(lua_State *L, struct list *queue)
{
        struct lua_item *it;

        if (list_empty(queue))
                return 0;
        it = container_of(queue->next, struct lua_item, node);
        lua_pushlstring(L, it->data, it->n);
        lua_pushstring(L, it->from);
        list_unlink(&it->node);
        free(it);
        return 2;
}

void lua_queue_clear(struct list *queue)
{
        list_for_each_safe(pos, tmp, queue)
        {
                list_unlink(pos);
                free(container_of(pos, struct lua_item, node));
        }
}

void lua_new_class(lua_State *L, const char *meta, const luaL_Reg *methods)
{
        luaL_newmetatable(L, meta);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
        luaL_setfuncs(L, methods, 0);
        lua_pop(L, 1);
}

static int l_hex_encode(lua_State *L)
{
        struct span s = lua_check_span(L, 1);

        lua_push_hex(L, s.p, s.n);
        return 1;
}

static int l_hex_decode(lua_State *L)
{
        struct span s = lua_check_span(L, 1);
        luaL_Buffer b;
        char *to = luaL_buffinitsize(L, &b, s.n / 2 + 1);

        if (s.n % 2 || hex_decode(s, to, s.n / 2) < 0)
                return lua_fail_text(L, "not hex");
        luaL_pushresultsize(&b, s.n / 2);
        return 1;
}

static int l_base64_encode(lua_State *L)
{
        struct span s = lua_check_span(L, 1);
        luaL_Buffer b;
        char *to = luaL_buffinitsize(L, &b, BASE64_SIZE(s.n));

        base64_encode(s.p, s.n, to);
        luaL_pushresultsize(&b, BASE64_SIZE(s.n) - 1);
        return 1;
}

static int l_base64_decode(lua_State *L)
{
        struct span s = lua_check_span(L, 1);
        luaL_Buffer b;
        size_t n = 0;
        char *to = luaL_buffinitsize(L, &b, s.n + 1);

        if (base64_decode(s, to, s.n, &n) < 0)
                return lua_fail_text(L, "not base64");
        luaL_pushresultsize(&b, n);
        return 1;
}

/* random(n): n octets */
static int l_random(lua_State *L)
{
        lua_Integer n = luaL_checkinteger(L, 1);
        luaL_Buffer b;
        char *to;

        luaL_argcheck(L, n >= 0 && n <= RANDOM_MAX, 1, "0 to 65536 octets");
        to = luaL_buffinitsize(L, &b, (size_t)n + 1);
        if (secret_random(to, (size_t)n) < 0)
                return luaL_error(L, "no random numbers");
        luaL_pushresultsize(&b, (size_t)n);
        return 1;
}

static int l_token(lua_State *L)
{
        char t[17];

        sip_token(t);
        lua_pushstring(L, t);
        return 1;
}

/* Seconds of the monotonic clock. */
static int l_now(lua_State *L)
{
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        lua_pushnumber(L, (lua_Number)ts.tv_sec + (lua_Number)ts.tv_nsec / 1e9);
        return 1;
}

static const luaL_Reg functions[] = {
        {"hex_encode", l_hex_encode},
        {"hex_decode", l_hex_decode},
        {"base64_encode", l_base64_encode},
        {"base64_decode", l_base64_decode},
        {"random", l_random},
        {"token", l_token},
        {"now", l_now},
        {NULL, NULL},
};

void lua_open_codec(lua_State *L)
{
        luaL_setfuncs(L, functions, 0);
}
