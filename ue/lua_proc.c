/* SPDX-License-Identifier: BSD-3-Clause
 * Processes for scenarios: the programs under test. A process dies with the scenario that started it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ue/lua_scenario.h"

#define PROC_META "quintet.proc"
#define ARGS_MAX  256
#define READY_FD  3

/* Freed when Lua dropped it and both handles are closed. */
struct proc {
        pid_t pid;
        uv_poll_t exit_poll, ready_poll;
        int pidfd, ready_fd; /* -1: closed */
        bool exited, ready, ready_closed, dropped;
        int code, signal;
        unsigned handles; /* open libuv handles */
};

struct plan {
        char *argv[ARGS_MAX + 1], *env[ARGS_MAX + 1];
        const char *out, *err, *cwd;
        bool ready;
};

static void proc_release(struct proc *p)
{
        if (p->dropped && p->handles == 0)
                free(p);
}

static void on_handle_closed(uv_handle_t *h)
{
        struct proc *p = h->data;

        p->handles--;
        proc_release(p);
}

static void close_ready(struct proc *p)
{
        if (p->ready_fd < 0)
                return;
        uv_close((uv_handle_t *)&p->ready_poll, on_handle_closed);
        close(p->ready_fd);
        p->ready_fd = -1;
        p->ready_closed = true;
}

static void on_ready(uv_poll_t *h, int status, int events)
{
        struct proc *p = h->data;
        char text[32];
        ssize_t n = read(p->ready_fd, text, sizeof(text));

        (void)status;
        (void)events;
        if (n > 0)
                p->ready = true;
        else if (n == 0 || errno != EAGAIN)
                close_ready(p);
}

static void reap(struct proc *p, int options)
{
        int status;

        if (p->exited || waitpid(p->pid, &status, options) != p->pid)
                return;
        p->exited = true;
        p->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        p->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        if (p->pidfd >= 0) {
                uv_close((uv_handle_t *)&p->exit_poll, on_handle_closed);
                close(p->pidfd);
                p->pidfd = -1;
        }
}

static void on_exit_poll(uv_poll_t *h, int status, int events)
{
        (void)status;
        (void)events;
        reap(h->data, WNOHANG);
}

static void redirect(const char *path, int fd)
{
        int to = open(path ? path : "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY | O_CREAT | O_APPEND, 0600);

        if (to >= 0)
                (void)dup2(to, fd);
}

/* In the new process: only calls that are safe after fork. */
static void child(const struct plan *plan, int ready_fd, pid_t parent)
{
        sigset_t none;

        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(126);
        redirect(NULL, 0);
        redirect(plan->out, 1);
        redirect(plan->err, 2);
        if (ready_fd == READY_FD)
                (void)fcntl(ready_fd, F_SETFD, 0);
        else if (ready_fd >= 0)
                (void)dup2(ready_fd, READY_FD);
        if (plan->cwd && chdir(plan->cwd) < 0)
                _exit(126);
        if (plan->argv[0])
                execvpe(plan->argv[0], plan->argv, plan->env);
        _exit(127);
}

static int watch(struct scenario *s, struct proc *p)
{
        p->pidfd = pidfd_open(p->pid, 0);
        if (p->pidfd < 0 || uv_poll_init(loop_uv(s->loop), &p->exit_poll, p->pidfd) < 0)
                return -IMS_EIO;
        p->exit_poll.data = p;
        p->handles++;
        if (uv_poll_start(&p->exit_poll, UV_READABLE, on_exit_poll) < 0)
                return -IMS_EIO;
        if (p->ready_fd < 0)
                return 0;
        if (uv_poll_init(loop_uv(s->loop), &p->ready_poll, p->ready_fd) < 0)
                return -IMS_EIO;
        p->ready_poll.data = p;
        p->handles++;
        return uv_poll_start(&p->ready_poll, UV_READABLE | UV_DISCONNECT, on_ready) < 0 ? -IMS_EIO : 0;
}

static int proc_start(struct scenario *s, const struct plan *plan, struct proc *p)
{
        int fds[2] = {-1, -1};
        pid_t self = getpid();

        p->pidfd = p->ready_fd = -1;
        if (plan->ready && pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -IMS_EIO;
        p->pid = fork();
        if (p->pid == 0)
                child(plan, fds[1], self);
        if (fds[1] >= 0)
                close(fds[1]);
        p->ready_fd = fds[0];
        if (p->pid < 0) {
                if (fds[0] >= 0)
                        close(fds[0]);
                p->ready_fd = -1;
                return -IMS_EIO;
        }
        return watch(s, p);
}

/* --- reading the plan --- */

static void read_argv(lua_State *L, struct plan *plan)
{
        lua_Integer n = (lua_Integer)lua_rawlen(L, 1);

        if (n < 1 || n > ARGS_MAX)
                luaL_error(L, "1 to 256 arguments");
        for (lua_Integer i = 1; i <= n; i++) {
                if (lua_rawgeti(L, 1, i) != LUA_TSTRING)
                        luaL_error(L, "argument %d is not a string", (int)i);
                plan->argv[i - 1] = (char *)(uintptr_t)lua_tostring(L, -1); /* kept alive by the table */
                lua_pop(L, 1);
        }
        plan->argv[n] = NULL;
}

/* The environment of this program, with the members of env put over it (false: taken out). Strings stay on
 * the Lua stack, in a table, until the process is started. */
static void read_env(lua_State *L, struct plan *plan)
{
        extern char **environ;
        size_t n = 0;

        lua_newtable(L); /* keeps the new strings */
        lua_getfield(L, 1, "env");
        for (char **e = environ; *e; e++) {
                const char *eq = strchr(*e, '=');

                if (lua_istable(L, -1) && eq) {
                        lua_pushlstring(L, *e, (size_t)(eq - *e));
                        if (lua_gettable(L, -2) != LUA_TNIL) {
                                lua_pop(L, 1);
                                continue;
                        }
                        lua_pop(L, 1);
                }
                if (n < ARGS_MAX)
                        plan->env[n++] = *e;
        }
        if (lua_istable(L, -1)) {
                for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
                        if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING || n >= ARGS_MAX)
                                continue;
                        lua_pushfstring(L, "%s=%s", lua_tostring(L, -2), lua_tostring(L, -1));
                        plan->env[n++] = (char *)(uintptr_t)lua_tostring(L, -1);
                        lua_rawseti(L, -5, (lua_Integer)n);
                }
        }
        plan->env[n] = NULL;
        lua_pop(L, 1); /* env; the table of strings stays */
}

/* spawn{ARGV..., env={}, stdout=FILE, stderr=FILE, cwd=FOLDER, ready=bool} */
static int l_spawn(lua_State *L)
{
        struct plan plan = {0};
        struct proc *p, **u;
        int rc;

        luaL_checktype(L, 1, LUA_TTABLE);
        read_argv(L, &plan);
        plan.out = lua_opt_text(L, 1, "stdout");
        plan.err = lua_opt_text(L, 1, "stderr");
        plan.cwd = lua_opt_text(L, 1, "cwd");
        plan.ready = lua_opt_bool(L, 1, "ready");
        read_env(L, &plan);
        u = lua_newuserdatauv(L, sizeof(struct proc *), 0);
        *u = p = calloc(1, sizeof(*p));
        if (!p)
                return luaL_error(L, "out of memory");
        luaL_setmetatable(L, PROC_META);
        rc = proc_start(scenario_of(L), &plan, p);
        return rc < 0 ? lua_fail(L, rc) : 1;
}

static struct proc *check_proc(lua_State *L)
{
        struct proc **u = luaL_checkudata(L, 1, PROC_META);

        return *u;
}

/* exited() -> false, or true, exit code (-1 when killed), signal (0 when it ended by itself) */
static int proc_l_exited(lua_State *L)
{
        struct proc *p = check_proc(L);

        lua_pushboolean(L, p->exited);
        lua_pushinteger(L, p->code);
        lua_pushinteger(L, p->signal);
        return 3;
}

/* ready() -> true; or false, true when it never will be */
static int proc_l_ready(lua_State *L)
{
        struct proc *p = check_proc(L);

        lua_pushboolean(L, p->ready);
        lua_pushboolean(L, p->ready_closed);
        return 2;
}

static int proc_l_kill(lua_State *L)
{
        struct proc *p = check_proc(L);
        int sig = (int)luaL_checkinteger(L, 2);

        lua_pushboolean(L, !p->exited && kill(p->pid, sig) == 0);
        return 1;
}

static int proc_l_pid(lua_State *L)
{
        lua_pushinteger(L, (lua_Integer)check_proc(L)->pid);
        return 1;
}

static int proc_l_gc(lua_State *L)
{
        struct proc **u = luaL_checkudata(L, 1, PROC_META);
        struct proc *p = *u;

        if (!p)
                return 0;
        *u = NULL;
        if (p->pid > 0 && !p->exited) {
                (void)kill(p->pid, SIGKILL);
                reap(p, 0);
        }
        close_ready(p);
        p->dropped = true;
        proc_release(p);
        return 0;
}

static const luaL_Reg methods[] = {
        {"exited", proc_l_exited}, {"ready", proc_l_ready}, {"kill", proc_l_kill},
        {"pid", proc_l_pid},       {"__gc", proc_l_gc},     {NULL, NULL},
};
static const luaL_Reg functions[] = {{"spawn", l_spawn}, {NULL, NULL}};

void lua_open_proc(lua_State *L)
{
        lua_new_class(L, PROC_META, methods);
        luaL_setfuncs(L, functions, 0);
}
