/* SPDX-License-Identifier: BSD-3-Clause
 * The order of ways through a firewall. */
#include "ue/traversal.h"

size_t traversal_plan(const struct traversal_conf *c, struct traversal_step out[static TRAVERSAL_STEPS])
{
        const uint16_t normal = c->tls_port ? c->tls_port : SIPS_PORT,
                       last = c->port ? c->port : TRAVERSAL_PORT;
        size_t n = 0;

        if (!c->on) {
                out[0] = (struct traversal_step){.clear = c->transport, .tls_port = c->tls ? normal : 0};
                return 1;
        }
        if (!c->tls && !c->secure_only) {
                out[n++] = (struct traversal_step){.clear = c->transport};
                if (c->transport == TRANSPORT_UDP)
                        out[n++] = (struct traversal_step){.clear = TRANSPORT_TCP};
        }
        out[n++] = (struct traversal_step){.clear = TRANSPORT_ANY, .tls_port = normal};
        out[n++] = (struct traversal_step){.clear = TRANSPORT_ANY, .tls_port = last, .proxy = c->has_proxy};
        return n;
}

void traversal_text(const struct traversal_step *s, struct buf *out)
{
        if (s->tls_port)
                buf_printf(out, "TLS on port %u", s->tls_port);
        else
                buf_puts(out, s->clear == TRANSPORT_TCP ? "TCP" : "UDP");
        if (s->proxy)
                buf_puts(out, " through the HTTP proxy");
}
