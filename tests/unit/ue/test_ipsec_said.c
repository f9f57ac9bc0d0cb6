/* SPDX-License-Identifier: BSD-3-Clause
 * What is said about IPsec, to the phone (options) and by it (report). */
#include "tests/unit/ue/sec_fix.h"

#include "ue/ipsec_options.h"
#include "ue/report.h"

static void options(void **state)
{
        struct ipsec_options o = {0};

        (void)state;
        assert_int_equal(ipsec_want_parse(SPAN("off"), &o.want), 0);
        assert_int_equal(o.want, IPSEC_OFF);
        assert_int_equal(ipsec_want_parse(SPAN("Required"), &o.want), 0);
        assert_int_equal(o.want, IPSEC_REQUIRED);
        assert_int_equal(ipsec_want_parse(SPAN("yes"), &o.want), -IMS_EPARSE);
        assert_int_equal(ipsec_want_parse(SPAN(""), &o.want), -IMS_EPARSE);
        assert_true(ipsec_offers_encryption(&o)); /* unsaid: the usual ones */
        assert_int_equal(ipsec_suites_parse(SPAN("hmac-sha-1-96/null, null/aes-gcm"), &o), 0);
        assert_int_equal(o.n_suites, 2);
        assert_true(sec_suite_eq(o.suites[1], (struct sec_suite){SEC_ALG_NULL, SEC_EALG_AES_GCM}));
        assert_true(ipsec_offers_encryption(&o));
        assert_int_equal(ipsec_suites_parse(SPAN("hmac-sha-1-96/null"), &o), 0);
        assert_false(ipsec_offers_encryption(&o));
        assert_int_equal(ipsec_suites_parse(SPAN("null/null"), &o), -IMS_EPARSE);
        assert_int_equal(ipsec_suites_parse(SPAN(""), &o), -IMS_EPARSE);
        assert_int_equal(ipsec_suites_parse(SPAN("hmac-sha-1-96/null,,null/aes-gcm"), &o), -IMS_EPARSE);
        assert_int_equal(o.n_suites, 1); /* as it was */
        assert_int_equal(ipsec_modes_parse(SPAN("udp-enc-tun"), &o), 0);
        assert_int_equal(o.modes, 1u << SEC_MODE_UDP_ENC_TUN);
        assert_int_equal(ipsec_modes_parse(SPAN("trans,UDP-enc-tun"), &o), 0);
        assert_int_equal(o.modes, 1u << SEC_MODE_UDP_ENC_TUN | 1u << SEC_MODE_TRANS);
        assert_int_equal(ipsec_modes_parse(SPAN("tun"), &o), -IMS_EPARSE);
}

static void expect(const struct buf *b, const char *text)
{
        if (span_find(buf_as_span(b), span_of(text)) < 0)
                fail_msg("%s is not in: " SPAN_FMT, text, SPAN_ARG(buf_as_span(b)));
}

/* None of the octets of a key, as text or as they are. */
static void without(const struct buf *b, const void *key, size_t n)
{
        char hex[2 * 32 + 1];

        hex_encode(key, n, hex);
        assert_true(span_find(buf_as_span(b), span_of(hex)) < 0);
        assert_true(span_find(buf_as_span(b), span_make(key, n)) < 0);
}

static void the_report_shows_the_associations(void **state)
{
        struct fixture *f = *state;
        struct buf b = BUF_INIT;
        char want[200];

        registered(f);
        report_json(f->reg, &b);
        expect(&b, "\"security\":{\"mechanism\":\"ipsec-3gpp\",\"suite\":\"hmac-sha-1-96/"
                   "aes-cbc\",\"mode\":\"trans\"");
        (void)snprintf(want, sizeof(want), "\"port_uc\":%u,\"port_us\":%u,\"spi_uc\":%u,\"spi_us\":%u",
                       f->installed[0].ue_ends.port_c, f->installed[0].ue_ends.port_s,
                       f->installed[0].ue_ends.spi_c, f->installed[0].ue_ends.spi_s);
        expect(&b, want);
        (void)snprintf(want, sizeof(want), "\"port_pc\":41070,\"port_ps\":%u,\"spi_pc\":3100000010", PORT_PS);
        expect(&b, want);
        report_text(f->reg, &b);
        expect(&b, "ipsec-3gpp, hmac-sha-1-96/aes-cbc, trans");
        (void)snprintf(want, sizeof(want), "UE %u client, %u server; P-CSCF 41070 client, %u server",
                       f->installed[0].ue_ends.port_c, f->installed[0].ue_ends.port_s, PORT_PS);
        expect(&b, want);
        without(&b, f->keys[0].encryption, 16);
        without(&b, f->keys[0].integrity, 16);
        buf_free(&b);
        assert_int_equal(set_in(f, UE_SA_CURRENT)->until_ms, f->now_ms + 630000);
        proves("SA-048");
}

static void the_report_says_why(void **state)
{
        struct fixture *f = *state;
        struct buf b = BUF_INIT;

        start(f, REG_KIND_REGISTER);
        (void)challenge_with(f, 0, (const char *const[]){"ipsec-3gpp;alg=hmac-md5-96"}, 1, NULL);
        report_text(f->reg, &b);
        expect(&b, "nothing in Security-Server is acceptable");
        expect(&b, "because");
        expect(&b, "--ipsec-suites");
        report_json(f->reg, &b);
        expect(&b, "\"outcome\":\"security_unacceptable\"");
        expect(&b, "\"why\":\"");
        buf_reset(&b);
        start(f, REG_KIND_REGISTER);
        f->install_err = -IMS_EUNSUPPORTED;
        (void)challenge(f, 0);
        report_text(f->reg, &b);
        expect(&b, "the kernel refused the security associations");
        expect(&b, "no ESP here");
        buf_reset(&b);
        start(f, REG_KIND_REGISTER);
        (void)challenge_with(f, 0, NULL, 0, NULL);
        ok200(f, 0);
        report_text(f->reg, &b);
        expect(&b, "none: the network does not do IPsec");
        buf_free(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(options),
                TEST(the_report_shows_the_associations),
                TEST(the_report_says_why),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
