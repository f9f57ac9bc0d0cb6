/* SPDX-License-Identifier: BSD-3-Clause
 * One value of P-Access-Network-Info. */
#include "common/sip/access_network.h"

#include "common/sip/msg_lex.h"

struct sip_access_network sip_access_network_read(struct span value)
{
        struct sip_lex l = sip_lex_of(span_trim(value));
        struct sip_access_network a = {.type = sip_lex_token(&l)};
        struct span name, v;
        int got;

        while ((got = sip_lex_param(&l, &name, &v)) > 0)
                if (span_ieq(name, SPAN("network-provided")))
                        a.network_provided = true;
        a.broken = got < 0 || !a.type.n;
        return a;
}
