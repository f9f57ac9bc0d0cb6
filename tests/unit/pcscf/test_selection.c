/* SPDX-License-Identifier: BSD-3-Clause
 * Which mechanism a P-CSCF with IPsec and TLS takes of what a UE offers, and that it stays with it. TS 33.203
 * P.3, S.3; RFC 3329 2.3.1. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"
#include "tests/unit/pcscf/tls_fix.h"

#define ACCESS "access: {type: other, pani: \"3GPP2-1X-HRPD\"}\n"
#define INSIDE "10.9.8.7"

static int prefers_ipsec(void **state)
{
        return tls_scene_of(state, (struct fix_conf){.more = ACCESS}, 0);
}

static int ipsec_offered(void **state)
{
        return tls_scene_of(state, (struct fix_conf){.more = ACCESS, .ipsec = "offered"}, 0);
}

static int prefers_tls(void **state)
{
        return tls_scene_of(state, (struct fix_conf){.more = ACCESS, .security = "  prefer: tls\n"}, 0);
}

/* Security-Client of the phone: before, ipsec-3gpp in both modes (that of translators first), after. */
static const char *offer(struct phone *ph, const char *before, const char *after)
{
        static char client[1024];
        char ends[128];

        (void)snprintf(ends, sizeof(ends), "spi-c=%u;spi-s=%u;port-c=%u;port-s=%u", ph->spi, ph->spi + 1,
                       ph->uc, ph->us);
        (void)snprintf(client, sizeof(client),
                       "%sipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-tun;%s, "
                       "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=trans;%s%s",
                       before, ends, ends, after);
        return client;
}

/* SM1 in clear with that offer, up to a challenge of IMS AKA for which there are SAs in this mode. */
static void becomes_ipsec(struct phone *ph, const char *client, const char *via, enum sec_mode mode)
{
        size_t before = fake_sa_sets();

        sm1_clear(ph, &(struct says){.client = client, .via = via});
        core_challenges(ph->x, ph, core_hears(ph->x));
        (void)sm6(ph);
        expect_has(ph->verify, mode == SEC_MODE_TRANS ? "mod=trans" : "mod=UDP-enc-tun");
        expect_lacks(ph->verify, "tls");
        assert_int_equal(fake_sa_sets(), before + 1);
        assert_int_equal(fake_sa_set(before)->mode, mode);
}

/* The answer, over those SAs; the core hears of integrity protection. */
static void over_ipsec(struct phone *ph, const char *client)
{
        unsigned i;

        sm7(ph, &(struct says){.client = client});
        i = core_hears(ph->x);
        expect_has(ph->x->core.got[i], "integrity-protected=\"yes\"");
        core_grants(ph->x, ph, i, NULL, NULL);
        expect_status(phone_hears(ph), 200);
        ph->in_uc = ph->uc;
        ph->in_ps = ph->ps;
}

/* SM1 in clear with this Security-Client becomes TLS, of SIP Digest: up to the 200. */
static void becomes_tls(struct tls_scene *s, struct line *l, const char *client, const char *impi)
{
        size_t before = fake_sa_sets();
        unsigned i, call = ++s->calls;
        char more[1400];
        const struct heard *h;

        (void)snprintf(more, sizeof(more), "Security-Client: %s\r\n", client);
        clear_register(s, call, &(struct reg){.impi = impi, .user = "bob", .more = more});
        i = core_hears(s->x);
        expect_lacks(s->x->core.got[i], "integrity-protected");
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        h = phone_hears(&s->clear);
        expect_status(h, 401);
        assert_string_equal(header(h->text, "Security-Server"), "tls;q=0.9");
        expect_has(h->text, CHALLENGE);
        line_open(l, s);
        (void)snprintf(more, sizeof(more), "Security-Client: %s\r\nSecurity-Verify: tls;q=0.9\r\n", client);
        line_register(l, call, &(struct reg){.impi = impi, .user = "bob", .answer = true, .more = more});
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"tls-pending\"");
        core_accepts(s, i, "bob");
        line_status(l, 200);
        assert_int_equal(fake_sa_sets(), before);
}

/* --- the first time -------------------------------------------------------------------------------- */

static void ipsec_before_tls(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;
        char client[1400];

        (void)snprintf(client, sizeof(client), "%s", offer(ph, "tls;q=0.9, ", ""));
        becomes_ipsec(ph, client, NULL, SEC_MODE_TRANS); /* no translator is there */
        over_ipsec(ph, client);
        no_verdict(s->x);
        proves("COEX-004 COEX-005");
}

static void tls_before_ipsec(void **state)
{
        struct tls_scene *s = *state;
        struct line l;

        becomes_tls(s, &l, offer(&s->clear, "", ", tls;q=0.1"), "bob@" HOME);
        line_close(&l);
        proves("COEX-004 COEX-007");
}

/* What 3GPP does not define is passed over, wherever it stands (S.3). */
static void others_are_no_offers(void **state)
{
        static const char others[] = "digest;q=0.9;d-alg=md5, ipsec-ike;q=0.8, ipsec-man;q=0.7";
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;
        const struct heard *h;
        char client[1400], before[128];
        struct line l;

        (void)snprintf(before, sizeof(before), "%s, ", others);
        (void)snprintf(client, sizeof(client), "%s", offer(ph, before, ""));
        becomes_ipsec(ph, client, NULL, SEC_MODE_TRANS);
        expect_lacks(ph->verify, "digest");
        expect_lacks(ph->verify, "ike");
        expect_lacks(ph->verify, "man");
        over_ipsec(ph, client);
        (void)snprintf(client, sizeof(client), "%s, tls;q=0.1", others);
        becomes_tls(s, &l, client, "bob@" HOME);
        line_close(&l);
        (void)snprintf(ph->call_id, sizeof(ph->call_id), "others-alone");
        sm1_clear(ph, &(struct says){.client = others});
        h = phone_hears(ph);
        expect_status(h, 494);
        expect_has(header(h->text, "Security-Server"), "ipsec-3gpp;");
        expect_lacks(header(h->text, "Security-Server"), "digest");
        core_hears_nothing(s->x);
        proves("ACC-001");
}

/* IPsec is preferred, but no suite of it is common: the next mechanism that is (RFC 3329 2.3.1). */
static void tls_without_a_common_suite(void **state)
{
        static const char *const offers[] = {
                "ipsec-3gpp;alg=hmac-md5-96;spi-c=7000;spi-s=7001;port-c=31060;port-s=31099, tls;q=0.1",
                "tls, ipsec-3gpp;alg=hmac-sha-1-96;mod=UDP-enc-tun;spi-c=7000;spi-s=7001;port-c=31060;"
                "port-s=31099", /* no translator is there */
        };
        struct tls_scene *s = *state;

        for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++) {
                struct line l;

                becomes_tls(s, &l, offers[i], i ? "dave@" HOME : "bob@" HOME);
                line_close(&l);
        }
        proves("COEX-004 COEX-005");
}

/* What is refused names all that this P-CSCF has, in its order. */
static void refusal_names_both(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;
        const char *list, *tls, *ipsec;

        sm1_clear(ph, &(struct says){.client = "ipsec-3gpp;alg=hmac-md5-96;spi-c=7000;spi-s=7001;"
                                               "port-c=31060;port-s=31099"});
        list = phone_hears(ph)->text;
        expect_has(list, "SIP/2.0 494 ");
        list = header(list, "Security-Server");
        tls = strstr(list, "tls;q=");
        ipsec = strstr(list, "ipsec-3gpp;q=");
        assert_non_null(tls);
        assert_non_null(ipsec);
        if (s->x->p->conf->prefer == PREFER_TLS)
                assert_true(tls < ipsec && has(tls, "tls;q=1.0"));
        else
                assert_true(ipsec < tls && has(tls, "tls;q=0.01"));
        core_hears_nothing(s->x);
}

/* It turns out to have IMS AKA, for which TLS is nothing (O.1.1): no challenge in clear, also where a phone
 * without any offer gets one. */
static void aka_has_no_tls(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;
        const struct heard *h;

        sm1_clear(ph, &(struct says){.client = "ipsec-3gpp;alg=hmac-md5-96;spi-c=7000;spi-s=7001;"
                                               "port-c=31060;port-s=31099, tls"});
        core_challenges(s->x, ph, core_hears(s->x));
        h = phone_hears(ph);
        expect_status(h, 494);
        expect_has(header(h->text, "Security-Server"), "ipsec-3gpp;");
        expect_lacks(h->text, "WWW-Authenticate");
        expect_verdict(s->x, "security_unacceptable", "IMS AKA needs SAs");
        assert_int_equal(fake_sa_sets(), 0);
}

/* It turns out to have IMS AKA, and its ipsec-3gpp is good: TLS was preferred, but this is what it can have.
 */
static void aka_has_its_ipsec(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear, inside;
        char client[1400];

        (void)snprintf(client, sizeof(client), "%s", offer(ph, "tls, ", ""));
        becomes_ipsec(ph, client, NULL, SEC_MODE_TRANS);
        over_ipsec(ph, client);
        phone_start(&inside, s->x, 1, TRANSPORT_UDP); /* behind a translator */
        inside.impi = "carol@" HOME;
        inside.impu = "sip:carol@" HOME;
        (void)snprintf(client, sizeof(client), "%s", offer(&inside, "", ", tls"));
        becomes_ipsec(&inside, client, INSIDE, SEC_MODE_UDP_ENC_TUN);
        over_ipsec(&inside, client);
        no_verdict(s->x);
        phone_stop(&inside);
}

/* Its port-c is that of another phone there: refused with a verdict, as from the start (7.1 rule 3). */
static void aka_at_a_port_in_use(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;
        char client[1400];

        (void)snprintf(client, sizeof(client), "%s", offer(ph, "tls, ", ""));
        becomes_ipsec(ph, client, NULL, SEC_MODE_TRANS);
        over_ipsec(ph, client);
        ph->impi = "carol@" HOME;
        ph->impu = "sip:carol@" HOME;
        (void)snprintf(ph->call_id, sizeof(ph->call_id), "another-phone");
        sm1_clear(ph, &(struct says){.client = client});
        core_challenges(s->x, ph, core_hears(s->x));
        expect_status(phone_hears(ph), 400);
        expect_verdict(s->x, "protected_port_taken", NULL);
        assert_int_equal(fake_sa_sets(), 1);
        assert_int_equal(pending_count(s->x->p->pending), 0);
}

/* One access, three mechanisms (S.3). */
static void three_of_one_access(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear, inside;
        struct line l;
        char client[1400];

        (void)snprintf(client, sizeof(client), "%s", offer(ph, "", ""));
        becomes_ipsec(ph, client, NULL, SEC_MODE_TRANS);
        over_ipsec(ph, client);
        phone_start(&inside, s->x, 1, TRANSPORT_UDP);
        inside.impi = "carol@" HOME;
        inside.impu = "sip:carol@" HOME;
        (void)snprintf(client, sizeof(client), "%s", offer(&inside, "", ""));
        becomes_ipsec(&inside, client, INSIDE, SEC_MODE_UDP_ENC_TUN);
        over_ipsec(&inside, client);
        becomes_tls(s, &l, "tls", "bob@" HOME);
        assert_int_equal(fix_sets(s->x), 2);
        expect_has(asked(s->x, "status json\n"), "\"variant\":\"sec-agree\"");
        phone_stop(&inside);
        line_close(&l);
        proves("ACC-002");
}

/* --- and from then on ------------------------------------------------------------------------------ */

/* TLS is preferred, but there are SAs: it stays with IPsec, whatever the phone offers over them. */
static void stays_with_ipsec(void **state)
{
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;
        const struct heard *h;
        char client[1400];
        unsigned i;

        registered(ph); /* offered nothing else */
        ph->uc++;
        ph->spi += 2;
        (void)phone_open(ph, ph->uc, false);
        (void)snprintf(client, sizeof(client), "%s", offer(ph, "tls;q=0.9, ", ""));
        phone_send(ph, ph->in_uc, ph->in_ps,
                   phone_text(ph, &(struct says){.client = client, .verify = ph->verify}, true));
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"yes\"");
        core_challenges(s->x, ph, i);
        (void)sm6(ph);
        expect_has(ph->verify, "ipsec-3gpp;");
        expect_lacks(ph->verify, "tls");
        assert_int_equal(fix_sets(s->x), 2);
        over_ipsec(ph, client);
        phone_send(ph, ph->in_uc, ph->in_ps, phone_text(ph, &(struct says){.client = "tls"}, true));
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"yes\"");
        core_grants(s->x, ph, i, NULL, NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        expect_lacks(h->text, "Security-Server");
        proves("COEX-014");
}

/* A challenge of SIP Digest over SAs leads nowhere, and TLS is not to be had there. */
static void digest_over_sas(void **state)
{
        static const char *const clients[] = {"tls", ""};
        struct tls_scene *s = *state;
        struct phone *ph = &s->clear;

        registered(ph);
        for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
                const struct heard *h;

                phone_send(ph, ph->in_uc, ph->in_ps,
                           phone_text(ph, &(struct says){.client = clients[i]}, true));
                raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
                h = phone_hears(ph);
                expect_status(h, 403);
                expect_lacks(h->text, "Security-Server");
                expect_lacks(h->text, "sec-agree");
                expect_verdict(s->x, "digest_without_tls", "challenges this user with SIP Digest");
        }
        assert_int_equal(fix_sets(s->x), 1);
}

/* IPsec is preferred, but the phone has TLS. */
static void stays_with_tls(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        char more[1400];
        unsigned i;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        (void)snprintf(more, sizeof(more), "Security-Client: %s\r\n", offer(&s->clear, "", ""));
        line_register(&l, s->calls, &(struct reg){.answer = true, .more = more});
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"tls-yes\"");
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        expect_lacks(l.last, "Security-Server");
        line_register(&l, s->calls, &(struct reg){.answer = true, .more = more});
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], "integrity-protected=\"tls-yes\"");
        core_accepts(s, i, "alice");
        line_status(&l, 200);
        assert_int_equal(fix_sets(s->x), 0);
        line_close(&l);
        proves("COEX-014");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TLS_SCENE(ipsec_before_tls, prefers_ipsec),
                TLS_SCENE(tls_before_ipsec, prefers_tls),
                TLS_SCENE(others_are_no_offers, prefers_ipsec),
                TLS_SCENE(three_of_one_access, prefers_ipsec),
                TLS_SCENE(tls_without_a_common_suite, prefers_ipsec),
                TLS_SCENE(refusal_names_both, prefers_ipsec),
                TLS_SCENE(refusal_names_both, prefers_tls),
                TLS_SCENE(aka_has_no_tls, prefers_ipsec),
                TLS_SCENE(aka_has_no_tls, ipsec_offered),
                TLS_SCENE(aka_has_its_ipsec, prefers_tls),
                TLS_SCENE(aka_at_a_port_in_use, prefers_tls),
                TLS_SCENE(digest_over_sas, prefers_ipsec),
                TLS_SCENE(stays_with_ipsec, prefers_tls),
                TLS_SCENE(stays_with_tls, prefers_ipsec),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
