/* SPDX-License-Identifier: BSD-3-Clause
 * IP addresses with port: text, comparison, hash. */
#include "common/net/addr.h"

#include <arpa/inet.h>

#include "common/base/htab.h"
#include "common/base/text.h"

#define PORT_MAX 65535

static int ip_parse(struct span text, uint16_t port, struct addr *out)
{
        struct addr a = {0};
        char ip[INET6_ADDRSTRLEN];

        if (span_copy(text, ip, sizeof(ip)) != 0)
                return -IMS_EPARSE;
        if (inet_pton(AF_INET, ip, &a.u.v4.sin_addr) == 1) {
                a.u.v4.sin_family = AF_INET;
                a.u.v4.sin_port = htons(port);
                *out = a;
                return 0;
        }
        if (inet_pton(AF_INET6, ip, &a.u.v6.sin6_addr) == 1) {
                a.u.v6.sin6_family = AF_INET6;
                a.u.v6.sin6_port = htons(port);
                return addr_from_sockaddr(&a.u.sa, out);
        }
        return -IMS_EPARSE;
}

/* rest: what stands behind the address: nothing, or a colon and a port. */
static int port_parse(struct span rest, uint16_t default_port, uint16_t *out)
{
        uint32_t port = default_port;

        if (rest.n && (rest.p[0] != ':' || span_u32(span_sub(rest, 1, rest.n), PORT_MAX, &port) != 0))
                return -IMS_EPARSE;
        *out = (uint16_t)port;
        return 0;
}

int addr_parse(struct span text, uint16_t default_port, struct addr *out)
{
        struct span ip = text, rest = SPAN_NULL;
        ptrdiff_t colon = span_chr(text, ':', 0), close = span_chr(text, ']', 0);
        uint16_t port;

        if (text.n && text.p[0] == '[') {
                if (close < 0)
                        return -IMS_EPARSE;
                ip = span_sub(text, 1, (size_t)close);
                rest = span_sub(text, (size_t)close + 1, text.n);
                if (span_chr(ip, ':', 0) < 0)
                        return -IMS_EPARSE;
        } else if (colon >= 0 && span_chr(text, ':', (size_t)colon + 1) < 0) {
                ip = span_sub(text, 0, (size_t)colon);
                rest = span_sub(text, (size_t)colon, text.n);
        }
        if (port_parse(rest, default_port, &port) != 0)
                return -IMS_EPARSE;
        return ip_parse(ip, port, out);
}

int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
        struct addr a = {0};

        if (sa->sa_family == AF_INET) {
                a.u.v4 = *(const struct sockaddr_in *)sa;
        } else if (sa->sa_family == AF_INET6) {
                const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

                if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
                        a.u.v4.sin_family = AF_INET;
                        a.u.v4.sin_port = v6->sin6_port;
                        memcpy(&a.u.v4.sin_addr, &v6->sin6_addr.s6_addr[12], 4);
                } else {
                        a.u.v6 = *v6;
                }
        } else {
                return -IMS_EINVAL;
        }
        *out = a;
        return 0;
}

bool addr_is_v6(const struct addr *a)
{
        return a->u.sa.sa_family == AF_INET6;
}

socklen_t addr_len(const struct addr *a)
{
        return addr_is_v6(a) ? sizeof(a->u.v6) : sizeof(a->u.v4);
}

static struct span ip_octets(const struct addr *a)
{
        return addr_is_v6(a) ? span_make(&a->u.v6.sin6_addr, 16) : span_make(&a->u.v4.sin_addr, 4);
}

bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
        return a->u.sa.sa_family == b->u.sa.sa_family && span_eq(ip_octets(a), ip_octets(b));
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
        return addr_port(a) == addr_port(b) && addr_ip_eq(a, b);
}

bool addr_is_any(const struct addr *a)
{
        static const char zero[16];
        struct span ip = ip_octets(a);

        return memcmp(ip.p, zero, ip.n) == 0;
}

uint16_t addr_port(const struct addr *a)
{
        return ntohs(addr_is_v6(a) ? a->u.v6.sin6_port : a->u.v4.sin_port);
}

void addr_set_port(struct addr *a, uint16_t port)
{
        if (addr_is_v6(a))
                a->u.v6.sin6_port = htons(port);
        else
                a->u.v4.sin_port = htons(port);
}

struct addr addr_source(const struct addr *a)
{
        struct addr source = addr_with_port(a, 0);

        if (addr_is_v6(&source)) {
                memset(&source.u.v6.sin6_addr.s6_addr[8], 0, 8);
                source.u.v6.sin6_scope_id = 0;
        }
        return source;
}

uint64_t addr_hash(const struct addr *a)
{
        uint64_t w[2] = {0};

        memcpy(w, ip_octets(a).p, ip_octets(a).n);
        return hash_mix(w[0] ^ (uint64_t)addr_port(a) << 40, w[1]);
}

/* inet_ntop prints by sprintf, which is the dearest part of a Via. */
static void v4_text(struct span octets, struct text *t)
{
        for (size_t i = 0; i < octets.n; i++) {
                if (i)
                        text_char(t, '.');
                text_u32(t, (unsigned char)octets.p[i]);
        }
}

const char *addr_str(const struct addr *a, char out[static ADDR_STR])
{
        struct text t = text_in(out, ADDR_STR);
        char ip[ADDR_STR];

        text_puts(&t, addr_ip_str(a, true, ip));
        text_char(&t, ':');
        text_u32(&t, addr_port(a));
        return out;
}

const char *addr_ip_str(const struct addr *a, bool brackets, char out[static ADDR_STR])
{
        struct text t = text_in(out, ADDR_STR);
        char ip[INET6_ADDRSTRLEN] = "?";

        if (a->u.sa.sa_family == AF_INET) {
                v4_text(ip_octets(a), &t);
                return out;
        }
        (void)inet_ntop(a->u.sa.sa_family, ip_octets(a).p, ip, sizeof(ip));
        text_puts(&t, brackets && addr_is_v6(a) ? "[" : "");
        text_puts(&t, ip);
        text_puts(&t, brackets && addr_is_v6(a) ? "]" : "");
        return out;
}

const char *addr_source_str(const struct addr *source, char out[static ADDR_STR])
{
        char ip[ADDR_STR];
        struct text t = text_in(out, ADDR_STR);

        text_puts(&t, addr_ip_str(source, false, ip));
        text_puts(&t, addr_is_v6(source) ? "/64" : "");
        return out;
}

const char *host_check(const char *value)
{
        size_t label = 0;

        for (const char *p = value; *p; p++) {
                bool word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                            (*p >= '0' && *p <= '9') || *p == '_';

                if (*p == '.' ? label == 0 : !word && (*p != '-' || label == 0))
                        return "is no host name (letters, digits, hyphens and dots)";
                label = *p == '.' ? 0 : label + 1;
                if (label > 63 || p - value > 254)
                        return "is longer than a host name may be";
        }
        return label ? NULL : "is no host name (letters, digits, hyphens and dots)";
}
