/* SPDX-License-Identifier: BSD-3-Clause
 * Reading what is said about IPsec. */
#include "ue/ipsec_options.h"

int ipsec_want_parse(struct span text, enum ipsec_want *out)
{
        static const char *const names[] = {
                [IPSEC_OFF] = "off", [IPSEC_OFFERED] = "offered", [IPSEC_REQUIRED] = "required"};

        for (int i = IPSEC_OFF; i <= IPSEC_REQUIRED; i++)
                if (span_ieq(text, span_of(names[i]))) {
                        *out = (enum ipsec_want)i;
                        return 0;
                }
        return -IMS_EPARSE;
}

int ipsec_suites_parse(struct span list, struct ipsec_options *o)
{
        struct sec_suite suites[SEC_SUITES_MAX];
        struct span part;
        size_t n = 0;

        while (span_split(&list, ',', &part))
                if (n == SEC_SUITES_MAX || sec_suite_parse(span_trim(part), &suites[n++]) < 0)
                        return -IMS_EPARSE;
        if (n == 0)
                return -IMS_EPARSE;
        memcpy(o->suites, suites, n * sizeof(suites[0]));
        o->n_suites = n;
        return 0;
}

int ipsec_modes_parse(struct span list, struct ipsec_options *o)
{
        static const enum sec_mode known[] = {SEC_MODE_TRANS, SEC_MODE_UDP_ENC_TUN};
        struct span part;
        unsigned modes = 0;

        while (span_split(&list, ',', &part)) {
                unsigned bit = 0;

                for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
                        if (span_ieq(span_trim(part), span_of(sec_mode_name(known[i]))))
                                bit = 1u << known[i];
                if (!bit)
                        return -IMS_EPARSE;
                modes |= bit;
        }
        if (!modes)
                return -IMS_EPARSE;
        o->modes = modes;
        return 0;
}

bool ipsec_offers_encryption(const struct ipsec_options *o)
{
        for (size_t i = 0; i < o->n_suites; i++)
                if (sec_suite_encrypts(o->suites[i]))
                        return true;
        return o->n_suites == 0;
}

struct phone_ipsec_conf ipsec_conf(const struct ipsec_options *o, struct sa_host *host)
{
        return (struct phone_ipsec_conf){
                .host = host,
                .suites = o->suites,
                .n_suites = o->n_suites,
                .modes = o->modes,
                .required = o->want == IPSEC_REQUIRED,
                .keep_alive_ms = o->keep_alive_ms,
        };
}
