/* SPDX-License-Identifier: BSD-3-Clause
 * The parts of the stack that need no sockets: what a URI says about the next hop, received and rport in Via,
 * the form of the configuration; and a stack made from a configuration. */
#include "common/sip/client.h"
#include "common/sip/sip_conf.h"
#include "tests/unit/sip/stack_world.h"

static void next_hop_of_a_uri(void **state)
{
        static const struct {
                const char *uri, *host;
                uint16_t port;
                enum transport transport;
                bool sips;
        } rows[] = {
                {"sip:example.net", "example.net", 0, TRANSPORT_ANY, false},
                {"SIP:bob@Example.net:5070", "Example.net", 5070, TRANSPORT_ANY, false},
                {"sips:bob@example.net", "example.net", 0, TRANSPORT_ANY, true},
                {"sip:[2001:db8::1]:5061;transport=tcp;lr", "2001:db8::1", 5061, TRANSPORT_TCP, false},
                {"sip:[2001:db8::1]", "2001:db8::1", 0, TRANSPORT_ANY, false},
                {"<sip:orig@scscf.example.net:5060;lr;transport=UDP>;x=1", "scscf.example.net", 5060,
                 TRANSPORT_UDP, false},
                {"\"A <B\" <sip:a@b.example.net>", "", 0, TRANSPORT_ANY, false},
                {"sip:+1555;phone-context=x?@b.example.net:1;maddr=192.0.2.9?subject=a@b", "192.0.2.9", 1,
                 TRANSPORT_ANY, false},
                {"tel:+1555", "", 0, TRANSPORT_ANY, false},
                {"sip:", "", 0, TRANSPORT_ANY, false},
                {"sip:bob@", "", 0, TRANSPORT_ANY, false},
                {"sip:b:port", "", 0, TRANSPORT_ANY, false},
                {"sip:b:99999", "", 0, TRANSPORT_ANY, false},
                {"sip:b;transport=carrier-pigeon", "", 0, TRANSPORT_ANY, false},
                {"sip:b;maddr=", "", 0, TRANSPORT_ANY, false},
                {"<sip:b", "", 0, TRANSPORT_ANY, false},
                {"sip:[::1", "", 0, TRANSPORT_ANY, false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct sip_hop h;
                int err = sip_hop_of(span_of(rows[i].uri), &h);

                if (!*rows[i].host) {
                        assert_int_equal(err, -IMS_EINVAL);
                        continue;
                }
                assert_int_equal(err, 0);
                assert_true(span_eq(h.host, span_of(rows[i].host)));
                assert_int_equal(h.port, rows[i].port);
                assert_int_equal(h.transport, rows[i].transport);
                assert_int_equal(h.sips, rows[i].sips);
        }
}

/* Every span of the message must follow when its Via grows or shrinks. */
static void via_gets_received_and_rport(void **state)
{
        static const struct {
                const char *via, *from, *want;
        } rows[] = {
                {"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "192.0.2.1:7",
                 "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"},
                {"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", "192.0.2.2:7",
                 "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;received=192.0.2.2"},
                {"SIP/2.0/UDP a.example.net:1;rport;branch=z9hG4bK1", "192.0.2.2:7",
                 "SIP/2.0/UDP a.example.net:1;branch=z9hG4bK1;rport=7;received=192.0.2.2"},
                {"SIP/2.0/UDP 192.0.2.1;rport=9;branch=z9hG4bK1;received=10.0.0.1", "192.0.2.1:7",
                 "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport=7;received=192.0.2.1"},
                {"SIP/2.0/UDP 192.0.2.1;received=10.0.0.1;branch=z9hG4bK1", "192.0.2.1:7",
                 "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"},
                {"SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport, SIP/2.0/UDP b", "[2001:db8::2]:7",
                 "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1;rport=7;received=2001:db8::2, SIP/2.0/UDP "
                 "b"},
                {"SIP/2.0/UDP [2001:DB8:0::1];branch=z9hG4bK1", "[2001:db8::1]:7",
                 "SIP/2.0/UDP [2001:DB8:0::1];branch=z9hG4bK1"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char text[1024];
                struct sip_msg *m, *again;
                struct addr from;
                size_t used;

                (void)snprintf(
                        text, sizeof(text),
                        "REGISTER sip:example.net SIP/2.0\r\nMax-Forwards: 1\r\nVia: %s\r\n"
                        "Via: SIP/2.0/UDP below\r\nFrom: <sip:a@b>;tag=t\r\nTo: <sip:a@b>\r\nCall-ID: c\r\n"
                        "CSeq: 9 REGISTER\r\nContent-Length: 4\r\n\r\nbody",
                        rows[i].via);
                assert_int_equal(sip_msg_parse(span_of(text), SIP_DATAGRAM, &m, &used), 0);
                assert_int_equal(addr_parse(span_of(rows[i].from), 0, &from), 0);
                assert_int_equal(sip_via_stamp(&m, &from), 0);
                assert_true(span_eq(sip_msg_hdr(m, SIP_HDR_VIA, 0)->value, span_of(rows[i].want)));
                /* the same as if it had been received that way */
                assert_int_equal(sip_msg_parse(span_make(m->buf, m->n), SIP_DATAGRAM, &again, &used), 0);
                assert_int_equal(m->n, again->n);
                assert_int_equal(m->n_hdrs, again->n_hdrs);
                for (size_t k = 0; k < m->n_hdrs; k++) {
                        assert_int_equal(m->hdrs[k].id, again->hdrs[k].id);
                        assert_int_equal(m->hdrs[k].name.p - m->buf, again->hdrs[k].name.p - again->buf);
                        assert_int_equal(m->hdrs[k].value.p - m->buf, again->hdrs[k].value.p - again->buf);
                        assert_int_equal(m->hdrs[k].value.n, again->hdrs[k].value.n);
                        assert_int_equal(m->hdrs[k].line.p - m->buf, again->hdrs[k].line.p - again->buf);
                        assert_int_equal(m->hdrs[k].line.n, again->hdrs[k].line.n);
                }
                assert_true(span_eq(m->via.transport, again->via.transport));
                assert_true(span_eq(m->via.host, again->via.host));
                assert_true(span_eq(m->via.branch, again->via.branch));
                assert_true(span_eq(m->via.received, again->via.received));
                assert_int_equal(m->via.rport, again->via.rport);
                assert_true(span_eq(m->call_id, again->call_id));
                assert_true(span_eq(m->from_tag, SPAN("t")));
                assert_true(span_eq(m->ruri, SPAN("sip:example.net")));
                assert_true(span_eq(m->body, SPAN("body")));
                sip_msg_unref(m);
                sip_msg_unref(again);
        }
}

static void form_of_listen_and_hosts(void **state)
{
        enum transport t;
        struct addr a;
        char text[ADDR_STR];

        (void)state;
        assert_null(sip_conf_check_listen("udp:192.0.2.1:5060"));
        assert_null(sip_conf_check_listen("tcp:[2001:db8::1]:5060"));
        assert_int_equal(sip_conf_parse_listen("TCP:192.0.2.1", &t, &a), 0);
        assert_int_equal(t, TRANSPORT_TCP);
        assert_string_equal(addr_str(&a, text), "192.0.2.1:5060");
        assert_non_null(sip_conf_check_listen("192.0.2.1:5060"));
        assert_null(sip_conf_check_listen("tls:192.0.2.1:5061"));
        assert_non_null(sip_conf_check_listen("udp:pcscf.example.net:5060"));
        assert_non_null(sip_conf_check_listen("udp:"));
        assert_non_null(sip_conf_check_listen(""));
        assert_null(sip_conf_check_hosts("icscf.example.net=192.0.2.1"));
        assert_null(sip_conf_check_hosts("icscf.example.net=192.0.2.1:5070/tcp"));
        assert_null(sip_conf_check_hosts("icscf.example.net=[2001:db8::1]:5070"));
        assert_non_null(sip_conf_check_hosts("icscf.example.net"));
        assert_non_null(sip_conf_check_hosts("=192.0.2.1"));
        assert_non_null(sip_conf_check_hosts("a=b"));
        assert_non_null(sip_conf_check_hosts("   =192.0.2.1"));   /* the resolver would refuse it */
        assert_null(sip_conf_check_hosts("a = 192.0.2.1 / tcp")); /* and take this */
        assert_non_null(sip_conf_check_hosts("a=192.0.2.1/pigeon"));
}

static void stack_from_a_configuration(void **state)
{
        char *listen[] = {"udp:127.0.0.1:0", "tcp:127.0.0.1:0"}, *hosts[] = {"b.test=127.0.0.1:5070"};
        struct sip_conf c = {.listen = {listen, NULL, 2}, .hosts = {hosts, NULL, 1}};
        struct sip_stack_handlers h = {.on_request = node_on_request};
        struct world w;
        struct node taken;
        struct resolver *r = NULL;
        struct sip_stack *s = NULL;
        char busy[80], name[ADDR_STR];

        (void)state;
        world_start(&w, NULL, 0);
        assert_int_equal(sip_conf_start(w.loop, &c, &h, NULL, &r, &s), 0);
        sip_stack_free(s);
        resolver_free(r);
        /* each failure has its own error, and leaves nothing open */
        node_start(&taken, &w, NULL);
        log_init("test", LOG_ERROR);
        (void)snprintf(busy, sizeof(busy), "tcp:%s", addr_str(&taken.tcp, name));
        listen[1] = busy;
        assert_int_equal(sip_conf_start(w.loop, &c, &h, NULL, &r, &s), -IMS_EADDRINUSE);
        listen[1] = "tcp:192.0.2.1:5060"; /* not ours */
        assert_true(sip_conf_start(w.loop, &c, &h, NULL, &r, &s) < 0);
        listen[1] = "pigeon:127.0.0.1:1";
        assert_int_equal(sip_conf_start(w.loop, &c, &h, NULL, &r, &s), -IMS_EPARSE);
        hosts[0] = "b.test";
        assert_int_equal(sip_conf_start(w.loop, &c, &h, NULL, &r, &s), -IMS_ECONF);
        c.hosts.n = 0;
        c.listen.n = 0;
        assert_int_equal(sip_conf_start(w.loop, &c, &h, NULL, &r, &s), -IMS_ECONF);
        node_stop(&taken);
        world_stop(&w);
}

static void tokens_differ(void **state)
{
        char a[17], b[17];

        (void)state;
        for (int i = 0; i < 100; i++) {
                sip_token(a);
                sip_token(b);
                assert_int_equal(strlen(a), 16);
                assert_int_equal(strspn(a, "0123456789abcdef"), 16);
                assert_string_not_equal(a, b);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(next_hop_of_a_uri),
                cmocka_unit_test(via_gets_received_and_rport),
                cmocka_unit_test(form_of_listen_and_hosts),
                cmocka_unit_test(stack_from_a_configuration),
                cmocka_unit_test(tokens_differ),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
