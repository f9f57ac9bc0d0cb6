/* SPDX-License-Identifier: BSD-3-Clause
 * Via against source, with addresses and names, and UEs behind address translators. TS 33.203 7.1 rule 2,
 * Annex M. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

#define INSIDE "10.9.8.7"

/* A phone behind a translator offers both modes. */
static const char *both_modes(const struct phone *ph)
{
        static char client[1024];
        char ends[128];

        (void)snprintf(ends, sizeof(ends), "spi-c=%u;spi-s=%u;port-c=%u;port-s=%u", ph->spi, ph->spi + 1,
                       ph->uc, ph->us);
        (void)snprintf(client, sizeof(client),
                       "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;%s, "
                       "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-tun;%s",
                       ends, ends);
        return client;
}

/* SM1 to SM6; Via names another port than the translator's too. */
static const struct heard *challenged(struct phone *ph)
{
        sm1_clear(ph, &(struct says){.via = INSIDE, .via_port = 5999, .client = both_modes(ph)});
        core_challenges(ph->x, ph, core_hears(ph->x));
        return sm6(ph);
}

static void answered(struct phone *ph)
{
        sm7(ph, &(struct says){.client = both_modes(ph)});
        core_grants(ph->x, ph, core_hears(ph->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
}

/* --- silence -------------------------------------------------------------------------------------- */

static void not_offered(void **state)
{
        struct scene *s = *state;

        sm1_clear(&s->ph, &(struct says){.via = INSIDE});
        core_hears_nothing(s->x);
        phone_hears_nothing(&s->ph);
        expect_verdict(s->x, "nat_not_supported", "mod=UDP-enc-tun is not offered");
        proves("NAT-019 NAT-022 NAT-033");
}

static int scene_error(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  nat_refusal: error\n"}, TRANSPORT_UDP);
}

static void not_offered_error(void **state)
{
        struct scene *s = *state;
        const struct heard *h;

        sm1_clear(&s->ph, &(struct says){.via = INSIDE, .via_port = 5999});
        h = phone_hears(&s->ph);
        expect_status(h, 400);
        expect_has(h->text, "400 NAT Traversal Not Supported\r\n");
        expect_way(h, TRANSPORT_UDP, s->x->gm, s->ph.open); /* where a translator lets it through */
        expect_verdict(s->x, "nat_not_supported", "Via says " INSIDE);
        core_hears_nothing(s->x);
}

static int scene_no_nat(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  nat: false\n"}, TRANSPORT_UDP);
}

static void not_served(void **state)
{
        struct scene *s = *state;

        assert_int_equal(fake_sa_encaps(), 0);
        sm1_clear(&s->ph, &(struct says){.via = INSIDE, .via_port = 5999, .client = both_modes(&s->ph)});
        core_hears_nothing(s->x);
        phone_hears_nothing(&s->ph);
        expect_verdict(s->x, "nat_not_supported", "security.nat is off");
        registered(&s->ph); /* who stands in no translator's shade is served */
        proves("NAT-033 NAT-001");
}

/* --- in UDP --------------------------------------------------------------------------------------- */

static void all_steps(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;
        const struct sa_params *p;
        char received[96], contact[128];
        unsigned i;

        assert_int_equal(fake_sa_encaps(), 1);
        assert_int_equal(addr_port(fake_sa_encap_local(0)), 4500);
        h = challenged(ph);
        expect_way(h, TRANSPORT_UDP, s->x->gm, ph->open); /* to the source */
        (void)snprintf(received, sizeof(received), "received=%s", ph->ip);
        expect_has(header(h->text, "Via"), received);
        expect_has(ph->verify, "mod=UDP-enc-tun");
        expect_lacks(ph->verify, "mod=trans");
        p = fake_sa_set(0);
        assert_int_equal(p->mode, SEC_MODE_UDP_ENC_TUN);
        assert_true(addr_ip_eq(&p->ue, &ph->ports[0].at)); /* the public address */
        assert_int_equal(p->port_uenc, 0);                 /* known with SM7 */
        sm7(ph, &(struct says){.client = both_modes(ph)});
        i = core_hears(s->x);
        (void)snprintf(contact, sizeof(contact), "<sip:alice@%s:%u>", ph->ip, ph->us);
        assert_string_equal(header(s->x->core.got[i], "Contact"), contact);
        core_grants(s->x, ph, i, NULL, NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us); /* inside of the tunnel */
        no_verdict(s->x);
        proves("COEX-006 NAT-003 NAT-019 NAT-020 NAT-023 NAT-031 NAT-032");
}

static void mapping_is_followed(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct addr from = fix_addr(ph->ip, 41234), other = fix_addr("192.0.2.1", 41235);
        uint32_t spi;

        (void)challenged(ph);
        spi = fake_sa_set(0)->pcscf_ends.spi_s;
        assert_true(fake_sa_mapping(fake_sa_object(), spi, &from));
        assert_int_equal(fake_sa_set(0)->port_uenc, 41234);
        answered(ph);
        addr_set_port(&from, 51234); /* the translator was started again */
        assert_true(fake_sa_mapping(fake_sa_object(), spi, &from));
        assert_int_equal(fake_sa_set(0)->port_uenc, 51234);
        assert_true(fake_sa_mapping(fake_sa_object(), spi, &other)); /* 7.5: a new registration */
        assert_int_equal(fake_sa_set(0)->port_uenc, 51234);
        assert_true(fake_sa_mapping(fake_sa_object(), 77, &other));
        proves("NAT-011 NAT-030");
}

static void mode_stays(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct says own = {.client = NULL};

        (void)challenged(ph);
        answered(ph);
        ph->uc++;
        ph->spi += 2;
        phone_send(ph, ph->uc - 1u, ph->ps,
                   phone_text(ph, &(struct says){.client = both_modes(ph), .verify = ph->verify}, true));
        (void)phone_open(ph, ph->uc, false);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        expect_has(ph->verify, "mod=UDP-enc-tun");
        assert_int_equal(set_of_port(ph->uc)->mode, SEC_MODE_UDP_ENC_TUN);
        answered(ph);
        sm1_protected(ph, &own); /* transport mode alone */
        expect_status(phone_hears(ph), 494);
        expect_verdict(s->x, "security_unacceptable", "UDP-enc-tun");
        proves("NAT-034");
}

static void transport_mode_stays(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        sm1_protected(ph, NULL);
        (void)finish(ph);
        assert_int_equal(set_of_port(ph->uc)->mode, SEC_MODE_TRANS);
        expect_has(ph->verify, "mod=trans");
        proves("NAT-001 NAT-023");
}

/* Two phones behind one translator: told apart by their port_us. */
static void two_behind_one(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct says bob = {.via = INSIDE, .via_port = 5998, .impi = "bob@" HOME, .impu = "sip:bob@" HOME};
        uint16_t us = ph->us;

        (void)challenged(ph);
        answered(ph);
        ph->uc = 31070; /* the other phone */
        ph->spi += 10;
        bob.client = both_modes(ph);
        sm1_clear(ph, &bob);
        expect_status(phone_hears(ph), 400);
        expect_verdict(s->x, "protected_port_taken", "port-s 31099");
        core_hears_nothing(s->x);
        (void)phone_open(ph, ph->uc, false);
        ph->us = 32099;
        (void)phone_open(ph, ph->us, true);
        (void)snprintf(ph->call_id, sizeof(ph->call_id), "bob-1");
        bob.client = both_modes(ph);
        sm1_clear(ph, &bob);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        bob.via = NULL;
        bob.via_port = 0;
        sm7(ph, &bob);
        ph->impu = "sip:bob@" HOME;
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        assert_int_equal(fix_sets(s->x), 2);
        called_over(ph, ph->pc, ph->uc);
        assert_int_equal(us, 31099);
        proves("NAT-014 NAT-015");
}

/* --- Via of what is protected ---------------------------------------------------------------------- */

static void via_of_sm7(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, &(struct says){.via = "192.0.2.77"});
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "via_differs", "Via says 192.0.2.77");
        core_hears_nothing(s->x);
        sm7(ph, NULL);
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        phone_send(ph, ph->uc, ph->ps,
                   phone_text(ph, &(struct says){.via = "192.0.2.77", .client = ""}, true));
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "via_differs", NULL);
        core_hears_nothing(s->x);
        proves("SA-042");
}

static int udp6(void **state)
{
        return scene_begin(state, &(struct fix_conf){.v6 = true}, TRANSPORT_UDP);
}

static void via_of_sm7_v6(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, &(struct says){.via = "[2001:db8::77]"});
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "via_differs", NULL);
        sm7(ph, &(struct says){.via = "[0:0:0::0001]"}); /* the same, written otherwise */
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        proves("SA-042");
}

static int scene_names(void **state)
{
        return scene_begin(state, &(struct fix_conf){.names = true}, TRANSPORT_UDP);
}

static void via_with_names(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, &(struct says){.via = "other.example"}); /* a translator, then */
        core_hears_nothing(s->x);
        expect_verdict(s->x, "nat_not_supported", "Via says other.example");
        sm1_clear(ph, &(struct says){.via = "UE.example"});
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        expect_has(ph->verify, "mod=trans");
        sm7(ph, &(struct says){.via = "other.example"});
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "via_differs", "Via says other.example");
        sm7(ph, &(struct says){.via = "ue.example"});
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        proves("SA-043 NAT-021");
}

/* --- a name that DNS is asked for ------------------------------------------------------------------ */

#define QUERIES_MAX 8

/* Says nothing until it denies; then that there is no such name. */
struct dns {
        struct udp *u;
        struct addr from[QUERIES_MAX];
        char query[QUERIES_MAX][512];
        size_t n[QUERIES_MAX];
        unsigned asked;
        bool denies;
};

static void deny(struct dns *d, unsigned i)
{
        d->query[i][2] = (char)0x81;
        d->query[i][3] = (char)0x83;
        assert_int_equal(udp_send(d->u, &d->from[i], span_make(d->query[i], d->n[i])), 0);
}

static void on_query(struct udp *u, const struct addr *from, struct span data, void *arg)
{
        struct dns *d = arg;
        unsigned i = d->asked % QUERIES_MAX;

        (void)u;
        if (data.n > sizeof(d->query[0]))
                return;
        d->asked++;
        d->from[i] = *from;
        d->n[i] = data.n;
        memcpy(d->query[i], data.p, data.n);
        if (d->denies)
                deny(d, i);
}

static void dns_start(struct dns *d, struct fix *x)
{
        char ip[ADDR_STR];
        struct addr at;

        *d = (struct dns){0};
        (void)snprintf(ip, sizeof(ip), "%s53", x->net);
        at = fix_addr(ip, 53);
        assert_int_equal(udp_open(x->w.loop, &at, on_query, d, &d->u), 0);
}

static void dns_denies(struct dns *d)
{
        d->denies = true;
        for (unsigned i = 0; i < d->asked && i < QUERIES_MAX; i++)
                deny(d, i);
}

static void via_name_of_nobody(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct dns d;

        dns_start(&d, s->x);
        registered(ph);
        phone_send(ph, ph->uc, ph->ps,
                   phone_text(ph, &(struct says){.via = "nobody.example", .client = ""}, true));
        WAIT_FOR(&s->x->w, d.asked);
        dns_denies(&d);
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "via_differs", "leads nowhere");
        core_hears_nothing(s->x);
        udp_close(d.u);
        proves("SA-043");
}

/* The SAs end while DNS is asked: what came over them is not taken for something in clear. */
static void sas_end_meanwhile(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct dns d;

        dns_start(&d, s->x);
        registered(ph);
        phone_send(ph, ph->uc, ph->ps,
                   phone_text(ph, &(struct says){.via = "slow.example", .verify = ph->verify}, true));
        WAIT_FOR(&s->x->w, d.asked);
        sa_remove_set(sa_by_spi(s->x->p->ipsec->table, fake_sa_set(0)->pcscf_ends.spi_s));
        dns_denies(&d);
        wait_verdict(s->x, "wrong_sa", "have ended meanwhile");
        core_hears_nothing(s->x);
        phone_hears_nothing(ph);
        udp_close(d.u);
        proves("SA-028");
}

/* The node ends while DNS is asked. */
static void node_ends_meanwhile(void **state)
{
        struct scene *s = *state;
        struct dns d;

        dns_start(&d, s->x);
        sm1_clear(&s->ph, &(struct says){.via = "slow.example"});
        WAIT_FOR(&s->x->w, d.asked);
        udp_close(d.u);
        /* scene_end finds nothing left */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(not_offered, scene_udp),          SCENE(not_offered_error, scene_error),
                SCENE(not_served, scene_no_nat),        SCENE(all_steps, scene_udp),
                SCENE(mapping_is_followed, scene_udp),  SCENE(mode_stays, scene_udp),
                SCENE(transport_mode_stays, scene_udp), SCENE(two_behind_one, scene_udp),
                SCENE(via_of_sm7, scene_udp),           SCENE(via_of_sm7_v6, udp6),
                SCENE(via_with_names, scene_names),     SCENE(via_name_of_nobody, scene_names),
                SCENE(sas_end_meanwhile, scene_names),  SCENE(node_ends_meanwhile, scene_names),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
