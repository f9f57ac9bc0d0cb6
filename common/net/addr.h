/* SPDX-License-Identifier: BSD-3-Clause
 * An IP address with port. IPv4-mapped IPv6 addresses are turned into IPv4 on the way in. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "common/base/span.h"

struct addr {
        union {
                struct sockaddr sa;
                struct sockaddr_in v4;
                struct sockaddr_in6 v6;
        } u;
};

/* Default ports of SIP (RFC 3261 19.1.2). */
#define SIP_PORT  5060
#define SIPS_PORT 5061

#define ADDR_STR 56 /* "[ffff:...]:65535" and a NUL */

/* "192.0.2.1", "192.0.2.1:5060", "[2001:db8::1]:5060", "2001:db8::1"; default_port where none stands.
 * -IMS_EPARSE otherwise (a name is not looked up). */
int addr_parse(struct span text, uint16_t default_port, struct addr *out) IMS_CHECK;
int addr_from_sockaddr(const struct sockaddr *sa, struct addr *out) IMS_CHECK;

socklen_t addr_len(const struct addr *a);
bool addr_eq(const struct addr *a, const struct addr *b);    /* address and port */
bool addr_ip_eq(const struct addr *a, const struct addr *b); /* address alone */
bool addr_is_v6(const struct addr *a);
bool addr_is_any(const struct addr *a);
uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

static inline struct addr addr_with_port(const struct addr *ip, uint16_t port)
{
        struct addr a = *ip;

        addr_set_port(&a, port);
        return a;
}

/* Whose address it is, where addresses are counted and bounded: of IPv4 itself, of IPv6 its /64, for who has
 * one address of that has them all. Port 0. */
struct addr addr_source(const struct addr *a);

/* "192.0.2.1", "2001:db8::/64" of what addr_source gave. */
const char *addr_source_str(const struct addr *source, char out[static ADDR_STR]);

uint64_t addr_hash(const struct addr *a);

/* Writes "192.0.2.1:5060" or "[2001:db8::1]:5060" and returns out. */
const char *addr_str(const struct addr *a, char out[static ADDR_STR]);

/* The address alone; with brackets around IPv6 when brackets is set (as a SIP host). */
const char *addr_ip_str(const struct addr *a, bool brackets, char out[static ADDR_STR]);

/* Checks a host name (RFC 1123 2.1; '_' is let through): NULL, or a static text saying what is wrong. */
const char *host_check(const char *value);
