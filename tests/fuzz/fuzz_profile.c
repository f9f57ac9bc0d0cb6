/* SPDX-License-Identifier: BSD-3-Clause
 * The user profile: what is read and can be written must be readable, and be written the same again. */
#include "tests/fuzz/fuzz.h"

#include "common/profile/profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct buf err = BUF_INIT, once = BUF_INIT, twice = BUF_INIT;
        struct profile *p = NULL, *again = NULL;
        const int rc = profile_parse(span_make(data, n), &p, &err);
        MUST(rc == 0 || err.n > 0 || rc == -IMS_ENOMEM);
        if (rc == 0) {
                (void)profile_default_impu(p);
                MUST(profile_find_impu(p, span_of(p->services[0].impus[0].identity)) != NULL);
                if (profile_write(p, &once) == 0) {
                        MUST(profile_parse(buf_as_span(&once), &again, &err) == 0);
                        MUST(again->n_services == p->n_services);
                        MUST(profile_write(again, &twice) == 0);
                        MUST(once.n == twice.n || again->services[0].impus[0].has_alias_group);
                }
        }
        profile_free(p);
        profile_free(again);
        buf_free(&err);
        buf_free(&once);
        buf_free(&twice);
        return 0;
}
