/* SPDX-License-Identifier: BSD-3-Clause
 * Out of memory in a registration by SIP Digest over TLS: an error or an outcome, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <openssl/err.h>

#include "common/sip/grammar.h"
#include "tests/unit/fail_alloc.h"
#include "ue/registration.h"

static const char *const answers[] = {
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:u@r>;tag=a\r\n"
        "To: <sip:u@r>;tag=b\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nSecurity-Server: tls;q=0.9\r\n"
        "WWW-Authenticate: Digest realm=\"r\",nonce=\"n\",opaque=\"o\",algorithm=SHA-256,qop=\"auth\"\r\n"
        "Content-Length: 0\r\n\r\n",
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:u@r>;tag=a\r\n"
        "To: <sip:u@r>;tag=b\r\nCall-ID: c\r\nCSeq: 2 REGISTER\r\n"
        "WWW-Authenticate: Digest realm=\"r\",nonce=\"m\",stale=true,algorithm=MD5,qop=\"auth\"\r\n"
        "Content-Length: 0\r\n\r\n",
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bK1\r\nFrom: <sip:u@r>;tag=a\r\n"
        "To: <sip:u@r>;tag=b\r\nCall-ID: c\r\nCSeq: 3 REGISTER\r\nExpires: 600\r\n"
        "Service-Route: <sip:s;lr>\r\nP-Associated-URI: <sip:u@r>\r\nAuthentication-Info: nextnonce=\"x\"\r\n"
        "Content-Length: 0\r\n\r\n",
};
#define N_ANSWERS (sizeof(answers) / sizeof(answers[0]))

static struct sip_msg *parsed[N_ANSWERS];

/* A whole registration; true when it was one. */
static bool registration(void)
{
        const struct credential cred = {
                .kind = CREDENTIAL_IMC, .impi = "u@r", .domain = "r", .password = "secret"};
        struct tls_guard guard = {.variant = TLS_VARIANT_AGREED, .required = true};
        const struct reg_conf conf = {.scheme = REG_SCHEME_DIGEST,
                                      .cred = &cred,
                                      .impu = "sip:u@r",
                                      .contact = "sip:u@192.0.2.10",
                                      .instance = "urn:uuid:1",
                                      .reg_id = 1,
                                      .tls = &guard};
        struct registration *r = NULL;
        struct buf out = BUF_INIT;
        bool ok = reg_new(&conf, &r) == 0 && reg_start(r, REG_KIND_REGISTER, 600, &out) == 0;

        for (size_t i = 0; ok && i < N_ANSWERS; i++) {
                buf_reset(&out);
                if (guard.way == TLS_WAY_NEW)
                        tls_guard_up(&guard);
                ok = reg_answer(r, parsed[i], 1000, &out) ==
                     (i + 1 < N_ANSWERS ? REG_NEXT_SEND : REG_NEXT_DONE);
        }
        ok = ok && reg_result(r)->outcome == REG_OUT_registered && guard.protecting;
        if (r && !ok)
                assert_true(reg_result(r)->outcome != REG_OUT_registered || !guard.protecting ||
                            alloc_failed);
        reg_free(r);
        tls_guard_free(&guard);
        buf_free(&out);
        return ok;
}

static void each_allocation_once(void **state)
{
        unsigned long n = 0;
        bool over;

        (void)state;
        for (size_t i = 0; i < N_ANSWERS; i++) {
                size_t used;

                assert_int_equal(sip_msg_parse(span_of(answers[i]), SIP_DATAGRAM, &parsed[i], &used), 0);
        }
        assert_true(registration());
        /* the first round lets libraries keep what they keep of their first error */
        for (int round = 0; CAN_FAIL && round < 2; round++)
                for (over = false, n = 0; !over; n++) {
                        unsigned long failed;
                        long live;

                        assert_true(registration()); /* what a library lost is set up again */
                        live = alloc_live;
                        failed = alloc_failed;
                        alloc_fail_at(n);
                        (void)registration();
                        alloc_armed = false;
                        over = alloc_failed == failed; /* there was no n-th */
                        assert_true(registration());
                        ERR_clear_error(); /* of the hashes */
                        assert_true(round == 0 || alloc_live == live);
                }
        assert_true(n > 20 || !CAN_FAIL);
        for (size_t i = 0; i < N_ANSWERS; i++)
                sip_msg_unref(parsed[i]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(each_allocation_once)};

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
