/* SPDX-License-Identifier: BSD-3-Clause
 * Command line, configuration and readiness of every program. */
#include "common/base/node.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define EXIT_USAGE 2

enum { OPT_CHECK = 256, OPT_SAMPLE, OPT_VERSION, OPT_LOG };

static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, OPT_CHECK},
        {"sample-config", no_argument, NULL, OPT_SAMPLE},
        {"version", no_argument, NULL, OPT_VERSION},
        {"help", no_argument, NULL, 'h'},
        {"log", required_argument, NULL, OPT_LOG},
        {NULL, 0, NULL, 0},
};

static void usage(const struct conf_schema *schema, FILE *to)
{
        (void)fprintf(to,
                      "usage: %s -c FILE [OPTION...]\n"
                      "  -c, --config FILE   configuration; without it the file named in QUINTET_*_CONF\n"
                      "      --check-config  check the configuration and end\n"
                      "      --sample-config print a commented sample configuration\n"
                      "      --log LEVEL     error, warn, notice, info or debug\n"
                      "      --version       print the version\n"
                      "  -h, --help          print this\n",
                      schema->node);
        if (schema->commands)
                (void)fprintf(to, "Of the node that runs, by control.socket of its configuration:\n%s",
                              schema->commands);
}

/* The file in QUINTET_<NODE>_CONF, or NULL. */
static const char *conf_from_env(const char *node)
{
        char name[64];
        int n = snprintf(name, sizeof(name), "QUINTET_%s_CONF", node);

        if (n < 0 || (size_t)n >= sizeof(name))
                return NULL;
        for (char *p = name; *p; p++)
                *p = (char)toupper((unsigned char)*p);
        return getenv(name);
}

/* True to go on with the next option. */
static bool option_read(const struct conf_schema *schema, int option, struct node_args *args, int *exit_code)
{
        enum log_level level;

        *exit_code = EXIT_SUCCESS;
        switch (option) {
        case 'c':
                args->conf_file = optarg;
                return true;
        case OPT_CHECK:
                args->check = true;
                return true;
        case OPT_LOG:
                if (log_level_parse(span_of(optarg), &level) == 0) {
                        args->level = (int)level;
                        return true;
                }
                (void)fprintf(stderr, "%s: --log %s: must be one of error, warn, notice, info, debug\n",
                              schema->node, optarg);
                *exit_code = EXIT_USAGE;
                return false;
        case OPT_SAMPLE:
                conf_sample(schema, stdout);
                return false;
        case OPT_VERSION:
                (void)printf("quintet %s %s\n", schema->node, QUINTET_VERSION);
                return false;
        case 'h':
                usage(schema, stdout);
                return false;
        default:
                usage(schema, stderr);
                *exit_code = EXIT_USAGE;
                return false;
        }
}

bool node_args_read(const struct conf_schema *schema, int argc, char **argv, struct node_args *args,
                    int *exit_code)
{
        void *conf = NULL;
        int option, err;

        *args = (struct node_args){.conf_file = conf_from_env(schema->node), .level = -1};
        optind = 1;
        while ((option = getopt_long(argc, argv, "+c:h", options, NULL)) != -1)
                if (!option_read(schema, option, args, exit_code))
                        return false;
        args->first = optind;
        args->look = args->check || optind >= argc;
        if (!args->check)
                return true;
        err = node_conf_load(schema, args, &conf);
        conf_free(schema, conf);
        if (!err)
                (void)printf("%s: configuration is valid\n", args->conf_file);
        *exit_code = err ? EXIT_FAILURE : EXIT_SUCCESS;
        return false;
}

static void log_lines(enum log_level level, const char *before, const struct buf *lines)
{
        struct span rest = buf_as_span(lines), line;

        while (rest.n && span_split(&rest, '\n', &line))
                if (line.n)
                        log_write(level, "%s" SPAN_FMT, before, SPAN_ARG(line));
}

int node_conf_load(const struct conf_schema *schema, const struct node_args *args, void **out)
{
        struct buf faults = BUF_INIT;
        int err;

        if (!args->conf_file) {
                (void)fprintf(stderr, "%s: no configuration: give -c FILE (a sample: %s --sample-config)\n",
                              schema->node, schema->node);
                return -IMS_ECONF;
        }
        err = args->look ? conf_load_look(schema, args->conf_file, out, &faults)
                         : conf_load(schema, args->conf_file, out, &faults);
        if (!err && faults.n && args->check) {
                conf_free(schema, *out);
                *out = NULL;
                err = -IMS_ECONF;
        } else if (!err) {
                log_lines(LOG_WARN, "", &faults); /* advice */
        }
        if (err && faults.n)
                (void)fprintf(stderr, "%.*s", (int)faults.n, faults.p);
        else if (err)
                (void)fprintf(stderr, "%s: %s\n", args->conf_file, ims_strerror(err));
        buf_free(&faults);
        return err;
}

bool node_may_reload(const struct conf_schema *schema, const void *conf)
{
        struct buf lines = BUF_INIT;
        int err = schema->look ? schema->look(schema, conf, &lines) : 0;

        if (!lines.n && (err || lines.err))
                log_error("the files stay as they were: %s", ims_strerror(lines.err ? lines.err : err));
        else if (err)
                log_lines(LOG_ERROR, "the files stay as they were: ", &lines);
        else
                log_lines(LOG_WARN, "", &lines);
        buf_free(&lines);
        return !err;
}

static void notify_socket(const char *path)
{
        static const char text[] = "READY=1";
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        size_t n = strlen(path);
        int fd;

        if (n == 0 || n >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@')) {
                log_warn("NOTIFY_SOCKET names no usable address");
                return;
        }
        memcpy(to.sun_path, path, n);
        if (path[0] == '@')
                to.sun_path[0] = '\0';
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL, (struct sockaddr *)&to,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
                log_warn("NOTIFY_SOCKET does not take READY=1");
        if (fd >= 0)
                (void)close(fd);
}

static void notify_fd(const char *text)
{
        static const char line[] = "ready\n";
        uint32_t fd;

        if (span_u32(span_of(text), INT32_MAX, &fd) != 0 || fd <= STDERR_FILENO ||
            write((int)fd, line, sizeof(line) - 1) < 0) {
                log_warn("QUINTET_READY_FD names no usable descriptor");
                return;
        }
        (void)close((int)fd);
}

void node_ready(void)
{
        const char *path = getenv("NOTIFY_SOCKET"), *fd = getenv("QUINTET_READY_FD");

        log_notice("ready");
        if (path)
                notify_socket(path);
        if (fd)
                notify_fd(fd);
        (void)unsetenv("QUINTET_READY_FD"); /* said once; the number may soon mean another file */
}
