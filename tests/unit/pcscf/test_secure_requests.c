/* SPDX-License-Identifier: BSD-3-Clause
 * Requests of and for a UE that is protected: ports, identities, what is refused in clear, emergencies.
 * TS 33.203 7.1 (ports, rules 3 and 4), 6.1.0; TS 24.229 5.2.6, 5.2.10. */
#include "tests/fakes/fake_sa_kernel.h"
#include "tests/unit/pcscf/ipsec_steps.h"

static unsigned core_hears_this(struct fix *x, const char *start)
{
        unsigned i = core_hears(x);

        if (strncmp(x->core.got[i], start, strlen(start)) != 0)
                fail_msg("not %s: %s", start, x->core.got[i]);
        return i;
}

/* --- of the UE ------------------------------------------------------------------------------------- */

static void identity_of_the_sa(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct says claims = {.method = "MESSAGE",
                              .impu = "sip:bob@" HOME,
                              .more = "P-Preferred-Identity: <sip:bob@" HOME ">\r\n"
                                      "P-Asserted-Identity: <sip:bob@" HOME ">\r\n"};
        const char *text;

        registered(ph);
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &claims, true));
        text = s->x->core.got[core_hears_this(s->x, "MESSAGE ")];
        assert_string_equal(header(text, "P-Asserted-Identity"), "<sip:alice@" HOME ">");
        expect_lacks(text, "P-Preferred-Identity");
        claims.more = "P-Preferred-Identity: <tel:+15550100>\r\n"; /* one of its own */
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &claims, true));
        text = s->x->core.got[core_hears_this(s->x, "MESSAGE ")];
        assert_string_equal(header(text, "P-Asserted-Identity"), "<tel:+15550100>");
        /* more than two may not stand there, and are not compared */
        claims.more = "P-Preferred-Identity: <sip:x@" HOME ">, <sip:y@" HOME ">\r\n"
                      "P-Preferred-Identity: <tel:+15550100>\r\n";
        phone_send(ph, ph->uc, ph->ps, phone_text(ph, &claims, true));
        text = s->x->core.got[core_hears_this(s->x, "MESSAGE ")];
        assert_string_equal(header(text, "P-Asserted-Identity"), "<sip:alice@" HOME ">");
        proves("SA-047");
}

static void route_back_is_protected(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        char gm[80];
        const char *text;

        registered(ph);
        phone_requests(ph, "INVITE");
        text = s->x->core.got[core_hears_this(s->x, "INVITE ")];
        (void)snprintf(gm, sizeof(gm), "@%s:%u", ph->x->ip, ph->ps);
        expect_has(text, gm); /* of two Record-Routes the one towards the UE */
        expect_status(phone_hears(ph), 100);
}

/* What is not REGISTER is not served in clear, also not for who is registered. */
static void in_clear_refused(void **state)
{
        static const char *const methods[] = {"INVITE", "MESSAGE", "BYE", "SUBSCRIBE", "OPTIONS"};
        struct scene *s = *state;
        struct phone *ph = &s->ph;

        registered(ph);
        for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
                const struct heard *h;

                phone_send(ph, ph->open, s->x->gm,
                           phone_text(ph, &(struct says){.method = methods[i]}, false));
                h = phone_hears(ph);
                expect_status(h, 403);
                expect_verdict(s->x, "not_registered", NULL);
        }
        core_hears_nothing(s->x);
        proves("SA-039");
}

static void over_udp_and_tcp(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;

        registered(ph); /* over UDP */
        ph->transport = TRANSPORT_TCP;
        phone_requests(ph, "MESSAGE");
        raw_answer(&s->x->core, core_hears_this(s->x, "MESSAGE "), "200 OK", "");
        h = phone_hears(ph);
        expect_way(h, TRANSPORT_TCP, ph->ps, ph->uc);
        ph->transport = TRANSPORT_UDP;
        calls_over(ph, ph->uc, ph->pc);
        assert_int_equal(fix_sets(s->x), 1);
        no_verdict(s->x);
        proves("SA-026");
}

/* --- for the UE ------------------------------------------------------------------------------------ */

static void from_port_pc(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct heard *h;
        char via[96], route[96], ip[ADDR_STR];

        registered(ph);
        core_sends(ph, "INVITE");
        h = phone_hears(ph);
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        (void)snprintf(via, sizeof(via), "\r\nVia: SIP/2.0/UDP %s:%u;branch=", bracket(s->x->ip, ip), ph->ps);
        expect_has(h->text, via);
        expect_lacks(h->text, "rport");
        (void)snprintf(route, sizeof(route), "@%s:%u;lr>", bracket(s->x->ip, ip), ph->ps);
        expect_has(header(h->text, "Record-Route"), route);
        phone_answers(ph, h, ph->uc, "486 Busy Here");
        WAIT_FOR(&s->x->w, ph->n > ph->seen);
        h = phone_hears(ph); /* ACK, the same way */
        expect_has(h->text, "ACK sip:");
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        proves("SA-029 SA-098");
}

static int udp6(void **state)
{
        return scene_begin(state, &(struct fix_conf){.v6 = true}, TRANSPORT_UDP);
}

static void core_heard_ok(struct fix *x)
{
        unsigned i;

        do
                i = core_hears(x);
        while (strncmp(x->core.got[i], "SIP/2.0 1", 9) == 0);
        expect_has(x->core.got[i], "SIP/2.0 200 OK");
}

static void connection_from_port_pc(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct gm_conn *conn;
        const struct heard *h;

        registered(ph); /* over TCP */
        core_sends(ph, "MESSAGE");
        h = phone_hears(ph);
        expect_way(h, TRANSPORT_TCP, ph->pc, ph->us);
        conn = h->conn;
        phone_answers(ph, h, 0, "200 OK");
        core_heard_ok(s->x);
        core_sends(ph, "MESSAGE");
        h = phone_hears(ph);
        assert_ptr_equal(h->conn, conn);
        phone_answers(ph, h, 0, "200 OK");
        core_heard_ok(s->x);
        tcp_close(conn->c, false); /* it is opened again when it is needed */
        WAIT_FOR(&s->x->w, conn->closed);
        core_sends(ph, "MESSAGE");
        h = phone_hears(ph);
        expect_way(h, TRANSPORT_TCP, ph->pc, ph->us);
        assert_ptr_not_equal(h->conn, conn);
        phone_answers(ph, h, 0, "200 OK");
        core_heard_ok(s->x);
        proves("SA-030 SA-031");
}

static void sas_have_ended(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        const struct sa_set *set;

        registered(ph);
        set = sa_by_spi(s->x->p->ipsec->table, fake_sa_set(0)->pcscf_ends.spi_s);
        sa_remove_set((struct sa_set *)set);
        core_sends(ph, "MESSAGE");
        expect_has(s->x->core.got[core_hears(s->x)], "SIP/2.0 480 ");
        expect_verdict(s->x, "identity_not_registered", "have ended");
        phone_hears_nothing(ph);
        proves("SA-028");
}

/* --- what the home network hides -------------------------------------------------------------------- */

#define HIDDEN_VIA   "SIP/2.0/UDP AKx1b2Q0zZ==;tokenized-by=" HOME ";branch=z9hG4bKhidden"
#define HIDDEN_ROUTE "<sip:Fy3+/d9Q=,;tokenized-by=" HOME ";lr>"

/* What the home network encrypted (5.2) comes back to it octet by octet: Service-Route and Path, Via and
 * Record-Route. */
static void hidden_entries_return(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct fix *x = s->x;
        const struct heard *h;
        const char *text;
        char core[ADDR_STR], gm[ADDR_STR], ip[ADDR_STR], routes[300], path[600], more[1400], rq[2048];
        struct addr to;
        unsigned i;

        (void)addr_str(&x->core.addr, core);
        (void)snprintf(routes, sizeof(routes), "<sip:Qz7/+=&x@%s;lr;tokenized-by=" HOME ">, " HIDDEN_ROUTE,
                       core);
        sm1_clear(ph, NULL);
        core_challenges(x, ph, core_hears(x));
        (void)sm6(ph);
        sm7(ph, NULL);
        i = core_hears(x);
        (void)snprintf(ph->path, sizeof(ph->path), "%s", header(x->core.got[i], "Path"));
        (void)snprintf(path, sizeof(path), HIDDEN_ROUTE ", %s", ph->path);
        (void)snprintf(more, sizeof(more),
                       "Contact: <sip:alice@%s:%u>;expires=600\r\nService-Route: %s\r\nPath: %s\r\n",
                       bracket(ph->ip, ip), ph->us, routes, path);
        raw_answer(&x->core, i, "200 OK", more);
        h = phone_hears(ph);
        expect_status(h, 200);
        assert_string_equal(header(h->text, "Service-Route"), routes);
        assert_string_equal(header(h->text, "Path"), path);

        phone_requests(ph, "MESSAGE");
        i = core_hears_this(x, "MESSAGE ");
        assert_string_equal(header(x->core.got[i], "Route"), routes);
        raw_answer(&x->core, i, "200 OK", "");
        expect_status(phone_hears(ph), 200);

        (void)snprintf(gm, sizeof(gm), "%s1", x->net);
        to = fix_addr(gm, x->core_port);
        (void)snprintf(rq, sizeof(rq),
                       "INVITE sip:alice@%s:%u SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKseen\r\n"
                       "Via: " HIDDEN_VIA "\r\nMax-Forwards: 70\r\nRoute: %s\r\n"
                       "Record-Route: " HIDDEN_ROUTE "\r\nFrom: <sip:bob@" HOME ">;tag=b\r\n"
                       "To: <%s>\r\nCall-ID: hidden\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@%s>\r\n"
                       "Content-Length: 0\r\n\r\n",
                       ph->ip, ph->us, core, ph->path, ph->impu, core);
        raw_send(&x->core, &to, rq);
        h = phone_hears(ph);
        expect_has(h->text, "\r\nVia: " HIDDEN_VIA "\r\n");
        expect_has(h->text, HIDDEN_ROUTE "\r\n");
        phone_answers(ph, h, ph->uc, "486 Busy Here");
        do
                i = core_hears(x);
        while (has(x->core.got[i], "SIP/2.0 100"));
        text = x->core.got[i];
        expect_has(text, "SIP/2.0 486");
        expect_has(text, "\r\nVia: " HIDDEN_VIA "\r\n");
        expect_has(text, HIDDEN_ROUTE "\r\n");
        no_verdict(x);
        proves("THIG-005");
}

/* --- emergencies ----------------------------------------------------------------------------------- */

static int scene_psap(void **state)
{
        return scene_begin(state, &(struct fix_conf){.emergency = "yes"}, TRANSPORT_UDP);
}

static const char *emergency(struct phone *ph, bool protected)
{
        static char text[8192];
        const char *usual = phone_text(ph, &(struct says){.method = "INVITE"}, protected);
        const char *rest = strstr(usual, " SIP/2.0\r\n");

        (void)snprintf(text, sizeof(text), "INVITE urn:service:sos%s", rest);
        return text;
}

static void emergency_in_clear(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned i;

        phone_send(ph, ph->open, s->x->gm, emergency(ph, false));
        i = core_hears_this(s->x, "INVITE urn:service:sos ");
        expect_lacks(s->x->core.got[i], "P-Asserted-Identity");
        raw_answer(&s->x->core, i, "486 Busy Here", "");
        expect_status(phone_hears(ph), 100);
        expect_way(phone_hears(ph), TRANSPORT_UDP, s->x->gm, ph->open);
        no_verdict(s->x);
        proves("SA-038");
}

/* Its identity is asserted, and what comes back within the call goes over the SAs. */
static void emergency_protected(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        struct fix *x = s->x;
        const struct heard *h;
        struct sa_set *set;
        unsigned i;

        registered(ph);
        phone_send(ph, ph->uc, ph->ps, emergency(ph, true));
        i = core_hears_this(x, "INVITE urn:service:sos ");
        assert_string_equal(header(x->core.got[i], "P-Asserted-Identity"), "<sip:alice@" HOME ">");
        raw_answer(&x->core, i, "180 Ringing", "");
        expect_status(phone_hears(ph), 100);
        expect_way(phone_hears(ph), TRANSPORT_UDP, ph->pc, ph->us);
        (void)snprintf(ph->path, sizeof(ph->path), "%s", header(x->core.got[i], "Record-Route"));
        (void)snprintf(ph->core_call, sizeof(ph->core_call), "%s", ph->call_id);
        core_sends(ph, "UPDATE");
        h = phone_hears(ph);
        expect_has(h->text, "UPDATE sip:");
        expect_way(h, TRANSPORT_UDP, ph->pc, ph->us);
        set = sa_by_spi(x->p->ipsec->table, fake_sa_set(0)->pcscf_ends.spi_s);
        sa_remove_set(set);
        core_sends(ph, "INFO");
        phone_hears_nothing(ph); /* nor in clear */
        expect_verdict(x, "identity_not_registered", "have ended");
}

static void emergency_registration_beside(void **state)
{
        struct scene *s = *state;
        struct phone *ph = &s->ph;
        unsigned uc, pc;
        char contact[128], both[300];
        struct says sos = {.contact = contact};

        registered(ph);
        uc = ph->uc;
        pc = ph->pc;
        ph->uc = 33060;
        ph->spi += 100;
        (void)phone_open(ph, ph->uc, false);
        ph->us = 33099;
        (void)phone_open(ph, ph->us, true);
        (void)snprintf(ph->call_id, sizeof(ph->call_id), "sos-1");
        (void)snprintf(contact, sizeof(contact), "<sip:alice@%s:%u;sos>", ph->ip, ph->us);
        sm1_clear(ph, &sos);
        core_challenges(s->x, ph, core_hears(s->x));
        (void)sm6(ph);
        sm7(ph, &sos);
        (void)snprintf(both, sizeof(both), "<sip:alice@%s:31099>;expires=900, %s", ph->ip, contact);
        core_grants(s->x, ph, core_hears(s->x), both, "900");
        expect_status(phone_hears(ph), 200);
        assert_int_equal(fix_sets(s->x), 2); /* eight SAs */
        assert_int_equal(state_of(ph, uc), SA_SET_IN_USE);
        assert_int_equal(state_of(ph, ph->uc), SA_SET_IN_USE);
        calls_over(ph, ph->uc, ph->pc);
        ph->us = 31099;
        calls_over(ph, uc, pc);
        no_verdict(s->x);
        proves("SA-007");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCENE(identity_of_the_sa, scene_udp),
                SCENE(route_back_is_protected, scene_udp),
                SCENE(in_clear_refused, scene_udp),
                SCENE(in_clear_refused, scene_tcp),
                SCENE(over_udp_and_tcp, scene_udp),
                SCENE(from_port_pc, scene_udp),
                SCENE(from_port_pc, udp6),
                SCENE(connection_from_port_pc, scene_tcp),
                SCENE(sas_have_ended, scene_udp),
                SCENE(hidden_entries_return, scene_udp),
                SCENE(emergency_in_clear, scene_psap),
                SCENE(emergency_protected, scene_psap),
                SCENE(emergency_registration_beside, scene_psap),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
