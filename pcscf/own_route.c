/* SPDX-License-Identifier: BSD-3-Clause
 * URIs of our own in Path and Record-Route. Their user part tells the registration; a keyed hash in it
 * keeps others from making one up, and binds that of a dialog to its Call-ID. RFC 3327 5, RFC 3261 16.6
 * item 4, RFC 5658. */
#include <stdio.h>

#include "common/sip/grammar.h"
#include "pcscf/pcscf.h"

#define USER_LEN 26 /* kind, number (8 hex digits), point, hash (16 hex digits) */

static const char kinds[] = {[OWN_PATH] = 'p', [OWN_DIALOG] = 'd', [OWN_EMERGENCY] = 'e'};

static uint64_t user_hash(enum own_kind kind, uint32_t id, struct span call_id)
{
        uint64_t call = kind == OWN_PATH ? 0 : hash_span(call_id);

        return hash_mix(hash_mix((uint64_t)kind, id), call);
}

static char *put_hex(char *at, uint64_t v, unsigned digits)
{
        for (unsigned i = digits; i-- > 0; v >>= 4)
                at[i] = "0123456789abcdef"[v & 15];
        return at + digits;
}

static void user_write(enum own_kind kind, uint32_t id, struct span call_id, char out[static USER_LEN + 1])
{
        char *p = out;

        *p++ = kinds[kind];
        p = put_hex(p, id, 8);
        *p++ = '.';
        p = put_hex(p, user_hash(kind, id, call_id), 16);
        *p = '\0';
}

static struct own_route user_read(struct span user, struct span call_id)
{
        static const struct own_route plain = {.kind = OWN_PLAIN}, stale = {.kind = OWN_STALE};
        char id_text[9] = "", want[USER_LEN + 1];
        struct own_route r = plain;
        unsigned id;
        char end;

        if (user.n != USER_LEN)
                return plain;
        for (enum own_kind k = OWN_PATH; k <= OWN_EMERGENCY; k++)
                if (user.p[0] == kinds[k])
                        r.kind = k;
        if (r.kind == OWN_PLAIN || span_copy(span_sub(user, 1, 9), id_text, sizeof(id_text)) ||
            sscanf(id_text, "%8x%c", &id, &end) != 1)
                return plain;
        r.id = id;
        user_write(r.kind, r.id, call_id, want);
        return secret_eq(want, user.p, USER_LEN) ? r : stale;
}

void own_path(const struct pcscf *p, uint32_t id, bool ob, struct buf *out)
{
        char user[USER_LEN + 1];

        user_write(OWN_PATH, id, SPAN_NULL, user);
        buf_puts(out, "<sip:");
        buf_put(out, user, USER_LEN);
        buf_char(out, '@');
        buf_puts(out, p->core_host);
        buf_puts(out, ob ? ";lr;ob>" : ";lr>");
}

/* The address of ours that the UE uses, as host:port. */
static const char *gm_host(const struct pcscf *p, const struct sip_flow *ue, char out[static ADDR_STR])
{
        struct addr local = ue->local;

        /* a connection we opened has a port of its own: name the listener */
        for (size_t i = 0; i < p->n_gm && sip_port_of(p->stack, &local) == SIP_PORT_OPEN; i++)
                if (p->gm[i].transport == ue->transport && addr_ip_eq(&p->gm[i].local, &local))
                        addr_set_port(&local, addr_port(&p->gm[i].local));
        return addr_is_any(&local) ? p->core_host : addr_str(&local, out);
}

void own_record_route(const struct pcscf *p, struct sip_edit *e, enum own_kind kind, uint32_t id,
                      const struct sip_flow *ue, bool from_ue)
{
        char user[USER_LEN + 1], text[ADDR_STR];
        const char *host = gm_host(p, ue, text);
        const char *tcp = ue->transport == TRANSPORT_TCP   ? ";transport=tcp"
                          : ue->transport == TRANSPORT_TLS ? ";transport=tls"
                                                           : "";
        struct buf core = BUF_INIT, gm = BUF_INIT;

        user_write(kind, id, e->msg->call_id, user);
        buf_printf(&core, "<sip:%s@%s;lr>", user, p->core_host);
        buf_printf(&gm, "<sip:%s@%s%s;lr>", user, host, tcp);
        if ((core.err || gm.err) && !e->err)
                e->err = -IMS_ENOMEM;
        sip_edit_insert(e, SIP_HDR_RECORD_ROUTE, buf_as_span(from_ue ? &gm : &core));
        if (!span_eq(buf_as_span(&core), buf_as_span(&gm)))
                sip_edit_insert(e, SIP_HDR_RECORD_ROUTE, buf_as_span(from_ue ? &core : &gm));
        buf_free(&core);
        buf_free(&gm);
}

struct own_route own_route_read(const struct pcscf *p, struct span value, struct span call_id)
{
        struct own_route r = {.kind = OWN_NONE};
        osip_uri_t *u = NULL;

        if (sip_uri_parse(sip_addr_spec(value), &u))
                return r;
        if (u->host && sip_stack_is_self(p->stack, span_of(u->host), sip_uri_port(u)))
                r = user_read(span_of(u->username), call_id);
        r.ob = sip_uri_param(u, "ob") != NULL;
        osip_uri_free(u);
        return r;
}

/* *n: how many values at the top of Route are those of one way through us; *next: the first behind them. */
static struct own_route top_of_route(const struct pcscf *p, const struct sip_msg *m, size_t *n,
                                     struct span *next)
{
        struct own_route found = {.kind = OWN_NONE}, r;
        struct sip_value_iter it = {0};

        for (*n = 0; sip_msg_next_value(m, SIP_HDR_ROUTE, &it, next); ++*n) {
                r = own_route_read(p, *next, m->call_id);
                if (r.kind == OWN_NONE || (r.kind > OWN_STALE && found.kind > OWN_STALE && r.id != found.id))
                        return found; /* somebody else's, or the other UE of a call within this node */
                if (found.kind <= OWN_STALE && r.kind > found.kind)
                        found = r;
        }
        *next = SPAN_NULL;
        return found;
}

struct own_route own_route_of(const struct pcscf *p, const struct sip_msg *m)
{
        struct span next;
        size_t n;

        return top_of_route(p, m, &n, &next);
}

struct own_route own_route_pop(const struct pcscf *p, struct sip_edit *e, struct span *next)
{
        struct own_route found;
        size_t n;

        found = top_of_route(p, e->msg, &n, next);
        while (n-- > 0)
                sip_edit_pop_value(e, SIP_HDR_ROUTE);
        return found;
}

bool begins_dialog(const struct sip_msg *m)
{
        return m->to_tag.n == 0 && (m->method == SIP_INVITE || m->method == SIP_SUBSCRIBE ||
                                    m->method == SIP_REFER || m->method == SIP_NOTIFY);
}
