/* SPDX-License-Identifier: BSD-3-Clause
 * Every field of a subscriber in one table: its name, where it may stand, its form. */
#include <stdio.h>

#include "common/base/codec.h"
#include "common/base/secret.h"
#include "hss/identity.h"
#include "hss/subscriber.h"

static const char *append(struct sub_list *list, struct span value)
{
        for (size_t i = 0; i < list->n; i++)
                if (span_eq(list->v[i], value))
                        return "the same value twice";
        if (list->n == SUB_LIST_MAX)
                return "more than 32 values";
        list->v[list->n++] = value;
        return NULL;
}

static const char *append_impu(struct sub_list *list, struct arena *a, struct span value)
{
        struct span impu;
        const char *why = identity_canonical_impu(a, value, &impu);
        return why ? why : append(list, impu);
}

static const char *yes_no(struct span v, struct span yes, struct span no, bool *out)
{
        if (span_ieq(v, yes) || span_ieq(v, no)) {
                *out = span_ieq(v, yes);
                return NULL;
        }
        return span_eq(yes, SPAN("yes")) ? "yes or no" : "allowed or denied";
}

/* Octets of the UTF-8 character at p (RFC 3629 4), 0 when it is none. Characters that XML does not have
 * are none either. */
static size_t utf8_char(const unsigned char *p, size_t n)
{
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        size_t len = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
        uint32_t c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));
        if (len == 0 || len > n)
                return 0;
        for (size_t i = 1; i < len; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fu);
        }
        bool bad =
                c < least[len] || (c >= 0xd800 && c < 0xe000) || c == 0xfffe || c == 0xffff || c > 0x10ffff;
        return bad ? 0 : len;
}

/* UTF-8 without control characters: the value stands in one line of a list, in XML and in JSON. */
static const char *printable(struct span v)
{
        size_t len;
        for (size_t i = 0; i < v.n; i += len) {
                if ((unsigned char)v.p[i] < ' ' || v.p[i] == 0x7f)
                        return "a control character may not stand here";
                len = utf8_char((const unsigned char *)v.p + i, v.n - i);
                if (len == 0)
                        return "not UTF-8";
        }
        return v.n == 0 ? "empty" : v.n > IDENTITY_MAX ? "longer than 255 octets" : NULL;
}

/* name: as in TAKE(name, ...); v is the value, sub and a are at hand. */
#define TAKE(name)                                                                                           \
        static const char *take_##name(struct subscriber *sub __attribute__((unused)),                       \
                                       struct arena *a __attribute__((unused)), struct span v)

TAKE(imsi)
{
        sub->imsi = v;
        return identity_check_imsi(v);
}

TAKE(msisdn)
{
        sub->msisdn = v;
        return identity_check_msisdn(v);
}

TAKE(mnc_digits)
{
        if (span_u32(v, 3, &sub->mnc_digits) < 0 || sub->mnc_digits < 2)
                return "an MNC has 2 or 3 digits";
        return NULL;
}

TAKE(domain)
{
        sub->domain = v;
        return identity_check_domain(v);
}

TAKE(impi)
{
        sub->impi = v;
        return identity_check_impi(v);
}

TAKE(join)
{
        sub->join = v;
        return identity_check_impi(v);
}

TAKE(impu)
{
        return append_impu(&sub->impus, a, v);
}

TAKE(barred_impu)
{
        return append_impu(&sub->barred, a, v);
}

TAKE(separate_impu)
{
        return append_impu(&sub->separate, a, v);
}

TAKE(psi)
{
        return append_impu(&sub->psis, a, v);
}

TAKE(bar)
{
        return append_impu(&sub->bar, a, v);
}

TAKE(unbar)
{
        return append_impu(&sub->unbar, a, v);
}

TAKE(remove_impu)
{
        return append_impu(&sub->remove, a, v);
}

TAKE(as_name)
{
        sub->as_name = v;
        return identity_check_sip_uri(v);
}

TAKE(display_name)
{
        sub->display_name = v;
        return printable(v);
}

TAKE(tuak)
{
        if (v.n == 0) { /* the switch --tuak */
                sub->tuak = true;
                return NULL;
        }
        return yes_no(v, SPAN("yes"), SPAN("no"), &sub->tuak);
}

TAKE(k)
{
        sub->k_n = v.n == 64 ? 32 : 16;
        return hex_decode(v, sub->k, sub->k_n) < 0 ? "K is 32 hex digits (128 bits; with TUAK also 64)"
                                                   : NULL;
}

TAKE(op)
{
        return hex_decode(v, sub->op, 16) < 0 ? "OP is 32 hex digits" : NULL;
}

TAKE(opc)
{
        return hex_decode(v, sub->opc, 16) < 0 ? "OPc is 32 hex digits" : NULL;
}

TAKE(top)
{
        return hex_decode(v, sub->op, 32) < 0 ? "TOP is 64 hex digits" : NULL;
}

TAKE(topc)
{
        return hex_decode(v, sub->opc, 32) < 0 ? "TOPc is 64 hex digits" : NULL;
}

TAKE(keccak)
{
        return span_u32(v, 255, &sub->keccak) < 0 || sub->keccak == 0 ? "1 to 255 iterations" : NULL;
}

TAKE(res_octets)
{
        if (span_u32(v, 16, &sub->res_octets) < 0 ||
            (sub->res_octets != 4 && sub->res_octets != 8 && sub->res_octets != 16))
                return "RES has 4, 8 or 16 octets";
        return NULL;
}

TAKE(amf)
{
        uint8_t amf[2];
        if (hex_decode(v, amf, 2) < 0)
                return "AMF is four hex digits";
        sub->amf = (uint16_t)(amf[0] << 8 | amf[1]);
        return NULL;
}

TAKE(sqn)
{
        static const char why[] = "SQN is a number below 2^48, decimal or 0x and hex digits";
        if (!span_istarts(v, SPAN("0x")))
                return span_u64(v, AKA_SQN_MAX, &sub->sqn) < 0 ? why : NULL;
        uint8_t octets[6] = {0};
        char digits[12];
        if (v.n < 3 || v.n > 14)
                return why;
        memset(digits, '0', sizeof digits);
        memcpy(digits + sizeof digits - (v.n - 2), v.p + 2, v.n - 2);
        if (hex_decode(span_make(digits, sizeof digits), octets, sizeof octets) < 0)
                return why;
        sub->sqn = 0;
        for (size_t i = 0; i < sizeof octets; i++)
                sub->sqn = sub->sqn << 8 | octets[i];
        return NULL;
}

TAKE(password)
{
        if (v.n == 0 || span_copy(v, sub->password, sizeof sub->password) < 0)
                return "a password has 1 to 127 octets";
        return NULL;
}

/* The first line of a file. */
static const char *read_password(struct subscriber *sub, struct arena *a, FILE *f)
{
        char line[sizeof sub->password + 2];
        struct span v;
        const char *why = "the password cannot be read";
        setvbuf(f, NULL, _IONBF, 0); /* no copy stays behind */
        if (fgets(line, sizeof line, f)) {
                v = span_of(line);
                while (v.n && (v.p[v.n - 1] == '\n' || v.p[v.n - 1] == '\r'))
                        v.n--;
                why = take_password(sub, a, v);
        }
        secret_wipe(line, sizeof line);
        return why;
}

TAKE(password_file)
{
        FILE *f = fopen(v.p, "re");
        if (!f)
                return "the file cannot be opened";
        const char *why = read_password(sub, a, f);
        (void)fclose(f);
        return why;
}

TAKE(password_stdin)
{
        return v.n ? "takes no value" : read_password(sub, a, stdin);
}

TAKE(bootstrap)
{
        bool wanted = true;
        const char *why = v.n ? yes_no(v, SPAN("yes"), SPAN("no"), &wanted) : NULL;
        return why ? why : wanted ? NULL : "yes, or nothing";
}

TAKE(digest_ha1)
{
        uint8_t ha1[32];
        size_t n = v.n == 64 ? 32 : 16;
        if (hex_decode(v, ha1, n) < 0)
                return "H(A1) is 32 hex digits (SHA-256: 64)";
        hex_encode(ha1, n, sub->ha1);
        secret_wipe(ha1, sizeof ha1);
        return NULL;
}

TAKE(digest_algorithm)
{
        if (digest_algorithm_parse(v, &sub->digest_algorithm) < 0 || digest_is_aka(sub->digest_algorithm))
                return "MD5 or SHA-256";
        return NULL;
}

TAKE(digest_realm)
{
        sub->digest_realm = v;
        return printable(v);
}

TAKE(nba_line)
{
        const char *why = printable(v);
        return why ? why : append(&sub->lines, v);
}

TAKE(profile)
{
        sub->profile = v;
        return printable(v);
}

TAKE(capability)
{
        uint32_t number;
        struct span kind, rest = v;
        struct sub_list *list = NULL;
        if (span_split(&rest, ':', &kind) && span_u32(rest, UINT32_MAX, &number) == 0)
                list = span_eq(kind, SPAN("mandatory"))  ? &sub->mandatory
                       : span_eq(kind, SPAN("optional")) ? &sub->optional
                                                         : NULL;
        return list ? append(list, rest) : "a capability is mandatory:NUMBER or optional:NUMBER";
}

TAKE(server_name)
{
        const char *why = identity_check_sip_uri(v);
        return why ? why : append(&sub->server_names, v);
}

TAKE(visited)
{
        if (span_ieq(v, SPAN("any"))) {
                sub->any_network = true;
                return sub->visited.n ? "any, or a list of networks" : NULL;
        }
        const char *why = printable(v);
        if (!why && sub->any_network)
                why = "any, or a list of networks";
        return why ? why : append(&sub->visited, v);
}

TAKE(registration)
{
        return yes_no(v, SPAN("allowed"), SPAN("denied"), &sub->registration_allowed);
}

TAKE(unregistered)
{
        return yes_no(v, SPAN("yes"), SPAN("no"), &sub->unregistered_services);
}

static const char *charging(struct sub_list *list, struct span v)
{
        if (!span_istarts(v, SPAN("aaa://")) && !span_istarts(v, SPAN("aaas://")))
                return "a charging function is a Diameter URI, aaa://HOST";
        if (list->n == 2)
                return "a primary and a secondary one, no more";
        const char *why = printable(v);
        return why ? why : append(list, v);
}

TAKE(ecf)
{
        return charging(&sub->ecf, v);
}

TAKE(ccf)
{
        return charging(&sub->ccf, v);
}

TAKE(loose_route)
{
        return yes_no(v, SPAN("yes"), SPAN("no"), &sub->loose_route);
}

TAKE(priviledged)
{
        return yes_no(v, SPAN("yes"), SPAN("no"), &sub->priviledged);
}

TAKE(switch)
{
        return v.n ? "takes no value" : NULL;
}

#define ALL (SUB_USE_ADD | SUB_USE_SET | SUB_USE_CSV)
#define NEW (SUB_USE_ADD | SUB_USE_CSV)

const struct sub_row sub_rows[SUB_FIELDS] = {
        [SUB_IMSI] = {"imsi", ALL, SUB_ONE, "DIGITS", "IMSI; IMPI and identities follow from it", take_imsi},
        [SUB_MSISDN] = {"msisdn", ALL, SUB_ONE, "DIGITS", "telephone number without +", take_msisdn},
        [SUB_MNC_DIGITS] = {"mnc-digits", NEW, SUB_ONE, "2|3", "digits of the MNC in the IMSI",
                            take_mnc_digits},
        [SUB_DOMAIN] = {"domain", NEW, SUB_ONE, "DOMAIN", "home domain (default: from the IMSI)",
                        take_domain},
        [SUB_IMPI] = {"impi", ALL, SUB_ONE, "USER@REALM", "private identity (default: IMSI@domain)",
                      take_impi},
        [SUB_JOIN] = {"join", NEW, SUB_ONE, "IMPI",
                      "another device of that IMPI's subscriber: shares every identity", take_join},
        [SUB_IMPU] = {"impu", ALL, SUB_MANY, "URI",
                      "identities of the implicit set, the default one first "
                      "(default: sip:+MSISDN@domain, sip:IMSI@domain barred, tel:+MSISDN); set: adds",
                      take_impu},
        [SUB_BARRED_IMPU] = {"barred-impu", NEW, SUB_MANY, "URI", "identities good for REGISTER alone",
                             take_barred_impu},
        [SUB_SEPARATE_IMPU] = {"separate-impu", ALL, SUB_MANY, "URI", "identities that register on their own",
                               take_separate_impu},
        [SUB_PSI] = {"psi", ALL, SUB_MANY, "URI", "public service identities", take_psi},
        [SUB_AS_NAME] = {"as-name", ALL, SUB_ONE, "SIP-URI",
                         "application server for direct routing to the PSIs", take_as_name},
        [SUB_DISPLAY_NAME] = {"display-name", NEW, SUB_ONE, "TEXT", "display name of the identities",
                              take_display_name},
        [SUB_TUAK] = {"tuak", ALL, SUB_SWITCH, "", "TUAK (TS 35.231) instead of Milenage", take_tuak},
        [SUB_K] = {"k", ALL, SUB_ONE, "HEX", "the key K", take_k},
        [SUB_OP] = {"op", ALL, SUB_ONE, "HEX", "OP of the operator; OPc is derived", take_op},
        [SUB_OPC] = {"opc", ALL, SUB_ONE, "HEX", "OPc of the SIM", take_opc},
        [SUB_TOP] = {"top", ALL, SUB_ONE, "HEX", "TUAK: TOP of the operator; TOPc is derived", take_top},
        [SUB_TOPC] = {"topc", ALL, SUB_ONE, "HEX", "TUAK: TOPc of the SIM", take_topc},
        [SUB_KECCAK] = {"keccak", ALL, SUB_ONE, "N", "TUAK: Keccak iterations (default 1)", take_keccak},
        [SUB_RES_OCTETS] = {"res-octets", ALL, SUB_ONE, "4|8|16", "TUAK: length of RES (default 8)",
                            take_res_octets},
        [SUB_AMF] = {"amf", ALL, SUB_ONE, "HEX", "AMF, four hex digits (default: auc.amf)", take_amf},
        [SUB_SQN] = {"sqn", ALL, SUB_ONE, "N", "SQN given out last; the next one is above", take_sqn},
        [SUB_PASSWORD] = {"password", SUB_USE_ADD | SUB_USE_SET, SUB_ONE, "TEXT",
                          "SIP Digest: password; H(A1) is stored, never the password", take_password},
        [SUB_PASSWORD_FILE] = {"password-file", SUB_USE_ADD | SUB_USE_SET, SUB_ONE, "FILE",
                               "the password is the first line of that file", take_password_file},
        [SUB_PASSWORD_STDIN] = {"password-stdin", SUB_USE_ADD | SUB_USE_SET, SUB_SWITCH, "",
                                "the password is the first line of the standard input", take_password_stdin},
        [SUB_BOOTSTRAP] = {"bootstrap", ALL, SUB_SWITCH, "",
                           "SIP Digest: the password is made when a device fetches it", take_bootstrap},
        [SUB_DIGEST_HA1] = {"digest-ha1", ALL, SUB_ONE, "HEX", "SIP Digest: H(A1) of the algorithm",
                            take_digest_ha1},
        [SUB_DIGEST_ALGORITHM] = {"digest-algorithm", ALL, SUB_ONE, "MD5|SHA-256",
                                  "SIP Digest: hash (RFC 7616; default MD5)", take_digest_algorithm},
        [SUB_DIGEST_REALM] = {"digest-realm", ALL, SUB_ONE, "REALM",
                              "SIP Digest: realm (default: realm of the IMPI)", take_digest_realm},
        [SUB_NBA_LINE] = {"nba-line", ALL, SUB_MANY, "TEXT", "NBA: line identifiers", take_nba_line},
        [SUB_PROFILE] = {"profile", ALL, SUB_ONE, "NAME",
                         "service profile of the identities (default: default)", take_profile},
        [SUB_CAPABILITY] = {"scscf-capability", ALL, SUB_MANY, "mandatory:N|optional:N",
                            "capabilities the S-CSCF must or should have", take_capability},
        [SUB_SERVER_NAME] = {"scscf-name", ALL, SUB_MANY, "SIP-URI", "S-CSCFs recommended to the I-CSCF",
                             take_server_name},
        [SUB_VISITED] = {"visited", ALL, SUB_MANY, "NETWORK|any", "visited networks allowed (default: any)",
                         take_visited},
        [SUB_REGISTRATION] = {"registration", ALL, SUB_ONE, "allowed|denied", "may the subscriber register?",
                              take_registration},
        [SUB_UNREGISTERED] = {"unregistered-services", ALL, SUB_ONE, "yes|no",
                              "services while not registered (voice mail, ...)", take_unregistered},
        [SUB_ECF] = {"ecf", ALL, SUB_MANY, "aaa://HOST", "event charging functions, primary first", take_ecf},
        [SUB_CCF] = {"ccf", ALL, SUB_MANY, "aaa://HOST", "charging collection functions, primary first",
                     take_ccf},
        [SUB_LOOSE_ROUTE] = {"loose-route", ALL, SUB_ONE, "yes|no", "Loose-Route-Indication",
                             take_loose_route},
        [SUB_PRIVILEDGED] = {"priviledged-sender", ALL, SUB_ONE, "yes|no", "Priviledged-Sender-Indication",
                             take_priviledged},
        [SUB_BAR] = {"bar", SUB_USE_ADD | SUB_USE_SET, SUB_MANY, "URI", "bar identities of the subscriber",
                     take_bar},
        [SUB_UNBAR] = {"unbar", SUB_USE_ADD | SUB_USE_SET, SUB_MANY, "URI", "no longer bar them", take_unbar},
        [SUB_REMOVE_IMPU] = {"remove-impu", SUB_USE_SET, SUB_MANY, "URI", "take identities away",
                             take_remove_impu},
        [SUB_REAUTHENTICATE] = {"reauthenticate", SUB_USE_SET, SUB_SWITCH, "",
                                "end the registration so that the UE registers anew", take_switch},
        [SUB_DEREGISTER] = {"deregister", SUB_USE_SET, SUB_SWITCH, "",
                            "end the registration; the UE is not asked to come back", take_switch},
};
