/* SPDX-License-Identifier: BSD-3-Clause
 * The security agreement as a pure function of messages. RFC 3329 2.3, TS 33.203 7.2, 7.3.2, Annex H. */
#include <ctype.h>
#include <stdlib.h>

#include "pcscf/agreement.h"
#include "tests/unit/fail_alloc.h"
#include "tests/unit/pcscf/pcscf_fix.h"

#define ENDS  "spi-c=700000;spi-s=700001;port-c=31060;port-s=31099"
#define SHA   "ipsec-3gpp;alg=hmac-sha-1-96;"
#define OFFER SHA "ealg=aes-cbc;" ENDS ", " SHA "ealg=null;" ENDS

static const struct sec_policy policy = {
        .suites = {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC}, {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL}},
        .n = 2,
        .confidentiality = SEC_CONF_PREFERRED};
static const struct sec_ends ours = {1000000001, 1000000002, 6101, 6100};

/* A REGISTER with these fields ("Name: value\r\n" each). */
static struct sip_msg *with(const char *fields)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m;

        buf_printf(&b,
                   "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\n"
                   "Max-Forwards: 70\r\nFrom: <sip:a@ims.example>;tag=1\r\nTo: <sip:a@ims.example>\r\n"
                   "Call-ID: 1\r\nCSeq: 1 REGISTER\r\n%sContent-Length: 0\r\n\r\n",
                   fields);
        m = msg_of(buf_as_span(&b));
        buf_free(&b);
        return m;
}

static int make(const char *fields, enum sec_mode mode, struct agreement **out, struct agreement_fault *fault)
{
        struct sip_msg *m = with(fields);
        int err = agreement_new(m, &policy, mode, out, fault);

        sip_msg_unref(m);
        return err;
}

static int check(const struct agreement *a, const char *fields, struct agreement_fault *fault)
{
        struct sip_msg *m = with(fields);
        int err = agreement_check(a, m, fault);

        sip_msg_unref(m);
        return err;
}

static struct agreement *offered(void)
{
        struct agreement_fault fault;
        struct agreement *a = NULL;
        struct buf server = BUF_INIT;

        assert_int_equal(make("Security-Client: " OFFER "\r\n", SEC_MODE_TRANS, &a, &fault), 0);
        assert_int_equal(agreement_offer(a, &policy, &ours, &server), 0);
        expect_span(buf_as_span(&server),
                    "ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;prot=esp;"
                    "spi-c=1000000001;spi-s=1000000002;port-c=6101;port-s=6100, "
                    "ipsec-3gpp;q=0.8;alg=hmac-sha-1-96;ealg=null;mod=trans;prot=esp;"
                    "spi-c=1000000001;spi-s=1000000002;port-c=6101;port-s=6100");
        buf_free(&server);
        return a;
}

#define OUR_ENDS   "spi-c=1000000001;spi-s=1000000002;port-c=6101;port-s=6100"
#define OUR_FIRST  "ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;prot=esp;" OUR_ENDS
#define OUR_SECOND "ipsec-3gpp;q=0.8;alg=hmac-sha-1-96;ealg=null;mod=trans;prot=esp;" OUR_ENDS
#define OUR_LIST   OUR_FIRST ", " OUR_SECOND

static void chooses(void **state)
{
        struct agreement *a = offered();

        (void)state;
        assert_int_equal(a->suite.ealg, SEC_EALG_AES_CBC);
        assert_int_equal(a->ends.spi_c, 700000);
        assert_int_equal(a->ends.spi_s, 700001);
        assert_int_equal(a->ends.port_c, 31060);
        assert_int_equal(a->ends.port_s, 31099);
        expect_span(buf_as_span(&a->client), OFFER);
        agreement_free(a);
        agreement_free(NULL);
}

static void refuses(void **state)
{
        static const struct {
                const char *fields;
                enum sec_mode mode;
                int status;
                enum verdict_cause cause;
        } cases[] = {
                {"", SEC_MODE_TRANS, 494, CAUSE_security_unacceptable},
                {"Security-Client: tls\r\n", SEC_MODE_TRANS, 494, CAUSE_security_unacceptable},
                {"Security-Client: " OFFER "\r\n", SEC_MODE_UDP_ENC_TUN, 494, CAUSE_security_unacceptable},
                {"Security-Client: " SHA "mod=UDP-enc-tun;" ENDS "\r\n", SEC_MODE_TRANS, 494,
                 CAUSE_security_unacceptable},
                {"Security-Client: " SHA "spi-c=1;spi-s=2;port-c=31060;port-s=31099\r\n", SEC_MODE_TRANS, 494,
                 CAUSE_security_unacceptable},
                {"Security-Client: " SHA "spi-c=700000;spi-s=700000;port-c=31060;port-s=31099\r\n",
                 SEC_MODE_TRANS, 494, CAUSE_security_unacceptable},
                {"Security-Client: " SHA ";q=2;" ENDS "\r\n", SEC_MODE_TRANS, 400, CAUSE_malformed},
                {"Security-Client: " OFFER "\r\nSecurity-Client: " SHA "port-c=99999\r\n", SEC_MODE_TRANS,
                 400, CAUSE_malformed},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct agreement_fault fault = {0};
                struct agreement *a = NULL;

                if (make(cases[i].fields, cases[i].mode, &a, &fault) != 1 ||
                    fault.status != cases[i].status || fault.cause != cases[i].cause || !*fault.evidence)
                        fail_msg("%s: %d %s", cases[i].fields, fault.status, fault.evidence);
                assert_null(a);
        }
}

/* So many mechanisms that no phone has them. */
static void too_many(void **state)
{
        struct buf b = BUF_INIT;
        struct agreement_fault fault;
        struct agreement *a = NULL;

        (void)state;
        buf_puts(&b, "Security-Client: tls");
        for (int i = 0; i < SEC_ENTRIES_MAX; i++)
                buf_puts(&b, ", " SHA ENDS);
        buf_puts(&b, "\r\n");
        buf_char(&b, '\0');
        assert_int_equal(make(b.p, SEC_MODE_TRANS, &a, &fault), 1);
        assert_int_equal(fault.status, 400);
        assert_non_null(strstr(fault.evidence, "too many"));
        buf_free(&b);
}

static void lists_without_ends(void **state)
{
        struct buf b = BUF_INIT;

        (void)state;
        agreement_security_server(&policy, &b);
        expect_span(buf_as_span(&b), "ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;prot=esp, "
                                     "ipsec-3gpp;q=0.8;alg=hmac-sha-1-96;ealg=null;mod=trans;prot=esp");
        buf_free(&b);
}

/* A REGISTER that repeats both, the server's in capitals: the same, but not to the octet. */
static struct sip_msg *shouted(void)
{
        char server[] = OUR_LIST, fields[1024];

        for (char *p = server; *p; p++)
                *p = (char)toupper((unsigned char)*p);
        (void)snprintf(fields, sizeof(fields), "Security-Client: " OFFER "\r\nSecurity-Verify: %s\r\n",
                       server);
        return with(fields);
}

static void repetition(void **state)
{
        struct agreement_fault fault = {0};
        struct agreement *a = offered();
        struct sip_msg *m = shouted();

        (void)state;
        assert_int_equal(check(a, "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_LIST "\r\n", &fault),
                         0);
        assert_int_equal(check(a,
                               "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_FIRST
                               "\r\nSecurity-Verify: " OUR_SECOND "\r\n",
                               &fault),
                         0);
        assert_int_equal(agreement_check(a, m, &fault), 0);
        assert_int_equal(check(a, "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_FIRST "\r\n", &fault),
                         1);
        assert_non_null(strstr(fault.evidence, "number of mechanisms"));
        assert_int_equal(
                check(a, "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_LIST OUR_ENDS "\r\n", &fault),
                1);
        assert_int_equal(check(a,
                               "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_FIRST
                               ", ipsec-3gpp;q=0.8;alg=hmac-sha-1-96;ealg=null;mod=trans;prot=esp;"
                               "spi-c=1000000001;spi-s=1000000003;port-c=6101;port-s=6100\r\n",
                               &fault),
                         1);
        assert_string_equal(fault.evidence, "Security-Verify differs in spi-s of mechanism 2");
        sip_msg_unref(m);
        assert_int_equal(check(a, "Security-Verify: " OUR_LIST "\r\n", &fault), 1);
        assert_int_equal(fault.cause, CAUSE_security_client_differs);
        assert_string_equal(fault.evidence, "Security-Client is absent");
        assert_int_equal(check(a, "Security-Client: " OFFER "\r\n", &fault), 1);
        assert_int_equal(fault.cause, CAUSE_security_verify_differs);
        assert_int_equal(fault.status, 494);
        assert_int_equal(
                check(a, "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_LIST ";comp=x\r\n", &fault),
                1);
        assert_string_equal(fault.evidence,
                            "Security-Verify differs in a parameter that is not known here of mechanism 2");
        assert_int_equal(
                check(a, "Security-Client: " OFFER "\r\nSecurity-Verify: " OUR_LIST ", tls\r\n", &fault), 1);
        assert_non_null(strstr(fault.evidence, "number of mechanisms"));
        assert_int_equal(check(a, "Security-Client: " OFFER "\r\nSecurity-Verify: ;\r\n", &fault), 1);
        assert_int_equal(fault.status, 400);
        agreement_free(a);
}

/* Whatever allocation fails: an error, nothing lost. */
static void memory(void **state)
{
        struct sip_msg *m;
        struct agreement_fault fault;
        unsigned failed = 0;

        (void)state;
        if (!CAN_FAIL)
                skip();
        m = shouted();
        for (unsigned long i = 0; i < 40; i++) {
                struct buf server = BUF_INIT;
                struct agreement *a = NULL;
                long before = alloc_live;
                int err;

                alloc_fail_at(i);
                err = agreement_new(m, &policy, SEC_MODE_TRANS, &a, &fault);
                if (!err)
                        err = agreement_offer(a, &policy, &ours, &server);
                if (!err)
                        err = agreement_check(a, m, &fault);
                failed += err == -IMS_ENOMEM;
                assert_true(err == 0 || err == -IMS_ENOMEM);
                alloc_armed = false;
                agreement_free(a);
                buf_free(&server);
                assert_int_equal(alloc_live, before);
        }
        assert_in_range(failed, 5, 39);
        sip_msg_unref(m);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(chooses),    cmocka_unit_test(refuses),
                cmocka_unit_test(too_many),   cmocka_unit_test(lists_without_ends),
                cmocka_unit_test(repetition), cmocka_unit_test(memory),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
