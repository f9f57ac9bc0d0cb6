/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of the resolver: the static table and answers of the DNS, kept until their TTL ends. */
#pragma once

#include <ares.h>

#include "common/base/htab.h"
#include "common/net/resolver.h"

#define RESOLVER_TARGETS_MAX 32   /* addresses of one look-up */
#define RESOLVER_HOSTS_MAX   16   /* servers (SRV targets) of one look-up */
#define RESOLVER_NAME_MAX    256  /* RFC 1035 2.3.4 and a NUL */
#define RESOLVER_KEPT_MAX    4096 /* answers kept */

/* One name of the static table, with its targets in order. */
struct resolver_host {
        struct hnode node;
        struct resolved *targets;
        bool *has_port;
        size_t n;
        char name[];
};

/* A server found by SRV, or the host itself. */
struct dns_host {
        struct dns_answer *answer;
        char name[RESOLVER_NAME_MAX];
        uint16_t port, weight;
        uint32_t rank; /* lower first: NAPTR position, then SRV priority */
        enum transport transport;
        struct addr *addrs;
        size_t n_addrs;
};

/* What is asked: the key of an answer. */
struct dns_question {
        char name[RESOLVER_NAME_MAX]; /* lower case */
        uint16_t port;
        enum transport want;
        bool sips;
};

/* An answer, being looked up or kept. */
struct dns_answer {
        struct hnode node;
        struct resolver *r;
        struct dns_question q;
        struct list waiting; /* resolver_query */
        struct dns_host *hosts;
        size_t n_hosts;
        unsigned pending; /* DNS queries under way */
        uint32_t rank;    /* given to the SRV records asked for next */
        int err;          /* first failure that is not "no such record" */
        uint32_t ttl_s;
        uint64_t until_ms;
        bool srv_asked, addrs_asked;
        bool answered;   /* kept until until_ms */
        bool delivering; /* must not go away */
};

struct resolver_query {
        struct list node;
        struct dns_answer *answer;
        resolved_fn *fn;
        void *arg;
        struct resolver_query **out; /* the caller's, while resolver_lookup runs */
};

struct resolver {
        struct loop *loop;
        struct htab table; /* resolver_host by name */
        struct htab kept;  /* dns_answer by question */
        ares_channel channel;
        bool has_channel, closing;
        struct tmr timer; /* of c-ares */
        struct list sockets;
};

/* The channel: c-ares on our loop. servers: as resolver_new. -IMS_ECONF when a server is no address. */
int dns_channel_open(struct resolver *r, char *const *servers, size_t n, size_t *bad) IMS_CHECK;
void dns_channel_close(struct resolver *r);

/* Sees to the timer of c-ares; after each query started. */
void dns_channel_kick(struct resolver *r);

/* Starts the look-ups of a fresh answer; dns_done follows (perhaps at once). */
void dns_answer_start(struct dns_answer *a);

/* All queries of the answer have ended: delivers to who waits. */
void dns_done(struct dns_answer *a);

void dns_answer_free(struct dns_answer *a);
