/* SPDX-License-Identifier: BSD-3-Clause
 * The exchange with a bootstrapping server. Nothing is asked before both ends have shown good certificates.
 */
#include "ue/bootstrap.h"

#include <stdlib.h>

#include "common/net/http_reply.h"
#include "common/net/tls.h"
#include "ue/phone_addr.h"

#define BOOTSTRAP_PORT 8443
#define ANSWER_MAX     (HTTP_HEAD_MAX + BOOTSTRAP_BODY_MAX)

struct exchange {
        struct loop *loop;
        const struct bootstrap_conf *conf;
        struct tls_context *ctx;
        struct tcp_conn *tcp; /* NULL: it has ended */
        struct tmr timer;
        char in[ANSWER_MAX]; /* never moved: it holds the password */
        size_t in_n;
        int rc;           /* 1: still running */
        int status;       /* of the answer */
        struct span body; /* points into in */
        struct buf *err;
};

static void leave(struct exchange *x)
{
        if (!x->tcp)
                return;
        tcp_set_handlers(x->tcp, &tcp_deaf, NULL);
        tcp_close(x->tcp, false);
        x->tcp = NULL;
}

static void end(struct exchange *x, int rc)
{
        if (x->rc != 1)
                return;
        x->rc = rc;
        leave(x);
        loop_stop(x->loop);
}

static void on_timer(struct tmr *t, void *arg)
{
        struct exchange *x = arg;

        (void)t;
        buf_printf(x->err, "%s: no answer in time\n", x->conf->server);
        end(x, -IMS_ETIMEOUT);
}

static void on_connect(struct tcp_conn *c, void *arg)
{
        struct exchange *x = arg;
        struct buf b = BUF_INIT;
        int rc;

        buf_printf(&b,
                   "POST /bootstrap HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                   x->conf->server);
        rc = b.err ? b.err : tcp_send(c, buf_as_span(&b));
        buf_free(&b);
        if (rc < 0)
                end(x, rc);
}

/* Is the answer whole? 1; 0: not yet; an error. */
static int is_whole(struct exchange *x, bool ended)
{
        struct http_reply r;
        int rc = http_reply_parse(span_make(x->in, x->in_n), &r);

        if (rc == -IMS_EINCOMPLETE && !ended)
                return 0;
        if (rc < 0 || r.coded || (r.has_length && r.length > BOOTSTRAP_BODY_MAX)) {
                buf_printf(x->err, "%s: what came is no answer as docs/hss.md has it\n", x->conf->server);
                return -IMS_EPARSE;
        }
        x->status = r.status;
        x->body = span_make(x->in + r.head_n, x->in_n - r.head_n);
        if (!r.has_length)
                return ended;
        if (x->body.n < r.length)
                return 0;
        x->body = span_sub(x->body, 0, r.length);
        return 1;
}

static void on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct exchange *x = arg;
        int rc;

        (void)c;
        if (data.n > sizeof(x->in) - x->in_n) {
                buf_printf(x->err, "%s: the answer is too long\n", x->conf->server);
                end(x, -IMS_ETOOBIG);
                return;
        }
        memcpy(x->in + x->in_n, data.p, data.n);
        x->in_n += data.n;
        rc = is_whole(x, false);
        if (rc != 0)
                end(x, rc < 0 ? rc : 0);
}

static void on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct exchange *x = arg;
        const char *why = tls_failure(c);
        int rc;

        x->tcp = NULL;
        if (x->rc != 1)
                return;
        if (*why) {
                buf_printf(x->err, "%s: TLS failed: %s\n", x->conf->server, why);
                end(x, -IMS_EAUTH);
                return;
        }
        rc = x->in_n ? is_whole(x, true) : 0;
        if (rc == 1) {
                end(x, 0);
                return;
        }
        if (rc == 0)
                buf_printf(x->err, "%s: %s\n", x->conf->server,
                           reason ? ims_strerror(reason) : "it closed the connection without an answer");
        end(x, rc < 0 ? rc : reason ? reason : -IMS_ECLOSED);
}

static const struct tcp_handlers handlers = {on_connect, on_data, on_close};

static int make_context(struct exchange *x)
{
        const struct bootstrap_conf *c = x->conf;
        const struct tls_conf tls = {
                .certificate = (char *)c->certificate, .key = (char *)c->key, .ca = (char *)c->ca};
        int rc;

        if (!c->server || !c->certificate || !c->key || !c->ca) {
                buf_puts(x->err, "--server, --certificate, --key and --ca are needed\n");
                return -IMS_ECONF;
        }
        rc = tls_context_new(&tls, TLS_CLIENT, &x->ctx, x->err);
        if (rc < 0)
                buf_char(x->err, '\n');
        return rc;
}

static int open_connection(struct exchange *x)
{
        char ip[ADDR_STR], *name;
        struct addr to;
        int rc = phone_find_host(x->conf->server, BOOTSTRAP_PORT, AF_UNSPEC, &to, x->err);

        if (rc < 0)
                return rc;
        name = span_dup(x->conf->name ? span_of(x->conf->name) : phone_host_name(x->conf->server, ip));
        rc = name ? tcp_connect(x->loop, NULL, &to, x->conf->timeout_ms, &handlers, x, &x->tcp) : -IMS_ENOMEM;
        if (rc == 0)
                rc = tls_start(x->tcp, x->ctx, name, NULL);
        free(name);
        if (rc < 0)
                buf_printf(x->err, "%s: %s\n", x->conf->server, ims_strerror(rc));
        return rc;
}

int bootstrap_run(struct loop *l, const struct bootstrap_conf *conf, struct bootstrap_reply *out,
                  struct buf *err)
{
        struct exchange x = {.loop = l, .conf = conf, .rc = 1, .err = err};
        int rc;

        memset(out, 0, sizeof(*out));
        rc = make_context(&x);
        if (rc == 0)
                rc = open_connection(&x);
        if (rc == 0)
                rc = tmr_start(l, &x.timer, conf->timeout_ms, on_timer, &x);
        if (rc == 0) {
                loop_run(l);
                rc = x.rc == 1 ? -IMS_ECANCELED : x.rc;
        }
        tmr_stop(l, &x.timer);
        leave(&x);
        if (rc == 0)
                rc = bootstrap_reply_read(x.status, x.body, out, err);
        if (rc == -IMS_EPERM)
                buf_printf(err, "%s: refused with %d %s: %s\n", conf->server, x.status, out->error,
                           out->reason);
        secret_wipe(x.in, sizeof(x.in));
        tls_context_free(x.ctx);
        return rc;
}
