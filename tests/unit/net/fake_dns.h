/* SPDX-License-Identifier: BSD-3-Clause
 * A DNS server for tests: answers from a table of records, over UDP on the loopback. */
#pragma once

#include "common/base/buf.h"
#include "common/net/udp.h"

enum { DNS_A = 1, DNS_SRV = 33, DNS_NAPTR = 35, DNS_AAAA = 28 };

struct fake_rr {
        const char *name;
        unsigned type;
        const char *text; /* A, AAAA: address; SRV: target; NAPTR: replacement */
        unsigned a, b, c; /* SRV: priority, weight, port; NAPTR: order, preference */
        const char *service;
        unsigned ttl;
};

struct fake_dns {
        struct udp *socket;
        const struct fake_rr *rows; /* ends with name NULL */
        unsigned asked;
        bool silent;           /* answers nothing */
        unsigned rcode;        /* when not 0: of every answer */
        unsigned refused_type; /* this type is answered NOTIMP */
};

static inline void fake_u16(struct buf *b, unsigned v)
{
        buf_char(b, (char)(v >> 8));
        buf_char(b, (char)v);
}

static inline void fake_name(struct buf *b, const char *name)
{
        struct span rest = span_of(name), label;

        while (rest.n && span_split(&rest, '.', &label)) {
                buf_char(b, (char)label.n);
                buf_span(b, label);
        }
        buf_char(b, 0);
}

static inline void fake_string(struct buf *b, const char *s)
{
        buf_char(b, (char)strlen(s));
        buf_puts(b, s);
}

static inline void fake_rdata(const struct fake_rr *rr, struct buf *b)
{
        struct addr a;

        switch (rr->type) {
        case DNS_A:
        case DNS_AAAA:
                if (addr_parse(span_of(rr->text), 0, &a) != 0)
                        break;
                if (addr_is_v6(&a))
                        buf_put(b, &a.u.v6.sin6_addr, 16);
                else
                        buf_put(b, &a.u.v4.sin_addr, 4);
                break;
        case DNS_SRV:
                fake_u16(b, rr->a);
                fake_u16(b, rr->b);
                fake_u16(b, rr->c);
                fake_name(b, rr->text);
                break;
        case DNS_NAPTR:
                fake_u16(b, rr->a);
                fake_u16(b, rr->b);
                fake_string(b, "s");
                fake_string(b, rr->service);
                fake_string(b, "");
                fake_name(b, rr->text);
                break;
        }
}

/* Name and type of the question; the length of the question section, or 0. */
static inline size_t fake_question(struct span q, struct buf *name, unsigned *type)
{
        size_t at = 12;

        while (at < q.n && q.p[at]) {
                size_t n = (unsigned char)q.p[at];

                if (at + n + 1 >= q.n)
                        return 0;
                if (name->n)
                        buf_char(name, '.');
                buf_put(name, q.p + at + 1, n);
                at += n + 1;
        }
        if (at + 5 > q.n)
                return 0;
        *type = (unsigned)(unsigned char)q.p[at + 1] << 8 | (unsigned char)q.p[at + 2];
        return at + 5 - 12;
}

static inline void fake_dns_recv(struct udp *u, const struct addr *from, struct span q, void *arg)
{
        struct fake_dns *dns = arg;
        struct buf name = BUF_INIT, out = BUF_INIT, rdata = BUF_INIT;
        unsigned type = 0, n = 0, rcode = dns->rcode;
        size_t len = fake_question(q, &name, &type);

        dns->asked++;
        if (dns->silent || !len)
                goto out;
        if (type == dns->refused_type)
                rcode = 4;
        buf_put(&out, q.p, 2);
        buf_char(&out, (char)0x85);
        buf_char(&out, (char)(0x80 | rcode));
        buf_put(&out, "\0\1\0\0\0\0\0\0", 8);
        buf_put(&out, q.p + 12, len);
        for (const struct fake_rr *rr = dns->rows; rr->name && !rcode; rr++) {
                if (rr->type != type || !span_ieq(span_of(rr->name), buf_as_span(&name)))
                        continue;
                buf_reset(&rdata);
                fake_rdata(rr, &rdata);
                fake_u16(&out, 0xc00c);
                fake_u16(&out, type);
                fake_u16(&out, 1);
                fake_u16(&out, 0);
                fake_u16(&out, rr->ttl);
                fake_u16(&out, (unsigned)rdata.n);
                buf_span(&out, buf_as_span(&rdata));
                n++;
        }
        out.p[7] = (char)n;
        (void)!udp_send(u, from, buf_as_span(&out));
out:
        buf_free(&name);
        buf_free(&out);
        buf_free(&rdata);
}

static inline int fake_dns_open(struct loop *l, struct fake_dns *dns)
{
        struct addr any;
        int err = addr_parse(SPAN("127.0.0.1:0"), 0, &any);

        return err ? err : udp_open(l, &any, fake_dns_recv, dns, &dns->socket);
}
