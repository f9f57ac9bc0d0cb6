/* SPDX-License-Identifier: BSD-3-Clause
 * Which way leads to a TURN server behind a firewall (TS 33.203 W.3.1.3, W.3.3): TCP on port 80, TLS on port
 * 443, each through an HTTP proxy where one is configured. It looks for the way alone; media and allocations
 * are no business of this phone. */
#pragma once

#include "common/base/buf.h"
#include "common/net/addr.h"
#include "common/net/loop.h"
#include "ue/proxy_auth.h"

#define TURN_PORT_TCP 80
#define TURN_PORT_TLS 443

struct turn_conf {
        struct addr server;           /* its port does not count */
        const char *name;             /* expected in the certificate */
        const char *ca;               /* roots; needed for TLS */
        bool tcp, tls;                /* which are configured; TCP is preferred, for it costs less */
        uint16_t tcp_port, tls_port;  /* 0: TURN_PORT_TCP, TURN_PORT_TLS */
        struct addr proxy;            /* of family 0: none */
        struct proxy_auth proxy_auth; /* for it */
        uint32_t timeout_ms;          /* for each */
};

struct turn_way {
        bool tls, proxy;
        uint16_t port;
};

/* The ways in their order; returns how many. */
size_t turn_plan(const struct turn_conf *c, struct turn_way out[static 2]);

/* Tries one after the other by a STUN Binding request (RFC 8489 6.2.2) and runs the loop meanwhile. 0: *out
 * answered. -IMS_EUNREACH: none did; -IMS_ECONF, -IMS_ENOMEM. log gets a line per attempt. */
int turn_find(struct loop *l, struct turn_conf *c, struct turn_way *out, struct buf *log) IMS_CHECK;

/* "TCP on port 80", "TLS on port 443 through the HTTP proxy". */
void turn_way_text(const struct turn_way *w, struct buf *out);
