/* SPDX-License-Identifier: BSD-3-Clause
 * Names of transports (RFC 3261 25.1). */
#include "common/net/resolver.h"

static const char *const transport_names[] = {
        [TRANSPORT_ANY] = "", [TRANSPORT_UDP] = "UDP", [TRANSPORT_TCP] = "TCP", [TRANSPORT_TLS] = "TLS"};

#define N_TRANSPORTS (sizeof(transport_names) / sizeof(transport_names[0]))

const char *transport_name(enum transport t)
{
        return (size_t)t < N_TRANSPORTS ? transport_names[t] : "";
}

int transport_parse(struct span word, enum transport *out)
{
        for (size_t i = TRANSPORT_UDP; i < N_TRANSPORTS; i++)
                if (span_ieq(word, span_of(transport_names[i]))) {
                        *out = (enum transport)i;
                        return 0;
                }
        return -IMS_EPARSE;
}
