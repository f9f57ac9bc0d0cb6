/* SPDX-License-Identifier: BSD-3-Clause
 * Control socket, both ends. */
#include "common/net/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/timers.h"

#define COMMAND_MAX 256
#define REFUSED     "error: " /* begins the answer to a command that is refused */

struct control {
        uv_pipe_t pipe;
        struct loop *loop;
        char *path;
        control_fn *fn;
        void *arg;
        struct list calls;
        uv_pipe_t refused; /* a caller for whom there is no memory */
        bool refusing, refuse_more;
        unsigned handles; /* of the two above that are not closed */
};

struct control_call {
        uv_pipe_t pipe;
        struct list node;
        struct control *control; /* NULL once it was closed */
        struct buf answer;
        char command[COMMAND_MAX];
        size_t n;
        bool asked, ended, gone;
        unsigned writes;
        void (*on_cancel)(void *arg);
        void *cancel_arg;
};

static int name_of(const char *path, struct sockaddr_un *out)
{
        *out = (struct sockaddr_un){.sun_family = AF_UNIX};
        return strlen(path) < sizeof(out->sun_path)
                       ? span_copy(span_of(path), out->sun_path, sizeof(out->sun_path))
                       : -IMS_ETOOBIG;
}

/* --- calls ---------------------------------------------------------------------------------------- */

static void on_call_closed(uv_handle_t *h)
{
        struct control_call *c = h->data;

        buf_free(&c->answer);
        free(c);
}

/* The owner is done, or there never was a command, and nothing is being written. */
static void finish(struct control_call *c)
{
        if (c->writes || (c->asked && !c->ended) || uv_is_closing((uv_handle_t *)&c->pipe))
                return;
        list_unlink(&c->node);
        uv_close((uv_handle_t *)&c->pipe, on_call_closed);
}

struct piece {
        uv_write_t req;
        struct control_call *call;
        char octets[];
};

static void on_written(uv_write_t *req, int status)
{
        struct piece *p = container_of(req, struct piece, req);
        struct control_call *c = p->call;

        free(p);
        c->writes--;
        c->gone = c->gone || status < 0;
        finish(c);
}

struct buf *control_answer(struct control_call *call)
{
        return &call->answer;
}

bool control_flush(struct control_call *c)
{
        struct piece *p;
        uv_buf_t b;

        if (c->gone || c->answer.err || uv_is_closing((uv_handle_t *)&c->pipe))
                return false;
        if (!c->answer.n)
                return true;
        p = malloc(sizeof(*p) + c->answer.n);
        if (!p)
                return false;
        p->call = c;
        memcpy(p->octets, c->answer.p, c->answer.n);
        b = uv_buf_init(p->octets, (unsigned)c->answer.n);
        buf_reset(&c->answer);
        if (uv_write(&p->req, (uv_stream_t *)&c->pipe, &b, 1, on_written) != 0) {
                free(p);
                return false;
        }
        c->writes++;
        return true;
}

void control_end(struct control_call *c)
{
        (void)control_flush(c);
        c->ended = true;
        c->on_cancel = NULL;
        finish(c);
}

void control_on_cancel(struct control_call *c, void (*fn)(void *arg), void *arg)
{
        c->on_cancel = fn;
        c->cancel_arg = arg;
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
        struct control_call *c = h->data;

        (void)suggested;
        *out = uv_buf_init(c->command + c->n, (unsigned)(sizeof(c->command) - 1 - c->n));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
        struct control_call *c = stream->data;
        struct span text;
        ptrdiff_t eol;

        (void)b;
        if (n < 0) { /* who has asked may shut that half and go on reading */
                c->gone = c->gone || n != UV_EOF || !c->asked;
                (void)uv_read_stop(stream);
                finish(c);
                return;
        }
        if (c->asked)
                return; /* one command is all */
        c->n += (size_t)n;
        text = span_make(c->command, c->n);
        eol = span_chr(text, '\n', 0);
        if (eol < 0 && c->n + 1 < sizeof(c->command))
                return;
        c->asked = true;
        c->n = 0;
        if (eol < 0) { /* a part of it may mean somebody else */
                buf_printf(&c->answer, REFUSED "the command has more than %d octets\n", COMMAND_MAX - 2);
                control_end(c);
                return;
        }
        c->control->fn(c, span_trim(span_sub(text, 0, (size_t)eol)), c->control->arg);
}

/* --- the socket ----------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *h)
{
        struct control *c = h->data;

        if (--c->handles)
                return;
        free(c->path);
        free(c);
}

static void refuse(struct control *ctl);

static void on_refused(uv_handle_t *h)
{
        struct control *ctl = h->data;
        bool more = ctl->refuse_more;

        ctl->refusing = ctl->refuse_more = false;
        if (more)
                refuse(ctl);
        on_closed(h);
}

/* Takes the caller and closes: libuv tells of no other one before. */
static void refuse(struct control *ctl)
{
        if (uv_is_closing((uv_handle_t *)&ctl->pipe))
                return;
        ctl->refuse_more = ctl->refusing;
        if (ctl->refusing || uv_pipe_init(loop_uv(ctl->loop), &ctl->refused, 0) != 0)
                return;
        log_error("a caller of the control socket is refused: %s", ims_strerror(IMS_ENOMEM));
        ctl->refused.data = ctl;
        ctl->refusing = true;
        ctl->handles++;
        (void)uv_accept((uv_stream_t *)&ctl->pipe, (uv_stream_t *)&ctl->refused);
        uv_close((uv_handle_t *)&ctl->refused, on_refused);
}

static void on_connection(uv_stream_t *stream, int status)
{
        struct control *ctl = stream->data;
        struct control_call *c;

        if (status < 0)
                return;
        c = calloc(1, sizeof(*c));
        if (!c || uv_pipe_init(loop_uv(ctl->loop), &c->pipe, 0) != 0) {
                free(c);
                refuse(ctl);
                return;
        }
        c->pipe.data = c;
        c->control = ctl;
        list_append(&ctl->calls, &c->node);
        if (uv_accept(stream, (uv_stream_t *)&c->pipe) != 0 ||
            uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read) != 0)
                finish(c);
}

/* True when somebody answers at the path. */
static bool is_served(const struct sockaddr_un *name)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool served = fd >= 0 && connect(fd, (const struct sockaddr *)name, sizeof(*name)) == 0;

        if (fd >= 0)
                close(fd);
        return served;
}

static int serve(struct control *c)
{
        mode_t before = umask(0177);
        int rc = uv_pipe_bind(&c->pipe, c->path);

        (void)umask(before);
        if (rc == 0)
                rc = uv_listen((uv_stream_t *)&c->pipe, 8, on_connection);
        return rc == 0 ? 0 : -IMS_EIO;
}

int control_open(struct loop *l, const char *path, control_fn *fn, void *arg, struct control **out)
{
        struct sockaddr_un name;
        struct stat st;
        struct control *c;
        int err = name_of(path, &name);

        if (err)
                return err;
        if (lstat(path, &st) == 0) {
                if (!S_ISSOCK(st.st_mode))
                        return -IMS_EIO; /* never somebody's file */
                if (is_served(&name))
                        return -IMS_EADDRINUSE;
                (void)unlink(path);
        }
        c = calloc(1, sizeof(*c));
        if (!c)
                return -IMS_ENOMEM;
        c->path = span_dup(span_of(path));
        if (!c->path || uv_pipe_init(loop_uv(l), &c->pipe, 0) != 0) {
                free(c->path);
                free(c);
                return -IMS_ENOMEM;
        }
        c->pipe.data = c;
        c->handles = 1;
        c->loop = l;
        c->fn = fn;
        c->arg = arg;
        list_init(&c->calls);
        err = serve(c);
        if (err)
                uv_close((uv_handle_t *)&c->pipe, on_closed);
        else
                *out = c;
        return err;
}

int control_serve(struct loop *l, const char *path, control_fn *fn, void *arg, struct control **out)
{
        int err = path ? control_open(l, path, fn, arg, out) : 0;

        if (err)
                log_error("control.socket: %s: %s", path,
                          err == -IMS_EADDRINUSE ? "another node serves it" : ims_strerror(err));
        return err;
}

void control_close(struct control *ctl)
{
        if (!ctl)
                return;
        list_for_each_safe(pos, tmp, &ctl->calls)
        {
                struct control_call *c = container_of(pos, struct control_call, node);
                void (*fn)(void *arg) = c->on_cancel;

                c->on_cancel = NULL;
                if (fn)
                        fn(c->cancel_arg);
                list_unlink(&c->node);
                if (!uv_is_closing((uv_handle_t *)&c->pipe))
                        uv_close((uv_handle_t *)&c->pipe, on_call_closed);
        }
        uv_close((uv_handle_t *)&ctl->pipe, on_closed); /* removes the file */
}

/* --- the other end -------------------------------------------------------------------------------- */

static int write_all(int fd, const char *p, size_t n)
{
        while (n) {
                ssize_t k = write(fd, p, n);

                if (k < 0 && errno == EINTR)
                        continue;
                if (k <= 0)
                        return -IMS_EIO;
                p += k;
                n -= (size_t)k;
        }
        return 0;
}

/* 1: the command was refused. */
static int copy_answer(int fd, int out_fd)
{
        int wait_ms = (int)ims_timer_rows[IMS_TIMER_CONTROL].default_ms;
        size_t same = 0; /* octets with which the answer begins as a refusal does */
        bool refused = true;
        char piece[4096];
        ssize_t n;

        for (;;) {
                struct pollfd p = {.fd = fd, .events = POLLIN};

                if (poll(&p, 1, wait_ms) == 0)
                        return -IMS_ETIMEOUT;
                n = read(fd, piece, sizeof(piece));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -IMS_EIO : refused && same == sizeof(REFUSED) - 1;
                for (ssize_t i = 0; i < n && refused && same < sizeof(REFUSED) - 1; i++)
                        refused = piece[i] == REFUSED[same++];
                if (write_all(out_fd, piece, (size_t)n) != 0)
                        return -IMS_EIO;
        }
}

int control_ask(const char *path, const char *command, int out_fd)
{
        struct sockaddr_un name;
        int err = name_of(path, &name), fd;

        if (!err && strlen(command) > COMMAND_MAX - 2)
                err = -IMS_ETOOBIG;
        if (!err && strchr(command, '\n')) /* what stands before it may mean somebody else */
                err = -IMS_EINVAL;
        if (err)
                return err;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -IMS_EIO;
        if (connect(fd, (const struct sockaddr *)&name, sizeof(name)) != 0)
                err = errno == EACCES || errno == EPERM ? -IMS_EPERM : -IMS_EUNREACH;
        if (!err)
                err = write_all(fd, command, strlen(command));
        if (!err)
                err = write_all(fd, "\n", 1);
        if (!err)
                err = copy_answer(fd, out_fd);
        close(fd);
        return err;
}

int control_command(const char *program, const char *path, const char *command)
{
        int err;

        if (!path) {
                (void)fprintf(stderr, "%s: control.socket is not configured: nothing to ask\n", program);
                return 2;
        }
        err = control_ask(path, command, STDOUT_FILENO);
        if (err >= 0)
                return err;
        (void)fprintf(stderr, "%s: %s: %s\n", program, path,
                      err == -IMS_EUNREACH ? "no node serves it" : ims_strerror(err));
        return 1;
}
