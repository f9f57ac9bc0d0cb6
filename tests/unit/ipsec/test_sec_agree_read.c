/* SPDX-License-Identifier: BSD-3-Clause
 * Reading of sec-agree values: all of tests/data/vectors/sec-agree.json, and what they leave out. */
#include "tests/unit/ipsec/lists.h"
#include "tests/unit/json_path.h"
#include "tests/unit/proves.h"

static char *vectors;

static const char *text_at(const char *path, char *out, size_t size)
{
        return json_text(vectors, path, out, size) ? out : NULL;
}

/* The member of one parsed mechanism as the file has it. */
static const char *member(unsigned i, unsigned k, const char *name)
{
        static char slots[16][128];
        static unsigned slot;
        char path[96];

        (void)snprintf(path, sizeof(path), "accept[%u].parsed[%u].%s", i, k, name);
        return text_at(path, slots[slot++ % 16], sizeof(slots[0]));
}

static void check_entry(const struct sec_entry *e, unsigned i, unsigned k)
{
        const char *q = member(i, k, "q");

        assert_int_equal(e->q, q ? (int)(strtod(q, NULL) * 1000 + 0.5) : SEC_Q_NONE);
        if (strcmp(member(i, k, "mechanism"), "tls") == 0) {
                assert_int_equal(e->mechanism, SEC_TLS);
                return;
        }
        assert_int_equal(e->mechanism, SEC_IPSEC_3GPP);
        assert_true(e->has_alg && e->has_ends && e->esp);
        assert_string_equal(sec_alg_name(e->suite.alg), member(i, k, "alg"));
        assert_string_equal(sec_ealg_name(e->suite.ealg), member(i, k, "ealg"));
        assert_string_equal(sec_mode_name(e->mode), member(i, k, "mod"));
        assert_int_equal(e->ends.spi_c, strtoul(member(i, k, "spi_c"), NULL, 10));
        assert_int_equal(e->ends.spi_s, strtoul(member(i, k, "spi_s"), NULL, 10));
        assert_int_equal(e->ends.port_c, strtoul(member(i, k, "port_c"), NULL, 10));
        assert_int_equal(e->ends.port_s, strtoul(member(i, k, "port_s"), NULL, 10));
        assert_true(sec_entry_usable(e, NULL));
}

static void accepted(void **state)
{
        char path[64], value[512];
        unsigned i = 0;

        (void)state;
        for (;; i++) {
                unsigned k = 0;

                (void)snprintf(path, sizeof(path), "accept[%u].value", i);
                if (!text_at(path, value, sizeof(value)))
                        break;
                struct sec_list l = list_of(value);
                for (size_t at = 0; at < l.n; at++)
                        if (l.e[at].mechanism != SEC_OTHER)
                                check_entry(&l.e[at], i, k++);
                assert_null(member(i, k, "mechanism"));
        }
        assert_int_equal(i, 13);
        proves("SECAGREE-018 SECAGREE-023 SECAGREE-026 SECAGREE-027");
}

/* None of them is chosen, by the P-CSCF or the UE, with all algorithms of Annex H enabled. */
static void refused(void **state)
{
        const struct sec_policy policy = {{gcm, sha_cbc, gmac, sha_null}, 4, SEC_CONF_PREFERRED};
        char path[64], value[512];
        unsigned i = 0;

        (void)state;
        for (;; i++) {
                struct sec_suite s;
                struct sec_list l;
                const char *why = NULL;

                (void)snprintf(path, sizeof(path), "refuse_as_mechanism[%u].value", i);
                if (!text_at(path, value, sizeof(value)))
                        break;
                if (list_read(value, &l, &why) == 0) {
                        assert_null(why);
                        assert_null(sec_choose_pcscf(&policy, &l, SEC_MODE_TRANS, &s, &why));
                        assert_non_null(why);
                        why = NULL;
                        assert_null(sec_choose_ue(&l, policy.suites, 4,
                                                  1u << SEC_MODE_TRANS | 1u << SEC_MODE_UDP_ENC_TUN, &why));
                }
                assert_non_null(why);
        }
        assert_int_equal(i, 21);
        proves("SECAGREE-034");
}

/* What a value is refused for, malformed or not usable. */
static const char *fault_of(const char *value)
{
        struct sec_entry e;
        const char *why = NULL;

        if (sec_entry_read(span_of(value), &e, &why) == 0)
                assert_true(sec_entry_usable(&e, &why) == (why == NULL));
        return why;
}

static void faults(void **state)
{
        (void)state;
        assert_null(fault_of(IPSEC SHA ENDS));
        assert_string_equal(fault_of(IPSEC ENDS), "alg is missing");
        assert_string_equal(fault_of(IPSEC ";alg=sha-1" ENDS), "alg is not known");
        assert_string_equal(fault_of(IPSEC SHA ";ealg=aes" ENDS), "ealg is not known");
        assert_string_equal(fault_of(IPSEC ";alg=null" ENDS), "alg null goes with ealg aes-gcm alone");
        assert_string_equal(fault_of(IPSEC ";alg=null;ealg=aes-cbc" ENDS),
                            "alg null goes with ealg aes-gcm alone");
        assert_string_equal(fault_of(IPSEC SHA ";ealg=aes-gcm" ENDS),
                            "ealg aes-gcm goes with alg null alone");
        assert_string_equal(fault_of(IPSEC ";alg=aes-gmac;ealg=aes-cbc" ENDS),
                            "alg aes-gmac goes with ealg null alone");
        assert_string_equal(fault_of(IPSEC SHA ";prot=ah" ENDS), "prot is not esp");
        assert_null(fault_of(IPSEC SHA ";prot=ESP" ENDS));
        assert_string_equal(fault_of(IPSEC SHA ";mod=tun" ENDS), "mod is neither trans nor UDP-enc-tun");
        assert_string_equal(fault_of(IPSEC SHA ";mod=x" ENDS), "mod is neither trans nor UDP-enc-tun");
        assert_string_equal(fault_of(IPSEC SHA), "spi-c, spi-s, port-c or port-s is missing");
        assert_string_equal(fault_of("tls"), "not ipsec-3gpp");
        assert_string_equal(fault_of(""), "no mechanism name");
        assert_string_equal(fault_of(";q=1"), "no mechanism name");
        assert_string_equal(fault_of(IPSEC ";alg"), "a parameter has no value");
        assert_string_equal(fault_of(IPSEC ";alg="), "a parameter is malformed");
        assert_string_equal(fault_of(IPSEC ";;alg=null"), "a parameter is malformed");
        assert_string_equal(fault_of(IPSEC SHA ", tls"), "a parameter is malformed");
        assert_string_equal(fault_of(IPSEC SHA SHA), "a parameter stands twice");
        assert_string_equal(fault_of(IPSEC ";x=1;X=2"), "a parameter stands twice");
        proves("SECAGREE-022 SECAGREE-024 SECAGREE-025");
}

static void numbers(void **state)
{
        static const char spi_fault[] = "an SPI is not a number of at most ten digits up to 4294967295";
        static const char port_fault[] = "a port is not a number up to 65535";
        struct sec_entry e;

        (void)state;
        assert_int_equal(
                sec_entry_read(SPAN(IPSEC ";spi-c=0;spi-s=4294967295;port-c=0;port-s=65535"), &e, NULL), 0);
        assert_true(e.has_ends && e.ends.spi_c == 0 && e.ends.spi_s == UINT32_MAX);
        assert_int_equal(e.ends.port_s, 65535);
        assert_string_equal(fault_of(IPSEC ";spi-c=4294967296"), spi_fault);
        assert_string_equal(fault_of(IPSEC ";spi-s=4294967296"), spi_fault);
        assert_string_equal(fault_of(IPSEC ";spi-c=00000000001"), spi_fault);
        assert_string_equal(fault_of(IPSEC ";spi-c=-1"), spi_fault);
        assert_string_equal(fault_of(IPSEC ";spi-c=0x100"), spi_fault);
        assert_string_equal(fault_of(IPSEC ";spi-c=\"300\""), spi_fault);
        assert_string_equal(fault_of(IPSEC ";port-c=65536"), port_fault);
        assert_string_equal(fault_of(IPSEC ";port-s=+1"), port_fault);
        /* three of four are not enough */
        assert_int_equal(sec_entry_read(SPAN(IPSEC SHA ";spi-c=300;spi-s=301;port-c=1;mod=trans"), &e, NULL),
                         0);
        assert_false(e.has_ends);
        proves("SECAGREE-028");
}

static void ends_that_cannot_be(void **state)
{
        static const char reserved[] = "an SPI up to 255 is reserved";
        static const char port[] = "a protected port is 0, 5060 or 5061";

        (void)state;
        assert_null(fault_of(IPSEC SHA ";spi-c=256;spi-s=257;port-c=1;port-s=65535"));
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=255;spi-s=257;port-c=1;port-s=2"), reserved);
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=257;spi-s=0;port-c=1;port-s=2"), reserved);
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=257;spi-s=257;port-c=1;port-s=2"),
                            "spi-c and spi-s are the same");
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=257;spi-s=258;port-c=0;port-s=2"), port);
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=257;spi-s=258;port-c=1;port-s=5060"), port);
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=257;spi-s=258;port-c=5061;port-s=2"), port);
        assert_string_equal(fault_of(IPSEC SHA ";spi-c=257;spi-s=258;port-c=7;port-s=7"),
                            "port-c and port-s are the same");
}

static void preference(void **state)
{
        static const struct {
                const char *text;
                int q;
        } good[] = {{"0", 0},     {"0.", 0},     {"1", 1000},    {"1.", 1000}, {"1.0", 1000}, {"1.000", 1000},
                    {"0.1", 100}, {"0.25", 250}, {"0.375", 375}, {"0.009", 9}, {"0.900", 900}};
        static const char *const bad[] = {"1.001", "1.1", "2",  "0.1234", "0.0001", "0.0000",
                                          "0.1.2", "01",  ".5", "-1",     "0,5",    "x",
                                          "1e0",   "0.x", "10", "\"0.5\""};
        struct sec_entry e;
        char value[64];

        (void)state;
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                (void)snprintf(value, sizeof(value), "tls;q=%s", good[i].text);
                assert_int_equal(sec_entry_read(span_of(value), &e, NULL), 0);
                assert_int_equal(e.q, good[i].q);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                (void)snprintf(value, sizeof(value), "tls;q=%s", bad[i]);
                assert_int_equal(sec_entry_read(span_of(value), &e, NULL), -IMS_EPARSE);
        }
        assert_string_equal(fault_of("tls;q"), "q is not 0 to 1 with at most three decimals");
        assert_string_equal(fault_of(IPSEC ";q=1.5" SHA ENDS), "q is not 0 to 1 with at most three decimals");
        assert_int_equal(sec_entry_read(SPAN("tls"), &e, NULL), 0);
        assert_int_equal(e.q, SEC_Q_NONE);
}

/* Every rotation of the parameters, forwards and backwards. */
static void any_order(void **state)
{
        static const char *const params[] = {";q=0.7",           SHA,          ";ealg=aes-cbc", ";prot=esp",
                                             ";mod=UDP-enc-tun", ";spi-c=300", ";spi-s=301",    ";port-c=302",
                                             ";port-s=303"};
        const size_t n = sizeof(params) / sizeof(params[0]);

        (void)state;
        for (size_t first = 0; first < 2 * n; first++) {
                struct buf b = BUF_INIT;
                struct sec_entry e;

                buf_puts(&b, IPSEC);
                for (size_t i = 0; i < n; i++)
                        buf_puts(&b, params[first < n ? (first + i) % n : (first - i) % n]);
                assert_int_equal(sec_entry_read(buf_as_span(&b), &e, NULL), 0);
                assert_int_equal(e.q, 700);
                assert_suite(e.suite, sha_cbc);
                assert_true(e.esp && e.has_alg && e.has_ealg && e.has_mode && e.has_ends);
                assert_int_equal(e.mode, SEC_MODE_UDP_ENC_TUN);
                assert_int_equal(e.ends.spi_c, 300);
                assert_int_equal(e.ends.spi_s, 301);
                assert_int_equal(e.ends.port_c, 302);
                assert_int_equal(e.ends.port_s, 303);
                buf_free(&b);
        }
        proves("SECAGREE-020");
}

static void mechanisms(void **state)
{
        struct sec_list l = list_of("TLS, ipsec-3gpp" SHA ENDS ", ipsec-ike, digest;d-qop=auth;alg;spi-c=x, "
                                    "ipsec-3gppx, " IPSEC ";mediasec" SHA ENDS ", tls;MEDIASEC");
        static const enum sec_mechanism want[] = {SEC_TLS,   SEC_IPSEC_3GPP, SEC_OTHER, SEC_OTHER,
                                                  SEC_OTHER, SEC_OTHER,      SEC_OTHER};

        (void)state;
        assert_int_equal(l.n, 7);
        for (size_t i = 0; i < l.n; i++) {
                assert_int_equal(l.e[i].mechanism, want[i]);
                assert_int_equal(sec_entry_usable(&l.e[i], NULL), i == 1);
        }
        assert_true(span_eq(l.e[2].raw, SPAN("ipsec-ike")));
        proves("SECAGREE-019");
}

static void of_tls_q_alone(void **state)
{
        struct sec_entry e;

        (void)state;
        assert_int_equal(sec_entry_read(SPAN("tls;q=0.3;alg=hmac-sha-1-96;ealg=aes-cbc;prot=ah;mod=tun;"
                                             "spi-c=99999999999;spi-s=x;port-c=70000;port-s;x=\"y\""),
                                        &e, NULL),
                         0);
        assert_int_equal(e.mechanism, SEC_TLS);
        assert_int_equal(e.q, 300);
        assert_false(e.has_alg || e.has_ealg || e.has_mode || e.has_ends);
        proves("SECAGREE-031");
}

static void one_pair_of_each(void **state)
{
        const char *why = NULL;
        struct sec_list l = list_of("tls, " IPSEC SHA ENDS ", " IPSEC ";alg=null;ealg=aes-gcm" ENDS);
        const struct sec_ends *ends = sec_list_ends(&l, &why);

        (void)state;
        assert_ptr_equal(ends, &l.e[1].ends);
        assert_null(why);
        l = list_of(IPSEC SHA ENDS ", " IPSEC SHA
                                   ";spi-c=1234567890;spi-s=1234567891;port-c=31060;port-s=31062");
        assert_null(sec_list_ends(&l, &why));
        assert_string_equal(why, "the mechanisms name different SPIs or ports");
        l = list_of(IPSEC SHA ENDS ", " IPSEC SHA ";spi-c=1234567890");
        assert_null(sec_list_ends(&l, &why));
        assert_string_equal(why, "spi-c, spi-s, port-c or port-s is missing");
        l = list_of("tls");
        assert_null(sec_list_ends(&l, &why));
        assert_string_equal(why, "no ipsec-3gpp mechanism");
        assert_null(sec_list_ends(&l, NULL));
}

static void limits(void **state)
{
        struct buf b = BUF_INIT;
        struct sec_list l = {.n = 0};
        struct sec_entry e;
        const char *why = NULL;

        (void)state;
        for (size_t i = 0; i < SEC_ENTRIES_MAX; i++)
                assert_int_equal(sec_list_add(&l, SPAN("tls"), &why), 0);
        assert_int_equal(sec_list_add(&l, SPAN("tls"), &why), -IMS_ETOOBIG);
        assert_string_equal(why, "too many mechanisms");
        assert_int_equal(l.n, SEC_ENTRIES_MAX);
        /* an error leaves the list as it was */
        l.n = 1;
        assert_int_equal(sec_list_add(&l, SPAN("tls;q=7"), NULL), -IMS_EPARSE);
        assert_int_equal(l.n, 1);
        /* a thousand parameters are refused, not searched a million times */
        buf_puts(&b, "ipsec-3gpp");
        for (int i = 0; i < 1000; i++)
                buf_printf(&b, ";p%d=1", i);
        assert_int_equal(sec_entry_read(buf_as_span(&b), &e, &why), -IMS_EPARSE);
        assert_string_equal(why, "too many parameters");
        buf_free(&b);
}

static void suites(void **state)
{
        static const char *const bad[] = {
                "",           "hmac-sha-1-96",       "hmac-sha-1-96/",         "/null",
                "null/null",  "null/aes-cbc",        "hmac-sha-1-96/aes-gcm",  "aes-gmac/aes-cbc",
                "other/null", "hmac-sha-1-96/other", "hmac-sha-1-96/null/null"};
        struct sec_suite s = gcm;
        struct buf b = BUF_INIT;
        unsigned allowed = 0;

        (void)state;
        for (enum sec_alg a = SEC_ALG_NULL; a < SEC_ALG_OTHER; a++) {
                for (enum sec_ealg e = SEC_EALG_NULL; e < SEC_EALG_OTHER; e++) {
                        struct sec_suite in = {a, e};

                        buf_reset(&b);
                        sec_suite_write(in, &b);
                        assert_int_equal(sec_suite_parse(buf_as_span(&b), &s),
                                         sec_suite_allowed(in) ? 0 : -IMS_EPARSE);
                        assert_int_equal(sec_suite_encrypts(in), e != SEC_EALG_NULL);
                        if (!sec_suite_allowed(in))
                                continue;
                        allowed++;
                        assert_suite(s, in);
                }
        }
        assert_int_equal(allowed, 8); /* gcm, gmac; sha-1 and md5 with null, aes-cbc and 3DES each */
        assert_int_equal(sec_suite_parse(SPAN(" HMAC-SHA-1-96 / Aes-CBC "), &s), 0);
        assert_suite(s, sha_cbc);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(sec_suite_parse(span_of(bad[i]), &s), -IMS_EPARSE);
        assert_suite(s, sha_cbc);
        assert_false(sec_suite_allowed((struct sec_suite){SEC_ALG_OTHER, SEC_EALG_NULL}));
        assert_false(sec_suite_allowed((struct sec_suite){SEC_ALG_HMAC_SHA_1_96, SEC_EALG_OTHER}));
        assert_string_equal(sec_alg_name(SEC_ALG_OTHER), "other");
        assert_string_equal(sec_mode_name(SEC_MODE_UDP_ENC_TUN), "UDP-enc-tun");
        buf_free(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(accepted),
                cmocka_unit_test(refused),
                cmocka_unit_test(faults),
                cmocka_unit_test(numbers),
                cmocka_unit_test(ends_that_cannot_be),
                cmocka_unit_test(preference),
                cmocka_unit_test(any_order),
                cmocka_unit_test(mechanisms),
                cmocka_unit_test(of_tls_q_alone),
                cmocka_unit_test(one_pair_of_each),
                cmocka_unit_test(limits),
                cmocka_unit_test(suites),
        };
        int r;

        vectors = json_read(TEST_DATA "/vectors/sec-agree.json");
        r = cmocka_run_group_tests_name("ipsec.sec_agree_read", tests, NULL, NULL);
        free(vectors);
        return r;
}
