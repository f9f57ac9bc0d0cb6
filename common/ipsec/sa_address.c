/* SPDX-License-Identifier: BSD-3-Clause
 * Addresses this host has besides its own: the public one of a UE behind a NAT, inside of its tunnel
 * (TS 33.203 M.7.1). They stand on the loopback device as /32 or /128, with the run of their program as
 * metric. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/ipsec/sa_kernel_int.h"

#define LOOPBACK "lo"

struct sa_address {
        struct list node;
        struct addr a;
        unsigned n;
        bool ours; /* not there before */
};

static struct sa_address *address_of(const struct sa_kernel *k, const struct addr *a)
{
        list_for_each(pos, &k->addresses)
        {
                struct sa_address *have = container_of(pos, struct sa_address, node);

                if (addr_ip_eq(&have->a, a))
                        return have;
        }
        return NULL;
}

/* The conversation about addresses begins when it is needed. 0 or an errno. */
static int route_link(struct sa_kernel *k)
{
        return k->route.socket ? 0 : nl_open(&k->route, NETLINK_ROUTE);
}

static void put_address(struct nl_link *l, uint16_t type, uint16_t flags, const struct addr *a,
                        uint32_t metric)
{
        struct nlmsghdr *m = nl_put(l, type, flags);
        struct ifaddrmsg *body = mnl_nlmsg_put_extra_header(m, sizeof(*body));
        const void *octets = addr_is_v6(a) ? (const void *)&a->u.v6.sin6_addr : &a->u.v4.sin_addr;
        size_t n = addr_is_v6(a) ? sizeof(a->u.v6.sin6_addr) : sizeof(a->u.v4.sin_addr);

        body->ifa_family = (uint8_t)a->u.sa.sa_family;
        body->ifa_prefixlen = (uint8_t)(n * 8);
        body->ifa_scope = RT_SCOPE_HOST;
        body->ifa_index = if_nametoindex(LOOPBACK);
        mnl_attr_put(m, IFA_LOCAL, n, octets);
        mnl_attr_put(m, IFA_ADDRESS, n, octets);
        if (metric)
                mnl_attr_put_u32(m, IFA_RT_PRIORITY, metric);
}

/* 0 or an errno. */
static int change(struct sa_kernel *k, uint16_t type, uint16_t flags, const struct addr *a, uint32_t metric)
{
        int errs[NL_BATCH_MAX], err = route_link(k);

        if (err)
                return err;
        put_address(&k->route, type, flags, a, metric);
        err = nl_run(&k->route, errs);
        return err ? err : errs[0];
}

int sa_address_add(struct sa_kernel *k, const struct addr *a)
{
        struct sa_address *have = address_of(k, a);
        char text[ADDR_STR];
        int sys_err;

        if (have) {
                have->n++;
                return 0;
        }
        have = calloc(1, sizeof(*have));
        if (!have)
                return -IMS_ENOMEM;
        sys_err = change(k, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, a, k->tag);
        if (sys_err && sys_err != EEXIST) {
                log_warn("ipsec: this host does not take the address %s: %s%s%s", addr_ip_str(a, false, text),
                         strerror(sys_err), k->route.said[0] ? ": " : "", k->route.said);
                free(have);
                return sa_error(sys_err);
        }
        have->a = *a;
        have->n = 1;
        have->ours = !sys_err;
        list_append(&k->addresses, &have->node);
        return 0;
}

static void address_end(struct sa_kernel *k, struct sa_address *have)
{
        char text[ADDR_STR];
        int sys_err = have->ours ? change(k, RTM_DELADDR, 0, &have->a, 0) : 0;

        if (sys_err && sys_err != EADDRNOTAVAIL)
                log_warn("ipsec: the address %s stays: %s", addr_ip_str(&have->a, false, text),
                         strerror(sys_err));
        list_unlink(&have->node);
        free(have);
}

void sa_address_drop(struct sa_kernel *k, const struct addr *a)
{
        struct sa_address *have = address_of(k, a);

        if (have && --have->n == 0)
                address_end(k, have);
}

void sa_addresses_drop(struct sa_kernel *k)
{
        list_for_each_safe(pos, tmp, &k->addresses)
                address_end(k, container_of(pos, struct sa_address, node));
}

/* --- what earlier runs left ---------------------------------------------------------------------- */

#define STALE_MAX 64 /* addresses of one look */

struct stale_addresses {
        struct sa_kernel *k;
        sa_stale_fn *stale;
        unsigned loopback;
        struct addr a[STALE_MAX];
        size_t n;
};

static void on_address(const struct nlmsghdr *m, void *arg)
{
        const struct ifaddrmsg *body = mnl_nlmsg_get_payload(m);
        struct stale_addresses *s = arg;
        const struct nlattr *attr;
        const void *octets = NULL;
        uint32_t metric = 0;

        if (m->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(m) < sizeof(*body) ||
            body->ifa_index != s->loopback || s->n == STALE_MAX)
                return;
        mnl_attr_for_each(attr, m, sizeof(*body))
        {
                size_t want = body->ifa_family == AF_INET6 ? 16 : 4;

                if (mnl_attr_get_type(attr) == IFA_ADDRESS && mnl_attr_get_payload_len(attr) == want)
                        octets = mnl_attr_get_payload(attr);
                else if (mnl_attr_get_type(attr) == IFA_RT_PRIORITY && mnl_attr_get_payload_len(attr) == 4)
                        metric = mnl_attr_get_u32(attr);
        }
        if (octets && !(metric & (TAG_COUNTS - 1)) && s->stale(s->k, metric))
                s->a[s->n++] = xfrm_addr(octets, body->ifa_family, 0);
}

int sa_addresses_clear(struct sa_kernel *k, sa_stale_fn *stale)
{
        struct stale_addresses s = {.k = k, .stale = stale, .loopback = if_nametoindex(LOOPBACK)};
        struct rtgenmsg any = {.rtgen_family = AF_UNSPEC};
        int err = route_link(k);

        if (err)
                return sa_error(err);
        memcpy(mnl_nlmsg_put_extra_header(nl_put(&k->route, RTM_GETADDR, NLM_F_DUMP), sizeof(any)), &any,
               sizeof(any));
        err = nl_ask(&k->route, on_address, &s);
        for (size_t i = 0; !err && i < s.n; i++) {
                err = change(k, RTM_DELADDR, 0, &s.a[i], 0);
                if (err == EADDRNOTAVAIL)
                        err = 0;
        }
        return sa_error(err);
}
