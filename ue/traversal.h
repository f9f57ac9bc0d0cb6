/* SPDX-License-Identifier: BSD-3-Clause
 * Ways to a P-CSCF behind a firewall, in the order they are tried: what is normal first, SIP over TLS on port
 * 443 last (TS 33.203 W.2.0, W.3.1.2). */
#pragma once

#include "ue/phone_tls.h"

#define TRAVERSAL_PORT  443
#define TRAVERSAL_STEPS 4

struct traversal_step {
        enum transport clear; /* of what leaves in clear; ANY: nothing does */
        uint16_t tls_port;    /* TLS before the first REGISTER on this port; 0: no TLS */
        bool proxy;           /* through the HTTP proxy */
};

struct traversal_conf {
        bool on;
        enum transport transport; /* configured: UDP or TCP */
        bool tls;                 /* configured: TLS before the first REGISTER */
        bool secure_only;         /* nothing in clear */
        uint16_t tls_port, port;  /* of the normal way over TLS; of the last resort, 0: TRAVERSAL_PORT */
        bool has_proxy;
};

/* The steps, at least one. Off: what is configured alone. */
size_t traversal_plan(const struct traversal_conf *c, struct traversal_step out[static TRAVERSAL_STEPS]);

/* "UDP", "TLS on port 443 through the HTTP proxy". */
void traversal_text(const struct traversal_step *s, struct buf *out);
