/* SPDX-License-Identifier: BSD-3-Clause
 * A peer made of bare octets: says what no decent node says, and sees every message it gets. */
#pragma once

#include <stdlib.h>

#include "common/diameter/cx_table.h"
#include "common/diameter/node_int.h"
#include "common/net/tcp.h"

#define RAW_KEEP 32

struct raw {
        struct loop *loop;
        struct tcp_conn *tcp;
        struct buf rx;
        struct buf got[RAW_KEEP]; /* messages, in order */
        size_t n_got, n_read;
        bool closed, connected;
};

/* Listens, and takes the connections it gets into raws. */
struct raw_listener {
        struct loop *loop;
        struct tcp_listener *tcp;
        struct raw raws[4];
        size_t n;
};

static inline void raw_take(struct raw *r)
{
        while (r->rx.n >= DIA_HEADER) {
                uint32_t n = dia_get_u32(r->rx.p) & 0xffffff;
                char *rest;

                if (r->rx.n < n)
                        return;
                assert_true(r->n_got < RAW_KEEP);
                buf_put(&r->got[r->n_got++], r->rx.p, n);
                rest = malloc(r->rx.n + 1);
                memcpy(rest, r->rx.p + n, r->rx.n - n);
                r->rx.n -= n;
                memcpy(r->rx.p, rest, r->rx.n);
                free(rest);
        }
}

static inline void raw_on_connect(struct tcp_conn *c, void *arg)
{
        struct raw *r = arg;

        (void)c;
        r->connected = true;
        loop_stop(r->loop);
}

static inline void raw_on_data(struct tcp_conn *c, struct span data, void *arg)
{
        struct raw *r = arg;

        (void)c;
        buf_span(&r->rx, data);
        raw_take(r);
        loop_stop(r->loop);
}

static inline void raw_on_close(struct tcp_conn *c, int reason, void *arg)
{
        struct raw *r = arg;

        (void)c;
        (void)reason;
        r->tcp = NULL;
        r->closed = true;
        loop_stop(r->loop);
}

static const struct tcp_handlers raw_handlers = {raw_on_connect, raw_on_data, raw_on_close};

static inline void raw_connect(struct raw *r, struct loop *l, const struct addr *to)
{
        *r = (struct raw){.loop = l};
        assert_int_equal(tcp_connect(l, NULL, to, 5000, &raw_handlers, r, &r->tcp), 0);
        while (!r->connected && !r->closed)
                loop_run(l);
        assert_true(r->connected);
}

static inline void raw_on_accept(struct tcp_conn *c, void *arg)
{
        struct raw_listener *s = arg;
        struct raw *r;

        assert_true(s->n < 4);
        r = &s->raws[s->n++];
        *r = (struct raw){.loop = s->loop, .tcp = c, .connected = true};
        tcp_set_handlers(c, &raw_handlers, r);
        loop_stop(s->loop);
}

static inline struct addr raw_listen(struct raw_listener *s, struct loop *l)
{
        struct addr any;

        *s = (struct raw_listener){.loop = l};
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(tcp_listen(l, &any, 10, raw_on_accept, s, &s->tcp), 0);
        return *tcp_listener_local(s->tcp);
}

static inline void raw_send(struct raw *r, struct span s)
{
        assert_int_equal(tcp_send(r->tcp, s), 0);
}

/* Completes, sends and frees. */
static inline void raw_put(struct raw *r, struct buf *b)
{
        dia_put_end(b, 0);
        assert_int_equal(b->err, 0);
        raw_send(r, buf_as_span(b));
        buf_free(b);
}

/* The next message it got; runs the loop until there is one. */
static inline struct span raw_next(struct raw *r)
{
        while (r->n_got == r->n_read && !r->closed)
                loop_run(r->loop);
        assert_true(r->n_got > r->n_read);
        return buf_as_span(&r->got[r->n_read++]);
}

static inline void raw_expect_closed(struct raw *r)
{
        while (!r->closed)
                loop_run(r->loop);
        assert_int_equal(r->n_got, r->n_read);
}

static inline uint32_t raw_result(struct span msg)
{
        struct dia_avp a;

        assert_true(dia_avp_get(span_sub(msg, DIA_HEADER, msg.n), AVP_RESULT_CODE, &a));
        return dia_avp_u32(&a);
}

static inline void raw_free(struct raw *r)
{
        static const struct tcp_handlers nobody;

        if (r->tcp) {
                tcp_set_handlers(r->tcp, &nobody, NULL);
                tcp_close(r->tcp, false);
        }
        buf_free(&r->rx);
        for (size_t i = 0; i < r->n_got; i++)
                buf_free(&r->got[i]);
        *r = (struct raw){0};
}

static inline void raw_listener_free(struct raw_listener *s)
{
        for (size_t i = 0; i < s->n; i++)
                raw_free(&s->raws[i]);
        tcp_listener_close(s->tcp);
}

/* --- messages ---------------------------------------------------------------------------------------- */

static inline struct buf raw_begin(enum dict_command cmd, uint8_t flags, uint32_t app, uint32_t hop)
{
        struct dia_header h = {.flags = (uint8_t)(dict_command_rows[cmd].flags | flags),
                               .code = dict_command_rows[cmd].code,
                               .app = app,
                               .hop = hop,
                               .end = hop + 1000};
        struct buf b = BUF_INIT;

        dia_put_header(&b, &h);
        return b;
}

static inline void raw_origin(struct buf *b, const char *identity)
{
        dia_put_os(b, AVP_ORIGIN_HOST, span_of(identity));
        dia_put_os(b, AVP_ORIGIN_REALM, SPAN("example.org"));
}

/* The rest of CER or CEA, with that application. */
static inline void raw_capabilities(struct buf *b, const char *identity, uint32_t application)
{
        raw_origin(b, identity);
        dia_put_os(b, AVP_HOST_IP_ADDRESS, SPAN("\0\1\177\0\0\1"));
        dia_put_u32(b, AVP_VENDOR_ID, 10415);
        dia_put_os(b, AVP_PRODUCT_NAME, SPAN("raw"));
        dia_put_u32(b, AVP_AUTH_APPLICATION_ID, application);
}

static inline void raw_cer(struct raw *r, const char *identity)
{
        struct buf b = raw_begin(CMD_CER, 0, 0, 1);

        raw_capabilities(&b, identity, CX_APPLICATION);
        raw_put(r, &b);
}

static inline void raw_cea(struct raw *r, struct span cer, const char *identity)
{
        struct dia_header h = dia_header_get(cer.p);
        struct buf b = BUF_INIT;

        h.flags = 0;
        dia_put_header(&b, &h);
        dia_put_u32(&b, AVP_RESULT_CODE, DIA_SUCCESS);
        raw_capabilities(&b, identity, CX_APPLICATION);
        raw_put(r, &b);
}

/* CER and a good CEA. */
static inline void raw_open(struct raw *r, struct loop *l, const struct addr *to, const char *identity)
{
        raw_connect(r, l, to);
        raw_cer(r, identity);
        assert_int_equal(raw_result(raw_next(r)), DIA_SUCCESS);
}

static inline struct cx_uar raw_uar_of(const char *origin)
{
        return (struct cx_uar){.h = {.session_id = SPAN("raw;1;2"),
                                     .origin_host = span_of(origin),
                                     .origin_realm = SPAN("example.org"),
                                     .destination_realm = SPAN("example.org")},
                               .impi = SPAN("user@example.org"),
                               .impu = SPAN("sip:user@example.org"),
                               .visited_network = SPAN("example.org")};
}

static inline struct buf raw_uar(const char *origin, uint8_t flags, uint32_t hop)
{
        struct cx_uar m = raw_uar_of(origin);
        struct buf b = raw_begin(CMD_UAR, flags, CX_APPLICATION, hop);

        cx_encode(CX_MSG_uar, &m, &(struct cx_env){0}, &b);
        return b;
}

/* Answers a DWR. */
static inline void raw_dwa(struct raw *r, struct span dwr)
{
        struct dia_header h = dia_header_get(dwr.p);
        struct buf b = BUF_INIT;

        assert_int_equal(h.code, dict_command_rows[CMD_DWR].code);
        assert_true(h.flags & CMD_FLAG_REQUEST);
        h.flags = 0;
        dia_put_header(&b, &h);
        dia_put_u32(&b, AVP_RESULT_CODE, DIA_SUCCESS);
        raw_origin(&b, "raw.example.org");
        raw_put(r, &b);
}
