/* SPDX-License-Identifier: BSD-3-Clause
 * Words and checks of security.* and phones.*. */
#include "pcscf/security_conf.h"

#include "common/net/addr.h"
#include "common/sip/sip_conf.h"

const char *const security_ipsec_words[] = {"off", "offered", "required", NULL};
const char *const security_sec_agree_words[] = {"ignore", "refuse", NULL};
const char *const security_confidentiality_words[] = {"never", "preferred", "required", NULL};
const char *const security_without_offer_words[] = {"421", "494", NULL};
const char *const security_nat_refusal_words[] = {"discard", "error", NULL};
const char *const security_answer_from_words[] = {"port_pc", "port_ps", NULL};

const char *security_check_suite(const char *value)
{
        struct sec_suite s;

        return sec_suite_parse(span_of(value), &s) == 0 ? NULL
                                                        : "not INTEGRITY/ENCRYPTION of TS 33.203 Annex H "
                                                          "(hmac-sha-1-96/aes-cbc, null/aes-gcm)";
}

int security_conf_policy(const struct security_conf *c, struct sec_policy *out)
{
        char *const *values = c->algorithms.items;
        struct sec_policy p = {.confidentiality = (enum sec_confidentiality)c->confidentiality};

        for (size_t i = 0; i < c->algorithms.n; i++) {
                if (p.n == SEC_SUITES_MAX || sec_suite_parse(span_of(values[i]), &p.suites[p.n]) != 0)
                        return -IMS_ECONF;
                p.n++;
        }
        *out = p;
        return 0;
}

static int check_ports(const struct security_conf *c, const struct conf_list *gm_listen, struct buf *err)
{
        uint32_t last = c->port_pc + c->port_pc_count - 1;
        char *const *values = gm_listen->items;
        int bad = 0;

        if (!sec_port_allowed(c->port_ps))
                bad = conf_fail(err, "security.port_ps", "%u: not 5060 or 5061 (TS 33.203 7.1)", c->port_ps);
        if (last > 65535 || (c->port_pc <= SIPS_PORT && last >= SIP_PORT))
                bad = conf_fail(err, "security.port_pc",
                                "%u-%u: beyond 65535, or 5060 or 5061 among them (TS 33.203 7.1)", c->port_pc,
                                last);
        if (c->port_ps >= c->port_pc && c->port_ps <= last)
                bad = conf_fail(err, "security.port_ps", "%u: is one of the client ports %u-%u", c->port_ps,
                                c->port_pc, last);
        for (size_t i = 0; i < gm_listen->n; i++) {
                enum transport t;
                struct addr a;
                uint32_t port;

                if (sip_conf_parse_listen(values[i], &t, &a) != 0)
                        continue; /* told elsewhere */
                port = addr_port(&a);
                if (addr_is_any(&a))
                        bad = conf_fail(err, "gm.listen",
                                        "%s: security.ipsec needs addresses: an SA belongs to one",
                                        values[i]);
                if (port == c->port_ps || (port >= c->port_pc && port <= last))
                        bad = conf_fail(err, "gm.listen", "%s: this port is a protected one", values[i]);
        }
        return bad;
}

int security_conf_check(const struct security_conf *c, const struct conf_list *gm_listen, struct buf *err)
{
        struct sec_suite offer[SEC_SUITES_MAX];
        struct sec_policy policy;
        int bad = 0;

        if (c->ipsec == IPSEC_OFF)
                return 0;
        if (check_ports(c, gm_listen, err))
                bad = -IMS_ECONF;
        if (c->spi_last < c->spi_first || c->spi_last - c->spi_first < 1000)
                bad = conf_fail(err, "security.spi_last", "%u: fewer than 1000 SPIs from %u on", c->spi_last,
                                c->spi_first);
        if (security_conf_policy(c, &policy) != 0)
                bad = conf_fail(err, "security.algorithms", "more than %d", SEC_SUITES_MAX);
        else if (sec_policy_offer(&policy, offer) == 0)
                bad = conf_fail(err, "security.algorithms", "none is left with security.confidentiality: %s",
                                security_confidentiality_words[c->confidentiality]);
        return bad;
}
