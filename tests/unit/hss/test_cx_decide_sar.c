/* SPDX-License-Identifier: BSD-3-Clause
 * The decision tables of SAR and LIR, row by row: facts in, decision out, no store. */
#include "tests/unit/hss/decide.h"

static void sar_precheck(void **state)
{
        (void)state;
        static const struct {
                const char *name;
                uint32_t type, already;
                size_t impus;
                bool impi;
                uint32_t want; /* 0: goes on */
                uint32_t vendor;
        } rows[] = {
                {"registration", CX_SAT_REGISTRATION, 0, 1, true, 0, 0},
                {"registration of two", CX_SAT_REGISTRATION, 0, 2, true, DIA_AVP_OCCURS_TOO_MANY_TIMES, 0},
                {"re-registration of two", CX_SAT_RE_REGISTRATION, 0, 2, true, DIA_AVP_OCCURS_TOO_MANY_TIMES,
                 0},
                {"no assignment for two", CX_SAT_NO_ASSIGNMENT, 0, 2, true, DIA_AVP_OCCURS_TOO_MANY_TIMES, 0},
                {"unregistered for two", CX_SAT_UNREGISTERED_USER, 0, 2, true, DIA_AVP_OCCURS_TOO_MANY_TIMES,
                 0},
                {"failure of two", CX_SAT_AUTHENTICATION_FAILURE, 0, 2, true, DIA_AVP_OCCURS_TOO_MANY_TIMES,
                 0},
                {"timeout of two", CX_SAT_TIMEOUT_DEREGISTRATION, 0, 2, true, 0, 0},
                {"user leaves, IMPI alone", CX_SAT_USER_DEREGISTRATION, 0, 0, true, 0, 0},
                {"keep name, IMPI alone", CX_SAT_USER_DEREGISTRATION_STORE_SERVER_NAME, 0, 0, true, 0, 0},
                {"registration, IMPI alone", CX_SAT_REGISTRATION, 0, 0, true, DIA_MISSING_AVP, 0},
                {"registration, IMPU alone", CX_SAT_REGISTRATION, 0, 1, false, DIA_MISSING_AVP, 0},
                {"failure, IMPU alone", CX_SAT_AUTHENTICATION_TIMEOUT, 0, 1, false, DIA_MISSING_AVP, 0},
                {"unregistered, IMPU alone", CX_SAT_UNREGISTERED_USER, 0, 1, false, 0, 0},
                {"leaving, nobody named", CX_SAT_USER_DEREGISTRATION, 0, 0, false, DIA_MISSING_AVP, 0},
                {"SWx 12", CX_SAT_AAA_USER_DATA_REQUEST, 0, 1, true, CX_ERROR_IN_ASSIGNMENT_TYPE,
                 DIA_VENDOR_3GPP},
                {"SWx 13", CX_SAT_PGW_UPDATE, 0, 1, true, CX_ERROR_IN_ASSIGNMENT_TYPE, DIA_VENDOR_3GPP},
                {"SWx 14", CX_SAT_RESTORATION, 0, 1, true, CX_ERROR_IN_ASSIGNMENT_TYPE, DIA_VENDOR_3GPP},
                {"no such type", 15, 0, 1, true, DIA_INVALID_AVP_VALUE, 0},
                {"already 2", CX_SAT_REGISTRATION, 2, 1, true, DIA_INVALID_AVP_VALUE, 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct decision d = {.effects = EFFECTS_NONE};
                struct cx_sar m = {.type = rows[i].type,
                                   .data_already_available = rows[i].already,
                                   .impus.n = rows[i].impus,
                                   .impi = rows[i].impi ? SPAN("a@b") : SPAN_NULL};
                bool decided = cx_sar_precheck(&m, &d);
                if (decided != (rows[i].want != 0))
                        fail_msg("%s: decided %d", rows[i].name, decided);
                if (decided)
                        check(rows[i].name, &d, (struct dia_result){rows[i].vendor, rows[i].want});
        }
}

/* effects: state, registered, pending as digits or '-', name k/s/c, restoration k/s/c */
static void check_effects(const char *name, const struct effects *e, const char *want)
{
        char got[6];
        got[0] = e->state < 0 ? '-' : (char)('0' + e->state);
        got[1] = e->registered < 0 ? '-' : (char)('0' + e->registered);
        got[2] = e->pending < 0 ? '-' : (char)('0' + e->pending);
        got[3] = "ksc"[e->name];
        got[4] = "ksc"[e->restoration];
        got[5] = '\0';
        if (strcmp(got, want) != 0)
                fail_msg("%s: effects %s instead of %s", name, got, want);
}

#define OTHER .scscf_name = {SCSCF2, sizeof(SCSCF2) - 1}
#define REG   .state = REG_ST_REGISTERED, .registered = true

static const struct {
        const char *name;
        struct facts f;
        uint32_t type, already;
        bool keep, restoration;
        struct dia_result want;
        const char *effects;
        const char *carries; /* d user data, c charging, r restoration, n server name */
} sar_rows[] = {
        {"unknown", {.impu = 2}, 1, 0, 1, 0, TGPP(ERROR_USER_UNKNOWN), "---kk", ""},
        {"mismatch", {.impi = 1, .impu = 2}, 1, 0, 1, 0, TGPP(ERROR_IDENTITIES_DONT_MATCH), "---kk", ""},
        {"read by the assigned", {KNOWN, NAME1, REG}, 0, 0, 1, 0, BASE(SUCCESS), "---kk", "dcr"},
        {"read by a stranger", {KNOWN, OTHER, REG}, 0, 0, 1, 0, BASE(UNABLE_TO_COMPLY), "---kk", ""},
        {"read, none assigned", {KNOWN}, 0, 0, 1, 0, BASE(UNABLE_TO_COMPLY), "---kk", ""},
        {"register", {KNOWN, NAME1, .pending = 1}, 1, 0, 1, 0, BASE(SUCCESS), "110kk", "dc"},
        {"register, data there", {KNOWN, NAME1}, 1, 1, 1, 0, BASE(SUCCESS), "110kk", ""},
        {"register, none assigned", {KNOWN}, 1, 0, 1, 0, BASE(SUCCESS), "110sk", "dc"},
        {"register, with contacts", {KNOWN, NAME1}, 1, 0, 1, 1, BASE(SUCCESS), "110ks", "dc"},
        {"register, shared", {KNOWN, NAME1, .shared = 1}, 1, 0, 1, 0, BASE(SUCCESS), "110kk", "dcr"},
        {"register elsewhere",
         {KNOWN, OTHER},
         1,
         0,
         1,
         0,
         TGPP(ERROR_IDENTITY_ALREADY_REGISTERED),
         "---kk",
         "n"},
        {"register, may replace", {KNOWN, OTHER, .reassign = 1}, 1, 0, 1, 0, BASE(SUCCESS), "110sk", "dc"},
        {"register a PSI",
         {KNOWN, .type = PROFILE_DISTINCT_PSI},
         1,
         0,
         1,
         0,
         TGPP(ERROR_IN_ASSIGNMENT_TYPE),
         "---kk",
         ""},
        {"refresh", {KNOWN, NAME1, REG}, 2, 1, 1, 0, BASE(SUCCESS), "110kk", ""},
        {"refresh, shared", {KNOWN, NAME1, REG, .shared = 1}, 2, 0, 1, 0, BASE(SUCCESS), "110kk", "dc"},
        {"refresh elsewhere",
         {KNOWN, OTHER, REG},
         2,
         0,
         1,
         0,
         TGPP(ERROR_IDENTITY_ALREADY_REGISTERED),
         "---kk",
         "n"},
        {"refresh a PSI",
         {KNOWN, .type = PROFILE_WILDCARDED_PSI},
         2,
         0,
         1,
         0,
         TGPP(ERROR_IN_ASSIGNMENT_TYPE),
         "---kk",
         ""},
        {"unregistered", {KNOWN}, 3, 0, 1, 0, BASE(SUCCESS), "2--sk", "dcr"},
        {"unregistered, again",
         {KNOWN, NAME1, .state = REG_ST_UNREGISTERED},
         3,
         0,
         1,
         0,
         BASE(SUCCESS),
         "---kk",
         "dcr"},
        {"unregistered, registered", {KNOWN, NAME1, REG}, 3, 0, 1, 0, BASE(SUCCESS), "---kk", "dcr"},
        {"unregistered elsewhere",
         {KNOWN, OTHER},
         3,
         0,
         1,
         0,
         TGPP(ERROR_IDENTITY_ALREADY_REGISTERED),
         "---kk",
         "n"},
        {"unregistered PSI",
         {KNOWN, .type = PROFILE_DISTINCT_PSI},
         3,
         0,
         1,
         0,
         BASE(SUCCESS),
         "2--sk",
         "dcr"},
        {"timeout", {KNOWN, NAME1, REG}, 4, 0, 1, 0, BASE(SUCCESS), "000cc", ""},
        {"leaves", {KNOWN, NAME1, REG}, 5, 0, 1, 0, BASE(SUCCESS), "000cc", ""},
        {"administrative", {KNOWN, NAME1, REG}, 8, 0, 1, 0, BASE(SUCCESS), "000cc", ""},
        {"too much data", {KNOWN, NAME1, REG}, 11, 0, 1, 0, BASE(SUCCESS), "000cc", ""},
        {"leaves, other set stays",
         {KNOWN, NAME1, REG, .other_set_active = 1},
         5,
         0,
         1,
         0,
         BASE(SUCCESS),
         "000kc",
         ""},
        {"leaves, other pending",
         {KNOWN, NAME1, REG, .other_pending = 1},
         5,
         0,
         1,
         0,
         BASE(SUCCESS),
         "000kc",
         ""},
        {"leaves, other IMPI stays",
         {KNOWN, NAME1, REG, .sibling_registered = 1},
         5,
         0,
         1,
         0,
         BASE(SUCCESS),
         "100kc",
         ""},
        {"leaves elsewhere", {KNOWN, OTHER, REG}, 5, 0, 1, 0, BASE(UNABLE_TO_COMPLY), "---kk", ""},
        {"leaves, not there", {KNOWN}, 5, 0, 1, 0, BASE(SUCCESS), "000kc", ""},
        {"timeout, name kept", {KNOWN, NAME1, REG}, 6, 0, 1, 0, BASE(SUCCESS), "200kc", ""},
        {"leaves, name kept", {KNOWN, NAME1, REG}, 7, 0, 1, 0, BASE(SUCCESS), "200kc", ""},
        {"leaves, name not kept",
         {KNOWN, NAME1, REG},
         7,
         0,
         0,
         0,
         TGPP(SUCCESS_SERVER_NAME_NOT_STORED),
         "000cc",
         ""},
        {"keep, not registered",
         {KNOWN, NAME1},
         7,
         0,
         1,
         0,
         TGPP(SUCCESS_SERVER_NAME_NOT_STORED),
         "000cc",
         ""},
        {"keep, other IMPI stays",
         {KNOWN, NAME1, REG, .sibling_registered = 1},
         6,
         0,
         0,
         0,
         BASE(SUCCESS),
         "100kc",
         ""},
        {"failure", {KNOWN, NAME1, .pending = 1}, 9, 0, 1, 0, BASE(SUCCESS), "--0ck", ""},
        {"failure, registered", {KNOWN, NAME1, REG, .pending = 1}, 9, 0, 1, 0, BASE(SUCCESS), "--0kk", ""},
        {"failure, unregistered",
         {KNOWN, NAME1, .state = REG_ST_UNREGISTERED, .pending = 1},
         9,
         0,
         1,
         0,
         BASE(SUCCESS),
         "--0kk",
         ""},
        {"failure, other set stays",
         {KNOWN, NAME1, .pending = 1, .other_set_active = 1},
         9,
         0,
         1,
         0,
         BASE(SUCCESS),
         "--0kk",
         ""},
        {"no answer", {KNOWN, NAME1, .pending = 1}, 10, 0, 1, 0, BASE(SUCCESS), "--0ck", ""},
        {"failure elsewhere", {KNOWN, OTHER, .pending = 1}, 9, 0, 1, 0, BASE(UNABLE_TO_COMPLY), "---kk", ""},
};

static void sar(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof sar_rows / sizeof *sar_rows; i++) {
                struct cx_sar m = {.type = sar_rows[i].type,
                                   .data_already_available = sar_rows[i].already,
                                   .impus.n = 1,
                                   .impi = SPAN("a@b"),
                                   .server_name = SPAN(SCSCF1),
                                   .has_restoration = sar_rows[i].restoration};
                struct decision d = cx_sar_decide(&m, &sar_rows[i].f, sar_rows[i].keep);
                char carries[5] = "", *p = carries;
                if (!dia_result_is(d.result, sar_rows[i].want))
                        fail_msg("%s: %u/%u", sar_rows[i].name, d.result.vendor, d.result.code);
                check_effects(sar_rows[i].name, &d.effects, sar_rows[i].effects);
                if (d.user_data)
                        *p++ = 'd';
                if (d.charging)
                        *p++ = 'c';
                if (d.restoration)
                        *p++ = 'r';
                if (d.server_name)
                        *p++ = 'n';
                *p = '\0';
                if (strcmp(carries, sar_rows[i].carries) != 0)
                        fail_msg("%s: carries %s instead of %s", sar_rows[i].name, carries,
                                 sar_rows[i].carries);
        }
        proves("AKA-034 AKA-041 AKA-045 AKA-046 AKA-050");
}

static void lir(void **state)
{
        (void)state;
        enum { NONE = -1 };
        static const struct {
                const char *name;
                struct facts f;
                bool originating;
                int type;
                struct dia_result want;
                const char *carries; /* n server name, c capabilities, a application server */
        } rows[] = {
                {"unknown", {.impi = 0}, 0, NONE, TGPP(ERROR_USER_UNKNOWN), ""},
                {"registered", {KNOWN, NAME1, .state = REG_ST_REGISTERED}, 0, NONE, BASE(SUCCESS), "n"},
                {"unregistered", {KNOWN, NAME1, .state = REG_ST_UNREGISTERED}, 0, NONE, BASE(SUCCESS), "n"},
                {"not registered", {KNOWN}, 0, NONE, TGPP(ERROR_IDENTITY_NOT_REGISTERED), ""},
                {"not registered, pending",
                 {KNOWN, NAME1, .pending = 1},
                 0,
                 NONE,
                 TGPP(ERROR_IDENTITY_NOT_REGISTERED),
                 ""},
                {"has services",
                 {KNOWN, .unregistered_services = 1},
                 0,
                 NONE,
                 TGPP(UNREGISTERED_SERVICE),
                 "c"},
                {"has services, name there",
                 {KNOWN, NAME1, .unregistered_services = 1},
                 0,
                 NONE,
                 BASE(SUCCESS),
                 "n"},
                {"originating", {KNOWN}, 1, NONE, TGPP(UNREGISTERED_SERVICE), "c"},
                {"originating, name there", {KNOWN, NAME1}, 1, NONE, BASE(SUCCESS), "n"},
                {"PSI with AS",
                 {KNOWN, .type = PROFILE_DISTINCT_PSI, .as_name = {"sip:as", 6}},
                 0,
                 NONE,
                 BASE(SUCCESS),
                 "a"},
                {"PSI with AS, originating",
                 {KNOWN, .type = PROFILE_DISTINCT_PSI, .as_name = {"sip:as", 6}},
                 1,
                 NONE,
                 TGPP(UNREGISTERED_SERVICE),
                 "c"},
                {"PSI without AS",
                 {KNOWN, .type = PROFILE_DISTINCT_PSI, .unregistered_services = 1},
                 0,
                 NONE,
                 TGPP(UNREGISTERED_SERVICE),
                 "c"},
                {"capabilities", {KNOWN, NAME1, .state = REG_ST_REGISTERED}, 0, 2, BASE(SUCCESS), "nc"},
                {"no such type", {KNOWN}, 0, 3, BASE(INVALID_AVP_VALUE), ""},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct cx_lir m = {.originating = rows[i].originating,
                                   .has_type = rows[i].type >= 0,
                                   .type = (uint32_t)rows[i].type};
                struct decision d = cx_lir_decide(&m, &rows[i].f);
                char carries[4] = "", *p = carries;
                check(rows[i].name, &d, rows[i].want);
                if (d.server_name)
                        *p++ = 'n';
                if (d.capabilities)
                        *p++ = 'c';
                if (d.as_name)
                        *p++ = 'a';
                *p = '\0';
                if (strcmp(carries, rows[i].carries) != 0)
                        fail_msg("%s: carries %s instead of %s", rows[i].name, carries, rows[i].carries);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sar),
                cmocka_unit_test(sar_precheck),
                cmocka_unit_test(lir),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
