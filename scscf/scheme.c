/* SPDX-License-Identifier: BSD-3-Clause
 * Scheme choice in the order of TS 33.203 P.4.2. */
#include "scscf/scheme.h"

#include "common/sip/access_network.h"

const struct auth_scheme auth_schemes[AUTH_SCHEMES] = {
        [AUTH_AKA] = {"IMS AKA", CX_SCHEME_AKA, CX_SCHEME_AKA, "TS 33.203 6.1", reg_aka_run, reg_aka_vectors,
                      reg_aka_no_vectors, reg_aka_challenge},
        [AUTH_AKAV2_TLS] = {.name = "AKAv2 over TLS",
                            .cx_scheme = CX_SCHEME_AKA,
                            .clause = "TS 33.203 Annex X"},
        [AUTH_TNA] = {.name = "Trusted Node Authentication", .clause = "TS 33.203 Annex U"},
        [AUTH_GIBA] = {.name = "GIBA", .cx_scheme = CX_SCHEME_GIBA, .clause = "TS 33.203 Annex T"},
        [AUTH_DIGEST_NBA] = {"SIP Digest", CX_SCHEME_UNKNOWN, CX_SCHEME_DIGEST, "TS 33.203 N.2",
                             reg_digest_run, reg_digest_vectors, reg_digest_no_vectors, reg_digest_challenge},
};

const struct auth_scheme *auth_scheme_of(struct span cx_name)
{
        for (size_t i = 0; i < AUTH_SCHEMES; i++)
                if (auth_schemes[i].cx_name && span_eq(cx_name, span_of(auth_schemes[i].cx_name)))
                        return &auth_schemes[i];
        return NULL;
}

void scheme_read_access(const struct sip_msg *m, struct scheme_input *in)
{
        struct sip_value_iter it = {0};
        struct span value;

        while (sip_msg_next_value(m, SIP_HDR_P_ACCESS_NETWORK_INFO, &it, &value)) {
                const struct sip_access_network a = sip_access_network_read(value);

                if (!a.network_provided)
                        continue;
                in->network_provided = true;
                if (span_istarts(a.type, SPAN("3GPP-")) && !span_istarts(a.type, SPAN("3GPP-WLAN")))
                        in->network_3gpp = true;
        }
}

enum auth_scheme_id scheme_choose(const struct scheme_input *in, const char **step)
{
        *step = "P.4.2 step 1: integrity-protected is yes or no";
        if (in->has_integrity &&
            (span_ieq(in->integrity, SPAN("yes")) || span_ieq(in->integrity, SPAN("no"))))
                return AUTH_AKA;
        *step = "P.4.2 step 1: integrity-protected is tls-connected, the algorithm AKAv2-SHA-256";
        if (in->has_integrity && span_ieq(in->integrity, SPAN("tls-connected")) &&
            span_ieq(in->algorithm, SPAN("AKAv2-SHA-256")))
                return AUTH_AKAV2_TLS;
        *step = "P.4.1: the scheme of the registration does not change";
        if (in->has_authorization && !in->has_integrity && in->aka_before)
                return AUTH_AKA;
        *step = "P.4.2 step 1a: integrity-protected is auth-done";
        if (in->has_integrity && span_ieq(in->integrity, SPAN("auth-done")))
                return AUTH_TNA;
        *step = "P.4.2 step 2: no Authorization, and no network-provided access other than 3GPP";
        if (!in->has_authorization && (!in->network_provided || in->network_3gpp) && in->giba)
                return AUTH_GIBA;
        *step = "P.4.2 step 3: the HSS decides between SIP Digest and NBA";
        return AUTH_DIGEST_NBA;
}
