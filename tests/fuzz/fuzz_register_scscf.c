/* SPDX-License-Identifier: BSD-3-Clause
 * A REGISTER as the registrar reads it. */
#include "tests/fuzz/fuzz.h"

#include "common/sip/grammar.h"
#include "scscf/reg_request.h"

static void read_register(const struct sip_msg *m)
{
        static char *home[] = {"ims.mnc001.mcc001.3gppnetwork.org"};
        static const struct scscf_conf conf = {.home_domains = {.items = home, .n = 1},
                                               .min_expires_s = 60,
                                               .max_expires_s = 600000,
                                               .default_expires_s = 600000,
                                               .max_contacts = 4};
        struct reg_request rq;
        struct reg_refusal why;
        const int rc = reg_request_read(m, &conf, &rq, &why);

        if (rc == 0) {
                MUST(rq.impi.n > 0 && rq.impu.n > 0 && rq.contacts.n <= 4);
                (void)reg_request_procedure(&rq, true);
        } else {
                MUST(rc == -IMS_ENOMEM || why.status >= 400);
        }
        reg_request_clear(&rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
        static int ready;
        struct sip_msg *m = NULL;
        size_t used = 0;

        if (!ready)
                sip_grammar_init();
        ready = 1;
        if (sip_msg_parse(span_make(data, n), SIP_DATAGRAM, &m, &used) != 0)
                return 0;
        if (m->is_request && !m->fault)
                read_register(m);
        sip_msg_unref(m);
        return 0;
}
