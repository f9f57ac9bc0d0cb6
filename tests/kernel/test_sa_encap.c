/* SPDX-License-Identifier: BSD-3-Clause
 * ESP in UDP through a NAT (iptables MASQUERADE in a namespace of its own): where a phone is reached is
 * learned and followed. TS 33.203 M.7.1, RFC 3948. */
#include "tests/kernel/kernel_fix.h"

#define PUBLIC "10.78.0.2"
#define PCSCF  "10.78.0.1"

static const struct sec_suite suite = {SEC_ALG_HMAC_SHA_1_96, SEC_EALG_AES_CBC};

struct mapped {
        struct {
                uint32_t spi;
                struct addr from;
        } e[32];
        unsigned n;
};

static void on_mapping(uint32_t spi, const struct addr *from, void *arg)
{
        struct mapped *m = arg;

        if (m->n < 32) {
                m->e[m->n].spi = spi;
                m->e[m->n].from = *from;
        }
        m->n++;
}

static void over(struct tmr *t, void *arg)
{
        (void)t;
        *(bool *)arg = true;
}

/* Turns the loop until there were this many events, or the time is over. */
static unsigned events(struct mapped *m, unsigned want, uint64_t wait_ms)
{
        struct tmr t = {0};
        bool end = false;

        assert_int_equal(tmr_start(bed.loop, &t, wait_ms, over, &end), 0);
        while (m->n < want && !end)
                loop_once(bed.loop);
        tmr_stop(bed.loop, &t);
        return m->n;
}

/* A phone inside of the NAT. */
struct phone {
        struct sa_params ue, pcscf; /* as each end has the set */
        struct sa_encap *encap;
        int uc, us; /* sockets */
};

static struct mapped mapped;
static struct sa_encap *core_encap;
static int ps, pc; /* the P-CSCF's sockets */

/* The NAT forgets all, and gives ports of this range. */
static void nat_range(unsigned first)
{
        shell("ip netns exec nat sh -c 'for i in iptables-legacy iptables; do command -v $i >/dev/null || "
              "continue; "
              "$i -t nat -F POSTROUTING && "
              "$i -t nat -A POSTROUTING -o wan -p udp -j MASQUERADE --to-ports %u-%u && exit; done; exit 1'",
              first, first + 99);
        shell("ip netns exec nat conntrack -F >/dev/null 2>&1");
}

static int setup(void **state)
{
        struct addr at = addr(PCSCF);

        (void)state;
        memset(&mapped, 0, sizeof(mapped));
        assert_int_equal(loop_new(&bed.loop), 0);
        bed.ue = open_kernel("phones", SA_END_UE, (struct sa_kernel_events){0});
        bed.pcscf = open_kernel("core", SA_END_PCSCF,
                                (struct sa_kernel_events){.on_mapping = on_mapping, .arg = &mapped});
        assert_int_equal(sa_encap_open(bed.pcscf, &at, &core_encap), 0);
        ps = socket_at("core", SOCK_DGRAM, addr(PCSCF ":5062"));
        pc = socket_at("core", SOCK_DGRAM, addr(PCSCF ":5063"));
        shell("ip -n phones addr replace 192.168.7.3/24 dev home");
        shell("ip -n phones route replace 10.78.0.0/24 via 192.168.7.1 dev home"); /* the inner packet wants
                                                                                      one */
        nat_range(40000);
        return 0;
}

static int teardown(void **state)
{
        (void)close(ps);
        (void)close(pc);
        sa_encap_close(core_encap);
        return bed_close(state);
}

static struct phone phone_up(const char *own, uint32_t n)
{
        struct phone ph = {0};
        struct esp_keys keys = keys_of(suite, (uint8_t)n);
        struct sa_params p = params_of(suite, AF_INET, n);
        struct addr own_addr = addr(own);

        p.ue = addr(PUBLIC);
        p.pcscf = addr(PCSCF);
        p.ue_local = own_addr;
        p.mode = SEC_MODE_UDP_ENC_TUN;
        enter("phones");
        assert_int_equal(sa_address_add(bed.ue, &p.ue), 0);
        assert_int_equal(sa_encap_open(bed.ue, &own_addr, &ph.encap), 0);
        ph.ue = as(bed.ue, p);
        ph.pcscf = as(bed.pcscf, p);
        assert_int_equal(sa_install(bed.ue, &ph.ue, &keys), 0);
        assert_int_equal(sa_install(bed.pcscf, &ph.pcscf, &keys), 0);
        ph.uc = socket_at("phones", SOCK_DGRAM, with_port(p.ue, p.ue_ends.port_c));
        ph.us = socket_at("phones", SOCK_DGRAM, with_port(p.ue, p.ue_ends.port_s));
        return ph;
}

static void phone_down(struct phone *ph)
{
        (void)close(ph->uc);
        (void)close(ph->us);
        sa_remove(bed.ue, &ph->ue);
        sa_remove(bed.pcscf, &ph->pcscf);
        sa_encap_close(ph->encap);
        enter("phones");
        sa_address_drop(bed.ue, &ph->ue.ue);
}

/* A request of the phone; the P-CSCF hears where from. Follows. */
static void first_packet(struct phone *ph, unsigned range)
{
        unsigned n = mapped.n;
        uint16_t port;

        assert_int_equal(send_to(ph->uc, "REGISTER", addr(PCSCF ":5062")), 0);
        assert_true(comes(ps, "REGISTER", ARRIVES_MS));
        assert_int_equal(events(&mapped, n + 1, ARRIVES_MS), n + 1);
        assert_int_equal(mapped.e[n].spi, sa_spi(&ph->pcscf, SA_UC_PS));
        assert_true(addr_ip_eq(&mapped.e[n].from, &ph->pcscf.ue));
        port = addr_port(&mapped.e[n].from);
        assert_in_range(port, range, range + 99);
        ph->pcscf.port_uenc = port;
        assert_int_equal(sa_follow(bed.pcscf, &ph->pcscf), 0);
}

/* One datagram each way on each SA: nothing is told, for all come from where they are expected. */
static void both_ways(struct phone *ph)
{
        unsigned n = mapped.n;
        struct addr us = with_port(ph->ue.ue, ph->ue.ue_ends.port_s);
        struct addr uc = with_port(ph->ue.ue, ph->ue.ue_ends.port_c);

        assert_int_equal(send_to(ps, "200 to uc", uc), 0);
        assert_true(comes(ph->uc, "200 to uc", ARRIVES_MS));
        assert_int_equal(send_to(pc, "INVITE", us), 0);
        assert_true(comes(ph->us, "INVITE", ARRIVES_MS));
        assert_int_equal(send_to(ph->uc, "ACK", addr(PCSCF ":5062")), 0);
        assert_true(comes(ps, "ACK", ARRIVES_MS));
        assert_int_equal(send_to(ph->us, "180", addr(PCSCF ":5063")), 0);
        assert_true(comes(pc, "180", ARRIVES_MS));
        assert_int_equal(events(&mapped, n + 1, ABSENT_MS), n);
}

/* --- tests --------------------------------------------------------------------------------------- */

static void learned_and_followed(void **state)
{
        struct phone ph = phone_up("192.168.7.2", 1);
        int tap = tap_open("core", "wan"), home = tap_open("nat", "home");
        uint8_t f[2048] = {0};

        (void)state;
        first_packet(&ph, 40000);
        /* behind the NAT from 4500 to 4500 with the phone's own address, inside the public one (NAT-008,
         * NAT-010) */
        assert_true(tap_next(home, IPPROTO_UDP, f, sizeof(f), ARRIVES_MS) > 0);
        assert_memory_equal(f + 26, "\xc0\xa8\x07\x02\x0a\x4e\x00\x01\x11\x94\x11\x94", 12);
        tap_drain(tap);
        both_ways(&ph);
        /* from the P-CSCF's port 4500 to port_uenc, outer addresses its own and the public one (NAT-006,
         * NAT-012) */
        assert_true(tap_next(tap, IPPROTO_UDP, f, sizeof(f), ARRIVES_MS) > 0);
        assert_memory_equal(f + 26, "\x0a\x4e\x00\x01\x0a\x4e\x00\x02\x11\x94", 10);
        assert_int_equal(f[36] << 8 | f[37], ph.pcscf.port_uenc);
        assert_memory_not_equal(f + 42, "\0\0\0", 4); /* an SPI, not the marker of IKE */
        assert_false(frame_holds(f, sizeof(f), "200 to uc"));
        (void)close(tap);
        (void)close(home);
        phone_down(&ph);
        proves("NAT-003 NAT-006 NAT-008 NAT-010 NAT-012");
}

static void rebinds(void **state)
{
        struct phone ph = phone_up("192.168.7.2", 1);

        (void)state;
        first_packet(&ph, 40000);
        both_ways(&ph);
        nat_range(41000);
        first_packet(&ph, 41000);
        both_ways(&ph);
        phone_down(&ph);
        proves("NAT-007");
}

static void two_phones(void **state)
{
        struct phone a = phone_up("192.168.7.2", 1), b = phone_up("192.168.7.3", 2);

        (void)state;
        first_packet(&a, 40000);
        first_packet(&b, 40000);
        assert_int_not_equal(a.pcscf.port_uenc, b.pcscf.port_uenc);
        both_ways(&a);
        both_ways(&b);
        phone_down(&a);
        both_ways(&b);
        phone_down(&b);
}

static void counters_stay(void **state)
{
        struct phone ph = phone_up("192.168.7.2", 1);
        struct sa_counters before, after;
        struct sa_params odd = ph.pcscf;

        (void)state;
        first_packet(&ph, 40000);
        assert_int_equal(sa_count(bed.pcscf, &ph.pcscf, SA_UC_PS, &before), 0);
        assert_int_equal(before.packets, 1);
        assert_int_equal(sa_follow(bed.pcscf, &ph.pcscf), 0);
        assert_int_equal(sa_count(bed.pcscf, &ph.pcscf, SA_UC_PS, &after), 0);
        assert_memory_equal(&after, &before, sizeof(before));
        assert_int_equal(lines_with("ip -n core -s xfrm state", "hard 4294967295(sec)"), 4);
        assert_int_equal(lines_with("ip -n core xfrm state", "enc cbc(aes) 0x"),
                         4); /* with the keys it had */
        odd.reqid = sa_kernel_reqid(bed.pcscf);
        assert_int_equal(sa_follow(bed.pcscf, &odd), -IMS_ENOTFOUND);
        odd.mode = SEC_MODE_TRANS;
        assert_int_equal(sa_follow(bed.pcscf, &odd), -IMS_EINVAL);
        phone_down(&ph);
}

static void keep_alive(void **state)
{
        struct addr at = addr("192.168.7.2"), to = addr(PCSCF ":4500"), taken = addr(PCSCF);
        int tap = tap_open("core", "wan");
        struct sa_encap *e, *second;
        uint8_t f[2048];
        size_t n;

        (void)state;
        enter("phones");
        assert_int_equal(sa_encap_open(bed.ue, &at, &e), 0);
        sa_encap_keep_alive(e, &to);
        n = tap_next(tap, IPPROTO_UDP, f, sizeof(f), ARRIVES_MS);
        assert_true(n >= 43);
        assert_int_equal(f[38] << 8 | f[39], 9); /* length of the datagram: one octet */
        assert_int_equal(f[42], 0xff);
        assert_int_equal(events(&mapped, 1, ABSENT_MS), 0);
        enter("core");
        assert_int_equal(sa_encap_open(bed.pcscf, &taken, &second), -IMS_EADDRINUSE);
        sa_encap_close(e);
        (void)close(tap);
}

/* IPv6 has no NAT here: the port alone is learned. */
static void ipv6(void **state)
{
        struct esp_keys keys = keys_of(suite, 1);
        struct sa_params p = params_of(suite, AF_INET6, 1), ue, pcscf;
        struct addr any = addr("::");
        struct sa_encap *a, *b;
        int uc, core;

        (void)state;
        p.mode = SEC_MODE_UDP_ENC_TUN;
        p.ue_local = p.ue;
        enter("phones");
        assert_int_equal(sa_encap_open(bed.ue, &p.ue, &a), 0);
        enter("core");
        assert_int_equal(sa_encap_open(bed.pcscf, &any, &b), 0);
        ue = as(bed.ue, p);
        pcscf = as(bed.pcscf, p);
        assert_int_equal(sa_install(bed.ue, &ue, &keys), 0);
        assert_int_equal(sa_install(bed.pcscf, &pcscf, &keys), 0);
        uc = socket_at("phones", SOCK_DGRAM, with_port(p.ue, p.ue_ends.port_c));
        core = socket_at("core", SOCK_DGRAM, with_port(p.pcscf, 5062));
        assert_int_equal(send_to(uc, "REGISTER", with_port(p.pcscf, 5062)), 0);
        assert_true(comes(core, "REGISTER", ARRIVES_MS));
        assert_int_equal(events(&mapped, 1, ARRIVES_MS), 1);
        pcscf.port_uenc = addr_port(&mapped.e[0].from);
        assert_int_equal(pcscf.port_uenc, 4500);
        assert_int_equal(sa_follow(bed.pcscf, &pcscf), 0);
        assert_int_equal(send_to(core, "200", with_port(p.ue, p.ue_ends.port_c)), 0);
        assert_true(comes(uc, "200", ARRIVES_MS));
        (void)close(uc);
        (void)close(core);
        sa_remove(bed.ue, &ue);
        sa_remove(bed.pcscf, &pcscf);
        sa_encap_close(a);
        sa_encap_close(b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(learned_and_followed, setup, teardown),
                cmocka_unit_test_setup_teardown(rebinds, setup, teardown),
                cmocka_unit_test_setup_teardown(two_phones, setup, teardown),
                cmocka_unit_test_setup_teardown(counters_stay, setup, teardown),
                cmocka_unit_test_setup_teardown(keep_alive, setup, teardown),
                cmocka_unit_test_setup_teardown(ipv6, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
