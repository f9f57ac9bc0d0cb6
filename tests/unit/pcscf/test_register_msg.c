/* SPDX-License-Identifier: BSD-3-Clause
 * REGISTER in and out of a P-CSCF, on the messages of tests/data/sip-flows. */
#include "tests/unit/pcscf/pcscf_fix.h"

#include "common/sip/auth_param.h"
#include "pcscf/register_msg.h"

#define HOME "ims.mnc001.mcc001.3gppnetwork.org"
#define PATH "<sip:term@pcscf." HOME ":5060;lr>"
#define PCV  "icid-value=\"icid-0001\";icid-generated-at=198.51.100.1;orig-ioi=\"Type 1" HOME "\""

#define HEAD                                                                                                 \
        "REGISTER sip:home SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"    \
        "From: <sip:a@home>;tag=1\r\nTo: <sip:A@HOME>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"

static struct sip_msg *pass(struct sip_msg *in, enum access_type type, const char *pani)
{
        struct reg_marks k = {.path = SPAN(PATH),
                              .visited_network = SPAN(HOME),
                              .charging_vector = SPAN(PCV),
                              .access = {type, pani},
                              .pani_aware = true};
        struct reg_facts f;
        struct sip_msg *out;
        struct sip_edit e;
        const char *why;

        assert_int_equal(reg_facts_read(in, &f, &why), 0);
        k.integrity = reg_integrity(&f, type);
        sip_edit_init(&e, in);
        reg_edit_request(&e, &f, &k);
        out = msg_edited(&e);
        reg_facts_free(&f);
        sip_msg_unref(in);
        return out;
}

static const struct span *auth_param(const struct sip_msg *m, enum sip_hdr_id id, struct sip_auth *a,
                                     const char *name)
{
        const struct sip_hdr *h = sip_msg_hdr(m, id, 0);

        assert_non_null(h);
        assert_int_equal(sip_auth_parse(h->value, true, a), 0);
        return sip_auth_get(a, name);
}

/* Every field of want stands in got with the same value, and none is left over. Order may differ: new fields
 * stand at the end here. */
static void same_fields(const struct sip_msg *got, const struct sip_msg *want)
{
        for (enum sip_hdr_id id = 0; id < SIP_HDR_OTHER; id++) {
                struct sip_value_iter a = {0}, b = {0};
                struct span va, vb;

                if (id == SIP_HDR_VIA || id == SIP_HDR_MAX_FORWARDS || id == SIP_HDR_AUTHORIZATION)
                        continue;
                while (sip_msg_next_value(want, id, &a, &va)) {
                        if (!sip_msg_next_value(got, id, &b, &vb))
                                fail_msg("no more %s", sip_hdr_name(id));
                        if (!span_eq(va, vb))
                                fail_msg("%s: " SPAN_FMT, sip_hdr_name(id), SPAN_ARG(vb));
                }
                if (sip_msg_next_value(got, id, &b, &vb))
                        fail_msg("one %s too many: " SPAN_FMT, sip_hdr_name(id), SPAN_ARG(vb));
        }
}

static void flow_hop_1_to_2(void **state)
{
        struct sip_msg *got = pass(msg_flow("ims-aka-ipsec/01-ue-to-pcscf.sip"), ACCESS_3GPP, NULL);
        struct sip_msg *want = msg_flow("ims-aka-ipsec/02-pcscf-to-icscf.sip");
        struct sip_auth a, b;

        (void)state;
        same_fields(got, want);
        expect_span(*auth_param(got, SIP_HDR_AUTHORIZATION, &a, "integrity-protected"), "no");
        (void)auth_param(want, SIP_HDR_AUTHORIZATION, &b, "nonce");
        assert_int_equal(a.n, b.n);
        for (size_t i = 0; i < a.n; i++)
                assert_true(span_eq(a.params[i].raw, b.params[i].raw));
        sip_msg_unref(got);
        sip_msg_unref(want);
        proves("PC-001 AKA-063");
}

/* Other schemes: no Security-Client, so no integrity-protected off a 3GPP access; GIBA has no Authorization
 * and gets none. */
static void flow_of_other_schemes(void **state)
{
        struct sip_msg *got;
        struct sip_auth a;

        (void)state;
        got = pass(msg_flow("sip-digest/01-ue-to-pcscf.sip"), ACCESS_OTHER, NULL);
        assert_null(auth_param(got, SIP_HDR_AUTHORIZATION, &a, "integrity-protected"));
        sip_msg_unref(got);
        got = pass(msg_flow("giba/01-ue-to-pcscf.sip"), ACCESS_3GPP, NULL);
        assert_null(sip_msg_hdr(got, SIP_HDR_AUTHORIZATION, 0));
        expect_span(sip_msg_value(got, SIP_HDR_PATH), PATH);
        sip_msg_unref(got);
        proves("PC-016");
}

static void forged_marks_are_replaced(void **state)
{
        static const char *const forged[] = {"yes", "tls-yes", "auth-done", "tls-connected", "no"};
        struct buf text = BUF_INIT;
        struct sip_auth a;

        (void)state;
        for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
                struct sip_msg *got;

                buf_reset(&text);
                buf_printf(&text,
                           "%sAuthorization: Digest Integrity-Protected=\"%s\", "
                           "username=\"a@home\",nonce=\"\"\r\n"
                           "P-Charging-Vector: icid-value=1;orig-ioi=evil\r\n"
                           "P-Charging-Function-Addresses: ccf=evil\r\nPath: <sip:evil>\r\n"
                           "Route: <sip:pcscf;lr>\r\nP-Visited-Network-ID: evil\r\n"
                           "P-Asserted-Identity: <sip:boss@home>\r\nP-Preferred-Identity: <sip:b@home>\r\n"
                           "Content-Length: 0\r\n\r\n",
                           HEAD, forged[i]);
                got = pass(msg_of(buf_as_span(&text)), ACCESS_3GPP, NULL);
                expect_span(*auth_param(got, SIP_HDR_AUTHORIZATION, &a, "integrity-protected"), "no");
                assert_int_equal(a.n, 3);
                assert_int_equal(a.params[0].name.n, 8); /* username first: the forged one is gone */
                expect_span(sip_msg_value(got, SIP_HDR_P_CHARGING_VECTOR), PCV);
                expect_span(sip_msg_value(got, SIP_HDR_PATH), PATH);
                expect_span(sip_msg_value(got, SIP_HDR_P_VISITED_NETWORK_ID), "\"" HOME "\"");
                assert_int_equal(lines_of(got, SIP_HDR_P_CHARGING_VECTOR) + lines_of(got, SIP_HDR_PATH) +
                                         lines_of(got, SIP_HDR_P_VISITED_NETWORK_ID),
                                 3);
                assert_int_equal(lines_of(got, SIP_HDR_ROUTE) + lines_of(got, SIP_HDR_P_ASSERTED_IDENTITY) +
                                         lines_of(got, SIP_HDR_P_PREFERRED_IDENTITY) +
                                         lines_of(got, SIP_HDR_P_CHARGING_FUNCTION_ADDRESSES),
                                 0);
                sip_msg_unref(got);
        }
        buf_free(&text);
        proves("COEX-003");
}

static void require_is_kept_right(void **state)
{
        struct sip_msg *got = pass(msg_of(SPAN(HEAD "Require: path, gruu, sec-agree\r\n"
                                                    "Proxy-Require: sec-agree\r\n\r\n")),
                                   ACCESS_3GPP, NULL);

        (void)state;
        expect_span(sip_msg_hdr(got, SIP_HDR_REQUIRE, 0)->value, "path, gruu");
        assert_null(sip_msg_hdr(got, SIP_HDR_REQUIRE, 1));
        assert_null(sip_msg_hdr(got, SIP_HDR_PROXY_REQUIRE, 0));
        sip_msg_unref(got);
}

static void facts(void **state)
{
        struct reg_facts f;
        const char *why;
        struct sip_msg *m = msg_flow("ims-aka-ipsec/07-ue-to-pcscf.sip");

        (void)state;
        assert_int_equal(reg_facts_read(m, &f, &why), 0);
        expect_span(buf_as_span(&f.aor), "sip:alice@" HOME);
        expect_span(f.impi, "001010000000001@" HOME);
        expect_span(f.contact, "sip:alice@192.0.2.10:31061");
        expect_span(f.instance, "<urn:gsma:imei:90420156-025763-0>");
        assert_int_equal(f.expires_s, 600000);
        assert_true(f.has_authorization && f.has_response && f.aka && f.offers_ipsec && f.wants_sec_agree);
        assert_false(f.star || f.sos);
        reg_facts_free(&f);
        sip_msg_unref(m);

        m = msg_of(SPAN(HEAD "Contact: *\r\nExpires: 0\r\n\r\n"));
        assert_int_equal(reg_facts_read(m, &f, &why), 0);
        assert_true(f.star && f.expires_s == 0 && !f.has_authorization);
        reg_facts_free(&f);
        sip_msg_unref(m);

        m = msg_of(SPAN(HEAD "m: <sip:a@192.0.2.1;sos;ob>;expires=7\r\nExpires: 9\r\n\r\n"));
        assert_int_equal(reg_facts_read(m, &f, &why), 0);
        assert_true(f.sos && f.expires_s == 7);
        reg_facts_free(&f);
        sip_msg_unref(m);
}

static void bad_facts(void **state)
{
        static const char *const rows[][2] = {
                {"Contact: rubbish\r\n", "Malformed Contact"},
                {"Contact: <sip:a@b>;expires=x\r\n", "Malformed Contact"},
                {"Expires: soon\r\n", "Malformed Expires"},
                {"Authorization: Digest username=\"a\r\n", "Malformed Authorization"},
                {"Authorization: Digest a=1,A=2\r\n", "Malformed Authorization"},
        };
        struct buf text = BUF_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct reg_facts f;
                const char *why;
                struct sip_msg *m;

                buf_reset(&text);
                buf_printf(&text, "%s%s\r\n", HEAD, rows[i][0]);
                m = msg_of(buf_as_span(&text));
                assert_int_equal(reg_facts_read(m, &f, &why), -IMS_EPARSE);
                assert_string_equal(why, rows[i][1]);
                reg_facts_free(&f);
                sip_msg_unref(m);
        }
        buf_free(&text);
}

static void keys_are_taken_out(void **state)
{
        struct sip_msg *in = msg_flow("ims-aka-ipsec/05-icscf-to-pcscf.sip"), *out, *want;
        struct reg_keys keys;
        struct sip_edit e;
        struct sip_auth a;

        (void)state;
        sip_edit_init(&e, in);
        reg_edit_challenge(&e, &keys);
        reg_edit_answer(&e);
        out = msg_edited(&e);
        want = msg_flow("ims-aka-ipsec/06-pcscf-to-ue.sip");
        assert_true(keys.have);
        assert_int_equal(keys.ik.b[0], 0xc5);
        assert_int_equal(keys.ck.b[15], 0x06);
        assert_null(auth_param(out, SIP_HDR_WWW_AUTHENTICATE, &a, "ik"));
        assert_null(sip_auth_get(&a, "ck"));
        assert_true(span_eq(sip_msg_hdr(out, SIP_HDR_WWW_AUTHENTICATE, 0)->value,
                            sip_msg_hdr(want, SIP_HDR_WWW_AUTHENTICATE, 0)->value));
        assert_true(span_find(span_make(out->buf, out->n), SPAN("c51e8e1c")) < 0);
        sip_msg_unref(in);
        sip_msg_unref(out);
        sip_msg_unref(want);
}

/* Keys that are not keys, or challenges that cannot be read, do not go on either. */
static void odd_keys_are_taken_out(void **state)
{
        static const char text[] =
                "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                "From: <sip:a@home>;tag=1\r\nTo: <sip:a@home>;tag=2\r\nCall-ID: c\r\n"
                "CSeq: 1 REGISTER\r\n"
                "WWW-Authenticate: Digest realm=\"r\",IK=\"zz\",Ck=\"00112233445566778899aabbccddeeff\"\r\n"
                "WWW-Authenticate: Digest realm=\"r\",ck=\"0011\r\n"
                "Proxy-Authenticate: Digest ik=\"00112233445566778899aabbccddeeff\", realm=\"r\"\r\n"
                "\r\n";
        struct sip_msg *in = msg_of(SPAN(text)), *out;
        struct reg_keys keys;
        struct sip_edit e;

        (void)state;
        sip_edit_init(&e, in);
        reg_edit_challenge(&e, &keys);
        out = msg_edited(&e);
        assert_false(keys.have);
        assert_int_equal(lines_of(out, SIP_HDR_WWW_AUTHENTICATE), 1);
        expect_span(sip_msg_hdr(out, SIP_HDR_WWW_AUTHENTICATE, 0)->value, "Digest realm=\"r\"");
        expect_span(sip_msg_hdr(out, SIP_HDR_PROXY_AUTHENTICATE, 0)->value, "Digest realm=\"r\"");
        sip_msg_unref(in);
        sip_msg_unref(out);
}

static enum reg_scheme scheme_of(const char *fields)
{
        char text[1024];
        struct sip_msg *m;
        enum reg_scheme scheme;

        (void)snprintf(
                text, sizeof(text),
                "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                "From: <sip:a@home>;tag=1\r\nTo: <sip:a@home>;tag=2\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
                "%s\r\n",
                fields);
        m = msg_of(span_of(text));
        scheme = reg_challenge_scheme(m);
        sip_msg_unref(m);
        return scheme;
}

/* Whose challenge it is. */
static void schemes(void **state)
{
        static const char keys[] =
                "ik=\"00112233445566778899aabbccddeeff\",ck=\"00112233445566778899aabbccddeeff\"";
        char text[256];

        (void)state;
        assert_int_equal(scheme_of(""), REG_SCHEME_NONE);
        assert_int_equal(scheme_of("WWW-Authenticate: Digest realm=\"a\",nonce=\"b\"\r\n"),
                         REG_SCHEME_DIGEST);
        assert_int_equal(scheme_of("WWW-Authenticate: Digest realm=\"a\",nonce=\"b\",algorithm=SHA-256\r\n"),
                         REG_SCHEME_DIGEST);
        assert_int_equal(
                scheme_of("WWW-Authenticate: Digest realm=\"a\",nonce=\"b\",algorithm=AKAv1-MD5\r\n"),
                REG_SCHEME_AKA);
        assert_int_equal(
                scheme_of("WWW-Authenticate: Digest realm=\"a\",nonce=\"b\",algorithm=\"akav2-SHA-256\"\r\n"),
                REG_SCHEME_AKA);
        (void)snprintf(text, sizeof(text), "WWW-Authenticate: Digest realm=\"a\",nonce=\"b\",%s\r\n", keys);
        assert_int_equal(scheme_of(text), REG_SCHEME_AKA);
        assert_int_equal(
                scheme_of("WWW-Authenticate: Digest realm=\"a\",nonce=\"b\",algorithm=MD5\r\n"
                          "WWW-Authenticate: Digest realm=\"a\",nonce=\"c\",algorithm=AKAv1-MD5\r\n"),
                REG_SCHEME_AKA);
        assert_int_equal(scheme_of("Proxy-Authenticate: Digest realm=\"a\",nonce=\"b\"\r\n"),
                         REG_SCHEME_NONE);
}

/* The Via of the UE after the P-CSCF agreed to keep-alives every 30 s. */
static void expect_keep(const char *via, const char *want)
{
        const struct reg_marks k = {.path = SPAN(PATH),
                                    .visited_network = SPAN(HOME),
                                    .charging_vector = SPAN(PCV),
                                    .keep_s = 30};
        char text[1024];
        struct reg_facts f;
        struct sip_msg *m, *out;
        struct sip_edit e;
        const char *why;

        (void)snprintf(
                text, sizeof(text),
                "REGISTER sip:home SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: <sip:a@home>;tag=1\r\n"
                "To: <sip:a@home>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n\r\n",
                via);
        m = msg_of(span_of(text));
        assert_int_equal(reg_facts_read(m, &f, &why), 0);
        sip_edit_init(&e, m);
        reg_edit_request(&e, &f, &k);
        out = msg_edited(&e);
        expect_span(sip_msg_hdr(out, SIP_HDR_VIA, 0)->value, want);
        reg_facts_free(&f);
        sip_msg_unref(m);
        sip_msg_unref(out);
}

static void keep_alives(void **state)
{
        (void)state;
        expect_keep("SIP/2.0/UDP a;branch=z9hG4bK1;keep", "SIP/2.0/UDP a;branch=z9hG4bK1;keep=30");
        expect_keep("SIP/2.0/UDP a;Keep;branch=z9hG4bK1", "SIP/2.0/UDP a;Keep=30;branch=z9hG4bK1");
        expect_keep("SIP/2.0/UDP a ; keep ; branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2",
                    "SIP/2.0/UDP a ; keep=30; branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2");
        /* nothing is offered by the first of them */
        expect_keep("SIP/2.0/UDP a;branch=z9hG4bK1", "SIP/2.0/UDP a;branch=z9hG4bK1");
        expect_keep("SIP/2.0/UDP a;branch=z9hG4bK1;keep=7", "SIP/2.0/UDP a;branch=z9hG4bK1;keep=7");
        expect_keep("SIP/2.0/UDP a;branch=z9hG4bK1;keeper", "SIP/2.0/UDP a;branch=z9hG4bK1;keeper");
        expect_keep("SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2;keep",
                    "SIP/2.0/UDP a;branch=z9hG4bK1, SIP/2.0/UDP b;branch=z9hG4bK2;keep");
        proves("FW-008");
}

/* RFC 5626: the UE says so, by three things, and is the first hop. */
static void outbound(void **state)
{
        static const struct {
                const char *fields;
                bool is;
        } of[] = {
                {"Supported: path, outbound\r\nContact: <sip:a@a>;reg-id=1;+sip.instance=\"<urn:a>\"\r\n",
                 true},
                {"Supported: path\r\nContact: <sip:a@a>;reg-id=1;+sip.instance=\"<urn:a>\"\r\n", false},
                {"Supported: outbound\r\nContact: <sip:a@a>;+sip.instance=\"<urn:a>\"\r\n", false},
                {"Supported: outbound\r\nContact: <sip:a@a>;reg-id=1\r\n", false},
                {"Supported: outbound\r\nContact: <sip:a@a>;reg-id=1;+sip.instance=\"<urn:a>\"\r\n"
                 "Via: SIP/2.0/UDP b;branch=z9hG4bK2\r\n",
                 false},
        };
        char text[1024];
        struct reg_facts f;
        const char *why;

        (void)state;
        for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
                struct sip_msg *m;

                (void)snprintf(text, sizeof(text), HEAD "%s\r\n", of[i].fields);
                m = msg_of(span_of(text));
                assert_int_equal(reg_facts_read(m, &f, &why), 0);
                assert_int_equal(f.outbound, of[i].is);
                reg_facts_free(&f);
                sip_msg_unref(m);
        }
}

static void success(void **state)
{
        struct sip_msg *in = msg_flow("ims-aka-ipsec/11-icscf-to-pcscf.sip"), *out, *want, *request;
        struct reg_facts f;
        struct reg_grant g;
        struct sip_edit e;
        const char *why;

        (void)state;
        request = msg_flow("ims-aka-ipsec/07-ue-to-pcscf.sip");
        assert_int_equal(reg_facts_read(request, &f, &why), 0);
        assert_int_equal(reg_grant_read(in, &f, &g), 0);
        assert_int_equal(g.expires_s, 600000);
        assert_int_equal(g.impus.n, sizeof("sip:alice@" HOME) + sizeof("tel:+15550100"));
        assert_string_equal(g.impus.p, "sip:alice@" HOME);
        expect_span(buf_as_span(&g.service_route), "<sip:orig@scscf." HOME ":6060;lr>");
        assert_true(g.charging.n > 0);
        reg_grant_free(&g);

        sip_edit_init(&e, in);
        sip_edit_pop_value(&e, SIP_HDR_VIA);
        reg_edit_answer(&e);
        out = msg_edited(&e);
        want = msg_flow("ims-aka-ipsec/12-pcscf-to-ue.sip");
        assert_int_equal(out->n, want->n);
        assert_memory_equal(out->buf, want->buf, want->n);
        reg_facts_free(&f);
        sip_msg_unref(request);
        sip_msg_unref(in);
        sip_msg_unref(out);
        sip_msg_unref(want);
}

/* The registrar decides how long, and whether the contact is there at all. */
static void granted_time(void **state)
{
        static const struct {
                const char *fields;
                uint32_t expires_s;
        } rows[] = {
                {"Contact: <sip:a@192.0.2.1>;expires=60, <sip:b@192.0.2.2>;expires=9\r\n", 60},
                {"Contact: <sip:b@192.0.2.2>;expires=9, <sip:a@192.0.2.1:5061>;expires=1\r\n", 0},
                {"Contact: <sip:a@192.0.2.1>\r\nExpires: 70\r\n", 70},
                {"Contact: <sip:a@192.0.2.1>\r\n", 600},
                {"Contact: <sip:%61@192.0.2.1>;expires=0\r\n", 0},
                {"", 0},
        };
        struct sip_msg *request = msg_of(SPAN(HEAD "Contact: <sip:a@192.0.2.1>\r\nExpires: 600\r\n\r\n"));
        struct buf text = BUF_INIT;
        struct reg_facts f;
        const char *why;

        (void)state;
        assert_int_equal(reg_facts_read(request, &f, &why), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct reg_grant g;
                struct sip_msg *m;

                buf_reset(&text);
                buf_printf(&text, "SIP/2.0 200 OK\r\n%s%s\r\n", strchr(HEAD, '\n') + 1, rows[i].fields);
                m = msg_of(buf_as_span(&text));
                assert_int_equal(reg_grant_read(m, &f, &g), 0);
                if (g.expires_s != rows[i].expires_s)
                        fail_msg("row %zu: %u", i, g.expires_s);
                assert_string_equal(g.impus.p, "sip:A@home");
                reg_grant_free(&g);
                sip_msg_unref(m);
        }
        buf_free(&text);
        reg_facts_free(&f);
        sip_msg_unref(request);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(flow_hop_1_to_2),
                cmocka_unit_test(flow_of_other_schemes),
                cmocka_unit_test(forged_marks_are_replaced),
                cmocka_unit_test(require_is_kept_right),
                cmocka_unit_test(facts),
                cmocka_unit_test(bad_facts),
                cmocka_unit_test(keys_are_taken_out),
                cmocka_unit_test(odd_keys_are_taken_out),
                cmocka_unit_test(schemes),
                cmocka_unit_test(keep_alives),
                cmocka_unit_test(outbound),
                cmocka_unit_test(success),
                cmocka_unit_test(granted_time),
        };

        sip_grammar_init();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
