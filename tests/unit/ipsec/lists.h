/* SPDX-License-Identifier: BSD-3-Clause
 * Lists of mechanisms for the tests of this folder. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/ipsec/sec_agree.h"
#include "common/sip/msg_lex.h"

#define ENDS  ";spi-c=1234567890;spi-s=1234567891;port-c=31060;port-s=31061"
#define SHA   ";alg=hmac-sha-1-96"
#define IPSEC "ipsec-3gpp"

static const struct sec_suite sha_null = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL};
static const struct sec_suite sha_cbc = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC};
static const struct sec_suite gcm = {SEC_ALG_NULL, SEC_EALG_AES_GCM};
static const struct sec_suite gmac = {SEC_ALG_AES_GMAC, SEC_EALG_NULL};
static const struct sec_suite md5_null = {SEC_ALG_HMAC_MD5_96, SEC_EALG_NULL};
static const struct sec_suite sha_3des = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_DES_EDE3_CBC};

/* Reads a comma list to its end or to the first value that is malformed. */
static inline int list_read(const char *text, struct sec_list *out, const char **why)
{
        struct span rest = span_of(text);
        int r = 0;

        out->n = 0;
        while (!r) {
                size_t n = sip_lex_value_end(rest);

                r = sec_list_add(out, span_sub(rest, 0, n), why);
                if (n == rest.n)
                        break;
                rest = span_sub(rest, n + 1, rest.n);
        }
        return r;
}

static inline struct sec_list list_of(const char *text)
{
        struct sec_list l;
        const char *why = NULL;

        if (list_read(text, &l, &why) != 0)
                fail_msg("%s: %s", text, why);
        return l;
}

static inline void assert_suite(struct sec_suite got, struct sec_suite want)
{
        assert_string_equal(sec_alg_name(got.alg), sec_alg_name(want.alg));
        assert_string_equal(sec_ealg_name(got.ealg), sec_ealg_name(want.ealg));
}
