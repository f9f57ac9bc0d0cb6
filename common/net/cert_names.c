/* SPDX-License-Identifier: BSD-3-Clause
 * Names in certificates, and domains of trust (TS 33.203 O.5.1, RFC 5922 7, TLS-FWD 3.1). */
#include "common/net/cert_int.h"

#include <openssl/x509v3.h>

#include "common/net/addr.h"

#define HOST_MAX 254

static struct span without_dot(struct span s)
{
        return s.n && s.p[s.n - 1] == '.' ? span_sub(s, 0, s.n - 1) : s;
}

bool cert_domain_within(struct span host, struct span domain)
{
        host = without_dot(host);
        domain = without_dot(domain);
        if (domain.n == 0 || host.n < domain.n ||
            !span_ieq(span_sub(host, host.n - domain.n, host.n), domain))
                return false;
        return host.n == domain.n || (host.n > domain.n + 1 && host.p[host.n - domain.n - 1] == '.');
}

bool cert_is_fqdn(struct span text)
{
        char host[HOST_MAX + 1];
        const char *last;

        if (span_copy(text, host, sizeof(host)) != 0 || host_check(host) != NULL || strchr(host, '_'))
                return false;
        last = strrchr(host, '.');
        return last && last[1] && strspn(last + 1, "0123456789") < strlen(last + 1);
}

struct span cert_realm_domain(struct span realm)
{
        ptrdiff_t at = span_chr(realm, '@', 0);

        return at < 0 ? realm : span_sub(realm, (size_t)at + 1, realm.n);
}

bool cert_each_dns_name(X509 *x, cert_name_fn *fn, void *arg)
{
        GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
        bool found = false;

        for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
                const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
                struct span name;

                if (g->type != GEN_DNS)
                        continue;
                name = span_make(ASN1_STRING_get0_data(g->d.dNSName),
                                 (size_t)ASN1_STRING_length(g->d.dNSName));
                if (cert_is_fqdn(name))
                        found = fn(name, arg);
        }
        GENERAL_NAMES_free(names);
        return found;
}

static bool write_name(struct span name, void *arg)
{
        struct buf *out = arg;

        if (out->n)
                buf_char(out, ' ');
        buf_span(out, name);
        return false;
}

void cert_dns_names(X509 *x, struct buf *out)
{
        (void)cert_each_dns_name(x, write_name, out);
}

static bool name_is(struct span name, void *arg)
{
        return span_ieq(without_dot(name), without_dot(*(const struct span *)arg));
}

bool cert_has_name(X509 *x, struct span name)
{
        return cert_each_dns_name(x, name_is, &name);
}

bool cert_is_for(X509 *x, struct span name, bool *out_address)
{
        struct addr a;
        char ip[ADDR_STR];

        *out_address = addr_parse(name, 0, &a) == 0;
        return *out_address ? X509_check_ip_asc(x, addr_ip_str(&a, false, ip), 0) == 1
                            : cert_has_name(x, name);
}

static bool name_within(struct span name, void *arg)
{
        return cert_domain_within(name, *(const struct span *)arg);
}

bool cert_names_within(X509 *x, struct span domain)
{
        return cert_each_dns_name(x, name_within, &domain);
}

bool cert_trusts_realm(struct span names, struct span realm, struct span trust_domain)
{
        struct span domain = cert_realm_domain(realm), name;

        if (!cert_is_fqdn(domain) || (trust_domain.n && !cert_domain_within(domain, trust_domain)))
                return false;
        while (span_split(&names, ' ', &name))
                if (cert_domain_within(name, trust_domain.n ? trust_domain : domain))
                        return true;
        return false;
}

/* The one common name, when there is exactly one; else SPAN_NULL. */
static struct span common_name(X509 *x)
{
        const X509_NAME *subject = X509_get_subject_name(x);
        int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
        const ASN1_STRING *value;

        if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
                return SPAN_NULL;
        value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
        return span_make(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

static bool any_name(struct span name, void *arg)
{
        (void)name;
        (void)arg;
        return true;
}

void cert_check_names(struct cert_path *path, X509 *x)
{
        struct span cn = common_name(x);

        if (!cert_is_fqdn(cn)) {
                cert_breach(path, CERT_RULE_cn_one_fqdn, x, NULL, X509_V_ERR_APPLICATION_VERIFICATION);
                cn = SPAN_NULL;
        }
        if (cn.n ? !cert_has_name(x, cn) : !cert_each_dns_name(x, any_name, NULL))
                cert_breach(path, CERT_RULE_san_has_fqdn, x, NULL, X509_V_ERR_APPLICATION_VERIFICATION);
}
