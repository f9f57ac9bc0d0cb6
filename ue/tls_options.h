/* SPDX-License-Identifier: BSD-3-Clause
 * What the command line, the environment and scenarios say about TLS. */
#pragma once

#include "ue/phone_tls.h"

/* Zero it. Strings are borrowed but for those of proxy_auth. */
struct tls_options {
        struct phone_tls_conf conf; /* variant NONE: no TLS */
        bool traversal; /* ways through a firewall are tried (Annex W.3), the last one on this port */
        uint16_t traversal_port;      /* 0: TRAVERSAL_PORT */
        const char *http_proxy;       /* for the last one; NULL: none */
        struct proxy_auth proxy_auth; /* for that proxy; wipe it */
        bool secure_only;             /* TLS or IPsec, or nothing leaves (TS 33.203 O.1.1 NOTE 2) */
};

/* Option NAME of the command line ("tls-ca", "tls-name", "tls-port", "tls-keylog", "tls-version", "security",
 * "trust-domain", "home-domain", "home-ca", "secure-only", "firewall-traversal",
 * "traversal-port", "http-proxy"). -IMS_ENOTFOUND: none of these; -IMS_EINVAL with
 * what was wanted in *wanted. */
int tls_options_set(struct tls_options *o, const char *name, const char *value,
                    const char **wanted) IMS_CHECK;

/* What QUINTET_UE_CA says where nothing was said, and what follows from secure_only. */
void tls_options_finish(struct tls_options *o);

/* For phone_conf.tls: NULL without TLS. */
const struct phone_tls_conf *tls_options_conf(const struct tls_options *o);
