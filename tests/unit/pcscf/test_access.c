/* SPDX-License-Identifier: BSD-3-Clause
 * Access networks by address, and the P-Access-Network-Info rules of TS 33.203 P.3. */
#include "tests/unit/pcscf/pcscf_fix.h"

#include "pcscf/access.h"

#define HEAD                                                                                                 \
        "REGISTER sip:home SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"    \
        "From: <sip:a@home>;tag=1\r\nTo: <sip:a@home>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
#define OWN_UE "3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101"

static struct addr addr(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 5060, &a), 0);
        return a;
}

static void by_address(void **state)
{
        static struct pcscf_range ranges[] = {{(char *)"10.1.0.0/16", ACCESS_OTHER, (char *)"DOCSIS"},
                                              {(char *)"10.0.0.0/8", ACCESS_NASS, (char *)"ADSL"}};
        struct pcscf_conf conf = {.access_type = ACCESS_3GPP, .ranges = {.items = ranges, .n = 2}};
        struct addr first = addr("10.1.2.3"), second = addr("10.2.0.1"), none = addr("192.0.2.1");
        struct access_map *m = NULL;

        (void)state;
        assert_int_equal(access_map_new(&conf, &m), 0);
        assert_int_equal(access_of(m, &first).type, ACCESS_OTHER);
        assert_string_equal(access_of(m, &first).pani, "DOCSIS");
        assert_int_equal(access_of(m, &second).type, ACCESS_NASS);
        assert_int_equal(access_of(m, &none).type, ACCESS_3GPP);
        assert_null(access_of(m, &none).pani);
        assert_true(access_has(m, &first) && access_has(m, &second));
        assert_false(access_has(m, &none));
        access_map_free(m);
        proves("COEX-020");
}

/* The P-Access-Network-Info values of a REGISTER, joined by " | ", after the P-CSCF had it. */
static void expect_pani(const char *fields, bool aware, struct access access, bool authorization,
                        const char *want)
{
        struct buf text = BUF_INIT, got = BUF_INIT;
        struct sip_msg *in, *out;
        struct sip_edit e;

        buf_printf(&text, "%s%s\r\n", HEAD, fields);
        in = msg_of(buf_as_span(&text));
        sip_edit_init(&e, in);
        pani_register(&e, aware, access, authorization);
        out = msg_edited(&e);
        for (size_t i = 0; sip_msg_hdr(out, SIP_HDR_P_ACCESS_NETWORK_INFO, i); i++) {
                if (i)
                        buf_puts(&got, " | ");
                buf_span(&got, sip_msg_hdr(out, SIP_HDR_P_ACCESS_NETWORK_INFO, i)->value);
        }
        expect_span(buf_as_span(&got), want);
        buf_free(&text);
        buf_free(&got);
        sip_msg_unref(in);
        sip_msg_unref(out);
}

#define PANI "P-Access-Network-Info: "

static void register_rules(void **state)
{
        struct access gpp = {ACCESS_3GPP, NULL},
                      gpp_own = {ACCESS_3GPP, "3GPP-UTRAN-FDD;utran-cell-id-3gpp=1"};
        struct access nass = {ACCESS_NASS, "ADSL;dsl-location=\"x\""}, other = {ACCESS_OTHER, NULL};

        (void)state;
        expect_pani("", true, gpp, true, "");
        expect_pani(PANI OWN_UE "\r\n", true, gpp, true, OWN_UE);
        expect_pani(PANI OWN_UE ";network-provided\r\n", true, gpp, true, "");
        expect_pani(PANI "ADSL;Network-Provided, " OWN_UE "\r\n" PANI "DOCSIS ; network-provided\r\n", true,
                    gpp, true, OWN_UE);
        expect_pani("", true, gpp_own, true, "3GPP-UTRAN-FDD;utran-cell-id-3gpp=1;network-provided");
        expect_pani(PANI OWN_UE "\r\n", true, nass, true,
                    OWN_UE " | ADSL;dsl-location=\"x\";network-provided");
        expect_pani("", true, other, false, "IEEE-802.3;network-provided");
        expect_pani("", true, other, true, "");
        expect_pani("", true, gpp, false, "");
        expect_pani(PANI "ADSL;network-provided\r\n", false, other, false, "ADSL;network-provided");
        proves("COEX-015 COEX-016 COEX-017 COEX-018 COEX-019");
}

static void network_provided(void **state)
{
        (void)state;
        assert_true(pani_is_network_provided(SPAN("ADSL;network-provided")));
        assert_true(pani_is_network_provided(SPAN("ADSL ; x=\"a;b\" ; NETWORK-PROVIDED ;y")));
        assert_true(pani_is_network_provided(SPAN("ADSL;network-provided=1")));
        assert_true(pani_is_network_provided(
                SPAN("ADSL;;network-provided"))); /* not well formed: in doubt, gone */
        assert_false(pani_is_network_provided(SPAN("ADSL;x=\"network-provided\"")));
        assert_false(pani_is_network_provided(SPAN("network-provided")));
        assert_false(pani_is_network_provided(SPAN("ADSL")));
}

/* What cannot work is refused with its key. */
static void configuration(void **state)
{
        static const char *const rows[][2] = {
                {"visited_network: a\nsecurity: {signalling: required}\n", "security.signalling"},
                {"visited_network: a\naccess: {type: nass, pani: ADSL, pani_aware: no}\n", "access.type"},
                {"visited_network: a\naccess: {type: nass}\n", "access.pani"},
                {"visited_network: a\naccess: {ranges: [{prefix: 10.0.0.0/8, type: nass}]}\n",
                 "access.ranges"},
                {"visited_network: a\naccess: {pani_aware: no, ranges: [{prefix: 10.0.0.0/8, type: nass, "
                 "pani: ADSL}]}\n",
                 "access.ranges"},
                {"visited_network: a\naccess: {ranges: [{prefix: ten, type: other}]}\n", "prefix"},
                {"visited_network: a\ntrusted: [10.0.0.1]\naccess: {only_ranges: yes}\n",
                 "access.only_ranges"},
                {"visited_network: a\naccess: {only_ranges: yes, ranges: [{prefix: 10.0.0.0/8}]}\n",
                 "access.only_ranges"},
                {"visited_network: a\ngm: {listen: []}\n", "gm.listen"},
                {"visited_network: 'a\"b'\n", "visited_network"},
                {"home: {icscf: 'sip:i'}\n", "visited_network"},
                {"visited_network: a\nhome: {icscf: icscf}\n", "home.icscf"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf err = BUF_INIT;
                void *conf = NULL;

                assert_int_equal(conf_parse(&pcscf_conf_schema, "t", span_of(rows[i][0]), &conf, &err),
                                 -IMS_ECONF);
                if (span_find(buf_as_span(&err), span_of(rows[i][1])) < 0)
                        fail_msg("row %zu: " SPAN_FMT, i, SPAN_ARG(buf_as_span(&err)));
                buf_free(&err);
        }
        proves("COEX-033");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(by_address),
                cmocka_unit_test(register_rules),
                cmocka_unit_test(network_provided),
                cmocka_unit_test(configuration),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
