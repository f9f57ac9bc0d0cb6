/* SPDX-License-Identifier: BSD-3-Clause
 * What a P-CSCF does when nobody says otherwise. PKT-TR-SEC 5.3.2.5, 6.1.3; TS 33.203 W.1. */
#include "tests/unit/pcscf/pcscf_fix.h"

#include "pcscf/pcscf_conf.h"

static struct pcscf_conf *conf_of(const char *text)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;

        if (conf_parse(&pcscf_conf_schema, "test", span_of(text), &conf, &err) != 0)
                fail_msg("%.*s", (int)err.n, err.p);
        buf_free(&err);
        return conf;
}

static void expect_listener(const char *value, enum transport t, unsigned port)
{
        enum transport transport;
        struct addr a;

        assert_int_equal(sip_conf_parse_listen(value, &transport, &a), 0);
        assert_int_equal(transport, t);
        assert_int_equal(addr_port(&a), port);
}

static void default_ports(void **state)
{
        struct pcscf_conf *c = conf_of("visited_network: example\n");
        char *const *listen = c->gm_listen.items;

        (void)state;
        assert_int_equal(c->gm_listen.n, 2); /* neither 5061 nor 443 */
        expect_listener(listen[0], TRANSPORT_UDP, 5060);
        expect_listener(listen[1], TRANSPORT_TCP, 5060);
        conf_free(&pcscf_conf_schema, c);
        expect_listener("udp:192.0.2.1", TRANSPORT_UDP, 5060);
        expect_listener("tcp:192.0.2.1", TRANSPORT_TCP, 5060);
        expect_listener("tls:192.0.2.1", TRANSPORT_TLS, 5061);
        expect_listener("tls:[2001:db8::1]", TRANSPORT_TLS, 5061);
        expect_listener("tls:192.0.2.1:443", TRANSPORT_TLS, 443);
        expect_listener("udp:192.0.2.1:5080", TRANSPORT_UDP, 5080);
        proves("PC-015 FW-001");
}

static void default_policy(void **state)
{
        struct pcscf_conf *c = conf_of("visited_network: example\n");

        (void)state;
        assert_int_equal(c->digest_without_tls, DIGEST_REFUSE);
        assert_int_equal(c->digest_on_3gpp, DIGEST_3GPP_REFUSE);
        assert_int_equal(c->digest_without_outbound, WITHOUT_OUTBOUND_NO_NAT);
        assert_false(c->digest_no_spoofing);
        assert_int_equal(c->access_type, ACCESS_3GPP);
        conf_free(&pcscf_conf_schema, c);
        proves("PC-027");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(default_ports),
                cmocka_unit_test(default_policy),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
