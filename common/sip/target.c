/* SPDX-License-Identifier: BSD-3-Clause
 * What a URI says about the next hop: host, port, transport, maddr. RFC 3263 4. */
#include "common/sip/client.h"

static struct span without_brackets(struct span host)
{
        return host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']' ? span_sub(host, 1, host.n - 1)
                                                                           : host;
}

/* host [":" port] */
static int host_port(struct span s, struct sip_hop *h)
{
        ptrdiff_t bracket = s.n && s.p[0] == '[' ? span_chr(s, ']', 0) : 0;
        ptrdiff_t colon = bracket < 0 ? -1 : span_chr(s, ':', (size_t)bracket);
        uint32_t port = 0;

        if (bracket < 0 || (colon >= 0 && span_u32(span_sub(s, (size_t)colon + 1, s.n), 65535, &port) != 0))
                return -IMS_EINVAL;
        h->host = without_brackets(colon < 0 ? s : span_sub(s, 0, (size_t)colon));
        h->port = (uint16_t)port;
        return h->host.n ? 0 : -IMS_EINVAL;
}

static int params(struct span s, struct sip_hop *h)
{
        struct span part;

        while (span_split(&s, ';', &part)) {
                if (span_istarts(part, SPAN("transport="))) {
                        if (transport_parse(span_sub(part, 10, part.n), &h->transport) != 0)
                                return -IMS_EINVAL;
                } else if (span_istarts(part, SPAN("maddr="))) {
                        h->host = without_brackets(span_sub(part, 6, part.n));
                }
        }
        return h->host.n ? 0 : -IMS_EINVAL;
}

int sip_hop_of(struct span uri, struct sip_hop *out)
{
        struct sip_hop h = {.transport = TRANSPORT_ANY};
        ptrdiff_t open = span_chr(uri, '<', 0), end, at, semi;
        int err;

        if (open >= 0) {
                end = span_chr(uri, '>', (size_t)open);
                uri = end < 0 ? SPAN_NULL : span_sub(uri, (size_t)open + 1, (size_t)end);
        }
        h.sips = span_istarts(uri, SPAN("sips:"));
        if (!h.sips && !span_istarts(uri, SPAN("sip:")))
                return -IMS_EINVAL;
        uri = span_sub(uri, h.sips ? 5 : 4, uri.n);
        at = span_chr(uri, '@', 0);
        uri = span_sub(uri, at < 0 ? 0 : (size_t)at + 1, uri.n);
        end = span_chr(uri, '?', 0);
        uri = span_sub(uri, 0, end < 0 ? uri.n : (size_t)end);
        semi = span_chr(uri, ';', 0);
        err = host_port(span_sub(uri, 0, semi < 0 ? uri.n : (size_t)semi), &h);
        if (!err && semi >= 0)
                err = params(span_sub(uri, (size_t)semi + 1, uri.n), &h);
        if (!err && h.sips && h.transport == TRANSPORT_UDP)
                err = -IMS_EINVAL;
        if (err)
                return err;
        if (h.sips && h.transport == TRANSPORT_TCP)
                h.transport = TRANSPORT_TLS; /* over TCP (RFC 3261 26.2.2) */
        *out = h;
        return 0;
}
