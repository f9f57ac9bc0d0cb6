/* SPDX-License-Identifier: BSD-3-Clause
 * The I-CSCF between a P-CSCF, two S-CSCFs and an HSS, all in one loop over real sockets. */
#pragma once

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

static inline void on_uar(struct dia_request *rq, const struct cx_uar *m, void *arg)
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

static inline void on_lir(struct dia_request *rq, const struct cx_lir *m, void *arg)
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

static inline void on_hss_request(struct dia_request *rq, void *arg)
{
        cx_serve(&((struct lab *)arg)->cx, rq);
}

static inline void start_hss(struct lab *l, struct addr *at)
{
        const struct dia_handlers h = {.on_request = on_hss_request};
        const struct dia_node_conf c = {
                .identity = "hss." HOME, .realm = HOME, .listen = at, .n_listen = 1, .accept_unknown = true};

        l->cx = (struct cx_server){.on_uar = on_uar, .on_lir = on_lir, .arg = l};
        assert_int_equal(dia_node_new(l->w.loop, &c, &h, l, &l->hss), 0);
        *at = *dia_node_listen_addr(l->hss, 0);
}

static inline void read_conf(struct lab *l, const struct addr *hss, const char *more)
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

static inline void start_icscf(struct lab *l)
{
        const struct dia_handlers dh = {0};
        const struct sip_stack_handlers sh = {.on_request = icscf_on_request, .on_cancel = icscf_on_cancel};
        const struct sip_stack_conf sc = {.sent_by = "icscf." HOME, .t1_ms = 20, .t2_ms = 80, .t4_ms = 100};
        struct icscf *ic = &l->ic;
        const struct icscf_conf_scscf *pool = l->conf->pool.items;
        struct addr any;

        *ic = (struct icscf){.conf = l->conf,
                             .home = {.loop = l->w.loop, .resolver = l->w.resolver, .trace = l->trace}};
        list_init(&ic->jobs);
        assert_int_equal(trust_init(&ic->home.trust, l->conf->trusted.items, l->conf->trusted.n), 0);
        for (size_t i = 0; i < l->conf->pool.n; i++)
                assert_int_equal(
                        pool_add(&ic->pool, pool[i].uri, span_of(pool[i].capabilities), pool[i].priority), 0);
        assert_int_equal(dia_conf_start(ic->home.loop, &l->conf->dia, &dh, ic, &ic->home.dia), 0);
        assert_int_equal(sip_stack_new(ic->home.loop, ic->home.resolver, &sc, &sh, ic, &ic->home.sip), 0);
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(sip_stack_listen(ic->home.sip, TRANSPORT_UDP, &any, &l->addr), 0);
}

static inline void lab_start_timed(struct lab *l, const char *more, const char *total)
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
        WAIT_FOR(&l->w, dia_node_has_peer(l->ic.home.dia));
        l->uaa.h.result = dia_3gpp(CX_FIRST_REGISTRATION);
        l->uaa_again.h.result = dia_base(DIA_SUCCESS);
}

static inline void lab_start_with(struct lab *l, const char *more)
{
        lab_start_timed(l, more, "2000");
}

static inline void lab_start(struct lab *l)
{
        lab_start_with(l, "");
}

static inline void lab_stop(struct lab *l)
{
        assert_true(list_empty(&l->ic.jobs)); /* no request is left behind */
        sip_stack_free(l->ic.home.sip);
        dia_node_free(l->ic.home.dia);
        dia_node_free(l->hss);
        trust_free(&l->ic.home.trust);
        trace_free(l->trace);
        (void)remove(l->trace_file);
        node_stop(&l->pcscf);
        node_stop(&l->a);
        node_stop(&l->b);
        world_stop(&l->w);
        conf_free(&icscf_conf_schema, l->conf);
}

/* Sends start line and fields to the I-CSCF and waits for the final answer. */
static inline void start_request(struct lab *l, const char *method, const char *ruri, const char *fields)
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

static inline int request(struct lab *l, const char *method, const char *ruri, const char *fields)
{
        start_request(l, method, ruri, fields);
        WAIT_FOR(&l->w, l->call.done);
        return l->call.status;
}

#define FIELDS                                                                                               \
        "To: <sip:alice@" HOME ">\r\nContact: <sip:alice@192.0.2.1>\r\nExpires: 600\r\n"                     \
        "Path: <sip:term@pcscf." HOME ";lr>\r\nP-Visited-Network-ID: \"visited.example\"\r\n"
#define AUTH "Authorization: Digest username=\"001@" HOME "\", nonce=\"\", integrity-protected=\"no\"\r\n"

static inline int do_register(struct lab *l)
{
        return request(l, "REGISTER", "sip:" HOME, FIELDS AUTH);
}

/* The one verdict of this lab so far: "cause", or "" when there is none. */
/* A member of the first verdict, or "". */
static inline const char *verdict_member(struct lab *l, const char *name)
{
        static char value[512];
        static char text[65536];
        FILE *file = fopen(l->trace_file, "r");
        char key[32];
        const char *at;
        size_t n;

        assert_non_null(file);
        n = fread(text, 1, sizeof(text) - 1, file);
        text[n] = '\0';
        (void)fclose(file);
        (void)snprintf(key, sizeof(key), "\"%s\":\"", name);
        at = strstr(text, "\"ev\":\"verdict\"");
        at = at ? strstr(at, key) : NULL;
        if (!at)
                return "";
        at += strlen(key);
        (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\""), at);
        return value;
}

static inline const char *verdict(struct lab *l)
{
        return verdict_member(l, "cause");
}
