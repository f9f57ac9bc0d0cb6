/* SPDX-License-Identifier: BSD-3-Clause
 * Guarded ports: nothing in clear goes in or out, nothing answers, what is protected passes. TS 33.203 7.1.
 */
#include "tests/kernel/kernel_fix.h"

static const struct sec_suite suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC};

/* A datagram in clear between two places. Returns whether it came; *out_err: what sending it said. */
static bool clear_passes(const char *from_ns, struct addr from, const char *to_ns, struct addr to,
                         int *out_err)
{
        int tx = socket_at(from_ns, SOCK_DGRAM, from), rx = socket_at(to_ns, SOCK_DGRAM, to);
        bool came;

        *out_err = send_to(tx, "clear", to);
        came = comes(rx, "clear", *out_err ? 0 : ABSENT_MS);
        (void)close(tx);
        (void)close(rx);
        return came;
}

/* A connection attempt in clear, IPv4: true when anything at all comes back. */
static bool syn_answered(struct addr from, struct addr to)
{
        int tap = tap_open("phones", "gm"), listener = socket_at("core", SOCK_STREAM, to), tx;
        uint8_t f[256];
        bool answered = false;

        assert_int_equal(listen(listener, 1), 0);
        tx = socket_at("phones", SOCK_STREAM, from);
        tap_drain(tap);
        assert_true(connect(tx, &to.u.sa, addr_len(&to)) == 0 || errno == EINPROGRESS);
        (void)ready(tx, POLLOUT, ABSENT_MS);
        while (tap_next(tap, IPPROTO_TCP, f, sizeof(f), 0) > 0)
                answered |= memcmp(f + 26, &to.u.v4.sin_addr, 4) == 0; /* its source */
        (void)close(tx);
        (void)close(listener);
        (void)close(tap);
        return answered;
}

static void guarded(struct addr phone, struct addr core, struct addr guard)
{
        const uint16_t port = addr_port(&guard);
        struct addr at = with_port(core, port), other = with_port(core, 5099);
        int err;

        assert_true(clear_passes("phones", with_port(phone, 40000), "core", at, &err));
        assert_true(clear_passes("core", at, "phones", with_port(phone, 40000), &err));
        enter("core");
        assert_int_equal(sa_guard(bed.pcscf, &guard), 0);
        assert_int_equal(sa_guard(bed.pcscf, &guard), -IMS_EEXISTS);
        assert_int_equal(lines_with("ip -n core xfrm policy", "action block"),
                         2); /* the first is still there */
        assert_false(clear_passes("phones", with_port(phone, 40000), "core", at, &err));
        assert_int_equal(err, 0);
        assert_false(clear_passes("core", at, "phones", with_port(phone, 40000), &err));
        assert_int_equal(err, EPERM);
        assert_true(clear_passes("phones", with_port(phone, 40000), "core", other, &err));
        assert_true(
                clear_passes("core", other, "phones", with_port(phone, port), &err)); /* their port 5062 */
        sa_unguard(bed.pcscf, &guard);
        assert_true(clear_passes("phones", with_port(phone, 40000), "core", at, &err));
        assert_true(clear_passes("core", at, "phones", with_port(phone, 40000), &err));
}

static void udp(void **state)
{
        (void)state;
        guarded(addr("10.77.0.2"), addr("10.77.0.1"), addr("10.77.0.1:5062"));
        guarded(addr("10.77.0.2"), addr("10.77.0.1"), addr("0.0.0.0:5062"));
        guarded(addr("fd00:77::2"), addr("fd00:77::1"), addr("[fd00:77::1]:5062"));
        guarded(addr("fd00:77::2"), addr("fd00:77::1"), addr("[::]:5062"));
}

static void at_the_phone(void **state)
{
        struct addr phone = addr("10.77.0.2:20001"), core = addr("10.77.0.1:5060");
        int err;

        (void)state;
        assert_true(clear_passes("core", core, "phones", phone, &err));
        assert_int_equal(sa_guard(bed.ue, &phone), 0);
        assert_false(clear_passes("core", core, "phones", phone, &err));
        assert_false(clear_passes("phones", phone, "core", core, &err));
        assert_int_equal(err, EPERM);
        sa_unguard(bed.ue, &phone);
}

static void tcp(void **state)
{
        struct addr phone = addr("10.77.0.2:40001"), guard = addr("10.77.0.1:5062");

        (void)state;
        assert_true(syn_answered(phone, guard));
        assert_int_equal(sa_guard(bed.pcscf, &guard), 0);
        assert_false(syn_answered(with_port(phone, 40002), guard));
        sa_unguard(bed.pcscf, &guard);
}

/* Nobody listens, and still no ICMP says so. */
static void silent(void **state)
{
        struct addr phone = addr("10.77.0.2:40003"), guard = addr("10.77.0.1:5062");
        int tap = tap_open("phones", "gm"), tx = socket_at("phones", SOCK_DGRAM, phone);
        uint8_t f[256];

        (void)state;
        shell("echo 0 | ip netns exec core tee /proc/sys/net/ipv4/icmp_ratelimit >/dev/null");
        assert_int_equal(send_to(tx, "x", guard), 0);
        assert_true(tap_next(tap, IPPROTO_ICMP, f, sizeof(f), ARRIVES_MS) > 0);
        assert_int_equal(sa_guard(bed.pcscf, &guard), 0);
        tap_drain(tap);
        (void)send_to(tx, "x", guard);
        assert_int_equal(send_to(tx, "x", guard), 0);
        assert_int_equal(tap_next(tap, IPPROTO_ICMP, f, sizeof(f), ABSENT_MS), 0);
        sa_unguard(bed.pcscf, &guard);
        (void)close(tx);
        (void)close(tap);
}

static void protected_passes(void **state)
{
        struct sa_params ue = as(bed.ue, params_of(suite, AF_INET6, 1));
        struct sa_params pcscf = as(bed.pcscf, params_of(suite, AF_INET6, 1));
        struct addr ps = addr("[::]:5062"), pc = addr("[fd00:77::1]:5063"), from, to;
        struct addr us = with_port(ue.ue, ue.ue_ends.port_s), uc = with_port(ue.ue, ue.ue_ends.port_c);
        struct esp_keys keys = keys_of(suite, 1);

        (void)state;
        assert_int_equal(sa_guard(bed.pcscf, &ps), 0);
        assert_int_equal(sa_guard(bed.pcscf, &pc), 0);
        assert_int_equal(sa_guard(bed.ue, &us), 0);
        assert_int_equal(sa_guard(bed.ue, &uc), 0);
        assert_int_equal(sa_install(bed.ue, &ue, &keys), 0);
        assert_int_equal(sa_install(bed.pcscf, &pcscf, &keys), 0);
        for (int w = 0; w < SA_WAYS; w++) {
                bool up = sa_sender((enum sa_way)w) == SA_END_UE;
                int err;

                sa_selector(&ue, (enum sa_way)w, &from, &to);
                assert_true(clear_passes(up ? "phones" : "core", from, up ? "core" : "phones", to, &err));
        }
        /* the phone loses its SAs and goes on in clear: its guard stops it, then the P-CSCF's */
        sa_remove(bed.ue, &ue);
        {
                int err;

                sa_selector(&ue, SA_UC_PS, &from, &to);
                assert_false(clear_passes("phones", from, "core", to, &err));
                assert_int_equal(err, EPERM);
                sa_unguard(bed.ue, &uc);
                assert_false(clear_passes("phones", from, "core", to, &err));
                assert_int_equal(err, 0);
        }
        sa_unguard(bed.ue, &us);
        sa_remove(bed.pcscf, &pcscf);
        sa_unguard(bed.pcscf, &ps);
        sa_unguard(bed.pcscf, &pc);
}

/* ICMP types stand where ports do in a selector: a guard must not meet them (neighbours are found by ICMPv6).
 */
static void icmp_is_let_alone(void **state)
{
        struct addr v4 = addr("0.0.0.0:5062"), v6 = addr("[::]:5062"), low = addr("[::]:135"),
                    none = addr("0.0.0.0");
        int err;

        (void)state;
        assert_int_equal(sa_guard(bed.pcscf, &low), -IMS_EINVAL);
        assert_int_equal(sa_guard(bed.pcscf, &none), -IMS_EINVAL);
        assert_int_equal(sa_guard(bed.pcscf, &v4), 0);
        assert_int_equal(sa_guard(bed.pcscf, &v6), 0);
        shell("ip -n phones neigh flush dev gm; ip -n core neigh flush dev gm");
        assert_true(
                clear_passes("phones", addr("[fd00:77::2]:40005"), "core", addr("[fd00:77::1]:5099"), &err));
        sa_unguard(bed.pcscf, &v4);
        sa_unguard(bed.pcscf, &v6);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(udp, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(at_the_phone, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(tcp, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(silent, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(protected_passes, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(icmp_is_let_alone, bed_open, bed_close),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
