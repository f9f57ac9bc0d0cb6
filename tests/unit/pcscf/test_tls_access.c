/* SPDX-License-Identifier: BSD-3-Clause
 * Who gets TLS, or SIP Digest without it, at the P-CSCF at all: rates of those who are nobody yet, address
 * translators, no TLS on an access of 3GPP. TS 33.203 N.2.1.1, O.1.1, PKT-TR-SEC 5.3.2.1.4. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/tls_fix.h"

/* --- rates ---------------------------------------------------------------------------------------- */

static int scene_rates(void **state)
{
        return tls_scene_begin(state, "access: {type: other}\nlimits: {new_per_source: 1}\n", NULL, 0);
}

/* Who calls himself an emergency has a rate, too, and it is not that of the others. */
static void emergencies_have_rates(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned tries = 0;

        line_open(&l, s);
        line_register(&l, ++s->calls, &(struct reg){0});
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        line_register(&l, ++s->calls, &(struct reg){.sos = true});
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        do { /* a second may go by */
                line_register(&l, ++s->calls, &(struct reg){.sos = true});
                WAIT_FOR(&s->x->w, l.in.n || s->x->core.n > s->x->core_seen);
                if (!l.in.n)
                        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        } while (!has(line_hears(&l), "SIP/2.0 503") && ++tries < 50);
        assert_true(tries < 50);
        line_close(&l);
        proves("PC-023");
}

static int scene_clear_rates(void **state)
{
        return tls_scene_begin(state,
                               "access: {type: other}\ndigest: {without_tls: accept}\n"
                               "limits: {new_per_source: 1, registered_per_ue: 1000}\n",
                               NULL, 0);
}

/* The home network refuses what reaches it; what the phone hears in the end. */
static const struct heard *refused_somewhere(struct tls_scene *s, const struct reg *r)
{
        clear_register(s, ++s->calls, r);
        WAIT_FOR(&s->x->w, s->clear.n > s->clear.seen || s->x->core.n > s->x->core_seen);
        if (s->clear.n == s->clear.seen)
                raw_answer(&s->x->core, core_hears(s->x), "403 Forbidden", "");
        return phone_hears(&s->clear);
}

/* Who is registered goes before with the identity that is registered there, not with others. */
static void a_stranger_at_the_address_of_a_user(void **state)
{
        const struct reg alice = {.answer = true}, bob = {.user = "bob", .impi = "bob@" HOME};
        struct tls_scene *s = *state;
        unsigned tries = 0;

        clear_register(s, ++s->calls, &alice);
        core_accepts(s, core_hears(s->x), "alice");
        expect_status(phone_hears(&s->clear), 200);
        while (status_of(refused_somewhere(s, &bob)) != 503) /* a second may go by */
                assert_true(++tries < 50);
        for (int i = 0; i < 5; i++)
                expect_status(refused_somewhere(s, &alice), 403);
        proves("PC-023 PC-025");
}

/* --- address translators -------------------------------------------------------------------------- */

static int scene_clear(void **state)
{
        return tls_scene_begin(state, "access: {type: other}\ndigest: {without_tls: accept}\n", NULL, 0);
}

/* "outbound" in Supported alone manages no flow: without reg-id and instance Via is compared as anybody's. */
static void outbound_by_the_word(void **state)
{
        struct tls_scene *s = *state;
        const struct addr inside = fix_addr("192.0.2.77", 5060);
        const struct heard *h;

        phone_send(&s->clear, s->clear.open, s->x->gm,
                   reg_text("UDP", &inside, ++s->calls,
                            &(struct reg){.answer = true, .more = "Supported: outbound\r\n"}));
        h = phone_hears(&s->clear);
        expect_status(h, 421);
        assert_string_equal(header(h->text, "Require"), "outbound");
        expect_verdict(s->x, "outbound_required", NULL);
        core_hears_nothing(s->x);
        proves("DIG-010");
}

/* --- flows ---------------------------------------------------------------------------------------- */

/* A MESSAGE over TCP, from the port of alice. */
static void send_message(struct tls_scene *s)
{
        const struct addr from = fix_addr(s->clear.ip, s->clear.open);

        phone_send(&s->clear, s->clear.open, s->x->gm, message_text("TCP", &from));
}

/* Behind a translator the next connection from a port may be that of another UE: with outbound it is the one
 * that was registered. */
static void a_later_connection_from_the_same_port(void **state)
{
        struct tls_scene *s = *state;
        const struct addr from = fix_addr(s->clear.ip, s->clear.open);
        const struct ue_flow *u;
        unsigned i;

        s->clear.transport = TRANSPORT_TCP;
        phone_send(&s->clear, s->clear.open, s->x->gm,
                   reg_text("TCP", &from, ++s->calls, &(struct reg){.answer = true, .managed = true}));
        core_accepts(s, core_hears(s->x), "alice");
        expect_status(phone_hears(&s->clear), 200);
        send_message(s);
        i = core_hears(s->x);
        assert_string_equal(header(s->x->core.got[i], "P-Asserted-Identity"), "<sip:alice@" HOME ">");
        raw_answer(&s->x->core, i, "202 Accepted", "");
        expect_status(phone_hears(&s->clear), 202);
        u = regstore_next_at(s->x->p->store, &from, NULL);
        assert_non_null(u);
        sip_flow_close(s->x->p->stack, &u->flow, true);
        WAIT_FOR(&s->x->w, s->clear.conns[0].closed);
        send_message(s);
        expect_status(phone_hears(&s->clear), 403);
        expect_verdict(s->x, "not_registered", NULL);
        core_hears_nothing(s->x);
        assert_non_null(regstore_next_at(s->x->p->store, &from, NULL)); /* alice is registered as before */
        proves("DIG-031 DIG-035");
}

/* --- 3GPP access ---------------------------------------------------------------------------------- */

#define AGREE "Require: sec-agree\r\nProxy-Require: sec-agree\r\nSecurity-Client: tls;q=0.5\r\n"

static int scene_3gpp(void **state)
{
        return tls_scene_begin(state, "access: {type: 3gpp}\n", NULL, 0);
}

static void not_on_3gpp(void **state)
{
        struct tls_scene *s = *state;
        const struct heard *h;
        struct line l;
        unsigned i;

        line_dial(&l, s);
        assert_true(l.closed);
        assert_int_equal(l.sessions, 0);
        line_close(&l);
        wait_verdict(s->x, "tls_on_3gpp", s->clear.ip);
        clear_register(s, ++s->calls, &(struct reg){.more = AGREE});
        i = core_hears(s->x);
        raw_answer(&s->x->core, i, "401 Unauthorized",
                   "WWW-Authenticate: Digest realm=\"a\",nonce=\"b\",algorithm=AKAv1-MD5\r\n");
        h = phone_hears(&s->clear);
        expect_status(h, 401);
        expect_lacks(h->text, "Security-Server");
        clear_register(s, ++s->calls, &(struct reg){.more = AGREE}); /* a challenge that TLS would be for */
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        h = phone_hears(&s->clear);
        expect_status(h, 421);
        expect_lacks(h->text, "Security-Server");
        expect_verdict(s->x, "digest_on_3gpp", NULL);
        proves("TLS-001 FW-001");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TLS_SCENE(emergencies_have_rates, scene_rates),
                TLS_SCENE(a_stranger_at_the_address_of_a_user, scene_clear_rates),
                TLS_SCENE(outbound_by_the_word, scene_clear),
                TLS_SCENE(a_later_connection_from_the_same_port, scene_clear),
                TLS_SCENE(not_on_3gpp, scene_3gpp),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
