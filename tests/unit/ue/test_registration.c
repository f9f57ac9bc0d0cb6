/* SPDX-License-Identifier: BSD-3-Clause
 * The REGISTER procedure as a pure machine: answers in, requests out (TS 24.229 5.1.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/base/codec.h"
#include "common/sip/auth_param.h"
#include "common/sip/grammar.h"
#include "tests/unit/proves.h"
#include "ue/registration.h"

#define OUR_CONTACT "sip:u@192.0.2.10:5060"

struct fixture {
        struct credential cred;
        struct aka_ctx *aka;
        struct isim *isim;
        struct reg_conf conf;
        struct registration *reg;
        struct buf out;
        struct sip_msg *sent; /* the request in out, parsed */
};

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));
        struct buf err = BUF_INIT;

        if (!f)
                return -1;
        sip_grammar_init();
        f->cred = (struct credential){.kind = CREDENTIAL_ISIM, .impi = "u@r.example", .domain = "r.example"};
        memcpy(f->cred.impu[0], "sip:u@r.example", 16);
        f->cred.n_impu = 1;
        f->cred.key.k_n = 16;
        if (aka_ctx_new(&f->aka) < 0 || isim_new(&f->cred, NULL, &f->isim, &err) < 0)
                return -1;
        f->conf = (struct reg_conf){.cred = &f->cred,
                                    .isim = f->isim,
                                    .impu = f->cred.impu[0],
                                    .contact = OUR_CONTACT,
                                    .instance = "urn:uuid:1"};
        if (reg_new(&f->conf, &f->reg) < 0)
                return -1;
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        sip_msg_unref(f->sent);
        buf_free(&f->out);
        reg_free(f->reg);
        isim_free(f->isim);
        aka_ctx_free(f->aka);
        free(f);
        return 0;
}

/* Parses what the machine wants to send; the Via is the sender's. */
static void take(struct fixture *f)
{
        struct buf b = BUF_INIT;
        ptrdiff_t eol = span_find(buf_as_span(&f->out), SPAN("\r\n"));
        size_t used;

        assert_true(eol > 0);
        buf_put(&b, f->out.p, (size_t)eol);
        buf_puts(&b, "\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1");
        buf_put(&b, f->out.p + eol, f->out.n - (size_t)eol);
        sip_msg_unref(f->sent);
        f->sent = NULL;
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &f->sent, &used), 0);
        assert_null(f->sent->fault);
        buf_free(&b);
        buf_reset(&f->out);
}

static void start(struct fixture *f, enum reg_kind kind, uint32_t expires_s)
{
        assert_int_equal(reg_start(f->reg, kind, expires_s, &f->out), 0);
        take(f);
}

static int answer(struct fixture *f, const char *status_line, const char *fields)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;
        int rc;

        buf_printf(&b,
                   "SIP/2.0 %s\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\nFrom: "
                   "<sip:u@r.example>;tag=a\r\n"
                   "To: <sip:u@r.example>;tag=b\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n%sContent-Length: "
                   "0\r\n\r\n",
                   status_line, fields);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        rc = reg_answer(f->reg, m, 1000, &f->out);
        sip_msg_unref(m);
        buf_free(&b);
        if (rc == REG_NEXT_SEND)
                take(f);
        return rc;
}

static int challenge(struct fixture *f, uint64_t sqn, bool spoil)
{
        uint8_t rand[16] = {7}, both[32];
        char nonce[BASE64_SIZE(32)];
        struct aka_av av;
        struct buf field = BUF_INIT;
        int rc;

        assert_int_equal(aka_generate(f->aka, &f->cred.key, rand, sqn, 0, &av), 0);
        memcpy(both, av.rand, 16);
        memcpy(both + 16, av.autn, 16);
        if (spoil)
                both[31] ^= 1;
        base64_encode(both, 32, nonce);
        buf_printf(&field,
                   "WWW-Authenticate: Digest "
                   "realm=\"r.example\",nonce=\"%s\",algorithm=AKAv1-MD5,qop=\"auth\"\r\n",
                   nonce);
        buf_char(&field, '\0');
        rc = answer(f, "401 Unauthorized", field.p);
        buf_free(&field);
        return rc;
}

/* A parameter of the Authorization that was sent; NULL p when absent. */
static struct span sent_auth(struct fixture *f, const char *name)
{
        struct sip_auth a;
        const struct span *v;

        assert_int_equal(sip_auth_parse(sip_msg_hdr(f->sent, SIP_HDR_AUTHORIZATION, 0)->value, true, &a), 0);
        v = sip_auth_get(&a, name);
        return v ? (v->p ? *v : SPAN("")) : SPAN_NULL;
}

static void the_table_is_sound(void **state)
{
        struct span why = SPAN_NULL;

        (void)state;
        if (fsm_check(&reg_fsm, &why) < 0)
                fail_msg(SPAN_FMT, SPAN_ARG(why));
}

static void the_way_to_registered(void **state)
{
        struct fixture *f = *state;
        const struct reg_result *r = reg_result(f->reg);

        start(f, REG_KIND_REGISTER, 3600);
        assert_true(span_eq(sent_auth(f, "username"), SPAN("u@r.example")));
        assert_true(sent_auth(f, "nonce").p && sent_auth(f, "nonce").n == 0);
        assert_true(sent_auth(f, "response").p && sent_auth(f, "response").n == 0);
        assert_int_equal(f->sent->cseq, 1);
        assert_int_equal(challenge(f, 32, false), REG_NEXT_SEND);
        assert_int_equal(f->sent->cseq, 2);
        assert_int_equal(sent_auth(f, "response").n, 32);
        assert_null(sent_auth(f, "auts").p);
        assert_int_equal(answer(f, "200 OK",
                                "Contact: <sip:other@192.0.2.11>;expires=7, <" OUR_CONTACT
                                ">;expires=1800\r\n"
                                "Service-Route: <sip:a;lr>\r\nService-Route: <sip:b;lr>\r\n"
                                "P-Associated-URI: <sip:u@r.example>, <tel:+1>\r\n"),
                         REG_NEXT_DONE);
        assert_int_equal(r->outcome, REG_OUT_registered);
        assert_int_equal(r->expires_s, 1800);
        assert_int_equal(r->until_ms, 1000 + 1800 * 1000);
        assert_string_equal(r->service_route, "<sip:a;lr>, <sip:b;lr>");
        assert_int_equal(reg_state(f->reg), REG_ST_REGISTERED);
        start(f, REG_KIND_DEREGISTER, 3600);
        assert_true(span_eq(sip_msg_value(f->sent, SIP_HDR_EXPIRES), SPAN("0")));
        assert_int_equal(answer(f, "200 OK", ""), REG_NEXT_DONE);
        assert_false(r->registered);
        proves("AKA-015");
}

static void a_failed_refresh_leaves_the_registration(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER, 600);
        assert_int_equal(answer(f, "200 OK", "Contact: <" OUR_CONTACT ">;expires=600\r\n"), REG_NEXT_DONE);
        start(f, REG_KIND_REFRESH, 600);
        assert_int_equal(answer(f, "503 Service Unavailable", "Retry-After: 5\r\n"), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_refused);
        assert_true(reg_result(f->reg)->registered);
        assert_string_equal(reg_result(f->reg)->retry_after, "5");
        start(f, REG_KIND_REFRESH, 600);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_no_answer);
        assert_int_equal(reg_state(f->reg), REG_ST_REGISTERED);
}

static void two_invalid_challenges_are_reported_a_third_is_not(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER, 600);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(challenge(f, 32, true), REG_NEXT_SEND);
                assert_true(sent_auth(f, "response").p && sent_auth(f, "response").n == 0);
                assert_null(sent_auth(f, "auts").p);
                assert_true(sent_auth(f, "nonce").n > 0);
        }
        assert_int_equal(challenge(f, 32, true), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_mac_mismatch);
        assert_int_equal(reg_result(f->reg)->mac_failures, 3);
        proves("AKA-044");
}

static void a_good_challenge_between_starts_the_count_again(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER, 600);
        assert_int_equal(challenge(f, 32, true), REG_NEXT_SEND);
        assert_int_equal(challenge(f, 64, true), REG_NEXT_SEND);
        assert_int_equal(challenge(f, 96, false), REG_NEXT_SEND);
        assert_int_equal(challenge(f, 32, false), REG_NEXT_SEND); /* old SQN: the first invalid one again */
        assert_true(sent_auth(f, "auts").n > 0);
        assert_int_equal(answer(f, "403 Forbidden", ""), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_sqn_refused);
}

static void endless_challenges_end(void **state)
{
        struct fixture *f = *state;
        int n = 0;

        start(f, REG_KIND_REGISTER, 600);
        while (challenge(f, (uint64_t)(n + 1) * 32, false) == REG_NEXT_SEND)
                assert_true(++n < 20);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_challenge_limit);
}

#define RAND_AUTN "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static void challenges_that_are_none(void **state)
{
        static const char *const bad[] = {
                "",
                "WWW-Authenticate: Digest realm=\"r\",nonce=\"abc\",algorithm=MD5\r\n",
                "WWW-Authenticate: Digest realm=\"r\",nonce=\"AAAA\",algorithm=AKAv1-MD5\r\n",
                "WWW-Authenticate: Digest realm=\"r\",nonce=\"***\",algorithm=AKAv1-MD5\r\n",
                "WWW-Authenticate: Digest realm=\"r\",algorithm=AKAv1-MD5\r\n",
                /* RAND and AUTN, but a qop that nobody here has */
                "WWW-Authenticate: Digest realm=\"r\",nonce=\"" RAND_AUTN
                "\",algorithm=AKAv1-MD5,qop=\"x\"\r\n",
                "WWW-Authenticate: Basic realm=\"r\"\r\n",
                "WWW-Authenticate: Digest realm=\"r\r\n",
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                start(f, REG_KIND_REGISTER, 600);
                assert_int_equal(answer(f, "401 Unauthorized", bad[i]), REG_NEXT_DONE);
                assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_bad_challenge);
        }
}

/* What cannot be read, and what is not of AKA, is passed over. */
static void the_challenge_of_aka_among_others(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER, 600);
        assert_int_equal(
                answer(f, "401 Unauthorized",
                       "WWW-Authenticate: Digest realm=\"r\",nonce=\"n\",algorithm=MD5,qop=\"auth\"\r\n"
                       "WWW-Authenticate: Digest realm=\"r,nonce=\r\n"
                       "WWW-Authenticate: Digest realm=\"r\",nonce=\"" RAND_AUTN
                       "\",algorithm=akav1-md5,qop=\"token,auth-int\",opaque=\"\"\r\n"),
                REG_NEXT_SEND);
        assert_int_equal(reg_result(f->reg)->mac_failures, 1); /* it went to the card */
        assert_true(span_eq(sent_auth(f, "nonce"), SPAN(RAND_AUTN)));
        assert_non_null(sent_auth(f, "opaque").p); /* an empty one goes back too */
}

static void too_brief_is_followed_within_reason(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER, 10);
        assert_int_equal(answer(f, "423 Interval Too Brief", "Min-Expires: 60\r\n"), REG_NEXT_SEND);
        assert_true(span_eq(sip_msg_value(f->sent, SIP_HDR_EXPIRES), SPAN("60")));
        assert_int_equal(answer(f, "423 Interval Too Brief", "Min-Expires: 60\r\n"), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_refused);
        start(f, REG_KIND_REGISTER, 10);
        assert_int_equal(answer(f, "423 Interval Too Brief", "Min-Expires: soon\r\n"), REG_NEXT_DONE);
}

static void a_200_without_our_contact_registers_nobody(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER, 600);
        assert_int_equal(answer(f, "200 OK", "Contact: <sip:x@192.0.2.99>;expires=600\r\n"), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_bad_answer);
        assert_int_equal(reg_state(f->reg), REG_ST_IDLE);
}

static void answers_out_of_place_are_refused(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(answer(f, "200 OK", ""), -IMS_EPROTO);
        start(f, REG_KIND_REGISTER, 600);
        assert_int_equal(reg_start(f->reg, REG_KIND_REGISTER, 600, &f->out), -IMS_EALREADY);
        assert_int_equal(answer(f, "404 Not Found", ""), REG_NEXT_DONE);
        assert_int_equal(answer(f, "404 Not Found", ""), -IMS_EPROTO);
}

static void refresh_times(void **state)
{
        (void)state;
        assert_int_equal(reg_refresh_after_s(600000), 599400);
        assert_int_equal(reg_refresh_after_s(1201), 601);
        assert_int_equal(reg_refresh_after_s(1200), 600);
        assert_int_equal(reg_refresh_after_s(60), 30);
        proves("AKA-039");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_table_is_sound),
                TEST(the_way_to_registered),
                TEST(a_failed_refresh_leaves_the_registration),
                TEST(two_invalid_challenges_are_reported_a_third_is_not),
                TEST(a_good_challenge_between_starts_the_count_again),
                TEST(endless_challenges_end),
                TEST(challenges_that_are_none),
                TEST(the_challenge_of_aka_among_others),
                TEST(too_brief_is_followed_within_reason),
                TEST(a_200_without_our_contact_registers_nobody),
                TEST(answers_out_of_place_are_refused),
                TEST(refresh_times),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
