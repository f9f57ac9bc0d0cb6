/* SPDX-License-Identifier: BSD-3-Clause
 * Verdicts in words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/base/log.h"
#include "common/trace/trace_conf.h"
#include "common/trace/verdict.h"

static void expect_line(const struct verdict *v, const char *want)
{
        struct buf out = BUF_INIT;
        verdict_line(v, &out);
        buf_char(&out, '\0');
        assert_int_equal(out.err, 0);
        assert_string_equal(out.p, want);
        buf_free(&out);
}

static void test_line(void **state)
{
        (void)state;
        struct verdict v = {.procedure = VERDICT_REGISTRATION,
                            .outcome = VERDICT_REFUSED,
                            .cause = CAUSE_res_mismatch,
                            .status = 403,
                            .clause = "TS 33.203 6.1.2.2",
                            .evidence = "expected 6629.., got 0b6b.."};
        expect_line(
                &v,
                "registration refused: the answer of the UE (RES) is wrong [res_mismatch; TS 33.203 6.1.2.2; "
                "403; expected 6629.., got 0b6b..]; hint: compare K and OPc of the SIM with the HSS; an OP "
                "entered as OPc is the usual mistake");
        v.evidence = NULL;
        v.command = "hss diagnose a@b --rand 00";
        expect_line(
                &v,
                "registration refused: the answer of the UE (RES) is wrong [res_mismatch; TS 33.203 6.1.2.2; "
                "403]; hint: compare K and OPc of the SIM with the HSS; an OP entered as OPc is the usual "
                "mistake; run: hss diagnose a@b --rand 00");
        v = (struct verdict){
                .procedure = VERDICT_DEREGISTRATION, .outcome = VERDICT_OK, .cause = CAUSE_deregistered};
        expect_line(&v, "de-registration ok: the UE de-registered itself [deregistered]");
        v.evidence = "";
        v.clause = "";
        expect_line(&v, "de-registration ok: the UE de-registered itself [deregistered]");
}

/* What came from the network can neither break the line nor flood it. */
static void test_line_hostile_evidence(void **state)
{
        (void)state;
        char long_text[3000];
        struct buf out = BUF_INIT;
        memset(long_text, 'a', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = 0;
        struct verdict v = {.procedure = VERDICT_REQUEST,
                            .outcome = VERDICT_FAILED,
                            .cause = CAUSE_malformed,
                            .evidence = "To: \033[2J\n\xff"};
        expect_line(&v, "request failed: the message is malformed [malformed; To: \\x1b[2J\\x0a\\xff]");
        v.evidence = long_text;
        verdict_line(&v, &out);
        assert_in_range(out.n, 100, 600);
        buf_free(&out);
}

static void test_every_cause(void **state)
{
        (void)state;
        for (unsigned i = 0; i < CAUSE_COUNT; i++) {
                const enum verdict_cause c = (enum verdict_cause)i;
                const char *public = verdict_public_text(c);
                assert_true(strlen(verdict_cause_name(c)) > 3);
                assert_true(strlen(verdict_cause_text(c)) > 10);
                assert_non_null(verdict_cause_hint(c));
                assert_true(!*public || !strcmp(public, verdict_cause_text(c)));
                /* nothing of the network's inside goes to a UE */
                assert_null(strstr(public, "HSS"));
                assert_null(strstr(public, "CSCF"));
                assert_null(strstr(public, "Diameter"));
        }
        assert_string_equal(verdict_public_text(CAUSE_user_unknown), "");
        assert_string_equal(verdict_public_text(CAUSE_internal_error), "");
        assert_string_equal(verdict_public_text(CAUSE_interval_too_brief),
                            "the requested expiry is below the minimum");
        assert_string_equal(verdict_cause_name(CAUSE_COUNT), "unknown");
        assert_string_equal(verdict_public_text(CAUSE_COUNT), "");
        assert_string_equal(verdict_outcome_name(VERDICT_FAILED), "failed");
        assert_string_equal(verdict_procedure_name(VERDICT_CX_PEER), "Cx peer");
        assert_string_equal(verdict_procedure_name((enum verdict_procedure)99), "unknown");
}

static void test_level_words(void **state)
{
        (void)state;
        for (unsigned i = 0; trace_conf_levels[i]; i++) {
                enum log_level level = LOG_ERROR;
                assert_int_equal(log_level_parse(span_of(trace_conf_levels[i]), &level), 0);
                assert_int_equal(level, i); /* the index is what CONF_ENUM stores */
        }
        assert_null(trace_conf_levels[LOG_DEBUG + 1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_line),
                cmocka_unit_test(test_line_hostile_evidence),
                cmocka_unit_test(test_every_cause),
                cmocka_unit_test(test_level_words),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
