/* SPDX-License-Identifier: BSD-3-Clause
 * What of the kernel object needs no kernel: whose a number is, which run lives, what a refusal means. With a
 * kernel: tests/kernel/test_sa*.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ipsec/sa_kernel_int.h"

static void numbers(void **state)
{
        struct sa_kernel *k = calloc(1, sizeof(*k));
        uint8_t *seen = calloc(TAG_COUNTS, 1);
        uint32_t n;

        (void)state;
        assert_true(k && seen);
        k->tag = tag_of(SA_END_PCSCF, 4095);
        for (uint32_t i = 1; i < TAG_COUNTS; i++) {
                n = sa_kernel_reqid(k);
                assert_int_equal(n & ~(TAG_COUNTS - 1), k->tag);
                assert_true(tag_is_of(n, SA_END_PCSCF) && !tag_is_of(n, SA_END_UE));
                assert_int_equal(tag_run(n), 4095);
                n &= TAG_COUNTS - 1;
                assert_true(n != 0 && !seen[n]);
                seen[n] = 1;
        }
        n = sa_kernel_reqid(k) & (TAG_COUNTS - 1);
        k->count = 0;
        k->live[n / 32] |= 1U << n % 32; /* a set has it: it is passed over */
        assert_int_not_equal(sa_kernel_reqid(k) & (TAG_COUNTS - 1), n);
        memset(k->live, 0xff, sizeof(k->live));
        assert_int_equal(sa_kernel_reqid(k), 0);
        free(seen);
        free(k);
}

static void runs(void **state)
{
        uint32_t a, b;
        int fd_a, fd_b;

        (void)state;
        assert_int_equal(sa_run_take(SA_END_UE, &fd_a, &a), 0);
        assert_int_equal(sa_run_take(SA_END_UE, &fd_b, &b), 0);
        assert_int_not_equal(a, b);
        assert_true(tag_is_of(a, SA_END_UE));
        assert_true(sa_run_lives(a) && sa_run_lives(b));
        (void)close(fd_a);
        assert_false(sa_run_lives(a));
        assert_true(sa_run_lives(b));
        (void)close(fd_b);
        assert_false(sa_run_lives(b));
}

static void says(const struct buf *b, const char *part)
{
        if (!memmem(b->p, b->n, part, strlen(part)))
                fail_msg("\"%s\" is not in \"%.*s\"", part, (int)b->n, b->p);
}

static void sentences(void **state)
{
        static const struct {
                int sys_err;
                const char *says;
                int err;
        } opening[] = {
                {EPROTONOSUPPORT, "CONFIG_XFRM_USER", -IMS_EUNSUPPORTED},
                {EAFNOSUPPORT, "modprobe xfrm_user", -IMS_EUNSUPPORTED},
                {EPERM, "CAP_NET_ADMIN", -IMS_EPERM},
                {EMFILE, "Too many open files", -IMS_EIO},
        };
        static const struct {
                struct sec_suite suite;
                int family, sys_err;
                const char *says;
        } refused[] = {
                {{SEC_ALG_NULL, SEC_EALG_AES_GCM},
                 AF_INET,
                 EPROTONOSUPPORT,
                 "modprobe esp4; CONFIG_INET_ESP"},
                {{SEC_ALG_NULL, SEC_EALG_AES_GCM},
                 AF_INET6,
                 EPROTONOSUPPORT,
                 "modprobe esp6; CONFIG_INET6_ESP"},
                {{SEC_ALG_NULL, SEC_EALG_AES_GCM},
                 AF_INET,
                 ENOSYS,
                 "does not do null/aes-gcm: it needs the modules gcm"},
                {{SEC_ALG_AES_GMAC, SEC_EALG_NULL},
                 AF_INET,
                 ENOENT,
                 "aes-gmac/null: it needs the modules gcm"},
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL}, AF_INET, ENOENT, "CONFIG_CRYPTO_NULL"},
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC}, AF_INET, ENOENT, "CONFIG_CRYPTO_CBC"},
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_DES_EDE3_CBC}, AF_INET, ENOENT, "CONFIG_CRYPTO_DES"},
                {{SEC_ALG_HMAC_MD5_96, SEC_EALG_DES_EDE3_CBC}, AF_INET, ENOENT, "CONFIG_CRYPTO_MD5"},
                {{SEC_ALG_HMAC_MD5_96, SEC_EALG_NULL}, AF_INET, ENOENT, "CONFIG_CRYPTO_MD5"},
                {{SEC_ALG_HMAC_MD5_96, SEC_EALG_NULL}, AF_INET, ENOPROTOOPT, "UDP_ENCAP"},
                {{SEC_ALG_HMAC_MD5_96, SEC_EALG_NULL}, AF_INET, EPERM, "CAP_NET_ADMIN"},
                {{SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL}, AF_INET, EINVAL, "Invalid argument"},
        };
        struct buf why = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(opening) / sizeof(opening[0]); i++) {
                buf_reset(&why);
                sa_why_open(&why, opening[i].sys_err);
                says(&why, opening[i].says);
                assert_int_equal(sa_error(opening[i].sys_err), opening[i].err);
        }
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                buf_reset(&why);
                sa_why_refused(&why, refused[i].suite, refused[i].family, refused[i].sys_err,
                               "its own words");
                says(&why, refused[i].says);
                says(&why, "(the kernel says: its own words)");
        }
        assert_int_equal(sa_error(0), 0);
        assert_int_equal(sa_error(EEXIST), -IMS_EEXISTS);
        assert_int_equal(sa_error(ENOBUFS), -IMS_ENOMEM);
        assert_int_equal(sa_error(ESRCH), -IMS_ENOTFOUND);
        buf_free(&why);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(numbers),
                cmocka_unit_test(runs),
                cmocka_unit_test(sentences),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
