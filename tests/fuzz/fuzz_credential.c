/* SPDX-License-Identifier: BSD-3-Clause
 * Credential files of the UE: a set that was read and finished is whole. */
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#include "common/base/secret.h"
#include "ue/credential.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static const enum credential_kind kinds[] = {CREDENTIAL_ISIM, CREDENTIAL_USIM, CREDENTIAL_IMC};
        struct credential c;
        struct buf err = BUF_INIT;
        char path[64];
        const int fd = memfd_create("credential", 0);

        MUST(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data, n) == (ssize_t)n);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (credential_load(path, kinds[n % 3], &c, &err) == 0) {
                if (credential_finish(&c, n & 1, &err) == 0)
                        MUST(c.impi[0] && c.domain[0] && c.n_impu > 0 &&
                             (c.key.k_n >= 16 || credential_has_password(&c)));
                else
                        MUST(err.n > 0);
                credential_wipe(&c);
        } else {
                MUST(err.n > 0);
        }
        for (size_t i = 0; i < sizeof(c); i++)
                MUST(((const char *)&c)[i] == 0); /* no key stays behind */
        (void)close(fd);
        buf_free(&err);
        return 0;
}
