/* SPDX-License-Identifier: BSD-3-Clause
 * A REGISTER and its answers on their way through the P-CSCF: what leaves must be readable, and no keys go
 * to a UE; its Security-* as an offer, and as the repetition of one. */
#include "tests/fuzz/fuzz.h"

#include "common/base/secret.h"
#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"
#include "pcscf/agreement.h"
#include "pcscf/register_msg.h"

static void write_out(struct sip_edit *e, struct sip_msg **out)
{
        struct buf text = BUF_INIT;
        size_t used = 0;

        *out = NULL;
        if (sip_edit_write(e, SPAN_NULL, &text) == 0)
                MUST(sip_msg_parse(buf_as_span(&text), SIP_DATAGRAM, out, &used) == 0);
        buf_free(&text);
        sip_edit_free(e);
}

static const struct sec_policy policy = {.suites = {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
                                                    {SEC_ALG_NULL, SEC_EALG_AES_GCM},
                                                    {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL},
                                                    {SEC_ALG_HMAC_MD5_96, SEC_EALG_DES_EDE3_CBC}},
                                         .n = 4,
                                         .confidentiality = SEC_CONF_PREFERRED};

static void refused(int rc, const struct agreement_fault *f)
{
        MUST(rc != 1 || (f->status >= 400 && f->status < 500 && f->clause && f->evidence[0]));
}

/* The offer with Security-Verify as it should be repeats itself. */
static void repeated(const struct agreement *a)
{
        struct agreement_fault fault = {0};
        struct buf text = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used = 0;

        buf_puts(&text, "REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
                        "From: <sip:a@a>;tag=1\r\nTo: <sip:a@a>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n"
                        "Security-Client: ");
        buf_span(&text, buf_as_span(&a->client)); /* may hold a NUL */
        buf_puts(&text, "\r\nSecurity-Verify: ");
        buf_span(&text, buf_as_span(&a->server));
        buf_puts(&text, "\r\nContent-Length: 0\r\n\r\n");
        if (!text.err && sip_msg_parse(buf_as_span(&text), SIP_DATAGRAM, &m, &used) == 0 && !m->fault)
                MUST(agreement_check(a, m, &fault) <= 0);
        sip_msg_unref(m);
        buf_free(&text);
}

static void agree(const struct sip_msg *m, enum sec_mode mode)
{
        const struct sec_ends ours = {1000000001, 1000000002, 6101, 6100};
        struct agreement_fault fault = {0};
        struct agreement *a = NULL;
        struct buf server = BUF_INIT;
        int rc = agreement_new(m, &policy, mode, &a, &fault);

        refused(rc, &fault);
        if (rc)
                return;
        MUST(sec_suite_allowed(a->suite) && a->ends.port_c != a->ends.port_s);
        MUST(agreement_check(a, m, &fault) != 0); /* there was no challenge yet: nothing repeats it */
        if (agreement_offer(a, &policy, &ours, &server) == 0) {
                rc = agreement_check(a, m, &fault);
                refused(rc, &fault);
                repeated(a);
        }
        buf_free(&server);
        agreement_free(a);
}

/* The same of an offer of TLS. */
static void agree_tls(const struct sip_msg *m)
{
        struct agreement_fault fault = {0};
        struct agreement *a = NULL;
        int rc = agreement_new_tls(m, "tls;q=0.9", &a, &fault);

        refused(rc, &fault);
        if (rc)
                return;
        MUST(a->tls && span_eq(buf_as_span(&a->server), SPAN("tls;q=0.9")));
        rc = agreement_check(a, m, &fault);
        refused(rc, &fault);
        if (a->client.n)
                repeated(a);
        agreement_free(a);
}

static void request(const struct sip_msg *m)
{
        const struct reg_marks marks = {.integrity = "no",
                                        .path = SPAN("<sip:t@pcscf.example;lr>"),
                                        .visited_network = SPAN("example"),
                                        .charging_vector = SPAN("icid-value=1"),
                                        .keep_s = 30};
        struct reg_facts f;
        struct sip_edit e;
        struct sip_msg *out;
        const char *why = NULL;
        const int rc = reg_facts_read(m, &f, &why);

        agree(m, SEC_MODE_TRANS);
        agree(m, SEC_MODE_UDP_ENC_TUN);
        agree_tls(m);

        if (rc == 0) {
                sip_edit_init(&e, m);
                reg_edit_request(&e, &f, &marks);
                write_out(&e, &out);
                sip_msg_unref(out);
        } else {
                MUST(rc == -IMS_ENOMEM || why);
        }
        reg_facts_free(&f);
}

/* No challenge that can be read holds ik or ck. */
static void no_keys(const struct sip_msg *m)
{
        const struct sip_hdr *h;
        struct sip_auth a;

        for (size_t i = 0; (h = sip_msg_hdr(m, SIP_HDR_WWW_AUTHENTICATE, i)) != NULL; i++)
                if (sip_auth_parse(h->value, true, &a) == 0)
                        MUST(!sip_auth_get(&a, "ik") && !sip_auth_get(&a, "ck"));
}

static void answer(const struct sip_msg *m)
{
        const struct reg_facts f = {.contact = SPAN("sip:u@192.0.2.1")};
        struct reg_keys keys = {0};
        struct reg_grant grant;
        struct sip_edit e;
        struct sip_msg *out;

        const enum reg_scheme scheme = reg_challenge_scheme(m);

        sip_edit_init(&e, m);
        reg_edit_challenge(&e, &keys);
        MUST(!keys.have || scheme != REG_SCHEME_DIGEST || sip_msg_hdr(m, SIP_HDR_PROXY_AUTHENTICATE, 0));
        reg_edit_answer(&e);
        write_out(&e, &out);
        if (out && !m->fault)
                no_keys(out);
        sip_msg_unref(out);
        secret_wipe(&keys, sizeof(keys));
        MUST(reg_grant_read(m, &f, &grant) <= 0);
        (void)reg_answer_lists(m, f.contact);
        reg_grant_free(&grant);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static int ready;
        struct sip_msg *m = NULL;
        size_t used = 0;

        if (!ready)
                sip_grammar_init();
        ready = 1;
        if (sip_msg_parse(span_make(data, n), SIP_DATAGRAM, &m, &used) != 0)
                return 0;
        if (!m->is_request)
                answer(m);
        else if (!m->fault)
                request(m);
        sip_msg_unref(m);
        return 0;
}
