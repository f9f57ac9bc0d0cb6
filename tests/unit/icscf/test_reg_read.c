/* SPDX-License-Identifier: BSD-3-Clause
 * What the I-CSCF reads in a REGISTER, and its configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/sip/grammar.h"
#include "icscf/icscf_conf.h"
#include "icscf/reg_read.h"

#define HEAD                                                                                                 \
        "REGISTER sip:ims.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"                 \
        "From: <sip:alice@ims.example>;tag=1\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\n"
#define TO_ALICE "To: \"A\" <sip:alice@IMS.example:5060;user=x>\r\n"

static struct sip_msg *message(const char *head, const char *fields)
{
        char text[2048];
        struct sip_msg *m = NULL;
        size_t used;

        (void)snprintf(text, sizeof(text), "%s%s\r\n", head, fields);
        assert_int_equal(sip_msg_parse(span_of(text), SIP_DATAGRAM, &m, &used), 0);
        return m;
}

static void read_ok(const char *fields, struct reg_facts *f)
{
        struct sip_msg *m = message(HEAD TO_ALICE, fields);
        const char *why = NULL;

        if (reg_read(m, f, &why) != 0)
                fail_msg("%s", why ? why : "?");
        sip_msg_unref(m);
}

static void assert_text(const struct buf *b, const char *want)
{
        if (!span_eq(buf_as_span(b), span_of(want)))
                fail_msg("got '%.*s', want '%s'", (int)b->n, b->p ? b->p : "", want);
}

static void identities(void **state)
{
        struct reg_facts f;

        (void)state;
        read_ok("Authorization: Digest username=\"a\\\"b@ims.example\", nonce=\"\"\r\n"
                "P-Visited-Network-ID: \"Visited, \"; x=1, other\r\n",
                &f);
        assert_text(&f.impi, "a\"b@ims.example");
        assert_text(&f.impu, "sip:alice@ims.example");
        assert_text(&f.visited_network, "Visited, ");
        assert_false(f.impi_derived);
        assert_false(f.deregister);
        reg_facts_free(&f);
        read_ok("P-Visited-Network-ID: visited.example ;x\r\n", &f);
        assert_text(&f.impi, "alice@ims.example"); /* TS 33.203 P.6, N.2.1.1 */
        assert_true(f.impi_derived);
        assert_text(&f.visited_network, "visited.example");
        reg_facts_free(&f);
        read_ok("Authorization: Digest username=\"\", nonce=\"\"\r\n", &f);
        assert_true(f.impi_derived);
        assert_int_equal(f.visited_network.n, 0);
        reg_facts_free(&f);
}

static void kinds(void **state)
{
        static const struct {
                const char *fields;
                bool deregister, emergency;
        } rows[] = {
                {"Contact: <sip:a@192.0.2.1>\r\nExpires: 600\r\n", false, false},
                {"Contact: <sip:a@192.0.2.1>\r\n", false, false},
                {"Contact: <sip:a@192.0.2.1>\r\nExpires: 0\r\n", true, false},
                {"Contact: *\r\nExpires: 0\r\n", true, false},
                {"Contact: <sip:a@192.0.2.1>;expires=0\r\nExpires: 600\r\n", true, false},
                {"Contact: <sip:a@192.0.2.1>;expires=5\r\nExpires: 0\r\n", false, false},
                {"Contact: <sip:a@192.0.2.1>;expires=0, <sip:b@192.0.2.1>\r\n", false, false},
                {"Contact: <sip:a@192.0.2.1>;expires=0\r\nContact: <sip:b@192.0.2.1>;expires=0\r\n", true,
                 false},
                {"Expires: 0\r\n", false, false},
                {"Contact: <sip:a@192.0.2.1>;expires=junk\r\n", false, false},
                {"Contact: <sip:a@192.0.2.1;sos>;expires=7\r\n", false, true},
                {"Contact: <sip:a@192.0.2.1>;sos\r\n", false, false}, /* not a URI parameter */
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct reg_facts f;

                read_ok(rows[i].fields, &f);
                if (f.deregister != rows[i].deregister || f.emergency != rows[i].emergency)
                        fail_msg("%s", rows[i].fields);
                reg_facts_free(&f);
        }
}

static void malformed(void **state)
{
        static const char *const rows[][2] = {
                {HEAD TO_ALICE, "Authorization: Digest username=\"a\", username=\"b\"\r\n"},
                {HEAD TO_ALICE, "Contact: <sip:a@192.0.2.1\r\n"},
                {HEAD "To: <mailto:a@b.example>\r\n", ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sip_msg *m = message(rows[i][0], rows[i][1]);
                struct reg_facts f;
                const char *why = NULL;

                assert_int_equal(reg_read(m, &f, &why), -IMS_EPARSE);
                assert_non_null(why);
                reg_facts_free(&f);
                sip_msg_unref(m);
        }
}

/* The message a P-CSCF sends in the IMS AKA flow. */
static void real_register(void **state)
{
        FILE *file = fopen(TEST_DATA "/sip-flows/ims-aka-ipsec/02-pcscf-to-icscf.sip", "r");
        char text[4096];
        struct sip_msg *m = NULL;
        struct reg_facts f;
        const char *why = NULL;
        size_t n, used;

        (void)state;
        assert_non_null(file);
        n = fread(text, 1, sizeof(text), file);
        (void)fclose(file);
        assert_int_equal(sip_msg_parse(span_make(text, n), SIP_DATAGRAM, &m, &used), 0);
        assert_int_equal(reg_read(m, &f, &why), 0);
        assert_text(&f.impi, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
        assert_text(&f.impu, "sip:alice@ims.mnc001.mcc001.3gppnetwork.org");
        assert_text(&f.visited_network, "ims.mnc001.mcc001.3gppnetwork.org");
        assert_false(f.deregister);
        reg_facts_free(&f);
        sip_msg_unref(m);
}

#define DIAMETER "diameter: {identity: icscf.ims.example, realm: ims.example}\n"

static void parse_conf(const char *text, int want, const char *fault)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;

        assert_int_equal(conf_parse(&icscf_conf_schema, "f", span_of(text), &conf, &err), want);
        buf_char(&err, '\0');
        assert_string_equal(err.p, fault);
        conf_free(&icscf_conf_schema, conf);
        buf_free(&err);
}

static void configuration(void **state)
{
        (void)state;
        parse_conf("home_domain: [ims.example]\n" DIAMETER
                   "scscf:\n  pool:\n  - uri: \"sip:s.ims.example:5060\"\n"
                   "  - {uri: \"sip:t.ims.example\", capabilities: \"1,2\", priority: 3}\n"
                   "trusted: [192.0.2.0/24]\n",
                   0, "");
        parse_conf("home_domain: [\"a b\"]\n" DIAMETER "scscf:\n  pool:\n  - uri: s.ims.example\n"
                   "  - {uri: \"sip:t\", capabilities: \"1;2\"}\ntrusted: [x]\n",
                   -IMS_ECONF,
                   "f:1: home_domain[0]: a b: is no host name (letters, digits, hyphens and dots)\n"
                   "f:5: scscf.pool[0].uri: s.ims.example: is not a SIP URI (sip:HOST[:PORT])\n"
                   "f:6: scscf.pool[1].capabilities: 1;2: is not a list of numbers (1,2)\n"
                   "f:7: trusted[0]: x: is not ADDRESS or ADDRESS/BITS\n");
        parse_conf("home_domain: []\n" DIAMETER "scscf: {pool: [{uri: \"sip:t\"}, {uri: \"sip:T\"}]}\n",
                   -IMS_ECONF,
                   "f:1: home_domain: at least one domain is needed\n"
                   "f:3: scscf.pool[1].uri: sip:T: stands there twice\n");
}

static void sample_is_valid(void **state)
{
        char *text = NULL;
        size_t n = 0;
        FILE *to = open_memstream(&text, &n);

        (void)state;
        assert_non_null(to);
        conf_sample(&icscf_conf_schema, to);
        assert_int_equal(fclose(to), 0);
        parse_conf(text, 0, "");
        free(text);
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
                cmocka_unit_test(identities),    cmocka_unit_test(kinds),
                cmocka_unit_test(malformed),     cmocka_unit_test(real_register),
                cmocka_unit_test(configuration), cmocka_unit_test(sample_is_valid),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
