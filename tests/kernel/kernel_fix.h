/* SPDX-License-Identifier: BSD-3-Clause
 * For tests of common/ipsec with a real kernel: the two ends of SAs in the namespaces of
 * tests/kernel/inside.sh, and sockets there. Included once per program. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/ipsec/sa_kernel.h"
#include "tests/unit/proves.h"

#define UNUSED     __attribute__((unused))
#define ARRIVES_MS 2000 /* longest wait for what must come */
#define ABSENT_MS  300  /* wait for what must not */

/* --- namespaces ---------------------------------------------------------------------------------- */

/* What is opened from here on is opened there. */
static void enter(const char *ns)
{
        char path[64];
        int fd;

        (void)snprintf(path, sizeof(path), "/run/netns/%s", ns);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(setns(fd, CLONE_NEWNET), 0);
        (void)close(fd);
}

static UNUSED void shell(const char *fmt, ...)
{
        char command[1024];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(command, sizeof(command), fmt, ap);
        va_end(ap);
        if (system(command) != 0)
                fail_msg("%s", command);
}

/* What a command prints, in a buffer that the next call uses again. */
static UNUSED const char *output(const char *command)
{
        static char text[1 << 18];
        FILE *f = popen(command, "re");
        size_t n;

        assert_non_null(f);
        n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = '\0';
        (void)pclose(f);
        return text;
}

/* How many lines of it hold this text. */
static UNUSED unsigned lines_with(const char *command, const char *text)
{
        const char *at = output(command);
        unsigned n = 0;

        for (; (at = strstr(at, text)); at++)
                n++;
        return n;
}

static UNUSED struct addr addr(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

static UNUSED struct addr with_port(struct addr a, uint16_t port)
{
        addr_set_port(&a, port);
        return a;
}

/* --- the two ends -------------------------------------------------------------------------------- */

static struct bed {
        struct loop *loop;
        struct sa_kernel *ue, *pcscf;
} bed;

static struct sa_kernel *open_kernel(const char *ns, enum sa_end end, struct sa_kernel_events events)
{
        struct sa_kernel_conf conf = {.end = end, .events = events};
        struct sa_kernel *k = NULL;
        struct buf why = BUF_INIT;

        enter(ns);
        if (sa_kernel_open(bed.loop, &conf, &k, &why) != 0)
                fail_msg("%.*s", (int)why.n, why.p);
        buf_free(&why);
        return k;
}

static UNUSED int bed_open(void **state)
{
        (void)state;
        assert_int_equal(loop_new(&bed.loop), 0);
        bed.ue = open_kernel("phones", SA_END_UE, (struct sa_kernel_events){0});
        bed.pcscf = open_kernel("core", SA_END_PCSCF, (struct sa_kernel_events){0});
        return 0;
}

/* Ends the test where SAs or policies are left. */
static UNUSED int bed_close(void **state)
{
        static const char *const looks[] = {"ip -n core xfrm state", "ip -n core xfrm policy",
                                            "ip -n phones xfrm state", "ip -n phones xfrm policy"};
        int left = 0;

        (void)state;
        sa_kernel_close(bed.ue);
        sa_kernel_close(bed.pcscf);
        loop_free(bed.loop);
        for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
                const char *text = output(looks[i]);

                if (text[0])
                        print_error("left: %s\n%.200s\n", looks[i], text);
                left |= text[0] != '\0';
        }
        shell("for n in core phones; do ip -n $n xfrm state flush; ip -n $n xfrm policy flush; done");
        return left;
}

static UNUSED const struct sec_suite suites[] = {
        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_NULL},
        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC},
        {SEC_ALG_NULL, SEC_EALG_AES_GCM},
        {SEC_ALG_AES_GMAC, SEC_EALG_NULL},
        {SEC_ALG_HMAC_MD5_96, SEC_EALG_NULL},
        {SEC_ALG_HMAC_MD5_96, SEC_EALG_AES_CBC},
        {SEC_ALG_HMAC_MD5_96, SEC_EALG_DES_EDE3_CBC},
        {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_DES_EDE3_CBC},
};

static UNUSED struct esp_keys keys_of(struct sec_suite suite, uint8_t seed)
{
        struct key128 ck, ik;
        struct esp_keys out;

        for (uint8_t i = 0; i < sizeof(ck.b); i++) {
                ck.b[i] = (uint8_t)(seed * 31 + i * 7);
                ik.b[i] = (uint8_t)(seed * 17 + i * 11);
        }
        assert_int_equal(esp_keys_expand(suite, &ck, &ik, &out), 0);
        return out;
}

/* The n-th set between the phones' address and the core's (family AF_INET or AF_INET6). reqid is not set. */
static UNUSED struct sa_params params_of(struct sec_suite suite, int family, uint32_t n)
{
        bool v6 = family == AF_INET6;

        return (struct sa_params){.ue = addr(v6 ? "fd00:77::2" : "10.77.0.2"),
                                  .pcscf = addr(v6 ? "fd00:77::1" : "10.77.0.1"),
                                  .ue_ends = {1000 + n * 10, 1001 + n * 10, (uint16_t)(20000 + n * 2),
                                              (uint16_t)(20001 + n * 2)},
                                  .pcscf_ends = {1002 + n * 10, 1003 + n * 10, 5063, 5062},
                                  .suite = suite,
                                  .mode = SEC_MODE_TRANS};
}

/* As one end has it. */
static UNUSED struct sa_params as(struct sa_kernel *k, struct sa_params p)
{
        p.reqid = sa_kernel_reqid(k);
        return p;
}

/* --- sockets ------------------------------------------------------------------------------------- */

static UNUSED int socket_at(const char *ns, int type, struct addr at)
{
        int on = 1, fd;

        enter(ns);
        fd = socket(at.u.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(fd >= 0);
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, &at.u.sa, addr_len(&at)) != 0)
                fail_msg("bind: %s", strerror(errno));
        return fd;
}

static UNUSED bool ready(int fd, short events, int wait_ms)
{
        struct pollfd p = {.fd = fd, .events = events};

        return poll(&p, 1, wait_ms) == 1;
}

/* 0 or an errno. */
static UNUSED int send_to(int fd, const char *text, struct addr to)
{
        return sendto(fd, text, strlen(text), 0, &to.u.sa, addr_len(&to)) < 0 ? errno : 0;
}

/* True when the next datagram is this text. Nothing else may come. */
static UNUSED bool comes(int fd, const char *text, int wait_ms)
{
        char got[2048];
        ssize_t n;

        if (!ready(fd, POLLIN, wait_ms))
                return false;
        n = recv(fd, got, sizeof(got), 0);
        return n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0;
}

/* --- the wire ------------------------------------------------------------------------------------ */

static UNUSED int tap_open(const char *ns, const char *device)
{
        struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
        int fd;

        enter(ns);
        fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
        assert_true(fd >= 0);
        at.sll_ifindex = (int)if_nametoindex(device);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        return fd;
}

/* The IP protocol of a frame, or -1. */
static UNUSED int frame_protocol(const uint8_t *f, size_t n)
{
        uint16_t type = n < 34 ? 0 : (uint16_t)(f[12] << 8 | f[13]);

        return type == ETHERTYPE_IP ? f[23] : type == ETHERTYPE_IPV6 ? f[20] : -1;
}

static UNUSED bool frame_holds(const uint8_t *f, size_t n, const char *text)
{
        return memmem(f, n, text, strlen(text)) != NULL;
}

/* Reads what the tap holds up to the next frame of this protocol. 0: none came. */
static UNUSED size_t tap_next(int fd, int protocol, uint8_t *out, size_t cap, int wait_ms)
{
        while (ready(fd, POLLIN, wait_ms)) {
                ssize_t n = recv(fd, out, cap, 0);

                if (n > 0 && frame_protocol(out, (size_t)n) == protocol)
                        return (size_t)n;
        }
        return 0;
}

static UNUSED void tap_drain(int fd)
{
        uint8_t f[64];

        while (recv(fd, f, sizeof(f), 0) > 0)
                ;
}
