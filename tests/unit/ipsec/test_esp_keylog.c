/* SPDX-License-Identifier: BSD-3-Clause
 * The key log of ESP: its lines (tests/interop/esp has tshark read them) and what happens when there is no
 * file or no room. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/ipsec/esp_keylog.h"

static char dir[] = "/tmp/esp_keylog_XXXXXX";
static char file[64];

static const struct esp_keys keys = {.integrity = {0xa1, 0xa2}, .encryption = {0xe1, 0xe2}, 20, 16};

static struct sa_params params(const char *ue, const char *pcscf, struct sec_suite s, enum sec_mode m)
{
        struct sa_params p = {.ue_ends = {0x101, 0x102, 31060, 31061},
                              .pcscf_ends = {0xfffffff1, 0xfffffff2, 41060, 41061},
                              .suite = s,
                              .mode = m};

        assert_int_equal(addr_parse(span_of(ue), 0, &p.ue), 0);
        assert_int_equal(addr_parse(span_of(pcscf), 0, &p.pcscf), 0);
        return p;
}

static const char *content(void)
{
        static char text[8192];
        FILE *f = fopen(file, "r");

        assert_non_null(f);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        (void)fclose(f);
        return text;
}

static int fresh(void **state)
{
        (void)state;
        (void)unlink(file);
        return 0;
}

static void four_lines(void **state)
{
        struct sa_params p =
                params("192.0.2.10", "198.51.100.1",
                       (struct sec_suite){SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC}, SEC_MODE_TRANS);
        struct esp_keylog *l = NULL;
        struct stat st;

        (void)state;
        assert_int_equal(esp_keylog_open(file, &l), 0);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        esp_keylog_write(l, &p, &keys);
#define TAIL                                                                                                 \
        ",\"AES-CBC [RFC3602]\",\"0xe1e20000000000000000000000000000\",\"HMAC-SHA-1-96 [RFC2404]\","         \
        "\"0xa1a2000000000000000000000000000000000000\"\n"
        assert_string_equal(content(), "\"IPv4\",\"192.0.2.10\",\"198.51.100.1\",\"0xfffffff2\"" TAIL
                                       "\"IPv4\",\"198.51.100.1\",\"192.0.2.10\",\"0x00000101\"" TAIL
                                       "\"IPv4\",\"198.51.100.1\",\"192.0.2.10\",\"0x00000102\"" TAIL
                                       "\"IPv4\",\"192.0.2.10\",\"198.51.100.1\",\"0xfffffff1\"" TAIL);
        esp_keylog_close(l);
        /* a second run goes on behind */
        assert_int_equal(esp_keylog_open(file, &l), 0);
        esp_keylog_write(l, &p, &keys);
        esp_keylog_close(l);
        assert_int_equal(stat(file, &st), 0);
        assert_int_equal(st.st_size, strlen(content()));
        assert_non_null(strstr(content() + st.st_size / 2, "\"0xfffffff2\""));
}

/* The outer address of a UE behind a NAT is another on either side of it. */
static void tunnel_addresses(void **state)
{
        struct sa_params p = params("2001:db8::a", "2001:db8::1",
                                    (struct sec_suite){SEC_ALG_NULL, SEC_EALG_AES_GCM}, SEC_MODE_UDP_ENC_TUN);
        struct esp_keylog *l = NULL;

        (void)state;
        assert_int_equal(esp_keylog_open(file, &l), 0);
        esp_keylog_write(l, &p, &keys);
        assert_non_null(strstr(content(), "\"IPv6\",\"2001:db8::a\",\"2001:db8::1\",\"0xfffffff2\","
                                          "\"AES-GCM with 16 octet ICV [RFC4106]\""));
        assert_int_equal(addr_parse(SPAN("fd00::a"), 0, &p.ue_local), 0);
        esp_keylog_write(l, &p, &keys);
        assert_non_null(strstr(content(), "\"IPv6\",\"fd00::a\",\"2001:db8::1\",\"0xfffffff2\""));
        assert_non_null(strstr(content(), "\"IPv6\",\"2001:db8::1\",\"fd00::a\",\"0x00000101\""));
        esp_keylog_close(l);
}

static void gmac_writes_no_key(void **state)
{
        struct sa_params p = params("192.0.2.10", "198.51.100.1",
                                    (struct sec_suite){SEC_ALG_AES_GMAC, SEC_EALG_NULL}, SEC_MODE_TRANS);
        struct esp_keylog *l = NULL;
        const char *text;

        (void)state;
        assert_int_equal(esp_keylog_open(file, &l), 0);
        esp_keylog_write(l, &p, &keys);
        esp_keylog_close(l);
        text = content();
        for (const char *line = text; *line; line = strchr(line, '\n') + 1)
                assert_int_equal(*line, '#');
        assert_null(strstr(text, "a1a2"));
        assert_non_null(strstr(text, "\"0xfffffff2\""));
}

static void not_asked_for(void **state)
{
        struct sa_params p = params("192.0.2.10", "198.51.100.1",
                                    (struct sec_suite){SEC_ALG_NULL, SEC_EALG_AES_GCM}, SEC_MODE_TRANS);
        struct esp_keylog *l = (struct esp_keylog *)&p;

        (void)state;
        assert_int_equal(esp_keylog_open(NULL, &l), 0);
        assert_null(l);
        esp_keylog_write(l, &p, &keys);
        esp_keylog_close(l);
        assert_int_equal(esp_keylog_open("/nonexistent/esp_sa", &l), -IMS_EIO);
        assert_null(l);
}

/* Whole lines stay, and nothing is written any more once there was no room. */
static void no_room(void **state)
{
        struct sa_params p =
                params("192.0.2.10", "198.51.100.1",
                       (struct sec_suite){SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC}, SEC_MODE_TRANS);
        struct rlimit old, tight;
        struct esp_keylog *l = NULL;
        char before[8192];
        size_t n;

        (void)state;
        assert_int_equal(esp_keylog_open(file, &l), 0);
        esp_keylog_write(l, &p, &keys);
        n = strlen(strcpy(before, content()));
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
        tight = old;
        tight.rlim_cur = n + n / 2;
        (void)signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        esp_keylog_write(l, &p, &keys);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_string_equal(content(), before);
        esp_keylog_write(l, &p, &keys);
        assert_string_equal(content(), before);
        esp_keylog_close(l);

        assert_int_equal(esp_keylog_open("/dev/full", &l), 0);
        esp_keylog_write(l, &p, &keys);
        esp_keylog_write(l, &p, &keys);
        esp_keylog_close(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(four_lines, fresh),
                cmocka_unit_test_setup(tunnel_addresses, fresh),
                cmocka_unit_test_setup(gmac_writes_no_key, fresh),
                cmocka_unit_test_setup(not_asked_for, fresh),
                cmocka_unit_test_setup(no_room, fresh),
        };
        int r;

        if (!mkdtemp(dir))
                return 2;
        (void)snprintf(file, sizeof(file), "%s/esp_sa", dir);
        r = cmocka_run_group_tests_name("ipsec.esp_keylog", tests, NULL, NULL);
        (void)unlink(file);
        (void)rmdir(dir);
        return r;
}
