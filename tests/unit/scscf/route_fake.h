/* SPDX-License-Identifier: BSD-3-Clause
 * The S-CSCF between neighbours, over a real stack: one UDP socket of the test is all of them. */
#pragma once

#include "reg_fake.h"

#include "common/net/udp.h"
#include "scscf/requests.h"

struct lab {
        struct scscf s;
        struct scscf_conf conf;
        char *home[1];
        char name[64], icscf[64];
        struct addr self, peer;
        struct udp *udp;
        struct sip_msg *got; /* the last message that reached the neighbour */
        uint64_t seen[256];  /* hashes of all that came */
        size_t n_seen;
        unsigned n_got;    /* messages for the neighbour, but for 100 */
        int statuses[256]; /* ... 0: a request */
        struct tmr giving_up;
        bool gave_up;
        struct fake_cx cx;
        struct fake_verdict verdict;
        unsigned branch;
        char called[128]; /* Request-URI of the request sent last */
};

static inline void on_give_up(struct tmr *t, void *arg)
{
        struct lab *l = arg;

        (void)t;
        l->gave_up = true;
        loop_stop(l->s.home.loop);
}

static inline void on_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct lab *l = arg;
        size_t used;

        (void)u, (void)from;
        for (size_t i = 0; i < l->n_seen; i++)
                if (l->seen[i] == hash_span(data))
                        return; /* sent again: this machine is slow */
        assert_true(l->n_seen < 256);
        l->seen[l->n_seen++] = hash_span(data);
        sip_msg_unref(l->got);
        l->got = NULL;
        assert_int_equal(sip_msg_parse(data, SIP_DATAGRAM, &l->got, &used), 0);
        if (!l->got->is_request && l->got->status == 100)
                return; /* not what anybody waits for */
        l->statuses[l->n_got++] = l->got->is_request ? 0 : l->got->status;
        loop_stop(l->s.home.loop);
}

static inline int lab_sar(void *arg, const struct cx_sar *m, cx_saa_fn *fn, void *fn_arg,
                          struct dia_txn **out)
{
        struct lab *l = container_of((struct scscf *)arg, struct lab, s);

        l->cx = (struct fake_cx){.is_sar = true, .saa = fn, .arg = fn_arg, .sat = m->type};
        put(l->cx.impu, sizeof(l->cx.impu), m->impus.v[0]);
        *out = NULL;
        loop_stop(l->s.home.loop);
        return 0;
}

static inline int lab_mar(void *arg, const struct cx_mar *m, cx_maa_fn *fn, void *fn_arg,
                          struct dia_txn **out)
{
        struct lab *l = container_of((struct scscf *)arg, struct lab, s);

        l->cx = (struct fake_cx){.maa = fn, .arg = fn_arg, .n_items = m->n_items};
        put(l->cx.impi, sizeof(l->cx.impi), m->impi);
        put(l->cx.impu, sizeof(l->cx.impu), m->impu);
        put(l->cx.scheme, sizeof(l->cx.scheme), m->item.scheme);
        *out = NULL;
        loop_stop(l->s.home.loop);
        return 0;
}

static inline void lab_verdict(void *arg, const struct verdict *v)
{
        (void)arg;
        (void)v;
}

static inline int setup(void **state)
{
        const struct sip_stack_handlers h = {.on_request = scscf_on_request, .on_cancel = scscf_on_cancel};
        const struct sip_stack_conf sc = {.t1_ms = 50, .t2_ms = 100};
        struct lab *l = calloc(1, sizeof(*l));
        struct addr any;
        char text[ADDR_STR];
        size_t bad;

        *state = l;
        sip_grammar_init();
        log_init("test", LOG_ERROR);
        fake_conf(&l->conf, l->home);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&l->s.home.loop), 0);
        assert_int_equal(trace_new("test", NULL, &l->s.home.trace), 0);
        assert_int_equal(resolver_new(l->s.home.loop, NULL, 0, NULL, 0, &l->s.home.resolver, &bad), 0);
        assert_int_equal(sip_stack_new(l->s.home.loop, l->s.home.resolver, &sc, &h, &l->s, &l->s.home.sip),
                         0);
        assert_int_equal(sip_stack_listen(l->s.home.sip, TRANSPORT_UDP, &any, &l->self), 0);
        assert_int_equal(udp_open(l->s.home.loop, &any, on_datagram, l, &l->udp), 0);
        l->peer = *udp_local(l->udp);
        snprintf(l->name, sizeof(l->name), "sip:%s", addr_str(&l->self, text));
        snprintf(l->icscf, sizeof(l->icscf), "sip:%s", addr_str(&l->peer, text));
        l->conf.name = l->name;
        l->conf.icscf = l->icscf;
        l->s.conf = &l->conf;
        list_init(&l->s.asking);
        for (size_t i = 0; i < SCSCF_CONTACTS_MAX; i++) {
                l->s.legs[0][i] = (struct scscf_leg){&l->s, i, false};
                l->s.legs[1][i] = (struct scscf_leg){&l->s, i, true};
        }
        registrar_init(&l->s.reg, &l->conf, &scscf_port, &l->s);
        l->s.reg.port.mar = lab_mar;
        l->s.reg.port.sar = lab_sar;
        l->s.reg.port.verdict = lab_verdict;
        return 0;
}

static inline int teardown(void **state)
{
        struct lab *l = *state;

        tmr_stop(l->s.home.loop, &l->giving_up);
        registrar_clear(&l->s.reg);
        udp_close(l->udp);
        sip_stack_free(l->s.home.sip);
        resolver_free(l->s.home.resolver);
        trace_free(l->s.home.trace);
        loop_free(l->s.home.loop);
        sip_msg_unref(l->got);
        trust_free(&l->s.home.trust);
        free(l);
        return 0;
}

/* Runs until the neighbour got a message or the HSS was asked. */
static inline void wait_for_it(struct lab *l)
{
        assert_int_equal(tmr_start(l->s.home.loop, &l->giving_up, 10000, on_give_up, l), 0);
        loop_run(l->s.home.loop);
        tmr_stop(l->s.home.loop, &l->giving_up);
        assert_false(l->gave_up);
}

static inline void post_text(struct lab *l, const char *text)
{
        assert_int_equal(udp_send(l->udp, &l->self, span_of(text)), 0);
}

static inline void send_text(struct lab *l, const char *text)
{
        post_text(l, text);
        wait_for_it(l);
}

/* "METHOD uri", lines with CRLF; nothing is waited for. */
static inline void post_request(struct lab *l, const char *method, const char *uri, const char *lines)
{
        char text[2048], via[ADDR_STR];

        l->branch++;
        put(l->called, sizeof(l->called), span_of(uri));
        snprintf(text, sizeof(text),
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKr%u\r\nMax-Forwards: 70\r\nFrom: <" ALICE
                 ">;tag=f\r\nTo: <sip:x@y>%s\r\nCall-ID: c%u\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
                 method, uri, addr_str(&l->peer, via), l->branch, strstr(lines, "Tagged") ? ";tag=t" : "",
                 l->branch, method, lines);
        post_text(l, text);
}

static inline void send_request(struct lab *l, const char *method, const char *uri, const char *lines)
{
        post_request(l, method, uri, lines);
        wait_for_it(l);
}

/* The neighbour answers what it got. */
static inline void answer(struct lab *l, int status)
{
        struct buf b = BUF_INIT;
        struct sip_value_iter it = {0};
        struct span v;

        buf_printf(&b, "SIP/2.0 %d X\r\n", status);
        while (sip_msg_next_value(l->got, SIP_HDR_VIA, &it, &v))
                buf_printf(&b, "Via: " SPAN_FMT "\r\n", SPAN_ARG(v));
        buf_printf(&b,
                   "From: " SPAN_FMT "\r\nTo: <sip:x@y>;tag=t\r\nCall-ID: " SPAN_FMT "\r\nCSeq: 1 " SPAN_FMT
                   "\r\nContent-Length: 0\r\n\r\n",
                   SPAN_ARG(sip_msg_value(l->got, SIP_HDR_FROM)), SPAN_ARG(l->got->call_id),
                   SPAN_ARG(l->got->method_name));
        buf_char(&b, '\0');
        send_text(l, b.p);
        buf_free(&b);
}

/* The INVITE sent last, which nobody has answered, is canceled. route: its Route line. */
static inline void cancel_call(struct lab *l, const char *route)
{
        unsigned from = l->n_got;
        char text[1400], via[ADDR_STR];

        snprintf(text, sizeof(text),
                 "CANCEL %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKr%u\r\nMax-Forwards: 70\r\nFrom: "
                 "<" ALICE
                 ">;tag=f\r\nTo: <sip:x@y>\r\nCall-ID: c%u\r\nCSeq: 1 CANCEL\r\n%sContent-Length: 0\r\n\r\n",
                 l->called, addr_str(&l->peer, via), l->branch, l->branch, route);
        post_text(l, text);
        while (l->n_got < from + 2)
                wait_for_it(l);
        assert_int_equal(l->statuses[from] + l->statuses[from + 1], 200 + 487);
}

static inline void expect_status(const struct lab *l, int status)
{
        assert_false(l->got->is_request);
        assert_int_equal(l->got->status, status);
}

static inline void expect_request(const struct lab *l, const char *uri)
{
        char text[256];

        assert_true(l->got->is_request);
        put(text, sizeof(text), l->got->ruri);
        assert_string_equal(text, uri);
        assert_true(span_eq(sip_msg_value(l->got, SIP_HDR_MAX_FORWARDS), SPAN("69")));
}

static inline bool has_value(const struct lab *l, enum sip_hdr_id id, const char *part)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(l->got, id, &it, &v))
                if (span_find(v, span_of(part)) >= 0)
                        return true;
        return false;
}

/* Registers the set of PROFILE_ALICE with a contact behind the neighbour. */
static inline struct reg_set *attach(struct lab *l, const char *contact, const char *call_id)
{
        struct reg_set *set = NULL;
        const struct impu *i = impu_find(&l->s.reg.store, SPAN(ALICE));
        struct contact_op op = {
                .value = span_of(contact), .uri = sip_addr_spec(span_of(contact)), .expires_s = 600};
        struct contact_origin origin = {.call_id = span_of(call_id), .cseq = 1};
        struct user *u = user_find(&l->s.reg.store, SPAN(IMPI));
        struct buf err = BUF_INIT;
        struct profile *p = NULL;
        struct contact *c = NULL;
        char path[128], text[ADDR_STR];

        snprintf(path, sizeof(path), "<sip:term@%s;lr>", addr_str(&l->peer, text));
        origin.path = span_of(path);
        op.q = strstr(contact, "q=0.5") ? 500 : 1000;
        if (strstr(contact, "+sip.instance=")) { /* in quotes, reg-id behind it */
                const char *quoted = strchr(contact, '"'), *id = strstr(contact, "reg-id=");

                op.instance = span_make(quoted, (size_t)(strchr(quoted + 1, '"') + 1 - quoted));
                op.has_reg_id = id != NULL;
                op.reg_id = id ? (uint32_t)atoi(id + 7) : 0;
        }
        if (!u)
                assert_int_equal(user_new(&l->s.reg.store, SPAN(IMPI), &u), 0);
        if (!i) {
                assert_int_equal(profile_parse(SPAN(PROFILE_ALICE), &p, &err), 0);
                assert_int_equal(reg_set_new(&l->s.reg.store, p, SPAN(ALICE), SPAN_NULL, NULL, &set), 0);
                set->registrar = &l->s.reg;
                profile_free(p);
        } else {
                set = i->set;
        }
        assert_int_equal(contact_new(&op, &origin, loop_now_ms(l->s.home.loop), 5000, &c), 0);
        contact_link(&l->s.reg.store, c, set, u);
        return set;
}

static inline char *orig_route(struct lab *l, const struct reg_set *set, char out[256])
{
        struct buf b = BUF_INIT;

        reg_answer_service_route(&l->s.reg, set, registrar_contact(set, 0)->user, &b);
        snprintf(out, 256, "Route: " SPAN_FMT "\r\n", SPAN_ARG(buf_as_span(&b)));
        buf_free(&b);
        return out;
}

static inline char *lines(char out[512], const char *a, const char *b)
{
        snprintf(out, 512, "%s%s", a, b);
        return out;
}

#define BOB      "sip:bob@" DOMAIN
#define UE1      "<sip:alice@192.0.2.10:31061>"
#define UE2      "<sip:alice@192.0.2.11:31061>;q=0.5"
#define PAI(uri) "P-Asserted-Identity: <" uri ">\r\n"
