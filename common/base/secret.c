/* SPDX-License-Identifier: BSD-3-Clause
 * Wiping, constant-time comparison, randomness and keeping out of core dumps. */
#include "common/base/secret.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "common/base/log.h"

void secret_wipe(void *p, size_t n)
{
        if (n)
                explicit_bzero(p, n);
}

void secret_free(void *p, size_t n)
{
        if (!p)
                return;
        secret_wipe(p, n);
        free(p);
}

bool secret_eq(const void *a, const void *b, size_t n)
{
        return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

int secret_random(void *out, size_t n)
{
        if (n > INT_MAX || RAND_bytes(out, (int)n) != 1)
                return -IMS_ECRYPTO;
        return 0;
}

void secret_no_dump(void)
{
        const struct rlimit none = {0, 0};

        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
                log_warn("core dumps could not be switched off");
}
