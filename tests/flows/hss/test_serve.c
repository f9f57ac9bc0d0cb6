/* SPDX-License-Identifier: BSD-3-Clause
 * The HSS serves Cx: a registration from UAR to de-registration, refusals, provisioning beside it. */
#include <signal.h>
#include <stdlib.h>

#include "common/base/span.h"
#include "tests/flows/hss/lab.h"

#define IMPI "001010000000001@" DOMAIN
#define TEMP "sip:001010000000001@" DOMAIN
#define SIP  "sip:+15550001@" DOMAIN

static int setup(void **state)
{
        static struct lab lab;
        lab_open(&lab, "");
        assert_int_equal(lab_hss(&lab, "init", NULL), 0);
        assert_int_equal(
                lab_hss(&lab, "subscriber add --imsi 001010000000001 --msisdn 15550001 --k " K " --opc " OPC,
                        NULL),
                0);
        lab_start(&lab);
        *state = &lab;
        return 0;
}

static int teardown(void **state)
{
        lab_close(*state);
        return 0;
}

static bool holds(struct lab *lab, const char *text)
{
        return span_find(buf_as_span(&lab->log), span_of(text)) >= 0;
}

static struct dia_result mar(struct lab *lab, const char *impi, const char *impu, uint32_t n,
                             struct lab_maa *m)
{
        assert_true(lab_mar(lab, impi, impu, n, m));
        lab_wait(lab, &m->done);
        assert_int_equal(m->err, 0);
        return m->result;
}

static void state_is(struct lab *lab, const char *want, const char *scscf)
{
        struct buf out = BUF_INIT;
        assert_int_equal(lab_hss(lab, "state " IMPI, &out), 0);
        if (span_find(buf_as_span(&out), span_of(want)) < 0 ||
            span_find(buf_as_span(&out), span_of(scscf)) < 0)
                fail_msg("not %s %s: %.*s", want, scscf, (int)out.n, out.p);
        buf_free(&out);
}

static void registration(void **state)
{
        struct lab *lab = *state;
        struct lab_uaa u;
        struct lab_maa m;
        struct lab_saa s;
        lab_uar(lab, IMPI, TEMP, &u);
        assert_result(u.result, dia_3gpp(CX_FIRST_REGISTRATION));
        state_is(lab, "not registered", " - ");
        assert_result(mar(lab, IMPI, TEMP, 3, &m), dia_base(DIA_SUCCESS));
        assert_int_equal(m.n, 3);
        for (size_t i = 1; i < m.n; i++)
                assert_true(lab_sqn(&m, i) > lab_sqn(&m, i - 1));
        state_is(lab, "authentication pending", SCSCF);
        lab_uar(lab, IMPI, TEMP, &u);
        assert_result(u.result, dia_3gpp(CX_SUBSEQUENT_REGISTRATION));
        assert_string_equal(u.server_name, SCSCF);
        lab_sar(lab, IMPI, TEMP, CX_SAT_REGISTRATION, &s);
        assert_result(s.result, dia_base(DIA_SUCCESS));
        assert_string_equal(s.impi, IMPI);
        assert_true(span_find(span_of(s.user_data), SPAN("tel:+15550001")) > 0);
        state_is(lab, "registered ", SCSCF);
        lab_lir(lab, "tel:+15550001", &u);
        assert_result(u.result, dia_base(DIA_SUCCESS));
        assert_string_equal(u.server_name, SCSCF);
        lab_sar(lab, IMPI, TEMP, CX_SAT_USER_DEREGISTRATION, &s);
        assert_result(s.result, dia_base(DIA_SUCCESS));
        lab_lir(lab, "tel:+15550001", &u);
        assert_result(u.result, dia_3gpp(CX_ERROR_IDENTITY_NOT_REGISTERED));
        state_is(lab, "not registered", " - ");
        assert_int_equal(lab_stop(lab, SIGTERM), 0);
        assert_false(holds(lab, K)); /* no key in the log, nor any vector */
        proves("AKA-009 AKA-017 AKA-019 AKA-022 AKA-034 AKA-036");
}

static void refusals(void **state)
{
        struct lab *lab = *state;
        struct lab_uaa u;
        struct lab_maa m;
        lab_uar(lab, "nobody@" DOMAIN, TEMP, &u);
        assert_result(u.result, dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_result(mar(lab, "nobody@" DOMAIN, TEMP, 1, &m), dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_int_equal(m.n, 0);
        struct lab_saa s;
        lab_sar(lab, NULL, TEMP, CX_SAT_REGISTRATION, &s); /* the IMPI is missing */
        assert_result(s.result, dia_base(DIA_MISSING_AVP));
        assert_string_equal(s.failed_avp, "User-Name");
        lab_sar(lab, IMPI, TEMP, 99, &s);
        assert_result(s.result, dia_base(DIA_INVALID_AVP_VALUE));
        assert_string_equal(s.failed_avp, "Server-Assignment-Type");
        lab_sar(lab, IMPI, TEMP, CX_SAT_NO_ASSIGNMENT, &s);
        assert_result(s.result, dia_base(DIA_UNABLE_TO_COMPLY));
        lab_sar(lab, IMPI, TEMP, CX_SAT_PGW_UPDATE, &s);
        assert_result(s.result, dia_3gpp(CX_ERROR_IN_ASSIGNMENT_TYPE));
        assert_int_equal(lab_stop(lab, SIGTERM), 0);
        assert_true(holds(lab, "user_unknown"));
}

/* What is provisioned while the HSS runs is served at once. */
static void provisioning(void **state)
{
        struct lab *lab = *state;
        struct lab_uaa u;
        struct lab_maa m;
        assert_int_equal(lab_hss(lab, "subscriber add --imsi 001010000000002 --k " K " --opc " OPC, NULL), 0);
        lab_uar(lab, "001010000000002@" DOMAIN, "sip:001010000000002@" DOMAIN, &u);
        assert_result(u.result, dia_3gpp(CX_FIRST_REGISTRATION));
        assert_int_equal(
                lab_hss(lab, "subscriber set 001010000000002 --sqn 32000000 --scscf-capability mandatory:3",
                        NULL),
                0);
        lab_uar(lab, "001010000000002@" DOMAIN, "sip:001010000000002@" DOMAIN, &u);
        assert_int_equal(u.mandatory, 1);
        assert_result(mar(lab, "001010000000002@" DOMAIN, "sip:001010000000002@" DOMAIN, 1, &m),
                      dia_base(DIA_SUCCESS));
        assert_true(lab_sqn(&m, 0) > 32000000);
        assert_int_equal(lab_hss(lab, "subscriber set 001010000000002 --visited elsewhere.example", NULL), 0);
        lab_uar(lab, "001010000000002@" DOMAIN, "sip:001010000000002@" DOMAIN, &u);
        assert_result(u.result, dia_3gpp(CX_ERROR_ROAMING_NOT_ALLOWED));
        assert_int_equal(lab_hss(lab, "subscriber remove 001010000000002", NULL), 0);
        lab_uar(lab, "001010000000002@" DOMAIN, "sip:001010000000002@" DOMAIN, &u);
        assert_result(u.result, dia_3gpp(CX_ERROR_USER_UNKNOWN));
        assert_int_equal(lab_stop(lab, SIGTERM), 0);
}

static void key_file(void **state)
{
        struct lab *lab = *state;
        struct buf out = BUF_INIT;
        char command[256];
        assert_int_equal(lab_stop(lab, SIGTERM), 0);
        (void)snprintf(command, sizeof command, "cd %s && mv hss.key kept", lab->dir);
        assert_int_equal(system(command), 0);
        assert_int_equal(lab_hss(lab, "--log info", &out), 1); /* missing: it does not start */
        assert_true(span_find(buf_as_span(&out), SPAN("hss.key")) > 0);
        assert_int_equal(lab_hss(lab, "init", NULL), 1); /* and a new key is not made for an old database */
        (void)snprintf(command, sizeof command, "cd %s && printf %%064d 5 >hss.key && chmod 600 hss.key",
                       lab->dir);
        assert_int_equal(system(command), 0);
        buf_reset(&out);
        assert_int_equal(lab_hss(lab, "--log info", &out), 1);
        assert_true(span_find(buf_as_span(&out), SPAN("is not the one")) > 0);
        (void)snprintf(command, sizeof command, "cd %s && mv kept hss.key && chmod 644 hss.key", lab->dir);
        assert_int_equal(system(command), 0);
        buf_reset(&out);
        assert_int_equal(lab_hss(lab, "--log info", &out), 1);
        assert_true(span_find(buf_as_span(&out), SPAN("0600")) > 0);
        (void)snprintf(command, sizeof command, "chmod 600 %s/hss.key", lab->dir);
        assert_int_equal(system(command), 0);
        buf_free(&out);
        lab_start(lab);
        assert_int_equal(lab_stop(lab, SIGTERM), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {T(registration), T(refusals), T(provisioning), T(key_file)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
