/* SPDX-License-Identifier: BSD-3-Clause
 * Single fields, identities and URI comparison. RFC 3261 10.3 and 19.1.4, RFC 3966, TS 23.003 13.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/sip/grammar.h"

static void canonical(void **state)
{
        static const char *const rows[][2] = {
                {"sip:alice@Home.Example.ORG", "sip:alice@home.example.org"},
                {"SIPS:alice@home.example.org:5061;transport=tcp?x=y", "sip:alice@home.example.org"},
                {"sip:Alice:secret@home.example.org", "sip:Alice@home.example.org"},
                {"sip:%61lice%2b%40@h", "sip:alice+%40@h"},
                {"sip:user;par=u%40example.net@example.com", "sip:user;par=u%40example.net@example.com"},
                {"sip:+15550001@h;user=phone", "sip:+15550001@h"},
                {"sip:[2001:DB8::1]:5060;lr", "sip:[2001:db8::1]"},
                {"sip:home.example.org", "sip:home.example.org"},
                {"tel:+1-(555).0001;ext=2", "tel:+15550001"},
                {"TEL:110;phone-context=+49", "tel:110;phone-context=+49"},
        };
        static const char *const bad[] = {
                "",           "alice@h",         "sip:",       "sip:@h",    "sip:a@",
                "sip:a b@h",  "sip:a%4@h",       "sip:a%zz@h", "sip:a@h:x", "sip:a@h:70000",
                "mailto:a@h", "urn:service:sos", "tel:",       "tel:+",     "tel:+1x",
                "tel:12+3",   "sip:a@[::1",      "sip::p@h",   "sip:a\"@h", "sip:a@b@c",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct buf b = BUF_INIT;

                if (sip_uri_canonical(span_of(rows[i][0]), &b))
                        fail_msg("refused: %s", rows[i][0]);
                if (!span_eq(buf_as_span(&b), span_of(rows[i][1])))
                        fail_msg("%s: " SPAN_FMT, rows[i][0], SPAN_ARG(buf_as_span(&b)));
                buf_free(&b);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                struct buf b = BUF_INIT;

                buf_puts(&b, "before");
                if (sip_uri_canonical(span_of(bad[i]), &b) != -IMS_EPARSE)
                        fail_msg("accepted: %s", bad[i]);
                assert_int_equal(b.n, 6);
                buf_free(&b);
        }
}

/* The examples of RFC 3261 19.1.4. */
static void equality(void **state)
{
        static const char *const equal[][2] = {
                {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
                {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
                {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"},
                {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                 "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
                {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                 "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
                {"tel:+1-555", "tel:+1555"},
        };
        static const char *const different[][2] = {
                {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
                {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
                {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
                {"sip:bob@biloxi.com;transport=udp", "sip:bob@biloxi.com:6000;transport=tcp"},
                {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
                {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
                {"sip:carol@chicago.com;security=off", "sip:carol@chicago.com;security=on"},
                {"sip:a@b", "sips:a@b"},
                {"sip:a@b", "tel:+1"},
                {"rubbish", "rubbish"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(equal) / sizeof(equal[0]); i++)
                if (!sip_uri_equal(span_of(equal[i][0]), span_of(equal[i][1])) ||
                    !sip_uri_equal(span_of(equal[i][1]), span_of(equal[i][0])))
                        fail_msg("equal row %zu", i);
        for (size_t i = 0; i < sizeof(different) / sizeof(different[0]); i++)
                if (sip_uri_equal(span_of(different[i][0]), span_of(different[i][1])) ||
                    sip_uri_equal(span_of(different[i][1]), span_of(different[i][0])))
                        fail_msg("different row %zu", i);
}

static void addr_spec(void **state)
{
        static const char *const rows[][2] = {
                {"Bob <sip:b@c>;tag=1", "sip:b@c"},
                {"\"a \\\" <sip:x>\" <sip:b@c;lr>", "sip:b@c;lr"},
                {"sip:b@c;tag=1", "sip:b@c"},
                {" <tel:+1>", "tel:+1"},
                {"", ""},
                {"<>", ""},
                {"Bob", ""},
                {"Bob <sip:b@c", ""},
                {"\"Bob <sip:b@c>", ""},
                {"<sip:b@c> rubbish", ""},
                {"< sip:b@c>", ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (!span_eq(sip_addr_spec(span_of(rows[i][0])), span_of(rows[i][1])))
                        fail_msg("row %zu: " SPAN_FMT, i, SPAN_ARG(sip_addr_spec(span_of(rows[i][0]))));
}

static void fields(void **state)
{
        osip_uri_t *u = NULL;
        osip_from_t *f = NULL;
        osip_contact_t *c = NULL;

        (void)state;
        assert_int_equal(sip_uri_parse(SPAN("sip:term@[2001:db8::1]:5062;lr;x=1"), &u), 0);
        assert_string_equal(u->username, "term");
        assert_int_equal(sip_uri_port(u), 5062);
        assert_string_equal(sip_uri_param(u, "LR"), "");
        assert_string_equal(sip_uri_param(u, "x"), "1");
        assert_null(sip_uri_param(u, "y"));
        osip_uri_free(u);
        assert_int_equal(sip_uri_parse(SPAN("urn:service:sos"), &u), 0);
        assert_string_equal(u->scheme, "urn");
        osip_uri_free(u);
        assert_int_equal(sip_name_addr_parse(SPAN("\"A\"\r\n <sip:a@b;lr>\r\n ;tag=9;flag"), &f), 0);
        assert_string_equal(sip_field_param(f, "tag"), "9");
        assert_string_equal(sip_field_param(f, "flag"), "");
        assert_string_equal(f->url->host, "b");
        osip_from_free(f);
        assert_int_equal(
                sip_contact_parse(SPAN("<sip:a@192.0.2.1:1>;+sip.instance=\"<urn:x>\";expires=7"), &c), 0);
        assert_string_equal(sip_field_param(c, "expires"), "7");
        assert_string_equal(sip_field_param(c, "+sip.instance"), "\"<urn:x>\"");
        osip_contact_free(c);
        assert_int_equal(sip_contact_parse(SPAN("*"), &c), 0);
        assert_null(c->url);
        osip_contact_free(c);
}

static void refused_fields(void **state)
{
        static const char *const bad_uri[] = {"", " ", "sip", "sip:a b@c", "sip:"};
        static const char *const bad_from[] = {"", "<>", "\"x <sip:a@b>", "<sip:a@b", "Bob"};
        static char big[SIP_FIELD_MAX + 64];
        osip_uri_t *u = NULL;
        osip_from_t *f = NULL;
        osip_contact_t *c = NULL;

        (void)state;
        for (size_t i = 0; i < sizeof(bad_uri) / sizeof(bad_uri[0]); i++)
                if (!sip_uri_parse(span_of(bad_uri[i]), &u))
                        fail_msg("accepted '%s'", bad_uri[i]);
        for (size_t i = 0; i < sizeof(bad_from) / sizeof(bad_from[0]); i++) {
                if (!sip_name_addr_parse(span_of(bad_from[i]), &f))
                        fail_msg("accepted '%s'", bad_from[i]);
                if (!sip_contact_parse(span_of(bad_from[i]), &c))
                        fail_msg("accepted '%s'", bad_from[i]);
        }
        assert_int_equal(sip_uri_parse(span_make("sip:a\0b@c", 9), &u), -IMS_EPARSE);
        memset(big, 'a', sizeof(big));
        memcpy(big, "sip:", 4);
        assert_int_equal(sip_uri_parse(span_make(big, sizeof(big)), &u), -IMS_ETOOBIG);
}

static void impi(void **state)
{
        struct buf b = BUF_INIT;

        (void)state;
        assert_int_equal(sip_impi_from_impu(SPAN("sip:+1555@Ims.Example.org;user=phone"), &b), 0);
        assert_true(span_eq(buf_as_span(&b), SPAN("+1555@ims.example.org")));
        assert_int_equal(sip_impi_from_impu(SPAN("tel:+1555"), &b), -IMS_EPARSE);
        assert_int_equal(sip_impi_from_impu(SPAN("sip:host"), &b), -IMS_EPARSE);
        buf_free(&b);
}

static int setup(void **state)
{
        (void)state;
        sip_grammar_init();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(canonical), cmocka_unit_test(equality),       cmocka_unit_test(addr_spec),
                cmocka_unit_test(fields),    cmocka_unit_test(refused_fields), cmocka_unit_test(impi),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
