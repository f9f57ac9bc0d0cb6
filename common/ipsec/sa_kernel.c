/* SPDX-License-Identifier: BSD-3-Clause
 * The kernel object: opening it, numbers for what it installs, trying what it can. */
#include "common/ipsec/sa_kernel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ipsec/sa_kernel_int.h"

static void skip_message(const struct nlmsghdr *m, void *arg)
{
        (void)m;
        (void)arg;
}

/* Asks for the size of the SA table: harmless, and refused to whom SAs would be. 0 or an errno. */
static int try_permission(struct sa_kernel *k)
{
        uint32_t flags = 0;
        struct nlmsghdr *m = nl_put(&k->xfrm, XFRM_MSG_GETSADINFO, 0);

        memcpy(mnl_nlmsg_put_extra_header(m, sizeof(flags)), &flags, sizeof(flags));
        return nl_ask(&k->xfrm, skip_message, NULL);
}

int sa_kernel_open(struct loop *l, const struct sa_kernel_conf *conf, struct sa_kernel **out, struct buf *why)
{
        struct sa_kernel *k = calloc(1, sizeof(*k));
        int err = 0, sys_err;

        if (!k)
                return -IMS_ENOMEM;
        k->conf = *conf;
        k->loop = l;
        k->run_fd = -1;
        list_init(&k->encaps);
        list_init(&k->addresses);
        sys_err = nl_open(&k->xfrm, NETLINK_XFRM);
        if (!sys_err)
                sys_err = try_permission(k);
        if (!sys_err)
                sys_err = sa_listen(k);
        if (sys_err) {
                sa_why_open(why, sys_err);
                err = sys_err == ECONNREFUSED ? -IMS_EUNSUPPORTED : sa_error(sys_err);
                goto out;
        }
        err = sa_run_take(conf->end, &k->run_fd, &k->tag);
        if (err)
                buf_printf(why, "no number for this run of the program: %s", ims_strerror(err));
out:
        if (err)
                sa_kernel_close(k);
        else
                *out = k;
        return err;
}

void sa_kernel_close(struct sa_kernel *k)
{
        if (!k)
                return;
        sa_addresses_drop(k);
        sa_listen_end(k);
        nl_close(&k->xfrm);
        nl_close(&k->route);
        if (k->run_fd >= 0)
                (void)close(k->run_fd);
        free(k);
}

/* Another number of TAG_COUNT_BITS for each, 0 for 0. The kernel finds SAs by the reqid XOR the sum of the
 * addresses: were both to count upwards, as with phones that come one after the other, few of its hash slots
 * would be used. */
static uint32_t scattered(uint32_t count)
{
        uint32_t x = count * 0x2c9b5 & (TAG_COUNTS - 1);

        x ^= x >> TAG_COUNT_BITS / 2;
        x = x * 0x1f35b & (TAG_COUNTS - 1);
        return x ^ x >> TAG_COUNT_BITS / 2;
}

uint32_t sa_kernel_reqid(struct sa_kernel *k)
{
        for (uint32_t i = 1; i < TAG_COUNTS; i++) {
                uint32_t n;

                k->count = k->count + 1 < TAG_COUNTS ? k->count + 1 : 1;
                n = scattered(k->count);
                if (!(k->live[n / 32] & 1U << n % 32))
                        return k->tag | n;
        }
        return 0;
}

/* --- trying -------------------------------------------------------------------------------------- */

/* A set at addresses that lead nowhere: reserved (RFC 1112 4) and discard-only (RFC 6666). */
static int nowhere(struct sa_kernel *k, struct sec_suite suite, enum sec_mode mode, int family,
                   struct sa_params *out)
{
        bool v6 = family == AF_INET6;
        struct sa_params p = {.suite = suite, .mode = mode, .reqid = sa_kernel_reqid(k)};
        uint32_t spi;
        int err = secret_random(&spi, sizeof(spi));

        if (!err)
                err = addr_parse(span_of(v6 ? "100::1" : "240.0.0.1"), 0, &p.ue);
        if (!err)
                err = addr_parse(span_of(v6 ? "100::2" : "240.0.0.2"), 0, &p.pcscf);
        if (err)
                return err;
        spi |= 0x80000000; /* not near those of anybody who counts from the start */
        p.ue_local = p.ue;
        p.ue_ends = (struct sec_ends){.spi_c = spi, .spi_s = spi ^ 1, .port_c = 50001, .port_s = 50002};
        p.pcscf_ends =
                (struct sec_ends){.spi_c = spi ^ 2, .spi_s = spi ^ 3, .port_c = 50003, .port_s = 50004};
        *out = p;
        return 0;
}

static struct esp_keys any_keys(struct sec_suite suite)
{
        struct esp_keys keys = {0};

        if (suite.ealg == SEC_EALG_AES_GCM)
                keys.encryption_n = 20;
        else if (suite.ealg != SEC_EALG_NULL)
                keys.encryption_n = suite.ealg == SEC_EALG_AES_CBC ? 16 : 24;
        if (suite.alg != SEC_ALG_NULL)
                keys.integrity_n = suite.alg == SEC_ALG_HMAC_MD5_96 ? 16 : 20;
        for (uint8_t i = 0; i < sizeof(keys.encryption); i++)
                keys.encryption[i] = i; /* the three keys of DES differ */
        return keys;
}

/* Whether a socket can take ESP in UDP. 0 or an errno. */
static int try_encap(int family)
{
        int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), type = UDP_ENCAP_ESPINUDP, err = 0;

        if (fd < 0 || setsockopt(fd, IPPROTO_UDP, UDP_ENCAP, &type, sizeof(type)) != 0)
                err = errno;
        if (fd >= 0)
                (void)close(fd);
        return err;
}

int sa_kernel_probe(struct sa_kernel *k, struct sec_suite suite, enum sec_mode mode, int family,
                    struct buf *why)
{
        struct esp_keys keys = any_keys(suite);
        struct sa_params p;
        int sys_err = mode == SEC_MODE_UDP_ENC_TUN ? try_encap(family) : 0;
        int err = nowhere(k, suite, mode, family, &p);

        if (err) {
                buf_puts(why, ims_strerror(err));
                return err;
        }
        if (!sys_err)
                sys_err = sa_set_install(k, &p, &keys);
        if (!sys_err)
                sa_remove(k, &p);
        loop_took_long(k->loop); /* modules may have been loaded */
        if (!sys_err)
                return 0;
        sa_why_refused(why, suite, family, sys_err, k->xfrm.said);
        return sa_error(sys_err);
}
