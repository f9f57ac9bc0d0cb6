/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the S-CSCF: its schema and the checks between keys. */
#include "scscf/scscf_conf.h"

#include "common/cscf/home_cscf.h"
#include "common/net/addr.h"
#include "common/net/cert.h"
#include "common/net/prefix.h"

static const char *const when_words[] = {"never", "always", NULL};
static const char *const overflow_words[] = {"refuse", "replace_oldest", NULL};
static const char *const unprotected_words[] = {"refuse", "accept", NULL};

static const char *const nextnonce_words[] = {"never", "near_end", "always", NULL};
static const char *const requests_words[] = {"never", "unprotected", "always", NULL};
static const char *const failed_words[] = {"challenge", "refuse", NULL};
static const char *const tls_yes_words[] = {"accept", "challenge", NULL};

static const char *check_sip_uri(const char *value)
{
        struct span s = span_of(value);

        if (!span_istarts(s, SPAN("sip:")))
                return "is not a SIP URI (sip:HOST[:PORT])";
        if (s.n == 4 || span_chr(s, ' ', 0) >= 0 || span_chr(s, '<', 0) >= 0 || span_chr(s, '?', 0) >= 0)
                return "is not a SIP URI (sip:HOST[:PORT])";
        return NULL;
}

static const char *check_server_name(const char *value)
{
        const char *why = check_sip_uri(value);

        if (why)
                return why;
        if (strchr(value, '@') || strchr(value, ';'))
                return "must be sip:HOST[:PORT] without user and parameters";
        return NULL;
}

#define AT(field) offsetof(struct scscf_conf, field)

static const struct conf_key keys[] = {
        SIP_CONF_KEYS(struct scscf_conf, sip, "udp:127.0.0.1:6060,tcp:127.0.0.1:6060"),
        DIA_CONF_KEYS(struct scscf_conf, dia),
        TRACE_CONF_KEYS(struct scscf_conf, trace),
        CORE_NET_CONF_KEYS(struct scscf_conf, networks),
        {.name = "scscf.name",
         .type = CONF_STR,
         .offset = AT(name),
         .check = check_server_name,
         .doc = "SIP URI of this S-CSCF, its Server-Name on Cx (TS 29.229 6.3.3)"},
        {.name = "home_domain",
         .type = CONF_STR_LIST,
         .offset = AT(home_domains),
         .check = host_check,
         .doc = "domains of the home network, the main one first"},
        {.name = "trust_domain",
         .type = CONF_STR,
         .offset = AT(trust_domain),
         .optional = true,
         .check = host_check,
         .doc = "home domains, which are realms of challenges, must lie in it (TLS forward compatibility F); "
                "none: any"},
        {.name = "icscf",
         .type = CONF_STR,
         .offset = AT(icscf),
         .optional = true,
         .check = check_sip_uri,
         .doc = "SIP URI of the I-CSCF for requests to users of the home domains; none: only users served "
                "here"},
        {.name = "trusted",
         .type = CONF_STR_LIST,
         .offset = AT(trusted),
         .optional = true,
         .check = prefix_check,
         .doc = "addresses of the CSCFs SIP is taken from (TS 24.229 4.4); none: everybody, and "
                "integrity-protected=\"yes\" saves no challenge"},
        {.name = "registration.min_expires",
         .type = CONF_TIME_S,
         .offset = AT(min_expires_s),
         .def = "60",
         .min = 1,
         .max = 86400,
         .doc = "a shorter expiry draws 423 (RFC 3261 10.3)"},
        {.name = "registration.max_expires",
         .type = CONF_TIME_S,
         .offset = AT(max_expires_s),
         .def = "600000",
         .min = 1,
         .max = 2000000,
         .doc = "a longer expiry is cut to this"},
        {.name = "registration.default_expires",
         .type = CONF_TIME_S,
         .offset = AT(default_expires_s),
         .def = "3600",
         .min = 1,
         .max = 2000000,
         .doc = "expiry where the UE asks for none"},
        {.name = "registration.expiry_guard",
         .type = CONF_TIME_MS,
         .offset = AT(expiry_guard_ms),
         .def = "5s",
         .min = 1,
         .max = 600000,
         .doc = "a binding lives that much longer here than the UE is told (TS 33.203 6.1.1)"},
        {.name = "registration.max_contacts",
         .type = CONF_U32,
         .offset = AT(max_contacts),
         .def = "5",
         .min = 1,
         .max = SCSCF_CONTACTS_MAX,
         .doc = "bindings of one implicit registration set"},
        {.name = "registration.overflow",
         .type = CONF_ENUM,
         .offset = AT(overflow),
         .def = "refuse",
         .words = overflow_words,
         .doc = "refuse, replace_oldest: a binding beyond max_contacts (phones that start anew without "
                "instance)"},
        {.name = "registration.reauthenticate",
         .type = CONF_ENUM,
         .offset = AT(reauthenticate),
         .def = "never",
         .words = when_words,
         .doc = "never, always: challenge of an integrity protected refresh (TS 33.203 5.1.2)"},
        {.name = "registration.reauthenticate_new_impu",
         .type = CONF_ENUM,
         .offset = AT(reauthenticate_new_impu),
         .def = "always",
         .words = when_words,
         .doc = "never, always: challenge when an authenticated IMPI registers a further IMPU (6.1.0)"},
        {.name = "registration.unprotected_response",
         .type = CONF_ENUM,
         .offset = AT(unprotected_response),
         .def = "refuse",
         .words = unprotected_words,
         .doc = "refuse, accept: a challenge response with integrity-protected=\"no\" (accept: a lab without "
                "IPsec)"},
        {.name = "registration.await_auth",
         .type = CONF_TIME_MS,
         .offset = AT(await_auth_ms),
         .def = "4m",
         .min = 100,
         .max = 3600000,
         .doc = "reg-await-auth (TS 24.229 5.4.1.2.1)"},
        {.name = "registration.max_failures",
         .type = CONF_U32,
         .offset = AT(max_failures),
         .def = "2",
         .min = 1,
         .max = 10,
         .doc = "synchronisation failures in a row that draw a new challenge; then 403"},
        {.name = "registration.keep_profile",
         .type = CONF_BOOL,
         .offset = AT(keep_profile),
         .def = "yes",
         .doc = "a refresh asks for no User-Data (User-Data-Already-Available)"},
        {.name = "registration.restoration_info",
         .type = CONF_BOOL,
         .offset = AT(restoration_info),
         .def = "yes",
         .doc = "contacts are stored in the HSS (SCSCF-Restoration-Info, TS 23.380)"},
        {.name = "aka.vectors",
         .type = CONF_U32,
         .offset = AT(vectors),
         .def = "1",
         .min = 1,
         .max = SCSCF_VECTORS_MAX,
         .doc = "m, vectors asked for in one MAR (TS 33.203 6.1.1)"},
        {.name = "digest.nonce_lifetime",
         .type = CONF_TIME_MS,
         .offset = AT(digest.nonce_lifetime_ms),
         .def = "10m",
         .min = 1000,
         .max = 86400000,
         .doc = "a nonce of SIP Digest is taken that long, then stale (PKT-TR-SEC 6.1.2.2)"},
        {.name = "digest.nonce_uses",
         .type = CONF_U32,
         .offset = AT(digest.nonce_uses),
         .def = "5",
         .min = 1,
         .max = 10000,
         .doc = "... and that often, each time with a higher nonce count"},
        {.name = "digest.nextnonce",
         .type = CONF_ENUM,
         .offset = AT(digest.nextnonce),
         .def = "near_end",
         .words = nextnonce_words,
         .doc = "never, near_end, always: nextnonce in Authentication-Info (near_end: a last use is left, or "
                "less "
                "than half the lifetime)"},
        {.name = "digest.opaque",
         .type = CONF_BOOL,
         .offset = AT(digest.opaque),
         .def = "no",
         .doc = "challenges carry opaque, and answers must"},
        {.name = "digest.requests",
         .type = CONF_ENUM,
         .offset = AT(digest.requests),
         .def = "never",
         .words = requests_words,
         .doc = "never, unprotected, always: requests other than REGISTER of Digest users are challenged by "
                "407 "
                "(unprotected: of those not registered over TLS)"},
        {.name = "digest.failed_request",
         .type = CONF_ENUM,
         .offset = AT(digest.failed_request),
         .def = "challenge",
         .words = failed_words,
         .doc = "challenge, refuse: a request with a wrong digest (refuse: 403)"},
        {.name = "digest.max_failures",
         .type = CONF_U32,
         .offset = AT(digest.max_failures),
         .def = "3",
         .min = 1,
         .max = 100,
         .doc = "wrong digests in a row in requests that draw a new challenge; then 403"},
        {.name = "digest.keep_ha1",
         .type = CONF_BOOL,
         .offset = AT(digest.keep_ha1),
         .def = "yes",
         .doc = "no: H(A1) is deleted right after the check and fetched for each REGISTER (TS 33.203 N.2.1.1 "
                "NOTE "
                "4)"},
        {.name = "digest.old_ha1_lifetime",
         .type = CONF_TIME_MS,
         .offset = AT(digest.old_ha1_lifetime_ms),
         .def = "5m",
         .min = 0,
         .max = 86400000,
         .doc = "the old password is taken that long after a change (TS 33.203 N.2.5); 0: not at all"},
        {.name = "digest.tls_yes",
         .type = CONF_ENUM,
         .offset = AT(digest.tls_yes),
         .def = "accept",
         .words = tls_yes_words,
         .doc = "accept, challenge: a re-registration over the TLS session of the registration (TS 33.203 "
                "O.4.3)"},
        {.name = "control.socket",
         .type = CONF_STR,
         .offset = AT(control),
         .optional = true,
         .check = conf_check_filled,
         .doc = "Unix socket at which scscf status and scscf reauthenticate reach the running node"},
        {.name = NULL},
};

static int check(const struct conf_schema *schema, void *conf, struct buf *err)
{
        const struct scscf_conf *c = conf;
        char *const *domains = c->home_domains.items;
        int rc = sip_conf_check_core(&c->sip, &c->networks, &c->trusted, err);

        (void)schema;
        if (dia_conf_check(&c->dia, &c->networks, err) != 0)
                rc = -IMS_ECONF;
        if (c->min_expires_s > c->max_expires_s)
                rc = conf_fail(err, "registration.min_expires", "%u is above registration.max_expires %u",
                               (unsigned)c->min_expires_s, (unsigned)c->max_expires_s);
        if (c->default_expires_s < c->min_expires_s || c->default_expires_s > c->max_expires_s)
                rc = conf_fail(err, "registration.default_expires",
                               "%u is not between min_expires and max_expires",
                               (unsigned)c->default_expires_s);
        if (!c->digest.keep_ha1 && c->digest.requests != SCSCF_REQUESTS_NEVER)
                rc = conf_fail(
                        err, "digest.keep_ha1",
                        "must be yes while digest.requests is not never: requests are authenticated with the "
                        "H(A1) of the registration (TS 33.203 N.2.1.2 NOTE 1b)");
        if (c->home_domains.n == 0)
                rc = conf_fail(err, "home_domain", "needs at least one domain");
        for (size_t i = 0; c->trust_domain && i < c->home_domains.n; i++)
                if (!cert_domain_within(span_of(domains[i]), span_of(c->trust_domain)))
                        rc = conf_fail(err, "home_domain", "%s: is outside of trust_domain %s", domains[i],
                                       c->trust_domain);
        return rc;
}

static int look(const struct conf_schema *schema, const void *conf, struct buf *err)
{
        const struct scscf_conf *c = conf;

        (void)schema;
        return home_cscf_look(&c->sip, &c->dia, c->trust_domain, err);
}

const struct conf_schema scscf_conf_schema = {
        .node = "scscf",
        .size = sizeof(struct scscf_conf),
        .keys = keys,
        .check = check,
        .look = look,
        .commands = "  scscf status IMPI [-c FILE]          its registration and what it proved\n"
                    "  scscf reauthenticate IMPI [-c FILE]  its next REGISTER is challenged\n",
};

bool scscf_conf_knows_senders(const struct scscf_conf *c)
{
        return c->trusted.n > 0 || c->networks.n > 0;
}

struct span scscf_conf_home(const struct scscf_conf *c)
{
        char *const *domains = c->home_domains.items;

        return c->home_domains.n ? span_of(domains[0]) : SPAN_NULL;
}
