/* SPDX-License-Identifier: BSD-3-Clause
 * Where a phone is and where its P-CSCF is. */
#include "ue/phone_addr.h"

#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

/* A name is looked up by the system's resolver: the discovery of a P-CSCF comes before all SIP. */
static int lookup(struct span host, uint16_t port, int family, struct addr *out)
{
        const struct addrinfo want = {.ai_family = family, .ai_socktype = SOCK_DGRAM};
        struct addrinfo *list = NULL;
        char *name = span_dup(host);
        int rc = -IMS_EUNREACH;

        if (name && getaddrinfo(name, NULL, &want, &list) == 0 && list)
                rc = addr_from_sockaddr(list->ai_addr, out);
        if (rc == 0)
                addr_set_port(out, port);
        if (list)
                freeaddrinfo(list);
        free(name);
        return rc;
}

/* The family of --local, which the address of the P-CSCF has to have too. */
static int family_of(const char *local)
{
        struct addr a;

        return local && addr_parse(span_of(local), 0, &a) == 0 ? a.u.sa.sa_family : AF_UNSPEC;
}

struct span phone_host_name(const char *text, char ip[static ADDR_STR])
{
        struct span s = span_of(text);
        ptrdiff_t colon = span_chr(s, ':', 0);
        struct addr a;

        if (addr_parse(s, 0, &a) == 0)
                return span_of(addr_ip_str(&a, false, ip));
        return colon < 0 ? s : span_sub(s, 0, (size_t)colon);
}

int phone_find_host(const char *text, uint16_t port, int family, struct addr *out, struct buf *err)
{
        struct span s = span_of(text);
        ptrdiff_t colon = span_chr(s, ':', 0);
        uint32_t given = port;

        if (addr_parse(s, port, out) == 0)
                return 0;
        if (colon >= 0 && span_u32(span_sub(s, (size_t)colon + 1, s.n), 65535, &given) < 0) {
                buf_printf(err, "\"%s\": not HOST:PORT\n", text);
                return -IMS_EPARSE;
        }
        if (colon >= 0)
                s = span_sub(s, 0, (size_t)colon);
        if (lookup(s, (uint16_t)given, family, out) == 0)
                return 0;
        buf_printf(err, "\"%s\": no such name\n", text);
        return -IMS_EUNREACH;
}

int phone_find_pcscf(const struct phone_conf *conf, struct addr *out, struct buf *err)
{
        bool tls = conf->tls && conf->tls->variant == TLS_VARIANT_FIRST && !conf->tls->port;
        struct buf why = BUF_INIT;
        int rc = phone_find_host(conf->pcscf, tls ? SIPS_PORT : SIP_PORT, family_of(conf->local), out, &why);

        if (rc < 0) {
                buf_puts(err, "P-CSCF ");
                buf_span(err, buf_as_span(&why));
        }
        buf_free(&why);
        return rc;
}

/* The address this machine would use towards the P-CSCF. */
static int facing_address(const struct addr *to, struct addr *out)
{
        struct sockaddr_storage ss;
        socklen_t n = sizeof(ss);
        int rc = -IMS_EUNREACH;
        int fd = socket(to->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
                return -IMS_EIO;
        if (connect(fd, &to->u.sa, addr_len(to)) == 0 && getsockname(fd, (struct sockaddr *)&ss, &n) == 0)
                rc = addr_from_sockaddr((struct sockaddr *)&ss, out);
        close(fd);
        if (rc == 0)
                addr_set_port(out, 0);
        return rc;
}

int phone_find_local(const struct phone_conf *conf, const struct addr *pcscf, struct addr *out,
                     struct buf *err)
{
        if (!conf->local) {
                if (facing_address(pcscf, out) == 0)
                        return 0;
                buf_printf(err, "no route to the P-CSCF %s\n", conf->pcscf);
                return -IMS_EUNREACH;
        }
        if (addr_parse(span_of(conf->local), 0, out) != 0) {
                buf_printf(err, "local address \"%s\": not an address\n", conf->local);
                return -IMS_EPARSE;
        }
        if (addr_is_v6(out) == addr_is_v6(pcscf))
                return 0;
        buf_printf(err, "local address %s and P-CSCF %s: one is IPv4, the other IPv6\n", conf->local,
                   conf->pcscf);
        return -IMS_EINVAL;
}

bool phone_is_local(const struct addr *a)
{
        struct addr any = *a;
        int fd = socket(a->u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        bool local;

        if (fd < 0)
                return false;
        addr_set_port(&any, 0);
        local = bind(fd, &any.u.sa, addr_len(&any)) == 0;
        close(fd);
        return local;
}
