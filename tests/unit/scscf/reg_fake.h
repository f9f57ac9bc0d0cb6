/* SPDX-License-Identifier: BSD-3-Clause
 * A registrar without a world: clock, timers, Cx and answers are records a test looks at and drives. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/auth/digest.h"
#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/sip/grammar.h"
#include "scscf/registrar_int.h"
#include "tests/unit/proves.h"

#define DOMAIN "ims.mnc001.mcc001.3gppnetwork.org"
#define IMPI   "001010000000001@" DOMAIN
#define ALICE  "sip:alice@" DOMAIN
#define TEL    "tel:+15550100"
#define NAME   "sip:scscf." DOMAIN ":6060"

#define FAKE_MAX 64

struct fake_verdict {
        enum verdict_procedure procedure;
        enum verdict_outcome outcome;
        enum verdict_cause cause;
        int status;
        char clause[64], evidence[512], impi[128], impu[128], command[1024];
};

struct fake_reply {
        struct sip_request *rq;
        int status;
        size_t n;
        enum sip_hdr_id id[32];
        char value[32][512];
};

struct fake_cx { /* an outstanding request */
        bool is_sar;
        cx_maa_fn *maa;
        cx_saa_fn *saa;
        void *arg;
        char impi[128], impu[128], server[128], host[128], scheme[64], rand_auts[64];
        size_t rand_auts_n, n_impus;
        uint32_t n_items, sat, available, n_info, cseq, timeout;
        bool features, host_preferred;
};

struct world {
        struct registrar reg;
        struct scscf_conf conf;
        uint64_t now;
        struct {
                struct tmr *t;
                uint64_t at;
                tmr_fn *fn;
                void *arg;
        } timers[FAKE_MAX];
        struct fake_verdict verdicts[FAKE_MAX];
        size_t n_verdicts;
        struct fake_reply replies[FAKE_MAX];
        size_t n_replies;
        struct fake_cx cx[FAKE_MAX]; /* answered ones have arg NULL */
        size_t n_cx;
        int cx_error;    /* what mar and sar return */
        const char *hss; /* who answers; NULL: hss.DOMAIN */
        char *home[1];
        struct sip_request *made[256];
        size_t n_made;
        unsigned branch;
};

static uint64_t fake_now(void *arg);

static uint64_t fake_wall(void *arg)
{
        return 1700000000 + fake_now(arg) / 1000;
}

static uint64_t fake_now(void *arg)
{
        return ((struct world *)arg)->now;
}

static void fake_timer_stop(void *arg, struct tmr *t)
{
        struct world *w = arg;

        for (size_t i = 0; i < FAKE_MAX; i++)
                if (w->timers[i].t == t)
                        w->timers[i].t = NULL;
        t->pos = 0;
}

static int fake_timer_start(void *arg, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *fn_arg)
{
        struct world *w = arg;

        fake_timer_stop(arg, t);
        for (size_t i = 0; i < FAKE_MAX; i++) {
                if (w->timers[i].t)
                        continue;
                w->timers[i].t = t;
                w->timers[i].at = w->now + delay_ms;
                w->timers[i].fn = fn;
                w->timers[i].arg = fn_arg;
                t->pos = i + 1;
                return 0;
        }
        return -IMS_ENOMEM;
}

static void put(char *to, size_t size, struct span s)
{
        snprintf(to, size, SPAN_FMT, SPAN_ARG(s));
}

static int fake_mar(void *arg, const struct cx_mar *m, cx_maa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        struct world *w = arg;
        struct fake_cx *c = &w->cx[w->n_cx];

        if (w->cx_error)
                return w->cx_error;
        assert_true(w->n_cx < FAKE_MAX);
        *c = (struct fake_cx){.maa = fn, .arg = fn_arg, .n_items = m->n_items};
        put(c->impi, sizeof(c->impi), m->impi);
        put(c->impu, sizeof(c->impu), m->impu);
        put(c->server, sizeof(c->server), m->server_name);
        put(c->host, sizeof(c->host), m->h.destination_host);
        c->host_preferred = m->h.host_preferred;
        put(c->scheme, sizeof(c->scheme), m->item.scheme);
        c->rand_auts_n = m->item.authorization.n;
        if (c->rand_auts_n)
                memcpy(c->rand_auts, m->item.authorization.p, c->rand_auts_n);
        *out = (struct dia_txn *)c;
        w->n_cx++;
        return 0;
}

static int fake_sar(void *arg, const struct cx_sar *m, cx_saa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        struct world *w = arg;
        struct fake_cx *c = &w->cx[w->n_cx];

        if (w->cx_error)
                return w->cx_error;
        assert_true(w->n_cx < FAKE_MAX);
        *c = (struct fake_cx){.is_sar = true,
                              .saa = fn,
                              .arg = fn_arg,
                              .sat = m->type,
                              .available = m->data_already_available,
                              .n_impus = m->impus.n,
                              .features = m->h.features.present,
                              .n_info = (uint32_t)m->restoration.n_info,
                              .timeout = m->restoration.timeout};
        put(c->impi, sizeof(c->impi), m->impi);
        put(c->impu, sizeof(c->impu), m->impus.v[0]);
        put(c->server, sizeof(c->server), m->server_name);
        put(c->host, sizeof(c->host), m->h.destination_host);
        c->host_preferred = m->h.host_preferred;
        *out = (struct dia_txn *)c;
        w->n_cx++;
        return 0;
}

static void fake_cancel(void *arg, struct dia_txn *t)
{
        (void)arg;
        ((struct fake_cx *)t)->arg = NULL;
}

static void fake_reply(void *arg, struct sip_request *rq, int status, const char *reason,
                       const struct sip_field *add, size_t n_add)
{
        struct world *w = arg;
        struct fake_reply *r = &w->replies[w->n_replies++];

        (void)reason;
        assert_true(w->n_replies < FAKE_MAX && n_add <= 32);
        for (size_t i = 0; i + 1 < w->n_replies; i++)
                assert_ptr_not_equal(w->replies[i].rq, rq); /* exactly one final answer */
        r->rq = rq;
        r->status = status;
        r->n = n_add;
        for (size_t i = 0; i < n_add; i++) {
                r->id[i] = add[i].id;
                put(r->value[i], sizeof(r->value[i]), add[i].value);
        }
}

static void fake_verdict(void *arg, const struct verdict *v)
{
        struct world *w = arg;
        struct fake_verdict *f = &w->verdicts[w->n_verdicts++];

        assert_true(w->n_verdicts < FAKE_MAX);
        *f = (struct fake_verdict){
                .procedure = v->procedure, .outcome = v->outcome, .cause = v->cause, .status = v->status};
        put(f->clause, sizeof(f->clause), span_of(v->clause));
        put(f->evidence, sizeof(f->evidence), span_of(v->evidence));
        put(f->impi, sizeof(f->impi), v->impi);
        put(f->impu, sizeof(f->impu), v->impu);
        put(f->command, sizeof(f->command), span_of(v->command));
}

static const struct reg_port fake_port = {.now_ms = fake_now,
                                          .wall_s = fake_wall,
                                          .timer_start = fake_timer_start,
                                          .timer_stop = fake_timer_stop,
                                          .mar = fake_mar,
                                          .sar = fake_sar,
                                          .cancel = fake_cancel,
                                          .reply = fake_reply,
                                          .verdict = fake_verdict};

static void fake_conf(struct scscf_conf *c, char **home)
{
        static char name[] = NAME, domain[] = DOMAIN, cscf[] = "192.0.2.1", *cscfs[] = {cscf};

        home[0] = domain;
        *c = (struct scscf_conf){.name = name,
                                 .home_domains = {.items = home, .n = 1},
                                 .trusted = {.items = cscfs, .n = 1},
                                 .min_expires_s = 60,
                                 .max_expires_s = 600000,
                                 .default_expires_s = 3600,
                                 .expiry_guard_ms = 5000,
                                 .max_contacts = 3,
                                 .reauthenticate = SCSCF_NEVER,
                                 .reauthenticate_new_impu = SCSCF_ALWAYS,
                                 .unprotected_response = SCSCF_ACCEPT,
                                 .await_auth_ms = 240000,
                                 .max_failures = 2,
                                 .keep_profile = true,
                                 .restoration_info = true,
                                 .vectors = 1,
                                 .digest = {.nonce_lifetime_ms = 600000,
                                            .nonce_uses = 5,
                                            .old_ha1_lifetime_ms = 300000,
                                            .nextnonce = SCSCF_NEXTNONCE_NEAR_END,
                                            .max_failures = 3,
                                            .keep_ha1 = true}};
}

static inline void world_init(struct world *w)
{
        memset(w, 0, sizeof(*w));
        sip_grammar_init();
        log_init("test", LOG_ERROR);
        w->now = 1000000;
        fake_conf(&w->conf, w->home);
        registrar_init(&w->reg, &w->conf, &fake_port, w);
}

static inline void world_clear(struct world *w)
{
        registrar_clear(&w->reg);
        assert_int_equal(w->reg.n_jobs, 0);
        assert_int_equal(w->reg.store.n_sets, 0);
        assert_int_equal(w->reg.store.n_contacts, 0);
        for (size_t i = 0; i < w->n_made; i++) {
                bool answered = false;

                for (size_t j = 0; j < w->n_replies; j++)
                        answered = answered || w->replies[j].rq == w->made[i];
                assert_true(answered);
                sip_msg_unref(w->made[i]->msg);
                free(w->made[i]);
        }
}

/* A world of its own for each test. */
static inline int world_setup(void **state)
{
        struct world *w = calloc(1, sizeof(*w));

        *state = w;
        if (!w)
                return -1;
        world_init(w);
        return 0;
}

static inline int world_teardown(void **state)
{
        world_clear(*state);
        free(*state);
        return 0;
}

/* Runs the clock forward, firing timers in their order. */
static inline void world_sleep(struct world *w, uint64_t ms)
{
        uint64_t end = w->now + ms;

        for (;;) {
                size_t best = FAKE_MAX;

                for (size_t i = 0; i < FAKE_MAX; i++)
                        if (w->timers[i].t && w->timers[i].at <= end &&
                            (best == FAKE_MAX || w->timers[i].at < w->timers[best].at))
                                best = i;
                if (best == FAKE_MAX)
                        break;
                struct tmr *t = w->timers[best].t;

                if (w->timers[best].at > w->now)
                        w->now = w->timers[best].at;
                w->timers[best].t = NULL;
                t->pos = 0;
                w->timers[best].fn(t, w->timers[best].arg);
        }
        w->now = end;
}

static inline size_t world_timers(const struct world *w)
{
        size_t n = 0;

        for (size_t i = 0; i < FAKE_MAX; i++)
                n += w->timers[i].t != NULL;
        return n;
}

/* --- requests ------------------------------------------------------------------------------------ */

struct reg_text {
        const char *impi, *impu, *call_id, *integrity; /* integrity NULL: no such parameter */
        const char *nonce, *response, *more;           /* more: further parameters, with their comma */
        const char *contact;                           /* whole lines with CRLF; NULL: one default contact */
        const char *headers;                           /* further lines */
        unsigned cseq;
        bool no_auth;
};

static inline struct sip_request *world_request(struct world *w, const struct reg_text *t)
{
        struct sip_request *rq = calloc(1, sizeof(*rq));
        struct buf b = BUF_INIT;
        size_t used;

        assert_non_null(rq);
        buf_printf(
                &b,
                "REGISTER " NAME " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKt%u\r\n"
                "Max-Forwards: 68\r\nFrom: <%s>;tag=u1\r\nTo: <%s>\r\nCall-ID: %s\r\nCSeq: %u REGISTER\r\n",
                ++w->branch, t->impu ? t->impu : ALICE, t->impu ? t->impu : ALICE,
                t->call_id ? t->call_id : "reg-1@192.0.2.10", t->cseq ? t->cseq : 1);
        buf_puts(&b,
                 t->contact
                         ? t->contact
                         : "Contact: <sip:alice@192.0.2.10:31061>;+sip.instance=\"<urn:gsma:imei:1>\"\r\n");
        buf_puts(&b, "Path: <sip:term@pcscf." DOMAIN ":5060;lr>\r\nRequire: path\r\n"
                     "P-Charging-Vector: icid-value=\"i1\";orig-ioi=\"Type 1visited\"\r\n");
        if (!t->no_auth) {
                buf_printf(&b,
                           "Authorization: Digest username=\"%s\",realm=\"" DOMAIN "\",uri=\"sip:" DOMAIN
                           "\",nonce=\"%s\",response=\"%s\"",
                           t->impi ? t->impi : IMPI, t->nonce ? t->nonce : "",
                           t->response ? t->response : "");
                if (t->integrity)
                        buf_printf(&b, ",integrity-protected=\"%s\"", t->integrity);
                buf_printf(&b, "%s\r\n", t->more ? t->more : "");
        }
        buf_printf(&b, "%sContent-Length: 0\r\n\r\n", t->headers ? t->headers : "");
        assert_int_equal(b.err, 0);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &rq->msg, &used), 0);
        assert_null(rq->msg->fault);
        buf_free(&b);
        assert_true(w->n_made < 256);
        w->made[w->n_made++] = rq;
        return rq;
}

static inline void world_register(struct world *w, const struct reg_text *t)
{
        registrar_register(&w->reg, world_request(w, t));
}

/* --- Cx answers ---------------------------------------------------------------------------------- */

#define XRES_N 8

/* Vector number k: every octet tells it. */
static inline void fake_item(unsigned k, char *octets, struct cx_auth_item *item)
{
        memset(octets, (int)k, 16);
        memset(octets + 16, (int)k + 100, 16);
        memset(octets + 32, (int)k + 1, XRES_N);
        memset(octets + 48, (int)k + 2, 16);
        memset(octets + 64, (int)k + 3, 16);
        *item = (struct cx_auth_item){.has_item_number = true,
                                      .item_number = k,
                                      .scheme = SPAN(CX_SCHEME_AKA),
                                      .authenticate = span_make(octets, 32),
                                      .authorization = span_make(octets + 32, XRES_N),
                                      .ck = span_make(octets + 48, 16),
                                      .ik = span_make(octets + 64, 16)};
}

/* Answers the oldest open MAR with vectors first .. first + n - 1. */
static inline void answer_maa(struct world *w, int err, struct dia_result result, unsigned first, unsigned n)
{
        static char octets[CX_AUTH_ITEMS_MAX][96];
        struct cx_maa *a = calloc(1, sizeof(*a));

        a->h.result = result;
        a->h.origin_host = span_of(w->hss ? w->hss : "hss." DOMAIN);
        a->n = n;
        for (unsigned i = 0; i < n; i++)
                fake_item(first + i, octets[i], &a->items[i]);
        for (size_t i = 0; i < w->n_cx; i++) {
                struct fake_cx *c = &w->cx[i];
                void *arg = c->arg;

                if (!arg || c->is_sar)
                        continue;
                c->arg = NULL;
                c->maa(err, err ? NULL : a, arg);
                free(a);
                return;
        }
        free(a);
        fail_msg("no MAR is open");
}

static inline void give_vectors(struct world *w, unsigned first, unsigned n)
{
        answer_maa(w, 0, dia_base(DIA_SUCCESS), first, n);
}

#define PROFILE_HEAD                                                                                         \
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><IMSSubscription><PrivateID>" IMPI "</PrivateID>"
#define PROFILE_IFC                                                                                          \
        "<InitialFilterCriteria><Priority>0</Priority><ApplicationServer><ServerName>sip:as." DOMAIN         \
        "</ServerName></ApplicationServer></InitialFilterCriteria>"
#define PROFILE_ALICE                                                                                        \
        PROFILE_HEAD "<ServiceProfile><PublicIdentity><BarringIndication>1</"                                \
                     "BarringIndication><Identity>sip:temp@" DOMAIN                                          \
                     "</Identity></PublicIdentity><PublicIdentity><Identity>" ALICE                          \
                     "</Identity></PublicIdentity><PublicIdentity><Identity>" TEL                            \
                     "</Identity></PublicIdentity>" PROFILE_IFC "</ServiceProfile></IMSSubscription>"

static inline void answer_saa(struct world *w, int err, struct dia_result result, const char *xml)
{
        struct cx_saa *a = calloc(1, sizeof(*a));

        a->h.result = result;
        a->h.origin_host = span_of(w->hss ? w->hss : "hss." DOMAIN);
        a->user_data = span_of(xml);
        if (xml)
                a->charging = (struct cx_charging){.present = true,
                                                   .ccf1 = SPAN("ccf1." DOMAIN),
                                                   .ccf2 = SPAN("aaa://ccf2." DOMAIN ":3868")};
        for (size_t i = 0; i < w->n_cx; i++) {
                struct fake_cx *c = &w->cx[i];
                void *arg = c->arg;

                if (!arg || !c->is_sar)
                        continue;
                c->arg = NULL;
                c->saa(err, err ? NULL : a, arg);
                free(a);
                return;
        }
        free(a);
        fail_msg("no SAR is open");
}

static inline void give_profile(struct world *w, const char *xml)
{
        answer_saa(w, 0, dia_base(DIA_SUCCESS), xml);
}

static inline size_t open_cx(const struct world *w)
{
        size_t n = 0;

        for (size_t i = 0; i < w->n_cx; i++)
                n += w->cx[i].arg != NULL;
        return n;
}

/* The oldest request without an answer, or NULL. */
static inline struct fake_cx *first_open_cx(struct world *w)
{
        for (size_t i = 0; i < w->n_cx; i++)
                if (w->cx[i].arg)
                        return &w->cx[i];
        return NULL;
}

/* --- what came out ------------------------------------------------------------------------------- */

static inline const struct fake_reply *last_reply(const struct world *w)
{
        assert_true(w->n_replies > 0);
        return &w->replies[w->n_replies - 1];
}

static inline const struct fake_verdict *last_verdict(const struct world *w)
{
        assert_true(w->n_verdicts > 0);
        return &w->verdicts[w->n_verdicts - 1];
}

static inline const struct fake_cx *last_cx(const struct world *w)
{
        assert_true(w->n_cx > 0);
        return &w->cx[w->n_cx - 1];
}

/* The nth field with this id in an answer; NULL when there is none. */
static inline const char *reply_field(const struct fake_reply *r, enum sip_hdr_id id, size_t nth)
{
        for (size_t i = 0; i < r->n; i++)
                if (r->id[i] == id && nth-- == 0)
                        return r->value[i];
        return NULL;
}

static inline void expect(const struct world *w, int status, enum verdict_outcome outcome,
                          enum verdict_cause cause)
{
        assert_int_equal(last_reply(w)->status, status);
        assert_string_equal(verdict_cause_name(last_verdict(w)->cause), verdict_cause_name(cause));
        assert_int_equal(last_verdict(w)->outcome, outcome);
        assert_int_equal(last_verdict(w)->status, status);
        assert_true(strlen(last_verdict(w)->clause) > 0);
}

/* --- whole procedures ---------------------------------------------------------------------------- */

/* nonce and the right response of vector k for the default identities (qop=auth). */
struct answer_text {
        char nonce[AKA_NONCE_SIZE], response[DIGEST_HEX_MAX];
};

static inline void make_answer(unsigned k, const char *impi, struct answer_text *out)
{
        struct digest_input in = {.algorithm = DIGEST_AKAV1_MD5,
                                  .method = SPAN("REGISTER"),
                                  .uri = SPAN("sip:" DOMAIN),
                                  .qop = SPAN("auth"),
                                  .nc = SPAN("00000001"),
                                  .cnonce = SPAN("abc")};
        char octets[96], ha1[DIGEST_HEX_MAX];
        struct cx_auth_item item;

        fake_item(k, octets, &item);
        base64_encode(octets, 32, out->nonce);
        assert_int_equal(digest_ha1(DIGEST_AKAV1_MD5, span_of(impi), SPAN(DOMAIN), item.authorization, ha1),
                         0);
        in.ha1 = span_of(ha1);
        in.nonce = span_of(out->nonce);
        assert_int_equal(digest_response(&in, out->response), 0);
}

#define QOP ",algorithm=AKAv1-MD5,qop=auth,nc=00000001,cnonce=\"abc\""

/* The REGISTER that answers vector k; t says the rest. */
static inline void world_answer(struct world *w, unsigned k, struct reg_text t)
{
        struct answer_text a;

        make_answer(k, t.impi ? t.impi : IMPI, &a);
        if (!t.nonce)
                t.nonce = a.nonce;
        if (!t.response)
                t.response = a.response;
        if (!t.more)
                t.more = QOP;
        if (!t.integrity)
                t.integrity = "yes";
        world_register(w, &t);
}

/* Registers alice with vector k, CSeq cseq and cseq + 1. */
static inline void world_attach(struct world *w, unsigned k, unsigned cseq)
{
        struct reg_text t = {.integrity = "no", .cseq = cseq};

        world_register(w, &t);
        if (open_cx(w))
                give_vectors(w, k, 1);
        assert_int_equal(last_reply(w)->status, 401);
        world_answer(w, k, (struct reg_text){.cseq = cseq + 1});
        give_profile(w, PROFILE_ALICE);
        assert_int_equal(last_reply(w)->status, 200);
}

static inline bool is_registered(struct world *w, const char *impu)
{
        return impu_find(&w->reg.store, span_of(impu)) != NULL;
}
