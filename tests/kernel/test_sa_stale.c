/* SPDX-License-Identifier: BSD-3-Clause
 * Opening the kernel, and what runs that ended badly left: removed; of live ones and of other programs
 * nothing is. */
#include "tests/kernel/kernel_fix.h"
#include "tests/unit/fail_alloc.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const struct sec_suite suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC};

/* A program that installs a set, two guards and an address, and dies with all of it. */
static void leave_behind(enum sa_end end, const char *ns, int family, uint32_t n)
{
        struct addr any = family == AF_INET6 ? addr("[::]:0") : addr("0.0.0.0:0");
        int status;
        pid_t pid = fork();

        if (!pid) {
                struct sa_kernel *k = open_kernel(ns, end, (struct sa_kernel_events){0});
                struct sa_params p = as(k, params_of(suite, family, n));
                struct esp_keys keys = keys_of(suite, 1);
                struct addr ours = end == SA_END_UE ? p.ue : p.pcscf, extra = addr("192.0.2.77");
                int err;

                addr_set_port(&ours, end == SA_END_UE ? p.ue_ends.port_s : p.pcscf_ends.port_s);
                addr_set_port(&any, end == SA_END_UE ? p.ue_ends.port_c : p.pcscf_ends.port_c);
                err = sa_install(k, &p, &keys) || sa_guard(k, &ours) || sa_guard(k, &any) ||
                      (end == SA_END_UE && family == AF_INET && sa_address_add(k, &extra));
                if (!err)
                        (void)execlp("true", "true", NULL);
                _exit(1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static unsigned sas(const char *ns)
{
        char command[64];

        (void)snprintf(command, sizeof(command), "ip -n %s xfrm state", ns);
        return lines_with(command, "proto esp spi");
}

static unsigned policies(const char *ns)
{
        char command[64];

        (void)snprintf(command, sizeof(command), "ip -n %s xfrm policy", ns);
        return lines_with(command, "dir ");
}

/* What strongSwan or a hand with ip would have there. */
static void foreigners(const char *ns)
{
        shell("ip -n %s xfrm state add src 10.77.0.9 dst 10.77.0.1 proto esp spi 0x9999 reqid 16384 mode "
              "transport "
              "enc 'ecb(cipher_null)' ''",
              ns);
        shell("ip -n %s xfrm state add src 10.77.0.9 dst 10.77.0.1 proto esp spi 0x999a reqid 0x20000001 "
              "mode transport "
              "enc 'ecb(cipher_null)' ''",
              ns);
        shell("ip -n %s xfrm policy add src 10.77.0.9/32 dst 10.77.0.1/32 proto udp sport 5062 dport 5062 "
              "dir in "
              "priority 2000 tmpl src 10.77.0.9 dst 10.77.0.1 proto esp reqid 16384 mode transport",
              ns);
        shell("ip -n %s xfrm policy add src 0.0.0.0/0 dst 10.77.0.1/32 proto tcp dport 5062 dir in priority "
              "2147483999 "
              "action block",
              ns);
        shell("ip -n %s xfrm policy add src 0.0.0.0/0 dst 10.77.0.1/32 proto tcp dport 5063 dir in priority "
              "2147483648 "
              "action allow",
              ns);
}

static void of_a_pcscf(void **state)
{
        struct esp_keys keys = keys_of(suite, 1);
        struct sa_params live = as(bed.pcscf, params_of(suite, AF_INET, 3));
        struct addr ports[] = {addr("10.77.0.1:5062"), addr("0.0.0.0:5063"), addr("[::]:5062"),
                               addr("[::]:5063")};
        struct addr elsewhere = addr("10.77.0.1:7062"), live_guard = addr("10.77.0.1:5064");
        struct sa_kernel *k;

        (void)state;
        foreigners("core");
        leave_behind(SA_END_PCSCF, "core", AF_INET, 1);
        leave_behind(SA_END_PCSCF, "core", AF_INET6, 2);
        leave_behind(SA_END_UE, "core", AF_INET, 40);
        assert_int_equal(sa_install(bed.pcscf, &live, &keys),
                         0); /* of a program that lives, at the same ports */
        assert_int_equal(sa_guard(bed.pcscf, &live_guard), 0);
        assert_int_equal(sas("core"), 2 + 4 + 4 + 4 + 4);
        assert_int_equal(policies("core"), 3 + 3 * (4 + 4) + 4 + 2);
        k = open_kernel("core", SA_END_PCSCF, (struct sa_kernel_events){0});
        assert_int_equal(sa_clear_stale(k, &elsewhere, 1), 0);
        assert_int_equal(sa_clear_stale(k, NULL, 0), 0);
        assert_int_equal(sa_clear_stale(k, ports, 2), 4); /* IPv4 alone */
        assert_int_equal(sas("core"), 2 + 4 + 4 + 4);
        assert_int_equal(policies("core"), 3 + 2 * (4 + 4) + 4 + 2);
        assert_int_equal(sa_clear_stale(k, ports, 4), 4);
        assert_int_equal(sa_clear_stale(k, ports, 4), 0);
        assert_int_equal(sas("core"), 2 + 4 + 4);
        assert_int_equal(policies("core"), 3 + (4 + 4) + 4 + 2);
        sa_kernel_close(k);
        k = open_kernel("core", SA_END_UE, (struct sa_kernel_events){0});
        assert_int_equal(lines_with("ip -n core addr show dev lo", "192.0.2.77/32"), 1);
        assert_int_equal(sa_clear_stale(k, NULL, 0), 4);
        assert_int_equal(lines_with("ip -n core addr show dev lo", "192.0.2.77/32"), 0);
        sa_kernel_close(k);
        sa_remove(bed.pcscf, &live);
        sa_unguard(bed.pcscf, &live_guard);
        assert_int_equal(sas("core"), 2);
        assert_int_equal(policies("core"), 3);
        shell("ip -n core xfrm state flush; ip -n core xfrm policy flush");
}

/* Two UEs of one host: the one that starts does not take the other's, which lives. */
static void of_ues(void **state)
{
        struct esp_keys keys = keys_of(suite, 1);
        struct sa_params live = as(bed.ue, params_of(suite, AF_INET, 3));
        struct addr extra = addr("192.0.2.78"), six = addr("2001:db8::78");
        struct sa_kernel *k;

        (void)state;
        leave_behind(SA_END_UE, "phones", AF_INET, 1);
        leave_behind(SA_END_UE, "phones", AF_INET6, 2);
        leave_behind(SA_END_PCSCF, "phones", AF_INET, 40);
        enter("phones");
        assert_int_equal(sa_install(bed.ue, &live, &keys), 0);
        assert_int_equal(sa_address_add(bed.ue, &extra), 0);
        assert_int_equal(sa_address_add(bed.ue, &six), 0);
        k = open_kernel("phones", SA_END_UE, (struct sa_kernel_events){0});
        assert_int_equal(sa_clear_stale(k, NULL, 0), 8);
        assert_int_equal(sas("phones"), 4 + 4);
        assert_int_equal(policies("phones"), 4 + (4 + 4));
        assert_int_equal(lines_with("ip -n phones addr show dev lo", "192.0.2.77/32"), 0);
        assert_int_equal(lines_with("ip -n phones addr show dev lo", "192.0.2.78/32"), 1);
        assert_int_equal(lines_with("ip -n phones addr show dev lo", "2001:db8::78/128"), 1);
        assert_int_equal(lines_with("ip -n phones addr show dev lo", "127.0.0.1/8"), 1);
        sa_kernel_close(k);
        sa_remove(bed.ue, &live);
        shell("ip -n phones xfrm state flush; ip -n phones xfrm policy flush");
}

/* --- addresses ----------------------------------------------------------------------------------- */

static void addresses(void **state)
{
        struct addr a = addr("192.0.2.1:5060"), b = addr("2001:db8::1"), own = addr("127.0.0.1");
        static const char show[] = "ip -n phones -o addr show dev lo";

        (void)state;
        enter("phones");
        assert_int_equal(sa_address_add(bed.ue, &a), 0);
        assert_int_equal(sa_address_add(bed.ue, &a), 0);
        assert_int_equal(sa_address_add(bed.ue, &b), 0);
        assert_int_equal(lines_with(show, "192.0.2.1/32"), 1);
        assert_int_equal(lines_with(show, "2001:db8::1/128"), 1);
        (void)close(socket_at("phones", SOCK_DGRAM, addr("192.0.2.1")));
        (void)close(
                socket_at("phones", SOCK_DGRAM, addr("2001:db8::1"))); /* no duplicate address detection */
        sa_address_drop(bed.ue, &a);
        assert_int_equal(lines_with(show, "192.0.2.1/32"), 1);
        sa_address_drop(bed.ue, &a);
        sa_address_drop(bed.ue, &a);
        assert_int_equal(lines_with(show, "192.0.2.1/32"), 0);
        shell("ip -n phones addr add 192.0.2.3/32 dev lo"); /* somebody else's */
        a = addr("192.0.2.3");
        assert_int_equal(sa_address_add(bed.ue, &a), 0);
        sa_address_drop(bed.ue, &a);
        sa_address_drop(bed.ue, &own);
        assert_int_equal(lines_with(show, "192.0.2.3/32"), 1);
        sa_kernel_close(bed.ue);
        bed.ue = NULL;
        assert_int_equal(lines_with(show, "2001:db8::1/128"), 0);
        shell("ip -n phones addr del 192.0.2.3/32 dev lo");
}

/* --- opening ------------------------------------------------------------------------------------- */

static void without_capability(void **state)
{
        struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
        struct __user_cap_data_struct none[2] = {{0}};
        int status;
        pid_t pid;

        (void)state;
        enter("core");
        pid = fork();
        if (!pid) {
                struct sa_kernel_conf conf = {.end = SA_END_PCSCF};
                struct sa_kernel *k = NULL;
                struct buf why = BUF_INIT;
                int err = -1;

                if (syscall(SYS_capset, &head, none) == 0)
                        err = sa_kernel_open(bed.loop, &conf, &k, &why);
                _exit(err == -IMS_EPERM && !k && memmem(why.p, why.n, "CAP_NET_ADMIN", 13) ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

static void probes(void **state)
{
        static const enum sec_mode modes[] = {SEC_MODE_TRANS, SEC_MODE_UDP_ENC_TUN};
        static const int families[] = {AF_INET, AF_INET6};
        struct buf why = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]) * 4; i++) {
                struct sa_kernel *k = i & 1 ? bed.ue : bed.pcscf;

                if (sa_kernel_probe(k, suites[i / 4], modes[i / 2 % 2], families[i % 2], &why) != 0)
                        fail_msg("%.*s", (int)why.n, why.p);
                assert_int_equal(why.n, 0);
        }
        buf_free(&why);
}

/* Fails allocation 0, 1, 2, ... of a call until it has all it wants. */
#define EACH_ALLOCATION(call, n)                                                                             \
        do {                                                                                                 \
                int err_ = -IMS_ENOMEM;                                                                      \
                                                                                                             \
                for (n = 0; err_ < 0; n++) {                                                                 \
                        long live_ = alloc_live;                                                             \
                                                                                                             \
                        alloc_fail_at(n);                                                                    \
                        err_ = (call);                                                                       \
                        alloc_armed = false;                                                                 \
                        if (err_ < 0) {                                                                      \
                                assert_int_equal(err_, -IMS_ENOMEM);                                         \
                                turn();                                                                      \
                                assert_int_equal(alloc_live, live_);                                         \
                        }                                                                                    \
                }                                                                                            \
        } while (0)

static void ignore(struct tmr *t, void *arg)
{
        (void)t;
        (void)arg;
}

/* What libuv closes is gone after a turn. */
static void turn(void)
{
        struct tmr t = {0};

        assert_int_equal(tmr_start(bed.loop, &t, 1, ignore, NULL), 0);
        loop_once(bed.loop);
        loop_once(bed.loop);
        tmr_stop(bed.loop, &t);
}

static void on_nothing(uint32_t spi, const struct addr *a, void *arg)
{
        (void)spi;
        (void)a;
        (void)arg;
}

/* Not with a sanitizer, nor under valgrind. */
static bool allocations_can_fail(void)
{
        struct buf b = BUF_INIT;
        bool failed;

        alloc_fail_at(0);
        buf_puts(&b, "x");
        alloc_armed = false;
        failed = b.err != 0;
        buf_free(&b);
        return failed;
}

static void out_of_memory(void **state)
{
        struct sa_kernel_conf conf = {.end = SA_END_UE, .events = {.on_mapping = on_nothing}};
        struct sa_kernel *k = open_kernel("phones", SA_END_UE, conf.events); /* libuv has its tables now */
        struct addr a = addr("192.0.2.1"), at = addr("10.77.0.2");
        struct addr ports[] = {addr("10.77.0.1:5062"), addr("10.77.0.1:5063")};
        struct buf why = BUF_INIT;
        struct sa_encap *e = NULL;
        unsigned long n;

        (void)state;
        sa_kernel_close(k);
        if (!allocations_can_fail())
                skip();
        buf_printf(&why, "%512s", ""); /* room for every sentence */
        buf_reset(&why);
        turn();
        enter("phones");
        EACH_ALLOCATION(sa_kernel_open(bed.loop, &conf, &k, &why), n);
        assert_true(n > 5 && alloc_failed == n); /* one failed before */
        buf_free(&why);
        assert_int_equal(sa_encap_open(k, &at, &e), 0);
        sa_encap_close(e);
        turn();
        EACH_ALLOCATION(sa_encap_open(k, &at, &e), n);
        assert_true(n > 1);
        sa_encap_close(e);
        turn();
        EACH_ALLOCATION(sa_address_add(k, &a), n);
        assert_true(n > 3);
        sa_kernel_close(k);
        turn();
        leave_behind(SA_END_PCSCF, "core", AF_INET, 1);
        enter("core");
        EACH_ALLOCATION(sa_clear_stale(bed.pcscf, ports, 2), n);
        assert_true(n > 2);
        assert_int_equal(sas("core"), 0);
        assert_int_equal(policies("core"), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(of_a_pcscf, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(of_ues, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(addresses, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(without_capability, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(probes, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(out_of_memory, bed_open, bed_close),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
