/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the S-CSCF: its schema and the checks between keys. */
#include "scscf/scscf_conf.h"

#include "common/net/prefix.h"

#include "common/net/addr.h"

static const char *const when_words[] = {"never", "always", NULL};
static const char *const overflow_words[] = {"refuse", "replace_oldest", NULL};
static const char *const unprotected_words[] = {"refuse", "accept", NULL};

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
        {.name = NULL},
};

static int check(const struct conf_schema *schema, void *conf, struct buf *err)
{
        const struct scscf_conf *c = conf;
        int rc = 0;

        (void)schema;
        if (c->min_expires_s > c->max_expires_s)
                rc = conf_fail(err, "registration.min_expires", "%u is above registration.max_expires %u",
                               (unsigned)c->min_expires_s, (unsigned)c->max_expires_s);
        if (c->default_expires_s < c->min_expires_s || c->default_expires_s > c->max_expires_s)
                rc = conf_fail(err, "registration.default_expires",
                               "%u is not between min_expires and max_expires",
                               (unsigned)c->default_expires_s);
        if (c->home_domains.n == 0)
                rc = conf_fail(err, "home_domain", "needs at least one domain");
        return rc;
}

const struct conf_schema scscf_conf_schema = {
        .node = "scscf",
        .size = sizeof(struct scscf_conf),
        .keys = keys,
        .check = check,
};

bool scscf_conf_is_home(const struct scscf_conf *c, struct span host)
{
        char *const *domains = c->home_domains.items;

        for (size_t i = 0; i < c->home_domains.n; i++)
                if (span_ieq(span_of(domains[i]), host))
                        return true;
        return false;
}

struct span scscf_conf_home(const struct scscf_conf *c)
{
        char *const *domains = c->home_domains.items;

        return c->home_domains.n ? span_of(domains[0]) : SPAN_NULL;
}
