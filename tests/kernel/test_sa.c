/* SPDX-License-Identifier: BSD-3-Clause
 * Sets of SAs in a real kernel, between a phone and a P-CSCF: what passes, what does not, what is counted,
 * what is left. */
#include "tests/kernel/kernel_fix.h"

/* Installs a set at both ends. */
static void install(struct sa_params *ue, struct sa_params *pcscf, const struct esp_keys *keys)
{
        *ue = as(bed.ue, *ue);
        *pcscf = as(bed.pcscf, *pcscf);
        assert_int_equal(sa_install(bed.ue, ue, keys), 0);
        assert_int_equal(sa_install(bed.pcscf, pcscf, keys), 0);
}

static void remove_both(const struct sa_params *ue, const struct sa_params *pcscf)
{
        sa_remove(bed.ue, ue);
        sa_remove(bed.pcscf, pcscf);
}

static uint64_t packets(struct sa_kernel *k, const struct sa_params *p, enum sa_way w)
{
        struct sa_counters c;

        assert_int_equal(sa_count(k, p, w, &c), 0);
        return c.packets;
}

/* A datagram on each of the four SAs, and what each end counted of it. */
static void udp_all_ways(const struct sa_params *ue, const struct sa_params *pcscf)
{
        for (int w = 0; w < SA_WAYS; w++) {
                bool up = sa_sender((enum sa_way)w) == SA_END_UE;
                uint64_t before = packets(bed.ue, ue, (enum sa_way)w);
                struct addr from, to;
                int tx, rx;

                sa_selector(ue, (enum sa_way)w, &from, &to);
                tx = socket_at(up ? "phones" : "core", SOCK_DGRAM, from);
                rx = socket_at(up ? "core" : "phones", SOCK_DGRAM, to);
                assert_int_equal(send_to(tx, "OPTIONS sip:x", to), 0);
                assert_true(comes(rx, "OPTIONS sip:x", ARRIVES_MS));
                (void)close(tx);
                (void)close(rx);
                assert_int_equal(packets(bed.ue, ue, (enum sa_way)w), before + 1);
                assert_int_equal(packets(bed.pcscf, pcscf, (enum sa_way)w), before + 1);
        }
}

/* A connection from a client port to the other end's server port: SA_UC_PS and SA_PS_UC carry it. */
static void tcp_exchange(const struct sa_params *p)
{
        struct addr from, to;
        char got[16] = "";
        int client, listener, server;

        sa_selector(p, SA_UC_PS, &from, &to);
        listener = socket_at("core", SOCK_STREAM, to);
        assert_int_equal(listen(listener, 1), 0);
        client = socket_at("phones", SOCK_STREAM, from);
        if (connect(client, &to.u.sa, addr_len(&to)) != 0 && errno != EINPROGRESS)
                fail_msg("connect: %s", strerror(errno));
        assert_true(ready(listener, POLLIN, ARRIVES_MS));
        server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(server >= 0);
        assert_true(ready(client, POLLOUT, ARRIVES_MS));
        assert_int_equal(send(client, "REGISTER", 8, 0), 8);
        assert_true(ready(server, POLLIN, ARRIVES_MS));
        assert_int_equal(recv(server, got, sizeof(got), 0), 8);
        assert_int_equal(send(server, "SIP/2.0 200", 11, 0), 11);
        assert_true(ready(client, POLLIN, ARRIVES_MS));
        assert_int_equal(recv(client, got, sizeof(got), 0), 11);
        (void)close(client);
        (void)close(server);
        (void)close(listener);
}

static void each_suite(int family)
{
        uint8_t f[2048];

        for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
                struct esp_keys keys = keys_of(suites[i], 1);
                struct sa_params ue = params_of(suites[i], family, (uint32_t)i), pcscf = ue;
                int tap = tap_open("core", "gm");
                uint64_t before;
                size_t n, seen = 0;

                install(&ue, &pcscf, &keys);
                udp_all_ways(&ue, &pcscf);
                before = packets(bed.pcscf, &pcscf, SA_UC_PS);
                tcp_exchange(&ue);
                assert_true(packets(bed.pcscf, &pcscf, SA_UC_PS) >= before + 3); /* SYN, ACK, data */
                while ((n = tap_next(tap, IPPROTO_ESP, f, sizeof(f), 0)) > 0) {
                        assert_true(!sec_suite_encrypts(suites[i]) || !frame_holds(f, n, "sip:x"));
                        seen++;
                }
                assert_true(seen >= 4 + 6);
                (void)close(tap);
                remove_both(&ue, &pcscf);
        }
}

static void suites_ipv4(void **state)
{
        (void)state;
        each_suite(AF_INET);
        proves("SA-011 SA-017 SA-018 SA-026");
}

static void suites_ipv6(void **state)
{
        (void)state;
        each_suite(AF_INET6);
        proves("SA-011 SA-017 SA-018 SA-026");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(suites_ipv4, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(suites_ipv6, bed_open, bed_close),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
