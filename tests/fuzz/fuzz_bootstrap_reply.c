/* SPDX-License-Identifier: BSD-3-Clause
 * Answers of a bootstrapping server: whatever is taken gives a credential file that is read back the same. */
#include "tests/fuzz/fuzz.h"

#include "ue/bootstrap_reply.h"

static void check_file(const struct bootstrap_reply *r)
{
        struct credential again = {.kind = CREDENTIAL_IMC};
        struct buf text = BUF_INIT, err = BUF_INIT;
        struct span rest, line;

        bootstrap_reply_write(r, &text);
        rest = buf_as_span(&text);
        while (span_split(&rest, '\n', &line)) {
                ptrdiff_t colon = span_chr(line, ':', 0);

                if (line.n == 0 || line.p[0] == '#')
                        continue;
                MUST(colon > 0);
                MUST(credential_set(&again, span_sub(line, 0, (size_t)colon),
                                    span_trim(span_sub(line, (size_t)colon + 1, line.n)), &err) == 0);
        }
        MUST(strcmp(again.impi, r->cred.impi) == 0 && again.n_impu == r->cred.n_impu);
        buf_free(&text);
        buf_free(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct bootstrap_reply r;
        struct buf err = BUF_INIT;
        int rc = bootstrap_reply_read(200, span_make(data, n), &r, &err);

        MUST(rc == 0 || rc == -IMS_EPARSE);
        if (rc == 0)
                check_file(&r);
        buf_free(&err);
        MUST(bootstrap_reply_read(403, span_make(data, n), &r, &err) == -IMS_EPERM);
        MUST(!r.cred.password[0]);
        buf_free(&err);
        return 0;
}
