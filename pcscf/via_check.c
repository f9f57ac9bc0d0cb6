/* SPDX-License-Identifier: BSD-3-Clause
 * Via against source. */
#include "pcscf/via_check.h"

#include <stdlib.h>

struct via_checks {
        struct resolver *resolver;
        via_checked_fn *fn;
        void *arg;
        struct list waiting;
        size_t n_waiting;
};

struct via_query {
        struct list node;
        struct via_checks *checks;
        struct sip_request *rq;
        struct resolver_query *query;
};

int via_checks_new(struct resolver *r, via_checked_fn *fn, void *arg, struct via_checks **out)
{
        struct via_checks *c = calloc(1, sizeof(*c));

        if (!c)
                return -IMS_ENOMEM;
        *c = (struct via_checks){.resolver = r, .fn = fn, .arg = arg};
        list_init(&c->waiting);
        *out = c;
        return 0;
}

void via_checks_free(struct via_checks *c)
{
        if (!c)
                return;
        list_for_each_safe(pos, tmp, &c->waiting)
        {
                struct via_query *q = container_of(pos, struct via_query, node);

                if (q->query)
                        resolver_cancel(q->query);
                list_unlink(&q->node);
                sip_reply(q->rq, 503, NULL, NULL, 0);
                free(q);
        }
        free(c);
}

static void on_resolved(int err, const struct resolved *targets, size_t n, void *arg)
{
        struct via_query *q = arg;
        struct via_checks *c = q->checks;
        struct sip_request *rq = q->rq;
        enum via_source source = err ? VIA_UNKNOWN : VIA_OTHER;

        for (size_t i = 0; !err && i < n; i++)
                if (addr_ip_eq(&targets[i].addr, &rq->flow.remote))
                        source = VIA_SAME;
        list_unlink(&q->node);
        c->n_waiting--;
        free(q);
        c->fn(rq, source, c->arg);
}

static bool has_room(const struct via_checks *c, const struct addr *from)
{
        const struct addr source = addr_source(from);
        size_t n = 0;

        if (c->n_waiting >= VIA_LOOKUPS_MAX)
                return false;
        list_for_each(pos, &c->waiting)
        {
                const struct addr other =
                        addr_source(&container_of(pos, const struct via_query, node)->rq->flow.remote);

                n += addr_ip_eq(&other, &source);
        }
        return n < VIA_LOOKUPS_PER_SOURCE;
}

bool via_check(struct via_checks *c, struct sip_request *rq)
{
        const struct sip_via *via = &rq->msg->via;
        struct resolver_query *query = NULL;
        struct via_query *q;
        struct addr a;
        int err;

        if (addr_parse(via->host, 0, &a) == 0) {
                c->fn(rq, addr_ip_eq(&a, &rq->flow.remote) ? VIA_SAME : VIA_OTHER, c->arg);
                return true;
        }
        if (!has_room(c, &rq->flow.remote))
                return false;
        q = calloc(1, sizeof(*q));
        if (!q) {
                c->fn(rq, VIA_UNKNOWN, c->arg);
                return true;
        }
        *q = (struct via_query){.checks = c, .rq = rq};
        list_append(&c->waiting, &q->node);
        c->n_waiting++;
        /* a port, so that nothing but addresses is looked up */
        err = resolver_lookup(c->resolver, via->host, via->port ? via->port : SIP_PORT, TRANSPORT_UDP, false,
                              on_resolved, q, &query);
        if (err) {
                list_unlink(&q->node);
                c->n_waiting--;
                free(q);
                c->fn(rq, VIA_UNKNOWN, c->arg);
        } else if (query) {
                q->query = query; /* q lives: it has not run yet */
        }
        return true;
}
