/* SPDX-License-Identifier: BSD-3-Clause
 * The sip.* and resolver.* keys: their form, and the stack made from them. */
#include "common/sip/sip_conf.h"

#include "common/base/log.h"
#include "common/net/core_net.h"
#include "common/net/tls_conf.h"

#define DNS_PORT 53 /* RFC 1035 4.2 */

int sip_conf_parse_listen(const char *value, enum transport *out_transport, struct addr *out)
{
        struct span rest = span_of(value), word;
        enum transport t;
        struct addr a;

        if (!span_split(&rest, ':', &word) || !rest.n || transport_parse(word, &t) != 0)
                return -IMS_EPARSE;
        if (t == TRANSPORT_ANY || addr_parse(rest, t == TRANSPORT_TLS ? SIPS_PORT : SIP_PORT, &a) != 0)
                return -IMS_EPARSE;
        *out_transport = t;
        *out = a;
        return 0;
}

const char *sip_conf_check_listen(const char *value)
{
        enum transport t;
        struct addr a;

        return sip_conf_parse_listen(value, &t, &a) == 0
                       ? NULL
                       : "want TRANSPORT:ADDRESS:PORT with udp, tcp or tls, such as udp:192.0.2.1:5060";
}

const char *sip_conf_check_hosts(const char *value)
{
        return resolver_host_valid(span_of(value)) ? NULL : "want NAME=ADDRESS[:PORT][/TRANSPORT]";
}

const char *sip_conf_check_server(const char *value)
{
        struct addr a;

        return addr_parse(span_of(value), DNS_PORT, &a) == 0 ? NULL : "want ADDRESS[:PORT] of a DNS server";
}

static int start_resolver(struct loop *l, const struct sip_conf *c, struct resolver **out)
{
        char *const *hosts = c->hosts.items;
        size_t bad = 0;
        int err = resolver_new(l, hosts, c->hosts.n, c->servers.items, c->servers.n, out, &bad);

        if (err == -IMS_ECONF && bad < c->hosts.n)
                log_error("resolver.hosts: %s: %s", hosts[bad],
                          sip_conf_check_hosts(hosts[bad]) ? sip_conf_check_hosts(hosts[bad])
                                                           : ims_strerror(err));
        else if (err)
                log_error("resolver.servers: %s", ims_strerror(err));
        return err;
}

bool sip_conf_has_tls(const struct conf_list *listen)
{
        char *const *items = listen->items;
        enum transport t;
        struct addr a;

        for (size_t i = 0; i < listen->n; i++)
                if (sip_conf_parse_listen(items[i], &t, &a) == 0 && t == TRANSPORT_TLS)
                        return true;
        return false;
}

int sip_conf_check_tls(const struct conf_list *listen, const char *listen_key, const struct tls_conf *tls,
                       const char *tls_key, struct buf *err)
{
        if (!sip_conf_has_tls(listen) || (tls->certificate && tls->key))
                return 0;
        return conf_fail(err, listen_key, "tls wants %s.certificate and %s.key", tls_key, tls_key);
}

int sip_conf_check_core(const struct sip_conf *c, const struct conf_list *networks,
                        const struct conf_list *trusted, struct buf *err)
{
        int rc = core_net_conf_check(networks, err);

        if (!rc)
                rc = core_net_conf_check_tls(networks, "sip.tls", c->tls.verify_clients,
                                             (enum tls_null)c->tls.null_encryption, err);
        if (core_net_conf_covers(networks, "trusted", trusted, err) != 0)
                rc = -IMS_ECONF;
        if (sip_conf_check_tls(&c->listen, "sip.listen", &c->tls, "sip.tls", err) != 0)
                rc = -IMS_ECONF;
        return rc;
}

int sip_conf_look_tls(const struct conf_list *listen, const struct tls_conf *tls, const char *tls_key,
                      const char *name, const char *trust_domain, struct buf *err)
{
        const struct tls_conf_use use = {.server = sip_conf_has_tls(listen),
                                         .client = tls->verify_clients && tls->ca,
                                         .name = span_of(name),
                                         .trust_domain = span_of(trust_domain)};

        if (!use.server && !tls->certificate && !tls->ca)
                return 0;
        return tls_conf_look(tls, tls_key, &use, err);
}

/* Connections that we open: where roots are known, servers can be verified. */
static int start_tls_client(struct sip_stack *s, const struct sip_conf *c)
{
        struct tls_context *ctx = NULL;
        int err = c->tls.ca ? tls_conf_open(&c->tls, "sip.tls", TLS_CLIENT, &ctx) : 0;

        if (ctx)
                sip_stack_set_tls_client(s, ctx);
        tls_context_free(ctx);
        return err;
}

static int start_listener(struct sip_stack *s, enum transport t, const struct addr *a,
                          struct tls_context *tls)
{
        return t == TRANSPORT_TLS ? sip_stack_listen_tls(s, a, tls, NULL) : sip_stack_listen(s, t, a, NULL);
}

static int start_listeners(struct sip_stack *s, const struct sip_conf *c)
{
        char *const *listen = c->listen.items;
        const char *key = c->listen_key ? c->listen_key : "sip.listen";
        struct tls_context *tls = NULL;
        int err = c->listen.n ? 0 : -IMS_ECONF;

        if (err)
                log_error("%s: empty: a node without an address cannot serve", key);
        else if (sip_conf_has_tls(&c->listen))
                err = tls_conf_open(c->listen_tls ? c->listen_tls : &c->tls,
                                    c->listen_tls ? c->listen_tls_key : "sip.tls", TLS_SERVER, &tls);
        for (size_t i = 0; i < c->listen.n && !err; i++) {
                enum transport t;
                struct addr a;

                err = sip_conf_parse_listen(listen[i], &t, &a);
                if (!err)
                        err = start_listener(s, t, &a, tls);
                if (err == -IMS_EIO)
                        log_error("%s: %s: cannot be bound; is it an address of this host?", key, listen[i]);
                else if (err)
                        log_error("%s: %s: %s", key, listen[i], ims_strerror(err));
                else
                        log_info("listening on %s", listen[i]);
        }
        tls_context_free(tls); /* the listeners have it */
        return err;
}

int sip_conf_start(struct loop *l, const struct sip_conf *c, const struct sip_stack_handlers *h, void *arg,
                   struct resolver **out_resolver, struct sip_stack **out_stack)
{
        struct sip_stack_conf conf = {
                .sent_by = c->name,
                .t1_ms = c->t1_ms,
                .t2_ms = c->t2_ms,
                .t4_ms = c->t4_ms,
                .udp_max = c->udp_max,
                .message_max = c->message_max,
                .max_conns = c->max_conns,
                .max_conns_per_source = c->max_conns_per_source,
                .max_handshakes = c->max_handshakes,
                .max_handshakes_per_source = c->max_handshakes_per_source,
                .handshakes = c->handshakes,
                .handshakes_per_source = c->handshakes_per_source,
                .tcp_idle_ms = c->tcp_idle_ms,
                .tcp_first_ms = c->tcp_first_ms,
                .tcp_partial_ms = c->tcp_partial_ms,
                .tcp_unread_ms = c->tcp_unread_ms,
                .tcp_queue = c->tcp_queue,
        };
        struct resolver *r = NULL;
        struct sip_stack *s = NULL;
        int err;

        err = start_resolver(l, c, &r);
        if (err)
                goto out;
        err = sip_stack_new(l, r, &conf, h, arg, &s);
        if (err) {
                log_error("the SIP stack cannot start: %s", ims_strerror(err));
                goto out;
        }
        err = start_tls_client(s, c);
        if (!err)
                err = start_listeners(s, c);
out:
        if (err) {
                sip_stack_free(s);
                resolver_free(r);
                return err;
        }
        *out_resolver = r;
        *out_stack = s;
        return 0;
}
