/* SPDX-License-Identifier: BSD-3-Clause
 * Certificates of TLS as TS 33.203 O.5 wants them: what a certificate of our own must be like before a node
 * starts, and what is asked of one that a peer presents. Every rule has a name, a clause and a sentence; what
 * breaks one is told with file, subject and rule. Nothing here knows connections.
 * TLS-FWD: "Forwards compatibility to TLS based access security", SA3 paper of July 2004. */
#pragma once

#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <time.h>

#include "common/base/buf.h"

/* rule, hard or not, clause, sentence. A hard breach keeps a node from starting and ends a handshake; the
 * others are told. */
#define CERT_RULES(X)                                                                                        \
        X(file_readable, true, "TS 33.203 O.5.1", "the file cannot be read, or holds nothing of this kind")  \
        X(key_private, true, "docs/tls.md", "the key file can be read by others than its owner and group")   \
        X(key_matches, true, "TS 33.203 O.5.1", "the key is not that of the certificate")                    \
        X(key_strong, true, "TS 33.310 6.1.1",                                                               \
          "the key is too weak: RSA needs 2048 bits, an elliptic curve 224")                                 \
        X(list_bounded, true, "docs/certificates.md",                                                        \
          "more than 8 certificates, or a key that is dear to compute with: above 8192 bits, or an RSA "     \
          "exponent above 32")                                                                               \
        X(signature_strong, true, "TS 33.310 6.1.1", "it is signed with MD5 or SHA-1")                       \
        X(cn_one_fqdn, true, "TS 33.203 O.5.1", "the common name is not one single FQDN")                    \
        X(san_has_fqdn, true, "TS 33.203 O.5.1", "subjectAltName does not contain the FQDN")                 \
        X(signed_by_trusted, true, "TS 33.203 O.5.1", "it is signed by itself, not by a trusted party")      \
        X(chain_to_root, true, "TS 33.203 O.5.2", "no chain leads to a trusted root")                        \
        X(chain_order, true, "RFC 5246 7.4.2",                                                               \
          "the list does not start with the own certificate, each following one certifying the one before")  \
        X(root_unchanged, true, "TS 33.203 O.5.2",                                                           \
          "the root that was sent differs from the known one in more than serial number, validity and "      \
          "signature")                                                                                       \
        X(issuer_der, true, "TS 33.203 O.5.2", "the issuer is not the subject of its issuer octet by octet") \
        X(signature_valid, true, "RFC 5280 6.1.3", "the signature is wrong")                                 \
        X(not_expired, true, "RFC 5280 6.1.3", "it has expired")                                             \
        X(already_valid, true, "RFC 5280 6.1.3", "it is not valid yet")                                      \
        X(issuer_is_ca, true, "RFC 5280 6.1.4", "the issuer is no certification authority")                  \
        X(path_length, true, "RFC 5280 6.1.4", "more intermediate authorities than an authority allows")     \
        X(key_usage, true, "RFC 5280 4.2.1.3", "key usage forbids what the certificate is used for")         \
        X(extended_key_usage, true, "RFC 5280 4.2.1.12",                                                     \
          "extended key usage forbids what the certificate is used for")                                     \
        X(names_permitted, true, "RFC 5280 6.1.3", "an authority may not certify this name")                 \
        X(path_valid, true, "RFC 5280 6.1", "path validation fails")                                         \
        X(not_revoked, true, "TS 33.203 O.5.3", "it is revoked")                                             \
        X(crl_usable, true, "TS 33.203 O.5.3", "there is no usable CRL of its issuer")                       \
        X(name_matches, true, "RFC 5922 7.1", "it is not for the name that was asked for")                   \
        X(in_trust_domain, true, "TLS-FWD F", "no name of it lies in the trust domain")                      \
        X(of_home, true, "RFC 3261 26.3.2.1",                                                                \
          "it neither names the home domain nor chains to a root of the home domain")                        \
        X(roots_held, true, "TLS-FWD F", "no trusted root is configured")                                    \
        X(long_valid, false, "TS 33.310 6.1", "it expires within 14 days")

enum cert_rule {
#define X(name, hard, clause, text) CERT_RULE_##name,
        CERT_RULES(X)
#undef X
                CERT_RULE_COUNT
};

struct cert_rule_row {
        const char *name, *clause, *text;
        bool hard;
};

extern const struct cert_rule_row cert_rule_rows[CERT_RULE_COUNT];

#define CERT_FINDINGS 24
#define CERT_SUBJECT  160

/* One breach. */
struct cert_finding {
        enum cert_rule rule;
        char subject[CERT_SUBJECT]; /* of the certificate (RFC 2253, printable), or "" */
        const char *file;           /* borrowed from who asked, or NULL */
        const char *detail;         /* static, or NULL */
};

/* What was found, in order of the finding; beyond CERT_FINDINGS they are counted only. */
struct cert_report {
        struct cert_finding list[CERT_FINDINGS];
        size_t n;
        size_t n_hard; /* of all, those not in the list too */
};

/* Adds a finding; the same rule for the same subject and file stands once. x may be NULL. */
void cert_report_add(struct cert_report *r, enum cert_rule rule, X509 *x, const char *file,
                     const char *detail);
bool cert_report_has(const struct cert_report *r, enum cert_rule rule);

/* One finding as text: "FILE: SUBJECT: RULE (CLAUSE): sentence: detail", parts that are missing left out. */
void cert_finding_text(const struct cert_finding *f, struct buf *out);

/* The first hard finding as text, for a verdict or an alert; nothing when there is none. */
void cert_report_text(const struct cert_report *r, struct buf *out);

/* --- names ---------------------------------------------------------------------------------------- */

/* Whether host is domain or lies below it, label by label, ASCII case ignored; a final dot is ignored. */
bool cert_domain_within(struct span host, struct span domain);

/* Whether text is a fully qualified domain name: two labels at least, letters, digits and hyphens, the last
 * one not of digits alone (an address is none). A final dot is no part of it. */
bool cert_is_fqdn(struct span text);

/* The domain of a realm, "operator1.ims.example" or "operator1@ims.example" (TLS-FWD 3.1). */
struct span cert_realm_domain(struct span realm);

/* Writes the DNS names of subjectAltName, separated by spaces; what is no host name is left out. */
void cert_dns_names(X509 *x, struct buf *out);

/* Whether a DNS name of subjectAltName is name (no wildcards, RFC 5922 7.2). */
bool cert_has_name(X509 *x, struct span name);

/* Whether a DNS name of subjectAltName lies in domain. */
bool cert_names_within(X509 *x, struct span domain);

/* TRUST-005 (RFC 3261 26.3.2.1, TLS-FWD 3.1): whether the realm of a challenge corresponds to the certificate
 * that the P-CSCF presented; names: its DNS names as cert_dns_names writes them. With a trust domain both lie
 * in it. Without one (trust_domain SPAN_NULL) the certificate names a host in the realm's domain. */
bool cert_trusts_realm(struct span names, struct span realm, struct span trust_domain);

/* --- roots ---------------------------------------------------------------------------------------- */

/* Trusted roots and CRLs. Read once, used by many handshakes. */
struct cert_roots;

/* ca, crl: PEM files with certificates of roots and with CRLs; crl NULL: none is checked (TS 33.203 O.5.3).
 * -IMS_ECONF with findings (file_readable, roots_held, what is wrong with a root), -IMS_ENOMEM. */
int cert_roots_load(const char *ca, const char *crl, struct cert_roots **out,
                    struct cert_report *report) IMS_CHECK;

/* The same from objects, for tests and for who has them: the references are taken over in no case. crls may
 * be NULL. -IMS_ENOMEM. */
int cert_roots_new(STACK_OF(X509) * roots, STACK_OF(X509_CRL) * crls, struct cert_roots **out) IMS_CHECK;
void cert_roots_free(struct cert_roots *r); /* accepts NULL */

/* --- a chain that is presented -------------------------------------------------------------------- */

enum cert_use {
        CERT_USE_SERVER, /* presented by the server of the handshake */
        CERT_USE_CLIENT  /* presented by its client */
};

/* What is asked of a certificate that is presented. All is borrowed for the call. */
struct cert_policy {
        enum cert_use use;
        const struct cert_roots *roots; /* never NULL */
        /* FQDN, or address, that must stand in subjectAltName; SPAN_NULL: any. With an address no FQDN is
         * asked of the certificate. */
        struct span name;
        struct span trust_domain; /* a name must lie in it (TRUST-002); SPAN_NULL: none */
        /* TRUST-004, the UE's: the certificate names a host in home_domain or below it, or it chains to one
         * of home_roots (NULL: there are none). SPAN_NULL: not asked. */
        struct span home_domain;
        const struct cert_roots *home_roots;
        bool device; /* a device certificate: no FQDN is asked of CN and subjectAltName */
        time_t now;  /* 0: the clock */
};

/* Checks the chain as it was sent, its first certificate being the peer's (TS 33.203 O.5.2, RFC 5280 6). All
 * breaches go to report, which is emptied first. *error, where not NULL, is the X509_V_ERR_ code that fits
 * the first hard one, for the alert. 0 when no hard rule is broken, -IMS_EAUTH when one is, -IMS_ENOMEM. */
int cert_chain_check(STACK_OF(X509) * sent, const struct cert_policy *policy, struct cert_report *report,
                     int *error) IMS_CHECK;

/* The body of an SSL_CTX_set_cert_verify_callback: checks what ctx holds and sets its error. 1 or 0 as
 * OpenSSL wants it. */
int cert_verify_presented(X509_STORE_CTX *ctx, const struct cert_policy *policy, struct cert_report *report);

/* --- the own certificate -------------------------------------------------------------------------- */

/* What a node is configured with. PEM files: the chain begins with the own certificate. */
struct cert_files {
        const char *certificate, *key; /* NULL: it has none (a client that is not asked for one) */
        const char *ca;                /* trusted roots */
        const char *crl;               /* or NULL */
        bool server, client;           /* what the certificate is used for */
        struct span name;              /* that must stand in it; SPAN_NULL: any */
        struct span trust_domain;      /* or SPAN_NULL */
        time_t now;                    /* 0: the clock */
};

/* Reads and checks all of it. The report's files are those of f. 0, also when rules are broken:
 * report->n_hard tells; -IMS_ENOMEM. */
int cert_files_check(const struct cert_files *f, struct cert_report *report) IMS_CHECK;

/* The pem_password_cb for each key: one under a passphrase cannot be used, nobody is there to type it. */
int cert_no_passphrase(char *buf, int size, int writing, void *arg);

/* Reads a PEM file of certificates, in its order. -IMS_EIO, -IMS_EPARSE (none, or broken), -IMS_ENOMEM. *out:
 * sk_X509_pop_free(*out, X509_free). */
int cert_chain_load(const char *file, STACK_OF(X509) * *out) IMS_CHECK;
