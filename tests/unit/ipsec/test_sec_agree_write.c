/* SPDX-License-Identifier: BSD-3-Clause
 * Writing of lists, reading them back, joining and comparing them. */
#include <stdlib.h>

#include "tests/unit/ipsec/lists.h"
#include "tests/unit/proves.h"

#define TRANS (1u << SEC_MODE_TRANS)
#define TUN   (1u << SEC_MODE_UDP_ENC_TUN)

static const struct sec_ends ends = {3100000011u, 4712, 41060, 41061};

static const char *written(const struct sec_write *w, struct buf *out)
{
        buf_reset(out);
        sec_list_write(w, out);
        buf_char(out, '\0');
        assert_int_equal(out->err, 0);
        return out->p;
}

static void security_server(void **state)
{
        const struct sec_suite suites[] = {sha_cbc, sha_null};
        struct sec_write w = {suites, 2, TRANS, ends, .with_q = true, .with_ealg = true, .name_mode = true};
        struct buf b = BUF_INIT;

        (void)state;
        assert_string_equal(written(&w, &b),
                            "ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;prot=esp;"
                            "spi-c=3100000011;spi-s=0000004712;port-c=41060;port-s=41061, "
                            "ipsec-3gpp;q=0.8;alg=hmac-sha-1-96;ealg=null;mod=trans;prot=esp;"
                            "spi-c=3100000011;spi-s=0000004712;port-c=41060;port-s=41061");
        w.n = 1, w.with_q = w.name_mode = false;
        w.ends = (struct sec_ends){256, 4294967295u, 1, 65535};
        assert_string_equal(written(&w, &b), "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;prot=esp;"
                                             "spi-c=0000000256;spi-s=4294967295;port-c=1;port-s=65535");
        buf_free(&b);
}

/* No encryption algorithm is named, not even by a caller that left one in. */
static void never_encrypts(void **state)
{
        const struct sec_suite suites[] = {gcm, sha_cbc, gmac, sha_null};
        struct sec_write w = {suites, 4, TRANS, ends, .with_q = true};
        struct buf b = BUF_INIT;
        struct sec_list l = list_of(written(&w, &b));

        (void)state;
        assert_int_equal(l.n, 2);
        assert_suite(l.e[0].suite, gmac);
        assert_suite(l.e[1].suite, sha_null);
        assert_null(strstr(b.p, "ealg"));
        assert_null(strstr(b.p, "mod="));
        assert_int_equal(l.e[1].q, 800);
        buf_free(&b);
}

/* A UE with both modes offers each suite in each. mod is needed where it is not the default. */
static void both_modes(void **state)
{
        const struct sec_suite suites[] = {gcm, sha_cbc};
        struct sec_write w = {suites, 2, TRANS | TUN, ends, .with_ealg = true};
        struct buf b = BUF_INIT;
        struct sec_list l = list_of(written(&w, &b));

        (void)state;
        assert_int_equal(l.n, 4);
        for (size_t i = 0; i < 4; i++) {
                assert_suite(l.e[i].suite, suites[i / 2]);
                assert_int_equal(l.e[i].mode, i % 2 ? SEC_MODE_UDP_ENC_TUN : SEC_MODE_TRANS);
                assert_int_equal(l.e[i].has_mode, i % 2);
                assert_int_equal(l.e[i].q, SEC_Q_NONE);
                assert_true(sec_entry_usable(&l.e[i], NULL));
        }
        buf_free(&b);
}

/* All lengths read back equal, q always falling from 0.9 to no less than 0.1. */
static void reads_back(void **state)
{
        const struct sec_suite some[] = {gcm, gmac, sha_cbc, sha_null, md5_null, sha_3des};
        struct sec_suite suites[SEC_SUITES_MAX];
        struct buf b = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < SEC_SUITES_MAX; i++)
                suites[i] = some[i % 6];
        for (size_t n = 0; n <= SEC_SUITES_MAX; n++) {
                for (unsigned m = 1; m < 4; m++) {
                        struct sec_write w = {suites, n, m, ends, true, true, n % 2 == 1};
                        const char *text = written(&w, &b);
                        const struct sec_ends *got;
                        struct sec_list l;

                        if (!n) {
                                assert_string_equal(text, "");
                                continue;
                        }
                        l = list_of(text);
                        assert_int_equal(l.n, m == 3 ? 2 * n : n);
                        assert_int_equal(l.e[0].q, 900);
                        for (size_t i = 0; i < l.n; i++) {
                                assert_suite(l.e[i].suite, suites[m == 3 ? i / 2 : i]);
                                assert_true(sec_entry_usable(&l.e[i], NULL));
                                assert_true(l.e[i].q >= 100);
                                assert_true(!i || l.e[i].q < l.e[i - 1].q);
                        }
                        got = sec_list_ends(&l, NULL);
                        assert_non_null(got);
                        assert_memory_equal(got, &ends, sizeof(ends));
                        assert_null(sec_list_differs(&l, &l, NULL));
                }
        }
        buf_free(&b);
}

static void joins(void **state)
{
        const struct sec_list l = list_of(" tls;q=0.5 , " IPSEC SHA ENDS ",x;y=\"a,b\""), empty = {.n = 0};
        struct buf b = BUF_INIT;

        (void)state;
        sec_list_join(&empty, &b);
        assert_int_equal(b.n, 0);
        sec_list_join(&l, &b);
        assert_true(span_eq(buf_as_span(&b), SPAN("tls;q=0.5, " IPSEC SHA ENDS ", x;y=\"a,b\"")));
        buf_free(&b);
}

/* What differs from a list with two mechanisms, and where. */
static const char *differs(const char *other, size_t *at)
{
        struct sec_list a =
                list_of("tls;q=0.9, ipsec-3gpp;q=0.5;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;prot=esp;"
                        "spi-c=0000004711;spi-s=4712;port-c=4000;port-s=4001;x=\"Y\"");
        struct sec_list b = list_of(other);
        size_t back = 99;
        const char *what = sec_list_differs(&a, &b, at), *other_way = sec_list_differs(&b, &a, &back);

        assert_true(!what == !other_way);
        if (what) {
                assert_string_equal(what, other_way);
                assert_int_equal(back, *at);
        } else {
                assert_int_equal(back, 99);
        }
        return what;
}

#define REST ";prot=esp;spi-c=4711;spi-s=4712;port-c=4000;port-s=4001;x=\"Y\""

static void says_the_same(void **state)
{
        size_t at = 99;

        (void)state;
        assert_null(differs("tls;q=0.9,ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc;mod=trans" REST, &at));
        /* order, case, white space, leading zeros, defaults */
        assert_null(differs(
                "TLS ; Q=0.900 ,\t IPsec-3GPP;X=\"Y\";port-s=4001 ; port-c=04000;SPI-S=0000004712;spi-c=4711;"
                "eALG=AES-cbc;alg=HMAC-SHA-1-96;q=0.50 ",
                &at));
        assert_int_equal(at, 99);
}

static void names_what_differs(void **state)
{
        static const struct {
                const char *text, *what;
                size_t at;
        } rows[] = {
                {"tls;q=0.9", "number of mechanisms", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc" REST ", tls", "number of mechanisms", 2},
                {"ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc" REST ", tls;q=0.9", "mechanism", 0},
                {"tls;q=0.8, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc" REST, "q", 0},
                {"tls, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc" REST, "q", 0},
                {"tls;q=0.9, ipsec-3gpp;q=0.501" SHA ";ealg=aes-cbc" REST, "q", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5;alg=aes-gmac;ealg=aes-cbc" REST, "alg", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5;ealg=aes-cbc" REST, "alg", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA ";ealg=null" REST, "ealg", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA REST, "ealg", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc;mod=UDP-enc-tun" REST, "mod", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;prot=ah;spi-c=4711;spi-s=4712;port-c=4000;port-s=4001;x=\"Y\"",
                 "prot", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;spi-c=4710;spi-s=4712;port-c=4000;port-s=4001;x=\"Y\"",
                 "spi-c", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;spi-c=4711;spi-s=4713;port-c=4000;port-s=4001;x=\"Y\"",
                 "spi-s", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc;spi-c=4711;port-c=4000;port-s=4001;x=\"Y\"",
                 "spi-s", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;spi-c=4711;spi-s=4712;port-c=4002;port-s=4001;x=\"Y\"",
                 "port-c", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;spi-c=4711;spi-s=4712;port-c=4000;port-s=4002;x=\"Y\"",
                 "port-s", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc;mediasec" REST, "mediasec", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA ";ealg=aes-cbc;y=1" REST,
                 "a parameter that is not known here", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;spi-c=4711;spi-s=4712;port-c=4000;port-s=4001;x=\"y\"",
                 "a parameter that is not known here", 1},
                {"tls;q=0.9, ipsec-3gpp;q=0.5" SHA
                 ";ealg=aes-cbc;spi-c=4711;spi-s=4712;port-c=4000;port-s=4001",
                 "a parameter that is not known here", 1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                size_t at = 99;
                const char *what = differs(rows[i].text, &at);

                if (!what)
                        fail_msg("row %zu: nothing differs", i);
                assert_string_equal(what, rows[i].what);
                assert_int_equal(at, rows[i].at);
        }
}

/* Algorithms that nobody knows are still told apart; a default is one of ipsec-3gpp alone. */
static void unknown_values(void **state)
{
        struct sec_list a = list_of(IPSEC ";alg=foo" ENDS), b = list_of(IPSEC ";alg=bar" ENDS);

        (void)state;
        assert_string_equal(sec_list_differs(&a, &b, NULL), "alg");
        a = list_of("digest;d-alg=md5"), b = list_of("digest;d-alg=sha-256");
        assert_string_equal(sec_list_differs(&a, &b, NULL), "a parameter that is not known here");
        b = list_of("sdes-srtp;d-alg=md5");
        assert_string_equal(sec_list_differs(&a, &b, NULL), "mechanism");
        a = list_of("tls;mod=trans"), b = list_of("tls");
        assert_string_equal(sec_list_differs(&a, &b, NULL), "mod");
        a.n = b.n = 0;
        assert_null(sec_list_differs(&a, &b, NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(security_server),
                cmocka_unit_test(never_encrypts),
                cmocka_unit_test(both_modes),
                cmocka_unit_test(reads_back),
                cmocka_unit_test(joins),
                cmocka_unit_test(says_the_same),
                cmocka_unit_test(names_what_differs),
                cmocka_unit_test(unknown_values),
        };

        return cmocka_run_group_tests_name("ipsec.sec_agree_write", tests, NULL, NULL);
}
