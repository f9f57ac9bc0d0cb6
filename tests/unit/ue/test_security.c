/* SPDX-License-Identifier: BSD-3-Clause
 * Which SA which message uses, and how long SAs live: TS 33.203 7.4.1a, step by step. */
#include "tests/unit/ue/sec_fix.h"

/* The way of a request that is no REGISTER: set, 0 in clear, -1 held back. */
static int usual_way(struct fixture *f)
{
        struct sip_flow flow;
        int rc = security_flow(f->sec, SECURITY_USUAL, false, TRANSPORT_UDP, &flow);

        if (rc <= 0)
                return rc;
        assert_int_equal(addr_port(&flow.local),
                         ue_sa_of(security_table(f->sec), &flow.local, &flow.remote)->p.ue_ends.port_c);
        assert_int_equal(addr_port(&flow.remote), PORT_PS);
        return (int)ue_sa_of(security_table(f->sec), &flow.local, &flow.remote)->id;
}

static void the_table_is_sound(void **state)
{
        struct span why = SPAN_NULL;

        (void)state;
        if (fsm_check(&ue_sa_fsm, &why) < 0)
                fail_msg(SPAN_FMT, SPAN_ARG(why));
}

static void the_first_registration(void **state)
{
        struct fixture *f = *state;
        struct sec_ends ends;
        unsigned made;

        assert_int_equal(start(f, REG_KIND_REGISTER), 0); /* SM1 in clear */
        ends = sent_ends(f);
        assert_int_equal(f->n_installed, 0);
        assert_int_equal(usual_way(f), -IMS_EPERM); /* no service before SM12 */
        assert_true(security_held(f->sec));
        made = (unsigned)challenge(f, 0);
        assert_true(made > 0); /* SM7 on the new SAs */
        assert_int_equal(f->n_installed, 1);
        assert_int_equal(f->installed[0].ue_ends.port_c, ends.port_c);
        assert_int_equal(f->installed[0].ue_ends.spi_s, ends.spi_s);
        assert_int_equal(f->installed[0].pcscf_ends.port_s, PORT_PS);
        assert_int_equal(usual_way(f), -IMS_EPERM);
        assert_int_equal(set_in(f, UE_SA_NEW)->until_ms, f->now_ms + 240000);
        assert_false(takes_request(f, made, "early")); /* only the authentication uses new SAs */
        assert_false(would_take(f, 0, "200 OK"));      /* SM12 has to come on them */
        ok200(f, made);
        assert_int_equal(usual_way(f), (int)made);
        assert_int_equal(set_in(f, UE_SA_CURRENT)->until_ms, f->now_ms + 600000 + 30000);
        assert_true(takes_request(f, made, "later"));
        proves("SA-052 SA-053 SA-067 SA-071 SA-072 SA-074 SA-075 SA-076");
}

static void a_challenge_in_clear_is_awaited_in_clear_alone(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f);

        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a); /* SM1 on the SAs there are */
        assert_false(would_take(f, 0, "401 Unauthorized"));
        assert_true(would_take(f, a, "401 Unauthorized"));
        reg_wish(f->reg, &(struct reg_wish){.clear = true});
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);
        assert_int_equal(start(f, REG_KIND_REFRESH), 0); /* unprotected at any time */
        assert_true(would_take(f, 0, "401 Unauthorized"));
        assert_false(would_take(f, a, "401 Unauthorized"));
        assert_int_equal(usual_way(f), -IMS_EPERM);
        proves("SA-062 SA-063 SA-069 SA-070");
}

static void a_reauthentication_changes_the_sas(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;
        const struct sec_ends first = f->installed[0].ue_ends;
        struct sec_ends second;

        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        second = sent_ends(f);
        assert_int_equal(second.port_s, first.port_s);
        assert_int_not_equal(second.port_c, first.port_c);
        b = (unsigned)challenge(f, a);
        assert_true(b != a);
        assert_int_equal(usual_way(f), (int)a); /* everything else on the old ones */
        assert_true(takes_request(f, a, "during"));
        assert_false(takes_request(f, b, "during"));
        assert_false(would_take(f, a, "200 OK")); /* SM12 on the old SAs */
        assert_true(f->there[0] && f->there[1]);
        ok200(f, b);
        assert_int_equal(usual_way(f), (int)b);
        assert_int_equal(set_in(f, UE_SA_OLD)->id, a);
        assert_true(takes_request(f, a, "the P-CSCF may still use the old ones"));
        assert_true(f->there[0]);
        assert_true(takes_request(f, b, "a further message"));
        assert_false(f->there[0]);
        assert_null(set_in(f, UE_SA_OLD));
        assert_int_equal(security_table(f->sec)->n, 1);
        proves("SA-006 SA-060 SA-061 SA-065 SA-068 SA-073 SA-077 SA-078 SA-037");
}

static void sm12_again_is_no_further_message(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;

        start(f, REG_KIND_REFRESH);
        b = (unsigned)challenge(f, a);
        ok200(f, b);
        assert_true(would_take(f, b, "200 OK")); /* a retransmission */
        assert_true(f->there[0]);
        assert_true(takes_request(f, b, "x"));
        assert_false(f->there[0]);
}

static void pending_transactions_end_on_the_old_sas(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;
        struct sip_flow flow, back, answer_flow;

        assert_int_equal(security_flow(f->sec, SECURITY_USUAL, false, TRANSPORT_UDP, &flow), 1);
        security_use(f->sec, &flow, 1); /* an INVITE of ours */
        back = flow;
        addr_set_port(&back.local, f->installed[0].ue_ends.port_s);
        addr_set_port(&back.remote, f->installed[0].pcscf_ends.port_c);
        security_use(f->sec, &back, 1); /* and one of the other side */
        start(f, REG_KIND_REFRESH);
        b = (unsigned)challenge(f, a);
        ok200(f, b);
        assert_true(takes_request(f, b, "a further message"));
        assert_true(f->there[0]);
        assert_true(security_answer_flow(f->sec, &back, &answer_flow));
        assert_true(addr_eq(&answer_flow.local, &flow.local)); /* answered on the old SAs */
        assert_true(addr_eq(&answer_flow.remote, &flow.remote));
        security_use(f->sec, &flow, -1);
        assert_true(f->there[0]);
        security_use(f->sec, &back, -1);
        assert_false(f->there[0]);
        assert_true(security_answer_flow(f->sec, &back, &answer_flow)); /* late: on what there is */
        assert_int_equal(addr_port(&answer_flow.local), f->installed[1].ue_ends.port_c);
        proves("SA-077 SA-078");
}

static void old_sas_wait_for_a_further_message(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;
        struct sip_flow flow;

        assert_int_equal(security_flow(f->sec, SECURITY_USUAL, false, TRANSPORT_UDP, &flow), 1);
        security_use(f->sec, &flow, 1);
        start(f, REG_KIND_REFRESH);
        b = (unsigned)challenge(f, a);
        ok200(f, b);
        security_use(f->sec, &flow, -1); /* nothing pending, but nothing came on the new ones */
        assert_true(f->there[0]);
        assert_true(takes_request(f, b, "now"));
        assert_false(f->there[0]);
        proves("SA-078");
}

static void old_sas_end_with_their_lifetime(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;
        struct sip_flow flow;

        assert_int_equal(security_flow(f->sec, SECURITY_USUAL, false, TRANSPORT_UDP, &flow), 1);
        security_use(f->sec, &flow, 1); /* never ends */
        f->now_ms += 100000;
        start(f, REG_KIND_REFRESH);
        b = (unsigned)challenge(f, a);
        ok200(f, b);
        assert_int_equal(security_next_ms(f->sec), 1000 + 630000);
        security_tick(f->sec, 1000 + 630000 - 1);
        assert_true(f->there[0]);
        security_tick(f->sec, 1000 + 630000);
        assert_false(f->there[0]);
        assert_true(f->there[1]);
        security_tick(f->sec, 101000 + 630000);
        assert_false(f->there[1]);
        assert_int_equal(security_table(f->sec)->n, 0);
        assert_int_equal(f->n_ports, 0);
        proves("SA-079 SA-084");
}

static void new_sas_inherit_the_longer_lifetime(void **state)
{
        struct fixture *f = *state;
        unsigned a, b;

        f->expires_s = 7200;
        a = registered(f);
        f->expires_s = 60;
        start(f, REG_KIND_REFRESH);
        b = (unsigned)challenge(f, a);
        ok200(f, b);
        assert_int_equal(set_in(f, UE_SA_CURRENT)->until_ms, f->now_ms + 7230000);
        proves("SA-076");
}

static void an_unfinished_registration_leaves_nothing(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER);
        assert_true(challenge(f, 0) > 0);
        security_tick(f->sec, f->now_ms + 239999);
        assert_true(f->there[0]);
        security_tick(f->sec, f->now_ms + 240000);
        assert_false(f->there[0]);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);
        start(f, REG_KIND_REGISTER);
        assert_true(challenge(f, 0) > 0);
        assert_true(f->there[1]);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out),
                         REG_NEXT_DONE); /* the scenario drops it */
        assert_false(f->there[1]);
        assert_int_equal(f->n_ports, 0);
        proves("SA-071 SA-084");
}

static void another_procedure_drops_the_unfinished_one(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f);

        start(f, REG_KIND_REFRESH);
        assert_true(challenge(f, a) > 0);
        assert_true(f->there[1]);
        assert_int_equal(reg_start(f->reg, REG_KIND_REFRESH, 60, &f->out), -IMS_EALREADY); /* one at a time */
        assert_int_equal(security_begin(f->sec, false, false, &f->why), 0);
        assert_false(f->there[1]);
        assert_true(f->there[0]);
        proves("SA-066");
}

static void an_unchallenged_refresh_keeps_the_sas(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f);
        struct sec_ends before = f->installed[0].ue_ends;
        struct addr contact;

        f->now_ms += 1000;
        f->expires_s = 1200;
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        assert_int_equal(f->n_ports, 3); /* with the new client port that is offered */
        ok200(f, a);
        assert_int_equal(f->n_ports, 2);
        assert_int_equal(f->n_installed, 1);
        assert_int_equal(usual_way(f), (int)a);
        assert_true(security_contact(f->sec, &contact));
        assert_int_equal(addr_port(&contact), before.port_s);
        assert_int_equal(set_in(f, UE_SA_CURRENT)->until_ms, f->now_ms + 1230000);
        f->expires_s = 60; /* never shorter */
        start(f, REG_KIND_REFRESH);
        ok200(f, a);
        assert_int_equal(set_in(f, UE_SA_CURRENT)->until_ms, f->now_ms + 1230000);
        proves("SA-083 SA-099");
}

static void failures_of_a_registration_that_began_in_clear(void **state)
{
        struct fixture *f = *state;
        unsigned made;
        struct buf b = BUF_INIT;

        start(f, REG_KIND_REGISTER);
        made = (unsigned)challenge(f, 0);
        assert_true(would_take(f, made, "403 Forbidden")); /* RES wrong: on the new SAs */
        assert_true(would_take(f, 0, "500 Server Internal Error"));
        assert_int_equal(answer(f, made, "403 Forbidden", "", NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_refused);
        assert_false(f->there[0]);
        assert_int_equal(f->n_ports, 0);
        /* the card refuses: the report leaves in clear, and no SAs are made */
        start(f, REG_KIND_REGISTER);
        put_challenge(f, true, &b);
        buf_printf(&b, "Security-Server: ipsec-3gpp;alg=hmac-sha-1-96;" SERVER_ENDS "\r\n", 3200000000u,
                   3200000001u, 41099, PORT_PS);
        buf_char(&b, '\0');
        assert_int_equal(answer(f, 0, "401 Unauthorized", b.p, NULL), 0);
        buf_free(&b);
        assert_int_equal(f->n_installed, 1);
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_VERIFY, 0));
        assert_int_equal(answer(f, 0, "403 Forbidden", "", NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_mac_mismatch);
        assert_int_equal(f->n_ports, 0);
        proves("SA-080 SA-082");
}

static void failures_of_a_registration_that_began_protected(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), made;
        struct buf b = BUF_INIT;
        struct sec_ends offered, reported;

        start(f, REG_KIND_REFRESH);
        made = (unsigned)challenge(f, a);
        assert_false(would_take(f, made, "403 Forbidden"));
        assert_false(would_take(f, 0, "403 Forbidden"));
        assert_int_equal(answer(f, a, "403 Forbidden", "", NULL), -1); /* on the old SAs */
        assert_false(f->there[1]);
        assert_true(f->there[0]);
        assert_int_equal(usual_way(f), (int)a);
        /* MAC wrong: the report on the old SAs, with new values in Security-Client */
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        offered = sent_ends(f);
        put_challenge(f, true, &b);
        buf_char(&b, '\0');
        assert_int_equal(answer(f, a, "401 Unauthorized", b.p, NULL), (int)a);
        reported = sent_ends(f);
        assert_int_equal(reported.port_s, offered.port_s);
        assert_int_not_equal(reported.port_c, offered.port_c);
        assert_int_not_equal(reported.spi_c, offered.spi_c);
        assert_false(would_take(f, 0, "403 Forbidden"));
        assert_int_equal(answer(f, a, "403 Forbidden", "", NULL), -1);
        buf_reset(&b);
        /* SQN out of range: the same */
        f->sqn = 32;
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        put_challenge(f, false, &b);
        buf_char(&b, '\0');
        assert_int_equal(answer(f, a, "401 Unauthorized", b.p, NULL), (int)a);
        assert_int_equal(f->n_installed, 2);
        f->sqn = 4096;
        assert_true(challenge(f, a) > (int)a); /* and goes on */
        buf_free(&b);
        proves("SA-055 SA-081 SA-082");
}

static void an_unanswered_sm7_starts_again(void **state)
{
        struct fixture *f = *state;
        unsigned a;

        start(f, REG_KIND_REGISTER);
        assert_true(challenge(f, 0) > 0);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_SEND);
        assert_int_equal(take(f), 0); /* nothing of before: in clear */
        assert_false(f->there[0]);
        a = (unsigned)challenge(f, 0);
        ok200(f, a);
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        assert_true(challenge(f, a) > 0);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_SEND);
        assert_int_equal(take(f), (int)a); /* the SAs of before */
        assert_true(challenge(f, a) > 0);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_DONE); /* not for ever */
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_no_answer);
        assert_true(f->there[1]);
        proves("SA-056 SA-057");
}

static void an_unanswered_protected_sm1_is_followed_by_one_in_clear(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;

        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_SEND);
        assert_int_equal(take(f), 0);
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_VERIFY, 0));
        b = (unsigned)challenge(f, 0);
        ok200(f, b);
        security_unanswered(f->sec); /* another message that nobody answered */
        assert_int_equal(start(f, REG_KIND_REFRESH), 0);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);
        assert_true(takes_request(f, b, "they are alive")); /* something came on them */
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)b);
        proves("SA-064");
}

/* A P-CSCF that began anew gives out the ports of SAs it has forgotten. */
static void the_ports_of_forgotten_sas_come_again(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;

        f->port_pc = f->installed[0].pcscf_ends.port_c;
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        assert_true(challenge(f, a) < 0); /* it has these SAs, and may not */
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_unacceptable);
        f->port_pc = f->installed[0].pcscf_ends.port_c;
        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_SEND);
        assert_int_equal(take(f), 0);
        b = (unsigned)challenge(f, 0);
        assert_false(f->there[0]);
        assert_true(f->there[1]);
        ok200(f, b);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_refreshed);
        proves("SA-064");
}

static void the_last_deregistration_ends_all(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f);
        struct addr contact;

        reg_set_impu(f->reg, "sip:second@r.example");
        start(f, REG_KIND_REGISTER);
        ok200(f, a);
        start(f, REG_KIND_DEREGISTER);
        ok200(f, a);
        assert_true(f->there[0]); /* the first is still registered */
        assert_true(reg_result(f->reg)->registered);
        reg_set_impu(f->reg, f->cred.impu[0]);
        assert_int_equal(start(f, REG_KIND_DEREGISTER), (int)a);
        assert_false(would_take(f, 0, "200 OK")); /* the last 200 is protected too */
        ok200(f, a);
        assert_false(f->there[0]);
        assert_int_equal(f->n_ports, 0);
        assert_false(security_contact(f->sec, &contact));
        assert_int_equal(start(f, REG_KIND_REGISTER), 0);
        proves("SA-085");
}

static void another_address_ends_all(void **state)
{
        struct fixture *f = *state;
        struct addr local = an_addr("192.0.2.11", 0), pcscf = an_addr(PCSCF_IP, 0);

        registered(f);
        security_set_address(f->sec, &local, &pcscf);
        assert_false(f->there[0]);
        assert_int_equal(f->n_ports, 0);
        assert_int_equal(start(f, REG_KIND_REGISTER), 0);
        for (size_t i = 0; i < f->n_ports; i++)
                assert_true(addr_ip_eq(&f->ports[i], &local));
        proves("SA-096");
}

static void what_comes_in_clear(void **state)
{
        struct fixture *f = *state;
        struct sip_msg *m;

        registered(f);
        assert_false(takes_request(f, 0, "in-clear"));
        security_emergency(f->sec, SPAN("sos-1"));
        assert_true(takes_request(f, 0, "sos-1"));
        assert_false(takes_request(f, 0, "sos-2"));
        m = response(f, "200 OK", "", NULL);
        m->method = SIP_MESSAGE;
        assert_false(admits(f, 0, m)); /* no answer but those to REGISTER */
        m->status = 403;
        assert_true(admits(f, 0, m)); /* an error about an unprotected message */
        m->via.port = f->installed[0].ue_ends.port_s;
        assert_false(admits(f, 0, m)); /* about a protected one */
        sip_msg_unref(m);
        proves("SA-040");
}

static void what_comes_on_no_sa(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f);
        struct sip_msg *m = response(f, "200 OK", "", NULL);
        struct sip_flow flow = {
                .transport = TRANSPORT_UDP, .local = f->installed[0].ue, .remote = f->installed[0].pcscf};
        const char *note = NULL;

        (void)a;
        m->method = SIP_MESSAGE;
        addr_set_port(&flow.local, f->installed[0].ue_ends.port_s);
        addr_set_port(&flow.remote, f->installed[0].pcscf_ends.port_c);
        assert_true(security_admit(f->sec, SIP_PORT_SERVER, &flow, m, &note));
        addr_set_port(&flow.remote, PORT_PS); /* server port to server port */
        assert_false(security_admit(f->sec, SIP_PORT_SERVER, &flow, m, &note));
        addr_set_port(&flow.remote, 41555);
        assert_false(security_admit(f->sec, SIP_PORT_SERVER, &flow, m, &note));
        addr_set_port(&flow.local, f->installed[0].ue_ends.port_c); /* the answers of a connection */
        addr_set_port(&flow.remote, PORT_PS);
        flow.transport = TRANSPORT_TCP;
        assert_true(security_admit(f->sec, SIP_PORT_CLIENT, &flow, m, &note));
        flow.transport = TRANSPORT_UDP; /* datagrams come to port_us */
        assert_false(security_admit(f->sec, SIP_PORT_CLIENT, &flow, m, &note));
        sip_msg_unref(m);
        proves("SA-035 SA-051");
}

static void required_means_nothing_in_clear(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(usual_way(f), -IMS_EPERM);
        assert_false(takes_request(f, 0, "in-clear"));
        registered(f);
        assert_true(usual_way(f) > 0);
}

static void ways_that_scenarios_choose(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f), b;
        struct sip_flow flow;

        assert_int_equal(security_flow(f->sec, SECURITY_ON_OLD, false, TRANSPORT_UDP, &flow), -IMS_ENOTFOUND);
        start(f, REG_KIND_REFRESH);
        assert_int_equal(security_flow(f->sec, SECURITY_CLEAR, true, TRANSPORT_UDP, &flow), 0);
        assert_true(would_take(f, 0, "401 Unauthorized"));
        assert_int_equal(security_flow(f->sec, SECURITY_ON_NEW, true, TRANSPORT_UDP, &flow), 1);
        b = (unsigned)challenge(f, a);
        assert_int_equal(security_flow(f->sec, SECURITY_ON_OLD, false, TRANSPORT_UDP, &flow), 1);
        assert_int_equal(ue_sa_of(security_table(f->sec), &flow.local, &flow.remote)->id, a);
        assert_int_equal(security_flow(f->sec, SECURITY_ON_NEW, false, TRANSPORT_TCP, &flow), 1);
        assert_int_equal(ue_sa_of(security_table(f->sec), &flow.local, &flow.remote)->id, b);
        assert_int_equal(flow.transport, TRANSPORT_TCP);
}

#define TEST(name)          cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_REQUIRED(name) cmocka_unit_test_setup_teardown(name, setup_required, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_table_is_sound),
                TEST(the_first_registration),
                TEST(a_challenge_in_clear_is_awaited_in_clear_alone),
                TEST(a_reauthentication_changes_the_sas),
                TEST(sm12_again_is_no_further_message),
                TEST(pending_transactions_end_on_the_old_sas),
                TEST(old_sas_wait_for_a_further_message),
                TEST(old_sas_end_with_their_lifetime),
                TEST(new_sas_inherit_the_longer_lifetime),
                TEST(an_unfinished_registration_leaves_nothing),
                TEST(another_procedure_drops_the_unfinished_one),
                TEST(an_unchallenged_refresh_keeps_the_sas),
                TEST(failures_of_a_registration_that_began_in_clear),
                TEST(failures_of_a_registration_that_began_protected),
                TEST(an_unanswered_sm7_starts_again),
                TEST(an_unanswered_protected_sm1_is_followed_by_one_in_clear),
                TEST(the_ports_of_forgotten_sas_come_again),
                TEST(the_last_deregistration_ends_all),
                TEST(another_address_ends_all),
                TEST(what_comes_in_clear),
                TEST(what_comes_on_no_sa),
                TEST_REQUIRED(required_means_nothing_in_clear),
                TEST(ways_that_scenarios_choose),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
