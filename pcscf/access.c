/* SPDX-License-Identifier: BSD-3-Clause
 * Access networks and P-Access-Network-Info. TS 33.203 P.3. */
#include "pcscf/access.h"

#include <stdlib.h>

#include "common/sip/access_network.h"
#include "common/sip/msg_lex.h"

/* Inserted where P.3 demands a value and none is configured: an access type that is neither 3GPP nor a
 * TISPAN NASS. */
#define PANI_OTHER "IEEE-802.3"

struct access_map {
        const struct pcscf_conf *conf;
        size_t n;
        struct prefix prefixes[]; /* those of conf->ranges */
};

int access_map_new(const struct pcscf_conf *conf, struct access_map **out)
{
        const struct pcscf_range *ranges = conf->ranges.items;
        struct access_map *m = calloc(1, sizeof(*m) + conf->ranges.n * sizeof(m->prefixes[0]));

        if (!m)
                return -IMS_ENOMEM;
        m->conf = conf;
        m->n = conf->ranges.n;
        for (size_t i = 0; i < m->n; i++) {
                int err = prefix_parse(span_of(ranges[i].prefix), &m->prefixes[i]);

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

/* The first range with that address, m->n when none has it. */
static size_t range_of(const struct access_map *m, const struct addr *ue)
{
        size_t i = 0;

        while (i < m->n && !prefix_has(&m->prefixes[i], ue))
                i++;
        return i;
}

bool access_has(const struct access_map *m, const struct addr *ue)
{
        return range_of(m, ue) < m->n;
}

struct access access_of(const struct access_map *m, const struct addr *ue)
{
        const struct pcscf_range *ranges = m->conf->ranges.items;
        size_t i = range_of(m, ue);

        if (i < m->n)
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
        const struct sip_access_network a = sip_access_network_read(value);

        return a.network_provided || (a.broken && mentions(value, SPAN("network-provided")));
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
