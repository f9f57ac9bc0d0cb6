/* SPDX-License-Identifier: BSD-3-Clause
 * "ue turn": which way leads to a TURN server (TS 33.203 W.3.3). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "common/base/log.h"
#include "ue/commands.h"
#include "ue/options.h"
#include "ue/phone_addr.h"
#include "ue/secret_input.h"
#include "ue/turn.h"

#define TIMEOUT_DEFAULT_MS 5000
#define EXIT_NO_WAY        1

static const struct option longs[] = {
        {"server", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},
        {"ca", required_argument, NULL, 'a'},
        {"tcp", no_argument, NULL, 't'},
        {"tls", no_argument, NULL, 'l'},
        {"tcp-port", required_argument, NULL, 'T'},
        {"tls-port", required_argument, NULL, 'L'},
        {"http-proxy", required_argument, NULL, 'p'},
        {"http-proxy-user", required_argument, NULL, 'u'},
        {"http-proxy-password", required_argument, NULL, 'P'},
        {"http-proxy-password-file", required_argument, NULL, 'F'},
        {"timeout", required_argument, NULL, 'w'},
        {NULL, 0, NULL, 0},
};

struct wish {
        struct turn_conf conf;
        const char *server, *proxy;
        char *host; /* of server, where no other name is given */
};

static int read_port(const char *text, uint16_t *out)
{
        uint32_t n;

        if (span_u32(span_of(text), 65535, &n) < 0 || n == 0)
                return -IMS_EINVAL;
        *out = (uint16_t)n;
        return 0;
}

static int take_proxy(struct wish *w, int opt, struct buf *err)
{
        int rc;

        switch (opt) {
        case 'p':
                w->proxy = optarg;
                return 0;
        case 'u':
                return proxy_auth_set_user(&w->conf.proxy_auth, span_of(optarg));
        case 'P':
                rc = proxy_auth_set_password(&w->conf.proxy_auth, span_of(optarg));
                secret_blot(optarg);
                return rc;
        case 'F':
                return proxy_auth_read_password(&w->conf.proxy_auth, optarg, err);
        default:
                return -IMS_EINVAL;
        }
}

static int take(struct wish *w, int opt, struct buf *err)
{
        uint32_t s;

        switch (opt) {
        case 's':
                w->server = optarg;
                return 0;
        case 'n':
                w->conf.name = optarg;
                return 0;
        case 'a':
                w->conf.ca = optarg;
                return 0;
        case 't':
                w->conf.tcp = true;
                return 0;
        case 'l':
                w->conf.tls = true;
                return 0;
        case 'T':
                return read_port(optarg, &w->conf.tcp_port);
        case 'L':
                return read_port(optarg, &w->conf.tls_port);
        case 'w':
                if (span_u32(span_of(optarg), 3600, &s) < 0 || s == 0)
                        return -IMS_EINVAL;
                w->conf.timeout_ms = s * 1000;
                return 0;
        default:
                return take_proxy(w, opt, err);
        }
}

/* The port of --server is that of the way that has no option for its own. */
static int use_port(struct turn_conf *c, struct buf *err)
{
        const uint16_t port = addr_port(&c->server);
        const bool tcp = c->tcp && !c->tcp_port, tls = c->tls && !c->tls_port;

        if (port && tcp == tls) {
                buf_puts(err, "--server HOST:PORT: for one way; with --tcp and --tls give --tcp-port and "
                              "--tls-port\n");
                return -IMS_EINVAL;
        }
        if (port && tcp)
                c->tcp_port = port;
        else if (port)
                c->tls_port = port;
        return 0;
}

static int find_hosts(struct wish *w, struct buf *err)
{
        char ip[ADDR_STR];
        int rc = phone_find_host(w->server, 0, AF_UNSPEC, &w->conf.server, err);

        if (rc == 0)
                rc = use_port(&w->conf, err);
        if (rc == 0 && w->proxy)
                rc = phone_find_host(w->proxy, TURN_PORT_TCP, w->conf.server.u.sa.sa_family, &w->conf.proxy,
                                     err);
        if (rc == 0 && !w->conf.name) {
                w->host = span_dup(phone_host_name(w->server, ip));
                w->conf.name = w->host;
                rc = w->host ? 0 : -IMS_ENOMEM;
        }
        return rc;
}

static int read_wish(int argc, char **argv, struct wish *w, struct buf *err)
{
        int opt, rc = 0;

        *w = (struct wish){.conf.timeout_ms = TIMEOUT_DEFAULT_MS};
        optind = 1;
        while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
                int one = take(w, opt, err); /* every option, so that no password stays in argv */

                rc = rc < 0 ? rc : one;
        }
        if ((rc < 0 && !err->n) || optind < argc || !w->server || (w->conf.tls && !w->conf.ca)) {
                buf_puts(err, "--server HOST[:PORT] [--tcp] [--tls --ca FILE] [--name NAME] [--tcp-port N] "
                              "[--tls-port N] [--timeout S]\n    [--http-proxy HOST:PORT [--http-proxy-user "
                              "NAME --http-proxy-password TEXT | --http-proxy-password-file FILE]]\n");
                return -IMS_EINVAL;
        }
        if (rc == 0)
                rc = proxy_auth_take_environment(&w->conf.proxy_auth, err);
        if (rc == 0)
                rc = proxy_auth_check(&w->conf.proxy_auth, w->proxy, err);
        if (!w->conf.tcp && !w->conf.tls) /* what can be done without roots */
                w->conf.tcp = true;
        return rc < 0 ? rc : find_hosts(w, err);
}

int command_turn(int argc, char **argv)
{
        struct buf text = BUF_INIT;
        struct loop *loop = NULL;
        struct turn_way way;
        struct wish w;
        int rc = read_wish(argc, argv, &w, &text), code = EXIT_USAGE;

        log_init("ue", LOG_WARN);
        if (rc == 0)
                rc = loop_new(&loop);
        if (rc == 0) {
                rc = turn_find(loop, &w.conf, &way, &text);
                code = rc == 0 ? 0 : EXIT_NO_WAY;
        }
        if (rc == 0) {
                struct buf out = BUF_INIT;

                turn_way_text(&way, &out);
                printf(SPAN_FMT "\n", SPAN_ARG(buf_as_span(&out)));
                buf_free(&out);
        }
        (void)fprintf(stderr, SPAN_FMT, SPAN_ARG(buf_as_span(&text)));
        loop_free(loop);
        buf_free(&text);
        free(w.host);
        proxy_auth_wipe(&w.conf.proxy_auth);
        return code;
}
