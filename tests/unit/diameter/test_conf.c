/* SPDX-License-Identifier: BSD-3-Clause
 * The configuration keys diameter.* and the node made from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/diameter/dia_conf.h"

struct conf {
        struct dia_conf dia;
};

static const struct conf_key keys[] = {DIA_CONF_KEYS(struct conf, dia), {.name = NULL}};
static const struct conf_schema schema = {.node = "test", .size = sizeof(struct conf), .keys = keys};

static int parse(const char *text, struct conf **out, struct buf *err)
{
        void *p = NULL;
        int r = conf_parse(&schema, "test.yaml", span_of(text), &p, err);

        *out = p;
        return r;
}

static void test_node(void **state)
{
        struct conf *c = NULL;
        struct buf err = BUF_INIT;
        struct loop *loop = NULL;
        struct dia_node *node = NULL;
        struct dia_handlers h = {0};
        const struct dia_conf_peer *peers;

        (void)state;
        assert_int_equal(parse("diameter:\n"
                               "  identity: scscf.example.org\n"
                               "  realm: example.org\n"
                               "  listen: [ \"127.0.0.1:0\" ]\n"
                               "  tw: 2s\n"
                               "  peers:\n"
                               "    - identity: hss.example.org\n"
                               "      address: \"127.0.0.1:1\"\n"
                               "      from: [ 127.0.0.1, 10.0.0.0/8 ]\n"
                               "      priority: 3\n"
                               "    - identity: relay.example.org\n"
                               "      realm: example.com\n"
                               "      relay: yes\n",
                               &c, &err),
                         0);
        peers = c->dia.peers.items;
        assert_int_equal(c->dia.peers.n, 2);
        assert_int_equal(peers[0].priority, 3);
        assert_int_equal(peers[0].from.n, 2);
        assert_string_equal(((char **)peers[0].from.items)[1], "10.0.0.0/8");
        assert_int_equal(peers[1].from.n, 0);
        assert_false(peers[0].relay);
        assert_int_equal(peers[1].priority, 10);
        assert_true(peers[1].relay);
        assert_int_equal(c->dia.tw_ms, 2000);
        assert_int_equal(c->dia.answer_ms, 1500);
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(dia_conf_start(loop, &c->dia, &h, NULL, &node), 0);
        assert_string_equal(dia_node_identity(node), "scscf.example.org");
        assert_string_equal(dia_node_realm(node), "example.org");
        assert_true(addr_port(dia_node_listen_addr(node, 0)) != 0);
        assert_false(dia_node_has_peer(node));
        dia_node_free(node);
        loop_free(loop);
        conf_free(&schema, c);
        buf_free(&err);
}

static void test_bad_values(void **state)
{
        static const char *const texts[] = {
                "diameter:\n  identity: \"a b\"\n  realm: example.org\n",
                "diameter:\n  identity: a..b\n  realm: example.org\n",
                "diameter:\n  identity: a.example.org\n  realm: \"-x\"\n",
                "diameter:\n  identity: a.example.org\n",
                "diameter:\n  identity: a.example.org\n  realm: example.org\n  listen: [ \"here:3868\" ]\n",
                "diameter:\n  identity: a.example.org\n  realm: example.org\n  peers:\n    - address: "
                "10.0.0.1\n",
                "diameter:\n  identity: a.example.org\n  realm: example.org\n  tw: 1ms\n",
        };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct conf *c = NULL;
                struct buf err = BUF_INIT;

                assert_int_equal(parse(texts[i], &c, &err), -IMS_ECONF);
                assert_true(err.n > 0);
                buf_free(&err);
        }
}

static void test_port_in_use(void **state)
{
        struct loop *loop = NULL;
        struct dia_node *first = NULL, *second = NULL;
        struct dia_handlers h = {0};
        struct addr any;
        struct dia_node_conf conf = {
                .identity = "a.example.org", .realm = "example.org", .listen = &any, .n_listen = 1};

        (void)state;
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(dia_node_new(loop, &conf, &h, NULL, &first), 0);
        any = *dia_node_listen_addr(first, 0);
        assert_int_equal(dia_node_new(loop, &conf, &h, NULL, &second), -IMS_EADDRINUSE);
        dia_node_free(first);
        loop_free(loop);
}

static void test_peer_twice(void **state)
{
        struct loop *loop = NULL;
        struct dia_node *node = NULL;
        struct dia_handlers h = {0};
        struct dia_peer_conf peers[] = {{.identity = "b.example.org"}, {.identity = "B.example.org"}};
        struct dia_node_conf conf = {
                .identity = "a.example.org", .realm = "example.org", .peers = peers, .n_peers = 2};

        (void)state;
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(dia_node_new(loop, &conf, &h, NULL, &node), -IMS_EEXISTS);
        loop_free(loop);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_node),
                cmocka_unit_test(test_bad_values),
                cmocka_unit_test(test_port_in_use),
                cmocka_unit_test(test_peer_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
