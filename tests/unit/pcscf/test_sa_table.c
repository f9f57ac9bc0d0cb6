/* SPDX-License-Identifier: BSD-3-Clause
 * The SA table: numbers, rule 3 of TS 33.203 7.1, finding and removing. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/sa_fix.h"

#define ALICE "alice@ims.example"
#define BOB   "bob@ims.example"
#define IP    "192.0.2.10"

static int setup(void **state)
{
        *state = world_new(AWAIT_MS, 30000);
        return 0;
}

static int teardown(void **state)
{
        world_free(*state);
        return 0;
}

/* --- numbers -------------------------------------------------------------------------------------- */

static void numbers(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *s = open_set(w, &o);
        const struct sa_params *p = &s->params;
        enum sa_way way;

        assert_int_equal(s->state, SA_SET_REGISTRATION);
        assert_int_equal(p->pcscf_ends.port_s, 6100);
        assert_in_range(p->pcscf_ends.port_c, 6101, 6104);
        assert_in_range(p->pcscf_ends.spi_c, 1000000000, 3999999999);
        assert_in_range(p->pcscf_ends.spi_s, 1000000000, 3999999999);
        assert_int_not_equal(p->pcscf_ends.spi_c, p->pcscf_ends.spi_s);
        assert_int_equal(fake_sa_sets(), 1);
        assert_non_null(fake_sa_by_spi(p->pcscf_ends.spi_s, &way));
        assert_int_equal(way, SA_UC_PS);
        assert_int_not_equal(p->reqid, 0);
        assert_ptr_equal(sa_by_spi(w->table, p->pcscf_ends.spi_s), s);
        assert_ptr_equal(sa_by_spi(w->table, p->pcscf_ends.spi_c), s);
        assert_null(sa_by_spi(w->table, 77));
        assert_ptr_equal(sa_by_serial(w->table, s->assoc->id, s->serial), s);
        proves("SA-022 SA-033 SA-052");
}

/* The UE's SPIs are never ours, whatever it chooses. */
static void spis_of_the_ue(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *s;

        w->conf.spi_first = 1000;
        w->conf.spi_last = 1005; /* a range that small meets them */
        for (uint32_t i = 0; i < 40; i++) {
                o.ends.spi_c = 1000 + i % 6;
                o.ends.spi_s = 1000 + (i + 1) % 6;
                s = open_set(w, &o);
                assert_int_not_equal(s->params.pcscf_ends.spi_c, o.ends.spi_c);
                assert_int_not_equal(s->params.pcscf_ends.spi_c, o.ends.spi_s);
                assert_int_not_equal(s->params.pcscf_ends.spi_s, o.ends.spi_c);
                assert_int_not_equal(s->params.pcscf_ends.spi_s, o.ends.spi_s);
                sa_remove_set(s);
        }
        proves("SA-020");
}

/* Linux finds the SA of a packet in a table by this, of the SPI in network order. */
static uint32_t slot_of(uint32_t spi)
{
        uint32_t x = htonl(spi);

        return (x ^ x >> 10 ^ x >> 20) & 1023;
}

/* Numbers in a row would take at most 128 of 1024 slots. */
static void spis_lie_apart(void **state)
{
        struct sa_world *w = *state;
        bool used[1024] = {0};
        unsigned slots = 0;

        for (uint32_t i = 0; i < 500; i++) {
                char ip[32], impi[32];
                struct sa_open o;
                struct sa_set *s;

                snprintf(ip, sizeof(ip), "198.51.%u.%u", i / 200, i % 200);
                snprintf(impi, sizeof(impi), "u%u@ims.example", i);
                o = open_of(impi, ip, 31000, NULL);
                s = open_set(w, &o);
                used[slot_of(s->params.pcscf_ends.spi_c)] = true;
                used[slot_of(s->params.pcscf_ends.spi_s)] = true;
        }
        for (size_t i = 0; i < 1024; i++)
                slots += used[i];
        assert_in_range(slots, 500, 1000);
}

/* Live SPIs are not given again; when none is left the challenge cannot be followed up. */
static void spis_run_out(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o;
        struct sa_set *s = NULL;
        int err = 0;
        size_t n = 0;

        w->conf.spi_first = 1000;
        w->conf.spi_last = 1010;
        for (; !err && n < 20; n++) {
                char ip[32];

                snprintf(ip, sizeof(ip), "192.0.2.%zu", 20 + n);
                o = open_of(ALICE, ip, 31000, NULL);
                err = sa_open(w->table, &o, &s);
        }
        assert_int_equal(err, -IMS_ELIMIT);
        assert_in_range(n, 4, 7); /* two for each */
        assert_int_equal(fake_sa_sets(), sa_table_sets(w->table));
        proves("SA-021");
}

static void taken_by_somebody_else(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *s;

        fake_sa_fail(FAKE_SA_INSTALL, 0, 3, -IMS_EEXISTS, NULL);
        s = open_set(w, &o); /* with other numbers */
        assert_int_equal(fake_sa_calls(FAKE_SA_INSTALL), 4);
        assert_ptr_equal(sa_by_spi(w->table, s->params.pcscf_ends.spi_s), s);
}

static void ports_rotate(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = registered(w, ALICE, IP, 31000), *next;

        for (uint16_t i = 1; i < 10; i++) {
                uint16_t pc = s->params.pcscf_ends.port_c, ps = s->params.pcscf_ends.port_s;

                next = renewed(w, s, (uint16_t)(31000 + i), 3600);
                assert_int_not_equal(next->params.pcscf_ends.port_c, pc);
                assert_int_equal(next->params.pcscf_ends.port_s, ps);
                sa_heard(next);
                s = next;
        }
        assert_int_equal(sa_table_sets(w->table), 1);
        proves("SA-032 SA-061");
}

/* --- finding -------------------------------------------------------------------------------------- */

static void triples(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000), *b = registered(w, BOB, "192.0.2.11", 31000);
        struct addr ps = addr_of("192.0.2.5"), ue = addr_of(IP), pc;

        addr_set_port(&ps, 6100);
        addr_set_port(&ue, 31000);
        assert_ptr_equal(sa_find(w->table, &ps, &ue), a);
        addr_set_port(&ue, 31001);
        assert_null(sa_find(w->table, &ps, &ue));
        addr_set_port(&ue, 40000); /* port_us goes with port_pc */
        assert_null(sa_find(w->table, &ps, &ue));
        pc = ps;
        addr_set_port(&pc, a->params.pcscf_ends.port_c);
        assert_ptr_equal(sa_find(w->table, &pc, &ue), a);
        ue = addr_of("192.0.2.11");
        addr_set_port(&ue, 31000);
        assert_ptr_equal(sa_find(w->table, &ps, &ue), b);
        ps = addr_of("192.0.2.6");
        addr_set_port(&ps, 6100);
        assert_null(sa_find(w->table, &ps, &ue)); /* another address of ours */
        sa_remove_set(b);
        assert_int_equal(sa_table_assocs(w->table), 1);
        assert_null(sa_find(w->table, &ps, &ue));
        proves("SA-046");
}

static void ways(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000);
        struct sip_flow f = sa_way_to_ue(a, TRANSPORT_TCP);

        assert_int_equal(f.transport, TRANSPORT_TCP);
        assert_int_equal(addr_port(&f.local), a->params.pcscf_ends.port_c);
        assert_int_equal(addr_port(&f.remote), 40000);
        assert_true(addr_ip_eq(&f.remote, &a->params.ue));
        assert_int_equal(f.conn_id, 0);
}

/* --- rule 3 --------------------------------------------------------------------------------------- */

static enum sa_refusal may(struct sa_world *w, const char *impi, uint16_t port_c, enum sec_mode mode,
                           const struct sa_set *old)
{
        struct sa_open o = open_of(impi, IP, port_c, NULL);

        return sa_may_open(w->table, &o.who, &o.ends, mode, old);
}

static void client_port_taken(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000);

        assert_int_equal(may(w, BOB, 31000, SEC_MODE_TRANS, NULL), SA_PORT_TAKEN);
        assert_int_equal(may(w, ALICE, 31000, SEC_MODE_TRANS, NULL), SA_PORT_TAKEN);
        assert_int_equal(may(w, ALICE, 31000, SEC_MODE_TRANS, a), SA_PORT_TAKEN); /* port_uc must change */
        assert_int_equal(may(w, ALICE, 31001, SEC_MODE_TRANS, a), SA_MAY);
        assert_int_equal(may(w, BOB, 31001, SEC_MODE_TRANS, NULL), SA_MAY);
        proves("SA-044");
}

static void unfinished_counts_for_others(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *first = open_set(w, &o), *s;
        uint32_t serial = first->serial;

        assert_int_equal(may(w, BOB, 31000, SEC_MODE_TRANS, NULL), SA_PORT_TAKEN);
        assert_int_equal(may(w, ALICE, 31000, SEC_MODE_TRANS, NULL), SA_MAY); /* it starts again */
        s = open_set(w, &o);
        assert_int_not_equal(s->serial, serial);
        assert_int_equal(sa_table_sets(w->table), 1);
        assert_int_equal(w->removed, 1);
}

static void server_port_taken_behind_a_nat(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *a;

        o.mode = SEC_MODE_UDP_ENC_TUN;
        a = open_set(w, &o);
        sa_confirm(a, 3600);
        assert_int_equal(may(w, BOB, 31001, SEC_MODE_UDP_ENC_TUN, NULL), SA_PORT_TAKEN);
        assert_int_equal(may(w, BOB, 31001, SEC_MODE_TRANS, NULL), SA_MAY);
        assert_int_equal(may(w, ALICE, 31001, SEC_MODE_UDP_ENC_TUN, a), SA_MAY); /* its own stays */
        o = open_of(BOB, IP, 31001, NULL);
        o.ends.port_s = 40001;
        assert_int_equal(sa_may_open(w->table, &o.who, &o.ends, SEC_MODE_UDP_ENC_TUN, NULL), SA_MAY);
        proves("NAT-014 NAT-015");
}

static void six_per_impi(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000);
        struct sa_open o = open_of(ALICE, "192.0.2.11", 31000, NULL),
                       e = open_of(ALICE, "192.0.2.12", 31000, NULL);
        struct sa_set *b;

        (void)renewed(w, a, 31001, 3600); /* two of one phone */
        assert_int_equal(sa_may_open(w->table, &o.who, &o.ends, SEC_MODE_TRANS, NULL), SA_MAY);
        b = open_set(w, &o);
        sa_confirm(b, 3600); /* three */
        assert_int_equal(sa_may_open(w->table, &e.who, &e.ends, SEC_MODE_TRANS, NULL), SA_TOO_MANY);
        assert_int_equal(may(w, ALICE, 31002, SEC_MODE_TRANS, a), SA_TOO_MANY);
        assert_int_equal(may(w, BOB, 31009, SEC_MODE_TRANS, NULL), SA_MAY);
        e.who.sos = true; /* these count on their own (6.1.0) */
        assert_int_equal(sa_may_open(w->table, &e.who, &e.ends, SEC_MODE_TRANS, NULL), SA_MAY);
        e.who.sos = false;
        e.who.reg_id = 2;
        assert_int_equal(sa_may_open(w->table, &e.who, &e.ends, SEC_MODE_TRANS, NULL), SA_MAY);
        proves("SA-045");
}

/* Whoever begins in clear under an IMPI, its UE that is registered goes on. */
static void strangers_lock_nobody_out(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000), *s;
        struct sa_open o;

        for (unsigned i = 0; i < 2; i++) {
                char ip[32];

                snprintf(ip, sizeof(ip), "192.0.2.%u", 200 + i);
                o = open_of(ALICE, ip, 31000, NULL);
                (void)open_set(w, &o);
        }
        assert_int_equal(may(w, ALICE, 31001, SEC_MODE_TRANS, NULL), SA_TOO_MANY);
        assert_int_equal(may(w, ALICE, 31001, SEC_MODE_TRANS, a), SA_MAY);
        o = open_of(ALICE, IP, 31001, a->assoc);
        s = open_set(w, &o);
        assert_int_equal(sa_table_sets(w->table), 3); /* in place of one of them */
        o = open_of(ALICE, "192.0.2.202", 31000, NULL);
        assert_int_equal(sa_may_open(w->table, &o.who, &o.ends, SEC_MODE_TRANS, NULL), SA_TOO_MANY);
        sa_confirm(s, 3600);
        assert_int_equal(sa_table_sets(w->table), 3);
        proves("SA-045");
}

static void failed_ones_give_way(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000), *s;

        for (uint16_t i = 1; i < 6; i++) {
                struct sa_open o = open_of(ALICE, IP, (uint16_t)(31000 + i), a->assoc);

                assert_int_equal(may(w, ALICE, (uint16_t)(31000 + i), SEC_MODE_TRANS, a), SA_MAY);
                s = open_set(w, &o);
                use(w, s, 1); /* the answer is repeated for long */
                sa_fail(s);
                assert_int_equal(s->state, SA_SET_LEAVING);
                assert_true(sa_table_sets(w->table) <= 3);
        }
        assert_int_equal(a->state, SA_SET_IN_USE);
}

/* The record of a UE goes and comes with its only set. */
static void begins_anew_with_other_ports(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *s = NULL;

        for (uint16_t i = 0; i < 5; i++) {
                struct sa_open o = open_of(ALICE, IP, (uint16_t)(31000 + i), NULL);

                s = open_set(w, &o);
                assert_int_equal(sa_table_sets(w->table), 1);
        }
        assert_int_equal(sa_table_assocs(w->table), 1);
        assert_int_equal(w->removed, 4);
        assert_int_equal(s->params.ue_ends.port_c, 31004);
        proves("SA-058 SA-089");
}

static void server_port_stays(void **state)
{
        struct sa_world *w = *state;
        struct sa_set *a = registered(w, ALICE, IP, 31000);
        struct sa_open o = open_of(ALICE, IP, 31001, a->assoc);

        o.ends.port_s++;
        assert_int_equal(sa_may_open(w->table, &o.who, &o.ends, SEC_MODE_TRANS, a), SA_PORT_US_CHANGED);
        assert_int_equal(sa_may_open(w->table, &o.who, &o.ends, SEC_MODE_TRANS, NULL),
                         SA_MAY); /* begins anew */
}

/* --- one UE and another ---------------------------------------------------------------------------- */

static void who_is_who(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL), e = open_of(ALICE, IP, 31001, NULL),
                       r = open_of(ALICE, IP, 31002, NULL);
        struct sa_set *s, *sos, *flow2;
        struct sa_who other = o.who;

        o.who.instance = SPAN("urn:1");
        s = open_set(w, &o);
        sa_confirm(s, 3600);
        e.who.sos = true;
        sos = open_set(w, &e);
        sa_confirm(sos, 3600);
        r.who.reg_id = 7;
        flow2 = open_set(w, &r);
        sa_confirm(flow2, 3600);
        assert_int_equal(sa_table_assocs(w->table), 3); /* none has replaced another */
        assert_int_equal(s->state, SA_SET_IN_USE);
        assert_int_equal(sos->state, SA_SET_IN_USE);
        assert_ptr_equal(sa_assoc_find(w->table, &o.who), s->assoc);
        assert_ptr_equal(sa_assoc_find(w->table, &e.who), sos->assoc);
        assert_ptr_equal(sa_assoc_find(w->table, &other), s->assoc); /* it names no instance */
        other.instance = SPAN("urn:2");
        assert_null(sa_assoc_find(w->table, &other)); /* a second phone with this IMPI */
        other.ue = addr_of("192.0.2.99");
        other.instance = SPAN("urn:1");
        assert_null(sa_assoc_find(w->table, &other)); /* it has moved */
        proves("SA-007 SA-008");
}

/* --- failures ------------------------------------------------------------------------------------- */

static void kernel_refuses(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);
        struct sa_set *s = NULL;

        fake_sa_fail(FAKE_SA_INSTALL, 0, 1, -IMS_ENOMEM, NULL);
        assert_int_equal(sa_open(w->table, &o, &s), -IMS_ENOMEM);
        assert_int_equal(sa_table_sets(w->table), 0);
        assert_int_equal(sa_table_assocs(w->table), 0);
        assert_int_equal(fake_sa_sets(), 0);
        s = open_set(w, &o); /* and goes on afterwards */
        assert_int_equal(s->state, SA_SET_REGISTRATION);
}

static void keys_are_annex_i(void **state)
{
        struct sa_world *w = *state;
        struct sa_open o = open_of(ALICE, IP, 31000, NULL);

        (void)open_set(w, &o);
        assert_int_equal(fake_sa_keys(0)->integrity_n, 20);
        assert_memory_equal(fake_sa_keys(0)->integrity, fix_ik.b, 16);
        assert_int_equal(fake_sa_keys(0)->encryption_n, 16);
        assert_memory_equal(fake_sa_keys(0)->encryption, fix_ck.b, 16);
}

static void everything_goes(void **state)
{
        struct sa_world *w = *state;

        for (uint16_t i = 0; i < 50; i++) {
                char impi[32], ip[32];
                struct sa_set *s;

                snprintf(impi, sizeof(impi), "u%u@ims.example", i);
                snprintf(ip, sizeof(ip), "192.0.2.%u", 10 + i);
                s = registered(w, impi, ip, 31000);
                if (i % 2)
                        (void)renewed(w, s, 31001, 3600);
        }
        assert_int_equal(fake_sa_sets(), 75);
        /* world_free finds nothing left */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(numbers, setup, teardown),
                cmocka_unit_test_setup_teardown(spis_of_the_ue, setup, teardown),
                cmocka_unit_test_setup_teardown(spis_lie_apart, setup, teardown),
                cmocka_unit_test_setup_teardown(spis_run_out, setup, teardown),
                cmocka_unit_test_setup_teardown(taken_by_somebody_else, setup, teardown),
                cmocka_unit_test_setup_teardown(ports_rotate, setup, teardown),
                cmocka_unit_test_setup_teardown(triples, setup, teardown),
                cmocka_unit_test_setup_teardown(ways, setup, teardown),
                cmocka_unit_test_setup_teardown(client_port_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(unfinished_counts_for_others, setup, teardown),
                cmocka_unit_test_setup_teardown(server_port_taken_behind_a_nat, setup, teardown),
                cmocka_unit_test_setup_teardown(six_per_impi, setup, teardown),
                cmocka_unit_test_setup_teardown(strangers_lock_nobody_out, setup, teardown),
                cmocka_unit_test_setup_teardown(failed_ones_give_way, setup, teardown),
                cmocka_unit_test_setup_teardown(begins_anew_with_other_ports, setup, teardown),
                cmocka_unit_test_setup_teardown(server_port_stays, setup, teardown),
                cmocka_unit_test_setup_teardown(who_is_who, setup, teardown),
                cmocka_unit_test_setup_teardown(kernel_refuses, setup, teardown),
                cmocka_unit_test_setup_teardown(keys_are_annex_i, setup, teardown),
                cmocka_unit_test_setup_teardown(everything_goes, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
