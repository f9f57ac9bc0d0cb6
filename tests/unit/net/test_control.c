/* SPDX-License-Identifier: BSD-3-Clause
 * The control socket: both ends, callers that go, owners that answer late, no memory. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/log.h"
#include "common/net/control.h"
#include "tests/unit/fail_alloc.h"

struct room {
        struct loop *loop;
        struct control *c;
        char path[64];
        struct control_call *held; /* of the last command */
        char command[300];
        unsigned calls, canceled;
        bool late; /* answered by the test */
        bool over; /* a time is over */
};

static void on_canceled(void *arg)
{
        struct room *o = arg;

        o->canceled++;
        o->held = NULL;
}

static void on_command(struct control_call *call, struct span command, void *arg)
{
        struct room *o = arg;

        o->calls++;
        (void)snprintf(o->command, sizeof(o->command), SPAN_FMT, SPAN_ARG(command));
        if (o->late) {
                o->held = call;
                control_on_cancel(call, on_canceled, o);
                return;
        }
        if (span_eq(command, SPAN("wrong")))
                buf_puts(control_answer(call), "error: no such command\n");
        else
                buf_printf(control_answer(call), "you said " SPAN_FMT "\n", SPAN_ARG(command));
        control_end(call);
}

static int setup(void **state)
{
        struct room *o = calloc(1, sizeof(*o));

        assert_non_null(o);
        log_init("test", LOG_ERROR);
        (void)snprintf(o->path, sizeof(o->path), "/tmp/quintet-control-%d", (int)getpid());
        (void)unlink(o->path);
        assert_int_equal(loop_new(&o->loop), 0);
        assert_int_equal(control_open(o->loop, o->path, on_command, o, &o->c), 0);
        *state = o;
        return 0;
}

static int teardown(void **state)
{
        struct room *o = *state;
        struct stat st;

        control_close(o->c);
        loop_run(o->loop);
        loop_free(o->loop);
        assert_int_equal(lstat(o->path, &st), -1);
        free(o);
        return 0;
}

static void on_time(struct tmr *t, void *arg)
{
        (void)t;
        ((struct room *)arg)->over = true;
}

static void pass(struct room *o, uint64_t ms)
{
        struct tmr t = {0};

        o->over = false;
        assert_int_equal(tmr_start(o->loop, &t, ms, on_time, o), 0);
        while (!o->over)
                loop_once(o->loop);
}

static struct sockaddr_un name_of(const struct room *o)
{
        struct sockaddr_un name = {.sun_family = AF_UNIX};

        memcpy(name.sun_path, o->path, strlen(o->path) + 1);
        return name;
}

static int call_up(struct room *o, const char *text)
{
        struct sockaddr_un name = name_of(o);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

/* What comes until the other end closes; closes fd. "..." at the end: it is still open. */
static const char *heard(struct room *o, int fd)
{
        static char text[4096];
        size_t at = 0;
        ssize_t n = -1;

        for (int i = 0; i < 100 && n != 0; i++) {
                n = recv(fd, text + at, sizeof(text) - 4 - at, MSG_DONTWAIT);
                at += n > 0 ? (size_t)n : 0;
                if (n < 0)
                        pass(o, 4);
        }
        text[at] = '\0';
        if (n != 0)
                memcpy(text + at, "...", 4);
        (void)close(fd);
        return text;
}

/* --- commands -------------------------------------------------------------------------------------- */

static void answers(void **state)
{
        struct room *o = *state;
        struct stat st;
        int fd;

        assert_int_equal(stat(o->path, &st), 0);
        assert_true(S_ISSOCK(st.st_mode));
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_string_equal(heard(o, call_up(o, "status\n")), "you said status\n");
        assert_string_equal(heard(o, call_up(o, "  a b \r\n")), "you said a b\n");
        assert_string_equal(heard(o, call_up(o, "one\ntwo\n")), "you said one\n"); /* one is all */
        assert_string_equal(heard(o, call_up(o, "\n")), "you said \n");
        fd = call_up(o, "in pie");
        pass(o, 20);
        assert_int_equal(o->calls, 4);
        assert_int_equal(write(fd, "ces\n", 4), 4);
        assert_string_equal(heard(o, fd), "you said in pieces\n");
}

static void long_command(void **state)
{
        struct room *o = *state;
        char text[1000];

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_string_equal(heard(o, call_up(o, text)), "error: the command has more than 254 octets\n");
        assert_int_equal(o->calls, 0); /* a part of it may mean somebody else */
        text[254] = '\n';
        text[255] = '\0';
        assert_null(strstr(heard(o, call_up(o, text)), "error"));
        assert_int_equal(o->calls, 1);
        assert_int_equal(strlen(o->command), 254);
}

/* Who shuts what it says from goes on reading; half a command is none. */
static void half_closed(void **state)
{
        struct room *o = *state;
        int fd;

        o->late = true;
        fd = call_up(o, "status\n");
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        pass(o, 20);
        assert_non_null(o->held);
        buf_puts(control_answer(o->held), "late\n");
        assert_true(control_flush(o->held));
        buf_puts(control_answer(o->held), "later\n");
        control_end(o->held);
        assert_string_equal(heard(o, fd), "late\nlater\n");
        fd = call_up(o, "stat");
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        assert_string_equal(heard(o, fd), "");
        assert_int_equal(o->calls, 1);
}

static void caller_gone(void **state)
{
        struct room *o = *state;
        int fd;

        o->late = true;
        fd = call_up(o, "status\n");
        pass(o, 20);
        assert_non_null(o->held);
        (void)close(fd);
        pass(o, 20);
        for (int i = 0; i < 3; i++) { /* it is seen with what is written */
                buf_puts(control_answer(o->held), "nobody hears\n");
                (void)control_flush(o->held);
                pass(o, 20);
        }
        buf_puts(control_answer(o->held), "nobody hears\n");
        assert_false(control_flush(o->held));
        control_end(o->held);
        assert_int_equal(o->canceled, 0);
        o->late = false;
        assert_string_equal(heard(o, call_up(o, "next\n")), "you said next\n");
}

/* Calls under way end with the socket, whatever state they are in. */
static void closed_meanwhile(void **state)
{
        struct room *o = *state;
        int quiet = call_up(o, "no end"), asks, talks;

        o->late = true;
        asks = call_up(o, "status\n");
        pass(o, 20);
        assert_int_equal(o->calls, 1);
        buf_puts(control_answer(o->held), "a beginning\n");
        assert_true(control_flush(o->held)); /* written or not */
        talks = call_up(o, "early\n");       /* not even accepted */
        control_close(o->c);
        o->c = NULL;
        assert_int_equal(o->canceled, 1);
        assert_string_equal(heard(o, quiet), "");
        (void)heard(o, asks);
        (void)heard(o, talks);
}

/* --- opening --------------------------------------------------------------------------------------- */

static void places(void **state)
{
        struct room *o = *state;
        struct control *c = NULL;
        char other[80], text[200];
        struct sockaddr_un name = name_of(o);
        FILE *f;
        int fd;

        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(control_open(o->loop, text, on_command, o, &c), -IMS_ETOOBIG);
        assert_int_equal(control_open(o->loop, o->path, on_command, o, &c), -IMS_EADDRINUSE);
        assert_int_equal(control_open(o->loop, "/nowhere/at/all", on_command, o, &c), -IMS_EIO);
        (void)snprintf(other, sizeof(other), "%s.other", o->path);
        f = fopen(other, "w");
        assert_non_null(f);
        (void)fputs("mine", f);
        (void)fclose(f);
        assert_int_equal(control_open(o->loop, other, on_command, o, &c), -IMS_EIO);
        assert_int_equal(access(other, F_OK), 0); /* nobody's file is taken away */
        (void)unlink(other);
        memcpy(name.sun_path, other, strlen(other) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
        (void)close(fd); /* of a node that was killed */
        assert_int_equal(control_open(o->loop, other, on_command, o, &c), 0);
        control_close(c);
        pass(o, 4);
        assert_int_equal(access(other, F_OK), -1);
        control_close(NULL);
}

/* --- the other end --------------------------------------------------------------------------------- */

struct asker {
        const char *path, *command;
        int out_fd, err;
        bool done;
};

static void *ask(void *arg)
{
        struct asker *a = arg;

        a->err = control_ask(a->path, a->command, a->out_fd);
        __atomic_store_n(&a->done, true, __ATOMIC_SEQ_CST);
        return NULL;
}

static void asks(void **state)
{
        struct room *o = *state;
        struct asker a = {.path = o->path, .command = "status"};
        char text[300];
        pthread_t thread;
        int fds[2];
        ssize_t n;

        assert_int_equal(pipe(fds), 0);
        a.out_fd = fds[1];
        assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
        while (!__atomic_load_n(&a.done, __ATOMIC_SEQ_CST))
                pass(o, 4);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(a.err, 0);
        n = read(fds[0], text, sizeof(text));
        assert_int_equal(n, strlen("you said status\n"));
        assert_memory_equal(text, "you said status\n", n);
        a = (struct asker){.path = o->path, .command = "wrong", .out_fd = fds[1]};
        assert_int_equal(pthread_create(&thread, NULL, ask, &a), 0);
        while (!__atomic_load_n(&a.done, __ATOMIC_SEQ_CST))
                pass(o, 4);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(a.err, 1); /* refused, and told */
        assert_int_equal(read(fds[0], text, sizeof(text)), strlen("error: no such command\n"));
        assert_int_equal(control_ask("/nowhere/at/all", "status", fds[1]), -IMS_EUNREACH);
        memset(text, 'x', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(control_ask(text, "status", fds[1]), -IMS_ETOOBIG);
        assert_int_equal(control_ask("/nowhere/at/all", "reauthenticate a\nb", fds[1]), -IMS_EINVAL);
        text[255] = '\0';
        assert_int_equal(control_ask("/nowhere/at/all", text, fds[1]), -IMS_ETOOBIG);
        text[254] = '\0';
        assert_int_equal(control_ask("/nowhere/at/all", text, fds[1]), -IMS_EUNREACH);
        (void)close(fds[0]);
        (void)close(fds[1]);
}

/* --- no memory ------------------------------------------------------------------------------------- */

/* Each allocation fails once on the way of a command: the caller gets its answer or is closed, and the next
 * ones are served. */
static void memory(void **state)
{
        struct room *o = *state;
        unsigned refused = 0;

        if (!CAN_FAIL)
                skip();
        assert_string_equal(heard(o, call_up(o, "warm\n")), "you said warm\n");
        for (unsigned long nth = 0; nth < 8; nth++) {
                int fd = call_up(o, "first\n"), second = call_up(o, "second\n"),
                    third = call_up(o, "third\n");
                const char *text;

                alloc_fail_at(nth);
                text = heard(o, fd);
                alloc_armed = false;
                assert_true(!*text || strcmp(text, "you said first\n") == 0);
                refused += !*text;
                text = heard(o, second);
                assert_true(!*text || strcmp(text, "you said second\n") == 0);
                text = heard(o, third);
                assert_true(!*text || strcmp(text, "you said third\n") == 0);
                assert_string_equal(heard(o, call_up(o, "then\n")), "you said then\n");
        }
        assert_in_range(refused, 1, 7);
}

static void memory_at_the_start(void **state)
{
        struct room *o = *state;
        struct control *warm = NULL;
        char other[80];
        int err = -IMS_ENOMEM;

        if (!CAN_FAIL)
                skip();
        (void)snprintf(other, sizeof(other), "%s.oom", o->path);
        assert_int_equal(control_open(o->loop, other, on_command, o, &warm), 0);
        control_close(warm); /* what the loop keeps once it has had it is there then */
        pass(o, 4);
        for (unsigned long nth = 0; err && nth < 20; nth++) {
                struct control *c = NULL;
                long before = alloc_live;

                alloc_fail_at(nth);
                err = control_open(o->loop, other, on_command, o, &c);
                alloc_armed = false;
                control_close(c);
                pass(o, 4);
                assert_int_equal(alloc_live, before);
        }
        assert_int_equal(err, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(answers, setup, teardown),
                cmocka_unit_test_setup_teardown(long_command, setup, teardown),
                cmocka_unit_test_setup_teardown(half_closed, setup, teardown),
                cmocka_unit_test_setup_teardown(caller_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(closed_meanwhile, setup, teardown),
                cmocka_unit_test_setup_teardown(places, setup, teardown),
                cmocka_unit_test_setup_teardown(asks, setup, teardown),
                cmocka_unit_test_setup_teardown(memory, setup, teardown),
                cmocka_unit_test_setup_teardown(memory_at_the_start, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
