/* SPDX-License-Identifier: BSD-3-Clause
 * What a UE decides about TLS, in both variants (TS 33.203 O.2.2, O.2.3, O.3, O.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "common/sip/grammar.h"
#include "tests/unit/proves.h"
#include "ue/registration.h"

#define CHALLENGE "WWW-Authenticate: Digest realm=\"r.example\",nonce=\"n\",algorithm=MD5,qop=\"auth\"\r\n"

struct fixture {
        struct credential cred;
        struct tls_guard guard;
        struct reg_conf conf;
        struct registration *reg;
        struct buf out;
        struct span trusted; /* realm */
};

static bool trusts(struct span realm, void *arg)
{
        return span_eq(realm, ((struct fixture *)arg)->trusted);
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        if (!f)
                return -1;
        sip_grammar_init();
        f->cred = (struct credential){
                .kind = CREDENTIAL_IMC, .impi = "u@r.example", .domain = "r.example", .password = "secret"};
        f->trusted = SPAN("r.example");
        f->conf = (struct reg_conf){.scheme = REG_SCHEME_DIGEST,
                                    .cred = &f->cred,
                                    .impu = "sip:u@r.example",
                                    .contact = "sip:u@192.0.2.10:5060",
                                    .tls = &f->guard,
                                    .trusts_realm = trusts,
                                    .trusts_arg = f};
        *state = f;
        return reg_new(&f->conf, &f->reg);
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        reg_free(f->reg);
        tls_guard_free(&f->guard);
        buf_free(&f->out);
        free(f);
        return 0;
}

/* Does the REGISTER in out have this text? The driver's part is done: it takes the way. */
static enum tls_way sent(struct fixture *f)
{
        enum tls_way way = f->guard.way;

        if (way == TLS_WAY_NEW) {
                bool forget;

                (void)tls_guard_take_drop(&f->guard, &forget);
                tls_guard_up(&f->guard);
        }
        tls_guard_sent(&f->guard);
        return way;
}

static bool has(const struct fixture *f, const char *text)
{
        return span_find(buf_as_span(&f->out), span_of(text)) >= 0;
}

static enum tls_way start(struct fixture *f, enum reg_kind kind)
{
        buf_reset(&f->out);
        assert_int_equal(reg_start(f->reg, kind, 600, &f->out), 0);
        return sent(f);
}

static struct sip_msg *response(const char *status_line, const char *method, const char *fields)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;

        buf_printf(&b,
                   "SIP/2.0 %s\r\nVia: SIP/2.0/TLS 192.0.2.10;branch=z9hG4bK1\r\nFrom: "
                   "<sip:u@r.example>;tag=a\r\n"
                   "To: <sip:u@r.example>;tag=b\r\nCall-ID: c\r\nCSeq: 1 %s\r\n%sContent-Length: 0\r\n\r\n",
                   status_line, method, fields);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        buf_free(&b);
        return m;
}

static int answer(struct fixture *f, const char *status_line, const char *fields)
{
        struct sip_msg *m = response(status_line, "REGISTER", fields);
        int rc;

        buf_reset(&f->out);
        rc = reg_answer(f->reg, m, 1000, &f->out);
        sip_msg_unref(m);
        return rc;
}

static void ok200(struct fixture *f)
{
        char fields[200];

        (void)snprintf(fields, sizeof(fields), "Contact: <%s>;expires=600\r\n", reg_contact(f->reg));
        assert_int_equal(answer(f, "200 OK", fields), REG_NEXT_DONE);
        assert_true(reg_outcome_ok(reg_result(f->reg)->outcome));
}

/* A registration in the variant. */
static void registered(struct fixture *f, enum tls_variant variant)
{
        f->guard.variant = variant;
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE "Security-Server: tls;q=0.9\r\n"),
                         REG_NEXT_SEND);
        (void)sent(f);
        ok200(f);
        assert_true(f->guard.protecting);
}

static bool admits(struct fixture *f, bool inside, struct sip_msg *m)
{
        const char *note = NULL;
        bool ok = tls_guard_admit(&f->guard, inside, m, &note);

        sip_msg_unref(m);
        return ok;
}

static struct sip_msg *request(const char *call_id)
{
        struct buf b = BUF_INIT;
        struct sip_msg *m = NULL;
        size_t used;

        buf_printf(&b,
                   "INVITE sip:u@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK2\r\n"
                   "Max-Forwards: 70\r\nFrom: <sip:p@r>;tag=a\r\nTo: <sip:u@r>\r\nCall-ID: %s\r\n"
                   "CSeq: 1 INVITE\r\nContact: <sip:p@192.0.2.1>\r\nContent-Length: 0\r\n\r\n",
                   call_id);
        assert_int_equal(sip_msg_parse(buf_as_span(&b), SIP_DATAGRAM, &m, &used), 0);
        buf_free(&b);
        return m;
}

static void by_agreement(void **state)
{
        struct fixture *f = *state;

        f->guard.variant = TLS_VARIANT_AGREED;
        assert_int_equal(start(f, REG_KIND_REGISTER), TLS_WAY_CLEAR);
        assert_true(has(f, "Security-Client: tls;q=0.5\r\n") && has(f, "Require: sec-agree\r\n") &&
                    has(f, "Proxy-Require: sec-agree\r\n") && has(f, "Supported: path, sec-agree\r\n"));
        assert_false(has(f, "Security-Verify") || has(f, "transport=tls"));
        assert_int_equal(
                answer(f, "401 Unauthorized", CHALLENGE "Security-Server: ipsec-3gpp;q=0.1, tls;q=0.9\r\n"),
                REG_NEXT_SEND);
        assert_true(has(f, "Security-Verify: ipsec-3gpp;q=0.1, tls;q=0.9\r\n") &&
                    has(f, "Security-Client: tls;q=0.5\r\n"));
        assert_true(has(f, ";transport=tls"));
        assert_int_equal(sent(f), TLS_WAY_NEW);
        ok200(f);
        /* re-registration: the same connection, with what was agreed */
        assert_int_equal(start(f, REG_KIND_REFRESH), TLS_WAY_KEPT);
        assert_true(has(f, "Security-Verify: ipsec-3gpp;q=0.1, tls;q=0.9\r\n"));
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE), REG_NEXT_SEND);
        assert_int_equal(sent(f), TLS_WAY_KEPT);
        ok200(f);
        proves("TLS-016 TLS-018 TLS-019 TLS-042");
}

static void before_registration(void **state)
{
        struct fixture *f = *state;
        bool forget;

        f->guard.variant = TLS_VARIANT_FIRST;
        assert_int_equal(start(f, REG_KIND_REGISTER), TLS_WAY_NEW);
        assert_false(has(f, "Security-") || has(f, "sec-agree"));
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE "Security-Server: tls;q=0.9\r\n"),
                         REG_NEXT_SEND);
        assert_false(has(f, "Security-") || has(f, "sec-agree"));
        assert_int_equal(sent(f), TLS_WAY_KEPT);
        ok200(f);
        assert_int_equal(start(f, REG_KIND_REFRESH), TLS_WAY_KEPT);
        ok200(f);
        tls_guard_begin(&f->guard, false); /* anew: the connection that is there does not serve */
        assert_int_equal(f->guard.way, TLS_WAY_NEW);
        assert_true(tls_guard_take_drop(&f->guard, &forget));
        proves("TLS-027 TLS-028 TLS-042");
}

static void stale_stays_on_the_connection(void **state)
{
        struct fixture *f = *state;

        f->guard.variant = TLS_VARIANT_AGREED;
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE "Security-Server: tls\r\n"), REG_NEXT_SEND);
        assert_int_equal(sent(f), TLS_WAY_NEW);
        assert_int_equal(answer(f, "401 Unauthorized",
                                "WWW-Authenticate: Digest "
                                "realm=\"r.example\",nonce=\"m\",qop=\"auth\",stale=TRUE\r\n"),
                         REG_NEXT_SEND);
        assert_int_equal(sent(f), TLS_WAY_KEPT);
        ok200(f);
        proves("TLS-033");
}

static void nothing_acceptable_is_abandoned(void **state)
{
        static const char *const servers[] = {"Security-Server: ipsec-3gpp;q=0.9\r\n",
                                              "Security-Server: digest\r\n", "Security-Server: tls;q=7\r\n"};
        struct fixture *f = *state;
        bool forget;

        f->guard.variant = TLS_VARIANT_AGREED;
        for (size_t i = 0; i < 3; i++) {
                char fields[200];

                (void)snprintf(fields, sizeof(fields), CHALLENGE "%s", servers[i]);
                assert_int_equal(start(f, REG_KIND_REGISTER), TLS_WAY_CLEAR);
                assert_int_equal(answer(f, "401 Unauthorized", fields), REG_NEXT_DONE);
                assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_unacceptable);
                assert_int_equal(f->out.n, 0);
                assert_false(tls_guard_take_drop(&f->guard, &forget)); /* there never was a connection */
        }
        proves("TLS-034");
}

static void who_insists_does_not_go_on_in_clear(void **state)
{
        struct fixture *f = *state;

        f->guard.variant = TLS_VARIANT_AGREED;
        f->guard.required = true;
        assert_int_equal(start(f, REG_KIND_REGISTER), TLS_WAY_CLEAR);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE),
                         REG_NEXT_DONE); /* tls was taken out on the way */
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_security_missing);
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "420 Bad Extension", "Unsupported: sec-agree\r\n"), REG_NEXT_DONE);
        f->guard.required = false; /* who does not insist goes on */
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE), REG_NEXT_SEND);
        assert_int_equal(sent(f), TLS_WAY_CLEAR);
        assert_false(has(f, "Security-"));
        ok200(f);
        assert_int_equal(start(f, REG_KIND_REFRESH), TLS_WAY_CLEAR);
        ok200(f);
        /* and one that may do neither TLS nor IPsec sends nothing at all */
        f->conf.tls = NULL;
        f->conf.secure_only = true;
        reg_free(f->reg);
        f->reg = NULL;
        assert_int_equal(reg_new(&f->conf, &f->reg), 0);
        buf_reset(&f->out);
        assert_int_equal(reg_start(f->reg, REG_KIND_REGISTER, 600, &f->out), -IMS_EPERM);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_insecure);
        assert_int_equal(f->out.n, 0);
        proves("TLS-003");
}

static void a_wrong_answer_ends_connection_and_session(void **state)
{
        struct fixture *f = *state;
        bool forget = false;

        f->guard.variant = TLS_VARIANT_FIRST;
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE), REG_NEXT_SEND);
        (void)sent(f);
        assert_int_equal(answer(f, "403 Forbidden", ""), REG_NEXT_DONE);
        assert_true(tls_guard_take_drop(&f->guard, &forget));
        assert_true(forget);
        assert_false(tls_guard_take_drop(&f->guard, &forget));
        /* also of a refresh: the association is of nobody */
        registered(f, TLS_VARIANT_FIRST);
        (void)start(f, REG_KIND_REFRESH);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE), REG_NEXT_SEND);
        (void)sent(f);
        assert_int_equal(answer(f, "403 Forbidden", ""), REG_NEXT_DONE);
        assert_true(tls_guard_take_drop(&f->guard, &forget) && forget);
        /* and when a kept challenge was answered at once */
        registered(f, TLS_VARIANT_FIRST);
        (void)start(f, REG_KIND_REFRESH);
        assert_int_equal(answer(f, "403 Forbidden", ""), REG_NEXT_DONE);
        assert_true(tls_guard_take_drop(&f->guard, &forget) && forget);
        /* another failure leaves a registration and its connection */
        registered(f, TLS_VARIANT_FIRST);
        (void)start(f, REG_KIND_REFRESH);
        assert_int_equal(answer(f, "503 Service Unavailable", ""), REG_NEXT_DONE);
        assert_false(tls_guard_take_drop(&f->guard, &forget));
        proves("TLS-031");
}

static void an_attempt_that_was_not_ended_leaves_nothing(void **state)
{
        struct fixture *f = *state;
        bool forget = false;

        f->guard.variant = TLS_VARIANT_AGREED;
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE "Security-Server: tls;q=0.9\r\n"),
                         REG_NEXT_SEND);
        (void)sent(f);
        assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_DONE);
        assert_true(tls_guard_take_drop(&f->guard, &forget) && forget);
        assert_int_equal(start(f, REG_KIND_REGISTER), TLS_WAY_CLEAR);
        assert_false(has(f, "Security-Verify"));
        proves("TLS-035");
}

static void a_dead_session_is_left(void **state)
{
        static const enum tls_way expected[] = {
                [TLS_VARIANT_FIRST] = TLS_WAY_NEW, [TLS_VARIANT_AGREED] = TLS_WAY_CLEAR};
        struct fixture *f = *state;
        bool forget;

        for (enum tls_variant v = TLS_VARIANT_FIRST; v <= TLS_VARIANT_AGREED; v++) {
                registered(f, v);
                assert_int_equal(start(f, REG_KIND_REFRESH), TLS_WAY_KEPT);
                buf_reset(&f->out);
                assert_int_equal(reg_no_answer(f->reg, -IMS_ETIMEOUT, &f->out), REG_NEXT_SEND);
                assert_true(tls_guard_take_drop(&f->guard, &forget) && forget);
                assert_int_equal(sent(f), expected[v]);
                assert_false(has(f, "Security-Verify"));
                /* in clear it has to be challenged, or nothing is agreed on */
                assert_int_equal(has(f, "nonce=\"\""), v == TLS_VARIANT_AGREED);
                assert_int_equal(
                        answer(f, "401 Unauthorized",
                               "WWW-Authenticate: Digest realm=\"r.example\",nonce=\"x\",qop=\"auth\"\r\n"
                               "Security-Server: tls;q=0.9\r\n"),
                        REG_NEXT_SEND);
                (void)sent(f);
                ok200(f);
                assert_true(f->guard.protecting);
        }
        proves("TLS-048");
}

static void a_lost_connection_ends_a_registration(void **state)
{
        struct fixture *f = *state;

        assert_false(tls_guard_lost(&f->guard));
        registered(f, TLS_VARIANT_FIRST);
        assert_true(tls_guard_lost(&f->guard));
        assert_int_equal(start(f, REG_KIND_REFRESH), TLS_WAY_NEW); /* an initial one again */
        proves("TLS-037");
}

static void what_is_taken_outside(void **state)
{
        struct fixture *f = *state;
        enum tls_way way;

        for (enum tls_variant v = TLS_VARIANT_FIRST; v <= TLS_VARIANT_AGREED; v++) {
                bool agreed = v == TLS_VARIANT_AGREED;

                f->guard.protecting = false;
                f->guard.variant = v;
                assert_int_equal(tls_guard_request(&f->guard, &way), -IMS_EPERM); /* no service before SM12 */
                assert_true(admits(f, false, request("before")));
                registered(f, v);
                assert_int_equal(tls_guard_request(&f->guard, &way), 0);
                assert_int_equal(way, TLS_WAY_KEPT);
                assert_false(admits(f, false, request("x")));
                assert_true(admits(f, true, request("x")));
                assert_int_equal(admits(f, false, response("200 OK", "REGISTER", "")), agreed);
                assert_int_equal(admits(f, false, response("500 Error", "MESSAGE", "")), agreed);
                assert_false(admits(f, false, response("200 OK", "MESSAGE", "")));
                assert_false(admits(f, false, response("302 Moved Temporarily", "MESSAGE", "")));
                tls_guard_emergency(&f->guard, SPAN("sos"));
                assert_true(admits(f, false, request("sos")));
        }
        proves("TLS-024 TLS-030");
}

static void the_last_identity_takes_the_connection_along(void **state)
{
        struct fixture *f = *state;
        bool forget;

        registered(f, TLS_VARIANT_FIRST);
        assert_int_equal(start(f, REG_KIND_DEREGISTER), TLS_WAY_KEPT);
        assert_int_equal(answer(f, "200 OK", ""), REG_NEXT_DONE);
        assert_true(tls_guard_take_drop(&f->guard, &forget));
}

static void a_foreign_realm_ends_it(void **state)
{
        struct fixture *f = *state;

        f->trusted = SPAN("other.example");
        f->guard.variant = TLS_VARIANT_FIRST;
        (void)start(f, REG_KIND_REGISTER);
        assert_int_equal(answer(f, "401 Unauthorized", CHALLENGE), REG_NEXT_DONE);
        assert_int_equal(reg_result(f->reg)->outcome, REG_OUT_realm_foreign);
        assert_int_equal(f->out.n, 0);
        proves("TRUST-005");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(by_agreement),
                TEST(before_registration),
                TEST(stale_stays_on_the_connection),
                TEST(nothing_acceptable_is_abandoned),
                TEST(who_insists_does_not_go_on_in_clear),
                TEST(a_wrong_answer_ends_connection_and_session),
                TEST(an_attempt_that_was_not_ended_leaves_nothing),
                TEST(a_dead_session_is_left),
                TEST(a_lost_connection_ends_a_registration),
                TEST(what_is_taken_outside),
                TEST(the_last_identity_takes_the_connection_along),
                TEST(a_foreign_realm_ends_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
