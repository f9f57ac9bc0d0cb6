/* SPDX-License-Identifier: BSD-3-Clause
 * Algorithms, modes and what makes a mechanism usable. TS 33.203 7.1, 7.2 and Annex H. */
#include "common/ipsec/sec_agree.h"

#include "common/net/addr.h"

#define SPI_RESERVED_MAX 255 /* RFC 4303 2.1 */

const char *sec_alg_name(enum sec_alg a)
{
        static const char *const names[] = {
                [SEC_ALG_NULL] = "null",         [SEC_ALG_HMAC_SHA_1_96] = "hmac-sha-1-96",
                [SEC_ALG_AES_GMAC] = "aes-gmac", [SEC_ALG_HMAC_MD5_96] = "hmac-md5-96",
                [SEC_ALG_OTHER] = "other",
        };

        return names[a];
}

const char *sec_ealg_name(enum sec_ealg e)
{
        static const char *const names[] = {
                [SEC_EALG_NULL] = "null",       [SEC_EALG_AES_CBC] = "aes-cbc",
                [SEC_EALG_AES_GCM] = "aes-gcm", [SEC_EALG_DES_EDE3_CBC] = "des-ede3-cbc",
                [SEC_EALG_OTHER] = "other",
        };

        return names[e];
}

const char *sec_mode_name(enum sec_mode m)
{
        static const char *const names[] = {
                [SEC_MODE_TRANS] = "trans",
                [SEC_MODE_UDP_ENC_TUN] = "UDP-enc-tun",
                [SEC_MODE_TUN] = "tun",
                [SEC_MODE_OTHER] = "other",
        };

        return names[m];
}

/* What is wrong with the pair, or NULL. */
static const char *suite_fault(struct sec_suite s)
{
        const bool null_alg = s.alg == SEC_ALG_NULL, gcm = s.ealg == SEC_EALG_AES_GCM;

        if (s.alg == SEC_ALG_OTHER)
                return "alg is not known";
        if (s.ealg == SEC_EALG_OTHER)
                return "ealg is not known";
        if (null_alg && !gcm)
                return "alg null goes with ealg aes-gcm alone";
        if (gcm && !null_alg)
                return "ealg aes-gcm goes with alg null alone";
        if (s.alg == SEC_ALG_AES_GMAC && s.ealg != SEC_EALG_NULL)
                return "alg aes-gmac goes with ealg null alone";
        return NULL;
}

bool sec_suite_allowed(struct sec_suite s)
{
        return !suite_fault(s);
}

bool sec_suite_encrypts(struct sec_suite s)
{
        return s.ealg != SEC_EALG_NULL;
}

int sec_suite_parse(struct span text, struct sec_suite *out)
{
        struct span rest = text, alg;
        struct sec_suite s = {SEC_ALG_OTHER, SEC_EALG_OTHER};

        if (!span_split(&rest, '/', &alg))
                return -IMS_EPARSE;
        for (enum sec_alg a = SEC_ALG_NULL; a < SEC_ALG_OTHER; a++)
                if (span_ieq(span_trim(alg), span_of(sec_alg_name(a))))
                        s.alg = a;
        for (enum sec_ealg e = SEC_EALG_NULL; e < SEC_EALG_OTHER; e++)
                if (span_ieq(span_trim(rest), span_of(sec_ealg_name(e))))
                        s.ealg = e;
        if (!sec_suite_allowed(s))
                return -IMS_EPARSE;
        *out = s;
        return 0;
}

void sec_suite_write(struct sec_suite s, struct buf *out)
{
        buf_puts(out, sec_alg_name(s.alg));
        buf_char(out, '/');
        buf_puts(out, sec_ealg_name(s.ealg));
}

bool sec_port_allowed(uint32_t port)
{
        return port > 0 && port <= 65535 && port != SIP_PORT && port != SIPS_PORT;
}

static const char *ends_fault(const struct sec_ends *e)
{
        if (e->spi_c <= SPI_RESERVED_MAX || e->spi_s <= SPI_RESERVED_MAX)
                return "an SPI up to 255 is reserved";
        if (e->spi_c == e->spi_s)
                return "spi-c and spi-s are the same";
        if (!sec_port_allowed(e->port_c) || !sec_port_allowed(e->port_s))
                return "a protected port is 0, 5060 or 5061";
        if (e->port_c == e->port_s)
                return "port-c and port-s are the same";
        return NULL;
}

static const char *entry_fault(const struct sec_entry *e)
{
        const char *fault;

        if (e->mechanism != SEC_IPSEC_3GPP)
                return "not ipsec-3gpp";
        if (!e->has_alg)
                return "alg is missing";
        fault = suite_fault(e->suite);
        if (fault)
                return fault;
        if (!e->esp)
                return "prot is not esp";
        if (e->mode != SEC_MODE_TRANS && e->mode != SEC_MODE_UDP_ENC_TUN)
                return "mod is neither trans nor UDP-enc-tun";
        if (!e->has_ends)
                return "spi-c, spi-s, port-c or port-s is missing";
        return ends_fault(&e->ends);
}

bool sec_entry_usable(const struct sec_entry *e, const char **why)
{
        const char *fault = entry_fault(e);

        if (fault && why)
                *why = fault;
        return !fault;
}

static bool ends_eq(const struct sec_ends *a, const struct sec_ends *b)
{
        return a->spi_c == b->spi_c && a->spi_s == b->spi_s && a->port_c == b->port_c &&
               a->port_s == b->port_s;
}

const struct sec_ends *sec_list_ends(const struct sec_list *l, const char **why)
{
        const struct sec_ends *first = NULL;
        const char *fault = NULL;

        for (size_t i = 0; i < l->n && !fault; i++) {
                const struct sec_entry *e = &l->e[i];

                if (e->mechanism != SEC_IPSEC_3GPP)
                        continue;
                if (!e->has_ends)
                        fault = "spi-c, spi-s, port-c or port-s is missing";
                else if (!first)
                        first = &e->ends;
                else if (!ends_eq(first, &e->ends))
                        fault = "the mechanisms name different SPIs or ports";
        }
        if (!first && !fault)
                fault = "no ipsec-3gpp mechanism";
        if (fault && why)
                *why = fault;
        return fault ? NULL : first;
}
