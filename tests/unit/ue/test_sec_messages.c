/* SPDX-License-Identifier: BSD-3-Clause
 * What a UE offers, chooses and repeats in Security-Client, Security-Server and Security-Verify, and where
 * Contact points (TS 33.203 7.1, 7.2, 7.3.2, M.7; RFC 3329). */
#include "tests/unit/ue/sec_fix.h"

#define TRANS "mod=trans"
#define TUN   "mod=UDP-enc-tun"
#define GCM   "ipsec-3gpp;alg=null;ealg=aes-gcm;"
#define CBC   "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;"
#define SHA   "ipsec-3gpp;alg=hmac-sha-1-96;"

static void the_offer(void **state)
{
        struct fixture *f = *state;
        struct sec_list l;
        const struct sec_ends *ends;
        unsigned modes = 0, encrypting = 0;
        struct addr contact;

        start(f, REG_KIND_REGISTER);
        sent_client(f, &l);
        assert_int_equal(l.n, 6); /* three suites, two modes */
        ends = sec_list_ends(&l, NULL);
        assert_non_null(ends); /* one pair of SPIs and one of ports in all of them */
        for (size_t i = 0; i < l.n; i++) {
                assert_true(sec_entry_usable(&l.e[i], NULL));
                modes |= 1u << l.e[i].mode;
                encrypting += sec_suite_encrypts(l.e[i].suite);
                assert_true(l.e[i].has_mode);
        }
        assert_int_equal(modes, 1u << SEC_MODE_TRANS | 1u << SEC_MODE_UDP_ENC_TUN);
        assert_int_equal(encrypting, 4);
        for (size_t s = 0; s < 3; s++) {
                size_t n = 0;

                for (size_t i = 0; i < l.n; i++)
                        n += sec_suite_eq(l.e[i].suite, suites[s]);
                assert_int_equal(n, 2);
        }
        assert_true(ends->spi_c >= SECURITY_SPI_MIN && ends->spi_s >= SECURITY_SPI_MIN);
        assert_true(sip_msg_has_token(f->sent, SIP_HDR_REQUIRE, SPAN("sec-agree")));
        assert_true(sip_msg_has_token(f->sent, SIP_HDR_PROXY_REQUIRE, SPAN("sec-agree")));
        assert_true(sip_msg_has_token(f->sent, SIP_HDR_SUPPORTED, SPAN("sec-agree")));
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_VERIFY, 0));
        assert_true(security_contact(f->sec, &contact));
        assert_int_equal(addr_port(&contact), ends->port_s);
        proves("SA-004 SA-022 SA-027 SECAGREE-001 SECAGREE-002 NAT-018");
}

static void the_answer_repeats(void **state)
{
        static const char *const servers[] = {
                "digest;q=0.95;d-alg=md5", CBC "q=0.9;" TRANS ";prot=esp;X-odd=\"a,b\"", SHA "q=0.1;" TRANS};
        struct fixture *f = *state;
        struct buf client = BUF_INIT;
        char *verify, want[400], uri[80];
        struct addr contact;

        start(f, REG_KIND_REGISTER);
        buf_span(&client, sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0)->value);
        (void)snprintf(want, sizeof(want), "%s;" SERVER_ENDS ", %s;" SERVER_ENDS ", %s;" SERVER_ENDS,
                       servers[0], 3100000010u, 3100000011u, 41070, PORT_PS, servers[1], 3100000010u,
                       3100000011u, 41070, PORT_PS, servers[2], 3100000010u, 3100000011u, 41070, PORT_PS);
        assert_true(challenge_with(f, 0, servers, 3, NULL) > 0);
        assert_true(span_eq(buf_as_span(&client),
                            sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0)->value)); /* to the octet */
        verify = reg_join_values(f->sent, SIP_HDR_SECURITY_VERIFY);
        assert_string_equal(verify, want);
        free(verify);
        assert_true(security_contact(f->sec, &contact));
        (void)snprintf(uri, sizeof(uri), "sip:u@" UE_IP ":%u", f->installed[0].ue_ends.port_s);
        assert_string_equal(reg_contact(f->reg), uri);
        ok200(f, 1);
        assert_string_equal(security_verify(f->sec), want);
        assert_int_equal(start(f, REG_KIND_REFRESH), 1);
        verify = reg_join_values(f->sent, SIP_HDR_SECURITY_VERIFY); /* of the last success */
        assert_string_equal(verify, want);
        free(verify);
        buf_free(&client);
        proves("SECAGREE-013 SECAGREE-018 SECAGREE-019");
}

/* The set that a UE makes of these mechanisms, or NULL. */
static const struct sa_params *chosen(struct fixture *f, const char *const *mechanisms, size_t n)
{
        size_t before = f->n_installed;

        start(f, REG_KIND_REGISTER);
        (void)challenge_with(f, 0, mechanisms, n, NULL);
        if (f->next == REG_NEXT_SEND)
                assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);
        return f->n_installed > before ? &f->installed[before] : NULL;
}

static void expect_suite(struct fixture *f, struct sec_suite want, const char *const *mechanisms, size_t n)
{
        const struct sa_params *p = chosen(f, mechanisms, n);

        assert_non_null(p);
        assert_true(sec_suite_eq(p->suite, want));
}

static void the_choice(void **state)
{
        struct fixture *f = *state;
        struct esp_keys keys;

        expect_suite(f, suites[1], (const char *const[]){CBC TRANS, GCM TRANS}, 2); /* first of the list */
        expect_suite(f, suites[0], (const char *const[]){GCM TRANS, CBC TRANS}, 2);
        expect_suite(f, suites[0], (const char *const[]){CBC "q=0.1", GCM "q=0.2", SHA "q=0.15"}, 3);
        expect_suite(f, suites[1], (const char *const[]){GCM TRANS, CBC "q=0.01"}, 2); /* no q comes last */
        expect_suite(f, suites[2],
                     (const char *const[]){"ipsec-3gpp;alg=aes-gmac;q=0.9", SHA "prot=ah;q=0.8", SHA "q=0.1"},
                     3);
        expect_suite(f, suites[2], (const char *const[]){SHA TRANS}, 1); /* no ealg is null */
        assert_int_equal(f->keys[0].integrity_n, 20);
        assert_int_equal(f->keys[0].encryption_n, 16);
        assert_int_equal(f->keys[1].encryption_n, 20); /* GCM: key and salt */
        assert_int_equal(f->keys[1].integrity_n, 0);
        start(f, REG_KIND_REGISTER);
        assert_true(challenge(f, 0) > 0);
        assert_int_equal(esp_keys_expand(suites[1], &reg_challenge(f->reg)->card.ck,
                                         &reg_challenge(f->reg)->card.ik, &keys),
                         0);
        assert_memory_equal(&keys, &f->keys[f->n_installed - 1], sizeof(keys));
        proves("KEY-001 SECAGREE-011 SECAGREE-021 SECAGREE-023 SECAGREE-026");
}

static void nothing_acceptable(void **state)
{
        static const char *const bad[] = {
                "ipsec-3gpp;alg=aes-gmac",
                "ipsec-3gpp;alg=hmac-md5-96",
                "ipsec-3gpp;ealg=aes-cbc",
                "ipsec-3gpp;alg=null;ealg=aes-cbc",
                "ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-gcm",
                SHA "prot=ah",
                SHA "mod=tun",
                SHA "q=1.5",
                SHA "q=0.1234",
                "tls",
                "digest",
                "ipsec-man;alg=hmac-sha-1-96",
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                assert_null(chosen(f, &bad[i], 1));
                assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_unacceptable);
                assert_non_null(reg_result(f->reg)->why);
                assert_int_equal(f->n_ports, 0);
        }
        f->spi = sent_ends(f).spi_c;
        start(f, REG_KIND_REGISTER);
        f->spi = sent_ends(f).spi_c; /* the P-CSCF takes our SPI */
        (void)challenge_with(f, 0, (const char *const[]){SHA TRANS}, 1, NULL);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_unacceptable);
        proves("SECAGREE-017 SECAGREE-022 SECAGREE-024 SECAGREE-025");
}

static void no_encryption_named_means_none(void **state)
{
        struct fixture *f = *state;
        struct security_conf sc = {
                .ops = &ops, .arg = f, .suites = {suites[1]}, .n_suites = 1, .modes = 1u << SEC_MODE_TRANS};
        struct addr local = an_addr(UE_IP, 0), pcscf = an_addr(PCSCF_IP, 0);

        security_free(f->sec);
        assert_int_equal(security_new(&sc, &f->sec), 0);
        security_set_address(f->sec, &local, &pcscf);
        reg_free(f->reg);
        f->conf.security = f->sec;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        expect_suite(f, suites[2], (const char *const[]){SHA TRANS}, 1);
        assert_null(chosen(f, (const char *const[]){SHA TRANS, GCM TRANS}, 2)); /* others are named */
        proves("SECAGREE-012");
}

static void numbers_are_new_each_time(void **state)
{
        struct fixture *f = *state;
        struct sec_ends seen[24];
        size_t steps = 0;

        for (size_t i = 0; i < 24; i++) {
                unsigned way = start(f, REG_KIND_REFRESH);

                seen[i] = sent_ends(f);
                for (size_t j = 0; j < i; j++) {
                        assert_int_not_equal(seen[i].spi_c, seen[j].spi_c);
                        assert_int_not_equal(seen[i].spi_s, seen[j].spi_s);
                        steps += seen[i].port_c == seen[j].port_c + 1 || seen[i].port_c == seen[j].port_c;
                }
                assert_int_equal(seen[i].port_s, seen[0].port_s);
                assert_int_not_equal(seen[i].spi_c, seen[i].spi_s);
                if (i % 3 == 0) { /* others are not challenged */
                        way = (unsigned)challenge(f, way);
                        ok200(f, way);
                        assert_true(takes_request(f, way, "x"));
                } else {
                        ok200(f, way);
                }
        }
        assert_true(steps < 6); /* at random, not one after the other */
        proves("SA-019 SA-021 SA-049 SA-050 NAT-016 SA-037");
}

static void small_ranges_are_kept(void **state)
{
        struct fixture *f = *state;
        struct security_conf sc = {.ops = &ops,
                                   .arg = f,
                                   .suites = {suites[0]},
                                   .n_suites = 1,
                                   .modes = 1u << SEC_MODE_TRANS,
                                   .spi_min = 4000000000u,
                                   .spi_max = 4000000003u,
                                   .port_min = 5059,
                                   .port_max = 5063};
        struct addr local = an_addr(UE_IP, 0), pcscf = an_addr(PCSCF_IP, 0);
        struct security *s = NULL;

        assert_int_equal(security_new(&sc, &s), 0);
        security_set_address(s, &local, &pcscf);
        for (int i = 0; i < 50; i++) {
                struct sec_list l = {.n = 0};
                struct buf b = BUF_INIT;
                const struct sec_ends *e;
                struct span v;

                assert_int_equal(security_begin(s, false, false, &f->why), 0);
                security_write(s, &b);
                v = span_sub(buf_as_span(&b), (size_t)span_find(buf_as_span(&b), SPAN("Client: ")) + 8, b.n);
                assert_int_equal(sec_list_add(&l, span_trim(v), NULL), 0);
                e = sec_list_ends(&l, NULL);
                assert_non_null(e);
                assert_in_range(e->spi_c, 4000000000u, 4000000003u);
                assert_in_range(e->spi_s, 4000000000u, 4000000003u);
                assert_true(e->port_c != 5060 && e->port_c != 5061 && e->port_s != 5060 && e->port_s != 5061);
                assert_in_range(e->port_c, 5059, 5063);
                buf_free(&b);
        }
        security_free(s);
        proves("SA-022 SA-027");
}

/* In ranges so small that what lives is met again and again. */
static void live_numbers_are_not_offered(void **state)
{
        struct fixture *f = *state;
        struct security_conf sc = {.ops = &ops,
                                   .arg = f,
                                   .suites = {suites[1]},
                                   .n_suites = 1,
                                   .modes = 1u << SEC_MODE_TRANS,
                                   .spi_min = 4000000000u,
                                   .spi_max = 4000000005u,
                                   .port_min = 30000,
                                   .port_max = 30004};
        struct addr local = an_addr(UE_IP, 0), pcscf = an_addr(PCSCF_IP, 0);
        struct sec_ends live, e;
        unsigned a;

        security_free(f->sec);
        assert_int_equal(security_new(&sc, &f->sec), 0);
        security_set_address(f->sec, &local, &pcscf);
        reg_free(f->reg);
        f->conf.security = f->sec;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        start(f, REG_KIND_REGISTER);
        live = sent_ends(f);
        f->spi = 4000000000u; /* those of the P-CSCF are in the range too, where they are not ours */
        while (live.spi_c == f->spi || live.spi_s == f->spi || live.spi_c == f->spi + 1 ||
               live.spi_s == f->spi + 1)
                f->spi++;
        a = (unsigned)challenge(f, 0);
        ok200(f, a);
        for (int i = 0; i < 60; i++) {
                start(f, REG_KIND_REFRESH);
                e = sent_ends(f);
                assert_int_not_equal(e.port_c, live.port_c);
                assert_int_not_equal(e.port_c, live.port_s);
                assert_false(ue_sa_has_spi(security_table(f->sec), e.spi_c));
                assert_false(ue_sa_has_spi(security_table(f->sec), e.spi_s));
                ok200(f, a);
        }
        proves("SA-019 SA-049");
}

static void modes(void **state)
{
        struct fixture *f = *state;
        const char *const tun[] = {CBC TUN}, *const trans[] = {CBC TRANS}, *const none[] = {CBC "q=0.5"};
        struct addr public = an_addr("203.0.113.7", 0), ours = an_addr(UE_IP, 0), contact;
        unsigned a, b;
        char uri[80];

        start(f, REG_KIND_REGISTER); /* no mode, no NAT */
        assert_true(challenge_with(f, 0, none, 1, UE_IP) > 0);
        assert_int_equal(f->installed[0].mode, SEC_MODE_TRANS);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);
        start(f, REG_KIND_REGISTER); /* no mode, a NAT */
        assert_int_equal(challenge_with(f, 0, none, 1, "203.0.113.7"), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_no_mode);
        assert_int_equal(f->n_installed, 1);
        start(f, REG_KIND_REGISTER);
        assert_true(challenge_with(f, 0, trans, 1, NULL) > 0);
        assert_int_equal(f->installed[1].mode, SEC_MODE_TRANS);
        assert_true(addr_ip_eq(&f->installed[1].ue, &ours));
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);

        start(f, REG_KIND_REGISTER);
        a = (unsigned)challenge_with(f, 0, tun, 1, "203.0.113.7");
        assert_true(a > 0);
        assert_int_equal(f->installed[2].mode, SEC_MODE_UDP_ENC_TUN);
        assert_true(addr_ip_eq(&f->installed[2].ue, &public)); /* inner addresses */
        assert_true(addr_ip_eq(&f->installed[2].ue_local, &ours));
        assert_true(security_contact(f->sec, &contact));
        assert_true(addr_ip_eq(&contact, &public));
        (void)snprintf(uri, sizeof(uri), "sip:u@203.0.113.7:%u", f->installed[2].ue_ends.port_s);
        assert_string_equal(reg_contact(f->reg), uri);
        for (size_t i = 0; i < f->n_ports; i++) /* the ports are where the inner packets go */
                assert_true(addr_ip_eq(&f->ports[i], &public));
        assert_int_equal(f->n_ports, 2);
        ok200(f, a);

        assert_int_equal(start(f, REG_KIND_REFRESH), (int)a); /* the tunnel stays, whatever the 401 says */
        b = (unsigned)challenge_with(f, a, none, 1, NULL);
        assert_int_equal(f->installed[3].mode, SEC_MODE_UDP_ENC_TUN);
        assert_true(addr_ip_eq(&f->installed[3].ue, &public));
        ok200(f, b);
        assert_true(takes_request(f, b, "x"));
        start(f, REG_KIND_DEREGISTER);
        ok200(f, b);
        assert_int_equal(f->n_ports, 0);
        proves("NAT-001 NAT-003 NAT-004 NAT-013 NAT-026 NAT-027 NAT-028 NAT-034 SA-015 SECAGREE-027");
}

static void without_security_server(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER);
        assert_int_equal(challenge_with(f, 0, NULL, 0, NULL), 0); /* offered: goes on in clear */
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_PROXY_REQUIRE, 0));
        assert_string_equal(reg_contact(f->reg), "sip:u@" UE_IP ":5060");
        ok200(f, 0);
        assert_int_equal(f->n_ports, 0);
        assert_true(takes_request(f, 0, "x"));
        start(f, REG_KIND_REFRESH); /* stays so as long as it is registered */
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
        ok200(f, 0);
        start(f, REG_KIND_DEREGISTER);
        ok200(f, 0);
        start(f, REG_KIND_REGISTER);
        assert_non_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
        assert_int_equal(answer(f, 0, "420 Bad Extension", "Unsupported: sec-agree\r\n", NULL), 0);
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
}

static void a_phone_with_sas_does_not_bid_down(void **state)
{
        struct fixture *f = *state;
        unsigned a = registered(f);

        start(f, REG_KIND_REFRESH);
        assert_int_equal(challenge_with(f, a, NULL, 0, NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_missing);
        assert_true(f->there[0]);
}

static void required_security_server(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER);
        assert_int_equal(challenge_with(f, 0, NULL, 0, NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_missing);
        start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, 0, "420 Bad Extension", "Unsupported: sec-agree\r\n", NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_refused);
        proves("SECAGREE-017");
}

static void refusals_have_names(void **state)
{
        struct fixture *f = *state;

        start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, 0, "494 Security Agreement Required", "", NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_disagreed);
        start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, 0, "421 Extension Required", "Require: sec-agree\r\n", NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_demanded);
        start(f, REG_KIND_REGISTER);
        f->install_err = -IMS_EUNSUPPORTED;
        assert_int_equal(challenge(f, 0), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_kernel_refused);
        assert_string_equal(reg_result(f->reg)->why, "no ESP here");
        assert_int_equal(f->n_ports, 0);
        f->open_err = -IMS_EPERM;
        assert_int_equal(reg_start(f->reg, REG_KIND_REGISTER, 60, &f->out), -IMS_EPERM);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_kernel_refused);
        assert_int_equal(f->n_ports, 0);
}

static void a_taken_number_is_another_one(void **state)
{
        struct fixture *f = *state;
        struct sec_ends first;

        f->open_err = -IMS_EADDRINUSE; /* somebody else has the port */
        start(f, REG_KIND_REGISTER);
        first = sent_ends(f);
        f->install_err = -IMS_EEXISTS; /* the kernel has an SA with such numbers */
        assert_int_equal(challenge(f, 0), 0);
        assert_int_not_equal(sent_ends(f).spi_c, first.spi_c);
        assert_int_not_equal(sent_ends(f).port_s, first.port_s);
        first = sent_ends(f);
        assert_int_equal(answer(f, 0, "400 Protected Port In Use", "", NULL), 0); /* the P-CSCF has */
        assert_int_not_equal(sent_ends(f).spi_c, first.spi_c);
        assert_int_not_equal(sent_ends(f).port_s, first.port_s);
        assert_int_not_equal(sent_ends(f).port_c, first.port_c);
        assert_int_equal(answer(f, 0, "400 Protected Port In Use", "", NULL), -1); /* not for ever */
        proves("NAT-017");
}

static void the_interval_too_brief_keeps_the_offer(void **state)
{
        struct fixture *f = *state;
        struct sec_ends first;

        start(f, REG_KIND_REGISTER);
        first = sent_ends(f);
        assert_int_equal(answer(f, 0, "423 Interval Too Brief", "Min-Expires: 7200\r\n", NULL), 0);
        assert_int_equal(sent_ends(f).spi_c, first.spi_c);
        assert_int_equal(sent_ends(f).port_c, first.port_c);
        assert_true(challenge(f, 0) > 0);
}

static void a_second_challenge_replaces_the_new_sas(void **state)
{
        struct fixture *f = *state;
        unsigned a, b;

        start(f, REG_KIND_REGISTER);
        a = (unsigned)challenge(f, 0);
        b = (unsigned)challenge(f, a);
        assert_true(b > 0 && b != a);
        assert_false(f->there[0]);
        assert_true(f->there[1]);
        assert_int_equal(f->installed[1].ue_ends.port_c, f->installed[0].ue_ends.port_c);
        ok200(f, b);
}

static void keys_can_be_spoilt(void **state)
{
        struct fixture *f = *state;
        struct esp_keys keys;

        security_faults(f->sec)->wrong_ik = true;
        start(f, REG_KIND_REGISTER);
        assert_true(challenge(f, 0) > 0);
        assert_int_equal(esp_keys_expand(f->installed[0].suite, &reg_challenge(f->reg)->card.ck,
                                         &reg_challenge(f->reg)->card.ik, &keys),
                         0);
        assert_memory_not_equal(keys.integrity, f->keys[0].integrity, keys.integrity_n);
        assert_memory_equal(keys.encryption, f->keys[0].encryption, keys.encryption_n);
        security_faults(f->sec)->no_install = true;
        assert_int_equal(reg_no_answer(f->reg, -IMS_ECANCELED, &f->out), REG_NEXT_DONE);
        start(f, REG_KIND_REGISTER);
        assert_true(challenge(f, 0) > 0);
        assert_int_equal(f->n_installed, 1);
}

#define TEST(name)          cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_REQUIRED(name) cmocka_unit_test_setup_teardown(name, setup_required, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(the_offer),
                TEST(the_answer_repeats),
                TEST(the_choice),
                TEST(nothing_acceptable),
                TEST(no_encryption_named_means_none),
                TEST(numbers_are_new_each_time),
                TEST(small_ranges_are_kept),
                TEST(live_numbers_are_not_offered),
                TEST(modes),
                TEST(without_security_server),
                TEST(a_phone_with_sas_does_not_bid_down),
                TEST_REQUIRED(required_security_server),
                TEST(refusals_have_names),
                TEST(a_taken_number_is_another_one),
                TEST(the_interval_too_brief_keeps_the_offer),
                TEST(a_second_challenge_replaces_the_new_sas),
                TEST(keys_can_be_spoilt),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
