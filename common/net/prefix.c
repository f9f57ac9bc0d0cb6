/* SPDX-License-Identifier: BSD-3-Clause
 * Address prefixes and lists of trust. */
#include "common/net/prefix.h"

#include <stdlib.h>

#include "common/net/core_net.h"

static size_t ip_octets(const struct addr *a, const uint8_t **out)
{
        bool v6 = addr_is_v6(a);

        *out = v6 ? a->u.v6.sin6_addr.s6_addr : (const uint8_t *)&a->u.v4.sin_addr;
        return v6 ? 16 : 4;
}

int prefix_parse(struct span text, struct prefix *out)
{
        ptrdiff_t slash = span_chr(text, '/', 0);
        struct span ip = slash < 0 ? text : span_sub(text, 0, (size_t)slash);
        struct prefix p = {0};
        uint32_t bits;

        if (addr_parse(ip, 0, &p.addr) != 0 || addr_port(&p.addr) != 0)
                return -IMS_EPARSE;
        bits = addr_is_v6(&p.addr) ? 128 : 32;
        if (slash >= 0 && span_u32(span_sub(text, (size_t)slash + 1, text.n), bits, &bits) != 0)
                return -IMS_EPARSE;
        p.bits = (uint8_t)bits;
        *out = p;
        return 0;
}

bool prefix_has(const struct prefix *p, const struct addr *a)
{
        const uint8_t *x, *y;
        size_t n = ip_octets(&p->addr, &x), whole = p->bits / 8;
        unsigned rest = p->bits % 8;

        if (ip_octets(a, &y) != n || memcmp(x, y, whole) != 0)
                return false;
        return rest == 0 || (x[whole] ^ y[whole]) >> (8 - rest) == 0;
}

const char *prefix_check(const char *value)
{
        struct prefix p;

        return prefix_parse(span_of(value), &p) == 0 ? NULL : "is not ADDRESS or ADDRESS/BITS";
}

int trust_init(struct trust *t, char *const *lines, size_t n)
{
        int err = 0;

        *t = (struct trust){0};
        if (n == 0)
                return 0;
        t->prefixes = calloc(n, sizeof(*t->prefixes));
        if (!t->prefixes)
                return -IMS_ENOMEM;
        for (; t->n < n && !err; t->n++)
                err = prefix_parse(span_of(lines[t->n]), &t->prefixes[t->n]);
        return err;
}

void trust_free(struct trust *t)
{
        if (t->net)
                core_net_free(t->net);
        free(t->net);
        free(t->prefixes);
        *t = (struct trust){0};
}

static bool listed(const struct trust *t, const struct addr *a)
{
        for (size_t i = 0; i < t->n; i++)
                if (prefix_has(&t->prefixes[i], a))
                        return true;
        return t->n == 0;
}

bool trust_takes(const struct trust *t, const struct addr *a, bool tls)
{
        return listed(t, a) && !core_net_refuses(t->net, a, tls);
}

bool trust_has(const struct trust *t, const struct addr *a)
{
        return trust_takes(t, a, true);
}

bool trust_limited(const struct trust *t)
{
        return t->n || t->net;
}
