/* SPDX-License-Identifier: BSD-3-Clause
 * "ue bootstrap": credentials for a device that has a certificate and nothing else, then the usual
 * registration (PKT-TR-SEC 6.1.1.3). */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "ue/bootstrap.h"
#include "ue/commands.h"
#include "ue/options.h"

#define TIMEOUT_DEFAULT_MS 16000
#define EXIT_REFUSED       1
#define ARGS_MAX           64

static const struct option longs[] = {
        {"server", required_argument, NULL, 's'},
        {"certificate", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"ca", required_argument, NULL, 'a'},
        {"name", required_argument, NULL, 'n'},
        {"out", required_argument, NULL, 'o'},
        {"register", no_argument, NULL, 'r'},
        {"log", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
};

struct wish {
        struct bootstrap_conf conf;
        const char *out;
        bool registers;
        enum log_level level;
        char **rest; /* of "ue register" */
        int n_rest;
};

static int read_wish(int argc, char **argv, struct wish *w)
{
        int opt;

        *w = (struct wish){.conf = {.server = getenv("QUINTET_UE_BOOTSTRAP"),
                                    .certificate = getenv("QUINTET_UE_CERTIFICATE"),
                                    .key = getenv("QUINTET_UE_KEY"),
                                    .ca = getenv("QUINTET_UE_CA"),
                                    .timeout_ms = TIMEOUT_DEFAULT_MS},
                           .level = LOG_WARN};
        optind = 1;
        while ((opt = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
                switch (opt) {
                case 's':
                        w->conf.server = optarg;
                        break;
                case 'c':
                        w->conf.certificate = optarg;
                        break;
                case 'k':
                        w->conf.key = optarg;
                        break;
                case 'a':
                        w->conf.ca = optarg;
                        break;
                case 'n':
                        w->conf.name = optarg;
                        break;
                case 'o':
                        w->out = optarg;
                        break;
                case 'r':
                        w->registers = true;
                        break;
                case 'l':
                        if (log_level_parse(span_of(optarg), &w->level) < 0)
                                return -IMS_EINVAL;
                        break;
                default:
                        return -IMS_EINVAL;
                }
        }
        w->rest = argv + optind;
        w->n_rest = argc - optind;
        return w->n_rest == 0 || w->registers ? 0 : -IMS_EINVAL;
}

/* The folders above a file of ours. */
static void make_folders(char *path)
{
        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = '\0';
                (void)mkdir(path, 0700);
                *slash = '/';
        }
}

/* Writes the credential file in one step, for its owner alone. */
static int write_file(const char *file, const struct bootstrap_reply *r, struct buf *err)
{
        struct buf text = {.secret = true}, temporary = BUF_INIT;
        int fd = -1, rc = 0;

        buf_printf(&temporary, "%s.%ld", file, (long)getpid());
        buf_char(&temporary, '\0');
        text.max = 2 * (size_t)BOOTSTRAP_BODY_MAX;
        bootstrap_reply_write(r, &text);
        if (text.err || temporary.err)
                rc = -IMS_ENOMEM;
        if (rc == 0) {
                fd = open(temporary.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
                if (fd < 0 || write(fd, text.p, text.n) != (ssize_t)text.n || fsync(fd) < 0 ||
                    rename(temporary.p, file) < 0) {
                        buf_printf(err, "%s: %s\n", file, strerror(errno));
                        rc = -IMS_EIO;
                }
                if (fd >= 0)
                        close(fd);
                if (rc < 0)
                        (void)unlink(temporary.p);
        }
        buf_free(&text);
        buf_free(&temporary);
        return rc;
}

/* "ue register --imc FILE" with what stands behind "--". */
static int go_on(const struct wish *w, const char *file, const char *pcscf)
{
        char *argv[ARGS_MAX + 1] = {(char *)"register", (char *)"--imc", (char *)file};
        int argc = 3;

        if (pcscf[0] && !getenv("QUINTET_PCSCF")) {
                argv[argc++] = (char *)"--pcscf";
                argv[argc++] = (char *)pcscf;
        }
        for (int i = 0; i < w->n_rest && argc < ARGS_MAX;
             i++) /* a --pcscf of the user comes later, and counts */
                argv[argc++] = w->rest[i];
        return command_register(argc, argv);
}

static int run(const struct wish *w, struct bootstrap_reply *reply, char **file, struct buf *err)
{
        struct loop *loop = NULL;
        int rc = loop_new(&loop);

        if (rc == 0)
                rc = bootstrap_run(loop, &w->conf, reply, err);
        loop_free(loop);
        if (rc < 0)
                return rc;
        *file = w->out ? span_dup(span_of(w->out)) : options_state_file(reply->cred.impi, "imc");
        if (!*file) {
                buf_puts(err, "no place for the credentials: give --out FILE\n");
                return -IMS_ECONF;
        }
        if (!w->out)
                make_folders(*file);
        return write_file(*file, reply, err);
}

int command_bootstrap(int argc, char **argv)
{
        struct bootstrap_reply reply = {0};
        struct buf err = BUF_INIT;
        char *file = NULL, pcscf[CREDENTIAL_TEXT_MAX];
        struct wish w;
        int rc = read_wish(argc, argv, &w), code;

        if (rc < 0) {
                options_usage(stderr);
                return EXIT_USAGE;
        }
        log_init("ue", w.level);
        rc = run(&w, &reply, &file, &err);
        memcpy(pcscf, reply.pcscf, sizeof(pcscf));
        if (rc == 0) {
                printf("bootstrapped: %s, credentials in %s\n", reply.cred.impi, file);
                (void)fflush(stdout);
        } else {
                options_complain(&err, rc);
        }
        secret_wipe(&reply, sizeof(reply));
        buf_free(&err);
        code = rc == 0 ? 0 : rc == -IMS_ECONF ? EXIT_USAGE : EXIT_REFUSED;
        if (rc == 0 && w.registers)
                code = go_on(&w, file, pcscf);
        free(file);
        return code;
}
