/* SPDX-License-Identifier: BSD-3-Clause
 * Looking for a way to a TURN server. */
#include "ue/turn.h"

#include "common/base/secret.h"
#include "common/net/stun.h"
#include "common/net/tls.h"

#define ANSWER_MAX 1024

struct attempt {
        struct loop *loop;
        const struct turn_conf *conf;
        struct turn_way way;
        struct tls_context *ctx; /* NULL: in clear */
        struct http_proxy_auth auth;
        struct http_tunnel *tunnel; /* in clear, asked of a proxy that has not agreed yet; NULL: none */
        struct tcp_conn *tcp;
        struct tmr timer;
        char in[ANSWER_MAX];
        size_t in_n;
        bool good;
        uint8_t id[STUN_ID];
        struct buf *log;
};

size_t turn_plan(const struct turn_conf *c, struct turn_way out[static 2])
{
        bool proxy = c->proxy.u.sa.sa_family != 0;
        size_t n = 0;

        if (c->tcp)
                out[n++] =
                        (struct turn_way){.port = c->tcp_port ? c->tcp_port : TURN_PORT_TCP, .proxy = proxy};
        if (c->tls)
                out[n++] = (struct turn_way){
                        .tls = true, .port = c->tls_port ? c->tls_port : TURN_PORT_TLS, .proxy = proxy};
        return n;
}

void turn_way_text(const struct turn_way *w, struct buf *out)
{
        buf_printf(out, "%s on port %u%s", w->tls ? "TLS" : "TCP", w->port,
                   w->proxy ? " through the HTTP proxy" : "");
}

static void over(struct attempt *a, const char *why)
{
        turn_way_text(&a->way, a->log);
        buf_printf(a->log, ": %s\n", why);
        loop_stop(a->loop);
}

static void on_timer(struct tmr *t, void *arg)
{
        (void)t;
        over(arg, "no answer in time");
}

static struct addr target(const struct attempt *a)
{
        struct addr to = a->conf->server;

        addr_set_port(&to, a->way.port);
        return to;
}

static void ask(struct attempt *a)
{
        uint8_t request[STUN_REQUEST];

        stun_request(a->id, request);
        if (tcp_send(a->tcp, span_make(request, sizeof(request))) < 0)
                over(a, "the connection ended");
}

static void on_connect(struct tcp_conn *c, void *arg)
{
        struct attempt *a = arg;
        struct buf b = {.secret = true};

        if (!a->tunnel) { /* of TLS the tunnel is there already */
                ask(a);
                return;
        }
        http_tunnel_ask(a->tunnel, &b);
        if (b.err || tcp_send(c, buf_as_span(&b)) < 0)
                over(a, "the connection ended");
        buf_free(&b);
}

/* In clear through a proxy: its answer comes first. */
static void take_answer(struct attempt *a, struct span octets)
{
        struct buf why = BUF_INIT;
        int rc = http_tunnel_take(a->tunnel, octets, &why);

        if (rc == HTTP_TUNNEL_OPEN) {
                http_tunnel_free(a->tunnel);
                a->tunnel = NULL;
                ask(a);
        } else if (rc == HTTP_TUNNEL_AGAIN) {
                rc = tcp_reopen(a->tcp);
                buf_puts(&why, ims_strerror(rc));
        }
        buf_char(&why, '\0');
        if (rc < 0)
                over(a, why.err ? ims_strerror(why.err) : why.p);
        buf_free(&why);
}

static void on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct attempt *a = arg;
        size_t n = data.n < sizeof(a->in) - a->in_n ? data.n : sizeof(a->in) - a->in_n;

        (void)c;
        if (a->tunnel) {
                take_answer(a, data);
                return;
        }
        memcpy(a->in + a->in_n, data.p, n);
        a->in_n += n;
        if (stun_answers(span_make(a->in, a->in_n), a->id)) {
                a->good = true;
                over(a, "the server answers");
        } else if (a->in_n >= STUN_ANSWER_MAX) {
                over(a, "what answers is no STUN");
        }
}

static void on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct attempt *a = arg;
        const char *why = tls_failure(c);

        a->tcp = NULL;
        over(a, *why ? why : reason ? ims_strerror(reason) : "the connection ended");
}

static const struct tcp_handlers handlers = {on_connect, on_data, on_close};

static int open_connection(struct attempt *a)
{
        const struct addr to = target(a);
        char text[ADDR_STR];
        const char *through = a->way.proxy ? addr_str(&to, text) : NULL;
        const struct tls_hooks hooks = {.tunnel = through, .tunnel_auth = &a->auth};
        int rc = 0;

        if (through && !a->way.tls)
                rc = http_tunnel_new(through, &a->auth, &a->tunnel);
        if (rc == 0)
                rc = tcp_connect(a->loop, NULL, a->way.proxy ? &a->conf->proxy : &to, a->conf->timeout_ms,
                                 &handlers, a, &a->tcp);
        if (rc == 0 && a->way.tls)
                rc = tls_start(a->tcp, a->ctx, a->conf->name, &hooks);
        return rc;
}

static int try_way(struct attempt *a)
{
        int rc = secret_random(a->id, sizeof(a->id));

        if (rc == 0)
                rc = open_connection(a);
        if (rc == 0)
                rc = tmr_start(a->loop, &a->timer, a->conf->timeout_ms, on_timer, a);
        if (rc == 0)
                loop_run(a->loop);
        tmr_stop(a->loop, &a->timer);
        if (a->tcp) {
                tcp_set_handlers(a->tcp, &tcp_deaf, NULL);
                tcp_close(a->tcp, false);
        }
        http_tunnel_free(a->tunnel);
        return rc < 0 ? rc : a->good ? 0 : -IMS_EUNREACH;
}

int turn_find(struct loop *l, struct turn_conf *c, struct turn_way *out, struct buf *log)
{
        const struct tls_conf tls = {.ca = (char *)c->ca};
        struct tls_context *ctx = NULL;
        struct turn_way ways[2];
        size_t n = turn_plan(c, ways);
        int rc = c->tls ? tls_context_new(&tls, TLS_CLIENT, &ctx, log) : 0;

        if (rc == 0)
                rc = -IMS_EUNREACH;
        for (size_t i = 0; rc == -IMS_EUNREACH && i < n; i++) {
                struct attempt a = {.loop = l,
                                    .conf = c,
                                    .way = ways[i],
                                    .ctx = ctx,
                                    .auth = proxy_auth_hook(&c->proxy_auth),
                                    .log = log};

                rc = try_way(&a);
                if (rc == 0)
                        *out = ways[i];
        }
        tls_context_free(ctx);
        return rc;
}
