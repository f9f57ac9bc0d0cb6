/* SPDX-License-Identifier: BSD-3-Clause
 * The decision tables of UAR and MAR, row by row: facts in, decision out, no store. */
#include "tests/unit/hss/decide.h"

enum { ABSENT = -1 };

static const struct {
        const char *name;
        struct facts f;
        int type;
        uint32_t flags;
        struct dia_result want;
        bool server_name, capabilities;
} uar_rows[] = {
        {"IMPI unknown", {.impu = 2}, ABSENT, 0, TGPP(ERROR_USER_UNKNOWN), 0, 0},
        {"IMPU unknown", {.impi = 1}, ABSENT, 0, TGPP(ERROR_USER_UNKNOWN), 0, 0},
        {"of another IMPI", {.impi = 1, .impu = 2}, ABSENT, 0, TGPP(ERROR_IDENTITIES_DONT_MATCH), 0, 0},
        {"one barred", {KNOWN, .barred = 1}, ABSENT, 0, TGPP(FIRST_REGISTRATION), 0, 1},
        {"all barred", {KNOWN, .barred = 1, .set_barred = 1}, ABSENT, 0, BASE(AUTHORIZATION_REJECTED), 0, 0},
        {"all barred, leaving",
         {KNOWN, .barred = 1, .set_barred = 1},
         1,
         0,
         BASE(AUTHORIZATION_REJECTED),
         0,
         0},
        {"all barred, emergency",
         {KNOWN, .barred = 1, .set_barred = 1},
         0,
         1,
         TGPP(FIRST_REGISTRATION),
         0,
         1},
        {"roaming denied",
         {KNOWN, .visited = {"b.example\nc.example", 19}},
         ABSENT,
         0,
         TGPP(ERROR_ROAMING_NOT_ALLOWED),
         0,
         0},
        {"roaming denied, capabilities",
         {KNOWN, .visited = {"b.example", 9}},
         2,
         0,
         TGPP(ERROR_ROAMING_NOT_ALLOWED),
         0,
         0},
        {"roaming denied, leaving",
         {KNOWN, .visited = {"b.example", 9}, .state = REG_ST_REGISTERED, NAME1},
         1,
         0,
         BASE(SUCCESS),
         1,
         0},
        {"roaming denied, emergency",
         {KNOWN, .visited = {"b.example", 9}},
         0,
         1,
         TGPP(FIRST_REGISTRATION),
         0,
         1},
        {"roaming allowed",
         {KNOWN, .visited = {"b.example\nA.example", 19}},
         0,
         0,
         TGPP(FIRST_REGISTRATION),
         0,
         1},
        {"may not register",
         {.impi = 1, .impu = 2, .associated = true},
         0,
         0,
         BASE(AUTHORIZATION_REJECTED),
         0,
         0},
        {"capabilities, none assigned", {KNOWN}, 2, 0, BASE(SUCCESS), 0, 1},
        {"capabilities, assigned", {KNOWN, NAME1}, 2, 0, BASE(SUCCESS), 1, 1},
        {"registered", {KNOWN, .state = REG_ST_REGISTERED, NAME1}, 0, 0, TGPP(SUBSEQUENT_REGISTRATION), 1, 0},
        {"registered, leaving", {KNOWN, .state = REG_ST_REGISTERED, NAME1}, 1, 0, BASE(SUCCESS), 1, 0},
        {"unregistered",
         {KNOWN, .state = REG_ST_UNREGISTERED, NAME1},
         ABSENT,
         0,
         TGPP(SUBSEQUENT_REGISTRATION),
         1,
         0},
        {"unregistered, leaving", {KNOWN, .state = REG_ST_UNREGISTERED, NAME1}, 1, 0, BASE(SUCCESS), 1, 0},
        {"not registered, leaving", {KNOWN}, 1, 0, TGPP(ERROR_IDENTITY_NOT_REGISTERED), 0, 0},
        {"first", {KNOWN}, 0, 0, TGPP(FIRST_REGISTRATION), 0, 1},
        {"other identity served",
         {KNOWN, .other_set_active = 1, NAME1},
         0,
         0,
         TGPP(SUBSEQUENT_REGISTRATION),
         1,
         0},
        {"pending", {KNOWN, .pending = 1, NAME1}, 0, 0, TGPP(SUBSEQUENT_REGISTRATION), 1, 0},
        {"pending elsewhere", {KNOWN, .other_pending = 1, NAME1}, 0, 0, TGPP(SUBSEQUENT_REGISTRATION), 1, 0},
        {"name left over", {KNOWN, NAME1}, 0, 0, TGPP(FIRST_REGISTRATION), 0, 1},
        {"no such type", {KNOWN}, 3, 0, BASE(INVALID_AVP_VALUE), 0, 0},
};

static void uar(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof uar_rows / sizeof *uar_rows; i++) {
                struct cx_uar m = {.visited_network = SPAN("a.example"),
                                   .has_type = uar_rows[i].type >= 0,
                                   .type = (uint32_t)uar_rows[i].type,
                                   .has_flags = uar_rows[i].flags != 0,
                                   .flags = uar_rows[i].flags};
                struct decision d = cx_uar_decide(&m, &uar_rows[i].f);
                check(uar_rows[i].name, &d, uar_rows[i].want);
                if (d.server_name != uar_rows[i].server_name || d.capabilities != uar_rows[i].capabilities)
                        fail_msg("%s: server name %d, capabilities %d", uar_rows[i].name, d.server_name,
                                 d.capabilities);
                /* Only who asks for capabilities lets another S-CSCF take over. */
                assert_int_equal(d.effects.reassign, uar_rows[i].type == 2 && d.server_name ? 1 : -1);
        }
        proves("AKA-020");
}

static void features(void **state)
{
        (void)state;
        const struct facts f = {KNOWN};
        struct cx_uar m = {.h.features = {.present = true,
                                          .has_m = true,
                                          .vendor = DIA_VENDOR_3GPP,
                                          .list_id = 1,
                                          .features = 8}};
        assert_result(cx_uar_decide(&m, &f).result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED));
        m.h.features.features = 7;
        assert_result(cx_uar_decide(&m, &f).result, dia_3gpp(CX_FIRST_REGISTRATION));
        m.h.features.features = 8;
        m.h.features.has_m = false;
        assert_result(cx_uar_decide(&m, &f).result, dia_3gpp(CX_FIRST_REGISTRATION));
        m.h.features.has_m = true;
        m.h.features.features = 1;
        m.h.features.list_id = 2;
        assert_result(cx_uar_decide(&m, &f).result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED));
        struct cx_mar mar = {.h = m.h};
        struct cx_lir lir = {.h = m.h};
        struct cx_sar sar = {.h = m.h};
        struct decision d;
        assert_result(cx_mar_decide(&mar, &f).result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED));
        assert_result(cx_lir_decide(&lir, &f).result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED));
        assert_true(cx_sar_precheck(&sar, &d));
        assert_result(d.result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED));
}

static const struct {
        const char *name;
        struct facts f;
        const char *scheme;
        size_t auts;
        struct dia_result want;
        int pending;
        enum name_effect effect;
        bool resync;
} mar_rows[] = {
        {"IMPI unknown", {.impu = 2}, CX_SCHEME_AKA, 0, TGPP(ERROR_USER_UNKNOWN), -1, NAME_KEEP, 0},
        {"mismatch",
         {.impi = 1, .impu = 2},
         CX_SCHEME_AKA,
         0,
         TGPP(ERROR_IDENTITIES_DONT_MATCH),
         -1,
         NAME_KEEP,
         0},
        {"AKA, first", {KNOWN}, CX_SCHEME_AKA, 0, BASE(SUCCESS), 1, NAME_STORE, 0},
        {"AKAv2 alias", {KNOWN}, "Digest-AKAv2-SHA-256", 0, BASE(SUCCESS), 1, NAME_STORE, 0},
        {"AKA, same S-CSCF", {KNOWN, NAME1, .pending = 1}, CX_SCHEME_AKA, 0, BASE(SUCCESS), 1, NAME_KEEP, 0},
        {"AKA, registered",
         {KNOWN, NAME1, .state = REG_ST_REGISTERED},
         CX_SCHEME_AKA,
         0,
         BASE(SUCCESS),
         -1,
         NAME_KEEP,
         0},
        {"AKA, unregistered",
         {KNOWN, NAME1, .state = REG_ST_UNREGISTERED},
         CX_SCHEME_AKA,
         0,
         BASE(SUCCESS),
         1,
         NAME_KEEP,
         0},
        {"AKA, registered elsewhere",
         {KNOWN, .scscf_name = {SCSCF2, sizeof SCSCF2 - 1}, .state = REG_ST_REGISTERED},
         CX_SCHEME_AKA,
         0,
         BASE(SUCCESS),
         1,
         NAME_STORE,
         0},
        {"AUTS, same S-CSCF",
         {KNOWN, NAME1, .pending = 1},
         CX_SCHEME_AKA,
         30,
         BASE(SUCCESS),
         -1,
         NAME_KEEP,
         1},
        {"AUTS, other S-CSCF",
         {KNOWN, .scscf_name = {SCSCF2, sizeof SCSCF2 - 1}},
         CX_SCHEME_AKA,
         30,
         BASE(SUCCESS),
         1,
         NAME_STORE,
         0},
        {"AUTS too short", {KNOWN, NAME1}, CX_SCHEME_AKA, 29, BASE(INVALID_AVP_VALUE), -1, NAME_KEEP, 0},
        {"AUTS alone", {KNOWN, NAME1}, CX_SCHEME_AKA, 14, BASE(INVALID_AVP_VALUE), -1, NAME_KEEP, 0},
        {"no scheme", {KNOWN}, NULL, 0, BASE(MISSING_AVP), -1, NAME_KEEP, 0},
        {"Digest for AKA user",
         {KNOWN},
         CX_SCHEME_DIGEST,
         0,
         TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED),
         -1,
         NAME_KEEP,
         0},
        {"AKA for Digest user",
         {KNOWN, .scheme = HSS_SCHEME_DIGEST},
         CX_SCHEME_AKA,
         0,
         TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED),
         -1,
         NAME_KEEP,
         0},
        {"Unknown for AKA user",
         {KNOWN},
         CX_SCHEME_UNKNOWN,
         0,
         TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED),
         -1,
         NAME_KEEP,
         0},
        {"Unknown for Digest user",
         {KNOWN, .scheme = HSS_SCHEME_DIGEST},
         CX_SCHEME_UNKNOWN,
         0,
         BASE(SUCCESS),
         1,
         NAME_STORE,
         0},
        {"SIP Digest, registered: H(A1) alone", /* also for a request after a restart of the S-CSCF */
         {KNOWN, .scheme = HSS_SCHEME_DIGEST, .state = REG_ST_REGISTERED, NAME1},
         CX_SCHEME_DIGEST,
         0,
         BASE(SUCCESS),
         -1,
         NAME_KEEP,
         0},
        {"Unknown for NBA user",
         {KNOWN, .scheme = HSS_SCHEME_NBA},
         CX_SCHEME_UNKNOWN,
         0,
         BASE(SUCCESS),
         -1,
         NAME_STORE,
         0},
        {"made up", {KNOWN}, "Digest-AKAv9", 0, TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED), -1, NAME_KEEP, 0},
        {"GIBA", {KNOWN}, CX_SCHEME_GIBA, 0, TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED), -1, NAME_KEEP, 0},
        {"case matters",
         {KNOWN},
         "digest-akav1-md5",
         0,
         TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED),
         -1,
         NAME_KEEP,
         0},
};

static void mar(void **state)
{
        (void)state;
        static const char auts[30];
        for (size_t i = 0; i < sizeof mar_rows / sizeof *mar_rows; i++) {
                struct cx_mar m = {.server_name = SPAN(SCSCF1), .item.scheme = span_of(mar_rows[i].scheme)};
                if (mar_rows[i].auts)
                        m.item.authorization = span_make(auts, mar_rows[i].auts);
                struct decision d = cx_mar_decide(&m, &mar_rows[i].f);
                check(mar_rows[i].name, &d, mar_rows[i].want);
                if (d.effects.pending != mar_rows[i].pending || d.effects.name != mar_rows[i].effect ||
                    d.resync != mar_rows[i].resync)
                        fail_msg("%s: pending %d, name %d, resync %d", mar_rows[i].name, d.effects.pending,
                                 d.effects.name, d.resync);
                assert_int_equal(d.effects.state, -1);
        }
        proves("AKA-012 AKA-017 AKA-018");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(uar),
                cmocka_unit_test(features),
                cmocka_unit_test(mar),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
