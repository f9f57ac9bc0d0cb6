/* SPDX-License-Identifier: BSD-3-Clause
 * Protected ports: opening and closing them, and who uses them. TS 33.203 7.1.
 *
 * They are kept apart from the listeners of s->listeners, so that nothing that looks for a socket by
 * transport and address family ever finds one: they are found by their own address only. */
#include <stdlib.h>
#include <unistd.h>

#include "common/sip/stack_priv.h"

/* --- finding -------------------------------------------------------------------------------------- */

static bool eq_local(const struct hnode *n, const void *key)
{
        return addr_eq(&container_of(n, const struct sip_protected, by_local)->local, key);
}

struct sip_protected *sip_protected_lookup(const struct sip_stack *s, const struct addr *local)
{
        struct hnode *n = htab_find(&s->ports, addr_hash(local), eq_local, local);

        return n ? container_of(n, struct sip_protected, by_local) : NULL;
}

enum sip_port sip_port_of(const struct sip_stack *s, const struct addr *local)
{
        const struct sip_protected *p = sip_protected_of(s, local);

        return p && p->open ? p->kind : SIP_PORT_OPEN;
}

bool sip_protected_is_self(const struct sip_stack *s, const struct addr *literal, uint16_t port)
{
        struct addr a;

        if (literal) {
                a = *literal;
                addr_set_port(&a, port);
                return sip_port_of(s, &a) != SIP_PORT_OPEN;
        }
        list_for_each(pos, &s->all_ports)
        {
                const struct sip_protected *p = container_of(pos, struct sip_protected, all);

                if (p->open && addr_port(&p->local) == port)
                        return true;
        }
        return false;
}

/* --- opening -------------------------------------------------------------------------------------- */

static void sockets_close(struct sip_protected *p)
{
        p->open = false;
        sip_conns_reset(p);
        sip_listener_close(&p->udp);
        sip_listener_close(&p->tcp);
        if (p->reserved >= 0)
                (void)close(p->reserved);
        p->reserved = -1;
}

static int sockets_open(struct sip_protected *p)
{
        int err;

        p->udp = (struct sip_listener){.stack = p->stack, .transport = TRANSPORT_UDP, .port = p};
        p->tcp = (struct sip_listener){.stack = p->stack, .transport = TRANSPORT_TCP, .port = p};
        err = sip_listener_open(&p->udp, &p->local);
        if (!err && p->kind == SIP_PORT_CLIENT)
                err = tcp_reserve(&p->local, &p->reserved);
        else if (!err)
                err = sip_listener_open(&p->tcp, &p->local);
        if (err)
                sockets_close(p);
        else
                p->open = true;
        return err;
}

static void forget(struct sip_protected *p)
{
        if (p->open || p->uses)
                return;
        htab_remove(&p->stack->ports, &p->by_local);
        list_unlink(&p->all);
        free(p);
}

/* -IMS_ENOMEM. */
static int protected_new(struct sip_stack *s, const struct addr *local, struct sip_protected **out)
{
        struct sip_protected *p = calloc(1, sizeof(*p));

        if (!p)
                return -IMS_ENOMEM;
        p->stack = s;
        p->local = *local;
        p->reserved = -1;
        list_init(&p->conns);
        if (htab_insert(&s->ports, &p->by_local, addr_hash(local)) != 0) {
                free(p);
                return -IMS_ENOMEM;
        }
        list_append(&s->all_ports, &p->all);
        *out = p;
        return 0;
}

int sip_protected_open(struct sip_stack *s, enum sip_port kind, const struct addr *local,
                       uint16_t server_port)
{
        struct sip_protected *p = sip_protected_of(s, local);
        int err;

        if (s->closing || addr_is_any(local) || !addr_port(local) || !server_port ||
            (kind != SIP_PORT_SERVER && kind != SIP_PORT_CLIENT))
                return s->closing ? -IMS_ECLOSED : -IMS_EINVAL;
        if (p && p->open)
                return -IMS_EADDRINUSE;
        err = p ? 0 : protected_new(s, local, &p);
        if (err)
                return err;
        p->kind = kind;
        p->server_port = kind == SIP_PORT_SERVER ? addr_port(local) : server_port;
        err = sockets_open(p);
        if (err)
                forget(p);
        return err;
}

void sip_protected_close(struct sip_stack *s, const struct addr *local)
{
        struct sip_protected *p = sip_protected_of(s, local);

        if (!p || !p->open)
                return;
        sockets_close(p);
        forget(p);
}

void sip_protected_close_all(struct sip_stack *s)
{
        list_for_each_safe(pos, tmp, &s->all_ports)
        {
                struct sip_protected *p = container_of(pos, struct sip_protected, all);

                if (p->open)
                        sockets_close(p);
                forget(p); /* no transaction is left */
        }
        htab_free(&s->ports);
}

void sip_close_between(struct sip_stack *s, const struct addr *local, const struct addr *remote)
{
        struct sip_conn *c;

        while ((c = sip_conn_between(s, local, remote)))
                sip_conn_reset(c, true);
}

/* --- use ------------------------------------------------------------------------------------------ */

struct sip_protected *sip_use_begin(struct sip_stack *s, const struct sip_flow *flow)
{
        struct sip_protected *p = sip_protected_of(s, &flow->local);

        if (!p)
                return NULL;
        p->uses++;
        if (s->handlers.on_use)
                s->handlers.on_use(flow, 1, s->arg);
        return p;
}

void sip_use_end(struct sip_protected *p, const struct sip_flow *flow)
{
        if (!p)
                return;
        if (p->stack->handlers.on_use)
                p->stack->handlers.on_use(flow, -1, p->stack->arg);
        p->uses--; /* not before: the owner may close the port */
        forget(p);
}
