/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest over TLS at the P-CSCF: both ways to it, the indicators, whose connection is whose.
 * TS 33.203 Annex O. */
#include "tests/fakes/fake_sa_kernel.h"
#include <malloc.h>

#include "tests/unit/pcscf/tls_steps.h"

#define KNOWN_OCTETS 96 /* of tls_gate.h, at most */

/* What the 200 linked: the address and port of the connection, its session, IMPI and all IMPUs. */
static void expect_linked(struct tls_scene *s, const struct line *l, const char *variant)
{
        char want[300];

        (void)snprintf(want, sizeof(want),
                       "\"impi\":\"alice@" HOME "\",\"impus\":[\"sip:alice@" HOME "\",\"tel:+15550100\"],"
                       "\"ue\":\"%s\",\"port\":%u,\"version\":\"%s\"",
                       s->clear.ip, addr_port(&l->local), l->version);
        expect_has(asked(s->x, "status json\n"), want);
        (void)snprintf(want, sizeof(want), "\"variant\":\"%s\",\"session_id\":\"%s\"", variant, l->session);
        expect_has(asked(s->x, "status json\n"), want);
        (void)snprintf(want, sizeof(want), "session %s", l->session);
        expect_has(asked(s->x, "status\n"), want);
}

static void expect_unreachable(struct tls_scene *s, const char *path, const char *status)
{
        unsigned i;

        core_asks(s, path);
        i = core_hears(s->x);
        expect_has(s->x->core.got[i], status);
}

/* --- TLS before the first REGISTER ---------------------------------------------------------------- */

static void from_the_start(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned i, call = ++s->calls;
        const struct reg answer = {.answer = true};
        char path[400];

        line_open(&l, s);
        assert_string_equal(asked(s->x, "status json\n"), "[]\n");
        line_register(&l, call, &(struct reg){0});
        i = core_hears(s->x);
        expect_indicator(s, i, NULL); /* nothing is answered yet */
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        expect_has(l.last, CHALLENGE);
        expect_lacks(l.last, "Security-Server");
        line_register(&l, call, &answer);
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-pending");
        assert_string_equal(asked(s->x, "status json\n"), "[]\n"); /* not before the 200 */
        core_accepts(s, i, "alice");
        (void)snprintf(path, sizeof(path), "%s", s->path);
        line_status(&l, 200);
        expect_linked(s, &l, "from_start");
        /* what follows */
        expect_asserted(s, &l, "<sip:alice@" HOME ">");
        expect_reached(s, &l, path);
        line_register(&l, call, &answer);
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-yes");
        core_accepts(s, i, "alice");
        line_status(&l, 200);
        /* without an IMPI, and with another one */
        line_register(&l, call, &(struct reg){.impi = ""});
        i = core_hears(s->x);
        expect_indicator(s, i, NULL);
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        line_register(&l, call, &(struct reg){.nameless = true, .answer = true});
        i = core_hears(s->x);
        expect_indicator(s, i, NULL);
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        line_register(&l, call, &(struct reg){.impi = "bob@" HOME, .answer = true});
        line_status(&l, 403);
        expect_verdict(s->x, "identity_not_allowed", "another IMPI");
        core_hears_nothing(s->x);
        expect_reached(s, &l, path);
        line_close(&l);
        proves("COEX-009 TLS-006 TLS-007 TLS-014 TLS-015 TLS-020 TLS-022 TLS-028 TLS-043 TLS-044 TLS-045 "
               "TRUST-008 "
               "PC-002");
}

/* --- TLS by sec-agree ----------------------------------------------------------------------------- */

static void by_sec_agree(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned i, call = agree(s, AGREE);

        line_open(&l, s);
        line_register(&l, call, &(struct reg){.answer = true, .more = VERIFY});
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-pending");
        core_accepts(s, i, "alice");
        line_status(&l, 200);
        expect_linked(s, &l, "sec-agree");
        line_register(&l, call, &(struct reg){.answer = true, .more = VERIFY});
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-yes");
        core_accepts(s, i, "alice");
        line_status(&l, 200);
        (void)agree(s, "Security-Client: ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1111;spi-s=2222;port-c=40001;"
                       "port-s=40002, tls\r\n"); /* a REGISTER in clear, never marked */
        expect_reached(s, &l, s->path);
        line_close(&l);
        proves("COEX-007 TLS-006 TLS-017 TLS-020 TLS-022");
}

/* Who is inside of TLS from the start has nothing to agree on, whatever it offers there. */
static void no_agreement_inside(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned i, call = ++s->calls;

        line_open(&l, s);
        line_register(&l, call, &(struct reg){.more = AGREE});
        i = core_hears(s->x);
        expect_indicator(s, i, NULL);
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        expect_lacks(l.last, "Security-");
        line_register(&l, call, &(struct reg){.answer = true}); /* and nothing to confirm */
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-pending");
        core_accepts(s, i, "alice");
        line_status(&l, 200);
        expect_has(asked(s->x, "status json\n"), "\"variant\":\"from_start\"");
        line_close(&l);
        proves("TLS-028");
}

/* SM7 that does not repeat what was agreed. */
static void agreement_broken(void **state)
{
        static const struct {
                const char *more, *cause;
        } broken[] = {
                {AGREE, "security_verify_differs"},
                {AGREE "Security-Verify: tls;q=0.8\r\n", "security_verify_differs"},
                {AGREE "Security-Verify: ipsec-3gpp;q=0.9\r\n", "security_verify_differs"},
                {"Security-Client: tls;q=0.7\r\nSecurity-Verify: tls;q=0.9\r\n", "security_client_differs"},
                {"Security-Verify: tls;q=0.9\r\n", "security_client_differs"},
        };
        struct tls_scene *s = *state;
        struct line l;

        for (size_t k = 0; k < sizeof(broken) / sizeof(broken[0]); k++) {
                unsigned call = agree(s, AGREE);

                line_open(&l, s);
                line_register(&l, call, &(struct reg){.answer = true, .more = broken[k].more});
                line_status(&l, 494);
                assert_string_equal(header(l.last, "Security-Server"), "tls;q=0.9");
                expect_verdict(s->x, broken[k].cause, NULL);
                WAIT_FOR(&s->x->w, l.closed);
                line_close(&l);
        }
        core_hears_nothing(s->x);
        assert_string_equal(asked(s->x, "status json\n"), "[]\n");
        proves("TLS-034");
}

/* SIP Digest in clear without an offer, or one that is of no use: the UE is told what there is. */
static void nothing_in_common(void **state)
{
        struct tls_scene *s = *state;
        const struct heard *h;
        unsigned i;

        clear_register(s, ++s->calls, &(struct reg){.answer = true});
        h = phone_hears(&s->clear);
        expect_status(h, 421);
        assert_string_equal(header(h->text, "Require"), "sec-agree");
        clear_register(s, ++s->calls, &(struct reg){.answer = true, .more = "Security-Client: digest\r\n"});
        h = phone_hears(&s->clear);
        expect_status(h, 494);
        assert_string_equal(header(h->text, "Security-Server"), "tls;q=0.9");
        clear_register(s, ++s->calls, &(struct reg){.more = "Security-Client: digest;q=0.1\r\n"});
        i = core_hears(s->x);
        raw_answer(&s->x->core, i, "401 Unauthorized", CHALLENGE);
        h = phone_hears(&s->clear);
        expect_status(h, 494);
        expect_lacks(h->text, "WWW-Authenticate");
        /* a parameter of IMS AKA makes no other answer of it */
        clear_register(
                s, ++s->calls,
                &(struct reg){.answer = true,
                              .tail = ",auts=\"AAAAAAAAAAAAAAAAAAA=\",qop=auth,nc=00000001,cnonce=\"c\""});
        expect_status(phone_hears(&s->clear), 421);
        expect_verdict(s->x, "digest_without_tls", NULL);
        /* malformed */
        clear_register(s, ++s->calls, &(struct reg){.more = "Security-Client: tls;q=0.1;q=0.2\r\n"});
        expect_status(phone_hears(&s->clear), 400);
        core_hears_nothing(s->x);
        proves("TLS-034 PC-027");
}

/* --- who is nobody -------------------------------------------------------------------------------- */

static void begins_with_something_else(void **state)
{
        struct tls_scene *s = *state;
        struct line l;

        line_open(&l, s);
        line_send(&l, message_text("TLS", &l.local));
        line_status(&l, 403);
        expect_verdict(s->x, "not_registered", NULL);
        WAIT_FOR(&s->x->w, l.closed);
        line_close(&l);
        core_hears_nothing(s->x);
        /* nor with something else after a challenge */
        line_open(&l, s);
        line_register(&l, ++s->calls, &(struct reg){0});
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        line_send(&l, message_text("TLS", &l.local));
        line_status(&l, 403);
        WAIT_FOR(&s->x->w, l.closed);
        line_close(&l);
        core_hears_nothing(s->x);
        proves("TLS-041 PC-002");
}

/* Another connection of the same address is not the UE. */
static void on_another_connection(void **state)
{
        struct tls_scene *s = *state;
        struct line l, other;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        line_open(&other, s);
        line_send(&other, message_text("TLS", &other.local));
        line_status(&other, 403);
        line_close(&other);
        line_open(&other, s);
        line_register(&other, ++s->calls, &(struct reg){.answer = true});
        expect_indicator(s, core_hears(s->x), "tls-pending");
        line_close(&other);
        expect_asserted(s, &l, "<sip:alice@" HOME ">");
        line_close(&l);
        proves("TLS-005");
}

static void several_connections(void **state)
{
        struct tls_scene *s = *state;
        struct line one, two;
        char path[400];

        line_open(&one, s);
        line_registers(&one, &(struct reg){0});
        (void)snprintf(path, sizeof(path), "%s", s->path);
        line_open(&two, s);
        line_registers(&two, &(struct reg){.user = "second",
                                           .instance = "<urn:uuid:00000000-0000-4000-8000-000000000002>"});
        expect_reached(s, &one, path);
        expect_reached(s, &two, s->path);
        expect_asserted(s, &one, "<sip:alice@" HOME ">");
        expect_asserted(s, &two, "<sip:second@" HOME ">");
        line_close(&one);
        wait_verdict(s->x, "connection_lost", NULL);
        expect_unreachable(s, path, "SIP/2.0 480");
        expect_reached(s, &two, s->path);
        line_close(&two);
}

/* --- the end -------------------------------------------------------------------------------------- */

static void lost(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned i, conns;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        line_close(&l);
        wait_verdict(s->x, "connection_lost", NULL);
        assert_string_equal(asked(s->x, "status json\n"), "[]\n");
        conns = fix_connections(s->x);
        expect_unreachable(s, s->path, "SIP/2.0 480");
        assert_int_equal(fix_connections(s->x), conns); /* nothing is opened towards the UE */
        expect_clear_refused(s, "not_registered");
        /* it begins anew: on a connection that may have resumed the session, as nobody */
        line_open(&l, s);
        line_send(&l, message_text("TLS", &l.local));
        line_status(&l, 403);
        line_close(&l);
        line_open(&l, s);
        line_register(&l, ++s->calls, &(struct reg){.answer = true});
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-pending");
        core_accepts(s, i, "alice");
        line_status(&l, 200);
        expect_asserted(s, &l, "<sip:alice@" HOME ">");
        line_close(&l);
        proves("TLS-015 TRUST-009");
}

/* A request of the core that the UE got and the P-CSCF cannot bring to an end: the first final answer. */
static void expect_given_up(struct tls_scene *s, struct line *l, bool ends, const char *status)
{
        unsigned i;

        core_asks(s, s->path);
        expect_has(line_hears(l), "MESSAGE ");
        if (ends)
                line_close(l);
        do
                i = core_hears(s->x);
        while (has(s->x->core.got[i], "SIP/2.0 100"));
        expect_has(s->x->core.got[i], status);
}

/* Who sent a request to a flow that its UE manages is told to try another one (RFC 5626 5.3). */
static void without_an_end(void **state)
{
        struct tls_scene *s = *state;
        struct line l;

        line_open(&l, s);
        line_registers(&l, &(struct reg){.managed = true});
        expect_has(s->path, ";ob>");
        expect_given_up(s, &l, false, "SIP/2.0 408");
        line_close(&l);
        wait_verdict(s->x, "connection_lost", NULL);
        line_open(&l, s);
        line_registers(&l, &(struct reg){.managed = true});
        expect_given_up(s, &l, true, "SIP/2.0 430");
        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        expect_lacks(s->path, ";ob>");
        expect_given_up(s, &l, true, "SIP/2.0 503");
}

/* The session of a registered UE is resumed: that alone makes nobody of it. */
static void resumed(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned i;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        line_close(&l);
        line_open(&l, s);
        assert_true(l.resumed);
        line_register(&l, ++s->calls, &(struct reg){.answer = true});
        i = core_hears(s->x);
        expect_indicator(s, i, "tls-pending");
        raw_answer(&s->x->core, i, "500 No", "");
        line_status(&l, 500);
        assert_false(l.closed); /* not an authentication failure */
        line_close(&l);
}

static void wrong_answer(void **state)
{
        struct tls_scene *s = *state;
        struct line l;
        unsigned call = ++s->calls;

        line_open(&l, s);
        line_register(&l, call, &(struct reg){0});
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized", CHALLENGE);
        line_status(&l, 401);
        line_register(&l, call, &(struct reg){.answer = true});
        raw_answer(&s->x->core, core_hears(s->x), "403 Forbidden", "");
        line_status(&l, 403);
        WAIT_FOR(&s->x->w, l.closed);
        line_close(&l);
        line_open(&l, s);
        assert_false(l.resumed); /* the session is forgotten */
        /* what is no failure of authentication leaves it: another interval is asked for */
        call = ++s->calls;
        line_register(&l, call, &(struct reg){.answer = true});
        raw_answer(&s->x->core, core_hears(s->x), "423 Interval Too Brief", "Min-Expires: 900\r\n");
        line_status(&l, 423);
        /* stale goes on over the same connection */
        call = ++s->calls;
        line_register(&l, call, &(struct reg){.answer = true});
        raw_answer(&s->x->core, core_hears(s->x), "401 Unauthorized",
                   "WWW-Authenticate: Digest realm=\"" HOME
                   "\",nonce=\"n2\",algorithm=MD5,qop=\"auth\",stale=TRUE\r\n");
        line_status(&l, 401);
        line_register(&l, call, &(struct reg){.answer = true});
        core_accepts(s, core_hears(s->x), "alice");
        line_status(&l, 200);
        expect_asserted(s, &l, "<sip:alice@" HOME ">");
        line_close(&l);
        proves("TLS-031");
}

static void deregistered(void **state)
{
        struct tls_scene *s = *state;
        struct line l;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        line_register(&l, s->calls, &(struct reg){.answer = true, .gone = true});
        expect_indicator(s, s->x->core_seen ? core_hears(s->x) : 0, "tls-yes");
        core_accepts(s, s->x->core_seen - 1, "alice");
        line_status(&l, 200);
        assert_string_equal(asked(s->x, "status json\n"), "[]\n");
        line_send(&l, message_text("TLS", &l.local));
        line_status(&l, 403);
        line_close(&l);
}

/* --- renegotiation -------------------------------------------------------------------------------- */

static void renegotiated(void **state)
{
        struct tls_scene *s = *state;
        char before[65], want[128];
        struct line l;

        assert_string_equal(asked(s->x, "renegotiate alice@" HOME "\n"),
                            "error: this IMPI has no TLS connection\n");
        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        (void)snprintf(before, sizeof(before), "%s", l.session);
        expect_has(asked(s->x, "status json\n"), before);
        expect_has(asked(s->x, "renegotiate alice@" HOME "\n"), "1 asked to renegotiate, 0 cannot");
        WAIT_FOR(&s->x->w, l.sessions == 2);
        assert_string_not_equal(l.session, before);
        expect_asserted(s, &l, "<sip:alice@" HOME ">"); /* on the same connection */
        (void)snprintf(want, sizeof(want), "\"session_id\":\"%s\",\"renegotiations\":1", l.session);
        expect_has(asked(s->x, "status json\n"), want);
        expect_lacks(asked(s->x, "status json\n"), before);
        line_close(&l);
        proves("TLS-038 TLS-040");
}

static void not_with_13(void **state)
{
        struct tls_scene *s = *state;
        struct line l;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        expect_has(asked(s->x, "renegotiate alice@" HOME "\n"), "0 asked to renegotiate, 1 cannot");
        line_close(&l);
}

/* --- memory --------------------------------------------------------------------------------------- */

static void add_up(struct tls_assoc *a, void *arg)
{
        *(size_t *)arg += malloc_usable_size(a);
}

/* What a registered UE takes apart from its connection, in octets: the blocks of its association, UE, address
 * and registration, their place in the tables and the timer heap, and the address that is known. */
static void small_enough(void **state)
{
        struct tls_scene *s = *state;
        struct pcscf *p = s->x->p;
        const struct ue_flow *u;
        struct line l;
        size_t n = 0;

        line_open(&l, s);
        line_registers(&l, &(struct reg){0});
        tls_table_each(p->tls, add_up, &n);
        u = regstore_next_at(p->store, &l.local, NULL);
        assert_non_null(u);
        n += malloc_usable_size((void *)(uintptr_t)u) + malloc_usable_size(u->ip) +
             malloc_usable_size(ue_latest(u)) + (4 + 2 + 1) * 2 * sizeof(void *) + 2 * sizeof(void *) +
             6 * sizeof(size_t) + KNOWN_OCTETS;
        print_message("# %zu octets per UE with TLS, apart from its connection\n", n);
        assert_true(n <= 1024);
        line_close(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TLS_SCENE(from_the_start, tls_scene_13),
                TLS_SCENE(from_the_start, tls_scene_12),
                TLS_SCENE(by_sec_agree, tls_scene_13),
                TLS_SCENE(no_agreement_inside, tls_scene_13),
                TLS_SCENE(agreement_broken, tls_scene_13),
                TLS_SCENE(nothing_in_common, tls_scene_13),
                TLS_SCENE(begins_with_something_else, tls_scene_13),
                TLS_SCENE(on_another_connection, tls_scene_12),
                TLS_SCENE(several_connections, tls_scene_13),
                TLS_SCENE(lost, tls_scene_13),
                TLS_SCENE(without_an_end, tls_scene_13),
                TLS_SCENE(resumed, tls_scene_12),
                TLS_SCENE(resumed, tls_scene_13),
                TLS_SCENE(wrong_answer, tls_scene_12),
                TLS_SCENE(wrong_answer, tls_scene_13),
                TLS_SCENE(deregistered, tls_scene_13),
                TLS_SCENE(renegotiated, tls_scene_12),
                TLS_SCENE(not_with_13, tls_scene_13),
                TLS_SCENE(small_enough, tls_scene_13),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
