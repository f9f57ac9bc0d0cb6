/* SPDX-License-Identifier: BSD-3-Clause
 * SIP Digest in the REGISTER procedure, and which of two schemes is taken (TS 33.203 N.1). */
#include "tests/unit/ue/sec_fix.h"
#include "tests/unit/proves.h"

#define DIGEST_CHALLENGE                                                                                     \
        "WWW-Authenticate: Digest realm=\"r.example\",nonce=\"n\",algorithm=MD5,qop=\"auth\"\r\n"

static struct credential with_password;

/* A phone with a key and, as another user, a password; its P-CSCF is fixture's. */
static struct fixture *both(void **state, const char *access)
{
        struct fixture *f = *state;

        with_password =
                (struct credential){.kind = CREDENTIAL_IMC, .impi = "p@r.example", .domain = "r.example"};
        (void)snprintf(with_password.password, sizeof(with_password.password), "secret");
        f->conf.scheme = REG_SCHEME_ANY;
        f->conf.digest_cred = &with_password;
        f->conf.access_network = access;
        reg_free(f->reg);
        f->reg = NULL;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        return f;
}

static bool sent_as(struct fixture *f, const char *user)
{
        return span_find(sip_msg_value(f->sent, SIP_HDR_AUTHORIZATION), span_of(user)) >= 0;
}

static void security_agreement_shows_aka(void **state)
{
        struct fixture *f = both(state, "IEEE-802.11");

        (void)start(f, REG_KIND_REGISTER);
        assert_true(sent_as(f, "u@r.example"));
        assert_non_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
        assert_true(challenge(f, 0) > 0); /* with Security-Server: IMS AKA, over IPsec */
        assert_int_equal(reg_scheme(f->reg), REG_SCHEME_AKA);
        ok200(f, 1);
        proves("DIG-005");
}

static void without_security_server_it_is_digest(void **state)
{
        struct fixture *f = both(state, "IEEE-802.11");
        struct buf b = BUF_INIT;

        (void)start(f, REG_KIND_REGISTER);
        put_challenge(f, false, &b);
        buf_char(&b, '\0');
        assert_int_equal(answer(f, 0, "401 Unauthorized", b.p, NULL), 0); /* in clear, from the beginning */
        buf_free(&b);
        assert_true(sent_as(f, "p@r.example"));
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
        assert_int_equal(answer(f, 0, "401 Unauthorized", DIGEST_CHALLENGE, NULL), 0);
        assert_true(span_find(sip_msg_value(f->sent, SIP_HDR_AUTHORIZATION), SPAN("nc=00000001")) > 0);
        assert_int_equal(answer(f, 0, "200 OK", "Contact: <sip:u@" UE_IP ":5060>;expires=600\r\n", NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_registered);
        assert_int_equal(reg_scheme(f->reg), REG_SCHEME_DIGEST);
        assert_int_equal(f->n_installed, 0);
        proves("DIG-002 DIG-005");
}

static void without_sec_agree_it_is_digest(void **state)
{
        struct fixture *f = both(state, NULL);

        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, 0, "420 Bad Extension", "Unsupported: sec-agree\r\n", NULL), 0);
        assert_true(sent_as(f, "p@r.example"));
}

/* One credential for both: the Digest challenge is answered at once. */
static void the_challenge_at_hand_is_answered(void **state)
{
        struct fixture *f = both(state, "IEEE-802.11");

        (void)snprintf(f->cred.password, sizeof(f->cred.password), "secret");
        f->conf.digest_cred = NULL;
        reg_free(f->reg);
        f->reg = NULL;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, 0, "401 Unauthorized", DIGEST_CHALLENGE, NULL), 0);
        assert_true(span_find(sip_msg_value(f->sent, SIP_HDR_AUTHORIZATION), SPAN("nc=00000001")) > 0);
        assert_int_equal(f->sent->cseq, 2);
}

static void on_an_access_of_3gpp_it_is_aka(void **state)
{
        struct fixture *f = both(state, "3GPP-UTRAN-FDD;utran-cell-id-3gpp=1");

        (void)start(f, REG_KIND_REGISTER);
        assert_true(sent_as(f, "u@r.example"));
        assert_int_equal(answer(f, 0, "401 Unauthorized", DIGEST_CHALLENGE, NULL), -1);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_bad_challenge);
        f->conf.scheme = REG_SCHEME_DIGEST;
        reg_free(f->reg);
        f->reg = NULL;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        assert_int_equal(reg_start(f->reg, REG_KIND_REGISTER, 600, &f->out), -IMS_EPERM);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_digest_on_3gpp);
        assert_int_equal(f->out.n, 0);
        proves("DIG-004");
}

/* Whoever said Digest never gets SAs, whatever the network offers. */
static void digest_is_never_with_ipsec(void **state)
{
        struct fixture *f = both(state, "IEEE-802.11");

        f->conf.scheme = REG_SCHEME_DIGEST;
        reg_free(f->reg);
        f->reg = NULL;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        assert_int_equal(start(f, REG_KIND_REGISTER), 0);
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_SECURITY_CLIENT, 0));
        assert_null(sip_msg_hdr(f->sent, SIP_HDR_REQUIRE, 0));
        assert_int_equal(answer(f, 0, "401 Unauthorized",
                                DIGEST_CHALLENGE
                                "Security-Server: ipsec-3gpp;q=0.9;alg=hmac-sha-1-96;spi-c=1001;"
                                "spi-s=1002;port-c=5061;port-s=5062\r\n",
                                NULL),
                         0);
        assert_int_equal(f->n_installed, 0);
        proves("DIG-002");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(security_agreement_shows_aka),   TEST(without_security_server_it_is_digest),
                TEST(without_sec_agree_it_is_digest), TEST(the_challenge_at_hand_is_answered),
                TEST(on_an_access_of_3gpp_it_is_aka), TEST(digest_is_never_with_ipsec),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
