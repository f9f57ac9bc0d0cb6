/* SPDX-License-Identifier: BSD-3-Clause
 * The decision tables of UAR, MAR, SAR and LIR, row by row: facts in, decision out, no store. */
#include "tests/unit/hss/fixture.h"

#include "common/profile/profile.h"

#define BASE(code)                                                                                           \
        {                                                                                                    \
                0, DIA_##code                                                                                \
        }
#define TGPP(code)                                                                                           \
        {                                                                                                    \
                DIA_VENDOR_3GPP, CX_##code                                                                   \
        }
#define NAME1 .scscf_name = {SCSCF1, sizeof(SCSCF1) - 1}
#define KNOWN                                                                                                \
        .impi = 1, .impu = 2, .set = 3, .subscription = 4, .associated = true, .registration_allowed = true

static void check(const char *name, const struct decision *d, struct dia_result want)
{
        if (!dia_result_is(d->result, want))
                fail_msg("%s: %u/%u instead of %u/%u", name, d->result.vendor, d->result.code, want.vendor,
                         want.code);
        if (dia_result_ok(d->result))
                return;
        /* Who is refused is told why, and nothing is written. */
        assert_non_null(d->why);
        assert_int_equal(d->effects.state, -1);
        assert_int_equal(d->effects.registered, -1);
        assert_int_equal(d->effects.pending, -1);
        assert_int_equal(d->effects.name, NAME_KEEP);
}

static void uar(void **state)
{
        (void)state;
        enum { NONE = -1 };
        static const struct {
                const char *name;
                struct facts f;
                int type;
                uint32_t flags;
                struct dia_result want;
                bool server_name, capabilities;
        } rows[] = {
                {"IMPI unknown", {.impu = 2}, NONE, 0, TGPP(ERROR_USER_UNKNOWN), 0, 0},
                {"IMPU unknown", {.impi = 1}, NONE, 0, TGPP(ERROR_USER_UNKNOWN), 0, 0},
                {"of another IMPI", {.impi = 1, .impu = 2}, NONE, 0, TGPP(ERROR_IDENTITIES_DONT_MATCH), 0, 0},
                {"one barred", {KNOWN, .barred = 1}, NONE, 0, TGPP(FIRST_REGISTRATION), 0, 1},
                {"all barred",
                 {KNOWN, .barred = 1, .set_barred = 1},
                 NONE,
                 0,
                 BASE(AUTHORIZATION_REJECTED),
                 0,
                 0},
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
                 NONE,
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
                {"registered",
                 {KNOWN, .state = REG_ST_REGISTERED, NAME1},
                 0,
                 0,
                 TGPP(SUBSEQUENT_REGISTRATION),
                 1,
                 0},
                {"registered, leaving",
                 {KNOWN, .state = REG_ST_REGISTERED, NAME1},
                 1,
                 0,
                 BASE(SUCCESS),
                 1,
                 0},
                {"unregistered",
                 {KNOWN, .state = REG_ST_UNREGISTERED, NAME1},
                 NONE,
                 0,
                 TGPP(SUBSEQUENT_REGISTRATION),
                 1,
                 0},
                {"unregistered, leaving",
                 {KNOWN, .state = REG_ST_UNREGISTERED, NAME1},
                 1,
                 0,
                 BASE(SUCCESS),
                 1,
                 0},
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
                {"pending elsewhere",
                 {KNOWN, .other_pending = 1, NAME1},
                 0,
                 0,
                 TGPP(SUBSEQUENT_REGISTRATION),
                 1,
                 0},
                {"name left over", {KNOWN, NAME1}, 0, 0, TGPP(FIRST_REGISTRATION), 0, 1},
                {"no such type", {KNOWN}, 3, 0, BASE(INVALID_AVP_VALUE), 0, 0},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct cx_uar m = {.visited_network = SPAN("a.example"),
                                   .has_type = rows[i].type >= 0,
                                   .type = (uint32_t)rows[i].type,
                                   .has_flags = rows[i].flags != 0,
                                   .flags = rows[i].flags};
                struct decision d = cx_uar_decide(&m, &rows[i].f);
                check(rows[i].name, &d, rows[i].want);
                if (d.server_name != rows[i].server_name || d.capabilities != rows[i].capabilities)
                        fail_msg("%s: server name %d, capabilities %d", rows[i].name, d.server_name,
                                 d.capabilities);
                /* Only who asks for capabilities lets another S-CSCF take over. */
                assert_int_equal(d.effects.reassign, rows[i].type == 2 && d.server_name ? 1 : -1);
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

static void mar(void **state)
{
        (void)state;
        static const struct {
                const char *name;
                struct facts f;
                const char *scheme;
                size_t auts;
                struct dia_result want;
                int pending;
                enum name_effect effect;
                bool resync;
        } rows[] = {
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
                {"AKA, same S-CSCF",
                 {KNOWN, NAME1, .pending = 1},
                 CX_SCHEME_AKA,
                 0,
                 BASE(SUCCESS),
                 1,
                 NAME_KEEP,
                 0},
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
                {"AUTS too short",
                 {KNOWN, NAME1},
                 CX_SCHEME_AKA,
                 29,
                 BASE(INVALID_AVP_VALUE),
                 -1,
                 NAME_KEEP,
                 0},
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
                {"Unknown for NBA user",
                 {KNOWN, .scheme = HSS_SCHEME_NBA},
                 CX_SCHEME_UNKNOWN,
                 0,
                 BASE(SUCCESS),
                 -1,
                 NAME_STORE,
                 0},
                {"made up",
                 {KNOWN},
                 "Digest-AKAv9",
                 0,
                 TGPP(ERROR_AUTH_SCHEME_NOT_SUPPORTED),
                 -1,
                 NAME_KEEP,
                 0},
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
        static const char auts[30];
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct cx_mar m = {.server_name = SPAN(SCSCF1), .item.scheme = span_of(rows[i].scheme)};
                if (rows[i].auts)
                        m.item.authorization = span_make(auts, rows[i].auts);
                struct decision d = cx_mar_decide(&m, &rows[i].f);
                check(rows[i].name, &d, rows[i].want);
                if (d.effects.pending != rows[i].pending || d.effects.name != rows[i].effect ||
                    d.resync != rows[i].resync)
                        fail_msg("%s: pending %d, name %d, resync %d", rows[i].name, d.effects.pending,
                                 d.effects.name, d.resync);
                assert_int_equal(d.effects.state, -1);
        }
        proves("AKA-017 AKA-018");
}

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

static void sar(void **state)
{
        (void)state;
        static const struct {
                const char *name;
                struct facts f;
                uint32_t type, already;
                bool keep, restoration;
                struct dia_result want;
                const char *effects;
                const char *carries; /* d user data, c charging, r restoration, n server name */
        } rows[] = {
                {"unknown", {.impu = 2}, 1, 0, 1, 0, TGPP(ERROR_USER_UNKNOWN), "---kk", ""},
                {"mismatch",
                 {.impi = 1, .impu = 2},
                 1,
                 0,
                 1,
                 0,
                 TGPP(ERROR_IDENTITIES_DONT_MATCH),
                 "---kk",
                 ""},
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
                {"register, may replace",
                 {KNOWN, OTHER, .reassign = 1},
                 1,
                 0,
                 1,
                 0,
                 BASE(SUCCESS),
                 "110sk",
                 "dc"},
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
                {"refresh, shared",
                 {KNOWN, NAME1, REG, .shared = 1},
                 2,
                 0,
                 1,
                 0,
                 BASE(SUCCESS),
                 "110kk",
                 "dc"},
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
                {"failure, registered",
                 {KNOWN, NAME1, REG, .pending = 1},
                 9,
                 0,
                 1,
                 0,
                 BASE(SUCCESS),
                 "--0kk",
                 ""},
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
                {"failure elsewhere",
                 {KNOWN, OTHER, .pending = 1},
                 9,
                 0,
                 1,
                 0,
                 BASE(UNABLE_TO_COMPLY),
                 "---kk",
                 ""},
        };
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct cx_sar m = {.type = rows[i].type,
                                   .data_already_available = rows[i].already,
                                   .impus.n = 1,
                                   .impi = SPAN("a@b"),
                                   .server_name = SPAN(SCSCF1),
                                   .has_restoration = rows[i].restoration};
                struct decision d = cx_sar_decide(&m, &rows[i].f, rows[i].keep);
                char carries[5] = "", *p = carries;
                if (!dia_result_is(d.result, rows[i].want))
                        fail_msg("%s: %u/%u", rows[i].name, d.result.vendor, d.result.code);
                check_effects(rows[i].name, &d.effects, rows[i].effects);
                if (d.user_data)
                        *p++ = 'd';
                if (d.charging)
                        *p++ = 'c';
                if (d.restoration)
                        *p++ = 'r';
                if (d.server_name)
                        *p++ = 'n';
                *p = '\0';
                if (strcmp(carries, rows[i].carries) != 0)
                        fail_msg("%s: carries %s instead of %s", rows[i].name, carries, rows[i].carries);
        }
        proves("AKA-034 AKA-045 AKA-046");
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
                cmocka_unit_test(uar), cmocka_unit_test(features),     cmocka_unit_test(mar),
                cmocka_unit_test(sar), cmocka_unit_test(sar_precheck), cmocka_unit_test(lir),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
