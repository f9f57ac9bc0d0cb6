/* SPDX-License-Identifier: BSD-3-Clause
 * Inside of the certificate rules: what their files share. */
#pragma once

#include "common/net/cert.h"

struct cert_roots {
        X509_STORE *store;
        STACK_OF(X509) * list;
        bool crls; /* they are checked */
};

/* One chain that is being checked. */
struct cert_path {
        const struct cert_policy *policy;
        struct cert_report *report;
        const char *file; /* for the findings, or NULL */
        int error;        /* X509_V_ERR_ of the first hard breach */
        bool no_memory;
};

/* Notes a breach; error fits it for OpenSSL. */
void cert_breach(struct cert_path *path, enum cert_rule rule, X509 *x, const char *detail, int error);

/* cert_chain_check with the findings added to what path->report has. 0 or -IMS_ENOMEM. */
int cert_path_check(struct cert_path *path, STACK_OF(X509) * sent) IMS_CHECK;

/* Calls fn for each DNS name of subjectAltName that is an FQDN until it returns true, and returns that. */
typedef bool cert_name_fn(struct span name, void *arg);
bool cert_each_dns_name(X509 *x, cert_name_fn *fn, void *arg);

/* Whether the certificate is for that host name, or, which *out_address tells, for that address. */
bool cert_is_for(X509 *x, struct span name, bool *out_address);

/* TS 33.203 O.5.1: common name and subjectAltName. */
void cert_check_names(struct cert_path *path, X509 *x);
