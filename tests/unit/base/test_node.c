/* SPDX-License-Identifier: BSD-3-Clause
 * Log lines, secrets, command line and readiness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/node.h"
#include "common/base/secret.h"

static char captured[8192];

/* Runs fn with stderr caught in captured. */
static void capture(void (*fn)(void))
{
        FILE *file = tmpfile();
        int keep = dup(STDERR_FILENO);
        ssize_t n;

        assert_non_null(file);
        (void)fflush(stderr);
        assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
        fn();
        (void)fflush(stderr);
        assert_true(dup2(keep, STDERR_FILENO) >= 0);
        (void)close(keep);
        n = pread(fileno(file), captured, sizeof(captured) - 1, 0);
        assert_true(n >= 0);
        captured[n] = '\0';
        (void)fclose(file);
}

static void write_lines(void)
{
        struct log_ctx before;

        log_init("testnode", LOG_INFO);
        before = log_ctx_set((struct log_ctx){.call_id = SPAN("c\n1"), .impi = SPAN("u@h")});
        log_warn("bad %s", "x\r\ny\x9b");
        log_debug("not seen");
        assert_true(span_eq(log_ctx_get().impi, SPAN("u@h")));
        log_ctx_set(before);
        log_info("plain");
}

static void log_lines(void **state)
{
        (void)state;
        capture(write_lines);
        assert_non_null(strstr(captured, "Z warn testnode call=c\\x0a1 impi=u@h: bad x\\x0d\\x0ay\\x9b\n"));
        assert_null(strstr(captured, "not seen"));
        assert_non_null(strstr(captured, "Z info testnode: plain\n"));
}

static void write_long_line(void)
{
        static char text[5000];

        memset(text, '\n', sizeof(text) - 1);
        log_error("%s", text);
}

static void log_long_lines_are_cut(void **state)
{
        (void)state;
        capture(write_long_line);
        assert_true(strlen(captured) <= 4608);
        assert_ptr_equal(strchr(captured, '\n'), captured + strlen(captured) - 1);
}

static struct log_pace pace;
static unsigned said;

/* Thirty lines in one second, of which ten may be said. */
static void write_many(void)
{
        uint64_t second;

        log_init("testnode", LOG_INFO);
        do {
                pace = (struct log_pace){0};
                said = log_pace(&pace, 10, "refusals");
                second = pace.second;
                for (unsigned i = 1; i < 30; i++)
                        said += log_pace(&pace, 10, "refusals");
        } while (pace.second != second);
}

static void write_later(void)
{
        pace.second--;
        said = log_pace(&pace, 10, "refusals");
}

static void log_lines_of_strangers_have_a_pace(void **state)
{
        (void)state;
        capture(write_many);
        assert_int_equal(said, 10);
        assert_null(strstr(captured, "20 more"));
        capture(write_later);
        assert_int_equal(said, 1);
        assert_non_null(strstr(captured, ": 20 more refusals were not told: 10 of them in a second are\n"));
        capture(write_later);
        assert_string_equal(captured, "");
}

static void levels(void **state)
{
        enum log_level level = LOG_ERROR;

        (void)state;
        assert_int_equal(log_level_parse(SPAN("debug"), &level), 0);
        assert_int_equal(level, LOG_DEBUG);
        assert_int_equal(log_level_parse(SPAN("loud"), &level), -IMS_EINVAL);
}

static void secrets(void **state)
{
        uint8_t a[32] = {0}, b[32] = {0};

        (void)state;
        assert_int_equal(secret_random(a, sizeof(a)), 0);
        assert_false(secret_eq(a, b, sizeof(a)));
        memcpy(b, a, sizeof(a));
        assert_true(secret_eq(a, b, sizeof(a)));
        b[31] ^= 1;
        assert_false(secret_eq(a, b, sizeof(a)));
        secret_wipe(a, sizeof(a));
        secret_wipe(NULL, 0);
        for (size_t i = 0; i < sizeof(a); i++)
                assert_int_equal(a[i], 0);
}

struct conf {
        uint32_t max;
};
static const struct conf_key keys[] = {
        {.name = "max",
         .type = CONF_U32,
         .offset = offsetof(struct conf, max),
         .def = "3",
         .max = 9,
         .doc = "m"},
        {0},
};
static const struct conf_schema schema = {.node = "testnode", .size = sizeof(struct conf), .keys = keys};

static int n_args(char **argv)
{
        int n = 0;

        while (argv[n])
                n++;
        return n;
}

static bool read_args(char **argv, struct node_args *args, int *code)
{
        return node_args_read(&schema, n_args(argv), argv, args, code);
}

static void command_line(void **state)
{
        char *given[] = {"testnode", "-c", "file", "--log", "debug", "subscriber", "-x", NULL};
        char *empty[] = {"testnode", NULL};
        struct node_args args;
        int code = -1;

        (void)state;
        assert_true(read_args(given, &args, &code));
        assert_string_equal(args.conf_file, "file");
        assert_int_equal(args.level, LOG_DEBUG);
        assert_int_equal(args.first, 5);
        (void)setenv("QUINTET_TESTNODE_CONF", "other", 1);
        assert_true(read_args(empty, &args, &code));
        assert_string_equal(args.conf_file, "other");
        assert_int_equal(args.level, -1);
        (void)unsetenv("QUINTET_TESTNODE_CONF");
        assert_true(read_args(empty, &args, &code));
        assert_null(args.conf_file);
}

static char conf_path[] = "/tmp/quintet-test-XXXXXX";

static void check_config(void)
{
        char *argv[] = {"testnode", "-c", conf_path, "--check-config", NULL};
        struct node_args args;
        int code = -1;

        assert_false(read_args(argv, &args, &code));
        assert_int_equal(code, EXIT_FAILURE);
}

static void check_config_names_faults(void **state)
{
        int fd = mkstemp(conf_path);

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(write(fd, "max: 10\n", 8), 8);
        (void)close(fd);
        capture(check_config);
        assert_non_null(strstr(captured, ":1: max: 10: must be within 0..9\n"));
        (void)unlink(conf_path);
}

static void bad_option(void)
{
        char *bad[] = {"testnode", "--nonsense", NULL};
        char *level[] = {"testnode", "--log", "loud", NULL};
        struct node_args args;
        int code = -1;

        assert_false(read_args(bad, &args, &code));
        assert_int_equal(code, 2);
        code = -1;
        assert_false(read_args(level, &args, &code));
        assert_int_equal(code, 2);
}

/* What would keep a node from starting is not taken by one that runs. */
static int look_says; /* 0: advice */

static int look(const struct conf_schema *s, const void *conf, struct buf *err)
{
        (void)s, (void)conf;
        buf_puts(err, "gm.tls.key: it is so\ngm.tls.ca: and so\n");
        return look_says;
}

static void ask_to_reload(void)
{
        const struct conf_schema looking = {.node = "testnode", .look = look};

        log_init("testnode", LOG_INFO);
        assert_int_equal(node_may_reload(&looking, NULL), look_says == 0);
}

static void certificates_are_looked_at_again(void **state)
{
        (void)state;
        look_says = -IMS_ECONF;
        capture(ask_to_reload);
        assert_non_null(
                strstr(captured, " error testnode: the files stay as they were: gm.tls.key: it is so\n"));
        assert_non_null(
                strstr(captured, " error testnode: the files stay as they were: gm.tls.ca: and so\n"));
        look_says = 0;
        capture(ask_to_reload);
        assert_non_null(strstr(captured, " warn testnode: gm.tls.key: it is so\n"));
        assert_null(strstr(captured, "stay"));
}

static void bad_options_are_named(void **state)
{
        (void)state;
        capture(bad_option);
        assert_non_null(strstr(captured, "--nonsense"));
        assert_non_null(strstr(captured, "--log loud"));
}

static void readiness(void **state)
{
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        socklen_t len = offsetof(struct sockaddr_un, sun_path) + 1;
        int fds[2], sock = socket(AF_UNIX, SOCK_DGRAM, 0);
        char text[32] = {0}, number[16], path[64];

        (void)state;
        (void)snprintf(path, sizeof(path), "@quintet-test-%d", (int)getpid());
        memcpy(name.sun_path + 1, path + 1, strlen(path) - 1);
        len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        assert_int_equal(bind(sock, (struct sockaddr *)&name, len), 0);
        assert_int_equal(pipe(fds), 0);
        (void)snprintf(number, sizeof(number), "%d", fds[1]);
        (void)setenv("QUINTET_READY_FD", number, 1);
        (void)setenv("NOTIFY_SOCKET", path, 1);
        node_ready();
        assert_int_equal(read(fds[0], text, sizeof(text)), 6);
        assert_string_equal(text, "ready\n");
        assert_int_equal(read(fds[0], text, sizeof(text)), 0); /* closed */
        assert_int_equal(recv(sock, text, sizeof(text), MSG_DONTWAIT), 7);
        assert_memory_equal(text, "READY=1", 7);
        assert_null(getenv("QUINTET_READY_FD"));
        (void)close(fds[0]);
        (void)close(sock);
        (void)unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(log_lines),
                cmocka_unit_test(log_long_lines_are_cut),
                cmocka_unit_test(log_lines_of_strangers_have_a_pace),
                cmocka_unit_test(levels),
                cmocka_unit_test(secrets),
                cmocka_unit_test(command_line),
                cmocka_unit_test(check_config_names_faults),
                cmocka_unit_test(certificates_are_looked_at_again),
                cmocka_unit_test(bad_options_are_named),
                cmocka_unit_test(readiness),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
