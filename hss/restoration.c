/* SPDX-License-Identifier: BSD-3-Clause
 * A version octet, then every field in a fixed order: texts as 16-bit length and octets (0xffff: absent),
 * numbers as 32 bits, big-endian. One function walks the fields in both directions. */
#include "hss/restoration.h"

#define VERSION 1
#define ABSENT  0xffffu

struct walk {
        struct buf *to;   /* writing */
        struct span from; /* reading */
        bool bad;
};

static void number(struct walk *w, uint32_t *v, unsigned octets)
{
        if (w->to) {
                for (unsigned i = octets; i-- > 0;)
                        buf_char(w->to, (char)(*v >> (8 * i)));
                return;
        }
        if (w->from.n < octets) {
                w->bad = true;
                return;
        }
        *v = 0;
        for (unsigned i = 0; i < octets; i++)
                *v = *v << 8 | (uint8_t)w->from.p[i];
        w->from = span_sub(w->from, octets, w->from.n);
}

static void flag(struct walk *w, bool *v)
{
        uint32_t n = *v;
        number(w, &n, 1);
        *v = n != 0;
}

static void text(struct walk *w, struct span *v)
{
        uint32_t n = v->p ? (uint32_t)v->n : ABSENT;
        if (w->to && v->n >= ABSENT) {
                w->bad = true;
                return;
        }
        number(w, &n, 2);
        if (w->to) {
                buf_span(w->to, *v);
                return;
        }
        if (w->bad || n == ABSENT || n > w->from.n) {
                w->bad = w->bad || n != ABSENT;
                return;
        }
        *v = span_sub(w->from, 0, n);
        w->from = span_sub(w->from, n, w->from.n);
}

static void subscription(struct walk *w, struct cx_subscription_info *s)
{
        flag(w, &s->present);
        if (!s->present)
                return;
        text(w, &s->call_id);
        text(w, &s->from);
        text(w, &s->to);
        text(w, &s->record_route);
        text(w, &s->contact);
}

static void walk(struct walk *w, struct cx_restoration *r)
{
        uint32_t version = VERSION, n = (uint32_t)r->n_info;
        number(w, &version, 1);
        w->bad = w->bad || version != VERSION;
        text(w, &r->impi);
        text(w, &r->scheme);
        flag(w, &r->has_timeout);
        number(w, &r->timeout, 4);
        number(w, &n, 1);
        if (w->bad || n > CX_RESTORATION_MAX) {
                w->bad = true;
                return;
        }
        r->n_info = n;
        for (size_t i = 0; i < n; i++) {
                struct cx_restoration_info *info = &r->info[i];
                text(w, &info->path);
                text(w, &info->contact);
                text(w, &info->call_id);
                flag(w, &info->has_initial_cseq);
                number(w, &info->initial_cseq, 4);
                subscription(w, &info->subscription);
                subscription(w, &info->pcscf_subscription);
        }
}

int restoration_write(const struct cx_restoration *r, struct buf *out)
{
        struct walk w = {.to = out};
        struct cx_restoration copy = *r; /* walk takes what it may also fill */
        walk(&w, &copy);
        return w.bad ? -IMS_ETOOBIG : out->err;
}

int restoration_read(struct span data, struct cx_restoration *out)
{
        struct walk w = {.from = data};
        struct cx_restoration r = {0};
        walk(&w, &r);
        if (w.bad || w.from.n)
                return -IMS_EPARSE;
        *out = r;
        return 0;
}
