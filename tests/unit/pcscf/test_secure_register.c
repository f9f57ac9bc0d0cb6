/* SPDX-License-Identifier: BSD-3-Clause
 * A registration under IPsec from SM1 to SM12, packet by packet. TS 33.203 6.1.1, 7.1, 7.2, Annex H. */
#include "common/base/codec.h"
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

static int udp6(void **state)
{
        return scene_begin(state, &(struct fix_conf){.v6 = true}, TRANSPORT_UDP);
}

static int tcp6(void **state)
{
        return scene_begin(state, &(struct fix_conf){.v6 = true}, TRANSPORT_TCP);
}

/* --- the whole of it ------------------------------------------------------------------------------ */

/* SM2 and SM8: what the core sees. */
static void core_sees(const char *text, const char *protected)
{
        char want[64];

        (void)snprintf(want, sizeof(want), "integrity-protected=\"%s\"", protected);
        expect_has(text, want);
        expect_lacks(text, "Security-");
        expect_lacks(text, "sec-agree");
}

/* The SAs are made from IK and CK of the challenge: hmac-sha-1-96 with 32 zero bits behind IK, aes-cbc with
 * CK (Annex I). */
static void has_the_keys(const struct esp_keys *k)
{
        uint8_t ik[20] = {0}, ck[16];

        assert_int_equal(hex_decode(SPAN(IK_TEXT), ik, 16), 0);
        assert_int_equal(hex_decode(SPAN(CK_TEXT), ck, 16), 0);
        assert_int_equal(k->integrity_n, 20);
        assert_memory_equal(k->integrity, ik, 20);
        assert_int_equal(k->encryption_n, 16);
        assert_memory_equal(k->encryption, ck, 16);
}

static void all_steps(struct scene *s)
{
        struct fix *x = s->x;
        struct phone *ph = &s->ph;
        const struct heard *h;
        const struct sa_params *p;
        unsigned i;

        sm1_clear(ph, NULL);
        i = core_hears(x);
        core_sees(x->core.got[i], "no");
        assert_int_equal(fix_sets(x), 0); /* with the challenge, not before */
        core_challenges(x, ph, i);
        h = sm6(ph);
        expect_way(h, ph->transport, x->gm, ph->open);
        expect_lacks(h->text, "ik=");
        expect_lacks(h->text, "ck=");
        assert_null(strcasestr(h->text, IK_TEXT));
        assert_null(strcasestr(h->text, CK_TEXT));
        assert_int_equal(fix_sets(x), 1);
        has_the_keys(fake_sa_keys(0));
        assert_int_equal(ph->ps, x->ps);
        assert_in_range(ph->pc, x->pc, x->pc + 3);
        p = fake_sa_set(0);
        assert_int_equal(p->ue_ends.port_c, ph->uc);
        assert_int_equal(p->ue_ends.port_s, ph->us);
        assert_int_equal(p->ue_ends.spi_c, ph->spi);
        assert_int_equal(p->ue_ends.spi_s, ph->spi + 1);
        assert_int_equal(p->pcscf_ends.spi_c, number_in(ph->verify, "spi-c="));
        assert_int_equal(p->pcscf_ends.spi_s, number_in(ph->verify, "spi-s="));
        assert_int_equal(p->mode, SEC_MODE_TRANS);
        assert_true(addr_ip_eq(&p->ue, &ph->ports[0].at));
        sm7(ph, NULL);
        i = core_hears(x);
        core_sees(x->core.got[i], "yes");
        core_grants(x, ph, i, NULL, NULL);
        h = phone_hears(ph);
        expect_status(h, 200);
        if (ph->transport == TRANSPORT_UDP)
                expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        else /* there where it was asked */
                expect_way(h, TRANSPORT_TCP, ph->ps, ph->uc);
        expect_lacks(h->text, "Security-");
        assert_int_equal(fix_sets(x), 1);
        no_verdict(x);
}

static void steps_udp4(void **state)
{
        all_steps(*state);
        proves("AKA-028 COEX-005 SA-012 SA-024 SA-029 SECAGREE-003 SECAGREE-008 SECAGREE-015 SECAGREE-029 "
               "SA-072 "
               "SA-088 NAT-001");
}

static void steps_udp6(void **state)
{
        all_steps(*state);
}

static void steps_tcp(void **state)
{
        all_steps(*state);
        proves("SA-026 SA-031");
}

/* --- another scheme ------------------------------------------------------------------------------- */

static int scene_digest(void **state)
{
        return scene_begin(state,
                           &(struct fix_conf){.more = "access: {type: other}\n"
                                                      "digest: {without_tls: accept}\n"},
                           TRANSPORT_UDP);
}

/* The phone could have IPsec and offers it, the home network challenges with SIP Digest: no SAs (N.1). */
static void digest_has_no_sas(void **state)
{
        struct scene *s = *state;
        const struct heard *h;

        sm1_clear(&s->ph, NULL);
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized",
                   "WWW-Authenticate: Digest realm=\"" HOME "\",nonce=\"n\",algorithm=MD5,qop=\"auth\"\r\n");
        h = phone_hears(&s->ph);
        expect_status(h, 401);
        expect_way(h, s->ph.transport, s->x->gm, s->ph.open);
        expect_lacks(h->text, "Security-Server");
        assert_int_equal(fix_sets(s->x), 0);
        proves("DIG-002");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(steps_udp4, scene_udp),
                SCENE(steps_tcp, scene_tcp),
                SCENE(steps_udp6, udp6),
                SCENE(steps_tcp, tcp6),
                SCENE(digest_has_no_sas, scene_digest),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
