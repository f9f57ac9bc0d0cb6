/* SPDX-License-Identifier: BSD-3-Clause
 * The resolver: literal addresses, the static table, answers of the DNS kept for their TTL; several
 * who ask the same wait for one look-up. */
#include "common/net/resolver.h"

#include <ctype.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/net/resolver_int.h"

/* --- static table -------------------------------------------------------------------------------- */

static bool host_eq(const struct hnode *node, const void *key)
{
        const struct resolver_host *h = container_of((struct hnode *)node, struct resolver_host, node);

        return span_ieq(span_of(h->name), *(const struct span *)key);
}

static struct resolver_host *host_find(const struct resolver *r, struct span name)
{
        struct hnode *node = htab_find(&r->table, hash_span_icase(name), host_eq, &name);

        return node ? container_of(node, struct resolver_host, node) : NULL;
}

static struct resolver_host *host_add(struct resolver *r, struct span name)
{
        struct resolver_host *h = host_find(r, name);

        if (h)
                return h;
        h = calloc(1, sizeof(*h) + name.n + 1);
        if (!h)
                return NULL;
        memcpy(h->name, name.p, name.n);
        if (htab_insert(&r->table, &h->node, hash_span_icase(name)) != 0) {
                free(h);
                return NULL;
        }
        return h;
}

static int host_add_target(struct resolver_host *h, const struct resolved *target, bool has_port)
{
        struct resolved *targets = realloc(h->targets, (h->n + 1) * sizeof(*targets));
        bool *ports;

        if (!targets)
                return -IMS_ENOMEM;
        h->targets = targets;
        ports = realloc(h->has_port, (h->n + 1) * sizeof(*ports));
        if (!ports)
                return -IMS_ENOMEM;
        h->has_port = ports;
        targets[h->n] = *target;
        ports[h->n++] = has_port;
        return 0;
}

/* NAME=ADDRESS[:PORT][/TRANSPORT] */
static int host_parse(struct span line, struct span *out_name, struct resolved *out)
{
        struct resolved target = {.transport = TRANSPORT_ANY};
        ptrdiff_t eq = span_chr(line, '=', 0), slash = span_chr(line, '/', 0);
        struct span name, where;

        if (eq <= 0)
                return -IMS_ECONF;
        name = span_trim(span_sub(line, 0, (size_t)eq));
        where = span_trim(span_sub(line, (size_t)eq + 1, slash < 0 ? line.n : (size_t)slash));
        if (name.n == 0 || name.n >= RESOLVER_NAME_MAX || addr_parse(where, 0, &target.addr) != 0)
                return -IMS_ECONF;
        if (slash >= 0 &&
            transport_parse(span_trim(span_sub(line, (size_t)slash + 1, line.n)), &target.transport) != 0)
                return -IMS_ECONF;
        *out_name = name;
        *out = target;
        return 0;
}

bool resolver_host_valid(struct span line)
{
        struct span name;
        struct resolved target;

        return host_parse(line, &name, &target) == 0;
}

static int host_line(struct resolver *r, struct span line)
{
        struct resolved target;
        struct resolver_host *h;
        struct span name;
        int err = host_parse(line, &name, &target);

        if (err)
                return err;
        h = host_add(r, name);
        return h ? host_add_target(h, &target, addr_port(&target.addr) != 0) : -IMS_ENOMEM;
}

static void host_free(struct hnode *node, void *arg)
{
        struct resolver_host *h = container_of(node, struct resolver_host, node);

        (void)arg;
        free(h->targets);
        free(h->has_port);
        free(h);
}

/* --- delivery ------------------------------------------------------------------------------------ */

static uint16_t default_port(enum transport t, bool sips)
{
        return sips || t == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;
}

static bool transport_fits(enum transport want, enum transport has)
{
        return want == TRANSPORT_ANY || has == TRANSPORT_ANY || want == has;
}

static void deliver_host(const struct resolver_host *h, const struct dns_question *q, resolved_fn *fn,
                         void *arg)
{
        enum transport want = q->sips ? TRANSPORT_TLS : q->want;
        struct resolved out[RESOLVER_TARGETS_MAX];
        size_t n = 0;

        for (size_t i = 0; i < h->n && n < RESOLVER_TARGETS_MAX; i++) {
                if (!transport_fits(want, h->targets[i].transport))
                        continue;
                out[n] = h->targets[i];
                if (out[n].transport == TRANSPORT_ANY)
                        out[n].transport = want;
                if (q->port)
                        addr_set_port(&out[n].addr, q->port);
                else if (!h->has_port[i])
                        addr_set_port(&out[n].addr, default_port(out[n].transport, q->sips));
                n++;
        }
        fn(n ? 0 : -IMS_ENOTFOUND, out, n, arg);
}

/* Index of the next host among those of the lowest rank left, drawn by weight (RFC 2782); where all
 * weights are 0, each is as likely. */
static size_t draw_host(const struct dns_answer *a, const bool *taken)
{
        uint32_t rank = UINT32_MAX, sum = 0, left = 0, draw = 0, run = 0;
        size_t last = 0;

        for (size_t i = 0; i < a->n_hosts; i++)
                if (!taken[i] && a->hosts[i].rank < rank)
                        rank = a->hosts[i].rank;
        for (size_t i = 0; i < a->n_hosts; i++)
                if (!taken[i] && a->hosts[i].rank == rank) {
                        sum += a->hosts[i].weight;
                        left++;
                        last = i;
                }
        if (left < 2 || secret_random(&draw, sizeof(draw)) != 0)
                return last;
        draw = draw % (sum ? sum : left) + 1;
        for (size_t i = 0; i < a->n_hosts; i++) {
                if (taken[i] || a->hosts[i].rank != rank)
                        continue;
                run += sum ? a->hosts[i].weight : 1;
                if (run >= draw)
                        return i;
        }
        return last;
}

static void deliver_answer(const struct dns_answer *a, resolved_fn *fn, void *arg)
{
        struct resolved out[RESOLVER_TARGETS_MAX];
        bool taken[RESOLVER_HOSTS_MAX] = {false};
        size_t n = 0;

        for (size_t left = a->n_hosts; left > 0; left--) {
                size_t at = draw_host(a, taken);
                const struct dns_host *h = &a->hosts[at];

                taken[at] = true;
                for (size_t i = 0; i < h->n_addrs && n < RESOLVER_TARGETS_MAX; i++)
                        out[n++] = (struct resolved){h->addrs[i], h->transport};
        }
        if (n)
                fn(0, out, n, arg);
        else
                fn(a->err ? a->err : -IMS_ENOTFOUND, NULL, 0, arg);
}

/* --- answers of the DNS -------------------------------------------------------------------------- */

static uint64_t question_hash(const struct dns_question *q)
{
        return hash_mix(hash_span(span_of(q->name)),
                        (uint64_t)q->port << 16 | (uint64_t)q->want << 8 | (uint64_t)q->sips);
}

static bool answer_eq(const struct hnode *node, const void *key)
{
        const struct dns_answer *a = container_of((struct hnode *)node, struct dns_answer, node);
        const struct dns_question *q = key;

        return strcmp(a->q.name, q->name) == 0 && a->q.port == q->port && a->q.want == q->want &&
               a->q.sips == q->sips;
}

void dns_answer_free(struct dns_answer *a)
{
        for (size_t i = 0; i < a->n_hosts; i++)
                free(a->hosts[i].addrs);
        free(a->hosts);
        free(a);
}

static void answer_drop(struct hnode *node, void *arg)
{
        struct dns_answer *a = container_of(node, struct dns_answer, node);

        if (!a->answered || a->delivering)
                return;
        htab_remove(arg, node);
        dns_answer_free(a);
}

static void answer_deliver_all(struct dns_answer *a)
{
        while (!list_empty(&a->waiting)) {
                struct resolver_query *q = container_of(a->waiting.next, struct resolver_query, node);
                resolved_fn *fn = q->fn;
                void *arg = q->arg;

                list_unlink(&q->node);
                if (q->out)
                        *q->out = NULL;
                free(q);
                if (!a->r->closing)
                        deliver_answer(a, fn, arg);
        }
}

void dns_done(struct dns_answer *a)
{
        struct resolver *r = a->r;
        bool found = false;

        for (size_t i = 0; i < a->n_hosts; i++)
                found |= a->hosts[i].n_addrs > 0;
        a->answered = a->delivering = true;
        a->until_ms = loop_now_ms(r->loop) + (uint64_t)a->ttl_s * 1000;
        answer_deliver_all(a);
        a->delivering = false;
        if (r->closing || !found || a->ttl_s == 0) {
                htab_remove(&r->kept, &a->node);
                dns_answer_free(a);
        } else if (r->kept.n >= RESOLVER_KEPT_MAX) {
                htab_each(&r->kept, answer_drop, &r->kept);
        }
}

static int answer_new(struct resolver *r, const struct dns_question *q, struct dns_answer **out)
{
        struct dns_answer *a = calloc(1, sizeof(*a));

        if (!a)
                return -IMS_ENOMEM;
        a->hosts = calloc(RESOLVER_HOSTS_MAX, sizeof(*a->hosts));
        if (!a->hosts || htab_insert(&r->kept, &a->node, question_hash(q)) != 0) {
                free(a->hosts);
                free(a);
                return -IMS_ENOMEM;
        }
        a->r = r;
        a->q = *q;
        list_init(&a->waiting);
        *out = a;
        return 0;
}

/* The answer that is kept or under way, or NULL. */
static struct dns_answer *answer_find(struct resolver *r, const struct dns_question *q)
{
        struct hnode *node = htab_find(&r->kept, question_hash(q), answer_eq, q);
        struct dns_answer *a = node ? container_of(node, struct dns_answer, node) : NULL;

        if (a && a->answered && !a->delivering && a->until_ms <= loop_now_ms(r->loop)) {
                answer_drop(node, &r->kept);
                a = NULL;
        }
        return a;
}

static int lookup_dns(struct resolver *r, const struct dns_question *question, resolved_fn *fn, void *arg,
                      struct resolver_query **out)
{
        struct dns_answer *a = answer_find(r, question);
        bool fresh = !a;
        struct resolver_query *q;

        if (a && a->answered) {
                deliver_answer(a, fn, arg);
                return 0;
        }
        q = calloc(1, sizeof(*q));
        if (!q || (fresh && answer_new(r, question, &a) != 0)) {
                free(q);
                return -IMS_ENOMEM;
        }
        q->fn = fn;
        q->arg = arg;
        list_append(&a->waiting, &q->node);
        *out = q;
        if (fresh) {
                q->out = out; /* the answer may come before the start returns */
                dns_answer_start(a);
                if (*out)
                        q->out = NULL;
        }
        return 0;
}

/* --- public -------------------------------------------------------------------------------------- */

int resolver_new(struct loop *l, char *const *hosts, size_t n_hosts, char *const *servers, size_t n_servers,
                 struct resolver **out, size_t *bad)
{
        struct resolver *r = calloc(1, sizeof(*r));
        int err = 0;

        if (!r)
                return -IMS_ENOMEM;
        r->loop = l;
        list_init(&r->sockets);
        for (size_t i = 0; i < n_hosts && !err; i++) {
                err = host_line(r, span_of(hosts[i]));
                if (err)
                        *bad = i;
        }
        if (!err) {
                err = dns_channel_open(r, servers, n_servers, bad);
                if (err == -IMS_ECONF)
                        *bad += n_hosts;
        }
        if (err) {
                resolver_free(r);
                return err;
        }
        *out = r;
        return 0;
}

static void answer_free_each(struct hnode *node, void *arg)
{
        (void)arg;
        dns_answer_free(container_of(node, struct dns_answer, node));
}

void resolver_free(struct resolver *r)
{
        if (!r)
                return;
        r->closing = true;
        dns_channel_close(r);
        htab_each(&r->kept, answer_free_each, NULL);
        htab_free(&r->kept);
        htab_each(&r->table, host_free, NULL);
        htab_free(&r->table);
        free(r);
}

int resolver_lookup(struct resolver *r, struct span host, uint16_t port, enum transport want, bool sips,
                    resolved_fn *fn, void *arg, struct resolver_query **out)
{
        struct dns_question question = {.port = port, .want = want, .sips = sips};
        struct resolved literal = {.transport = want == TRANSPORT_ANY && sips ? TRANSPORT_TLS : want};
        const struct resolver_host *h;

        *out = NULL;
        if (addr_parse(host, port ? port : default_port(want, sips), &literal.addr) == 0) {
                fn(0, &literal, 1, arg);
                return 0;
        }
        if (host.n && host.p[host.n - 1] == '.')
                host.n--; /* the root may be written (RFC 1034 3.1) */
        h = host_find(r, host);
        if (h) {
                deliver_host(h, &question, fn, arg);
                return 0;
        }
        if (host.n == 0 || span_copy(host, question.name, sizeof(question.name)) != 0) {
                fn(-IMS_ENOTFOUND, NULL, 0, arg);
                return 0;
        }
        for (char *p = question.name; *p; p++)
                *p = (char)tolower((unsigned char)*p);
        return lookup_dns(r, &question, fn, arg, out);
}

void resolver_cancel(struct resolver_query *q)
{
        if (!q)
                return;
        list_unlink(&q->node);
        free(q);
}
