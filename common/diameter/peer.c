/* SPDX-License-Identifier: BSD-3-Clause
 * A peer: its place in the node, its timers, coming up and going down. */
#include <stdlib.h>

#include "common/base/timers.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/diameter/node_int.h"

static bool peer_eq(const struct hnode *node, const void *key)
{
        const struct dia_peer *p = container_of(node, struct dia_peer, by_id);

        return span_ieq(span_of(p->identity), *(const struct span *)key);
}

struct dia_peer *dia_peer_find(struct dia_node *n, struct span identity)
{
        struct hnode *node = htab_find(&n->peers_by_id, hash_span_icase(identity), peer_eq, &identity);

        return node ? container_of(node, struct dia_peer, by_id) : NULL;
}

/* The list is kept by priority, so that routing takes the first that fits. */
static void insert_by_priority(struct dia_node *n, struct dia_peer *p)
{
        struct list *before = &n->peers;

        list_for_each(pos, &n->peers)
        {
                if (container_of(pos, struct dia_peer, node)->priority > p->priority) {
                        before = pos;
                        break;
                }
        }
        list_append(before, &p->node);
}

static void free_fields(struct dia_peer *p)
{
        trust_free(&p->from);
        free(p->identity);
        free(p->realm);
        free(p);
}

int dia_peer_new(struct dia_node *n, const struct dia_peer_conf *conf, struct dia_peer **out)
{
        struct dia_peer *p;
        struct span id = span_of(conf->identity);
        int err;

        if (dia_peer_find(n, id)) {
                log_error("diameter: peer %s stands twice in the configuration", conf->identity);
                return -IMS_EEXISTS;
        }
        p = calloc(1, sizeof(*p));
        if (!p)
                return -IMS_ENOMEM;
        p->dn = n;
        list_init(&p->pending);
        p->identity = span_dup(id);
        p->realm = span_dup(span_of(conf->realm ? conf->realm : n->realm));
        p->addr = conf->addr;
        p->priority = conf->priority;
        p->conf_relay = p->relay = conf->relay;
        p->tls = conf->tls;
        err = trust_init(&p->from, conf->from, conf->n_from);
        if (!err && (!p->identity || !p->realm))
                err = -IMS_ENOMEM;
        if (!err)
                err = htab_insert(&n->peers_by_id, &p->by_id, hash_span_icase(id));
        if (err) {
                free_fields(p);
                return err;
        }
        insert_by_priority(n, p);
        *out = p;
        return 0;
}

void dia_peer_free(struct dia_peer *p)
{
        htab_remove(&p->dn->peers_by_id, &p->by_id);
        list_unlink(&p->node);
        tmr_stop(p->dn->loop, &p->timer);
        tmr_stop(p->dn->loop, &p->wd_timer);
        free_fields(p);
}

static void on_timer(struct tmr *t, void *arg)
{
        (void)t;
        dia_peer_event(arg, PEER_EV_TIMEOUT, NULL);
}

void dia_peer_start_timer(struct dia_peer *p, uint32_t ms)
{
        if (tmr_start(p->dn->loop, &p->timer, ms, on_timer, p))
                log_error("diameter %s: out of memory for a timer", p->identity);
}

bool dia_peer_usable(const struct dia_peer *p)
{
        return p->c && (p->state == PEER_ST_R_OPEN || p->state == PEER_ST_I_OPEN) &&
               p->wd.state == WD_ST_OKAY;
}

/* Tells the application when the peer began or ceased to be usable. */
static void report(struct dia_peer *p, const char *why)
{
        bool up = dia_peer_usable(p);

        if (up == p->up)
                return;
        p->up = up;
        log_notice("diameter %s: %s: %s", p->identity, up ? "usable" : "not usable", why);
        if (p->dn->h.on_peer)
                p->dn->h.on_peer(p->identity, up, why, p->dn->arg);
}

/* RFC 3539 3.4.1: Tw with a jitter of 2 s for the default of 30 s. */
static uint32_t wd_interval(const struct dia_peer *p)
{
        uint32_t tw = p->dn->tw_ms, jitter = tw / 15, r = 0;

        if (jitter && secret_random(&r, sizeof(r)) == 0)
                tw = tw - jitter + r % (2 * jitter + 1);
        return tw;
}

static void on_wd_timer(struct tmr *t, void *arg)
{
        (void)t;
        dia_peer_wd(arg, WD_EV_TIMER);
}

/* Sets the timer to Tw after the last message when that is still to come. */
static bool wd_postpone(struct dia_peer *p)
{
        uint64_t quiet = loop_now_ms(p->dn->loop) - p->wd_heard_ms;

        return quiet < p->dn->tw_ms &&
               tmr_start(p->dn->loop, &p->wd_timer, p->dn->tw_ms - quiet, on_wd_timer, p) == 0;
}

void dia_peer_wd(struct dia_peer *p, enum dia_wd_event ev)
{
        enum dia_wd_state was = p->wd.state;
        unsigned todo;

        /* Traffic only moves a deadline: that is done when the timer fires, not per message. */
        if (ev == WD_EV_TRAFFIC)
                p->wd_heard_ms = loop_now_ms(p->dn->loop);
        if (ev == WD_EV_TRAFFIC && was == WD_ST_OKAY)
                return;
        if (ev == WD_EV_TIMER && was == WD_ST_OKAY && wd_postpone(p))
                return;
        todo = dia_wd_event(&p->wd, ev);
        if (was != p->wd.state)
                log_info("diameter %s: watchdog %s -> %s", p->identity, dia_wd_state_name(was),
                         dia_wd_state_name(p->wd.state));
        if ((todo & WD_SET_TIMER) && tmr_start(p->dn->loop, &p->wd_timer, wd_interval(p), on_wd_timer, p))
                log_error("diameter %s: out of memory for the watchdog", p->identity);
        /* Not in one segment with CEA: freeDiameter was seen to miss a DWR that comes with it. */
        if ((todo & WD_SET_SOON) &&
            tmr_start(p->dn->loop, &p->wd_timer, ims_timer_rows[IMS_TIMER_DIA_REOPEN].default_ms, on_wd_timer,
                      p))
                log_error("diameter %s: out of memory for the watchdog", p->identity);
        if ((todo & WD_SEND_DWR) && p->c)
                (void)dia_send_dwr(p);
        if (todo & WD_FAILBACK)
                report(p, "it answers the watchdog");
        if ((todo & WD_FAILOVER) && p->c) {
                report(p, "no answer to the watchdog");
                dia_failover(p, false);
        }
        if (todo & WD_CLOSE)
                dia_peer_event(p, PEER_EV_TIMEOUT, NULL);
}

void dia_peer_opened(struct dia_peer *p, struct dia_conn *c)
{
        tmr_stop(p->dn->loop, &p->timer);
        p->c = c;
        p->held = p->complained = false;
        p->wd_heard_ms = 0;
        dia_peer_wd(p, WD_EV_UP);
        log_notice("diameter %s: connection %s %s is open", p->identity, c->initiator ? "to" : "from",
                   c->name);
        report(p, p->relay ? "relay" : "capabilities exchanged");
}

void dia_peer_lost(struct dia_peer *p, const char *why, bool orderly)
{
        struct dia_node *n = p->dn;

        tmr_stop(n->loop, &p->timer);
        tmr_stop(n->loop, &p->wd_timer);
        if (orderly && p->wd.state != WD_ST_DOWN)
                dia_wd_reset(&p->wd);
        else
                (void)dia_wd_event(&p->wd, WD_EV_DOWN);
        if (n->stopping || p->dynamic)
                ; /* no way back */
        else if (addr_port(&p->addr) && !p->held)
                dia_peer_start_timer(p, n->tc_ms);
        report(p, why);
        dia_failover(p, true);
        if (p->dynamic && p->state == PEER_ST_CLOSED)
                dia_peer_bury(p);
}
