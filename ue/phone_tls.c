/* SPDX-License-Identifier: BSD-3-Clause
 * One TLS connection to the P-CSCF: opened when a REGISTER asks for it, found again, closed, missed. */
#include "ue/phone_tls.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/net/cert.h"
#include "ue/phone_addr.h"

struct phone_tls {
        struct loop *loop;
        struct sip_stack *stack;
        struct tls_context *ctx;
        struct tls_guard guard;
        char *target, *name; /* URI of the P-CSCF, and the name expected of it */
        char *trust_domain;
        struct addr server; /* that of target */
        struct addr proxy;  /* of family 0: none */
        struct proxy_auth proxy_auth;
        bool opening;         /* a connection that is not up yet is ours */
        struct sip_flow flow; /* conn_id 0: none */
        char *why;            /* of the last failure */
        bool failed;          /* the last attempt, by TLS */
        char *names;          /* of the certificate, joined by spaces */
        unsigned handshakes, resumed, connections, ended;
        phone_tls_lost_fn *lost;
        void *lost_arg;
        struct tmr tell; /* lost is told from the loop */
};

/* --- making ------------------------------------------------------------------------------------------ */

static int make_context(struct phone_tls *t, const struct phone_tls_conf *conf, struct buf *err)
{
        const struct tls_conf c = {.ca = (char *)conf->ca,
                                   .trust_domain = (char *)conf->trust_domain,
                                   .home_domain = (char *)conf->home_domain,
                                   .home_ca = (char *)conf->home_ca,
                                   .keylog = (char *)conf->keylog,
                                   .min_version = conf->tls13 ? 1 : 0,
                                   .max_version = conf->tls12 ? 1 : 0};
        int rc;

        if (!conf->ca) {
                buf_puts(err, "TLS: no roots to verify the P-CSCF with: --tls-ca FILE or QUINTET_UE_CA\n");
                return -IMS_ECONF;
        }
        rc = tls_context_new(&c, TLS_CLIENT, &t->ctx, err);
        if (rc < 0)
                buf_puts(err, err->n ? "\n" : "TLS cannot be set up\n");
        return rc;
}

static int make_names(struct phone_tls *t, const struct phone_tls_conf *conf, const struct addr *pcscf,
                      struct span host)
{
        struct buf b = BUF_INIT;
        char text[ADDR_STR];

        t->server = *pcscf;
        if (conf->port)
                addr_set_port(&t->server, conf->port);
        else if (conf->variant == TLS_VARIANT_AGREED)
                addr_set_port(&t->server, SIPS_PORT);
        buf_printf(&b, "sip:%s;transport=tls", addr_str(&t->server, text));
        t->target = buf_steal(&b);
        t->name = span_dup(conf->name ? span_of(conf->name) : host);
        if (conf->trust_domain)
                t->trust_domain = span_dup(span_of(conf->trust_domain));
        return t->target && t->name && !t->trust_domain == !conf->trust_domain ? 0 : -IMS_ENOMEM;
}

int phone_tls_new(struct loop *l, const struct phone_tls_conf *conf, const struct addr *pcscf,
                  struct span host, struct phone_tls **out, struct buf *err)
{
        struct phone_tls *t = calloc(1, sizeof(*t));
        int rc;

        if (!t)
                return -IMS_ENOMEM;
        t->loop = l;
        t->guard.variant = conf->variant;
        t->guard.required = conf->required;
        rc = make_context(t, conf, err);
        if (rc == 0 && conf->proxy)
                rc = phone_find_host(conf->proxy, 0, pcscf->u.sa.sa_family, &t->proxy, err);
        if (rc == 0 && conf->proxy_auth)
                t->proxy_auth = *conf->proxy_auth;
        if (rc == 0)
                rc = make_names(t, conf, pcscf, host);
        if (rc < 0) {
                phone_tls_free(t);
                return rc;
        }
        *out = t;
        return 0;
}

void phone_tls_free(struct phone_tls *t)
{
        if (!t)
                return;
        tmr_stop(t->loop, &t->tell);
        tls_guard_free(&t->guard);
        tls_context_free(t->ctx);
        free(t->target);
        free(t->name);
        free(t->trust_domain);
        free(t->why);
        free(t->names);
        proxy_auth_wipe(&t->proxy_auth);
        free(t);
}

void phone_tls_use_stack(struct phone_tls *t, struct sip_stack *s)
{
        const struct http_proxy_auth auth = proxy_auth_hook(&t->proxy_auth);

        t->stack = s;
        t->flow.conn_id = 0;
        t->opening = false;
        (void)tls_guard_lost(&t->guard);
        sip_stack_set_tls_client(s, t->ctx);
        sip_stack_set_tls_proxy(s, t->proxy.u.sa.sa_family ? &t->proxy : NULL, &auth);
}

const struct addr *phone_tls_server(const struct phone_tls *t)
{
        return &t->server;
}

struct tls_guard *phone_tls_guard(struct phone_tls *t)
{
        return &t->guard;
}

void phone_tls_on_lost(struct phone_tls *t, phone_tls_lost_fn *fn, void *arg)
{
        t->lost = fn;
        t->lost_arg = arg;
}

/* --- ways -------------------------------------------------------------------------------------------- */

static void close_flow(struct phone_tls *t, bool forget)
{
        const struct sip_flow flow = t->flow;

        t->flow.conn_id = 0;
        t->opening = false;
        if (forget)
                tls_context_forget_all(t->ctx);
        sip_flow_close(t->stack, &flow, forget);
}

void phone_tls_settle(struct phone_tls *t)
{
        bool forget;

        if (tls_guard_take_drop(&t->guard, &forget))
                close_flow(t, forget);
}

static int way_of(struct phone_tls *t, bool step, enum tls_way *out)
{
        if (!step)
                return tls_guard_request(&t->guard, out);
        *out = t->guard.way;
        return 0;
}

int phone_tls_way(struct phone_tls *t, bool step, struct sip_target *target)
{
        enum tls_way way;
        int rc = way_of(t, step, &way);

        phone_tls_settle(t);
        if (rc < 0 || way == TLS_WAY_CLEAR)
                return rc;
        target->tls_name = span_of(t->name);
        if (way == TLS_WAY_KEPT) {
                if (!t->flow.conn_id || !sip_flow_alive(t->stack, &t->flow))
                        return -IMS_ECLOSED;
                target->flow = &t->flow;
                target->same_conn = true;
                return 1;
        }
        /* sec-agree wants a full handshake (O.2.2); before registration a session may be resumed, never a
         * connection */
        close_flow(t, t->guard.variant == TLS_VARIANT_AGREED);
        t->opening = true;
        t->failed = false;
        target->uri = span_of(t->target);
        tls_guard_sent(&t->guard);
        return 1;
}

/* --- what the stack tells ---------------------------------------------------------------------------- */

static void keep_names(struct phone_tls *t, const struct tls_info *info)
{
        struct buf b = BUF_INIT;

        for (size_t i = 0; i < info->n_names; i++)
                buf_printf(&b, "%s%s", i ? " " : "", info->names[i]);
        free(t->names);
        t->names = b.n ? buf_steal(&b) : NULL;
        buf_free(&b);
}

void phone_tls_session(struct phone_tls *t, const struct sip_flow *flow, const struct tls_info *info)
{
        if (t->opening) {
                t->opening = false;
                t->flow = *flow;
                t->connections++;
                tls_guard_up(&t->guard);
        } else if (flow->conn_id != t->flow.conn_id) {
                return;
        }
        t->handshakes++;
        t->resumed += info->resumed;
        keep_names(t, info);
}

void phone_tls_failure(struct phone_tls *t, const char *why)
{
        free(t->why);
        t->why = span_dup(span_of(why));
        t->failed = true;
}

static void on_tell(struct tmr *timer, void *arg)
{
        struct phone_tls *t = arg;

        (void)timer;
        if (t->lost)
                t->lost(t->lost_arg);
}

void phone_tls_flow_end(struct phone_tls *t, const struct sip_flow *flow)
{
        if (flow->transport != TRANSPORT_TLS)
                return;
        if (t->opening)
                t->opening = false;
        if (flow->conn_id != t->flow.conn_id)
                return;
        t->flow.conn_id = 0;
        t->ended++;
        if (tls_guard_lost(&t->guard) && tmr_start(t->loop, &t->tell, 0, on_tell, t) < 0)
                log_warn("the loss of the TLS connection cannot be told: out of memory");
}

bool phone_tls_is_inside(const struct phone_tls *t, const struct sip_flow *flow)
{
        return flow->transport == TRANSPORT_TLS && flow->conn_id == t->flow.conn_id;
}

/* --- looks ------------------------------------------------------------------------------------------- */

int phone_tls_error(const struct phone_tls *t, int err)
{
        return t->failed ? -IMS_EAUTH : err;
}

const char *phone_tls_why(const struct phone_tls *t)
{
        return t->failed && t->why ? t->why : "";
}

void phone_tls_state(const struct phone_tls *t, struct phone_tls_state *out)
{
        *out = (struct phone_tls_state){.flow = t->flow,
                                        .handshakes = t->handshakes,
                                        .resumed = t->resumed,
                                        .connections = t->connections,
                                        .ended = t->ended};
        out->up = t->flow.conn_id && sip_flow_tls(t->stack, &t->flow, &out->info);
}

void phone_tls_cut(struct phone_tls *t)
{
        sip_flow_close(t->stack, &t->flow, false);
}

int phone_tls_renegotiate(struct phone_tls *t)
{
        return sip_flow_renegotiate(t->stack, &t->flow);
}

bool phone_tls_trusts_realm(struct span realm, void *phone_tls)
{
        const struct phone_tls *t = phone_tls;

        return !t->flow.conn_id || cert_trusts_realm(span_of(t->names), realm, span_of(t->trust_domain));
}
