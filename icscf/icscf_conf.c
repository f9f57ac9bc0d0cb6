/* SPDX-License-Identifier: BSD-3-Clause
 * Configuration of the I-CSCF: its schema and the checks between keys. */
#include "icscf/icscf_conf.h"

#include "common/cscf/home_cscf.h"
#include "common/net/prefix.h"
#include "icscf/pool.h"

static const char *check_scscf_uri(const char *value)
{
        struct span s = span_of(value);

        if (!span_istarts(s, SPAN("sip:")) || s.n == 4 || strpbrk(value, " <>?,\""))
                return "is not a SIP URI (sip:HOST[:PORT])";
        return NULL;
}

static const char *check_capabilities(const char *value)
{
        struct capability_set set;

        return capability_set_parse(span_of(value), &set) == 0 ? NULL : "is not a list of numbers (1,2)";
}

static const struct conf_key pool_keys[] = {
        {.name = "uri",
         .type = CONF_STR,
         .offset = offsetof(struct icscf_conf_scscf, uri),
         .check = check_scscf_uri,
         .doc = "SIP URI of the S-CSCF, as it names itself on Cx"},
        {.name = "capabilities",
         .type = CONF_STR,
         .offset = offsetof(struct icscf_conf_scscf, capabilities),
         .def = "",
         .check = check_capabilities,
         .doc = "numbers of the capabilities it has, \"1,2\" (TS 29.228 6.7)"},
        {.name = "priority",
         .type = CONF_U32,
         .offset = offsetof(struct icscf_conf_scscf, priority),
         .def = "0",
         .max = 65535,
         .doc = "lower is preferred; equal ones share the load"},
        {0},
};

#define AT(field) offsetof(struct icscf_conf, field)

static const struct conf_key keys[] = {
        SIP_CONF_KEYS(struct icscf_conf, sip, "udp:127.0.0.1:5060,tcp:127.0.0.1:5060"),
        DIA_CONF_KEYS(struct icscf_conf, dia),
        TRACE_CONF_KEYS(struct icscf_conf, trace),
        CORE_NET_CONF_KEYS(struct icscf_conf, networks),
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
         .doc = "our certificates must name a host in it (TLS forward compatibility F); none: any"},
        {.name = "trusted",
         .type = CONF_STR_LIST,
         .offset = AT(trusted),
         .optional = true,
         .check = prefix_check,
         .doc = "nodes SIP is taken from: ADDRESS or ADDRESS/BITS (TS 24.229 5.3.1.2); none: everybody"},
        {.name = "scscf.pool",
         .type = CONF_MAP_LIST,
         .offset = AT(pool),
         .optional = true,
         .item = pool_keys,
         .item_size = sizeof(struct icscf_conf_scscf),
         .doc = "the S-CSCFs a user may be assigned to (TS 29.228 6.7)"},
        {.name = "scscf.answer",
         .type = CONF_TIME_MS,
         .offset = AT(scscf_answer_ms),
         .def = "2000",
         .min = 50,
         .max = 32000,
         .doc = "longest wait for an S-CSCF before another is chosen (TS 24.229 5.3.1.3)"},
        {.name = "scscf.total",
         .type = CONF_TIME_MS,
         .offset = AT(scscf_total_ms),
         .def = "4000",
         .min = 50,
         .max = 64000,
         .doc = "longest time for all HSS questions and S-CSCFs tried of one REGISTER"},
        {0},
};

static int check(const struct conf_schema *schema, void *conf, struct buf *err)
{
        const struct icscf_conf *c = conf;
        const struct icscf_conf_scscf *pool = c->pool.items;
        char key[64];
        int rc = sip_conf_check_core(&c->sip, &c->networks, &c->trusted, err);

        (void)schema;
        if (dia_conf_check(&c->dia, &c->networks, err) != 0)
                rc = -IMS_ECONF;
        if (c->home_domains.n == 0)
                rc = conf_fail(err, "home_domain", "at least one domain is needed");
        if (c->pool.n > POOL_MAX)
                rc = conf_fail(err, "scscf.pool", "more than %d S-CSCFs", POOL_MAX);
        for (size_t i = 0; i < c->pool.n; i++)
                for (size_t j = 0; j < i; j++) {
                        if (!span_ieq(span_of(pool[i].uri), span_of(pool[j].uri)))
                                continue;
                        (void)snprintf(key, sizeof(key), "scscf.pool[%zu].uri", i);
                        rc = conf_fail(err, key, "%s: stands there twice", pool[i].uri);
                        break;
                }
        return rc;
}

static int look(const struct conf_schema *schema, const void *conf, struct buf *err)
{
        const struct icscf_conf *c = conf;

        (void)schema;
        return home_cscf_look(&c->sip, &c->dia, c->trust_domain, err);
}

const struct conf_schema icscf_conf_schema = {
        .node = "icscf", .size = sizeof(struct icscf_conf), .keys = keys, .check = check, .look = look};
