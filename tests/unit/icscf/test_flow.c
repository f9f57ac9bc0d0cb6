/* SPDX-License-Identifier: BSD-3-Clause
 * The I-CSCF between a P-CSCF, two S-CSCFs and an HSS, all in one loop over real sockets. */
#include "tests/unit/sip/stack_world.h"

#include "icscf/icscf.h"
#include "tests/unit/proves.h"

#define HOME "ims.example"

struct lab {
        struct world w;
        struct node pcscf, a, b; /* a, b: the S-CSCFs */
        struct icscf ic;
        struct icscf_conf *conf;
        struct addr addr; /* of the I-CSCF */
        struct dia_node *hss;
        struct cx_server cx;
        char uri_a[64], uri_b[64];
        /* what the HSS answers to the first and to later UARs, and what it was asked */
        struct cx_uaa uaa, uaa_again;
        struct cx_lia lia;
        bool hss_silent;
        const char *total;        /* scscf.total in ms */
        struct dia_request *late; /* what a silent HSS did not answer */
        unsigned uars, lirs;
        uint32_t uar_type, uar_type_last;
        bool uar_has_flags, lir_originating;
        char asked[512]; /* "IMPI IMPU VISITED" or the IMPU of a LIR */
        struct call call;
        struct trace *trace;
        char trace_file[64];
};

static void on_uar(struct dia_request *rq, const struct cx_uar *m, void *arg)
{
        struct lab *l = arg;

        if (l->uars++ == 0)
                l->uar_type = m->type;
        l->uar_type_last = m->type;
        l->uar_has_flags = m->has_flags;
        (void)snprintf(l->asked, sizeof(l->asked), SPAN_FMT " " SPAN_FMT " " SPAN_FMT, SPAN_ARG(m->impi),
                       SPAN_ARG(m->impu), SPAN_ARG(m->visited_network));
        if (l->hss_silent)
                l->late = rq;
        else
                cx_answer_uaa(rq, l->uars == 1 ? &l->uaa : &l->uaa_again);
}

static void on_lir(struct dia_request *rq, const struct cx_lir *m, void *arg)
{
        struct lab *l = arg;

        l->lirs++;
        l->lir_originating = m->originating;
        (void)snprintf(l->asked, sizeof(l->asked), SPAN_FMT, SPAN_ARG(m->impu));
        if (l->hss_silent)
                l->late = rq;
        else
                cx_answer_lia(rq, &l->lia);
}

static void on_hss_request(struct dia_request *rq, void *arg)
{
        cx_serve(&((struct lab *)arg)->cx, rq);
}

static void start_hss(struct lab *l, struct addr *at)
{
        const struct dia_handlers h = {.on_request = on_hss_request};
        const struct dia_node_conf c = {
                .identity = "hss." HOME, .realm = HOME, .listen = at, .n_listen = 1, .accept_unknown = true};

        l->cx = (struct cx_server){.on_uar = on_uar, .on_lir = on_lir, .arg = l};
        assert_int_equal(dia_node_new(l->w.loop, &c, &h, l, &l->hss), 0);
        *at = *dia_node_listen_addr(l->hss, 0);
}

static void read_conf(struct lab *l, const struct addr *hss, const char *more)
{
        struct buf text = BUF_INIT, err = BUF_INIT;
        char name[ADDR_STR];
        void *conf = NULL;

        buf_printf(&text,
                   "home_domain: [" HOME "]\n"
                   "sip: {t1: 20, t2: 80, t4: 100}\n"
                   "diameter:\n  identity: icscf." HOME "\n  realm: " HOME "\n  tc: 10\n  answer: 1500\n"
                   "  peers:\n  - {identity: hss." HOME ", address: \"%s\"}\n"
                   "scscf:\n  answer: 300\n  total: %s\n  pool:\n"
                   "  - {uri: \"%s\", capabilities: \"1\", priority: 1}\n"
                   "  - {uri: \"%s\", capabilities: \"1,2\", priority: 2}\n%s",
                   addr_str(hss, name), l->total, l->uri_a, l->uri_b, more);
        if (conf_parse(&icscf_conf_schema, "test", buf_as_span(&text), &conf, &err) != 0)
                fail_msg("%.*s", (int)err.n, err.p);
        l->conf = conf;
        buf_free(&text);
        buf_free(&err);
}

static void start_icscf(struct lab *l)
{
        const struct dia_handlers dh = {0};
        const struct sip_stack_handlers sh = {.on_request = icscf_on_request, .on_cancel = icscf_on_cancel};
        const struct sip_stack_conf sc = {.sent_by = "icscf." HOME, .t1_ms = 20, .t2_ms = 80, .t4_ms = 100};
        struct icscf *ic = &l->ic;
        const struct icscf_conf_scscf *pool = l->conf->pool.items;
        struct addr any;

        *ic = (struct icscf){
                .conf = l->conf, .loop = l->w.loop, .resolver = l->w.resolver, .trace = l->trace};
        list_init(&ic->jobs);
        assert_int_equal(trust_init(&ic->trust, l->conf->trusted.items, l->conf->trusted.n), 0);
        for (size_t i = 0; i < l->conf->pool.n; i++)
                assert_int_equal(
                        pool_add(&ic->pool, pool[i].uri, span_of(pool[i].capabilities), pool[i].priority), 0);
        assert_int_equal(dia_conf_start(ic->loop, &l->conf->dia, &dh, ic, &ic->dia), 0);
        assert_int_equal(sip_stack_new(ic->loop, ic->resolver, &sc, &sh, ic, &ic->sip), 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(sip_stack_listen(ic->sip, TRANSPORT_UDP, &any, &l->addr), 0);
}

static void lab_start_timed(struct lab *l, const char *more, const char *total)
{
        struct addr hss;
        char name[ADDR_STR];
        int fd;

        memset(l, 0, sizeof(*l));
        l->total = total;
        world_start(&l->w, NULL, 0);
        node_start(&l->pcscf, &l->w, NULL);
        node_start(&l->a, &l->w, NULL);
        node_start(&l->b, &l->w, NULL);
        (void)snprintf(l->uri_a, sizeof(l->uri_a), "sip:%s", addr_str(&l->a.udp, name));
        (void)snprintf(l->uri_b, sizeof(l->uri_b), "sip:%s", addr_str(&l->b.udp, name));
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &hss), 0);
        start_hss(l, &hss);
        read_conf(l, &hss, more);
        (void)snprintf(l->trace_file, sizeof(l->trace_file), "/tmp/quintet-icscf-XXXXXX");
        fd = mkstemp(l->trace_file);
        assert_true(fd >= 0);
        (void)fclose(fdopen(fd, "r"));
        log_init("icscf", LOG_ERROR);
        assert_int_equal(trace_new("icscf", l->trace_file, &l->trace), 0);
        start_icscf(l);
        WAIT_FOR(&l->w, dia_node_has_peer(l->ic.dia));
        l->uaa.h.result = dia_3gpp(CX_FIRST_REGISTRATION);
        l->uaa_again.h.result = dia_base(DIA_SUCCESS);
}

static void lab_start_with(struct lab *l, const char *more)
{
        lab_start_timed(l, more, "2000");
}

static void lab_start(struct lab *l)
{
        lab_start_with(l, "");
}

static void lab_stop(struct lab *l)
{
        assert_true(list_empty(&l->ic.jobs)); /* no request is left behind */
        sip_stack_free(l->ic.sip);
        dia_node_free(l->ic.dia);
        dia_node_free(l->hss);
        trust_free(&l->ic.trust);
        trace_free(l->trace);
        (void)remove(l->trace_file);
        node_stop(&l->pcscf);
        node_stop(&l->a);
        node_stop(&l->b);
        world_stop(&l->w);
        conf_free(&icscf_conf_schema, l->conf);
}

/* Sends start line and fields to the I-CSCF and waits for the final answer. */
static void start_request(struct lab *l, const char *method, const char *ruri, const char *fields)
{
        const struct sip_flow flow = {.transport = TRANSPORT_UDP, .local = l->pcscf.udp, .remote = l->addr};
        const struct sip_target target = {.flow = &flow, .answer_ms = 8000};
        struct buf text = BUF_INIT;
        struct sip_msg *m = NULL;
        struct sip_edit e;

        world_serial++;
        buf_printf(&text,
                   "%s %s SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:alice@" HOME ">;tag=1\r\n"
                   "Call-ID: call-%u\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
                   method, ruri, world_serial, method, fields);
        assert_int_equal(sip_msg_parse_own(buf_as_span(&text), &m), 0);
        buf_free(&text);
        l->call = (struct call){0};
        sip_edit_init(&e, m);
        assert_int_equal(sip_send(l->pcscf.s, &e, &target, call_on_response, &l->call, &l->call.c), 0);
        sip_edit_free(&e);
        sip_msg_unref(m);
}

static int request(struct lab *l, const char *method, const char *ruri, const char *fields)
{
        start_request(l, method, ruri, fields);
        WAIT_FOR(&l->w, l->call.done);
        return l->call.status;
}

#define FIELDS                                                                                               \
        "To: <sip:alice@" HOME ">\r\nContact: <sip:alice@192.0.2.1>\r\nExpires: 600\r\n"                     \
        "Path: <sip:term@pcscf." HOME ";lr>\r\nP-Visited-Network-ID: \"visited.example\"\r\n"
#define AUTH "Authorization: Digest username=\"001@" HOME "\", nonce=\"\", integrity-protected=\"no\"\r\n"

static int do_register(struct lab *l)
{
        return request(l, "REGISTER", "sip:" HOME, FIELDS AUTH);
}

/* The one verdict of this lab so far: "cause", or "" when there is none. */
static const char *verdict(struct lab *l)
{
        static char cause[64];
        static char text[65536];
        FILE *file = fopen(l->trace_file, "r");
        const char *at;
        size_t n;

        assert_non_null(file);
        n = fread(text, 1, sizeof(text) - 1, file);
        text[n] = '\0';
        (void)fclose(file);
        at = strstr(text, "\"cause\":\"");
        if (!at)
                return "";
        (void)snprintf(cause, sizeof(cause), "%.*s", (int)strcspn(at + 9, "\""), at + 9);
        return cause;
}

static void capabilities_choose_the_scscf(void **state)
{
        struct lab l;
        char start[128];

        (void)state;
        lab_start(&l);
        l.uaa.capabilities = (struct cx_capabilities){.present = true, .mandatory = {.v = {2}, .n = 1}};
        assert_int_equal(do_register(&l), 200);
        assert_int_equal(l.uars, 1);
        assert_int_equal(l.uar_type, CX_REGISTRATION_UAT);
        assert_false(l.uar_has_flags);
        assert_string_equal(l.asked, "001@" HOME " sip:alice@" HOME " visited.example");
        assert_int_equal(l.a.requests, 0);
        assert_int_equal(l.b.requests, 1);
        (void)snprintf(start, sizeof(start), "REGISTER %s SIP/2.0\r\n", l.uri_b);
        assert_int_equal(strncmp(l.b.last, start, strlen(start)), 0);
        assert_non_null(strstr(l.b.last, "\r\n" AUTH)); /* byte for byte */
        assert_non_null(strstr(l.b.last, "\r\nPath: <sip:term@pcscf." HOME ";lr>\r\n"));
        assert_null(strstr(l.b.last, "Record-Route"));
        assert_string_equal(verdict(&l), ""); /* the S-CSCF has the word */
        lab_stop(&l);
        proves("AKA-001");
}

static void named_scscf_gets_the_request(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.uaa.h.result = dia_3gpp(CX_SUBSEQUENT_REGISTRATION);
        l.uaa.server_name = span_of(l.uri_b); /* not the one the pool prefers */
        l.b.answer = 401;
        assert_int_equal(do_register(&l), 401);
        assert_int_equal(l.b.requests, 1);
        assert_int_equal(l.a.requests, 0);
        l.b.answer = 200;
        assert_int_equal(do_register(&l), 200); /* asks again: nothing is kept */
        assert_int_equal(l.uars, 2);
        lab_stop(&l);
}

static void identity_without_credentials(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME, FIELDS), 200);
        assert_string_equal(l.asked, "alice@" HOME " sip:alice@" HOME " visited.example");
        lab_stop(&l);
        proves("DIG-013");
}

static void kinds_of_registration(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.uaa_again = l.uaa;
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME,
                                 "To: <sip:alice@" HOME ">\r\nContact: *\r\nExpires: 0\r\n" AUTH),
                         200);
        assert_int_equal(l.uar_type_last, CX_DE_REGISTRATION_UAT);
        assert_string_equal(l.asked, "001@" HOME " sip:alice@" HOME " " HOME); /* no visited network given */
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME,
                                 "To: <sip:alice@" HOME ">\r\nContact: <sip:a@192.0.2.1;sos>\r\n" AUTH),
                         200);
        assert_int_equal(l.uar_type_last, CX_REGISTRATION_UAT);
        assert_true(l.uar_has_flags);
        lab_stop(&l);
}

static void refusals_of_the_hss(void **state)
{
        static const struct {
                struct dia_result result;
                int status;
                const char *cause;
        } rows[] = {
                {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 403, "user_unknown"},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITIES_DONT_MATCH}, 403, "identities_dont_match"},
                {{DIA_VENDOR_3GPP, CX_ERROR_ROAMING_NOT_ALLOWED}, 403, "roaming_not_allowed"},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_NOT_REGISTERED}, 403, "identity_not_registered"},
                {{0, DIA_AUTHORIZATION_REJECTED}, 403, "authorization_rejected"},
                {{0, DIA_UNABLE_TO_COMPLY}, 504, "hss_error"},
                {{0, DIA_UNABLE_TO_DELIVER}, 504, "hss_unreachable"},
                {{0, 5004}, 504, "hss_error"}, /* INVALID_AVP_VALUE: not roaming of the other space */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct lab l;

                lab_start(&l);
                l.uaa.h.result = rows[i].result;
                assert_int_equal(do_register(&l), rows[i].status);
                assert_string_equal(verdict(&l), rows[i].cause);
                assert_int_equal(l.a.requests + l.b.requests, 0);
                lab_stop(&l);
        }
}

static void nobody_has_the_capabilities(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.uaa.capabilities = (struct cx_capabilities){.present = true, .mandatory = {.v = {1, 9}, .n = 2}};
        assert_int_equal(do_register(&l), 600);
        assert_string_equal(verdict(&l), "no_scscf_matches");
        lab_stop(&l);
}

/* The chosen S-CSCF is silent, or says that it cannot serve: the HSS is asked for capabilities and the
 * other one gets the request. */
static void another_scscf_is_chosen(void **state)
{
        static const int answers[] = {-3, 480, 302, 503};

        (void)state;
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
                struct lab l;

                lab_start(&l);
                l.uaa.server_name = span_of(l.uri_a);
                l.uaa_again.server_name = span_of(l.uri_a); /* the HSS still names it */
                l.uaa_again.capabilities =
                        (struct cx_capabilities){.present = true, .mandatory = {.v = {1}, .n = 1}};
                l.a.answer = answers[i] > 0 ? answers[i] : 0;
                assert_int_equal(do_register(&l), 200);
                assert_int_equal(l.a.requests, 1);
                assert_int_equal(l.b.requests, 1);
                assert_int_equal(l.uars, 2);
                assert_int_equal(l.uar_type_last, CX_REGISTRATION_AND_CAPABILITIES);
                lab_stop(&l);
        }
}

static void no_scscf_is_left(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.a.answer = l.b.answer = 0; /* silent */
        assert_int_equal(do_register(&l), 504);
        assert_int_equal(l.a.requests, 1);
        assert_int_equal(l.b.requests, 1);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        lab_stop(&l);
}

/* Nobody listens at the address: the ICMP or the refused connection is as good as no answer. */
static void scscf_is_down(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        node_stop(&l.a);
        assert_int_equal(do_register(&l), 200);
        assert_int_equal(l.b.requests, 1);
        lab_stop(&l);
}

static void silent_hss(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.hss_silent = true;
        assert_int_equal(do_register(&l), 504);
        assert_string_equal(verdict(&l), "hss_timeout");
        cx_answer_uaa(l.late, &l.uaa); /* too late: nobody listens */
        l.hss_silent = false;
        assert_int_equal(do_register(&l), 200);
        lab_stop(&l);
}

static void no_hss(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        dia_node_free(l.hss);
        l.hss = NULL;
        WAIT_FOR(&l.w, !dia_node_has_peer(l.ic.dia));
        assert_int_equal(do_register(&l), 504);
        assert_string_equal(verdict(&l), "hss_unreachable");
        lab_stop(&l);
}

static void wrong_network(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:other.example", FIELDS AUTH), 403);
        assert_string_equal(verdict(&l), "wrong_network");
        assert_int_equal(l.uars, 0);
        lab_stop(&l);
}

static void malformed_register(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME, "To: <mailto:x>\r\n" AUTH), 400);
        assert_string_equal(verdict(&l), "malformed");
        assert_int_equal(l.uars, 0);
        lab_stop(&l);
}

static void untrusted_source(void **state)
{
        struct lab l;

        (void)state;
        lab_start_with(&l, "trusted: [192.0.2.0/24]\n");
        assert_int_equal(do_register(&l), 403);
        assert_string_equal(verdict(&l), "untrusted_source");
        assert_int_equal(l.uars, 0);
        lab_stop(&l);
        lab_start_with(&l, "trusted: [\"127.0.0.1\"]\n");
        assert_int_equal(do_register(&l), 200);
        lab_stop(&l);
}

static void unknown_extension(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "REGISTER", "sip:" HOME, FIELDS AUTH "Proxy-Require: foo\r\n"), 420);
        assert_non_null(strstr(l.call.text, "\r\nUnsupported: foo\r\n"));
        lab_stop(&l);
}

#define TO_BOB "To: <sip:bob@" HOME ">\r\n"

static void request_to_a_user(void **state)
{
        struct lab l;
        char route[128];

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_b)};
        assert_int_equal(request(&l, "MESSAGE", "sip:Bob@IMS.example;x=1", TO_BOB), 200);
        assert_string_equal(l.asked, "sip:Bob@" HOME);
        assert_false(l.lir_originating);
        assert_int_equal(strncmp(l.b.last, "MESSAGE sip:Bob@IMS.example;x=1 SIP/2.0\r\n", 41), 0);
        (void)snprintf(route, sizeof(route), "\r\nRoute: <%s;lr>\r\n", l.uri_b);
        assert_non_null(strstr(l.b.last, route));
        assert_int_equal(request(&l, "INVITE", "sip:+15550001@" HOME ";user=phone", TO_BOB), 200);
        assert_string_equal(l.asked, "tel:+15550001");
        assert_int_equal(request(&l, "OPTIONS", "tel:+1-555-0002", TO_BOB), 200);
        assert_string_equal(l.asked, "tel:+15550002");
        lab_stop(&l);
}

static void unregistered_user_with_services(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_3gpp(CX_UNREGISTERED_SERVICE),
                                .capabilities = {.present = true, .mandatory = {.v = {2}, .n = 1}}};
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@" HOME, TO_BOB), 200);
        assert_int_equal(l.b.requests, 1);
        lab_stop(&l);
}

static void refusals_of_the_location(void **state)
{
        static const struct {
                struct dia_result result;
                int status;
                const char *cause;
        } rows[] = {
                {{DIA_VENDOR_3GPP, CX_ERROR_USER_UNKNOWN}, 404, "user_unknown"},
                {{DIA_VENDOR_3GPP, CX_ERROR_IDENTITY_NOT_REGISTERED}, 480, "identity_not_registered"},
                {{0, DIA_UNABLE_TO_COMPLY}, 504, "hss_error"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct lab l;

                lab_start(&l);
                l.lia.h.result = rows[i].result;
                assert_int_equal(request(&l, "MESSAGE", "sip:bob@" HOME, TO_BOB), rows[i].status);
                assert_string_equal(verdict(&l), rows[i].cause);
                lab_stop(&l);
        }
}

static void requests_without_a_user(void **state)
{
        struct lab l;
        char ruri[80], name[ADDR_STR];

        (void)state;
        lab_start(&l);
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", TO_BOB), 404);
        assert_string_equal(verdict(&l), "wrong_network");
        assert_int_equal(request(&l, "MESSAGE", "urn:service:sos", TO_BOB), 416);
        (void)snprintf(ruri, sizeof(ruri), "sip:%s", addr_str(&l.addr, name));
        assert_int_equal(request(&l, "OPTIONS", ruri, TO_BOB), 200); /* are you alive? */
        assert_int_equal(l.lirs, 0);
        lab_stop(&l);
}

static void originating_request(void **state)
{
        struct lab l;
        char fields[512], name[ADDR_STR], route[128];

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        (void)snprintf(fields, sizeof(fields),
                       TO_BOB "Route: <sip:%s;lr;orig>\r\nP-Asserted-Identity: <sip:carol@" HOME ">\r\n",
                       addr_str(&l.addr, name));
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", fields), 200);
        assert_string_equal(l.asked, "sip:carol@" HOME);
        assert_true(l.lir_originating);
        (void)snprintf(route, sizeof(route), "\r\nRoute: <%s;lr;orig>\r\n", l.uri_a);
        assert_non_null(strstr(l.a.last, route));
        assert_null(strstr(strstr(l.a.last, "Route:") + 6, "Route:"));
        (void)snprintf(fields, sizeof(fields), TO_BOB "Route: <sip:%s;lr;orig>\r\n", name);
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", fields), 403);
        assert_string_equal(verdict(&l), "identity_not_allowed");
        lab_stop(&l);
}

static void route_below_ours_is_followed(void **state)
{
        struct lab l;
        char fields[512], name[ADDR_STR];

        (void)state;
        lab_start(&l);
        (void)snprintf(fields, sizeof(fields), TO_BOB "Route: <sip:%s;lr>, <%s;lr>\r\n",
                       addr_str(&l.addr, name), l.uri_b);
        assert_int_equal(request(&l, "MESSAGE", "sip:bob@other.example", fields), 200);
        assert_int_equal(l.b.requests, 1);
        assert_int_equal(l.lirs, 0);
        lab_stop(&l);
}

static void scscf_of_a_request_is_down(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        l.a.answer = -1;
        node_stop(&l.a);
        assert_int_equal(request(&l, "INVITE", "sip:bob@" HOME, TO_BOB), 504);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        lab_stop(&l);
}

/* The time for all tries is over before the second S-CSCF gets its turn. */
static void time_for_all_tries(void **state)
{
        struct lab l;

        (void)state;
        lab_start_timed(&l, "", "330");
        l.a.answer = 0; /* silent for the 300 ms it gets */
        assert_int_equal(do_register(&l), 504);
        assert_int_equal(l.b.requests, 0);
        assert_string_equal(verdict(&l), "scscf_unreachable");
        lab_stop(&l);
}

static void own_route_is_taken_away(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        assert_int_equal(
                request(&l, "REGISTER", "sip:" HOME, FIELDS AUTH "Route: <sip:icscf." HOME ";lr>\r\n"), 200);
        assert_null(strstr(l.a.last, "\r\nRoute:"));
        lab_stop(&l);
}

static void canceled_while_the_hss_is_asked(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.hss_silent = true;
        start_request(&l, "INVITE", "sip:bob@" HOME, TO_BOB);
        WAIT_FOR(&l.w, l.lirs == 1);
        sip_client_cancel(l.call.c);
        WAIT_FOR(&l.w, l.call.done);
        assert_int_equal(l.call.status, 487);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        cx_answer_lia(l.late, &l.lia); /* too late */
        world_pass(&l.w, 50);
        assert_int_equal(l.a.requests, 0);
        lab_stop(&l);
}

static void canceled_invite(void **state)
{
        struct lab l;

        (void)state;
        lab_start(&l);
        l.lia = (struct cx_lia){.h.result = dia_base(DIA_SUCCESS), .server_name = span_of(l.uri_a)};
        l.a.answer = 180;
        start_request(&l, "INVITE", "sip:bob@" HOME, TO_BOB);
        WAIT_FOR(&l.w, l.a.ringing && l.call.provisional);
        sip_client_cancel(l.call.c);
        WAIT_FOR(&l.w, l.call.done);
        assert_int_equal(l.call.status, 487);
        assert_int_equal(l.a.cancels, 1);
        lab_stop(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(capabilities_choose_the_scscf),
                cmocka_unit_test(named_scscf_gets_the_request),
                cmocka_unit_test(identity_without_credentials),
                cmocka_unit_test(kinds_of_registration),
                cmocka_unit_test(refusals_of_the_hss),
                cmocka_unit_test(nobody_has_the_capabilities),
                cmocka_unit_test(another_scscf_is_chosen),
                cmocka_unit_test(no_scscf_is_left),
                cmocka_unit_test(scscf_is_down),
                cmocka_unit_test(silent_hss),
                cmocka_unit_test(no_hss),
                cmocka_unit_test(wrong_network),
                cmocka_unit_test(malformed_register),
                cmocka_unit_test(untrusted_source),
                cmocka_unit_test(unknown_extension),
                cmocka_unit_test(request_to_a_user),
                cmocka_unit_test(unregistered_user_with_services),
                cmocka_unit_test(refusals_of_the_location),
                cmocka_unit_test(requests_without_a_user),
                cmocka_unit_test(originating_request),
                cmocka_unit_test(route_below_ours_is_followed),
                cmocka_unit_test(scscf_of_a_request_is_down),
                cmocka_unit_test(canceled_invite),
                cmocka_unit_test(time_for_all_tries),
                cmocka_unit_test(own_route_is_taken_away),
                cmocka_unit_test(canceled_while_the_hss_is_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
