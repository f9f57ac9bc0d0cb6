/* SPDX-License-Identifier: BSD-3-Clause
 * Requests other than REGISTER, over a real stack: one UDP socket of the test is every neighbour. AKA-003,
 * AKA-014, AKA-038, PC-018; TS 24.229 5.4.3. */
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
        struct tmr giving_up;
        bool gave_up;
        struct fake_cx cx;
        struct fake_verdict verdict;
        unsigned branch;
};

static void on_give_up(struct tmr *t, void *arg)
{
        struct lab *l = arg;

        (void)t;
        l->gave_up = true;
        loop_stop(l->s.loop);
}

static void on_datagram(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct lab *l = arg;
        size_t used;

        (void)u, (void)from;
        sip_msg_unref(l->got);
        l->got = NULL;
        assert_int_equal(sip_msg_parse(data, SIP_DATAGRAM, &l->got, &used), 0);
        if (!l->got->is_request && l->got->status == 100)
                return; /* not what anybody waits for */
        loop_stop(l->s.loop);
}

static int lab_sar(void *arg, const struct cx_sar *m, cx_saa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        struct lab *l = container_of((struct scscf *)arg, struct lab, s);

        l->cx = (struct fake_cx){.is_sar = true, .saa = fn, .arg = fn_arg, .sat = m->type};
        put(l->cx.impu, sizeof(l->cx.impu), m->impus.v[0]);
        *out = NULL;
        loop_stop(l->s.loop);
        return 0;
}

static void lab_verdict(void *arg, const struct verdict *v)
{
        (void)arg;
        (void)v;
}

static int setup(void **state)
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
        assert_int_equal(loop_new(&l->s.loop), 0);
        assert_int_equal(trace_new("test", NULL, &l->s.trace), 0);
        assert_int_equal(resolver_new(l->s.loop, NULL, 0, NULL, 0, &l->s.resolver, &bad), 0);
        assert_int_equal(sip_stack_new(l->s.loop, l->s.resolver, &sc, &h, &l->s, &l->s.stack), 0);
        assert_int_equal(sip_stack_listen(l->s.stack, TRANSPORT_UDP, &any, &l->self), 0);
        assert_int_equal(udp_open(l->s.loop, &any, on_datagram, l, &l->udp), 0);
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
        l->s.reg.port.sar = lab_sar;
        l->s.reg.port.verdict = lab_verdict;
        return 0;
}

static int teardown(void **state)
{
        struct lab *l = *state;

        tmr_stop(l->s.loop, &l->giving_up);
        registrar_clear(&l->s.reg);
        udp_close(l->udp);
        sip_stack_free(l->s.stack);
        resolver_free(l->s.resolver);
        trace_free(l->s.trace);
        loop_free(l->s.loop);
        sip_msg_unref(l->got);
        trust_free(&l->s.trust);
        free(l);
        return 0;
}

/* Runs until the neighbour got a message or the HSS was asked. */
static void wait_for_it(struct lab *l)
{
        assert_int_equal(tmr_start(l->s.loop, &l->giving_up, 10000, on_give_up, l), 0);
        loop_run(l->s.loop);
        tmr_stop(l->s.loop, &l->giving_up);
        assert_false(l->gave_up);
}

static void send_text(struct lab *l, const char *text)
{
        assert_int_equal(udp_send(l->udp, &l->self, span_of(text)), 0);
        wait_for_it(l);
}

/* "METHOD uri", lines with CRLF. */
static void send_request(struct lab *l, const char *method, const char *uri, const char *lines)
{
        char text[2048], via[ADDR_STR];

        l->branch++;
        snprintf(text, sizeof(text),
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKr%u\r\nMax-Forwards: 70\r\nFrom: <" ALICE
                 ">;tag=f\r\nTo: <sip:x@y>%s\r\nCall-ID: c%u\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
                 method, uri, addr_str(&l->peer, via), l->branch, strstr(lines, "Tagged") ? ";tag=t" : "",
                 l->branch, method, lines);
        send_text(l, text);
}

/* The neighbour answers what it got. */
static void answer(struct lab *l, int status)
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

static void expect_status(const struct lab *l, int status)
{
        assert_false(l->got->is_request);
        assert_int_equal(l->got->status, status);
}

static void expect_request(const struct lab *l, const char *uri)
{
        char text[256];

        assert_true(l->got->is_request);
        put(text, sizeof(text), l->got->ruri);
        assert_string_equal(text, uri);
        assert_true(span_eq(sip_msg_value(l->got, SIP_HDR_MAX_FORWARDS), SPAN("69")));
}

static bool has_value(const struct lab *l, enum sip_hdr_id id, const char *part)
{
        struct sip_value_iter it = {0};
        struct span v;

        while (sip_msg_next_value(l->got, id, &it, &v))
                if (span_find(v, span_of(part)) >= 0)
                        return true;
        return false;
}

/* Registers the set of PROFILE_ALICE with a contact behind the neighbour. */
static struct reg_set *attach(struct lab *l, const char *contact, const char *call_id)
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
        assert_int_equal(contact_new(&op, &origin, loop_now_ms(l->s.loop), 5000, &c), 0);
        contact_link(&l->s.reg.store, c, set, u);
        return set;
}

static char *orig_route(struct lab *l, const struct reg_set *set, char out[256])
{
        struct buf b = BUF_INIT;

        reg_answer_service_route(&l->s.reg, set, &b);
        snprintf(out, 256, "Route: " SPAN_FMT "\r\n", SPAN_ARG(buf_as_span(&b)));
        buf_free(&b);
        return out;
}

static char *lines(char out[512], const char *a, const char *b)
{
        snprintf(out, 512, "%s%s", a, b);
        return out;
}

#define BOB      "sip:bob@" DOMAIN
#define UE1      "<sip:alice@192.0.2.10:31061>"
#define UE2      "<sip:alice@192.0.2.11:31061>;q=0.5"
#define PAI(uri) "P-Asserted-Identity: <" uri ">\r\n"

static void originating(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];
        struct reg_set *set = attach(l, UE1, "r1");

        orig_route(l, set, route);
        send_request(l, "INVITE", BOB, lines(text, route, PAI(ALICE)));
        expect_request(l, BOB);
        assert_null(sip_msg_hdr(l->got, SIP_HDR_ROUTE, 0));
        assert_true(has_value(l, SIP_HDR_RECORD_ROUTE, "sip:mo@"));
        assert_true(has_value(l, SIP_HDR_P_ASSERTED_IDENTITY, ALICE));
        answer(l, 486);
        expect_status(l, 486);
        /* an implicitly registered identity may as well */
        send_request(l, "MESSAGE", BOB, lines(text, route, PAI(TEL)));
        expect_request(l, BOB);
        assert_null(sip_msg_hdr(l->got, SIP_HDR_RECORD_ROUTE, 0));
        answer(l, 200);
        expect_status(l, 200);
        /* another network: by its Request-URI, which is the neighbour */
        snprintf(text, sizeof(text), "sip:carol@127.0.0.1:%u", addr_port(&l->peer));
        l->conf.icscf = NULL;
        send_request(l, "MESSAGE", text, lines((char[512]){0}, route, PAI(ALICE)));
        expect_request(l, text);
        answer(l, 200);
        expect_status(l, 200);
        proves("AKA-038");
}

static void asked(struct lab *l, struct dia_result result)
{
        struct cx_saa *a = calloc(1, sizeof(*a));

        assert_int_equal(l->cx.sat, CX_SAT_NO_ASSIGNMENT);
        a->h.result = result;
        l->cx.saa(0, a, l->cx.arg);
        free(a);
        wait_for_it(l);
}

static void home_control(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];
        struct reg_set *set = attach(l, UE1, "r1");

        orig_route(l, set, route);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:temp@" DOMAIN)));
        expect_status(l, 403); /* barred */
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:nobody@" DOMAIN)));
        assert_string_equal(l->cx.impu, "sip:nobody@" DOMAIN); /* not registered: lost in a restart? */
        asked(l, dia_base(DIA_SUCCESS));
        expect_status(l, 403);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("")));
        expect_status(l, 403);
        send_request(l, "INVITE", BOB,
                     lines(text, "Route: <", lines((char[512]){0}, l->name, ";orig;lr>\r\n")));
        expect_status(l, 403); /* nothing asserted, no token: From proves nothing */
        proves("AKA-003 AKA-014");
}

static void missing_identity_is_inserted(void **state)
{
        struct lab *l = *state;
        char route[256];

        orig_route(l, attach(l, UE1, "r1"), route);
        send_request(l, "MESSAGE", BOB, route);
        expect_request(l, BOB);
        assert_true(has_value(l, SIP_HDR_P_ASSERTED_IDENTITY, "<" ALICE ">"));
        answer(l, 200);
        expect_status(l, 200);
        proves("PC-018");
}

static void terminating(void **state)
{
        static const char *const uris[] = {ALICE, TEL, "sip:+15550100@" DOMAIN ";user=phone",
                                           "sip:alice@" DOMAIN ":5060;transport=udp"};
        struct lab *l = *state;

        attach(l, UE1, "r1");
        for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
                send_request(l, "INVITE", uris[i], "");
                expect_request(l, "sip:alice@192.0.2.10:31061");
                assert_true(has_value(l, SIP_HDR_ROUTE, "sip:term@"));
                assert_null(sip_msg_hdr(l->got, SIP_HDR_ROUTE, 1));
                assert_true(has_value(l, SIP_HDR_P_CALLED_PARTY_ID, uris[i]));
                assert_true(has_value(l, SIP_HDR_RECORD_ROUTE, "sip:mt@"));
                answer(l, 486);
                expect_status(l, 486);
        }
        /* with a Route that names us, as an I-CSCF may send it */
        send_request(l, "MESSAGE", ALICE,
                     lines((char[512]){0}, "Route: <", lines((char[512]){0}, l->name, ";lr>\r\n")));
        expect_request(l, "sip:alice@192.0.2.10:31061");
        assert_true(has_value(l, SIP_HDR_ROUTE, "sip:term@"));
        assert_false(has_value(l, SIP_HDR_ROUTE, l->name));
        answer(l, 200);
        expect_status(l, 200);
        proves("AKA-038");
}

static void terminating_refused(void **state)
{
        struct lab *l = *state;

        attach(l, UE1, "r1");
        send_request(l, "MESSAGE", "sip:temp@" DOMAIN, "");
        expect_status(l, 404); /* barred */
        send_request(l, "MESSAGE", "sip:x@example.org", "");
        expect_status(l, 404); /* another network */
        send_request(l, "MESSAGE", BOB, "");
        assert_string_equal(l->cx.impu, BOB);
        asked(l, dia_3gpp(CX_ERROR_USER_UNKNOWN));
        expect_status(l, 404);
        send_request(l, "MESSAGE", BOB, "");
        asked(l, dia_base(DIA_UNABLE_TO_COMPLY));
        expect_status(l, 480);
}

static void next_binding(void **state)
{
        struct lab *l = *state;

        attach(l, UE2, "r2");
        attach(l, UE1, "r1");
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        answer(l, 480);
        expect_request(l, "sip:alice@192.0.2.11:31061");
        answer(l, 200);
        expect_status(l, 200);
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        answer(l, 486); /* busy is busy */
        expect_status(l, 486);
        send_request(l, "MESSAGE", ALICE, "");
        answer(l, 480);
        answer(l, 480);
        expect_status(l, 480);
}

static void both_sides_here(void **state)
{
        struct lab *l = *state;
        char route[256], text[512];

        orig_route(l, attach(l, UE1, "r1"), route);
        l->conf.icscf = NULL;
        send_request(l, "INVITE", TEL, lines(text, route, PAI(ALICE)));
        expect_request(l, "sip:alice@192.0.2.10:31061");
        assert_true(has_value(l, SIP_HDR_ROUTE, "sip:term@"));
        answer(l, 486);
        expect_status(l, 486);
        send_request(l, "INVITE", TEL, lines(text, route, PAI("sip:temp@" DOMAIN)));
        expect_status(l, 403);
        send_request(l, "INVITE", BOB, lines(text, route, PAI("sip:temp@" DOMAIN)));
        expect_status(l, 403);
}

/* What Record-Route says for the Call-ID of the request with this branch. */
static void seal_of(unsigned branch, char out[static 17])
{
        char call_id[16];

        snprintf(call_id, sizeof(call_id), "c%u", branch);
        snprintf(out, 17, "%016llx", (unsigned long long)hash_span(span_of(call_id)));
}

/* AKA-003: a To tag is no way around home control. */
static void made_up_dialogs(void **state)
{
        static const char *const methods[] = {"MESSAGE", "BYE", "INVITE"};
        struct lab *l = *state;
        char text[512], seal[17], made[64];
        struct sip_value_iter it = {0};
        struct span v;

        attach(l, UE1, "r1");
        for (size_t i = 0; i < 3; i++) {
                send_request(l, methods[i], "sip:alice@192.0.2.10", "X-Tagged: 1\r\n");
                expect_status(l, 481);
                snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <sip:mo@%s;lr>, <%s;lr>\r\n", l->name + 4,
                         l->icscf);
                send_request(l, methods[i], "sip:alice@192.0.2.10", text);
                expect_status(l, 481);
                seal_of(l->branch, seal); /* of another dialog */
                snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <sip:mo@%s;lr;d=%s>, <%s;lr>\r\n",
                         l->name + 4, seal, l->icscf);
                send_request(l, methods[i], "sip:alice@192.0.2.10", text);
                expect_status(l, 481);
        }
        /* what a real one gets */
        send_request(l, "INVITE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        seal_of(l->branch, seal);
        assert_true(sip_msg_next_value(l->got, SIP_HDR_RECORD_ROUTE, &it, &v));
        snprintf(made, sizeof(made), ";d=%s>", seal);
        assert_true(span_find(v, span_of(made)) > 0);
        answer(l, 486);
        proves("AKA-003");
}

static void in_dialog(void **state)
{
        struct lab *l = *state;
        char text[512], seal[17];

        seal_of(l->branch + 1, seal);
        snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <%s;lr>, <sip:mt@%s;lr;d=%s>, <%s;lr>\r\n",
                 l->name, l->name + 4, seal, l->icscf);
        send_request(l, "BYE", "sip:alice@192.0.2.10", text);
        expect_request(l, "sip:alice@192.0.2.10");
        assert_true(has_value(l, SIP_HDR_ROUTE, l->icscf));
        assert_false(has_value(l, SIP_HDR_ROUTE, l->name + 4));
        assert_null(sip_msg_hdr(l->got, SIP_HDR_RECORD_ROUTE, 0));
        answer(l, 200);
        expect_status(l, 200);
        seal_of(l->branch + 1, seal);
        snprintf(text, sizeof(text), "X-Tagged: 1\r\nRoute: <sip:mt@%s;lr;d=%s>, <%s;lr>\r\n", l->name + 4,
                 seal, l->icscf);
        send_request(l, "ACK", "sip:alice@192.0.2.10", text);
        expect_request(l, "sip:alice@192.0.2.10");
        send_request(l, "BYE", l->name, "X-Tagged: 1\r\n");
        expect_status(l, 481);
}

static void own_requests(void **state)
{
        struct lab *l = *state;
        char route[256];

        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 200);
        orig_route(l, attach(l, UE1, "r1"), route);
        send_request(l, "SUBSCRIBE", ALICE, lines((char[512]){0}, route, PAI(ALICE) "Event: reg\r\n"));
        expect_status(l, 489);
        send_request(l, "REGISTER", "sip:example.org", "");
        expect_status(l, 403);
        l->s.stopping = true;
        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 503);
}

static void trust(void **state)
{
        struct lab *l = *state;

        char other[] = "192.0.2.1", us[] = "127.0.0.1";
        char *const list[] = {other, us};

        assert_int_equal(trust_init(&l->s.trust, list, 1), 0);
        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 403);
        trust_free(&l->s.trust);
        assert_int_equal(trust_init(&l->s.trust, list, 2), 0);
        send_request(l, "OPTIONS", l->name, "");
        expect_status(l, 200);
}

static void nobody_answers(void **state)
{
        struct lab *l = *state;

        attach(l, UE1, "r1");
        send_request(l, "MESSAGE", ALICE, "");
        expect_request(l, "sip:alice@192.0.2.10:31061");
        while (l->got->is_request)
                wait_for_it(l); /* retransmissions, then Timer F */
        expect_status(l, 504);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                T(originating),
                T(home_control),
                T(missing_identity_is_inserted),
                T(terminating),
                T(terminating_refused),
                T(next_binding),
                T(both_sides_here),
                T(in_dialog),
                T(made_up_dialogs),
                T(own_requests),
                T(trust),
                T(nobody_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
