/* SPDX-License-Identifier: BSD-3-Clause
 * Files and folders for scenarios. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ue/lua_scenario.h"

#define READ_MAX (64u << 20)

static int fail_errno(lua_State *L, const char *path)
{
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, strerror(errno));
        return 2;
}

/* tmpdir() -> path of a new folder, private to the user */
static int l_tmpdir(lua_State *L)
{
        const char *base = getenv("TMPDIR");
        char path[512];

        (void)snprintf(path, sizeof(path), "%s/quintet-XXXXXX", base && base[0] ? base : "/tmp");
        if (!mkdtemp(path))
                return fail_errno(L, path);
        lua_pushstring(L, path);
        return 1;
}

static int l_mkdir(lua_State *L)
{
        const char *path = luaL_checkstring(L, 1);

        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return fail_errno(L, path);
        lua_pushboolean(L, 1);
        return 1;
}

static int read_fd(lua_State *L, int fd, const char *path)
{
        luaL_Buffer b;
        size_t total = 0;

        luaL_buffinit(L, &b);
        for (;;) {
                char *to = luaL_prepbuffsize(&b, 65536);
                ssize_t n = read(fd, to, 65536);

                if (n < 0) {
                        int saved = errno;

                        close(fd);
                        errno = saved;
                        return fail_errno(L, path);
                }
                if (n == 0 || total > READ_MAX)
                        break;
                luaL_addsize(&b, (size_t)n);
                total += (size_t)n;
        }
        close(fd);
        luaL_pushresult(&b);
        return 1;
}

/* read(path) -> text, or nil and why */
static int l_read(lua_State *L)
{
        const char *path = luaL_checkstring(L, 1);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? fail_errno(L, path) : read_fd(L, fd, path);
}

/* write(path, text [, mode]): mode as "600" */
static int l_write(lua_State *L)
{
        const char *path = luaL_checkstring(L, 1);
        struct span text = lua_check_span(L, 2);
        mode_t mode = (mode_t)strtoul(luaL_optstring(L, 3, "644"), NULL, 8);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        if (fd < 0)
                return fail_errno(L, path);
        while (text.n) {
                ssize_t n = write(fd, text.p, text.n);

                if (n <= 0) {
                        close(fd);
                        return fail_errno(L, path);
                }
                text = span_sub(text, (size_t)n, text.n);
        }
        if (fchmod(fd, mode) < 0) {
                close(fd);
                return fail_errno(L, path);
        }
        close(fd);
        lua_pushboolean(L, 1);
        return 1;
}

/* stat(path) -> {size, mode ("600"), kind ("file", "folder", "other")} or nil */
static int l_stat(lua_State *L)
{
        const char *path = luaL_checkstring(L, 1);
        struct stat st;
        char mode[8];

        if (stat(path, &st) < 0)
                return fail_errno(L, path);
        lua_newtable(L);
        lua_set_int(L, "size", (lua_Integer)st.st_size);
        (void)snprintf(mode, sizeof(mode), "%o", (unsigned)st.st_mode & 07777);
        lua_set_text(L, "mode", mode);
        lua_set_text(L, "kind", S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "folder" : "other");
        return 1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
        (void)st;
        (void)type;
        (void)ftw;
        (void)remove(path);
        return 0;
}

/* remove(path): a file, or a folder with all that is in it */
static int l_remove(lua_State *L)
{
        const char *path = luaL_checkstring(L, 1);

        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        return 0;
}

/* list(path) -> names in it */
static int l_list(lua_State *L)
{
        const char *path = luaL_checkstring(L, 1);
        DIR *d = opendir(path);
        struct dirent *e;
        lua_Integer n = 0;

        if (!d)
                return fail_errno(L, path);
        lua_newtable(L);
        while ((e = readdir(d)) != NULL) {
                if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
                        continue;
                lua_pushstring(L, e->d_name);
                lua_rawseti(L, -2, ++n);
        }
        closedir(d);
        return 1;
}

static int l_getpid(lua_State *L)
{
        lua_pushinteger(L, (lua_Integer)getpid());
        return 1;
}

/* exe() -> path of this program */
static int l_exe(lua_State *L)
{
        char path[4096];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

        if (n < 0)
                return fail_errno(L, "/proc/self/exe");
        lua_pushlstring(L, path, (size_t)n);
        return 1;
}

static const luaL_Reg functions[] = {
        {"tmpdir", l_tmpdir}, {"mkdir", l_mkdir}, {"read", l_read},     {"write", l_write}, {"stat", l_stat},
        {"remove", l_remove}, {"list", l_list},   {"getpid", l_getpid}, {"exe", l_exe},     {NULL, NULL},
};

void lua_open_fs(lua_State *L)
{
        luaL_setfuncs(L, functions, 0);
}
