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

/* --- what does not pass -------------------------------------------------------------------------- */

/* Sockets of one way, and the frames on the P-CSCF's wire. */
struct line {
        int tx, rx, tap;
        struct addr to;
};

static struct line line_open(const struct sa_params *p, enum sa_way w)
{
        bool up = sa_sender(w) == SA_END_UE;
        struct addr from, to;

        sa_selector(p, w, &from, &to);
        return (struct line){.tx = socket_at(up ? "phones" : "core", SOCK_DGRAM, from),
                             .rx = socket_at(up ? "core" : "phones", SOCK_DGRAM, to),
                             .tap = tap_open("core", "gm"),
                             .to = to};
}

static void line_close(struct line *l)
{
        (void)close(l->tx);
        (void)close(l->rx);
        (void)close(l->tap);
}

static struct sa_counters counters(const struct sa_params *p, enum sa_way w)
{
        struct sa_counters c;

        assert_int_equal(sa_count(bed.pcscf, p, w, &c), 0);
        return c;
}

/* Puts a frame on the wire as the phones' end would. */
static void inject(const uint8_t *f, size_t n)
{
        int fd = tap_open("phones", "gm");

        assert_int_equal(send(fd, f, n, 0), (ssize_t)n);
        (void)close(fd);
}

static void wrong_key(void **state)
{
        struct esp_keys right = keys_of(suites[1], 1), wrong = keys_of(suites[1], 2);
        struct sa_params ue = as(bed.ue, params_of(suites[1], AF_INET, 1));
        struct sa_params pcscf = as(bed.pcscf, params_of(suites[1], AF_INET, 1));
        struct line l;

        (void)state;
        assert_int_equal(sa_install(bed.ue, &ue, &wrong), 0);
        assert_int_equal(sa_install(bed.pcscf, &pcscf, &right), 0);
        l = line_open(&ue, SA_UC_PS);
        for (uint32_t i = 1; i <= 3; i++) {
                assert_int_equal(send_to(l.tx, "REGISTER", l.to), 0);
                assert_false(comes(l.rx, "REGISTER", ABSENT_MS));
                assert_int_equal(counters(&pcscf, SA_UC_PS).integrity_failed, i);
        }
        assert_int_equal(counters(&pcscf, SA_UC_PS).packets, 0);
        assert_int_equal(counters(&pcscf, SA_US_PC).integrity_failed, 0);
        line_close(&l);
        remove_both(&ue, &pcscf);
        proves("SA-002");
}

/* A flipped bit, a second time the same packet, and a packet sent back to whom it came from. */
static void by_hand(void **state)
{
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_params ue = params_of(suites[1], AF_INET, 1), pcscf = ue;
        uint8_t f[2048], back[2048];
        struct line l;
        size_t n;

        (void)state;
        install(&ue, &pcscf, &keys);
        l = line_open(&ue, SA_UC_PS);
        tap_drain(l.tap);
        assert_int_equal(send_to(l.tx, "REGISTER", l.to), 0);
        assert_true(comes(l.rx, "REGISTER", ARRIVES_MS));
        n = tap_next(l.tap, IPPROTO_ESP, f, sizeof(f), ARRIVES_MS);
        assert_true(n > 0);

        inject(f, n);
        assert_false(comes(l.rx, "REGISTER", ABSENT_MS));
        assert_int_equal(counters(&pcscf, SA_UC_PS).replay, 1);
        assert_int_equal(counters(&pcscf, SA_UC_PS).packets, 1);

        f[14 + 20 + 7] += 1; /* the sequence number one further, so that replay is not what stops it */
        inject(f, n);
        assert_false(comes(l.rx, "REGISTER", ABSENT_MS));
        assert_int_equal(counters(&pcscf, SA_UC_PS).integrity_failed, 1);
        f[14 + 20 + 7] -= 1;

        memcpy(back, f, n);
        memcpy(back, f + 6, 6);
        memcpy(back + 6, f, 6);
        memcpy(back + 14 + 12, f + 14 + 16, 4);
        memcpy(back + 14 + 16, f + 14 + 12, 4);
        {
                int wire = tap_open("core", "gm");
                struct addr at = with_port(ue.ue, ue.ue_ends.port_s);
                int rx = socket_at("phones", SOCK_DGRAM, at);

                assert_int_equal(send(wire, back, n, 0), (ssize_t)n);
                assert_false(ready(rx, POLLIN, ABSENT_MS));
                assert_false(ready(l.tx, POLLIN, 0));
                (void)close(rx);
                (void)close(wire);
        }
        line_close(&l);
        remove_both(&ue, &pcscf);
        proves("SA-002 SA-003 SA-016");
}

/* Packets the P-CSCF could not take when they came, put on the wire again in another order. */
static void replay_window(void **state)
{
        enum { N = 100 };
        static uint8_t f[N][256];
        size_t n[N];
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_params ue = as(bed.ue, params_of(suites[1], AF_INET, 1));
        struct sa_params pcscf = as(bed.pcscf, params_of(suites[1], AF_INET, 1));
        struct line l;

        (void)state;
        assert_int_equal(sa_install(bed.ue, &ue, &keys), 0);
        l = line_open(&ue, SA_UC_PS);
        tap_drain(l.tap);
        for (int i = 0; i < N; i++) {
                assert_int_equal(send_to(l.tx, "x", l.to), 0);
                n[i] = tap_next(l.tap, IPPROTO_ESP, f[i], sizeof(f[i]), ARRIVES_MS);
                assert_true(n[i] > 0);
        }
        assert_int_equal(sa_install(bed.pcscf, &pcscf, &keys), 0);
        inject(f[63], n[63]);
        inject(f[0], n[0]); /* 63 behind the newest: the last in a window of 64 */
        inject(f[30], n[30]);
        assert_true(comes(l.rx, "x", ARRIVES_MS) && comes(l.rx, "x", ARRIVES_MS) &&
                    comes(l.rx, "x", ARRIVES_MS));
        inject(f[99], n[99]);
        assert_true(comes(l.rx, "x", ARRIVES_MS));
        inject(f[35], n[35]); /* 64 behind */
        assert_false(comes(l.rx, "x", ABSENT_MS));
        assert_int_equal(counters(&pcscf, SA_UC_PS).replay_window, 1);
        assert_int_equal(counters(&pcscf, SA_UC_PS).packets, 4);
        line_close(&l);
        remove_both(&ue, &pcscf);
        proves("SA-016");
}

/* What a phone sends whose SAs hold other addresses or ports than those the P-CSCF has for these SPIs. The
 * P-CSCF's are fresh each time: it is no replay. */
static void expect_refused(struct sa_params at_ue, enum sa_way w)
{
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_params ue = as(bed.ue, at_ue);
        struct sa_params first = as(bed.pcscf, params_of(suites[1], AF_INET, 1));
        struct sa_params second = as(bed.pcscf, params_of(suites[1], AF_INET, 2));
        struct line l;

        assert_int_equal(sa_install(bed.pcscf, &first, &keys), 0);
        assert_int_equal(sa_install(bed.pcscf, &second, &keys), 0);
        assert_int_equal(sa_install(bed.ue, &ue, &keys), 0);
        l = line_open(&ue, w);
        assert_int_equal(send_to(l.tx, "INVITE", l.to), 0);
        assert_false(comes(l.rx, "INVITE", ABSENT_MS));
        assert_int_equal(counters(&first, SA_UC_PS).integrity_failed, 0);
        line_close(&l);
        sa_remove(bed.ue, &ue);
        sa_remove(bed.pcscf, &first);
        sa_remove(bed.pcscf, &second);
}

static void bound_to_selectors(void **state)
{
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_params p = params_of(suites[1], AF_INET, 1), a, b;

        (void)state;
        shell("ip -n phones addr replace 10.77.0.3/16 dev gm");
        a = p;
        a.ue = addr("10.77.0.3");
        expect_refused(a, SA_UC_PS); /* from another address */
        a = p;
        a.ue_ends.port_c = 33333;
        expect_refused(a, SA_UC_PS); /* from another port */
        a = p;
        a.pcscf_ends.port_s = 5070;
        expect_refused(a, SA_UC_PS); /* to another port */
        b = params_of(suites[1], AF_INET, 2);
        a = p;
        a.ue_ends.spi_c = b.ue_ends.spi_c;
        a.ue_ends.spi_s = b.ue_ends.spi_s;
        a.pcscf_ends.spi_c = b.pcscf_ends.spi_c;
        a.pcscf_ends.spi_s = b.pcscf_ends.spi_s;
        expect_refused(a, SA_UC_PS); /* on the SA of somebody else */
        a = p;
        a.pcscf_ends.spi_s = p.pcscf_ends.spi_c;
        a.pcscf_ends.spi_c = p.pcscf_ends.spi_s;
        expect_refused(a, SA_UC_PS); /* on the other SA of the set */
        a = b = p;
        install(&a, &b, &keys);
        udp_all_ways(&a, &b); /* and so it is right */
        remove_both(&a, &b);
        proves("SA-024 SA-025");
}

/* --- all or nothing ------------------------------------------------------------------------------ */

static void all_or_nothing(void **state)
{
        struct esp_keys keys = keys_of(suites[1], 1), odd = keys;
        struct sa_params p = as(bed.pcscf, params_of(suites[1], AF_INET, 1)), q;
        struct sa_params other = as(bed.pcscf, params_of(suites[1], AF_INET, 2));
        struct sa_counters c;

        (void)state;
        assert_int_equal(sa_install(bed.pcscf, &other, &keys), 0);
        assert_int_equal(sa_install(bed.pcscf, &other, &keys), -IMS_EINVAL); /* this reqid is in use */
        q = p;
        q.pcscf_ends.spi_c = other.pcscf_ends.spi_c; /* the last SA collides */
        assert_int_equal(sa_install(bed.pcscf, &q, &keys), -IMS_EEXISTS);
        q = p;
        q.pcscf_ends.spi_s = other.pcscf_ends.spi_s; /* the first */
        assert_int_equal(sa_install(bed.pcscf, &q, &keys), -IMS_EEXISTS);
        q = p;
        q.ue_ends.port_s = other.ue_ends.port_s; /* two policies */
        assert_int_equal(sa_install(bed.pcscf, &q, &keys), -IMS_EEXISTS);
        sa_remove(bed.pcscf, &q); /* never installed: nothing of the other's goes */
        odd.encryption_n = 8;
        assert_int_equal(sa_install(bed.pcscf, &p, &odd), -IMS_EINVAL);
        q = p;
        q.pcscf_ends.port_c = 0;
        assert_int_equal(sa_install(bed.pcscf, &q, &keys), -IMS_EINVAL);
        q = p;
        q.reqid = 7;
        assert_int_equal(sa_install(bed.pcscf, &q, &keys), -IMS_EINVAL);
        assert_int_equal(lines_with("ip -n core xfrm state", "proto esp spi"), 4);
        assert_int_equal(lines_with("ip -n core xfrm policy", "dir "), 4);
        assert_int_equal(sa_count(bed.pcscf, &other, SA_US_PC, &c), 0);
        assert_int_equal(sa_count(bed.pcscf, &p, SA_US_PC, &c), -IMS_ENOTFOUND);
        p.pcscf_ends.spi_s = 256;
        p.pcscf_ends.spi_c = UINT32_MAX;
        assert_int_equal(sa_install(bed.pcscf, &p, &keys), 0);
        assert_int_equal(lines_with("ip -n core xfrm state", "proto esp spi"), 8);
        sa_remove(bed.pcscf, &p);
        sa_remove(bed.pcscf, &p);
        sa_remove(bed.pcscf, &other);
        assert_int_equal(lines_with("ip -n core xfrm state", "proto esp spi"), 0);
        assert_int_equal(lines_with("ip -n core xfrm policy", "dir "), 0);
}

/* --- what another program says ------------------------------------------------------------------- */

static void in_the_words_of_iproute2(void **state)
{
        static const char state_cmd[] = "ip -n core -s xfrm state";
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_params p = as(bed.pcscf, params_of(suites[1], AF_INET, 1));
        char text[128];

        (void)state;
        assert_int_equal(sa_install(bed.pcscf, &p, &keys), 0);
        assert_int_equal(lines_with(state_cmd, "mode transport"), 4);
        assert_int_equal(lines_with(state_cmd, "expire add: soft 0(sec), hard 4294967295(sec)"), 4);
        assert_int_equal(lines_with(state_cmd, "limit: soft (INF)(bytes), hard (INF)(bytes)"), 4);
        assert_int_equal(lines_with(state_cmd, "replay_window 64, bitmap-length 2"), 4);
        assert_int_equal(lines_with(state_cmd, "enc cbc(aes) 0x"), 4);
        assert_int_equal(lines_with(state_cmd, "auth-trunc hmac(sha1) 0x"), 4);
        (void)snprintf(text, sizeof(text), "reqid %u", p.reqid);
        assert_int_equal(lines_with("ip -n core xfrm state | sed 's/[/(].*//'", text), 4);
        /* the same keys on all four: two lines of keys, each four times */
        assert_string_equal(output("ip -n core xfrm state | grep -E 'auth-trunc|enc ' | sort | uniq -c | "
                                   "awk '{printf \"%s,\", $1}'"),
                            "4,4,");
        assert_int_equal(lines_with("ip -n core xfrm state | grep -A9 'spi 0x000003f5'",
                                    "sel src 10.77.0.2/32 dst 10.77.0.1/32 sport 20002 dport 5062"),
                         1);
        assert_int_equal(lines_with("ip -n core xfrm policy",
                                    "src 10.77.0.1/32 dst 10.77.0.2/32 sport 5063 dport 20003"),
                         1);
        assert_int_equal(lines_with("ip -n core xfrm policy", "dir in priority 1000"), 2);
        assert_int_equal(lines_with("ip -n core xfrm policy", "dir out priority 1000"), 2);
        sa_remove(bed.pcscf, &p);
        proves("SA-012 SA-013 SA-023");
}

/* --- the end of an SA ---------------------------------------------------------------------------- */

struct ended {
        uint32_t spi;
        struct addr to;
        unsigned n;
};

static void on_expired(uint32_t spi, const struct addr *to, void *arg)
{
        struct ended *e = arg;

        e->spi = spi;
        e->to = *to;
        e->n++;
}

static void quiet(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

/* Turns the loop until *n events came, or the time is over. */
static void events_until(const unsigned *n, unsigned want, uint64_t wait_ms)
{
        struct tmr t = {0};
        bool over = false;

        assert_int_equal(tmr_start(bed.loop, &t, wait_ms, quiet, &over), 0);
        while (*n < want && !over)
                loop_once(bed.loop);
        tmr_stop(bed.loop, &t);
}

/* 2^32-1 s pass in no test: another program shortens the limit of one SA, and of one that is not ours. */
static void hard_limit(void **state)
{
        struct ended e = {0};
        struct sa_kernel *k = open_kernel("core", SA_END_PCSCF,
                                          (struct sa_kernel_events){.on_expired = on_expired, .arg = &e});
        struct sa_params p = as(k, params_of(suites[1], AF_INET6, 1));
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_counters c;

        (void)state;
        assert_int_equal(sa_install(k, &p, &keys), 0);
        shell("ip -n core xfrm state add src fd00:77::9 dst fd00:77::1 proto esp spi 0x9999 reqid 5 mode "
              "transport "
              "auth 'hmac(sha1)' 0x0102030405060708090a0b0c0d0e0f1011121314 enc 'ecb(cipher_null)' '' "
              "limit time-hard 1");
        shell("ip -n core xfrm state update src fd00:77::2 dst fd00:77::1 proto esp spi %u reqid %u mode "
              "transport "
              "enc 'ecb(cipher_null)' '' limit time-hard 1",
              sa_spi(&p, SA_US_PC), p.reqid);
        events_until(&e.n, 1, 5000);
        assert_int_equal(e.n, 1);
        assert_int_equal(e.spi, sa_spi(&p, SA_US_PC));
        assert_true(addr_ip_eq(&e.to, &p.pcscf));
        assert_int_equal(sa_count(k, &p, SA_US_PC, &c), -IMS_ENOTFOUND);
        assert_int_equal(sa_count(k, &p, SA_UC_PS, &c), 0);
        events_until(&e.n, 2, 2000);
        assert_int_equal(e.n, 1); /* of the other program's none is told */
        sa_remove(k, &p);
        sa_kernel_close(k);
}

/* --- ICMP ---------------------------------------------------------------------------------------- */

/* Nobody listens at the P-CSCF's port: the answer quotes what stood in the ESP packet, so it is itself in
 * ESP. */
static void icmp_is_protected(void **state)
{
        struct esp_keys keys = keys_of(suites[1], 1);
        struct sa_params ue = params_of(suites[1], AF_INET, 1), pcscf = ue;
        struct addr from, to;
        int tx, tap = tap_open("core", "gm"), code = 0, on = 1;
        socklen_t len = sizeof(code);
        uint8_t f[2048];

        (void)state;
        shell("echo 0 | ip netns exec core tee /proc/sys/net/ipv4/icmp_ratelimit >/dev/null");
        install(&ue, &pcscf, &keys);
        sa_selector(&ue, SA_UC_PS, &from, &to);
        tx = socket_at("phones", SOCK_DGRAM, from);
        assert_int_equal(setsockopt(tx, IPPROTO_IP, IP_RECVERR, &on, sizeof(on)), 0);
        tap_drain(tap);
        assert_int_equal(send_to(tx, "MESSAGE secret", to), 0);
        assert_true(ready(tx, POLLERR, ARRIVES_MS));
        assert_int_equal(getsockopt(tx, SOL_SOCKET, SO_ERROR, &code, &len), 0);
        assert_int_equal(code, ECONNREFUSED);
        assert_int_equal(tap_next(tap, IPPROTO_ICMP, f, sizeof(f), ABSENT_MS), 0);
        assert_true(packets(bed.ue, &ue, SA_PS_UC) == 1);
        (void)close(tx);
        (void)close(tap);
        remove_both(&ue, &pcscf);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(suites_ipv4, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(suites_ipv6, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(wrong_key, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(by_hand, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(replay_window, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(bound_to_selectors, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(all_or_nothing, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(in_the_words_of_iproute2, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(hard_limit, bed_open, bed_close),
                cmocka_unit_test_setup_teardown(icmp_is_protected, bed_open, bed_close),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
