/* SPDX-License-Identifier: BSD-3-Clause
 * Networks of the core: what may be configured, and who is in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "common/net/core_net.h"
#include "tests/unit/proves.h"

struct conf {
        struct conf_list networks, trusted;
};

static int check(const struct conf_schema *schema, void *conf, struct buf *err)
{
        const struct conf *c = conf;
        int a = core_net_conf_check(&c->networks, err);
        int b = core_net_conf_covers(&c->networks, "trusted", &c->trusted, err);

        (void)schema;
        return a ? a : b;
}

static const struct conf_key keys[] = {
        CORE_NET_CONF_KEYS(struct conf, networks),
        {.name = "trusted",
         .type = CONF_STR_LIST,
         .offset = offsetof(struct conf, trusted),
         .optional = true},
        {.name = NULL},
};

static const struct conf_schema schema = {
        .node = "test", .size = sizeof(struct conf), .keys = keys, .check = check};

/* fault NULL: it is taken. */
static void expect(const char *text, const char *fault)
{
        struct buf err = BUF_INIT;
        void *conf = NULL;
        int rc = conf_parse(&schema, "test", span_of(text), &conf, &err);

        if (fault ? rc != -IMS_ECONF || span_find(buf_as_span(&err), span_of(fault)) < 0 : rc != 0)
                fail_msg("%s: %d %.*s", text, rc, (int)err.n, err.p ? err.p : "");
        conf_free(&schema, conf);
        buf_free(&err);
}

#define LINK(more) "network_domain: [{network: 192.0.2.0/24, " more "}]\n"

static void a_link_inside_has_integrity(void **state)
{
        (void)state;
        expect(LINK("protected_by: ipsec"), NULL);
        expect(LINK("protected_by: ipsec, confidentiality: no"), NULL);
        expect(LINK("protected_by: closed"), NULL);
        expect(LINK("protected_by: ipsec, integrity: no"), "network_domain[0].integrity: no: ");
        expect(LINK("protected_by: tls, integrity: no"), "network_domain[0].integrity: no: ");
        expect(LINK("interface: zb"), "protected_by");
        proves("NDS-005");
}

static void a_link_to_another_domain_has_both(void **state)
{
        (void)state;
        expect(LINK("interface: za, protected_by: ipsec"), NULL);
        expect(LINK("interface: za, protected_by: tls"), NULL);
        expect(LINK("interface: za, protected_by: ipsec, confidentiality: no"),
               "network_domain[0].confidentiality: no: ");
        expect(LINK("interface: za, protected_by: tls, integrity: no"), "network_domain[0].integrity: no: ");
        expect(LINK("interface: za, protected_by: closed"), "network_domain[0].protected_by: closed: ");
        proves("NDS-006");
}

/* TLS is what the node itself sees to: its keys keep what the link promises. */
static void tls_keeps_the_promise(void **state)
{
        struct core_net_link_conf link = {"192.0.2.0/24", CORE_NET_ZB, CORE_NET_TLS, true, true};
        const struct conf_list list = {.items = &link, .n = 1};
        struct buf err = BUF_INIT;

        (void)state;
        assert_int_equal(core_net_conf_check_tls(&list, "sip.tls", true, TLS_NULL_OFF, &err), 0);
        assert_int_equal(err.n, 0);
        assert_int_equal(core_net_conf_check_tls(&list, "sip.tls", false, TLS_NULL_OFF, &err), -IMS_ECONF);
        assert_true(span_find(buf_as_span(&err), SPAN("sip.tls.verify_clients: no: ")) >= 0);
        assert_int_equal(core_net_conf_check_tls(&list, "sip.tls", true, TLS_NULL_ALLOW, &err), -IMS_ECONF);
        assert_true(span_find(buf_as_span(&err), SPAN("sip.tls.null_encryption: must be off")) >= 0);
        link.confidentiality = false;
        assert_int_equal(core_net_conf_check_tls(&list, "sip.tls", true, TLS_NULL_PREFER, &err), 0);
        link.protection = CORE_NET_CLOSED;
        assert_int_equal(core_net_conf_check_tls(&list, "sip.tls", false, TLS_NULL_ALLOW, &err), 0);
        buf_free(&err);
        proves("NDS-003 NDS-006");
}

static void addresses_lie_in_a_network(void **state)
{
        (void)state;
        expect("trusted: [203.0.113.1]\n", NULL); /* none is configured */
        expect(LINK("protected_by: closed") "trusted: [192.0.2.7, 192.0.2.128/25]\n", NULL);
        expect(LINK("protected_by: closed") "trusted: [192.0.2.7, 203.0.113.1]\n",
               "trusted: 203.0.113.1: is outside of network_domain");
        expect(LINK("protected_by: closed") "trusted: [192.0.0.0/16]\n",
               "192.0.0.0/16: is outside of network_domain");
        expect(LINK("protected_by: closed") "trusted: [\"::/0\"]\n", "::/0: is outside of network_domain");
        proves("NDS-001");
}

static struct addr at(const char *text)
{
        struct addr a;

        assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
        return a;
}

static void who_is_in_them(void **state)
{
        struct core_net_link_conf links[] = {
                {"192.0.2.0/24", CORE_NET_ZB, CORE_NET_CLOSED, true, true},
                {"192.0.2.128/25", CORE_NET_ZA, CORE_NET_TLS, true, true},
                {"2001:db8::/32", CORE_NET_ZB, CORE_NET_IPSEC, true, false},
        };
        const struct conf_list list = {.items = links, .n = 3}, none = {0};
        char *const trusted[] = {"192.0.2.0/24", "203.0.113.1"};
        struct addr closed = at("192.0.2.1"), tls = at("192.0.2.200"), v6 = at("2001:db8::1"),
                    out = at("203.0.113.1");
        struct core_net net;
        struct trust t;

        (void)state;
        assert_int_equal(core_net_init(&net, &list), 0);
        assert_null(core_net_refuses(&net, &closed, false));
        assert_null(core_net_refuses(&net, &v6, false));
        assert_non_null(core_net_refuses(&net, &out, false));
        assert_non_null(core_net_refuses(&net, &out, true));
        assert_non_null(core_net_refuses(&net, &tls, false)); /* the narrower one counts */
        assert_null(core_net_refuses(&net, &tls, true));
        core_net_free(&net);
        assert_int_equal(core_net_init(&net, &none), 0);
        assert_null(core_net_refuses(&net, &out, false));
        assert_null(core_net_refuses(NULL, &out, false));
        core_net_free(&net);

        assert_int_equal(trust_init(&t, trusted, 2), 0);
        assert_true(trust_has(&t, &out));
        assert_int_equal(trust_set_networks(&t, &list), 0);
        assert_false(trust_has(&t, &out));
        assert_false(trust_has(&t, &v6)); /* both count */
        assert_true(trust_has(&t, &tls));
        assert_false(trust_takes(&t, &tls, false));
        assert_true(trust_takes(&t, &closed, false));
        trust_free(&t);
        assert_int_equal(trust_init(&t, NULL, 0), 0);
        assert_false(trust_limited(&t));
        assert_int_equal(trust_set_networks(&t, &list), 0);
        assert_true(trust_limited(&t));
        assert_true(trust_has(&t, &v6));
        assert_false(trust_has(&t, &out));
        trust_free(&t);
        proves("NDS-001");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_link_inside_has_integrity),
                cmocka_unit_test(a_link_to_another_domain_has_both),
                cmocka_unit_test(tls_keeps_the_promise),
                cmocka_unit_test(addresses_lie_in_a_network),
                cmocka_unit_test(who_is_in_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
