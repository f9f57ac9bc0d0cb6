/* SPDX-License-Identifier: BSD-3-Clause
 * A REGISTER as the I-CSCF reads it. */
#include "tests/fuzz/fuzz.h"

#include "common/sip/grammar.h"
#include "icscf/reg_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static int ready;
        struct sip_msg *m = NULL;
        struct reg_facts f;
        const char *why = NULL;
        size_t used = 0;
        int rc;

        if (!ready)
                sip_grammar_init();
        ready = 1;
        if (sip_msg_parse(span_make(data, n), SIP_DATAGRAM, &m, &used) != 0)
                return 0;
        if (m->is_request && !m->fault) {
                rc = reg_read(m, &f, &why);
                MUST(rc == 0 ? f.impi.n > 0 && f.impu.n > 0 : rc == -IMS_ENOMEM || why);
                reg_facts_free(&f);
        }
        sip_msg_unref(m);
        return 0;
}
