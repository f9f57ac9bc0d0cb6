/* SPDX-License-Identifier: BSD-3-Clause
 * Finding the next hop: literal addresses, a static table (a lab without DNS), then DNS by c-ares with
 * NAPTR, SRV, A and AAAA as RFC 3263. */
#pragma once

#include "common/net/addr.h"
#include "common/net/loop.h"

enum transport { TRANSPORT_ANY, TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORT_TLS };

/* "UDP", "TCP", "TLS" as in Via; "" for TRANSPORT_ANY. */
const char *transport_name(enum transport t);
/* Case is ignored. -IMS_EPARSE for another word. */
int transport_parse(struct span word, enum transport *out) IMS_CHECK;

struct resolver;
struct resolver_query;

/* Whether resolver_new takes this line. */
bool resolver_host_valid(struct span line);

/* hosts: lines "NAME=ADDRESS[:PORT][/TRANSPORT]" (several lines for one name are tried in order);
 * servers: DNS server addresses, none means those of the system. Borrowed for the call.
 * -IMS_ECONF with the faulty line's index in *bad (a faulty server: n_hosts plus its index). */
int resolver_new(struct loop *l, char *const *hosts, size_t n_hosts, char *const *servers, size_t n_servers,
                 struct resolver **out, size_t *bad) IMS_CHECK;
void resolver_free(struct resolver *r);

struct resolved {
        struct addr addr;
        enum transport transport; /* TRANSPORT_ANY when the look-up does not say */
};

/* Exactly once, unless canceled. err 0: n >= 1 targets in the order to try, borrowed for the call;
 * -IMS_ENOTFOUND (no such name), -IMS_ETIMEOUT, -IMS_EUNREACH (no server answers). */
typedef void resolved_fn(int err, const struct resolved *targets, size_t n, void *arg);

/* port 0: not given in the URI (then SRV applies). want: transport given in the URI, or ANY.
 * fn may run before this returns (literal address or static table): *out is then NULL. */
int resolver_lookup(struct resolver *r, struct span host, uint16_t port, enum transport want, bool sips,
                    resolved_fn *fn, void *arg, struct resolver_query **out) IMS_CHECK;

/* fn will not run. */
void resolver_cancel(struct resolver_query *q);
