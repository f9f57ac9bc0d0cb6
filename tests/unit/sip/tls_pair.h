/* SPDX-License-Identifier: BSD-3-Clause
 * Two nodes of the SIP stack that speak TLS with each other: b serves TLS, a opens it. */
#pragma once

#include "tests/unit/sip/stack_world.h"

#include "tests/unit/net/tls_files.h"

struct tls_node {
        unsigned ends, sessions;
        int end_reason;
        struct sip_flow ended, flow; /* flow: of the last session */
        struct tls_info info;
        char version[16];
};

struct tls_pair {
        struct world w;
        struct tls_files files;
        struct node a, b;
        struct tls_node at, bt; /* what each was told of TLS */
        struct tls_context *server, *client;
        struct addr tls; /* of b */
        struct call call;
        struct sip_target t; /* sips:TLS_NAME */
        char host[128];
};

static struct tls_pair *tls_pair_now; /* handlers have the node as arg */

static inline struct tls_node *tls_node_of(void *arg)
{
        return arg == &tls_pair_now->a ? &tls_pair_now->at : &tls_pair_now->bt;
}

static inline void tls_on_flow_end(const struct sip_flow *flow, int reason, void *arg)
{
        struct tls_node *n = tls_node_of(arg);

        n->ends++;
        n->end_reason = reason;
        n->ended = *flow;
}

static inline void tls_on_session(const struct sip_flow *flow, const struct tls_info *info, void *arg)
{
        struct tls_node *n = tls_node_of(arg);

        n->sessions++;
        n->flow = *flow;
        n->info = *info;
        (void)snprintf(n->version, sizeof(n->version), "%s", info->version);
}

/* conf: of b, may be NULL. server, client: what is not a file; may be NULL. */
static inline void tls_pair_start(struct tls_pair *p, const struct sip_stack_conf *conf,
                                  const struct tls_conf *server, const struct tls_conf *client)
{
        const struct sip_stack_handlers more = {.on_flow_end = tls_on_flow_end,
                                                .on_tls_session = tls_on_session};
        struct tls_conf sc = server ? *server : (struct tls_conf){0};
        struct tls_conf cc = client ? *client : (struct tls_conf){0};
        struct addr any;
        struct buf err = BUF_INIT;
        char name[ADDR_STR], *hosts[] = {p->host};

        *p = (struct tls_pair){.t = {.uri = SPAN("sips:" TLS_NAME)}};
        tls_pair_now = p;
        tls_files_make(&p->files);
        sc.certificate = sc.certificate ? sc.certificate : p->files.cert;
        sc.key = sc.key ? sc.key : p->files.key;
        cc.ca = cc.ca ? cc.ca : p->files.ca;
        assert_int_equal(tls_context_new(&sc, TLS_SERVER, &p->server, &err), 0);
        assert_int_equal(tls_context_new(&cc, TLS_CLIENT, &p->client, &err), 0);
        world_start(&p->w, NULL, 0);
        node_start_with(&p->b, &p->w, conf, &more);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(sip_stack_listen_tls(p->b.s, &any, p->server, &p->tls), 0);
        (void)snprintf(p->host, sizeof(p->host), TLS_NAME "=%s/tls", addr_str(&p->tls, name));
        resolver_free(p->w.resolver);
        assert_int_equal(resolver_new(p->w.loop, hosts, 1, NULL, 0, &p->w.resolver, &(size_t){0}), 0);
        node_start_with(&p->a, &p->w, NULL, &more);
        sip_stack_set_tls_client(p->a.s, p->client);
}

static inline void tls_pair_stop(struct tls_pair *p)
{
        node_stop(&p->a);
        node_stop(&p->b);
        tls_context_free(p->server);
        tls_context_free(p->client);
        world_stop(&p->w);
        tls_files_remove(&p->files);
}

/* A request from a to b that is answered 200. */
static inline void tls_pair_call(struct tls_pair *p)
{
        call_start(&p->call, &p->a, "OPTIONS", 0, &p->t);
        WAIT_FOR(&p->w, p->call.done);
        assert_int_equal(p->call.err, 0);
        assert_int_equal(p->call.status, 200);
}
