/* SPDX-License-Identifier: BSD-3-Clause
 * A REGISTER as the registrar reads it; its credentials checked as those of a SIP Digest user; and the whole
 * run of a registrar whose HSS knows everybody by one password. */
#include "tests/fuzz/fuzz.h"

#include "common/base/codec.h"
#include "common/base/log.h"
#include "common/sip/grammar.h"
#include "scscf/digest.h"
#include "scscf/registrar_int.h"

static char *home[] = {"ims.mnc001.mcc001.3gppnetwork.org"};
static char *senders[] = {"192.0.2.1"};
static char name[] = "sip:scscf.ims.mnc001.mcc001.3gppnetwork.org:6060";
static const struct scscf_conf conf = {.name = name,
                                       .home_domains = {.items = home, .n = 1},
                                       .trusted = {.items = senders, .n = 1},
                                       .min_expires_s = 60,
                                       .max_expires_s = 600000,
                                       .default_expires_s = 600000,
                                       .max_contacts = 4,
                                       .await_auth_ms = 240000,
                                       .max_failures = 2,
                                       .vectors = 1,
                                       .digest = {.nonce_lifetime_ms = 600000,
                                                  .nonce_uses = 5,
                                                  .old_ha1_lifetime_ms = 300000,
                                                  .max_failures = 3,
                                                  .keep_ha1 = true,
                                                  .opaque = true}};

/* --- the check of an answer ------------------------------------------------------------------------ */

/* H(A1) of alice_private with "correct horse 7!" in the seeds' realm; the nonce of the seeds is 16 zero
 * octets. */
static void check_digest(const struct reg_request *rq, const struct sip_msg *m)
{
        struct shared_store shared = {0};
        struct digest_user d = {.key = {.algorithm = DIGEST_MD5}};
        char ha1[DIGEST_HEX_MAX];
        const struct digest_question q = {.method = m->method_name,
                                          .a = &rq->auth,
                                          .limits = {.now_ms = 1000, .lifetime_ms = 600000, .uses = 5},
                                          .engine = &d.reg};
        struct digest_finding f;

        d.key.realm = shared_get(&shared, span_of(home[0]));
        MUST(d.key.realm);
        MUST(digest_ha1(DIGEST_MD5, SPAN("alice_private@ims.mnc001.mcc001.3gppnetwork.org"), span_of(home[0]),
                        SPAN("correct horse 7!"), ha1) == 0);
        MUST(hex_decode(span_of(ha1), d.key.ha1, 16) == 0);
        d.reg.nonces[0] = (struct digest_nonce){.algorithm = DIGEST_MD5, .live = true};
        f = digest_check(&d, &q);
        MUST(f.result != DIGEST_RIGHT || (f.key == &d.key && f.nonce == &d.reg.nonces[0] && f.nc > 0));
        MUST((f.result == DIGEST_NO_ANSWER) == (rq->auth.response.n == 0));
        if (f.result == DIGEST_WRONG)
                (void)digest_mistake(&d, &q, m->ruri);
        if (f.result == DIGEST_RIGHT) { /* the same again is a replay */
                f.nonce->nc = f.nc;
                MUST(digest_check(&d, &q).result == DIGEST_REPLAYED);
        }
        digest_forget(&d);
        shared_store_free(&shared);
}

static bool read_register(const struct sip_msg *m)
{
        struct reg_request rq;
        struct reg_refusal why;
        const int rc = reg_request_read(m, &conf, &rq, &why);

        if (rc == 0) {
                MUST(rq.impi.n > 0 && rq.impu.n > 0 && rq.contacts.n <= 4);
                (void)reg_request_procedure(&rq, true);
                check_digest(&rq, m);
        } else {
                MUST(rc == -IMS_ENOMEM || why.status >= 400);
        }
        reg_request_clear(&rq);
        return rc == 0;
}

/* --- the run ------------------------------------------------------------------------------------- */

static struct {
        cx_maa_fn *maa;
        cx_saa_fn *saa;
        void *arg;
        int status;
} hss;

static uint64_t now_ms(void *arg)
{
        (void)arg;
        return 1000000;
}

static int timer_start(void *arg, struct tmr *t, uint64_t delay_ms, tmr_fn *fn, void *fn_arg)
{
        (void)arg, (void)delay_ms, (void)fn, (void)fn_arg;
        t->pos = 1;
        return 0;
}

static void timer_stop(void *arg, struct tmr *t)
{
        (void)arg;
        t->pos = 0;
}

static int mar(void *arg, const struct cx_mar *m, cx_maa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        (void)arg, (void)m;
        *out = NULL;
        hss.maa = fn;
        hss.arg = fn_arg;
        return 0;
}

static int sar(void *arg, const struct cx_sar *m, cx_saa_fn *fn, void *fn_arg, struct dia_txn **out)
{
        (void)arg, (void)m;
        *out = NULL;
        hss.saa = fn;
        hss.arg = fn_arg;
        return 0;
}

static void cancel(void *arg, struct dia_txn *t)
{
        (void)arg, (void)t;
}

static void reply(void *arg, struct sip_request *rq, int status, const char *reason,
                  const struct sip_field *add, size_t n)
{
        (void)arg, (void)rq, (void)reason;
        for (size_t i = 0; i < n; i++)
                MUST(span_chr(add[i].value, '\n', 0) < 0);
        MUST(hss.status == 0); /* exactly one answer */
        hss.status = status;
}

static void verdict(void *arg, const struct verdict *v)
{
        (void)arg;
        MUST(v->clause);
}

static const struct reg_port port = {.now_ms = now_ms,
                                     .wall_s = now_ms,
                                     .timer_start = timer_start,
                                     .timer_stop = timer_stop,
                                     .mar = mar,
                                     .sar = sar,
                                     .cancel = cancel,
                                     .reply = reply,
                                     .verdict = verdict};

/* Answers what is asked until the REGISTER has its own answer. */
static void answer(void)
{
        while (hss.maa || hss.saa) {
                static struct cx_maa a;
                static struct cx_saa s;
                cx_maa_fn *maa = hss.maa;
                cx_saa_fn *saa = hss.saa;

                a = (struct cx_maa){.h = {.result = dia_base(DIA_SUCCESS), .origin_host = SPAN("hss")},
                                    .n = 1};
                a.items[0].digest.present = true;
                a.items[0].digest.realm = span_of(home[0]);
                a.items[0].digest.qop = SPAN("auth");
                a.items[0].digest.ha1 = SPAN("00112233445566778899aabbccddeeff");
                s = (struct cx_saa){.h = {.result = dia_base(DIA_SUCCESS), .origin_host = SPAN("hss")}};
                hss.maa = NULL;
                hss.saa = NULL;
                if (maa)
                        maa(0, &a, hss.arg);
                else
                        saa(0, &s, hss.arg);
        }
}

static void run(struct sip_msg *m)
{
        static struct sip_request rq;
        struct registrar r;

        registrar_init(&r, &conf, &port, NULL);
        for (int i = 0; i < 3; i++) {
                rq = (struct sip_request){.msg = m};
                hss.status = 0;
                registrar_register(&r, &rq);
                answer();
                MUST(hss.status >= 200);
                MUST(hss.status != 200); /* nobody knows this password */
        }
        registrar_clear(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static int ready;
        struct sip_msg *m = NULL;
        size_t used = 0;

        if (!ready) {
                sip_grammar_init();
                log_init("fuzz", LOG_ERROR);
        }
        ready = 1;
        if (sip_msg_parse(span_make(data, n), SIP_DATAGRAM, &m, &used) != 0)
                return 0;
        if (m->is_request && !m->fault && read_register(m))
                run(m);
        sip_msg_unref(m);
        return 0;
}
