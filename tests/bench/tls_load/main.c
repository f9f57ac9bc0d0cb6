/* SPDX-License-Identifier: BSD-3-Clause
 * What TLS costs a node: a SIP stack with a listener for TLS as a process of its own, and this one as all its
 * clients. Handshakes, full and resumed, in CPU time of the server and per second; then idle connections, in
 * octets of the server. docs/performance.md.
 *
 *   tls_load --certificate FILE --key FILE --ca FILE --name NAME [--version 1.2|1.3] [--handshakes N]
 *            [--connections N] [--json]
 *   tls_load serve --certificate FILE --key FILE [--version 1.2|1.3] [--rate N]    the server alone; prints
 * its port. --rate: so many handshakes per second of one address (sip.handshakes_per_source)
 *
 * Each connection is used once before it counts: a keep-alive goes there and back. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/sip/stack.h"
#include "tests/bench/lib/clock.h"
#include "tests/bench/lib/out.h"

#define AT_ONCE    32 /* full handshakes under way */
#define CONNECT_MS 60000

struct options {
        char *certificate, *key, *ca, *name;
        int max_version;
        unsigned handshakes, connections, rate;
        bool json, serve;
};

static void die(const char *what)
{
        (void)fprintf(stderr, "tls_load: %s\n", what);
        exit(1);
}

/* --- server ----------------------------------------------------------------------------------------- */

static void on_request(struct sip_request *rq, void *arg)
{
        (void)arg;
        sip_reply(rq, 200, NULL, NULL, 0);
}

static struct tls_context *context(const struct options *o, enum tls_role role)
{
        const struct tls_conf conf = {.certificate = role == TLS_SERVER ? o->certificate : NULL,
                                      .key = role == TLS_SERVER ? o->key : NULL,
                                      .ca = o->ca,
                                      .max_version = o->max_version};
        struct tls_context *c = NULL;
        struct buf err = BUF_INIT;

        if (tls_context_new(&conf, role, &c, &err) != 0) {
                buf_char(&err, '\0');
                die(err.p);
        }
        return c;
}

static void serve(const struct options *o, int out_fd)
{
        const struct sip_stack_conf conf = {.max_conns = 1000000,
                                            .max_conns_per_source = 1000000,
                                            .max_handshakes = 1000000,
                                            .max_handshakes_per_source = 1000000,
                                            .handshakes_per_source = o->rate,
                                            .tcp_first_ms = 3600000,
                                            .tcp_idle_ms = 3600000};
        const struct sip_stack_handlers handlers = {.on_request = on_request};
        struct tls_context *ctx = context(o, TLS_SERVER);
        struct sip_stack *s = NULL;
        struct loop *l = NULL;
        struct addr any, local;

        log_init("tls_load", LOG_ERROR);
        if (loop_new(&l) != 0 || sip_stack_new(l, NULL, &conf, &handlers, NULL, &s) != 0 ||
            addr_parse(SPAN("127.0.0.1:0"), 0, &any) != 0 || sip_stack_listen_tls(s, &any, ctx, &local) != 0)
                die("the server cannot start");
        (void)dprintf(out_fd, "%u\n", addr_port(&local));
        loop_run(l);
}

static pid_t start_server(const struct options *o, struct addr *out)
{
        int fds[2];
        char text[16];
        ssize_t n;
        pid_t pid;

        if (pipe(fds) != 0)
                die("no pipe");
        pid = fork();
        if (pid < 0)
                die("no process");
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void)close(fds[0]);
                serve(o, fds[1]);
                _exit(1);
        }
        (void)close(fds[1]);
        n = read(fds[0], text, sizeof(text) - 1);
        if (n <= 0)
                die("the server did not start");
        text[n] = '\0';
        if (addr_parse(SPAN("127.0.0.1"), (uint16_t)strtoul(text, NULL, 10), out) != 0)
                die("the server has no port");
        return pid;
}

/* Nanoseconds of CPU of the server, and its resident octets. */
static uint64_t server_cpu_ns(pid_t pid)
{
        char path[64];
        unsigned long long ns = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
        f = fopen(path, "r");
        if (!f || fscanf(f, "%llu", &ns) != 1)
                die("the CPU time of the server cannot be read");
        (void)fclose(f);
        return ns;
}

static double server_rss(pid_t pid)
{
        char path[64];
        unsigned long size, resident = 0;
        FILE *f;

        (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
        f = fopen(path, "r");
        if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
                die("the memory of the server cannot be read");
        (void)fclose(f);
        return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* --- clients ---------------------------------------------------------------------------------------- */

struct load {
        const struct options *o;
        struct loop *l;
        struct tls_context *ctx;
        struct addr server;
        unsigned want, at_once, begun, under_way, done, resumed;
        bool keep; /* connections stay */
};

static void go_on(struct load *load);

static void on_connect(struct tcp_conn *c, void *arg)
{
        (void)arg;
        if (tcp_send(c, SPAN("\r\n\r\n")) != 0)
                die("a keep-alive could not be sent");
}

static void on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct load *load = arg;
        struct tls_info info;

        (void)data;
        if (!tls_info_of(c, &info))
                die("no TLS");
        load->resumed += info.resumed;
        load->done++;
        if (load->keep) {
                load->under_way--;
                go_on(load);
        } else {
                tcp_close(c, true);
        }
}

static void on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct load *load = arg;

        if (reason != 0 || load->keep)
                die(*tls_failure(c) ? tls_failure(c) : "a connection was lost");
        load->under_way--;
        go_on(load);
}

static const struct tcp_handlers handlers = {on_connect, on_data, on_close};

static void go_on(struct load *load)
{
        while (load->begun < load->want && load->under_way < load->at_once) {
                struct tcp_conn *c;

                if (load->at_once > 1) /* every handshake is a full one */
                        tls_context_forget_all(load->ctx);
                if (tcp_connect(load->l, NULL, &load->server, CONNECT_MS, &handlers, load, &c) != 0 ||
                    tls_start(c, load->ctx, load->o->name, NULL) != 0)
                        die("a connection could not be opened");
                load->begun++;
                load->under_way++;
        }
        if (load->done == load->want && !load->under_way)
                loop_stop(load->l);
}

static void run(struct load *load, unsigned want, unsigned at_once, bool keep)
{
        load->want = want;
        load->at_once = at_once;
        load->keep = keep;
        load->begun = load->done = load->resumed = 0;
        go_on(load);
        loop_run(load->l);
}

static void measure_handshakes(struct load *load, pid_t server, struct out *out, bool resumed)
{
        uint64_t wall = bench_now_ns(), cpu = server_cpu_ns(server), own = bench_own_cpu_ns();
        const char *kind = resumed ? "resumed" : "full";
        double n = load->o->handshakes;
        char name[64];

        run(load, load->o->handshakes, resumed ? 1 : AT_ONCE, false);
        if (load->resumed != (resumed ? load->want : 0))
                die(resumed ? "not every handshake was resumed" : "a handshake was resumed");
        (void)snprintf(name, sizeof(name), "%s_per_s", kind);
        out_number(out, name, n * 1e9 / (double)(bench_now_ns() - wall));
        (void)snprintf(name, sizeof(name), "%s_server_cpu_us", kind);
        out_number(out, name, (double)(server_cpu_ns(server) - cpu) / 1e3 / n);
        (void)snprintf(name, sizeof(name), "%s_per_cpu_s", kind);
        out_number(out, name, n * 1e9 / (double)(server_cpu_ns(server) - cpu));
        (void)snprintf(name, sizeof(name), "%s_client_cpu_us", kind);
        out_number(out, name, (double)(bench_own_cpu_ns() - own) / 1e3 / n);
}

static void measure(const struct options *o)
{
        struct load load = {.o = o};
        pid_t server = start_server(o, &load.server);
        struct out out;
        double before;

        load.ctx = context(o, TLS_CLIENT);
        if (loop_new(&load.l) != 0)
                die("no loop");
        out_begin(&out, stdout, o->json);
        run(&load, 200, 1, false); /* both ends are warm */
        measure_handshakes(&load, server, &out, false);
        run(&load, 1, 1, false);
        measure_handshakes(&load, server, &out, true);
        before = server_rss(server);
        run(&load, o->connections, AT_ONCE, true);
        out_number(&out, "idle_connections", o->connections);
        out_number(&out, "idle_octets_per_connection", (server_rss(server) - before) / o->connections);
        out_end(&out);
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
}

/* --- start ------------------------------------------------------------------------------------------ */

static void raise_files(void)
{
        struct rlimit r;

        if (getrlimit(RLIMIT_NOFILE, &r) != 0)
                die("no limit on files");
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r);
}

int main(int argc, char **argv)
{
        struct options o = {.handshakes = 2000, .connections = 10000, .name = "localhost"};
        int i = 1;

        if (argc > 1 && strcmp(argv[1], "serve") == 0) {
                o.serve = true;
                i++;
        }
        for (; i < argc; i++) {
                char *value = i + 1 < argc ? argv[i + 1] : NULL;

                if (strcmp(argv[i], "--json") == 0) {
                        o.json = true;
                        continue;
                }
                if (!value)
                        die("a value is missing");
                if (strcmp(argv[i], "--certificate") == 0)
                        o.certificate = value;
                else if (strcmp(argv[i], "--key") == 0)
                        o.key = value;
                else if (strcmp(argv[i], "--ca") == 0)
                        o.ca = value;
                else if (strcmp(argv[i], "--name") == 0)
                        o.name = value;
                else if (strcmp(argv[i], "--version") == 0)
                        o.max_version = strcmp(value, "1.2") == 0;
                else if (strcmp(argv[i], "--handshakes") == 0)
                        o.handshakes = (unsigned)strtoul(value, NULL, 10);
                else if (strcmp(argv[i], "--rate") == 0)
                        o.rate = (unsigned)strtoul(value, NULL, 10);
                else if (strcmp(argv[i], "--connections") == 0)
                        o.connections = (unsigned)strtoul(value, NULL, 10);
                else
                        die("unknown option");
                i++;
        }
        raise_files();
        if (o.serve)
                serve(&o, STDOUT_FILENO);
        else
                measure(&o);
        return 0;
}
