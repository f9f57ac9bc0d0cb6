/* SPDX-License-Identifier: BSD-3-Clause
 * What the answers of the HSS carry on the wire, AVP by AVP. TS 29.229 6.1. */
#include <signal.h>
#include <stdlib.h>

#include "common/base/span.h"
#include "tests/flows/hss/lab.h"

#define IMPI   "001010000000001@" DOMAIN
#define TABLET "tablet@" DOMAIN
#define TEMP   "sip:001010000000001@" DOMAIN
#define SIP    "sip:+15550001@" DOMAIN
#define ROOM   "sip:room7@" DOMAIN
#define CONF   "sip:conf@" DOMAIN

static void write_profile(struct lab *lab)
{
        char path[128];
        (void)snprintf(path, sizeof path, "%s/shared.xml", lab->dir);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        (void)fputs(
                "<IMSSubscription><PrivateID>x@y</PrivateID><ServiceProfile><PublicIdentity><Identity>sip:x@y"
                "</Identity></PublicIdentity><Extension><SharedIFCSetID>100</SharedIFCSetID></Extension>"
                "</ServiceProfile></IMSSubscription>",
                f);
        assert_int_equal(fclose(f), 0);
        (void)snprintf(path, sizeof path, "profile set shared %s/shared.xml", lab->dir);
        assert_int_equal(lab_hss(lab, path, NULL), 0);
}

static int setup(void **state)
{
        static struct lab lab;
        static const char *const subscribers[] = {
                "--imsi 001010000000001 --msisdn 15550001 --k " K " --opc " OPC " --profile shared"
                " --ecf aaa://e1.example aaa://e2.example --ccf aaa://c1.example aaa://c2.example "
                "--loose-route yes"
                " --priviledged-sender no",
                "--impi " TABLET " --join " IMPI " --k " K " --opc " OPC,
                "--imsi 001010000000002 --k " K " --opc " OPC " --psi sip:room!.*!@" DOMAIN
                " --unregistered-services yes --scscf-capability mandatory:1 mandatory:2 optional:3 "
                "optional:4"
                " --scscf-name sip:s1.example sip:s2.example",
                "--imsi 001010000000003 --k " K " --opc " OPC " --psi " CONF " --as-name sip:as1.example",
                "--impi carol@example.org --password secret",
                "--impi erin@example.org --password secret --digest-algorithm SHA-256",
                "--impi dave@example.org --nba-line dsl-1 dsl-2",
        };
        lab_open(&lab, "cx: {wafs: [waf.example], wwsfs: [wwsf1.example, wwsf2.example]}\n");
        assert_int_equal(lab_hss(&lab, "init", NULL), 0);
        write_profile(&lab);
        for (size_t i = 0; i < sizeof subscribers / sizeof *subscribers; i++) {
                char args[1024];
                (void)snprintf(args, sizeof args, "subscriber add %s", subscribers[i]);
                assert_int_equal(lab_hss(&lab, args, NULL), 0);
        }
        lab_start(&lab);
        *state = &lab;
        return 0;
}

static int teardown(void **state)
{
        lab_close(*state);
        return 0;
}

static void assert_span(struct span got, const char *want)
{
        if (!span_eq(got, span_of(want)))
                fail_msg("\"" SPAN_FMT "\" instead of \"%s\"", SPAN_ARG(got), want);
}

/* Sends and waits; the answer is looked at by check, inside the callback it is valid in. */
#define ASK(req, ans)                                                                                        \
        struct ask_##ans {                                                                                   \
                bool done;                                                                                   \
                void (*check)(const struct cx_##ans *a);                                                     \
        };                                                                                                   \
        static void got_##ans(int err, const struct cx_##ans *a, void *arg)                                  \
        {                                                                                                    \
                struct ask_##ans *ask = arg;                                                                 \
                ask->done = true;                                                                            \
                assert_int_equal(err, 0);                                                                    \
                ask->check(a);                                                                               \
        }                                                                                                    \
        static void ask_##req(struct lab *lab, const struct cx_##req *rq,                                    \
                              void (*check)(const struct cx_##ans *a))                                       \
        {                                                                                                    \
                struct ask_##ans ask = {.check = check};                                                     \
                assert_int_equal(cx_send_##req(lab->node, rq, 5000, got_##ans, &ask, NULL), 0);              \
                lab_wait(lab, &ask.done);                                                                    \
        }
ASK(uar, uaa)
ASK(mar, maa)
ASK(sar, saa)
ASK(lir, lia)

/* --- MAA --- */

static void three_vectors(const struct cx_maa *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_span(a->impi, IMPI);
        assert_span(a->impu, TEMP);
        assert_true(a->has_n_items);
        assert_int_equal(a->n_items, 3);
        assert_int_equal(a->n, 3);
        for (size_t i = 0; i < 3; i++) {
                assert_true(a->items[i].has_item_number); /* in the order they are to be used in */
                assert_int_equal(a->items[i].item_number, i + 1);
                assert_span(a->items[i].scheme, CX_SCHEME_AKA);
                assert_int_equal(a->items[i].authenticate.n, 32);
                assert_int_equal(a->items[i].authorization.n, 8);
                assert_int_equal(a->items[i].ck.n, 16);
                assert_int_equal(a->items[i].ik.n, 16);
        }
        assert_false(a->h.features.present); /* not asked for */
}

static void one_vector(const struct cx_maa *a)
{
        assert_int_equal(a->n, 1);
        assert_false(a->items[0].has_item_number);
        assert_true(a->h.features.present);
        assert_int_equal(a->h.features.vendor, DIA_VENDOR_3GPP);
        assert_int_equal(a->h.features.list_id, 1);
        assert_int_equal(a->h.features.features, 7);
}

static void no_feature(const struct cx_maa *a)
{
        assert_result(a->h.result, dia_3gpp(CX_ERROR_FEATURE_UNSUPPORTED));
        assert_int_equal(a->h.features.features, 7); /* what there is */
        assert_int_equal(a->n, 0);
        assert_true(a->h.error_message.n > 0);
}

static void digest_item(const struct cx_maa *a, const char *algorithm, const char *ha1)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_int_equal(a->n_items, 1);
        assert_int_equal(a->n, 1);
        assert_span(a->items[0].scheme, CX_SCHEME_DIGEST);
        assert_true(a->items[0].digest.present);
        assert_span(a->items[0].digest.realm, "example.org");
        assert_span(a->items[0].digest.algorithm, algorithm);
        assert_span(a->items[0].digest.qop, "auth");
        assert_span(a->items[0].digest.ha1, ha1);
        assert_null(a->items[0].authenticate.p);
        assert_null(a->items[0].authorization.p);
        assert_null(a->items[0].ck.p);
        assert_null(a->items[0].ik.p);
}

/* As `printf %s carol@example.org:example.org:secret | md5sum` has it, and sha256sum for Erin. */
static void digest_md5(const struct cx_maa *a)
{
        digest_item(a, "MD5", "8c45b525cfb21f71772b237f339adc10");
}

static void digest_sha256(const struct cx_maa *a)
{
        digest_item(a, "SHA-256", "8c9eeeb8064c29019b514e99f25e5ba52b4442b5bc477b46a48ec547c0c1ea44");
}

static void nba(const struct cx_maa *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_int_equal(a->n_items, 1);
        assert_span(a->items[0].scheme, CX_SCHEME_NBA);
        assert_int_equal(a->items[0].line_identifiers.n, 2);
        assert_span(a->items[0].line_identifiers.v[0], "dsl-1");
        assert_span(a->items[0].line_identifiers.v[1], "dsl-2");
}

static void maa(void **state)
{
        struct lab *lab = *state;
        struct cx_mar m = {.impi = SPAN(IMPI),
                           .impu = SPAN(TEMP),
                           .server_name = SPAN(SCSCF),
                           .n_items = 3,
                           .item.scheme = SPAN(CX_SCHEME_AKA)};
        ask_mar(lab, &m, three_vectors);
        m.n_items = 1;
        m.h.features =
                (struct cx_features){.present = true, .vendor = DIA_VENDOR_3GPP, .list_id = 1, .features = 1};
        ask_mar(lab, &m, one_vector);
        m.h.features.has_m = true;
        m.h.features.features = 8;
        ask_mar(lab, &m, no_feature);
        m = (struct cx_mar){.impi = SPAN("dave@example.org"),
                            .impu = SPAN("sip:dave@example.org"),
                            .server_name = SPAN(SCSCF),
                            .n_items = 5,
                            .item.scheme = SPAN(CX_SCHEME_UNKNOWN)};
        ask_mar(lab, &m, nba);
        m.impi = SPAN("carol@example.org"); /* asked in the same way: the user decides */
        m.impu = SPAN("sip:carol@example.org");
        ask_mar(lab, &m, digest_md5);
        proves("NBA-001 NBA-004 NBA-010");
}

/* Whatever number of items is asked for, one comes; both names of the scheme are the same. */
static void maa_digest(void **state)
{
        static const char *const schemes[] = {CX_SCHEME_UNKNOWN, CX_SCHEME_DIGEST};
        for (size_t i = 0; i < 2; i++) {
                struct cx_mar m = {.impi = SPAN("carol@example.org"),
                                   .impu = SPAN("sip:carol@example.org"),
                                   .server_name = SPAN(SCSCF),
                                   .n_items = 5,
                                   .item.scheme = span_of(schemes[i])};
                ask_mar(*state, &m, digest_md5);
                m.n_items = 1;
                m.impi = SPAN("erin@example.org");
                m.impu = SPAN("sip:erin@example.org");
                ask_mar(*state, &m, digest_sha256);
        }
        proves("DIG-017 DIG-018 DIG-019");
}

/* --- SAA --- */

static void registered(const struct cx_saa *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_span(a->impi, IMPI);
        assert_true(a->charging.present);
        assert_span(a->charging.ecf1, "aaa://e1.example");
        assert_span(a->charging.ecf2, "aaa://e2.example");
        assert_span(a->charging.ccf1, "aaa://c1.example");
        assert_span(a->charging.ccf2, "aaa://c2.example");
        assert_true(a->has_loose_route && a->loose_route == 1);
        assert_true(a->has_priviledged_sender && a->priviledged_sender == 0);
        assert_int_equal(a->associated_identities.n, 2);
        assert_span(a->associated_identities.v[0], IMPI);
        assert_span(a->associated_identities.v[1], TABLET);
        assert_int_equal(a->associated_registered_identities.n, 1);
        assert_span(a->associated_registered_identities.v[0], IMPI);
        assert_int_equal(a->wafs.n, 1);
        assert_span(a->wafs.v[0], "waf.example");
        assert_int_equal(a->wwsfs.n, 2);
        assert_span(a->wwsfs.v[1], "wwsf2.example");
        assert_int_equal(a->n_restorations, 1);                           /* several IMPIs share the set */
        assert_true(span_find(a->user_data, SPAN("SharedIFCSetID")) < 0); /* the S-CSCF does not have SiFC */
        assert_null(a->wildcarded_impu.p);
        assert_null(a->server_name.p);
}

static void of_both(const struct cx_saa *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_int_equal(a->associated_registered_identities.n, 2);
        assert_int_equal(a->n_restorations, 1); /* of the other device */
        assert_span(a->restorations[0].impi, IMPI);
        assert_int_equal(a->restorations[0].n_info, 1);
        assert_span(a->restorations[0].info[0].path, "<sip:pcscf.example;lr>");
        assert_span(a->restorations[0].info[0].contact, "<sip:a@192.0.2.1>");
        assert_true(span_find(a->user_data, SPAN("<SharedIFCSetID>100<")) > 0);
}

static void data_there(const struct cx_saa *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_null(a->user_data.p);
        assert_false(a->charging.present);
        assert_int_equal(a->wafs.n, 0);
}

static void elsewhere(const struct cx_saa *a)
{
        assert_result(a->h.result, dia_3gpp(CX_ERROR_IDENTITY_ALREADY_REGISTERED));
        assert_span(a->server_name, SCSCF);
        assert_null(a->user_data.p);
        assert_null(a->impi.p);
}

static void too_many(const struct cx_saa *a)
{
        assert_result(a->h.result, dia_base(DIA_AVP_OCCURS_TOO_MANY_TIMES));
        assert_span(a->h.failed_avp, "Public-Identity");
}

static void wildcarded(const struct cx_saa *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_span(a->wildcarded_impu, "sip:room!.*!@" DOMAIN);
}

static void saa(void **state)
{
        struct lab *lab = *state;
        struct cx_sar m = {.impi = SPAN(IMPI),
                           .impus = {.v = {SPAN(SIP)}, .n = 1},
                           .server_name = SPAN(SCSCF),
                           .type = CX_SAT_REGISTRATION,
                           .has_restoration = true,
                           .restoration = {.impi = SPAN(IMPI),
                                           .n_info = 1,
                                           .info = {{.path = SPAN("<sip:pcscf.example;lr>"),
                                                     .contact = SPAN("<sip:a@192.0.2.1>")}}},
                           .has_session_priority = true, /* carried, and nothing depends on it */
                           .has_multiple_registration = true,
                           .has_flags = true,
                           .flags = 1};
        ask_sar(lab, &m, registered);
        m.impi = SPAN(TABLET);
        m.has_restoration = false;
        m.h.features =
                (struct cx_features){.present = true, .vendor = DIA_VENDOR_3GPP, .list_id = 1, .features = 1};
        ask_sar(lab, &m, of_both);
        m.type = CX_SAT_RE_REGISTRATION;
        m.data_already_available = 1;
        ask_sar(lab, &m, data_there);
        m.server_name = SPAN("sip:other.example");
        ask_sar(lab, &m, elsewhere);
        m.impus = (struct cx_spans){.v = {SPAN(SIP), SPAN("sip:second@" DOMAIN)}, .n = 2};
        ask_sar(lab, &m, too_many);
        /* The one too many stands in Failed-AVP (RFC 6733 7.1.5). */
        assert_true(span_find(buf_as_span(&lab->received), SPAN("sip:second@" DOMAIN)) > 0);
        m = (struct cx_sar){.impus = {.v = {SPAN(ROOM)}, .n = 1},
                            .server_name = SPAN(SCSCF),
                            .type = CX_SAT_UNREGISTERED_USER};
        ask_sar(lab, &m, wildcarded);
        proves("AKA-036");
}

/* --- UAA, LIA --- */

static void capabilities(const struct cx_capabilities *c)
{
        assert_true(c->present);
        assert_int_equal(c->mandatory.n, 2);
        assert_int_equal(c->mandatory.v[1], 2);
        assert_int_equal(c->optional.n, 2);
        assert_int_equal(c->optional.v[0], 3);
        assert_int_equal(c->server_names.n, 2);
        assert_span(c->server_names.v[1], "sip:s2.example");
}

static void first(const struct cx_uaa *a)
{
        assert_result(a->h.result, dia_3gpp(CX_FIRST_REGISTRATION));
        capabilities(&a->capabilities);
        assert_null(a->server_name.p);
}

static void any_server(const struct cx_uaa *a)
{
        assert_result(a->h.result, dia_3gpp(CX_FIRST_REGISTRATION));
        assert_false(a->capabilities.present); /* absent: any S-CSCF will do */
}

static void room(const struct cx_lia *a)
{
        assert_result(a->h.result, dia_3gpp(CX_UNREGISTERED_SERVICE));
        capabilities(&a->capabilities);
        assert_span(a->wildcarded_impu, "sip:room!.*!@" DOMAIN);
        assert_false(a->has_flags);
}

static void direct(const struct cx_lia *a)
{
        assert_result(a->h.result, dia_base(DIA_SUCCESS));
        assert_span(a->server_name, "sip:as1.example");
        assert_true(a->has_flags);
        assert_int_equal(a->flags, 1);
        assert_null(a->wildcarded_impu.p);
}

static void uaa_and_lia(void **state)
{
        struct lab *lab = *state;
        struct cx_uar u = {.impi = SPAN("001010000000002@" DOMAIN),
                           .impu = SPAN("sip:001010000000002@" DOMAIN),
                           .visited_network = SPAN(DOMAIN)};
        ask_uar(lab, &u, first);
        u.impi = SPAN(IMPI);
        u.impu = SPAN(SIP);
        ask_uar(lab, &u, any_server);
        struct cx_lir l = {.impu = SPAN(ROOM), .has_session_priority = true, .session_priority = 2};
        ask_lir(lab, &l, room);
        l.impu = SPAN(CONF);
        ask_lir(lab, &l, direct);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
        const struct CMUnitTest tests[] = {T(maa), T(maa_digest), T(saa), T(uaa_and_lia)};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
