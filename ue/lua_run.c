/* SPDX-License-Identifier: BSD-3-Clause
 * "ue run FILE.lua [ARGS]": the scenario is the main program, and the loop runs while it waits. */
#include <stdio.h>
#include <stdlib.h>

#include <lualib.h>
#include <sys/resource.h>

#include "common/base/log.h"
#include "ue/commands.h"
#include "ue/lua_scenario.h"
#include "ue/sa_host.h"

#define EXIT_FAILED 1
#define PATH_MAX_N  4096

/* A scenario may play many phones, with two descriptors each. */
static void raise_descriptor_limit(void)
{
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) != 0)
                return;
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
}

static void on_pump(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
}

/* pump(ms): runs the loop until something happened, ms at most */
static int l_pump(lua_State *L)
{
        struct scenario *s = scenario_of(L);
        lua_Integer ms = luaL_checkinteger(L, 1);

        if (tmr_start(s->loop, &s->pump, (uint64_t)ms, on_pump, NULL) < 0)
                return luaL_error(L, "out of memory");
        loop_once(s->loop);
        tmr_stop(s->loop, &s->pump);
        return s->terminated ? luaL_error(L, "the scenario was told to end") : 0;
}

static int traceback(lua_State *L)
{
        if (lua_isstring(L, 1))
                luaL_traceback(L, L, lua_tostring(L, 1), 1);
        return 1;
}

static int load_prelude(lua_State *L, int core)
{
        for (const struct lua_source *s = lua_prelude; s->name; s++) {
                char chunk[64];

                (void)snprintf(chunk, sizeof(chunk), "=ue/lua/%s", s->name);
                if (luaL_loadbuffer(L, (const char *)s->text, s->n, chunk) != LUA_OK)
                        return lua_error(L);
                lua_pushvalue(L, core);
                lua_call(L, 1, 0);
        }
        return 0;
}

/* package.path: beside the scenario and in its folder lib */
static void set_path(lua_State *L, const char *file)
{
        const char *slash = strrchr(file, '/');
        int n = slash ? (int)(slash - file) : 1;
        const char *dir = slash ? file : ".";

        lua_getglobal(L, "package");
        dir = lua_pushlstring(L, dir, (size_t)n);
        lua_pushfstring(L, "%s/lib/?.lua;%s/?.lua;", dir, dir);
        lua_getfield(L, -3, "path");
        lua_concat(L, 2);
        lua_setfield(L, -3, "path");
        lua_pop(L, 2);
}

static void set_args(lua_State *L, int argc, char **argv)
{
        lua_newtable(L);
        for (int i = 0; i < argc; i++) {
                lua_pushstring(L, argv[i]);
                lua_rawseti(L, -2, i); /* arg[0] is the file */
        }
        lua_setglobal(L, "arg");
}

/* In protected mode: arguments are argc and argv (light). */
static int scenario_main(lua_State *L)
{
        int argc = (int)lua_tointeger(L, 1);
        char **argv = lua_touserdata(L, 2);

        luaL_openlibs(L);
        lua_newtable(L); /* core, at 3 */
        lua_pushcfunction(L, l_pump);
        lua_setfield(L, -2, "pump");
        lua_open_codec(L);
        lua_open_auth(L);
        lua_open_fs(L);
        lua_open_net(L);
        lua_open_tls(L);
        lua_open_phone(L);
        lua_open_proc(L);
        load_prelude(L, 3);
        set_path(L, argv[0]);
        set_args(L, argc, argv);
        if (luaL_loadfile(L, argv[0]) != LUA_OK)
                return lua_error(L);
        lua_call(L, 0, 1);
        return 1;
}

/* What the scenario ended with: nothing or true is success, a number its exit code; {exit_code=} comes from
 * os.exit. */
static int exit_code_of(lua_State *L, int status)
{
        int code = EXIT_FAILED;

        if (status == LUA_OK) {
                if (lua_isinteger(L, -1))
                        return (int)lua_tointeger(L, -1);
                return lua_isnil(L, -1) || lua_toboolean(L, -1) ? 0 : EXIT_FAILED;
        }
        if (lua_istable(L, -1) && lua_getfield(L, -1, "exit_code") == LUA_TNUMBER)
                return (int)lua_tointeger(L, -1);
        if (lua_istable(L, -1))
                lua_pop(L, 1);
        (void)fprintf(stderr, "ue: %s\n", luaL_tolstring(L, -1, NULL));
        return code;
}

static int run_scenario(lua_State *L, int argc, char **argv)
{
        int status;

        lua_pushcfunction(L, traceback);
        lua_pushcfunction(L, scenario_main);
        lua_pushinteger(L, argc);
        lua_pushlightuserdata(L, argv);
        status = lua_pcall(L, 2, 1, 1);
        (void)fflush(stdout);
        return exit_code_of(L, status);
}

int command_run(int argc, char **argv)
{
        struct scenario s = {0};
        lua_State *L = NULL;
        enum log_level level = LOG_ERROR;
        const char *word = getenv("QUINTET_UE_LOG");
        int code = EXIT_USAGE;

        if (argc < 2) {
                (void)fprintf(stderr, "ue: run FILE.lua [ARGS]\n");
                return EXIT_USAGE;
        }
        if (word && log_level_parse(span_of(word), &level) < 0)
                (void)fprintf(stderr, "ue: QUINTET_UE_LOG: no level of that name\n");
        log_init("ue", level);
        raise_descriptor_limit();
        if (loop_new(&s.loop) < 0)
                return EXIT_USAGE;
        L = luaL_newstate();
        if (L) {
                *(struct scenario **)lua_getextraspace(L) = &s;
                code = run_scenario(L, argc - 1, argv + 1);
                lua_close(L);
        }
        sa_host_free(s.host); /* the phones are gone */
        /* what the finalizers closed needs a last turn of the loop */
        uv_run(loop_uv(s.loop), UV_RUN_NOWAIT);
        loop_free(s.loop);
        return code;
}
