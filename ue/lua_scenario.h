/* SPDX-License-Identifier: BSD-3-Clause
 * What the Lua bindings share. Everything here returns at once: waiting is done in Lua (lua/task.lua), which
 * runs the loop by core.pump() between looks at these objects. Callbacks of the loop only change C state,
 * they never call Lua. */
#pragma once

#include <lauxlib.h>
#include <lua.h>

#include "common/base/buf.h"
#include "common/net/addr.h"
#include "common/net/loop.h"

struct sa_host;

struct scenario {
        struct loop *loop;
        struct tmr pump;
        struct sa_host *host; /* of phones with IPsec; NULL: none so far */
        bool ends_well;       /* SIGTERM sets terminated */
        bool terminated;      /* told to end: every wait is an error from now on, so that phones are closed */
};

static inline struct scenario *scenario_of(lua_State *L)
{
        return *(struct scenario **)lua_getextraspace(L);
}

/* Adds the functions of one area to the table core, which is on top of the stack. */
void lua_open_codec(lua_State *L); /* hex, base64, random octets, time */
void lua_open_auth(lua_State *L);  /* digest and AKA */
void lua_open_phone(lua_State *L); /* the phone: stack, card, REGISTER procedure */
void lua_open_net(lua_State *L);   /* raw UDP and TCP */
void lua_open_tls(lua_State *L);   /* TLS under those */
void lua_open_proc(lua_State *L);  /* processes */
void lua_open_fs(lua_State *L);    /* files and folders */

/* Makes a metatable that is its own __index. */
void lua_new_class(lua_State *L, const char *meta, const luaL_Reg *methods);

/* The prelude: Lua sources linked into the program, in the order they are run; ends with name NULL. */
struct lua_source {
        const char *name;
        const unsigned char *text;
        size_t n;
};
extern const struct lua_source lua_prelude[];

/* Pushes nil and the text of the error; returns 2. */
int lua_fail(lua_State *L, int err);
int lua_fail_text(lua_State *L, const char *text);

void lua_push_span(lua_State *L, struct span s);
void lua_push_hex(lua_State *L, const void *p, size_t n);
struct span lua_check_span(lua_State *L, int arg);

/* Members of the table on top of the stack; a text that is NULL is none. */
void lua_set_text(lua_State *L, const char *name, const char *text);
void lua_set_int(lua_State *L, const char *name, lua_Integer n);
void lua_set_bool(lua_State *L, const char *name, bool on);
void lua_set_hex(lua_State *L, const char *name, const void *p, size_t n);

/* Optional members of the table at arg; a value of another type is an error in the scenario. The text lives
 * as long as the table keeps it. */
const char *lua_opt_text(lua_State *L, int arg, const char *name);
struct span lua_opt_span(lua_State *L, int arg, const char *name);
lua_Integer lua_opt_int(lua_State *L, int arg, const char *name, lua_Integer otherwise);
bool lua_opt_bool(lua_State *L, int arg, const char *name);

/* Exactly n octets given as hex in member name; an error in the scenario otherwise. False when absent. */
bool lua_opt_hex(lua_State *L, int arg, const char *name, void *out, size_t n);

/* "ADDRESS:PORT" or an error in the scenario. */
struct addr lua_check_addr(lua_State *L, int arg);

/* A queue of octets with where they came from. */
struct lua_item {
        struct list node;
        char from[ADDR_STR];
        size_t n;
        char data[];
};
void lua_queue_put(struct list *queue, const struct addr *from, struct span data);
/* Pushes data and from, and takes them away; pushes nothing and returns 0 when the queue is empty. */
int lua_queue_take(lua_State *L, struct list *queue);
void lua_queue_clear(struct list *queue);
