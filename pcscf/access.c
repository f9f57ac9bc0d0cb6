/* SPDX-License-Identifier: BSD-3-Clause
 * Access networks and P-Access-Network-Info. TS 33.203 P.3. */
#include "pcscf/access.h"

#include <stdlib.h>

#include "common/sip/msg_lex.h"

/* Inserted where P.3 demands a value and none is configured: an access type that is neither 3GPP nor a
 * TISPAN NASS. */
#define PANI_OTHER "IEEE-802.3"

struct access_map {
        const struct pcscf_conf *conf;
        size_t n;
        struct access_prefix prefixes[]; /* those of conf->ranges */
};

/* --- prefixes ------------------------------------------------------------------------------------- */

static const uint8_t *octets(const struct addr *a)
{
        return addr_is_v6(a) ? a->u.v6.sin6_addr.s6_addr : (const uint8_t *)&a->u.v4.sin_addr.s_addr;
}

int access_prefix_parse(struct span text, struct access_prefix *out)
{
        ptrdiff_t slash = span_chr(text, '/', 0);
        struct span host = slash < 0 ? text : span_sub(text, 0, (size_t)slash);
        struct access_prefix p;
        uint32_t bits, max;

        if (addr_parse(host, 0, &p.addr) || addr_port(&p.addr))
                return -IMS_EPARSE;
        max = addr_is_v6(&p.addr) ? 128 : 32;
        bits = max;
        if (slash >= 0 && span_u32(span_sub(text, (size_t)slash + 1, text.n), max, &bits))
                return -IMS_EPARSE;
        p.bits = (uint8_t)bits;
        *out = p;
        return 0;
}

bool access_prefix_holds(const struct access_prefix *p, const struct addr *a)
{
        size_t whole = p->bits / 8;
        unsigned rest = p->bits % 8;

        if (addr_is_v6(&p->addr) != addr_is_v6(a) || memcmp(octets(&p->addr), octets(a), whole) != 0)
                return false;
        return !rest || ((octets(&p->addr)[whole] ^ octets(a)[whole]) & (0xffu << (8 - rest)) & 0xffu) == 0;
}

int access_map_new(const struct pcscf_conf *conf, struct access_map **out)
{
        const struct pcscf_range *ranges = conf->ranges.items;
        struct access_map *m = calloc(1, sizeof(*m) + conf->ranges.n * sizeof(m->prefixes[0]));

        if (!m)
                return -IMS_ENOMEM;
        m->conf = conf;
        m->n = conf->ranges.n;
        for (size_t i = 0; i < m->n; i++) {
                int err = access_prefix_parse(span_of(ranges[i].prefix), &m->prefixes[i]);

                if (err) {
                        free(m);
                        return err;
                }
        }
        *out = m;
        return 0;
}

void access_map_free(struct access_map *m)
{
        free(m);
}

struct access access_of(const struct access_map *m, const struct addr *ue)
{
        const struct pcscf_range *ranges = m->conf->ranges.items;

        for (size_t i = 0; i < m->n; i++)
                if (access_prefix_holds(&m->prefixes[i], ue))
                        return (struct access){(enum access_type)ranges[i].type, ranges[i].pani};
        return (struct access){(enum access_type)m->conf->access_type, m->conf->pani};
}

/* --- P-Access-Network-Info ------------------------------------------------------------------------ */

/* For values that do not parse: the word anywhere counts. */
static bool mentions(struct span value, struct span word)
{
        for (size_t i = 0; i + word.n <= value.n; i++)
                if (span_ieq(span_sub(value, i, i + word.n), word))
                        return true;
        return false;
}

bool pani_is_network_provided(struct span value)
{
        struct sip_lex l = sip_lex_of(span_trim(value));
        struct span name, v;
        int got;

        (void)sip_lex_token(&l); /* access type */
        while ((got = sip_lex_param(&l, &name, &v)) > 0)
                if (span_ieq(name, SPAN("network-provided")))
                        return true;
        return got < 0 && mentions(value, SPAN("network-provided"));
}

static void strip_line(struct sip_edit *e, const struct sip_hdr *h, struct buf *kept)
{
        struct span rest = h->value;
        bool dropped = false;

        buf_reset(kept);
        while (rest.n) {
                size_t end = sip_lex_value_end(rest);
                struct span value = span_trim(span_sub(rest, 0, end));

                rest = span_sub(rest, end + 1, rest.n);
                if (pani_is_network_provided(value)) {
                        dropped = true;
                } else if (value.n) {
                        if (kept->n)
                                buf_puts(kept, ", ");
                        buf_span(kept, value);
                }
        }
        if (dropped && kept->n && !kept->err)
                sip_edit_replace(e, h, buf_as_span(kept));
        else if (dropped)
                sip_edit_remove(e, h);
}

void pani_strip(struct sip_edit *e, bool aware)
{
        struct buf kept = BUF_INIT;

        if (!aware)
                return;
        for (size_t i = 0;; i++) {
                const struct sip_hdr *h = sip_msg_hdr(e->msg, SIP_HDR_P_ACCESS_NETWORK_INFO, i);

                if (!h)
                        break;
                strip_line(e, h, &kept);
        }
        buf_free(&kept);
}

void pani_register(struct sip_edit *e, bool aware, struct access access, bool has_authorization)
{
        bool demanded = access.type == ACCESS_NASS || (access.type == ACCESS_OTHER && !has_authorization);
        struct buf own = BUF_INIT;

        if (!aware)
                return;
        pani_strip(e, true);
        if (access.pani || demanded) {
                buf_puts(&own, access.pani ? access.pani : PANI_OTHER);
                if (!pani_is_network_provided(buf_as_span(&own)))
                        buf_puts(&own, ";network-provided");
                sip_edit_append(e, SIP_HDR_P_ACCESS_NETWORK_INFO, buf_as_span(&own));
                if (own.err && !e->err)
                        e->err = own.err;
        }
        buf_free(&own);
}
