/* SPDX-License-Identifier: BSD-3-Clause
 * What a peer said stands in no memory that was given back: vectors and H(A1) of an MAA come in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/watch_free.h"

#include "tests/unit/diameter/raw.h"

/* Runs the loop until the node holds that much of a message. */
static void holds(struct dia_node *node, size_t n)
{
        const struct dia_conn *c = container_of(node->conns.next, struct dia_conn, node);

        while (c->rx.n != n)
                loop_once(node->loop);
}

/* A message of which the last octet never comes: it grows as its pieces do, and the connection ends. */
static void in_pieces(void **state)
{
        struct addr any;
        struct dia_peer_conf peer = {.identity = "raw.example.org"};
        struct dia_node_conf conf = {.identity = "scscf.example.org",
                                     .realm = "example.org",
                                     .listen = &any,
                                     .n_listen = 1,
                                     .peers = &peer,
                                     .n_peers = 1,
                                     .message_max = 65536};
        struct dia_handlers h = {0};
        struct buf b = raw_begin(CMD_MAA, 0, CX_APPLICATION, 7);
        static char filler[8000];
        struct dia_node *node;
        struct loop *l;
        struct raw r;
        size_t half;

        (void)state;
        if (!CAN_LOOK) {
                buf_free(&b);
                skip();
        }
        assert_int_equal(addr_parse(SPAN("127.0.0.1:0"), 0, &any), 0);
        assert_int_equal(loop_new(&l), 0);
        assert_int_equal(dia_node_new(l, &conf, &h, NULL, &node), 0);
        raw_open(&r, l, dia_node_listen_addr(node, 0), "raw.example.org");
        dia_put_os(&b, AVP_DIGEST_HA1, SPAN(MARK));
        half = b.n;
        dia_put_os(&b, AVP_DIGEST_HA1, span_make(filler, sizeof(filler)));
        dia_put_end(&b, 0);
        watching = true;
        raw_send(&r, span_make(b.p, half));
        holds(node, half);
        raw_send(&r, span_make(b.p + half, b.n - half - 1));
        holds(node, b.n - 1);
        raw_free(&r);
        dia_node_free(node);
        loop_free(l);
        watching = false;
        assert_int_equal(found, 0);
        buf_free(&b);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(in_pieces),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
