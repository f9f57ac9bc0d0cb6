/* SPDX-License-Identifier: BSD-3-Clause
 * Security-Client, Security-Server and Security-Verify: reading, comparing and writing their mechanisms, and
 * the choice among them. RFC 3329 2.2, TS 33.203 7.2, Annex H and M.7.2. Pure functions. */
#pragma once

#include "common/base/buf.h"

enum sec_mechanism {
        SEC_IPSEC_3GPP,
        SEC_TLS,
        SEC_OTHER /* a name that is not understood, or mediasec (TS 24.229 7.2A.7): skipped by every choice */
};

/* Values of "alg"; hmac-md5-96 is of older releases. */
enum sec_alg { SEC_ALG_NULL, SEC_ALG_HMAC_SHA_1_96, SEC_ALG_AES_GMAC, SEC_ALG_HMAC_MD5_96, SEC_ALG_OTHER };

/* Values of "ealg"; des-ede3-cbc is of older releases. */
enum sec_ealg { SEC_EALG_NULL, SEC_EALG_AES_CBC, SEC_EALG_AES_GCM, SEC_EALG_DES_EDE3_CBC, SEC_EALG_OTHER };

/* Values of "mod". */
enum sec_mode { SEC_MODE_TRANS, SEC_MODE_UDP_ENC_TUN, SEC_MODE_TUN, SEC_MODE_OTHER };

const char *sec_alg_name(enum sec_alg a);   /* "hmac-sha-1-96" */
const char *sec_ealg_name(enum sec_ealg e); /* "aes-cbc" */
const char *sec_mode_name(enum sec_mode m); /* "trans", "UDP-enc-tun" */

/* Integrity and encryption that go together. */
struct sec_suite {
        enum sec_alg alg;
        enum sec_ealg ealg;
};

/* True when Annex H allows the pair (alg null only with aes-gcm, aes-gcm only with alg null, aes-gmac only
 * with ealg null) or an older release knew it; both sides named. */
bool sec_suite_allowed(struct sec_suite s);
bool sec_suite_encrypts(struct sec_suite s);
static inline bool sec_suite_eq(struct sec_suite a, struct sec_suite b)
{
        return a.alg == b.alg && a.ealg == b.ealg;
}

/* "hmac-sha-1-96/aes-cbc", as configuration and people write it. -IMS_EPARSE (also for a pair that is not
 * allowed). */
int sec_suite_parse(struct span text, struct sec_suite *out) IMS_CHECK;
void sec_suite_write(struct sec_suite s, struct buf *out);

/* The two SPIs and ports of one side; c: of the protected client port, s: of the server port. */
struct sec_ends {
        uint32_t spi_c, spi_s;
        uint16_t port_c, port_s;
};

#define SEC_Q_NONE 1001 /* no q given */

/* One mechanism of a list, defaults filled in (ealg null, prot esp, mod trans). */
struct sec_entry {
        enum sec_mechanism mechanism;
        uint16_t q; /* thousandths, or SEC_Q_NONE */
        struct sec_suite suite;
        enum sec_mode mode;
        bool has_alg, has_ealg, has_mode, has_ends; /* given; has_ends: all four of them */
        bool esp;                                   /* prot is esp or absent */
        struct sec_ends ends;
        struct span raw; /* as it stands, white space around it off */
};

/* True for a port that may be protected: none of those of unprotected SIP (TS 33.203 7.1). */
bool sec_port_allowed(uint32_t port);

/* True for an ipsec-3gpp entry that Annex H allows and that is whole: alg there, an allowed suite, prot esp,
 * mode trans or UDP-enc-tun, both SPIs (> 255) and ports there, the two SPIs and the two ports different, no
 * port 0, 5060 or 5061. *why (may be NULL): a static text saying what is wrong. */
bool sec_entry_usable(const struct sec_entry *e, const char **why);

#define SEC_ENTRIES_MAX 24

struct sec_list {
        struct sec_entry e[SEC_ENTRIES_MAX];
        size_t n;
};

/* Reads one value (one mechanism) of a list; spans point into it. Parameter names and values compare without
 * case; parameters that are not understood are skipped. -IMS_EPARSE (q beyond 0..1 or more than three
 * decimals, SPI or port out of range or not a number, a parameter twice, more than 24 of them, no mechanism
 * name); *why (may be NULL) is a static text. Of "tls" and of what is not understood q alone is read. */
int sec_entry_read(struct span value, struct sec_entry *out, const char **why) IMS_CHECK;

/* Adds a value to the list, which stays as it was on an error. As sec_entry_read; -IMS_ETOOBIG beyond
 * SEC_ENTRIES_MAX. */
int sec_list_add(struct sec_list *l, struct span value, const char **why) IMS_CHECK;

/* The SPIs and ports that all ipsec-3gpp entries share. NULL when there are none, or when they differ or lack
 * (TS 33.203 7.2: exactly one pair of each); *why then says so. */
const struct sec_ends *sec_list_ends(const struct sec_list *l, const char **why);

/* Which of what two lists say differs first, as a name for a verdict: "spi-s", "alg", "q", "number of
 * mechanisms", "a parameter that is not known here", ...; NULL when they say the same: same mechanisms in the
 * same order, every parameter equal by value. Case, white space, leading zeros, order of parameters, and
 * whether a default is written out do not count; parameters that are not understood do. *at (may be NULL):
 * index of the mechanism. */
const char *sec_list_differs(const struct sec_list *a, const struct sec_list *b, size_t *at);

/* Appends the values as they stand, joined by ", ". */
void sec_list_join(const struct sec_list *l, struct buf *out);

/* --- the choice ----------------------------------------------------------------------------------- */

enum sec_confidentiality {
        SEC_CONF_NEVER,     /* no encryption algorithm is ever named (7.2) */
        SEC_CONF_PREFERRED, /* whenever the UE supports it: as the order of the suites says */
        SEC_CONF_REQUIRED   /* a UE without it is refused */
};

#define SEC_SUITES_MAX 12

/* What a P-CSCF offers. suites: in order of priority, the first the best. */
struct sec_policy {
        struct sec_suite suites[SEC_SUITES_MAX];
        size_t n;
        enum sec_confidentiality confidentiality;
};

/* The suites a P-CSCF offers under its policy, best first: those without encryption are left out when it is
 * required, those with encryption when it never is; those of older releases come last wherever they stand.
 * Returns how many. */
size_t sec_policy_offer(const struct sec_policy *p, struct sec_suite out[static SEC_SUITES_MAX]);

/* The first of the P-CSCF's suites that the UE offers in this mode too (TS 33.203 7.2), or NULL. *why
 * (may be NULL): a static text saying what was missing. */
const struct sec_entry *sec_choose_pcscf(const struct sec_policy *p, const struct sec_list *client,
                                         enum sec_mode mode, struct sec_suite *out, const char **why);

/* The entry of Security-Server a UE takes: by q, the highest first, entries without q after those with, equal
 * ones in their order (RFC 3329 2.2, TS 33.203 7.2); the first that is usable and whose suite is among those
 * the UE supports. modes: bits 1 << enum sec_mode. NULL: none (7.3.2.2). */
const struct sec_entry *sec_choose_ue(const struct sec_list *server, const struct sec_suite *suites, size_t n,
                                      unsigned modes, const char **why);

/* Writes a list of ipsec-3gpp mechanisms, one per suite, all with these ends (none when port_s is 0: the
 * list of a 494) and this mode, values joined by ", ". with_q: q=0.9 falling to 0.1, for a server. with_ealg
 * false: no ealg parameter is written (a P-CSCF that never encrypts, 7.2). modes: bits; with several (a UE)
 * every suite stands once per mode; mod is written when name_mode is set or it is not trans. Suites with
 * encryption are left out without with_ealg. */
struct sec_write {
        const struct sec_suite *suites;
        size_t n;
        unsigned modes;
        struct sec_ends ends;
        bool with_q, with_ealg, name_mode;
};
void sec_list_write(const struct sec_write *w, struct buf *out);
