/* SPDX-License-Identifier: BSD-3-Clause
 * From a place of the configuration to TLS: its certificate files looked at by the rules of cert.h (for
 * conf_schema.look, so that --check-config and the start of a node see the same), and its context, with what
 * fails in the log. */
#pragma once

#include "common/net/tls.h"

struct tls_conf_use {
        bool server, client;      /* what the certificate is shown as */
        struct span name;         /* host name of this node that must stand in it; SPAN_NULL: any */
        struct span trust_domain; /* a name of it must lie in it; SPAN_NULL: none is configured */
};

/* A line under its key for each hard rule that is broken, which keeps the node from starting; where none is,
 * one for each other rule: advice. key: "gm.tls". 0 or -IMS_ECONF. */
int tls_conf_look(const struct tls_conf *c, const char *key, const struct tls_conf_use *use,
                  struct buf *err) IMS_CHECK;

/* tls_context_new; what fails is logged under key. */
int tls_conf_open(const struct tls_conf *c, const char *key, enum tls_role role,
                  struct tls_context **out) IMS_CHECK;

/* tls_context_reload; either outcome is logged, with who in front. */
void tls_conf_reload(struct tls_context *ctx, const char *who);
