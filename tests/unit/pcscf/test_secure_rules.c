/* SPDX-License-Identifier: BSD-3-Clause
 * Who may have SAs, how many, whose they are, and when they end. TS 33.203 7.1 rules 3 and 4, 7.3.1, 7.4.0,
 * 7.4.2a; the switches of phones.*. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

/* --- rule 3 --------------------------------------------------------------------------------------- */

/* Another phone, at the same address. */
static void beside(struct phone *other, struct scene *s, const char *impi, const char *impu)
{
        phone_start(other, s->x, 9, s->ph.transport);
        (void)snprintf(other->ip, sizeof(other->ip), "%s", s->ph.ip);
        for (unsigned i = 0; i < other->n_ports; i++) {
                udp_close(other->ports[i].u);
                if (other->ports[i].l)
                        tcp_listener_close(other->ports[i].l);
        }
        other->n_ports = 0;
        other->impi = impi;
        other->impu = impu;
        other->open = 5080;
        other->uc = 32060;
        other->us = 32099;
        (void)phone_open(other, other->open, false);
        (void)phone_open(other, other->uc, false);
        (void)phone_open(other, other->us, true);
}

static void port_of_another(void **state)
{
        struct scene *s = *state;
        struct phone bob;
        const struct heard *h;
        char offer[256];

        registered(&s->ph);
        beside(&bob, s, "bob@" HOME, "sip:bob@" HOME);
        (void)snprintf(offer, sizeof(offer),
                       "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=800000;spi-s=800001;port-c=%u;port-s=%u", s->ph.uc,
                       bob.us);
        sm1_clear(&bob, &(struct says){.client = offer});
        h = phone_hears(&bob);
        expect_status(h, 400);
        expect_has(h->text, "400 Protected Port In Use\r\n");
        expect_verdict(s->x, "protected_port_taken", "port-c 31060");
        core_hears_nothing(s->x);
        assert_int_equal(fix_sets(s->x), 1);
        registered(&bob); /* with its own */
        assert_int_equal(fix_sets(s->x), 2);
        phone_stop(&bob);
        proves("SA-044");
}

/* Both ask before either is challenged: the second challenge finds the port taken. */
static void port_of_who_was_quicker(void **state)
{
        struct scene *s = *state;
        struct phone bob;
        char offer[256];
        unsigned first, second;

        beside(&bob, s, "bob@" HOME, "sip:bob@" HOME);
        (void)snprintf(offer, sizeof(offer),
                       "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=800000;spi-s=800001;port-c=%u;port-s=%u", s->ph.uc,
                       bob.us);
        sm1_clear(&s->ph, NULL);
        first = core_hears(s->x);
        sm1_clear(&bob, &(struct says){.client = offer});
        second = core_hears(s->x);
        core_challenges(s->x, &s->ph, first);
        (void)sm6(&s->ph);
        core_challenges(s->x, &bob, second);
        expect_status(phone_hears(&bob), 400);
        expect_verdict(s->x, "protected_port_taken", "port-c 31060");
        assert_int_equal(fix_sets(s->x), 1);
        assert_int_equal(pending_count(s->x->p->pending), 1);
        phone_stop(&bob);
        proves("SA-044");
}

static void port_us_stays(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;
        char offer[256];

        registered(ph);
        (void)snprintf(offer, sizeof(offer),
                       "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=800000;spi-s=800001;port-c=31070;port-s=31098");
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &(struct says){.client = offer}, true));
        h = phone_hears(ph);
        expect_status(h, 400);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        expect_verdict(s->x, "security_client_differs", "port-s 31098");
        (void)snprintf(offer, sizeof(offer),
                       "ipsec-3gpp;alg=hmac-sha-1-96;spi-c=800000;spi-s=800001;port-c=%u;port-s=%u", ph->uc,
                       ph->us);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &(struct says){.client = offer}, true));
        expect_status(phone_hears(ph), 400);
        expect_verdict(s->x, "protected_port_taken", NULL); /* port_uc has to change */
        core_hears_nothing(s->x);
        proves("SA-061");
}

/* The registrar lists the contacts of both phones. */
static void registered_beside(struct phone *ph, const struct phone *first)
{
        char both[400];

        sm1_clear(ph, NULL);
        core_challenges(ph->x, ph, core_hears(ph->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        (void)snprintf(both, sizeof(both),
                       "<sip:alice@%s:%u>;expires=900, <sip:alice@%s:%u>;expires=900, <sip:alice@%s11:%u>",
                       first->ip, first->us, ph->ip, ph->us, ph->x->net, ph->us);
        core_grants(ph->x, ph, core_hears(ph->x), both, NULL);
        expect_status(phone_hears(ph), 200);
}

static void six_of_one_impi(void **state)
{
        struct scene *s = *state;
        struct phone more[3];
        const struct heard *h;

        registered(&s->ph);
        for (unsigned i = 0; i < 3; i++)
                phone_start(&more[i], s->x, 1 + i, TRANSPORT_UDP);
        registered_beside(&more[0], &s->ph);
        registered_beside(&more[1], &s->ph);
        assert_int_equal(fix_sets(s->x), 3);
        sm1_clear(&more[2], NULL);
        h = phone_hears(&more[2]);
        expect_status(h, 403);
        expect_has(h->text, "403 Too Many Security Associations\r\n");
        expect_verdict(s->x, "too_many_sas", "six");
        core_hears_nothing(s->x);
        assert_int_equal(fix_sets(s->x), 3);
        for (unsigned i = 0; i < 3; i++)
                phone_stop(&more[i]);
        proves("SA-045");
}

/* A phone that renews quickly is not kept from it by what it has left. */
static void renews_quickly(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        for (unsigned i = 0; i < 5; i++) {
                sm1_protected(ph, NULL);
                (void)finish(ph);
                calls_over(ph, ph->uc, ph->pc);
                assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
                assert_true(fix_sets(s->x) <= 3);
        }
        no_verdict(s->x);
}

/* --- whose they are -------------------------------------------------------------------------------- */

static void register_of_another(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct says other = {.impi = "bob@" HOME, .impu = "sip:bob@" HOME, .client = ""},
                          nameless = {.impi = "", .impu = "sip:bob@" HOME, .client = ""},
                          own = {.impi = "", .client = ""};
        unsigned i;

        registered(ph);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &other, true));
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "identity_not_allowed", "another IMPI");
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &nameless, true));
        expect_status(phone_hears(ph), 403);
        expect_verdict(s->x, "identity_not_allowed", "another IMPI");
        core_hears_nothing(s->x);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &own, true)); /* an IMPU of these SAs */
        i = core_hears(s->x);
        core_grants(s->x, ph, i, NULL, NULL);
        expect_status(phone_hears(ph), 200);
        proves("SA-047 SA-069");
}

/* --- when they end --------------------------------------------------------------------------------- */

static void never_answered(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        assert_int_equal(pending_count(s->x->p->pending), 1);
        world_pass(&s->x->w, 500);
        assert_int_equal(fix_sets(s->x), 1);
        world_pass(&s->x->w, 600);
        assert_int_equal(fix_sets(s->x), 0);
        assert_int_equal(pending_count(s->x->p->pending), 0);
        proves("SA-054 SA-059 SA-071");
}

/* Contact: that of the phone, with expires=0. */
static const char *gone(const struct phone *ph)
{
        static char contact[128];

        (void)snprintf(contact, sizeof(contact), "<sip:alice@%s:%u>;expires=0", ph->ip, ph->us);
        return contact;
}

static void deregistered(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        registered(ph);
        phone_send(ph, ph->uc, ph->ps,
                   phone_text(ph, &(struct says){.contact = gone(ph), .client = ""}, true));
        core_grants(s->x, ph, core_hears(s->x), "", NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        if (ph->transport == TRANSPORT_UDP)
                expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        else
                expect_way(h, TRANSPORT_TCP, ph->ps, ph->uc);
        assert_int_equal(regstore_count(s->x->p->store), 0);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_LEAVING);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 0);
        proves("SA-085");
}

/* All go, those that wait and those of a challenge included. */
static void all_of_them_go(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned old_uc;

        registered(ph);
        old_uc = ph->uc;
        sm1_protected(ph, &(struct says){.contact = gone(ph)});
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, &(struct says){.contact = gone(ph)});
        core_grants(s->x, ph, core_hears(s->x), "", NULL);
        expect_status(phone_hears(ph), 200);
        expect_way(&ph->got[ph->seen - 1], TRANSPORT_UDP, ph->pc, ph->us);
        assert_true(state_of(ph, old_uc) != SA_SET_IN_USE);
        WAIT_FOR(&s->x->w, fix_sets(s->x) == 0);
        assert_int_equal(sa_table_assocs(s->x->p->ipsec->table), 0);
        proves("SA-085");
}

/* The P-CSCF knew nothing of the UE (it was started again). */
static void unknown_deregistered(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, &(struct says){.contact = "*", .expires = "0"});
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, &(struct says){.contact = "*", .expires = "0"});
        core_grants(s->x, ph, core_hears(s->x), "", NULL);
        expect_status(phone_hears(ph), 200);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_LEAVING);
        proves("SA-085");
}

/* One IMPU of two, and the home network challenges: the new SAs are those of the other one. */
static void one_impu_deregistered(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct says second = {.impu = "sip:office@" HOME, .client = ""};
        struct says leaves = {.impu = "sip:office@" HOME};

        registered(ph);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &second, true));
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        leaves.contact = gone(ph);
        sm1_protected(ph, &leaves);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, &leaves);
        core_grants(s->x, ph, core_hears(s->x), "", NULL);
        expect_status(phone_hears(ph), 200);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_WAITING);
        assert_int_equal(regstore_count(s->x->p->store), 1);
        calls_over(ph, ph->uc, ph->pc);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        proves("SA-060");
}

static int scene_short(void **state)
{
        return scene_begin(state, &(struct fix_conf){.security = "  margin: 300ms\n"}, TRANSPORT_UDP);
}

static void registration_expires(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, NULL);
        core_grants(s->x, ph, core_hears(s->x), NULL, "1");
        expect_status(phone_hears(ph), 200);
        world_pass(&s->x->w, 1100);
        assert_int_equal(regstore_count(s->x->p->store), 0);
        assert_int_equal(fix_sets(s->x), 1); /* shortly after the registration */
        world_pass(&s->x->w, 400);
        assert_int_equal(fix_sets(s->x), 0);
        proves("SA-076 SA-084");
}

static int scene_offered(void **state)
{
        return scene_begin(state, &(struct fix_conf){.ipsec = "offered"}, TRANSPORT_UDP);
}

/* A phone that comes back without protection, where that is allowed, has no use for its SAs. */
static void back_in_clear(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        phone_send(ph, ph->open, s->x->gm,
                   phone_text(ph, &(struct says){.client = "", .require = ""}, false));
        core_grants(s->x, ph, core_hears(s->x), NULL, NULL);
        expect_status(phone_hears(ph), 200);
        assert_true(state_of(ph, ph->uc) != SA_SET_IN_USE);
        core_sends(ph, "MESSAGE");
        expect_way(phone_hears(ph), TRANSPORT_UDP, s->x->gm, ph->open);
}

/* --- phones.* -------------------------------------------------------------------------------------- */

static int scene_newest(void **state)
{
        return scene_begin(state, &(struct fix_conf){.phones = "  newest_sa: true\n"}, TRANSPORT_UDP);
}

static void newest_at_once(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        sm1_protected(ph, NULL);
        (void)finish(ph);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        called_over(ph, ph->pc, ph->uc);
}

static int scene_early(void **state)
{
        return scene_begin(state, &(struct fix_conf){.phones = "  early_sa: true\n"}, TRANSPORT_UDP);
}

static void early_use(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        sm1_protected(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        calls_over(ph, ph->uc, ph->pc);
        no_verdict(s->x);
}

static int scene_port_ps(void **state)
{
        return scene_begin(state, &(struct fix_conf){.phones = "  answer_from: port_ps\n"}, TRANSPORT_UDP);
}

static void answers_from_port_ps(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        sm1_clear(ph, NULL);
        h = finish(ph);
        expect_way(h, TRANSPORT_UDP, ph->ps, ph->uc);
        core_sends(ph, "MESSAGE");
        expect_way(phone_hears(ph), TRANSPORT_UDP, ph->pc, ph->us); /* requests as ever */
}

static int scene_no_qop(void **state)
{
        return scene_begin(state, &(struct fix_conf){.phones = "  hide_qop: true\n"}, TRANSPORT_UDP);
}

static void qop_hidden(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;
        const char *challenge;

        sm1_clear(ph, NULL);
        core_challenges(s->x, ph, core_hears(s->x));
        h = sm6(ph);
        challenge = header(h->text, "WWW-Authenticate");
        expect_lacks(challenge, "qop");
        expect_lacks(challenge, "ik=");
        expect_lacks(challenge, "ck=");
        expect_has(challenge, ph->nonce);
        expect_has(challenge, "algorithm=AKAv1-MD5");
}

static void qop_left(void **state)
{
        struct scene *s = *state;

        sm1_clear(&s->ph, NULL);
        core_challenges(s->x, &s->ph, core_hears(s->x));
        expect_has(header(sm6(&s->ph)->text, "WWW-Authenticate"), "qop=\"auth\"");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(port_of_another, scene_udp),
                SCENE(port_of_who_was_quicker, scene_udp),
                SCENE(port_us_stays, scene_udp),
                SCENE(six_of_one_impi, scene_udp),
                SCENE(renews_quickly, scene_udp),
                SCENE(register_of_another, scene_udp),
                SCENE(never_answered, scene_udp),
                SCENE(deregistered, scene_udp),
                SCENE(deregistered, scene_tcp),
                SCENE(all_of_them_go, scene_udp),
                SCENE(unknown_deregistered, scene_udp),
                SCENE(one_impu_deregistered, scene_udp),
                SCENE(registration_expires, scene_short),
                SCENE(back_in_clear, scene_offered),
                SCENE(newest_at_once, scene_newest),
                SCENE(early_use, scene_early),
                SCENE(answers_from_port_ps, scene_port_ps),
                SCENE(qop_hidden, scene_no_qop),
                SCENE(qop_left, scene_udp),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
