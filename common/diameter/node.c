/* SPDX-License-Identifier: BSD-3-Clause
 * The Diameter node: made from its configuration, stopped in good order, freed. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/log.h"
#include "common/net/tls_conf.h"
#include "common/base/secret.h"
#include "common/base/timers.h"
#include "common/diameter/node_int.h"

#define CONNECTIONS_MAX 1024
#define MESSAGE_MAX     65536
#define PENDING_MAX     50000

static uint32_t or_timer(uint32_t given, enum ims_timer timer)
{
        return given ? given : ims_timer_rows[timer].default_ms;
}

static int set_names(struct dia_node *n, const struct dia_node_conf *conf)
{
        n->identity = span_dup(span_of(conf->identity));
        n->realm = span_dup(span_of(conf->realm));
        n->product = span_dup(span_of(conf->product ? conf->product : "Quintet"));
        return n->identity && n->realm && n->product ? 0 : -IMS_ENOMEM;
}

/* Identifiers that differ after a restart (RFC 6733 3, 8.8, 8.16). */
static int set_identifiers(struct dia_node *n)
{
        uint32_t random[2];
        uint32_t now = (uint32_t)time(NULL);
        int err = secret_random(random, sizeof(random));

        n->origin_state = n->session_high = now;
        n->session_low = 1;
        n->next_hop = random[0];
        n->next_end = now << 20 | (random[1] & 0xfffff);
        return err;
}

static int open_listeners(struct dia_node *n, const struct dia_node_conf *conf)
{
        char name[ADDR_STR];
        int err = 0;

        n->listeners = calloc(conf->n_listen + conf->n_listen_tls + 1, sizeof(*n->listeners));
        if (!n->listeners)
                return -IMS_ENOMEM;
        for (size_t i = 0; !err && i < conf->n_listen + conf->n_listen_tls; i++) {
                struct dia_listener *l = &n->listeners[i];
                bool tls = i >= conf->n_listen;
                const struct addr *at = tls ? &conf->listen_tls[i - conf->n_listen] : &conf->listen[i];

                err = tcp_listen(n->loop, at, CONNECTIONS_MAX,
                                 tls ? dia_conn_accepted_tls : dia_conn_accepted, n, &l->tcp);
                if (err) {
                        log_error("diameter.%slisten: %s: %s", tls ? "tls." : "", addr_str(at, name),
                                  ims_strerror(err));
                        break;
                }
                l->local = *tcp_listener_local(l->tcp);
                n->n_listeners++;
        }
        return err;
}

static int add_peers(struct dia_node *n, const struct dia_node_conf *conf)
{
        int err = 0;

        for (size_t i = 0; !err && i < conf->n_peers; i++) {
                struct dia_peer *p = NULL;

                err = dia_peer_new(n, &conf->peers[i], &p);
                if (!err && addr_port(&p->addr))
                        dia_peer_start_timer(p, 0); /* Start, from the loop */
        }
        return err;
}

int dia_node_new(struct loop *l, const struct dia_node_conf *conf, const struct dia_handlers *h, void *arg,
                 struct dia_node **out)
{
        struct dia_node *n = NULL;
        int err = dia_dict_load();

        if (err)
                return err;
        n = calloc(1, sizeof(*n));
        if (!n)
                return -IMS_ENOMEM;
        n->loop = l;
        n->h = *h;
        n->arg = arg;
        n->tc_ms = or_timer(conf->tc_ms, IMS_TIMER_DIA_TC);
        n->tw_ms = or_timer(conf->tw_ms, IMS_TIMER_DIA_TW);
        n->cer_ms = or_timer(conf->cer_ms, IMS_TIMER_DIA_CER);
        n->answer_ms = or_timer(conf->answer_ms, IMS_TIMER_CX_ANSWER);
        n->message_max = conf->message_max ? conf->message_max : MESSAGE_MAX;
        n->max_pending = conf->max_pending ? conf->max_pending : PENDING_MAX;
        n->accept_unknown = conf->accept_unknown;
        n->local = conf->local;
        n->tls_server = conf->tls_server ? tls_context_ref(conf->tls_server) : NULL;
        n->tls_client = conf->tls_client ? tls_context_ref(conf->tls_client) : NULL;
        list_init(&n->peers);
        list_init(&n->conns);
        list_init(&n->inbound);
        list_init(&n->dead);
        dia_dups_init(&n->dups);
        err = set_names(n, conf);
        if (!err)
                err = set_identifiers(n);
        if (!err)
                err = open_listeners(n, conf);
        if (!err)
                err = add_peers(n, conf);
        if (err) {
                dia_node_free(n);
                return err;
        }
        *out = n;
        return 0;
}

void dia_node_reload_tls(struct dia_node *n)
{
        if (n->tls_server)
                tls_conf_reload(n->tls_server, "diameter.tls");
        if (n->tls_client)
                tls_conf_reload(n->tls_client, "diameter.tls");
}

const char *dia_node_identity(const struct dia_node *n)
{
        return n->identity;
}

const char *dia_node_realm(const struct dia_node *n)
{
        return n->realm;
}

bool dia_node_has_peer(const struct dia_node *n)
{
        list_for_each(pos, &n->peers)
        {
                if (dia_peer_usable(container_of(pos, struct dia_peer, node)))
                        return true;
        }
        return false;
}

const struct addr *dia_node_listen_addr(const struct dia_node *n, size_t i)
{
        return &n->listeners[i].local;
}

void dia_session_id(struct dia_node *n, char *out, size_t out_size)
{
        snprintf(out, out_size, "%s;%u;%u", n->identity, n->session_high, n->session_low);
        if (++n->session_low == 0)
                n->session_high++;
}

static void reap(struct tmr *t, void *arg)
{
        struct dia_node *n = arg;

        (void)t;
        while (!list_empty(&n->dead))
                dia_peer_free(container_of(n->dead.next, struct dia_peer, node));
}

void dia_peer_bury(struct dia_peer *p)
{
        struct dia_node *n = p->dn;

        list_unlink(&p->node);
        list_append(&n->dead, &p->node);
        htab_remove(&n->peers_by_id, &p->by_id);
        if (tmr_start(n->loop, &n->reaper, 0, reap, n))
                log_error("diameter: out of memory"); /* freed with the node */
}

static void stopped(struct dia_node *n)
{
        void (*fn)(void *arg) = n->on_stopped;

        tmr_stop(n->loop, &n->stop_timer);
        n->on_stopped = NULL;
        if (fn)
                fn(n->stopped_arg);
}

void dia_node_check_stopped(struct dia_node *n)
{
        if (n->on_stopped && list_empty(&n->conns))
                stopped(n);
}

static void on_stop_timer(struct tmr *t, void *arg)
{
        (void)t;
        log_warn("diameter: a peer did not disconnect in time");
        stopped(arg);
}

static void on_nothing_left(struct tmr *t, void *arg)
{
        (void)t;
        stopped(arg);
}

static void close_listeners(struct dia_node *n)
{
        for (size_t i = 0; i < n->n_listeners; i++)
                tcp_listener_close(n->listeners[i].tcp);
        n->n_listeners = 0;
}

void dia_node_shutdown(struct dia_node *n, void (*done)(void *arg), void *arg)
{
        n->stopping = true;
        close_listeners(n);
        list_for_each_safe(pos, tmp, &n->peers)
                dia_peer_event(container_of(pos, struct dia_peer, node), PEER_EV_STOP, NULL);
        list_for_each_safe(pos, tmp, &n->conns)
        {
                struct dia_conn *c = container_of(pos, struct dia_conn, node);

                if (!c->peer)
                        dia_conn_drop(c, false);
        }
        n->on_stopped = done;
        n->stopped_arg = arg;
        /* done runs from the loop also when there is nothing to wait for */
        if (tmr_start(n->loop, &n->stop_timer, list_empty(&n->conns) ? 0 : 2 * (uint64_t)n->answer_ms,
                      list_empty(&n->conns) ? on_nothing_left : on_stop_timer, n))
                stopped(n);
}

/* Connections whose end TCP has not reported yet no longer know us. */
static void free_conns(struct dia_node *n)
{
        static const struct tcp_handlers nobody;

        list_for_each_safe(pos, tmp, &n->conns)
        {
                struct dia_conn *c = container_of(pos, struct dia_conn, node);
                struct tcp_conn *tcp = c->tcp;

                dia_conn_drop(c, false);
                if (tcp)
                        tcp_set_handlers(tcp, &nobody, NULL);
                list_unlink(&c->node);
                buf_free(&c->rx);
                free(c);
        }
}

void dia_node_free(struct dia_node *n)
{
        if (!n)
                return;
        n->stopping = true;
        n->on_stopped = NULL;
        n->h = (struct dia_handlers){0};
        close_listeners(n);
        dia_inbound_free_all(n);
        free_conns(n);
        list_for_each_safe(pos, tmp, &n->peers)
        {
                struct dia_peer *p = container_of(pos, struct dia_peer, node);

                p->c = NULL;
                dia_failover(p, true);
                dia_peer_free(p);
        }
        while (!list_empty(&n->dead))
                dia_peer_free(container_of(n->dead.next, struct dia_peer, node));
        tmr_stop(n->loop, &n->reaper);
        tmr_stop(n->loop, &n->stop_timer);
        htab_free(&n->peers_by_id);
        htab_free(&n->pending);
        dia_dups_free(&n->dups);
        tls_context_free(n->tls_server);
        tls_context_free(n->tls_client);
        free(n->listeners);
        free(n->identity);
        free(n->realm);
        free(n->product);
        free(n);
}
