/* SPDX-License-Identifier: BSD-3-Clause
 * Reading what is said about TLS. */
#include "ue/tls_options.h"

#include <stdlib.h>

static int set_security(struct tls_options *o, const char *value, const char **wanted)
{
        *wanted = "tls or none";
        if (strcmp(value, "tls") == 0)
                o->conf.variant = TLS_VARIANT_AGREED;
        else if (strcmp(value, "none") != 0)
                return -IMS_EINVAL;
        return 0;
}

static int set_port(uint16_t *to, const char *value, const char **wanted)
{
        uint32_t port;

        *wanted = "a port from 1 to 65535";
        if (span_u32(span_of(value), 65535, &port) < 0 || port == 0)
                return -IMS_EINVAL;
        *to = (uint16_t)port;
        return 0;
}

static int set_version(struct tls_options *o, const char *value, const char **wanted)
{
        *wanted = "1.2 or 1.3";
        o->conf.tls12 = strcmp(value, "1.2") == 0;
        o->conf.tls13 = strcmp(value, "1.3") == 0;
        return o->conf.tls12 || o->conf.tls13 ? 0 : -IMS_EINVAL;
}

int tls_options_set(struct tls_options *o, const char *name, const char *value, const char **wanted)
{
        const struct {
                const char *name, **to;
        } texts[] = {
                {"tls-ca", &o->conf.ca},
                {"tls-name", &o->conf.name},
                {"tls-keylog", &o->conf.keylog},
                {"trust-domain", &o->conf.trust_domain},
                {"home-domain", &o->conf.home_domain},
                {"home-ca", &o->conf.home_ca},
                {"http-proxy", &o->http_proxy},
        };

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                if (strcmp(name, texts[i].name) == 0) {
                        *texts[i].to = value;
                        return 0;
                }
        if (strcmp(name, "security") == 0)
                return set_security(o, value, wanted);
        if (strcmp(name, "tls-port") == 0)
                return set_port(&o->conf.port, value, wanted);
        if (strcmp(name, "tls-version") == 0)
                return set_version(o, value, wanted);
        if (strcmp(name, "traversal-port") == 0)
                return set_port(&o->traversal_port, value, wanted);
        if (strcmp(name, "firewall-traversal") == 0)
                o->traversal = true;
        else if (strcmp(name, "secure-only") == 0)
                o->secure_only = true;
        else
                return -IMS_ENOTFOUND;
        return 0;
}

void tls_options_finish(struct tls_options *o)
{
        if (!o->conf.ca)
                o->conf.ca = getenv("QUINTET_UE_CA");
        o->conf.required = o->secure_only;
}

const struct phone_tls_conf *tls_options_conf(const struct tls_options *o)
{
        return o->conf.variant == TLS_VARIANT_NONE ? NULL : &o->conf;
}
