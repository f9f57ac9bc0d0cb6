/* SPDX-License-Identifier: BSD-3-Clause
 * Requests to the bootstrapping listener: what is read stays inside the input and within its limits, however
 * much of it has come yet. */
#include "tests/fuzz/fuzz.h"

#include "hss/bootstrap_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        struct span in = span_make(data, n);
        struct bootstrap_request r, part;
        int rc = bootstrap_request_parse(in, &r);

        if (rc == 0) {
                MUST(r.n > 0 && r.n <= n && r.n <= BOOTSTRAP_REQUEST_MAX);
                MUST(r.method.n > 0 && r.method.p >= in.p && r.method.p + r.method.n <= in.p + r.n);
                MUST(r.target.n > 0 && r.target.p >= in.p && r.target.p + r.target.n <= in.p + r.n);
                MUST(bootstrap_request_parse(span_sub(in, 0, r.n), &part) == 0 && part.n == r.n);
                MUST(bootstrap_request_parse(span_sub(in, 0, r.n - 1), &part) == -IMS_EINCOMPLETE);
        } else {
                MUST(rc == -IMS_EINCOMPLETE || rc == -IMS_EPARSE || rc == -IMS_ETOOBIG);
                MUST(n < BOOTSTRAP_REQUEST_MAX || rc != -IMS_EINCOMPLETE);
        }
        return 0;
}
