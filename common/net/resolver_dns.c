/* SPDX-License-Identifier: BSD-3-Clause
 * The DNS procedures of RFC 3263 4: NAPTR, then SRV, then A and AAAA. All records of one step are asked
 * for at the same time. */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/timers.h"
#include "common/net/resolver_int.h"

#define NAPTR_MAX     8
#define RANK_PER_STEP 65536u /* SRV priorities within one NAPTR record */

static void answer_advance(struct dns_answer *a);

/* A query began; its callback ends it. c-ares may run the callback before the query function returns,
 * so the count is raised first. */
static void query_ended(struct dns_answer *a)
{
        a->pending--;
        answer_advance(a);
}

static int dns_error(int status)
{
        switch (status) {
        case ARES_ENODATA:
        case ARES_ENOTFOUND:
        case ARES_EBADNAME:
                return -IMS_ENOTFOUND;
        case ARES_ETIMEOUT:
                return -IMS_ETIMEOUT;
        case ARES_ENOMEM:
                return -IMS_ENOMEM;
        default:
                return -IMS_EUNREACH;
        }
}

static void note_failure(struct dns_answer *a, int status)
{
        int err = dns_error(status);

        if (err != -IMS_ENOTFOUND && !a->err)
                a->err = err;
}

/* Lowers the TTL of the answer to the lowest in this response. */
static void note_ttl(struct dns_answer *a, const unsigned char *msg, int len)
{
        const unsigned char *at = msg + NS_HFIXEDSZ, *end = msg + len;
        unsigned questions, answers;
        char *name;
        long n;

        if (len < NS_HFIXEDSZ)
                return;
        questions = (unsigned)msg[4] << 8 | msg[5];
        answers = (unsigned)msg[6] << 8 | msg[7];
        for (unsigned i = 0; i < questions + answers; i++) {
                uint32_t ttl;

                if (ares_expand_name(at, msg, len, &name, &n) != ARES_SUCCESS)
                        return;
                ares_free_string(name);
                at += n;
                if (end - at < (i < questions ? NS_QFIXEDSZ : NS_RRFIXEDSZ))
                        return;
                if (i < questions) {
                        at += NS_QFIXEDSZ;
                        continue;
                }
                ttl = (uint32_t)at[4] << 24 | (uint32_t)at[5] << 16 | (uint32_t)at[6] << 8 | at[7];
                if (ttl < a->ttl_s)
                        a->ttl_s = ttl;
                n = at[8] << 8 | at[9];
                if (end - at - NS_RRFIXEDSZ < n)
                        return;
                at += NS_RRFIXEDSZ + n;
        }
}

/* --- addresses ----------------------------------------------------------------------------------- */

static struct dns_host *add_host(struct dns_answer *a, const char *name, uint16_t port, enum transport t)
{
        struct dns_host *h;

        if (a->n_hosts == RESOLVER_HOSTS_MAX || strlen(name) >= RESOLVER_NAME_MAX)
                return NULL;
        h = &a->hosts[a->n_hosts++];
        *h = (struct dns_host){.answer = a, .port = port, .transport = t};
        memcpy(h->name, name, strlen(name));
        return h;
}

static int host_take(struct dns_host *h, const struct ares_addrinfo *info)
{
        size_t n = 0;

        for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next)
                n++;
        h->addrs = calloc(n + 1, sizeof(*h->addrs));
        if (!h->addrs)
                return -IMS_ENOMEM;
        for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
                if (addr_from_sockaddr(node->ai_addr, &h->addrs[h->n_addrs]) != 0)
                        continue;
                addr_set_port(&h->addrs[h->n_addrs++], h->port);
                if (node->ai_ttl >= 0 && (uint32_t)node->ai_ttl < h->answer->ttl_s)
                        h->answer->ttl_s = (uint32_t)node->ai_ttl;
        }
        return 0;
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
        struct dns_host *h = arg;
        struct dns_answer *a = h->answer;

        (void)timeouts;
        if (status != ARES_SUCCESS)
                note_failure(a, status);
        else if (host_take(h, info) != 0)
                a->err = -IMS_ENOMEM;
        if (info)
                ares_freeaddrinfo(info);
        query_ended(a);
}

static void ask_addresses(struct dns_host *h)
{
        const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};

        h->answer->pending++;
        ares_getaddrinfo(h->answer->r->channel, h->name, NULL, &hints, on_addresses, h);
}

/* --- SRV ----------------------------------------------------------------------------------------- */

struct srv_query {
        struct dns_answer *answer;
        uint32_t rank;
        enum transport transport;
};

static void on_srv(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
        struct srv_query *q = arg;
        struct dns_answer *a = q->answer;
        struct ares_srv_reply *list = NULL;

        (void)timeouts;
        if (status == ARES_SUCCESS)
                status = ares_parse_srv_reply(msg, len, &list);
        if (status == ARES_SUCCESS)
                note_ttl(a, msg, len);
        else
                note_failure(a, status);
        for (struct ares_srv_reply *s = list; s; s = s->next) {
                struct dns_host *h;

                if (!s->host[0]) /* ".": the service is decidedly not offered (RFC 2782) */
                        continue;
                h = add_host(a, s->host, s->port, q->transport);
                if (h) {
                        h->rank = q->rank + s->priority;
                        h->weight = s->weight;
                }
        }
        ares_free_data(list);
        free(q);
        query_ended(a);
}

static void ask_srv(struct dns_answer *a, const char *name, enum transport t)
{
        struct srv_query *q = calloc(1, sizeof(*q));

        if (!q) {
                a->err = -IMS_ENOMEM;
                return;
        }
        *q = (struct srv_query){a, a->rank, t};
        a->rank += RANK_PER_STEP;
        a->pending++;
        ares_query(a->r->channel, name, ns_c_in, ns_t_srv, on_srv, q);
}

/* SRV under the name itself, where NAPTR said nothing or was not asked (RFC 3263 4.1 and 4.2). */
static void ask_srv_of_name(struct dns_answer *a)
{
        static const struct {
                const char *prefix;
                enum transport transport;
                bool sips;
        } services[] = {{"_sip._udp.", TRANSPORT_UDP, false},
                        {"_sip._tcp.", TRANSPORT_TCP, false},
                        {"_sips._tcp.", TRANSPORT_TLS, true}};
        char name[RESOLVER_NAME_MAX + 16];

        a->srv_asked = true;
        for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
                bool tls = a->q.sips || a->q.want == TRANSPORT_TLS;

                if (services[i].sips != tls ||
                    (!tls && a->q.want != TRANSPORT_ANY && a->q.want != services[i].transport))
                        continue;
                (void)snprintf(name, sizeof(name), "%s%s", services[i].prefix, a->q.name);
                ask_srv(a, name, services[i].transport);
        }
}

/* --- NAPTR --------------------------------------------------------------------------------------- */

/* The transport of a service we can use, or TRANSPORT_ANY (RFC 3263 4.1). */
static enum transport naptr_transport(const struct dns_answer *a, const struct ares_naptr_reply *n)
{
        struct span service = span_of((const char *)n->service);

        if (!span_ieq(span_of((const char *)n->flags), SPAN("s")) || !n->replacement[0])
                return TRANSPORT_ANY;
        if (span_ieq(service, SPAN("SIPS+D2T")) && a->q.sips)
                return TRANSPORT_TLS;
        if (a->q.sips)
                return TRANSPORT_ANY;
        return span_ieq(service, SPAN("SIP+D2U"))   ? TRANSPORT_UDP
               : span_ieq(service, SPAN("SIP+D2T")) ? TRANSPORT_TCP
                                                    : TRANSPORT_ANY;
}

static bool naptr_before(const struct ares_naptr_reply *a, const struct ares_naptr_reply *b)
{
        return a->order != b->order ? a->order < b->order : a->preference < b->preference;
}

/* Asks for the SRV records the usable NAPTR records name, best first. */
static void follow_naptr(struct dns_answer *a, const struct ares_naptr_reply *list)
{
        const struct ares_naptr_reply *sorted[NAPTR_MAX];
        size_t n = 0, at;

        for (; list && n < NAPTR_MAX; list = list->next) {
                if (naptr_transport(a, list) == TRANSPORT_ANY)
                        continue;
                for (at = n++; at > 0 && naptr_before(list, sorted[at - 1]); at--)
                        sorted[at] = sorted[at - 1];
                sorted[at] = list;
        }
        for (size_t i = 0; i < n; i++) {
                a->srv_asked = true;
                ask_srv(a, sorted[i]->replacement, naptr_transport(a, sorted[i]));
        }
}

static void on_naptr(void *arg, int status, int timeouts, unsigned char *msg, int len)
{
        struct dns_answer *a = arg;
        struct ares_naptr_reply *list = NULL;

        (void)timeouts;
        if (status == ARES_SUCCESS)
                status = ares_parse_naptr_reply(msg, len, &list);
        if (status == ARES_SUCCESS) {
                note_ttl(a, msg, len);
                follow_naptr(a, list);
        } else {
                note_failure(a, status);
        }
        ares_free_data(list);
        query_ended(a);
}

/* --- one step after the other -------------------------------------------------------------------- */

static uint16_t default_port(const struct dns_answer *a)
{
        return a->q.port ? a->q.port : a->q.sips || a->q.want == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT;
}

/* Runs when a query ended; goes to the next step when none is under way. */
static void answer_advance(struct dns_answer *a)
{
        size_t n;

        if (a->pending)
                return;
        if (a->r->closing || a->addrs_asked) {
                dns_done(a);
                return;
        }
        if (a->err == -IMS_ETIMEOUT && a->n_hosts == 0) {
                dns_done(a); /* no server answers: further questions would only take longer */
                return;
        }
        if (!a->srv_asked) {
                a->pending++;
                ask_srv_of_name(a);
                a->pending--;
                if (a->pending)
                        return;
        }
        if (a->n_hosts == 0)
                (void)add_host(a, a->q.name, default_port(a), a->q.sips ? TRANSPORT_TLS : a->q.want);
        a->addrs_asked = true;
        n = a->n_hosts;
        a->pending++;
        for (size_t i = 0; i < n; i++)
                ask_addresses(&a->hosts[i]);
        query_ended(a);
}

void dns_answer_start(struct dns_answer *a)
{
        struct resolver *r = a->r;

        a->pending = 1;
        a->ttl_s = ims_timer_rows[IMS_TIMER_DNS_KEEP].default_ms / 1000;
        if (a->q.port) {
                a->srv_asked = true; /* a port in the URI: addresses only (RFC 3263 4.2) */
        } else if (a->q.want == TRANSPORT_ANY) {
                a->pending++;
                ares_query(r->channel, a->q.name, ns_c_in, ns_t_naptr, on_naptr, a);
        }
        query_ended(a);
        dns_channel_kick(r);
}
