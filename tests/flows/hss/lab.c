/* SPDX-License-Identifier: BSD-3-Clause
 * Starting, ending and asking the HSS. */
#include "tests/flows/hss/lab.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/codec.h"
#include "common/base/log.h"

#define PATIENCE_MS 20000

static const char *program(void)
{
        static char path[512];
        const char *bin = getenv("QUINTET_BIN");
        (void)snprintf(path, sizeof path, "%s/hss", bin ? bin : HSS_BIN);
        return path;
}

static void on_peer(const char *identity, bool up, const char *why, void *arg)
{
        struct lab *lab = arg;
        (void)identity;
        (void)why;
        lab->up = up;
}

static void on_trace(const struct dia_trace_info *info, void *arg)
{
        struct lab *lab = arg;
        if (info->outbound)
                return;
        buf_reset(&lab->received);
        buf_span(&lab->received, info->octets);
}

void lab_open(struct lab *lab, const char *extra)
{
        const struct dia_handlers handlers = {.on_peer = on_peer, .on_trace = on_trace};
        struct addr any;
        char address[ADDR_STR];
        memset(lab, 0, sizeof *lab);
        lab->log_fd = -1;
        log_init("test", LOG_ERROR);
        (void)snprintf(lab->dir, sizeof lab->dir, "/tmp/hss-flow-XXXXXX");
        assert_non_null(mkdtemp(lab->dir));
        (void)snprintf(lab->conf, sizeof lab->conf, "%s/hss.yaml", lab->dir);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&lab->loop), 0);
        struct dia_node_conf c = {.identity = "scscf1." DOMAIN,
                                  .realm = DOMAIN,
                                  .product = "test",
                                  .listen = &any,
                                  .n_listen = 1,
                                  .accept_unknown = true,
                                  .tc_ms = 20};
        assert_int_equal(dia_node_new(lab->loop, &c, &handlers, lab, &lab->node), 0);
        FILE *f = fopen(lab->conf, "w");
        assert_non_null(f);
        (void)fprintf(f,
                      "store: {file: %s/hss.db, key_file: %s/hss.key}\n"
                      "diameter:\n  identity: hss." DOMAIN "\n  realm: " DOMAIN "\n  tc: 20\n"
                      "  peers: [{identity: scscf1." DOMAIN ", address: \"%s\"}]\n%s",
                      lab->dir, lab->dir, addr_str(dia_node_listen_addr(lab->node, 0), address), extra);
        assert_int_equal(fclose(f), 0);
}

void lab_close(struct lab *lab)
{
        char command[128];
        if (lab->hss > 0)
                (void)lab_stop(lab, SIGKILL);
        dia_node_free(lab->node);
        loop_free(lab->loop);
        buf_free(&lab->log);
        buf_free(&lab->received);
        (void)snprintf(command, sizeof command, "rm -rf %s", lab->dir);
        assert_int_equal(system(command), 0);
}

/* Child: stderr (and stdout) into fd, then the program. */
static void exec_hss(struct lab *lab, char **argv, int fd)
{
        argv[0] = (char *)(uintptr_t) "hss";
        argv[1] = (char *)(uintptr_t) "-c";
        argv[2] = lab->conf;
        (void)dup2(fd, 1);
        (void)dup2(fd, 2);
        execv(program(), argv);
        _exit(127);
}

static void on_patience(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

void lab_wait(struct lab *lab, const bool *flag)
{
        struct tmr patience = {0};
        bool late = false;
        assert_int_equal(tmr_start(lab->loop, &patience, PATIENCE_MS, on_patience, &late), 0);
        while (!*flag && !late)
                loop_once(lab->loop);
        tmr_stop(lab->loop, &patience);
        assert_false(late);
}

void lab_start(struct lab *lab)
{
        char *argv[4] = {NULL};
        char path[128];
        (void)snprintf(path, sizeof path, "%s/log", lab->dir);
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        lab->up = false;
        lab->hss = fork();
        assert_true(lab->hss >= 0);
        if (lab->hss == 0)
                exec_hss(lab, argv, fd);
        close(fd);
        lab_wait(lab, &lab->up);
}

static void read_log(struct lab *lab)
{
        char path[128], block[4096];
        size_t n;
        (void)snprintf(path, sizeof path, "%s/log", lab->dir);
        FILE *f = fopen(path, "r");
        buf_reset(&lab->log);
        while (f && (n = fread(block, 1, sizeof block, f)) > 0)
                buf_put(&lab->log, block, n);
        if (f)
                (void)fclose(f);
}

/* Waits for the end of the HSS; its wait status. */
static int wait_end(struct lab *lab)
{
        int status = 0;
        /* The loop turns meanwhile: the HSS says goodbye by DPR. */
        for (int i = 0; waitpid(lab->hss, &status, WNOHANG) == 0; i++) {
                assert_true(i < 20000);
                (void)uv_run(loop_uv(lab->loop), UV_RUN_NOWAIT);
                (void)usleep(1000);
        }
        lab->hss = 0;
        read_log(lab);
        return status;
}

int lab_stop(struct lab *lab, int sig)
{
        assert_int_equal(kill(lab->hss, sig), 0);
        int status = wait_end(lab);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int lab_wait_end(struct lab *lab)
{
        int status = wait_end(lab);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int lab_hss(struct lab *lab, const char *args, struct buf *out)
{
        char text[2048], block[4096], *argv[64] = {NULL};
        int pipes[2], status = 0, n = 3;
        ssize_t got;
        (void)snprintf(text, sizeof text, "%s", args);
        for (char *p = strtok(text, " "); p && n < 63; p = strtok(NULL, " "))
                argv[n++] = p;
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                exec_hss(lab, argv, pipes[1]);
        close(pipes[1]);
        while ((got = read(pipes[0], block, sizeof block)) > 0)
                if (out)
                        buf_put(out, block, (size_t)got);
        close(pipes[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void copy(struct span s, uint8_t *to, size_t n)
{
        if (s.n == n)
                memcpy(to, s.p, n);
}

static void on_maa(int err, const struct cx_maa *a, void *arg)
{
        struct lab_maa *m = arg;
        if (m->lab->kill_after && --m->lab->kill_after == 0 && m->lab->hss > 0) /* 0 would be our own group */
                (void)kill(m->lab->hss, SIGKILL);
        m->err = err;
        m->done = true;
        if (err)
                return;
        m->result = a->h.result;
        m->n = a->n;
        for (size_t i = 0; i < a->n; i++) {
                const struct cx_auth_item *item = &a->items[i];
                if (item->authenticate.n != 32 || item->authorization.n > 16)
                        continue;
                memcpy(m->av[i].rand, item->authenticate.p, 16);
                memcpy(m->av[i].autn, item->authenticate.p + 16, 16);
                memcpy(m->av[i].xres, item->authorization.p, item->authorization.n);
                m->av[i].xres_n = item->authorization.n;
                copy(item->ck, m->av[i].ck, 16);
                copy(item->ik, m->av[i].ik, 16);
        }
}

bool lab_mar(struct lab *lab, const char *impi, const char *impu, uint32_t n, struct lab_maa *m)
{
        struct cx_mar rq = {.impi = span_of(impi),
                            .impu = span_of(impu),
                            .server_name = SPAN(SCSCF),
                            .n_items = n,
                            .item.scheme = SPAN(CX_SCHEME_AKA)};
        memset(m, 0, sizeof *m);
        m->lab = lab;
        return cx_send_mar(lab->node, &rq, 5000, on_maa, m, NULL) == 0;
}

uint64_t lab_sqn(const struct lab_maa *m, size_t i)
{
        struct aka_key key = {.algorithm = AKA_MILENAGE, .k_n = 16};
        struct aka_ctx *ctx = NULL;
        struct aka_av av;
        uint64_t sqn = 0;
        uint16_t amf = 0;
        assert_int_equal(aka_ctx_new(&ctx), 0);
        assert_int_equal(hex_decode(SPAN(K), key.k, 16), 0);
        assert_int_equal(hex_decode(SPAN(OPC), key.opc, 16), 0);
        assert_int_equal(aka_check_autn(ctx, &key, m->av[i].rand, m->av[i].autn, &sqn, &amf, &av), 0);
        assert_int_equal(av.xres_n, m->av[i].xres_n);
        assert_memory_equal(av.xres, m->av[i].xres, av.xres_n);
        assert_memory_equal(av.ck.b, m->av[i].ck, 16);
        assert_memory_equal(av.ik.b, m->av[i].ik, 16);
        aka_ctx_free(ctx);
        return sqn;
}

static void on_saa(int err, const struct cx_saa *a, void *arg)
{
        struct lab_saa *s = arg;
        s->err = err;
        s->done = true;
        if (err)
                return;
        s->result = a->h.result;
        assert_int_equal(span_copy(a->user_data, s->user_data, sizeof s->user_data), 0);
        assert_int_equal(span_copy(a->impi, s->impi, sizeof s->impi), 0);
        assert_int_equal(span_copy(a->h.failed_avp, s->failed_avp, sizeof s->failed_avp), 0);
}

void lab_sar(struct lab *lab, const char *impi, const char *impu, uint32_t type, struct lab_saa *s)
{
        struct cx_sar rq = {.impi = span_of(impi),
                            .impus = {.v = {span_of(impu)}, .n = impu ? 1 : 0},
                            .server_name = SPAN(SCSCF),
                            .type = type};
        memset(s, 0, sizeof *s);
        assert_int_equal(cx_send_sar(lab->node, &rq, 5000, on_saa, s, NULL), 0);
        lab_wait(lab, &s->done);
        assert_int_equal(s->err, 0);
}

static void on_uaa(int err, const struct cx_uaa *a, void *arg)
{
        struct lab_uaa *u = arg;
        u->err = err;
        u->done = true;
        if (err)
                return;
        u->result = a->h.result;
        u->mandatory = a->capabilities.mandatory.n;
        assert_int_equal(span_copy(a->server_name, u->server_name, sizeof u->server_name), 0);
}

void lab_uar(struct lab *lab, const char *impi, const char *impu, struct lab_uaa *u)
{
        struct cx_uar rq = {.impi = span_of(impi), .impu = span_of(impu), .visited_network = SPAN(DOMAIN)};
        memset(u, 0, sizeof *u);
        assert_int_equal(cx_send_uar(lab->node, &rq, 5000, on_uaa, u, NULL), 0);
        lab_wait(lab, &u->done);
        assert_int_equal(u->err, 0);
}

static void on_lia(int err, const struct cx_lia *a, void *arg)
{
        struct lab_uaa *u = arg;
        u->err = err;
        u->done = true;
        if (err)
                return;
        u->result = a->h.result;
        u->mandatory = a->capabilities.mandatory.n;
        assert_int_equal(span_copy(a->server_name, u->server_name, sizeof u->server_name), 0);
}

void lab_lir(struct lab *lab, const char *impu, struct lab_uaa *u)
{
        struct cx_lir rq = {.impu = span_of(impu)};
        memset(u, 0, sizeof *u);
        assert_int_equal(cx_send_lir(lab->node, &rq, 5000, on_lia, u, NULL), 0);
        lab_wait(lab, &u->done);
        assert_int_equal(u->err, 0);
}
