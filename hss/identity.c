/* SPDX-License-Identifier: BSD-3-Clause
 * Forms of identities. TS 23.003 13.2 (domain), 13.3 (IMPI), 13.4 (IMPU); RFC 3966 5.1.1 (tel). */
#include "hss/identity.h"

#include <ctype.h>
#include <regex.h>

static bool all_digits(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] < '0' || s.p[i] > '9')
                        return false;
        return true;
}

const char *identity_check_imsi(struct span s)
{
        if (!all_digits(s))
                return "an IMSI has digits only";
        if (s.n < 6 || s.n > 15)
                return "an IMSI has 6 to 15 digits";
        return NULL;
}

const char *identity_check_msisdn(struct span s)
{
        if (!all_digits(s))
                return "an MSISDN has digits only (no +, no spaces)";
        if (s.n < 3 || s.n > 15)
                return "an MSISDN has 3 to 15 digits";
        return NULL;
}

const char *identity_check_domain(struct span s)
{
        if (s.n == 0 || s.n > 253)
                return "a domain name has 1 to 253 characters";
        size_t label = 0;
        for (size_t i = 0; i < s.n; i++) {
                char c = s.p[i];
                if (c == '.') {
                        if (label == 0 || s.p[i - 1] == '-')
                                return "a label of the domain name is empty or ends with -";
                        label = 0;
                        continue;
                }
                bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                if (!alnum && !(c == '-' && label > 0))
                        return "a domain name has letters, digits, - and . only";
                if (++label > 63)
                        return "a label of the domain name is longer than 63 characters";
        }
        if (label == 0 || s.p[s.n - 1] == '-')
                return "a label of the domain name is empty or ends with -";
        return NULL;
}

/* Printable ASCII without what URIs and header fields use as a delimiter. */
static bool user_chars(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                unsigned char c = (unsigned char)s.p[i];
                if (c <= ' ' || c > '~' || strchr("\"<>@,;:\\[]{}|^`#", c))
                        return false;
        }
        return s.n > 0;
}

const char *identity_check_impi(struct span s)
{
        if (s.n > IDENTITY_MAX)
                return "longer than 255 octets";
        ptrdiff_t at = span_chr(s, '@', 0);
        if (at < 0)
                return "an IMPI is user@realm: the realm is missing";
        if (!user_chars(span_sub(s, 0, (size_t)at)))
                return "the user part of the IMPI is empty or has a character that may not stand there";
        if (identity_check_domain(span_sub(s, (size_t)at + 1, s.n)))
                return "the realm of the IMPI is no domain name";
        return NULL;
}

const char *identity_check_sip_uri(struct span s)
{
        if (s.n > IDENTITY_MAX)
                return "longer than 255 octets";
        if (!span_istarts(s, SPAN("sip:")) && !span_istarts(s, SPAN("sips:")))
                return "not a SIP URI (sip:...)";
        struct span rest = span_sub(s, (size_t)span_chr(s, ':', 0) + 1, s.n);
        for (size_t i = 0; i < rest.n; i++)
                if (rest.p[i] <= ' ' || rest.p[i] > '~' || strchr("\"<>\\{}|^`", rest.p[i]))
                        return "the URI has a character that may not stand there";
        ptrdiff_t at = span_chr(rest, '@', 0);
        if (at >= 0)
                rest = span_sub(rest, (size_t)at + 1, rest.n);
        size_t end = 0;
        if (rest.n && rest.p[0] == '[')
                return span_chr(rest, ']', 0) > 2 ? NULL : "the host of the URI is no address";
        while (end < rest.n && !strchr(":;?", rest.p[end]))
                end++;
        return identity_check_domain(span_sub(rest, 0, end)) ? "the host of the URI is no domain name" : NULL;
}

static const char *canonical_tel(char *p, struct span number, size_t *n)
{
        if (number.n == 0 || number.p[0] != '+')
                return "a tel IMPU is a global number: tel:+digits";
        size_t digits = 0;
        p[(*n)++] = '+';
        for (size_t i = 1; i < number.n; i++) {
                char c = number.p[i];
                if (c == '-' || c == '.' || c == '(' || c == ')')
                        continue;
                if (c < '0' || c > '9')
                        return "a tel IMPU has digits and no parameters";
                p[(*n)++] = c;
                digits++;
        }
        return digits >= 3 && digits <= 15 ? NULL : "a tel IMPU has 3 to 15 digits";
}

/* "chat-!room[0-9]+!": an extended regular expression between two exclamation marks (TS 23.003 13.5). NULL,
 * or what is wrong. */
static const char *check_wildcard(struct span user, size_t open)
{
        ptrdiff_t close = span_chr(user, '!', open + 1);
        char text[IDENTITY_MAX + 1];
        regex_t compiled;
        if (close < 0 || span_chr(user, '!', (size_t)close + 1) >= 0)
                return "a wildcard stands between two exclamation marks";
        struct span head = span_sub(user, 0, open), tail = span_sub(user, (size_t)close + 1, user.n);
        struct span re = span_sub(user, open + 1, (size_t)close);
        for (size_t i = 0; i < re.n; i++)
                if (re.p[i] <= ' ' || re.p[i] > '~' || strchr("\"<>", re.p[i]))
                        return "the wildcard has a character that may not stand there";
        if ((head.n && !user_chars(head)) || (tail.n && !user_chars(tail)))
                return "the user part of the IMPU has a character that may not stand there";
        if (re.n == 0 || span_copy(re, text, sizeof text) < 0 ||
            regcomp(&compiled, text, REG_EXTENDED | REG_NOSUB) != 0)
                return "the wildcard between the exclamation marks is no regular expression";
        regfree(&compiled);
        return NULL;
}

static const char *canonical_sip(char *p, struct span rest, size_t *n)
{
        ptrdiff_t at = span_chr(rest, '@', 0);
        struct span user = at < 0 ? SPAN_NULL : span_sub(rest, 0, (size_t)at);
        struct span host = at < 0 ? rest : span_sub(rest, (size_t)at + 1, rest.n);
        ptrdiff_t wildcard = span_chr(user, '!', 0);
        const char *why = wildcard < 0 ? NULL : check_wildcard(user, (size_t)wildcard);
        if (why)
                return why;
        if (at >= 0 && wildcard < 0 && !user_chars(user))
                return "the user part of the IMPU is empty or has a character that may not stand there";
        if (span_chr(host, ':', 0) >= 0)
                return "an IMPU has no port";
        if (span_chr(host, ';', 0) >= 0 || span_chr(host, '?', 0) >= 0)
                return "an IMPU has no parameters and no header fields";
        if (identity_check_domain(host))
                return "the host of the IMPU is no domain name";
        if (at >= 0) {
                memcpy(p + *n, user.p, user.n);
                *n += user.n;
                p[(*n)++] = '@';
        }
        for (size_t i = 0; i < host.n; i++)
                p[(*n)++] = (char)tolower((unsigned char)host.p[i]);
        return NULL;
}

const char *identity_canonical_impu(struct arena *a, struct span in, struct span *out)
{
        if (in.n > IDENTITY_MAX)
                return "longer than 255 octets";
        bool tel = span_istarts(in, SPAN("tel:"));
        if (!tel && !span_istarts(in, SPAN("sip:")))
                return "an IMPU is a URI: sip:user@domain or tel:+digits";
        char *p = arena_alloc(a, in.n + 1);
        if (!p)
                return "out of memory";
        size_t n = 4;
        memcpy(p, tel ? "tel:" : "sip:", 4);
        struct span rest = span_sub(in, 4, in.n);
        const char *why = tel ? canonical_tel(p, rest, &n) : canonical_sip(p, rest, &n);
        if (why)
                return why;
        p[n] = '\0';
        *out = span_make(p, n);
        return NULL;
}

int identity_home_domain(struct arena *a, struct span imsi, unsigned mnc_digits, struct span *out)
{
        static const char form[] = "ims.mnc000.mcc000.3gppnetwork.org";
        if (identity_check_imsi(imsi) || (mnc_digits != 2 && mnc_digits != 3))
                return -IMS_EINVAL;
        char *p = arena_alloc(a, sizeof form);
        if (!p)
                return -IMS_ENOMEM;
        memcpy(p, form, sizeof form);
        memcpy(p + 7 + (3 - mnc_digits), imsi.p + 3, mnc_digits);
        memcpy(p + 14, imsi.p, 3);
        *out = span_make(p, sizeof form - 1);
        return 0;
}

int identity_join(struct arena *a, const struct span *parts, size_t n, struct span *out)
{
        size_t total = 0;
        for (size_t i = 0; i < n; i++)
                total += parts[i].n;
        char *p = arena_alloc(a, total + 1);
        if (!p)
                return -IMS_ENOMEM;
        size_t at = 0;
        for (size_t i = 0; i < n; i++) {
                if (parts[i].n)
                        memcpy(p + at, parts[i].p, parts[i].n);
                at += parts[i].n;
        }
        p[at] = '\0';
        *out = span_make(p, at);
        return 0;
}
